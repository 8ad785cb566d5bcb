//! Deadlines of connections and streams, in one heap.
//!
//! A deadline that moves later is not touched in the heap, so the packets that push a timeout
//! ahead cost nothing here. Its entry moves when it is the next one: nobody is woken for a time
//! that counts no more.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::proto::time::Micros;

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
            self.heap.push(Reverse((armed.wanted, owner)));
        }
    }

    /// Moves or drops entries until the next one counts; `revise` gives what [`Armed::revise`] of
    /// the owner says.
    pub fn settle(&mut self, mut revise: impl FnMut(Owner, Micros) -> Revision) {
        while let Some(mut next) = self.heap.peek_mut() {
            let Reverse((deadline, owner)) = *next;
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

    /// When the next entry is due; after [`settle`](Self::settle) it counts.
    pub fn next_timeout(&self) -> Option<Micros> {
        self.heap.peek().map(|&Reverse((deadline, _))| deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Owners that are connections 0 and 1.
    fn settle(timers: &mut Timers, armed: &mut [Armed; 2]) -> Option<Micros> {
        timers.settle(|owner, deadline| match owner {
            Owner::Connection(index) => armed[index as usize].revise(deadline),
            Owner::Stream(_) => Revision::Drop,
        });
        timers.next_timeout()
    }

    #[test]
    fn a_deadline_that_has_moved_later_wakes_nobody_at_its_old_time() {
        let (mut timers, mut armed) = (Timers::default(), [Armed::NONE; 2]);
        timers.arm(Owner::Connection(0), &mut armed[0], Some(25));
        timers.arm(Owner::Connection(1), &mut armed[1], Some(30));
        timers.arm(Owner::Connection(0), &mut armed[0], Some(41));
        assert_eq!(settle(&mut timers, &mut armed), Some(30));
        timers.arm(Owner::Connection(1), &mut armed[1], None);
        assert_eq!(settle(&mut timers, &mut armed), Some(41));
        assert_eq!(timers.poll_due(41), Some((41, Owner::Connection(0))));
        assert!(armed[0].take(41) && !armed[1].take(30));
        assert_eq!(settle(&mut timers, &mut armed), None);
    }

    #[test]
    fn a_deadline_that_comes_nearer_again_is_kept() {
        let (mut timers, mut armed) = (Timers::default(), [Armed::NONE; 2]);
        for deadline in [Some(25), None, Some(60), Some(20), Some(90)] {
            timers.arm(Owner::Connection(0), &mut armed[0], deadline);
        }
        assert_eq!(settle(&mut timers, &mut armed), Some(90));
        timers.arm(Owner::Connection(0), &mut armed[0], Some(70));
        assert_eq!(settle(&mut timers, &mut armed), Some(70));
        timers.arm(Owner::Stream(3), &mut Armed::NONE.clone(), Some(10));
        assert_eq!(settle(&mut timers, &mut armed), Some(70), "the stream is gone");
    }
}
