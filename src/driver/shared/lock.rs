//! The lock around a driver: one exclusive user, or any number of shared ones.
//!
//! It never lets a program wait for itself: a call that comes while another one is inside is
//! refused, and of two that come at the same moment, one of them for itself and one beside others,
//! both may be. Only the background pump, whose turns are short, is waited for. Shared users do not
//! meet each other: each thread counts itself at its own seat, in a cache line that nobody else
//! writes, so that two threads that work on two connections share no lock. It knows nothing of what
//! it guards.
//!
//! As long as nobody was allowed to share it may have a key, and from then on another one, for
//! those who come beside others. Who names the right one gets in by a single question.
#![allow(
    unsafe_code,
    reason = "a lock hands out references to what it guards; the two places are explained"
)]

use std::cell::UnsafeCell;
use std::hint::cold_path;
use std::ops::{Deref, DerefMut};

use super::apart::Apart;
use super::sync::{
    AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Mutex, MutexGuard, Ordering, SEATS, own_number,
    own_seat, sequential_fence, sleep, yield_now,
};

/// A call has it to itself. What says that somebody has it, and that it is free without a key, is
/// even and has no [`BESIDE`]. Keys of those who come alone are odd and have none either; what
/// stands here for the key of those who come beside others is even and has it. So nobody who makes
/// up a key names anything but a key of its own kind.
const CALL: usize = 0;
/// The background pump has, for a moment.
const PUMP: usize = 2;
/// Nobody has it to himself, and no key opens it.
const OPEN: usize = 4;

/// In the key of those who come beside others, and in nothing else.
const BESIDE: usize = 1 << 31;

/// Tries of a thread that may wait before it sleeps between them, and of the pump before it gives
/// up.
const SPINS: u32 = 64;
/// Tries of a thread that waits for one who will be gone soon, and gives up otherwise: a tenth of a
/// second or more.
const TRIES_SOON: u32 = SPINS + 1000;
/// The pump has no turn.
const NOBODY: usize = 0;

/// The lock.
pub struct SharedLock<T> {
    /// Who has it to himself. While nobody does, the key, or [`OPEN`].
    holder: AtomicUsize,
    /// What says there that nobody has it; changed by who has.
    free: AtomicUsize,
    /// What will say it once sharing is allowed; changed by who has it to himself.
    beside: AtomicUsize,
    /// There may be shared users; until then nobody looks for them.
    sharing: AtomicBool,
    /// How many shared users sit where.
    seats: [Apart<AtomicU32>; SEATS],
    /// The seats that any thread has ever used, a bit each: others are not looked at.
    used: AtomicU64,
    /// Held by the pump for the length of its turn, so that others can sleep until it is over.
    turn: Mutex<()>,
    /// The number of the thread whose turn it is.
    turn_thread: AtomicUsize,
    content: UnsafeCell<T>,
}

// SAFETY: exclusive guards hand the content to one thread at a time, shared ones hand `&T` to
// several; so both bounds are needed, and they are enough.
unsafe impl<T: Send + Sync> Sync for SharedLock<T> {}

/// Sole access.
pub struct Exclusive<'a, T> {
    lock: &'a SharedLock<T>,
}

/// Sole access of the background pump.
pub struct PumpTurn<'a, T> {
    content: Exclusive<'a, T>,
    /// Freed after the lock, so that those who slept find it free.
    _turn: MutexGuard<'a, ()>,
}

/// Access beside others.
pub struct Shared<'a, T> {
    lock: &'a SharedLock<T>,
    /// Where it is counted.
    seat: &'a AtomicU32,
}

impl<T> SharedLock<T> {
    /// A free lock. Sharing has to be [allowed](Self::allow_sharing) first.
    pub fn new(content: T) -> Self {
        Self {
            holder: AtomicUsize::new(OPEN),
            free: AtomicUsize::new(OPEN),
            beside: AtomicUsize::new(OPEN),
            sharing: AtomicBool::new(false),
            seats: std::array::from_fn(|_| Apart(AtomicU32::new(0))),
            used: AtomicU64::new(0),
            turn: Mutex::new(()),
            turn_thread: AtomicUsize::new(NOBODY),
            content: UnsafeCell::new(content),
        }
    }

    /// For a call of the program; `None` while another one is inside.
    #[inline]
    pub fn try_exclusive(&self) -> Option<Exclusive<'_, T>> {
        let mut found = self.holder.load(Ordering::Relaxed);
        loop {
            if is_free(found) {
                match self.replace_holder(found, CALL) {
                    Ok(_) if self.has_shared_users() => {
                        self.set_free();
                        return None;
                    }
                    Ok(_) => return Some(Exclusive { lock: self }),
                    Err(now) => found = now,
                }
            } else if found == PUMP && self.sleep_until_turn_ends() {
                found = self.holder.load(Ordering::Relaxed);
            } else {
                return None;
            }
        }
    }

    /// For a call that knows the key, if there is one: that nobody is inside, that there are no
    /// shared users and that it is the right lock is asked at once. `None` says nothing: ask
    /// [`try_exclusive`](Self::try_exclusive).
    #[inline(always)]
    pub fn try_key(&self, key: usize) -> Option<Exclusive<'_, T>> {
        // A lock has had its last key when sharing is allowed, so here nobody is counted.
        if !is_key(key) || self.replace_holder(key, CALL).is_err() {
            cold_path();
            return None;
        }
        Some(Exclusive { lock: self })
    }

    #[inline(always)]
    fn replace_holder(&self, before: usize, after: usize) -> Result<usize, usize> {
        self.holder.compare_exchange(before, after, Ordering::SeqCst, Ordering::Relaxed)
    }

    #[inline(always)]
    fn set_free(&self) {
        self.holder.store(self.free.load(Ordering::Relaxed), Ordering::Release);
    }

    /// From the end of sole access on, a key opens the lock: an odd number without [`BESIDE`].
    /// `None`, and after sharing was allowed: none does. With [`BESIDE`] it is the key of those who
    /// come beside others, once [sharing](Self::allow_sharing) is allowed with it.
    pub fn set_key(guard: &mut Exclusive<'_, T>, key: Option<usize>) {
        let sharing = guard.lock.sharing.load(Ordering::Relaxed);
        let key = key.filter(|&key| is_key(key) && key & BESIDE == 0);
        let beside = key.map_or(OPEN, |key| word_beside(key | BESIDE));
        guard.lock.beside.store(beside, Ordering::Relaxed);
        let alone = key.filter(|_| !sharing);
        guard.lock.free.store(alone.unwrap_or(OPEN), Ordering::Relaxed);
    }

    /// For a job, which may wait for the calls that are inside.
    pub fn exclusive(&self) -> Exclusive<'_, T> {
        let mut tries = 0;
        loop {
            if let Some(guard) = self.try_exclusive() {
                return guard;
            }
            back_off(&mut tries);
        }
    }

    /// The same for one who expects it to be free soon; `None` when it is not.
    pub fn exclusive_soon(&self) -> Option<Exclusive<'_, T>> {
        soon(|| self.try_exclusive())
    }

    /// For the background pump; `None` while a call is inside. It waits for calls beside others for
    /// a moment only: one that makes another call would wait for the pump, and the pump for it.
    pub fn try_turn(&self) -> Option<PumpTurn<'_, T>> {
        let turn = self.turn.lock();
        let mut found = self.holder.load(Ordering::Relaxed);
        loop {
            if !is_free(found) {
                return None;
            }
            match self.replace_holder(found, PUMP) {
                Ok(_) => break,
                Err(now) => found = now,
            }
        }
        let mut tries = 0;
        while self.has_shared_users() {
            tries += 1;
            if tries > SPINS {
                self.set_free();
                return None;
            }
            yield_now();
        }
        self.turn_thread.store(own_number(), Ordering::Relaxed);
        Some(PumpTurn { content: Exclusive { lock: self }, _turn: turn })
    }

    /// From now on there may be shared users, and no key opens the lock any more to those who come
    /// alone. Nothing takes that back, not even new content: a thread that has seen it may count
    /// itself at any time later, and whoever enters by a key does not look.
    pub fn allow_sharing(guard: &mut Exclusive<'_, T>) {
        guard.lock.sharing.store(true, Ordering::Release);
        let beside = guard.lock.beside.load(Ordering::Relaxed);
        guard.lock.free.store(beside, Ordering::Relaxed);
    }

    /// Beside other shared users, for a call that knows the key of those, if there is one: that
    /// nobody has it to himself, that sharing was allowed and that it is the right lock is asked at
    /// once. `None` says nothing: ask [`try_shared`](Self::try_shared).
    #[inline(always)]
    pub fn try_shared_key(&self, key: usize) -> Option<Shared<'_, T>> {
        // Who has no business here does not count himself: he would be in the way of others.
        let word = word_beside(key);
        if key & BESIDE == 0 || self.holder.load(Ordering::Relaxed) != word {
            cold_path();
            return None;
        }
        let seat = self.sit();
        if self.holder.load(Ordering::SeqCst) != word {
            cold_path();
            rise(seat);
            return None;
        }
        Some(Shared { lock: self, seat })
    }

    /// Counts a shared user. All of this, of what he asks then and of who becomes the holder is
    /// sequentially consistent: either he sees the holder, or the holder sees him.
    #[inline(always)]
    fn sit(&self) -> &AtomicU32 {
        let own = own_seat() % SEATS;
        if self.used.load(Ordering::Acquire) >> own & 1 == 0 {
            cold_path();
            self.use_seat(own);
        }
        let seat = &self.seats[own].0;
        seat.fetch_add(1, Ordering::SeqCst);
        sequential_fence();
        seat
    }

    #[cold]
    #[inline(never)]
    fn use_seat(&self, seat: usize) {
        self.used.fetch_or(1 << seat, Ordering::SeqCst);
    }

    /// Beside other shared users; `None` while somebody has it to himself, or before sharing was
    /// allowed.
    #[inline]
    pub fn try_shared(&self) -> Option<Shared<'_, T>> {
        if !self.sharing.load(Ordering::Acquire) {
            return None;
        }
        loop {
            let seat = self.sit();
            let holder = self.holder.load(Ordering::SeqCst);
            if is_free(holder) {
                return Some(Shared { lock: self, seat });
            }
            rise(seat);
            if holder != PUMP || !self.sleep_until_turn_ends() {
                return None;
            }
        }
    }

    /// The same for a job, which may wait; sharing has to be allowed.
    pub fn shared(&self) -> Shared<'_, T> {
        let mut tries = 0;
        loop {
            if let Some(guard) = self.try_shared() {
                return guard;
            }
            back_off(&mut tries);
        }
    }

    /// The same for one who expects it to be free soon; `None` when it is not.
    pub fn shared_soon(&self) -> Option<Shared<'_, T>> {
        soon(|| self.try_shared())
    }

    /// Asked by who has just become the holder.
    #[inline]
    fn has_shared_users(&self) -> bool {
        sequential_fence();
        let mut used = self.used.load(Ordering::SeqCst);
        while used != 0 {
            let seat = &self.seats[used.trailing_zeros() as usize % SEATS];
            if seat.0.load(Ordering::SeqCst) != 0 {
                return true;
            }
            used &= used - 1;
        }
        false
    }

    /// False when it is this thread's own turn: what it calls in its turn is refused as any call
    /// within another one is.
    #[cold]
    fn sleep_until_turn_ends(&self) -> bool {
        let own = self.turn_thread.load(Ordering::Relaxed) == own_number();
        if !own {
            drop(self.turn.lock());
        }
        !own
    }
}

/// A shared user is counted no more.
#[inline(always)]
fn rise(seat: &AtomicU32) {
    seat.fetch_sub(1, Ordering::Release);
}

const fn is_key(word: usize) -> bool {
    word & 1 == 1
}

const fn is_free(word: usize) -> bool {
    word != CALL && word != PUMP
}

/// What stands in the place of the holder for a key of those who come beside others.
const fn word_beside(key: usize) -> usize {
    key ^ 1
}

fn soon<G>(enter: impl Fn() -> Option<G>) -> Option<G> {
    let mut tries = 0;
    while tries < TRIES_SOON {
        back_off(&mut tries);
        let guard = enter();
        if guard.is_some() {
            return guard;
        }
    }
    None
}

fn back_off(tries: &mut u32) {
    *tries += 1;
    if *tries < SPINS { yield_now() } else { sleep() }
}

impl<T> Deref for Exclusive<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: while this guard lives nobody else has a reference (see `deref_mut`).
        unsafe { &*self.lock.content.get() }
    }
}

impl<T> DerefMut for Exclusive<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the holder's mark lets no second exclusive guard be, and no shared guard was
        // counted after it was set; the borrow of the guard bounds the reference.
        unsafe { &mut *self.lock.content.get() }
    }
}

impl<T> Drop for Exclusive<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.set_free();
    }
}

impl<T> Deref for PumpTurn<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.content
    }
}

impl<T> DerefMut for PumpTurn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.content
    }
}

impl<T> Drop for PumpTurn<'_, T> {
    fn drop(&mut self) {
        self.content.lock.turn_thread.store(NOBODY, Ordering::Relaxed);
    }
}

impl<T> Deref for Shared<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this guard is counted, so no exclusive guard lives; shared ones only read.
        unsafe { &*self.lock.content.get() }
    }
}

impl<T> Drop for Shared<'_, T> {
    #[inline]
    fn drop(&mut self) {
        rise(self.seat);
    }
}
