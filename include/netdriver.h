/* netdriver: one network driver for every game engine.
 *
 * THE MODEL
 *   A driver owns sockets, connections and an event queue. It has interfaces (UDP, WebSocket, TCP,
 *   in process, your own), each bound to addresses of this machine or none. A connection is a
 *   number; it looks the same whether a UDP client, a WebSocket client (ws:// or wss://) or a page
 *   in a browser is behind it, and whichever side opened it.
 *   Once a frame: nd_driver_update receives, runs timers and sends; nd_driver_accept hands out new
 *   connections; nd_driver_pop_events hands out what happened. Only nd_driver_wait,
 *   nd_multi_driver_wait and nd_job_complete block.
 *   Nothing is lost: what you do not pop waits and holds its sender back (over UDP, which cannot
 *   wait, what does not fit is dropped and counted). Every limit is a field of nd_settings; a full
 *   send queue is ND_ERROR_NETWORK_SEND_QUEUE_FULL (-5).
 *   Over UDP messages may be lost, doubled or overtaken, and have at most one packet's length; a
 *   pipeline (nd_driver_create_pipeline) with the reliable stage brings each once and in order,
 *   one with the fragmentation stage takes long ones. Its number goes into the send calls.
 *   Calls return 0 or a negative ND_ERROR_... number, and leave their outputs untouched when they
 *   fail; nd_last_error says in words what to do. Misuse is an error too, never a crash: handles
 *   and connections are checked values, not pointers. Use a driver from one thread at a time;
 *   between updates several may pop and send, one per connection: nd_driver_to_concurrent.
 *
 * A COMPLETE CLIENT
 *   #include <netdriver.h>
 *   #include <stdio.h>
 *   int main(void) {
 *     nd_driver *driver; nd_connection server; nd_event event; int open = 1;
 *     if (nd_driver_create(NULL, &driver) != ND_OK) return 1;
 *     if (nd_driver_connect_url(driver, "ws://localhost:7777/", NULL, &server) != ND_OK) return 1;
 *     while (open) {
 *       nd_driver_wait(driver, 1000, NULL);
 *       nd_driver_update(driver);
 *       while (nd_driver_pop_event(driver, &event) == ND_OK && event.kind != ND_EVENT_EMPTY) {
 *         if (event.kind == ND_EVENT_CONNECT)
 *           nd_driver_send(driver, server, 0, (const uint8_t *)"hello", 5, ND_SEND_FLAG_TEXT);
 *         if (event.kind == ND_EVENT_DATA)
 *           printf("%.*s\n", (int)event.data_length, (const char *)event.data);
 *         if (event.kind == ND_EVENT_DISCONNECT) open = 0;
 *       }
 *     }
 *     return nd_driver_destroy(driver) == ND_OK ? 0 : 1;
 *   }
 *
 * WEBSOCKETS: WHERE WHAT IS
 *   A client       nd_driver_connect_url; nd_connect_options: sub-protocols, headers, TLS, proxy,
 *                  redirects, deadline
 *   wss://         nd_tls_client; a server: nd_tls_server with nd_driver_set_tls_server
 *   Who may come   nd_interface_settings: accept_requests (then nd_driver_pop_request, and
 *                  nd_driver_request_accept or _reject), allowed_origins, trusted_proxies;
 *                  nd_driver_set_refusing
 *   Messages       nd_driver_send and _send_to_many, _send_owned (no copy), _begin_message (in
 *                  pieces); ND_OPTIONAL_EVENT_FRAGMENT hands out what is not whole yet
 *   Compression    nd_settings: deflate and what follows; others' extensions:
 *                  nd_driver_add_extension
 *   Signs of life  nd_settings: ping_interval_ms, pong_timeout_ms, silence_timeout_ms;
 *                  nd_driver_ping
 *   The end        nd_driver_close, _disconnect, _abort; ND_EVENT_DISCONNECT has the reason
 *                  (ND_DISCONNECT_...), the close code and whether it was clean
 *   Other engines' limits and rules in one call: nd_settings_init_preset
 *
 * JOBS: A FRAME ON OTHER THREADS
 *   nd_driver_schedule_update(driver, 0, &job);
 *   nd_driver_schedule_job(driver, accept_all, driver, job, &job);
 *   nd_driver_schedule_for_each_connection(driver, serve, NULL, 1, job, &job);
 *   nd_driver_schedule_flush_send(driver, job, &job);
 *   ...                   something else; other calls with the driver are refused meanwhile
 *   nd_job_complete(job);     waits, and does what nobody has begun
 *   The threads are the driver's (job_workers), or your engine's (nd_driver_set_job_scheduler).
 *
 * This file is generated from the library's sources (cargo xtask bindgen). C99, C11, C17, C++11. */


#ifndef NETDRIVER_H
#define NETDRIVER_H

#include <stdint.h>

/**
 * Success.
 */
#define ND_OK 0

/**
 * The connection is 0, or its index was never given out by this driver.
 */
#define ND_ERROR_NETWORK_ID_MISMATCH -1

/**
 * The connection is gone; its slot may serve another connection now.
 */
#define ND_ERROR_NETWORK_VERSION_MISMATCH -2

/**
 * The connection is not in the state that the call needs (for a send: Connected).
 */
#define ND_ERROR_NETWORK_STATE_MISMATCH -3

/**
 * The message does not fit into one packet, or into the limit for messages.
 */
#define ND_ERROR_NETWORK_PACKET_OVERFLOW -4

/**
 * The connection's send queue is full: try again after an update. A Writable event tells when
 * (behind the messages of that connection that wait), and ends nd_driver_wait.
 */
#define ND_ERROR_NETWORK_SEND_QUEUE_FULL -5

/**
 * Unity Transport's number; not returned.
 */
#define ND_ERROR_HEADER_INVALID -6

/**
 * Another thread is in a concurrent call on this connection: one thread per connection. Since 0.4.
 */
#define ND_ERROR_DRIVER_PARALLEL_FOR -7

/**
 * The send handle was ended or aborted already, or never came from nd_driver_begin_send.
 */
#define ND_ERROR_NETWORK_SEND_HANDLE_INVALID -8

/**
 * Unity Transport's number; not returned.
 */
#define ND_ERROR_ARGUMENT_MISMATCH -9

/**
 * Unity Transport's number; not returned (a full receive queue holds the sender back instead).
 */
#define ND_ERROR_RECEIVE_QUEUE_FULL -10

/**
 * The operating system refused a socket operation; nd_last_error says which and why.
 */
#define ND_ERROR_NETWORK_SOCKET -11

/**
 * The driver handle is NULL, destroyed, or never was one.
 */
#define ND_ERROR_INVALID_HANDLE -100

/**
 * A pointer that the call needs is NULL.
 */
#define ND_ERROR_NULL_ARGUMENT -101

/**
 * An argument has a value that the call cannot take; nd_last_error names it.
 */
#define ND_ERROR_INVALID_ARGUMENT -102

/**
 * The struct_size field is wrong: fill the struct with its _init function first.
 */
#define ND_ERROR_STRUCT_SIZE -103

/**
 * Another thread is inside a call on this driver, or a job of it is scheduled and not complete;
 * nothing was done.
 */
#define ND_ERROR_DRIVER_IN_USE -104

/**
 * The library failed inside. The process goes on; the driver can only be destroyed.
 */
#define ND_ERROR_PANIC -105

/**
 * The buffer is too small; the length that it needs was written, the buffer was not. Of a stream:
 * a value does not fit into what is left, or there is not as much left as a value needs.
 */
#define ND_ERROR_BUFFER_TOO_SMALL -106

/**
 * A limit of the settings or of the library is reached; nd_last_error names it.
 */
#define ND_ERROR_LIMIT_REACHED -107

/**
 * This version of the library cannot do that.
 */
#define ND_ERROR_NOT_SUPPORTED -108

/**
 * There is nothing under that name (a header, a document).
 */
#define ND_ERROR_NOT_FOUND -109

/**
 * A function of the program that ran as a job returned a negative number that is none of these.
 * Since 0.4.
 */
#define ND_ERROR_JOB_FAILED -110

/**
 * Event kind: there is no event.
 */
#define ND_EVENT_EMPTY 0

/**
 * Event kind: a message arrived.
 */
#define ND_EVENT_DATA 1

/**
 * Event kind: a connection that this side started is established.
 */
#define ND_EVENT_CONNECT 2

/**
 * Event kind: the connection ended; `reason` says why.
 */
#define ND_EVENT_DISCONNECT 3

/**
 * Event kind, opt-in: the peer of a plain WebSocket connection wants to close it, with
 * `close_code` and its reason as data. What is sent until the first nd_driver_update after the
 * event was popped still leaves before our Close, and ND_EVENT_DISCONNECT follows with that update
 * or later. nd_driver_close instead answers with a code of its own. An event that is never popped
 * is never taken back: it keeps the connection's slot, and the end waits behind it, so a program
 * that asks for these pops them, or ends such connections with nd_driver_abort.
 */
#define ND_EVENT_CLOSE_REQUEST 64

/**
 * Event kind, opt-in: after ND_ERROR_NETWORK_SEND_QUEUE_FULL there is room again.
 */
#define ND_EVENT_WRITABLE 65

/**
 * Event kind, opt-in: a piece of a message arrived, of which not all is here.
 */
#define ND_EVENT_FRAGMENT 66

/**
 * Event kind, opt-in: a WebSocket's pong arrived, whether it answers nd_driver_ping, a ping that
 * ping_interval_ms sent (no data), or nothing.
 */
#define ND_EVENT_PONG 67

/**
 * Opt-in bit for nd_settings.optional_events: deliver ND_EVENT_WRITABLE.
 */
#define ND_OPTIONAL_EVENT_WRITABLE 1

/**
 * Opt-in bit for nd_settings.optional_events: deliver ND_EVENT_CLOSE_REQUEST.
 */
#define ND_OPTIONAL_EVENT_CLOSE_REQUEST 2

/**
 * Opt-in bit for nd_settings.optional_events: deliver messages of plain WebSocket connections in
 * pieces (ND_EVENT_FRAGMENT) when not all of them is there at once. Nothing is put together then,
 * and websocket_message_size_max bounds Data events only: a longer message is all Fragment events.
 */
#define ND_OPTIONAL_EVENT_FRAGMENT 4

/**
 * Opt-in bit for nd_settings.optional_events: deliver ND_EVENT_PONG.
 */
#define ND_OPTIONAL_EVENT_PONG 8

/**
 * Opt-in bit for nd_settings.optional_events: an established WebSocket connection that the program
 * closes stays, ND_STATE_DISCONNECTING, until the closing handshake is over. What was received and
 * what was under way is delivered (in the UTP dialect only the former), and ND_EVENT_DISCONNECT
 * follows with reason ND_DISCONNECT_DEFAULT: clean with the peer's code, or 1006 when the peer did
 * not answer within close_timeout_ms. Other connections end at once and silently, as without it.
 */
#define ND_OPTIONAL_EVENT_LOCAL_CLOSE 16

/**
 * Event flag: the payload is text (valid UTF-8), from a plain WebSocket connection. A Fragment may
 * be cut inside of a character.
 */
#define ND_EVENT_FLAG_TEXT 1

/**
 * Event flag of Data and Fragment: the message begins here (every Data event is a whole one).
 */
#define ND_EVENT_FLAG_FIRST 2

/**
 * Event flag of Data and Fragment: the message ends here. A connection may end before it comes.
 */
#define ND_EVENT_FLAG_LAST 4

/**
 * Event flag of Disconnect: the peer said goodbye properly.
 */
#define ND_EVENT_FLAG_CLEAN 8

/**
 * Send flag: send as text (must be valid UTF-8; only the plain dialect has text).
 */
#define ND_SEND_FLAG_TEXT 1

/**
 * Send flag: send as binary, whatever the connection's write mode is.
 */
#define ND_SEND_FLAG_BINARY 2

/**
 * Write mode of a connection: what is sent without a flag is text (Godot's number).
 */
#define ND_WRITE_MODE_TEXT 0

/**
 * Write mode of a connection: what is sent without a flag is binary; so it is at first.
 */
#define ND_WRITE_MODE_BINARY 1

/**
 * Disconnect reason: local close (seen with ND_OPTIONAL_EVENT_LOCAL_CLOSE only).
 */
#define ND_DISCONNECT_DEFAULT 0

/**
 * Disconnect reason: nothing arrived for disconnect_timeout_ms, or a pong stayed out.
 */
#define ND_DISCONNECT_TIMEOUT 1

/**
 * Disconnect reason: the server did not answer within all attempts.
 */
#define ND_DISCONNECT_MAX_CONNECTION_ATTEMPTS 2

/**
 * Disconnect reason: the peer closed the connection.
 */
#define ND_DISCONNECT_CLOSED_BY_REMOTE 3

/**
 * Disconnect reason: TLS failed; the event's data is a text that says what: a certificate that
 * expired or is not trusted, the wrong host, a server without TLS.
 */
#define ND_DISCONNECT_AUTHENTICATION_FAILURE 6

/**
 * Disconnect reason: the peer broke the protocol, or a stream under the UTP dialect ended.
 */
#define ND_DISCONNECT_PROTOCOL_ERROR 7

/**
 * Disconnect reason: the host name has no address.
 */
#define ND_DISCONNECT_HOST_NOT_FOUND 9

/**
 * Disconnect reason, plain dialect: the stream ended without a Close frame (code 1006).
 */
#define ND_DISCONNECT_CONNECTION_LOST 64

/**
 * Disconnect reason: nobody listens at that address.
 */
#define ND_DISCONNECT_CONNECTION_REFUSED 65

/**
 * Disconnect reason: the server answered the WebSocket handshake with something other than a
 * valid 101; close_code is the answer's HTTP status (0 when it was no HTTP), and the event's data
 * is a text that says what was wrong.
 */
#define ND_DISCONNECT_HANDSHAKE_REJECTED 66

/**
 * Disconnect reason, plain dialect: a message was longer than its receiver takes (code 1009).
 */
#define ND_DISCONNECT_MESSAGE_TOO_BIG 67

/**
 * Disconnect reason: the proxy opened no way to the server, or was not to be reached; close_code
 * is the HTTP status of its answer, if it had one, and the event's data is a text that says why.
 */
#define ND_DISCONNECT_PROXY_FAILED 68

/**
 * Connection state: closed, closing, or not a connection.
 */
#define ND_STATE_DISCONNECTED 0

/**
 * Connection state: closed by the program, which waits for the end; see
 * ND_OPTIONAL_EVENT_LOCAL_CLOSE. Without that a closed connection is ND_STATE_DISCONNECTED.
 */
#define ND_STATE_DISCONNECTING 1

/**
 * Connection state: waiting for the peer.
 */
#define ND_STATE_CONNECTING 2

/**
 * Connection state: established.
 */
#define ND_STATE_CONNECTED 3

/**
 * Interface kind: UDP datagrams.
 */
#define ND_INTERFACE_UDP 1

/**
 * Interface kind: WebSocket over TCP (ws).
 */
#define ND_INTERFACE_WEBSOCKET 2

/**
 * Interface kind: in process, between drivers of one program; loopback endpoints only.
 */
#define ND_INTERFACE_IPC 3

/**
 * TCP: the connection protocol's packets with a length in front, with or without TLS.
 */
#define ND_INTERFACE_TCP 4

/**
 * Functions of the program; see nd_driver_add_custom_interface.
 */
#define ND_INTERFACE_CUSTOM 5

/**
 * Dialect: a listener finds out by itself which of the two a client speaks.
 */
#define ND_DIALECT_AUTO 0

/**
 * Dialect: Unity Transport's connection protocol.
 */
#define ND_DIALECT_UTP 1

/**
 * Dialect: plain WebSocket, one message is one Data event.
 */
#define ND_DIALECT_PLAIN 2

/**
 * Address family: not an address.
 */
#define ND_FAMILY_INVALID 0

/**
 * Address family: IPv4.
 */
#define ND_FAMILY_IPV4 2

/**
 * Address family: IPv6.
 */
#define ND_FAMILY_IPV6 23

/**
 * Address family: 60 bytes that only a custom interface understands.
 */
#define ND_FAMILY_CUSTOM 255

/**
 * Preset: Unity Transport 2.x.
 */
#define ND_PRESET_UNITY 1

/**
 * Preset: Godot 4.
 */
#define ND_PRESET_GODOT4 2

/**
 * Preset: Godot 3 and Pandemonium.
 */
#define ND_PRESET_GODOT3 3

/**
 * Preset: Best HTTP.
 */
#define ND_PRESET_BEST_HTTP 4

/**
 * Text of a connection: the path that the client asked for, without the query.
 */
#define ND_TEXT_PATH 1

/**
 * Text of a connection: the query of the request, without the question mark.
 */
#define ND_TEXT_QUERY 2

/**
 * Text of a connection: the agreed sub-protocol; empty when there is none.
 */
#define ND_TEXT_SUB_PROTOCOL 3

/**
 * Text of a connection: all request headers, one `Name: value` line each, ending in a newline.
 */
#define ND_TEXT_HEADERS 4

/**
 * Text of a connection: the agreed extensions, as the header of the server's answer names them
 * (`permessage-deflate; …`); empty when there are none.
 */
#define ND_TEXT_EXTENSIONS 5

/**
 * Text of a connection or request: the method of the HTTP request ("GET").
 */
#define ND_TEXT_METHOD 6

/**
 * Text of a connection or request: the Origin that a browser names; empty on a client.
 */
#define ND_TEXT_ORIGIN 7

/**
 * Text of a connection or request: the cookies, one `name=value` line each, ending in a newline;
 * empty on a client.
 */
#define ND_TEXT_COOKIES 8

/**
 * Text of a connection or request: the sub-protocols that the client offers, comma-separated, best
 * first; empty on a client.
 */
#define ND_TEXT_SUB_PROTOCOLS_OFFERED 9

/**
 * Text of a connection or request: the Host that the client asked for.
 */
#define ND_TEXT_HOST 10

/**
 * Text of a connection or request: the URL that the client asked for; `wss` when it uses TLS, if
 * only up to a trusted proxy that says so.
 */
#define ND_TEXT_URL 11

/**
 * Request flag: the stream itself is encrypted.
 */
#define ND_REQUEST_FLAG_TLS 1

/**
 * Request flag: a trusted proxy says that the client came to it over TLS.
 */
#define ND_REQUEST_FLAG_FORWARDED_TLS 2

/**
 * Sub-protocols on which the sides do not agree: the connection is made, without one.
 */
#define ND_SUB_PROTOCOL_LENIENT 0

/**
 * Sub-protocols on which the sides do not agree: there is no connection, as with Godot.
 */
#define ND_SUB_PROTOCOL_STRICT 1

/**
 * Text of a connection: the version of TLS, `TLSv1.2` or `TLSv1.3`; empty without TLS, as are the
 * next three.
 */
#define ND_TEXT_TLS_VERSION 12

/**
 * Text of a connection: the cipher suite of TLS, such as `TLS_AES_128_GCM_SHA256`.
 */
#define ND_TEXT_TLS_CIPHER 13

/**
 * Text of a connection: the host name that the client asked for in TLS; empty when it asked for
 * none.
 */
#define ND_TEXT_TLS_SERVER_NAME 14

/**
 * Text of a connection: the certificate that the peer showed, as PEM; empty when it showed none.
 */
#define ND_TEXT_TLS_PEER_CERTIFICATE 15

/**
 * Oldest version of TLS: 1.2.
 */
#define ND_TLS_VERSION_1_2 12

/**
 * Oldest version of TLS: 1.3.
 */
#define ND_TLS_VERSION_1_3 13

/**
 * Clients' certificates: none is asked for.
 */
#define ND_TLS_CLIENT_CERTIFICATES_NONE 0

/**
 * Clients' certificates: one is asked for; a client without one is taken.
 */
#define ND_TLS_CLIENT_CERTIFICATES_OPTIONAL 1

/**
 * Clients' certificates: a client without a valid one is refused.
 */
#define ND_TLS_CLIENT_CERTIFICATES_REQUIRED 2

/**
 * Stage of a pipeline: does nothing.
 */
#define ND_PIPELINE_STAGE_NULL 0

/**
 * Stage of a pipeline: cuts messages that are longer than a packet.
 */
#define ND_PIPELINE_STAGE_FRAGMENTATION 1

/**
 * Stage of a pipeline: every message arrives, once and in order. Until the peer has acknowledged
 * some, at most so many may be under way as the window holds; then sends return
 * ND_ERROR_NETWORK_SEND_QUEUE_FULL.
 */
#define ND_PIPELINE_STAGE_RELIABLE_SEQUENCED 2

/**
 * Stage of a pipeline: messages that come after a later one are dropped.
 */
#define ND_PIPELINE_STAGE_UNRELIABLE_SEQUENCED 3

/**
 * Stage of a pipeline: a bad network, for tests.
 */
#define ND_PIPELINE_STAGE_SIMULATOR 4

/**
 * Stages of pipelines from this number on are those of nd_driver_register_stage.
 */
#define ND_PIPELINE_STAGE_CUSTOM 64

/**
 * A simulator stage acts on packets that arrive.
 */
#define ND_SIMULATOR_MODE_RECEIVED_PACKETS_ONLY 0

/**
 * A simulator stage acts on packets that leave.
 */
#define ND_SIMULATOR_MODE_SENT_PACKETS_ONLY 1

/**
 * A simulator stage acts on all packets.
 */
#define ND_SIMULATOR_MODE_ALL_PACKETS 2

/**
 * A simulator stage does nothing.
 */
#define ND_SIMULATOR_MODE_OFF 3

/**
 * Log level: something failed that the program should know.
 */
#define ND_LOG_ERROR 1

/**
 * Log level: something is odd; the library goes on.
 */
#define ND_LOG_WARNING 2

/**
 * Log level: what happened, once per connection at most.
 */
#define ND_LOG_INFO 3

/**
 * nd_driver_get_next_timeout: no timer waits.
 */
#define ND_TIMEOUT_NEVER 4294967295

/**
 * Version of the binary interface that this header describes. It changes when a program
 * compiled against an older header could no longer work.
 */
#define ND_ABI_VERSION 2

/**
 * Reserved bit RSV1 of a frame. An extension that uses it is not agreed on beside
 * permessage-deflate.
 */
#define ND_EXTENSION_RSV1 4

/**
 * Reserved bit RSV2 of a frame.
 */
#define ND_EXTENSION_RSV2 2

/**
 * Reserved bit RSV3 of a frame.
 */
#define ND_EXTENSION_RSV3 1

/**
 * A client closes a connection with 1010 whose server did not agree on the extension.
 */
#define ND_EXTENSION_FLAG_REQUIRED 1

/**
 * The most bytes of a string that Unity reads as a FixedString32Bytes.
 */
#define ND_FIXED_STRING_32_MAX 29

/**
 * The most bytes of a string that Unity reads as a FixedString64Bytes.
 */
#define ND_FIXED_STRING_64_MAX 61

/**
 * The most bytes of a string that Unity reads as a FixedString128Bytes.
 */
#define ND_FIXED_STRING_128_MAX 125

/**
 * The most bytes of a string that Unity reads as a FixedString512Bytes.
 */
#define ND_FIXED_STRING_512_MAX 509

/**
 * The most bytes of a string that Unity reads as a FixedString4096Bytes.
 */
#define ND_FIXED_STRING_4096_MAX 4093

/**
 * A driver as several threads use it at once, one thread per connection: what
 * nd_driver_to_concurrent gives. It is a handle like nd_driver, may be copied to any thread, needs
 * no destroying, and is an error code once the driver is destroyed.
 */
typedef struct nd_concurrent nd_concurrent;

/**
 * A driver. It looks like a pointer and is a handle: never dereference it, never copy what it
 * seems to point to. Using it after nd_driver_destroy is an error code.
 */
typedef struct nd_driver nd_driver;

/**
 * Several drivers as one. As nd_driver, it looks like a pointer and is a handle.
 */
typedef struct nd_multi_driver nd_multi_driver;

/**
 * Result of a call: 0 is success, a negative number is one of ND_ERROR_….
 */
typedef int32_t nd_result;

/**
 * A function that receives log lines.
 *
 * `level` is ND_LOG_…; `text` is NUL-ended UTF-8, valid during the call. It runs on
 * whichever thread logs: the one that makes a call, one that runs jobs, the background pump's; it
 * must not call the library.
 */
typedef void (*nd_log_callback)(uint32_t level, const char *text, void *user);

/**
 * Limits of one connection, or of all on one interface. Fill it with nd_connection_limits_init. A
 * field that is 0 says nothing: what is wider holds, the interface's limit for a connection, that
 * of nd_settings for an interface. Since 0.3.
 */
typedef struct nd_connection_limits {
  /**
   * Size of this struct in bytes; nd_connection_limits_init sets it.
   */
  uint32_t struct_size;
  /**
   * As nd_settings.receive_queue_capacity.
   */
  uint32_t receive_queue_capacity;
  /**
   * As nd_settings.inbound_bytes_max.
   */
  uint32_t inbound_bytes_max;
  /**
   * As nd_settings.outbound_bytes_max.
   */
  uint32_t outbound_bytes_max;
  /**
   * As nd_settings.websocket_message_size_max.
   */
  uint32_t websocket_message_size_max;
  /**
   * As nd_settings.websocket_send_queue_capacity; UINT32_MAX is no such limit.
   */
  uint32_t websocket_send_queue_capacity;
} nd_connection_limits;

/**
 * A connection: version in the high 32 bits, index in the low 32 bits; 0 is "none". The highest
 * byte is the number of its driver in an nd_multi_driver, otherwise 0.
 * It is a value: copy it freely. A stale one is an error code, never another connection.
 */
typedef uint64_t nd_connection;

/**
 * What a driver is built with. Fill it with nd_settings_init, then change what you need.
 * The first twelve fields are Unity Transport's NetworkConfigParameter, with its defaults.
 */
typedef struct nd_settings {
  /**
   * Size of this struct in bytes; nd_settings_init sets it.
   */
  uint32_t struct_size;
  /**
   * Milliseconds between two connection requests. Default 1000; at least 0.
   */
  int32_t connect_timeout_ms;
  /**
   * Connection requests before giving up. Default 60; at least 0.
   */
  int32_t max_connect_attempts;
  /**
   * Milliseconds of silence after which a UTP connection ends. Default 30000; 0 is never.
   */
  int32_t disconnect_timeout_ms;
  /**
   * Milliseconds without sending after which a heartbeat goes out. Default 500; 0 is never.
   */
  int32_t heartbeat_timeout_ms;
  /**
   * Unity Transport's number for secure UDP clients. Default 2000; at least 0.
   */
  int32_t reconnection_timeout_ms;
  /**
   * The most milliseconds by which one update moves the driver's time. Default 0: no bound.
   */
  int32_t max_frame_time_ms;
  /**
   * When above 0, each update moves the driver's time by exactly so many milliseconds.
   */
  int32_t fixed_frame_time_ms;
  /**
   * Messages that may wait in one connection for nd_driver_pop_event. Default 512; above 0.
   * When full, a stream stops being read and a datagram is dropped and counted.
   */
  int32_t receive_queue_capacity;
  /**
   * Datagrams that one connection may queue between two flushes. Default 512; above 0.
   */
  int32_t send_queue_capacity;
  /**
   * Bytes of the largest UTP packet, its headers included. Default 1400; 1 to 1472.
   */
  int32_t max_message_size;
  /**
   * 1: this side looks for the largest packet that a path takes (probes of peers are always
   * answered). A new connection is the program's when that is over, 0.6 seconds later at most
   * once the peer has spoken; nd_connection_get_payload_size_max follows what was found. Default
   * 0. Means nothing when max_message_size is 1024 or less.
   */
  int32_t perform_path_mtu_discovery;
  /**
   * ND_OPTIONAL_EVENT_… bits: the event kinds beyond Unity Transport's that you want. Default 0.
   */
  uint32_t optional_events;
  /**
   * Connections that the driver holds at once. Default 16384; above 0.
   */
  uint32_t connections_max;
  /**
   * Payload bytes that may wait in one connection for nd_driver_pop_event. Default 4 MiB.
   */
  uint32_t inbound_bytes_max;
  /**
   * Bytes that one connection may queue for sending, as they are on the wire. Default 4 MiB; at
   * least max_message_size + 14. A message is taken when it would fit as it is; what compression
   * or an extension makes of it counts once it is made, so the queue may be longer by what they
   * add to one message.
   */
  uint32_t outbound_bytes_max;
  /**
   * Streams of clients without a connection that may be open at once. Further ones wait at the
   * operating system until the oldest is done, or has had a second. Default 1024; above 0.
   */
  uint32_t pending_handshakes_max;
  /**
   * Bytes of the largest HTTP head. Default 8192; 256 to 65536.
   */
  uint32_t head_size_max;
  /**
   * Milliseconds that a handshake may take from the first moment on. Default 5000; above 0.
   */
  int32_t handshake_timeout_ms;
  /**
   * Milliseconds of silence after which an undecided WebSocket client counts as plain.
   * Default 300; at least 0.
   */
  int32_t plain_grace_ms;
  /**
   * Bytes of the largest plain WebSocket message, in and out; those in pieces are not bounded.
   * Default 1 MiB; above 0.
   */
  uint32_t websocket_message_size_max;
  /**
   * Milliseconds that the WebSocket closing handshake may take. Default 3000; above 0.
   */
  int32_t close_timeout_ms;
  /**
   * Plain WebSocket: milliseconds between two pings, which measure the round trip. Default
   * 10000; 0 is never. (The UTP dialect pings after heartbeat_timeout_ms of silence, as Unity
   * does.)
   */
  int32_t ping_interval_ms;
  /**
   * Plain WebSocket: milliseconds to wait for anything after a ping before the connection
   * counts as lost. Default 20000; 0 is for ever.
   */
  int32_t pong_timeout_ms;
  /**
   * Plain WebSocket: 1 compresses messages where the peer can (permessage-deflate, RFC 7692).
   * Default 0. ND_TEXT_EXTENSIONS of a connection says what was agreed on.
   */
  int32_t deflate;
  /**
   * How hard to compress: 1 (fast) to 9 (small). Default 6.
   */
  uint32_t deflate_level;
  /**
   * Binary logarithm of the window that this side compresses with, at most: 9 to 15. Default
   * 15. The peer may ask for less.
   */
  uint32_t deflate_window_bits;
  /**
   * The same of the peer: 9 to 15. Default 15. A client that did not offer
   * client_max_window_bits cannot be told and is read with 15.
   */
  uint32_t deflate_peer_window_bits;
  /**
   * Who forgets what it knows of earlier messages: 1 this side, 2 the peer, 3 (default) both,
   * 0 nobody. A context that is kept makes small messages shorter and costs memory for as long
   * as the connection lives: 288 KiB to compress with a window of 15 bits (204 with 12, 190
   * with 9), 47 KiB to decompress.
   */
  uint32_t deflate_no_context_takeover;
  /**
   * Bytes of the shortest message that is compressed. Default 256.
   */
  uint32_t deflate_minimum_length;
  /**
   * WebSocket: ND_SUB_PROTOCOL_LENIENT (default) or ND_SUB_PROTOCOL_STRICT: a client that offers
   * sub-protocols and is answered without one of them does not connect.
   */
  uint32_t sub_protocol_rule;
  /**
   * Plain WebSocket: payload bytes of a frame that is sent; longer messages are cut into
   * several frames (RFC 6455 section 5.4). Default 0: never. Otherwise at least 125.
   */
  uint32_t fragment_size;
  /**
   * Plain WebSocket: milliseconds in which nothing at all arrives, pongs included, after which
   * the connection counts as lost. Default 0: never. Whoever sets it without pings (or above
   * what they bring) loses peers that have nothing to say.
   */
  int32_t silence_timeout_ms;
  /**
   * WebSocket: 1 bears with programs that are put to sleep, as a browser does with the tabs in
   * its background while it still answers pings for them. Before a connection ends because of
   * silence (silence_timeout_ms; disconnect_timeout_ms in the UTP dialect) it is pinged, and
   * pongs count as life. Default 0. Connections over UDP are not concerned.
   */
  int32_t tolerate_throttled;
  /**
   * WebSocket and TCP clients: milliseconds from one attempt to reach an address of a host to
   * the next, while earlier ones go on; four at most at once, and the first that connects wins
   * (RFC 8305). Default 250; at least 0.
   */
  int32_t connect_race_delay_ms;
  /**
   * Fragmentation stages: bytes of the longest message. Default 4096; 1 to 24115775. Like the
   * next three, for stages that bring no number of their own (nd_pipeline_stage).
   */
  uint32_t fragmentation_payload_capacity;
  /**
   * ReliableSequenced stages: packets that may be under way without an acknowledgement, rounded
   * up to a multiple of 8; both sides need the same. Default 32; 1 to 2040.
   */
  uint32_t reliable_window_size;
  /**
   * ReliableSequenced stages: the fewest milliseconds until a packet is sent again. Default 64;
   * above 0.
   */
  int32_t reliable_minimum_resend_time_ms;
  /**
   * ReliableSequenced stages: the most milliseconds until a packet is sent again; more on a
   * path that a `session` knows to be longer than that. Default 200; above the fewest.
   */
  int32_t reliable_maximum_resend_time_ms;
  /**
   * Connections over datagrams (UDP) whose client was not heard since its request, which may
   * come from a forged address. Further clients have to prove theirs with a cookie, which those
   * of netdriver do by themselves, or to wait. Default 1024; above 0.
   */
  uint32_t unvalidated_connections_max;
  /**
   * From so many of them on a client is asked for a cookie first; one that knows none is let in
   * when it asks again. Default 256; 0: always.
   */
  uint32_t cookie_threshold;
  /**
   * Milliseconds of silence after which such a connection ends, and is never seen if it was not
   * accepted yet. Default 5000; 0: as any other connection.
   */
  int32_t unvalidated_timeout_ms;
  /**
   * Connections over datagrams that one address may have; a network of 64 bits counts as one
   * address in IPv6, and addresses of this machine do not count. Default 1024; 0: no limit.
   */
  uint32_t connections_per_address_max;
  /**
   * Connection requests over datagrams that such an address may make in a second; further ones
   * are dropped. Default 2000; 0: no limit; at most 65534.
   */
  uint32_t requests_per_address_max;
  /**
   * Who gets the accept payload over datagrams. 0 (default): clients that have brought a cookie,
   * as those of netdriver do when they are asked, or as long a connect payload; others connect
   * without it, two to four seconds later. 1, as Unity Transport and in ND_PRESET_UNITY: all at
   * once, so that who forges addresses can have long answers sent to others.
   */
  int32_t accept_payload_before_validation;
  /**
   * UTP dialect: milliseconds between two probes that measure the round trip, in place of
   * heartbeats where one is due. Default 500; 0 is never. Peers older than Unity Transport 2.5
   * answer none.
   */
  int32_t round_trip_interval_ms;
  /**
   * WebSocket and TCP: messages that one connection may queue, whatever their length; then
   * ND_ERROR_NETWORK_SEND_QUEUE_FULL, and a Writable event when half of them have left. Default
   * 0: no such limit, only outbound_bytes_max. Since 0.3.
   */
  uint32_t websocket_send_queue_capacity;
  /**
   * Over datagrams (UDP, IPC): 1 speaks more than Unity Transport with peers that are netdriver,
   * too. Messages share datagrams, losses are found and repaired sooner, bulk data leaves room
   * for real time, and a peer that moves must prove its new address. Other peers do not notice:
   * they drop the message that asks. 0 never asks and never answers. Default 1.
   */
  int32_t session;
  /**
   * With such peers: what protection against loss may cost, in percent of the reliable messages
   * that it protects. Without loss none is sent. Default 66; 0 (none at all) to 100.
   */
  uint32_t session_repair_percent;
  /**
   * 1: a thread of the library receives, sends, answers pings and keeps timers between updates,
   * so that peers do not feel the frame rate, or a frame that takes seconds. Events still appear
   * only with nd_driver_update. Calls wait for the thread's turns, which are short; what custom
   * interfaces and stages of the program do may run on it. 0 (default): nothing happens between
   * calls. Since 0.4.
   */
  int32_t background_pump;
  /**
   * Threads of the driver for its jobs (nd_driver_schedule_update and others), which start with
   * the first one. Whoever waits for a job helps. Default 1; 0 (jobs run inside nd_job_complete)
   * to 64. Since 0.4.
   */
  uint32_t job_workers;
  /**
   * UTP dialect: a path that takes smaller packets than max_message_size, as
   * perform_path_mtu_discovery or losses between peers that are netdriver have shown, is asked
   * for larger ones each time so many milliseconds have passed. Default 600000; 0 is never.
   * Since 0.4.
   */
  int32_t path_mtu_raise_interval_ms;
} nd_settings;

/**
 * An interface: a way packets travel. Fill it with nd_interface_settings_init.
 */
typedef struct nd_interface_settings {
  /**
   * Size of this struct in bytes; nd_interface_settings_init sets it.
   */
  uint32_t struct_size;
  /**
   * ND_INTERFACE_….
   */
  uint32_t kind;
  /**
   * WebSocket listeners: ND_DIALECT_…. Default ND_DIALECT_AUTO.
   */
  uint32_t dialect;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * WebSocket: the path that listeners serve and that nd_driver_connect asks for; a request
   * for another path is answered with 404. NULL (default): listeners of the UTP dialect serve
   * "/", others every path.
   */
  const char *path;
  /**
   * WebSocket, Auto: clients of this path speak UTP. NULL: no such rule.
   */
  const char *utp_path;
  /**
   * WebSocket, Auto: clients of this path speak plain. NULL: no such rule.
   */
  const char *plain_path;
  /**
   * WebSocket: sub-protocols that the server speaks, comma-separated, best first. The first
   * that a client offers too is agreed on. NULL: none. After these, a listener knows
   * netdriver.utp (Auto, UTP) and netdriver.raw (Auto, plain), which choose the dialect.
   */
  const char *sub_protocols;
  /**
   * WebSocket listeners: 1 lets each upgrade request wait for nd_driver_pop_request. Default 0:
   * all that are in order are accepted. Since 0.2.
   */
  uint32_t accept_requests;
  /**
   * Milliseconds that such a request waits; then it is answered with 503. Default 5000; above 0.
   */
  uint32_t request_timeout_ms;
  /**
   * WebSocket listeners: the pages that may connect, comma-separated, each `scheme://host` or
   * `scheme://host:port` (no path), or `null`; others get 403. A request without an Origin is no
   * browser's and passes. NULL (default): any page; "": none.
   */
  const char *allowed_origins;
  /**
   * WebSocket listeners: header fields of every answer, one `Name: value` line each. NULL: none.
   */
  const char *response_headers;
  /**
   * WebSocket and TCP listeners: proxies whose word counts, comma-separated, each an address or
   * a block (`10.0.0.0/8`, `::1`). Behind them a connection's remote address is the client's
   * own, as `Forwarded` (RFC 7239) or `X-Forwarded-For` tell it, read from the right up to the
   * first address that is no trusted proxy (over TCP: as proxy_protocol tells it). Name only
   * proxies that write one of the two themselves. NULL (default): none, and the headers mean
   * nothing.
   */
  const char *trusted_proxies;
  /**
   * WebSocket and TCP listeners: 1 wants a PROXY header (version 1 or 2) of a trusted proxy in
   * front of each stream; streams of others are closed at once. Default 0.
   */
  uint32_t proxy_protocol;
  /**
   * 0.
   */
  uint32_t reserved_2;
  /**
   * Limits of its connections; copied. NULL (default): those of nd_settings. Since 0.3.
   */
  const struct nd_connection_limits *limits;
} nd_interface_settings;

/**
 * A certificate and its key, as PEM texts.
 */
typedef struct nd_tls_identity {
  /**
   * The chain: the own certificate first, then those of its issuers.
   */
  const uint8_t *certificate;
  /**
   * The private key (PKCS #8, PKCS #1 or SEC 1, not encrypted).
   */
  const uint8_t *key;
  /**
   * Length of `certificate` in bytes; at most 1 MiB.
   */
  uint32_t certificate_length;
  /**
   * Length of `key` in bytes; at most 1 MiB.
   */
  uint32_t key_length;
  /**
   * Servers: the answer of the issuer's OCSP service (RFC 6960) in DER, which clients get along
   * with the certificate (OCSP stapling). The library does not fetch it, and does not look at
   * it: set it anew with nd_driver_set_tls_server before it gets old. NULL: none. Since 0.3.
   */
  const uint8_t *ocsp;
  /**
   * Length of `ocsp` in bytes; at most 1 MiB.
   */
  uint32_t ocsp_length;
  /**
   * 0.
   */
  uint32_t reserved;
} nd_tls_identity;

/**
 * How a client speaks TLS. Fill it with nd_tls_client_init.
 */
typedef struct nd_tls_client {
  /**
   * Size of this struct in bytes; nd_tls_client_init sets it.
   */
  uint32_t struct_size;
  /**
   * 1 (default): trust the certificates that the system trusts. On Android they are not
   * available in this version: set it to 0 and give `ca`.
   */
  uint32_t use_system_roots;
  /**
   * 1: verify nothing, so that anybody on the way can read and change everything; each
   * connection logs a warning. For tests only. Default 0.
   */
  uint32_t insecure;
  /**
   * The oldest version that is spoken, ND_TLS_VERSION_…. Default ND_TLS_VERSION_1_2.
   */
  uint32_t version_min;
  /**
   * Certificates to trust beside those of the system, as PEM. NULL: none.
   */
  const uint8_t *ca;
  /**
   * The certificate to show to servers that ask for one, and its key. Without one both of its
   * pointers are NULL (default).
   */
  struct nd_tls_identity identity;
  /**
   * The name to ask for and to find in the certificate, instead of the host's. NULL: the host's.
   */
  const char *server_name;
  /**
   * Length of `ca` in bytes; at most 1 MiB.
   */
  uint32_t ca_length;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * A file that gets the secrets of all sessions, one line each, in the format of SSLKEYLOGFILE,
   * so that a program such as Wireshark can show what is sent. It is made when it is not there,
   * and a warning is logged. For tests only. NULL (default): none. Since 0.3.
   */
  const char *key_log_file;
} nd_tls_client;

/**
 * What nd_driver_connect_url asks for beyond the URL. Fill it with nd_connect_options_init.
 */
typedef struct nd_connect_options {
  /**
   * Size of this struct in bytes; nd_connect_options_init sets it.
   */
  uint32_t struct_size;
  /**
   * ND_DIALECT_PLAIN (default) or ND_DIALECT_UTP.
   */
  uint32_t dialect;
  /**
   * Sub-protocols to offer, comma-separated, best first. NULL: none.
   */
  const char *sub_protocols;
  /**
   * Further request headers, one `Name: value` line each. NULL: none.
   */
  const char *headers;
  /**
   * UTP dialect: bytes for the server with the connection request. NULL: none.
   */
  const uint8_t *payload;
  /**
   * Length of `payload` in bytes.
   */
  uint32_t payload_length;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * wss:// only: how to speak TLS; copied. NULL: as nd_driver_set_tls_client said, else what
   * nd_tls_client_init gives.
   */
  const struct nd_tls_client *tls;
  /**
   * Milliseconds that all of it may take, from the look-up of the name to the Connect event;
   * then a Disconnect event with ND_DISCONNECT_MAX_CONNECTION_ATTEMPTS follows. Each attempt to
   * reach an address has handshake_timeout_ms besides. Default 0: no such limit; at least 0.
   */
  int32_t connect_deadline_ms;
  /**
   * How many HTTP redirects to follow (301, 302, 303, 307, 308), never from wss:// to ws://. To
   * another host go neither user and password, nor the headers Authorization and Cookie, nor
   * server_name and identity of `tls`.
   * ND_TEXT_URL says where it ended. Default 0: a redirect is ND_DISCONNECT_HANDSHAKE_REJECTED.
   */
  uint32_t redirects_max;
  /**
   * 1: without a `proxy`, go through the one that the environment names: http_proxy for ws://,
   * https_proxy for wss://, else all_proxy, and no_proxy for the exceptions; each also in
   * capitals. Default 0.
   */
  uint32_t proxy_from_environment;
  /**
   * 0.
   */
  uint32_t reserved_2;
  /**
   * The proxy to go through: `http://user:password@host:port` (CONNECT, RFC 9110), the same with
   * `https://` (TLS to the proxy), `socks5://user:password@host:port` (RFC 1928) or
   * `socks4a://user@host:port`, which look the server's name up, or `socks4://user@host:port`,
   * for which it is looked up here. User and password may be left away, and are
   * percent-encoded. NULL: none.
   */
  const char *proxy;
  /**
   * Servers that are reached without the proxy, comma-separated: `*`, `example.com` (with all
   * below it), `10.1.2.3`, `10.0.0.0/8`, each perhaps with `:port`. NULL: none, or those of the
   * environment if that names the proxy.
   */
  const char *no_proxy;
  /**
   * Limits of this connection; copied. NULL (default): the interface's. Since 0.3.
   */
  const struct nd_connection_limits *limits;
  /**
   * `https://` proxies: how to speak TLS to the proxy; copied. NULL (default): what
   * nd_tls_client_init gives. Since 0.3.
   */
  const struct nd_tls_client *proxy_tls;
  /**
   * 0 (default): user and password of the URL and of an HTTP proxy go out as Basic (RFC 7617),
   * and when a 401 or 407 asks for it as Digest (RFC 7616, MD5 or SHA-256). 1: the password
   * never leaves; nothing is said before it is asked, and only Digest answers. Since 0.3.
   */
  uint32_t digest_only;
  /**
   * 0.
   */
  uint32_t reserved_3;
} nd_connect_options;

/**
 * An address: 64 bytes, laid out as Unity Transport's NetworkEndpoint.
 * Compare two of them with memcmp. Fill it with nd_endpoint_parse or by hand.
 */
typedef struct nd_endpoint {
  /**
   * The address: 4 bytes (IPv4) or 16 bytes (IPv6) in network order, an IPv6 scope id in the
   * four bytes after (little endian), 60 bytes for a custom family. Unused bytes are 0.
   */
  uint8_t address[60];
  /**
   * ND_FAMILY_….
   */
  uint8_t family;
  /**
   * 0.
   */
  uint8_t reserved;
  /**
   * The port, in the machine's byte order.
   */
  uint16_t port;
} nd_endpoint;

/**
 * What is known of a connection. Set struct_size with nd_connection_info_init.
 */
typedef struct nd_connection_info {
  /**
   * Size of this struct in bytes; nd_connection_info_init sets it.
   */
  uint32_t struct_size;
  /**
   * ND_STATE_….
   */
  int32_t state;
  /**
   * Number of the interface, as nd_driver_add_interface gave it.
   */
  uint32_t interface_index;
  /**
   * ND_INTERFACE_….
   */
  uint32_t interface_kind;
  /**
   * ND_DIALECT_UTP or ND_DIALECT_PLAIN.
   */
  uint32_t dialect;
  /**
   * Microseconds of the last measured round trip; 0 when none was measured: the UTP dialect
   * measures every round_trip_interval_ms, a plain WebSocket each of its pings, a session
   * (nd_settings.session) its packets, and reliable pipelines measure where the peer answers no
   * probe.
   */
  uint32_t round_trip_us;
  /**
   * The peer's address, behind trusted proxies too.
   */
  struct nd_endpoint remote;
  /**
   * The address of this side.
   */
  struct nd_endpoint local;
  /**
   * Messages received.
   */
  uint64_t messages_in;
  /**
   * Messages sent.
   */
  uint64_t messages_out;
  /**
   * Payload bytes received.
   */
  uint64_t bytes_in;
  /**
   * Payload bytes sent.
   */
  uint64_t bytes_out;
  /**
   * Datagrams dropped because the inbound limit was reached.
   */
  uint64_t dropped_in;
  /**
   * Sends refused because the outbound limit was reached.
   */
  uint64_t refused_out;
  /**
   * Payload bytes that wait for nd_driver_pop_event.
   */
  uint32_t inbound_bytes;
  /**
   * Bytes that wait to be sent.
   */
  uint32_t outbound_bytes;
  /**
   * The address of the socket's other end: of the trusted proxy that the peer is behind, else as
   * `remote`. Since 0.2.
   */
  struct nd_endpoint peer;
  /**
   * Milliseconds since the last message arrived; UINT32_MAX when none did.
   */
  uint32_t last_message_age_ms;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Microseconds of the smoothed round trip (RFC 6298); 0 when none was measured, as below.
   * Since 0.3.
   */
  uint32_t round_trip_smoothed_us;
  /**
   * Microseconds by which round trips deviate from it, smoothed: the jitter.
   */
  uint32_t round_trip_jitter_us;
  /**
   * Microseconds of the shortest round trip.
   */
  uint32_t round_trip_min_us;
  /**
   * Microseconds of the longest round trip.
   */
  uint32_t round_trip_max_us;
  /**
   * How many round trips were measured.
   */
  uint32_t round_trip_count;
  /**
   * Bytes of the largest packet that the path is known to take, its headers up to those of UDP
   * or TCP included: max_message_size without path-MTU discovery; 0 for a plain WebSocket.
   */
  uint32_t path_mtu;
  /**
   * 1: the peer's address is as good as proven: it has spoken since its request, or brought a
   * cookie, or there is a stream to it.
   */
  uint32_t validated;
  /**
   * 1 when messages go through a session with a netdriver peer (nd_settings.session), else 0.
   * Since 0.3.
   */
  uint32_t session;
  /**
   * Packets of the session that get lost, in 1/1000; 0 without a session. Since 0.3.
   */
  uint32_t loss_permille;
  /**
   * 0.
   */
  uint32_t reserved_2;
} nd_connection_info;

/**
 * Counters of a driver since it was created. Set struct_size with nd_driver_statistics_init.
 */
typedef struct nd_driver_statistics {
  /**
   * Size of this struct in bytes; nd_driver_statistics_init sets it.
   */
  uint32_t struct_size;
  /**
   * Connections now, in any state but Disconnected.
   */
  uint32_t connections;
  /**
   * Streams of clients without a connection now: in their handshake, or on their way out.
   */
  uint32_t handshakes_pending;
  /**
   * Closed connections whose goodbye is not over: a program that ends waits for 0 here.
   */
  uint32_t connections_closing;
  /**
   * Connections that came from outside.
   */
  uint64_t connections_incoming;
  /**
   * Connections that this side started.
   */
  uint64_t connections_outgoing;
  /**
   * Messages received.
   */
  uint64_t messages_in;
  /**
   * Messages sent.
   */
  uint64_t messages_out;
  /**
   * Payload bytes received.
   */
  uint64_t bytes_in;
  /**
   * Payload bytes sent.
   */
  uint64_t bytes_out;
  /**
   * Datagrams received, control messages included.
   */
  uint64_t datagrams_in;
  /**
   * Datagrams sent, control messages included.
   */
  uint64_t datagrams_out;
  /**
   * Bytes read from streams.
   */
  uint64_t stream_bytes_in;
  /**
   * Bytes written to streams.
   */
  uint64_t stream_bytes_out;
  /**
   * Packets that could not be parsed, and were dropped.
   */
  uint64_t malformed_in;
  /**
   * Packets of unknown connections, dropped.
   */
  uint64_t unknown_token_in;
  /**
   * Packets of Unity Transport 1.x, whose protocol differs, dropped.
   */
  uint64_t old_protocol_in;
  /**
   * Datagrams dropped because a connection's inbound limit was reached.
   */
  uint64_t dropped_in;
  /**
   * Sends refused because a connection's outbound limit was reached.
   */
  uint64_t refused_out;
  /**
   * Streams closed because the peer broke the WebSocket protocol.
   */
  uint64_t protocol_errors;
  /**
   * Handshakes that failed, for whatever reason; the handshakes_… below tell the reasons apart.
   */
  uint64_t handshakes_failed;
  /**
   * Ordinary HTTP requests answered with a document.
   */
  uint64_t documents_served;
  /**
   * Connections refused because connections_max was reached.
   */
  uint64_t connections_refused;
  /**
   * Handshakes that failed because the request head was larger than head_size_max or had too
   * many headers; answered with 431.
   */
  uint64_t handshakes_too_large;
  /**
   * Handshakes that failed because the request broke a rule (answered with 400, 405, 426 or
   * 505), or what followed the 101 did.
   */
  uint64_t handshakes_malformed;
  /**
   * Requests for a path where nothing is served; answered with 404.
   */
  uint64_t handshakes_not_found;
  /**
   * Handshakes that were not over within handshake_timeout_ms.
   */
  uint64_t handshakes_timed_out;
  /**
   * Handshakes whose client left.
   */
  uint64_t handshakes_abandoned;
  /**
   * Handshakes that were ended to make room for newcomers at pending_handshakes_max.
   */
  uint64_t handshakes_displaced;
  /**
   * Requests answered with 503, because too many bytes of documents were under way.
   */
  uint64_t handshakes_overloaded;
  /**
   * Connections that ended because nothing came from the peer in time: no packet, no pong.
   */
  uint64_t connections_timed_out;
  /**
   * Connections over streams that ended without a Close frame (over TCP: a Disconnect packet).
   */
  uint64_t connections_lost;
  /**
   * Streams closed with 1009: the peer announced or sent more than a message may have. Part
   * of protocol_errors, as the next.
   */
  uint64_t messages_too_big;
  /**
   * Streams closed with 1007: text that is no UTF-8, compressed data that is none.
   */
  uint64_t payloads_invalid;
  /**
   * Handshakes that TLS ended: certificates that this side or the client did not take, nothing
   * in common, no TLS at all. Part of `handshakes_failed`.
   */
  uint64_t tls_failures;
  /**
   * Upgrade requests refused by the origin or by the program, and streams that should have
   * come from a trusted proxy and did not.
   */
  uint64_t handshakes_refused;
  /**
   * Upgrade requests that the program did not answer in time; answered with 503.
   */
  uint64_t handshakes_unanswered;
  /**
   * Connections over datagrams now whose client was not heard since its request. Since 0.3.
   */
  uint32_t connections_unvalidated;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Such connections that ended after unvalidated_timeout_ms.
   */
  uint64_t connections_unheard;
  /**
   * Requests turned away at unvalidated_connections_max.
   */
  uint64_t requests_unvalidated;
  /**
   * Requests dropped because their address has connections_per_address_max connections.
   */
  uint64_t requests_over_address;
  /**
   * Requests dropped because their address made more than requests_per_address_max in a second.
   */
  uint64_t requests_over_rate;
  /**
   * Requests dropped because their connection had just ended.
   */
  uint64_t requests_late;
  /**
   * Requests answered with a Retry: the client has to prove its address.
   */
  uint64_t retries_out;
  /**
   * Requests whose cookie was right.
   */
  uint64_t cookies_accepted;
  /**
   * Requests whose cookie was wrong, or too old.
   */
  uint64_t cookies_refused;
  /**
   * UDP sockets that failed and were made anew on their port.
   */
  uint64_t sockets_remade;
} nd_driver_statistics;

/**
 * Bad network for tests, applied to datagram interfaces below the protocol.
 * Fill it with nd_network_simulator_init (everything off).
 */
typedef struct nd_network_simulator {
  /**
   * Size of this struct in bytes; nd_network_simulator_init sets it.
   */
  uint32_t struct_size;
  /**
   * Percent of arriving packets that are lost, 0 to 100.
   */
  float receive_loss_percent;
  /**
   * Percent of leaving packets that are lost, 0 to 100.
   */
  float send_loss_percent;
  /**
   * Percent of leaving packets that leave twice, 0 to 100.
   */
  float send_duplicate_percent;
  /**
   * Percent of leaving packets that overtake the others, 0 to 100.
   */
  float send_reorder_percent;
  /**
   * Milliseconds by which leaving packets are late.
   */
  uint32_t send_delay_ms;
  /**
   * Milliseconds by which that varies, either way.
   */
  uint32_t send_jitter_ms;
  /**
   * Bytes of the largest packet that arrives; 0 is no limit.
   */
  uint32_t receive_mtu;
  /**
   * 1: nothing goes in or out.
   */
  uint32_t partitioned;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Start of the random sequence: one seed, one behaviour.
   */
  uint64_t seed;
  /**
   * Bytes that leave in a second, over all connections; packets wait for those in front. 0 is
   * no limit.
   */
  uint32_t send_bytes_per_second;
  /**
   * Bytes that may wait for that before further packets are lost; 0 is no limit.
   */
  uint32_t send_backlog_bytes;
} nd_network_simulator;

/**
 * Takes an address of the interface, once. `endpoint` may be of any family, or
 * ND_FAMILY_INVALID for any: a client connects without having bound the interface. Write what the
 * address is now to `out_endpoint`, which holds `endpoint` before. Return 0, or a negative number
 * to fail nd_driver_bind or nd_driver_connect.
 */
typedef int32_t (*nd_interface_bind)(void *user,
                                     const struct nd_endpoint *endpoint,
                                     struct nd_endpoint *out_endpoint);

/**
 * Connection requests are welcome from here on. Called by each nd_driver_listen. Return 0, or a
 * negative number to fail it.
 */
typedef int32_t (*nd_interface_listen)(void *user);

/**
 * A place for a datagram that has arrived.
 */
typedef struct nd_incoming_packet {
  /**
   * Where it came from: fill it in. Answers go there. Without a valid one the datagram is
   * dropped and counted as malformed.
   */
  struct nd_endpoint endpoint;
  /**
   * Bytes of it: fill it in. Longer than `capacity`: it is dropped and counted as malformed.
   */
  uint32_t length;
  /**
   * Bytes that fit at `data`: max_message_size of the driver.
   */
  uint32_t capacity;
  /**
   * Where to write it; valid during the call.
   */
  uint8_t *data;
} nd_incoming_packet;

/**
 * Fills in datagrams that have arrived, from the first of the `capacity` places on, and writes to
 * `out_count` how many. Called by each nd_driver_update and by nd_driver_wait; again at once when
 * all places were filled. Must not wait. Return 0, or a negative number when receiving has failed:
 * the call of the driver returns ND_ERROR_NETWORK_SOCKET and nothing else changes.
 */
typedef int32_t (*nd_interface_receive)(void *user,
                                        struct nd_incoming_packet *packets,
                                        uint32_t capacity,
                                        uint32_t *out_count);

/**
 * A datagram to send.
 */
typedef struct nd_outgoing_packet {
  /**
   * Where it goes.
   */
  struct nd_endpoint endpoint;
  /**
   * Bytes at `data`.
   */
  uint32_t length;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * The datagram; valid during the call.
   */
  const uint8_t *data;
} nd_outgoing_packet;

/**
 * Sends datagrams, from the first of the `count` on, and writes to `out_taken` how many it took
 * (it holds `count` before). The others are offered again with the next flush, update or wait, and
 * count against send_queue_capacity meanwhile. Must not wait. Return 0, or a negative number when
 * sending has failed: the datagrams are lost, as datagrams may be, and the call of the driver
 * returns ND_ERROR_NETWORK_SOCKET.
 */
typedef int32_t (*nd_interface_send)(void *user,
                                     const struct nd_outgoing_packet *packets,
                                     uint32_t count,
                                     uint32_t *out_taken);

/**
 * Frees what belongs to the interface. Called once, by nd_driver_destroy.
 */
typedef void (*nd_interface_release)(void *user);

/**
 * A way for packets to travel that the program brings. Fill it with nd_interface_functions_init.
 *
 * It carries whole datagrams of at most max_message_size bytes, which may be lost, doubled or
 * overtaken, between endpoints that only it understands: ND_FAMILY_CUSTOM with up to 60 bytes,
 * IPv4 or IPv6. Its connections speak UTP, like those over UDP, with the same limits.
 *
 * The functions run inside calls and jobs of the driver, one at a time, on the thread that makes
 * the call or runs the job; with nd_settings.background_pump also on the library's thread. They
 * must not call the driver, except nd_driver_wake.
 */
typedef struct nd_interface_functions {
  /**
   * Size of this struct in bytes; nd_interface_functions_init sets it.
   */
  uint32_t struct_size;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Handed to the functions as it is.
   */
  void *user;
  /**
   * NULL: any endpoint is fine as it is.
   */
  nd_interface_bind bind;
  /**
   * NULL: there is nothing to do.
   */
  nd_interface_listen listen;
  /**
   * What has arrived. Must not be NULL.
   */
  nd_interface_receive receive;
  /**
   * What is to be sent. Must not be NULL.
   */
  nd_interface_send send;
  /**
   * NULL: there is nothing to free.
   */
  nd_interface_release release;
} nd_interface_functions;

/**
 * How a server speaks TLS. Fill it with nd_tls_server_init.
 */
typedef struct nd_tls_server {
  /**
   * Size of this struct in bytes; nd_tls_server_init sets it.
   */
  uint32_t struct_size;
  /**
   * How many certificates there are at `identities`; 1 to 64.
   */
  uint32_t identity_count;
  /**
   * What is asked of clients: ND_TLS_CLIENT_CERTIFICATES_…. Default …_NONE.
   */
  uint32_t client_certificates;
  /**
   * The oldest version that is spoken, ND_TLS_VERSION_…. Default ND_TLS_VERSION_1_2.
   */
  uint32_t version_min;
  /**
   * The server's certificates. A client gets the first one that is for the name it asks for; the
   * first of all when it asks for none, or for one that none has.
   */
  const struct nd_tls_identity *identities;
  /**
   * Who issues the clients' certificates, as PEM. NULL: none.
   */
  const uint8_t *client_ca;
  /**
   * The name that a client's certificate must be for. NULL: any.
   */
  const char *client_name;
  /**
   * Length of `client_ca` in bytes; at most 1 MiB.
   */
  uint32_t client_ca_length;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * As nd_tls_client.key_log_file. Since 0.3.
   */
  const char *key_log_file;
} nd_tls_server;

/**
 * One direction of a driver's traffic since it was created.
 */
typedef struct nd_traffic {
  /**
   * Bytes with the headers that the system adds, estimated: IP and UDP 28 (IPv6: 48), IP and
   * TCP 52 (IPv6: 72); none in process.
   */
  uint64_t bytes;
  /**
   * Packets: datagrams, and for streams as many TCP segments of 1448 bytes as the bytes fill.
   */
  uint64_t packets;
  /**
   * Bytes given to or taken from the system, without those headers: exact.
   */
  uint64_t exact_bytes;
  /**
   * Packets below 128 bytes (sizes include the headers), below 256, below 512, below 1024, and
   * larger.
   */
  uint64_t size_classes[5];
  /**
   * Mean size of a packet.
   */
  float size_mean;
  /**
   * Standard deviation of the sizes.
   */
  float size_deviation;
  /**
   * The smallest packet; 0 when there was none.
   */
  uint32_t size_min;
  /**
   * The largest packet.
   */
  uint32_t size_max;
  /**
   * Kilobits (1000 bits) per second since the driver was created.
   */
  float bandwidth_mean;
  /**
   * Kilobits per second in the last full second.
   */
  float bandwidth_current;
  /**
   * Kilobits per second in the quietest full second; 0 before there was one.
   */
  float bandwidth_min;
  /**
   * Kilobits per second in the busiest full second.
   */
  float bandwidth_max;
  /**
   * Kilobits per second in the busiest update.
   */
  float bandwidth_burst;
  /**
   * Packets in one update, on average.
   */
  float queue_mean;
  /**
   * The most packets in one update.
   */
  uint32_t queue_max;
  /**
   * 0.
   */
  uint32_t reserved;
} nd_traffic;

/**
 * Traffic of a driver since it was created. Set struct_size with nd_traffic_statistics_init.
 */
typedef struct nd_traffic_statistics {
  /**
   * Size of this struct in bytes; nd_traffic_statistics_init sets it.
   */
  uint32_t struct_size;
  /**
   * What went wrong with receiving in the last update: ND_OK, ND_ERROR_RECEIVE_QUEUE_FULL
   * (packets were dropped because a connection's receive queue was full) or
   * ND_ERROR_NETWORK_SOCKET (a socket failed, or clients of streams could not be taken, mostly
   * for want of descriptors: nd_raise_descriptor_limit; they wait, and the log says more).
   */
  int32_t receive_error;
  /**
   * What came in.
   */
  struct nd_traffic rx;
  /**
   * What went out.
   */
  struct nd_traffic tx;
} nd_traffic_statistics;

/**
 * The quality of a connection since it began. Set struct_size with
 * nd_connection_statistics_init.
 */
typedef struct nd_connection_statistics {
  /**
   * Size of this struct in bytes; nd_connection_statistics_init sets it.
   */
  uint32_t struct_size;
  /**
   * How many round trips were measured; 0: the six below are 0.
   */
  uint32_t latency_count;
  /**
   * Milliseconds of a round trip, on average.
   */
  float latency_mean;
  /**
   * Their standard deviation.
   */
  float latency_deviation;
  /**
   * The shortest.
   */
  float latency_min;
  /**
   * The longest.
   */
  float latency_max;
  /**
   * The last.
   */
  float latency_current;
  /**
   * The smoothed one (RFC 6298).
   */
  float latency_smoothed;
  /**
   * Reliable pipelines: packets received.
   */
  uint64_t reliable_packets_received;
  /**
   * Packets sent for the first time.
   */
  uint64_t reliable_packets_sent;
  /**
   * Packets that only acknowledged, received.
   */
  uint64_t reliable_acks_received;
  /**
   * Packets that only acknowledged, sent.
   */
  uint64_t reliable_acks_sent;
  /**
   * Packets of the peer that were missing when a later one came: lost, or overtaken.
   */
  uint64_t reliable_packets_dropped;
  /**
   * Packets that came out of their order.
   */
  uint64_t reliable_packets_out_of_order;
  /**
   * Packets that came more than once.
   */
  uint64_t reliable_packets_duplicated;
  /**
   * Packets that came too late to be of use.
   */
  uint64_t reliable_packets_stale;
  /**
   * Packets sent again.
   */
  uint64_t reliable_packets_resent;
  /**
   * Unreliable-sequenced pipelines: packets sent.
   */
  uint64_t sequenced_packets_sent;
  /**
   * Packets received.
   */
  uint64_t sequenced_packets_received;
  /**
   * Packets dropped because a newer one had come before.
   */
  uint64_t sequenced_packets_out_of_order;
  /**
   * Packets that never came.
   */
  uint64_t sequenced_packets_lost;
} nd_connection_statistics;

/**
 * An upgrade request that waits for the program. Set struct_size with nd_request_init.
 */
typedef struct nd_request {
  /**
   * Size of this struct in bytes; nd_request_init sets it.
   */
  uint32_t struct_size;
  /**
   * Number of the interface, as nd_driver_add_interface gave it.
   */
  uint32_t interface_index;
  /**
   * Names the request to nd_driver_request_accept and _reject; 0: none waits.
   */
  uint64_t id;
  /**
   * ND_REQUEST_FLAG_… bits.
   */
  uint32_t flags;
  /**
   * Milliseconds until the request is answered with 503.
   */
  uint32_t remaining_ms;
  /**
   * The client's address, behind trusted proxies too.
   */
  struct nd_endpoint remote;
  /**
   * The address of the socket's other end: of the proxy, else as `remote`.
   */
  struct nd_endpoint peer;
  /**
   * The address of this side.
   */
  struct nd_endpoint local;
} nd_request;

/**
 * One event. What a field holds depends on `kind`.
 */
typedef struct nd_event {
  /**
   * The connection that it happened to.
   */
  nd_connection connection;
  /**
   * Data: the message. Fragment: the piece. Connect: the server's accept payload. Disconnect:
   * the close reason, or what went wrong, as UTF-8 text. CloseRequest: the peer's close reason.
   * Pong: what the ping carried. Valid until the first nd_driver_update after this pop.
   */
  const uint8_t *data;
  /**
   * Length of `data` in bytes; 0 is a valid message.
   */
  uint32_t data_length;
  /**
   * ND_EVENT_….
   */
  int32_t kind;
  /**
   * Disconnect of a WebSocket, CloseRequest: the close code (RFC 6455 section 7.4); 1005 when
   * the peer gave none, 1006 when the stream just ended; 0 when it was never open, and where
   * there are none. With ND_DISCONNECT_HANDSHAKE_REJECTED: the HTTP status of the answer, 0
   * when it had none.
   */
  uint16_t close_code;
  /**
   * Disconnect: ND_DISCONNECT_….
   */
  uint8_t reason;
  /**
   * Data: the pipeline that it came through; 0 is none. Writable: the pipeline whose window was
   * full; 0: the send queue was.
   */
  uint8_t pipeline;
  /**
   * ND_EVENT_FLAG_… bits.
   */
  uint32_t flags;
} nd_event;

/**
 * Agrees on an extension, once for each connection.
 *
 * `server` is 1 on a server: `parameters` are those of a client's offer, as written behind the
 * name, and `answer` has room for `answer_capacity` bytes of the answer's parameters with a NUL
 * (it holds "" before). `server` is 0 on a client: `parameters` are those of the server's answer,
 * and `answer` is NULL. `out_session` takes what the other functions get for this connection.
 * Return 0 to agree. On a server any other number declines; on a client it is the close code
 * (1002, 1007 to 1011, 3000 to 4999; else 1010) to close the connection with.
 */
typedef int32_t (*nd_extension_negotiate)(void *user,
                                          int32_t server,
                                          const char *parameters,
                                          char *answer,
                                          uint32_t answer_capacity,
                                          void **out_session);

/**
 * A data frame on its way through an extension.
 */
typedef struct nd_extension_frame {
  /**
   * 0 continuation, 1 text, 2 binary.
   */
  uint32_t opcode;
  /**
   * 1 for the last (or only) frame of its message.
   */
  uint32_t last;
  /**
   * ND_EXTENSION_RSV… bits. Decode: those of the extension's that are set. Encode: 0, and set
   * the ones that the frame shall have.
   */
  uint32_t reserved_bits;
  /**
   * Bytes at `data`.
   */
  uint32_t data_length;
  /**
   * The payload, unmasked; valid during the call.
   */
  const uint8_t *data;
} nd_extension_frame;

/**
 * Encodes or decodes the payload of one data frame: writes the new one with nd_extension_write,
 * in as many pieces as it likes; what it does not write is not there. Return 0, or the close code
 * to fail the connection with (1002, 1007 to 1011, 3000 to 4999; another number is 1011).
 */
typedef int32_t (*nd_extension_transform)(void *user,
                                          void *session,
                                          struct nd_extension_frame *frame);

/**
 * Frees what negotiate made for a connection. Called once for each connection that agreed.
 */
typedef void (*nd_extension_release)(void *user, void *session);

/**
 * An extension of the WebSocket protocol (RFC 6455 section 9): functions that agree on it and
 * that every data frame goes through. Fill it with nd_extension_init.
 */
typedef struct nd_extension {
  /**
   * Size of this struct in bytes; nd_extension_init sets it.
   */
  uint32_t struct_size;
  /**
   * ND_EXTENSION_RSV… bits that its frames may have set. Default 0.
   */
  uint32_t reserved_bits;
  /**
   * ND_EXTENSION_FLAG_… bits. Default 0.
   */
  uint32_t flags;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Its name in Sec-WebSocket-Extensions, a token; copied.
   */
  const char *name;
  /**
   * Parameters that a client offers, such as "key=5; fast"; copied. NULL (default): none.
   */
  const char *offer;
  /**
   * Handed to the functions as it is.
   */
  void *user;
  /**
   * NULL: agrees always, without parameters and session.
   */
  nd_extension_negotiate negotiate;
  /**
   * What frames go through that are sent.
   */
  nd_extension_transform encode;
  /**
   * What frames go through that have arrived.
   */
  nd_extension_transform decode;
  /**
   * NULL: there is nothing to free.
   */
  nd_extension_release release;
} nd_extension;

/**
 * A message being written in place, between nd_driver_begin_send and nd_driver_end_send, or
 * nd_concurrent_begin_send and nd_concurrent_end_send.
 */
typedef struct nd_send {
  /**
   * Names the send to the driver.
   */
  uint64_t handle;
  /**
   * Where to write the message; valid until the send is ended or aborted, or until the next
   * nd_driver_update, which aborts what was left open.
   */
  uint8_t *data;
  /**
   * Bytes that may be written at `data`.
   */
  uint32_t capacity;
  /**
   * The library's: leave it as it is.
   */
  uint32_t reserved;
} nd_send;

/**
 * Writes values into memory of yours, as Unity's DataStreamWriter does: whole bytes (each value
 * on a byte boundary), single bits, and packed numbers. Fill it with nd_stream_writer_init; the
 * fields are to be read only. It owns nothing and needs no end. It is a value: a copy has its own
 * place, so a copy that was made before a value was written can overwrite that value later (end it
 * with nd_stream_writer_flush when it wrote single bits or packed values).
 *
 * A write that does not fit writes nothing and counts: one look at failed_writes after the last
 * write is enough. A message in place:
 *
 *   nd_stream_writer writer; nd_send send; uint32_t length;
 *   nd_driver_begin_send(driver, connection, 0, 0, &send);
 *   nd_stream_writer_init(&writer, send.data, send.capacity);
 *   nd_stream_write_packed_uint(&writer, 42);
 *   nd_stream_writer_length(&writer, &length);
 *   nd_driver_end_send(driver, &send, length, 0);
 */
typedef struct nd_stream_writer {
  /**
   * Where the values go.
   */
  uint8_t *data;
  /**
   * Bytes that are there.
   */
  uint32_t capacity;
  /**
   * Whole bytes written.
   */
  uint32_t length;
  /**
   * Bits behind those bytes that are not in memory yet, the first one lowest.
   */
  uint32_t pending;
  /**
   * How many such bits there are: 0 to 7.
   */
  uint32_t pending_count;
  /**
   * Writes that did not fit.
   */
  uint32_t failed_writes;
  /**
   * 0.
   */
  uint32_t reserved;
} nd_stream_writer;

/**
 * Reads values out of memory of yours, as Unity's DataStreamReader does, in the order in which
 * they were written and with the functions of the same names. Fill it with nd_stream_reader_init;
 * the fields are to be read only. It owns nothing and needs no end. A copy has its own place.
 *
 * A read past the end gives 0, does not move and counts: one look at failed_reads after the last
 * read is enough.
 */
typedef struct nd_stream_reader {
  /**
   * The bytes.
   */
  const uint8_t *data;
  /**
   * How many there are.
   */
  uint32_t length;
  /**
   * Whole bytes read.
   */
  uint32_t position;
  /**
   * Bits read of the byte that is there: 0 to 7.
   */
  uint32_t bit_count;
  /**
   * Reads that went past the end.
   */
  uint32_t failed_reads;
} nd_stream_reader;

/**
 * A function that takes memory back which nd_driver_send_owned was given: `data` and `user` are
 * those of that call. It runs inside of a call or job of the driver (or of nd_driver_destroy), on
 * that thread, or on the background pump's; it must not call the library with the same driver, and
 * must return.
 */
typedef void (*nd_release_callback)(const uint8_t *data, void *user);

/**
 * The bad network of a simulator stage. Fill it with nd_simulator_stage_init.
 */
typedef struct nd_simulator_stage {
  /**
   * Size of this struct in bytes; nd_simulator_stage_init sets it.
   */
  uint32_t struct_size;
  /**
   * Packets that the stage holds at once in each direction; what comes on top is not late.
   * Default 512.
   */
  uint32_t max_packet_count;
  /**
   * Bytes of the longest packet that the stage acts on. Default 1472.
   */
  uint32_t max_packet_size;
  /**
   * ND_SIMULATOR_MODE_…. Default ND_SIMULATOR_MODE_ALL_PACKETS.
   */
  uint32_t mode;
  /**
   * Milliseconds by which packets are late, at most 3600000. Default 0.
   */
  uint32_t packet_delay_ms;
  /**
   * Milliseconds by which that varies, either way, at most 3600000. Default 0.
   */
  uint32_t packet_jitter_ms;
  /**
   * The first of every so many packets is dropped. Default 0: none.
   */
  uint32_t packet_drop_interval;
  /**
   * Percent of packets that are dropped. Default 0.
   */
  float packet_drop_percentage;
  /**
   * Percent of packets that come twice. Default 0.
   */
  float packet_duplication_percentage;
  /**
   * Percent of packets that are damaged; each of their bits flips with the same chance.
   * Default 0.
   */
  float fuzz_factor;
  /**
   * Bytes at the start of a packet that are never damaged. Default 0.
   */
  uint32_t fuzz_offset;
  /**
   * Start of the random sequence. Default 0: one of the connection's own.
   */
  uint32_t random_seed;
} nd_simulator_stage;

/**
 * A stage of a pipeline. All zero but `stage` is fine: then the parameters are those of the
 * driver's settings.
 */
typedef struct nd_pipeline_stage {
  /**
   * ND_PIPELINE_STAGE_…, or what nd_driver_register_stage gave.
   */
  uint32_t stage;
  /**
   * Fragmentation: bytes of the longest message; 0: fragmentation_payload_capacity.
   */
  uint32_t payload_capacity;
  /**
   * ReliableSequenced: packets under way; 0: reliable_window_size.
   */
  uint32_t window_size;
  /**
   * ReliableSequenced: milliseconds; 0: reliable_minimum_resend_time_ms.
   */
  int32_t minimum_resend_time_ms;
  /**
   * ReliableSequenced: milliseconds; 0: reliable_maximum_resend_time_ms.
   */
  int32_t maximum_resend_time_ms;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Simulator: how bad a network; NULL: as nd_driver_set_simulator_stage said, or a good one.
   */
  const struct nd_simulator_stage *simulator;
} nd_pipeline_stage;

/**
 * What the stages of one pipeline have counted on one connection. Fields of stages that the
 * pipeline has not are 0. Several stages of a kind count together; the round trips are the first
 * one's.
 */
typedef struct nd_pipeline_statistics {
  /**
   * Size of this struct in bytes; nd_pipeline_statistics_init sets it.
   */
  uint32_t struct_size;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * ReliableSequenced: packets with payload that arrived, whatever became of them.
   */
  uint64_t reliable_packets_received;
  /**
   * ReliableSequenced: packets with payload that left, those sent again not counted.
   */
  uint64_t reliable_packets_sent;
  /**
   * ReliableSequenced: packets that arrived and only acknowledge.
   */
  uint64_t reliable_acks_received;
  /**
   * ReliableSequenced: packets that left and only acknowledge.
   */
  uint64_t reliable_acks_sent;
  /**
   * ReliableSequenced: packets that were missing when a later one came.
   */
  uint64_t reliable_packets_dropped;
  /**
   * ReliableSequenced: packets that arrived after later ones.
   */
  uint64_t reliable_packets_out_of_order;
  /**
   * ReliableSequenced: packets that had arrived before.
   */
  uint64_t reliable_packets_duplicated;
  /**
   * ReliableSequenced: packets outside of the window.
   */
  uint64_t reliable_packets_stale;
  /**
   * ReliableSequenced: packets sent again.
   */
  uint64_t reliable_packets_resent;
  /**
   * ReliableSequenced: microseconds of the last round trip measured; 0: none yet.
   */
  uint64_t round_trip_last_us;
  /**
   * ReliableSequenced: the smoothed mean of round trips, in microseconds.
   */
  uint64_t round_trip_smoothed_us;
  /**
   * ReliableSequenced: their smoothed deviation, in microseconds.
   */
  uint64_t round_trip_variance_us;
  /**
   * ReliableSequenced: microseconds until a packet is sent again, before the bounds of the
   * settings.
   */
  uint64_t resend_timeout_us;
  /**
   * UnreliableSequenced: packets that left.
   */
  uint64_t sequenced_packets_sent;
  /**
   * UnreliableSequenced: packets that arrived.
   */
  uint64_t sequenced_packets_received;
  /**
   * UnreliableSequenced: packets dropped because a later one had arrived.
   */
  uint64_t sequenced_packets_culled;
  /**
   * UnreliableSequenced: packets that never arrived.
   */
  uint64_t sequenced_packets_dropped;
  /**
   * Fragmentation: messages that left.
   */
  uint64_t fragmentation_messages_sent;
  /**
   * Fragmentation: packets that they became.
   */
  uint64_t fragmentation_packets_sent;
  /**
   * Fragmentation: messages that arrived whole.
   */
  uint64_t fragmentation_messages_received;
  /**
   * Fragmentation: packets that arrived.
   */
  uint64_t fragmentation_packets_received;
  /**
   * Fragmentation: packets of messages that cannot become whole.
   */
  uint64_t fragmentation_packets_dropped;
  /**
   * Fragmentation: messages that were begun and given up.
   */
  uint64_t fragmentation_messages_dropped;
  /**
   * Simulator: packets that went in.
   */
  uint64_t simulator_packets;
  /**
   * Simulator: packets dropped.
   */
  uint64_t simulator_dropped;
  /**
   * Simulator: copies made.
   */
  uint64_t simulator_duplicated;
  /**
   * Simulator: packets damaged.
   */
  uint64_t simulator_fuzzed;
  /**
   * Simulator: packets that it holds now.
   */
  uint64_t simulator_waiting;
} nd_pipeline_statistics;

/**
 * Makes a stage's state for one connection (and once when a pipeline is made, to see that it
 * can): `out_instance` takes what the other functions get for
 * it. `seed` is a random number that is the same in every run with the same connections. Return 0;
 * another number is taken as the refusal of everything that goes through the stage.
 */
typedef int32_t (*nd_stage_create)(void *user, uint64_t seed, void **out_instance);

/**
 * A call of a stage's function.
 */
typedef struct nd_stage_call {
  /**
   * The driver's time in microseconds.
   */
  uint64_t now_us;
  /**
   * When `timeout` is to be called, in the driver's time; 0 (at first) is never. Set it to ask
   * for it; it stays as it is from call to call until its time comes, and is 0 then.
   */
  uint64_t wake_us;
  /**
   * The packet: on its way out as the stages before made it, on its way in without the headers
   * of the stages behind. It may be changed in place. NULL for `timeout`.
   */
  uint8_t *data;
  /**
   * Bytes at `data`.
   */
  uint32_t data_length;
  /**
   * What nd_stage_forward takes now, header and payload together.
   */
  uint32_t forward_max;
  /**
   * 1: what is handed on goes to the program; 0: to the peer. `timeout` is called once for
   * each.
   */
  uint32_t receiving;
  /**
   * 0.
   */
  uint32_t reserved;
} nd_stage_call;

/**
 * Handles one packet, or the time that the stage asked for. It hands on what it makes of the
 * packet with nd_stage_forward, now, later or never, once or several times.
 *
 * Return 0. When sending, another number refuses the message: ND_ERROR_NETWORK_SEND_QUEUE_FULL and
 * _PACKET_OVERFLOW (as nd_stage_forward returned them) reach the caller of the send as they are,
 * others as ND_ERROR_INVALID_ARGUMENT. When receiving, the packet is counted as malformed. After a
 * time that was asked for the number does not matter.
 */
typedef int32_t (*nd_stage_handle)(void *user, void *instance, struct nd_stage_call *call);

/**
 * Frees what create made.
 */
typedef void (*nd_stage_destroy)(void *user, void *instance);

/**
 * A stage of pipelines. Fill it with nd_stage_functions_init.
 */
typedef struct nd_stage_functions {
  /**
   * Size of this struct in bytes; nd_stage_functions_init sets it.
   */
  uint32_t struct_size;
  /**
   * Bytes of the longest header that the stage puts in front of a packet. Default 0.
   */
  uint32_t header_size;
  /**
   * Bytes of the longest message, for a stage that cuts messages. Default 0: what fits into a
   * packet.
   */
  uint32_t payload_capacity;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * A name for logs; copied.
   */
  const char *name;
  /**
   * Handed to the functions as it is.
   */
  void *user;
  /**
   * NULL: there is no state, and the others get NULL as instance.
   */
  nd_stage_create create;
  /**
   * A packet on its way out. NULL: it goes on as it is.
   */
  nd_stage_handle send;
  /**
   * A packet on its way in. NULL: it goes on as it is.
   */
  nd_stage_handle receive;
  /**
   * The time that was asked for in wake_us. NULL: nothing.
   */
  nd_stage_handle timeout;
  /**
   * NULL: there is nothing to free.
   */
  nd_stage_destroy destroy;
} nd_stage_functions;

/**
 * A job: a value, which may be copied, kept and forgotten. 0 names none, and so does a value that
 * is too old; both are complete. Since 0.4.
 */
typedef uint64_t nd_job;

/**
 * A function of the program that runs as a job, once, on any thread. Inside it the driver is used
 * as by one thread: all calls with it are fine but nd_driver_destroy. Return ND_OK or
 * more, or a negative number: one of ND_ERROR_… is the job's result as it is, any other makes it
 * ND_ERROR_JOB_FAILED.
 */
typedef int32_t (*nd_job_function)(void *user);

/**
 * A function of the program that runs for one connection, on any thread, while others run for
 * others: it may use the driver through `concurrent` alone, and for this connection alone. While
 * it pops or sends, what it did is final; what it sent leaves with the next flush or update.
 * The first negative number that it returns is the result of the job, as for nd_job_function; it
 * keeps no other connection from its turn.
 */
typedef int32_t (*nd_job_connection_function)(void *user,
                                              struct nd_concurrent *concurrent,
                                              nd_connection connection);

/**
 * Has nd_job_run called for `job`, once, on any thread, soon; or calls it itself. What it returns
 * names the job to the scheduler. Called when the job may run, inside of a call that schedules,
 * completes or runs jobs, on any thread that makes one.
 */
typedef uint64_t (*nd_job_schedule_function)(void *user, nd_job job);

/**
 * Somebody waits, in nd_job_complete, for a job that has begun on another thread. May run other
 * jobs of the engine meanwhile, and may return at once: the call then sleeps until it is over.
 */
typedef void (*nd_job_complete_function)(void *user, uint64_t ticket);

/**
 * An engine's own job system, as two functions. Fill it with nd_job_scheduler_init.
 */
typedef struct nd_job_scheduler {
  /**
   * Size of this struct in bytes; nd_job_scheduler_init sets it.
   */
  uint32_t struct_size;
  /**
   * How often `schedule` is called for one job of many connections, so that as many threads
   * work on it. Default 4; 1 to 64.
   */
  uint32_t parallelism;
  /**
   * Handed to the functions as it is.
   */
  void *user;
  /**
   * Must not be NULL.
   */
  nd_job_schedule_function schedule;
  /**
   * NULL: who waits sleeps.
   */
  nd_job_complete_function complete;
} nd_job_scheduler;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the binary interface that the loaded library has.
 *
 * @return ND_ABI_VERSION of the library; a binding compares it with its own before any other call
 * @thread any
 * @since 0.1
 */
uint32_t nd_abi_version(void);

/**
 * The version of the loaded library, such as "0.4.0".
 *
 * @return a NUL-ended text that lives as long as the library is loaded
 * @thread any
 * @since 0.1
 */
const char *nd_version(void);

/**
 * A short name of a result, such as "NetworkSendQueueFull".
 *
 * @param result  what a call returned
 * @return a NUL-ended text that lives as long as the library is loaded; "Unknown" for a number
 * that is no result
 * @thread any
 * @since 0.1
 */
const char *nd_result_name(nd_result result);

/**
 * A short name of a disconnect reason, such as "ClosedByRemote".
 *
 * @param reason  nd_event.reason of a Disconnect
 * @return a NUL-ended text that lives as long as the library is loaded; "Unknown" for a number
 * that is no reason
 * @thread any
 * @since 0.1
 */
const char *nd_disconnect_reason_name(int32_t reason);

/**
 * Let the process have more files and sockets open at once. The system starts programs with few
 * (often 1024); a server needs one for each client of a stream, and a few besides, while clients
 * over UDP need none. A limit that is high enough already stays. Windows has no such limit.
 *
 * @param wanted  how many; 0 for as many as the system allows
 * @param out_limit  out: how many may be open now; UINT64_MAX where there is no limit
 * @return ND_OK; ND_ERROR_LIMIT_REACHED (the system allows less than was wanted, and the limit is
 * as high as it may be; the last error's text says how to raise the bound);
 * ND_ERROR_NULL_ARGUMENT
 * @thread any; the limit is the whole process's
 * @since 0.4
 */
nd_result nd_raise_descriptor_limit(uint64_t wanted, uint64_t *out_limit);

/**
 * The text of the last error that a call returned on this thread: what was wrong and what to do.
 *
 * @param buffer  where to write the text and a NUL; NULL with capacity 0 asks for the length only
 * @param capacity  bytes at `buffer`
 * @param out_length  out: bytes of the text without the NUL; may be NULL
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (the length is written, the buffer is not);
 * ND_ERROR_NULL_ARGUMENT
 * @lifetime the text stays until the next error of another call on this thread
 * @thread any; each thread has its own text
 * @since 0.1
 */
nd_result nd_last_error(char *buffer, uint32_t capacity, uint32_t *out_length);

/**
 * Choose where log lines go. Without a callback they go nowhere.
 *
 * @param level  the most talkative ND_LOG_… level to deliver; 0 for none
 * @param callback  called for each line; NULL stops the log
 * @param user  handed to the callback as it is
 * @return ND_OK; ND_ERROR_INVALID_ARGUMENT for an unknown level
 * @lifetime the callback may be called until it is replaced; replacing waits for a line that is
 * being written
 * @thread any; the callback runs on whichever thread logs, and must not call the library
 * @since 0.1
 */
nd_result nd_log_set_callback(uint32_t level, nd_log_callback callback, void *user);

/**
 * Fill limits with nothing: every field but struct_size is 0.
 *
 * @param out_limits  out: every field set
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.3
 */
nd_result nd_connection_limits_init(struct nd_connection_limits *out_limits);

/**
 * The limits that hold for a connection: its own, and where it has none those of its interface or
 * of the driver.
 *
 * @param driver  the driver
 * @param connection  which
 * @param out_limits  in: struct_size, see nd_connection_limits_init; out: no field is 0, and
 * UINT32_MAX in websocket_send_queue_capacity is no such limit
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
 * ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.3
 */
nd_result nd_connection_get_limits(struct nd_driver *driver,
                                   nd_connection connection,
                                   struct nd_connection_limits *out_limits);

/**
 * Change limits of one connection, from now on. What waits already is not dropped: a queue that is
 * above its new limit takes nothing until it is below it again.
 *
 * @param driver  the driver
 * @param connection  which
 * @param limits  the limits; a field that is 0 stays as it is
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
 * ND_ERROR_INVALID_ARGUMENT (out of the bounds that nd_settings has; nothing has changed);
 * ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.3
 */
nd_result nd_connection_set_limits(struct nd_driver *driver,
                                   nd_connection connection,
                                   const struct nd_connection_limits *limits);

/**
 * What messages of a connection are that are sent without ND_SEND_FLAG_TEXT and
 * ND_SEND_FLAG_BINARY.
 *
 * @param driver  the driver
 * @param connection  which
 * @param out_mode  out: ND_WRITE_MODE_…; ND_WRITE_MODE_BINARY at first
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
 * ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.3
 */
nd_result nd_connection_get_write_mode(struct nd_driver *driver,
                                       nd_connection connection,
                                       uint32_t *out_mode);

/**
 * Say what messages of a connection are that are sent without ND_SEND_FLAG_TEXT and
 * ND_SEND_FLAG_BINARY, from now on.
 *
 * @param driver  the driver
 * @param connection  which
 * @param mode  ND_WRITE_MODE_TEXT or ND_WRITE_MODE_BINARY (as at first)
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_INVALID_ARGUMENT (an unknown mode; text in the
 * UTP dialect, which has none); ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH;
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.3
 */
nd_result nd_connection_set_write_mode(struct nd_driver *driver,
                                       nd_connection connection,
                                       uint32_t mode);

/**
 * Fill settings with the defaults.
 *
 * @param out_settings  out: every field set
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.1
 */
nd_result nd_settings_init(struct nd_settings *out_settings);

/**
 * Check settings as nd_driver_create does, without making a driver.
 *
 * @param settings  what to check
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE; ND_ERROR_INVALID_ARGUMENT
 * (nd_last_error names the field and its bounds)
 * @thread any
 * @since 0.4
 */
nd_result nd_settings_validate(const struct nd_settings *settings);

/**
 * Fill interface settings with the defaults of a kind.
 *
 * @param out_settings  out: every field set
 * @param kind  ND_INTERFACE_…
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT for an unknown kind
 * @thread any
 * @since 0.1
 */
nd_result nd_interface_settings_init(struct nd_interface_settings *out_settings, uint32_t kind);

/**
 * Fill connect options with the defaults: plain dialect, nothing extra.
 *
 * @param out_options  out: every field set
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.1
 */
nd_result nd_connect_options_init(struct nd_connect_options *out_options);

/**
 * Prepare a struct for nd_connection_get_info.
 *
 * @param out_info  out: struct_size set, the rest 0
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.1
 */
nd_result nd_connection_info_init(struct nd_connection_info *out_info);

/**
 * Prepare a struct for nd_driver_get_statistics.
 *
 * @param out_statistics  out: struct_size set, the rest 0
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.1
 */
nd_result nd_driver_statistics_init(struct nd_driver_statistics *out_statistics);

/**
 * Fill a network simulator with the defaults: everything off.
 *
 * @param out_simulator  out: every field set
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.1
 */
nd_result nd_network_simulator_init(struct nd_network_simulator *out_simulator);

/**
 * Fill settings with those that users of another engine are used to: limits, timers, compression,
 * the rule for sub-protocols. docs/PRESETS.md lists them; change what you want afterwards.
 *
 * @param out_settings  out: every field set
 * @param preset  ND_PRESET_…
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT for an unknown preset
 * @thread any
 * @since 0.2
 */
nd_result nd_settings_init_preset(struct nd_settings *out_settings, uint32_t preset);

/**
 * Read an address from text: "127.0.0.1", "::1" or "[::1]". Names are not looked up; see
 * nd_driver_connect_host.
 *
 * @param text  the address, NUL-ended
 * @param port  the port; 0 lets the operating system choose one at bind
 * @param family  ND_FAMILY_IPV4 or ND_FAMILY_IPV6; ND_FAMILY_INVALID tries both, IPv4 first
 * @param out_endpoint  out: the endpoint
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT
 * @thread any
 * @since 0.1
 */
nd_result nd_endpoint_parse(const char *text,
                            uint16_t port,
                            uint32_t family,
                            struct nd_endpoint *out_endpoint);

/**
 * Write an endpoint as text, as Unity Transport does: "1.2.3.4:80", "[0000:…:0001]:80",
 * "custom:0x…", "invalid".
 *
 * @param endpoint  what to write
 * @param buffer  where to write the text and a NUL; 132 bytes are always enough
 * @param capacity  bytes at `buffer`
 * @param out_length  out: bytes of the text without the NUL; may be NULL
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_BUFFER_TOO_SMALL; ND_ERROR_INVALID_ARGUMENT
 * @thread any
 * @since 0.1
 */
nd_result nd_endpoint_format(const struct nd_endpoint *endpoint,
                             char *buffer,
                             uint32_t capacity,
                             uint32_t *out_length);

/**
 * Create a driver. It has no interface yet: add one or several with nd_driver_add_interface.
 *
 * @param settings  what to build it with, copied; NULL for the defaults
 * @param out_driver  out: the driver's handle
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE; ND_ERROR_INVALID_ARGUMENT (a
 * setting is out of range; nd_last_error names it); ND_ERROR_LIMIT_REACHED (1024 drivers);
 * ND_ERROR_NOT_SUPPORTED; ND_ERROR_NETWORK_SOCKET
 * @lifetime destroy it with nd_driver_destroy
 * @thread any; a driver may move between threads, and is used by one at a time
 * @since 0.1
 */
nd_result nd_driver_create(const struct nd_settings *settings, struct nd_driver **out_driver);

/**
 * Destroy a driver: its sockets close, its memory goes. Peers are not told; if they should be,
 * call nd_driver_disconnect for each connection before, and nd_driver_wait until
 * nd_driver_statistics.connections_closing is 0. Waits until the threads for its jobs have ended.
 *
 * @param driver  the handle; stale afterwards
 * @return ND_OK; ND_ERROR_INVALID_HANDLE (destroyed already); ND_ERROR_DRIVER_IN_USE (another
 * thread is inside a call, or a job is not complete: nd_job_complete before; or this is inside of
 * a function of the driver's job scheduler)
 * @lifetime every pointer that came from the driver is invalid afterwards
 * @thread the one that uses the driver now; never inside of a job of it
 * @since 0.1
 */
nd_result nd_driver_destroy(struct nd_driver *driver);

/**
 * Give a driver a way for packets to travel. A driver may have several, of any kinds.
 *
 * @param driver  the driver
 * @param settings  what kind, and how; copied
 * @param out_interface  out: the number by which other calls name it, counting from 0
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
 * ND_ERROR_INVALID_ARGUMENT; ND_ERROR_LIMIT_REACHED (16 interfaces); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_add_interface(struct nd_driver *driver,
                                  const struct nd_interface_settings *settings,
                                  uint32_t *out_interface);

/**
 * Bind an interface to an address of this machine. May be called several times: each call adds
 * a listening endpoint (a custom interface has one). Clients need not bind; connecting does it for
 * them.
 *
 * @param driver  the driver
 * @param interface_index  the interface
 * @param endpoint  the address; port 0 lets the system choose (see nd_driver_get_local_endpoint)
 * @param out_binding  out: the number of this endpoint within the interface, counting from 0;
 * may be NULL
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT;
 * ND_ERROR_NETWORK_SOCKET (address in use, no permission, …); ND_ERROR_LIMIT_REACHED (16
 * endpoints); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_bind(struct nd_driver *driver,
                         uint32_t interface_index,
                         const struct nd_endpoint *endpoint,
                         uint32_t *out_binding);

/**
 * The address that an interface is bound to, with the port that the system chose.
 *
 * @param driver  the driver
 * @param interface_index  the interface
 * @param binding  which of its endpoints, as nd_driver_bind gave it
 * @param out_endpoint  out: the address
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (no
 * such interface); ND_ERROR_NOT_FOUND (no such endpoint); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_get_local_endpoint(struct nd_driver *driver,
                                       uint32_t interface_index,
                                       uint32_t binding,
                                       struct nd_endpoint *out_endpoint);

/**
 * Receive, run timers, send; then make the new events visible. Call it once a frame.
 *
 * @param driver  the driver
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_SOCKET (the system failed a socket of
 * the driver itself, or a function of a custom interface did; connections go on where they can);
 * ND_ERROR_DRIVER_IN_USE
 * @lifetime ends the validity of the data of events popped before, and aborts sends left open
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_update(struct nd_driver *driver);

/**
 * Send what waits to be sent, and nothing else.
 *
 * @param driver  the driver
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_SOCKET; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_flush(struct nd_driver *driver);

/**
 * Sleep until an update would bring an event, a connection or an upgrade request, until
 * nd_driver_wake is called, or until the time is over. No other call blocks, but for
 * nd_multi_driver_wait and nd_job_complete.
 * Meanwhile keep-alives and pongs are served.
 *
 * A program that is busy with what arrives, because its last wait began less than 3 ms ago,
 * gets what some of its sockets have, answers that, and gets what the others have with the
 * next calls, 16 ms later at most unless more than 1024 wait: in turns all of them cost less. A
 * program that comes once per frame gets everything.
 *
 * @param driver  the driver
 * @param timeout_ms  milliseconds to sleep at most; 0 returns at once
 * @param out_ready  out: 1 when an update has something to show, else 0; may be NULL
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_SOCKET; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now; others get ND_ERROR_DRIVER_IN_USE meanwhile
 * @since 0.1
 */
nd_result nd_driver_wait(struct nd_driver *driver, uint32_t timeout_ms, uint32_t *out_ready);

/**
 * Counters since the driver was created.
 *
 * @param driver  the driver
 * @param out_statistics  in: struct_size, see nd_driver_statistics_init; out: the counters
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_get_statistics(struct nd_driver *driver,
                                   struct nd_driver_statistics *out_statistics);

/**
 * Put a bad network below the datagram interfaces (UDP, IPC, custom), or change or remove it.
 *
 * @param driver  the driver
 * @param simulator  how bad; copied; see nd_network_simulator_init
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
 * ND_ERROR_INVALID_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_set_network_simulator(struct nd_driver *driver,
                                          const struct nd_network_simulator *simulator);

/**
 * Fill a table of interface functions with the defaults: no functions.
 *
 * @param out_functions  out: the struct
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.3
 */
nd_result nd_interface_functions_init(struct nd_interface_functions *out_functions);

/**
 * Give a driver an interface of your own: memory that processes share, a relay, a serial line, the
 * library of a game platform. It is bound, listens and is connected on like a UDP interface; it
 * has one endpoint.
 *
 * @param driver  the driver
 * @param functions  what to call; the struct is copied
 * @param out_interface  out: the number by which other calls name it, counting from 0
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT (receive or send, too);
 * ND_ERROR_STRUCT_SIZE; ND_ERROR_INVALID_ARGUMENT; ND_ERROR_LIMIT_REACHED (16 interfaces);
 * ND_ERROR_DRIVER_IN_USE
 * @lifetime the functions and `user` must stay valid until `release` was called, which is before
 * nd_driver_destroy returns; never when this call fails
 * @thread the one that uses the driver now
 * @since 0.3
 */
nd_result nd_driver_add_custom_interface(struct nd_driver *driver,
                                         const struct nd_interface_functions *functions,
                                         uint32_t *out_interface);

/**
 * Wake a driver: an nd_driver_wait that goes on, or else the next one, looks at what has come and
 * returns at once, even if updates come between. For custom interfaces that have something to
 * receive, and for programs that have something to do. Cheap while the driver is awake.
 *
 * @param driver  the driver
 * @return ND_OK; ND_ERROR_INVALID_HANDLE
 * @thread any, also while another one is inside a call with the driver
 * @since 0.3
 */
nd_result nd_driver_wake(struct nd_driver *driver);

/**
 * Serve a document: a listener of this interface answers `GET path` and `HEAD path` with it, so
 * that a page and its game share one port. Without a document the path of the WebSocket gets 426,
 * other paths 404. While 64 MiB of documents are being sent, further requests get 503. Setting a
 * path again replaces its document.
 *
 * @param driver  the driver
 * @param interface_index  a WebSocket interface
 * @param path  the path, starting with "/", without a query
 * @param content_type  such as "text/html; charset=utf-8"
 * @param data  the document's bytes, copied
 * @param data_length  length of `data` in bytes; at most 16 MiB
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT;
 * ND_ERROR_LIMIT_REACHED (64 documents); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_set_document(struct nd_driver *driver,
                                 uint32_t interface_index,
                                 const char *path,
                                 const char *content_type,
                                 const uint8_t *data,
                                 uint32_t data_length);

/**
 * Stop serving a document.
 *
 * @param driver  the driver
 * @param interface_index  a WebSocket interface
 * @param path  the path that nd_driver_set_document got
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT;
 * ND_ERROR_NOT_FOUND; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_remove_document(struct nd_driver *driver,
                                    uint32_t interface_index,
                                    const char *path);

/**
 * Start to take connections on every bound endpoint, those bound later included.
 *
 * @param driver  the driver
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_ID_MISMATCH (-1: nothing is bound);
 * ND_ERROR_NETWORK_SOCKET; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_listen(struct nd_driver *driver);

/**
 * Stop to take connections: TCP ports are closed, requests over UDP are not answered, and
 * clients whose handshake is under way are refused. Connections that exist go on.
 * nd_driver_listen starts anew on the same ports.
 *
 * @param driver  the driver
 * @return ND_OK (also when it did not listen); ND_ERROR_INVALID_HANDLE; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_driver_stop_listening(struct nd_driver *driver);

/**
 * Refuse new connections while the ports stay open, or take them again: WebSocket clients get
 * HTTP status 503, requests over UDP are not answered. Each refused WebSocket client counts in
 * nd_driver_statistics.connections_refused.
 *
 * @param driver  the driver
 * @param refuse  1 to refuse, 0 (as at first) to take them
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_INVALID_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_driver_set_refusing(struct nd_driver *driver, uint32_t refuse);

/**
 * Is any endpoint bound, does the driver listen?
 *
 * @param driver  the driver
 * @param out_bound  out: 1 or 0; may be NULL
 * @param out_listening  out: 1 or 0; may be NULL
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_get_listening(struct nd_driver *driver,
                                  uint32_t *out_bound,
                                  uint32_t *out_listening);

/**
 * Hand a TCP stream over that the program has accepted itself: of a port that it shares with
 * something else, or of a socket that another process gave it. It goes on as one of the
 * interface's listener: TLS, a WebSocket's upgrade request, nd_driver_accept. The interface need
 * not be bound, nor the driver listen; nd_driver_set_refusing holds for it.
 *
 * @param driver  the driver
 * @param interface_index  a WebSocket or TCP interface
 * @param socket  the stream: a file descriptor, on Windows a SOCKET. The driver works with a
 * duplicate of its own, and makes it non-blocking (both, on Unix). Whatever this returns, the
 * program closes its own, and must not read, write or shut it down any more after ND_OK
 * @param data  what the program has read of the stream, copied; NULL when the length is 0
 * @param data_length  length of `data` in bytes
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT
 * (another kind of interface, no socket, no trusted proxy although proxy_protocol wants one);
 * ND_ERROR_LIMIT_REACHED (pending_handshakes_max have no connection yet, and none of them is older
 * than a second, or connections_max say goodbye); ND_ERROR_NETWORK_SOCKET (not a connected TCP
 * stream); ND_ERROR_NOT_SUPPORTED (neither Unix nor Windows); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.3
 */
nd_result nd_driver_accept_stream(struct nd_driver *driver,
                                  uint32_t interface_index,
                                  uint64_t socket,
                                  const uint8_t *data,
                                  uint32_t data_length);

/**
 * Choose whether small messages of a TCP or WebSocket connection leave at once, or the system
 * may gather them for a moment (Nagle's algorithm).
 *
 * @param driver  the driver
 * @param connection  a connected stream
 * @param enabled  1 (as at first) to send at once, 0 to let the system gather
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_ID_MISMATCH;
 * ND_ERROR_NETWORK_VERSION_MISMATCH; ND_ERROR_NETWORK_STATE_MISMATCH (not connected);
 * ND_ERROR_NOT_SUPPORTED (datagrams); ND_ERROR_INVALID_ARGUMENT; ND_ERROR_NETWORK_SOCKET;
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_connection_set_no_delay(struct nd_driver *driver,
                                     nd_connection connection,
                                     uint32_t enabled);

/**
 * Fill a client's TLS with the defaults: the certificates that the system trusts, TLS 1.2 or
 * later.
 *
 * @param out_tls  out: every field set
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.2
 */
nd_result nd_tls_client_init(struct nd_tls_client *out_tls);

/**
 * Fill a server's TLS with the defaults: no certificate yet, none of clients, TLS 1.2 or later.
 *
 * @param out_tls  out: every field set
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.2
 */
nd_result nd_tls_server_init(struct nd_tls_server *out_tls);

/**
 * Say how clients on a WebSocket or TCP interface speak TLS: those of nd_driver_connect and
 * nd_driver_connect_host always, those of nd_driver_connect_url for wss:// when their options say
 * nothing. For connections that start later.
 *
 * @param driver  the driver
 * @param interface_index  a WebSocket or TCP interface
 * @param tls  how; copied, with everything it points to; NULL: not at all, and wss:// as
 * nd_tls_client_init says
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_STRUCT_SIZE; ND_ERROR_NULL_ARGUMENT;
 * ND_ERROR_INVALID_ARGUMENT (no such interface, or a certificate or key that cannot be used;
 * nd_last_error says which, and nothing has changed); ND_ERROR_NOT_SUPPORTED (interfaces
 * of other kinds; use_system_roots on Android); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_driver_set_tls_client(struct nd_driver *driver,
                                   uint32_t interface_index,
                                   const struct nd_tls_client *tls);

/**
 * Let the listeners of a WebSocket or TCP interface speak TLS (wss, https), and nothing else.
 * Before or while they listen: what is set here is for clients that connect later, and nobody is
 * dropped, so that a certificate can be replaced before it expires. A WebSocket client without TLS
 * is answered with 400; over TCP its stream ends.
 *
 * @param driver  the driver
 * @param interface_index  a WebSocket or TCP interface
 * @param tls  how; copied, with everything it points to; NULL: without TLS again
 * @return as nd_driver_set_tls_client
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_driver_set_tls_server(struct nd_driver *driver,
                                   uint32_t interface_index,
                                   const struct nd_tls_server *tls);

/**
 * Prepare a struct for nd_driver_get_traffic_statistics.
 *
 * @param out_statistics  out: struct_size set, the rest 0
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.3
 */
nd_result nd_traffic_statistics_init(struct nd_traffic_statistics *out_statistics);

/**
 * Traffic of a driver since it was created: totals, sizes of packets, bandwidth.
 *
 * @param driver  the driver
 * @param out_statistics  in: struct_size, see nd_traffic_statistics_init; out: the numbers
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.3
 */
nd_result nd_driver_get_traffic_statistics(struct nd_driver *driver,
                                           struct nd_traffic_statistics *out_statistics);

/**
 * Prepare a struct for nd_connection_get_statistics.
 *
 * @param out_statistics  out: struct_size set, the rest 0
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.3
 */
nd_result nd_connection_statistics_init(struct nd_connection_statistics *out_statistics);

/**
 * The quality of a connection since it began: round trips, and what its pipelines counted.
 *
 * @param driver  the driver
 * @param connection  which; one that has ended can be asked about as nd_connection_get_info says
 * @param out_statistics  in: struct_size, see nd_connection_statistics_init; out: the numbers
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
 * ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.3
 */
nd_result nd_connection_get_statistics(struct nd_driver *driver,
                                       nd_connection connection,
                                       struct nd_connection_statistics *out_statistics);

/**
 * Bytes of the largest packet of a connection, with all headers that count towards
 * max_message_size: what path-MTU discovery has found, else the setting (Unity Transport's
 * GetMaxSupportedMessageSize). A plain WebSocket has no packets: the longest message.
 *
 * @param driver  the driver
 * @param connection  which
 * @param out_size  out: bytes
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
 * _VERSION_MISMATCH, _STATE_MISMATCH; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.3
 */
nd_result nd_connection_get_message_size_max(struct nd_driver *driver,
                                             nd_connection connection,
                                             uint32_t *out_size);

/**
 * Take the oldest connection that came from outside. Its events wait until then.
 *
 * @param driver  the driver
 * @param out_connection  out: the connection; 0 when none waits
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_accept(struct nd_driver *driver, nd_connection *out_connection);

/**
 * Connect to an address, in the UTP dialect. The connection is Connecting at once; a Connect or
 * Disconnect event follows.
 *
 * @param driver  the driver
 * @param interface_index  the interface to use
 * @param endpoint  the server; of any family on a custom interface, else IPv4 or IPv6
 * @param payload  bytes for the server with the connection request, copied; NULL for none
 * @param payload_length  length of `payload` in bytes; at most 1375 on UDP, IPC and custom
 * interfaces, 1373 on TCP, 1361 on WebSocket, with the default max_message_size
 * @param out_connection  out: the connection
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT;
 * ND_ERROR_NETWORK_PACKET_OVERFLOW (payload too long); ND_ERROR_LIMIT_REACHED (connections_max);
 * ND_ERROR_NETWORK_SOCKET; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_connect(struct nd_driver *driver,
                            uint32_t interface_index,
                            const struct nd_endpoint *endpoint,
                            const uint8_t *payload,
                            uint32_t payload_length,
                            nd_connection *out_connection);

/**
 * Connect to a host by name, in the UTP dialect. The name is looked up in the background; when
 * it has no address, a Disconnect event with ND_DISCONNECT_HOST_NOT_FOUND follows.
 *
 * @param driver  the driver
 * @param interface_index  the interface to use (UDP or WebSocket)
 * @param host  a name, or an address as text; "localhost" tries IPv4 first
 * @param port  the port
 * @param payload  as for nd_driver_connect
 * @param payload_length  as for nd_driver_connect
 * @param out_connection  out: the connection
 * @return as nd_driver_connect
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_connect_host(struct nd_driver *driver,
                                 uint32_t interface_index,
                                 const char *host,
                                 uint16_t port,
                                 const uint8_t *payload,
                                 uint32_t payload_length,
                                 nd_connection *out_connection);

/**
 * Connect to a WebSocket server by URL, in the plain dialect unless the options say otherwise.
 * The driver gets a WebSocket interface when it has none.
 *
 * @param driver  the driver
 * @param url  ws:// or wss://[user:password@]host[:port][/path][?query]; user and password become
 * `Authorization: Basic`
 * @param options  sub-protocols, headers, dialect, TLS, proxy, redirects; copied; NULL for the
 * defaults
 * @param out_connection  out: the connection
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
 * ND_ERROR_INVALID_ARGUMENT (certificates and keys included);
 * ND_ERROR_LIMIT_REACHED; ND_ERROR_NETWORK_SOCKET; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_connect_url(struct nd_driver *driver,
                                const char *url,
                                const struct nd_connect_options *options,
                                nd_connection *out_connection);

/**
 * Close a connection. The peer is told with the next update or flush; what was sent before goes
 * out first. No event follows on this side, unless ND_OPTIONAL_EVENT_LOCAL_CLOSE asks for one. A
 * WebSocket closes with code 1000.
 *
 * @param driver  the driver
 * @param connection  which; it reads as Disconnected at once (Disconnecting with
 * ND_OPTIONAL_EVENT_LOCAL_CLOSE)
 * @return ND_OK (also when it has ended already, or was closed since the last flush);
 * ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH (gone);
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_disconnect(struct nd_driver *driver, nd_connection connection);

/**
 * Close a plain WebSocket connection with a code and a reason (RFC 6455 section 7.4). On other
 * connections this is nd_driver_disconnect.
 *
 * @param driver  the driver
 * @param connection  which; it reads as Disconnected at once (Disconnecting with
 * ND_OPTIONAL_EVENT_LOCAL_CLOSE)
 * @param code  1000 to 1003, 1007 to 1014, or 3000 to 4999. The others are refused, as no Close
 * frame may carry them: 1004 has no meaning; 1005, 1006 and 1015 only tell this side how a
 * connection ended; 1016 to 2999 are kept for later versions of the protocol; below 1000 and
 * above 4999 there are none. A peer that sends one of them breaks the protocol (1002)
 * @param reason  UTF-8, copied; NULL when the length is 0
 * @param reason_length  length of `reason` in bytes; at most 123
 * @return as nd_driver_disconnect; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (code or
 * reason; the connection stays open)
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_close(struct nd_driver *driver,
                          nd_connection connection,
                          uint16_t code,
                          const uint8_t *reason,
                          uint32_t reason_length);

/**
 * End a connection at once. What waits to be sent is dropped, the peer is not told (over TCP it
 * sees the stream end, over UDP only silence), and no event follows, whatever nd_settings says.
 *
 * @param driver  the driver
 * @param connection  which; the value is stale from here on
 * @return ND_OK (also when it has ended already); ND_ERROR_INVALID_HANDLE;
 * ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH (gone); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_driver_abort(struct nd_driver *driver, nd_connection connection);

/**
 * Send a ping over a WebSocket connection, behind the messages sent before it. Its pong measures
 * the round trip of nd_connection_get_info and, with ND_OPTIONAL_EVENT_PONG, is an ND_EVENT_PONG
 * with the same bytes. When pong_timeout_ms is set, the connection ends if nothing at all follows
 * the ping. Only the pong of the last ping is measured: to have several under way at once, give
 * them different bytes.
 *
 * @param driver  the driver
 * @param connection  which
 * @param payload  what the ping carries, copied; NULL when the length is 0
 * @param payload_length  length of `payload` in bytes; at most 125
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
 * _VERSION_MISMATCH, _STATE_MISMATCH (not Connected, or the peer has said goodbye),
 * _PACKET_OVERFLOW, _SEND_QUEUE_FULL; ND_ERROR_NOT_SUPPORTED (no WebSocket);
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_driver_ping(struct nd_driver *driver,
                         nd_connection connection,
                         const uint8_t *payload,
                         uint32_t payload_length);

/**
 * The state of a connection.
 *
 * @param driver  the driver
 * @param connection  which
 * @param out_state  out: ND_STATE_…; Disconnected for a stale or unknown connection
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_connection_get_state(struct nd_driver *driver,
                                  nd_connection connection,
                                  int32_t *out_state);

/**
 * Addresses, interface, dialect, round trip and counters of a connection.
 *
 * @param driver  the driver
 * @param connection  which; one that has ended can be asked about until the first update after
 * its Disconnect event was popped
 * @param out_info  in: struct_size, see nd_connection_info_init; out: the facts
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
 * ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_connection_get_info(struct nd_driver *driver,
                                 nd_connection connection,
                                 struct nd_connection_info *out_info);

/**
 * The longest message that a connection takes.
 *
 * @param driver  the driver
 * @param connection  which
 * @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline
 * @param out_size  out: payload bytes
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
 * _VERSION_MISMATCH, _STATE_MISMATCH; ND_ERROR_INVALID_ARGUMENT (unknown pipeline);
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_connection_get_payload_size_max(struct nd_driver *driver,
                                             nd_connection connection,
                                             uint8_t pipeline,
                                             uint32_t *out_size);

/**
 * Bytes that were sent on a connection and have not left yet: the number that a browser calls
 * bufferedAmount, frame headers included.
 *
 * @param driver  the driver
 * @param connection  which
 * @param out_bytes  out: bytes; always 0 on UDP and IPC, where what waits leaves whole
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
 * _VERSION_MISMATCH; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_connection_buffered_amount(struct nd_driver *driver,
                                        nd_connection connection,
                                        uint32_t *out_bytes);

/**
 * The bytes that a client gave with its connection request (UTP dialect).
 *
 * @param driver  the driver
 * @param connection  a connection that came from outside
 * @param buffer  where to write them; NULL with capacity 0 asks for the length only
 * @param capacity  bytes at `buffer`
 * @param out_length  out: how many there are
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
 * _VERSION_MISMATCH; ND_ERROR_BUFFER_TOO_SMALL (the length is written); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_connection_get_connect_payload(struct nd_driver *driver,
                                            nd_connection connection,
                                            uint8_t *buffer,
                                            uint32_t capacity,
                                            uint32_t *out_length);

/**
 * Set the bytes that every client gets with the answer to its connection request (UTP dialect);
 * its Connect event shows them. Over datagrams a client has to prove its address first, which
 * those of netdriver do by themselves; Unity Transport's cannot, and get the bytes only with
 * accept_payload_before_validation of nd_settings, or with as long a connect payload. Clients of
 * Unity Transport before 2.7 ignore them; leave them away when clients before 2.2 connect.
 *
 * @param driver  the driver
 * @param payload  the bytes, copied; NULL when the length is 0
 * @param payload_length  length in bytes; at most as for nd_driver_connect on WebSocket; 0 for none
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
 * ND_ERROR_NETWORK_PACKET_OVERFLOW; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_set_accept_payload(struct nd_driver *driver,
                                       const uint8_t *payload,
                                       uint32_t payload_length);

/**
 * A text of a WebSocket connection: path, query, sub-protocol, all headers, extensions, TLS, and
 * what else ND_TEXT_… names.
 *
 * @param driver  the driver
 * @param connection  which
 * @param text_kind  ND_TEXT_…
 * @param buffer  where to write the text and a NUL; NULL with capacity 0 asks for the length only
 * @param capacity  bytes at `buffer`
 * @param out_length  out: bytes of the text without the NUL; may be NULL
 * @return ND_OK (an empty text where there is none, as on UDP); ND_ERROR_INVALID_HANDLE;
 * ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH; ND_ERROR_INVALID_ARGUMENT;
 * ND_ERROR_BUFFER_TOO_SMALL (the length is written); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_connection_get_text(struct nd_driver *driver,
                                 nd_connection connection,
                                 uint32_t text_kind,
                                 char *buffer,
                                 uint32_t capacity,
                                 uint32_t *out_length);

/**
 * One header of the request that a WebSocket connection began with.
 *
 * @param driver  the driver
 * @param connection  which; on a client the headers are those of the server's answer
 * @param name  the header's name, in any case
 * @param buffer  where to write the value and a NUL; NULL with capacity 0 asks for the length only
 * @param capacity  bytes at `buffer`
 * @param out_length  out: bytes of the value without the NUL; may be NULL
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
 * _VERSION_MISMATCH; ND_ERROR_NOT_FOUND; ND_ERROR_BUFFER_TOO_SMALL (the length is written);
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_connection_get_header(struct nd_driver *driver,
                                   nd_connection connection,
                                   const char *name,
                                   char *buffer,
                                   uint32_t capacity,
                                   uint32_t *out_length);

/**
 * Prepare a struct for nd_driver_pop_request.
 *
 * @param out_request  out: struct_size set, the rest 0
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.2
 */
nd_result nd_request_init(struct nd_request *out_request);

/**
 * Take the oldest upgrade request that waits, on interfaces with `accept_requests`. It stays open
 * until nd_driver_request_accept or _reject answers it, now or later; after `request_timeout_ms`
 * it is answered with 503. When its client leaves before, the id is stale. nd_driver_wait returns
 * when a request comes. At most `pending_handshakes_max` wait at once: when more clients are at
 * the door, the oldest that had a second has to go.
 *
 * @param driver  the driver
 * @param out_request  in: struct_size, see nd_request_init; out: the request; its id is 0 when
 * none waits
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_driver_pop_request(struct nd_driver *driver, struct nd_request *out_request);

/**
 * A text of a request that waits: path, query, method, Origin, cookies, and what else ND_TEXT_…
 * names. The agreed sub-protocol and extensions are empty: nothing is agreed yet.
 *
 * @param driver  the driver
 * @param request  its id
 * @param text_kind  ND_TEXT_…
 * @param buffer  where to write the text and a NUL; NULL with capacity 0 asks for the length only
 * @param capacity  bytes at `buffer`
 * @param out_length  out: bytes of the text without the NUL; may be NULL
 * @return ND_OK (an empty text where there is none); ND_ERROR_INVALID_HANDLE;
 * ND_ERROR_NETWORK_ID_MISMATCH (never an id); ND_ERROR_NETWORK_VERSION_MISMATCH (answered, too
 * late, or the client has left); ND_ERROR_INVALID_ARGUMENT; ND_ERROR_BUFFER_TOO_SMALL (the length
 * is written); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_driver_request_text(struct nd_driver *driver,
                                 uint64_t request,
                                 uint32_t text_kind,
                                 char *buffer,
                                 uint32_t capacity,
                                 uint32_t *out_length);

/**
 * One header of a request that waits; the first, when there are several of that name.
 *
 * @param driver  the driver
 * @param request  its id
 * @param name  the header's name, in any case
 * @param buffer  where to write the value and a NUL; NULL with capacity 0 asks for the length only
 * @param capacity  bytes at `buffer`
 * @param out_length  out: bytes of the value without the NUL; may be NULL
 * @return as nd_driver_request_text; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NOT_FOUND
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_driver_request_header(struct nd_driver *driver,
                                   uint64_t request,
                                   const char *name,
                                   char *buffer,
                                   uint32_t capacity,
                                   uint32_t *out_length);

/**
 * One cookie of a request that waits; the first, when there are several of that name. The value
 * is as sent: quotes and percent signs are the program's to read.
 *
 * @param driver  the driver
 * @param request  its id
 * @param name  the cookie's name; case counts
 * @param buffer  where to write the value and a NUL; NULL with capacity 0 asks for the length only
 * @param capacity  bytes at `buffer`
 * @param out_length  out: bytes of the value without the NUL; may be NULL
 * @return as nd_driver_request_text; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NOT_FOUND
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_driver_request_cookie(struct nd_driver *driver,
                                   uint64_t request,
                                   const char *name,
                                   char *buffer,
                                   uint32_t capacity,
                                   uint32_t *out_length);

/**
 * Accept a request: 101 leaves with the next update or flush, and the connection comes out of
 * nd_driver_accept as any other.
 *
 * @param driver  the driver
 * @param request  its id, stale from here on
 * @param sub_protocol  one that the client offers; "" for none; NULL leaves the choice to the
 * interface's settings
 * @param headers  further header fields of the answer, one `Name: value` line each; NULL for none
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_ID_MISMATCH (never an id);
 * ND_ERROR_NETWORK_VERSION_MISMATCH (answered, too late, or the client has left);
 * ND_ERROR_INVALID_ARGUMENT (a sub-protocol that is not offered, a bad header; the request still
 * waits); ND_ERROR_NETWORK_STATE_MISMATCH (the driver does not listen any more, or refuses new
 * connections: the client is answered with 503); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_driver_request_accept(struct nd_driver *driver,
                                   uint64_t request,
                                   const char *sub_protocol,
                                   const char *headers);

/**
 * Refuse a request with an answer of the program's own. It leaves with the next update or flush.
 *
 * @param driver  the driver
 * @param request  its id, stale from here on
 * @param status  the HTTP status, 200 to 599, such as 401, 403 or 404
 * @param headers  header fields of the answer, one `Name: value` line each; NULL for none. Without
 * a Content-Type the body is plain text
 * @param body  the answer's body, copied; NULL when the length is 0
 * @param body_length  length of `body` in bytes; at most 65536
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH
 * (never an id); ND_ERROR_NETWORK_VERSION_MISMATCH (answered, too late, or the client has left);
 * ND_ERROR_INVALID_ARGUMENT (status, headers or body; the request still waits);
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_driver_request_reject(struct nd_driver *driver,
                                   uint64_t request,
                                   uint32_t status,
                                   const char *headers,
                                   const uint8_t *body,
                                   uint32_t body_length);

/**
 * Pop up to `capacity` events of accepted connections, oldest first. This is the fast way.
 *
 * What is not popped waits for later updates, counts against the limits of its connection and
 * so holds its sender back; it is never lost. An ND_EVENT_CLOSE_REQUEST is only ever the first of
 * the events that one call pops: the next call gives what follows. Payloads must not be written
 * to: what is sent on may leave from where it lies.
 *
 * @param driver  the driver
 * @param out_events  out: the events
 * @param capacity  how many fit at `out_events`
 * @param out_count  out: how many were written
 * @return ND_OK (0 events included); ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
 * ND_ERROR_DRIVER_IN_USE
 * @lifetime the events' data is valid until the first nd_driver_update after this call
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_pop_events(struct nd_driver *driver,
                               struct nd_event *out_events,
                               uint32_t capacity,
                               uint32_t *out_count);

/**
 * Pop the oldest event of all accepted connections.
 *
 * @param driver  the driver
 * @param out_event  out: the event; its kind is ND_EVENT_EMPTY when there is none
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @lifetime the event's data is valid until the first nd_driver_update after this call
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_pop_event(struct nd_driver *driver, struct nd_event *out_event);

/**
 * Pop the oldest event of one connection. Both ways of popping may be mixed.
 *
 * @param driver  the driver
 * @param connection  whose event
 * @param out_event  out: the event; its kind is ND_EVENT_EMPTY when there is none, and when the
 * connection is stale
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @lifetime the event's data is valid until the first nd_driver_update after this call
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_pop_event_for_connection(struct nd_driver *driver,
                                             nd_connection connection,
                                             struct nd_event *out_event);

/**
 * How many events of one connection can be popped now.
 *
 * @param driver  the driver
 * @param connection  which
 * @param out_count  out: the number; 0 for a stale connection
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_get_event_count(struct nd_driver *driver,
                                    nd_connection connection,
                                    uint32_t *out_count);

/**
 * Fill an extension with the defaults: no bits, no functions.
 *
 * @param out_extension  out: the struct
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.2
 */
nd_result nd_extension_init(struct nd_extension *out_extension);

/**
 * Register an extension for plain WebSocket connections that are opened from now on: listeners of
 * the interface agree on it, clients on it offer it (nd_driver_connect_url uses the first
 * WebSocket interface). ND_TEXT_EXTENSIONS of a connection says what was agreed on.
 *
 * A message is compressed first and goes through the extensions then, in the order of the server's
 * answer, frame by frame; control frames do not. A frame on the wire may have twice the bytes of
 * its payload and 1024 more; what a received frame becomes counts against
 * websocket_message_size_max (1009).
 *
 * @param driver  the driver
 * @param interface_index  a WebSocket interface
 * @param extension  what to register; the struct and its texts are copied
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
 * ND_ERROR_INVALID_ARGUMENT (another kind of interface; a name that is no token, is taken or
 * permessage-deflate; unknown bits; a bad offer; a ninth extension); ND_ERROR_DRIVER_IN_USE
 * @lifetime the functions and `user` must stay valid until nd_driver_destroy has returned
 * @thread the one that uses the driver now; the functions run inside calls and jobs of this
 * driver, on the thread that makes the call or runs the job, with nd_settings.background_pump also
 * on the library's thread; they must not call it
 * @since 0.2
 */
nd_result nd_driver_add_extension(struct nd_driver *driver,
                                  uint32_t interface_index,
                                  const struct nd_extension *extension);

/**
 * Append to the payload that the running encode or decode function makes.
 *
 * @param data  the bytes, copied
 * @param data_length  length of `data` in bytes
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_PACKET_OVERFLOW (more than the frame may
 * have; the connection fails with 1009 whatever the function returns);
 * ND_ERROR_NETWORK_STATE_MISMATCH (no such function runs on this thread)
 * @thread the one that runs the encode or decode function
 * @since 0.2
 */
nd_result nd_extension_write(const uint8_t *data, uint32_t data_length);

/**
 * Send one message. It leaves with the next nd_driver_flush or nd_driver_update. A payload that
 * was popped and is sent on may leave from where it lies, so it must not be written to.
 *
 * @param driver  the driver
 * @param connection  to whom
 * @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline
 * @param data  the message, copied; may be NULL when the length is 0
 * @param data_length  its length in bytes; 0 is a valid message
 * @param flags  ND_SEND_FLAG_TEXT or ND_SEND_FLAG_BINARY; 0 is what the connection's write mode
 * says (binary at first)
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
 * _VERSION_MISMATCH, _STATE_MISMATCH (not Connected), _PACKET_OVERFLOW (too long, see
 * nd_connection_get_payload_size_max), _SEND_QUEUE_FULL (or the window of a reliable pipeline is
 * full); ND_ERROR_INVALID_ARGUMENT (unknown
 * pipeline or flag, text that is not UTF-8, text in the UTP dialect); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_send(struct nd_driver *driver,
                         nd_connection connection,
                         uint8_t pipeline,
                         const uint8_t *data,
                         uint32_t data_length,
                         uint32_t flags);

/**
 * Send one message to many connections; the plain ones that came from outside share what is
 * encoded with effort: long frames, compressed ones. One that cannot take it does not keep the
 * others from getting it.
 *
 * @param driver  the driver
 * @param connections  to whom
 * @param connection_count  how many
 * @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline
 * @param data  the message, copied; may be NULL when the length is 0
 * @param data_length  its length in bytes
 * @param flags  ND_SEND_FLAG_TEXT or ND_SEND_FLAG_BINARY; 0 is what the connection's write mode
 * says (binary at first)
 * @param out_results  out: one nd_result for each connection; may be NULL
 * @param out_sent  out: how many took it; may be NULL
 * @return ND_OK, even when some connections refused; ND_ERROR_INVALID_HANDLE;
 * ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_send_to_many(struct nd_driver *driver,
                                 const nd_connection *connections,
                                 uint32_t connection_count,
                                 uint8_t pipeline,
                                 const uint8_t *data,
                                 uint32_t data_length,
                                 uint32_t flags,
                                 nd_result *out_results,
                                 uint32_t *out_sent);

/**
 * Begin a message that is written in place. Several may be open at once; they leave in the order
 * in which they are ended.
 *
 * @param driver  the driver
 * @param connection  to whom
 * @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline
 * @param required_size  bytes that the message needs; 0 for as many as one packet holds (64 KiB
 * on plain WebSocket connections)
 * @param out_send  out: where to write, how much, and the name of the send
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
 * _VERSION_MISMATCH, _STATE_MISMATCH, _PACKET_OVERFLOW (required_size is too large),
 * _SEND_QUEUE_FULL; ND_ERROR_INVALID_ARGUMENT; ND_ERROR_LIMIT_REACHED (512 sends are open);
 * ND_ERROR_DRIVER_IN_USE
 * @lifetime until nd_driver_end_send, nd_driver_abort_send, or the next nd_driver_update
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_begin_send(struct nd_driver *driver,
                               nd_connection connection,
                               uint8_t pipeline,
                               uint32_t required_size,
                               struct nd_send *out_send);

/**
 * End a message written in place: it is queued like one of nd_driver_send.
 *
 * @param driver  the driver
 * @param send  as nd_driver_begin_send filled it
 * @param length  bytes written at send->data
 * @param flags  ND_SEND_FLAG_TEXT or ND_SEND_FLAG_BINARY; 0 is what the connection's write mode
 * says (binary at first)
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
 * ND_ERROR_NETWORK_SEND_HANDLE_INVALID (ended or aborted before); _PACKET_OVERFLOW (length is
 * above the capacity; the send is aborted); _VERSION_MISMATCH or _STATE_MISMATCH (the connection
 * ended meanwhile); _SEND_QUEUE_FULL; ND_ERROR_INVALID_ARGUMENT; ND_ERROR_DRIVER_IN_USE. Whatever
 * it returns, the send is over, except after ND_ERROR_INVALID_HANDLE, _NULL_ARGUMENT and
 * _DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_end_send(struct nd_driver *driver,
                             const struct nd_send *send,
                             uint32_t length,
                             uint32_t flags);

/**
 * Give up a message written in place; nothing is sent.
 *
 * @param driver  the driver
 * @param send  as nd_driver_begin_send filled it
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
 * ND_ERROR_NETWORK_SEND_HANDLE_INVALID (ended or aborted before); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.1
 */
nd_result nd_driver_abort_send(struct nd_driver *driver, const struct nd_send *send);

/**
 * Let several threads pop events and send at once: any number of them, each for connections of
 * its own, between the calls that have the driver to themselves (every nd_driver_… and
 * nd_connection_… call, nd_driver_update above all). No thread waits for another one, and
 * connections share no lock.
 *
 *   nd_driver_update(driver);                  (one thread)
 *   nd_concurrent_pop_events_for_connection, nd_concurrent_send, …    (all threads)
 *   nd_driver_flush(driver); or the next nd_driver_update             (one thread)
 *
 * What a call returns is final at once. What was sent leaves with the next nd_driver_flush or
 * nd_driver_update, for each connection in the order in which its sends were made or ended. To
 * open, accept and close connections the driver itself is used, by one thread alone.
 *
 * @param driver  the driver
 * @param out_concurrent  out: the driver as all threads may use it; the same for every call
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @lifetime until nd_driver_destroy; nothing needs to be freed
 * @thread the one that uses the driver now
 * @since 0.4
 */
nd_result nd_driver_to_concurrent(struct nd_driver *driver, struct nd_concurrent **out_concurrent);

/**
 * Pop the oldest event of one connection, beside other threads.
 *
 * @param concurrent  what nd_driver_to_concurrent gave
 * @param connection  whose event
 * @param out_event  out: the event; its kind is ND_EVENT_EMPTY when there is none, and when the
 * connection is stale
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_PARALLEL_FOR
 * (another thread is in a call on this connection); ND_ERROR_DRIVER_IN_USE (a call has the driver
 * to itself)
 * @lifetime the event's data is valid until the first nd_driver_update after this call
 * @thread any, one per connection, between the calls that have the driver to themselves
 * @since 0.4
 */
nd_result nd_concurrent_pop_event_for_connection(struct nd_concurrent *concurrent,
                                                 nd_connection connection,
                                                 struct nd_event *out_event);

/**
 * Pop up to `capacity` events of one connection, oldest first, beside other threads. This is the
 * fast way. An ND_EVENT_CLOSE_REQUEST is only ever the first of the events that one call pops.
 *
 * @param concurrent  what nd_driver_to_concurrent gave
 * @param connection  whose events
 * @param out_events  out: the events
 * @param capacity  how many fit at `out_events`
 * @param out_count  out: how many were written; 0 for a stale connection
 * @return ND_OK (0 events included); ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
 * ND_ERROR_DRIVER_PARALLEL_FOR (another thread is in a call on this connection);
 * ND_ERROR_DRIVER_IN_USE (a call has the driver to itself)
 * @lifetime the events' data is valid until the first nd_driver_update after this call
 * @thread any, one per connection, between the calls that have the driver to themselves
 * @since 0.4
 */
nd_result nd_concurrent_pop_events_for_connection(struct nd_concurrent *concurrent,
                                                  nd_connection connection,
                                                  struct nd_event *out_events,
                                                  uint32_t capacity,
                                                  uint32_t *out_count);

/**
 * How many events of one connection can be popped now.
 *
 * @param concurrent  what nd_driver_to_concurrent gave
 * @param connection  which
 * @param out_count  out: the number; 0 for a stale connection
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_PARALLEL_FOR
 * (another thread is in a call on this connection); ND_ERROR_DRIVER_IN_USE (a call has the driver
 * to itself)
 * @thread any, one per connection, between the calls that have the driver to themselves
 * @since 0.4
 */
nd_result nd_concurrent_get_event_count(struct nd_concurrent *concurrent,
                                        nd_connection connection,
                                        uint32_t *out_count);

/**
 * The state of a connection. It does not change while threads share the driver.
 *
 * @param concurrent  what nd_driver_to_concurrent gave
 * @param connection  which
 * @param out_state  out: ND_STATE_…; ND_STATE_DISCONNECTED for a stale connection
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE (a call
 * has the driver to itself)
 * @thread any, between the calls that have the driver to themselves
 * @since 0.4
 */
nd_result nd_concurrent_get_connection_state(struct nd_concurrent *concurrent,
                                             nd_connection connection,
                                             int32_t *out_state);

/**
 * The longest message that a connection takes.
 *
 * @param concurrent  what nd_driver_to_concurrent gave
 * @param connection  which
 * @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline
 * @param out_size  out: bytes
 * @return as nd_connection_get_payload_size_max; ND_ERROR_DRIVER_IN_USE (a call has the driver to
 * itself)
 * @thread any, between the calls that have the driver to themselves
 * @since 0.4
 */
nd_result nd_concurrent_get_payload_size_max(struct nd_concurrent *concurrent,
                                             nd_connection connection,
                                             uint8_t pipeline,
                                             uint32_t *out_size);

/**
 * Bytes of the largest packet of a connection, as nd_connection_get_message_size_max.
 *
 * @param concurrent  what nd_driver_to_concurrent gave
 * @param connection  which
 * @param out_size  out: bytes
 * @return as nd_connection_get_message_size_max; ND_ERROR_DRIVER_IN_USE (a call has the driver to
 * itself)
 * @thread any, between the calls that have the driver to themselves
 * @since 0.4
 */
nd_result nd_concurrent_get_message_size_max(struct nd_concurrent *concurrent,
                                             nd_connection connection,
                                             uint32_t *out_size);

/**
 * Bytes that the layers put in front of a message on an interface, at most.
 *
 * @param concurrent  what nd_driver_to_concurrent gave
 * @param interface_index  number of the interface
 * @param pipeline  a number of nd_driver_create_pipeline, whose headers count; 0: no pipeline
 * @param out_size  out: bytes
 * @return as nd_driver_get_header_size_max; ND_ERROR_DRIVER_IN_USE (a call has the driver to
 * itself)
 * @thread any, between the calls that have the driver to themselves
 * @since 0.4
 */
nd_result nd_concurrent_get_header_size_max(struct nd_concurrent *concurrent,
                                            uint32_t interface_index,
                                            uint8_t pipeline,
                                            uint32_t *out_size);

/**
 * Send one message, beside other threads. It leaves with the next nd_driver_flush or
 * nd_driver_update.
 *
 * @param concurrent  what nd_driver_to_concurrent gave
 * @param connection  to whom
 * @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline. A stage of the program
 * is asked later; what it refuses then is lost where messages may be lost, and elsewhere ends the
 * connection with ND_DISCONNECT_PROTOCOL_ERROR
 * @param data  the message, copied; may be NULL when the length is 0
 * @param data_length  its length in bytes; 0 is a valid message
 * @param flags  ND_SEND_FLAG_TEXT or ND_SEND_FLAG_BINARY; 0 is what the connection's write mode
 * says (binary at first)
 * @return as nd_driver_send; ND_ERROR_DRIVER_PARALLEL_FOR when another thread is in a call on this
 * connection; ND_ERROR_DRIVER_IN_USE when a call has the driver to itself
 * @thread any, one per connection, between the calls that have the driver to themselves
 * @since 0.4
 */
nd_result nd_concurrent_send(struct nd_concurrent *concurrent,
                             nd_connection connection,
                             uint8_t pipeline,
                             const uint8_t *data,
                             uint32_t data_length,
                             uint32_t flags);

/**
 * Begin a message that is written in place, beside other threads. Several may be open at once,
 * also on one connection.
 *
 * @param concurrent  what nd_driver_to_concurrent gave
 * @param connection  to whom
 * @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline
 * @param required_size  bytes that the message needs; 0 for as many as one packet holds (64 KiB
 * on plain WebSocket connections)
 * @param out_send  out: where to write, how much, and the name of the send
 * @return as nd_driver_begin_send, with ND_ERROR_LIMIT_REACHED when 64 sends are open on the
 * connection; ND_ERROR_DRIVER_PARALLEL_FOR when another thread is in a call on this connection;
 * ND_ERROR_DRIVER_IN_USE when a call has the driver to itself
 * @lifetime until nd_concurrent_end_send, nd_concurrent_abort_send, or the next nd_driver_update,
 * which aborts it; other calls leave it open
 * @thread any, one per connection, between the calls that have the driver to themselves
 * @since 0.4
 */
nd_result nd_concurrent_begin_send(struct nd_concurrent *concurrent,
                                   nd_connection connection,
                                   uint8_t pipeline,
                                   uint32_t required_size,
                                   struct nd_send *out_send);

/**
 * End a message written in place, beside other threads: it is queued like one of
 * nd_concurrent_send.
 *
 * @param concurrent  what nd_driver_to_concurrent gave
 * @param send  as nd_concurrent_begin_send filled it
 * @param length  bytes written at send->data
 * @param flags  ND_SEND_FLAG_TEXT or ND_SEND_FLAG_BINARY; 0 is what the connection's write mode
 * says (binary at first)
 * @return as nd_driver_end_send, ND_ERROR_NETWORK_SEND_HANDLE_INVALID also for a send of
 * nd_driver_begin_send; ND_ERROR_DRIVER_PARALLEL_FOR when another thread is in a call on this
 * connection; ND_ERROR_DRIVER_IN_USE when a call has the driver to itself. Whatever it returns,
 * the send is over, except after ND_ERROR_INVALID_HANDLE, _NULL_ARGUMENT, _DRIVER_PARALLEL_FOR
 * and _DRIVER_IN_USE
 * @thread any, one per connection, between the calls that have the driver to themselves
 * @since 0.4
 */
nd_result nd_concurrent_end_send(struct nd_concurrent *concurrent,
                                 const struct nd_send *send,
                                 uint32_t length,
                                 uint32_t flags);

/**
 * Give up a message written in place, beside other threads; nothing is sent.
 *
 * @param concurrent  what nd_driver_to_concurrent gave
 * @param send  as nd_concurrent_begin_send filled it
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
 * ND_ERROR_NETWORK_SEND_HANDLE_INVALID (ended or aborted before, or of nd_driver_begin_send);
 * ND_ERROR_DRIVER_PARALLEL_FOR when another thread is in a call on this connection;
 * ND_ERROR_DRIVER_IN_USE when a call has the driver to itself
 * @thread any, one per connection, between the calls that have the driver to themselves
 * @since 0.4
 */
nd_result nd_concurrent_abort_send(struct nd_concurrent *concurrent, const struct nd_send *send);

/**
 * Begin to write into memory.
 *
 * @param writer  out: the writer, at the start of the memory
 * @param data  where the values go; may be NULL when the capacity is 0
 * @param capacity  bytes that are there
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (a misaligned pointer)
 * @lifetime the writer may be used as long as the memory is there
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_writer_init(struct nd_stream_writer *writer, uint8_t *data, uint32_t capacity);

/**
 * Fill up the last byte with 0 bits: what comes next starts on a byte boundary.
 *
 * @param writer  the writer
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_writer_flush(struct nd_stream_writer *writer);

/**
 * Forget what was written, failed writes included.
 *
 * @param writer  the writer
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_writer_clear(struct nd_stream_writer *writer);

/**
 * How many bytes were written. All of them are in memory after this call: the last one is filled
 * up with 0 bits, but bits that are written later go into it all the same.
 *
 * @param writer  the writer
 * @param out_length  out: bytes; one that is not full counts
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_writer_length(struct nd_stream_writer *writer, uint32_t *out_length);

/**
 * How many bits were written. As nd_stream_writer_length, this puts all of them into memory.
 *
 * @param writer  the writer
 * @param out_bits  out: bits
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_writer_length_in_bits(struct nd_stream_writer *writer, uint64_t *out_bits);

/**
 * Begin to read from memory, such as an event's data.
 *
 * @param reader  out: the reader, at the start of the bytes
 * @param data  the bytes; may be NULL when the length is 0
 * @param length  how many there are
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (a misaligned pointer)
 * @lifetime the reader may be used as long as the memory is there
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_reader_init(struct nd_stream_reader *reader,
                                const uint8_t *data,
                                uint32_t length);

/**
 * Skip what is left of a byte of which bits were read.
 *
 * @param reader  the reader
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_reader_flush(struct nd_stream_reader *reader);

/**
 * Go to a place.
 *
 * @param reader  the reader
 * @param position  bytes from the start; at most the length
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (behind the end: the reader does not move, and it is
 * a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_reader_seek(struct nd_stream_reader *reader, uint32_t position);

/**
 * How many bytes were read.
 *
 * @param reader  the reader
 * @param out_bytes  out: bytes; one of which bits are left counts
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_reader_bytes_read(struct nd_stream_reader *reader, uint32_t *out_bytes);

/**
 * How many bits were read.
 *
 * @param reader  the reader
 * @param out_bits  out: bits
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_reader_bits_read(struct nd_stream_reader *reader, uint64_t *out_bits);

/**
 * Write 1 byte, on a byte boundary.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_byte(struct nd_stream_writer *writer, uint8_t value);

/**
 * Write 2 bytes, little endian, on a byte boundary.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_short(struct nd_stream_writer *writer, int16_t value);

/**
 * Write 2 bytes, little endian, on a byte boundary.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_ushort(struct nd_stream_writer *writer, uint16_t value);

/**
 * Write 4 bytes, little endian, on a byte boundary.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_int(struct nd_stream_writer *writer, int32_t value);

/**
 * Write 4 bytes, little endian, on a byte boundary.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_uint(struct nd_stream_writer *writer, uint32_t value);

/**
 * Write 8 bytes, little endian, on a byte boundary.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_long(struct nd_stream_writer *writer, int64_t value);

/**
 * Write 8 bytes, little endian, on a byte boundary.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_ulong(struct nd_stream_writer *writer, uint64_t value);

/**
 * Write 4 bytes (IEEE 754), little endian, on a byte boundary.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_float(struct nd_stream_writer *writer, float value);

/**
 * Write 8 bytes (IEEE 754), little endian, on a byte boundary.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_double(struct nd_stream_writer *writer, double value);

/**
 * Write 2 bytes, big endian, on a byte boundary.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_short_network_byte_order(struct nd_stream_writer *writer, int16_t value);

/**
 * Write 2 bytes, big endian, on a byte boundary.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_ushort_network_byte_order(struct nd_stream_writer *writer,
                                                    uint16_t value);

/**
 * Write 4 bytes, big endian, on a byte boundary.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_int_network_byte_order(struct nd_stream_writer *writer, int32_t value);

/**
 * Write 4 bytes, big endian, on a byte boundary.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_uint_network_byte_order(struct nd_stream_writer *writer, uint32_t value);

/**
 * Write bytes as they are, on a byte boundary.
 *
 * @param writer  the writer
 * @param data  the bytes, outside of the memory that is written to; may be NULL when the length is
 * 0
 * @param length  how many
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_bytes(struct nd_stream_writer *writer,
                                const uint8_t *data,
                                uint32_t length);

/**
 * Append bits, the lowest first, without alignment.
 *
 * @param writer  the writer
 * @param value  the bits; those above the count must be 0
 * @param bit_count  how many: 0 to 32
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init; or a
 * count above 32, or a value with more bits than that, which are failed writes too)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_raw_bits(struct nd_stream_writer *writer,
                                   uint32_t value,
                                   uint32_t bit_count);

/**
 * Write a string on a byte boundary: its length in 2 bytes, then its bytes.
 *
 * @param writer  the writer
 * @param text  the string (UTF-8), not NUL-ended; may be NULL when the length is 0
 * @param text_length  its bytes
 * @param length_max  the most bytes that the reader takes: one of ND_FIXED_STRING_...
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init; or a
 * string above length_max or 65535 bytes, which is a failed write too)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_fixed_string(struct nd_stream_writer *writer,
                                       const char *text,
                                       uint32_t text_length,
                                       uint32_t length_max);

/**
 * Pack a number: 2 bits for 0, 38 for the largest.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_packed_uint(struct nd_stream_writer *writer, uint32_t value);

/**
 * Pack a number, small ones of either sign short: 2 bits for 0, 3 for -1, at most 38.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_packed_int(struct nd_stream_writer *writer, int32_t value);

/**
 * Pack a number: its low 32 bits, then its high ones; 4 to 76 bits.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_packed_ulong(struct nd_stream_writer *writer, uint64_t value);

/**
 * Pack a number, small ones of either sign short; 4 to 76 bits.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_packed_long(struct nd_stream_writer *writer, int64_t value);

/**
 * Pack a number: 1 bit for 0 (and for -0, which is read as 0), 33 for others.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_packed_float(struct nd_stream_writer *writer, float value);

/**
 * Pack a number: 1 bit for 0 (and for -0, which is read as 0), 65 for others.
 *
 * @param writer  the writer
 * @param value  the value
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_packed_double(struct nd_stream_writer *writer, double value);

/**
 * Pack by how much a number is below a baseline (wrapping): little where it changed little.
 *
 * @param writer  the writer
 * @param value  the value
 * @param baseline  a value that the reader knows
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_packed_uint_delta(struct nd_stream_writer *writer,
                                            uint32_t value,
                                            uint32_t baseline);

/**
 * Pack by how much a number is below a baseline (wrapping): little where it changed little.
 *
 * @param writer  the writer
 * @param value  the value
 * @param baseline  a value that the reader knows
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_packed_int_delta(struct nd_stream_writer *writer,
                                           int32_t value,
                                           int32_t baseline);

/**
 * Pack by how much a number is below a baseline (wrapping): little where it changed little.
 *
 * @param writer  the writer
 * @param value  the value
 * @param baseline  a value that the reader knows
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_packed_ulong_delta(struct nd_stream_writer *writer,
                                             uint64_t value,
                                             uint64_t baseline);

/**
 * Pack by how much a number is below a baseline (wrapping): little where it changed little.
 *
 * @param writer  the writer
 * @param value  the value
 * @param baseline  a value that the reader knows
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_packed_long_delta(struct nd_stream_writer *writer,
                                            int64_t value,
                                            int64_t baseline);

/**
 * Pack a number: 1 bit where it equals a baseline, 33 where not (always for a NaN).
 *
 * @param writer  the writer
 * @param value  the value
 * @param baseline  a value that the reader knows
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_packed_float_delta(struct nd_stream_writer *writer,
                                             float value,
                                             float baseline);

/**
 * Pack a number: 1 bit where it equals a baseline, 65 where not (always for a NaN).
 *
 * @param writer  the writer
 * @param value  the value
 * @param baseline  a value that the reader knows
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_packed_double_delta(struct nd_stream_writer *writer,
                                              double value,
                                              double baseline);

/**
 * Pack a string against one that the reader knows: the length as a delta, then each byte as a
 * delta to the byte of the baseline where it has one.
 *
 * @param writer  the writer
 * @param text  the string (UTF-8), not NUL-ended; may be NULL when the length is 0
 * @param text_length  its bytes
 * @param baseline  the string that the reader knows; may be NULL when its length is 0
 * @param baseline_length  its bytes
 * @param length_max  the most bytes that the reader takes: one of ND_FIXED_STRING_...
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
 * failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init; or a
 * string above length_max or 65535 bytes, or a baseline above 65535, which are failed writes too)
 * @thread any; use a writer from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_write_packed_fixed_string_delta(struct nd_stream_writer *writer,
                                                    const char *text,
                                                    uint32_t text_length,
                                                    const char *baseline,
                                                    uint32_t baseline_length,
                                                    uint32_t length_max);

/**
 * Read 1 byte, from the next byte boundary on.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_byte(struct nd_stream_reader *reader, uint8_t *out_value);

/**
 * Read 2 bytes, little endian, from the next byte boundary on.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_short(struct nd_stream_reader *reader, int16_t *out_value);

/**
 * Read 2 bytes, little endian, from the next byte boundary on.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_ushort(struct nd_stream_reader *reader, uint16_t *out_value);

/**
 * Read 4 bytes, little endian, from the next byte boundary on.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_int(struct nd_stream_reader *reader, int32_t *out_value);

/**
 * Read 4 bytes, little endian, from the next byte boundary on.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_uint(struct nd_stream_reader *reader, uint32_t *out_value);

/**
 * Read 8 bytes, little endian, from the next byte boundary on.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_long(struct nd_stream_reader *reader, int64_t *out_value);

/**
 * Read 8 bytes, little endian, from the next byte boundary on.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_ulong(struct nd_stream_reader *reader, uint64_t *out_value);

/**
 * Read 4 bytes (IEEE 754), little endian, from the next byte boundary on.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_float(struct nd_stream_reader *reader, float *out_value);

/**
 * Read 8 bytes (IEEE 754), little endian, from the next byte boundary on.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_double(struct nd_stream_reader *reader, double *out_value);

/**
 * Read 2 bytes, big endian, from the next byte boundary on.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_short_network_byte_order(struct nd_stream_reader *reader,
                                                  int16_t *out_value);

/**
 * Read 2 bytes, big endian, from the next byte boundary on.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_ushort_network_byte_order(struct nd_stream_reader *reader,
                                                   uint16_t *out_value);

/**
 * Read 4 bytes, big endian, from the next byte boundary on.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_int_network_byte_order(struct nd_stream_reader *reader,
                                                int32_t *out_value);

/**
 * Read 4 bytes, big endian, from the next byte boundary on.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_uint_network_byte_order(struct nd_stream_reader *reader,
                                                 uint32_t *out_value);

/**
 * Read bytes as they are, from the next byte boundary on.
 *
 * @param reader  the reader
 * @param out_data  out: the bytes; all 0 past the end. It may be NULL when the length is 0
 * @param length  how many
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_bytes(struct nd_stream_reader *reader, uint8_t *out_data, uint32_t length);

/**
 * Read bits, the lowest first, without alignment.
 *
 * @param reader  the reader
 * @param bit_count  how many: 0 to 32
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init; or a count above 32, which is a failed read too)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_raw_bits(struct nd_stream_reader *reader,
                                  uint32_t bit_count,
                                  uint32_t *out_value);

/**
 * Read a string: its length in 2 bytes, then its bytes. Of a string that is longer than the
 * capacity only the length is read.
 *
 * @param reader  the reader
 * @param out_text  out: the string, without a NUL. Nobody has checked that it is UTF-8. It may be
 * NULL when the capacity is 0
 * @param capacity  bytes at `out_text`: a longer string is skipped and gives an empty one, which
 * is no failed read
 * @param out_length  out: bytes of the string; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_fixed_string(struct nd_stream_reader *reader,
                                      char *out_text,
                                      uint32_t capacity,
                                      uint32_t *out_length);

/**
 * Read a number that nd_stream_write_packed_uint wrote.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_packed_uint(struct nd_stream_reader *reader, uint32_t *out_value);

/**
 * Read a number that nd_stream_write_packed_int wrote.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_packed_int(struct nd_stream_reader *reader, int32_t *out_value);

/**
 * Read a number that nd_stream_write_packed_ulong wrote.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_packed_ulong(struct nd_stream_reader *reader, uint64_t *out_value);

/**
 * Read a number that nd_stream_write_packed_long wrote.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_packed_long(struct nd_stream_reader *reader, int64_t *out_value);

/**
 * Read a number that nd_stream_write_packed_float wrote.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_packed_float(struct nd_stream_reader *reader, float *out_value);

/**
 * Read a number that nd_stream_write_packed_double wrote.
 *
 * @param reader  the reader
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_packed_double(struct nd_stream_reader *reader, double *out_value);

/**
 * Read a number that nd_stream_write_packed_uint_delta wrote.
 *
 * @param reader  the reader
 * @param baseline  the baseline that it was written with
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_packed_uint_delta(struct nd_stream_reader *reader,
                                           uint32_t baseline,
                                           uint32_t *out_value);

/**
 * Read a number that nd_stream_write_packed_int_delta wrote.
 *
 * @param reader  the reader
 * @param baseline  the baseline that it was written with
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_packed_int_delta(struct nd_stream_reader *reader,
                                          int32_t baseline,
                                          int32_t *out_value);

/**
 * Read a number that nd_stream_write_packed_ulong_delta wrote.
 *
 * @param reader  the reader
 * @param baseline  the baseline that it was written with
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_packed_ulong_delta(struct nd_stream_reader *reader,
                                            uint64_t baseline,
                                            uint64_t *out_value);

/**
 * Read a number that nd_stream_write_packed_long_delta wrote.
 *
 * @param reader  the reader
 * @param baseline  the baseline that it was written with
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_packed_long_delta(struct nd_stream_reader *reader,
                                           int64_t baseline,
                                           int64_t *out_value);

/**
 * Read a number that nd_stream_write_packed_float_delta wrote.
 *
 * @param reader  the reader
 * @param baseline  the baseline that it was written with
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_packed_float_delta(struct nd_stream_reader *reader,
                                            float baseline,
                                            float *out_value);

/**
 * Read a number that nd_stream_write_packed_double_delta wrote.
 *
 * @param reader  the reader
 * @param baseline  the baseline that it was written with
 * @param out_value  out: the value; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_packed_double_delta(struct nd_stream_reader *reader,
                                             double baseline,
                                             double *out_value);

/**
 * Read a string that nd_stream_write_packed_fixed_string_delta wrote. Of a string that is longer
 * than the capacity only the length is read.
 *
 * @param reader  the reader
 * @param baseline  the baseline that it was written with; may be NULL when its length is 0
 * @param baseline_length  its bytes
 * @param out_text  out: the string, without a NUL. Not the baseline's memory. Nobody has checked
 * that it is UTF-8. It may be NULL when the capacity is 0
 * @param capacity  bytes at `out_text`: a longer string gives an empty one
 * @param out_length  out: bytes of the string; 0 past the end
 * @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
 * move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
 * its init)
 * @thread any; use a reader from one thread at a time
 * @since 0.2
 */
nd_result nd_stream_read_packed_fixed_string_delta(struct nd_stream_reader *reader,
                                                   const char *baseline,
                                                   uint32_t baseline_length,
                                                   char *out_text,
                                                   uint32_t capacity,
                                                   uint32_t *out_length);

/**
 * Begin a message of a plain WebSocket connection that is sent piece by piece; its length need
 * not be known. Until nd_driver_finish_message other sends on the connection are refused with
 * ND_ERROR_NETWORK_STATE_MISMATCH; pings and pongs still go between the pieces, and closing is
 * fine. websocket_message_size_max of this side does not bound it. Where compression was agreed
 * on it is compressed, however short it turns out.
 *
 * @param driver  the driver
 * @param connection  to whom
 * @param flags  ND_SEND_FLAG_TEXT or ND_SEND_FLAG_BINARY; 0 is what the connection's write mode
 * says (binary at first)
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH,
 * _STATE_MISMATCH (not Connected, or a message is begun already), _SEND_QUEUE_FULL (as many
 * messages wait as may); ND_ERROR_INVALID_ARGUMENT (unknown flag, UTP dialect);
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_driver_begin_message(struct nd_driver *driver,
                                  nd_connection connection,
                                  uint32_t flags);

/**
 * Send the next piece of the message that nd_driver_begin_message began. It leaves with the next
 * nd_driver_flush or nd_driver_update, and the receiver can read it before the message is whole.
 * When this fails the message stays as it was.
 *
 * @param driver  the driver
 * @param connection  to whom
 * @param data  the piece, copied; may be NULL when the length is 0. Text may be cut inside of a
 * character
 * @param data_length  its length in bytes; 0 changes nothing
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
 * _VERSION_MISMATCH, _STATE_MISMATCH (not Connected, or none was begun), _PACKET_OVERFLOW (the
 * piece alone is above outbound_bytes_max), _SEND_QUEUE_FULL; ND_ERROR_INVALID_ARGUMENT (text
 * that is not UTF-8); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_driver_append_message(struct nd_driver *driver,
                                   nd_connection connection,
                                   const uint8_t *data,
                                   uint32_t data_length);

/**
 * End the message that nd_driver_begin_message began. Without a piece it is an empty message.
 *
 * @param driver  the driver
 * @param connection  to whom
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH,
 * _STATE_MISMATCH (not Connected, or none was begun), _SEND_QUEUE_FULL;
 * ND_ERROR_INVALID_ARGUMENT (the text ends inside of a character); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.2
 */
nd_result nd_driver_finish_message(struct nd_driver *driver, nd_connection connection);

/**
 * Send one message without copying it: the library takes the memory, and gives it back by calling
 * `release` exactly once, when the message has left, the connection has ended, or the driver is
 * destroyed. That may be before this returns: only large uncompressed messages on connections
 * that came from outside are sent from where they lie, others are copied after all.
 *
 * @param driver  the driver
 * @param connection  to whom
 * @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline
 * @param data  the message; may be NULL when the length is 0
 * @param data_length  its length in bytes
 * @param flags  ND_SEND_FLAG_TEXT or ND_SEND_FLAG_BINARY; 0 is what the connection's write mode
 * says (binary at first)
 * @param release  called when the library needs the memory no more; never when this call fails
 * @param user  handed to `release` as it is
 * @return as nd_driver_send. Unless it is ND_OK, the memory stays the caller's
 * @lifetime the memory must stay as it is until `release` is called
 * @thread the one that uses the driver now; `release` runs on the thread of whichever call on the
 * driver lets go of the memory
 * @since 0.2
 */
nd_result nd_driver_send_owned(struct nd_driver *driver,
                               nd_connection connection,
                               uint8_t pipeline,
                               const uint8_t *data,
                               uint32_t data_length,
                               uint32_t flags,
                               nd_release_callback release,
                               void *user);

/**
 * Create a collection of drivers that a program uses as one, as Unity Transport's
 * MultiNetworkDriver. A driver with several interfaces does the same where one settings struct is
 * enough.
 *
 * @param out_multi  out: the collection's handle
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_LIMIT_REACHED (256 collections)
 * @lifetime destroy it with nd_multi_driver_destroy
 * @thread any; a collection is used by one thread at a time
 * @since 0.3
 */
nd_result nd_multi_driver_create(struct nd_multi_driver **out_multi);

/**
 * Destroy a collection and its drivers, as nd_driver_destroy does.
 *
 * @param multi  the handle; stale afterwards, as are those of its drivers
 * @return ND_OK; ND_ERROR_INVALID_HANDLE (destroyed already); ND_ERROR_DRIVER_IN_USE (the
 * collection, and nothing was destroyed; or a driver of it, which is left alone)
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_destroy(struct nd_multi_driver *multi);

/**
 * Add a driver. It may be bound and listen, and must not have had a connection yet: from here on
 * the values of its connections carry its number in their highest byte. All nd_driver_… and
 * nd_connection_… calls take it and them as before, and it is destroyed with the collection.
 *
 * @param multi  the collection
 * @param driver  the driver
 * @param out_driver_id  out: its number, from 1 to 255; may be NULL
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_STATE_MISMATCH (it has, or had,
 * connections, or is in a collection); ND_ERROR_INVALID_ARGUMENT (it has not as many pipelines as
 * the others); ND_ERROR_LIMIT_REACHED (255 drivers); ND_ERROR_NETWORK_SOCKET;
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses both now
 * @since 0.3
 */
nd_result nd_multi_driver_add_driver(struct nd_multi_driver *multi,
                                     struct nd_driver *driver,
                                     uint32_t *out_driver_id);

/**
 * How many drivers a collection has.
 *
 * @param multi  the collection
 * @param out_count  out: the number; their numbers are 1 to this
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_get_driver_count(struct nd_multi_driver *multi, uint32_t *out_count);

/**
 * A driver by its number.
 *
 * @param multi  the collection
 * @param driver_id  its number
 * @param out_driver  out: its handle
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (no
 * such driver); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_get_driver(struct nd_multi_driver *multi,
                                     uint32_t driver_id,
                                     struct nd_driver **out_driver);

/**
 * The driver of a connection. All nd_driver_… and nd_connection_… calls take the two.
 *
 * @param multi  the collection
 * @param connection  which
 * @param out_driver  out: its driver's handle
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH
 * (of none of the drivers); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_get_driver_for_connection(struct nd_multi_driver *multi,
                                                    nd_connection connection,
                                                    struct nd_driver **out_driver);

/**
 * Make a pipeline in every driver, or in none when one of them cannot, as
 * nd_driver_create_pipeline; it has one number in all of them.
 * All drivers of a collection have as many pipelines, and stages of the program are registered
 * alike in all of them.
 *
 * @param multi  the collection
 * @param stages  as for nd_driver_create_pipeline
 * @param stage_count  how many
 * @param out_pipeline  out: the pipeline's number
 * @return as nd_driver_create_pipeline; ND_ERROR_INVALID_ARGUMENT also without a driver
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_create_pipeline(struct nd_multi_driver *multi,
                                          const struct nd_pipeline_stage *stages,
                                          uint32_t stage_count,
                                          uint8_t *out_pipeline);

/**
 * Update every driver, as nd_driver_update.
 *
 * @param multi  the collection
 * @return as nd_driver_update, of the first driver that failed; the others were updated
 * @lifetime as nd_driver_update
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_update(struct nd_multi_driver *multi);

/**
 * Send what waits in every driver, as nd_driver_flush.
 *
 * @param multi  the collection
 * @return as nd_driver_flush, of the first driver that failed; the others were flushed
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_flush(struct nd_multi_driver *multi);

/**
 * Sleep until an update would bring something, until nd_driver_wake is called for one of the
 * drivers, or until the time is over. It sleeps for all of them at once; on Windows, which cannot,
 * it looks each millisecond.
 *
 * @param multi  the collection
 * @param timeout_ms  milliseconds to sleep at most
 * @param out_ready  out: 1 when an update has something to show, else 0; may be NULL
 * @return as nd_driver_wait
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_wait(struct nd_multi_driver *multi,
                               uint32_t timeout_ms,
                               uint32_t *out_ready);

/**
 * Take the oldest connection that came from outside, of the first driver that has one.
 *
 * @param multi  the collection
 * @param out_connection  out: the connection; 0 when none waits
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_accept(struct nd_multi_driver *multi, nd_connection *out_connection);

/**
 * Pop up to `capacity` events, oldest first, of the first driver, then of the second, and so on.
 *
 * @param multi  the collection
 * @param out_events  out: the events
 * @param capacity  how many fit at `out_events`
 * @param out_count  out: how many were written
 * @return ND_OK (0 events included); ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
 * ND_ERROR_DRIVER_IN_USE
 * @lifetime the events' data is valid until the first update of their driver after this call
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_pop_events(struct nd_multi_driver *multi,
                                     struct nd_event *out_events,
                                     uint32_t capacity,
                                     uint32_t *out_count);

/**
 * Pop the oldest event of the first driver that has one.
 *
 * @param multi  the collection
 * @param out_event  out: the event; its kind is ND_EVENT_EMPTY when there is none
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @lifetime the event's data is valid until the first update of its driver after this call
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_pop_event(struct nd_multi_driver *multi, struct nd_event *out_event);

/**
 * Pop the oldest event of one connection.
 *
 * @param multi  the collection
 * @param connection  whose event
 * @param out_event  out: the event; its kind is ND_EVENT_EMPTY when there is none, and when the
 * connection is stale
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @lifetime the event's data is valid until the first update of its driver after this call
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_pop_event_for_connection(struct nd_multi_driver *multi,
                                                   nd_connection connection,
                                                   struct nd_event *out_event);

/**
 * Connect to an address over the first interface of a driver, as nd_driver_connect.
 *
 * @param multi  the collection
 * @param driver_id  the driver's number
 * @param endpoint  the server
 * @param payload  as for nd_driver_connect
 * @param payload_length  as for nd_driver_connect
 * @param out_connection  out: the connection
 * @return as nd_driver_connect; ND_ERROR_INVALID_ARGUMENT for an unknown driver too
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_connect(struct nd_multi_driver *multi,
                                  uint32_t driver_id,
                                  const struct nd_endpoint *endpoint,
                                  const uint8_t *payload,
                                  uint32_t payload_length,
                                  nd_connection *out_connection);

/**
 * Close a connection, as nd_driver_disconnect.
 *
 * @param multi  the collection
 * @param connection  which
 * @return as nd_driver_disconnect
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_disconnect(struct nd_multi_driver *multi, nd_connection connection);

/**
 * The state of a connection.
 *
 * @param multi  the collection
 * @param connection  which
 * @param out_state  out: ND_STATE_…; Disconnected for a stale or unknown connection
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_get_connection_state(struct nd_multi_driver *multi,
                                               nd_connection connection,
                                               int32_t *out_state);

/**
 * Send one message, as nd_driver_send.
 *
 * @param multi  the collection
 * @param connection  to whom
 * @param pipeline  0: no pipeline
 * @param data  the message, copied; may be NULL when the length is 0
 * @param data_length  its length in bytes
 * @param flags  as for nd_driver_send
 * @return as nd_driver_send
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_send(struct nd_multi_driver *multi,
                               nd_connection connection,
                               uint8_t pipeline,
                               const uint8_t *data,
                               uint32_t data_length,
                               uint32_t flags);

/**
 * Begin a message that is written in place, as nd_driver_begin_send. It is ended by
 * nd_multi_driver_end_send or _abort_send.
 *
 * @param multi  the collection
 * @param connection  to whom
 * @param pipeline  0: no pipeline
 * @param required_size  as for nd_driver_begin_send
 * @param out_send  out: where to write, how much, and the name of the send
 * @return as nd_driver_begin_send
 * @lifetime as nd_driver_begin_send
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_begin_send(struct nd_multi_driver *multi,
                                     nd_connection connection,
                                     uint8_t pipeline,
                                     uint32_t required_size,
                                     struct nd_send *out_send);

/**
 * End a message written in place, as nd_driver_end_send.
 *
 * @param multi  the collection
 * @param send  as nd_multi_driver_begin_send filled it
 * @param length  bytes written at send->data
 * @param flags  as for nd_driver_send
 * @return as nd_driver_end_send
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_end_send(struct nd_multi_driver *multi,
                                   const struct nd_send *send,
                                   uint32_t length,
                                   uint32_t flags);

/**
 * Give up a message written in place; nothing is sent.
 *
 * @param multi  the collection
 * @param send  as nd_multi_driver_begin_send filled it
 * @return as nd_driver_abort_send
 * @thread the one that uses it now
 * @since 0.3
 */
nd_result nd_multi_driver_abort_send(struct nd_multi_driver *multi, const struct nd_send *send);

/**
 * A descriptor that is readable when nd_driver_update has something to receive, or when
 * nd_driver_wake was called: for epoll, poll, select or kqueue in a loop of your own, in place of
 * nd_driver_wait. On Windows it is the HANDLE of an event that is set then, and reset by
 * nd_driver_update: for WaitForSingleObject, WaitForMultipleObjects,
 * MsgWaitForMultipleObjects or RegisterWaitForSingleObject. It is the driver's: do not read,
 * write, set, reset or close it. Timers do not make it readable: sleep no longer than
 * nd_driver_get_next_timeout says.
 *
 * From the first call on, Windows needs a thread of the driver's, which sleeps in the system.
 *
 * @param driver  the driver
 * @param out_descriptor  out: the file descriptor; on Windows the HANDLE, as a number
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NOT_SUPPORTED (with
 * nd_settings.background_pump, which takes what the descriptor would tell of);
 * ND_ERROR_NETWORK_SOCKET (Windows: no thread or event is left); ND_ERROR_DRIVER_IN_USE
 * @lifetime until the driver is destroyed; take it out of your loop before
 * @thread the one that uses the driver now; any thread may sleep on the descriptor
 * @since 0.4
 */
nd_result nd_driver_get_poll_descriptor(struct nd_driver *driver, int64_t *out_descriptor);

/**
 * How long a loop of your own may sleep when the descriptor of nd_driver_get_poll_descriptor does
 * not become readable. Ask after your sends and nd_driver_flush, right before you sleep.
 *
 * @param driver  the driver
 * @param out_timeout_ms  out: milliseconds, rounded up; 0: call nd_driver_update now;
 * ND_TIMEOUT_NEVER: for ever
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.4
 */
nd_result nd_driver_get_next_timeout(struct nd_driver *driver, uint32_t *out_timeout_ms);

/**
 * Make a pipeline: stages that messages sent with its number go through, from the first stage to
 * the last, and on the other side from the last to the first. Numbers count from 1 in the order of
 * creation. Both sides must make the same pipelines in the same order, because packets carry the
 * number and nothing else. What a pipeline says holds in the UTP dialect; a plain WebSocket
 * connection is reliable, ordered and takes long messages as it is, so every pipeline that there
 * is means "no pipeline" there.
 *
 * @param driver  the driver
 * @param stages  the stages, in the order in which a message meets them when it is sent; copied.
 * NULL when the count is 0, which makes a pipeline that does nothing
 * @param stage_count  how many; at most 16
 * @param out_pipeline  out: the pipeline's number, for the send functions and in Data events
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
 * ND_ERROR_INVALID_ARGUMENT (unknown stages, parameters that cannot be, Fragmentation behind
 * ReliableSequenced); ND_ERROR_NETWORK_STATE_MISMATCH (the driver has had a connection);
 * ND_ERROR_LIMIT_REACHED (a 256th pipeline); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.3
 */
nd_result nd_driver_create_pipeline(struct nd_driver *driver,
                                    const struct nd_pipeline_stage *stages,
                                    uint32_t stage_count,
                                    uint8_t *out_pipeline);

/**
 * Ask whether nd_driver_create_pipeline would make a pipeline of these stages now. For programs
 * that make the same one in several drivers, in all of them or in none.
 *
 * @param driver  the driver
 * @param stages  as for nd_driver_create_pipeline
 * @param stage_count  how many; at most 16
 * @return as nd_driver_create_pipeline, and nothing was made
 * @thread the one that uses the driver now
 * @since 0.4
 */
nd_result nd_driver_check_pipeline(struct nd_driver *driver,
                                   const struct nd_pipeline_stage *stages,
                                   uint32_t stage_count);

/**
 * How many pipelines a driver has; their numbers are 1 to this.
 *
 * @param driver  the driver
 * @param out_count  out: how many
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.4
 */
nd_result nd_driver_get_pipeline_count(struct nd_driver *driver, uint32_t *out_count);

/**
 * Fill the parameters of a simulator stage with the defaults: a good network.
 *
 * @param out_simulator  out: every field set
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.3
 */
nd_result nd_simulator_stage_init(struct nd_simulator_stage *out_simulator);

/**
 * Change the bad network of simulator stages, of connections that exist too.
 *
 * @param driver  the driver
 * @param pipeline  a pipeline; 0: all of them, and those that are made later without parameters
 * of their own
 * @param simulator  how bad; copied
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
 * ND_ERROR_INVALID_ARGUMENT (unknown pipeline, parameters that cannot be);
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.3
 */
nd_result nd_driver_set_simulator_stage(struct nd_driver *driver,
                                        uint8_t pipeline,
                                        const struct nd_simulator_stage *simulator);

/**
 * Change after which time the reliable stages of a pipeline send again, on one connection.
 *
 * @param driver  the driver
 * @param connection  which
 * @param pipeline  a pipeline
 * @param minimum_ms  the fewest milliseconds; above 0
 * @param maximum_ms  the most milliseconds; above the fewest
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH,
 * _STATE_MISMATCH; ND_ERROR_INVALID_ARGUMENT (unknown pipeline, times that cannot be);
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.3
 */
nd_result nd_connection_set_resend_times(struct nd_driver *driver,
                                         nd_connection connection,
                                         uint8_t pipeline,
                                         int32_t minimum_ms,
                                         int32_t maximum_ms);

/**
 * What the first reliable stage of a pipeline does on a connection: nd_settings,
 * nd_pipeline_stage or nd_connection_set_resend_times have said it.
 *
 * @param driver  the driver
 * @param connection  which
 * @param pipeline  a pipeline with a reliable stage
 * @param out_window_size  out: packets that may be under way, rounded up to a multiple of 8
 * @param out_minimum_ms  out: the fewest milliseconds until a packet is sent again
 * @param out_maximum_ms  out: the most milliseconds
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
 * _VERSION_MISMATCH; ND_ERROR_INVALID_ARGUMENT (unknown pipeline, none, or one without such a
 * stage); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.4
 */
nd_result nd_connection_get_reliable_parameters(struct nd_driver *driver,
                                                nd_connection connection,
                                                uint8_t pipeline,
                                                uint32_t *out_window_size,
                                                int32_t *out_minimum_ms,
                                                int32_t *out_maximum_ms);

/**
 * Set the priority of a reliable pipeline's messages among those of one connection. It counts
 * with netdriver peers over datagrams (nd_settings.session): higher goes first when not everything
 * may leave at once, and a pipeline that has waited for 16 datagrams has its turn all the same.
 * Messages of pipelines that are not reliable never wait.
 *
 * @param driver  the driver
 * @param pipeline  a pipeline
 * @param priority  0, the default, to 255; for messages that are sent from here on
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_INVALID_ARGUMENT (unknown pipeline, or 0);
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.3
 */
nd_result nd_driver_set_pipeline_priority(struct nd_driver *driver,
                                          uint8_t pipeline,
                                          uint8_t priority);

/**
 * Bytes that an interface and a pipeline put in front of a message, at most, those below the UTP
 * dialect included: Unity Transport's MaxHeaderSize.
 *
 * @param driver  the driver
 * @param interface_index  the interface
 * @param pipeline  0: no pipeline
 * @param out_size  out: bytes
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT
 * (unknown interface or pipeline); ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.3
 */
nd_result nd_driver_get_header_size_max(struct nd_driver *driver,
                                        uint32_t interface_index,
                                        uint8_t pipeline,
                                        uint32_t *out_size);

/**
 * Prepare a struct for nd_connection_get_pipeline_statistics.
 *
 * @param out_statistics  out: struct_size set, the rest 0
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.3
 */
nd_result nd_pipeline_statistics_init(struct nd_pipeline_statistics *out_statistics);

/**
 * What the stages of a pipeline have counted on a connection, round trips included.
 *
 * @param driver  the driver
 * @param connection  which
 * @param pipeline  a pipeline
 * @param out_statistics  in: struct_size, see nd_pipeline_statistics_init; out: the counters
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
 * ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH; ND_ERROR_INVALID_ARGUMENT (unknown pipeline);
 * ND_ERROR_DRIVER_IN_USE
 * @thread the one that uses the driver now
 * @since 0.3
 */
nd_result nd_connection_get_pipeline_statistics(struct nd_driver *driver,
                                                nd_connection connection,
                                                uint8_t pipeline,
                                                struct nd_pipeline_statistics *out_statistics);

/**
 * Fill a table with the defaults: a stage that does nothing.
 *
 * @param out_functions  out: every field set
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.3
 */
nd_result nd_stage_functions_init(struct nd_stage_functions *out_functions);

/**
 * Register a stage that pipelines of the driver may have, before anything is bound.
 *
 * A function changes call->data in place, or makes bytes of its own, and hands them on with
 * nd_stage_forward; examples/c/stage_xor.c is a whole stage in a few lines.
 *
 * @param driver  the driver
 * @param functions  what to register; the struct and its name are copied
 * @param out_stage  out: its number, for nd_pipeline_stage
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
 * ND_ERROR_INVALID_ARGUMENT; ND_ERROR_NETWORK_STATE_MISMATCH (bound, or connected before);
 * ND_ERROR_LIMIT_REACHED (a 65th stage); ND_ERROR_DRIVER_IN_USE
 * @lifetime the functions and `user` must stay valid until nd_driver_destroy has returned
 * @thread the one that uses the driver now; the functions run inside calls and jobs of this
 * driver, on the thread that makes the call or runs the job, with nd_settings.background_pump also
 * on the library's thread; they must not call it
 * @since 0.3
 */
nd_result nd_driver_register_stage(struct nd_driver *driver,
                                   const struct nd_stage_functions *functions,
                                   uint32_t *out_stage);

/**
 * Hand on what a stage has made of a packet: to the next stage when sending, to the one before
 * when receiving.
 *
 * @param header  goes in front; NULL when the length is 0
 * @param header_length  its length in bytes
 * @param payload  the rest; NULL when the length is 0. Both are copied
 * @param payload_length  its length in bytes
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_PACKET_OVERFLOW,
 * ND_ERROR_NETWORK_SEND_QUEUE_FULL (sending: what comes behind did not take it);
 * ND_ERROR_INVALID_ARGUMENT (sending: a stage behind refused it);
 * ND_ERROR_NETWORK_STATE_MISMATCH (no function of a stage runs on this thread)
 * @thread the one that runs the stage's function
 * @since 0.3
 */
nd_result nd_stage_forward(const uint8_t *header,
                           uint32_t header_length,
                           const uint8_t *payload,
                           uint32_t payload_length);

/**
 * Schedule an nd_driver_update to run elsewhere. Where: on a thread of the driver (see
 * nd_settings.job_workers), on the engine's scheduler (see nd_driver_set_job_scheduler), or inside
 * of nd_job_complete, if nobody has begun it by then.
 *
 * The jobs of one driver run one after the other, in the order in which they were scheduled. From
 * this call on until the job is complete, the driver is its jobs' alone: every other call with it
 * is ND_ERROR_DRIVER_IN_USE, so schedule, do something else, nd_job_complete, go on.
 *
 * @param driver  the driver
 * @param dependency  a job, of any driver, that has to be complete before; 0 for none
 * @param out_job  out: the job; may be NULL
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_LIMIT_REACHED (4096 jobs are not complete).
 * What the update returns is the result of the job
 * @thread any
 * @since 0.4
 */
nd_result nd_driver_schedule_update(struct nd_driver *driver, nd_job dependency, nd_job *out_job);

/**
 * Schedule an nd_driver_flush to run elsewhere, as nd_driver_schedule_update does.
 *
 * @param driver  the driver
 * @param dependency  a job, of any driver, that has to be complete before; 0 for none
 * @param out_job  out: the job; may be NULL
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_LIMIT_REACHED (4096 jobs are not complete).
 * What the flush returns is the result of the job
 * @thread any
 * @since 0.4
 */
nd_result nd_driver_schedule_flush_send(struct nd_driver *driver,
                                        nd_job dependency,
                                        nd_job *out_job);

/**
 * Schedule a function of the program among the jobs of a driver, as nd_driver_schedule_update
 * does: to accept connections between an update and what follows, say.
 *
 * @param driver  the driver, which is the function's alone meanwhile
 * @param function  what to call, once
 * @param user  handed to it as it is
 * @param dependency  a job, of any driver, that has to be complete before; 0 for none
 * @param out_job  out: the job; may be NULL
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT (no function);
 * ND_ERROR_LIMIT_REACHED (4096 jobs are not complete). The result of the job is what the function
 * returns
 * @lifetime `user` must stay valid until the job is complete
 * @thread any
 * @since 0.4
 */
nd_result nd_driver_schedule_job(struct nd_driver *driver,
                                 nd_job_function function,
                                 void *user,
                                 nd_job dependency,
                                 nd_job *out_job);

/**
 * Schedule a function that is called for each connection that the program has (accepted, or made
 * by nd_driver_connect, and its Disconnect event not popped when the job begins), on several
 * threads at once. The job is complete when all of them are done. As long as no other kind of job
 * is scheduled, other threads may use the driver beside it, too.
 *
 * @param driver  the driver
 * @param function  what to call
 * @param user  handed to it as it is
 * @param batch_size  connections that a thread takes at once; 0 (16) to 64
 * @param dependency  a job, of any driver, that has to be complete before; 0 for none
 * @param out_job  out: the job; may be NULL
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT (no function);
 * ND_ERROR_INVALID_ARGUMENT (batch_size); ND_ERROR_LIMIT_REACHED (4096 jobs are not complete). The
 * result of the job is the first error that the function returns
 * @lifetime `user` must stay valid until the job is complete
 * @thread any
 * @since 0.4
 */
nd_result nd_driver_schedule_for_each_connection(struct nd_driver *driver,
                                                 nd_job_connection_function function,
                                                 void *user,
                                                 uint32_t batch_size,
                                                 nd_job dependency,
                                                 nd_job *out_job);

/**
 * Have the jobs of a driver run by an engine's own scheduler. Each driver has its own, because an
 * engine may load the library beside another one.
 *
 * @param driver  the driver
 * @param scheduler  the functions, copied; NULL: threads of the driver run them again
 * @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT (no schedule function);
 * ND_ERROR_STRUCT_SIZE; ND_ERROR_INVALID_ARGUMENT (parallelism); ND_ERROR_DRIVER_IN_USE (a job is
 * not complete, or this is inside of a function of the scheduler)
 * @lifetime the functions and `user` must stay valid until they are replaced or the driver is
 * destroyed
 * @thread any
 * @since 0.4
 */
nd_result nd_driver_set_job_scheduler(struct nd_driver *driver,
                                      const struct nd_job_scheduler *scheduler);

/**
 * Fill a table of scheduler functions with the defaults: no functions.
 *
 * @param out_scheduler  out: the struct
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.4
 */
nd_result nd_job_scheduler_init(struct nd_job_scheduler *out_scheduler);

/**
 * For an engine's scheduler: run a job now, on this thread. Does nothing when somebody else has
 * begun it, unless it is one of many connections, which several threads work on.
 *
 * @param job  as nd_job_schedule_function was given it
 * @return ND_OK. How the job ends is the result of nd_job_complete
 * @thread any
 * @since 0.4
 */
nd_result nd_job_run(nd_job job);

/**
 * Wait until a job is complete. The job, and what it depends on, runs inside of this call as far
 * as nobody else has begun. May be called by any number of threads, any number of times.
 *
 * @param job  the job; 0, and a value that names none (any more), is complete
 * @return the result of the job: the first error of what it did and of the jobs that it was told
 * to depend on, or ND_OK. It is kept until 256 later jobs of the process are complete.
 * ND_ERROR_INVALID_ARGUMENT: called inside of a job for one that waits for that job.
 * ND_ERROR_DRIVER_IN_USE: called where the job can never run, inside of a function of the program
 * (of a custom interface, stage or extension, or one that takes memory back) that a call on the
 * job's driver calls; or, unless the job is complete, inside of a log callback. The job stays
 * scheduled after both errors
 * @lifetime as what has run: an update ends the validity of the data of events popped before
 * @thread any
 * @since 0.4
 */
nd_result nd_job_complete(nd_job job);

/**
 * Is a job complete? Never waits, and runs nothing: with job_workers 0 and without a scheduler
 * only nd_job_complete moves jobs.
 *
 * @param job  the job
 * @param out_complete  out: 1 when it is complete, else 0
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT
 * @thread any
 * @since 0.4
 */
nd_result nd_job_is_complete(nd_job job, uint32_t *out_complete);

/**
 * Make one job of several, of any drivers: it is complete when all of them are, and its result is
 * the first error among them.
 *
 * @param jobs  the jobs; may be NULL when the count is 0
 * @param job_count  how many
 * @param out_job  out: the job
 * @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_LIMIT_REACHED (4096 jobs are not complete)
 * @thread any
 * @since 0.4
 */
nd_result nd_job_combine(const nd_job *jobs, uint32_t job_count, nd_job *out_job);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* NETDRIVER_H */
