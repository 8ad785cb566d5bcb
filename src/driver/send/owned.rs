//! Sending memory from where it lies: a large message of a server that is not compressed is not
//! copied. Everything else is, and its memory let go of at once.

use bytes::Bytes;

use super::super::connections::Link;
use super::super::{Connection, MessageKind, NetworkDriver};
use super::{closed, frame_kind};
use crate::error::Result;
use crate::pump::StreamId;
use crate::settings::Dialect;

/// Shorter frames are copied: a piece of their own in the system's call costs more than that.
pub(super) const SHARED_SIZE_MIN: usize = 4096;

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
        let entry = self.connections.at(index);
        let (dialect, link, kind) = (entry.dialect, entry.link, entry.kind_of(kind));
        let fragment_size = match self.settings.fragment_size as usize {
            0 => data.len(),
            size => size,
        };
        let pays = entry.incoming && fragment_size.min(data.len()) >= SHARED_SIZE_MIN;
        let Some(id) = stream_of(link).filter(|_| pays && dialect == Dialect::Plain) else {
            self.send_one(index, pipeline, kind, data)?;
            drop(keep());
            return Ok(());
        };
        self.check_kind(dialect, kind, data)?;
        self.check_size(index, pipeline, data)?;
        let ws = self.streams.open_websocket(id).ok_or_else(closed)?;
        if ws.shared_form(data.len()) != Some(0) {
            self.send_one(index, pipeline, kind, data)?;
            drop(keep());
            return Ok(());
        }
        self.check_room(index, id, data.len())?;
        let ws = self.streams.open_websocket(id).ok_or_else(closed)?;
        let memory = keep();
        let pump = &mut self.pump;
        ws.each_header(frame_kind(kind), data.len(), |header, payload| {
            if let Some(out) = pump.out(id) {
                header.write(out);
            }
            pump.push(id, memory.slice(payload));
        });
        self.count_sent(index, data.len());
        Ok(())
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
