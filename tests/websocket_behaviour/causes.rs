//! The table of causes: each end of a plain connection is told from every other by its reason,
//! its close code and whether it was clean. Failures of TLS are `tls_behaviour`'s.

use netdriver::settings::{NetworkSettings, UrlOptions};
use netdriver::{DisconnectReason, Event, EventKind, NetworkDriver};

use super::messages::plain;
use crate::support::raw::{CLOSE, FIN, RawListener, TEXT, close_payload, frame, frame_header};
use crate::support::{expect_event, step, until};

/// What a program reads off a Disconnect event.
fn cause(event: &Event) -> (i32, u16, bool) {
    assert_eq!(event.kind, EventKind::Disconnect);
    (event.reason as i32, event.close_code, event.clean)
}

fn quick() -> NetworkSettings {
    NetworkSettings {
        ping_interval_ms: 10,
        pong_timeout_ms: 20,
        handshake_timeout_ms: 100,
        close_timeout_ms: 50,
        local_close_events: true,
        ..NetworkSettings::default()
    }
}

/// The same for what ends before a timer: a slow machine must not be faster than an answer.
fn unhurried() -> NetworkSettings {
    NetworkSettings { handshake_timeout_ms: 30_000, close_timeout_ms: 30_000, ..quick() }
}

/// How a server's connection ends when the peer sends these bytes, and hangs up if it is to.
fn after(settings: &NetworkSettings, bytes: &[u8], hangs_up: bool) -> (i32, u16, bool) {
    let (mut server, mut peer, _) = plain(settings);
    peer.write(&mut server, bytes);
    if hangs_up {
        peer.end_writing();
    }
    cause(&expect_event(&mut [&mut server], EventKind::Disconnect))
}

#[test]
fn the_ends_of_established_connections_differ() {
    let patient = NetworkSettings::default();
    let close = |payload: &[u8]| frame(FIN | CLOSE, payload);
    let far_too_long = frame_header(FIN | TEXT, 1 << 40, true);
    let causes = [
        ("clean", after(&patient, &close(&close_payload(1000, "")), false), (3, 1000, true)),
        ("own code", after(&patient, &close(&close_payload(4321, "")), false), (3, 4321, true)),
        ("no status", after(&patient, &close(b""), false), (3, 1005, true)),
        ("lost", after(&patient, b"", true), (64, 1006, false)),
        ("timeout", after(&quick(), b"", false), (1, 1006, false)),
        ("broken here", after(&patient, &frame(FIN | TEXT, b"\xff"), false), (7, 1007, false)),
        ("broken there", after(&patient, &close(&close_payload(1002, "")), false), (7, 1002, true)),
        ("too big here", after(&patient, &far_too_long, false), (67, 1009, false)),
        (
            "too big there",
            after(&patient, &close(&close_payload(1009, "")), false),
            (67, 1009, true),
        ),
    ];
    for (name, found, expected) in causes {
        assert_eq!(found, expected, "{name}");
    }
    for (index, one) in causes.iter().enumerate() {
        assert!(causes[..index].iter().all(|other| other.1 != one.1), "{} is like another", one.0);
    }
}

#[test]
fn local_closes_are_reason_0() {
    for (answer, expected) in [(Some(1000), (0, 1000, true)), (None, (0, 1006, false))] {
        let hurry = if answer.is_some() { unhurried() } else { quick() };
        let settings = NetworkSettings { ping_interval_ms: 0, ..hurry };
        let (mut server, mut peer, connection) = plain(&settings);
        server.disconnect(connection).expect("is open");
        peer.close_frame(&mut server);
        if let Some(code) = answer {
            peer.write(&mut server, &frame(FIN | CLOSE, &close_payload(code, "")));
        }
        let end = expect_event(&mut [&mut server], EventKind::Disconnect);
        assert_eq!(cause(&end), expected);
    }
}

/// How a client's attempt ends.
fn attempt(
    settings: &NetworkSettings,
    url: &str,
    mut peer: impl FnMut(&mut NetworkDriver),
) -> (i32, u16, bool) {
    let mut client = NetworkDriver::new(settings).expect("the settings are good");
    client.connect_url(url, &UrlOptions::default()).expect("starts to connect");
    let end = until("the end of the attempt", || {
        peer(&mut client);
        step(&mut [&mut client]);
        client.pop_event()
    });
    assert!(!end.data.is_empty(), "it says what happened");
    cause(&end)
}

#[test]
fn attempts_that_fail_differ() {
    let silent = RawListener::new();
    let url = |listener: &RawListener| format!("ws://127.0.0.1:{}/", listener.port());
    let closed = url(&RawListener::new());
    assert_eq!(attempt(&unhurried(), &closed, |_| {}), (65, 0, false), "refused");
    let unknown = format!("ws://{}.invalid/", "x".repeat(64));
    assert_eq!(attempt(&unhurried(), &unknown, |_| {}), (9, 0, false), "no such host");
    assert_eq!(attempt(&quick(), &url(&silent), |_| {}), (2, 0, false), "no answer in time");
    let listener = RawListener::new();
    let mut answers = 0;
    let rejected = attempt(&unhurried(), &url(&listener), |client| {
        if answers == 0 {
            let mut peer = listener.accept(client);
            peer.head(client);
            peer.write(client, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        }
        answers += 1;
    });
    assert_eq!(rejected, (66, 403, false), "refused by HTTP");
    let mut hung_up = 0;
    let lost = attempt(&unhurried(), &url(&listener), |client| {
        if hung_up == 0 {
            let mut peer = listener.accept(client);
            peer.head(client);
        }
        hung_up += 1;
    });
    assert_eq!(lost, (64, 0, false), "lost before the answer");
}

#[test]
fn every_number_has_its_name() {
    let names = [
        (DisconnectReason::Default, 0),
        (DisconnectReason::Timeout, 1),
        (DisconnectReason::MaxConnectionAttempts, 2),
        (DisconnectReason::ClosedByRemote, 3),
        (DisconnectReason::AuthenticationFailure, 6),
        (DisconnectReason::ProtocolError, 7),
        (DisconnectReason::HostNotFound, 9),
        (DisconnectReason::ConnectionLost, 64),
        (DisconnectReason::ConnectionRefused, 65),
        (DisconnectReason::HandshakeRejected, 66),
        (DisconnectReason::MessageTooBig, 67),
        (DisconnectReason::ProxyFailed, 68),
    ];
    assert!(names.iter().all(|&(reason, number)| reason as i32 == number));
}
