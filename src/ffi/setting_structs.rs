//! The structs that a driver, an interface or a connection is set up with.
//!
//! As in `structs`, which shows them too: fixed-width fields, `struct_size` first, growth at the
//! end. Nothing here does anything; conversions live beside the functions.
#![allow(non_camel_case_types, reason = "C names")]

use core::ffi::c_char;

/// What a driver is built with. Fill it with nd_settings_init, then change what you need.
/// The first twelve fields are Unity Transport's NetworkConfigParameter, with its defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_settings {
    /// Size of this struct in bytes; nd_settings_init sets it.
    pub struct_size: u32,
    /// Milliseconds between two connection requests. Default 1000; at least 0.
    pub connect_timeout_ms: i32,
    /// Connection requests before giving up. Default 60; at least 0.
    pub max_connect_attempts: i32,
    /// Milliseconds of silence after which a UTP connection ends. Default 30000; 0 is never.
    pub disconnect_timeout_ms: i32,
    /// Milliseconds without sending after which a heartbeat goes out. Default 500; 0 is never.
    pub heartbeat_timeout_ms: i32,
    /// Unity Transport's number for secure UDP clients. Default 2000; at least 0.
    pub reconnection_timeout_ms: i32,
    /// The most milliseconds by which one update moves the driver's time. Default 0: no bound.
    pub max_frame_time_ms: i32,
    /// When above 0, each update moves the driver's time by exactly so many milliseconds.
    pub fixed_frame_time_ms: i32,
    /// Messages that may wait in one connection for nd_driver_pop_event. Default 512; above 0.
    /// When full, a stream stops being read and a datagram is dropped and counted.
    pub receive_queue_capacity: i32,
    /// Datagrams that one connection may queue between two flushes. Default 512; above 0.
    pub send_queue_capacity: i32,
    /// Bytes of the largest UTP packet, its headers included. Default 1400; 1 to 1472.
    pub max_message_size: i32,
    /// 1: this side looks for the largest packet that a path takes (probes of peers are always
    /// answered). A new connection is the program's when that is over, 0.6 seconds later at most
    /// once the peer has spoken; nd_connection_get_payload_size_max follows what was found. Default
    /// 0. Means nothing when max_message_size is 1024 or less.
    pub perform_path_mtu_discovery: i32,
    /// ND_OPTIONAL_EVENT_… bits: the event kinds beyond Unity Transport's that you want. Default 0.
    pub optional_events: u32,
    /// Connections that the driver holds at once. Default 16384; above 0.
    pub connections_max: u32,
    /// Payload bytes that may wait in one connection for nd_driver_pop_event. Default 4 MiB.
    pub inbound_bytes_max: u32,
    /// Bytes that one connection may queue for sending, as they are on the wire. Default 4 MiB; at
    /// least max_message_size + 14. A message is taken when it would fit as it is; what compression
    /// or an extension makes of it counts once it is made, so the queue may be longer by what they
    /// add to one message.
    pub outbound_bytes_max: u32,
    /// Streams of clients without a connection that may be open at once. Further ones wait at the
    /// operating system until the oldest is done, or has had a second. Default 1024; above 0.
    pub pending_handshakes_max: u32,
    /// Bytes of the largest HTTP head. Default 8192; 256 to 65536.
    pub head_size_max: u32,
    /// Milliseconds that a handshake may take from the first moment on. Default 5000; above 0.
    pub handshake_timeout_ms: i32,
    /// Milliseconds of silence after which an undecided WebSocket client counts as plain.
    /// Default 300; at least 0.
    pub plain_grace_ms: i32,
    /// Bytes of the largest plain WebSocket message, in and out; those in pieces are not bounded.
    /// Default 1 MiB; above 0.
    pub websocket_message_size_max: u32,
    /// Milliseconds that the WebSocket closing handshake may take. Default 3000; above 0.
    pub close_timeout_ms: i32,
    /// Plain WebSocket: milliseconds between two pings, which measure the round trip. Default
    /// 10000; 0 is never. (The UTP dialect pings after heartbeat_timeout_ms of silence, as Unity
    /// does.)
    pub ping_interval_ms: i32,
    /// Plain WebSocket: milliseconds to wait for anything after a ping before the connection
    /// counts as lost. Default 20000; 0 is for ever.
    pub pong_timeout_ms: i32,
    /// Plain WebSocket: 1 compresses messages where the peer can (permessage-deflate, RFC 7692).
    /// Default 0. ND_TEXT_EXTENSIONS of a connection says what was agreed on.
    pub deflate: i32,
    /// How hard to compress: 1 (fast) to 9 (small). Default 6.
    pub deflate_level: u32,
    /// Binary logarithm of the window that this side compresses with, at most: 9 to 15. Default
    /// 15. The peer may ask for less.
    pub deflate_window_bits: u32,
    /// The same of the peer: 9 to 15. Default 15. A client that did not offer
    /// client_max_window_bits cannot be told and is read with 15.
    pub deflate_peer_window_bits: u32,
    /// Who forgets what it knows of earlier messages: 1 this side, 2 the peer, 3 (default) both,
    /// 0 nobody. A context that is kept makes small messages shorter and costs memory for as long
    /// as the connection lives: 288 KiB to compress with a window of 15 bits (204 with 12, 190
    /// with 9), 47 KiB to decompress.
    pub deflate_no_context_takeover: u32,
    /// Bytes of the shortest message that is compressed. Default 256.
    pub deflate_minimum_length: u32,
    /// WebSocket: ND_SUB_PROTOCOL_LENIENT (default) or ND_SUB_PROTOCOL_STRICT: a client that offers
    /// sub-protocols and is answered without one of them does not connect.
    pub sub_protocol_rule: u32,
    /// Plain WebSocket: payload bytes of a frame that is sent; longer messages are cut into
    /// several frames (RFC 6455 section 5.4). Default 0: never. Otherwise at least 125.
    pub fragment_size: u32,
    /// Plain WebSocket: milliseconds in which nothing at all arrives, pongs included, after which
    /// the connection counts as lost. Default 0: never. Whoever sets it without pings (or above
    /// what they bring) loses peers that have nothing to say.
    pub silence_timeout_ms: i32,
    /// WebSocket: 1 bears with programs that are put to sleep, as a browser does with the tabs in
    /// its background while it still answers pings for them. Before a connection ends because of
    /// silence (silence_timeout_ms; disconnect_timeout_ms in the UTP dialect) it is pinged, and
    /// pongs count as life. Default 0. Connections over UDP are not concerned.
    pub tolerate_throttled: i32,
    /// WebSocket and TCP clients: milliseconds from one attempt to reach an address of a host to
    /// the next, while earlier ones go on; four at most at once, and the first that connects wins
    /// (RFC 8305). Default 250; at least 0.
    pub connect_race_delay_ms: i32,
    /// Fragmentation stages: bytes of the longest message. Default 4096; 1 to 24115775. Like the
    /// next three, for stages that bring no number of their own (nd_pipeline_stage).
    pub fragmentation_payload_capacity: u32,
    /// ReliableSequenced stages: packets that may be under way without an acknowledgement, rounded
    /// up to a multiple of 8; both sides need the same. Default 32; 1 to 2040.
    pub reliable_window_size: u32,
    /// ReliableSequenced stages: the fewest milliseconds until a packet is sent again. Default 64;
    /// above 0.
    pub reliable_minimum_resend_time_ms: i32,
    /// ReliableSequenced stages: the most milliseconds until a packet is sent again; more on a
    /// path that a `session` knows to be longer than that. Default 200; above the fewest.
    pub reliable_maximum_resend_time_ms: i32,
    /// Connections over datagrams (UDP) whose client was not heard since its request, which may
    /// come from a forged address. Further clients have to prove theirs with a cookie, which those
    /// of netdriver do by themselves, or to wait. Default 1024; above 0.
    pub unvalidated_connections_max: u32,
    /// From so many of them on a client is asked for a cookie first; one that knows none is let in
    /// when it asks again. Default 256; 0: always.
    pub cookie_threshold: u32,
    /// Milliseconds of silence after which such a connection ends, and is never seen if it was not
    /// accepted yet. Default 5000; 0: as any other connection.
    pub unvalidated_timeout_ms: i32,
    /// Connections over datagrams that one address may have; a network of 64 bits counts as one
    /// address in IPv6, and addresses of this machine do not count. Default 1024; 0: no limit.
    pub connections_per_address_max: u32,
    /// Connection requests over datagrams that such an address may make in a second; further ones
    /// are dropped. Default 2000; 0: no limit; at most 65534.
    pub requests_per_address_max: u32,
    /// Who gets the accept payload over datagrams. 0 (default): clients that have brought a cookie,
    /// as those of netdriver do when they are asked, or as long a connect payload; others connect
    /// without it, two to four seconds later. 1, as Unity Transport and in ND_PRESET_UNITY: all at
    /// once, so that who forges addresses can have long answers sent to others.
    pub accept_payload_before_validation: i32,
    /// UTP dialect: milliseconds between two probes that measure the round trip, in place of
    /// heartbeats where one is due. Default 500; 0 is never. Peers older than Unity Transport 2.5
    /// answer none.
    pub round_trip_interval_ms: i32,
    /// WebSocket and TCP: messages that one connection may queue, whatever their length; then
    /// ND_ERROR_NETWORK_SEND_QUEUE_FULL, and a Writable event when half of them have left. Default
    /// 0: no such limit, only outbound_bytes_max. Since 0.3.
    pub websocket_send_queue_capacity: u32,
    /// Over datagrams (UDP, IPC): 1 speaks more than Unity Transport with peers that are netdriver,
    /// too. Messages share datagrams, losses are found and repaired sooner, bulk data leaves room
    /// for real time, and a peer that moves must prove its new address. Other peers do not notice:
    /// they drop the message that asks. 0 never asks and never answers. Default 1.
    pub session: i32,
    /// With such peers: what protection against loss may cost, in percent of the reliable messages
    /// that it protects. Without loss none is sent. Default 66; 0 (none at all) to 100.
    pub session_repair_percent: u32,
    /// 1: a thread of the library receives, sends, answers pings and keeps timers between updates,
    /// so that peers do not feel the frame rate, or a frame that takes seconds. Events still appear
    /// only with nd_driver_update. Calls wait for the thread's turns, which are short; what custom
    /// interfaces and stages of the program do may run on it. 0 (default): nothing happens between
    /// calls. Since 0.4.
    pub background_pump: i32,
    /// Threads of the driver for its jobs (nd_driver_schedule_update and others), which start with
    /// the first one. Whoever waits for a job helps. Default 1; 0 (jobs run inside nd_job_complete)
    /// to 64. Since 0.4.
    pub job_workers: u32,
    /// UTP dialect: a path that takes smaller packets than max_message_size, as
    /// perform_path_mtu_discovery or losses between peers that are netdriver have shown, is asked
    /// for larger ones each time so many milliseconds have passed. Default 600000; 0 is never.
    /// Since 0.4.
    pub path_mtu_raise_interval_ms: i32,
}

/// Limits of one connection, or of all on one interface. Fill it with nd_connection_limits_init. A
/// field that is 0 says nothing: what is wider holds, the interface's limit for a connection, that
/// of nd_settings for an interface. Since 0.3.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_connection_limits {
    /// Size of this struct in bytes; nd_connection_limits_init sets it.
    pub struct_size: u32,
    /// As nd_settings.receive_queue_capacity.
    pub receive_queue_capacity: u32,
    /// As nd_settings.inbound_bytes_max.
    pub inbound_bytes_max: u32,
    /// As nd_settings.outbound_bytes_max.
    pub outbound_bytes_max: u32,
    /// As nd_settings.websocket_message_size_max.
    pub websocket_message_size_max: u32,
    /// As nd_settings.websocket_send_queue_capacity; UINT32_MAX is no such limit.
    pub websocket_send_queue_capacity: u32,
}

/// An interface: a way packets travel. Fill it with nd_interface_settings_init.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_interface_settings {
    /// Size of this struct in bytes; nd_interface_settings_init sets it.
    pub struct_size: u32,
    /// ND_INTERFACE_….
    pub kind: u32,
    /// WebSocket listeners: ND_DIALECT_…. Default ND_DIALECT_AUTO.
    pub dialect: u32,
    /// 0.
    pub reserved: u32,
    /// WebSocket: the path that listeners serve and that nd_driver_connect asks for; a request
    /// for another path is answered with 404. NULL (default): listeners of the UTP dialect serve
    /// "/", others every path.
    pub path: *const c_char,
    /// WebSocket, Auto: clients of this path speak UTP. NULL: no such rule.
    pub utp_path: *const c_char,
    /// WebSocket, Auto: clients of this path speak plain. NULL: no such rule.
    pub plain_path: *const c_char,
    /// WebSocket: sub-protocols that the server speaks, comma-separated, best first. The first
    /// that a client offers too is agreed on. NULL: none. After these, a listener knows
    /// netdriver.utp (Auto, UTP) and netdriver.raw (Auto, plain), which choose the dialect.
    pub sub_protocols: *const c_char,
    /// WebSocket listeners: 1 lets each upgrade request wait for nd_driver_pop_request. Default 0:
    /// all that are in order are accepted. Since 0.2.
    pub accept_requests: u32,
    /// Milliseconds that such a request waits; then it is answered with 503. Default 5000; above 0.
    pub request_timeout_ms: u32,
    /// WebSocket listeners: the pages that may connect, comma-separated, each `scheme://host` or
    /// `scheme://host:port` (no path), or `null`; others get 403. A request without an Origin is no
    /// browser's and passes. NULL (default): any page; "": none.
    pub allowed_origins: *const c_char,
    /// WebSocket listeners: header fields of every answer, one `Name: value` line each. NULL: none.
    pub response_headers: *const c_char,
    /// WebSocket and TCP listeners: proxies whose word counts, comma-separated, each an address or
    /// a block (`10.0.0.0/8`, `::1`). Behind them a connection's remote address is the client's
    /// own, as `Forwarded` (RFC 7239) or `X-Forwarded-For` tell it, read from the right up to the
    /// first address that is no trusted proxy (over TCP: as proxy_protocol tells it). Name only
    /// proxies that write one of the two themselves. NULL (default): none, and the headers mean
    /// nothing.
    pub trusted_proxies: *const c_char,
    /// WebSocket and TCP listeners: 1 wants a PROXY header (version 1 or 2) of a trusted proxy in
    /// front of each stream; streams of others are closed at once. Default 0.
    pub proxy_protocol: u32,
    /// 0.
    pub reserved_2: u32,
    /// Limits of its connections; copied. NULL (default): those of nd_settings. Since 0.3.
    pub limits: *const nd_connection_limits,
}

/// What nd_driver_connect_url asks for beyond the URL. Fill it with nd_connect_options_init.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_connect_options {
    /// Size of this struct in bytes; nd_connect_options_init sets it.
    pub struct_size: u32,
    /// ND_DIALECT_PLAIN (default) or ND_DIALECT_UTP.
    pub dialect: u32,
    /// Sub-protocols to offer, comma-separated, best first. NULL: none.
    pub sub_protocols: *const c_char,
    /// Further request headers, one `Name: value` line each. NULL: none.
    pub headers: *const c_char,
    /// UTP dialect: bytes for the server with the connection request. NULL: none.
    pub payload: *const u8,
    /// Length of `payload` in bytes.
    pub payload_length: u32,
    /// 0.
    pub reserved: u32,
    /// wss:// only: how to speak TLS; copied. NULL: as nd_driver_set_tls_client said, else what
    /// nd_tls_client_init gives.
    pub tls: *const nd_tls_client,
    /// Milliseconds that all of it may take, from the look-up of the name to the Connect event;
    /// then a Disconnect event with ND_DISCONNECT_MAX_CONNECTION_ATTEMPTS follows. Each attempt to
    /// reach an address has handshake_timeout_ms besides. Default 0: no such limit; at least 0.
    pub connect_deadline_ms: i32,
    /// How many HTTP redirects to follow (301, 302, 303, 307, 308), never from wss:// to ws://. To
    /// another host go neither user and password, nor the headers Authorization and Cookie, nor
    /// server_name and identity of `tls`.
    /// ND_TEXT_URL says where it ended. Default 0: a redirect is ND_DISCONNECT_HANDSHAKE_REJECTED.
    pub redirects_max: u32,
    /// 1: without a `proxy`, go through the one that the environment names: http_proxy for ws://,
    /// https_proxy for wss://, else all_proxy, and no_proxy for the exceptions; each also in
    /// capitals. Default 0.
    pub proxy_from_environment: u32,
    /// 0.
    pub reserved_2: u32,
    /// The proxy to go through: `http://user:password@host:port` (CONNECT, RFC 9110), the same with
    /// `https://` (TLS to the proxy), `socks5://user:password@host:port` (RFC 1928) or
    /// `socks4a://user@host:port`, which look the server's name up, or `socks4://user@host:port`,
    /// for which it is looked up here. User and password may be left away, and are
    /// percent-encoded. NULL: none.
    pub proxy: *const c_char,
    /// Servers that are reached without the proxy, comma-separated: `*`, `example.com` (with all
    /// below it), `10.1.2.3`, `10.0.0.0/8`, each perhaps with `:port`. NULL: none, or those of the
    /// environment if that names the proxy.
    pub no_proxy: *const c_char,
    /// Limits of this connection; copied. NULL (default): the interface's. Since 0.3.
    pub limits: *const nd_connection_limits,
    /// `https://` proxies: how to speak TLS to the proxy; copied. NULL (default): what
    /// nd_tls_client_init gives. Since 0.3.
    pub proxy_tls: *const nd_tls_client,
    /// 0 (default): user and password of the URL and of an HTTP proxy go out as Basic (RFC 7617),
    /// and when a 401 or 407 asks for it as Digest (RFC 7616, MD5 or SHA-256). 1: the password
    /// never leaves; nothing is said before it is asked, and only Digest answers. Since 0.3.
    pub digest_only: u32,
    /// 0.
    pub reserved_3: u32,
}

/// A certificate and its key, as PEM texts.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_tls_identity {
    /// The chain: the own certificate first, then those of its issuers.
    pub certificate: *const u8,
    /// The private key (PKCS #8, PKCS #1 or SEC 1, not encrypted).
    pub key: *const u8,
    /// Length of `certificate` in bytes; at most 1 MiB.
    pub certificate_length: u32,
    /// Length of `key` in bytes; at most 1 MiB.
    pub key_length: u32,
    /// Servers: the answer of the issuer's OCSP service (RFC 6960) in DER, which clients get along
    /// with the certificate (OCSP stapling). The library does not fetch it, and does not look at
    /// it: set it anew with nd_driver_set_tls_server before it gets old. NULL: none. Since 0.3.
    pub ocsp: *const u8,
    /// Length of `ocsp` in bytes; at most 1 MiB.
    pub ocsp_length: u32,
    /// 0.
    pub reserved: u32,
}

/// How a client speaks TLS. Fill it with nd_tls_client_init.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_tls_client {
    /// Size of this struct in bytes; nd_tls_client_init sets it.
    pub struct_size: u32,
    /// 1 (default): trust the certificates that the system trusts. On Android they are not
    /// available in this version: set it to 0 and give `ca`.
    pub use_system_roots: u32,
    /// 1: verify nothing, so that anybody on the way can read and change everything; each
    /// connection logs a warning. For tests only. Default 0.
    pub insecure: u32,
    /// The oldest version that is spoken, ND_TLS_VERSION_…. Default ND_TLS_VERSION_1_2.
    pub version_min: u32,
    /// Certificates to trust beside those of the system, as PEM. NULL: none.
    pub ca: *const u8,
    /// The certificate to show to servers that ask for one, and its key. Without one both of its
    /// pointers are NULL (default).
    pub identity: nd_tls_identity,
    /// The name to ask for and to find in the certificate, instead of the host's. NULL: the host's.
    pub server_name: *const c_char,
    /// Length of `ca` in bytes; at most 1 MiB.
    pub ca_length: u32,
    /// 0.
    pub reserved: u32,
    /// A file that gets the secrets of all sessions, one line each, in the format of SSLKEYLOGFILE,
    /// so that a program such as Wireshark can show what is sent. It is made when it is not there,
    /// and a warning is logged. For tests only. NULL (default): none. Since 0.3.
    pub key_log_file: *const c_char,
}

/// How a server speaks TLS. Fill it with nd_tls_server_init.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_tls_server {
    /// Size of this struct in bytes; nd_tls_server_init sets it.
    pub struct_size: u32,
    /// How many certificates there are at `identities`; 1 to 64.
    pub identity_count: u32,
    /// What is asked of clients: ND_TLS_CLIENT_CERTIFICATES_…. Default …_NONE.
    pub client_certificates: u32,
    /// The oldest version that is spoken, ND_TLS_VERSION_…. Default ND_TLS_VERSION_1_2.
    pub version_min: u32,
    /// The server's certificates. A client gets the first one that is for the name it asks for; the
    /// first of all when it asks for none, or for one that none has.
    pub identities: *const nd_tls_identity,
    /// Who issues the clients' certificates, as PEM. NULL: none.
    pub client_ca: *const u8,
    /// The name that a client's certificate must be for. NULL: any.
    pub client_name: *const c_char,
    /// Length of `client_ca` in bytes; at most 1 MiB.
    pub client_ca_length: u32,
    /// 0.
    pub reserved: u32,
    /// As nd_tls_client.key_log_file. Since 0.3.
    pub key_log_file: *const c_char,
}
