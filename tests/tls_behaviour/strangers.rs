//! Peers that speak no TLS, break it, or end without a word.

use netdriver::settings::{InterfaceKind, InterfaceSettings, NetworkSettings};
use netdriver::{DisconnectReason, EventKind};

use super::world::{Relay, connecting, secure_server};
use crate::support::certificates::Authority;
use crate::support::raw::{RawStream, request};
use crate::support::{driver_with, expect_event, listen, next_event, server, settle, step, until};

#[test]
fn a_client_without_tls_is_told_so_in_its_own_words() {
    let authority = Authority::new();
    let settings = NetworkSettings::default();
    let (mut server, port) = secure_server(&authority.server(&["localhost"]), &settings);
    let mut peer = RawStream::connect(port);
    peer.write(&mut server, request("/", "").as_bytes());
    let head = peer.head(&mut server);
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    let rest = String::from_utf8(peer.end(&mut server)).expect("is text");
    assert!(rest.contains("TLS is spoken at this port"), "{rest}");
    assert_eq!(server.statistics().tls_failures, 1);
}

#[test]
fn a_client_without_tls_behind_a_proxy_header_is_told_so_too() {
    let interface = InterfaceSettings {
        proxy_protocol: true,
        trusted_proxies: vec!["127.0.0.1".to_owned()],
        ..InterfaceSettings::new(InterfaceKind::WebSocket)
    };
    for apart in [false, true] {
        let mut server = driver_with(interface.clone(), &NetworkSettings::default());
        let tls = Authority::new().server(&["localhost"]);
        server.set_tls_server(0, Some(&tls)).expect("good certificates");
        let port = listen(&mut server).port();
        let mut peer = RawStream::connect(port);
        let (line, request) = ("PROXY TCP4 192.0.2.7 127.0.0.1 5 443\r\n", request("/", ""));
        if apart {
            peer.write(&mut server, line.as_bytes());
            settle(&mut [&mut server], 3);
            peer.write(&mut server, request.as_bytes());
        } else {
            peer.write(&mut server, format!("{line}{request}").as_bytes());
        }
        let head = peer.head(&mut server);
        assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
        assert_eq!(server.statistics().tls_failures, 1);
    }
}

#[test]
fn garbage_where_a_handshake_should_be_ends_the_stream() {
    let authority = Authority::new();
    let settings = NetworkSettings::default();
    let (mut server, port) = secure_server(&authority.server(&["localhost"]), &settings);
    let mut peer = RawStream::connect(port);
    peer.write(&mut server, &[0xff; 300]);
    let alert = peer.end(&mut server);
    // Level fatal (2) of an alert record (21); RFC 8446 section 6.
    assert_eq!((alert[0], alert[5]), (21, 2), "{alert:?}");
    assert_eq!(server.statistics().tls_failures, 1);
    assert_eq!(server.statistics().handshakes_failed, 1);
}

#[test]
fn a_tls_client_at_a_plain_port_gets_a_clear_end() {
    let settings = NetworkSettings::default();
    let kind = InterfaceKind::WebSocket;
    let (mut server, endpoint) = server(kind, &settings);
    let (mut client, _) = connecting(endpoint.port(), &Authority::new().client(), &settings);
    let end = expect_event(&mut [&mut client, &mut server], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::AuthenticationFailure);
    let text = String::from_utf8_lossy(&end.data).into_owned();
    assert!(text.contains("does not speak TLS"), "{text}");
}

#[test]
fn a_handshake_that_stops_runs_into_the_timeout() {
    let authority = Authority::new();
    let settings = NetworkSettings { handshake_timeout_ms: 50, ..NetworkSettings::default() };
    let (mut server, port) = secure_server(&authority.server(&["localhost"]), &settings);
    // The first bytes of a ClientHello, one by one, and then no more.
    let mut peer = RawStream::connect(port);
    for byte in [0x16, 3, 1, 1, 0, 1] {
        peer.write(&mut server, &[byte]);
        step(&mut [&mut server]);
    }
    peer.end(&mut server);
    assert_eq!(server.statistics().handshakes_failed, 1);
    assert_eq!(server.statistics().handshakes_pending, 0);
}

#[test]
fn a_client_that_goes_during_the_handshake_leaves_nothing_behind() {
    let authority = Authority::new();
    let settings = NetworkSettings::default();
    let (mut server, port) = secure_server(&authority.server(&["localhost"]), &settings);
    for first in [&[][..], &[0x16, 3, 1]] {
        let mut peer = RawStream::connect(port);
        peer.write(&mut server, first);
        step(&mut [&mut server]);
        drop(peer);
        until("the stream is gone", || {
            step(&mut [&mut server]);
            (server.statistics().handshakes_pending == 0).then_some(())
        });
    }
    assert_eq!(server.statistics().handshakes_failed, 2);
    assert_eq!(server.statistics().tls_failures, 1);
}

#[test]
fn a_stream_that_is_cut_is_a_lost_connection() {
    let authority = Authority::new();
    let settings = NetworkSettings::default();
    let (mut server, port) = secure_server(&authority.server(&["localhost"]), &settings);
    let (mut relay, mut client, _) = Relay::new(port, &authority.client(), &settings);
    assert_eq!(relay.event(65_536, &mut client, &mut server).kind, EventKind::Connect);
    relay.near.end_writing();
    let end = next_event(&mut [&mut client, &mut server], "the end");
    assert_eq!((end.kind, end.reason), (EventKind::Disconnect, DisconnectReason::ConnectionLost));
    assert_eq!((end.close_code, end.clean), (1006, false));
}

#[test]
fn a_record_that_was_changed_ends_the_connection_after_what_was_good() {
    let authority = Authority::new();
    let settings = NetworkSettings::default();
    let (mut server, port) = secure_server(&authority.server(&["localhost"]), &settings);
    let (mut relay, mut client, connection) = Relay::new(port, &authority.client(), &settings);
    assert_eq!(relay.event(65_536, &mut client, &mut server).kind, EventKind::Connect);
    let incoming = until("the connection", || {
        relay.carry(65_536);
        step(&mut [&mut server, &mut client]);
        server.accept()
    });
    server.send(incoming, 0, b"good").expect("is sent");
    server.update().expect("updates");
    server.send(incoming, 0, b"changed").expect("is sent");
    server.update().expect("updates");
    until("both records", || {
        relay.far.read();
        (relay.far.inbox.len() > 50).then_some(())
    });
    let last = relay.far.inbox.len() - 1;
    relay.far.inbox[last] ^= 1;
    let first = relay.event(65_536, &mut client, &mut server);
    assert_eq!((first.kind, &first.data[..]), (EventKind::Data, &b"good"[..]));
    let end = relay.event(65_536, &mut client, &mut server);
    assert_eq!(end.kind, EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::AuthenticationFailure);
    assert_eq!((end.connection, end.close_code), (connection, 1006));
    // The alert reaches the server, which ends its side for the same reason.
    let heard = until("the server's end", || {
        relay.carry(65_536);
        step(&mut [&mut server, &mut client]);
        server.pop_event()
    });
    assert_eq!(heard.reason, DisconnectReason::AuthenticationFailure);
    assert!(String::from_utf8_lossy(&heard.data).contains("bad record mac"), "{heard:?}");
}
