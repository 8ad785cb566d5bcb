//! Frames: what a session packet carries.
//!
//! [`frames`] is a total parser: it ends at the first frame that it does not know or that is cut
//! short, and says so. The writers append to a datagram and check nothing; their callers know the
//! room.

/// Frame types, the first byte of each frame. One packet holds any number of them.
pub mod types {
    /// Nothing; one byte.
    pub const PADDING: u8 = 0x00;
    /// Asks for an acknowledgement.
    pub const PING: u8 = 0x01;
    /// Which packets arrived.
    pub const ACK: u8 = 0x02;
    /// How much the peer may send on reliable channels.
    pub const WINDOW: u8 = 0x03;
    /// The window keeps the sender from going on.
    pub const BLOCKED: u8 = 0x04;
    /// All messages of a channel below a number are there.
    pub const DELIVERED: u8 = 0x05;
    /// Is somebody there who knows these bytes?
    pub const PATH_CHALLENGE: u8 = 0x06;
    /// Yes.
    pub const PATH_RESPONSE: u8 = 0x07;
    /// A message that may be lost; to the end of the packet, and with bit 0 set with a length.
    pub const MESSAGE: u8 = 0x08;
    /// A message that may not; likewise.
    pub const RELIABLE: u8 = 0x0a;
    /// The exclusive or of several of those; likewise.
    pub const REPAIR: u8 = 0x0c;
    /// A piece of a message that may not be lost, which is too long for a datagram by now; to the
    /// end of the packet.
    pub const PART: u8 = 0x0e;
    /// The bit that says that a length follows.
    pub const WITH_LENGTH: u8 = 0x01;
}

/// Bytes of a MESSAGE frame that reaches to the end of its packet, besides the message.
pub const MESSAGE_OVERHEAD: usize = 2;
/// Bytes of a RELIABLE frame that reaches to the end of its packet, besides the message.
pub const RELIABLE_OVERHEAD: usize = 4;
/// Bytes of a REPAIR frame with a length, besides the repair itself and its length.
pub const REPAIR_OVERHEAD: usize = 5;
/// Bytes of a PART frame, besides the piece.
pub const PART_OVERHEAD: usize = 6;
/// The bit beside a piece's offset that says that it is the last one.
const LAST_PART: u16 = 0x8000;
/// Ranges of an ACK frame besides the newest one.
pub const ACK_RANGES_MAX: usize = 31;
/// Messages from the first to the last that one REPAIR frame may cover.
pub const REPAIR_SPAN_MAX: usize = u8::BITS as usize;
/// Numbers above this have no form here.
pub const VARINT_MAX: u32 = (1 << 30) - 1;
/// Bytes of the longest number.
pub const VARINT_SIZE_MAX: usize = 4;
/// An acknowledgement's delay counts units of this many microseconds.
pub const ACK_DELAY_UNIT: u64 = 8;

/// One frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame<'a> {
    /// See [`types`].
    Padding,
    /// See [`types`].
    Ping,
    /// See [`types`].
    Ack(Ack<'a>),
    /// The low 32 bits of the sum up to which the peer may send.
    Window(u32),
    /// See [`types`].
    Blocked,
    /// Channel, and the low bits of the first number that is missing.
    Delivered(u8, u16),
    /// Eight bytes that nobody can guess.
    PathChallenge([u8; 8]),
    /// The same bytes.
    PathResponse([u8; 8]),
    /// A message of a pipeline.
    Message {
        /// The pipeline.
        pipeline: u8,
        /// Its bytes.
        data: &'a [u8],
    },
    /// A message of a reliable channel.
    Reliable {
        /// The channel.
        channel: u8,
        /// The low bits of its number in the channel.
        sequence: u16,
        /// Its bytes.
        data: &'a [u8],
    },
    /// The exclusive or of messages of a channel, each behind its length (u16) and filled up with 0
    /// to the longest.
    Repair {
        /// The channel.
        channel: u8,
        /// The low bits of the first message's number.
        first: u16,
        /// Bit k stands for the message with the number `first + k`: bit 0 and at least another.
        members: u8,
        /// The exclusive or.
        data: &'a [u8],
    },
    /// A piece of a message of a reliable channel.
    Part {
        /// The channel.
        channel: u8,
        /// The low bits of the message's number in the channel.
        sequence: u16,
        /// Where in the message it belongs; below 32768.
        offset: u16,
        /// The message ends with it.
        last: bool,
        /// Its bytes.
        data: &'a [u8],
    },
}

/// An ACK frame; its ranges are read by [`Ack::ranges`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ack<'a> {
    /// The low 24 bits of the newest packet's number.
    pub largest: u32,
    /// Microseconds from its arrival to this acknowledgement.
    pub delay: u64,
    /// How many packets right below the newest one arrived, too.
    first: u32,
    /// Pairs of gap and length.
    rest: &'a [u8],
}

impl Ack<'_> {
    /// The ranges (first number, last number), newest first, when the newest packet's whole number
    /// is `largest`. Ends where a range would begin below 0.
    pub fn ranges(&self, largest: u64) -> impl Iterator<Item = (u64, u64)> {
        let mut rest = self.rest;
        let newest = largest.checked_sub(u64::from(self.first)).map(|start| (start, largest));
        let mut next = newest;
        std::iter::from_fn(move || {
            let range = next?;
            next = if rest.is_empty() { None } else { range_below(&mut rest, range.0) };
            Some(range)
        })
    }
}

/// The range below another one that begins at `start`.
#[inline(never)]
fn range_below(rest: &mut &[u8], start: u64) -> Option<(u64, u64)> {
    let gap = varint(rest)?;
    let length = varint(rest)?;
    let end = start.checked_sub(u64::from(gap) + 2)?;
    end.checked_sub(u64::from(length)).map(|start| (start, end))
}

/// Why a packet's frames ended early. What came before them counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

/// The frames of a packet.
pub struct Frames<'a> {
    rest: &'a [u8],
}

/// Reads the frames of a packet, one after the other.
#[must_use]
pub const fn frames(bytes: &[u8]) -> Frames<'_> {
    Frames { rest: bytes }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, Malformed>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if let Some((pipeline, data, rest)) = split_message(self.rest) {
            self.rest = rest;
            return Some(Ok(Frame::Message { pipeline, data }));
        }
        self.next_of_any_sort()
    }
}

impl<'a> Frames<'a> {
    #[inline(never)]
    fn next_of_any_sort(&mut self) -> Option<Result<Frame<'a>, Malformed>> {
        if self.rest.is_empty() {
            return None;
        }
        let frame = parse(&mut self.rest);
        if frame.is_none() {
            self.rest = &[];
        }
        Some(frame.ok_or(Malformed))
    }
}

/// The pipeline and the bytes of a message with a length of at most two bytes, as most are, and
/// what follows it; `None` for whatever else.
#[inline(always)]
fn split_message(frames: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    const KIND: u8 = types::MESSAGE | types::WITH_LENGTH;
    let (&[kind, pipeline, first, second], _) = frames.split_first_chunk()?;
    if kind != KIND || first >= 0x80 {
        return None;
    }
    let (start, length) = match first {
        0..0x40 => (3, usize::from(first)),
        _ => (4, usize::from(u16::from_be_bytes([first & 0x3f, second]))),
    };
    let (data, rest) = frames.get(start..)?.split_at_checked(length)?;
    Some((pipeline, data, rest))
}

#[inline(always)]
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (&head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(head)
}

/// A number as in RFC 9000 section 16, without its form of eight bytes.
#[inline(always)]
fn varint(rest: &mut &[u8]) -> Option<u32> {
    let [first] = take(rest)?;
    match first >> 6 {
        0 => Some(u32::from(first)),
        1 => take(rest).map(|[a]| u32::from_be_bytes([0, 0, first & 0x3f, a])),
        2 => take(rest).map(|[a, b, c]| u32::from_be_bytes([first & 0x3f, a, b, c])),
        _ => None,
    }
}

/// The bytes of a frame that has a length, or reaches to the end.
#[inline(always)]
fn body<'a>(rest: &mut &'a [u8], kind: u8) -> Option<&'a [u8]> {
    let length = if kind & types::WITH_LENGTH == 0 { rest.len() } else { varint(rest)? as usize };
    let (data, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(data)
}

#[inline(always)]
fn parse<'a>(rest: &mut &'a [u8]) -> Option<Frame<'a>> {
    let [kind] = take(rest)?;
    Some(match kind {
        types::PADDING => Frame::Padding,
        types::PING => Frame::Ping,
        types::ACK => Frame::Ack(parse_ack(rest)?),
        types::WINDOW => Frame::Window(u32::from_le_bytes(take(rest)?)),
        types::BLOCKED => Frame::Blocked,
        types::DELIVERED => {
            let [channel] = take(rest)?;
            Frame::Delivered(channel, u16::from_le_bytes(take(rest)?))
        }
        types::PATH_CHALLENGE => Frame::PathChallenge(take(rest)?),
        types::PATH_RESPONSE => Frame::PathResponse(take(rest)?),
        0x08 | 0x09 => {
            let [pipeline] = take(rest)?;
            Frame::Message { pipeline, data: body(rest, kind)? }
        }
        0x0a | 0x0b => {
            let [channel] = take(rest)?;
            let sequence = u16::from_le_bytes(take(rest)?);
            Frame::Reliable { channel, sequence, data: body(rest, kind)? }
        }
        0x0c | 0x0d => {
            let [channel] = take(rest)?;
            let first = u16::from_le_bytes(take(rest)?);
            let [members] = take(rest)?;
            if members & 1 == 0 || members == 1 {
                return None;
            }
            Frame::Repair { channel, first, members, data: body(rest, kind)? }
        }
        types::PART => {
            let [channel] = take(rest)?;
            let sequence = u16::from_le_bytes(take(rest)?);
            let place = u16::from_le_bytes(take(rest)?);
            let (offset, last) = (place & !LAST_PART, place & LAST_PART != 0);
            Frame::Part { channel, sequence, offset, last, data: body(rest, kind)? }
        }
        _ => return None,
    })
}

#[inline(always)]
fn parse_ack<'a>(rest: &mut &'a [u8]) -> Option<Ack<'a>> {
    let [a, b, c] = take(rest)?;
    let largest = u32::from_le_bytes([a, b, c, 0]);
    let delay = u64::from(varint(rest)?) * ACK_DELAY_UNIT;
    let count = varint(rest)? as usize;
    if count > ACK_RANGES_MAX {
        return None;
    }
    let first = varint(rest)?;
    let all = *rest;
    for _ in 0..count {
        varint(rest)?;
        varint(rest)?;
    }
    let used = all.len() - rest.len();
    Some(Ack { largest, delay, first, rest: &all[..used] })
}

/// Bytes of a number.
#[must_use]
pub const fn varint_size(value: u32) -> usize {
    match value {
        0..0x40 => 1,
        0x40..0x4000 => 2,
        _ => 4,
    }
}

/// Appends a number; one above [`VARINT_MAX`] becomes that.
#[inline]
pub fn write_varint(out: &mut Vec<u8>, value: u32) {
    let value = if value > VARINT_MAX { VARINT_MAX } else { value };
    match varint_size(value) {
        1 => out.push(value as u8),
        2 => out.extend_from_slice(&(value as u16 | 0x4000).to_be_bytes()),
        _ => out.extend_from_slice(&(value | 0x8000_0000).to_be_bytes()),
    }
}

/// Appends an ACK frame for ranges (first number, last number), newest first and with a gap
/// between each two; at least one, and at most [`ACK_RANGES_MAX`] more are written.
#[inline]
pub fn write_ack(out: &mut Vec<u8>, delay: u64, ranges: &[(u64, u64)]) {
    let Some((&(start, largest), rest)) = ranges.split_first() else { return };
    let rest = &rest[..rest.len().min(ACK_RANGES_MAX)];
    let [a, b, c, _] = (largest as u32).to_le_bytes();
    out.extend_from_slice(&[types::ACK, a, b, c]);
    write_varint(out, u32::try_from(delay / ACK_DELAY_UNIT).unwrap_or(VARINT_MAX));
    write_varint(out, rest.len() as u32);
    write_varint(out, (largest - start) as u32);
    let mut previous = start;
    for &(start, end) in rest {
        write_varint(out, (previous - end - 2) as u32);
        write_varint(out, (end - start) as u32);
        previous = start;
    }
}

/// Appends a frame without variable parts.
pub fn write_plain(out: &mut Vec<u8>, frame: Frame<'_>) {
    match frame {
        Frame::Ping => out.push(types::PING),
        Frame::Blocked => out.push(types::BLOCKED),
        Frame::Window(limit) => {
            out.push(types::WINDOW);
            out.extend_from_slice(&limit.to_le_bytes());
        }
        Frame::Delivered(channel, sequence) => {
            let [low, high] = sequence.to_le_bytes();
            out.extend_from_slice(&[types::DELIVERED, channel, low, high]);
        }
        Frame::PathChallenge(data) => {
            out.push(types::PATH_CHALLENGE);
            out.extend_from_slice(&data);
        }
        Frame::PathResponse(data) => {
            out.push(types::PATH_RESPONSE);
            out.extend_from_slice(&data);
        }
        _ => out.push(types::PADDING),
    }
}

/// Appends what stands in front of a message's bytes; without a length it reaches to the end.
#[inline(always)]
pub fn write_message_head(out: &mut Vec<u8>, pipeline: u8, length: Option<usize>) {
    const KIND: u8 = types::MESSAGE | types::WITH_LENGTH;
    match length {
        // As most are: in one piece.
        Some(length @ 0..0x40) => out.extend_from_slice(&[KIND, pipeline, length as u8]),
        Some(length @ 0x40..0x4000) => {
            let [high, low] = (length as u16 | 0x4000).to_be_bytes();
            out.extend_from_slice(&[KIND, pipeline, high, low]);
        }
        _ => {
            let flag = u8::from(length.is_some());
            out.extend_from_slice(&[types::MESSAGE | flag, pipeline]);
            write_length(out, length);
        }
    }
}

/// Appends what stands in front of a reliable message's bytes.
#[inline]
pub fn write_reliable_head(out: &mut Vec<u8>, channel: u8, sequence: u16, length: Option<usize>) {
    let flag = u8::from(length.is_some());
    let [low, high] = sequence.to_le_bytes();
    out.extend_from_slice(&[types::RELIABLE | flag, channel, low, high]);
    write_length(out, length);
}

/// Appends what stands in front of a repair's bytes.
pub fn write_repair_head(
    out: &mut Vec<u8>,
    (channel, first, members): (u8, u16, u8),
    length: Option<usize>,
) {
    let flag = u8::from(length.is_some());
    let [low, high] = first.to_le_bytes();
    out.extend_from_slice(&[types::REPAIR | flag, channel, low, high, members]);
    write_length(out, length);
}

/// Appends what stands in front of a piece's bytes; it reaches to the end.
pub fn write_part_head(
    out: &mut Vec<u8>,
    (channel, sequence): (u8, u16),
    (offset, last): (u16, bool),
) {
    let [low, high] = sequence.to_le_bytes();
    let place = offset | if last { LAST_PART } else { 0 };
    out.extend_from_slice(&[types::PART, channel, low, high]);
    out.extend_from_slice(&place.to_le_bytes());
}

fn write_length(out: &mut Vec<u8>, length: Option<usize>) {
    if let Some(length) = length {
        write_varint(out, length as u32);
    }
}

/// Appends any frame; for tests and tools, the machine writes its frames piece by piece.
#[cfg(any(test, feature = "fuzzing"))]
pub fn write(out: &mut Vec<u8>, frame: &Frame<'_>, last: bool) {
    let length = |data: &[u8]| (!last).then_some(data.len());
    match *frame {
        Frame::Message { pipeline, data } => {
            write_message_head(out, pipeline, length(data));
            out.extend_from_slice(data);
        }
        Frame::Reliable { channel, sequence, data } => {
            write_reliable_head(out, channel, sequence, length(data));
            out.extend_from_slice(data);
        }
        Frame::Repair { channel, first, members, data } => {
            write_repair_head(out, (channel, first, members), length(data));
            out.extend_from_slice(data);
        }
        Frame::Part { channel, sequence, offset, last, data } => {
            write_part_head(out, (channel, sequence), (offset, last));
            out.extend_from_slice(data);
        }
        Frame::Ack(ack) => {
            let largest = u64::from(ack.largest) + (1 << 40);
            let ranges: Vec<_> = ack.ranges(largest).collect();
            write_ack(out, ack.delay, &ranges);
        }
        plain => write_plain(out, plain),
    }
}

#[cfg(test)]
#[path = "frame/tests.rs"]
mod tests;
