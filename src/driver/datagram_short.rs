//! The short way of UDP datagrams in: a message without a pipeline, of a connection that is as it
//! was with the message before. It decides nothing: whatever is otherwise is for the long way, in
//! `datagram`.

use std::hint::cold_path;
use std::net::SocketAddr;
use std::num::NonZero;

use super::connections::Link;
use super::datagram::udp_header_size;
use super::{ConnectionState, Event, EventKind, NetworkDriver};
use crate::proto::utp::packet::parse_message;

impl NetworkDriver {
    /// Takes a datagram, if all that follows from it is an event. False: nothing was done that the
    /// long way would not do again.
    #[inline(always)]
    pub(super) fn receive_short(
        &mut self,
        interface: u32,
        from: (u32, &SocketAddr),
        data: &[u8],
    ) -> bool {
        let usual =
            self.simulator.is_none() && data.len() <= self.settings.max_message_size as usize;
        let Some((token, message)) = parse_message(data).filter(|_| usual) else {
            cold_path();
            return false;
        };
        let Some(&index) = self.interfaces[interface as usize].tokens.get(token) else {
            cold_path();
            return false;
        };
        let entry = self.connections.at(index);
        let Link::Udp { socket, remote } = &entry.link else {
            cold_path();
            return false;
        };
        let known = (*socket, remote) == from
            && entry.state == ConnectionState::Connected
            && entry.postpones()
            && !entry.is_full();
        let Some(utp) = entry.utp.as_deref_mut().filter(|_| known) else {
            cold_path();
            return false;
        };
        if !utp.handle_message(self.now) {
            cold_path();
            return false;
        }
        let event = Event::new(entry.connection(index), EventKind::Data);
        let event = Event { first: true, last: true, ..event };
        let buffer = &mut self.pump.buffer;
        if !self.arrivals.raise(&mut self.events, buffer, entry, event, message) {
            cold_path();
            return false;
        }
        entry.put_off = true;
        entry.last_message = NonZero::new(self.now.max(1));
        entry.traffic.messages_in += 1;
        entry.traffic.bytes_in += message.len() as u64;
        self.statistics.messages_in += 1;
        self.statistics.bytes_in += message.len() as u64;
        self.statistics.datagrams_in += 1;
        self.rx.record_alike(data.len(), udp_header_size(from.1));
        true
    }
}
