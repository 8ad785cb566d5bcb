/* Sockets of the program's own, on Windows as elsewhere. Include it before everything else. */
#ifndef TESTS_SOCKETS_H
#define TESTS_SOCKETS_H

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#endif

#include "check.h"

#ifdef _WIN32
typedef SOCKET socket_number;
#define NO_SOCKET INVALID_SOCKET
#define close_socket closesocket
#define poll_sockets WSAPoll
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
typedef int socket_number;
#define NO_SOCKET (-1)
#define close_socket close
#define poll_sockets poll
#endif

/* A socket of this machine: with a port connected to it, without one listening on a free one. */
static inline socket_number local_stream(uint16_t port) {
  struct sockaddr_in address;
  socket_number stream;
#ifdef _WIN32
  WSADATA data;
  CHECK(WSAStartup(MAKEWORD(2, 2), &data) == 0);
#endif
  stream = socket(AF_INET, SOCK_STREAM, 0);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (port != 0) {
    CHECK(connect(stream, (struct sockaddr *)&address, sizeof address) == 0);
  } else {
    CHECK(bind(stream, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(stream, 8) == 0);
  }
  return stream;
}

static inline uint16_t port_of(socket_number stream) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  CHECK(getsockname(stream, (struct sockaddr *)&address, &size) == 0);
  return ntohs(address.sin_port);
}

/* Is there something to read, a connection to take, or an end, within a millisecond? */
static inline int has_something(socket_number stream) {
  struct pollfd waiting;
  memset(&waiting, 0, sizeof waiting);
  waiting.fd = stream;
  waiting.events = POLLIN;
  return poll_sockets(&waiting, 1, 1) == 1;
}

/* The number of bytes read, -1 when there are none now, 0 at the end. */
static inline int64_t read_some(socket_number stream, void *bytes, size_t capacity) {
  return has_something(stream) ? (int64_t)recv(stream, (char *)bytes, capacity, 0) : -1;
}

static inline void write_all(socket_number stream, const void *bytes, size_t length) {
  CHECK_EQUAL(send(stream, (const char *)bytes, length, 0), length);
}

#endif
