//! What is known of the messages that a lane may still stage: found once, from a driver that does
//! not change before the lane is settled, so that each message asks no more than a few numbers.
//!
//! It speaks of messages that become one packet, or one frame, and says yes or nothing. Whoever
//! gets no answer asks `judge`.

use super::super::connections::{Entry, Link};
use super::super::{Connection, MessageKind, NetworkDriver};
use super::lane::Staging;
use crate::proto::session::{MESSAGE_COST, Session};
use crate::proto::utp::packet::DATA_HEADER_SIZE;
use crate::proto::websocket::HEADER_SIZE_MAX;
use crate::settings::Dialect;

/// Where packets or frames of a connection wait for the flush, and so what of them counts.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Queue {
    /// In a port of this process: how many there are.
    #[default]
    Port,
    /// In the batch of a socket, or before it in a session: how many there are, and the room there.
    Batch,
    /// In a stream: their bytes.
    Stream,
}

/// What is known of the messages of one connection through one pipeline, or without one.
#[derive(Clone, Copy, Default)]
pub struct Course {
    /// The connection's; 0: nothing is known.
    pub tag: u32,
    /// 0: none.
    pub pipeline: u8,
    /// The pipeline's place among those that have staged something.
    pub place: u8,
    /// Messages wait in the session for acknowledgements, not in a queue.
    pub carried: bool,
    /// Otherwise: in which.
    pub queue: Queue,
    /// Payload bytes of the longest message that it speaks of.
    pub longest: u32,
    /// Bytes of the headers in front of the payload.
    pub header: u32,
    /// Packets that the connection may have staged.
    pub packets_max: u32,
    /// Bytes that it may have staged in a stream.
    pub wire_max: u32,
    /// Packets that the pipeline may have staged; where they are carried, what they may cost.
    pub own_max: u32,
    /// What one costs there beside its payload.
    pub own_cost: u32,
}

impl Course {
    /// Is it the one of messages to this connection through this pipeline? That there is none, or
    /// one, is known.
    #[inline(always)]
    pub const fn is_of(&self, tag: u32, pipeline: u8) -> bool {
        self.tag == tag && (pipeline == 0 || self.pipeline == pipeline)
    }

    /// What a message of this length takes of the batch of a socket, if it is one of those.
    pub const fn batch_of(&self, length: usize) -> Option<usize> {
        let batched = matches!(self.queue, Queue::Batch) && !self.carried;
        let speaks = batched && length <= self.longest as usize;
        if speaks { Some(length + self.header as usize) } else { None }
    }

    /// May a message of this length be begun behind what is staged?
    #[inline(always)]
    pub const fn begins(&self, length: u32, staging: &Staging) -> bool {
        if length > self.longest {
            return false;
        }
        if matches!(self.queue, Queue::Stream) {
            let size = (length + self.header) as usize + HEADER_SIZE_MAX;
            return staging.all.wire + size <= self.wire_max as usize;
        }
        staging.all.packets < self.packets_max as usize
    }

    /// Takes room for a message of this length without a pipeline behind what is staged. False:
    /// nothing was done.
    #[inline(always)]
    pub fn reserve(&self, length: usize, staging: &mut Staging) -> bool {
        length <= self.longest as usize
            && self.reserve_packet(length + self.header as usize, staging)
    }

    /// The same for one through its pipeline.
    #[inline(always)]
    pub fn reserve_within(&self, length: usize, staging: &mut Staging) -> bool {
        let own = staging.pipelines.get(usize::from(self.place)).copied();
        let Some(mut own) = own.filter(|_| length <= self.longest as usize) else { return false };
        let size = length + self.header as usize;
        if self.carried {
            if own.carried + size > self.own_max as usize {
                return false;
            }
            own.carried += length + self.own_cost as usize;
        } else {
            if own.packets >= self.own_max as usize || !self.reserve_packet(size, staging) {
                return false;
            }
            own.packets += 1;
        }
        staging.pipelines[usize::from(self.place)] = own;
        true
    }

    #[inline(always)]
    fn reserve_packet(&self, size: usize, staging: &mut Staging) -> bool {
        let Staging { all, batch, .. } = staging;
        if self.queue == Queue::Stream {
            let wire = all.wire + size + HEADER_SIZE_MAX;
            if wire > self.wire_max as usize {
                return false;
            }
            all.wire = wire;
            return true;
        }
        if all.packets >= self.packets_max as usize {
            return false;
        }
        if self.queue == Queue::Batch {
            let Some(left) = batch.checked_sub(size) else { return false };
            *batch = left;
        }
        all.packets += 1;
        true
    }
}

impl NetworkDriver {
    /// Finds out what is known of messages to a connection that can send now.
    pub(super) fn chart(
        &self,
        connection: Connection,
        pipeline: u8,
        staging: &mut Staging,
        course: &mut Course,
    ) {
        let entry = self.connections.peek(connection.index());
        *course = Course { tag: connection.tag(), pipeline, ..Course::default() };
        let known = match entry.dialect {
            Dialect::Plain => self.chart_plain(entry, course),
            Dialect::Utp if pipeline == 0 => self.chart_packets(entry, course),
            Dialect::Utp => self.chart_pipeline(entry, connection.index(), staging, course),
        };
        if known.is_none() {
            *course = Course { tag: connection.tag(), pipeline, ..Course::default() };
        }
    }

    /// Of a plain WebSocket whose messages are binary and become a frame each.
    #[inline(always)]
    fn chart_plain(&self, entry: &Entry, course: &mut Course) -> Option<()> {
        let Link::Stream(id) = entry.link else { return None };
        if self.settings.fragment_size > 0
            || entry.write_mode == MessageKind::Text
            || self.check_not_sending(id).is_err()
        {
            return None;
        }
        self.chart_queue(entry, course)?;
        let longest = entry.limits.outbound_bytes_max.saturating_sub(HEADER_SIZE_MAX as u32);
        course.longest = longest.min(entry.limits.websocket_message_size_max);
        Some(())
    }

    /// Of packets without a pipeline.
    #[inline(always)]
    fn chart_packets(&self, entry: &Entry, course: &mut Course) -> Option<()> {
        course.longest = entry.utp.as_ref()?.data_size_max().into();
        course.header = DATA_HEADER_SIZE as u32;
        self.chart_queue(entry, course)
    }

    /// Of what waits in the connection's queue.
    #[inline(always)]
    fn chart_queue(&self, entry: &Entry, course: &mut Course) -> Option<()> {
        let session = entry.session.as_ref().and_then(|peer| peer.established());
        let longest = (course.header + course.longest) as usize;
        // An empty queue takes one packet, however little it may hold.
        let most = (self.settings.send_queue_capacity as usize).max(1);
        let queued = session.map_or(entry.queued_datagrams as usize, Session::message_count);
        course.packets_max = most.saturating_sub(queued) as u32;
        let has_room = match entry.link {
            Link::Udp { socket, .. } => {
                course.queue = Queue::Batch;
                session.is_some() || self.pump.udp[socket as usize].has_room(longest)
            }
            Link::Custom { port, .. } => {
                course.queue = Queue::Batch;
                session.is_some() || self.pump.custom[port as usize].has_room(longest)
            }
            Link::Ipc { .. } => true,
            Link::Stream(id) => {
                let queued = self.pump.queued(id).min(u32::MAX as usize) as u32;
                course.queue = Queue::Stream;
                course.wire_max = entry.limits.outbound_bytes_max.saturating_sub(queued);
                entry.limits.send_messages().is_none()
            }
            Link::None => false,
        };
        has_room.then_some(())
    }

    /// Of messages through a pipeline that become one packet each.
    #[inline(never)]
    fn chart_pipeline(
        &self,
        entry: &Entry,
        index: u32,
        staging: &mut Staging,
        course: &mut Course,
    ) -> Option<()> {
        let pipeline = course.pipeline;
        let session = entry.session.as_ref().and_then(|peer| peer.established());
        let carrier = session.filter(|_| self.is_carried(pipeline));
        let outlook = self.machine_or_new(index, pipeline)?.outlook(carrier.is_some())?;
        let mut packet_max = usize::from(entry.utp.as_ref()?.data_size_max());
        if let Some(session) = session {
            packet_max = packet_max.min(match carrier {
                Some(session) => session.reliable_size_max(),
                None => session.message_size_max(),
            });
        }
        course.longest = packet_max.checked_sub(outlook.header)?.min(outlook.most) as u32;
        course.header = (DATA_HEADER_SIZE + outlook.header) as u32;
        self.chart_queue(entry, course)?;
        let room = match carrier {
            Some(session) => session.reliable_room(pipeline).unwrap_or(0),
            None => outlook.room as u64,
        };
        course.carried = carrier.is_some();
        course.own_max = room.min(u32::MAX.into()) as u32;
        course.own_cost = outlook.carried_header as u32 + MESSAGE_COST as u32;
        course.place = staging.place(pipeline) as u8;
        Some(())
    }
}
