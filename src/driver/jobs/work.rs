//! What the jobs of a driver do.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::graph::{JobId, Work};
use super::inside;
use super::table::{Crew, Task};
use crate::driver::shared::{WeakDriver, all_inside, own_number};
use crate::driver::{Concurrent, Connection, SharedDriver};
use crate::error::{Error, Result, Status};
use crate::log::note;

/// Connections that a thread takes at once, at most.
pub const JOB_BATCH_MAX: u32 = 64;
/// The same, where the program does not say.
pub const JOB_BATCH_DEFAULT: u32 = 16;

/// Three numbers that a plain function is called with: no memory, so nothing to give back.
pub type Words = [usize; 3];

/// What the program does once.
type Once = dyn FnOnce(&SharedDriver) -> Result<()> + Send;
/// What the program does for one connection, while other threads do it for others.
pub type ConnectionJob = dyn Fn(Concurrent<'_>, Connection) -> Result<()> + Send + Sync;

/// A job of the program that has the driver to itself.
pub enum Call {
    /// Called once.
    Once(Box<Once>),
    /// A function and what it is called with.
    Plain(fn(Words) -> Result<()>, Words),
}

/// What the program does for each connection.
#[derive(Clone)]
pub enum ForEach {
    /// Shared by the threads.
    Closure(Arc<ConnectionJob>),
    /// A function and what it is called with.
    Plain(fn(Words, Connection) -> Result<()>, Words),
}

/// What a job does.
pub enum What {
    Update,
    FlushSend,
    Call(Call),
    /// For each connection, so many at once by one thread.
    ForEach(ForEach, u32),
}

impl What {
    /// The job for each connection; `batch` is checked.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`].
    pub fn for_each(body: ForEach, batch: u32) -> Result<Self> {
        if batch > JOB_BATCH_MAX {
            let text = format!("batch_size is {batch}; it must be from 0 to {JOB_BATCH_MAX}");
            return Err(Error::argument(text));
        }
        Ok(Self::ForEach(body, if batch == 0 { JOB_BATCH_DEFAULT } else { batch }))
    }

    /// Does it want the driver to itself?
    pub const fn is_alone(&self) -> bool {
        !matches!(self, Self::ForEach(..))
    }
}

/// A job of a driver.
pub struct Scheduled {
    pub driver: SharedDriver,
    pub what: What,
    /// Its number among the driver's jobs.
    pub order: u64,
}

/// Connections that a job has not come to yet.
#[derive(Default)]
pub struct Round {
    job: JobId,
    connections: Vec<Connection>,
}

/// How an engine's scheduler knows a job of a driver. It may outlive the job, so it does not keep
/// the driver.
#[derive(Clone)]
pub struct Ticket {
    driver: WeakDriver,
    number: u64,
}

/// Who runs the jobs of a driver.
pub struct DriverCrew {
    driver: SharedDriver,
    alone: bool,
    order: u64,
}

impl Work for Scheduled {
    type Ticket = Ticket;

    fn split(&self) -> Option<Self> {
        match &self.what {
            What::ForEach(body, batch) => {
                let what = What::ForEach(body.clone(), *batch);
                Some(Self { driver: self.driver.clone(), what, order: self.order })
            }
            _ => None,
        }
    }

    fn site(&self) -> usize {
        self.driver.id()
    }
}

impl Task for Scheduled {
    type Crew = DriverCrew;

    fn crew(&self) -> DriverCrew {
        let (driver, alone) = (self.driver.clone(), self.what.is_alone());
        DriverCrew { driver, alone, order: self.order }
    }

    fn run(self, job: JobId) -> Result<()> {
        let Self { driver, what, .. } = self;
        let _mark = inside::enter(job, driver.id(), !what.is_alone());
        let outcome = catch_unwind(AssertUnwindSafe(|| match what {
            What::Update => driver.enter_waiting(|driver| driver.update())?,
            What::FlushSend => driver.enter_waiting(|driver| driver.flush())?,
            What::Call(call) => {
                // Whoever was inside when this was scheduled leaves first.
                driver.enter_waiting(|_| ())?;
                match call {
                    Call::Once(body) => body(&driver),
                    Call::Plain(body, words) => body(words),
                }
            }
            What::ForEach(body, batch) => for_each(&driver, job, &body, batch as usize),
        }));
        let outcome = outcome.unwrap_or_else(|panic| Err(panicked(&*panic)));
        if let Err(error) = &outcome {
            note!(Warning, "a job failed: {}", error);
        }
        outcome
    }

    fn with_own<R>(body: impl FnOnce(&[JobId], &[usize]) -> R) -> R {
        let sites = all_inside();
        inside::with_jobs(|jobs| body(jobs, &sites))
    }

    fn once(body: impl FnOnce()) {
        inside::once(body);
    }

    fn thread() -> usize {
        own_number()
    }
}

#[cold]
fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = crate::driver::shared::panic_text(panic);
    Error::new(Status::Panic, format!("a job failed inside: {text}"))
}

/// Takes connections until there are none; the first error, after all were tried.
fn for_each(driver: &SharedDriver, job: JobId, body: &ForEach, batch: usize) -> Result<()> {
    let mut first = Ok(());
    let mut taken = [Connection::NONE; JOB_BATCH_MAX as usize];
    loop {
        let count = next_batch(driver, job, &mut taken[..batch])?;
        if count == 0 {
            return first;
        }
        let each = |call: &mut dyn FnMut(Connection) -> Result<()>| {
            let mut outcome = Ok(());
            for &connection in &taken[..count] {
                outcome = outcome.and(call(connection));
            }
            outcome
        };
        let outcome = match body {
            ForEach::Closure(body) => {
                driver.share_waiting(|concurrent| each(&mut |one| body(concurrent, one)))?
            }
            ForEach::Plain(body, words) => each(&mut |one| body(*words, one)),
        };
        first = first.and(outcome);
    }
}

/// Fills in the next connections, and says how many. Who comes first asks the driver for all.
fn next_batch(driver: &SharedDriver, job: JobId, places: &mut [Connection]) -> Result<usize> {
    let mut round = driver.round().lock();
    if round.job != job {
        round.job = job;
        round.connections.clear();
        driver.share_after(|driver| driver.list_accepted(&mut round.connections))?;
    }
    let rest = round.connections.len().saturating_sub(places.len());
    let count = round.connections.len() - rest;
    for (place, connection) in places.iter_mut().zip(round.connections.drain(rest..)) {
        *place = connection;
    }
    Ok(count)
}

impl Crew for DriverCrew {
    type Ticket = Ticket;

    fn offer(&self, job: JobId) -> Option<Ticket> {
        let number = self.driver.desk().offer(job, self.order, !self.alone, super::run_number)?;
        Some(Ticket { driver: self.driver.downgrade(), number })
    }

    fn job_over(&self) {
        self.driver.desk().job_over(self.alone);
    }

    fn wait(ticket: &Ticket) {
        // Without a driver the job is over.
        if let Some(driver) = ticket.driver.upgrade() {
            driver.desk().wait(ticket.number);
        }
    }
}
