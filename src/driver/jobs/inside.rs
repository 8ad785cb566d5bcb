//! Which jobs a thread is inside of: a job may do with its driver what others may not.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;

use super::graph::JobId;

/// Where a call on a driver comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Not from inside a job of that driver.
    Outside,
    /// From a job that has the driver to itself.
    Alone,
    /// From a job that runs for several connections at once.
    Beside,
}

#[derive(Default)]
struct Inside {
    jobs: Vec<JobId>,
    /// For each of them the driver, and whether it runs beside others.
    drivers: Vec<(usize, bool)>,
}

thread_local! {
    /// Has nothing to do at a thread's end, so that a thread that is ending can still run jobs.
    static INSIDE: RefCell<ManuallyDrop<Inside>> = const {
        RefCell::new(ManuallyDrop::new(Inside { jobs: Vec::new(), drivers: Vec::new() }))
    };
    /// Gives back what the lists keep, at the thread's end.
    static KEEPER: Keeper = const { Keeper };
    static ONCE: Cell<bool> = const { Cell::new(false) };
}

struct Keeper;

impl Drop for Keeper {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the memory of the lists back, if this thread is inside of no job.
fn give_back() {
    INSIDE.with_borrow_mut(|inside| {
        if inside.jobs.is_empty() {
            drop(std::mem::take(&mut **inside));
        }
    });
}

/// Calls `body`, unless this thread is inside of such a call already.
pub fn once(body: impl FnOnce()) {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            ONCE.set(false);
        }
    }
    if !ONCE.replace(true) {
        let _reset = Reset;
        body();
    }
}

/// This thread is inside a job until this is dropped.
pub struct Mark {
    /// It is inside of a call of [`once`], too.
    once: bool,
}

/// Enters a job of a driver. What the job calls is [`once`] again inside of it: it may wait for it.
pub fn enter(job: JobId, driver: usize, beside: bool) -> Mark {
    INSIDE.with_borrow_mut(|inside| {
        inside.jobs.push(job);
        inside.drivers.push((driver, beside));
    });
    Mark { once: ONCE.replace(false) }
}

impl Drop for Mark {
    fn drop(&mut self) {
        ONCE.set(self.once);
        INSIDE.with_borrow_mut(|inside| {
            inside.jobs.pop();
            inside.drivers.pop();
        });
        // The lists keep their memory for the thread's next job, unless it is ending.
        if KEEPER.try_with(|_| ()).is_err() {
            give_back();
        }
    }
}

/// Shows the jobs that this thread is inside of, the innermost last.
pub fn with_jobs<R>(body: impl FnOnce(&[JobId]) -> R) -> R {
    INSIDE.with_borrow(|inside| body(&inside.jobs))
}

/// Where a call on `driver` by this thread comes from.
pub fn standing(driver: usize) -> Standing {
    let found = INSIDE.with_borrow(|inside| {
        let mut own = inside.drivers.iter().filter(|one| one.0 == driver).map(|one| one.1);
        let first = own.next();
        first.map(|beside| beside || own.any(|beside| beside))
    });
    match found {
        None => Standing::Outside,
        Some(false) => Standing::Alone,
        Some(true) => Standing::Beside,
    }
}
