//! The way in: answers of the resolver, new streams, datagrams, ready streams, timers.
//!
//! Work per round is bounded, so that one busy socket does not keep the others waiting.

use super::NetworkDriver;
use super::connections::{Entry, Link};
use super::counting::HandshakeFailure;
use super::interfaces::Binding;
use super::timers::Owner;
use crate::error::{Status, describe};
use crate::log::note;
use crate::proto::time::{MICROS_PER_MS, Micros, earliest};
use crate::proto::utp::connection::{Outcome, UtpConnection};

/// Batches taken from one UDP socket in one round.
const UDP_BATCHES_MAX: usize = 256;
/// Packets taken from one in-process port in one round.
const IPC_PACKETS_MAX: usize = 16_384;
/// What a stranger gets before it has to make room when others wait.
const STRANGER_PATIENCE: Micros = 1000 * MICROS_PER_MS;
/// Deadlines nearer than this are looked at before the driver sleeps until one, if they may have
/// moved: more than a frame of a program that updates 60 times a second, so that those wake nobody.
const SOON: Micros = 25 * MICROS_PER_MS;
/// Time until the next try after an accept failed.
const ACCEPT_RETRY: Micros = 100 * MICROS_PER_MS;
/// Streams taken from one listener in one round.
const ACCEPTS_MAX: usize = 1024;

impl Entry {
    /// Can a message only put its deadlines off, as most do? Then nothing is to be found out before
    /// the next one is near.
    #[inline(always)]
    pub(super) fn postpones(&self) -> bool {
        let sends = self.utp.as_deref().is_none_or(UtpConnection::wants_transmit);
        !sends && !self.unsettled && self.armed.has_entry()
    }

    /// Has it scheduled behind the flush that goes on, if its session is asked there and nothing
    /// else wants to be sooner.
    fn postpones_schedule(&mut self) -> bool {
        let quiet = !self.unsettled && self.utp.as_deref().is_some_and(|utp| !utp.wants_transmit());
        quiet && self.session.as_mut().is_some_and(|peer| peer.postpone_schedule())
    }
}

impl NetworkDriver {
    /// Takes in everything that is there.
    pub(super) fn receive(&mut self) {
        // From here on whoever calls wants another look.
        self.woken |= self.pump.bell.take_call();
        if self.pump.resolver.has_answers() {
            self.take_answers();
        }
        self.deliver_stalled();
        if self.pump.has_arrivals() {
            self.receive_arrivals();
        }
        if self.pump.has_ready_streams() {
            let ready = self.pump.take_ready();
            for &id in &ready {
                self.drive_stream(id);
            }
            self.pump.return_ready(ready);
        }
        self.schedule_touched();
    }

    /// Takes in datagrams, packets and new streams.
    #[inline(never)]
    fn receive_arrivals(&mut self) {
        for interface in 0..self.interfaces.len() {
            // They may change while one is asked.
            let mut position = 0;
            while let Some(&binding) = self.interfaces[interface].bindings.get(position) {
                self.receive_from(interface as u32, binding);
                position += 1;
            }
            let mut position = 0;
            while let Some(&binding) = self.interfaces[interface].implicit.get(position) {
                self.receive_from(interface as u32, binding);
                position += 1;
            }
        }
    }

    #[inline(always)]
    fn receive_from(&mut self, interface: u32, binding: Binding) {
        match binding {
            Binding::Udp(socket) => {
                if self.pump.udp_wants_receive(socket as usize) {
                    self.receive_udp(interface, socket);
                }
            }
            Binding::Listener(listener) => {
                if self.pump.listeners[listener as usize].readable {
                    self.receive_streams(interface, listener);
                }
            }
            Binding::Custom(port) => self.receive_custom(interface, port),
            Binding::Ipc(port, _) => self.receive_ipc(interface, port),
        }
    }

    #[inline(never)]
    fn receive_udp(&mut self, interface: u32, socket: u32) {
        let Some(mut batch) = self.pump.batch.take() else {
            return;
        };
        self.begin_arrivals();
        for _ in 0..UDP_BATCHES_MAX {
            if !self.pump.udp_wants_receive(socket as usize) {
                break;
            }
            match self.pump.receive_udp(socket as usize, &mut batch) {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => {
                    self.receive_error = Status::NetworkSocketError as i32;
                    break;
                }
            }
            for (remote, datagrams) in batch.received() {
                for datagram in datagrams {
                    if !self.receive_short(interface, (socket, remote), datagram) {
                        let link = Link::Udp { socket, remote: *remote };
                        self.receive_datagram(interface, link, datagram);
                    }
                }
            }
        }
        self.end_arrivals();
        self.pump.batch = Some(batch);
    }

    #[inline(never)]
    fn receive_ipc(&mut self, interface: u32, port: u32) {
        let mut inbox = self.pump.ipc[port as usize].take_inbox();
        for _ in 0..IPC_PACKETS_MAX {
            if !self.pump.ipc[port as usize].refill(&mut inbox) {
                break;
            }
            let Some((remote, packet)) = inbox.next() else {
                break;
            };
            self.receive_datagram(interface, Link::Ipc { port, remote }, packet);
        }
        self.pump.ipc[port as usize].return_inbox(inbox);
    }

    /// How long until a listener with clients at its door may take one; `None` when nobody knocks.
    pub(super) fn until_accept(&mut self) -> Option<Micros> {
        let now = self.now;
        let knocking = self.pump.listeners.iter().filter(|listener| listener.readable);
        let retry = knocking.map(|listener| listener.retry_at.saturating_sub(now)).min()?;
        if self.is_full_of_goodbyes() {
            return None;
        }
        if self.has_room_for_strangers() {
            return Some(retry);
        }
        let (_, opened) = self.streams.oldest_stranger()?;
        Some(retry.max((opened + STRANGER_PATIENCE).saturating_sub(now)))
    }

    fn has_room_for_strangers(&self) -> bool {
        self.streams.strangers() < self.settings.pending_handshakes_max as usize
    }

    /// Goodbyes end by themselves; until then they hold as many streams as connections may.
    fn is_full_of_goodbyes(&self) -> bool {
        self.streams.leaving() >= self.settings.connections_max as usize
    }

    /// Makes room for a new client: the stranger that came first goes, if it had time enough.
    pub(super) fn make_room(&mut self) -> bool {
        if self.is_full_of_goodbyes() {
            return false;
        }
        if self.has_room_for_strangers() {
            return true;
        }
        match self.streams.oldest_stranger() {
            Some((id, opened)) if self.now >= opened + STRANGER_PATIENCE => {
                self.count_failed_handshake(id, HandshakeFailure::Displaced);
                self.drop_stream(id);
                true
            }
            _ => false,
        }
    }

    #[inline(never)]
    fn receive_streams(&mut self, interface: u32, listener: u32) {
        for _ in 0..ACCEPTS_MAX {
            let knocking = &self.pump.listeners[listener as usize];
            if knocking.readable && knocking.retry_at > self.now {
                self.receive_error = Status::NetworkSocketError as i32;
                break;
            }
            if !knocking.readable || !self.make_room() {
                break;
            }
            let listener = &mut self.pump.listeners[listener as usize];
            match listener.accept() {
                Ok(Some((stream, remote))) => {
                    if listener.note_success() {
                        note!(Info, "clients are taken again on {}", listener.local());
                    }
                    self.open_server_stream(interface, stream, remote);
                }
                Ok(None) => break,
                Err(error) => {
                    // Out of descriptors, most likely; clients wait at the system meanwhile.
                    if listener.note_failure(self.now) {
                        note!(Error, "accepting on {}: {}", listener.local(), describe(&error));
                    }
                    listener.retry_at = self.now + ACCEPT_RETRY;
                    self.receive_error = Status::NetworkSocketError as i32;
                    break;
                }
            }
        }
    }

    /// Runs the timers that are due.
    #[inline(always)]
    pub(super) fn run_timers(&mut self) {
        if self.owed_until() <= self.now {
            self.send_overdue_acks();
        }
        if self.timers.peek().is_some_and(|(deadline, _)| deadline <= self.now) {
            self.run_due_timers();
        }
    }

    #[inline(never)]
    fn run_due_timers(&mut self) {
        let now = self.now;
        while self.settle_timers(now).is_some_and(|next| next <= now)
            && let Some((deadline, owner)) = self.timers.poll_due(now)
        {
            match owner {
                Owner::Connection(index) => {
                    let entry = self.connections.at(index);
                    if entry.armed.take(deadline) && entry.is_live() {
                        self.run_connection_timer(index);
                    }
                }
                Owner::Stream(id) => {
                    if self.streams.take_armed(id, deadline) {
                        self.run_stream_timer(id);
                    }
                }
            }
        }
    }

    /// When the next timer is due, as far as the horizon; behind that, when one may be.
    #[inline(always)]
    pub(super) fn settle_timers(&mut self, horizon: Micros) -> Option<Micros> {
        let next = match self.timers.peek() {
            Some((deadline, _)) if deadline <= horizon => self.settle_timers_within(horizon),
            next => next.map(|(deadline, _)| deadline),
        };
        let owed = self.owed_until();
        if owed == Micros::MAX { next } else { Some(next.map_or(owed, |next| next.min(owed))) }
    }

    #[inline(never)]
    fn settle_timers_within(&mut self, horizon: Micros) -> Option<Micros> {
        let soon = self.now.saturating_add(SOON);
        loop {
            let (connections, streams) = (&mut self.connections, &mut self.streams);
            self.timers.settle(horizon, |owner, deadline| match owner {
                Owner::Connection(index) => connections.at(index).armed.revise(deadline),
                Owner::Stream(id) => streams.revise_armed(id, deadline),
            });
            let (deadline, owner) = self.timers.peek()?;
            match owner {
                Owner::Connection(index)
                    if deadline <= soon.min(horizon)
                        && std::mem::take(&mut self.connections.at(index).put_off) =>
                {
                    self.schedule(index);
                }
                _ => return Some(deadline),
            }
        }
    }

    fn run_connection_timer(&mut self, index: u32) {
        self.run_plan_timer(index);
        self.run_utp_timer(index);
        self.run_pipeline_timers(index);
        self.run_session_timer(index);
        self.schedule_with(index, self.pipeline_timeout(index, true));
    }

    fn run_utp_timer(&mut self, index: u32) {
        let now = self.now;
        let entry = self.connections.at(index);
        let paused = entry.paused || entry.end_held;
        let Some(utp) = &mut entry.utp else { return };
        if paused {
            utp.handle_held_back(now);
        }
        match utp.handle_timeout(now, &self.utp_config) {
            Outcome::TimedOut => self.end_utp(index, super::DisconnectReason::Timeout),
            Outcome::NeverHeard => self.drop_unheard(index),
            Outcome::AttemptsExhausted => {
                self.end_utp(index, super::DisconnectReason::MaxConnectionAttempts);
            }
            _ => self.rotate_address(index),
        }
    }

    /// Has a connection scheduled before its timers run or its packets leave.
    pub(super) fn touch(&mut self, index: u32) {
        let entry = self.connections.at(index);
        entry.only_session = false;
        if !std::mem::replace(&mut entry.touched, true) {
            self.touched_list.push(index);
        }
    }

    /// The same after a datagram of its session, which can only have put its other deadlines off.
    pub(super) fn touch_session(&mut self, index: u32) {
        let entry = self.connections.at(index);
        if !std::mem::replace(&mut entry.touched, true) {
            entry.only_session = true;
            self.touched_list.push(index);
        }
    }

    /// The same after a message, which can only have put deadlines off.
    pub(super) fn touch_lightly(&mut self, index: u32) {
        let entry = self.connections.at(index);
        if entry.postpones() {
            entry.put_off = true;
        } else {
            self.touch(index);
        }
    }

    /// Schedules the connections that were touched.
    #[inline(always)]
    pub(super) fn schedule_touched(&mut self) {
        if !self.touched_list.is_empty() {
            self.schedule_all(false);
        }
    }

    /// The same right before sessions send, which schedules those that have something to send.
    #[inline]
    pub(super) fn schedule_touched_for_flush(&mut self) {
        if !self.touched_list.is_empty() {
            self.schedule_all(true);
        }
    }

    #[inline(never)]
    fn schedule_all(&mut self, before_flush: bool) {
        let mut list = std::mem::take(&mut self.touched_list);
        for index in list.drain(..) {
            let entry = self.connections.at(index);
            entry.touched = false;
            if std::mem::take(&mut entry.only_session) {
                self.schedule_session(index);
            } else if !(before_flush && entry.postpones_schedule()) {
                self.schedule(index);
            }
        }
        // In front of those that were touched meanwhile.
        list.append(&mut self.touched_list);
        self.touched_list = list;
    }

    /// The same where nothing but deadlines of the session and of pipelines may be nearer than
    /// before. Most are farther, and then nothing is to be found out before the next one is near.
    pub(super) fn schedule_session(&mut self, index: u32) {
        if !self.connections.at(index).postpones() {
            self.schedule(index);
            return;
        }
        // A session that has something to send is asked behind its flush.
        let deadline = earliest([self.session_timeout(index), self.pipeline_timeout(index, false)]);
        let entry = self.connections.at(index);
        let nearer = deadline.is_some_and(|deadline| deadline < entry.armed.wanted());
        if nearer {
            self.timers.arm(Owner::Connection(index), &mut entry.armed, deadline);
        }
        entry.put_off = !nearer;
        debug_assert!(self.is_armed_in_time(index), "only its session's deadlines are nearer");
    }

    /// Will a connection be looked at before anything of it is due?
    fn is_armed_in_time(&self, index: u32) -> bool {
        let entry = self.connections.peek(index);
        let plan = entry.plan.as_ref().and_then(|plan| plan.next_timeout());
        let machine = entry.utp.as_ref().and_then(|utp| utp.next_timeout(&self.utp_config));
        earliest([plan, machine]).is_none_or(|due| entry.armed.wanted() <= due)
    }

    /// Notes what a connection wants next: to send what its UTP machine has, or to be asked again.
    pub(super) fn schedule(&mut self, index: u32) {
        self.schedule_with(index, self.pipeline_timeout(index, false));
    }

    /// The same when it is known what its pipelines want.
    fn schedule_with(&mut self, index: u32, pipelines: Option<Micros>) {
        let session = self.session_timeout(index);
        let entry = self.connections.at(index);
        if entry.unsettled && entry.utp.as_deref().is_none_or(UtpConnection::is_settled) {
            self.settle(index);
        }
        let entry = self.connections.at(index);
        entry.put_off = false;
        let plan = entry.plan.as_ref().and_then(|plan| plan.next_timeout());
        let mut machine = None;
        if let Some(utp) = &entry.utp {
            // A goodbye waits for what was sent before.
            let wants = utp.wants_transmit() && !entry.closing;
            if wants && !std::mem::replace(&mut entry.listed, true) {
                self.control_list.push(index);
            }
            machine = utp.next_timeout(&self.utp_config);
        }
        let deadline = earliest([plan, pipelines, session, machine]);
        self.timers.arm(Owner::Connection(index), &mut entry.armed, deadline);
    }
}

#[cfg(test)]
mod tests;
