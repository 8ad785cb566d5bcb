/* What two threads write that work on two connections of one driver, for one who sees every access
 * to memory (Valgrind's lackey) and is told by marks whose turn it is: stores to addresses that are
 * printed first. Between two updates, once each of the two has used the driver since the last one,
 * nothing that one writes may lie in a cache line that the other one touches. In every second pair
 * of turns they share a word on purpose, which must be found. */
#include "../c/pair.h"

#include <pthread.h>

#define EACH 2      /* connections of each thread: one to begin with, one that is looked at */
#define MESSAGES 12 /* that wait on each connection */
#define SIZE 100
#define ROUNDS 2    /* in the first one memory comes from the system's allocator */
#define SETTLING 4  /* turns until what was sent has arrived and is acknowledged */

/* Each mark is told from the others by its address. */
static volatile int marks[3]; /* the first thread's turn, the second one's, nobody's */
static volatile int common;   /* what they share on purpose */

static const uint8_t MESSAGE[SIZE] = {1, 2, 3};

struct worker {
  pthread_t thread;
  nd_concurrent *server;
  nd_connection connections[EACH];
  uint8_t pipeline;
  int number, failures, marked;
  void (*work)(struct worker *); /* NULL: the end */
  uint8_t apart[256];            /* from the next one */
};

/* Whose turn it is; 0: the main program's. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn_of;

static void give_turn(int from, int to) {
  pthread_mutex_lock(&lock);
  turn_of = to;
  pthread_cond_broadcast(&changed);
  while (turn_of != from) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
}

static void use(struct worker *worker, nd_connection connection) {
  nd_event events[4], event;
  nd_send send, given_up;
  uint32_t count = 0;
  int32_t state;
  nd_concurrent *server = worker->server;
  int bad = 0;
  bad += nd_concurrent_get_connection_state(server, connection, &state) != ND_OK;
  bad += nd_concurrent_get_event_count(server, connection, &count) != ND_OK || count < 5;
  bad += nd_concurrent_pop_event_for_connection(server, connection, &event) != ND_OK;
  bad += event.kind != ND_EVENT_DATA || event.data[0] != MESSAGE[0];
  bad += nd_concurrent_pop_events_for_connection(server, connection, events, 4, &count) != ND_OK;
  bad += count != 4;
  for (int i = 0; i < 4; i++) {
    bad += nd_concurrent_send(server, connection, worker->pipeline, MESSAGE, SIZE, 0) != ND_OK;
    bad += nd_concurrent_begin_send(server, connection, worker->pipeline, SIZE, &send) != ND_OK;
    bad += nd_concurrent_begin_send(server, connection, worker->pipeline, 8, &given_up) != ND_OK;
    memcpy(send.data, MESSAGE, SIZE);
    memset(given_up.data, 7, 8);
    bad += nd_concurrent_abort_send(server, &given_up) != ND_OK;
    bad += nd_concurrent_end_send(server, &send, SIZE, 0) != ND_OK;
  }
  worker->failures += bad;
}

static void begin(struct worker *worker) {
  use(worker, worker->connections[0]);
}

static void go_on(struct worker *worker) {
  use(worker, worker->connections[1]);
}

static void share_a_word(struct worker *worker) {
  (void)worker;
  common += 1;
}

static void *run(void *argument) {
  struct worker *worker = argument;
  pthread_mutex_lock(&lock);
  while (turn_of != worker->number) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  while (worker->work != NULL) {
    if (worker->marked) marks[worker->number - 1] = 1;
    worker->work(worker);
    if (worker->marked) marks[2] = 1;
    give_turn(worker->number, 0);
  }
  return NULL;
}

static void both(struct worker *workers, int marked, void (*work)(struct worker *)) {
  for (int i = 0; i < 2; i++) {
    workers[i].work = work;
    workers[i].marked = marked;
    if (work != NULL) {
      give_turn(0, workers[i].number);
      continue;
    }
    pthread_mutex_lock(&lock);
    turn_of = workers[i].number;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(workers[i].thread, NULL);
    turn_of = 0;
  }
}

static void send_all(struct pair *pair, const nd_connection *to, uint8_t pipeline) {
  for (int i = 0; i < 2 * EACH; i++) {
    for (int k = 0; k < MESSAGES; k++)
      NEED_OK(nd_driver_send(pair->client, to[i], pipeline, MESSAGE, SIZE, 0));
  }
  checks_passed -= 2 * EACH * MESSAGES;
}

static void await_all(struct pair *pair, const nd_connection *from) {
  for (int i = 0; i < 2 * EACH; i++) {
    uint32_t waiting = 0;
    do {
      turn(pair);
      NEED_OK(nd_driver_get_event_count(pair->server, from[i], &waiting));
      checks_passed -= 1;
    } while (waiting < MESSAGES);
  }
}

static void discard(nd_driver *driver) {
  nd_event event;
  do {
    NEED_OK(nd_driver_pop_event(driver, &event));
    checks_passed -= 1;
  } while (event.kind != ND_EVENT_EMPTY);
}

static uint8_t create_reliable(struct pair *pair) {
  const nd_pipeline_stage stage = {.stage = ND_PIPELINE_STAGE_RELIABLE_SEQUENCED};
  uint8_t pipeline = 0;
  NEED_OK(nd_driver_create_pipeline(pair->server, &stage, 1, &pipeline));
  NEED_OK(nd_driver_create_pipeline(pair->client, &stage, 1, &pipeline));
  return pipeline;
}

static void look_at(uint32_t kind, const char *name) {
  const nd_interface_settings interface_settings = interface_of(kind);
  const nd_settings settings = default_settings();
  struct pair pair = open_pair(&interface_settings, &settings, &settings, "127.0.0.1");
  const uint8_t pipelines[2] = {0, create_reliable(&pair)};
  nd_connection theirs[2 * EACH], ours[2 * EACH];
  struct worker workers[2];
  memset(workers, 0, sizeof workers);
  for (int i = 0; i < 2 * EACH; i++) theirs[i] = connect_pair(&pair, &ours[i]);
  for (int i = 0; i < 2; i++) {
    NEED_OK(nd_driver_to_concurrent(pair.server, &workers[i].server));
    workers[i].number = i + 1;
    for (int k = 0; k < EACH; k++) workers[i].connections[k] = ours[i + 2 * k];
    CHECK(pthread_create(&workers[i].thread, NULL, run, &workers[i]) == 0);
  }
  for (int reliable = 0; reliable < 2; reliable++) {
    printf("doing %s%s\n", name, reliable ? ", reliable" : "");
    fflush(stdout);
    workers[0].pipeline = workers[1].pipeline = pipelines[reliable];
    for (int round = 0; round < ROUNDS; round++) {
      send_all(&pair, theirs, pipelines[reliable]);
      await_all(&pair, ours);
      both(workers, 0, begin);
      both(workers, round > 0, go_on);
      for (int i = 0; i < SETTLING; i++) turn(&pair);
      discard(pair.server);
      discard(pair.client);
    }
    both(workers, 1, share_a_word);
  }
  both(workers, 0, NULL);
  for (int i = 0; i < 2; i++) CHECK_EQUAL(workers[i].failures, 0);
  close_pair(&pair);
}

int main(void) {
  static const uint32_t KINDS[] = {ND_INTERFACE_UDP, ND_INTERFACE_WEBSOCKET, ND_INTERFACE_IPC};
  static const char *const NAMES[] = {"udp", "websocket", "ipc"};
  for (int i = 0; i < 3; i++) printf("mark %p\n", (void *)(uintptr_t)&marks[i]);
  for (size_t i = 0; i < COUNT(KINDS); i++) look_at(KINDS[i], NAMES[i]);
  return finish();
}
