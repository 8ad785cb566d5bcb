//! Deadlines of connections and streams, in one heap.
//!
//! A deadline that moves later is not touched: when its old time comes, the owner is asked for
//! the new one. So the packets that push a timeout ahead cost nothing here.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::proto::time::Micros;

/// Whose deadline.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Owner {
    /// A connection slot.
    Connection(u32),
    /// A stream.
    Stream(u32),
}

/// The deadline that an owner has in the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Armed(Micros);

impl Armed {
    /// No deadline.
    pub const NONE: Self = Self(Micros::MAX);

    /// The entry popped at `deadline` is this one; it is no longer in the heap.
    pub fn take(&mut self, deadline: Micros) -> bool {
        let mine = self.0 == deadline;
        if mine {
            *self = Self::NONE;
        }
        mine
    }
}

/// The heap.
#[derive(Default)]
pub struct Timers {
    heap: BinaryHeap<Reverse<(Micros, Owner)>>,
}

impl Timers {
    /// Makes sure that the owner is asked at `deadline` or earlier.
    pub fn arm(&mut self, owner: Owner, armed: &mut Armed, deadline: Option<Micros>) {
        if let Some(deadline) = deadline
            && deadline < armed.0
        {
            *armed = Armed(deadline);
            self.heap.push(Reverse((deadline, owner)));
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

    /// When the next entry is due; perhaps an outdated one, never too late.
    pub fn next_timeout(&self) -> Option<Micros> {
        self.heap.peek().map(|&Reverse((deadline, _))| deadline)
    }
}

#[cfg(test)]
mod jumps;
#[cfg(test)]
mod tests;
