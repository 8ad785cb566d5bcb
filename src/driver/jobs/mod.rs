//! Jobs: an update, a flush, a call of the program or one for each connection, scheduled to run
//! elsewhere, each after what it depends on.
//!
//! The jobs of one driver run one after the other, in the order in which they were scheduled.
//! From the moment when one is scheduled until it is complete, the driver is its jobs' alone:
//! other calls are refused. Nothing here knows what an update is.

mod desk;
mod graph;
mod inside;
mod sync;
mod table;
#[cfg(test)]
mod tests;
mod work;

use std::sync::Arc;

pub use desk::{Desk, JobScheduler};
use graph::{Graph, JobId};
pub use graph::{JOB_RESULTS_KEPT, JOBS_MAX};
use sync::{Condvar, Mutex};
use table::Table;
use work::Scheduled;
pub use work::{
    Call, ConnectionJob, ForEach, JOB_BATCH_DEFAULT, JOB_BATCH_MAX, Round, What, Words,
};

use super::SharedDriver;
use crate::error::{Error, Result, Status};

#[cold]
fn in_log() -> Error {
    Error::new(
        Status::DriverInUse,
        "a log callback runs inside of calls on drivers and must not wait for a job; \
         let it return first",
    )
}

static TABLE: Table<Scheduled> = Table::new(Mutex::new(Graph::new()), Condvar::new());

/// A job that was scheduled: a value, which may be copied, kept and forgotten. The default is a
/// job that is complete, and so is a value that names none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Job(JobId);

impl Job {
    /// The job as one number; 0 is none.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        self.0.to_u64()
    }

    /// From such a number.
    #[must_use]
    pub const fn from_u64(value: u64) -> Self {
        Self(JobId::from_u64(value))
    }

    /// Is it complete? Never waits.
    #[must_use]
    pub fn is_complete(self) -> bool {
        self == Self::default() || TABLE.is_over(self.0)
    }

    /// Waits until the job is complete, and runs it, and what it depends on, as far as nobody else
    /// has begun. Its result, which is kept until [`JOB_RESULTS_KEPT`] later jobs were complete, is
    /// the first error of the job and of those that it was told to come after.
    ///
    /// # Errors
    /// The result; [`Status::InvalidArgument`](crate::Status::InvalidArgument) when the job waits
    /// for one that this thread is inside of; [`Status::DriverInUse`](crate::Status::DriverInUse)
    /// when it waits for one of a driver that this thread has [entered](SharedDriver::enter): leave
    /// the driver first; the same inside of a log callback. The job is still scheduled after all.
    pub fn complete(self) -> Result<()> {
        if crate::log::in_sink() && !self.is_complete() {
            return Err(in_log());
        }
        TABLE.complete(self.0)
    }

    /// A job that is complete when all of `jobs` are, with the first error among them.
    ///
    /// # Errors
    /// [`Status::LimitReached`](crate::Status::LimitReached) at [`JOBS_MAX`].
    pub fn combine(jobs: impl Iterator<Item = Self> + Clone) -> Result<Self> {
        TABLE.combine(jobs.map(|job| job.0)).map(Self)
    }

    /// For a [`JobScheduler`]: runs the job now, on this thread, if nobody has begun it. A thread
    /// that has [entered](SharedDriver::enter) its driver leaves it to who completes the job.
    pub fn run(self) {
        TABLE.try_run(self.0);
    }
}

/// Is this thread inside a job of the driver of this number?
pub fn is_in_job(driver: usize) -> bool {
    inside::standing(driver) != inside::Standing::Outside
}

/// What worker threads call.
fn run_number(number: u64) {
    Job::from_u64(number).run();
}

impl SharedDriver {
    /// Schedules [`update`](crate::NetworkDriver::update) after another job.
    ///
    /// # Errors
    /// [`Status::InvalidHandle`](crate::Status::InvalidHandle) when the driver was taken out;
    /// [`Status::LimitReached`](crate::Status::LimitReached) at [`JOBS_MAX`]. What the update
    /// returns is the job's result.
    pub fn schedule_update(&self, after: Job) -> Result<Job> {
        self.schedule(What::Update, after, || Ok(()))
    }

    /// Schedules [`flush`](crate::NetworkDriver::flush) after another job.
    ///
    /// # Errors
    /// As [`schedule_update`](Self::schedule_update).
    pub fn schedule_flush_send(&self, after: Job) -> Result<Job> {
        self.schedule(What::FlushSend, after, || Ok(()))
    }

    /// Schedules a function that may [enter](Self::enter) the driver, for one to accept
    /// connections, say.
    ///
    /// # Errors
    /// As [`schedule_update`](Self::schedule_update). What `body` returns is the job's result; so
    /// is a panic of it.
    pub fn schedule_job(
        &self,
        body: impl FnOnce(&Self) -> Result<()> + Send + 'static,
        after: Job,
    ) -> Result<Job> {
        self.schedule(What::Call(Call::Once(Box::new(body))), after, || Ok(()))
    }

    /// Schedules a function that is called for each connection that the program has, on several
    /// threads at once, `batch` connections at a time (0: [`JOB_BATCH_DEFAULT`]). It may use the
    /// driver beside others only, and only for its own connection.
    ///
    /// # Errors
    /// As [`schedule_update`](Self::schedule_update), and
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument) when `batch` is above
    /// [`JOB_BATCH_MAX`]. The first error of `body` is the job's result, after all connections.
    pub fn schedule_for_each_connection(
        &self,
        body: Arc<ConnectionJob>,
        batch: u32,
        after: Job,
    ) -> Result<Job> {
        self.schedule(What::for_each(ForEach::Closure(body), batch)?, after, || Ok(()))
    }

    /// The jobs of the driver are run by an engine's own scheduler; `None`: by threads of its own,
    /// [`job_workers`](crate::settings::NetworkSettings::job_workers) of them.
    ///
    /// # Errors
    /// [`Status::DriverInUse`](crate::Status::DriverInUse) while a job is not complete.
    pub fn set_job_scheduler(&self, scheduler: Option<Arc<dyn JobScheduler>>) -> Result<()> {
        self.replace_job_scheduler(scheduler, || Ok(()))
    }

    /// The same, unless `check` fails, which runs while the driver cannot go.
    pub(crate) fn replace_job_scheduler(
        &self,
        scheduler: Option<Arc<dyn JobScheduler>>,
        check: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        self.desk().set_scheduler(scheduler, check)
    }

    /// Schedules, unless `check` fails, which runs while the driver cannot go.
    pub(crate) fn schedule(
        &self,
        what: What,
        after: Job,
        check: impl FnOnce() -> Result<()>,
    ) -> Result<Job> {
        let alone = what.is_alone();
        // Not dropped where something is locked: it may be the program's.
        let mut work = Some(Scheduled { driver: self.clone(), what, order: 0 });
        let job = self.desk().add(alone, check, |last, order| {
            work.iter_mut().for_each(|work| work.order = order);
            TABLE.add(&mut work, after.0, last)
        })?;
        TABLE.hand_out();
        Ok(Job(job))
    }
}
