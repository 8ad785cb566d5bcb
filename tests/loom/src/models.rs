//! The models. Each is run in every order that the checker finds, but for those that are bounded; a
//! race, a reference too many or a deadlock fails it.

use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;

use crate::lock::SharedLock;
use crate::seats::{COMMON, Seats};
use crate::sync::{AtomicU64, Mutex, be};
use crate::touched::{Link, Touched};

/// What the lock guards: the checker fails when it is written while somebody reads.
type Content = UnsafeCell<u32>;

fn lock() -> Arc<SharedLock<Content>> {
    let lock = SharedLock::new(UnsafeCell::new(0));
    SharedLock::allow_sharing(&mut lock.try_exclusive().expect("is free"));
    Arc::new(lock)
}

fn write(content: &mut Content) {
    content.with_mut(|value| {
        // SAFETY: the checker knows whether anybody else has it.
        unsafe { *value += 1 }
    });
}

fn read(content: &Content) -> u32 {
    content.with(|value| {
        // SAFETY: as above.
        unsafe { *value }
    })
}

/// Checks in every order with so many changes of thread at most where none is forced, because all
/// orders take minutes.
fn bounded(changes: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(changes);
    builder.check(model);
}

/// One call alone, and two beside each other, by threads of these numbers.
fn one_against_two(numbers: [usize; 2]) {
    bounded(3, move || {
        let lock = lock();
        let others = numbers.map(|number| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || {
                be(number);
                if let Some(content) = lock.try_shared() {
                    read(&content);
                }
            })
        });
        be(1);
        if let Some(mut content) = lock.try_exclusive() {
            write(&mut content);
        }
        for other in others {
            other.join().expect("ends");
        }
        assert!(lock.try_exclusive().is_some(), "nobody has left a mark behind");
    });
}

#[test]
fn a_call_alone_never_meets_those_beside_each_other() {
    one_against_two([2, 3]);
}

#[test]
fn nor_those_that_count_in_one_place() {
    one_against_two([2, 4]);
}

#[test]
fn two_calls_of_one_never_meet() {
    loom::model(|| {
        let lock = lock();
        let other = Arc::clone(&lock);
        let other = thread::spawn(move || {
            be(2);
            let content = other.try_exclusive();
            content.map_or(0, |mut content| {
                write(&mut content);
                1
            })
        });
        be(1);
        let mut wrote = 0;
        if let Some(mut content) = lock.try_exclusive() {
            write(&mut content);
            wrote = 1;
        }
        wrote += other.join().expect("ends");
        assert_eq!(read(&lock.try_exclusive().expect("is free")), wrote);
        assert!(wrote > 0, "one of them gets in");
    });
}

/// A key, as a handle is one.
const KEY: usize = 0x1001;

fn keyed() -> Arc<SharedLock<Content>> {
    let lock = SharedLock::new(UnsafeCell::new(0));
    SharedLock::set_key(&mut lock.try_exclusive().expect("is free"), Some(KEY));
    Arc::new(lock)
}

#[test]
fn a_call_with_the_key_never_meets_one_without_nor_the_pump() {
    loom::model(|| {
        let lock = keyed();
        let other = Arc::clone(&lock);
        let other = thread::spawn(move || {
            be(2);
            if let Some(mut content) = other.try_exclusive() {
                write(&mut content);
            }
            if let Some(mut content) = other.try_turn() {
                write(&mut content);
            }
        });
        be(1);
        if let Some(mut content) = lock.try_key(KEY) {
            write(&mut content);
        }
        other.join().expect("ends");
        assert!(lock.try_key(KEY).is_some(), "nobody has left a mark behind");
    });
}

#[test]
fn a_call_with_the_key_never_meets_those_beside_each_other() {
    loom::model(|| {
        let lock = keyed();
        let other = Arc::clone(&lock);
        let other = thread::spawn(move || {
            be(2);
            if let Some(content) = other.try_shared() {
                read(&content);
            }
        });
        be(1);
        if let Some(mut content) = lock.try_key(KEY) {
            write(&mut content);
        }
        if let Some(mut content) = lock.try_exclusive() {
            SharedLock::allow_sharing(&mut content);
            write(&mut content);
        }
        if let Some(mut content) = lock.try_key(KEY) {
            write(&mut content);
        }
        other.join().expect("ends");
        assert!(lock.try_key(KEY).is_none(), "sharing has taken the key away");
    });
}

/// One thread knows the key and another one shares, while a third one allows sharing and shares
/// too, by threads of these numbers.
fn a_key_taken_away(numbers: [usize; 2]) {
    bounded(3, move || {
        let lock = keyed();
        let [with_key, beside] = [(); 2].map(|()| Arc::clone(&lock));
        let with_key = thread::spawn(move || {
            be(numbers[0]);
            if let Some(mut content) = with_key.try_key(KEY) {
                write(&mut content);
            }
        });
        let beside = thread::spawn(move || {
            be(numbers[1]);
            if let Some(content) = beside.try_shared() {
                read(&content);
            }
        });
        be(1);
        let allowed = lock.try_exclusive().map(|mut content| {
            SharedLock::allow_sharing(&mut content);
            write(&mut content);
        });
        if allowed.is_some() {
            read(&lock.try_shared().expect("the key opens nothing any more"));
        }
        with_key.join().expect("ends");
        beside.join().expect("ends");
        assert_eq!(lock.try_key(KEY).is_none(), allowed.is_some());
        assert!(lock.try_exclusive().is_some(), "nobody has left a mark behind");
    });
}

#[test]
fn who_comes_with_a_key_that_is_taken_away_meets_none_of_those_beside_each_other() {
    a_key_taken_away([2, 4]);
}

#[test]
fn nor_those_that_count_at_his_seat() {
    a_key_taken_away([3, 3]);
}

#[test]
fn the_pump_gives_no_key_back_that_was_taken_away() {
    bounded(3, || {
        let lock = keyed();
        let [pump, with_key] = [(); 2].map(|()| Arc::clone(&lock));
        let pump = thread::spawn(move || {
            be(2);
            if let Some(mut content) = pump.try_turn() {
                write(&mut content);
            }
        });
        let with_key = thread::spawn(move || {
            be(3);
            if let Some(mut content) = with_key.try_key(KEY) {
                write(&mut content);
            }
        });
        be(1);
        if let Some(mut content) = lock.try_exclusive() {
            SharedLock::allow_sharing(&mut content);
            drop(content);
            read(&lock.try_shared().expect("nobody but the pump is there, and it is waited for"));
            assert!(lock.try_key(KEY).is_none());
        }
        pump.join().expect("ends");
        with_key.join().expect("ends");
        assert!(lock.try_exclusive().is_some(), "nobody has left a mark behind");
    });
}

/// The key of those who come beside others, as a handle of theirs is one.
const KEY_BESIDE: usize = KEY | 1 << 31;

/// One call alone, and two beside each other who know the key, by threads of these numbers. The
/// call alone allows sharing, or it was allowed before.
fn one_against_two_with_the_key(numbers: [usize; 2], allowed: bool) {
    bounded(3, move || {
        let lock = keyed();
        if allowed {
            SharedLock::allow_sharing(&mut lock.try_key(KEY).expect("is free"));
        }
        let others = numbers.map(|number| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || {
                be(number);
                if let Some(content) = lock.try_shared_key(KEY_BESIDE) {
                    read(&content);
                }
            })
        });
        be(1);
        if let Some(mut content) = lock.try_key(KEY).or_else(|| lock.try_exclusive()) {
            SharedLock::allow_sharing(&mut content);
            write(&mut content);
        }
        for other in others {
            other.join().expect("ends");
        }
        assert!(lock.try_exclusive().is_some(), "nobody has left a mark behind");
    });
}

#[test]
fn a_call_alone_never_meets_those_who_know_the_key_beside_each_other() {
    one_against_two_with_the_key([2, 3], true);
}

#[test]
fn nor_those_who_know_the_key_and_count_in_one_place() {
    one_against_two_with_the_key([2, 4], true);
}

#[test]
fn nor_does_one_with_a_key_of_his_own_who_lets_them_in() {
    one_against_two_with_the_key([2, 3], false);
}

#[test]
fn the_pump_never_meets_those_who_know_the_key_beside_each_other() {
    loom::model(|| {
        let lock = keyed();
        SharedLock::allow_sharing(&mut lock.try_key(KEY).expect("is free"));
        let pump = Arc::clone(&lock);
        let pump = thread::spawn(move || {
            be(2);
            if let Some(mut content) = pump.try_turn() {
                write(&mut content);
            }
        });
        be(1);
        if let Some(content) = lock.try_shared_key(KEY_BESIDE) {
            read(&content);
        }
        pump.join().expect("ends");
        assert!(lock.try_shared_key(KEY_BESIDE).is_some(), "nobody has left a mark behind");
    });
}

#[test]
fn an_old_key_lets_nobody_in_beside_others_with_what_came_later() {
    loom::model(|| {
        let lock = keyed();
        SharedLock::allow_sharing(&mut lock.try_key(KEY).expect("is free"));
        let other = Arc::clone(&lock);
        let other = thread::spawn(move || {
            be(2);
            for _ in 0..2 {
                if let Some(content) = other.try_shared_key(KEY_BESIDE) {
                    assert_eq!(read(&content), 0, "what came later has another key");
                }
            }
        });
        be(1);
        let changed = lock.try_exclusive().map(|mut content| {
            write(&mut content);
            SharedLock::set_key(&mut content, Some(KEY + 2));
            SharedLock::allow_sharing(&mut content);
        });
        other.join().expect("ends");
        assert_eq!(lock.try_shared_key(KEY_BESIDE).is_none(), changed.is_some());
        assert_eq!(lock.try_shared_key(KEY_BESIDE + 2).is_some(), changed.is_some());
    });
}

#[test]
fn an_old_key_opens_nothing_that_came_later() {
    loom::model(|| {
        let lock = keyed();
        let other = Arc::clone(&lock);
        let other = thread::spawn(move || {
            be(2);
            for _ in 0..2 {
                if let Some(content) = other.try_key(KEY) {
                    assert_eq!(read(&content), 0, "what came later has another key");
                }
            }
        });
        be(1);
        let changed = lock.try_exclusive().map(|mut content| {
            write(&mut content);
            SharedLock::set_key(&mut content, Some(KEY + 2));
        });
        other.join().expect("ends");
        assert_eq!(lock.try_key(KEY).is_none(), changed.is_some());
        assert_eq!(lock.try_key(KEY + 2).is_some(), changed.is_some());
    });
}

#[test]
fn the_pump_meets_nobody_and_keeps_nobody_out_for_good() {
    loom::model(|| {
        let lock = lock();
        let pump = Arc::clone(&lock);
        let pump = thread::spawn(move || {
            be(2);
            if let Some(mut content) = pump.try_turn() {
                write(&mut content);
            }
        });
        be(1);
        read(&lock.try_shared().expect("nobody but the pump is there, and it is waited for"));
        write(&mut lock.try_exclusive().expect("as above"));
        pump.join().expect("ends");
    });
}

#[test]
fn a_job_waits_for_who_is_inside() {
    loom::model(|| {
        let lock = lock();
        let other = Arc::clone(&lock);
        let other = thread::spawn(move || {
            be(2);
            if let Some(content) = other.try_shared() {
                read(&content);
            }
        });
        be(1);
        write(&mut lock.exclusive());
        other.join().expect("ends");
    });
}

#[test]
fn what_was_done_beside_others_is_seen_by_who_has_it_alone() {
    loom::model(|| {
        let lane = Arc::new(Mutex::new(UnsafeCell::new(0)));
        let lock = lock();
        let (other, own) = (Arc::clone(&lock), Arc::clone(&lane));
        let other = thread::spawn(move || {
            be(2);
            let Some(_shared) = other.try_shared() else { return 0 };
            let mut lane = own.try_lock().expect("has one user");
            write(&mut lane);
            1
        });
        be(1);
        let seen = lock.try_exclusive().map(|_alone| {
            // A lane is free once its user has left the driver.
            read(&lane.try_lock().expect("is free"))
        });
        let written = other.join().expect("ends");
        assert!(seen.is_none_or(|seen| seen <= written));
    });
}

/// Lanes that threads touch: each is used by one thread, and by whoever comes after all of them.
struct Lanes {
    touched: Touched,
    links: [Link; 3],
    work: [UnsafeCell<u32>; 3],
}

// SAFETY: as the checker sees for itself.
unsafe impl Sync for Lanes {}
// SAFETY: as above.
unsafe impl Send for Lanes {}

impl Lanes {
    fn new() -> Self {
        let mut touched = Touched::default();
        touched.open();
        Self {
            touched,
            links: std::array::from_fn(|_| Link::default()),
            work: std::array::from_fn(|_| UnsafeCell::new(0)),
        }
    }

    fn touch(&self, index: u32) {
        self.work[index as usize].with_mut(|work| {
            // SAFETY: as above.
            unsafe { *work += 1 }
        });
        self.touched.push(index, &self.links[index as usize]);
    }

    /// Takes the list; each in it has its work done.
    fn take(&mut self) -> Vec<u32> {
        let mut found = Vec::new();
        let (links, work) = (&self.links, &self.work);
        self.touched.take(
            |index| &links[index as usize],
            |index| {
                found.push(index);
                assert_eq!(read(&work[index as usize]), 1);
            },
        );
        found.sort_unstable();
        found
    }
}

/// Three threads of these numbers touch a lane each.
fn touch_all(numbers: [usize; 3]) {
    bounded(2, move || {
        let lanes = Arc::new(Lanes::new());
        let others: Vec<_> = [0, 1]
            .into_iter()
            .map(|index| {
                let lanes = Arc::clone(&lanes);
                thread::spawn(move || {
                    be(numbers[index as usize]);
                    lanes.touch(index);
                })
            })
            .collect();
        be(numbers[2]);
        lanes.touch(2);
        for other in others {
            other.join().expect("ends");
        }
        let mut lanes = Arc::try_unwrap(lanes).unwrap_or_else(|_| panic!("all have ended"));
        assert!(!lanes.touched.is_empty());
        assert_eq!(lanes.take(), [0, 1, 2]);
        assert!(lanes.touched.is_empty());
        assert_eq!(lanes.take(), []);
    });
}

#[test]
fn every_touched_lane_is_found_once_with_what_was_done_in_it() {
    touch_all([2, 4, 6]);
}

#[test]
fn and_so_it_is_by_threads_at_two_seats() {
    touch_all([1, 2, 4]);
}

#[test]
fn who_has_the_driver_alone_finds_what_others_touched_or_none_was_touched() {
    bounded(3, || {
        let lock = Arc::new(SharedLock::new(Lanes::new()));
        SharedLock::allow_sharing(&mut lock.try_exclusive().expect("is free"));
        let others = [2, 3].map(|number| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || {
                be(number);
                let Some(lanes) = lock.try_shared() else { return 0 };
                lanes.touch(number as u32 - 2);
                1
            })
        });
        be(1);
        let mut found = 0;
        let look = |lanes: &mut Lanes| {
            // Nothing is added that the mark does not tell of.
            if lanes.touched.is_empty() { 0 } else { lanes.take().len() }
        };
        if let Some(mut lanes) = lock.try_exclusive() {
            found += look(&mut lanes);
        }
        let touched: usize = others.into_iter().map(|other| other.join().expect("ends")).sum();
        found += look(&mut lock.try_exclusive().expect("is free"));
        assert_eq!(found, touched);
    });
}

#[test]
fn a_spoiled_list_stays_spoiled() {
    loom::model(|| {
        let lanes = Arc::new(Lanes::new());
        let other = Arc::clone(&lanes);
        let other = thread::spawn(move || other.touch(0));
        lanes.touched.spoil();
        other.join().expect("ends");
        let mut lanes = Arc::try_unwrap(lanes).unwrap_or_else(|_| panic!("all have ended"));
        assert!(lanes.touched.is_spoiled() && !lanes.touched.is_empty());
        assert_eq!(lanes.take(), []);
        assert!(lanes.touched.is_spoiled() && !lanes.touched.is_empty());
    });
}

#[test]
fn no_two_threads_have_one_seat_and_one_that_was_left_is_free() {
    loom::model(|| {
        let seats = Arc::new(Seats(AtomicU64::new(0)));
        let other = Arc::clone(&seats);
        let other = thread::spawn(move || {
            let own = other.take();
            let second = other.take();
            for seat in [own, second].into_iter().flatten() {
                other.leave(seat);
            }
            own
        });
        let own = seats.take();
        assert!(own.is_none_or(|seat| seat < COMMON));
        other.join().expect("ends");
        // The other one has left, so whatever it had is free.
        let next = seats.take();
        assert!(next.is_some() && next != own);
        assert!(own.is_none() || seats.take().is_none());
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn the_checker_sees_a_race() {
    loom::model(|| {
        struct Shared(Content);
        // SAFETY: none: this is the mistake that must be found.
        unsafe impl Sync for Shared {}
        let shared = Arc::new(Shared(UnsafeCell::new(0)));
        let other = Arc::clone(&shared);
        let other = thread::spawn(move || read(&other.0));
        shared.0.with_mut(|value| {
            // SAFETY: as above.
            unsafe { *value += 1 }
        });
        let _ = other.join();
    });
}
