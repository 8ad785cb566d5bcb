//! A queue of small values in a ring: to append one costs little more than to write it.
//!
//! It doubles when it is full, and knows nothing of what it holds.

use std::hint::cold_path;
use std::ops::{Index, IndexMut};

/// Places of the first allocation.
const CAPACITY_MIN: usize = 4;

/// The queue.
#[derive(Debug)]
pub struct Slots<T> {
    /// A power of two long, or empty. What is outside of the queue means nothing.
    storage: Vec<T>,
    /// Place of the first.
    head: usize,
    length: usize,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { storage: Vec::new(), head: 0, length: 0 }
    }
}

impl<T: Copy> Slots<T> {
    /// How many there are.
    #[inline]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Is there none?
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    #[inline]
    const fn place(&self, index: usize) -> usize {
        (self.head + index) & self.storage.len().wrapping_sub(1)
    }

    /// Appends one.
    #[inline(always)]
    pub fn push(&mut self, value: T) {
        if self.length == self.storage.len() {
            cold_path();
            self.grow(value);
        }
        if let Some(mask) = self.storage.len().checked_sub(1) {
            self.storage[(self.head + self.length) & mask] = value;
            self.length += 1;
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, filler: T) {
        self.storage.rotate_left(self.head);
        self.head = 0;
        self.storage.resize((2 * self.length).max(CAPACITY_MIN), filler);
    }

    /// The first.
    #[inline]
    pub fn front(&self) -> Option<&T> {
        self.get(0)
    }

    /// The last.
    #[inline]
    pub fn back(&self) -> Option<&T> {
        self.get(self.length.checked_sub(1)?)
    }

    /// The same, to change it.
    #[inline]
    pub fn back_mut(&mut self) -> Option<&mut T> {
        self.get_mut(self.length.checked_sub(1)?)
    }

    /// The first is gone; there must be one.
    #[inline]
    pub fn drop_front(&mut self) {
        debug_assert!(!self.is_empty(), "there is a first");
        self.head = self.place(1);
        self.length -= 1;
    }

    /// Takes the first away.
    #[inline]
    pub fn pop_front(&mut self) -> Option<T> {
        let first = *self.front()?;
        self.drop_front();
        Some(first)
    }

    /// One of them.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&T> {
        if index < self.length { self.storage.get(self.place(index)) } else { None }
    }

    /// The same, to change it.
    #[inline]
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let place = self.place(index);
        if index < self.length { self.storage.get_mut(place) } else { None }
    }

    /// Gives the memory back; only of an empty queue.
    pub fn shrink(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }
}

impl<T: Copy> Index<usize> for Slots<T> {
    type Output = T;

    #[inline]
    fn index(&self, index: usize) -> &T {
        self.get(index).expect("is one of them")
    }
}

impl<T: Copy> IndexMut<usize> for Slots<T> {
    #[inline]
    fn index_mut(&mut self, index: usize) -> &mut T {
        self.get_mut(index).expect("is one of them")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_queue(steps: Vec<Option<u32>>) {
            let mut slots = Slots::default();
            let mut model = VecDeque::new();
            for step in steps {
                match step {
                    Some(value) => {
                        slots.push(value);
                        model.push_back(value);
                    }
                    None => prop_assert_eq!(slots.pop_front(), model.pop_front()),
                }
                if let Some(last) = model.len().checked_sub(1) {
                    model[last / 2] += 1;
                    slots[last / 2] += 1;
                }
                let held: Vec<_> = (0..slots.len()).map(|index| slots[index]).collect();
                prop_assert_eq!(held, Vec::from(model.clone()));
                prop_assert_eq!(slots.front(), model.front());
                prop_assert_eq!(slots.back(), model.back());
                prop_assert_eq!(slots.back_mut(), model.back_mut());
                prop_assert_eq!(slots.get(model.len()), None);
                prop_assert_eq!(slots.is_empty(), model.is_empty());
            }
        }
    }

    #[test]
    fn an_empty_one_gives_its_memory_back() {
        let mut slots = Slots::default();
        slots.push(1);
        slots.shrink();
        assert_eq!(slots.len(), 1, "it holds one");
        slots.pop_front();
        slots.shrink();
        assert!(slots.storage.capacity() == 0 && slots.get(0).is_none());
    }
}
