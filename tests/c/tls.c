/* TLS through the ABI: certificates good and bad, texts, both dialects, replacement, mistakes. It
 * reads tests/certificates, so it runs in the root of the tree. */
#include "pair.h"

#include <stddef.h>

#define CERTIFICATES "tests/certificates/"
#define PEM_MAX 4096

struct pem {
  uint8_t bytes[PEM_MAX];
  uint32_t length;
};

static struct pem authority, server_chain, server_key, player_chain, player_key;

static struct pem load(const char *path) {
  struct pem pem;
  FILE *file = fopen(path, "rb");
  memset(&pem, 0, sizeof pem);
  CHECK(file != NULL);
  if (file == NULL) return pem;
  pem.length = (uint32_t)fread(pem.bytes, 1, sizeof pem.bytes, file);
  fclose(file);
  CHECK(pem.length > 100 && pem.length < PEM_MAX);
  return pem;
}

static nd_tls_identity identity_of(const struct pem *chain, const struct pem *key) {
  nd_tls_identity identity;
  identity.certificate = chain->bytes;
  identity.certificate_length = chain->length;
  identity.key = key->bytes;
  identity.key_length = key->length;
  return identity;
}

/* A client that trusts the tests' authority and nobody else. */
static nd_tls_client client_tls(void) {
  nd_tls_client tls;
  NEED_OK(nd_tls_client_init(&tls));
  tls.use_system_roots = 0;
  tls.ca = authority.bytes;
  tls.ca_length = authority.length;
  return tls;
}

static nd_tls_server server_tls(const nd_tls_identity *identity) {
  nd_tls_server tls;
  NEED_OK(nd_tls_server_init(&tls));
  tls.identities = identity;
  tls.identity_count = 1;
  return tls;
}

static struct pair open_secure(uint32_t kind, const nd_tls_server *tls) {
  nd_interface_settings settings = interface_of(kind);
  struct pair pair = open_pair(&settings, NULL, NULL, "127.0.0.1");
  CHECK_OK(nd_driver_set_tls_server(pair.server, pair.server_interface, tls));
  return pair;
}

static nd_connection connect_secure(struct pair *pair, const nd_tls_client *tls) {
  nd_connect_options options;
  char url[TEXT_MAX];
  nd_connection outgoing = 0;
  NEED_OK(nd_connect_options_init(&options));
  CHECK(options.tls == NULL);
  options.tls = tls;
  snprintf(url, sizeof url, "wss://localhost:%u/room", (unsigned)pair->address.port);
  NEED_OK(nd_driver_connect_url(pair->client, url, &options, &outgoing));
  return outgoing;
}

static void text_of(nd_driver *driver, nd_connection connection, uint32_t kind, char *text) {
  CHECK_OK(nd_connection_get_text(driver, connection, kind, text, PEM_MAX, NULL));
}

static void echo_over(struct pair *pair, nd_connection outgoing, nd_connection incoming) {
  static const uint8_t hello[] = "hello";
  nd_event event;
  CHECK_OK(nd_driver_send(pair->client, outgoing, 0, hello, 5, 0));
  event = next_event(pair, pair->server);
  CHECK(event.connection == incoming);
  CHECK_DATA(event, hello, 5);
  CHECK_OK(nd_driver_send(pair->server, incoming, 0, hello, 5, 0));
  event = next_event(pair, pair->client);
  CHECK_DATA(event, hello, 5);
}

static void plain_dialect(void) {
  nd_tls_identity identity = identity_of(&server_chain, &server_key);
  nd_tls_server server = server_tls(&identity);
  nd_tls_client client = client_tls();
  struct pair pair = open_secure(ND_INTERFACE_WEBSOCKET, &server);
  char text[PEM_MAX] = "";
  nd_connection outgoing = connect_secure(&pair, &client), incoming;
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
  incoming = next_connection(&pair);
  echo_over(&pair, outgoing, incoming);
  text_of(pair.server, incoming, ND_TEXT_TLS_VERSION, text);
  CHECK_TEXT(text, "TLSv1.3");
  text_of(pair.client, outgoing, ND_TEXT_TLS_CIPHER, text);
  CHECK(strncmp(text, "TLS_", 4) == 0);
  text_of(pair.server, incoming, ND_TEXT_TLS_SERVER_NAME, text);
  CHECK_TEXT(text, "localhost");
  text_of(pair.client, outgoing, ND_TEXT_TLS_PEER_CERTIFICATE, text);
  CHECK(strncmp(text, (const char *)server_chain.bytes, server_chain.length) == 0);
  text_of(pair.server, incoming, ND_TEXT_TLS_PEER_CERTIFICATE, text);
  CHECK_TEXT(text, "");
  close_pair(&pair);
}

/* nd_driver_connect on an interface whose clients speak TLS. */
static void utp_dialect(uint32_t kind) {
  nd_tls_identity identity = identity_of(&server_chain, &server_key);
  nd_tls_server server = server_tls(&identity);
  nd_tls_client client = client_tls();
  struct pair pair = open_secure(kind, &server);
  char text[PEM_MAX] = "";
  nd_connection outgoing, incoming = 0;
  CHECK_OK(nd_driver_set_tls_client(pair.client, pair.client_interface, &client));
  outgoing = connect_pair(&pair, &incoming);
  echo_over(&pair, outgoing, incoming);
  text_of(pair.client, outgoing, ND_TEXT_TLS_VERSION, text);
  CHECK_TEXT(text, "TLSv1.3");
  close_pair(&pair);
}

static void expect_failure(struct pair *pair, nd_connection connection, const char *words) {
  char text[TEXT_MAX] = "";
  nd_event event = next_event(pair, pair->client);
  CHECK(event.connection == connection);
  CHECK_EQUAL(event.kind, ND_EVENT_DISCONNECT);
  CHECK_EQUAL(event.reason, ND_DISCONNECT_AUTHENTICATION_FAILURE);
  CHECK_EQUAL(event.close_code, 0);
  if (event.data_length < sizeof text && event.data_length != 0)
    memcpy(text, event.data, event.data_length);
  if (strstr(text, words) == NULL) fprintf(stderr, "  \"%s\"\n", text);
  CHECK(strstr(text, words) != NULL);
}

static void failures(void) {
  nd_tls_identity identity = identity_of(&server_chain, &server_key), player;
  nd_tls_server server = server_tls(&identity);
  nd_tls_client client = client_tls();
  nd_driver_statistics statistics;
  struct pair pair;
  server.client_certificates = ND_TLS_CLIENT_CERTIFICATES_REQUIRED;
  server.client_ca = authority.bytes;
  server.client_ca_length = authority.length;
  server.client_name = "player";
  pair = open_secure(ND_INTERFACE_WEBSOCKET, &server);
  expect_failure(&pair, connect_secure(&pair, &client), "certificate required");
  client.server_name = "elsewhere.example";
  expect_failure(&pair, connect_secure(&pair, &client), "another host");
  client.server_name = NULL;
  client.ca = player_chain.bytes; /* somebody who issued nothing */
  client.ca_length = player_chain.length;
  expect_failure(&pair, connect_secure(&pair, &client), "unknown issuer");
  CHECK_OK(nd_driver_statistics_init(&statistics));
  turn_for(&pair, 20);
  CHECK_OK(nd_driver_get_statistics(pair.server, &statistics));
  CHECK_EQUAL(statistics.tls_failures, 3);
  CHECK_EQUAL(statistics.connections_incoming, 0);

  player = identity_of(&player_chain, &player_key);
  client = client_tls();
  client.identity = player;
  client.version_min = ND_TLS_VERSION_1_3;
  connect_secure(&pair, &client);
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);
  client.insecure = 1;
  client.server_name = "elsewhere.example";
  connect_secure(&pair, &client);
  CHECK_EQUAL(next_event(&pair, pair.client).kind, ND_EVENT_CONNECT);

  /* Plain again: a client of TLS finds none. */
  CHECK_OK(nd_driver_set_tls_server(pair.server, pair.server_interface, NULL));
  expect_failure(&pair, connect_secure(&pair, &client), "does not speak TLS");
  close_pair(&pair);
}

static void bad(nd_driver *driver, const nd_tls_server *tls, const char *words) {
  char text[TEXT_MAX] = "";
  CHECK_RESULT(nd_driver_set_tls_server(driver, 0, tls), ND_ERROR_INVALID_ARGUMENT);
  CHECK_OK(nd_last_error(text, sizeof text, NULL));
  if (strstr(text, words) == NULL) fprintf(stderr, "  \"%s\"\n", text);
  CHECK(strstr(text, words) != NULL);
}

static void mistakes(void) {
  nd_interface_settings settings = interface_of(ND_INTERFACE_WEBSOCKET);
  nd_tls_identity identity = identity_of(&server_chain, &player_key);
  nd_tls_server server = server_tls(&identity);
  nd_tls_client client = client_tls();
  nd_driver *driver = NULL;
  uint32_t number = 0;
  NEED_OK(nd_driver_create(NULL, &driver));
  NEED_OK(nd_driver_add_interface(driver, &settings, &number));
  bad(driver, &server, "key do not work");
  identity = identity_of(&server_key, &server_key);
  bad(driver, &server, "certificate 0");
  identity = identity_of(&server_chain, &server_key);
  server.identity_count = 65;
  bad(driver, &server, "64");
  server.identity_count = 0;
  bad(driver, &server, "1 to 64");
  server.identity_count = 1;
  server.version_min = 11;
  bad(driver, &server, "version_min");
  server.version_min = ND_TLS_VERSION_1_2;
  server.client_certificates = 3;
  bad(driver, &server, "client_certificates");
  server.client_certificates = ND_TLS_CLIENT_CERTIFICATES_REQUIRED;
  bad(driver, &server, "client_ca");
  server.client_certificates = ND_TLS_CLIENT_CERTIFICATES_NONE;
  server.reserved = 1;
  bad(driver, &server, "reserved");
  server.reserved = 0;
  server.identities = NULL;
  CHECK_RESULT(nd_driver_set_tls_server(driver, 0, &server), ND_ERROR_NULL_ARGUMENT);
  client.use_system_roots = 2;
  CHECK_RESULT(nd_driver_set_tls_client(driver, 0, &client), ND_ERROR_INVALID_ARGUMENT);
  client = client_tls();
  client.ca = NULL;
  CHECK_RESULT(nd_driver_set_tls_client(driver, 0, &client), ND_ERROR_NULL_ARGUMENT);
  client = client_tls();
  client.struct_size = 4;
  CHECK_RESULT(nd_driver_set_tls_client(driver, 0, &client), ND_ERROR_STRUCT_SIZE);
  client = client_tls();
  CHECK_RESULT(nd_driver_set_tls_client(driver, 1, &client), ND_ERROR_INVALID_ARGUMENT);
  CHECK_RESULT(nd_driver_set_tls_client(NULL, 0, &client), ND_ERROR_INVALID_HANDLE);
  CHECK_RESULT(nd_tls_client_init(NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_RESULT(nd_tls_server_init(NULL), ND_ERROR_NULL_ARGUMENT);
  CHECK_OK(nd_driver_set_tls_client(driver, 0, NULL));
  settings = interface_of(ND_INTERFACE_UDP);
  NEED_OK(nd_driver_add_interface(driver, &settings, &number));
  CHECK_RESULT(nd_driver_set_tls_client(driver, number, &client), ND_ERROR_NOT_SUPPORTED);
  CHECK_OK(nd_driver_destroy(driver));
}

int main(void) {
  authority = load(CERTIFICATES "ca.pem");
  server_chain = load(CERTIFICATES "localhost.pem");
  server_key = load(CERTIFICATES "localhost.key");
  player_chain = load(CERTIFICATES "player.pem");
  player_key = load(CERTIFICATES "player.key");
  plain_dialect();
  utp_dialect(ND_INTERFACE_WEBSOCKET);
  utp_dialect(ND_INTERFACE_TCP);
  failures();
  mistakes();
  return finish();
}
