//! Limits before there is a connection: heads, timers, how many wait at once.

use netdriver::EventKind;
use netdriver::settings::{DialectPolicy, InterfaceKind, NetworkSettings};

use crate::support::raw::{FIN, RawStream, TEXT, frame, request};
use crate::support::{
    driver, expect_accept, expect_event, server, settle, step, until, websocket_server,
};

#[test]
fn a_head_of_exactly_the_limit_is_taken_and_a_longer_one_is_431() {
    let settings = NetworkSettings { head_size_max: 256, ..NetworkSettings::default() };
    let base = request("/", "X: \r\n").len();
    for (size, expected) in [(256, "101"), (257, "431")] {
        let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
        let text = request("/", &format!("X: {}\r\n", "x".repeat(size - base)));
        assert_eq!(text.len(), size);
        let mut peer = RawStream::connect(port);
        peer.write(&mut server, text.as_bytes());
        let head = peer.head(&mut server);
        assert!(head.starts_with(&format!("HTTP/1.1 {expected} ")), "{head}");
    }
}

#[test]
fn a_head_that_never_ends_is_answered_at_the_limit() {
    let settings = NetworkSettings { head_size_max: 1000, ..NetworkSettings::default() };
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &settings);
    let mut peer = RawStream::connect(port);
    peer.write(&mut server, b"GET / HTTP/1.1\r\nX: ");
    peer.write(&mut server, &[b'x'; 2000]);
    assert!(peer.head(&mut server).starts_with("HTTP/1.1 431 "));
    assert!(server.statistics().stream_bytes_in <= 2019);
}

#[test]
fn a_handshake_that_takes_too_long_ends_without_an_answer() {
    let settings = NetworkSettings { handshake_timeout_ms: 30, ..NetworkSettings::default() };
    for start in ["", "GET / HTTP/1.1\r\nHost: "] {
        let (mut server, port) = websocket_server(DialectPolicy::Auto, &settings);
        let mut peer = RawStream::connect(port);
        peer.write(&mut server, start.as_bytes());
        until("the stream to count", || {
            step(&mut [&mut server]);
            (server.statistics().handshakes_pending == 1).then_some(())
        });
        assert!(peer.end(&mut server).is_empty());
        let statistics = server.statistics();
        assert_eq!((statistics.handshakes_pending, statistics.handshakes_failed), (0, 1));
    }
}

#[test]
fn one_byte_now_and_then_does_not_stretch_the_time_and_hurts_nobody() {
    let settings = NetworkSettings { handshake_timeout_ms: 60, ..NetworkSettings::default() };
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
    let mut slow: Vec<RawStream> = (0..20).map(|_| RawStream::connect(port)).collect();
    let text = request("/", &format!("X: {}\r\n", "x".repeat(4000)));
    let mut quick = RawStream::open(&mut server, port, "/", "");
    let connection = expect_accept(&mut [&mut server]);
    let mut bytes = text.bytes();
    until("the end of all slow ones", || {
        let byte = bytes.next().unwrap_or(b'x');
        for peer in &mut slow {
            peer.try_write(&[byte]);
            peer.read();
        }
        quick.write(&mut server, &frame(FIN | TEXT, &[byte]));
        let event = expect_event(&mut [&mut server], EventKind::Data);
        assert_eq!((event.connection, &event.data[..]), (connection, &[byte][..]));
        slow.iter().all(|peer| peer.ended).then_some(())
    });
    assert_eq!(server.statistics().handshakes_pending, 0);
    assert_eq!(server.statistics().connections, 1);
}

#[test]
fn handshakes_beyond_the_limit_wait_and_are_served_later() {
    let settings = NetworkSettings {
        pending_handshakes_max: 2,
        handshake_timeout_ms: 60_000,
        ..NetworkSettings::default()
    };
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
    let mut silent: Vec<RawStream> = (0..2).map(|_| RawStream::connect(port)).collect();
    until("two that wait", || {
        step(&mut [&mut server]);
        (server.statistics().handshakes_pending == 2).then_some(())
    });
    let mut later = RawStream::connect(port);
    assert!(later.try_write(request("/", "").as_bytes()) > 0);
    settle(&mut [&mut server], 20);
    assert!(server.accept().is_none(), "the limit holds");
    assert_eq!(server.statistics().handshakes_pending, 2);
    drop(silent.pop());
    expect_accept(&mut [&mut server]);
    assert!(later.head(&mut server).starts_with("HTTP/1.1 101 "));
}

#[test]
fn a_place_that_becomes_free_is_used_within_the_same_wait() {
    let settings = NetworkSettings {
        pending_handshakes_max: 1,
        handshake_timeout_ms: 60_000,
        ..NetworkSettings::default()
    };
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
    let first = RawStream::connect(port);
    until("the first to wait", || {
        step(&mut [&mut server]);
        (server.statistics().handshakes_pending == 1).then_some(())
    });
    let mut second = RawStream::connect(port);
    assert!(second.try_write(request("/", "").as_bytes()) > 0);
    settle(&mut [&mut server], 5);
    drop(first);
    // One long wait must be enough: nothing else wakes this server.
    assert!(server.wait(5000).expect("waits"), "the second client was left waiting");
    server.update().expect("updates");
    assert!(server.accept().is_some());
}

#[test]
fn a_hundred_clients_at_once_are_all_served_through_a_narrow_door() {
    let settings = NetworkSettings { pending_handshakes_max: 4, ..NetworkSettings::default() };
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
    let mut peers: Vec<RawStream> = (0..100).map(|_| RawStream::connect(port)).collect();
    for peer in &mut peers {
        assert!(peer.try_write(request("/", "").as_bytes()) > 0);
    }
    let mut count = 0;
    until("all of them", || {
        step(&mut [&mut server]);
        assert!(server.statistics().handshakes_pending <= 4);
        count += std::iter::from_fn(|| server.accept()).count();
        (count == 100).then_some(())
    });
}

#[test]
fn a_full_server_drops_further_udp_requests_and_counts_them() {
    let settings =
        NetworkSettings { connections_max: 2, connect_timeout_ms: 5, ..NetworkSettings::default() };
    for kind in [InterfaceKind::Udp, InterfaceKind::Ipc] {
        let (mut server, endpoint) = server(kind, &settings);
        let mut guest = driver(kind, &NetworkSettings { connections_max: 3, ..settings.clone() });
        for _ in 0..3 {
            guest.connect(0, &endpoint, b"").expect("starts to connect");
        }
        let full = guest.connect(0, &endpoint, b"").expect_err("three are the limit");
        assert_eq!(full.status(), netdriver::Status::LimitReached);
        assert!(full.text().contains("connections_max"), "{full}");
        let first = expect_event(&mut [&mut guest, &mut server], EventKind::Connect);
        expect_event(&mut [&mut guest, &mut server], EventKind::Connect);
        until("refusals", || {
            step(&mut [&mut server, &mut guest]);
            (server.statistics().connections_refused >= 2).then_some(())
        });
        assert_eq!(server.statistics().connections, 2);
        // As soon as one leaves, the third gets in by one of its repetitions.
        guest.disconnect(first.connection).expect("is open");
        expect_accept(&mut [&mut server, &mut guest]);
        server.accept().expect("the second");
        expect_event(&mut [&mut server, &mut guest], EventKind::Disconnect);
        expect_event(&mut [&mut guest, &mut server], EventKind::Connect);
        assert_eq!(server.statistics().connections, 2);
    }
}

#[test]
fn strangers_that_stay_for_ever_make_room_for_newcomers() {
    let settings = NetworkSettings {
        pending_handshakes_max: 2,
        handshake_timeout_ms: 60_000,
        ..NetworkSettings::default()
    };
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
    let mut silent: Vec<RawStream> = (0..2).map(|_| RawStream::connect(port)).collect();
    until("two that wait", || {
        step(&mut [&mut server]);
        (server.statistics().handshakes_pending == 2).then_some(())
    });
    let mut later = RawStream::connect(port);
    assert!(later.try_write(request("/", "").as_bytes()) > 0);
    // The oldest has had its second before its minute is over, and only the oldest goes.
    expect_accept(&mut [&mut server]);
    assert!(later.head(&mut server).starts_with("HTTP/1.1 101 "));
    for peer in &mut silent {
        peer.read();
    }
    assert_eq!(silent.iter().filter(|peer| peer.ended).count(), 1);
}
