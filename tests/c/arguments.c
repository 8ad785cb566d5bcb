/* Arguments that are out of range: values that no enumeration has, addresses and URLs that are
 * none, settings out of bounds, buffers that are too small, structs of other versions. */
#include "pair.h"

#include <stddef.h>

#define UNTOUCHED 0xCC
#define STRUCT_SIZE_MAX 4096 /* a larger struct_size is garbage */
#define INTERFACES_MAX 16
#define DOCUMENTS_MAX 64

static const uint8_t message[] = "message";
static nd_endpoint somewhere; /* a valid address */
/* Where calls that fail must not write. */
static nd_connection no_connection;
static uint32_t no_number;
static char text[64];

static void must_be_bad(nd_result result, const char *value) {
  if (result != ND_ERROR_INVALID_ARGUMENT) fprintf(stderr, "  \"%s\"\n", value);
  CHECK_RESULT(result, ND_ERROR_INVALID_ARGUMENT);
}

/* Values that no enumeration has, and texts that are not what they should be. */
static void interfaces(void) {
  const uint32_t kinds[] = {0, ND_INTERFACE_CUSTOM, 6, 255, UINT32_MAX};
  nd_interface_settings wrong;
  nd_driver *driver = NULL;
  NEED_OK(nd_driver_create(NULL, &driver));
  for (size_t i = 0; i < COUNT(kinds); i++) {
    CHECK_RESULT(nd_interface_settings_init(&wrong, kinds[i]), ND_ERROR_INVALID_ARGUMENT);
    wrong = interface_of(ND_INTERFACE_UDP);
    wrong.kind = kinds[i];
    CHECK_RESULT(nd_driver_add_interface(driver, &wrong, &no_number), ND_ERROR_INVALID_ARGUMENT);
  }
  wrong = interface_of(ND_INTERFACE_WEBSOCKET);
  wrong.dialect = 3;
  CHECK_RESULT(nd_driver_add_interface(driver, &wrong, &no_number), ND_ERROR_INVALID_ARGUMENT);
  wrong = interface_of(ND_INTERFACE_WEBSOCKET);
  wrong.path = "no-slash";
  CHECK_RESULT(nd_driver_add_interface(driver, &wrong, &no_number), ND_ERROR_INVALID_ARGUMENT);
  wrong = interface_of(ND_INTERFACE_WEBSOCKET);
  wrong.sub_protocols = "good,no good";
  CHECK_RESULT(nd_driver_add_interface(driver, &wrong, &no_number), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_listen(driver), ND_ERROR_NETWORK_ID_MISMATCH); /* nothing is bound */
  /* None of the above has become an interface: the next one is the first. */
  wrong = interface_of(ND_INTERFACE_UDP);
  CHECK_OK(nd_driver_add_interface(driver, &wrong, &no_number));
  CHECK_EQUAL(no_number, 0);
  for (int i = 1; i < INTERFACES_MAX; i++)
    CHECK_OK(nd_driver_add_interface(driver, &wrong, &no_number));
  CHECK_RESULT(nd_driver_add_interface(driver, &wrong, &no_number), ND_ERROR_LIMIT_REACHED);
  CHECK_OK(nd_driver_destroy(driver));
}

static void urls(void) {
  const char *const bad[] = {"", "ws", "http://localhost/", "ws://", "ws://host:99999/",
                             "ws://host:x/", "ws:///path", "ws://[::1/", "ws://ho st/",
                             "ws://a%zz@host/", "ws://host/\r\nX: y"};
  nd_connect_options options;
  nd_driver *driver = NULL;
  nd_driver_statistics statistics;
  NEED_OK(nd_driver_create(NULL, &driver));
  for (size_t i = 0; i < COUNT(bad); i++)
    must_be_bad(nd_driver_connect_url(driver, bad[i], NULL, &no_connection), bad[i]);
  NEED_OK(nd_connect_options_init(&options));
  options.dialect = 7;
  must_be_bad(nd_driver_connect_url(driver, "ws://localhost:9/", &options, &no_connection), "7");
  NEED_OK(nd_connect_options_init(&options));
  options.headers = "no colon";
  must_be_bad(nd_driver_connect_url(driver, "ws://localhost:9/", &options, &no_connection),
              options.headers);
  NEED_OK(nd_connect_options_init(&options));
  options.sub_protocols = "a,,b c";
  must_be_bad(nd_driver_connect_url(driver, "ws://localhost:9/", &options, &no_connection),
              options.sub_protocols);
  NEED_OK(nd_connect_options_init(&options));
  options.connect_deadline_ms = -1;
  must_be_bad(nd_driver_connect_url(driver, "ws://localhost:9/", &options, &no_connection), "-1");
  CHECK_EQUAL(no_connection, 0);
  NEED_OK(nd_driver_statistics_init(&statistics));
  CHECK_OK(nd_driver_get_statistics(driver, &statistics));
  CHECK_EQUAL(statistics.connections + statistics.connections_outgoing, 0);
  CHECK_OK(nd_driver_destroy(driver));
}

static void addresses(void) {
  const char *const bad[] = {"",          "localhost", "1.2.3", "1.2.3.4.5",  "256.1.1.1",
                             "::g",       "[::1",      "::1]",  "1.2.3.4:80", " 1.2.3.4",
                             "\xff\xfe", "1::2::3"};
  nd_interface_settings udp = interface_of(ND_INTERFACE_UDP), ipc = interface_of(ND_INTERFACE_IPC);
  struct pair pair = open_pair(&udp, NULL, NULL, "127.0.0.1");
  nd_endpoint endpoint = somewhere;
  static const uint8_t large[2048] = {0};
  for (size_t i = 0; i < COUNT(bad); i++)
    must_be_bad(nd_endpoint_parse(bad[i], 1, ND_FAMILY_INVALID, &endpoint), bad[i]);
  CHECK(memcmp(&endpoint, &somewhere, sizeof endpoint) == 0);
  must_be_bad(nd_endpoint_parse("1.2.3.4", 1, 77, &endpoint), "family 77");
  must_be_bad(nd_endpoint_parse("1.2.3.4", 1, ND_FAMILY_IPV6, &endpoint), "IPv4 as IPv6");
  must_be_bad(nd_endpoint_parse("::1", 1, ND_FAMILY_IPV4, &endpoint), "IPv6 as IPv4");
  endpoint.family = 7;
  must_be_bad(nd_driver_bind(pair.server, 0, &endpoint, NULL), "family 7");
  must_be_bad(nd_driver_connect(pair.server, 0, &endpoint, NULL, 0, &no_connection), "family 7");
  must_be_bad(nd_driver_bind(pair.server, 99, &somewhere, NULL), "interface 99");
  must_be_bad(nd_driver_connect(pair.server, 99, &somewhere, NULL, 0, &no_connection), "99");
  must_be_bad(nd_driver_get_local_endpoint(pair.server, 99, 0, &endpoint), "interface 99");
  CHECK_RESULT(nd_driver_get_local_endpoint(pair.server, 0, 99, &endpoint), ND_ERROR_NOT_FOUND);
  CHECK_RESULT(nd_driver_bind(pair.client, 0, &pair.address, NULL), ND_ERROR_NETWORK_SOCKET);
  CHECK(strlen(last_error()) > 10);
  NEED_OK(nd_driver_add_interface(pair.server, &ipc, &no_number));
  NEED_OK(nd_endpoint_parse("192.0.2.1", 9, ND_FAMILY_IPV4, &endpoint));
  must_be_bad(nd_driver_bind(pair.server, no_number, &endpoint, NULL), "ipc beyond loopback");
  CHECK_RESULT(nd_driver_connect(pair.client, 0, &somewhere, large, 1376, &no_connection),
               ND_ERROR_NETWORK_PACKET_OVERFLOW);
  CHECK_OK(nd_driver_connect(pair.client, 0, &somewhere, large, 1375, &no_connection));
  close_pair(&pair);
  no_connection = 0;
}

static void documents(void) {
  nd_interface_settings websocket = interface_of(ND_INTERFACE_WEBSOCKET);
  nd_interface_settings udp = interface_of(ND_INTERFACE_UDP);
  nd_driver *driver = NULL;
  uint32_t ws = 0, datagrams = 0;
  char path[16];
  NEED_OK(nd_driver_create(NULL, &driver));
  NEED_OK(nd_driver_add_interface(driver, &websocket, &ws));
  NEED_OK(nd_driver_add_interface(driver, &udp, &datagrams));
  must_be_bad(nd_driver_set_document(driver, datagrams, "/", "a/b", message, 7), "over UDP");
  must_be_bad(nd_driver_set_document(driver, 99, "/", "a/b", message, 7), "interface 99");
  must_be_bad(nd_driver_set_document(driver, ws, "no", "a/b", message, 7), "no slash");
  must_be_bad(nd_driver_set_document(driver, ws, "/?q", "a/b", message, 7), "query");
  must_be_bad(nd_driver_set_document(driver, ws, "/", "a\r\nb: c", message, 7), "two lines");
  CHECK_RESULT(nd_driver_remove_document(driver, ws, "/none"), ND_ERROR_NOT_FOUND);
  for (int i = 0; i < DOCUMENTS_MAX; i++) {
    snprintf(path, sizeof path, "/%d", i);
    CHECK_OK(nd_driver_set_document(driver, ws, path, "a/b", message, 7));
  }
  CHECK_RESULT(nd_driver_set_document(driver, ws, "/more", "a/b", message, 7),
               ND_ERROR_LIMIT_REACHED);
  CHECK_OK(nd_driver_set_document(driver, ws, "/0", "a/b", NULL, 0)); /* replaces one */
  CHECK_OK(nd_driver_remove_document(driver, ws, "/0"));
  CHECK_OK(nd_driver_set_document(driver, ws, "/more", "a/b", message, 7));
  CHECK_OK(nd_driver_destroy(driver));
}

static void connection_arguments(void) {
  nd_interface_settings udp = interface_of(ND_INTERFACE_UDP);
  struct pair pair = open_pair(&udp, NULL, NULL, "127.0.0.1");
  nd_connection incoming = 0;
  nd_network_simulator bad;
  volatile float zero = 0;
  connect_pair(&pair, &incoming);
  must_be_bad(nd_connection_get_text(pair.server, incoming, 0, text, sizeof text, NULL), "0");
  must_be_bad(nd_connection_get_text(pair.server, incoming, 99, text, sizeof text, NULL), "99");
  CHECK_OK(nd_connection_get_text(pair.server, incoming, ND_TEXT_PATH, text, sizeof text, NULL));
  CHECK_TEXT(text, ""); /* UDP has none */
  CHECK_RESULT(nd_connection_get_header(pair.server, incoming, "Host", text, sizeof text, NULL),
               ND_ERROR_NOT_FOUND);
  must_be_bad(nd_log_set_callback(4, NULL, NULL), "level 4");
  NEED_OK(nd_network_simulator_init(&bad));
  bad.send_loss_percent = 101;
  must_be_bad(nd_driver_set_network_simulator(pair.server, &bad), "101 percent");
  bad.send_loss_percent = -1;
  must_be_bad(nd_driver_set_network_simulator(pair.server, &bad), "-1 percent");
  bad.send_loss_percent = zero / zero;
  must_be_bad(nd_driver_set_network_simulator(pair.server, &bad), "not a number");
  close_pair(&pair);
}

/* A buffer that is too small: the length is told, the buffer is not touched. */
static void buffers(void) {
  uint32_t length = 0;
  memset(text, UNTOUCHED, sizeof text);
  CHECK_RESULT(nd_endpoint_format(&somewhere, text, 3, &length), ND_ERROR_BUFFER_TOO_SMALL);
  CHECK_EQUAL(length, strlen("127.0.0.1:9"));
  CHECK_EQUAL((uint8_t)text[0], UNTOUCHED);
  CHECK_RESULT(nd_endpoint_format(&somewhere, text, length, NULL),
               ND_ERROR_BUFFER_TOO_SMALL); /* no room for the NUL */
  CHECK_OK(nd_endpoint_format(&somewhere, text, length + 1, NULL));
  CHECK_TEXT(text, "127.0.0.1:9");
  CHECK_RESULT(nd_driver_update(NULL), ND_ERROR_INVALID_HANDLE);
  memset(text, UNTOUCHED, sizeof text);
  CHECK_RESULT(nd_last_error(text, 4, &length), ND_ERROR_BUFFER_TOO_SMALL);
  CHECK_EQUAL((uint8_t)text[0], UNTOUCHED);
  CHECK(length > 10);
}

/* struct_size: what a struct of an older or newer header, or one never initialised, looks like. */
static union sized {
  uint32_t size;
  uint64_t align;
  uint8_t raw[2 * STRUCT_SIZE_MAX];
} sized;

static nd_driver *sized_driver;
static nd_connection sized_connection;

static void init_settings(void) { CHECK_OK(nd_settings_init((nd_settings *)&sized)); }
static nd_result use_settings(void) {
  nd_driver *driver = NULL;
  nd_result result = nd_driver_create((nd_settings *)&sized, &driver);
  if (result == ND_OK) CHECK_OK(nd_driver_destroy(driver));
  return result;
}

static void init_interface(void) {
  CHECK_OK(nd_interface_settings_init((nd_interface_settings *)&sized, ND_INTERFACE_UDP));
}
static nd_result use_interface(void) {
  uint32_t number = 0;
  return nd_driver_add_interface(sized_driver, (nd_interface_settings *)&sized, &number);
}

static void init_options(void) { CHECK_OK(nd_connect_options_init((nd_connect_options *)&sized)); }
static nd_result use_options(void) {
  nd_connection opened = 0;
  nd_result result = nd_driver_connect_url(sized_driver, "ws://127.0.0.1:9/",
                                           (nd_connect_options *)&sized, &opened);
  if (result == ND_OK) CHECK_OK(nd_driver_disconnect(sized_driver, opened));
  return result;
}

static void init_simulator(void) {
  CHECK_OK(nd_network_simulator_init((nd_network_simulator *)&sized));
}
static nd_result use_simulator(void) {
  return nd_driver_set_network_simulator(sized_driver, (nd_network_simulator *)&sized);
}

static void init_info(void) { CHECK_OK(nd_connection_info_init((nd_connection_info *)&sized)); }
static nd_result use_info(void) {
  return nd_connection_get_info(sized_driver, sized_connection, (nd_connection_info *)&sized);
}

static void init_statistics(void) {
  CHECK_OK(nd_driver_statistics_init((nd_driver_statistics *)&sized));
}
static nd_result use_statistics(void) {
  return nd_driver_get_statistics(sized_driver, (nd_driver_statistics *)&sized);
}

static void struct_sizes(void) {
  const struct {
    const char *name;
    uint32_t size;
    uint32_t first; /* size of the first version's */
    void (*init)(void);
    nd_result (*use)(void);
    int is_input;
  } structs[] = {
      {"settings", sizeof(nd_settings), offsetof(nd_settings, deflate),
       init_settings, use_settings, 1},
      {"interface", sizeof(nd_interface_settings),
       offsetof(nd_interface_settings, accept_requests), init_interface,
       use_interface, 1},
      {"options", sizeof(nd_connect_options), offsetof(nd_connect_options, tls),
       init_options, use_options, 1},
      {"simulator", sizeof(nd_network_simulator),
       offsetof(nd_network_simulator, send_bytes_per_second), init_simulator, use_simulator, 1},
      {"info", sizeof(nd_connection_info), offsetof(nd_connection_info, peer),
       init_info, use_info, 0},
      {"statistics", sizeof(nd_driver_statistics),
       offsetof(nd_driver_statistics, handshakes_too_large), init_statistics, use_statistics, 0},
  };
  nd_interface_settings udp = interface_of(ND_INTERFACE_UDP);
  struct pair pair = open_pair(&udp, NULL, NULL, "127.0.0.1");
  nd_connection incoming = 0;
  sized_connection = connect_pair(&pair, &incoming);
  sized_driver = pair.client;
  for (size_t i = 0; i < COUNT(structs); i++) {
    const uint32_t size = structs[i].size;
    const uint32_t wrong[] = {0, 1, 3, 4, structs[i].first - 1, STRUCT_SIZE_MAX + 1, UINT32_MAX};
    memset(&sized, 0, sizeof sized);
    structs[i].init();
    CHECK_EQUAL(sized.size, size);
    CHECK_OK(structs[i].use());
    for (size_t w = 0; w < COUNT(wrong); w++) {
      union sized before;
      memset(&sized, 0, sizeof sized);
      structs[i].init();
      sized.size = wrong[w];
      before = sized;
      if (structs[i].use() != ND_ERROR_STRUCT_SIZE) {
        fprintf(stderr, "  %s of %" PRIu32 " bytes\n", structs[i].name, wrong[w]);
        CHECK(!"ND_ERROR_STRUCT_SIZE");
      }
      CHECK(strstr(last_error(), "struct_size") != NULL);
      CHECK(memcmp(&before, &sized, sizeof sized) == 0);
    }
    memset(&sized, 0, sizeof sized);
    structs[i].init();
    sized.size = size + 16; /* of a newer header, whose new fields are not used */
    CHECK_OK(structs[i].use());
    CHECK_EQUAL(sized.size, size + 16);
    if (!structs[i].is_input) continue;
    sized.raw[size + 8] = 1; /* a new field that this library does not know, and that is used */
    CHECK_RESULT(structs[i].use(), ND_ERROR_STRUCT_SIZE);
  }
  close_pair(&pair);
}

/* Each setting that is out of range is named by the error. */
static void bad_settings(void) {
#define I32(field, value) {#field, offsetof(nd_settings, field), (uint32_t)(value)}
  const struct {
    const char *name;
    size_t offset;
    uint32_t value;
  } bad[] = {
      I32(connect_timeout_ms, -1),      I32(max_connect_attempts, -1),
      I32(disconnect_timeout_ms, -1),   I32(heartbeat_timeout_ms, -1),
      I32(reconnection_timeout_ms, -1), I32(max_frame_time_ms, -1),
      I32(fixed_frame_time_ms, -1),     I32(receive_queue_capacity, 0),
      I32(send_queue_capacity, 0),      I32(send_queue_capacity, -5),
      I32(max_message_size, 0),         I32(max_message_size, 1473),
      I32(optional_events, 0x80),       I32(connections_max, 0),
      I32(inbound_bytes_max, 0),        I32(outbound_bytes_max, 0),
      I32(pending_handshakes_max, 0),   I32(head_size_max, 255),
      I32(head_size_max, 65537),        I32(handshake_timeout_ms, 0),
      I32(plain_grace_ms, -1),          I32(websocket_message_size_max, 0),
      I32(close_timeout_ms, 0),         I32(ping_interval_ms, -1),
      I32(pong_timeout_ms, -1),         I32(deflate, 2),
      I32(deflate_level, 0),            I32(deflate_level, 10),
      I32(deflate_window_bits, 8),      I32(deflate_window_bits, 16),
      I32(deflate_peer_window_bits, 8), I32(deflate_peer_window_bits, 16),
      I32(deflate_no_context_takeover, 4),
      I32(deflate_minimum_length, UINT32_MAX),
      I32(sub_protocol_rule, 2),
      I32(fragment_size, 1),            I32(fragment_size, 124),
      I32(silence_timeout_ms, -1),      I32(tolerate_throttled, 2),
      I32(connect_race_delay_ms, -1),
      I32(perform_path_mtu_discovery, 2),
      I32(unvalidated_connections_max, 0),
      I32(unvalidated_timeout_ms, -1),
      I32(requests_per_address_max, 65535),
      I32(accept_payload_before_validation, 2),
      I32(round_trip_interval_ms, -1),
      I32(path_mtu_raise_interval_ms, -1),
  };
  nd_driver *driver = NULL;
  for (size_t i = 0; i < COUNT(bad); i++) {
    nd_settings wrong = default_settings();
    memcpy((uint8_t *)&wrong + bad[i].offset, &bad[i].value, sizeof bad[i].value);
    CHECK_RESULT(nd_driver_create(&wrong, &driver), ND_ERROR_INVALID_ARGUMENT);
    if (strstr(last_error(), bad[i].name) == NULL) {
      fprintf(stderr, "  %s: \"%s\"\n", bad[i].name, last_error());
      CHECK(!"the error names the setting");
    }
  }
  CHECK(driver == NULL);
}

static void presets(void) {
  nd_settings settings;
  nd_driver *driver = NULL;
  CHECK_RESULT(nd_settings_init_preset(NULL, ND_PRESET_UNITY), ND_ERROR_NULL_ARGUMENT);
  for (uint32_t preset = 0; preset < 6; preset++) {
    int known = preset >= ND_PRESET_UNITY && preset <= ND_PRESET_BEST_HTTP;
    memset(&settings, 0xee, sizeof settings);
    CHECK_RESULT(nd_settings_init_preset(&settings, preset),
                 known ? ND_OK : ND_ERROR_INVALID_ARGUMENT);
    if (!known) continue;
    CHECK_EQUAL(settings.struct_size, sizeof settings);
    CHECK_OK(nd_driver_create(&settings, &driver));
    CHECK_OK(nd_driver_destroy(driver));
  }
  NEED_OK(nd_settings_init_preset(&settings, ND_PRESET_GODOT4));
  CHECK_EQUAL(settings.websocket_message_size_max, 65535);
  CHECK_EQUAL(settings.sub_protocol_rule, ND_SUB_PROTOCOL_STRICT);
  NEED_OK(nd_settings_init_preset(&settings, ND_PRESET_BEST_HTTP));
  CHECK_EQUAL(settings.deflate, 1);
}

static void settings_are_checked_without_a_driver(void) {
  nd_settings settings;
  NEED_OK(nd_settings_init(&settings));
  CHECK_OK(nd_settings_validate(&settings));
  settings.heartbeat_timeout_ms = -1;
  CHECK_RESULT(nd_settings_validate(&settings), ND_ERROR_INVALID_ARGUMENT);
  CHECK(strstr(last_error(), "heartbeat_timeout_ms") != NULL);
  settings.struct_size = 3;
  CHECK_RESULT(nd_settings_validate(&settings), ND_ERROR_STRUCT_SIZE);
  CHECK_RESULT(nd_settings_validate(NULL), ND_ERROR_NULL_ARGUMENT);
}

int main(void) {
  NEED_OK(nd_endpoint_parse("127.0.0.1", 9, ND_FAMILY_IPV4, &somewhere));
  interfaces();
  urls();
  addresses();
  documents();
  connection_arguments();
  buffers();
  struct_sizes();
  bad_settings();
  settings_are_checked_without_a_driver();
  presets();
  return finish();
}
