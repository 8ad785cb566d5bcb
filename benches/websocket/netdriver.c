/* netdriver through its C interface, as a game's server uses it: wait, update, pop in batches,
 * send. */
#include "server.h"

#include <netdriver.h>

#define EVENTS_AT_ONCE 64
#define WAIT_MS 1000
#define NO_PIPELINE 0

static void need(nd_result result, const char *what) {
  if (result == ND_OK) return;
  char text[256] = "";
  nd_last_error(text, sizeof text, NULL);
  fprintf(stderr, "%s: %s: %s\n", what, nd_result_name(result), text);
  exit(1);
}

static nd_driver *open_driver(const struct server_options *options) {
  nd_settings settings;
  nd_interface_settings web;
  nd_endpoint address;
  nd_driver *driver;
  uint32_t number;
  nd_settings_init(&settings);
  settings.deflate = options->deflate;
  need(nd_driver_create(&settings, &driver), "create");
  nd_interface_settings_init(&web, ND_INTERFACE_WEBSOCKET);
  need(nd_driver_add_interface(driver, &web, &number), "add an interface");
  need(nd_endpoint_parse("127.0.0.1", 0, ND_FAMILY_IPV4, &address), "endpoint");
  need(nd_driver_bind(driver, number, &address, NULL), "bind");
  need(nd_driver_listen(driver), "listen");
  need(nd_driver_get_local_endpoint(driver, number, 0, &address), "bound to");
  server_ready(address.port);
  return driver;
}

static void echo(nd_driver *driver, const nd_event *event) {
  uint32_t flags = (event->flags & ND_EVENT_FLAG_TEXT) != 0 ? ND_SEND_FLAG_TEXT : 0;
  if (event->kind != ND_EVENT_DATA) return;
  nd_result result = nd_driver_send(driver, event->connection, NO_PIPELINE, event->data,
                                    event->data_length, flags);
  /* A client that has left meanwhile needs no answer. */
  if (result != ND_ERROR_NETWORK_STATE_MISMATCH) need(result, "send");
}

int main(int argc, char **argv) {
  struct server_options options = server_parse(argc, argv);
  nd_driver *driver = open_driver(&options);
  nd_connection connection;
  nd_event events[EVENTS_AT_ONCE];
  uint32_t count;
  for (;;) {
    need(nd_driver_wait(driver, WAIT_MS, NULL), "wait");
    need(nd_driver_update(driver), "update");
    do need(nd_driver_accept(driver, &connection), "accept");
    while (connection != 0);
    do {
      need(nd_driver_pop_events(driver, events, EVENTS_AT_ONCE, &count), "pop");
      for (uint32_t at = 0; at < count; at++) echo(driver, &events[at]);
    } while (count == EVENTS_AT_ONCE);
  }
}
