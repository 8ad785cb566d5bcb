/* extension_xor: an extension of the WebSocket protocol, as small as can be.
 *
 *   extension_xor
 *
 * Every byte of every message is XORed with a key that both sides agree on in the handshake: the
 * client offers "x-xor; key=N", the server answers with the same N. Frames that went through it
 * have RSV2 set. A server and a client in one process talk over it; the exit code is 0 when what
 * came back is what was sent. It hides nothing from anybody: take TLS for that. */
#include "common.h"

#define KEY_MAX 255
#define PIECE 256
#define PATIENCE_US 5000000u

/* The number behind "key=", or 0. */
static uint32_t key_in(const char *parameters) {
  const char *at = strstr(parameters, "key=");
  unsigned long key = at == NULL ? 0 : strtoul(at + 4, NULL, 10);
  return key <= KEY_MAX ? (uint32_t)key : 0;
}

/* Both sides: the session is the key. On a client `answer` is NULL. */
static int32_t negotiate(void *user, int32_t server, const char *parameters, char *answer,
                         uint32_t answer_capacity, void **out_session) {
  uint32_t *key = malloc(sizeof *key);
  (void)user;
  if (key == NULL || (*key = key_in(parameters)) == 0) {
    free(key);
    return 1010; /* a server declines; a client closes the connection with this code */
  }
  if (server) snprintf(answer, answer_capacity, "key=%" PRIu32, *key);
  *out_session = key;
  return 0;
}

/* XOR is its own inverse: this encodes and decodes. */
static int32_t transform(void *user, void *session, nd_extension_frame *frame) {
  uint8_t piece[PIECE];
  (void)user;
  for (uint32_t done = 0; done < frame->data_length;) {
    uint32_t length = 0;
    while (length < PIECE && done < frame->data_length)
      piece[length++] = (uint8_t)(frame->data[done++] ^ *(uint32_t *)session);
    if (nd_extension_write(piece, length) != ND_OK) return 1009;
  }
  return 0;
}

static int32_t encode(void *user, void *session, nd_extension_frame *frame) {
  frame->reserved_bits = ND_EXTENSION_RSV2;
  return transform(user, session, frame);
}

static int32_t decode(void *user, void *session, nd_extension_frame *frame) {
  if (frame->reserved_bits != ND_EXTENSION_RSV2) return 1002; /* it was not encoded */
  return transform(user, session, frame);
}

static void release(void *user, void *session) {
  (void)user;
  free(session);
}

/* A driver with a WebSocket interface of the plain dialect that knows the extension. */
static nd_driver *create(void) {
  nd_driver *driver;
  nd_interface_settings websocket;
  nd_extension extension;
  uint32_t index = 0;
  require(nd_driver_create(NULL, &driver), "nd_driver_create");
  require(nd_interface_settings_init(&websocket, ND_INTERFACE_WEBSOCKET),
          "nd_interface_settings_init");
  websocket.dialect = ND_DIALECT_PLAIN;
  require(nd_driver_add_interface(driver, &websocket, &index), "nd_driver_add_interface");
  require(nd_extension_init(&extension), "nd_extension_init");
  extension.name = "x-xor";
  extension.offer = "key=90";
  extension.reserved_bits = ND_EXTENSION_RSV2;
  extension.flags = ND_EXTENSION_FLAG_REQUIRED;
  extension.negotiate = negotiate;
  extension.encode = encode;
  extension.decode = decode;
  extension.release = release;
  require(nd_driver_add_extension(driver, index, &extension), "nd_driver_add_extension");
  return driver;
}

/* Sends every message back. */
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
      require(nd_driver_send(server, event.connection, 0, event.data, event.data_length,
                             event.flags & ND_EVENT_FLAG_TEXT ? ND_SEND_FLAG_TEXT : 0),
              "nd_driver_send");
  }
  require(nd_driver_flush(server), "nd_driver_flush");
}

/* Asks and waits for the echo; returns the exit code. */
static int talk(nd_driver *server, nd_driver *client) {
  static const uint8_t hello[] = "hello through an extension";
  char agreed[64] = "";
  uint64_t end = now_us() + PATIENCE_US;
  nd_event event;
  while (now_us() < end) {
    serve(server);
    require(nd_driver_wait(client, 1, NULL), "nd_driver_wait");
    require(nd_driver_update(client), "nd_driver_update");
    require(nd_driver_pop_event(client, &event), "nd_driver_pop_event");
    if (event.kind == ND_EVENT_CONNECT) {
      require(nd_connection_get_text(client, event.connection, ND_TEXT_EXTENSIONS, agreed,
                                     sizeof agreed, NULL),
              "nd_connection_get_text");
      printf("agreed on: %s\n", agreed);
      require(nd_driver_send(client, event.connection, 0, hello, sizeof hello - 1,
                             ND_SEND_FLAG_TEXT),
              "nd_driver_send");
    } else if (event.kind == ND_EVENT_DATA) {
      printf("came back: %.*s\n", (int)event.data_length, (const char *)event.data);
      return event.data_length == sizeof hello - 1 &&
                     memcmp(event.data, hello, sizeof hello - 1) == 0
                 ? 0
                 : 1;
    } else if (event.kind == ND_EVENT_DISCONNECT) {
      fprintf(stderr, "the connection ended with code %u\n", (unsigned)event.close_code);
      return 1;
    }
  }
  fprintf(stderr, "nothing came back\n");
  return 1;
}

int main(void) {
  require_library();
  nd_driver *server = create(), *client = create();
  uint16_t port = bind_port(server, 0, 0, 0);
  char url[64];
  nd_connection connection;
  require(nd_driver_listen(server), "nd_driver_listen");
  snprintf(url, sizeof url, "ws://127.0.0.1:%u/", (unsigned)port);
  require(nd_driver_connect_url(client, url, NULL, &connection), "nd_driver_connect_url");
  int code = talk(server, client);
  require(nd_driver_destroy(client), "nd_driver_destroy");
  require(nd_driver_destroy(server), "nd_driver_destroy");
  return code;
}
