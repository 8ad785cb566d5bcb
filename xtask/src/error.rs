//! The one error of the task runner: a text for a person. Nothing matches on it.

use std::fmt;

/// Why a task stopped: one line, then perhaps the end of a log.
#[derive(Debug)]
pub struct Error(String);

/// The result of everything that can fail here.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error that prints `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// For a command that has already said all there is to say: only the exit code is left.
    pub fn silent() -> Self {
        Self(String::new())
    }

    /// The first line, for a table's cell.
    pub fn headline(&self) -> &str {
        self.0.lines().next().unwrap_or("failed")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says what was being done when something failed.
pub trait Context<T> {
    /// Puts `what` and a colon before the error's text.
    fn context(self, what: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Error(format!("{what}: {error}")))
    }
}
