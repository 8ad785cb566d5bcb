//! The receiving half: what has arrived, what waits for an earlier packet, and the mask that says
//! so.

use super::header::{MASK_SIZE_MAX, News, mask_size};
use crate::proto::time::{MICROS_PER_MS, Micros};
use std::collections::VecDeque;

/// Later than any time.
pub const NEVER: Micros = Micros::MAX;

/// What a packet's number says about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// The next one in order.
    Next,
    /// An earlier one is missing; it waits at this place, which is free.
    Early(usize),
    /// It was here before.
    Duplicate,
    /// Outside of the window.
    Stale,
}

/// Packets that have arrived.
#[derive(Debug)]
pub struct Receiver {
    window: usize,
    /// The number of the next packet in order.
    next: u64,
    /// Packets from `next` on. The first place is empty, the last is not.
    stored: VecDeque<Option<Vec<u8>>>,
    /// [`NEVER`] before the first.
    newest_at: Micros,
}

impl Receiver {
    pub fn new(window: usize) -> Self {
        Self { window, next: 0, stored: VecDeque::new(), newest_at: NEVER }
    }

    /// Nothing waits for an earlier packet.
    pub fn is_complete(&self) -> bool {
        self.stored.is_empty()
    }

    /// Places from the next packet in order to the newest that has arrived.
    pub fn waiting_span(&self) -> usize {
        self.stored.len()
    }

    /// What the number of a packet says about it.
    pub fn arrival(&self, sequence: u16) -> Arrival {
        let offset = sequence.wrapping_sub(self.next as u16).cast_signed();
        match usize::try_from(offset) {
            Ok(0) => Arrival::Next,
            Ok(ahead) if ahead >= self.window => Arrival::Stale,
            Ok(ahead) => match self.stored.get(ahead) {
                Some(Some(_)) => Arrival::Duplicate,
                _ => Arrival::Early(ahead),
            },
            Err(_) => {
                let behind = u64::from(offset.unsigned_abs());
                let distance = behind - 1 + self.stored.len() as u64;
                let existed = behind <= self.next;
                let of_window = existed && distance < self.window as u64;
                if of_window { Arrival::Duplicate } else { Arrival::Stale }
            }
        }
    }

    /// Keeps a packet for later, at a place that [`Arrival::Early`] gave.
    pub fn store(&mut self, now: Micros, place: usize, payload: Vec<u8>) {
        if place >= self.stored.len() {
            self.stored.resize_with(place + 1, || None);
            self.newest_at = now;
        }
        self.stored[place] = Some(payload);
    }

    /// The next packet in order is here.
    pub fn advance(&mut self, now: Micros) {
        self.next += 1;
        if self.stored.pop_front().is_none() {
            self.newest_at = now;
        }
    }

    /// The next packet, when it has waited for the one before it.
    pub fn take_next(&mut self) -> Option<Vec<u8>> {
        let payload = self.stored.front_mut()?.take()?;
        self.stored.pop_front();
        self.next += 1;
        Some(payload)
    }

    /// The newest number that has arrived; 65535 before the first.
    pub fn acked(&self) -> u16 {
        (self.next as u16).wrapping_add(self.stored.len() as u16).wrapping_sub(1)
    }

    /// Milliseconds since the newest packet arrived; 0 before the first.
    #[inline]
    pub fn processing_time(&self, now: Micros) -> u16 {
        let passed = now.saturating_sub(self.newest_at) / MICROS_PER_MS;
        passed.min(u64::from(u16::MAX)) as u16
    }

    /// What a header says of it all, with a window of 64 or less.
    #[inline(never)]
    pub fn news(&self, now: Micros) -> News {
        let mut mask = u64::MAX;
        for (distance, stored) in self.stored.iter().rev().enumerate() {
            mask &= !(u64::from(stored.is_none()) << (distance % 64));
        }
        News::new(self.processing_time(now), self.acked(), mask)
    }

    /// Clears the bits of missing packets in a mask of ones; returns how many bytes of it are
    /// sent: all of a window up to 64 or when `whole`, else those up to the last cleared bit.
    pub fn write_mask(&self, mask: &mut [u8; MASK_SIZE_MAX], whole: bool) -> usize {
        for (distance, stored) in self.stored.iter().rev().enumerate() {
            if stored.is_none() {
                mask[distance / 8] &= !(1 << (distance % 8));
            }
        }
        if whole || self.window <= 64 {
            return mask_size(self.window);
        }
        // The oldest packet that is missing is the first one stored.
        self.stored.len().div_ceil(8).max(1)
    }
}
