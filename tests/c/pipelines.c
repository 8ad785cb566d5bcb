/* Pipelines through the C functions: making them, sending through them, what they count, stages of
 * the program. */
#include "pair.h"

#define LONG 4096
#define FRAG_RELIABLE 4

static uint8_t message[LONG];

/* Makes the pipelines of this program; both sides need the same. */
static void make_all(nd_driver *driver) {
  static const uint32_t lists[][2] = {
      {ND_PIPELINE_STAGE_NULL, ND_PIPELINE_STAGE_FRAGMENTATION},
      {ND_PIPELINE_STAGE_NULL, ND_PIPELINE_STAGE_UNRELIABLE_SEQUENCED},
      {ND_PIPELINE_STAGE_RELIABLE_SEQUENCED, ND_PIPELINE_STAGE_SIMULATOR},
      {ND_PIPELINE_STAGE_FRAGMENTATION, ND_PIPELINE_STAGE_RELIABLE_SEQUENCED},
  };
  for (uint32_t i = 0; i < COUNT(lists); i++) {
    nd_pipeline_stage stages[2];
    uint8_t made = 0;
    memset(stages, 0, sizeof stages);
    stages[0].stage = lists[i][0];
    stages[1].stage = lists[i][1];
    CHECK_OK(nd_driver_create_pipeline(driver, stages, 2, &made));
    CHECK_EQUAL(made, i + 1);
  }
}

/* A pair with pipelines, connected. */
static struct pair open_with_pipelines(uint32_t kind, nd_connection *outgoing,
                                       nd_connection *incoming) {
  nd_interface_settings interface_settings = interface_of(kind);
  nd_settings settings = default_settings();
  struct pair pair = open_pair(&interface_settings, &settings, &settings, "127.0.0.1");
  make_all(pair.server);
  make_all(pair.client);
  *outgoing = connect_pair(&pair, incoming);
  return pair;
}

static void messages_go_through(uint32_t kind, uint32_t plain_room) {
  nd_connection outgoing = 0, incoming = 0;
  struct pair pair = open_with_pipelines(kind, &outgoing, &incoming);
  const uint32_t rooms[] = {plain_room, LONG, plain_room - 2, plain_room - 12, LONG};
  const uint32_t headers[] = {0, 2, 2, 12, 14};
  for (uint8_t pipeline = 0; pipeline <= FRAG_RELIABLE; pipeline++) {
    uint32_t room = 0, header = 0;
    nd_event event;
    nd_send in_place;
    CHECK_OK(nd_connection_get_payload_size_max(pair.client, outgoing, pipeline, &room));
    CHECK_EQUAL(room, rooms[pipeline]);
    CHECK_OK(nd_driver_get_header_size_max(pair.client, 0, pipeline, &header));
    CHECK_EQUAL(header, headers[pipeline] + (1400 - plain_room));
    CHECK_OK(nd_driver_send(pair.client, outgoing, pipeline, message, room, 0));
    event = next_event(&pair, pair.server);
    CHECK_DATA(event, message, room);
    CHECK_EQUAL(event.pipeline, pipeline);
    NEED_OK(nd_driver_begin_send(pair.server, incoming, pipeline, room, &in_place));
    memcpy(in_place.data, message, room);
    CHECK_OK(nd_driver_end_send(pair.server, &in_place, room, 0));
    event = next_event(&pair, pair.client);
    CHECK_DATA(event, message, room);
    CHECK_EQUAL(event.pipeline, pipeline);
    CHECK_RESULT(nd_driver_send(pair.client, outgoing, pipeline, message, room + 1, 0),
                 ND_ERROR_NETWORK_PACKET_OVERFLOW);
  }
  CHECK_RESULT(nd_driver_send(pair.client, outgoing, 5, message, 1, 0), ND_ERROR_INVALID_ARGUMENT);
  close_pair(&pair);
}

static void what_cannot_be_is_refused(void) {
  nd_driver *driver;
  nd_pipeline_stage stages[2];
  nd_simulator_stage simulator;
  nd_settings settings = default_settings();
  uint8_t made = 7;
  uint32_t size;
  NEED_OK(nd_driver_create(&settings, &driver));
  memset(stages, 0, sizeof stages);
  stages[0].stage = 5;
  CHECK_RESULT(nd_driver_create_pipeline(driver, stages, 1, &made), ND_ERROR_INVALID_ARGUMENT);
  stages[0].stage = ND_PIPELINE_STAGE_CUSTOM;
  CHECK_RESULT(nd_driver_create_pipeline(driver, stages, 1, &made), ND_ERROR_INVALID_ARGUMENT);
  stages[0].stage = ND_PIPELINE_STAGE_RELIABLE_SEQUENCED;
  stages[1].stage = ND_PIPELINE_STAGE_FRAGMENTATION;
  CHECK_RESULT(nd_driver_create_pipeline(driver, stages, 2, &made), ND_ERROR_INVALID_ARGUMENT);
  stages[0].window_size = 2041;
  CHECK_RESULT(nd_driver_create_pipeline(driver, stages, 1, &made), ND_ERROR_INVALID_ARGUMENT);
  stages[0].window_size = 0;
  stages[0].minimum_resend_time_ms = -1;
  CHECK_RESULT(nd_driver_create_pipeline(driver, stages, 1, &made), ND_ERROR_INVALID_ARGUMENT);
  stages[0].minimum_resend_time_ms = 0;
  stages[0].reserved = 1;
  CHECK_RESULT(nd_driver_create_pipeline(driver, stages, 1, &made), ND_ERROR_INVALID_ARGUMENT);
  stages[0].reserved = 0;
  CHECK_RESULT(nd_driver_create_pipeline(driver, NULL, 1, &made), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_driver_create_pipeline(driver, stages, 1, NULL), ND_ERROR_NULL_ARGUMENT);
  NEED_OK(nd_simulator_stage_init(&simulator));
  simulator.mode = 9;
  stages[0].stage = ND_PIPELINE_STAGE_SIMULATOR;
  stages[0].simulator = &simulator;
  CHECK_RESULT(nd_driver_create_pipeline(driver, stages, 1, &made), ND_ERROR_INVALID_ARGUMENT);
  simulator.struct_size = 3;
  CHECK_RESULT(nd_driver_create_pipeline(driver, stages, 1, &made), ND_ERROR_STRUCT_SIZE);
  CHECK_EQUAL(made, 7);
  CHECK_RESULT(nd_driver_get_header_size_max(driver, 0, 0, &size), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_set_simulator_stage(driver, 1, &simulator), ND_ERROR_STRUCT_SIZE);
  CHECK_RESULT(nd_driver_set_simulator_stage(driver, 1, NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_stage_forward(NULL, 0, NULL, 0), ND_ERROR_NETWORK_STATE_MISMATCH);
  CHECK_OK(nd_driver_create_pipeline(driver, NULL, 0, &made));
  CHECK_EQUAL(made, 1);
  CHECK_OK(nd_driver_destroy(driver));
  settings.reliable_window_size = 0;
  CHECK_RESULT(nd_driver_create(&settings, &driver), ND_ERROR_INVALID_ARGUMENT);
}

static void reliable_messages_survive_a_bad_stage(void) {
  nd_connection outgoing = 0, incoming = 0;
  struct pair pair = open_with_pipelines(ND_INTERFACE_IPC, &outgoing, &incoming);
  nd_simulator_stage simulator;
  nd_pipeline_statistics counted;
  uint8_t sent = 0, got = 0;
  uint32_t window = 0;
  int32_t least = 0, most = 0;
  NEED_OK(nd_simulator_stage_init(&simulator));
  simulator.packet_drop_percentage = 30;
  simulator.random_seed = 7;
  CHECK_OK(nd_driver_set_simulator_stage(pair.client, 3, &simulator));
  CHECK_OK(nd_connection_set_resend_times(pair.client, outgoing, 3, 2, 4));
  CHECK_RESULT(nd_connection_set_resend_times(pair.client, outgoing, 3, 4, 2),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_OK(nd_connection_get_reliable_parameters(pair.client, outgoing, 3, &window, &least, &most));
  CHECK_EQUAL(window, 32);
  CHECK_EQUAL(least, 2);
  CHECK_EQUAL(most, 4);
  CHECK_RESULT(
      nd_connection_get_reliable_parameters(pair.client, outgoing, 0, &window, &least, &most),
      ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(
      nd_connection_get_reliable_parameters(pair.client, outgoing, 3, NULL, &least, &most),
      ND_ERROR_NULL_ARGUMENT);
  for (int64_t end = now_ms() + PATIENCE_MS; got < 100 && now_ms() < end; turn(&pair)) {
    nd_event event;
    while (sent < 100 && nd_driver_send(pair.client, outgoing, 3, &sent, 1, 0) == ND_OK) sent++;
    for (;;) {
      NEED_OK(nd_driver_pop_event(pair.server, &event));
      checks_passed -= 1;
      if (event.kind == ND_EVENT_EMPTY) break;
      CHECK_DATA(event, &got, 1);
      got++;
    }
  }
  CHECK_EQUAL(got, 100);
  NEED_OK(nd_pipeline_statistics_init(&counted));
  CHECK_OK(nd_connection_get_pipeline_statistics(pair.client, outgoing, 3, &counted));
  CHECK_EQUAL(counted.reliable_packets_sent, 100);
  CHECK(counted.reliable_packets_resent > 0);
  CHECK(counted.simulator_dropped > 0);
  CHECK(counted.round_trip_last_us > 0);
  CHECK_EQUAL(counted.sequenced_packets_sent, 0);
  CHECK_RESULT(nd_connection_get_pipeline_statistics(pair.client, outgoing, 9, &counted),
               ND_ERROR_INVALID_ARGUMENT);
  close_pair(&pair);
}

/* A stage that sends everything 5 ms later, and counts what it is called for. */
struct late {
  uint8_t held[64];
  uint32_t length;
};

struct late_stage {
  int created, destroyed, timeouts;
  nd_driver *driver;
};

static int32_t late_create(void *user, uint64_t seed, void **out_instance) {
  struct late *late = calloc(1, sizeof *late);
  (void)seed;
  if (late == NULL) return -1;
  ((struct late_stage *)user)->created += 1;
  *out_instance = late;
  return 0;
}

static int32_t late_send(void *user, void *instance, nd_stage_call *call) {
  struct late *late = instance;
  nd_driver *driver = ((struct late_stage *)user)->driver;
  /* A stage must not call its driver, and what it does then is an error and nothing else. */
  CHECK_RESULT(nd_driver_update(driver), ND_ERROR_DRIVER_IN_USE);
  CHECK_RESULT(nd_driver_destroy(driver), ND_ERROR_DRIVER_IN_USE);
  CHECK_OK(nd_driver_wake(driver));
  if (late->length != 0) return ND_ERROR_NETWORK_SEND_QUEUE_FULL;
  if (call->data_length == 0 || call->data_length > sizeof late->held) return -9;
  memcpy(late->held, call->data, call->data_length);
  late->length = call->data_length;
  call->wake_us = call->now_us + 5000;
  return 0;
}

static int32_t late_timeout(void *user, void *instance, nd_stage_call *call) {
  struct late *late = instance;
  if (call->receiving || late->length == 0) return 0;
  ((struct late_stage *)user)->timeouts += 1;
  nd_stage_forward(NULL, 0, late->held, late->length);
  late->length = 0;
  return 0;
}

static void late_destroy(void *user, void *instance) {
  ((struct late_stage *)user)->destroyed += 1;
  free(instance);
}

static void a_stage_of_the_program_holds_packets(void) {
  struct late_stage shared[2] = {{0, 0, 0, NULL}, {0, 0, 0, NULL}};
  nd_interface_settings interface_settings = interface_of(ND_INTERFACE_IPC);
  nd_settings settings = default_settings();
  nd_stage_functions functions;
  nd_connection outgoing, incoming = 0;
  nd_event event;
  struct pair pair;
  NEED_OK(nd_driver_create(&settings, &pair.server));
  NEED_OK(nd_driver_create(&settings, &pair.client));
  nd_driver *drivers[] = {pair.server, pair.client};
  for (uint32_t i = 0; i < COUNT(drivers); i++) {
    nd_pipeline_stage stage;
    uint8_t made = 0;
    memset(&stage, 0, sizeof stage);
    NEED_OK(nd_stage_functions_init(&functions));
    shared[i].driver = drivers[i];
    functions.user = &shared[i];
    functions.create = late_create;
    functions.send = late_send;
    functions.timeout = late_timeout;
    functions.destroy = late_destroy;
    CHECK_OK(nd_driver_register_stage(drivers[i], &functions, &stage.stage));
    CHECK_EQUAL(stage.stage, ND_PIPELINE_STAGE_CUSTOM);
    CHECK_OK(nd_driver_create_pipeline(drivers[i], &stage, 1, &made));
    NEED_OK(nd_driver_add_interface(drivers[i], &interface_settings, &pair.server_interface));
  }
  pair.client_interface = pair.server_interface;
  NEED_OK(nd_endpoint_parse("127.0.0.1", 0, ND_FAMILY_INVALID, &pair.address));
  NEED_OK(nd_driver_bind(pair.server, 0, &pair.address, NULL));
  NEED_OK(nd_driver_get_local_endpoint(pair.server, 0, 0, &pair.address));
  NEED_OK(nd_driver_listen(pair.server));
  outgoing = connect_pair(&pair, &incoming);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 1, message, 64, 0));
  CHECK_RESULT(nd_driver_send(pair.client, outgoing, 1, message, 1, 0),
               ND_ERROR_NETWORK_SEND_QUEUE_FULL);
  event = next_event(&pair, pair.server);
  CHECK_DATA(event, message, 64);
  CHECK_RESULT(nd_driver_send(pair.client, outgoing, 1, message, 65, 0),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_EQUAL(shared[1].timeouts, 1);
  CHECK_RESULT(nd_driver_register_stage(pair.server, &functions, &pair.server_interface),
               ND_ERROR_NETWORK_STATE_MISMATCH);
  close_pair(&pair);
  for (uint32_t i = 0; i < COUNT(shared); i++) {
    CHECK(shared[i].created > 0);
    CHECK_EQUAL(shared[i].created, shared[i].destroyed);
  }
}

static uint32_t count_of(nd_driver *driver) {
  uint32_t count = 99;
  CHECK_OK(nd_driver_get_pipeline_count(driver, &count));
  return count;
}

static void asking_makes_nothing(void) {
  nd_driver *driver;
  nd_pipeline_stage stages[2];
  uint8_t made;
  NEED_OK(nd_driver_create(NULL, &driver));
  memset(stages, 0, sizeof stages);
  stages[0].stage = ND_PIPELINE_STAGE_FRAGMENTATION;
  stages[1].stage = ND_PIPELINE_STAGE_RELIABLE_SEQUENCED;
  CHECK_OK(nd_driver_check_pipeline(driver, stages, 2));
  CHECK_OK(nd_driver_check_pipeline(driver, NULL, 0));
  CHECK_EQUAL(count_of(driver), 0);
  stages[1].window_size = 2041;
  CHECK_RESULT(nd_driver_check_pipeline(driver, stages, 2), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_check_pipeline(driver, NULL, 1), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_driver_check_pipeline(NULL, NULL, 0), ND_ERROR_INVALID_HANDLE);
  CHECK_RESULT(nd_driver_get_pipeline_count(driver, NULL), ND_ERROR_NULL_ARGUMENT);
  for (uint32_t i = 0; i < 255; i++) NEED_OK(nd_driver_create_pipeline(driver, NULL, 0, &made));
  CHECK_EQUAL(count_of(driver), 255);
  CHECK_RESULT(nd_driver_check_pipeline(driver, NULL, 0), ND_ERROR_LIMIT_REACHED);
  CHECK_OK(nd_driver_destroy(driver));
}

int main(void) {
  for (uint32_t i = 0; i < LONG; i++) message[i] = (uint8_t)(i * 31 + i / 256);
  messages_go_through(ND_INTERFACE_IPC, 1390);
  messages_go_through(ND_INTERFACE_UDP, 1390);
  messages_go_through(ND_INTERFACE_TCP, 1388);
  messages_go_through(ND_INTERFACE_WEBSOCKET, 1376);
  what_cannot_be_is_refused();
  asking_makes_nothing();
  reliable_messages_survive_a_bad_stage();
  a_stage_of_the_program_holds_packets();
  return finish();
}
