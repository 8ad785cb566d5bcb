//! The opening handshake of the server: errors, documents, and what a program can read of it.

use netdriver::settings::{DialectPolicy, InterfaceKind, InterfaceSettings, NetworkSettings};
use netdriver::{NetworkDriver, Status};

use crate::support::raw::{ACCEPT, KEY, RawStream, header, request};
use crate::support::{
    driver, driver_with, expect_accept, listen, settle, status, websocket_server,
};

/// Sends bytes and takes the whole answer: head and body.
fn ask(server: &mut NetworkDriver, port: u16, bytes: &str) -> (String, String) {
    let mut peer = RawStream::connect(port);
    peer.write(server, bytes.as_bytes());
    let head = peer.head(server);
    let body = peer.end(server);
    (head, String::from_utf8(body).expect("is text"))
}

fn number(head: &str) -> u16 {
    head.get(9..12).and_then(|digits| digits.parse().ok()).expect("a status line")
}

#[test]
fn the_answer_is_a_101_of_exactly_three_headers() {
    let (mut server, port) =
        websocket_server(DialectPolicy::PlainOnly, &NetworkSettings::default());
    let mut peer = RawStream::connect(port);
    peer.write(&mut server, request("/", "").as_bytes());
    let expected = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
    );
    assert_eq!(peer.head(&mut server), expected);
}

#[test]
fn broken_requests_get_their_status() {
    let good = request("/", "");
    let cases = [
        (400, good.replace("Connection: Upgrade", "Connection: close")),
        (400, good.replace(KEY, "short")),
        (400, good.replace(&format!("Sec-WebSocket-Key: {KEY}\r\n"), "")),
        (400, good.replace("Sec-WebSocket-Version: 13\r\n", "")),
        (400, good.replace("Host: game\r\n", "")),
        (400, request("/", "Content-Length: 3\r\n")),
        (400, request("/", "Sec-WebSocket-Protocol: a, a\r\n")),
        (400, "\x16\x03\x01 this is no HTTP\r\n\r\n".to_owned()),
        (400, good.replace("Host: game", "Host : game")),
        (405, good.replace("GET", "POST")),
        (405, "DELETE / HTTP/1.1\r\nHost: game\r\n\r\n".to_owned()),
        (426, good.replace("Version: 13", "Version: 8")),
        (426, "GET / HTTP/1.1\r\nHost: game\r\n\r\n".to_owned()),
        (426, good.replace("Upgrade: websocket", "Upgrade: h2c")),
        (404, "GET /nothing HTTP/1.1\r\nHost: game\r\n\r\n".to_owned()),
        (431, request("/", &"X-Header: x\r\n".repeat(80))),
        (431, request("/", &format!("X-Long: {}\r\n", "x".repeat(10_000)))),
        (505, good.replace("HTTP/1.1", "HTTP/2.0")),
    ];
    for (index, (expected, text)) in cases.iter().enumerate() {
        let (mut server, port) = websocket_server(DialectPolicy::Auto, &NetworkSettings::default());
        let (head, body) = ask(&mut server, port, text);
        assert_eq!(number(&head), *expected, "{text}\n{head}");
        assert_eq!(header(&head, "Connection").as_deref(), Some("close"));
        assert_eq!(header(&head, "Content-Length"), Some(body.len().to_string()));
        assert!(!body.is_empty(), "case {index} explains itself");
        assert!(server.accept().is_none());
        settle(&mut [&mut server], 5);
        let statistics = server.statistics();
        assert_eq!((statistics.handshakes_failed, statistics.handshakes_pending), (1, 0));
    }
}

#[test]
fn answers_name_what_would_have_been_right() {
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &NetworkSettings::default());
    let version = request("/", "").replace("Version: 13", "Version: 7");
    let (head, _) = ask(&mut server, port, &version);
    assert_eq!(header(&head, "Sec-WebSocket-Version").as_deref(), Some("13"));
    let (head, _) = ask(&mut server, port, "PUT / HTTP/1.1\r\nHost: game\r\n\r\n");
    assert_eq!(header(&head, "Allow").as_deref(), Some("GET, HEAD"));
    let (head, _) = ask(&mut server, port, "GET / HTTP/1.1\r\nHost: game\r\n\r\n");
    assert_eq!(header(&head, "Upgrade").as_deref(), Some("websocket"));
}

#[test]
fn a_listener_with_a_path_serves_that_path() {
    let cases = [
        (DialectPolicy::PlainOnly, Some("/game"), "/game", true),
        (DialectPolicy::PlainOnly, Some("/game"), "/game?room=1", true),
        (DialectPolicy::PlainOnly, Some("/game"), "/", false),
        (DialectPolicy::PlainOnly, Some("/game"), "/game/2", false),
        (DialectPolicy::PlainOnly, None, "/anything", true),
        (DialectPolicy::UtpOnly, None, "/", true),
        (DialectPolicy::UtpOnly, None, "/other", false),
        (DialectPolicy::UtpOnly, Some("/game"), "/game", true),
        (DialectPolicy::UtpOnly, Some("/game"), "/game?room=1", false),
        (DialectPolicy::Auto, Some("/game"), "/utp", true),
        (DialectPolicy::Auto, Some("/game"), "/else", false),
    ];
    for (dialect, path, target, served) in cases {
        let interface = InterfaceSettings {
            dialect,
            path: path.map(str::to_owned),
            utp_path: Some("/utp".to_owned()),
            ..InterfaceSettings::new(InterfaceKind::WebSocket)
        };
        let mut server = driver_with(interface, &NetworkSettings::default());
        let port = listen(&mut server).port();
        let mut peer = RawStream::connect(port);
        peer.write(&mut server, request(target, "").as_bytes());
        let status = number(&peer.head(&mut server));
        assert_eq!(status, if served { 101 } else { 404 }, "{dialect:?} {path:?} {target}");
    }
}

#[test]
fn documents_and_the_game_share_a_port() {
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &NetworkSettings::default());
    let page = "<!doctype html><title>game</title>";
    server.set_document(0, "/", "text/html; charset=utf-8", page.as_bytes()).expect("is taken");
    server.set_document(0, "/empty.js", "text/javascript", b"").expect("is taken");
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: game\r\n\r\n");
    for (target, body) in [("/", page), ("/?query", page), ("/empty.js", "")] {
        let (head, sent) = ask(&mut server, port, &get(target));
        assert_eq!((number(&head), &sent[..]), (200, body), "{target}");
        assert_eq!(header(&head, "Content-Length"), Some(body.len().to_string()));
    }
    let (head, _) = ask(&mut server, port, &get("/"));
    assert_eq!(header(&head, "Content-Type").as_deref(), Some("text/html; charset=utf-8"));
    let (head, body) = ask(&mut server, port, &get("/").replace("GET", "HEAD"));
    assert_eq!((number(&head), &body[..]), (200, ""), "a HEAD has no body");
    assert_eq!(header(&head, "Content-Length"), Some(page.len().to_string()));
    let old = get("/").replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(number(&ask(&mut server, port, &old).0), 200);
    RawStream::open(&mut server, port, "/", "");
    server.set_document(0, "/", "text/plain", b"new").expect("replaces");
    assert_eq!(ask(&mut server, port, &get("/")).1, "new");
    server.remove_document(0, "/").expect("is there");
    assert_eq!(number(&ask(&mut server, port, &get("/")).0), 426);
    assert_eq!(server.statistics().documents_served, 7);
}

#[test]
fn a_large_document_arrives_whole() {
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &NetworkSettings::default());
    let body: Vec<u8> = (0..3_000_000u32).map(|index| (index % 251) as u8).collect();
    server.set_document(0, "/big", "application/wasm", &body).expect("is taken");
    let mut peer = RawStream::connect(port);
    peer.write(&mut server, b"GET /big HTTP/1.1\r\nHost: game\r\n\r\n");
    assert_eq!(number(&peer.head(&mut server)), 200);
    assert!(peer.end(&mut server) == body);
}

#[test]
fn a_client_that_says_no_more_after_its_request_still_gets_the_answer() {
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &NetworkSettings::default());
    let body = vec![b'x'; 1_000_000];
    server.set_document(0, "/big", "text/plain", &body).expect("is taken");
    for (target, status, size) in [("/big", 200, body.len()), ("/none", 404, 0)] {
        let mut peer = RawStream::connect(port);
        let text = format!("GET {target} HTTP/1.1\r\nHost: game\r\n\r\n");
        peer.write(&mut server, text.as_bytes());
        peer.end_writing();
        assert_eq!(number(&peer.head(&mut server)), status);
        assert!(peer.end(&mut server).len() >= size, "{target}");
    }
}

#[test]
fn documents_that_cannot_be_served_are_refused() {
    let mut server = driver(InterfaceKind::WebSocket, &NetworkSettings::default());
    for (path, kind) in
        [("", "a/b"), ("x", "a/b"), ("/a b", "a/b"), ("/?", "a/b"), ("/", ""), ("/", "a\r\nB: c")]
    {
        let refused = status(server.set_document(0, path, kind, b""));
        assert_eq!(refused, Status::InvalidArgument, "{path:?} {kind:?}");
    }
    assert_eq!(status(server.remove_document(0, "/")), Status::NotFound);
    assert_eq!(status(server.set_document(1, "/", "a/b", b"")), Status::InvalidArgument);
    let mut udp = driver(InterfaceKind::Udp, &NetworkSettings::default());
    assert_eq!(status(udp.set_document(0, "/", "a/b", b"")), Status::InvalidArgument);
}

#[test]
fn path_query_and_headers_can_be_read() {
    let (mut server, port) =
        websocket_server(DialectPolicy::PlainOnly, &NetworkSettings::default());
    let lines = "Origin: https://example.test\r\nCookie: a=1\r\nX-Empty:\r\n";
    let _peer = RawStream::open(&mut server, port, "/room/7?name=ann&x=%20", lines);
    let connection = expect_accept(&mut [&mut server]);
    assert_eq!(server.request_path(connection).expect("is open"), "/room/7");
    assert_eq!(server.request_query(connection).expect("is open"), "name=ann&x=%20");
    let read = |name: &str| server.request_header(connection, name).expect("is open");
    assert_eq!(read("origin"), Some("https://example.test"));
    assert_eq!(read("COOKIE"), Some("a=1"));
    assert_eq!(read("X-Empty"), Some(""));
    assert_eq!(read("X-None"), None);
    let all = server.request_headers(connection).expect("is open");
    assert!(all.starts_with("Host: game\n") && all.ends_with("X-Empty: \n"), "{all:?}");
    assert!(all.lines().any(|line| line == "Cookie: a=1"));
    assert_eq!(server.sub_protocol(connection).expect("is open"), "");
}

#[test]
fn a_connection_without_http_has_no_such_texts() {
    let pair = crate::support::Pair::new(InterfaceKind::Udp);
    assert_eq!(pair.server.request_path(pair.to_client).expect("is open"), "");
    assert_eq!(pair.server.request_query(pair.to_client).expect("is open"), "");
    assert_eq!(pair.server.request_headers(pair.to_client).expect("is open"), "");
    assert_eq!(pair.server.request_header(pair.to_client, "Host").expect("is open"), None);
}

#[test]
fn a_head_may_come_in_any_pieces() {
    let (mut server, port) =
        websocket_server(DialectPolicy::PlainOnly, &NetworkSettings::default());
    let mut peer = RawStream::connect(port);
    for byte in request("/", "X: y\r\n").as_bytes() {
        peer.write(&mut server, &[*byte]);
        server.update().expect("updates");
    }
    assert_eq!(number(&peer.head(&mut server)), 101);
    expect_accept(&mut [&mut server]);
}

#[test]
fn a_stream_that_ends_before_its_request_leaves_nothing() {
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &NetworkSettings::default());
    for text in ["", "GET / HT", &request("/", "")] {
        let mut peer = RawStream::connect(port);
        peer.write(&mut server, text.as_bytes());
        drop(peer);
    }
    settle(&mut [&mut server], 20);
    let statistics = server.statistics();
    assert_eq!((statistics.connections, statistics.handshakes_pending), (0, 0));
    assert_eq!(statistics.handshakes_failed, 3);
    assert!(server.accept().is_none() && server.pop_event().is_none());
}
