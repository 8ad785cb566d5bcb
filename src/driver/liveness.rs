//! Signs of life that the program asks for or wants to see: its pings, and all pongs.
//!
//! When a ping is due by itself and when a peer is given up, the protocol machines know.

use bytes::Bytes;

use super::connections::Link;
use super::{Connection, ConnectionState, Event, EventKind, NetworkDriver};
use crate::error::{Error, Result, Status};
use crate::proto::websocket::frame::CONTROL_PAYLOAD_MAX;
use crate::pump::StreamId;

impl NetworkDriver {
    /// Sends a ping over a WebSocket, behind the messages sent before it. Its pong measures the
    /// round trip and, with `pong_events`, is an event; with a `pong_timeout_ms` the connection
    /// ends when nothing at all follows. Ping with different payloads to tell several apart that
    /// are under way at once: only the pong of the last one is measured.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Status::NetworkPacketOverflow`] above 125 bytes;
    /// [`Status::NotSupported`] on connections that are no WebSockets.
    pub fn ping(&mut self, connection: Connection, payload: &[u8]) -> Result<()> {
        let index = self.sendable(connection, 0)?;
        if payload.len() > CONTROL_PAYLOAD_MAX {
            return Err(Error::new(
                Status::NetworkPacketOverflow,
                format!(
                    "a ping carries {CONTROL_PAYLOAD_MAX} bytes at most, not {}",
                    payload.len()
                ),
            ));
        }
        let link = self.connections.at(index).link;
        let Some(id) = self.websocket_of(link) else {
            let text = "only WebSocket connections have pings";
            return Err(Error::new(Status::NotSupported, text));
        };
        let dialect = self.connections.at(index).dialect;
        if !self.stream_has_room(id, dialect, payload.len()) {
            return Err(self.refuse(index));
        }
        // The last update may be long ago.
        self.follow_clock();
        let now = self.now;
        let ws = self.streams.get(id).and_then(|state| state.ws.as_mut());
        let outcome = ws.map_or(Err("the stream is closed"), |ws| ws.send_timed_ping(now, payload));
        outcome.map_err(|why| Error::new(Status::NetworkStateMismatch, why))?;
        self.write_control(id);
        self.arm_stream(id);
        Ok(())
    }

    fn websocket_of(&mut self, link: Link) -> Option<StreamId> {
        let Link::Stream(id) = link else { return None };
        self.streams.get(id).is_none_or(|state| !state.is_framed).then_some(id)
    }

    /// A pong, asked for or not.
    pub(super) fn take_pong(&mut self, id: StreamId, payload: Bytes) {
        let now = self.now;
        let Some(state) = self.streams.get(id) else { return };
        let (Some(index), Some(ws)) = (state.connection(), &state.ws) else { return };
        let measured = ws.round_trip();
        let entry = self.connections.at(index);
        if let Some(micros) = measured {
            entry.round_trip.record(micros);
        }
        if self.settings.tolerate_throttled
            && let Some(utp) = &mut entry.utp
        {
            utp.handle_pong(now);
        }
        if self.settings.pong_events && entry.state == ConnectionState::Connected {
            let event = Event { data: payload, ..self.event(index, EventKind::Pong) };
            self.raise(index, event);
        }
    }
}
