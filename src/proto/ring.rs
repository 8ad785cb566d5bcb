//! A ring of bytes: what is appended keeps its position until the bytes in front of it are let
//! go. It doubles when it is full; positions never change.

use std::hint::cold_path;

use super::short;

/// Bytes of the first allocation.
const CAPACITY_MIN: usize = 1024;

/// The ring.
#[derive(Default)]
pub struct ByteRing {
    /// A power of two long, or empty.
    storage: Vec<u8>,
    head: u64,
    tail: u64,
}

impl std::fmt::Debug for ByteRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes in {}", self.len(), self.storage.len())
    }
}

impl ByteRing {
    /// Bytes held.
    pub const fn len(&self) -> usize {
        (self.tail - self.head) as usize
    }

    /// Is none held?
    pub const fn is_empty(&self) -> bool {
        self.head == self.tail
    }

    const fn place(&self, position: u64) -> usize {
        position as usize & (self.storage.len() - 1)
    }

    /// Appends bytes and returns where they begin.
    #[inline(always)]
    pub fn push(&mut self, parts: &[&[u8]]) -> u64 {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if self.len() + length > self.storage.len() {
            self.grow(self.len() + length);
        }
        let start = self.tail;
        for part in parts {
            if part.is_empty() {
                continue;
            }
            let place = self.place(self.tail);
            match self.storage.get_mut(place..place + part.len()) {
                Some(room) => room.copy_from_slice(part),
                None => self.wrap(place, part),
            }
            self.tail += part.len() as u64;
        }
        start
    }

    /// The same with one part.
    #[inline(always)]
    pub fn push_one(&mut self, part: &[u8]) -> u64 {
        let start = self.tail;
        let place = start as usize & self.storage.len().wrapping_sub(1);
        if self.len() + part.len() <= self.storage.len()
            && let Some(room) = self.storage.get_mut(place..place + part.len())
        {
            self.tail += part.len() as u64;
            short::copy(room, part);
            return start;
        }
        cold_path();
        self.push_slowly(part)
    }

    #[cold]
    #[inline(never)]
    fn push_slowly(&mut self, part: &[u8]) -> u64 {
        self.push(&[part])
    }

    /// Writes a part that does not fit in front of the end.
    #[cold]
    fn wrap(&mut self, place: usize, part: &[u8]) {
        let (first, rest) = part.split_at(self.storage.len() - place);
        self.storage[place..].copy_from_slice(first);
        self.storage[..rest.len()].copy_from_slice(rest);
    }

    /// The bytes at a position, in two pieces because the ring has an end.
    pub fn get(&self, position: u64, length: usize) -> [&[u8]; 2] {
        if length == 0 {
            return [&[], &[]];
        }
        let place = self.place(position);
        let first = length.min(self.storage.len() - place);
        [&self.storage[place..place + first], &self.storage[..length - first]]
    }

    /// Bytes of memory that it has.
    pub const fn memory(&self) -> usize {
        self.storage.len()
    }

    /// Lets go of everything in front of a position.
    pub fn release(&mut self, position: u64) {
        self.head = position.clamp(self.head, self.tail);
    }

    /// Lets go of everything; positions begin anew, so nobody may keep one. What comes next wraps
    /// around the end only if it is as long as the ring.
    pub const fn clear(&mut self) {
        (self.head, self.tail) = (0, 0);
    }

    /// Gives the memory back; only of an empty ring.
    pub fn shrink(&mut self) {
        if self.head == self.tail {
            self.storage = Vec::new();
        }
    }

    #[cold]
    fn grow(&mut self, needed: usize) {
        let capacity = needed.next_power_of_two().max(CAPACITY_MIN);
        let mut bigger = vec![0; capacity];
        let [one, two] = self.get(self.head, self.len());
        let mut position = self.head;
        for part in [one, two] {
            let place = position as usize & (capacity - 1);
            let first = part.len().min(capacity - place);
            bigger[place..place + first].copy_from_slice(&part[..first]);
            bigger[..part.len() - first].copy_from_slice(&part[first..]);
            position += part.len() as u64;
        }
        self.storage = bigger;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_ring_holds_no_memory() {
        let mut ring = ByteRing::default();
        assert_eq!(ring.push(&[b""]), 0);
        assert_eq!(ring.get(0, 0), [&[][..], &[]]);
        assert!(ring.storage.is_empty());
        ring.push(&[b"abc"]);
        ring.release(3);
        ring.shrink();
        assert!(ring.storage.is_empty());
    }

    proptest! {
        #[test]
        fn it_is_a_queue(steps: Vec<(bool, Vec<u8>)>, cut in 0usize..9) {
            let mut ring = ByteRing::default();
            let mut model: VecDeque<(u64, Vec<u8>)> = VecDeque::new();
            for (push, data) in steps {
                if push || model.is_empty() {
                    let (one, two) = data.split_at(cut.min(data.len()));
                    let whole = cut == 8;
                    let position =
                        if whole { ring.push_one(&data) } else { ring.push(&[one, two]) };
                    model.push_back((position, data));
                } else {
                    model.pop_front();
                    let head = model.front().map_or(ring.tail, |front| front.0);
                    ring.release(head);
                }
                for (position, data) in &model {
                    prop_assert_eq!(&ring.get(*position, data.len()).concat(), data);
                }
                prop_assert_eq!(ring.len(), model.iter().map(|item| item.1.len()).sum::<usize>());
            }
        }
    }
}
