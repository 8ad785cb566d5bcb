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
    /// Another thread is in a concurrent call on this connection.
    NetworkDriverParallelForErr = -7,
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
    /// A function of the program, which ran as a job, failed with a number that is no status.
    JobFailed = -110,
}

impl Status {
    /// Every status; the tests see that none is missing.
    pub(crate) const ALL: [Self; 19] = [
        Self::NetworkIdMismatch,
        Self::NetworkVersionMismatch,
        Self::NetworkStateMismatch,
        Self::NetworkPacketOverflow,
        Self::NetworkSendQueueFull,
        Self::NetworkDriverParallelForErr,
        Self::NetworkSendHandleInvalid,
        Self::NetworkSocketError,
        Self::InvalidHandle,
        Self::NullArgument,
        Self::InvalidArgument,
        Self::StructSize,
        Self::DriverInUse,
        Self::Panic,
        Self::BufferTooSmall,
        Self::LimitReached,
        Self::NotSupported,
        Self::NotFound,
        Self::JobFailed,
    ];

    /// The status of a number, if there is one.
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|&status| status as i32 == number)
    }
}

/// A status number together with a text for the person who reads the log.
///
/// Two words long, so that calls return it in registers.
#[derive(Clone)]
pub struct Error(Repr);

#[derive(Clone)]
enum Repr {
    Fixed(&'static Fixed),
    Made(Box<Made>),
}

/// What an error says whose text is known when the library is built.
pub(crate) struct Fixed(pub(crate) Status, pub(crate) &'static str);

#[derive(Clone)]
struct Made {
    status: Status,
    text: Cow<'static, str>,
}

/// What fallible calls of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with a text.
    #[cold]
    pub fn new(status: Status, text: impl Into<Cow<'static, str>>) -> Self {
        Self(Repr::Made(Box::new(Made { status, text: text.into() })))
    }

    /// An error that costs no allocation: for what programs run into all the time, as a full queue.
    pub(crate) const fn fixed(fixed: &'static Fixed) -> Self {
        Self(Repr::Fixed(fixed))
    }

    pub(crate) fn socket(what: &str, error: &std::io::Error) -> Self {
        Self::new(Status::NetworkSocketError, format!("{what}: {}", describe(error)))
    }

    pub(crate) fn argument(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::InvalidArgument, text)
    }

    /// The status number.
    #[must_use]
    pub const fn status(&self) -> Status {
        match &self.0 {
            Repr::Fixed(fixed) => fixed.0,
            Repr::Made(made) => made.status,
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.0 {
            Repr::Fixed(fixed) => fixed.1,
            Repr::Made(made) => &made.text,
        }
    }
}

impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        (self.status(), self.text()) == (other.status(), other.text())
    }
}

impl Eq for Error {}

/// "Too many open files", in the process and in the system: Unix; in the process: Windows.
const OUT_OF_DESCRIPTORS: [i32; 3] = [24, 23, 10_024];

/// What the system says, and what to do about it where that is known.
pub(crate) fn describe(error: &std::io::Error) -> String {
    if error.raw_os_error().is_some_and(|code| OUT_OF_DESCRIPTORS.contains(&code)) {
        return format!(
            "{error}: each stream needs a descriptor; call nd_raise_descriptor_limit when the \
             program starts, and raise the system's bound if that is too low (`ulimit -Hn`, \
             LimitNOFILE= of a systemd unit)"
        );
    }
    error.to_string()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status();
        write!(f, "{} ({status:?}, {})", self.text(), status as i32)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_fit_into_registers_and_are_equal_when_they_say_the_same() {
        assert_eq!(size_of::<Result<()>>(), 2 * size_of::<usize>());
        let fixed = Error::fixed(&Fixed(Status::Panic, "a"));
        let made = Error::new(Status::Panic, "a".to_owned());
        assert_eq!(fixed, made);
        assert_eq!(fixed.to_string(), made.to_string());
        assert_ne!(fixed, Error::new(Status::Panic, "b"));
        assert_ne!(fixed, Error::new(Status::NotFound, "a"));
    }

    #[test]
    fn every_status_is_found_by_its_number() {
        let source = include_str!("error.rs");
        let start = source.find("pub enum Status {").expect("it is there");
        let body = &source[start..start + source[start..].find("\n}").expect("it ends")];
        let numbers = body.lines().filter_map(|line| line.split_once(" = ")?.1.strip_suffix(','));
        let numbers: Vec<i32> = numbers.map(|text| text.parse().expect("a number")).collect();
        assert_eq!(numbers.len(), Status::ALL.len());
        for number in numbers {
            assert_eq!(Status::from_number(number).map(|status| status as i32), Some(number));
        }
        assert_eq!(Status::from_number(0), None);
    }
}
