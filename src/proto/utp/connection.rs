//! One connection of Unity Transport's protocol v1: who may speak, when, and when it is over.
//!
//! Packets and time go in, events and control packets come out. The machine never sees an
//! address or a payload's bytes, holds no queue and allocates nothing. Rules: `docs/PROTOCOL.md`.

use super::packet::{Packet, Token};
use crate::proto::time::{Micros, from_ms};

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
}

impl Config {
    /// From settings in milliseconds.
    #[must_use]
    pub const fn from_ms(connect: i32, attempts: i32, disconnect: i32, heartbeat: i32) -> Self {
        Self {
            connect_timeout: from_ms(connect),
            max_connect_attempts: if attempts < 0 { 0 } else { attempts as u32 },
            disconnect_timeout: from_ms(disconnect),
            heartbeat_timeout: from_ms(heartbeat),
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
    /// All attempts went unanswered.
    AttemptsExhausted,
}

/// A control packet to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// A request, with the connect payload.
    Request,
    /// An accept, with the accept payload.
    Accept,
    /// An answer to a probe that was that many bytes on the wire.
    MtuAck(u16),
    /// A heartbeat.
    Heartbeat,
    /// A goodbye.
    Disconnect,
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
    /// The client has sent something that only follows an accept.
    peer_spoke: bool,
    attempts: u32,
    last_send: Micros,
    last_receive: Micros,
    request_due: bool,
    accept_due: bool,
    heartbeat_due: bool,
    disconnect_due: bool,
    mtu_ack_due: Option<u16>,
    round_trip: Option<Micros>,
}

impl UtpConnection {
    fn new(token: Token, now: Micros, state: State) -> Self {
        Self {
            token,
            state,
            server: state == State::Established,
            peer_spoke: false,
            attempts: 0,
            last_send: now,
            last_receive: now,
            request_due: false,
            accept_due: false,
            heartbeat_due: false,
            disconnect_due: false,
            mtu_ack_due: None,
            round_trip: None,
        }
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

    /// May messages be sent?
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.state == State::Established
    }

    /// The handshake's round trip, when one request was enough (client only).
    #[must_use]
    pub const fn round_trip(&self) -> Option<Micros> {
        self.round_trip
    }

    /// Must an accept go out in front of the next packets, because the client may not have got
    /// one? A client of Unity Transport 2.5 to 2.7 that sees data first gives up silently
    /// (`docs/PROTOCOL.md`, "Repeated Accept").
    #[must_use]
    pub const fn repeats_accept(&self) -> bool {
        self.server && !self.peer_spoke
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
            (Packet::Heartbeat { .. } | Packet::MtuAck { .. }, _) => {
                self.heard(now);
                Outcome::Nothing
            }
            (Packet::MtuCheck { probed, .. }, _) => {
                self.heard(now);
                let header = super::packet::MTU_HEADER_SIZE as u16;
                self.mtu_ack_due = Some(probed.saturating_add(overhead).saturating_add(header));
                Outcome::Nothing
            }
            (Packet::ConnectionRequest { .. } | Packet::ConnectionAccept { .. }, _) => {
                Outcome::Dropped
            }
        }
    }

    fn heard(&mut self, now: Micros) {
        self.last_receive = now;
        self.peer_spoke = true;
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
                let silent_since = self.last_receive.saturating_add(config.disconnect_timeout);
                if config.disconnect_timeout > 0 && now > silent_since {
                    self.state = State::Closed;
                    self.disconnect_due = true;
                    return Outcome::TimedOut;
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

    fn next_attempt(&mut self, now: Micros, config: &Config) -> Outcome {
        if self.attempts >= config.max_connect_attempts {
            self.state = State::Closed;
            return Outcome::AttemptsExhausted;
        }
        self.attempts += 1;
        self.last_send = now;
        self.request_due = true;
        Outcome::Nothing
    }

    /// When `handle_timeout` has something to do. The comparisons there are strict, hence the 1.
    #[must_use]
    pub fn next_timeout(&self, config: &Config) -> Option<Micros> {
        let after = |from: Micros, wait: Micros| {
            (wait > 0).then(|| from.saturating_add(wait).saturating_add(1))
        };
        match self.state {
            State::AwaitingAccept => {
                Some(self.last_send.saturating_add(config.connect_timeout).saturating_add(1))
            }
            State::Established => {
                let silence = after(self.last_receive, config.disconnect_timeout);
                let idle = after(self.last_send, config.heartbeat_timeout);
                silence.into_iter().chain(idle).min()
            }
            State::Closed => None,
        }
    }

    /// A packet of a session arrived: a sign of life like any other.
    pub const fn handle_session_packet(&mut self, now: Micros) {
        self.last_receive = now;
        self.peer_spoke = true;
    }

    /// The peer's WebSocket answered a ping, which may count as a sign of life: its program need
    /// not have spoken.
    pub const fn handle_pong(&mut self, now: Micros) {
        self.last_receive = now;
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
            || self.mtu_ack_due.is_some()
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
    }

    /// The next control packet that is due.
    pub fn poll_transmit(&mut self, now: Micros) -> Option<Control> {
        let control = if std::mem::take(&mut self.request_due) {
            Control::Request
        } else if std::mem::take(&mut self.accept_due) {
            Control::Accept
        } else if let Some(size) = self.mtu_ack_due.take() {
            Control::MtuAck(size)
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
mod tests {
    use super::*;

    const TOKEN: Token = [1, 2, 3, 4, 5, 6, 7, 8];
    const CONFIG: Config = Config::from_ms(1000, 3, 30_000, 500);
    const ACCEPT: Packet<'static> = Packet::ConnectionAccept { token: TOKEN, payload: &[] };
    const REQUEST: Packet<'static> = Packet::ConnectionRequest { token: TOKEN, payload: &[] };
    const DATA: Packet<'static> = Packet::Data { token: TOKEN, pipeline: 0, payload: &[] };
    const HEARTBEAT: Packet<'static> = Packet::Heartbeat { token: TOKEN };
    const MS: Micros = 1000;

    fn controls(connection: &mut UtpConnection, now: Micros) -> Vec<Control> {
        std::iter::from_fn(|| connection.poll_transmit(now)).collect()
    }

    /// Asks the machine at each of its own deadlines until `end`.
    fn run(connection: &mut UtpConnection, end: Micros) -> Vec<(Micros, Outcome, Vec<Control>)> {
        let mut log = Vec::new();
        while let Some(now) = connection.next_timeout(&CONFIG).filter(|&now| now <= end) {
            let outcome = connection.handle_timeout(now, &CONFIG);
            log.push((now / MS, outcome, controls(connection, now)));
        }
        log
    }

    #[test]
    fn a_client_repeats_its_request_and_gives_up() {
        let mut client = UtpConnection::client(TOKEN, 0);
        assert_eq!(controls(&mut client, 0), [Control::Request]);
        let log = run(&mut client, 10_000 * MS);
        let request = || vec![Control::Request];
        assert_eq!(
            log,
            [
                (1000, Outcome::Nothing, request()),
                (2000, Outcome::Nothing, request()),
                (3000, Outcome::AttemptsExhausted, vec![]),
            ]
        );
    }

    #[test]
    fn a_handshake_connects_both_sides_and_measures_the_round_trip() {
        let mut client = UtpConnection::client(TOKEN, 0);
        controls(&mut client, 0);
        let mut server = UtpConnection::server(TOKEN, 10 * MS);
        assert!(server.is_established());
        assert_eq!(controls(&mut server, 10 * MS), [Control::Accept]);
        assert_eq!(client.handle_packet(20 * MS, &ACCEPT, 0), Outcome::Connected);
        assert_eq!(client.round_trip(), Some(20 * MS));
        assert_eq!(client.handle_packet(21 * MS, &ACCEPT, 0), Outcome::Nothing);
        assert_eq!(client.handle_packet(22 * MS, &DATA, 0), Outcome::Data);
    }

    #[test]
    fn data_before_the_accept_is_dropped_and_the_connection_still_made() {
        let mut client = UtpConnection::client(TOKEN, 0);
        assert_eq!(client.handle_packet(1, &DATA, 0), Outcome::Dropped);
        assert_eq!(client.handle_packet(2, &HEARTBEAT, 0), Outcome::Dropped);
        assert_eq!(client.handle_packet(3, &ACCEPT, 0), Outcome::Connected);
    }

    #[test]
    fn a_server_repeats_its_accept_until_the_client_speaks() {
        let mut server = UtpConnection::server(TOKEN, 0);
        controls(&mut server, 0);
        assert!(server.repeats_accept());
        assert_eq!(server.handle_packet(1, &REQUEST, 0), Outcome::Nothing);
        assert_eq!(controls(&mut server, 1), [Control::Accept]);
        assert!(server.repeats_accept());
        assert_eq!(server.handle_timeout(600 * MS, &CONFIG), Outcome::Nothing);
        assert_eq!(controls(&mut server, 600 * MS), [], "no heartbeat before it speaks");
        server.handle_packet(600 * MS, &HEARTBEAT, 0);
        assert!(!server.repeats_accept());
    }

    #[test]
    fn heartbeats_follow_silence_of_our_own_and_timeouts_silence_of_the_peer() {
        let mut server = UtpConnection::server(TOKEN, 0);
        controls(&mut server, 0);
        assert_eq!(server.handle_packet(0, &HEARTBEAT, 0), Outcome::Nothing);
        let log = run(&mut server, 60_000 * MS);
        let (last, heartbeats) = log.split_last().unwrap();
        assert_eq!(heartbeats.len(), 59);
        assert!(heartbeats.iter().all(|entry| entry.2 == [Control::Heartbeat]));
        assert_eq!(*last, (30_000, Outcome::TimedOut, vec![Control::Disconnect]));
        assert_eq!(server.handle_packet(60_001 * MS, &DATA, 0), Outcome::Dropped);
    }

    #[test]
    fn a_repeated_request_refreshes_the_receive_timer_and_a_repeated_accept_does_not() {
        let mut server = UtpConnection::server(TOKEN, 0);
        server.handle_packet(29_000 * MS, &REQUEST, 0);
        assert_eq!(server.handle_timeout(30_001 * MS, &CONFIG), Outcome::Nothing);
        let mut client = UtpConnection::client(TOKEN, 0);
        client.handle_packet(0, &ACCEPT, 0);
        client.handle_packet(29_000 * MS, &ACCEPT, 0);
        assert_eq!(client.handle_timeout(30_001 * MS, &CONFIG), Outcome::TimedOut);
    }

    #[test]
    fn zero_timeouts_mean_never() {
        let config = Config { disconnect_timeout: 0, heartbeat_timeout: 0, ..CONFIG };
        let mut server = UtpConnection::server(TOKEN, 0);
        controls(&mut server, 0);
        assert_eq!(server.next_timeout(&config), None);
        assert_eq!(server.handle_timeout(Micros::MAX, &config), Outcome::Nothing);
    }

    #[test]
    fn a_probe_is_answered_with_the_size_that_it_had_on_the_wire() {
        let mut server = UtpConnection::server(TOKEN, 0);
        controls(&mut server, 0);
        let probe = Packet::MtuCheck { token: TOKEN, probed: 0x056d };
        assert_eq!(server.handle_packet(1, &probe, 0), Outcome::Nothing);
        assert_eq!(controls(&mut server, 1), [Control::MtuAck(1400)]);
    }

    #[test]
    fn disconnecting_says_goodbye_only_after_a_handshake() {
        let mut client = UtpConnection::client(TOKEN, 0);
        client.disconnect();
        assert_eq!(controls(&mut client, 0), []);
        let mut server = UtpConnection::server(TOKEN, 0);
        server.disconnect();
        assert_eq!(controls(&mut server, 0), [Control::Disconnect]);
        let goodbye = Packet::Disconnect { token: TOKEN };
        let mut client = UtpConnection::client(TOKEN, 0);
        client.handle_packet(0, &ACCEPT, 0);
        assert_eq!(client.handle_packet(1, &goodbye, 0), Outcome::Disconnected);
        assert_eq!(controls(&mut client, 1), []);
    }
}
