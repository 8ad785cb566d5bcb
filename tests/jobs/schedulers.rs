//! Jobs on a scheduler of somebody else.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{Job, JobScheduler, SharedDriver, Status};

use crate::support;
use crate::world::{Said, driver, schedule};

/// An engine that keeps what it is given.
struct Engine {
    given: Mutex<Sender<Job>>,
    said: Said,
}

impl Engine {
    fn new(said: &Said) -> (Arc<Self>, Receiver<Job>) {
        let (give, given) = channel();
        (Arc::new(Self { given: Mutex::new(give), said: said.clone() }), given)
    }
}

impl JobScheduler for Engine {
    fn schedule(&self, job: Job) -> u64 {
        self.said.say("schedule");
        self.given.lock().expect("nobody panicked").send(job).expect("is taken");
        42
    }

    fn complete(&self, ticket: u64) {
        assert_eq!(ticket, 42);
        self.said.say("wait");
    }

    fn parallelism(&self) -> u32 {
        3
    }
}

#[test]
fn an_engine_is_given_a_job_when_what_it_depends_on_is_complete() {
    let said = Said::default();
    let (engine, given) = Engine::new(&said);
    let driver = driver(4);
    driver.set_job_scheduler(Some(engine)).expect("no job is scheduled");
    let first = said.schedule(&driver, "first", Job::default());
    let second = said.schedule(&driver, "second", first);
    let scheduled = given.try_recv().expect("the first is ready");
    assert_eq!(scheduled, first);
    assert!(given.try_recv().is_err());
    thread::scope(|scope| scope.spawn(|| scheduled.run()).join()).expect("runs");
    assert!(first.is_complete());
    assert_eq!(given.try_recv(), Ok(second));
    // Nobody has begun it, so who waits for it runs it; the engine comes too late then.
    second.complete().expect("succeeds");
    second.run();
    assert_eq!(said.words(), ["schedule", "first", "schedule", "second"]);
}

#[test]
fn who_waits_for_a_job_that_the_engine_runs_asks_the_engine() {
    let said = Said::default();
    let (engine, given) = Engine::new(&said);
    let driver = driver(0);
    driver.set_job_scheduler(Some(engine)).expect("no job is scheduled");
    let (say, hear) = channel::<()>();
    let (inside, is_inside) = channel::<()>();
    let job = schedule(&driver, move |_| {
        inside.send(()).expect("is heard");
        hear.recv().expect("is told");
        Ok(())
    });
    thread::scope(|scope| {
        scope.spawn(move || given.recv().expect("is scheduled").run());
        is_inside.recv().expect("it has begun");
        let waiting = scope.spawn(|| job.complete());
        while !said.words().contains(&"wait") {
            thread::yield_now();
        }
        say.send(()).expect("is heard");
        assert_eq!(waiting.join().expect("does not panic"), Ok(()));
    });
    assert_eq!(said.words(), ["schedule", "wait"], "it is asked once");
}

/// An engine that runs what it is given at once, and then does one more thing.
struct AtOnce<F: Fn() + Send + Sync>(F);

impl<F: Fn() + Send + Sync> JobScheduler for AtOnce<F> {
    fn schedule(&self, job: Job) -> u64 {
        job.run();
        (self.0)();
        0
    }

    fn complete(&self, _: u64) {}

    fn parallelism(&self) -> u32 {
        1
    }
}

#[test]
fn an_engine_may_run_a_job_at_once() {
    let said = Said::default();
    let driver = driver(1);
    driver.set_job_scheduler(Some(Arc::new(AtOnce(|| ())))).expect("no job is scheduled");
    let job = said.schedule(&driver, "at once", Job::default());
    assert!(job.is_complete());
    assert_eq!(said.words(), ["at once"]);
    // A long chain becomes ready at once, and does not pile up on the stack.
    let other = crate::world::driver(0);
    let first = schedule(&other, |_| Ok(()));
    let mut last = first;
    for _ in 0..4000 {
        last = said.schedule(&driver, "in turn", last);
    }
    first.complete().expect("succeeds");
    last.complete().expect("succeeds");
    assert_eq!(said.words().len(), 4001);
}

#[test]
fn a_job_that_an_engine_runs_at_once_may_look_until_one_of_another_driver_is_complete() {
    let (driver, other) = (driver(0), driver(1));
    driver.set_job_scheduler(Some(Arc::new(AtOnce(|| ())))).expect("no job is scheduled");
    let job = schedule(&driver, move |_| {
        let job = other.schedule_update(Job::default())?;
        while !job.is_complete() {
            thread::yield_now();
        }
        Ok(())
    });
    job.complete().expect("succeeds");
}

#[test]
fn what_runs_inside_of_a_job_is_part_of_what_waits_for_it() {
    let (outer, inner, other) = (driver(1), driver(0), driver(1));
    inner.set_job_scheduler(Some(Arc::new(AtOnce(|| ())))).expect("no job is scheduled");
    let (name_outer, outer_name) = channel::<Job>();
    let (name_other, other_name) = channel::<Job>();
    let (say_inside, is_inside) = channel::<()>();
    // The other one waits for the outer one, which cannot go on before the inner one, which waits
    // for the other one: one of the two waits is refused, whichever is the later one.
    let waits = schedule(&other, move |_| {
        let outer = outer_name.recv().expect("is named");
        is_inside.recv().expect("the inner one runs");
        outer.complete()
    });
    let all = schedule(&outer, move |_| {
        schedule(&inner, move |_| {
            say_inside.send(()).expect("is heard");
            other_name.recv().expect("is named").complete()
        })
        .complete()
    });
    name_outer.send(all).expect("is heard");
    name_other.send(waits).expect("is heard");
    let outcomes = [all.complete(), waits.complete()];
    let refused = outcomes.map(|outcome| outcome.expect_err("one was refused").status());
    assert_eq!(refused, [Status::InvalidArgument; 2], "and that is the result of both");
}

#[test]
fn a_scheduler_that_lets_its_driver_go_is_refused() {
    let driver = driver(0);
    let (own, tried) = (driver.clone(), channel());
    let engine = AtOnce(move || {
        let gone = own.take().map(|_| ()).map_err(|error| error.status());
        let changed = own.set_job_scheduler(None).map_err(|error| error.status());
        tried.0.send([gone, changed]).expect("is heard");
    });
    driver.set_job_scheduler(Some(Arc::new(engine))).expect("no job is scheduled");
    schedule(&driver, |_| Ok(())).complete().expect("succeeds");
    assert_eq!(tried.1.recv(), Ok([Err(Status::DriverInUse); 2]));
    driver.set_job_scheduler(None).expect("is possible here");
    assert!(driver.take().expect("no job is left").is_some());
}

#[test]
fn a_driver_does_not_go_while_its_scheduler_is_in_a_call() {
    /// Has a thread run the job, and returns some time after that.
    struct Slow {
        said: Said,
        run: Mutex<Sender<Job>>,
        go_on: Mutex<Receiver<()>>,
    }
    impl JobScheduler for Slow {
        fn schedule(&self, job: Job) -> u64 {
            self.run.lock().expect("nobody panicked").send(job).expect("is taken");
            self.go_on.lock().expect("nobody panicked").recv().expect("is told");
            self.said.say("returns");
            0
        }

        fn complete(&self, _: u64) {}

        fn parallelism(&self) -> u32 {
            1
        }
    }
    let said = Said::default();
    let ((run, to_run), (go, go_on)) = (channel(), channel());
    let (run, go_on) = (Mutex::new(run), Mutex::new(go_on));
    let driver = driver(1);
    driver
        .set_job_scheduler(Some(Arc::new(Slow { said: said.clone(), run, go_on })))
        .expect("no job is scheduled");
    thread::scope(|scope| {
        scope.spawn(|| schedule(&driver, |_| Ok(())));
        to_run.recv().expect("is scheduled").run();
        let gone = scope.spawn(|| {
            assert!(driver.take().expect("no job is left").is_some());
            said.say("gone");
        });
        go.send(()).expect("is heard");
        gone.join().expect("does not panic");
    });
    assert_eq!(said.words(), ["returns", "gone"]);
}

#[test]
fn the_scheduler_is_not_changed_under_a_job() {
    let driver = driver(0);
    let job = schedule(&driver, |_| Ok(()));
    let refused = driver.set_job_scheduler(None).expect_err("a job is scheduled");
    assert_eq!(refused.status(), Status::DriverInUse);
    job.complete().expect("succeeds");
    driver.set_job_scheduler(None).expect("is possible");
}

#[test]
fn a_driver_goes_with_its_last_owner_although_an_engine_ran_its_jobs() {
    let said = Said::default();
    let (engine, given) = Engine::new(&said);
    let settings = NetworkSettings { job_workers: 0, ..NetworkSettings::default() };
    let (server, endpoint) = support::server(InterfaceKind::Udp, &settings);
    let server = SharedDriver::new(server).expect("there is no pump");
    server.set_job_scheduler(Some(engine)).expect("no job is scheduled");
    let job = server.schedule_update(Job::default()).expect("is scheduled");
    given.try_recv().expect("is scheduled").run();
    job.complete().expect("succeeds");
    let mut other = support::driver(InterfaceKind::Udp, &settings);
    other.bind(0, &endpoint).expect_err("the driver has the port");
    drop(server);
    other.bind(0, &endpoint).expect("the port is free");
}

/// An engine that fails whatever it is asked.
struct Broken;

impl JobScheduler for Broken {
    fn schedule(&self, _: Job) -> u64 {
        panic!("no thread is left")
    }

    fn complete(&self, _: u64) {
        panic!("what is a ticket?")
    }

    fn parallelism(&self) -> u32 {
        1
    }
}

#[test]
fn a_scheduler_that_panics_keeps_no_job_and_no_driver() {
    let said = Said::default();
    let driver = driver(0);
    driver.set_job_scheduler(Some(Arc::new(Broken))).expect("no job is scheduled");
    let job = said.schedule(&driver, "who waits helps", Job::default());
    job.complete().expect("succeeds");
    driver.set_job_scheduler(Some(Arc::new(Broken))).expect("none of its calls goes on");
    let job = said.schedule(&driver, "and again", Job::default());
    job.complete().expect("succeeds");
    assert!(driver.take().expect("no call goes on").is_some());
    assert_eq!(said.words(), ["who waits helps", "and again"]);
}

#[test]
fn a_job_that_an_engine_runs_inside_a_call_on_its_driver_is_left_for_later() {
    let said = Said::default();
    let (engine, given) = Engine::new(&said);
    let driver = driver(0);
    driver.set_job_scheduler(Some(engine)).expect("no job is scheduled");
    let job = driver.enter(|_| {
        let job = said.schedule(&driver, "later", Job::default());
        given.try_recv().expect("is scheduled").run();
        job
    });
    let job = job.expect("is free");
    assert!(!job.is_complete());
    job.complete().expect("succeeds");
    assert_eq!(said.words(), ["schedule", "later"]);
}
