//! Listening, stopping and refusing, on every carrier; and Nagle's algorithm.

use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{ConnectionState, DisconnectReason, EventKind, Status};

use crate::support::{Pair, driver, expect_accept, expect_event, status};

const CARRIERS: [InterfaceKind; 4] =
    [InterfaceKind::Ipc, InterfaceKind::Udp, InterfaceKind::WebSocket, InterfaceKind::Tcp];

/// A client that gives up soon.
fn impatient() -> NetworkSettings {
    NetworkSettings {
        connect_timeout_ms: 20,
        max_connect_attempts: 3,
        ..NetworkSettings::default()
    }
}

#[test]
fn a_server_that_stopped_keeps_its_players_and_takes_no_new_ones_until_it_listens_again() {
    for kind in CARRIERS {
        let mut pair = Pair::new(kind);
        pair.server.stop_listening();
        assert!(!pair.server.is_listening() && pair.server.is_bound());
        let mut late = driver(kind, &impatient());
        late.connect(0, &pair.endpoint, b"").expect("starts to connect");
        let end = expect_event(&mut [&mut late, &mut pair.server], EventKind::Disconnect);
        let reasons =
            [DisconnectReason::MaxConnectionAttempts, DisconnectReason::ConnectionRefused];
        assert!(reasons.contains(&end.reason), "{kind:?}: {:?}", end.reason);
        assert!(pair.server.accept().is_none());
        pair.client.send(pair.to_server, 0, b"still here").expect("is sent");
        assert_eq!(&pair.server_event(EventKind::Data).data[..], b"still here");

        pair.server.listen().expect("on the same port");
        late.connect(0, &pair.endpoint, b"").expect("starts to connect");
        expect_event(&mut [&mut late, &mut pair.server], EventKind::Connect);
        expect_accept(&mut [&mut pair.server, &mut late]);
    }
}

#[test]
fn a_stopped_websocket_port_is_free_for_others() {
    let mut pair = Pair::new(InterfaceKind::WebSocket);
    pair.server.stop_listening();
    let mut other = driver(InterfaceKind::WebSocket, &NetworkSettings::default());
    other.bind(0, &pair.endpoint).expect("the port is free");
    other.listen().expect("listens");
    let taken = pair.server.listen();
    assert_eq!(status(taken), Status::NetworkSocketError, "now the port is the other's");
    assert!(!pair.server.is_listening());
}

#[test]
fn a_server_that_refuses_says_503_and_forgets_it_when_told() {
    let mut pair = Pair::new(InterfaceKind::WebSocket);
    pair.server.set_refusing(true);
    assert!(pair.server.is_listening());
    let url = format!("ws://127.0.0.1:{}/", pair.endpoint.port());
    let options = netdriver::settings::UrlOptions::default();
    pair.client.connect_url(&url, &options).expect("starts to connect");
    let end = expect_event(&mut [&mut pair.client, &mut pair.server], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::HandshakeRejected);
    assert_eq!(end.close_code, 503);
    let counted = pair.server.statistics();
    assert_eq!((counted.connections_refused, counted.handshakes_overloaded), (1, 0));
    pair.server.set_refusing(false);
    pair.client.connect_url(&url, &options).expect("starts to connect");
    expect_event(&mut [&mut pair.client, &mut pair.server], EventKind::Connect);
}

#[test]
fn refused_utp_clients_are_not_answered() {
    let mut pair = Pair::new(InterfaceKind::Udp);
    pair.server.set_refusing(true);
    let mut late = driver(InterfaceKind::Udp, &impatient());
    let connection = late.connect(0, &pair.endpoint, b"").expect("starts to connect");
    let end = expect_event(&mut [&mut late, &mut pair.server], EventKind::Disconnect);
    assert_eq!((end.connection, end.reason), (connection, DisconnectReason::MaxConnectionAttempts));
    assert_eq!(pair.server.connection_state(pair.to_client), ConnectionState::Connected);
}

#[test]
fn small_messages_may_be_gathered_on_streams_only() {
    let mut pair = Pair::new(InterfaceKind::WebSocket);
    for enabled in [false, true] {
        pair.server.set_no_delay(pair.to_client, enabled).expect("is a stream");
        pair.server.send(pair.to_client, 0, b"small").expect("is sent");
        assert_eq!(&pair.client_event(EventKind::Data).data[..], b"small");
    }
    pair.server.disconnect(pair.to_client).expect("closes");
    let closed = pair.server.set_no_delay(pair.to_client, true);
    assert_eq!(status(closed), Status::NetworkStateMismatch);
    let mut datagrams = Pair::new(InterfaceKind::Udp);
    let outcome = datagrams.server.set_no_delay(datagrams.to_client, true);
    assert_eq!(status(outcome), Status::NotSupported);
}
