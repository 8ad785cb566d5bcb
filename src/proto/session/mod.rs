//! What two netdriver peers speak beyond Unity Transport: a session.
//!
//! Packets of frames with packet numbers, in the manner of QUIC (RFC 9000, RFC 9002): several
//! messages to a datagram, acknowledgements in ranges, losses found by later packets, repairs that
//! come before them, congestion control, pacing, priorities. The rules are in `docs/PROTOCOL.md`.
//!
//! [`hello`] finds out whether the peer speaks it. [`Session`] is the machine of one connection; it
//! sees no address and no clock. [`path`] decides when a peer that moved is believed. The machine
//! must not know what a message means, and must not send what the program did not.

pub mod congestion;
pub mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
pub mod hello;
mod machine;
mod narrow;
mod pacer;
pub mod packet;
pub mod path;
mod receive_channel;
mod received;
mod recovery;
mod repair;
mod rtt;
mod send_channel;
#[cfg(test)]
mod tests;

pub use machine::Session;

use super::time::{MICROS_PER_MS, Micros};

/// Bytes that a message of a reliable channel costs of the window besides its own, so that empty
/// ones are bounded, too.
pub const MESSAGE_COST: u64 = 32;
/// Bytes of reliable messages, with their cost, that a receiver lets come by default.
pub const WINDOW_DEFAULT: u32 = 2 << 20;
/// Bytes of reliable messages, with their cost, that wait or are under way by default, in each
/// channel: a full one must not keep another from sending.
pub const SEND_QUEUE_BYTES_MAX_DEFAULT: u32 = 4 << 20;
/// Bytes of other messages that wait for the next flush by default.
pub const MESSAGE_QUEUE_BYTES_MAX_DEFAULT: u32 = 1 << 20;
/// An acknowledgement waits so long by default.
pub const ACK_DELAY_DEFAULT: Micros = 25 * MICROS_PER_MS;
/// A side that only acknowledges measures the round trip so often by default.
pub const MEASURE_INTERVAL_DEFAULT: Micros = 500 * MICROS_PER_MS;
/// Repairs cost at most so much by default, in percent of what they protect.
pub const REPAIR_PERCENT_MAX_DEFAULT: u8 = 66;
/// The smallest datagram that a session works with.
pub const DATAGRAM_SIZE_MIN: u16 = 256;

/// The reliable channel of packets that pipelines' own stages have made and that are too long for
/// a datagram by now: the pipeline's number, and what a Data packet has behind that.
pub const PACKET_CHANNEL: u8 = 0;
/// Bytes of the longest datagram and of the longest message of a reliable channel: no packet of
/// Unity Transport is longer, and what leaves in pieces was accepted as one.
pub const DATAGRAM_SIZE_LIMIT: usize = 1472;

/// What a message costs of the window.
#[must_use]
pub const fn cost(length: usize) -> u64 {
    length as u64 + MESSAGE_COST
}

/// Takes what a session delivers.
pub trait Output {
    /// A message that may come twice, late, or never.
    fn message(&mut self, pipeline: u8, data: &[u8]);
    /// The next message of a reliable channel.
    fn reliable(&mut self, channel: u8, data: &[u8]);
    /// Is there no room for another reliable message now? The session keeps it then, until
    /// [`Session::deliver_held`].
    fn is_full(&mut self) -> bool {
        false
    }
}

/// Which of the 256 channels are reliable.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ChannelSet([u64; 4]);

impl ChannelSet {
    /// Adds a channel.
    pub const fn insert(&mut self, channel: u8) {
        self.0[channel as usize / 64] |= 1 << (channel % 64);
    }

    /// Is it one of them?
    #[must_use]
    pub const fn contains(&self, channel: u8) -> bool {
        self.0[channel as usize / 64] >> (channel % 64) & 1 == 1
    }
}

/// What a session is made with.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Names the connection in every packet.
    pub token: [u8; packet::TOKEN_SIZE],
    /// Bytes of the longest datagram that leaves: what both sides take.
    pub datagram_size_max: u16,
    /// Bytes of the longest datagram that this side takes, as its Hello says.
    pub received_size_max: u16,
    /// What this side lets come on reliable channels before the program takes it.
    pub window: u32,
    /// What the peer lets come, as its Hello says.
    pub peer_window: u32,
    /// Bytes of reliable messages, with their cost, that wait or are under way in each channel.
    pub send_queue_bytes_max: u32,
    /// Bytes of other messages that wait for the next flush.
    pub message_queue_bytes_max: u32,
    /// The channels whose order and delivery the session sees to.
    pub reliable: ChannelSet,
    /// Pipelines with stages of their own that send packets again: it must be noticed when one of
    /// those is too long for the path.
    pub resent: ChannelSet,
    /// The peer takes messages of reliable channels in pieces.
    pub peer_takes_pieces: bool,
    /// What repairs may cost, in percent of what they protect; 0 is none.
    pub repair_percent_max: u8,
    /// How long an acknowledgement may wait.
    pub ack_delay: Micros,
    /// The session fails when nothing that must arrive was acknowledged for so long; 0 is never.
    pub give_up: Micros,
    /// The round trip, if the handshake has measured it.
    pub round_trip: Option<Micros>,
    /// A side that has nothing to send but acknowledgements measures the round trip so often; 0 is
    /// never.
    pub measure_interval: Micros,
}

impl Config {
    /// The defaults, for a connection.
    #[must_use]
    pub fn new(token: [u8; packet::TOKEN_SIZE]) -> Self {
        Self {
            token,
            datagram_size_max: 1400,
            received_size_max: 1400,
            window: WINDOW_DEFAULT,
            peer_window: WINDOW_DEFAULT,
            send_queue_bytes_max: SEND_QUEUE_BYTES_MAX_DEFAULT,
            message_queue_bytes_max: MESSAGE_QUEUE_BYTES_MAX_DEFAULT,
            reliable: ChannelSet::default(),
            resent: ChannelSet::default(),
            peer_takes_pieces: true,
            repair_percent_max: REPAIR_PERCENT_MAX_DEFAULT,
            ack_delay: ACK_DELAY_DEFAULT,
            give_up: 30_000 * MICROS_PER_MS,
            round_trip: None,
            measure_interval: MEASURE_INTERVAL_DEFAULT,
        }
    }
}

/// Why a message was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// It does not fit into a datagram.
    TooLong,
    /// Too much waits already.
    QueueFull,
}

/// Why a session ended by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// Nothing that had to arrive was acknowledged for [`Config::give_up`].
    Unacknowledged,
}

/// What became of a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It was new and whole.
    New,
    /// It came before, or is too old to tell.
    Duplicate,
    /// It breaks a rule; what stood in front of the offence counts.
    Malformed,
}

/// What has happened in a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// Datagrams sent.
    pub packets_out: u64,
    /// New datagrams received.
    pub packets_in: u64,
    /// Datagrams that came again.
    pub duplicates_in: u64,
    /// Datagrams with an offence.
    pub malformed_in: u64,
    /// Sent datagrams that were taken for lost.
    pub packets_lost: u64,
    /// Those of them that turned out to have only been late.
    pub packets_late: u64,
    /// Messages that may be lost and had no company: sent as packets of Unity Transport.
    pub messages_alone_out: u64,
    /// Reliable messages sent again.
    pub messages_resent: u64,
    /// Repairs sent, and messages repeated before anybody knew that they were lost.
    pub repairs_out: u64,
    /// Bytes of those.
    pub repair_bytes_out: u64,
    /// Messages won back from repairs.
    pub messages_repaired: u64,
    /// Reliable messages that came again.
    pub messages_repeated_in: u64,
    /// Datagrams that held nothing but acknowledgements.
    pub acks_out: u64,
    /// Times that nothing was heard for a probe timeout.
    pub probes: u64,
}
