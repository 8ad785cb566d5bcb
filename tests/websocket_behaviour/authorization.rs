//! Servers and proxies that ask who the client is: Basic, Digest, and proxies that know no names.

use netdriver::settings::{NetworkSettings, UrlOptions};
use netdriver::{Connection, DisconnectReason, EventKind, NetworkDriver};

use crate::support::raw::{RawListener, RawStream, answer, header};
use crate::support::{expect_event, next_event, step, until};

const OPEN: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
const CHALLENGE: &str = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256";

fn connect(url: &str, options: &UrlOptions) -> (NetworkDriver, Connection) {
    let mut client =
        NetworkDriver::new(&NetworkSettings::default()).expect("the settings are good");
    let connection = client.connect_url(url, options).expect("starts to connect");
    (client, connection)
}

/// The value of a parameter in an answer to a challenge.
fn part<'a>(answer: &'a str, name: &str) -> &'a str {
    let mut parts = answer.split(", ").filter_map(|part| part.split_once('='));
    parts.find(|part| part.0 == name).map_or("", |part| part.1.trim_matches('"'))
}

fn asks(status: &str, field: &str, challenge: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{field}: {challenge}\r\nContent-Length: 3\r\n\r\nwho")
        .into_bytes()
}

/// Answers a request with a 101 that belongs to it.
fn accept(peer: &mut RawStream, client: &mut NetworkDriver, request: &str) {
    let key = header(request, "Sec-WebSocket-Key").expect("is there");
    peer.write(client, answer(&key, "").as_bytes());
}

#[test]
fn a_server_that_wants_digest_gets_it_on_a_stream_of_its_own() {
    let listener = RawListener::new();
    let url = format!("ws://ann:secret@127.0.0.1:{}/room?x", listener.port());
    let (mut client, connection) = connect(&url, &UrlOptions::default());
    let mut first = listener.accept(&mut client);
    let request = first.head(&mut client);
    let basic = header(&request, "Authorization");
    assert_eq!(basic.as_deref(), Some("Basic YW5uOnNlY3JldA=="));
    first.write(&mut client, &asks("401 Who?", "WWW-Authenticate", CHALLENGE));
    let mut second = listener.accept(&mut client);
    first.end(&mut client);
    let request = second.head(&mut client);
    let digest = header(&request, "Authorization").expect("is there");
    assert!(digest.starts_with("Digest username=\"ann\", realm=\"r\", nonce=\"n\""), "{digest}");
    assert_eq!((part(&digest, "uri"), part(&digest, "nc")), ("/room?x", "00000001"));
    assert_eq!(part(&digest, "response").len(), 64);
    assert!(!digest.contains("secret"));
    accept(&mut second, &mut client, &request);
    let event = expect_event(&mut [&mut client], EventKind::Connect);
    assert_eq!(event.connection, connection);
}

#[test]
fn a_wrong_password_is_the_end_and_a_stale_nonce_is_not() {
    let listener = RawListener::new();
    let url = format!("ws://ann:secret@127.0.0.1:{}/", listener.port());
    let (mut client, _) = connect(&url, &UrlOptions::default());
    let stale = format!("{CHALLENGE}, stale=true");
    for challenge in [CHALLENGE, &stale, CHALLENGE] {
        let mut peer = listener.accept(&mut client);
        peer.head(&mut client);
        peer.write(&mut client, &asks("401 Who?", "WWW-Authenticate", challenge));
    }
    let end = expect_event(&mut [&mut client], EventKind::Disconnect);
    assert_eq!((end.reason, end.close_code), (DisconnectReason::HandshakeRejected, 401));
    assert!(listener.try_accept().is_none());
}

#[test]
fn with_digest_only_the_password_never_leaves() {
    let listener = RawListener::new();
    let url = format!("ws://ann:secret@127.0.0.1:{}/", listener.port());
    let options = UrlOptions { digest_only: true, ..UrlOptions::default() };
    let (mut client, _) = connect(&url, &options);
    let mut peer = listener.accept(&mut client);
    let request = peer.head(&mut client);
    assert_eq!(header(&request, "Authorization"), None);
    peer.write(&mut client, &asks("401 Who?", "WWW-Authenticate", "Basic realm=x"));
    let end = expect_event(&mut [&mut client], EventKind::Disconnect);
    assert_eq!(end.close_code, 401, "Basic is no answer");
    let (mut client, _) = connect(&url, &options);
    let mut peer = listener.accept(&mut client);
    peer.head(&mut client);
    peer.write(&mut client, &asks("401 Who?", "WWW-Authenticate", CHALLENGE));
    let request = listener.accept(&mut client).head(&mut client);
    assert!(header(&request, "Authorization").expect("is there").starts_with("Digest "));
}

#[test]
fn who_answers_by_itself_is_not_answered_for() {
    let listener = RawListener::new();
    let url = format!("ws://ann:secret@127.0.0.1:{}/", listener.port());
    let headers = vec![("authorization".to_owned(), "Bearer x".to_owned())];
    let options = UrlOptions { headers, ..UrlOptions::default() };
    let (mut client, _) = connect(&url, &options);
    let mut peer = listener.accept(&mut client);
    let request = peer.head(&mut client);
    assert_eq!(request.matches("uthorization").count(), 1, "{request}");
    assert_eq!(header(&request, "Authorization").as_deref(), Some("Bearer x"));
    peer.write(&mut client, &asks("401 Who?", "WWW-Authenticate", CHALLENGE));
    let end = expect_event(&mut [&mut client], EventKind::Disconnect);
    assert_eq!(end.close_code, 401);
}

#[test]
fn a_proxy_that_wants_digest_gets_it() {
    let listener = RawListener::new();
    let proxy = Some(format!("http://ann:secret@127.0.0.1:{}", listener.port()));
    let options = UrlOptions { proxy, digest_only: true, ..UrlOptions::default() };
    let (mut client, connection) = connect("ws://game.example:7777/", &options);
    let mut first = listener.accept(&mut client);
    let request = first.head(&mut client);
    assert_eq!(header(&request, "Proxy-Authorization"), None);
    first.write(&mut client, &asks("407 Who?", "Proxy-Authenticate", CHALLENGE));
    let mut second = listener.accept(&mut client);
    let request = second.head(&mut client);
    let digest = header(&request, "Proxy-Authorization").expect("is there");
    assert_eq!(part(&digest, "uri"), "game.example:7777", "{digest}");
    second.write(&mut client, OPEN);
    let request = second.head(&mut client);
    assert_eq!(header(&request, "Proxy-Authorization"), None);
    accept(&mut second, &mut client, &request);
    let event = expect_event(&mut [&mut client], EventKind::Connect);
    assert_eq!(event.connection, connection);
}

#[test]
fn a_proxy_that_knows_somebody_else_is_reason_68() {
    let listener = RawListener::new();
    let proxy = Some(format!("http://ann:wrong@127.0.0.1:{}", listener.port()));
    let options = UrlOptions { proxy, ..UrlOptions::default() };
    let (mut client, _) = connect("ws://game.example/", &options);
    for _ in 0..2 {
        let mut peer = listener.accept(&mut client);
        peer.head(&mut client);
        peer.write(&mut client, &asks("407 Who?", "Proxy-Authenticate", CHALLENGE));
    }
    let end = expect_event(&mut [&mut client], EventKind::Disconnect);
    assert_eq!((end.reason, end.close_code), (DisconnectReason::ProxyFailed, 407));
}

/// What a SOCKS proxy is asked, up to its last NUL.
fn asked(peer: &mut RawStream, client: &mut NetworkDriver, nuls: usize) -> Vec<u8> {
    until("the request", || {
        peer.read();
        step(&mut [client]);
        let ends = peer.inbox.iter().skip(8).filter(|&&byte| byte == 0).count();
        (ends >= nuls).then(|| std::mem::take(&mut peer.inbox))
    })
}

#[test]
fn socks4_gets_an_address_and_4a_a_name() {
    let listener = RawListener::new();
    let at = |scheme: &str| Some(format!("{scheme}fred@127.0.0.1:{}", listener.port()));
    let options = UrlOptions { proxy: at("socks4a://"), ..UrlOptions::default() };
    let (mut client, connection) = connect("ws://game.example:7777/", &options);
    let mut peer = listener.accept(&mut client);
    let request = asked(&mut peer, &mut client, 2);
    assert_eq!(request, b"\x04\x01\x1e\x61\x00\x00\x00\x01fred\x00game.example\x00");
    peer.write(&mut client, &[0, 90, 0, 0, 0, 0, 0, 0]);
    let request = peer.head(&mut client);
    assert_eq!(header(&request, "Host").as_deref(), Some("game.example:7777"));
    accept(&mut peer, &mut client, &request);
    assert_eq!(expect_event(&mut [&mut client], EventKind::Connect).connection, connection);

    let options = UrlOptions { proxy: at("socks4://"), ..UrlOptions::default() };
    for (host, address) in [("127.0.0.2", [127, 0, 0, 2]), ("localhost", [127, 0, 0, 1])] {
        let (mut client, _) = connect(&format!("ws://{host}:80/"), &options);
        let mut peer = listener.accept(&mut client);
        let request = asked(&mut peer, &mut client, 1);
        assert_eq!(request, [&[4, 1, 0, 80], &address[..], b"fred\0"].concat(), "{host}");
        peer.write(&mut client, &[0, 90, 0, 0, 0, 0, 0, 0]);
        let request = peer.head(&mut client);
        assert!(header(&request, "Host").expect("is there").starts_with(host));
    }
    let given = UrlOptions {
        addresses: vec!["[::1]:80".parse().unwrap(), "192.0.2.7:80".parse().unwrap()],
        ..options
    };
    let (mut client, _) = connect("ws://game.example/", &given);
    let mut peer = listener.accept(&mut client);
    assert!(asked(&mut peer, &mut client, 1).ends_with(b"\xc0\x00\x02\x07fred\0"));
    peer.write(&mut client, &[0, 92, 0, 0, 0, 0, 0, 0]);
    let end = expect_event(&mut [&mut client], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::ProxyFailed);
    assert!(String::from_utf8_lossy(&end.data).contains("cannot ask this machine"), "{end:?}");
}

#[test]
fn a_server_that_socks4_cannot_reach_ends_with_a_reason() {
    let listener = RawListener::new();
    let proxy = Some(format!("socks4://127.0.0.1:{}", listener.port()));
    let options = UrlOptions { proxy, ..UrlOptions::default() };
    for url in ["ws://[::1]/", "ws://nobody.invalid/"] {
        let (mut client, connection) = connect(url, &options);
        let end = next_event(&mut [&mut client], "the end");
        assert_eq!((end.kind, end.connection), (EventKind::Disconnect, connection), "{url}");
        assert_eq!(end.reason, DisconnectReason::HostNotFound, "{url}");
        assert!(String::from_utf8_lossy(&end.data).contains("IPv4"), "{end:?}");
    }
    assert!(listener.try_accept().is_none());
}
