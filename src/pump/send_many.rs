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
    datagram: impl Fn(usize) -> (&'a SocketAddr, &'a [u8]),
) -> io::Result<usize> {
    // What the system is told is made for as many as may be: a few cost less so.
    match count {
        ..=4 => send_up_to::<4>(socket, count, datagram),
        ..=12 => send_up_to::<12>(socket, count, datagram),
        _ => send_up_to::<BATCH_MAX>(socket, count, datagram),
    }
}

#[inline(always)]
fn send_up_to<'a, const MOST: usize>(
    socket: &mio::net::UdpSocket,
    count: usize,
    datagram: impl Fn(usize) -> (&'a SocketAddr, &'a [u8]),
) -> io::Result<usize> {
    let count = count.clamp(1, MOST);
    // Places beyond the count repeat the last datagram and are not sent.
    let all: [(&SocketAddr, &[u8]); MOST] =
        std::array::from_fn(|place| datagram(place.min(count - 1)));
    let remotes = all.each_ref().map(|(remote, _)| SocketAddrAny::from(**remote));
    let slices = all.each_ref().map(|(_, bytes)| [IoSlice::new(bytes)]);
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
