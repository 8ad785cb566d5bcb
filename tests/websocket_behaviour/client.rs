//! The driver as a client: its request, answers good and bad, sub-protocols, headers.

use netdriver::settings::{
    Dialect, DialectPolicy, InterfaceKind, InterfaceSettings, NetworkSettings, SubProtocolRule,
    TlsClient, UrlOptions,
};
use netdriver::{Connection, DisconnectReason, Event, EventKind, NetworkDriver, Status};

use crate::support::raw::{
    BINARY, CLOSE, FIN, RawListener, RawStream, TEXT, answer, bare_frame, close_payload, frame,
    handshake, header,
};
use crate::support::{
    driver_with, expect_accept, expect_event, listen, server, status, violation, websocket_server,
};

fn client(settings: &NetworkSettings) -> NetworkDriver {
    NetworkDriver::new(settings).expect("the settings are good")
}

/// A client that has sent its request to a raw server; the request is read.
fn asked(
    settings: &NetworkSettings,
    target: &str,
    options: &UrlOptions,
) -> (NetworkDriver, Connection, RawStream, String) {
    let listener = RawListener::new();
    let mut client = client(settings);
    let url = format!("ws://127.0.0.1:{}{target}", listener.port());
    let connection = client.connect_url(&url, options).expect("starts to connect");
    let mut peer = listener.accept(&mut client);
    let request = peer.head(&mut client);
    (client, connection, peer, request)
}

/// A client that a raw server has taken.
fn taken(settings: &NetworkSettings) -> (NetworkDriver, Connection, RawStream) {
    let (mut client, connection, mut peer, request) = asked(settings, "/", &UrlOptions::default());
    peer.write(&mut client, answer(&key(&request), "").as_bytes());
    let event = expect_event(&mut [&mut client], EventKind::Connect);
    assert_eq!(event.connection, connection);
    (client, connection, peer)
}

fn key(request: &str) -> String {
    header(request, "Sec-WebSocket-Key").expect("is there")
}

fn end_of(client: &mut NetworkDriver, connection: Connection) -> Event {
    let end = expect_event(&mut [client], EventKind::Disconnect);
    assert_eq!(end.connection, connection);
    assert_eq!(client.statistics().connections, 0);
    end
}

#[test]
fn a_request_carries_what_the_program_gave() {
    let options = UrlOptions {
        sub_protocols: vec!["chat.v2".to_owned(), "chat".to_owned()],
        headers: vec![("Authorization".to_owned(), "Bearer x y".to_owned())],
        ..UrlOptions::default()
    };
    let settings = NetworkSettings::default();
    let (_client, _, _peer, request) = asked(&settings, "/room/7?name=ann", &options);
    assert!(request.starts_with("GET /room/7?name=ann HTTP/1.1\r\n"), "{request}");
    assert!(header(&request, "Host").is_some_and(|host| host.starts_with("127.0.0.1:")));
    assert_eq!(header(&request, "Upgrade").as_deref(), Some("websocket"));
    assert_eq!(header(&request, "Sec-WebSocket-Version").as_deref(), Some("13"));
    assert_eq!(header(&request, "Sec-WebSocket-Protocol").as_deref(), Some("chat.v2, chat"));
    assert_eq!(header(&request, "Authorization").as_deref(), Some("Bearer x y"));
    assert_eq!(header(&request, "Sec-WebSocket-Extensions"), None);
    assert_eq!(key(&request).len(), 24);
    let other = asked(&settings, "/", &UrlOptions::default()).3;
    assert_ne!(key(&request), key(&other), "a key is used once");
    assert_eq!(header(&other, "Sec-WebSocket-Protocol"), None);
}

#[test]
fn frames_are_masked_with_a_fresh_key_each() {
    let (mut client, connection, mut peer) = taken(&NetworkSettings::default());
    for _ in 0..8 {
        client.send_text(connection, "\0\0\0\0").expect("is sent");
    }
    client.flush().expect("flushes");
    let mut keys = std::collections::BTreeSet::new();
    crate::support::until("eight frames", || {
        peer.read();
        crate::support::step(&mut [&mut client]);
        (peer.inbox.len() >= 8 * 10).then_some(())
    });
    for bytes in peer.inbox.chunks(10) {
        assert_eq!(bytes[..2], [FIN | TEXT, 0x80 | 4]);
        keys.insert(bytes[2..6].to_vec());
    }
    assert_eq!(keys.len(), 8);
}

#[test]
fn frames_behind_the_answer_in_one_write_are_not_lost() {
    let settings = NetworkSettings::default();
    let (mut client, connection, mut peer, request) = asked(&settings, "/", &UrlOptions::default());
    let bytes = [answer(&key(&request), "").as_bytes(), &bare_frame(FIN | TEXT, b"hi")].concat();
    peer.write(&mut client, &bytes);
    expect_event(&mut [&mut client], EventKind::Connect);
    let event = expect_event(&mut [&mut client], EventKind::Data);
    assert_eq!((event.connection, &event.data[..]), (connection, &b"hi"[..]));
}

#[test]
fn nobody_at_the_address_is_reason_65() {
    let port = RawListener::new().port();
    let mut client = client(&NetworkSettings::default());
    let url = format!("ws://127.0.0.1:{port}/");
    let connection = client.connect_url(&url, &UrlOptions::default()).expect("starts to connect");
    let end = end_of(&mut client, connection);
    assert_eq!(end.reason, DisconnectReason::ConnectionRefused);
    assert_eq!((end.close_code, end.clean), (0, false));
    let text = String::from_utf8(end.data.to_vec()).expect("is text");
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
}

#[test]
fn answers_that_are_no_101_for_us_are_reason_66() {
    let good = answer("", "");
    let wrong_key = answer("AAECAwQFBgcICQoLDA0ODw==", "");
    type Answer<'a> = Box<dyn Fn(&str) -> String + 'a>;
    let cases: [(&str, u16, Answer<'_>); 9] = [
        ("404", 404, Box::new(|_| "HTTP/1.1 404 Not Found\r\n\r\n".to_owned())),
        ("302", 302, Box::new(|_| "HTTP/1.1 302 Found\r\nLocation: ws://x/\r\n\r\n".to_owned())),
        ("200", 200, Box::new(|_| "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned())),
        ("Accept", 101, Box::new(|_| wrong_key.clone())),
        ("Upgrade", 101, Box::new(|key| answer(key, "").replace("Upgrade: web", "X: web"))),
        ("sub-protocol", 101, Box::new(|key| answer(key, "Sec-WebSocket-Protocol: chat\r\n"))),
        ("extension", 101, Box::new(|key| answer(key, "Sec-WebSocket-Extensions: x\r\n"))),
        ("HTTP", 0, Box::new(|_| "220 mail server\r\n\r\n".to_owned())),
        ("HTTP", 0, Box::new(|_| good.replace("HTTP/1.1", "HTTP/3.7"))),
    ];
    for (named, status, make) in cases {
        let settings = NetworkSettings::default();
        let (mut client, connection, mut peer, request) =
            asked(&settings, "/", &UrlOptions::default());
        peer.write(&mut client, make(&key(&request)).as_bytes());
        let end = end_of(&mut client, connection);
        assert_eq!(end.reason, DisconnectReason::HandshakeRejected, "{named}");
        assert_eq!((end.close_code, end.clean), (status, false), "{named}");
        let text = String::from_utf8(end.data.to_vec()).expect("is text");
        assert!(text.contains(named), "{named}: {text}");
        peer.end(&mut client);
    }
}

#[test]
fn a_strict_client_takes_no_answer_without_one_of_its_sub_protocols() {
    let strict = NetworkSettings {
        sub_protocol_rule: SubProtocolRule::Strict,
        ..NetworkSettings::default()
    };
    let offering = UrlOptions { sub_protocols: vec!["chat".to_owned()], ..UrlOptions::default() };
    let (mut client, connection, mut peer, request) = asked(&strict, "/", &offering);
    peer.write(&mut client, answer(&key(&request), "").as_bytes());
    let end = end_of(&mut client, connection);
    assert_eq!((end.reason, end.close_code), (DisconnectReason::HandshakeRejected, 101));
    let chosen = "Sec-WebSocket-Protocol: chat\r\n";
    for (offered, line) in [(&offering, chosen), (&UrlOptions::default(), "")] {
        let (mut client, connection, mut peer, request) = asked(&strict, "/", offered);
        peer.write(&mut client, answer(&key(&request), line).as_bytes());
        let event = expect_event(&mut [&mut client], EventKind::Connect);
        assert_eq!(event.connection, connection);
    }
}

#[test]
fn an_answer_without_an_end_is_reason_66_too() {
    let settings = NetworkSettings { head_size_max: 256, ..NetworkSettings::default() };
    let (mut client, connection, mut peer, _) = asked(&settings, "/", &UrlOptions::default());
    peer.write(&mut client, &[b"HTTP/1.1 101 ", &[b'x'; 300][..]].concat());
    assert_eq!(end_of(&mut client, connection).reason, DisconnectReason::HandshakeRejected);
}

#[test]
fn no_answer_in_time_is_reason_2_and_a_stream_that_ends_reason_64() {
    let hasty = NetworkSettings { handshake_timeout_ms: 20, ..NetworkSettings::default() };
    let (mut client, connection, _peer, _) = asked(&hasty, "/", &UrlOptions::default());
    let end = end_of(&mut client, connection);
    assert_eq!(end.reason, DisconnectReason::MaxConnectionAttempts);
    let settings = NetworkSettings::default();
    let (mut client, connection, peer, _) = asked(&settings, "/", &UrlOptions::default());
    drop(peer);
    assert_eq!(end_of(&mut client, connection).reason, DisconnectReason::ConnectionLost);
}

#[test]
fn a_host_name_in_a_url_is_looked_up() {
    let (mut server, port) =
        websocket_server(DialectPolicy::PlainOnly, &NetworkSettings::default());
    let mut client = client(&NetworkSettings::default());
    let url = format!("WS://LocalHost:{port}/here");
    client.connect_url(&url, &UrlOptions::default()).expect("starts to look");
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    let accepted = expect_accept(&mut [&mut server, &mut client]);
    let host = server.request_header(accepted, "host").expect("is open").map(str::to_owned);
    assert_eq!(host, Some(format!("localhost:{port}")));
    let unknown = format!("ws://{}.invalid/", "x".repeat(64));
    let connection = client.connect_url(&unknown, &UrlOptions::default());
    let connection = connection.expect("starts to look");
    let end = crate::support::until("the answer", || {
        crate::support::step(&mut [&mut client, &mut server]);
        client.pop_event()
    });
    assert_eq!((end.connection, end.reason), (connection, DisconnectReason::HostNotFound));
}

#[test]
fn sub_protocols_are_agreed_on_and_readable_on_both_sides() {
    let interface = InterfaceSettings {
        dialect: DialectPolicy::PlainOnly,
        sub_protocols: vec!["v2".to_owned(), "v1".to_owned()],
        ..InterfaceSettings::new(InterfaceKind::WebSocket)
    };
    for (offered, agreed) in [(&["v1", "v2"][..], "v2"), (&["v1"], "v1"), (&["v9"], ""), (&[], "")]
    {
        let mut server = driver_with(interface.clone(), &NetworkSettings::default());
        let port = listen(&mut server).port();
        let mut client = client(&NetworkSettings::default());
        let options = UrlOptions {
            sub_protocols: offered.iter().map(|&name| name.to_owned()).collect(),
            ..UrlOptions::default()
        };
        let url = format!("ws://127.0.0.1:{port}/path?query");
        let connection = client.connect_url(&url, &options).expect("starts to connect");
        expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        let accepted = expect_accept(&mut [&mut server, &mut client]);
        assert_eq!(client.sub_protocol(connection).expect("is open"), agreed);
        assert_eq!(server.sub_protocol(accepted).expect("is open"), agreed);
        assert_eq!(client.request_path(connection).expect("is open"), "/path");
        assert_eq!(client.request_query(connection).expect("is open"), "query");
        let answered = client.request_header(connection, "upgrade").expect("is open");
        assert_eq!(answered, Some("websocket"), "a client reads the answer's headers");
    }
}

#[test]
fn a_url_can_be_told_to_speak_utp() {
    for (policy, sub_protocols) in [
        (DialectPolicy::UtpOnly, vec![]),
        (DialectPolicy::Auto, vec![]),
        (DialectPolicy::Auto, vec!["netdriver.utp".to_owned()]),
    ] {
        let (mut server, port) = websocket_server(policy, &NetworkSettings::default());
        server.set_accept_payload(b"welcome").expect("fits");
        let mut client = client(&NetworkSettings::default());
        let options = UrlOptions {
            dialect: Dialect::Utp,
            payload: b"ticket".to_vec(),
            sub_protocols,
            ..UrlOptions::default()
        };
        let url = format!("ws://127.0.0.1:{port}/");
        let connection = client.connect_url(&url, &options).expect("starts to connect");
        let event = expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        assert_eq!((event.connection, &event.data[..]), (connection, &b"welcome"[..]));
        let accepted = expect_accept(&mut [&mut server, &mut client]);
        assert_eq!(server.connect_payload(accepted).expect("is open"), b"ticket");
        assert_eq!(server.connection_info(accepted).expect("is open").dialect, Dialect::Utp);
    }
}

#[test]
fn a_utp_client_sends_its_request_with_the_101_and_only_once() {
    let listener = RawListener::new();
    let mut client = crate::support::driver(InterfaceKind::WebSocket, &NetworkSettings::default());
    let endpoint = netdriver::NetworkEndpoint::loopback_ipv4(listener.port());
    let connection = client.connect(0, &endpoint, b"").expect("starts to connect");
    let mut peer = listener.accept(&mut client);
    let request = peer.head(&mut client);
    assert!(request.starts_with("GET / HTTP/1.1\r\n"));
    peer.write(&mut client, answer(&key(&request), "").as_bytes());
    let first = peer.frame(&mut client);
    assert_eq!((first.first, first.masked), (FIN | BINARY, true));
    assert_eq!(first.payload[..5], handshake(1, b"")[..5]);
    let accept = [b"UTP\x01\x02", &first.payload[5..13]].concat();
    peer.write(&mut client, &bare_frame(FIN | BINARY, &accept));
    let event = expect_event(&mut [&mut client], EventKind::Connect);
    assert_eq!(event.connection, connection);
    assert!(peer.try_frame().is_none());
}

#[test]
fn a_server_that_breaks_the_protocol_is_left_with_the_right_code() {
    let cases = [
        ("a mask", frame(FIN | TEXT, b"x"), 1002),
        ("a reserved bit", bare_frame(FIN | 0x40 | TEXT, b"x"), 1002),
        ("no text", bare_frame(FIN | TEXT, b"\xff"), 1007),
        ("a giant", bare_frame(FIN | BINARY, &[0; 1001]), 1009),
    ];
    let settings =
        NetworkSettings { websocket_message_size_max: 1000, ..NetworkSettings::default() };
    for (what, bytes, code) in cases {
        let (mut client, connection, mut peer) = taken(&settings);
        peer.write(&mut client, &bytes);
        let end = end_of(&mut client, connection);
        assert_eq!((end.reason, end.close_code), (violation(code), code), "{what}");
        assert_eq!(peer.close_frame(&mut client).0, code, "{what}");
    }
}

#[test]
fn a_client_answers_a_close_and_leaves_tcp_to_the_server() {
    let (mut client, connection, mut peer) = taken(&NetworkSettings::default());
    peer.write(&mut client, &bare_frame(FIN | CLOSE, &close_payload(4000, "bye")));
    let end = end_of(&mut client, connection);
    assert_eq!((end.close_code, &end.data[..], end.clean), (4000, &b"bye"[..], true));
    let close = peer.frame(&mut client);
    assert!(close.masked, "{close:?}");
    assert_eq!(close.payload, close_payload(4000, ""));
    crate::support::settle(&mut [&mut client], 5);
    peer.read();
    assert!(!peer.ended, "the server ends TCP first");
}

#[test]
fn urls_and_options_that_cannot_work_are_refused() {
    let mut client = client(&NetworkSettings::default());
    let plain = UrlOptions::default();
    for url in ["", "http://x/", "ws://", "ws://a%@x/", "ws://x/#a", "ws://x:0/", "ws://x/ y"] {
        assert_eq!(status(client.connect_url(url, &plain)), Status::InvalidArgument, "{url}");
    }
    let nobody = TlsClient { use_system_roots: false, ..TlsClient::default() };
    let nobody = UrlOptions { tls: Some(nobody), ..UrlOptions::default() };
    assert_eq!(status(client.connect_url("wss://x/", &nobody)), Status::InvalidArgument);
    let header = |name: &str, value: &str| UrlOptions {
        headers: vec![(name.to_owned(), value.to_owned())],
        ..UrlOptions::default()
    };
    let names =
        |name: &str| UrlOptions { sub_protocols: vec![name.to_owned()], ..UrlOptions::default() };
    let many =
        UrlOptions { headers: vec![("X".to_owned(), "y".to_owned()); 33], ..UrlOptions::default() };
    let bad = [
        header("Host", "x"),
        header("Sec-WebSocket-Key", "x"),
        header("a b", "x"),
        header("A", "x\r\nB: y"),
        names("a b"),
        names(""),
        many,
    ];
    for options in bad {
        let refused = status(client.connect_url("ws://127.0.0.1:9/", &options));
        assert_eq!(refused, Status::InvalidArgument, "{options:?}");
    }
    assert_eq!(client.statistics().connections, 0);
}

#[test]
fn a_full_server_answers_1013_in_both_dialects() {
    let settings = NetworkSettings { connections_max: 1, ..NetworkSettings::default() };
    let (mut server, endpoint) = server(InterfaceKind::WebSocket, &settings);
    let port = endpoint.port();
    let mut first = RawStream::open(&mut server, port, "/", "");
    first.write(&mut server, &frame(FIN | TEXT, b"first"));
    expect_accept(&mut [&mut server]);
    for (opcode, bytes) in [(TEXT, b"second".to_vec()), (BINARY, handshake(1, b""))] {
        let mut peer = RawStream::open(&mut server, port, "/", "");
        peer.write(&mut server, &frame(FIN | opcode, &bytes));
        assert_eq!(peer.close_frame(&mut server).0, 1013);
    }
    let mut guest = client(&NetworkSettings::default());
    let url = format!("ws://127.0.0.1:{port}/");
    guest.connect_url(&url, &UrlOptions::default()).expect("starts to connect");
    expect_event(&mut [&mut guest, &mut server], EventKind::Connect);
    let end = expect_event(&mut [&mut guest, &mut server], EventKind::Disconnect);
    assert_eq!((end.close_code, end.clean), (1013, true));
    assert_eq!(server.statistics().connections_refused, 3);
    assert_eq!(server.statistics().connections, 1);
}

#[test]
fn interim_answers_go_before_the_last_one() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    for size in [1, 7, 4096] {
        let options = UrlOptions::default();
        let (mut client, _, mut peer, request) = asked(&NetworkSettings::default(), "/", &options);
        let bytes = format!("{interim}{}", answer(&key(&request), ""));
        for piece in bytes.as_bytes().chunks(size) {
            peer.write(&mut client, piece);
        }
        expect_event(&mut [&mut client], EventKind::Connect);
    }
    let (mut client, connection, mut peer, _) =
        asked(&NetworkSettings::default(), "/", &UrlOptions::default());
    let refusal = format!("{interim}HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    peer.write(&mut client, refusal.as_bytes());
    assert_eq!(end_of(&mut client, connection).close_code, 404);
}
