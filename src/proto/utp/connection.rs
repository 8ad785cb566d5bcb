//! One connection of Unity Transport's protocol v1: who may speak, when, and when it is over.
//!
//! Packets and time go in, events and control packets come out. The machine never sees an
//! address or a payload's bytes, holds no queue and allocates nothing. Rules: `docs/PROTOCOL.md`.

use super::cookie::Cookie;
use super::packet::{DATA_HEADER_SIZE, MTU_HEADER_SIZE, Packet, Token};
use super::path_mtu::PathMtu;
use super::prober::Prober;
use crate::proto::time::{Micros, earliest, from_ms};

/// Answers to probes that may be due at once: as many as a discovery sends.
const MTU_ACKS_MAX: usize = 4;

/// The timers of a connection (Unity Transport's `NetworkConfigParameter`).
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Between two connection requests.
    pub connect_timeout: Micros,
    /// Connection requests before giving up.
    pub max_connect_attempts: u32,
    /// Silence that ends the connection; 0 is never.
    pub disconnect_timeout: Micros,
    /// Time without sending that asks for a heartbeat; 0 is never.
    pub heartbeat_timeout: Micros,
    /// Silence that ends a server's connection whose client was never heard; 0 is never.
    pub unvalidated_timeout: Micros,
    /// Between two probes that measure the round trip; 0 is never.
    pub round_trip_interval: Micros,
}

impl Config {
    /// From settings in milliseconds, without what Unity Transport has not.
    #[must_use]
    pub const fn from_ms(connect: i32, attempts: i32, disconnect: i32, heartbeat: i32) -> Self {
        Self {
            connect_timeout: from_ms(connect),
            max_connect_attempts: if attempts < 0 { 0 } else { attempts as u32 },
            disconnect_timeout: from_ms(disconnect),
            heartbeat_timeout: from_ms(heartbeat),
            unvalidated_timeout: 0,
            round_trip_interval: 0,
        }
    }
}

/// What a packet or a timeout meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Nothing that the program sees.
    Nothing,
    /// A client's request was accepted; the packet's payload is the accept payload.
    Connected,
    /// The packet carries a message.
    Data,
    /// The peer said goodbye.
    Disconnected,
    /// The packet does not belong here now; drop and count it.
    Dropped,
    /// Nothing arrived for `disconnect_timeout`. The peer is told.
    TimedOut,
    /// A client was not heard for `unvalidated_timeout` after its request. It is not told: the
    /// address may be somebody else's.
    NeverHeard,
    /// All attempts went unanswered.
    AttemptsExhausted,
}

/// A control packet to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// A request, with the connect payload.
    Request,
    /// A request that brings a cookie, with the connect payload.
    CookieRequest(Cookie),
    /// An accept, with the accept payload.
    Accept,
    /// An answer to a probe that was that many bytes on the wire.
    MtuAck(u16),
    /// A probe with so much padding.
    MtuCheck(u16),
    /// A heartbeat.
    Heartbeat,
    /// A goodbye.
    Disconnect,
}

/// How a path turned out to take more than before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Widened {
    /// The discovery behind the handshake finds it out.
    Discovered,
    /// It was known to take less.
    Raised,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// A client before the accept.
    AwaitingAccept,
    Established,
    Closed,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct UtpConnection {
    token: Token,
    state: State,
    server: bool,
    /// The peer has sent something that only follows an accept.
    peer_spoke: bool,
    /// A server's that has heard nothing of that kind yet.
    unheard: bool,
    /// The peer's address is as good as proven: it spoke, or brought a cookie, or has a stream.
    validated: bool,
    /// A client's, for its next request.
    cookie: Option<Cookie>,
    attempts: u32,
    last_send: Micros,
    last_receive: Micros,
    request_due: bool,
    accept_due: bool,
    heartbeat_due: bool,
    disconnect_due: bool,
    mtu_acks_due: [u16; MTU_ACKS_MAX],
    mtu_acks: u8,
    path_mtu: PathMtu,
    prober: Prober,
    /// What the layers below add to a packet.
    overhead: u16,
    round_trip: Option<Micros>,
    /// The path is known to take more than before, and nobody has asked yet.
    widened: Option<Widened>,
}

impl UtpConnection {
    fn new(token: Token, now: Micros, state: State) -> Self {
        Self {
            token,
            state,
            server: state == State::Established,
            peer_spoke: false,
            unheard: state == State::Established,
            validated: state != State::Established,
            cookie: None,
            attempts: 0,
            last_send: now,
            last_receive: now,
            request_due: false,
            accept_due: false,
            heartbeat_due: false,
            disconnect_due: false,
            mtu_acks_due: [0; MTU_ACKS_MAX],
            mtu_acks: 0,
            path_mtu: PathMtu::off(u16::MAX),
            prober: Prober::new(now),
            overhead: 0,
            round_trip: None,
            widened: None,
        }
    }

    /// Says how large packets may be, and what the layers below add to each. With `discover` a
    /// server's connection is settled once the path is known, a client's likewise. A path that
    /// takes less is asked for more each time `raise_interval` has passed.
    pub fn set_path(
        &mut self,
        now: Micros,
        (largest, overhead): (u16, u16),
        discover: bool,
        raise_interval: Micros,
    ) {
        self.overhead = overhead;
        let path = if discover { PathMtu::new(now, largest) } else { PathMtu::off(largest) };
        self.path_mtu = path.raised_after(raise_interval);
        if self.validated && self.is_established() {
            self.path_mtu.handle_validated(now);
        }
    }

    /// The peer's address is proven by other means: a cookie, a stream.
    pub fn handle_validated(&mut self, now: Micros) {
        self.validated = true;
        if self.is_established() {
            self.path_mtu.handle_validated(now);
        }
    }

    /// Is the peer's address as good as proven?
    #[must_use]
    pub const fn is_validated(&self) -> bool {
        self.validated
    }

    /// Does the peer answer probes of the round trip?
    #[must_use]
    pub const fn answers_probes(&self) -> bool {
        self.prober.replaces_heartbeats()
    }

    /// The path takes packets of no more than this, as it has turned out.
    pub fn narrow_path(&mut self, now: Micros, packet_size: u16) {
        self.path_mtu.narrow(now, packet_size.saturating_add(self.overhead));
    }

    /// The peer takes packets of no more than this, as it says.
    pub fn limit_path(&mut self, now: Micros, packet_size: u16) {
        self.path_mtu.limit(now, packet_size.saturating_add(self.overhead));
    }

    /// The peer is reached by another way now, which may take more.
    pub fn handle_path_change(&mut self, now: Micros) {
        self.path_mtu.handle_path_change(now);
    }

    /// Has the path turned out to take more than before? Once.
    pub const fn take_widened(&mut self) -> Option<Widened> {
        self.widened.take()
    }

    /// May the program use the connection, as far as the path is concerned?
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.path_mtu.is_settled()
    }

    /// Bytes of the largest packet that is known to arrive, what the layers below add included.
    #[must_use]
    pub const fn path_mtu(&self) -> u16 {
        self.path_mtu.size()
    }

    /// Bytes that a Data packet has behind its header, at most.
    #[inline]
    #[must_use]
    pub const fn data_size_max(&self) -> u16 {
        self.path_mtu.size().saturating_sub(self.overhead + DATA_HEADER_SIZE as u16)
    }

    /// Bytes of the largest packet that is known to arrive, without what the layers below add.
    #[inline]
    #[must_use]
    pub const fn packet_size_max(&self) -> u16 {
        self.path_mtu.size().saturating_sub(self.overhead)
    }

    /// Is a packet of so many bytes no larger than that?
    #[inline(always)]
    #[must_use]
    pub const fn packet_fits(&self, size: usize) -> bool {
        size + self.overhead as usize <= self.path_mtu.size() as usize
    }

    /// A server under load wants a cookie: the request is repeated at once with it, once for each
    /// that was sent without.
    pub fn handle_retry(&mut self, cookie: Cookie) -> bool {
        let wanted =
            self.state == State::AwaitingAccept && !self.request_due && self.cookie.is_none();
        if wanted {
            self.cookie = Some(cookie);
            self.request_due = true;
        }
        wanted
    }

    /// A client; its first request is due at once.
    #[must_use]
    pub fn client(token: Token, now: Micros) -> Self {
        let mut connection = Self::new(token, now, State::AwaitingAccept);
        connection.attempts = 1;
        connection.request_due = true;
        connection
    }

    /// A server's side of a request that just arrived; the accept is due at once.
    #[must_use]
    pub fn server(token: Token, now: Micros) -> Self {
        let mut connection = Self::new(token, now, State::Established);
        connection.accept_due = true;
        connection
    }

    /// The token that both sides put into every packet.
    #[must_use]
    pub const fn token(&self) -> Token {
        self.token
    }

    /// Did this side start it?
    #[must_use]
    pub const fn is_client(&self) -> bool {
        !self.server
    }

    /// May messages be sent?
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.state == State::Established
    }

    /// The round trip that the last packet has measured.
    pub const fn take_round_trip(&mut self) -> Option<Micros> {
        self.round_trip.take()
    }

    /// Must an accept go out in front of the next packets, because the client may not have got
    /// one? A client of Unity Transport 2.5 to 2.7 that sees data first gives up silently
    /// (`docs/PROTOCOL.md`, "Repeated Accept").
    #[must_use]
    pub const fn repeats_accept(&self) -> bool {
        self.unheard
    }

    /// Takes a packet whose token is this connection's. `overhead` is what the layers below add
    /// to a packet, in bytes; a probe's answer counts it.
    pub fn handle_packet(&mut self, now: Micros, packet: &Packet<'_>, overhead: u16) -> Outcome {
        match (packet, self.state) {
            (_, State::Closed) => Outcome::Dropped,
            (Packet::ConnectionRequest { .. }, State::Established) if self.server => {
                self.last_receive = now;
                self.accept_due = true;
                Outcome::Nothing
            }
            (Packet::ConnectionAccept { .. }, State::AwaitingAccept) => {
                self.state = State::Established;
                self.last_receive = now;
                self.request_due = false;
                if self.attempts == 1 {
                    self.round_trip = Some(now.saturating_sub(self.last_send));
                }
                self.prober = Prober::new(now);
                self.path_mtu.handle_validated(now);
                Outcome::Connected
            }
            // Our server repeats its accept on purpose; it changes nothing, no timer included.
            (Packet::ConnectionAccept { .. }, State::Established) if !self.server => {
                Outcome::Nothing
            }
            (Packet::Disconnect { .. }, _) => {
                self.state = State::Closed;
                Outcome::Disconnected
            }
            // Whatever overtakes the accept is not for us yet; the server repeats the accept.
            (_, State::AwaitingAccept) => Outcome::Dropped,
            (Packet::Data { .. }, _) => {
                self.heard(now);
                Outcome::Data
            }
            (Packet::Heartbeat { .. }, _) => {
                self.heard(now);
                Outcome::Nothing
            }
            (Packet::MtuAck { size, .. }, _) => {
                self.heard(now);
                let news = if self.path_mtu.is_discovering() {
                    Widened::Discovered
                } else {
                    Widened::Raised
                };
                if self.path_mtu.handle_ack(now, *size) {
                    self.widened = Some(news);
                }
                let padding = size.checked_sub(MTU_HEADER_SIZE as u16 + overhead);
                self.round_trip = padding.and_then(|padding| self.prober.handle_ack(now, padding));
                Outcome::Nothing
            }
            (Packet::MtuCheck { probed, .. }, _) => {
                self.heard(now);
                let header = MTU_HEADER_SIZE as u16;
                self.owe_mtu_ack(probed.saturating_add(overhead).saturating_add(header));
                Outcome::Nothing
            }
            (Packet::ConnectionRequest { .. } | Packet::ConnectionAccept { .. }, _) => {
                Outcome::Dropped
            }
        }
    }

    /// Takes a Data packet of a peer that has spoken before. False: nothing was done, and
    /// [`handle_packet`](Self::handle_packet) finds out what the packet means.
    #[inline(always)]
    pub fn handle_message(&mut self, now: Micros) -> bool {
        let takes = self.peer_spoke && self.state == State::Established;
        if takes {
            self.last_receive = now;
        }
        takes
    }

    fn heard(&mut self, now: Micros) {
        self.last_receive = now;
        self.unheard = false;
        if !std::mem::replace(&mut self.peer_spoke, true) {
            // The first probe is an interval after the first word.
            self.prober = Prober::new(now);
            self.handle_validated(now);
        }
    }

    /// Each probe is answered; of more than fit, the newest are.
    fn owe_mtu_ack(&mut self, size: u16) {
        if usize::from(self.mtu_acks) == MTU_ACKS_MAX {
            self.mtu_acks_due.rotate_left(1);
            self.mtu_acks -= 1;
        }
        self.mtu_acks_due[usize::from(self.mtu_acks)] = size;
        self.mtu_acks += 1;
    }

    fn take_mtu_ack(&mut self) -> Option<u16> {
        self.mtu_acks = self.mtu_acks.checked_sub(1)?;
        let size = self.mtu_acks_due[0];
        self.mtu_acks_due.rotate_left(1);
        Some(size)
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Micros, config: &Config) -> Outcome {
        match self.state {
            State::AwaitingAccept => {
                if now > self.last_send.saturating_add(config.connect_timeout) {
                    return self.next_attempt(now, config);
                }
            }
            State::Established => {
                let unheard = self.last_receive.saturating_add(config.unvalidated_timeout);
                if !self.validated && config.unvalidated_timeout > 0 && now > unheard {
                    self.state = State::Closed;
                    self.accept_due = false;
                    return Outcome::NeverHeard;
                }
                let silent_since = self.last_receive.saturating_add(config.disconnect_timeout);
                if config.disconnect_timeout > 0 && now > silent_since {
                    self.state = State::Closed;
                    // An address that is not proven may be somebody else's.
                    self.disconnect_due = self.validated;
                    return Outcome::TimedOut;
                }
                self.path_mtu.handle_timeout(now);
                if self.probes()
                    && self.prober.handle_timeout(now, config.round_trip_interval)
                    && self.prober.replaces_heartbeats()
                {
                    self.last_send = now;
                }
                let idle_since = self.last_send.saturating_add(config.heartbeat_timeout);
                if config.heartbeat_timeout > 0 && now > idle_since {
                    // To a client that has not spoken yet a heartbeat would be harmful, and an
                    // accept is due only when it asks again: nobody is made to send more than
                    // was asked for.
                    self.heartbeat_due = !self.repeats_accept();
                    self.last_send = now;
                }
            }
            State::Closed => {}
        }
        Outcome::Nothing
    }

    /// Never before a server's client has spoken: it may not have its accept.
    const fn probes(&self) -> bool {
        !self.repeats_accept()
    }

    fn next_attempt(&mut self, now: Micros, config: &Config) -> Outcome {
        if self.attempts >= config.max_connect_attempts {
            self.state = State::Closed;
            return Outcome::AttemptsExhausted;
        }
        self.attempts += 1;
        self.last_send = now;
        self.request_due = true;
        // One cookie is for one request: the server may be another one by now.
        self.cookie = None;
        Outcome::Nothing
    }

    /// When `handle_timeout` has something to do. The comparisons there are strict, hence the 1.
    #[must_use]
    pub fn next_timeout(&self, config: &Config) -> Option<Micros> {
        let after = |from: Micros, wait: Micros| {
            if wait > 0 { Some(from.saturating_add(wait).saturating_add(1)) } else { None }
        };
        match self.state {
            State::AwaitingAccept => {
                Some(self.last_send.saturating_add(config.connect_timeout).saturating_add(1))
            }
            State::Established => {
                let silence = after(self.last_receive, config.disconnect_timeout);
                let idle = after(self.last_send, config.heartbeat_timeout);
                let unheard = after(self.last_receive, config.unvalidated_timeout);
                let unheard = unheard.filter(|_| !self.validated);
                let probe = self.prober.next_timeout(config.round_trip_interval);
                let probe = probe.filter(|_| self.probes());
                let path = self.path_mtu.next_timeout();
                earliest([silence, idle, unheard, probe, path])
            }
            State::Closed => None,
        }
    }

    /// A packet of a session arrived: a sign of life like any other.
    pub fn handle_session_packet(&mut self, now: Micros) {
        self.heard(now);
    }

    /// The peer's WebSocket answered a ping, which may count as a sign of life: its program need
    /// not have spoken.
    pub const fn handle_pong(&mut self, now: Micros) {
        self.last_receive = now;
    }

    /// A session has measured the round trip: probes can wait.
    pub const fn handle_measured(&mut self, now: Micros) {
        self.prober.handle_measured(now);
    }

    /// What the peer sent is held back on purpose, so its silence means nothing.
    pub const fn handle_held_back(&mut self, now: Micros) {
        self.last_receive = now;
    }

    /// Would `poll_transmit` give something?
    #[must_use]
    pub const fn wants_transmit(&self) -> bool {
        self.request_due
            || self.accept_due
            || self.heartbeat_due
            || self.disconnect_due
            || self.mtu_acks > 0
            || self.path_mtu.wants_transmit()
            || self.prober.wants_transmit()
    }

    /// Something of this connection left: the heartbeat timer starts anew.
    pub const fn handle_sent(&mut self, now: Micros) {
        self.last_send = now;
    }

    /// The program closes the connection: a goodbye is due when there was a handshake.
    pub fn disconnect(&mut self) {
        self.disconnect_due = self.state == State::Established;
        self.state = State::Closed;
        self.request_due = false;
        self.accept_due = false;
        self.path_mtu = PathMtu::off(u16::MAX);
    }

    /// The next control packet that is due.
    pub fn poll_transmit(&mut self, now: Micros) -> Option<Control> {
        let control = if std::mem::take(&mut self.request_due) {
            self.cookie.map_or(Control::Request, Control::CookieRequest)
        } else if std::mem::take(&mut self.accept_due) {
            Control::Accept
        } else if let Some(size) = self.take_mtu_ack() {
            Control::MtuAck(size)
        } else if let Some(size) = self.path_mtu.poll_transmit() {
            Control::MtuCheck(size.saturating_sub(self.overhead + MTU_HEADER_SIZE as u16))
        } else if let Some(padding) = self.prober.poll_transmit(now) {
            if !self.prober.replaces_heartbeats() {
                // A peer that knows no probes takes this for nothing; its heartbeat is still due.
                return Some(Control::MtuCheck(padding));
            }
            Control::MtuCheck(padding)
        } else if std::mem::take(&mut self.disconnect_due) {
            self.heartbeat_due = false;
            Control::Disconnect
        } else if std::mem::take(&mut self.heartbeat_due) {
            Control::Heartbeat
        } else {
            return None;
        };
        self.last_send = now;
        Some(control)
    }
}

#[cfg(test)]
mod tests;
