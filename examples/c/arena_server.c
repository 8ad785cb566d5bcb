/* arena_server: a small game for UDP clients, WebSocket clients and browsers at once.
 *
 *   arena_server --udp PORT --ws PORT [--page FILE] [--seconds N] [--status]
 *
 * Everybody is a dot in one arena. The page (examples/page/arena.html) is served on the WebSocket
 * port: open http://HOST:WSPORT/. The messages are described in that page and in arena.h.
 * First line of output: the ports. With --status a JSON line a second. Last line: who was here.
 *
 * One driver, one loop: sleep until something comes or the next tick is due, take what came, tell
 * everybody. Nothing below asks by which way a player is connected, except to show it. */
#include "common.h"

#include "arena.h"

#define DEFAULT_PAGE "examples/page/arena.html"
#define PLAYERS_MAX 1000
#define EVENTS_AT_ONCE 64
#define TICK_US 50000u /* 20 snapshots a second */
#define TICKS_A_SECOND 20
#define NAMES_A_SECOND 16  /* names told again, because a datagram may have been lost */
#define VISITS_MAX 4096    /* who was here: remembered for the last line */
#define CODE_GOING_AWAY 1001
#define CODE_TRY_LATER 1013

/* What the last line tells of somebody who joined. */
struct visit {
  char name[ARENA_NAME_MAX + 1];
  const char *interface, *dialect;
  int moved, saw_others, left_clean;
};

struct player {
  nd_connection connection;
  uint32_t id;
  uint32_t ping_stamp;  /* of the ping that was not answered yet */
  int ping_waits;
  int64_t round_trip_us; /* -1: not measured yet */
  int16_t x, y;
  int joined;            /* in the arena now */
  uint8_t kind;          /* as ARENA_NAME tells it */
  struct visit visit;
};

struct arena {
  nd_driver *driver;
  struct player players[PLAYERS_MAX]; /* connections; [0, count) are in use */
  uint32_t count;
  uint32_t next_id;
  uint32_t next_name; /* whose name is told again next */
  uint64_t clients_total, malformed;
  struct visit visits[VISITS_MAX];
  uint32_t visit_count;
};

static struct arena arena; /* too large for a stack */

static struct player *player_of(nd_connection connection) {
  for (uint32_t i = 0; i < arena.count; i++)
    if (arena.players[i].connection == connection) return &arena.players[i];
  return NULL;
}

/* A message that does not fit into the send queue is left away: snapshots, names and pings come
 * again, and a client forgets who is in no snapshot. Data that must arrive would be kept and sent
 * again after a Writable event, as echo_server does. */
static void tell(const struct player *player, const uint8_t *message, uint32_t length) {
  nd_driver_send(arena.driver, player->connection, 0, message, length, 0);
}

/* Sends one message to everybody in the arena; with `as_snapshot` notes who got to see others. */
static void tell_all(const uint8_t *message, uint32_t length, int as_snapshot) {
  static nd_connection to[PLAYERS_MAX];
  static struct player *who[PLAYERS_MAX];
  static nd_result results[PLAYERS_MAX];
  uint32_t count = 0;
  for (uint32_t i = 0; i < arena.count; i++) {
    if (!arena.players[i].joined) continue;
    who[count] = &arena.players[i];
    to[count++] = arena.players[i].connection;
  }
  if (count == 0) return;
  require(nd_driver_send_to_many(arena.driver, to, count, 0, message, length, 0, results, NULL),
          "nd_driver_send_to_many");
  for (uint32_t i = 0; as_snapshot && count > 1 && i < count; i++)
    if (results[i] == ND_OK) who[i]->visit.saw_others = 1;
}

static uint32_t write_name(uint8_t *message, const struct player *player) {
  uint8_t length = (uint8_t)strlen(player->visit.name);
  message[0] = ARENA_NAME;
  write_u32(message + 1, player->id);
  message[5] = player->kind;
  message[6] = length;
  memcpy(message + 7, player->visit.name, length);
  return ARENA_NAME_SIZE(length);
}

static void ping(struct player *player) {
  uint8_t message[ARENA_PING_SIZE] = {ARENA_PING};
  player->ping_stamp = (uint32_t)now_us();
  player->ping_waits = 1;
  write_u32(message + 1, player->ping_stamp);
  tell(player, message, sizeof message);
}

static void welcome(struct player *player) {
  uint8_t message[ARENA_NAME_SIZE(ARENA_NAME_MAX)];
  message[0] = ARENA_WELCOME;
  write_u32(message + 1, player->id);
  write_u16(message + 5, ARENA_WIDTH);
  write_u16(message + 7, ARENA_HEIGHT);
  tell(player, message, ARENA_WELCOME_SIZE);
  for (uint32_t i = 0; i < arena.count; i++)
    if (arena.players[i].joined)
      tell(player, message, write_name(message, &arena.players[i]));
}

static void join(struct player *player, const uint8_t *name, uint8_t length) {
  uint8_t message[ARENA_NAME_SIZE(ARENA_NAME_MAX)];
  if (player->joined) { /* its welcome was lost: say it again */
    welcome(player);
    return;
  }
  memcpy(player->visit.name, name, length);
  player->visit.name[length] = '\0';
  player->id = ++arena.next_id;
  player->x = (int16_t)(100 + player->id * 379 % (ARENA_WIDTH - 200)); /* spread out */
  player->y = (int16_t)(100 + player->id * 257 % (ARENA_HEIGHT - 200));
  welcome(player);
  ping(player); /* do not let it wait a second for its round trip */
  player->joined = 1;
  tell_all(message, write_name(message, player), 0);
}

static void remember(const struct visit *visit) {
  if (arena.visit_count < VISITS_MAX) arena.visits[arena.visit_count++] = *visit;
}

/* Takes a player out of the arena; the connection may stay for a moment. */
static void part(struct player *player, int clean) {
  uint8_t message[ARENA_GONE_SIZE] = {ARENA_GONE};
  if (!player->joined) return;
  player->joined = 0;
  player->visit.left_clean = clean;
  remember(&player->visit);
  write_u32(message + 1, player->id);
  tell_all(message, sizeof message, 0);
}

static void move(struct player *player, int16_t x, int16_t y) {
  if (x != player->x || y != player->y) player->visit.moved = 1;
  player->x = x;
  player->y = y;
}

static void take_answer(struct player *player) {
  uint8_t message[ARENA_ROUND_TRIP_SIZE] = {ARENA_ROUND_TRIP};
  uint32_t round_trip = (uint32_t)now_us() - player->ping_stamp;
  player->ping_waits = 0;
  player->round_trip_us = round_trip;
  write_u32(message + 1, round_trip);
  tell(player, message, sizeof message);
}

/* Takes one message; returns 0 when it is malformed or out of place. */
static int take(struct player *player, const uint8_t *data, uint32_t length) {
  if (length == 0) return 0;
  if (data[0] == ARENA_JOIN) {
    if (length < 2 || length != ARENA_JOIN_SIZE(data[1]) || !is_name(data + 2, data[1])) return 0;
    join(player, data + 2, data[1]);
    return 1;
  }
  if (!player->joined) return 0;
  if (data[0] == ARENA_MOVE && length == ARENA_MOVE_SIZE) {
    int16_t x = read_i16(data + 1), y = read_i16(data + 3);
    if (x < 0 || y < 0 || x > ARENA_WIDTH || y > ARENA_HEIGHT) return 0;
    move(player, x, y);
    return 1;
  }
  if (data[0] == ARENA_PING && length == ARENA_PING_SIZE) {
    if (!player->ping_waits || read_u32(data + 1) != player->ping_stamp) return 0;
    take_answer(player);
    return 1;
  }
  if (data[0] != ARENA_LEAVE || length != ARENA_LEAVE_SIZE) return 0;
  part(player, 1);
  return 1;
}

static void remove_player(struct player *player, int clean) {
  part(player, clean);
  *player = arena.players[--arena.count];
}

static void add_player(nd_connection connection) {
  static const uint8_t full[] = "the arena is full";
  struct player *player = &arena.players[arena.count];
  nd_connection_info info;
  arena.clients_total += 1;
  if (arena.count == PLAYERS_MAX) {
    nd_driver_close(arena.driver, connection, CODE_TRY_LATER, full, sizeof full - 1);
    return;
  }
  require(nd_connection_info_init(&info), "nd_connection_info_init");
  if (nd_connection_get_info(arena.driver, connection, &info) != ND_OK) return;
  memset(player, 0, sizeof *player);
  player->connection = connection;
  player->round_trip_us = -1;
  player->kind = info.interface_kind == ND_INTERFACE_UDP   ? 0
                 : info.interface_kind == ND_INTERFACE_IPC ? 3
                 : info.dialect == ND_DIALECT_UTP          ? 1
                                                           : 2;
  player->visit.interface = player->kind == 0 ? "udp" : player->kind == 3 ? "ipc" : "ws";
  player->visit.dialect = info.dialect == ND_DIALECT_UTP ? "utp" : "plain";
  arena.count += 1;
}

static void take_what_came(void) {
  nd_event events[EVENTS_AT_ONCE];
  nd_connection connection = 0;
  uint32_t count = 0;
  while (nd_driver_accept(arena.driver, &connection) == ND_OK && connection != 0)
    add_player(connection);
  do {
    require(nd_driver_pop_events(arena.driver, events, EVENTS_AT_ONCE, &count),
            "nd_driver_pop_events");
    for (uint32_t i = 0; i < count; i++) {
      struct player *player = player_of(events[i].connection);
      if (player == NULL) continue;
      if (events[i].kind == ND_EVENT_DISCONNECT)
        remove_player(player, (events[i].flags & ND_EVENT_FLAG_CLEAN) != 0);
      if (events[i].kind == ND_EVENT_DATA && !take(player, events[i].data, events[i].data_length))
        arena.malformed += 1;
    }
  } while (count != 0);
}

static void send_snapshots(void) {
  uint8_t message[ARENA_SNAPSHOT_HEAD + ARENA_SNAPSHOT_ENTRIES_MAX * ARENA_SNAPSHOT_ENTRY];
  uint32_t entries = 0;
  message[0] = ARENA_SNAPSHOT;
  for (uint32_t i = 0; i <= arena.count; i++) {
    if (i < arena.count && arena.players[i].joined) {
      uint8_t *at = message + ARENA_SNAPSHOT_HEAD + entries++ * ARENA_SNAPSHOT_ENTRY;
      write_u32(at, arena.players[i].id);
      write_u16(at + 4, (uint16_t)arena.players[i].x);
      write_u16(at + 6, (uint16_t)arena.players[i].y);
    }
    if (entries == ARENA_SNAPSHOT_ENTRIES_MAX || (i == arena.count && entries != 0)) {
      write_u16(message + 1, (uint16_t)entries);
      tell_all(message, ARENA_SNAPSHOT_HEAD + entries * ARENA_SNAPSHOT_ENTRY, 1);
      entries = 0;
    }
  }
}

/* Once a second: measures the round trips, and tells some names again. */
static void ping_and_name(void) {
  uint8_t message[ARENA_NAME_SIZE(ARENA_NAME_MAX)];
  for (uint32_t i = 0; i < arena.count; i++)
    if (arena.players[i].joined) ping(&arena.players[i]);
  for (uint32_t i = 0; i < NAMES_A_SECOND && i < arena.count; i++) {
    const struct player *player = &arena.players[arena.next_name++ % arena.count];
    if (player->joined) tell_all(message, write_name(message, player), 0);
  }
}

static void print_totals(void) {
  nd_driver_statistics statistics;
  require(nd_driver_statistics_init(&statistics), "nd_driver_statistics_init");
  require(nd_driver_get_statistics(arena.driver, &statistics), "nd_driver_get_statistics");
  printf("\"messages_in\":%" PRIu64 ",\"messages_out\":%" PRIu64, statistics.messages_in,
         statistics.messages_out);
}

static void print_status(double seconds) {
  const char *comma = "";
  printf("{\"t\":%.1f,\"clients\":[", seconds);
  for (uint32_t i = 0; i < arena.count; i++) {
    const struct player *player = &arena.players[i];
    nd_connection_info info;
    nd_connection_info_init(&info);
    if (!player->joined ||
        nd_connection_get_info(arena.driver, player->connection, &info) != ND_OK)
      continue;
    printf("%s{\"id\":%" PRIu32 ",\"name\":", comma, player->id);
    print_json_string(stdout, player->visit.name);
    printf(",\"interface\":\"%s\",\"dialect\":\"%s\",\"rtt_ms\":", player->visit.interface,
           player->visit.dialect);
    if (player->round_trip_us < 0) printf("null");
    else printf("%.3f", (double)player->round_trip_us / 1000.0);
    printf(",\"in\":%" PRIu64 ",\"out\":%" PRIu64 ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64
           "}",
           info.messages_in, info.messages_out, info.bytes_in, info.bytes_out);
    comma = ",";
  }
  printf("],");
  print_totals();
  printf("}\n");
  fflush(stdout);
}

static void print_final(void) {
  printf("{\"final\":{\"clients_total\":%" PRIu64 ",\"joined\":[", arena.clients_total);
  for (uint32_t i = 0; i < arena.visit_count; i++) {
    const struct visit *visit = &arena.visits[i];
    printf("%s{\"name\":", i == 0 ? "" : ",");
    print_json_string(stdout, visit->name);
    printf(",\"interface\":\"%s\",\"dialect\":\"%s\",\"moved\":%s,\"saw_others\":%s,"
           "\"left_clean\":%s}",
           visit->interface, visit->dialect, visit->moved ? "true" : "false",
           visit->saw_others ? "true" : "false", visit->left_clean ? "true" : "false");
  }
  printf("],");
  print_totals();
  printf(",\"malformed\":%" PRIu64 "}}\n", arena.malformed);
  fflush(stdout);
}

static void run(uint64_t seconds, int status) {
  uint64_t start = now_us(), next_tick = start + TICK_US, ticks = 0;
  uint64_t end = seconds == 0 ? UINT64_MAX : start + seconds * 1000000u;
  while (!stop_requested && now_us() < end) {
    uint64_t now = now_us();
    uint64_t sleep_us = next_tick > now ? next_tick - now : 0;
    keep_running(nd_driver_wait(arena.driver, (uint32_t)((sleep_us + 999) / 1000), NULL),
                 "nd_driver_wait");
    keep_running(nd_driver_update(arena.driver), "nd_driver_update");
    take_what_came();
    now = now_us();
    if (now >= next_tick) {
      next_tick = now - next_tick > 1000000u ? now + TICK_US : next_tick + TICK_US;
      send_snapshots();
      if (++ticks % TICKS_A_SECOND == 0) {
        ping_and_name();
        if (status) print_status((double)(now - start) / 1e6);
      }
    }
    keep_running(nd_driver_flush(arena.driver), "nd_driver_flush");
  }
}

static void close_all(void) {
  static const uint8_t reason[] = "the arena closes";
  for (uint32_t i = 0; i < arena.count; i++)
    nd_driver_close(arena.driver, arena.players[i].connection, CODE_GOING_AWAY, reason,
                    sizeof reason - 1);
  while (arena.count != 0) remove_player(&arena.players[0], 0);
  leave(arena.driver);
}

static void usage(void) {
  fprintf(stderr, "usage: arena_server --udp PORT --ws PORT [--page FILE] [--seconds N]"
                  " [--status]\n");
  exit(2);
}

int main(int argc, char **argv) {
  const char *value, *page = DEFAULT_PAGE;
  int udp = -1, ws = -1, status = 0;
  uint32_t seconds = 0;
  for (int i = 1; i < argc; i++) {
    if ((value = option(argc, argv, &i, "--udp"))) udp = (int)number(value, 65535, "--udp");
    else if ((value = option(argc, argv, &i, "--ws"))) ws = (int)number(value, 65535, "--ws");
    else if ((value = option(argc, argv, &i, "--page"))) page = value;
    else if ((value = option(argc, argv, &i, "--seconds")))
      seconds = number(value, UINT32_MAX, "--seconds");
    else if (strcmp(argv[i], "--status") == 0) status = 1;
    else usage();
  }
  if (udp < 0 && ws < 0) usage();
  require_library();
  stop_on_signals();
  require(nd_driver_create(NULL, &arena.driver), "nd_driver_create");
  if (udp >= 0) {
    uint32_t index = add_interface(arena.driver, ND_INTERFACE_UDP);
    udp = bind_port(arena.driver, index, (uint16_t)udp, 0);
  }
  if (ws >= 0) {
    uint32_t index = add_interface(arena.driver, ND_INTERFACE_WEBSOCKET);
    serve_page(arena.driver, index, page);
    ws = bind_port(arena.driver, index, (uint16_t)ws, 0);
  }
  require(nd_driver_listen(arena.driver), "nd_driver_listen");
  print_listening(udp, ws);
  run(seconds, status);
  close_all();
  print_final();
  require(nd_driver_destroy(arena.driver), "nd_driver_destroy");
  return 0;
}
