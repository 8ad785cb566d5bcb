/* What every peer's program of the UDP benchmark shares: its options, the load that a client
 * makes, and the measuring on both sides. Nothing here opens a socket: a peer moves the messages
 * with its own library and asks this what to send next.
 *
 * A client's loop:                          A server's loop:
 *   for each message that came in             for each message that came in
 *     load_received(client, data, length)       serve_received(data, length)
 *   while load_next(client, buffer)             (and, for echoes, send it back)
 *     send it, or load_refused(client)        sleep at most SERVE_SLEEP_MS
 *   sleep at most load_sleep_us()             until serve_turn() says 0
 *   until load_turn() says LOAD_OVER
 *
 * Messages carry the phase of the run (warm-up, measured, over), so both sides measure the same
 * ones, and the server its own processor time between the first and the last of them. */
#ifndef BENCHES_UDP_LOAD_H
#define BENCHES_UDP_LOAD_H

#include <stdint.h>

/* Bytes of the longest message. */
#define LOAD_MESSAGE_MAX 16384
/* Clients at most. */
#define LOAD_CLIENTS_MAX 1024
/* How long a server may sleep before it asks serve_turn again. */
#define SERVE_SLEEP_MS 100
/* Bytes asked of the system for each UDP socket's buffers, for every peer alike. */
#define LOAD_SOCKET_BUFFER (4 << 20)

enum load_kind {
  LOAD_ECHO,  /* every client keeps `window` messages under way; the server sends them back */
  LOAD_BULK,  /* one client sends `bytes` as fast as it can */
  LOAD_STREAM /* one client sends `rate` messages per second */
};

struct load_options {
  enum load_kind kind;
  int server;        /* 1: be the server, 0: be the client */
  int reliable;      /* 1: reliable and in order */
  int stock;         /* 1: as a peer that knows none of netdriver's own extensions */
  uint16_t port;     /* of the server; 0 lets a server choose one */
  uint32_t clients;  /* connections of the client's process */
  uint32_t size;     /* bytes of a message */
  uint32_t window;   /* messages under way per client */
  uint32_t rate;     /* messages per second */
  uint64_t bytes;    /* of the whole bulk */
  double seconds;    /* measured */
};

/* Reads the options and makes Ctrl-C and SIGTERM end the process. */
struct load_options load_parse(int argc, char **argv);

/* ---- client -------------------------------------------------------------------------------- */

enum load_state {
  LOAD_OVER,  /* end the program */
  LOAD_GO,    /* ask the clients that received something what to send next */
  LOAD_SWEEP  /* ask all of them */
};

/* Starts the load; call it when all clients are connected. */
void load_begin(const struct load_options *options);
/* Once per turn of the loop: looks at the clock. */
enum load_state load_turn(void);
/* Writes the next message of a client to `out` (LOAD_MESSAGE_MAX bytes); its length, 0: none. */
uint32_t load_next(uint32_t client, uint8_t *out);
/* The message that load_next gave last was not taken: it comes again later. */
void load_refused(uint32_t client);
/* An echo has come back. */
void load_received(uint32_t client, const uint8_t *data, uint32_t length);
/* How long the loop may sleep when nothing comes in; 0: not at all. */
uint32_t load_sleep_us(void);
/* Prints the results. */
void load_report(void);

/* ---- server -------------------------------------------------------------------------------- */

/* Prints the port, which tells that the server is ready. */
void serve_begin(const struct load_options *options, uint16_t port);
/* A message has come in. */
void serve_received(const uint8_t *data, uint32_t length);
/* Once per turn of the loop: 0 when the program shall end. */
int serve_turn(void);

#endif
