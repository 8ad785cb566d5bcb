//! What waits to be sent on one stream: bytes that were written here, and memory of others that is
//! sent from where it lies. It knows no socket and no meaning, and never changes the order.

use std::collections::VecDeque;
use std::hint::cold_path;
use std::io::IoSlice;

use bytes::Bytes;

/// Pieces that one call of the system gets at most.
pub const SLICES_MAX: usize = 64;
/// Bytes of the largest buffer that is kept for other streams.
const POOLED_SIZE_MAX: usize = 64 * 1024;
/// Buffers kept for other streams.
const POOLED_MAX: usize = 256;
/// A borrowed piece that is shorter is copied when it has to wait: what it is a part of may be
/// several times as long.
const BORROWED_SIZE_MIN: usize = 128 * 1024;

/// Bytes of the first room for short messages: little, because whoever answers thousands at once
/// has as many rooms.
const ROOM_SIZE_MIN: usize = 128;
/// Pieces for which a stream keeps room when none waits.
const PIECES_KEPT_MAX: usize = 8;

enum Piece {
    Written(Vec<u8>),
    Shared(Bytes),
    /// A part of what was received.
    Borrowed(Bytes),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Written(bytes) => bytes,
            Self::Shared(bytes) | Self::Borrowed(bytes) => bytes,
        }
    }
}

/// Bytes on their way out, in order.
#[derive(Default)]
pub struct Outbox {
    /// What few streams have.
    queue: Option<Box<Queue>>,
    /// What waits, and behind it room that was written once and means nothing.
    tail: Vec<u8>,
    /// Bytes of the room.
    room: usize,
    /// Bytes at the front that are gone already.
    sent: usize,
    /// Bytes that have left since the beginning.
    left: u64,
}

#[derive(Default)]
struct Queue {
    /// In front of the tail; empty as long as no memory of others waits.
    pieces: VecDeque<Piece>,
    /// Their bytes.
    size: usize,
    /// Where messages end that are counted, as [`Outbox::left`] will be then.
    marks: VecDeque<u64>,
}

impl Queue {
    fn push(&mut self, piece: Piece) {
        self.size += piece.bytes().len();
        self.pieces.push_back(piece);
    }
}

impl Outbox {
    /// Where to append bytes. `pool` lends memory to one that had none, so that an idle stream
    /// holds none.
    #[inline]
    pub fn tail(&mut self, pool: &mut Vec<Vec<u8>>) -> &mut Vec<u8> {
        if self.tail.capacity() == 0
            && let Some(buffer) = pool.pop()
        {
            self.room = buffer.len();
            self.tail = buffer;
        }
        self.cut_room();
        &mut self.tail
    }

    /// So many more bytes, all of which must be written: to append a short message so costs less
    /// than to grow a vector by it.
    #[inline(always)]
    pub fn take_room(&mut self, size: usize, pool: &mut Vec<Vec<u8>>) -> &mut [u8] {
        if size > self.room {
            cold_path();
            self.grow_room(size, pool);
        }
        let start = self.waiting();
        self.room -= size;
        &mut self.tail[start..start + size]
    }

    #[inline(never)]
    fn grow_room(&mut self, size: usize, pool: &mut Vec<Vec<u8>>) {
        if self.tail.capacity() == 0
            && let Some(buffer) = pool.pop()
        {
            self.room = buffer.len();
            self.tail = buffer;
        }
        if size > self.room {
            let waiting = self.waiting();
            self.room = size.max(waiting).max(ROOM_SIZE_MIN);
            self.tail.resize(waiting + self.room, 0);
        }
    }

    fn cut_room(&mut self) {
        self.tail.truncate(self.waiting());
        self.room = 0;
    }

    /// Bytes of the tail that mean something.
    #[inline(always)]
    const fn waiting(&self) -> usize {
        self.tail.len() - self.room
    }

    /// The bytes of the tail that mean something.
    fn written(&self) -> &[u8] {
        &self.tail[..self.waiting()]
    }

    /// Appends memory that is sent from where it lies, and let go of when it has left.
    pub fn push(&mut self, memory: Bytes) {
        self.push_piece(Piece::Shared(memory));
    }

    /// The same with a part of what was received, which others may want back soon: what does not
    /// leave at once is copied.
    pub fn push_borrowed(&mut self, memory: Bytes) {
        self.push_piece(Piece::Borrowed(memory));
    }

    fn push_piece(&mut self, piece: Piece) {
        if piece.bytes().is_empty() {
            return;
        }
        self.cut_room();
        let queue = self.queue.get_or_insert_default();
        if !self.tail.is_empty() {
            queue.push(Piece::Written(std::mem::take(&mut self.tail)));
        }
        queue.push(piece);
    }

    /// Bytes that wait.
    #[inline(always)]
    pub fn len(&self) -> usize {
        match &self.queue {
            None => self.waiting() - self.sent,
            Some(queue) => queue.size + self.waiting() - self.sent,
        }
    }

    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.queue.iter().flat_map(|queue| &queue.pieces)
    }

    /// Bytes that have left since the beginning.
    pub const fn left(&self) -> u64 {
        self.left
    }

    /// A message ends here, and counts until it has left.
    pub fn mark(&mut self) {
        let end = self.left + self.len() as u64;
        self.queue.get_or_insert_default().marks.push_back(end);
    }

    /// How many messages count.
    pub fn marks(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.marks.len())
    }

    /// Is everything gone?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes at the front that lie together: all that wait, unless memory of others does.
    pub fn front(&self) -> &[u8] {
        let front = self.pieces().next().map_or(self.written(), Piece::bytes);
        &front[self.sent..]
    }

    /// The bytes that wait, if some do and nothing else ever did here.
    #[inline]
    pub fn alone(&self) -> Option<&[u8]> {
        let waits = self.queue.is_none() && self.waiting() > self.sent;
        waits.then(|| &self.tail[self.sent..self.waiting()])
    }

    /// All that was [`alone`](Self::alone) has left.
    #[inline]
    pub fn clear_alone(&mut self, pool: &mut Vec<Vec<u8>>) {
        self.left += (self.waiting() - self.sent) as u64;
        (self.sent, self.room) = (0, 0);
        give(pool, std::mem::take(&mut self.tail));
    }

    /// Does more wait than [`front`](Self::front) shows?
    pub fn is_split(&self) -> bool {
        self.queue.as_ref().is_some_and(|queue| !queue.pieces.is_empty())
    }

    /// What waits, as far as `slices` has places; returns how many are filled.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; SLICES_MAX]) -> usize {
        let all = self.pieces().map(Piece::bytes).chain([self.written()]);
        let mut skipped = self.sent;
        let mut count = 0;
        for bytes in all.filter(|bytes| !bytes.is_empty()).take(SLICES_MAX) {
            slices[count] = IoSlice::new(&bytes[std::mem::take(&mut skipped)..]);
            count += 1;
        }
        count
    }

    fn return_borrowed(&mut self) {
        let Some(queue) = &mut self.queue else { return };
        for (place, piece) in queue.pieces.iter_mut().enumerate() {
            let gone = if place == 0 { std::mem::take(&mut self.sent) } else { 0 };
            match piece {
                Piece::Borrowed(bytes) if bytes.len() < BORROWED_SIZE_MIN => {
                    queue.size -= gone;
                    *piece = Piece::Shared(Bytes::copy_from_slice(&bytes[gone..]));
                }
                _ => self.sent += gone,
            }
        }
    }

    /// So many bytes at the front have left. Memory whose bytes are all gone is let go of.
    pub fn advance(&mut self, count: usize, pool: &mut Vec<Vec<u8>>) {
        self.sent += count;
        self.left += count as u64;
        let Some(queue) = &mut self.queue else {
            return;
        };
        while queue.marks.front().is_some_and(|&end| end <= self.left) {
            queue.marks.pop_front();
        }
        while let Some(piece) = queue.pieces.front() {
            let size = piece.bytes().len();
            if self.sent < size {
                return;
            }
            self.sent -= size;
            queue.size -= size;
            if let Some(Piece::Written(buffer)) = queue.pieces.pop_front() {
                give(pool, buffer);
            }
        }
    }

    /// To be called when nothing leaves for now: an empty buffer goes back to the pool, and what
    /// was sent of a long one is cut off.
    pub fn settle(&mut self, pool: &mut Vec<Vec<u8>>) {
        if self.is_split() {
            self.return_borrowed();
            return;
        }
        // Where messages are counted the next one comes soon.
        let long = |queue: &Queue| queue.pieces.capacity() > PIECES_KEPT_MAX;
        if self.queue.as_deref().is_some_and(long) && self.marks() == 0 {
            self.queue = None;
        }
        if self.sent == self.waiting() {
            (self.sent, self.room) = (0, 0);
            give(pool, std::mem::take(&mut self.tail));
        } else if self.sent > self.waiting() / 2 {
            self.tail.drain(..self.sent);
            self.sent = 0;
        }
    }
}

/// Gives an empty buffer back to the pool; cuts off what was sent of a long one.
pub(super) fn cut(bytes: &mut Vec<u8>, sent: &mut usize, pool: &mut Vec<Vec<u8>>) {
    if *sent == bytes.len() {
        *sent = 0;
        give(pool, std::mem::take(bytes));
    } else if *sent > bytes.len() / 2 {
        bytes.drain(..*sent);
        *sent = 0;
    }
}

/// What the buffer holds means nothing any more; as room it needs not be written again.
#[inline]
fn give(pool: &mut Vec<Vec<u8>>, buffer: Vec<u8>) {
    if buffer.capacity() > 0 && buffer.capacity() <= POOLED_SIZE_MAX && pool.len() < POOLED_MAX {
        pool.push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What leaves when the system takes `step` bytes at a time.
    fn drain(outbox: &mut Outbox, pool: &mut Vec<Vec<u8>>, step: usize) -> Vec<u8> {
        let mut left = Vec::new();
        while !outbox.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = outbox.slices(&mut slices);
            let shown: Vec<u8> = slices[..count].iter().flat_map(|s| s.iter().copied()).collect();
            assert!(shown.starts_with(outbox.front()) && !outbox.front().is_empty());
            assert!(outbox.is_split() || shown == outbox.front());
            let taken = step.min(shown.len());
            left.extend_from_slice(&shown[..taken]);
            outbox.advance(taken, pool);
            outbox.settle(pool);
        }
        left
    }

    #[test]
    fn written_and_shared_bytes_leave_in_the_order_in_which_they_came() {
        for step in 1..20 {
            let mut pool = Vec::new();
            let mut outbox = Outbox::default();
            outbox.tail(&mut pool).extend_from_slice(b"one");
            outbox.push(Bytes::from_static(b"TWO"));
            outbox.push(Bytes::new());
            outbox.push(Bytes::from_static(b"THREE"));
            outbox.tail(&mut pool).extend_from_slice(b"four");
            outbox.tail(&mut pool).extend_from_slice(b"five");
            outbox.push(Bytes::from_static(b"SIX"));
            assert_eq!(outbox.len(), 22);
            assert_eq!(drain(&mut outbox, &mut pool, step), b"oneTWOTHREEfourfiveSIX");
            assert!(!outbox.is_split() && outbox.tail.capacity() == 0, "holds nothing");
            assert!(!pool.is_empty());
        }
    }

    #[test]
    fn shared_memory_is_let_go_of_as_soon_as_it_has_left() {
        let mut pool = Vec::new();
        let mut outbox = Outbox::default();
        let memory = Bytes::from(vec![7; 100]);
        outbox.push(memory.clone());
        outbox.push(memory.slice(..10));
        outbox.advance(100, &mut pool);
        assert!(!memory.is_unique(), "ten bytes still wait");
        outbox.advance(10, &mut pool);
        assert!(memory.is_unique() && outbox.is_empty());
        outbox.push(memory.clone());
        drop(outbox);
        assert!(memory.is_unique());
    }

    #[test]
    fn what_was_written_into_room_leaves_in_its_order_and_nothing_else_does() {
        for step in [1, 3, 7, 40, 1000] {
            let (mut pool, mut outbox, mut all) = (Vec::new(), Outbox::default(), Vec::new());
            for round in 0..300_usize {
                let bytes = vec![round as u8; 1 + round * 5 % 700];
                match round % 7 {
                    0 => outbox.push(Bytes::from(bytes.clone())),
                    1 | 2 => outbox.tail(&mut pool).extend_from_slice(&bytes),
                    _ => outbox.take_room(bytes.len(), &mut pool).copy_from_slice(&bytes),
                }
                all.extend_from_slice(&bytes);
                assert_eq!(outbox.len(), all.len());
                if round % 20 == 19 {
                    // A part of it leaves, or all, and the memory goes round.
                    let count = if round % 40 == 39 { all.len() } else { step.min(all.len()) };
                    let mut left = Vec::new();
                    while left.len() < count {
                        let front = outbox.front();
                        let taken = front.len().min(count - left.len());
                        left.extend_from_slice(&front[..taken]);
                        outbox.advance(taken, &mut pool);
                    }
                    outbox.settle(&mut pool);
                    assert_eq!(left, all.drain(..count).collect::<Vec<_>>());
                }
            }
            assert_eq!(drain(&mut outbox, &mut pool, step), all);
        }
    }

    #[test]
    fn what_was_borrowed_goes_back_when_it_has_to_wait() {
        for sent in [0, 1, 3, 5, 9] {
            let mut pool = Vec::new();
            let mut outbox = Outbox::default();
            let (short, long) = (Bytes::from(b"short".to_vec()), Bytes::from(vec![7; 1 << 17]));
            outbox.tail(&mut pool).extend_from_slice(b"one");
            outbox.push_borrowed(short.clone());
            outbox.push_borrowed(long.clone());
            let all = outbox.len();
            outbox.advance(sent, &mut pool);
            outbox.settle(&mut pool);
            assert_eq!(outbox.len(), all - sent);
            assert!(short.is_unique() && !long.is_unique());
            let rest = [b"oneshort", &long[..]].concat();
            assert_eq!(drain(&mut outbox, &mut pool, 1000), rest[sent..]);
            assert!(long.is_unique());
        }
    }

    #[test]
    fn a_message_counts_until_its_last_byte_has_left() {
        let mut pool = Vec::new();
        let mut outbox = Outbox::default();
        for _ in 0..3 {
            outbox.tail(&mut pool).extend_from_slice(b"12345");
            outbox.push(Bytes::from_static(b"67"));
            outbox.mark();
        }
        assert_eq!(outbox.marks(), 3);
        outbox.advance(6, &mut pool);
        assert_eq!((outbox.marks(), outbox.left()), (3, 6));
        outbox.advance(1, &mut pool);
        assert_eq!(outbox.marks(), 2);
        drain(&mut outbox, &mut pool, 4);
        assert_eq!((outbox.marks(), outbox.left()), (0, 21));
    }

    #[test]
    fn more_pieces_than_one_call_takes_leave_in_several() {
        let mut pool = Vec::new();
        let mut outbox = Outbox::default();
        let all: Vec<u8> = (0..3 * SLICES_MAX as u32).map(|index| index as u8).collect();
        for byte in &all {
            outbox.push(Bytes::copy_from_slice(&[*byte]));
        }
        assert_eq!(drain(&mut outbox, &mut pool, usize::MAX), all);
    }
}
