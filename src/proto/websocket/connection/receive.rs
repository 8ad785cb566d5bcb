//! The receiving half of the machine: bytes in, events out. It must not write frames: it queues
//! pongs and the answer to a Close, which the sending half writes.

use super::super::deflate::{Inflated, Pool};
use super::super::extension::frame_size_max;
use super::super::frame::{CONTROL_PAYLOAD_MAX, HEADER_SIZE_MAX, Opcode, RawHeader, apply_mask};
use super::super::utf8::Utf8Tail;
use super::{COMPRESSED, CloseState, Event, Kind, Role, Stage, WebSocket, is_close_code};
use crate::proto::time::Micros;
use bytes::{Buf, Bytes, BytesMut};
use std::mem::take;

/// How far ahead of the bytes that arrived memory is reserved for a message; a length in a header
/// alone costs its sender nothing.
const RESERVE_AHEAD_MAX: usize = 16 * 1024;
/// A message that lacks less than this is read as everything else, with what follows it.
const DIRECT_SIZE_MIN: usize = 16 * 1024;
/// Memory for pongs that wait to be sent. When it is full, older pings stay unanswered, as
/// RFC 6455 §5.5.3 allows.
const PONGS_SIZE_MAX: usize = 2048;

const NORMAL: u16 = 1000;
const PROTOCOL_ERROR: u16 = 1002;
const UNSUPPORTED: u16 = 1003;
pub(super) const BAD_PAYLOAD: u16 = 1007;
const TOO_BIG: u16 = 1009;

/// A broken rule: the close code and the words for it.
pub(super) type Violation = (u16, &'static str);

impl WebSocket {
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
        if let Some(chain) = self.chain.as_mut().filter(|chain| chain.decoded) {
            chain.push_behind(&input);
        } else if self.input.is_empty() || self.complete_header(&mut input) {
            self.input = input;
        } else {
            self.input.extend_from_slice(&input);
        }
    }

    /// Where the rest of a long binary message may be read to without a copy: behind the end of
    /// this memory, and no farther than its capacity. Tell
    /// [`handle_message_bytes`](Self::handle_message_bytes) then.
    pub fn message_room(&mut self) -> Option<&mut Vec<u8>> {
        let rest = usize::try_from(self.header.payload_length).unwrap_or(usize::MAX);
        let as_it_comes = self.stage == Stage::Data
            && self.message == Some(Kind::Binary)
            && rest >= DIRECT_SIZE_MIN
            && self.input.is_empty();
        if !as_it_comes || self.chain.is_some() || self.reads_compressed() || !self.reads() {
            return None;
        }
        if self.hands_out_pieces() {
            return None;
        }
        if self.assembly.len() == self.assembly.capacity() {
            self.reserve(0);
        }
        let room = self.assembly.capacity() - self.assembly.len();
        (room <= rest).then_some(&mut self.assembly)
    }

    /// What was read to [`message_room`](Self::message_room) begins at `start`.
    pub fn handle_message_bytes(&mut self, now: Micros, start: usize) {
        let size = self.assembly.len() - start;
        if size == 0 {
            return;
        }
        self.received_at = now;
        self.awaiting = false;
        self.unmask_assembly(start);
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
        self.poll_event_with(&mut Pool::default())
    }

    /// As [`poll_event`](Self::poll_event), with the pool that all connections share: it saves
    /// making a context for each compressed message.
    pub fn poll_event_with(&mut self, pool: &mut Pool) -> Option<Event> {
        if let Some(code) = self.chain.as_ref().and_then(|chain| chain.broken)
            && !self.failed
        {
            return Some(self.fail((code, "an extension could not encode a frame")));
        }
        while self.reads() {
            if self.stage == Stage::Header
                && let Some(chain) = self.chain.as_mut().filter(|chain| chain.decoded)
            {
                self.input = chain.release();
            }
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
                    let waits = self.header.payload_length > 0 && !self.holds_piece();
                    if self.input.is_empty() && waits {
                        break;
                    }
                    match &self.chain {
                        Some(chain) if !chain.decoded => self.decode().map(|()| None),
                        _ => self.take_data(pool),
                    }
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
        if let Some(chain) = &mut self.chain {
            chain.park();
        }
        if !self.parked {
            self.input = if self.input.is_empty() {
                BytesMut::new()
            } else {
                BytesMut::from(&self.input[..])
            };
            self.parked = true;
        }
        if let Some(codec) = &mut self.codec {
            codec.park();
        }
    }

    pub(super) fn reads(&self) -> bool {
        !self.failed && matches!(self.state, CloseState::Open | CloseState::CloseSent)
    }

    /// Judges the header just read and decides where the payload goes.
    fn judge(&mut self) -> Result<(), Violation> {
        self.check_header()?;
        let kind = match Opcode::from_bits(self.header.opcode_bits()) {
            None => return Err((PROTOCOL_ERROR, "reserved opcode")),
            Some(Opcode::Text) if !self.config.text => {
                return Err((UNSUPPORTED, "text is not taken here"));
            }
            Some(Opcode::Close | Opcode::Ping | Opcode::Pong) => {
                if self.header.payload_length > CONTROL_PAYLOAD_MAX as u64 {
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
            (None, Some(_)) => {
                self.message = kind;
                if let Some(codec) = &mut self.codec {
                    codec.reading = self.header.rsv() & COMPRESSED != 0;
                }
            }
            (Some(_), None) => {}
        }
        self.stage = Stage::Data;
        Ok(())
    }

    /// The rules of RFC 6455 §5 that come before the opcode's own, in the order in which a stock
    /// Unity server applies them: the close code tells which rule was broken first.
    fn check_header(&self) -> Result<(), Violation> {
        let header = &self.header;
        let begins =
            matches!(Opcode::from_bits(header.opcode_bits()), Some(Opcode::Text | Opcode::Binary));
        let compressed = header.rsv() & COMPRESSED != 0 && begins && self.codec.is_some();
        let compression = if compressed { COMPRESSED } else { 0 };
        if header.rsv() & !(compression | self.extension_bits()) != 0 {
            return Err((PROTOCOL_ERROR, "a reserved bit is set"));
        }
        match (self.role, header.mask) {
            (Role::Server, None) => return Err((PROTOCOL_ERROR, "a client's frame is not masked")),
            (Role::Client, Some(_)) => return Err((PROTOCOL_ERROR, "a server's frame is masked")),
            _ => {}
        }
        let may_be_fragment = match Opcode::from_bits(header.opcode_bits()) {
            Some(Opcode::Continuation | Opcode::Binary) => true,
            Some(Opcode::Text) => self.config.text,
            _ => false,
        };
        if !header.fin() && !may_be_fragment {
            return Err((PROTOCOL_ERROR, "this frame must not be a fragment"));
        }
        if header.check_length().is_err() {
            return Err((PROTOCOL_ERROR, "bad frame length"));
        }
        if self.hands_out_pieces() && !header.is_control() && self.chain.is_none() {
            // What is put together is bounded by itself.
            return Ok(());
        }
        let room = if header.is_control() {
            (self.config.message_size_max as usize).max(CONTROL_PAYLOAD_MAX)
        } else if self.chain.is_some() {
            // What it becomes is measured as the extensions write it.
            frame_size_max(packed_size_max(self.config.message_size_max as usize))
        } else if compressed || (self.reads_compressed() && !begins) {
            // What it becomes is measured as it comes out; no encoder makes it much longer.
            packed_size_max(self.config.message_size_max as usize)
        } else {
            (self.config.message_size_max as usize).saturating_sub(self.assembly.len())
        };
        if header.payload_length > room as u64 {
            return Err((TOO_BIG, "the message is too big"));
        }
        Ok(())
    }

    /// The reserved bits that extensions may set in this frame.
    fn extension_bits(&self) -> u8 {
        let chain = self.chain.as_ref().filter(|_| !self.header.is_control());
        chain.map_or(0, |chain| chain.bits())
    }

    /// Gives what there is of a frame's payload to the extensions. Once it is whole, what they make
    /// of it is the input in its place.
    fn decode(&mut self) -> Result<(), Violation> {
        let size = (self.header.payload_length as usize).min(self.input.len());
        let piece = self.take_input(size);
        if let Some(key) = &mut self.header.mask {
            key.rotate_left(size % 4);
        }
        self.header.payload_length -= size as u64;
        let whole = self.header.payload_length == 0;
        let limit = self.config.message_size_max as usize;
        let limit = if self.reads_compressed() {
            packed_size_max(limit)
        } else {
            limit.saturating_sub(self.assembly.len())
        };
        let frame = (self.header.opcode_bits(), self.header.fin(), self.header.rsv());
        let Some(chain) = &mut self.chain else { return Ok(()) };
        let decoded = chain.take_piece(frame, &piece, whole, limit);
        let failed = |code| match code {
            TOO_BIG => (code, "the message is too big"),
            _ => (code, "an extension could not decode a frame"),
        };
        if let Some(decoded) = decoded.map_err(failed)? {
            self.header.payload_length = decoded.len() as u64;
            self.header.mask = None;
            chain.hold(take(&mut self.input));
            self.input = BytesMut::from(decoded);
        }
        Ok(())
    }

    /// Takes `size` bytes off the input, unmasked.
    fn take_input(&mut self, size: usize) -> BytesMut {
        self.parked = false;
        let mut taken = if size == self.input.len() {
            take(&mut self.input)
        } else {
            self.input.split_to(size)
        };
        if let Some(key) = self.header.mask {
            apply_mask(&mut taken, key, 0);
        }
        taken
    }

    /// Takes `size` bytes of payload off the input, unmasked.
    pub(super) fn take_payload(&mut self, size: usize) -> BytesMut {
        let piece = self.take_input(size);
        if let Some(key) = &mut self.header.mask {
            key.rotate_left(size % 4);
        }
        self.header.payload_length -= size as u64;
        piece
    }

    /// Bytes of the frame's payload that are here.
    pub(super) fn available(&self) -> usize {
        let here = self.input.len();
        usize::try_from(self.header.payload_length).map_or(here, |wanted| wanted.min(here))
    }

    /// The message that is coming in is compressed.
    pub(super) fn reads_compressed(&self) -> bool {
        self.codec.as_ref().is_some_and(|codec| codec.reading)
    }

    fn take_data(&mut self, pool: &mut Pool) -> Result<Option<Event>, Violation> {
        let text = self.message == Some(Kind::Text);
        let fin = self.header.fin();
        let size = self.available();
        let compressed = self.reads_compressed();
        let whole = fin && self.assembly.is_empty() && size as u64 == self.header.payload_length;
        let fits = size <= self.config.message_size_max as usize;
        if !compressed && whole && fits && !self.streaming {
            let data = self.take_input(size);
            if text && std::str::from_utf8(&data).is_err() {
                return Err((BAD_PAYLOAD, "the text is not UTF-8"));
            }
            self.stage = Stage::Header;
            self.message = None;
            return Ok(Some(Event::Message { data: data.freeze(), text }));
        }
        if self.hands_out_pieces() {
            return self.take_piece(pool);
        }
        let start = self.assembly.len();
        if compressed {
            self.inflate(size, pool)?;
        } else {
            if self.assembly.capacity() == 0 {
                self.assembly = pool.long_message(self.header.payload_length);
            }
            self.assemble(size);
        }
        if text {
            self.tail = text_after(self.tail, &self.assembly[start..])?;
        }
        if self.header.payload_length > 0 {
            return Ok(None);
        }
        self.stage = Stage::Header;
        if !fin {
            return Ok(None);
        }
        if !self.tail.is_whole() {
            return Err((BAD_PAYLOAD, "the text is not UTF-8"));
        }
        self.message = None;
        let mut data = take(&mut self.assembly);
        if compressed {
            data.shrink_to_fit();
        }
        let data = Bytes::from(data);
        Ok(Some(Event::Message { data, text }))
    }

    /// Decompresses `size` bytes of payload behind the message.
    fn inflate(&mut self, size: usize, pool: &mut Pool) -> Result<(), Violation> {
        let piece = self.take_payload(size);
        let limit = self.config.message_size_max as usize;
        let ends = self.header.fin() && self.header.payload_length == 0;
        let Some(codec) = &mut self.codec else {
            return Err((PROTOCOL_ERROR, "a reserved bit is set"));
        };
        let mut outcome = codec.decompress(&piece, &mut self.assembly, limit, pool);
        if outcome == Inflated::Done && ends {
            outcome = codec.finish(&mut self.assembly, limit, pool);
        }
        match outcome {
            Inflated::Done => Ok(()),
            Inflated::TooBig => Err((TOO_BIG, "the message is too big")),
            Inflated::Corrupt => Err((BAD_PAYLOAD, "the compressed message is damaged")),
        }
    }

    /// Moves `size` bytes of payload from the input to the message.
    pub(super) fn assemble(&mut self, size: usize) {
        let start = self.assembly.len();
        if self.assembly.capacity() - start < size {
            self.reserve(size);
        }
        self.assembly.extend_from_slice(&self.input[..size]);
        self.input.advance(size);
        self.parked = false;
        self.unmask_assembly(start);
    }

    /// Makes room for `size` more bytes of the message, and for some of what follows them.
    fn reserve(&mut self, size: usize) {
        let remaining = self.header.payload_length as usize;
        let ahead = remaining.min(size.max(self.assembly.len()).max(RESERVE_AHEAD_MAX));
        if self.header.fin() {
            self.assembly.reserve_exact(ahead);
        } else {
            // More frames follow: growth must stay geometric however small they are.
            self.assembly.reserve(ahead);
        }
    }

    /// What stands in the message from `start` on is payload of the frame, as it came.
    fn unmask_assembly(&mut self, start: usize) {
        let size = self.assembly.len() - start;
        if let Some(key) = &mut self.header.mask {
            apply_mask(&mut self.assembly[start..], *key, 0);
            key.rotate_left(size % 4);
        }
        self.header.payload_length -= size as u64;
    }

    fn take_control(&mut self) -> Result<Option<Event>, Violation> {
        let payload = self.take_input(self.header.payload_length as usize).freeze();
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
        self.state = if self.close_queued { CloseState::CloseReceived } else { CloseState::Closed };
        self.forget_input();
        Ok(Event::Close { code, reason })
    }

    fn fail(&mut self, (code, why): Violation) -> Event {
        self.failed = true;
        if self.state == CloseState::Open {
            self.queue_close(self.received_at, code, &[]);
        }
        self.state = if self.close_queued { CloseState::CloseSent } else { CloseState::Closed };
        self.forget_input();
        Event::Failed { code, why }
    }

    pub(super) fn forget_input(&mut self) {
        self.input = BytesMut::new();
        self.assembly = Vec::new();
        self.message = None;
        self.streaming = false;
        self.tail = Utf8Tail::default();
        if let Some(chain) = &mut self.chain {
            chain.forget_received();
        }
        if let Some(codec) = &mut self.codec {
            codec.forget_received();
        }
    }

    /// Once our Close is on its way nothing follows it, so a ping is then left without a pong.
    fn queue_pong(&mut self, payload: &[u8]) {
        if self.state != CloseState::Open {
            return;
        }
        let pongs = &mut self.rare_mut().pongs;
        if pongs.len() + 1 + payload.len() > PONGS_SIZE_MAX {
            pongs.clear();
        }
        pongs.push(payload.len() as u8);
        pongs.extend_from_slice(payload);
    }
}

/// Bytes of the longest frame of a message that is compressed: DEFLATE's fixed codes have at most
/// nine bits for a byte, and a flush adds a few bytes.
const fn packed_size_max(message_size_max: usize) -> usize {
    message_size_max + message_size_max / 8 + 1024
}

/// Where a text stands after another piece of it.
pub(super) fn text_after(tail: Utf8Tail, piece: &[u8]) -> Result<Utf8Tail, Violation> {
    tail.after(piece).map_err(|_| (BAD_PAYLOAD, "the text is not UTF-8"))
}
