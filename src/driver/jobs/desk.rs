//! What a driver knows of its jobs: how many are not complete, the last one, and who runs them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::graph::JobId;
use super::inside::{self, Standing};
use crate::driver::shared::own_number;
use crate::error::{Error, Fixed, Result, Status};
use crate::log::note;
use crate::pump::Workers;

/// An engine's own job system, in place of worker threads of the driver.
pub trait JobScheduler: Send + Sync {
    /// Has [`Job::run`](super::Job::run) called for `job`, once, on any thread, soon. Called when
    /// the job may run, on any thread that schedules, completes or runs jobs. What is returned
    /// names it to [`complete`](Self::complete). A panic is logged; who waits runs the job then.
    fn schedule(&self, job: super::Job) -> u64;

    /// Somebody waits for a job that has begun elsewhere. May run other jobs of the engine
    /// meanwhile, and may return at once: the caller then sleeps until the job is over.
    fn complete(&self, ticket: u64);

    /// How many threads are worth it for one job of many connections; at least 1.
    fn parallelism(&self) -> u32;
}

#[derive(Default)]
struct State {
    /// There is a driver.
    open: bool,
    workers_max: u32,
    workers: Option<Workers>,
    scheduler: Option<Arc<dyn JobScheduler>>,
    last: JobId,
    /// Jobs that there were.
    count: u64,
    /// The threads that are inside of the scheduler, each for every call.
    calls: Vec<usize>,
}

/// The jobs of one driver.
#[derive(Default)]
pub struct Desk {
    /// Jobs that are not complete.
    pending: AtomicU32,
    /// Those among them that want the driver to themselves.
    alone: AtomicU32,
    state: Mutex<State>,
    /// No call of the scheduler goes on any more.
    quiet: Condvar,
}

fn in_scheduler() -> Error {
    Error::fixed(&Fixed(
        Status::DriverInUse,
        "this is called from inside of a function of the driver's job scheduler; \
         let it return first",
    ))
}

impl State {
    /// Who is inside of the scheduler cannot wait until nobody is.
    fn check_outside(&self) -> Result<()> {
        if self.calls.contains(&own_number()) { Err(in_scheduler()) } else { Ok(()) }
    }
}

fn pending() -> Error {
    Error::fixed(&Fixed(
        Status::DriverInUse,
        "a job of this driver is scheduled and not complete; complete it before other calls",
    ))
}

impl Desk {
    /// A driver has come.
    pub fn open<R>(&self, workers_max: u32, seal: impl FnOnce() -> R) -> R {
        let mut state = self.state.lock();
        state.open = true;
        state.workers_max = workers_max;
        seal()
    }

    /// Refuses while a job is not complete, wherever the caller is.
    pub fn check_idle(&self) -> Result<()> {
        if self.pending.load(Ordering::Acquire) > 0 { Err(pending()) } else { Ok(()) }
    }

    /// The driver goes, unless a job is not complete, or `check` fails. What is returned ends
    /// the threads.
    pub fn close(&self, check: impl FnOnce() -> Result<()>) -> Result<Crewless> {
        let mut state = self.state.lock();
        if self.pending.load(Ordering::Relaxed) > 0 {
            return Err(pending());
        }
        check()?;
        state.check_outside()?;
        // Nothing new comes from here on, so what the scheduler is called for is over.
        state.open = false;
        while !state.calls.is_empty() {
            self.quiet.wait(&mut state);
        }
        state.last = JobId::default();
        Ok(Crewless { _workers: state.workers.take(), _scheduler: state.scheduler.take() })
    }

    /// Is no job scheduled?
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.pending.load(Ordering::Acquire) == 0
    }

    /// May a call have the driver to itself?
    pub fn admit(&self, driver: usize) -> Result<()> {
        if self.is_idle() { Ok(()) } else { admit(driver) }
    }

    /// Is no job scheduled that has the driver to itself?
    #[inline]
    pub fn is_idle_beside(&self) -> bool {
        self.alone.load(Ordering::Acquire) == 0
    }

    /// May a call use the driver beside others?
    pub fn admit_beside(&self, driver: usize) -> Result<()> {
        if self.is_idle_beside() { Ok(()) } else { admit_beside(driver) }
    }

    /// Adds a job behind the driver's last one; `add` is given that one, and how many there were.
    pub fn add(
        &self,
        alone: bool,
        check: impl FnOnce() -> Result<()>,
        add: impl FnOnce(JobId, u64) -> Result<JobId>,
    ) -> Result<JobId> {
        let mut state = self.state.lock();
        check()?;
        if !state.open {
            return Err(Error::fixed(&Fixed(
                Status::InvalidHandle,
                "the driver was taken out or destroyed",
            )));
        }
        self.count(alone, 1);
        state.count += 1;
        match add(state.last, state.count) {
            Ok(job) => {
                state.last = job;
                Ok(job)
            }
            Err(error) => {
                self.job_over(alone);
                Err(error)
            }
        }
    }

    fn count(&self, alone: bool, by: u32) {
        self.pending.fetch_add(by, Ordering::SeqCst);
        self.alone.fetch_add(if alone { by } else { 0 }, Ordering::SeqCst);
    }

    /// One is complete.
    pub fn job_over(&self, alone: bool) {
        self.alone.fetch_sub(u32::from(alone), Ordering::SeqCst);
        self.pending.fetch_sub(1, Ordering::SeqCst);
    }

    /// The driver's jobs are run by `scheduler` from now on; `None`: by its own workers.
    ///
    /// # Errors
    /// [`Status::DriverInUse`] while a job is not complete.
    pub fn set_scheduler(
        &self,
        scheduler: Option<Arc<dyn JobScheduler>>,
        check: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let mut state = self.state.lock();
        check()?;
        state.check_outside()?;
        loop {
            if self.pending.load(Ordering::Relaxed) > 0 {
                return Err(pending());
            }
            if state.calls.is_empty() {
                break;
            }
            self.quiet.wait(&mut state);
        }
        let before = std::mem::replace(&mut state.scheduler, scheduler);
        let workers = state.workers.take();
        drop(state);
        // Both may wait for threads, or call the program.
        drop((before, workers));
        Ok(())
    }

    /// Calls the scheduler, which stays until the call has returned; `None` without one, and when
    /// it panics: whoever this thread works for knows nothing of it, and who waits helps.
    fn call<R>(
        &self,
        mut state: MutexGuard<'_, State>,
        body: impl FnOnce(&dyn JobScheduler) -> R,
    ) -> Option<R> {
        let scheduler = state.scheduler.clone()?;
        let own = own_number();
        state.calls.push(own);
        drop(state);
        let result = catch_unwind(AssertUnwindSafe(|| body(&*scheduler)));
        let mut state = self.state.lock();
        if let Some(at) = state.calls.iter().position(|&one| one == own) {
            state.calls.swap_remove(at);
        }
        if state.calls.is_empty() {
            self.quiet.notify_all();
        }
        drop(state);
        if let Err(panic) = &result {
            let text = crate::driver::shared::panic_text(&**panic);
            note!(Error, "a job scheduler failed inside: {text}; who waits for the job runs it");
        }
        result.ok()
    }

    /// Asks the scheduler to wait in its own way for what it called `ticket`.
    pub fn wait(&self, ticket: u64) {
        let state = self.state.lock();
        let _ = self.call(state, |scheduler| scheduler.complete(ticket));
    }

    /// Has a job run by others than those who wait for it, if there are any. What an engine's
    /// scheduler calls it.
    pub fn offer(&self, job: JobId, order: u64, beside: bool, run: fn(u64)) -> Option<u64> {
        let mut state = self.state.lock();
        if state.scheduler.is_some() {
            return self.call(state, |scheduler| {
                let copies = if beside { scheduler.parallelism().max(1) } else { 1 };
                let ticket = scheduler.schedule(super::Job(job));
                for _ in 1..copies {
                    scheduler.schedule(super::Job(job));
                }
                ticket
            });
        }
        // Somebody who waited may have run it meanwhile, and the driver may be gone.
        if state.open && state.workers_max > 0 {
            let wanted = state.workers_max;
            let workers = state.workers.get_or_insert_with(|| start(wanted, run));
            // The driver's earlier jobs are over when one is ready, so it is the only one.
            workers.put(job.to_u64(), order, if beside { workers.count() } else { 1 });
        }
        None
    }
}

fn start(wanted: u32, run: fn(u64)) -> Workers {
    let workers = Workers::start(wanted, run);
    if workers.count() < wanted as usize {
        let count = workers.count();
        note!(Warning, "the system gave {count} of {wanted} threads for jobs; who waits helps");
    }
    workers
}

#[cold]
fn admit(driver: usize) -> Result<()> {
    match inside::standing(driver) {
        Standing::Alone => Ok(()),
        Standing::Outside => Err(pending()),
        Standing::Beside => Err(Error::fixed(&Fixed(
            Status::DriverInUse,
            "other threads are inside this job, too; it may only pop events and send, beside them",
        ))),
    }
}

#[cold]
fn admit_beside(driver: usize) -> Result<()> {
    if inside::standing(driver) == Standing::Outside { Err(pending()) } else { Ok(()) }
}

/// Ends the threads when it is dropped, where nothing is locked.
pub struct Crewless {
    _workers: Option<Workers>,
    _scheduler: Option<Arc<dyn JobScheduler>>,
}
