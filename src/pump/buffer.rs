//! The shared read buffer: one large chunk that all sockets of a driver read into, instead of a
//! buffer per connection.
//!
//! Pieces are split off without copying and live as long as the events that hold them; a chunk
//! whose pieces are all gone is used again.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::chunk::Chunk;

/// Bytes that one read may fill at least.
pub const READ_WINDOW: usize = 64 * 1024;
/// Bytes that one read may fill at most.
const READ_WINDOW_MAX: usize = 128 * 1024;
/// Chunks kept to be used again; more are given back to the allocator.
const CHUNKS_KEPT_MAX: usize = 16;

/// Bytes of TLS records that one read may bring. What they say, and a record that was not whole
/// before, fits into a read window.
const SEALED_WINDOW: usize = 32 * 1024;

/// The buffer.
pub struct ReadBuffer {
    /// Pieces are split off the front.
    chunk: Chunk,
    /// What is left of chunks whose pieces may still be in use.
    retired: VecDeque<Chunk>,
    /// TLS records on their way to a session; empty while there is no TLS.
    sealed: Vec<u8>,
    /// Bytes that were read from streams.
    pub stream_bytes: u64,
}

impl ReadBuffer {
    /// An empty buffer; the first chunk is allocated by the first read.
    pub fn new() -> Self {
        Self { chunk: Chunk::none(), retired: VecDeque::new(), sealed: Vec::new(), stream_bytes: 0 }
    }

    /// Where to read to; at least `READ_WINDOW` bytes.
    pub fn window(&mut self) -> &mut [u8] {
        if self.chunk.len() < READ_WINDOW {
            self.replace();
        }
        self.chunk.window(READ_WINDOW_MAX)
    }

    /// Where to read TLS records to, and where what they say goes.
    pub fn windows(&mut self) -> (&mut [u8], &mut [u8]) {
        if self.chunk.len() < READ_WINDOW {
            self.replace();
        }
        self.sealed.resize(SEALED_WINDOW, 0);
        (&mut self.sealed, self.chunk.window(READ_WINDOW))
    }

    /// Splits off the first `count` bytes of the window, which a read has filled.
    pub fn take(&mut self, count: usize) -> BytesMut {
        self.chunk.split_to(count)
    }

    /// A part of the window, or of what follows it; `None` when the chunk ends before.
    #[inline(always)]
    pub fn room_at(&mut self, range: Range<usize>) -> Option<&mut [u8]> {
        self.chunk.room_at(range)
    }

    /// A copy of `data` in the buffer: for bytes that came from elsewhere.
    pub fn copy(&mut self, data: &[u8]) -> Bytes {
        if data.is_empty() {
            return Bytes::new();
        }
        if data.len() > READ_WINDOW {
            return Bytes::copy_from_slice(data);
        }
        self.window()[..data.len()].copy_from_slice(data);
        self.take(data.len()).freeze()
    }

    fn replace(&mut self) {
        let old = std::mem::replace(&mut self.chunk, Chunk::none());
        if !old.is_none() {
            self.retired.push_back(old);
        }
        // The last one is the one most likely in the processor's cache.
        let free = self.retired.iter_mut().rposition(Chunk::reclaim);
        self.chunk = free.and_then(|place| self.retired.remove(place)).unwrap_or_else(Chunk::new);
        self.retired.truncate(CHUNKS_KEPT_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_used_again_once_its_pieces_are_gone() {
        let mut buffer = ReadBuffer::new();
        let piece = buffer.copy(b"first");
        let address = piece.as_ptr().addr();
        drop(piece);
        let mut seen_again = false;
        for _ in 0..20 {
            let window = buffer.window().as_ptr().addr();
            seen_again |= window == address;
            drop(buffer.take(READ_WINDOW));
        }
        assert!(seen_again);
    }

    #[test]
    fn a_piece_keeps_its_bytes_while_the_buffer_goes_on() {
        let mut buffer = ReadBuffer::new();
        let kept = buffer.copy(b"kept");
        for _ in 0..64 {
            buffer.window().fill(0xff);
            drop(buffer.take(READ_WINDOW));
        }
        assert_eq!(kept, b"kept"[..]);
    }
}
