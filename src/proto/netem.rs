//! A seeded network emulator: packets in, the same packets out later, twice, in another order or
//! never. It serves the tests (virtual time, replayable seed) and the public simulator.
//!
//! It never looks at a packet's content and owns no clock: a packet that is due comes out at the
//! next [`Netem::poll_packet`].

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::random::Random;
use super::time::Micros;

/// Packets held by default before further ones are dropped.
pub const QUEUE_MAX_DEFAULT: usize = 4096;

/// What the emulated network does. The default is a perfect one.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Params {
    /// Packets that vanish, in percent (0 to 100).
    pub loss_percent: f32,
    /// Packets that arrive twice, in percent (0 to 100). The copy has its own jitter.
    pub duplicate_percent: f32,
    /// Time every packet takes, in microseconds.
    pub delay: Micros,
    /// Largest deviation from `delay`, up or down, in microseconds; uniform, and the sum is never
    /// below zero. Packets overtake each other.
    pub jitter: Micros,
    /// Packets that skip the delay, in percent (0 to 100), and so overtake others.
    pub reorder_percent: f32,
    /// Larger packets (bytes) are dropped; 0 = no limit.
    pub size_max: usize,
    /// The link is cut: what goes in, or would come out, is dropped.
    pub partitioned: bool,
    /// Packets held at once; excess ones are dropped.
    pub queue_max: usize,
    /// Bytes that the link carries in a second; 0 = no limit. Packets wait for those in front.
    pub rate: u64,
    /// Bytes that wait for the link before further packets are dropped; 0 = no limit.
    pub backlog_max: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            loss_percent: 0.0,
            duplicate_percent: 0.0,
            delay: 0,
            jitter: 0,
            reorder_percent: 0.0,
            size_max: 0,
            partitioned: false,
            queue_max: QUEUE_MAX_DEFAULT,
            rate: 0,
            backlog_max: 0,
        }
    }
}

impl Params {
    /// Checks the values a user gave.
    ///
    /// # Errors
    /// A text that names the wrong field and its range.
    pub fn validate(&self) -> Result<(), &'static str> {
        let percent = 0.0..=100.0;
        if !percent.contains(&self.loss_percent) {
            return Err("packet loss must be a percentage from 0 to 100");
        }
        if !percent.contains(&self.duplicate_percent) {
            return Err("packet duplication must be a percentage from 0 to 100");
        }
        if !percent.contains(&self.reorder_percent) {
            return Err("packet reordering must be a percentage from 0 to 100");
        }
        if self.queue_max == 0 {
            return Err("the simulated network must be able to hold at least one packet");
        }
        Ok(())
    }
}

/// What has happened since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// Packets that came out, copies included.
    pub passed: u64,
    /// Packets that never come out, for whatever reason (copies that found no room included).
    pub dropped: u64,
    /// The part of `dropped` that found the queue full.
    pub overflowed: u64,
    /// Copies made.
    pub duplicated: u64,
    /// Packets that came out after one that went in later.
    pub reordered: u64,
}

/// The emulator. One direction of one link, or of a whole driver.
#[derive(Clone, Debug)]
pub struct Netem<T> {
    params: Params,
    random: Random,
    held: BinaryHeap<Held<T>>,
    arrivals: u64,
    newest_out: Option<u64>,
    /// When the link has carried what it was given, in nanoseconds.
    link_free: u128,
    statistics: Statistics,
}

#[derive(Clone, Debug)]
struct Held<T> {
    due: Micros,
    arrival: u64,
    packet: T,
}

impl<T> Ord for Held<T> {
    // Reversed, because BinaryHeap puts the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.arrival).cmp(&(self.due, self.arrival))
    }
}

impl<T> PartialOrd for Held<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Held<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Held<T> {}

impl<T: Clone> Netem<T> {
    /// An empty network. `params` should have passed [`Params::validate`]; percentages outside
    /// of 0 to 100 act like the nearest end.
    #[must_use]
    pub fn new(params: Params, seed: u64) -> Self {
        Self {
            params,
            random: Random::new(seed),
            held: BinaryHeap::new(),
            arrivals: 0,
            newest_out: None,
            link_free: 0,
            statistics: Statistics::default(),
        }
    }

    /// Changes the network; packets under way keep their time of arrival.
    pub fn set_params(&mut self, params: Params) {
        self.params = params;
    }

    /// What the network does now.
    #[must_use]
    pub const fn params(&self) -> &Params {
        &self.params
    }

    /// A packet of `size` bytes enters the network.
    pub fn handle_packet(&mut self, now: Micros, packet: T, size: usize) {
        let lost = self.random.chance(self.params.loss_percent);
        let twice = self.random.chance(self.params.duplicate_percent);
        let oversize = self.params.size_max != 0 && size > self.params.size_max;
        if lost || oversize || self.params.partitioned {
            self.statistics.dropped += 1;
            return;
        }
        let Some(leaves) = self.cross_link(now, size) else {
            self.statistics.dropped += 1;
            self.statistics.overflowed += 1;
            return;
        };
        if twice {
            self.statistics.duplicated += 1;
            self.hold(leaves, packet.clone());
        }
        self.hold(leaves, packet);
    }

    /// When a packet has left the link; `None` when too much waits for it already.
    fn cross_link(&mut self, now: Micros, size: usize) -> Option<Micros> {
        if self.params.rate == 0 {
            return Some(now);
        }
        let rate = u128::from(self.params.rate);
        let start = self.link_free.max(u128::from(now) * 1000);
        let waiting = (start - u128::from(now) * 1000) * rate / 1_000_000_000;
        let limit = u128::from(self.params.backlog_max);
        if limit > 0 && waiting + size as u128 > limit {
            return None;
        }
        self.link_free = start + size as u128 * 1_000_000_000 / rate;
        Some(Micros::try_from(self.link_free.div_ceil(1000)).unwrap_or(Micros::MAX))
    }

    /// The next packet that leaves the network: due ones by time, then by order of entry.
    pub fn poll_packet(&mut self, now: Micros) -> Option<T> {
        let held = loop {
            if self.held.peek()?.due > now {
                return None;
            }
            let held = self.held.pop()?;
            if !self.params.partitioned {
                break held;
            }
            self.statistics.dropped += 1;
        };
        self.statistics.passed += 1;
        if self.newest_out.is_some_and(|newest| held.arrival < newest) {
            self.statistics.reordered += 1;
        } else {
            self.newest_out = Some(held.arrival);
        }
        Some(held.packet)
    }

    /// When the next packet is due.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Micros> {
        self.held.peek().map(|held| held.due)
    }

    /// Packets under way.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// What has happened since the start.
    #[must_use]
    pub const fn statistics(&self) -> Statistics {
        self.statistics
    }

    fn hold(&mut self, now: Micros, packet: T) {
        let due = now.saturating_add(self.draw_delay());
        if self.held.len() >= self.params.queue_max {
            self.statistics.dropped += 1;
            self.statistics.overflowed += 1;
            return;
        }
        let arrival = self.arrivals;
        self.arrivals += 1;
        self.held.push(Held { due, arrival, packet });
    }

    fn draw_delay(&mut self) -> Micros {
        let Params { delay, jitter, reorder_percent, .. } = self.params;
        let skips = self.random.chance(reorder_percent);
        let spread = jitter.saturating_mul(2).saturating_add(1);
        let deviation = self.random.below(spread);
        if skips { 0 } else { delay.saturating_add(deviation).saturating_sub(jitter) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sends `count` numbered packets, one every `gap` microseconds, and returns (time, number)
    /// as they come out.
    fn run(params: Params, seed: u64, count: u32, gap: Micros) -> (Vec<(Micros, u32)>, Statistics) {
        let mut netem = Netem::new(params, seed);
        let mut out = Vec::new();
        let mut drain = |netem: &mut Netem<u32>, until: Micros| {
            while let Some(now) = netem.next_timeout().filter(|&due| due <= until) {
                let packet = netem.poll_packet(now).expect("due packets come out");
                out.push((now, packet));
            }
        };
        for number in 0..count {
            let now = Micros::from(number) * gap;
            drain(&mut netem, now);
            netem.handle_packet(now, number, 100);
        }
        drain(&mut netem, Micros::MAX);
        assert_eq!(netem.held(), 0);
        (out, netem.statistics())
    }

    #[test]
    fn a_perfect_network_passes_everything_at_once_and_in_order() {
        let (out, statistics) = run(Params::default(), 1, 100, 10);
        assert_eq!(out, (0..100).map(|n| (Micros::from(n) * 10, n)).collect::<Vec<_>>());
        assert_eq!(statistics, Statistics { passed: 100, ..Statistics::default() });
    }

    #[test]
    fn one_seed_is_one_history_and_another_seed_another() {
        let params = Params {
            loss_percent: 10.0,
            duplicate_percent: 10.0,
            delay: 50_000,
            jitter: 30_000,
            reorder_percent: 5.0,
            ..Params::default()
        };
        assert_eq!(run(params, 7, 500, 1000), run(params, 7, 500, 1000));
        assert_ne!(run(params, 7, 500, 1000).0, run(params, 8, 500, 1000).0);
    }

    #[test]
    fn a_delay_is_exact_and_keeps_the_order() {
        let params = Params { delay: 5000, ..Params::default() };
        let mut netem = Netem::new(params, 1);
        netem.handle_packet(100, "a", 1);
        netem.handle_packet(100, "b", 1);
        assert_eq!(netem.next_timeout(), Some(5100));
        assert_eq!(netem.poll_packet(5099), None);
        assert_eq!(netem.poll_packet(5100), Some("a"));
        assert_eq!(netem.poll_packet(9999), Some("b"));
        assert_eq!((netem.poll_packet(9999), netem.next_timeout()), (None, None));
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_reorders() {
        let params = Params { delay: 1000, jitter: 3000, ..Params::default() };
        let (out, statistics) = run(params, 3, 1000, 100);
        let delay = |&(time, number): &(Micros, u32)| time - Micros::from(number) * 100;
        assert_eq!(out.iter().map(delay).min(), Some(0), "clamped at zero");
        let most = out.iter().map(delay).max().unwrap();
        assert!((3900..=4000).contains(&most), "{most}");
        assert!(statistics.reordered > 300, "{statistics:?}");
        let overtaken = (1..out.len()).filter(|&i| out[..i].iter().any(|p| p.1 > out[i].1)).count();
        assert_eq!(statistics.reordered, overtaken as u64);
    }

    #[test]
    fn loss_and_duplication_follow_their_percentages() {
        let params = Params { loss_percent: 20.0, duplicate_percent: 50.0, ..Params::default() };
        let (out, statistics) = run(params, 5, 10_000, 1);
        assert!((1800..2200).contains(&statistics.dropped), "{statistics:?}");
        assert!((3800..4200).contains(&statistics.duplicated), "{statistics:?}");
        assert_eq!(out.len() as u64, statistics.passed);
        assert_eq!(statistics.passed + statistics.dropped, 10_000 + statistics.duplicated);
        let (out, _) = run(Params { loss_percent: 100.0, ..Params::default() }, 5, 100, 1);
        assert!(out.is_empty());
    }

    #[test]
    fn reordered_packets_skip_the_delay() {
        let params = Params { delay: 10_000, reorder_percent: 25.0, ..Params::default() };
        let (out, statistics) = run(params, 9, 1000, 100);
        let skipped = out.iter().filter(|&&(time, n)| time == Micros::from(n) * 100).count();
        assert!((200..300).contains(&skipped), "{skipped}");
        assert!(statistics.reordered > 500, "{statistics:?}");
    }

    #[test]
    fn packets_above_the_size_limit_are_dropped() {
        let mut netem = Netem::new(Params { size_max: 10, ..Params::default() }, 1);
        netem.handle_packet(0, 1, 11);
        netem.handle_packet(0, 2, 10);
        assert_eq!((netem.poll_packet(0), netem.poll_packet(0)), (Some(2), None));
        netem.set_params(Params::default());
        netem.handle_packet(0, 3, 11);
        assert_eq!(netem.poll_packet(0), Some(3));
        assert_eq!(netem.statistics().dropped, 1);
    }

    #[test]
    fn a_partition_lets_nothing_in_and_nothing_out() {
        let params = Params { delay: 5, ..Params::default() };
        let mut netem = Netem::new(params, 1);
        netem.handle_packet(0, "due while cut", 1);
        netem.handle_packet(3, "due after", 1);
        netem.set_params(Params { partitioned: true, ..params });
        netem.handle_packet(4, "sent while cut", 1);
        assert_eq!(netem.poll_packet(6), None);
        assert_eq!(netem.next_timeout(), Some(8), "no timeout stays in the past");
        netem.set_params(params);
        assert_eq!((netem.poll_packet(8), netem.poll_packet(99)), (Some("due after"), None));
        assert_eq!(netem.statistics().dropped, 2);
    }

    #[test]
    fn a_full_queue_drops_the_excess_and_counts_it() {
        let params = Params { delay: 5, queue_max: 3, ..Params::default() };
        let (out, statistics) = run(params, 1, 10, 0);
        assert_eq!(out.iter().map(|packet| packet.1).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!((statistics.dropped, statistics.overflowed), (7, 7));
        assert_eq!(Params::default().queue_max, QUEUE_MAX_DEFAULT);
    }

    #[test]
    fn a_link_with_a_rate_lets_packets_wait_and_drops_what_it_cannot_hold() {
        // 100 bytes each millisecond; every packet has 100.
        let params = Params { rate: 100_000, delay: 5000, ..Params::default() };
        let (out, _) = run(params, 1, 4, 0);
        assert_eq!(out, [(6000, 0), (7000, 1), (8000, 2), (9000, 3)]);
        let (out, _) = run(params, 1, 3, 2000);
        assert_eq!(out, [(6000, 0), (8000, 1), (10_000, 2)]);
        let (out, statistics) = run(Params { backlog_max: 250, ..params }, 1, 9, 0);
        assert_eq!(out.len(), 2);
        assert_eq!((statistics.dropped, statistics.overflowed), (7, 7));
    }

    #[test]
    fn wrong_settings_are_named() {
        let wrong = [
            Params { loss_percent: -1.0, ..Params::default() },
            Params { duplicate_percent: 100.1, ..Params::default() },
            Params { reorder_percent: f32::NAN, ..Params::default() },
            Params { queue_max: 0, ..Params::default() },
        ];
        let named = ["loss", "duplication", "reordering", "one packet"];
        for (params, name) in wrong.iter().zip(named) {
            assert!(params.validate().unwrap_err().contains(name), "{name}");
        }
        assert_eq!(Params::default().validate(), Ok(()));
    }

    #[test]
    fn time_at_its_end_does_not_overflow() {
        let params = Params { delay: Micros::MAX, jitter: Micros::MAX, ..Params::default() };
        let mut netem = Netem::new(params, 1);
        netem.handle_packet(Micros::MAX, 1, 1);
        assert_eq!(netem.poll_packet(Micros::MAX), Some(1));
    }

    proptest! {
        #[test]
        fn packets_come_out_by_time_and_none_is_invented(
            seed: u64, delay in 0u64..1000, jitter in 0u64..1000, loss in 0f32..100.0,
            duplicate in 0f32..100.0, reorder in 0f32..100.0, queue_max in 1usize..20,
        ) {
            let params = Params {
                loss_percent: loss, duplicate_percent: duplicate, delay, jitter,
                reorder_percent: reorder, queue_max, ..Params::default()
            };
            let (out, statistics) = run(params, seed, 50, 40);
            prop_assert!(out.is_sorted_by_key(|packet| packet.0));
            prop_assert_eq!(statistics.passed + statistics.dropped, 50 + statistics.duplicated);
            for number in 0..50 {
                prop_assert!(out.iter().filter(|packet| packet.1 == number).count() <= 2);
            }
        }
    }
}
