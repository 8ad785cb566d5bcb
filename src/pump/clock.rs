//! The one place that reads the clock.

use std::time::Instant;

use crate::proto::time::Micros;

/// A monotonic clock that starts near zero.
pub struct Clock {
    start: Instant,
    /// What a test lets it show instead.
    #[cfg(test)]
    pub shown: Option<std::sync::Arc<std::sync::atomic::AtomicU64>>,
}

impl Clock {
    /// Starts it.
    #[allow(clippy::disallowed_methods, reason = "this is the module that may")]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
            #[cfg(test)]
            shown: None,
        }
    }

    /// Microseconds since the start; never 0.
    pub fn now(&self) -> Micros {
        #[cfg(test)]
        if let Some(shown) = &self.shown {
            return shown.load(std::sync::atomic::Ordering::Relaxed);
        }
        self.start.elapsed().as_micros() as Micros + 1
    }
}
