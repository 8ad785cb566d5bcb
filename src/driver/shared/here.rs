//! Which drivers this thread is inside: who waits for a driver must not wait for himself.
//!
//! The usual case, one driver, is one word; in a shared library even that costs tens of
//! instructions, so calls of the C interface are not noted. It notes those that they make to the
//! program: only there can anybody wait.

use std::cell::{Cell, RefCell};

/// Names no driver.
const NOWHERE: usize = 0;

thread_local! {
    static INNERMOST: Cell<usize> = const { Cell::new(NOWHERE) };
    /// Those around the innermost one.
    static AROUND: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// This thread is inside a driver until this is dropped.
pub struct Mark {
    outer: usize,
}

/// Enters the driver of this number.
#[inline(never)]
pub fn enter(driver: usize) -> Mark {
    let outer = INNERMOST.replace(driver);
    if outer != NOWHERE {
        surround(outer);
    }
    Mark { outer }
}

impl Drop for Mark {
    #[inline(never)]
    fn drop(&mut self) {
        INNERMOST.set(self.outer);
        if self.outer != NOWHERE {
            emerge();
        }
    }
}

// A thread that is ending has no list any more; it waits for nobody either.
#[cold]
fn surround(outer: usize) {
    let _ = AROUND.try_with(|around| around.borrow_mut().push(outer));
}

#[cold]
fn emerge() {
    let _ = AROUND.try_with(|around| around.borrow_mut().pop());
}

/// All drivers that this thread is inside.
pub fn all() -> Vec<usize> {
    let innermost = INNERMOST.get();
    if innermost == NOWHERE {
        return Vec::new();
    }
    let mut all = AROUND.try_with(|around| around.borrow().clone()).unwrap_or_default();
    all.push(innermost);
    all
}

/// Is this thread inside the driver of this number?
pub fn is_inside(driver: usize) -> bool {
    all().contains(&driver)
}
