//! The numbers of the C ABI. Append only; a number is never reused.
//!
//! They are plain constants, so that a wrong number from outside is a value to check and never
//! an invalid enum. `tests` compare them with the enums of the Rust API.
#![allow(non_camel_case_types, reason = "C names")]

/// Result of a call: 0 is success, a negative number is one of ND_ERROR_….
pub type nd_result = i32;

/// Success.
pub const ND_OK: i32 = 0;
/// The connection is 0, or its index was never given out by this driver.
pub const ND_ERROR_NETWORK_ID_MISMATCH: i32 = -1;
/// The connection is gone; its slot may serve another connection now.
pub const ND_ERROR_NETWORK_VERSION_MISMATCH: i32 = -2;
/// The connection is not in the state that the call needs (for a send: Connected).
pub const ND_ERROR_NETWORK_STATE_MISMATCH: i32 = -3;
/// The message does not fit into one packet, or into the limit for messages.
pub const ND_ERROR_NETWORK_PACKET_OVERFLOW: i32 = -4;
/// The connection's send queue is full: try again after an update. A Writable event tells when
/// (behind the messages of that connection that wait), and ends nd_driver_wait.
pub const ND_ERROR_NETWORK_SEND_QUEUE_FULL: i32 = -5;
/// Unity Transport's number; not returned.
pub const ND_ERROR_HEADER_INVALID: i32 = -6;
/// Another thread is in a concurrent call on this connection: one thread per connection. Since 0.4.
pub const ND_ERROR_DRIVER_PARALLEL_FOR: i32 = -7;
/// The send handle was ended or aborted already, or never came from nd_driver_begin_send.
pub const ND_ERROR_NETWORK_SEND_HANDLE_INVALID: i32 = -8;
/// Unity Transport's number; not returned.
pub const ND_ERROR_ARGUMENT_MISMATCH: i32 = -9;
/// Unity Transport's number; not returned (a full receive queue holds the sender back instead).
pub const ND_ERROR_RECEIVE_QUEUE_FULL: i32 = -10;
/// The operating system refused a socket operation; nd_last_error says which and why.
pub const ND_ERROR_NETWORK_SOCKET: i32 = -11;
/// The driver handle is NULL, destroyed, or never was one.
pub const ND_ERROR_INVALID_HANDLE: i32 = -100;
/// A pointer that the call needs is NULL.
pub const ND_ERROR_NULL_ARGUMENT: i32 = -101;
/// An argument has a value that the call cannot take; nd_last_error names it.
pub const ND_ERROR_INVALID_ARGUMENT: i32 = -102;
/// The struct_size field is wrong: fill the struct with its _init function first.
pub const ND_ERROR_STRUCT_SIZE: i32 = -103;
/// Another thread is inside a call on this driver, or a job of it is scheduled and not complete;
/// nothing was done.
pub const ND_ERROR_DRIVER_IN_USE: i32 = -104;
/// The library failed inside. The process goes on; the driver can only be destroyed.
pub const ND_ERROR_PANIC: i32 = -105;
/// The buffer is too small; the length that it needs was written, the buffer was not. Of a stream:
/// a value does not fit into what is left, or there is not as much left as a value needs.
pub const ND_ERROR_BUFFER_TOO_SMALL: i32 = -106;
/// A limit of the settings or of the library is reached; nd_last_error names it.
pub const ND_ERROR_LIMIT_REACHED: i32 = -107;
/// This version of the library cannot do that.
pub const ND_ERROR_NOT_SUPPORTED: i32 = -108;
/// There is nothing under that name (a header, a document).
pub const ND_ERROR_NOT_FOUND: i32 = -109;
/// A function of the program that ran as a job returned a negative number that is none of these.
/// Since 0.4.
pub const ND_ERROR_JOB_FAILED: i32 = -110;

/// Event kind: there is no event.
pub const ND_EVENT_EMPTY: i32 = 0;
/// Event kind: a message arrived.
pub const ND_EVENT_DATA: i32 = 1;
/// Event kind: a connection that this side started is established.
pub const ND_EVENT_CONNECT: i32 = 2;
/// Event kind: the connection ended; `reason` says why.
pub const ND_EVENT_DISCONNECT: i32 = 3;
/// Event kind, opt-in: the peer of a plain WebSocket connection wants to close it, with
/// `close_code` and its reason as data. What is sent until the first nd_driver_update after the
/// event was popped still leaves before our Close, and ND_EVENT_DISCONNECT follows with that update
/// or later. nd_driver_close instead answers with a code of its own. An event that is never popped
/// is never taken back: it keeps the connection's slot, and the end waits behind it, so a program
/// that asks for these pops them, or ends such connections with nd_driver_abort.
pub const ND_EVENT_CLOSE_REQUEST: i32 = 64;
/// Event kind, opt-in: after ND_ERROR_NETWORK_SEND_QUEUE_FULL there is room again.
pub const ND_EVENT_WRITABLE: i32 = 65;
/// Event kind, opt-in: a piece of a message arrived, of which not all is here.
pub const ND_EVENT_FRAGMENT: i32 = 66;
/// Event kind, opt-in: a WebSocket's pong arrived, whether it answers nd_driver_ping, a ping that
/// ping_interval_ms sent (no data), or nothing.
pub const ND_EVENT_PONG: i32 = 67;

/// Opt-in bit for nd_settings.optional_events: deliver ND_EVENT_WRITABLE.
pub const ND_OPTIONAL_EVENT_WRITABLE: u32 = 1;
/// Opt-in bit for nd_settings.optional_events: deliver ND_EVENT_CLOSE_REQUEST.
pub const ND_OPTIONAL_EVENT_CLOSE_REQUEST: u32 = 2;
/// Opt-in bit for nd_settings.optional_events: deliver messages of plain WebSocket connections in
/// pieces (ND_EVENT_FRAGMENT) when not all of them is there at once. Nothing is put together then,
/// and websocket_message_size_max bounds Data events only: a longer message is all Fragment events.
pub const ND_OPTIONAL_EVENT_FRAGMENT: u32 = 4;
/// Opt-in bit for nd_settings.optional_events: deliver ND_EVENT_PONG.
pub const ND_OPTIONAL_EVENT_PONG: u32 = 8;
/// Opt-in bit for nd_settings.optional_events: an established WebSocket connection that the program
/// closes stays, ND_STATE_DISCONNECTING, until the closing handshake is over. What was received and
/// what was under way is delivered (in the UTP dialect only the former), and ND_EVENT_DISCONNECT
/// follows with reason ND_DISCONNECT_DEFAULT: clean with the peer's code, or 1006 when the peer did
/// not answer within close_timeout_ms. Other connections end at once and silently, as without it.
pub const ND_OPTIONAL_EVENT_LOCAL_CLOSE: u32 = 16;

/// Event flag: the payload is text (valid UTF-8), from a plain WebSocket connection. A Fragment may
/// be cut inside of a character.
pub const ND_EVENT_FLAG_TEXT: u32 = 1;
/// Event flag of Data and Fragment: the message begins here (every Data event is a whole one).
pub const ND_EVENT_FLAG_FIRST: u32 = 2;
/// Event flag of Data and Fragment: the message ends here. A connection may end before it comes.
pub const ND_EVENT_FLAG_LAST: u32 = 4;
/// Event flag of Disconnect: the peer said goodbye properly.
pub const ND_EVENT_FLAG_CLEAN: u32 = 8;

/// Send flag: send as text (must be valid UTF-8; only the plain dialect has text).
pub const ND_SEND_FLAG_TEXT: u32 = 1;

/// Send flag: send as binary, whatever the connection's write mode is.
pub const ND_SEND_FLAG_BINARY: u32 = 2;

/// Write mode of a connection: what is sent without a flag is text (Godot's number).
pub const ND_WRITE_MODE_TEXT: u32 = 0;
/// Write mode of a connection: what is sent without a flag is binary; so it is at first.
pub const ND_WRITE_MODE_BINARY: u32 = 1;

/// Disconnect reason: local close (seen with ND_OPTIONAL_EVENT_LOCAL_CLOSE only).
pub const ND_DISCONNECT_DEFAULT: i32 = 0;
/// Disconnect reason: nothing arrived for disconnect_timeout_ms, or a pong stayed out.
pub const ND_DISCONNECT_TIMEOUT: i32 = 1;
/// Disconnect reason: the server did not answer within all attempts.
pub const ND_DISCONNECT_MAX_CONNECTION_ATTEMPTS: i32 = 2;
/// Disconnect reason: the peer closed the connection.
pub const ND_DISCONNECT_CLOSED_BY_REMOTE: i32 = 3;
/// Disconnect reason: TLS failed; the event's data is a text that says what: a certificate that
/// expired or is not trusted, the wrong host, a server without TLS.
pub const ND_DISCONNECT_AUTHENTICATION_FAILURE: i32 = 6;
/// Disconnect reason: the peer broke the protocol, or a stream under the UTP dialect ended.
pub const ND_DISCONNECT_PROTOCOL_ERROR: i32 = 7;
/// Disconnect reason: the host name has no address.
pub const ND_DISCONNECT_HOST_NOT_FOUND: i32 = 9;
/// Disconnect reason, plain dialect: the stream ended without a Close frame (code 1006).
pub const ND_DISCONNECT_CONNECTION_LOST: i32 = 64;
/// Disconnect reason: nobody listens at that address.
pub const ND_DISCONNECT_CONNECTION_REFUSED: i32 = 65;
/// Disconnect reason: the server answered the WebSocket handshake with something other than a
/// valid 101; close_code is the answer's HTTP status (0 when it was no HTTP), and the event's data
/// is a text that says what was wrong.
pub const ND_DISCONNECT_HANDSHAKE_REJECTED: i32 = 66;
/// Disconnect reason, plain dialect: a message was longer than its receiver takes (code 1009).
pub const ND_DISCONNECT_MESSAGE_TOO_BIG: i32 = 67;
/// Disconnect reason: the proxy opened no way to the server, or was not to be reached; close_code
/// is the HTTP status of its answer, if it had one, and the event's data is a text that says why.
pub const ND_DISCONNECT_PROXY_FAILED: i32 = 68;

/// Connection state: closed, closing, or not a connection.
pub const ND_STATE_DISCONNECTED: i32 = 0;
/// Connection state: closed by the program, which waits for the end; see
/// ND_OPTIONAL_EVENT_LOCAL_CLOSE. Without that a closed connection is ND_STATE_DISCONNECTED.
pub const ND_STATE_DISCONNECTING: i32 = 1;
/// Connection state: waiting for the peer.
pub const ND_STATE_CONNECTING: i32 = 2;
/// Connection state: established.
pub const ND_STATE_CONNECTED: i32 = 3;

/// Interface kind: UDP datagrams.
pub const ND_INTERFACE_UDP: u32 = 1;
/// Interface kind: WebSocket over TCP (ws).
pub const ND_INTERFACE_WEBSOCKET: u32 = 2;
/// Interface kind: in process, between drivers of one program; loopback endpoints only.
pub const ND_INTERFACE_IPC: u32 = 3;
/// TCP: the connection protocol's packets with a length in front, with or without TLS.
pub const ND_INTERFACE_TCP: u32 = 4;
/// Functions of the program; see nd_driver_add_custom_interface.
pub const ND_INTERFACE_CUSTOM: u32 = 5;

/// Dialect: a listener finds out by itself which of the two a client speaks.
pub const ND_DIALECT_AUTO: u32 = 0;
/// Dialect: Unity Transport's connection protocol.
pub const ND_DIALECT_UTP: u32 = 1;
/// Dialect: plain WebSocket, one message is one Data event.
pub const ND_DIALECT_PLAIN: u32 = 2;

/// Address family: not an address.
pub const ND_FAMILY_INVALID: u32 = 0;
/// Address family: IPv4.
pub const ND_FAMILY_IPV4: u32 = 2;
/// Address family: IPv6.
pub const ND_FAMILY_IPV6: u32 = 23;
/// Address family: 60 bytes that only a custom interface understands.
pub const ND_FAMILY_CUSTOM: u32 = 255;

/// Preset: Unity Transport 2.x.
pub const ND_PRESET_UNITY: u32 = 1;
/// Preset: Godot 4.
pub const ND_PRESET_GODOT4: u32 = 2;
/// Preset: Godot 3 and Pandemonium.
pub const ND_PRESET_GODOT3: u32 = 3;
/// Preset: Best HTTP.
pub const ND_PRESET_BEST_HTTP: u32 = 4;

/// Text of a connection: the path that the client asked for, without the query.
pub const ND_TEXT_PATH: u32 = 1;
/// Text of a connection: the query of the request, without the question mark.
pub const ND_TEXT_QUERY: u32 = 2;
/// Text of a connection: the agreed sub-protocol; empty when there is none.
pub const ND_TEXT_SUB_PROTOCOL: u32 = 3;
/// Text of a connection: all request headers, one `Name: value` line each, ending in a newline.
pub const ND_TEXT_HEADERS: u32 = 4;
/// Text of a connection: the agreed extensions, as the header of the server's answer names them
/// (`permessage-deflate; …`); empty when there are none.
pub const ND_TEXT_EXTENSIONS: u32 = 5;
/// Text of a connection or request: the method of the HTTP request ("GET").
pub const ND_TEXT_METHOD: u32 = 6;
/// Text of a connection or request: the Origin that a browser names; empty on a client.
pub const ND_TEXT_ORIGIN: u32 = 7;
/// Text of a connection or request: the cookies, one `name=value` line each, ending in a newline;
/// empty on a client.
pub const ND_TEXT_COOKIES: u32 = 8;
/// Text of a connection or request: the sub-protocols that the client offers, comma-separated, best
/// first; empty on a client.
pub const ND_TEXT_SUB_PROTOCOLS_OFFERED: u32 = 9;
/// Text of a connection or request: the Host that the client asked for.
pub const ND_TEXT_HOST: u32 = 10;
/// Text of a connection or request: the URL that the client asked for; `wss` when it uses TLS, if
/// only up to a trusted proxy that says so.
pub const ND_TEXT_URL: u32 = 11;

/// Request flag: the stream itself is encrypted.
pub const ND_REQUEST_FLAG_TLS: u32 = 1;
/// Request flag: a trusted proxy says that the client came to it over TLS.
pub const ND_REQUEST_FLAG_FORWARDED_TLS: u32 = 2;

/// Sub-protocols on which the sides do not agree: the connection is made, without one.
pub const ND_SUB_PROTOCOL_LENIENT: u32 = 0;
/// Sub-protocols on which the sides do not agree: there is no connection, as with Godot.
pub const ND_SUB_PROTOCOL_STRICT: u32 = 1;

/// Text of a connection: the version of TLS, `TLSv1.2` or `TLSv1.3`; empty without TLS, as are the
/// next three.
pub const ND_TEXT_TLS_VERSION: u32 = 12;
/// Text of a connection: the cipher suite of TLS, such as `TLS_AES_128_GCM_SHA256`.
pub const ND_TEXT_TLS_CIPHER: u32 = 13;
/// Text of a connection: the host name that the client asked for in TLS; empty when it asked for
/// none.
pub const ND_TEXT_TLS_SERVER_NAME: u32 = 14;
/// Text of a connection: the certificate that the peer showed, as PEM; empty when it showed none.
pub const ND_TEXT_TLS_PEER_CERTIFICATE: u32 = 15;

/// Oldest version of TLS: 1.2.
pub const ND_TLS_VERSION_1_2: u32 = 12;
/// Oldest version of TLS: 1.3.
pub const ND_TLS_VERSION_1_3: u32 = 13;

/// Clients' certificates: none is asked for.
pub const ND_TLS_CLIENT_CERTIFICATES_NONE: u32 = 0;
/// Clients' certificates: one is asked for; a client without one is taken.
pub const ND_TLS_CLIENT_CERTIFICATES_OPTIONAL: u32 = 1;
/// Clients' certificates: a client without a valid one is refused.
pub const ND_TLS_CLIENT_CERTIFICATES_REQUIRED: u32 = 2;

/// Stage of a pipeline: does nothing.
pub const ND_PIPELINE_STAGE_NULL: u32 = 0;
/// Stage of a pipeline: cuts messages that are longer than a packet.
pub const ND_PIPELINE_STAGE_FRAGMENTATION: u32 = 1;
/// Stage of a pipeline: every message arrives, once and in order. Until the peer has acknowledged
/// some, at most so many may be under way as the window holds; then sends return
/// ND_ERROR_NETWORK_SEND_QUEUE_FULL.
pub const ND_PIPELINE_STAGE_RELIABLE_SEQUENCED: u32 = 2;
/// Stage of a pipeline: messages that come after a later one are dropped.
pub const ND_PIPELINE_STAGE_UNRELIABLE_SEQUENCED: u32 = 3;
/// Stage of a pipeline: a bad network, for tests.
pub const ND_PIPELINE_STAGE_SIMULATOR: u32 = 4;
/// Stages of pipelines from this number on are those of nd_driver_register_stage.
pub const ND_PIPELINE_STAGE_CUSTOM: u32 = 64;

/// A simulator stage acts on packets that arrive.
pub const ND_SIMULATOR_MODE_RECEIVED_PACKETS_ONLY: u32 = 0;
/// A simulator stage acts on packets that leave.
pub const ND_SIMULATOR_MODE_SENT_PACKETS_ONLY: u32 = 1;
/// A simulator stage acts on all packets.
pub const ND_SIMULATOR_MODE_ALL_PACKETS: u32 = 2;
/// A simulator stage does nothing.
pub const ND_SIMULATOR_MODE_OFF: u32 = 3;

/// Log level: something failed that the program should know.
pub const ND_LOG_ERROR: u32 = 1;
/// Log level: something is odd; the library goes on.
pub const ND_LOG_WARNING: u32 = 2;
/// Log level: what happened, once per connection at most.
pub const ND_LOG_INFO: u32 = 3;

/// nd_driver_get_next_timeout: no timer waits.
pub const ND_TIMEOUT_NEVER: u32 = 0xFFFF_FFFF;
