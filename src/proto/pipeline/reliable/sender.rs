//! The sending half: packets that are not acknowledged yet, and when to send them again.

use super::header::Header;
use super::rtt::Rtt;
use crate::proto::ring::ByteRing;
use crate::proto::slots::Slots;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// Bytes of memory that are kept when nothing is under way.
const MEMORY_KEPT_MAX: usize = 128 << 10;

/// The first packet under way says it.
const UNKNOWN: Micros = Micros::MAX;
/// In place of the time when a packet left last: it is acknowledged.
const ACKED: Micros = Micros::MAX;

/// Packets that were sent, from the oldest that is not acknowledged on.
#[derive(Debug)]
pub struct Sender {
    /// The number of the first packet in `sent`, or else of the next one.
    base: u64,
    sent: Slots<Sent>,
    /// Their payloads, in the same order.
    payloads: ByteRing,
    /// No packet under way was sent before this, but for those that a search has left over for the
    /// next one; [`UNKNOWN`]: before the first of them.
    oldest_send: Micros,
    /// Where the search for packets to send again begins, and where the next one does: behind the
    /// last one found, so that each has its turn where only some are sent again at once.
    search: u64,
    next_search: u64,
    /// The newest number that the peer has named.
    acked: Option<u64>,
    pub rtt: Rtt,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    /// Where its payload begins.
    position: u64,
    length: u32,
    first_send: Micros,
    /// [`ACKED`] once that matters no more.
    last_send: Micros,
}

impl Sent {
    const fn is_acked(&self) -> bool {
        self.last_send == ACKED
    }
}

impl Sender {
    pub fn new() -> Self {
        Self {
            base: 0,
            sent: Slots::default(),
            payloads: ByteRing::default(),
            oldest_send: UNKNOWN,
            search: 0,
            next_search: 0,
            acked: None,
            rtt: Rtt::default(),
        }
    }

    /// Slots of the window that are taken: a packet holds the slots behind it too, until it is
    /// acknowledged.
    pub fn span(&self) -> usize {
        self.sent.len()
    }

    /// Is every packet acknowledged? The first one of those that are kept is not.
    #[inline]
    pub const fn is_acknowledged(&self) -> bool {
        self.sent.is_empty()
    }

    /// A packet of ours was acknowledged at least once.
    pub fn was_acked(&self) -> bool {
        self.acked.is_some()
    }

    /// The number of the next packet.
    #[inline]
    pub const fn next(&self) -> u64 {
        self.base + self.sent.len() as u64
    }

    /// A new packet leaves; gives its number.
    #[inline(always)]
    pub fn push(&mut self, now: Micros, payload: &[u8]) -> u64 {
        let sequence = self.next();
        let position = self.payloads.push_one(payload);
        let length = payload.len() as u32;
        self.sent.push(Sent { position, length, first_send: now, last_send: now });
        sequence
    }

    /// What the peer says has arrived.
    pub fn handle_ack(&mut self, now: Micros, header: &Header<'_>) {
        let Some(acked) = self.extend(header.acked) else {
            return;
        };
        if self.acked.is_some_and(|known| acked < known) {
            return;
        }
        self.acked = Some(acked);
        let Some(newest) = acked.checked_sub(self.base) else {
            return;
        };
        // It was sent, so it is a place in `sent`.
        let newest = newest as usize;
        if let Some(sent) = self.sent.get(newest).filter(|sent| !sent.is_acked()) {
            // The longest time that the field can hold may be any longer one.
            if header.processing_time < u16::MAX {
                let away = Micros::from(header.processing_time) * MICROS_PER_MS;
                self.rtt.handle_sample(now.saturating_sub(sent.first_send), away);
            }
        }
        // Mostly everything up to the newest has arrived.
        let mut gone = 0;
        while gone <= newest && (self.sent[gone].is_acked() || header.has(newest - gone)) {
            gone += 1;
        }
        for place in gone..=newest {
            if header.has(newest - place) {
                self.sent[place].last_send = ACKED;
            }
        }
        self.release(gone);
    }

    /// The first packets are acknowledged, and those behind them that were before.
    fn release(&mut self, count: usize) {
        let mut gone = 0;
        while let Some(sent) = self.sent.front().filter(|sent| gone < count || sent.is_acked()) {
            self.payloads.release(sent.position + u64::from(sent.length));
            self.sent.pop_front();
            gone += 1;
        }
        self.base += gone as u64;
        if self.sent.is_empty() {
            self.oldest_send = UNKNOWN;
        }
        if self.sent.is_empty() && self.payloads.memory() > MEMORY_KEPT_MAX {
            self.payloads.shrink();
        }
    }

    /// Bytes of memory that is kept for later use.
    pub fn spare_bytes(&self) -> usize {
        if self.sent.is_empty() { self.payloads.memory() } else { 0 }
    }

    /// The number whose low half is `acked`: the newest such one that was sent.
    fn extend(&self, acked: u16) -> Option<u64> {
        let newest = (self.base + self.sent.len() as u64).checked_sub(1)?;
        let distance = u64::from((newest as u16).wrapping_sub(acked));
        newest.checked_sub(distance)
    }

    /// The next packet that was sent too long ago, when so many were looked at as `cursor` says.
    /// It counts as sent now.
    pub fn next_expired(
        &mut self,
        now: Micros,
        resend_time: Micros,
        cursor: &mut usize,
    ) -> Option<(u64, [&[u8]; 2])> {
        if self.next_timeout(resend_time).is_none_or(|due| due > now) && *cursor == 0 {
            return None;
        }
        if *cursor == 0 {
            // The search finds the oldest again, among those that stay and those sent now.
            self.oldest_send = now;
            self.search = self.next_search;
        }
        let count = self.sent.len();
        let start = self.search.saturating_sub(self.base) as usize;
        let place = loop {
            if *cursor >= count {
                self.next_search = self.base;
                return None;
            }
            let place = (start + *cursor) % count;
            *cursor += 1;
            let sent = self.sent.get_mut(place)?;
            if sent.is_acked() {
                continue;
            }
            if now > sent.last_send.saturating_add(resend_time) {
                sent.last_send = now;
                break place;
            }
            self.oldest_send = self.oldest_send.min(sent.last_send);
        };
        self.next_search = self.base + place as u64 + 1;
        let Sent { position, length, .. } = self.sent[place];
        Some((self.base + place as u64, self.payloads.get(position, length as usize)))
    }

    /// When a packet may have to be sent again.
    pub fn next_timeout(&self, resend_time: Micros) -> Option<Micros> {
        let first = self.sent.front()?;
        let oldest = if self.oldest_send == UNKNOWN { first.first_send } else { self.oldest_send };
        Some(oldest.saturating_add(resend_time).saturating_add(1))
    }
}
