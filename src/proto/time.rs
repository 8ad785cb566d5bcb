//! Time as the protocol machines see it: a number that somebody else read from a clock.

/// Microseconds on a monotonic clock whose zero is arbitrary.
pub type Micros = u64;

/// Microseconds in a millisecond.
pub const MICROS_PER_MS: Micros = 1000;

/// Milliseconds (as settings carry them; negative counts as zero) in microseconds.
#[must_use]
pub const fn from_ms(ms: i32) -> Micros {
    if ms < 0 { 0 } else { ms as Micros * MICROS_PER_MS }
}

/// The first of several deadlines, of which each may be none.
#[must_use]
#[inline]
pub fn earliest<const COUNT: usize>(times: [Option<Micros>; COUNT]) -> Option<Micros> {
    // In numbers, because a chain of options costs ten times as much; no deadline is so late.
    let first =
        times.iter().fold(Micros::MAX, |first, time| first.min(time.unwrap_or(Micros::MAX)));
    (first < Micros::MAX).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_deadline_is_the_smallest_that_is_there() {
        assert_eq!(earliest([Some(7), None, Some(3)]), Some(3));
        assert_eq!(earliest([None, None]), None);
        assert_eq!(earliest([Some(0)]), Some(0));
    }
}
