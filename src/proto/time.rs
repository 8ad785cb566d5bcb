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
