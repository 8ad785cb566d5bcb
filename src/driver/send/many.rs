//! One payload to many connections: what looks the same on the wire is encoded once, and large
//! frames are held once, however many streams they wait in.

use std::ops::Range;

use bytes::Bytes;

use super::super::connections::Link;
use super::super::{Connection, MessageKind, NetworkDriver};
use super::owned::SHARED_SIZE_MIN;
use super::{closed, frame_kind};
use crate::error::Result;
use crate::proto::websocket::deflate::WINDOW_BITS_MAX;
use crate::settings::Dialect;

/// Frames that several connections of servers are sent.
struct SharedFrames {
    /// The short ones, one behind the other.
    bytes: Vec<u8>,
    /// By `WebSocket::shared_form`.
    binary: [Form; WINDOW_BITS_MAX as usize + 1],
    /// The same of text.
    text: [Form; WINDOW_BITS_MAX as usize + 1],
}

/// The frames of one form.
#[derive(Default)]
enum Form {
    /// Nobody needed them yet.
    #[default]
    Unknown,
    /// They lie there, and are copied to each connection.
    Short(Range<usize>),
    /// Each connection holds a part in them.
    Long(Bytes),
}

impl NetworkDriver {
    /// Sends one message to many connections, to each as its write mode says; returns how many took
    /// it.
    pub fn send_to_many(&mut self, connections: &[Connection], pipeline: u8, data: &[u8]) -> u32 {
        let mut sent = 0;
        let count = |outcome: Result<()>| sent += u32::from(outcome.is_ok());
        let all = connections.iter().copied();
        match self.send_to_many_as(all, pipeline, MessageKind::WriteMode, data, count) {
            Ok(()) => sent,
            Err(_) => 0,
        }
    }

    /// Sends one message to many connections; `each` hears what became of it, in order. Plain
    /// connections of servers share a large frame and its memory; when they compress, all that
    /// forget their context and have the same window share the frame.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument) for text that is not UTF-8;
    /// nobody got anything.
    pub fn send_to_many_as(
        &mut self,
        connections: impl Iterator<Item = Connection>,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
        mut each: impl FnMut(Result<()>),
    ) -> Result<()> {
        self.check_kind(Dialect::Plain, kind, data)?;
        let mut shared = SharedFrames {
            bytes: std::mem::take(&mut self.scratch),
            binary: Default::default(),
            text: Default::default(),
        };
        shared.bytes.clear();
        // To write a header is as cheap as to copy one. Whether it is text was asked already.
        let short = pipeline == 0 && kind != MessageKind::Text && data.len() < SHARED_SIZE_MIN;
        for connection in connections {
            let sent = short && self.send_short(connection, 0, kind, data);
            each(if sent {
                Ok(())
            } else {
                self.send_shared(connection, pipeline, kind, data, &mut shared)
            });
        }
        self.scratch = shared.bytes;
        Ok(())
    }

    /// Sends to one of many; `shared` holds the server's frames that somebody needed.
    #[inline(never)]
    fn send_shared(
        &mut self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
        shared: &mut SharedFrames,
    ) -> Result<()> {
        let index = self.sendable(connection, pipeline)?;
        let entry = self.connections.at(index);
        let Link::Stream(id) = entry.link else {
            return self.send_one(index, pipeline, kind, data);
        };
        if entry.dialect == Dialect::Utp || !entry.incoming {
            // A token or a mask of its own.
            return self.send_one(index, pipeline, kind, data);
        }
        let own = entry.kind_of(kind);
        if own != kind {
            // Whether it is text at all was not asked yet.
            self.check_kind(Dialect::Plain, own, data)?;
        }
        let kind = own;
        self.check_size(index, pipeline, data)?;
        self.check_not_sending(id)?;
        let ws = self.streams.open_websocket(id).ok_or_else(closed)?;
        let Some(form) = ws.shared_form(data.len()) else {
            return self.append(index, data.len(), |ws, out, _, pool| {
                ws.pack_message(out, frame_kind(kind), data, &mut || [0; 4], pool);
            });
        };
        let forms = match kind {
            MessageKind::Text => &mut shared.text,
            MessageKind::Binary | MessageKind::WriteMode => &mut shared.binary,
        };
        let form = &mut forms[usize::from(form)];
        if let Form::Unknown = form {
            let mut long = Vec::new();
            let is_long = data.len() >= SHARED_SIZE_MIN;
            let bytes = if is_long { &mut long } else { &mut shared.bytes };
            let start = bytes.len();
            let pool = &mut self.compression.pool;
            ws.pack_message(bytes, frame_kind(kind), data, &mut || [0; 4], pool);
            *form = if long.len() >= SHARED_SIZE_MIN {
                Form::Long(Bytes::from(long))
            } else {
                // What compression made short is copied after all.
                shared.bytes.extend_from_slice(&long);
                Form::Short(start..shared.bytes.len())
            };
        }
        match form {
            Form::Long(frames) => self.push_shared(index, data.len(), frames),
            Form::Short(span) => {
                let frames = &shared.bytes[span.clone()];
                self.append(index, data.len(), |_, out, _, _| out.extend_from_slice(frames))
            }
            Form::Unknown => Ok(()),
        }
    }
}
