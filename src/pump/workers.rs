//! A few threads that run jobs, each of which has a number.
//!
//! One job waits at a time: a later one takes the place of an earlier one, which somebody else has
//! run then. The threads know nothing of what a number means. They start when they are made and
//! end when they are dropped, which waits for them.

use std::cell::Cell;
use std::sync::Arc;
use std::thread::{self, Builder, JoinHandle};

use parking_lot::{Condvar, Mutex};

#[derive(Default)]
struct Waiting {
    number: u64,
    /// When the job came among all: it is later than those with less.
    order: u64,
    /// Threads that shall still run it.
    copies: usize,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Something waits, or it is closed.
    bell: Condvar,
}

/// The threads.
pub struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts `count` threads, or as many as the system gives.
    pub fn start(count: u32, run: fn(u64)) -> Self {
        let shared = Arc::new(Shared::default());
        let mut threads = Vec::new();
        for _ in 0..count {
            let twin = Arc::clone(&shared);
            let named = Builder::new().name("netdriver job".to_owned());
            match named.spawn(move || work(&twin, run)) {
                Ok(thread) => threads.push(thread),
                Err(_) => break,
            }
        }
        Self { shared, threads }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.threads.len()
    }

    /// Has `number` run by `copies` threads, unless a later one waits.
    pub fn put(&self, number: u64, order: u64, copies: usize) {
        let mut waiting = self.shared.waiting.lock();
        if order < waiting.order {
            return;
        }
        (waiting.number, waiting.order, waiting.copies) = (number, order, copies);
        drop(waiting);
        for _ in 0..copies {
            self.shared.bell.notify_one();
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.waiting.lock().closed = true;
        self.shared.bell.notify_all();
        let own = is_worker().then(|| thread::current().id());
        for thread in self.threads.drain(..) {
            // The last user of a driver may be one of its own jobs; that thread ends by itself.
            if Some(thread.thread().id()) != own {
                let _ = thread.join();
            }
        }
    }
}

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// Is this one of the threads here? Others are not asked for more: the system's answer would stay
/// in memory with them.
fn is_worker() -> bool {
    IS_WORKER.try_with(Cell::get).unwrap_or_default()
}

/// A thread's life.
fn work(shared: &Shared, run: fn(u64)) {
    IS_WORKER.set(true);
    loop {
        let mut waiting = shared.waiting.lock();
        while waiting.copies == 0 {
            if waiting.closed {
                return;
            }
            shared.bell.wait(&mut waiting);
        }
        waiting.copies -= 1;
        let number = waiting.number;
        drop(waiting);
        run(number);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn what_waits_has_run_as_often_as_it_should_when_they_are_gone() {
        static SUM: AtomicU64 = AtomicU64::new(0);
        let workers = Workers::start(2, |number| {
            SUM.fetch_add(number, Ordering::Relaxed);
        });
        assert_eq!(workers.count(), 2);
        workers.put(7, 1, 3);
        drop(workers);
        assert_eq!(SUM.load(Ordering::Relaxed), 21);
    }

    #[test]
    fn an_earlier_one_that_comes_late_does_not_take_the_place_of_a_later_one() {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let workers = Workers::start(0, |number| LAST.store(number, Ordering::Relaxed));
        workers.put(5, 2, 1);
        workers.put(4, 1, 1);
        assert_eq!(workers.shared.waiting.lock().number, 5);
    }
}
