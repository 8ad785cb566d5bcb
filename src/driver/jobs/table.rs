//! The graph of jobs behind a lock: threads begin jobs, say that they are over, and wait for them.
//!
//! Whoever waits helps: he runs what he waits for, as long as nobody else has begun it. The lock
//! is never held while a job runs, or while a scheduler is called.

use super::graph::{Graph, JobId, Step, Work};
use super::sync::{Condvar, Mutex, MutexGuard};
use crate::error::{Error, Result, Status};

/// A job's work, and who runs it.
pub trait Task: Work {
    /// Who runs it.
    type Crew: Crew<Ticket = Self::Ticket>;

    fn crew(&self) -> Self::Crew;

    /// Does the work. Panics stay inside.
    fn run(self, job: JobId) -> Result<()>;

    /// The jobs that this thread is inside, and the sites.
    fn with_own<R>(body: impl FnOnce(&[JobId], &[usize]) -> R) -> R;

    /// Calls `body`, unless this thread is inside of such a call already.
    fn once(body: impl FnOnce());

    /// The number of this thread.
    fn thread() -> usize;
}

/// Who runs a job.
pub trait Crew {
    type Ticket: Clone;

    /// A job may begin now. A ticket: somebody else's scheduler runs it.
    fn offer(&self, job: JobId) -> Option<Self::Ticket>;

    /// A job of this crew is over. The table is locked.
    fn job_over(&self);

    /// Waits in the way of the other scheduler, or returns at once.
    fn wait(ticket: &Self::Ticket);
}

/// All jobs of the process.
pub struct Table<W: Task> {
    graph: Mutex<Graph<W>>,
    /// A job is over.
    over: Condvar,
}

fn never() -> Error {
    Error::new(
        Status::InvalidArgument,
        "the job waits for the job that asks for it, so it can never be complete; \
         do not complete a later job of the driver from inside an earlier one",
    )
}

fn obstructed() -> Error {
    Error::new(
        Status::DriverInUse,
        "the job works on a driver that this thread is inside of, so it can never be complete; \
         leave the call on the driver first, then complete the job",
    )
}

impl<W: Task> Table<W> {
    /// A table of these parts, which have to be new.
    pub const fn new(graph: Mutex<Graph<W>>, over: Condvar) -> Self {
        Self { graph, over }
    }

    /// As [`Graph::add`]. The caller calls [`hand_out`](Self::hand_out) once he holds no lock.
    ///
    /// # Errors
    /// [`Status::LimitReached`].
    pub fn add(&self, work: &mut Option<W>, after: JobId, behind: JobId) -> Result<JobId> {
        let mut graph = self.graph.lock();
        let job = graph.add(work, std::iter::once(after), behind);
        graph.claim_ready(W::thread());
        job
    }

    /// A job that is over when all of `jobs` are.
    ///
    /// # Errors
    /// [`Status::LimitReached`].
    pub fn combine(&self, jobs: impl Iterator<Item = JobId> + Clone) -> Result<JobId> {
        let mut graph = self.graph.lock();
        let job = graph.add(&mut None, jobs, JobId::default());
        graph.claim_ready(W::thread());
        job
    }

    /// Offers the jobs that this thread has made ready to those who run them. Not what others have:
    /// a scheduler may run it at once, inside of what this thread is inside of.
    pub fn hand_out(&self) {
        // A scheduler that runs jobs at once would come back here for each job of a chain, deeper
        // and deeper; so the outermost call goes on with what the inner ones make ready.
        W::once(|| self.hand_out_all());
    }

    fn hand_out_all(&self) {
        loop {
            let mut graph = self.graph.lock();
            let ready = graph.poll_ready(W::thread()).map(|(job, work)| (job, work.crew()));
            drop(graph);
            let Some((job, crew)) = ready else { return };
            if let Some(ticket) = crew.offer(job) {
                self.graph.lock().set_ticket(job, ticket);
            }
        }
    }

    /// Begins a job, or helps with it, if there is anything to do, and this thread is not where it
    /// has to be done.
    pub fn try_run(&self, job: JobId) {
        let mut graph = self.graph.lock();
        let obstructed = W::with_own(|_, sites| graph.is_obstructed(job, sites));
        let work = if obstructed { None } else { graph.begin(job) };
        if let Some(work) = work {
            self.run(graph, job, work);
        }
    }

    fn run(&self, mut graph: MutexGuard<'_, Graph<W>>, job: JobId, work: W) {
        // The job that this thread is inside of goes on behind this one, whether it asked for its
        // completion or not.
        let outer = W::with_own(|own, _| own.last().copied());
        if let Some(outer) = outer {
            graph.set_awaited(outer, job, true);
        }
        drop(graph);
        let crew = work.crew();
        let outcome = work.run(job);
        let mut graph = self.graph.lock();
        if let Some(outer) = outer {
            graph.set_awaited(outer, job, false);
        }
        let (over, rest) = graph.leave(job, outcome);
        graph.claim_ready(W::thread());
        if over {
            crew.job_over();
            self.over.notify_all();
        }
        drop(graph);
        drop(rest);
        self.hand_out();
    }

    /// Is it over?
    pub fn is_over(&self, job: JobId) -> bool {
        self.graph.lock().is_over(job)
    }

    /// Waits until a job is over, and runs what nobody has begun meanwhile; the job's result.
    ///
    /// # Errors
    /// The job's, or that of one it depends on; [`Status::InvalidArgument`] when this thread is
    /// inside a job that it waits for, [`Status::DriverInUse`] when it is where one is to be done.
    pub fn complete(&self, job: JobId) -> Result<()> {
        if job == JobId::default() {
            return Ok(());
        }
        let caller = W::with_own(|own, _| own.last().copied());
        let Some(caller) = caller else { return self.wait(job) };
        self.graph.lock().set_awaited(caller, job, true);
        let outcome = self.wait(job);
        self.graph.lock().set_awaited(caller, job, false);
        outcome
    }

    fn wait(&self, job: JobId) -> Result<()> {
        // Nobody else's scheduler is asked twice for one job: it may think that it is done.
        let mut asked = JobId::default();
        loop {
            let mut graph = self.graph.lock();
            match W::with_own(|own, sites| graph.step(job, own, sites)) {
                Step::Over(outcome) => return outcome,
                Step::Never => return Err(never()),
                Step::Obstructed => return Err(obstructed()),
                Step::Run(at, work) => self.run(graph, at, work),
                Step::Wait(at, Some(ticket)) if at != asked => {
                    drop(graph);
                    asked = at;
                    W::Crew::wait(&ticket);
                }
                Step::Wait(..) => self.over.wait(&mut graph),
            }
        }
    }
}
