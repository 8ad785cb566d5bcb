//! The short way of small messages through a reliable pipeline. As that of
//! [those without](super::outlets), it does at once what the long way would have done, or nothing.

use std::hint::cold_path;
use std::net::SocketAddr;

use super::super::connections::Link;
use super::super::datagram::header_size;
use super::super::{MessageKind, NetworkDriver};
use crate::proto::pipeline::{SHORT_SIZE_MAX, SHORTEST_SIZE, ShortHeader};
use crate::proto::utp::packet::{DATA_HEADER_SIZE, data_header};
use crate::pump::UdpSocket;

impl NetworkDriver {
    /// Sends a message through a pipeline that is nothing but a ReliableSequenced stage and that
    /// the connection has used before, over datagrams. False: nothing was done.
    #[inline(never)]
    pub(super) fn send_reliably(
        &mut self,
        index: u32,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> bool {
        // What is under way is sent again after a time, and the last update may be long ago.
        if !self.clock_followed {
            self.follow_clock_once();
        }
        let now = self.now;
        let entry = self.connections.at(index);
        let (Some(machine), Some(utp)) = (entry.machines.get_mut(pipeline), &mut entry.utp) else {
            cold_path();
            return false;
        };
        if kind == MessageKind::Text {
            return false;
        }
        let room = usize::from(utp.packet_size_max()).saturating_sub(DATA_HEADER_SIZE);
        if let Some(peer) = &mut entry.session
            && let Some(session) = peer.sending()
        {
            let Some(header) = machine.carries_alone() else { return false };
            let size = data.len() + header;
            let priority = self.sessions.priority(pipeline);
            if size > room.min(session.reliable_size_max())
                || !session.hold_within(pipeline, priority, size, data)
            {
                cold_path();
                return false;
            }
            machine.handle_carried_send();
            if peer.list() {
                self.sessions.list(index);
            }
        } else {
            let &Link::Udp { socket, ref remote } = &entry.link else { return false };
            let socket = &mut self.pump.udp[socket as usize];
            if self.simulator.is_some()
                || utp.repeats_accept()
                || entry.queued_datagrams >= self.settings.send_queue_capacity as u32
                || !socket.has_room(room + DATA_HEADER_SIZE)
            {
                cold_path();
                return false;
            }
            let Some(header) = machine.send_alone(now, data, room) else { return false };
            let size = header.size() + DATA_HEADER_SIZE;
            queue_packet(socket, *remote, &data_header(utp.token(), pipeline), &header, data);
            utp.handle_sent(now);
            entry.queued_datagrams += 1;
            self.statistics.datagrams_out += 1;
            self.tx.record_alike(size + data.len(), header_size(&entry.link));
            if !std::mem::replace(&mut entry.queue_listed, true) {
                self.queued_list.push(index);
            }
        }
        if !std::mem::replace(&mut entry.touched, true) {
            self.touched_list.push(index);
        }
        entry.traffic.count_sent(data.len());
        self.statistics.messages_out += 1;
        self.statistics.bytes_out += data.len() as u64;
        true
    }
}

/// Queues the packet of a reliable stage, for which there is room.
#[inline(always)]
fn queue_packet(
    socket: &mut UdpSocket,
    remote: SocketAddr,
    header: &[u8; DATA_HEADER_SIZE],
    stage: &ShortHeader,
    data: &[u8],
) {
    let mut head = [0; DATA_HEADER_SIZE + SHORT_SIZE_MAX];
    head[..DATA_HEADER_SIZE].copy_from_slice(header);
    head[DATA_HEADER_SIZE..].copy_from_slice(stage.bytes());
    if stage.size() == SHORT_SIZE_MAX {
        socket.queue(remote, &head, data);
    } else {
        socket.queue(remote, &head[..DATA_HEADER_SIZE + SHORTEST_SIZE], data);
    }
}
