/* arena_bot: a player of arena_server that needs nobody at the keys.
 *
 *   arena_bot udp|ws HOST PORT [--name X] [--seconds N]   UTP dialect, over UDP or WebSocket
 *   arena_bot ws://HOST:PORT/  [--name X] [--seconds N]   plain dialect, as a browser speaks it
 *
 * Joins, wanders, answers pings; after N seconds (or at SIGINT) leaves politely. The last line of
 * output is JSON. The exit code is 0 only when it was welcomed and seen to move. */
#include "common.h"

#include "arena.h"

#define EVENTS_AT_ONCE 64
#define STEP_US 50000u     /* 20 moves a second */
#define STEPS_A_SECOND 20
#define SPEED 12           /* units a step */
#define MARGIN 40          /* turns back so far from a wall */

struct bot {
  nd_driver *driver;
  nd_connection connection;
  char name[ARENA_NAME_MAX + 1];
  int connected, ended;
  int joined;      /* was welcomed */
  int placed;      /* knows where it starts */
  int moved;       /* the server shows it elsewhere than where it started */
  uint32_t id;
  int16_t x, y, start_x, start_y;
  int dx, dy;
  uint32_t random;
  uint32_t others; /* the most others that were in one snapshot */
  uint64_t messages_in, messages_out;
};

/* Good enough to wander by. */
static int random_step(struct bot *bot) {
  bot->random = bot->random * 1664525u + 1013904223u;
  return (int)(bot->random >> 16) % (2 * SPEED + 1) - SPEED;
}

static void tell(struct bot *bot, const uint8_t *message, uint32_t length) {
  nd_result result = nd_driver_send(bot->driver, bot->connection, 0, message, length, 0);
  if (result == ND_OK) bot->messages_out += 1;
  /* A full queue is no fault here: the next move says more than this one. */
  else if (result != ND_ERROR_NETWORK_SEND_QUEUE_FULL && !bot->ended)
    fprintf(stderr, "nd_driver_send: %s\n", nd_result_name(result));
}

static void tell_join(struct bot *bot) {
  uint8_t message[ARENA_JOIN_SIZE(ARENA_NAME_MAX)];
  uint8_t length = (uint8_t)strlen(bot->name);
  message[0] = ARENA_JOIN;
  message[1] = length;
  memcpy(message + 2, bot->name, length);
  tell(bot, message, ARENA_JOIN_SIZE(length));
}

static void tell_move(struct bot *bot) {
  uint8_t message[ARENA_MOVE_SIZE] = {ARENA_MOVE};
  write_u16(message + 1, (uint16_t)bot->x);
  write_u16(message + 3, (uint16_t)bot->y);
  tell(bot, message, sizeof message);
}

static void see(struct bot *bot, const uint8_t *data, uint32_t length) {
  uint32_t count, others = 0;
  if (length < ARENA_SNAPSHOT_HEAD) return;
  count = read_u16(data + 1);
  if (length != ARENA_SNAPSHOT_HEAD + count * ARENA_SNAPSHOT_ENTRY) return;
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t *entry = data + ARENA_SNAPSHOT_HEAD + i * ARENA_SNAPSHOT_ENTRY;
    int16_t x = read_i16(entry + 4), y = read_i16(entry + 6);
    if (read_u32(entry) != bot->id) {
      others += 1;
    } else if (!bot->placed) {
      bot->placed = 1;
      bot->x = bot->start_x = x;
      bot->y = bot->start_y = y;
    } else if (x != bot->start_x || y != bot->start_y) {
      bot->moved = 1;
    }
  }
  if (others > bot->others) bot->others = others;
}

static void take(struct bot *bot, const uint8_t *data, uint32_t length) {
  bot->messages_in += 1;
  if (length == 0) return;
  if (data[0] == ARENA_WELCOME && length == ARENA_WELCOME_SIZE) {
    bot->joined = 1;
    bot->id = read_u32(data + 1);
  } else if (data[0] == ARENA_SNAPSHOT && bot->joined) {
    see(bot, data, length);
  } else if (data[0] == ARENA_PING && length == ARENA_PING_SIZE) {
    tell(bot, data, length); /* the answer is the question */
  } /* Names and goodbyes are for those who draw them. */
}

static void handle(struct bot *bot, const nd_event *event) {
  if (event->kind == ND_EVENT_CONNECT) {
    bot->connected = 1;
    tell_join(bot);
  }
  if (event->kind == ND_EVENT_DATA) take(bot, event->data, event->data_length);
  if (event->kind != ND_EVENT_DISCONNECT) return;
  bot->ended = 1;
  fprintf(stderr, "the connection ended: %s, close code %u, \"%.*s\"\n",
          nd_disconnect_reason_name(event->reason), (unsigned)event->close_code,
          (int)event->data_length, event->data == NULL ? "" : (const char *)event->data);
}

static void step(struct bot *bot, uint64_t number_of_step) {
  if (!bot->joined) { /* over UDP, "join" or its answer may have been lost */
    if (bot->connected && number_of_step % STEPS_A_SECOND == 0) tell_join(bot);
    return;
  }
  if (!bot->placed) return;
  if (number_of_step % STEPS_A_SECOND == 0 || (bot->dx == 0 && bot->dy == 0)) {
    bot->dx = random_step(bot);
    bot->dy = random_step(bot);
  }
  if (bot->x < MARGIN) bot->dx = SPEED;
  if (bot->y < MARGIN) bot->dy = SPEED;
  if (bot->x > ARENA_WIDTH - MARGIN) bot->dx = -SPEED;
  if (bot->y > ARENA_HEIGHT - MARGIN) bot->dy = -SPEED;
  bot->x = (int16_t)(bot->x + bot->dx);
  bot->y = (int16_t)(bot->y + bot->dy);
  tell_move(bot);
}

static void run(struct bot *bot, uint32_t seconds) {
  nd_event events[EVENTS_AT_ONCE];
  uint64_t start = now_us(), next_step = start + STEP_US, steps = 0;
  uint64_t end = seconds == 0 ? UINT64_MAX : start + (uint64_t)seconds * 1000000u;
  while (!stop_requested && !bot->ended && now_us() < end) {
    uint64_t now = now_us();
    uint64_t sleep_us = next_step > now ? next_step - now : 0;
    uint32_t count = 0;
    keep_running(nd_driver_wait(bot->driver, (uint32_t)((sleep_us + 999) / 1000), NULL),
                 "nd_driver_wait");
    keep_running(nd_driver_update(bot->driver), "nd_driver_update");
    do {
      require(nd_driver_pop_events(bot->driver, events, EVENTS_AT_ONCE, &count),
              "nd_driver_pop_events");
      for (uint32_t i = 0; i < count; i++) handle(bot, &events[i]);
    } while (count != 0);
    if (now_us() >= next_step && !bot->ended) {
      next_step = now_us() + STEP_US;
      step(bot, steps++);
    }
    keep_running(nd_driver_flush(bot->driver), "nd_driver_flush");
  }
}

static void usage(void) {
  fprintf(stderr, "usage: arena_bot udp|ws HOST PORT | URL [--name X] [--seconds N]\n");
  exit(2);
}

/* Begins to connect; `where` are the arguments that are no options. */
static void open_connection(struct bot *bot, char **where, int count) {
  if (count == 1 && strncmp(where[0], "ws", 2) == 0) {
    require(nd_driver_connect_url(bot->driver, where[0], NULL, &bot->connection),
            "nd_driver_connect_url");
    return;
  }
  if (count != 3 || (strcmp(where[0], "udp") != 0 && strcmp(where[0], "ws") != 0)) usage();
  uint32_t kind = strcmp(where[0], "udp") == 0 ? ND_INTERFACE_UDP : ND_INTERFACE_WEBSOCKET;
  uint32_t index = add_interface(bot->driver, kind);
  uint16_t port = (uint16_t)number(where[2], 65535, "PORT");
  require(nd_driver_connect_host(bot->driver, index, where[1], port, NULL, 0, &bot->connection),
          "nd_driver_connect_host");
}

static void take_name(struct bot *bot, const char *name) {
  if (!is_name((const uint8_t *)name, (uint32_t)strlen(name))) {
    fprintf(stderr, "--name must be UTF-8 of 1 to %d bytes\n", ARENA_NAME_MAX);
    exit(2);
  }
  strcpy(bot->name, name);
}

int main(int argc, char **argv) {
  struct bot bot = {0};
  char *where[3] = {NULL, NULL, NULL};
  const char *value;
  int where_count = 0;
  uint32_t seconds = 0;
  take_name(&bot, "bot");
  for (int i = 1; i < argc; i++) {
    if ((value = option(argc, argv, &i, "--name"))) take_name(&bot, value);
    else if ((value = option(argc, argv, &i, "--seconds")))
      seconds = number(value, UINT32_MAX, "--seconds");
    else if (argv[i][0] != '-' && where_count < 3) where[where_count++] = argv[i];
    else usage();
  }
  require_library();
  stop_on_signals();
  bot.random = (uint32_t)now_us(); /* two bots of one name take two ways */
  require(nd_driver_create(NULL, &bot.driver), "nd_driver_create");
  open_connection(&bot, where, where_count);
  run(&bot, seconds);
  if (!bot.ended) {
    static const uint8_t goodbye[] = {ARENA_LEAVE};
    if (bot.connected) tell(&bot, goodbye, sizeof goodbye);
    nd_driver_disconnect(bot.driver, bot.connection);
    leave(bot.driver);
  }
  require(nd_driver_destroy(bot.driver), "nd_driver_destroy");
  printf("{\"name\":");
  print_json_string(stdout, bot.name);
  printf(",\"joined\":%s,\"moved\":%s,\"others\":%" PRIu32 ",\"messages_in\":%" PRIu64
         ",\"messages_out\":%" PRIu64 "}\n",
         bot.joined ? "true" : "false", bot.moved ? "true" : "false", bot.others, bot.messages_in,
         bot.messages_out);
  return bot.joined && bot.moved ? 0 : 1;
}
