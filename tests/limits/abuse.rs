//! Strangers that mean no good: each meets its limit, the right code or status, and one counter.
//! What is already open does not notice.

use netdriver::settings::{DialectPolicy, InterfaceKind, NetworkSettings, UrlOptions};
use netdriver::{DisconnectReason, EventKind, NetworkDriver, Statistics};

use crate::support::raw::{
    BINARY, FIN, MASK, RawDatagrams, RawListener, RawStream, TEXT, answer, bare_frame, frame,
    frame_header, handshake, header, request,
};
use crate::support::{expect_accept, expect_event, server, step, until, websocket_server};

/// RSV1: compressed.
const PACKED: u8 = 0x40;
const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
const FORGETFUL: &str = "Sec-WebSocket-Extensions: permessage-deflate; \
                         server_no_context_takeover; client_no_context_takeover\r\n";

/// The counters of failed handshakes, which add up.
fn failures(statistics: &Statistics) -> [(&'static str, u64); 10] {
    let s = statistics;
    let all = [
        ("too_large", s.handshakes_too_large),
        ("malformed", s.handshakes_malformed),
        ("not_found", s.handshakes_not_found),
        ("timed_out", s.handshakes_timed_out),
        ("abandoned", s.handshakes_abandoned),
        ("displaced", s.handshakes_displaced),
        ("overloaded", s.handshakes_overloaded),
        ("tls", s.tls_failures),
        ("refused", s.handshakes_refused),
        ("unanswered", s.handshakes_unanswered),
    ];
    assert_eq!(all.iter().map(|row| row.1).sum::<u64>(), s.handshakes_failed, "{s:?}");
    all
}

/// Runs the server until this many handshakes have failed, all for one reason.
#[track_caller]
fn expect_failures(server: &mut NetworkDriver, why: &str, count: u64) {
    until(why, || {
        step(&mut [server]);
        (server.statistics().handshakes_failed >= count).then_some(())
    });
    for (name, value) in failures(&server.statistics()) {
        assert_eq!(value, if name == why { count } else { 0 }, "{name}, not {why}");
    }
}

/// The status that answers these bytes.
fn status_of(server: &mut NetworkDriver, port: u16, bytes: &[u8]) -> String {
    let mut peer = RawStream::connect(port);
    peer.write(server, bytes);
    let head = peer.head(server);
    head.split(' ').nth(1).expect("has a status").to_owned()
}

#[test]
fn heads_that_are_too_large_or_never_end_are_431_and_counted() {
    let settings = NetworkSettings { head_size_max: 1000, ..NetworkSettings::default() };
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &settings);
    let long_value = request("/", &format!("X: {}\r\n", "x".repeat(2000)));
    let many = request("/", &"A: b\r\n".repeat(200));
    let endless = ["GET / HTTP/1.1\r\n", &"A: b\r\n".repeat(1000)].concat();
    let long_target = format!("GET /{} HTTP/1.1\r\n", "x".repeat(5000));
    let no_line = "G".repeat(5000);
    for (count, text) in [long_value, many, endless, long_target, no_line].iter().enumerate() {
        assert_eq!(status_of(&mut server, port, text.as_bytes()), "431", "{count}");
        expect_failures(&mut server, "too_large", count as u64 + 1);
    }
    assert!(server.statistics().stream_bytes_in < 5 * 6000);
}

#[test]
fn requests_that_break_rules_and_wrong_paths_are_counted_apart() {
    let settings = NetworkSettings::default();
    let cases = [
        ("malformed", "400", request("/", "").replace("Sec-WebSocket-Key", "X")),
        ("malformed", "400", "GET / HTTP/1.1\r\nbad header\r\n\r\n".to_owned()),
        ("malformed", "405", "POST / HTTP/1.1\r\nHost: game\r\n\r\n".to_owned()),
        ("malformed", "426", request("/", "").replace("Version: 13", "Version: 8")),
        ("malformed", "505", request("/", "").replace("HTTP/1.1", "HTTP/2.0")),
        ("not_found", "404", "GET /wp-login.php HTTP/1.1\r\nHost: game\r\n\r\n".to_owned()),
    ];
    for (why, status, text) in cases {
        let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
        assert_eq!(status_of(&mut server, port, text.as_bytes()), status, "{text}");
        expect_failures(&mut server, why, 1);
    }
}

#[test]
fn handshakes_that_drip_or_never_begin_run_out_of_time_and_are_counted() {
    let settings = NetworkSettings { handshake_timeout_ms: 40, ..NetworkSettings::default() };
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &settings);
    let mut peers: Vec<RawStream> = (0..30).map(|_| RawStream::connect(port)).collect();
    let text = request("/", &format!("X: {}\r\n", "x".repeat(6000)));
    let mut bytes = text.bytes().cycle();
    until("the end of all of them", || {
        let byte = [bytes.next().expect("cycles")];
        // A third says nothing, a third drips, a third stops in the middle.
        for (number, peer) in peers.iter_mut().enumerate() {
            match number % 3 {
                1 => _ = peer.try_write(&byte),
                2 if byte == [b'G'] => _ = peer.try_write(&text.as_bytes()[..100]),
                _ => {}
            }
            peer.read();
        }
        step(&mut [&mut server]);
        peers.iter().all(|peer| peer.ended).then_some(())
    });
    expect_failures(&mut server, "timed_out", 30);
    assert_eq!(server.statistics().handshakes_pending, 0);
}

#[test]
fn clients_that_leave_and_those_that_make_room_are_counted_apart() {
    let settings = NetworkSettings {
        pending_handshakes_max: 3,
        handshake_timeout_ms: 60_000,
        ..NetworkSettings::default()
    };
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
    let mut left = RawStream::connect(port);
    left.write(&mut server, b"GET / HT");
    until("a stream in its handshake", || {
        step(&mut [&mut server]);
        (server.statistics().handshakes_pending == 1).then_some(())
    });
    drop(left);
    expect_failures(&mut server, "abandoned", 1);
    let _silent: Vec<RawStream> = (0..3).map(|_| RawStream::connect(port)).collect();
    until("three that wait", || {
        step(&mut [&mut server]);
        (server.statistics().handshakes_pending == 3).then_some(())
    });
    let mut good = RawStream::connect(port);
    assert!(good.try_write(request("/", "").as_bytes()) > 0);
    expect_accept(&mut [&mut server]);
    let statistics = server.statistics();
    assert_eq!((statistics.handshakes_abandoned, statistics.handshakes_displaced), (1, 1));
    failures(&statistics);
}

#[test]
fn a_half_open_peer_is_given_up_at_the_pong_deadline_and_counted() {
    let settings =
        NetworkSettings { ping_interval_ms: 20, pong_timeout_ms: 40, ..NetworkSettings::default() };
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
    // It stays connected and says nothing: its machine has lost power, or its cable is cut.
    let mut silent = RawStream::open(&mut server, port, "/", "");
    let connection = expect_accept(&mut [&mut server]);
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.connection, end.reason), (connection, DisconnectReason::Timeout));
    assert_eq!((end.close_code, end.clean), (1006, false));
    assert_eq!(silent.frame(&mut server).first, FIN | 9, "it was asked");
    silent.end(&mut server);
    let statistics = server.statistics();
    assert_eq!((statistics.connections_timed_out, statistics.connections_lost), (1, 0));
    assert_eq!((statistics.connections, statistics.protocol_errors), (0, 0));
}

#[test]
fn a_silent_utp_peer_is_counted_as_well_and_a_cut_stream_apart_from_it() {
    let settings = NetworkSettings {
        disconnect_timeout_ms: 40,
        heartbeat_timeout_ms: 10,
        ..NetworkSettings::default()
    };
    let (mut server, endpoint) = server(InterfaceKind::Udp, &settings);
    let peer = RawDatagrams::to(&endpoint);
    peer.send(&handshake(1, b""));
    expect_accept(&mut [&mut server]);
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::Timeout);
    assert_eq!(server.statistics().connections_timed_out, 1);

    for policy in [DialectPolicy::PlainOnly, DialectPolicy::UtpOnly] {
        let (mut server, port) = websocket_server(policy, &NetworkSettings::default());
        let mut peer = RawStream::open(&mut server, port, "/", "");
        if policy == DialectPolicy::UtpOnly {
            peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
        }
        expect_accept(&mut [&mut server]);
        drop(peer);
        let end = expect_event(&mut [&mut server], EventKind::Disconnect);
        assert_eq!((end.close_code, end.clean), (1006, false), "{policy:?}");
        let statistics = server.statistics();
        assert_eq!((statistics.connections_lost, statistics.connections_timed_out), (1, 0));
        assert_eq!(statistics.protocol_errors, 0);
    }
}

/// A header of 64 length bits, whatever the length.
fn wide(length: u64) -> Vec<u8> {
    [&[FIN | BINARY, 0x80 | 127][..], &length.to_be_bytes(), &MASK].concat()
}

#[test]
fn wrong_masks_and_forged_lengths_end_with_their_code_and_counter() {
    let longest = 1000u64;
    let settings =
        NetworkSettings { websocket_message_size_max: longest as u32, ..Default::default() };
    let sixteen =
        |length: u16| [&[FIN | BINARY, 0x80 | 126][..], &length.to_be_bytes(), &MASK].concat();
    let cases: [(&str, Vec<u8>, u16); 13] = [
        ("no mask", bare_frame(FIN | BINARY, b"x"), 1002),
        ("no mask, and huge", frame_header(FIN | BINARY, 1 << 40, false), 1002),
        ("2^63", wide(1 << 63), 1002),
        ("all ones", wide(u64::MAX), 1002),
        ("2^63 - 1", wide((1 << 63) - 1), 1009),
        ("one more than the limit", frame_header(FIN | BINARY, longest + 1, true), 1009),
        ("4 GiB, where 32 bits would see nothing", frame_header(FIN | BINARY, 1 << 32, true), 1009),
        ("0 in 64 bits", wide(0), 1002),
        ("125 in 64 bits", wide(125), 1002),
        ("65535 in 64 bits", wide(65_535), 1002),
        ("0 in 16 bits", sixteen(0), 1002),
        ("125 in 16 bits", sixteen(125), 1002),
        ("no text", frame(FIN | TEXT, b"\xff"), 1007),
    ];
    for (what, bytes, code) in cases {
        let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
        let mut good = RawStream::open(&mut server, port, "/", "");
        let kept = expect_accept(&mut [&mut server]);
        let mut bad = RawStream::open(&mut server, port, "/", "");
        let lost = expect_accept(&mut [&mut server]);
        bad.write(&mut server, &bytes);
        assert_eq!(bad.close_frame(&mut server).0, code, "{what}");
        let end = expect_event(&mut [&mut server], EventKind::Disconnect);
        assert_eq!((end.connection, end.close_code, end.clean), (lost, code, false), "{what}");
        let statistics = server.statistics();
        let parts = (statistics.messages_too_big, statistics.payloads_invalid);
        let wanted = (u64::from(code == 1009), u64::from(code == 1007));
        assert_eq!((statistics.protocol_errors, parts), (1, wanted), "{what}");
        good.write(&mut server, &frame(FIN | TEXT, b"still here"));
        let event = expect_event(&mut [&mut server], EventKind::Data);
        assert_eq!((event.connection, &event.data[..]), (kept, &b"still here"[..]));
    }
}

/// What a client makes of 32 MiB of zeros.
fn bomb() -> Vec<u8> {
    let settings = NetworkSettings {
        deflate: true,
        websocket_message_size_max: 64 << 20,
        outbound_bytes_max: 128 << 20,
        ..NetworkSettings::default()
    };
    let listener = RawListener::new();
    let mut client = NetworkDriver::new(&settings).expect("the settings are good");
    let url = format!("ws://127.0.0.1:{}/", listener.port());
    let connection = client.connect_url(&url, &UrlOptions::default()).expect("connects");
    let mut peer = listener.accept(&mut client);
    let key = header(&peer.head(&mut client), "Sec-WebSocket-Key").expect("has a key");
    peer.write(&mut client, answer(&key, FORGETFUL).as_bytes());
    expect_event(&mut [&mut client], EventKind::Connect);
    client.send(connection, 0, &vec![0; 32 << 20]).expect("is sent");
    peer.frame(&mut client).payload
}

#[test]
fn compressed_bombs_stop_at_the_message_limit_and_are_counted() {
    let bomb = bomb();
    assert!(bomb.len() < 64 << 10, "a thousandth: {}", bomb.len());
    let settings = NetworkSettings { deflate: true, ..NetworkSettings::default() };
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
    for count in 1..=5u64 {
        let mut peer = RawStream::open(&mut server, port, "/", OFFER);
        expect_accept(&mut [&mut server]);
        peer.write(&mut server, &frame(FIN | PACKED | BINARY, &bomb));
        assert_eq!(peer.close_frame(&mut server).0, 1009);
        let end = expect_event(&mut [&mut server], EventKind::Disconnect);
        assert_eq!(end.close_code, 1009);
        let statistics = server.statistics();
        assert_eq!((statistics.messages_too_big, statistics.protocol_errors), (count, count));
    }
    let mut peer = RawStream::open(&mut server, port, "/", OFFER);
    expect_accept(&mut [&mut server]);
    peer.write(&mut server, &frame(FIN | PACKED | BINARY, &[0xff; 9]));
    assert_eq!(peer.close_frame(&mut server).0, 1007);
    assert_eq!(server.statistics().payloads_invalid, 1);
}

#[test]
fn what_breaks_a_rule_before_there_is_a_connection_is_a_malformed_handshake() {
    let patient = NetworkSettings { plain_grace_ms: 60_000, ..NetworkSettings::default() };
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &patient);
    let mut peer = RawStream::open(&mut server, port, "/", "");
    peer.write(&mut server, &bare_frame(FIN | BINARY, b"x"));
    assert_eq!(peer.close_frame(&mut server).0, 1002);
    expect_failures(&mut server, "malformed", 1);
    assert_eq!(server.statistics().protocol_errors, 1);
}

#[test]
fn a_crowd_that_sends_nothing_is_held_at_the_limit_and_a_good_client_gets_in() {
    const CROWD: usize = 500;
    let settings = NetworkSettings {
        pending_handshakes_max: 50,
        handshake_timeout_ms: 80,
        ..NetworkSettings::default()
    };
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
    let mut crowd: Vec<RawStream> = (0..CROWD).map(|_| RawStream::connect(port)).collect();
    let mut good = RawStream::connect(port);
    assert!(good.try_write(request("/", "").as_bytes()) > 0);
    until("the good one", || {
        step(&mut [&mut server]);
        assert!(server.statistics().handshakes_pending <= 50);
        server.accept().is_some().then_some(())
    });
    until("the end of the others", || {
        step(&mut [&mut server]);
        crowd.iter_mut().for_each(RawStream::read);
        crowd.iter().all(|peer| peer.ended).then_some(())
    });
    expect_failures(&mut server, "timed_out", CROWD as u64);
    good.write(&mut server, &frame(FIN | TEXT, b"unhurt"));
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, b"unhurt"[..]);
}
