//! Seats: each thread has one, and no other thread has the same while it lives.
//!
//! What a thread changes at its own seat it takes from nobody. When more threads live than there
//! are seats, the others share the last one, so whatever lies at a seat has to stand that.

use super::sync::{AtomicU64, Ordering, SEATS};

/// The seat of those who come when all others are taken.
pub const COMMON: usize = SEATS - 1;

/// Which seats are taken, a bit each.
pub struct Seats(pub AtomicU64);

impl Seats {
    /// Takes the first one that is free; `None` when none is.
    pub fn take(&self) -> Option<usize> {
        let mut taken = self.0.load(Ordering::Relaxed);
        loop {
            let seat = taken.trailing_ones() as usize;
            if seat >= COMMON {
                return None;
            }
            let with = taken | 1 << seat;
            match self.0.compare_exchange_weak(taken, with, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(seat),
                Err(now) => taken = now,
            }
        }
    }

    /// Leaves one that was taken.
    pub fn leave(&self, seat: usize) {
        self.0.fetch_and(!(1 << seat), Ordering::Relaxed);
    }
}
