//! Which processor cores a trial runs on, and whether others want them too.

use std::fs;

/// Load average of a machine that has little else to do.
const CROWD_MAX: f64 = 0.5;

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

/// How many processes wanted a core in the last minute, when that is enough to spoil times.
pub fn crowd() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next()?.parse().ok().filter(|load| *load > CROWD_MAX)
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
    fn one_core_serves_both_and_says_so() {
        assert!(Cores::of(&[3]).are_shared());
        assert_eq!(Cores::of(&[2, 5, 6]), Cores { server: 2, load: 5 });
    }
}
