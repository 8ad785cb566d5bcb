/* Extensions that a program brings: agreed on, refused, and what goes through them. */
#include "pair.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* What a test's extension is told to do, and what it was asked to do. */
struct side {
  const char *wanted;      /* parameters that negotiate expects; NULL: it declines */
  int32_t refusal;         /* what it returns then */
  int32_t failing;         /* what encode and decode return */
  uint32_t growth;         /* bytes that each encoded frame gets too many */
  uint32_t sessions, released, frames, bits_seen;
};

static int32_t negotiate(void *user, int32_t server, const char *parameters, char *answer,
                         uint32_t answer_capacity, void **out_session) {
  struct side *side = user;
  CHECK(*out_session == NULL);
  if (server) {
    CHECK(answer_capacity > 16 && answer[0] == '\0');
    snprintf(answer, answer_capacity, "level=2");
  } else {
    CHECK(answer == NULL && answer_capacity == 0);
  }
  if (side->wanted == NULL || strcmp(parameters, side->wanted) != 0) return side->refusal;
  side->sessions += 1;
  *out_session = &side->sessions;
  return 0;
}

/* Turns every byte around. */
static int32_t turn_bytes(struct side *side, void *session, const nd_extension_frame *frame) {
  CHECK(session == &side->sessions);
  CHECK(frame->opcode <= 2 && frame->last <= 1);
  side->frames += 1;
  for (uint32_t i = 0; i < frame->data_length; i++) {
    uint8_t byte = (uint8_t)~frame->data[i];
    CHECK_OK(nd_extension_write(&byte, 1));
    checks_passed -= 1;
  }
  return side->failing;
}

static int32_t encode(void *user, void *session, nd_extension_frame *frame) {
  static const uint8_t zeros[4096];
  struct side *side = user;
  CHECK_EQUAL(frame->reserved_bits, 0);
  frame->reserved_bits = ND_EXTENSION_RSV3;
  if (side->growth != 0)
    return nd_extension_write(zeros, side->growth) == ND_ERROR_NETWORK_PACKET_OVERFLOW ? 0 : 1002;
  return turn_bytes(side, session, frame);
}

static int32_t decode(void *user, void *session, nd_extension_frame *frame) {
  struct side *side = user;
  side->bits_seen |= frame->reserved_bits;
  return turn_bytes(side, session, frame);
}

static void release(void *user, void *session) {
  struct side *side = user;
  CHECK(session == &side->sessions);
  side->released += 1;
}

static nd_extension extension_of(struct side *side) {
  nd_extension extension;
  NEED_OK(nd_extension_init(&extension));
  extension.name = "x-turn";
  extension.offer = "level=1";
  extension.reserved_bits = ND_EXTENSION_RSV3;
  extension.user = side;
  extension.negotiate = negotiate;
  extension.encode = encode;
  extension.decode = decode;
  extension.release = release;
  return extension;
}

static struct pair open_plain(struct side *server, struct side *client, uint32_t flags) {
  nd_interface_settings settings = interface_of(ND_INTERFACE_WEBSOCKET);
  nd_settings deflate = default_settings();
  struct pair pair;
  nd_extension extension;
  settings.dialect = ND_DIALECT_PLAIN;
  deflate.deflate = 1;
  pair = open_pair(&settings, &deflate, &deflate, "127.0.0.1");
  if (server != NULL) {
    extension = extension_of(server);
    NEED_OK(nd_driver_add_extension(pair.server, pair.server_interface, &extension));
  }
  extension = extension_of(client);
  extension.flags = flags;
  NEED_OK(nd_driver_add_extension(pair.client, pair.client_interface, &extension));
  return pair;
}

/* Messages short and long, compressed and not, go through both sides' functions. */
static void exchange(void) {
  static uint8_t message[100000];
  struct side server = {.wanted = "level=1"}, client = {.wanted = "level=2"};
  struct pair pair = open_plain(&server, &client, 0);
  nd_connection outgoing = connect_url(&pair, "/", NULL), incoming;
  const uint32_t lengths[] = {0, 1, 200, 300, 70000, sizeof message};
  char text[128];
  nd_event event;
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
  incoming = next_connection(&pair);
  CHECK_OK(nd_connection_get_text(pair.server, incoming, ND_TEXT_EXTENSIONS, text, sizeof text,
                                  NULL));
  CHECK_TEXT(text, "permessage-deflate; server_no_context_takeover; client_no_context_takeover, "
                   "x-turn; level=2");
  CHECK_OK(nd_connection_get_text(pair.client, outgoing, ND_TEXT_EXTENSIONS, text, sizeof text,
                                  NULL));
  CHECK(strstr(text, "x-turn; level=2") != NULL);
  for (size_t i = 0; i < sizeof message; i++) message[i] = (uint8_t)(i * i >> 7);
  for (size_t i = 0; i < COUNT(lengths); i++) {
    CHECK_OK(nd_driver_send(pair.client, outgoing, 0, message, lengths[i], 0));
    event = next_event(&pair, pair.server);
    CHECK_DATA(event, message, lengths[i]);
    CHECK_OK(nd_driver_send_to_many(pair.server, &incoming, 1, 0, message, lengths[i], 0, NULL,
                                    NULL));
    event = next_event(&pair, pair.client);
    CHECK_DATA(event, message, lengths[i]);
  }
  CHECK_EQUAL(server.frames, 2 * COUNT(lengths));
  CHECK_EQUAL(client.frames, 2 * COUNT(lengths));
  CHECK_EQUAL(server.bits_seen, ND_EXTENSION_RSV3);
  CHECK_EQUAL(client.bits_seen, ND_EXTENSION_RSV3);
  close_pair(&pair);
  CHECK(server.sessions == 1 && server.released == 1);
  CHECK(client.sessions == 1 && client.released == 1);
}

/* A server that declines: the client goes on without, or not, as it says. */
static void declined(void) {
  for (uint32_t required = 0; required <= 1; required++) {
    struct side server = {.refusal = 1}, client = {.wanted = "level=2"};
    struct pair pair = open_plain(&server, &client, required ? ND_EXTENSION_FLAG_REQUIRED : 0);
    nd_event event;
    connect_url(&pair, "/", NULL);
    event = next_event(&pair, pair.client);
    CHECK_EQUAL(event.kind, required ? ND_EVENT_DISCONNECT : ND_EVENT_CONNECT);
    if (required) {
      CHECK_EQUAL(event.reason, ND_DISCONNECT_PROTOCOL_ERROR);
      CHECK_EQUAL(event.close_code, 1010);
      CHECK(next_connection(&pair) != 0);
      event = next_event(&pair, pair.server);
      CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
      CHECK_EQUAL(event.close_code, 1010);
    }
    close_pair(&pair);
    CHECK(client.sessions == 0 && client.released == 0 && server.released == 0);
  }
}

/* A client that does not like the server's answer. */
static void answer_refused(void) {
  struct side server = {.wanted = "level=1"}, client = {.refusal = 4321};
  struct pair pair = open_plain(&server, &client, 0);
  nd_event event;
  connect_url(&pair, "/", NULL);
  event = next_event(&pair, pair.client);
  CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
  CHECK_EQUAL(event.close_code, 4321);
  close_pair(&pair);
  CHECK(server.sessions == 1 && server.released == 1);
}

/* What functions that fail do to their connection. */
static void failures(void) {
  const struct {
    struct side server, client;
    uint16_t code;
  } cases[] = {
      {{.wanted = "level=1", .failing = 1007}, {.wanted = "level=2"}, 1007},
      {{.wanted = "level=1", .failing = 99}, {.wanted = "level=2"}, 1011},
      {{.wanted = "level=1"}, {.wanted = "level=2", .failing = 4000}, 4000},
      {{.wanted = "level=1"}, {.wanted = "level=2", .growth = 2000}, 1009},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct side server = cases[i].server, client = cases[i].client;
    struct pair pair = open_plain(&server, &client, 0);
    int at_client = client.failing != 0 || client.growth != 0;
    nd_connection outgoing = connect_url(&pair, "/", NULL);
    nd_event event;
    CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
    CHECK(next_connection(&pair) != 0);
    CHECK_RESULT(nd_driver_send(pair.client, outgoing, 0, (const uint8_t *)"hi", 2, 0),
                 at_client ? ND_ERROR_NETWORK_STATE_MISMATCH : ND_OK);
    event = next_event(&pair, at_client ? pair.client : pair.server);
    CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
    CHECK_EQUAL(event.reason, cases[i].code == 1009 ? ND_DISCONNECT_MESSAGE_TOO_BIG
                                                    : ND_DISCONNECT_PROTOCOL_ERROR);
    CHECK_EQUAL(event.close_code, cases[i].code);
    event = next_event(&pair, at_client ? pair.server : pair.client);
    CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
    CHECK_EQUAL(event.close_code, cases[i].code);
    close_pair(&pair);
    CHECK(server.released == 1 && client.released == 1);
  }
}

/* Tables that cannot be. */
static void bad_tables(void) {
  struct side side = {.wanted = "level=1"};
  nd_interface_settings websocket = interface_of(ND_INTERFACE_WEBSOCKET);
  nd_interface_settings udp = interface_of(ND_INTERFACE_UDP);
  struct pair pair = open_pair(&websocket, NULL, NULL, "127.0.0.1");
  nd_extension good = extension_of(&side), bad;
  const uint8_t byte = 1;
  uint32_t index = 0;
  static const char *const names[] = {"", "two words", "permessage-deflate", "x;y"};
  static const char *const offers[] = {"a=", "a b", "a;", "a\r\nb", "a,b"};
#define REFUSED(result) \
  CHECK_RESULT(nd_driver_add_extension(pair.server, pair.server_interface, &bad), result)
  for (size_t i = 0; i < COUNT(names); i++) {
    bad = good, bad.name = names[i];
    REFUSED(ND_ERROR_INVALID_ARGUMENT);
  }
  for (size_t i = 0; i < COUNT(offers); i++) {
    bad = good, bad.offer = offers[i];
    REFUSED(ND_ERROR_INVALID_ARGUMENT);
  }
  bad = good, bad.reserved_bits = 8;
  REFUSED(ND_ERROR_INVALID_ARGUMENT);
  bad = good, bad.flags = 2;
  REFUSED(ND_ERROR_INVALID_ARGUMENT);
  bad = good, bad.reserved = 1;
  REFUSED(ND_ERROR_INVALID_ARGUMENT);
  bad = good, bad.name = NULL;
  REFUSED(ND_ERROR_NULL_ARGUMENT);
  bad = good, bad.encode = NULL;
  REFUSED(ND_ERROR_NULL_ARGUMENT);
  bad = good, bad.decode = NULL;
  REFUSED(ND_ERROR_NULL_ARGUMENT);
  bad = good, bad.struct_size -= 1;
  REFUSED(ND_ERROR_STRUCT_SIZE);
  CHECK_RESULT(nd_driver_add_extension(pair.server, pair.server_interface, NULL),
               ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_driver_add_extension(pair.server, 9, &good), ND_ERROR_INVALID_ARGUMENT);
  CHECK_OK(nd_driver_add_interface(pair.server, &udp, &index));
  CHECK_RESULT(nd_driver_add_extension(pair.server, index, &good), ND_ERROR_INVALID_ARGUMENT);
  CHECK_OK(nd_driver_add_extension(pair.server, pair.server_interface, &good));
  bad = good;
  REFUSED(ND_ERROR_INVALID_ARGUMENT); /* the name is taken */
  for (int i = 0; i < 7; i++) {
    char name[] = {'x', (char)('0' + i), '\0'};
    bad = good, bad.name = name;
    REFUSED(ND_OK);
  }
  bad = good, bad.name = "ninth";
  REFUSED(ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_extension_init(NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_extension_write(&byte, 1), ND_ERROR_NETWORK_STATE_MISMATCH);
  CHECK_RESULT(nd_extension_write(NULL, 1), ND_ERROR_NULL_ARGUMENT);
  close_pair(&pair);
}

int main(void) {
  exchange();
  declined();
  answer_refused();
  failures();
  bad_tables();
  return finish();
}
