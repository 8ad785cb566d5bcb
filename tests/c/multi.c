/* Several drivers as one. */
#include "pair.h"

static nd_driver *driver_of(uint32_t kind, nd_endpoint *address) {
  nd_interface_settings settings = interface_of(kind);
  nd_driver *driver;
  uint32_t number;
  NEED_OK(nd_driver_create(NULL, &driver));
  NEED_OK(nd_driver_add_interface(driver, &settings, &number));
  if (address != NULL) {
    NEED_OK(nd_endpoint_parse("127.0.0.1", 0, ND_FAMILY_INVALID, address));
    NEED_OK(nd_driver_bind(driver, 0, address, NULL));
    NEED_OK(nd_driver_get_local_endpoint(driver, 0, 0, address));
    NEED_OK(nd_driver_listen(driver));
  }
  return driver;
}

static void turn_both(nd_multi_driver *one, nd_multi_driver *other) {
  CHECK_OK(nd_multi_driver_update(one));
  CHECK_OK(nd_multi_driver_update(other));
  CHECK_OK(nd_multi_driver_wait(one, 1, NULL));
  checks_passed -= 3; /* waiting is no test */
}

static nd_connection accept_one(nd_multi_driver *server, nd_multi_driver *client) {
  nd_connection connection = 0;
  int64_t end = now_ms() + PATIENCE_MS;
  while (connection == 0 && now_ms() < end) {
    turn_both(server, client);
    NEED_OK(nd_multi_driver_accept(server, &connection));
    checks_passed -= 1;
  }
  return connection;
}

static nd_event event_of(nd_multi_driver *one, nd_multi_driver *other, int in_batch) {
  nd_event event;
  uint32_t count = 0;
  int64_t end = now_ms() + PATIENCE_MS;
  memset(&event, 0, sizeof event);
  do {
    turn_both(one, other);
    if (in_batch)
      NEED_OK(nd_multi_driver_pop_events(one, &event, 1, &count));
    else
      NEED_OK(nd_multi_driver_pop_event(one, &event));
    checks_passed -= 1;
  } while (event.kind == ND_EVENT_EMPTY && now_ms() < end);
  return event;
}

static void one_loop_for_all(void) {
  const uint32_t kinds[] = {ND_INTERFACE_UDP, ND_INTERFACE_WEBSOCKET, ND_INTERFACE_IPC};
  nd_multi_driver *server, *client;
  nd_driver *found = NULL;
  uint32_t id = 0, count = 0;
  NEED_OK(nd_multi_driver_create(&server));
  NEED_OK(nd_multi_driver_create(&client));
  for (uint32_t i = 0; i < 3; i++) {
    nd_endpoint address;
    nd_driver *driver = driver_of(kinds[i], &address);
    nd_connection outgoing = 0, incoming;
    nd_event event;
    nd_send send;
    int32_t state = -1;
    CHECK_OK(nd_multi_driver_add_driver(server, driver, &id));
    CHECK_EQUAL(id, i + 1);
    CHECK_OK(nd_multi_driver_add_driver(client, driver_of(kinds[i], NULL), NULL));
    CHECK_OK(nd_multi_driver_connect(client, i + 1, &address, NULL, 0, &outgoing));
    CHECK_EQUAL(outgoing >> 56, i + 1);
    incoming = accept_one(server, client);
    CHECK_EQUAL(incoming >> 56, i + 1);
    event = event_of(client, server, i == 1);
    CHECK_EQUAL(event.kind, ND_EVENT_CONNECT);
    CHECK(event.connection == outgoing);
    CHECK_OK(nd_multi_driver_get_connection_state(client, outgoing, &state));
    CHECK_EQUAL(state, ND_STATE_CONNECTED);
    CHECK_OK(nd_multi_driver_send(client, outgoing, 0, (const uint8_t *)"one", 3, 0));
    event = event_of(server, client, i == 1);
    CHECK_DATA(event, "one", 3);
    CHECK_OK(nd_multi_driver_begin_send(server, incoming, 0, 3, &send));
    memcpy(send.data, "two", 3);
    CHECK_OK(nd_multi_driver_end_send(server, &send, 3, 0));
    CHECK_RESULT(nd_multi_driver_abort_send(server, &send),
                 ND_ERROR_NETWORK_SEND_HANDLE_INVALID);
    event = event_of(client, server, 0);
    CHECK_DATA(event, "two", 3);
    CHECK_OK(nd_multi_driver_begin_send(server, incoming, 0, 3, &send));
    CHECK_RESULT(nd_multi_driver_end_send(server, &send, 3, 0x80), ND_ERROR_INVALID_ARGUMENT);
    /* The driver's own calls take the same values. */
    CHECK_OK(nd_multi_driver_get_driver_for_connection(server, incoming, &found));
    CHECK(found == driver);
    CHECK_OK(nd_driver_send(driver, incoming, 0, (const uint8_t *)"x", 1, 0));
    CHECK_OK(nd_multi_driver_flush(server));
    CHECK_OK(nd_multi_driver_disconnect(server, incoming));
    CHECK_EQUAL(event_of(client, server, 0).kind, ND_EVENT_DATA);
    CHECK_OK(nd_multi_driver_pop_event_for_connection(client, outgoing, &event));
    if (event.kind == ND_EVENT_EMPTY) event = event_of(client, server, 0);
    CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
  }
  CHECK_OK(nd_multi_driver_get_driver_count(server, &count));
  CHECK_EQUAL(count, 3);
  CHECK_OK(nd_multi_driver_destroy(client));
  CHECK_OK(nd_multi_driver_get_driver(server, 2, &found));
  CHECK_OK(nd_multi_driver_destroy(server));
  CHECK_RESULT(nd_driver_update(found), ND_ERROR_INVALID_HANDLE);
  CHECK_RESULT(nd_multi_driver_update(server), ND_ERROR_INVALID_HANDLE);
}

static void misuse(void) {
  nd_multi_driver *multi, *other;
  nd_driver *driver = driver_of(ND_INTERFACE_IPC, NULL), *gone, *found;
  nd_connection connection = 0;
  nd_event event;
  uint32_t count = 0;
  uint8_t pipeline = 0;
  CHECK_RESULT(nd_multi_driver_create(NULL), ND_ERROR_NULL_ARGUMENT);
  NEED_OK(nd_multi_driver_create(&multi));
  NEED_OK(nd_multi_driver_create(&other));
  CHECK_RESULT(nd_multi_driver_create_pipeline(multi, NULL, 0, &pipeline),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_multi_driver_add_driver(multi, NULL, NULL), ND_ERROR_INVALID_HANDLE);
  CHECK_OK(nd_multi_driver_add_driver(multi, driver, NULL));
  CHECK_RESULT(nd_multi_driver_add_driver(other, driver, NULL), ND_ERROR_NETWORK_STATE_MISMATCH);
  CHECK_RESULT(nd_multi_driver_get_driver(multi, 0, &found), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_multi_driver_get_driver(multi, 257, &found), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_multi_driver_get_driver_for_connection(multi, 1, &found),
               ND_ERROR_NETWORK_ID_MISMATCH);
  CHECK_RESULT(nd_multi_driver_disconnect(multi, 0), ND_ERROR_NETWORK_ID_MISMATCH);
  CHECK_RESULT(nd_multi_driver_send(multi, 0, 0, NULL, 0, 0), ND_ERROR_NETWORK_ID_MISMATCH);
  CHECK_RESULT(nd_multi_driver_accept(multi, NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_multi_driver_update((nd_multi_driver *)driver), ND_ERROR_INVALID_HANDLE);
  CHECK_RESULT(nd_driver_update((nd_driver *)multi), ND_ERROR_INVALID_HANDLE);
  CHECK_RESULT(nd_multi_driver_update(NULL), ND_ERROR_INVALID_HANDLE);
  CHECK_OK(nd_multi_driver_create_pipeline(multi, NULL, 0, &pipeline));
  CHECK_EQUAL(pipeline, 1);
  gone = driver_of(ND_INTERFACE_IPC, NULL);
  CHECK_RESULT(nd_multi_driver_add_driver(multi, gone, NULL), ND_ERROR_INVALID_ARGUMENT);
  CHECK_OK(nd_driver_create_pipeline(gone, NULL, 0, &pipeline));
  /* A driver that the program destroys itself is skipped, and said to be gone. */
  CHECK_OK(nd_multi_driver_add_driver(multi, gone, NULL));
  CHECK_OK(nd_driver_destroy(gone));
  CHECK_RESULT(nd_multi_driver_update(multi), ND_ERROR_INVALID_HANDLE);
  CHECK_OK(nd_multi_driver_accept(multi, &connection));
  CHECK_OK(nd_multi_driver_pop_event(multi, &event));
  CHECK_OK(nd_multi_driver_pop_events(multi, &event, 1, &count));
  CHECK_EQUAL(count, 0);
  CHECK_OK(nd_multi_driver_destroy(multi));
  CHECK_OK(nd_multi_driver_destroy(other));
  CHECK_RESULT(nd_multi_driver_destroy(other), ND_ERROR_INVALID_HANDLE);
}

static void a_pipeline_is_in_all_drivers_or_in_none(void) {
  nd_multi_driver *multi;
  nd_driver *first = driver_of(ND_INTERFACE_IPC, NULL), *second;
  nd_pipeline_stage stage;
  nd_settings settings;
  uint32_t count = 9;
  uint8_t pipeline = 0;
  /* The second driver's parameters are such that no reliable stage can be made of the first's. */
  NEED_OK(nd_settings_init(&settings));
  settings.reliable_maximum_resend_time_ms = 100;
  NEED_OK(nd_driver_create(&settings, &second));
  NEED_OK(nd_multi_driver_create(&multi));
  NEED_OK(nd_multi_driver_add_driver(multi, first, NULL));
  NEED_OK(nd_multi_driver_add_driver(multi, second, NULL));
  memset(&stage, 0, sizeof stage);
  stage.stage = ND_PIPELINE_STAGE_RELIABLE_SEQUENCED;
  stage.minimum_resend_time_ms = 150;
  CHECK_OK(nd_driver_check_pipeline(first, &stage, 1));
  CHECK_RESULT(nd_multi_driver_create_pipeline(multi, &stage, 1, &pipeline),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_OK(nd_driver_get_pipeline_count(first, &count));
  CHECK_EQUAL(count, 0);
  CHECK_EQUAL(pipeline, 0);
  stage.minimum_resend_time_ms = 50;
  CHECK_OK(nd_multi_driver_create_pipeline(multi, &stage, 1, &pipeline));
  CHECK_OK(nd_driver_get_pipeline_count(second, &count));
  CHECK_EQUAL(count, 1);
  CHECK_OK(nd_multi_driver_destroy(multi));
}

int main(void) {
  one_loop_for_all();
  misuse();
  a_pipeline_is_in_all_drivers_or_in_none();
  return finish();
}
