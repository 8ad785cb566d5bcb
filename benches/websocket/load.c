/* The load of the WebSocket benchmark: clients that send messages to an echo server, check what
 * comes back, and measure, for whatever server.
 *
 *   load --port PORT --server-pid PID --clients N --size BYTES --window N --seconds N
 *        [--messages N] [--deflate 1] [--idle 1] [--bare 1]
 *
 * Each client keeps `window` messages under way. `--messages N`: it ends after so many, without a
 * warm-up and whatever the time, so that what a server does for them can be counted from outside.
 * `--idle 1`: each sends one and then nothing more, and what they cost the server's memory is
 * measured. `--bare 1`: the server speaks no WebSocket and sends the same bytes back, frame headers
 * and masks included. The server's processor time and memory are read from the system, so a server
 * needs nothing but to echo. */
#define _GNU_SOURCE
#include "connection.h"

#include "../common/measure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 65536
#define SIZE_MAX_BYTES (16u << 20)
/* What comes before the measured part. */
#define WARM_UP_NS (NS_PER_SECOND * 3 / 10)
/* Up to this size every byte of an echo is compared even while it is measured. */
#define THOROUGH_SIZE_MAX 4096
/* A server that says nothing for so long has failed. */
#define PATIENCE_MS 10000
#define READY_MAX 1024
/* Idle clients say nothing for so long before the memory is read. */
#define IDLE_NS (NS_PER_SECOND / 2)
/* So many clients come first, so that what a server has once is not counted as theirs. */
#define IDLE_FIRST 16

struct options {
  uint16_t port;
  int server_pid;
  uint32_t clients, size, window;
  uint64_t messages;
  int deflate, idle, bare;
  double seconds;
};

static struct options options = {.clients = 1, .size = 64, .window = 1, .seconds = 1};
static struct traffic traffic;
static struct connection *connections;
static int poll_fd;
/* Messages that may still be sent. */
static uint64_t allowance = UINT64_MAX;

__attribute__((noreturn)) static void fail(const char *what, const char *which) {
  fprintf(stderr, "%s: %s\n", what, which);
  exit(2);
}

static void set_option(const char *name, const char *value) {
  double number = strtod(value, NULL);
  if (strcmp(name, "--port") == 0) options.port = (uint16_t)number;
  else if (strcmp(name, "--server-pid") == 0) options.server_pid = (int)number;
  else if (strcmp(name, "--clients") == 0) options.clients = (uint32_t)number;
  else if (strcmp(name, "--size") == 0) options.size = (uint32_t)number;
  else if (strcmp(name, "--window") == 0) options.window = (uint32_t)number;
  else if (strcmp(name, "--messages") == 0) options.messages = (uint64_t)number;
  else if (strcmp(name, "--seconds") == 0) options.seconds = number;
  else if (strcmp(name, "--deflate") == 0) options.deflate = number != 0;
  else if (strcmp(name, "--idle") == 0) options.idle = number != 0;
  else if (strcmp(name, "--bare") == 0) options.bare = number != 0;
  else fail("no such option", name);
}

static void parse(int argc, char **argv) {
  if (argc % 2 == 0) fail("usage", "load [--option value]...");
  for (int at = 1; at + 1 < argc; at += 2) set_option(argv[at], argv[at + 1]);
  if (options.clients < 1 || options.clients > CLIENTS_MAX) fail("out of range", "--clients");
  if (options.size < 1 || options.size > SIZE_MAX_BYTES) fail("out of range", "--size");
  if (options.window < 1 || options.window > WINDOW_MAX) fail("out of range", "--window");
  if (options.server_pid <= 0) fail("missing", "--server-pid");
}

/* ---- the server's process ------------------------------------------------------------------ */

/* Processor time of all of its threads, kernel included. */
static uint64_t server_processor_ns(void) {
  clockid_t clock;
  struct timespec time;
  if (clock_getcpuclockid(options.server_pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
    fail("no processor time", "the server is gone");
  return (uint64_t)time.tv_sec * NS_PER_SECOND + (uint64_t)time.tv_nsec;
}

/* Bytes of its memory that are resident. */
static uint64_t server_memory(void) {
  char path[64], line[256];
  unsigned long long kilobytes = 0;
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", options.server_pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) fail(path, strerror(errno));
  while (fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "Rss: %llu kB", &kilobytes) == 1) break;
  fclose(file);
  return (uint64_t)kilobytes * 1024;
}

/* ---- clients ------------------------------------------------------------------------------- */

static void open_clients(uint32_t first, uint32_t last) {
  for (uint32_t at = first; at < last; at++) {
    struct epoll_event event = {EPOLLIN, {.u32 = at}};
    connection_open(&connections[at], &traffic, options.port, options.bare);
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, connections[at].fd, &event) != 0)
      fail("epoll_ctl", strerror(errno));
  }
}

/* Watches for room where the system took no more, and where it does again no longer. */
static void watch(uint32_t number, int wanted_before) {
  struct connection *connection = &connections[number];
  if (connection->wants_room == wanted_before) return;
  struct epoll_event event = {EPOLLIN, {.u32 = number}};
  if (connection->wants_room) event.events |= EPOLLOUT;
  epoll_ctl(poll_fd, EPOLL_CTL_MOD, connection->fd, &event);
}

static void send_more(uint32_t number, uint32_t count, uint64_t now) {
  int wanted = connections[number].wants_room;
  if (count > allowance) count = (uint32_t)allowance;
  allowance -= count;
  connection_send(&connections[number], &traffic, count, now);
  watch(number, wanted);
}

/* One turn of the poll. `answer`: each message that has come back is followed by another one.
 * Returns how many have come back. */
static uint64_t turn(int measured, int answer) {
  struct epoll_event ready[READY_MAX];
  uint64_t echoed = 0;
  int count = epoll_wait(poll_fd, ready, READY_MAX, PATIENCE_MS);
  if (count == 0) fail("nothing comes back", "the server is stuck");
  for (int at = 0; at < count; at++) {
    uint32_t number = ready[at].data.u32;
    struct connection *connection = &connections[number];
    struct intake intake = {clock_ns(), measured, !measured || options.size <= THOROUGH_SIZE_MAX};
    if ((ready[at].events & EPOLLOUT) != 0) {
      connection_flush(connection, &traffic);
      watch(number, 1);
    }
    if ((ready[at].events & ~(uint32_t)EPOLLOUT) == 0) continue;
    uint32_t came = connection_receive(connection, &traffic, &intake);
    echoed += came;
    if (answer && came > 0) send_more(number, came, intake.now);
  }
  return echoed;
}

/* ---- loads --------------------------------------------------------------------------------- */

static void run_echo(void) {
  uint64_t echoed = 0, start = clock_ns(), now = start;
  uint64_t length = (uint64_t)(options.seconds * (double)NS_PER_SECOND);
  open_clients(0, options.clients);
  for (uint32_t at = 0; at < options.clients; at++) send_more(at, options.window, clock_ns());
  for (start = clock_ns(), now = start; now - start < WARM_UP_NS; now = clock_ns()) turn(0, 1);
  uint64_t processor = server_processor_ns();
  for (start = clock_ns(), now = start; now - start < length; now = clock_ns())
    echoed += turn(1, 1);
  processor = server_processor_ns() - processor;
  double seconds = (double)(now - start) / (double)NS_PER_SECOND;
  uint64_t divisor = echoed == 0 ? 1 : echoed;
  printf("result {\"served\": %" PRIu64 ", \"messages_per_s\": %.1f", echoed,
         (double)echoed / seconds);
  /* Seconds per million messages are microseconds per message. */
  printf(", \"cpu_us_per_message\": %.4f",
         (double)processor / (double)divisor / (double)NS_PER_US);
  print_times();
  printf("}\n");
}

/* The same with so many messages and no clock. */
static void run_count(void) {
  uint64_t echoed = 0;
  allowance = options.messages;
  open_clients(0, options.clients);
  for (uint32_t at = 0; at < options.clients; at++) send_more(at, options.window, clock_ns());
  while (echoed < options.messages) echoed += turn(0, 1);
  printf("result {\"served\": %" PRIu64 "}\n", echoed);
}

/* Lets each of these clients send one message and get it back. */
static void speak_once(uint32_t first, uint32_t last) {
  uint64_t waited = 0;
  for (uint32_t at = first; at < last; at++) send_more(at, 1, clock_ns());
  while (waited < last - first) waited += turn(1, 0);
}

/* Nothing is said, but pings are answered. */
static void be_silent(uint64_t length) {
  struct epoll_event ready;
  for (uint64_t end = clock_ns() + length, now; (now = clock_ns()) < end;)
    if (epoll_wait(poll_fd, &ready, 1, (int)((end - now) / NS_PER_MS) + 1) > 0) turn(0, 0);
}

static void run_idle(void) {
  uint32_t first = options.clients < IDLE_FIRST ? options.clients : IDLE_FIRST;
  open_clients(0, first);
  speak_once(0, first);
  be_silent(IDLE_NS);
  uint64_t memory = server_memory(), processor = server_processor_ns(), start = clock_ns();
  open_clients(first, options.clients);
  uint64_t opened = clock_ns() - start;
  processor = server_processor_ns() - processor;
  speak_once(first, options.clients);
  be_silent(IDLE_NS);
  int64_t grown = (int64_t)(server_memory() - memory);
  double count = (double)(options.clients == first ? 1 : options.clients - first);
  printf("result {\"served\": %" PRIu32 ", \"bytes_per_connection\": %.1f", options.clients,
         grown < 0 ? 0 : (double)grown / count);
  printf(", \"opened_per_s\": %.1f", count * (double)NS_PER_SECOND / (double)opened);
  printf(", \"cpu_us_per_connection\": %.2f}\n", (double)processor / count / (double)NS_PER_US);
}

int main(int argc, char **argv) {
  parse(argc, argv);
  traffic = traffic_make(options.size, options.window, options.deflate);
  connections = calloc(options.clients, sizeof *connections);
  poll_fd = epoll_create1(0);
  if (connections == NULL || poll_fd < 0) fail("cannot start", strerror(errno));
  if (options.idle) run_idle();
  else if (options.messages > 0) run_count();
  else run_echo();
  return 0;
}
