//! The secrets of TLS sessions in a file, for programs that look at what was sent, such as
//! Wireshark. Off unless the program names a file; then each line undoes the secrecy of a session.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::KeyLog;

use crate::error::{Error, Result};
use crate::log::note;

/// A file in the format of `SSLKEYLOGFILE`.
#[derive(Debug)]
pub struct KeyLogFile {
    file: Mutex<File>,
    path: String,
}

impl KeyLogFile {
    /// Opens a file, whose lines are kept, or makes one that only its owner can read.
    ///
    /// # Errors
    /// [`crate::Status::InvalidArgument`] when it cannot be written.
    pub fn open(path: &str) -> Result<Arc<Self>> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| {
            Error::argument(format!("key_log_file {path:?} cannot be written: {error}"))
        })?;
        note!(
            Warning,
            "the secrets of TLS sessions are written to {path:?}: whoever reads that file can read \
             everything that was sent; remove key_log_file where this is not wanted"
        );
        Ok(Arc::new(Self { file: Mutex::new(file), path: path.to_owned() }))
    }
}

impl KeyLog for KeyLogFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = format!("{label} ");
        for byte in client_random {
            let _ = write!(line, "{byte:02x}");
        }
        line.push(' ');
        for byte in secret {
            let _ = write!(line, "{byte:02x}");
        }
        line.push('\n');
        // One write for a line, so that several sessions and processes may share the file.
        if let Err(error) = self.file.lock().write_all(line.as_bytes()) {
            note!(Error, "key_log_file {:?}: {error}", self.path);
        }
    }
}
