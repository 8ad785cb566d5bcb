//! The models. Each is run in every order that the checker finds, but for two; a race, a reference
//! too many or a deadlock fails it.

use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;

use crate::lock::SharedLock;
use crate::sync::{Mutex, be};
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

/// One call alone, and two beside each other, by threads of these numbers: in every order with at
/// most three changes of thread where none is forced, because all orders take minutes.
fn one_against_two(numbers: [usize; 2]) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
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

#[test]
fn every_touched_lane_is_found_once_with_what_was_done_in_it() {
    loom::model(|| {
        struct Lanes {
            touched: Touched,
            links: [Link; 3],
            work: [UnsafeCell<u32>; 3],
        }
        // SAFETY: each lane is used by one thread, and by the last one after all have ended.
        unsafe impl Sync for Lanes {}
        let lanes = Arc::new(Lanes {
            touched: Touched::default(),
            links: std::array::from_fn(|_| Link::default()),
            work: std::array::from_fn(|_| UnsafeCell::new(0)),
        });
        let touch = |lanes: &Lanes, index: u32| {
            lanes.work[index as usize].with_mut(|work| {
                // SAFETY: as above.
                unsafe { *work += 1 }
            });
            lanes.touched.push(index, &lanes.links[index as usize]);
        };
        let others: Vec<_> = [0, 1]
            .into_iter()
            .map(|index| {
                let lanes = Arc::clone(&lanes);
                thread::spawn(move || touch(&lanes, index))
            })
            .collect();
        touch(&lanes, 2);
        for other in others {
            other.join().expect("ends");
        }
        let mut lanes = Arc::try_unwrap(lanes).unwrap_or_else(|_| panic!("all have ended"));
        let mut found = Vec::new();
        let (links, work) = (&lanes.links, &lanes.work);
        lanes.touched.take(
            |index| &links[index as usize],
            |index| {
                found.push(index);
                assert_eq!(read(&work[index as usize]), 1);
            },
        );
        found.sort_unstable();
        assert_eq!(found, [0, 1, 2]);
        assert!(lanes.touched.is_empty());
    });
}

#[test]
fn a_spoiled_list_stays_spoiled() {
    loom::model(|| {
        let lanes = Arc::new((Touched::default(), Link::default()));
        let other = Arc::clone(&lanes);
        let other = thread::spawn(move || other.0.push(0, &other.1));
        lanes.0.spoil();
        other.join().expect("ends");
        assert!(lanes.0.is_spoiled());
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
