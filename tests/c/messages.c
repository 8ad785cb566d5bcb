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

int main(void) {
  uint32_t at;
  for (at = 0; at < LONG; at++) bytes[at] = (uint8_t)(at * 7);
  fragments_and_what_waits();
  return finish();
}
