//! Memory that the payloads of several events lie in: a piece of the read buffer, which is held
//! once for all of them, so that one more event costs no more than to say where it lies.

use bytes::Bytes;

/// A place in the table.
pub type PieceId = u32;

struct Piece {
    memory: Bytes,
    /// Events that lie in it.
    events: u32,
}

/// All pieces that events lie in.
#[derive(Default)]
pub struct Pieces {
    list: Vec<Piece>,
    free: Vec<PieceId>,
}

impl Pieces {
    /// Nothing lies anywhere.
    pub const fn new() -> Self {
        Self { list: Vec::new(), free: Vec::new() }
    }

    /// A place for a piece whose memory [`fill`](Self::fill) brings.
    #[inline]
    pub fn reserve(&mut self) -> PieceId {
        self.free.pop().unwrap_or_else(|| {
            self.list.push(Piece { memory: Bytes::new(), events: 0 });
            self.list.len() as PieceId - 1
        })
    }

    /// The memory of a piece, and how many events lie in it: without any the place is free again.
    #[inline]
    pub fn fill(&mut self, id: PieceId, memory: Bytes, events: u32) {
        if events > 0 {
            self.list[id as usize] = Piece { memory, events };
        } else {
            self.free.push(id);
        }
    }

    /// The memory of a piece.
    #[inline]
    pub fn memory(&self, id: PieceId) -> &Bytes {
        &self.list[id as usize].memory
    }

    /// One of its events is gone. The last one lets go of the memory.
    #[inline]
    pub fn release(&mut self, id: PieceId) {
        let piece = &mut self.list[id as usize];
        piece.events -= 1;
        if piece.events == 0 {
            piece.memory = Bytes::new();
            self.free.push(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_let_go_of_with_its_last_event_and_the_place_used_again() {
        let mut pieces = Pieces::new();
        let memory = Bytes::from(vec![7; 100]);
        let (first, none) = (pieces.reserve(), pieces.reserve());
        pieces.fill(first, memory.clone(), 2);
        pieces.fill(none, Bytes::new(), 0);
        assert_eq!(pieces.memory(first), &memory);
        pieces.release(first);
        assert!(!memory.is_unique(), "one event still lies there");
        pieces.release(first);
        assert!(memory.is_unique());
        let mut places = [pieces.reserve(), pieces.reserve()];
        places.sort_unstable();
        assert_eq!(places, [first, none]);
    }
}
