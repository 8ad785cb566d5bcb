/* Several threads pop and send between updates, one thread per connection. */
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE
#include "pair.h"

#include <pthread.h>
#ifndef _WIN32
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#endif

#define THREADS 4
#define CONNECTIONS 16 /* a multiple of THREADS */
#define MESSAGES 60
#define WINDOW 3       /* messages under way on each connection */
#define OTHERS 2       /* threads that go on while another one stands still */
#define CALLS 2000     /* of each kind that they make meanwhile */

/* What one thread does between two updates of the server. */
struct part {
  nd_concurrent *server;
  const nd_connection *connections;
  uint32_t count;
  uint32_t failures;
};

static void fail(struct part *part, nd_result result, const char *what) {
  if (result == ND_OK) return;
  part->failures += 1;
  fprintf(stderr, "  %s gave %s: %s\n", what, nd_result_name(result), last_error());
}

/* Sends back what came: one message copied, the next one written in place. */
static void answer(struct part *part, const nd_event *event) {
  nd_send send, given_up;
  nd_result result;
  if (event->data_length > 0 && event->data[0] % 2 == 0) {
    fail(part, nd_concurrent_send(part->server, event->connection, event->pipeline, event->data,
                                  event->data_length, 0), "a send");
    return;
  }
  result = nd_concurrent_begin_send(part->server, event->connection, event->pipeline,
                                    event->data_length, &send);
  fail(part, result, "a begin");
  if (result != ND_OK) return;
  result = nd_concurrent_begin_send(part->server, event->connection, event->pipeline, 8, &given_up);
  fail(part, result, "a second begin");
  memset(given_up.data, 0xEE, given_up.capacity);
  memcpy(send.data, event->data, event->data_length);
  fail(part, nd_concurrent_abort_send(part->server, &given_up), "an abort");
  fail(part, nd_concurrent_end_send(part->server, &send, event->data_length, 0), "an end");
}

static void *echo(void *argument) {
  struct part *part = argument;
  for (uint32_t i = 0; i < part->count; i++) {
    nd_event events[4];
    uint32_t count = 0;
    do {
      fail(part, nd_concurrent_pop_events_for_connection(part->server, part->connections[i],
                                                         events, COUNT(events), &count), "a pop");
      for (uint32_t k = 0; k < count; k++) {
        if (events[k].kind == ND_EVENT_DATA && events[k].connection == part->connections[i])
          answer(part, &events[k]);
        else
          part->failures += 1;
      }
    } while (count == COUNT(events));
  }
  return NULL;
}

static void run_parts(nd_concurrent *server, const nd_connection *connections) {
  pthread_t threads[THREADS];
  struct part parts[THREADS];
  for (uint32_t i = 0; i < THREADS; i++) {
    struct part part = {server, connections + i * (CONNECTIONS / THREADS), CONNECTIONS / THREADS,
                        0};
    parts[i] = part;
    CHECK(pthread_create(&threads[i], NULL, echo, &parts[i]) == 0);
  }
  for (uint32_t i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    CHECK_EQUAL(parts[i].failures, 0);
  }
  checks_passed -= 2 * THREADS; /* once per round would count too much */
}

/* Every message comes back once, and in order. */
static void threads_echo(uint32_t kind, uint32_t background_pump) {
  const nd_interface_settings interface_settings = interface_of(kind);
  const nd_settings settings = default_settings();
  nd_settings server_settings = settings;
  struct pair pair;
  nd_connection theirs[CONNECTIONS], ours[CONNECTIONS];
  uint32_t sent[CONNECTIONS] = {0}, back[CONNECTIONS] = {0}, total = 0;
  nd_concurrent *server = NULL;
  int64_t end;
  server_settings.background_pump = (int32_t)background_pump;
  pair = open_pair(&interface_settings, &server_settings, &settings, "127.0.0.1");
  for (uint32_t i = 0; i < CONNECTIONS; i++) theirs[i] = connect_pair(&pair, &ours[i]);
  CHECK_OK(nd_driver_to_concurrent(pair.server, &server));
  CHECK(server != NULL);
  end = now_ms() + 3 * PATIENCE_MS;
  while (total < CONNECTIONS * MESSAGES && now_ms() < end) {
    nd_event event;
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
      while (sent[i] < MESSAGES && sent[i] - back[i] < WINDOW) {
        const uint8_t message[3] = {(uint8_t)sent[i], (uint8_t)i, 7};
        NEED_OK(nd_driver_send(pair.client, theirs[i], 0, message, sizeof message, 0));
        checks_passed -= 1;
        sent[i] += 1;
      }
    }
    turn(&pair);
    run_parts(server, ours);
    CHECK_OK(nd_driver_flush(pair.server));
    CHECK_OK(nd_driver_update(pair.client));
    checks_passed -= 2;
    while (nd_driver_pop_event(pair.client, &event) == ND_OK && event.kind != ND_EVENT_EMPTY) {
      uint32_t i = event.data_length == 3 ? event.data[1] : CONNECTIONS;
      if (!CHECK(i < CONNECTIONS && event.connection == theirs[i])) break;
      CHECK_EQUAL(event.data[0], (uint8_t)back[i]);
      checks_passed -= 2;
      back[i] += 1;
      total += 1;
    }
  }
  CHECK_EQUAL(total, CONNECTIONS * MESSAGES);
  close_pair(&pair);
}

/* A send that another thread ends, more often than it should. */
struct crossing {
  nd_driver *driver;
  nd_concurrent *concurrent;
  nd_send send;
  nd_result results[4];
};

static void *cross(void *argument) {
  struct crossing *crossing = argument;
  crossing->results[0] = nd_concurrent_end_send(crossing->concurrent, &crossing->send, 4, 0);
  crossing->results[1] = nd_concurrent_end_send(crossing->concurrent, &crossing->send, 4, 0);
  crossing->results[2] = nd_concurrent_abort_send(crossing->concurrent, &crossing->send);
  crossing->results[3] = nd_driver_end_send(crossing->driver, &crossing->send, 4, 0);
  return NULL;
}

/* What is no handle, and what is no argument. */
static void arguments_are_checked(void) {
  const nd_interface_settings interface_settings = interface_of(ND_INTERFACE_UDP);
  const nd_settings settings = default_settings();
  struct pair pair = open_pair(&interface_settings, &settings, &settings, "127.0.0.1");
  nd_connection incoming;
  nd_concurrent *server = NULL, *again = NULL;
  uint32_t number = 77;
  int32_t state = -1;
  connect_pair(&pair, &incoming);
  CHECK_RESULT(nd_driver_to_concurrent(NULL, &server), ND_ERROR_INVALID_HANDLE);
  CHECK_RESULT(nd_driver_to_concurrent(pair.server, NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_driver_to_concurrent((nd_driver *)"x", &server), ND_ERROR_INVALID_HANDLE);
  CHECK(server == NULL);
  /* A driver is no concurrent driver, and the other way round. */
  CHECK_RESULT(nd_concurrent_send((nd_concurrent *)pair.server, incoming, 0, NULL, 0, 0),
               ND_ERROR_INVALID_HANDLE);
  CHECK_OK(nd_driver_to_concurrent(pair.server, &server));
  CHECK_OK(nd_driver_to_concurrent(pair.server, &again));
  CHECK(server == again);
  CHECK_RESULT(nd_driver_update((nd_driver *)server), ND_ERROR_INVALID_HANDLE);
  CHECK_RESULT(nd_concurrent_send(NULL, incoming, 0, NULL, 0, 0), ND_ERROR_INVALID_HANDLE);
  CHECK_RESULT(nd_concurrent_send((nd_concurrent *)pair.server, incoming, 0, NULL, 0, 0),
               ND_ERROR_INVALID_HANDLE);
  const uintptr_t whole = (uintptr_t)server;
  const uintptr_t made_up[] = {whole ^ 1, whole ^ (1 << 11), whole ^ (1 << 12), 1, 5, 1u << 31};
  for (size_t at = 0; at < COUNT(made_up); at++)
    CHECK_RESULT(nd_concurrent_send((nd_concurrent *)made_up[at], incoming, 0, NULL, 0, 0),
                 ND_ERROR_INVALID_HANDLE);

  CHECK_RESULT(nd_concurrent_send(server, incoming, 0, NULL, 1, 0), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_concurrent_send(server, incoming, 0, NULL, 0, 9), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_concurrent_send(server, incoming, 9, NULL, 0, 0), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_concurrent_send(server, 0, 0, NULL, 0, 0), ND_ERROR_NETWORK_ID_MISMATCH);
  CHECK_RESULT(nd_concurrent_pop_event_for_connection(server, incoming, NULL),
               ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_concurrent_pop_events_for_connection(server, incoming, NULL, 1, &number),
               ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_concurrent_begin_send(server, incoming, 0, 4, NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_concurrent_end_send(server, NULL, 4, 0), ND_ERROR_NULL_ARGUMENT);
  CHECK_EQUAL(number, 77);
  CHECK_OK(nd_concurrent_get_payload_size_max(server, incoming, 0, &number));
  CHECK(number > 1000);
  uint32_t packet = 0;
  CHECK_RESULT(nd_concurrent_get_message_size_max(server, incoming, NULL),
               ND_ERROR_NULL_ARGUMENT);
  CHECK_OK(nd_concurrent_get_message_size_max(server, incoming, &packet));
  CHECK(packet > number);
  CHECK_OK(nd_concurrent_get_header_size_max(server, 0, 0, &number));
  CHECK_EQUAL(number, 10);
  CHECK_OK(nd_concurrent_get_connection_state(server, incoming, &state));
  CHECK_EQUAL(state, ND_STATE_CONNECTED);
  close_pair(&pair);
  CHECK_RESULT(nd_concurrent_send(server, incoming, 0, NULL, 0, 0), ND_ERROR_INVALID_HANDLE);
  /* Nor does it open what comes to its place. */
  pair = open_pair(&interface_settings, &settings, &settings, "127.0.0.1");
  connect_pair(&pair, &incoming);
  CHECK_RESULT(nd_concurrent_send(server, incoming, 0, NULL, 0, 0), ND_ERROR_INVALID_HANDLE);
  CHECK_OK(nd_driver_to_concurrent(pair.server, &again));
  CHECK(server != again);
  CHECK_RESULT(nd_concurrent_send(server, incoming, 0, NULL, 0, 0), ND_ERROR_INVALID_HANDLE);
  CHECK_OK(nd_concurrent_send(again, incoming, 0, NULL, 0, 0));
  close_pair(&pair);
}

/* A send ends once, whoever ends it, and in its own world. */
static void a_send_ends_once(void) {
  const nd_interface_settings interface_settings = interface_of(ND_INTERFACE_UDP);
  const nd_settings settings = default_settings();
  struct pair pair = open_pair(&interface_settings, &settings, &settings, "127.0.0.1");
  struct crossing crossing;
  nd_connection incoming;
  nd_concurrent *server;
  nd_send send, own;
  nd_event event;
  pthread_t thread;
  connect_pair(&pair, &incoming);
  NEED_OK(nd_driver_to_concurrent(pair.server, &server));
  CHECK_OK(nd_driver_begin_send(pair.server, incoming, 0, 4, &own));
  CHECK_RESULT(nd_concurrent_end_send(server, &own, 4, 0), ND_ERROR_NETWORK_SEND_HANDLE_INVALID);
  CHECK_OK(nd_concurrent_begin_send(server, incoming, 0, 4, &send));
  memcpy(send.data, "once", 4);
  crossing.driver = pair.server;
  crossing.concurrent = server;
  crossing.send = send;
  CHECK(pthread_create(&thread, NULL, cross, &crossing) == 0);
  pthread_join(thread, NULL);
  CHECK_EQUAL(crossing.results[0], ND_OK);
  for (int i = 1; i < 4; i++)
    CHECK_EQUAL(crossing.results[i], ND_ERROR_NETWORK_SEND_HANDLE_INVALID);
  event = next_event(&pair, pair.client);
  CHECK_DATA(event, "once", 4);

  /* Other calls leave an open one open; the update gives it up. */
  CHECK_OK(nd_concurrent_begin_send(server, incoming, 0, 4, &send));
  CHECK_OK(nd_driver_flush(pair.server));
  memcpy(send.data, "late", 4);
  CHECK_OK(nd_driver_update(pair.server));
  CHECK_RESULT(nd_concurrent_end_send(server, &send, 4, 0), ND_ERROR_NETWORK_SEND_HANDLE_INVALID);
  close_pair(&pair);
}

/* The data of an event outlives every call but the update. */
static void data_stays_until_the_update(void) {
  const nd_interface_settings interface_settings = interface_of(ND_INTERFACE_UDP);
  const nd_settings settings = default_settings();
  struct pair pair = open_pair(&interface_settings, &settings, &settings, "127.0.0.1");
  nd_connection incoming, outgoing = connect_pair(&pair, &incoming);
  nd_concurrent *server;
  nd_event event;
  uint32_t number = 0;
  NEED_OK(nd_driver_to_concurrent(pair.server, &server));
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, (const uint8_t *)"stays", 5, 0));
  while (number == 0) {
    turn(&pair);
    NEED_OK(nd_concurrent_get_event_count(server, incoming, &number));
    checks_passed -= 1;
  }
  CHECK_OK(nd_driver_update(pair.server));
  CHECK_OK(nd_concurrent_pop_event_for_connection(server, incoming, &event));
  CHECK_OK(nd_concurrent_get_event_count(server, incoming, &number));
  CHECK_EQUAL(number, 0);
  CHECK_OK(nd_driver_flush(pair.server));
  CHECK_OK(nd_driver_disconnect(pair.server, incoming));
  CHECK_DATA(event, "stays", 5);

  CHECK_OK(nd_driver_update(pair.server));
  CHECK_RESULT(nd_concurrent_send(server, incoming, 0, NULL, 0, 0),
               ND_ERROR_NETWORK_VERSION_MISMATCH);
  CHECK_OK(nd_concurrent_pop_event_for_connection(server, incoming, &event));
  CHECK_EQUAL(event.kind, ND_EVENT_EMPTY);
  close_pair(&pair);
}

#ifndef _WIN32
/* ---- two threads in one connection ---------------------------------------------------------- */

/* A page that cannot be touched. Who does stands still inside of the call that does it, until the
 * gate is opened: so it is certain where a thread is. */
static uint8_t *gate;
static size_t gate_size;
static int at_gate, gate_open;

static int get_flag(int *flag) { return __atomic_load_n(flag, __ATOMIC_SEQ_CST); }

static void put_flag(int *flag, int value) { __atomic_store_n(flag, value, __ATOMIC_SEQ_CST); }

static void on_fault(int number, siginfo_t *info, void *context) {
  const struct timespec moment = {0, 1000000};
  const uint8_t *place = info->si_addr;
  (void)context;
  if (place < gate || place >= gate + gate_size) {
    signal(number, SIG_DFL); /* a real fault */
    return;
  }
  put_flag(&at_gate, 1);
  while (!get_flag(&gate_open)) nanosleep(&moment, NULL);
  mprotect(gate, gate_size, PROT_READ | PROT_WRITE);
}

static void shut_gate(void) {
  put_flag(&at_gate, 0);
  put_flag(&gate_open, 0);
  CHECK(mprotect(gate, gate_size, PROT_NONE) == 0);
}

struct visitor {
  nd_concurrent *server;
  nd_connection connection;
  int pops;
  uint32_t popped;
  nd_result result;
};

/* Sends what lies behind the gate, or pops to there. */
static void *visit_gate(void *argument) {
  struct visitor *visitor = argument;
  visitor->result =
      visitor->pops
          ? nd_concurrent_pop_events_for_connection(visitor->server, visitor->connection,
                                                    (nd_event *)(void *)gate, 1, &visitor->popped)
          : nd_concurrent_send(visitor->server, visitor->connection, 0, gate, 4, 0);
  return NULL;
}

static pthread_t await_visitor(struct visitor *visitor) {
  int64_t end = now_ms() + PATIENCE_MS;
  pthread_t thread;
  shut_gate();
  CHECK(pthread_create(&thread, NULL, visit_gate, visitor) == 0);
  while (!get_flag(&at_gate) && now_ms() < end) sched_yield();
  CHECK(get_flag(&at_gate));
  return thread;
}

static void let_go(pthread_t thread, const struct visitor *visitor) {
  put_flag(&gate_open, 1);
  pthread_join(thread, NULL);
  CHECK_EQUAL(visitor->result, ND_OK);
}

/* What a thread does on its own connection while another one stands at the gate. */
struct other {
  nd_concurrent *server;
  nd_connection connection;
  uint32_t failures;
  int done;
};

static void *go_on(void *argument) {
  struct other *other = argument;
  nd_concurrent *server = other->server;
  for (int i = 0; i < CALLS; i++) {
    nd_event event, events[4];
    nd_send send;
    uint32_t count = 0;
    int bad = 0;
    /* The one event that waits was shown by the first of these calls; the others go as far. */
    bad += nd_concurrent_pop_event_for_connection(server, other->connection, &event) != ND_OK;
    bad += nd_concurrent_pop_events_for_connection(server, other->connection, events, 4, &count)
           != ND_OK || count != 0;
    bad += nd_concurrent_send(server, other->connection, 0, (const uint8_t *)"on", 2, 0) != ND_OK;
    bad += nd_concurrent_begin_send(server, other->connection, 0, 8, &send) != ND_OK;
    memcpy(send.data, "and on", 6);
    bad += nd_concurrent_end_send(server, &send, 6, 0) != ND_OK;
    bad += nd_concurrent_begin_send(server, other->connection, 0, 8, &send) != ND_OK;
    bad += nd_concurrent_abort_send(server, &send) != ND_OK;
    other->failures += (uint32_t)bad;
  }
  put_flag(&other->done, 1);
  return NULL;
}

/* A thread that stands in a call holds whatever the call holds; the others go on all the same. */
static void others_go_on(nd_concurrent *server, const nd_connection *connections) {
  int64_t end = now_ms() + PATIENCE_MS;
  pthread_t threads[OTHERS];
  struct other others[OTHERS];
  for (int i = 0; i < OTHERS; i++) {
    struct other other = {server, connections[i], 0, 0};
    others[i] = other;
    CHECK(pthread_create(&threads[i], NULL, go_on, &others[i]) == 0);
  }
  for (int i = 0; i < OTHERS; i++) {
    while (!get_flag(&others[i].done) && now_ms() < end) sched_yield();
    if (!CHECK(get_flag(&others[i].done))) put_flag(&gate_open, 1); /* or nobody ever ends */
    pthread_join(threads[i], NULL);
    CHECK_EQUAL(others[i].failures, 0);
  }
  CHECK(!get_flag(&gate_open));
}

/* While a thread is inside of a call on a connection, others are refused there and nowhere else.
 */
static void meet_at_gate(struct pair *pair, nd_concurrent *server, const nd_connection *ours) {
  nd_send open_send, send;
  nd_event event;
  uint32_t number;
  struct visitor visitor = {server, ours[0], 0, 0, 1};
  pthread_t thread;
  CHECK_OK(nd_concurrent_begin_send(server, ours[0], 0, 4, &open_send));
  memcpy(open_send.data, "open", 4);
  thread = await_visitor(&visitor);
  CHECK_RESULT(nd_concurrent_send(server, ours[0], 0, (const uint8_t *)"no", 2, 0),
               ND_ERROR_DRIVER_PARALLEL_FOR);
  CHECK(strstr(last_error(), "one thread per connection") != NULL);
  CHECK_RESULT(nd_concurrent_begin_send(server, ours[0], 0, 2, &send),
               ND_ERROR_DRIVER_PARALLEL_FOR);
  CHECK_RESULT(nd_concurrent_end_send(server, &open_send, 4, 0), ND_ERROR_DRIVER_PARALLEL_FOR);
  CHECK_RESULT(nd_concurrent_abort_send(server, &open_send), ND_ERROR_DRIVER_PARALLEL_FOR);
  CHECK_RESULT(nd_concurrent_pop_events_for_connection(server, ours[0], &event, 1, &number),
               ND_ERROR_DRIVER_PARALLEL_FOR);
  CHECK_RESULT(nd_concurrent_get_event_count(server, ours[0], &number),
               ND_ERROR_DRIVER_PARALLEL_FOR);
  CHECK_OK(nd_concurrent_send(server, ours[1], 0, (const uint8_t *)"apart", 5, 0));
  CHECK_RESULT(nd_driver_update(pair->server), ND_ERROR_DRIVER_IN_USE);
  others_go_on(server, ours + 2);
  let_go(thread, &visitor);

  visitor.pops = 1;
  thread = await_visitor(&visitor);
  CHECK_RESULT(nd_concurrent_pop_event_for_connection(server, ours[0], &event),
               ND_ERROR_DRIVER_PARALLEL_FOR);
  CHECK_RESULT(nd_concurrent_send(server, ours[0], 0, (const uint8_t *)"no", 2, 0),
               ND_ERROR_DRIVER_PARALLEL_FOR);
  others_go_on(server, ours + 2);
  let_go(thread, &visitor);
  CHECK_EQUAL(visitor.popped, 1);
  memcpy(&event, gate, sizeof event);
  CHECK_DATA(event, "in", 2);
  /* What was refused has changed nothing. */
  CHECK_OK(nd_concurrent_end_send(server, &open_send, 4, 0));
}

static void two_threads_in_one_connection_are_told(void) {
  const nd_interface_settings interface_settings = interface_of(ND_INTERFACE_UDP);
  const nd_settings settings = default_settings();
  nd_settings server_settings = settings;
  struct sigaction action, before[2];
  struct pair pair;
  nd_connection ours[2 + OTHERS], theirs[2 + OTHERS];
  nd_concurrent *server;
  nd_event event;
  uint32_t number = 0;
  server_settings.send_queue_capacity = 5 * CALLS;
  pair = open_pair(&interface_settings, &server_settings, &settings, "127.0.0.1");
  for (int i = 0; i < 2 + OTHERS; i++) theirs[i] = connect_pair(&pair, &ours[i]);
  NEED_OK(nd_driver_to_concurrent(pair.server, &server));
  gate_size = (size_t)sysconf(_SC_PAGESIZE);
  gate = mmap(NULL, gate_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  CHECK((void *)gate != MAP_FAILED);
  memcpy(gate, "gate", 4);
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, &before[0]);
  sigaction(SIGBUS, &action, &before[1]);

  /* An event waits in each connection but one. */
  for (int i = 0; i < 2 + OTHERS; i++) {
    if (i == 1) continue;
    CHECK_OK(nd_driver_send(pair.client, theirs[i], 0, (const uint8_t *)"in", 2, 0));
    number = 0;
    while (number == 0) {
      turn(&pair);
      NEED_OK(nd_concurrent_get_event_count(server, ours[i], &number));
      checks_passed -= 1;
    }
  }
  meet_at_gate(&pair, server, ours);
  CHECK_OK(nd_driver_flush(pair.server));
  for (int i = 0; i < 3;) {
    event = next_event(&pair, pair.client);
    /* What the others have sent comes behind it, as far as the socket holds it. */
    if (event.connection != theirs[0] && event.connection != theirs[1]) continue;
    i += 1;
    if (event.connection == theirs[1]) CHECK_DATA(event, "apart", 5);
    else CHECK_DATA(event, number++ == 1 ? "gate" : "open", 4);
  }
  CHECK_OK(nd_concurrent_get_event_count(server, ours[0], &number));
  CHECK_EQUAL(number, 0);
  sigaction(SIGSEGV, &before[0], NULL);
  sigaction(SIGBUS, &before[1], NULL);
  munmap(gate, gate_size);
  close_pair(&pair);
}
#endif

int main(void) {
  threads_echo(ND_INTERFACE_UDP, 0);
  threads_echo(ND_INTERFACE_WEBSOCKET, 0);
  threads_echo(ND_INTERFACE_IPC, 0);
  threads_echo(ND_INTERFACE_UDP, 1);
  arguments_are_checked();
  a_send_ends_once();
  data_stays_until_the_update();
#ifndef _WIN32
  two_threads_in_one_connection_are_told();
#endif
  return finish();
}
