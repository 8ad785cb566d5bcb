//! A client that goes through a proxy: HTTP CONNECT and SOCKS5, with all that may go wrong.

use netdriver::settings::{Dialect, DialectPolicy, NetworkSettings, UrlOptions};
use netdriver::{Connection, DisconnectReason, Event, EventKind, NetworkDriver, Status};

use crate::support::raw::{RawListener, RawStream, answer, header};
use crate::support::{expect_accept, expect_event, settle, status, step, until, websocket_server};

const OPEN: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// A client that connects to `url` through a raw proxy, which has taken it.
fn through(
    scheme: &str,
    url: &str,
    options: &UrlOptions,
) -> (NetworkDriver, Connection, RawStream) {
    let listener = RawListener::new();
    let mut client =
        NetworkDriver::new(&NetworkSettings::default()).expect("the settings are good");
    let options = UrlOptions {
        proxy: Some(format!("{scheme}127.0.0.1:{}", listener.port())),
        ..options.clone()
    };
    let connection = client.connect_url(url, &options).expect("starts to connect");
    let peer = listener.accept(&mut client);
    (client, connection, peer)
}

/// Runs the driver until the proxy has got these bytes.
#[track_caller]
fn expect_bytes(peer: &mut RawStream, client: &mut NetworkDriver, wanted: &[u8]) {
    until("bytes at the proxy", || {
        peer.read();
        step(&mut [client]);
        (peer.inbox.len() >= wanted.len()).then_some(())
    });
    assert_eq!(peer.inbox, wanted);
    peer.inbox.clear();
}

/// Lets bytes through between a client and its server until the client has an event; gives that,
/// and the proxy's stream to the server.
fn relayed(
    client: &mut NetworkDriver,
    server: &mut NetworkDriver,
    peer: &mut RawStream,
) -> (Event, RawStream) {
    let port = server.local_endpoint(0, 0).expect("is bound").port();
    let mut onward = RawStream::connect(port);
    let event = until("an event through the proxy", || {
        for (from, to) in [(0, 1), (1, 0)] {
            let both = [&mut *peer, &mut onward];
            both[from].read();
            let bytes = std::mem::take(&mut both[from].inbox);
            assert_eq!(both[to].try_write(&bytes), bytes.len());
        }
        step(&mut [client, server]);
        client.pop_event()
    });
    (event, onward)
}

fn end_of(client: &mut NetworkDriver, connection: Connection) -> (DisconnectReason, u16, String) {
    let end = expect_event(&mut [client], EventKind::Disconnect);
    assert_eq!(end.connection, connection);
    assert_eq!(client.statistics().connections, 0);
    (end.reason, end.close_code, String::from_utf8_lossy(&end.data).into_owned())
}

#[test]
fn connect_opens_a_way_to_the_server() {
    for dialect in [Dialect::Plain, Dialect::Utp] {
        let (mut server, _) = websocket_server(DialectPolicy::Auto, &NetworkSettings::default());
        let options = UrlOptions { dialect, ..UrlOptions::default() };
        let (mut client, connection, mut peer) =
            through("http://ann:b%40c@", "ws://game.example:7777/room?x", &options);
        let request = peer.head(&mut client);
        assert!(request.starts_with("CONNECT game.example:7777 HTTP/1.1\r\n"), "{request}");
        assert_eq!(header(&request, "Host").as_deref(), Some("game.example:7777"));
        let authorization = header(&request, "Proxy-Authorization");
        assert_eq!(authorization.as_deref(), Some("Basic YW5uOmJAYw=="));
        settle(&mut [&mut client], 3);
        peer.read();
        assert!(peer.inbox.is_empty(), "nothing is said to the server before the way is open");
        peer.write(&mut client, OPEN);
        let (event, _onward) = relayed(&mut client, &mut server, &mut peer);
        assert_eq!((event.kind, event.connection), (EventKind::Connect, connection));
        let incoming = expect_accept(&mut [&mut server, &mut client]);
        assert_eq!(server.request_path(incoming).expect("is open"), "/room");
        let host = server.request_header(incoming, "host").expect("is open");
        assert_eq!(host, Some("game.example:7777"));
        let told = server.request_header(incoming, "proxy-authorization").expect("is open");
        assert_eq!(told, None, "the server learns nothing of the proxy's password");
    }
}

#[test]
fn socks5_opens_a_way_to_the_server() {
    let (mut server, _) = websocket_server(DialectPolicy::Auto, &NetworkSettings::default());
    let (mut client, connection, mut peer) =
        through("socks5://ann:secret@", "ws://game.example/", &UrlOptions::default());
    expect_bytes(&mut peer, &mut client, &[5, 2, 0, 2]);
    peer.write(&mut client, &[5, 2]);
    expect_bytes(&mut peer, &mut client, b"\x01\x03ann\x06secret");
    peer.write(&mut client, &[1, 0]);
    expect_bytes(&mut peer, &mut client, b"\x05\x01\x00\x03\x0cgame.example\x00\x50");
    peer.write(&mut client, &[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]);
    let (event, _onward) = relayed(&mut client, &mut server, &mut peer);
    assert_eq!((event.kind, event.connection), (EventKind::Connect, connection));
}

#[test]
fn what_a_proxy_says_instead_is_reason_68() {
    let cases: [(&str, &[u8], u16, &str); 8] = [
        ("http://", b"HTTP/1.1 407 Who?\r\n\r\n", 407, "a user and a password"),
        ("http://", b"HTTP/1.1 403 Forbidden\r\n\r\n", 403, "403 Forbidden"),
        ("http://", b"HTTP/1.1 502 Bad Gateway\r\n\r\n", 502, "502"),
        ("http://", b"nonsense\r\n\r\n", 0, "wrong"),
        ("http://", b"HTTP/1.1 200 OK\r\n\r\nearly", 0, "more than its answer"),
        ("socks5://", &[5, 0xff], 0, "another authentication"),
        ("socks5://", &[5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0], 0, "the connection was refused"),
        ("socks5://", b"HTTP", 0, "no SOCKS5"),
    ];
    for (scheme, bytes, code, words) in cases {
        let (mut client, connection, mut peer) =
            through(scheme, "ws://game.example/", &UrlOptions::default());
        peer.write(&mut client, bytes);
        let (reason, close_code, text) = end_of(&mut client, connection);
        assert_eq!((reason, close_code), (DisconnectReason::ProxyFailed, code), "{words}");
        assert!(text.contains(words) && text.contains("127.0.0.1"), "{text}");
        peer.end(&mut client);
    }
}

#[test]
fn a_proxy_that_ends_or_is_not_there_is_reason_68_too() {
    let (mut client, connection, peer) = through("", "ws://game.example/", &UrlOptions::default());
    drop(peer);
    assert_eq!(end_of(&mut client, connection).0, DisconnectReason::ProxyFailed);
    let nobody = RawListener::new().port();
    for proxy in [format!("127.0.0.1:{nobody}"), format!("socks5://{}.invalid", "x".repeat(63))] {
        let mut client =
            NetworkDriver::new(&NetworkSettings::default()).expect("the settings are good");
        let options = UrlOptions { proxy: Some(proxy.clone()), ..UrlOptions::default() };
        let connection = client.connect_url("ws://game/", &options).expect("starts to connect");
        let (reason, _, text) = end_of(&mut client, connection);
        assert_eq!(reason, DisconnectReason::ProxyFailed, "{text}");
        assert!(text.contains("the proxy"), "{text}");
    }
    let hasty = NetworkSettings { handshake_timeout_ms: 20, ..NetworkSettings::default() };
    let listener = RawListener::new();
    let mut client = NetworkDriver::new(&hasty).expect("the settings are good");
    let proxy = Some(format!("127.0.0.1:{}", listener.port()));
    let options = UrlOptions { proxy, ..UrlOptions::default() };
    let connection = client.connect_url("ws://game/", &options).expect("starts to connect");
    assert_eq!(end_of(&mut client, connection).0, DisconnectReason::ProxyFailed);
}

#[test]
fn the_server_behind_a_proxy_may_refuse_as_any_other() {
    let (mut client, connection, mut peer) =
        through("", "ws://game.example/", &UrlOptions::default());
    peer.head(&mut client);
    peer.write(&mut client, OPEN);
    peer.head(&mut client);
    peer.write(&mut client, b"HTTP/1.1 401 Unauthorized\r\n\r\n");
    let (reason, code, text) = end_of(&mut client, connection);
    assert_eq!((reason, code), (DisconnectReason::HandshakeRejected, 401));
    assert!(text.starts_with("game.example through http://127.0.0.1:"), "{text}");
}

#[test]
fn exceptions_are_reached_directly() {
    let listener = RawListener::new();
    let port = listener.port();
    for (list, direct) in [("10.0.0.0/8, 127.0.0.0/8", true), ("10.0.0.0/8", false)] {
        let proxy = RawListener::new();
        let mut client =
            NetworkDriver::new(&NetworkSettings::default()).expect("the settings are good");
        let options = UrlOptions {
            proxy: Some(format!("127.0.0.1:{}", proxy.port())),
            no_proxy: Some(list.to_owned()),
            ..UrlOptions::default()
        };
        let url = format!("ws://127.0.0.1:{port}/");
        client.connect_url(&url, &options).expect("starts to connect");
        let mut peer = if direct { &listener } else { &proxy }.accept(&mut client);
        let request = peer.head(&mut client);
        assert_eq!(request.starts_with("GET "), direct, "{request}");
    }
}

#[test]
fn a_utp_client_asks_a_proxy_again_that_did_not_reach_the_server() {
    let listener = RawListener::new();
    let settings = NetworkSettings { connect_timeout_ms: 20, ..NetworkSettings::default() };
    let mut client = NetworkDriver::new(&settings).expect("the settings are good");
    let options = UrlOptions {
        dialect: Dialect::Utp,
        proxy: Some(format!("127.0.0.1:{}", listener.port())),
        ..UrlOptions::default()
    };
    let connection = client.connect_url("ws://game/", &options).expect("starts to connect");
    for _ in 0..2 {
        let mut peer = listener.accept(&mut client);
        peer.head(&mut client);
        peer.write(&mut client, b"HTTP/1.1 503 Later\r\n\r\n");
    }
    let mut peer = listener.accept(&mut client);
    peer.head(&mut client);
    peer.write(&mut client, b"HTTP/1.1 407 Who?\r\n\r\n");
    assert_eq!(end_of(&mut client, connection).0, DisconnectReason::ProxyFailed, "that is final");
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused_at_once() {
    let mut client =
        NetworkDriver::new(&NetworkSettings::default()).expect("the settings are good");
    for proxy in ["ftp://p", "socks4://ann:b@p", "http://", "http://p:0", "socks5://ann@p"] {
        let options = UrlOptions { proxy: Some(proxy.to_owned()), ..UrlOptions::default() };
        let refused = status(client.connect_url("ws://game/", &options));
        assert_eq!(refused, Status::InvalidArgument, "{proxy}");
    }
    assert_eq!(client.statistics().connections, 0);
}

#[test]
fn an_answer_through_a_tunnel_may_come_in_pieces() {
    let (mut client, connection, mut peer) =
        through("", "ws://game.example/", &UrlOptions::default());
    peer.head(&mut client);
    for byte in OPEN {
        peer.write(&mut client, &[*byte]);
        step(&mut [&mut client]);
    }
    let request = peer.head(&mut client);
    let key = header(&request, "Sec-WebSocket-Key").expect("is there");
    peer.write(&mut client, answer(&key, "").as_bytes());
    let event = expect_event(&mut [&mut client], EventKind::Connect);
    assert_eq!(event.connection, connection);
}
