//! One session: bytes of the peer in, plain bytes out, and the other way.
//!
//! It holds no plain bytes between two calls, and of what leaves no more than a few records, so
//! that the limits of the driver count everything.

use std::io::{self, Read, Write};

use rustls::pki_types::CertificateDer;
use rustls::{ClientConnection, Connection, ProtocolVersion, ServerConnection};

use super::config::{ClientTls, ServerTls, server_name};
use super::words::TlsFailure;
use crate::error::{Error, Result};

/// Plain bytes that are sealed ahead of what the system takes: three records.
const SEAL_AHEAD: usize = 48 * 1024;

/// What is known of a session that is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The cipher suite's name (IANA).
    pub cipher: String,
    /// The name that the client asked for.
    pub server_name: Option<String>,
    /// The certificate that the peer showed, in DER.
    pub peer_certificate: Option<Vec<u8>>,
}

/// A TLS session.
pub struct Session {
    tls: Connection,
    /// What a client asked for.
    name: Option<Box<str>>,
    /// Records to send; the first `sealed_sent` bytes are gone already.
    pub sealed: Vec<u8>,
    /// See `sealed`.
    pub sealed_sent: usize,
    /// Something came from the peer.
    heard: bool,
    /// The peer has said that nothing more comes.
    pub peer_done: bool,
    /// We have.
    pub goodbye_said: bool,
    /// Why it ended, until it was told.
    failure: Option<TlsFailure>,
    /// It has ended; what comes now is dropped.
    pub failed: bool,
}

impl Session {
    /// A client's session with a server of this name.
    ///
    /// # Errors
    /// [`crate::Status::InvalidArgument`] when it can be no server's name.
    pub fn client(config: &ClientTls, name: &str) -> Result<Self> {
        let tls = ClientConnection::new(config.config.clone(), server_name(name)?);
        let tls = tls.map_err(|error| Error::argument(format!("TLS cannot start: {error}")))?;
        Ok(Self::new(Connection::Client(tls), Some(name.into())))
    }

    /// A server's session.
    ///
    /// # Errors
    /// [`crate::Status::InvalidArgument`] when the configuration cannot be used.
    pub fn server(config: &ServerTls) -> Result<Self> {
        let tls = ServerConnection::new(config.config.clone());
        let tls = tls.map_err(|error| Error::argument(format!("TLS cannot start: {error}")))?;
        Ok(Self::new(Connection::Server(tls), None))
    }

    fn new(tls: Connection, name: Option<Box<str>>) -> Self {
        let mut session = Self {
            tls,
            name,
            sealed: Vec::new(),
            sealed_sent: 0,
            heard: false,
            peer_done: false,
            goodbye_said: false,
            failure: None,
            failed: false,
        };
        session.collect();
        session
    }

    /// Is the handshake still going on?
    pub fn is_handshaking(&self) -> bool {
        self.tls.is_handshaking()
    }

    /// Takes bytes of the peer, and writes what they say into `plain`, which must have room for
    /// them and one record more. Returns how many plain bytes there are. What went wrong is told by
    /// [`take_failure`](Self::take_failure).
    pub fn open(&mut self, mut bytes: &[u8], plain: &mut [u8]) -> usize {
        let mut filled = 0;
        if bytes.is_empty() {
            return 0;
        }
        if !std::mem::replace(&mut self.heard, true) && self.is_plain_http(bytes) {
            self.fail(TlsFailure {
                plain_http: true,
                ..TlsFailure::new("the client does not speak TLS at this port")
            });
            return 0;
        }
        while !bytes.is_empty() && !self.failed && !self.peer_done {
            if let Err(error) = self.tls.read_tls(&mut bytes) {
                self.fail(TlsFailure::new(format!("TLS failed: {error}")));
                break;
            }
            let processed = self.tls.process_new_packets();
            filled += self.read_plain(&mut plain[filled..]);
            match processed {
                Ok(state) => self.peer_done = state.peer_has_closed(),
                Err(error) => {
                    let client = matches!(self.tls, Connection::Client(_));
                    self.fail(TlsFailure::from_session(&error, client));
                }
            }
        }
        self.collect();
        filled
    }

    fn read_plain(&mut self, plain: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < plain.len() {
            match self.tls.reader().read(&mut plain[filled..]) {
                Ok(count) if count > 0 => filled += count,
                // Nothing now, or nothing any more.
                _ => break,
            }
        }
        filled
    }

    /// A request line where a handshake should be; a record of TLS never begins with a letter.
    fn is_plain_http(&self, bytes: &[u8]) -> bool {
        matches!(self.tls, Connection::Server(_))
            && bytes.first().is_some_and(u8::is_ascii_uppercase)
    }

    /// The stream has ended without a goodbye of TLS.
    pub fn handle_end(&mut self) {
        if self.heard && self.is_handshaking() && !self.failed {
            self.fail(TlsFailure::new("the peer ended the stream during the TLS handshake"));
        }
    }

    fn fail(&mut self, failure: TlsFailure) {
        self.failure = Some(failure);
        self.failed = true;
        self.collect();
    }

    /// What ended the session; told once.
    pub const fn take_failure(&mut self) -> Option<TlsFailure> {
        self.failure.take()
    }

    /// Seals bytes to send, some at a time. Returns how many were taken: none while the handshake
    /// goes on, or while enough is sealed.
    pub fn seal(&mut self, plain: &[u8]) -> io::Result<usize> {
        if self.is_handshaking() || self.failed || self.goodbye_said {
            return Ok(0);
        }
        let room = SEAL_AHEAD.saturating_sub(self.queued());
        let count = self.tls.writer().write(&plain[..plain.len().min(room)])?;
        self.collect();
        Ok(count)
    }

    /// Says that nothing more comes (close_notify, RFC 8446 section 6.1).
    pub fn say_goodbye(&mut self) {
        if !std::mem::replace(&mut self.goodbye_said, true) && !self.failed {
            self.tls.send_close_notify();
            self.collect();
        }
    }

    /// Moves the records that the session has made to those that leave.
    fn collect(&mut self) {
        while self.tls.wants_write() {
            if self.tls.write_tls(&mut self.sealed).is_err() {
                return;
            }
        }
    }

    /// Bytes that wait to leave.
    pub const fn queued(&self) -> usize {
        self.sealed.len() - self.sealed_sent
    }

    /// What is known of it; `None` during the handshake.
    pub fn facts(&self) -> Option<TlsFacts> {
        let cipher = self.tls.negotiated_cipher_suite()?.suite();
        let cipher = cipher.as_str().unwrap_or_default().replacen("TLS13_", "TLS_", 1);
        let version = match self.tls.protocol_version()? {
            ProtocolVersion::TLSv1_2 => "TLSv1.2",
            _ => "TLSv1.3",
        };
        let server_name = match &self.tls {
            Connection::Client(_) => self.name.as_deref(),
            Connection::Server(tls) => tls.server_name(),
        };
        let certificate = self.tls.peer_certificates().and_then(<[CertificateDer<'_>]>::first);
        Some(TlsFacts {
            version,
            cipher,
            server_name: server_name.map(str::to_owned),
            peer_certificate: certificate.map(|certificate| certificate.to_vec()),
        })
    }
}
