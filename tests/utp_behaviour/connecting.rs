//! Drivers, connections and how they end.

use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{
    Connection, ConnectionState, DisconnectReason, EventKind, NetworkDriver, NetworkEndpoint,
    Status,
};

use crate::support::{
    Pair, driver, expect_accept, expect_event, listen, server, settle, status, step, until,
};

const CARRIERS: [InterfaceKind; 4] =
    [InterfaceKind::Ipc, InterfaceKind::Udp, InterfaceKind::WebSocket, InterfaceKind::Tcp];

/// Settings on virtual time.
/// Frames of a fixed length, and nothing but what a stock peer says.
pub fn frames(fixed_frame_time_ms: i32) -> NetworkSettings {
    NetworkSettings { fixed_frame_time_ms, session: false, ..NetworkSettings::default() }
}

#[test]
fn an_unbound_driver_updates_in_silence() {
    let mut bare = NetworkDriver::new(&NetworkSettings::default()).expect("a driver");
    bare.update().expect("updates");
    bare.flush().expect("flushes");
    assert!(bare.pop_event().is_none() && bare.accept().is_none());
    assert!(!bare.is_bound() && !bare.is_listening());
    let mut unbound = driver(InterfaceKind::Udp, &NetworkSettings::default());
    settle(&mut [&mut unbound], 3);
    assert!(unbound.pop_event().is_none());
}

#[test]
fn listening_needs_a_bound_interface_and_says_so() {
    let mut driver = driver(InterfaceKind::Udp, &NetworkSettings::default());
    assert_eq!(status(driver.listen()), Status::NetworkIdMismatch);
    assert!(!driver.is_listening());
    let endpoint = listen(&mut driver);
    assert!(driver.is_bound() && driver.is_listening());
    assert!(endpoint.port() != 0 && endpoint.is_loopback());
    driver.listen().expect("again is fine");
    assert!(driver.accept().is_none());
}

#[test]
fn a_port_that_is_taken_is_a_socket_error() {
    for kind in CARRIERS {
        let (_first, endpoint) = server(kind, &NetworkSettings::default());
        let mut second = driver(kind, &NetworkSettings::default());
        let failed = second.bind(0, &endpoint).and_then(|_| second.listen());
        assert_eq!(status(failed), Status::NetworkSocketError, "{kind:?}");
    }
}

#[test]
fn a_client_connects_and_a_server_accepts() {
    for kind in CARRIERS {
        let mut pair = Pair::new(kind);
        assert_eq!(pair.client.connection_state(pair.to_server), ConnectionState::Connected);
        assert_eq!(pair.server.connection_state(pair.to_client), ConnectionState::Connected);
        assert_eq!(pair.to_client.version(), 1);
        assert!(pair.server.accept().is_none() && pair.server.pop_event().is_none());
        let info = pair.client.connection_info(pair.to_server).expect("is known");
        assert_eq!((info.interface_kind, info.remote), (kind, pair.endpoint));
        let ours = pair.server.connection_info(pair.to_client).expect("is known");
        assert_eq!(ours.local.port(), pair.endpoint.port());
        assert_eq!(ours.remote.port(), info.local.port());
    }
}

#[test]
fn connecting_is_a_state_and_not_an_event() {
    let mut client = driver(InterfaceKind::Ipc, &frames(10));
    let endpoint = NetworkEndpoint::loopback_ipv4(6001);
    let connection = client.connect(0, &endpoint, b"").expect("starts to connect");
    assert_eq!(client.connection_state(connection), ConnectionState::Connecting);
    client.update().expect("updates");
    assert!(client.pop_event().is_none());
    assert_eq!(client.connection_state(connection), ConnectionState::Connecting);
    assert_eq!(client.statistics().connections, 1);
}

#[test]
fn payloads_travel_with_request_and_accept() {
    for kind in CARRIERS {
        let (mut server, endpoint) = server(kind, &NetworkSettings::default());
        server.set_accept_payload(b"welcome").expect("fits");
        let mut client = driver(kind, &NetworkSettings::default());
        let connection = client.connect(0, &endpoint, b"hello").expect("starts to connect");
        let event = expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        assert_eq!((event.connection, &event.data[..]), (connection, &b"welcome"[..]));
        let accepted = expect_accept(&mut [&mut server, &mut client]);
        assert_eq!(server.connect_payload(accepted).expect("is known"), b"hello");
        assert_eq!(client.connect_payload(connection).expect("is known"), b"");
    }
}

#[test]
fn the_longest_payloads_fit_and_longer_ones_are_refused() {
    for (kind, most) in [(InterfaceKind::Udp, 1375), (InterfaceKind::WebSocket, 1361)] {
        let (mut server, endpoint) = server(kind, &NetworkSettings::default());
        let accept = vec![7; 1361];
        server.set_accept_payload(&accept).expect("fits");
        assert_eq!(
            status(server.set_accept_payload(&[7; 1362])),
            Status::NetworkPacketOverflow,
            "an accept payload fits every interface"
        );
        let mut client = driver(kind, &NetworkSettings::default());
        let longer = vec![9; most + 1];
        assert_eq!(status(client.connect(0, &endpoint, &longer)), Status::NetworkPacketOverflow);
        assert_eq!(client.statistics().connections, 0);
        client.connect(0, &endpoint, &longer[1..]).expect("starts to connect");
        let event = expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        assert_eq!(event.data, accept);
        let accepted = expect_accept(&mut [&mut server, &mut client]);
        assert_eq!(server.connect_payload(accepted).expect("is known"), &longer[1..]);
    }
}

#[test]
fn a_server_that_comes_late_is_found_within_the_attempts() {
    let settings = NetworkSettings { max_connect_attempts: 10, ..frames(100) };
    let endpoint = NetworkEndpoint::loopback_ipv4(6002);
    let mut client = driver(InterfaceKind::Ipc, &settings);
    let connection = client.connect(0, &endpoint, b"").expect("starts to connect");
    for _ in 0..50 {
        client.update().expect("updates");
        assert!(client.pop_event().is_none());
    }
    let mut server = driver(InterfaceKind::Ipc, &settings);
    server.bind(0, &endpoint).expect("binds");
    server.listen().expect("listens");
    let event = expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    assert_eq!(event.connection, connection);
}

#[test]
fn attempts_that_are_exhausted_end_with_reason_2() {
    let settings =
        NetworkSettings { connect_timeout_ms: 50, max_connect_attempts: 3, ..frames(10) };
    let mut client = driver(InterfaceKind::Ipc, &settings);
    let endpoint = NetworkEndpoint::loopback_ipv4(6003);
    let connection = client.connect(0, &endpoint, b"").expect("starts to connect");
    let mut updates = 0;
    let event = until("the end of the attempts", || {
        client.update().expect("updates");
        updates += 1;
        client.pop_event()
    });
    assert_eq!((event.kind, event.connection), (EventKind::Disconnect, connection));
    assert_eq!(event.reason, DisconnectReason::MaxConnectionAttempts);
    assert!((15..=20).contains(&updates), "three times more than 50 ms, not {updates}0 ms");
    assert_eq!(client.statistics().datagrams_out, 3);
    assert_eq!(client.statistics().connections, 0);
    assert!(client.connection_info(connection).is_ok(), "it can be asked until the update");
    client.update().expect("updates");
    assert_eq!(status(client.connection_info(connection)), Status::NetworkVersionMismatch);
}

#[test]
fn a_websocket_server_that_is_not_there_exhausts_the_attempts_too() {
    let (gone, endpoint) = server(InterfaceKind::WebSocket, &NetworkSettings::default());
    drop(gone);
    let settings = NetworkSettings {
        connect_timeout_ms: 5,
        max_connect_attempts: 3,
        ..NetworkSettings::default()
    };
    let mut client = driver(InterfaceKind::WebSocket, &settings);
    client.connect(0, &endpoint, b"").expect("starts to connect");
    let event = expect_event(&mut [&mut client], EventKind::Disconnect);
    assert_eq!(event.reason, DisconnectReason::MaxConnectionAttempts);
}

#[test]
fn a_remote_close_is_reason_3_and_a_local_one_no_event() {
    for kind in CARRIERS {
        let mut pair = Pair::new(kind);
        pair.client.disconnect(pair.to_server).expect("is open");
        let state = pair.client.connection_state(pair.to_server);
        assert_eq!(state, ConnectionState::Disconnected, "at once");
        let event = pair.server_event(EventKind::Disconnect);
        assert_eq!(event.reason, DisconnectReason::ClosedByRemote);
        assert!(event.clean && event.data.is_empty(), "{event:?}");
        settle(&mut [&mut pair.client, &mut pair.server], 5);
        assert!(pair.client.pop_event().is_none() && pair.server.pop_event().is_none());
        let both = [pair.client.statistics(), pair.server.statistics()];
        assert!(both.iter().all(|statistics| statistics.connections == 0));
        assert_eq!(status(pair.client.disconnect(pair.to_server)), Status::NetworkVersionMismatch);
    }
}

#[test]
fn a_server_closes_as_a_client_does() {
    for kind in CARRIERS {
        let mut pair = Pair::new(kind);
        pair.server.send(pair.to_client, 0, b"goodbye").expect("is sent");
        pair.server.disconnect(pair.to_client).expect("is open");
        let last = pair.client_event(EventKind::Data);
        assert_eq!(last.data, b"goodbye"[..], "what was sent before the close arrives");
        let event = pair.client_event(EventKind::Disconnect);
        assert_eq!(event.reason, DisconnectReason::ClosedByRemote);
    }
}

#[test]
fn closing_twice_is_harmless_and_a_stale_value_an_error() {
    let mut pair = Pair::new(InterfaceKind::Ipc);
    pair.client.disconnect(pair.to_server).expect("is open");
    pair.client.disconnect(pair.to_server).expect("waits for the flush");
    pair.client.flush().expect("flushes");
    assert_eq!(status(pair.client.disconnect(pair.to_server)), Status::NetworkVersionMismatch);
    let event = pair.server_event(EventKind::Disconnect);
    assert_eq!(event.reason, DisconnectReason::ClosedByRemote);
}

#[test]
fn values_that_name_no_connection_are_disconnected() {
    let mut pair = Pair::new(InterfaceKind::Ipc);
    let unknown = [
        Connection::NONE,
        Connection::from_u64(u64::MAX),
        Connection::from_u64(pair.to_client.to_u64() + 1),
        Connection::from_u64(pair.to_client.to_u64() + (1 << 32)),
    ];
    for connection in unknown {
        let state = pair.server.connection_state(connection);
        assert_eq!(state, ConnectionState::Disconnected, "{connection:?}");
        assert_eq!(pair.server.event_queue_size(connection), 0);
        assert!(pair.server.pop_event_for_connection(connection).is_none());
        assert!(pair.server.disconnect(connection).is_err());
        assert!(pair.server.connection_info(connection).is_err());
    }
}

#[test]
fn a_slot_is_used_again_with_a_new_version() {
    let mut pair = Pair::new(InterfaceKind::Ipc);
    let mut seen = vec![pair.to_server];
    for _ in 0..5 {
        pair.client.disconnect(pair.to_server).expect("is open");
        pair.server_event(EventKind::Disconnect);
        pair.to_server = pair.client.connect(0, &pair.endpoint, b"").expect("starts to connect");
        assert_eq!(pair.to_server.index(), 0);
        assert!(!seen.contains(&pair.to_server), "{seen:?}");
        for &stale in &seen {
            let state = pair.client.connection_state(stale);
            assert_eq!(state, ConnectionState::Disconnected);
            assert_eq!(status(pair.client.send(stale, 0, b"")), Status::NetworkVersionMismatch);
        }
        seen.push(pair.to_server);
        pair.client_event(EventKind::Connect);
        pair.to_client = expect_accept(&mut [&mut pair.server, &mut pair.client]);
    }
}

#[test]
fn five_clients_are_five_connections() {
    for kind in CARRIERS {
        let (mut server, endpoint) = server(kind, &NetworkSettings::default());
        let mut clients: Vec<NetworkDriver> =
            (0..5).map(|_| driver(kind, &NetworkSettings::default())).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            client.connect(0, &endpoint, &[number as u8]).expect("starts to connect");
        }
        let mut accepted = Vec::new();
        until("five connections", || {
            step(&mut [&mut server]);
            accepted.extend(std::iter::from_fn(|| server.accept()));
            for client in &mut clients {
                client.update().expect("updates");
            }
            (accepted.len() == 5).then_some(())
        });
        let mut payloads: Vec<u8> = accepted
            .iter()
            .map(|&connection| server.connect_payload(connection).expect("is known")[0])
            .collect();
        payloads.sort_unstable();
        assert_eq!(payloads, [0, 1, 2, 3, 4]);
        assert_eq!(server.statistics().connections, 5);
    }
}

#[test]
fn one_driver_holds_several_connections_to_one_server() {
    let (mut server, endpoint) = server(InterfaceKind::Udp, &NetworkSettings::default());
    let mut client = driver(InterfaceKind::Udp, &NetworkSettings::default());
    let all: Vec<Connection> = (0..3u8)
        .map(|number| client.connect(0, &endpoint, &[number]).expect("starts to connect"))
        .collect();
    for _ in 0..3 {
        let event = expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        let index = all.iter().position(|&one| one == event.connection).expect("is one of them");
        client.send(event.connection, 0, &[index as u8]).expect("is sent");
    }
    for _ in 0..3 {
        let connection = expect_accept(&mut [&mut server, &mut client]);
        let expected = server.connect_payload(connection).expect("is known").to_vec();
        let event = until("its message", || {
            step(&mut [&mut server, &mut client]);
            server.pop_event_for_connection(connection)
        });
        assert_eq!((event.connection, &event.data[..]), (connection, &expected[..]));
    }
}

#[test]
fn a_connection_closed_while_connecting_never_connects() {
    let settings = frames(10);
    let (mut server, endpoint) = server(InterfaceKind::Ipc, &settings);
    let mut client = driver(InterfaceKind::Ipc, &settings);
    let connection = client.connect(0, &endpoint, b"").expect("starts to connect");
    client.update().expect("sends the request");
    server.update().expect("answers");
    client.disconnect(connection).expect("is known");
    for _ in 0..5 {
        client.update().expect("updates");
        assert!(client.pop_event().is_none(), "the answer came after the close");
    }
    assert_eq!(client.statistics().connections, 0);
    assert_eq!(client.connection_state(connection), ConnectionState::Disconnected);
}

#[test]
fn a_driver_that_does_not_listen_takes_nobody() {
    let mut quiet = driver(InterfaceKind::Ipc, &frames(10));
    quiet.bind(0, &NetworkEndpoint::loopback_ipv4(0)).expect("binds");
    let endpoint = quiet.local_endpoint(0, 0).expect("is bound");
    let mut client = driver(InterfaceKind::Ipc, &frames(10));
    client.connect(0, &endpoint, b"").expect("starts to connect");
    client.update().expect("updates");
    quiet.update().expect("updates");
    assert!(quiet.accept().is_none());
    assert_eq!(quiet.statistics().unknown_token_in, 1);
}

#[test]
fn bad_endpoints_are_refused_and_leave_nothing() {
    let mut driver = driver(InterfaceKind::Udp, &NetworkSettings::default());
    let custom = NetworkEndpoint::custom(&[1, 2, 3]).expect("is short enough");
    let bad = [NetworkEndpoint::INVALID, custom, NetworkEndpoint::loopback_ipv4(0)];
    for endpoint in bad {
        let refused = status(driver.connect(0, &endpoint, b""));
        assert_eq!(refused, Status::InvalidArgument, "{endpoint}");
    }
    assert_eq!(status(driver.bind(0, &custom)), Status::InvalidArgument);
    let nowhere = NetworkEndpoint::loopback_ipv4(9);
    assert_eq!(status(driver.connect(7, &nowhere, b"")), Status::InvalidArgument);
    assert_eq!(driver.statistics().connections, 0);
}
