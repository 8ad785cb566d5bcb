//! What a driver refuses while its jobs are not complete, and to whom.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use netdriver::ffi::codes::{ND_ERROR_DRIVER_IN_USE, ND_OK};
use netdriver::ffi::drivers::{nd_driver_create, nd_driver_destroy, nd_driver_update};
use netdriver::ffi::jobs::{nd_driver_schedule_update, nd_job_complete};
use netdriver::ffi::settings::nd_settings_init;
use netdriver::{Job, Status};

use crate::world::{driver, schedule};

#[test]
fn a_driver_is_its_jobs_alone_from_the_schedule_until_they_are_complete() {
    for workers in [0, 1] {
        let driver = driver(workers);
        for _ in 0..100 {
            let update = driver.schedule_update(Job::default()).expect("is scheduled");
            let flush = driver.schedule_flush_send(update).expect("is scheduled");
            let job = schedule(&driver, |_| Ok(()));
            if workers == 0 {
                let refused = driver.enter(|_| ()).expect_err("a job is scheduled");
                assert_eq!(refused.status(), Status::DriverInUse);
                update.complete().expect("succeeds");
                flush.complete().expect("succeeds");
                let refused = driver.enter(|_| ()).expect_err("a job is scheduled still");
                assert_eq!(refused.status(), Status::DriverInUse);
            }
            job.complete().expect("succeeds");
            driver.enter(|driver| driver.update()).expect("is free").expect("updates");
        }
    }
}

#[test]
fn a_driver_with_jobs_is_not_taken_out() {
    let driver = driver(0);
    let job = driver.schedule_update(Job::default()).expect("is scheduled");
    let refused = driver.take().err().expect("a job is scheduled");
    assert_eq!(refused.status(), Status::DriverInUse);
    job.complete().expect("succeeds");
    assert!(driver.take().expect("is free").is_some());
    let gone = driver.schedule_update(Job::default()).expect_err("there is no driver");
    assert_eq!(gone.status(), Status::InvalidHandle);
}

#[test]
fn a_job_enters_its_own_driver_and_no_other_with_jobs() {
    let (own, other) = (driver(1), driver(0));
    let pending = other.schedule_update(Job::default()).expect("is scheduled");
    let stranger = other.clone();
    let job = schedule(&own, move |own| {
        own.enter(|driver| driver.update())??;
        own.enter(|driver| driver.flush())??;
        let refused = stranger.enter(|_| ()).expect_err("it has jobs");
        assert_eq!(refused.status(), Status::DriverInUse);
        let refused = own.take().err().expect("a job runs");
        assert_eq!(refused.status(), Status::DriverInUse);
        Ok(())
    });
    job.complete().expect("succeeds");
    pending.complete().expect("succeeds");
}

#[test]
fn a_job_waits_for_a_call_that_is_inside() {
    let driver = driver(1);
    let job = driver.enter(|_| driver.schedule_update(Job::default()));
    job.expect("is free").expect("is scheduled").complete().expect("succeeds");
}

#[test]
fn who_is_inside_a_driver_is_told_to_leave_before_he_completes_its_jobs() {
    for workers in [0, 1] {
        let (own, other) = (driver(workers), driver(0));
        let beside = own.concurrent().expect("no job is scheduled");
        let expect_refused = |job: Job| {
            let refused = job.complete().expect_err("this thread is inside");
            assert_eq!(refused.status(), Status::DriverInUse);
            assert!(refused.text().contains("leave"), "{refused}");
        };
        let job = own.enter(|_| {
            let update = own.schedule_update(Job::default()).expect("is scheduled");
            let after = other.schedule_update(update).expect("is scheduled");
            expect_refused(update);
            expect_refused(after);
            let free = driver(0).schedule_update(Job::default()).expect("is scheduled");
            free.complete().expect("has nothing to do with it");
            after
        });
        job.expect("is free").complete().expect("succeeds");
        let job = beside.enter(|_| {
            let job = own.schedule_update(Job::default()).expect("is scheduled");
            // Another one inside does not hide the first.
            driver(0).enter(|_| expect_refused(job)).expect("is free");
            job
        });
        job.expect("is let in").complete().expect("succeeds");
    }
}

#[test]
fn calls_that_are_refused_are_in_no_jobs_way() {
    let driver = driver(1);
    driver.concurrent().expect("no job is scheduled");
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let _ = driver.enter(|driver| driver.update());
                    let _ = driver.concurrent();
                }
            });
        }
        for _ in 0..200 {
            let job = schedule(&driver, |own| {
                for _ in 0..20 {
                    own.enter(|driver| driver.flush())??;
                }
                Ok(())
            });
            job.complete().expect("nobody is in its way");
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn the_c_functions_refuse_a_driver_with_jobs() {
    let mut settings = std::mem::MaybeUninit::uninit();
    let mut driver = std::ptr::null_mut();
    let mut job = 0;
    // SAFETY: the pointers are valid, and the settings are filled in before they are read.
    unsafe {
        assert_eq!(nd_settings_init(settings.as_mut_ptr()), ND_OK);
        let mut settings = settings.assume_init();
        settings.job_workers = 0;
        assert_eq!(nd_driver_create(&raw const settings, &raw mut driver), ND_OK);
        assert_eq!(nd_driver_schedule_update(driver, 0, &raw mut job), ND_OK);
    }
    assert_ne!(job, 0);
    assert_eq!(nd_driver_update(driver), ND_ERROR_DRIVER_IN_USE);
    assert_eq!(nd_driver_destroy(driver), ND_ERROR_DRIVER_IN_USE);
    assert_eq!(nd_job_complete(job), ND_OK);
    assert_eq!(nd_driver_update(driver), ND_OK);
    assert_eq!(nd_driver_destroy(driver), ND_OK);
    assert_eq!(nd_job_complete(job), ND_OK, "a job outlives its driver");
}
