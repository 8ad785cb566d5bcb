//! Datagrams of sessions out, and the goodbye that waits for them.

use super::super::connections::{Entry, Link};
use super::super::datagram::{header_size, udp_header_size};
use super::super::interfaces::utp_packet_size_max;
use super::super::{DisconnectReason, NetworkDriver};
use super::Peer;
use crate::log::note;
use crate::proto::session::Session;
use crate::proto::time::{Micros, earliest, from_ms};
use crate::proto::utp::connection::Widened;
use crate::settings::InterfaceKind;

/// Bytes that wait in a socket before sessions give it no more.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// What left of what a session had to send.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The socket has enough for now.
    Some,
    /// All of it.
    All,
    /// All of it, and the session keeps account of none: no deadline comes nearer.
    Alone,
}

impl NetworkDriver {
    /// Sends what sessions have to send.
    pub(in crate::driver) fn transmit_sessions(&mut self) {
        if self.sessions.dirty.is_empty() {
            return;
        }
        let mut list = std::mem::take(&mut self.sessions.dirty);
        for &index in &list {
            if !self.transmit_alone(index) && !self.transmit_light(index) {
                self.transmit_listed(index);
            }
        }
        list.clear();
        // Those that came meanwhile.
        list.append(&mut self.sessions.dirty);
        self.sessions.dirty = list;
    }

    /// Sends what the session of a connection has to send, and sees to what follows from that.
    #[inline(never)]
    fn transmit_listed(&mut self, index: u32) {
        let Some(mut peer) = self.connections.at(index).session.take() else { return };
        peer.listed = false;
        let outcome = self.transmit_session(index, &mut peer);
        let unscheduled = std::mem::take(&mut peer.unscheduled);
        let failed = peer.session.as_ref().is_some_and(|session| session.failure().is_some());
        self.connections.at(index).session = Some(peer);
        if failed {
            if unscheduled {
                self.schedule(index);
            }
            self.end_utp(index, DisconnectReason::Timeout);
            return;
        }
        match outcome {
            Outcome::Some => self.mark_session(index),
            Outcome::Alone if !unscheduled => return,
            Outcome::Alone | Outcome::All => {}
        }
        self.schedule_session(index);
    }

    /// Sends the only reliable message of a session that has nothing else to say but what it
    /// acknowledges, as most have that carry such messages. False: nothing was done.
    #[inline(always)]
    fn transmit_light(&mut self, index: u32) -> bool {
        let now = self.now;
        let entry = self.connections.at(index);
        let (Link::Udp { socket, remote }, Some(peer), Some(utp)) =
            (&entry.link, &mut entry.session, &mut entry.utp)
        else {
            return false;
        };
        let waits = peer.lingers_until.is_some() || peer.negotiation.wants_transmit(now);
        if waits || self.simulator.is_some() {
            return false;
        }
        let most = utp_packet_size_max(&self.settings, InterfaceKind::Udp);
        let size = usize::from(utp.packet_size_max()).min(most);
        let Some(session) = peer.sending() else { return false };
        let socket = &mut self.pump.udp[*socket as usize];
        let before = socket.queued_bytes();
        if before >= BATCH_BYTES_MAX
            || !socket.queue_with(*remote, |out| session.poll_only(now, size as u16, out))
        {
            return false;
        }
        utp.handle_sent(now);
        self.statistics.datagrams_out += 1;
        self.tx.record_alike(socket.queued_bytes() - before, udp_header_size(remote));
        peer.listed = false;
        peer.unscheduled = false;
        let deadline = earliest([peer.next_timeout(), entry.machines.next_timeout()]);
        let nearer = deadline.is_some_and(|deadline| deadline < entry.armed.wanted());
        if nearer || entry.unsettled || utp.wants_transmit() || !entry.armed.has_entry() {
            self.schedule_session(index);
        } else {
            // It is asked again before the next deadline is near.
            entry.put_off = true;
        }
        true
    }

    fn transmit_session(&mut self, index: u32, peer: &mut Peer) -> Outcome {
        let now = self.now;
        if peer.negotiation.poll_hello(now) {
            self.send_hello(index, peer);
        }
        if let Some(size) = peer.sending().and_then(Session::take_narrowed) {
            self.narrow_path(index, size);
            self.schedule(index);
        }
        let size = self.packet_size_max(index);
        let Some(session) = peer.sending() else { return Outcome::All };
        session.set_datagram_size(u16::try_from(size).unwrap_or(u16::MAX));
        let link = self.connections.at(index).link;
        let (mut sent, before) = (0, session.packets_sent());
        let whole = loop {
            if self.is_congested(link) {
                break false;
            }
            if !self.emit_session_datagram(link, now, session) {
                break true;
            }
            sent += 1;
            if session.is_sent() {
                // With a datagram leaves all that keeps the session going.
                break true;
            }
        };
        if sent > 0
            && let Some(utp) = &mut self.connections.at(index).utp
        {
            utp.handle_sent(now);
        }
        let alone = session.packets_sent() == before;
        match whole {
            false => Outcome::Some,
            // What was sent puts deadlines of the connection off, and a session without one stays
            // without.
            true if alone && peer.next_timeout().is_none() => Outcome::Alone,
            true => Outcome::All,
        }
    }

    /// Sends the only message of a session that has nothing else to say, as most have that carry
    /// what may be lost: no deadline comes nearer. False: nothing was done.
    #[inline(always)]
    fn transmit_alone(&mut self, index: u32) -> bool {
        let Entry { link, session, utp, .. } = self.connections.at(index);
        let (Link::Udp { socket, remote }, Some(peer), Some(utp)) = (link, session, utp) else {
            return false;
        };
        if peer.unscheduled
            || peer.lingers_until.is_some()
            || !peer.negotiation.is_over()
            || self.simulator.is_some()
        {
            return false;
        }
        let Some(session) = &mut peer.session else { return false };
        let socket = &mut self.pump.udp[*socket as usize];
        let before = socket.queued_bytes();
        if before >= BATCH_BYTES_MAX
            || session.failure().is_some()
            || !session.poll_alone(self.now, |head, parts| socket.queue_parts(remote, head, parts))
        {
            return false;
        }
        peer.listed = false;
        utp.handle_sent(self.now);
        self.statistics.datagrams_out += 1;
        self.tx.record_alike(socket.queued_bytes() - before, udp_header_size(remote));
        true
    }

    /// The path of a connection takes packets of no more than this: messages and fragments follow.
    fn narrow_path(&mut self, index: u32, size: u16) {
        let now = self.now;
        let entry = self.connections.at(index);
        let connection = entry.connection(index);
        if let Some(utp) = &mut entry.utp {
            utp.narrow_path(now, size);
            note!(Info, "the path of {connection:?} takes {size} bytes at most now");
        }
    }

    /// A probe may have shown that the path of a connection takes more than before: messages and
    /// fragments follow.
    pub(in crate::driver) fn widen_path(&mut self, index: u32) {
        let entry = self.connections.at(index);
        let Some(widened) = entry.utp.as_mut().and_then(|utp| utp.take_widened()) else { return };
        let connection = entry.connection(index);
        let size = self.packet_size_max(index);
        if let Some(peer) = &mut self.connections.at(index).session
            && let Some(session) = &mut peer.session
        {
            session.set_datagram_size(u16::try_from(size).unwrap_or(u16::MAX));
        }
        // Finding that out is what a discovery is for: no news.
        if widened == Widened::Raised {
            note!(Info, "the path of {connection:?} takes {size} bytes now");
        }
    }

    /// Has the socket of a link as much as it should hold?
    fn is_congested(&self, link: Link) -> bool {
        match link {
            Link::Udp { socket, .. } => {
                self.pump.udp[socket as usize].queued_bytes() >= BATCH_BYTES_MAX
            }
            Link::Custom { port, .. } => self.pump.custom[port as usize].is_blocked(),
            _ => false,
        }
    }

    fn emit_session_datagram(&mut self, link: Link, now: Micros, session: &mut Session) -> bool {
        if let (Link::Udp { socket, remote }, None) = (link, &self.simulator) {
            let socket = &mut self.pump.udp[socket as usize];
            let before = socket.queued_bytes();
            let queued = socket.queue_with(remote, |out| session.poll_transmit(now, out));
            if queued {
                self.statistics.datagrams_out += 1;
                self.tx.record(socket.queued_bytes() - before, header_size(&link));
            }
            return queued;
        }
        let mut datagram = std::mem::take(&mut self.scratch);
        datagram.clear();
        let any = session.poll_transmit(now, &mut datagram);
        if any {
            self.emit(link, &datagram, &[]);
        }
        self.scratch = datagram;
        any
    }

    fn send_hello(&mut self, index: u32, peer: &Peer) {
        let hello = self.our_hello(peer.negotiation.answers());
        let now = self.now;
        let entry = self.connections.at(index);
        let link = entry.link;
        let Some(utp) = &mut entry.utp else { return };
        utp.handle_sent(now);
        let token = utp.token();
        let mut packet = std::mem::take(&mut self.scratch);
        packet.clear();
        hello.write(token, &mut packet);
        self.emit(link, &packet, &[]);
        self.scratch = packet;
    }

    /// Must the goodbye of a connection wait until what was sent before has left? For
    /// `close_timeout_ms` at most.
    pub(in crate::driver) fn lingers(&mut self, index: u32) -> bool {
        let now = self.now;
        let patience = from_ms(self.settings.close_timeout_ms);
        let Some(peer) = &mut self.connections.at(index).session else { return false };
        let Some(session) = peer.sending() else { return false };
        if session.is_sent() {
            return false;
        }
        let until = *peer.lingers_until.get_or_insert(now + patience);
        if until <= now {
            return false;
        }
        self.schedule(index);
        true
    }
}
