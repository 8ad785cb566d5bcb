#define _GNU_SOURCE
#include "traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Bytes of all messages that are different, about. */
#define VARIETY_SIZE (4u << 20)
#define VARIETY_MIN 4
#define VARIETY_MAX 256
/* A compressed message holds no reference that goes back farther than 2^10 bytes, so that it may be
 * sent whatever window above that was agreed on. */
#define DEFLATE_BITS 10
#define DEFLATE_LEVEL 6
#define DEFLATE_MEMORY 8
/* What a sync flush ends with; it is not sent (RFC 7692 section 7.2.1). */
#define DEFLATE_TAIL 4
#define FIN 0x80
#define COMPRESSED 0x40
#define MASKED 0x80

static void *checked(void *memory) {
  if (memory != NULL) return memory;
  fprintf(stderr, "out of memory\n");
  exit(1);
}

/* xorshift64*: the same messages in every run. */
static uint64_t draw(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static void fill_random(uint8_t *out, uint32_t size, uint64_t *random) {
  for (uint32_t at = 0; at < size; at++) out[at] = (uint8_t)(draw(random) >> 56);
}

/* What a server of a game tells its players, as JSON: names again and again, numbers never. */
static void fill_text(uint8_t *out, uint32_t size, uint64_t *random) {
  static const char *const NAMES[] = {"goblin", "archer", "wizard", "tower", "arrow", "potion"};
  uint32_t at = 0;
  while (at < size) {
    char entity[128];
    uint64_t value = draw(random);
    int length = snprintf(entity, sizeof entity,
                          "{\"id\":%u,\"kind\":\"%s\",\"x\":%.2f,\"y\":%.2f,\"hp\":%u},",
                          (unsigned)(value & 0xffff), NAMES[(value >> 16) % 6],
                          (double)(value >> 20 & 0xffff) / 64, (double)(value >> 36 & 0xffff) / 64,
                          (unsigned)(value >> 52) % 100);
    uint32_t part = (uint32_t)length < size - at ? (uint32_t)length : size - at;
    memcpy(out + at, entity, part);
    at += part;
  }
}

size_t traffic_frame(uint8_t *out, uint8_t first, const uint8_t *payload, size_t length,
                     uint32_t mask) {
  size_t at = 0;
  uint8_t key[4];
  memcpy(key, &mask, sizeof key);
  out[at++] = first;
  if (length < 126) {
    out[at++] = (uint8_t)(MASKED | length);
  } else if (length <= 0xffff) {
    out[at++] = MASKED | 126;
    for (int shift = 8; shift >= 0; shift -= 8) out[at++] = (uint8_t)(length >> shift);
  } else {
    out[at++] = MASKED | 127;
    for (int shift = 56; shift >= 0; shift -= 8) out[at++] = (uint8_t)((uint64_t)length >> shift);
  }
  memcpy(out + at, key, sizeof key);
  at += sizeof key;
  for (size_t index = 0; index < length; index++) out[at + index] = payload[index] ^ key[index % 4];
  return at + length;
}

/* Compresses a message without anything before it; its length. */
static size_t pack(z_stream *stream, const uint8_t *payload, uint32_t size, uint8_t *out,
                   size_t room) {
  deflateReset(stream);
  stream->next_in = (uint8_t *)(uintptr_t)payload;
  stream->avail_in = size;
  stream->next_out = out;
  stream->avail_out = (uInt)room;
  if (deflate(stream, Z_SYNC_FLUSH) != Z_OK || stream->avail_in != 0 || stream->avail_out == 0) {
    fprintf(stderr, "zlib does not compress\n");
    exit(1);
  }
  return room - stream->avail_out - DEFLATE_TAIL;
}

static void make_frames(struct traffic *traffic, uint32_t window, uint64_t *random) {
  size_t room = (size_t)traffic->size * 2 + 64, end = 0;
  uint32_t total = traffic->count + window;
  uint8_t *packed = checked(malloc(room));
  z_stream stream;
  memset(&stream, 0, sizeof stream);
  if (deflateInit2(&stream, DEFLATE_LEVEL, Z_DEFLATED, -DEFLATE_BITS, DEFLATE_MEMORY,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    fprintf(stderr, "zlib does not start\n");
    exit(1);
  }
  traffic->frames = checked(malloc((size_t)total * (room + CLIENT_HEADER_MAX)));
  traffic->starts = checked(calloc(total + 1, sizeof *traffic->starts));
  for (uint32_t at = 0; at < traffic->count; at++) {
    const uint8_t *payload = traffic_payload(traffic, at);
    size_t length = traffic->size;
    uint8_t first = FIN | traffic->opcode;
    if (traffic->deflate) {
      length = pack(&stream, payload, traffic->size, packed, room);
      payload = packed;
      first |= COMPRESSED;
    }
    uint32_t mask = (uint32_t)(draw(random) >> 32);
    traffic->starts[at] = end;
    end += traffic_frame(traffic->frames + end, first, payload, length, mask);
  }
  traffic->starts[traffic->count] = end;
  for (uint32_t at = traffic->count; at < total; at++) {
    size_t from = traffic->starts[at - traffic->count];
    size_t length = traffic->starts[at - traffic->count + 1] - from;
    memcpy(traffic->frames + end, traffic->frames + from, length);
    end += length;
    traffic->starts[at + 1] = end;
  }
  deflateEnd(&stream);
  free(packed);
}

struct traffic traffic_make(uint32_t size, uint32_t window, int deflate) {
  struct traffic traffic = {.size = size, .deflate = deflate};
  uint64_t random = UINT64_C(0x9E3779B97F4A7C15);
  uint32_t count = VARIETY_SIZE / (size == 0 ? 1 : size);
  if (count < VARIETY_MIN) count = VARIETY_MIN;
  traffic.count = count > VARIETY_MAX ? VARIETY_MAX : count;
  traffic.opcode = deflate ? OPCODE_TEXT : OPCODE_BINARY;
  traffic.payloads = checked(malloc((size_t)traffic.count * size + 1));
  for (uint32_t at = 0; at < traffic.count; at++) {
    uint8_t *payload = traffic.payloads + (size_t)at * size;
    if (deflate) fill_text(payload, size, &random);
    else fill_random(payload, size, &random);
  }
  make_frames(&traffic, window, &random);
  return traffic;
}
