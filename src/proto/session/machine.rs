//! The machine of one session: state, calls of the program, time.

mod advice;
mod alone;
mod deadlines;
mod messages;
mod receive;
mod transmit;

use std::hint::cold_path;

use super::congestion::{Controller as _, DelayAwareCubic};
use super::frame::{MESSAGE_OVERHEAD, RELIABLE_OVERHEAD};
use super::narrow::Narrowing;
use super::pacer::Pacer;
use super::packet::LONG_HEADER_SIZE;
use super::receive_channel::ReceiveChannel;
use super::received::Received;
use super::recovery::Recovery;
use super::repair::Repairer;
use super::rtt::RoundTrip;
use super::send_channel::SendChannel;
use super::{
    Config, DATAGRAM_SIZE_LIMIT, DATAGRAM_SIZE_MIN, Failure, Output, Refused, Statistics, cost,
};
use crate::proto::ring::ByteRing;
use crate::proto::time::{MICROS_PER_MS, Micros};

use messages::{Messages, Queued};

/// Probe timeouts without an answer until the path counts as broken.
const OUTAGE_PROBES: u32 = 3;
/// The probe timeout without an answer from which on a short datagram leaves, too.
const SHORT_PROBE: u32 = 2;
/// Probes that must have gone unanswered until the session gives up.
const GIVE_UP_PROBES: u32 = 5;
/// Doublings of the probe timeout, and what it never exceeds by them.
const BACKOFF_MAX: u32 = 8;
const PROBE_TIMEOUT_MAX: Micros = 2000 * MICROS_PER_MS;
/// The peer is asked for a larger window again after this.
const BLOCKED_INTERVAL: Micros = 200 * MICROS_PER_MS;
/// What was too long for the path and has not been sent again for so long has arrived, or for twice
/// the time after which it would be, if that is longer.
const OVERSIZE_PAUSE: Micros = 5000 * MICROS_PER_MS;
/// Datagrams that hold nothing and are long leave no more often.
const LONG_INTERVAL: Micros = 200 * MICROS_PER_MS;
/// Acknowledgements that carry a new window.
const WINDOW_REPEATS: u8 = 2;

/// Packets that broke a rule which are remembered.
const OFFENDERS_MAX: usize = 8;

/// What the peer may send on reliable channels, and what it has.
#[derive(Debug)]
struct Grant {
    /// The sum up to which the peer was told that it may send.
    told: u64,
    /// Datagrams that will still carry it.
    repeats: u8,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    config: Config,
    /// What the path takes; never more than the peers have agreed on.
    datagram_size: u16,
    narrowing: Narrowing,
    /// It was found to take less, and nobody has asked yet.
    narrowed: bool,
    /// When what is too long for the path, and cannot be cut for this peer, left at first, and when
    /// it will have arrived if it does not leave again.
    oversize: Option<(Micros, Micros)>,
    // What this side sends.
    sending: Vec<SendChannel>,
    messages: Messages,
    message_bytes: ByteRing,
    recovery: Recovery,
    rtt: RoundTrip,
    controller: DelayAwareCubic,
    pacer: Pacer,
    repairer: Repairer,
    /// Cost of all reliable messages that were sent, and what the peer allows.
    cost_sent: u64,
    cost_max: u64,
    /// When the peer is asked again to allow more.
    blocked_at: Option<Micros>,
    probe_count: u32,
    probe_due: bool,
    ping_due: bool,
    /// The next datagram is a short one, whatever else waits.
    short_due: bool,
    /// One of so many bytes that hold nothing shows whether the path takes it.
    long_due: Option<u16>,
    /// When there may be another of those.
    long_allowed: Micros,
    /// The datagram that is being written holds something that is sent again by others, if it is
    /// lost, and perhaps for ever.
    watched: bool,
    peer_ack_delay: Micros,
    /// When the round trip was measured, or last asked for.
    measured: Micros,
    /// When something that must arrive was acknowledged, or there was nothing to be.
    progress: Micros,
    datagrams: u64,
    /// Messages that the program has given.
    order: u64,
    // What it receives.
    received: Received,
    receiving: Vec<ReceiveChannel>,
    /// Numbers of the last packets that broke a rule, so that no copy of them counts.
    offenders: [u64; OFFENDERS_MAX],
    /// Is there any?
    offended: bool,
    /// Acknowledgements that say what repairs have won back.
    delivered_reports: u8,
    grant: Grant,
    path_response: Option<[u8; 8]>,
    path_validated: Option<[u8; 8]>,
    failure: Option<Failure>,
    statistics: Statistics,
}

impl Session {
    /// A session whose both sides have said Hello.
    #[must_use]
    pub fn new(now: Micros, mut config: Config) -> Self {
        let limit = DATAGRAM_SIZE_LIMIT as u16;
        config.datagram_size_max = config.datagram_size_max.clamp(DATAGRAM_SIZE_MIN, limit);
        config.received_size_max = config.received_size_max.min(limit);
        let datagram = config.datagram_size_max;
        let mut session = Self {
            sending: Vec::new(),
            messages: Messages::default(),
            message_bytes: ByteRing::default(),
            recovery: Recovery::new(),
            rtt: RoundTrip::new(config.round_trip),
            controller: DelayAwareCubic::new(now, u64::from(datagram), config.round_trip),
            pacer: Pacer::new(now, u64::from(datagram)),
            repairer: Repairer::new(config.repair_percent_max, usize::from(datagram)),
            cost_sent: 0,
            cost_max: u64::from(config.peer_window),
            blocked_at: None,
            probe_count: 0,
            probe_due: false,
            ping_due: false,
            short_due: false,
            long_due: None,
            long_allowed: now,
            watched: false,
            peer_ack_delay: config.ack_delay,
            measured: now,
            progress: now,
            datagrams: 0,
            order: 0,
            received: Received::new(u64::from(datagram)),
            receiving: Vec::new(),
            offenders: [u64::MAX; OFFENDERS_MAX],
            offended: false,
            delivered_reports: 0,
            grant: Grant { told: u64::from(config.window), repeats: 0 },
            path_response: None,
            path_validated: None,
            failure: None,
            statistics: Statistics::default(),
            datagram_size: 0,
            narrowing: Narrowing::default(),
            narrowed: false,
            oversize: None,
            config,
        };
        session.set_datagram_size(datagram);
        session
    }

    /// Says how long a datagram the path takes, as far as is known now. Messages that were accepted
    /// before leave all the same, those that must arrive in pieces.
    pub fn set_datagram_size(&mut self, size: u16) {
        let before = self.datagram_size;
        self.datagram_size = size.clamp(DATAGRAM_SIZE_MIN, self.config.datagram_size_max);
        if self.datagram_size > before {
            // What was held against longer datagrams does not count any more.
            self.narrowing.clear();
            self.oversize = None;
        }
        self.recovery.set_longest(u32::from(self.datagram_size));
    }

    /// Something that must arrive leaves although it is too long for the path, because this peer
    /// takes no pieces; it leaves again after `resend_time` at the latest, if it does not arrive.
    /// When that goes on for [`Config::give_up`], the session fails: the path does not take it.
    pub fn note_oversize(&mut self, now: Micros, resend_time: Micros) {
        let goes_on = |&(_, until): &(Micros, Micros)| now <= until;
        let (since, until) = self.oversize.filter(goes_on).unwrap_or((now, now));
        let pause = OVERSIZE_PAUSE.max(resend_time.saturating_mul(2));
        self.oversize = Some((since, until.max(now.saturating_add(pause))));
        let patience = self.config.give_up;
        if patience > 0 && now.saturating_sub(since) > patience {
            self.failure = Some(Failure::Unacknowledged);
        }
    }

    /// Something of so many bytes leaves again outside of the session. Whether it is too long for
    /// the path shows a datagram of that length.
    pub fn probe_path(&mut self, now: Micros, size: usize) {
        if self.long_allowed <= now {
            self.long_allowed = now.saturating_add(LONG_INTERVAL);
            self.long_due = Some(size.min(usize::from(self.datagram_size)) as u16);
        }
    }

    /// Does the peer take messages of reliable channels in pieces?
    #[must_use]
    pub const fn peer_takes_pieces(&self) -> bool {
        self.config.peer_takes_pieces
    }

    /// How long a datagram the path takes, once, when it was found to take less than was thought.
    pub fn take_narrowed(&mut self) -> Option<u16> {
        std::mem::take(&mut self.narrowed).then_some(self.datagram_size)
    }

    /// The longest message that [`send_message`](Self::send_message) takes.
    #[must_use]
    pub const fn message_size_max(&self) -> usize {
        self.datagram_size as usize - LONG_HEADER_SIZE - MESSAGE_OVERHEAD
    }

    /// The longest message that [`send_reliable`](Self::send_reliable) takes.
    #[must_use]
    pub const fn reliable_size_max(&self) -> usize {
        self.datagram_size as usize - LONG_HEADER_SIZE - RELIABLE_OVERHEAD
    }

    /// Takes a message that may be lost; it leaves with the next flush.
    ///
    /// # Errors
    /// It is too long, or too many wait already.
    #[inline(always)]
    pub fn send_message(&mut self, pipeline: u8, parts: &[&[u8]]) -> Result<(), Refused> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length > self.message_size_max() {
            return Err(Refused::TooLong);
        }
        if length > self.message_room() && !self.messages.is_empty() {
            return Err(Refused::QueueFull);
        }
        let position = match parts {
            [part] => self.message_bytes.push_one(part),
            parts => self.message_bytes.push(parts),
        };
        let order = self.next_order();
        self.messages.push(Queued { pipeline, length: length as u16, position, order });
        Ok(())
    }

    /// Takes a message of a reliable channel. Higher priorities go first.
    ///
    /// # Errors
    /// It is too long, or too many wait already.
    pub fn send_reliable(
        &mut self,
        channel: u8,
        priority: u8,
        parts: &[&[u8]],
    ) -> Result<(), Refused> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length > self.reliable_size_max() {
            return Err(Refused::TooLong);
        }
        let datagrams = self.datagrams;
        let place = self.sending_place(channel);
        let channel = &mut self.sending[place];
        let after = channel.cost() + cost(length);
        if after > u64::from(self.config.send_queue_bytes_max) {
            return Err(Refused::QueueFull);
        }
        if channel.is_sent() {
            channel.served = datagrams;
        }
        channel.priority = priority;
        channel.push(self.order, parts);
        self.order += 1;
        Ok(())
    }

    /// As [`send_reliable`](Self::send_reliable), for a message that was accepted elsewhere
    /// already, however much waits. It has at most [`DATAGRAM_SIZE_LIMIT`] bytes; one that is too
    /// long for a datagram leaves in pieces.
    pub fn hold_reliable(&mut self, channel: u8, priority: u8, parts: &[&[u8]]) {
        debug_assert!(parts.iter().map(|part| part.len()).sum::<usize>() <= DATAGRAM_SIZE_LIMIT);
        let datagrams = self.datagrams;
        let place = self.sending_place(channel);
        let channel = &mut self.sending[place];
        if channel.is_sent() {
            channel.served = datagrams;
        }
        channel.priority = priority;
        channel.push(self.order, parts);
        self.order += 1;
    }

    /// The same, if a channel that had messages before has room for `size` bytes, or holds nothing.
    /// False: nothing was done.
    #[inline(always)]
    pub fn hold_within(&mut self, channel: u8, priority: u8, size: usize, message: &[u8]) -> bool {
        let Some((first, rest)) = self.sending.split_first_mut() else {
            cold_path();
            return false;
        };
        let channel = if first.id == channel {
            first
        } else if let Some(other) = rest.iter_mut().find(|known| known.id == channel) {
            other
        } else {
            cold_path();
            return false;
        };
        let most = u64::from(self.config.send_queue_bytes_max);
        if channel.cost() + cost(size) > most && !channel.is_idle() {
            cold_path();
            return false;
        }
        if channel.is_sent() {
            channel.served = self.datagrams;
        }
        channel.priority = priority;
        channel.push_one(self.order, message);
        self.order += 1;
        true
    }

    const fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order - 1
    }

    /// Messages that may be lost, on their way to the next flush.
    #[must_use]
    pub fn message_count(&self) -> usize {
        self.messages.len()
    }

    /// Bytes of messages that may be lost which are still taken before the next flush.
    #[must_use]
    pub fn message_room(&self) -> usize {
        let waiting = self.message_bytes.len() + self.messages.len() * MESSAGE_OVERHEAD;
        (self.config.message_queue_bytes_max as usize).saturating_sub(waiting)
    }

    /// Would a channel take a message of so many bytes?
    #[must_use]
    pub fn has_room(&self, channel: u8, length: usize) -> bool {
        self.reliable_room(channel).is_some_and(|room| length as u64 <= room)
    }

    /// Bytes of the longest message that a channel would take, if it would take any.
    #[must_use]
    pub fn reliable_room(&self, channel: u8) -> Option<u64> {
        let most = u64::from(self.config.send_queue_bytes_max);
        most.checked_sub(self.reliable_cost(channel) + cost(0))
    }

    /// Cost of a channel's messages that wait or are under way.
    #[must_use]
    pub fn reliable_cost(&self, channel: u8) -> u64 {
        self.sending.iter().find(|known| known.id == channel).map_or(0, SendChannel::cost)
    }

    /// Holds back what a channel has and gets, until it is opened.
    pub fn set_gate(&mut self, channel: u8, closed: bool) {
        let place = self.sending_place(channel);
        self.sending[place].gated = closed;
    }

    fn sending_place(&mut self, id: u8) -> usize {
        let place = self.sending.iter().position(|channel| channel.id == id);
        place.unwrap_or_else(|| {
            self.sending.push(SendChannel::new(id));
            self.sending.len() - 1
        })
    }

    /// Does a channel hold nothing that waits or is under way?
    #[must_use]
    pub fn is_channel_idle(&self, id: u8) -> bool {
        self.sending.iter().find(|channel| channel.id == id).is_none_or(SendChannel::is_idle)
    }

    /// Is everything that the program gave sent and, where it must arrive, acknowledged?
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.messages.is_empty() && self.sending.iter().all(SendChannel::is_idle)
    }

    /// Has everything that the program gave left at least once, and does nothing that was lost
    /// wait to leave again? What a gate holds back does not count.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        self.messages.is_empty()
            && self.sending.iter().all(|channel| channel.gated || channel.is_sent())
    }

    /// Packets that have left, and so the number of the next one.
    #[must_use]
    pub fn packets_sent(&self) -> u64 {
        self.recovery.next_number()
    }

    /// The program has seen what arrived and had its chance to answer: acknowledgements that are
    /// due need not wait for its messages any more.
    pub const fn handle_answered(&mut self) {
        self.received.handle_answered();
    }

    /// Delivers what was kept because [`Output::is_full`].
    pub fn deliver_held(&mut self, output: &mut impl Output) {
        for channel in &mut self.receiving {
            channel.deliver_held(output);
        }
    }

    /// Are there messages that wait for room?
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.receiving.iter().any(ReceiveChannel::is_stalled)
    }

    /// Asks the peer for a sign of life.
    pub const fn ping(&mut self) {
        self.ping_due = true;
    }

    /// The path leads elsewhere: what was learned about the old one is forgotten.
    pub fn handle_path_change(&mut self, now: Micros) {
        let datagram = u64::from(self.datagram_size);
        self.rtt = RoundTrip::new(None);
        self.controller = DelayAwareCubic::new(now, datagram, None);
        self.pacer = Pacer::new(now, datagram);
        self.probe_count = 0;
        self.ping_due = true;
        self.narrowing.clear();
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Micros) {
        if self.recovery.loss_time().is_some_and(|due| due <= now) {
            self.find_losses(now);
        }
        if let Some(due) = self.probe_time().filter(|&due| due <= now) {
            // Time in which nobody asked this machine is not the peer's silence.
            self.progress = self.progress.saturating_add(now - due);
            self.probe(now);
        }
    }

    fn probe(&mut self, now: Micros) {
        self.statistics.probes += 1;
        self.probe_count += 1;
        self.probe_due = true;
        let silent = now.saturating_sub(self.progress);
        let asked = self.probe_count >= GIVE_UP_PROBES;
        if self.config.give_up > 0 && silent > self.config.give_up && asked {
            self.failure = Some(Failure::Unacknowledged);
        }
        if self.probe_count == OUTAGE_PROBES {
            self.controller.handle_outage();
        }
        let room = self.datagram_size as usize - LONG_HEADER_SIZE;
        let mut probed = 0;
        for channel in &mut self.sending {
            probed += channel.probe(room);
        }
        self.short_due = self.doubts_long(now);
        // Something that asks for an answer must leave, whatever else there is.
        self.ping_due |= probed == 0 || self.short_due;
    }

    /// Is it perhaps only what is long that gets lost?
    #[inline]
    pub(super) fn doubts_long(&self, now: Micros) -> bool {
        self.probe_count >= SHORT_PROBE || self.narrowing.suspects(now)
    }

    /// Is nothing under way, owed or waited for? Then there is no deadline.
    #[inline]
    fn is_quiet(&self) -> bool {
        self.received.is_quiet() && self.awaits_nothing()
    }

    /// Why it ended, if it did.
    #[must_use]
    pub const fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// The average round trip in microseconds, once it was measured.
    #[must_use]
    pub fn round_trip(&self) -> Option<Micros> {
        self.rtt.is_measured().then(|| self.rtt.smoothed())
    }

    /// The newest measurement of the round trip in microseconds, once.
    pub fn take_round_trip(&mut self) -> Option<Micros> {
        self.rtt.take_sample()
    }

    /// How much the round trip varies, in microseconds.
    #[must_use]
    pub const fn jitter(&self) -> Micros {
        self.rtt.variation()
    }

    /// The share of packets that are lost, 0 to 1, averaged over the last hundred or so.
    #[must_use]
    pub const fn loss(&self) -> f32 {
        self.repairer.loss()
    }

    /// Bytes that may be under way.
    #[must_use]
    pub fn congestion_window(&self) -> u64 {
        self.controller.window()
    }

    /// Bytes that are.
    #[must_use]
    pub const fn in_flight(&self) -> u64 {
        self.recovery.in_flight()
    }

    /// What has happened.
    #[must_use]
    pub const fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Gives memory back that only a burst has needed; for moments when nothing is under way.
    pub fn shrink(&mut self) {
        for channel in &mut self.sending {
            channel.shrink();
        }
        if self.messages.is_empty() {
            self.message_bytes.shrink();
        }
    }

    /// The answer to a challenge that came from the peer, once.
    pub const fn poll_path_response(&mut self) -> Option<[u8; 8]> {
        self.path_validated.take()
    }
}
