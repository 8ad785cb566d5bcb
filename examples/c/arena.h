/* The arena's protocol, for its server and its bot. examples/page/arena.html describes it.
 *
 * Every message is binary and little endian; its first byte says what it is. What one does not
 * know, one ignores. */
#ifndef EXAMPLES_ARENA_H
#define EXAMPLES_ARENA_H

#include "common.h"

#define ARENA_WIDTH 1000
#define ARENA_HEIGHT 1000
#define ARENA_NAME_MAX 24 /* bytes of UTF-8 */

/* Client to server. */
#define ARENA_JOIN 'J'  /* u8 length, name */
#define ARENA_MOVE 'M'  /* i16 x, i16 y: where I am */
#define ARENA_LEAVE 'L' /* I close the connection next */
/* Both ways: the server asks with a stamp, the client answers with the same stamp. */
#define ARENA_PING 'P' /* u32 stamp */
/* Server to client. */
#define ARENA_WELCOME 'W'  /* u32 your id, u16 width, u16 height */
#define ARENA_SNAPSHOT 'S' /* u16 count, count times: u32 id, i16 x, i16 y */
#define ARENA_NAME 'N'     /* u32 id, u8 kind of connection, u8 length, name */
#define ARENA_GONE 'G'     /* u32 id */
#define ARENA_ROUND_TRIP 'R' /* u32 microseconds: what your answer to the ping has measured */

#define ARENA_JOIN_SIZE(name_length) (2u + (name_length))
#define ARENA_MOVE_SIZE 5u
#define ARENA_LEAVE_SIZE 1u
#define ARENA_PING_SIZE 5u
#define ARENA_WELCOME_SIZE 9u
#define ARENA_SNAPSHOT_HEAD 3u
#define ARENA_SNAPSHOT_ENTRY 8u
#define ARENA_NAME_SIZE(name_length) (7u + (name_length))
#define ARENA_GONE_SIZE 5u
#define ARENA_ROUND_TRIP_SIZE 5u

/* With so many entries a snapshot fits into one packet of every interface. More players than that
 * are told of in several snapshots. */
#define ARENA_SNAPSHOT_ENTRIES_MAX 150u

static inline void write_u16(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)value;
  at[1] = (uint8_t)(value >> 8);
}

static inline void write_u32(uint8_t *at, uint32_t value) {
  write_u16(at, (uint16_t)value);
  write_u16(at + 2, (uint16_t)(value >> 16));
}

static inline uint16_t read_u16(const uint8_t *at) {
  return (uint16_t)(at[0] | at[1] << 8);
}

static inline int16_t read_i16(const uint8_t *at) {
  return (int16_t)read_u16(at);
}

static inline uint32_t read_u32(const uint8_t *at) {
  return read_u16(at) | (uint32_t)read_u16(at + 2) << 16;
}

/* Is this well-formed UTF-8, of at least one character and without a NUL? */
static inline int is_name(const uint8_t *text, uint32_t length) {
  if (length == 0 || length > ARENA_NAME_MAX) return 0;
  return memchr(text, 0, length) == NULL && is_utf8(text, length);
}

#endif
