//! Path-MTU discovery on virtual time: both roles, narrow paths, peers that know nothing of it.

use netdriver::settings::{InterfaceKind, NetworkSettings, NetworkSimulator};
use netdriver::{Connection, ConnectionState, EventKind, NetworkDriver};

use super::connecting::frames;
use crate::support::raw::{RawDatagrams, RawServer, handshake, packet};
use crate::support::{
    Pair, create_pipelines, driver, expect_accept, expect_event, server, settle, status,
};

fn discovering() -> NetworkSettings {
    NetworkSettings { perform_path_mtu_discovery: true, ..frames(10) }
}

/// Lets nothing longer come in.
fn narrow(driver: &mut NetworkDriver, receive_mtu: u32) {
    driver.set_network_simulator(&NetworkSimulator { receive_mtu, ..NetworkSimulator::default() });
}

/// A pair whose packets are at most so long on their way to each side, and the frames it took.
fn pair(ours: &NetworkSettings, theirs: &NetworkSettings, mtu: [u32; 2]) -> (Pair, usize) {
    let (mut server, endpoint) = server(InterfaceKind::Ipc, ours);
    let mut client = driver(InterfaceKind::Ipc, theirs);
    for driver in [&mut server, &mut client] {
        create_pipelines(driver, "frag,reliable");
    }
    narrow(&mut server, mtu[0]);
    narrow(&mut client, mtu[1]);
    let to_server = client.connect(0, &endpoint, b"").expect("starts to connect");
    let (mut to_client, mut connected) = (Connection::NONE, false);
    for frame in 0..300 {
        server.update().expect("updates");
        client.update().expect("updates");
        connected |= client.pop_event().is_some_and(|event| event.kind == EventKind::Connect);
        to_client = server.accept().unwrap_or(to_client);
        if connected && to_client != Connection::NONE {
            return (Pair { server, client, to_client, to_server, endpoint }, frame);
        }
    }
    panic!("they did not connect within three seconds");
}

fn sizes(pair: &mut Pair) -> [u32; 2] {
    [
        pair.server.message_size_max(pair.to_client).expect("is open"),
        pair.client.message_size_max(pair.to_server).expect("is open"),
    ]
}

#[test]
fn a_wide_path_is_known_after_a_round_trip() {
    let (mut pair, took) = pair(&discovering(), &discovering(), [0, 0]);
    assert_eq!(sizes(&mut pair), [1400, 1400]);
    assert!(took < 10, "{took} frames");
}

#[test]
fn each_side_finds_what_its_own_way_takes() {
    for (way, found) in [(1400, 1400), (1399, 1380), (1379, 1300), (1299, 1024), (1024, 1024)] {
        let (mut pair, took) = pair(&discovering(), &discovering(), [way, 0]);
        assert_eq!(sizes(&mut pair), [1400, found], "{way}");
        assert!(took <= 75, "{took} frames");
        let most = pair.client.payload_size_max(pair.to_server, 0).expect("is open");
        assert_eq!(most, found - 10);
        pair.client.send(pair.to_server, 0, &vec![7; most as usize]).expect("fits");
        assert_eq!(pair.server_event(EventKind::Data).data.len(), most as usize, "and arrives");
        let longer = pair.client.send(pair.to_server, 0, &vec![7; most as usize + 1]);
        assert_eq!(status(longer), netdriver::Status::NetworkPacketOverflow);
    }
}

#[test]
fn a_session_keeps_to_what_the_path_takes() {
    for way in [1299, 1379, 0] {
        let settings = NetworkSettings { session: true, ..discovering() };
        let (mut pair, _) = pair(&settings, &settings, [way, 0]);
        for _ in 0..20 {
            pair.frame();
        }
        let message: Vec<u8> = (0..4000).map(|index| index as u8).collect();
        for _ in 0..5 {
            pair.client.send(pair.to_server, 1, &message).expect("there is room");
            assert_eq!(pair.server_event(EventKind::Data).data, message);
        }
        let found = pair.client.connection_statistics(pair.to_server).expect("is open");
        assert_eq!(found.reliable.packets_resent, 0, "{way}");
        assert_eq!(found.reliable.acks_received, 0, "the session acknowledges, {way}");
    }
}

#[test]
fn one_side_alone_may_look_for_it() {
    let (mut pair, _) = pair(&discovering(), &frames(10), [0, 1350]);
    assert_eq!(sizes(&mut pair), [1300, 1400]);
    let (mut pair, _) = self::pair(&frames(10), &discovering(), [1350, 0]);
    assert_eq!(sizes(&mut pair), [1400, 1300]);
}

#[test]
fn a_path_that_takes_no_probe_at_all_is_left_to_the_settings() {
    // As with a peer before 2.5, which answers none.
    let (mut pair, took) = pair(&frames(10), &discovering(), [1000, 0]);
    assert_eq!(sizes(&mut pair), [1400, 1400]);
    assert!((60..75).contains(&took), "{took} frames");
}

#[test]
fn other_sizes_of_the_settings_are_probed_accordingly() {
    let with = |max_message_size| NetworkSettings { max_message_size, ..discovering() };
    let (mut pair, _) = pair(&with(1472), &with(1472), [1460, 0]);
    assert_eq!(sizes(&mut pair), [1472, 1452]);
    let (mut pair, took) = self::pair(&with(1000), &with(1000), [0, 0]);
    assert_eq!(sizes(&mut pair), [1000, 1000]);
    assert!(took < 10, "there is nothing to find");
}

#[test]
fn websocket_counts_its_header() {
    let mut pair = Pair::with(InterfaceKind::WebSocket, &discovering());
    assert_eq!(sizes(&mut pair), [1400, 1400]);
    assert_eq!(pair.client.payload_size_max(pair.to_server, 0).expect("is open"), 1376);
    let info = pair.server.connection_info(pair.to_client).expect("is open");
    assert_eq!(info.path_mtu, 1400);
}

#[test]
fn the_probes_of_a_client_follow_the_accept_and_have_the_right_bytes() {
    let raw = RawServer::new();
    let mut client = driver(InterfaceKind::Udp, &discovering());
    let connection = client.connect(0, &raw.endpoint(), b"").expect("starts to connect");
    let (from, request) = raw.receive(&mut client);
    let token = &request[5..13];
    raw.send(from, &[b"UTP\x01\x02", token].concat());
    // What comes meanwhile waits behind the Connect event.
    raw.send(from, &[&[1][..], token, b"\0early"].concat());
    for size in [1024usize, 1300, 1380, 1400] {
        let probe = raw.receive(&mut client).1;
        assert_eq!(probe.len(), size);
        assert_eq!(probe[..11], [&[4][..], token, &(size as u16 - 11).to_le_bytes()].concat());
        assert!(probe[11..].iter().all(|&byte| byte == 0));
    }
    assert!(client.pop_event().is_none() && client.pop_event_for_connection(connection).is_none());
    assert_eq!(client.connection_state(connection), ConnectionState::Connecting);
    raw.send(from, &[&[5][..], token, &[2, 0, 0x14, 0x05]].concat());
    settle(&mut [&mut client], 32);
    let again: Vec<usize> =
        std::iter::from_fn(|| raw.try_receive()).map(|(_, probe)| probe.len()).collect();
    assert_eq!(again, [1380, 1400], "what was not answered, once more");
    expect_event(&mut [&mut client], EventKind::Connect);
    assert_eq!(client.message_size_max(connection).expect("is open"), 1300);
    let event = expect_event(&mut [&mut client], EventKind::Data);
    assert_eq!(&event.data[..], b"early");
}

#[test]
fn a_server_probes_nobody_that_it_has_not_heard() {
    let (mut server, endpoint) = server(InterfaceKind::Udp, &discovering());
    let peer = RawDatagrams::to(&endpoint);
    peer.send(&handshake(1, b""));
    assert_eq!(peer.receive(&mut server), handshake(2, b""));
    settle(&mut [&mut server], 50);
    assert!(peer.try_receive().is_none() && server.accept().is_none());
    peer.send(&packet(3, b""));
    assert_eq!(peer.receive(&mut server).len(), 1024);
    peer.send(&packet(5, &[2, 0, 0x78, 0x05]));
    let connection = expect_accept(&mut [&mut server]);
    assert_eq!(server.message_size_max(connection).expect("is open"), 1400);
}

#[test]
fn a_silent_client_is_handed_out_all_the_same() {
    let (mut server, endpoint) = server(InterfaceKind::Udp, &discovering());
    let peer = RawDatagrams::to(&endpoint);
    peer.send(&handshake(1, b""));
    peer.receive(&mut server);
    settle(&mut [&mut server], 90);
    assert!(server.accept().is_none());
    let connection = expect_accept(&mut [&mut server]);
    assert_eq!(server.message_size_max(connection).expect("is open"), 1400);
}

#[test]
fn who_leaves_during_discovery_is_seen_with_what_it_said() {
    let (mut server, endpoint) = server(InterfaceKind::Udp, &discovering());
    let peer = RawDatagrams::to(&endpoint);
    peer.send(&handshake(1, b""));
    peer.receive(&mut server);
    peer.send(&packet(1, b"\0last words"));
    peer.send(&packet(2, b""));
    let connection = expect_accept(&mut [&mut server]);
    let event = expect_event(&mut [&mut server], EventKind::Data);
    assert_eq!((event.connection, &event.data[..]), (connection, &b"last words"[..]));
    expect_event(&mut [&mut server], EventKind::Disconnect);
    settle(&mut [&mut server], 3);
    assert_eq!(server.statistics().connections, 0);
}

#[test]
fn a_client_that_gives_up_during_discovery_leaves_nothing_behind() {
    let (mut server, endpoint) = server(InterfaceKind::Ipc, &discovering());
    narrow(&mut server, 1000);
    let mut client = driver(InterfaceKind::Ipc, &discovering());
    let connection = client.connect(0, &endpoint, b"").expect("starts to connect");
    settle(&mut [&mut client, &mut server], 10);
    assert_eq!(client.connection_state(connection), ConnectionState::Connecting);
    client.disconnect(connection).expect("is known");
    settle(&mut [&mut client, &mut server], 80);
    assert!(client.pop_event().is_none());
    assert_eq!(client.statistics().connections, 0);
}
