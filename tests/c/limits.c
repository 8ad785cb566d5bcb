/* Limits of one connection, its write mode, streams that the program accepted itself, and what
 * proxies and TLS are told beside that. */
#include "sockets.h"

#include "pair.h"

static const uint8_t text[] = "text";

static nd_connection_limits no_limits(void) {
  nd_connection_limits limits;
  NEED_OK(nd_connection_limits_init(&limits));
  return limits;
}

static struct pair open_plain(const nd_connection_limits *limits, nd_connection *outgoing,
                              nd_connection *incoming) {
  nd_interface_settings websocket = interface_of(ND_INTERFACE_WEBSOCKET);
  struct pair pair;
  websocket.dialect = ND_DIALECT_PLAIN;
  websocket.limits = limits;
  pair = open_pair(&websocket, NULL, NULL, "127.0.0.1");
  *outgoing = connect_url(&pair, "/", NULL);
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
  *incoming = next_connection(&pair);
  return pair;
}

static void limits_of_one_connection(void) {
  nd_connection_limits limits = no_limits();
  nd_connect_options options;
  nd_connection outgoing, incoming, second;
  struct pair pair;
  uint32_t size = 0;
  limits.websocket_message_size_max = 1000;
  pair = open_plain(&limits, &outgoing, &incoming);
  CHECK_OK(nd_connection_get_limits(pair.server, incoming, &limits));
  CHECK_EQUAL(limits.websocket_message_size_max, 1000);
  CHECK_EQUAL(limits.receive_queue_capacity, 512);
  CHECK(limits.websocket_send_queue_capacity == UINT32_MAX);

  limits = no_limits();
  limits.websocket_send_queue_capacity = 1;
  CHECK_OK(nd_connection_set_limits(pair.server, incoming, &limits));
  CHECK_OK(nd_driver_send(pair.server, incoming, 0, text, 4, 0));
  CHECK_RESULT(nd_driver_send(pair.server, incoming, 0, text, 4, 0),
               ND_ERROR_NETWORK_SEND_QUEUE_FULL);
  CHECK_OK(nd_connection_get_payload_size_max(pair.server, incoming, 0, &size));
  CHECK_EQUAL(size, 1000);

  limits.outbound_bytes_max = 1;
  CHECK_RESULT(nd_connection_set_limits(pair.server, incoming, &limits),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_connection_set_limits(pair.server, incoming, NULL), ND_ERROR_NULL_ARGUMENT);
  limits.struct_size = 3;
  CHECK_RESULT(nd_connection_set_limits(pair.server, incoming, &limits), ND_ERROR_STRUCT_SIZE);
  CHECK_RESULT(nd_connection_get_limits(pair.server, 0, &limits), ND_ERROR_NETWORK_ID_MISMATCH);

  limits = no_limits();
  limits.websocket_message_size_max = 10;
  NEED_OK(nd_connect_options_init(&options));
  options.limits = &limits;
  second = connect_url(&pair, "/", &options);
  CHECK_OK(nd_connection_get_limits(pair.client, second, &limits));
  CHECK_EQUAL(limits.websocket_message_size_max, 10);
  close_pair(&pair);
}

static void a_write_mode(void) {
  nd_connection outgoing, incoming;
  struct pair pair = open_plain(NULL, &outgoing, &incoming);
  uint32_t mode = 9;
  nd_event event;
  CHECK_OK(nd_connection_get_write_mode(pair.client, outgoing, &mode));
  CHECK_EQUAL(mode, ND_WRITE_MODE_BINARY);
  CHECK_OK(nd_connection_set_write_mode(pair.client, outgoing, ND_WRITE_MODE_TEXT));
  CHECK_OK(nd_connection_get_write_mode(pair.client, outgoing, &mode));
  CHECK_EQUAL(mode, ND_WRITE_MODE_TEXT);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, text, 4, 0));
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, text, 4, ND_SEND_FLAG_BINARY));
  CHECK_RESULT(nd_driver_send(pair.client, outgoing, 0, text, 4,
                              ND_SEND_FLAG_BINARY | ND_SEND_FLAG_TEXT),
               ND_ERROR_INVALID_ARGUMENT);
  event = next_event(&pair, pair.server);
  CHECK_DATA(event, text, 4);
  CHECK(event.flags & ND_EVENT_FLAG_TEXT);
  event = next_event(&pair, pair.server);
  CHECK_DATA(event, text, 4);
  CHECK((event.flags & ND_EVENT_FLAG_TEXT) == 0);
  CHECK_RESULT(nd_connection_set_write_mode(pair.client, outgoing, 2), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_connection_get_write_mode(pair.client, outgoing, NULL), ND_ERROR_NULL_ARGUMENT);
  close_pair(&pair);
}

/* The program accepts, reads a little, and hands the stream over. */
static void a_stream_of_the_program(void) {
  uint8_t start[7];
  struct pair pair;
  nd_connection incoming;
  char path[TEXT_MAX], url[TEXT_MAX];
  nd_connection outgoing = 0;
  socket_number listener = local_stream(0), accepted;
  int64_t end = now_ms() + PATIENCE_MS;
  nd_interface_settings websocket = interface_of(ND_INTERFACE_WEBSOCKET);
  pair = open_pair(&websocket, NULL, NULL, "127.0.0.1");
  CHECK_OK(nd_driver_stop_listening(pair.server));
  snprintf(url, sizeof url, "ws://127.0.0.1:%u/handed", (unsigned)port_of(listener));
  NEED_OK(nd_driver_connect_url(pair.client, url, NULL, &outgoing));
  accepted = accept(listener, NULL, NULL);
  CHECK(accepted != NO_SOCKET);
  while (!has_something(accepted) && now_ms() < end) turn(&pair);
  CHECK_EQUAL(read_some(accepted, start, sizeof start), sizeof start);
  CHECK_RESULT(nd_driver_accept_stream(pair.server, 7, (uint64_t)accepted, start, sizeof start),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_accept_stream(pair.server, 0, UINT64_MAX, NULL, 0),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_accept_stream(pair.server, 0, (uint64_t)listener, NULL, 0),
               ND_ERROR_NETWORK_SOCKET);
  CHECK_RESULT(nd_driver_accept_stream(pair.server, 0, (uint64_t)accepted, NULL, 1),
               ND_ERROR_NULL_ARGUMENT);
  CHECK_OK(nd_driver_accept_stream(pair.server, 0, (uint64_t)accepted, start, sizeof start));
  CHECK_EQUAL(close_socket(accepted), 0);
  incoming = next_connection(&pair);
  CHECK_OK(nd_connection_get_text(pair.server, incoming, ND_TEXT_PATH, path, sizeof path, NULL));
  CHECK(strcmp(path, "/handed") == 0);
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, text, 4, 0));
  CHECK_EQUAL(next_event(&pair, pair.server).kind, ND_EVENT_DATA);
  close_socket(listener);
  close_pair(&pair);
}

static void proxies_and_keys(void) {
  nd_interface_settings websocket = interface_of(ND_INTERFACE_WEBSOCKET);
  struct pair pair = open_pair(&websocket, NULL, NULL, "127.0.0.1");
  nd_connect_options options;
  nd_tls_client tls;
  nd_connection outgoing = 0;
  NEED_OK(nd_connect_options_init(&options));
  NEED_OK(nd_tls_client_init(&tls));
  options.digest_only = 2;
  CHECK_RESULT(nd_driver_connect_url(pair.client, "ws://game/", &options, &outgoing),
               ND_ERROR_INVALID_ARGUMENT);
  options.digest_only = 1;
  options.proxy = "socks4://ann:secret@127.0.0.1";
  CHECK_RESULT(nd_driver_connect_url(pair.client, "ws://game/", &options, &outgoing),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK(strstr(last_error(), "no password") != NULL);
  options.proxy = "https://127.0.0.1:9";
  options.proxy_tls = &tls;
  tls.use_system_roots = 0;
  CHECK_RESULT(nd_driver_connect_url(pair.client, "ws://game/", &options, &outgoing),
               ND_ERROR_INVALID_ARGUMENT);
  tls.use_system_roots = 1;
  tls.key_log_file = "/nowhere/at/all";
  options.tls = &tls;
  options.proxy = NULL;
  CHECK_RESULT(nd_driver_connect_url(pair.client, "wss://game/", &options, &outgoing),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK(strstr(last_error(), "key_log_file") != NULL);
  close_pair(&pair);
}

/* A limit is raised as far as the system lets it, and never lowered. */
static void descriptors_of_the_process(void) {
  uint64_t all = 0, again = 0;
  CHECK_RESULT(nd_raise_descriptor_limit(0, NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_OK(nd_raise_descriptor_limit(0, &all));
  CHECK(all > 0);
  CHECK_OK(nd_raise_descriptor_limit(1, &again));
  CHECK(again == all);
  if (all == UINT64_MAX) return;
  CHECK_RESULT(nd_raise_descriptor_limit(UINT64_MAX, &again), ND_ERROR_LIMIT_REACHED);
  CHECK(again == all && strstr(last_error(), "ulimit -Hn") != NULL);
}

int main(void) {
  descriptors_of_the_process();
  limits_of_one_connection();
  a_write_mode();
  a_stream_of_the_program();
  proxies_and_keys();
  return finish();
}
