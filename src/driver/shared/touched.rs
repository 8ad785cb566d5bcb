//! Which of many were touched: a list that threads add to without a lock, each one once, and that
//! somebody who has it to himself takes.
//!
//! Whoever adds one must know that it is not in the list. The list knows nothing of what it names.

use super::sync::{AtomicU32, Ordering};

/// Nobody comes after this one.
const NONE: u32 = u32::MAX;
/// The list is spoiled.
const SPOILED: u32 = u32::MAX - 1;

/// The place of one that may be touched.
pub struct Link(AtomicU32);

impl Default for Link {
    fn default() -> Self {
        Self(AtomicU32::new(NONE))
    }
}

/// The list.
pub struct Touched {
    last: AtomicU32,
}

impl Default for Touched {
    fn default() -> Self {
        Self { last: AtomicU32::new(NONE) }
    }
}

impl Touched {
    /// Adds one that is not in the list.
    pub fn push(&self, index: u32, link: &Link) {
        let mut last = self.last.load(Ordering::Relaxed);
        while last != SPOILED {
            link.0.store(last, Ordering::Relaxed);
            // Nothing is taken out meanwhile, so what was the last may be the last again only if
            // it never was another one.
            match self.last.compare_exchange_weak(last, index, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => last = now,
            }
        }
    }

    /// Makes it unfit, for good: what is in it is not to be trusted.
    pub fn spoil(&self) {
        self.last.swap(SPOILED, Ordering::Release);
    }

    /// Is it unfit?
    #[inline]
    pub fn is_spoiled(&self) -> bool {
        self.last.load(Ordering::Relaxed) == SPOILED
    }

    /// Was none touched, and nothing spoiled? For one who has the list to himself.
    #[inline]
    pub fn is_empty(&mut self) -> bool {
        self.last.load(Ordering::Relaxed) == NONE
    }

    /// Takes all of them out, the last one first; `link` finds the place of each.
    pub fn take<'a>(&mut self, link: impl Fn(u32) -> &'a Link, mut each: impl FnMut(u32)) {
        let mut next = self.last.load(Ordering::Acquire);
        self.last.store(NONE, Ordering::Relaxed);
        while next != NONE && next != SPOILED {
            each(next);
            next = link(next).0.load(Ordering::Relaxed);
        }
    }
}
