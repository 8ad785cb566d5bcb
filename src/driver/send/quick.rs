//! The short way of small messages through a reliable pipeline. As that of
//! [those without](super::outlets), it does at once what the long way would have done, or nothing.

use std::hint::cold_path;

use super::super::connections::Link;
use super::super::datagram::udp_header_size;
use super::super::{Connection, MessageKind, NetworkDriver};
use crate::proto::pipeline::{Pipeline, SHORT_SIZE_MAX, ShortHeader};
use crate::proto::session::Session;
use crate::proto::utp::packet::{DATA_HEADER_SIZE, data_header};

/// No datagram is longer.
const PACKET_SIZE_MAX: usize = u16::MAX as usize;

impl NetworkDriver {
    /// Sends a message through a pipeline that is nothing but a ReliableSequenced stage and that
    /// the connection has used before, over datagrams, if the connection can send now. False:
    /// nothing was done.
    #[inline(always)]
    pub(super) fn send_reliably(
        &mut self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> bool {
        if kind == MessageKind::Text {
            cold_path();
            return false;
        }
        // What is under way is sent again after a time, and the last update may be long ago.
        if !self.clock_followed {
            cold_path();
            self.follow_clock_once();
        }
        let (now, index) = (self.now, connection.index());
        let Some(entry) = self.connections.sender(connection) else {
            cold_path();
            return false;
        };
        let (Some(machine), Some(utp)) = (entry.machines.get_mut(pipeline), &mut entry.utp) else {
            cold_path();
            return false;
        };
        if let Some(peer) = &mut entry.session
            && let Some(session) = peer.sending()
        {
            let (priority, room) = (self.sessions.priority(pipeline), utp.data_size_max().into());
            if !hold(session, machine, pipeline, priority, room, data) {
                cold_path();
                return false;
            }
            if peer.list() {
                self.sessions.list(index);
            }
        } else if let Link::Udp { socket, remote } = &entry.link {
            let socket = &mut self.pump.udp[*socket as usize];
            if self.simulator.is_some()
                || utp.repeats_accept()
                || entry.queued_datagrams >= self.settings.send_queue_capacity as u32
                || !socket.has_room(PACKET_SIZE_MAX)
            {
                cold_path();
                return false;
            }
            let fits = |size| utp.packet_fits(data.len() + size + DATA_HEADER_SIZE);
            let Some(mut alone) = machine.sends_alone(fits) else {
                cold_path();
                return false;
            };
            let size = alone.header_size() + DATA_HEADER_SIZE;
            let header = packet_header(data_header(utp.token(), pipeline), alone.header(now));
            socket.queue_cut(remote, &header, size, data);
            alone.handle_send(now, data);
            utp.handle_sent(now);
            entry.queued_datagrams += 1;
            self.statistics.datagrams_out += 1;
            self.tx.record_alike(size + data.len(), udp_header_size(remote));
            note(&mut entry.queue_listed, &mut self.queued_list, index);
        } else {
            cold_path();
            return false;
        }
        note(&mut entry.touched, &mut self.touched_list, index);
        entry.traffic.count_sent(data.len());
        self.statistics.messages_out += 1;
        self.statistics.bytes_out += data.len() as u64;
        true
    }

    /// May a message in place of this length be begun now through such a pipeline? False: the long
    /// way knows.
    #[inline(never)]
    pub(super) fn begins_reliably(
        &mut self,
        connection: Connection,
        pipeline: u8,
        length: usize,
    ) -> bool {
        let capacity = self.settings.send_queue_capacity as usize;
        let Some(entry) = self.connections.sender(connection) else {
            cold_path();
            return false;
        };
        let (Some(machine), Some(utp)) = (entry.machines.get_mut(pipeline), &entry.utp) else {
            cold_path();
            return false;
        };
        let begins = if let Some(peer) = &mut entry.session
            && let Some(session) = peer.sending()
        {
            let most = session.reliable_size_max().min(utp.data_size_max().into());
            let carrier = machine.carries_alone();
            carrier.is_some_and(|carrier| length + carrier.header_size() <= most)
                && session.message_count() < capacity
        } else if let Link::Udp { socket, .. } = entry.link {
            let fits = |size| utp.packet_fits(length + size + DATA_HEADER_SIZE);
            machine.sends_alone(fits).is_some()
                && (entry.queued_datagrams as usize) < capacity
                && self.pump.udp[socket as usize].has_room(PACKET_SIZE_MAX)
        } else {
            false
        };
        if !begins {
            cold_path();
        }
        begins
    }

    /// As [`send_reliably`](Self::send_reliably), for callers that do more than this.
    #[inline(never)]
    pub(super) fn send_reliably_apart(
        &mut self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> bool {
        self.send_reliably(connection, pipeline, kind, data)
    }
}

/// Puts a connection into a list, unless it is in there.
#[inline(always)]
fn note(listed: &mut bool, list: &mut Vec<u32>, index: u32) {
    if !*listed {
        *listed = true;
        list.push(index);
    }
}

/// Leaves a message of a pipeline to the session that carries it. False: nothing was done.
#[inline(always)]
fn hold(
    session: &mut Session,
    machine: &mut Pipeline,
    pipeline: u8,
    priority: u8,
    room: usize,
    data: &[u8],
) -> bool {
    let Some(carrier) = machine.carries_alone() else { return false };
    let size = data.len() + carrier.header_size();
    if size > room
        || size > session.reliable_size_max()
        || !session.hold_within(pipeline, priority, size, data)
    {
        return false;
    }
    carrier.handle_send();
    true
}

/// The header of a Data packet and that of a reliable stage.
#[inline(always)]
fn packet_header(
    header: [u8; DATA_HEADER_SIZE],
    stage: ShortHeader,
) -> [u8; DATA_HEADER_SIZE + SHORT_SIZE_MAX] {
    let mut head = [0; DATA_HEADER_SIZE + SHORT_SIZE_MAX];
    head[..DATA_HEADER_SIZE].copy_from_slice(&header);
    head[DATA_HEADER_SIZE..].copy_from_slice(&stage);
    head
}
