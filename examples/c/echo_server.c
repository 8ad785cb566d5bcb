/* echo_server: sends every message back on the connection, pipeline and kind it came with.
 *
 *   echo_server --udp PORT --ws PORT --tcp PORT
 *               [--ipv6] [--dialect auto|utp|plain] [--sub-protocols a,b]
 *               [--message-size-max BYTES] [--deflate] [--deflate-level 1-9]
 *               [--keep-contexts] [--ping-interval MS] [--seconds N] [--verbose]
 *               [--trusted-proxies a,b/8] [--proxy-protocol]   behind proxies
 *               [--pipelines "frag;useq;reliable:32;frag,reliable:32"]   numbers 1, 2, … in order
 *               [--tls-cert FILE --tls-key FILE]   wss instead of ws, TLS over tcp; PEM
 *               [--tls-ca FILE]                    and only clients with a certificate from there
 *
 * One driver serves UDP clients, TCP clients, WebSocket clients and browsers. A port of 0 picks a
 * free one; the first line of output names the ports, the last one holds the counters. Open
 * http://HOST:WSPORT/ in a browser to type messages. --verbose tells on stderr who comes and goes.
 *
 * It shows what to do when an echo does not fit into the send queue: see hold() and serve(). */
#include "common.h"

#define EVENTS_AT_ONCE 64
#define CODE_GOING_AWAY 1001

/* A copy of a message that found the send queue full. */
struct held {
  struct held *next;
  uint32_t length, flags;
  uint8_t pipeline;
  uint8_t data[];
};

struct client {
  nd_connection connection; /* 0: nobody has this slot */
  struct held *first, *last;
};

struct server {
  nd_driver *driver;
  struct client *clients; /* by the low half of their connection, which is a small number */
  uint32_t capacity;
  uint32_t blocked; /* clients that have something held */
  uint64_t not_echoed;
  int verbose;
};

/* C99 promises no string longer than 4095 characters: a larger page belongs into a file. */
static const char PAGE[] =
    "<!doctype html><html lang=en><meta charset=utf-8>"
    "<meta name=viewport content='width=device-width,initial-scale=1'><title>echo</title>"
    "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;"
    "padding:0 1rem;background:#12161c;color:#dde4ee}input,button{font:inherit;"
    "padding:.4rem .7rem;border:1px solid #3a4656;border-radius:6px;"
    "background:#1c232d;color:inherit}form{display:flex;gap:.5rem;"
    "flex-wrap:wrap}input{flex:1;min-width:10rem}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere}"
    "</style><h1>echo</h1><form><input id=text value=hello autofocus aria-label=message>"
    "<button>send text</button><button type=button id=binary>send bytes</button>"
    "<button type=button id=close>close</button></form><pre id=log></pre><script>"
    "const $=id=>document.getElementById(id);"
    "const say=line=>{$('log').textContent=line+'\\n'+$('log').textContent};"
    "const scheme=location.protocol==='https:'?'wss://':'ws://';"
    "const socket=new WebSocket(scheme+location.host+'/');socket.binaryType='arraybuffer';"
    "socket.onopen=()=>say('open');"
    "socket.onclose=e=>say('closed '+e.code+' '+e.reason+(e.wasClean?' (clean)':' (not clean)'));"
    "socket.onmessage=e=>say(typeof e.data==='string'?'text   '+e.data:"
    "'bytes  '+[...new Uint8Array(e.data)].map(b=>b.toString(16).padStart(2,'0')).join(' '));"
    "document.forms[0].onsubmit=e=>{e.preventDefault();socket.send($('text').value)};"
    "$('binary').onclick=()=>socket.send(new TextEncoder().encode($('text').value));"
    "$('close').onclick=()=>socket.close(1000,'bye');"
    "</script></html>";

static void *checked(void *memory) {
  if (memory == NULL) {
    fprintf(stderr, "out of memory\n");
    exit(1);
  }
  return memory;
}

static struct client *client_of(struct server *server, nd_connection connection) {
  return &server->clients[(uint32_t)connection];
}

static void forget(struct server *server, struct client *client) {
  if (client->first != NULL) server->blocked -= 1;
  while (client->first != NULL) {
    struct held *next = client->first->next;
    free(client->first);
    client->first = next;
  }
  client->last = NULL;
  client->connection = 0;
}

static void tell_accept(struct server *server, nd_connection connection) {
  nd_connection_info info;
  char address[132] = "", peer[132] = "", path[256] = "", sub_protocol[128] = "";
  nd_connection_info_init(&info);
  if (nd_connection_get_info(server->driver, connection, &info) != ND_OK) return;
  nd_endpoint_format(&info.remote, address, sizeof address, NULL);
  nd_endpoint_format(&info.peer, peer, sizeof peer, NULL);
  nd_connection_get_text(server->driver, connection, ND_TEXT_PATH, path, sizeof path, NULL);
  nd_connection_get_text(server->driver, connection, ND_TEXT_SUB_PROTOCOL, sub_protocol,
                         sizeof sub_protocol, NULL);
  int direct = strcmp(address, peer) == 0;
  fprintf(stderr, "%" PRIu64 " accepted from %s%s%s over %s, %s dialect, path \"%s\", \"%s\"\n",
          connection, address, direct ? "" : " through ", direct ? "" : peer,
          info.interface_kind == ND_INTERFACE_UDP   ? "udp"
          : info.interface_kind == ND_INTERFACE_TCP ? "tcp"
                                                    : "ws",
          info.dialect == ND_DIALECT_UTP ? "utp" : "plain", path, sub_protocol);
}

static void accept_all(struct server *server) {
  nd_connection connection = 0;
  while (nd_driver_accept(server->driver, &connection) == ND_OK && connection != 0) {
    uint32_t slot = (uint32_t)connection;
    if (slot >= server->capacity) {
      uint32_t capacity = slot * 2 + 64;
      server->clients = checked(realloc(server->clients, capacity * sizeof *server->clients));
      memset(server->clients + server->capacity, 0,
             (capacity - server->capacity) * sizeof *server->clients);
      server->capacity = capacity;
    }
    forget(server, &server->clients[slot]);
    server->clients[slot].connection = connection;
    if (server->verbose) tell_accept(server, connection);
  }
}

/* An event's data lives until the next update: what has to wait longer is copied. */
static void hold(struct server *server, struct client *client, const nd_event *event) {
  struct held *held = checked(malloc(sizeof *held + event->data_length));
  held->next = NULL;
  held->length = event->data_length;
  held->flags = event->flags & ND_EVENT_FLAG_TEXT ? ND_SEND_FLAG_TEXT : 0;
  held->pipeline = event->pipeline;
  if (held->length != 0) memcpy(held->data, event->data, held->length);
  if (client->first == NULL) {
    client->first = held;
    server->blocked += 1;
  } else {
    client->last->next = held;
  }
  client->last = held;
}

static void count_failure(struct server *server, nd_connection connection, nd_result result) {
  server->not_echoed += 1;
  if (server->verbose)
    fprintf(stderr, "%" PRIu64 " not echoed: %s\n", connection, nd_result_name(result));
}

/* Tries again what is held. Cheap enough for every update; a Writable event makes
 * nd_driver_wait return as soon as there is a reason to. */
static void retry_held(struct server *server) {
  for (uint32_t slot = 0; slot < server->capacity && server->blocked != 0; slot++) {
    struct client *client = &server->clients[slot];
    while (client->first != NULL) {
      struct held *held = client->first;
      nd_result result = nd_driver_send(server->driver, client->connection, held->pipeline,
                                        held->data, held->length, held->flags);
      if (result == ND_ERROR_NETWORK_SEND_QUEUE_FULL) break;
      if (result != ND_OK) count_failure(server, client->connection, result);
      client->first = held->next;
      free(held);
      if (client->first == NULL) server->blocked -= 1;
    }
  }
}

static void echo(struct server *server, const nd_event *event) {
  struct client *client = client_of(server, event->connection);
  if (client->first != NULL) { /* behind what already waits, or the order would change */
    hold(server, client, event);
    return;
  }
  uint32_t flags = event->flags & ND_EVENT_FLAG_TEXT ? ND_SEND_FLAG_TEXT : 0;
  nd_result result = nd_driver_send(server->driver, event->connection, event->pipeline,
                                    event->data, event->data_length, flags);
  if (result == ND_ERROR_NETWORK_SEND_QUEUE_FULL) {
    hold(server, client, event);
  } else if (result != ND_OK) { /* for one, the peer is gone already */
    count_failure(server, event->connection, result);
  }
}

static void handle(struct server *server, const nd_event *event) {
  if (event->kind == ND_EVENT_DATA) echo(server, event);
  if (event->kind != ND_EVENT_DISCONNECT) return;
  if (server->verbose)
    fprintf(stderr, "%" PRIu64 " left: %s, close code %u, \"%.*s\"%s\n", event->connection,
            nd_disconnect_reason_name(event->reason), (unsigned)event->close_code,
            (int)event->data_length, event->data == NULL ? "" : (const char *)event->data,
            event->flags & ND_EVENT_FLAG_CLEAN ? ", clean" : "");
  forget(server, client_of(server, event->connection));
}

static void serve(struct server *server) {
  nd_event events[EVENTS_AT_ONCE];
  uint32_t count = 0;
  while (server->blocked == 0) { /* the fast way, while everybody reads what we send */
    require(nd_driver_pop_events(server->driver, events, EVENTS_AT_ONCE, &count),
            "nd_driver_pop_events");
    for (uint32_t i = 0; i < count; i++) handle(server, &events[i]);
    if (count == 0) return;
  }
  /* Somebody does not read. His further events stay in the driver: they count against his inbound
   * limit, the driver stops reading from him, and so he is slowed down instead of our memory
   * growing. The others are served one by one meanwhile. */
  for (uint32_t slot = 0; slot < server->capacity; slot++) {
    struct client *client = &server->clients[slot];
    while (client->connection != 0 && client->first == NULL) {
      require(nd_driver_pop_event_for_connection(server->driver, client->connection, &events[0]),
              "nd_driver_pop_event_for_connection");
      if (events[0].kind == ND_EVENT_EMPTY) break;
      handle(server, &events[0]);
    }
  }
}

static void say_goodbye(struct server *server) {
  static const uint8_t reason[] = "the server ends";
  for (uint32_t slot = 0; slot < server->capacity; slot++) {
    struct client *client = &server->clients[slot];
    if (client->connection != 0)
      nd_driver_close(server->driver, client->connection, CODE_GOING_AWAY, reason,
                      sizeof reason - 1);
    forget(server, client);
  }
  leave(server->driver);
}

static void usage(void) {
  fprintf(stderr,
          "usage: echo_server --udp PORT --ws PORT --tcp PORT [--ipv6]\n"
          "                   [--dialect auto|utp|plain] [--sub-protocols a,b]\n"
          "                   [--message-size-max BYTES]\n"
          "                   [--deflate] [--deflate-level 1-9] [--keep-contexts]\n"
          "                   [--ping-interval MS]\n"
          "                   [--seconds N] [--verbose] [--pipelines LIST]\n"
          "                   [--tls-cert FILE --tls-key FILE] [--tls-ca FILE]\n"
          "                   [--trusted-proxies a,b/8] [--proxy-protocol]\n");
  exit(2);
}

static uint32_t dialect_named(const char *name) {
  if (strcmp(name, "auto") == 0) return ND_DIALECT_AUTO;
  if (strcmp(name, "utp") == 0) return ND_DIALECT_UTP;
  if (strcmp(name, "plain") == 0) return ND_DIALECT_PLAIN;
  usage();
  return 0;
}

/* What the command line asks for. */
struct options {
  int udp, ws, tcp; /* ports; -1 is none */
  int ipv6, deflate, keep_contexts, verbose, proxy_protocol;
  uint32_t dialect, seconds, message_size_max, deflate_level; /* 0: as it is */
  int32_t ping_interval_ms; /* -1: as it is */
  const char *sub_protocols, *tls_cert, *tls_key, *tls_ca, *trusted_proxies, *pipelines;
};

static struct options read_options(int argc, char **argv) {
  struct options o = {
      .udp = -1, .ws = -1, .tcp = -1, .dialect = ND_DIALECT_AUTO, .ping_interval_ms = -1};
  const char *value;
  for (int i = 1; i < argc; i++) {
    if ((value = option(argc, argv, &i, "--udp"))) o.udp = (int)number(value, 65535, "--udp");
    else if ((value = option(argc, argv, &i, "--ws"))) o.ws = (int)number(value, 65535, "--ws");
    else if ((value = option(argc, argv, &i, "--tcp"))) o.tcp = (int)number(value, 65535, "--tcp");
    else if ((value = option(argc, argv, &i, "--dialect"))) o.dialect = dialect_named(value);
    else if ((value = option(argc, argv, &i, "--sub-protocols"))) o.sub_protocols = value;
    else if ((value = option(argc, argv, &i, "--tls-cert"))) o.tls_cert = value;
    else if ((value = option(argc, argv, &i, "--tls-key"))) o.tls_key = value;
    else if ((value = option(argc, argv, &i, "--tls-ca"))) o.tls_ca = value;
    else if ((value = option(argc, argv, &i, "--seconds")))
      o.seconds = number(value, UINT32_MAX / 1000, "--seconds");
    else if ((value = option(argc, argv, &i, "--ping-interval")))
      o.ping_interval_ms = (int32_t)number(value, INT32_MAX, "--ping-interval");
    else if ((value = option(argc, argv, &i, "--message-size-max")))
      o.message_size_max = number(value, UINT32_MAX / 4, "--message-size-max");
    else if ((value = option(argc, argv, &i, "--deflate-level")))
      o.deflate_level = number(value, 9, "--deflate-level");
    else if ((value = option(argc, argv, &i, "--pipelines"))) o.pipelines = value;
    else if ((value = option(argc, argv, &i, "--trusted-proxies"))) o.trusted_proxies = value;
    else if (strcmp(argv[i], "--proxy-protocol") == 0) o.proxy_protocol = 1;
    else if (strcmp(argv[i], "--ipv6") == 0) o.ipv6 = 1;
    else if (strcmp(argv[i], "--deflate") == 0) o.deflate = 1;
    else if (strcmp(argv[i], "--keep-contexts") == 0) o.keep_contexts = 1;
    else if (strcmp(argv[i], "--verbose") == 0) o.verbose = 1;
    else usage();
  }
  if (o.udp < 0 && o.ws < 0 && o.tcp < 0) usage();
  if ((o.tls_cert == NULL) != (o.tls_key == NULL)) usage();
  return o;
}

static nd_driver *create_driver(const struct options *o) {
  nd_driver *driver;
  nd_settings settings;
  require(nd_settings_init(&settings), "nd_settings_init");
  settings.optional_events = ND_OPTIONAL_EVENT_WRITABLE;
  if (o->deflate) compress_all(&settings, o->keep_contexts);
  if (o->deflate_level > 0) settings.deflate_level = o->deflate_level;
  if (o->ping_interval_ms >= 0) settings.ping_interval_ms = o->ping_interval_ms;
  if (o->message_size_max > 0) {
    settings.websocket_message_size_max = o->message_size_max;
    uint32_t two = 2 * o->message_size_max; /* one on its way, one waiting */
    if (settings.inbound_bytes_max < two) settings.inbound_bytes_max = two;
    if (settings.outbound_bytes_max < two) settings.outbound_bytes_max = two;
  }
  require(nd_driver_create(&settings, &driver), "nd_driver_create");
  create_pipelines(driver, o->pipelines);
  return driver;
}

static int serve_udp(nd_driver *driver, const struct options *o) {
  uint32_t index = add_interface(driver, ND_INTERFACE_UDP);
  return bind_port(driver, index, (uint16_t)o->udp, o->ipv6);
}

/* wss instead of ws, TLS over tcp; with --tls-ca only for clients that show a certificate. */
static void secure(nd_driver *driver, uint32_t index, const struct options *o) {
  nd_tls_server tls;
  nd_tls_identity identity = read_identity(o->tls_cert, o->tls_key);
  uint8_t *authority = NULL;
  require(nd_tls_server_init(&tls), "nd_tls_server_init");
  tls.identities = &identity;
  tls.identity_count = 1;
  if (o->tls_ca != NULL) {
    authority = read_file(o->tls_ca, &tls.client_ca_length);
    tls.client_ca = authority;
    tls.client_certificates = ND_TLS_CLIENT_CERTIFICATES_REQUIRED;
  }
  require(nd_driver_set_tls_server(driver, index, &tls), "nd_driver_set_tls_server");
  free(authority);
  free((void *)identity.certificate);
  free((void *)identity.key);
}

static int serve_websocket(nd_driver *driver, const struct options *o) {
  nd_interface_settings websocket;
  uint32_t index = 0;
  require(nd_interface_settings_init(&websocket, ND_INTERFACE_WEBSOCKET),
          "nd_interface_settings_init");
  websocket.dialect = o->dialect;
  websocket.sub_protocols = o->sub_protocols;
  websocket.trusted_proxies = o->trusted_proxies;
  websocket.proxy_protocol = (uint32_t)o->proxy_protocol;
  require(nd_driver_add_interface(driver, &websocket, &index), "nd_driver_add_interface");
  require(nd_driver_set_document(driver, index, "/", "text/html; charset=utf-8",
                                 (const uint8_t *)PAGE, sizeof PAGE - 1),
          "nd_driver_set_document");
  if (o->tls_cert != NULL) secure(driver, index, o);
  return bind_port(driver, index, (uint16_t)o->ws, o->ipv6);
}

static int serve_tcp(nd_driver *driver, const struct options *o) {
  nd_interface_settings tcp;
  uint32_t index = 0;
  require(nd_interface_settings_init(&tcp, ND_INTERFACE_TCP), "nd_interface_settings_init");
  tcp.trusted_proxies = o->trusted_proxies;
  tcp.proxy_protocol = (uint32_t)o->proxy_protocol;
  require(nd_driver_add_interface(driver, &tcp, &index), "nd_driver_add_interface");
  if (o->tls_cert != NULL) secure(driver, index, o);
  return bind_port(driver, index, (uint16_t)o->tcp, o->ipv6);
}

int main(int argc, char **argv) {
  struct options o = read_options(argc, argv);
  require_library();
  stop_on_signals();

  struct server server = {.verbose = o.verbose, .driver = create_driver(&o)};
  int udp = o.udp < 0 ? -1 : serve_udp(server.driver, &o);
  int ws = o.ws < 0 ? -1 : serve_websocket(server.driver, &o);
  int tcp = o.tcp < 0 ? -1 : serve_tcp(server.driver, &o);
  require(nd_driver_listen(server.driver), "nd_driver_listen");
  print_ports(udp, ws, tcp);

  uint64_t end = o.seconds == 0 ? UINT64_MAX : now_us() + (uint64_t)o.seconds * 1000000u;
  while (!stop_requested && now_us() < end) {
    keep_running(nd_driver_wait(server.driver, WAIT_MS_MAX, NULL), "nd_driver_wait");
    keep_running(nd_driver_update(server.driver), "nd_driver_update");
    accept_all(&server);
    retry_held(&server);
    serve(&server);
    keep_running(nd_driver_flush(server.driver), "nd_driver_flush"); /* not with the next update */
  }
  say_goodbye(&server);
  printf("{\"final\":true,");
  print_statistics(server.driver);
  printf(",\"not_echoed\":%" PRIu64 "}\n", server.not_echoed);
  free(server.clients);
  require(nd_driver_destroy(server.driver), "nd_driver_destroy");
  return 0;
}
