//! Sending: one copy, in place, or one payload to many.
//!
//! The checks come in Unity Transport's order: value, version, state, size, room. A refused send
//! changes nothing.

pub(super) mod in_place;
mod many;
mod outlets;
mod owned;
mod pieces;
mod quick;
#[cfg(test)]
mod tests;

use std::hint::cold_path;

use super::connections::Link;
use super::{Connection, ConnectionState, MessageKind, NetworkDriver};
use crate::error::{Error, Fixed, Result, Status};
use crate::proto::websocket::deflate::Pool;
use crate::proto::websocket::{Kind, WebSocket, message_size_in, wire_size_max};
use crate::pump::{Entropy, Pump, StreamId};
use crate::settings::{ConnectionLimits, Dialect};

pub use in_place::OpenSends;
use pieces::busy;

impl NetworkDriver {
    /// Sends one message, of the kind of the connection's write mode: binary, unless
    /// [`set_write_mode`](Self::set_write_mode) said otherwise. It leaves with the next flush or
    /// update.
    ///
    /// # Errors
    /// [`Status::NetworkIdMismatch`], [`Status::NetworkVersionMismatch`],
    /// [`Status::NetworkStateMismatch`], [`Status::NetworkPacketOverflow`],
    /// [`Status::NetworkSendQueueFull`], [`Status::InvalidArgument`] (pipeline).
    pub fn send(&mut self, connection: Connection, pipeline: u8, data: &[u8]) -> Result<()> {
        self.send_as(connection, pipeline, MessageKind::WriteMode, data)
    }

    /// Sends one text message over a plain WebSocket.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Status::InvalidArgument`] in the UTP dialect, which has no text.
    pub fn send_text(&mut self, connection: Connection, text: &str) -> Result<()> {
        self.send_as(connection, 0, MessageKind::Text, text.as_bytes())
    }

    /// Sends one message of either kind.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Status::InvalidArgument`] for text that is not UTF-8.
    pub fn send_as(
        &mut self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> Result<()> {
        self.send_at_once(connection, pipeline, kind, data)
    }

    /// The same, for who sends many.
    #[inline(always)]
    pub(crate) fn send_at_once(
        &mut self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> Result<()> {
        if self.send_short(connection, pipeline, kind, data) {
            return Ok(());
        }
        cold_path();
        self.send_slowly(connection, pipeline, kind, data)
    }

    /// The same without a pipeline.
    #[inline(always)]
    pub(crate) fn send_without(
        &mut self,
        connection: Connection,
        kind: MessageKind,
        data: &[u8],
    ) -> Result<()> {
        if self.send_directly(connection, kind, data) {
            return Ok(());
        }
        cold_path();
        self.send_slowly(connection, 0, kind, data)
    }

    /// The same through a pipeline.
    #[inline(always)]
    pub(crate) fn send_within(
        &mut self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> Result<()> {
        if self.send_reliably(connection, pipeline, kind, data) {
            return Ok(());
        }
        cold_path();
        self.send_slowly(connection, pipeline, kind, data)
    }

    #[inline(never)]
    fn send_slowly(
        &mut self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> Result<()> {
        let index = self.sendable(connection, pipeline)?;
        self.send_checked(index, pipeline, kind, data)
    }

    fn send_one(&mut self, index: u32, pipeline: u8, kind: MessageKind, data: &[u8]) -> Result<()> {
        let connection = self.connections.peek(index).connection(index);
        if self.send_short(connection, pipeline, kind, data) {
            return Ok(());
        }
        self.send_checked(index, pipeline, kind, data)
    }

    /// Sends by the short way, if there is one and the connection can send. False: nothing was
    /// done.
    #[inline(always)]
    fn send_short(
        &mut self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> bool {
        if pipeline == 0 {
            self.send_directly(connection, kind, data)
        } else {
            self.send_reliably_apart(connection, pipeline, kind, data)
        }
    }

    /// The same without a pipeline.
    #[inline(always)]
    fn send_directly(&mut self, connection: Connection, kind: MessageKind, data: &[u8]) -> bool {
        let (connections, _, mut outlets) = self.split();
        let entry = connections.sender(connection);
        entry.is_some_and(|entry| outlets.send(entry, connection.index(), kind, data))
    }

    fn send_checked(
        &mut self,
        index: u32,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> Result<()> {
        let entry = self.connections.at(index);
        let (dialect, kind) = (entry.dialect, entry.kind_of(kind));
        self.check_kind(dialect, kind, data)?;
        self.check_size(index, pipeline, data)?;
        match dialect {
            Dialect::Plain if self.send_on(index, kind, data)? => Ok(()),
            Dialect::Plain => self.append(index, data.len(), |ws, out, entropy, pool| {
                let mask = &mut || entropy.take();
                ws.pack_message(out, frame_kind(kind), data, mask, pool);
            }),
            Dialect::Utp if pipeline == 0 => self.send_utp(index, data),
            Dialect::Utp => self.send_through(index, pipeline, data),
        }
    }

    pub(super) fn check_size(&self, index: u32, pipeline: u8, data: &[u8]) -> Result<()> {
        let capacity = self.capacity(index, pipeline);
        if data.len() <= capacity { Ok(()) } else { Err(overflow(data.len(), capacity)) }
    }

    pub(super) fn check_kind(
        &self,
        dialect: Dialect,
        kind: MessageKind,
        data: &[u8],
    ) -> Result<()> {
        match (kind, dialect) {
            (MessageKind::Binary | MessageKind::WriteMode, _) => Ok(()),
            (MessageKind::Text, Dialect::Utp) => {
                Err(Error::argument("the UTP dialect has no text messages; send binary"))
            }
            (MessageKind::Text, Dialect::Plain) if std::str::from_utf8(data).is_ok() => Ok(()),
            (MessageKind::Text, Dialect::Plain) => {
                Err(Error::argument("the text is not valid UTF-8; send it as binary"))
            }
        }
    }

    /// The slot of a connection that can send now.
    #[inline]
    pub(super) fn sendable(&self, connection: Connection, pipeline: u8) -> Result<u32> {
        let index = self.connections.resolve(connection)?;
        let state = self.connections.peek(index).state;
        if state != ConnectionState::Connected {
            return Err(not_connected(state));
        }
        self.check_pipeline(pipeline)?;
        Ok(index)
    }

    fn send_utp(&mut self, index: u32, data: &[u8]) -> Result<()> {
        let sent = self.has_packet_room(index, 1, data.len()) && self.emit_packet(index, 0, data);
        if !sent {
            return Err(self.refuse(index));
        }
        self.count_sent(index, data.len());
        Ok(())
    }

    /// Lets `write` append a message of a plain connection to what waits in its stream.
    fn append(
        &mut self,
        index: u32,
        length: usize,
        write: impl FnOnce(&mut WebSocket, &mut Vec<u8>, &mut Entropy, &mut Pool),
    ) -> Result<()> {
        let entry = self.connections.at(index);
        let limits = entry.limits;
        let Link::Stream(id) = entry.link else {
            return Err(closed());
        };
        let Some(ws) = self.streams.open_websocket(id) else {
            return Err(closed());
        };
        if ws.is_sending() {
            return Err(busy());
        }
        if !takes(&self.pump, id, &limits, wire_size_max(self.settings.fragment_size, length)) {
            return Err(self.refuse(index));
        }
        let Some(out) = self.pump.out(id) else {
            return Err(closed());
        };
        write(ws, out, &mut self.entropy, &mut self.compression.pool);
        if ws.is_broken() {
            self.pump.mark_ready(id);
            return Err(closed());
        }
        self.count_sent(index, length);
        Ok(())
    }

    /// Sees to the end of a connection whose frame an extension could not encode.
    fn check_encoded(&mut self, id: StreamId) -> Result<()> {
        match self.streams.open_websocket(id) {
            Some(ws) if ws.is_broken() => {
                self.pump.mark_ready(id);
                Err(closed())
            }
            _ => Ok(()),
        }
    }

    /// Can a plain connection take a message of this length now?
    fn check_room(&mut self, index: u32, id: StreamId, length: usize) -> Result<()> {
        self.check_not_sending(id)?;
        if self.takes_message(id) && self.stream_has_room(id, Dialect::Plain, length) {
            Ok(())
        } else {
            Err(self.refuse(index))
        }
    }

    pub(super) fn stream_has_room(&self, id: StreamId, dialect: Dialect, length: usize) -> bool {
        self.stream_has_room_behind(id, dialect, length, 0)
    }

    /// The same, when so many bytes are staged already.
    #[inline]
    pub(super) fn stream_has_room_behind(
        &self,
        id: StreamId,
        dialect: Dialect,
        length: usize,
        staged: usize,
    ) -> bool {
        let needed = self.pump.queued(id) + staged + self.wire_size(dialect, length);
        needed <= self.stream_limits(id).outbound_bytes_max as usize
    }

    /// Bytes that a message has in a stream, at most.
    pub(super) const fn wire_size(&self, dialect: Dialect, length: usize) -> usize {
        let fragment_size = match dialect {
            Dialect::Utp => 0,
            Dialect::Plain => self.settings.fragment_size,
        };
        wire_size_max(fragment_size, length)
    }

    pub(super) fn refuse(&mut self, index: u32) -> Error {
        let entry = self.connections.at(index);
        entry.wants_writable = true;
        entry.traffic.refused_out += 1;
        let datagrams = !matches!(entry.link, Link::Stream(_));
        // The flush finds it there, whoever's datagrams the socket is full of.
        if datagrams && !std::mem::replace(&mut entry.queue_listed, true) {
            self.queued_list.push(index);
        }
        self.statistics.refused_out += 1;
        queue_full()
    }

    #[inline]
    pub(super) fn count_sent(&mut self, index: u32, size: usize) {
        let entry = self.connections.at(index);
        if let Link::Stream(id) = entry.link
            && entry.limits.send_messages().is_some()
        {
            self.pump.mark_message(id);
        }
        entry.traffic.count_sent(size);
        self.statistics.messages_out += 1;
        self.statistics.bytes_out += size as u64;
    }

    /// Payload bytes that one message of a connection may have.
    pub(super) fn capacity(&self, index: u32, pipeline: u8) -> usize {
        let entry = self.connections.peek(index);
        let limits = entry.limits;
        match entry.dialect {
            Dialect::Utp => self.pipeline_capacity(index, pipeline),
            Dialect::Plain => {
                let room = limits.outbound_bytes_max as usize;
                let room = message_size_in(self.settings.fragment_size, room);
                room.min(limits.websocket_message_size_max as usize)
            }
        }
    }

    /// The longest message that a connection takes.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn payload_size_max(&self, connection: Connection, pipeline: u8) -> Result<u32> {
        let index = self.sendable(connection, pipeline)?;
        Ok(self.capacity(index, pipeline) as u32)
    }
}

/// Has a stream room for one more message of so many bytes on the wire?
#[inline]
pub(super) fn takes(pump: &Pump, id: StreamId, limits: &ConnectionLimits, size: usize) -> bool {
    let messages = limits.send_messages();
    messages.is_none_or(|most| pump.queued_messages(id) < most)
        && pump.queued(id) + size <= limits.outbound_bytes_max as usize
}

#[cold]
fn not_connected(state: ConnectionState) -> Error {
    Error::fixed(match state {
        ConnectionState::Connecting => {
            &Fixed(Status::NetworkStateMismatch, "wait for the Connect event before sending")
        }
        _ => &Fixed(Status::NetworkStateMismatch, "the connection is closed"),
    })
}

const fn frame_kind(kind: MessageKind) -> Kind {
    match kind {
        MessageKind::Text => Kind::Text,
        MessageKind::Binary | MessageKind::WriteMode => Kind::Binary,
    }
}

pub(super) fn overflow(length: usize, capacity: usize) -> Error {
    Error::new(
        Status::NetworkPacketOverflow,
        format!("the message has {length} bytes; this connection takes {capacity} at most"),
    )
}

pub(super) fn queue_full() -> Error {
    Error::fixed(&Fixed(
        Status::NetworkSendQueueFull,
        "the connection's send queue is full; flush, or try again after its Writable event",
    ))
}

pub(super) fn closed() -> Error {
    Error::fixed(&Fixed(Status::NetworkStateMismatch, "the connection is closing"))
}
