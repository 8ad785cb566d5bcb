//! Measuring: traffic of the driver, quality of a connection, what went wrong with receiving.
//!
//! It counts and decides nothing. What costs more than an addition is computed when it is asked.

use super::pipelines::PipelineStatistics;
use super::stream_short::stream_header_size;
use super::{Connection, NetworkDriver};
use crate::error::Result;
use crate::proto::pipeline::{ReliableStatistics, SequencedStatistics};
use crate::proto::round_trip::RoundTrip;
use crate::proto::traffic::TrafficStatistics;
use crate::pump::StreamId;

/// Unity Transport's number for packets that found a receive queue full.
const RECEIVE_QUEUE_FULL: i32 = -10;

/// What reliable pipelines of a connection have counted, all together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReliableCounters {
    /// Packets received.
    pub packets_received: u64,
    /// Packets sent for the first time.
    pub packets_sent: u64,
    /// Packets that only acknowledged, received.
    pub acks_received: u64,
    /// Packets that only acknowledged, sent.
    pub acks_sent: u64,
    /// Packets of the peer that were missing when a later one came: lost, or overtaken.
    pub packets_dropped: u64,
    /// Packets that came out of their order.
    pub packets_out_of_order: u64,
    /// Packets that came more than once.
    pub packets_duplicated: u64,
    /// Packets that came too late to be of use.
    pub packets_stale: u64,
    /// Packets sent again.
    pub packets_resent: u64,
}

/// What unreliable-sequenced pipelines of a connection have counted, all together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SequencedCounters {
    /// Packets sent.
    pub packets_sent: u64,
    /// Packets received.
    pub packets_received: u64,
    /// Packets dropped because a newer one had come before.
    pub packets_out_of_order: u64,
    /// Packets that never came.
    pub packets_lost: u64,
}

impl ReliableCounters {
    const fn add(&mut self, counted: &ReliableStatistics) {
        self.packets_received += counted.packets_received;
        self.packets_sent += counted.packets_sent;
        self.acks_received += counted.acks_received;
        self.acks_sent += counted.acks_sent;
        self.packets_dropped += counted.packets_dropped;
        self.packets_out_of_order += counted.packets_out_of_order;
        self.packets_duplicated += counted.packets_duplicated;
        self.packets_stale += counted.packets_stale;
        self.packets_resent += counted.packets_resent;
    }
}

impl SequencedCounters {
    const fn add(&mut self, counted: &SequencedStatistics) {
        self.packets_sent += counted.packets_sent;
        self.packets_received += counted.packets_received;
        self.packets_out_of_order += counted.packets_culled;
        self.packets_lost += counted.packets_dropped;
    }
}

/// The quality of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ConnectionStatistics {
    /// Its round trips, whatever measured them.
    pub round_trip: RoundTrip,
    /// Its reliable pipelines.
    pub reliable: ReliableCounters,
    /// Its unreliable-sequenced pipelines.
    pub sequenced: SequencedCounters,
}

impl NetworkDriver {
    /// An update begins.
    pub(super) fn begin_metering(&mut self) {
        self.receive_error = 0;
        self.rx.handle_update(self.now);
        self.tx.handle_update(self.now);
    }

    /// Something was read from a stream; the system's counter was at `before`.
    pub(super) fn meter_read(&mut self, id: StreamId, before: u64) {
        let size = (self.pump.buffer.stream_bytes - before) as usize;
        if size > 0 {
            self.rx.record_stream(size, self.stream_header_size(id));
        }
    }

    fn stream_header_size(&self, id: StreamId) -> usize {
        stream_header_size(self.streams.peer(id).is_none_or(|peer| peer.is_ipv4()))
    }

    /// A packet was dropped at an inbound limit.
    pub(super) const fn note_full_queue(&mut self) {
        self.receive_error = RECEIVE_QUEUE_FULL;
    }

    /// What went wrong with receiving in the last update: 0, Unity Transport's -10 (packets were
    /// dropped because a connection's receive queue was full) or -11 (a socket failed, or clients
    /// of streams could not be taken, mostly for want of descriptors).
    #[must_use]
    pub const fn receive_error_code(&self) -> i32 {
        self.receive_error
    }

    /// Traffic since the driver was created: what came in, what went out.
    #[must_use]
    pub fn traffic_statistics(&self) -> (TrafficStatistics, TrafficStatistics) {
        let now = self.time();
        (self.rx.statistics(now), self.tx.statistics(now))
    }

    /// The quality of a connection since it began.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn connection_statistics(&self, connection: Connection) -> Result<ConnectionStatistics> {
        let entry = self.entry(connection)?;
        let mut all = ConnectionStatistics { round_trip: entry.round_trip, ..Default::default() };
        for (_, machine) in entry.machines.iter() {
            let counted = PipelineStatistics::of(machine);
            all.reliable.add(&counted.reliable.unwrap_or_default());
            all.sequenced.add(&counted.sequenced.unwrap_or_default());
        }
        Ok(all)
    }
}
