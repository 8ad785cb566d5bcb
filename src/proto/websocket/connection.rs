//! The WebSocket connection after the opening handshake: bytes and time in, events and control
//! frames out. It must not touch a socket, a clock or a random source, nor know the dialect above.

use super::deflate::Codec;
use super::extension::{Chain, Negotiated};
use super::frame::{CONTROL_PAYLOAD_MAX, Opcode, RawHeader};
use super::utf8::Utf8Tail;
use crate::proto::time::Micros;
use bytes::{Bytes, BytesMut};
use std::sync::Arc;

pub use super::frame::HEADER_SIZE_MAX;

mod liveness;
mod receive;
mod receive_pieces;
mod receive_whole;
mod send;
mod send_pieces;

pub use send_pieces::PieceError;

use send::write_frame;
pub use send::{encode_header_length, message_size_in, wire_size_max};
use send_pieces::Outgoing;

/// Which side of the connection this is: a client masks what it sends, a server does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Opened the connection.
    Client,
    /// Accepted it.
    Server,
}

/// Settings of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Longest message received, in bytes; a longer one is refused with 1009.
    pub message_size_max: u32,
    /// The longest message that is put together where it is not there as a whole; of a longer one
    /// each piece is an event, and `message_size_max` does not bound it. `u32::MAX`: all are put
    /// together.
    pub assembly_max: u32,
    /// Payload bytes of a frame that is sent; longer messages are cut into several (0 = never).
    pub fragment_size: u32,
    /// Whether text messages are taken; `false` refuses them with 1003 (the Unity dialect).
    pub text: bool,
    /// Time between two pings (0 = never); one that nothing has followed holds the next one back.
    pub ping_interval: Micros,
    /// Ping only when nothing was received for `ping_interval` (the Unity dialect); otherwise
    /// whatever arrives, so that the round trip is known of busy connections too.
    pub pings_in_silence_only: bool,
    /// The connection is lost when nothing arrives for this long after our ping (0 = never).
    pub pong_timeout: Micros,
    /// The connection is lost when nothing arrives for this long (0 = never).
    pub silence_timeout: Micros,
    /// Silence counts only after a ping had half of `silence_timeout` to be answered: a browser
    /// answers for a program that it has put to sleep.
    pub probes_silence: bool,
    /// How long the closing handshake may take (0 = for ever).
    pub close_timeout: Micros,
}

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole message.
    Message {
        /// The payload, unmasked; text was checked to be UTF-8.
        data: Bytes,
        /// Text or binary.
        text: bool,
    },
    /// A piece of a message that is longer than `assembly_max`.
    Fragment {
        /// Its bytes, unmasked; never empty unless it is the last one. Text is UTF-8 so far, and
        /// may be cut inside of a character.
        data: Bytes,
        /// Text or binary.
        text: bool,
        /// The message begins here.
        first: bool,
        /// The message ends here.
        last: bool,
    },
    /// A ping; its pong has been queued.
    Ping(Bytes),
    /// A pong, asked for or not.
    Pong(Bytes),
    /// The peer's Close frame. It is the last event.
    Close {
        /// The peer's code; `None` when it gave none (1005 in the RFC's words).
        code: Option<u16>,
        /// The peer's reason, UTF-8.
        reason: Bytes,
    },
    /// The peer broke the protocol. Our Close frame has been queued; nothing more is read.
    Failed {
        /// The close code sent.
        code: u16,
        /// Which rule was broken.
        why: &'static str,
    },
}

/// What a message we send carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 (the caller's promise).
    Text,
    /// Bytes.
    Binary,
}

impl Kind {
    const fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::Text,
            Self::Binary => Opcode::Binary,
        }
    }
}

/// How far the connection's end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseState {
    /// Not closing.
    Open,
    /// Our Close is queued or sent; the peer's has not come.
    CloseSent,
    /// The peer's Close has come; ours is queued.
    CloseReceived,
    /// Nothing more is sent or read: flush, then close the stream.
    Closed,
    /// The timer of the closing handshake or of a ping expired: the stream is to be dropped.
    TimedOut,
}

/// Longest reason in a Close frame (RFC 6455 §5.5.1): a control payload less the code.
pub const CLOSE_REASON_MAX: usize = CONTROL_PAYLOAD_MAX - 2;
/// The reserved bit that marks a compressed message (RFC 7692 section 6).
const COMPRESSED: u8 = 4;
/// Where in a frame the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Before a header.
    Header,
    /// A header was read and not judged yet.
    Judge,
    /// In the payload of a control frame, which is taken as a whole.
    Control,
    /// In the payload of a data frame, which is taken as it comes.
    Data,
}

/// No round trip was measured.
const UNMEASURED: u32 = u32::MAX;

/// What few connections hold at any time, kept out of the small struct.
#[derive(Debug, Default)]
struct Rare {
    /// Payloads of the pongs that wait to be sent, each after a byte with its length.
    pongs: Vec<u8>,
    /// Payload of the program's ping that waits to be sent.
    ping: Option<Box<[u8]>>,
    /// Payload of the ping whose round trip is measured.
    awaited: Box<[u8]>,
    /// Reason of our Close.
    reason: Box<[u8]>,
}

impl Rare {
    /// Does it hold something? An awaited payload counts while a round trip is measured.
    fn is_needed(&self, timing: bool) -> bool {
        let said = !self.pongs.is_empty() || !self.reason.is_empty();
        said || self.ping.is_some() || timing && !self.awaited.is_empty()
    }
}

/// A WebSocket connection after its opening handshake.
///
/// Bytes go in with [`handle_bytes`](Self::handle_bytes), events come out of
/// [`poll_event`](Self::poll_event), control frames out of [`poll_transmit`](Self::poll_transmit).
/// Idle, it holds no memory outside of itself.
#[derive(Debug)]
pub struct WebSocket {
    config: Arc<Config>,
    /// Received and not taken: a piece of the reader's buffer, or our own after `park`.
    input: BytesMut,
    /// The message that is coming in, unmasked, unless it came in one piece.
    assembly: Vec<u8>,
    /// The current frame; its length counts down and its key turns as payload is taken.
    header: RawHeader,
    received_at: Micros,
    ping_at: Micros,
    deadline: Micros,
    rare: Option<Box<Rare>>,
    /// Only where compression was agreed on.
    codec: Option<Box<Codec>>,
    /// Only where an extension of the program was agreed on.
    chain: Option<Box<Chain>>,
    /// [`UNMEASURED`] = none.
    round_trip: u32,
    /// Messages shorter than this leave as they are, in one frame; follows from what was agreed on
    /// and the settings.
    whole_end: usize,
    /// Bytes in front of a short payload.
    short_header_size: u8,
    /// 0 = none.
    close_code: u16,
    role: Role,
    stage: Stage,
    state: CloseState,
    /// Kind of the message that is coming in.
    message: Option<Kind>,
    /// The message that is being sent in pieces.
    outgoing: Option<Outgoing>,
    /// Where the text of that message stands.
    tail: Utf8Tail,
    /// A piece of that message was handed out.
    streaming: bool,
    failed: bool,
    close_queued: bool,
    ping_due: bool,
    /// A ping was sent and nothing has arrived since.
    awaiting: bool,
    /// `ping_at` and the awaited payload measure a round trip.
    timing: bool,
    /// The ping was written, and the caller has not taken note of it.
    ping_written: bool,
    /// `input` is our own exact memory.
    parked: bool,
}

impl WebSocket {
    /// An open connection. `now` starts the silence that leads to the first ping.
    #[must_use]
    pub fn new(role: Role, config: impl Into<Arc<Config>>, now: Micros) -> Self {
        let mut new = Self {
            config: config.into(),
            input: BytesMut::new(),
            assembly: Vec::new(),
            header: RawHeader::default(),
            received_at: now,
            ping_at: now,
            deadline: 0,
            rare: None,
            codec: None,
            chain: None,
            round_trip: UNMEASURED,
            whole_end: 0,
            short_header_size: encode_header_length(role, 0) as u8,
            close_code: 0,
            role,
            stage: Stage::Header,
            state: CloseState::Open,
            message: None,
            outgoing: None,
            tail: Utf8Tail::default(),
            streaming: false,
            failed: false,
            close_queued: false,
            ping_due: false,
            awaiting: false,
            timing: false,
            ping_written: false,
            parked: false,
        };
        new.find_whole_end();
        new
    }

    fn find_whole_end(&mut self) {
        let frame = match self.config.fragment_size as usize {
            0 => usize::MAX,
            size => size + 1,
        };
        let worth = self.codec.as_ref().and_then(|codec| codec.least_worth());
        let end = frame.min(worth.unwrap_or(usize::MAX));
        self.whole_end = if self.chain.is_some() { 0 } else { end };
    }

    /// Compression was agreed on in the opening handshake.
    pub fn set_codec(&mut self, codec: Codec) {
        self.codec = Some(Box::new(codec));
        self.find_whole_end();
    }

    /// Extensions were agreed on in the opening handshake, in this order.
    pub fn set_extensions(&mut self, agreed: Vec<Negotiated>) {
        self.chain = (!agreed.is_empty()).then(|| Box::new(Chain::new(agreed)));
        self.find_whole_end();
    }

    /// An extension could not encode a frame: [`poll_event`](Self::poll_event) has the end.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        !self.failed && self.chain.as_ref().is_some_and(|chain| chain.broken.is_some())
    }

    /// What decides how a message of this length looks on the wire, if it looks the same from
    /// other connections of a server that give the same: 0 when it is not compressed, otherwise
    /// the window bits. `None` when it depends on the connection.
    #[must_use]
    pub fn shared_form(&self, length: usize) -> Option<u8> {
        if self.chain.is_some() {
            return None;
        }
        match self.codec.as_ref().filter(|codec| codec.is_worth(length)) {
            Some(codec) => codec.shared_window(),
            None => Some(0),
        }
    }

    /// The peer takes what we send, if slowly: the timer of the closing handshake starts anew.
    pub fn handle_progress(&mut self, now: Micros) {
        self.deadline = now.saturating_add(self.config.close_timeout);
    }

    /// Would [`poll_transmit`](Self::poll_transmit) write something?
    #[must_use]
    pub fn wants_transmit(&self) -> bool {
        self.ping_due
            || self.close_queued
            || self.rare.as_ref().is_some_and(|rare| rare.ping.is_some() || !rare.pongs.is_empty())
    }

    /// Other settings from here on: the dialect is known only after the first message.
    pub fn set_config(&mut self, config: impl Into<Arc<Config>>) {
        self.config = config.into();
        self.find_whole_end();
    }

    fn queue_close(&mut self, now: Micros, code: u16, reason: &[u8]) {
        self.close_code = code;
        self.close_queued = true;
        self.deadline = now.saturating_add(self.config.close_timeout);
        self.ping_due = false;
        self.awaiting = false;
        if let Some(rare) = &mut self.rare {
            (rare.ping, rare.awaited, rare.reason) = (None, Box::default(), Box::default());
        }
        if !reason.is_empty() {
            self.rare_mut().reason = reason.into();
        }
        self.drop_rare();
    }

    /// Holds nothing for what is over.
    fn drop_rare(&mut self) {
        let timing = self.timing;
        if self.rare.as_deref().is_some_and(|rare| !rare.is_needed(timing)) {
            self.rare = None;
        }
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Appends the control frames that are due to `out`: pongs, pings, and last our Close. A pong
    /// goes out before answers to later messages only if this is called before those are written:
    /// call it after each [`Event::Ping`] or before the program is shown the messages. `mask`
    /// gives a fresh masking key per frame; only a client asks it. Returns whether anything was
    /// written.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>, mask: &mut dyn FnMut() -> [u8; 4]) -> bool {
        let before = out.len();
        if let Some(rare) = &mut self.rare
            && !rare.pongs.is_empty()
        {
            let pongs = std::mem::take(&mut rare.pongs);
            self.drop_rare();
            let mut rest = &pongs[..];
            while let Some((&size, tail)) = rest.split_first() {
                let (payload, tail) = tail.split_at(usize::from(size));
                write_frame(self.role, out, Opcode::Pong, [payload, &[]], mask);
                rest = tail;
            }
        }
        if std::mem::take(&mut self.ping_due) {
            self.ping_written = true;
            write_frame(self.role, out, Opcode::Ping, [&[], &[]], mask);
        }
        if let Some(payload) = self.rare.as_mut().and_then(|rare| rare.ping.take()) {
            self.ping_written = true;
            write_frame(self.role, out, Opcode::Ping, [&payload, &[]], mask);
            self.drop_rare();
        }
        if std::mem::take(&mut self.close_queued) {
            self.write_close(out, mask);
        }
        out.len() > before
    }

    fn write_close(&mut self, out: &mut Vec<u8>, mask: &mut dyn FnMut() -> [u8; 4]) {
        let rare = self.rare.take().unwrap_or_default();
        let mut payload = [0; CONTROL_PAYLOAD_MAX];
        let size = if self.close_code == 0 { 0 } else { 2 + rare.reason.len() };
        if size > 0 {
            payload[..2].copy_from_slice(&self.close_code.to_be_bytes());
            payload[2..size].copy_from_slice(&rare.reason);
        }
        write_frame(self.role, out, Opcode::Close, [&payload[..size], &[]], mask);
        if self.failed || self.state == CloseState::CloseReceived {
            self.state = CloseState::Closed;
        }
    }

    /// Starts the closing handshake; messages still come in until the peer's Close.
    ///
    /// # Errors
    /// A code that must not be sent (allowed: 1000-1003, 1007-1014, 3000-4999), a reason without a
    /// code, longer than 123 bytes or not UTF-8, or a connection that is not open.
    pub fn close(
        &mut self,
        now: Micros,
        code: Option<u16>,
        reason: &[u8],
    ) -> Result<(), &'static str> {
        if self.state != CloseState::Open {
            return Err("the connection is not open");
        }
        if code.is_some_and(|code| !is_close_code(code)) {
            return Err("this close code must not be sent");
        }
        if code.is_none() && !reason.is_empty() {
            return Err("a close reason needs a code");
        }
        if reason.len() > CLOSE_REASON_MAX {
            return Err("a close reason has at most 123 bytes");
        }
        if std::str::from_utf8(reason).is_err() {
            return Err("the close reason is not UTF-8");
        }
        self.queue_close(now, code.unwrap_or(0), reason);
        self.state = CloseState::CloseSent;
        Ok(())
    }

    /// Our answer to the peer's Close, not written yet, carries this instead of the peer's code.
    /// The code and the reason must be such as [`close`](Self::close) takes; others change nothing.
    pub fn answer_close(&mut self, code: u16, reason: &[u8]) {
        let answers = self.state == CloseState::CloseReceived && self.close_queued;
        let good = is_close_code(code)
            && reason.len() <= CLOSE_REASON_MAX
            && std::str::from_utf8(reason).is_ok();
        if answers && good {
            self.close_code = code;
            self.rare_mut().reason = reason.into();
        }
    }

    /// How far the connection's end has come. After [`Event::Failed`] it is `CloseSent` until our
    /// Close was written, then `Closed`.
    #[must_use]
    pub fn close_state(&self) -> CloseState {
        self.state
    }

    /// Whether messages may be sent.
    #[must_use]
    pub fn can_send(&self) -> bool {
        self.state == CloseState::Open
    }

    /// Bytes received that are in no event yet.
    #[must_use]
    pub fn buffered_input(&self) -> usize {
        let pending = self.codec.as_ref().map_or(0, |codec| codec.pending_size());
        let chain = self.chain.as_ref().map_or(0, |chain| chain.buffered());
        self.input.len() + self.assembly.len() + pending + chain
    }

    /// Bytes of memory held outside of the struct.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn memory_held(&self) -> usize {
        let chain = self.chain.as_ref().map_or(0, |chain| chain.memory_held());
        let pongs = self.rare.as_ref().map_or(0, |rare| rare.pongs.capacity());
        self.input.capacity() + self.assembly.capacity() + pongs + chain
    }
}

/// Whether a Close frame may carry this code (RFC 6455 §7.4 and the IANA registry).
#[must_use]
pub const fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
