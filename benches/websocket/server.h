/* What the echo servers of the WebSocket benchmark have in common: `SERVER [--deflate 1]` listens
 * on a free port of this machine and prints `port N` when it is ready. It ends when it is told to.
 * The load measures it from outside. */
#ifndef BENCHES_WEBSOCKET_SERVER_H
#define BENCHES_WEBSOCKET_SERVER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the longest message that any load sends. */
#define MESSAGE_MAX (1u << 20)
/* Clients at once, at most. */
#define SERVER_CLIENTS_MAX 16000

struct server_options {
  int deflate; /* 1: messages are compressed */
};

static inline struct server_options server_parse(int argc, char **argv) {
  struct server_options options = {0};
  for (int at = 1; at + 1 < argc; at += 2) {
    if (strcmp(argv[at], "--deflate") == 0) {
      options.deflate = atoi(argv[at + 1]) != 0;
    } else {
      fprintf(stderr, "no such option: %s\n", argv[at]);
      exit(2);
    }
  }
  return options;
}

static inline void server_ready(int port) {
  printf("port %d\n", port);
  fflush(stdout);
}

#endif
