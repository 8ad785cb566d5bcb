//! The lock, with threads of the system. `tests/loom` has it under a model checker.

use std::sync::mpsc::channel;
use std::thread;

use super::lock::SharedLock;

fn shareable() -> SharedLock<u32> {
    let lock = SharedLock::new(0);
    SharedLock::allow_sharing(&mut lock.try_exclusive().expect("is free"));
    lock
}

#[test]
fn a_second_exclusive_user_is_refused() {
    let lock = SharedLock::new(0);
    let guard = lock.try_exclusive().expect("is free");
    assert!(lock.try_exclusive().is_none());
    drop(guard);
    assert!(lock.try_exclusive().is_some());
}

#[test]
fn nobody_shares_before_sharing_was_allowed() {
    let lock = SharedLock::new(0);
    assert!(lock.try_shared().is_none());
    SharedLock::allow_sharing(&mut lock.try_exclusive().expect("is free"));
    assert!(lock.try_shared().is_some());
}

#[test]
fn shared_users_shut_exclusive_ones_out_and_the_other_way_round() {
    let lock = shareable();
    let first = lock.try_shared().expect("is free");
    let second = lock.try_shared().expect("is shared");
    assert!(lock.try_exclusive().is_none());
    drop(first);
    assert!(lock.try_exclusive().is_none());
    drop(second);
    let _guard = lock.try_exclusive().expect("is free again");
    assert!(lock.try_shared().is_none());
}

#[test]
fn calls_wait_for_the_turn_of_the_pump() {
    type Call = fn(&SharedLock<u32>) -> Option<u32>;
    let shared: Call = |lock| lock.try_shared().map(|guard| *guard);
    let exclusive: Call = |lock| lock.try_exclusive().map(|guard| *guard);
    // One at a time: of two that come together one may be refused.
    for call in [shared, exclusive] {
        let lock = &shareable();
        let (said, heard) = channel();
        thread::scope(|scope| {
            let mut turn = lock.try_turn().expect("is free");
            scope.spawn(move || said.send(call(lock)));
            assert!(heard.try_recv().is_err());
            *turn = 7;
            drop(turn);
            assert_eq!(heard.recv(), Ok(Some(7)));
        });
    }
}

#[test]
fn the_pump_gets_no_turn_while_a_call_is_inside() {
    let lock = shareable();
    let guard = lock.try_exclusive().expect("is free");
    assert!(lock.try_turn().is_none());
    drop(guard);
    assert!(lock.try_turn().is_some());
}

#[test]
fn what_the_pump_calls_in_its_own_turn_is_refused() {
    let lock = shareable();
    let turn = lock.try_turn().expect("is free");
    assert!(lock.try_exclusive().is_none());
    assert!(lock.try_shared().is_none());
    drop(turn);
    assert!(lock.try_exclusive().is_some());
}

#[test]
fn the_pump_gives_way_to_a_call_that_makes_another_one() {
    let lock = shareable();
    let outer = lock.try_shared().expect("is free");
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..10 {
                assert!(lock.try_turn().is_none());
            }
        });
        for _ in 0..1000 {
            drop(lock.try_shared().expect("gets in in the end"));
        }
    });
    drop(outer);
}

#[test]
fn exclusive_users_never_meet_shared_ones() {
    let lock = keyed();
    SharedLock::allow_sharing(&mut lock.try_key(KEY).expect("is free"));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    let mut guard = lock.exclusive();
                    *guard += 1;
                    *guard += 1;
                }
            });
            scope.spawn(|| {
                for round in 0..20_000 {
                    let with_key = lock.try_shared_key(KEY_BESIDE).filter(|_| round % 2 == 0);
                    if let Some(guard) = with_key.or_else(|| lock.try_shared()) {
                        assert_eq!(*guard % 2, 0);
                    }
                }
            });
        }
    });
    assert_eq!(*lock.exclusive(), 8000);
}

/// A key, as a handle is one.
const KEY: usize = 0x1001;

fn keyed() -> SharedLock<u32> {
    let lock = SharedLock::new(0);
    SharedLock::set_key(&mut lock.try_exclusive().expect("is free"), Some(KEY));
    lock
}

#[test]
fn a_key_opens_its_lock_while_nobody_is_inside() {
    let lock = keyed();
    for _ in 0..2 {
        let guard = lock.try_key(KEY).expect("is free");
        assert!(lock.try_key(KEY).is_none() && lock.try_exclusive().is_none());
        assert!(lock.try_turn().is_none());
        drop(guard);
        let guard = lock.try_exclusive().expect("is free without the key, too");
        assert!(lock.try_key(KEY).is_none());
        drop(guard);
        let turn = lock.try_turn().expect("is free");
        assert!(lock.try_key(KEY).is_none());
        drop(turn);
    }
}

#[test]
fn nothing_else_opens_it_whether_somebody_is_inside_or_not() {
    let lock = keyed();
    let others = || (0..64).chain([KEY - 1, KEY + 1, KEY + 2, usize::MAX]);
    assert!(others().all(|key| lock.try_key(key).is_none()));
    let guard = lock.try_exclusive().expect("is free");
    assert!(others().chain([KEY]).all(|key| lock.try_key(key).is_none()));
    drop(guard);
    let turn = lock.try_turn().expect("is free");
    assert!(others().chain([KEY]).all(|key| lock.try_key(key).is_none()));
    drop(turn);
    assert!(lock.try_key(KEY).is_some());
}

#[test]
fn a_key_is_good_until_there_is_another_one() {
    let lock = keyed();
    SharedLock::set_key(&mut lock.try_key(KEY).expect("is free"), Some(KEY + 2));
    assert!(lock.try_key(KEY).is_none());
    SharedLock::set_key(&mut lock.try_key(KEY + 2).expect("is free"), None);
    assert!(lock.try_key(KEY + 2).is_none());
    // An even number would be one of the lock's own.
    for even in [0, 2, 4] {
        SharedLock::set_key(&mut lock.try_exclusive().expect("is free"), Some(even));
        assert!(lock.try_key(even).is_none());
    }
    assert!(lock.try_exclusive().is_some());
}

#[test]
fn no_key_opens_a_lock_that_may_be_shared() {
    let lock = keyed();
    SharedLock::allow_sharing(&mut lock.try_key(KEY).expect("is free"));
    assert!(lock.try_key(KEY).is_none());
    let shared = lock.try_shared().expect("is free");
    SharedLock::set_key(&mut lock_after(&lock, shared), Some(KEY));
    assert!(lock.try_key(KEY).is_none());
    assert!(lock.try_shared().is_some());
}

/// Sole access once the shared user has left.
fn lock_after<'a>(
    lock: &'a SharedLock<u32>,
    shared: super::lock::Shared<'a, u32>,
) -> super::lock::Exclusive<'a, u32> {
    assert!(lock.try_exclusive().is_none());
    drop(shared);
    lock.try_exclusive().expect("is free")
}

#[test]
fn those_with_the_key_and_those_without_never_meet() {
    let lock = keyed();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    let mut guard = lock.exclusive();
                    *guard += 1;
                    *guard += 1;
                }
            });
            scope.spawn(|| {
                for _ in 0..20_000 {
                    if let Some(mut guard) = lock.try_key(KEY) {
                        assert_eq!(*guard % 2, 0);
                        *guard += 2;
                        *guard -= 2;
                    }
                }
            });
        }
    });
    assert_eq!(*lock.exclusive(), 8000);
}

/// The key of those who come beside others, as a handle of theirs is one.
const KEY_BESIDE: usize = KEY | 1 << 31;

#[test]
fn those_beside_others_have_a_key_once_sharing_is_allowed() {
    let lock = keyed();
    assert!(lock.try_shared_key(KEY_BESIDE).is_none());
    SharedLock::allow_sharing(&mut lock.try_key(KEY).expect("is free"));
    let first = lock.try_shared_key(KEY_BESIDE).expect("is free");
    let second = lock.try_shared_key(KEY_BESIDE).expect("is shared");
    let third = lock.try_shared().expect("is shared");
    drop((first, third));
    assert!(lock.try_exclusive().is_none() && lock.try_key(KEY).is_none());
    drop(second);
    let guard = lock.try_exclusive().expect("is free");
    assert!(lock.try_shared_key(KEY_BESIDE).is_none());
    drop(guard);
    let turn = lock.try_turn().expect("is free");
    assert!(lock.try_shared_key(KEY_BESIDE).is_none());
    drop(turn);
    assert!(lock.try_shared_key(KEY_BESIDE).is_some());
}

#[test]
fn no_key_opens_to_those_of_another_kind() {
    let lock = keyed();
    let all = || (0..64).chain([KEY - 1, KEY, KEY + 1, KEY_BESIDE - 1, KEY_BESIDE, usize::MAX]);
    assert!(all().all(|key| lock.try_shared_key(key).is_none()));
    SharedLock::allow_sharing(&mut lock.try_key(KEY).expect("is free"));
    let others = || all().filter(|&key| key != KEY_BESIDE);
    assert!(others().all(|key| lock.try_shared_key(key).is_none()));
    assert!(all().all(|key| lock.try_key(key).is_none()));
    let guard = lock.try_exclusive().expect("is free");
    assert!(all().all(|key| lock.try_shared_key(key).is_none()));
    drop(guard);
    assert!(lock.try_shared_key(KEY_BESIDE).is_some());
}

#[test]
fn another_key_is_none_of_those_beside_others_before_sharing_is_allowed_anew() {
    let lock = keyed();
    SharedLock::allow_sharing(&mut lock.try_key(KEY).expect("is free"));
    SharedLock::set_key(&mut lock.try_exclusive().expect("is free"), Some(KEY + 2));
    let both = [KEY_BESIDE, KEY_BESIDE + 2];
    assert!(both.iter().all(|&key| lock.try_shared_key(key).is_none()));
    SharedLock::allow_sharing(&mut lock.try_exclusive().expect("is free"));
    assert!(lock.try_shared_key(KEY_BESIDE).is_none());
    assert!(lock.try_shared_key(KEY_BESIDE + 2).is_some());
}
