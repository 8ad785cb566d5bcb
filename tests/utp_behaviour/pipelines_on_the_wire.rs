//! What pipelines put on the wire, and when: a peer of raw datagrams.

use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{Connection, EventKind, NetworkDriver};

use super::connecting::frames;
use crate::support::raw::{RawDatagrams, handshake, packet};
use crate::support::{create_pipelines, driver, expect_accept, listen};

/// A server with pipelines and a raw client that it has accepted and that has spoken.
fn accepted(settings: &NetworkSettings, list: &str) -> (NetworkDriver, RawDatagrams, Connection) {
    let (mut server, peer, connection) = silent(settings, list);
    peer.send(&packet(3, b""));
    update(&mut server, 1);
    (server, peer, connection)
}

/// The same; the client has only asked for the connection.
fn silent(settings: &NetworkSettings, list: &str) -> (NetworkDriver, RawDatagrams, Connection) {
    let mut server = driver(InterfaceKind::Udp, settings);
    create_pipelines(&mut server, list);
    let endpoint = listen(&mut server);
    let peer = RawDatagrams::to(&endpoint);
    peer.send(&handshake(1, b""));
    assert_eq!(peer.receive(&mut server), handshake(2, b""));
    let connection = expect_accept(&mut [&mut server]);
    (server, peer, connection)
}

fn update(server: &mut NetworkDriver, times: usize) {
    for _ in 0..times {
        server.update().expect("updates");
    }
}

fn sent(peer: &RawDatagrams) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| peer.try_receive()).collect()
}

/// A data packet through a pipeline.
fn through(pipeline: u8, rest: &[u8]) -> Vec<u8> {
    packet(1, &[&[pipeline][..], rest].concat())
}

/// A packet of a reliable pipeline with a window of 32.
fn reliable(kind: u8, number: u16, acked: u16, mask: u32, payload: &[u8]) -> Vec<u8> {
    let [number, acked] = [number.to_le_bytes(), acked.to_le_bytes()];
    let header = [&[kind, 0, 0, 0][..], &number, &acked, &mask.to_le_bytes()].concat();
    through(1, &[&header[..], payload].concat())
}

/// Is it an acknowledgement of this packet that carries nothing?
fn is_ack_of(datagram: &[u8], number: u16) -> bool {
    let header = &datagram[10..];
    header[0] == 1 && header[6..8] == number.to_le_bytes() && header.len() == 13
}

#[test]
fn the_first_packets_have_the_bytes_of_unity_transport() {
    let list = "reliable:32;frag;frag,reliable:32;useq";
    let (mut server, peer, connection) = accepted(&frames(10), list);
    for pipeline in 1..=4 {
        server.send(connection, pipeline, &42i32.to_le_bytes()).expect("is sent");
    }
    server.flush().expect("flushes");
    let value = [42, 0, 0, 0];
    let first = [0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let expected = [
        through(1, &[&first[..], &value].concat()),
        through(2, &[&[0x00, 0xc0][..], &value].concat()),
        through(3, &[&first[..], &[0x00, 0xc0], &value].concat()),
        through(4, &[&[0x00, 0x00][..], &value].concat()),
    ];
    assert_eq!(sent(&peer), expected);
}

#[test]
fn an_acknowledgement_travels_with_the_answer() {
    let (mut server, peer, connection) = accepted(&frames(10), "reliable");
    peer.send(&reliable(0, 0, 0xffff, u32::MAX, b"ask"));
    update(&mut server, 1);
    assert_eq!(server.pop_event().expect("arrived").data, b"ask"[..]);
    assert!(sent(&peer).is_empty(), "the program has its chance");
    server.send(connection, 1, b"answer").expect("is sent");
    server.flush().expect("flushes");
    update(&mut server, 3);
    let packets = sent(&peer);
    assert_eq!(packets.len(), 1, "nothing but the answer: {packets:02x?}");
    assert_eq!(packets[0][10..12], [0, 0], "a payload");
    assert_eq!(packets[0][16..18], [0, 0], "which acknowledges the first packet");
}

#[test]
fn what_is_not_answered_is_acknowledged_by_the_next_call() {
    for call in ["update", "flush", "wait"] {
        let (mut server, peer, _) = accepted(&NetworkSettings::default(), "reliable");
        peer.send(&reliable(0, 0, 0xffff, u32::MAX, b"ask"));
        server.wait(1000).expect("waits");
        assert!(sent(&peer).is_empty(), "the program has not seen it yet");
        server.update().expect("updates");
        assert!(sent(&peer).is_empty(), "the program has its chance");
        assert_eq!(server.pop_event().expect("arrived").kind, EventKind::Data);
        match call {
            "update" => server.update().expect("updates"),
            "flush" => server.flush().expect("flushes"),
            _ => assert!(!server.wait(0).expect("waits")),
        }
        let packets = sent(&peer);
        assert!(packets.len() == 1 && is_ack_of(&packets[0], 0), "{call}: {packets:02x?}");
    }
}

#[test]
fn a_gap_and_a_repetition_are_acknowledged_at_once() {
    let (mut server, peer, _) = accepted(&frames(10), "reliable");
    peer.send(&reliable(0, 1, 0xffff, u32::MAX, b"second"));
    update(&mut server, 1);
    let packets = sent(&peer);
    assert!(packets.len() == 1 && is_ack_of(&packets[0], 1), "{packets:02x?}");
    assert_eq!(packets[0][18] & 3, 1, "the first one is missing");
    assert!(server.pop_event().is_none());
    peer.send(&reliable(0, 0, 0xffff, u32::MAX, b"first"));
    update(&mut server, 1);
    let got: Vec<_> = std::iter::from_fn(|| server.pop_event()).map(|event| event.data).collect();
    assert_eq!(got, [&b"first"[..], b"second"]);
    update(&mut server, 1);
    assert_eq!(sent(&peer).len(), 1, "both at once");
    peer.send(&reliable(0, 0, 0xffff, u32::MAX, b"first"));
    update(&mut server, 1);
    let packets = sent(&peer);
    assert!(packets.len() == 1 && is_ack_of(&packets[0], 1), "{packets:02x?}");
    assert!(server.pop_event().is_none(), "it was there before");
}

#[test]
fn packets_of_no_pipeline_and_without_their_headers_are_dropped_and_counted() {
    let (mut server, peer, _) = accepted(&frames(10), "reliable;frag;useq;null");
    let broken = [
        through(5, b"x"),
        through(255, b""),
        through(1, b"short"),
        through(2, b"x"),
        through(3, b""),
    ];
    for datagram in &broken {
        peer.send(datagram);
    }
    update(&mut server, 2);
    assert!(server.pop_event().is_none());
    assert_eq!(server.statistics().malformed_in, broken.len() as u64);
    peer.send(&through(4, b"fine"));
    update(&mut server, 1);
    let event = server.pop_event().expect("arrived");
    assert_eq!((&event.data[..], event.pipeline), (&b"fine"[..], 4));
}

#[test]
fn the_accept_is_repeated_in_front_of_everything_until_the_client_speaks() {
    let (mut server, peer, connection) = silent(&frames(10), "reliable;null");
    let accept = handshake(2, b"");
    server.send(connection, 1, b"a").expect("is sent");
    server.send(connection, 2, b"b").expect("is sent");
    server.flush().expect("flushes");
    let packets = sent(&peer);
    assert_eq!(packets.len(), 3);
    assert_eq!(packets[0], accept);
    // Nobody acknowledges, so it is sent again, behind an accept again.
    let mut again = Vec::new();
    for _ in 0..60 {
        update(&mut server, 1);
        again.extend(sent(&peer));
    }
    assert!(again.len() >= 4, "{again:02x?}");
    for two in again.chunks(2) {
        assert_eq!(two[0], accept);
        assert_eq!(two[1][..], reliable(0, 0, 0xffff, u32::MAX, b"a"));
    }
    peer.send(&packet(3, b""));
    update(&mut server, 60);
    let packets = sent(&peer);
    assert!(!packets.is_empty() && !packets.contains(&accept), "{packets:02x?}");
}

#[test]
fn a_packet_without_an_answer_is_sent_again_until_the_connection_ends() {
    let settings = NetworkSettings { disconnect_timeout_ms: 2000, ..frames(10) };
    let (mut server, peer, connection) = accepted(&settings, "reliable");
    server.send(connection, 1, b"a").expect("is sent");
    let mut times = Vec::new();
    for frame in 1..=400 {
        update(&mut server, 1);
        for datagram in sent(&peer) {
            if datagram[0] == 1 {
                times.push(frame * 10);
            }
        }
    }
    let gaps: Vec<i32> = times.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(gaps.iter().all(|&gap| (60..=80).contains(&gap)), "{gaps:?}");
    assert!(times.len() > 20, "{times:?}");
    let end = server.pop_event().expect("a timeout");
    assert_eq!((end.kind, end.connection), (EventKind::Disconnect, connection));
    assert!(*times.last().expect("many") <= 2010, "nothing after the end: {times:?}");
}

/// What a connection has to show, as text.
fn popped(server: &mut NetworkDriver, connection: Connection) -> Vec<String> {
    std::iter::from_fn(|| server.pop_event_for_connection(connection))
        .map(|event| String::from_utf8_lossy(&event.data).into_owned())
        .collect()
}

#[test]
fn a_queue_that_fills_in_the_middle_of_a_batch_spoils_none_of_it() {
    let settings = NetworkSettings { receive_queue_capacity: 2, ..frames(10) };
    let (mut server, peer, connection) = accepted(&settings, "reliable:32");
    peer.send(&reliable(0, 1, 0xffff, u32::MAX, b"1-second"));
    peer.send(&reliable(0, 2, 0xffff, u32::MAX, b"2-third!"));
    peer.send(&reliable(0, 0, 0xffff, u32::MAX, b"0-first."));
    update(&mut server, 1);
    assert_eq!(popped(&mut server, connection), ["0-first.", "1-second", "2-third!"]);
}

#[test]
fn a_message_that_comes_before_its_path_is_known_spoils_no_other_of_its_batch() {
    let settings = NetworkSettings { perform_path_mtu_discovery: true, ..frames(10) };
    let mut server = driver(InterfaceKind::Udp, &settings);
    let endpoint = listen(&mut server);
    let peer = RawDatagrams::to(&endpoint);
    peer.send(&handshake(1, b""));
    peer.receive(&mut server);
    peer.send(&packet(3, b""));
    let connection = expect_accept(&mut [&mut server]);
    let (other, token) = (RawDatagrams::to(&endpoint), [9; 8]);
    other.send(&[&b"UTP\x01\x01"[..], &token].concat());
    other.receive(&mut server);
    peer.send(&packet(1, b"\0AAAAAAAA"));
    other.send(&[&[1][..], &token, b"\0BBBBBBBB"].concat());
    update(&mut server, 1);
    assert_eq!(popped(&mut server, connection), ["AAAAAAAA"]);
}
