/* What calls through the C interface cost in instructions of user space: run it under callgrind
 * with --collect-atstart=no. Each operation ends with a dump of its own, whose text says what was
 * counted: carrier, operation, and how often it was done. Without callgrind it only shows that the
 * operations work.
 *
 * The program counts what it pays itself, too: the loop around a call, and the bytes that it
 * writes in place. */
#include "../c/pair.h"

#include <valgrind/callgrind.h>

#define CONNECTIONS 8
#define EACH 8 /* messages to or from each connection in one round */
#define BATCH (CONNECTIONS * EACH)
#define ROUNDS_WARM 12
#define ROUNDS 16
#define MESSAGE_SIZE 32

struct carrier {
  const char *name;
  uint32_t kind;
  int plain;    /* a WebSocket without Unity Transport's packets */
  int reliable; /* through a reliable-sequenced pipeline */
  int session;  /* two netdriver peers, which know each other */
};

static const struct carrier CARRIERS[] = {
    {"udp", ND_INTERFACE_UDP, 0, 0, 0},
    {"udp-reliable", ND_INTERFACE_UDP, 0, 1, 0},
    {"udp-session", ND_INTERFACE_UDP, 0, 0, 1},
    {"udp-session-reliable", ND_INTERFACE_UDP, 0, 1, 1},
    {"ipc", ND_INTERFACE_IPC, 0, 0, 0},
    {"tcp", ND_INTERFACE_TCP, 0, 0, 0},
    {"websocket-utp", ND_INTERFACE_WEBSOCKET, 0, 0, 0},
    {"websocket", ND_INTERFACE_WEBSOCKET, 1, 0, 0},
};

struct crowd {
  struct pair pair;
  nd_connection outgoing[CONNECTIONS], incoming[CONNECTIONS];
  uint8_t pipeline;
};

static const uint8_t MESSAGE[MESSAGE_SIZE + 1] = "thirty-two bytes of a small text";

static uint8_t add_pipeline(nd_driver *driver, const struct carrier *carrier) {
  nd_pipeline_stage stage = {.stage = ND_PIPELINE_STAGE_RELIABLE_SEQUENCED};
  uint8_t pipeline = 0;
  if (carrier->reliable) NEED_OK(nd_driver_create_pipeline(driver, &stage, 1, &pipeline));
  return pipeline;
}

static void open_crowd(const struct carrier *carrier, struct crowd *crowd) {
  nd_settings settings = default_settings();
  nd_interface_settings interface_settings = interface_of(carrier->kind);

  nd_event event;
  settings.session = carrier->session;
  interface_settings.dialect = carrier->plain ? ND_DIALECT_PLAIN : ND_DIALECT_UTP;
  crowd->pair = open_pair(&interface_settings, &settings, &settings, "127.0.0.1");
  crowd->pipeline = add_pipeline(crowd->pair.server, carrier);
  add_pipeline(crowd->pair.client, carrier);
  for (int at = 0; at < CONNECTIONS; at++) {
    if (!carrier->plain) {
      crowd->outgoing[at] = connect_pair(&crowd->pair, &crowd->incoming[at]);
      continue;
    }
    crowd->outgoing[at] = connect_url(&crowd->pair, "/", NULL);
    crowd->incoming[at] = next_connection(&crowd->pair);
    event = next_event(&crowd->pair, crowd->pair.client);
    CHECK_EQUAL(event.kind, ND_EVENT_CONNECT);
  }
  turn(&crowd->pair);
  turn(&crowd->pair);
}

/* ---- what is not counted ------------------------------------------------------------------- */

static uint32_t waiting(nd_driver *driver, const nd_connection *connections) {
  uint32_t sum = 0, count;
  for (int at = 0; at < CONNECTIONS; at++) {
    NEED_OK(nd_driver_get_event_count(driver, connections[at], &count));
    sum += count;
  }
  return sum;
}

/* Moves what was sent until a batch is visible to the receiver. */
static void carry(struct crowd *crowd, nd_driver *to, const nd_connection *connections) {
  nd_driver *from = to == crowd->pair.server ? crowd->pair.client : crowd->pair.server;
  int64_t end = now_ms() + PATIENCE_MS;
  NEED_OK(nd_driver_flush(from));
  while (waiting(to, connections) < BATCH && now_ms() < end) {
    NEED_OK(nd_driver_update(to));
    NEED_OK(nd_driver_update(from));
  }
  CHECK_EQUAL(waiting(to, connections), BATCH);
}

static void pop_all(struct crowd *crowd, nd_driver *driver, const nd_connection *connections) {
  static nd_event events[BATCH];
  uint32_t count;
  carry(crowd, driver, connections);
  NEED_OK(nd_driver_pop_events(driver, events, BATCH, &count));
  CHECK_EQUAL(count, BATCH);
  NEED_OK(nd_driver_update(driver));
}

static void send_batch(nd_driver *driver, const nd_connection *connections, uint8_t pipeline,
                       uint32_t flags) {
  for (int at = 0; at < BATCH; at++)
    NEED_OK(nd_driver_send(driver, connections[at % CONNECTIONS], pipeline, MESSAGE, MESSAGE_SIZE,
                           flags));
}

/* ---- what is counted ----------------------------------------------------------------------- */

static void pop_in_batch(struct crowd *crowd) {
  static nd_event events[BATCH];
  uint32_t count = 0;
  nd_result result;
  send_batch(crowd->pair.client, crowd->outgoing, crowd->pipeline, 0);
  carry(crowd, crowd->pair.server, crowd->incoming);
  CALLGRIND_TOGGLE_COLLECT;
  result = nd_driver_pop_events(crowd->pair.server, events, BATCH, &count);
  CALLGRIND_TOGGLE_COLLECT;
  CHECK_EQUAL(result, ND_OK);
  CHECK_EQUAL(count, BATCH);
}

static void pop_one_by_one(struct crowd *crowd) {
  nd_event event;
  uint32_t bytes = 0;
  send_batch(crowd->pair.client, crowd->outgoing, crowd->pipeline, 0);
  carry(crowd, crowd->pair.server, crowd->incoming);
  CALLGRIND_TOGGLE_COLLECT;
  for (int at = 0; at < BATCH; at++) {
    if (nd_driver_pop_event(crowd->pair.server, &event) == ND_OK) bytes += event.data_length;
  }
  CALLGRIND_TOGGLE_COLLECT;
  CHECK_EQUAL(bytes, BATCH * MESSAGE_SIZE);
}

static void pop_of_connection(struct crowd *crowd) {
  nd_event event;
  uint32_t bytes = 0;
  send_batch(crowd->pair.client, crowd->outgoing, crowd->pipeline, 0);
  carry(crowd, crowd->pair.server, crowd->incoming);
  CALLGRIND_TOGGLE_COLLECT;
  for (int at = 0; at < BATCH; at++) {
    nd_connection from = crowd->incoming[at % CONNECTIONS];
    if (nd_driver_pop_event_for_connection(crowd->pair.server, from, &event) == ND_OK)
      bytes += event.data_length;
  }
  CALLGRIND_TOGGLE_COLLECT;
  CHECK_EQUAL(bytes, BATCH * MESSAGE_SIZE);
}

static void send_as(struct crowd *crowd, int server, uint32_t flags) {
  nd_driver *driver = server ? crowd->pair.server : crowd->pair.client;
  nd_driver *peer = server ? crowd->pair.client : crowd->pair.server;
  const nd_connection *to = server ? crowd->incoming : crowd->outgoing;
  uint32_t failures = 0;
  CALLGRIND_TOGGLE_COLLECT;
  for (int at = 0; at < BATCH; at++)
    failures += nd_driver_send(driver, to[at % CONNECTIONS], crowd->pipeline, MESSAGE,
                               MESSAGE_SIZE, flags) != ND_OK;
  CALLGRIND_TOGGLE_COLLECT;
  CHECK_EQUAL(failures, 0);
  pop_all(crowd, peer, server ? crowd->outgoing : crowd->incoming);
}

static void send_message(struct crowd *crowd) {
  send_as(crowd, 1, 0);
}

static void send_text(struct crowd *crowd) {
  send_as(crowd, 1, ND_SEND_FLAG_TEXT);
}

static void send_as_client(struct crowd *crowd) {
  send_as(crowd, 0, 0);
}

static void send_in_place(struct crowd *crowd) {
  nd_driver *driver = crowd->pair.server;
  uint32_t failures = 0;
  nd_send send;
  CALLGRIND_TOGGLE_COLLECT;
  for (int at = 0; at < BATCH; at++) {
    nd_connection to = crowd->incoming[at % CONNECTIONS];
    failures += nd_driver_begin_send(driver, to, crowd->pipeline, MESSAGE_SIZE, &send) != ND_OK;
    memcpy(send.data, MESSAGE, MESSAGE_SIZE);
    failures += nd_driver_end_send(driver, &send, MESSAGE_SIZE, 0) != ND_OK;
  }
  CALLGRIND_TOGGLE_COLLECT;
  CHECK_EQUAL(failures, 0);
  pop_all(crowd, crowd->pair.client, crowd->outgoing);
}

static void send_to_many(struct crowd *crowd) {
  uint32_t sent = 0, all = 0;
  CALLGRIND_TOGGLE_COLLECT;
  for (int at = 0; at < EACH; at++) {
    nd_driver_send_to_many(crowd->pair.server, crowd->incoming, CONNECTIONS, crowd->pipeline,
                           MESSAGE, MESSAGE_SIZE, 0, NULL, &sent);
    all += sent;
  }
  CALLGRIND_TOGGLE_COLLECT;
  CHECK_EQUAL(all, BATCH);
  pop_all(crowd, crowd->pair.client, crowd->outgoing);
}

/* ---- what is counted, as one of several threads does it ------------------------------------- */

static nd_concurrent *shared(struct crowd *crowd) {
  nd_concurrent *server = NULL;
  NEED_OK(nd_driver_to_concurrent(crowd->pair.server, &server));
  return server;
}

static void pop_beside_in_batch(struct crowd *crowd) {
  static nd_event events[EACH];
  nd_concurrent *server = shared(crowd);
  uint32_t count, all = 0;
  send_batch(crowd->pair.client, crowd->outgoing, crowd->pipeline, 0);
  carry(crowd, crowd->pair.server, crowd->incoming);
  CALLGRIND_TOGGLE_COLLECT;
  for (int at = 0; at < CONNECTIONS; at++) {
    nd_connection from = crowd->incoming[at];
    if (nd_concurrent_pop_events_for_connection(server, from, events, EACH, &count) == ND_OK)
      all += count;
  }
  CALLGRIND_TOGGLE_COLLECT;
  CHECK_EQUAL(all, BATCH);
}

static void pop_beside(struct crowd *crowd) {
  nd_concurrent *server = shared(crowd);
  nd_event event;
  uint32_t bytes = 0;
  send_batch(crowd->pair.client, crowd->outgoing, crowd->pipeline, 0);
  carry(crowd, crowd->pair.server, crowd->incoming);
  CALLGRIND_TOGGLE_COLLECT;
  for (int at = 0; at < BATCH; at++) {
    nd_connection from = crowd->incoming[at % CONNECTIONS];
    if (nd_concurrent_pop_event_for_connection(server, from, &event) == ND_OK)
      bytes += event.data_length;
  }
  CALLGRIND_TOGGLE_COLLECT;
  CHECK_EQUAL(bytes, BATCH * MESSAGE_SIZE);
}

/* The next call that has the driver to itself settles what was sent; that is counted apart. */
static void send_staged(struct crowd *crowd, int counts_calls, int in_place) {
  nd_concurrent *server = shared(crowd);
  uint32_t failures = 0;
  int32_t state;
  nd_send send;
  if (counts_calls) CALLGRIND_TOGGLE_COLLECT;
  for (int at = 0; at < BATCH; at++) {
    nd_connection to = crowd->incoming[at % CONNECTIONS];
    if (!in_place) {
      failures += nd_concurrent_send(server, to, crowd->pipeline, MESSAGE, MESSAGE_SIZE, 0) != 0;
      continue;
    }
    failures += nd_concurrent_begin_send(server, to, crowd->pipeline, MESSAGE_SIZE, &send) != 0;
    memcpy(send.data, MESSAGE, MESSAGE_SIZE);
    failures += nd_concurrent_end_send(server, &send, MESSAGE_SIZE, 0) != ND_OK;
  }
  CALLGRIND_TOGGLE_COLLECT;
  nd_connection_get_state(crowd->pair.server, crowd->incoming[0], &state);
  if (!counts_calls) CALLGRIND_TOGGLE_COLLECT;
  CHECK_EQUAL(failures, 0);
  pop_all(crowd, crowd->pair.client, crowd->outgoing);
}

static void send_beside(struct crowd *crowd) {
  send_staged(crowd, 1, 0);
}

static void send_beside_in_place(struct crowd *crowd) {
  send_staged(crowd, 1, 1);
}

static void settle_sends(struct crowd *crowd) {
  send_staged(crowd, 0, 0);
}

struct operation {
  const char *name;
  void (*run)(struct crowd *crowd);
  int plain_only;
  int beside; /* the driver is shared from here on */
};

static const struct operation OPERATIONS[] = {
    {"pop-64", pop_in_batch, 0, 0},
    {"pop", pop_one_by_one, 0, 0},
    {"pop-for-connection", pop_of_connection, 0, 0},
    {"send", send_message, 0, 0},
    {"send-client", send_as_client, 0, 0},
    {"send-text", send_text, 1, 0},
    {"begin-end-send", send_in_place, 0, 0},
    {"send-to-many", send_to_many, 0, 0},
    {"beside-pop-8", pop_beside_in_batch, 0, 1},
    {"beside-pop", pop_beside, 0, 1},
    {"beside-send", send_beside, 0, 1},
    {"beside-begin-end", send_beside_in_place, 0, 1},
    {"beside-send-settle", settle_sends, 0, 1},
};

static void count_instructions(const struct carrier *carrier, int beside) {
  struct crowd crowd;
  char text[64];
  open_crowd(carrier, &crowd);
  for (size_t at = 0; at < COUNT(OPERATIONS); at++) {
    const struct operation *operation = &OPERATIONS[at];
    if (operation->plain_only && !carrier->plain) continue;
    if (operation->beside != beside) continue;
    for (int round = 0; round < ROUNDS_WARM; round++) operation->run(&crowd);
    CALLGRIND_ZERO_STATS;
    for (int round = 0; round < ROUNDS; round++) operation->run(&crowd);
    snprintf(text, sizeof text, "%s %s %d", carrier->name, operation->name, ROUNDS * BATCH);
    CALLGRIND_DUMP_STATS_AT(text);
  }
  close_pair(&crowd.pair);
}

/* Counts for all carriers, or for those that are named. A place for drivers that was shared once
 * costs each call a few instructions more, whichever driver lives there next, so drivers that are
 * shared come last. */
int main(int count, char **names) {
  for (int beside = 0; beside < 2; beside++) {
    for (size_t at = 0; at < COUNT(CARRIERS); at++) {
      int wanted = count == 1;
      for (int name = 1; name < count; name++)
        wanted |= strcmp(names[name], CARRIERS[at].name) == 0;
      if (wanted) count_instructions(&CARRIERS[at], beside);
    }
  }
  return finish();
}
