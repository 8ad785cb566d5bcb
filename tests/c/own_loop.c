/* What goes on between updates through the C functions: the background pump, and a loop of the
 * program's own that sleeps in poll(), or on Windows in WaitForSingleObject(). */
#include "pair.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <poll.h>
#endif

/* Sleeps as a loop of one's own does. Was the descriptor readable? */
static int sleep_on(nd_driver *driver, int timeout_ms) {
  int64_t number = -1;
  CHECK_OK(nd_driver_get_poll_descriptor(driver, &number));
  checks_passed -= 1;
#ifdef _WIN32
  return WaitForSingleObject((HANDLE)(intptr_t)number, (DWORD)timeout_ms) == WAIT_OBJECT_0;
#else
  struct pollfd list = {(int)number, POLLIN, 0};
  return poll(&list, 1, timeout_ms) == 1;
#endif
}

static uint32_t next_timeout(nd_driver *driver) {
  uint32_t timeout = 1;
  CHECK_OK(nd_driver_get_next_timeout(driver, &timeout));
  checks_passed -= 1;
  return timeout;
}

/* Nothing is left to do, but for what comes later. */
static void settle(nd_driver *driver) {
  nd_event event;
  for (int round = 0; round < 1000; round++) {
    CHECK_OK(nd_driver_update(driver));
    CHECK_OK(nd_driver_pop_event(driver, &event));
    CHECK_OK(nd_driver_flush(driver));
    checks_passed -= 3;
    if (next_timeout(driver) != 0 && !sleep_on(driver, 0)) return;
  }
  CHECK(!"the driver settles");
}

static void sleeps_on_the_descriptor(uint32_t kind) {
  nd_connection outgoing = 0, incoming = 0;
  nd_event event;
  nd_settings settings = default_settings();
  nd_interface_settings interface_settings = interface_of(kind);
  struct pair pair = open_pair(&interface_settings, &settings, &settings, "127.0.0.1");
  settle(pair.server);
  CHECK_EQUAL(next_timeout(pair.server), ND_TIMEOUT_NEVER);
  outgoing = connect_pair(&pair, &incoming);
  settle(pair.client);
  settle(pair.server);
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, (const uint8_t *)"hello", 5, 0));
  CHECK_OK(nd_driver_flush(pair.client));
  CHECK(sleep_on(pair.server, PATIENCE_MS));
  event = next_event(&pair, pair.server);
  CHECK_DATA(event, "hello", 5);
  settle(pair.server);
  CHECK_OK(nd_driver_wake(pair.server));
  CHECK(sleep_on(pair.server, PATIENCE_MS));
  close_pair(&pair);
}

/* The next event of a program that does nothing but sleep on the descriptor and update. */
static nd_event awaited_event(nd_driver *driver) {
  nd_event event;
  memset(&event, 0, sizeof event);
  do {
    uint32_t timeout = next_timeout(driver);
    if (timeout > PATIENCE_MS) timeout = PATIENCE_MS;
    if (timeout != 0 && !sleep_on(driver, (int)timeout) && timeout == PATIENCE_MS) return event;
    CHECK_OK(nd_driver_update(driver));
    CHECK_OK(nd_driver_pop_event(driver, &event));
    checks_passed -= 2;
  } while (event.kind == ND_EVENT_EMPTY);
  return event;
}

/* Nothing is due here, so a driver that the descriptor does not wake sleeps for ever. */
static void talks_by_descriptors_alone(uint32_t kind) {
  static const uint8_t text[40];
  nd_connection outgoing = 0, incoming = 0;
  nd_settings settings = default_settings();
  nd_interface_settings interface_settings = interface_of(kind);
  struct pair pair;
  settings.heartbeat_timeout_ms = 0;
  settings.disconnect_timeout_ms = 0;
  pair = open_pair(&interface_settings, &settings, &settings, "127.0.0.1");
  outgoing = connect_pair(&pair, &incoming);
  settle(pair.client);
  settle(pair.server);
  for (uint32_t round = 0; round < 200 && checks_failed == 0; round++) {
    uint32_t length = 1 + round % sizeof text;
    nd_event event;
    CHECK_OK(nd_driver_send(pair.client, outgoing, 0, text, length, 0));
    CHECK_OK(nd_driver_flush(pair.client));
    event = awaited_event(pair.server);
    CHECK_DATA(event, text, length);
    CHECK_OK(nd_driver_send(pair.server, incoming, 0, text, length, 0));
    CHECK_OK(nd_driver_flush(pair.server));
    event = awaited_event(pair.client);
    CHECK_DATA(event, text, length);
  }
  close_pair(&pair);
}

static void answers_pings_between_updates(void) {
  nd_connection outgoing = 0, incoming = 0;
  nd_connection_info info;
  nd_interface_settings interface_settings = interface_of(ND_INTERFACE_WEBSOCKET);
  nd_settings eager = default_settings(), patient = default_settings();
  struct pair pair;
  CHECK_EQUAL(eager.background_pump, 0);
  eager.background_pump = 1;
  eager.heartbeat_timeout_ms = 50;
  patient.disconnect_timeout_ms = 300;
  patient.heartbeat_timeout_ms = 50;
  pair = open_pair(&interface_settings, &eager, &patient, "127.0.0.1");
  outgoing = connect_pair(&pair, &incoming);
  NEED_OK(nd_connection_info_init(&info));
  /* The server's program does nothing for longer than its client is patient. */
  for (int64_t end = now_ms() + 600; now_ms() < end;) {
    CHECK_OK(nd_driver_update(pair.client));
    CHECK_OK(nd_driver_wait(pair.client, 10, NULL));
    checks_passed -= 2;
  }
  CHECK_OK(nd_connection_get_info(pair.client, outgoing, &info));
  CHECK_EQUAL(info.state, ND_STATE_CONNECTED);
  close_pair(&pair);
}

int main(void) {
  nd_settings settings = default_settings();
  nd_driver *driver = NULL;
  int64_t descriptor = -1;
  uint32_t timeout = 0;
  settings.background_pump = 2;
  CHECK_RESULT(nd_driver_create(&settings, &driver), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_get_poll_descriptor(NULL, &descriptor), ND_ERROR_INVALID_HANDLE);
  CHECK_RESULT(nd_driver_get_next_timeout(NULL, &timeout), ND_ERROR_INVALID_HANDLE);
  sleeps_on_the_descriptor(ND_INTERFACE_UDP);
  sleeps_on_the_descriptor(ND_INTERFACE_WEBSOCKET);
  sleeps_on_the_descriptor(ND_INTERFACE_IPC);
  talks_by_descriptors_alone(ND_INTERFACE_UDP);
  talks_by_descriptors_alone(ND_INTERFACE_WEBSOCKET);
  talks_by_descriptors_alone(ND_INTERFACE_IPC);
  answers_pings_between_updates();
  return finish();
}
