//! Threads that run jobs and threads that wait for them, in every order. A job that runs twice or
//! never, a wait that never ends, and a race fail a model.

use std::cell::RefCell;
use std::sync::Arc as StdArc;
use std::sync::Mutex as StdMutex;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use super::graph::{Graph, JobId, Work};
use super::sync::{Condvar, Mutex};
use super::table::{Crew, Table, Task};
use crate::error::{Error, Result, Status};

type Jobs = Table<Job>;

loom::thread_local! {
    static OWN: RefCell<Vec<JobId>> = RefCell::new(Vec::new());
}

/// What jobs write to without a lock: the checker fails when two do at once.
struct Page(UnsafeCell<Vec<&'static str>>);

// SAFETY: the checker sees whether it is written by two.
unsafe impl Sync for Page {}
// SAFETY: as above.
unsafe impl Send for Page {}

impl Page {
    fn write(&self, word: &'static str) {
        self.0.with_mut(|words| {
            // SAFETY: as above.
            unsafe { (*words).push(word) }
        });
    }

    fn words(&self) -> Vec<&'static str> {
        self.0.with(|words| {
            // SAFETY: as above.
            unsafe { (*words).clone() }
        })
    }
}

#[derive(Clone)]
enum Job {
    /// Writes a word.
    Write(Arc<Page>, &'static str),
    /// Takes numbers, beside others, until there are none.
    Take(Arc<Mutex<u32>>, Arc<Mutex<u32>>),
    /// Waits for another one, whose name it is told later.
    Wait(Arc<Jobs>, StdArc<StdMutex<JobId>>),
    /// Fails.
    Fail,
}

impl Work for Job {
    type Ticket = ();

    fn split(&self) -> Option<Self> {
        matches!(self, Self::Take(..)).then(|| self.clone())
    }

    fn site(&self) -> usize {
        0
    }
}

impl Task for Job {
    type Crew = Nobody;

    fn crew(&self) -> Nobody {
        Nobody
    }

    fn run(self, job: JobId) -> Result<()> {
        OWN.with(|own| own.borrow_mut().push(job));
        let outcome = match self {
            Self::Write(page, word) => {
                page.write(word);
                Ok(())
            }
            Self::Take(numbers, taken) => loop {
                let mut left = numbers.lock();
                if *left == 0 {
                    break Ok(());
                }
                *left -= 1;
                drop(left);
                *taken.lock() += 1;
            },
            Self::Wait(jobs, other) => {
                let other = *other.lock().expect("nobody panicked");
                jobs.complete(other)
            }
            Self::Fail => Err(Error::new(Status::NotFound, "as told")),
        };
        OWN.with(|own| own.borrow_mut().pop());
        outcome
    }

    fn with_own<R>(body: impl FnOnce(&[JobId], &[usize]) -> R) -> R {
        OWN.with(|own| body(&own.borrow(), &[]))
    }

    fn once(body: impl FnOnce()) {
        body();
    }

    fn thread() -> usize {
        // All together tell of what all make ready.
        0
    }
}

/// Whoever waits runs what he waits for.
struct Nobody;

impl Crew for Nobody {
    type Ticket = ();

    fn offer(&self, _: JobId) -> Option<()> {
        None
    }

    fn job_over(&self) {}

    fn wait(_: &()) {}
}

const NONE: JobId = JobId::from_u64(0);

fn table() -> Arc<Jobs> {
    Arc::new(Table::new(Mutex::new(Graph::new()), Condvar::new()))
}

fn page() -> Arc<Page> {
    Arc::new(Page(UnsafeCell::new(Vec::new())))
}

fn add(jobs: &Jobs, job: Job, after: JobId) -> JobId {
    let added = jobs.add(&mut Some(job), after, NONE).expect("there is room");
    jobs.hand_out();
    added
}

#[test]
fn a_chain_runs_once_and_in_order_whoever_runs_it() {
    loom::model(|| {
        let (jobs, page) = (table(), page());
        let first = add(&jobs, Job::Write(Arc::clone(&page), "first"), NONE);
        let second = add(&jobs, Job::Write(Arc::clone(&page), "second"), first);
        let worker = {
            let jobs = Arc::clone(&jobs);
            thread::spawn(move || {
                jobs.try_run(first);
                jobs.try_run(second);
            })
        };
        assert_eq!(jobs.complete(second), Ok(()));
        assert!(jobs.is_over(first) && jobs.is_over(second));
        assert_eq!(page.words(), ["first", "second"]);
        worker.join().expect("ends");
    });
}

#[test]
fn two_who_wait_for_one_job_both_hear_how_it_ended() {
    loom::model(|| {
        let jobs = table();
        let failed = add(&jobs, Job::Fail, NONE);
        let page = page();
        let after = add(&jobs, Job::Write(page, "all the same"), failed);
        let other = {
            let jobs = Arc::clone(&jobs);
            thread::spawn(move || jobs.complete(after))
        };
        let own = jobs.complete(failed);
        let others = other.join().expect("ends");
        for outcome in [own, others] {
            assert_eq!(outcome.map_err(|error| error.status()), Err(Status::NotFound));
        }
    });
}

#[test]
fn several_work_on_one_job_and_it_is_over_when_all_is_done() {
    loom::model(|| {
        let jobs = table();
        let (numbers, taken) = (Arc::new(Mutex::new(2)), Arc::new(Mutex::new(0)));
        let many = add(&jobs, Job::Take(numbers, Arc::clone(&taken)), NONE);
        let worker = {
            let jobs = Arc::clone(&jobs);
            thread::spawn(move || jobs.try_run(many))
        };
        assert_eq!(jobs.complete(many), Ok(()));
        assert_eq!(*taken.lock(), 2);
        worker.join().expect("ends");
        assert_eq!(*taken.lock(), 2);
    });
}

#[test]
fn two_jobs_that_wait_for_each_other_end() {
    loom::model(|| {
        let jobs = table();
        let names = [NONE; 2].map(|name| StdArc::new(StdMutex::new(name)));
        let wait = |other: usize| Job::Wait(Arc::clone(&jobs), StdArc::clone(&names[other]));
        let added = [add(&jobs, wait(1), NONE), add(&jobs, wait(0), NONE)];
        for (name, job) in names.iter().zip(added) {
            *name.lock().expect("nobody panicked") = job;
        }
        let other = {
            let jobs = Arc::clone(&jobs);
            thread::spawn(move || jobs.complete(added[1]))
        };
        let own = jobs.complete(added[0]);
        let outcomes = [own, other.join().expect("ends")];
        let told = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
        assert!(told.count() > 0, "one of them is told");
    });
}
