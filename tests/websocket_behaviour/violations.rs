//! Strangers that break the protocol: the right close code, a counted error, nobody else hurt.

use netdriver::settings::{DialectPolicy, NetworkSettings};
use netdriver::{DisconnectReason, EventKind};

use super::messages::plain;
use crate::support::raw::{
    BINARY, CLOSE, CONTINUATION, FIN, PING, RawStream, TEXT, bare_frame, close_payload, frame,
    frame_header, handshake,
};
use crate::support::{expect_accept, expect_event, settle, violation, websocket_server};

/// The longest message in these tests.
const LONGEST: usize = 1000;

fn settings() -> NetworkSettings {
    NetworkSettings { websocket_message_size_max: LONGEST as u32, ..NetworkSettings::default() }
}

/// Sends bytes to a plain server and checks how it ends the connection.
fn ends_with(what: &str, bytes: &[u8], code: u16) {
    let (mut server, mut peer, connection) = plain(&settings());
    peer.write(&mut server, bytes);
    let end = crate::support::until(what, || {
        crate::support::step(&mut [&mut server]);
        server.pop_event()
    });
    assert_eq!((end.connection, end.kind), (connection, EventKind::Disconnect), "{what}");
    assert_eq!((end.reason, end.clean), (violation(code), false), "{what}");
    assert_eq!(end.close_code, code, "{what}");
    assert!(!end.data.is_empty(), "{what}: it says which rule was broken");
    assert_eq!(peer.close_frame(&mut server).0, code, "{what}");
    assert!(peer.end(&mut server).is_empty(), "{what}");
    let statistics = server.statistics();
    assert_eq!((statistics.protocol_errors, statistics.connections), (1, 0), "{what}");
    assert!(server.pop_event().is_none(), "{what}");
}

#[test]
fn broken_frames_end_with_1002() {
    let short = frame(FIN | TEXT, b"hello");
    let mut padded = vec![FIN | TEXT, 0x80 | 126, 0, 5];
    padded.extend_from_slice(&short[2..]);
    let mut padded_twice = vec![FIN | BINARY, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 5];
    padded_twice.extend_from_slice(&short[2..]);
    let cases = [
        ("the first reserved bit", frame(FIN | 0x40 | TEXT, b"x")),
        ("the second reserved bit", frame(FIN | 0x20 | BINARY, b"x")),
        ("the third reserved bit", frame(FIN | 0x10 | PING, b"x")),
        ("a frame without a mask", bare_frame(FIN | TEXT, b"x")),
        ("an empty frame without a mask", bare_frame(FIN | TEXT, b"")),
        ("a reserved data opcode", frame(FIN | 3, b"x")),
        ("a reserved control opcode", frame(FIN | 11, b"")),
        ("a ping in pieces", frame(PING, b"x")),
        ("a close in pieces", frame(CLOSE, b"")),
        ("a ping that is too long", frame(FIN | PING, &[0; 126])),
        ("a close that is too long", frame(FIN | CLOSE, &[0; 126])),
        ("a continuation of nothing", frame(FIN | CONTINUATION, b"x")),
        ("an unfinished continuation of nothing", frame(CONTINUATION, b"")),
        ("a message within a message", [frame(TEXT, b"a"), frame(FIN | TEXT, b"b")].concat()),
        ("a length of 16 bits without need", padded),
        ("a length of 64 bits without need", padded_twice),
        ("a length with its top bit set", frame_header(FIN | BINARY, 1 << 63, true)),
        ("half a close code", frame(FIN | CLOSE, &[3])),
    ];
    for (what, bytes) in cases {
        ends_with(what, &bytes, 1002);
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
        let close = frame(FIN | CLOSE, &close_payload(code, ""));
        ends_with(&format!("close code {code}"), &close, 1002);
    }
}

#[test]
fn bytes_that_are_no_text_end_with_1007() {
    let cases: [(&str, Vec<u8>); 7] = [
        ("an invalid byte", frame(FIN | TEXT, b"abc\xff")),
        ("half a character", frame(FIN | TEXT, b"\xc3")),
        ("a surrogate", frame(FIN | TEXT, b"\xed\xa0\x80")),
        ("an overlong form", frame(FIN | TEXT, b"\xc0\xaf")),
        ("an invalid first piece", frame(TEXT, b"\xff")),
        (
            "a character that its next piece breaks",
            [frame(TEXT, b"\xe2\x82"), frame(FIN | CONTINUATION, b"x")].concat(),
        ),
        ("a reason that is no text", frame(FIN | CLOSE, b"\x03\xe8\xff")),
    ];
    for (what, bytes) in cases {
        ends_with(what, &bytes, 1007);
    }
    let end_in_mid_character = [frame(TEXT, b"\xe2"), frame(FIN | CONTINUATION, b"\x82")].concat();
    ends_with("a text that ends within a character", &end_in_mid_character, 1007);
}

#[test]
fn messages_that_are_too_big_end_with_1009() {
    let half = [0; LONGEST / 2 + 1];
    let cases = [
        ("one byte too many", frame(FIN | BINARY, &[0; LONGEST + 1])),
        ("a header alone", frame_header(FIN | BINARY, LONGEST as u64 + 1, true)),
        ("a header that asks for everything", frame_header(FIN | TEXT, (1 << 63) - 1, true)),
        (
            "pieces that are too big together",
            [frame(BINARY, &half), frame(CONTINUATION, &half)].concat(),
        ),
    ];
    for (what, bytes) in cases {
        ends_with(what, &bytes, 1009);
    }
}

#[test]
fn the_longest_message_is_taken_whole_and_in_pieces() {
    let (mut server, mut peer, _) = plain(&settings());
    peer.write(&mut server, &frame(FIN | BINARY, &[1; LONGEST]));
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data.len(), LONGEST);
    peer.write(&mut server, &frame(BINARY, &[1; LONGEST / 2]));
    peer.write(&mut server, &frame(FIN | CONTINUATION, &[1; LONGEST - LONGEST / 2]));
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data.len(), LONGEST);
}

#[test]
fn messages_in_front_of_the_violation_are_delivered() {
    let (mut server, mut peer, _) = plain(&settings());
    let bytes = [frame(FIN | TEXT, b"fine"), frame(FIN | 3, b"")].concat();
    peer.write(&mut server, &bytes);
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, b"fine"[..]);
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!(end.close_code, 1002);
}

#[test]
fn one_stranger_does_not_disturb_another() {
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings());
    let mut good = RawStream::open(&mut server, port, "/", "");
    let kept = expect_accept(&mut [&mut server]);
    for round in 0..20u8 {
        let mut bad = RawStream::open(&mut server, port, "/", "");
        let lost = expect_accept(&mut [&mut server]);
        bad.write(&mut server, &frame(FIN | 3, b""));
        good.write(&mut server, &frame(FIN | BINARY, &[round]));
        let mut seen = [false; 2];
        while seen != [true; 2] {
            let event = crate::support::next_event(&mut [&mut server], "both events");
            match event.kind {
                EventKind::Data => assert_eq!((event.connection, event.data[0]), (kept, round)),
                _ => assert_eq!((event.connection, event.close_code), (lost, 1002)),
            }
            seen[usize::from(event.kind == EventKind::Data)] = true;
        }
    }
    assert_eq!(server.statistics().protocol_errors, 20);
}

#[test]
fn a_utp_stream_has_stricter_rules() {
    // The order of the checks: reserved bits, mask and pieces first, then size, then the kind.
    let cases = [
        ("text", frame(FIN | TEXT, b"x"), 1003),
        ("text in pieces", frame(TEXT, b"x"), 1002),
        ("compressed text", frame(FIN | 0x40 | TEXT, b"x"), 1002),
        ("text without a mask", bare_frame(FIN | TEXT, b"x"), 1002),
        ("text that is too big", frame(FIN | TEXT, &[b'x'; 1387]), 1009),
        ("a packet that is too big", frame_header(FIN | BINARY, 1387, true), 1009),
    ];
    for (what, bytes, code) in cases {
        let (mut server, port) =
            websocket_server(DialectPolicy::UtpOnly, &NetworkSettings::default());
        let mut peer = RawStream::open(&mut server, port, "/", "");
        peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
        let connection = expect_accept(&mut [&mut server]);
        assert_eq!(peer.frame(&mut server).payload, handshake(2, b""));
        peer.write(&mut server, &bytes);
        let end = expect_event(&mut [&mut server], EventKind::Disconnect);
        assert_eq!((end.connection, end.close_code), (connection, code), "{what}");
        assert_eq!((end.reason, end.clean), (DisconnectReason::ProtocolError, false), "{what}");
        assert_eq!(peer.close_frame(&mut server).0, code, "{what}");
        peer.end(&mut server);
    }
}

#[test]
fn garbage_packets_on_a_utp_stream_are_counted_and_do_not_end_it() {
    let (mut server, port) = websocket_server(DialectPolicy::UtpOnly, &NetworkSettings::default());
    let mut peer = RawStream::open(&mut server, port, "/", "");
    peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
    expect_accept(&mut [&mut server]);
    for junk in [&b""[..], b"\x01", &[99; 20], &[1, 9, 9, 9, 9, 9, 9, 9, 9, 0]] {
        peer.write(&mut server, &frame(FIN | BINARY, junk));
    }
    peer.write(&mut server, &frame(FIN | BINARY, &crate::support::raw::data(b"fine")));
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, b"fine"[..]);
    let statistics = server.statistics();
    assert_eq!((statistics.malformed_in, statistics.unknown_token_in), (3, 1));
}

#[test]
fn a_violation_before_the_dialect_is_known_closes_and_shows_nobody() {
    let patient = NetworkSettings { plain_grace_ms: 60_000, ..NetworkSettings::default() };
    for (bytes, code) in [
        (bare_frame(FIN | BINARY, b"x"), 1002),
        (frame(FIN | TEXT, b"\xff"), 1007),
        (frame_header(FIN | BINARY, 1 << 40, true), 1009),
    ] {
        let (mut server, port) = websocket_server(DialectPolicy::Auto, &patient);
        let mut peer = RawStream::open(&mut server, port, "/", "");
        peer.write(&mut server, &bytes);
        assert_eq!(peer.close_frame(&mut server).0, code);
        peer.end(&mut server);
        drop(peer);
        settle(&mut [&mut server], 5);
        assert!(server.accept().is_none() && server.pop_event().is_none());
        let statistics = server.statistics();
        assert_eq!((statistics.handshakes_pending, statistics.protocol_errors), (0, 1));
    }
}
