/* stage_xor: a stage of a pipeline that the program brings, as small as can be.
 *
 *   stage_xor
 *
 * Every byte of every message is XORed with a key, and one byte in front says which. A server and a
 * client in one process talk through a pipeline of that stage and the reliable one; the exit code
 * is 0 when what came back is what was sent. It hides nothing from anybody. */
#include "common.h"

#define PATIENCE_US 5000000u

/* XOR is its own inverse. */
static void flip(nd_stage_call *call, uint8_t key) {
  for (uint32_t i = 0; i < call->data_length; i++) call->data[i] ^= key;
}

static int32_t send_through(void *user, void *instance, nd_stage_call *call) {
  uint8_t key = *(const uint8_t *)user;
  (void)instance;
  flip(call, key);
  return nd_stage_forward(&key, 1, call->data, call->data_length);
}

static int32_t receive_through(void *user, void *instance, nd_stage_call *call) {
  (void)user, (void)instance;
  if (call->data_length == 0) return -1; /* without its header; it counts as malformed */
  uint8_t key = call->data[0];
  call->data += 1;
  call->data_length -= 1;
  flip(call, key);
  return nd_stage_forward(NULL, 0, call->data, call->data_length);
}

/* A driver with an in-process interface and one pipeline. */
static nd_driver *create(uint8_t *key, uint8_t *out_pipeline) {
  nd_driver *driver;
  nd_stage_functions functions;
  nd_pipeline_stage stages[2] = {{0}};
  require(nd_driver_create(NULL, &driver), "nd_driver_create");
  require(nd_stage_functions_init(&functions), "nd_stage_functions_init");
  functions.name = "xor";
  functions.header_size = 1;
  functions.user = key;
  functions.send = send_through;
  functions.receive = receive_through;
  require(nd_driver_register_stage(driver, &functions, &stages[0].stage),
          "nd_driver_register_stage");
  stages[1].stage = ND_PIPELINE_STAGE_RELIABLE_SEQUENCED;
  require(nd_driver_create_pipeline(driver, stages, 2, out_pipeline), "nd_driver_create_pipeline");
  add_interface(driver, ND_INTERFACE_IPC);
  return driver;
}

/* Sends every message back on the pipeline it came through. */
static void serve(nd_driver *server) {
  nd_connection connection;
  nd_event event;
  require(nd_driver_update(server), "nd_driver_update");
  do require(nd_driver_accept(server, &connection), "nd_driver_accept");
  while (connection != 0);
  for (;;) {
    require(nd_driver_pop_event(server, &event), "nd_driver_pop_event");
    if (event.kind == ND_EVENT_EMPTY) break;
    if (event.kind == ND_EVENT_DATA)
      require(nd_driver_send(server, event.connection, event.pipeline, event.data,
                             event.data_length, 0),
              "nd_driver_send");
  }
  require(nd_driver_flush(server), "nd_driver_flush");
}

/* Asks and waits for the echo; returns the exit code. */
static int talk(nd_driver *server, nd_driver *client, uint8_t pipeline) {
  static const uint8_t hello[] = "hello through a stage";
  uint64_t end = now_us() + PATIENCE_US;
  nd_event event;
  while (now_us() < end) {
    serve(server);
    require(nd_driver_wait(client, 1, NULL), "nd_driver_wait");
    require(nd_driver_update(client), "nd_driver_update");
    require(nd_driver_pop_event(client, &event), "nd_driver_pop_event");
    if (event.kind == ND_EVENT_CONNECT)
      require(nd_driver_send(client, event.connection, pipeline, hello, sizeof hello - 1, 0),
              "nd_driver_send");
    if (event.kind != ND_EVENT_DATA) continue;
    printf("came back on pipeline %u: %.*s\n", (unsigned)event.pipeline, (int)event.data_length,
           (const char *)event.data);
    return event.pipeline == pipeline && event.data_length == sizeof hello - 1 &&
                   memcmp(event.data, hello, sizeof hello - 1) == 0
               ? 0
               : 1;
  }
  fprintf(stderr, "nothing came back\n");
  return 1;
}

int main(void) {
  uint8_t keys[2] = {0x5a, 0xc3}, pipeline = 0;
  nd_connection connection;
  nd_endpoint endpoint;
  require_library();
  nd_driver *server = create(&keys[0], &pipeline), *client = create(&keys[1], &pipeline);
  bind_port(server, 0, 0, 0);
  require(nd_driver_listen(server), "nd_driver_listen");
  require(nd_driver_get_local_endpoint(server, 0, 0, &endpoint), "nd_driver_get_local_endpoint");
  require(nd_driver_connect(client, 0, &endpoint, NULL, 0, &connection), "nd_driver_connect");
  int code = talk(server, client, pipeline);
  require(nd_driver_destroy(client), "nd_driver_destroy");
  require(nd_driver_destroy(server), "nd_driver_destroy");
  return code;
}
