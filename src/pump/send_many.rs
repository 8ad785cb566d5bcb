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

/// Addresses as the system takes them, of the datagrams of one call: memory that is used again.
#[derive(Default)]
pub struct Addresses(Vec<SocketAddrAny>);

impl Addresses {
    fn fill(&mut self, queue: &[Queued]) {
        self.0.clear();
        self.0.extend(queue.iter().map(|queued| match queued.remote {
            SocketAddr::V4(remote) => SocketAddrAny::from(remote),
            SocketAddr::V6(remote) => SocketAddrAny::from(remote),
        }));
    }
}

/// Sends up to `BATCH_MAX` datagrams, which lie in `bytes`; returns how many left. An error
/// concerns the first of them.
pub fn send_many(
    socket: &mio::net::UdpSocket,
    queue: &[Queued],
    bytes: &[u8],
    addresses: &mut Addresses,
) -> io::Result<usize> {
    addresses.fill(queue);
    // The system is told of as many as there may be: a few cost less so.
    match queue.len() {
        0..=4 => send_up_to::<4>(socket, queue, bytes, &addresses.0),
        5..=8 => send_up_to::<8>(socket, queue, bytes, &addresses.0),
        9..=16 => send_up_to::<16>(socket, queue, bytes, &addresses.0),
        _ => send_up_to::<BATCH_MAX>(socket, queue, bytes, &addresses.0),
    }
}

#[inline(never)]
fn send_up_to<const MOST: usize>(
    socket: &mio::net::UdpSocket,
    queue: &[Queued],
    bytes: &[u8],
    addresses: &[SocketAddrAny],
) -> io::Result<usize> {
    let count = queue.len().min(MOST);
    let mut slices = [[IoSlice::new(&[])]; MOST];
    for (slice, queued) in slices.iter_mut().zip(queue) {
        *slice = [IoSlice::new(queued.bytes(bytes))];
    }
    let mut controls: [SendAncillaryBuffer<'_, '_, '_>; MOST] =
        std::array::from_fn(|_| SendAncillaryBuffer::default());
    let mut prepared = addresses.iter().zip(&slices);
    let mut headers = controls.each_mut().map(|control| match prepared.next() {
        Some((address, slice)) => MMsgHdr::new_with_addr(address, slice, control),
        // Those beyond the count are not sent.
        None => MMsgHdr::new(&[], control),
    });
    Ok(sendmmsg(socket, &mut headers[..count], SendFlags::empty())?)
}
