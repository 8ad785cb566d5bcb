//! Listeners that pages and proxies reach: origins, headers of answers, forwarding headers, the
//! PROXY protocol, the strict sub-protocol rule.

use netdriver::settings::{
    DialectPolicy, InterfaceKind, InterfaceSettings, NetworkSettings, SubProtocolRule,
};
use netdriver::{Connection, ConnectionText, NetworkDriver, Status};

use crate::support::raw::{RawStream, header, request};
use crate::support::{driver_with, expect_accept, listen, settle, status};

fn plain(change: impl FnOnce(&mut InterfaceSettings)) -> InterfaceSettings {
    let mut settings = InterfaceSettings::new(InterfaceKind::WebSocket);
    settings.dialect = DialectPolicy::PlainOnly;
    change(&mut settings);
    settings
}

fn open(interface: InterfaceSettings) -> (NetworkDriver, u16) {
    open_with(interface, &NetworkSettings::default())
}

fn open_with(interface: InterfaceSettings, settings: &NetworkSettings) -> (NetworkDriver, u16) {
    let mut server = driver_with(interface, settings);
    let port = listen(&mut server).port();
    (server, port)
}

/// The head of the answer to an upgrade request with these lines, bytes in front of it included.
fn answer(server: &mut NetworkDriver, port: u16, before: &[u8], lines: &str) -> String {
    let mut peer = RawStream::connect(port);
    peer.write(server, &[before, request("/", lines).as_bytes()].concat());
    peer.head(server)
}

fn code(head: &str) -> u16 {
    head.get(9..12).and_then(|digits| digits.parse().ok()).expect("a status line")
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

/// A connection that came through a proxy on this machine, with these bytes and lines.
fn through(
    interface: InterfaceSettings,
    before: &[u8],
    lines: &str,
) -> (NetworkDriver, RawStream, Connection) {
    let (mut server, port) = open(interface);
    let mut peer = RawStream::connect(port);
    peer.write(&mut server, &[before, request("/play?x=1", lines).as_bytes()].concat());
    let head = peer.head(&mut server);
    assert_eq!(code(&head), 101, "{head}");
    let connection = expect_accept(&mut [&mut server]);
    (server, peer, connection)
}

#[test]
fn only_pages_of_the_allowed_origins_connect() {
    let interface = plain(|settings| {
        settings.allowed_origins =
            Some(strings(&["https://game.example", "http://localhost:8000"]));
    });
    let (mut server, port) = open(interface);
    for (expected, lines) in [
        (101, ""),
        (101, "Origin: https://game.example\r\n"),
        (101, "Origin: http://localhost:8000\r\n"),
        (403, "Origin: http://game.example\r\n"),
        (403, "Origin: https://evil.example\r\n"),
        (403, "Origin: https://game.example.evil.example\r\n"),
        (403, "Origin: null\r\n"),
        (403, "Origin: https://game.example\r\nOrigin: https://evil.example\r\n"),
    ] {
        let head = answer(&mut server, port, b"", lines);
        assert_eq!(code(&head), expected, "{lines}");
    }
    assert_eq!(server.statistics().handshakes_refused, 5);
    let (mut server, port) = open(plain(|settings| settings.allowed_origins = Some(Vec::new())));
    assert_eq!(code(&answer(&mut server, port, b"", "Origin: https://a.example\r\n")), 403);
    assert_eq!(code(&answer(&mut server, port, b"", "")), 101, "no browser");
}

#[test]
fn every_answer_has_the_interfaces_headers() {
    let interface = plain(|settings| {
        settings.response_headers = vec![
            ("Server".to_owned(), "my game".to_owned()),
            ("Cross-Origin-Opener-Policy".to_owned(), "same-origin".to_owned()),
        ];
    });
    let (mut server, port) = open(interface);
    server.set_document(0, "/page", "text/html", b"<p>").expect("is taken");
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: game\r\n\r\n");
    for (expected, text) in [(101, request("/", "")), (200, get("/page")), (404, get("/none"))] {
        let mut peer = RawStream::connect(port);
        peer.write(&mut server, text.as_bytes());
        let head = peer.head(&mut server);
        assert_eq!(code(&head), expected);
        assert_eq!(header(&head, "server").as_deref(), Some("my game"), "{head}");
        let policy = header(&head, "cross-origin-opener-policy");
        assert_eq!(policy.as_deref(), Some("same-origin"));
    }
}

#[test]
fn a_trusted_proxy_tells_who_its_client_is() {
    let trusting = || plain(|settings| settings.trusted_proxies = strings(&["127.0.0.0/8", "::1"]));
    for (lines, remote, url) in [
        ("X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7:0", "ws://game/play?x=1"),
        ("X-Forwarded-For: 6.6.6.6, 192.0.2.7\r\n", "192.0.2.7:0", "ws://game/play?x=1"),
        (
            "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n",
            "192.0.2.7:0",
            "wss://game/play?x=1",
        ),
        (
            "Forwarded: for=\"[2001:db8::7]:99\";proto=https, for=127.0.0.1\r\n",
            "[2001:0db8:0000:0000:0000:0000:0000:0007]:99",
            "wss://game/play?x=1",
        ),
    ] {
        let (server, _peer, connection) = through(trusting(), b"", lines);
        let info = server.connection_info(connection).expect("is open");
        assert_eq!(info.remote.to_string(), remote, "{lines}");
        assert!(info.peer.is_loopback(), "the proxy is at {}", info.peer);
        let text = server.connection_text(connection, ConnectionText::Url).expect("is open");
        assert_eq!(text, url);
    }
}

#[test]
fn a_strangers_word_counts_for_nothing() {
    let lines = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nForwarded: broken\r\n";
    for interface in
        [plain(|_| {}), plain(|settings| settings.trusted_proxies = strings(&["10.0.0.0/8"]))]
    {
        let (server, _peer, connection) = through(interface, b"", lines);
        let info = server.connection_info(connection).expect("is open");
        assert!(info.remote.is_loopback() && info.remote.to_bytes() == info.peer.to_bytes());
        let url = server.connection_text(connection, ConnectionText::Url).expect("is open");
        assert_eq!(url, "ws://game/play?x=1");
    }
}

#[test]
fn forwarding_headers_that_cannot_be_believed_are_refused() {
    let interface = plain(|settings| settings.trusted_proxies = strings(&["127.0.0.1"]));
    let (mut server, port) = open(interface);
    for lines in [
        "X-Forwarded-For: nobody\r\n",
        "Forwarded: for\r\n",
        "Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 192.0.2.7\r\n",
    ] {
        assert_eq!(code(&answer(&mut server, port, b"", lines)), 400, "{lines}");
    }
}

#[test]
fn a_proxy_header_tells_who_the_client_is() {
    let expecting = || {
        plain(|settings| {
            settings.trusted_proxies = strings(&["127.0.0.1", "10.0.0.0/8"]);
            settings.proxy_protocol = true;
        })
    };
    let line = b"PROXY TCP4 192.0.2.7 127.0.0.1 5555 80\r\n";
    let mut binary = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14".to_vec();
    binary.extend([192, 0, 2, 8, 127, 0, 0, 1, 0, 99, 0, 80]);
    binary.extend(b"\x20\0\x05\x01\0\0\0\0");
    let inner = b"PROXY TCP4 10.0.0.1 127.0.0.1 5555 80\r\n";
    let unknown = b"PROXY UNKNOWN\r\n";
    let told = "X-Forwarded-For: 192.0.2.9\r\n";
    for (before, lines, remote, scheme) in [
        (&line[..], "", "192.0.2.7:5555", "ws://"),
        (&line[..], told, "192.0.2.7:5555", "ws://"),
        (&binary[..], "", "192.0.2.8:99", "wss://"),
        (&inner[..], told, "192.0.2.9:0", "ws://"),
    ] {
        let (server, _peer, connection) = through(expecting(), before, lines);
        let info = server.connection_info(connection).expect("is open");
        assert_eq!(info.remote.to_string(), remote);
        assert!(info.peer.is_loopback());
        let url = server.connection_text(connection, ConnectionText::Url).expect("is open");
        assert!(url.starts_with(scheme), "{url}");
    }
    let (server, _peer, connection) = through(expecting(), unknown, told);
    let info = server.connection_info(connection).expect("is open");
    assert!(info.remote.is_loopback(), "nobody vouches for what an unknown client wrote");
}

#[test]
fn a_proxy_header_may_come_in_any_pieces_and_only_as_it_should() {
    let interface = plain(|settings| {
        settings.trusted_proxies = strings(&["127.0.0.1"]);
        settings.proxy_protocol = true;
    });
    let (mut server, port) = open(interface);
    let mut peer = RawStream::connect(port);
    let text = format!("PROXY TCP4 192.0.2.7 127.0.0.1 5 80\r\n{}", request("/", ""));
    for byte in text.as_bytes() {
        peer.write(&mut server, &[*byte]);
        server.update().expect("updates");
    }
    assert_eq!(code(&peer.head(&mut server)), 101);
    for bytes in [&b"GET / HTTP/1.1\r\nHost: game\r\n\r\n"[..], b"PROXY TCP4 nonsense\r\n"] {
        let mut peer = RawStream::connect(port);
        peer.write(&mut server, bytes);
        assert_eq!(peer.end(&mut server), b"", "no answer");
    }
    assert_eq!(server.statistics().handshakes_malformed, 2);
}

#[test]
fn streams_that_a_proxy_should_have_sent_are_refused_when_they_come_from_others() {
    let interface = plain(|settings| {
        settings.trusted_proxies = strings(&["10.0.0.0/8"]);
        settings.proxy_protocol = true;
    });
    let (mut server, port) = open(interface);
    let mut peer = RawStream::connect(port);
    settle(&mut [&mut server], 3);
    assert_eq!(peer.end(&mut server), b"");
    let statistics = server.statistics();
    assert_eq!((statistics.handshakes_refused, statistics.handshakes_pending), (1, 0));
}

#[test]
fn a_stream_that_owes_its_proxy_header_has_no_more_time_than_others() {
    let interface = plain(|settings| {
        settings.trusted_proxies = strings(&["127.0.0.1"]);
        settings.proxy_protocol = true;
    });
    let settings = NetworkSettings { handshake_timeout_ms: 30, ..NetworkSettings::default() };
    let (mut server, port) = open_with(interface, &settings);
    let mut peer = RawStream::connect(port);
    peer.write(&mut server, b"PROXY ");
    assert_eq!(peer.end(&mut server), b"");
    assert_eq!(server.statistics().handshakes_timed_out, 1);
}

#[test]
fn the_strict_rule_wants_an_agreed_sub_protocol() {
    let settings = NetworkSettings {
        sub_protocol_rule: SubProtocolRule::Strict,
        ..NetworkSettings::default()
    };
    let interface = || plain(|settings| settings.sub_protocols = strings(&["b", "a"]));
    let offer = |list: &str| format!("Sec-WebSocket-Protocol: {list}\r\n");
    for (ours, lines, expected, agreed) in [
        (interface(), offer("a, b"), 101, Some("a")),
        (interface(), offer("x,b"), 101, Some("b")),
        (interface(), offer("x"), 400, None),
        (interface(), String::new(), 400, None),
        (plain(|_| {}), String::new(), 101, None),
        (plain(|_| {}), offer("x"), 400, None),
        (plain(|_| {}), offer("netdriver.raw"), 101, Some("netdriver.raw")),
    ] {
        let (mut server, port) = open_with(ours, &settings);
        let head = answer(&mut server, port, b"", &lines);
        assert_eq!(code(&head), expected, "{lines}");
        assert_eq!(header(&head, "sec-websocket-protocol").as_deref(), agreed, "{lines}");
    }
    let (mut server, port) = open(interface());
    let head = answer(&mut server, port, b"", &offer("a, b"));
    assert_eq!(header(&head, "sec-websocket-protocol").as_deref(), Some("b"), "lenient: ours");
    assert_eq!(code(&answer(&mut server, port, b"", &offer("x"))), 101);
}

#[test]
fn texts_of_the_request_stay_with_the_connection() {
    let lines = "Origin: https://a.example\r\nCookie: a=1; b=2\r\nCookie: c=3\r\n\
                 Sec-WebSocket-Protocol: x,  y\r\nSec-WebSocket-Protocol: z\r\n";
    let (server, _peer, connection) = through(plain(|_| {}), b"", lines);
    for (kind, expected) in [
        (ConnectionText::Method, "GET"),
        (ConnectionText::Origin, "https://a.example"),
        (ConnectionText::Cookies, "a=1\nb=2\nc=3\n"),
        (ConnectionText::SubProtocolsOffered, "x,y,z"),
        (ConnectionText::Host, "game"),
        (ConnectionText::Url, "ws://game/play?x=1"),
        (ConnectionText::Path, "/play"),
        (ConnectionText::Query, "x=1"),
    ] {
        assert_eq!(server.connection_text(connection, kind).expect("is open"), expected);
    }
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let wrong: [fn(&mut InterfaceSettings); 8] = [
        |settings| settings.allowed_origins = Some(strings(&["https://a.example/"])),
        |settings| settings.allowed_origins = Some(strings(&["*"])),
        |settings| settings.trusted_proxies = strings(&["10.0.0.1/8"]),
        |settings| settings.trusted_proxies = strings(&["localhost"]),
        |settings| settings.proxy_protocol = true,
        |settings| settings.request_timeout_ms = 0,
        |settings| {
            settings.response_headers = vec![("Content-Length".to_owned(), "1".to_owned())];
        },
        |settings| settings.response_headers = vec![("A".to_owned(), "b\r\nC: d".to_owned())],
    ];
    for change in wrong {
        let settings = plain(change);
        let mut driver = NetworkDriver::new(&NetworkSettings::default()).expect("is good");
        let text = format!("{settings:?}");
        assert_eq!(status(driver.add_interface(settings)), Status::InvalidArgument, "{text}");
    }
}
