//! Streams: one WebSocket each, from the first byte to the last.
//!
//! `stream_server` and `stream_client` hold the two opening handshakes. Here is what both share:
//! reading, messages to events, back-pressure, closing, timers.

use std::io;

use bytes::{Bytes, BytesMut};

use super::connections::Link;
use super::interfaces::websocket_config;
use super::streams::Phase;
use super::streams::StreamState;
use super::timers::Owner;
use super::{CloseFrame, DisconnectReason, Ending, NetworkDriver, dialect};
use crate::log::note;
use crate::proto::time::from_ms;
use crate::proto::utp::connection::Outcome;
use crate::proto::utp::packet::Packet;
use crate::proto::websocket::{CloseState, Event as WsEvent, WebSocket};
use crate::pump::{ReadOutcome, Stream, StreamId};
use crate::settings::{Dialect, DialectPolicy};

/// Bytes taken from one stream in one round.
const READ_BUDGET: usize = 1 << 20;
/// Close codes that no frame carries (RFC 6455 section 7.4.1): none given, and just ended.
const CODE_NONE: u16 = 1005;
const CODE_ABNORMAL: u16 = 1006;

impl NetworkDriver {
    /// Adds a stream to the pump and the table.
    pub(super) fn add_stream(
        &mut self,
        stream: Stream,
        state: StreamState,
    ) -> io::Result<StreamId> {
        let id = self.pump.add_stream(stream)?;
        self.streams.insert(id, state);
        self.arm_stream(id);
        Ok(id)
    }

    /// Takes what a ready stream has.
    pub(super) fn drive_stream(&mut self, id: StreamId) {
        if self.streams.get(id).is_some_and(|state| state.phase == Phase::Connecting)
            && !self.finish_connecting(id)
        {
            return;
        }
        let mut budget = READ_BUDGET;
        // What a pause has left behind comes first.
        while self.deliver_messages(id) {
            match self.pump.read(id) {
                Ok(ReadOutcome::Data(bytes)) => {
                    self.statistics.stream_bytes_in += bytes.len() as u64;
                    budget = budget.saturating_sub(bytes.len());
                    self.take_bytes(id, bytes);
                }
                Ok(ReadOutcome::Empty) => break,
                Ok(ReadOutcome::End) => {
                    self.stream_lost(id, "the peer closed the stream");
                    return;
                }
                Err(error) => {
                    self.stream_lost(id, &error.to_string());
                    return;
                }
            }
            if budget == 0 {
                self.pump.mark_ready(id);
                break;
            }
        }
        self.finish_closing(id);
        self.arm_stream(id);
    }

    /// The closing handshake may have ended without anything more to send.
    fn finish_closing(&mut self, id: StreamId) {
        if self.streams.get(id).is_some_and(|state| state.phase == Phase::Closing)
            && self.pump.queued(id) == 0
        {
            self.stream_drained(id);
        }
    }

    /// Some of what waits has left: as long as that goes on, the peer is not too slow.
    pub(super) fn stream_progressed(&mut self, id: StreamId) {
        let deadline = self.now + from_ms(self.settings.close_timeout_ms);
        if let Some(state) = self.streams.get(id)
            && state.phase == Phase::Draining
        {
            state.deadline = Some(deadline);
        }
    }

    fn take_bytes(&mut self, id: StreamId, bytes: BytesMut) {
        let now = self.now;
        let Some(state) = self.streams.get(id) else {
            return;
        };
        match state.phase {
            Phase::RequestHead => self.take_request_bytes(id, &bytes),
            Phase::ResponseHead => self.take_response_bytes(id, &bytes),
            Phase::Undecided | Phase::Open | Phase::Closing => {
                if let Some(ws) = &mut state.ws {
                    ws.handle_bytes(now, bytes);
                }
            }
            // A client cannot read before it is connected; what comes after the end is dropped.
            Phase::Connecting | Phase::Draining => {}
        }
    }

    /// Turns complete messages into events. False when reading must stop: the connection's
    /// inbound limit is reached, its end is held, or the stream is gone.
    fn deliver_messages(&mut self, id: StreamId) -> bool {
        if !self.release_end(id) {
            return false;
        }
        loop {
            let Some(state) = self.streams.get(id) else {
                return false;
            };
            let connection = state.connection;
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
            let Some(event) = ws.poll_event() else {
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
        let Some(index) = self.streams.connection(id) else {
            return false;
        };
        let entry = self.connections.at(index);
        if entry.waiting.count() == 0 {
            return false;
        }
        entry.end_held = true;
        if let Some(state) = self.streams.get(id) {
            state.held = Some(event.clone());
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
        let connection = state.connection;
        if connection.is_some_and(|index| self.connections.at(index).waiting.count() > 0) {
            return false;
        }
        if let Some(event) = self.streams.get(id).and_then(|state| state.held.take()) {
            self.take_event(id, event);
        }
        true
    }

    fn put_back(&mut self, id: StreamId, ws: Box<WebSocket>) {
        if let Some(state) = self.streams.get(id) {
            state.ws = Some(ws);
        }
    }

    fn take_event(&mut self, id: StreamId, event: WsEvent) {
        match event {
            WsEvent::Message { data, text } => self.take_message(id, data, text),
            // The pong goes out in front of whatever the program answers.
            WsEvent::Ping(_) => self.write_control(id),
            WsEvent::Pong(_) => {}
            WsEvent::Close { code, reason } => {
                self.take_close(id, code, reason);
                self.write_control(id);
            }
            WsEvent::Failed { code, why } => {
                self.statistics.protocol_errors += 1;
                note!(Info, "stream from {:?}: {why}", self.streams.get(id).map(|s| s.remote));
                let ending = Ending {
                    close_code: code,
                    ..Ending::with_text(DisconnectReason::ProtocolError, why)
                };
                self.part(id, ending);
                self.write_control(id);
            }
        }
    }

    fn take_message(&mut self, id: StreamId, data: Bytes, text: bool) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        match (state.phase, state.connection) {
            (Phase::Open, Some(index)) => match self.connections.at(index).dialect {
                Dialect::Plain => self.deliver(index, data, text),
                Dialect::Utp => self.take_utp_message(id, index, &data, text),
            },
            (Phase::Undecided, _) => self.take_first_message(id, data, text),
            // After the end, messages of the peer that crossed our Close.
            _ => {}
        }
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
            Dialect::Utp => {
                let Some(packet) = self.parse(&data) else {
                    return;
                };
                let Packet::ConnectionRequest { token, payload } = packet else {
                    self.statistics.unknown_token_in += 1;
                    return;
                };
                if let Some(index) = self.promote(id, Dialect::Utp) {
                    self.found(index, token, payload);
                }
            }
        }
    }

    /// The handshake told that the client is plain: it need not speak first.
    pub(super) fn welcome_plain(&mut self, id: StreamId) {
        self.promote(id, Dialect::Plain);
    }

    /// Makes a connection of an undecided stream; `None` when the driver is full.
    fn promote(&mut self, id: StreamId, dialect: Dialect) -> Option<u32> {
        let state = self.streams.get(id)?;
        let (interface, remote) = (state.interface, state.remote);
        let Some(index) = self.connections.insert(interface, dialect) else {
            self.statistics.connections_refused += 1;
            // 1013: try again later.
            self.start_closing(id, Some(1013), b"connections_max is reached");
            return None;
        };
        let config = websocket_config(&self.settings, Some(dialect));
        let local = self.pump.stream_local(id);
        let state = self.streams.get(id)?;
        state.connection = Some(index);
        if let Some(ws) = &mut state.ws {
            ws.set_config(config);
        }
        let http = state.take_server_facts();
        self.streams.set_phase(id, Phase::Open, None);
        let entry = self.connections.at(index);
        entry.link = Link::Stream(id);
        entry.remote = Some(remote);
        entry.local = local;
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
            self.statistics.protocol_errors += 1;
            self.part(id, Ending::new(DisconnectReason::ProtocolError));
            self.start_closing(id, Some(1003), b"");
            return;
        }
        let Some(packet) = self.parse(data) else {
            return;
        };
        let entry = self.connections.at(index);
        if entry.utp.as_ref().is_none_or(|utp| utp.token() != packet.token()) {
            self.statistics.unknown_token_in += 1;
            return;
        }
        if self.handle_packet(index, &packet, Some(data)) == Outcome::Disconnected {
            self.detach(id);
            self.start_closing(id, Some(1000), b"");
        }
    }

    /// The peer's Close frame.
    fn take_close(&mut self, id: StreamId, code: Option<u16>, reason: Bytes) {
        if let Some(state) = self.streams.get(id)
            && state.phase == Phase::Undecided
            && state.dialect != Some(Dialect::Utp)
            && self.promote(id, Dialect::Plain).is_none()
        {
            // A client that came only to say goodbye is seen too, unless the driver is full.
            return;
        }
        let why = match code {
            // The peer says that we broke the protocol.
            Some(1002 | 1003 | 1007 | 1009) => DisconnectReason::ProtocolError,
            _ => DisconnectReason::ClosedByRemote,
        };
        let close_code = code.unwrap_or(CODE_NONE);
        self.part(id, Ending { reason: why, close_code, clean: true, text: reason });
    }

    /// The stream loses its connection, which ends; the closing handshake goes on without it.
    fn part(&mut self, id: StreamId, ending: Ending) {
        if let Some(index) = self.detach(id) {
            // Under the UTP dialect a stream that ends before the goodbye is an error, whatever
            // the WebSocket said.
            let utp = self.connections.at(index).dialect == Dialect::Utp;
            let ending = if utp && ending.reason != DisconnectReason::Timeout {
                Ending { reason: DisconnectReason::ProtocolError, ..ending }
            } else {
                ending
            };
            self.end(index, ending);
        } else if self.streams.get(id).is_some_and(|state| state.is_pending()) {
            self.statistics.handshakes_failed += 1;
        }
        let deadline = Some(self.now + from_ms(self.settings.close_timeout_ms));
        self.streams.set_phase(id, Phase::Closing, deadline);
    }

    pub(super) fn detach(&mut self, id: StreamId) -> Option<u32> {
        self.streams.get(id)?.connection.take()
    }

    /// Starts the closing handshake of a stream without a connection.
    pub(super) fn start_closing(&mut self, id: StreamId, code: Option<u16>, reason: &[u8]) {
        let now = self.now;
        let deadline = Some(now + from_ms(self.settings.close_timeout_ms));
        self.streams.set_phase(id, Phase::Closing, deadline);
        if let Some(ws) = self.streams.get(id).and_then(|state| state.ws.as_mut())
            && ws.can_send()
            && ws.close(now, code, reason).is_err()
        {
            note!(Error, "a close frame with code {code:?} was refused");
        }
        self.write_control(id);
        self.arm_stream(id);
    }

    /// The program has closed the connection of this stream.
    pub(super) fn close_stream(&mut self, id: StreamId, frame: Option<&CloseFrame>) {
        self.detach(id);
        if let Some(state) = self.streams.get(id) {
            state.held = None;
        }
        if self.streams.get(id).is_none_or(|state| state.ws.is_none()) {
            // Still in its opening handshake: there is nothing to say goodbye to.
            self.drop_stream(id);
            return;
        }
        let (code, reason) = frame.map_or((1000, &[][..]), |frame| (frame.code, &frame.reason));
        self.start_closing(id, Some(code), reason);
        // What was held back or comes now is nobody's any more, but the Close must be read.
        self.pump.mark_ready(id);
    }

    /// The connection of this stream ended by a timer of its own.
    pub(super) fn abandon_stream(&mut self, id: StreamId) {
        self.close_stream(id, None);
    }

    /// Appends the control frames that the machine wants to send.
    pub(super) fn write_control(&mut self, id: StreamId) {
        if self.pump.queued(id) > self.settings.outbound_bytes_max as usize {
            // The peer reads nothing; answering its pings would only pile up.
            return;
        }
        let Some(ws) = self.streams.get(id).and_then(|state| state.ws.as_mut()) else {
            return;
        };
        let Some(out) = self.pump.out(id) else { return };
        let entropy = &mut self.entropy;
        ws.poll_transmit(out, &mut || entropy.take());
    }

    /// Everything that waited has left.
    pub(super) fn stream_drained(&mut self, id: StreamId) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let said = state.ws.as_ref().is_none_or(|ws| ws.close_state() == CloseState::Closed);
        if state.phase == Phase::Closing && said {
            let client = state.client.is_some();
            self.start_draining(id, client);
        } else if state.phase == Phase::Draining && state.connection.is_none() {
            self.shut_down(id);
        }
    }

    /// Nothing more is sent: waits for the peer to hang up, but not for ever. RFC 6455 section
    /// 7.1.1 wants the server to hang up first.
    pub(super) fn start_draining(&mut self, id: StreamId, client: bool) {
        let deadline = Some(self.now + from_ms(self.settings.close_timeout_ms));
        self.streams.set_phase(id, Phase::Draining, deadline);
        if let Some(state) = self.streams.get(id) {
            state.ws = None;
        }
        if !client && self.pump.queued(id) == 0 {
            self.shut_down(id);
        }
        self.pump.mark_ready(id);
        self.arm_stream(id);
    }

    fn shut_down(&mut self, id: StreamId) {
        if let Some(stream) = self.pump.stream(id) {
            stream.shutdown_write();
        }
    }

    /// The stream is gone, without a Close frame or after one.
    pub(super) fn stream_lost(&mut self, id: StreamId, why: &str) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        match state.phase {
            Phase::Connecting | Phase::ResponseHead => {
                let reason = if state.phase == Phase::Connecting {
                    DisconnectReason::ConnectionRefused
                } else {
                    DisconnectReason::ConnectionLost
                };
                self.attempt_failed(id, reason, why);
                return;
            }
            Phase::RequestHead | Phase::Undecided => self.statistics.handshakes_failed += 1,
            Phase::Open | Phase::Closing | Phase::Draining => {}
        }
        let ending = Ending {
            close_code: CODE_ABNORMAL,
            ..Ending::with_text(DisconnectReason::ConnectionLost, why.to_owned())
        };
        self.streams.set_phase(id, Phase::Draining, None);
        if self.streams.connection(id).is_some() {
            self.part(id, ending);
        }
        self.drop_stream(id);
    }

    /// Ends a stream at once.
    pub(super) fn drop_stream(&mut self, id: StreamId) {
        if self.streams.remove(id).is_some() {
            self.pump.close(id);
        }
    }

    /// Makes sure that the stream is asked when its phase or its WebSocket wants to be.
    pub(super) fn arm_stream(&mut self, id: StreamId) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let ws = state.ws.as_ref().filter(|_| state.held.is_none());
        let ws = ws.and_then(|ws| ws.next_timeout());
        let deadline = state.deadline.into_iter().chain(ws).min();
        self.timers.arm(Owner::Stream(id), &mut state.armed, deadline);
    }

    pub(super) fn run_stream_timer(&mut self, id: StreamId) {
        let now = self.now;
        let Some(state) = self.streams.get(id) else {
            return;
        };
        if state.deadline.is_some_and(|deadline| deadline <= now) {
            state.deadline = None;
            self.phase_expired(id);
        }
        self.run_websocket_timer(id);
        self.arm_stream(id);
    }

    fn phase_expired(&mut self, id: StreamId) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let (phase, told, interface) = (state.phase, state.dialect, state.interface);
        let policy = self.interfaces[interface as usize].settings.dialect;
        match phase {
            Phase::Undecided if told.is_none() && policy == DialectPolicy::Auto => {
                // Silence: a program in a browser that waits for us to speak first.
                self.promote(id, Dialect::Plain);
            }
            Phase::Undecided => {
                self.statistics.handshakes_failed += 1;
                self.start_closing(id, Some(1002), b"no connection request came");
            }
            Phase::Connecting | Phase::ResponseHead => {
                let reason = DisconnectReason::MaxConnectionAttempts;
                self.attempt_failed(id, reason, "the server did not answer in time");
            }
            Phase::RequestHead => {
                self.statistics.handshakes_failed += 1;
                self.drop_stream(id);
            }
            Phase::Closing | Phase::Draining => self.drop_stream(id),
            Phase::Open => {}
        }
    }

    fn run_websocket_timer(&mut self, id: StreamId) {
        let now = self.now;
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let paused = state.connection.is_some_and(|index| self.connections.at(index).paused);
        let Some(ws) = &mut state.ws else { return };
        if paused {
            ws.handle_held_back(now);
            return;
        }
        ws.handle_timeout(now);
        if ws.close_state() == CloseState::TimedOut {
            let ending = Ending {
                close_code: CODE_ABNORMAL,
                ..Ending::with_text(DisconnectReason::Timeout, "no pong came in time")
            };
            if self.streams.connection(id).is_some() {
                self.part(id, ending);
            }
            self.drop_stream(id);
        } else {
            self.write_control(id);
        }
    }
}
