/* A bad network in user space: sits between a client and a server, delays every datagram, loses
 * some, and counts what both sides put onto the wire.
 *
 *   proxy --server PORT [--delay-ms N] [--loss PERCENT] [--seed N]
 *         [--count-after-ms N] [--count-for-ms N]
 *
 * Each direction draws its losses from a generator of its own, so that one seed loses the same
 * datagrams of a direction, by number, whatever the other one does. */
#define _GNU_SOURCE
#include "sockets.h"

#include "../common/measure.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define DATAGRAM_MAX 65536
#define QUEUE_MAX 16384
/* An IPv4 header and a UDP header. */
#define HEADERS_SIZE 28
/* Ends by itself after so long. */
#define LIFE_NS (600 * 1000 * NS_PER_MS)

struct datagram {
  struct datagram *next;
  uint64_t due;
  size_t length;
  uint8_t bytes[];
};

struct direction {
  int from, to;
  uint64_t random;
  struct datagram *first, *last;
  uint32_t waiting;
};

struct options {
  uint16_t server;
  double loss;
  uint64_t delay, seed, count_after, count_for;
};

static struct {
  uint64_t start; /* when the first datagram came, 0 before */
  uint64_t datagrams, bytes, lost;
  int reported;
} counted;

/* xorshift64*; a seed of 0 would stay 0. */
static uint64_t draw(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static int is_lost(struct direction *direction, double percent) {
  double part = (double)(draw(&direction->random) >> 11) / (double)(UINT64_C(1) << 53);
  return part * 100 < percent;
}

static void count(const struct options *options, uint64_t now, size_t length, int lost) {
  if (counted.start == 0) counted.start = now;
  uint64_t from = counted.start + options->count_after;
  if (now < from || now >= from + options->count_for) return;
  counted.datagrams += 1;
  counted.bytes += length + HEADERS_SIZE;
  counted.lost += (uint64_t)lost;
}

static void report(const struct options *options, uint64_t now) {
  uint64_t end = counted.start + options->count_after + options->count_for;
  if (counted.reported || counted.start == 0 || now < end) return;
  counted.reported = 1;
  printf("result {\"wire_datagrams\": %" PRIu64 ", \"wire_bytes\": %" PRIu64
         ", \"wire_lost\": %" PRIu64 ", \"wire_seconds\": %.3f}\n",
         counted.datagrams, counted.bytes, counted.lost,
         (double)(options->count_for / NS_PER_MS) / 1000);
  fflush(stdout);
}

static void take_in(const struct options *options, struct direction *direction) {
  static uint8_t bytes[DATAGRAM_MAX];
  struct sockaddr_in peer;
  socklen_t size = sizeof peer;
  ssize_t length;
  while ((length = recvfrom(direction->from, bytes, sizeof bytes, MSG_DONTWAIT,
                            (struct sockaddr *)&peer, &size)) >= 0) {
    uint64_t now = clock_ns();
    /* The client's side is connected to whoever speaks first. */
    if (counted.start == 0) connect(direction->from, (struct sockaddr *)&peer, sizeof peer);
    int lost = is_lost(direction, options->loss) || direction->waiting == QUEUE_MAX;
    count(options, now, (size_t)length, lost);
    if (lost) continue;
    struct datagram *datagram = malloc(sizeof *datagram + (size_t)length);
    need(datagram != NULL, "malloc");
    datagram->next = NULL;
    datagram->due = now + options->delay;
    datagram->length = (size_t)length;
    memcpy(datagram->bytes, bytes, (size_t)length);
    if (direction->first == NULL) direction->first = datagram;
    else direction->last->next = datagram;
    direction->last = datagram;
    direction->waiting += 1;
  }
}

static void let_out(struct direction *direction, uint64_t now) {
  while (direction->first != NULL && direction->first->due <= now) {
    struct datagram *datagram = direction->first;
    direction->first = datagram->next;
    direction->waiting -= 1;
    /* What the other side does not take is lost, as on any wire. */
    if (send(direction->to, datagram->bytes, datagram->length, MSG_DONTWAIT) < 0 && errno == EBADF)
      exit(1);
    free(datagram);
  }
}

static uint64_t sleep_ns(const struct direction *directions, uint64_t now) {
  uint64_t sleep = SERVE_SLEEP_MS * NS_PER_MS;
  for (int at = 0; at < 2; at++) {
    const struct datagram *first = directions[at].first;
    if (first == NULL) continue;
    uint64_t rest = first->due > now ? first->due - now : 0;
    if (rest < sleep) sleep = rest;
  }
  return sleep;
}

static void run(const struct options *options) {
  struct sockaddr_in server = loopback(options->server);
  int front = open_socket(0), back = open_socket(0);
  need(connect(back, (struct sockaddr *)&server, sizeof server) == 0, "connect");
  struct direction directions[2] = {{front, back, options->seed * 2 + 1, NULL, NULL, 0},
                                    {back, front, options->seed * 2 + 2, NULL, NULL, 0}};
  struct pollfd ready[2] = {{front, POLLIN, 0}, {back, POLLIN, 0}};
  uint64_t begin = clock_ns(), now = begin;
  for (int at = 0; at < 2; at++)
    for (int skip = 0; skip < 16; skip++) draw(&directions[at].random);
  prctl(PR_SET_TIMERSLACK, 1UL); /* wake up when a datagram is due, not 50 µs later */
  printf("port %u\n", (unsigned)port_of(front));
  fflush(stdout);
  while (now - begin < LIFE_NS) {
    uint64_t sleep = sleep_ns(directions, now);
    struct timespec timeout = {0, (long)sleep};
    ppoll(ready, 2, &timeout, NULL);
    for (int at = 0; at < 2; at++)
      if (ready[at].revents != 0) take_in(options, &directions[at]);
    now = clock_ns();
    for (int at = 0; at < 2; at++) let_out(&directions[at], now);
    report(options, now);
  }
}

static struct options parse(int argc, char **argv) {
  struct options options = {0, 0, 0, 1, 0, 0};
  for (int at = 1; at + 1 < argc; at += 2) {
    const char *name = argv[at];
    double value = strtod(argv[at + 1], NULL);
    if (strcmp(name, "--server") == 0) options.server = (uint16_t)value;
    else if (strcmp(name, "--loss") == 0) options.loss = value;
    else if (strcmp(name, "--seed") == 0) options.seed = (uint64_t)value;
    else if (strcmp(name, "--delay-ms") == 0) options.delay = (uint64_t)value * NS_PER_MS;
    else if (strcmp(name, "--count-after-ms") == 0)
      options.count_after = (uint64_t)value * NS_PER_MS;
    else if (strcmp(name, "--count-for-ms") == 0) options.count_for = (uint64_t)value * NS_PER_MS;
    else need(0, name);
  }
  return options;
}

int main(int argc, char **argv) {
  struct options options = parse(argc, argv);
  run(&options);
  return 0;
}
