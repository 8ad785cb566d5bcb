/* The echo that speaks no WebSocket: the bytes that came in go out again. What remains is what the
 * system asks of every server on epoll, so this is the ceiling. */
#define _GNU_SOURCE
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 65536
#define READY_MAX 1024
#define BACKLOG 1024
#define DESCRIPTORS_MAX (SERVER_CLIENTS_MAX + 64)

/* What the system did not take of an echo; nothing more is read until it has. */
struct rest {
  uint8_t *bytes;
  size_t size, sent;
};

static struct rest rests[DESCRIPTORS_MAX];
static int poll_fd;

static void need(int holds, const char *what) {
  if (holds) return;
  perror(what);
  exit(1);
}

static void watch(int fd, uint32_t events, int operation) {
  struct epoll_event event = {events, {.fd = fd}};
  need(epoll_ctl(poll_fd, operation, fd, &event) == 0, "epoll_ctl");
}

static int open_listener(void) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  need(fd >= 0, "socket");
  need(bind(fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
  need(listen(fd, BACKLOG) == 0, "listen");
  need(getsockname(fd, (struct sockaddr *)&address, &length) == 0, "getsockname");
  watch(fd, EPOLLIN, EPOLL_CTL_ADD);
  server_ready(ntohs(address.sin_port));
  return fd;
}

static void take_clients(int listener) {
  int fd, on = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    need(fd < DESCRIPTORS_MAX, "too many clients");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(fd, EPOLLIN, EPOLL_CTL_ADD);
  }
}

static void drop(int fd) {
  free(rests[fd].bytes);
  memset(&rests[fd], 0, sizeof rests[fd]);
  close(fd);
}

static void keep(int fd, const uint8_t *bytes, size_t size) {
  struct rest *rest = &rests[fd];
  rest->bytes = malloc(size);
  need(rest->bytes != NULL, "memory");
  memcpy(rest->bytes, bytes, size);
  rest->size = size;
  rest->sent = 0;
  watch(fd, EPOLLOUT, EPOLL_CTL_MOD);
}

static void send_rest(int fd) {
  struct rest *rest = &rests[fd];
  ssize_t sent = send(fd, rest->bytes + rest->sent, rest->size - rest->sent, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) {
    drop(fd);
    return;
  }
  rest->sent += sent > 0 ? (size_t)sent : 0;
  if (rest->sent < rest->size) return;
  free(rest->bytes);
  memset(rest, 0, sizeof *rest);
  watch(fd, EPOLLIN, EPOLL_CTL_MOD);
}

static void echo(int fd) {
  static uint8_t buffer[READ_SIZE];
  ssize_t size = recv(fd, buffer, sizeof buffer, 0);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) {
    drop(fd);
    return;
  }
  ssize_t sent = send(fd, buffer, (size_t)size, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) {
    drop(fd);
    return;
  }
  size_t done = sent > 0 ? (size_t)sent : 0;
  if (done < (size_t)size) keep(fd, buffer + done, (size_t)size - done);
}

int main(int argc, char **argv) {
  struct epoll_event ready[READY_MAX];
  server_parse(argc, argv);
  poll_fd = epoll_create1(0);
  need(poll_fd >= 0, "epoll_create1");
  int listener = open_listener();
  for (;;) {
    int count = epoll_wait(poll_fd, ready, READY_MAX, -1);
    for (int at = 0; at < count; at++) {
      int fd = ready[at].data.fd;
      if (fd == listener) take_clients(fd);
      else if (rests[fd].size > 0) send_rest(fd);
      else echo(fd);
    }
  }
}
