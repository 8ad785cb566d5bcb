//! What the lock needs of the system, by the names under which a model checker can stand in for
//! it. Nothing else may be here.

use std::cell::Cell;
pub use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::thread;
pub use std::thread::yield_now;
use std::time::Duration;

pub use parking_lot::{Mutex, MutexGuard};

use super::seats::{COMMON, Seats};

/// Threads that live at once and meet nobody, and one more: at most 64.
pub const SEATS: usize = 64;
/// How long a thread sleeps that has tried in vain for long.
const PAUSE: Duration = Duration::from_micros(100);

/// Sleeps before the next try.
pub fn sleep() {
    thread::sleep(PAUSE);
}

/// Between two sequentially consistent accesses, which need nothing there. A checker that takes
/// them for weaker ones has a fence.
#[inline]
pub const fn sequential_fence() {}

/// The number of this thread, never 0.
#[inline]
pub fn own_number() -> usize {
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(0) };
    }
    OWN.with(|own| if own.get() == 0 { number(own) } else { own.get() })
}

#[cold]
fn number(own: &Cell<usize>) -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    own.set(NEXT.fetch_add(1, Ordering::Relaxed));
    own.get()
}

/// The seats of the process.
static TAKEN: Seats = Seats(AtomicU64::new(0));
/// This thread has no seat yet.
const STANDING: usize = SEATS;

thread_local! {
    static SEAT: Cell<usize> = const { Cell::new(STANDING) };
    /// Apart from the seat: what has something to do at a thread's end is slower to read.
    static LEAVING: Leaving = const { Leaving(Cell::new(None)) };
}

/// The seat of this thread.
#[inline]
pub fn own_seat() -> usize {
    let seat = SEAT.get();
    if seat == STANDING { sit() } else { seat }
}

#[cold]
fn sit() -> usize {
    // A thread that is ending already could not leave a seat of its own any more.
    let own = LEAVING.try_with(|leaving| {
        leaving.0.set(TAKEN.take());
        leaving.0.get()
    });
    let seat = own.ok().flatten().unwrap_or(COMMON);
    SEAT.set(seat);
    seat
}

/// Leaves the seat of a thread that ends.
struct Leaving(Cell<Option<usize>>);

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(seat) = self.0.take() {
            SEAT.set(COMMON);
            TAKEN.leave(seat);
        }
    }
}
