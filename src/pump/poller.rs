//! What the system reports of sockets, where it has a descriptor that says that there is something
//! to report.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll, Registry};

use super::sleeper::Watcher;
use super::{Bell, EVENTS_MAX, StreamId};

/// Reports taken at once where a few are wanted: so few that what these sockets bring is still in
/// the processor's cache when the program answers, and that the first answers do not wait for the
/// last message.
const FEW_EVENTS_MAX: usize = 32;

/// The system's poll, and what it has reported last.
pub struct Poller {
    poll: Poll,
    many: Events,
    few: Events,
    /// The last reports are the few ones.
    asked_few: bool,
}

impl Poller {
    /// A poll without sockets.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            many: Events::with_capacity(EVENTS_MAX),
            few: Events::with_capacity(FEW_EVENTS_MAX),
            asked_few: false,
        })
    }

    /// Where sockets are registered.
    pub fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// Asks the system what is ready, or a few of what is, waiting at most so long; `None` is for
    /// ever.
    pub fn poll(&mut self, most: Option<Duration>, few: bool) -> io::Result<()> {
        self.asked_few = few;
        let events = if few { &mut self.few } else { &mut self.many };
        self.poll.poll(events, most)
    }

    /// How many reports it gives at most.
    #[allow(clippy::unused_self, reason = "one signature for every system")]
    pub const fn most(&self, few: bool) -> usize {
        if few { FEW_EVENTS_MAX } else { EVENTS_MAX }
    }

    /// What it has reported.
    pub const fn reports(&self) -> &Events {
        if self.asked_few { &self.few } else { &self.many }
    }

    /// Lets ids of streams that were taken out be used again, as soon as no report can name them.
    #[allow(clippy::unused_self, reason = "one signature for every system")]
    pub fn recycle(&self, closed: &mut Vec<StreamId>, free: &mut Vec<StreamId>) {
        free.append(closed);
    }

    /// What sleeps until there is something to poll, without the poll.
    pub fn watcher(&self, _: &Arc<Bell>) -> io::Result<Watcher> {
        Ok(Watcher::new(self.registry().as_fd().try_clone_to_owned()?))
    }

    /// The number of the descriptor that is readable when there is something to poll.
    #[allow(clippy::unnecessary_wraps, reason = "one signature for every system")]
    pub fn descriptor(&self, _: &Arc<Bell>) -> io::Result<i64> {
        Ok(self.poll.as_raw_fd().into())
    }
}
