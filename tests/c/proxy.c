/* The way to a server: through a proxy, perhaps the environment's, and to where it redirects. */
#include "sockets.h"

#include "pair.h"

/* What the environment says of a name; nothing when NULL. */
static void set_variable(const char *name, const char *value) {
#ifdef _WIN32
  _putenv_s(name, value == NULL ? "" : value);
#else
  if (value == NULL) unsetenv(name);
  else setenv(name, value, 1);
#endif
}

/* Takes the client, reads its head into `head`, and answers; returns the stream. */
static socket_number answer(struct pair *pair, socket_number listener, char *head,
                            size_t capacity, const char *text) {
  int64_t end = now_ms() + PATIENCE_MS;
  size_t length = 0;
  socket_number stream;
  while (!has_something(listener) && now_ms() < end) turn(pair);
  stream = has_something(listener) ? accept(listener, NULL, NULL) : NO_SOCKET;
  CHECK(stream != NO_SOCKET);
  head[0] = '\0';
  while (strstr(head, "\r\n\r\n") == NULL && now_ms() < end && length + 1 < capacity) {
    int64_t count = read_some(stream, head + length, capacity - 1 - length);
    if (count > 0) length += (size_t)count;
    head[length] = '\0';
    turn(pair);
  }
  write_all(stream, text, strlen(text));
  return stream;
}

/* Lets bytes through both ways until the client has an event. */
static nd_event relay(struct pair *pair, socket_number streams[2]) {
  int64_t end = now_ms() + PATIENCE_MS;
  nd_event event;
  memset(&event, 0, sizeof event);
  while (now_ms() < end && event.kind == ND_EVENT_EMPTY) {
    for (int from = 0; from < 2; from++) {
      char bytes[4096];
      int64_t count = read_some(streams[from], bytes, sizeof bytes);
      if (count > 0) write_all(streams[1 - from], bytes, (size_t)count);
    }
    turn(pair);
    CHECK_OK(nd_driver_pop_event(pair->client, &event));
  }
  return event;
}

static struct pair plain_pair(void) {
  nd_interface_settings settings = interface_of(ND_INTERFACE_WEBSOCKET);
  settings.dialect = ND_DIALECT_PLAIN;
  return open_pair(&settings, NULL, NULL, "127.0.0.1");
}

static nd_connect_options default_options(void) {
  nd_connect_options options;
  NEED_OK(nd_connect_options_init(&options));
  return options;
}

static void tunnel(void) {
  struct pair pair = plain_pair();
  nd_connect_options options = default_options();
  nd_connection outgoing = 0;
  nd_event event;
  char proxy[64], head[2048];
  socket_number listener = local_stream(0), streams[2];
  snprintf(proxy, sizeof proxy, "http://ann:b@127.0.0.1:%u", (unsigned)port_of(listener));
  options.proxy = proxy;
  NEED_OK(nd_driver_connect_url(pair.client, "ws://game.invalid/x", &options, &outgoing));
  streams[0] = answer(&pair, listener, head, sizeof head, "HTTP/1.1 200 OK\r\n\r\n");
  CHECK(strncmp(head, "CONNECT game.invalid:80 HTTP/1.1\r\n", 34) == 0);
  CHECK(strstr(head, "Proxy-Authorization: Basic YW5uOmI=\r\n") != NULL);
  streams[1] = local_stream(pair.address.port);
  event = relay(&pair, streams);
  CHECK_EQUAL(event.kind, ND_EVENT_CONNECT);
  CHECK(event.connection == outgoing);
  close_socket(streams[0]), close_socket(streams[1]), close_socket(listener);
  close_pair(&pair);
}

/* A proxy that asks for Digest gets it, on a stream of its own, and never the password. */
static void digest(void) {
  struct pair pair = plain_pair();
  nd_connect_options options = default_options();
  nd_connection outgoing = 0;
  nd_event event;
  char proxy[64], head[2048];
  socket_number listener = local_stream(0), streams[2];
  snprintf(proxy, sizeof proxy, "http://ann:hidden@127.0.0.1:%u", (unsigned)port_of(listener));
  options.proxy = proxy;
  options.digest_only = 1;
  NEED_OK(nd_driver_connect_url(pair.client, "ws://game.invalid/x", &options, &outgoing));
  close_socket(answer(&pair, listener, head, sizeof head,
               "HTTP/1.1 407 Who?\r\nProxy-Authenticate: Digest realm=\"r\", nonce=\"n\", "
               "qop=\"auth\", algorithm=SHA-256\r\n\r\n"));
  CHECK(strstr(head, "Proxy-Authorization") == NULL);
  streams[0] = answer(&pair, listener, head, sizeof head, "HTTP/1.1 200 OK\r\n\r\n");
  CHECK(strstr(head, "Proxy-Authorization: Digest username=\"ann\", ") != NULL);
  CHECK(strstr(head, "uri=\"game.invalid:80\"") != NULL);
  CHECK(strstr(head, "hidden") == NULL);
  streams[1] = local_stream(pair.address.port);
  event = relay(&pair, streams);
  CHECK_EQUAL(event.kind, ND_EVENT_CONNECT);
  CHECK(event.connection == outgoing);
  close_socket(streams[0]), close_socket(streams[1]), close_socket(listener);
  close_pair(&pair);
}

/* What stands in the environment is used only when it is asked for. */
static void environment(void) {
  struct pair pair = plain_pair();
  nd_connect_options options = default_options();
  nd_connection outgoing = 0;
  nd_event event;
  char proxy[64], head[2048];
  socket_number listener = local_stream(0);
  snprintf(proxy, sizeof proxy, "127.0.0.1:%u", (unsigned)port_of(listener));
  set_variable("http_proxy", proxy);
  set_variable("no_proxy", "127.0.0.1");
  outgoing = connect_url(&pair, "/", NULL);
  event = next_event(&pair, pair.client);
  CHECK(event.kind == ND_EVENT_CONNECT && event.connection == outgoing);
  options.proxy_from_environment = 1;
  outgoing = connect_url(&pair, "/", &options); /* an exception */
  event = next_event(&pair, pair.client);
  CHECK(event.kind == ND_EVENT_CONNECT && event.connection == outgoing);
  options.no_proxy = "10.0.0.0/8"; /* instead of the environment's */
  outgoing = connect_url(&pair, "/", &options);
  close_socket(answer(&pair, listener, head, sizeof head, "HTTP/1.1 407 Who?\r\n\r\n"));
  CHECK(strncmp(head, "CONNECT 127.0.0.1:", 18) == 0);
  event = next_event(&pair, pair.client);
  CHECK(event.kind == ND_EVENT_DISCONNECT && event.connection == outgoing);
  CHECK_EQUAL(event.reason, ND_DISCONNECT_PROXY_FAILED);
  CHECK_EQUAL(event.close_code, 407);
  set_variable("http_proxy", "ftp://proxy");
  CHECK_RESULT(nd_driver_connect_url(pair.client, "ws://x/", &options, &outgoing),
               ND_ERROR_INVALID_ARGUMENT);
  set_variable("http_proxy", NULL), set_variable("no_proxy", NULL);
  close_socket(listener);
  close_pair(&pair);
}

static void redirect(void) {
  struct pair pair = plain_pair();
  nd_connect_options options = default_options();
  nd_connection outgoing = 0;
  nd_event event;
  char url[128], head[2048], text[TEXT_MAX];
  socket_number listener = local_stream(0);
  snprintf(url, sizeof url, "ws://ann:b@127.0.0.1:%u/", (unsigned)port_of(listener));
  snprintf(text, sizeof text, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/new?q\r\n\r\n",
           (unsigned)pair.address.port);
  for (options.redirects_max = 0; options.redirects_max < 2; options.redirects_max++) {
    NEED_OK(nd_driver_connect_url(pair.client, url, &options, &outgoing));
    close_socket(answer(&pair, listener, head, sizeof head, text));
    CHECK(strstr(head, "Authorization: Basic YW5uOmI=\r\n") != NULL);
    event = next_event(&pair, pair.client);
    CHECK(event.connection == outgoing);
    if (options.redirects_max == 0) {
      CHECK_EQUAL(event.reason, ND_DISCONNECT_HANDSHAKE_REJECTED);
      CHECK_EQUAL(event.close_code, 302);
    }
  }
  CHECK_EQUAL(event.kind, ND_EVENT_CONNECT);
  snprintf(url, sizeof url, "ws://127.0.0.1:%u/new?q", (unsigned)pair.address.port);
  CHECK_OK(nd_connection_get_text(pair.client, outgoing, ND_TEXT_URL, text, sizeof text, NULL));
  CHECK_TEXT(text, url);
  close_socket(listener);
  close_pair(&pair);
}

static void refusals(void) {
  const char *const bad[] = {"ftp://p", "socks4://a:b@p", "http://p:0", "p q", "socks5://ann@p"};
  struct pair pair = plain_pair();
  nd_connect_options options = default_options();
  nd_connection outgoing = 0;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    options.proxy = bad[i];
    CHECK_RESULT(nd_driver_connect_url(pair.client, "ws://x/", &options, &outgoing),
                 ND_ERROR_INVALID_ARGUMENT);
  }
  options = default_options();
  options.proxy_from_environment = 2;
  CHECK_RESULT(nd_driver_connect_url(pair.client, "ws://x/", &options, &outgoing),
               ND_ERROR_INVALID_ARGUMENT);
  close_pair(&pair);
}

int main(void) {
  tunnel();
  digest();
  environment();
  redirect();
  refusals();
  return finish();
}
