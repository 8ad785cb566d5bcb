/* Two drivers in one process, one of which serves the other, and how to move time on for both. */
#ifndef TESTS_PAIR_H
#define TESTS_PAIR_H

#include "check.h"

/* What should happen does so by then, under Valgrind too; nothing waits as long as this. */
#define PATIENCE_MS 120000

struct pair {
  nd_driver *server, *client;
  uint32_t server_interface, client_interface;
  nd_endpoint address; /* of the server */
};

static inline nd_settings default_settings(void) {
  nd_settings settings;
  NEED_OK(nd_settings_init(&settings));
  return settings;
}

static inline nd_interface_settings interface_of(uint32_t kind) {
  nd_interface_settings settings;
  NEED_OK(nd_interface_settings_init(&settings, kind));
  return settings;
}

/* Opens a server that listens on a free port of this machine, and a client that may connect. */
static inline struct pair open_pair(const nd_interface_settings *interface_settings,
                                    const nd_settings *server, const nd_settings *client,
                                    const char *address) {
  struct pair pair;
  NEED_OK(nd_driver_create(server, &pair.server));
  NEED_OK(nd_driver_create(client, &pair.client));
  NEED_OK(nd_driver_add_interface(pair.server, interface_settings, &pair.server_interface));
  NEED_OK(nd_driver_add_interface(pair.client, interface_settings, &pair.client_interface));
  NEED_OK(nd_endpoint_parse(address, 0, ND_FAMILY_INVALID, &pair.address));
  NEED_OK(nd_driver_bind(pair.server, pair.server_interface, &pair.address, NULL));
  NEED_OK(nd_driver_get_local_endpoint(pair.server, pair.server_interface, 0, &pair.address));
  NEED_OK(nd_driver_listen(pair.server));
  CHECK(pair.address.port != 0);
  return pair;
}

static inline void close_pair(struct pair *pair) {
  CHECK_OK(nd_driver_destroy(pair->client));
  CHECK_OK(nd_driver_destroy(pair->server));
}

/* One update of both, after at most a millisecond of sleep. */
static inline void turn(struct pair *pair) {
  CHECK_OK(nd_driver_update(pair->client));
  CHECK_OK(nd_driver_update(pair->server));
  CHECK_OK(nd_driver_wait(pair->server, 1, NULL));
  checks_passed -= 3; /* waiting is no test */
}

static inline void turn_for(struct pair *pair, int64_t ms) {
  int64_t end = now_ms() + ms;
  while (now_ms() < end) turn(pair);
}

/* The next event of one of the two drivers; an ND_EVENT_EMPTY when none comes. Its data lives
 * until that driver's next update, so until the next call here. */
static inline nd_event next_event(struct pair *pair, nd_driver *driver) {
  nd_event event;
  int64_t end = now_ms() + PATIENCE_MS;
  memset(&event, 0, sizeof event);
  do {
    NEED_OK(nd_driver_pop_event(driver, &event));
    checks_passed -= 1;
    if (event.kind != ND_EVENT_EMPTY) return event;
    turn(pair);
  } while (now_ms() < end);
  return event;
}

/* The next connection that comes in; 0 when none comes. */
static inline nd_connection next_connection(struct pair *pair) {
  nd_connection connection = 0;
  int64_t end = now_ms() + PATIENCE_MS;
  do {
    NEED_OK(nd_driver_accept(pair->server, &connection));
    checks_passed -= 1;
    if (connection != 0) return connection;
    turn(pair);
  } while (now_ms() < end);
  return 0;
}

/* Connects in the UTP dialect; returns the client's connection, and the server's in *incoming. */
static inline nd_connection connect_pair(struct pair *pair, nd_connection *incoming) {
  nd_connection outgoing = 0;
  nd_event event;
  NEED_OK(nd_driver_connect(pair->client, pair->client_interface, &pair->address, NULL, 0,
                            &outgoing));
  *incoming = next_connection(pair);
  CHECK(*incoming != 0);
  event = next_event(pair, pair->client);
  CHECK_EQUAL(event.kind, ND_EVENT_CONNECT);
  CHECK(event.connection == outgoing);
  return outgoing;
}

/* Connects to ws://ADDRESS:PORT/tail; plain unless the options say otherwise. */
static inline nd_connection connect_url(struct pair *pair, const char *tail,
                                        const nd_connect_options *options) {
  char url[TEXT_MAX];
  nd_connection outgoing = 0;
  snprintf(url, sizeof url, "ws://127.0.0.1:%u%s", (unsigned)pair->address.port, tail);
  NEED_OK(nd_driver_connect_url(pair->client, url, options, &outgoing));
  return outgoing;
}

static inline void check_data(const nd_event *event, const void *data, uint32_t length,
                              const char *file, int line) {
  check_number(event->kind, ND_EVENT_DATA, "kind of the event", file, line);
  if (check_number(event->data_length, length, "length of the message", file, line))
    check(length == 0 || memcmp(event->data, data, length) == 0, "bytes of the message", file,
          line);
}

#define CHECK_DATA(event, data, length) check_data(&(event), data, length, __FILE__, __LINE__)

#endif
