/* Upgrade requests that wait for the program; listeners behind proxies and in front of pages. */
#include "pair.h"

static struct pair open_asking(void) {
  nd_interface_settings settings = interface_of(ND_INTERFACE_WEBSOCKET);
  CHECK_EQUAL(settings.request_timeout_ms, 5000);
  settings.dialect = ND_DIALECT_PLAIN;
  settings.sub_protocols = "arena";
  settings.accept_requests = 1;
  settings.allowed_origins = "https://game.example, http://localhost:8000";
  settings.response_headers = "X-Game: arena\nX-Other: 1";
  settings.trusted_proxies = "127.0.0.0/8, ::1";
  return open_pair(&settings, NULL, NULL, "127.0.0.1");
}

static nd_connection ask(struct pair *pair, const char *headers) {
  nd_connect_options options;
  NEED_OK(nd_connect_options_init(&options));
  options.sub_protocols = "arena,other";
  options.headers = headers;
  return connect_url(pair, "/room?x=1", &options);
}

/* The next request; its id is 0 when none comes. */
static nd_request next_request(struct pair *pair) {
  int64_t end = now_ms() + PATIENCE_MS;
  nd_request request;
  NEED_OK(nd_request_init(&request));
  CHECK_EQUAL(request.struct_size, sizeof request);
  do {
    NEED_OK(nd_driver_pop_request(pair->server, &request));
    checks_passed -= 1;
    if (request.id != 0) return request;
    turn(pair);
  } while (now_ms() < end);
  return request;
}

static void check_text_of(struct pair *pair, uint64_t id, uint32_t kind, const char *wanted) {
  char text[256] = "untouched";
  uint32_t length = 0;
  CHECK_OK(nd_driver_request_text(pair->server, id, kind, text, sizeof text, &length));
  CHECK_TEXT(text, wanted);
  CHECK_EQUAL(length, strlen(wanted));
}

static void texts(void) {
  struct pair pair = open_asking();
  nd_driver *server = pair.server;
  nd_request request;
  char text[64] = "";
  uint32_t length = 0;
  ask(&pair, "Origin: https://game.example\nCookie: sid=7; b=\nX-Token: abc\n"
             "X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: https");
  request = next_request(&pair);
  CHECK(request.id != 0);
  CHECK_EQUAL(request.interface_index, pair.server_interface);
  CHECK_EQUAL(request.flags, ND_REQUEST_FLAG_FORWARDED_TLS);
  CHECK(request.remaining_ms > 0 && request.remaining_ms <= 5000);
  CHECK_EQUAL(request.remote.address[0], 192);
  CHECK_EQUAL(request.remote.address[3], 7);
  CHECK_EQUAL(request.peer.address[0], 127);
  CHECK_EQUAL(request.local.port, pair.address.port);
  check_text_of(&pair, request.id, ND_TEXT_PATH, "/room");
  check_text_of(&pair, request.id, ND_TEXT_QUERY, "x=1");
  check_text_of(&pair, request.id, ND_TEXT_METHOD, "GET");
  check_text_of(&pair, request.id, ND_TEXT_ORIGIN, "https://game.example");
  check_text_of(&pair, request.id, ND_TEXT_COOKIES, "sid=7\nb=\n");
  check_text_of(&pair, request.id, ND_TEXT_SUB_PROTOCOLS_OFFERED, "arena,other");
  check_text_of(&pair, request.id, ND_TEXT_SUB_PROTOCOL, "");
  CHECK_OK(nd_driver_request_text(server, request.id, ND_TEXT_URL, text, sizeof text, NULL));
  CHECK(strncmp(text, "wss://127.0.0.1:", 16) == 0 && strstr(text, "/room?x=1") != NULL);
  CHECK_OK(nd_driver_request_header(server, request.id, "x-token", text, sizeof text, &length));
  CHECK_TEXT(text, "abc");
  CHECK_EQUAL(length, 3);
  CHECK_RESULT(nd_driver_request_header(server, request.id, "X-None", text, sizeof text, NULL),
               ND_ERROR_NOT_FOUND);
  CHECK_OK(nd_driver_request_cookie(server, request.id, "sid", text, sizeof text, NULL));
  CHECK_TEXT(text, "7");
  CHECK_RESULT(nd_driver_request_cookie(server, request.id, "SID", text, sizeof text, NULL),
               ND_ERROR_NOT_FOUND);
  CHECK_RESULT(nd_driver_request_cookie(server, request.id, "sid", text, 1, &length),
               ND_ERROR_BUFFER_TOO_SMALL);
  CHECK_RESULT(nd_driver_request_text(server, request.id, 99, text, sizeof text, NULL),
               ND_ERROR_INVALID_ARGUMENT);
  close_pair(&pair);
}

static void accepted(void) {
  static const uint8_t hello[] = "hello";
  struct pair pair = open_asking();
  nd_connection outgoing = ask(&pair, "X-Forwarded-For: 192.0.2.7"), incoming;
  nd_request request = next_request(&pair), none;
  nd_connection_info info;
  nd_event event;
  char text[64] = "";
  NEED_OK(nd_request_init(&none));
  CHECK_OK(nd_driver_pop_request(pair.server, &none));
  CHECK_EQUAL(none.id, 0);
  CHECK_RESULT(nd_driver_request_accept(pair.server, request.id, "none", NULL),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_request_accept(pair.server, request.id, NULL, "no colon"),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_OK(nd_driver_request_accept(pair.server, request.id, "other", "X-Room: 7"));
  CHECK_RESULT(nd_driver_request_accept(pair.server, request.id, NULL, NULL),
               ND_ERROR_NETWORK_VERSION_MISMATCH);
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
  CHECK_OK(nd_connection_get_text(pair.client, outgoing, ND_TEXT_SUB_PROTOCOL, text, sizeof text,
                                  NULL));
  CHECK_TEXT(text, "other");
  CHECK_OK(nd_connection_get_header(pair.client, outgoing, "x-room", text, sizeof text, NULL));
  CHECK_TEXT(text, "7");
  CHECK_OK(nd_connection_get_header(pair.client, outgoing, "x-game", text, sizeof text, NULL));
  CHECK_TEXT(text, "arena");
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, hello, 5, 0));
  incoming = next_connection(&pair);
  CHECK_OK(nd_connection_info_init(&info));
  CHECK_OK(nd_connection_get_info(pair.server, incoming, &info));
  CHECK_EQUAL(info.remote.address[0], 192);
  CHECK_EQUAL(info.peer.address[0], 127);
  event = next_event(&pair, pair.server);
  CHECK(event.connection == incoming);
  CHECK_DATA(event, hello, 5);
  close_pair(&pair);
}

static void rejected(void) {
  struct pair pair = open_asking();
  nd_request request;
  nd_event event;
  ask(&pair, NULL);
  request = next_request(&pair);
  CHECK_RESULT(nd_driver_request_reject(pair.server, request.id, 101, NULL, NULL, 0),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_request_reject(pair.server, request.id, 70000, NULL, NULL, 0),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_request_reject(pair.server, request.id, 403, NULL, NULL, 1),
               ND_ERROR_NULL_ARGUMENT);
  CHECK_OK(nd_driver_request_reject(pair.server, request.id, 429, "Retry-After: 5",
                                    (const uint8_t *)"later", 5));
  event = next_event(&pair, pair.client);
  CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
  CHECK_EQUAL(event.reason, ND_DISCONNECT_HANDSHAKE_REJECTED);
  CHECK_EQUAL(event.close_code, 429);
  ask(&pair, "Origin: https://evil.example");
  event = next_event(&pair, pair.client);
  CHECK_EQUAL(event.close_code, 403);
  CHECK_OK(nd_driver_pop_request(pair.server, &request));
  CHECK_EQUAL(request.id, 0);
  close_pair(&pair);
}

/* A client that leaves before its request is answered, and ids that never were any. */
static void stale(void) {
  struct pair pair = open_asking();
  nd_connection outgoing = ask(&pair, NULL);
  nd_request request = next_request(&pair);
  nd_driver_statistics statistics;
  int64_t end = now_ms() + PATIENCE_MS;
  char text[16];
  CHECK(request.id != 0);
  CHECK_OK(nd_driver_disconnect(pair.client, outgoing));
  CHECK_OK(nd_driver_statistics_init(&statistics));
  do {
    turn(&pair);
    NEED_OK(nd_driver_get_statistics(pair.server, &statistics));
    checks_passed -= 1;
  } while (statistics.handshakes_pending != 0 && now_ms() < end);
  CHECK_EQUAL(statistics.handshakes_pending, 0);
  CHECK_RESULT(nd_driver_request_accept(pair.server, request.id, NULL, NULL),
               ND_ERROR_NETWORK_VERSION_MISMATCH);
  CHECK_RESULT(nd_driver_request_text(pair.server, request.id, ND_TEXT_PATH, text, 16, NULL),
               ND_ERROR_NETWORK_VERSION_MISMATCH);
  CHECK_RESULT(nd_driver_request_accept(pair.server, 0, NULL, NULL), ND_ERROR_NETWORK_ID_MISMATCH);
  CHECK_RESULT(nd_driver_pop_request(NULL, &request), ND_ERROR_INVALID_HANDLE);
  CHECK_RESULT(nd_driver_pop_request(pair.server, NULL), ND_ERROR_NULL_ARGUMENT);
  request.struct_size = 8;
  CHECK_RESULT(nd_driver_pop_request(pair.server, &request), ND_ERROR_STRUCT_SIZE);
  close_pair(&pair);
}

/* Interface settings that mean nothing. */
static void refused_settings(void) {
  nd_interface_settings settings = interface_of(ND_INTERFACE_WEBSOCKET);
  uint32_t number = 0;
  nd_driver *driver;
  NEED_OK(nd_driver_create(NULL, &driver));
  settings.accept_requests = 2;
  CHECK_RESULT(nd_driver_add_interface(driver, &settings, &number), ND_ERROR_INVALID_ARGUMENT);
  settings.accept_requests = 1;
  settings.proxy_protocol = 1;
  CHECK_RESULT(nd_driver_add_interface(driver, &settings, &number), ND_ERROR_INVALID_ARGUMENT);
  settings.trusted_proxies = "10.0.0.0/40";
  CHECK_RESULT(nd_driver_add_interface(driver, &settings, &number), ND_ERROR_INVALID_ARGUMENT);
  settings.trusted_proxies = "10.0.0.0/8";
  settings.allowed_origins = "https://game.example/path";
  CHECK_RESULT(nd_driver_add_interface(driver, &settings, &number), ND_ERROR_INVALID_ARGUMENT);
  settings.allowed_origins = "";
  settings.response_headers = "Content-Type: text/html";
  CHECK_RESULT(nd_driver_add_interface(driver, &settings, &number), ND_ERROR_INVALID_ARGUMENT);
  settings.response_headers = NULL;
  settings.reserved_2 = 1;
  CHECK_RESULT(nd_driver_add_interface(driver, &settings, &number), ND_ERROR_INVALID_ARGUMENT);
  settings.reserved_2 = 0;
  CHECK_OK(nd_driver_add_interface(driver, &settings, &number));
  CHECK_OK(nd_driver_destroy(driver));
}

int main(void) {
  texts();
  accepted();
  rejected();
  stale();
  refused_settings();
  return finish();
}
