/* jobified_server: a server whose work runs as jobs, as Unity Transport's jobified server.
 *
 *   jobified_server [CLIENTS]
 *
 * Each frame is a chain of jobs: update, accept, one call for each connection on several threads,
 * send. Meanwhile the program does something else; here it plays the clients. Each of them sends
 * numbers and gets them back plus one; the exit code is 0 when all came back. */
#include "common.h"

#define ROUNDS 20
#define PATIENCE_US 20000000u

/* The second job: the server is this function's alone. */
static nd_result accept_connections(void *user) {
  nd_connection connection;
  nd_result result;
  do result = nd_driver_accept((nd_driver *)user, &connection);
  while (result == ND_OK && connection != 0);
  return result;
}

/* The third: for one connection, while other threads do it for others. */
static nd_result serve(void *user, nd_concurrent *server, nd_connection connection) {
  nd_event event;
  nd_result result;
  (void)user;
  while ((result = nd_concurrent_pop_event_for_connection(server, connection, &event)) == ND_OK &&
         event.kind != ND_EVENT_EMPTY) {
    if (event.kind != ND_EVENT_DATA || event.data_length != 1) continue;
    uint8_t next = (uint8_t)(event.data[0] + 1);
    result = nd_concurrent_send(server, connection, 0, &next, 1, 0);
    if (result != ND_OK) return result;
  }
  return result;
}

/* Each job begins when the one before it is complete. */
static nd_job schedule_frame(nd_driver *server) {
  nd_job job;
  require(nd_driver_schedule_update(server, 0, &job), "nd_driver_schedule_update");
  require(nd_driver_schedule_job(server, accept_connections, server, job, &job),
          "nd_driver_schedule_job");
  require(nd_driver_schedule_for_each_connection(server, serve, NULL, 1, job, &job),
          "nd_driver_schedule_for_each_connection");
  require(nd_driver_schedule_flush_send(server, job, &job), "nd_driver_schedule_flush_send");
  return job;
}

/* A frame of the clients; returns how many of them are done with it. */
static uint32_t play(nd_driver *client) {
  uint32_t done = 0;
  uint8_t first = 0;
  nd_event event;
  require(nd_driver_update(client), "nd_driver_update");
  for (;;) {
    require(nd_driver_pop_event(client, &event), "nd_driver_pop_event");
    if (event.kind == ND_EVENT_EMPTY) break;
    if (event.kind == ND_EVENT_CONNECT)
      require(nd_driver_send(client, event.connection, 0, &first, 1, 0), "nd_driver_send");
    if (event.kind != ND_EVENT_DATA) continue;
    if (event.data[0] == ROUNDS) done++;
    else require(nd_driver_send(client, event.connection, 0, event.data, 1, 0), "nd_driver_send");
  }
  require(nd_driver_flush(client), "nd_driver_flush");
  return done;
}

int main(int argc, char **argv) {
  uint32_t clients = argc > 1 ? number(argv[1], 1000, "CLIENTS") : 50, done = 0;
  uint64_t end = now_us() + PATIENCE_US;
  nd_driver *server, *client;
  nd_settings settings;
  nd_endpoint endpoint;
  require_library();
  require(nd_settings_init(&settings), "nd_settings_init");
  settings.job_workers = 3;
  require(nd_driver_create(&settings, &server), "nd_driver_create");
  require(nd_driver_create(NULL, &client), "nd_driver_create");
  add_interface(server, ND_INTERFACE_IPC);
  add_interface(client, ND_INTERFACE_IPC);
  bind_port(server, 0, 0, 0);
  require(nd_driver_listen(server), "nd_driver_listen");
  require(nd_driver_get_local_endpoint(server, 0, 0, &endpoint), "nd_driver_get_local_endpoint");
  for (uint32_t i = 0; i < clients; i++) {
    nd_connection connection;
    require(nd_driver_connect(client, 0, &endpoint, NULL, 0, &connection), "nd_driver_connect");
  }
  while (done < clients && now_us() < end) {
    nd_job frame = schedule_frame(server);
    done += play(client);
    /* Before the next frame; from here on the server may be touched again. */
    require(nd_job_complete(frame), "nd_job_complete");
  }
  printf("%u of %u clients were served\n", (unsigned)done, (unsigned)clients);
  require(nd_driver_destroy(client), "nd_driver_destroy");
  require(nd_driver_destroy(server), "nd_driver_destroy");
  return done == clients ? 0 : 1;
}
