//! Many datagrams to many peers in one system call: `sendmmsg`, which only Linux has.
//!
//! `quinn-udp` puts datagrams to one peer into one call; this does it for different peers, through
//! rustix, so without unsafe code. Nothing here knows what a datagram means.

use std::io::{self, IoSlice};
use std::net::SocketAddr;

use super::udp::Queued;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};

/// Datagrams of one call.
pub const BATCH_MAX: usize = 32;

/// Sends up to `BATCH_MAX` datagrams, which lie in `bytes`; returns how many left. An error concerns
/// the first of them.
pub fn send_many(
    socket: &mio::net::UdpSocket,
    queue: &[Queued],
    bytes: &[u8],
) -> io::Result<usize> {
    // What the system is told is made for as many as may be: a few cost less so.
    match queue.len() {
        0 => Ok(0),
        ..=4 => send_up_to::<4>(socket, queue, bytes),
        ..=12 => send_up_to::<12>(socket, queue, bytes),
        _ => send_up_to::<BATCH_MAX>(socket, queue, bytes),
    }
}

#[inline(always)]
fn send_up_to<const MOST: usize>(
    socket: &mio::net::UdpSocket,
    queue: &[Queued],
    bytes: &[u8],
) -> io::Result<usize> {
    let count = queue.len().min(MOST);
    // Places beyond the count repeat the last datagram and are not sent.
    let at = |place: usize| &queue[place.min(count - 1)];
    let remotes: [SocketAddrAny; MOST] = std::array::from_fn(|place| match at(place).remote {
        SocketAddr::V4(remote) => remote.into(),
        SocketAddr::V6(remote) => remote.into(),
    });
    let slices: [[IoSlice<'_>; 1]; MOST] =
        std::array::from_fn(|place| [IoSlice::new(at(place).bytes(bytes))]);
    let mut controls: [SendAncillaryBuffer<'_, '_, '_>; MOST] =
        std::array::from_fn(|_| SendAncillaryBuffer::default());
    let mut place = 0;
    let mut headers = controls.each_mut().map(|control| {
        let header = MMsgHdr::new_with_addr(&remotes[place], &slices[place], control);
        place += 1;
        header
    });
    Ok(sendmmsg(socket, &mut headers[..count], SendFlags::empty())?)
}
