//! What the driver's lock needs of the system, as the model checker knows it.

use std::cell::Cell;

pub use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub use loom::sync::{Mutex as LoomMutex, MutexGuard};
pub use loom::thread::yield_now;

/// Two, so that threads meet at one and miss each other at two; and one more for those who find
/// none.
pub const SEATS: usize = 3;

/// Waiting is giving way: the checker knows no time.
pub fn sleep() {
    yield_now();
}

/// The checker takes sequentially consistent accesses for weaker ones; a fence behind each makes
/// them what they are.
pub fn sequential_fence() {
    loom::sync::atomic::fence(Ordering::SeqCst);
}

loom::thread_local! {
    static NUMBER: Cell<usize> = Cell::new(1);
}

/// The number of this thread, which the model gives it.
pub fn own_number() -> usize {
    NUMBER.with(|own| own.get())
}

/// The seat of this thread, by its number.
pub fn own_seat() -> usize {
    own_number() % 2
}

/// Models the threads: each says who it is before it does anything.
pub fn be(number: usize) {
    NUMBER.with(|own| own.set(number));
}

/// A lock that knows no poison, as the driver's does.
pub struct Mutex<T>(LoomMutex<T>);

impl<T> Mutex<T> {
    pub fn new(content: T) -> Self {
        Self(LoomMutex::new(content))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("nobody panics inside")
    }

    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}
