//! What is known of the messages that a lane may still stage: found once, from a driver that does
//! not change before the lane is settled, so that each message asks no more than a few numbers.
//!
//! It speaks of messages that become one packet, or one frame, and says yes or nothing. Whoever
//! gets no answer asks `judge`.

use super::super::connections::Link;
use super::super::pipelines::send::Packets;
use super::super::{Connection, MessageKind, NetworkDriver};
use super::lane::Staging;
use crate::proto::session::MESSAGE_COST;
use crate::proto::utp::packet::DATA_HEADER_SIZE;
use crate::proto::websocket::HEADER_SIZE_MAX;
use crate::settings::Dialect;

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
    /// Packets go into the batch of a socket.
    pub batched: bool,
    /// Payload bytes of the longest message that it speaks of.
    pub longest: u32,
    /// Bytes of the headers in front of the payload.
    pub header: u32,
    /// Packets that the connection may have staged; 0: it speaks of no message.
    pub packets_max: u32,
    /// Bytes that it may have staged on the wire.
    pub wire_max: u32,
    /// Packets that the pipeline may have staged; where they are carried, what they may cost.
    pub own_max: u32,
    /// What one costs there beside its payload.
    pub own_cost: u32,
}

impl Course {
    /// Is it the one of messages to this connection through this pipeline?
    #[inline(always)]
    pub const fn is_of(&self, tag: u32, pipeline: u8) -> bool {
        self.tag == tag && self.pipeline == pipeline
    }

    /// What a message of this length takes of the batch of a socket, if it is one of those.
    pub const fn batch_of(&self, length: usize) -> Option<usize> {
        let speaks = self.batched && !self.carried && length <= self.longest as usize;
        if speaks { Some(length + self.header as usize) } else { None }
    }

    /// May a message of this length be begun behind what is staged?
    #[inline(always)]
    pub const fn begins(&self, length: u32, staging: &Staging) -> bool {
        length <= self.longest
            && staging.all.packets < self.packets_max as usize
            && staging.all.wire + (length + self.header) as usize + HEADER_SIZE_MAX
                <= self.wire_max as usize
    }

    /// Takes room for a message of this length behind what is staged. False: nothing was done.
    #[inline(always)]
    pub fn reserve(&self, length: usize, staging: &mut Staging) -> bool {
        if length > self.longest as usize {
            return false;
        }
        let size = length + self.header as usize;
        if self.pipeline == 0 {
            return self.reserve_packet(size, staging);
        }
        let own = staging.pipelines.get(usize::from(self.place)).copied();
        let Some(mut own) = own else { return false };
        if self.carried {
            if own.carried + size > self.own_max as usize {
                return false;
            }
            own.carried += length + self.own_cost as usize;
            staging.all.messages += 1;
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
        let wire = all.wire + size + HEADER_SIZE_MAX;
        if all.packets >= self.packets_max as usize || wire > self.wire_max as usize {
            return false;
        }
        if self.batched {
            let Some(left) = batch.checked_sub(size) else { return false };
            *batch = left;
        }
        all.messages += 1;
        all.packets += 1;
        all.wire = wire;
        true
    }
}

impl NetworkDriver {
    /// What is known of messages to a connection that can send now.
    pub(super) fn course(
        &self,
        connection: Connection,
        pipeline: u8,
        staging: &mut Staging,
    ) -> Course {
        let index = connection.index();
        let course = match self.connections.peek(index).dialect {
            Dialect::Plain => self.plain_course(index),
            Dialect::Utp if pipeline == 0 => self.packet_course(index),
            Dialect::Utp => self.pipeline_course(index, pipeline, staging),
        };
        Course { tag: connection.tag(), pipeline, ..course.unwrap_or_default() }
    }

    /// Of a plain WebSocket whose messages are binary and become a frame each.
    fn plain_course(&self, index: u32) -> Option<Course> {
        let entry = self.connections.peek(index);
        let Link::Stream(id) = entry.link else { return None };
        let alike = self.settings.fragment_size == 0
            && entry.write_mode != MessageKind::Text
            && entry.limits.send_messages().is_none()
            && self.check_not_sending(id).is_ok();
        alike.then(|| Course {
            longest: self.capacity(index, 0) as u32,
            packets_max: u32::MAX,
            wire_max: self.stream_room(index),
            ..Course::default()
        })
    }

    /// Bytes that a stream takes on the wire.
    fn stream_room(&self, index: u32) -> u32 {
        let entry = self.connections.peek(index);
        let Link::Stream(id) = entry.link else { return u32::MAX };
        let queued = self.pump.queued(id).min(u32::MAX as usize) as u32;
        entry.limits.outbound_bytes_max.saturating_sub(queued)
    }

    /// Of packets without a pipeline.
    fn packet_course(&self, index: u32) -> Option<Course> {
        let entry = self.connections.peek(index);
        let longest = entry.utp.as_ref()?.data_size_max();
        self.queue_course(index, longest.into(), DATA_HEADER_SIZE)
    }

    /// Of packets with so many bytes of headers that wait in the connection's queue.
    fn queue_course(&self, index: u32, longest: usize, header: usize) -> Option<Course> {
        let entry = self.connections.peek(index);
        let session = entry.session.as_ref().and_then(|peer| peer.established());
        let queued = entry.queued_messages();
        // An empty queue takes one packet, however little it may hold.
        let most = (self.settings.send_queue_capacity as usize).max(1);
        let packets_max = most.saturating_sub(queued) as u32;
        let has_room = session.is_some()
            || match entry.link {
                Link::Stream(_) => entry.limits.send_messages().is_none(),
                Link::Udp { socket, .. } => {
                    self.pump.udp[socket as usize].has_room(header + longest)
                }
                Link::Custom { port, .. } => {
                    self.pump.custom[port as usize].has_room(header + longest)
                }
                Link::Ipc { .. } => true,
                Link::None => false,
            };
        let in_stream = matches!(entry.link, Link::Stream(_));
        has_room.then(|| Course {
            batched: matches!(entry.link, Link::Udp { .. } | Link::Custom { .. }),
            longest: longest as u32,
            header: header as u32,
            packets_max: if in_stream { u32::MAX } else { packets_max },
            wire_max: self.stream_room(index),
            ..Course::default()
        })
    }

    /// Of messages through a pipeline that become one packet each.
    fn pipeline_course(&self, index: u32, pipeline: u8, staging: &mut Staging) -> Option<Course> {
        let Packets { packet_max, bytes: header, .. } = self.packets_of(index, pipeline, 0);
        let longest = packet_max.min(self.packet_room(index)).checked_sub(header)?;
        let longest = longest.min(self.pipeline_capacity(index, pipeline));
        let checked = self.check_machine(index, pipeline, packet_max, longest, 0);
        let (1, own_header) = checked.ok()? else { return None };
        let course = self.queue_course(index, longest, DATA_HEADER_SIZE + header)?;
        let carried = self.carried_room_max(index, pipeline);
        let room = self.machine_room(index, pipeline);
        let own_max = carried.unwrap_or(room as u64).min(u32::MAX.into()) as u32;
        Some(Course {
            place: staging.place(pipeline) as u8,
            carried: carried.is_some(),
            own_max,
            own_cost: own_header as u32 + MESSAGE_COST as u32,
            ..course
        })
    }
}
