//! What `quinn-udp` does on Windows, for a socket in a poll of `mio`'s.
//!
//! Windows reports readiness once, and again only after a call that the system refused; `mio` has
//! to see that call. And Wine, in which many players run Windows games, lacks options that
//! `quinn-udp` cannot do without: there datagrams go one by one, and the system may split packets.

use std::io::{self, IoSliceMut};

use mio::net::UdpSocket;
use quinn_udp::{RecvMeta, Transmit};

use crate::log::note;

/// "Time to live exceeded" of an earlier send: WSAENETRESET, without a kind of the standard
/// library's.
const EXPIRED: i32 = 10_052;

/// Sends and receives on a socket; it goes with the same one always.
pub struct UdpSocketState {
    /// `None` where the system lacks something.
    batches: Option<quinn_udp::UdpSocketState>,
}

impl UdpSocketState {
    /// Sets the options of a bound socket.
    #[allow(clippy::unnecessary_wraps, reason = "one signature for every system")]
    pub fn new(socket: &UdpSocket) -> io::Result<Self> {
        let batches = quinn_udp::UdpSocketState::new(socket.into());
        if let Err(error) = &batches {
            note!(Info, "UDP goes without batches: the system refuses an option: {error}");
        }
        Ok(Self { batches: batches.ok() })
    }

    /// How many datagrams one send may carry.
    pub fn max_gso_segments(&self) -> usize {
        self.batches.as_ref().map_or(1, quinn_udp::UdpSocketState::max_gso_segments)
    }

    /// Sends one datagram, or several of one length to one peer.
    pub fn try_send(&self, socket: &UdpSocket, transmit: &Transmit<'_>) -> io::Result<()> {
        match &self.batches {
            Some(batches) => batches.try_send(socket.into(), transmit),
            None => socket.send_to(transmit.contents, transmit.destination).map(drop),
        }
    }

    /// Receives as many datagrams as one call takes; returns how many buffers are used.
    pub fn recv(
        &self,
        socket: &UdpSocket,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> io::Result<usize> {
        let outcome = socket.try_io(|| match &self.batches {
            Some(batches) => batches.recv(socket.into(), buffers, metas),
            None => receive_one(socket, buffers, metas),
        });
        match outcome {
            // Nothing that came by this socket: an answer to what it has sent.
            Err(error) if error.raw_os_error() == Some(EXPIRED) => {
                Err(io::ErrorKind::ConnectionReset.into())
            }
            // The poll shall report what comes after this, too.
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                let _ = socket.try_io(|| Err::<(), _>(io::ErrorKind::WouldBlock.into()));
                Err(error)
            }
            other => other,
        }
    }
}

fn receive_one(
    socket: &UdpSocket,
    buffers: &mut [IoSliceMut<'_>],
    metas: &mut [RecvMeta],
) -> io::Result<usize> {
    let (Some(buffer), Some(meta)) = (buffers.first_mut(), metas.first_mut()) else {
        return Ok(0);
    };
    let (length, from) = socket.recv_from(buffer)?;
    (meta.addr, meta.len, meta.stride) = (from, length, length);
    Ok(1)
}
