//! UTP packets in a stream of bytes: in front of each its length, two bytes, big endian.
//!
//! Nothing else is in the stream: no preamble, no goodbye. A length of 0 says nothing and is passed
//! over; a packet that is too long is passed over too, and told. The machine knows no packet's
//! meaning, and no bytes can make it fail.

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
#[cfg(test)]
mod tests;

use bytes::{Buf, Bytes, BytesMut};

use super::short;

/// Bytes of the length in front of a packet.
pub const HEADER_SIZE: usize = 2;

/// What has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// A packet that lay whole in what was read; it is not copied.
    Whole(Bytes),
    /// A packet that came in pieces; it lies here until the next poll.
    Joined(&'a [u8]),
    /// A packet of that many bytes, more than this side takes. It is passed over.
    TooLong(usize),
}

/// The receiving side of a stream.
pub struct Framing {
    /// Read and not looked at. Only while polling, or parked in memory of its own.
    input: BytesMut,
    parked: bool,
    /// The beginning of a packet that is not whole yet, its length in front. The memory stays, so
    /// that a stream whose packets come in pieces allocates once.
    pieces: Vec<u8>,
    /// `pieces` is a packet that was handed out.
    joined: bool,
    /// Bytes to come of a packet that is too long.
    to_skip: usize,
    packet_size_max: usize,
}

/// The length at the front; `None` when it is not whole.
#[must_use]
pub fn parse_length(input: &[u8]) -> Option<usize> {
    input.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length)))
}

/// Appends a packet, made of two parts, with its length. One that is longer than a length can say
/// is left out.
pub fn write_packet(out: &mut Vec<u8>, head: &[u8], body: &[u8]) {
    if let Ok(length) = u16::try_from(head.len() + body.len()) {
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(head);
        out.extend_from_slice(body);
    }
}

/// Puts a packet, made of two parts, into room of its size, its length in front of it, which can
/// say how long it is.
#[inline(always)]
pub fn fill_packet<const N: usize>(room: &mut [u8], head: [u8; N], body: &[u8]) {
    if let Some((length, room)) = room.split_first_chunk_mut::<HEADER_SIZE>()
        && let Some((front, room)) = room.split_first_chunk_mut::<N>()
    {
        *length = ((N + body.len()) as u16).to_be_bytes();
        *front = head;
        short::copy(room, body);
    } else {
        short::mismatch();
    }
}

impl Framing {
    /// For packets of at most so many bytes.
    #[must_use]
    pub fn new(packet_size_max: usize) -> Self {
        Self {
            input: BytesMut::new(),
            parked: false,
            pieces: Vec::new(),
            joined: false,
            to_skip: 0,
            packet_size_max,
        }
    }

    /// Takes what was read.
    pub fn handle_bytes(&mut self, bytes: BytesMut) {
        if self.input.is_empty() {
            self.input = bytes;
            self.parked = false;
        } else {
            self.input.extend_from_slice(&bytes);
        }
    }

    /// The next packet, in order. `None`: all that was read is used up.
    pub fn poll_packet(&mut self) -> Option<Received<'_>> {
        if std::mem::take(&mut self.joined) {
            self.pieces.clear();
        }
        loop {
            if self.to_skip > 0 {
                let skipped = self.to_skip.min(self.input.len());
                self.input.advance(skipped);
                self.to_skip -= skipped;
            }
            if self.input.is_empty() {
                // An empty piece holds the shared buffer like any other.
                self.input = BytesMut::new();
                return None;
            }
            if self.pieces.is_empty()
                && let Some(length) = parse_length(&self.input)
            {
                if length == 0 {
                    self.input.advance(HEADER_SIZE);
                    continue;
                }
                if length > self.packet_size_max {
                    self.input.advance(HEADER_SIZE);
                    self.to_skip = length;
                    return Some(Received::TooLong(length));
                }
                if self.input.len() >= HEADER_SIZE + length {
                    self.input.advance(HEADER_SIZE);
                    return Some(Received::Whole(self.input.split_to(length).freeze()));
                }
            }
            match self.join() {
                Joined::Nothing => {}
                Joined::TooLong(length) => return Some(Received::TooLong(length)),
                Joined::Packet => {
                    self.joined = true;
                    return Some(Received::Joined(&self.pieces[HEADER_SIZE..]));
                }
            }
        }
    }

    /// Moves input to the unfinished packet: up to the end of its length, or of itself.
    fn join(&mut self) -> Joined {
        let length = parse_length(&self.pieces);
        let whole = HEADER_SIZE + length.unwrap_or_default();
        let missing = whole - self.pieces.len();
        if self.pieces.capacity() == 0 {
            self.pieces.reserve_exact(HEADER_SIZE + self.packet_size_max);
        }
        let taken = self.input.split_to(missing.min(self.input.len()));
        self.pieces.extend_from_slice(&taken);
        if taken.len() < missing {
            return Joined::Nothing;
        }
        if length.is_some() {
            return Joined::Packet;
        }
        match parse_length(&self.pieces) {
            Some(length) if length > self.packet_size_max => {
                self.pieces.clear();
                self.to_skip = length;
                Joined::TooLong(length)
            }
            Some(0) => {
                self.pieces.clear();
                Joined::Nothing
            }
            _ => Joined::Nothing,
        }
    }

    /// Moves what is left of the input out of the shared read buffer into memory of its own. To be
    /// called when polling stops before the end.
    pub fn park(&mut self) {
        if !std::mem::replace(&mut self.parked, true) {
            self.input = BytesMut::from(&self.input[..]);
        }
    }
}

enum Joined {
    Nothing,
    TooLong(usize),
    Packet,
}
