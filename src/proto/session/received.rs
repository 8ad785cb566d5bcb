//! Which packets arrived, and when to say so.
//!
//! Numbers are kept as ranges, newest first. A range is reported a few times and then no more:
//! its sender has seen it, or has sent again what was in it. Acknowledgements wait for the
//! program's answer, for more packets, or for a short time, whichever ends first.

use crate::proto::time::Micros;

/// Ranges that are remembered. Packets older than all of them count as received before.
pub const RANGES_MAX: usize = 64;
/// Acknowledgements that report a range after it has changed last.
const REPORTS: u8 = 6;
/// Packets with reliable messages until an acknowledgement is due. A stream of a game, at 60 a
/// second, hears ten times a second that all is well; of a gap it hears at once.
const RELIABLE_PACKETS: u32 = 6;
/// Packets with others until one is due.
const PACKETS: u32 = 16;
/// Times the delay that any packet may wait; one without reliable messages does.
const PATIENCE: u64 = 4;

#[derive(Clone, Copy, Debug)]
struct Range {
    start: u64,
    end: u64,
    reports: u8,
}

/// The receiving side's memory of packet numbers.
#[derive(Debug)]
pub struct Received {
    /// Newest first.
    ranges: Vec<Range>,
    /// Everything below was forgotten.
    floor: u64,
    newest_at: Micros,
    /// Packets that ask for an acknowledgement and have none, and when the first of them came.
    waiting: u32,
    waiting_since: Micros,
    /// Bytes of those, and how many are too many: whoever sends much measures the queue of the path
    /// by what comes back.
    waiting_bytes: u64,
    bytes_max: u64,
    deadline: Option<Micros>,
    /// A gap: the peer should hear of it soon.
    urgent: bool,
    /// The program has seen what arrived and had its chance to answer.
    answered: bool,
}

/// What a packet asks of its receiver.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Asks {
    /// To be acknowledged.
    pub acknowledgement: bool,
    /// It held reliable messages.
    pub reliable: bool,
    /// At once: something is missing.
    pub at_once: bool,
}

impl Received {
    /// Nothing arrived yet. `datagram` is the length of long ones.
    pub fn new(datagram: u64) -> Self {
        Self {
            ranges: Vec::with_capacity(RANGES_MAX + 1),
            floor: 0,
            newest_at: 0,
            waiting: 0,
            waiting_since: 0,
            waiting_bytes: 0,
            bytes_max: datagram + datagram / 2,
            deadline: None,
            urgent: false,
            answered: true,
        }
    }

    /// The number that the next packet has if none is lost.
    pub fn expected(&self) -> u64 {
        self.ranges.first().map_or(0, |range| range.end + 1)
    }

    /// Did a packet come before? What is too old to tell did.
    pub fn contains(&self, number: u64) -> bool {
        if number >= self.expected() {
            return false;
        }
        let at = self.ranges.partition_point(|range| range.start > number);
        number < self.floor || self.ranges.get(at).is_some_and(|range| number <= range.end)
    }

    /// Packets below a number count as received before.
    pub fn forget_below(&mut self, number: u64) {
        self.floor = self.floor.max(number);
    }

    /// Notes a packet; false when it came before.
    #[inline]
    pub fn insert(&mut self, now: Micros, number: u64) -> bool {
        if let Some(newest) = self.ranges.first_mut()
            && number == newest.end + 1
        {
            newest.end = number;
            newest.reports = REPORTS;
            self.newest_at = now;
            return true;
        }
        self.insert_elsewhere(now, number)
    }

    #[inline(never)]
    fn insert_elsewhere(&mut self, now: Micros, number: u64) -> bool {
        let at = match self.ranges.first() {
            Some(newest) if number <= newest.end => {
                // Ranges in front of the place are those whose packets are all newer.
                self.ranges.partition_point(|range| range.start > number)
            }
            _ => {
                self.newest_at = now;
                0
            }
        };
        if number < self.floor {
            return false;
        }
        let joins_older = match self.ranges.get(at) {
            Some(older) if number <= older.end => return false,
            Some(older) => number == older.end + 1,
            None => false,
        };
        let joins_newer = at > 0 && self.ranges[at - 1].start == number + 1;
        match (joins_older, joins_newer) {
            (true, true) => {
                self.ranges[at - 1].start = self.ranges[at].start;
                self.ranges[at - 1].reports = REPORTS;
                self.ranges.remove(at);
            }
            (true, false) => {
                self.ranges[at].end = number;
                self.ranges[at].reports = REPORTS;
            }
            (false, true) => {
                self.ranges[at - 1].start = number;
                self.ranges[at - 1].reports = REPORTS;
            }
            (false, false) => {
                self.ranges.insert(at, Range { start: number, end: number, reports: REPORTS });
                if self.ranges.len() > RANGES_MAX
                    && let Some(oldest) = self.ranges.pop()
                {
                    self.floor = oldest.end + 1;
                }
            }
        }
        true
    }

    /// Notes what a packet of so many bytes that arrived asks for.
    pub fn handle_packet(&mut self, now: Micros, asks: Asks, bytes: u64, delay: Micros) {
        let was_due = self.urgent && self.answered;
        self.urgent |= asks.at_once;
        if !asks.acknowledgement {
            return;
        }
        // What the program could have answered is told, whatever comes between.
        self.answered = was_due;
        self.waiting += 1;
        self.urgent |= self.waiting >= PACKETS;
        if self.waiting == 1 {
            self.waiting_since = now;
        }
        let latest = self.waiting_since.saturating_add(delay.saturating_mul(PATIENCE));
        if asks.reliable {
            self.waiting_bytes += bytes;
            self.urgent |= self.waiting >= RELIABLE_PACKETS || self.waiting_bytes > self.bytes_max;
            // While more comes, nobody needs to know: what the sender fears for is its newest.
            self.deadline = Some(now.saturating_add(delay).min(latest));
        } else if self.deadline.is_none() {
            self.deadline = Some(latest);
        }
    }

    /// The program has seen what arrived and had its chance to answer.
    pub const fn handle_answered(&mut self) {
        self.answered = true;
    }

    /// Is no acknowledgement owed, now or later?
    pub const fn is_quiet(&self) -> bool {
        !self.urgent && self.deadline.is_none()
    }

    /// Has anything arrived that was not acknowledged? A packet that leaves anyway should say so.
    pub const fn has_news(&self) -> bool {
        self.waiting > 0 || self.urgent
    }

    /// Are there several ranges?
    pub const fn has_gaps(&self) -> bool {
        self.ranges.len() > 1
    }

    /// Must an acknowledgement leave now, by itself if need be?
    pub fn is_due(&self, now: Micros) -> bool {
        self.urgent && self.answered || self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// When one is due at the latest.
    pub const fn next_timeout(&self) -> Option<Micros> {
        self.deadline
    }

    /// Lets `write` report the delay and the ranges; they count as reported. False when there is
    /// nothing to report.
    #[inline]
    pub fn report(&mut self, now: Micros, mut write: impl FnMut(Micros, &[(u64, u64)])) -> bool {
        let delay = now.saturating_sub(self.newest_at);
        match &mut self.ranges[..] {
            [] => return false,
            [only] => {
                only.reports = only.reports.saturating_sub(1);
                write(delay, &[(only.start, only.end)]);
            }
            _ => self.report_several(delay, write),
        }
        self.waiting = 0;
        self.waiting_bytes = 0;
        self.deadline = None;
        self.urgent = false;
        true
    }

    #[inline(never)]
    fn report_several(&mut self, delay: Micros, mut write: impl FnMut(Micros, &[(u64, u64)])) {
        let mut ranges = [(0, 0); super::frame::ACK_RANGES_MAX + 1];
        let mut count = 0;
        for (place, range) in self.ranges.iter_mut().enumerate() {
            if count == ranges.len() {
                break;
            }
            if range.reports == 0 && place > 0 {
                continue;
            }
            range.reports = range.reports.saturating_sub(1);
            ranges[count] = (range.start, range.end);
            count += 1;
        }
        write(delay, &ranges[..count]);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const DATAGRAM: u64 = 1400;
    const ASKS: Asks = Asks { acknowledgement: true, reliable: true, at_once: false };

    fn reported(received: &mut Received, now: Micros) -> Vec<(u64, u64)> {
        let mut all = Vec::new();
        received.report(now, |_, ranges| all = ranges.to_vec());
        all
    }

    #[test]
    fn every_sixth_packet_is_acknowledged_once_the_program_had_its_chance() {
        let mut received = Received::new(DATAGRAM);
        for number in 0..5 {
            received.insert(10 * number, number);
            received.handle_packet(10 * number, ASKS, 200, 25);
            received.handle_answered();
            assert!(received.has_news() && !received.is_due(10 * number));
        }
        received.insert(50, 5);
        received.handle_packet(50, ASKS, 200, 25);
        assert!(!received.is_due(50), "the program may want to answer");
        received.handle_answered();
        assert!(received.is_due(50));
        assert_eq!(reported(&mut received, 50), [(0, 5)]);
        assert!(!received.has_news() && received.next_timeout().is_none());
    }

    #[test]
    fn a_program_that_had_its_chance_is_not_waited_for_again_because_more_comes() {
        let mut received = Received::new(DATAGRAM);
        received.insert(0, 1);
        received.handle_packet(0, Asks { at_once: true, ..ASKS }, 200, 25);
        received.handle_answered();
        received.handle_packet(1, ASKS, 200, 25);
        assert!(received.is_due(1));
        reported(&mut received, 1);
        received.handle_packet(2, Asks { at_once: true, ..ASKS }, 200, 25);
        assert!(!received.is_due(2));
    }

    #[test]
    fn every_second_long_packet_is_acknowledged() {
        let mut received = Received::new(DATAGRAM);
        for (number, due) in [(0, false), (1, true), (2, false), (3, true)] {
            received.insert(10 * number, number);
            received.handle_packet(10 * number, ASKS, DATAGRAM - 100, 25);
            received.handle_answered();
            assert_eq!(received.is_due(10 * number), due, "{number}");
            if due {
                reported(&mut received, 10 * number);
            }
        }
    }

    #[test]
    fn an_acknowledgement_leaves_when_no_more_comes_and_never_later_than_four_delays() {
        let mut received = Received::new(DATAGRAM);
        for (now, due) in [(0, 25), (20, 45), (40, 65), (60, 85), (80, 100)] {
            received.insert(now, now / 20);
            received.handle_packet(now, ASKS, 200, 25);
            assert_eq!(received.next_timeout(), Some(due));
            assert!(!received.is_due(due - 1) && received.is_due(due));
        }
        let unreliable = Asks { reliable: false, ..ASKS };
        received.handle_packet(90, unreliable, 200, 25);
        assert_eq!(received.next_timeout(), Some(100), "it puts nothing off");
        reported(&mut received, 100);
        received.handle_packet(200, unreliable, 200, 25);
        assert_eq!(received.next_timeout(), Some(300));
        received.handle_packet(210, ASKS, 200, 25);
        assert_eq!(received.next_timeout(), Some(235));
    }

    #[test]
    fn a_gap_is_told_soon_and_unreliable_packets_late() {
        let mut received = Received::new(DATAGRAM);
        received.handle_packet(0, Asks { at_once: true, ..ASKS }, 200, 25);
        received.handle_answered();
        assert!(received.is_due(0));
        let mut received = Received::new(DATAGRAM);
        for number in 0..16 {
            assert!(!received.is_due(99));
            received.insert(0, number);
            received.handle_packet(0, Asks { reliable: false, ..ASKS }, 200, 25);
            received.handle_answered();
        }
        assert!(received.is_due(0));
    }

    #[test]
    fn a_range_is_reported_a_few_times_and_remembered_longer() {
        let mut received = Received::new(DATAGRAM);
        for number in [0, 1, 4] {
            assert!(received.insert(0, number));
        }
        for _ in 0..REPORTS {
            assert_eq!(reported(&mut received, 0), [(4, 4), (0, 1)]);
        }
        assert_eq!(reported(&mut received, 0), [(4, 4)]);
        assert!(!received.insert(0, 1) && received.insert(0, 2));
        assert_eq!(reported(&mut received, 0), [(4, 4), (0, 2)]);
        assert!(received.insert(0, 3));
        assert_eq!(reported(&mut received, 0), [(0, 4)]);
    }

    #[test]
    fn what_is_older_than_all_ranges_counts_as_received() {
        let mut received = Received::new(DATAGRAM);
        for number in 0..=RANGES_MAX as u64 {
            assert!(received.insert(0, 10 + 2 * number));
        }
        assert_eq!(received.ranges.len(), RANGES_MAX);
        assert!(!received.insert(0, 9) && !received.insert(0, 10) && received.insert(0, 11));
    }

    proptest! {
        #[test]
        fn it_is_a_set(numbers in proptest::collection::vec(0u64..120, 0..200)) {
            let mut received = Received::new(DATAGRAM);
            let mut model = BTreeSet::new();
            for number in numbers {
                let forgotten = number < received.floor;
                prop_assert_eq!(received.contains(number), forgotten || model.contains(&number));
                prop_assert_eq!(received.insert(0, number), !forgotten && model.insert(number));
                model.insert(number);
                prop_assert!(received.ranges.windows(2).all(|two| two[0].start > two[1].end + 1));
                let newest = model.last().copied();
                prop_assert_eq!(received.expected(), newest.map_or(0, |newest| newest + 1));
            }
            let held = received.ranges.iter().rev().flat_map(|range| range.start..=range.end);
            prop_assert!(held.eq(model.range(received.floor..).copied()));
        }
    }
}
