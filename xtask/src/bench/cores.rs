//! Which processor cores a trial runs on, and whether others want them too.

use std::fs;
use std::thread;
use std::time::Duration;

/// Share of the machine's time that others may take without spoiling a measurement.
const OTHERS_MAX: f64 = 0.05;
/// How long a look at them takes.
const LOOK: Duration = Duration::from_secs(2);
/// Where `/proc/stat` counts time in which a core did nothing: idle, and waiting for a disk.
const NOTHING: [usize; 2] = [3, 4];

/// One core for the server, one for everything else. On a machine with one they are the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cores {
    /// The server's.
    pub server: u32,
    /// The load's.
    pub load: u32,
}

impl Cores {
    /// The first two that this process may use.
    pub fn find() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        Self::of(&allowed(line.unwrap_or("0").trim()))
    }

    fn of(cores: &[u32]) -> Self {
        let server = cores.first().copied().unwrap_or(0);
        Self { server, load: cores.get(1).copied().unwrap_or(server) }
    }

    /// Whether the load takes the server's time.
    pub fn are_shared(self) -> bool {
        self.server == self.load
    }
}

/// The share of the machine's time that others take now, when that is enough to spoil times. To be
/// asked before anything of ours runs; takes two seconds.
pub fn others() -> Option<f64> {
    let look = || times(&fs::read_to_string("/proc/stat").unwrap_or_default());
    let before = look()?;
    thread::sleep(LOOK);
    let (busy, all) = look()?;
    let share = (busy - before.0) as f64 / (all - before.1).max(1) as f64;
    (share > OTHERS_MAX).then_some(share)
}

/// Ticks of all cores since the machine's start: those with work, and all. What the host of a
/// virtual machine has taken counts as work.
fn times(stat: &str) -> Option<(u64, u64)> {
    let ticks = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    let ticks: Vec<u64> = ticks.take(8).map_while(|tick| tick.parse().ok()).collect();
    let all: u64 = ticks.iter().sum();
    let nothing: u64 = NOTHING.iter().filter_map(|&place| ticks.get(place)).sum();
    Some((all - nothing, all))
}

/// The numbers of a list like `0-3,8`.
fn allowed(list: &str) -> Vec<u32> {
    let mut cores = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) {
            cores.extend(first..=last);
        }
    }
    cores
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_cores_is_read() {
        assert_eq!(allowed("0-2,8"), [0, 1, 2, 8]);
        assert_eq!(allowed(""), [0_u32; 0]);
    }

    #[test]
    fn idle_time_is_no_work() {
        let stat = "cpu  10 2 30 400 50 6 7 8 9 9\ncpu0 1 2 3 4\n";
        assert_eq!(times(stat), Some((63, 513)));
        assert_eq!(times("intr 1"), None);
    }

    #[test]
    fn one_core_serves_both_and_says_so() {
        assert!(Cores::of(&[3]).are_shared());
        assert_eq!(Cores::of(&[2, 5, 6]), Cores { server: 2, load: 5 });
    }
}
