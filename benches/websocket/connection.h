/* One WebSocket client of the load: its opening handshake, the messages that it has under way, and
 * the check of what comes back. It knows no other connection and no poll. */
#ifndef BENCHES_WEBSOCKET_CONNECTION_H
#define BENCHES_WEBSOCKET_CONNECTION_H

#include "traffic.h"

/* Bytes that one read takes at most, from whatever connection. */
#define READ_SIZE (256u << 10)

struct inflater;

struct connection {
  int fd;
  int bare;              /* 1: no WebSocket, the server sends the same bytes back */
  int wants_room;        /* the system took no more; wait until it does */
  uint64_t queued;       /* messages that are to be sent, from the beginning */
  uint64_t written;      /* messages whose frames have left */
  size_t written_part;   /* bytes of the next one that have left */
  uint64_t echoed;       /* messages that have come back */
  uint64_t sent_ns[WINDOW_MAX];
  /* The frame that is coming in. */
  uint8_t head[CLIENT_HEADER_MAX];
  uint32_t head_size;
  uint8_t first;         /* its first byte */
  int in_payload;
  uint64_t payload_left;
  /* The message that is coming in. */
  int in_message;
  size_t message_size;   /* bytes of it that are here, as they are on the wire */
  struct inflater *inflater;
  uint8_t control[125];
  uint32_t control_size;
};

/* What a read brought: times go to the table of times while `measured`. */
struct intake {
  uint64_t now;
  int measured;
  int thorough; /* compare every byte, not just the beginning of each piece */
};

/* Connects and shakes hands. Ends the program with a text when that fails. */
void connection_open(struct connection *connection, const struct traffic *traffic, uint16_t port,
                     int bare);
/* Puts so many more messages under way, and sends what the system takes. */
void connection_send(struct connection *connection, const struct traffic *traffic, uint32_t count,
                     uint64_t now);
/* Sends what waits. */
void connection_flush(struct connection *connection, const struct traffic *traffic);
/* Reads once; returns how many messages have come back. Ends the program with a text when what
 * came back is not what was sent. */
uint32_t connection_receive(struct connection *connection, const struct traffic *traffic,
                            const struct intake *intake);

#endif
