//! Two threads count in one variable without a lock. The thread sanitizer must say so: where it
//! does not, what it says of the library is worth nothing.
#![allow(unsafe_code, reason = "a race is what this program is for")]

use std::cell::UnsafeCell;

struct Counter(UnsafeCell<u64>);

// SAFETY: there is none; that is the point.
unsafe impl Sync for Counter {}

static COUNTER: Counter = Counter(UnsafeCell::new(0));

fn count() {
    for _ in 0..1000 {
        // SAFETY: there is none; the other thread writes too.
        unsafe { *COUNTER.0.get() += 1 };
    }
}

fn main() {
    let other = std::thread::spawn(count);
    count();
    other.join().expect("it only counts");
}
