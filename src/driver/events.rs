//! The event queue: one list per connection, one order over all, one pool of nodes.
//!
//! An event is visible once it is published, which only an update does. Both ways of popping may
//! be mixed: the order over all skips what was popped from a connection. The queue knows neither
//! sockets nor protocols, and bounds nothing: the driver asks it how much waits and stops reading.

use std::collections::VecDeque;
use std::hint::cold_path;

use bytes::Bytes;

use super::types::Event;

/// "No node".
const NIL: u32 = u32::MAX;

/// Outdated entries of the common order that are left alone.
const ORDER_SLACK: usize = 64;

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
    /// Of a free node, what is left of the event that was popped last: nothing that holds memory.
    event: Event,
}

impl Node {
    /// Leaves the list whose head it is.
    #[inline(always)]
    fn leave(&mut self, waiting: &mut Waiting) {
        self.sequence = 0;
        waiting.head = self.next;
        if self.next == NIL {
            waiting.tail = NIL;
        }
        waiting.count -= 1;
        waiting.bytes = waiting.bytes.saturating_sub(self.event.data.len() as u32);
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

/// All events of a driver that were not popped yet.
pub struct EventQueue {
    nodes: Vec<Node>,
    free: u32,
    /// Events that were popped and whose payloads are lent, the last one first.
    lent: u32,
    /// Visible events of accepted connections, oldest first; entries whose sequence number no
    /// longer matches their node were popped the other way.
    order: VecDeque<(u32, u64)>,
    /// What joins the order with the next publication.
    fresh: Vec<(u32, u64)>,
    /// Events that were not settled yet, oldest first.
    recent: Vec<(u32, u64)>,
    next_sequence: u64,
    /// Events that wait.
    live: usize,
    /// Events below this sequence number are visible.
    published: u64,
}

impl EventQueue {
    /// An empty queue.
    pub const fn new() -> Self {
        Self {
            nodes: Vec::new(),
            free: NIL,
            lent: NIL,
            order: VecDeque::new(),
            fresh: Vec::new(),
            recent: Vec::new(),
            next_sequence: 1,
            live: 0,
            published: 1,
        }
    }

    /// Appends an event. `ordered` is false for connections that were not accepted yet.
    pub fn push(&mut self, waiting: &mut Waiting, event: Event, ordered: bool) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.live += 1;
        waiting.count += 1;
        waiting.bytes = waiting.bytes.saturating_add(event.data.len() as u32);
        let index = self.allocate(Node { sequence, next: NIL, event });
        if waiting.tail == NIL {
            waiting.head = index;
        } else {
            self.nodes[waiting.tail as usize].next = index;
        }
        waiting.tail = index;
        self.recent.push((index, sequence));
        if ordered {
            self.fresh.push((index, sequence));
        }
    }

    fn allocate(&mut self, node: Node) -> u32 {
        if self.free == NIL {
            self.nodes.push(node);
            return self.nodes.len() as u32 - 1;
        }
        let index = self.free;
        self.free = self.nodes[index as usize].next;
        self.nodes[index as usize] = node;
        index
    }

    /// Puts the waiting events of a connection that was just accepted into the common order.
    pub fn admit(&mut self, waiting: &Waiting) {
        let mut index = waiting.head;
        while index != NIL {
            let node = &self.nodes[index as usize];
            let entry = (index, node.sequence);
            if node.sequence < self.published {
                self.order.push_back(entry);
            } else {
                self.fresh.push(entry);
            }
            index = node.next;
        }
    }

    /// The same, visible after the next publication.
    pub fn admit_later(&mut self, waiting: &Waiting) {
        let mut index = waiting.head;
        while index != NIL {
            let node = &self.nodes[index as usize];
            self.fresh.push((index, node.sequence));
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
            self.live -= 1;
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
        self.live -= 1;
        Some(Popped(index))
    }

    /// The oldest visible event of a connection.
    pub fn peek(&self, waiting: &Waiting) -> Option<&Event> {
        self.show(Cursor::new(waiting)).map(|(event, _)| event)
    }

    /// The visible event at a cursor, if there is one, and the cursor behind it.
    #[inline(always)]
    pub fn show(&self, cursor: Cursor) -> Option<(&Event, Cursor)> {
        let node = self.nodes.get(cursor.0 as usize)?;
        (node.sequence < self.published).then_some((&node.event, Cursor(node.next)))
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
        let data = std::mem::take(&mut node.event.data);
        Event { data, ..node.event }
    }

    /// Shows an event, whose data stays here until [`end_loans`](Self::end_loans).
    #[inline(always)]
    pub fn lend(&mut self, Popped(index): Popped) -> &Event {
        let node = &mut self.nodes[index as usize];
        node.next = self.lent;
        self.lent = index;
        &node.event
    }

    /// The payloads that are lent, the last one first.
    pub fn loans(&self) -> impl Iterator<Item = &Bytes> {
        let mut index = self.lent;
        std::iter::from_fn(move || {
            let node = self.nodes.get(index as usize)?;
            index = node.next;
            Some(&node.event.data)
        })
    }

    /// Ends all loans; `take` gets the payloads, the last one first.
    #[inline]
    pub fn end_loans(&mut self, mut take: impl FnMut(Bytes)) {
        while let Some(node) = self.nodes.get_mut(self.lent as usize) {
            take(std::mem::take(&mut node.event.data));
            let next = std::mem::replace(&mut node.next, self.free);
            self.free = std::mem::replace(&mut self.lent, next);
        }
    }

    fn take_head(&mut self, waiting: &mut Waiting) -> Option<Popped> {
        let index = waiting.head;
        self.nodes.get_mut(index as usize)?.leave(waiting);
        self.live -= 1;
        Some(Popped(index))
    }

    /// Drops all events of a connection.
    pub fn clear(&mut self, waiting: &mut Waiting) {
        while let Some(popped) = self.take_head(waiting) {
            drop(self.give(popped));
        }
        *waiting = Waiting::default();
    }

    /// Is there an event that the next publication would make visible?
    pub const fn has_news(&self) -> bool {
        self.next_sequence > self.published
    }

    /// Gives payloads that were left waiting since the last publication a storage of their own,
    /// so that a small one does not hold a large shared read buffer. Each moves once at most, and
    /// none before the program had the chance to pop it.
    pub fn settle(&mut self) {
        let visible = self.recent.partition_point(|&(_, sequence)| sequence < self.published);
        for (index, sequence) in self.recent.drain(..visible) {
            let node = &mut self.nodes[index as usize];
            if node.sequence != sequence {
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
        self.order.extend(self.fresh.drain(..));
        // A program that pops by connection only never comes by the entries of the common order.
        if self.order.len() > ORDER_SLACK + 2 * self.live {
            let nodes = &self.nodes;
            self.order.retain(|&(index, sequence)| nodes[index as usize].sequence == sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::types::{Connection, DisconnectReason, EventKind};

    fn event(connection: u32, data: &'static str) -> Event {
        Event {
            connection: Connection::new(connection, 1),
            kind: EventKind::Data,
            data: Bytes::from_static(data.as_bytes()),
            text: false,
            first: true,
            last: true,
            clean: false,
            reason: DisconnectReason::Default,
            close_code: 0,
            pipeline: 0,
        }
    }

    fn pop(queue: &mut EventQueue, list: &mut Waiting) -> Option<Bytes> {
        let popped = queue.pop(list)?;
        Some(queue.give(popped).data)
    }

    fn pop_any(queue: &mut EventQueue, lists: &mut [Waiting]) -> Option<Bytes> {
        let index = queue.next_in_order()? as usize;
        pop(queue, &mut lists[index])
    }

    #[test]
    fn both_ways_of_popping_mix() {
        let mut queue = EventQueue::new();
        let mut lists = [Waiting::default(), Waiting::default()];
        queue.push(&mut lists[0], event(0, "a"), true);
        queue.push(&mut lists[1], event(1, "b"), true);
        queue.push(&mut lists[0], event(0, "c"), true);
        assert_eq!(pop_any(&mut queue, &mut lists), None, "not published yet");
        queue.publish();
        assert_eq!(pop(&mut queue, &mut lists[1]).unwrap(), "b");
        assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "a");
        assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "c");
        assert_eq!(pop_any(&mut queue, &mut lists), None);
        assert_eq!(lists[0].count() + lists[1].count(), 0);
    }

    #[test]
    fn what_is_lent_stays_until_the_loan_ends() {
        let mut queue = EventQueue::new();
        let mut list = Waiting::default();
        let shared = Bytes::from(vec![7; 4096]);
        for round in 0..3 {
            for _ in 0..2 {
                let mut event = event(0, "");
                event.data = shared.clone();
                queue.push(&mut list, event, true);
            }
            queue.publish();
            for _ in 0..2 {
                let popped = queue.pop(&mut list).unwrap();
                assert_eq!(queue.lend(popped).data, shared);
            }
            assert!(!shared.is_unique(), "round {round}");
            queue.end_loans(drop);
            assert!(shared.is_unique());
        }
        assert_eq!(queue.nodes.len(), 2, "nodes are used again");
    }

    #[test]
    fn events_of_an_unaccepted_connection_wait_for_admission() {
        let mut queue = EventQueue::new();
        let mut lists = [Waiting::default()];
        queue.push(&mut lists[0], event(0, "early"), false);
        queue.publish();
        assert_eq!(pop_any(&mut queue, &mut lists), None);
        queue.admit(&lists[0]);
        assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "early");
    }

    #[test]
    fn what_is_visible_is_not_behind_what_is_not() {
        let mut queue = EventQueue::new();
        let mut lists = [Waiting::default(), Waiting::default()];
        queue.push(&mut lists[1], event(1, "waits for accept"), false);
        queue.publish();
        queue.push(&mut lists[0], event(0, "not yet"), true);
        queue.push(&mut lists[1], event(1, "not yet either"), false);
        queue.admit(&lists[1]);
        assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "waits for accept");
        assert_eq!(pop_any(&mut queue, &mut lists), None);
        queue.publish();
        assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "not yet");
        assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "not yet either");
    }

    #[test]
    fn a_node_reused_after_clear_is_not_confused_with_the_old_event() {
        let mut queue = EventQueue::new();
        let mut lists = [Waiting::default(), Waiting::default()];
        queue.push(&mut lists[0], event(0, "old"), true);
        queue.clear(&mut lists[0]);
        queue.push(&mut lists[1], event(1, "new"), true);
        queue.publish();
        assert_eq!(pop_any(&mut queue, &mut lists).unwrap(), "new");
        assert_eq!(pop_any(&mut queue, &mut lists), None);
    }

    #[test]
    fn popping_by_connection_only_leaves_nothing_behind() {
        let mut queue = EventQueue::new();
        let mut list = Waiting::default();
        for _ in 0..10_000 {
            queue.push(&mut list, event(0, "x"), true);
            queue.publish();
            queue.settle();
            assert!(pop(&mut queue, &mut list).is_some());
        }
        assert!(queue.order.len() <= ORDER_SLACK + 2 && queue.nodes.len() == 1);
    }

    #[test]
    fn settling_moves_a_payload_out_of_a_shared_buffer_once() {
        let mut queue = EventQueue::new();
        let mut list = Waiting::default();
        let shared = Bytes::from(vec![7; 4096]);
        let mut small = event(0, "");
        small.data = shared.slice(..3);
        queue.push(&mut list, small, true);
        queue.publish();
        queue.settle();
        let data = pop(&mut queue, &mut list).unwrap();
        assert!(data.is_unique() && data == [7; 3][..]);
        assert!(shared.is_unique());
    }

    #[test]
    fn what_the_program_could_not_pop_yet_stays_where_it_is() {
        let mut queue = EventQueue::new();
        let mut list = Waiting::default();
        let shared = Bytes::from(vec![7; 4096]);
        let mut small = event(0, "");
        small.data = shared.slice(..3);
        queue.push(&mut list, small, true);
        queue.settle();
        queue.publish();
        let data = pop(&mut queue, &mut list).unwrap();
        assert_eq!(data.as_ptr(), shared.as_ptr());
        drop(data);
        queue.settle();
        assert!(queue.recent.is_empty());
    }
}
