//! TLS below TLS: the session with an `https://` proxy that carries a session with the server.
//!
//! To what is above it is the socket: bytes go in and come out. It is rare, so it may copy once
//! more than a single session does.

use std::io::{self, Read};

use super::tcp::{SocketRead, write_all};
use super::tls::Session;

/// Bytes of records that one read of the socket may bring.
const SEALED_WINDOW: usize = 32 * 1024;
/// Bytes that they may say, with a record that was not whole before.
const OPENED_WINDOW: usize = 64 * 1024;

/// A session that carries another one.
pub struct Carrier {
    session: Box<Session>,
    /// What the proxy sent; the first `taken` bytes are gone already.
    opened: Vec<u8>,
    taken: usize,
}

impl Carrier {
    /// Around a session that is set up, and whose plain bytes are all taken.
    pub fn new(session: Box<Session>) -> Self {
        Self { session, opened: Vec::new(), taken: 0 }
    }

    /// Are there bytes that need no reading?
    pub fn has_opened(&self) -> bool {
        self.taken < self.opened.len()
    }

    /// Bytes that wait to leave.
    pub const fn queued(&self) -> usize {
        self.session.queued()
    }

    /// Reads as from a socket.
    pub fn read(
        &mut self,
        socket: &mut mio::net::TcpStream,
        readable: &mut bool,
        window: &mut [u8],
    ) -> io::Result<SocketRead> {
        loop {
            if self.has_opened() {
                let rest = &self.opened[self.taken..];
                let count = rest.len().min(window.len());
                window[..count].copy_from_slice(&rest[..count]);
                self.taken += count;
                if !self.has_opened() {
                    self.opened = Vec::new();
                    self.taken = 0;
                }
                return Ok(SocketRead::Bytes(count));
            }
            if let Some(failure) = self.session.take_failure() {
                return Err(io::Error::other(failure));
            }
            if self.session.peer_done || self.session.failed {
                return Ok(SocketRead::End);
            }
            let mut sealed = vec![0; SEALED_WINDOW];
            match socket.read(&mut sealed) {
                Ok(0) => {
                    *readable = false;
                    return Ok(SocketRead::End);
                }
                Ok(count) => {
                    let mut plain = vec![0; OPENED_WINDOW];
                    let opened = self.session.open(&sealed[..count], &mut plain);
                    plain.truncate(opened);
                    self.opened = plain;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    *readable = false;
                    return Ok(SocketRead::Empty);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes the bytes from `sent` on as to a socket, as far as the system takes them.
    pub fn write(
        &mut self,
        socket: &mut mio::net::TcpStream,
        bytes: &[u8],
        sent: &mut usize,
        writable: &mut bool,
    ) -> io::Result<()> {
        loop {
            let session = &mut *self.session;
            write_all(socket, &session.sealed, &mut session.sealed_sent, writable)?;
            if session.queued() > 0 {
                return Ok(());
            }
            session.sealed.clear();
            session.sealed_sent = 0;
            let count = session.seal(&bytes[*sent..])?;
            if count == 0 {
                return Ok(());
            }
            *sent += count;
        }
    }

    /// Says goodbye to the proxy, behind what waits.
    pub fn say_goodbye(&mut self, socket: &mut mio::net::TcpStream, writable: &mut bool) {
        self.session.say_goodbye();
        // The stream ends; what does not fit any more is lost with it.
        let _ = self.write(socket, &[], &mut 0, writable);
    }
}
