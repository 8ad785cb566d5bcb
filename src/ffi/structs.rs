//! The structs of the C ABI: fixed-width fields, no padding left to chance.
//!
//! A growable struct starts with `struct_size`, is filled by its `_init` function, and only ever
//! grows at its end. Nothing here does anything; conversions live beside the functions.
#![allow(non_camel_case_types, reason = "C names")]

pub use super::setting_structs::*;

/// A driver. It looks like a pointer and is a handle: never dereference it, never copy what it
/// seems to point to. Using it after nd_driver_destroy is an error code.
pub struct nd_driver {
    _opaque: [u8; 0],
}

/// A driver as several threads use it at once, one thread per connection: what
/// nd_driver_to_concurrent gives. It is a handle like nd_driver, may be copied to any thread, needs
/// no destroying, and is an error code once the driver is destroyed.
pub struct nd_concurrent {
    _opaque: [u8; 0],
}

/// Several drivers as one. As nd_driver, it looks like a pointer and is a handle.
pub struct nd_multi_driver {
    _opaque: [u8; 0],
}

/// A connection: version in the high 32 bits, index in the low 32 bits; 0 is "none". The highest
/// byte is the number of its driver in an nd_multi_driver, otherwise 0.
/// It is a value: copy it freely. A stale one is an error code, never another connection.
pub type nd_connection = u64;

/// A job: a value, which may be copied, kept and forgotten. 0 names none, and so does a value that
/// is too old; both are complete. Since 0.4.
pub type nd_job = u64;

/// An address: 64 bytes, laid out as Unity Transport's NetworkEndpoint.
/// Compare two of them with memcmp. Fill it with nd_endpoint_parse or by hand.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_endpoint {
    /// The address: 4 bytes (IPv4) or 16 bytes (IPv6) in network order, an IPv6 scope id in the
    /// four bytes after (little endian), 60 bytes for a custom family. Unused bytes are 0.
    pub address: [u8; 60],
    /// ND_FAMILY_….
    pub family: u8,
    /// 0.
    pub reserved: u8,
    /// The port, in the machine's byte order.
    pub port: u16,
}

/// One event. What a field holds depends on `kind`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_event {
    /// The connection that it happened to.
    pub connection: nd_connection,
    /// Data: the message. Fragment: the piece. Connect: the server's accept payload. Disconnect:
    /// the close reason, or what went wrong, as UTF-8 text. CloseRequest: the peer's close reason.
    /// Pong: what the ping carried. Valid until the first nd_driver_update after this pop.
    pub data: *const u8,
    /// Length of `data` in bytes; 0 is a valid message.
    pub data_length: u32,
    /// ND_EVENT_….
    pub kind: i32,
    /// Disconnect of a WebSocket, CloseRequest: the close code (RFC 6455 section 7.4); 1005 when
    /// the peer gave none, 1006 when the stream just ended; 0 when it was never open, and where
    /// there are none. With ND_DISCONNECT_HANDSHAKE_REJECTED: the HTTP status of the answer, 0
    /// when it had none.
    pub close_code: u16,
    /// Disconnect: ND_DISCONNECT_….
    pub reason: u8,
    /// Data: the pipeline that it came through; 0 is none. Writable: the pipeline whose window was
    /// full; 0: the send queue was.
    pub pipeline: u8,
    /// ND_EVENT_FLAG_… bits.
    pub flags: u32,
}

/// A message being written in place, between nd_driver_begin_send and nd_driver_end_send, or
/// nd_concurrent_begin_send and nd_concurrent_end_send.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_send {
    /// Names the send to the driver.
    pub handle: u64,
    /// Where to write the message; valid until the send is ended or aborted, or until the next
    /// nd_driver_update, which aborts what was left open.
    pub data: *mut u8,
    /// Bytes that may be written at `data`.
    pub capacity: u32,
    /// The library's: leave it as it is.
    pub reserved: u32,
}

/// What is known of a connection. Set struct_size with nd_connection_info_init.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_connection_info {
    /// Size of this struct in bytes; nd_connection_info_init sets it.
    pub struct_size: u32,
    /// ND_STATE_….
    pub state: i32,
    /// Number of the interface, as nd_driver_add_interface gave it.
    pub interface_index: u32,
    /// ND_INTERFACE_….
    pub interface_kind: u32,
    /// ND_DIALECT_UTP or ND_DIALECT_PLAIN.
    pub dialect: u32,
    /// Microseconds of the last measured round trip; 0 when none was measured: the UTP dialect
    /// measures every round_trip_interval_ms, a plain WebSocket each of its pings, a session
    /// (nd_settings.session) its packets, and reliable pipelines measure where the peer answers no
    /// probe.
    pub round_trip_us: u32,
    /// The peer's address, behind trusted proxies too.
    pub remote: nd_endpoint,
    /// The address of this side.
    pub local: nd_endpoint,
    /// Messages received.
    pub messages_in: u64,
    /// Messages sent.
    pub messages_out: u64,
    /// Payload bytes received.
    pub bytes_in: u64,
    /// Payload bytes sent.
    pub bytes_out: u64,
    /// Datagrams dropped because the inbound limit was reached.
    pub dropped_in: u64,
    /// Sends refused because the outbound limit was reached.
    pub refused_out: u64,
    /// Payload bytes that wait for nd_driver_pop_event.
    pub inbound_bytes: u32,
    /// Bytes that wait to be sent.
    pub outbound_bytes: u32,
    /// The address of the socket's other end: of the trusted proxy that the peer is behind, else as
    /// `remote`. Since 0.2.
    pub peer: nd_endpoint,
    /// Milliseconds since the last message arrived; UINT32_MAX when none did.
    pub last_message_age_ms: u32,
    /// 0.
    pub reserved: u32,
    /// Microseconds of the smoothed round trip (RFC 6298); 0 when none was measured, as below.
    /// Since 0.3.
    pub round_trip_smoothed_us: u32,
    /// Microseconds by which round trips deviate from it, smoothed: the jitter.
    pub round_trip_jitter_us: u32,
    /// Microseconds of the shortest round trip.
    pub round_trip_min_us: u32,
    /// Microseconds of the longest round trip.
    pub round_trip_max_us: u32,
    /// How many round trips were measured.
    pub round_trip_count: u32,
    /// Bytes of the largest packet that the path is known to take, its headers up to those of UDP
    /// or TCP included: max_message_size without path-MTU discovery; 0 for a plain WebSocket.
    pub path_mtu: u32,
    /// 1: the peer's address is as good as proven: it has spoken since its request, or brought a
    /// cookie, or there is a stream to it.
    pub validated: u32,
    /// 1 when messages go through a session with a netdriver peer (nd_settings.session), else 0.
    /// Since 0.3.
    pub session: u32,
    /// Packets of the session that get lost, in 1/1000; 0 without a session. Since 0.3.
    pub loss_permille: u32,
    /// 0.
    pub reserved_2: u32,
}

/// An upgrade request that waits for the program. Set struct_size with nd_request_init.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_request {
    /// Size of this struct in bytes; nd_request_init sets it.
    pub struct_size: u32,
    /// Number of the interface, as nd_driver_add_interface gave it.
    pub interface_index: u32,
    /// Names the request to nd_driver_request_accept and _reject; 0: none waits.
    pub id: u64,
    /// ND_REQUEST_FLAG_… bits.
    pub flags: u32,
    /// Milliseconds until the request is answered with 503.
    pub remaining_ms: u32,
    /// The client's address, behind trusted proxies too.
    pub remote: nd_endpoint,
    /// The address of the socket's other end: of the proxy, else as `remote`.
    pub peer: nd_endpoint,
    /// The address of this side.
    pub local: nd_endpoint,
}

/// Counters of a driver since it was created. Set struct_size with nd_driver_statistics_init.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_driver_statistics {
    /// Size of this struct in bytes; nd_driver_statistics_init sets it.
    pub struct_size: u32,
    /// Connections now, in any state but Disconnected.
    pub connections: u32,
    /// Streams of clients without a connection now: in their handshake, or on their way out.
    pub handshakes_pending: u32,
    /// Closed connections whose goodbye is not over: a program that ends waits for 0 here.
    pub connections_closing: u32,
    /// Connections that came from outside.
    pub connections_incoming: u64,
    /// Connections that this side started.
    pub connections_outgoing: u64,
    /// Messages received.
    pub messages_in: u64,
    /// Messages sent.
    pub messages_out: u64,
    /// Payload bytes received.
    pub bytes_in: u64,
    /// Payload bytes sent.
    pub bytes_out: u64,
    /// Datagrams received, control messages included.
    pub datagrams_in: u64,
    /// Datagrams sent, control messages included.
    pub datagrams_out: u64,
    /// Bytes read from streams.
    pub stream_bytes_in: u64,
    /// Bytes written to streams.
    pub stream_bytes_out: u64,
    /// Packets that could not be parsed, and were dropped.
    pub malformed_in: u64,
    /// Packets of unknown connections, dropped.
    pub unknown_token_in: u64,
    /// Packets of Unity Transport 1.x, whose protocol differs, dropped.
    pub old_protocol_in: u64,
    /// Datagrams dropped because a connection's inbound limit was reached.
    pub dropped_in: u64,
    /// Sends refused because a connection's outbound limit was reached.
    pub refused_out: u64,
    /// Streams closed because the peer broke the WebSocket protocol.
    pub protocol_errors: u64,
    /// Handshakes that failed, for whatever reason; the handshakes_… below tell the reasons apart.
    pub handshakes_failed: u64,
    /// Ordinary HTTP requests answered with a document.
    pub documents_served: u64,
    /// Connections refused because connections_max was reached.
    pub connections_refused: u64,
    /// Handshakes that failed because the request head was larger than head_size_max or had too
    /// many headers; answered with 431.
    pub handshakes_too_large: u64,
    /// Handshakes that failed because the request broke a rule (answered with 400, 405, 426 or
    /// 505), or what followed the 101 did.
    pub handshakes_malformed: u64,
    /// Requests for a path where nothing is served; answered with 404.
    pub handshakes_not_found: u64,
    /// Handshakes that were not over within handshake_timeout_ms.
    pub handshakes_timed_out: u64,
    /// Handshakes whose client left.
    pub handshakes_abandoned: u64,
    /// Handshakes that were ended to make room for newcomers at pending_handshakes_max.
    pub handshakes_displaced: u64,
    /// Requests answered with 503, because too many bytes of documents were under way.
    pub handshakes_overloaded: u64,
    /// Connections that ended because nothing came from the peer in time: no packet, no pong.
    pub connections_timed_out: u64,
    /// Connections over streams that ended without a Close frame (over TCP: a Disconnect packet).
    pub connections_lost: u64,
    /// Streams closed with 1009: the peer announced or sent more than a message may have. Part
    /// of protocol_errors, as the next.
    pub messages_too_big: u64,
    /// Streams closed with 1007: text that is no UTF-8, compressed data that is none.
    pub payloads_invalid: u64,
    /// Handshakes that TLS ended: certificates that this side or the client did not take, nothing
    /// in common, no TLS at all. Part of `handshakes_failed`.
    pub tls_failures: u64,
    /// Upgrade requests refused by the origin or by the program, and streams that should have
    /// come from a trusted proxy and did not.
    pub handshakes_refused: u64,
    /// Upgrade requests that the program did not answer in time; answered with 503.
    pub handshakes_unanswered: u64,
    /// Connections over datagrams now whose client was not heard since its request. Since 0.3.
    pub connections_unvalidated: u32,
    /// 0.
    pub reserved: u32,
    /// Such connections that ended after unvalidated_timeout_ms.
    pub connections_unheard: u64,
    /// Requests turned away at unvalidated_connections_max.
    pub requests_unvalidated: u64,
    /// Requests dropped because their address has connections_per_address_max connections.
    pub requests_over_address: u64,
    /// Requests dropped because their address made more than requests_per_address_max in a second.
    pub requests_over_rate: u64,
    /// Requests dropped because their connection had just ended.
    pub requests_late: u64,
    /// Requests answered with a Retry: the client has to prove its address.
    pub retries_out: u64,
    /// Requests whose cookie was right.
    pub cookies_accepted: u64,
    /// Requests whose cookie was wrong, or too old.
    pub cookies_refused: u64,
    /// UDP sockets that failed and were made anew on their port.
    pub sockets_remade: u64,
}

/// Bad network for tests, applied to datagram interfaces below the protocol.
/// Fill it with nd_network_simulator_init (everything off).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_network_simulator {
    /// Size of this struct in bytes; nd_network_simulator_init sets it.
    pub struct_size: u32,
    /// Percent of arriving packets that are lost, 0 to 100.
    pub receive_loss_percent: f32,
    /// Percent of leaving packets that are lost, 0 to 100.
    pub send_loss_percent: f32,
    /// Percent of leaving packets that leave twice, 0 to 100.
    pub send_duplicate_percent: f32,
    /// Percent of leaving packets that overtake the others, 0 to 100.
    pub send_reorder_percent: f32,
    /// Milliseconds by which leaving packets are late.
    pub send_delay_ms: u32,
    /// Milliseconds by which that varies, either way.
    pub send_jitter_ms: u32,
    /// Bytes of the largest packet that arrives; 0 is no limit.
    pub receive_mtu: u32,
    /// 1: nothing goes in or out.
    pub partitioned: u32,
    /// 0.
    pub reserved: u32,
    /// Start of the random sequence: one seed, one behaviour.
    pub seed: u64,
    /// Bytes that leave in a second, over all connections; packets wait for those in front. 0 is
    /// no limit.
    pub send_bytes_per_second: u32,
    /// Bytes that may wait for that before further packets are lost; 0 is no limit.
    pub send_backlog_bytes: u32,
}
