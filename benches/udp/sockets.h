/* What the programs that use bare sockets share. */
#ifndef BENCHES_UDP_SOCKETS_H
#define BENCHES_UDP_SOCKETS_H

#include "load.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static inline void need(int holds, const char *what) {
  if (holds) return;
  perror(what);
  exit(1);
}

static inline struct sockaddr_in loopback(uint16_t port) {
  struct sockaddr_in address = {0};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/* A UDP socket on a port of this machine; 0 is any. */
static inline int open_socket(uint16_t port) {
  struct sockaddr_in address = loopback(port);
  int size = LOAD_SOCKET_BUFFER, fd = socket(AF_INET, SOCK_DGRAM, 0);
  need(fd >= 0, "socket");
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  need(bind(fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
  return fd;
}

static inline uint16_t port_of(int fd) {
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  need(getsockname(fd, (struct sockaddr *)&address, &length) == 0, "getsockname");
  return ntohs(address.sin_port);
}

#endif
