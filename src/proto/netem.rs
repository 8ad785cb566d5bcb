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
    /// Nothing gets in. What is under way still arrives.
    pub partitioned: bool,
    /// Packets held at once; excess ones are dropped.
    pub queue_max: usize,
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
            statistics: Statistics::default(),
        }
    }

    /// Changes the network for packets to come; those under way keep their time of arrival.
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
        if twice {
            self.statistics.duplicated += 1;
            self.hold(now, packet.clone());
        }
        self.hold(now, packet);
    }

    /// The next packet that leaves the network: due ones by time, then by order of entry.
    pub fn poll_packet(&mut self, now: Micros) -> Option<T> {
        if self.held.peek()?.due > now {
            return None;
        }
        let held = self.held.pop()?;
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
        self.held.push(Held {
            due,
            arrival,
            packet,
        });
    }

    fn draw_delay(&mut self) -> Micros {
        let Params {
            delay,
            jitter,
            reorder_percent,
            ..
        } = self.params;
        let skips = self.random.chance(reorder_percent);
        let spread = jitter.saturating_mul(2).saturating_add(1);
        let deviation = self.random.below(spread);
        if skips {
            0
        } else {
            delay.saturating_add(deviation).saturating_sub(jitter)
        }
    }
}
