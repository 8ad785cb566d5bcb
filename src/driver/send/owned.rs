//! Sending memory from where it lies: a large message of a server that is not compressed is not
//! copied. Everything else is, and its memory let go of at once.

use std::ops::Range;

use bytes::Bytes;

use super::super::connections::Link;
use super::super::{Connection, MessageKind, NetworkDriver};
use super::{closed, frame_kind};
use crate::error::Result;
use crate::pump::{Pump, StreamId};
use crate::settings::Dialect;

/// Shorter frames are copied: a piece of their own in the system's call costs more than that.
pub(super) const SHARED_SIZE_MIN: usize = 4096;
/// Among so many payloads that were popped last one is looked for that is sent on.
const LENT_SEARCHED_MAX: usize = 128;

impl NetworkDriver {
    /// Sends one message and keeps a part in its memory until it has left, instead of copying it.
    ///
    /// # Errors
    /// As [`send_as`](Self::send_as).
    pub fn send_bytes(
        &mut self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: Bytes,
    ) -> Result<()> {
        let view = data.clone();
        self.send_kept(connection, pipeline, kind, &view, || data)
    }

    /// Sends one message. Once nothing can fail any more, `keep` is called and gives a part in the
    /// memory of `data`; the driver lets go of it when the message has left, the connection has
    /// ended or the driver is dropped, which may be before this returns.
    ///
    /// # Errors
    /// As [`send_as`](Self::send_as); `keep` was not called.
    pub fn send_kept(
        &mut self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
        keep: impl FnOnce() -> Bytes,
    ) -> Result<()> {
        let index = self.sendable(connection, pipeline)?;
        let Some(id) = self.sends_as_it_lies(index, data.len()) else {
            self.send_one(index, pipeline, kind, data)?;
            drop(keep());
            return Ok(());
        };
        let kind = self.connections.at(index).kind_of(kind);
        self.check_kind(Dialect::Plain, kind, data)?;
        self.check_size(index, pipeline, data)?;
        self.check_room(index, id, data.len())?;
        let memory = keep();
        self.push_message(index, id, kind, data.len(), |pump, payload| {
            pump.push(id, memory.slice(payload));
        })
    }

    /// The stream to which a message of this length goes from where it lies: when it is long
    /// enough for that, and what is sent is the message itself.
    fn sends_as_it_lies(&mut self, index: u32, length: usize) -> Option<StreamId> {
        let entry = self.connections.at(index);
        let id = stream_of(entry.link)?;
        let fragment_size = match self.settings.fragment_size as usize {
            0 => length,
            size => size,
        };
        let long = fragment_size.min(length) >= SHARED_SIZE_MIN;
        if !long || !entry.incoming || entry.dialect != Dialect::Plain {
            return None;
        }
        let ws = self.streams.open_websocket(id)?;
        (ws.shared_form(length) == Some(0)).then_some(id)
    }

    /// Appends the frames of a message: their headers, and their payloads by `push`.
    fn push_message(
        &mut self,
        index: u32,
        id: StreamId,
        kind: MessageKind,
        length: usize,
        mut push: impl FnMut(&mut Pump, Range<usize>),
    ) -> Result<()> {
        let ws = self.streams.open_websocket(id).ok_or_else(closed)?;
        let pump = &mut self.pump;
        ws.each_header(frame_kind(kind), length, |header, payload| {
            if let Some(out) = pump.out(id) {
                header.write(out);
            }
            push(pump, payload);
        });
        self.count_sent(index, length);
        Ok(())
    }

    /// Sends a payload on that was popped and lies in the driver still, without copying it. False
    /// when it does not, or cannot leave as it lies; then nothing has happened. Everything but the
    /// room has been checked.
    pub(super) fn send_on(&mut self, index: u32, kind: MessageKind, data: &[u8]) -> Result<bool> {
        if data.len() < SHARED_SIZE_MIN {
            return Ok(false);
        }
        let Some(payload) = self.lent_payload(data) else {
            return Ok(false);
        };
        let Some(id) = self.sends_as_it_lies(index, data.len()) else {
            return Ok(false);
        };
        self.check_room(index, id, data.len())?;
        self.push_message(index, id, kind, data.len(), |pump, part| {
            pump.push_borrowed(id, payload.slice(part));
        })?;
        Ok(true)
    }

    /// The memory of a payload that was popped since the last update, if that is where `data` is.
    fn lent_payload(&self, data: &[u8]) -> Option<Bytes> {
        let (start, end) = (data.as_ptr().addr(), data.as_ptr().addr() + data.len());
        let holds = |payload: &&Bytes| {
            let first = payload.as_ptr().addr();
            first <= start && end <= first + payload.len()
        };
        self.events.loans().take(LENT_SEARCHED_MAX).find(holds).map(|lent| lent.slice_ref(data))
    }

    /// Appends frames that several connections share.
    pub(super) fn push_shared(&mut self, index: u32, length: usize, frames: &Bytes) -> Result<()> {
        let id = stream_of(self.connections.at(index).link).ok_or_else(closed)?;
        self.check_room(index, id, length)?;
        self.pump.push(id, frames.clone());
        self.count_sent(index, length);
        Ok(())
    }
}

const fn stream_of(link: Link) -> Option<StreamId> {
    match link {
        Link::Stream(id) => Some(id),
        Link::None | Link::Udp { .. } | Link::Ipc { .. } | Link::Custom { .. } => None,
    }
}
