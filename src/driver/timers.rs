//! Deadlines of connections and streams, in one heap.
//!
//! A deadline that moves later is not touched in the heap, so the packets that push a timeout
//! ahead cost nothing here. Its entry moves when it is the next one: nobody is woken for a time
//! that counts no more.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::proto::time::Micros;
use crate::pump::growth;

/// Whose deadline.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Owner {
    /// A connection slot.
    Connection(u32),
    /// A stream.
    Stream(u32),
}

/// The deadline of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Armed {
    /// Where its entry is in the heap.
    entry: Micros,
    /// When it wants to be asked; never before its entry.
    wanted: Micros,
}

/// What becomes of an entry that is the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revision {
    /// Its time counts.
    Keep,
    /// Its owner wants to be asked later.
    Move(Micros),
    /// Its owner has another entry, or none, or is gone.
    Drop,
}

impl Armed {
    /// No deadline.
    pub const NONE: Self = Self { entry: Micros::MAX, wanted: Micros::MAX };

    /// The owner wants to be asked at `deadline`, which is no earlier than before.
    pub fn postpone(&mut self, deadline: Option<Micros>) {
        self.wanted = deadline.unwrap_or(Micros::MAX).max(self.entry);
    }

    /// When the owner wants to be asked; [`Micros::MAX`] is never.
    #[inline]
    pub const fn wanted(&self) -> Micros {
        self.wanted
    }

    /// Is there an entry?
    pub const fn has_entry(&self) -> bool {
        self.entry != Micros::MAX
    }

    /// The entry popped at `deadline` is this one; it is no longer in the heap.
    pub fn take(&mut self, deadline: Micros) -> bool {
        let mine = self.entry == deadline;
        if mine {
            *self = Self::NONE;
        }
        mine
    }

    /// What becomes of the entry at `deadline`, which is the next one.
    pub const fn revise(&mut self, deadline: Micros) -> Revision {
        if self.entry != deadline {
            return Revision::Drop;
        }
        if self.wanted <= deadline {
            return Revision::Keep;
        }
        self.entry = self.wanted;
        if self.wanted == Micros::MAX { Revision::Drop } else { Revision::Move(self.wanted) }
    }
}

/// The heap.
#[derive(Default)]
pub struct Timers {
    heap: BinaryHeap<Reverse<(Micros, Owner)>>,
}

impl Timers {
    /// Makes sure that the owner is asked at `deadline`.
    pub fn arm(&mut self, owner: Owner, armed: &mut Armed, deadline: Option<Micros>) {
        armed.wanted = deadline.unwrap_or(Micros::MAX);
        if armed.wanted < armed.entry {
            armed.entry = armed.wanted;
            if self.heap.len() == self.heap.capacity() {
                self.heap.reserve_exact(growth::growth(self.heap.len()));
            }
            self.heap.push(Reverse((armed.wanted, owner)));
        }
    }

    /// Moves or drops entries until the next one counts or lies behind `horizon`; `revise` gives
    /// what [`Armed::revise`] of the owner says. Who looks no farther than the horizon need not
    /// care whether later ones count: an entry that moves with each message would move for nothing.
    pub fn settle(&mut self, horizon: Micros, mut revise: impl FnMut(Owner, Micros) -> Revision) {
        while let Some(&Reverse((deadline, owner))) = self.heap.peek()
            && deadline <= horizon
            && let Some(mut next) = self.heap.peek_mut()
        {
            match revise(owner, deadline) {
                Revision::Keep => return,
                Revision::Move(later) => *next = Reverse((later, owner)),
                Revision::Drop => drop(PeekMut::pop(next)),
            }
        }
    }

    /// The next entry that is due; the owner's [`Armed::take`] tells whether it still counts.
    pub fn poll_due(&mut self, now: Micros) -> Option<(Micros, Owner)> {
        let &Reverse((deadline, owner)) = self.heap.peek()?;
        if deadline > now {
            return None;
        }
        self.heap.pop();
        Some((deadline, owner))
    }

    /// The next entry; after [`settle`](Self::settle) it counts, if it is not behind the horizon.
    pub fn peek(&self) -> Option<(Micros, Owner)> {
        self.heap.peek().map(|&Reverse(next)| next)
    }
}

#[cfg(test)]
mod heap;
#[cfg(test)]
mod jumps;
#[cfg(test)]
mod tests;
