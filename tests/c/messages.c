/* Ways of sending and receiving messages of plain WebSocket connections beyond one call for one
 * message. */
#include "pair.h"

#define LONG 100000

static uint8_t bytes[LONG];

static struct pair open_plain(const nd_settings *settings, nd_connection *outgoing,
                              nd_connection *incoming) {
  nd_interface_settings websocket = interface_of(ND_INTERFACE_WEBSOCKET);
  struct pair pair;
  websocket.dialect = ND_DIALECT_PLAIN;
  pair = open_pair(&websocket, settings, settings, "127.0.0.1");
  *outgoing = connect_url(&pair, "/", NULL);
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
  *incoming = next_connection(&pair);
  return pair;
}

/* What is sent in fragments is one message again, and until it leaves it can be counted. */
static void fragments_and_what_waits(void) {
  nd_settings settings = default_settings();
  nd_connection outgoing, incoming;
  struct pair pair;
  uint32_t waits = 1;
  nd_event event;
  settings.fragment_size = 32767;
  pair = open_plain(&settings, &outgoing, &incoming);
  CHECK_OK(nd_connection_buffered_amount(pair.server, incoming, &waits));
  CHECK_EQUAL(waits, 0);
  CHECK_OK(nd_driver_send(pair.server, incoming, 0, bytes, LONG, 0));
  CHECK_OK(nd_connection_buffered_amount(pair.server, incoming, &waits));
  CHECK_EQUAL(waits, LONG + 4 * 4); /* four frames without masks */
  CHECK_RESULT(nd_connection_buffered_amount(pair.server, incoming, NULL),
               ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_connection_buffered_amount(pair.server, 0, &waits),
               ND_ERROR_NETWORK_ID_MISMATCH);
  event = next_event(&pair, pair.client);
  CHECK_DATA(event, bytes, LONG);
  CHECK_OK(nd_connection_buffered_amount(pair.server, incoming, &waits));
  CHECK_EQUAL(waits, 0);
  close_pair(&pair);
}

static void send_in_pieces(void) {
  nd_connection outgoing, incoming;
  struct pair pair = open_plain(NULL, &outgoing, &incoming);
  nd_event event;
  CHECK_RESULT(nd_driver_append_message(pair.server, incoming, bytes, 1),
               ND_ERROR_NETWORK_STATE_MISMATCH);
  CHECK_RESULT(nd_driver_finish_message(pair.server, incoming), ND_ERROR_NETWORK_STATE_MISMATCH);
  CHECK_RESULT(nd_driver_begin_message(pair.server, incoming, 4), ND_ERROR_INVALID_ARGUMENT);
  CHECK_OK(nd_driver_begin_message(pair.server, incoming, 0));
  CHECK_RESULT(nd_driver_begin_message(pair.server, incoming, 0), ND_ERROR_NETWORK_STATE_MISMATCH);
  CHECK_OK(nd_driver_append_message(pair.server, incoming, bytes, 60000));
  CHECK_OK(nd_driver_append_message(pair.server, incoming, NULL, 0));
  CHECK_RESULT(nd_driver_send(pair.server, incoming, 0, bytes, 1, 0),
               ND_ERROR_NETWORK_STATE_MISMATCH);
  CHECK(strstr(last_error(), "finish") != NULL);
  turn(&pair);
  CHECK_OK(nd_driver_append_message(pair.server, incoming, bytes + 60000, LONG - 60000));
  CHECK_OK(nd_driver_finish_message(pair.server, incoming));
  event = next_event(&pair, pair.client);
  CHECK_DATA(event, bytes, LONG);
  CHECK_OK(nd_driver_begin_message(pair.server, incoming, ND_SEND_FLAG_TEXT));
  CHECK_OK(nd_driver_append_message(pair.server, incoming, (const uint8_t *)"\xe9", 1));
  CHECK_RESULT(nd_driver_finish_message(pair.server, incoming), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_append_message(pair.server, incoming, (const uint8_t *)"x", 1),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_OK(nd_driver_append_message(pair.server, incoming, (const uint8_t *)"\x9b\xaa", 2));
  CHECK_OK(nd_driver_finish_message(pair.server, incoming));
  event = next_event(&pair, pair.client);
  CHECK_DATA(event, "\xe9\x9b\xaa", 3);
  CHECK(event.flags & ND_EVENT_FLAG_TEXT);
  close_pair(&pair);
}

/* With the opt-in bit, what has come of a message is an event before the rest is there. */
static void receive_in_pieces(void) {
  nd_settings settings = default_settings();
  nd_connection outgoing, incoming;
  struct pair pair;
  nd_event event;
  uint32_t got = 0;
  int pieces = 0;
  settings.optional_events = ND_OPTIONAL_EVENT_FRAGMENT;
  settings.websocket_message_size_max = 1000; /* bounds Data events only */
  pair = open_plain(&settings, &outgoing, &incoming);
  CHECK_OK(nd_driver_begin_message(pair.client, outgoing, 0));
  CHECK_OK(nd_driver_append_message(pair.client, outgoing, bytes, 40000));
  do {
    event = next_event(&pair, pair.server);
    if (!CHECK(event.kind == ND_EVENT_FRAGMENT)) break;
    CHECK(event.connection == incoming);
    CHECK_EQUAL((event.flags & ND_EVENT_FLAG_FIRST) != 0, got == 0);
    CHECK(got + event.data_length <= LONG);
    CHECK(memcmp(event.data, bytes + got, event.data_length) == 0);
    got += event.data_length;
    pieces += 1;
    if (got == 40000) {
      CHECK_OK(nd_driver_append_message(pair.client, outgoing, bytes + 40000, LONG - 40000));
      CHECK_OK(nd_driver_finish_message(pair.client, outgoing));
    }
  } while (!(event.flags & ND_EVENT_FLAG_LAST));
  CHECK_EQUAL(got, LONG);
  CHECK(pieces >= 2);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, bytes, 1000, 0));
  event = next_event(&pair, pair.server);
  CHECK_DATA(event, bytes, 1000);
  CHECK_EQUAL(event.flags, ND_EVENT_FLAG_FIRST | ND_EVENT_FLAG_LAST);
  close_pair(&pair);
}

static int released;

static void count_released(const uint8_t *data, void *user) {
  if (data == bytes && user == &released) released += 1;
}

/* The memory comes back exactly once, whatever becomes of the message. */
static void send_owned(void) {
  nd_connection outgoing, incoming;
  struct pair pair = open_plain(NULL, &outgoing, &incoming);
  nd_event event;
  CHECK_RESULT(nd_driver_send_owned(pair.server, incoming, 0, bytes, LONG, 0, NULL, NULL),
               ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(
      nd_driver_send_owned(pair.server, 0, 0, bytes, LONG, 0, count_released, &released),
      ND_ERROR_NETWORK_ID_MISMATCH);
  CHECK_EQUAL(released, 0);
  CHECK_OK(
      nd_driver_send_owned(pair.server, incoming, 0, bytes, LONG, 0, count_released, &released));
  CHECK_EQUAL(released, 0);
  event = next_event(&pair, pair.client);
  CHECK_DATA(event, bytes, LONG);
  CHECK_EQUAL(released, 1);
  CHECK_OK(
      nd_driver_send_owned(pair.client, outgoing, 0, bytes, LONG, 0, count_released, &released));
  CHECK_EQUAL(released, 2); /* a client masks, so it copies */
  event = next_event(&pair, pair.server);
  CHECK_DATA(event, bytes, LONG);
  CHECK_OK(
      nd_driver_send_owned(pair.server, incoming, 0, bytes, LONG, 0, count_released, &released));
  CHECK_EQUAL(released, 2);
  close_pair(&pair);
  CHECK_EQUAL(released, 3);
}

int main(void) {
  uint32_t at;
  for (at = 0; at < LONG; at++) bytes[at] = (uint8_t)(at * 7);
  fragments_and_what_waits();
  send_in_pieces();
  receive_in_pieces();
  send_owned();
  return finish();
}
