/* netdriver against netdriver, through the C interface: pop, send, update and wait.
 *
 * The load holds 16 clients in each driver, one UDP interface and so one socket for each of them,
 * as every peer's clients have sockets of their own. */
#include "load.h"

#include <netdriver.h>
#include <stdio.h>
#include <stdlib.h>

#define EVENTS_AT_ONCE 64
#define CLIENTS_PER_DRIVER 16
#define DRIVERS_MAX (LOAD_CLIENTS_MAX / CLIENTS_PER_DRIVER)
#define CONNECT_WAIT_MS 5000
/* The largest window that the protocol has, for the bulk; other loads take the default. */
#define BULK_WINDOW 2040
#define NO_PIPELINE 0

static void need(nd_result result, const char *what) {
  char text[256] = "";
  if (result == ND_OK) return;
  nd_last_error(text, sizeof text, NULL);
  fprintf(stderr, "%s: %s: %s\n", what, nd_result_name(result), text);
  exit(1);
}

static nd_driver *open_driver(void) {
  nd_settings settings;
  nd_driver *driver;
  nd_settings_init(&settings);
  need(nd_driver_create(&settings, &driver), "create");
  return driver;
}

/* The pipeline that a load needs, the same on both sides. */
static uint8_t add_pipeline(nd_driver *driver, const struct load_options *options) {
  nd_pipeline_stage fragmentation = {.stage = ND_PIPELINE_STAGE_FRAGMENTATION,
                                     .payload_capacity = LOAD_MESSAGE_MAX};
  nd_pipeline_stage reliable = {.stage = ND_PIPELINE_STAGE_RELIABLE_SEQUENCED};
  nd_pipeline_stage both[] = {fragmentation, reliable};
  uint8_t pipeline = NO_PIPELINE;
  if (!options->reliable) return pipeline;
  both[1].window_size = BULK_WINDOW;
  if (options->kind == LOAD_BULK)
    need(nd_driver_create_pipeline(driver, both, 2, &pipeline), "create a pipeline");
  else
    need(nd_driver_create_pipeline(driver, &reliable, 1, &pipeline), "create a pipeline");
  return pipeline;
}

static uint32_t add_udp(nd_driver *driver) {
  nd_interface_settings settings;
  uint32_t number;
  nd_interface_settings_init(&settings, ND_INTERFACE_UDP);
  need(nd_driver_add_interface(driver, &settings, &number), "add an interface");
  return number;
}

static nd_endpoint endpoint_of(uint16_t port) {
  nd_endpoint endpoint;
  need(nd_endpoint_parse("127.0.0.1", port, ND_FAMILY_IPV4, &endpoint), "endpoint");
  return endpoint;
}

/* ---- server -------------------------------------------------------------------------------- */

static void serve_events(const struct load_options *options, nd_driver *driver) {
  nd_event events[EVENTS_AT_ONCE];
  uint32_t count;
  do {
    need(nd_driver_pop_events(driver, events, EVENTS_AT_ONCE, &count), "pop");
    for (uint32_t at = 0; at < count; at++) {
      const nd_event *event = &events[at];
      if (event->kind != ND_EVENT_DATA) continue;
      serve_received(event->data, event->data_length);
      if (options->kind == LOAD_ECHO)
        nd_driver_send(driver, event->connection, event->pipeline, event->data,
                       event->data_length, 0);
    }
  } while (count == EVENTS_AT_ONCE);
}

static void serve(const struct load_options *options) {
  nd_driver *driver = open_driver();
  nd_endpoint address = endpoint_of(options->port);
  nd_connection connection;
  uint32_t interface_index = add_udp(driver);
  add_pipeline(driver, options);
  need(nd_driver_bind(driver, interface_index, &address, NULL), "bind");
  need(nd_driver_listen(driver), "listen");
  need(nd_driver_get_local_endpoint(driver, interface_index, 0, &address), "bound to");
  serve_begin(options, address.port);
  while (serve_turn()) {
    need(nd_driver_wait(driver, SERVE_SLEEP_MS, NULL), "wait");
    need(nd_driver_update(driver), "update");
    do need(nd_driver_accept(driver, &connection), "accept");
    while (connection != 0);
    serve_events(options, driver);
  }
  nd_driver_destroy(driver);
}

/* ---- load ---------------------------------------------------------------------------------- */

static nd_driver *drivers[DRIVERS_MAX];
static nd_connection connections[LOAD_CLIENTS_MAX];
static uint8_t pipeline;

static nd_driver *driver_of(uint32_t client) {
  return drivers[client / CLIENTS_PER_DRIVER];
}

static void send_next(uint32_t client) {
  uint8_t message[LOAD_MESSAGE_MAX];
  uint32_t length;
  while ((length = load_next(client, message)) != 0) {
    nd_driver *driver = driver_of(client);
    if (nd_driver_send(driver, connections[client], pipeline, message, length, 0) != ND_OK) {
      load_refused(client);
      return;
    }
  }
}

static void connect_client(uint32_t client, uint16_t port) {
  nd_endpoint server = endpoint_of(port);
  nd_driver *driver = driver_of(client);
  nd_event event;
  need(nd_driver_connect(driver, add_udp(driver), &server, NULL, 0, &connections[client]),
       "connect");
  do {
    need(nd_driver_wait(driver, CONNECT_WAIT_MS, NULL), "wait");
    need(nd_driver_update(driver), "update");
    need(nd_driver_pop_event(driver, &event), "pop");
  } while (event.kind == ND_EVENT_EMPTY);
  if (event.kind == ND_EVENT_CONNECT) return;
  fprintf(stderr, "client %u is not connected\n", (unsigned)client);
  exit(1);
}

/* Receives what came to one driver's clients, and sends what they have to say. */
static void turn(const struct load_options *options, uint32_t number, enum load_state state) {
  nd_driver *driver = drivers[number];
  nd_event events[EVENTS_AT_ONCE];
  uint32_t count, first = number * CLIENTS_PER_DRIVER;
  need(nd_driver_update(driver), "update");
  do {
    need(nd_driver_pop_events(driver, events, EVENTS_AT_ONCE, &count), "pop");
    for (uint32_t at = 0; at < count; at++) {
      if (events[at].kind != ND_EVENT_DATA) continue;
      /* The low half of a connection is the place of its slot in the driver. */
      uint32_t client = first + (uint32_t)events[at].connection;
      load_received(client, events[at].data, events[at].data_length);
      send_next(client);
    }
  } while (count == EVENTS_AT_ONCE);
  uint32_t end = first + CLIENTS_PER_DRIVER;
  for (uint32_t at = first; state == LOAD_SWEEP && at < end && at < options->clients; at++)
    send_next(at);
  need(nd_driver_flush(driver), "flush");
}

static void make_load(const struct load_options *options) {
  enum load_state state;
  uint32_t count = (options->clients + CLIENTS_PER_DRIVER - 1) / CLIENTS_PER_DRIVER;
  for (uint32_t at = 0; at < count; at++) {
    drivers[at] = open_driver();
    pipeline = add_pipeline(drivers[at], options);
  }
  for (uint32_t at = 0; at < options->clients; at++) connect_client(at, options->port);
  load_begin(options);
  while ((state = load_turn()) != LOAD_OVER) {
    /* Several drivers are asked in turns; a single one may sleep. */
    if (count == 1) need(nd_driver_wait(drivers[0], load_sleep_us() / 1000, NULL), "wait");
    for (uint32_t at = 0; at < count; at++) turn(options, at, state);
  }
  load_report();
  for (uint32_t at = 0; at < count; at++) nd_driver_destroy(drivers[at]);
}

int main(int argc, char **argv) {
  struct load_options options = load_parse(argc, argv);
  if (options.server) serve(&options);
  else make_load(&options);
  return 0;
}
