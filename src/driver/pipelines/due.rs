//! What machines want by themselves: to acknowledge, to send again, to let go what they hold.
//!
//! Only connections that owe something are asked; idle ones cost nothing.

use super::super::NetworkDriver;
use super::super::connections::Link;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// When machines of a stream that takes nothing now are asked again.
const BLOCKED_RETRY: Micros = 20 * MICROS_PER_MS;
/// When a machine is asked that still wants to have been asked before now.
const OVERDUE_RETRY: Micros = MICROS_PER_MS;

impl NetworkDriver {
    /// A connection owes its peer an acknowledgement: at once, or when the program has had its
    /// chance to answer, because an answer carries it.
    pub(super) fn note_owed(&mut self, index: u32, urgent: bool) {
        if self.connections.at(index).machines.set_owing(urgent) {
            let lists = &mut self.pipelines;
            if urgent { &mut lists.urgent } else { &mut lists.owing }.push(index);
        }
    }

    /// Does any connection owe an acknowledgement?
    pub(in crate::driver) const fn owes_acks(&self) -> bool {
        !self.pipelines.owing.is_empty() || self.sessions_owe()
    }

    /// Would a flush send some of them? Those of a peer that does not read wait until it does.
    pub(in crate::driver) fn can_send_owed_acks(&self) -> bool {
        let reads = |&index: &u32| {
            self.connections.get(index).is_some_and(|entry| !self.is_blocked(entry.link))
        };
        self.sessions_owe() || self.pipelines.owing.iter().any(reads)
    }

    /// The program sees what has arrived, and has its chance to answer until the next call.
    pub(in crate::driver) const fn show_owed_acks(&mut self) {
        self.pipelines.due = self.pipelines.owing.len();
        self.show_owing_sessions();
    }

    /// Sends the acknowledgements that are still owed for what the program has seen.
    #[inline(always)]
    pub(in crate::driver) fn send_due_acks(&mut self) {
        self.release_owing_sessions();
        if self.pipelines.due > 0 {
            self.send_all_due_acks();
        }
    }

    #[inline(never)]
    fn send_all_due_acks(&mut self) {
        let due = std::mem::take(&mut self.pipelines.due);
        let mut list = std::mem::take(&mut self.pipelines.owing);
        for index in list.drain(..due) {
            self.connections.at(index).machines.clear_owing(false);
            self.send_acks(index, false);
        }
        // What could not be sent is owed again.
        list.append(&mut self.pipelines.owing);
        self.pipelines.owing = list;
    }

    /// Sends those that cannot wait.
    #[inline(always)]
    pub(in crate::driver) fn send_urgent_acks(&mut self) {
        if !self.pipelines.urgent.is_empty() {
            self.send_all_urgent_acks();
        }
    }

    #[inline(never)]
    fn send_all_urgent_acks(&mut self) {
        let mut list = std::mem::take(&mut self.pipelines.urgent);
        for index in list.drain(..) {
            self.connections.at(index).machines.clear_owing(true);
            self.send_acks(index, true);
        }
        list.append(&mut self.pipelines.urgent);
        self.pipelines.urgent = list;
    }

    fn send_acks(&mut self, index: u32, urgent_only: bool) {
        let now = self.now;
        let link = self.connections.at(index).link;
        if self.is_blocked(link) {
            // A peer that does not read cannot make acknowledgements pile up.
            self.note_owed(index, false);
            return;
        }
        for pipeline in 1..=self.connections.at(index).machines.last() {
            let machine = self.connections.at(index).machines.get(pipeline);
            if machine.is_some_and(|m| m.wants_ack() && (!urgent_only || m.ack_is_urgent())) {
                self.run_machine(index, pipeline, None, |machine, out| {
                    machine.handle_ack_due(now, out);
                });
                // A stage behind may hold it back for a while.
                self.touch(index);
            }
        }
    }

    /// When the machines of a connection want to be asked. `asked`: they were, just now.
    pub(in crate::driver) fn pipeline_timeout(&self, index: u32, asked: bool) -> Option<Micros> {
        let entry = self.connections.get(index)?;
        let next = entry.machines.next_timeout()?;
        if self.is_blocked(entry.link) {
            return Some(next.max(self.now + BLOCKED_RETRY));
        }
        // A stage of the program may ask for a time that is over, again and again. Otherwise what
        // is due stays due, however often the program sends meanwhile.
        Some(if asked && next <= self.now { self.now + OVERDUE_RETRY } else { next })
    }

    /// What waits in a stream arrives: to send it again would only make it wait longer.
    fn is_blocked(&self, link: Link) -> bool {
        matches!(link, Link::Stream(id) if self.pump.is_blocked(id))
    }

    /// Lets the machines of a connection do what is due.
    pub(in crate::driver) fn run_pipeline_timers(&mut self, index: u32) {
        let now = self.now;
        let link = self.connections.at(index).link;
        if self.is_blocked(link) {
            return;
        }
        let pace = self.session_resend_pace(index);
        for pipeline in 1..=self.connections.at(index).machines.last() {
            if let Some(pace) = pace
                && let Some(machine) = self.connections.at(index).machines.get_mut(pipeline)
            {
                machine.set_resend_pace(pace);
            }
            let machine = self.connections.at(index).machines.get(pipeline);
            let due = machine.and_then(|machine| machine.next_timeout());
            if due.is_some_and(|due| due <= now) {
                self.run_machine(index, pipeline, None, |machine, out| {
                    machine.handle_timeout(now, out);
                });
            }
        }
    }
}
