/* Sessions between netdriver peers through the C functions: the settings, what a connection says of
 * its session, priorities. */
#include "pair.h"

static uint8_t message[1000];

static void make_reliable(nd_driver *driver) {
  nd_pipeline_stage stage;
  uint8_t made = 0;
  memset(&stage, 0, sizeof stage);
  stage.stage = ND_PIPELINE_STAGE_RELIABLE_SEQUENCED;
  NEED_OK(nd_driver_create_pipeline(driver, &stage, 1, &made));
  CHECK_EQUAL(made, 1);
}

static struct pair open_reliable(uint32_t kind, const nd_settings *server,
                                 const nd_settings *client, nd_connection *outgoing,
                                 nd_connection *incoming) {
  nd_interface_settings interface_settings = interface_of(kind);
  struct pair pair = open_pair(&interface_settings, server, client, "127.0.0.1");
  make_reliable(pair.server);
  make_reliable(pair.client);
  *outgoing = connect_pair(&pair, incoming);
  return pair;
}

static nd_connection_info info_of(nd_driver *driver, nd_connection connection) {
  nd_connection_info info;
  NEED_OK(nd_connection_info_init(&info));
  NEED_OK(nd_connection_get_info(driver, connection, &info));
  checks_passed -= 2;
  return info;
}

/* Waits until both sides have a session. */
static int both_agree(struct pair *pair, nd_connection outgoing, nd_connection incoming) {
  for (int64_t end = now_ms() + PATIENCE_MS; now_ms() < end; turn(pair)) {
    if (info_of(pair->client, outgoing).session && info_of(pair->server, incoming).session)
      return 1;
  }
  return 0;
}

static void two_peers_agree(uint32_t kind) {
  nd_connection outgoing = 0, incoming = 0;
  nd_settings settings = default_settings();
  struct pair pair = open_reliable(kind, &settings, &settings, &outgoing, &incoming);
  nd_connection_info info;
  CHECK(both_agree(&pair, outgoing, incoming));
  /* Far more than the window of 32 that Unity Transport has. */
  for (uint32_t i = 0; i < 200; i++) {
    message[0] = (uint8_t)i;
    CHECK_OK(nd_driver_send(pair.client, outgoing, 1, message, sizeof message, 0));
  }
  for (uint32_t i = 0; i < 200; i++) {
    nd_event event = next_event(&pair, pair.server);
    message[0] = (uint8_t)i;
    CHECK_DATA(event, message, sizeof message);
    CHECK_EQUAL(event.pipeline, 1);
  }
  info = info_of(pair.client, outgoing);
  CHECK(info.round_trip_us > 0 && info.round_trip_us < PATIENCE_MS * 1000);
  CHECK_EQUAL(info.session, 1);
  close_pair(&pair);
}

static void either_side_can_do_without(void) {
  for (int side = 0; side < 2; side++) {
    nd_connection outgoing = 0, incoming = 0;
    nd_settings with = default_settings(), without = default_settings();
    struct pair pair;
    without.session = 0;
    pair = open_reliable(ND_INTERFACE_UDP, side ? &with : &without, side ? &without : &with,
                         &outgoing, &incoming);
    CHECK_OK(nd_driver_send(pair.client, outgoing, 1, message, 10, 0));
    CHECK_EQUAL(next_event(&pair, pair.server).data_length, 10);
    turn_for(&pair, 50);
    CHECK_EQUAL(info_of(pair.client, outgoing).session, 0);
    CHECK_EQUAL(info_of(pair.server, incoming).session, 0);
    CHECK_EQUAL(info_of(pair.server, incoming).loss_permille, 0);
    close_pair(&pair);
  }
}

static void what_cannot_be_is_refused(void) {
  nd_settings settings = default_settings();
  nd_driver *driver = NULL;
  CHECK_EQUAL(settings.session, 1);
  CHECK_EQUAL(settings.session_repair_percent, 66);
  CHECK_EQUAL(settings.path_mtu_raise_interval_ms, 600000);
  settings.session = 2;
  CHECK_RESULT(nd_driver_create(&settings, &driver), ND_ERROR_INVALID_ARGUMENT);
  settings.session = 1;
  settings.session_repair_percent = 101;
  CHECK_RESULT(nd_driver_create(&settings, &driver), ND_ERROR_INVALID_ARGUMENT);
  settings.session_repair_percent = 0;
  NEED_OK(nd_driver_create(&settings, &driver));
  CHECK_RESULT(nd_driver_set_pipeline_priority(driver, 1, 7), ND_ERROR_INVALID_ARGUMENT);
  make_reliable(driver);
  CHECK_OK(nd_driver_set_pipeline_priority(driver, 1, 255));
  CHECK_RESULT(nd_driver_set_pipeline_priority(driver, 0, 7), ND_ERROR_INVALID_ARGUMENT);
  CHECK_OK(nd_driver_destroy(driver));
  CHECK_RESULT(nd_driver_set_pipeline_priority(driver, 1, 7), ND_ERROR_INVALID_HANDLE);
}

int main(void) {
  for (uint32_t i = 0; i < sizeof message; i++) message[i] = (uint8_t)(i * 7);
  two_peers_agree(ND_INTERFACE_UDP);
  two_peers_agree(ND_INTERFACE_IPC);
  either_side_can_do_without();
  what_cannot_be_is_refused();
  return finish();
}
