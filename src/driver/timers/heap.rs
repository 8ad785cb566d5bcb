//! The heap alone: deadlines that move.

use super::{Armed, Owner, Revision, Timers};
use crate::proto::time::Micros;

fn next(timers: &Timers) -> Option<Micros> {
    timers.peek().map(|(deadline, _)| deadline)
}

/// Owners that are connections 0 and 1.
fn settle(timers: &mut Timers, armed: &mut [Armed; 2]) -> Option<Micros> {
    timers.settle(Micros::MAX, |owner, deadline| match owner {
        Owner::Connection(index) => armed[index as usize].revise(deadline),
        Owner::Stream(_) => Revision::Drop,
    });
    next(timers)
}

#[test]
fn a_deadline_that_has_moved_later_wakes_nobody_at_its_old_time() {
    let (mut timers, mut armed) = (Timers::default(), [Armed::NONE; 2]);
    timers.arm(Owner::Connection(0), &mut armed[0], Some(25));
    timers.arm(Owner::Connection(1), &mut armed[1], Some(30));
    timers.arm(Owner::Connection(0), &mut armed[0], Some(41));
    assert_eq!(settle(&mut timers, &mut armed), Some(30));
    timers.arm(Owner::Connection(1), &mut armed[1], None);
    assert_eq!(settle(&mut timers, &mut armed), Some(41));
    assert_eq!(timers.poll_due(41), Some((41, Owner::Connection(0))));
    assert!(armed[0].take(41) && !armed[1].take(30));
    assert_eq!(settle(&mut timers, &mut armed), None);
}

#[test]
fn a_deadline_that_comes_nearer_again_is_kept() {
    let (mut timers, mut armed) = (Timers::default(), [Armed::NONE; 2]);
    for deadline in [Some(25), None, Some(60), Some(20), Some(90)] {
        timers.arm(Owner::Connection(0), &mut armed[0], deadline);
    }
    assert_eq!(settle(&mut timers, &mut armed), Some(90));
    timers.arm(Owner::Connection(0), &mut armed[0], Some(70));
    assert_eq!(settle(&mut timers, &mut armed), Some(70));
    timers.arm(Owner::Stream(3), &mut Armed::NONE.clone(), Some(10));
    assert_eq!(settle(&mut timers, &mut armed), Some(70), "the stream is gone");
}

#[test]
fn what_lies_behind_the_horizon_does_not_move() {
    let (mut timers, mut armed) = (Timers::default(), [Armed::NONE; 2]);
    timers.arm(Owner::Connection(0), &mut armed[0], Some(25));
    timers.arm(Owner::Connection(0), &mut armed[0], Some(60));
    timers.arm(Owner::Connection(1), &mut armed[1], Some(30));
    let mut asked = Vec::new();
    timers.settle(24, |owner, _| {
        asked.push(owner);
        Revision::Keep
    });
    assert_eq!((asked.len(), next(&timers)), (0, Some(25)));
    timers.settle(25, |_, deadline| armed[0].revise(deadline));
    assert_eq!(next(&timers), Some(30), "the first one has moved");
    assert_eq!(settle(&mut timers, &mut armed), Some(30));
}

#[test]
fn a_deadline_that_is_put_off_is_asked_at_its_last_time() {
    let (mut timers, mut armed) = (Timers::default(), [Armed::NONE; 2]);
    timers.arm(Owner::Connection(0), &mut armed[0], Some(25));
    armed[0].postpone(Some(40));
    assert_eq!(settle(&mut timers, &mut armed), Some(40));
    armed[0].postpone(Some(7));
    assert_eq!(settle(&mut timers, &mut armed), Some(40), "never before its entry");
    armed[0].postpone(None);
    assert_eq!(settle(&mut timers, &mut armed), None);
}
