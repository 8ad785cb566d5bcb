//! What tests/CHECKLIST.md asks of drivers and connections and no other file shows.

use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{Connection, ConnectionState, DisconnectReason, EventKind, NetworkEndpoint};

use super::connecting::frames;
use crate::support::raw::{RawDatagrams, RawServer, data, handshake, packet};
use crate::support::{Pair, driver, expect_accept, expect_event, server, settle};

const CARRIERS: [InterfaceKind; 3] =
    [InterfaceKind::Ipc, InterfaceKind::Udp, InterfaceKind::WebSocket];

#[test]
fn an_accept_loop_takes_everybody_and_ends() {
    let (mut server, endpoint) = server(InterfaceKind::Ipc, &frames(10));
    assert!(server.accept().is_none());
    let mut client = driver(InterfaceKind::Ipc, &frames(10));
    for _ in 0..5 {
        client.connect(0, &endpoint, b"").expect("starts to connect");
    }
    client.update().expect("updates");
    server.update().expect("updates");
    let accepted: Vec<Connection> = std::iter::from_fn(|| server.accept()).collect();
    assert_eq!(accepted.len(), 5);
    assert!(server.accept().is_none());
}

#[test]
fn the_first_connection_of_a_driver_has_index_0_and_version_1() {
    for kind in CARRIERS {
        let pair = Pair::new(kind);
        for connection in [pair.to_server, pair.to_client] {
            assert_eq!(connection.to_u64(), 1 << 32, "{kind:?}");
        }
    }
}

#[test]
fn the_connect_event_has_its_connection_by_both_ways_of_popping() {
    let (mut server, endpoint) = server(InterfaceKind::Ipc, &frames(10));
    let mut client = driver(InterfaceKind::Ipc, &frames(10));
    let mut connect = || client.connect(0, &endpoint, b"").expect("starts to connect");
    let [first, second, third] = [connect(), connect(), connect()];
    for _ in 0..3 {
        client.update().expect("updates");
        server.update().expect("updates");
    }
    let one = client.pop_event_for_connection(second).expect("is connected");
    assert_eq!((one.kind, one.connection), (EventKind::Connect, second));
    assert!(client.pop_event_for_connection(second).is_none());
    for expected in [first, third] {
        let event = client.pop_event().expect("is connected");
        assert_eq!((event.kind, event.connection), (EventKind::Connect, expected));
    }
    assert!(client.pop_event().is_none());
}

#[test]
fn only_the_side_that_connects_has_a_connect_event() {
    for kind in CARRIERS {
        let mut pair = Pair::new(kind);
        settle(&mut [&mut pair.server, &mut pair.client], 3);
        assert!(pair.server.pop_event().is_none(), "{kind:?}");
        assert!(pair.client.pop_event().is_none(), "{kind:?}");
    }
}

#[test]
fn a_local_disconnect_is_nine_bytes_behind_the_data_of_the_update() {
    let raw = RawServer::new();
    let settings = NetworkSettings { session: false, ..NetworkSettings::default() };
    let mut client = driver(InterfaceKind::Udp, &settings);
    let connection = client.connect(0, &raw.endpoint(), b"").expect("starts to connect");
    let (from, request) = raw.receive(&mut client);
    let token = request[5..13].to_vec();
    raw.send(from, &[b"UTP\x01\x02", &token[..]].concat());
    expect_event(&mut [&mut client], EventKind::Connect);
    client.send(connection, 0, b"last words").expect("is sent");
    client.disconnect(connection).expect("is open");
    assert_eq!(client.connection_state(connection), ConnectionState::Disconnected);
    assert_eq!(raw.receive(&mut client).1, [&[1], &token[..], b"\0last words"].concat());
    assert_eq!(raw.receive(&mut client).1, [&[2], &token[..]].concat());
    settle(&mut [&mut client], 5);
    assert!(raw.try_receive().is_none() && client.pop_event().is_none());
}

#[test]
fn a_client_connects_again_after_a_disconnect_over_every_carrier_and_family() {
    let six = NetworkEndpoint::loopback_ipv6(0);
    let four = NetworkEndpoint::loopback_ipv4(0);
    for (kind, address) in [
        (InterfaceKind::Ipc, four),
        (InterfaceKind::Udp, four),
        (InterfaceKind::Udp, six),
        (InterfaceKind::WebSocket, four),
        (InterfaceKind::WebSocket, six),
    ] {
        let mut server = driver(kind, &NetworkSettings::default());
        // Without IPv6 on this machine there is nothing to see.
        let Ok(binding) = server.bind(0, &address) else { continue };
        server.listen().expect("listens");
        let endpoint = server.local_endpoint(0, binding).expect("is bound");
        let mut client = driver(kind, &NetworkSettings::default());
        for turn in 0..3u8 {
            let to_server = client.connect(0, &endpoint, b"").expect("starts to connect");
            expect_event(&mut [&mut client, &mut server], EventKind::Connect);
            let to_client = expect_accept(&mut [&mut server, &mut client]);
            client.send(to_server, 0, &[turn]).expect("is sent");
            let event = expect_event(&mut [&mut server, &mut client], EventKind::Data);
            assert_eq!((event.connection, &event.data[..]), (to_client, &[turn][..]));
            client.disconnect(to_server).expect("is open");
            let event = expect_event(&mut [&mut server, &mut client], EventKind::Disconnect);
            assert_eq!(event.connection, to_client);
            assert_eq!(event.reason, DisconnectReason::ClosedByRemote, "{kind:?}");
        }
    }
}

#[test]
fn a_datagram_over_the_largest_message_is_dropped_and_the_connection_lives() {
    let (mut server, endpoint) = server(InterfaceKind::Udp, &NetworkSettings::default());
    let peer = RawDatagrams::to(&endpoint);
    peer.send(&handshake(1, b""));
    assert_eq!(peer.receive(&mut server), handshake(2, b""));
    let connection = expect_accept(&mut [&mut server]);
    peer.send(&data(&[7; 1391]));
    peer.send(&data(&[8; 1390]));
    let event = expect_event(&mut [&mut server], EventKind::Data);
    assert_eq!((event.connection, &event.data[..]), (connection, &[8; 1390][..]));
    peer.send(&packet(3, b""));
    settle(&mut [&mut server], 3);
    assert!(server.pop_event().is_none());
    assert_eq!(server.connection_state(connection), ConnectionState::Connected);
}

#[test]
fn a_queue_counts_what_waits_for_a_connection() {
    let mut pair = Pair::with(InterfaceKind::Ipc, &frames(10));
    assert_eq!(pair.server.event_queue_size(pair.to_client), 0);
    for _ in 0..3 {
        pair.client.send(pair.to_server, 0, b"x").expect("is sent");
    }
    pair.client.update().expect("updates");
    pair.server.update().expect("updates");
    assert_eq!(pair.server.event_queue_size(pair.to_client), 3);
    pair.server.pop_event_for_connection(pair.to_client).expect("is there");
    pair.server.pop_event().expect("is there");
    assert_eq!(pair.server.event_queue_size(pair.to_client), 1);
    let stale = Connection::from_u64(9 << 32);
    assert_eq!(pair.server.event_queue_size(stale), 0);
}
