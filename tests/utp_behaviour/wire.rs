//! What is on the wire: a peer of raw datagrams on either side.

use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{Connection, ConnectionState, DisconnectReason, EventKind, NetworkDriver};

use super::connecting::frames;
use crate::support::raw::{RawDatagrams, RawServer, TOKEN, data, handshake, packet};
use crate::support::{driver, expect_accept, expect_event, server, settle, step, until};

/// A server and a raw client that it has accepted; the first accept was read.
fn accepted(settings: &NetworkSettings) -> (NetworkDriver, RawDatagrams, Connection) {
    let (mut server, endpoint) = server(InterfaceKind::Udp, settings);
    let peer = RawDatagrams::to(&endpoint);
    peer.send(&handshake(1, b""));
    assert_eq!(peer.receive(&mut server), handshake(2, b""));
    let connection = expect_accept(&mut [&mut server]);
    (server, peer, connection)
}

/// Everything that the server sends in some rounds.
fn drain(server: &mut NetworkDriver, peer: &RawDatagrams) -> Vec<Vec<u8>> {
    settle(&mut [server], 10);
    std::iter::from_fn(|| peer.try_receive()).collect()
}

/// A raw server and a client whose request it has read.
fn asked(settings: &NetworkSettings) -> (NetworkDriver, RawServer, Connection, Vec<u8>) {
    let raw = RawServer::new();
    let mut client = driver(InterfaceKind::Udp, settings);
    let connection = client.connect(0, &raw.endpoint(), b"hi").expect("starts to connect");
    let (_, request) = raw.receive(&mut client);
    (client, raw, connection, request)
}

#[test]
fn connecting_sends_one_request_of_the_right_bytes() {
    let (mut client, raw, _, request) = asked(&NetworkSettings::default());
    assert_eq!(request[..5], *b"UTP\x01\x01");
    assert_eq!(request[13..], [2, 0, b'h', b'i']);
    settle(&mut [&mut client], 10);
    assert!(raw.try_receive().is_none(), "one request, until a second has passed");
}

#[test]
fn tokens_differ_from_connection_to_connection() {
    let tokens: std::collections::BTreeSet<Vec<u8>> =
        (0..8).map(|_| asked(&NetworkSettings::default()).3[5..13].to_vec()).collect();
    assert_eq!(tokens.len(), 8);
}

#[test]
fn a_request_is_repeated_with_the_same_token() {
    let settings = NetworkSettings {
        connect_timeout_ms: 5,
        max_connect_attempts: 3,
        ..NetworkSettings::default()
    };
    let (mut client, raw, connection, request) = asked(&settings);
    for _ in 0..2 {
        assert_eq!(raw.receive(&mut client).1, request);
    }
    let end = expect_event(&mut [&mut client], EventKind::Disconnect);
    assert_eq!(end.connection, connection);
    assert_eq!(end.reason, DisconnectReason::MaxConnectionAttempts);
    assert!(raw.try_receive().is_none());
}

#[test]
fn data_before_the_accept_is_dropped_and_costs_nothing() {
    let (mut client, raw, connection, request) = asked(&NetworkSettings::default());
    let token = &request[5..13];
    let local = client.local_endpoint(0, 0).expect("is bound").port();
    let to = (std::net::Ipv4Addr::LOCALHOST, local).into();
    raw.send(to, &[&[1][..], token, &[0], b"early"].concat());
    raw.send(to, &[&[3][..], token].concat());
    settle(&mut [&mut client], 10);
    assert!(client.pop_event().is_none());
    assert_eq!(client.connection_state(connection), ConnectionState::Connecting);
    raw.send(to, &[b"UTP\x01\x02", token].concat());
    raw.send(to, &[&[1][..], token, &[0], b"on time"].concat());
    expect_event(&mut [&mut client], EventKind::Connect);
    let event = expect_event(&mut [&mut client], EventKind::Data);
    assert_eq!(event.data, b"on time"[..]);
}

#[test]
fn an_accept_with_a_broken_payload_connects_with_an_empty_one() {
    for tail in [&b"\x09\x00hi"[..], b"\x00", b""] {
        let (mut client, raw, _, request) = asked(&NetworkSettings::default());
        let local = client.local_endpoint(0, 0).expect("is bound").port();
        let to = (std::net::Ipv4Addr::LOCALHOST, local).into();
        raw.send(to, &[b"UTP\x01\x02", &request[5..13], tail].concat());
        let event = expect_event(&mut [&mut client], EventKind::Connect);
        assert!(event.data.is_empty());
        raw.send(to, &[b"UTP\x01\x02", &request[5..13]].concat());
        settle(&mut [&mut client], 10);
        assert!(client.pop_event().is_none(), "a repeated accept does nothing");
    }
}

#[test]
fn an_accept_for_nobody_is_harmless() {
    let (mut client, raw, connection, _) = asked(&NetworkSettings::default());
    let local = client.local_endpoint(0, 0).expect("is bound").port();
    raw.send((std::net::Ipv4Addr::LOCALHOST, local).into(), &handshake(2, b""));
    settle(&mut [&mut client], 10);
    assert!(client.pop_event().is_none());
    assert_eq!(client.connection_state(connection), ConnectionState::Connecting);
}

#[test]
fn an_accept_is_repeated_in_front_of_data_until_the_client_speaks() {
    let (mut server, peer, connection) = accepted(&NetworkSettings::default());
    let round = |server: &mut NetworkDriver, text: &[u8]| {
        server.send(connection, 0, text).expect("is sent");
        server.send(connection, 0, text).expect("is sent");
        server.flush().expect("flushes");
        drain(server, &peer)
    };
    let accept = handshake(2, b"");
    assert_eq!(round(&mut server, b"a"), [accept.clone(), data(b"a"), data(b"a")]);
    assert_eq!(round(&mut server, b"b"), [accept, data(b"b"), data(b"b")]);
    peer.send(&packet(3, b""));
    settle(&mut [&mut server], 10);
    assert_eq!(round(&mut server, b"c"), [data(b"c"), data(b"c")]);
}

#[test]
fn nothing_is_sent_unasked_until_the_client_speaks() {
    let settings = NetworkSettings {
        heartbeat_timeout_ms: 20,
        fixed_frame_time_ms: 10,
        ..NetworkSettings::default()
    };
    let (mut server, peer, _) = accepted(&settings);
    settle(&mut [&mut server], 100);
    assert_eq!(drain(&mut server, &peer), [] as [Vec<u8>; 0], "a heartbeat without an accept");
    peer.send(&handshake(1, b""));
    assert_eq!(peer.receive(&mut server), handshake(2, b""), "it asks again and is answered");
    peer.send(&packet(3, b""));
    settle(&mut [&mut server], 10);
    assert_eq!(peer.receive(&mut server), packet(3, b""));
}

#[test]
fn a_repeated_request_is_answered_again_and_makes_no_second_connection() {
    let (mut server, peer, _) = accepted(&NetworkSettings::default());
    for _ in 0..3 {
        peer.send(&handshake(1, b""));
        assert_eq!(peer.receive(&mut server), handshake(2, b""));
    }
    assert!(server.accept().is_none());
    assert_eq!(server.statistics().connections, 1);
}

#[test]
fn an_mtu_check_is_answered_by_the_size_that_it_names() {
    let (mut server, peer, _) = accepted(&NetworkSettings::default());
    let mut probe = packet(4, &1389u16.to_le_bytes());
    probe.resize(1400, 0);
    peer.send(&probe);
    assert_eq!(peer.receive(&mut server), packet(5, &[2, 0, 0x78, 0x05]));
    peer.send(&packet(4, &100u16.to_le_bytes()));
    assert_eq!(peer.receive(&mut server), packet(5, &[2, 0, 111, 0]), "the field counts");
}

#[test]
fn a_disconnect_is_not_answered_and_counts_from_anywhere() {
    let (mut server, peer, connection) = accepted(&NetworkSettings::default());
    let endpoint = server.local_endpoint(0, 0).expect("is bound");
    let elsewhere = RawDatagrams::to(&endpoint);
    elsewhere.send(&packet(2, b""));
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.connection, end.reason), (connection, DisconnectReason::ClosedByRemote));
    assert!(drain(&mut server, &peer).is_empty() && drain(&mut server, &elsewhere).is_empty());
}

#[test]
fn data_moves_a_connection_to_where_it_comes_from() {
    let (mut server, peer, connection) = accepted(&NetworkSettings::default());
    let endpoint = server.local_endpoint(0, 0).expect("is bound");
    for (kind, rest) in [(1, &b"\0moved"[..]), (3, b""), (4, b"\0\0"), (5, b"\x02\0\0\0")] {
        let moved = RawDatagrams::to(&endpoint);
        moved.send(&packet(kind, rest));
        let remote = moved.local();
        until("the move", || {
            step(&mut [&mut server]);
            let info = server.connection_info(connection).expect("is open");
            (info.remote.to_socket_addr() == Some(remote)).then_some(())
        });
        while server.pop_event().is_some() {}
        drain(&mut server, &moved);
        server.send(connection, 0, b"found you").expect("is sent");
        assert_eq!(moved.receive(&mut server), data(b"found you"));
    }
    assert!(drain(&mut server, &peer).is_empty());
}

#[test]
fn a_repeated_request_moves_nothing_and_is_answered_where_the_client_was() {
    let (mut server, peer, connection) = accepted(&NetworkSettings::default());
    let endpoint = server.local_endpoint(0, 0).expect("is bound");
    let elsewhere = RawDatagrams::to(&endpoint);
    elsewhere.send(&handshake(1, b""));
    assert_eq!(peer.receive(&mut server), handshake(2, b""));
    assert!(drain(&mut server, &elsewhere).is_empty());
    let info = server.connection_info(connection).expect("is open");
    assert_eq!(info.remote.to_socket_addr(), Some(peer.local()));
}

#[test]
fn garbage_is_dropped_counted_and_never_answered() {
    let (mut server, peer, _) = accepted(&NetworkSettings::default());
    let stranger = [9; 8];
    let malformed: [&[u8]; 12] = [
        b"",
        b"\x01",
        b"UTP",
        b"UTP\x01\x01short",
        &[b"UTP\x02\x01", &stranger[..]].concat(),
        &[b"UTP\x01\x07", &stranger[..]].concat(),
        &[b"UTP\x01\x01", &stranger[..], b"\x09\x00hi"].concat(),
        &packet(0, b""),
        &packet(99, b"x"),
        &packet(1, b""),
        &packet(4, b"\x01"),
        &packet(5, b"\x03\0\0\0"),
    ];
    for datagram in malformed {
        peer.send(datagram);
    }
    let unknown: [&[u8]; 4] = [
        &[&[1][..], &stranger, b"\0x"].concat(),
        &[&[2][..], &stranger].concat(),
        &[&[3][..], &stranger].concat(),
        &[&[4][..], &stranger, b"\0\0"].concat(),
    ];
    for datagram in unknown {
        peer.send(datagram);
    }
    peer.send(&[0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    peer.send(&packet(1, b"\x07unknown pipeline"));
    let statistics = until("all of it", || {
        step(&mut [&mut server]);
        let statistics = server.statistics();
        (statistics.datagrams_in == 1 + 12 + 4 + 2).then_some(statistics)
    });
    assert_eq!(statistics.malformed_in, 12 + 1);
    assert_eq!(statistics.unknown_token_in, 4);
    assert_eq!(statistics.old_protocol_in, 1);
    assert!(server.pop_event().is_none() && server.accept().is_none());
    assert!(drain(&mut server, &peer).is_empty());
    assert_eq!(statistics.connections, 1);
}

#[test]
fn packets_with_bytes_too_many_still_count() {
    let (mut server, peer, connection) = accepted(&NetworkSettings::default());
    peer.send(&packet(3, b"and more"));
    peer.send(&data(b"x"));
    let event = expect_event(&mut [&mut server], EventKind::Data);
    assert_eq!((event.connection, &event.data[..]), (connection, &b"x"[..]));
    peer.send(&packet(2, b"and more"));
    expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!(server.statistics().malformed_in, 0);
}

#[test]
fn an_idle_server_sends_heartbeats_of_nine_bytes() {
    let settings =
        NetworkSettings { heartbeat_timeout_ms: 500, round_trip_interval_ms: 0, ..frames(100) };
    let (mut server, peer, _) = accepted(&settings);
    peer.send(&packet(3, b""));
    for _ in 0..3 {
        assert_eq!(peer.receive(&mut server), packet(3, b""));
    }
}

#[test]
fn a_timeout_says_goodbye() {
    let settings =
        NetworkSettings { disconnect_timeout_ms: 300, heartbeat_timeout_ms: 0, ..frames(10) };
    let (mut server, peer, _) = accepted(&settings);
    // To an address that never spoke nothing is said.
    peer.send(&packet(3, b""));
    assert_eq!(peer.receive(&mut server), packet(2, b""));
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::Timeout);
}

#[test]
fn a_request_keeps_a_connection_alive_and_a_repeated_accept_does_not() {
    let settings =
        NetworkSettings { disconnect_timeout_ms: 200, heartbeat_timeout_ms: 0, ..frames(10) };
    let (mut client, raw, _, request) = asked(&settings);
    let local = client.local_endpoint(0, 0).expect("is bound").port();
    let to = (std::net::Ipv4Addr::LOCALHOST, local).into();
    let accept = [b"UTP\x01\x02", &request[5..13]].concat();
    raw.send(to, &accept);
    expect_event(&mut [&mut client], EventKind::Connect);
    let end = until("the timeout", || {
        raw.send(to, &accept);
        step(&mut [&mut client]);
        client.pop_event()
    });
    assert_eq!(end.reason, DisconnectReason::Timeout);
    let (mut server, peer, connection) = accepted(&settings);
    for _ in 0..100 {
        peer.send(&handshake(1, b""));
        peer.receive(&mut server);
    }
    assert_eq!(server.connection_state(connection), ConnectionState::Connected);
    assert_eq!(TOKEN.len(), 8);
}
