/* Interfaces that a program brings, as tables of functions: what they are called with, what they
 * may do wrong, what wakes their driver. And the network simulator below them, field by field. */
#include "pair.h"

#include <pthread.h>

#define PLACES 256
#define SIZE_MAX_BYTES 1472
#define SOCKET_ERROR ND_ERROR_NETWORK_SOCKET

struct queue {
  uint8_t bytes[PLACES][SIZE_MAX_BYTES];
  uint32_t lengths[PLACES], first, count;
};

/* One of two ends; what it sends lies in the other's queue. */
struct end {
  struct end *other;
  struct queue in;
  nd_driver *reader, *own;
  uint8_t name;
  int32_t bind_fails, listen_fails, receive_fails, send_fails;
  uint32_t room, binds, listens, releases, largest_batch, too_many;
  uint8_t last_bind_family;
};

static nd_endpoint address_of(uint8_t name) {
  nd_endpoint endpoint;
  memset(&endpoint, 0, sizeof endpoint);
  endpoint.family = ND_FAMILY_CUSTOM;
  endpoint.address[0] = name;
  return endpoint;
}

static int32_t on_bind(void *user, const nd_endpoint *endpoint, nd_endpoint *out_endpoint) {
  struct end *end = user;
  CHECK(memcmp(endpoint, out_endpoint, sizeof *endpoint) == 0);
  end->binds += 1;
  end->last_bind_family = endpoint->family;
  *out_endpoint = address_of(end->name);
  return end->bind_fails;
}

static int32_t on_listen(void *user) {
  struct end *end = user;
  end->listens += 1;
  return end->listen_fails;
}

static int32_t on_receive(void *user, nd_incoming_packet *packets, uint32_t capacity,
                          uint32_t *out_count) {
  struct end *end = user;
  struct queue *in = &end->in;
  if (end->too_many != 0) {
    *out_count = end->too_many;
    return 0;
  }
  for (; in->count != 0 && *out_count < capacity; *out_count += 1) {
    nd_incoming_packet *packet = &packets[*out_count];
    packet->endpoint = address_of(end->other->name);
    packet->length = in->lengths[in->first];
    if (packet->length <= packet->capacity)
      memcpy(packet->data, in->bytes[in->first], packet->length);
    in->first = (in->first + 1) % PLACES;
    in->count -= 1;
  }
  return end->receive_fails;
}

static void put(struct end *end, const uint8_t *data, uint32_t length) {
  uint32_t place = (end->in.first + end->in.count) % PLACES;
  if (end->in.count == PLACES) return;
  end->in.lengths[place] = length;
  if (data != NULL) memcpy(end->in.bytes[place], data, length);
  end->in.count += 1;
}

static int32_t on_send(void *user, const nd_outgoing_packet *packets, uint32_t count,
                       uint32_t *out_taken) {
  struct end *end = user;
  if (end->send_fails != 0) return end->send_fails;
  /* Calling the own driver is an error and nothing else. */
  if (end->own != NULL) CHECK_RESULT(nd_driver_update(end->own), ND_ERROR_DRIVER_IN_USE);
  if (count > end->largest_batch) end->largest_batch = count;
  if (count > end->room) *out_taken = end->room;
  end->room -= *out_taken;
  for (uint32_t i = 0; i < *out_taken; i++)
    if (packets[i].endpoint.address[0] == end->other->name)
      put(end->other, packets[i].data, packets[i].length);
  if (end->reader != NULL) nd_driver_wake(end->reader);
  return 0;
}

static void on_release(void *user) { ((struct end *)user)->releases += 1; }

static nd_interface_functions functions_of(struct end *end) {
  nd_interface_functions functions;
  NEED_OK(nd_interface_functions_init(&functions));
  CHECK(functions.receive == NULL && functions.user == NULL);
  functions.user = end;
  functions.bind = on_bind;
  functions.listen = on_listen;
  functions.receive = on_receive;
  functions.send = on_send;
  functions.release = on_release;
  return functions;
}

static struct end left, right;

/* A server behind the right end and a client behind the left one, not connected yet. */
static struct pair open_ends(const nd_settings *settings) {
  struct pair pair;
  nd_interface_functions functions;
  memset(&left, 0, sizeof left);
  memset(&right, 0, sizeof right);
  left.other = &right, right.other = &left;
  left.name = 'L', right.name = 'R';
  left.room = right.room = UINT32_MAX;
  memset(&pair, 0, sizeof pair);
  NEED_OK(nd_driver_create(settings, &pair.server));
  NEED_OK(nd_driver_create(settings, &pair.client));
  functions = functions_of(&right);
  NEED_OK(nd_driver_add_custom_interface(pair.server, &functions, &pair.server_interface));
  functions = functions_of(&left);
  NEED_OK(nd_driver_add_custom_interface(pair.client, &functions, &pair.client_interface));
  pair.address = address_of('R');
  NEED_OK(nd_driver_bind(pair.server, pair.server_interface, &pair.address, NULL));
  NEED_OK(nd_driver_listen(pair.server));
  right.own = pair.server, left.own = pair.client;
  return pair;
}

static void connect_and_talk(void) {
  static uint8_t longest[1390];
  struct pair pair = open_ends(NULL);
  nd_connection incoming = 0, outgoing = connect_pair(&pair, &incoming);
  nd_connection_info info;
  nd_endpoint endpoint;
  nd_event event;
  CHECK_EQUAL(right.binds, 1);
  CHECK_EQUAL(right.listens, 1);
  CHECK_EQUAL(left.last_bind_family, ND_FAMILY_INVALID);
  CHECK_EQUAL(left.listens, 0);
  CHECK_OK(nd_driver_get_local_endpoint(pair.server, pair.server_interface, 0, &endpoint));
  CHECK(memcmp(&endpoint, &pair.address, sizeof endpoint) == 0);
  CHECK_OK(nd_connection_info_init(&info));
  CHECK_OK(nd_connection_get_info(pair.server, incoming, &info));
  CHECK_EQUAL(info.interface_kind, ND_INTERFACE_CUSTOM);
  CHECK_EQUAL(info.remote.family, ND_FAMILY_CUSTOM);
  CHECK_EQUAL(info.remote.address[0], 'L');
  CHECK_EQUAL(info.local.address[0], 'R');
  memset(longest, 7, sizeof longest);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, longest, sizeof longest, 0));
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, NULL, 0, 0));
  event = next_event(&pair, pair.server);
  CHECK_DATA(event, longest, sizeof longest);
  event = next_event(&pair, pair.server);
  CHECK_DATA(event, "", 0);
  CHECK_RESULT(nd_driver_ping(pair.client, outgoing, NULL, 0), ND_ERROR_NOT_SUPPORTED);
  CHECK_OK(nd_driver_disconnect(pair.server, incoming));
  event = next_event(&pair, pair.client);
  CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
  CHECK_EQUAL(event.reason, ND_DISCONNECT_CLOSED_BY_REMOTE);
  close_pair(&pair);
  CHECK_EQUAL(left.releases, 1);
  CHECK_EQUAL(right.releases, 1);
}

static void full_transport(void) {
  struct pair pair = open_ends(NULL);
  nd_connection incoming = 0, outgoing = connect_pair(&pair, &incoming);
  nd_driver_statistics statistics;
  nd_event event;
  left.room = 100;
  for (uint8_t i = 0; i < 200; i++) {
    CHECK_OK(nd_driver_send(pair.client, outgoing, 0, &i, 1, 0));
    checks_passed -= 1;
  }
  CHECK_OK(nd_driver_flush(pair.client));
  CHECK_EQUAL(left.room, 0);
  CHECK_EQUAL(left.largest_batch, 64);
  CHECK_OK(nd_driver_statistics_init(&statistics));
  CHECK_OK(nd_driver_get_statistics(pair.client, &statistics));
  CHECK_EQUAL(statistics.connections_closing, 1); /* somebody who ends would wait for the rest */
  left.room = UINT32_MAX;
  for (uint8_t i = 0; i < 200; i++) {
    event = next_event(&pair, pair.server);
    CHECK_DATA(event, &i, 1);
    checks_passed -= 2;
  }
  close_pair(&pair);
}

static void failing(nd_driver *driver, const char *words) {
  CHECK_RESULT(nd_driver_update(driver), SOCKET_ERROR);
  if (strstr(last_error(), words) == NULL) fprintf(stderr, "  \"%s\"\n", last_error());
  CHECK(strstr(last_error(), words) != NULL);
}

static void failures(void) {
  struct pair pair = open_ends(NULL);
  nd_connection incoming = 0, outgoing = connect_pair(&pair, &incoming);
  nd_driver_statistics statistics;
  nd_event event;
  right.receive_fails = -7;
  failing(pair.server, "receive function of the custom interface returned -7");
  right.receive_fails = 0;
  right.too_many = 65;
  failing(pair.server, "65 of 64");
  right.too_many = 0;
  right.send_fails = 3;
  CHECK_OK(nd_driver_send(pair.server, incoming, 0, (const uint8_t *)"lost", 4, 0));
  failing(pair.server, "send function of the custom interface returned 3");
  right.send_fails = 0;
  CHECK_OK(nd_driver_send(pair.server, incoming, 0, (const uint8_t *)"here", 4, 0));
  event = next_event(&pair, pair.client);
  CHECK(event.connection == outgoing);
  CHECK_DATA(event, "here", 4);
  /* Longer than its room; nothing at all; from nowhere that is known. */
  put(&right, NULL, SIZE_MAX_BYTES + 1);
  put(&right, NULL, 0);
  turn_for(&pair, 5);
  CHECK_OK(nd_driver_statistics_init(&statistics));
  CHECK_OK(nd_driver_get_statistics(pair.server, &statistics));
  CHECK_EQUAL(statistics.malformed_in, 2);
  CHECK_RESULT(nd_driver_bind(pair.server, pair.server_interface, &pair.address, NULL),
               ND_ERROR_LIMIT_REACHED);
  right.listen_fails = -1;
  CHECK_RESULT(nd_driver_listen(pair.server), SOCKET_ERROR);
  close_pair(&pair);
}

static void refusals(void) {
  nd_interface_functions functions = functions_of(&left);
  nd_interface_settings settings = interface_of(ND_INTERFACE_UDP);
  nd_driver *driver = NULL;
  nd_endpoint nowhere = address_of('N');
  nd_connection connection;
  uint32_t number = 77;
  memset(&left, 0, sizeof left);
  left.other = &right, left.name = 'L', left.bind_fails = -2;
  NEED_OK(nd_driver_create(NULL, &driver));
  CHECK_RESULT(nd_interface_settings_init(&settings, ND_INTERFACE_CUSTOM),
               ND_ERROR_INVALID_ARGUMENT);
  settings.kind = ND_INTERFACE_CUSTOM;
  CHECK_RESULT(nd_driver_add_interface(driver, &settings, &number), ND_ERROR_INVALID_ARGUMENT);
  functions.receive = NULL;
  CHECK_RESULT(nd_driver_add_custom_interface(driver, &functions, &number),
               ND_ERROR_NULL_ARGUMENT);
  functions = functions_of(&left);
  functions.send = NULL;
  CHECK_RESULT(nd_driver_add_custom_interface(driver, &functions, &number),
               ND_ERROR_NULL_ARGUMENT);
  functions = functions_of(&left);
  functions.reserved = 1;
  CHECK_RESULT(nd_driver_add_custom_interface(driver, &functions, &number),
               ND_ERROR_INVALID_ARGUMENT);
  functions = functions_of(&left);
  functions.struct_size = 8;
  CHECK_RESULT(nd_driver_add_custom_interface(driver, &functions, &number), ND_ERROR_STRUCT_SIZE);
  CHECK_RESULT(nd_driver_add_custom_interface(driver, NULL, &number), ND_ERROR_NULL_ARGUMENT);
  functions = functions_of(&left);
  CHECK_RESULT(nd_driver_add_custom_interface(driver, &functions, NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_driver_add_custom_interface(NULL, &functions, &number), ND_ERROR_INVALID_HANDLE);
  CHECK_RESULT(nd_interface_functions_init(NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_EQUAL(number, 77);
  CHECK_EQUAL(left.releases, 0);
  CHECK_OK(nd_driver_add_custom_interface(driver, &functions, &number));
  CHECK_RESULT(nd_driver_bind(driver, number, &nowhere, NULL), SOCKET_ERROR);
  CHECK(strstr(last_error(), "bind function") != NULL);
  CHECK_RESULT(nd_driver_connect(driver, number, &nowhere, NULL, 0, &connection), SOCKET_ERROR);
  memset(&nowhere, 0, sizeof nowhere);
  CHECK_RESULT(nd_driver_bind(driver, number, &nowhere, NULL), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_connect(driver, number, &nowhere, NULL, 0, &connection),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_OK(nd_driver_destroy(driver));
  CHECK_EQUAL(left.releases, 1);
}

/* A table without bind, listen and release. */
static void the_least(void) {
  nd_interface_functions functions;
  struct pair pair = open_ends(NULL);
  nd_endpoint endpoint = address_of('X');
  nd_driver *driver;
  uint32_t number, binding;
  NEED_OK(nd_interface_functions_init(&functions));
  functions.user = &left;
  functions.receive = on_receive;
  functions.send = on_send;
  NEED_OK(nd_driver_create(NULL, &driver));
  CHECK_OK(nd_driver_add_custom_interface(driver, &functions, &number));
  CHECK_OK(nd_driver_bind(driver, number, &endpoint, &binding));
  CHECK_OK(nd_driver_listen(driver));
  CHECK_OK(nd_driver_get_local_endpoint(driver, number, binding, &endpoint));
  CHECK_EQUAL(endpoint.address[0], 'X');
  CHECK_OK(nd_driver_update(driver));
  CHECK_OK(nd_driver_destroy(driver));
  close_pair(&pair);
}

static void *wake_it(void *driver) {
  struct timespec moment = {0, 20000000};
  nanosleep(&moment, NULL);
  nd_result result = nd_driver_wake(driver);
  return result == ND_OK ? driver : NULL;
}

static void waking(void) {
  struct pair pair = open_ends(NULL);
  int64_t begin = now_ms();
  pthread_t thread;
  void *woken = NULL;
  uint32_t ready = 7;
  NEED_OK(pthread_create(&thread, NULL, wake_it, pair.server));
  CHECK_OK(nd_driver_wait(pair.server, 600000, &ready));
  CHECK_EQUAL(ready, 0);
  NEED_OK(pthread_join(thread, &woken));
  CHECK(woken != NULL);
  CHECK_OK(nd_driver_wake(pair.server));
  CHECK_OK(nd_driver_wait(pair.server, 600000, &ready));
  CHECK(now_ms() - begin < PATIENCE_MS);
  nd_driver *gone = pair.client;
  close_pair(&pair);
  CHECK_RESULT(nd_driver_wake(gone), ND_ERROR_INVALID_HANDLE);
  CHECK_RESULT(nd_driver_wake(NULL), ND_ERROR_INVALID_HANDLE);
}

/* How many messages of a size are there after `updates` of each side, sent over a bad network. */
static uint32_t arrivals(const nd_network_simulator *to_server, const nd_network_simulator *sender,
                         uint32_t size, int updates) {
  static uint8_t message[500];
  nd_settings settings = default_settings();
  settings.fixed_frame_time_ms = 10;
  struct pair pair = open_ends(&settings);
  nd_connection incoming = 0, outgoing = connect_pair(&pair, &incoming);
  nd_event event;
  uint32_t count = 0;
  CHECK_OK(nd_driver_set_network_simulator(pair.server, to_server));
  CHECK_OK(nd_driver_set_network_simulator(pair.client, sender));
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, message, size, 0));
  for (int i = 0; i < updates; i++) {
    CHECK_OK(nd_driver_update(pair.client));
    CHECK_OK(nd_driver_update(pair.server));
    NEED_OK(nd_driver_pop_event(pair.server, &event));
    for (; event.kind != ND_EVENT_EMPTY; count++) NEED_OK(nd_driver_pop_event(pair.server, &event));
  }
  close_pair(&pair);
  return count;
}

static void every_field_of_the_simulator_acts(void) {
  nd_network_simulator good, bad;
  NEED_OK(nd_network_simulator_init(&good));
  CHECK_EQUAL(arrivals(&good, &good, 400, 2), 1);
  bad = good, bad.receive_loss_percent = 100;
  CHECK_EQUAL(arrivals(&bad, &good, 400, 20), 0);
  bad = good, bad.send_loss_percent = 100;
  CHECK_EQUAL(arrivals(&good, &bad, 400, 20), 0);
  bad = good, bad.send_duplicate_percent = 100;
  CHECK_EQUAL(arrivals(&good, &bad, 400, 20), 2);
  bad = good, bad.send_delay_ms = 100;
  CHECK_EQUAL(arrivals(&good, &bad, 400, 9), 0);
  CHECK_EQUAL(arrivals(&good, &bad, 400, 12), 1);
  bad.send_jitter_ms = 50;
  CHECK_EQUAL(arrivals(&good, &bad, 400, 4), 0);
  CHECK_EQUAL(arrivals(&good, &bad, 400, 17), 1);
  bad = good, bad.receive_mtu = 300;
  CHECK_EQUAL(arrivals(&bad, &good, 400, 20), 0);
  CHECK_EQUAL(arrivals(&bad, &good, 200, 20), 1);
  bad = good, bad.partitioned = 1;
  CHECK_EQUAL(arrivals(&good, &bad, 400, 20), 0);
}

int main(void) {
  connect_and_talk();
  full_transport();
  failures();
  refusals();
  the_least();
  waking();
  every_field_of_the_simulator_acts();
  return finish();
}
