//! A client that its server sends elsewhere, and what it takes along; user and password of a URL.

use netdriver::settings::{DialectPolicy, NetworkSettings, UrlOptions};
use netdriver::{Connection, ConnectionText, DisconnectReason, EventKind, NetworkDriver, Status};

use crate::support::raw::{RawListener, answer, header};
use crate::support::{expect_accept, expect_event, status, websocket_server};

fn following(redirects_max: u32) -> UrlOptions {
    UrlOptions { redirects_max, ..UrlOptions::default() }
}

fn begin(url: &str, options: &UrlOptions) -> (NetworkDriver, Connection) {
    let mut client =
        NetworkDriver::new(&NetworkSettings::default()).expect("the settings are good");
    let connection = client.connect_url(url, options).expect("starts to connect");
    (client, connection)
}

fn redirect(status: u16, location: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 3\r\n\r\nbye")
        .into_bytes()
}

/// Answers the next request of the client with a redirect; gives the request.
fn send_on(
    listener: &RawListener,
    client: &mut NetworkDriver,
    code: u16,
    location: &str,
) -> String {
    let mut peer = listener.accept(client);
    let request = peer.head(client);
    peer.write(client, &redirect(code, location));
    request
}

#[test]
fn a_redirect_is_followed_to_its_end() {
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &NetworkSettings::default());
    let listener = RawListener::new();
    let url = format!("ws://127.0.0.1:{}/a/b?c", listener.port());
    let (mut client, connection) = begin(&url, &following(5));
    for (code, location, asked) in
        [(301, "d?e", "/a/b?c"), (302, "/f", "/a/d?e"), (303, "?g", "/f"), (307, "../h", "/f?g")]
    {
        let request = send_on(&listener, &mut client, code, location);
        assert!(request.starts_with(&format!("GET {asked} HTTP/1.1\r\n")), "{request}");
    }
    let last = format!("http://localhost:{port}/room?y#z");
    send_on(&listener, &mut client, 308, &last);
    let event = expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    assert_eq!(event.connection, connection);
    let url = client.connection_text(connection, ConnectionText::Url).expect("is open");
    assert_eq!(url, format!("ws://localhost:{port}/room?y"));
    assert_eq!(client.request_path(connection).expect("is open"), "/room");
    let incoming = expect_accept(&mut [&mut server, &mut client]);
    let host = server.request_header(incoming, "host").expect("is open").map(str::to_owned);
    assert_eq!(host, Some(format!("localhost:{port}")));
    assert_eq!(client.statistics().connections_outgoing, 1);
    assert_eq!(client.statistics().connections_closing, 0);
}

#[test]
fn redirects_have_a_bound_and_are_off_by_default() {
    for allowed in 0..3 {
        let listener = RawListener::new();
        let url = format!("ws://127.0.0.1:{}/", listener.port());
        let (mut client, connection) = begin(&url, &following(allowed));
        for _ in 0..=allowed {
            send_on(&listener, &mut client, 302, "/again");
        }
        let end = expect_event(&mut [&mut client], EventKind::Disconnect);
        assert_eq!(end.connection, connection);
        assert_eq!((end.reason, end.close_code), (DisconnectReason::HandshakeRejected, 302));
        assert!(listener.try_accept().is_none());
    }
}

#[test]
fn redirects_that_lead_nowhere_end_the_connection() {
    for location in ["ftp://x/", "http:///", "/a b\u{fc}", "ws://x:0/"] {
        let listener = RawListener::new();
        let url = format!("ws://127.0.0.1:{}/", listener.port());
        let (mut client, _) = begin(&url, &following(9));
        send_on(&listener, &mut client, 307, location);
        let end = expect_event(&mut [&mut client], EventKind::Disconnect);
        assert_eq!((end.reason, end.close_code), (DisconnectReason::HandshakeRejected, 307));
        let text = String::from_utf8_lossy(&end.data).into_owned();
        assert!(text.contains("redirects to"), "{text}");
    }
    // Without a Location, and with a status that is none.
    for head in ["302 Found\r\n", "300 Choose\r\nLocation: /\r\n"] {
        let listener = RawListener::new();
        let url = format!("ws://127.0.0.1:{}/", listener.port());
        let (mut client, _) = begin(&url, &following(9));
        let mut peer = listener.accept(&mut client);
        peer.head(&mut client);
        peer.write(&mut client, format!("HTTP/1.1 {head}\r\n").as_bytes());
        let end = expect_event(&mut [&mut client], EventKind::Disconnect);
        assert_eq!(end.reason, DisconnectReason::HandshakeRejected);
    }
}

#[test]
fn secrets_stay_with_their_host() {
    let (first, second) = (RawListener::new(), RawListener::new());
    let options = UrlOptions {
        headers: vec![
            ("Cookie".to_owned(), "c=1".to_owned()),
            ("X-Game".to_owned(), "chess".to_owned()),
        ],
        ..following(2)
    };
    let url = format!("ws://ann:secret@127.0.0.1:{}/", first.port());
    let (mut client, connection) = begin(&url, &options);
    let elsewhere = format!("ws://eve:evil@127.0.0.1:{}/x", second.port());
    for location in ["/same", &elsewhere] {
        let request = send_on(&first, &mut client, 302, location);
        assert_eq!(header(&request, "Authorization").as_deref(), Some("Basic YW5uOnNlY3JldA=="));
        assert_eq!(header(&request, "Cookie").as_deref(), Some("c=1"));
    }
    let mut peer = second.accept(&mut client);
    let request = peer.head(&mut client);
    assert_eq!(header(&request, "Authorization"), None);
    assert_eq!(header(&request, "Cookie"), None);
    assert_eq!(header(&request, "X-Game").as_deref(), Some("chess"));
    let key = header(&request, "Sec-WebSocket-Key").expect("is there");
    peer.write(&mut client, answer(&key, "").as_bytes());
    let event = expect_event(&mut [&mut client], EventKind::Connect);
    assert_eq!(event.connection, connection);
}

#[test]
fn user_and_password_of_a_url_become_a_header() {
    let listener = RawListener::new();
    let request_for = |user: &str, options: &UrlOptions| {
        let url = format!("ws://{user}127.0.0.1:{}/", listener.port());
        let (mut client, connection) = begin(&url, options);
        let mut peer = listener.accept(&mut client);
        let request = peer.head(&mut client);
        let key = header(&request, "Sec-WebSocket-Key").expect("is there");
        peer.write(&mut client, answer(&key, "").as_bytes());
        expect_event(&mut [&mut client], EventKind::Connect);
        let shown = client.connection_text(connection, ConnectionText::Url).expect("is open");
        assert_eq!(shown, format!("ws://127.0.0.1:{}/", listener.port()));
        request
    };
    let plain = UrlOptions::default();
    let basic = |request: &str| header(request, "Authorization");
    let request = request_for("Aladdin:open%20sesame@", &plain);
    assert_eq!(basic(&request).as_deref(), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    assert_eq!(basic(&request_for("ann@", &plain)).as_deref(), Some("Basic YW5uOg=="));
    assert_eq!(basic(&request_for("", &plain)), None);
    let told = UrlOptions {
        headers: vec![("authorization".to_owned(), "Bearer x".to_owned())],
        ..UrlOptions::default()
    };
    let request = request_for("ann:b@", &told);
    assert_eq!(basic(&request).as_deref(), Some("Bearer x"), "the program's own goes first");
    assert_eq!(request.matches("uthorization").count(), 1);
    let mut client =
        NetworkDriver::new(&NetworkSettings::default()).expect("the settings are good");
    let refused = status(client.connect_url("ws://a%zz@h/", &plain));
    assert_eq!(refused, Status::InvalidArgument);
}
