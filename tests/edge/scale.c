/* A server with many connections: how long they take to come, how much memory an idle one holds,
 * and what an update costs when few of them are active.
 *
 *   scale KIND IDLE …      serves that many connections of that kind, 100 of them active, and the
 *                          same for each further number
 *
 * Under callgrind with --collect-atstart=no --instr-atstart=no the updates are counted, and each
 * number of connections ends with a dump "KIND NUMBER ROUNDS". Time stands still between updates
 * and keep-alives over UDP are off: they follow the clock and not the updates.
 *
 * The clients are a process of their own without the library (but for udp-session): they have
 * sockets, and speak as much of the protocols as it takes. */
#define _GNU_SOURCE
#include "../c/check.h"

#include "allocator.h"
#include "clients.h"

#include <poll.h>
#include <sys/wait.h>
#include <valgrind/callgrind.h>

#define ROUNDS_WARM 4
#define ROUNDS 8
#define EVENTS 64
#define UPDATES_MAX 10000
/* What a server needs besides a descriptor for each client. */
#define DESCRIPTORS_SPARE 64
#define CONNECT_PATIENCE_MS 120000
#define SETTLE_MS 2000

struct clients {
  FILE *to, *from;
  pid_t process;
};

static struct clients start_clients(const char *program) {
  int down[2], up[2];
  struct clients clients;
  if (pipe(down) != 0 || pipe(up) != 0) exit(1);
  clients.process = fork();
  if (clients.process == 0) {
    dup2(down[0], STDIN_FILENO);
    dup2(up[1], STDOUT_FILENO);
    close(down[0]), close(down[1]), close(up[0]), close(up[1]);
    execl(program, program, "clients", (char *)NULL);
    _exit(1);
  }
  close(down[0]), close(up[1]);
  clients.to = fdopen(down[1], "w");
  clients.from = fdopen(up[0], "r");
  return clients;
}

static void tell(struct clients *clients, const char *text) {
  fprintf(clients->to, "%s\n", text);
  fflush(clients->to);
}

/* Has the answer to the last command come? */
static int has_answered(struct clients *clients) {
  struct pollfd ready = {.fd = fileno(clients->from), .events = POLLIN};
  return poll(&ready, 1, 0) != 0;
}

static void answered(struct clients *clients) {
  char line[64] = "";
  if (fgets(line, sizeof line, clients->from) == NULL) strcpy(line, "nothing");
  line[strcspn(line, "\n")] = '\0';
  if (!CHECK(strcmp(line, "ok") == 0)) {
    fprintf(stderr, "the clients said: %s\n", line);
    exit(finish());
  }
}

static void end_clients(struct clients *clients) {
  int status = 0;
  tell(clients, "end");
  fclose(clients->to);
  fclose(clients->from);
  CHECK(waitpid(clients->process, &status, 0) == clients->process && status == 0);
}

/* ---- the server ---------------------------------------------------------------------------- */

struct server {
  nd_driver *driver;
  uint16_t port;
  uint32_t total;
};

static struct server open_server(const char *kind, uint32_t total) {
  struct server server = {NULL, 0, total};
  nd_settings settings;
  nd_interface_settings interface_settings;
  nd_endpoint address;
  uint32_t number;
  int udp = strncmp(kind, "udp", 3) == 0;
  NEED_OK(nd_settings_init(&settings));
  NEED_OK(nd_interface_settings_init(&interface_settings,
                                     udp ? ND_INTERFACE_UDP : ND_INTERFACE_WEBSOCKET));
  settings.fixed_frame_time_ms = 1;
  settings.heartbeat_timeout_ms = 0;
  settings.round_trip_interval_ms = 0;
  settings.session = strcmp(kind, "udp-session") == 0;
  /* Cookies would only make the clients' side longer. */
  settings.cookie_threshold = total + 1;
  settings.unvalidated_connections_max = total + 1;
  interface_settings.dialect = udp ? ND_DIALECT_UTP : ND_DIALECT_PLAIN;
  NEED_OK(nd_driver_create(&settings, &server.driver));
  NEED_OK(nd_driver_add_interface(server.driver, &interface_settings, &number));
  NEED_OK(nd_endpoint_parse("127.0.0.1", 0, ND_FAMILY_INVALID, &address));
  NEED_OK(nd_driver_bind(server.driver, number, &address, NULL));
  NEED_OK(nd_driver_get_local_endpoint(server.driver, number, 0, &address));
  NEED_OK(nd_driver_listen(server.driver));
  server.port = address.port;
  return server;
}

/* Pops all events; returns how many messages were among them. With an echo they go back. */
static uint32_t pop_all(struct server *server, int echo) {
  nd_event events[EVENTS];
  uint32_t count, messages = 0;
  do {
    NEED_OK(nd_driver_pop_events(server->driver, events, EVENTS, &count));
    for (uint32_t at = 0; at < count; at++) {
      if (events[at].kind != ND_EVENT_DATA) continue;
      messages += 1;
      if (echo)
        NEED_OK(nd_driver_send(server->driver, events[at].connection, 0, events[at].data,
                               events[at].data_length, 0));
    }
  } while (count == EVENTS);
  return messages;
}

/* Takes all clients in; returns in how many updates. Each says one word when it is in. */
static uint32_t take_all(struct server *server, struct clients *clients) {
  uint32_t taken = 0, said = 0, updates = 0;
  int64_t end = now_ms() + CONNECT_PATIENCE_MS;
  nd_connection connection;
  while ((taken < server->total || said < server->total || !has_answered(clients)) &&
         now_ms() < end) {
    /* Clients that have given up, or lost datagrams, come no more. */
    if (has_answered(clients) && end - now_ms() > SETTLE_MS) end = now_ms() + SETTLE_MS;
    NEED_OK(nd_driver_wait(server->driver, 1, NULL));
    NEED_OK(nd_driver_update(server->driver));
    updates += 1;
    do {
      NEED_OK(nd_driver_accept(server->driver, &connection));
      taken += connection != 0;
    } while (connection != 0);
    said += pop_all(server, 0);
  }
  CHECK_EQUAL(taken, server->total);
  CHECK_EQUAL(said, server->total);
  answered(clients);
  return updates;
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* An update that counts; returns how long it took. */
static int64_t counted_update(struct server *server) {
  int64_t start = now_ns();
  nd_result result;
  CALLGRIND_TOGGLE_COLLECT;
  result = nd_driver_update(server->driver);
  CALLGRIND_TOGGLE_COLLECT;
  CHECK_EQUAL(result, ND_OK);
  return now_ns() - start;
}

/* One round of the active clients: each sends a message, and gets it back. Returns how long the
 * two updates took that it needs. */
static int64_t play(struct server *server, struct clients *clients, uint32_t active) {
  uint32_t messages = 0;
  int64_t time = 0;
  char text[64];
  snprintf(text, sizeof text, "send %u", (unsigned)active);
  tell(clients, text);
  answered(clients);
  /* One update, unless the system has held something back. */
  for (int updates = 0; messages < active && updates < UPDATES_MAX; updates++) {
    time += counted_update(server);
    messages += pop_all(server, 1);
  }
  CHECK_EQUAL(messages, active);
  time += counted_update(server);
  snprintf(text, sizeof text, "take %u", (unsigned)active);
  tell(clients, text);
  answered(clients);
  return time;
}

/* Lets so many clients connect; returns in how many updates. */
static uint32_t connect_all(struct server *server, struct clients *clients, const char *kind) {
  char text[64];
  snprintf(text, sizeof text, "%s %u %u", kind, (unsigned)server->port, (unsigned)server->total);
  tell(clients, text);
  return take_all(server, clients);
}

/* What a driver has only once comes with its first client, who goes again. */
static void warm_up(const char *program, const char *kind, struct server *server) {
  struct clients first = start_clients(program);
  struct server one = {server->driver, server->port, 1};
  connect_all(&one, &first, kind);
  end_clients(&first);
  for (int at = 0; at < 4; at++) {
    NEED_OK(nd_driver_update(server->driver));
    pop_all(server, 0);
  }
}

/* Bytes of the request that each client of a WebSocket sends: the program may read it as long as
 * the connection lives. */
static long long head_bytes(const char *kind) {
  void *head;
  long long before = held_bytes(), bytes;
  if (strcmp(kind, "websocket") != 0) return 0;
  head = malloc(sizeof REQUEST - 1);
  bytes = held_bytes() - before;
  free(head);
  return bytes;
}

static void measure(const char *program, const char *kind, uint32_t total) {
  struct server server = open_server(kind, total);
  struct clients clients;
  long long before, held;
  int64_t start, connect_ms, quickest = INT64_MAX;
  uint32_t active = total < 100 ? total : 100, updates;
  char text[64];
  warm_up(program, kind, &server);
  clients = start_clients(program);
  before = held_bytes();
  start = now_ms();
  updates = connect_all(&server, &clients, kind);
  connect_ms = now_ms() - start;
  for (int at = 0; at < 4; at++) NEED_OK(nd_driver_update(server.driver));
  held = held_bytes() - before;
  CALLGRIND_START_INSTRUMENTATION;
  for (int round = 0; round < ROUNDS_WARM; round++) play(&server, &clients, active);
  CALLGRIND_ZERO_STATS;
  for (int round = 0; round < ROUNDS; round++) play(&server, &clients, active);
  snprintf(text, sizeof text, "%s %u %d", kind, (unsigned)total, ROUNDS);
  CALLGRIND_DUMP_STATS_AT(text);
  CALLGRIND_STOP_INSTRUMENTATION;
  for (int round = 0; round < ROUNDS; round++) {
    int64_t time = play(&server, &clients, active);
    if (time < quickest) quickest = time;
  }
  printf("%s %u connected_ms %lld updates %u bytes %lld head %lld updates_ns %lld\n", kind,
         (unsigned)total, (long long)connect_ms, (unsigned)updates, held / (long long)total,
         head_bytes(kind), (long long)quickest);
  fflush(stdout);
  end_clients(&clients);
  CHECK_OK(nd_driver_destroy(server.driver));
}

int main(int count, char **words) {
  uint64_t limit = 0;
  if (count == 2 && strcmp(words[1], "clients") == 0) return run_clients();
  for (int at = 2; at < count; at++) {
    uint32_t total = (uint32_t)strtoul(words[at], NULL, 10);
    NEED_OK(nd_raise_descriptor_limit(total + DESCRIPTORS_SPARE, &limit));
    measure(words[0], words[1], total);
  }
  return finish();
}
