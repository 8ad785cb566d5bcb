/* The messages of a load: made once, sent again and again in the same order, and what their echoes
 * have to be. Nothing here opens a socket. */
#ifndef BENCHES_WEBSOCKET_TRAFFIC_H
#define BENCHES_WEBSOCKET_TRAFFIC_H

#include <stddef.h>
#include <stdint.h>

/* Messages under way per connection at most. */
#define WINDOW_MAX 64
/* Bytes of the longest frame header of a client. */
#define CLIENT_HEADER_MAX 14

enum {
  OPCODE_CONTINUATION = 0,
  OPCODE_TEXT = 1,
  OPCODE_BINARY = 2,
  OPCODE_CLOSE = 8,
  OPCODE_PING = 9,
  OPCODE_PONG = 10
};

/* Message n is number n % count of these. */
struct traffic {
  uint32_t count;   /* different messages */
  uint32_t size;    /* bytes of each, before compression */
  uint8_t opcode;   /* text or binary */
  int deflate;      /* 1: the frames are compressed, and so must be their echoes */
  uint8_t *payloads;
  /* Masked frames, one behind the other; the first `window` are there again behind the last, so
   * that as many as may be under way always lie in one piece. */
  uint8_t *frames;
  size_t *starts;   /* where each frame starts, and one more where the last one ends */
};

/* Makes messages of `size` bytes: random bytes, or with `deflate` texts like those of a game. */
struct traffic traffic_make(uint32_t size, uint32_t window, int deflate);

static inline const uint8_t *traffic_payload(const struct traffic *traffic, uint64_t number) {
  return traffic->payloads + (size_t)(number % traffic->count) * traffic->size;
}

/* Writes a client's frame, not compressed, to `out`; its length. */
size_t traffic_frame(uint8_t *out, uint8_t first, const uint8_t *payload, size_t length,
                     uint32_t mask);

#endif
