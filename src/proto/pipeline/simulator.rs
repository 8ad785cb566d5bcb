//! The Simulator stage: a bad network inside of a pipeline. It adds no bytes, and says of each
//! packet what becomes of it; the pipeline moves the packets.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::config::{ApplyMode, SimulatorConfig};
use super::statistics::SimulatorStatistics;
use crate::proto::random::Random;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// When packets that found no room behind the stage try again.
const RETRY: Micros = MICROS_PER_MS;

/// Which way a packet goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// To the peer.
    Sent,
    /// To the program.
    Received,
}

/// What becomes of a packet, once for each of its copies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It goes on at once.
    Pass,
    /// It goes on at that time.
    Hold(Micros),
}

/// Both directions of one connection.
#[derive(Debug)]
pub struct Simulator {
    config: SimulatorConfig,
    sent: Half,
    received: Half,
    statistics: SimulatorStatistics,
}

#[derive(Debug)]
struct Half {
    random: Random,
    count: u64,
    arrivals: u64,
    held: BinaryHeap<Held>,
    /// Nothing leaves before this time, because nothing behind the stage had room.
    retry_at: Micros,
}

#[derive(Debug)]
struct Held {
    due: Micros,
    arrival: u64,
    bytes: Vec<u8>,
}

impl Ord for Held {
    // Reversed, because BinaryHeap puts the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.arrival).cmp(&(self.due, self.arrival))
    }
}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Held {}

impl Simulator {
    pub fn new(config: &SimulatorConfig, seed: u64) -> Self {
        let seed = if config.random_seed == 0 { seed } else { u64::from(config.random_seed) };
        let half = |seed| Half {
            random: Random::new(seed),
            count: 0,
            arrivals: 0,
            held: BinaryHeap::new(),
            retry_at: 0,
        };
        Self {
            config: *config,
            sent: half(seed),
            received: half(!seed),
            statistics: SimulatorStatistics::default(),
        }
    }

    pub fn set_config(&mut self, config: &SimulatorConfig) {
        self.config = *config;
    }

    pub fn statistics(&self) -> SimulatorStatistics {
        let waiting = (self.sent.held.len() + self.received.held.len()) as u64;
        SimulatorStatistics { waiting, ..self.statistics }
    }

    /// A packet that may be damaged comes in. Returns how many copies of it go on.
    pub fn handle_packet(&mut self, direction: Direction, packet: &mut [u8]) -> u32 {
        let copies = self.handle_length(direction, packet.len());
        let size_max = self.config.max_packet_size;
        if copies == 0 || !self.changes(direction) || packet.len() > size_max {
            return copies;
        }
        let config = self.config;
        let half = self.half_mut(direction);
        if half.random.chance(config.fuzz_factor) {
            half.damage(&config, packet);
            self.statistics.fuzzed += 1;
        }
        copies
    }

    /// A packet of that size comes in. Returns how many copies of it go on: none, one or two.
    pub fn handle_length(&mut self, direction: Direction, size: usize) -> u32 {
        let config = self.config;
        if !self.acts_on(direction) {
            return 1;
        }
        if size > config.max_packet_size {
            self.statistics.bypassed += 1;
            return 1;
        }
        self.statistics.packets += 1;
        let half = self.half_mut(direction);
        half.count += 1;
        let interval = u64::from(config.packet_drop_interval);
        let unlucky = half.random.chance(config.packet_drop_percentage);
        // The rule of Unity Transport: the first packet is dropped, and then each interval's.
        if unlucky || (half.count - 1).checked_rem(interval) == Some(0) {
            self.statistics.dropped += 1;
            return 0;
        }
        let twice = half.random.chance(config.packet_duplication_percentage);
        self.statistics.duplicated += u64::from(twice);
        1 + u32::from(twice)
    }

    /// Whether it may change packets that go this way.
    pub fn changes(&self, direction: Direction) -> bool {
        self.acts_on(direction) && self.config.fuzz_factor > 0.0
    }

    /// When a copy of `size` bytes goes on.
    pub fn judge(&mut self, now: Micros, direction: Direction, size: usize) -> Verdict {
        let SimulatorConfig { packet_delay_ms, packet_jitter_ms, max_packet_count, .. } =
            self.config;
        let delays = packet_delay_ms > 0 || packet_jitter_ms > 0;
        if !self.acts_on(direction) || size > self.config.max_packet_size || !delays {
            return Verdict::Pass;
        }
        let half = self.half_mut(direction);
        if half.held.len() >= max_packet_count {
            self.statistics.overflowed += 1;
            return Verdict::Pass;
        }
        let jitter = u64::from(packet_jitter_ms) * MICROS_PER_MS;
        let deviation = half.random.below(2 * jitter + 1);
        let delay = u64::from(packet_delay_ms) * MICROS_PER_MS;
        // Without any delay it need not wait to be asked for.
        match (delay + deviation).saturating_sub(jitter) {
            0 => Verdict::Pass,
            wait => Verdict::Hold(now.saturating_add(wait)),
        }
    }

    /// Keeps a packet until `due`.
    pub fn hold(&mut self, direction: Direction, due: Micros, bytes: Vec<u8>) {
        let half = self.half_mut(direction);
        let arrival = half.arrivals;
        half.arrivals += 1;
        half.held.push(Held { due, arrival, bytes });
    }

    /// The size of the next packet that is due.
    pub fn due_size(&self, now: Micros, direction: Direction) -> Option<usize> {
        let half = self.half(direction);
        let next = half.held.peek().filter(|held| held.due.max(half.retry_at) <= now)?;
        Some(next.bytes.len())
    }

    /// Takes the next packet out.
    pub fn take(&mut self, direction: Direction) -> Option<Vec<u8>> {
        self.half_mut(direction).held.pop().map(|held| held.bytes)
    }

    /// Nothing behind the stage has room for what is due.
    pub fn retry_later(&mut self, now: Micros, direction: Direction) {
        self.half_mut(direction).retry_at = now.saturating_add(RETRY);
    }

    pub fn next_timeout(&self) -> Option<Micros> {
        let next = |half: &Half| half.held.peek().map(|held| held.due.max(half.retry_at));
        next(&self.sent).into_iter().chain(next(&self.received)).min()
    }

    pub fn is_idle(&self) -> bool {
        self.sent.held.is_empty() && self.received.held.is_empty()
    }

    fn acts_on(&self, direction: Direction) -> bool {
        match self.config.mode {
            ApplyMode::AllPackets => true,
            ApplyMode::SentPacketsOnly => direction == Direction::Sent,
            ApplyMode::ReceivedPacketsOnly => direction == Direction::Received,
            ApplyMode::Off => false,
        }
    }

    fn half(&self, direction: Direction) -> &Half {
        match direction {
            Direction::Sent => &self.sent,
            Direction::Received => &self.received,
        }
    }

    fn half_mut(&mut self, direction: Direction) -> &mut Half {
        match direction {
            Direction::Sent => &mut self.sent,
            Direction::Received => &mut self.received,
        }
    }
}

impl Half {
    /// Flips bits behind the offset.
    fn damage(&mut self, config: &SimulatorConfig, packet: &mut [u8]) {
        for byte in packet.iter_mut().skip(config.fuzz_offset) {
            for bit in 0..8 {
                if self.random.chance(config.fuzz_factor) {
                    *byte ^= 1 << bit;
                }
            }
        }
    }
}
