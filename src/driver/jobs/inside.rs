//! Which jobs a thread is inside of: a job may do with its driver what others may not.

use std::cell::{Cell, RefCell};

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
    static INSIDE: RefCell<Inside> = const {
        RefCell::new(Inside { jobs: Vec::new(), drivers: Vec::new() })
    };
}

thread_local! {
    static ONCE: Cell<bool> = const { Cell::new(false) };
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
pub struct Mark(());

/// Enters a job of a driver.
pub fn enter(job: JobId, driver: usize, beside: bool) -> Mark {
    INSIDE.with_borrow_mut(|inside| {
        inside.jobs.push(job);
        inside.drivers.push((driver, beside));
    });
    Mark(())
}

impl Drop for Mark {
    fn drop(&mut self) {
        INSIDE.with_borrow_mut(|inside| {
            inside.jobs.pop();
            inside.drivers.pop();
        });
    }
}

/// Shows the jobs that this thread is inside of, the innermost last.
pub fn with_jobs<R>(body: impl FnOnce(&[JobId]) -> R) -> R {
    INSIDE.with_borrow(|inside| body(&inside.jobs))
}

/// Where a call on `driver` by this thread comes from.
pub fn standing(driver: usize) -> Standing {
    // A thread that is ending is inside nothing.
    let found = INSIDE.try_with(|inside| {
        let inside = inside.borrow();
        let mut own = inside.drivers.iter().filter(|one| one.0 == driver).map(|one| one.1);
        let first = own.next();
        first.map(|beside| beside || own.any(|beside| beside))
    });
    match found.ok().flatten() {
        None => Standing::Outside,
        Some(false) => Standing::Alone,
        Some(true) => Standing::Beside,
    }
}
