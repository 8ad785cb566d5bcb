//! The way out: what the next datagram holds.
//!
//! First what keeps the session going, then messages: those that may be lost and short queues of
//! reliable ones in the order of the program's calls, then long queues by priority. Protection of
//! earlier ones comes last, where there is room.

mod datagram;
mod light;

use datagram::{Datagram, ROOM_MIN, write_one, write_piece};

use super::{BLOCKED_INTERVAL, Session, WINDOW_REPEATS};
use crate::proto::session::congestion::Controller as _;
use crate::proto::session::frame::{self, Frame, varint_size};
use crate::proto::session::frame::{MESSAGE_OVERHEAD, RELIABLE_OVERHEAD, REPAIR_OVERHEAD};
use crate::proto::session::packet::{LONG_HEADER_SIZE, write_header};
use crate::proto::session::recovery::{Content, Sent};
use crate::proto::session::send_channel::{Next, SendChannel, Span};
use crate::proto::session::{DATAGRAM_SIZE_MIN, cost, receive_channel};
use crate::proto::time::Micros;

/// A channel that waited for so many datagrams begins the next one, whatever its priority.
pub const STARVED_DATAGRAMS: u64 = 16;
/// Datagrams of backlog up to which a channel's messages are not paced.
const LIGHT_DATAGRAMS: usize = 8;
/// Reliable datagrams that may be under way whatever the window says.
pub(super) const VITAL_MIN: u64 = 2;

/// What congestion allows the next datagram to hold.
#[derive(Clone, Copy)]
struct Allowed {
    /// Channels with a long backlog.
    bulk: bool,
    /// The others.
    light: bool,
}

/// A channel's claim to be next: how long it starves, its priority, whether its queue is short,
/// and then who waits longer.
type Rank = (u64, u8, bool, u64);

/// The channel whose turn it is.
#[derive(Clone, Copy)]
struct Turn {
    place: usize,
    next: Next,
    /// Its queue is short.
    light: bool,
}

impl Session {
    /// Appends the next datagram to `out`; false when there is none now.
    pub fn poll_transmit(&mut self, now: Micros, out: &mut Vec<u8>) -> bool {
        self.poll_light(now, out) || self.poll_any(now, out)
    }

    #[inline(never)]
    fn poll_any(&mut self, now: Micros, out: &mut Vec<u8>) -> bool {
        let waits = !self.sending.iter().all(SendChannel::is_sent);
        if waits {
            self.pacer.refill(now, self.controller.window(), self.rtt.smoothed());
        }
        let allowed = self.allowed();
        let (mut turn, blocked) = if waits { self.survey(allowed) } else { (None, false) };
        self.note_blocked(now, blocked);
        if turn.is_none() && !self.wants_datagram(now) {
            return false;
        }
        if turn.is_none() && self.has_one_message_alone(now) {
            return self.write_alone(out);
        }
        if self.recovery.is_full() {
            self.give_up_oldest(now);
            turn = self.pick(allowed);
        }
        let number = self.recovery.next_number();
        let start = out.len();
        write_header(out, self.config.token, number, self.recovery.distinct_from(now));
        let header = out.len() - start;
        let end = start + usize::from(self.datagram_size);
        let mut datagram = Datagram { out, start, end, tail: None };
        let mut sent = Sent { size: 0, asks: false, vital: false };
        self.write_controls(now, &mut datagram, &mut sent);
        // An acknowledgement in a long datagram could be lost with it again and again.
        let doubts = self.doubts_long(now);
        let short = std::mem::take(&mut self.short_due) || doubts && self.received.is_due(now);
        if short || !doubts {
            self.write_ack(now, &mut datagram);
        }
        let fixed = datagram.out.len();
        let long = if short { None } else { self.long_due.take() };
        let paced =
            !short && long.is_none() && self.write_all(number, allowed, turn, &mut datagram);
        if let Some(size) = long {
            datagram.fill(size);
        } else if datagram.out.len() > fixed {
            self.write_protection(number, &mut datagram);
        } else if fixed > start + header && self.wants_measurement(now) {
            // It leaves anyway, and its acknowledgement rides on what the peer has to say.
            frame::write_plain(datagram.out, Frame::Ping);
            self.measured = now;
        }
        datagram.finish();
        // One that is probed for is enough: others must not put the probe off.
        sent.size = datagram.out.len() - datagram.start;
        let watched = std::mem::take(&mut self.watched) || long.is_some();
        let watched = watched && self.recovery.vital() == 0;
        sent.vital |= watched && sent.size > usize::from(DATAGRAM_SIZE_MIN);
        sent.vital |= self.recovery.carried() > 0;
        sent.asks |= sent.vital || datagram.out.len() > fixed;
        if sent.size == header {
            datagram.out.truncate(start);
            return false;
        }
        let oversize = sent.size > usize::from(self.datagram_size);
        if oversize && sent.vital && !self.config.peer_takes_pieces {
            self.note_oversize(now, self.probe_timeout());
        }
        // What is probed for is still to leave, if there is more than what has just left.
        let probes = self.probe_due && short && self.pick(allowed).is_some();
        self.handle_sent(now, sent, paced);
        self.probe_due |= probes;
        true
    }

    /// Was the round trip not measured for long, because nothing left that is acknowledged?
    const fn wants_measurement(&self, now: Micros) -> bool {
        let interval = self.config.measure_interval;
        interval > 0 && now.saturating_sub(self.measured) >= interval
    }

    fn handle_sent(&mut self, now: Micros, sent: Sent, paced: bool) {
        if self.recovery.vital() == 0 {
            self.progress = now;
        }
        self.recovery.handle_sent(now, sent);
        self.datagrams += 1;
        self.probe_due &= !sent.vital;
        self.statistics.packets_out += 1;
        self.statistics.acks_out += u64::from(!sent.asks);
        if paced {
            self.pacer.handle_sent(sent.size as u64);
        }
    }

    /// Appends a datagram that asks whoever receives it to prove that it is the peer. It leaves
    /// by another path than the others.
    pub fn write_challenge(&mut self, now: Micros, data: [u8; 8], out: &mut Vec<u8>) {
        let number = self.recovery.next_number();
        let start = out.len();
        write_header(out, self.config.token, number, self.recovery.distinct_from(now));
        frame::write_plain(out, Frame::PathChallenge(data));
        let size = out.len() - start;
        self.recovery.handle_sent(now, Sent { size, asks: false, vital: false });
        self.statistics.packets_out += 1;
    }

    fn allowed(&self) -> Allowed {
        let datagram = u64::from(self.datagram_size);
        let after = self.recovery.in_flight() + datagram;
        let window = self.controller.window();
        let few = self.probe_due || self.recovery.vital() < VITAL_MIN;
        Allowed {
            bulk: self.probe_due || (few || after <= window) && self.pacer.allows(),
            light: few || after <= window + window / 4,
        }
    }

    const fn light_bytes(&self) -> usize {
        LIGHT_DATAGRAMS * self.datagram_size as usize
    }

    /// Does something wait for the pacer alone?
    pub(super) fn waits_for_pacer(&self) -> bool {
        let datagram = u64::from(self.datagram_size);
        let few = self.recovery.vital() < VITAL_MIN;
        let window = self.recovery.in_flight() + datagram <= self.controller.window();
        let news = self.cost_sent < self.cost_max;
        (few || window)
            && !self.pacer.allows()
            && self.sending.iter().any(|channel| channel.waits(news))
    }

    /// Would a flush have anything to do? Most datagrams that arrive bring nothing to say.
    #[must_use]
    pub fn wants_flush(&self, now: Micros) -> bool {
        !self.sending.iter().all(SendChannel::is_sent)
            || self.blocked_at.is_some()
            || self.narrowed
            || self.failure.is_some()
            || self.wants_datagram(now)
    }

    /// Is there a reason to send a datagram, besides reliable messages?
    fn wants_datagram(&self, now: Micros) -> bool {
        self.path_response.is_some()
            || self.ping_due
            || self.long_due.is_some()
            || !self.messages.is_empty()
            || self.received.is_due(now)
            || self.blocked_at.is_some_and(|due| due <= now)
            || self.window_news()
    }

    /// The peer may send a good deal more than it was told.
    #[inline]
    pub(super) fn window_news(&self) -> bool {
        self.window_now() >= self.grant.told + (u64::from(self.config.window) / 4).max(1)
    }

    fn window_now(&self) -> u64 {
        let delivered: u64 = self.receiving.iter().map(|channel| channel.delivered).sum();
        delivered + u64::from(self.config.window)
    }

    /// Notes when the peer's window keeps everything back.
    const fn note_blocked(&mut self, now: Micros, blocked: bool) {
        if !blocked || self.recovery.vital() > 0 {
            self.blocked_at = None;
        } else if self.blocked_at.is_none() {
            self.blocked_at = Some(now);
        }
    }

    fn write_controls(&mut self, now: Micros, datagram: &mut Datagram<'_>, sent: &mut Sent) {
        if let Some(data) = self.path_response.take() {
            frame::write_plain(datagram.out, Frame::PathResponse(data));
            sent.asks = true;
        }
        if std::mem::take(&mut self.ping_due) {
            frame::write_plain(datagram.out, Frame::Ping);
            sent.vital = true;
        }
        if self.blocked_at.is_some_and(|due| due <= now) {
            frame::write_plain(datagram.out, Frame::Blocked);
            self.blocked_at = Some(now.saturating_add(BLOCKED_INTERVAL));
            sent.asks = true;
        }
        if self.window_news() {
            self.grant.repeats = WINDOW_REPEATS;
        }
        if self.grant.repeats > 0 {
            self.grant.repeats -= 1;
            self.grant.told = self.window_now().max(self.grant.told);
            frame::write_plain(datagram.out, Frame::Window(self.grant.told as u32));
        }
    }

    fn write_ack(&mut self, now: Micros, datagram: &mut Datagram<'_>) {
        if !self.received.has_news() {
            return;
        }
        if self.delivered_reports > 0 {
            self.delivered_reports -= 1;
            // In front of the ranges, so that nothing is sent again that is there.
            for channel in self.receiving.iter().filter(|channel| channel.repaired > 0) {
                let delivered = Frame::Delivered(channel.id, channel.next() as u16);
                if datagram.room() > ROOM_MIN {
                    frame::write_plain(datagram.out, delivered);
                }
            }
        }
        let room = datagram.room();
        let out = &mut *datagram.out;
        self.received.report(now, |delay, ranges| {
            // A first number of at most 4 bytes, and 8 for each gap and range.
            let fit = (room.saturating_sub(16) / 8).clamp(1, ranges.len());
            frame::write_ack(out, delay, &ranges[..fit]);
        });
    }

    /// Writes messages of both kinds, as many as fit. True when what was written counts for the
    /// pacer.
    fn write_all(
        &mut self,
        number: u64,
        allowed: Allowed,
        mut turn: Option<Turn>,
        datagram: &mut Datagram<'_>,
    ) -> bool {
        let mut paced = false;
        let start = datagram.out.len();
        loop {
            let waiting = self.messages.front().map(|queued| queued.order);
            // A short queue keeps its place among those that do not wait.
            let first =
                |turn: &Turn| waiting.is_none_or(|order| turn.light && turn.next.order < order);
            let reliable = turn.filter(first);
            let written = match reliable {
                Some(turn) => self.write_reliable(number, turn, datagram),
                None if waiting.is_none() => break,
                None => self.write_messages(turn, datagram),
            };
            if !written {
                // What was accepted when the path took more goes alone and as it is, if it may be
                // lost, or if this peer takes no pieces.
                let longest = datagram.start + usize::from(self.config.datagram_size_max);
                let alone = datagram.out.len() == start && datagram.end < longest;
                let whole = waiting.is_some() || turn.is_some_and(|turn| self.leaves_whole(turn));
                if !alone || !whole {
                    break;
                }
                datagram.end = longest;
                continue;
            }
            paced |= waiting.is_none() && turn.is_some_and(|turn| !turn.light);
            if reliable.is_some() {
                turn = self.pick(allowed);
            }
        }
        paced
    }

    /// Is a message too long for a datagram, and may not be cut?
    const fn leaves_whole(&self, turn: Turn) -> bool {
        turn.next.length > self.reliable_size_max() && !self.config.peer_takes_pieces
    }

    /// Writes messages that may be lost, as long as no reliable one's turn comes. False when the
    /// first does not fit.
    fn write_messages(&mut self, turn: Option<Turn>, datagram: &mut Datagram<'_>) -> bool {
        if !self.write_message(datagram) {
            return false;
        }
        if turn.is_none() {
            while self.write_message(datagram) {}
        }
        true
    }

    /// Writes the next message that may be lost. False when it does not fit, or there is none.
    #[inline(always)]
    fn write_message(&mut self, datagram: &mut Datagram<'_>) -> bool {
        let Some(queued) = self.messages.front() else { return false };
        let watched = self.config.resent.contains(queued.pipeline);
        let length = usize::from(queued.length);
        let pipeline = queued.pipeline;
        let fits = datagram.write(MESSAGE_OVERHEAD, length, |out, length| {
            frame::write_message_head(out, pipeline, length);
        });
        if fits {
            self.watched |= watched;
            let [body, rest] = self.message_bytes.get(queued.position, length);
            datagram.out.extend_from_slice(body);
            if !rest.is_empty() {
                datagram.out.extend_from_slice(rest);
            }
            self.message_bytes.release(queued.position + length as u64);
            self.messages.pop();
        }
        fits
    }

    /// The channel whose turn it is, and its next message.
    fn pick(&mut self, allowed: Allowed) -> Option<Turn> {
        if self.sending.iter().all(SendChannel::is_sent) {
            return None;
        }
        self.survey(allowed).0
    }

    /// The same; and does the peer's window keep any channel back?
    fn survey(&mut self, allowed: Allowed) -> (Option<Turn>, bool) {
        let mut blocked = false;
        let left = self.cost_max.saturating_sub(self.cost_sent);
        let light_bytes = self.light_bytes();
        let mut best: Option<(Rank, Turn)> = None;
        for (place, channel) in self.sending.iter_mut().enumerate() {
            let Some(next) = channel.peek() else { continue };
            let beyond = !next.again && cost(next.length) > left;
            blocked |= beyond;
            let light = channel.backlog() <= light_bytes;
            let may = allowed.bulk || light && allowed.light;
            if !may || beyond {
                continue;
            }
            let waited = self.datagrams - channel.served;
            let starved = if waited >= STARVED_DATAGRAMS { waited } else { 0 };
            // Short queues in the order of the program's calls, long ones in turns.
            let last = if light { u64::MAX - next.order } else { waited };
            let rank = (starved, channel.priority, light, last);
            if best.is_none_or(|(before, _)| rank > before) {
                best = Some((rank, Turn { place, next, light }));
            }
        }
        (best.map(|(_, turn)| turn), blocked)
    }

    /// Writes the message whose turn it is. False when it does not fit.
    fn write_reliable(&mut self, number: u64, turn: Turn, datagram: &mut Datagram<'_>) -> bool {
        let Turn { place, next, .. } = turn;
        let too_long = next.length > self.reliable_size_max();
        let in_pieces = next.arrived > 0 || too_long && self.config.peer_takes_pieces;
        let channel = &mut self.sending[place];
        let data = channel.data(next.sequence);
        if in_pieces {
            let Some(piece) = write_piece(datagram, channel.id, next, data) else { return false };
            channel.handle_piece_sent(next.sequence, number, piece);
        } else if write_one(datagram, channel.id, next.sequence, data) {
            channel.handle_sent(next.sequence, number);
        } else {
            return false;
        }
        channel.served = self.datagrams;
        let count = u32::from(!in_pieces);
        let content = Content { channel: place as u8, first: next.sequence, count };
        self.recovery.carry(content, self.recovery.carried());
        if !next.again {
            self.cost_sent += cost(next.length);
            self.repairer.handle_sent(next.length + RELIABLE_OVERHEAD, &self.rtt);
        }
        true
    }

    /// Protects messages of earlier packets, where the budget and the datagram have room.
    fn write_protection(&mut self, number: u64, datagram: &mut Datagram<'_>) {
        let after = self.recovery.in_flight() + u64::from(self.datagram_size);
        if !self.repairer.protects(&self.rtt) || after > self.controller.window() {
            return;
        }
        for place in 0..self.sending.len() {
            while let Some(span) = self.sending[place].unprotected(number) {
                let before = datagram.out.len();
                if !self.protect(place, number, span, datagram) {
                    break;
                }
                let size = datagram.out.len() - before;
                self.sending[place].handle_protected(span);
                self.repairer.handle_protected(size);
                self.statistics.repairs_out += 1;
                self.statistics.repair_bytes_out += size as u64;
            }
        }
    }

    /// Writes one message again, or several in one. False when there is no room.
    fn protect(
        &mut self,
        place: usize,
        number: u64,
        span: Span,
        datagram: &mut Datagram<'_>,
    ) -> bool {
        let channel = &mut self.sending[place];
        if span.members == 1 {
            let size = RELIABLE_OVERHEAD + span.longest + varint_size(span.longest as u32);
            let fits = self.repairer.affords(size) && size <= datagram.room();
            if !fits || !write_one(datagram, channel.id, span.first, channel.data(span.first)) {
                return false;
            }
            channel.handle_sent(span.first, number);
            let content = Content { channel: place as u8, first: span.first, count: 1 };
            self.recovery.carry(content, self.recovery.carried());
            return true;
        }
        let length = 2 + span.longest;
        let size = REPAIR_OVERHEAD + length + varint_size(length as u32);
        if !self.repairer.affords(size) || size > datagram.room() {
            return false;
        }
        let head = (channel.id, span.first as u16, span.members);
        let fits = datagram.write(REPAIR_OVERHEAD, length, |out, length| {
            frame::write_repair_head(out, head, length);
        });
        let start = datagram.out.len();
        datagram.out.resize(start + length, 0);
        for sequence in receive_channel::messages_of(span.first, span.members) {
            receive_channel::mix(&mut datagram.out[start..], &channel.data(sequence));
        }
        fits
    }

    fn give_up_oldest(&mut self, now: Micros) {
        let sending = &mut self.sending;
        let losses = self.recovery.give_up_oldest(|number, content| {
            if let Some(channel) = sending.get_mut(usize::from(content.channel)) {
                channel.handle_lost(content.first, u64::from(content.count), number);
            }
        });
        self.statistics.packets_lost += losses.packets;
        self.controller.handle_lost(now, losses.sent);
    }
}

/// Datagrams are never shorter than what a session needs to go on.
const _: () = assert!(LONG_HEADER_SIZE + 200 < DATAGRAM_SIZE_MIN as usize);
