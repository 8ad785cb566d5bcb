//! The short way of a ready stream: an open plain WebSocket of which nothing is left over is read
//! once, and what came are whole messages. It decides nothing: whatever is otherwise is for the
//! long way, in `stream`.

use std::io;
use std::ops::Range;

use bytes::Bytes;

use super::connections::Entry;
use super::events::{Batch, EventQueue};
use super::streams::Phase;
use super::{Connection, ConnectionState, Event, EventKind, NetworkDriver};
use crate::pump::{ReadOutcome, StreamId};
use crate::settings::Dialect;

/// What the short way has left to the long one.
pub(super) enum Rest {
    /// Nothing.
    Nothing,
    /// The machine holds what was read, or nothing was read yet.
    Something,
    /// What a read that brought no bytes has said: that the stream is at its end or has failed, or
    /// that there is nothing now, though it may have more.
    Outcome(io::Result<ReadOutcome>),
}

/// Messages on their way into the queue of one connection.
struct Delivery<'a> {
    entry: &'a mut Entry,
    events: &'a mut EventQueue,
    batch: Batch,
    connection: Connection,
    messages: u64,
    bytes: u64,
}

impl<'a> Delivery<'a> {
    #[inline(always)]
    fn begin(entry: &'a mut Entry, index: u32, events: &'a mut EventQueue) -> Self {
        let connection = entry.connection(index);
        let batch = events.begin_batch();
        Self { entry, events, batch, connection, messages: 0, bytes: 0 }
    }

    /// Takes the message at `range`. False: it must be the last one.
    #[inline(always)]
    fn give(&mut self, range: Range<usize>, text: bool) -> bool {
        self.messages += 1;
        self.bytes += range.len() as u64;
        let event = Event::new(self.connection, EventKind::Data);
        let event = Event { text, first: true, last: true, ..event };
        let Entry { waiting, accepted, .. } = &mut *self.entry;
        self.events.push_part(&mut self.batch, waiting, event, range, *accepted);
        !self.entry.is_full()
    }

    /// What the messages lie in. Returns how many there were, and their bytes.
    #[inline(always)]
    fn end(self, memory: Option<Bytes>) -> (u64, u64) {
        self.events.end_batch(self.batch, memory.unwrap_or_default());
        (self.messages, self.bytes)
    }
}

impl Entry {
    /// Whole messages need nothing but to be delivered.
    fn takes_messages(&self) -> bool {
        self.dialect == Dialect::Plain
            && self.state != ConnectionState::Disconnected
            && !self.is_full()
    }
}

impl NetworkDriver {
    /// Reads a stream once and delivers the whole messages that came.
    pub(super) fn read_whole_messages(&mut self, id: StreamId) -> Rest {
        let Some(state) = self.streams.get(id) else {
            return Rest::Nothing;
        };
        let settled = state.phase == Phase::Open && !state.guessed && state.held.is_none();
        let (Some(index), true) = (state.connection(), settled) else {
            return Rest::Something;
        };
        let headers = stream_header_size(state.peer().is_ipv4());
        let entry = self.connections.at(index);
        let (Some(ws), true) = (&mut state.ws, entry.takes_messages()) else {
            return Rest::Something;
        };
        if !ws.awaits_message() {
            return Rest::Something;
        }
        let before = self.pump.buffer.stream_bytes;
        let (outcome, more) = self.pump.read_once(id);
        // With TLS these are not the bytes that come out.
        let size = (self.pump.buffer.stream_bytes - before) as usize;
        self.rx.record_stream(size, headers);
        let bytes = match outcome {
            Ok(ReadOutcome::Data(bytes)) => bytes,
            Ok(ReadOutcome::Empty) if !more => return Rest::Nothing,
            other => return Rest::Outcome(other),
        };
        // Only an unanswered ping is due later than one that is to be sent.
        let answered = ws.is_awaiting();
        let now = self.now;
        let mut delivery = Delivery::begin(entry, index, &mut self.events);
        let give = |range, text| delivery.give(range, text);
        let memory = ws.take_read_messages(now, bytes, give);
        let delivered = delivery.end(memory);
        let drained = ws.awaits_message();
        self.count_delivered(index, delivered);
        if answered {
            self.arm_stream(id);
        }
        if drained && !more { Rest::Nothing } else { Rest::Something }
    }

    /// Delivers the whole messages that lie at the start of what was read. It stops at the inbound
    /// limit and at anything else.
    pub(super) fn deliver_whole_messages(&mut self, id: StreamId) {
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let settled = state.phase == Phase::Open && !state.guessed && state.held.is_none();
        let (Some(index), true) = (state.connection(), settled) else {
            return;
        };
        let entry = self.connections.at(index);
        let (Some(ws), true) = (&mut state.ws, entry.takes_messages()) else {
            return;
        };
        let mut delivery = Delivery::begin(entry, index, &mut self.events);
        let memory = ws.take_whole_messages(|range, text| delivery.give(range, text));
        let delivered = delivery.end(memory);
        self.count_delivered(index, delivered);
    }

    fn count_delivered(&mut self, index: u32, (messages, bytes): (u64, u64)) {
        if messages > 0 {
            self.count_received(index, messages, bytes);
        }
    }
}

/// Bytes that the system adds to a segment of a stream: IP, and TCP with timestamps.
pub(super) const fn stream_header_size(ipv4: bool) -> usize {
    if ipv4 { 52 } else { 72 }
}
