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

/// Jobs inside of each other for which there is room without memory of their own.
const FEW: usize = 4;

/// What a thread is inside of, the innermost last. Where it is inside of few it holds no memory,
/// so that nothing is left of a thread that has ended.
struct Stack<T> {
    few: [T; FEW],
    /// All of them, where they are more.
    many: Vec<T>,
    count: usize,
}

impl<T: Copy> Stack<T> {
    const fn new(filler: T) -> Self {
        Self { few: [filler; FEW], many: Vec::new(), count: 0 }
    }

    fn push(&mut self, one: T) {
        if let Some(place) = self.few.get_mut(self.count) {
            *place = one;
        } else {
            if self.count == FEW {
                self.many.extend_from_slice(&self.few);
            }
            self.many.push(one);
        }
        self.count += 1;
    }

    fn pop(&mut self) {
        self.count = self.count.saturating_sub(1);
        self.many.truncate(self.count);
        if self.count == FEW {
            self.many = Vec::new();
        }
    }

    fn all(&self) -> &[T] {
        if self.count > FEW { &self.many } else { &self.few[..self.count] }
    }
}

struct Inside {
    jobs: Stack<JobId>,
    /// For each of them the driver, and whether it runs beside others.
    drivers: Stack<(usize, bool)>,
}

impl Inside {
    const fn new() -> Self {
        Self { jobs: Stack::new(JobId::NONE), drivers: Stack::new((0, false)) }
    }
}

thread_local! {
    /// Has nothing to do at a thread's end, so that a thread that is ending can still run jobs.
    static INSIDE: RefCell<ManuallyDrop<Inside>> = const {
        RefCell::new(ManuallyDrop::new(Inside::new()))
    };
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
    }
}

/// Shows the jobs that this thread is inside of, the innermost last.
pub fn with_jobs<R>(body: impl FnOnce(&[JobId]) -> R) -> R {
    INSIDE.with_borrow(|inside| body(inside.jobs.all()))
}

/// Where a call on `driver` by this thread comes from.
pub fn standing(driver: usize) -> Standing {
    let found = INSIDE.with_borrow(|inside| {
        let mut own = inside.drivers.all().iter().filter(|one| one.0 == driver).map(|one| one.1);
        let first = own.next();
        first.map(|beside| beside || own.any(|beside| beside))
    });
    match found {
        None => Standing::Outside,
        Some(false) => Standing::Alone,
        Some(true) => Standing::Beside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_the_same_however_much_lies_on_it_and_holds_memory_for_much_alone() {
        let mut stack = Stack::new(0);
        let all: Vec<_> = (1..=2 * FEW).collect();
        for &one in &all {
            stack.push(one);
            assert_eq!(stack.all(), &all[..one]);
        }
        for left in (0..all.len()).rev() {
            stack.pop();
            assert_eq!(stack.all(), &all[..left]);
            assert_eq!(stack.many.capacity() > 0, left > FEW);
        }
        stack.push(9);
        assert_eq!(stack.all(), [9]);
    }
}
