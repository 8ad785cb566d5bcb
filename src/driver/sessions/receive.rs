//! Datagrams of sessions in.

use super::super::connections::{Connections, Link};
use super::super::{Connection, ConnectionState, NetworkDriver};
use crate::proto::session::{Output, PACKET_CHANNEL, Session, Taken, packet};
use crate::proto::time::Micros;

/// Where what a session delivers goes: to a connection.
struct Sink<'a> {
    driver: &'a mut NetworkDriver,
    index: u32,
    /// The connection's limits hold.
    bounded: bool,
}

impl Sink<'_> {
    /// A connection that the program has closed gets nothing more.
    fn is_open(&mut self) -> bool {
        self.driver.connections.at(self.index).state == ConnectionState::Connected
    }

    #[inline(never)]
    fn take_message(&mut self, pipeline: u8, data: &[u8]) {
        if self.is_open() {
            self.driver.receive_packet(self.index, pipeline, data, None);
        }
    }
}

impl Output for Sink<'_> {
    #[inline(always)]
    fn message(&mut self, pipeline: u8, data: &[u8]) {
        if pipeline == 0 && self.driver.deliver_arrival(self.index, 0, data) {
            return;
        }
        self.take_message(pipeline, data);
    }

    fn reliable(&mut self, channel: u8, data: &[u8]) {
        if !self.is_open() {
            return;
        }
        if channel != PACKET_CHANNEL {
            self.driver.receive_carried(self.index, channel, data);
            return;
        }
        match data.split_first() {
            Some((&pipeline, packet)) if self.driver.pipelines.sends_again(pipeline) => {
                self.driver.receive_packet(self.index, pipeline, packet, None);
            }
            _ => self.driver.statistics.malformed_in += 1,
        }
    }

    fn is_full(&mut self) -> bool {
        self.bounded && self.driver.is_full(self.index)
    }
}

/// Is it still the same connection?
fn is_same(connections: &Connections, index: u32, connection: Connection) -> bool {
    connections.resolve(connection).is_ok_and(|found| found == index)
}

impl NetworkDriver {
    /// Takes a datagram that looks like a session's.
    pub(in crate::driver) fn receive_session(&mut self, interface: u32, link: Link, data: &[u8]) {
        let Some(packet) = packet::parse(data) else {
            self.statistics.malformed_in += 1;
            return;
        };
        let tokens = &self.interfaces[interface as usize].tokens;
        let Some(index) = tokens.get(&packet.token).copied() else {
            self.statistics.unknown_token_in += 1;
            return;
        };
        let entry = self.connections.at(index);
        let Some(mut peer) = entry.session.take_if(|peer| peer.session.is_some()) else {
            self.statistics.unknown_token_in += 1;
            return;
        };
        let connection = entry.connection(index);
        // With a first word, and from another place, more begins than a session's deadlines.
        let mut usual = entry.link == link;
        if let Some(utp) = &mut entry.utp {
            usual &= utp.is_validated() && !utp.repeats_accept();
            utp.handle_session_packet(self.now);
        }
        let elsewhere = entry.link != link && entry.link != Link::None;
        if let Some(session) = &mut peer.session {
            let now = self.now;
            let mut sink = Sink { driver: self, index, bounded: true };
            let taken = session.handle_packet(now, &packet, data.len(), &mut sink);
            self.statistics.malformed_in += u64::from(taken == Taken::Malformed);
        }
        if !is_same(&self.connections, index, connection) {
            return;
        }
        peer.negotiation.handle_packet();
        if peer.session.as_ref().is_some_and(Session::owes) {
            let deadline = peer.ack_timeout().unwrap_or(Micros::MAX);
            self.sessions.owed_until = self.sessions.owed_until.min(deadline);
            if !std::mem::replace(&mut peer.owing, true) {
                self.sessions.owing.push(index);
            }
        }
        self.connections.at(index).session = Some(peer);
        if elsewhere {
            self.hear_from_elsewhere(index, link, data.len());
        }
        self.follow_proven(index, link);
        self.after_datagram(index);
        self.follow_machine(index);
        if !usual {
            self.touch(index);
        } else if self.awaits_nothing(index) {
            self.touch_lightly(index);
        } else {
            self.touch_session(index);
        }
    }

    /// Has no deadline of a connection's session or pipelines come nearer, because there is none
    /// but that of an acknowledgement?
    fn awaits_nothing(&self, index: u32) -> bool {
        let entry = self.connections.peek(index);
        let peer = entry.session.as_ref();
        peer.is_some_and(|peer| peer.awaits_nothing()) && entry.machines.next_timeout().is_none()
    }

    /// What a datagram brought besides messages: measurements, and room.
    fn after_datagram(&mut self, index: u32) {
        let entry = self.connections.at(index);
        if let Some(peer) = &mut entry.session
            && let Some(session) = &mut peer.session
        {
            if let Some(sample) = session.take_round_trip() {
                entry.round_trip.record(sample);
                if let Some(utp) = &mut entry.utp {
                    utp.handle_measured(self.now);
                }
            }
            if session.is_stalled() && !std::mem::replace(&mut peer.stalled, true) {
                self.sessions.stalled.push(index);
            }
        }
        while let Some(pipeline) = self.carried_with_room(index) {
            self.announce_window(index, pipeline);
        }
        self.open_gates(index);
        self.mark_wanting_session(index);
    }

    /// A carried pipeline that has refused a message and has room for others now.
    fn carried_with_room(&mut self, index: u32) -> Option<u8> {
        let half = u64::from(self.settings.outbound_bytes_max / 2);
        let entry = self.connections.at(index);
        let session = entry.session.as_ref()?.session.as_ref()?;
        entry.machines.blocked().iter().copied().find(|&pipeline| {
            self.pipelines.has_reliable_tail(pipeline) && session.reliable_cost(pipeline) <= half
        })
    }

    /// The connection ends: what has arrived in order is the program's, though it is more than
    /// should wait.
    pub(in crate::driver) fn deliver_last(&mut self, index: u32) {
        let Some(mut peer) = self.connections.at(index).session.take() else { return };
        if let Some(session) = &mut peer.session {
            session.deliver_held(&mut Sink { driver: self, index, bounded: false });
        }
        self.connections.at(index).session = Some(peer);
    }

    /// Delivers what sessions have kept because their connections were full.
    #[inline(always)]
    pub(in crate::driver) fn deliver_stalled(&mut self) {
        if !self.sessions.stalled.is_empty() {
            self.deliver_all_stalled();
        }
    }

    #[inline(never)]
    fn deliver_all_stalled(&mut self) {
        let mut list = std::mem::take(&mut self.sessions.stalled);
        list.retain(|&index| {
            let entry = self.connections.at(index);
            let connection = entry.connection(index);
            let Some(mut peer) = entry.session.take() else { return false };
            if let Some(session) = &mut peer.session {
                session.deliver_held(&mut Sink { driver: self, index, bounded: true });
                peer.stalled = session.is_stalled();
            }
            let waits = peer.stalled;
            if is_same(&self.connections, index, connection) {
                self.connections.at(index).session = Some(peer);
                self.mark_session(index);
            }
            waits
        });
        // Nothing that was delivered brings another one.
        self.sessions.stalled = list;
    }
}
