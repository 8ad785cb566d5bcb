/* chat_server: a room for pages in a browser and for programs, with text, files and whispers.
 *
 *   chat_server --ws PORT [--page FILE] [--peers-max N] [--seconds N]
 *               [--tls-cert FILE --tls-key FILE]   https and wss instead of http and ws; PEM
 *
 * The page (examples/page/chat.html) is served on the same port: open http://HOST:PORT/. The
 * messages are described in that page; clients must offer the sub-protocol "demo-chat".
 * examples/csharp/ChatClient.cs is a client in C#.
 *
 * Who sits at the keys is peer 1, and types:
 *   TEXT                     to everybody         /kick ID [CODE [REASON]]  ends a connection
 *   /to TARGET TEXT          to one, or -ID for everybody but one
 *   /who                     who is here          /refuse on|off            nobody new gets in
 *   /quit                    ends the room with close code 1001
 * First line of output: the port. Then a JSON line for each thing that happens; the last one
 * holds the counters. */
#include "common.h"

#include <poll.h>
#include <unistd.h>

#define DEFAULT_PAGE "examples/page/chat.html"
#define SUB_PROTOCOL "demo-chat"
#define EVENTS_AT_ONCE 64
#define PEERS_MAX 1000
#define NAME_BYTES_MAX 24
#define TEXT_BYTES_MAX 4000 /* of one line that somebody says */
#define LINE_BYTES_MAX (TEXT_BYTES_MAX + 512)
#define FILE_BYTES_MAX (1u << 20)
#define BINARY_HEAD 4u /* i32 target from a client */
#define RELAY_HEAD 8u  /* i32 from, i32 target to a client */
#define NAME_TIMEOUT_US 3000000u
#define SERVER_ID 1
#define EVERYBODY 0

#define CODE_NORMAL 1000
#define CODE_GOING_AWAY 1001
#define CODE_TRY_LATER 1013
#define CODE_KICKED 4000
#define CODE_NO_NAME 4001
#define CODE_TOO_SLOW 4002

struct peer {
  nd_connection connection;
  int32_t id;
  char name[NAME_BYTES_MAX + 1]; /* empty: it has not said its name yet, and is not announced */
  uint64_t name_until_us;
  int too_slow; /* its send queue was full: it goes */
};

struct room {
  nd_driver *driver;
  struct peer peers[PEERS_MAX]; /* [0, count) are in use */
  uint32_t count, peers_max;
  int32_t last_id;
  int refusing, input_ended, quit;
  char input[LINE_BYTES_MAX]; /* what was typed of a line so far */
  size_t input_length;
  uint64_t lines, files;
};

static struct room room; /* too large for a stack */

static struct peer *peer_of(nd_connection connection) {
  for (uint32_t i = 0; i < room.count; i++)
    if (room.peers[i].connection == connection) return &room.peers[i];
  return NULL;
}

static struct peer *peer_with_id(int32_t id) {
  for (uint32_t i = 0; i < room.count; i++)
    if (room.peers[i].id == id && room.peers[i].name[0] != '\0') return &room.peers[i];
  return NULL;
}

/* One JSON line about somebody, with the code and text that belong to it. */
static void log_line(const char *what, int32_t id, int32_t value, const char *text) {
  printf("{\"%s\":%" PRId32 ",\"number\":%" PRId32 ",\"text\":", what, id, value);
  print_json_string(stdout, text);
  printf("}\n");
  fflush(stdout);
}

/* Sends to everybody whom a target of `from` means: 0 all others, ID one, -ID all others but one.
 * Returns how many that were. Who does not read in time is marked, and goes: see drop_the_slow. */
static uint32_t relay(int32_t from, int32_t target, const uint8_t *data, uint32_t length,
                      uint32_t flags) {
  static nd_connection to[PEERS_MAX];
  static struct peer *who[PEERS_MAX];
  static nd_result results[PEERS_MAX];
  uint32_t count = 0;
  for (uint32_t i = 0; i < room.count; i++) {
    struct peer *peer = &room.peers[i];
    if (peer->name[0] == '\0' || peer->id == from) continue;
    if (target > 0 ? peer->id != target : peer->id == -target) continue;
    who[count] = peer;
    to[count++] = peer->connection;
  }
  if (count == 0) return 0;
  require(nd_driver_send_to_many(room.driver, to, count, 0, data, length, flags, results, NULL),
          "nd_driver_send_to_many");
  for (uint32_t i = 0; i < count; i++)
    if (results[i] == ND_ERROR_NETWORK_SEND_QUEUE_FULL) who[i]->too_slow = 1;
  return count;
}

static uint32_t relay_text(int32_t from, int32_t target, const char *text) {
  return relay(from, target, (const uint8_t *)text, (uint32_t)strlen(text), ND_SEND_FLAG_TEXT);
}

/* Sends one line to one peer, whether it has a name or not. */
static void tell(struct peer *peer, const char *text) {
  if (nd_driver_send(room.driver, peer->connection, 0, (const uint8_t *)text,
                     (uint32_t)strlen(text), ND_SEND_FLAG_TEXT) == ND_ERROR_NETWORK_SEND_QUEUE_FULL)
    peer->too_slow = 1;
}

/* Takes a peer out of the room; its connection has ended, or is about to. */
static void remove_peer(struct peer *peer, const char *how, int code, int clean,
                        const char *reason) {
  char line[LINE_BYTES_MAX];
  struct peer gone = *peer;
  *peer = room.peers[--room.count];
  log_line(how, gone.id, code, reason);
  if (gone.name[0] == '\0') return;
  snprintf(line, sizeof line, "leave %" PRId32 " %d %d %s", gone.id, code, clean, reason);
  relay_text(gone.id, EVERYBODY, line);
}

/* One that has ended by itself a moment ago is left alone. */
static void hang_up(nd_connection connection, uint16_t code, const char *reason) {
  nd_driver_close(room.driver, connection, code, (const uint8_t *)reason,
                  (uint32_t)strlen(reason));
}

/* Ends a connection from this side: no event follows, so the others are told here. */
static void dismiss(struct peer *peer, uint16_t code, const char *reason) {
  hang_up(peer->connection, code, reason);
  remove_peer(peer, "dismissed", code, 1, reason);
}

/* Telling the others that somebody goes may fill the queue of the next: until nobody is left. */
static void drop_the_slow(void) {
  uint64_t now = now_us();
  for (uint32_t i = 0; i < room.count;) {
    struct peer *peer = &room.peers[i];
    if (peer->too_slow) {
      dismiss(peer, CODE_TOO_SLOW, "you read too slowly");
      i = 0;
    } else if (peer->name[0] == '\0' && now >= peer->name_until_us) {
      dismiss(peer, CODE_NO_NAME, "no name came in time");
      i = 0;
    } else {
      i++;
    }
  }
}

static void add_peer(nd_connection connection) {
  struct peer *peer = &room.peers[room.count];
  char line[64];
  if (room.refusing || room.count == room.peers_max) {
    hang_up(connection, CODE_TRY_LATER, room.refusing ? "nobody new gets in" : "the room is full");
    return;
  }
  memset(peer, 0, sizeof *peer);
  peer->connection = connection;
  peer->id = room.last_id += 1;
  peer->name_until_us = now_us() + NAME_TIMEOUT_US;
  room.count += 1;
  snprintf(line, sizeof line, "welcome %" PRId32, peer->id);
  tell(peer, line);
}

/* A name has 1 to 24 bytes, and none of them is a control character or a space at an end. */
static int is_name(const char *text) {
  size_t length = strlen(text);
  if (length == 0 || length > NAME_BYTES_MAX) return 0;
  if (text[0] == ' ' || text[length - 1] == ' ') return 0;
  for (const char *at = text; *at != '\0'; at++)
    if ((unsigned char)*at < 0x20 || *at == 0x7f) return 0;
  return 1;
}

/* The first name lets a peer in: it hears who is here, and the others hear of it. */
static void take_name(struct peer *peer, const char *name) {
  char line[64 + NAME_BYTES_MAX];
  int is_new = peer->name[0] == '\0';
  if (!is_name(name)) {
    tell(peer, "error a name has 1 to 24 bytes");
    return;
  }
  if (is_new) {
    for (uint32_t i = 0; i < room.count; i++) {
      if (room.peers[i].name[0] == '\0') continue;
      snprintf(line, sizeof line, "here %" PRId32 " %s", room.peers[i].id, room.peers[i].name);
      tell(peer, line);
    }
  }
  snprintf(peer->name, sizeof peer->name, "%s", name);
  log_line(is_new ? "joined" : "renamed", peer->id, 0, name);
  snprintf(line, sizeof line, "%s %" PRId32 " %s", is_new ? "join" : "name", peer->id, name);
  tell(peer, line);
  relay_text(peer->id, EVERYBODY, line);
}

/* Splits off the number in front of a text; NULL when there is none. */
static const char *take_number(const char *text, int32_t *out) {
  char *end = NULL;
  long long value = strtoll(text, &end, 10);
  if (end == text || (*end != ' ' && *end != '\0')) return NULL;
  if (value <= -INT32_MAX || value >= INT32_MAX || text[0] == ' ') return NULL;
  *out = (int32_t)value;
  return *end == ' ' ? end + 1 : end;
}

/* What somebody says goes to those whom it is for, with the number of who said it. */
static int say(int32_t from, int32_t target, const char *text) {
  char line[LINE_BYTES_MAX];
  snprintf(line, sizeof line, "say %" PRId32 " %" PRId32 " %s", from, target, text);
  room.lines += 1;
  log_line("said", from, target, text);
  return relay_text(from, target, line) > 0 || target <= 0 || target == SERVER_ID;
}

static void take_say(struct peer *peer, const char *rest) {
  int32_t target = 0;
  const char *text = take_number(rest, &target);
  if (text == NULL || *text == '\0' || strlen(text) > TEXT_BYTES_MAX) {
    tell(peer, "error say needs a target and 1 to 4000 bytes");
  } else if (!say(peer->id, target, text)) {
    tell(peer, "error nobody here has that number");
  }
}

static void take_text(struct peer *peer, const uint8_t *data, uint32_t length) {
  char text[LINE_BYTES_MAX];
  if (length >= sizeof text || memchr(data, 0, length) != NULL) {
    tell(peer, "error that line is too long, or holds a NUL");
    return;
  }
  if (length != 0) memcpy(text, data, length);
  text[length] = '\0';
  if (strncmp(text, "name ", 5) == 0) {
    take_name(peer, text + 5);
  } else if (peer->name[0] == '\0') {
    tell(peer, "error say your name first");
  } else if (strncmp(text, "say ", 4) == 0) {
    take_say(peer, text + 4);
  } else {
    tell(peer, "error a line begins with name or say");
  }
}

/* A file: i32 target in front of it becomes i32 from, i32 target. */
static void take_binary(struct peer *peer, const uint8_t *data, uint32_t length) {
  static uint8_t message[RELAY_HEAD + FILE_BYTES_MAX];
  int32_t target;
  if (peer->name[0] == '\0' || length < BINARY_HEAD) {
    tell(peer, "error a file comes after a name, and begins with its target");
    return;
  }
  target = (int32_t)((uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
                     (uint32_t)data[3] << 24);
  if (length - BINARY_HEAD > FILE_BYTES_MAX || target <= -INT32_MAX) {
    tell(peer, "error that file is too large, or for nobody");
    return;
  }
  for (uint32_t i = 0; i < 4; i++) message[i] = (uint8_t)((uint32_t)peer->id >> 8 * i);
  memcpy(message + 4, data, length);
  room.files += 1;
  log_line("sent", peer->id, target, "");
  if (relay(peer->id, target, message, length + 4, 0) == 0 && target > SERVER_ID)
    tell(peer, "error nobody here has that number");
}

static void take_end(struct peer *peer, const nd_event *event) {
  char reason[ERROR_TEXT_MAX] = "";
  uint32_t length = event->data_length < sizeof reason ? event->data_length : 0;
  if (length != 0) memcpy(reason, event->data, length);
  int clean = (event->flags & ND_EVENT_FLAG_CLEAN) != 0;
  remove_peer(peer, clean ? "left" : "lost", event->close_code, clean, reason);
}

static void take_what_came(void) {
  nd_event events[EVENTS_AT_ONCE];
  nd_connection connection = 0;
  uint32_t count = 0;
  while (nd_driver_accept(room.driver, &connection) == ND_OK && connection != 0)
    add_peer(connection);
  do {
    require(nd_driver_pop_events(room.driver, events, EVENTS_AT_ONCE, &count),
            "nd_driver_pop_events");
    for (uint32_t i = 0; i < count; i++) {
      const nd_event *event = &events[i];
      struct peer *peer = peer_of(event->connection);
      if (peer == NULL) continue;
      if (event->kind == ND_EVENT_DISCONNECT) take_end(peer, event);
      else if (event->kind != ND_EVENT_DATA) continue;
      else if (event->flags & ND_EVENT_FLAG_TEXT) take_text(peer, event->data, event->data_length);
      else take_binary(peer, event->data, event->data_length);
    }
  } while (count != 0);
  drop_the_slow();
}

/* "/kick ID [CODE [REASON]]" */
static int kick(const char *rest) {
  int32_t id = 0, code = CODE_KICKED;
  struct peer *peer;
  if ((rest = take_number(rest, &id)) == NULL || (peer = peer_with_id(id)) == NULL) return 0;
  if (*rest != '\0' && (rest = take_number(rest, &code)) == NULL) return 0;
  if ((code != CODE_NORMAL && code < 3000) || code > 4999 || strlen(rest) > 123) return 0;
  dismiss(peer, (uint16_t)code, *rest == '\0' ? "you were asked to leave" : rest);
  return 1;
}

/* What the person at the keys has typed. */
static void take_command(const char *line) {
  int32_t target = 0;
  const char *text;
  if (strcmp(line, "/quit") == 0) {
    room.quit = 1;
  } else if (strcmp(line, "/who") == 0) {
    for (uint32_t i = 0; i < room.count; i++)
      log_line("here", room.peers[i].id, 0, room.peers[i].name);
  } else if (strcmp(line, "/refuse on") == 0 || strcmp(line, "/refuse off") == 0) {
    room.refusing = strcmp(line, "/refuse on") == 0;
    log_line("refusing", SERVER_ID, room.refusing, "");
  } else if (strncmp(line, "/kick ", 6) == 0) {
    if (!kick(line + 6)) fprintf(stderr, "/kick needs the number of somebody who is here\n");
  } else if (strncmp(line, "/to ", 4) == 0) {
    if ((text = take_number(line + 4, &target)) == NULL || !say(SERVER_ID, target, text))
      fprintf(stderr, "/to needs the number of somebody who is here, and a text\n");
  } else if (line[0] == '/') {
    fprintf(stderr, "unknown: %s\n", line);
  } else if (line[0] != '\0') {
    say(SERVER_ID, EVERYBODY, line);
  }
}

/* Reads what is typed without waiting for it. */
static void read_input(void) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  while (!room.input_ended && poll(&input, 1, 0) > 0) {
    size_t room_left = TEXT_BYTES_MAX - room.input_length;
    ssize_t got = read(STDIN_FILENO, room.input + room.input_length, room_left);
    char *end;
    if (got <= 0) {
      room.input_ended = 1;
      return;
    }
    room.input_length += (size_t)got;
    while ((end = memchr(room.input, '\n', room.input_length)) != NULL) {
      size_t size = (size_t)(end - room.input) + 1;
      *end = '\0';
      if (is_utf8((const uint8_t *)room.input, (uint32_t)size - 1)) take_command(room.input);
      else fprintf(stderr, "that was no UTF-8\n");
      memmove(room.input, room.input + size, room.input_length -= size);
    }
    if (room.input_length == TEXT_BYTES_MAX) room.input_length = 0; /* nobody types such a line */
  }
}

static void close_room(void) {
  while (room.count != 0) dismiss(&room.peers[room.count - 1], CODE_GOING_AWAY, "the room closes");
  leave(room.driver);
}

struct options {
  const char *page, *tls_cert, *tls_key;
  int ws;
  uint32_t seconds;
};

static void usage(void) {
  fprintf(stderr, "usage: chat_server --ws PORT [--page FILE] [--peers-max N] [--seconds N]\n"
                  "                   [--tls-cert FILE --tls-key FILE]\n");
  exit(2);
}

static struct options read_options(int argc, char **argv) {
  struct options o = {.page = DEFAULT_PAGE, .ws = -1};
  const char *value;
  for (int i = 1; i < argc; i++) {
    if ((value = option(argc, argv, &i, "--ws"))) o.ws = (int)number(value, 65535, "--ws");
    else if ((value = option(argc, argv, &i, "--page"))) o.page = value;
    else if ((value = option(argc, argv, &i, "--tls-cert"))) o.tls_cert = value;
    else if ((value = option(argc, argv, &i, "--tls-key"))) o.tls_key = value;
    else if ((value = option(argc, argv, &i, "--peers-max")))
      room.peers_max = number(value, PEERS_MAX, "--peers-max");
    else if ((value = option(argc, argv, &i, "--seconds")))
      o.seconds = number(value, UINT32_MAX / 1000, "--seconds");
    else usage();
  }
  if (o.ws < 0 || room.peers_max == 0) usage();
  if ((o.tls_cert == NULL) != (o.tls_key == NULL)) usage();
  return o;
}

static void secure(uint32_t index, const struct options *o) {
  nd_tls_server tls;
  nd_tls_identity identity = read_identity(o->tls_cert, o->tls_key);
  require(nd_tls_server_init(&tls), "nd_tls_server_init");
  tls.identities = &identity;
  tls.identity_count = 1;
  require(nd_driver_set_tls_server(room.driver, index, &tls), "nd_driver_set_tls_server");
  free((void *)identity.certificate);
  free((void *)identity.key);
}

static int serve(const struct options *o) {
  nd_interface_settings websocket;
  nd_settings settings;
  uint32_t index = 0;
  require(nd_settings_init(&settings), "nd_settings_init");
  settings.websocket_message_size_max = RELAY_HEAD + FILE_BYTES_MAX;
  settings.sub_protocol_rule = ND_SUB_PROTOCOL_STRICT; /* others get 400, not a connection */
  require(nd_driver_create(&settings, &room.driver), "nd_driver_create");
  require(nd_interface_settings_init(&websocket, ND_INTERFACE_WEBSOCKET),
          "nd_interface_settings_init");
  websocket.dialect = ND_DIALECT_PLAIN;
  websocket.sub_protocols = SUB_PROTOCOL;
  require(nd_driver_add_interface(room.driver, &websocket, &index), "nd_driver_add_interface");
  serve_page(room.driver, index, o->page);
  if (o->tls_cert != NULL) secure(index, o);
  return bind_port(room.driver, index, (uint16_t)o->ws, 0);
}

int main(int argc, char **argv) {
  room.last_id = SERVER_ID;
  room.peers_max = PEERS_MAX;
  struct options o = read_options(argc, argv);
  require_library();
  stop_on_signals();
  int ws = serve(&o);
  require(nd_driver_listen(room.driver), "nd_driver_listen");
  print_listening(-1, ws);

  uint64_t end = o.seconds == 0 ? UINT64_MAX : now_us() + (uint64_t)o.seconds * 1000000u;
  while (!stop_requested && !room.quit && now_us() < end) {
    keep_running(nd_driver_wait(room.driver, WAIT_MS_MAX, NULL), "nd_driver_wait");
    keep_running(nd_driver_update(room.driver), "nd_driver_update");
    take_what_came();
    read_input();
    drop_the_slow();
    keep_running(nd_driver_flush(room.driver), "nd_driver_flush");
  }
  close_room();
  printf("{\"final\":true,\"lines\":%" PRIu64 ",\"files\":%" PRIu64 ",", room.lines, room.files);
  print_statistics(room.driver);
  printf("}\n");
  require(nd_driver_destroy(room.driver), "nd_driver_destroy");
  return 0;
}
