//! What the system reports of sockets, where it has a descriptor that says that there is something
//! to report.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll, Registry};

use super::sleeper::Watcher;
use super::{Bell, EVENTS_MAX, StreamId};

/// The system's poll, and what it has reported last.
pub struct Poller {
    poll: Poll,
    events: Events,
}

impl Poller {
    /// A poll without sockets.
    pub fn new() -> io::Result<Self> {
        Ok(Self { poll: Poll::new()?, events: Events::with_capacity(EVENTS_MAX) })
    }

    /// Where sockets are registered.
    pub fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// Asks the system what is ready, waiting at most so long.
    pub fn poll(&mut self, most: Duration) -> io::Result<()> {
        self.poll.poll(&mut self.events, Some(most))
    }

    /// What it has reported.
    pub const fn reports(&self) -> &Events {
        &self.events
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
