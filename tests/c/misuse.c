/* Misuse of every call: an error code, words that say what to do, untouched outputs, and a driver
 * that works on. Never a crash: run it under the sanitizers and under Valgrind. */
#include "pair.h"

#include <pthread.h>
#ifndef _WIN32
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#define UNTOUCHED 0xCC
#define SENDS_MAX 512      /* open at once, says the header */
#define NEVER_GIVEN_OUT ((nd_connection)1 << 32 | 0xFFFFF)

/* Where every call below writes to: one compare shows that none of them was touched. */
static union outputs {
  struct {
    nd_driver *driver;
    nd_connection connection;
    nd_endpoint endpoint;
    nd_event events[2];
    nd_send send;
    nd_connection_info info;
    nd_driver_statistics statistics;
    nd_result results[2];
    uint32_t number, number2;
    int32_t state;
    uint8_t bytes[64];
    char text[64];
  } as;
  uint8_t raw[2048];
} out;

static const uint8_t message[] = "message";
static nd_connection connection;   /* the server's end of a living one, unless a table says else */
static uint32_t udp_interface, websocket_interface;
static nd_endpoint somewhere;      /* a valid address */
static nd_settings settings;
static nd_interface_settings interface_settings;
static nd_network_simulator simulator;

static void prefill(void) {
  memset(&out, UNTOUCHED, sizeof out);
  out.as.info.struct_size = sizeof out.as.info;
  out.as.statistics.struct_size = sizeof out.as.statistics;
}

/* One way to call the library wrongly. */
struct call {
  const char *name;
  nd_result (*run)(nd_driver *driver);
};

/* Runs a call that must fail with `wanted` (or `otherwise`) and have no effect. */
static void must_fail(const struct call *call, nd_driver *driver, nd_result wanted,
                      nd_result otherwise, const char *situation) {
  union outputs before;
  nd_result result;
  prefill();
  before = out;
  result = call->run(driver);
  if (result != wanted && result != otherwise)
    fprintf(stderr, "  %s, %s: is %s (%d), wanted %s; \"%s\"\n", call->name, situation,
            nd_result_name(result), (int)result, nd_result_name(wanted), last_error());
  CHECK(result == wanted || result == otherwise);
  if (memcmp(&before, &out, sizeof out) != 0) {
    fprintf(stderr, "  %s, %s: an output was touched\n", call->name, situation);
    CHECK(!"outputs untouched");
  }
  if (strlen(last_error()) < 10) {
    fprintf(stderr, "  %s, %s: says only \"%s\"\n", call->name, situation, last_error());
    CHECK(!"the last error says what to do");
  }
}

#define CALL(name, expression)                  \
  static nd_result name(nd_driver *d) {         \
    (void)d;                                    \
    return expression;                          \
  }

/* Every call on a driver, with everything right but the driver. */
CALL(do_destroy, nd_driver_destroy(d))
CALL(do_add_interface, nd_driver_add_interface(d, &interface_settings, &out.as.number))
CALL(do_bind, nd_driver_bind(d, udp_interface, &somewhere, &out.as.number))
CALL(do_listen, nd_driver_listen(d))
CALL(do_get_listening, nd_driver_get_listening(d, &out.as.number, &out.as.number2))
CALL(do_local_endpoint, nd_driver_get_local_endpoint(d, udp_interface, 0, &out.as.endpoint))
CALL(do_update, nd_driver_update(d))
CALL(do_flush, nd_driver_flush(d))
CALL(do_wait, nd_driver_wait(d, 0, &out.as.number))
CALL(do_statistics, nd_driver_get_statistics(d, &out.as.statistics))
CALL(do_simulator, nd_driver_set_network_simulator(d, &simulator))
CALL(do_set_document, nd_driver_set_document(d, websocket_interface, "/x", "a/b", message, 7))
CALL(do_remove_document, nd_driver_remove_document(d, websocket_interface, "/x"))
CALL(do_accept, nd_driver_accept(d, &out.as.connection))
CALL(do_connect, nd_driver_connect(d, udp_interface, &somewhere, NULL, 0, &out.as.connection))
CALL(do_connect_host, nd_driver_connect_host(d, udp_interface, "localhost", 9, NULL, 0,
                                             &out.as.connection))
CALL(do_connect_url, nd_driver_connect_url(d, "ws://localhost:9/", NULL, &out.as.connection))
CALL(do_disconnect, nd_driver_disconnect(d, connection))
CALL(do_close, nd_driver_close(d, connection, 1000, message, 7))
CALL(do_get_state, nd_connection_get_state(d, connection, &out.as.state))
CALL(do_get_info, nd_connection_get_info(d, connection, &out.as.info))
CALL(do_payload_size, nd_connection_get_payload_size_max(d, connection, 0, &out.as.number))
CALL(do_connect_payload, nd_connection_get_connect_payload(d, connection, out.as.bytes, 64,
                                                           &out.as.number))
CALL(do_accept_payload, nd_driver_set_accept_payload(d, message, 7))
CALL(do_get_text, nd_connection_get_text(d, connection, ND_TEXT_PATH, out.as.text, 64,
                                         &out.as.number))
CALL(do_get_header, nd_connection_get_header(d, connection, "Host", out.as.text, 64,
                                             &out.as.number))
CALL(do_pop_events, nd_driver_pop_events(d, out.as.events, 2, &out.as.number))
CALL(do_pop_event, nd_driver_pop_event(d, out.as.events))
CALL(do_pop_for, nd_driver_pop_event_for_connection(d, connection, out.as.events))
CALL(do_event_count, nd_driver_get_event_count(d, connection, &out.as.number))
CALL(do_send, nd_driver_send(d, connection, 0, message, 7, 0))
CALL(do_send_to_many, nd_driver_send_to_many(d, &connection, 1, 0, message, 7, 0, out.as.results,
                                             &out.as.number))
CALL(do_begin_send, nd_driver_begin_send(d, connection, 0, 8, &out.as.send))

static nd_result do_end_send(nd_driver *d) {
  nd_send send = {1, NULL, 8, 0};
  return nd_driver_end_send(d, &send, 4, 0);
}

static nd_result do_abort_send(nd_driver *d) {
  nd_send send = {1, NULL, 8, 0};
  return nd_driver_abort_send(d, &send);
}

#define NAMED(name) {#name, do_##name}
static const struct call driver_calls[] = {
    NAMED(destroy),        NAMED(add_interface),   NAMED(bind),           NAMED(listen),
    NAMED(get_listening),  NAMED(local_endpoint),  NAMED(update),         NAMED(flush),
    NAMED(wait),           NAMED(statistics),      NAMED(simulator),      NAMED(set_document),
    NAMED(remove_document), NAMED(accept),         NAMED(connect),        NAMED(connect_host),
    NAMED(connect_url),    NAMED(disconnect),      NAMED(close),          NAMED(get_state),
    NAMED(get_info),       NAMED(payload_size),    NAMED(connect_payload), NAMED(accept_payload),
    NAMED(get_text),       NAMED(get_header),      NAMED(pop_events),     NAMED(pop_event),
    NAMED(pop_for),        NAMED(event_count),     NAMED(send),           NAMED(send_to_many),
    NAMED(begin_send),     NAMED(end_send),        NAMED(abort_send),
};

/* `from`: 1 leaves nd_driver_destroy out. */
static void all_must_fail(size_t from, nd_driver *driver, nd_result wanted, const char *situation) {
  for (size_t i = from; i < COUNT(driver_calls); i++)
    must_fail(&driver_calls[i], driver, wanted, wanted, situation);
}

/* Every pointer that may not be NULL, one at a time. */
CALL(null_settings_init, nd_settings_init(NULL))
CALL(null_interface_init, nd_interface_settings_init(NULL, ND_INTERFACE_UDP))
CALL(null_options_init, nd_connect_options_init(NULL))
CALL(null_info_init, nd_connection_info_init(NULL))
CALL(null_statistics_init, nd_driver_statistics_init(NULL))
CALL(null_simulator_init, nd_network_simulator_init(NULL))
CALL(null_parse_text, nd_endpoint_parse(NULL, 1, 0, &out.as.endpoint))
CALL(null_parse_out, nd_endpoint_parse("127.0.0.1", 1, 0, NULL))
CALL(null_format, nd_endpoint_format(NULL, out.as.text, 64, &out.as.number))
CALL(null_create, nd_driver_create(&settings, NULL))
CALL(null_interface, nd_driver_add_interface(d, NULL, &out.as.number))
CALL(null_interface_out, nd_driver_add_interface(d, &interface_settings, NULL))
CALL(null_bind, nd_driver_bind(d, udp_interface, NULL, &out.as.number))
CALL(null_local, nd_driver_get_local_endpoint(d, udp_interface, 0, NULL))
CALL(null_statistics, nd_driver_get_statistics(d, NULL))
CALL(null_simulator, nd_driver_set_network_simulator(d, NULL))
CALL(null_document_path, nd_driver_set_document(d, websocket_interface, NULL, "a/b", message, 7))
CALL(null_document_type, nd_driver_set_document(d, websocket_interface, "/", NULL, message, 7))
CALL(null_document_data, nd_driver_set_document(d, websocket_interface, "/", "a/b", NULL, 7))
CALL(null_document_remove, nd_driver_remove_document(d, websocket_interface, NULL))
CALL(null_accept, nd_driver_accept(d, NULL))
CALL(null_connect, nd_driver_connect(d, udp_interface, NULL, NULL, 0, &out.as.connection))
CALL(null_connect_payload, nd_driver_connect(d, udp_interface, &somewhere, NULL, 7,
                                             &out.as.connection))
CALL(null_connect_out, nd_driver_connect(d, udp_interface, &somewhere, NULL, 0, NULL))
CALL(null_host, nd_driver_connect_host(d, udp_interface, NULL, 9, NULL, 0, &out.as.connection))
CALL(null_host_payload, nd_driver_connect_host(d, udp_interface, "localhost", 9, NULL, 7,
                                               &out.as.connection))
CALL(null_host_out, nd_driver_connect_host(d, udp_interface, "localhost", 9, NULL, 0, NULL))
CALL(null_url, nd_driver_connect_url(d, NULL, NULL, &out.as.connection))
CALL(null_url_out, nd_driver_connect_url(d, "ws://localhost:9/", NULL, NULL))
CALL(null_close_reason, nd_driver_close(d, connection, 1000, NULL, 7))
CALL(null_state, nd_connection_get_state(d, connection, NULL))
CALL(null_info, nd_connection_get_info(d, connection, NULL))
CALL(null_size, nd_connection_get_payload_size_max(d, connection, 0, NULL))
CALL(null_payload, nd_connection_get_connect_payload(d, connection, out.as.bytes, 64, NULL))
CALL(null_accept_payload, nd_driver_set_accept_payload(d, NULL, 7))
CALL(null_header, nd_connection_get_header(d, connection, NULL, out.as.text, 64, &out.as.number))
CALL(null_events, nd_driver_pop_events(d, NULL, 2, &out.as.number))
CALL(null_events_count, nd_driver_pop_events(d, out.as.events, 2, NULL))
CALL(null_event, nd_driver_pop_event(d, NULL))
CALL(null_event_for, nd_driver_pop_event_for_connection(d, connection, NULL))
CALL(null_event_count, nd_driver_get_event_count(d, connection, NULL))
CALL(null_send, nd_driver_send(d, connection, 0, NULL, 7, 0))
CALL(null_many, nd_driver_send_to_many(d, NULL, 1, 0, message, 7, 0, out.as.results, NULL))
CALL(null_many_data, nd_driver_send_to_many(d, &connection, 1, 0, NULL, 7, 0, NULL,
                                            &out.as.number))
CALL(null_begin, nd_driver_begin_send(d, connection, 0, 8, NULL))
CALL(null_end, nd_driver_end_send(d, NULL, 0, 0))
CALL(null_abort, nd_driver_abort_send(d, NULL))

#define NULLED(name) {"NULL " #name, null_##name}
static const struct call null_calls[] = {
    NULLED(settings_init), NULLED(interface_init), NULLED(options_init), NULLED(info_init),
    NULLED(statistics_init), NULLED(simulator_init), NULLED(parse_text), NULLED(parse_out),
    NULLED(format), NULLED(create), NULLED(interface), NULLED(interface_out), NULLED(bind),
    NULLED(local), NULLED(statistics), NULLED(simulator), NULLED(document_path),
    NULLED(document_type), NULLED(document_data), NULLED(document_remove), NULLED(accept),
    NULLED(connect), NULLED(connect_payload), NULLED(connect_out), NULLED(host),
    NULLED(host_payload), NULLED(host_out), NULLED(url), NULLED(url_out), NULLED(close_reason),
    NULLED(state), NULLED(info), NULLED(size), NULLED(payload), NULLED(accept_payload),
    NULLED(header), NULLED(events), NULLED(events_count), NULLED(event), NULLED(event_for),
    NULLED(event_count), NULLED(send), NULLED(many), NULLED(many_data), NULLED(begin),
    NULLED(end), NULLED(abort),
};

/* The calls that name a connection and fail when it is none. */
static const struct call connection_calls[] = {
    NAMED(disconnect),      NAMED(close),    NAMED(get_info),   NAMED(payload_size),
    NAMED(connect_payload), NAMED(get_text), NAMED(get_header), NAMED(send),
    NAMED(begin_send),
};

static void handles(void) {
  nd_driver *stale = NULL, *next = NULL;
  const uintptr_t garbage[] = {1, 2, 3, 0x7ff, 0xdeadbeef, 0xdeadbeed, (uintptr_t)&out,
                               UINTPTR_MAX, UINTPTR_MAX / 2};
  connection = (nd_connection)1 << 32;
  all_must_fail(0, NULL, ND_ERROR_INVALID_HANDLE, "NULL driver");
  for (size_t i = 0; i < COUNT(garbage); i++)
    all_must_fail(0, (nd_driver *)garbage[i], ND_ERROR_INVALID_HANDLE, "garbage");
  NEED_OK(nd_driver_create(NULL, &stale));
  CHECK_OK(nd_driver_destroy(stale));
  all_must_fail(0, stale, ND_ERROR_INVALID_HANDLE, "destroyed driver");
  /* A later driver may take the same place, and must not answer to the old handle. */
  NEED_OK(nd_driver_create(NULL, &next));
  CHECK(next != stale);
  all_must_fail(0, stale, ND_ERROR_INVALID_HANDLE, "handle of an earlier driver");
  CHECK_OK(nd_driver_update(next));
  CHECK_OK(nd_driver_destroy(next));
}

static struct pair udp_pair(nd_connection *outgoing) {
  nd_interface_settings udp = interface_of(ND_INTERFACE_UDP);
  nd_interface_settings websocket = interface_of(ND_INTERFACE_WEBSOCKET);
  struct pair pair = open_pair(&udp, NULL, NULL, "127.0.0.1");
  NEED_OK(nd_driver_add_interface(pair.server, &websocket, &websocket_interface));
  udp_interface = pair.server_interface;
  *outgoing = connect_pair(&pair, &connection);
  return pair;
}

/* A connection still echoes: what was done to its driver before had no effect. */
static void still_works(struct pair *pair, nd_connection outgoing, nd_connection incoming) {
  nd_event event;
  CHECK_OK(nd_driver_send(pair->client, outgoing, 0, message, sizeof message, 0));
  event = next_event(pair, pair->server);
  CHECK(event.connection == incoming);
  CHECK_DATA(event, message, sizeof message);
}

static void null_pointers(void) {
  nd_connection outgoing = 0;
  struct pair pair = udp_pair(&outgoing);
  nd_driver_statistics before, after;
  uint32_t count = 9;
  CHECK_OK(nd_driver_statistics_init(&before));
  CHECK_OK(nd_driver_statistics_init(&after));
  CHECK_OK(nd_driver_get_statistics(pair.server, &before));
  for (size_t i = 0; i < COUNT(null_calls); i++)
    must_fail(&null_calls[i], pair.server, ND_ERROR_NULL_ARGUMENT, ND_ERROR_NULL_ARGUMENT, "NULL");
  CHECK_OK(nd_driver_get_statistics(pair.server, &after));
  CHECK_EQUAL(after.connections, before.connections);
  CHECK_EQUAL(after.connections_outgoing, before.connections_outgoing);
  CHECK_EQUAL(after.messages_out, before.messages_out);
  still_works(&pair, outgoing, connection);
  /* Where the header allows it, NULL is fine. */
  CHECK_OK(nd_driver_get_listening(pair.server, NULL, NULL));
  CHECK_OK(nd_driver_wait(pair.server, 0, NULL));
  CHECK_OK(nd_driver_pop_events(pair.server, NULL, 0, &count));
  CHECK_EQUAL(count, 0);
  CHECK_OK(nd_driver_send(pair.server, connection, 0, NULL, 0, 0));
  CHECK_OK(nd_driver_send_to_many(pair.server, NULL, 0, 0, NULL, 0, 0, NULL, NULL));
  CHECK_OK(nd_driver_set_accept_payload(pair.server, NULL, 0));
  CHECK_OK(nd_connection_get_connect_payload(pair.server, connection, NULL, 0, &count));
  CHECK_EQUAL(count, 0);
  CHECK_OK(nd_log_set_callback(ND_LOG_INFO, NULL, NULL));
  close_pair(&pair);
}

static void connections(void) {
  nd_connection outgoing = 0, living;
  struct pair pair = udp_pair(&outgoing);
  const nd_connection unknown[] = {NEVER_GIVEN_OUT, 0, 1, UINT64_MAX};
  int32_t state = 9;
  uint32_t count = 9;
  living = connection;
  for (size_t u = 0; u < COUNT(unknown); u++) {
    connection = unknown[u];
    for (size_t i = 0; i < COUNT(connection_calls); i++)
      must_fail(&connection_calls[i], pair.server, ND_ERROR_NETWORK_ID_MISMATCH,
                ND_ERROR_NETWORK_ID_MISMATCH, "unknown connection");
    CHECK_OK(nd_connection_get_state(pair.server, connection, &state));
    CHECK_EQUAL(state, ND_STATE_DISCONNECTED);
  }
  still_works(&pair, outgoing, living);
  connection = living;
  CHECK_OK(nd_driver_disconnect(pair.server, connection));
  CHECK_OK(nd_connection_get_state(pair.server, connection, &state));
  CHECK_EQUAL(state, ND_STATE_DISCONNECTED); /* at once, though its goodbye has not left yet */
  CHECK_RESULT(nd_driver_send(pair.server, connection, 0, message, 7, 0),
               ND_ERROR_NETWORK_STATE_MISMATCH);
  CHECK_OK(nd_driver_disconnect(pair.server, connection)); /* once more does no harm */
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_DISCONNECT);
  for (int round = 0; round < 2; round++) { /* gone, and its place taken by the next one */
    for (size_t i = 0; i < COUNT(connection_calls); i++)
      must_fail(&connection_calls[i], pair.server, ND_ERROR_NETWORK_VERSION_MISMATCH,
                ND_ERROR_NETWORK_VERSION_MISMATCH, "connection of the past");
    CHECK_OK(nd_connection_get_state(pair.server, connection, &state));
    CHECK_EQUAL(state, ND_STATE_DISCONNECTED);
    CHECK_OK(nd_driver_get_event_count(pair.server, connection, &count));
    CHECK_EQUAL(count, 0);
    CHECK_OK(nd_driver_pop_event_for_connection(pair.server, connection, out.as.events));
    CHECK_EQUAL(out.as.events[0].kind, ND_EVENT_EMPTY);
    if (round != 0) break;
    NEED_OK(nd_driver_connect(pair.client, pair.client_interface, &pair.address, NULL, 0,
                              &outgoing));
    living = next_connection(&pair);
    CHECK((uint32_t)living == (uint32_t)connection && living != connection);
    CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
  }
  still_works(&pair, outgoing, living);
  close_pair(&pair);
}

/* As many sends are open as may be. */
static void fill_up(nd_driver *driver) {
  static nd_send open[SENDS_MAX];
  nd_send send;
  /* However much room they ask for, and the last one asks for little. */
  for (uint32_t room = 0; room <= 8; room += 8) {
    for (int i = 0; i < SENDS_MAX; i++)
      if (nd_driver_begin_send(driver, connection, 0, room, &open[i]) != ND_OK)
        CHECK(!"512 sends may be open");
    CHECK_RESULT(nd_driver_begin_send(driver, connection, 0, 8, &send), ND_ERROR_LIMIT_REACHED);
    for (int i = 0; i < SENDS_MAX; i++)
      if (nd_driver_abort_send(driver, &open[i]) != ND_OK) CHECK(!"aborted");
  }
}

static void sends(void) {
  nd_connection outgoing = 0, pending = 0;
  struct pair pair = udp_pair(&outgoing);
  nd_connection both[2] = {connection, NEVER_GIVEN_OUT};
  nd_result results[2] = {9, 9};
  nd_send send;
  uint32_t sent = 9, largest = 0;
  static uint8_t large[4096];
  CHECK_OK(nd_driver_begin_send(pair.server, connection, 0, 8, &send));
  CHECK(send.capacity >= 8 && send.data != NULL);
  memcpy(send.data, message, 8);
  CHECK_OK(nd_driver_end_send(pair.server, &send, 8, 0));
  CHECK_RESULT(nd_driver_end_send(pair.server, &send, 8, 0), ND_ERROR_NETWORK_SEND_HANDLE_INVALID);
  CHECK_RESULT(nd_driver_abort_send(pair.server, &send), ND_ERROR_NETWORK_SEND_HANDLE_INVALID);
  CHECK_OK(nd_driver_begin_send(pair.server, connection, 0, 8, &send));
  CHECK_OK(nd_driver_abort_send(pair.server, &send));
  CHECK_RESULT(nd_driver_abort_send(pair.server, &send), ND_ERROR_NETWORK_SEND_HANDLE_INVALID);
  CHECK_RESULT(nd_driver_end_send(pair.server, &send, 8, 0), ND_ERROR_NETWORK_SEND_HANDLE_INVALID);
  CHECK_OK(nd_driver_begin_send(pair.server, connection, 0, 8, &send));
  CHECK_RESULT(nd_driver_end_send(pair.server, &send, send.capacity + 1, 0),
               ND_ERROR_NETWORK_PACKET_OVERFLOW);
  CHECK_RESULT(nd_driver_end_send(pair.server, &send, 8, 0), ND_ERROR_NETWORK_SEND_HANDLE_INVALID);
  CHECK_OK(nd_driver_begin_send(pair.server, connection, 0, 8, &send));
  CHECK_RESULT(nd_driver_end_send(pair.server, &send, 8, 0x80), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_end_send(pair.server, &send, 8, 0), ND_ERROR_NETWORK_SEND_HANDLE_INVALID);
  /* The capacity that counts is the driver's, not what the program made of it. */
  CHECK_OK(nd_driver_begin_send(pair.server, connection, 0, 8, &send));
  send.capacity = UINT32_MAX;
  CHECK_RESULT(nd_driver_end_send(pair.server, &send, UINT32_MAX, 0),
               ND_ERROR_NETWORK_PACKET_OVERFLOW);
  CHECK_OK(nd_driver_begin_send(pair.server, connection, 0, 8, &send));
  CHECK_OK(nd_driver_update(pair.server)); /* aborts what was left open */
  CHECK_RESULT(nd_driver_end_send(pair.server, &send, 8, 0), ND_ERROR_NETWORK_SEND_HANDLE_INVALID);

  fill_up(pair.server);
  CHECK_OK(nd_connection_get_payload_size_max(pair.server, connection, 0, &largest));
  CHECK(largest > 1000 && largest < 1472);
  CHECK_OK(nd_driver_send(pair.server, connection, 0, large, largest, 0));
  CHECK_RESULT(nd_driver_send(pair.server, connection, 0, large, largest + 1, 0),
               ND_ERROR_NETWORK_PACKET_OVERFLOW);
  CHECK_RESULT(nd_driver_begin_send(pair.server, connection, 0, largest + 1, &send),
               ND_ERROR_NETWORK_PACKET_OVERFLOW);
  CHECK_RESULT(nd_driver_send(pair.server, connection, 1, message, 7, 0),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_send(pair.server, connection, 0, message, 7, 3),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_send(pair.server, connection, 0, message, 7, ND_SEND_FLAG_TEXT),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_begin_send(pair.server, connection, 200, 8, &send),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_connection_get_payload_size_max(pair.server, connection, 9, &largest),
               ND_ERROR_INVALID_ARGUMENT);
  CHECK_OK(nd_driver_send_to_many(pair.server, both, 2, 0, message, 7, 0, results, &sent));
  CHECK_EQUAL(sent, 1);
  CHECK_RESULT(results[0], ND_OK);
  CHECK_RESULT(results[1], ND_ERROR_NETWORK_ID_MISMATCH);
  /* The client may not send before it is connected. */
  NEED_OK(nd_driver_connect(pair.client, pair.client_interface, &pair.address, NULL, 0, &pending));
  CHECK_RESULT(nd_driver_send(pair.client, pending, 0, message, 7, 0),
               ND_ERROR_NETWORK_STATE_MISMATCH);
  close_pair(&pair);
}

static void *sleeper(void *driver) {
  /* The other thread may be inside a call when this one begins. */
  while (nd_driver_wait(driver, PATIENCE_MS, NULL) == ND_ERROR_DRIVER_IN_USE) {
  }
  return NULL;
}

static void two_threads(void) {
  nd_connection outgoing = 0;
  struct pair pair = udp_pair(&outgoing);
  const struct timespec moment = {0, 1000000};
  int64_t start = now_ms();
  nd_event event;
  pthread_t thread;
  turn_for(&pair, 5);
  CHECK_EQUAL(pthread_create(&thread, NULL, sleeper, pair.server), 0);
  while (nd_driver_flush(pair.server) != ND_ERROR_DRIVER_IN_USE && now_ms() < start + PATIENCE_MS)
    nanosleep(&moment, NULL);
  all_must_fail(0, pair.server, ND_ERROR_DRIVER_IN_USE, "another thread waits in the driver");
  CHECK_OK(nd_driver_send(pair.client, outgoing, 0, message, sizeof message, 0));
  CHECK_OK(nd_driver_flush(pair.client)); /* wakes the sleeper */
  CHECK_EQUAL(pthread_join(thread, NULL), 0);
  CHECK(now_ms() < start + PATIENCE_MS);
  event = next_event(&pair, pair.server);
  CHECK_DATA(event, message, sizeof message);
  close_pair(&pair);
}

#ifdef ND_TEST_HOOKS
/* Only a library built with its test hooks has it. */
extern nd_result nd_test_panic(nd_driver *driver);

static int lines_logged;

static void count_line(uint32_t level, const char *text, void *user) {
  CHECK(level == ND_LOG_ERROR && text[0] != '\0' && user == &lines_logged);
  lines_logged += 1;
}

static void panics(void) {
  nd_connection outgoing = 0;
  struct pair pair = udp_pair(&outgoing);
  CHECK_OK(nd_log_set_callback(ND_LOG_ERROR, count_line, &lines_logged));
  CHECK_RESULT(nd_test_panic(NULL), ND_ERROR_INVALID_HANDLE);
  CHECK_RESULT(nd_test_panic(pair.server), ND_ERROR_PANIC);
  CHECK(lines_logged >= 1);
  all_must_fail(1, pair.server, ND_ERROR_PANIC, "the driver has failed inside");
  CHECK_OK(nd_driver_update(pair.client)); /* the others go on */
  CHECK_OK(nd_driver_destroy(pair.server));
  CHECK_RESULT(nd_driver_destroy(pair.server), ND_ERROR_INVALID_HANDLE);
  CHECK_OK(nd_log_set_callback(0, NULL, NULL));
  CHECK_OK(nd_driver_destroy(pair.client));
}

/* In a process of its own, which ends by SIGKILL when all is well: the library gives the memory of
 * a driver that failed inside up on purpose, and no leak checker should find that. */
static void panic_in_a_child(void) {
#ifdef _WIN32
  panics();
#else
  int status = 0, failed = checks_failed;
  pid_t child;
  fflush(NULL);
  child = fork();
  if (child == 0) {
    panics();
    if (checks_failed == failed) kill(getpid(), SIGKILL);
    _exit(1);
  }
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
#endif
}
#endif

int main(void) {
  settings = default_settings();
  interface_settings = interface_of(ND_INTERFACE_UDP);
  NEED_OK(nd_network_simulator_init(&simulator));
  NEED_OK(nd_endpoint_parse("127.0.0.1", 9, ND_FAMILY_IPV4, &somewhere));
#ifdef ND_TEST_HOOKS
  panic_in_a_child(); /* before there are threads: it forks */
#endif
  handles();
  null_pointers();
  connections();
  sends();
  two_threads();
  return finish();
}
