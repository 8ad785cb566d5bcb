//! What the lock needs of the system, by the names under which a model checker can stand in for
//! it. Nothing else may be here.

use std::sync::atomic::AtomicUsize;
pub use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use std::thread;
pub use std::thread::yield_now;
use std::time::Duration;

pub use parking_lot::{Mutex, MutexGuard};

/// Counters of shared users.
pub const SHARDS: usize = 16;
/// How long a thread sleeps that has tried in vain for long.
const PAUSE: Duration = Duration::from_micros(100);

/// Sleeps before the next try.
pub fn sleep() {
    thread::sleep(PAUSE);
}

/// The counter of this thread.
pub fn own_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    }
    // A thread that is ending has none any more.
    OWN.try_with(|own| *own).unwrap_or_default()
}
