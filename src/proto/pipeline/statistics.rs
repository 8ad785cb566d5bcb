//! What the stages count. Names and meaning are Unity Transport's, without its errors.

use std::ops::AddAssign;

use crate::proto::time::Micros;

/// The counters of one stage, in order of the pipeline's stages.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum StageStatistics {
    /// Counts nothing.
    Null,
    /// Of a Fragmentation stage.
    Fragmentation(FragmentationStatistics),
    /// Of a ReliableSequenced stage.
    Reliable(ReliableStatistics),
    /// Of an UnreliableSequenced stage.
    UnreliableSequenced(SequencedStatistics),
    /// Of a Simulator stage.
    Simulator(SimulatorStatistics),
    /// A custom stage counts for itself.
    Custom,
}

/// Counters of a Fragmentation stage.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FragmentationStatistics {
    /// Messages that left.
    pub messages_sent: u64,
    /// Packets they became.
    pub packets_sent: u64,
    /// Messages that arrived whole.
    pub messages_received: u64,
    /// Packets that arrived.
    pub packets_received: u64,
    /// Packets that belong to no message that can become whole.
    pub packets_dropped: u64,
    /// Messages that were begun and given up: a packet is missing, or they are too large.
    pub messages_dropped: u64,
}

/// Round-trip times, in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RttInfo {
    /// The last one measured; 0 = none yet.
    pub last: Micros,
    /// Their smoothed mean.
    pub smoothed: Micros,
    /// Their smoothed deviation.
    pub variance: Micros,
    /// What a packet waits until it is sent again, before the bounds of the parameters.
    pub resend_timeout: Micros,
    /// Measurements.
    pub samples: u64,
}

/// Counters of a ReliableSequenced stage.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct ReliableStatistics {
    /// Packets with payload that arrived, whatever became of them.
    pub packets_received: u64,
    /// Packets with payload that left, those sent again not counted.
    pub packets_sent: u64,
    /// Packets that only acknowledge and that arrived.
    pub acks_received: u64,
    /// Packets that only acknowledge and that left.
    pub acks_sent: u64,
    /// Packets that had not arrived when later ones did, whether they came after all or not.
    pub packets_dropped: u64,
    /// Packets that arrived after later ones.
    pub packets_out_of_order: u64,
    /// Packets that had arrived before.
    pub packets_duplicated: u64,
    /// Packets outside of the window.
    pub packets_stale: u64,
    /// Packets sent again.
    pub packets_resent: u64,
    /// Round-trip times.
    pub rtt: RttInfo,
}

/// Counters of an UnreliableSequenced stage.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SequencedStatistics {
    /// Packets that left.
    pub packets_sent: u64,
    /// Packets that arrived, culled ones included.
    pub packets_received: u64,
    /// Packets dropped because a later one, or they themselves, had arrived before.
    pub packets_culled: u64,
    /// Packets that never arrived.
    pub packets_dropped: u64,
}

/// Counters of a Simulator stage, both directions together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SimulatorStatistics {
    /// Packets that came in.
    pub packets: u64,
    /// Packets dropped.
    pub dropped: u64,
    /// Copies made.
    pub duplicated: u64,
    /// Packets damaged.
    pub fuzzed: u64,
    /// Packets that went through undelayed because the stage held as many as it may.
    pub overflowed: u64,
    /// Packets that were too large for the stage.
    pub bypassed: u64,
    /// Packets held now.
    pub waiting: u64,
}

impl Default for RttInfo {
    fn default() -> Self {
        Self { last: 0, smoothed: 50_000, variance: 5_000, resend_timeout: 50_000, samples: 0 }
    }
}

impl AddAssign for FragmentationStatistics {
    fn add_assign(&mut self, other: Self) {
        self.messages_sent += other.messages_sent;
        self.packets_sent += other.packets_sent;
        self.messages_received += other.messages_received;
        self.packets_received += other.packets_received;
        self.packets_dropped += other.packets_dropped;
        self.messages_dropped += other.messages_dropped;
    }
}

impl AddAssign for ReliableStatistics {
    /// The round trips stay those of the first: times are no sums.
    fn add_assign(&mut self, other: Self) {
        self.packets_received += other.packets_received;
        self.packets_sent += other.packets_sent;
        self.acks_received += other.acks_received;
        self.acks_sent += other.acks_sent;
        self.packets_dropped += other.packets_dropped;
        self.packets_out_of_order += other.packets_out_of_order;
        self.packets_duplicated += other.packets_duplicated;
        self.packets_stale += other.packets_stale;
        self.packets_resent += other.packets_resent;
    }
}

impl AddAssign for SequencedStatistics {
    fn add_assign(&mut self, other: Self) {
        self.packets_sent += other.packets_sent;
        self.packets_received += other.packets_received;
        self.packets_culled += other.packets_culled;
        self.packets_dropped += other.packets_dropped;
    }
}

impl AddAssign for SimulatorStatistics {
    fn add_assign(&mut self, other: Self) {
        self.packets += other.packets;
        self.dropped += other.dropped;
        self.duplicated += other.duplicated;
        self.fuzzed += other.fuzzed;
        self.overflowed += other.overflowed;
        self.bypassed += other.bypassed;
        self.waiting += other.waiting;
    }
}
