/* Bare sockets: the echo that does nothing but recvmmsg and sendmmsg, and its load.
 *
 * The load is also that of `netdriver-stock`: with `--stock 1` each client says the handshake of
 * Unity Transport's protocol and puts its header in front of each message, one message per
 * datagram, as peers do that know no netdriver. */
#define _GNU_SOURCE
#include "sockets.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#define BATCH 64
#define DATAGRAM_MAX 2048
#define TOKEN_SIZE 8
/* Type, token, pipeline. */
#define HEADER_SIZE (1 + TOKEN_SIZE + 1)
#define REQUEST_TRIES 50
#define REQUEST_WAIT_US 100000

/* Datagrams of one recvmmsg or sendmmsg call. */
struct batch {
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  struct sockaddr_in addresses[BATCH];
  uint8_t bytes[BATCH][DATAGRAM_MAX];
};

static void set_length(struct batch *batch, int at, size_t length) {
  batch->parts[at].iov_len = length;
}

/* `addressed`: each datagram names its peer, as on a socket that is not connected. */
static void prepare(struct batch *batch, int addressed) {
  memset(batch->messages, 0, sizeof batch->messages);
  for (int at = 0; at < BATCH; at++) {
    batch->parts[at].iov_base = batch->bytes[at];
    batch->parts[at].iov_len = DATAGRAM_MAX;
    batch->messages[at].msg_hdr.msg_iov = &batch->parts[at];
    batch->messages[at].msg_hdr.msg_iovlen = 1;
    if (!addressed) continue;
    batch->messages[at].msg_hdr.msg_name = &batch->addresses[at];
    batch->messages[at].msg_hdr.msg_namelen = sizeof batch->addresses[at];
  }
}

static void send_all(int fd, struct batch *batch, int count) {
  int done = 0;
  while (done < count) {
    int sent = sendmmsg(fd, batch->messages + done, (unsigned)(count - done), 0);
    done += sent > 0 ? sent : 1; /* a datagram that cannot leave is lost */
  }
}

/* ---- server -------------------------------------------------------------------------------- */

static void serve_echo(const struct load_options *options) {
  static struct batch batch;
  struct timeval patience = {0, SERVE_SLEEP_MS * 1000};
  int fd = open_socket(options->port);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  prepare(&batch, 1);
  serve_begin(options, port_of(fd));
  while (serve_turn()) {
    int count = recvmmsg(fd, batch.messages, BATCH, MSG_WAITFORONE, NULL);
    for (int at = 0; at < count; at++) {
      set_length(&batch, at, batch.messages[at].msg_len);
      serve_received(batch.bytes[at], batch.messages[at].msg_len);
    }
    send_all(fd, &batch, count);
    for (int at = 0; at < count; at++) set_length(&batch, at, DATAGRAM_MAX);
  }
  close(fd);
}

/* ---- load ---------------------------------------------------------------------------------- */

struct client {
  int fd;
  uint8_t header[HEADER_SIZE];
};

static struct client clients[LOAD_CLIENTS_MAX];
static uint32_t header_size; /* 0: no protocol at all */

static void shake_hands(struct client *client) {
  static const uint8_t REQUEST[] = {'U', 'T', 'P', 1, 1}, ACCEPT[] = {'U', 'T', 'P', 1, 2};
  struct timeval wait = {0, REQUEST_WAIT_US};
  uint8_t packet[DATAGRAM_MAX];
  setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  client->header[0] = 1; /* Data */
  need(getrandom(client->header + 1, TOKEN_SIZE, 0) == TOKEN_SIZE, "getrandom");
  for (int attempt = 0; attempt < REQUEST_TRIES; attempt++) {
    memcpy(packet, REQUEST, sizeof REQUEST);
    memcpy(packet + sizeof REQUEST, client->header + 1, TOKEN_SIZE);
    send(client->fd, packet, sizeof REQUEST + TOKEN_SIZE, 0);
    ssize_t length = recv(client->fd, packet, sizeof packet, 0);
    if (length >= (ssize_t)sizeof ACCEPT && memcmp(packet, ACCEPT, sizeof ACCEPT) == 0) return;
  }
  need(0, "no answer to a connection request");
}

static void send_next(uint32_t number, struct batch *batch) {
  struct client *client = &clients[number];
  int count = 0;
  for (; count < BATCH; count++) {
    uint32_t length = load_next(number, batch->bytes[count] + header_size);
    if (length == 0) break;
    memcpy(batch->bytes[count], client->header, header_size);
    set_length(batch, count, header_size + length);
  }
  if (count == 1) send(client->fd, batch->bytes[0], batch->parts[0].iov_len, 0);
  else if (count > 1) send_all(client->fd, batch, count);
}

static void take(uint32_t number, const uint8_t *data, uint32_t length) {
  /* Only Data is a message: a handshake starts with 'U', a heartbeat with 3. */
  if (header_size != 0 && (length < header_size || data[0] != 1)) return;
  load_received(number, data + header_size, length - header_size);
}

static void receive(uint32_t number, struct batch *batch, uint32_t window) {
  int fd = clients[number].fd;
  if (window == 1) {
    ssize_t length = recv(fd, batch->bytes[0], DATAGRAM_MAX, MSG_DONTWAIT);
    if (length > 0) take(number, batch->bytes[0], (uint32_t)length);
    return;
  }
  int count = recvmmsg(fd, batch->messages, BATCH, MSG_DONTWAIT, NULL);
  for (int at = 0; at < count; at++) take(number, batch->bytes[at], batch->messages[at].msg_len);
}

static int open_clients(const struct load_options *options) {
  struct sockaddr_in server = loopback(options->port);
  int poll = epoll_create1(0);
  need(poll >= 0, "epoll_create1");
  for (uint32_t at = 0; at < options->clients; at++) {
    struct epoll_event event = {EPOLLIN, {.u32 = at}};
    clients[at].fd = open_socket(0);
    need(connect(clients[at].fd, (struct sockaddr *)&server, sizeof server) == 0, "connect");
    if (header_size != 0) shake_hands(&clients[at]);
    need(epoll_ctl(poll, EPOLL_CTL_ADD, clients[at].fd, &event) == 0, "epoll_ctl");
  }
  return poll;
}

static void make_load(const struct load_options *options) {
  static struct batch in, out;
  struct epoll_event ready[LOAD_CLIENTS_MAX];
  enum load_state state;
  header_size = options->stock ? HEADER_SIZE : 0;
  prepare(&in, 0);
  prepare(&out, 0);
  int poll = open_clients(options);
  load_begin(options);
  while ((state = load_turn()) != LOAD_OVER) {
    if (state == LOAD_SWEEP)
      for (uint32_t at = 0; at < options->clients; at++) send_next(at, &out);
    int sleep_ms = (int)(load_sleep_us() / 1000);
    int count = epoll_wait(poll, ready, (int)options->clients, sleep_ms);
    load_turn();
    for (int at = 0; at < count; at++) {
      receive(ready[at].data.u32, &in, options->window);
      send_next(ready[at].data.u32, &out);
    }
  }
  load_report();
}

int main(int argc, char **argv) {
  struct load_options options = load_parse(argc, argv);
  if (options.kind != LOAD_ECHO || options.reliable) {
    fprintf(stderr, "bare sockets echo unreliable messages and do nothing else\n");
    return 2;
  }
  if (options.server) serve_echo(&options);
  else make_load(&options);
  return 0;
}
