/* What the examples share: the command line, a clock, the signal to stop, and how to fail.
 * Include it first: it asks the C library for POSIX. It knows nothing of any game or protocol. */
#ifndef EXAMPLES_COMMON_H
#define EXAMPLES_COMMON_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <inttypes.h>
#include <netdriver.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A signal is noticed between two waits: no wait is longer than this. */
#define WAIT_MS_MAX 100
/* How long a program that leaves waits for its goodbyes to be answered, at most. */
#define LEAVE_MS_MAX 4000
/* Largest page that is served from a file. */
#define PAGE_SIZE_MAX (1 << 20)
/* Longest error text that is shown. */
#define ERROR_TEXT_MAX 512
/* Stages of a pipeline. */
#define STAGES_MAX 16

/* Microseconds since some moment in the past; never runs backwards. */
static inline uint64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* Set by SIGINT and SIGTERM. */
static volatile sig_atomic_t stop_requested;

static inline void on_stop_signal(int number) {
  (void)number;
  stop_requested = 1;
}

static inline void stop_on_signals(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_stop_signal;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

/* Ends the program when a call failed that it cannot go on without. */
static inline void require(nd_result result, const char *call) {
  char text[ERROR_TEXT_MAX] = "";
  if (result == ND_OK) return;
  nd_last_error(text, sizeof text, NULL);
  fprintf(stderr, "%s failed (%s): %s\n", call, nd_result_name(result), text);
  exit(1);
}

/* For calls of a loop that goes on: the failure of one socket is told, anything else is fatal. */
static inline void keep_running(nd_result result, const char *call) {
  char text[ERROR_TEXT_MAX] = "";
  if (result != ND_ERROR_NETWORK_SOCKET) {
    require(result, call);
    return;
  }
  nd_last_error(text, sizeof text, NULL);
  fprintf(stderr, "%s: %s\n", call, text);
}

/* The header and the library that was loaded must belong together. */
static inline void require_library(void) {
  if (nd_abi_version() == ND_ABI_VERSION) return;
  fprintf(stderr, "this program needs ABI %d, the library %s has %" PRIu32 "\n", ND_ABI_VERSION,
          nd_version(), nd_abi_version());
  exit(1);
}

/* The value of an option such as `--udp 7777`, or NULL when argv[*at] is not that option. */
static inline const char *option(int argc, char **argv, int *at, const char *name) {
  if (strcmp(argv[*at], name) != 0) return NULL;
  if (*at + 1 >= argc) {
    fprintf(stderr, "%s needs a value\n", name);
    exit(2);
  }
  *at += 1;
  return argv[*at];
}

/* A whole number from 0 to max. */
static inline uint32_t number(const char *text, uint32_t max, const char *what) {
  char *end = NULL;
  unsigned long long value = strtoull(text, &end, 10);
  if (*text < '0' || *text > '9' || *end != '\0' || value > max) {
    fprintf(stderr, "%s is \"%s\"; it must be a number from 0 to %" PRIu32 "\n", what, text, max);
    exit(2);
  }
  return (uint32_t)value;
}

/* A file as bytes, such as a certificate; the program ends when it cannot be read. */
static inline uint8_t *read_file(const char *path, uint32_t *length) {
  FILE *file = fopen(path, "rb");
  uint8_t *bytes = NULL;
  long size = -1;
  if (file != NULL && fseek(file, 0, SEEK_END) == 0) size = ftell(file);
  if (size >= 0 && size <= INT32_MAX && fseek(file, 0, SEEK_SET) == 0)
    bytes = malloc((size_t)size + 1);
  if (bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size) {
    fprintf(stderr, "cannot read %s\n", path);
    exit(1);
  }
  fclose(file);
  *length = (uint32_t)size;
  return bytes;
}

/* A certificate chain and its key; free both pointers when the library has copied them. */
static inline nd_tls_identity read_identity(const char *certificate, const char *key) {
  nd_tls_identity identity;
  identity.certificate = read_file(certificate, &identity.certificate_length);
  identity.key = read_file(key, &identity.key_length);
  return identity;
}

/* Switches compression on, for messages of every length. */
static inline void compress_all(nd_settings *settings, int keep_contexts) {
  settings->deflate = 1;
  settings->deflate_minimum_length = 1;
  if (keep_contexts) settings->deflate_no_context_takeover = 0;
}

/* One stage of a list of pipelines: "frag", "useq", "sim" or "reliable", the first and the last with
 * a number where it is not the driver's: frag:BYTES, reliable:WINDOW. */
static inline nd_pipeline_stage stage_named(const char *text) {
  nd_pipeline_stage stage;
  const char *colon = strchr(text, ':');
  size_t length = colon == NULL ? strlen(text) : (size_t)(colon - text);
  uint32_t value = colon == NULL ? 0 : number(colon + 1, INT32_MAX, text);
  memset(&stage, 0, sizeof stage);
  if (colon != NULL && value == 0) {
    fprintf(stderr, "%s is \"0\"; it must be from 1 on\n", text);
    exit(2);
  }
  if (length == 4 && strncmp(text, "frag", length) == 0) {
    stage.stage = ND_PIPELINE_STAGE_FRAGMENTATION;
    stage.payload_capacity = value;
  } else if (length == 8 && strncmp(text, "reliable", length) == 0) {
    stage.stage = ND_PIPELINE_STAGE_RELIABLE_SEQUENCED;
    stage.window_size = value;
  } else if (strcmp(text, "useq") == 0) {
    stage.stage = ND_PIPELINE_STAGE_UNRELIABLE_SEQUENCED;
  } else if (strcmp(text, "sim") == 0) {
    stage.stage = ND_PIPELINE_STAGE_SIMULATOR;
  } else if (strcmp(text, "null") != 0) {
    fprintf(stderr, "\"%s\" is no stage: null, frag[:BYTES], reliable[:WINDOW], useq, sim\n", text);
    exit(2);
  }
  return stage;
}

/* Makes the pipelines of a list such as "frag;useq;reliable:32;frag,reliable:256": numbers 1, 2, …
 * in this order. */
static inline void create_pipelines(nd_driver *driver, const char *list) {
  while (list != NULL) {
    nd_pipeline_stage stages[STAGES_MAX];
    uint32_t count = 0;
    const char *end = strchr(list, ';');
    size_t length = end == NULL ? strlen(list) : (size_t)(end - list);
    char words[256] = "";
    uint8_t made = 0;
    if (length >= sizeof words) length = sizeof words - 1;
    memcpy(words, list, length);
    for (char *word = words; word != NULL && *word != '\0';) {
      char *comma = strchr(word, ',');
      if (comma != NULL) *comma = '\0';
      if (count == STAGES_MAX) {
        fprintf(stderr, "a pipeline has at most %d stages\n", STAGES_MAX);
        exit(2);
      }
      stages[count++] = stage_named(word);
      word = comma == NULL ? NULL : comma + 1;
    }
    require(nd_driver_create_pipeline(driver, stages, count, &made), "nd_driver_create_pipeline");
    list = end == NULL ? NULL : end + 1;
  }
}

static inline uint32_t add_interface(nd_driver *driver, uint32_t kind) {
  nd_interface_settings settings;
  uint32_t number_of_it = 0;
  require(nd_interface_settings_init(&settings, kind), "nd_interface_settings_init");
  require(nd_driver_add_interface(driver, &settings, &number_of_it), "nd_driver_add_interface");
  return number_of_it;
}

/* Binds an interface to every address of this machine; returns the port, which the system has
 * chosen when it was 0. A socket has one family: IPv6 is a second endpoint on the same port. */
static inline uint16_t bind_port(nd_driver *driver, uint32_t interface_index, uint16_t port,
                                 int ipv6) {
  nd_endpoint any;
  uint32_t binding = 0;
  require(nd_endpoint_parse("0.0.0.0", port, ND_FAMILY_IPV4, &any), "nd_endpoint_parse");
  require(nd_driver_bind(driver, interface_index, &any, &binding), "nd_driver_bind");
  require(nd_driver_get_local_endpoint(driver, interface_index, binding, &any),
          "nd_driver_get_local_endpoint");
  port = any.port;
  if (ipv6) {
    require(nd_endpoint_parse("::", port, ND_FAMILY_IPV6, &any), "nd_endpoint_parse");
    require(nd_driver_bind(driver, interface_index, &any, NULL), "nd_driver_bind");
  }
  return port;
}

/* Serves a file as the page at "/", on the port of a WebSocket interface. */
static inline void serve_page(nd_driver *driver, uint32_t websocket, const char *path) {
  static uint8_t page[PAGE_SIZE_MAX];
  FILE *file = fopen(path, "rb");
  size_t length = 0;
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  length = fread(page, 1, sizeof page, file);
  if (ferror(file) || !feof(file)) {
    fprintf(stderr, "%s cannot be read, or has more than %d bytes\n", path, PAGE_SIZE_MAX);
    exit(1);
  }
  fclose(file);
  require(nd_driver_set_document(driver, websocket, "/", "text/html; charset=utf-8", page,
                                 (uint32_t)length),
          "nd_driver_set_document");
}

/* Prints {"listening":{"udp":PORT,"ws":PORT,"tcp":PORT}} with those that were asked for; -1 is
 * "not". */
static inline void print_ports(int udp, int ws, int tcp) {
  const struct {
    const char *name;
    int port;
  } all[] = {{"udp", udp}, {"ws", ws}, {"tcp", tcp}};
  const char *comma = "";
  printf("{\"listening\":{");
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (all[i].port < 0) continue;
    printf("%s\"%s\":%d", comma, all[i].name, all[i].port);
    comma = ",";
  }
  printf("}}\n");
  fflush(stdout); /* whoever started this program waits for the line */
}

static inline void print_listening(int udp, int ws) { print_ports(udp, ws, -1); }

/* Lets goodbyes out and their answers in. */
static inline void leave(nd_driver *driver) {
  nd_driver_statistics s;
  uint64_t end = now_us() + LEAVE_MS_MAX * 1000u;
  nd_driver_flush(driver);
  nd_driver_statistics_init(&s);
  while (nd_driver_get_statistics(driver, &s) == ND_OK && s.connections_closing > 0 &&
         now_us() < end) {
    nd_driver_wait(driver, 10, NULL);
    nd_driver_update(driver);
  }
}

/* Is this well-formed UTF-8? */
static inline int is_utf8(const uint8_t *text, uint32_t length) {
  static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
  uint32_t at = 0;
  while (at < length) {
    uint8_t first = text[at++];
    uint32_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
    uint32_t value = more == 0 ? first : first & (0x3Fu >> more);
    if ((first & 0xC0) == 0x80 || first >= 0xF8 || more > length - at) return 0;
    for (uint32_t i = 0; i < more; i++) {
      if ((text[at] & 0xC0) != 0x80) return 0;
      value = value << 6 | (text[at++] & 0x3Fu);
    }
    if (value < smallest[more] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return 0;
  }
  return 1;
}

/* A text as a JSON string. It must be valid UTF-8; control characters are escaped. */
static inline void print_json_string(FILE *out, const char *text) {
  fputc('"', out);
  for (const char *at = text; *at != '\0'; at++) {
    unsigned char byte = (unsigned char)*at;
    if (byte == '"' || byte == '\\') {
      fprintf(out, "\\%c", byte);
    } else if (byte < 0x20 || byte == 0x7f) {
      fprintf(out, "\\u%04x", byte);
    } else {
      fputc(byte, out);
    }
  }
  fputc('"', out);
}

/* The counters of a driver as members of a JSON object, without its braces. */
static inline void print_statistics(nd_driver *driver) {
  nd_driver_statistics s;
  require(nd_driver_statistics_init(&s), "nd_driver_statistics_init");
  require(nd_driver_get_statistics(driver, &s), "nd_driver_get_statistics");
  printf("\"connections\":%" PRIu32 ",\"handshakes_pending\":%" PRIu32, s.connections,
         s.handshakes_pending);
  printf(",\"connections_closing\":%" PRIu32, s.connections_closing);
  const struct {
    const char *name;
    uint64_t value;
  } counters[] = {
      {"connections_incoming", s.connections_incoming},
      {"connections_outgoing", s.connections_outgoing},
      {"messages_in", s.messages_in},
      {"messages_out", s.messages_out},
      {"bytes_in", s.bytes_in},
      {"bytes_out", s.bytes_out},
      {"datagrams_in", s.datagrams_in},
      {"datagrams_out", s.datagrams_out},
      {"stream_bytes_in", s.stream_bytes_in},
      {"stream_bytes_out", s.stream_bytes_out},
      {"malformed_in", s.malformed_in},
      {"unknown_token_in", s.unknown_token_in},
      {"old_protocol_in", s.old_protocol_in},
      {"dropped_in", s.dropped_in},
      {"refused_out", s.refused_out},
      {"protocol_errors", s.protocol_errors},
      {"handshakes_failed", s.handshakes_failed},
      {"documents_served", s.documents_served},
      {"connections_refused", s.connections_refused},
      {"handshakes_too_large", s.handshakes_too_large},
      {"handshakes_malformed", s.handshakes_malformed},
      {"handshakes_not_found", s.handshakes_not_found},
      {"handshakes_timed_out", s.handshakes_timed_out},
      {"handshakes_abandoned", s.handshakes_abandoned},
      {"handshakes_displaced", s.handshakes_displaced},
      {"handshakes_overloaded", s.handshakes_overloaded},
      {"connections_timed_out", s.connections_timed_out},
      {"connections_lost", s.connections_lost},
      {"messages_too_big", s.messages_too_big},
      {"payloads_invalid", s.payloads_invalid},
      {"tls_failures", s.tls_failures},
  };
  for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
    printf(",\"%s\":%" PRIu64, counters[i].name, counters[i].value);
}

#endif
