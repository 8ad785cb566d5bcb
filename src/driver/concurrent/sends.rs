//! Messages of one connection that are being written in place, beside those of others.

use super::super::send::in_place::not_open;
use super::super::shared::reserve_apart;
use super::super::{Connection, SendHandle};
use crate::error::{Error, Result, Status};

/// Messages of one connection that may be open in place at once.
pub const LANE_SENDS_OPEN_MAX: usize = 64;

/// Messages of one connection that are being written in place.
#[derive(Default)]
pub struct LaneSends {
    slots: Vec<LaneSend>,
    /// How many are open.
    open: u32,
    /// Of the message that was begun last.
    generation: u32,
}

/// One of them.
pub struct LaneSend {
    /// Its name; [`SendHandle::NONE`] when it is not open.
    handle: SendHandle,
    /// It was begun since memory was let go of last.
    used: bool,
    /// Through what.
    pub pipeline: u8,
    /// To whom.
    pub connection: Connection,
    /// Bytes that it may have.
    pub capacity: usize,
    /// As long as the longest message written here so far.
    pub bytes: Vec<u8>,
}

impl LaneSend {
    const fn is_open(&self) -> bool {
        self.handle.to_u64() != SendHandle::NONE.to_u64()
    }
}

impl LaneSends {
    /// Begins one in the first place and says where to write it, if the place is free and has the
    /// memory. `None`: nothing was done.
    #[inline(always)]
    pub fn open_first(
        &mut self,
        connection: Connection,
        pipeline: u8,
        capacity: usize,
    ) -> Option<(SendHandle, &mut [u8])> {
        let slot = self.slots.first_mut()?;
        if slot.is_open() || slot.bytes.len() < capacity {
            return None;
        }
        self.generation = next(self.generation);
        self.open += 1;
        slot.handle = SendHandle::in_lane(connection.index(), 0, self.generation);
        (slot.used, slot.pipeline) = (true, pipeline);
        (slot.connection, slot.capacity) = (connection, capacity);
        let handle = slot.handle;
        slot.bytes.get_mut(..capacity).map(|room| (handle, room))
    }

    /// The pipeline of the one in the first place, if that is open and this is its name.
    #[inline(always)]
    pub fn first_through(&self, handle: SendHandle) -> Option<u8> {
        let send = self.slots.first().filter(|send| send.is_open() && send.handle == handle);
        send.map(|send| send.pipeline)
    }

    /// What was written in the first place and to whom, if it may be as long as that.
    #[inline(always)]
    pub fn written(&self, length: usize) -> Option<(Connection, &[u8])> {
        let send = self.slots.first().filter(|send| length <= send.capacity)?;
        Some((send.connection, send.bytes.get(..length)?))
    }

    /// Ends the one in the first place, which is open.
    #[inline(always)]
    pub fn close_first(&mut self) {
        if let Some(slot) = self.slots.first_mut() {
            slot.handle = SendHandle::NONE;
            self.open -= 1;
        }
    }

    /// Begins one.
    ///
    /// # Errors
    /// [`Status::LimitReached`].
    pub fn open(
        &mut self,
        connection: Connection,
        pipeline: u8,
        capacity: usize,
    ) -> Result<SendHandle> {
        let free = self.slots.iter().position(|slot| !slot.is_open());
        let place = free.unwrap_or(self.slots.len());
        if place >= LANE_SENDS_OPEN_MAX {
            let text = format!(
                "{LANE_SENDS_OPEN_MAX} sends are open on this connection; end or abort some"
            );
            return Err(Error::new(Status::LimitReached, text));
        }
        self.generation = next(self.generation);
        let handle = SendHandle::in_lane(connection.index(), place as u8, self.generation);
        if free.is_none() {
            let bytes = Vec::new();
            let send = LaneSend { handle, used: true, pipeline, connection, capacity, bytes };
            reserve_apart(&mut self.slots, 1);
            self.slots.push(send);
        }
        let slot = &mut self.slots[place];
        (slot.handle, slot.used) = (handle, true);
        (slot.connection, slot.pipeline, slot.capacity) = (connection, pipeline, capacity);
        if slot.bytes.len() < capacity {
            let more = capacity - slot.bytes.len();
            reserve_apart(&mut slot.bytes, more);
            slot.bytes.resize(capacity, 0);
        }
        self.open += 1;
        Ok(handle)
    }

    /// An open one.
    ///
    /// # Errors
    /// [`Status::NetworkSendHandleInvalid`].
    pub fn get(&mut self, handle: SendHandle) -> Result<&mut LaneSend> {
        let place = handle.lane().map(|(_, slot)| usize::from(slot));
        let slot = place.and_then(|place| self.slots.get_mut(place));
        slot.filter(|slot| slot.handle == handle).ok_or_else(not_open)
    }

    /// Where to write an open one.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn room(&mut self, handle: SendHandle) -> Result<&mut [u8]> {
        let send = self.get(handle)?;
        send.bytes.get_mut(..send.capacity).ok_or_else(not_open)
    }

    /// Ends one.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn close(&mut self, handle: SendHandle) -> Result<()> {
        self.get(handle)?.handle = SendHandle::NONE;
        self.open -= 1;
        Ok(())
    }

    /// Is none open?
    pub const fn is_idle(&self) -> bool {
        self.open == 0
    }

    /// Ends all, and says whose they were.
    pub fn abort(&mut self, mut each: impl FnMut(Connection)) {
        self.open = 0;
        for slot in &mut self.slots {
            if slot.is_open() {
                slot.handle = SendHandle::NONE;
                each(slot.connection);
            }
        }
    }

    /// Messages that there is memory for.
    pub const fn kept(&self) -> usize {
        self.slots.len()
    }

    /// Lets go of the memory of those that were not begun since the last time, unless one is open.
    pub fn shrink(&mut self) {
        if self.is_idle() {
            self.slots.retain_mut(|slot| std::mem::take(&mut slot.used));
            self.slots.shrink_to_fit();
        }
    }

    /// Lets go of the memory of those that were ended.
    pub fn forget(&mut self) {
        self.slots = Vec::new();
    }
}

/// The generation behind one; never 0.
#[inline(always)]
const fn next(generation: u32) -> u32 {
    match (generation + 1) % SendHandle::LANE_GENERATIONS {
        0 => 1,
        next => next,
    }
}
