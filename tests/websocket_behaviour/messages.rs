//! Messages of the plain dialect: kinds, pieces, sizes, pings.

use netdriver::settings::{DialectPolicy, NetworkSettings};
use netdriver::{Connection, EventKind, MessageKind, NetworkDriver, Status};

use crate::support::raw::{BINARY, CONTINUATION, FIN, PING, PONG, RawStream, TEXT, frame};
use crate::support::{Pair, expect_accept, expect_event, status, websocket_server};

/// A plain server with a raw client.
pub fn plain(settings: &NetworkSettings) -> (NetworkDriver, RawStream, Connection) {
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, settings);
    let peer = RawStream::open(&mut server, port, "/", "");
    let connection = expect_accept(&mut [&mut server]);
    (server, peer, connection)
}

#[test]
fn text_and_binary_go_both_ways_and_keep_their_kind() {
    let settings = NetworkSettings::default();
    let mut pair = Pair::plain(&settings, &settings);
    let long = "ж".repeat(50_000);
    for text in ["", "hello", "snö 雪 🎮", &long] {
        pair.client.send_text(pair.to_server, text).expect("is sent");
        let event = pair.server_event(EventKind::Data);
        assert!(event.text && event.data == text.as_bytes());
        pair.server.send_text(pair.to_client, text).expect("is sent");
        let event = pair.client_event(EventKind::Data);
        assert!(event.text && event.data == text.as_bytes());
    }
    for size in [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 20] {
        let bytes: Vec<u8> = (0..size).map(|index| (index * 7) as u8).collect();
        pair.client.send(pair.to_server, 0, &bytes).expect("is sent");
        let event = pair.server_event(EventKind::Data);
        assert!(!event.text && event.data == bytes, "{size}");
        pair.server.send(pair.to_client, 0, &bytes).expect("is sent");
        assert!(pair.client_event(EventKind::Data).data == bytes, "{size}");
    }
}

#[test]
fn bytes_that_are_no_text_are_not_sent_as_text() {
    let settings = NetworkSettings::default();
    let mut pair = Pair::plain(&settings, &settings);
    let bad = pair.client.send_as(pair.to_server, 0, MessageKind::Text, b"\xff");
    assert_eq!(status(bad), Status::InvalidArgument);
    let all = [pair.to_client];
    let many = pair.server.send_to_many_as(all.into_iter(), 0, MessageKind::Text, b"\xff", |_| {
        panic!("nobody gets it")
    });
    assert_eq!(status(many), Status::InvalidArgument);
    pair.client.send(pair.to_server, 0, b"\xff").expect("is sent as binary");
    assert_eq!(pair.server_event(EventKind::Data).data, b"\xff"[..]);
}

#[test]
fn messages_of_a_plain_connection_are_written_in_place_too() {
    let settings = NetworkSettings::default();
    let mut pair = Pair::plain(&settings, &settings);
    let handle = pair.client.begin_send(pair.to_server, 0, 0).expect("is open");
    let buffer = pair.client.send_buffer(handle).expect("is open");
    assert_eq!(buffer.len(), 64 * 1024);
    buffer[..4].copy_from_slice(b"text");
    pair.client.end_send_as(handle, 4, MessageKind::Text).expect("is sent");
    let most = pair.client.payload_size_max(pair.to_server, 0).expect("is open");
    assert_eq!(most, settings.websocket_message_size_max);
    let handle = pair.client.begin_send(pair.to_server, 0, most).expect("is open");
    assert_eq!(pair.client.send_buffer(handle).expect("is open").len(), most as usize);
    pair.client.end_send(handle, most).expect("is sent");
    let event = pair.server_event(EventKind::Data);
    assert!(event.text && event.data == b"text"[..]);
    let event = pair.server_event(EventKind::Data);
    assert!(!event.text && event.data.len() == most as usize);
}

#[test]
fn one_frame_serves_many_plain_connections() {
    let settings = NetworkSettings::default();
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
    let mut peers = Vec::new();
    let mut connections = Vec::new();
    for _ in 0..3 {
        peers.push(RawStream::open(&mut server, port, "/", ""));
        connections.push(expect_accept(&mut [&mut server]));
    }
    let mut count = 0;
    let all = connections.iter().copied();
    let each = |outcome: netdriver::Result<()>| count += usize::from(outcome.is_ok());
    server.send_to_many_as(all, 0, MessageKind::Text, b"all", each).expect("is text");
    assert_eq!(count, 3);
    for peer in &mut peers {
        let heard = peer.frame(&mut server);
        assert_eq!((heard.first, &heard.payload[..]), (FIN | TEXT, &b"all"[..]));
    }
}

#[test]
fn fragments_are_put_together_across_control_frames() {
    let (mut server, mut peer, _) = plain(&NetworkSettings::default());
    let bytes = [
        frame(TEXT, "ein Stück sn".as_bytes()),
        frame(FIN | PING, b"alive?"),
        frame(CONTINUATION, b""),
        frame(CONTINUATION, &"ö"[..].as_bytes()[..1]),
        frame(FIN | PONG, b"unasked"),
        frame(FIN | CONTINUATION, &"ö".as_bytes()[1..]),
        frame(BINARY, b"12"),
        frame(FIN | CONTINUATION, b"34"),
        frame(FIN | TEXT, b""),
        frame(BINARY, b""),
        frame(FIN | CONTINUATION, b""),
    ];
    peer.write(&mut server, &bytes.concat());
    let expected =
        [("ein Stück snö".as_bytes(), true), (b"1234", false), (b"", true), (b"", false)];
    for (data, text) in expected {
        let event = expect_event(&mut [&mut server], EventKind::Data);
        assert_eq!((&event.data[..], event.text), (data, text));
    }
    let pong = peer.frame(&mut server);
    assert_eq!((pong.first, &pong.payload[..]), (FIN | PONG, &b"alive?"[..]));
}

#[test]
fn bytes_that_come_one_at_a_time_make_the_same_messages() {
    let (mut server, mut peer, _) = plain(&NetworkSettings::default());
    let bytes = [frame(TEXT, "sn".as_bytes()), frame(FIN | CONTINUATION, "ö".as_bytes())].concat();
    for byte in &bytes {
        peer.write(&mut server, &[*byte]);
        server.update().expect("updates");
    }
    let event = expect_event(&mut [&mut server], EventKind::Data);
    assert_eq!((&event.data[..], event.text), ("snö".as_bytes(), true));
}

#[test]
fn a_pong_leaves_before_the_answer_to_what_followed_the_ping() {
    let (mut server, mut peer, connection) = plain(&NetworkSettings::default());
    let bytes = [frame(FIN | PING, b"one"), frame(FIN | TEXT, b"question")].concat();
    peer.write(&mut server, &bytes);
    expect_event(&mut [&mut server], EventKind::Data);
    server.send_text(connection, "answer").expect("is sent");
    assert_eq!(peer.frame(&mut server).first, FIN | PONG);
    assert_eq!(peer.frame(&mut server).payload, b"answer");
}
