//! UTP packets in: from datagrams, and from WebSocket messages of the UTP dialect.
//!
//! A packet finds its connection by token. What cannot be parsed or belongs nowhere is dropped
//! and counted, never answered.

use std::num::NonZero;

use bytes::Bytes;

use super::connections::Link;
use super::{DisconnectReason, Ending, Event, EventKind, MessageKind, NetworkDriver};
use crate::log::note;
use crate::proto::session;
use crate::proto::utp::connection::{Outcome, UtpConnection};
use crate::proto::utp::packet::{self, Packet, PacketError, Token};
use crate::settings::Dialect;

/// A message, or a piece of one.
pub struct Piece {
    /// Data or Fragment.
    pub kind: EventKind,
    /// Its bytes.
    pub data: Bytes,
    /// Text or binary.
    pub text: bool,
    /// The message begins here.
    pub first: bool,
    /// It ends here.
    pub last: bool,
    /// What it came through.
    pub pipeline: u8,
}

impl NetworkDriver {
    /// Takes one datagram.
    pub(super) fn receive_datagram(&mut self, interface: u32, link: Link, data: &[u8]) {
        self.statistics.datagrams_in += 1;
        self.rx.record(data.len(), header_size(&link));
        if let Some(simulator) = &mut self.simulator {
            simulator.receive.handle_packet(self.now, (), data.len());
            if simulator.receive.poll_packet(self.now).is_none() {
                return;
            }
        }
        if data.len() > self.settings.max_message_size as usize {
            self.statistics.malformed_in += 1;
            return;
        }
        if self.settings.session && session::packet::is_session(data) {
            self.receive_session(interface, link, data);
            return;
        }
        if self.receive_cookie(interface, link, data) {
            return;
        }
        let Some(packet) = self.parse(data) else {
            return;
        };
        let token = packet.token();
        let known = self.interfaces[interface as usize].tokens.get(&token).copied();
        match (known, &packet) {
            (Some(index), _) => {
                self.follow(index, link, &packet, data.len());
                self.handle_packet(index, &packet, None);
            }
            (None, Packet::ConnectionRequest { payload, .. }) if self.admits() => {
                self.handle_request(interface, link, token, payload, None);
            }
            (None, _) => self.statistics.unknown_token_in += 1,
        }
    }

    /// Parses a packet; counts one that cannot be.
    pub(super) fn parse<'a>(&mut self, data: &'a [u8]) -> Option<Packet<'a>> {
        match packet::parse(data) {
            Ok(packet) => Some(packet),
            Err(PacketError::OldProtocol) => {
                self.statistics.old_protocol_in += 1;
                // Once, whatever else knocks: the counter tells how often.
                if self.statistics.old_protocol_in > 1 {
                    return None;
                }
                note!(Warning, "a client of Unity Transport 1.x knocked; its protocol differs");
                None
            }
            Err(_) => {
                self.statistics.malformed_in += 1;
                None
            }
        }
    }

    /// Follows a peer that moved: data, heartbeats and probes come from where it is now. Repeated
    /// handshake packets and goodbyes move nothing; a client's first Accept comes from the one of
    /// the server's addresses that answers.
    fn follow(&mut self, index: u32, link: Link, packet: &Packet<'_>, size: usize) {
        let entry = self.connections.at(index);
        let established = entry.utp.as_deref().is_some_and(UtpConnection::is_established);
        let moves = match packet {
            Packet::ConnectionAccept { .. } => !established,
            Packet::ConnectionRequest { .. } | Packet::Disconnect { .. } => false,
            _ => established,
        };
        if moves && entry.link != link && entry.link != Link::None {
            if self.proves_places(index) {
                self.hear_from_elsewhere(index, link, size);
            } else {
                self.set_link(index, link);
            }
        }
    }

    /// A connection request made this connection. It is the program's once its path is known.
    pub(super) fn found(&mut self, index: u32, token: Token, payload: &[u8], validated: bool) {
        self.connections.at(index).unsettled = true;
        self.speak_utp(index, token, payload, validated);
    }

    /// From here on the connection is one of the UTP dialect, whose client waits for the accept.
    pub(super) fn speak_utp(&mut self, index: u32, token: Token, payload: &[u8], validated: bool) {
        let now = self.now;
        let entry = self.connections.at(index);
        entry.dialect = Dialect::Utp;
        // It may have been plain until now; there is no text any more.
        entry.write_mode = MessageKind::Binary;
        entry.set_payload(payload);
        let mut utp = UtpConnection::server(token, now);
        if validated {
            utp.handle_validated(now);
        }
        entry.utp = Some(Box::new(utp));
        self.set_path(index);
        self.schedule(index);
    }

    /// Takes a packet of a known connection. `whole` is the message that it lies in, when that
    /// can be kept without copying.
    pub(super) fn handle_packet(
        &mut self,
        index: u32,
        packet: &Packet<'_>,
        whole: Option<&Bytes>,
    ) -> Outcome {
        let now = self.now;
        let overhead = self.path_overhead(index);
        let entry = self.connections.at(index);
        let Some(utp) = &mut entry.utp else {
            return Outcome::Dropped;
        };
        // With its first word a client's probes begin.
        let unheard = utp.repeats_accept();
        let outcome = utp.handle_packet(now, packet, overhead);
        match (outcome, packet) {
            (Outcome::Connected, Packet::ConnectionAccept { payload, .. }) => {
                self.connected(index, payload);
            }
            (Outcome::Data, Packet::Data { pipeline, payload, .. })
                if !self.take_hello(index, *pipeline, payload) =>
            {
                self.receive_packet(index, *pipeline, payload, whole);
            }
            (Outcome::Disconnected, _) => {
                let ending =
                    Ending { clean: true, ..Ending::new(DisconnectReason::ClosedByRemote) };
                self.end(index, ending);
            }
            (Outcome::Nothing, Packet::MtuAck { .. }) => self.widen_path(index),
            (Outcome::Dropped, _) => self.statistics.unknown_token_in += 1,
            _ => {}
        }
        self.follow_machine(index);
        match (outcome, packet) {
            // Beside a pipeline no stage has anything to do because of it.
            (Outcome::Data, Packet::Data { pipeline: 0, .. }) if !unheard => {
                self.touch_lightly(index);
            }
            _ => self.touch(index),
        }
        outcome
    }

    fn connected(&mut self, index: u32, payload: &[u8]) {
        self.drop_plan(index);
        // The event and what may follow it wait until the path is known.
        let entry = self.connections.at(index);
        entry.unsettled = true;
        entry.accepted = false;
        let data = Bytes::copy_from_slice(payload);
        let event = Event { data, ..self.event(index, EventKind::Connect) };
        self.raise(index, event);
    }

    /// Is the inbound limit of a connection reached?
    pub(super) fn is_full(&mut self, index: u32) -> bool {
        self.connections.at(index).is_full()
    }

    /// Raises a Data event.
    pub(super) fn deliver(&mut self, index: u32, pipeline: u8, data: Bytes, text: bool) {
        let kind = EventKind::Data;
        let piece = Piece { kind, data, text, first: true, last: true, pipeline };
        self.deliver_piece(index, piece);
    }

    /// Raises the event of a message, or of a piece of one.
    pub(super) fn deliver_piece(&mut self, index: u32, piece: Piece) {
        if self.connections.at(index).state == super::ConnectionState::Disconnected {
            // The program has closed it; nothing is delivered while the goodbye waits.
            return;
        }
        self.count_received(index, u64::from(piece.last), piece.data.len() as u64);
        let Piece { kind, data, text, first, last, pipeline } = piece;
        let event = Event { data, text, first, last, pipeline, ..self.event(index, kind) };
        self.raise(index, event);
    }

    /// Notes that so many messages, or pieces of one, were received.
    pub(super) fn count_received(&mut self, index: u32, messages: u64, bytes: u64) {
        let entry = self.connections.at(index);
        entry.last_message = NonZero::new(self.now.max(1));
        entry.traffic.messages_in += messages;
        entry.traffic.bytes_in += bytes;
        self.statistics.messages_in += messages;
        self.statistics.bytes_in += bytes;
    }

    /// Ends a UTP connection for a reason of its own; the peer is told when the machine says so.
    pub(super) fn end_utp(&mut self, index: u32, reason: DisconnectReason) {
        let link = self.connections.at(index).link;
        self.transmit_control(index);
        self.end(index, Ending::new(reason));
        if let Link::Stream(id) = link {
            self.abandon_stream(id);
        }
    }
}

/// Bytes that the system adds to a datagram: IP and UDP.
pub const fn header_size(link: &Link) -> usize {
    match link {
        Link::Udp { remote, .. } => udp_header_size(remote),
        // What carries a custom interface's packets, nobody knows here.
        Link::Custom { .. } | Link::Ipc { .. } | Link::None | Link::Stream(_) => 0,
    }
}

/// The same for one to a peer over UDP.
#[inline]
pub const fn udp_header_size(remote: &std::net::SocketAddr) -> usize {
    if remote.is_ipv4() { 28 } else { 48 }
}

/// Where a datagram comes from.
pub fn remote_of(link: Link) -> Option<std::net::SocketAddr> {
    match link {
        Link::Udp { remote, .. } => Some(remote),
        Link::Ipc { remote, .. } => Some(super::interfaces::ipc_address(remote, false)),
        Link::None | Link::Custom { .. } | Link::Stream(_) => None,
    }
}
