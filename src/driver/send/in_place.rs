//! Messages that are written in place: the driver lends memory, and sends what was written like any
//! other message. It must not send anything by another way than `send_as`.

use std::hint::cold_path;

use super::super::connections::Link;
use super::super::packets::Staged;
use super::super::{Connection, MessageKind, NetworkDriver, SendHandle};
use super::overflow;
use crate::error::{Error, Fixed, Result, Status};
use crate::log::note;
use crate::settings::Dialect;

/// In place of the number of a slot.
const SINGLE: u32 = u32::MAX;
/// Messages that may be open in place at once.
pub const SENDS_OPEN_MAX: usize = 512;
/// Room of a message in place on a plain connection when the program does not say how much.
const PLAIN_CAPACITY_DEFAULT: u32 = 64 * 1024;

/// Messages that are being written in place.
#[derive(Default)]
pub struct OpenSends {
    /// The usual one: it was begun by the short way while no other such one was open.
    single: SendSlot,
    /// The others.
    slots: Vec<SendSlot>,
    free: Vec<u32>,
}

#[derive(Default)]
struct SendSlot {
    /// Of the message that is open, and otherwise of none.
    handle: Option<SendHandle>,
    /// Of the message that was begun last.
    generation: u32,
    pipeline: u8,
    connection: Connection,
    capacity: usize,
    /// As long as the longest message that was begun here so far; never shrinks.
    bytes: Vec<u8>,
}

impl OpenSends {
    /// May the usual one be begun: is it not open, nor as many others as may be?
    #[inline(always)]
    fn is_single_free(&self) -> bool {
        self.single.handle.is_none() && (self.slots.len() < SENDS_OPEN_MAX || !self.free.is_empty())
    }

    /// Begins the usual one, which is [free](Self::is_single_free).
    #[inline(always)]
    fn open_single(
        &mut self,
        connection: Connection,
        pipeline: u8,
        capacity: usize,
    ) -> Option<(SendHandle, &mut [u8])> {
        debug_assert!(self.single.handle.is_none(), "one at a time");
        self.single.pipeline = pipeline;
        self.single.open(SINGLE, connection, capacity)
    }

    /// Begins one of several.
    fn open(
        &mut self,
        connection: Connection,
        pipeline: u8,
        capacity: usize,
    ) -> Option<(SendHandle, &mut [u8])> {
        let single = usize::from(self.single.handle.is_some());
        if self.slots.len() - self.free.len() + single >= SENDS_OPEN_MAX {
            return None;
        }
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(SendSlot::default());
            self.slots.len() as u32 - 1
        });
        let slot = &mut self.slots[index as usize];
        slot.pipeline = pipeline;
        slot.open(index, connection, capacity)
    }

    fn slot(&mut self, handle: SendHandle) -> Option<&mut SendSlot> {
        if handle.index() == SINGLE as usize {
            return Some(&mut self.single);
        }
        self.slots.get_mut(handle.index())
    }

    fn get(&mut self, handle: SendHandle) -> Result<&mut SendSlot> {
        self.slot(handle).filter(|slot| slot.handle == Some(handle)).ok_or_else(not_open)
    }

    fn close(&mut self, handle: SendHandle) -> Result<&mut SendSlot> {
        self.get(handle)?.handle = None;
        if handle.index() != SINGLE as usize {
            self.free.push(handle.index() as u32);
        }
        self.slot(handle).ok_or_else(not_open)
    }
}

impl SendSlot {
    #[inline(always)]
    fn open(
        &mut self,
        index: u32,
        connection: Connection,
        capacity: usize,
    ) -> Option<(SendHandle, &mut [u8])> {
        // No handle is 0.
        self.generation = ((self.generation + 1) % SendHandle::GENERATIONS).max(1);
        let handle = SendHandle::new(index, self.generation);
        self.handle = Some(handle);
        self.connection = connection;
        self.capacity = capacity;
        if self.bytes.len() < capacity {
            cold_path();
            self.grow();
        }
        self.bytes.get_mut(..capacity).map(|room| (handle, room))
    }

    #[inline(never)]
    fn grow(&mut self) {
        self.bytes.resize(self.capacity, 0);
    }
}

/// The handle is of no send that is open.
#[cold]
pub(in crate::driver) fn not_open() -> Error {
    Error::fixed(&Fixed(
        Status::NetworkSendHandleInvalid,
        "the send was ended or aborted already; each begin needs exactly one end or abort",
    ))
}

#[cold]
fn too_many() -> Error {
    Error::new(Status::LimitReached, format!("{SENDS_OPEN_MAX} sends are open; end or abort some"))
}

impl NetworkDriver {
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
        self.begin_in_place(connection, pipeline, required).map(|(handle, _)| handle)
    }

    /// The same, and where to write it.
    #[inline(always)]
    pub(crate) fn begin_in_place(
        &mut self,
        connection: Connection,
        pipeline: u8,
        required: u32,
    ) -> Result<(SendHandle, &mut [u8])> {
        let capacity = required as usize;
        if capacity > 0
            && self.sends.is_single_free()
            && self.begins_at_once(connection, pipeline, capacity)
        {
            return self.sends.open_single(connection, pipeline, capacity).ok_or_else(too_many);
        }
        cold_path();
        self.begin_slowly(connection, pipeline, required)
    }

    /// May a message of this length, which is not 0, be begun now? False: the long way knows.
    #[inline(always)]
    fn begins_at_once(&mut self, connection: Connection, pipeline: u8, length: usize) -> bool {
        if pipeline != 0 {
            return self.begins_reliably(connection, pipeline, length);
        }
        let (connections, _, outlets) = self.split();
        connections.sender(connection).is_some_and(|entry| outlets.begins(entry, length))
    }

    #[inline(never)]
    pub(super) fn begin_slowly(
        &mut self,
        connection: Connection,
        pipeline: u8,
        required: u32,
    ) -> Result<(SendHandle, &mut [u8])> {
        let capacity = self.begins_slowly(connection, pipeline, required)?;
        self.sends.open(connection, pipeline, capacity).ok_or_else(too_many)
    }

    /// Bytes that a message gets that may be begun now.
    fn begins_slowly(
        &mut self,
        connection: Connection,
        pipeline: u8,
        required: u32,
    ) -> Result<usize> {
        let index = self.sendable(connection, pipeline)?;
        let capacity = self.capacity_in_place(index, pipeline, required)?;
        if !self.may_begin(index, required, Staged::NONE) {
            return Err(self.refuse(index));
        }
        Ok(capacity)
    }

    /// Bytes that a message in place gets when the program says that it needs `required`.
    pub(in crate::driver) fn capacity_in_place(
        &self,
        index: u32,
        pipeline: u8,
        required: u32,
    ) -> Result<usize> {
        let entry = self.connections.peek(index);
        if pipeline == 0 && required > 0 && entry.takes_packet(required as usize) {
            return Ok(required as usize);
        }
        let most = self.capacity(index, pipeline);
        let capacity = match required {
            0 if entry.dialect == Dialect::Plain => most.min(PLAIN_CAPACITY_DEFAULT as usize),
            0 => most,
            required if required as usize > most => {
                return Err(overflow(required as usize, most));
            }
            required => required as usize,
        };
        if let (Dialect::Plain, Link::Stream(id)) = (entry.dialect, entry.link) {
            self.check_not_sending(id)?;
        }
        Ok(capacity)
    }

    /// Is there room to begin a message behind what is staged?
    pub(in crate::driver) fn may_begin(&self, index: u32, required: u32, staged: Staged) -> bool {
        let entry = self.connections.peek(index);
        match entry.link {
            Link::Stream(id) => {
                let length = required as usize;
                self.stream_has_room_behind(id, entry.dialect, length, staged.wire)
                    && self.takes_message_behind(id, staged.messages)
            }
            _ => self.has_packet_room_behind(index, 1, 0, staged),
        }
    }

    /// Where to write a message that was begun.
    ///
    /// # Errors
    /// [`Status::NetworkSendHandleInvalid`].
    pub fn send_buffer(&mut self, handle: SendHandle) -> Result<&mut [u8]> {
        let slot = self.sends.get(handle)?;
        Ok(&mut slot.bytes[..slot.capacity])
    }

    /// Ends a message written in place, as the connection's write mode says. Whatever it returns,
    /// the send is over.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Status::NetworkSendHandleInvalid`].
    pub fn end_send(&mut self, handle: SendHandle, length: u32) -> Result<()> {
        self.end_send_as(handle, length, MessageKind::WriteMode)
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
        self.end_in_place(handle, length, kind)
    }

    /// The same, for who ends many.
    #[inline(always)]
    pub(crate) fn end_in_place(
        &mut self,
        handle: SendHandle,
        length: u32,
        kind: MessageKind,
    ) -> Result<()> {
        let slot = &self.sends.single;
        if slot.handle == Some(handle)
            && length as usize <= slot.capacity
            && self.end_single(length as usize, kind)
        {
            self.sends.single.handle = None;
            return Ok(());
        }
        cold_path();
        self.end_slowly(handle, length, kind)
    }

    /// Sends the usual one, which is open, by a short way. False: nothing was done.
    #[inline(always)]
    fn end_single(&mut self, length: usize, kind: MessageKind) -> bool {
        let (connections, sends, mut outlets) = self.split();
        let slot = &mut sends.single;
        let Some(data) = slot.bytes.get(..length) else { return false };
        if slot.pipeline != 0 {
            return self.end_single_within(length, kind);
        }
        let entry = connections.sender(slot.connection);
        entry.is_some_and(|entry| outlets.send(entry, slot.connection.index(), kind, data))
    }

    /// The same through a pipeline; apart, as in the other calls that send.
    #[inline(never)]
    fn end_single_within(&mut self, length: usize, kind: MessageKind) -> bool {
        let slot = &mut self.sends.single;
        let (connection, pipeline) = (slot.connection, slot.pipeline);
        let bytes = std::mem::take(&mut slot.bytes);
        let data = bytes.get(..length);
        let sent = data.is_some_and(|data| self.send_reliably(connection, pipeline, kind, data));
        self.sends.single.bytes = bytes;
        sent
    }

    #[inline(never)]
    pub(super) fn end_slowly(
        &mut self,
        handle: SendHandle,
        length: u32,
        kind: MessageKind,
    ) -> Result<()> {
        let slot = self.sends.close(handle)?;
        let (connection, pipeline, capacity) = (slot.connection, slot.pipeline, slot.capacity);
        let bytes = std::mem::take(&mut slot.bytes);
        let outcome = match bytes.get(..length as usize).filter(|data| data.len() <= capacity) {
            Some(data) => self.send_as(connection, pipeline, kind, data),
            None => Err(overflow(length as usize, capacity)),
        };
        if let Some(slot) = self.sends.slot(handle) {
            slot.bytes = bytes;
        }
        outcome
    }

    /// Gives up a message written in place.
    ///
    /// # Errors
    /// [`Status::NetworkSendHandleInvalid`].
    pub fn abort_send(&mut self, handle: SendHandle) -> Result<()> {
        self.sends.close(handle).map(|_| ())
    }

    /// Aborts what was begun before an update and never ended.
    pub(in crate::driver) fn abort_open_sends(&mut self) {
        let Self { sends, .. } = self;
        if sends.single.handle.is_none() && sends.free.len() == sends.slots.len() {
            return;
        }
        let all = sends.slots.iter().chain([&sends.single]);
        let open: Vec<_> = all.filter_map(|slot| slot.handle).collect();
        for handle in open {
            if let Ok(slot) = sends.close(handle) {
                note!(Error, "a send to {:?} was begun and never ended", slot.connection);
            }
        }
    }
}
