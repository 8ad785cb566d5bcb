//! Handshakes over datagrams: requests past the guard, cookies, and when a connection is ready for
//! the program.
//!
//! Whether a request is let in, the guard in `proto` decides; here its verdicts become connections
//! and answers. A stream has proven its address before it comes to this.

use super::connections::Link;
use super::datagram::remote_of;
use super::interfaces::{layers, utp_packet_size_max};
use super::pipelines::TLS_OVERHEAD;
use super::{Connection, ConnectionState, Ending, NetworkDriver};
use crate::error::{Error, Result, Status};
use crate::log::note;
use crate::proto::endpoint::NetworkEndpoint;
use crate::proto::time::from_ms;
use crate::proto::utp::connection::UtpConnection;
use crate::proto::utp::cookie::{self, Cookie, CookiePacket};
use crate::proto::utp::guard::{Limits, Verdict};
use crate::proto::utp::packet::{Packet, Token};
use crate::settings::{Dialect, InterfaceKind, NetworkSettings};

/// The guard's bounds as the settings have them.
pub const fn guard_limits(s: &NetworkSettings) -> Limits {
    Limits {
        unvalidated_max: s.unvalidated_connections_max,
        cookie_threshold: s.cookie_threshold,
        connections_per_address: s.connections_per_address_max,
        requests_per_address: s.requests_per_address_max,
    }
}

fn source_of(link: Link) -> NetworkEndpoint {
    if let Link::Custom { remote, .. } = link {
        return remote;
    }
    remote_of(link).map_or(NetworkEndpoint::INVALID, NetworkEndpoint::from_socket_addr)
}

impl NetworkDriver {
    /// Takes a datagram that has to do with cookies; false when it is something else.
    pub(super) fn receive_cookie(&mut self, interface: u32, link: Link, data: &[u8]) -> bool {
        let Some(packet) = cookie::parse(data) else {
            return false;
        };
        let tokens = &self.interfaces[interface as usize].tokens;
        match packet {
            CookiePacket::Retry { token, cookie } => match tokens.get(&token).copied() {
                Some(index) => self.take_retry(index, link, cookie),
                None => self.statistics.unknown_token_in += 1,
            },
            CookiePacket::Request { token, cookie, payload } => match tokens.get(&token).copied() {
                Some(index) => {
                    let request = Packet::ConnectionRequest { token, payload };
                    self.handle_packet(index, &request, None);
                }
                None if self.admits() => {
                    self.handle_request(interface, link, token, payload, Some(cookie));
                }
                None => self.statistics.unknown_token_in += 1,
            },
        }
        true
    }

    fn take_retry(&mut self, index: u32, link: Link, cookie: Cookie) {
        let entry = self.connections.at(index);
        let asked = entry.link == link;
        let taken = asked && entry.utp.as_mut().is_some_and(|utp| utp.handle_retry(cookie));
        if taken {
            self.schedule(index);
        } else {
            self.statistics.unknown_token_in += 1;
        }
    }

    /// A request with a new token: a new connection, established at once, if the guard lets it in.
    pub(super) fn handle_request(
        &mut self,
        interface: u32,
        link: Link,
        token: Token,
        payload: &[u8],
        cookie: Option<Cookie>,
    ) {
        let source = source_of(link);
        let long_answer = !self.may_answer(link, payload.len());
        match self.guard.handle_request(self.now, &source, token, cookie, long_answer) {
            Verdict::Drop => {}
            Verdict::Retry(cookie) => self.send_retry(link, token, cookie),
            Verdict::Admit { validated } => {
                let Some(index) = self.add_connection(
                    interface,
                    Dialect::Utp,
                    self.interfaces[interface as usize].limits,
                ) else {
                    self.statistics.connections_refused += 1;
                    return;
                };
                self.interfaces[interface as usize].tokens.insert(token, index);
                self.set_link(index, link);
                let pass = self.guard.handle_admitted(&source, validated);
                self.connections.at(index).pass = Some(pass);
                self.found(index, token, payload, validated);
            }
        }
    }

    fn send_retry(&mut self, link: Link, token: Token, cookie: Cookie) {
        let mut packet = std::mem::take(&mut self.scratch);
        packet.clear();
        CookiePacket::Retry { token, cookie }.write(&mut packet);
        self.emit(link, &packet, &[]);
        self.scratch = packet;
    }

    /// Tells the machine of a connection how large packets may be.
    pub(super) fn set_path(&mut self, index: u32) {
        let (now, discover) = (self.now, self.settings.perform_path_mtu_discovery);
        let largest = self.settings.max_message_size as u16;
        let raise_interval = from_ms(self.settings.path_mtu_raise_interval_ms);
        let overhead = self.path_overhead(index);
        let entry = self.connections.at(index);
        if let Some(utp) = &mut entry.utp {
            utp.set_path(now, (largest, overhead), discover, raise_interval);
        }
    }

    /// Bytes that the layers below the UTP dialect add to a packet of a connection, as Unity
    /// Transport counts them.
    pub(super) fn path_overhead(&mut self, index: u32) -> u16 {
        let entry = self.connections.at(index);
        let (link, interface) = (entry.link, entry.interface);
        let kind = self.interfaces[interface as usize].settings.kind;
        let tls = if self.is_secure(link) { TLS_OVERHEAD } else { 0 };
        (layers(kind, Dialect::Utp).framing + tls) as u16
    }

    /// Bytes of the largest UTP packet that a connection may send now: what its path is known to
    /// take, without what the layers below add.
    pub(super) fn packet_size_max(&self, index: u32) -> usize {
        let entry = self.connections.peek(index);
        let kind = self.interfaces[entry.interface as usize].settings.kind;
        let found = entry.utp.as_ref().map(|utp| usize::from(utp.packet_size_max()));
        found.unwrap_or(usize::MAX).min(utp_packet_size_max(&self.settings, kind))
    }

    /// Bytes of the largest packet of a connection with all headers that count towards
    /// `max_message_size`: what path-MTU discovery has found, else the setting. For a plain
    /// WebSocket, which has no packets, as [`payload_size_max`](Self::payload_size_max).
    ///
    /// # Errors
    /// As [`payload_size_max`](Self::payload_size_max).
    pub fn message_size_max(&self, connection: Connection) -> Result<u32> {
        let index = self.sendable(connection, 0)?;
        match &self.connections.peek(index).utp {
            Some(utp) => Ok(utp.path_mtu().into()),
            None => self.payload_size_max(connection, 0),
        }
    }

    /// What a packet may have changed beside events: the round trip, the proof of an address.
    pub(super) fn follow_machine(&mut self, index: u32) {
        let entry = self.connections.at(index);
        let Some(utp) = &mut entry.utp else { return };
        if let Some(sample) = utp.take_round_trip() {
            entry.round_trip.record(sample);
        }
        if utp.is_validated()
            && let Some(pass) = &mut entry.pass
        {
            self.guard.handle_validated(pass);
        }
    }

    /// Is a connection that waits for its path to be known ready now? Then the program gets it.
    pub(super) fn settle(&mut self, index: u32) {
        let entry = self.connections.at(index);
        if !std::mem::take(&mut entry.unsettled) {
            return;
        }
        self.greet(index);
        let entry = self.connections.at(index);
        if entry.state != ConnectionState::Connecting {
            return;
        }
        if entry.utp.as_deref().is_some_and(UtpConnection::is_client) {
            entry.state = ConnectionState::Connected;
            entry.accepted = true;
            self.events.admit_later(&entry.waiting);
            self.settle_news = true;
        } else {
            self.announce(index);
        }
    }

    /// A client was never heard: nobody is told, and a program that has not accepted the
    /// connection never sees it.
    pub(super) fn drop_unheard(&mut self, index: u32) {
        self.statistics.connections_unheard += 1;
        // The client may still be there and ask again: its token is not one that came late.
        self.forget_token(index, false);
        let entry = self.connections.at(index);
        if entry.accepted {
            self.end(index, Ending::new(super::DisconnectReason::Timeout));
            return;
        }
        let connection = entry.connection(index);
        if let Some(place) = self.accept_queue.iter().position(|&waits| waits == connection) {
            self.accept_queue.remove(place);
        }
        self.release(index);
    }

    /// A connection ends: packets of its token find nothing any more. With `late`, a request of it
    /// that comes later makes no new one.
    pub(super) fn forget_token(&mut self, index: u32, late: bool) {
        let now = self.now;
        let entry = self.connections.at(index);
        let Some(token) = entry.utp.as_deref().map(UtpConnection::token) else {
            return;
        };
        let tokens = &mut self.interfaces[entry.interface as usize].tokens;
        if tokens.get(&token) == Some(&index) {
            tokens.remove(&token);
        }
        if let Some(pass) = entry.pass.take() {
            self.guard.handle_closed(now, pass, Some(token).filter(|_| late));
        }
    }

    /// Sets the bytes that every client gets with the answer to its connection request. Over
    /// datagrams it has to prove its address, unless it asks with as many bytes or
    /// [`accept_payload_before_validation`](NetworkSettings) says that it need not.
    ///
    /// # Errors
    /// [`Status::NetworkPacketOverflow`] when they would not fit on every interface.
    pub fn set_accept_payload(&mut self, payload: &[u8]) -> Result<()> {
        let most = self.handshake_payload_max(InterfaceKind::WebSocket);
        if payload.len() > most {
            return Err(Error::new(
                Status::NetworkPacketOverflow,
                format!("the accept payload has {} bytes; at most {} fit", payload.len(), most),
            ));
        }
        self.accept_payload = payload.to_vec();
        Ok(())
    }

    /// May the accept of a connection carry the accept payload?
    pub(super) fn gives_accept_payload(&mut self, index: u32) -> bool {
        let entry = self.connections.at(index);
        let (link, asked) = (entry.link, entry.payload().len());
        let proven = entry.utp.as_deref().is_none_or(UtpConnection::is_validated);
        let gives = proven || self.may_answer(link, asked);
        if !gives && !std::mem::replace(&mut self.has_withheld, true) {
            note!(
                Warning,
                "a client that cannot prove its address does not get the accept payload; set \
                 accept_payload_before_validation to 1 if all clients shall get it"
            );
        }
        gives
    }

    /// May an address that is not proven get the accept payload? With it the answer is longer than
    /// a request with a shorter payload. Inside of a process no address is forged.
    fn may_answer(&self, link: Link, asked: usize) -> bool {
        self.settings.accept_payload_before_validation
            || self.accept_payload.len() <= asked
            || matches!(link, Link::Ipc { .. })
    }
}

#[cfg(test)]
mod tests;
