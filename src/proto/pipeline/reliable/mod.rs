//! The ReliableSequenced stage: each packet arrives once and in order, or the connection ends.
//!
//! It knows no driver: that an acknowledgement is owed is a question the pipeline asks. It never
//! gives up; that is the connection's timeout.

pub mod header;
mod receiver;
mod rtt;
mod sender;

use std::hint::cold_path;

use header::{ACK_PAYLOAD, Header, Kind, MASK_SIZE_MAX, News, ShortHeader};
use receiver::{Arrival, NEVER, Receiver};
use sender::Sender;

use super::PacketError;
use super::buffer::{Packet, Pool};
use super::config::ReliableConfig;
use super::statistics::ReliableStatistics;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// How fast a path takes what is sent again, where somebody measures that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResendPace {
    /// The least time until a packet leaves again, whatever the resend times say.
    pub least: Micros,
    /// Packets that leave again at once, at most.
    pub most: usize,
}

impl Default for ResendPace {
    fn default() -> Self {
        Self { least: 0, most: usize::MAX }
    }
}

/// Both directions of one connection.
#[derive(Debug)]
pub struct Reliable {
    window: usize,
    /// Bytes of its largest header.
    headroom: usize,
    /// The same if it is short and nothing carries what is sent, else 0.
    short: u8,
    resend_min: Micros,
    resend_max: Micros,
    /// What is known of the path besides: sooner, or more at once, would only fill it.
    pace: ResendPace,
    sender: Sender,
    receiver: Receiver,
    /// What short headers say at a time, [`NEVER`] where something has arrived since: those of
    /// several packets say the same.
    news: (Micros, News),
    owed: Owed,
    /// Something below is reliable already: nothing is added to what is sent.
    sends_carried: bool,
    /// Nothing is looked for in what arrives, or acknowledged.
    receives_carried: bool,
    statistics: ReliableStatistics,
}

/// Whether the peer waits for an acknowledgement.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Owed {
    No,
    Soon,
    Now,
}

impl Reliable {
    pub fn new(config: &ReliableConfig) -> Self {
        let window = window_of(config);
        let mut reliable = Self {
            window,
            headroom: header::size_max(window),
            short: 0,
            resend_min: u64::from(config.minimum_resend_time_ms) * MICROS_PER_MS,
            resend_max: u64::from(config.maximum_resend_time_ms) * MICROS_PER_MS,
            pace: ResendPace::default(),
            sender: Sender::new(),
            receiver: Receiver::new(window),
            news: (NEVER, News::new(0, 0, 0)),
            owed: Owed::No,
            sends_carried: false,
            receives_carried: false,
            statistics: ReliableStatistics::default(),
        };
        reliable.set_sending_carried(false);
        reliable
    }

    pub fn set_resend_times(&mut self, config: &ReliableConfig) {
        self.resend_min = u64::from(config.minimum_resend_time_ms) * MICROS_PER_MS;
        self.resend_max = u64::from(config.maximum_resend_time_ms) * MICROS_PER_MS;
    }

    pub const fn set_resend_pace(&mut self, pace: ResendPace) {
        self.pace = pace;
    }

    /// Packets that it sends again at once, at most.
    pub const fn resends_max(&self) -> usize {
        self.pace.most
    }

    /// What it does now, the window as it was rounded.
    pub const fn config(&self) -> ReliableConfig {
        ReliableConfig {
            window_size: self.window,
            minimum_resend_time_ms: (self.resend_min / MICROS_PER_MS) as u32,
            maximum_resend_time_ms: (self.resend_max / MICROS_PER_MS) as u32,
        }
    }

    pub const fn resend_time_max(&self) -> Micros {
        self.resend_max
    }

    pub fn statistics(&self) -> ReliableStatistics {
        // Those that were carried, and those that have numbers.
        let packets_sent = self.statistics.packets_sent + self.sender.next();
        ReliableStatistics { rtt: self.sender.rtt.info(), packets_sent, ..self.statistics }
    }

    /// Bytes of its largest header.
    pub fn header_size(&self) -> usize {
        if self.sends_carried { 0 } else { self.headroom() }
    }

    /// The same for packets that it sends whatever carries the others.
    pub fn headroom(&self) -> usize {
        self.headroom
    }

    /// Packets that it can ever have under way.
    pub fn window(&self) -> usize {
        if self.sends_carried { usize::MAX } else { self.window }
    }

    /// Packets that it takes now.
    pub fn room(&self) -> usize {
        if self.sends_carried { usize::MAX } else { self.window - self.sender.span() }
    }

    pub fn set_carried(&mut self, on: bool) {
        self.set_sending_carried(on);
        self.receives_carried = on;
    }

    /// Only what is sent.
    pub fn set_sending_carried(&mut self, on: bool) {
        self.sends_carried = on;
        let short = !on && self.headroom <= header::SHORT_SIZE_MAX;
        self.short = if short { self.headroom as u8 } else { 0 };
    }

    pub fn sends_carried(&self) -> bool {
        self.sends_carried
    }

    /// A payload has arrived by way of what carries it.
    pub fn handle_carried(&mut self) {
        self.statistics.packets_received += 1;
    }

    /// Everything that was sent is acknowledged.
    pub fn is_acknowledged(&self) -> bool {
        self.sender.is_acknowledged()
    }

    pub fn only_acknowledges(&self, packet: &[u8]) -> bool {
        let parsed = Header::parse(packet, self.window);
        !self.receives_carried && parsed.is_ok_and(|(header, _)| header.kind == Kind::Ack)
    }

    pub fn wants_ack(&self) -> bool {
        self.owed > Owed::No
    }

    pub fn ack_is_urgent(&self) -> bool {
        self.owed == Owed::Now
    }

    pub fn is_idle(&self) -> bool {
        self.sender.is_acknowledged() && self.receiver.is_complete() && self.owed == Owed::No
    }

    /// Bytes of memory that is kept for what will be sent.
    pub fn spare_bytes(&self) -> usize {
        self.sender.spare_bytes()
    }

    /// Keeps a packet until it is acknowledged, and puts the header in front. There must be room.
    pub fn handle_send(&mut self, now: Micros, packet: &mut Packet) {
        if self.sends_carried {
            self.statistics.packets_sent += 1;
            return;
        }
        let sequence = self.sender.push(now, packet.as_slice());
        self.write_header(now, Kind::Payload, sequence, packet);
    }

    /// Can it send a message with a header that is short? Then the header's bytes; `fits` says
    /// whether the message fits behind so many.
    #[inline(always)]
    pub fn short_header_size(&self, fits: impl FnOnce(usize) -> bool) -> Option<usize> {
        let size = usize::from(self.short);
        if size == 0 || !fits(size) || self.sender.span() == self.window {
            cold_path();
            return None;
        }
        Some(size)
    }

    /// The header of the next packet, [short](Self::short_header_size).
    #[inline(always)]
    pub fn short_header(&mut self, now: Micros) -> ShortHeader {
        if self.news.0 != now {
            cold_path();
            self.news = (now, self.receiver.news(now));
        }
        self.news.1.header(self.sender.next() as u16)
    }

    /// A message has left behind a [short header](Self::short_header).
    #[inline(always)]
    pub fn handle_short_send(&mut self, now: Micros, message: &[u8]) {
        self.owed = Owed::No;
        self.sender.push(now, message);
    }

    /// A message has left by way of what carries it.
    #[inline]
    pub fn handle_carried_send(&mut self) {
        self.statistics.packets_sent += 1;
    }

    /// The packet that only acknowledges, without the header; `None` when nothing is owed.
    pub fn take_ack(&mut self, now: Micros, headroom: usize, pool: &mut Pool) -> Option<Packet> {
        if !self.wants_ack() {
            return None;
        }
        self.statistics.acks_sent += 1;
        let mut packet = Packet::new(pool, headroom, &[], &ACK_PAYLOAD);
        self.write_header(now, Kind::Ack, 0, &mut packet);
        Some(packet)
    }

    /// The next packet that has to be sent again, from position `cursor` on.
    pub fn take_resend(
        &mut self,
        now: Micros,
        cursor: &mut usize,
        headroom: usize,
        pool: &mut Pool,
    ) -> Option<Packet> {
        let (sequence, [one, two]) = self.sender.next_expired(now, self.resend_time(), cursor)?;
        let mut packet = Packet::new(pool, headroom, one, two);
        self.statistics.packets_resent += 1;
        self.write_header(now, Kind::Payload, sequence, &mut packet);
        Some(packet)
    }

    #[inline]
    pub fn next_timeout(&self) -> Option<Micros> {
        if self.sender.is_acknowledged() {
            return None;
        }
        self.sender.next_timeout(self.resend_time())
    }

    /// A packet has arrived: gives the payload that is next in order. Those that have waited for
    /// it follow from [`poll_stored`](Self::poll_stored).
    pub fn handle_packet<'a>(
        &mut self,
        now: Micros,
        packet: &'a [u8],
        pool: &mut Pool,
    ) -> Result<Option<&'a [u8]>, PacketError> {
        if self.receives_carried {
            self.statistics.packets_received += 1;
            return Ok(Some(packet));
        }
        let (header, payload) = Header::parse(packet, self.window)?;
        if header.kind == Kind::Ack {
            self.statistics.acks_received += 1;
            self.sender.handle_ack(now, &header);
            return Ok(None);
        }
        self.statistics.packets_received += 1;
        let arrival = self.receiver.arrival(header.sequence);
        if arrival == Arrival::Stale {
            // Too old or too new to be believed, and so is what it acknowledges.
            self.statistics.packets_stale += 1;
            return Ok(None);
        }
        self.sender.handle_ack(now, &header);
        match arrival {
            Arrival::Next => self.owe(Owed::Soon),
            Arrival::Early(_) => self.owe(Owed::Now),
            Arrival::Duplicate | Arrival::Stale => {
                self.statistics.packets_duplicated += 1;
                self.owe(Owed::Now);
                return Ok(None);
            }
        }
        self.count_order(arrival);
        self.news.0 = NEVER;
        match arrival {
            Arrival::Early(place) => {
                self.receiver.store(now, place, pool.copy(payload));
                Ok(None)
            }
            _ => {
                self.receiver.advance(now);
                Ok(Some(payload))
            }
        }
    }

    /// The next payload that has waited for an earlier one. Its buffer goes back to the pool.
    pub fn poll_stored(&mut self) -> Option<Vec<u8>> {
        self.news.0 = NEVER;
        self.receiver.take_next()
    }

    fn owe(&mut self, owed: Owed) {
        self.owed = self.owed.max(owed);
    }

    fn count_order(&mut self, arrival: Arrival) {
        let waiting = self.receiver.waiting_span();
        let place = match arrival {
            Arrival::Early(place) => place,
            _ => 0,
        };
        if place < waiting {
            self.statistics.packets_out_of_order += 1;
        } else {
            // Whatever lies between the newest packet and this one was passed over.
            self.statistics.packets_dropped += (place - waiting) as u64;
        }
    }

    fn resend_time(&self) -> Micros {
        let time = self.sender.rtt.resend_timeout().clamp(self.resend_min, self.resend_max);
        time.max(self.pace.least)
    }

    /// Every packet that leaves carries all that is known, so nothing is owed any more.
    fn write_header(&mut self, now: Micros, kind: Kind, sequence: u64, packet: &mut Packet) {
        self.owed = Owed::No;
        let mut mask = [0xff; MASK_SIZE_MAX];
        let length = self.receiver.write_mask(&mut mask, !self.sender.was_acked());
        let header = Header {
            kind,
            processing_time: self.receiver.processing_time(now),
            sequence: sequence as u16,
            acked: self.receiver.acked(),
            mask: &mask[..length],
        };
        let mut bytes = [0; header::SIZE_MAX];
        let size = header.write(&mut bytes, self.window);
        packet.prepend(&bytes[..size]);
    }
}

/// The window that parameters mean.
pub fn window_of(config: &ReliableConfig) -> usize {
    config.window_size.next_multiple_of(8)
}
