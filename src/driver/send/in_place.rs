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

/// Where the list of free slots ends.
const NO_SLOT: u32 = u32::MAX;
/// Messages that may be open in place at once.
pub const SENDS_OPEN_MAX: usize = 512;
/// Room of a message in place on a plain connection when the program does not say how much.
const PLAIN_CAPACITY_DEFAULT: u32 = 64 * 1024;

/// Messages that are being written in place.
pub struct OpenSends {
    slots: Vec<SendSlot>,
    /// The first slot in the list of those that are free; above them all there is none.
    free: u32,
    /// How many are open.
    open: u32,
}

struct SendSlot {
    /// Odd while it is open.
    generation: u32,
    /// The next one that is free.
    next: u32,
    connection: Connection,
    capacity: usize,
    pipeline: u8,
    /// As long as the longest message written here so far; never shrinks.
    bytes: Vec<u8>,
}

impl Default for OpenSends {
    fn default() -> Self {
        Self { slots: Vec::new(), free: NO_SLOT, open: 0 }
    }
}

impl OpenSends {
    #[inline(always)]
    fn open(
        &mut self,
        connection: Connection,
        pipeline: u8,
        capacity: usize,
    ) -> Option<(SendHandle, &mut [u8])> {
        if self.free as usize >= self.slots.len() {
            cold_path();
            self.add()?;
        }
        let index = self.free;
        let slot = self.slots.get_mut(index as usize)?;
        self.free = slot.next;
        self.open += 1;
        slot.generation = (slot.generation + 1) % SendHandle::GENERATIONS;
        slot.connection = connection;
        slot.pipeline = pipeline;
        slot.capacity = capacity;
        if slot.bytes.len() < capacity {
            cold_path();
            slot.grow();
        }
        let handle = SendHandle::new(index, slot.generation);
        slot.bytes.get_mut(..capacity).map(|room| (handle, room))
    }

    /// One more slot, unless there are enough.
    #[inline(never)]
    fn add(&mut self) -> Option<()> {
        let index = self.slots.len();
        if index >= SENDS_OPEN_MAX {
            return None;
        }
        self.slots.push(SendSlot {
            generation: 0,
            next: self.free,
            connection: Connection::default(),
            capacity: 0,
            pipeline: 0,
            bytes: Vec::new(),
        });
        self.free = index as u32;
        Some(())
    }

    #[inline(always)]
    fn get(&mut self, handle: SendHandle) -> Option<&mut SendSlot> {
        let slot = self.slots.get_mut(handle.index())?;
        let generation = handle.generation();
        (generation % 2 == 1 && slot.generation == generation).then_some(slot)
    }

    #[inline(always)]
    fn close(&mut self, handle: SendHandle) -> Option<&mut SendSlot> {
        let slot = self.slots.get_mut(handle.index())?;
        let generation = handle.generation();
        if generation.is_multiple_of(2) || slot.generation != generation {
            cold_path();
            return None;
        }
        slot.generation = (generation + 1) % SendHandle::GENERATIONS;
        slot.next = std::mem::replace(&mut self.free, handle.index() as u32);
        self.open -= 1;
        Some(slot)
    }
}

impl SendSlot {
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
        let mut capacity = required as usize;
        let (connections, _, outlets) = self.split();
        let quick = pipeline == 0
            && capacity > 0
            && connections.sender(connection).is_some_and(|entry| outlets.begins(entry, capacity));
        if !quick {
            cold_path();
            capacity = self.begins_slowly(connection, pipeline, required)?;
        }
        self.sends.open(connection, pipeline, capacity).ok_or_else(too_many)
    }

    /// Bytes that a message gets that may be begun now.
    #[inline(never)]
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
        let most = self.capacity(index, pipeline);
        let entry = self.connections.peek(index);
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
        let slot = self.sends.get(handle).ok_or_else(not_open)?;
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
        let (connections, sends, mut outlets) = self.split();
        let Some(slot) = sends.close(handle) else { return Err(not_open()) };
        if length as usize <= slot.capacity
            && slot.pipeline == 0
            && let Some(data) = slot.bytes.get(..length as usize)
            && let Some(entry) = connections.sender(slot.connection)
            && outlets.send(entry, slot.connection.index(), kind, data)
        {
            return Ok(());
        }
        cold_path();
        self.end_slowly(handle, length, kind)
    }

    /// Sends what was written in place, in a slot that was closed just now.
    #[inline(never)]
    fn end_slowly(&mut self, handle: SendHandle, length: u32, kind: MessageKind) -> Result<()> {
        let slot = self.sends.slots.get_mut(handle.index()).ok_or_else(not_open)?;
        let (connection, pipeline, capacity) = (slot.connection, slot.pipeline, slot.capacity);
        let bytes = std::mem::take(&mut slot.bytes);
        let outcome = match bytes.get(..length as usize).filter(|data| data.len() <= capacity) {
            Some(data) => self.send_as(connection, pipeline, kind, data),
            None => Err(overflow(length as usize, capacity)),
        };
        if let Some(slot) = self.sends.slots.get_mut(handle.index()) {
            slot.bytes = bytes;
        }
        outcome
    }

    /// Gives up a message written in place.
    ///
    /// # Errors
    /// [`Status::NetworkSendHandleInvalid`].
    pub fn abort_send(&mut self, handle: SendHandle) -> Result<()> {
        self.sends.close(handle).map(|_| ()).ok_or_else(not_open)
    }

    /// Aborts what was begun before an update and never ended.
    pub(in crate::driver) fn abort_open_sends(&mut self) {
        if self.sends.open == 0 {
            return;
        }
        for index in 0..self.sends.slots.len() {
            let handle = SendHandle::new(index as u32, self.sends.slots[index].generation);
            if let Some(slot) = self.sends.close(handle) {
                note!(Error, "a send to {:?} was begun and never ended", slot.connection);
            }
        }
    }
}
