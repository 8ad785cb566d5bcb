//! The machine against its own deadlines.

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
    assert_eq!(client.take_round_trip(), Some(20 * MS));
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
