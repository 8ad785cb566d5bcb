//! The way in: packets, frames, acknowledgements and what follows from them.

use super::{OFFENDERS_MAX, Session, WINDOW_REPEATS};
use crate::proto::session::congestion::{Acked, Controller as _};
use crate::proto::session::frame::{self, Ack, Frame};
use crate::proto::session::packet::{self, Packet};
use crate::proto::session::receive_channel::{ReceiveChannel, Verdict};
use crate::proto::session::received::Asks;
use crate::proto::session::{Output, Taken};
use crate::proto::time::{MICROS_PER_MS, Micros};

/// A peer may hold an acknowledgement back for so long in our estimates.
const ACK_DELAY_MAX: Micros = 200 * MICROS_PER_MS;

/// What one packet held.
#[derive(Default)]
struct Seen {
    asks: Asks,
    number: u64,
    /// None that came before is newer.
    newest: bool,
    wrong: bool,
}

impl Session {
    /// Takes a datagram whose token is this session's.
    pub fn handle_datagram(
        &mut self,
        now: Micros,
        datagram: &[u8],
        output: &mut impl Output,
    ) -> Taken {
        let Some(packet) = packet::parse(datagram) else {
            self.statistics.malformed_in += 1;
            return Taken::Malformed;
        };
        self.handle_packet(now, &packet, datagram.len(), output)
    }

    /// The same for one that is parsed, and had so many bytes.
    #[inline]
    pub fn handle_packet(
        &mut self,
        now: Micros,
        packet: &Packet<'_>,
        size: usize,
        output: &mut impl Output,
    ) -> Taken {
        // What both have said binds the sender alone: the Hellos that the two sides know may be
        // different ones, if somebody has forged one.
        if packet.token != self.config.token || size > usize::from(self.config.received_size_max) {
            self.statistics.malformed_in += 1;
            return Taken::Malformed;
        }
        let number = packet::expand(packet.truncated, packet.bits, self.received.expected());
        let offends = self.offended && self.offenders.contains(&number);
        if self.received.contains(number) || offends {
            self.statistics.duplicates_in += 1;
            return Taken::Duplicate;
        }
        let newest = number >= self.received.expected();
        let mut seen = Seen { number, newest, ..Seen::default() };
        for frame in frame::frames(packet.frames) {
            match frame {
                Ok(frame) => self.handle_frame(now, frame, &mut seen, output),
                Err(frame::Malformed) => seen.wrong = true,
            }
            if seen.wrong {
                break;
            }
        }
        if seen.wrong {
            // Not acknowledged: what was not understood has not arrived.
            self.statistics.malformed_in += 1;
            self.offended = true;
            self.offenders.rotate_left(1);
            self.offenders[OFFENDERS_MAX - 1] = number;
            return Taken::Malformed;
        }
        self.received.insert(now, number);
        self.received.handle_packet(now, seen.asks, size as u64, self.config.ack_delay);
        self.statistics.packets_in += 1;
        Taken::New
    }

    #[inline(always)]
    fn handle_frame(
        &mut self,
        now: Micros,
        frame: Frame<'_>,
        seen: &mut Seen,
        output: &mut impl Output,
    ) {
        match frame {
            Frame::Ack(ack) => {
                seen.wrong |= !self.handle_ack(now, &ack);
                return;
            }
            Frame::Padding => return,
            Frame::Delivered(channel, sequence) => {
                // An older one says less, and its short number could be mistaken.
                if seen.newest {
                    self.handle_delivered(channel, sequence);
                }
                return;
            }
            Frame::Window(limit) => {
                let limit = packet::expand(limit, 32, self.cost_max);
                if limit > self.cost_max {
                    self.cost_max = limit;
                    self.blocked_at = None;
                }
                return;
            }
            Frame::PathResponse(data) => {
                self.path_validated = Some(data);
                return;
            }
            Frame::Ping => {}
            Frame::PathChallenge(data) => self.path_response = Some(data),
            Frame::Blocked => {
                self.grant.repeats = WINDOW_REPEATS;
                seen.asks.at_once = true;
            }
            Frame::Message { pipeline, data } => output.message(pipeline, data),
            Frame::Reliable { channel, sequence, data } => {
                self.handle_reliable((channel, sequence), None, data, seen, output);
            }
            Frame::Repair { channel, first, members, data } => {
                self.handle_repair(channel, (first, members), data, seen, output);
            }
            Frame::Part { channel, sequence, offset, last, data } => {
                let piece = Some((offset, last));
                self.handle_reliable((channel, sequence), piece, data, seen, output);
            }
        }
        seen.asks.acknowledgement = true;
    }

    /// The place of a receiving channel; `None` when the channel is not reliable here.
    #[inline]
    fn receiving_place(&mut self, id: u8) -> Option<usize> {
        match self.receiving.first() {
            Some(first) if first.id == id => Some(0),
            _ => self.other_receiving_place(id),
        }
    }

    #[inline(never)]
    fn other_receiving_place(&mut self, id: u8) -> Option<usize> {
        if let Some(place) = self.receiving.iter().position(|channel| channel.id == id) {
            return Some(place);
        }
        if !self.config.reliable.contains(id) {
            return None;
        }
        self.receiving.push(ReceiveChannel::new(id));
        Some(self.receiving.len() - 1)
    }

    /// Cost that the peer may still make us hold.
    fn receive_room(&self) -> u64 {
        let used: u64 =
            self.receiving.iter().map(|channel| channel.delivered + channel.held_cost()).sum();
        self.grant.told.saturating_sub(used)
    }

    /// Takes a message, or a piece of one.
    fn handle_reliable(
        &mut self,
        (id, sequence): (u8, u16),
        piece: Option<(u16, bool)>,
        data: &[u8],
        seen: &mut Seen,
        output: &mut impl Output,
    ) {
        let Some(place) = self.receiving_place(id) else {
            seen.wrong = true;
            return;
        };
        let room = self.receive_room();
        let channel = &mut self.receiving[place];
        seen.asks.reliable = true;
        if piece.is_none() && channel.take_next(sequence, data, room, output) {
            self.note_numbers(place, seen.number);
            return;
        }
        let before = channel.repaired;
        let verdict = match piece {
            None => channel.handle_message(sequence, data, room, output),
            Some(piece) => channel.handle_piece(sequence, piece, data, room, output),
        };
        let repaired = channel.repaired - before;
        seen.asks.at_once |= channel.has_gap();
        match verdict {
            Verdict::Refused => seen.wrong = true,
            Verdict::Duplicate => self.statistics.messages_repeated_in += 1,
            Verdict::Delivered | Verdict::Held => {}
        }
        self.note_numbers(place, seen.number);
        self.note_repaired(repaired);
    }

    fn handle_repair(
        &mut self,
        id: u8,
        span: (u16, u8),
        data: &[u8],
        seen: &mut Seen,
        output: &mut impl Output,
    ) {
        let Some(place) = self.receiving_place(id) else {
            seen.wrong = true;
            return;
        };
        let room = self.receive_room();
        let channel = &mut self.receiving[place];
        let before = channel.repaired;
        channel.handle_repair(span, data, room, output);
        let repaired = channel.repaired - before;
        if !channel.has_gap() {
            // What this very packet has shown to be missing is there now.
            seen.asks.at_once = false;
        }
        self.note_numbers(place, seen.number);
        self.note_repaired(repaired);
    }

    /// A channel has got on: of packets that are too old the numbers would be mistaken.
    fn note_numbers(&mut self, place: usize, packet: u64) {
        let expected = self.received.expected().max(packet + 1);
        let oldest = self.receiving[place].note_packet(expected);
        self.received.forget_below(oldest);
    }

    fn note_repaired(&mut self, count: u64) {
        if count > 0 {
            self.statistics.messages_repaired += count;
            self.delivered_reports = 2;
        }
    }

    fn handle_delivered(&mut self, id: u8, sequence: u16) {
        if let Some(channel) = self.sending.iter_mut().find(|channel| channel.id == id) {
            channel.handle_delivered(sequence);
        }
    }

    /// False when it acknowledges what was never sent.
    fn handle_ack(&mut self, now: Micros, ack: &Ack<'_>) -> bool {
        let largest = packet::expand(ack.largest, 24, self.recovery.next_number());
        let before = self.recovery.in_flight();
        let sending = &mut self.sending;
        let result =
            self.recovery.handle_ack(now, largest, ack.ranges(largest), |packet, content| {
                if let Some(channel) = sending.get_mut(usize::from(content.channel)) {
                    match content.count {
                        0 => channel.handle_piece_acknowledged(content.first, packet),
                        count => {
                            channel.handle_acknowledged(content.first, u64::from(count));
                        }
                    }
                }
            });
        let Some(result) = result else { return false };
        if let Some(elapsed) = result.elapsed {
            let held_back = ack.delay.min(ACK_DELAY_MAX);
            self.rtt.handle_sample(elapsed, held_back);
            self.measured = now;
            self.peer_ack_delay =
                self.config.ack_delay.max(held_back).max(self.peer_ack_delay * 7 / 8);
        }
        self.narrowing.handle_arrived(result.longest);
        if result.spurious > 0 {
            self.narrowing.clear();
            self.statistics.packets_late += result.spurious;
            self.controller.handle_spurious();
        }
        if result.packets > 0 {
            self.progress = now;
            self.probe_count = 0;
            // What it was to send again may be there by now, and nothing else would ask then.
            self.probe_due = false;
            self.repairer.handle_packets(result.packets, 0);
            let acked = Acked {
                bytes: result.bytes,
                round_trip: self.rtt.latest(),
                smoothed: self.rtt.smoothed(),
                limited: 2 * before >= self.controller.window(),
            };
            self.controller.handle_acked(now, acked);
        }
        if !self.recovery.is_in_order() {
            self.find_losses(now);
        }
        true
    }

    /// Finds lost packets; what they carried is sent again.
    pub(super) fn find_losses(&mut self, now: Micros) {
        let sending = &mut self.sending;
        let mut resent = 0;
        let losses = self.recovery.detect_losses(now, &self.rtt, |number, content| {
            if let Some(channel) = sending.get_mut(usize::from(content.channel)) {
                resent += channel.handle_lost(content.first, u64::from(content.count), number);
            }
        });
        if losses.packets == 0 {
            return;
        }
        self.statistics.messages_resent += resent;
        self.statistics.packets_lost += losses.packets;
        self.repairer.handle_packets(0, losses.packets);
        self.controller.handle_lost(now, losses.sent);
        let narrower = self.narrowing.handle_lost(now, losses.longer_sent);
        if let Some(size) = narrower.filter(|&size| size < self.datagram_size) {
            // The path does not take datagrams of this size any more.
            self.set_datagram_size(size);
            self.narrowed = true;
        }
    }
}
