//! May a message be sent, while nothing of the driver changes but lanes? The answers are those of
//! a user who has the driver to himself and had sent what is staged before.

use super::super::NetworkDriver;
use super::super::connections::Link;
use super::super::packets::Staged;
use super::super::pipelines::send::window_full;
use super::super::send::{closed, overflow, queue_full};
use super::super::sessions::send::carried_size;
use super::super::shared::reserve_apart;
use super::lane::{LaneState, Staging};
use crate::error::{Error, Result};
use crate::proto::pipeline::SendError;
use crate::proto::session::MESSAGE_COST;
use crate::proto::utp::packet::DATA_HEADER_SIZE;
use crate::pump::DATAGRAM_BATCH_BYTES_MAX;
use crate::settings::Dialect;

/// Bytes of a batch that a lane takes at once, so that it seldom asks.
const BATCH_SHARE: usize = 2 << 10;

/// Why a message is not taken.
pub enum Refusal {
    /// The program's mistake, or the connection's end.
    Mistake(Error),
    /// The connection's queue is full.
    Queue,
    /// The window of the pipeline is.
    Window(u8),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Mistake(error)
    }
}

impl Refusal {
    /// Notes what the program waits for now.
    #[cold]
    pub fn note(self, lane: &mut LaneState) -> Error {
        match self {
            Self::Mistake(error) => error,
            Self::Queue => {
                lane.refused += 1;
                lane.crowded = true;
                queue_full()
            }
            Self::Window(pipeline) => {
                lane.refused += 1;
                if !lane.blocked.contains(&pipeline) {
                    reserve_apart(&mut lane.blocked, 1);
                    lane.blocked.push(pipeline);
                }
                window_full()
            }
        }
    }
}

/// What a message takes of the queues.
struct Cost {
    packets: usize,
    wire: usize,
    carried: usize,
    /// Bytes of datagrams that go into a batch.
    batch: usize,
}

impl NetworkDriver {
    /// Takes room for a message of `size` bytes behind what is staged.
    pub(super) fn reserve(
        &self,
        index: u32,
        pipeline: u8,
        size: usize,
        staging: &mut Staging,
    ) -> std::result::Result<(), Refusal> {
        let cost = match self.connections.peek(index).dialect {
            Dialect::Plain => self.judge_plain(index, size, staging.all)?,
            Dialect::Utp if pipeline == 0 => self.judge_packet(index, size, staging.all)?,
            Dialect::Utp => self.judge_pipeline(index, pipeline, size, staging)?,
        };
        if cost.batch > 0 && !self.reserve_batch(index, cost.batch, staging) {
            return Err(Refusal::Queue);
        }
        staging.all.messages += 1;
        staging.all.packets += cost.packets;
        staging.all.wire += cost.wire;
        if pipeline > 0 {
            let place = staging.place(pipeline);
            let own = &mut staging.pipelines[place];
            own.packets += cost.packets;
            own.carried += cost.carried;
        }
        Ok(())
    }

    #[inline(always)]
    fn judge_plain(
        &self,
        index: u32,
        size: usize,
        staged: Staged,
    ) -> std::result::Result<Cost, Refusal> {
        let Link::Stream(id) = self.connections.peek(index).link else {
            return Err(closed().into());
        };
        self.check_not_sending(id)?;
        let fits = self.takes_message_behind(id, staged.messages)
            && self.stream_has_room_behind(id, Dialect::Plain, size, staged.wire);
        if !fits {
            return Err(Refusal::Queue);
        }
        let wire = self.wire_size(Dialect::Plain, size);
        Ok(Cost { packets: 0, wire, carried: 0, batch: 0 })
    }

    #[inline(always)]
    fn judge_packet(
        &self,
        index: u32,
        size: usize,
        staged: Staged,
    ) -> std::result::Result<Cost, Refusal> {
        if !self.has_packet_room_behind(index, 1, size, staged) {
            return Err(Refusal::Queue);
        }
        Ok(self.cost(index, 1, size))
    }

    fn judge_pipeline(
        &self,
        index: u32,
        pipeline: u8,
        size: usize,
        staging: &mut Staging,
    ) -> std::result::Result<Cost, Refusal> {
        let packets = self.packets_of(index, pipeline, size);
        let place = staging.place(pipeline);
        let own = staging.pipelines[place];
        let carried = carried_size(packets.count, packets.bytes);
        let room = self.carried_room_behind(index, pipeline, carried, own.carried);
        match room {
            Some(false) => return Err(Refusal::Window(pipeline)),
            None if !self.has_packet_room_behind(
                index,
                packets.count,
                packets.bytes,
                staging.all,
            ) =>
            {
                return Err(Refusal::Queue);
            }
            _ => {}
        }
        let checked = self.check_machine(index, pipeline, packets.packet_max, size, own.packets);
        let (count, header) = checked.map_err(|error| match error {
            SendError::QueueFull => Refusal::Window(pipeline),
            // What a stage of the program says is not known before it is asked.
            SendError::Overflow | SendError::Stage(_) => {
                overflow(size, self.pipeline_capacity(index, pipeline)).into()
            }
        })?;
        if room.is_some() {
            // It waits in its session for acknowledgements, not in a queue.
            let carried = size + count * (header + MESSAGE_COST as usize);
            return Ok(Cost { packets: 0, wire: 0, carried, batch: 0 });
        }
        Ok(self.cost(index, packets.count.max(count), packets.bytes))
    }

    /// What packets take of the queues.
    #[inline(always)]
    fn cost(&self, index: u32, count: usize, bytes: usize) -> Cost {
        let link = &self.connections.peek(index).link;
        let batched = matches!(link, Link::Udp { .. } | Link::Custom { .. });
        let batch = if batched { count * DATA_HEADER_SIZE + bytes } else { 0 };
        let headers = self.more_headers(index, count);
        let wire = self.wire_size(Dialect::Utp, DATA_HEADER_SIZE + headers + bytes);
        Cost { packets: count, wire, carried: 0, batch }
    }

    /// Takes room in the batch of a connection's socket, which is not its own.
    fn reserve_batch(&self, index: u32, needed: usize, staging: &mut Staging) -> bool {
        if staging.batch < needed && !self.fill_batch(index, needed, staging) {
            return false;
        }
        staging.batch -= needed;
        true
    }

    /// Sees that a lane that may use fewer bytes of the batch of its connection's socket may use so
    /// many. It takes a share of its thread's share, so that neither asks for each message.
    #[inline(always)]
    pub(super) fn fill_batch(&self, index: u32, needed: usize, staging: &mut Staging) -> bool {
        let waiting = match self.connections.peek(index).link {
            Link::Udp { socket, .. } => self.pump.udp[socket as usize].queued_bytes(),
            Link::Custom { port, .. } => self.pump.custom[port as usize].queued_bytes(),
            _ => 0,
        };
        let limit = DATAGRAM_BATCH_BYTES_MAX.saturating_sub(waiting);
        let mut share = needed.max(BATCH_SHARE);
        if !self.lanes.batch.take(share, limit) {
            // What is needed, when there is no more.
            share = needed - staging.batch;
            if !self.lanes.batch.take(share, limit) {
                return false;
            }
        }
        staging.batch += share;
        true
    }

    /// Checks what does not depend on what else is sent.
    pub(super) fn check_message(
        &self,
        index: u32,
        pipeline: u8,
        kind: crate::driver::MessageKind,
        data: &[u8],
    ) -> Result<()> {
        let entry = self.connections.peek(index);
        self.check_kind(entry.dialect, entry.kind_of(kind), data)?;
        if pipeline == 0 && entry.takes_packet(data.len()) {
            return Ok(());
        }
        self.check_size(index, pipeline, data)
    }
}
