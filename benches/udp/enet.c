/* ENet against ENet: one host for the server, one for each client. */
#define _GNU_SOURCE
#include "load.h"

#include <enet/enet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define CONNECT_WAIT_MS 5000
/* ENet queues whatever it is given: what a program must not exceed itself. */
#define QUEUED_MAX (4u << 20)
#define NO_THROTTLE 0

struct client {
  ENetHost *host;
  ENetPeer *peer;
};

static struct client clients[LOAD_CLIENTS_MAX];
static size_t queued; /* bytes of messages that ENet has not let go of */

static void need(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "ENet: %s\n", what);
  exit(1);
}

static ENetHost *open_host(const ENetAddress *address, size_t peers) {
  ENetHost *host = enet_host_create(address, peers, 1, 0, 0);
  need(host != NULL, "no host");
  enet_socket_set_option(host->socket, ENET_SOCKOPT_RCVBUF, LOAD_SOCKET_BUFFER);
  enet_socket_set_option(host->socket, ENET_SOCKOPT_SNDBUF, LOAD_SOCKET_BUFFER);
  return host;
}

/* ---- server -------------------------------------------------------------------------------- */

static void serve_message(const struct load_options *options, ENetEvent *event) {
  serve_received(event->packet->data, (uint32_t)event->packet->dataLength);
  if (options->kind != LOAD_ECHO) {
    enet_packet_destroy(event->packet);
    return;
  }
  /* The packet that came in goes back as it is: nothing is copied. */
  event->packet->flags = options->reliable ? ENET_PACKET_FLAG_RELIABLE : 0;
  if (enet_peer_send(event->peer, 0, event->packet) != 0) enet_packet_destroy(event->packet);
}

static void serve(const struct load_options *options) {
  ENetAddress address = {ENET_HOST_ANY, options->port};
  ENetEvent event;
  enet_address_set_host_ip(&address, "127.0.0.1");
  ENetHost *host = open_host(&address, LOAD_CLIENTS_MAX);
  serve_begin(options, host->address.port);
  while (serve_turn()) {
    uint32_t patience = SERVE_SLEEP_MS;
    /* Takes one event; when there is none it sends, receives and sleeps. */
    while (enet_host_service(host, &event, patience) > 0) {
      patience = 0;
      if (event.type == ENET_EVENT_TYPE_RECEIVE) serve_message(options, &event);
      if (event.type == ENET_EVENT_TYPE_CONNECT)
        enet_peer_throttle_configure(event.peer, ENET_PEER_PACKET_THROTTLE_INTERVAL,
                                     ENET_PEER_PACKET_THROTTLE_SCALE, NO_THROTTLE);
    }
  }
  enet_host_destroy(host);
}

/* ---- load ---------------------------------------------------------------------------------- */

static void let_go(ENetPacket *packet) {
  queued -= packet->dataLength;
}

static void connect_client(struct client *client, uint16_t port) {
  ENetAddress address = {ENET_HOST_ANY, port};
  ENetEvent event;
  enet_address_set_host_ip(&address, "127.0.0.1");
  client->host = open_host(NULL, 1);
  client->peer = enet_host_connect(client->host, &address, 1, 0);
  need(client->peer != NULL, "no peer");
  need(enet_host_service(client->host, &event, CONNECT_WAIT_MS) > 0 &&
           event.type == ENET_EVENT_TYPE_CONNECT,
       "no connection");
  enet_peer_throttle_configure(client->peer, ENET_PEER_PACKET_THROTTLE_INTERVAL,
                               ENET_PEER_PACKET_THROTTLE_SCALE, NO_THROTTLE);
}

static void send_next(const struct load_options *options, uint32_t number) {
  uint8_t message[LOAD_MESSAGE_MAX];
  uint32_t length, flags = options->reliable ? ENET_PACKET_FLAG_RELIABLE : 0;
  while ((length = load_next(number, message)) != 0) {
    if (queued + length > QUEUED_MAX) {
      load_refused(number);
      return;
    }
    ENetPacket *packet = enet_packet_create(message, length, flags);
    need(packet != NULL, "no memory");
    packet->freeCallback = let_go;
    queued += length;
    if (enet_peer_send(clients[number].peer, 0, packet) != 0) {
      enet_packet_destroy(packet);
      load_refused(number);
      return;
    }
  }
}

/* Sends what was queued, receives what is there, and answers it. */
static void turn(const struct load_options *options, uint32_t number) {
  ENetEvent event;
  while (enet_host_service(clients[number].host, &event, 0) > 0) {
    if (event.type != ENET_EVENT_TYPE_RECEIVE) continue;
    load_received(number, event.packet->data, (uint32_t)event.packet->dataLength);
    enet_packet_destroy(event.packet);
    send_next(options, number);
  }
}

static void make_load(const struct load_options *options) {
  struct epoll_event ready[LOAD_CLIENTS_MAX];
  enum load_state state;
  int poll = epoll_create1(0);
  for (uint32_t at = 0; at < options->clients; at++) {
    struct epoll_event event = {EPOLLIN, {.u32 = at}};
    connect_client(&clients[at], options->port);
    epoll_ctl(poll, EPOLL_CTL_ADD, clients[at].host->socket, &event);
  }
  load_begin(options);
  while ((state = load_turn()) != LOAD_OVER) {
    if (state == LOAD_SWEEP) {
      for (uint32_t at = 0; at < options->clients; at++) {
        send_next(options, at);
        turn(options, at);
      }
    }
    struct timespec sleep = {0, (long)load_sleep_us() * 1000};
    int count = epoll_pwait2(poll, ready, (int)options->clients, &sleep, NULL);
    load_turn();
    for (int at = 0; at < count; at++) turn(options, ready[at].data.u32);
  }
  load_report();
}

int main(int argc, char **argv) {
  struct load_options options = load_parse(argc, argv);
  need(enet_initialize() == 0, "cannot start");
  if (options.server) serve(&options);
  else make_load(&options);
  enet_deinitialize();
  return 0;
}
