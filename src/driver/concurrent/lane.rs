//! Lanes: what threads that share the driver change, one for each connection.
//!
//! Nothing of a connection changes while threads share the driver but its lane, and a lane belongs
//! to one thread at a time: a second one is told, and never waits. No lane knows another one.

use std::collections::VecDeque;

use parking_lot::{Mutex, MutexGuard};

use super::super::events::Cursor;
use super::super::packets::Staged;
use super::super::shared::{Apart, Link, Touched, reserve_apart};
use super::super::types::{Connection, MessageKind, SendHandle};
use super::allowance::Allowance;
use super::course::Course;
use super::records::Records;
use super::sends::LaneSends;
use crate::error::{Error, Fixed, Result, Status};
use crate::proto::time::{MICROS_PER_MS, Micros};

/// Memory that a lane has not used for so long, or of which it has used so little, is let go of.
pub const LANE_MEMORY_UNUSED_MAX: Micros = 10_000 * MICROS_PER_MS;
/// Lanes that one update looks at for that.
const LOOKS: usize = 4;
/// What one pipeline of a connection has staged.
#[derive(Clone, Copy)]
pub struct StagedPipeline {
    /// Its number.
    pub pipeline: u8,
    /// Packets.
    pub packets: usize,
    /// What they take of the room of a pipeline that the session carries.
    pub carried: usize,
}

/// Messages of one connection that were accepted and are in no queue yet.
#[derive(Default)]
pub struct Staging {
    /// In order.
    pub records: Records,
    /// What they are together, as far as the connection's queue counts it.
    pub all: Staged,
    /// The same by pipeline.
    pub pipelines: Vec<StagedPipeline>,
    /// Bytes of the sockets' batches that this lane may still use.
    pub batch: usize,
}

impl Staging {
    /// Where a pipeline is among those that have staged something; it is from now on.
    pub fn place(&mut self, pipeline: u8) -> usize {
        let place = self.pipelines.iter().position(|known| known.pipeline == pipeline);
        place.unwrap_or_else(|| {
            reserve_apart(&mut self.pipelines, 1);
            self.pipelines.push(StagedPipeline { pipeline, packets: 0, carried: 0 });
            self.pipelines.len() - 1
        })
    }

    /// Everything was sent. Memory for what is usual stays.
    pub fn clear(&mut self) {
        self.records.clear();
        self.pipelines.clear();
        self.all = Staged::NONE;
        self.batch = 0;
    }

    /// Lets go of what was not used since the last time.
    fn shrink(&mut self) {
        if !self.records.shrink() {
            self.pipelines = Vec::new();
        }
    }
}

/// What one thread at a time changes.
#[derive(Default)]
pub struct LaneState {
    /// In the list of those that must be settled.
    pub touched: bool,
    /// The next event to be shown; `None` as long as none was.
    pub cursor: Option<Cursor>,
    /// Events that were shown, and are in the queue still.
    pub shown: u32,
    /// What is known of messages that come next: those without a pipeline, and those through the
    /// one that was used last. A lane that needs not be settled knows nothing.
    pub courses: [Course; 2],
    /// Messages that were accepted.
    pub staging: Staging,
    /// Messages that are being written in place.
    pub sends: LaneSends,
    /// In the list of those with such messages.
    pub listed: bool,
    /// Sends that were refused because the queue or a window was full.
    pub refused: u64,
    /// The queue was full.
    pub crowded: bool,
    /// Pipelines whose window was full, each once.
    pub blocked: Vec<u8>,
    /// In the list of those that keep memory.
    kept: bool,
    /// When memory was let go of last.
    shrunk_at: Micros,
}

impl LaneState {
    /// Does it keep memory of messages?
    pub fn keeps_memory(&self) -> bool {
        self.staging.records.kept() > 0 || self.sends.kept() > 0
    }

    /// What is known of messages to a connection through a pipeline, if anything is.
    #[inline(always)]
    pub fn course(&self, connection: Connection, pipeline: u8) -> Option<&Course> {
        let course = &self.courses[usize::from(pipeline > 0)];
        course.is_of(connection.tag(), pipeline).then_some(course)
    }

    /// Is it known that a message of this length may be begun? Not when the length is 0, which says
    /// nothing.
    #[inline(always)]
    pub fn begins(&self, connection: Connection, pipeline: u8, length: u32) -> bool {
        let course = self.course(connection, pipeline);
        length > 0 && course.is_some_and(|course| course.begins(length, &self.staging))
    }

    /// Begins a message that is written in place, if it is known that it may be. `None`: nothing
    /// was done.
    #[inline(always)]
    pub fn begin(
        &mut self,
        connection: Connection,
        pipeline: u8,
        length: u32,
    ) -> Option<(SendHandle, &mut [u8])> {
        if !self.begins(connection, pipeline, length) {
            return None;
        }
        self.sends.open_first(connection, pipeline, length as usize)
    }

    /// Takes a message, if it is known that it may be sent. False: nothing was done.
    #[inline(always)]
    pub fn stage(
        &mut self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> bool {
        let staging = &mut self.staging;
        let known = kind != MessageKind::Text
            && reserve(&self.courses, connection, pipeline, data.len(), staging);
        if known {
            staging.records.push(pipeline, kind, data);
        }
        known
    }

    /// Ends a message that was written in place, if it is known that it may be sent. False: nothing
    /// was done.
    #[inline(always)]
    pub fn end(&mut self, handle: SendHandle, length: usize, kind: MessageKind) -> bool {
        match self.sends.first_through(handle) {
            Some(0) => self.end_first(0, length, kind),
            Some(pipeline) => self.end_first_within(pipeline, length, kind),
            None => false,
        }
    }

    /// The same for the first one, which is written through a pipeline.
    #[inline(never)]
    fn end_first_within(&mut self, pipeline: u8, length: usize, kind: MessageKind) -> bool {
        self.end_first(pipeline, length, kind)
    }

    #[inline(always)]
    fn end_first(&mut self, pipeline: u8, length: usize, kind: MessageKind) -> bool {
        let staging = &mut self.staging;
        if kind != MessageKind::Text
            && let Some((connection, data)) = self.sends.written(length)
            && reserve(&self.courses, connection, pipeline, length, staging)
        {
            staging.records.push(pipeline, kind, data);
            self.sends.close_first();
            return true;
        }
        false
    }

    /// Lets go of memory that was not used since the last time.
    fn shrink(&mut self, now: Micros) {
        self.shrunk_at = now;
        self.staging.shrink();
        self.sends.shrink();
    }
}

/// One lane.
#[derive(Default)]
struct Lane {
    link: Link,
    state: Mutex<LaneState>,
}

/// All lanes of a driver, by the indices of connections.
#[derive(Default)]
pub struct Lanes {
    list: Vec<Apart<Lane>>,
    touched: Touched,
    /// The program shares the driver; until then there are none.
    enabled: bool,
    /// Bytes of the sockets' batches that lanes may use or have used.
    pub batch: Allowance,
    /// Lanes with messages that are being written in place.
    pub open: Vec<u32>,
    /// Memory for those that are settled next.
    pub spare: Vec<u32>,
    /// Lanes that keep memory, each once, the one that was looked at longest ago first.
    kept: VecDeque<u32>,
}

impl Lanes {
    /// From now on every connection has one; there are `count`.
    pub fn enable(&mut self, count: u32) {
        self.enabled = true;
        self.touched.open();
        self.batch.open();
        self.grow(count);
    }

    /// There are `count` connections now.
    pub fn grow(&mut self, count: u32) {
        if self.enabled && self.list.len() < count as usize {
            self.list.resize_with(count as usize, Apart::default);
        }
    }

    /// Takes the lane of a connection, if there is one and no other thread is in it.
    #[inline(always)]
    pub fn find(&self, index: u32) -> Option<MutexGuard<'_, LaneState>> {
        self.list.get(index as usize)?.0.state.try_lock()
    }

    /// Takes the lane of a connection, which has to be settled then.
    ///
    /// # Errors
    /// [`Status::NetworkDriverParallelForErr`]: another thread is in it.
    #[inline]
    pub fn enter(&self, index: u32) -> Result<MutexGuard<'_, LaneState>> {
        let Apart(lane) = self.list.get(index as usize).ok_or_else(missing)?;
        let mut state = lane.state.try_lock().ok_or_else(crowded)?;
        if !state.touched {
            state.touched = true;
            self.touched.push(index, &lane.link);
        }
        Ok(state)
    }

    /// The same for one who has [found](Self::find) it, or not.
    #[inline(always)]
    pub fn enter_found<'a>(
        &'a self,
        index: u32,
        found: Option<MutexGuard<'a, LaneState>>,
    ) -> Result<MutexGuard<'a, LaneState>> {
        let Some(mut state) = found else { return self.enter(index) };
        if !state.touched {
            state.touched = true;
            self.touched.push(index, &self.list[index as usize].0.link);
        }
        Ok(state)
    }

    /// The same without a need to settle it; `None` for a lane that there is not.
    ///
    /// # Errors
    /// As [`enter`](Self::enter).
    pub fn look(&self, index: u32) -> Result<Option<MutexGuard<'_, LaneState>>> {
        let lane = self.list.get(index as usize);
        lane.map(|lane| lane.0.state.try_lock().ok_or_else(crowded)).transpose()
    }

    /// The lane of a connection, for one who has the driver to himself.
    pub fn own(&mut self, index: u32) -> Option<&mut LaneState> {
        self.list.get_mut(index as usize).map(|lane| lane.0.state.get_mut())
    }

    /// A call has failed inside: nothing here is to be trusted any more.
    pub fn spoil(&self) {
        self.touched.spoil();
    }

    /// Has one?
    #[inline]
    pub fn is_spoiled(&self) -> bool {
        self.touched.is_spoiled()
    }

    /// Is there nothing to settle?
    #[inline]
    pub fn is_settled(&mut self) -> bool {
        self.touched.is_empty()
    }

    /// Takes the list of lanes to settle, in the order of their indices: whichever threads came
    /// first, the outcome is the same.
    pub fn take_touched(&mut self) -> Vec<u32> {
        let mut taken = std::mem::take(&mut self.spare);
        let list = &self.list;
        self.touched.take(|index| &list[index as usize].0.link, |index| taken.push(index));
        taken.sort_unstable();
        taken
    }

    /// A lane was settled: what memory it keeps is looked at from now on.
    pub fn keep(&mut self, index: u32, now: Micros) {
        let Some(state) = self.own(index) else { return };
        if !state.kept && state.keeps_memory() {
            (state.kept, state.shrunk_at) = (true, now);
            self.kept.push_back(index);
        }
    }

    /// Lets go of memory that lanes have not used for long. A few lanes get a look each time, so
    /// that it costs the same however many there are.
    #[inline]
    pub fn shrink(&mut self, now: Micros) {
        if !self.kept.is_empty() {
            self.shrink_some(now);
        }
    }

    fn shrink_some(&mut self, now: Micros) {
        for _ in 0..LOOKS.min(self.kept.len()) {
            let Some(index) = self.kept.pop_front() else { return };
            let Some(state) = self.own(index) else { continue };
            if now.saturating_sub(state.shrunk_at) >= LANE_MEMORY_UNUSED_MAX {
                state.shrink(now);
                state.kept = state.keeps_memory();
            }
            if state.kept {
                self.kept.push_back(index);
            }
        }
    }

    /// A connection has ended: its lane needs no memory any more.
    pub fn forget(&mut self, index: u32) {
        if let Some(state) = self.own(index)
            && !state.touched
            && state.sends.is_idle()
        {
            state.sends.forget();
            state.staging = Staging::default();
            state.blocked = Vec::new();
        }
    }
}

/// Takes room for a message, if it is known that there is some.
#[inline(always)]
fn reserve(
    courses: &[Course; 2],
    connection: Connection,
    pipeline: u8,
    length: usize,
    staging: &mut Staging,
) -> bool {
    let [without, within] = courses;
    if pipeline == 0 {
        without.is_of(connection.tag(), pipeline) && without.reserve(length, staging)
    } else {
        within.is_of(connection.tag(), pipeline) && within.reserve_within(length, staging)
    }
}

#[cold]
fn crowded() -> Error {
    Error::fixed(&Fixed(
        Status::NetworkDriverParallelForErr,
        "another thread is in a call on this connection; use one thread per connection",
    ))
}

#[cold]
fn missing() -> Error {
    Error::fixed(&Fixed(Status::NetworkStateMismatch, "the driver was not made concurrent"))
}
