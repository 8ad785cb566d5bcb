//! TLS of TCP interfaces: the same settings as for WebSocket, in front of packets.

use netdriver::settings::{
    ClientCertificates, InterfaceKind, InterfaceSettings, NetworkSettings, TlsClient, TlsServer,
};
use netdriver::{Connection, ConnectionText, DisconnectReason, Event, EventKind, NetworkDriver};

use crate::support::certificates::Authority;
use crate::support::raw::{RawListener, RawStream};
use crate::support::{
    driver, driver_with, expect_accept, expect_event, listen, next_event, server, step, until,
};

const TCP: InterfaceKind = InterfaceKind::Tcp;

#[track_caller]
fn secure_server(tls: &TlsServer) -> (NetworkDriver, u16) {
    let (mut server, endpoint) = server(TCP, &NetworkSettings::default());
    server.set_tls_server(0, Some(tls)).expect("good certificates");
    (server, endpoint.port())
}

#[track_caller]
fn connecting(
    port: u16,
    tls: &TlsClient,
    settings: &NetworkSettings,
) -> (NetworkDriver, Connection) {
    let mut client = driver(TCP, settings);
    client.set_tls_client(0, Some(tls)).expect("good certificates");
    let connection = client.connect_host(0, "localhost", port, b"hi").expect("starts to connect");
    (client, connection)
}

struct Pair {
    server: NetworkDriver,
    client: NetworkDriver,
    to_client: Connection,
    to_server: Connection,
}

fn pair(server: &TlsServer, client: &TlsClient) -> Pair {
    let (mut server, port) = secure_server(server);
    let (mut client, to_server) = connecting(port, client, &NetworkSettings::default());
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    let to_client = expect_accept(&mut [&mut server, &mut client]);
    Pair { server, client, to_client, to_server }
}

/// How a connection ends that must not be made.
#[track_caller]
fn refusal(server: &TlsServer, client: &TlsClient) -> (NetworkDriver, Event) {
    let (mut server, port) = secure_server(server);
    let (mut client, _) = connecting(port, client, &NetworkSettings::default());
    let end = next_event(&mut [&mut client, &mut server], "the end");
    assert_eq!(end.kind, EventKind::Disconnect, "{end:?}");
    (server, end)
}

#[test]
fn packets_go_both_ways_and_both_sides_know_what_was_agreed_on() {
    let authority = Authority::new();
    let mut pair = pair(&authority.server(&["localhost"]), &authority.client());
    for size in [0, 1, 1320] {
        pair.client.send(pair.to_server, 0, &vec![7; size]).expect("is sent");
        let event = expect_event(&mut [&mut pair.server, &mut pair.client], EventKind::Data);
        assert_eq!(event.data, vec![7; size]);
        pair.server.send(pair.to_client, 0, &event.data).expect("is sent");
        let event = expect_event(&mut [&mut pair.client, &mut pair.server], EventKind::Data);
        assert_eq!(event.data.len(), size);
    }
    for (driver, connection) in [(&pair.server, pair.to_client), (&pair.client, pair.to_server)] {
        assert_eq!(driver.tls_version(connection).expect("is open"), "TLSv1.3");
        assert_eq!(driver.tls_server_name(connection).expect("is open"), "localhost");
        let url = driver.connection_text(connection, ConnectionText::Url).expect("is open");
        assert_eq!(url, "");
    }
    assert!(!pair.client.tls_peer_certificate(pair.to_server).expect("is open").is_empty());
    pair.client.disconnect(pair.to_server).expect("closes");
    let end = expect_event(&mut [&mut pair.server, &mut pair.client], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::ClosedByRemote);
}

#[test]
fn a_certificate_can_be_replaced_while_listening() {
    let (first, second) = (Authority::new(), Authority::new());
    let (mut server, port) = secure_server(&first.server(&["localhost"]));
    let (mut early, to_server) = connecting(port, &first.client(), &NetworkSettings::default());
    expect_event(&mut [&mut early, &mut server], EventKind::Connect);
    let to_early = expect_accept(&mut [&mut server, &mut early]);
    server.set_tls_server(0, Some(&second.server(&["localhost"]))).expect("good certificates");
    let (mut late, _) = connecting(port, &second.client(), &NetworkSettings::default());
    expect_event(&mut [&mut late, &mut server], EventKind::Connect);
    expect_accept(&mut [&mut server, &mut late]);
    early.send(to_server, 0, b"still here").expect("is open");
    let event = expect_event(&mut [&mut server, &mut early], EventKind::Data);
    assert_eq!(event.connection, to_early);
}

#[test]
fn the_certificate_follows_the_name_that_the_client_asks_for() {
    let authority = Authority::new();
    let mut server = authority.server(&["localhost"]);
    server.identities.push(authority.identity(&["game.example"]));
    for (asked, identity) in [(None, 0), (Some("game.example"), 1)] {
        let client = TlsClient { server_name: asked.map(str::to_owned), ..authority.client() };
        let pair = pair(&server, &client);
        let shown = pair.client.tls_peer_certificate(pair.to_server).expect("is open");
        let own = server.identities[identity].certificate.clone();
        let own = String::from_utf8(own).expect("is PEM").replace("\r\n", "\n");
        assert_eq!(shown, own);
        let name = pair.server.tls_server_name(pair.to_client).expect("is open");
        assert_eq!(name, asked.unwrap_or("localhost"));
    }
}

#[test]
fn a_certificate_that_is_not_trusted_is_reason_6_at_once() {
    let authority = Authority::new();
    let stranger = Authority::new();
    for (server, client) in [
        (stranger.server(&["localhost"]), authority.client()),
        (authority.server(&["elsewhere.example"]), authority.client()),
    ] {
        let (mut server, end) = refusal(&server, &client);
        assert_eq!(end.reason, DisconnectReason::AuthenticationFailure, "{end:?}");
        assert!(!end.data.is_empty() && end.close_code == 0);
        until("the failure to be counted", || {
            step(&mut [&mut server]);
            (server.statistics().tls_failures == 1).then_some(())
        });
        assert!(server.accept().is_none());
    }
}

#[test]
fn a_client_without_a_certificate_where_one_is_required_is_reason_6() {
    let authority = Authority::new();
    let mut server = authority.server(&["localhost"]);
    server.client_certificates = ClientCertificates::Required;
    server.client_ca = authority.pem();
    let (_, end) = refusal(&server, &authority.client());
    assert_eq!(end.reason, DisconnectReason::AuthenticationFailure, "{end:?}");
    let identity = Some(authority.identity(&["player"]));
    let known = TlsClient { identity, ..authority.client() };
    let pair = pair(&server, &known);
    assert!(!pair.server.tls_peer_certificate(pair.to_client).expect("is open").is_empty());
}

#[test]
fn a_client_without_tls_is_counted_and_gets_no_answer_in_clear() {
    let authority = Authority::new();
    for start in [&b"\x00\x0dUTP\x01\x01abcdefgh"[..], b"GET / HTTP/1.1\r\n\r\n"] {
        let (mut server, port) = secure_server(&authority.server(&["localhost"]));
        let mut peer = RawStream::connect(port);
        peer.write(&mut server, start);
        let answer = peer.end(&mut server);
        assert!(answer.is_empty() || answer[0] == 21, "an alert or nothing: {answer:?}");
        assert_eq!(server.statistics().tls_failures, 1);
        assert!(server.accept().is_none());
    }
}

#[test]
fn a_server_that_never_answers_the_handshake_is_an_attempt_that_failed() {
    let authority = Authority::new();
    let listener = RawListener::new();
    let settings = NetworkSettings {
        handshake_timeout_ms: 30,
        connect_timeout_ms: 20,
        max_connect_attempts: 6,
        ..NetworkSettings::default()
    };
    let (mut client, _) = connecting(listener.port(), &authority.client(), &settings);
    let mut streams = Vec::new();
    let end = until("the end", || {
        step(&mut [&mut client]);
        streams.extend(listener.try_accept());
        client.pop_event()
    });
    assert_eq!(end.reason, DisconnectReason::MaxConnectionAttempts);
    assert!(streams.len() > 1, "a new stream was tried");
}

#[test]
fn a_proxy_header_comes_in_front_of_tls() {
    let authority = Authority::new();
    let interface = InterfaceSettings {
        proxy_protocol: true,
        trusted_proxies: vec!["127.0.0.1".to_owned()],
        ..InterfaceSettings::new(TCP)
    };
    let mut server = driver_with(interface, &NetworkSettings::default());
    server.set_tls_server(0, Some(&authority.server(&["localhost"]))).expect("good certificates");
    let port = listen(&mut server).port();
    let listener = RawListener::new();
    let settings = NetworkSettings::default();
    let (mut client, _) = connecting(listener.port(), &authority.client(), &settings);
    let mut near = listener.accept(&mut client);
    let mut far = RawStream::connect(port);
    far.write(&mut server, b"PROXY TCP4 192.0.2.7 127.0.0.1 5 443\r\n");
    let accepted = until("a connection through the relay", || {
        near.read();
        let sent = far.try_write(&near.inbox);
        near.inbox.drain(..sent);
        far.read();
        let sent = near.try_write(&far.inbox);
        far.inbox.drain(..sent);
        step(&mut [&mut server, &mut client]);
        server.accept()
    });
    let info = server.connection_info(accepted).expect("is open");
    assert_eq!(info.remote.to_string(), "192.0.2.7:5");
    assert_eq!(server.tls_version(accepted).expect("is open"), "TLSv1.3");
}
