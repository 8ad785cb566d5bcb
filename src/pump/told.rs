//! What one thread has heard from the system and another one takes: reports, and perhaps that the
//! system has failed. It knows neither the system nor threads.

use std::io;

/// Reports that were not taken yet.
pub struct Told<T> {
    reports: Vec<T>,
    failure: Option<io::Error>,
    /// How often something was added.
    rounds: u64,
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self { reports: Vec::new(), failure: None, rounds: 0 }
    }
}

impl<T> Told<T> {
    /// Is there nothing to take?
    pub fn is_empty(&self) -> bool {
        self.reports.is_empty() && self.failure.is_none()
    }

    /// How often something was added.
    pub const fn rounds(&self) -> u64 {
        self.rounds
    }

    /// Adds what came of asking the system once.
    pub fn add(&mut self, outcome: io::Result<impl Iterator<Item = T>>) {
        match outcome {
            Ok(reports) => self.reports.extend(reports),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => self.failure = Some(error),
        }
        self.rounds += 1;
    }

    /// Takes all reports; says how often something was added. A failure stays until there are
    /// none, because the system does not repeat them.
    pub fn take(&mut self, reports: &mut Vec<T>) -> io::Result<u64> {
        if self.reports.is_empty()
            && let Some(failure) = self.failure.take()
        {
            return Err(failure);
        }
        reports.append(&mut self.reports);
        Ok(self.rounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: io::ErrorKind) -> io::Result<std::vec::IntoIter<u32>> {
        Err(kind.into())
    }

    #[test]
    fn reports_are_taken_before_a_failure_that_came_beside_them() {
        for failure_first in [false, true] {
            let (mut told, mut taken) = (Told::default(), Vec::new());
            if failure_first {
                told.add(failure(io::ErrorKind::OutOfMemory));
            }
            told.add(Ok(vec![1, 2].into_iter()));
            if !failure_first {
                told.add(failure(io::ErrorKind::OutOfMemory));
            }
            assert_eq!(told.take(&mut taken).unwrap(), 2);
            assert_eq!(taken, [1, 2]);
            taken.clear();
            assert!(!told.is_empty(), "the failure is still to be told");
            assert_eq!(told.take(&mut taken).unwrap_err().kind(), io::ErrorKind::OutOfMemory);
            assert!(told.is_empty() && taken.is_empty());
            assert_eq!(told.take(&mut taken).unwrap(), 2, "it is told once");
        }
    }

    #[test]
    fn an_interruption_is_no_failure() {
        let (mut told, mut taken) = (Told::default(), Vec::new());
        told.add(failure(io::ErrorKind::Interrupted));
        assert!(told.is_empty());
        assert_eq!((told.rounds(), told.take(&mut taken).unwrap()), (1, 1));
    }
}
