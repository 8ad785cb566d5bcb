/* custom_interface: packets that travel through memory of this program instead of the network.
 *
 *   custom_interface
 *
 * A ring holds datagrams for each of two ends. The five functions below make an interface of it;
 * everything else - connecting, events, limits, timeouts - is as with UDP. In a real program the
 * ring would be memory that processes share, a serial line, a relay, or the library of a platform;
 * its thread calls nd_driver_wake when something has come, so that nd_driver_wait returns. */
#include "common.h"

#define RING_SIZE 64 /* datagrams; a full ring takes no more, and they wait in the driver */
#define DATAGRAM_MAX 1472

struct ring {
  struct datagram {
    uint32_t length;
    uint8_t bytes[DATAGRAM_MAX];
  } datagrams[RING_SIZE];
  uint32_t read, written; /* how many ever; the place is the number modulo RING_SIZE */
};

/* One end: it writes to one ring and reads from the other. */
struct end {
  uint8_t name, other; /* addresses */
  struct ring *in, *out;
  nd_driver *reader; /* whom to wake when something was written; NULL while there is nobody */
  int released;
};

static nd_endpoint address_of(uint8_t name) {
  nd_endpoint endpoint = {.address = {name}, .family = ND_FAMILY_CUSTOM};
  return endpoint;
}

/* Whatever was asked for, an end has its own address. */
static int32_t on_bind(void *user, const nd_endpoint *endpoint, nd_endpoint *out_endpoint) {
  struct end *end = user;
  if (endpoint->family == ND_FAMILY_CUSTOM && endpoint->address[0] != end->name) return -1;
  *out_endpoint = address_of(end->name);
  return 0;
}

static int32_t on_receive(void *user, nd_incoming_packet *packets, uint32_t capacity,
                          uint32_t *out_count) {
  struct end *end = user;
  for (*out_count = 0; *out_count < capacity && end->in->read != end->in->written;) {
    const struct datagram *datagram = &end->in->datagrams[end->in->read++ % RING_SIZE];
    nd_incoming_packet *packet = &packets[(*out_count)++];
    packet->endpoint = address_of(end->other);
    packet->length = datagram->length;
    if (packet->length <= packet->capacity) memcpy(packet->data, datagram->bytes, packet->length);
  }
  return 0;
}

static int32_t on_send(void *user, const nd_outgoing_packet *packets, uint32_t count,
                       uint32_t *out_taken) {
  struct end *end = user;
  for (*out_taken = 0; *out_taken < count; *out_taken += 1) {
    const nd_outgoing_packet *packet = &packets[*out_taken];
    if (packet->endpoint.address[0] != end->other) continue; /* nobody is there: it is lost */
    if (end->out->written - end->out->read == RING_SIZE) break;
    struct datagram *datagram = &end->out->datagrams[end->out->written++ % RING_SIZE];
    datagram->length = packet->length;
    memcpy(datagram->bytes, packet->data, packet->length);
  }
  if (end->reader != NULL) nd_driver_wake(end->reader);
  return 0;
}

static void on_release(void *user) { ((struct end *)user)->released = 1; }

static nd_driver *open_end(struct end *end) {
  nd_driver *driver;
  nd_interface_functions functions;
  require(nd_driver_create(NULL, &driver), "nd_driver_create");
  require(nd_interface_functions_init(&functions), "nd_interface_functions_init");
  functions.user = end;
  functions.bind = on_bind;
  functions.receive = on_receive;
  functions.send = on_send;
  functions.release = on_release;
  uint32_t index;
  require(nd_driver_add_custom_interface(driver, &functions, &index),
          "nd_driver_add_custom_interface");
  return driver; /* index is 0: it is the first */
}

/* What has happened to a driver, one event; its data lives until the next call. */
static nd_event next(nd_driver *driver, nd_driver *other) {
  nd_event event = {.kind = ND_EVENT_EMPTY};
  for (int round = 0; round < 1000 && event.kind == ND_EVENT_EMPTY; round++) {
    require(nd_driver_update(other), "nd_driver_update");
    require(nd_driver_wait(driver, 10, NULL), "nd_driver_wait");
    require(nd_driver_update(driver), "nd_driver_update");
    require(nd_driver_pop_event(driver, &event), "nd_driver_pop_event");
  }
  return event;
}

int main(void) {
  static struct ring there, back;
  struct end left = {.name = 'L', .other = 'R', .in = &back, .out = &there};
  struct end right = {.name = 'R', .other = 'L', .in = &there, .out = &back};
  require_library();
  nd_driver *client = open_end(&left), *server = open_end(&right);
  left.reader = server, right.reader = client;
  nd_endpoint address = address_of('R');
  nd_connection outgoing, incoming = 0;
  require(nd_driver_bind(server, 0, &address, NULL), "nd_driver_bind");
  require(nd_driver_listen(server), "nd_driver_listen");
  require(nd_driver_connect(client, 0, &address, NULL, 0, &outgoing), "nd_driver_connect");

  if (next(client, server).kind != ND_EVENT_CONNECT) return 1;
  require(nd_driver_accept(server, &incoming), "nd_driver_accept");
  const char *hello = "hello through memory";
  require(nd_driver_send(client, outgoing, 0, (const uint8_t *)hello, 20, 0), "nd_driver_send");
  nd_event event = next(server, client);
  printf("%.*s\n", (int)event.data_length, (const char *)event.data);
  int good = event.connection == incoming && event.data_length == 20 &&
             memcmp(event.data, hello, 20) == 0;
  require(nd_driver_disconnect(client, outgoing), "nd_driver_disconnect");
  good = good && next(server, client).kind == ND_EVENT_DISCONNECT;
  left.reader = right.reader = NULL; /* a driver that is gone is not woken */
  require(nd_driver_destroy(client), "nd_driver_destroy");
  require(nd_driver_destroy(server), "nd_driver_destroy");
  return good && left.released && right.released ? 0 : 1;
}
