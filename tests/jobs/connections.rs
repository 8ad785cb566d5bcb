//! The job for each connection.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{
    Concurrent, Connection, Error, EventKind, JOB_BATCH_MAX, Job, NetworkDriver, SharedDriver,
    Status,
};

use crate::support;

/// A server that has accepted so many clients in this process, and the clients.
fn crowd(count: usize, job_workers: u32) -> (SharedDriver, BTreeSet<u64>, NetworkDriver) {
    let settings = NetworkSettings { job_workers, ..NetworkSettings::default() };
    let (mut server, endpoint) = support::server(InterfaceKind::Ipc, &settings);
    let mut client = support::driver(InterfaceKind::Ipc, &settings);
    let mut accepted = BTreeSet::new();
    for _ in 0..count {
        client.connect(0, &endpoint, b"").expect("starts to connect");
        let connection = support::expect_accept(&mut [&mut server, &mut client]);
        accepted.insert(connection.to_u64());
    }
    (SharedDriver::new(server).expect("there is no pump"), accepted, client)
}

#[derive(Default)]
struct Seen(Mutex<Vec<u64>>);

impl Seen {
    fn see(&self, connection: Connection) {
        self.0.lock().expect("nobody panicked").push(connection.to_u64());
    }

    fn sorted(&self) -> Vec<u64> {
        let mut all = std::mem::take(&mut *self.0.lock().expect("nobody panicked"));
        all.sort_unstable();
        all
    }
}

#[test]
fn every_accepted_connection_is_seen_once() {
    for workers in [0, 1, 3] {
        let (driver, accepted, _client) = crowd(50, workers);
        let accepted: Vec<u64> = accepted.into_iter().collect();
        for batch in [0, 1, 7, JOB_BATCH_MAX] {
            let seen = Arc::new(Seen::default());
            let twin = Arc::clone(&seen);
            let body = Arc::new(move |_: Concurrent<'_>, connection| {
                twin.see(connection);
                Ok(())
            });
            let update = driver.schedule_update(Job::default()).expect("is scheduled");
            let job = driver.schedule_for_each_connection(body, batch, update);
            let flush = driver.schedule_flush_send(job.expect("is scheduled"));
            flush.expect("is scheduled").complete().expect("succeeds");
            assert_eq!(seen.sorted(), accepted, "{workers} workers, {batch} at once");
        }
    }
}

#[test]
fn several_threads_work_on_one_job() {
    let (driver, ..) = crowd(2, 1);
    // Each waits inside for the other, so neither can be done by one thread alone.
    let barrier = Arc::new(Barrier::new(2));
    let body = Arc::new(move |_: Concurrent<'_>, _: Connection| {
        barrier.wait();
        Ok(())
    });
    let job = driver.schedule_for_each_connection(body, 1, Job::default());
    job.expect("is scheduled").complete().expect("succeeds");
}

#[test]
fn the_first_error_is_the_jobs_and_keeps_nobody_from_his_turn() {
    let (driver, accepted, _client) = crowd(9, 1);
    let seen = Arc::new(Seen::default());
    let twin = Arc::clone(&seen);
    let body = Arc::new(move |_: Concurrent<'_>, connection| {
        twin.see(connection);
        Err(Error::new(Status::NotFound, "nobody is at home"))
    });
    let job = driver.schedule_for_each_connection(body, 2, Job::default()).expect("is scheduled");
    assert_eq!(job.complete().map_err(|error| error.status()), Err(Status::NotFound));
    assert_eq!(seen.sorted(), accepted.into_iter().collect::<Vec<_>>());
}

#[test]
fn nobody_has_the_driver_to_himself_in_it() {
    let (driver, ..) = crowd(4, 1);
    let own = driver.clone();
    let body = Arc::new(move |_: Concurrent<'_>, _: Connection| {
        let refused = own.enter(|_| ()).expect_err("others are beside");
        assert_eq!(refused.status(), Status::DriverInUse);
        assert!(refused.text().contains("beside"), "{refused}");
        Ok(())
    });
    let job = driver.schedule_for_each_connection(body, 1, Job::default());
    job.expect("is scheduled").complete().expect("succeeds");
}

#[test]
fn who_would_take_the_driver_is_refused_before_he_is_in_anybodys_way() {
    let (driver, ..) = crowd(2, 0);
    let own = driver.clone();
    let body = Arc::new(move |_: Concurrent<'_>, _: Connection| {
        let refused = own.take().err().expect("a job runs");
        assert_eq!(refused.status(), Status::DriverInUse);
        assert!(refused.text().contains("a job of this driver"), "{refused}");
        Ok(())
    });
    let job = driver.schedule_for_each_connection(body, 1, Job::default());
    job.expect("is scheduled").complete().expect("succeeds");
}

#[test]
fn a_driver_without_connections_has_nothing_to_do() {
    let (driver, ..) = crowd(0, 1);
    let body = Arc::new(|_: Concurrent<'_>, _: Connection| panic!("there is none"));
    let job = driver.schedule_for_each_connection(body, 0, Job::default());
    job.expect("is scheduled").complete().expect("succeeds");
}

#[test]
fn a_batch_has_a_limit() {
    let (driver, ..) = crowd(0, 0);
    let body = Arc::new(|_: Concurrent<'_>, _: Connection| Ok(()));
    let refused = driver.schedule_for_each_connection(body, JOB_BATCH_MAX + 1, Job::default());
    assert_eq!(refused.expect_err("is too large").status(), Status::InvalidArgument);
    driver.enter(|_| ()).expect("nothing was scheduled");
}

#[test]
fn jobs_end_on_whatever_thread_waits() {
    let (driver, ..) = crowd(3, 2);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let update = driver.schedule_update(Job::default()).expect("is scheduled");
                    let body = Arc::new(|_: Concurrent<'_>, _: Connection| Ok(()));
                    let each = driver.schedule_for_each_connection(body, 1, update);
                    each.expect("is scheduled").complete().expect("succeeds");
                }
            });
        }
    });
}

#[test]
fn a_server_of_jobs_echoes_what_its_clients_say() {
    const CLIENTS: usize = 20;
    let (server, accepted, mut client) = crowd(CLIENTS, 2);
    assert_eq!(accepted.len(), CLIENTS);
    let mut own = Vec::new();
    for _ in 0..CLIENTS {
        let event = support::until("a Connect event", || {
            client.update().expect("updates");
            client.pop_event()
        });
        assert_eq!(event.kind, EventKind::Connect);
        own.push(event.connection);
    }
    let echo = Arc::new(|server: Concurrent<'_>, connection: Connection| {
        while let Some(event) = server.pop_event_for_connection(connection)? {
            server.send(connection, 0, event.data)?;
        }
        Ok(())
    });
    for round in 0..20_u8 {
        for &connection in &own {
            client.send(connection, 0, &[round, connection.index() as u8]).expect("is sent");
        }
        let mut echoed = 0;
        support::until("all echoes", || {
            client.update().expect("updates");
            let update = server.schedule_update(Job::default()).expect("is scheduled");
            let each = server.schedule_for_each_connection(echo.clone(), 1, update);
            let flush = server.schedule_flush_send(each.expect("is scheduled"));
            flush.expect("is scheduled").complete().expect("succeeds");
            client.update().expect("updates");
            while let Some(event) = client.pop_event() {
                assert_eq!(*event.data, [round, event.connection.index() as u8]);
                echoed += 1;
            }
            (echoed == CLIENTS).then_some(())
        });
    }
}

#[test]
fn others_may_use_the_driver_beside_this_job_and_beside_no_other() {
    let (driver, accepted, _client) = crowd(1, 0);
    let beside = driver.concurrent().expect("no job is scheduled");
    let connection = Connection::from_u64(*accepted.first().expect("one was accepted"));
    let body = Arc::new(|_: Concurrent<'_>, _: Connection| Ok(()));
    let each = driver.schedule_for_each_connection(body, 1, Job::default()).expect("is scheduled");
    beside.enter(|driver| driver.send(connection, 0, b"now")).expect("is let in").expect("is sent");
    let flush = driver.schedule_flush_send(each).expect("is scheduled");
    let refused = beside.enter(|_| ()).expect_err("a flush is scheduled");
    assert_eq!(refused.status(), Status::DriverInUse);
    flush.complete().expect("succeeds");
    beside.enter(|driver| driver.send(connection, 0, b"now")).expect("is let in").expect("is sent");
}

#[test]
fn a_panic_beside_others_is_the_jobs_error_and_leaves_the_driver_fit_only_to_be_dropped() {
    let (driver, ..) = crowd(2, 1);
    let body = Arc::new(|_: Concurrent<'_>, _: Connection| panic!("a wall was in the way"));
    let job = driver.schedule_for_each_connection(body, 1, Job::default()).expect("is scheduled");
    assert_eq!(job.complete().map_err(|error| error.status()), Err(Status::Panic));
    let refused = driver.enter(|_| ()).expect_err("it failed inside");
    assert_eq!(refused.status(), Status::Panic);
}

#[test]
fn what_one_job_begins_another_ends() {
    let (driver, accepted, _client) = crowd(1, 1);
    let connection = Connection::from_u64(*accepted.first().expect("one was accepted"));
    let (say, hear) = std::sync::mpsc::channel();
    let begin = driver.schedule_job(
        move |driver| {
            let begun = driver.enter(|driver| {
                [driver.begin_send(connection, 0, 4), driver.begin_send(connection, 0, 4)]
            })?;
            say.send(begun.map(|send| send.expect("begins"))).expect("is heard");
            Ok(())
        },
        Job::default(),
    );
    begin.expect("is scheduled").complete().expect("succeeds");
    let [first, second] = hear.recv().expect("it ran");
    let end = driver.schedule_job(
        move |driver| driver.enter(|driver| driver.end_send(first, 4))?,
        Job::default(),
    );
    end.expect("is scheduled").complete().expect("it is open still");
    driver.schedule_update(Job::default()).expect("is scheduled").complete().expect("updates");
    let late = driver.enter(|driver| driver.end_send(second, 4)).expect("is free");
    let status = late.map_err(|error| error.status());
    assert_eq!(status, Err(Status::NetworkSendHandleInvalid));
}
