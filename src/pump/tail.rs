//! Bytes that grow at their end, a few at a time: to append costs little more than to copy.
//!
//! Its memory is written once when it grows, so that nothing has to be asked of it later. It knows
//! nothing of what it holds.

use std::hint::cold_path;
use std::ops::Deref;

use crate::proto::short;

/// Bytes by which it grows at least.
const GROWTH_MIN: usize = 2048;

/// The bytes.
#[derive(Default)]
pub struct Tail {
    /// As long as was ever needed; what is behind `used` means nothing.
    memory: Vec<u8>,
    used: usize,
}

impl Tail {
    /// Without bytes, and with room for some.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { memory: Vec::with_capacity(capacity), used: 0 }
    }

    /// How many there are.
    #[inline]
    pub const fn len(&self) -> usize {
        self.used
    }

    /// Appends two parts.
    #[inline(always)]
    pub fn append(&mut self, head: &[u8], body: &[u8]) {
        let size = head.len() + body.len();
        let end = self.used + size;
        if end > self.memory.len() {
            cold_path();
            self.grow(end);
        }
        let room = &mut self.memory[self.used..end];
        room[..head.len()].copy_from_slice(head);
        room[head.len()..].copy_from_slice(body);
        self.used = end;
    }

    /// Appends the first `size` bytes of a head, and a body.
    #[inline(always)]
    pub fn append_cut<const N: usize>(&mut self, head: &[u8; N], size: usize, body: &[u8]) {
        // Whole, which is cheaper; the body comes over what is too much.
        if let Some(room) = self.memory.get_mut(self.used..)
            && size <= room.len()
            && body.len() <= room.len() - size
            && let Some(start) = room.first_chunk_mut::<N>()
        {
            *start = *head;
            short::copy(&mut room[size..][..body.len()], body);
            self.used += size + body.len();
            return;
        }
        cold_path();
        // Another one, so that the first needs no place in memory.
        let head = *head;
        self.append(&head[..size], body);
    }

    /// The same with a head that is made where it lies.
    #[inline(always)]
    pub fn append_made<const N: usize>(&mut self, head: impl FnOnce() -> [u8; N], body: &[u8]) {
        if let Some(room) = self.memory.get_mut(self.used..)
            && let Some((front, room)) = room.split_first_chunk_mut::<N>()
            && let Some(room) = room.get_mut(..body.len())
        {
            *front = head();
            short::copy(room, body);
            self.used += N + body.len();
        } else {
            cold_path();
            self.append(&head(), body);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, size: usize) {
        self.memory.resize(size.max(self.memory.len() + GROWTH_MIN), 0);
    }

    /// Lets `write` append to a vector of all bytes.
    pub fn append_with<R>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        self.memory.truncate(self.used);
        let result = write(&mut self.memory);
        self.used = self.memory.len();
        result
    }

    /// Forgets all bytes, and keeps the memory.
    pub const fn clear(&mut self) {
        self.used = 0;
    }

    /// Gives back what memory is above so many bytes. Only without bytes.
    pub fn shrink_to(&mut self, size: usize) {
        if self.memory.capacity() > size {
            self.memory.truncate(self.used.max(size));
            self.memory.shrink_to(size);
        }
    }

    /// Forgets the first bytes.
    pub fn drain_front(&mut self, count: usize) {
        self.memory.copy_within(count..self.used, 0);
        self.used -= count;
    }
}

impl Deref for Tail {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.memory[..self.used]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_was_appended_in_whatever_way() {
        let mut tail = Tail::with_capacity(3);
        let mut model = Vec::new();
        for round in 0..200_usize {
            let bytes: Vec<u8> = (0..round * 7).map(|byte| byte as u8).collect();
            match round % 5 {
                0 => {
                    tail.append_cut(b"heading", 4, &bytes);
                    model.extend_from_slice(b"head");
                    model.extend_from_slice(&bytes);
                }
                1 => {
                    tail.append(b"head", &bytes);
                    model.extend_from_slice(b"head");
                    model.extend_from_slice(&bytes);
                    tail.append_made(|| *b"front", &bytes);
                    model.extend_from_slice(b"front");
                    model.extend_from_slice(&bytes);
                }
                2 => assert_eq!(
                    tail.append_with(|all| {
                        all.extend_from_slice(&bytes);
                        7
                    }),
                    7
                ),
                3 => tail.drain_front(model.len() / 2),
                _ => tail.append_with(|_| ()),
            }
            match round % 5 {
                2 => model.extend_from_slice(&bytes),
                3 => drop(model.drain(..model.len() / 2)),
                _ => {}
            }
            assert_eq!((&*tail, tail.len()), (&model[..], model.len()));
        }
        tail.clear();
        assert!(tail.is_empty() && tail.memory.capacity() > 0);
        tail.append(b"", b"again");
        assert_eq!(*tail, *b"again");
    }

    #[test]
    fn memory_above_a_bound_is_given_back() {
        let mut tail = Tail::default();
        tail.append(&[7; 10_000], &[]);
        tail.clear();
        tail.shrink_to(100);
        assert!(tail.memory.capacity() < 10_000);
        tail.append(b"one", b"two");
        assert_eq!(*tail, *b"onetwo");
    }
}
