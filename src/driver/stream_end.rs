//! The end of a stream: closing handshakes, lost streams, timers.
//!
//! A connection and its stream part as soon as the end is known; the stream then says goodbye on
//! its own.

use std::num::NonZero;

use bytes::Bytes;

use super::counting::HandshakeFailure;
use super::plan::Failure;
use super::stream::{CODE_ABNORMAL, CODE_NONE, CODE_TOO_BIG};
use super::streams::Phase;
use super::timers::Owner;
use super::{ConnectionState, DisconnectReason, Ending, NetworkDriver};
use crate::log::note;
use crate::proto::time::{Micros, from_ms};
use crate::proto::websocket::CloseState;
use crate::pump::StreamId;
use crate::settings::{Dialect, DialectPolicy};

/// How many times `close_timeout_ms` a goodbye may take while the peer goes on reading.
const GOODBYE_TIMEOUTS_MAX: u64 = 20;

impl NetworkDriver {
    /// The peer's Close frame.
    pub(super) fn take_close(&mut self, id: StreamId, code: Option<u16>, reason: Bytes) {
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
            Some(1002 | 1003 | 1007) => DisconnectReason::ProtocolError,
            Some(CODE_TOO_BIG) => DisconnectReason::MessageTooBig,
            _ => DisconnectReason::ClosedByRemote,
        };
        let close_code = code.unwrap_or(CODE_NONE);
        self.part(id, Ending { reason: why, close_code, clean: true, text: reason });
    }

    /// The stream loses its connection, which ends; the closing handshake goes on without it.
    pub(super) fn part(&mut self, id: StreamId, ending: Ending) {
        if let Some(index) = self.streams.detach(id) {
            let entry = self.connections.at(index);
            let utp = entry.dialect == Dialect::Utp;
            let ending = if entry.state == ConnectionState::Disconnecting {
                // The program knows why; now it learns how it ended.
                let close_code = if ending.clean { ending.close_code } else { CODE_ABNORMAL };
                Ending { reason: DisconnectReason::Default, close_code, ..ending }
            // Under the UTP dialect a stream that ends before the goodbye is an error, whatever
            // the WebSocket said.
            } else if utp && ending.reason != DisconnectReason::Timeout {
                Ending { reason: DisconnectReason::ProtocolError, ..ending }
            } else {
                ending
            };
            self.end(index, ending);
        } else {
            let broken = !ending.clean
                && matches!(
                    ending.reason,
                    DisconnectReason::ProtocolError | DisconnectReason::MessageTooBig
                );
            let why =
                if broken { HandshakeFailure::Malformed } else { HandshakeFailure::Abandoned };
            self.count_failed_handshake(id, why);
        }
        let deadline = Some(self.now + from_ms(self.settings.close_timeout_ms));
        self.streams.set_phase(id, Phase::Closing, deadline);
    }

    /// Starts the closing handshake of a stream without a connection.
    pub(super) fn start_closing(&mut self, id: StreamId, code: Option<u16>, reason: &[u8]) {
        if self.streams.get(id).is_some_and(|state| state.is_framed) {
            // Over TCP the end of the stream is all that there is to say.
            self.start_draining(id, false);
            return;
        }
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

    /// Appends the control frames that the machine wants to send.
    pub(super) fn write_control(&mut self, id: StreamId) {
        if self.pump.queued(id) > self.stream_limits(id).outbound_bytes_max as usize {
            // The peer reads nothing; answering its pings would only pile up.
            return;
        }
        let Some(ws) = self.streams.get(id).and_then(|state| state.ws.as_mut()) else {
            return;
        };
        let Some(out) = self.pump.out(id) else { return };
        let entropy = &mut self.entropy;
        ws.poll_transmit(out, &mut || entropy.take());
        if ws.take_written_ping() {
            let end = self.pump.position(id);
            if let Some(state) = self.streams.get(id) {
                state.ping_end = end.and_then(NonZero::new);
            }
        }
    }

    /// Some of what waits has left: a ping among it, or what keeps one waiting.
    pub(super) fn follow_ping(&mut self, id: StreamId) {
        let now = self.now;
        let Some(state) = self.streams.get(id) else { return };
        let Some(end) = state.ping_end else { return };
        if self.pump.left(id).is_none_or(|left| left >= end.get()) {
            state.ping_end = None;
        }
        if let Some(ws) = &mut state.ws {
            ws.handle_ping_leaving(now);
        }
        self.arm_stream(id);
    }

    /// Everything that waited has left.
    pub(super) fn stream_drained(&mut self, id: StreamId) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        if state.ended {
            self.drop_stream(id);
            return;
        }
        let said = state.ws.as_ref().is_none_or(|ws| ws.close_state() == CloseState::Closed);
        if state.phase == Phase::Closing && said {
            let client = state.is_client;
            self.start_draining(id, client);
        } else if state.phase == Phase::Draining {
            self.shut_down(id);
        }
    }

    /// Some of what waits has left: as long as that goes on, the peer is not too slow. But one that
    /// had a connection cannot stay for ever.
    pub(super) fn stream_progressed(&mut self, id: StreamId) {
        let now = self.now;
        let patience = from_ms(self.settings.close_timeout_ms);
        let Some(state) = self.streams.get(id) else {
            return;
        };
        if !matches!(state.phase, Phase::Closing | Phase::Draining) {
            return;
        }
        let begins = NonZero::new(now).unwrap_or(NonZero::<Micros>::MIN);
        let since = state.opening().leaving_since.get_or_insert(begins).get();
        if !state.is_stranger() && now > since + patience * GOODBYE_TIMEOUTS_MAX {
            return;
        }
        state.set_deadline(Some(now + patience));
        if let Some(ws) = &mut state.ws {
            ws.handle_progress(now);
        }
    }

    /// Nothing more is sent: waits for the peer to hang up, but not for ever. RFC 6455 section
    /// 7.1.1 wants the server to hang up first.
    pub(super) fn start_draining(&mut self, id: StreamId, client: bool) {
        let deadline = Some(self.now + from_ms(self.settings.close_timeout_ms));
        self.streams.set_phase(id, Phase::Draining, deadline);
        if let Some(state) = self.streams.get(id) {
            state.ws = None;
            state.framing = None;
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
        if let Some(event) = state.held.take() {
            // It had ended before; only our answer was still to come.
            self.take_event(id, *event);
            self.drop_stream(id);
            return;
        }
        match state.phase {
            Phase::Connecting | Phase::Proxy | Phase::ResponseHead | Phase::Securing => {
                let reason = if state.phase == Phase::Connecting {
                    DisconnectReason::ConnectionRefused
                } else {
                    DisconnectReason::ConnectionLost
                };
                self.attempt_failed(id, Failure::passing(reason, why));
                return;
            }
            Phase::ProxyHeader | Phase::RequestHead | Phase::Asking | Phase::Undecided => {
                self.count_failed_handshake(id, HandshakeFailure::Abandoned);
            }
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
        let Some(state) = self.streams.remove(id) else {
            return;
        };
        self.pump.close(id);
        if let Some(index) = state.connection() {
            // The program closed it, and the peer has not answered.
            let text = "the closing handshake did not end in time";
            let ending = Ending::with_text(DisconnectReason::Default, text);
            self.end(index, Ending { close_code: CODE_ABNORMAL, ..ending });
        }
        let goodbye = matches!(state.phase, Phase::Closing | Phase::Draining);
        // A program that ends waits for the last goodbye.
        self.farewell_news |= goodbye && !state.is_stranger() && self.streams.leaving() == 0;
    }

    /// Makes sure that the stream is asked when its phase or its WebSocket wants to be.
    pub(super) fn arm_stream(&mut self, id: StreamId) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let deadline = state.next_timeout();
        self.timers.arm(Owner::Stream(id), &mut state.armed, deadline);
    }

    pub(super) fn run_stream_timer(&mut self, id: StreamId) {
        let now = self.now;
        if self.goodbye_is_held(id) {
            self.arm_stream(id);
            return;
        }
        let Some(state) = self.streams.get(id) else {
            return;
        };
        if state.deadline().is_some_and(|deadline| deadline <= now) {
            state.set_deadline(None);
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
        let framed = state.is_framed;
        let policy = self.interfaces[interface as usize].settings.dialect;
        match phase {
            Phase::Undecided if told.is_none() && policy == DialectPolicy::Auto => {
                // Silence: a program in a browser that waits for us to speak first.
                state.guessed = true;
                self.promote(id, Dialect::Plain);
            }
            Phase::Undecided if framed => {
                self.count_failure(HandshakeFailure::TimedOut);
                self.drop_stream(id);
            }
            Phase::Undecided => {
                self.count_failure(HandshakeFailure::TimedOut);
                self.start_closing(id, Some(1002), b"no connection request came");
            }
            Phase::Connecting | Phase::Proxy | Phase::ResponseHead | Phase::Securing => {
                let reason = DisconnectReason::MaxConnectionAttempts;
                let text = "the server did not answer in time";
                self.attempt_failed(id, Failure::passing(reason, text));
            }
            Phase::ProxyHeader | Phase::RequestHead => {
                self.count_failure(HandshakeFailure::TimedOut);
                self.drop_stream(id);
            }
            Phase::Asking => self.request_expired(id),
            Phase::Closing | Phase::Draining => self.drop_stream(id),
            Phase::Open => {}
        }
    }

    fn run_websocket_timer(&mut self, id: StreamId) {
        let now = self.now;
        let Some(state) = self.streams.get(id) else {
            return;
        };
        if state.held.is_some() {
            return;
        }
        let paused = state.connection().is_some_and(|index| self.connections.at(index).paused);
        let Some(ws) = &mut state.ws else { return };
        if paused {
            ws.handle_held_back(now);
            return;
        }
        ws.handle_timeout(now);
        if ws.close_state() == CloseState::TimedOut {
            let ending = Ending {
                close_code: CODE_ABNORMAL,
                ..Ending::with_text(DisconnectReason::Timeout, "no sign of life came in time")
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
