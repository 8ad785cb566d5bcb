/* Steady state allocates nothing: a million echoed messages over each interface, once warm. Between
 * the two looks at the counting allocator nobody but the library allocates. */
#include "../c/pair.h"

#include "allocator.h"

#define WARM_UP 50000
#define ECHOES 1000000
#define WINDOW 64 /* messages under way at once */
#define SIZE_SMALL 32
#define SIZE_MAX_SENT 1300
#define CUSTOM_SIZE_MAX 1472
#define CUSTOM_PLACES (2 * WINDOW)

/* ---- an interface of the program ----------------------------------------------------------- */

struct ring {
  uint8_t bytes[CUSTOM_PLACES][CUSTOM_SIZE_MAX];
  uint32_t lengths[CUSTOM_PLACES];
  uint32_t read, written;
};

struct end {
  struct ring *input, *output;
  uint8_t name, peer;
};

static nd_endpoint custom_address(uint8_t name) {
  nd_endpoint endpoint;
  memset(&endpoint, 0, sizeof endpoint);
  endpoint.family = ND_FAMILY_CUSTOM;
  endpoint.address[0] = name;
  return endpoint;
}

static int32_t custom_bind(void *user, const nd_endpoint *wanted, nd_endpoint *out_endpoint) {
  (void)wanted;
  *out_endpoint = custom_address(((struct end *)user)->name);
  return 0;
}

static int32_t custom_receive(void *user, nd_incoming_packet *packets, uint32_t capacity,
                              uint32_t *out_count) {
  struct end *end = user;
  struct ring *ring = end->input;
  uint32_t count = 0;
  for (; count < capacity && ring->read != ring->written; ring->read++, count++) {
    uint32_t place = ring->read % CUSTOM_PLACES;
    packets[count].endpoint = custom_address(end->peer);
    packets[count].length = ring->lengths[place];
    memcpy(packets[count].data, ring->bytes[place], ring->lengths[place]);
  }
  *out_count = count;
  return 0;
}

static int32_t custom_send(void *user, const nd_outgoing_packet *packets, uint32_t count,
                           uint32_t *out_taken) {
  struct ring *ring = ((struct end *)user)->output;
  uint32_t taken = 0;
  for (; taken < count && ring->written - ring->read < CUSTOM_PLACES; ring->written++, taken++) {
    uint32_t place = ring->written % CUSTOM_PLACES;
    ring->lengths[place] = packets[taken].length;
    memcpy(ring->bytes[place], packets[taken].data, packets[taken].length);
  }
  *out_taken = taken;
  return 0;
}

static void add_end(nd_driver *driver, struct end *end) {
  nd_interface_functions functions;
  uint32_t number;
  NEED_OK(nd_interface_functions_init(&functions));
  functions.user = end;
  functions.bind = custom_bind;
  functions.receive = custom_receive;
  functions.send = custom_send;
  NEED_OK(nd_driver_add_custom_interface(driver, &functions, &number));
}

static struct pair open_custom(const nd_settings *settings) {
  static struct ring there, back;
  static struct end server = {&there, &back, 1, 2}, client = {&back, &there, 2, 1};
  struct pair pair;
  memset(&pair, 0, sizeof pair);
  NEED_OK(nd_driver_create(settings, &pair.server));
  NEED_OK(nd_driver_create(settings, &pair.client));
  add_end(pair.server, &server);
  add_end(pair.client, &client);
  pair.address = custom_address(server.name);
  NEED_OK(nd_driver_bind(pair.server, 0, &pair.address, NULL));
  NEED_OK(nd_driver_listen(pair.server));
  return pair;
}

/* ---- the echoes ---------------------------------------------------------------------------- */

struct road {
  const char *name;
  uint32_t kind;
  int custom, plain, session;
};

static const struct road ROADS[] = {
    {"UDP", ND_INTERFACE_UDP, 0, 0, 0},
    {"UDP with a session", ND_INTERFACE_UDP, 0, 0, 1},
    {"TCP", ND_INTERFACE_TCP, 0, 0, 0},
    {"IPC", ND_INTERFACE_IPC, 0, 0, 0},
    {"plain WebSocket", ND_INTERFACE_WEBSOCKET, 0, 1, 0},
    {"UTP WebSocket", ND_INTERFACE_WEBSOCKET, 0, 0, 0},
    {"custom interface", 0, 1, 0, 0},
};

static struct pair open_road(const struct road *road) {
  nd_settings settings = default_settings();
  nd_interface_settings interface_settings;
  settings.session = road->session;
  /* Often, so that no probe comes for the first time after the warm-up. */
  settings.round_trip_interval_ms = 2;
  if (road->custom) return open_custom(&settings);
  interface_settings = interface_of(road->kind);
  interface_settings.dialect = road->plain ? ND_DIALECT_PLAIN : ND_DIALECT_UTP;
  return open_pair(&interface_settings, &settings, &settings, "127.0.0.1");
}

/* Most messages are small, and every eighth has a length of its own. */
static uint32_t size_of_message(uint32_t number) {
  return number % 8 == 0 ? 1 + number % SIZE_MAX_SENT : SIZE_SMALL;
}

struct echo {
  struct pair *pair;
  nd_connection outgoing;
  uint32_t sent, done, lost;
};

static void send_more(struct echo *echo, uint32_t count) {
  static const uint8_t message[SIZE_MAX_SENT];
  while (echo->sent < count && echo->sent - echo->done < WINDOW) {
    uint32_t size = size_of_message(echo->sent);
    if (nd_driver_send(echo->pair->client, echo->outgoing, 0, message, size, 0) != ND_OK) return;
    echo->sent += 1;
  }
}

static void send_back(nd_driver *server) {
  nd_event events[WINDOW];
  uint32_t count;
  do {
    NEED_OK(nd_driver_pop_events(server, events, WINDOW, &count));
    for (uint32_t at = 0; at < count; at++)
      NEED_OK(nd_driver_send(server, events[at].connection, 0, events[at].data,
                             events[at].data_length, 0));
  } while (count == WINDOW);
}

static void take_echoes(struct echo *echo) {
  nd_event events[WINDOW];
  uint32_t count;
  do {
    NEED_OK(nd_driver_pop_events(echo->pair->client, events, WINDOW, &count));
    echo->done += count;
  } while (count == WINDOW);
}

/* Runs until so many echoes have come back, in all. */
static void run(struct echo *echo, uint32_t count) {
  struct pair *pair = echo->pair;
  int64_t heard = now_ms();
  while (echo->done < count) {
    uint32_t before = echo->done;
    send_more(echo, count);
    NEED_OK(nd_driver_flush(pair->client));
    NEED_OK(nd_driver_update(pair->server));
    send_back(pair->server);
    NEED_OK(nd_driver_flush(pair->server));
    NEED_OK(nd_driver_update(pair->client));
    take_echoes(echo);
    if (echo->done > before) {
      heard = now_ms();
    } else if (now_ms() - heard > 1000) {
      /* Datagrams that the system dropped come no more. */
      echo->lost += echo->sent - echo->done;
      echo->done = echo->sent;
      heard = now_ms();
    }
  }
  checks_passed = 0; /* going round is no test */
}

static void measure(const struct road *road) {
  struct pair pair = open_road(road);
  struct echo echo = {&pair, 0, 0, 0, 0};
  nd_connection incoming;
  unsigned long long before, counted;
  int passed = checks_passed;
  if (road->plain) {
    nd_event event;
    echo.outgoing = connect_url(&pair, "/", NULL);
    incoming = next_connection(&pair);
    event = next_event(&pair, pair.client);
    CHECK_EQUAL(event.kind, ND_EVENT_CONNECT);
    CHECK(incoming != 0);
  } else {
    echo.outgoing = connect_pair(&pair, &incoming);
  }
  run(&echo, WARM_UP);
  before = allocations();
  run(&echo, WARM_UP + ECHOES);
  counted = allocations() - before;
  checks_passed = passed;
  fprintf(stderr, "%s: %llu allocations in %d echoes\n", road->name, counted, ECHOES);
  CHECK_EQUAL(counted, 0);
  CHECK_EQUAL(echo.lost, 0);
  close_pair(&pair);
}

int main(void) {
  for (size_t at = 0; at < COUNT(ROADS); at++) measure(&ROADS[at]);
  return finish();
}
