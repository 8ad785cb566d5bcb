//! Closing by the program's wish, and its say when the peer closes.
//!
//! The closing handshake itself is `stream_end`'s.

use super::connections::Link;
use super::streams::Phase;
use super::{CloseFrame, Connection, ConnectionState, DisconnectReason, Event, EventKind};
use super::{NetworkDriver, stream};
use crate::error::{Error, Result};
use crate::proto::time::from_ms;
use crate::proto::websocket::Event as WsEvent;
use crate::proto::websocket::connection::{CLOSE_REASON_MAX, is_close_code};
use crate::pump::StreamId;
use crate::settings::Dialect;

/// Code of a close for which the program gave none (RFC 6455 section 7.4.1).
const CODE_NORMAL: u16 = 1000;

impl NetworkDriver {
    /// Closes a connection: no event follows here; the peer is told with the next flush, after
    /// what was sent before. A WebSocket closes with code 1000.
    ///
    /// With `local_close_events` an established WebSocket connection stays, Disconnecting, until
    /// its closing handshake is over: messages that were under way are still delivered, and a
    /// Disconnect event follows, with reason Default and the peer's close code, or 1006 when the
    /// peer did not answer within `close_timeout_ms`.
    ///
    /// # Errors
    /// [`Status::NetworkIdMismatch`](crate::Status::NetworkIdMismatch),
    /// [`Status::NetworkVersionMismatch`](crate::Status::NetworkVersionMismatch).
    pub fn disconnect(&mut self, connection: Connection) -> Result<()> {
        self.begin_closing(connection, None)
    }

    /// Closes a plain WebSocket connection with a code and a reason; on others this is
    /// [`disconnect`](Self::disconnect).
    ///
    /// # Errors
    /// As [`disconnect`](Self::disconnect);
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument) for a code that must not be
    /// sent, or a reason of more than 123 bytes or that is not UTF-8. The connection stays open.
    pub fn close(&mut self, connection: Connection, code: u16, reason: &[u8]) -> Result<()> {
        if !is_close_code(code) {
            return Err(Error::argument(format!(
                "close code {code} must not be sent; use 1000 to 1003, 1007 to 1014, 3000 to 4999"
            )));
        }
        if reason.len() > CLOSE_REASON_MAX || std::str::from_utf8(reason).is_err() {
            return Err(Error::argument("the reason must be UTF-8 of at most 123 bytes"));
        }
        self.begin_closing(connection, Some(CloseFrame { code, reason: reason.to_vec() }))
    }

    /// Ends a connection at once: what waits to be sent is dropped, the peer is not told, and no
    /// event follows, whatever the settings say. The value is stale from here on.
    ///
    /// # Errors
    /// As [`disconnect`](Self::disconnect).
    pub fn abort(&mut self, connection: Connection) -> Result<()> {
        let index = self.connections.resolve(connection)?;
        self.closing.retain(|&(closing, _)| closing != index);
        self.forget_token(index, true);
        let link = self.connections.at(index).link;
        self.drop_plan(index);
        if let Link::Stream(id) = link {
            self.streams.detach(id);
            self.drop_stream(id);
        }
        self.release(index);
        Ok(())
    }

    fn begin_closing(&mut self, connection: Connection, frame: Option<CloseFrame>) -> Result<()> {
        let index = self.connections.resolve(connection)?;
        let in_sight = self.closes_in_sight(index);
        let entry = self.connections.at(index);
        if in_sight {
            if entry.state == ConnectionState::Connected {
                entry.machines.clear();
                if let Some(utp) = &mut entry.utp {
                    utp.disconnect();
                }
                self.connections.set_disconnecting(index);
                self.closing.push((index, frame));
            }
            return Ok(());
        }
        self.events.clear(&mut entry.waiting);
        if entry.state == ConnectionState::Disconnected {
            // It had ended already, or waits for the flush already.
            if !entry.closing {
                self.release(index);
            }
            return Ok(());
        }
        entry.closing = true;
        self.drop_plan(index);
        let entry = self.connections.at(index);
        // From here on packets of the peer change nothing; the goodbye waits for the flush.
        entry.machines.clear();
        if let Some(utp) = &mut entry.utp {
            utp.disconnect();
        }
        self.connections.set_disconnected(index);
        self.closing.push((index, frame));
        Ok(())
    }

    /// The program wants to see the end of this connection although it closes it itself; perhaps
    /// that end waits to be popped already.
    fn closes_in_sight(&mut self, index: u32) -> bool {
        if !self.settings.local_close_events {
            return false;
        }
        let entry = self.connections.at(index);
        match (entry.state, entry.link) {
            (ConnectionState::Disconnecting, _) => true,
            (ConnectionState::Disconnected, _) => !entry.closing && entry.waiting.count() > 0,
            (ConnectionState::Connected, Link::Stream(id)) => {
                self.streams.get(id).is_some_and(|state| state.ws.is_some())
            }
            _ => false,
        }
    }

    /// Closed connections that wait for a flush and show nothing more.
    pub(super) fn closing_unseen(&self) -> usize {
        let unseen = |index| self.connections.get(index).is_some_and(|entry| entry.closing);
        self.closing.iter().filter(|&&(index, _)| unseen(index)).count()
    }

    /// Ends the connections that the program has closed: a goodbye after what was sent before.
    pub(super) fn close_connections(&mut self) {
        if self.closing.is_empty() {
            return;
        }
        for (index, frame) in std::mem::take(&mut self.closing) {
            let entry = self.connections.at(index);
            let in_sight = entry.state == ConnectionState::Disconnecting;
            if !in_sight && !entry.closing {
                // The peer was faster; the Disconnect event waits to be popped.
                continue;
            }
            if self.lingers(index) {
                self.closing.push((index, frame));
                continue;
            }
            let entry = self.connections.at(index);
            let link = entry.link;
            self.forget_token(index, true);
            self.transmit_control(index);
            if let Link::Stream(id) = link {
                if !in_sight {
                    self.streams.detach(id);
                }
                self.close_stream(id, frame.as_ref());
            }
            if !in_sight {
                self.release(index);
            }
        }
    }

    /// The connection of this stream ended by a timer of its own.
    pub(super) fn abandon_stream(&mut self, id: StreamId) {
        self.streams.detach(id);
        self.close_stream(id, None);
    }

    /// The program has closed the connection of this stream, and lets go of it unless it wants to
    /// see its end.
    fn close_stream(&mut self, id: StreamId, frame: Option<&CloseFrame>) {
        let connection = self.streams.connection(id);
        let Some(state) = self.streams.get(id) else {
            return;
        };
        if state.is_framed && state.phase == Phase::Open {
            self.start_draining(id, false);
            return;
        }
        let held = state.held.take();
        let Some(ws) = &mut state.ws else {
            // Still in its opening handshake: there is nothing to say goodbye to.
            self.drop_stream(id);
            return;
        };
        if let Some(frame) = frame {
            // The peer's Close is here, and its answer has not left.
            ws.answer_close(frame.code, &frame.reason);
        }
        if let (Some(_), Some(event)) = (connection, held) {
            self.take_event(id, *event);
            // While the end was held no timer ran.
            self.arm_stream(id);
            return;
        }
        let (code, reason) =
            frame.map_or((CODE_NORMAL, &[][..]), |frame| (frame.code, &frame.reason));
        self.start_closing(id, Some(code), reason);
        // What was held back or comes now may be nobody's any more, but the Close must be read.
        self.pump.mark_ready(id);
    }

    /// The closing handshake waits for the program to pop: its timers stand still.
    pub(super) fn goodbye_is_held(&mut self, id: StreamId) -> bool {
        let now = self.now;
        let Some(state) = self.streams.get(id) else {
            return false;
        };
        let waits = state.phase == Phase::Closing
            && state.connection().is_some_and(|index| self.connections.at(index).paused);
        if waits {
            state.set_deadline(Some(now + from_ms(self.settings.close_timeout_ms)));
            if let Some(ws) = &mut state.ws {
                ws.handle_progress(now);
            }
        }
        waits
    }

    /// The peer's Close asks the program first, if it wants to be asked.
    pub(super) fn request_close(&mut self, id: StreamId, event: &WsEvent) {
        let WsEvent::Close { code, reason } = event else {
            return;
        };
        if !self.settings.close_request_events {
            return;
        }
        let undecided = self.streams.get(id).is_some_and(|state| {
            state.phase == Phase::Undecided && state.dialect != Some(Dialect::Utp)
        });
        if undecided {
            // A client that came only to say goodbye is seen too, unless the driver is full.
            self.promote(id, Dialect::Plain);
        }
        let Some(index) = self.streams.connection(id) else {
            return;
        };
        let entry = self.connections.at(index);
        if entry.state != ConnectionState::Connected || entry.dialect != Dialect::Plain {
            return;
        }
        entry.close_requested = true;
        let event = Event {
            data: reason.clone(),
            close_code: code.unwrap_or(stream::CODE_NONE),
            reason: DisconnectReason::Default,
            ..self.event(index, EventKind::CloseRequest)
        };
        self.raise(index, event);
    }

    /// Lets the closes go on that the program was asked about before this update.
    pub(super) fn answer_requests(&mut self) {
        while let Some(connection) = self.asked.pop() {
            let Ok(index) = self.connections.resolve(connection) else {
                continue;
            };
            let entry = self.connections.at(index);
            if entry.state != ConnectionState::Connected {
                // It ended meanwhile, or the program's own close is the answer.
                continue;
            }
            entry.close_requested = false;
            if entry.waiting.count() == 0
                && let Link::Stream(id) = entry.link
            {
                entry.end_held = false;
                self.pump.mark_ready(id);
            }
        }
    }
}
