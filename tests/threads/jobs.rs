//! Jobs that threads of drivers and of the program run beside each other. What jobs write to has no
//! lock, so that the sanitizer sees whether their order is one.

use std::cell::UnsafeCell;

use netdriver::ffi::concurrent::{nd_concurrent_pop_event_for_connection, nd_concurrent_send};
use netdriver::ffi::jobs::{
    nd_driver_schedule_flush_send, nd_driver_schedule_for_each_connection, nd_driver_schedule_job,
    nd_driver_schedule_update, nd_driver_set_job_scheduler, nd_job_combine, nd_job_complete,
    nd_job_run, nd_job_scheduler, nd_job_scheduler_init,
};
use netdriver::ffi::structs::{nd_concurrent, nd_job};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::*;

/// Frames that a test schedules.
const FRAMES: u32 = 100;

/// A number that jobs count up.
#[derive(Default)]
struct Count(UnsafeCell<u64>);

// SAFETY: jobs of one driver never overlap; the sanitizer sees whether that is so.
unsafe impl Sync for Count {}

impl Count {
    /// For the library, which hands it to `count`.
    fn user(&self) -> *mut c_void {
        self.0.get().cast()
    }

    /// Once no job is scheduled.
    fn get(&self) -> u64 {
        // SAFETY: as above.
        unsafe { *self.0.get() }
    }
}

unsafe extern "C" fn count(user: *mut c_void) -> nd_result {
    // SAFETY: the user pointer is that of a `Count`.
    unsafe { *user.cast::<u64>() += 1 };
    ND_OK
}

/// The driver that the user pointer names takes all who want in.
unsafe extern "C" fn accept_all(user: *mut c_void) -> nd_result {
    while Handle(user.cast()).accept().is_some() {}
    ND_OK
}

unsafe extern "C" fn echo_beside(
    _: *mut c_void,
    concurrent: *mut nd_concurrent,
    connection: nd_connection,
) -> nd_result {
    loop {
        // SAFETY: as in `Handle::pop`.
        unsafe {
            let mut event: nd_event = zeroed();
            ok(nd_concurrent_pop_event_for_connection(concurrent, connection, &mut event));
            match event.kind {
                ND_EVENT_DATA => {}
                _ => return ND_OK,
            }
            let (data, length) = (event.data, event.data_length);
            ok(nd_concurrent_send(concurrent, connection, 0, data, length, 0));
        }
    }
}

impl Handle {
    fn schedule_update(self, after: nd_job) -> nd_job {
        let mut job = 0;
        // SAFETY: as in `create_with`.
        ok(unsafe { nd_driver_schedule_update(self.0, after, &mut job) });
        job
    }

    fn schedule_flush_send(self, after: nd_job) -> nd_job {
        let mut job = 0;
        // SAFETY: as in `create_with`.
        ok(unsafe { nd_driver_schedule_flush_send(self.0, after, &mut job) });
        job
    }

    fn schedule_count(self, counted: &Count, after: nd_job) -> nd_job {
        let mut job = 0;
        let user = counted.user();
        // SAFETY: as in `create_with`; who schedules completes before the count goes.
        ok(unsafe { nd_driver_schedule_job(self.0, Some(count), user, after, &mut job) });
        job
    }

    /// Update, accept, an echo for each connection, send.
    fn schedule_echo(self) -> nd_job {
        let mut job = self.schedule_update(0);
        let user = self.0.cast();
        // SAFETY: as in `create_with`; the functions take a handle, and nothing.
        unsafe {
            ok(nd_driver_schedule_job(self.0, Some(accept_all), user, job, &mut job));
            let echo = Some(echo_beside as _);
            let each = nd_driver_schedule_for_each_connection;
            ok(each(self.0, echo, null_mut(), 1, job, &mut job));
        }
        self.schedule_flush_send(job)
    }
}

fn combine(jobs: &[nd_job]) -> nd_job {
    let mut job = 0;
    // SAFETY: so many jobs lie there.
    ok(unsafe { nd_job_combine(jobs.as_ptr(), jobs.len() as u32, &mut job) });
    job
}

#[test]
fn threads_schedule_for_one_driver_and_its_jobs_never_meet() {
    let driver = Handle::create(ND_INTERFACE_IPC);
    let counted = Count::default();
    let schedule = |_| {
        for _ in 0..FRAMES {
            let job = driver.schedule_count(&counted, driver.schedule_update(0));
            ok(nd_job_complete(driver.schedule_flush_send(job)));
        }
    };
    at_once(schedule, thread::yield_now);
    ok(nd_job_complete(driver.schedule_update(0)));
    assert_eq!(counted.get(), u64::from(THREADS * FRAMES));
    ok(driver.destroy());
}

#[test]
fn jobs_of_two_drivers_share_what_their_dependencies_order() {
    let drivers = [Handle::create(ND_INTERFACE_IPC), Handle::create(ND_INTERFACE_IPC)];
    let counted = Count::default();
    let mut last = 0;
    for frame in 0..FRAMES {
        let first = drivers[0].schedule_count(&counted, last);
        let second = drivers[1].schedule_count(&counted, first);
        last = combine(&[first, second]);
        if frame % 7 == 0 {
            ok(nd_job_complete(last));
            assert_eq!(counted.get(), u64::from(2 * (frame + 1)));
        }
    }
    ok(nd_job_complete(last));
    assert_eq!(counted.get(), u64::from(2 * FRAMES));
    drivers.iter().for_each(|driver| ok(driver.destroy()));
}

#[test]
fn threads_that_touch_a_driver_with_jobs_are_told() {
    let driver = Handle::create(ND_INTERFACE_IPC);
    let touch = |_| {
        for _ in 0..FRAMES {
            for result in [driver.update(), driver.count(), driver.wake()] {
                assert!(result == ND_OK || result == ND_ERROR_DRIVER_IN_USE, "{result}");
            }
        }
    };
    at_once(touch, || ok(nd_job_complete(driver.schedule_flush_send(driver.schedule_update(0)))));
    ok(driver.destroy());
}

#[test]
fn a_server_of_jobs_talks_to_clients_on_other_threads() {
    let server = Handle::create(ND_INTERFACE_IPC);
    let address = server.listen();
    let talk = |_| {
        let client = Handle::create(ND_INTERFACE_IPC);
        converse(client, &address);
        ok(client.destroy());
    };
    at_once(talk, || ok(nd_job_complete(server.schedule_echo())));
    ok(server.destroy());
}

/// A job that waits for a thread of the engine; 0: none.
static GIVEN: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" fn give(_: *mut c_void, job: nd_job) -> u64 {
    // One that was not taken yet is complete by now, or whoever waits for it runs it.
    GIVEN.store(job, Ordering::Release);
    0
}

#[test]
fn threads_of_an_engine_run_jobs_beside_those_who_wait_for_them() {
    let driver = Handle::create(ND_INTERFACE_IPC);
    let counted = Count::default();
    let ended = AtomicBool::new(false);
    // SAFETY: all zeros is a value of the struct; the pointers are valid during the calls.
    unsafe {
        let mut scheduler: nd_job_scheduler = zeroed();
        ok(nd_job_scheduler_init(&mut scheduler));
        scheduler.schedule = Some(give);
        ok(nd_driver_set_job_scheduler(driver.0, &scheduler));
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Acquire) {
                ok(nd_job_run(GIVEN.swap(0, Ordering::AcqRel)));
                thread::yield_now();
            }
        });
        for _ in 0..FRAMES {
            let job = driver.schedule_count(&counted, driver.schedule_update(0));
            ok(nd_job_complete(job));
        }
        ended.store(true, Ordering::Release);
    });
    assert_eq!(counted.get(), u64::from(FRAMES));
    ok(driver.destroy());
}
