//! One payload to many connections: what looks the same on the wire is encoded once.

use std::ops::Range;

use super::super::{Connection, MessageKind, NetworkDriver};
use super::frame_kind;
use crate::error::Result;
use crate::proto::websocket::deflate::WINDOW_BITS_MAX;
use crate::settings::Dialect;

/// Frames that several connections of servers are sent.
struct SharedFrames {
    /// One behind the other.
    bytes: Vec<u8>,
    /// Where each is, by `WebSocket::shared_form`.
    spans: [Option<Range<usize>>; WINDOW_BITS_MAX as usize + 1],
}

impl NetworkDriver {
    /// Sends one binary message to many connections; returns how many took it.
    pub fn send_to_many(&mut self, connections: &[Connection], pipeline: u8, data: &[u8]) -> u32 {
        let mut sent = 0;
        let count = |outcome: Result<()>| sent += u32::from(outcome.is_ok());
        let all = connections.iter().copied();
        match self.send_to_many_as(all, pipeline, MessageKind::Binary, data, count) {
            Ok(()) => sent,
            Err(_) => 0,
        }
    }

    /// Sends one message to many connections; `each` hears what became of it, in order. Plain
    /// connections of servers share one encoded frame; when they compress, all that forget their
    /// context and have the same window do.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`] for text that is not UTF-8; nobody got anything.
    pub fn send_to_many_as(
        &mut self,
        connections: impl Iterator<Item = Connection>,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
        mut each: impl FnMut(Result<()>),
    ) -> Result<()> {
        self.check_kind(Dialect::Plain, kind, data)?;
        let mut shared =
            SharedFrames { bytes: std::mem::take(&mut self.scratch), spans: Default::default() };
        shared.bytes.clear();
        for connection in connections {
            let outcome = match self.sendable(connection, pipeline) {
                Ok(index) => self.send_shared(index, kind, data, &mut shared),
                Err(error) => Err(error),
            };
            each(outcome);
        }
        self.scratch = shared.bytes;
        Ok(())
    }

    /// Sends to one of many; `shared` holds the server's frames that somebody needed.
    fn send_shared(
        &mut self,
        index: u32,
        kind: MessageKind,
        data: &[u8],
        shared: &mut SharedFrames,
    ) -> Result<()> {
        let entry = self.connections.at(index);
        if entry.dialect == Dialect::Utp || !entry.incoming {
            // A token or a mask of its own.
            return self.send_one(index, kind, data);
        }
        self.check_size(index, data)?;
        self.append(index, data.len(), |ws, out, _, pool| {
            let kind = frame_kind(kind);
            let mut no_mask = || [0; 4];
            let Some(form) = ws.shared_form(data.len()) else {
                ws.pack_message(out, kind, data, &mut no_mask, pool);
                return;
            };
            let bytes = &mut shared.bytes;
            let span = shared.spans[usize::from(form)].get_or_insert_with(|| {
                let start = bytes.len();
                ws.pack_message(bytes, kind, data, &mut no_mask, pool);
                start..bytes.len()
            });
            out.extend_from_slice(&shared.bytes[span.clone()]);
        })
    }
}
