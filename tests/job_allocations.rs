//! Warm, ten thousand jobs through the C interface allocate nothing, on whatever thread they run,
//! and leave nothing behind.
//!
//! One test, alone in its binary, so that nothing else allocates meanwhile.
#![allow(unsafe_code, reason = "an allocator that counts is one by its trait; the ABI is C's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr::{null_mut, without_provenance_mut};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use netdriver::ffi::codes::ND_OK;
use netdriver::ffi::drivers::{nd_driver_create, nd_driver_destroy};
use netdriver::ffi::jobs::{
    nd_driver_schedule_flush_send, nd_driver_schedule_for_each_connection, nd_driver_schedule_job,
    nd_driver_schedule_update, nd_job_combine, nd_job_complete,
};
use netdriver::ffi::settings::nd_settings_init;
use netdriver::ffi::structs::{nd_concurrent, nd_connection, nd_driver};

struct Counting;

static COUNTED: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU64 = AtomicU64::new(0);

fn count() {
    COUNT.fetch_add(u64::from(COUNTED.load(Ordering::Relaxed)), Ordering::Relaxed);
}

// SAFETY: every call is handed to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static CALLS: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" fn call(user: *mut c_void) -> i32 {
    CALLS.fetch_add(user.addr() as u64, Ordering::Relaxed);
    ND_OK
}

unsafe extern "C" fn call_for(_: *mut c_void, _: *mut nd_concurrent, _: nd_connection) -> i32 {
    ND_OK
}

fn driver(job_workers: u32) -> *mut nd_driver {
    let mut settings = MaybeUninit::uninit();
    let mut driver = null_mut();
    // SAFETY: the pointers are valid, and the settings are filled in before they are read.
    unsafe {
        assert_eq!(nd_settings_init(settings.as_mut_ptr()), ND_OK);
        let mut settings = settings.assume_init();
        settings.job_workers = job_workers;
        assert_eq!(nd_driver_create(&raw const settings, &raw mut driver), ND_OK);
    }
    driver
}

/// A frame of each driver, as a server has it: five jobs, and one of both.
fn frame(drivers: [*mut nd_driver; 2]) {
    let mut ends = [0; 2];
    for (driver, end) in drivers.into_iter().zip(&mut ends) {
        let mut job = 0;
        // SAFETY: the pointers are valid, and the functions are of their types.
        unsafe {
            assert_eq!(nd_driver_schedule_update(driver, job, &raw mut job), ND_OK);
            let one = without_provenance_mut(1);
            assert_eq!(nd_driver_schedule_job(driver, Some(call), one, job, &raw mut job), ND_OK);
            let each = nd_driver_schedule_for_each_connection(
                driver,
                Some(call_for),
                null_mut(),
                1,
                job,
                &raw mut job,
            );
            assert_eq!(each, ND_OK);
            assert_eq!(nd_driver_schedule_flush_send(driver, job, &raw mut job), ND_OK);
        }
        *end = job;
    }
    let mut both = 0;
    // SAFETY: two jobs lie there.
    let combined = unsafe { nd_job_combine(ends.as_ptr(), 2, &raw mut both) };
    assert_eq!(combined, ND_OK);
    assert_eq!(nd_job_complete(both), ND_OK);
}

#[test]
fn ten_thousand_jobs_allocate_nothing() {
    for workers in [0, 2] {
        let drivers = [driver(workers), driver(workers)];
        // Slots are used in turn, and each has lists that grow once.
        for _ in 0..1000 {
            frame(drivers);
        }
        COUNT.store(0, Ordering::Relaxed);
        CALLS.store(0, Ordering::Relaxed);
        COUNTED.store(true, Ordering::Relaxed);
        for _ in 0..1200 {
            frame(drivers);
        }
        COUNTED.store(false, Ordering::Relaxed);
        assert_eq!(CALLS.load(Ordering::Relaxed), 2400);
        assert_eq!(COUNT.load(Ordering::Relaxed), 0, "{workers} workers");
        for driver in drivers {
            assert_eq!(nd_driver_destroy(driver), ND_OK);
        }
    }
}
