//! A driver that several threads know: each call enters it, and leaves it again.
//!
//! One call at a time has the driver to itself; a call that comes meanwhile is refused with
//! [`Status::DriverInUse`], never made to wait. A panic inside leaves it fit only to be dropped.
//! What may be done beside others is not decided here.

mod lock;
mod sync;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::NetworkDriver;
use super::jobs::{Desk, Round};
use crate::error::{Error, Result, Status};
use crate::log::note;

use lock::{Exclusive, SharedLock};
use parking_lot::Mutex;

/// What a lock guards.
enum Content {
    /// Not yet, or taken out.
    Empty,
    Driver(Box<NetworkDriver>),
    /// A call failed inside.
    Poisoned {
        _kept: Box<NetworkDriver>,
    },
}

/// A driver that several threads may know. Clones are the same driver.
#[derive(Clone)]
pub struct SharedDriver {
    place: Arc<Place>,
}

/// The place for a driver that clones share.
struct Place {
    lock: SharedLock<Content>,
    jobs: Desk,
    /// What the job for each connection has before it.
    round: Mutex<Round>,
}

fn in_use() -> Error {
    Error::new(
        Status::DriverInUse,
        "another thread is inside a call on this driver; use one thread at a time",
    )
}

fn empty() -> Error {
    Error::new(Status::InvalidHandle, "the driver was taken out or destroyed")
}

fn poisoned() -> Error {
    Error::new(
        Status::Panic,
        "the library failed inside this driver; destroy it (the log has the details)",
    )
}

impl SharedDriver {
    /// Shares a driver.
    pub fn new(driver: NetworkDriver) -> Self {
        let workers = driver.settings.job_workers;
        let shared = Self::with_content(Content::Driver(Box::new(driver)));
        shared.place.jobs.open(workers, || ());
        shared
    }

    /// A place for a driver, without one.
    pub(crate) fn vacant() -> Self {
        Self::with_content(Content::Empty)
    }

    fn with_content(content: Content) -> Self {
        let lock = SharedLock::new(content);
        Self { place: Arc::new(Place { lock, jobs: Desk::default(), round: Mutex::default() }) }
    }

    /// Lets `body` use the driver; nobody else can meanwhile. When it panics, so does this call,
    /// and the driver is fit only to be dropped.
    ///
    /// # Errors
    /// [`Status::DriverInUse`] while another call is inside, or a job is not complete and this is
    /// not inside of it; [`Status::InvalidHandle`] after [`take`](Self::take); [`Status::Panic`]
    /// after a panic inside.
    #[inline]
    pub fn enter<R>(&self, body: impl FnOnce(&mut NetworkDriver) -> R) -> Result<R> {
        self.place.jobs.admit(self.id())?;
        let content = self.place.lock.try_exclusive().ok_or_else(in_use)?;
        enter(content, body)
    }

    /// The same for the driver's own jobs, which wait for calls that are inside.
    pub(super) fn enter_waiting<R>(&self, body: impl FnOnce(&mut NetworkDriver) -> R) -> Result<R> {
        enter(self.place.lock.exclusive(), body)
    }

    /// Tells places apart.
    pub(super) fn id(&self) -> usize {
        Arc::as_ptr(&self.place).addr()
    }

    pub(super) fn desk(&self) -> &Desk {
        &self.place.jobs
    }

    pub(super) fn round(&self) -> &Mutex<Round> {
        &self.place.round
    }

    /// Moves a driver into a vacant place; `seal` runs while nobody else can enter. `None` when
    /// the place is not vacant, or in use.
    pub(crate) fn put<R>(
        &self,
        driver: &mut Option<Box<NetworkDriver>>,
        seal: impl FnOnce() -> R,
    ) -> Option<R> {
        let mut content = self.place.lock.try_exclusive()?;
        if !matches!(*content, Content::Empty) {
            return None;
        }
        let driver = driver.take()?;
        let workers = driver.settings.job_workers;
        *content = Content::Driver(driver);
        Some(self.place.jobs.open(workers, seal))
    }

    /// Takes the driver out, for good; `None` when it was taken out before, or failed inside.
    ///
    /// # Errors
    /// [`Status::DriverInUse`] while a call is inside, or a job is not complete.
    pub fn take(&self) -> Result<Option<Box<NetworkDriver>>> {
        self.take_if(|| Ok(()))
    }

    /// The same, unless `check`, which runs while nobody else can enter, fails.
    pub(crate) fn take_if(
        &self,
        check: impl FnOnce() -> Result<()>,
    ) -> Result<Option<Box<NetworkDriver>>> {
        let mut content = self.place.lock.try_exclusive().ok_or_else(in_use)?;
        let crewless = self.place.jobs.close(check)?;
        let taken = std::mem::replace(&mut *content, Content::Empty);
        drop(content);
        drop(crewless);
        match taken {
            Content::Driver(driver) => Ok(Some(driver)),
            Content::Empty | Content::Poisoned { .. } => Ok(None),
        }
    }
}

#[inline]
fn enter<R>(
    mut content: Exclusive<'_, Content>,
    body: impl FnOnce(&mut NetworkDriver) -> R,
) -> Result<R> {
    let driver = match &mut *content {
        Content::Driver(driver) => driver,
        Content::Poisoned { .. } => return Err(poisoned()),
        Content::Empty => return Err(empty()),
    };
    match catch_unwind(AssertUnwindSafe(|| body(driver))) {
        Ok(outcome) => Ok(outcome),
        Err(panic) => {
            poison(&mut content, &*panic);
            drop(content);
            resume_unwind(panic)
        }
    }
}

#[cold]
fn poison(content: &mut Content, panic: &(dyn Any + Send)) {
    note!(Error, "a call on a driver failed inside: {}", panic_text(panic));
    *content = match std::mem::replace(content, Content::Empty) {
        Content::Driver(kept) => Content::Poisoned { _kept: kept },
        other => other,
    };
}

pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
