/* The load and the measuring that load.h describes. */
#define _GNU_SOURCE
#include "load.h"

#include "../common/measure.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* What comes before the measured part. */
#define WARM_UP_NS (NS_PER_SECOND * 3 / 10)
/* A stream's loss recovery needs time to learn the round trip, and to deliver what was lost. */
#define STREAM_WARM_UP_NS NS_PER_SECOND
#define STREAM_COOL_DOWN_NS (NS_PER_SECOND * 3)
/* Of a bulk so much is sent before the measuring starts. */
#define BULK_WARM_UP_BYTES (8u << 20)
/* How long a client's unreliable messages may be under way before they count as lost. */
#define LOST_AFTER_NS (NS_PER_SECOND / 5)
#define SWEEP_NS (NS_PER_SECOND / 100)
/* A bulk whose library takes no more waits so long at most for the other side. */
#define FULL_SLEEP_NS (NS_PER_SECOND / 1000)
/* A program ends by itself so long after its load should be over, whatever happens. */
#define PATIENCE_NS (NS_PER_SECOND * 20)

/* ---- options and the machine --------------------------------------------------------------- */

static volatile sig_atomic_t asked_to_end;

static void end_soon(int number) {
  (void)number;
  asked_to_end = 1;
}

static void fail(const char *what, const char *which) {
  fprintf(stderr, "%s: %s\n", what, which);
  exit(2);
}

static enum load_kind kind_of(const char *name) {
  if (strcmp(name, "echo") == 0) return LOAD_ECHO;
  if (strcmp(name, "bulk") == 0) return LOAD_BULK;
  if (strcmp(name, "stream") != 0) fail("no such load", name);
  return LOAD_STREAM;
}

static void set_option(struct load_options *options, const char *name, const char *value) {
  double number = strtod(value, NULL);
  if (strcmp(name, "--load") == 0) options->kind = kind_of(value);
  else if (strcmp(name, "--reliable") == 0) options->reliable = number != 0;
  else if (strcmp(name, "--stock") == 0) options->stock = number != 0;
  else if (strcmp(name, "--port") == 0) options->port = (uint16_t)number;
  else if (strcmp(name, "--clients") == 0) options->clients = (uint32_t)number;
  else if (strcmp(name, "--size") == 0) options->size = (uint32_t)number;
  else if (strcmp(name, "--window") == 0) options->window = (uint32_t)number;
  else if (strcmp(name, "--rate") == 0) options->rate = (uint32_t)number;
  else if (strcmp(name, "--bytes") == 0) options->bytes = (uint64_t)number;
  else if (strcmp(name, "--seconds") == 0) options->seconds = number;
  else fail("no such option", name);
}

struct load_options load_parse(int argc, char **argv) {
  struct load_options options = {LOAD_ECHO, 0, 0, 0, 0, 1, 100, 1, 60, 100000000, 1.0};
  struct sigaction action;
  if (argc < 2 || argc % 2 != 0) fail("usage", "PROGRAM server|client [--option value]...");
  options.server = strcmp(argv[1], "server") == 0;
  for (int at = 2; at + 1 < argc; at += 2) set_option(&options, argv[at], argv[at + 1]);
  if (options.clients < 1 || options.clients > LOAD_CLIENTS_MAX) fail("out of range", "--clients");
  if (options.size < 32 || options.size > LOAD_MESSAGE_MAX) fail("out of range", "--size");
  if (options.window < 1 || options.rate < 1) fail("must be above 0", "--window, --rate");
  memset(&action, 0, sizeof action);
  action.sa_handler = end_soon;
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  return options;
}

static uint64_t processor_ns(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  uint64_t seconds = (uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec;
  uint64_t micros = (uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec;
  return seconds * NS_PER_SECOND + micros * NS_PER_US;
}

/* ---- messages ------------------------------------------------------------------------------ */

enum phase { PHASE_WARM_UP, PHASE_MEASURED, PHASE_OVER };

/* The first bytes of a message; the rest is zero. */
struct head {
  uint64_t sent_ns;
  uint32_t sequence;
  uint16_t client;
  uint8_t phase;
  uint8_t zero;
};

static struct head read_head(const uint8_t *data) {
  struct head head;
  memcpy(&head, data, sizeof head);
  return head;
}

/* ---- client -------------------------------------------------------------------------------- */

struct client {
  uint32_t next;      /* sequence number of the next message */
  uint32_t answered;  /* all before this one have come back, or are lost */
  uint64_t heard_ns;  /* of the last message that came back */
};

static struct {
  struct load_options options;
  struct client clients[LOAD_CLIENTS_MAX];
  enum phase phase;
  uint64_t now, start, measured_from, measured_until, swept, due, refused_since;
  uint64_t sent, echoed, lost, misordered;
  int full;      /* a message was refused since the last turn */
  int confirmed; /* the server knows that the measured part is over */
} load;

void load_begin(const struct load_options *options) {
  uint64_t now = clock_ns();
  load.options = *options;
  load.now = load.start = load.due = now;
  load.phase = PHASE_WARM_UP;
  for (uint32_t at = 0; at < options->clients; at++) load.clients[at].heard_ns = now;
}

static void enter(enum phase phase) {
  load.phase = phase;
  if (phase == PHASE_MEASURED) load.measured_from = load.now;
  else load.measured_until = load.now;
}

static void turn_bulk(void) {
  uint64_t bytes = load.sent * load.options.size;
  if (load.phase == PHASE_WARM_UP && bytes >= BULK_WARM_UP_BYTES) enter(PHASE_MEASURED);
  if (load.phase == PHASE_MEASURED && bytes >= BULK_WARM_UP_BYTES + load.options.bytes)
    enter(PHASE_OVER);
}

static void turn_timed(void) {
  int stream = load.options.kind == LOAD_STREAM;
  uint64_t warm_up = stream ? STREAM_WARM_UP_NS : WARM_UP_NS;
  uint64_t measured = (uint64_t)(load.options.seconds * (double)NS_PER_SECOND);
  if (load.phase == PHASE_WARM_UP && load.now - load.start >= warm_up) enter(PHASE_MEASURED);
  if (load.phase == PHASE_MEASURED && load.now - load.measured_from >= measured) enter(PHASE_OVER);
}

static int is_over(void) {
  uint64_t measured = (uint64_t)(load.options.seconds * (double)NS_PER_SECOND);
  if (asked_to_end || load.now - load.start >= measured + PATIENCE_NS) return 1;
  if (load.options.kind == LOAD_ECHO) return load.confirmed;
  /* A bulk is over when the server has it all: it ends this program then. */
  if (load.options.kind == LOAD_BULK) return 0;
  return load.phase == PHASE_OVER && load.now - load.measured_until >= STREAM_COOL_DOWN_NS;
}

static void give_up_lost(void) {
  for (uint32_t at = 0; at < load.options.clients; at++) {
    struct client *client = &load.clients[at];
    if (load.options.reliable || load.now - client->heard_ns < LOST_AFTER_NS) continue;
    load.lost += client->next - client->answered;
    client->answered = client->next;
    client->heard_ns = load.now;
  }
}

enum load_state load_turn(void) {
  load.now = clock_ns();
  load.full = 0;
  if (load.options.kind == LOAD_BULK) turn_bulk();
  else turn_timed();
  if (is_over()) return LOAD_OVER;
  if (load.options.kind != LOAD_ECHO) return LOAD_SWEEP;
  if (load.now - load.swept < SWEEP_NS) return LOAD_GO;
  load.swept = load.now;
  give_up_lost();
  return LOAD_SWEEP;
}

static int may_send(const struct client *client) {
  if (load.options.kind == LOAD_ECHO)
    return client->next - client->answered < load.options.window;
  if (load.options.kind == LOAD_STREAM) return load.now >= load.due;
  if (load.phase == PHASE_OVER) return 0;
  turn_bulk();
  return 1;
}

uint32_t load_next(uint32_t number, uint8_t *out) {
  struct client *client = &load.clients[number];
  if (!may_send(client)) return 0;
  struct head head = {load.now, client->next, (uint16_t)number, (uint8_t)load.phase, 0};
  if (load.refused_since != 0) head.sent_ns = load.refused_since;
  memset(out, 0, load.options.size);
  memcpy(out, &head, sizeof head);
  load.refused_since = 0;
  client->next += 1;
  load.sent += 1;
  load.due += NS_PER_SECOND / load.options.rate;
  return load.options.size;
}

void load_refused(uint32_t number) {
  load.full = 1;
  load.clients[number].next -= 1;
  load.sent -= 1;
  load.due -= NS_PER_SECOND / load.options.rate;
  /* The wait is part of a stream's delivery. */
  if (load.options.kind == LOAD_STREAM && load.refused_since == 0) load.refused_since = load.now;
}

void load_received(uint32_t number, const uint8_t *data, uint32_t length) {
  struct client *client = &load.clients[number];
  struct head head = read_head(data);
  if (length != load.options.size || head.client != number) {
    load.misordered += 1;
    return;
  }
  client->heard_ns = load.now;
  if (head.sequence - client->answered >= client->next - client->answered) {
    load.misordered += 1;
    return;
  }
  /* In order: what was sent before this one and has not come back will not. */
  load.lost += head.sequence - client->answered;
  client->answered = head.sequence + 1;
  load.confirmed |= head.phase == PHASE_OVER;
  if (load.phase != PHASE_MEASURED) return;
  load.echoed += 1;
  note_time(load.now - head.sent_ns);
}

uint32_t load_sleep_us(void) {
  uint64_t now = clock_ns();
  if (load.options.kind == LOAD_ECHO) return SWEEP_NS / NS_PER_US;
  if (load.options.kind == LOAD_BULK)
    return load.full || load.phase == PHASE_OVER ? FULL_SLEEP_NS / NS_PER_US : 0;
  return load.due > now ? (uint32_t)((load.due - now + NS_PER_US - 1) / NS_PER_US) : 0;
}

void load_report(void) {
  double seconds = (double)(load.measured_until - load.measured_from) / (double)NS_PER_SECOND;
  printf("result {\"lost\": %" PRIu64 ", \"misordered\": %" PRIu64, load.lost, load.misordered);
  if (load.options.kind == LOAD_ECHO) {
    printf(", \"messages\": %" PRIu64 ", \"messages_per_s\": %.1f", load.echoed,
           (double)load.echoed / seconds);
    print_times();
  }
  printf("}\n");
  fflush(stdout);
}

/* ---- server -------------------------------------------------------------------------------- */

static struct {
  struct load_options options;
  enum phase phase;
  uint64_t start, measured_from, processor_from, processor_until;
  uint64_t measured, misordered;
  uint32_t next; /* sequence number of the only client's next message */
} serve;

void serve_begin(const struct load_options *options, uint16_t port) {
  serve.options = *options;
  serve.start = clock_ns();
  printf("port %u\n", (unsigned)port);
  fflush(stdout);
}

static void report_served(void) {
  double seconds = (double)(clock_ns() - serve.measured_from) / (double)NS_PER_SECOND;
  double processor = (double)(serve.processor_until - serve.processor_from) / NS_PER_US;
  uint64_t count = serve.measured == 0 ? 1 : serve.measured;
  printf("result {\"served\": %" PRIu64 ", \"server_misordered\": %" PRIu64, serve.measured,
         serve.misordered);
  /* Seconds per million messages are microseconds per message. */
  printf(", \"cpu_us_per_message\": %.4f", processor / (double)count);
  if (serve.options.kind != LOAD_ECHO) {
    double rate = (double)serve.measured / seconds;
    printf(", \"messages_per_s\": %.1f, \"mb_per_s\": %.2f", rate, rate * serve.options.size / 1e6);
    print_times();
  }
  printf("}\n");
  fflush(stdout);
}

static void change_phase(enum phase phase) {
  serve.phase = phase;
  if (phase == PHASE_MEASURED) {
    serve.measured_from = clock_ns();
    serve.processor_from = processor_ns();
  } else {
    serve.processor_until = processor_ns();
    report_served();
  }
}

void serve_received(const uint8_t *data, uint32_t length) {
  struct head head = read_head(data);
  if (length != serve.options.size) {
    serve.misordered += 1;
    return;
  }
  if (head.phase > serve.phase) change_phase((enum phase)head.phase);
  if (serve.phase == PHASE_MEASURED) serve.measured += 1;
  if (serve.options.kind == LOAD_ECHO) return;
  if (head.sequence != serve.next) serve.misordered += 1;
  serve.next = head.sequence + 1;
  if (head.phase == PHASE_MEASURED && serve.options.kind == LOAD_STREAM)
    note_time(clock_ns() - head.sent_ns);
  uint64_t all = (BULK_WARM_UP_BYTES + serve.options.bytes) / serve.options.size;
  if (serve.options.kind == LOAD_BULK && serve.phase == PHASE_MEASURED && head.sequence + 1 >= all)
    change_phase(PHASE_OVER);
}

int serve_turn(void) {
  if (asked_to_end) return 0;
  uint64_t limit = (uint64_t)(serve.options.seconds * (double)NS_PER_SECOND) + 2 * PATIENCE_NS;
  return clock_ns() - serve.start < limit;
}
