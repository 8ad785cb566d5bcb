//! The sending side of a reliable channel: messages from the call that accepted them to their
//! acknowledgement.
//!
//! It knows what was sent in which packet and what has to go again. When something may leave is
//! decided by its caller.

use std::collections::VecDeque;

use super::MESSAGE_COST;
use crate::proto::ring::ByteRing;
use crate::proto::slots::Slots;

/// Messages of a channel that may be under way or wait to be sent again: half of what 16 bits of
/// sequence number can tell apart, halved again.
pub const UNACKNOWLEDGED_MAX: u64 = 1 << 14;
/// Messages from the first to the last that one repair covers at most: what more would take is sent
/// again as soon.
const SPAN_MAX: u64 = 5;
/// How far before the packet the messages are that a repair holds, whether they had one before or
/// not. The last, the one before it and the fourth: of all sets that is the one whose repairs bring
/// back most pairs of losses in time, however many packets have none.
const WITH: [u64; 4] = [1, 2, 4, 5];
const _: () = assert!(SPAN_MAX as usize <= super::frame::REPAIR_SPAN_MAX);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum State {
    Waiting,
    Sent,
    Lost,
    Acknowledged,
}

/// What begins as 0 lies together, so that it is written at once.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Slot {
    position: u64,
    /// Its place among all messages of the session.
    order: u64,
    /// The packet that carried it last.
    packet: u64,
    /// Bytes at its start that arrived as pieces.
    arrived: u16,
    /// Bytes of the piece behind them that is under way; 0 for the whole message.
    piece: u16,
    state: State,
    /// The packet that carried it last was another one's, and only protects it.
    copied: bool,
    length: u32,
}

impl Slot {
    /// Are there bytes that have never left?
    fn is_partly_sent(&self) -> bool {
        self.piece > 0 && u32::from(self.arrived + self.piece) < self.length
    }
}

/// What a channel would send next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Next {
    /// The message's number.
    pub sequence: u64,
    /// Its bytes.
    pub length: usize,
    /// It was sent before and got lost.
    pub again: bool,
    /// Its place among all messages of the session.
    pub order: u64,
    /// Bytes at its start that arrived as pieces.
    pub arrived: usize,
}

/// What protects messages that were sent: one of them again, or several in one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The first message.
    pub first: u64,
    /// Bit k stands for the message `first + k`; bit 0 is set.
    pub members: u8,
    /// Bytes of the longest.
    pub longest: usize,
}

impl Span {
    /// The number after the last message.
    const fn end(&self) -> u64 {
        self.first + (u8::BITS - self.members.leading_zeros()) as u64
    }
}

/// One channel's messages.
#[derive(Debug)]
pub struct SendChannel {
    /// Its number.
    pub id: u8,
    /// Higher goes first.
    pub priority: u8,
    /// What it holds must not leave yet.
    pub gated: bool,
    /// The count of datagrams when it last got its turn, or began to wait.
    pub served: u64,
    slots: Slots<Slot>,
    /// Number of the first slot.
    first: u64,
    /// The first number that was never sent.
    next: u64,
    bytes: ByteRing,
    lost: VecDeque<u64>,
    /// Messages of which a piece is under way and another must follow.
    partly_sent: u32,
    /// Bytes that were never sent.
    backlog: usize,
    /// Everything below has had its protection.
    repaired: u64,
}

impl SendChannel {
    /// A channel without messages.
    pub fn new(id: u8) -> Self {
        Self {
            id,
            priority: 0,
            gated: false,
            served: 0,
            slots: Slots::default(),
            first: 0,
            next: 0,
            bytes: ByteRing::default(),
            lost: VecDeque::new(),
            partly_sent: 0,
            backlog: 0,
            repaired: 0,
        }
    }

    /// Takes a message; `order` is its place among all messages of the session.
    pub fn push(&mut self, order: u64, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let position = self.bytes.push(parts);
        self.push_slot(order, position, length);
    }

    /// The same for one that lies in one piece.
    #[inline(always)]
    pub fn push_one(&mut self, order: u64, message: &[u8]) {
        let position = self.bytes.push_one(message);
        self.push_slot(order, position, message.len());
    }

    #[inline(always)]
    fn push_slot(&mut self, order: u64, position: u64, length: usize) {
        self.backlog += length;
        let (state, packet) = (State::Waiting, 0);
        let (arrived, piece) = (0, 0);
        let length = length as u32;
        let copied = false;
        self.slots.push(Slot { position, length, state, copied, order, packet, arrived, piece });
    }

    /// What it holds, as the queue's limit counts it.
    pub fn cost(&self) -> u64 {
        self.bytes.len() as u64 + self.slots.len() as u64 * MESSAGE_COST
    }

    /// Has everything been acknowledged?
    pub fn is_idle(&self) -> bool {
        self.slots.is_empty()
    }

    /// Has everything been sent at least once, and nothing waits to be sent again?
    #[inline]
    pub fn is_sent(&self) -> bool {
        self.next == self.first + self.slots.len() as u64
            && self.lost.is_empty()
            && self.partly_sent == 0
    }

    /// Does anything wait for its turn: what was lost, or with `news` what was never sent?
    pub fn waits(&self, news: bool) -> bool {
        !self.gated && (!self.lost.is_empty() || news && !self.is_sent())
    }

    /// Bytes that were never sent.
    pub const fn backlog(&self) -> usize {
        self.backlog
    }

    fn slot(&self, sequence: u64) -> Option<&Slot> {
        self.slots.get(usize::try_from(sequence.checked_sub(self.first)?).ok()?)
    }

    /// What it would send next: first what was lost.
    #[inline]
    pub fn peek(&mut self) -> Option<Next> {
        if self.gated || self.is_sent() {
            return None;
        }
        self.peek_waiting()
    }

    fn peek_waiting(&mut self) -> Option<Next> {
        while let Some(&sequence) = self.lost.front() {
            match self.slot(sequence) {
                Some(slot) if slot.state == State::Lost => {
                    return Some(next_of(sequence, slot, true));
                }
                _ => self.lost.pop_front(),
            };
        }
        if self.next - self.first >= UNACKNOWLEDGED_MAX {
            return None;
        }
        Some(next_of(self.next, self.slot(self.next)?, false))
    }

    /// The message that it would send next, if that is the only one and has never left.
    #[inline(always)]
    pub fn only_new(&self) -> Option<Next> {
        let last = self.next + 1 == self.first + self.slots.len() as u64;
        let again = !self.lost.is_empty() || self.partly_sent > 0;
        if self.gated || !last || again || self.next - self.first >= UNACKNOWLEDGED_MAX {
            return None;
        }
        Some(next_of(self.next, self.slot(self.next)?, false))
    }

    /// A message's bytes, in two pieces.
    pub fn data(&self, sequence: u64) -> [&[u8]; 2] {
        self.slot(sequence)
            .map_or([&[], &[]], |slot| self.bytes.get(slot.position, slot.length as usize))
    }

    /// The message leaves in a packet.
    pub fn handle_sent(&mut self, sequence: u64, packet: u64) {
        self.handle_piece_sent(sequence, packet, 0);
    }

    /// Of the message the next bytes leave in a packet; 0 is all of it.
    pub fn handle_piece_sent(&mut self, sequence: u64, packet: u64, piece: u16) {
        let Some(place) = sequence.checked_sub(self.first) else { return };
        let Some(slot) = self.slots.get_mut(place as usize) else { return };
        slot.packet = packet;
        slot.copied = false;
        self.partly_sent -= u32::from(slot.is_partly_sent());
        slot.piece = piece;
        self.partly_sent += u32::from(slot.is_partly_sent());
        if slot.state == State::Acknowledged {
            return;
        }
        slot.state = State::Sent;
        if sequence == self.next {
            self.next += 1;
            self.backlog -= slot.length as usize;
        }
    }

    /// Messages arrived. Returns how many were not known to have.
    pub fn handle_acknowledged(&mut self, first: u64, count: u64) -> u64 {
        let (mut news, end) = (0, (first + count).min(self.next));
        if first <= self.first {
            return self.release(end);
        }
        for sequence in first..end {
            let slot = &mut self.slots[(sequence - self.first) as usize];
            news += u64::from(slot.state != State::Acknowledged);
            slot.state = State::Acknowledged;
            self.partly_sent -= u32::from(slot.is_partly_sent());
            slot.piece = 0;
        }
        if news > 0 {
            self.release(0);
        }
        news
    }

    /// The piece of a message that this packet carried arrived. What follows it is next.
    pub fn handle_piece_acknowledged(&mut self, sequence: u64, packet: u64) {
        let Some(place) = sequence.checked_sub(self.first) else { return };
        let Some(slot) = self.slots.get_mut(place as usize) else { return };
        if slot.packet != packet || slot.piece == 0 || slot.state == State::Acknowledged {
            return;
        }
        self.partly_sent -= u32::from(slot.is_partly_sent());
        slot.arrived += slot.piece;
        slot.piece = 0;
        if u32::from(slot.arrived) == slot.length {
            slot.state = State::Acknowledged;
            self.release(0);
        } else if slot.state == State::Sent {
            slot.state = State::Lost;
            self.lost.push_back(sequence);
        }
    }

    /// Everything below the number whose low bits are `truncated` arrived.
    pub fn handle_delivered(&mut self, truncated: u16) {
        let end = super::packet::expand(u32::from(truncated), 16, self.first);
        if end > self.first && end <= self.next {
            self.handle_acknowledged(self.first, end - self.first);
        }
    }

    /// The oldest are gone: those below the number `end`, and behind them what was acknowledged.
    /// Returns how many of them were not known to have arrived.
    fn release(&mut self, end: u64) -> u64 {
        let mut news = 0;
        while let Some(slot) = self.slots.front()
            && (self.first < end || slot.state == State::Acknowledged)
        {
            news += u64::from(slot.state != State::Acknowledged);
            self.partly_sent -= u32::from(slot.is_partly_sent());
            self.bytes.release(slot.position + u64::from(slot.length));
            self.slots.drop_front();
            self.first += 1;
        }
        news
    }

    /// The packet that carried messages was lost: those that were not sent again since are.
    /// Returns how many. A count of 0 is a piece of the first.
    pub fn handle_lost(&mut self, first: u64, count: u64, packet: u64) -> u64 {
        let mut lost = 0;
        for sequence in first.max(self.first)..(first + count.max(1)).min(self.next) {
            let slot = &mut self.slots[(sequence - self.first) as usize];
            if slot.state == State::Sent && slot.packet == packet {
                slot.state = State::Lost;
                self.lost.push_back(sequence);
                lost += 1;
            }
        }
        lost
    }

    /// Nothing is heard: the oldest messages, up to so many bytes, are sent once more.
    pub fn probe(&mut self, bytes_max: usize) -> u64 {
        let mut bytes = 0;
        let mut probed = 0;
        for sequence in self.first..self.next {
            let slot = &mut self.slots[(sequence - self.first) as usize];
            if slot.state != State::Sent {
                continue;
            }
            bytes += slot.length as usize + super::frame::RELIABLE_OVERHEAD + 2;
            if probed > 0 && bytes > bytes_max {
                break;
            }
            slot.state = State::Lost;
            self.lost.push_back(sequence);
            probed += 1;
        }
        probed
    }

    /// What a packet could carry to protect messages of earlier packets: those of the last five
    /// that have no protection yet together with [some that may have](WITH), if each was in a
    /// packet of its own.
    pub fn unprotected(&mut self, packet: u64) -> Option<Span> {
        let from = self.repaired.max(self.first);
        let mut end = self.next;
        while end > from && self.slot(end - 1).is_some_and(|slot| slot.packet == packet) {
            end -= 1;
        }
        if end <= from {
            return None;
        }
        self.span(from, end, packet).or_else(|| self.unprotected_alone(from, end))
    }

    /// Several messages in one repair, at least one of them from `from` on.
    fn span(&self, from: u64, end: u64, packet: u64) -> Option<Span> {
        let (mut first, mut members, mut longest) = (end, 0u8, 0);
        for sequence in (self.first.max(end.saturating_sub(SPAN_MAX))..end).rev() {
            let slot = self.slot(sequence)?;
            let before = sequence.checked_sub(1).and_then(|before| self.slot(before));
            let shares = |before: &Slot| before.packet == slot.packet && !before.copied;
            if !slot.copied && before.is_some_and(shares) {
                return None;
            }
            let wanted = sequence >= from || WITH.contains(&(end - sequence));
            if wanted && slot.state == State::Sent && slot.packet != packet {
                members = members << (first - sequence).min(7) | 1;
                first = sequence;
                longest = longest.max(slot.length as usize);
            }
        }
        let span = Span { first, members, longest };
        (members.count_ones() > 1 && span.end() > from).then_some(span)
    }

    /// One after the other, the oldest first.
    fn unprotected_alone(&mut self, from: u64, end: u64) -> Option<Span> {
        let alone = (from..end)
            .find(|&at| self.slot(at).is_some_and(|slot| slot.state == State::Sent))
            .unwrap_or(end);
        self.repaired = alone;
        let slot = self.slot(alone).filter(|_| alone < end)?;
        Some(Span { first: alone, members: 1, longest: slot.length as usize })
    }

    /// The messages of a span are protected.
    pub fn handle_protected(&mut self, span: Span) {
        self.repaired = span.end();
        if span.members == 1
            && let Some(place) = span.first.checked_sub(self.first)
            && let Some(slot) = self.slots.get_mut(place as usize)
        {
            slot.copied = true;
        }
    }

    /// Gives memory back; only when it holds no message.
    pub fn shrink(&mut self) {
        if self.is_idle() {
            self.bytes.shrink();
            self.slots.shrink();
            self.lost = VecDeque::new();
        }
    }
}

fn next_of(sequence: u64, slot: &Slot, again: bool) -> Next {
    let (length, arrived) = (slot.length as usize, usize::from(slot.arrived));
    Next { sequence, length, again, order: slot.order, arrived }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(lengths: &[usize]) -> SendChannel {
        let mut channel = SendChannel::new(1);
        for &length in lengths {
            channel.push(0, &[&vec![length as u8; length]]);
        }
        channel
    }

    fn send(channel: &mut SendChannel, packet: u64) -> Option<Next> {
        let next = channel.peek()?;
        channel.handle_sent(next.sequence, packet);
        Some(next)
    }

    #[test]
    fn messages_leave_in_order_and_lost_ones_first() {
        let mut channel = with(&[3, 0, 5]);
        assert_eq!(channel.backlog(), 8);
        assert_eq!(
            send(&mut channel, 0),
            Some(Next { sequence: 0, length: 3, again: false, order: 0, arrived: 0 })
        );
        assert_eq!(
            send(&mut channel, 1),
            Some(Next { sequence: 1, length: 0, again: false, order: 0, arrived: 0 })
        );
        assert_eq!(channel.handle_lost(0, 1, 0), 1);
        assert!(!channel.is_sent());
        let again = Next { sequence: 0, length: 3, again: true, order: 0, arrived: 0 };
        assert_eq!(send(&mut channel, 2), Some(again));
        assert_eq!(channel.data(0).concat(), [3; 3]);
        assert_eq!(channel.handle_lost(0, 1, 0), 0, "it left again since");
        assert_eq!(
            send(&mut channel, 3),
            Some(Next { sequence: 2, length: 5, again: false, order: 0, arrived: 0 })
        );
        assert_eq!(send(&mut channel, 4), None);
        assert!(channel.is_sent() && !channel.is_idle() && channel.backlog() == 0);
    }

    #[test]
    fn acknowledged_messages_are_let_go_from_the_front() {
        let mut channel = with(&[3, 4, 5]);
        for packet in 0..3 {
            send(&mut channel, packet);
        }
        assert_eq!(channel.handle_acknowledged(1, 1), 1);
        assert_eq!(channel.cost(), 12 + 3 * MESSAGE_COST);
        assert_eq!(channel.handle_acknowledged(0, 2), 1);
        assert_eq!(channel.cost(), 5 + MESSAGE_COST);
        assert_eq!(channel.handle_acknowledged(0, 99), 1);
        assert!(channel.is_idle());
        assert_eq!(channel.handle_acknowledged(0, 99), 0);
    }

    #[test]
    fn only_sent_messages_can_be_delivered() {
        let mut channel = with(&[1, 1, 1]);
        send(&mut channel, 0);
        send(&mut channel, 1);
        channel.handle_delivered(3);
        assert_eq!(channel.slots.len(), 3);
        channel.handle_delivered(2);
        assert_eq!(channel.slots.len(), 1);
        channel.handle_delivered(1);
        assert_eq!(channel.slots.len(), 1);
    }

    #[test]
    fn a_gate_holds_everything_back() {
        let mut channel = with(&[1]);
        channel.gated = true;
        assert_eq!(channel.peek(), None);
        assert!(!channel.is_sent());
        channel.gated = false;
        assert!(channel.peek().is_some());
    }

    #[test]
    fn a_probe_sends_the_oldest_again() {
        let mut channel = with(&[100, 100, 100, 100]);
        for packet in 0..3 {
            send(&mut channel, packet);
        }
        channel.handle_acknowledged(1, 1);
        assert_eq!(channel.probe(150), 1);
        assert_eq!(channel.peek().map(|next| next.sequence), Some(0));
        assert_eq!(channel.probe(150), 1);
        assert_eq!(channel.probe(150), 0);
    }

    #[test]
    fn protection_covers_messages_of_earlier_packets() {
        let mut channel = with(&[10, 20, 30, 5]);
        assert_eq!(channel.unprotected(0), None);
        send(&mut channel, 0);
        assert_eq!(channel.unprotected(0), None, "it leaves with this very packet");
        let one = Span { first: 0, members: 1, longest: 10 };
        assert_eq!(channel.unprotected(1), Some(one));
        send(&mut channel, 1);
        send(&mut channel, 2);
        let two = Span { first: 0, members: 0b11, longest: 20 };
        assert_eq!(channel.unprotected(2), Some(two));
        channel.handle_protected(two);
        assert_eq!(channel.unprotected(2), None);
        send(&mut channel, 3);
        let overlapping = Span { first: 1, members: 0b11, longest: 30 };
        assert_eq!(channel.unprotected(3), Some(overlapping));
        channel.handle_acknowledged(0, 2);
        let one = Span { first: 2, members: 1, longest: 30 };
        assert_eq!(channel.unprotected(3), Some(one), "nothing older is missing");
        channel.handle_protected(one);
        assert_eq!(channel.unprotected(3), None, "what was protected alone does not follow");
    }

    #[test]
    fn protection_leaves_out_the_third_message_before_it_once_that_has_had_some() {
        let mut channel = with(&[1; 12]);
        for packet in 0..7 {
            send(&mut channel, packet);
        }
        let all = Span { first: 1, members: 0b1_1111, longest: 1 };
        assert_eq!(channel.unprotected(6), Some(all), "it reaches back five messages");
        channel.handle_protected(all);
        for (packet, first, members) in [(7, 2, 0b1_1011), (8, 3, 0b1_1011)] {
            send(&mut channel, packet);
            let span = Span { first, members, longest: 1 };
            assert_eq!(channel.unprotected(packet), Some(span), "{packet}");
        }
        send(&mut channel, 9);
        let third = Span { first: 4, members: 0b1_1111, longest: 1 };
        assert_eq!(channel.unprotected(9), Some(third), "three had none");
        channel.handle_acknowledged(5, 1);
        let known = Span { first: 4, members: 0b1_1101, longest: 1 };
        assert_eq!(channel.unprotected(9), Some(known), "it is there");
    }

    #[test]
    fn a_message_that_was_copied_into_anothers_packet_shares_none_with_it() {
        let mut channel = with(&[1; 5]);
        send(&mut channel, 0);
        send(&mut channel, 1);
        let copy = channel.unprotected(1).expect("is there");
        assert_eq!(copy.members, 1);
        channel.handle_sent(copy.first, 1);
        channel.handle_protected(copy);
        send(&mut channel, 2);
        let both = Span { first: 0, members: 0b11, longest: 1 };
        assert_eq!(channel.unprotected(2), Some(both));
    }

    #[test]
    fn messages_that_shared_a_packet_are_repeated_one_by_one() {
        let mut channel = with(&[10, 20, 30]);
        send(&mut channel, 0);
        send(&mut channel, 0);
        send(&mut channel, 1);
        for (first, longest) in [(0, 10), (1, 20)] {
            let span = channel.unprotected(1).expect("is there");
            assert_eq!(span, Span { first, members: 1, longest });
            channel.handle_sent(first, 1);
            channel.handle_protected(span);
        }
        assert_eq!(channel.unprotected(1), None);
    }
}
