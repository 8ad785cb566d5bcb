/* echo_client: sends messages to an echo server, checks what comes back, measures round trips.
 *
 *   echo_client udp|tcp|utp-ws HOST PORT  [options]  UTP dialect, over UDP, TCP or WebSocket
 *   echo_client ws://HOST:PORT/PATH   [options]      plain dialect; wss:// with TLS
 *     --count N           messages to send; 0: until --seconds are over (default 1000)
 *     --size BYTES        of each message (default 32)
 *     --text              send text (plain dialect)
 *     --window W          messages under way at once (default 1)
 *     --seconds N         the most that all of it may take (default 30)
 *     --sub-protocols a,b to offer, best first (plain dialect)
 *     --deflate           compress messages of every length where the server can (plain dialect)
 *     --keep-contexts     with the memory of earlier messages
 *     --tls-ca FILE       whom to trust beside the system, in PEM (tcp, utp-ws: speak TLS)
 *     --tls-insecure      trust everybody (tcp, utp-ws: speak TLS)
 *     --tls-cert FILE --tls-key FILE  to show to servers that ask for a certificate
 *     --proxy URL         http://user:password@host:port or socks5://… (with a URL)
 *     --no-proxy LIST     servers that are reached without it
 *     --proxy-from-environment        the one that HTTP_PROXY and the like name
 *     --pipelines LIST    "frag;useq;reliable:32;frag,reliable:32": as the server has them
 *     --pipeline N        send through the Nth of them (default 0: none)
 *     --redirects N       HTTP redirects to follow (with a URL; default 0)
 *
 * Ends with a line of quantiles and one JSON line of counters. The exit code is 0 only when every
 * message came back as it was sent; over UDP some may get lost, which the counters tell. A pipeline
 * with "reliable" loses none; the reliable counters tell what it took. */
#include "common.h"

#define SEQUENCE_DIGITS 8 /* a message starts with so many digits of its number, if it has room */
#define WINDOW_MAX 65536
#define SIZE_MAX_BYTES (256u << 20)
#define SAMPLES_MAX 1000000 /* round trips kept for the quantiles */
#define LOST_AFTER_US 2000000u /* a datagram that is not back by then counts as lost */
#define EVENTS_AT_ONCE 64

struct flight {
  uint64_t sent_us;
  int under_way;
};

struct client {
  nd_driver *driver;
  nd_connection connection;
  uint32_t count, size, window, seconds;
  int text, datagrams, plain;
  uint8_t pipeline;
  int connected, ended, send_queue_full;
  uint64_t oldest, next; /* numbers of the oldest message under way and of the next to send */
  struct flight *flights; /* of message n: flights[n % window] */
  uint8_t *message;       /* room for one */
  uint64_t received, lost, wrong;
  uint32_t *samples; /* microseconds */
  size_t sample_count;
  nd_pipeline_statistics counted;
};

/* The content of message n: its number in hexadecimal digits, then a pattern. */
static void compose(struct client *client, uint64_t n) {
  static const char digits[] = "0123456789abcdef";
  uint8_t *message = client->message;
  uint32_t head = client->size < SEQUENCE_DIGITS ? client->size : SEQUENCE_DIGITS;
  for (uint32_t i = 0; i < head; i++) message[head - 1 - i] = (uint8_t)digits[n >> (4 * i) & 15];
  for (uint32_t i = head; i < client->size; i++)
    message[i] = (uint8_t)(client->text ? 'a' + (n + i) % 26 : n * 31 + i * 7 + (i >> 8));
}

/* Which message under way an echo answers: the first one whose low digits are those of the echo.
 * A stream keeps the order, so there it is always the oldest. */
static uint64_t number_of(const struct client *client, const uint8_t *data, uint32_t length) {
  uint64_t value = 0, modulus = 1;
  uint32_t head = length < SEQUENCE_DIGITS ? length : SEQUENCE_DIGITS;
  if (!client->datagrams) return client->oldest;
  for (uint32_t i = 0; i < head; i++) {
    uint32_t digit = (data[i] <= '9' ? data[i] : data[i] - 'a' + 10u) & 15;
    value = value * 16 + digit;
    modulus *= 16;
  }
  return client->oldest + (value - client->oldest) % modulus;
}

/* Moves over what is no longer under way. */
static void advance(struct client *client) {
  while (client->oldest < client->next &&
         !client->flights[client->oldest % client->window].under_way)
    client->oldest += 1;
}

static void receive(struct client *client, const nd_event *event) {
  int is_text = (event->flags & ND_EVENT_FLAG_TEXT) != 0;
  uint64_t n = number_of(client, event->data, event->data_length);
  struct flight *flight = &client->flights[n % client->window];
  if (n >= client->next || !flight->under_way) {
    /* Datagrams may arrive twice, or after they were given up; a stream has no excuse. */
    if (!client->datagrams) client->wrong += 1;
    return;
  }
  compose(client, n);
  uint8_t pipeline = client->plain ? 0 : client->pipeline;
  if (event->data_length != client->size || is_text != client->text ||
      event->pipeline != pipeline ||
      (client->size != 0 && memcmp(event->data, client->message, client->size) != 0)) {
    client->wrong += 1;
  } else {
    client->received += 1;
    if (client->sample_count < SAMPLES_MAX)
      client->samples[client->sample_count++] = (uint32_t)(now_us() - flight->sent_us);
  }
  flight->under_way = 0;
  advance(client);
}

static void handle(struct client *client, const nd_event *event) {
  if (event->kind == ND_EVENT_CONNECT) client->connected = 1;
  if (event->kind == ND_EVENT_DATA) receive(client, event);
  if (event->kind == ND_EVENT_WRITABLE) client->send_queue_full = 0;
  if (event->kind != ND_EVENT_DISCONNECT) return;
  client->ended = 1;
  fprintf(stderr, "the connection ended: %s, close code %u, \"%.*s\"\n",
          nd_disconnect_reason_name(event->reason), (unsigned)event->close_code,
          (int)event->data_length, event->data == NULL ? "" : (const char *)event->data);
}

static void give_up_lost(struct client *client) {
  uint64_t now = now_us();
  for (uint64_t n = client->oldest; client->datagrams && n < client->next; n++) {
    struct flight *flight = &client->flights[n % client->window];
    if (!flight->under_way || now - flight->sent_us < LOST_AFTER_US) continue;
    flight->under_way = 0;
    client->lost += 1;
  }
  advance(client);
}

/* Fills the window. When the send queue is full, a Writable event tells when to go on. */
static void send_more(struct client *client) {
  while (client->connected && !client->ended && !client->send_queue_full &&
         client->next - client->oldest < client->window &&
         (client->count == 0 || client->next < client->count)) {
    struct flight *flight = &client->flights[client->next % client->window];
    compose(client, client->next);
    nd_result result =
        nd_driver_send(client->driver, client->connection, client->pipeline, client->message,
                       client->size, client->text ? ND_SEND_FLAG_TEXT : 0);
    if (result == ND_ERROR_NETWORK_SEND_QUEUE_FULL) {
      client->send_queue_full = 1;
      return;
    }
    if (result == ND_ERROR_NETWORK_STATE_MISMATCH || result == ND_ERROR_NETWORK_VERSION_MISMATCH)
      return; /* ended just now: its Disconnect event comes with the next update */
    require(result, "nd_driver_send");
    flight->sent_us = now_us();
    flight->under_way = 1;
    client->next += 1;
  }
}

static void run(struct client *client) {
  nd_event events[EVENTS_AT_ONCE];
  uint64_t end = now_us() + (uint64_t)client->seconds * 1000000u;
  int out_of_time = 0;
  while (!stop_requested && !client->ended) {
    uint32_t count = 0;
    int all_sent = client->count != 0 ? client->next == client->count : out_of_time;
    if (all_sent && client->oldest == client->next) return;
    /* Without a count, what is under way when the time is over still gets its chance. */
    if (now_us() >= end) {
      if (client->count != 0 || !client->connected || now_us() >= end + LOST_AFTER_US) return;
      out_of_time = 1;
    }
    keep_running(nd_driver_wait(client->driver, WAIT_MS_MAX, NULL), "nd_driver_wait");
    keep_running(nd_driver_update(client->driver), "nd_driver_update");
    do {
      require(nd_driver_pop_events(client->driver, events, EVENTS_AT_ONCE, &count),
              "nd_driver_pop_events");
      for (uint32_t i = 0; i < count; i++) handle(client, &events[i]);
    } while (count != 0);
    give_up_lost(client);
    if (!out_of_time) send_more(client);
    keep_running(nd_driver_flush(client->driver), "nd_driver_flush");
  }
}

static int ascending(const void *left, const void *right) {
  uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
  return (a > b) - (a < b);
}

static uint32_t quantile(const struct client *client, uint32_t percent) {
  if (client->sample_count == 0) return 0;
  return client->samples[(client->sample_count - 1) * percent / 100];
}

/* The program ends when --pipelines makes no such pipeline. */
static void check_pipeline(const struct client *client) {
  uint32_t count = 0;
  require(nd_driver_get_pipeline_count(client->driver, &count), "nd_driver_get_pipeline_count");
  if (client->pipeline <= count) return;
  fprintf(stderr, "--pipeline is %u; --pipelines makes %u\n", client->pipeline, count);
  exit(2);
}

/* What the reliable stage of the pipeline has counted; 0 where there is none. */
static void print_reliable(const struct client *client) {
  nd_pipeline_statistics s = client->counted;
  printf("\"resent\":%" PRIu64 ",\"acks_sent\":%" PRIu64 ",\"acks_received\":%" PRIu64
         ",\"duplicated\":%" PRIu64 ",\"round_trip_smoothed_us\":%" PRIu64 ",",
         s.reliable_packets_resent, s.reliable_acks_sent, s.reliable_acks_received,
         s.reliable_packets_duplicated, s.round_trip_smoothed_us);
}

/* Prints the outcome; returns the exit code. */
static int report(struct client *client) {
  uint64_t missing = 0;
  for (uint64_t n = client->oldest; n < client->next; n++)
    missing += (uint64_t)client->flights[n % client->window].under_way;
  int complete = client->connected && !client->ended && client->wrong == 0 && missing == 0 &&
                 (client->count == 0 || client->next == client->count) &&
                 (client->received != 0 || client->next == 0);
  int ok = complete && (client->datagrams || client->lost == 0);
  if (!client->connected && !client->ended)
    fprintf(stderr, "no connection within %" PRIu32 " seconds\n", client->seconds);
  qsort(client->samples, client->sample_count, sizeof *client->samples, ascending);
  printf("round trip of %zu messages: p50 %" PRIu32 " p90 %" PRIu32 " p99 %" PRIu32 " max %" PRIu32
         " us\n",
         client->sample_count, quantile(client, 50), quantile(client, 90), quantile(client, 99),
         quantile(client, 100));
  printf("{\"final\":true,\"ok\":%s,\"connected\":%s,\"sent\":%" PRIu64 ",\"received\":%" PRIu64
         ",\"wrong\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"p50_us\":%" PRIu32 ",\"p90_us\":%" PRIu32
         ",\"p99_us\":%" PRIu32 ",\"max_us\":%" PRIu32 ",",
         ok ? "true" : "false", client->connected ? "true" : "false", client->next,
         client->received, client->wrong, client->lost + missing, quantile(client, 50),
         quantile(client, 90), quantile(client, 99), quantile(client, 100));
  print_reliable(client);
  print_statistics(client->driver);
  printf("}\n");
  return ok ? 0 : 1;
}

static void usage(void) {
  fprintf(stderr,
          "usage: echo_client udp|tcp|utp-ws HOST PORT | URL [--count N] [--size BYTES] [--text]\n"
          "                   [--window W] [--seconds N] [--sub-protocols a,b]\n"
          "                   [--deflate] [--keep-contexts]\n"
          "                   [--tls-ca FILE] [--tls-insecure] [--tls-cert FILE --tls-key FILE]\n"
          "                   [--proxy URL] [--no-proxy LIST] [--proxy-from-environment]\n"
          "                   [--proxy-tls-ca FILE] [--redirects N]\n"
          "                   [--pipelines LIST] [--pipeline N]\n");
  exit(2);
}

/* Files with certificates and keys. */
struct tls_files {
  const char *ca, *cert, *key, *proxy_ca;
  int insecure;
};

/* Takes the options of TLS. */
static int tls_option(int argc, char **argv, int *at, struct tls_files *files) {
  const char *value;
  if ((value = option(argc, argv, at, "--tls-ca"))) files->ca = value;
  else if ((value = option(argc, argv, at, "--tls-cert"))) files->cert = value;
  else if ((value = option(argc, argv, at, "--tls-key"))) files->key = value;
  else if ((value = option(argc, argv, at, "--proxy-tls-ca"))) files->proxy_ca = value;
  else if (strcmp(argv[*at], "--tls-insecure") == 0) files->insecure = 1;
  else return 0;
  return 1;
}

/* Takes the options about the way to a URL. */
static int way_option(int argc, char **argv, int *at, nd_connect_options *options) {
  const char *value;
  if ((value = option(argc, argv, at, "--sub-protocols"))) options->sub_protocols = value;
  else if ((value = option(argc, argv, at, "--proxy"))) options->proxy = value;
  else if ((value = option(argc, argv, at, "--no-proxy"))) options->no_proxy = value;
  else if ((value = option(argc, argv, at, "--redirects")))
    options->redirects_max = number(value, UINT32_MAX, "--redirects");
  else if (strcmp(argv[*at], "--proxy-from-environment") == 0) options->proxy_from_environment = 1;
  else return 0;
  return 1;
}

/* How clients on an interface speak TLS. */
static void secure(nd_driver *driver, uint32_t index, const struct tls_files *files) {
  nd_tls_client tls;
  uint8_t *authority = NULL;
  require(nd_tls_client_init(&tls), "nd_tls_client_init");
  tls.insecure = (uint32_t)files->insecure;
  if (files->ca != NULL) {
    authority = read_file(files->ca, &tls.ca_length);
    tls.ca = authority;
  }
  if (files->cert != NULL && files->key != NULL)
    tls.identity = read_identity(files->cert, files->key);
  require(nd_driver_set_tls_client(driver, index, &tls), "nd_driver_set_tls_client");
  free(authority);
  free((void *)tls.identity.certificate);
  free((void *)tls.identity.key);
}

/* Connects to a URL; an https:// proxy is trusted when that file's authority vouches for it. */
static void connect_url(struct client *client, const char *url, const nd_connect_options *given,
                        const char *proxy_ca) {
  nd_connect_options options = *given;
  nd_tls_client tls;
  uint8_t *authority = NULL;
  require(nd_tls_client_init(&tls), "nd_tls_client_init");
  if (proxy_ca != NULL) {
    authority = read_file(proxy_ca, &tls.ca_length);
    tls.ca = authority;
    options.proxy_tls = &tls;
  }
  require(nd_driver_connect_url(client->driver, url, &options, &client->connection),
          "nd_driver_connect_url");
  free(authority);
  client->plain = 1;
}

static uint32_t interface_named(const char *name) {
  if (strcmp(name, "udp") == 0) return ND_INTERFACE_UDP;
  if (strcmp(name, "tcp") == 0) return ND_INTERFACE_TCP;
  if (strcmp(name, "utp-ws") == 0) return ND_INTERFACE_WEBSOCKET;
  usage();
  return 0;
}

/* Begins to connect; `where` are the arguments that are no options. */
static void open_connection(struct client *client, char **where, int count,
                            const nd_connect_options *options, const struct tls_files *files) {
  int tls = files->ca != NULL || files->cert != NULL || files->insecure;
  if (count == 1 && strncmp(where[0], "ws", 2) == 0) {
    /* The interface's TLS is that of wss:// URLs; without it they trust what the system trusts. */
    if (tls) secure(client->driver, add_interface(client->driver, ND_INTERFACE_WEBSOCKET), files);
    connect_url(client, where[0], options, files->proxy_ca);
    return;
  }
  if (count != 3) usage();
  uint32_t kind = interface_named(where[0]);
  client->datagrams = kind == ND_INTERFACE_UDP;
  uint32_t index = add_interface(client->driver, kind);
  if (tls) secure(client->driver, index, files);
  uint16_t port = (uint16_t)number(where[2], 65535, "PORT");
  require(nd_driver_connect_host(client->driver, index, where[1], port, NULL, 0,
                                 &client->connection),
          "nd_driver_connect_host");
}

int main(int argc, char **argv) {
  struct client client = {0};
  char *where[3] = {NULL, NULL, NULL};
  const char *value, *pipelines = NULL;
  nd_connect_options options;
  struct tls_files files = {0};
  int where_count = 0, deflate = 0, keep_contexts = 0;
  client.count = 1000, client.size = 32, client.window = 1, client.seconds = 30;
  require(nd_connect_options_init(&options), "nd_connect_options_init");
  for (int i = 1; i < argc; i++) {
    if ((value = option(argc, argv, &i, "--count")))
      client.count = number(value, UINT32_MAX, "--count");
    else if ((value = option(argc, argv, &i, "--size")))
      client.size = number(value, SIZE_MAX_BYTES, "--size");
    else if ((value = option(argc, argv, &i, "--window")))
      client.window = number(value, WINDOW_MAX, "--window");
    else if ((value = option(argc, argv, &i, "--seconds")))
      client.seconds = number(value, UINT32_MAX / 1000, "--seconds");
    else if ((value = option(argc, argv, &i, "--pipelines"))) pipelines = value;
    else if ((value = option(argc, argv, &i, "--pipeline")))
      client.pipeline = (uint8_t)number(value, UINT8_MAX, "--pipeline");
    else if (way_option(argc, argv, &i, &options) || tls_option(argc, argv, &i, &files)) continue;
    else if (strcmp(argv[i], "--text") == 0) client.text = 1;
    else if (strcmp(argv[i], "--deflate") == 0) deflate = 1;
    else if (strcmp(argv[i], "--keep-contexts") == 0) keep_contexts = 1;
    else if (argv[i][0] != '-' && where_count < 3) where[where_count++] = argv[i];
    else usage();
  }
  if (client.window == 0) usage();
  require_library();
  stop_on_signals();
  client.flights = calloc(client.window, sizeof *client.flights);
  client.message = malloc((size_t)client.size + 1);
  client.samples = malloc(SAMPLES_MAX * sizeof *client.samples);
  if (client.flights == NULL || client.message == NULL || client.samples == NULL) return 1;

  nd_settings settings;
  require(nd_settings_init(&settings), "nd_settings_init");
  settings.optional_events = ND_OPTIONAL_EVENT_WRITABLE;
  if (deflate) compress_all(&settings, keep_contexts);
  require(nd_driver_create(&settings, &client.driver), "nd_driver_create");
  create_pipelines(client.driver, pipelines);
  check_pipeline(&client);
  open_connection(&client, where, where_count, &options, &files);
  run(&client);
  require(nd_pipeline_statistics_init(&client.counted), "nd_pipeline_statistics_init");
  if (!client.ended) {
    if (client.pipeline != 0)
      nd_connection_get_pipeline_statistics(client.driver, client.connection, client.pipeline,
                                            &client.counted);
    nd_driver_disconnect(client.driver, client.connection);
    leave(client.driver);
  }
  int code = report(&client);
  require(nd_driver_destroy(client.driver), "nd_driver_destroy");
  free(client.flights);
  free(client.message);
  free(client.samples);
  return code;
}
