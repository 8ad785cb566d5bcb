//! Messages out: from the program through a machine into packets.

use bytes::Bytes;

use super::super::connections::Link;
use super::super::send::overflow;
use super::super::{Event, EventKind, NetworkDriver};
use crate::error::{Error, Fixed, Result, Status};
use crate::proto::pipeline::{Output, Pipeline, SendError};

/// Where a machine's packets and messages go: to a connection, on one of its pipelines.
pub(super) struct Exit<'a> {
    pub(super) driver: &'a mut NetworkDriver,
    pub(super) index: u32,
    pub(super) pipeline: u8,
    /// The message that the packet lies in which is being handled, if that can be kept.
    pub(super) whole: Option<&'a Bytes>,
}

/// What a message is cut into.
pub(in crate::driver) struct Packets {
    /// Bytes that each may have.
    pub(in crate::driver) packet_max: usize,
    /// How many.
    pub(in crate::driver) count: usize,
    /// Their bytes, headers of the pipeline included.
    pub(in crate::driver) bytes: usize,
}

impl Output for Exit<'_> {
    fn transmit(&mut self, packet: &[u8]) {
        // Without room it is lost, as any packet may be, and comes again if it must.
        self.driver.emit_packet(self.index, self.pipeline, packet);
    }

    fn carry(&mut self, packet: &[u8]) {
        self.driver.carry_packet(self.index, self.pipeline, packet);
    }

    fn deliver(&mut self, message: &[u8]) {
        self.driver.deliver_packet(self.index, self.pipeline, message, self.whole);
    }
}

impl NetworkDriver {
    /// Runs the machine of a connection for a pipeline, and sees to what it wants then. `None`:
    /// there is no such pipeline.
    pub(super) fn run_machine<R>(
        &mut self,
        index: u32,
        pipeline: u8,
        whole: Option<&Bytes>,
        run: impl FnOnce(&mut Pipeline, &mut dyn Output) -> R,
    ) -> Option<R> {
        let mut machine = self.take_machine(index, pipeline)?;
        let result = run(&mut machine, &mut Exit { driver: self, index, pipeline, whole });
        let (owes, urgent) = (machine.wants_ack(), machine.ack_is_urgent());
        self.connections.at(index).machines.put(pipeline, machine);
        if owes {
            self.note_owed(index, urgent);
        }
        Some(result)
    }

    /// Sends one message through a pipeline of a connection in the UTP dialect. What is refused
    /// leaves nothing behind.
    pub(in crate::driver) fn send_through(
        &mut self,
        index: u32,
        pipeline: u8,
        data: &[u8],
    ) -> Result<()> {
        let Packets { packet_max, count, bytes } = self.packets_of(index, pipeline, data.len());
        match self.carried_room(index, pipeline, count, bytes) {
            Some(false) => return Err(self.refuse_for_window(index, pipeline)),
            None if !self.has_packet_room(index, count, bytes) => return Err(self.refuse(index)),
            _ => self.carry_pipeline(index, pipeline),
        }
        // Packets are sent again after a time, and the last update may be long ago.
        self.follow_clock_once();
        let now = self.now;
        let outcome = self.run_machine(index, pipeline, None, |machine, out| {
            machine.handle_send(now, data, packet_max, out)
        });
        match outcome.unwrap_or(Err(SendError::Overflow)) {
            Ok(()) => {}
            Err(SendError::QueueFull) => return Err(self.refuse_for_window(index, pipeline)),
            Err(SendError::Overflow) => {
                return Err(overflow(data.len(), self.pipeline_capacity(index, pipeline)));
            }
            Err(SendError::Stage(error)) => return Err(stage_refused(error.0)),
        }
        self.count_sent(index, data.len());
        self.touch(index);
        Ok(())
    }

    /// The packets that a message of `size` bytes becomes, by its length alone.
    pub(in crate::driver) fn packets_of(&self, index: u32, pipeline: u8, size: usize) -> Packets {
        let header = self.template(pipeline).map_or(0, |template| template.measure.header_size());
        let packet_max = self.packet_room(index);
        let packet_max = self.session_packet_room(index, pipeline, size + header, packet_max);
        // A fragment carries what the headers leave.
        let count = size.div_ceil(packet_max.saturating_sub(header).max(1)).max(1);
        Packets { packet_max, count, bytes: size + count * header }
    }

    /// What the machine of a pipeline says to a message of `size` bytes behind `staged` packets
    /// that it has not seen yet: how many packets it becomes, and the bytes of their headers.
    pub(in crate::driver) fn check_machine(
        &self,
        index: u32,
        pipeline: u8,
        packet_max: usize,
        size: usize,
        staged: usize,
    ) -> std::result::Result<(usize, usize), SendError> {
        let carried = self.is_carried(pipeline) && self.has_session(index);
        let machine = self.machine_or_new(index, pipeline).ok_or(SendError::Overflow)?;
        machine.check_send(size, packet_max, staged, carried)
    }

    /// The machine of a connection for a pipeline, or one that has sent nothing yet.
    pub(in crate::driver) fn machine_or_new(&self, index: u32, pipeline: u8) -> Option<&Pipeline> {
        let machine = self.connections.peek(index).machines.get(pipeline);
        machine.or_else(|| self.template(pipeline).map(|template| &template.measure))
    }

    /// Bytes that one message of a connection in the UTP dialect may have.
    pub(in crate::driver) fn pipeline_capacity(&self, index: u32, pipeline: u8) -> usize {
        let packet_max = self.packet_room(index);
        let link = self.connections.peek(index).link;
        let Some(template) = self.template(pipeline) else {
            return packet_max;
        };
        let most = template.measure.payload_size_max(packet_max);
        let header = template.measure.header_size();
        match link {
            _ if most <= packet_max => most,
            // What could never be queued is too long.
            Link::Stream(_) => {
                let packets = self.stream_packets_max(index, packet_max);
                most.min(packets * packet_max.saturating_sub(header))
            }
            _ if self.is_carried(pipeline) => most,
            // The session makes shorter packets, of which there are as many at most.
            _ => {
                let shorter = self.session_packet_room(index, pipeline, usize::MAX, packet_max);
                most.min(template.measure.payload_size_max(shorter))
            }
        }
    }

    /// The window of a pipeline is full: acknowledgements make room.
    pub(in crate::driver) fn refuse_for_window(&mut self, index: u32, pipeline: u8) -> Error {
        let entry = self.connections.at(index);
        entry.machines.set_blocked(pipeline);
        entry.traffic.refused_out += 1;
        self.statistics.refused_out += 1;
        window_full()
    }

    /// The peer has acknowledged something, or may have: a Writable event, if the program waits
    /// for one because of this pipeline.
    pub(in crate::driver) fn announce_window(&mut self, index: u32, pipeline: u8) {
        let was_blocked = self.connections.at(index).machines.take_blocked(pipeline);
        if was_blocked && self.settings.writable_events {
            let event = self.event(index, EventKind::Writable);
            self.raise(index, Event { pipeline, ..event });
        }
    }
}

pub(in crate::driver) fn window_full() -> Error {
    Error::fixed(&Fixed(
        Status::NetworkSendQueueFull,
        "too many messages of this reliable pipeline are not acknowledged yet; update, or try \
         again after its Writable event",
    ))
}

fn stage_refused(number: i32) -> Error {
    Error::argument(format!("a stage of the pipeline refused the message with {number}"))
}
