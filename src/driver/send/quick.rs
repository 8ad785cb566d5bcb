//! The short way of small messages, where nothing lies between a connection and its queue.
//!
//! It does at once what the long way would have done, or nothing; the long way then finds out what
//! to do, or why nothing can be done. It must not refuse, nor call the program.

use std::hint::cold_path;

use super::super::connections::{Entry, Link};
use super::super::datagram::{header_size, udp_header_size};
use super::super::streams::Phase;
use super::super::{MessageKind, NetworkDriver};
use super::frame_kind;
use super::owned::SHARED_SIZE_MIN;
use crate::proto::framing::write_packet;
use crate::proto::pipeline::{Pipeline, SHORT_SIZE_MAX, ShortHeader};
use crate::proto::session::Session;
use crate::proto::utp::packet::{DATA_HEADER_SIZE, data_header};
use crate::proto::websocket::{HEADER_SIZE_MAX, Kind};
use crate::pump::StreamId;
use crate::settings::Dialect;

/// No datagram is longer.
const PACKET_SIZE_MAX: usize = u16::MAX as usize;
/// No pipeline.
const NONE: u8 = 0;

impl NetworkDriver {
    /// Sends a message without a pipeline to a connection that can send now. False: nothing was
    /// done.
    #[inline(always)]
    pub(super) fn send_quickly(&mut self, index: u32, kind: MessageKind, data: &[u8]) -> bool {
        let sent = if let Link::Stream(id) = self.connections.at(index).link {
            self.send_in_stream(index, id, kind, data)
        } else {
            self.send_datagram(index, kind, data)
        };
        if !sent {
            cold_path();
            return false;
        }
        self.statistics.messages_out += 1;
        self.statistics.bytes_out += data.len() as u64;
        true
    }

    /// Bytes that a message in place gets which may be begun now, without a pipeline, on a
    /// connection that can send. `None`: the long way knows.
    #[inline(always)]
    pub(super) fn begins_quickly(&self, index: u32, required: u32) -> Option<usize> {
        let entry = self.connections.peek(index);
        let required = required as usize;
        let most = match &entry.utp {
            Some(utp) => usize::from(utp.packet_size_max()).saturating_sub(DATA_HEADER_SIZE),
            None => plain_limits(entry).1,
        };
        if required == 0 || required > most {
            cold_path();
            return None;
        }
        let capacity = self.settings.send_queue_capacity as usize;
        let fits = if let Link::Stream(id) = entry.link {
            self.stream_takes(entry, id, required)
        } else if let Link::Udp { socket, .. } = entry.link {
            self.pump.udp[socket as usize].has_room(DATA_HEADER_SIZE)
                && entry.queued_messages() < capacity
        } else {
            matches!(entry.link, Link::Ipc { .. }) && entry.queued_messages() < capacity
        };
        if !fits {
            cold_path();
            return None;
        }
        Some(required)
    }

    /// Has a stream room for a message of this length in one frame?
    #[inline(always)]
    fn stream_takes(&self, entry: &Entry, id: StreamId, length: usize) -> bool {
        let plain = entry.dialect == Dialect::Plain;
        let sends = !plain
            || self.settings.fragment_size == 0
                && self.streams.peek_websocket(id).is_some_and(|ws| !ws.is_sending());
        let most = entry.limits.outbound_bytes_max as usize;
        sends
            && entry.limits.send_messages().is_none()
            && self.pump.queued(id) + length + HEADER_SIZE_MAX <= most
    }

    /// Puts a message into a session, or as a packet into the batch of its socket.
    #[inline(always)]
    fn send_datagram(&mut self, index: u32, kind: MessageKind, data: &[u8]) -> bool {
        let entry = self.connections.at(index);
        let Some(utp) = &mut entry.utp else {
            cold_path();
            return false;
        };
        let size = data.len() + DATA_HEADER_SIZE;
        let capacity = self.settings.send_queue_capacity as usize;
        if kind == MessageKind::Text || size > usize::from(utp.packet_size_max()) {
            cold_path();
            return false;
        }
        if let Some(peer) = &mut entry.session
            && let Some(session) = peer.sending()
        {
            let queued =
                session.message_count() < capacity && session.send_message(NONE, &[data]).is_ok();
            if !queued {
                cold_path();
                return false;
            }
            if peer.list() {
                self.sessions.list(index);
            }
        } else {
            if self.simulator.is_some()
                || utp.repeats_accept()
                || entry.queued_datagrams as usize >= capacity
            {
                cold_path();
                return false;
            }
            let header = data_header(utp.token(), NONE);
            let headers = header_size(&entry.link);
            if let Link::Udp { socket, remote } = &entry.link {
                if !self.pump.udp[*socket as usize].queue(*remote, &header, data) {
                    cold_path();
                    return false;
                }
            } else if let &Link::Ipc { port, remote } = &entry.link {
                self.pump.ipc[port as usize].send(remote, &header, data);
            } else {
                cold_path();
                return false;
            }
            utp.handle_sent(self.now);
            entry.queued_datagrams += 1;
            self.statistics.datagrams_out += 1;
            self.tx.record_alike(size, headers);
        }
        entry.traffic.count_sent(data.len());
        if !std::mem::replace(&mut entry.queue_listed, true) {
            self.queued_list.push(index);
        }
        true
    }

    /// Sends a message through a pipeline that is nothing but a ReliableSequenced stage and that
    /// the connection has used before, over datagrams. False: nothing was done.
    #[inline(always)]
    pub(super) fn send_reliably(
        &mut self,
        index: u32,
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
        let now = self.now;
        let entry = self.connections.at(index);
        let (Some(machine), Some(utp)) = (entry.machines.get_mut(pipeline), &mut entry.utp) else {
            cold_path();
            return false;
        };
        let room = usize::from(utp.data_size_max());
        if let Some(peer) = &mut entry.session
            && let Some(session) = peer.sending()
        {
            let priority = self.sessions.priority(pipeline);
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
            let Some(alone) = machine.sends_alone(data.len(), room) else {
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
            let headers = udp_header_size(remote);
            self.tx.record_alike(size + data.len(), headers);
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

    /// The same, for callers that do more than this.
    #[inline(never)]
    pub(super) fn send_reliably_apart(
        &mut self,
        index: u32,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> bool {
        self.send_reliably(index, pipeline, kind, data)
    }

    /// Appends a message to what waits in a stream, as one frame or one packet.
    #[inline(always)]
    fn send_in_stream(&mut self, index: u32, id: StreamId, kind: MessageKind, data: &[u8]) -> bool {
        let entry = self.connections.at(index);
        // Where messages are counted each is marked.
        if entry.limits.send_messages().is_some() {
            cold_path();
            return false;
        }
        match entry.dialect {
            Dialect::Plain => self.send_frame(index, id, kind, data),
            Dialect::Utp => self.send_packet(index, id, kind, data),
        }
    }

    /// Appends a message of a plain WebSocket.
    #[inline(always)]
    fn send_frame(&mut self, index: u32, id: StreamId, kind: MessageKind, data: &[u8]) -> bool {
        let entry = self.connections.at(index);
        let kind = entry.kind_of(kind);
        let (most, longest) = plain_limits(entry);
        // A longer one may be sent from where it lies.
        if data.len() >= SHARED_SIZE_MIN
            || data.len() > longest
            || kind == MessageKind::Text && std::str::from_utf8(data).is_err()
        {
            cold_path();
            return false;
        }
        if let Some(ws) = self.streams.open_websocket(id)
            && ws.sends_as_it_is(data.len())
            && let Some(out) = self.pump.out_within(id, data.len() + HEADER_SIZE_MAX, most)
        {
            ws.write_whole(out, frame_kind(kind), [], data, || self.entropy.take());
            entry.traffic.count_sent(data.len());
            return true;
        }
        cold_path();
        false
    }

    /// Appends a message as a packet of the UTP dialect.
    #[inline(always)]
    fn send_packet(&mut self, index: u32, id: StreamId, kind: MessageKind, data: &[u8]) -> bool {
        let entry = self.connections.at(index);
        let most = entry.limits.outbound_bytes_max as usize;
        let size = data.len() + DATA_HEADER_SIZE;
        let Some(utp) = &mut entry.utp else {
            cold_path();
            return false;
        };
        let Some(state) = self.streams.get(id) else {
            cold_path();
            return false;
        };
        if kind == MessageKind::Text || size > usize::from(utp.packet_size_max()) {
            cold_path();
            return false;
        }
        let header = data_header(utp.token(), NONE);
        let size = size + HEADER_SIZE_MAX;
        if state.is_framed {
            if state.phase == Phase::Open
                && let Some(out) = self.pump.out_within(id, size, most)
            {
                write_packet(out, &header, data);
            } else {
                cold_path();
                return false;
            }
        } else if let Some(ws) = state.sending_websocket()
            && !ws.is_extended()
            && let Some(out) = self.pump.out_within(id, size, most)
        {
            ws.write_whole(out, Kind::Binary, header, data, || self.entropy.take());
        } else {
            cold_path();
            return false;
        }
        utp.handle_sent(self.now);
        entry.traffic.count_sent(data.len());
        true
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

/// Bytes that may wait in the stream of a plain connection, and those of its longest message.
#[inline]
fn plain_limits(entry: &Entry) -> (usize, usize) {
    let limits = &entry.limits;
    (limits.outbound_bytes_max as usize, limits.websocket_message_size_max as usize)
}
