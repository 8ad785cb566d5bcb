//! A flood of requests with forged addresses, on virtual time and without a network: datagrams go
//! straight into the driver.

use std::net::{Ipv4Addr, SocketAddr};

use super::super::{EventKind, NetworkDriver};
use super::*;
use crate::proto::random::Random;
use crate::settings::{InterfaceKind, InterfaceSettings};

const TOKEN: Token = *b"a player";
const FLOOD: u32 = 100_000;

/// A listening server on a fixed frame time.
fn server(settings: NetworkSettings) -> NetworkDriver {
    let settings = NetworkSettings { fixed_frame_time_ms: 10, ..settings };
    let mut server = NetworkDriver::new(&settings).expect("the settings are good");
    server.add_interface(InterfaceSettings::new(InterfaceKind::Udp)).expect("an interface");
    server.bind(0, &NetworkEndpoint::loopback_ipv4(0)).expect("a port");
    server.listen().expect("listens");
    // What it answers goes nowhere.
    let nowhere = crate::settings::NetworkSimulator { partitioned: true, ..Default::default() };
    server.set_network_simulator(&nowhere);
    server.simulator.as_mut().expect("is there").receive.set_params(Default::default());
    server
}

/// A link to an address that nobody has.
fn from(address: u32) -> Link {
    let address = Ipv4Addr::from(0x0a00_0000 | address);
    Link::Udp { socket: 0, remote: SocketAddr::from((address, 7777)) }
}

fn request(token: Token) -> Vec<u8> {
    let mut out = Vec::new();
    Packet::ConnectionRequest { token, payload: &[] }.write(&mut out);
    out
}

fn data(token: Token, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Packet::Data { token, pipeline: 0, payload }.write(&mut out);
    out
}

#[test]
fn a_flood_of_forged_requests_is_bounded_and_disturbs_no_player() {
    let mut server = server(NetworkSettings::default());
    server.receive_datagram(0, from(1), &request(TOKEN));
    server.receive_datagram(0, from(1), &data(TOKEN, b"hello"));
    server.update().expect("updates");
    let player = server.accept().expect("a player");
    let mut random = Random::new(5);
    let (mut heard, mut handed_out) = (0, 0);
    for number in 0..FLOOD {
        let token = random.next_u64().to_le_bytes();
        server.receive_datagram(0, from(1000 + number), &request(token));
        if number % 200 != 0 {
            continue;
        }
        server.receive_datagram(0, from(1), &data(TOKEN, b"playing"));
        server.update().expect("updates");
        handed_out += std::iter::from_fn(|| server.accept()).count();
        while let Some(event) = server.pop_event() {
            match event.kind {
                EventKind::Data => heard += usize::from(event.connection == player),
                kind => assert_eq!(kind, EventKind::Disconnect, "of those that are not there"),
            }
        }
        server.send(player, 0, b"state").expect("a player is served");
        let counted = server.statistics();
        assert!(counted.connections_unvalidated <= 300, "{}", counted.connections_unvalidated);
        assert!(counted.connections <= 301);
    }
    assert_eq!(heard, 1 + FLOOD as usize / 200, "every message of the player arrives");
    let counted = server.statistics();
    assert!(counted.retries_out > u64::from(FLOOD) * 9 / 10, "{}", counted.retries_out);
    assert!(handed_out < 700, "{handed_out} in 5 seconds");
    assert!(server.guard.memory() < 4 << 20, "{} bytes", server.guard.memory());
    // After the flood the strangers go, and everything is as before.
    for _ in 0..600 {
        server.receive_datagram(0, from(1), &data(TOKEN, b"playing"));
        server.update().expect("updates");
        while server.pop_event().is_some() || server.accept().is_some() {}
    }
    let counted = server.statistics();
    assert_eq!((counted.connections, counted.connections_unvalidated), (1, 0));
    assert_eq!(server.interfaces[0].tokens.len(), 1);
    server.receive_datagram(0, from(2), &request(*b"a friend"));
    server.update().expect("updates");
    assert!(server.accept().is_some(), "the next player gets in at once");
}

#[test]
fn connections_of_an_address_and_its_requests_are_bounded() {
    let mut server = server(NetworkSettings {
        connections_per_address_max: 3,
        requests_per_address_max: 10,
        ..NetworkSettings::default()
    });
    server.update().expect("updates");
    for number in 0..20 {
        server.receive_datagram(0, from(7), &request([number; 8]));
    }
    server.receive_datagram(0, from(8), &request(TOKEN));
    server.update().expect("updates");
    let all: Vec<Connection> = std::iter::from_fn(|| server.accept()).collect();
    assert_eq!(all.len(), 4, "three of the one, one of the other");
    let counted = server.statistics();
    assert_eq!((counted.requests_over_address, counted.requests_over_rate), (7, 10));
    // A connection that ends makes room.
    server.disconnect(all[0]).expect("is open");
    for _ in 0..100 {
        server.update().expect("updates");
    }
    server.receive_datagram(0, from(7), &request(TOKEN.map(|byte| byte + 1)));
    assert!(server.accept().is_some());
}

#[test]
fn whatever_ends_a_connection_gives_its_place_back() {
    type End = fn(&mut NetworkDriver, Connection);
    let ends: [(&str, End); 4] = [
        ("disconnect", |server, connection| server.disconnect(connection).expect("is open")),
        ("abort", |server, connection| server.abort(connection).expect("is open")),
        ("goodbye", |server, _| {
            server.receive_datagram(0, from(1), &[&[2][..], &TOKEN].concat());
        }),
        ("silence", |server, _| {
            for _ in 0..600 {
                server.update().expect("updates");
            }
        }),
    ];
    for (name, end) in ends {
        let mut server = server(NetworkSettings::default());
        server.receive_datagram(0, from(1), &request(TOKEN));
        let connection = server.accept().expect("a connection");
        assert_eq!(server.guard.unvalidated(), 1);
        end(&mut server, connection);
        for _ in 0..3 {
            server.update().expect("updates");
            while server.pop_event().is_some() {}
        }
        assert_eq!(server.guard.unvalidated(), 0, "{name}");
        assert_eq!(server.statistics().connections, 0, "{name}");
        assert!(server.interfaces[0].tokens.is_empty(), "{name}");
    }
}

#[test]
fn a_program_that_accepts_nobody_holds_nothing_for_those_that_are_gone() {
    let mut server = server(NetworkSettings::default());
    for round in 0..10_u32 {
        for number in 0..200 {
            let token = u64::from(round * 1000 + number).to_le_bytes();
            server.receive_datagram(0, from(round * 1000 + number), &request(token));
        }
        for _ in 0..600 {
            server.update().expect("updates");
        }
    }
    assert!(server.accept_queue.is_empty());
    assert_eq!(server.statistics().connections_unheard, 2000);
}
