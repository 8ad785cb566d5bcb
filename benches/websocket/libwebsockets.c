/* libwebsockets on its epoll loop (libuv), as its own example of an echo server uses it: what comes
 * in waits in a list, and leaves when the library says that the socket takes it. */
#include "server.h"

#include <libwebsockets.h>

/* Bytes that one read takes, for all clients. */
#define READ_SIZE (64 << 10)

/* A message, or a piece of one that is longer than a read. */
struct piece {
  struct piece *next;
  size_t length;
  enum lws_write_protocol flags;
  unsigned char bytes[]; /* LWS_PRE for the library's header, then the payload */
};

struct session {
  struct piece *first, *last;
};

/* Sends what waits, until the socket is full. 0, or -1 to end the connection. */
static int send_pieces(struct lws *wsi, struct session *session) {
  while (session->first != NULL) {
    struct piece *piece = session->first;
    if (lws_send_pipe_choked(wsi)) {
      lws_callback_on_writable(wsi);
      return 0;
    }
    int sent = lws_write(wsi, piece->bytes + LWS_PRE, piece->length, piece->flags);
    session->first = piece->next;
    if (session->first == NULL) session->last = NULL;
    size_t length = piece->length;
    free(piece);
    if (sent < (int)length) return -1;
  }
  return 0;
}

static int keep_piece(struct lws *wsi, struct session *session, const void *data, size_t length) {
  struct piece *piece = malloc(sizeof *piece + LWS_PRE + length);
  if (piece == NULL) return -1;
  int kind = lws_frame_is_binary(wsi) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
  piece->next = NULL;
  piece->length = length;
  piece->flags = (enum lws_write_protocol)lws_write_ws_flags(kind, lws_is_first_fragment(wsi),
                                                             lws_is_final_fragment(wsi));
  memcpy(piece->bytes + LWS_PRE, data, length);
  if (session->last == NULL) session->first = piece;
  else session->last->next = piece;
  session->last = piece;
  lws_callback_on_writable(wsi);
  return 0;
}

static int handle(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *data,
                  size_t length) {
  struct session *session = user;
  switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
      memset(session, 0, sizeof *session);
      return 0;
    case LWS_CALLBACK_RECEIVE: return keep_piece(wsi, session, data, length);
    case LWS_CALLBACK_SERVER_WRITEABLE: return send_pieces(wsi, session);
    case LWS_CALLBACK_CLOSED:
      while (session->first != NULL) {
        struct piece *piece = session->first;
        session->first = piece->next;
        free(piece);
      }
      return 0;
    default: return 0;
  }
}

int main(int argc, char **argv) {
  static const struct lws_protocols PROTOCOLS[] = {
      {"echo", handle, sizeof(struct session), READ_SIZE, 0, NULL, 0},
      {NULL, NULL, 0, 0, 0, NULL, 0}};
  static const struct lws_extension EXTENSIONS[] = {
      {"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate"},
      {NULL, NULL, NULL}};
  struct server_options options = server_parse(argc, argv);
  struct lws_context_creation_info info;
  memset(&info, 0, sizeof info);
  info.port = 0;
  info.iface = "127.0.0.1";
  info.protocols = PROTOCOLS;
  info.extensions = options.deflate ? EXTENSIONS : NULL;
  info.pt_serv_buf_size = READ_SIZE;
  info.fd_limit_per_thread = SERVER_CLIENTS_MAX;
  info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DISABLE_IPV6;
  lws_set_log_level(LLL_ERR, NULL);
  struct lws_context *context = lws_create_context(&info);
  if (context == NULL) {
    fprintf(stderr, "libwebsockets does not start\n");
    return 1;
  }
  server_ready(lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
  while (lws_service(context, 0) >= 0) {
  }
  lws_context_destroy(context);
  return 1;
}
