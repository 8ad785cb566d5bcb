//! A chunk of the read buffer, all of whose bytes stay initialised: to clear it for each use again
//! cost a seventh of the time of an echo of 16 KiB.
//!
//! The only place in the pump with `unsafe`. It must not know what the chunk is for.
#![allow(
    unsafe_code,
    reason = "nothing safe says that memory is initialised; the one place is explained"
)]

use std::ops::Range;

use bytes::BytesMut;

/// Bytes of a chunk.
pub const CHUNK_SIZE: usize = 256 * 1024;

/// A chunk, or what is left of one at its end.
pub struct Chunk {
    /// Pieces are split off the front.
    rest: BytesMut,
    /// The address of the whole chunk's first byte.
    start: usize,
}

impl Chunk {
    /// No chunk; can never be used again.
    pub fn none() -> Self {
        Self { rest: BytesMut::new(), start: 0 }
    }

    /// A whole chunk of zeros.
    pub fn new() -> Self {
        let rest = BytesMut::zeroed(CHUNK_SIZE);
        let start = rest.as_ptr().addr();
        Self { rest, start }
    }

    /// Is it [`none`](Self::none)?
    pub const fn is_none(&self) -> bool {
        self.start == 0
    }

    /// Bytes that are left.
    #[inline]
    pub fn len(&self) -> usize {
        self.rest.len()
    }

    /// The first of what is left, at most so many.
    #[inline]
    pub fn window(&mut self, most: usize) -> &mut [u8] {
        let size = self.rest.len().min(most);
        &mut self.rest[..size]
    }

    /// A part of what is left, if it reaches so far.
    #[inline(always)]
    pub fn room_at(&mut self, range: Range<usize>) -> Option<&mut [u8]> {
        self.rest.get_mut(range)
    }

    /// Splits off the first of what is left.
    #[inline]
    pub fn split_to(&mut self, count: usize) -> BytesMut {
        self.rest.split_to(count)
    }

    /// Makes the chunk whole again if all of its pieces are gone. Its bytes are what they were
    /// last.
    pub fn reclaim(&mut self) -> bool {
        self.rest.clear();
        if self.is_none() || !self.rest.try_reclaim(CHUNK_SIZE) {
            return false;
        }
        // With memory in front of it the handle would not begin where the chunk does.
        let whole = self.rest.as_ptr().addr() == self.start && self.rest.capacity() >= CHUNK_SIZE;
        if whole {
            // SAFETY: the handle is in the allocation that `new` has made: nothing here puts
            // another one in its place, or lets anybody else do so, and `try_reclaim` makes none.
            // It begins at the first byte of that. The first CHUNK_SIZE bytes were initialised by
            // `zeroed`, and writing bytes leaves them so. The capacity has just been checked.
            unsafe { self.rest.set_len(CHUNK_SIZE) };
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_whole_again_once_its_pieces_are_gone_and_not_before() {
        for sizes in [&[CHUNK_SIZE][..], &[1], &[70, 1000, 3], &[CHUNK_SIZE - 1, 1], &[]] {
            let mut chunk = Chunk::new();
            let address = chunk.window(1).as_ptr();
            for turn in 1..4 {
                let split = |&size| chunk.split_to(size);
                let mut pieces: Vec<BytesMut> = sizes.iter().map(split).collect();
                for piece in &mut pieces {
                    piece.fill(turn);
                }
                while let Some(piece) = pieces.pop() {
                    assert!(!chunk.reclaim() && chunk.len() == 0);
                    assert!(piece.iter().all(|&byte| byte == turn));
                }
                assert!(chunk.reclaim());
                assert_eq!((chunk.window(1).as_ptr(), chunk.len()), (address, CHUNK_SIZE));
                let used: usize = sizes.iter().sum();
                let expected = |place| if place < used { turn } else { 0 };
                let bytes = chunk.window(CHUNK_SIZE);
                assert!((0..CHUNK_SIZE).all(|place| bytes[place] == expected(place)));
            }
        }
        assert!(!Chunk::none().reclaim());
    }
}
