//! The one place that reads the clock.

use std::time::Instant;

use crate::proto::time::Micros;

/// A monotonic clock that starts near zero.
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts it.
    #[allow(clippy::disallowed_methods, reason = "this is the module that may")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }

    /// Microseconds since the start; never 0.
    pub fn now(&self) -> Micros {
        self.start.elapsed().as_micros() as Micros + 1
    }
}
