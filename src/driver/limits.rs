//! What may wait in one connection, the longest message that it takes, and what its messages are
//! when nobody says so: set for all, for an interface, for one.
//!
//! The limits are kept where messages come in and go out; here is who has which.

use super::connections::Link;
use super::interfaces::websocket_config;
use super::streams::Phase;
use super::{Connection, MessageKind, NetworkDriver};
use crate::error::{Error, Result};
use crate::pump::StreamId;
use crate::settings::{ConnectionLimits, Dialect};

impl NetworkDriver {
    /// The limits of a connection: its own, its interface's and the driver's taken together.
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn connection_limits(&self, connection: Connection) -> Result<ConnectionLimits> {
        Ok(self.entry(connection)?.limits)
    }

    /// Changes limits of a connection from here on; what is 0 stays as it is. What waits already
    /// is not dropped, whatever the limits say.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument), and nothing has changed;
    /// otherwise as [`connection_info`](Self::connection_info).
    pub fn set_connection_limits(
        &mut self,
        connection: Connection,
        limits: &ConnectionLimits,
    ) -> Result<()> {
        let index = self.connections.resolve(connection)?;
        limits.validate(&self.settings)?;
        let entry = self.connections.at(index);
        entry.limits = limits.within(entry.limits);
        let (link, dialect) = (entry.link, entry.dialect);
        if let Link::Stream(id) = link {
            let state = self.streams.get(id);
            if state.is_some_and(|state| state.phase == Phase::Open && !state.guessed) {
                self.configure(id, Some(dialect));
            }
            if self.connections.at(index).paused && !self.is_full(index) {
                self.connections.at(index).paused = false;
                self.pump.mark_ready(id);
            }
            self.announce_room_of(id);
        }
        Ok(())
    }

    /// What messages of a connection are that are sent as [`MessageKind::WriteMode`], as by
    /// [`send`](Self::send).
    ///
    /// # Errors
    /// As [`connection_info`](Self::connection_info).
    pub fn write_mode(&self, connection: Connection) -> Result<MessageKind> {
        Ok(self.entry(connection)?.write_mode)
    }

    /// Changes that; it is [`MessageKind::Binary`] at first.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument) for text in the UTP dialect,
    /// which has none, and for [`MessageKind::WriteMode`] itself; otherwise as
    /// [`connection_info`](Self::connection_info).
    pub fn set_write_mode(&mut self, connection: Connection, mode: MessageKind) -> Result<()> {
        let index = self.connections.resolve(connection)?;
        let entry = self.connections.at(index);
        if mode == MessageKind::WriteMode {
            return Err(Error::argument("a write mode is text or binary"));
        }
        if mode == MessageKind::Text && entry.dialect == Dialect::Utp {
            return Err(Error::argument("the UTP dialect has no text messages"));
        }
        entry.write_mode = mode;
        Ok(())
    }

    /// The limits of what a stream carries: its connection's, or its interface's as long as it has
    /// none.
    pub(super) fn stream_limits(&self, id: StreamId) -> ConnectionLimits {
        let Some(state) = self.streams.peek(id) else {
            return ConnectionLimits::of(&self.settings);
        };
        let entry = state.connection().and_then(|index| self.connections.get(index));
        entry.map_or(self.interfaces[state.interface as usize].limits, |entry| entry.limits)
    }

    /// Gives the WebSocket of a stream the settings of a dialect.
    pub(super) fn configure(&mut self, id: StreamId, dialect: Option<Dialect>) {
        let config = websocket_config(&self.settings, &self.stream_limits(id), dialect);
        let config = self.streams.shared(config);
        if let Some(ws) = self.streams.get(id).and_then(|state| state.ws.as_mut()) {
            ws.set_config(config);
        }
    }

    /// May one message more wait in a stream, whatever its length?
    pub(super) fn takes_message(&self, id: StreamId) -> bool {
        self.takes_message_behind(id, 0)
    }

    /// The same, when so many are staged already.
    #[inline]
    pub(super) fn takes_message_behind(&self, id: StreamId, staged: usize) -> bool {
        let most = self.stream_limits(id).send_messages();
        most.is_none_or(|most| self.pump.queued_messages(id) + staged < most)
    }

    /// Is at most half of what may wait in a stream still there?
    pub(super) fn is_half_empty(&self, id: StreamId) -> bool {
        let limits = self.stream_limits(id);
        let half = limits.send_messages().map_or(usize::MAX, |most| most / 2);
        self.pump.queued(id) <= limits.outbound_bytes_max as usize / 2
            && self.pump.queued_messages(id) <= half
    }
}
