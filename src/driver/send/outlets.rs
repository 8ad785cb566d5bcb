//! The short way of small messages without a pipeline: what lies between a connection and its queue
//! is nothing, so the message is put there at once.
//!
//! It does what the long way would have done, or nothing; the long way then finds out what to do,
//! or why nothing can be done. It must not refuse, nor call the program.

use std::hint::cold_path;

use super::super::connections::{Connections, Entry, Link};
use super::super::datagram::header_size;
use super::super::sessions::Sessions;
use super::super::streams::{Phase, Streams};
use super::super::{MessageKind, NetworkDriver, Simulator, Statistics};
use super::frame_kind;
use super::in_place::OpenSends;
use super::owned::SHARED_SIZE_MIN;
use crate::proto::framing::{self, fill_packet};
use crate::proto::time::Micros;
use crate::proto::traffic::Meter;
use crate::proto::utp::packet::{DATA_HEADER_SIZE, data_header};
use crate::proto::websocket::{HEADER_SIZE_MAX, Kind};
use crate::pump::{Entropy, Pump, StreamId};
use crate::settings::{Dialect, NetworkSettings};

/// No pipeline.
const NONE: u8 = 0;

/// The parts of a driver through which a message leaves a connection.
pub(super) struct Outlets<'a> {
    pump: &'a mut Pump,
    streams: &'a mut Streams,
    sessions: &'a mut Sessions,
    statistics: &'a mut Statistics,
    tx: &'a mut Meter,
    entropy: &'a mut Entropy,
    queued_list: &'a mut Vec<u32>,
    settings: &'a NetworkSettings,
    simulator: &'a Option<Box<Simulator>>,
    now: &'a Micros,
}

impl NetworkDriver {
    /// The connections, the messages that are written in place, and the way out.
    #[inline(always)]
    pub(super) fn split(&mut self) -> (&mut Connections, &mut OpenSends, Outlets<'_>) {
        let outlets = Outlets {
            pump: &mut self.pump,
            streams: &mut self.streams,
            sessions: &mut self.sessions,
            statistics: &mut self.statistics,
            tx: &mut self.tx,
            entropy: &mut self.entropy,
            queued_list: &mut self.queued_list,
            settings: &self.settings,
            simulator: &self.simulator,
            now: &self.now,
        };
        (&mut self.connections, &mut self.sends, outlets)
    }
}

impl Outlets<'_> {
    /// Sends a message without a pipeline to a connection that can send now. False: nothing was
    /// done.
    #[inline(always)]
    pub(super) fn send(
        &mut self,
        entry: &mut Entry,
        index: u32,
        kind: MessageKind,
        data: &[u8],
    ) -> bool {
        let sent = if let Link::Stream(id) = entry.link {
            self.send_in_stream(entry, id, kind, data)
        } else {
            self.send_datagram(entry, index, kind, data)
        };
        if !sent {
            cold_path();
            return false;
        }
        entry.traffic.count_sent(data.len());
        self.statistics.messages_out += 1;
        self.statistics.bytes_out += data.len() as u64;
        true
    }

    /// May a message in place of this length, which is not 0, be begun now without a pipeline?
    /// False: the long way knows.
    #[inline(always)]
    pub(super) fn begins(&self, entry: &Entry, length: usize) -> bool {
        let fits = match &entry.utp {
            Some(utp) => utp.packet_fits(length + DATA_HEADER_SIZE),
            None => length <= plain_limits(entry).1,
        };
        if !fits {
            cold_path();
            return false;
        }
        let capacity = self.settings.send_queue_capacity as usize;
        let takes = if let Link::Stream(id) = entry.link {
            self.stream_takes(entry, id, length)
        } else if let Link::Udp { socket, .. } = entry.link {
            self.pump.udp[socket as usize].has_room(DATA_HEADER_SIZE)
                && entry.queued_messages() < capacity
        } else {
            matches!(entry.link, Link::Ipc { .. }) && entry.queued_messages() < capacity
        };
        if !takes {
            cold_path();
        }
        takes
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
    fn send_datagram(
        &mut self,
        entry: &mut Entry,
        index: u32,
        kind: MessageKind,
        data: &[u8],
    ) -> bool {
        let Some(utp) = &mut entry.utp else {
            cold_path();
            return false;
        };
        let size = data.len() + DATA_HEADER_SIZE;
        let capacity = self.settings.send_queue_capacity as usize;
        if kind == MessageKind::Text || !utp.packet_fits(size) {
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
            let token = utp.token();
            let headers = if let Link::Udp { socket, remote } = &entry.link {
                let socket = &mut self.pump.udp[*socket as usize];
                if !socket.queue_made(remote, || data_header(token, NONE), data) {
                    return false;
                }
                header_size(&entry.link)
            } else if let &Link::Ipc { port, remote } = &entry.link {
                self.pump.ipc[port as usize].send(remote, &data_header(token, NONE), data);
                header_size(&entry.link)
            } else {
                cold_path();
                return false;
            };
            utp.handle_sent(*self.now);
            entry.queued_datagrams += 1;
            self.statistics.datagrams_out += 1;
            self.tx.record_alike(size, headers);
        }
        if !std::mem::replace(&mut entry.queue_listed, true) {
            self.queued_list.push(index);
        }
        true
    }

    /// Appends a message to what waits in a stream, as one frame or one packet.
    #[inline(always)]
    fn send_in_stream(
        &mut self,
        entry: &mut Entry,
        id: StreamId,
        kind: MessageKind,
        data: &[u8],
    ) -> bool {
        // Where messages are counted each is marked.
        if entry.limits.send_messages().is_some() {
            cold_path();
            return false;
        }
        match entry.dialect {
            Dialect::Plain => self.send_frame(entry, id, kind, data),
            Dialect::Utp => self.send_packet(entry, id, kind, data),
        }
    }

    /// Appends a message of a plain WebSocket.
    #[inline(always)]
    fn send_frame(&mut self, entry: &Entry, id: StreamId, kind: MessageKind, data: &[u8]) -> bool {
        let kind = entry.kind_of(kind);
        let (most, longest) = plain_limits(entry);
        let counted = data.len() + HEADER_SIZE_MAX;
        // A longer one may be sent from where it lies.
        if data.len() >= SHARED_SIZE_MIN
            || data.len() > longest
            || kind == MessageKind::Text && !is_text(data)
        {
            cold_path();
            return false;
        }
        if let Some(ws) = self.streams.open_websocket(id)
            && ws.sends_as_it_is(data.len())
            && let Some(room) = self.pump.room_within(id, ws.whole_size(data.len()), counted, most)
        {
            ws.write_whole(room, frame_kind(kind), [], data, || self.entropy.take());
            return true;
        }
        cold_path();
        false
    }

    /// Appends a message as a packet of the UTP dialect.
    #[inline(always)]
    fn send_packet(
        &mut self,
        entry: &mut Entry,
        id: StreamId,
        kind: MessageKind,
        data: &[u8],
    ) -> bool {
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
        if kind == MessageKind::Text || !utp.packet_fits(size) {
            cold_path();
            return false;
        }
        let header = data_header(utp.token(), NONE);
        let counted = size + HEADER_SIZE_MAX;
        if state.is_framed {
            if state.phase == Phase::Open
                && let Some(room) =
                    self.pump.room_within(id, size + framing::HEADER_SIZE, counted, most)
            {
                fill_packet(room, header, data);
            } else {
                cold_path();
                return false;
            }
        } else if let Some(ws) = state.sending_websocket()
            && !ws.is_extended()
            && let Some(room) = self.pump.room_within(id, ws.whole_size(size), counted, most)
        {
            ws.write_whole(room, Kind::Binary, header, data, || self.entropy.take());
        } else {
            cold_path();
            return false;
        }
        utp.handle_sent(*self.now);
        true
    }
}

/// Is it UTF-8? Most text is ASCII, which is seen at once.
#[inline(always)]
fn is_text(data: &[u8]) -> bool {
    data.is_ascii() || std::str::from_utf8(data).is_ok()
}

/// Bytes that may wait in the stream of a plain connection, and those of its longest message.
#[inline]
fn plain_limits(entry: &Entry) -> (usize, usize) {
    let limits = &entry.limits;
    (limits.outbound_bytes_max as usize, limits.websocket_message_size_max as usize)
}
