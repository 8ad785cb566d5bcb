//! Messages into sessions, and the change from a pipeline's own reliable stage to the session.

use super::super::NetworkDriver;
use crate::proto::pipeline::ResendPace;
use crate::proto::session::{MESSAGE_COST, PACKET_CHANNEL};
use crate::proto::utp::packet::DATA_HEADER_SIZE;

/// Bytes of packets that wait or are under way in pieces, at most.
const PACKET_BYTES_MAX: u64 = 64 << 10;

/// What `count` packets of a carried pipeline with `bytes` bytes in all take of its room, less what
/// one message costs.
pub(in crate::driver) const fn carried_size(count: usize, bytes: usize) -> usize {
    bytes + (count - 1) * MESSAGE_COST as usize
}

impl NetworkDriver {
    /// Has the connection a session that messages may go through?
    pub(in crate::driver) fn has_session(&self, index: u32) -> bool {
        let peer = &self.connections.peek(index).session;
        peer.as_ref().is_some_and(|peer| peer.established().is_some())
    }

    /// How fast the stages of pipelines may send again, which do so past the session's window.
    /// `None`: there is no session, and nobody knows.
    pub(in crate::driver) fn session_resend_pace(&self, index: u32) -> Option<ResendPace> {
        let session = self.connections.peek(index).session.as_ref()?.established()?;
        Some(ResendPace { least: session.patience(), most: session.datagrams_free() })
    }

    /// Is there room for `count` packets of pipelines that may be lost? `None`: there is no
    /// session.
    pub(in crate::driver) fn session_room(&self, index: u32, count: usize) -> Option<bool> {
        self.session_room_behind(index, count, 0)
    }

    /// The same, when so many packets are staged already.
    #[inline]
    pub(in crate::driver) fn session_room_behind(
        &self,
        index: u32,
        count: usize,
        staged: usize,
    ) -> Option<bool> {
        let session = self.connections.peek(index).session.as_ref()?.established()?;
        let queued = session.message_count() + staged;
        // What is more than the queue holds may come into an empty one.
        Some(queued == 0 || queued + count <= self.settings.send_queue_capacity as usize)
    }

    /// Is there room for `count` packets of a pipeline that the session carries? `None`: it
    /// carries none.
    pub(in crate::driver) fn carried_room(
        &self,
        index: u32,
        pipeline: u8,
        count: usize,
        bytes: usize,
    ) -> Option<bool> {
        self.carried_room_behind(index, pipeline, carried_size(count, bytes), 0)
    }

    /// The same for packets of a [size](carried_size), when so many bytes of the pipeline are
    /// staged already.
    #[inline]
    pub(in crate::driver) fn carried_room_behind(
        &self,
        index: u32,
        pipeline: u8,
        size: usize,
        staged: usize,
    ) -> Option<bool> {
        if !self.is_carried(pipeline) {
            return None;
        }
        let session = self.connections.peek(index).session.as_ref()?.established()?;
        // What is more than the queue holds may come into an empty one.
        let empty = staged == 0 && session.is_channel_idle(pipeline);
        Some(empty || session.has_room(pipeline, size + staged))
    }

    /// Bytes of the longest packet that a pipeline should make: one that its session takes, if
    /// the message fits into it or is cut anyway.
    pub(in crate::driver) fn session_packet_room(
        &self,
        index: u32,
        pipeline: u8,
        size: usize,
        packet_max: usize,
    ) -> usize {
        let carried = self.is_carried(pipeline);
        let peer = &self.connections.peek(index).session;
        let Some(session) = peer.as_ref().and_then(|peer| peer.established()) else {
            return packet_max;
        };
        let most = if carried { session.reliable_size_max() } else { session.message_size_max() };
        if size > most && size <= packet_max && !carried { packet_max } else { most }
    }

    /// Puts a packet of a pipeline into the session, if there is one and it fits. `None`: it has
    /// to go as a packet of Unity Transport.
    pub(in crate::driver) fn send_in_session(
        &mut self,
        index: u32,
        pipeline: u8,
        packet: &[u8],
    ) -> Option<bool> {
        let entry = self.connections.at(index);
        let session = entry.session.as_mut()?.sending()?;
        if packet.len() > session.message_size_max() {
            return self.send_in_pieces(index, pipeline, packet);
        }
        let sent = session.send_message(pipeline, &[packet]).is_ok();
        // The flush finds it there, and tells the program that there is room.
        if !std::mem::replace(&mut entry.queue_listed, true) {
            self.queued_list.push(index);
        }
        self.mark_session(index);
        Some(sent)
    }

    /// Puts a packet that is too long for a datagram of the session, and that a stage of its
    /// pipeline sends again until it is acknowledged, on a channel of its own, which may cut it.
    /// `None`: it is none, or this peer takes no pieces.
    fn send_in_pieces(&mut self, index: u32, pipeline: u8, packet: &[u8]) -> Option<bool> {
        if !self.pipelines.sends_again(pipeline) {
            return None;
        }
        let now = self.now;
        let priority = self.sessions.priorities[usize::from(pipeline)];
        let resend_time = self.pipelines.resend_time_max();
        // Its stage sends nothing new then: it was lost, or will have been.
        let again = self.is_carried(pipeline);
        let fits = packet.len() <= self.packet_room(index);
        let peer = self.connections.at(index).session.as_mut()?;
        let before = peer.packets_at;
        let session = peer.sending()?;
        if !session.peer_takes_pieces() {
            if fits {
                // That it leaves again may have another reason: the peer's program takes nothing
                // now, which must not end the connection.
                session.probe_path(now, DATA_HEADER_SIZE + packet.len());
            } else {
                session.note_oversize(now, resend_time);
            }
            self.mark_session(index);
            return None;
        }
        // What is on its way there need not be sent again, and the stage knows nothing of that.
        let takes = if again {
            // All that it sends now, and then no more before all of it has arrived.
            session.is_channel_idle(PACKET_CHANNEL) || before == Some(now)
        } else {
            session.reliable_cost(PACKET_CHANNEL) < PACKET_BYTES_MAX
        };
        if takes {
            session.hold_reliable(PACKET_CHANNEL, priority, &[&[pipeline], packet]);
            peer.packets_at = Some(now);
            self.mark_session(index);
        }
        (takes || again || !fits).then_some(true)
    }

    /// Takes a packet of a pipeline whose order and delivery the session sees to.
    pub(in crate::driver) fn carry_packet(&mut self, index: u32, pipeline: u8, packet: &[u8]) {
        let priority = self.sessions.priority(pipeline);
        let peer = &mut self.connections.at(index).session;
        if let Some(session) = peer.as_mut().and_then(|peer| peer.sending()) {
            session.hold_reliable(pipeline, priority, &[packet]);
        }
        self.mark_session(index);
    }

    /// Is a pipeline's last stage one that sessions make needless?
    pub(in crate::driver) fn is_carried(&self, pipeline: u8) -> bool {
        self.pipelines.has_reliable_tail(pipeline)
    }

    /// From its next message on, the session sees to the order and delivery of a reliable
    /// pipeline. What the pipeline's own stage has under way is acknowledged first: a gate holds
    /// back what comes after it.
    pub(in crate::driver) fn carry_pipeline(&mut self, index: u32, pipeline: u8) {
        if !self.is_carried(pipeline) || !self.has_session(index) {
            return;
        }
        if self.connections.at(index).machines.get(pipeline).is_none()
            && let Some(machine) = self.take_machine(index, pipeline)
        {
            self.connections.at(index).machines.put(pipeline, machine);
        }
        let entry = self.connections.at(index);
        let Some(machine) = entry.machines.get_mut(pipeline) else { return };
        if machine.sends_carried() {
            return;
        }
        machine.set_sending_carried(true);
        if !machine.is_acknowledged()
            && let Some(peer) = &mut entry.session
            && let Some(session) = &mut peer.session
        {
            session.set_gate(pipeline, true);
            peer.gated.push(pipeline);
        }
    }

    /// The own stages of pipelines may have got their last acknowledgements.
    pub(in crate::driver) fn open_gates(&mut self, index: u32) {
        let entry = self.connections.at(index);
        let Some(peer) = &mut entry.session else { return };
        if peer.gated.is_empty() {
            return;
        }
        let machines = &entry.machines;
        let Some(session) = &mut peer.session else { return };
        peer.gated.retain(|&pipeline| {
            // Of a connection that closes there is no machine: what waits never leaves.
            let opens = machines.get(pipeline).is_some_and(|machine| machine.is_acknowledged());
            if opens {
                session.set_gate(pipeline, false);
            }
            !opens
        });
        self.mark_session(index);
    }
}
