//! Streams with TLS: the same calls as without, with a session between the bytes and the socket.
//!
//! A stream that is read hands out all that its session could open, so that nothing waits inside
//! that the system would not report; what is sent is sealed as the system takes it.

use std::io;

use bytes::BytesMut;

use super::buffer::ReadBuffer;
use super::carrier::Carrier;
use super::outbox::{Outbox, cut};
use super::tcp::{ReadOutcome, SocketRead, Stream, write_all};
use super::tls::{ClientTls, ServerTls, Session, TlsFacts, TlsFailure};
use crate::error::Result;

/// Reads of one call that bring no plain bytes: handshakes, and peers that send empty records.
const SILENT_READS_MAX: usize = 32;

impl Stream {
    /// Starts TLS as a client that wants a server of this name. What waits to be sent leaves
    /// sealed, once the handshake is over. Where there is TLS already, it carries the new session.
    ///
    /// # Errors
    /// [`crate::Status::InvalidArgument`] when it can be no server's name.
    pub fn start_tls(&mut self, config: &ClientTls, name: &str) -> Result<()> {
        let session = Session::client(config, name)?;
        if let Some(outer) = self.tls.replace(Box::new(session)) {
            self.carrier = Some(Box::new(Carrier::new(outer)));
        }
        Ok(())
    }

    /// Expects TLS of a client.
    ///
    /// # Errors
    /// [`crate::Status::InvalidArgument`] when the configuration cannot be used.
    pub fn expect_tls(&mut self, config: &ServerTls) -> Result<()> {
        self.tls = Some(Box::new(Session::server(config)?));
        Ok(())
    }

    /// Hands bytes to the session that were read before it began. At most a read's worth; what goes
    /// wrong comes out of the next read.
    pub(super) fn open_early(
        &mut self,
        sealed: &[u8],
        buffer: &mut ReadBuffer,
    ) -> Option<BytesMut> {
        let (_, plain) = buffer.windows();
        let opened = self.tls.as_mut()?.open(sealed, plain);
        (opened > 0).then(|| buffer.take(opened))
    }

    /// Does it go through TLS?
    pub const fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// What is known of the session; `None` without TLS, and while the handshake goes on.
    pub fn tls_facts(&self) -> Option<TlsFacts> {
        self.tls.as_ref()?.facts()
    }

    /// Reads until there are plain bytes, or nothing more now.
    pub(super) fn read_secure(&mut self, buffer: &mut ReadBuffer) -> io::Result<ReadOutcome> {
        for _ in 0..SILENT_READS_MAX {
            if let Some(failure) = self.tls.as_mut().and_then(|tls| tls.take_failure()) {
                return Err(self.give_up(failure));
            }
            if self.tls.as_ref().is_some_and(|tls| tls.peer_done && !tls.failed) {
                return Ok(ReadOutcome::End);
            }
            let (sealed, plain) = buffer.windows();
            let read = self.read_socket(sealed)?;
            let Some(tls) = &mut self.tls else { break };
            match read {
                SocketRead::Empty => return Ok(ReadOutcome::Empty),
                SocketRead::End => {
                    tls.handle_end();
                    if let Some(failure) = tls.take_failure() {
                        return Err(self.give_up(failure));
                    }
                    return Ok(ReadOutcome::End);
                }
                SocketRead::Bytes(count) => {
                    let opened = tls.open(&sealed[..count], plain);
                    buffer.stream_bytes += count as u64;
                    if opened > 0 {
                        return Ok(ReadOutcome::Data(buffer.take(opened)));
                    }
                }
            }
        }
        // The others have their turn; this stream stays ready.
        Ok(ReadOutcome::Empty)
    }

    /// TLS has failed: what waits can never leave, but the alert that tells the peer why does.
    fn give_up(&mut self, failure: TlsFailure) -> io::Error {
        self.outbox = Outbox::default();
        if failure.plain_http {
            self.tls = None;
        }
        io::Error::other(failure)
    }

    /// Seals and sends, as far as the system takes it.
    pub(super) fn flush_secure(&mut self, pool: &mut Vec<Vec<u8>>) -> io::Result<usize> {
        let mut total = 0;
        let mut outcome = Ok(());
        while let Some(tls) = &mut self.tls {
            if tls.sealed.capacity() == 0
                && let Some(mut buffer) = pool.pop()
            {
                buffer.clear();
                tls.sealed = buffer;
            }
            loop {
                match tls.seal(self.outbox.front()) {
                    Ok(0) => break,
                    Ok(count) => self.outbox.advance(count, pool),
                    Err(error) => {
                        outcome = Err(error);
                        break;
                    }
                }
            }
            let before = tls.sealed_sent;
            if outcome.is_ok() {
                let (socket, writable) = (&mut self.socket, &mut self.writable);
                outcome = write_sealed(&mut self.carrier, socket, tls, writable);
            }
            let sent = tls.sealed_sent - before;
            total += sent;
            cut(&mut tls.sealed, &mut tls.sealed_sent, pool);
            if sent == 0 || outcome.is_err() {
                break;
            }
        }
        self.outbox.settle(pool);
        outcome.map(|()| total)
    }

    /// Is TLS set up, or not spoken at all?
    pub(super) fn is_secure(&self) -> bool {
        self.tls.as_ref().is_none_or(|tls| !tls.is_handshaking() && !tls.failed)
    }

    /// Says goodbye in TLS. False while something waits in front of it.
    pub(super) fn say_goodbye(&mut self) -> bool {
        let Some(tls) = &mut self.tls else { return true };
        if !self.outbox.is_empty() {
            return false;
        }
        tls.say_goodbye();
        let (socket, writable) = (&mut self.socket, &mut self.writable);
        let written = write_sealed(&mut self.carrier, socket, tls, writable);
        if let Some(carrier) = &mut self.carrier
            && tls.queued() == 0
        {
            carrier.say_goodbye(socket, writable);
            return written.is_err() || carrier.queued() == 0;
        }
        written.is_err() || tls.queued() == 0
    }

    /// The last words before the socket closes, if they fit: a peer must not take the end for an
    /// attack.
    pub(super) fn last_words(&mut self) {
        if self.tls.as_ref().is_some_and(|tls| !tls.is_handshaking()) {
            self.say_goodbye();
        }
    }
}

/// Writes what a session has sealed, to the socket or to what carries it.
fn write_sealed(
    carrier: &mut Option<Box<Carrier>>,
    socket: &mut mio::net::TcpStream,
    tls: &mut Session,
    writable: &mut bool,
) -> io::Result<()> {
    match carrier {
        Some(carrier) => carrier.write(socket, &tls.sealed, &mut tls.sealed_sent, writable),
        None => write_all(socket, &tls.sealed, &mut tls.sealed_sent, writable),
    }
}
