/* What only WebSocket has: texts of the request, sub-protocols, dialects, documents, refusals;
 * and the ways in which a connection fails on every interface. */
#include "sockets.h"

#include "pair.h"


/* After so much silence a connection ends here. Under Valgrind a first update takes a third of a
 * second, and this must be well above it. */
#define SILENCE_MS 1000

static struct pair open_websocket(uint32_t dialect, const char *path, const char *sub_protocols) {
  nd_interface_settings settings = interface_of(ND_INTERFACE_WEBSOCKET);
  settings.dialect = dialect;
  settings.path = path;
  settings.sub_protocols = sub_protocols;
  return open_pair(&settings, NULL, NULL, "127.0.0.1");
}

static void check_connection_text(nd_driver *driver, nd_connection connection, uint32_t kind,
                                  const char *wanted) {
  char text[256] = "untouched";
  uint32_t length = 0;
  CHECK_OK(nd_connection_get_text(driver, connection, kind, text, sizeof text, &length));
  CHECK_TEXT(text, wanted);
  CHECK_EQUAL(length, strlen(wanted));
}

static void request(void) {
  struct pair pair = open_websocket(ND_DIALECT_PLAIN, NULL, "arena.2,arena.1");
  nd_connect_options options;
  nd_connection outgoing, incoming;
  char text[TEXT_MAX] = "";
  uint32_t length = 0;
  NEED_OK(nd_connect_options_init(&options));
  options.sub_protocols = "x,arena.1,arena.2";
  options.headers = "X-Token: abc def\nX-Other: 1";
  outgoing = connect_url(&pair, "/rooms/7?token=x&y=2", &options);
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
  incoming = next_connection(&pair);
  check_connection_text(pair.server, incoming, ND_TEXT_PATH, "/rooms/7");
  check_connection_text(pair.server, incoming, ND_TEXT_QUERY, "token=x&y=2");
  check_connection_text(pair.server, incoming, ND_TEXT_SUB_PROTOCOL, "arena.2");
  check_connection_text(pair.client, outgoing, ND_TEXT_SUB_PROTOCOL, "arena.2");
  CHECK_OK(nd_connection_get_text(pair.server, incoming, ND_TEXT_HEADERS, text, sizeof text, NULL));
  CHECK(strstr(text, "X-Token: abc def\n") != NULL && strstr(text, "X-Other: 1\n") != NULL);
  CHECK_OK(nd_connection_get_header(pair.server, incoming, "x-token", text, sizeof text, &length));
  CHECK_TEXT(text, "abc def");
  CHECK_EQUAL(length, 7);
  CHECK_RESULT(nd_connection_get_header(pair.server, incoming, "X-Token", text, 7, &length),
               ND_ERROR_BUFFER_TOO_SMALL);
  CHECK_RESULT(nd_connection_get_header(pair.server, incoming, "X-None", text, sizeof text, NULL),
               ND_ERROR_NOT_FOUND);
  CHECK_OK(nd_connection_get_header(pair.client, outgoing, "upgrade", text, sizeof text, NULL));
  CHECK(strcmp(text, "websocket") == 0 || strcmp(text, "Websocket") == 0);
  close_pair(&pair);
}

/* One listener takes both dialects, and finds out which one a client speaks. */
static void automatic(void) {
  static const uint8_t hello[] = "hello";
  struct pair pair = open_websocket(ND_DIALECT_AUTO, NULL, NULL);
  nd_connection_info info;
  nd_connection incoming = 0, outgoing;
  nd_event event;
  CHECK_OK(nd_connection_info_init(&info));
  connect_pair(&pair, &incoming);
  CHECK_OK(nd_connection_get_info(pair.server, incoming, &info));
  CHECK_EQUAL(info.dialect, ND_DIALECT_UTP);

  outgoing = connect_url(&pair, "/any/path", NULL);
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, hello, 5, ND_SEND_FLAG_TEXT));
  incoming = next_connection(&pair); /* its first message waits for it to be accepted */
  CHECK_OK(nd_connection_get_info(pair.server, incoming, &info));
  CHECK_EQUAL(info.dialect, ND_DIALECT_PLAIN);
  event = next_event(&pair, pair.server);
  CHECK(event.connection == incoming);
  CHECK_DATA(event, hello, 5);
  CHECK(event.flags & ND_EVENT_FLAG_TEXT);
  close_pair(&pair);
}

static nd_event only_event(struct pair *pair, nd_connection connection) {
  nd_event event = next_event(pair, pair->client);
  CHECK(event.connection == connection);
  CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
  return event;
}

static void refusals(void) {
  struct pair pair = open_websocket(ND_DIALECT_PLAIN, "/game", NULL);
  nd_driver_statistics statistics;
  nd_event event;
  nd_connection outgoing;
  char text[TEXT_MAX] = "";
  event = only_event(&pair, connect_url(&pair, "/other", NULL));
  CHECK_EQUAL(event.reason, ND_DISCONNECT_HANDSHAKE_REJECTED);
  if (event.data_length < sizeof text && event.data_length != 0)
    memcpy(text, event.data, event.data_length);
  CHECK(strstr(text, "404") != NULL);
  CHECK_EQUAL(event.close_code, 404);
  CHECK_OK(nd_driver_statistics_init(&statistics));
  CHECK_OK(nd_driver_get_statistics(pair.server, &statistics));
  CHECK_EQUAL(statistics.handshakes_failed, 1);
  CHECK_EQUAL(statistics.handshakes_not_found, 1);
  CHECK_EQUAL(statistics.connections_incoming, 0);

  CHECK_OK(nd_driver_destroy(pair.server)); /* now nobody listens there */
  NEED_OK(nd_driver_create(NULL, &pair.server));
  outgoing = connect_url(&pair, "/game", NULL);
  event = only_event(&pair, outgoing);
  CHECK_EQUAL(event.reason, ND_DISCONNECT_CONNECTION_REFUSED);
  close_pair(&pair);
}

/* A client that insists on its sub-protocols, and a server that knows none of them. */
static void strict_sub_protocols(void) {
  nd_interface_settings plain = interface_of(ND_INTERFACE_WEBSOCKET);
  nd_settings strict = default_settings();
  nd_connect_options options;
  nd_event event;
  struct pair pair;
  CHECK_EQUAL(strict.sub_protocol_rule, ND_SUB_PROTOCOL_LENIENT);
  strict.sub_protocol_rule = ND_SUB_PROTOCOL_STRICT;
  plain.dialect = ND_DIALECT_PLAIN;
  pair = open_pair(&plain, NULL, &strict, "127.0.0.1");
  NEED_OK(nd_connect_options_init(&options));
  options.sub_protocols = "x";
  event = only_event(&pair, connect_url(&pair, "/", &options));
  CHECK_EQUAL(event.reason, ND_DISCONNECT_HANDSHAKE_REJECTED);
  CHECK_EQUAL(event.close_code, 101);
  close_pair(&pair);
}

/* Somebody takes the connection and says nothing. */
static void deadline(void) {
  struct pair pair = open_websocket(ND_DIALECT_PLAIN, NULL, NULL);
  nd_connect_options options;
  nd_event event;
  socket_number silent = local_stream(0);
  pair.address.port = port_of(silent);
  NEED_OK(nd_connect_options_init(&options));
  CHECK_EQUAL(options.connect_deadline_ms, 0);
  options.connect_deadline_ms = 50;
  event = only_event(&pair, connect_url(&pair, "/", &options));
  CHECK_EQUAL(event.reason, ND_DISCONNECT_MAX_CONNECTION_ATTEMPTS);
  close_socket(silent);
  close_pair(&pair);
}

/* Sends a request as a browser would and reads until the server closes; returns the length. */
static size_t http(struct pair *pair, const char *request_text, char *answer, size_t capacity) {
  size_t length = 0;
  int64_t end = now_ms() + PATIENCE_MS;
  socket_number stream = local_stream(pair->address.port);
  write_all(stream, request_text, strlen(request_text));
  while (now_ms() < end && length + 1 < capacity) {
    int64_t count = read_some(stream, answer + length, capacity - 1 - length);
    if (count == 0) break;
    if (count > 0) length += (size_t)count;
    turn(pair);
  }
  answer[length] = '\0';
  close_socket(stream);
  return length;
}

#define REST " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static void documents(void) {
  static const uint8_t page[] = "<!doctype html><p>page", other[] = "changed";
  struct pair pair = open_websocket(ND_DIALECT_AUTO, NULL, NULL);
  nd_driver_statistics statistics;
  char answer[4096];
  CHECK_OK(nd_driver_set_document(pair.server, pair.server_interface, "/", "text/html", page,
                                  sizeof page - 1));
  http(&pair, "GET /?q=1" REST, answer, sizeof answer);
  CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
  CHECK(strstr(answer, "text/html") != NULL);
  CHECK(strstr(answer, "\r\n\r\n<!doctype html><p>page") != NULL);
  http(&pair, "HEAD /" REST, answer, sizeof answer);
  CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
  CHECK(strstr(answer, "doctype") == NULL);
  http(&pair, "GET /none" REST, answer, sizeof answer);
  CHECK(strncmp(answer, "HTTP/1.1 404 ", 13) == 0);
  CHECK_OK(nd_driver_set_document(pair.server, pair.server_interface, "/", "text/plain", other, 7));
  http(&pair, "GET /" REST, answer, sizeof answer);
  CHECK(strstr(answer, "\r\n\r\nchanged") != NULL);
  CHECK_OK(nd_driver_remove_document(pair.server, pair.server_interface, "/"));
  http(&pair, "GET /" REST, answer, sizeof answer);
  CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) != 0);
  CHECK_OK(nd_driver_statistics_init(&statistics));
  CHECK_OK(nd_driver_get_statistics(pair.server, &statistics));
  CHECK_EQUAL(statistics.documents_served, 3);
  close_pair(&pair);
}

/* A message above the limit ends the connection with 1009; the sender's own limit is an error. */
static void too_large(void) {
  static uint8_t large[2000];
  nd_interface_settings websocket = interface_of(ND_INTERFACE_WEBSOCKET);
  nd_settings settings = default_settings();
  nd_connection outgoing, incoming;
  uint32_t largest = 0;
  nd_event event;
  struct pair pair;
  settings.websocket_message_size_max = 1000;
  pair = open_pair(&websocket, &settings, NULL, "127.0.0.1");
  outgoing = connect_url(&pair, "/", NULL);
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, large, 1000, 0));
  incoming = next_connection(&pair);
  CHECK_OK(nd_connection_get_payload_size_max(pair.server, incoming, 0, &largest));
  CHECK_EQUAL(largest, 1000);
  CHECK_RESULT(nd_driver_send(pair.server, incoming, 0, large, 1001, 0),
               ND_ERROR_NETWORK_PACKET_OVERFLOW);
  event = next_event(&pair, pair.server);
  CHECK_DATA(event, large, 1000);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, large, 1001, 0));
  event = next_event(&pair, pair.client);
  CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
  CHECK_EQUAL(event.close_code, 1009);
  event = next_event(&pair, pair.server);
  CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
  CHECK_EQUAL(event.reason, ND_DISCONNECT_MESSAGE_TOO_BIG);
  close_pair(&pair);
}

/* With the events for it: the last word before the peer's close, the end of a close of one's own,
 * and the end without a word. */
static void partings(void) {
  static const uint8_t words[] = "words", bye[] = "bye";
  nd_interface_settings websocket = interface_of(ND_INTERFACE_WEBSOCKET);
  nd_settings settings = default_settings();
  nd_connection outgoing, incoming;
  nd_event events[4];
  nd_event event;
  struct pair pair;
  int32_t state = 0;
  uint32_t count = 0;
  settings.optional_events = ND_OPTIONAL_EVENT_CLOSE_REQUEST | ND_OPTIONAL_EVENT_LOCAL_CLOSE;
  websocket.dialect = ND_DIALECT_PLAIN;
  pair = open_pair(&websocket, &settings, &settings, "127.0.0.1");
  outgoing = connect_url(&pair, "/", NULL);
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
  incoming = next_connection(&pair);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, words, 5, 0));
  CHECK_OK(nd_driver_close(pair.client, outgoing, 4100, bye, 3));
  CHECK_OK(nd_connection_get_state(pair.client, outgoing, &state));
  CHECK_EQUAL(state, ND_STATE_DISCONNECTING);
  for (int64_t end = now_ms() + PATIENCE_MS; count != 2 && now_ms() < end; turn(&pair)) {
    CHECK_OK(nd_driver_get_event_count(pair.server, incoming, &count));
    checks_passed -= 1;
  }
  CHECK_OK(nd_driver_pop_events(pair.server, events, 4, &count));
  CHECK_EQUAL(count, 1); /* the request is only ever the first of a batch */
  CHECK_DATA(events[0], words, 5);
  CHECK_OK(nd_driver_pop_events(pair.server, events, 4, &count));
  CHECK_EQUAL(count, 1);
  CHECK_EQUAL(events[0].kind, ND_EVENT_CLOSE_REQUEST);
  CHECK_EQUAL(events[0].close_code, 4100);
  CHECK_EQUAL(events[0].data_length, 3);
  CHECK(memcmp(events[0].data, bye, 3) == 0);
  CHECK_OK(nd_driver_send(pair.server, incoming, 0, words, 5, 0));
  event = next_event(&pair, pair.server);
  CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
  CHECK_EQUAL(event.reason, ND_DISCONNECT_CLOSED_BY_REMOTE);
  event = next_event(&pair, pair.client);
  CHECK_DATA(event, words, 5);
  event = next_event(&pair, pair.client);
  CHECK(event.connection == outgoing);
  CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
  CHECK_EQUAL(event.reason, ND_DISCONNECT_DEFAULT);
  CHECK_EQUAL(event.close_code, 4100);
  CHECK_EQUAL(event.flags, ND_EVENT_FLAG_CLEAN);

  outgoing = connect_url(&pair, "/", NULL);
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
  incoming = next_connection(&pair);
  CHECK_OK(nd_driver_abort(pair.client, outgoing));
  CHECK_RESULT(nd_driver_abort(pair.client, outgoing), ND_ERROR_NETWORK_VERSION_MISMATCH);
  CHECK_RESULT(nd_driver_abort(pair.client, 0), ND_ERROR_NETWORK_ID_MISMATCH);
  event = next_event(&pair, pair.server);
  CHECK(event.connection == incoming);
  CHECK_EQUAL(event.reason, ND_DISCONNECT_CONNECTION_LOST);
  CHECK_OK(nd_driver_pop_event(pair.client, &event));
  CHECK_EQUAL(event.kind, ND_EVENT_EMPTY);
  close_pair(&pair);
}

/* The failures of datagram interfaces: nobody answers, and the wire is cut. */
static void silence(uint32_t kind) {
  nd_interface_settings datagrams = interface_of(kind);
  nd_settings settings = default_settings();
  nd_network_simulator cut;
  nd_connection outgoing = 0, incoming = 0;
  nd_event event;
  struct pair pair;
  settings.connect_timeout_ms = 20;
  settings.max_connect_attempts = 3;
  settings.disconnect_timeout_ms = SILENCE_MS;
  settings.heartbeat_timeout_ms = SILENCE_MS / 10;
  pair = open_pair(&datagrams, &settings, &settings, "127.0.0.1");
  outgoing = connect_pair(&pair, &incoming);
  turn_for(&pair, SILENCE_MS * 3 / 2); /* longer than the timeout: the heartbeats keep it */
  CHECK_OK(nd_driver_pop_event(pair.server, &event));
  CHECK_EQUAL(event.kind, ND_EVENT_EMPTY);
  CHECK_OK(nd_network_simulator_init(&cut));
  cut.partitioned = 1;
  CHECK_OK(nd_driver_set_network_simulator(pair.client, &cut));
  event = next_event(&pair, pair.server);
  CHECK(event.connection == incoming);
  CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
  CHECK_EQUAL(event.reason, ND_DISCONNECT_TIMEOUT);
  event = next_event(&pair, pair.client);
  CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
  CHECK_EQUAL(event.reason, ND_DISCONNECT_TIMEOUT);
  CHECK(!(event.flags & ND_EVENT_FLAG_CLEAN));
  NEED_OK(nd_driver_connect(pair.client, pair.client_interface, &pair.address, NULL, 0, &outgoing));
  event = only_event(&pair, outgoing);
  CHECK_EQUAL(event.reason, ND_DISCONNECT_MAX_CONNECTION_ATTEMPTS);
  close_pair(&pair);
}

#ifndef _WIN32
/* What is sent to a peer that is gone ends the connection, and no program. */
static void a_peer_that_is_gone_is_no_signal(void) {
  static const uint8_t bytes[20000];
  struct pair pair = open_websocket(ND_DIALECT_PLAIN, NULL, NULL);
  nd_connection outgoing = connect_url(&pair, "/", NULL), incoming;
  nd_event event;
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, bytes, sizeof bytes, 0));
  incoming = next_connection(&pair);
  event = next_event(&pair, pair.server);
  CHECK_EQUAL(event.kind, ND_EVENT_DATA);
  CHECK_OK(nd_driver_destroy(pair.client));
  /* To what goes first the system answers that nobody is there. Long messages leave in pieces. */
  for (int times = 0; times < 2; times++) {
    CHECK_OK(nd_driver_send(pair.server, incoming, 0, event.data, event.data_length, 0));
    CHECK_OK(nd_driver_send(pair.server, incoming, 0, event.data, event.data_length, 0));
    CHECK_OK(nd_driver_flush(pair.server));
  }
  CHECK_OK(nd_driver_update(pair.server));
  NEED_OK(nd_driver_pop_event(pair.server, &event));
  CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
  CHECK_OK(nd_driver_destroy(pair.server));
}
#endif

/* By name, in the background. */
static void by_name(uint32_t kind) {
  nd_interface_settings settings = interface_of(kind);
  struct pair pair = open_pair(&settings, NULL, NULL, "127.0.0.1");
  nd_connection outgoing = 0;
  NEED_OK(nd_driver_connect_host(pair.client, pair.client_interface, "localhost",
                                 pair.address.port, NULL, 0, &outgoing));
  CHECK(next_connection(&pair) != 0);
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
  close_pair(&pair);
}

int main(void) {
  request();
  automatic();
  refusals();
  strict_sub_protocols();
  deadline();
  documents();
  too_large();
  partings();
#ifndef _WIN32
  a_peer_that_is_gone_is_no_signal();
#endif
  silence(ND_INTERFACE_UDP);
  silence(ND_INTERFACE_IPC);
  by_name(ND_INTERFACE_UDP);
  by_name(ND_INTERFACE_WEBSOCKET);
  return finish();
}
