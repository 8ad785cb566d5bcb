//! Errors as values: a status number that every language sees, and a text that says what to do.
//!
//! The numbers of Unity Transport are kept (0 to -11); ours start at -100. Nothing here knows
//! which layer failed.

use std::borrow::Cow;
use std::fmt;

/// Status numbers: Unity Transport's `Error.StatusCode`, then ours from -100 down. Append only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum Status {
    /// The connection value was never given out by this driver.
    NetworkIdMismatch = -1,
    /// The connection is gone and its slot may serve another one.
    NetworkVersionMismatch = -2,
    /// The connection is not in the state that the call needs.
    NetworkStateMismatch = -3,
    /// The message does not fit.
    NetworkPacketOverflow = -4,
    /// The connection's send queue is full; flush, wait for Writable, try again.
    NetworkSendQueueFull = -5,
    /// The send handle was used already or belongs to no open begin-send.
    NetworkSendHandleInvalid = -8,
    /// The operating system refused a socket operation.
    NetworkSocketError = -11,
    /// The driver handle is NULL, stale or was never a driver.
    InvalidHandle = -100,
    /// A required pointer is NULL.
    NullArgument = -101,
    /// An argument has a value that the call cannot take.
    InvalidArgument = -102,
    /// The `struct_size` field holds a size that no version of the struct had.
    StructSize = -103,
    /// Another thread is inside a call on this driver.
    DriverInUse = -104,
    /// The library failed inside; the driver can only be destroyed now.
    Panic = -105,
    /// The caller's buffer is too small; the needed length was written.
    BufferTooSmall = -106,
    /// A named limit is reached.
    LimitReached = -107,
    /// This version of the library cannot do that.
    NotSupported = -108,
    /// There is nothing under that name.
    NotFound = -109,
    /// A function of the program, which ran as a job, has failed.
    JobFailed = -110,
}

/// A status number together with a text for the person who reads the log.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    status: Status,
    text: Cow<'static, str>,
}

/// What fallible calls of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with a text; a literal costs no allocation.
    pub fn new(status: Status, text: impl Into<Cow<'static, str>>) -> Self {
        Self { status, text: text.into() }
    }

    pub(crate) fn socket(what: &str, error: &std::io::Error) -> Self {
        Self::new(Status::NetworkSocketError, format!("{what}: {error}"))
    }

    pub(crate) fn argument(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::InvalidArgument, text)
    }

    /// The status number.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?}, {})", self.text, self.status, self.status as i32)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
