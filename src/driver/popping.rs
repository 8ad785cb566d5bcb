//! Events out to the program: given away or lent, and what follows from a pop.

use super::connections::Link;
use super::events::Popped;
use super::{Connection, Event, EventKind, EventView, NetworkDriver};

impl NetworkDriver {
    /// Pops the oldest event of all accepted connections.
    pub fn pop_event(&mut self) -> Option<Event> {
        let popped = self.pop_in_order()?;
        Some(self.events.give(popped))
    }

    /// Pops the oldest event of one connection; `None` for a stale one.
    pub fn pop_event_for_connection(&mut self, connection: Connection) -> Option<Event> {
        let popped = self.pop_settled(connection)?;
        Some(self.events.give(popped))
    }

    /// A connection that is not the program's yet shows nothing.
    #[inline]
    fn pop_settled(&mut self, connection: Connection) -> Option<Popped> {
        let index = self.connections.resolve(connection).ok()?;
        if self.connections.at(index).unsettled {
            return None;
        }
        self.pop_from(index)
    }

    /// Would [`pop_event`](Self::pop_event) give a CloseRequest event now? Popping it starts the
    /// program's time to answer.
    #[inline]
    pub fn next_is_close_request(&mut self) -> bool {
        self.settings.close_request_events && self.shows_close_request()
    }

    #[inline(never)]
    fn shows_close_request(&mut self) -> bool {
        let Some(index) = self.events.next_in_order() else {
            return false;
        };
        let next = self.events.peek(&self.connections.at(index).waiting);
        next.is_some_and(|event| event.kind == EventKind::CloseRequest)
    }

    /// As [`pop_event`](Self::pop_event); the data stays with the driver until the next update.
    #[inline(always)]
    pub fn pop_event_view(&mut self) -> Option<EventView<'_>> {
        let popped = self.pop_in_order()?;
        Some(self.lend(popped))
    }

    /// As [`pop_event_for_connection`](Self::pop_event_for_connection); the data stays with the
    /// driver until the next update.
    #[inline]
    pub fn pop_event_view_for_connection(
        &mut self,
        connection: Connection,
    ) -> Option<EventView<'_>> {
        let popped = self.pop_settled(connection)?;
        Some(self.lend(popped))
    }

    /// Lists the connections that the program has: accepted or made, and their end not popped.
    pub(super) fn list_accepted(&self, list: &mut Vec<Connection>) {
        list.extend(self.connections.known());
    }

    /// Takes an event that another user of the driver was shown already: its data stays where it is
    /// until the next update.
    pub(super) fn pop_shown(&mut self, index: u32) {
        if let Some(popped) = self.pop_from(index) {
            self.lend(popped);
        }
    }

    /// Shows an event that has just been popped; its data stays here.
    #[inline(always)]
    fn lend(&mut self, popped: Popped) -> EventView<'_> {
        let event = self.events.lend(popped);
        event.view(&event.data)
    }

    /// Takes the oldest visible event of a connection, and does what follows from that.
    #[inline(always)]
    pub(super) fn pop_from(&mut self, index: u32) -> Option<Popped> {
        let entry = self.connections.at(index);
        let popped = self.events.pop(&mut entry.waiting)?;
        if entry.paused || entry.end_held {
            self.resume(index);
        }
        self.follow_pop(&popped);
        Some(popped)
    }

    /// The same with the oldest one of all accepted connections.
    #[inline(always)]
    fn pop_in_order(&mut self) -> Option<Popped> {
        let (connections, mut halted) = (&mut self.connections, None);
        let popped = self.events.pop_next(|index| {
            let entry = connections.at(index);
            halted = (entry.paused || entry.end_held).then_some(index);
            &mut entry.waiting
        })?;
        if let Some(index) = halted {
            self.resume(index);
        }
        self.follow_pop(&popped);
        Some(popped)
    }

    #[inline(always)]
    fn follow_pop(&mut self, popped: &Popped) {
        let Event { kind, connection, .. } = *self.events.get(popped);
        if matches!(kind, EventKind::CloseRequest | EventKind::Disconnect) {
            self.note_end(connection.index(), kind, connection);
        }
    }

    /// What was popped may have made room for a stream that was not read.
    #[cold]
    fn resume(&mut self, index: u32) {
        let entry = self.connections.at(index);
        let room = entry.waiting.count() <= entry.limits.receive_queue_capacity / 2
            && entry.waiting.bytes() <= entry.limits.inbound_bytes_max / 2;
        let resumes = entry.paused && room;
        let ends = entry.end_held && !entry.close_requested && entry.waiting.count() == 0;
        // Reading may go on while the end is still held, so each has its own mark.
        entry.paused &= !resumes;
        entry.end_held &= !ends;
        if (resumes || ends)
            && let Link::Stream(id) = entry.link
        {
            self.pump.mark_ready(id);
        }
    }

    /// The program has seen the end of a connection, or is asked about it.
    #[cold]
    fn note_end(&mut self, index: u32, kind: EventKind, connection: Connection) {
        if kind == EventKind::CloseRequest {
            self.asked.push(connection);
        }
        if kind == EventKind::Disconnect {
            // Until the update the program may still ask what the connection was.
            self.connections.retire(index);
            self.ended.push(connection);
        }
    }
}
