//! Jobs as a graph: who waits for whom, who may begin, what came out.
//!
//! Pure: no lock, no thread. A job's slot serves another one when the job is over, the one that
//! has rested longest first, so that results stay known for a while; a value that is older than
//! its slot's job is over, and that is all that can be said of it.

use std::collections::VecDeque;

use crate::error::{Error, Result, Status};

/// Jobs of the process that may be under way at once.
pub const JOBS_MAX: usize = 4096;
/// Later jobs of the process that must have come before a result is forgotten.
pub const JOB_RESULTS_KEPT: usize = 256;

/// Jobs before and behind a job for which there is room from the start.
const LISTED: usize = 4;

/// Names a job: generation and slot. The default names none, which is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct JobId {
    generation: u32,
    /// One more than the index, so that 0 is none.
    place: u32,
}

impl JobId {
    /// None.
    pub const NONE: Self = Self { generation: 0, place: 0 };

    /// The value of the C interface.
    pub const fn to_u64(self) -> u64 {
        (self.generation as u64) << 32 | self.place as u64
    }

    /// From such a value, whatever it is.
    pub const fn from_u64(value: u64) -> Self {
        Self { generation: (value >> 32) as u32, place: value as u32 }
    }

    const fn new(index: u32, generation: u32) -> Self {
        Self { generation, place: index + 1 }
    }
}

/// What a job does.
pub trait Work: Sized {
    /// How somebody else's scheduler knows a job.
    type Ticket: Clone;

    /// A copy for one more thread, when several may work on it.
    fn split(&self) -> Option<Self>;

    /// Where it is done, which must not be where the thread that waits for it is; 0 is anywhere.
    fn site(&self) -> usize;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Over, or never used.
    Over,
    /// For what it depends on.
    Waiting,
    /// Nobody has begun it.
    Ready,
    /// Somebody is inside.
    Running,
}

struct Slot<W: Work> {
    generation: u32,
    state: State,
    /// Dependencies that are not over.
    missing: u32,
    dependencies: Vec<JobId>,
    /// Who waits for it, and whether its error is theirs.
    dependents: Vec<(u32, bool)>,
    work: Option<W>,
    site: usize,
    /// Threads inside.
    inside: u32,
    /// Others may come in and help.
    open: bool,
    /// What the threads inside wait for, by asking for its completion.
    awaited: Vec<JobId>,
    outcome: Result<()>,
    ticket: Option<W::Ticket>,
    /// The last walk that came by.
    visit: u64,
}

impl<W: Work> Slot<W> {
    fn new() -> Self {
        Self {
            generation: 0,
            state: State::Over,
            missing: 0,
            // Enough for what drivers schedule, so that no slot needs more later.
            dependencies: Vec::with_capacity(LISTED),
            dependents: Vec::with_capacity(LISTED),
            work: None,
            site: 0,
            inside: 0,
            open: false,
            awaited: Vec::new(),
            outcome: Ok(()),
            ticket: None,
            visit: 0,
        }
    }
}

/// What somebody who wants a job to be over can do.
pub enum Step<W: Work> {
    /// It is; with this result.
    Over(Result<()>),
    /// This has been begun for him: run it, then say so to `leave`.
    Run(JobId, W),
    /// Others are at this one.
    Wait(JobId, Option<W::Ticket>),
    /// It cannot end before the caller does.
    Never,
    /// It cannot begin before the caller leaves a site.
    Obstructed,
}

/// All jobs of the process.
pub struct Graph<W: Work> {
    slots: Vec<Slot<W>>,
    /// Slots whose jobs are over, the longest over first.
    resting: VecDeque<u32>,
    /// Became ready, and nobody was told yet; and the thread that is to tell, once there is one.
    ready: VecDeque<(JobId, Option<usize>)>,
    /// Jobs whose end others have to be told.
    ending: Vec<u32>,
    /// Where a walk still has to look.
    walk: Vec<JobId>,
    visits: u64,
}

impl<W: Work> Graph<W> {
    pub const fn new() -> Self {
        Self {
            slots: Vec::new(),
            resting: VecDeque::new(),
            ready: VecDeque::new(),
            ending: Vec::new(),
            walk: Vec::new(),
            visits: 0,
        }
    }

    fn index(&self, job: JobId) -> Option<usize> {
        let index = (job.place as usize).checked_sub(1)?;
        let slot = self.slots.get(index)?;
        (slot.generation == job.generation).then_some(index)
    }

    /// The slot of a job that is not over.
    fn alive(&self, job: JobId) -> Option<usize> {
        self.index(job).filter(|&index| self.slots[index].state != State::Over)
    }

    /// Is it over? Values that name nothing are.
    pub fn is_over(&self, job: JobId) -> bool {
        self.alive(job).is_none()
    }

    /// Jobs that are not over.
    pub fn count(&self) -> usize {
        self.slots.len() - self.resting.len()
    }

    /// Slots that there are.
    #[cfg(test)]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// What came of a job that is over, as long as it is remembered.
    pub fn outcome(&self, job: JobId) -> Result<()> {
        self.index(job).map_or(Ok(()), |index| self.slots[index].outcome.clone())
    }

    fn take_slot(&mut self) -> Result<usize> {
        if self.count() >= JOBS_MAX {
            return Err(Error::new(
                Status::LimitReached,
                "4096 jobs are not complete (JOBS_MAX); complete those that came before",
            ));
        }
        if self.resting.len() <= JOB_RESULTS_KEPT {
            self.slots.push(Slot::new());
            return Ok(self.slots.len() - 1);
        }
        self.resting.pop_front().map(|index| index as usize).ok_or_else(|| {
            Error::new(Status::LimitReached, "there is no place for a job (JOBS_MAX)")
        })
    }

    /// A job that begins when `after` are over, with the first of their errors for its own; and
    /// when `behind` is, whose errors are others' business. Without work it is over then. Takes
    /// the work unless it fails.
    ///
    /// # Errors
    /// [`Status::LimitReached`].
    pub fn add(
        &mut self,
        work: &mut Option<W>,
        after: impl Iterator<Item = JobId> + Clone,
        behind: JobId,
    ) -> Result<JobId> {
        let index = self.take_slot()?;
        let generation = self.slots[index].generation.wrapping_add(1);
        let job = JobId::new(index as u32, generation);
        let outcome = after.clone().map(|one| self.outcome(one)).find(Result::is_err);
        let slot = &mut self.slots[index];
        slot.generation = generation;
        slot.state = State::Waiting;
        slot.work = work.take();
        slot.site = slot.work.as_ref().map_or(0, W::site);
        slot.outcome = outcome.unwrap_or(Ok(()));
        slot.ticket = None;
        for one in after.clone() {
            self.depend(index, one, true);
        }
        if after.clone().all(|one| one != behind) {
            self.depend(index, behind, false);
        }
        if self.slots[index].missing == 0 {
            self.become_ready(index);
            self.tell_ends();
        }
        Ok(job)
    }

    fn depend(&mut self, index: usize, on: JobId, inherits: bool) {
        // A value that somebody made up may be the one that the job itself has just been given.
        let Some(other) = self.alive(on).filter(|&other| other != index) else { return };
        self.slots[other].dependents.push((index as u32, inherits));
        self.slots[index].dependencies.push(on);
        self.slots[index].missing += 1;
    }

    fn become_ready(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        if slot.work.is_none() {
            self.ending.push(index as u32);
            return;
        }
        slot.state = State::Ready;
        let job = JobId::new(index as u32, slot.generation);
        self.ready.push_back((job, None));
    }

    /// What became ready since this was last called is to be told by this thread.
    pub fn claim_ready(&mut self, thread: usize) {
        let new = self.ready.iter_mut().rev().take_while(|(_, teller)| teller.is_none());
        new.for_each(|(_, teller)| *teller = Some(thread));
    }

    /// A job that became ready, that this thread is to tell of and has not yet, and its work to
    /// look at.
    pub fn poll_ready(&mut self, thread: usize) -> Option<(JobId, &W)> {
        while let Some(place) = self.ready.iter().position(|&(_, teller)| teller == Some(thread)) {
            let Some((job, _)) = self.ready.remove(place) else { break };
            let Some(index) = self.index(job) else { continue };
            if self.slots[index].state == State::Ready {
                return self.slots[index].work.as_ref().map(|work| (job, work));
            }
        }
        None
    }

    /// Begins a job that is ready, or helps with one that several may work on. `None`: there is
    /// nothing to do.
    pub fn begin(&mut self, job: JobId) -> Option<W> {
        let index = self.index(job)?;
        let slot = &mut self.slots[index];
        let free = slot.state == State::Ready || slot.state == State::Running && slot.open;
        if !free {
            return None;
        }
        let copy = slot.work.as_ref().and_then(W::split);
        slot.open = copy.is_some();
        let work = copy.or_else(|| slot.work.take())?;
        slot.state = State::Running;
        slot.inside += 1;
        Some(work)
    }

    /// A thread that has begun a job says what came out. Nobody else may come in any more; the
    /// last one out ends the job. True: it is over; and work that nobody took, to be dropped where
    /// nothing is locked.
    pub fn leave(&mut self, job: JobId, outcome: Result<()>) -> (bool, Option<W>) {
        let Some(index) = self.alive(job) else { return (false, None) };
        let slot = &mut self.slots[index];
        slot.open = false;
        slot.inside -= 1;
        if slot.outcome.is_ok() {
            slot.outcome = outcome;
        }
        if slot.inside > 0 {
            return (false, None);
        }
        let rest = slot.work.take();
        self.ending.push(index as u32);
        self.tell_ends();
        (true, rest)
    }

    /// Ends jobs, and those that only waited for them.
    fn tell_ends(&mut self) {
        while let Some(ended) = self.ending.pop() {
            let slot = &mut self.slots[ended as usize];
            slot.state = State::Over;
            slot.dependencies.clear();
            slot.awaited.clear();
            slot.ticket = None;
            let mut dependents = std::mem::take(&mut slot.dependents);
            for (other, inherits) in dependents.drain(..) {
                self.tell_end(ended as usize, other as usize, inherits);
            }
            // The list keeps its memory for the next job.
            self.slots[ended as usize].dependents = dependents;
            self.resting.push_back(ended);
        }
    }

    fn tell_end(&mut self, ended: usize, other: usize, inherits: bool) {
        if inherits && self.slots[other].outcome.is_ok() {
            self.slots[other].outcome = self.slots[ended].outcome.clone();
        }
        self.slots[other].missing -= 1;
        if self.slots[other].missing == 0 {
            self.become_ready(other);
        }
    }

    /// Somebody else's scheduler knows a job by this.
    pub fn set_ticket(&mut self, job: JobId, ticket: W::Ticket) {
        if let Some(index) = self.alive(job) {
            self.slots[index].ticket = Some(ticket);
        }
    }

    /// Does `job` wait for one whose site is among these?
    pub fn is_obstructed(&mut self, job: JobId, sites: &[usize]) -> bool {
        !sites.is_empty() && self.leads_to(job, |_, slot| sites.contains(&slot.site))
    }

    /// What somebody can do who wants `job` to be over, and is inside `own` and these sites
    /// himself.
    pub fn step(&mut self, job: JobId, own: &[JobId], sites: &[usize]) -> Step<W> {
        if self.is_over(job) {
            return Step::Over(self.outcome(job));
        }
        if !own.is_empty() && self.leads_to(job, |at, _| own.contains(&at)) {
            return Step::Never;
        }
        if self.is_obstructed(job, sites) {
            return Step::Obstructed;
        }
        self.step_below(job)
    }

    /// Begins the first that can begin of what `job` waits for.
    fn step_below(&mut self, job: JobId) -> Step<W> {
        self.visits += 1;
        let mut walk = std::mem::take(&mut self.walk);
        walk.clear();
        walk.push(job);
        let (mut begun, mut busy) = (None, job);
        while let Some(at) = walk.pop().filter(|_| begun.is_none()) {
            let Some(index) = self.alive(at) else { continue };
            if std::mem::replace(&mut self.slots[index].visit, self.visits) == self.visits {
                continue;
            }
            begun = self.begin(at).map(|work| (at, work));
            let slot = &self.slots[index];
            if slot.state == State::Running && busy == job {
                busy = at;
            }
            walk.extend(slot.dependencies.iter().rev());
        }
        self.walk = walk;
        if let Some((at, work)) = begun {
            return Step::Run(at, work);
        }
        let ticket = self.alive(busy).and_then(|index| self.slots[index].ticket.clone());
        Step::Wait(busy, ticket)
    }

    /// Does `job` wait for one like this, by any way, or is it one?
    fn leads_to(&mut self, job: JobId, is_such: impl Fn(JobId, &Slot<W>) -> bool) -> bool {
        self.visits += 1;
        let mut walk = std::mem::take(&mut self.walk);
        walk.clear();
        walk.push(job);
        let mut found = false;
        while let Some(at) = walk.pop() {
            let Some(index) = self.alive(at).filter(|_| !found) else { continue };
            let slot = &mut self.slots[index];
            found = is_such(at, slot);
            if slot.visit != self.visits {
                slot.visit = self.visits;
                walk.extend(slot.dependencies.iter().chain(&slot.awaited));
            }
        }
        self.walk = walk;
        found
    }

    /// A thread inside `job` waits for `other`, or no longer.
    pub fn set_awaited(&mut self, job: JobId, other: JobId, waits: bool) {
        let Some(index) = self.alive(job) else { return };
        let awaited = &mut self.slots[index].awaited;
        if waits {
            awaited.push(other);
        } else if let Some(at) = awaited.iter().position(|&one| one == other) {
            awaited.swap_remove(at);
        }
    }
}
