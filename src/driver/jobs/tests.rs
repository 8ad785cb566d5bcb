//! The graph alone: what may begin when, what is remembered, what can never be.

use super::graph::{Graph, JOB_RESULTS_KEPT, JOBS_MAX, JobId, Step, Work};
use crate::error::{Error, Result, Status};

/// A job's name, and how many may work on it.
#[derive(Clone, PartialEq, Debug)]
struct Named(&'static str, bool);

impl Work for Named {
    type Ticket = u64;

    fn split(&self) -> Option<Self> {
        self.1.then(|| self.clone())
    }

    fn site(&self) -> usize {
        self.0.len()
    }
}

const NONE: JobId = JobId::from_u64(0);

fn add(graph: &mut Graph<Named>, name: &'static str, after: &[JobId]) -> JobId {
    let after = after.iter().copied();
    graph.add(&mut Some(Named(name, false)), after, NONE).expect("there is room")
}

fn ready(graph: &mut Graph<Named>) -> Vec<&'static str> {
    graph.claim_ready(1);
    std::iter::from_fn(|| graph.poll_ready(1).map(|(_, work)| work.0)).collect()
}

fn run(graph: &mut Graph<Named>, job: JobId, outcome: Result<()>) {
    graph.begin(job).expect("it may begin");
    assert_eq!(graph.leave(job, outcome), (true, None));
}

fn failure() -> Error {
    Error::new(Status::NetworkSocketError, "the cable is out")
}

#[test]
fn who_makes_a_job_ready_tells_of_it_and_nobody_else_does() {
    let mut graph = Graph::new();
    let first = add(&mut graph, "first", &[]);
    add(&mut graph, "behind", &[first]);
    graph.claim_ready(7);
    add(&mut graph, "other", &[]);
    graph.claim_ready(8);
    let name = |(_, work): (_, &Named)| work.0;
    assert_eq!(graph.poll_ready(8).map(name), Some("other"));
    assert_eq!(graph.poll_ready(8).map(name), None);
    assert_eq!(graph.poll_ready(7).map(name), Some("first"));
    run(&mut graph, first, Ok(()));
    graph.claim_ready(8);
    assert_eq!(graph.poll_ready(7).map(name), None);
    assert_eq!(graph.poll_ready(8).map(name), Some("behind"));
}

#[test]
fn a_job_is_ready_when_all_that_it_depends_on_is_over() {
    let mut graph = Graph::new();
    let first = add(&mut graph, "first", &[]);
    let left = add(&mut graph, "left", &[first]);
    let right = add(&mut graph, "right", &[first]);
    let last = add(&mut graph, "last", &[left, right]);
    assert_eq!(ready(&mut graph), ["first"]);
    assert!(graph.begin(last).is_none());
    run(&mut graph, first, Ok(()));
    assert_eq!(ready(&mut graph), ["left", "right"]);
    run(&mut graph, right, Ok(()));
    assert!(ready(&mut graph).is_empty());
    run(&mut graph, left, Ok(()));
    assert_eq!(ready(&mut graph), ["last"]);
    assert!(!graph.is_over(last));
    run(&mut graph, last, Ok(()));
    assert!(graph.is_over(last));
    assert_eq!(graph.count(), 0);
}

#[test]
fn a_dependency_that_is_named_twice_is_waited_for_once_each() {
    let mut graph = Graph::new();
    let first = add(&mut graph, "first", &[]);
    let second = add(&mut graph, "second", &[first, first]);
    run(&mut graph, first, Ok(()));
    run(&mut graph, second, Ok(()));
    assert!(graph.is_over(second));
}

#[test]
fn a_combination_is_over_with_its_last_member_and_one_of_nothing_at_once() {
    let mut graph = Graph::<Named>::new();
    let nothing = graph.add(&mut None, [].into_iter(), NONE).expect("there is room");
    assert!(graph.is_over(nothing));
    let jobs = [add(&mut graph, "one", &[]), add(&mut graph, "two", &[])];
    let both = graph.add(&mut None, jobs.into_iter(), NONE).expect("there is room");
    let again = graph.add(&mut None, [both].into_iter(), NONE).expect("there is room");
    run(&mut graph, jobs[1], Ok(()));
    assert!(!graph.is_over(again));
    run(&mut graph, jobs[0], Err(failure()));
    assert!(graph.is_over(both) && graph.is_over(again));
    assert_eq!(graph.outcome(again), Err(failure()));
}

#[test]
fn an_error_is_that_of_all_who_were_told_to_come_after_and_of_nobody_else() {
    let mut graph = Graph::new();
    let failed = add(&mut graph, "failed", &[]);
    let after = add(&mut graph, "after", &[failed]);
    let behind = graph
        .add(&mut Some(Named("behind", false)), [NONE].into_iter(), failed)
        .expect("there is room");
    run(&mut graph, failed, Err(failure()));
    run(&mut graph, after, Ok(()));
    run(&mut graph, behind, Ok(()));
    assert_eq!(graph.outcome(failed), Err(failure()));
    assert_eq!(graph.outcome(after), Err(failure()));
    assert_eq!(graph.outcome(behind), Ok(()));
    let late = add(&mut graph, "late", &[failed]);
    run(&mut graph, late, Ok(()));
    assert_eq!(graph.outcome(late), Err(failure()));
}

#[test]
fn a_result_is_kept_while_later_jobs_are_few_and_forgotten_then() {
    let mut graph = Graph::new();
    let old = add(&mut graph, "old", &[]);
    run(&mut graph, old, Err(failure()));
    for _ in 0..JOB_RESULTS_KEPT {
        let job = add(&mut graph, "later", &[]);
        run(&mut graph, job, Ok(()));
        assert_eq!(graph.outcome(old), Err(failure()));
    }
    let job = add(&mut graph, "last", &[]);
    assert!(graph.is_over(old), "although its slot serves another job");
    assert_eq!(graph.outcome(old), Ok(()));
    assert!(!graph.is_over(job));
    for _ in 0..10_000 {
        let job = add(&mut graph, "later", &[]);
        run(&mut graph, job, Ok(()));
    }
    assert!(graph.slots() <= JOB_RESULTS_KEPT + 2, "slots are used again");
}

#[test]
fn values_that_name_no_job_are_over() {
    let mut graph = Graph::new();
    let job = add(&mut graph, "job", &[]);
    for value in [0, 1, u64::MAX, job.to_u64() + 1, job.to_u64() ^ (7 << 32)] {
        let unknown = JobId::from_u64(value);
        assert!(graph.is_over(unknown), "{value:x}");
        assert_eq!(graph.outcome(unknown), Ok(()));
        assert!(graph.begin(unknown).is_none());
    }
    assert_eq!(JobId::from_u64(job.to_u64()), job);
}

#[test]
fn the_limit_counts_jobs_that_are_not_over() {
    let mut graph = Graph::new();
    let jobs: Vec<_> = (0..JOBS_MAX).map(|_| add(&mut graph, "job", &[])).collect();
    let mut work = Some(Named("too many", false));
    let refused = graph.add(&mut work, [NONE].into_iter(), NONE).expect_err("there is no room");
    assert_eq!(refused.status(), Status::LimitReached);
    assert!(work.is_some(), "it is given back");
    run(&mut graph, jobs[7], Ok(()));
    add(&mut graph, "fits", &[]);
}

#[test]
fn several_work_on_one_job_until_one_finds_nothing_more_to_do() {
    let mut graph = Graph::new();
    let job =
        graph.add(&mut Some(Named("many", true)), [NONE].into_iter(), NONE).expect("there is room");
    let after = add(&mut graph, "after", &[job]);
    assert!(graph.begin(job).is_some());
    assert!(graph.begin(job).is_some());
    assert_eq!(graph.leave(job, Ok(())), (false, None));
    assert!(graph.begin(job).is_none(), "there is nothing left");
    assert!(graph.begin(after).is_none());
    assert_eq!(graph.leave(job, Err(failure())), (true, Some(Named("many", true))));
    assert_eq!(graph.outcome(job), Err(failure()));
    assert!(graph.begin(after).is_some());
}

#[test]
fn who_waits_is_given_what_nobody_has_begun_from_the_bottom_up() {
    let mut graph = Graph::new();
    let first = add(&mut graph, "first", &[]);
    let second = add(&mut graph, "second", &[first]);
    let third = add(&mut graph, "third", &[second]);
    for expected in [first, second, third] {
        let Step::Run(job, _) = graph.step(third, &[], &[]) else { panic!("something can be run") };
        assert_eq!(job, expected);
        assert!(matches!(graph.step(third, &[], &[]), Step::Wait(at, None) if at == job));
        graph.leave(job, Ok(()));
    }
    assert!(matches!(graph.step(third, &[], &[]), Step::Over(Ok(()))));
}

#[test]
fn who_waits_is_given_what_can_begin_although_others_are_at_something_else() {
    let mut graph = Graph::new();
    let busy = add(&mut graph, "busy", &[]);
    let free = add(&mut graph, "free", &[]);
    let behind = add(&mut graph, "behind", &[free]);
    let all = add(&mut graph, "all", &[busy, behind]);
    graph.begin(busy);
    for expected in [free, behind] {
        let Step::Run(job, _) = graph.step(all, &[], &[]) else { panic!("something can be run") };
        assert_eq!(job, expected);
        graph.leave(job, Ok(()));
    }
    assert!(matches!(graph.step(all, &[], &[]), Step::Wait(at, None) if at == busy));
}

#[test]
fn a_value_that_happens_to_name_the_job_itself_is_no_dependency() {
    let mut graph = Graph::new();
    let guessed = JobId::from_u64(1 << 32 | 1);
    let job = add(&mut graph, "own", &[guessed]);
    assert_eq!(job, guessed);
    assert_eq!(ready(&mut graph), ["own"]);
    run(&mut graph, job, Ok(()));
    let combined = graph.add(&mut None, [JobId::from_u64(1 << 32 | 2)].into_iter(), job);
    assert!(graph.is_over(combined.unwrap()));
}

#[test]
fn a_job_that_waits_for_itself_is_told() {
    let mut graph = Graph::new();
    let own = add(&mut graph, "own", &[]);
    let later = add(&mut graph, "later", &[own]);
    let other = add(&mut graph, "other", &[]);
    graph.begin(own);
    assert!(matches!(graph.step(own, &[own], &[]), Step::Never));
    assert!(matches!(graph.step(later, &[own], &[]), Step::Never));
    assert!(matches!(graph.step(other, &[own], &[]), Step::Run(..)));
    // The other one, on another thread now, waits for ours.
    graph.set_awaited(other, own, true);
    assert!(matches!(graph.step(other, &[own], &[]), Step::Never));
    graph.set_awaited(other, own, false);
    assert!(matches!(graph.step(other, &[own], &[]), Step::Wait(..)));
}

#[test]
fn who_is_where_a_job_has_to_be_done_is_told_and_the_job_stays() {
    let mut graph = Graph::new();
    let first = add(&mut graph, "five5", &[]);
    let other = add(&mut graph, "seven77", &[first]);
    for job in [first, other] {
        assert!(matches!(graph.step(job, &[], &[1, 5]), Step::Obstructed));
    }
    assert!(!graph.is_obstructed(other, &[6]));
    graph.begin(first);
    assert!(matches!(graph.step(other, &[], &[5]), Step::Obstructed), "whoever has begun it");
    graph.leave(first, Ok(()));
    assert!(matches!(graph.step(other, &[], &[5]), Step::Run(..)));
}
