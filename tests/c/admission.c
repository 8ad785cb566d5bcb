/* Listening, stopping, refusing; small messages that may be gathered. */
#include "pair.h"

static nd_event late_client_ends(struct pair *pair) {
  nd_connection late = 0;
  NEED_OK(nd_driver_connect(pair->client, pair->client_interface, &pair->address, NULL, 0, &late));
  nd_event event = next_event(pair, pair->client);
  CHECK(event.connection == late);
  return event;
}

static void stop_and_go(uint32_t kind) {
  nd_settings settings;
  NEED_OK(nd_settings_init(&settings));
  settings.connect_timeout_ms = 20;
  settings.max_connect_attempts = 3;
  nd_interface_settings interface = interface_of(kind);
  struct pair pair = open_pair(&interface, &settings, &settings, "127.0.0.1");
  nd_connection incoming = 0, outgoing = connect_pair(&pair, &incoming);
  uint32_t listening = 1;

  CHECK_OK(nd_driver_stop_listening(pair.server));
  CHECK_OK(nd_driver_stop_listening(pair.server));
  CHECK_OK(nd_driver_get_listening(pair.server, NULL, &listening));
  CHECK_EQUAL(listening, 0);
  CHECK_EQUAL(late_client_ends(&pair).kind, ND_EVENT_DISCONNECT);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, (const uint8_t *)"on", 2, 0));
  nd_event event = next_event(&pair, pair.server);
  CHECK_DATA(event, "on", 2);

  CHECK_OK(nd_driver_listen(pair.server));
  CHECK_EQUAL(late_client_ends(&pair).kind, ND_EVENT_CONNECT);
  CHECK(next_connection(&pair) != 0);

  CHECK_OK(nd_driver_set_refusing(pair.server, 1));
  CHECK_EQUAL(late_client_ends(&pair).kind, ND_EVENT_DISCONNECT);
  CHECK_RESULT(nd_driver_set_refusing(pair.server, 2), ND_ERROR_INVALID_ARGUMENT);
  CHECK_OK(nd_driver_set_refusing(pair.server, 0));
  CHECK_EQUAL(late_client_ends(&pair).kind, ND_EVENT_CONNECT);

  nd_result gathered = nd_connection_set_no_delay(pair.server, incoming, 0);
  int is_stream = kind == ND_INTERFACE_WEBSOCKET || kind == ND_INTERFACE_TCP;
  CHECK_EQUAL(gathered, is_stream ? ND_OK : ND_ERROR_NOT_SUPPORTED);
  CHECK_RESULT(nd_connection_set_no_delay(pair.server, incoming, 2), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_connection_set_no_delay(pair.server, 0, 1), ND_ERROR_NETWORK_ID_MISMATCH);
  CHECK_OK(nd_driver_send(pair.server, incoming, 0, (const uint8_t *)"back", 4, 0));
  event = next_event(&pair, pair.client);
  CHECK_DATA(event, "back", 4);
  close_pair(&pair);
}

int main(void) {
  stop_and_go(ND_INTERFACE_UDP);
  stop_and_go(ND_INTERFACE_TCP);
  stop_and_go(ND_INTERFACE_IPC);
  stop_and_go(ND_INTERFACE_WEBSOCKET);
  return finish();
}
