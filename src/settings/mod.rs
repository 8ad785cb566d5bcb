//! What a driver, an interface and a connection attempt are built with, and the bounds of each
//! value.
//!
//! Names, units and defaults of the first part are Unity Transport's `NetworkConfigParameter`.
//! Nothing here acts; `validate` says in words which field is wrong.

mod connect;
mod interface;
mod limits;
mod pipelines;
mod preset;
mod simulator;
mod tls;

use crate::error::{Error, Result};
use crate::proto::websocket::HEADER_SIZE_MAX;
use crate::proto::websocket::deflate::{WINDOW_BITS_MAX, WINDOW_BITS_MIN};

pub use connect::UrlOptions;
pub use interface::{
    Dialect, DialectPolicy, InterfaceKind, InterfaceSettings, ORIGINS_MAX, PATH_SIZE_MAX,
    PROXIES_MAX, REQUEST_TIMEOUT_MS, RESPONSE_HEADERS_MAX, SUB_PROTOCOLS_MAX, SubProtocolRule,
};
pub(crate) use interface::{check_response_headers, check_sub_protocols};
pub use limits::ConnectionLimits;
pub use pipelines::{
    ApplyMode, FragmentationConfig, PipelineStage, ReliableConfig, SimulatorConfig,
};
pub use preset::Preset;
pub use simulator::NetworkSimulator;
pub use tls::{
    ClientCertificates, TLS_IDENTITIES_MAX, TLS_PEM_SIZE_MAX, TlsClient, TlsIdentity, TlsServer,
    TlsVersion,
};

/// Bytes of the largest UTP packet that any setting allows (Unity Transport's absolute maximum).
pub const MESSAGE_SIZE_MAX: i32 = 1472;
/// The smallest and the largest `head_size_max`.
pub const HEAD_SIZE_BOUNDS: (u32, u32) = (256, 65_536);
/// The largest `websocket_message_size_max`: 256 MiB.
pub const WEBSOCKET_MESSAGE_SIZE_LIMIT: u32 = 256 << 20;
/// The smallest `fragment_size` that is not 0: below it, headers would be much of what is sent.
pub const FRAGMENT_SIZE_MIN: u32 = 125;
/// The most connections that a driver can be told to hold.
pub const CONNECTIONS_LIMIT: u32 = 1 << 20;
/// The largest `requests_per_address_max`.
pub const REQUESTS_LIMIT: u32 = 65_534;

/// The default and the largest `session_repair_percent`.
pub const REPAIR_PERCENT_DEFAULT: u32 = crate::proto::session::REPAIR_PERCENT_MAX_DEFAULT as u32;
/// The largest `session_repair_percent`.
pub const REPAIR_PERCENT_MAX: u32 = 100;

/// The default of `job_workers`: who waits for a job helps, so that this makes two.
pub const JOB_WORKERS_DEFAULT: u32 = 1;
/// The largest `job_workers`.
pub const JOB_WORKERS_MAX: u32 = 64;

/// What a driver is built with. Times are in milliseconds, sizes in bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSettings {
    /// Between two connection requests; at least 0.
    pub connect_timeout_ms: i32,
    /// Connection requests before giving up; at least 0.
    pub max_connect_attempts: i32,
    /// Silence after which a UTP connection ends; 0 is never.
    pub disconnect_timeout_ms: i32,
    /// Time without sending after which a heartbeat goes out; 0 is never.
    pub heartbeat_timeout_ms: i32,
    /// Unity Transport's number for secure UDP clients; at least 0.
    pub reconnection_timeout_ms: i32,
    /// The most by which one update moves the driver's time; 0 is no bound.
    pub max_frame_time_ms: i32,
    /// When above 0, each update moves the driver's time by exactly this.
    pub fixed_frame_time_ms: i32,
    /// Messages that may wait in one connection; above 0.
    pub receive_queue_capacity: i32,
    /// Datagrams that one connection may queue between two flushes; above 0.
    pub send_queue_capacity: i32,
    /// The largest UTP packet with its headers; 1 to 1472.
    pub max_message_size: i32,
    /// Path-MTU discovery by this side. A new connection is the program's when it is over.
    pub perform_path_mtu_discovery: bool,
    /// Deliver Writable events.
    pub writable_events: bool,
    /// Plain WebSocket: hand out messages that are not whole yet in pieces, as Fragment events.
    pub fragment_events: bool,
    /// Deliver Pong events.
    pub pong_events: bool,
    /// Deliver CloseRequest events.
    pub close_request_events: bool,
    /// WebSocket: deliver a Disconnect event after a close of the program, too.
    pub local_close_events: bool,
    /// Connections that the driver holds at once; above 0.
    pub connections_max: u32,
    /// Payload bytes that may wait in one connection.
    pub inbound_bytes_max: u32,
    /// Bytes that one connection may queue for sending; at least `max_message_size` + 14.
    pub outbound_bytes_max: u32,
    /// WebSocket and TCP: messages that one connection may queue for sending; 0 is no such limit.
    pub websocket_send_queue_capacity: u32,
    /// Streams of clients without a connection that may be open at once; above 0.
    pub pending_handshakes_max: u32,
    /// The largest HTTP head; 256 to 65536.
    pub head_size_max: u32,
    /// What a handshake may take; above 0.
    pub handshake_timeout_ms: i32,
    /// Silence after which an undecided WebSocket client counts as plain.
    pub plain_grace_ms: i32,
    /// The largest plain WebSocket message.
    pub websocket_message_size_max: u32,
    /// What the WebSocket closing handshake may take; above 0.
    pub close_timeout_ms: i32,
    /// Plain WebSocket: time between two pings; 0 is never.
    pub ping_interval_ms: i32,
    /// Plain WebSocket: wait for anything after a ping; 0 is for ever.
    pub pong_timeout_ms: i32,
    /// Plain WebSocket: silence after which a connection ends; 0 is never.
    pub silence_timeout_ms: i32,
    /// WebSocket: a program that is silent while its WebSocket answers pings is not given up.
    pub tolerate_throttled: bool,
    /// Plain WebSocket: compress messages where the peer can (RFC 7692).
    pub deflate: bool,
    /// How hard to compress; 1 (fast) to 9 (small).
    pub deflate_level: u32,
    /// Binary logarithm of the window that this side compresses with, at most; 9 to 15.
    pub deflate_window_bits: u32,
    /// The same of the peer; 9 to 15. A client that cannot be told is read with 15.
    pub deflate_peer_window_bits: u32,
    /// [`DEFLATE_OWN_CONTEXT`] and [`DEFLATE_PEER_CONTEXT`]: who forgets its context after each
    /// message.
    pub deflate_no_context_takeover: u32,
    /// Shorter messages are not compressed.
    pub deflate_minimum_length: u32,
    /// What becomes of WebSocket sub-protocols on which the two sides do not agree.
    pub sub_protocol_rule: SubProtocolRule,
    /// Plain WebSocket: payload bytes of a frame that is sent; longer messages are cut into
    /// several. 0 is never, otherwise at least [`FRAGMENT_SIZE_MIN`].
    pub fragment_size: u32,
    /// WebSocket and TCP clients: between the attempts to reach a host's addresses, while earlier
    /// ones go on (RFC 8305 §5).
    pub connect_race_delay_ms: i32,
    /// Fragmentation stages of pipelines that bring no parameters of their own.
    pub fragmentation: FragmentationConfig,
    /// ReliableSequenced stages that bring none.
    pub reliable: ReliableConfig,
    /// Simulator stages that bring none.
    pub simulator_stage: SimulatorConfig,
    /// Connections over datagrams whose client was not heard since its request; above 0.
    pub unvalidated_connections_max: u32,
    /// From so many of them on a client has to prove its address with a cookie.
    pub cookie_threshold: u32,
    /// After how long without a word such a connection ends; 0 is as any other.
    pub unvalidated_timeout_ms: i32,
    /// Connections over datagrams that one address may have; 0 is no limit. In IPv6 a network of
    /// 64 bits counts as one, and addresses of this machine do not count.
    pub connections_per_address_max: u32,
    /// Connection requests over datagrams that one such address may make in a second; 0 is no
    /// limit; at most 65,534.
    pub requests_per_address_max: u32,
    /// Give the accept payload to clients whose address is not proven, too, so that the answer is
    /// longer than what was asked.
    pub accept_payload_before_validation: bool,
    /// UTP dialect: time between two measurements of the round trip; 0 is never.
    pub round_trip_interval_ms: i32,
    /// Over datagrams, speak more than Unity Transport with peers that can: messages share
    /// datagrams, losses are found sooner, bulk leaves room for real time.
    pub session: bool,
    /// Sessions: what protection against loss may cost, in percent of what it protects; 0 is no
    /// protection. Without loss there is none.
    pub session_repair_percent: u32,
    /// UTP dialect: a path that takes smaller packets than the settings allow, as it was found to,
    /// is asked for larger ones each time so much has passed; 0 is never.
    pub path_mtu_raise_interval_ms: i32,
    /// A thread of the library receives, sends, answers pings and keeps timers between updates.
    /// Only in a [`SharedDriver`](crate::SharedDriver), as every driver of C and C# is one.
    pub background_pump: bool,
    /// Threads of the driver for its jobs, which start with the first one; 0 to
    /// [`JOB_WORKERS_MAX`]. 0: who waits for a job runs it.
    pub job_workers: u32,
}

/// This side forgets its compression context after each message.
pub const DEFLATE_OWN_CONTEXT: u32 = 1;
/// The peer does.
pub const DEFLATE_PEER_CONTEXT: u32 = 2;

impl Default for NetworkSettings {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 1000,
            max_connect_attempts: 60,
            disconnect_timeout_ms: 30_000,
            heartbeat_timeout_ms: 500,
            reconnection_timeout_ms: 2000,
            max_frame_time_ms: 0,
            fixed_frame_time_ms: 0,
            receive_queue_capacity: 512,
            send_queue_capacity: 512,
            max_message_size: 1400,
            perform_path_mtu_discovery: false,
            writable_events: false,
            fragment_events: false,
            pong_events: false,
            close_request_events: false,
            local_close_events: false,
            connections_max: 16_384,
            inbound_bytes_max: 4 << 20,
            outbound_bytes_max: 4 << 20,
            websocket_send_queue_capacity: 0,
            pending_handshakes_max: 1024,
            head_size_max: 8192,
            handshake_timeout_ms: 5000,
            plain_grace_ms: 300,
            websocket_message_size_max: 1 << 20,
            close_timeout_ms: 3000,
            ping_interval_ms: 10_000,
            pong_timeout_ms: 20_000,
            silence_timeout_ms: 0,
            tolerate_throttled: false,
            deflate: false,
            deflate_level: 6,
            deflate_window_bits: 15,
            deflate_peer_window_bits: 15,
            // A context per connection and direction is more memory than all else it has.
            deflate_no_context_takeover: DEFLATE_OWN_CONTEXT | DEFLATE_PEER_CONTEXT,
            deflate_minimum_length: 256,
            sub_protocol_rule: SubProtocolRule::Lenient,
            fragment_size: 0,
            connect_race_delay_ms: 250,
            fragmentation: FragmentationConfig::default(),
            reliable: ReliableConfig::default(),
            simulator_stage: SimulatorConfig::default(),
            unvalidated_connections_max: 1024,
            cookie_threshold: 256,
            unvalidated_timeout_ms: 5000,
            connections_per_address_max: 1024,
            requests_per_address_max: 2000,
            accept_payload_before_validation: false,
            round_trip_interval_ms: 500,
            session: true,
            session_repair_percent: REPAIR_PERCENT_DEFAULT,
            path_mtu_raise_interval_ms: 600_000,
            background_pump: false,
            job_workers: JOB_WORKERS_DEFAULT,
        }
    }
}

fn bounded<T: PartialOrd + std::fmt::Display>(name: &str, value: T, min: T, max: T) -> Result<()> {
    if value >= min && value <= max {
        return Ok(());
    }
    Err(Error::argument(format!("{name} is {value}; it must be from {min} to {max}")))
}

impl NetworkSettings {
    /// Checks every bound (Unity Transport's `Validate`, and ours).
    ///
    /// # Errors
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument) names the first field that is
    /// wrong.
    pub fn validate(&self) -> Result<()> {
        let at_least_zero = [
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("max_connect_attempts", self.max_connect_attempts),
            ("disconnect_timeout_ms", self.disconnect_timeout_ms),
            ("heartbeat_timeout_ms", self.heartbeat_timeout_ms),
            ("reconnection_timeout_ms", self.reconnection_timeout_ms),
            ("max_frame_time_ms", self.max_frame_time_ms),
            ("fixed_frame_time_ms", self.fixed_frame_time_ms),
            ("plain_grace_ms", self.plain_grace_ms),
            ("ping_interval_ms", self.ping_interval_ms),
            ("pong_timeout_ms", self.pong_timeout_ms),
            ("silence_timeout_ms", self.silence_timeout_ms),
            ("connect_race_delay_ms", self.connect_race_delay_ms),
            ("unvalidated_timeout_ms", self.unvalidated_timeout_ms),
            ("round_trip_interval_ms", self.round_trip_interval_ms),
            ("path_mtu_raise_interval_ms", self.path_mtu_raise_interval_ms),
        ];
        for (name, value) in at_least_zero {
            bounded(name, value, 0, i32::MAX)?;
        }
        let above_zero = [
            ("receive_queue_capacity", self.receive_queue_capacity),
            ("send_queue_capacity", self.send_queue_capacity),
            ("handshake_timeout_ms", self.handshake_timeout_ms),
            ("close_timeout_ms", self.close_timeout_ms),
        ];
        for (name, value) in above_zero {
            bounded(name, value, 1, i32::MAX)?;
        }
        bounded("max_message_size", self.max_message_size, 1, MESSAGE_SIZE_MAX)?;
        bounded("connections_max", self.connections_max, 1, CONNECTIONS_LIMIT)?;
        bounded("inbound_bytes_max", self.inbound_bytes_max, 1, u32::MAX)?;
        // One packet must fit, or nothing could ever be sent.
        let packet = self.max_message_size as u32 + HEADER_SIZE_MAX as u32;
        bounded("outbound_bytes_max", self.outbound_bytes_max, packet, u32::MAX)?;
        bounded("pending_handshakes_max", self.pending_handshakes_max, 1, CONNECTIONS_LIMIT)?;
        bounded("head_size_max", self.head_size_max, HEAD_SIZE_BOUNDS.0, HEAD_SIZE_BOUNDS.1)?;
        let message_limit = WEBSOCKET_MESSAGE_SIZE_LIMIT;
        let message_max = self.websocket_message_size_max;
        bounded("websocket_message_size_max", message_max, 1, message_limit)?;
        bounded("deflate_level", self.deflate_level, 1, 9)?;
        let (narrow, wide) = (u32::from(WINDOW_BITS_MIN), u32::from(WINDOW_BITS_MAX));
        bounded("deflate_window_bits", self.deflate_window_bits, narrow, wide)?;
        bounded("deflate_peer_window_bits", self.deflate_peer_window_bits, narrow, wide)?;
        let both = DEFLATE_OWN_CONTEXT | DEFLATE_PEER_CONTEXT;
        bounded("deflate_no_context_takeover", self.deflate_no_context_takeover, 0, both)?;
        bounded("deflate_minimum_length", self.deflate_minimum_length, 0, message_limit)?;
        if self.fragment_size != 0 {
            bounded("fragment_size", self.fragment_size, FRAGMENT_SIZE_MIN, message_limit)?;
        }
        pipelines::check(self)?;
        let unvalidated = self.unvalidated_connections_max;
        bounded("unvalidated_connections_max", unvalidated, 1, CONNECTIONS_LIMIT)?;
        bounded("session_repair_percent", self.session_repair_percent, 0, REPAIR_PERCENT_MAX)?;
        bounded("job_workers", self.job_workers, 0, JOB_WORKERS_MAX)?;
        bounded("requests_per_address_max", self.requests_per_address_max, 0, REQUESTS_LIMIT)
    }
}
