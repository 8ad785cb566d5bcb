//! The values that a program sees: connections, states, events, counters.
//!
//! Numbers are Unity Transport's where it has one. Nothing here acts.

use std::fmt;

use bytes::Bytes;

use crate::proto::endpoint::NetworkEndpoint;
use crate::settings::{Dialect, InterfaceKind};

/// Versions wrap here: the high byte is left to collections of drivers.
pub(super) const VERSION_MAX: u32 = 0x00FF_FFFF;

/// A connection: a value, never a pointer. A stale one is an error, never another connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Connection(u64);

impl Connection {
    /// No connection.
    pub const NONE: Self = Self(0);

    /// `tag` is the version, with the driver's number in the high byte.
    pub(crate) const fn new(index: u32, tag: u32) -> Self {
        Self((tag as u64) << 32 | index as u64)
    }

    /// From the number of the C ABI.
    #[must_use]
    pub const fn from_u64(value: u64) -> Self {
        Self(value)
    }

    /// The number of the C ABI: driver << 56 | version << 32 | index, 0 for none.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// The slot.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.0 as u32
    }

    /// How often the slot was given out; never 0 for a real connection.
    #[must_use]
    pub const fn version(self) -> u32 {
        self.tag() & VERSION_MAX
    }

    /// The number of its driver in a [`MultiNetworkDriver`](crate::MultiNetworkDriver); 0 when it
    /// is in none.
    #[must_use]
    pub const fn driver(self) -> u8 {
        (self.0 >> 56) as u8
    }

    /// Version and driver.
    pub(crate) const fn tag(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection[id{},v{}]", self.index(), self.version())?;
        if self.driver() == 0 { Ok(()) } else { write!(f, "@{}", self.driver()) }
    }
}

/// The state of a connection (Unity Transport's numbers).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum ConnectionState {
    /// Closed, closing, or not a connection.
    Disconnected = 0,
    /// Closed by the program; what was under way still arrives, and then a Disconnect event. Only
    /// with `local_close_events`.
    Disconnecting = 1,
    /// Waiting for the peer.
    Connecting = 2,
    /// Established.
    Connected = 3,
}

/// What happened (Unity Transport's numbers; ours from 64).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum EventKind {
    /// A message arrived.
    Data = 1,
    /// A connection that this side started is established.
    Connect = 2,
    /// The connection ended.
    Disconnect = 3,
    /// The peer of a plain WebSocket wants to close; the Disconnect event follows.
    CloseRequest = 64,
    /// After a full send queue there is room again.
    Writable = 65,
    /// A piece of a message arrived.
    Fragment = 66,
    /// A WebSocket's pong arrived.
    Pong = 67,
}

/// Why a connection ended (Unity Transport's numbers; ours from 64).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum DisconnectReason {
    /// Local close (with `local_close_events`); also what events of other kinds carry.
    Default = 0,
    /// Nothing arrived for too long.
    Timeout = 1,
    /// The server did not answer within all attempts.
    MaxConnectionAttempts = 2,
    /// The peer closed the connection.
    ClosedByRemote = 3,
    /// TLS failed: a certificate that is not trusted, no version in common, a broken record.
    AuthenticationFailure = 6,
    /// The peer broke the protocol, or a stream under the UTP dialect ended.
    ProtocolError = 7,
    /// The host name has no address.
    HostNotFound = 9,
    /// Plain dialect: the stream ended without a Close frame.
    ConnectionLost = 64,
    /// Nobody listens at that address.
    ConnectionRefused = 65,
    /// The server refused the WebSocket handshake.
    HandshakeRejected = 66,
    /// Plain dialect: a message was longer than its receiver takes (code 1009).
    MessageTooBig = 67,
    /// The proxy opened no way to the server, or was not to be reached.
    ProxyFailed = 68,
}

/// Text or binary. In the order of the flags of a send, which cost nothing to read so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageKind {
    /// What the connection's write mode says; binary at first.
    WriteMode = 0,
    /// UTF-8 text; only the plain dialect has it.
    Text = 1,
    /// Bytes.
    Binary = 2,
}

/// Something that happened to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// To which.
    pub connection: Connection,
    /// What.
    pub kind: EventKind,
    /// Data: the message. Fragment: the piece. Connect: the accept payload. Disconnect: the close
    /// reason, or what went wrong, as text. Pong: what the ping carried.
    pub data: Bytes,
    /// Data: the payload is text, valid UTF-8. Fragment: the message is; the piece may be cut
    /// inside of a character.
    pub text: bool,
    /// Data and Fragment: the message begins here.
    pub first: bool,
    /// Data and Fragment: the message ends here.
    pub last: bool,
    /// Disconnect: the peer said goodbye properly.
    pub clean: bool,
    /// Disconnect: why.
    pub reason: DisconnectReason,
    /// Disconnect of a WebSocket: the close code; 1005 none given, 1006 the stream just ended;
    /// 0 where there are no close codes.
    pub close_code: u16,
    /// Data: the pipeline; 0 is none. Writable: the pipeline whose window was full; 0: the send
    /// queue was.
    pub pipeline: u8,
}

impl Event {
    /// An event without data.
    pub(crate) const fn new(connection: Connection, kind: EventKind) -> Self {
        Self {
            connection,
            kind,
            data: Bytes::new(),
            text: false,
            first: false,
            last: false,
            clean: false,
            reason: DisconnectReason::Default,
            close_code: 0,
            pipeline: 0,
        }
    }

    /// Shows it with data that lies where `data` says.
    #[inline]
    pub(super) const fn view<'a>(&self, data: &'a [u8]) -> EventView<'a> {
        EventView {
            connection: self.connection,
            kind: self.kind,
            data,
            text: self.text,
            first: self.first,
            last: self.last,
            clean: self.clean,
            reason: self.reason,
            close_code: self.close_code,
            pipeline: self.pipeline,
        }
    }
}

/// An [`Event`] whose data stays in the driver until the first update after the pop.
#[derive(Clone, Copy, Debug)]
pub struct EventView<'a> {
    /// As in [`Event`].
    pub connection: Connection,
    /// As in [`Event`].
    pub kind: EventKind,
    /// As in [`Event`].
    pub data: &'a [u8],
    /// As in [`Event`].
    pub text: bool,
    /// As in [`Event`].
    pub first: bool,
    /// As in [`Event`].
    pub last: bool,
    /// As in [`Event`].
    pub clean: bool,
    /// As in [`Event`].
    pub reason: DisconnectReason,
    /// As in [`Event`].
    pub close_code: u16,
    /// As in [`Event`].
    pub pipeline: u8,
}

/// Names a message that is being written in place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SendHandle(u64);

/// Tells handles of concurrent sends from others.
const CONCURRENT: u64 = 1 << 63;

impl SendHandle {
    /// Generations of sends that one user of the driver has begun stay below: a power of two.
    pub(super) const GENERATIONS: u32 = 1 << 31;
    /// Generations of concurrent sends stay below.
    pub(super) const LANE_GENERATIONS: u32 = 1 << 23;

    /// Of no message.
    pub(super) const NONE: Self = Self(0);

    pub(crate) const fn new(index: u32, generation: u32) -> Self {
        Self((generation as u64) << 32 | index as u64)
    }

    /// A concurrent one: bits 1 | generation (23) | slot (8) | connection's index (32).
    pub(super) const fn in_lane(index: u32, slot: u8, generation: u32) -> Self {
        Self(CONCURRENT | (generation as u64) << 40 | (slot as u64) << 32 | index as u64)
    }

    /// The lane of a concurrent one, and its slot there.
    #[inline]
    pub(super) const fn lane(self) -> Option<(u32, u8)> {
        if self.0 & CONCURRENT == 0 {
            return None;
        }
        Some((self.0 as u32, (self.0 >> 32) as u8))
    }

    /// From the number of the C ABI.
    #[must_use]
    pub const fn from_u64(value: u64) -> Self {
        Self(value)
    }

    /// The number of the C ABI.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as u32 as usize
    }
}

/// Counters of one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages received.
    pub messages_in: u64,
    /// Messages sent.
    pub messages_out: u64,
    /// Payload bytes received.
    pub bytes_in: u64,
    /// Payload bytes sent.
    pub bytes_out: u64,
    /// Datagrams dropped at the inbound limit.
    pub dropped_in: u64,
    /// Sends refused at the outbound limit.
    pub refused_out: u64,
}

impl Traffic {
    /// A message was sent.
    #[inline]
    pub(crate) const fn count_sent(&mut self, size: usize) {
        self.messages_out += 1;
        self.bytes_out += size as u64;
    }
}

/// What is known of a connection.
#[derive(Clone, Debug)]
pub struct ConnectionInfo {
    /// Its state.
    pub state: ConnectionState,
    /// Number of its interface.
    pub interface: u32,
    /// Kind of its interface.
    pub interface_kind: InterfaceKind,
    /// What it speaks.
    pub dialect: Dialect,
    /// Microseconds of the last measured round trip; 0 when none was measured.
    pub round_trip_us: u32,
    /// Microseconds of the smoothed round trip; this and the next are 0 when none was measured.
    pub round_trip_smoothed_us: u32,
    /// Microseconds by which round trips deviate from it, smoothed: the jitter.
    pub round_trip_jitter_us: u32,
    /// Microseconds of the shortest round trip.
    pub round_trip_least_us: u32,
    /// Microseconds of the longest round trip.
    pub round_trip_most_us: u32,
    /// How many were measured.
    pub round_trip_count: u32,
    /// Bytes of the largest packet that the path is known to take; 0 for a plain WebSocket.
    pub path_mtu: u16,
    /// The peer's address is as good as proven: it has spoken, or brought a cookie, or there is a
    /// stream to it.
    pub validated: bool,
    /// Do messages go through a session with a netdriver peer?
    pub session: bool,
    /// Packets of the session that get lost, in 1/1000.
    pub loss_permille: u32,
    /// Milliseconds since the last message arrived; `None` when none did.
    pub last_message_age_ms: Option<u32>,
    /// The peer's address, behind trusted proxies too.
    pub remote: NetworkEndpoint,
    /// The address of the socket's other end: of the proxy that the peer is behind, else as
    /// `remote`.
    pub peer: NetworkEndpoint,
    /// The address of this side.
    pub local: NetworkEndpoint,
    /// Messages received.
    pub messages_in: u64,
    /// Messages sent.
    pub messages_out: u64,
    /// Payload bytes received.
    pub bytes_in: u64,
    /// Payload bytes sent.
    pub bytes_out: u64,
    /// Datagrams dropped at the inbound limit.
    pub dropped_in: u64,
    /// Sends refused at the outbound limit.
    pub refused_out: u64,
    /// Payload bytes that wait for a pop.
    pub inbound_bytes: u32,
    /// Bytes that wait to be sent.
    pub outbound_bytes: u32,
}

/// Counters of a driver since it was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Connections now, in any state but Disconnected.
    pub connections: u32,
    /// Streams of clients without a connection now: in their handshake, or on their way out.
    pub handshakes_pending: u32,
    /// Closed connections whose goodbye is not over.
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
    /// Packets that could not be parsed, dropped.
    pub malformed_in: u64,
    /// Packets of unknown connections, dropped.
    pub unknown_token_in: u64,
    /// Packets of Unity Transport 1.x, dropped.
    pub old_protocol_in: u64,
    /// Datagrams dropped at a connection's inbound limit.
    pub dropped_in: u64,
    /// Sends refused at a connection's outbound limit.
    pub refused_out: u64,
    /// Streams closed because the peer broke the WebSocket protocol.
    pub protocol_errors: u64,
    /// Handshakes that failed: the sum of those below.
    pub handshakes_failed: u64,
    /// Ordinary HTTP requests answered with a document.
    pub documents_served: u64,
    /// Connections refused at `connections_max`.
    pub connections_refused: u64,
    /// Handshakes that failed because the request head was larger than `head_size_max` or had too
    /// many headers; answered with 431.
    pub handshakes_too_large: u64,
    /// Handshakes that failed because the request broke a rule (answered with 400, 405, 426 or
    /// 505), or what followed the 101 did.
    pub handshakes_malformed: u64,
    /// Requests for a path where nothing is served; answered with 404.
    pub handshakes_not_found: u64,
    /// Handshakes that were not over within `handshake_timeout_ms`.
    pub handshakes_timed_out: u64,
    /// Handshakes whose client left.
    pub handshakes_abandoned: u64,
    /// Handshakes that were ended to make room for newcomers at `pending_handshakes_max`.
    pub handshakes_displaced: u64,
    /// Requests answered with 503, because too many bytes of documents were under way.
    pub handshakes_overloaded: u64,
    /// Connections that ended because nothing came from the peer in time: no packet, no pong.
    pub connections_timed_out: u64,
    /// Connections over streams that ended without a Close frame, or a Disconnect packet over TCP.
    pub connections_lost: u64,
    /// Streams closed with 1009: the peer announced or sent more than a message may have. Part
    /// of `protocol_errors`, as the next.
    pub messages_too_big: u64,
    /// Streams closed with 1007: text that is no UTF-8, compressed data that is none.
    pub payloads_invalid: u64,
    /// Handshakes that TLS ended: certificates that this side or the client did not take, nothing
    /// in common, no TLS at all.
    pub tls_failures: u64,
    /// Upgrade requests refused by the origin or by the program, and streams that should have
    /// come from a trusted proxy and did not.
    pub handshakes_refused: u64,
    /// Upgrade requests that the program did not answer in time; answered with 503.
    pub handshakes_unanswered: u64,
    /// Connections over datagrams now whose client was not heard since its request.
    pub connections_unvalidated: u32,
    /// Such connections that ended after `unvalidated_timeout_ms`.
    pub connections_unheard: u64,
    /// Requests turned away at `unvalidated_connections_max`.
    pub requests_unvalidated: u64,
    /// Requests dropped because their address has `connections_per_address_max` connections.
    pub requests_over_address: u64,
    /// Requests dropped because their address made more than `requests_per_address_max` in a
    /// second.
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
