//! The thread of the background pump: it sleeps until the system has something for a driver, and
//! gives it a turn.
//!
//! It sleeps outside of every lock, and does not know what a turn does.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Pump;
use super::ipc::Bell;
use crate::proto::time::Micros;

/// How soon a turn is tried again that the program's own call stood in the way of; doubled until
/// it is the longest.
const RETRY_FIRST: Duration = Duration::from_micros(50);
const RETRY_LONGEST: Duration = Duration::from_millis(2);
/// Where the system has no descriptor to sleep on, how long the thread sleeps at most.
#[cfg(not(unix))]
const PERIOD: Duration = Duration::from_millis(1);

/// How a turn ended.
pub enum Turn {
    /// The next one is due when the system has something, or after so long.
    Sleep(Micros),
    /// The program is inside a call.
    Refused,
    /// There is no driver any more.
    Over,
}

/// The thread; it ends when this is dropped.
pub struct Background {
    bell: Arc<Bell>,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Starts it.
    pub fn start(pump: &mut Pump, turn: impl FnMut() -> Turn + Send + 'static) -> io::Result<Self> {
        let watcher = pump.watcher()?;
        let ending = Arc::new(AtomicBool::new(false));
        let twin = Arc::clone(&ending);
        let thread = thread::Builder::new()
            .name("netdriver pump".to_owned())
            .spawn(move || run(&watcher, &twin, turn))?;
        Ok(Self { bell: Arc::clone(&pump.bell), ending, thread: Some(thread) })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        self.bell.call();
        // The last owner of a driver may be the thread itself, in its turn.
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            // A turn that panicked has said so already.
            let _ = thread.join();
        }
    }
}

fn run(watcher: &Watcher, ending: &AtomicBool, mut turn: impl FnMut() -> Turn) {
    let mut retry = RETRY_FIRST;
    while !ending.load(Ordering::SeqCst) {
        match turn() {
            Turn::Sleep(micros) => {
                retry = RETRY_FIRST;
                watcher.wait(Duration::from_micros(micros));
            }
            Turn::Refused => {
                thread::sleep(retry);
                retry = (retry * 2).min(RETRY_LONGEST);
            }
            Turn::Over => return,
        }
    }
}

/// Sleeps until the system has something for a pump, without the pump.
pub struct Watcher {
    #[cfg(unix)]
    descriptor: std::os::fd::OwnedFd,
}

impl Watcher {
    #[cfg(unix)]
    pub(super) const fn new(descriptor: std::os::fd::OwnedFd) -> Self {
        Self { descriptor }
    }

    #[cfg(not(unix))]
    pub(super) const fn new() -> Self {
        Self {}
    }

    #[cfg(unix)]
    fn wait(&self, most: Duration) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut descriptors = [PollFd::new(&self.descriptor, PollFlags::IN)];
        // Longer than a time can say is for ever.
        let most = Timespec::try_from(most).ok();
        // Whatever it says, the turn finds out what there is to do.
        let _ = poll(&mut descriptors, most.as_ref());
    }

    #[cfg(not(unix))]
    fn wait(&self, most: Duration) {
        thread::sleep(most.min(PERIOD));
    }

    /// Sleeps until the system has something for one of several pumps.
    #[cfg(unix)]
    pub fn wait_for_any(watchers: &[Self], most: Duration) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let all = watchers.iter();
        let mut descriptors: Vec<_> =
            all.map(|watcher| PollFd::new(&watcher.descriptor, PollFlags::IN)).collect();
        let most = Timespec::try_from(most).ok();
        // As for one.
        let _ = poll(&mut descriptors, most.as_ref());
    }

    /// The same where the system has no descriptor to sleep on.
    #[cfg(not(unix))]
    pub fn wait_for_any(_: &[Self], most: Duration) {
        thread::sleep(most.min(PERIOD));
    }
}
