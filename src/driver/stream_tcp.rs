//! Streams of TCP interfaces: UTP packets with a length in front, and nothing else.
//!
//! There is no opening handshake but TLS, and no closing one: a client's stream carries its
//! connection request at once, and a goodbye is the Disconnect packet and the end of the stream.

use bytes::{Bytes, BytesMut};

use super::http_facts::{Agreed, Head, HttpFacts};
use super::interfaces::utp_packet_size_max;
use super::streams::{Phase, StreamState};
use super::{ConnectionState, NetworkDriver};
use crate::proto::framing::{Framing, Received};
use crate::proto::utp::connection::Control;
use crate::pump::{StreamId, TlsFacts};
use crate::settings::{Dialect, InterfaceKind, NetworkSettings};

impl StreamState {
    /// A client's own first bytes are next, at once or behind a PROXY header: packets, or the head
    /// of a request.
    pub(super) fn expect_client(&mut self, kind: InterfaceKind, settings: &NetworkSettings) {
        self.phase = Phase::RequestHead;
        if kind == InterfaceKind::Tcp {
            self.phase = Phase::Undecided;
            self.carry_packets(settings);
        }
    }

    /// From here on the stream carries packets.
    fn carry_packets(&mut self, settings: &NetworkSettings) {
        let packet_size_max = utp_packet_size_max(settings, InterfaceKind::Tcp);
        self.is_framed = true;
        self.framing = Some(Box::new(Framing::new(packet_size_max)));
        self.dialect = Some(Dialect::Utp);
    }
}

impl NetworkDriver {
    /// A client's stream reaches the server: its request leaves as soon as TLS lets it.
    pub(super) fn reach_tcp_server(&mut self, id: StreamId) {
        if self.pump.is_secure(id) {
            self.open_tcp_client(id);
        } else {
            // Within the handshake's time, as everything before a connection.
            let deadline = self.streams.get(id).and_then(|state| state.deadline());
            self.streams.set_phase(id, Phase::Securing, deadline);
        }
    }

    /// Goes on with a client whose TLS handshake is over.
    pub(super) fn finish_securing(&mut self, id: StreamId) {
        if self.streams.get(id).is_some_and(|state| state.phase == Phase::Securing)
            && self.pump.is_secure(id)
        {
            self.open_tcp_client(id);
        }
    }

    pub(super) fn open_tcp_client(&mut self, id: StreamId) {
        let now = self.now;
        let tls = self.pump.tls_facts(id);
        let Some(state) = self.streams.get(id) else { return };
        state.carry_packets(&self.settings);
        let Some(index) = state.connection() else { return };
        self.streams.set_phase(id, Phase::Open, None);
        let entry = self.connections.at(index);
        entry.http = facts(tls, false);
        // Only now is it known what lies below.
        self.set_path(index);
        let Some(utp) = &mut self.connections.at(index).utp else { return };
        utp.handle_sent(now);
        if !utp.wants_transmit() {
            // The requests that the machine asked for so far had nowhere to go.
            self.send_control(index, Control::Request);
        }
    }

    /// Takes what was read.
    pub(super) fn take_framed_bytes(&mut self, id: StreamId, bytes: BytesMut) {
        if let Some(framing) = self.streams.get(id).and_then(|state| state.framing.as_mut()) {
            framing.handle_bytes(bytes);
        }
    }

    /// Takes the packets that have come. False when reading must stop: the connection's inbound
    /// limit is reached, or the stream is gone.
    pub(super) fn deliver_packets(&mut self, id: StreamId) -> bool {
        loop {
            let Some(state) = self.streams.get(id) else {
                return false;
            };
            let connection = state.connection();
            let Some(mut framing) = state.framing.take() else {
                return true;
            };
            if let Some(index) = connection
                && self.is_full(index)
            {
                self.connections.at(index).paused = true;
                framing.park();
                self.put_framing_back(id, framing);
                return false;
            }
            let more = match framing.poll_packet() {
                Some(Received::Whole(packet)) => {
                    self.take_framed_packet(id, &packet, Some(&packet));
                    true
                }
                Some(Received::Joined(packet)) => {
                    self.take_framed_packet(id, packet, None);
                    true
                }
                Some(Received::TooLong(_)) => {
                    self.statistics.malformed_in += 1;
                    true
                }
                None => false,
            };
            self.put_framing_back(id, framing);
            if !more {
                return true;
            }
        }
    }

    /// What the stream carries was taken out while the driver looked at it; meanwhile the stream
    /// may have begun to end.
    fn put_framing_back(&mut self, id: StreamId, framing: Box<Framing>) {
        if let Some(state) = self.streams.get(id)
            && matches!(state.phase, Phase::Undecided | Phase::Open)
        {
            state.framing = Some(framing);
        }
    }

    fn take_framed_packet(&mut self, id: StreamId, packet: &[u8], whole: Option<&Bytes>) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        match (state.phase, state.connection()) {
            (Phase::Open, Some(index)) => self.take_utp_packet(id, index, packet, whole),
            (Phase::Undecided, _) => self.take_connection_request(id, packet),
            // After the end.
            _ => {}
        }
    }

    /// Is this the stream of a client that waits for the answer to its connection request?
    pub(super) fn is_requesting(&mut self, id: StreamId) -> bool {
        let Some(state) = self.streams.get(id) else {
            return false;
        };
        let (framed, connection) = (state.is_framed, state.connection());
        framed
            && connection.is_some_and(|index| {
                self.connections.at(index).state == ConnectionState::Connecting
            })
    }
}

/// What a connection remembers of its stream: TLS, where there is any.
pub(super) fn facts(tls: Option<TlsFacts>, forwarded_tls: bool) -> Option<Box<HttpFacts>> {
    let secure = forwarded_tls || tls.is_some();
    let agreed = Agreed { tls, ..Agreed::default() };
    secure.then(|| Box::new(HttpFacts::new(Head::None, secure, agreed)))
}
