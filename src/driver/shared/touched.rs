//! Which of many were touched: a list that threads add to without a lock, each one once, and that
//! somebody who has it to himself takes.
//!
//! Each thread adds at its own seat, so that threads do not meet. Whoever adds one must know that
//! it is not in the list. The list knows nothing of what it names.

use super::apart::Apart;
use super::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering, SEATS, own_seat};

/// Nobody comes after this one.
const NONE: u32 = u32::MAX;

/// The place of one that may be touched.
pub struct Link(AtomicU32);

impl Default for Link {
    fn default() -> Self {
        Self(AtomicU32::new(NONE))
    }
}

/// The list.
#[derive(Default)]
pub struct Touched {
    /// The last one that was added at each seat; no seats before it was opened.
    lasts: Box<[Apart<AtomicU32>]>,
    /// The seats where one was ever added, a bit each: others are not looked at.
    used: AtomicU64,
    /// The list is unfit.
    spoiled: AtomicBool,
    /// Something was added, or the list was spoiled. Who finds it set leaves it alone, so that
    /// threads do not take it from each other.
    any: Apart<AtomicBool>,
}

impl Touched {
    /// From now on it may be added to.
    pub fn open(&mut self) {
        if self.lasts.is_empty() {
            self.lasts = (0..SEATS).map(|_| Apart(AtomicU32::new(NONE))).collect();
        }
    }

    /// Adds one that is not in the list, which is open. Seldom enough to stay out of what calls it.
    #[inline(never)]
    pub fn push(&self, index: u32, link: &Link) {
        let seat = own_seat();
        let place = &self.lasts[seat].0;
        let mut last = place.load(Ordering::Relaxed);
        loop {
            link.0.store(last, Ordering::Relaxed);
            // Nothing is taken out meanwhile, so what was the last may be the last again only if
            // it never was another one.
            match place.compare_exchange_weak(last, index, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => last = now,
            }
        }
        if self.used.load(Ordering::Relaxed) & 1 << seat == 0 {
            self.used.fetch_or(1 << seat, Ordering::Relaxed);
        }
        self.mark();
    }

    fn mark(&self) {
        if !self.any.0.load(Ordering::Relaxed) {
            self.any.0.store(true, Ordering::Relaxed);
        }
    }

    /// Makes it unfit, for good: what is in it is not to be trusted.
    pub fn spoil(&self) {
        self.spoiled.store(true, Ordering::Relaxed);
        self.mark();
    }

    /// Is it unfit?
    #[inline]
    pub fn is_spoiled(&self) -> bool {
        self.spoiled.load(Ordering::Relaxed)
    }

    /// Was none touched, and nothing spoiled? For one who has the list to himself.
    #[inline]
    pub fn is_empty(&mut self) -> bool {
        !self.any.0.load(Ordering::Relaxed)
    }

    /// Takes all of them out, those of one seat after those of another, the last one first; `link`
    /// finds the place of each. A list that is unfit stays as it is.
    pub fn take<'a>(&mut self, link: impl Fn(u32) -> &'a Link, mut each: impl FnMut(u32)) {
        if self.is_spoiled() {
            return;
        }
        let mut used = self.used.load(Ordering::Relaxed);
        while used != 0 {
            let place = &self.lasts[used.trailing_zeros() as usize].0;
            let mut next = place.load(Ordering::Acquire);
            place.store(NONE, Ordering::Relaxed);
            while next != NONE {
                each(next);
                next = link(next).0.load(Ordering::Relaxed);
            }
            used &= used - 1;
        }
        self.any.0.store(false, Ordering::Relaxed);
    }
}
