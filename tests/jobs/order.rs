//! What runs after what, with and without threads.

use std::sync::mpsc::channel;
use std::thread;

use netdriver::{Job, Status};

use crate::world::{Said, driver, schedule};

#[test]
fn without_workers_a_job_runs_inside_complete_with_what_it_depends_on() {
    let driver = driver(0);
    let said = Said::default();
    let first = said.schedule(&driver, "first", Job::default());
    let second = said.schedule(&driver, "second", first);
    let third = said.schedule(&driver, "third", second);
    assert!(!first.is_complete() && said.words().is_empty());
    second.complete().expect("succeeds");
    assert_eq!(said.words(), ["first", "second"]);
    assert!(first.is_complete() && second.is_complete() && !third.is_complete());
    third.complete().expect("succeeds");
    third.complete().expect("any number of times");
    assert_eq!(said.words(), ["first", "second", "third"]);
}

#[test]
fn jobs_of_one_driver_run_in_order_even_when_nothing_says_so() {
    for workers in [0, 1, 4] {
        let driver = driver(workers);
        let said = Said::default();
        let words = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let jobs = words.map(|word| said.schedule(&driver, word, Job::default()));
        jobs[7].complete().expect("succeeds");
        assert_eq!(said.words(), words, "{workers} workers");
    }
}

#[test]
fn workers_run_jobs_although_nobody_waits() {
    let driver = driver(1);
    let (say, hear) = channel();
    let own = thread::current().id();
    schedule(&driver, move |_| {
        say.send(thread::current().id()).expect("is heard");
        Ok(())
    });
    assert_ne!(hear.recv().expect("it ran"), own);
}

#[test]
fn a_diamond_over_four_drivers_runs_from_its_top_to_its_bottom() {
    for workers in [0, 1, 3] {
        let drivers: Vec<_> = (0..4).map(|_| driver(workers)).collect();
        let said = Said::default();
        for _ in 0..50 {
            let top = said.schedule(&drivers[0], "top", Job::default());
            let left = said.schedule(&drivers[1], "side", top);
            let right = said.schedule(&drivers[2], "side", top);
            let sides = Job::combine([left, right].into_iter()).expect("is possible");
            let bottom = said.schedule(&drivers[3], "bottom", sides);
            bottom.complete().expect("succeeds");
            assert!(sides.is_complete() && top.is_complete());
        }
        let round = ["top", "side", "side", "bottom"];
        assert_eq!(said.words(), round.repeat(50), "{workers} workers");
    }
}

#[test]
fn a_combination_of_nothing_is_complete() {
    let nothing = Job::combine([].into_iter()).expect("is possible");
    assert!(nothing.is_complete());
    assert_eq!(nothing.complete(), Ok(()));
    assert!(Job::default().is_complete());
}

#[test]
fn values_of_no_job_are_complete() {
    let driver = driver(0);
    let job = schedule(&driver, |_| Ok(()));
    for value in [0, 1, u64::MAX, job.to_u64() ^ (1 << 40), 0xFFFF] {
        let unknown = Job::from_u64(value);
        assert!(unknown.is_complete(), "{value:x}");
        assert_eq!(unknown.complete(), Ok(()));
        unknown.run();
    }
    let after = driver.schedule_update(Job::from_u64(u64::MAX)).expect("it depends on nothing");
    assert!(!job.is_complete());
    after.complete().expect("succeeds");
    assert!(job.is_complete());
}

#[test]
fn a_job_may_complete_jobs_of_other_drivers() {
    let (outer, inner) = (driver(0), driver(0));
    let said = Said::default();
    let other = said.schedule(&inner, "inner", Job::default());
    let mine = said.clone();
    let job = schedule(&outer, move |_| {
        other.complete()?;
        mine.say("outer");
        Ok(())
    });
    job.complete().expect("succeeds");
    assert_eq!(said.words(), ["inner", "outer"]);
}

#[test]
fn a_job_that_waits_for_a_later_one_of_its_driver_is_told_and_goes_on() {
    for workers in [0, 2] {
        let driver = driver(workers);
        let (say, hear) = channel::<Job>();
        let (tell, told) = channel();
        let first = schedule(&driver, move |_| {
            let later = hear.recv().expect("it is scheduled");
            tell.send(later.complete()).expect("is heard");
            Ok(())
        });
        let later = driver.schedule_flush_send(Job::default()).expect("is scheduled");
        say.send(later).expect("is heard");
        first.complete().expect("succeeds");
        let told = told.recv().expect("it ran").expect_err("it would wait for ever");
        assert_eq!(told.status(), Status::InvalidArgument);
        later.complete().expect("succeeds");
    }
}

#[test]
fn two_jobs_that_wait_for_each_other_do_not_hang() {
    let (left, right) = (driver(1), driver(1));
    let (say_left, hear_left) = channel::<Job>();
    let (say_right, hear_right) = channel::<Job>();
    let a = schedule(&left, move |_| hear_left.recv().expect("is told").complete());
    let b = schedule(&right, move |_| hear_right.recv().expect("is told").complete());
    say_left.send(b).expect("is heard");
    say_right.send(a).expect("is heard");
    let outcomes = [a.complete(), b.complete()];
    let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(refused.map(|error| error.status()).any(|status| status == Status::InvalidArgument));
}

#[test]
fn many_threads_may_wait_for_one_job() {
    let driver = driver(1);
    for _ in 0..100 {
        let said = Said::default();
        let job = said.schedule(&driver, "once", Job::default());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| job.complete().expect("succeeds"));
            }
        });
        assert_eq!(said.words(), ["once"]);
    }
}

#[test]
fn a_driver_may_be_dropped_before_its_last_job_has_run() {
    let driver = driver(2);
    let (say, hear) = channel::<()>();
    let job = schedule(&driver, move |driver| {
        hear.recv().expect("is told");
        driver.enter(|driver| driver.update())?
    });
    drop(driver);
    say.send(()).expect("is heard");
    assert_eq!(job.complete(), Ok(()));
}
