/* The least that must work however a program is linked with the library: versions, two drivers,
 * a message there and back over UDP, and the end. */
#include "pair.h"

int main(void) {
  static const uint8_t hello[] = "hello";
  nd_interface_settings udp = interface_of(ND_INTERFACE_UDP);
  nd_connection incoming = 0, outgoing;
  nd_event event;
  CHECK_EQUAL(nd_abi_version(), ND_ABI_VERSION);
  CHECK(strlen(nd_version()) >= strlen("0.0.0"));
  CHECK_TEXT(nd_result_name(ND_OK), "Success");
  CHECK_TEXT(nd_result_name(ND_ERROR_NETWORK_SEND_QUEUE_FULL), "NetworkSendQueueFull");
  CHECK_TEXT(nd_disconnect_reason_name(ND_DISCONNECT_CLOSED_BY_REMOTE), "ClosedByRemote");

  struct pair pair = open_pair(&udp, NULL, NULL, "127.0.0.1");
  outgoing = connect_pair(&pair, &incoming);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, hello, sizeof hello, 0));
  event = next_event(&pair, pair.server);
  CHECK(event.connection == incoming);
  CHECK_DATA(event, hello, sizeof hello);
  CHECK_OK(nd_driver_send(pair.server, incoming, event.pipeline, event.data, event.data_length, 0));
  event = next_event(&pair, pair.client);
  CHECK(event.connection == outgoing);
  CHECK_DATA(event, hello, sizeof hello);
  CHECK_OK(nd_driver_disconnect(pair.client, outgoing));
  event = next_event(&pair, pair.server);
  CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
  CHECK_EQUAL(event.reason, ND_DISCONNECT_CLOSED_BY_REMOTE);
  close_pair(&pair);
  return finish();
}
