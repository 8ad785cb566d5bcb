/* The same story over every interface and dialect, two drivers in one process: connect with a
 * payload, send in every way there is, meet a full queue, part with a reason. */
#include "pair.h"

#define MESSAGE_MAX 70000
#define MANY 3
#define QUEUE_BYTES 65536 /* outbound_bytes_max in the test of the full queue */
#define FLOOD_MAX 20000   /* more messages than any queue takes */
#define PING_INTERVAL_MS 20

/* A way to connect. */
struct way {
  const char *name;
  uint32_t kind, dialect;
  const char *address;
};

static const struct way ways[] = {
    {"udp", ND_INTERFACE_UDP, ND_DIALECT_UTP, "127.0.0.1"},
    {"udp over IPv6", ND_INTERFACE_UDP, ND_DIALECT_UTP, "::1"},
    {"tcp", ND_INTERFACE_TCP, ND_DIALECT_UTP, "127.0.0.1"},
    {"tcp over IPv6", ND_INTERFACE_TCP, ND_DIALECT_UTP, "::1"},
    {"ipc", ND_INTERFACE_IPC, ND_DIALECT_UTP, "127.0.0.1"},
    {"websocket utp", ND_INTERFACE_WEBSOCKET, ND_DIALECT_UTP, "127.0.0.1"},
    {"websocket plain", ND_INTERFACE_WEBSOCKET, ND_DIALECT_PLAIN, "127.0.0.1"},
};

static uint8_t pattern[MESSAGE_MAX];

static struct pair open_way(const struct way *way, const nd_settings *server,
                            const nd_settings *client) {
  nd_interface_settings settings = interface_of(way->kind);
  return open_pair(&settings, server, client, way->address);
}

/* Connects one client; returns its connection and the server's. */
static nd_connection connect_way(struct pair *pair, const struct way *way,
                                 nd_connection *incoming) {
  nd_connection outgoing;
  if (way->dialect == ND_DIALECT_UTP) return connect_pair(pair, incoming);
  outgoing = connect_url(pair, "/", NULL);
  CHECK_EQUAL(next_event(pair, pair->client).kind, ND_EVENT_CONNECT);
  /* A plain client shows up with its first message, or when it stays silent. */
  *incoming = next_connection(pair);
  CHECK(*incoming != 0);
  return outgoing;
}

static void payloads(const struct way *way) {
  static const uint8_t ticket[] = "ticket", greeting[] = "greeting";
  struct pair pair = open_way(way, NULL, NULL);
  nd_connection outgoing = 0, incoming;
  nd_connect_options options;
  nd_event event;
  uint8_t bytes[64];
  uint32_t length = 0;
  int expected = way->dialect == ND_DIALECT_UTP;
  NEED_OK(nd_connect_options_init(&options));
  CHECK_OK(nd_driver_set_accept_payload(pair.server, greeting, sizeof greeting));
  if (expected)
    NEED_OK(nd_driver_connect(pair.client, pair.client_interface, &pair.address, ticket,
                              sizeof ticket, &outgoing));
  else
    outgoing = connect_url(&pair, "/", &options);
  incoming = next_connection(&pair);
  event = next_event(&pair, pair.client);
  CHECK_EQUAL(event.kind, ND_EVENT_CONNECT);
  CHECK(event.connection == outgoing);
  CHECK_EQUAL(event.data_length, expected ? sizeof greeting : 0);
  CHECK(!expected || memcmp(event.data, greeting, sizeof greeting) == 0);
  CHECK_OK(nd_connection_get_connect_payload(pair.server, incoming, bytes, sizeof bytes, &length));
  CHECK_EQUAL(length, expected ? sizeof ticket : 0);
  CHECK(!expected || memcmp(bytes, ticket, sizeof ticket) == 0);
  if (expected) {
    CHECK_RESULT(nd_connection_get_connect_payload(pair.server, incoming, bytes, 2, &length),
                 ND_ERROR_BUFFER_TOO_SMALL);
    CHECK_EQUAL(length, sizeof ticket);
  }
  close_pair(&pair);
}

static void facts(struct pair *pair, const struct way *way, nd_connection outgoing,
                  nd_connection incoming) {
  nd_connection_info here, there;
  int32_t state = 0;
  CHECK_OK(nd_connection_info_init(&here));
  CHECK_OK(nd_connection_info_init(&there));
  CHECK_OK(nd_connection_get_info(pair->server, incoming, &here));
  CHECK_OK(nd_connection_get_info(pair->client, outgoing, &there));
  CHECK_EQUAL(here.state, ND_STATE_CONNECTED);
  CHECK_EQUAL(there.state, ND_STATE_CONNECTED);
  CHECK_EQUAL(here.interface_kind, way->kind);
  CHECK_EQUAL(there.interface_kind, way->kind);
  CHECK_EQUAL(here.interface_index, pair->server_interface);
  CHECK_EQUAL(here.dialect, way->dialect);
  CHECK_EQUAL(there.dialect, way->dialect);
  CHECK(memcmp(&there.remote, &pair->address, sizeof there.remote) == 0);
  CHECK_EQUAL(here.local.port, pair->address.port);
  CHECK_EQUAL(here.remote.port, there.local.port);
  CHECK_EQUAL(here.messages_in + here.messages_out + here.bytes_in + here.bytes_out, 0);
  CHECK_OK(nd_connection_get_state(pair->client, outgoing, &state));
  CHECK_EQUAL(state, ND_STATE_CONNECTED);
}

/* Sends a message there, and back as an echo. */
static void there_and_back(struct pair *pair, nd_connection outgoing, nd_connection incoming,
                           uint32_t length, uint32_t send_flags) {
  uint32_t event_flags = ND_EVENT_FLAG_FIRST | ND_EVENT_FLAG_LAST;
  nd_event event;
  if (send_flags == ND_SEND_FLAG_TEXT) event_flags |= ND_EVENT_FLAG_TEXT;
  CHECK_OK(nd_driver_send(pair->client, outgoing, 0, pattern, length, send_flags));
  event = next_event(pair, pair->server);
  CHECK(event.connection == incoming);
  CHECK_DATA(event, pattern, length);
  CHECK_EQUAL(event.flags, event_flags);
  CHECK_EQUAL(event.pipeline, 0);
  CHECK_OK(nd_driver_send(pair->server, incoming, 0, event.data, event.data_length, send_flags));
  event = next_event(pair, pair->client);
  CHECK(event.connection == outgoing);
  CHECK_DATA(event, pattern, length);
  CHECK_EQUAL(event.flags, event_flags);
}

static void echoes(struct pair *pair, const struct way *way, nd_connection outgoing,
                   nd_connection incoming) {
  uint32_t largest = 0;
  nd_connection_info info;
  CHECK_OK(nd_connection_get_payload_size_max(pair->client, outgoing, 0, &largest));
  CHECK(largest >= 1300);
  there_and_back(pair, outgoing, incoming, 0, 0);
  there_and_back(pair, outgoing, incoming, 1, 0);
  there_and_back(pair, outgoing, incoming, 1300, 0);
  if (largest <= MESSAGE_MAX) there_and_back(pair, outgoing, incoming, largest, 0);
  if (way->dialect == ND_DIALECT_PLAIN) {
    there_and_back(pair, outgoing, incoming, MESSAGE_MAX, 0);
    there_and_back(pair, outgoing, incoming, 0, ND_SEND_FLAG_TEXT);
    there_and_back(pair, outgoing, incoming, 5000, ND_SEND_FLAG_TEXT);
    CHECK_RESULT(nd_driver_send(pair->client, outgoing, 0, (const uint8_t *)"\xff", 1,
                                ND_SEND_FLAG_TEXT), ND_ERROR_INVALID_ARGUMENT);
    there_and_back(pair, outgoing, incoming, 7, 0);
  }
  CHECK_OK(nd_connection_info_init(&info));
  CHECK_OK(nd_connection_get_info(pair->server, incoming, &info));
  CHECK(info.messages_in >= 4 && info.messages_out == info.messages_in);
  CHECK(info.bytes_in >= 1301 && info.bytes_out == info.bytes_in);
  CHECK(info.last_message_age_ms < PATIENCE_MS);
}

/* Several messages written in place at once leave in the order in which they are ended. */
static void in_place(struct pair *pair, nd_connection outgoing) {
  nd_send first, second, third;
  nd_event event;
  CHECK_OK(nd_driver_begin_send(pair->client, outgoing, 0, 0, &first));
  CHECK(first.capacity >= 1300);
  CHECK_OK(nd_driver_begin_send(pair->client, outgoing, 0, 16, &second));
  CHECK(second.capacity >= 16);
  CHECK_OK(nd_driver_begin_send(pair->client, outgoing, 0, 16, &third));
  memcpy(first.data, "first", 5);
  memcpy(second.data, "second", 6);
  memcpy(third.data, "third", 5);
  CHECK_OK(nd_driver_end_send(pair->client, &second, 6, 0));
  CHECK_OK(nd_driver_abort_send(pair->client, &third));
  CHECK_OK(nd_driver_end_send(pair->client, &first, 5, 0));
  event = next_event(pair, pair->server);
  CHECK_DATA(event, "second", 6);
  event = next_event(pair, pair->server);
  CHECK_DATA(event, "first", 5);
}

static void to_many(const struct way *way) {
  struct pair pair = open_way(way, NULL, NULL);
  nd_connection outgoing[MANY], incoming[MANY + 1];
  nd_result results[MANY + 1];
  uint32_t sent = 0, seen = 0, count = 9;
  nd_event event;
  for (int i = 0; i < MANY; i++) outgoing[i] = connect_way(&pair, way, &incoming[i]);
  CHECK_OK(nd_driver_disconnect(pair.server, incoming[0]));
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_DISCONNECT);
  incoming[MANY] = 0;
  CHECK_OK(nd_driver_send_to_many(pair.server, incoming, MANY + 1, 0, pattern, 100, 0, results,
                                  &sent));
  CHECK_EQUAL(sent, MANY - 1);
  CHECK_RESULT(results[0], ND_ERROR_NETWORK_VERSION_MISMATCH);
  CHECK_RESULT(results[1], ND_OK);
  CHECK_RESULT(results[2], ND_OK);
  CHECK_RESULT(results[3], ND_ERROR_NETWORK_ID_MISMATCH);
  for (int i = 1; i < MANY; i++) {
    event = next_event(&pair, pair.client);
    CHECK_DATA(event, pattern, 100);
    for (uint32_t k = 1; k < MANY; k++) seen |= (uint32_t)(event.connection == outgoing[k]) << k;
  }
  CHECK_EQUAL(seen, 6);
  /* Popping by connection takes only what is that connection's. */
  CHECK_OK(nd_driver_send(pair.client, outgoing[1], 0, pattern, 11, 0));
  CHECK_OK(nd_driver_send(pair.client, outgoing[2], 0, pattern, 12, 0));
  for (int64_t end = now_ms() + PATIENCE_MS; now_ms() < end; turn(&pair)) {
    uint32_t other = 0;
    CHECK_OK(nd_driver_get_event_count(pair.server, incoming[1], &count));
    CHECK_OK(nd_driver_get_event_count(pair.server, incoming[2], &other));
    checks_passed -= 2;
    if (count == 1 && other == 1) break;
  }
  CHECK_EQUAL(count, 1);
  CHECK_OK(nd_driver_pop_event_for_connection(pair.server, incoming[2], &event));
  CHECK_DATA(event, pattern, 12);
  CHECK_OK(nd_driver_pop_event_for_connection(pair.server, incoming[2], &event));
  CHECK_EQUAL(event.kind, ND_EVENT_EMPTY);
  CHECK_OK(nd_driver_pop_events(pair.server, &event, 1, &count));
  CHECK_EQUAL(count, 1);
  CHECK_DATA(event, pattern, 11);
  close_pair(&pair);
}

/* A full send queue is an error at the call, then a Writable event; what was taken arrives. */
static void full_queue(const struct way *way) {
  nd_settings settings = default_settings();
  struct pair pair;
  nd_connection outgoing, incoming = 0;
  nd_result result = ND_OK;
  nd_event event;
  nd_connection_info info;
  uint32_t taken = 0, arrived = 0;
  settings.optional_events = ND_OPTIONAL_EVENT_WRITABLE;
  settings.outbound_bytes_max = QUEUE_BYTES;
  settings.send_queue_capacity = 8;
  pair = open_way(way, NULL, &settings);
  outgoing = connect_way(&pair, way, &incoming);
  while (taken < FLOOD_MAX) {
    result = nd_driver_send(pair.client, outgoing, 0, (const uint8_t *)&taken, sizeof taken, 0);
    if (result != ND_OK) break;
    taken += 1;
  }
  CHECK_RESULT(result, ND_ERROR_NETWORK_SEND_QUEUE_FULL);
  CHECK(taken >= 8 && taken < FLOOD_MAX);
  CHECK_OK(nd_connection_info_init(&info));
  CHECK_OK(nd_connection_get_info(pair.client, outgoing, &info));
  CHECK_EQUAL(info.messages_out, taken);
  CHECK(info.refused_out >= 1);
  event = next_event(&pair, pair.client);
  CHECK_EQUAL(event.kind, ND_EVENT_WRITABLE);
  CHECK(event.connection == outgoing);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, (const uint8_t *)&taken, sizeof taken, 0));
  for (arrived = 0; arrived <= taken; arrived++) {
    event = next_event(&pair, pair.server);
    if (event.kind != ND_EVENT_DATA || event.data_length != sizeof arrived ||
        memcmp(event.data, &arrived, sizeof arrived) != 0)
      break;
  }
  CHECK_EQUAL(arrived, taken + 1);
  /* Without a refusal there is nothing to tell. */
  turn_for(&pair, 20);
  CHECK_OK(nd_driver_pop_event(pair.client, &event));
  CHECK_EQUAL(event.kind, ND_EVENT_EMPTY);
  close_pair(&pair);
}

static void check_disconnect(const struct way *way, const nd_event *event, uint16_t code,
                             const char *text) {
  CHECK_EQUAL(event->kind, ND_EVENT_DISCONNECT);
  CHECK_EQUAL(event->reason, ND_DISCONNECT_CLOSED_BY_REMOTE);
  CHECK(event->flags & ND_EVENT_FLAG_CLEAN);
  if (way->dialect != ND_DIALECT_PLAIN) return;
  CHECK_EQUAL(event->close_code, code);
  CHECK_EQUAL(event->data_length, strlen(text));
  CHECK(event->data_length == strlen(text) && memcmp(event->data, text, strlen(text)) == 0);
}

/* Who closes gets no event; the other one learns the reason, and on plain connections the code. */
static void parting(const struct way *way) {
  static const uint8_t enough[] = "enough \xe2\x9c\x93";
  const uint16_t bad_codes[] = {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000};
  struct pair pair = open_way(way, NULL, NULL);
  nd_connection outgoing, incoming = 0;
  nd_event event;
  int32_t state = 9;
  outgoing = connect_way(&pair, way, &incoming);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, pattern, 9, 0));
  CHECK_OK(nd_driver_disconnect(pair.client, outgoing));
  CHECK_OK(nd_driver_disconnect(pair.client, outgoing)); /* once more does no harm */
  CHECK_OK(nd_connection_get_state(pair.client, outgoing, &state));
  CHECK_EQUAL(state, ND_STATE_DISCONNECTED);
  event = next_event(&pair, pair.server); /* what was sent before goes out first */
  CHECK_DATA(event, pattern, 9);
  event = next_event(&pair, pair.server);
  CHECK(event.connection == incoming);
  check_disconnect(way, &event, 1000, "");
  CHECK_OK(nd_connection_get_state(pair.server, incoming, &state));
  CHECK_EQUAL(state, ND_STATE_DISCONNECTED);
  CHECK(nd_driver_send(pair.server, incoming, 0, pattern, 1, 0) < 0);

  outgoing = connect_way(&pair, way, &incoming);
  for (size_t i = 0; way->dialect == ND_DIALECT_PLAIN && i < COUNT(bad_codes); i++)
    CHECK_RESULT(nd_driver_close(pair.server, incoming, bad_codes[i], NULL, 0),
                 ND_ERROR_INVALID_ARGUMENT);
  if (way->dialect == ND_DIALECT_PLAIN) {
    CHECK_RESULT(nd_driver_close(pair.server, incoming, 4001, pattern, 124),
                 ND_ERROR_INVALID_ARGUMENT);
    CHECK_RESULT(nd_driver_close(pair.server, incoming, 4001, (const uint8_t *)"\xff", 1),
                 ND_ERROR_INVALID_ARGUMENT);
  }
  CHECK_OK(nd_driver_close(pair.server, incoming, 4001, enough, sizeof enough - 1));
  event = next_event(&pair, pair.client);
  CHECK(event.connection == outgoing);
  check_disconnect(way, &event, 4001, (const char *)enough);
  turn_for(&pair, 20);
  CHECK_OK(nd_driver_pop_event(pair.server, &event));
  CHECK_EQUAL(event.kind, ND_EVENT_EMPTY);

  outgoing = connect_way(&pair, way, &incoming);
  CHECK_OK(nd_driver_close(pair.client, outgoing, 3999, NULL, 0));
  event = next_event(&pair, pair.server);
  check_disconnect(way, &event, 3999, "");
  close_pair(&pair);
}

/* A WebSocket measures each of its pings, a UTP client its handshake. */
static void round_trips(const struct way *way) {
  nd_settings settings = default_settings();
  nd_connection outgoing, incoming = 0;
  nd_connection_info info;
  struct pair pair;
  settings.ping_interval_ms = PING_INTERVAL_MS;
  settings.heartbeat_timeout_ms = PING_INTERVAL_MS;
  pair = open_way(way, NULL, &settings);
  outgoing = connect_way(&pair, way, &incoming);
  CHECK_OK(nd_connection_info_init(&info));
  for (int64_t end = now_ms() + PATIENCE_MS; now_ms() < end; turn(&pair)) {
    CHECK_OK(nd_connection_get_info(pair.client, outgoing, &info));
    checks_passed -= 1;
    if (info.round_trip_us != 0) break;
  }
  CHECK(info.round_trip_us > 0 && info.round_trip_us < PATIENCE_MS * 1000);
  close_pair(&pair);
}

/* A WebSocket's ping comes back as a pong with the same bytes; other connections have none. */
static void pings(const struct way *way) {
  static uint8_t large[126];
  nd_settings settings = default_settings();
  nd_connection outgoing, incoming = 0;
  nd_connection_info info;
  nd_event event;
  struct pair pair;
  settings.optional_events = ND_OPTIONAL_EVENT_PONG;
  settings.ping_interval_ms = 0;
  settings.heartbeat_timeout_ms = 0;
  pair = open_way(way, &settings, &settings);
  outgoing = connect_way(&pair, way, &incoming);
  if (way->kind != ND_INTERFACE_WEBSOCKET) {
    CHECK_RESULT(nd_driver_ping(pair.client, outgoing, NULL, 0), ND_ERROR_NOT_SUPPORTED);
    close_pair(&pair);
    return;
  }
  CHECK_RESULT(nd_driver_ping(pair.client, outgoing, large, 126),
               ND_ERROR_NETWORK_PACKET_OVERFLOW);
  CHECK_RESULT(nd_driver_ping(pair.client, outgoing, NULL, 1), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_driver_ping(pair.client, 0, NULL, 0), ND_ERROR_NETWORK_ID_MISMATCH);
  for (uint32_t length = 0; length <= 125; length += 125) {
    CHECK_OK(nd_driver_ping(pair.client, outgoing, pattern, length));
    event = next_event(&pair, pair.client);
    CHECK_EQUAL(event.kind, ND_EVENT_PONG);
    CHECK(event.connection == outgoing);
    CHECK_EQUAL(event.data_length, length);
    CHECK(memcmp(event.data, pattern, length) == 0);
  }
  CHECK_OK(nd_connection_info_init(&info));
  CHECK_EQUAL(info.last_message_age_ms, UINT32_MAX);
  CHECK_OK(nd_connection_get_info(pair.client, outgoing, &info));
  CHECK(info.round_trip_us > 0);
  CHECK_EQUAL(info.last_message_age_ms, UINT32_MAX);
  close_pair(&pair);
}

static void story(const struct way *way) {
  struct pair pair = open_way(way, NULL, NULL);
  nd_connection incoming = 0;
  nd_connection outgoing = connect_way(&pair, way, &incoming);
  int failed = checks_failed;
  facts(&pair, way, outgoing, incoming);
  echoes(&pair, way, outgoing, incoming);
  in_place(&pair, outgoing);
  close_pair(&pair);
  payloads(way);
  to_many(way);
  full_queue(way);
  parting(way);
  round_trips(way);
  pings(way);
  if (checks_failed != failed) fprintf(stderr, "the failures above are those of %s\n", way->name);
}

/* Machines without IPv6 are common: in containers for one. */
static int has_address(const char *address) {
  nd_interface_settings udp = interface_of(ND_INTERFACE_UDP);
  nd_driver *driver = NULL;
  nd_endpoint endpoint;
  nd_result result;
  uint32_t number = 0;
  NEED_OK(nd_driver_create(NULL, &driver));
  NEED_OK(nd_driver_add_interface(driver, &udp, &number));
  NEED_OK(nd_endpoint_parse(address, 0, ND_FAMILY_INVALID, &endpoint));
  result = nd_driver_bind(driver, number, &endpoint, NULL);
  CHECK_OK(nd_driver_destroy(driver));
  return result != ND_ERROR_NETWORK_SOCKET;
}

int main(void) {
  for (size_t i = 0; i < sizeof pattern; i++) pattern[i] = (uint8_t)('a' + (i * 7 + i / 26) % 26);
  CHECK(has_address("127.0.0.1"));
  for (size_t i = 0; i < COUNT(ways); i++) {
    if (has_address(ways[i].address)) story(&ways[i]);
    else printf("this machine has no %s: %s was not tested\n", ways[i].address, ways[i].name);
  }
  return finish();
}
