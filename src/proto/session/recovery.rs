//! What was sent, what arrived, what is lost (RFC 9002 section 6).
//!
//! Packets stand in a ring by number, what they carried in a second one. A packet is lost when a
//! later one was acknowledged and either enough packets or enough time lie between. Packets that
//! turn out to have only been late make the first of the two more patient.

use std::collections::VecDeque;

use super::narrow::SIZES;
use super::rtt::RoundTrip;
use crate::proto::slots::Slots;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// Packets that are remembered; older ones count as lost.
const PACKETS_MAX: usize = 1 << 14;
/// Later packets that must have arrived until an earlier one is lost (RFC 9002 section 6.1.1).
const THRESHOLD: u64 = 3;
/// The same on a path that reorders a lot.
const THRESHOLD_MAX: u64 = 128;
/// Lost packets that may still turn up.
const SUSPECTS_MAX: usize = 32;
/// Packets that left longer ago, once or twice, need not be told apart from the next one.
const REMEMBERED: Micros = 2000 * MICROS_PER_MS;

/// Consecutive messages of a channel that a packet carried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Content {
    /// Place of the channel.
    pub channel: u8,
    /// The first message.
    pub first: u64,
    /// How many; 0: a piece of the first.
    pub count: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Its acknowledgement is awaited.
    InFlight,
    /// Acknowledged or lost, or it never asked.
    Done,
}

#[derive(Clone, Copy, Debug)]
struct Packet {
    sent: Micros,
    size: u32,
    state: State,
    /// Its loss must be noticed even when nothing follows.
    vital: bool,
    /// Where its contents begin, and how many there are.
    contents: u64,
    count: u32,
}

/// A packet that left.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Its bytes.
    pub size: usize,
    /// It asks for an acknowledgement.
    pub asks: bool,
    /// Its loss must be noticed even when nothing follows.
    pub vital: bool,
}

/// What an acknowledgement brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Acknowledged {
    /// Bytes that are no longer under way.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Time since the newest of them left, when it is the newest at all.
    pub elapsed: Option<Micros>,
    /// Packets that had been taken for lost.
    pub spurious: u64,
    /// Bytes of the longest of them.
    pub longest: u32,
}

/// What was lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Losses {
    /// Packets.
    pub packets: u64,
    /// When the last of them left.
    pub sent: Micros,
    /// For each step of [`SIZES`], when the last of those left that were longer.
    pub longer_sent: [Option<Micros>; SIZES.len()],
}

/// Packets under way.
#[derive(Debug)]
pub struct Recovery {
    packets: Slots<Packet>,
    /// Number of the first in the ring.
    base: u64,
    contents: Slots<Content>,
    contents_base: u64,
    largest_acknowledged: Option<u64>,
    in_flight: u64,
    /// Packets whose loss must be noticed.
    vital: u64,
    threshold: u64,
    loss_time: Option<Micros>,
    suspects: VecDeque<u64>,
    /// When the last packet left whose loss must be noticed.
    last_vital: Micros,
    /// That packets of more bytes get lost is known, and tells nothing new of the path.
    longest: u32,
    /// When and with which number the last two spans of time began.
    spans: [(Micros, u64); 2],
}

impl Recovery {
    /// Nothing was sent yet.
    pub fn new() -> Self {
        Self {
            packets: Slots::default(),
            base: 0,
            contents: Slots::default(),
            contents_base: 0,
            largest_acknowledged: None,
            in_flight: 0,
            vital: 0,
            threshold: THRESHOLD,
            loss_time: None,
            suspects: VecDeque::new(),
            last_vital: 0,
            longest: u32::MAX,
            spans: [(0, 0); 2],
        }
    }

    /// The number of the next packet.
    pub fn next_number(&self) -> u64 {
        self.base + self.packets.len() as u64
    }

    /// The first packet that the next one must not be mistaken for: the peer may not know of it,
    /// or it left so short a time ago that it may still be on its way.
    pub fn distinct_from(&mut self, now: Micros) -> u64 {
        if now.saturating_sub(self.spans[1].0) >= REMEMBERED {
            self.spans = [self.spans[1], (now, self.next_number())];
        }
        self.largest_acknowledged.map_or(0, |largest| largest + 1).min(self.spans[0].1)
    }

    /// From here on it is no news that packets of more bytes get lost.
    pub const fn set_longest(&mut self, longest: u32) {
        self.longest = longest;
    }

    /// Bytes under way.
    pub const fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Packets under way whose loss must be noticed.
    pub const fn vital(&self) -> u64 {
        self.vital
    }

    /// When the last of those left.
    pub const fn last_vital(&self) -> Micros {
        self.last_vital
    }

    /// When a packet is lost unless it is acknowledged before.
    pub const fn loss_time(&self) -> Option<Micros> {
        self.loss_time
    }

    /// The next packet carries messages, or with a count of 0 a piece of one.
    pub fn carry(&mut self, content: Content, already: u32) {
        if already > 0
            && content.count > 0
            && let Some(last) = self.contents.back_mut()
            && last.count > 0
            && last.channel == content.channel
            && last.first + u64::from(last.count) == content.first
        {
            last.count += content.count;
            return;
        }
        self.contents.push(content);
    }

    /// How many contents the next packet has so far.
    pub fn carried(&self) -> u32 {
        let end = self.contents_base + self.contents.len() as u64;
        let before = self
            .packets
            .back()
            .map_or(self.contents_base, |packet| packet.contents + u64::from(packet.count));
        (end - before) as u32
    }

    /// The next packet leaves.
    pub fn handle_sent(&mut self, now: Micros, sent: Sent) {
        let count = self.carried();
        let contents = self.contents_base + self.contents.len() as u64 - u64::from(count);
        let state = if sent.asks { State::InFlight } else { State::Done };
        let size = sent.size as u32;
        if sent.asks {
            self.in_flight += u64::from(size);
            self.vital += u64::from(sent.vital);
            if sent.vital {
                self.last_vital = now;
            }
        }
        let vital = sent.vital;
        self.packets.push(Packet { sent: now, size, state, vital, contents, count });
        if !sent.asks {
            self.retire();
        }
    }

    /// Must the oldest packet be given up before another one may leave?
    pub fn is_full(&self) -> bool {
        self.packets.len() >= PACKETS_MAX
    }

    /// Gives the oldest packet up, however new it is.
    pub fn give_up_oldest(&mut self, mut lose: impl FnMut(u64, Content)) -> Losses {
        let mut losses = Losses::default();
        let first = self.base;
        self.lose_at(0, &mut losses, &mut |content| lose(first, content));
        self.retire();
        losses
    }

    /// Forgets finished packets at the front.
    fn retire(&mut self) {
        while let Some(packet) = self.packets.front()
            && packet.state == State::Done
        {
            for _ in 0..packet.count {
                self.contents.pop_front();
            }
            self.contents_base += u64::from(packet.count);
            self.packets.pop_front();
            self.base += 1;
        }
    }

    /// Takes acknowledged ranges, newest first, and hands out what arrived. `None` when the peer
    /// acknowledges what was never sent; nothing has changed then.
    pub fn handle_ack(
        &mut self,
        now: Micros,
        largest: u64,
        mut ranges: impl Iterator<Item = (u64, u64)>,
        mut arrive: impl FnMut(u64, Content),
    ) -> Option<Acknowledged> {
        if largest >= self.next_number() {
            return None;
        }
        let mut result = Acknowledged::default();
        if self.largest_acknowledged.is_none_or(|before| largest > before) {
            self.largest_acknowledged = Some(largest);
            if let Some(place) = largest.checked_sub(self.base)
                && let Some(packet) = self.packets.get(place as usize)
                && packet.state == State::InFlight
            {
                result.elapsed = Some(now.saturating_sub(packet.sent));
            }
        }
        let newest = ranges.next();
        if let Some((start, end)) = newest
            && start <= self.base
            && self.suspects.is_empty()
        {
            // What older ranges say was known.
            self.acknowledge_first(end, &mut result, &mut arrive);
        } else {
            self.acknowledge_all(newest.into_iter().chain(ranges), &mut result, &mut arrive);
        }
        self.retire();
        Some(result)
    }

    #[inline(never)]
    fn acknowledge_all(
        &mut self,
        ranges: impl Iterator<Item = (u64, u64)>,
        result: &mut Acknowledged,
        arrive: &mut impl FnMut(u64, Content),
    ) {
        for (start, end) in ranges {
            if !self.suspects.is_empty() {
                self.clear_suspects(start, end, result);
            }
            if end < self.base {
                if self.suspects.is_empty() {
                    break;
                }
                continue;
            }
            if start <= self.base {
                self.acknowledge_first(end, result, arrive);
                continue;
            }
            for number in start..end + 1 {
                let place = (number - self.base) as usize;
                self.acknowledge_at(place, result, &mut |content| arrive(number, content));
            }
        }
    }

    /// The oldest packets have arrived, up to a number: mostly all that are under way, and so they
    /// are gone at once.
    #[inline]
    fn acknowledge_first(
        &mut self,
        end: u64,
        result: &mut Acknowledged,
        arrive: &mut impl FnMut(u64, Content),
    ) {
        while self.base <= end
            && let Some(&packet) = self.packets.front()
        {
            self.packets.drop_front();
            let number = self.base;
            self.base += 1;
            self.contents_base += u64::from(packet.count);
            let news = packet.state == State::InFlight;
            if news {
                self.count_arrived(&packet, result);
            }
            for _ in 0..packet.count {
                let Some(&content) = self.contents.front() else { break };
                self.contents.drop_front();
                if news {
                    arrive(number, content);
                }
            }
        }
    }

    const fn count_arrived(&mut self, packet: &Packet, result: &mut Acknowledged) {
        result.bytes += packet.size as u64;
        result.packets += 1;
        if result.longest < packet.size {
            result.longest = packet.size;
        }
        self.in_flight -= packet.size as u64;
        self.vital -= packet.vital as u64;
    }

    fn acknowledge_at(
        &mut self,
        place: usize,
        result: &mut Acknowledged,
        arrive: &mut impl FnMut(Content),
    ) {
        let packet = self.packets[place];
        if packet.state == State::Done {
            return;
        }
        self.packets[place].state = State::Done;
        self.count_arrived(&packet, result);
        let start = (packet.contents - self.contents_base) as usize;
        let end = start + packet.count as usize;
        for place in start..end {
            arrive(self.contents[place]);
        }
    }

    fn clear_suspects(&mut self, start: u64, end: u64, result: &mut Acknowledged) {
        let before = self.suspects.len();
        let mut distance = 0;
        let largest = self.largest_acknowledged.unwrap_or_default();
        self.suspects.retain(|&number| {
            let late = (start..=end).contains(&number);
            if late {
                distance = distance.max(largest.saturating_sub(number));
            }
            !late
        });
        let late = before - self.suspects.len();
        if late > 0 {
            result.spurious += late as u64;
            self.threshold = self.threshold.max(distance + 1).min(THRESHOLD_MAX);
        }
    }

    /// Has everything that left before the newest packet that arrived, arrived or was it given up?
    /// Then nothing is lost, or will be before another one arrives.
    #[inline]
    pub fn is_in_order(&mut self) -> bool {
        let in_order = self.largest_acknowledged.is_none_or(|largest| largest < self.base);
        if in_order {
            self.loss_time = None;
        }
        in_order
    }

    /// Finds packets that are lost by now, and hands out what they carried with their numbers.
    pub fn detect_losses(
        &mut self,
        now: Micros,
        rtt: &RoundTrip,
        mut lose: impl FnMut(u64, Content),
    ) -> Losses {
        let mut losses = Losses::default();
        self.loss_time = None;
        let Some(largest) = self.largest_acknowledged else { return losses };
        let delay = rtt.loss_delay();
        let mut number = self.base;
        while number < largest {
            let place = (number - self.base) as usize;
            let Some(packet) = self.packets.get(place) else { break };
            if packet.state == State::InFlight {
                let due = packet.sent.saturating_add(delay);
                if due > now && largest - number < self.threshold {
                    self.loss_time = Some(due);
                    break;
                }
                self.lose_at(place, &mut losses, &mut |content| lose(number, content));
            }
            number += 1;
        }
        self.retire();
        losses
    }

    fn lose_at(&mut self, place: usize, losses: &mut Losses, lose: &mut impl FnMut(Content)) {
        let Some(packet) = self.packets.get_mut(place) else { return };
        packet.state = State::Done;
        losses.packets += 1;
        losses.sent = losses.sent.max(packet.sent);
        if packet.size <= self.longest {
            for (last, step) in losses.longer_sent.iter_mut().zip(SIZES) {
                if packet.size > u32::from(step) {
                    *last = (*last).max(Some(packet.sent));
                }
            }
        }
        self.in_flight -= u64::from(packet.size);
        self.vital -= u64::from(packet.vital);
        if self.suspects.len() >= SUSPECTS_MAX {
            self.suspects.pop_front();
        }
        self.suspects.push_back(self.base + place as u64);
        let start = (packet.contents - self.contents_base) as usize;
        let end = start + packet.count as usize;
        for place in start..end {
            lose(self.contents[place]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKS: Sent = Sent { size: 100, asks: true, vital: true };

    fn rtt() -> RoundTrip {
        let mut rtt = RoundTrip::new(None);
        rtt.handle_sample(40_000, 0);
        rtt
    }

    /// Sends packets with one message each, one every millisecond.
    fn sent(count: u64) -> Recovery {
        let mut recovery = Recovery::new();
        for number in 0..count {
            recovery.carry(Content { channel: 0, first: number, count: 1 }, 0);
            recovery.handle_sent(number * 1000, ASKS);
        }
        recovery
    }

    fn ack(
        recovery: &mut Recovery,
        now: Micros,
        ranges: &[(u64, u64)],
    ) -> (Acknowledged, Vec<u64>) {
        let mut arrived = Vec::new();
        let result = recovery
            .handle_ack(now, ranges[0].1, ranges.iter().copied(), |_, content| {
                arrived.push(content.first);
            })
            .expect("was sent");
        (result, arrived)
    }

    fn losses(recovery: &mut Recovery, now: Micros) -> Vec<u64> {
        let mut lost = Vec::new();
        recovery.detect_losses(now, &rtt(), |number, content| {
            assert_eq!(number, content.first);
            lost.push(number);
        });
        lost
    }

    #[test]
    fn acknowledged_packets_give_back_their_bytes_and_contents_once() {
        let mut recovery = sent(5);
        assert_eq!((recovery.in_flight(), recovery.vital()), (500, 5));
        let (result, arrived) = ack(&mut recovery, 50_000, &[(3, 4), (0, 1)]);
        assert_eq!((result.bytes, result.packets, result.elapsed), (400, 4, Some(46_000)));
        assert_eq!(arrived, [3, 4, 0, 1]);
        let (result, arrived) = ack(&mut recovery, 50_000, &[(3, 4), (0, 1)]);
        assert_eq!((result, arrived.len()), (Acknowledged::default(), 0));
        assert_eq!(recovery.in_flight(), 100);
    }

    #[test]
    fn what_was_never_sent_cannot_be_acknowledged() {
        let mut recovery = sent(5);
        assert!(
            recovery.handle_ack(0, 5, [(0, 5)].into_iter(), |_, _| panic!("nothing")).is_none()
        );
        assert_eq!(recovery.in_flight(), 500);
    }

    #[test]
    fn a_packet_is_lost_after_three_later_ones_or_after_time() {
        let mut recovery = sent(5);
        ack(&mut recovery, 10_000, &[(1, 3)]);
        assert_eq!(losses(&mut recovery, 10_000), [0]);
        let mut recovery = sent(5);
        ack(&mut recovery, 10_000, &[(1, 2)]);
        assert_eq!(losses(&mut recovery, 10_000), []);
        assert_eq!(recovery.loss_time(), Some(45_000));
        assert_eq!(losses(&mut recovery, 44_999), []);
        assert_eq!(losses(&mut recovery, 45_000), [0]);
        assert_eq!((recovery.loss_time(), recovery.in_flight()), (None, 200));
    }

    #[test]
    fn a_late_packet_makes_the_threshold_more_patient() {
        let mut recovery = sent(20);
        ack(&mut recovery, 10_000, &[(1, 6)]);
        assert_eq!(losses(&mut recovery, 10_000), [0]);
        let (result, arrived) = ack(&mut recovery, 11_000, &[(0, 6)]);
        assert_eq!((result.spurious, arrived.len()), (1, 0));
        ack(&mut recovery, 12_000, &[(8, 13)]);
        assert_eq!(losses(&mut recovery, 12_000), []);
        ack(&mut recovery, 12_000, &[(8, 14)]);
        assert_eq!(losses(&mut recovery, 12_000), [7]);
    }

    #[test]
    fn what_does_not_ask_is_not_under_way() {
        let mut recovery = Recovery::new();
        recovery.handle_sent(0, Sent { size: 20, asks: false, vital: false });
        assert_eq!((recovery.in_flight(), recovery.next_number()), (0, 1));
        assert!(recovery.packets.is_empty());
        let (result, _) = ack(&mut recovery, 9, &[(0, 0)]);
        assert_eq!(result, Acknowledged::default());
    }

    #[test]
    fn the_oldest_is_given_up_when_too_many_are_under_way() {
        let mut recovery = sent(PACKETS_MAX as u64);
        assert!(recovery.is_full());
        let mut lost = Vec::new();
        recovery.give_up_oldest(|number, content| lost.push((number, content.first)));
        assert_eq!(lost, [(0, 0)]);
        assert!(!recovery.is_full());
    }
}
