//! Messages that are sent piece by piece, so that nobody needs to hold one as a whole. Frames and
//! text are the WebSocket machine's business; here is who may send what when.

use super::super::connections::Link;
use super::super::{Connection, MessageKind, NetworkDriver};
use super::{closed, frame_kind, overflow};
use crate::error::{Error, Fixed, Result, Status};
use crate::proto::websocket::{PieceError, message_size_in};
use crate::pump::StreamId;
use crate::settings::Dialect;

/// RFC 6455 section 7.4.1: something unexpected kept the sender from going on.
const CODE_INTERNAL: u16 = 1011;

impl NetworkDriver {
    /// Begins a message of a plain WebSocket that is sent piece by piece. Until it is finished no
    /// other message can be sent on the connection; pings and pongs still go between, and closing
    /// is fine. `websocket_message_size_max` does not bound it. It is compressed when that was
    /// agreed on, however short it turns out.
    ///
    /// # Errors
    /// [`Status::NetworkIdMismatch`], [`Status::NetworkVersionMismatch`];
    /// [`Status::NetworkStateMismatch`], also when one is begun already;
    /// [`Status::NetworkSendQueueFull`] when as many messages wait as may;
    /// [`Status::InvalidArgument`] in the UTP dialect.
    pub fn begin_message(&mut self, connection: Connection, kind: MessageKind) -> Result<()> {
        let index = self.sendable(connection, 0)?;
        let id = self.plain_stream(index)?;
        let kind = self.connections.at(index).kind_of(kind);
        if self.streams.open_websocket(id).is_some_and(|ws| !ws.is_sending())
            && !self.takes_message(id)
        {
            return Err(self.refuse(index));
        }
        let ws = self.streams.open_websocket(id).ok_or_else(closed)?;
        if ws.begin_message(frame_kind(kind)) { Ok(()) } else { Err(busy()) }
    }

    /// Sends the next piece of the message that was begun. Pieces of text may be cut inside of a
    /// character. An empty piece changes nothing.
    ///
    /// # Errors
    /// As [`begin_message`](Self::begin_message); [`Status::NetworkStateMismatch`] when none was
    /// begun; [`Status::NetworkPacketOverflow`] for a piece above `outbound_bytes_max`;
    /// [`Status::NetworkSendQueueFull`]; [`Status::InvalidArgument`] for text that is not UTF-8.
    /// The message stays as it was.
    pub fn append_message(&mut self, connection: Connection, piece: &[u8]) -> Result<()> {
        let (index, id) = self.begun(connection)?;
        let room = self.connections.at(index).limits.outbound_bytes_max as usize;
        let most = message_size_in(self.settings.fragment_size, room);
        if piece.len() > most {
            return Err(overflow(piece.len(), most));
        }
        if !self.stream_has_room(id, Dialect::Plain, piece.len()) {
            return Err(self.refuse(index));
        }
        let outcome = match (self.streams.open_websocket(id), self.pump.out(id)) {
            (Some(ws), Some(out)) => {
                let mask = &mut || self.entropy.take();
                ws.append_piece(out, piece, mask, &mut self.compression.pool)
            }
            _ => return Err(closed()),
        };
        if outcome == Err(PieceError::Compressor) {
            self.close(connection, CODE_INTERNAL, b"the compressor failed")?;
        }
        outcome.map_err(refused)?;
        self.check_encoded(id)?;
        self.connections.at(index).traffic.bytes_out += piece.len() as u64;
        self.statistics.bytes_out += piece.len() as u64;
        Ok(())
    }

    /// Ends the message that was begun.
    ///
    /// # Errors
    /// As [`append_message`](Self::append_message); [`Status::InvalidArgument`] when the text ends
    /// inside of a character. The message stays as it was.
    pub fn finish_message(&mut self, connection: Connection) -> Result<()> {
        let (index, id) = self.begun(connection)?;
        if !self.stream_has_room(id, Dialect::Plain, 0) {
            return Err(self.refuse(index));
        }
        let outcome = match (self.streams.open_websocket(id), self.pump.out(id)) {
            (Some(ws), Some(out)) => {
                let mask = &mut || self.entropy.take();
                ws.finish_message(out, mask, &mut self.compression.pool)
            }
            _ => return Err(closed()),
        };
        outcome.map_err(refused)?;
        self.check_encoded(id)?;
        self.count_sent(index, 0);
        Ok(())
    }

    /// The slot and the stream of a connection on which a message was begun.
    fn begun(&mut self, connection: Connection) -> Result<(u32, StreamId)> {
        let index = self.sendable(connection, 0)?;
        let id = self.plain_stream(index)?;
        let ws = self.streams.open_websocket(id).ok_or_else(closed)?;
        if ws.is_sending() { Ok((index, id)) } else { Err(refused(PieceError::NotBegun)) }
    }

    fn plain_stream(&mut self, index: u32) -> Result<StreamId> {
        let entry = self.connections.at(index);
        match (entry.dialect, entry.link) {
            (Dialect::Utp, _) => Err(Error::argument(
                "only plain WebSocket connections send a message in pieces; a packet is one piece",
            )),
            (Dialect::Plain, Link::Stream(id)) => Ok(id),
            (Dialect::Plain, _) => Err(closed()),
        }
    }

    /// Refuses what would come between the pieces of a message.
    pub(in crate::driver) fn check_not_sending(&self, id: StreamId) -> Result<()> {
        match self.streams.peek_websocket(id) {
            None => Err(closed()),
            Some(ws) if ws.is_sending() => Err(busy()),
            Some(_) => Ok(()),
        }
    }
}

pub(super) fn busy() -> Error {
    Error::fixed(&Fixed(
        Status::NetworkStateMismatch,
        "a message is being sent in pieces on this connection; finish it first",
    ))
}

fn refused(error: PieceError) -> Error {
    match error {
        PieceError::NotBegun => Error::fixed(&Fixed(
            Status::NetworkStateMismatch,
            "no message was begun; begin one first",
        )),
        PieceError::Text => {
            Error::argument("the text is not valid UTF-8; the message stays as it was")
        }
        PieceError::Compressor => Error::fixed(&Fixed(
            Status::NetworkStateMismatch,
            "the compressor failed; the connection is closed",
        )),
    }
}
