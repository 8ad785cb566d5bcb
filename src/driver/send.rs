//! Sending: one copy, in place, or one payload to many.
//!
//! The checks come in Unity Transport's order: value, version, state, size, room. A refused send
//! changes nothing.

use std::ops::Range;

use super::connections::Link;
use super::interfaces::{layers, utp_packet_size_max};
use super::{Connection, ConnectionState, MessageKind, NetworkDriver, SendHandle};
use crate::error::{Error, Result, Status};
use crate::log::note;
use crate::proto::utp::connection::Control;
use crate::proto::utp::packet::data_header;
use crate::proto::websocket::deflate::{Pool, WINDOW_BITS_MAX};
use crate::proto::websocket::{self, Kind, Role, WebSocket, encode_header_length};
use crate::pump::Entropy;
use crate::settings::Dialect;

/// Messages that may be open in place at once.
pub const SENDS_OPEN_MAX: usize = 512;
/// Room of a message in place on a plain connection when the program does not say how much.
const PLAIN_CAPACITY_DEFAULT: u32 = 64 * 1024;

/// Frames that several connections of servers are sent.
struct SharedFrames {
    /// One behind the other.
    bytes: Vec<u8>,
    /// Where each is, by `WebSocket::shared_form`.
    spans: [Option<Range<usize>>; WINDOW_BITS_MAX as usize + 1],
}

/// Messages that are being written in place.
#[derive(Default)]
pub struct OpenSends {
    slots: Vec<SendSlot>,
    free: Vec<u32>,
}

struct SendSlot {
    generation: u32,
    open: bool,
    connection: Connection,
    pipeline: u8,
    capacity: usize,
    /// As long as the longest message written here so far; never shrinks.
    bytes: Vec<u8>,
}

impl OpenSends {
    fn open(
        &mut self,
        connection: Connection,
        pipeline: u8,
        capacity: usize,
    ) -> Option<SendHandle> {
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.slots.len() < SENDS_OPEN_MAX => {
                self.slots.push(SendSlot {
                    generation: 0,
                    open: false,
                    connection,
                    pipeline,
                    capacity,
                    bytes: Vec::new(),
                });
                self.slots.len() as u32 - 1
            }
            None => return None,
        };
        let slot = &mut self.slots[index as usize];
        slot.generation = slot.generation.wrapping_add(1).max(1);
        slot.open = true;
        slot.connection = connection;
        slot.pipeline = pipeline;
        slot.capacity = capacity;
        if slot.bytes.len() < capacity {
            slot.bytes.resize(capacity, 0);
        }
        Some(SendHandle::new(index, slot.generation))
    }

    fn get(&mut self, handle: SendHandle) -> Result<&mut SendSlot> {
        let slot = self.slots.get_mut(handle.index());
        slot.filter(|slot| slot.open && slot.generation == handle.generation()).ok_or_else(|| {
            Error::new(
                Status::NetworkSendHandleInvalid,
                "the send was ended or aborted already; each begin needs exactly one end or abort",
            )
        })
    }

    fn close(&mut self, handle: SendHandle) -> Result<()> {
        self.get(handle)?.open = false;
        self.free.push(handle.index() as u32);
        Ok(())
    }
}

impl NetworkDriver {
    /// Sends one binary message; it leaves with the next flush or update.
    ///
    /// # Errors
    /// [`Status::NetworkIdMismatch`], [`Status::NetworkVersionMismatch`],
    /// [`Status::NetworkStateMismatch`], [`Status::NetworkPacketOverflow`],
    /// [`Status::NetworkSendQueueFull`], [`Status::InvalidArgument`] (pipeline).
    pub fn send(&mut self, connection: Connection, pipeline: u8, data: &[u8]) -> Result<()> {
        self.send_as(connection, pipeline, MessageKind::Binary, data)
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
        let index = self.sendable(connection, pipeline)?;
        self.send_one(index, kind, data)
    }

    fn send_one(&mut self, index: u32, kind: MessageKind, data: &[u8]) -> Result<()> {
        let dialect = self.connections.at(index).dialect;
        self.check_kind(dialect, kind, data)?;
        self.check_size(index, data)?;
        match dialect {
            Dialect::Plain => self.append(index, data.len(), |ws, out, entropy, pool| {
                let mask = &mut || entropy.take();
                ws.pack_message(out, frame_kind(kind), data, mask, pool);
            }),
            Dialect::Utp => self.send_utp(index, data),
        }
    }

    fn check_size(&mut self, index: u32, data: &[u8]) -> Result<()> {
        let capacity = self.capacity(index);
        if data.len() <= capacity { Ok(()) } else { Err(overflow(data.len(), capacity)) }
    }

    fn check_kind(&self, dialect: Dialect, kind: MessageKind, data: &[u8]) -> Result<()> {
        match (kind, dialect) {
            (MessageKind::Binary, _) => Ok(()),
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
    fn sendable(&mut self, connection: Connection, pipeline: u8) -> Result<u32> {
        let index = self.connections.resolve(connection)?;
        let state = self.connections.at(index).state;
        if state != ConnectionState::Connected {
            return Err(Error::new(
                Status::NetworkStateMismatch,
                match state {
                    ConnectionState::Connecting => "wait for the Connect event before sending",
                    _ => "the connection is closed",
                },
            ));
        }
        if pipeline != 0 {
            return Err(Error::argument("no pipeline has that number; 0 is none"));
        }
        Ok(index)
    }

    fn send_utp(&mut self, index: u32, data: &[u8]) -> Result<()> {
        let entry = self.connections.at(index);
        let link = entry.link;
        let Some(utp) = &entry.utp else {
            return Err(closed());
        };
        let header = data_header(utp.token(), 0);
        let repeats = utp.repeats_accept() && !matches!(link, Link::Stream(_));
        let full = match link {
            Link::Stream(id) => !self.stream_has_room(id, header.len() + data.len()),
            _ => entry.queued_datagrams >= self.settings.send_queue_capacity as u32,
        };
        if full {
            return Err(self.refuse(index));
        }
        if repeats && !std::mem::replace(&mut self.connections.at(index).accept_repeated, true) {
            self.send_control(index, Control::Accept);
        }
        if !self.emit(link, &header, data) {
            // The socket's batch is full; its flush makes room.
            self.queued_list.push(index);
            return Err(self.refuse(index));
        }
        let now = self.now;
        let entry = self.connections.at(index);
        if let Some(utp) = &mut entry.utp {
            utp.handle_sent(now);
        }
        if !matches!(link, Link::Stream(_)) {
            entry.queued_datagrams += 1;
            if entry.queued_datagrams == 1 {
                self.queued_list.push(index);
            }
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
        let Link::Stream(id) = self.connections.at(index).link else {
            return Err(closed());
        };
        if !self.stream_has_room(id, length) {
            return Err(self.refuse(index));
        }
        let Some(ws) = self.streams.open_websocket(id) else {
            return Err(closed());
        };
        let Some(out) = self.pump.out(id) else {
            return Err(closed());
        };
        write(ws, out, &mut self.entropy, &mut self.compression.pool);
        self.count_sent(index, length);
        Ok(())
    }

    fn stream_has_room(&self, id: crate::pump::StreamId, length: usize) -> bool {
        let queued = self.pump.queued(id);
        let needed = queued + length + websocket::HEADER_SIZE_MAX;
        needed <= self.settings.outbound_bytes_max as usize
    }

    fn refuse(&mut self, index: u32) -> Error {
        let entry = self.connections.at(index);
        entry.wants_writable = true;
        entry.traffic.refused_out += 1;
        self.statistics.refused_out += 1;
        Error::new(
            Status::NetworkSendQueueFull,
            "the connection's send queue is full; flush, or try again after its Writable event",
        )
    }

    fn count_sent(&mut self, index: u32, size: usize) {
        let traffic = &mut self.connections.at(index).traffic;
        traffic.messages_out += 1;
        traffic.bytes_out += size as u64;
        self.statistics.messages_out += 1;
        self.statistics.bytes_out += size as u64;
    }

    /// Payload bytes that one message of a connection may have.
    fn capacity(&mut self, index: u32) -> usize {
        let entry = self.connections.at(index);
        let kind = self.interfaces[entry.interface as usize].settings.kind;
        match entry.dialect {
            Dialect::Utp => {
                let protocol = layers(kind, Dialect::Utp).protocol;
                utp_packet_size_max(&self.settings, kind).saturating_sub(protocol)
            }
            Dialect::Plain => {
                let room = self.settings.outbound_bytes_max as usize;
                let room = room.saturating_sub(websocket::HEADER_SIZE_MAX);
                room.min(self.settings.websocket_message_size_max as usize)
            }
        }
    }

    /// The longest message that a connection takes.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn payload_size_max(&mut self, connection: Connection, pipeline: u8) -> Result<u32> {
        let index = self.sendable(connection, pipeline)?;
        Ok(self.capacity(index) as u32)
    }

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
                bytes.reserve(encode_header_length(Role::Server, data.len()) + data.len());
                ws.pack_message(bytes, kind, data, &mut no_mask, pool);
                start..bytes.len()
            });
            out.extend_from_slice(&shared.bytes[span.clone()]);
        })
    }

    /// Begins a message that is written in place; `required` 0 means as much as possible.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Status::LimitReached`] when 512 are open.
    pub fn begin_send(
        &mut self,
        connection: Connection,
        pipeline: u8,
        required: u32,
    ) -> Result<SendHandle> {
        let index = self.sendable(connection, pipeline)?;
        let most = self.capacity(index);
        let capacity = match required {
            0 => most.min(PLAIN_CAPACITY_DEFAULT as usize),
            required if required as usize > most => {
                return Err(overflow(required as usize, most));
            }
            required => required as usize,
        };
        let entry = self.connections.at(index);
        let full = match entry.link {
            Link::Stream(id) => !self.stream_has_room(id, required as usize),
            _ => entry.queued_datagrams >= self.settings.send_queue_capacity as u32,
        };
        if full {
            return Err(self.refuse(index));
        }
        self.sends.open(connection, pipeline, capacity).ok_or_else(|| {
            let text = format!("{SENDS_OPEN_MAX} sends are open; end or abort some");
            Error::new(Status::LimitReached, text)
        })
    }

    /// Where to write a message that was begun.
    ///
    /// # Errors
    /// [`Status::NetworkSendHandleInvalid`].
    pub fn send_buffer(&mut self, handle: SendHandle) -> Result<&mut [u8]> {
        let slot = self.sends.get(handle)?;
        Ok(&mut slot.bytes[..slot.capacity])
    }

    /// Ends a message written in place, as binary. Whatever it returns, the send is over.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Status::NetworkSendHandleInvalid`].
    pub fn end_send(&mut self, handle: SendHandle, length: u32) -> Result<()> {
        self.end_send_as(handle, length, MessageKind::Binary)
    }

    /// Ends a message written in place, as either kind.
    ///
    /// # Errors
    /// As [`end_send`](Self::end_send).
    pub fn end_send_as(
        &mut self,
        handle: SendHandle,
        length: u32,
        kind: MessageKind,
    ) -> Result<()> {
        let slot = self.sends.get(handle)?;
        let (connection, pipeline, capacity) = (slot.connection, slot.pipeline, slot.capacity);
        let bytes = std::mem::take(&mut slot.bytes);
        let outcome = match bytes.get(..length as usize).filter(|data| data.len() <= capacity) {
            Some(data) => self.send_as(connection, pipeline, kind, data),
            None => Err(overflow(length as usize, capacity)),
        };
        self.sends.get(handle)?.bytes = bytes;
        self.sends.close(handle)?;
        outcome
    }

    /// Gives up a message written in place.
    ///
    /// # Errors
    /// [`Status::NetworkSendHandleInvalid`].
    pub fn abort_send(&mut self, handle: SendHandle) -> Result<()> {
        self.sends.close(handle)
    }

    /// Aborts what was begun before an update and never ended.
    pub(super) fn abort_open_sends(&mut self) {
        if self.sends.free.len() == self.sends.slots.len() {
            return;
        }
        for (index, slot) in self.sends.slots.iter_mut().enumerate() {
            if std::mem::take(&mut slot.open) {
                note!(Error, "a send to {:?} was begun and never ended", slot.connection);
                self.sends.free.push(index as u32);
            }
        }
    }
}

const fn frame_kind(kind: MessageKind) -> Kind {
    match kind {
        MessageKind::Text => Kind::Text,
        MessageKind::Binary => Kind::Binary,
    }
}

fn overflow(length: usize, capacity: usize) -> Error {
    Error::new(
        Status::NetworkPacketOverflow,
        format!("the message has {length} bytes; this connection takes {capacity} at most"),
    )
}

fn closed() -> Error {
    Error::new(Status::NetworkStateMismatch, "the connection is closing")
}
