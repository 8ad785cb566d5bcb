/* Runs a scenario script against the C ABI; see tests/scenario/README.md.
 * Must stay the same interpreter as scenario.rs and Scenario.cs: one command, one call. */

#include <netdriver.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  FRAME_TIME_MS = 10, /* of one update when the script does not say otherwise */
  AWAIT_ROUNDS = 5000, /* of a millisecond: how long await waits at most */
  HEX_BYTES_MAX = 32, /* up to so many bytes print as digits, more as a hash */
  LINE_MAX_BYTES = 512,
  WORDS_MAX = 16,
  ACTORS_MAX = 16,
  CONNECTIONS_MAX = 64,
  SENDS_MAX = 64,
  BYTES_MAX = 65536
};

struct open_send {
  char name[32];
  nd_send send;
};

struct actor {
  char name[32];
  uint32_t kind;
  nd_driver *driver;
  nd_connection connections[CONNECTIONS_MAX];
  uint32_t connection_count;
  struct open_send sends[SENDS_MAX];
  uint32_t send_count;
};

struct bytes {
  uint8_t data[BYTES_MAX];
  uint32_t length;
};

static struct actor actors[ACTORS_MAX];
static uint32_t actor_count;
static struct bytes scratch;
/* The ports that the system chose for those of the script, over TCP. */
static uint16_t ports[65536];
static const char *script_name = "";
static unsigned script_line;

static void give_up(const char *why, const char *word) {
  fflush(stdout);
  fprintf(stderr, "%s:%u: %s: %s\n", script_name, script_line, why, word);
  exit(2);
}

static long number(const char *word) {
  char *end;
  long value = strtol(word, &end, 10);
  if (end == word || *end != '\0') give_up("not a number", word);
  return value;
}

static void copy_name(char target[32], const char *name) {
  if (strlen(name) >= 32) give_up("too long a name", name);
  strcpy(target, name);
}

static struct actor *find(const char *name) {
  for (uint32_t i = 0; i < actor_count; i++)
    if (strcmp(actors[i].name, name) == 0) return &actors[i];
  give_up("no such driver", name);
  return NULL;
}

static void keep(struct actor *actor, nd_connection connection) {
  if (actor->connection_count == CONNECTIONS_MAX) give_up("too many connections", actor->name);
  actor->connections[actor->connection_count++] = connection;
}

static nd_connection connection_of(const struct actor *actor, const char *word) {
  if (strcmp(word, "none") == 0) return 0;
  long index = number(word);
  if (index < 0 || index >= (long)actor->connection_count) give_up("no such connection", word);
  return actor->connections[index];
}

static struct open_send *send_of(struct actor *actor, const char *word) {
  for (uint32_t i = 0; i < actor->send_count; i++)
    if (strcmp(actor->sends[i].name, word) == 0) return &actor->sends[i];
  give_up("no such send", word);
  return NULL;
}

static const struct bytes *parse_bytes(const char *word) {
  size_t length = strlen(word);
  scratch.length = 0;
  if (strcmp(word, "-") == 0) return &scratch;
  if (word[0] == '"' && length >= 2 && word[length - 1] == '"') {
    scratch.length = (uint32_t)length - 2;
    memcpy(scratch.data, word + 1, scratch.length);
  } else if (strncmp(word, "ramp:", 5) == 0) {
    long count = number(word + 5);
    if (count < 0 || count > BYTES_MAX) give_up("too many bytes", word);
    scratch.length = (uint32_t)count;
    for (uint32_t i = 0; i < scratch.length; i++) scratch.data[i] = (uint8_t)(7 * i + i / 256);
  } else if (strncmp(word, "hex:", 4) == 0 && length % 2 == 0) {
    for (const char *pair = word + 4; *pair != '\0'; pair += 2) {
      unsigned byte;
      if (sscanf(pair, "%2x", &byte) != 1) give_up("not hex digits", word);
      scratch.data[scratch.length++] = (uint8_t)byte;
    }
  } else {
    give_up("no BYTES", word);
  }
  return &scratch;
}

static void print_bytes(const uint8_t *data, uint32_t length) {
  uint32_t hash = 0x811c9dc5u;
  if (length == 0) {
    printf("-\n");
  } else if (length <= HEX_BYTES_MAX) {
    for (uint32_t i = 0; i < length; i++) printf("%02x", data[i]);
    printf("\n");
  } else {
    for (uint32_t i = 0; i < length; i++) hash = (hash ^ data[i]) * 0x01000193u;
    printf("%u bytes #%08x\n", (unsigned)length, (unsigned)hash);
  }
}

static void print_result(nd_result result) {
  if (result == ND_OK)
    printf("ok\n");
  else
    printf("error %d\n", (int)result);
}

static void apply_setting(nd_settings *settings, char *pair) {
  char *equals = strchr(pair, '=');
  if (equals == NULL) give_up("no = in a setting", pair);
  *equals = '\0';
  int32_t value = (int32_t)number(equals + 1);
  if (strcmp(pair, "connect_timeout_ms") == 0) settings->connect_timeout_ms = value;
  else if (strcmp(pair, "max_connect_attempts") == 0) settings->max_connect_attempts = value;
  else if (strcmp(pair, "disconnect_timeout_ms") == 0) settings->disconnect_timeout_ms = value;
  else if (strcmp(pair, "heartbeat_timeout_ms") == 0) settings->heartbeat_timeout_ms = value;
  else if (strcmp(pair, "fixed_frame_time_ms") == 0) settings->fixed_frame_time_ms = value;
  else if (strcmp(pair, "receive_queue_capacity") == 0) settings->receive_queue_capacity = value;
  else if (strcmp(pair, "send_queue_capacity") == 0) settings->send_queue_capacity = value;
  else if (strcmp(pair, "max_message_size") == 0) settings->max_message_size = value;
  else if (strcmp(pair, "connections_max") == 0) settings->connections_max = (uint32_t)value;
  else if (strcmp(pair, "writable_events") == 0)
    settings->optional_events = value != 0 ? ND_OPTIONAL_EVENT_WRITABLE : 0;
  else if (strcmp(pair, "session") == 0) settings->session = value;
  else give_up("unknown setting", pair);
}

static void create(char **words, int count) {
  nd_settings settings;
  nd_interface_settings interface;
  uint32_t index, kind = ND_INTERFACE_IPC;
  if (strcmp(words[2], "tcp") == 0) kind = ND_INTERFACE_TCP;
  else if (strcmp(words[2], "ipc") != 0) give_up("unknown interface", words[2]);
  if (actor_count == ACTORS_MAX) give_up("too many drivers", words[1]);
  nd_settings_init(&settings);
  settings.fixed_frame_time_ms = FRAME_TIME_MS;
  for (int i = 3; i < count; i++) apply_setting(&settings, words[i]);

  struct actor *actor = &actors[actor_count];
  memset(actor, 0, sizeof *actor);
  copy_name(actor->name, words[1]);
  nd_result result = nd_driver_create(&settings, &actor->driver);
  if (result == ND_OK) {
    actor->kind = kind;
    nd_interface_settings_init(&interface, kind);
    result = nd_driver_add_interface(actor->driver, &interface, &index);
    if (result != ND_OK) nd_driver_destroy(actor->driver);
  }
  if (result == ND_OK) actor_count++;
  printf("%s driver ", words[1]);
  print_result(result);
}

static void destroy(struct actor *actor) {
  nd_result result = nd_driver_destroy(actor->driver);
  if (result != ND_OK) give_up("the driver cannot be destroyed", actor->name);
  printf("%s destroy\n", actor->name);
  *actor = actors[--actor_count];
}

static void loopback(const char *port, nd_endpoint *endpoint) {
  uint16_t wanted = (uint16_t)number(port);
  if (ports[wanted] != 0) wanted = ports[wanted];
  nd_result result = nd_endpoint_parse("127.0.0.1", wanted, ND_FAMILY_IPV4, endpoint);
  if (result != ND_OK) give_up("not a port", port);
}

/* Over TCP the system chooses the port, so that scripts do not meet. */
static nd_result bind_port(struct actor *actor, const char *port) {
  nd_endpoint endpoint;
  uint32_t binding;
  loopback(port, &endpoint);
  if (actor->kind != ND_INTERFACE_IPC) endpoint.port = 0;
  nd_result result = nd_driver_bind(actor->driver, 0, &endpoint, &binding);
  if (result != ND_OK || actor->kind == ND_INTERFACE_IPC) return result;
  result = nd_driver_get_local_endpoint(actor->driver, 0, binding, &endpoint);
  if (result == ND_OK) ports[(uint16_t)number(port)] = endpoint.port;
  return result;
}

static void update(struct actor *actor) {
  nd_result result = nd_driver_update(actor->driver);
  if (result != ND_OK) printf("%s update error %d\n", actor->name, (int)result);
}

static void connect_to(struct actor *actor, const char *port, const char *word) {
  nd_endpoint endpoint;
  nd_connection connection;
  const struct bytes *payload = parse_bytes(word);
  loopback(port, &endpoint);
  nd_result result = nd_driver_connect(actor->driver, 0, &endpoint, payload->data,
                                       payload->length, &connection);
  if (result != ND_OK) {
    printf("%s connect failed\n", actor->name);
    return;
  }
  printf("%s connect %u\n", actor->name, (unsigned)actor->connection_count);
  keep(actor, connection);
}

static void accept_next(struct actor *actor) {
  nd_connection connection = 0;
  nd_result result = nd_driver_accept(actor->driver, &connection);
  if (result != ND_OK) give_up("accept failed", actor->name);
  if (connection == 0) {
    printf("%s accept none\n", actor->name);
    return;
  }
  result = nd_connection_get_connect_payload(actor->driver, connection, scratch.data, BYTES_MAX,
                                             &scratch.length);
  if (result != ND_OK) give_up("no connect payload", actor->name);
  printf("%s accept %u ", actor->name, (unsigned)actor->connection_count);
  print_bytes(scratch.data, scratch.length);
  keep(actor, connection);
}

static void begin(struct actor *actor, const char *conn, const char *name, const char *size) {
  nd_send send;
  nd_result result = nd_driver_begin_send(actor->driver, connection_of(actor, conn), 0,
                                          (uint32_t)number(size), &send);
  if (result != ND_OK) {
    printf("%s begin %s error %d\n", actor->name, name, (int)result);
    return;
  }
  if (actor->send_count == SENDS_MAX) give_up("too many sends", name);
  copy_name(actor->sends[actor->send_count].name, name);
  actor->sends[actor->send_count++].send = send;
  printf("%s begin %s room %u\n", actor->name, name, (unsigned)send.capacity);
}

static void end(struct actor *actor, const char *name, const char *word) {
  struct open_send *open = send_of(actor, name);
  const struct bytes *bytes = parse_bytes(word);
  /* The memory is the library's again once the send is over: write before the first end only. */
  if (open->send.data != NULL && bytes->length <= open->send.capacity)
    memcpy(open->send.data, bytes->data, bytes->length);
  open->send.data = NULL;
  nd_result result = nd_driver_end_send(actor->driver, &open->send, bytes->length, 0);
  printf("%s end %s ", actor->name, name);
  print_result(result);
}

static void print_event(const struct actor *actor, const nd_event *event) {
  uint32_t conn = 0;
  if (event->kind == ND_EVENT_EMPTY) {
    printf("%s event none\n", actor->name);
    return;
  }
  while (conn < actor->connection_count && actor->connections[conn] != event->connection) conn++;
  if (conn == actor->connection_count) give_up("event of an unknown connection", actor->name);
  switch (event->kind) {
    case ND_EVENT_CONNECT:
      printf("%s event connect %u ", actor->name, (unsigned)conn);
      print_bytes(event->data, event->data_length);
      break;
    case ND_EVENT_DATA:
      printf("%s event data %u ", actor->name, (unsigned)conn);
      if (event->pipeline != 0) printf("through %u ", (unsigned)event->pipeline);
      print_bytes(event->data, event->data_length);
      break;
    case ND_EVENT_DISCONNECT:
      printf("%s event disconnect %u reason %u\n", actor->name, (unsigned)conn,
             (unsigned)event->reason);
      break;
    case ND_EVENT_WRITABLE:
      printf("%s event writable %u\n", actor->name, (unsigned)conn);
      break;
    default:
      give_up("unknown event", actor->name);
  }
}

static void drain(struct actor *actor) {
  nd_event event;
  int first = 1;
  for (;;) {
    nd_result result = nd_driver_pop_event(actor->driver, &event);
    if (result != ND_OK) give_up("pop failed", actor->name);
    if (event.kind == ND_EVENT_EMPTY && !first) return;
    print_event(actor, &event);
    if (event.kind == ND_EVENT_EMPTY) return;
    first = 0;
  }
}

static void pop(struct actor *actor, const char *conn) {
  nd_event event;
  nd_result result =
      conn == NULL ? nd_driver_pop_event(actor->driver, &event)
                   : nd_driver_pop_event_for_connection(actor->driver,
                                                        connection_of(actor, conn), &event);
  if (result != ND_OK) give_up("pop failed", actor->name);
  print_event(actor, &event);
}

static void print_state(struct actor *actor, const char *conn) {
  int32_t state = -1;
  nd_result result =
      nd_connection_get_state(actor->driver, connection_of(actor, conn), &state);
  if (result != ND_OK) give_up("no state", actor->name);
  printf("%s state %s %s\n", actor->name, conn,
         state == ND_STATE_CONNECTED      ? "connected"
         : state == ND_STATE_CONNECTING   ? "connecting"
         : state == ND_STATE_DISCONNECTED ? "disconnected"
                                          : "unknown");
}

static void print_counters(struct actor *actor) {
  nd_driver_statistics s;
  nd_driver_statistics_init(&s);
  if (nd_driver_get_statistics(actor->driver, &s) != ND_OK) give_up("no counters", actor->name);
  printf("%s counters now %u come %lu made %lu in %lu out %lu dropped %lu refused %lu\n",
         actor->name, (unsigned)s.connections, (unsigned long)s.connections_incoming,
         (unsigned long)s.connections_outgoing, (unsigned long)s.messages_in,
         (unsigned long)s.messages_out, (unsigned long)s.dropped_in,
         (unsigned long)s.refused_out);
}

static void print_room(struct actor *actor, const char *conn) {
  uint32_t size = 0;
  nd_result result = nd_connection_get_payload_size_max(
      actor->driver, connection_of(actor, conn), 0, &size);
  if (result == ND_OK)
    printf("%s room %s %u\n", actor->name, conn, (unsigned)size);
  else
    printf("%s room %s error %d\n", actor->name, conn, (int)result);
}

static void print_waiting(struct actor *actor, const char *conn) {
  uint32_t count = 0;
  nd_result result =
      nd_driver_get_event_count(actor->driver, connection_of(actor, conn), &count);
  if (result != ND_OK) give_up("no event count", actor->name);
  printf("%s waiting %s %u\n", actor->name, conn, (unsigned)count);
}

#include "pipelines.h"

/* Prints the beginning of a result line. */
static void tell(const struct actor *actor, const char *command, const char *object) {
  printf("%s %s ", actor->name, command);
  if (object != NULL) printf("%s ", object);
}

static int is(char **words, int count, const char *command, int wanted) {
  return count == wanted && strcmp(words[0], command) == 0;
}

/* Commands that change something. Returns 0 when the command is none of them. */
static int command(struct actor *actor, char **words, int count) {
  const struct bytes *bytes;
  nd_result result;
  if (is(words, count, "bind", 3)) {
    result = bind_port(actor, words[2]);
    tell(actor, "bind", NULL);
    print_result(result);
  } else if (is(words, count, "listen", 2)) {
    result = nd_driver_listen(actor->driver);
    tell(actor, "listen", NULL);
    print_result(result);
  } else if (is(words, count, "accept_payload", 3)) {
    bytes = parse_bytes(words[2]);
    result = nd_driver_set_accept_payload(actor->driver, bytes->data, bytes->length);
    tell(actor, "accept_payload", NULL);
    print_result(result);
  } else if (is(words, count, "connect", 4)) {
    connect_to(actor, words[2], words[3]);
  } else if (is(words, count, "accept", 2)) {
    accept_next(actor);
  } else if (is(words, count, "disconnect", 3)) {
    result = nd_driver_disconnect(actor->driver, connection_of(actor, words[2]));
    tell(actor, "disconnect", words[2]);
    print_result(result);
  } else if (is(words, count, "send", 4)) {
    bytes = parse_bytes(words[3]);
    result = nd_driver_send(actor->driver, connection_of(actor, words[2]), 0, bytes->data,
                            bytes->length, 0);
    tell(actor, "send", words[2]);
    print_result(result);
  } else if (is(words, count, "pipeline", 3)) {
    make_pipeline(actor, words[2]);
  } else if (is(words, count, "through", 5)) {
    bytes = parse_bytes(words[4]);
    result = nd_driver_send(actor->driver, connection_of(actor, words[3]),
                            (uint8_t)number(words[2]), bytes->data, bytes->length, 0);
    tell(actor, "through", words[2]);
    printf("%s ", words[3]);
    print_result(result);
  } else if (is(words, count, "begin", 5)) {
    begin(actor, words[2], words[3], words[4]);
  } else if (is(words, count, "end", 4)) {
    end(actor, words[2], words[3]);
  } else if (is(words, count, "abort", 3)) {
    result = nd_driver_abort_send(actor->driver, &send_of(actor, words[2])->send);
    tell(actor, "abort", words[2]);
    print_result(result);
  } else {
    return 0;
  }
  return 1;
}

/* The other commands of a driver. */
static void question(struct actor *actor, char **words, int count) {
  if (is(words, count, "update", 2)) {
    update(actor);
  } else if (is(words, count, "flush", 2)) {
    nd_result result = nd_driver_flush(actor->driver);
    if (result != ND_OK) printf("%s flush error %d\n", actor->name, (int)result);
  } else if (is(words, count, "pop", 2)) {
    pop(actor, NULL);
  } else if (is(words, count, "pop", 3)) {
    pop(actor, words[2]);
  } else if (is(words, count, "drain", 2)) {
    drain(actor);
  } else if (is(words, count, "state", 3)) {
    print_state(actor, words[2]);
  } else if (is(words, count, "waiting", 3)) {
    print_waiting(actor, words[2]);
  } else if (is(words, count, "room", 3)) {
    print_room(actor, words[2]);
  } else if (is(words, count, "room", 4)) {
    print_room_through(actor, words[2], words[3]);
  } else if (is(words, count, "resent", 4)) {
    print_resent(actor, words[2], words[3]);
  } else if (is(words, count, "counters", 2)) {
    print_counters(actor);
  } else if (is(words, count, "destroy", 2)) {
    destroy(actor);
  } else {
    give_up("unknown command", words[0]);
  }
}

/* Cuts a line into words; a text in quotes keeps its quotes and its spaces. */
static int split(char *line, char **words) {
  int count = 0;
  char *at = line;
  while (*at == ' ') at++;
  while (*at != '\0') {
    char *stop = at;
    if (count == WORDS_MAX) give_up("too many words", line);
    words[count++] = at;
    if (*at == '"') {
      stop = strchr(at + 1, '"');
      if (stop == NULL) give_up("a quote is not closed", at);
      stop++;
    } else {
      while (*stop != ' ' && *stop != '\0') stop++;
    }
    at = stop;
    while (*at == ' ') at++;
    *stop = '\0';
  }
  return count;
}

/* Lets the drivers work, without moving their clocks, until the first has something to show. */
static void await_news(char **words, int count) {
  for (int round = 0; round < AWAIT_ROUNDS; round++) {
    uint32_t ready = 0;
    for (int other = 2; other < count; other++) nd_driver_wait(find(words[other])->driver, 0, NULL);
    if (nd_driver_wait(find(words[1])->driver, 1, &ready) != ND_OK) break;
    if (ready) return;
  }
  printf("%s await failed\n", words[1]);
}

static void run_line(const char *line) {
  char copy[LINE_MAX_BYTES];
  char *words[WORDS_MAX];
  char command_word[8] = "";
  long times = 0;
  int used = 0;
  if (strncmp(line, "say ", 4) == 0) {
    printf("-- %s\n", line + 4);
    return;
  }
  if (sscanf(line, "%7s %ld %n", command_word, &times, &used) == 2 && used > 0 &&
      strcmp(command_word, "repeat") == 0) {
    for (long i = 0; i < times; i++) run_line(line + used);
    return;
  }
  strcpy(copy, line);
  int count = split(copy, words);
  if (count < 2) give_up("unknown command", line);
  if (strcmp(words[0], "run") == 0) {
    long turns = number(words[1]);
    for (long i = 0; i < turns; i++)
      for (int name = 2; name < count; name++) update(find(words[name]));
  } else if (strcmp(words[0], "await") == 0) {
    await_news(words, count);
  } else if (strcmp(words[0], "driver") == 0 && count >= 3) {
    create(words, count);
  } else if (!command(find(words[1]), words, count)) {
    question(find(words[1]), words, count);
  }
}

int main(int argument_count, char **arguments) {
  char line[LINE_MAX_BYTES];
  if (argument_count != 2) {
    fprintf(stderr, "usage: scenario FILE.txt\n");
    return 2;
  }
  script_name = arguments[1];
  FILE *script = fopen(script_name, "r");
  if (script == NULL) {
    perror(script_name);
    return 2;
  }
  while (fgets(line, sizeof line, script) != NULL) {
    script_line++;
    line[strcspn(line, "\r\n")] = '\0';
    const char *start = line + strspn(line, " ");
    if (*start != '\0' && *start != '#') run_line(start);
  }
  fclose(script);
  for (uint32_t i = 0; i < actor_count; i++) nd_driver_destroy(actors[i].driver);
  return 0;
}
