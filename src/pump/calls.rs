//! The calls of the system that every message of a stream costs, with nothing around them.

use std::io::{self, IoSlice};

use mio::net::TcpStream;

/// Receives into `window`.
#[cfg(target_os = "linux")]
#[inline]
pub fn receive(socket: &mut TcpStream, window: &mut [u8]) -> io::Result<usize> {
    use rustix::net::{RecvFlags, recv};
    Ok(recv(&*socket, window, RecvFlags::empty())?.0)
}

/// Sends what the system takes.
#[cfg(target_os = "linux")]
#[inline]
pub fn send(socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    // A peer that is gone is an error, not a signal.
    Ok(rustix::net::send(&*socket, bytes, rustix::net::SendFlags::NOSIGNAL)?)
}

/// Sends what the system takes of several pieces.
#[cfg(target_os = "linux")]
pub fn send_pieces(socket: &mut TcpStream, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
    // As above: what the standard library calls for this would be a signal.
    let mut nothing = SendAncillaryBuffer::default();
    Ok(sendmsg(&*socket, pieces, &mut nothing, SendFlags::NOSIGNAL)?)
}

/// Receives into `window`.
#[cfg(not(target_os = "linux"))]
pub fn receive(socket: &mut TcpStream, window: &mut [u8]) -> io::Result<usize> {
    io::Read::read(socket, window)
}

/// Sends what the system takes.
#[cfg(not(target_os = "linux"))]
pub fn send(socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    io::Write::write(socket, bytes)
}

/// Sends what the system takes of several pieces.
#[cfg(not(target_os = "linux"))]
pub fn send_pieces(socket: &mut TcpStream, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    io::Write::write_vectored(socket, pieces)
}
