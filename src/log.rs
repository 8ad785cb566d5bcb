//! Log lines for the person who runs the program: rare, and free when nobody listens.
//!
//! One sink for the process. Nothing here formats a line that nobody gets.

use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

use crate::error::{Error, Result};

/// How important a line is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u32)]
pub enum Level {
    /// Something failed that the program should know.
    Error = 1,
    /// Something is odd; the library goes on.
    Warning = 2,
    /// What happened, once per connection at most.
    Info = 3,
}

/// The most talkative level to deliver; `None` for nothing.
pub type LevelFilter = Option<Level>;

/// Receives log lines. It must not call the library.
pub type Sink = Box<dyn Fn(Level, &CStr) + Send + Sync>;

static LEVEL: AtomicU32 = AtomicU32::new(0);
static SINK: Mutex<Option<Sink>> = Mutex::new(None);

impl Level {
    /// The filter with that number; 0 is none.
    ///
    /// # Errors
    /// [`crate::Status::InvalidArgument`] for an unknown number.
    pub fn filter_from_number(number: u32) -> Result<LevelFilter> {
        match number {
            0 => Ok(None),
            1 => Ok(Some(Self::Error)),
            2 => Ok(Some(Self::Warning)),
            3 => Ok(Some(Self::Info)),
            _ => Err(Error::argument("level must be 0 or one of ND_LOG_…")),
        }
    }
}

thread_local! {
    /// A sink is running on this thread.
    static IN_SINK: Cell<bool> = const { Cell::new(false) };
}

/// Is a sink running on this thread? Others may wait for it to return.
pub fn in_sink() -> bool {
    IN_SINK.try_with(Cell::get).unwrap_or(true)
}

/// Chooses where lines go; `None` stops the log. Waits for a line that is being written.
///
/// # Errors
/// [`crate::Status::InvalidArgument`] from inside a sink.
pub fn set_sink(sink: Option<(LevelFilter, Sink)>) -> Result<()> {
    if in_sink() {
        return Err(Error::argument("a log callback must not set the log callback"));
    }
    let mut place = SINK.lock();
    let (level, sink) = match sink {
        Some((Some(level), sink)) => (level as u32, Some(sink)),
        _ => (0, None),
    };
    LEVEL.store(level, Ordering::Relaxed);
    *place = sink;
    Ok(())
}

/// Is anybody listening at this level?
#[must_use]
pub fn enabled(level: Level) -> bool {
    level as u32 <= LEVEL.load(Ordering::Relaxed)
}

/// Writes a line; use the `note!` macro, which formats only when needed.
pub fn write(level: Level, text: &std::fmt::Arguments<'_>) {
    let bytes: Vec<u8> = text.to_string().bytes().filter(|&byte| byte != 0).collect();
    let line = CString::new(bytes).unwrap_or_default();
    if in_sink() {
        // The sink called the library after all; its line is lost, and nothing hangs.
        return;
    }
    if let Some(sink) = &*SINK.lock() {
        let _running = Running::begin();
        sink(level, &line);
    }
}

/// A sink is running as long as this is there, and no longer if it panics.
struct Running;

impl Running {
    fn begin() -> Self {
        IN_SINK.set(true);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        IN_SINK.set(false);
    }
}

/// Logs a line: `note!(Warning, "text {}", value)`.
macro_rules! note {
    ($level:ident, $($text:tt)*) => {
        if $crate::log::enabled($crate::log::Level::$level) {
            $crate::log::write($crate::log::Level::$level, &format_args!($($text)*));
        }
    };
}
pub(crate) use note;

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_sink_that_panics_is_not_running_any_more() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        // Other tests may write lines meanwhile.
        let sink = move |_, text: &CStr| match text.to_bytes() {
            b"the sink panics" => panic!("the sink has panicked, as it should"),
            b"the sink keeps this" => kept.lock().push(in_sink()),
            _ => {}
        };
        set_sink(Some((Some(Level::Error), Box::new(sink)))).unwrap();
        let panics = || write(Level::Error, &format_args!("the sink panics"));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert!(!in_sink());
        write(Level::Error, &format_args!("the sink keeps this"));
        assert_eq!(*lines.lock(), [true], "the next line comes");
        set_sink(None).unwrap();
    }
}
