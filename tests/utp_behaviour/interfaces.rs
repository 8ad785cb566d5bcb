//! Several interfaces and several addresses in one driver, both families, host names.

use netdriver::settings::{Dialect, InterfaceKind, InterfaceSettings, NetworkSettings, UrlOptions};
use netdriver::{
    Connection, DisconnectReason, EventKind, Family, NetworkDriver, NetworkEndpoint, Status,
};

use super::connecting::frames;
use crate::support::{driver, expect_accept, expect_event, server, status, step, until};

/// Connects a fresh driver over a kind of interface, and has the server accept it.
fn visit(
    server: &mut NetworkDriver,
    kind: InterfaceKind,
    endpoint: &NetworkEndpoint,
) -> (NetworkDriver, Connection, Connection) {
    let mut client = driver(kind, &NetworkSettings::default());
    let connection = client.connect(0, endpoint, b"").expect("starts to connect");
    expect_event(&mut [&mut client, server], EventKind::Connect);
    let accepted = expect_accept(&mut [server, &mut client]);
    (client, connection, accepted)
}

#[test]
fn one_driver_serves_every_interface_at_once() {
    let mut server = NetworkDriver::new(&NetworkSettings::default()).expect("a driver");
    let kinds =
        [InterfaceKind::Udp, InterfaceKind::WebSocket, InterfaceKind::Ipc, InterfaceKind::Tcp];
    for (number, kind) in kinds.into_iter().enumerate() {
        let added = server.add_interface(InterfaceSettings::new(kind)).expect("an interface");
        assert_eq!(added as usize, number);
        server.bind(added, &NetworkEndpoint::loopback_ipv4(0)).expect("binds");
    }
    server.listen().expect("listens");
    let mut guests = Vec::new();
    for (number, kind) in kinds.into_iter().enumerate() {
        let endpoint = server.local_endpoint(number as u32, 0).expect("is bound");
        let (client, connection, accepted) = visit(&mut server, kind, &endpoint);
        let info = server.connection_info(accepted).expect("is open");
        assert_eq!((info.interface as usize, info.interface_kind), (number, kind));
        assert_eq!(info.dialect, Dialect::Utp);
        guests.push((client, connection, accepted));
    }
    let port = server.local_endpoint(1, 0).expect("is bound").port();
    let mut page = NetworkDriver::new(&NetworkSettings::default()).expect("a driver");
    let url = format!("ws://127.0.0.1:{port}/");
    let connection = page.connect_url(&url, &UrlOptions::default()).expect("starts to connect");
    page.update().expect("updates");
    expect_event(&mut [&mut page, &mut server], EventKind::Connect);
    page.send(connection, 0, b"first").expect("is sent");
    let accepted = expect_accept(&mut [&mut server, &mut page]);
    let info = server.connection_info(accepted).expect("is open");
    assert_eq!(info.dialect, Dialect::Plain);
    assert_eq!(expect_event(&mut [&mut server, &mut page], EventKind::Data).data, b"first"[..]);
    guests.push((page, connection, accepted));
    let all: Vec<Connection> = guests.iter().map(|guest| guest.2).collect();
    assert_eq!(server.send_to_many(&all, 0, b"to all"), 5);
    for (client, connection, _) in &mut guests {
        let event = expect_event(&mut [client, &mut server], EventKind::Data);
        assert_eq!((event.connection, &event.data[..]), (*connection, &b"to all"[..]));
    }
}

#[test]
fn an_interface_listens_at_several_addresses() {
    for kind in
        [InterfaceKind::Udp, InterfaceKind::WebSocket, InterfaceKind::Ipc, InterfaceKind::Tcp]
    {
        let mut server = driver(kind, &NetworkSettings::default());
        let first = server.bind(0, &NetworkEndpoint::loopback_ipv4(0)).expect("binds");
        server.listen().expect("listens");
        let second = server.bind(0, &NetworkEndpoint::loopback_ipv4(0)).expect("binds later");
        let endpoints =
            [first, second].map(|binding| server.local_endpoint(0, binding).expect("is bound"));
        assert_ne!(endpoints[0], endpoints[1]);
        for endpoint in endpoints {
            let (_client, _, accepted) = visit(&mut server, kind, &endpoint);
            let info = server.connection_info(accepted).expect("is open");
            assert_eq!(info.local.port(), endpoint.port(), "{kind:?}");
        }
        assert_eq!(status(server.local_endpoint(0, 2)), Status::NotFound);
        assert_eq!(status(server.local_endpoint(1, 0)), Status::InvalidArgument);
    }
}

#[test]
fn ipv6_works_beside_ipv4_in_one_driver() {
    for kind in [InterfaceKind::Udp, InterfaceKind::WebSocket, InterfaceKind::Tcp] {
        let mut server = driver(kind, &NetworkSettings::default());
        server.bind(0, &NetworkEndpoint::loopback_ipv6(0)).expect("binds");
        server.bind(0, &NetworkEndpoint::loopback_ipv4(0)).expect("binds");
        server.listen().expect("listens");
        for (binding, family) in [(0, Family::Ipv6), (1, Family::Ipv4)] {
            let endpoint = server.local_endpoint(0, binding).expect("is bound");
            assert_eq!(endpoint.family(), family);
            let (mut client, connection, accepted) = visit(&mut server, kind, &endpoint);
            let info = server.connection_info(accepted).expect("is open");
            assert_eq!(info.remote.family(), family);
            client.send(connection, 0, b"hello").expect("is sent");
            let event = until("the message", || {
                step(&mut [&mut server, &mut client]);
                server.pop_event_for_connection(accepted)
            });
            assert_eq!(event.data, b"hello"[..]);
            server.send(accepted, 0, b"hello").expect("is sent");
            expect_event(&mut [&mut client, &mut server], EventKind::Data);
        }
    }
}

#[test]
fn any_of_both_families_share_a_port() {
    let mut server = driver(InterfaceKind::Udp, &NetworkSettings::default());
    server.bind(0, &NetworkEndpoint::any_ipv6(0)).expect("binds");
    let port = server.local_endpoint(0, 0).expect("is bound").port();
    server.bind(0, &NetworkEndpoint::any_ipv4(port)).expect("the families do not collide");
    server.listen().expect("listens");
    for endpoint in [NetworkEndpoint::loopback_ipv6(port), NetworkEndpoint::loopback_ipv4(port)] {
        visit(&mut server, InterfaceKind::Udp, &endpoint);
    }
}

#[test]
fn ipc_takes_loopback_addresses_of_either_family_and_no_others() {
    let mut server = driver(InterfaceKind::Ipc, &frames(10));
    let far = NetworkEndpoint::parse("192.0.2.1", 80, None).expect("is an address");
    assert_eq!(status(server.bind(0, &far)), Status::InvalidArgument);
    server.bind(0, &NetworkEndpoint::any_ipv4(0)).expect("binds");
    server.listen().expect("listens");
    let port = server.local_endpoint(0, 0).expect("is bound").port();
    let mut client = driver(InterfaceKind::Ipc, &frames(10));
    assert_eq!(status(client.connect(0, &far, b"")), Status::InvalidArgument);
    for endpoint in [NetworkEndpoint::loopback_ipv4(port), NetworkEndpoint::loopback_ipv6(port)] {
        client.connect(0, &endpoint, b"").expect("starts to connect");
        expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    }
    assert_eq!(status(client.connect_host(0, "example", 1, b"")), Status::InvalidArgument);
}

#[test]
fn a_host_name_is_looked_up_in_the_background() {
    for kind in [InterfaceKind::Udp, InterfaceKind::WebSocket, InterfaceKind::Tcp] {
        let (mut server, endpoint) = server(kind, &NetworkSettings::default());
        for host in ["localhost", "127.0.0.1"] {
            let mut client = driver(kind, &NetworkSettings::default());
            let connection = client
                .connect_host(0, host, endpoint.port(), b"by name")
                .expect("starts to connect");
            let event = expect_event(&mut [&mut client, &mut server], EventKind::Connect);
            assert_eq!(event.connection, connection);
            let accepted = expect_accept(&mut [&mut server, &mut client]);
            assert_eq!(server.connect_payload(accepted).expect("is open"), b"by name");
        }
    }
}

#[test]
fn a_host_name_without_an_address_is_reason_9() {
    let mut client = driver(InterfaceKind::Udp, &NetworkSettings::default());
    // A label that no resolver takes, so that none has to be asked.
    let name = format!("{}.invalid", "x".repeat(64));
    let connection = client.connect_host(0, &name, 80, b"").expect("starts to look");
    let event = until("the answer", || {
        step(&mut [&mut client]);
        client.pop_event()
    });
    assert_eq!((event.connection, event.kind), (connection, EventKind::Disconnect));
    assert_eq!(event.reason, DisconnectReason::HostNotFound);
    assert_eq!(client.statistics().connections, 0);
}

#[test]
fn a_look_up_that_nobody_waits_for_any_more_is_harmless() {
    let mut client = driver(InterfaceKind::Udp, &NetworkSettings::default());
    let connection = client.connect_host(0, "localhost", 9, b"").expect("starts to look");
    client.disconnect(connection).expect("is known");
    for _ in 0..50 {
        step(&mut [&mut client]);
        assert!(client.pop_event().is_none());
    }
    assert_eq!(client.statistics().connections, 0);
}

#[test]
fn host_names_that_are_none_are_refused() {
    let mut client = driver(InterfaceKind::Udp, &NetworkSettings::default());
    let long = "a".repeat(300);
    for host in ["", "two words", "tab\there", &long] {
        let refused = status(client.connect_host(0, host, 80, b""));
        assert_eq!(refused, Status::InvalidArgument, "{host:?}");
    }
    assert_eq!(status(client.connect_host(0, "localhost", 0, b"")), Status::InvalidArgument);
    assert_eq!(client.statistics().connections, 0);
}

#[test]
fn a_port_is_free_again_when_its_driver_is_gone() {
    for kind in [InterfaceKind::Udp, InterfaceKind::Ipc, InterfaceKind::WebSocket] {
        let (first, endpoint) = server(kind, &NetworkSettings::default());
        drop(first);
        let mut second = driver(kind, &NetworkSettings::default());
        second.bind(0, &endpoint).expect("is free");
        second.listen().expect("listens");
    }
}
