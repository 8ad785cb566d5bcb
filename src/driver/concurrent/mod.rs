//! Use of one driver by several threads between updates: each pops the events of its connections
//! and sends to them, and none waits for another one.
//!
//! Meanwhile nothing of the driver changes. What a thread does goes into the lane of the
//! connection, and is done in earnest before the next call that has the driver to itself
//! (`settle`); what a call returns is known at once all the same (`judge`).

mod allowance;
mod course;
mod judge;
mod lane;
mod records;
mod sends;
mod settle;
#[cfg(test)]
mod tests;

use std::hint::cold_path;
use std::ops::{Deref, DerefMut};

use parking_lot::{MappedMutexGuard, MutexGuard};

use super::events::Cursor;
use super::send::in_place::not_open;
use super::send::overflow;
use super::{
    Connection, ConnectionState, EventKind, EventView, MessageKind, NetworkDriver, SendHandle,
};
use crate::error::Result;
use crate::log::note;
use lane::LaneState;

pub use lane::Lanes;
pub use sends::LANE_SENDS_OPEN_MAX;

/// A driver that several threads use at once, each for connections of its own. Copies are the same
/// driver.
///
/// One thread at a time may use a connection; another one is refused with
/// [`Status::NetworkDriverParallelForErr`](crate::Status::NetworkDriverParallelForErr),
/// and nothing is harmed.
#[derive(Clone, Copy)]
pub struct Concurrent<'a> {
    driver: &'a NetworkDriver,
}

/// Where a message is written. While it lives no other call may use the connection.
pub struct SendBuffer<'a>(MappedMutexGuard<'a, [u8]>);

impl Deref for SendBuffer<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for SendBuffer<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl NetworkDriver {
    /// Lets several threads use the driver at once: `body` may hand what it gets to any number of
    /// them. What they have done is settled before this returns.
    pub fn concurrent<R>(&mut self, body: impl FnOnce(Concurrent<'_>) -> R) -> R {
        self.enable_lanes();
        let result = body(Concurrent { driver: self });
        self.settle_lanes();
        result
    }

    /// From now on every connection has a lane, and what others have done is settled.
    pub(super) fn enable_lanes(&mut self) {
        self.settle_lanes();
        self.lanes.enable(self.connections.slots());
    }

    /// For a thread that shares a driver which has lanes.
    pub(super) const fn share(&self) -> Concurrent<'_> {
        Concurrent { driver: self }
    }
}

impl<'a> Concurrent<'a> {
    /// Pops the oldest event of one connection; `None` for a stale one. The data stays with the
    /// driver.
    ///
    /// # Errors
    /// [`Status::NetworkDriverParallelForErr`](crate::Status::NetworkDriverParallelForErr)
    /// while another thread uses the
    /// connection.
    pub fn pop_event_for_connection(self, connection: Connection) -> Result<Option<EventView<'a>>> {
        let mut popped = None;
        self.pop_events_for_connection(connection, 1, |event| popped = Some(event))?;
        Ok(popped)
    }

    /// Pops up to `most` events of one connection, oldest first; returns how many. A CloseRequest
    /// is only ever the first of them.
    ///
    /// # Errors
    /// As [`pop_event_for_connection`](Self::pop_event_for_connection).
    #[inline]
    pub fn pop_events_for_connection(
        self,
        connection: Connection,
        most: usize,
        mut each: impl FnMut(EventView<'a>),
    ) -> Result<usize> {
        let driver = self.driver;
        let Ok(index) = driver.connections.resolve(connection) else { return Ok(0) };
        let entry = driver.connections.peek(index);
        if entry.unsettled || entry.waiting.count() == 0 {
            return Ok(0);
        }
        let mut lane = driver.lanes.enter(index)?;
        let mut cursor = lane.cursor.unwrap_or_else(|| Cursor::new(&entry.waiting));
        let mut count = 0;
        while count < most
            && let Some((event, data, next)) = driver.events.show(cursor)
        {
            // Popping it starts the program's time to answer.
            if count > 0 && event.kind == EventKind::CloseRequest {
                break;
            }
            each(event.view(data));
            cursor = next;
            count += 1;
        }
        lane.cursor = Some(cursor);
        lane.shown += count as u32;
        Ok(count)
    }

    /// A call has failed inside: the driver is fit only to be dropped.
    #[cold]
    pub(super) fn fail(self, text: &str) {
        note!(Error, "a concurrent call on a driver failed inside: {text}");
        self.driver.lanes.spoil();
    }

    /// Has one?
    #[inline]
    pub(super) fn has_failed(self) -> bool {
        self.driver.lanes.is_spoiled()
    }

    /// How many events of a connection can be popped now; 0 for a stale one.
    ///
    /// # Errors
    /// As [`pop_event_for_connection`](Self::pop_event_for_connection).
    pub fn event_queue_size(self, connection: Connection) -> Result<u32> {
        let waiting = self.driver.event_queue_size(connection);
        if waiting == 0 {
            return Ok(0);
        }
        let lane = self.driver.lanes.look(connection.index())?;
        Ok(lane.map_or(waiting, |lane| waiting.saturating_sub(lane.shown)))
    }

    /// The state of a connection; Disconnected for a stale one.
    #[must_use]
    pub fn connection_state(self, connection: Connection) -> ConnectionState {
        self.driver.connection_state(connection)
    }

    /// As [`NetworkDriver::payload_size_max`].
    ///
    /// # Errors
    /// As [`NetworkDriver::payload_size_max`].
    pub fn payload_size_max(self, connection: Connection, pipeline: u8) -> Result<u32> {
        self.driver.payload_size_max(connection, pipeline)
    }

    /// As [`NetworkDriver::message_size_max`].
    ///
    /// # Errors
    /// As [`NetworkDriver::message_size_max`].
    pub fn message_size_max(self, connection: Connection) -> Result<u32> {
        self.driver.message_size_max(connection)
    }

    /// As [`NetworkDriver::header_size_max`].
    ///
    /// # Errors
    /// As [`NetworkDriver::header_size_max`].
    pub fn header_size_max(self, interface: u32, pipeline: u8) -> Result<u32> {
        self.driver.header_size_max(interface, pipeline)
    }

    /// Sends one message, of the kind of the connection's write mode.
    ///
    /// # Errors
    /// As [`send_as`](Self::send_as).
    pub fn send(self, connection: Connection, pipeline: u8, data: &[u8]) -> Result<()> {
        self.send_as(connection, pipeline, MessageKind::WriteMode, data)
    }

    /// Sends one message of either kind. It leaves with the next flush or update.
    ///
    /// # Errors
    /// As [`NetworkDriver::send_as`], but for what stages of the program say: they are asked
    /// later, and what they refuse is lost where messages may be, and ends the connection where
    /// they may not.
    /// [`Status::NetworkDriverParallelForErr`](crate::Status::NetworkDriverParallelForErr)
    /// while another thread uses
    /// the connection.
    pub fn send_as(
        self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> Result<()> {
        self.send_at_once(connection, pipeline, kind, data)
    }

    /// The same, for who sends many.
    #[inline(always)]
    pub(crate) fn send_at_once(
        self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> Result<()> {
        let mut found = self.driver.lanes.find(connection.index());
        if let Some(lane) = &mut found
            && lane.stage(connection, pipeline, kind, data)
        {
            return Ok(());
        }
        cold_path();
        self.send_slowly(found, connection, pipeline, kind, data)
    }

    #[inline(never)]
    fn send_slowly(
        self,
        found: Option<MutexGuard<'_, LaneState>>,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> Result<()> {
        let index = self.driver.sendable(connection, pipeline)?;
        let mut lane = self.driver.lanes.enter_found(index, found)?;
        self.stage(connection, pipeline, kind, data, &mut lane)
    }

    /// Takes a message to a connection that can send now.
    #[inline(always)]
    fn stage(
        self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
        lane: &mut LaneState,
    ) -> Result<()> {
        let (driver, index) = (self.driver, connection.index());
        self.learn(connection, pipeline, data.len(), lane);
        if lane.stage(connection, pipeline, kind, data) {
            return Ok(());
        }
        driver.check_message(index, pipeline, kind, data)?;
        match driver.reserve(index, pipeline, data.len(), &mut lane.staging) {
            Ok(()) => {
                lane.staging.records.push(pipeline, kind, data);
                Ok(())
            }
            Err(refusal) => Err(refusal.note(lane)),
        }
    }

    /// Finds out what may be staged for a connection that can send now, and sees to the room in
    /// its socket's batch that one more message of this length takes.
    #[inline(always)]
    fn learn(self, connection: Connection, pipeline: u8, length: usize, lane: &mut LaneState) {
        let LaneState { courses, staging, .. } = lane;
        let course = &mut courses[usize::from(pipeline > 0)];
        if !course.is_of(connection.tag(), pipeline) {
            self.driver.chart(connection, pipeline, staging, course);
        }
        if let Some(needed) = course.batch_of(length)
            && needed > staging.batch
        {
            self.driver.fill_batch(connection.index(), needed, staging);
        }
    }

    /// Begins a message that is written in place; `required` 0 means as much as possible. Several
    /// may be open; one that is not ended before the next update is given up then.
    ///
    /// # Errors
    /// As [`send_as`](Self::send_as); [`Status::LimitReached`](crate::Status::LimitReached) when
    /// [`LANE_SENDS_OPEN_MAX`] are open on the connection.
    pub fn begin_send(
        self,
        connection: Connection,
        pipeline: u8,
        required: u32,
    ) -> Result<SendHandle> {
        self.begin_in_place(connection, pipeline, required, |handle, _| handle)
    }

    /// The same; `tell` is told where to write it, too.
    #[inline(always)]
    pub(crate) fn begin_in_place<R>(
        self,
        connection: Connection,
        pipeline: u8,
        required: u32,
        tell: impl FnOnce(SendHandle, &mut [u8]) -> R,
    ) -> Result<R> {
        let mut found = self.driver.lanes.find(connection.index());
        if let Some(lane) = &mut found
            && let Some((handle, room)) = lane.begin(connection, pipeline, required)
        {
            return Ok(tell(handle, room));
        }
        cold_path();
        let (mut lane, handle) = self.begin_slowly(found, connection, pipeline, required)?;
        lane.sends.room(handle).map(|room| tell(handle, room))
    }

    #[inline(never)]
    fn begin_slowly(
        self,
        found: Option<MutexGuard<'a, LaneState>>,
        connection: Connection,
        pipeline: u8,
        required: u32,
    ) -> Result<(MutexGuard<'a, LaneState>, SendHandle)> {
        let driver = self.driver;
        let index = driver.sendable(connection, pipeline)?;
        let mut lane = driver.lanes.enter_found(index, found)?;
        self.learn(connection, pipeline, required as usize, &mut lane);
        let mut capacity = required as usize;
        if !lane.begins(connection, pipeline, required) {
            capacity = driver.capacity_in_place(index, pipeline, required)?;
            if !driver.may_begin(index, required, lane.staging.all) {
                return Err(judge::Refusal::Queue.note(&mut lane));
            }
        }
        let handle = lane.sends.open(connection, pipeline, capacity)?;
        Ok((lane, handle))
    }

    /// Where to write a message that was begun.
    ///
    /// # Errors
    /// [`Status::NetworkSendHandleInvalid`](crate::Status::NetworkSendHandleInvalid);
    /// [`Status::NetworkDriverParallelForErr`](crate::Status::NetworkDriverParallelForErr)
    /// while another call uses the connection.
    pub fn send_buffer(self, handle: SendHandle) -> Result<SendBuffer<'a>> {
        let (index, _) = handle.lane().ok_or_else(not_open)?;
        let lane = self.driver.lanes.look(index)?.ok_or_else(not_open)?;
        let room = MutexGuard::try_map(lane, |lane| lane.sends.room(handle).ok());
        room.map(SendBuffer).map_err(|_| not_open())
    }

    /// Ends a message written in place, as the connection's write mode says. Whatever it returns
    /// but
    /// [`Status::NetworkDriverParallelForErr`](crate::Status::NetworkDriverParallelForErr),
    /// the send is over.
    ///
    /// # Errors
    /// As [`send_as`](Self::send_as);
    /// [`Status::NetworkSendHandleInvalid`](crate::Status::NetworkSendHandleInvalid).
    pub fn end_send(self, handle: SendHandle, length: u32) -> Result<()> {
        self.end_send_as(handle, length, MessageKind::WriteMode)
    }

    /// Ends a message written in place, as either kind.
    ///
    /// # Errors
    /// As [`end_send`](Self::end_send).
    pub fn end_send_as(self, handle: SendHandle, length: u32, kind: MessageKind) -> Result<()> {
        self.end_in_place(handle, length, kind)
    }

    /// The same, for who ends many.
    #[inline(always)]
    pub(crate) fn end_in_place(
        self,
        handle: SendHandle,
        length: u32,
        kind: MessageKind,
    ) -> Result<()> {
        if let Some((index, _)) = handle.lane()
            && let Some(mut lane) = self.driver.lanes.find(index)
            && lane.end(handle, length as usize, kind)
        {
            return Ok(());
        }
        cold_path();
        self.end_slowly(handle, length, kind)
    }

    #[inline(never)]
    fn end_slowly(self, handle: SendHandle, length: u32, kind: MessageKind) -> Result<()> {
        let (index, _) = handle.lane().ok_or_else(not_open)?;
        if self.driver.lanes.look(index)?.is_none() {
            return Err(not_open());
        }
        let mut lane = self.driver.lanes.enter(index)?;
        let send = lane.sends.get(handle)?;
        let (connection, pipeline, capacity) = (send.connection, send.pipeline, send.capacity);
        let bytes = std::mem::take(&mut send.bytes);
        let outcome = match bytes.get(..length as usize).filter(|data| data.len() <= capacity) {
            Some(data) => self
                .driver
                .sendable(connection, pipeline)
                .and_then(|_| self.stage(connection, pipeline, kind, data, &mut lane)),
            None => Err(overflow(length as usize, capacity)),
        };
        lane.sends.get(handle)?.bytes = bytes;
        lane.sends.close(handle)?;
        outcome
    }

    /// Gives up a message written in place.
    ///
    /// # Errors
    /// [`Status::NetworkSendHandleInvalid`](crate::Status::NetworkSendHandleInvalid);
    /// [`Status::NetworkDriverParallelForErr`](crate::Status::NetworkDriverParallelForErr)
    /// while another call uses the connection.
    pub fn abort_send(self, handle: SendHandle) -> Result<()> {
        let (index, _) = handle.lane().ok_or_else(not_open)?;
        let mut lane = self.driver.lanes.look(index)?.ok_or_else(not_open)?;
        lane.sends.close(handle)
    }
}
