//! Messages that are written in place: the driver lends memory, and sends what was written like any
//! other message. It must not send anything by another way than `send_as`.

use super::super::connections::Link;
use super::super::packets::Staged;
use super::super::{Connection, MessageKind, NetworkDriver, SendHandle};
use super::overflow;
use crate::error::{Error, Fixed, Result, Status};
use crate::log::note;
use crate::settings::Dialect;

/// Messages that may be open in place at once.
pub const SENDS_OPEN_MAX: usize = 512;
/// Room of a message in place on a plain connection when the program does not say how much.
const PLAIN_CAPACITY_DEFAULT: u32 = 64 * 1024;

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
    #[inline(always)]
    fn open(
        &mut self,
        connection: Connection,
        pipeline: u8,
        capacity: usize,
    ) -> Option<(SendHandle, &mut [u8])> {
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
        slot.generation = ((slot.generation + 1) % SendHandle::GENERATIONS).max(1);
        slot.open = true;
        slot.connection = connection;
        slot.pipeline = pipeline;
        slot.capacity = capacity;
        if slot.bytes.len() < capacity {
            slot.bytes.resize(capacity, 0);
        }
        Some((SendHandle::new(index, slot.generation), &mut slot.bytes[..capacity]))
    }

    fn get(&mut self, handle: SendHandle) -> Result<&mut SendSlot> {
        let slot = self.slots.get_mut(handle.index());
        slot.filter(|slot| slot.open && slot.generation == handle.generation()).ok_or_else(not_open)
    }

    #[inline(always)]
    fn close(&mut self, handle: SendHandle) -> Result<&mut SendSlot> {
        let Some(slot) = self.slots.get_mut(handle.index()) else { return Err(not_open()) };
        if slot.generation != handle.generation() || !std::mem::take(&mut slot.open) {
            return Err(not_open());
        }
        self.free.push(handle.index() as u32);
        Ok(slot)
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
        let quick = if pipeline == 0 && self.connections.can_send(connection) {
            self.begins_quickly(connection.index(), required)
        } else {
            None
        };
        let capacity = match quick {
            Some(capacity) => capacity,
            None => self.begins_slowly(connection, pipeline, required)?,
        };
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
        let slot = self.sends.close(handle)?;
        let (connection, pipeline, capacity) = (slot.connection, slot.pipeline, slot.capacity);
        let bytes = std::mem::take(&mut slot.bytes);
        let outcome = match bytes.get(..length as usize).filter(|data| data.len() <= capacity) {
            Some(data) => self.send_at_once(connection, pipeline, kind, data),
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
        self.sends.close(handle).map(|_| ())
    }

    /// Aborts what was begun before an update and never ended.
    pub(in crate::driver) fn abort_open_sends(&mut self) {
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
