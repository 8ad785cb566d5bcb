//! Room in the batches of sockets, which threads share out among themselves.
//!
//! A thread takes much at once and keeps it at its seat, so that threads seldom meet.

use super::super::shared::{Apart, SEATS, own_seat};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that a thread takes at once.
const THREAD_SHARE: usize = 64 << 10;

/// What was taken, and what of it threads have not given on yet.
#[derive(Default)]
pub struct Allowance {
    /// No seats before it was opened.
    seats: Box<[Apart<AtomicUsize>]>,
    taken: Apart<AtomicUsize>,
}

impl Allowance {
    /// From now on it may be taken from.
    pub fn open(&mut self) {
        if self.seats.is_empty() {
            self.seats = (0..SEATS).map(|_| Apart::default()).collect();
        }
    }

    /// Takes so many bytes, when no more than `limit` are taken in all. Seldom enough to stay out
    /// of what calls it.
    #[inline(never)]
    pub fn take(&self, bytes: usize, limit: usize) -> bool {
        let own = &self.seats[own_seat()].0;
        let spend = |left: usize| left.checked_sub(bytes);
        // What lies at a seat may have been taken under another limit.
        if self.taken.0.load(Ordering::Relaxed) <= limit
            && own.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
        {
            return true;
        }
        for share in [bytes.max(THREAD_SHARE), bytes] {
            let grow = |taken: usize| taken.checked_add(share).filter(|&taken| taken <= limit);
            if self.taken.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grow).is_ok() {
                own.fetch_add(share - bytes, Ordering::Relaxed);
                return true;
            }
        }
        false
    }

    /// Nothing is taken any more.
    pub fn reset(&mut self) {
        if std::mem::take(self.taken.0.get_mut()) > 0 {
            for seat in &mut self.seats {
                *seat.0.get_mut() = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowance, THREAD_SHARE};

    fn open() -> Allowance {
        let mut allowance = Allowance::default();
        allowance.open();
        allowance
    }

    #[test]
    fn one_thread_alone_takes_all_there_is() {
        for limit in [0, 10, THREAD_SHARE, THREAD_SHARE + 10, 3 * THREAD_SHARE - 1] {
            let mut allowance = open();
            for _ in 0..2 {
                let count = (0..).take_while(|_| allowance.take(10, limit)).count();
                // Less than one is lost where two shares meet.
                assert!(count <= limit / 10 && count + 3 >= limit / 10, "{count} of {limit}");
                allowance.reset();
            }
        }
    }

    #[test]
    fn what_was_taken_for_one_socket_is_no_room_of_another() {
        let allowance = open();
        assert!(allowance.take(10, THREAD_SHARE));
        assert!(!allowance.take(10, 19));
        assert!(allowance.take(10, THREAD_SHARE));
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "threads are the point")]
    fn threads_together_take_no_more_than_there_is() {
        let limit = 5 * THREAD_SHARE + 77;
        let allowance = open();
        let taken: usize = std::thread::scope(|scope| {
            let take = || (0..).take_while(|_| allowance.take(100, limit)).count();
            let threads = [(); 4].map(|()| scope.spawn(take));
            threads.into_iter().map(|thread| thread.join().expect("ends") * 100).sum()
        });
        // What lies at the seats of others is lost to each.
        assert!(taken <= limit && taken + 4 * THREAD_SHARE > limit, "{taken} of {limit}");
    }
}
