//! Runs steps side by side: so many at a time, in the table's order, and never two that are there
//! to make the same build, or one that uses it beside one that makes it. Knows nothing of what a
//! step does.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The build of the library that a step makes or uses. Cargo lets one program at a time into a
/// build's folder, and a step must not have its library replaced, so one step at a time makes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Build {
    /// None, or one that no other step touches.
    Own,
    /// `target/debug` and what is made of it.
    Debug,
    /// `target/release` and what is made of it: the library, the examples.
    Release,
    /// The same, only used: any number at once, behind the steps before that make it. Where none of
    /// those runs, or one has failed, it is made by who needs it first (`build`'s functions do so).
    Released,
}

impl Build {
    /// Would one of two steps change what the other one uses?
    fn excludes(self, other: Self) -> bool {
        let released = |build| matches!(build, Self::Release | Self::Released);
        let makes = self == Self::Release || other == Self::Release;
        (self == Self::Debug && other == Self::Debug)
            || (makes && released(self) && released(other))
    }
}

/// Which steps wait and which builds are in use.
struct Queue {
    waiting: Vec<(usize, Build)>,
    in_use: Vec<Build>,
}

impl Queue {
    fn new(builds: impl IntoIterator<Item = Build>) -> Self {
        Self { waiting: builds.into_iter().enumerate().collect(), in_use: Vec::new() }
    }

    /// Takes the first step that waits for nobody; its build is in use until `put_back`.
    fn take(&mut self) -> Option<(usize, Build)> {
        let free = |&at: &usize| {
            let (_, build) = self.waiting[at];
            // What a step uses the steps before it have made.
            let mut before = self.waiting[..at].iter().map(|&(_, build)| build);
            let made = build != Build::Released || before.all(|one| one != Build::Release);
            made && !self.in_use.iter().any(|&used| build.excludes(used))
        };
        let at = (0..self.waiting.len()).find(free)?;
        let (step, build) = self.waiting.remove(at);
        self.in_use.push(build);
        Some((step, build))
    }

    fn put_back(&mut self, build: Build) {
        if let Some(at) = self.in_use.iter().position(|&used| used == build) {
            self.in_use.swap_remove(at);
        }
    }
}

/// Calls `work` with the place of each build in the list, at most `lanes` at once, and returns when
/// all of them are done.
pub fn run(builds: impl IntoIterator<Item = Build>, lanes: usize, work: impl Fn(usize) + Sync) {
    let queue = Mutex::new(Queue::new(builds));
    let changed = Condvar::new();
    let lane = || {
        let mut guard = lock(&queue);
        loop {
            match guard.take() {
                Some((step, build)) => {
                    drop(guard);
                    work(step);
                    guard = lock(&queue);
                    guard.put_back(build);
                    changed.notify_all();
                }
                None if guard.waiting.is_empty() => return,
                None => guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(lane);
        }
    });
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::Build::{Debug, Own, Release, Released};
    use super::*;
    use std::sync::Barrier;

    fn taken(queue: &mut Queue) -> Option<usize> {
        queue.take().map(|(step, _)| step)
    }

    #[test]
    fn a_step_waits_while_another_has_its_build_and_those_behind_it_do_not() {
        let mut queue = Queue::new([Debug, Debug, Own, Release, Own]);
        assert_eq!(taken(&mut queue), Some(0));
        assert_eq!(taken(&mut queue), Some(2));
        assert_eq!(taken(&mut queue), Some(3));
        queue.put_back(Debug);
        assert_eq!(taken(&mut queue), Some(1));
        assert_eq!(taken(&mut queue), Some(4));
        assert_eq!(taken(&mut queue), None);
        assert!(queue.waiting.is_empty());
    }

    #[test]
    fn nothing_is_taken_when_all_that_waits_needs_a_build_in_use() {
        let mut queue = Queue::new([Release, Release]);
        assert_eq!(taken(&mut queue), Some(0));
        assert_eq!(taken(&mut queue), None);
        queue.put_back(Own);
        assert_eq!(taken(&mut queue), None);
        queue.put_back(Release);
        assert_eq!(taken(&mut queue), Some(1));
    }

    #[test]
    fn what_is_made_is_used_by_many_at_once_and_by_none_before_or_while_it_is_changed() {
        let mut queue = Queue::new([Release, Release, Released, Released, Release]);
        assert_eq!(taken(&mut queue), Some(0));
        assert_eq!(taken(&mut queue), None);
        queue.put_back(Release);
        assert_eq!(taken(&mut queue), Some(1));
        queue.put_back(Release);
        assert_eq!(taken(&mut queue), Some(2));
        assert_eq!(taken(&mut queue), Some(3));
        assert_eq!(taken(&mut queue), None);
        queue.put_back(Released);
        assert_eq!(taken(&mut queue), None);
        queue.put_back(Released);
        assert_eq!(taken(&mut queue), Some(4));
    }

    #[test]
    fn what_no_step_of_the_run_makes_its_users_do_not_wait_for() {
        let mut queue = Queue::new([Released, Released, Debug, Released]);
        for step in 0..4 {
            assert_eq!(taken(&mut queue), Some(step));
        }
        // Who is behind them and makes it waits for all of them.
        let mut queue = Queue::new([Released, Released, Release]);
        assert_eq!(taken(&mut queue), Some(0));
        assert_eq!(taken(&mut queue), Some(1));
        queue.put_back(Released);
        assert_eq!(taken(&mut queue), None);
        queue.put_back(Released);
        assert_eq!(taken(&mut queue), Some(2));
    }

    #[test]
    fn one_lane_keeps_the_order_of_the_table() {
        let order = Mutex::new(Vec::new());
        run([Debug, Own, Debug, Release], 1, |step| order.lock().expect("alone").push(step));
        assert_eq!(order.into_inner().expect("alone"), [0, 1, 2, 3]);
    }

    #[test]
    fn two_lanes_run_two_builds_at_once() {
        // Either step ends only when the other has begun.
        let both = Barrier::new(2);
        run([Debug, Release], 2, |_| {
            both.wait();
        });
    }

    #[test]
    fn every_step_runs_once_and_no_build_is_used_twice_at_a_time() {
        let builds =
            [Debug, Release, Debug, Own, Release, Released, Debug, Released, Own, Release, Own];
        let now = Mutex::new(Vec::new());
        let ran = Mutex::new(Vec::new());
        run(builds, 4, |step| {
            let build = builds[step];
            let mut users = now.lock().expect("unbroken");
            assert!(!users.iter().any(|&user| build.excludes(user)));
            users.push(build);
            drop(users);
            std::thread::yield_now();
            let mut users = now.lock().expect("unbroken");
            let at = users.iter().position(|&user| user == build).expect("pushed");
            users.remove(at);
            drop(users);
            ran.lock().expect("unbroken").push(step);
        });
        let mut ran = ran.into_inner().expect("unbroken");
        ran.sort_unstable();
        assert_eq!(ran, (0..builds.len()).collect::<Vec<_>>());
    }
}
