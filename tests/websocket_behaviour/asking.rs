//! Upgrade requests that wait for the program.

use netdriver::settings::{
    DialectPolicy, InterfaceKind, InterfaceSettings, NetworkSettings, SubProtocolRule,
};
use netdriver::{ConnectionText, EventKind, NetworkDriver, Request, RequestId, Status};

use crate::support::raw::{FIN, RawStream, TEXT, frame, header, request};
use crate::support::{
    driver_with, expect_accept, expect_event, listen, settle, status, step, until,
};

fn asking() -> InterfaceSettings {
    InterfaceSettings {
        dialect: DialectPolicy::PlainOnly,
        accept_requests: true,
        sub_protocols: vec!["b".to_owned(), "a".to_owned()],
        ..InterfaceSettings::new(InterfaceKind::WebSocket)
    }
}

fn server_with(interface: InterfaceSettings, settings: &NetworkSettings) -> (NetworkDriver, u16) {
    let mut server = driver_with(interface, settings);
    let port = listen(&mut server).port();
    (server, port)
}

fn server() -> (NetworkDriver, u16) {
    server_with(asking(), &NetworkSettings::default())
}

#[track_caller]
fn next_request(server: &mut NetworkDriver) -> Request {
    until("a request", || {
        let request = server.pop_request();
        if request.is_none() {
            step(&mut [server]);
        }
        request
    })
}

/// A stream whose request waits, and the request.
#[track_caller]
fn ask(server: &mut NetworkDriver, port: u16, lines: &str) -> (RawStream, Request) {
    let mut peer = RawStream::connect(port);
    peer.write(server, request("/room?x=1", lines).as_bytes());
    let request = next_request(server);
    (peer, request)
}

fn code(head: &str) -> u16 {
    head.get(9..12).and_then(|digits| digits.parse().ok()).expect("a status line")
}

fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn a_request_shows_all_that_the_client_said() {
    let (mut server, port) = server();
    let lines = "Origin: https://a.example\r\nCookie: sid=1; theme=\"x\"\r\nX-Token: t\r\n\
                 Sec-WebSocket-Protocol: a, c\r\n";
    let (peer, request) = ask(&mut server, port, lines);
    let id = request.id;
    assert_eq!(request.interface, 0);
    assert!(request.remote.is_loopback() && request.remote == request.peer);
    assert_eq!(request.local.port(), port);
    assert!((1..=5000).contains(&request.remaining_ms) && !request.forwarded_tls);
    for (kind, expected) in [
        (ConnectionText::Path, "/room"),
        (ConnectionText::Query, "x=1"),
        (ConnectionText::Method, "GET"),
        (ConnectionText::Origin, "https://a.example"),
        (ConnectionText::Cookies, "sid=1\ntheme=\"x\"\n"),
        (ConnectionText::SubProtocolsOffered, "a,c"),
        (ConnectionText::Host, "game"),
        (ConnectionText::Url, "ws://game/room?x=1"),
        (ConnectionText::SubProtocol, ""),
        (ConnectionText::Extensions, ""),
    ] {
        assert_eq!(server.pending_text(id, kind).expect("waits"), expected);
    }
    assert_eq!(server.pending_header(id, "x-token").expect("waits"), Some("t"));
    assert_eq!(server.pending_header(id, "x-none").expect("waits"), None);
    assert_eq!(server.pending_cookie(id, "theme").expect("waits"), Some("\"x\""));
    assert_eq!(server.pending_cookie(id, "SID").expect("waits"), None);
    assert!(server.pop_request().is_none() && server.accept().is_none());
    assert_eq!(server.statistics().handshakes_pending, 1, "a stranger until it is answered");
    drop(peer);
}

#[test]
fn an_accepted_request_becomes_a_connection_and_loses_nothing() {
    let (mut server, port) = server();
    let mut peer = RawStream::connect(port);
    let lines = "Sec-WebSocket-Protocol: a, c\r\n";
    let early = frame(FIN | TEXT, b"early");
    peer.write(&mut server, &[request("/", lines).as_bytes(), &early].concat());
    let asked = next_request(&mut server);
    // More comes while the program thinks: it stays with the system.
    peer.write(&mut server, &frame(FIN | TEXT, b"later"));
    settle(&mut [&mut server], 5);
    assert!(server.accept().is_none() && peer.try_frame().is_none());
    let headers = pairs(&[("Set-Cookie", "sid=2"), ("X-Room", "7")]);
    server.accept_request(asked.id, Some("c"), &headers).expect("waits");
    let head = peer.head(&mut server);
    assert_eq!(code(&head), 101);
    assert_eq!(header(&head, "sec-websocket-protocol").as_deref(), Some("c"));
    assert_eq!(header(&head, "set-cookie").as_deref(), Some("sid=2"));
    let connection = expect_accept(&mut [&mut server]);
    assert_eq!(server.sub_protocol(connection).expect("is open"), "c");
    for expected in ["early", "later"] {
        let event = expect_event(&mut [&mut server], EventKind::Data);
        assert_eq!((event.connection, &event.data[..]), (connection, expected.as_bytes()));
    }
    let gone = server.accept_request(asked.id, None, &[]);
    assert_eq!(status(gone), Status::NetworkVersionMismatch, "answered once");
    assert_eq!(server.statistics().handshakes_pending, 0);
}

#[test]
fn the_sub_protocol_is_the_programs_or_the_interfaces_choice() {
    for (rule, offer, choice, agreed) in [
        (SubProtocolRule::Lenient, "a, b", None, Some("b")),
        (SubProtocolRule::Strict, "a, b", None, Some("a")),
        (SubProtocolRule::Strict, "c", Some("c"), Some("c")),
        (SubProtocolRule::Strict, "a", Some(""), None),
        (SubProtocolRule::Lenient, "c", None, None),
    ] {
        let settings = NetworkSettings { sub_protocol_rule: rule, ..NetworkSettings::default() };
        let (mut server, port) = server_with(asking(), &settings);
        let lines = format!("Sec-WebSocket-Protocol: {offer}\r\n");
        let (mut peer, request) = ask(&mut server, port, &lines);
        server.accept_request(request.id, choice, &[]).expect("waits");
        let head = peer.head(&mut server);
        assert_eq!(header(&head, "sec-websocket-protocol").as_deref(), agreed, "{offer}");
    }
}

#[test]
fn a_wrong_answer_leaves_the_request_waiting() {
    let settings = NetworkSettings {
        sub_protocol_rule: SubProtocolRule::Strict,
        ..NetworkSettings::default()
    };
    let (mut server, port) = server_with(asking(), &settings);
    let (mut peer, request) = ask(&mut server, port, "Sec-WebSocket-Protocol: c\r\n");
    let id = request.id;
    let wrong = Status::InvalidArgument;
    assert_eq!(status(server.accept_request(id, Some("a"), &[])), wrong);
    assert_eq!(status(server.accept_request(id, None, &[])), wrong, "strict: nothing fits");
    let forged = pairs(&[("Sec-WebSocket-Accept", "x")]);
    assert_eq!(status(server.accept_request(id, Some("c"), &forged)), wrong);
    let forged = pairs(&[("X", "a\r\nY: b")]);
    assert_eq!(status(server.reject_request(id, 403, &forged, b"")), wrong);
    for number in [0, 101, 199, 600] {
        assert_eq!(status(server.reject_request(id, number, &[], b"")), wrong);
    }
    let long = vec![0; netdriver::REJECT_BODY_MAX + 1];
    assert_eq!(status(server.reject_request(id, 403, &[], &long)), wrong);
    server.accept_request(id, Some("c"), &[]).expect("waits still");
    assert_eq!(code(&peer.head(&mut server)), 101);
}

#[test]
fn a_rejected_request_gets_the_programs_answer() {
    let (mut server, port) = server();
    let (mut peer, request) = ask(&mut server, port, "");
    let headers = pairs(&[("WWW-Authenticate", "Basic realm=\"game\"")]);
    server.reject_request(request.id, 401, &headers, b"who are you?").expect("waits");
    let head = peer.head(&mut server);
    assert_eq!(code(&head), 401);
    let realm = header(&head, "www-authenticate");
    assert_eq!(realm.as_deref(), Some("Basic realm=\"game\""));
    assert_eq!(header(&head, "content-type").as_deref(), Some("text/plain; charset=utf-8"));
    assert_eq!(peer.end(&mut server), b"who are you?");
    drop(peer);
    let (mut peer, request) = ask(&mut server, port, "");
    let headers = pairs(&[("Content-Type", "application/json")]);
    server.reject_request(request.id, 429, &headers, b"{}").expect("waits");
    let head = peer.head(&mut server);
    assert_eq!(head.to_lowercase().matches("content-type").count(), 1, "{head}");
    assert_eq!(header(&head, "content-type").as_deref(), Some("application/json"));
    assert_eq!(peer.end(&mut server), b"{}");
    drop(peer);
    settle(&mut [&mut server], 5);
    let statistics = server.statistics();
    assert_eq!((statistics.handshakes_refused, statistics.handshakes_pending), (2, 0));
    assert!(server.accept().is_none());
}

#[test]
fn a_request_that_nobody_answers_gets_503() {
    let interface = InterfaceSettings { request_timeout_ms: 30, ..asking() };
    let (mut server, port) = server_with(interface, &NetworkSettings::default());
    let (mut peer, request) = ask(&mut server, port, "");
    assert_eq!(code(&peer.head(&mut server)), 503);
    let late = server.accept_request(request.id, None, &[]);
    assert_eq!(status(late), Status::NetworkVersionMismatch);
    // One that was never looked at is not handed out afterwards either.
    let mut peer = RawStream::connect(port);
    peer.write(&mut server, crate::support::raw::request("/", "").as_bytes());
    assert_eq!(code(&peer.head(&mut server)), 503);
    assert!(server.pop_request().is_none());
    assert_eq!(server.statistics().handshakes_unanswered, 2);
}

#[test]
fn a_client_that_leaves_makes_its_request_stale() {
    let (mut server, port) = server();
    let (peer, request) = ask(&mut server, port, "");
    drop(peer);
    until("the stream is gone", || {
        step(&mut [&mut server]);
        (server.statistics().handshakes_pending == 0).then_some(())
    });
    let stale = Status::NetworkVersionMismatch;
    let id = request.id;
    assert_eq!(status(server.accept_request(id, None, &[])), stale);
    assert_eq!(status(server.reject_request(id, 403, &[], b"")), stale);
    assert_eq!(status(server.pending_text(id, ConnectionText::Path)), stale);
    assert_eq!(status(server.pending_header(id, "Host")), stale);
    assert_eq!(status(server.pending_cookie(id, "a")), stale);
    let nothing = RequestId::NONE;
    assert_eq!(status(server.accept_request(nothing, None, &[])), Status::NetworkIdMismatch);
    let forged = RequestId::from_u64(u64::MAX);
    assert_eq!(status(server.accept_request(forged, None, &[])), stale);
    // Its place serves another stream; the old name is not that one's.
    let (_peer, other) = ask(&mut server, port, "");
    assert_ne!(other.id, id);
    assert_eq!(status(server.accept_request(id, None, &[])), stale);
    server.accept_request(other.id, None, &[]).expect("waits");
    assert_eq!(server.statistics().handshakes_abandoned, 1);
}

#[test]
fn a_wait_ends_when_a_request_comes() {
    let (mut server, port) = server();
    server.update().expect("updates");
    let mut peer = RawStream::connect(port);
    assert!(peer.try_write(request("/", "").as_bytes()) > 0);
    // Without the request it would sleep for an hour.
    assert!(server.wait(3_600_000).expect("waits"), "there is something to show");
    assert!(server.pop_request().is_some());
    server.update().expect("updates");
    assert!(!server.wait(0).expect("waits"), "it was shown");
}

#[test]
fn only_good_upgrade_requests_are_asked_about() {
    let interface = InterfaceSettings {
        path: Some("/game".to_owned()),
        allowed_origins: Some(vec!["https://a.example".to_owned()]),
        ..asking()
    };
    let (mut server, port) = server_with(interface, &NetworkSettings::default());
    server.set_document(0, "/page", "text/html", b"page").expect("is taken");
    for (expected, text) in [
        (404, request("/", "")),
        (403, request("/game", "Origin: https://b.example\r\n")),
        (400, request("/game", "").replace("Connection: Upgrade", "Connection: close")),
        (200, "GET /page HTTP/1.1\r\nHost: game\r\n\r\n".to_owned()),
    ] {
        let mut peer = RawStream::connect(port);
        peer.write(&mut server, text.as_bytes());
        assert_eq!(code(&peer.head(&mut server)), expected, "{text}");
    }
    assert!(server.pop_request().is_none());
    let mut peer = RawStream::connect(port);
    peer.write(&mut server, request("/game", "Origin: https://a.example\r\n").as_bytes());
    next_request(&mut server);
}

#[test]
fn many_that_come_and_go_unasked_leave_nothing() {
    let (mut server, port) = server();
    for _ in 0..300 {
        let mut peer = RawStream::connect(port);
        peer.write(&mut server, request("/", "").as_bytes());
        server.update().expect("updates");
    }
    until("all of them are gone", || {
        step(&mut [&mut server]);
        (server.statistics().handshakes_pending == 0).then_some(())
    });
    assert!(server.pop_request().is_none());
    let (_peer, request) = ask(&mut server, port, "");
    server.accept_request(request.id, None, &[]).expect("waits");
    expect_accept(&mut [&mut server]);
}

#[test]
fn a_request_is_not_accepted_once_nobody_is() {
    let refuse: [fn(&mut NetworkDriver); 2] =
        [NetworkDriver::stop_listening, |server| server.set_refusing(true)];
    for refuse in refuse {
        let (mut server, port) = server();
        let (mut peer, request) = ask(&mut server, port, "");
        refuse(&mut server);
        let late = server.accept_request(request.id, None, &[]);
        assert_eq!(status(late), Status::NetworkStateMismatch);
        assert_eq!(code(&peer.head(&mut server)), 503);
        let again = server.accept_request(request.id, None, &[]);
        assert_eq!(status(again), Status::NetworkVersionMismatch);
        drop(peer);
        settle(&mut [&mut server], 5);
        let statistics = server.statistics();
        assert_eq!((statistics.connections_refused, statistics.handshakes_pending), (1, 0));
        assert!(server.accept().is_none());
    }
}
