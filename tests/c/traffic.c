/* Traffic of a driver, quality of a connection, cookies, sizes of packets. */
#include "pair.h"

static nd_traffic_statistics traffic_of(nd_driver *driver) {
  nd_traffic_statistics statistics;
  NEED_OK(nd_traffic_statistics_init(&statistics));
  CHECK_OK(nd_driver_get_traffic_statistics(driver, &statistics));
  return statistics;
}

static nd_driver_statistics counters_of(nd_driver *driver) {
  nd_driver_statistics statistics;
  NEED_OK(nd_driver_statistics_init(&statistics));
  CHECK_OK(nd_driver_get_statistics(driver, &statistics));
  return statistics;
}

/* Moves time on until so many round trips were measured; how many there are then. */
static uint32_t round_trips(struct pair *pair, nd_connection connection, uint32_t count) {
  nd_connection_info info;
  int64_t end = now_ms() + PATIENCE_MS;
  NEED_OK(nd_connection_info_init(&info));
  do {
    turn(pair);
    NEED_OK(nd_connection_get_info(pair->server, connection, &info));
    checks_passed -= 1;
  } while (info.round_trip_count < count && now_ms() < end);
  CHECK(info.round_trip_smoothed_us > 0 && info.round_trip_min_us <= info.round_trip_max_us);
  CHECK_EQUAL(info.validated, 1);
  return info.round_trip_count;
}

static void numbers(uint32_t kind) {
  nd_settings settings = default_settings();
  settings.round_trip_interval_ms = 10;
  settings.perform_path_mtu_discovery = 1;
  settings.cookie_threshold = 0;
  settings.connect_timeout_ms = PATIENCE_MS; /* one request, however slow this machine is */
  nd_interface_settings interface = interface_of(kind);
  struct pair pair = open_pair(&interface, &settings, &settings, "127.0.0.1");
  nd_connection incoming = 0, outgoing = connect_pair(&pair, &incoming);
  static const uint8_t message[1000];
  uint32_t size = 0;

  CHECK_OK(nd_connection_get_message_size_max(pair.server, incoming, &size));
  CHECK_EQUAL(size, 1400);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, message, sizeof message, 0));
  nd_event event = next_event(&pair, pair.server);
  CHECK_DATA(event, message, sizeof message);

  nd_traffic_statistics traffic = traffic_of(pair.server);
  nd_driver_statistics counters = counters_of(pair.server);
  uint64_t classes = 0;
  for (int i = 0; i < 5; i++) classes += traffic.rx.size_classes[i];
  CHECK(classes == traffic.rx.packets && traffic.rx.packets > 0);
  CHECK(traffic.rx.bandwidth_mean > 0 && traffic.rx.queue_max > 0);
  CHECK(traffic.rx.size_min <= traffic.rx.size_mean && traffic.rx.size_mean <= traffic.rx.size_max);
  CHECK_EQUAL(traffic.receive_error, ND_OK);
  if (kind == ND_INTERFACE_UDP) {
    CHECK(traffic.rx.packets == counters.datagrams_in);
    CHECK(traffic.rx.bytes == traffic.rx.exact_bytes + 28 * traffic.rx.packets);
    CHECK(counters.retries_out == 1 && counters.cookies_accepted == 1);
    CHECK_EQUAL(counters.connections_unvalidated, 0);
  }

  CHECK(round_trips(&pair, incoming, 3) >= 3);
  nd_connection_statistics quality;
  NEED_OK(nd_connection_statistics_init(&quality));
  CHECK_OK(nd_connection_get_statistics(pair.server, incoming, &quality));
  CHECK(quality.latency_count >= 3);
  CHECK(quality.latency_min > 0 && quality.latency_min <= quality.latency_mean);
  CHECK(quality.latency_mean <= quality.latency_max && quality.latency_smoothed > 0);
  CHECK(quality.reliable_packets_sent == 0);
  close_pair(&pair);
}

static void misuse(void) {
  nd_settings settings = default_settings();
  nd_driver *driver = NULL;
  nd_traffic_statistics traffic;
  nd_connection_statistics quality;
  uint32_t size;
  NEED_OK(nd_driver_create(&settings, &driver));
  CHECK_RESULT(nd_traffic_statistics_init(NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_connection_statistics_init(NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_driver_get_traffic_statistics(driver, NULL), ND_ERROR_NULL_ARGUMENT);
  NEED_OK(nd_traffic_statistics_init(&traffic));
  traffic.struct_size = 8;
  CHECK_RESULT(nd_driver_get_traffic_statistics(driver, &traffic), ND_ERROR_STRUCT_SIZE);
  NEED_OK(nd_connection_statistics_init(&quality));
  CHECK_RESULT(nd_connection_get_statistics(driver, 1, &quality), ND_ERROR_NETWORK_ID_MISMATCH);
  CHECK_RESULT(nd_connection_get_message_size_max(driver, 1, &size), ND_ERROR_NETWORK_ID_MISMATCH);
  CHECK_OK(nd_driver_destroy(driver));
  CHECK_RESULT(nd_driver_get_traffic_statistics(driver, &traffic), ND_ERROR_INVALID_HANDLE);
}

int main(void) {
  numbers(ND_INTERFACE_UDP);
  numbers(ND_INTERFACE_WEBSOCKET);
  misuse();
  return finish();
}
