//! A few threads that run jobs: each takes the next number from a queue and has it run.
//!
//! They know nothing of what a number means. They start when they are made and end when they are
//! dropped, which waits for them.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::{self, Builder, JoinHandle};

use parking_lot::{Condvar, Mutex};

#[derive(Default)]
struct Queue {
    waiting: VecDeque<u64>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
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

    /// Has `number` run, by `copies` threads.
    pub fn push(&self, number: u64, copies: usize) {
        let mut queue = self.shared.queue.lock();
        for _ in 0..copies {
            queue.waiting.push_back(number);
        }
        drop(queue);
        for _ in 0..copies {
            self.shared.bell.notify_one();
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.queue.lock().closed = true;
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
        let mut queue = shared.queue.lock();
        let number = loop {
            if let Some(number) = queue.waiting.pop_front() {
                break number;
            }
            if queue.closed {
                return;
            }
            shared.bell.wait(&mut queue);
        };
        drop(queue);
        run(number);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn what_was_pushed_has_run_when_they_are_gone() {
        static SUM: AtomicU64 = AtomicU64::new(0);
        let workers = Workers::start(2, |number| {
            SUM.fetch_add(number, Ordering::Relaxed);
        });
        assert_eq!(workers.count(), 2);
        for number in 1..=100 {
            workers.push(number, 2);
        }
        drop(workers);
        assert_eq!(SUM.load(Ordering::Relaxed), 10_100);
    }
}
