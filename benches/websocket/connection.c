#define _GNU_SOURCE
#include "connection.h"

#include "../common/measure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

/* The key of RFC 6455 section 1.3, and what a server answers to it. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
/* What a browser offers. */
#define OFFER "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
#define ANSWER_MAX 4096
#define HANDSHAKE_SECONDS 10
/* Of a piece of a message so much is compared when not all of it is. */
#define SAMPLE_SIZE 64
/* A compressed message is not longer than this. */
#define PACKED_MAX 65536
#define FIN 0x80
#define COMPRESSED 0x40
#define RESERVED 0x70

/* Decompresses the messages of one connection. */
struct inflater {
  z_stream stream;
  size_t packed_size;
  uint8_t packed[PACKED_MAX];
};

__attribute__((noreturn)) static void fail(const struct connection *connection, const char *what) {
  fprintf(stderr, "message %llu of a connection: %s\n", (unsigned long long)connection->echoed,
          what);
  exit(1);
}

static void need(int holds, const char *what) {
  if (holds) return;
  perror(what);
  if (errno == EMFILE || errno == ENFILE)
    fprintf(stderr, "there are too few descriptors; raise the limit (ulimit -n)\n");
  exit(1);
}

/* ---- opening ------------------------------------------------------------------------------- */

static void shake_hands(struct connection *connection, const struct traffic *traffic) {
  char text[ANSWER_MAX];
  size_t size = 0;
  int length = snprintf(text, sizeof text,
                        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\n"
                        "Sec-WebSocket-Version: 13\r\n%s\r\n",
                        traffic->deflate ? OFFER : "");
  need(send(connection->fd, text, (size_t)length, 0) == length, "sending the request");
  /* A byte at a time where the end may be: what follows it are frames. */
  while (size < 4 || memcmp(text + size - 4, "\r\n\r\n", 4) != 0) {
    ssize_t count = recv(connection->fd, text + size, 1, 0);
    if (count == 0 || size + 2 > sizeof text) fail(connection, "the server does not shake hands");
    need(count > 0, "reading the answer");
    size += (size_t)count;
  }
  text[size] = '\0';
  if (strncmp(text, "HTTP/1.1 101", 12) != 0 || strstr(text, ACCEPT) == NULL)
    fail(connection, "the server does not accept");
  if (traffic->deflate && strstr(text, "permessage-deflate") == NULL)
    fail(connection, "the server does not agree on compression");
}

static void start_inflater(struct connection *connection) {
  struct inflater *inflater = calloc(1, sizeof *inflater);
  need(inflater != NULL, "memory");
  need(inflateInit2(&inflater->stream, -MAX_WBITS) == Z_OK, "zlib");
  connection->inflater = inflater;
}

void connection_open(struct connection *connection, const struct traffic *traffic, uint16_t port,
                     int bare) {
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct timeval patience = {HANDSHAKE_SECONDS, 0};
  int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  need(fd >= 0, "socket");
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  memset(connection, 0, sizeof *connection);
  connection->fd = fd;
  connection->bare = bare;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  need(connect(fd, (struct sockaddr *)&server, sizeof server) == 0, "connect");
  if (bare) return;
  shake_hands(connection, traffic);
  if (traffic->deflate) start_inflater(connection);
}

/* ---- sending ------------------------------------------------------------------------------- */

void connection_flush(struct connection *connection, const struct traffic *traffic) {
  while (connection->written < connection->queued) {
    size_t from = (size_t)(connection->written % traffic->count);
    size_t to = from + (size_t)(connection->queued - connection->written);
    size_t start = traffic->starts[from] + connection->written_part;
    size_t length = traffic->starts[to] - start;
    ssize_t sent = send(connection->fd, traffic->frames + start, length,
                        MSG_DONTWAIT | MSG_NOSIGNAL);
    connection->wants_room = sent < 0 && errno == EAGAIN;
    if (connection->wants_room) return;
    need(sent > 0, "send");
    if ((size_t)sent == length) {
      connection->written = connection->queued;
      connection->written_part = 0;
      return;
    }
    start += (size_t)sent;
    while (traffic->starts[from + 1] <= start) {
      connection->written += 1;
      from += 1;
    }
    connection->written_part = start - traffic->starts[from];
  }
}

void connection_send(struct connection *connection, const struct traffic *traffic, uint32_t count,
                     uint64_t now) {
  for (uint32_t at = 0; at < count; at++) {
    connection->sent_ns[connection->queued % WINDOW_MAX] = now;
    connection->queued += 1;
  }
  if (!connection->wants_room) connection_flush(connection, traffic);
}

/* ---- receiving ----------------------------------------------------------------------------- */

static void finish_message(struct connection *connection, const struct intake *intake) {
  if (intake->measured)
    note_time(intake->now - connection->sent_ns[connection->echoed % WINDOW_MAX]);
  connection->echoed += 1;
  connection->in_message = 0;
  connection->message_size = 0;
}

static void compare(const struct connection *connection, const uint8_t *expected,
                    const uint8_t *data, size_t length, const struct intake *intake) {
  size_t part = intake->thorough || length < SAMPLE_SIZE ? length : SAMPLE_SIZE;
  if (memcmp(expected, data, part) != 0) fail(connection, "the echo has other bytes");
}

/* The bytes of the client's own frames. */
static uint32_t take_bare(struct connection *connection, const struct traffic *traffic,
                          const uint8_t *data, size_t length, const struct intake *intake) {
  uint32_t count = 0;
  while (length > 0) {
    if (connection->echoed == connection->queued) fail(connection, "more came than was sent");
    size_t number = (size_t)(connection->echoed % traffic->count);
    size_t start = traffic->starts[number] + connection->message_size;
    size_t left = traffic->starts[number + 1] - start;
    size_t part = length < left ? length : left;
    compare(connection, traffic->frames + start, data, part, intake);
    connection->message_size += part;
    data += part;
    length -= part;
    if (part < left) break;
    finish_message(connection, intake);
    count += 1;
  }
  return count;
}

static void take_piece(struct connection *connection, const struct traffic *traffic,
                       const uint8_t *data, size_t length, const struct intake *intake) {
  struct inflater *inflater = connection->inflater;
  if (connection->message_size + length > (inflater == NULL ? traffic->size : PACKED_MAX))
    fail(connection, "the echo is too long");
  if (inflater != NULL)
    memcpy(inflater->packed + connection->message_size, data, length);
  else
    compare(connection,
            traffic_payload(traffic, connection->echoed) + connection->message_size, data, length,
            intake);
  connection->message_size += length;
}

static void end_message(struct connection *connection, const struct traffic *traffic,
                        const struct intake *intake) {
  static uint8_t plain[PACKED_MAX];
  static const uint8_t TAIL[] = {0, 0, 0xff, 0xff};
  struct inflater *inflater = connection->inflater;
  size_t size = connection->message_size;
  if (inflater != NULL) {
    if (size + sizeof TAIL > PACKED_MAX) fail(connection, "the echo is too long");
    memcpy(inflater->packed + size, TAIL, sizeof TAIL);
    inflater->stream.next_in = inflater->packed;
    inflater->stream.avail_in = (uInt)(size + sizeof TAIL);
    inflater->stream.next_out = plain;
    inflater->stream.avail_out = sizeof plain;
    int outcome = inflate(&inflater->stream, Z_SYNC_FLUSH);
    if (outcome != Z_OK || inflater->stream.avail_in != 0) fail(connection, "damaged echo");
    size = sizeof plain - inflater->stream.avail_out;
    if (size == traffic->size)
      compare(connection, traffic_payload(traffic, connection->echoed), plain, size, intake);
  }
  if (size != traffic->size) fail(connection, "the echo has another length");
  finish_message(connection, intake);
}

/* A control frame is whole. */
static void take_control(struct connection *connection) {
  uint8_t frame[CLIENT_HEADER_MAX + sizeof connection->control];
  switch (connection->first & 0x0f) {
    case OPCODE_PONG: return;
    case OPCODE_PING: break;
    default: fail(connection, "the server closes the connection");
  }
  /* Between two frames only: half of one may have left. */
  if (connection->written_part != 0) return;
  size_t length = traffic_frame(frame, FIN | OPCODE_PONG, connection->control,
                                connection->control_size, 0x12345678);
  need(send(connection->fd, frame, length, MSG_NOSIGNAL) == (ssize_t)length, "sending a pong");
}

/* Bytes of the header that starts with these, or of as much of it as tells how long it is. */
static uint32_t header_size(const uint8_t *head, uint32_t have) {
  if (have < 2 || (head[1] & 0x7f) < 126) return 2;
  return (head[1] & 0x7f) == 126 ? 4 : 10;
}

static void begin_frame(struct connection *connection, const struct traffic *traffic,
                        const uint8_t *head) {
  uint8_t first = head[0], opcode = first & 0x0f, length = head[1];
  connection->first = first;
  connection->in_payload = 1;
  connection->payload_left = length;
  if (length == 126) {
    connection->payload_left = (uint64_t)head[2] << 8 | head[3];
  } else if (length == 127) {
    connection->payload_left = 0;
    for (int at = 2; at < 10; at++)
      connection->payload_left = connection->payload_left << 8 | head[at];
  }
  if (opcode >= OPCODE_CLOSE) {
    if (connection->payload_left > sizeof connection->control || (first & RESERVED) != 0)
      fail(connection, "bad control frame");
    connection->control_size = 0;
    return;
  }
  uint8_t expected = connection->in_message ? OPCODE_CONTINUATION : traffic->opcode;
  uint8_t bits = !connection->in_message && traffic->deflate ? COMPRESSED : 0;
  if (length > 127) fail(connection, "the server masks");
  if (opcode != expected) fail(connection, "the echo has another opcode");
  if ((first & RESERVED) != bits)
    fail(connection, traffic->deflate ? "the echo is not compressed" : "a reserved bit is set");
  if (connection->echoed == connection->queued) fail(connection, "more came than was sent");
  connection->in_message = 1;
}

/* Takes a header, or a part of it; how many bytes that were. */
static size_t take_header(struct connection *connection, const struct traffic *traffic,
                          const uint8_t *data, size_t length) {
  if (connection->head_size == 0 && length >= CLIENT_HEADER_MAX) {
    begin_frame(connection, traffic, data);
    return header_size(data, 2);
  }
  size_t taken = 0;
  while (taken < length) {
    connection->head[connection->head_size++] = data[taken++];
    if (connection->head_size >= 2 &&
        connection->head_size == header_size(connection->head, connection->head_size)) {
      connection->head_size = 0;
      begin_frame(connection, traffic, connection->head);
      break;
    }
  }
  return taken;
}

static uint32_t take_frames(struct connection *connection, const struct traffic *traffic,
                            const uint8_t *data, size_t length, const struct intake *intake) {
  uint32_t count = 0;
  while (length > 0 || (connection->in_payload && connection->payload_left == 0)) {
    if (!connection->in_payload) {
      size_t taken = take_header(connection, traffic, data, length);
      data += taken;
      length -= taken;
      continue;
    }
    int control = (connection->first & 0x0f) >= OPCODE_CLOSE;
    size_t part = connection->payload_left < length ? (size_t)connection->payload_left : length;
    if (control) {
      memcpy(connection->control + connection->control_size, data, part);
      connection->control_size += (uint32_t)part;
    } else {
      take_piece(connection, traffic, data, part, intake);
    }
    data += part;
    length -= part;
    connection->payload_left -= part;
    if (connection->payload_left > 0) break;
    connection->in_payload = 0;
    if (control) {
      take_control(connection);
    } else if ((connection->first & FIN) != 0) {
      end_message(connection, traffic, intake);
      count += 1;
    }
  }
  return count;
}

uint32_t connection_receive(struct connection *connection, const struct traffic *traffic,
                            const struct intake *intake) {
  static uint8_t buffer[READ_SIZE];
  ssize_t length = recv(connection->fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  need(length >= 0, "recv");
  if (length == 0) fail(connection, "the server has hung up");
  return connection->bare ? take_bare(connection, traffic, buffer, (size_t)length, intake)
                          : take_frames(connection, traffic, buffer, (size_t)length, intake);
}
