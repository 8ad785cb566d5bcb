/* The clients of scale.c: many in one process, which commands from standard input move and which
 * answer "ok" on standard output. */
#ifndef TESTS_CLIENTS_H
#define TESTS_CLIENTS_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netdriver.h>

#define CLIENTS_MAX 65536
/* UDP clients share this many sockets: a connection is its token. */
#define UDP_SOCKETS 16
/* Clients that connect before the answers to them are read; few enough for a socket's buffer. */
#define CROWD 128
#define WORD "0123456789abcdef0123456789abcdef"
#define WORD_SIZE 32
#define ANSWER_SECONDS 5
#define DATAGRAMS_ARRIVE_US 1000

static int client_sockets[CLIENTS_MAX];
static unsigned client_count;
static enum { CLIENTS_UDP, CLIENTS_WEBSOCKET, CLIENTS_SESSION } client_kind;

static void clients_fail(const char *what) {
  printf("%s failed\n", what);
  fflush(stdout);
  exit(1);
}

static int open_socket(int type, uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct timeval patience = {.tv_sec = ANSWER_SECONDS};
  int one = socket(AF_INET, type, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (one < 0) clients_fail("socket");
  setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(one, (struct sockaddr *)&address, sizeof address) != 0) clients_fail("connect");
  return one;
}

static void write_all(int one, const void *bytes, size_t size) {
  if (send(one, bytes, size, MSG_NOSIGNAL) != (ssize_t)size) clients_fail("send");
}

/* ---- UDP: Unity Transport's packets -------------------------------------------------------- */

static void write_token(uint8_t *place, unsigned client) {
  uint32_t process = (uint32_t)getpid();
  memcpy(place, &client, 4);
  memcpy(place + 4, &process, 4);
}

static int udp_socket_of(unsigned client) {
  return client_sockets[client % UDP_SOCKETS];
}

/* A request, and the accept is awaited. */
static void udp_request(unsigned client) {
  uint8_t packet[13] = {'U', 'T', 'P', 1, 1};
  write_token(packet + 5, client);
  write_all(udp_socket_of(client), packet, sizeof packet);
}

static void udp_say(unsigned client) {
  uint8_t packet[10 + WORD_SIZE] = {1};
  write_token(packet + 1, client);
  packet[9] = 0;
  memcpy(packet + 10, WORD, WORD_SIZE);
  write_all(udp_socket_of(client), packet, sizeof packet);
}

static void udp_take(unsigned client, ssize_t size) {
  uint8_t packet[256];
  if (recv(udp_socket_of(client), packet, sizeof packet, 0) != size) clients_fail("recv");
}

static void udp_connect(uint16_t port) {
  for (int at = 0; at < UDP_SOCKETS; at++) client_sockets[at] = open_socket(SOCK_DGRAM, port);
  for (unsigned first = 0; first < client_count; first += CROWD) {
    unsigned end = first + CROWD < client_count ? first + CROWD : client_count;
    for (unsigned at = first; at < end; at++) udp_request(at);
    for (unsigned at = first; at < end; at++) udp_take(at, 13);
    for (unsigned at = first; at < end; at++) udp_say(at);
  }
}

/* ---- WebSocket ----------------------------------------------------------------------------- */

static const char REQUEST[] =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static void websocket_say(unsigned client) {
  /* A masked binary frame whose key is 0. */
  uint8_t frame[6 + WORD_SIZE] = {0x82, 0x80 | WORD_SIZE};
  memcpy(frame + 6, WORD, WORD_SIZE);
  write_all(client_sockets[client], frame, sizeof frame);
}

static void websocket_take(unsigned client) {
  uint8_t frame[2 + WORD_SIZE];
  if (recv(client_sockets[client], frame, sizeof frame, MSG_WAITALL) != sizeof frame)
    clients_fail("recv");
}

static void websocket_take_head(unsigned client) {
  char head[1024];
  size_t size = 0;
  do {
    ssize_t more = recv(client_sockets[client], head + size, sizeof head - 1 - size, 0);
    if (more <= 0) clients_fail("the answer to a request");
    size += (size_t)more;
    head[size] = '\0';
  } while (strstr(head, "\r\n\r\n") == NULL);
  if (strncmp(head, "HTTP/1.1 101 ", 13) != 0) clients_fail("a request");
}

static void websocket_connect(uint16_t port) {
  for (unsigned first = 0; first < client_count; first += CROWD) {
    unsigned end = first + CROWD < client_count ? first + CROWD : client_count;
    for (unsigned at = first; at < end; at++) {
      client_sockets[at] = open_socket(SOCK_STREAM, port);
      write_all(client_sockets[at], REQUEST, sizeof REQUEST - 1);
    }
    for (unsigned at = first; at < end; at++) websocket_take_head(at);
    for (unsigned at = first; at < end; at++) websocket_say(at);
  }
}

/* ---- UDP with a session: netdriver's own clients, as many as one driver has ----------------- */

static nd_driver *session_driver;
static nd_connection session_connections[CLIENTS_MAX];

static void session_need(nd_result result) {
  if (result != ND_OK) clients_fail("a call of the client's driver");
}

static void session_say(unsigned client) {
  session_need(nd_driver_send(session_driver, session_connections[client], 0,
                              (const uint8_t *)WORD, WORD_SIZE, 0));
}

/* Waits for so many events of a kind. */
static void session_await(int32_t kind, unsigned count) {
  nd_event event;
  while (count > 0) {
    session_need(nd_driver_wait(session_driver, 1000, NULL));
    session_need(nd_driver_update(session_driver));
    do {
      session_need(nd_driver_pop_event(session_driver, &event));
      count -= event.kind == kind;
    } while (event.kind != ND_EVENT_EMPTY);
  }
}

static void session_connect(uint16_t port) {
  nd_interface_settings settings;
  nd_endpoint address;
  uint32_t number;
  session_need(nd_driver_create(NULL, &session_driver));
  session_need(nd_interface_settings_init(&settings, ND_INTERFACE_UDP));
  session_need(nd_driver_add_interface(session_driver, &settings, &number));
  session_need(nd_endpoint_parse("127.0.0.1", port, ND_FAMILY_INVALID, &address));
  for (unsigned first = 0; first < client_count; first += CROWD) {
    unsigned end = first + CROWD < client_count ? first + CROWD : client_count;
    for (unsigned at = first; at < end; at++)
      session_need(nd_driver_connect(session_driver, number, &address, NULL, 0,
                                     &session_connections[at]));
    session_await(ND_EVENT_CONNECT, end - first);
    for (unsigned at = first; at < end; at++) session_say(at);
    session_need(nd_driver_flush(session_driver));
  }
}

/* ---- commands ------------------------------------------------------------------------------ */

static void clients_connect(const char *kind, uint16_t port) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (strcmp(kind, "udp") == 0) {
    client_kind = CLIENTS_UDP;
    udp_connect(port);
  } else if (strcmp(kind, "websocket") == 0) {
    client_kind = CLIENTS_WEBSOCKET;
    websocket_connect(port);
  } else {
    client_kind = CLIENTS_SESSION;
    session_connect(port);
  }
}

/* Waits until what was sent is with the server's system: it acknowledges a stream's bytes, and of
 * datagrams nothing can be known. */
static void settle(unsigned client) {
  int waiting = 1;
  while (ioctl(client_sockets[client], TIOCOUTQ, &waiting) == 0 && waiting > 0) usleep(100);
}

/* The active ones are spread over all. */
static void clients_say(unsigned active) {
  for (unsigned at = 0; at < active; at++) {
    unsigned client = at * (client_count / active);
    if (client_kind == CLIENTS_UDP) udp_say(client);
    if (client_kind == CLIENTS_WEBSOCKET) websocket_say(client);
    if (client_kind == CLIENTS_SESSION) session_say(client);
  }
  if (client_kind == CLIENTS_SESSION) session_need(nd_driver_flush(session_driver));
  for (unsigned at = 0; client_kind == CLIENTS_WEBSOCKET && at < active; at++)
    settle(at * (client_count / active));
  usleep(DATAGRAMS_ARRIVE_US);
}

static void clients_take(unsigned active) {
  if (client_kind == CLIENTS_SESSION) session_await(ND_EVENT_DATA, active);
  for (unsigned at = 0; at < active; at++) {
    unsigned client = at * (client_count / active);
    if (client_kind == CLIENTS_UDP) udp_take(client, 10 + WORD_SIZE);
    if (client_kind == CLIENTS_WEBSOCKET) websocket_take(client);
  }
}

static int run_clients(void) {
  char line[64], kind[32];
  unsigned port, number;
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strcmp(line, "end\n") == 0) return 0;
    if (sscanf(line, "send %u", &number) == 1) {
      clients_say(number);
    } else if (sscanf(line, "take %u", &number) == 1) {
      clients_take(number);
    } else if (sscanf(line, "%31s %u %u", kind, &port, &number) == 3 && number <= CLIENTS_MAX) {
      client_count = number;
      clients_connect(kind, (uint16_t)port);
    } else {
      clients_fail(line);
    }
    printf("ok\n");
    fflush(stdout);
  }
  return 1;
}

#endif
