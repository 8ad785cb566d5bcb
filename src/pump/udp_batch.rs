//! Room for datagrams that one receive brings, and how to look at them. It makes no system call.

use std::io::IoSliceMut;
use std::net::SocketAddr;

use quinn_udp::{BATCH_SIZE, RecvMeta};

/// Bytes of one receive buffer: with GRO the system hands over up to so many at once.
const RECEIVE_SIZE: usize = 65_536;
/// From one receive buffer to the next. A power of two would put the beginnings of all, which are
/// all that small datagrams use, into the same few lines of the processor's cache.
const RECEIVE_STRIDE: usize = RECEIVE_SIZE + 192;
/// Buffers that one receive offers to the system at least.
const OFFERED_MIN: usize = if BATCH_SIZE < 8 { BATCH_SIZE } else { 8 };

/// Room for one batch of received datagrams; one for all sockets of a driver.
pub struct ReceiveBatch {
    storage: Vec<u8>,
    meta: [RecvMeta; BATCH_SIZE],
    count: usize,
    /// How many buffers the next receive offers, if there are so many: each costs a little whether
    /// it is filled or not.
    offered: usize,
}

impl ReceiveBatch {
    /// No memory until the first receive.
    pub fn new() -> Self {
        Self {
            storage: Vec::new(),
            meta: [RecvMeta::default(); BATCH_SIZE],
            count: 0,
            offered: OFFERED_MIN,
        }
    }

    /// Nothing was received.
    pub(super) const fn clear(&mut self) {
        self.count = 0;
    }

    /// What the next receive offers to the system: as many of the buffers as there are places for
    /// what is told of them.
    #[inline(always)]
    pub(super) fn offer(&mut self) -> ([IoSliceMut<'_>; BATCH_SIZE], &mut [RecvMeta]) {
        if self.storage.is_empty() {
            // Comes as zeros from the system, a page at a time when it is used.
            self.storage = vec![0; RECEIVE_STRIDE * BATCH_SIZE];
        }
        let mut chunks = self.storage.as_chunks_mut::<RECEIVE_STRIDE>().0.iter_mut();
        let buffers = std::array::from_fn(|_| {
            IoSliceMut::new(chunks.next().map_or(&mut [][..], |chunk| &mut chunk[..]))
        });
        (buffers, &mut self.meta[..self.offered.min(BATCH_SIZE)])
    }

    /// So many were filled.
    #[inline(always)]
    pub(super) fn handle_received(&mut self, count: usize) {
        self.count = count;
        self.offered = OFFERED_MIN.max(2 * count);
    }

    /// What the last receive brought: datagrams, often only one, and where they came from.
    #[inline(always)]
    pub fn received(&self) -> impl Iterator<Item = (&SocketAddr, Datagrams<'_>)> {
        let buffers = self.storage.as_chunks::<RECEIVE_STRIDE>().0;
        self.meta[..self.count].iter().zip(buffers).map(|(meta, buffer)| {
            let rest = Some(&buffer[..meta.len]);
            (&meta.addr, Datagrams { rest, length: meta.stride.max(1) })
        })
    }

    /// Each of the datagrams, and where it came from.
    #[cfg(test)]
    pub fn datagrams(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        self.received().flat_map(|(remote, all)| all.map(|datagram| (*remote, datagram)))
    }
}

/// Datagrams of one length from one peer; the last may be shorter, and an empty one is one, too.
pub struct Datagrams<'a> {
    rest: Option<&'a [u8]>,
    length: usize,
}

impl<'a> Iterator for Datagrams<'a> {
    type Item = &'a [u8];

    #[inline(always)]
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        match rest.split_at_checked(self.length) {
            Some((datagram, behind)) if !behind.is_empty() => {
                self.rest = Some(behind);
                Some(datagram)
            }
            _ => Some(rest),
        }
    }
}
