//! The way out: control packets after user data, closed connections, then one batch per UDP
//! socket or custom interface and one write per stream.

use std::io;

use super::connections::{Connections, Link};
use super::datagram::header_size;
use super::stream_short::stream_header_size;
use super::streams::{Phase, StreamState};
use super::{ConnectionState, Event, EventKind, NetworkDriver};
use crate::error::{Error, Result};
use crate::proto::framing::write_packet;
use crate::proto::utp::connection::{Control, UtpConnection};
use crate::proto::utp::cookie::CookiePacket;
use crate::proto::utp::packet::Packet;
use crate::proto::websocket::Kind;
use crate::pump::{CustomPort, StreamId, UdpSocket};

impl NetworkDriver {
    /// Sends everything that waits. Mostly that is what was written into streams, or nothing.
    #[inline]
    pub(super) fn transmit(&mut self) -> Result<()> {
        self.clock_followed = false;
        let outcome = if self.has_only_streams() { Ok(()) } else { self.transmit_packets() };
        self.flush_streams();
        // What had to wait for room.
        self.flush_streams();
        outcome
    }

    /// Can nothing wait but what was written into streams? There is a condition for each step of
    /// [`transmit_packets`](Self::transmit_packets).
    #[inline(always)]
    fn has_only_streams(&self) -> bool {
        self.touched_list.is_empty()
            && self.control_list.is_empty()
            && self.sessions.dirty.is_empty()
            && self.closing.is_empty()
            && self.simulator.is_none()
            && self.queued_list.is_empty()
            && !self.pump.udp.iter().any(UdpSocket::has_queued)
            && !self.pump.custom.iter().any(CustomPort::has_queued)
    }

    #[inline(never)]
    fn transmit_packets(&mut self) -> Result<()> {
        self.schedule_touched_for_flush();
        self.transmit_controls();
        self.transmit_sessions();
        self.close_connections();
        self.release_simulated();
        self.flush_datagrams()
    }

    fn transmit_controls(&mut self) {
        if self.control_list.is_empty() {
            return;
        }
        let mut list = std::mem::take(&mut self.control_list);
        for &index in &list {
            let entry = self.connections.at(index);
            entry.listed = false;
            if !entry.closing {
                self.transmit_control(index);
            }
            self.schedule(index);
        }
        list.clear();
        list.append(&mut self.control_list);
        self.control_list = list;
    }

    /// Sends the control packets that a connection's machine wants to send.
    pub(super) fn transmit_control(&mut self, index: u32) {
        let now = self.now;
        loop {
            let entry = self.connections.at(index);
            let Some(control) = entry.utp.as_mut().and_then(|utp| utp.poll_transmit(now)) else {
                return;
            };
            self.send_control(index, control);
        }
    }

    /// Sends one control packet.
    pub(super) fn send_control(&mut self, index: u32, control: Control) {
        let gives = control == Control::Accept && self.gives_accept_payload(index);
        let entry = self.connections.at(index);
        let Some(token) = entry.utp.as_deref().map(UtpConnection::token) else {
            return;
        };
        let (link, most) = (entry.link, entry.limits.outbound_bytes_max as usize);
        if let Link::Stream(id) = link
            && control != Control::Disconnect
            && self.pump.queued(id) > most
        {
            // Lost like any datagram; the timers repeat it. A peer that does not read cannot make
            // answers pile up.
            return;
        }
        let mut packet = std::mem::take(&mut self.scratch);
        packet.clear();
        match control {
            Control::Request => {
                Packet::ConnectionRequest { token, payload: entry.payload() }.write(&mut packet);
            }
            Control::Accept => {
                let payload = if gives { &self.accept_payload[..] } else { &[] };
                Packet::ConnectionAccept { token, payload }.write(&mut packet);
            }
            Control::CookieRequest(cookie) => {
                CookiePacket::Request { token, cookie, payload: entry.payload() }
                    .write(&mut packet);
            }
            Control::MtuCheck(probed) => Packet::MtuCheck { token, probed }.write(&mut packet),
            Control::MtuAck(size) => Packet::MtuAck { token, size }.write(&mut packet),
            Control::Heartbeat => Packet::Heartbeat { token }.write(&mut packet),
            Control::Disconnect => Packet::Disconnect { token }.write(&mut packet),
        }
        if link == Link::None && control == Control::Request {
            self.retry_stream(index);
        }
        self.emit(link, &packet, &[]);
        self.scratch = packet;
    }

    /// Puts a UTP packet, in two parts, onto a link. False when there is no room.
    pub(super) fn emit(&mut self, link: Link, head: &[u8], body: &[u8]) -> bool {
        match (link, &mut self.simulator) {
            (Link::None, _) => true,
            (Link::Stream(id), _) => self.emit_message(id, head, body),
            (_, None) => self.emit_datagram(link, head, body),
            (_, Some(simulator)) => {
                let packet = [head, body].concat();
                let size = packet.len();
                simulator.send.handle_packet(self.now, (link, packet), size);
                true
            }
        }
    }

    fn emit_datagram(&mut self, link: Link, head: &[u8], body: &[u8]) -> bool {
        let queued = match link {
            Link::Udp { socket, remote } => {
                self.pump.udp[socket as usize].queue(remote, head, body)
            }
            Link::Ipc { port, remote } => {
                self.pump.ipc[port as usize].send(remote, head, body);
                true
            }
            Link::Custom { port, remote } => {
                self.pump.custom[port as usize].queue(remote, head, body)
            }
            Link::None | Link::Stream(_) => true,
        };
        if queued {
            self.statistics.datagrams_out += 1;
            self.tx.record(head.len() + body.len(), header_size(&link));
        }
        queued
    }

    /// A UTP packet over a stream: one binary message, or one packet with its length.
    fn emit_message(&mut self, id: StreamId, head: &[u8], body: &[u8]) -> bool {
        let Some(state) = self.streams.get(id) else { return true };
        if state.is_framed {
            if state.phase == Phase::Open
                && let Some(out) = self.pump.out(id)
            {
                write_packet(out, head, body);
            }
            return true;
        }
        let Some(ws) = self.streams.open_websocket(id) else { return true };
        let Some(out) = self.pump.out(id) else { return true };
        let entropy = &mut self.entropy;
        ws.write_message_in_two(out, Kind::Binary, [head, body], &mut || entropy.take());
        if ws.is_broken() {
            self.pump.mark_ready(id);
        }
        true
    }

    fn release_simulated(&mut self) {
        while let Some((link, packet)) =
            self.simulator.as_mut().and_then(|simulator| simulator.send.poll_packet(self.now))
        {
            self.emit_datagram(link, &packet, &[]);
        }
    }

    fn flush_datagrams(&mut self) -> Result<()> {
        let mut outcome = Ok(());
        for index in 0..self.pump.udp.len() {
            let socket = &self.pump.udp[index];
            if socket.has_queued()
                && socket.writable
                && let Err(error) = self.pump.flush_udp(index)
            {
                let text = format!("cannot send on {}", self.pump.udp[index].local());
                outcome = Err(Error::socket(&text, &error));
            }
        }
        let outcome = outcome.and(self.flush_custom());
        self.count_sent_datagrams();
        outcome
    }

    /// What left makes room in its connections.
    fn count_sent_datagrams(&mut self) {
        if self.queued_list.is_empty() {
            return;
        }
        let mut list = std::mem::take(&mut self.queued_list);
        let capacity = self.settings.send_queue_capacity as usize;
        let mut kept = 0;
        for place in 0..list.len() {
            if self.has_datagrams_left(list[place], capacity) {
                list[kept] = list[place];
                kept += 1;
            }
        }
        list.truncate(kept);
        self.queued_list = list;
    }

    /// Do datagrams of a connection wait for the next flush? Otherwise there is room for others.
    #[inline(always)]
    fn has_datagrams_left(&mut self, index: u32, capacity: usize) -> bool {
        let entry = self.connections.at(index);
        entry.accept_repeated = false;
        let waits = match entry.link {
            Link::Udp { socket, .. } => self.pump.udp[socket as usize].has_queued(),
            Link::Custom { port, .. } => self.pump.custom[port as usize].has_queued(),
            Link::None | Link::Ipc { .. } | Link::Stream(_) => false,
        };
        if waits || entry.messages_in_session().is_some_and(|waiting| waiting >= capacity) {
            return true;
        }
        entry.queue_listed = false;
        entry.queued_datagrams = 0;
        if entry.wants_writable {
            self.announce_room(index);
        }
        false
    }

    /// A Writable event, if the program waits for one.
    fn announce_room(&mut self, index: u32) {
        let entry = self.connections.at(index);
        if std::mem::take(&mut entry.wants_writable)
            && self.settings.writable_events
            && entry.state == ConnectionState::Connected
        {
            let event = Event { ..self.event(index, EventKind::Writable) };
            self.raise(index, event);
        }
    }

    /// The same for a stream, once there is enough room again.
    pub(super) fn announce_room_of(&mut self, id: StreamId) {
        if self.is_half_empty(id)
            && let Some(index) = self.streams.connection(id)
        {
            self.announce_room(index);
        }
    }

    #[inline(always)]
    fn flush_streams(&mut self) {
        if self.pump.has_dirty() {
            self.flush_dirty_streams();
        }
    }

    #[inline(never)]
    fn flush_dirty_streams(&mut self) {
        let mut outcomes = std::mem::take(&mut self.streams.flushed);
        let (streams, connections) = (&self.streams, &self.connections);
        let (statistics, meter) = (&mut self.statistics, &mut self.tx);
        self.pump.flush_streams(|id, outcome: io::Result<usize>, rest| {
            if let (&Ok(sent), Some(state)) = (&outcome, streams.peek(id)) {
                statistics.stream_bytes_out += sent as u64;
                meter.record_stream(sent, stream_header_size(state.peer().is_ipv4()));
                if rest == 0 && nothing_follows(state, connections) {
                    return;
                }
            }
            outcomes.push((id, outcome));
        });
        if !outcomes.is_empty() {
            self.follow_flush(&mut outcomes);
        }
        self.streams.flushed = outcomes;
    }

    fn follow_flush(&mut self, outcomes: &mut Vec<(StreamId, io::Result<usize>)>) {
        for (id, outcome) in outcomes.drain(..) {
            match outcome {
                Ok(sent) => self.stream_flushed(id, sent),
                Err(error) => self.stream_failed(id, &error),
            }
        }
    }

    /// Some or all of what waited in a stream has left, and something may follow from that.
    fn stream_flushed(&mut self, id: StreamId, sent: usize) {
        if sent > 0 {
            self.follow_ping(id);
        }
        self.announce_room_of(id);
        if self.pump.queued(id) <= self.stream_limits(id).outbound_bytes_max as usize
            && self.streams.get(id).is_some_and(|state| state.wants_control())
        {
            // A control frame found no room before.
            self.write_control(id);
        }
        if self.pump.queued(id) == 0 {
            self.stream_drained(id);
        } else if sent > 0 {
            self.stream_progressed(id);
        }
    }
}

/// All that waited in a stream has left, and nobody waited for that.
fn nothing_follows(state: &StreamState, connections: &Connections) -> bool {
    let entry = state.connection().and_then(|index| connections.get(index));
    state.phase == Phase::Open
        && state.ping_end.is_none()
        && !state.wants_control()
        && entry.is_some_and(|entry| !entry.wants_writable)
}
