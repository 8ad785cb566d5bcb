//! Messages of one connection that are being written in place, beside those of others.

use super::super::send::in_place::not_open;
use super::super::shared::reserve_apart;
use super::super::{Connection, SendHandle};
use crate::error::{Error, Result, Status};

/// Messages of one connection that may be open in place at once.
pub const LANE_SENDS_OPEN_MAX: usize = 64;

/// The generation behind one; never 0.
const fn next(generation: u32) -> u32 {
    match (generation + 1) % SendHandle::LANE_GENERATIONS {
        0 => 1,
        next => next,
    }
}

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
    generation: u32,
    open: bool,
    /// It was begun since memory was let go of last.
    used: bool,
    /// To whom.
    pub connection: Connection,
    /// Through what.
    pub pipeline: u8,
    /// Bytes that it may have.
    pub capacity: usize,
    /// As long as the longest message written here so far.
    pub bytes: Vec<u8>,
}

impl LaneSend {
    /// What was written, if it may be as long as that.
    #[inline(always)]
    pub fn written(&self, length: usize) -> Option<&[u8]> {
        if length > self.capacity { None } else { self.bytes.get(..length) }
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
        if slot.open || slot.bytes.len() < capacity {
            return None;
        }
        self.generation = next(self.generation);
        self.open += 1;
        (slot.generation, slot.open, slot.used) = (self.generation, true, true);
        (slot.connection, slot.pipeline, slot.capacity) = (connection, pipeline, capacity);
        let handle = SendHandle::in_lane(connection.index(), 0, self.generation);
        slot.bytes.get_mut(..capacity).map(|room| (handle, room))
    }

    /// An open one, if it is.
    #[inline(always)]
    pub fn written(&self, slot: u8, generation: u32) -> Option<&LaneSend> {
        let slot = self.slots.get(usize::from(slot))?;
        (slot.open && slot.generation == generation).then_some(slot)
    }

    /// Ends one that is [open](Self::written).
    #[inline(always)]
    pub fn end(&mut self, slot: u8) {
        if let Some(slot) = self.slots.get_mut(usize::from(slot)) {
            slot.open = false;
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
        let free = self.slots.iter().position(|slot| !slot.open);
        let place = free.unwrap_or(self.slots.len());
        if place >= LANE_SENDS_OPEN_MAX {
            let text = format!(
                "{LANE_SENDS_OPEN_MAX} sends are open on this connection; end or abort some"
            );
            return Err(Error::new(Status::LimitReached, text));
        }
        self.generation = next(self.generation);
        let generation = self.generation;
        if free.is_none() {
            let (open, used, bytes) = (true, true, Vec::new());
            let send = LaneSend { generation, open, used, connection, pipeline, capacity, bytes };
            reserve_apart(&mut self.slots, 1);
            self.slots.push(send);
        }
        let slot = &mut self.slots[place];
        (slot.generation, slot.open, slot.used) = (generation, true, true);
        (slot.connection, slot.pipeline, slot.capacity) = (connection, pipeline, capacity);
        if slot.bytes.len() < capacity {
            let more = capacity - slot.bytes.len();
            reserve_apart(&mut slot.bytes, more);
            slot.bytes.resize(capacity, 0);
        }
        self.open += 1;
        Ok(SendHandle::in_lane(connection.index(), place as u8, generation))
    }

    /// An open one.
    ///
    /// # Errors
    /// [`Status::NetworkSendHandleInvalid`].
    pub fn get(&mut self, slot: u8, generation: u32) -> Result<&mut LaneSend> {
        let slot = self.slots.get_mut(usize::from(slot));
        slot.filter(|slot| slot.open && slot.generation == generation).ok_or_else(not_open)
    }

    /// Where to write an open one.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn room(&mut self, handle: SendHandle) -> Result<&mut [u8]> {
        let (_, slot, generation) = handle.lane().ok_or_else(not_open)?;
        let send = self.get(slot, generation)?;
        send.bytes.get_mut(..send.capacity).ok_or_else(not_open)
    }

    /// Ends one.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn close(&mut self, slot: u8, generation: u32) -> Result<()> {
        self.get(slot, generation)?.open = false;
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
            if std::mem::take(&mut slot.open) {
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
