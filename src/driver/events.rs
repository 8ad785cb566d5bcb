//! The event queue: one list per connection, one order over all, one pool of nodes.
//!
//! An event is visible once it is published, which only an update does. Both ways of popping may
//! be mixed: the order over all skips what was popped from a connection. The queue knows neither
//! sockets nor protocols, and bounds nothing: the driver asks it how much waits and stops reading.

use std::collections::VecDeque;
use std::hint::cold_path;
use std::ops::Range;

use bytes::Bytes;

use super::types::{Event, EventView};
use pieces::{PieceId, Pieces};

mod pieces;

/// "No node".
const NIL: u32 = u32::MAX;

/// Outdated entries of the common order that are left alone.
const ORDER_SLACK: usize = 64;

/// Outdated entries of what was not published yet that are left alone.
const FRESH_SLACK: usize = 64;

/// The events that wait in one connection.
#[derive(Debug)]
pub struct Waiting {
    head: u32,
    tail: u32,
    count: u32,
    bytes: u32,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { head: NIL, tail: NIL, count: 0, bytes: 0 }
    }
}

impl Waiting {
    /// How many events wait.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Their payload bytes.
    pub const fn bytes(&self) -> u32 {
        self.bytes
    }
}

struct Node {
    /// 0 while the node is free.
    sequence: u64,
    next: u32,
    /// What the payload lies in; NIL: in the event itself.
    piece: PieceId,
    /// Where it begins there.
    start: u32,
    /// Bytes of the payload.
    length: u32,
    /// Of a free node, what is left of the event that was popped last: nothing that holds memory.
    event: Event,
}

impl Node {
    /// The payload.
    #[inline(always)]
    fn data<'a>(&'a self, pieces: &'a Pieces) -> &'a [u8] {
        if self.piece == NIL {
            return &self.event.data;
        }
        let start = self.start as usize;
        &pieces.memory(self.piece)[start..start + self.length as usize]
    }

    /// Lets go of the payload.
    #[inline]
    fn take_data(&mut self, pieces: &mut Pieces) -> Bytes {
        if self.piece == NIL {
            return std::mem::take(&mut self.event.data);
        }
        let start = self.start as usize;
        let data = pieces.memory(self.piece).slice(start..start + self.length as usize);
        pieces.release(std::mem::replace(&mut self.piece, NIL));
        data
    }

    /// Leaves the list whose head it is.
    #[inline(always)]
    fn leave(&mut self, waiting: &mut Waiting) {
        self.sequence = 0;
        waiting.head = self.next;
        if self.next == NIL {
            waiting.tail = NIL;
        }
        waiting.count -= 1;
        waiting.bytes = waiting.bytes.saturating_sub(self.length);
    }
}

/// An event that has just been popped and is neither given away nor lent yet.
#[must_use]
pub struct Popped(u32);

/// A place in the list of one connection, which moves on without taking anything out.
#[derive(Clone, Copy)]
pub struct Cursor(u32);

impl Cursor {
    /// The oldest event of a connection.
    pub const fn new(waiting: &Waiting) -> Self {
        Self(waiting.head)
    }
}

/// An event on its way into the order.
#[derive(Clone, Copy)]
struct Fresh {
    index: u32,
    /// It joins the order with the next publication.
    ordered: bool,
    sequence: u64,
}

/// Events whose payloads lie in one piece of memory.
pub struct Batch {
    piece: PieceId,
    events: u32,
}

/// All events of a driver that were not popped yet.
pub struct EventQueue {
    nodes: Vec<Node>,
    pieces: Pieces,
    free: u32,
    /// Events that were popped and whose payloads are lent, the last one first.
    lent: u32,
    /// Visible events of accepted connections, oldest first; entries whose sequence number no
    /// longer matches their node were popped the other way.
    order: VecDeque<(u32, u64)>,
    /// What came since the last publication.
    fresh: Vec<Fresh>,
    /// Published events that were not settled yet.
    recent: Vec<Fresh>,
    next_sequence: u64,
    /// Events that wait and are visible. The lists above cannot say it: they keep entries of what
    /// is gone, and may name an event twice.
    visible: usize,
    /// Events that wait for the next publication.
    unseen: usize,
    /// Events below this sequence number are visible.
    published: u64,
}

impl EventQueue {
    /// An empty queue.
    pub const fn new() -> Self {
        Self {
            nodes: Vec::new(),
            pieces: Pieces::new(),
            free: NIL,
            lent: NIL,
            order: VecDeque::new(),
            fresh: Vec::new(),
            recent: Vec::new(),
            next_sequence: 1,
            visible: 0,
            unseen: 0,
            published: 1,
        }
    }

    /// Appends an event. `ordered` is false for connections that were not accepted yet.
    #[inline]
    pub fn push(&mut self, waiting: &mut Waiting, event: Event, ordered: bool) {
        let length = event.data.len();
        self.append(waiting, event, NIL, 0..length, ordered);
    }

    /// Begins to append events whose payloads lie in one piece of memory.
    #[inline]
    pub fn begin_batch(&mut self) -> Batch {
        Batch { piece: self.pieces.reserve(), events: 0 }
    }

    /// Appends an event, which comes without its payload: that is to lie at `range`.
    #[inline(always)]
    pub fn push_part(
        &mut self,
        batch: &mut Batch,
        waiting: &mut Waiting,
        event: Event,
        range: Range<usize>,
        ordered: bool,
    ) {
        batch.events += 1;
        self.append(waiting, event, batch.piece, range, ordered);
    }

    /// The memory where the payloads lie.
    #[inline]
    pub fn end_batch(&mut self, batch: Batch, memory: Bytes) {
        self.pieces.fill(batch.piece, memory, batch.events);
    }

    #[inline(always)]
    fn append(
        &mut self,
        waiting: &mut Waiting,
        event: Event,
        piece: PieceId,
        range: Range<usize>,
        ordered: bool,
    ) {
        let sequence = self.next_sequence;
        let (start, length) = (range.start as u32, range.len() as u32);
        self.next_sequence += 1;
        self.unseen += 1;
        waiting.count += 1;
        waiting.bytes = waiting.bytes.saturating_add(length);
        let index = self.allocate(Node { sequence, next: NIL, piece, start, length, event });
        if waiting.tail == NIL {
            waiting.head = index;
        } else {
            self.nodes[waiting.tail as usize].next = index;
        }
        waiting.tail = index;
        self.fresh.push(Fresh { index, ordered, sequence });
    }

    #[inline(always)]
    fn allocate(&mut self, node: Node) -> u32 {
        let index = self.free;
        let Some(place) = self.nodes.get_mut(index as usize) else {
            cold_path();
            self.nodes.push(node);
            return self.nodes.len() as u32 - 1;
        };
        self.free = place.next;
        // What is left of the last event holds no memory.
        std::mem::forget(std::mem::replace(place, node));
        index
    }

    /// Puts the waiting events of a connection that was just accepted into the common order.
    pub fn admit(&mut self, waiting: &Waiting) {
        let mut index = waiting.head;
        while index != NIL {
            let node = &self.nodes[index as usize];
            let sequence = node.sequence;
            if sequence < self.published {
                self.order.push_back((index, sequence));
            } else {
                self.fresh.push(Fresh { index, ordered: true, sequence });
            }
            index = node.next;
        }
    }

    /// The same, visible after the next publication.
    pub fn admit_later(&mut self, waiting: &Waiting) {
        let mut index = waiting.head;
        while index != NIL {
            let node = &self.nodes[index as usize];
            self.fresh.push(Fresh { index, ordered: true, sequence: node.sequence });
            index = node.next;
        }
    }

    /// The connection's index in the next visible event of the common order, if there is one.
    #[inline]
    pub fn next_in_order(&mut self) -> Option<u32> {
        while let Some(&(index, sequence)) = self.order.front() {
            let node = &self.nodes[index as usize];
            if node.sequence != sequence {
                self.order.pop_front();
                continue;
            }
            return Some(node.event.connection.index());
        }
        None
    }

    /// Takes the next visible event of the common order out of the list of its connection, which
    /// `list` finds by the connection's index: it is the oldest one there.
    #[inline(always)]
    pub fn pop_next<'a>(&mut self, list: impl FnOnce(u32) -> &'a mut Waiting) -> Option<Popped> {
        loop {
            let (index, sequence) = self.order.pop_front()?;
            let Some(node) = self.nodes.get_mut(index as usize) else { continue };
            if node.sequence != sequence {
                cold_path();
                continue;
            }
            let waiting = list(node.event.connection.index());
            if waiting.head != index {
                // The order is that of each list, so this cannot be; nothing gets lost if it is.
                cold_path();
                return self.pop(waiting);
            }
            node.leave(waiting);
            self.visible -= 1;
            return Some(Popped(index));
        }
    }

    /// Takes the oldest visible event of a connection out of its list.
    #[inline(always)]
    pub fn pop(&mut self, waiting: &mut Waiting) -> Option<Popped> {
        let index = waiting.head;
        let node = self.nodes.get_mut(index as usize)?;
        if node.sequence >= self.published {
            return None;
        }
        node.leave(waiting);
        self.visible -= 1;
        Some(Popped(index))
    }

    /// The oldest visible event of a connection.
    pub fn peek(&self, waiting: &Waiting) -> Option<EventView<'_>> {
        self.show(Cursor::new(waiting)).map(|(event, data, _)| event.view(data))
    }

    /// The visible event at a cursor, if there is one, its payload, and the cursor behind it.
    #[inline(always)]
    pub fn show(&self, cursor: Cursor) -> Option<(&Event, &[u8], Cursor)> {
        let node = self.nodes.get(cursor.0 as usize)?;
        if node.sequence >= self.published {
            return None;
        }
        Some((&node.event, node.data(&self.pieces), Cursor(node.next)))
    }

    /// How many visible events wait in a connection. Those that are not come last.
    pub fn visible_in(&self, waiting: &Waiting) -> u32 {
        if self.unseen == 0 {
            return waiting.count();
        }
        let (mut cursor, mut count) = (Cursor::new(waiting), 0);
        while let Some((_, _, next)) = self.show(cursor) {
            cursor = next;
            count += 1;
        }
        count
    }

    /// What was popped.
    #[inline(always)]
    pub fn get(&self, popped: &Popped) -> &Event {
        &self.nodes[popped.0 as usize].event
    }

    /// Gives an event away.
    pub fn give(&mut self, Popped(index): Popped) -> Event {
        let node = &mut self.nodes[index as usize];
        node.next = self.free;
        self.free = index;
        let data = node.take_data(&mut self.pieces);
        Event { data, ..node.event }
    }

    /// Shows an event, whose data stays here until [`end_loans`](Self::end_loans).
    #[inline(always)]
    pub fn lend(&mut self, Popped(index): Popped) -> EventView<'_> {
        let node = &mut self.nodes[index as usize];
        node.next = self.lent;
        self.lent = index;
        node.event.view(node.data(&self.pieces))
    }

    /// The memory of the payloads that are lent, the last one first.
    pub fn loans(&self) -> impl Iterator<Item = &Bytes> {
        let mut index = self.lent;
        std::iter::from_fn(move || {
            let node = self.nodes.get(index as usize)?;
            index = node.next;
            let piece = node.piece;
            Some(if piece == NIL { &node.event.data } else { self.pieces.memory(piece) })
        })
    }

    /// Ends all loans; `take` gets the payloads that have memory of their own, the last one first.
    #[inline]
    pub fn end_loans(&mut self, mut take: impl FnMut(Bytes)) {
        while let Some(node) = self.nodes.get_mut(self.lent as usize) {
            if node.piece == NIL {
                take(std::mem::take(&mut node.event.data));
            } else {
                self.pieces.release(std::mem::replace(&mut node.piece, NIL));
            }
            let next = std::mem::replace(&mut node.next, self.free);
            self.free = std::mem::replace(&mut self.lent, next);
        }
    }

    fn take_head(&mut self, waiting: &mut Waiting) -> Option<Popped> {
        let index = waiting.head;
        let node = self.nodes.get_mut(index as usize)?;
        let count =
            if node.sequence < self.published { &mut self.visible } else { &mut self.unseen };
        *count -= 1;
        node.leave(waiting);
        Some(Popped(index))
    }

    /// Drops all events of a connection.
    pub fn clear(&mut self, waiting: &mut Waiting) {
        while let Some(popped) = self.take_head(waiting) {
            drop(self.give(popped));
        }
        *waiting = Waiting::default();
        // What comes and goes without ever being published leaves nothing behind. An event is named
        // twice at most, so each time half of the entries go, and closing many costs no more each.
        if self.fresh.len() > FRESH_SLACK + 4 * (self.visible + self.unseen) {
            let nodes = &self.nodes;
            self.fresh.retain(|fresh| nodes[fresh.index as usize].sequence == fresh.sequence);
        }
    }

    /// Is there an event that the next publication would make visible?
    pub const fn has_news(&self) -> bool {
        self.next_sequence > self.published
    }

    /// Gives payloads that were left waiting since the last publication a storage of their own,
    /// so that a small one does not hold a large shared read buffer. Each moves once at most, and
    /// none before the program had the chance to pop it.
    pub fn settle(&mut self) {
        if self.visible == 0 {
            // All that was visible has been popped.
            self.recent.clear();
            return;
        }
        for Fresh { index, sequence, .. } in self.recent.drain(..) {
            let node = &mut self.nodes[index as usize];
            if node.sequence != sequence {
                continue;
            }
            if node.piece != NIL {
                node.event.data = Bytes::copy_from_slice(node.data(&self.pieces));
                self.pieces.release(std::mem::replace(&mut node.piece, NIL));
                continue;
            }
            let data = &mut node.event.data;
            if !data.is_empty() && !data.is_unique() {
                *data = Bytes::copy_from_slice(data);
            }
        }
    }

    /// Makes all events visible.
    pub fn publish(&mut self) {
        self.published = self.next_sequence;
        self.visible += std::mem::take(&mut self.unseen);
        let ordered = self.fresh.iter().filter(|fresh| fresh.ordered);
        self.order.extend(ordered.map(|fresh| (fresh.index, fresh.sequence)));
        if self.recent.is_empty() {
            std::mem::swap(&mut self.recent, &mut self.fresh);
        } else {
            self.recent.append(&mut self.fresh);
        }
        // A program that pops by connection only never comes by the entries of the common order.
        if self.order.len() > ORDER_SLACK + 2 * self.visible {
            let nodes = &self.nodes;
            self.order.retain(|&(index, sequence)| nodes[index as usize].sequence == sequence);
        }
    }
}

#[cfg(test)]
mod tests;
