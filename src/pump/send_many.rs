//! Many datagrams to many peers in one system call: `sendmmsg`, which only Linux has.
//!
//! `quinn-udp` puts datagrams to one peer into one call; this does it for different peers, through
//! rustix, so without unsafe code. Nothing here knows what a datagram means.

use std::io::{self, IoSlice};
use std::net::SocketAddr;

use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};

/// Datagrams of one call.
pub const BATCH_MAX: usize = 32;

/// Sends up to `BATCH_MAX` datagrams; returns how many left. An error concerns the first of them.
pub fn send_many<'a>(
    socket: &mio::net::UdpSocket,
    count: usize,
    datagram: impl Fn(usize) -> (SocketAddr, &'a [u8]),
) -> io::Result<usize> {
    let count = count.min(BATCH_MAX);
    // Places beyond the count repeat the last datagram and are not sent.
    let at = |place: usize| datagram(place.min(count - 1));
    let remotes: [SocketAddrAny; BATCH_MAX] =
        std::array::from_fn(|place| SocketAddrAny::from(at(place).0));
    let slices: [[IoSlice<'_>; 1]; BATCH_MAX] =
        std::array::from_fn(|place| [IoSlice::new(at(place).1)]);
    let mut controls: [SendAncillaryBuffer<'_, '_, '_>; BATCH_MAX] =
        std::array::from_fn(|_| SendAncillaryBuffer::default());
    let mut place = 0;
    let mut headers = controls.each_mut().map(|control| {
        let header = MMsgHdr::new_with_addr(&remotes[place], &slices[place], control);
        place += 1;
        header
    });
    Ok(sendmmsg(socket, &mut headers[..count], SendFlags::empty())?)
}
