//! What the lock needs of the system, by the names under which a model checker can stand in for
//! it. Nothing else may be here.

use std::cell::Cell;
pub use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread;
pub use std::thread::yield_now;
use std::time::Duration;

pub use parking_lot::{Mutex, MutexGuard};

/// Counters of shared users: at most 32.
pub const SHARDS: usize = 16;
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
