//! Lanes: what threads that share the driver change, one for each connection.
//!
//! Nothing of a connection changes while threads share the driver but its lane, and a lane belongs
//! to one thread at a time: a second one is told, and never waits. No lane knows another one.

use std::collections::VecDeque;

use parking_lot::{Mutex, MutexGuard};

use super::super::events::Cursor;
use super::super::packets::Staged;
use super::super::shared::{Apart, Link, Touched, reserve_apart, unused_apart};
use super::super::types::MessageKind;
use super::allowance::Allowance;
use super::sends::LaneSends;
use crate::error::{Error, Fixed, Result, Status};
use crate::proto::time::{MICROS_PER_MS, Micros};

/// Bytes of staged messages for which a lane keeps memory.
const KEPT_BYTES_MAX: usize = 256 << 10;
/// Memory that a lane has not used for so long, or of which it has used so little, is let go of.
pub const LANE_MEMORY_UNUSED_MAX: Micros = 10_000 * MICROS_PER_MS;
/// Lanes that one update looks at for that.
const LOOKS: usize = 4;
/// So many times as much memory as was used is too much.
const EXCESS: usize = 4;

/// A message that waits to be sent in earnest; its bytes lie in the order of messages.
#[derive(Clone, Copy)]
pub struct Message {
    /// Bytes.
    pub length: u32,
    /// Its pipeline.
    pub pipeline: u8,
    /// Text or binary.
    pub kind: MessageKind,
}

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
    pub messages: Vec<Message>,
    /// Their bytes, one behind the other.
    pub bytes: Vec<u8>,
    /// What they are together.
    pub all: Staged,
    /// The same by pipeline.
    pub pipelines: Vec<StagedPipeline>,
    /// Bytes of the sockets' batches that this lane may still use.
    pub batch: usize,
    /// The most messages at once, and bytes, since memory was let go of last.
    used: (usize, usize),
}

impl Staging {
    /// What a pipeline has staged.
    pub fn pipeline(&self, pipeline: u8) -> StagedPipeline {
        let none = StagedPipeline { pipeline, packets: 0, carried: 0 };
        self.pipelines.iter().copied().find(|known| known.pipeline == pipeline).unwrap_or(none)
    }

    /// Adds a message that is sent later.
    pub fn push(&mut self, message: Message, data: &[u8]) {
        reserve_apart(&mut self.messages, 1);
        self.messages.push(message);
        reserve_apart(&mut self.bytes, data.len());
        self.bytes.extend_from_slice(data);
    }

    /// Everything was sent. Memory for what is usual stays.
    pub fn clear(&mut self) {
        let (messages, bytes) = self.used;
        self.used = (messages.max(self.messages.len()), bytes.max(self.bytes.len()));
        self.messages.clear();
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_BYTES_MAX {
            self.bytes = Vec::new();
        }
        self.pipelines.clear();
        self.all = Staged::NONE;
        self.batch = 0;
    }

    /// Lets go of what was not used since the last time.
    fn shrink(&mut self) {
        let (messages, bytes) = std::mem::take(&mut self.used);
        shrink(&mut self.messages, messages);
        shrink(&mut self.bytes, bytes);
        if messages == 0 {
            self.pipelines = Vec::new();
        }
    }
}

/// Lets go of what is far more than the most that was used, and the room behind it.
fn shrink<T>(memory: &mut Vec<T>, used: usize) {
    let kept = if used == 0 { 0 } else { used + unused_apart::<T>() };
    if memory.capacity() > EXCESS * kept {
        memory.shrink_to(kept);
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
        let staging = &self.staging;
        staging.bytes.capacity() + staging.messages.capacity() > 0 || self.sends.kept() > 0
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
