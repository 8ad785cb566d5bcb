//! A peer with TLS that is no driver: rustls itself over a raw stream.

use std::io::{Read, Write};

use netdriver::NetworkDriver;
use netdriver::settings::TlsIdentity;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Connection, ServerConfig, ServerConnection};

use crate::support::raw::RawStream;
use crate::support::{step, until};

/// A stream with a session.
pub struct TlsPeer {
    pub raw: RawStream,
    session: Connection,
    /// Records that the system has not taken yet.
    sealed: Vec<u8>,
    /// What was said and not taken yet.
    pub inbox: Vec<u8>,
}

impl TlsPeer {
    /// Around a session.
    pub fn new(raw: RawStream, mut session: Connection) -> Self {
        session.set_buffer_limit(None);
        Self { raw, session, sealed: Vec::new(), inbox: Vec::new() }
    }

    /// The server's side, with a certificate.
    pub fn server(raw: RawStream, identity: &TlsIdentity) -> Self {
        let chain = CertificateDer::pem_slice_iter(&identity.certificate);
        let chain = chain.collect::<Result<Vec<_>, _>>().expect("is PEM");
        let key = PrivateKeyDer::from_pem_slice(&identity.key).expect("is PEM");
        let provider = rustls::crypto::ring::default_provider();
        let config = ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("fit together");
        let session = ServerConnection::new(config.into()).expect("starts");
        Self::new(raw, Connection::Server(session))
    }

    /// Moves what can be moved.
    pub fn turn(&mut self) {
        self.raw.read();
        let arrived = std::mem::take(&mut self.raw.inbox);
        let mut rest = &arrived[..];
        while !rest.is_empty() {
            self.session.read_tls(&mut rest).expect("takes bytes");
            self.session.process_new_packets().expect("is TLS");
            let mut buffer = [0; 16_384];
            while let Ok(count @ 1..) = self.session.reader().read(&mut buffer) {
                self.inbox.extend_from_slice(&buffer[..count]);
            }
        }
        while self.session.wants_write() {
            self.session.write_tls(&mut self.sealed).expect("gives bytes");
        }
        let sent = self.raw.try_write(&self.sealed);
        self.sealed.drain(..sent);
    }

    /// Says something.
    pub fn say(&mut self, bytes: &[u8]) {
        self.session.writer().write_all(bytes).expect("takes bytes");
        self.turn();
    }

    /// Runs the driver until a whole HTTP head is here, and takes it.
    #[track_caller]
    pub fn head(&mut self, driver: &mut NetworkDriver) -> String {
        let end = until("an HTTP head", || {
            self.turn();
            step(&mut [driver]);
            self.inbox.windows(4).position(|four| four == b"\r\n\r\n")
        });
        let rest = self.inbox.split_off(end + 4);
        String::from_utf8(std::mem::replace(&mut self.inbox, rest)).expect("is text")
    }
}
