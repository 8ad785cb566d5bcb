//! The WebSocket connection after the opening handshake: bytes and time in, events and control
//! frames out. It must not touch a socket, a clock or a random source, nor know the dialect above.

use super::frame::{CONTROL_PAYLOAD_MAX, FrameHeader, Opcode, RawHeader, apply_mask};
use crate::proto::time::Micros;
use bytes::{Buf, Bytes, BytesMut};

pub use super::frame::HEADER_SIZE_MAX;

/// Which side of the connection this is: a client masks what it sends, a server does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Opened the connection.
    Client,
    /// Accepted it.
    Server,
}

/// Settings of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Longest message received, in bytes; a longer one is refused with 1009.
    pub message_size_max: usize,
    /// Whether text messages are taken; `false` refuses them with 1003 (the Unity dialect).
    pub text: bool,
    /// Ping when nothing was received for this long (0 = never); one ping is under way at a time.
    pub ping_interval: Micros,
    /// The connection is lost when nothing arrives for this long after our ping (0 = never).
    pub pong_timeout: Micros,
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
/// How far ahead of the bytes that arrived memory is reserved for a message; a length in a header
/// alone costs its sender nothing.
const RESERVE_AHEAD_MAX: usize = 16 * 1024;
/// Memory for pongs that wait to be sent. When it is full, older pings stay unanswered, as
/// RFC 6455 §5.5.3 allows.
const PONGS_SIZE_MAX: usize = 2048;

const NORMAL: u16 = 1000;
const PROTOCOL_ERROR: u16 = 1002;
const UNSUPPORTED: u16 = 1003;
const BAD_PAYLOAD: u16 = 1007;
const TOO_BIG: u16 = 1009;

/// A broken rule: the close code and the words for it.
type Violation = (u16, &'static str);

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

/// What few connections hold at any time, kept out of the small struct.
#[derive(Debug, Default)]
struct Rare {
    /// Payload of the program's ping that waits to be sent.
    ping: Option<Box<[u8]>>,
    /// Payload of the ping whose round trip is measured.
    awaited: Box<[u8]>,
    /// Reason of our Close.
    reason: Box<[u8]>,
}

/// A WebSocket connection after its opening handshake.
///
/// Bytes go in with [`handle_bytes`](Self::handle_bytes), events come out of
/// [`poll_event`](Self::poll_event), control frames out of [`poll_transmit`](Self::poll_transmit).
/// Idle, it holds no memory outside of itself.
#[derive(Debug)]
pub struct WebSocket {
    config: Config,
    /// Received and not taken: a piece of the reader's buffer, or our own after `park`.
    input: BytesMut,
    /// The message that is coming in, unmasked, unless it came in one piece.
    assembly: Vec<u8>,
    /// Payloads of pongs to send, each after a byte with its length.
    pongs: Vec<u8>,
    /// The current frame; its length counts down and its key turns as payload is taken.
    header: RawHeader,
    received_at: Micros,
    ping_at: Micros,
    deadline: Micros,
    rare: Option<Box<Rare>>,
    round_trip: Option<u32>,
    /// 0 = none.
    close_code: u16,
    role: Role,
    stage: Stage,
    state: CloseState,
    /// Kind of the message that is coming in.
    message: Option<Kind>,
    /// How many bytes at the end of `assembly` are the start of a character.
    utf8_tail: u8,
    failed: bool,
    close_queued: bool,
    ping_due: bool,
    /// A ping was sent and nothing has arrived since.
    awaiting: bool,
    /// `ping_at` and the awaited payload measure a round trip.
    timing: bool,
    /// `input` is our own exact memory.
    parked: bool,
}

impl WebSocket {
    /// An open connection. `now` starts the silence that leads to the first ping.
    #[must_use]
    pub fn new(role: Role, config: Config, now: Micros) -> Self {
        Self {
            config,
            input: BytesMut::new(),
            assembly: Vec::new(),
            pongs: Vec::new(),
            header: RawHeader::default(),
            received_at: now,
            ping_at: 0,
            deadline: 0,
            rare: None,
            round_trip: None,
            close_code: 0,
            role,
            stage: Stage::Header,
            state: CloseState::Open,
            message: None,
            utf8_tail: 0,
            failed: false,
            close_queued: false,
            ping_due: false,
            awaiting: false,
            timing: false,
            parked: false,
        }
    }

    /// Takes bytes read from the stream: an owned piece of a shared read buffer. They are looked
    /// at by [`poll_event`](Self::poll_event).
    pub fn handle_bytes(&mut self, now: Micros, mut input: BytesMut) {
        if input.is_empty() {
            return;
        }
        self.received_at = now;
        self.awaiting = false;
        if !self.reads() {
            return;
        }
        self.parked = false;
        if self.input.is_empty() || self.complete_header(&mut input) {
            self.input = input;
        } else {
            self.input.extend_from_slice(&input);
        }
    }

    /// Reads a header of which only the start was left over, so that what follows it need not be
    /// moved behind that start.
    fn complete_header(&mut self, input: &mut BytesMut) -> bool {
        let held = self.input.len();
        if self.stage != Stage::Header || held >= HEADER_SIZE_MAX {
            return false;
        }
        let more = input.len().min(HEADER_SIZE_MAX - held);
        let mut bytes = [0; HEADER_SIZE_MAX];
        bytes[..held].copy_from_slice(&self.input);
        bytes[held..held + more].copy_from_slice(&input[..more]);
        match RawHeader::parse(&bytes[..held + more]) {
            Some((header, size)) if size > held => {
                input.advance(size - held);
                self.header = header;
                self.stage = Stage::Judge;
                true
            }
            _ => false,
        }
    }

    /// The next event; `None` when more input is needed. A message that lies whole, in one frame,
    /// in the input is returned without a copy.
    pub fn poll_event(&mut self) -> Option<Event> {
        while self.reads() {
            let step = match self.stage {
                Stage::Header => match RawHeader::parse(&self.input) {
                    None => break,
                    Some((header, size)) => {
                        self.input.advance(size);
                        self.parked = false;
                        self.header = header;
                        self.stage = Stage::Judge;
                        continue;
                    }
                },
                Stage::Judge => self.judge().map(|()| None),
                Stage::Control => {
                    if (self.input.len() as u64) < self.header.payload_length {
                        break;
                    }
                    self.take_control()
                }
                Stage::Data => {
                    if self.input.is_empty() && self.header.payload_length > 0 {
                        break;
                    }
                    self.take_data()
                }
            };
            match step {
                Ok(None) => {}
                Ok(event) => return event,
                Err(violation) => return Some(self.fail(violation)),
            }
        }
        if self.input.is_empty() {
            // An empty piece, too, would keep the reader's whole buffer alive.
            self.input = BytesMut::new();
        }
        None
    }

    /// Moves what is left of the input out of the shared read buffer into memory of its own. To be
    /// called when polling stops for now.
    pub fn park(&mut self) {
        if !self.parked {
            self.input = if self.input.is_empty() {
                BytesMut::new()
            } else {
                BytesMut::from(&self.input[..])
            };
            self.parked = true;
        }
    }

    fn reads(&self) -> bool {
        !self.failed && matches!(self.state, CloseState::Open | CloseState::CloseSent)
    }

    /// Applies the rules of RFC 6455 §5 to the header just read, in the order in which a stock
    /// Unity server does, and decides where the payload goes.
    fn judge(&mut self) -> Result<(), Violation> {
        let header = self.header;
        let opcode = Opcode::from_bits(header.opcode_bits());
        if header.rsv() != 0 {
            return Err((PROTOCOL_ERROR, "a reserved bit is set"));
        }
        match (self.role, header.mask) {
            (Role::Server, None) => return Err((PROTOCOL_ERROR, "a client's frame is not masked")),
            (Role::Client, Some(_)) => return Err((PROTOCOL_ERROR, "a server's frame is masked")),
            _ => {}
        }
        let may_continue = match opcode {
            Some(Opcode::Continuation | Opcode::Binary) => true,
            Some(Opcode::Text) => self.config.text,
            _ => false,
        };
        if !header.fin() && !may_continue {
            return Err((PROTOCOL_ERROR, "this frame must not be a fragment"));
        }
        if header.check_length().is_err() {
            return Err((PROTOCOL_ERROR, "bad frame length"));
        }
        let room = if header.is_control() {
            self.config.message_size_max.max(CONTROL_PAYLOAD_MAX)
        } else {
            self.config
                .message_size_max
                .saturating_sub(self.assembly.len())
        };
        if header.payload_length > room as u64 {
            return Err((TOO_BIG, "the message is too big"));
        }
        let kind = match opcode {
            None => return Err((PROTOCOL_ERROR, "reserved opcode")),
            Some(Opcode::Text) if !self.config.text => {
                return Err((UNSUPPORTED, "text is not taken here"));
            }
            Some(Opcode::Close | Opcode::Ping | Opcode::Pong) => {
                if header.payload_length > CONTROL_PAYLOAD_MAX as u64 {
                    return Err((PROTOCOL_ERROR, "the control frame is too long"));
                }
                self.stage = Stage::Control;
                return Ok(());
            }
            Some(Opcode::Continuation) => None,
            Some(Opcode::Text) => Some(Kind::Text),
            Some(Opcode::Binary) => Some(Kind::Binary),
        };
        match (self.message, kind) {
            (None, None) => return Err((PROTOCOL_ERROR, "continuation of nothing")),
            (Some(_), Some(_)) => return Err((PROTOCOL_ERROR, "the last message is unfinished")),
            (None, Some(_)) => self.message = kind,
            (Some(_), None) => {}
        }
        self.stage = Stage::Data;
        Ok(())
    }

    /// Takes `size` bytes off the input, unmasked.
    fn take_input(&mut self, size: usize) -> BytesMut {
        self.parked = false;
        let mut taken = if size == self.input.len() {
            std::mem::take(&mut self.input)
        } else {
            self.input.split_to(size)
        };
        if let Some(key) = self.header.mask {
            apply_mask(&mut taken, key, 0);
        }
        taken
    }

    fn take_data(&mut self) -> Result<Option<Event>, Violation> {
        let text = self.message == Some(Kind::Text);
        let fin = self.header.fin();
        let remaining = self.header.payload_length as usize;
        if fin && self.assembly.is_empty() && remaining <= self.input.len() {
            let data = self.take_input(remaining);
            if text && std::str::from_utf8(&data).is_err() {
                return Err((BAD_PAYLOAD, "the text is not UTF-8"));
            }
            self.stage = Stage::Header;
            self.message = None;
            return Ok(Some(Event::Message {
                data: data.freeze(),
                text,
            }));
        }
        let start = self.assembly.len();
        self.assemble(remaining.min(self.input.len()));
        if text {
            self.check_text(start)?;
        }
        if self.header.payload_length > 0 {
            return Ok(None);
        }
        self.stage = Stage::Header;
        if !fin {
            return Ok(None);
        }
        if self.utf8_tail > 0 {
            return Err((BAD_PAYLOAD, "the text ends within a character"));
        }
        self.message = None;
        let data = Bytes::from(std::mem::take(&mut self.assembly));
        Ok(Some(Event::Message { data, text }))
    }

    /// Moves `size` bytes of payload from the input to the message.
    fn assemble(&mut self, size: usize) {
        let start = self.assembly.len();
        if self.assembly.capacity() - start < size {
            let remaining = self.header.payload_length as usize;
            let ahead = remaining.min(size.max(start).max(RESERVE_AHEAD_MAX));
            if self.header.fin() {
                self.assembly.reserve_exact(ahead);
            } else {
                // More frames follow: growth must stay geometric however small they are.
                self.assembly.reserve(ahead);
            }
        }
        self.assembly.extend_from_slice(&self.input[..size]);
        self.input.advance(size);
        self.parked = false;
        if let Some(key) = &mut self.header.mask {
            apply_mask(&mut self.assembly[start..], *key, 0);
            key.rotate_left(size % 4);
        }
        self.header.payload_length -= size as u64;
    }

    /// Checks the text from offset `from`, with the start of a character that came before it.
    fn check_text(&mut self, from: usize) -> Result<(), Violation> {
        let fresh = &self.assembly[from - usize::from(self.utf8_tail)..];
        let valid = match std::str::from_utf8(fresh) {
            Ok(_) => fresh.len(),
            Err(error) if error.error_len().is_some() => {
                return Err((BAD_PAYLOAD, "the text is not UTF-8"));
            }
            Err(error) => error.valid_up_to(),
        };
        self.utf8_tail = (fresh.len() - valid) as u8;
        Ok(())
    }

    fn take_control(&mut self) -> Result<Option<Event>, Violation> {
        let payload = self
            .take_input(self.header.payload_length as usize)
            .freeze();
        self.stage = Stage::Header;
        match Opcode::from_bits(self.header.opcode_bits()) {
            Some(Opcode::Ping) => {
                self.queue_pong(&payload);
                Ok(Some(Event::Ping(payload)))
            }
            Some(Opcode::Close) => self.take_close(payload).map(Some),
            _ => {
                self.measure(&payload);
                Ok(Some(Event::Pong(payload)))
            }
        }
    }

    fn take_close(&mut self, payload: Bytes) -> Result<Event, Violation> {
        let (code, reason) = match payload.split_first_chunk::<2>() {
            None if payload.is_empty() => (None, Bytes::new()),
            None => return Err((PROTOCOL_ERROR, "the Close frame has half a code")),
            Some((code, _)) => (Some(u16::from_be_bytes(*code)), payload.slice(2..)),
        };
        if code.is_some_and(|code| !is_close_code(code)) {
            return Err((PROTOCOL_ERROR, "bad close code"));
        }
        if std::str::from_utf8(&reason).is_err() {
            return Err((BAD_PAYLOAD, "the close reason is not UTF-8"));
        }
        if self.state == CloseState::Open {
            // A stock Unity peer is answered 1000 where RFC 6455 would leave the code out.
            let silent = if self.config.text { 0 } else { NORMAL };
            self.queue_close(self.received_at, code.unwrap_or(silent), &[]);
        }
        self.state = if self.close_queued {
            CloseState::CloseReceived
        } else {
            CloseState::Closed
        };
        self.forget_input();
        Ok(Event::Close { code, reason })
    }

    fn fail(&mut self, (code, why): Violation) -> Event {
        self.failed = true;
        if self.state == CloseState::Open {
            self.queue_close(self.received_at, code, &[]);
        }
        self.state = if self.close_queued {
            CloseState::CloseSent
        } else {
            CloseState::Closed
        };
        self.forget_input();
        Event::Failed { code, why }
    }

    fn forget_input(&mut self) {
        self.input = BytesMut::new();
        self.assembly = Vec::new();
        self.message = None;
    }

    fn queue_close(&mut self, now: Micros, code: u16, reason: &[u8]) {
        self.close_code = code;
        self.close_queued = true;
        self.deadline = now.saturating_add(self.config.close_timeout);
        self.ping_due = false;
        self.awaiting = false;
        self.rare = None;
        if !reason.is_empty() {
            self.rare_mut().reason = reason.into();
        }
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn queue_pong(&mut self, payload: &[u8]) {
        if self.state != CloseState::Open {
            return;
        }
        if self.pongs.len() + 1 + payload.len() > PONGS_SIZE_MAX {
            self.pongs.clear();
        }
        self.pongs.push(payload.len() as u8);
        self.pongs.extend_from_slice(payload);
    }

    fn measure(&mut self, payload: &[u8]) {
        let awaited = self.rare.as_ref().map_or(&[][..], |rare| &rare.awaited);
        if self.timing && payload == awaited {
            let passed = self.received_at.saturating_sub(self.ping_at);
            self.round_trip = Some(u32::try_from(passed).unwrap_or(u32::MAX));
            self.timing = false;
            if self.rare.as_ref().is_some_and(|rare| rare.ping.is_none()) {
                self.rare = None;
            }
        }
    }

    /// Lets time pass: pings when it is due, gives up when a timer expired.
    pub fn handle_timeout(&mut self, now: Micros) {
        if self.next_timeout().is_none_or(|due| now < due) {
            return;
        }
        if self.state == CloseState::Open && !self.awaiting {
            self.ping_due = true;
            if let Some(rare) = &mut self.rare {
                rare.awaited = Box::default();
            }
            self.start_timing(now);
            return;
        }
        self.state = CloseState::TimedOut;
        self.close_queued = false;
        self.pongs = Vec::new();
        self.rare = None;
        self.forget_input();
    }

    fn start_timing(&mut self, now: Micros) {
        self.ping_at = now;
        self.awaiting = true;
        self.timing = true;
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Micros> {
        let (since, period) = match self.state {
            CloseState::Open if self.awaiting => (self.ping_at, self.config.pong_timeout),
            CloseState::Open => (self.received_at, self.config.ping_interval),
            CloseState::CloseSent | CloseState::CloseReceived if self.config.close_timeout > 0 => {
                return Some(self.deadline);
            }
            _ => return None,
        };
        (period > 0).then(|| since.saturating_add(period))
    }

    /// Appends the control frames that are due to `out`: pongs, pings, and last our Close. `mask`
    /// gives a fresh masking key per frame; only a client asks it. Returns whether anything was
    /// written.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>, mask: &mut dyn FnMut() -> [u8; 4]) -> bool {
        let before = out.len();
        if !self.pongs.is_empty() {
            let pongs = std::mem::take(&mut self.pongs);
            let mut rest = &pongs[..];
            while let Some((&size, tail)) = rest.split_first() {
                let (payload, tail) = tail.split_at(usize::from(size));
                write_frame(self.role, out, Opcode::Pong, payload, mask);
                rest = tail;
            }
        }
        if std::mem::take(&mut self.ping_due) {
            write_frame(self.role, out, Opcode::Ping, &[], mask);
        }
        if let Some(payload) = self.rare.as_mut().and_then(|rare| rare.ping.take()) {
            write_frame(self.role, out, Opcode::Ping, &payload, mask);
            if !self.timing {
                self.rare = None;
            }
        }
        if std::mem::take(&mut self.close_queued) {
            self.write_close(out, mask);
        }
        out.len() > before
    }

    fn write_close(&mut self, out: &mut Vec<u8>, mask: &mut dyn FnMut() -> [u8; 4]) {
        let rare = self.rare.take().unwrap_or_default();
        let mut payload = [0; CONTROL_PAYLOAD_MAX];
        let size = if self.close_code == 0 {
            0
        } else {
            2 + rare.reason.len()
        };
        if size > 0 {
            payload[..2].copy_from_slice(&self.close_code.to_be_bytes());
            payload[2..size].copy_from_slice(&rare.reason);
        }
        write_frame(self.role, out, Opcode::Close, &payload[..size], mask);
        if self.failed || self.state == CloseState::CloseReceived {
            self.state = CloseState::Closed;
        }
    }

    /// Appends one message, as one frame, to `out`. `mask` is not used by a server. A program that
    /// sends text promises that it is UTF-8; nothing may be sent once
    /// [`can_send`](Self::can_send) is false.
    pub fn write_message(&self, out: &mut Vec<u8>, kind: Kind, payload: &[u8], mask: [u8; 4]) {
        let opcode = match kind {
            Kind::Text => Opcode::Text,
            Kind::Binary => Opcode::Binary,
        };
        write_frame(self.role, out, opcode, payload, &mut || mask);
    }

    /// Queues a ping whose round trip is not measured (no time comes in here).
    ///
    /// # Errors
    /// When the payload is longer than 125 bytes, a ping still waits to be sent, or the connection
    /// is not open.
    pub fn send_ping(&mut self, payload: &[u8]) -> Result<(), &'static str> {
        if self.state != CloseState::Open {
            return Err("the connection is not open");
        }
        if payload.len() > CONTROL_PAYLOAD_MAX {
            return Err("a ping carries at most 125 bytes");
        }
        let rare = self.rare_mut();
        if rare.ping.is_some() {
            return Err("a ping still waits to be sent");
        }
        rare.ping = Some(payload.into());
        Ok(())
    }

    /// Queues a ping as [`send_ping`](Self::send_ping) does, measures its round trip and, with a
    /// pong timeout, gives up when nothing arrives after it.
    ///
    /// # Errors
    /// As [`send_ping`](Self::send_ping).
    pub fn send_timed_ping(&mut self, now: Micros, payload: &[u8]) -> Result<(), &'static str> {
        self.send_ping(payload)?;
        self.rare_mut().awaited = payload.into();
        self.start_timing(now);
        Ok(())
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
        self.input.len() + self.assembly.len()
    }

    /// Time from the last measured ping to its pong.
    #[must_use]
    pub fn round_trip(&self) -> Option<Micros> {
        self.round_trip.map(Micros::from)
    }
}

/// Whether a Close frame may carry this code (RFC 6455 §7.4 and the IANA registry).
#[must_use]
pub const fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

fn write_frame(
    role: Role,
    out: &mut Vec<u8>,
    opcode: Opcode,
    payload: &[u8],
    mask: &mut dyn FnMut() -> [u8; 4],
) {
    let mask = match role {
        Role::Client => Some(mask()),
        Role::Server => None,
    };
    out.reserve(encode_header_length(role, payload.len()) + payload.len());
    let payload_length = payload.len() as u64;
    FrameHeader {
        fin: true,
        rsv: 0,
        opcode,
        mask,
        payload_length,
    }
    .write(out);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = mask {
        apply_mask(&mut out[start..], key, 0);
    }
}

/// Size of the header that a message of `payload` bytes gets.
#[must_use]
pub fn encode_header_length(role: Role, payload: usize) -> usize {
    let length = match payload {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    };
    length + if role == Role::Client { 4 } else { 0 }
}
