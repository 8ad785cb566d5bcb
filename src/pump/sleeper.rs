//! Sleeping until the system has something for a pump, without the pump; and the alarm that wakes
//! one who sleeps so.
//!
//! Nothing here looks at what there is: whoever was woken finds out.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Duration;

use super::Pump;
#[cfg(windows)]
use super::poller::Board;

/// Wakes the one who sleeps on the [`Sleeper`] that was made with it. An alarm that rings while
/// nobody sleeps ends the next sleep.
pub struct Alarm {
    rung: Arc<AtomicBool>,
    #[cfg(unix)]
    pipe: io::PipeWriter,
    /// Kept here, too: to write into a pipe that nobody can read is a signal that ends programs.
    #[cfg(unix)]
    _reader: Arc<io::PipeReader>,
}

/// Sleeps until the system has something for a pump, or an alarm rings.
pub struct Sleeper {
    rung: Arc<AtomicBool>,
    #[cfg(unix)]
    pipe: Arc<io::PipeReader>,
    watcher: Watcher,
}

impl Alarm {
    /// An alarm, and what it wakes.
    pub fn new(pump: &mut Pump) -> io::Result<(Self, Sleeper)> {
        let rung = Arc::new(AtomicBool::new(false));
        let watcher = pump.watcher()?;
        #[cfg(unix)]
        {
            let (reader, writer) = io::pipe()?;
            let reader = Arc::new(reader);
            let alarm =
                Self { rung: Arc::clone(&rung), pipe: writer, _reader: Arc::clone(&reader) };
            Ok((alarm, Sleeper { rung, pipe: reader, watcher }))
        }
        #[cfg(windows)]
        Ok((Self { rung: Arc::clone(&rung) }, Sleeper { rung, watcher }))
    }

    /// Rings. `sleeper` is the thread that sleeps.
    pub fn ring(&self, sleeper: Option<&Thread>) {
        if self.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        #[cfg(unix)]
        {
            use std::io::Write;
            let _ = sleeper;
            // There is room for the one byte.
            let _ = (&self.pipe).write(&[0]);
        }
        #[cfg(windows)]
        if let Some(sleeper) = sleeper {
            sleeper.unpark();
        }
    }
}

impl Sleeper {
    /// Sleeps until the system has something, the alarm rings, or the time is over.
    #[cfg(unix)]
    pub fn sleep(&self, most: Duration) {
        use rustix::event::{PollFd, PollFlags};
        let pump = PollFd::new(&self.watcher.descriptor, PollFlags::IN);
        let alarm = PollFd::new(&*self.pipe, PollFlags::IN);
        poll(&mut [pump, alarm], most);
        self.silence();
    }

    /// Sleeps until the alarm rings, whatever the system has.
    #[cfg(unix)]
    pub fn sleep_until_alarm(&self) {
        use rustix::event::{PollFd, PollFlags};
        poll(&mut [PollFd::new(&*self.pipe, PollFlags::IN)], Duration::MAX);
        self.silence();
    }

    /// What rings from here on ends the next sleep.
    #[cfg(unix)]
    fn silence(&self) {
        use std::io::Read;
        if self.rung.swap(false, Ordering::AcqRel) {
            // One byte for each ring; it comes at once if it is not here yet.
            let _ = (&*self.pipe).read(&mut [0]);
        }
    }

    /// Sleeps until the system has something, the alarm rings, or the time is over.
    #[cfg(windows)]
    pub fn sleep(&self, most: Duration) {
        let rung = || self.rung.load(Ordering::Acquire);
        Board::sleep([&*self.watcher.board].into_iter(), most, rung);
        // What rings from here on ends the next sleep.
        self.rung.swap(false, Ordering::AcqRel);
    }

    /// Sleeps until the alarm rings, whatever the system has.
    #[cfg(windows)]
    pub fn sleep_until_alarm(&self) {
        while !self.rung.swap(false, Ordering::AcqRel) {
            std::thread::park();
        }
    }
}

/// Whatever it says, who sleeps finds out what there is to do.
#[cfg(unix)]
fn poll(descriptors: &mut [rustix::event::PollFd<'_>], most: Duration) {
    // Longer than a time can say is for ever.
    let most = rustix::event::Timespec::try_from(most).ok();
    let _ = rustix::event::poll(descriptors, most.as_ref());
}

/// Sleeps until the system has something for a pump, without the pump.
pub struct Watcher {
    #[cfg(unix)]
    descriptor: std::os::fd::OwnedFd,
    #[cfg(windows)]
    board: Arc<Board>,
}

impl Watcher {
    #[cfg(unix)]
    pub(super) const fn new(descriptor: std::os::fd::OwnedFd) -> Self {
        Self { descriptor }
    }

    #[cfg(windows)]
    pub(super) const fn new(board: Arc<Board>) -> Self {
        Self { board }
    }

    /// Sleeps until the system has something for one of several pumps.
    #[cfg(unix)]
    pub fn wait_for_any(watchers: &[Self], most: Duration) {
        use rustix::event::{PollFd, PollFlags};
        let all = watchers.iter();
        let mut descriptors: Vec<_> =
            all.map(|watcher| PollFd::new(&watcher.descriptor, PollFlags::IN)).collect();
        poll(&mut descriptors, most);
    }

    /// Sleeps until the system has something for one of several pumps.
    #[cfg(windows)]
    pub fn wait_for_any(watchers: &[Self], most: Duration) {
        Board::sleep(watchers.iter().map(|watcher| &*watcher.board), most, || false);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn an_alarm_whose_sleeper_is_gone_rings_without_a_broken_pipe() {
        let mut pump = Pump::new().expect("starts");
        let (alarm, sleeper) = Alarm::new(&mut pump).expect("is made");
        drop(sleeper);
        (&alarm.pipe).write_all(&[0]).expect("somebody could read it");
    }
}
