//! Host names to addresses, in the background: the system's resolver blocks, so it runs on
//! threads of its own.

use std::collections::VecDeque;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::ipc::Bell;

/// Look-ups that run at once; further ones wait for their turn.
const THREADS_MAX: usize = 8;
/// Look-ups that may wait.
pub const QUERIES_MAX: usize = 4096;

/// A finished look-up: who asked, and the addresses, best first; none when there are none.
pub type Answer = (u64, Vec<SocketAddr>);

#[derive(Default)]
struct Shared {
    work: Mutex<Work>,
    /// There are answers: who looks many times in a second need not take the lock for it.
    answered: AtomicBool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock()
    }
}

#[derive(Default)]
struct Work {
    waiting: VecDeque<(u64, String, u16)>,
    answers: Vec<Answer>,
    threads: usize,
}

/// The resolver of a driver.
pub struct Resolver {
    shared: Arc<Shared>,
    bell: Arc<Bell>,
}

impl Resolver {
    /// No thread until the first look-up.
    pub fn new(bell: &Arc<Bell>) -> Self {
        Self { shared: Arc::default(), bell: Arc::clone(bell) }
    }

    /// Asks for the addresses of a host; the answer comes through `poll_answers` with `query`.
    /// False when too many look-ups wait, or the system gives no thread.
    pub fn ask(&self, query: u64, host: &str, port: u16) -> bool {
        let mut shared = self.shared.lock();
        if shared.waiting.len() >= QUERIES_MAX {
            return false;
        }
        shared.waiting.push_back((query, host.to_owned(), port));
        if shared.threads < THREADS_MAX {
            let (twin, bell) = (Arc::clone(&self.shared), Arc::clone(&self.bell));
            if std::thread::Builder::new().spawn(move || work(&twin, &bell)).is_ok() {
                shared.threads += 1;
            } else if shared.threads == 0 {
                // The system gives no thread, and none of ours will come by.
                shared.waiting.pop_back();
                return false;
            }
        }
        true
    }

    /// Nobody waits for the answer to `query` any more. A look-up that runs goes on, but one that
    /// waits keeps no other from its turn.
    pub fn forget(&self, query: u64) {
        self.shared.lock().waiting.retain(|&(waiting, ..)| waiting != query);
    }

    /// Has an answer come?
    pub fn has_answers(&self) -> bool {
        self.shared.answered.load(Ordering::SeqCst)
    }

    /// Takes the answers that have come.
    pub fn poll_answers(&self) -> Vec<Answer> {
        if !self.has_answers() {
            return Vec::new();
        }
        let mut work = self.shared.lock();
        self.shared.answered.store(false, Ordering::SeqCst);
        std::mem::take(&mut work.answers)
    }
}

impl Drop for Resolver {
    /// Nobody waits for the names that were not looked up yet.
    fn drop(&mut self) {
        self.shared.lock().waiting.clear();
    }
}

/// A thread's life: look-ups until none waits.
fn work(shared: &Shared, bell: &Bell) {
    loop {
        let (query, host, port) = {
            let mut work = shared.lock();
            let Some(next) = work.waiting.pop_front() else {
                work.threads -= 1;
                return;
            };
            next
        };
        let found = (host.as_str(), port).to_socket_addrs();
        let mut addresses: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
        if host.eq_ignore_ascii_case("localhost") {
            // As Unity Transport does: servers on this machine listen on IPv4 more often.
            addresses.sort_by_key(SocketAddr::is_ipv6);
        }
        addresses.dedup();
        let mut work = shared.lock();
        work.answers.push((query, addresses));
        shared.answered.store(true, Ordering::SeqCst);
        drop(work);
        bell.ring();
    }
}

#[cfg(test)]
mod tests {
    use mio::{Poll, Token, Waker};

    use super::*;

    #[test]
    fn what_nobody_waits_for_is_not_looked_up() {
        let poll = Poll::new().expect("a poll");
        let waker = Waker::new(poll.registry(), Token(0)).expect("a waker");
        let resolver = Resolver::new(&Arc::new(Bell::new(waker)));
        // All threads are busy with names whose servers do not answer.
        resolver.shared.lock().threads = THREADS_MAX;
        for query in 1..=3 {
            assert!(resolver.ask(query, "game.example", 80));
        }
        resolver.forget(2);
        resolver.forget(9);
        let shared = resolver.shared.lock();
        let waiting: Vec<u64> = shared.waiting.iter().map(|&(query, ..)| query).collect();
        assert_eq!(waiting, [1, 3]);
    }
}
