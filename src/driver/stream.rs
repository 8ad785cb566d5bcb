//! Streams: one WebSocket each, or packets over TCP, from the first byte to the last.
//!
//! `stream_server` and `stream_client` hold the two opening handshakes, `stream_tcp` what carries
//! packets instead of a WebSocket. Here is what they share:
//! reading, messages to events, back-pressure, closing, timers.

use std::io;

use bytes::{Bytes, BytesMut};

use super::connections::Link;
use super::datagram::Piece;
use super::interfaces::websocket_config;
use super::stream_short::Rest;
use super::streams::Phase;
use super::streams::StreamState;
use super::{ConnectionState, DisconnectReason, Ending, EventKind, NetworkDriver, dialect};
use crate::log::note;
use crate::proto::utp::connection::Outcome;
use crate::proto::utp::packet::Packet;
use crate::proto::websocket::{Event as WsEvent, WebSocket};
use crate::pump::{ReadOutcome, Stream, StreamId};
use crate::settings::Dialect;

/// Bytes taken from one stream in one round.
const READ_BUDGET: usize = 1 << 20;
/// Close codes that no frame carries (RFC 6455 section 7.4.1): none given, and just ended.
pub const CODE_NONE: u16 = 1005;
pub const CODE_ABNORMAL: u16 = 1006;
/// Close code for a message that is too big (RFC 6455 section 7.4.1).
pub const CODE_TOO_BIG: u16 = 1009;

impl NetworkDriver {
    /// Adds a stream to the pump and the table.
    pub(super) fn add_stream(
        &mut self,
        stream: Stream,
        state: StreamState,
        connection: Option<u32>,
    ) -> io::Result<StreamId> {
        let id = self.pump.add_stream(stream)?;
        self.streams.insert(id, state, connection, self.now);
        self.arm_stream(id);
        Ok(id)
    }

    /// Takes what a ready stream has.
    pub(super) fn drive_stream(&mut self, id: StreamId) {
        let mut first = match self.read_whole_messages(id) {
            Rest::Nothing => return,
            Rest::Something => None,
            Rest::Outcome(outcome) => Some(outcome),
        };
        if self.streams.get(id).is_some_and(|state| state.phase == Phase::Connecting)
            && !self.finish_connecting(id)
        {
            return;
        }
        let mut budget = READ_BUDGET;
        // What a pause has left behind comes first.
        while first.is_some() || (!self.waits_for_program(id) && self.deliver_messages(id)) {
            let outcome = first.take().unwrap_or_else(|| self.read_stream(id));
            match outcome {
                Ok(ReadOutcome::Placed(count)) => budget = budget.saturating_sub(count),
                Ok(ReadOutcome::Data(bytes)) => {
                    budget = budget.saturating_sub(bytes.len());
                    self.take_bytes(id, bytes);
                }
                Ok(ReadOutcome::Empty) => break,
                Ok(ReadOutcome::End) => {
                    if !self.outlives_end(id) {
                        self.stream_lost(id, "the peer closed the stream");
                        return;
                    }
                    break;
                }
                Err(error) => {
                    self.stream_failed(id, &error);
                    return;
                }
            }
            if budget == 0 {
                self.pump.mark_ready(id);
                break;
            }
        }
        self.finish_securing(id);
        self.finish_closing(id);
        self.arm_stream(id);
    }

    fn read_stream(&mut self, id: StreamId) -> io::Result<ReadOutcome> {
        let before = self.pump.buffer.stream_bytes;
        let outcome = self.read_long_message(id).unwrap_or_else(|| self.pump.read(id));
        self.meter_read(id, before);
        outcome
    }

    /// Reads the rest of a long message to where it is put together. `None`: there is none, or its
    /// bytes have to be looked at first.
    fn read_long_message(&mut self, id: StreamId) -> Option<io::Result<ReadOutcome>> {
        let ws = self.streams.get(id)?.ws.as_deref_mut()?;
        let memory = ws.message_room()?;
        let length = memory.len();
        let outcome = self.pump.read_behind(id, memory)?;
        ws.handle_message_bytes(self.now, length);
        Some(outcome)
    }

    /// The peer sends no more. True when it may still read what we owe it: the answer to its
    /// request, or to its Close.
    fn outlives_end(&mut self, id: StreamId) -> bool {
        let owes = self.pump.queued(id) > 0;
        let Some(state) = self.streams.get(id) else {
            return false;
        };
        state.ended = owes && matches!(state.phase, Phase::Closing | Phase::Draining);
        state.ended
    }

    /// The closing handshake may have ended without anything more to send.
    fn finish_closing(&mut self, id: StreamId) {
        if self.streams.get(id).is_some_and(|state| state.phase == Phase::Closing)
            && self.pump.queued(id) == 0
        {
            self.stream_drained(id);
        }
    }

    pub(super) fn take_bytes(&mut self, id: StreamId, bytes: BytesMut) {
        let now = self.now;
        let Some(state) = self.streams.get(id) else {
            return;
        };
        match state.phase {
            Phase::ProxyHeader => self.take_proxy_bytes(id, &bytes),
            Phase::RequestHead => self.take_request_bytes(id, &bytes),
            Phase::Proxy => self.take_tunnel_bytes(id, &bytes),
            Phase::ResponseHead => self.take_response_bytes(id, &bytes),
            Phase::Securing => {
                // The server was faster than our look at the session.
                self.open_tcp_client(id);
                self.take_framed_bytes(id, bytes);
            }
            Phase::Undecided | Phase::Open if state.is_framed => {
                self.take_framed_bytes(id, bytes);
            }
            Phase::Undecided | Phase::Open | Phase::Closing => {
                if let Some(ws) = &mut state.ws {
                    ws.handle_bytes(now, bytes);
                }
            }
            // A client cannot read before it is connected, and who asks is not read; what comes
            // after the end is dropped.
            Phase::Connecting | Phase::Asking | Phase::Draining => {}
        }
    }

    /// Turns complete messages into events. False when reading must stop: the connection's
    /// inbound limit is reached, its end is held, or the stream is gone.
    fn deliver_messages(&mut self, id: StreamId) -> bool {
        if self.streams.get(id).is_some_and(|state| state.is_framed) {
            return self.deliver_packets(id);
        }
        if !self.release_end(id) {
            return false;
        }
        self.deliver_whole_messages(id);
        loop {
            let Some(state) = self.streams.get(id) else {
                return false;
            };
            let connection = state.connection();
            let Some(mut ws) = state.ws.take() else {
                return true;
            };
            if let Some(index) = connection
                && self.is_full(index)
            {
                self.connections.at(index).paused = true;
                ws.park();
                self.put_back(id, ws);
                return false;
            }
            let Some(event) = ws.poll_event_with(&mut self.compression.pool) else {
                ws.park();
                self.put_back(id, ws);
                return true;
            };
            self.put_back(id, ws);
            if self.hold_end(id, &event) {
                return false;
            }
            self.take_event(id, event);
        }
    }

    /// Keeps an end back while messages wait for the program. True when it did.
    fn hold_end(&mut self, id: StreamId, event: &WsEvent) -> bool {
        if !matches!(event, WsEvent::Close { .. } | WsEvent::Failed { .. }) {
            return false;
        }
        self.request_close(id, event);
        let Some(index) = self.streams.connection(id) else {
            return false;
        };
        let entry = self.connections.at(index);
        // Once the program has closed the connection it sends no answers.
        if entry.waiting.count() == 0 || entry.state == ConnectionState::Disconnecting {
            return false;
        }
        entry.end_held = true;
        if let Some(state) = self.streams.get(id) {
            state.held = Some(Box::new(event.clone()));
        }
        true
    }

    /// Lets a held end go once nothing waits in front of it. False while it is still held.
    fn release_end(&mut self, id: StreamId) -> bool {
        let Some(state) = self.streams.get(id) else {
            return false;
        };
        if state.held.is_none() {
            return true;
        }
        let connection = state.connection();
        let waits = connection.map(|index| self.connections.at(index));
        if waits.is_some_and(|entry| entry.close_requested || entry.waiting.count() > 0) {
            return false;
        }
        if let Some(event) = self.streams.get(id).and_then(|state| state.held.take()) {
            self.take_event(id, *event);
        }
        true
    }

    fn put_back(&mut self, id: StreamId, ws: Box<WebSocket>) {
        if let Some(state) = self.streams.get(id) {
            state.ws = Some(ws);
        }
    }

    pub(super) fn take_event(&mut self, id: StreamId, event: WsEvent) {
        match event {
            WsEvent::Message { data, text } => self.take_message(id, data, text),
            WsEvent::Fragment { data, text, first, last } => {
                let kind = EventKind::Fragment;
                self.take_fragment(id, Piece { kind, data, text, first, last, pipeline: 0 });
            }
            // The pong goes out in front of whatever the program answers.
            WsEvent::Ping(_) => self.write_control(id),
            WsEvent::Pong(payload) => self.take_pong(id, payload),
            WsEvent::Close { code, reason } => {
                self.take_close(id, code, reason);
                self.write_control(id);
            }
            WsEvent::Failed { code, why } => {
                self.count_violation(code);
                note!(Info, "stream from {:?}: {why}", self.streams.get(id).map(|s| s.remote()));
                let reason = if code == CODE_TOO_BIG {
                    DisconnectReason::MessageTooBig
                } else {
                    DisconnectReason::ProtocolError
                };
                let ending = Ending { close_code: code, ..Ending::with_text(reason, why) };
                self.part(id, ending);
                self.write_control(id);
            }
        }
    }

    fn take_message(&mut self, id: StreamId, data: Bytes, text: bool) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        match (state.phase, state.connection()) {
            (Phase::Open, Some(index)) => {
                let plain = self.connections.at(index).dialect == Dialect::Plain;
                if !plain {
                    self.take_utp_message(id, index, &data, text);
                } else if !self.was_only_late(id, index, &data, text) {
                    self.deliver(index, 0, data, text);
                }
            }
            (Phase::Undecided, _) => self.take_first_message(id, data, text),
            // The program closed it and still wants to see what was under way.
            (Phase::Closing, Some(index))
                if self.connections.at(index).dialect == Dialect::Plain =>
            {
                self.deliver(index, 0, data, text);
            }
            // After the end, messages of the peer that crossed our Close.
            _ => {}
        }
    }

    /// A piece of a message that is too long for a packet, so the connection is plain.
    fn take_fragment(&mut self, id: StreamId, piece: Piece) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        match (state.phase, state.connection()) {
            (Phase::Open, Some(index)) => {
                self.confirm_guess(id);
                self.deliver_piece(index, piece);
            }
            (Phase::Undecided, _) => {
                if let Some(index) = self.promote(id, Dialect::Plain) {
                    self.deliver_piece(index, piece);
                }
            }
            (Phase::Closing, Some(index)) => self.deliver_piece(index, piece),
            _ => {}
        }
    }

    /// What silence told was right: the connection is plain. False when that was known already.
    fn confirm_guess(&mut self, id: StreamId) -> bool {
        let Some(state) = self.streams.get(id) else {
            return false;
        };
        let guessed = std::mem::take(&mut state.guessed);
        if guessed {
            self.configure(id, Some(Dialect::Plain));
        }
        guessed
    }

    /// Silence made this connection plain, and its first message is a UTP connection request: the
    /// client was only late, and is taken for what it is. True when it was.
    fn was_only_late(&mut self, id: StreamId, index: u32, data: &Bytes, text: bool) -> bool {
        if !self.confirm_guess(id) || dialect::from_message(text, data) != Dialect::Utp {
            return false;
        }
        if self.streams.open_websocket(id).is_some_and(|ws| ws.is_sending()) {
            // Half of a plain message has left, and packets cannot go in between.
            return false;
        }
        self.configure(id, Some(Dialect::Utp));
        let Some(Packet::ConnectionRequest { token, payload }) = self.parse(data) else {
            return false;
        };
        self.speak_utp(index, token, payload, true);
        true
    }

    /// A first message decides, unless the handshake did.
    fn take_first_message(&mut self, id: StreamId, data: Bytes, text: bool) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let told = state.dialect;
        match told.unwrap_or_else(|| dialect::from_message(text, &data)) {
            Dialect::Plain => {
                if self.promote(id, Dialect::Plain).is_some() {
                    self.take_message(id, data, text);
                }
            }
            Dialect::Utp => self.take_connection_request(id, &data),
        }
    }

    /// The first packet of a stream must ask for a connection.
    pub(super) fn take_connection_request(&mut self, id: StreamId, data: &[u8]) {
        let Some(packet) = self.parse(data) else {
            return;
        };
        let Packet::ConnectionRequest { token, payload } = packet else {
            self.statistics.unknown_token_in += 1;
            return;
        };
        if let Some(index) = self.promote(id, Dialect::Utp) {
            self.found(index, token, payload, true);
        }
    }

    /// Makes a connection of an undecided stream; `None` when the driver is full.
    pub(super) fn promote(&mut self, id: StreamId, dialect: Dialect) -> Option<u32> {
        let state = self.streams.get(id)?;
        let (interface, remote, proxy) = (state.interface, state.remote(), state.proxy.clone());
        let guessed = state.guessed;
        let limits = self.interfaces[interface as usize].limits;
        let admits = self.admits_stream(id);
        let index = if admits { self.add_connection(interface, dialect, limits) } else { None };
        let Some(index) = index else {
            self.statistics.connections_refused += 1;
            let why: &[u8] =
                if admits { b"connections_max is reached" } else { b"no new connections" };
            // 1013: try again later.
            self.start_closing(id, Some(1013), why);
            return None;
        };
        // After a mere guess the first message may still tell otherwise.
        let sure = Some(dialect).filter(|_| !guessed);
        let config = self.streams.shared(websocket_config(&self.settings, &limits, sure));
        let local = self.pump.stream_local(id);
        let tls = self.pump.tls_facts(id);
        let state = self.streams.get(id)?;
        if let Some(ws) = &mut state.ws {
            ws.set_config(config);
        }
        let http = state.take_server_facts(tls);
        self.streams.attach(id, index);
        self.streams.set_phase(id, Phase::Open, None);
        let entry = self.connections.at(index);
        entry.link = Link::Stream(id);
        entry.remote = Some(remote).into();
        entry.set_peer(proxy.as_deref().copied());
        entry.local = local.into();
        entry.http = http;
        if dialect == Dialect::Plain {
            self.announce(index);
        }
        Some(index)
    }

    /// A message of the UTP dialect is one packet of this connection.
    fn take_utp_message(&mut self, id: StreamId, index: u32, data: &Bytes, text: bool) {
        if text {
            // Only while undecided does the machine let text through; a stock server answers so.
            self.count_violation(1003);
            self.part(id, Ending::new(DisconnectReason::ProtocolError));
            self.start_closing(id, Some(1003), b"");
            return;
        }
        self.take_utp_packet(id, index, data, Some(data));
    }

    /// A packet of this connection. `whole` is what it lies in, when that can be kept.
    pub(super) fn take_utp_packet(
        &mut self,
        id: StreamId,
        index: u32,
        data: &[u8],
        whole: Option<&Bytes>,
    ) {
        let Some(packet) = self.parse(data) else {
            return;
        };
        let entry = self.connections.at(index);
        if entry.utp.as_ref().is_none_or(|utp| utp.token() != packet.token()) {
            self.statistics.unknown_token_in += 1;
            return;
        }
        if self.handle_packet(index, &packet, whole) == Outcome::Disconnected {
            self.streams.detach(id);
            self.start_closing(id, Some(1000), b"");
        }
    }
}
