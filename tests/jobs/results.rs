//! What comes out of jobs.

use std::panic::catch_unwind;

use netdriver::log::{self, Level};
use netdriver::settings::NetworkSettings;
use netdriver::{
    CustomInterface, Error, IncomingPacket, Job, NetworkDriver, NetworkEndpoint, OutgoingPacket,
    Result, SharedDriver, Status,
};

use crate::world::{Said, driver, schedule};

/// An interface whose cable is out.
struct Broken;

impl CustomInterface for Broken {
    fn bind(&mut self, endpoint: &NetworkEndpoint) -> Result<NetworkEndpoint> {
        Ok(*endpoint)
    }

    fn listen(&mut self) -> Result<()> {
        Ok(())
    }

    fn receive(&mut self, _: &mut [IncomingPacket]) -> Result<usize> {
        Err(Error::new(Status::NetworkSocketError, "the cable is out"))
    }

    fn send(&mut self, packets: &[OutgoingPacket<'_>]) -> Result<usize> {
        Ok(packets.len())
    }
}

fn broken(job_workers: u32) -> SharedDriver {
    let settings = NetworkSettings { job_workers, ..NetworkSettings::default() };
    let mut driver = NetworkDriver::new(&settings).expect("the settings are good");
    let interface = driver.add_custom_interface(Box::new(Broken)).expect("an interface");
    driver.bind(interface, &NetworkEndpoint::loopback_ipv4(7777)).expect("binds");
    SharedDriver::new(driver).expect("there is no pump")
}

#[test]
fn the_error_of_an_update_is_that_of_its_job_and_of_those_after_it() {
    for workers in [0, 1] {
        let driver = broken(workers);
        let said = Said::default();
        let update = driver.schedule_update(Job::default()).expect("is scheduled");
        let after = said.schedule(&driver, "ran all the same", update);
        let apart = said.schedule(&driver, "has nothing to do with it", Job::default());
        let both = Job::combine([apart, after].into_iter()).expect("is possible");
        for job in [update, after, both] {
            let error = job.complete().expect_err("the cable is out");
            assert_eq!(error.status(), Status::NetworkSocketError);
            assert!(error.text().contains("cable"), "{error}");
        }
        apart.complete().expect("succeeds");
        assert_eq!(said.words().len(), 2);
    }
}

#[test]
fn the_error_of_a_function_is_that_of_its_job() {
    let driver = driver(1);
    let job = schedule(&driver, |_| Err(Error::new(Status::NotFound, "no map of that name")));
    let error = job.complete().expect_err("it fails");
    assert_eq!((error.status(), error.text()), (Status::NotFound, "no map of that name"));
}

#[test]
fn a_panic_is_the_error_of_its_job_and_the_driver_goes_on() {
    for workers in [0, 1] {
        let driver = driver(workers);
        let job = schedule(&driver, |_| panic!("a wall was in the way"));
        let error = job.complete().expect_err("it panicked");
        assert_eq!(error.status(), Status::Panic);
        assert!(error.text().contains("wall"), "{error}");
        let update = driver.schedule_update(Job::default()).expect("is scheduled");
        update.complete().expect("succeeds");
    }
}

#[test]
fn a_panic_inside_the_driver_leaves_it_fit_only_to_be_dropped() {
    let driver = driver(1);
    let job = schedule(&driver, |driver| driver.enter(|_| panic!("a wall was in the way")));
    assert_eq!(job.complete().map_err(|error| error.status()), Err(Status::Panic));
    let update = driver.schedule_update(Job::default()).expect("is scheduled");
    assert_eq!(update.complete().map_err(|error| error.status()), Err(Status::Panic));
    assert!(driver.take().expect("no job is left").is_none());
}

#[test]
fn a_log_callback_that_has_panicked_keeps_its_thread_from_no_job() {
    // Other tests may write lines meanwhile.
    let sink = |_, text: &std::ffi::CStr| assert_ne!(text, c"a line to panic over");
    log::set_sink(Some((Some(Level::Error), Box::new(sink)))).expect("no callback is running");
    let panics = || log::write(Level::Error, &format_args!("a line to panic over"));
    assert!(catch_unwind(panics).is_err());
    log::set_sink(None).expect("no callback is running");
    let job = driver(0).schedule_update(Job::default()).expect("is scheduled");
    job.complete().expect("nobody else would run it");
}
