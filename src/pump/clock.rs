//! The one place that reads the clock.

use crate::proto::time::Micros;

/// A monotonic clock that starts near zero.
pub struct Clock {
    start: Micros,
    /// What a test lets it show instead.
    #[cfg(test)]
    pub shown: Option<std::sync::Arc<std::sync::atomic::AtomicU64>>,
}

impl Clock {
    /// Starts it.
    pub fn new() -> Self {
        Self {
            start: system(),
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
        system().saturating_sub(self.start) + 1
    }
}

/// Microseconds of the system's monotonic clock. An update reads it several times, so there is
/// nothing around the call where that can be.
#[cfg(target_os = "linux")]
#[inline]
fn system() -> Micros {
    use crate::proto::time::MICROS_PER_MS;
    use rustix::time::{ClockId, clock_gettime};
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as Micros * (1000 * MICROS_PER_MS) + now.tv_nsec as Micros / 1000
}

/// Microseconds of the system's monotonic clock, since the first call.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::disallowed_methods, reason = "this is the module that may")]
fn system() -> Micros {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed().as_micros() as Micros
}
