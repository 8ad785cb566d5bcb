/* A server with many connections: how long they take to come, how much memory an idle one holds,
 * and what an update costs when few of them are active.
 *
 *   scale udp|websocket|udp-session TOTAL …    serves so many connections, 100 of them active, and
 *                                              the same for each further number
 *   scale both UDP+WEBSOCKETS …                both kinds on one driver at the same time, of each
 *                                              50 active
 *
 * Prints for each kind of connections of a server
 *   row KIND OF TOTAL connected N connected_ms N updates N bytes N head N resident N
 * and for each server, what two updates took at best,
 *   cost KIND TOTAL updates_ns N
 *
 * Under callgrind with --collect-atstart=no --instr-atstart=no the updates are counted, and each
 * server ends with a dump "KIND TOTAL ROUNDS". Time stands still between updates and keep-alives
 * over UDP are off: they follow the clock and not the updates.
 *
 * The clients are processes of their own without the library (but for udp-session), one for each
 * kind: they have sockets, and speak as much of the protocols as it takes. */
#define _GNU_SOURCE
#include "../c/check.h"

#include "allocator.h"
#include "clients.h"

#include <poll.h>
#include <sys/wait.h>
#include <valgrind/callgrind.h>

#define ACTIVE 100
#define ROUNDS_WARM 4
#define ROUNDS 8
#define EVENTS 64
#define UPDATES_MAX 10000
/* Clients that come before the others, one of each kind. */
#define WARM_MAX 2
/* What a server needs besides a descriptor for each client. */
#define DESCRIPTORS_SPARE 64
#define CONNECT_PATIENCE_MS 120000
#define SETTLE_MS 2000

struct clients {
  FILE *to, *from;
  pid_t process;
};

/* Connections of one kind of a server. */
struct crowd {
  const char *of;
  uint32_t total, active;
  struct clients clients;
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
  uint16_t udp_port, websocket_port;
};

static uint16_t port_of(const struct server *server, const char *of) {
  return strcmp(of, "websocket") == 0 ? server->websocket_port : server->udp_port;
}

static uint16_t add_interface(nd_driver *driver, uint32_t kind) {
  nd_interface_settings settings;
  nd_endpoint address;
  uint32_t number;
  NEED_OK(nd_interface_settings_init(&settings, kind));
  settings.dialect = kind == ND_INTERFACE_UDP ? ND_DIALECT_UTP : ND_DIALECT_PLAIN;
  NEED_OK(nd_driver_add_interface(driver, &settings, &number));
  NEED_OK(nd_endpoint_parse("127.0.0.1", 0, ND_FAMILY_INVALID, &address));
  NEED_OK(nd_driver_bind(driver, number, &address, NULL));
  NEED_OK(nd_driver_get_local_endpoint(driver, number, 0, &address));
  return address.port;
}

static struct server open_server(const char *kind, uint32_t total) {
  struct server server = {NULL, 0, 0};
  nd_settings settings;
  NEED_OK(nd_settings_init(&settings));
  settings.fixed_frame_time_ms = 1;
  settings.heartbeat_timeout_ms = 0;
  settings.round_trip_interval_ms = 0;
  settings.session = strcmp(kind, "udp-session") == 0;
  /* Those who warmed up may not be gone yet. */
  settings.connections_max = total + WARM_MAX;
  /* Cookies would only make the clients' side longer. */
  settings.cookie_threshold = total + 1;
  settings.unvalidated_connections_max = total + 1;
  NEED_OK(nd_driver_create(&settings, &server.driver));
  if (strcmp(kind, "websocket") != 0)
    server.udp_port = add_interface(server.driver, ND_INTERFACE_UDP);
  if (strcmp(kind, "websocket") == 0 || strcmp(kind, "both") == 0)
    server.websocket_port = add_interface(server.driver, ND_INTERFACE_WEBSOCKET);
  NEED_OK(nd_driver_listen(server.driver));
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

/* What becomes of a crowd that connects. */
struct arrival {
  uint32_t connected, updates;
};

/* Takes all clients in. Each says one word when it is in. */
static struct arrival take_all(struct server *server, struct crowd *crowd) {
  struct arrival arrival = {0, 0};
  uint32_t said = 0;
  int64_t end = now_ms() + CONNECT_PATIENCE_MS;
  nd_connection connection;
  while ((arrival.connected < crowd->total || said < crowd->total ||
          !has_answered(&crowd->clients)) && now_ms() < end) {
    /* Clients that have given up, or lost datagrams, come no more. */
    if (has_answered(&crowd->clients) && end - now_ms() > SETTLE_MS) end = now_ms() + SETTLE_MS;
    NEED_OK(nd_driver_wait(server->driver, 1, NULL));
    NEED_OK(nd_driver_update(server->driver));
    arrival.updates += 1;
    do {
      NEED_OK(nd_driver_accept(server->driver, &connection));
      arrival.connected += connection != 0;
    } while (connection != 0);
    said += pop_all(server, 0);
  }
  CHECK_EQUAL(arrival.connected, crowd->total);
  CHECK_EQUAL(said, crowd->total);
  answered(&crowd->clients);
  return arrival;
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

static void tell_active(struct crowd *crowds, uint32_t count, const char *what) {
  char text[64];
  for (uint32_t at = 0; at < count; at++) {
    snprintf(text, sizeof text, "%s %u", what, (unsigned)crowds[at].active);
    tell(&crowds[at].clients, text);
  }
  for (uint32_t at = 0; at < count; at++) answered(&crowds[at].clients);
}

/* One round of the active clients: each sends a message, and gets it back. Returns how long the
 * two updates took that it needs. */
static int64_t play(struct server *server, struct crowd *crowds, uint32_t count) {
  uint32_t active = 0, messages = 0;
  int64_t time = 0;
  for (uint32_t at = 0; at < count; at++) active += crowds[at].active;
  tell_active(crowds, count, "send");
  /* One update, unless the system has held something back. */
  for (int updates = 0; messages < active && updates < UPDATES_MAX; updates++) {
    time += counted_update(server);
    messages += pop_all(server, 1);
  }
  CHECK_EQUAL(messages, active);
  time += counted_update(server);
  tell_active(crowds, count, "take");
  return time;
}

/* Lets a crowd connect. */
static struct arrival connect_all(struct server *server, struct crowd *crowd) {
  char text[64];
  snprintf(text, sizeof text, "%s %u %u", crowd->of, (unsigned)port_of(server, crowd->of),
           (unsigned)crowd->total);
  tell(&crowd->clients, text);
  return take_all(server, crowd);
}

static void update_quietly(struct server *server) {
  for (int at = 0; at < 4; at++) {
    NEED_OK(nd_driver_update(server->driver));
    pop_all(server, 0);
  }
}

/* What a driver has only once comes with its first client, who goes again. */
static void warm_up(const char *program, const char *of, struct server *server) {
  struct crowd one = {of, 1, 0, start_clients(program)};
  connect_all(server, &one);
  end_clients(&one.clients);
  update_quietly(server);
}

/* Bytes of the request that each client of a WebSocket sends: the program may read it as long as
 * the connection lives. */
static long long head_bytes(const char *of) {
  void *head;
  long long before = held_bytes(), bytes;
  if (strcmp(of, "websocket") != 0) return 0;
  head = malloc(sizeof REQUEST - 1);
  bytes = held_bytes() - before;
  free(head);
  return bytes;
}

/* Bytes of this process that lie in memory. */
static long long resident_bytes(void) {
  long long all = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%lld %lld", &all, &resident) != 2) resident = 0;
  if (file != NULL) fclose(file);
  return resident * sysconf(_SC_PAGESIZE);
}

/* A crowd comes, and is idle. */
static void gather(const char *program, const char *kind, struct server *server,
                   struct crowd *crowd) {
  long long before, resident;
  int64_t start, connect_ms;
  struct arrival arrival;
  crowd->clients = start_clients(program);
  before = held_bytes(), resident = resident_bytes();
  start = now_ms();
  arrival = connect_all(server, crowd);
  connect_ms = now_ms() - start;
  update_quietly(server);
  printf("row %s %s %u connected %u connected_ms %lld updates %u bytes %lld head %lld"
         " resident %lld\n",
         kind, crowd->of, (unsigned)crowd->total, (unsigned)arrival.connected,
         (long long)connect_ms, (unsigned)arrival.updates,
         (held_bytes() - before) / (long long)crowd->total, head_bytes(crowd->of),
         (resident_bytes() - resident) / (long long)crowd->total);
  fflush(stdout);
}

static void measure(const char *program, const char *kind, struct crowd *crowds, uint32_t count) {
  uint32_t total = 0;
  int64_t quickest = INT64_MAX;
  struct server server;
  char text[64];
  for (uint32_t at = 0; at < count; at++) total += crowds[at].total;
  server = open_server(kind, total);
  for (uint32_t at = 0; at < count; at++) warm_up(program, crowds[at].of, &server);
  for (uint32_t at = 0; at < count; at++) gather(program, kind, &server, &crowds[at]);
  CALLGRIND_START_INSTRUMENTATION;
  for (int round = 0; round < ROUNDS_WARM; round++) play(&server, crowds, count);
  CALLGRIND_ZERO_STATS;
  for (int round = 0; round < ROUNDS; round++) play(&server, crowds, count);
  snprintf(text, sizeof text, "%s %u %d", kind, (unsigned)total, ROUNDS);
  CALLGRIND_DUMP_STATS_AT(text);
  CALLGRIND_STOP_INSTRUMENTATION;
  for (int round = 0; round < ROUNDS; round++) {
    int64_t time = play(&server, crowds, count);
    if (time < quickest) quickest = time;
  }
  printf("cost %s %u updates_ns %lld\n", kind, (unsigned)total, (long long)quickest);
  fflush(stdout);
  for (uint32_t at = 0; at < count; at++) end_clients(&crowds[at].clients);
  CHECK_OK(nd_driver_destroy(server.driver));
}

static uint32_t at_most(uint32_t number, uint32_t most) {
  return number < most ? number : most;
}

int main(int count, char **words) {
  uint64_t limit = 0;
  if (count == 2 && strcmp(words[1], "clients") == 0) return run_clients();
  for (int at = 2; at < count; at++) {
    unsigned first = 0, second = 0;
    int both = sscanf(words[at], "%u+%u", &first, &second) == 2;
    uint32_t share = both ? ACTIVE / 2 : ACTIVE;
    struct crowd crowds[2] = {{words[1], first, at_most(first, share), {NULL, NULL, 0}},
                              {"websocket", second, at_most(second, share), {NULL, NULL, 0}}};
    if (both) crowds[0].of = "udp";
    /* Says what to do about it where the system allows too few. */
    NEED_OK(nd_raise_descriptor_limit((both ? second : first) + DESCRIPTORS_SPARE, &limit));
    measure(words[0], words[1], crowds, both ? 2 : 1);
  }
  return finish();
}
