//! What goes through TLS: messages small and large, both dialects, closing, limits.

use netdriver::settings::{
    InterfaceKind, InterfaceSettings, NetworkSettings, TlsVersion, UrlOptions,
};
use netdriver::{DisconnectReason, EventKind, NetworkDriver, NetworkEndpoint, Status};

use super::world::{Relay, SecurePair, connecting, secure_server};
use crate::support::certificates::Authority;
use crate::support::{create_pipelines, expect_accept, expect_event, status, step, until};

fn pair() -> SecurePair {
    let authority = Authority::new();
    SecurePair::new(&authority.server(&["localhost"]), &authority.client())
}

#[test]
fn messages_go_both_ways() {
    let mut pair = pair();
    pair.client.send_text(pair.to_server, "hello").expect("is sent");
    let event = pair.server_event(EventKind::Data);
    assert_eq!((&event.data[..], event.text), (&b"hello"[..], true));
    pair.server.send(pair.to_client, 0, b"welcome").expect("is sent");
    let event = pair.client_event(EventKind::Data);
    assert_eq!((&event.data[..], event.text), (&b"welcome"[..], false));
    assert_eq!(pair.server.request_path(pair.to_client).expect("is open"), "/room");
}

#[test]
fn both_sides_know_what_tls_agreed_on() {
    for version_min in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let authority = Authority::new();
        let mut server = authority.server(&["localhost"]);
        server.version_min = version_min;
        let pair = SecurePair::new(&server, &authority.client());
        for (driver, connection) in [(&pair.server, pair.to_client), (&pair.client, pair.to_server)]
        {
            assert_eq!(driver.tls_version(connection).expect("is open"), "TLSv1.3");
            let cipher = driver.tls_cipher(connection).expect("is open");
            assert!(cipher.starts_with("TLS_"), "{cipher}");
            assert_eq!(driver.tls_server_name(connection).expect("is open"), "localhost");
        }
        let shown = pair.client.tls_peer_certificate(pair.to_server).expect("is open");
        let own = String::from_utf8(server.identities[0].certificate.clone()).expect("is PEM");
        assert_eq!(shown, own.replace("\r\n", "\n"));
        assert_eq!(pair.server.tls_peer_certificate(pair.to_client).expect("is open"), "");
    }
}

#[test]
fn large_messages_and_slow_readers_are_whole_and_counted() {
    let settings = NetworkSettings {
        websocket_message_size_max: 8 << 20,
        outbound_bytes_max: 8 << 20,
        ..NetworkSettings::default()
    };
    let authority = Authority::new();
    let server = authority.server(&["localhost"]);
    let mut pair = SecurePair::with(&server, &authority.client(), &settings);
    let message: Vec<u8> = (0..7_000_000_u32).map(|number| (number % 251) as u8).collect();
    pair.server.send(pair.to_client, 0, &message).expect("is sent");
    pair.server.update().expect("updates");
    // The client reads nothing yet: what waits is in the session or before it, and is counted.
    let info = pair.server.connection_info(pair.to_client).expect("is open");
    assert!(info.outbound_bytes > 1_000_000, "{}", info.outbound_bytes);
    let refused = pair.server.send(pair.to_client, 0, &message);
    assert_eq!(status(refused), Status::NetworkSendQueueFull);
    let event = pair.client_event(EventKind::Data);
    assert!(event.data == message, "the message has changed");
    until("nothing waits", || {
        pair.step();
        let info = pair.server.connection_info(pair.to_client).expect("is open");
        (info.outbound_bytes == 0).then_some(())
    });
    let (out, into) = (pair.server.statistics(), pair.client.statistics());
    assert_eq!(out.stream_bytes_out, into.stream_bytes_in);
    assert!(out.stream_bytes_out > message.len() as u64);
}

#[test]
fn many_messages_in_one_piece_all_arrive() {
    let mut pair = pair();
    for number in 0..500_u32 {
        pair.client.send(pair.to_server, 0, &number.to_le_bytes()).expect("is sent");
    }
    for number in 0..500_u32 {
        let event = pair.server_event(EventKind::Data);
        assert_eq!(event.data[..], number.to_le_bytes());
    }
}

#[test]
fn a_program_that_does_not_pop_holds_its_peer_back() {
    let settings = NetworkSettings {
        receive_queue_capacity: 8,
        outbound_bytes_max: 100_000,
        ..NetworkSettings::default()
    };
    let authority = Authority::new();
    let server = authority.server(&["localhost"]);
    let mut pair = SecurePair::with(&server, &authority.client(), &settings);
    let mut sent = 0_u64;
    until("the peer is held back", || {
        pair.step();
        while pair.client.send(pair.to_server, 0, &[7; 30_000]).is_ok() {
            sent += 1;
            pair.client.flush().expect("flushes");
        }
        let info = pair.client.connection_info(pair.to_server).expect("is open");
        (sent > 100 && info.outbound_bytes > 60_000).then_some(())
    });
    for _ in 0..sent {
        let event = pair.server_event(EventKind::Data);
        assert_eq!(event.data.len(), 30_000);
    }
}

#[test]
fn closing_is_clean_on_both_sides() {
    let mut pair = pair();
    pair.client.close(pair.to_server, 4001, b"enough").expect("closes");
    let end = pair.server_event(EventKind::Disconnect);
    assert_eq!((end.reason, end.close_code), (DisconnectReason::ClosedByRemote, 4001));
    assert!(end.clean);
    until("all goodbyes are over", || {
        pair.step();
        let left = pair.client.statistics().connections_closing
            + pair.server.statistics().connections_closing;
        (left == 0).then_some(())
    });
    assert_eq!(pair.server.statistics().tls_failures, 0);
    assert_eq!(pair.client.statistics().tls_failures, 0);
}

#[test]
fn packets_under_tls_have_the_room_that_unity_transport_gives_them() {
    let authority = Authority::new();
    let settings = NetworkSettings::default();
    let list = "reliable:32;reliable:64;useq;frag";
    let (mut server, port) = secure_server(&authority.server(&["127.0.0.1"]), &settings);
    create_pipelines(&mut server, list);
    let mut client = NetworkDriver::new(&settings).expect("the settings are good");
    client.add_interface(InterfaceSettings::new(InterfaceKind::WebSocket)).expect("an interface");
    client.set_tls_client(0, Some(&authority.client())).expect("good certificates");
    create_pipelines(&mut client, list);
    let endpoint = NetworkEndpoint::loopback_ipv4(port);
    let connection = client.connect(0, &endpoint, b"").expect("starts");
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    expect_accept(&mut [&mut server, &mut client]);
    for (pipeline, most) in (0..).zip([1308, 1296, 1292, 1306, 4096]) {
        assert_eq!(client.payload_size_max(connection, pipeline).expect("is open"), most);
        client.send(connection, pipeline, &vec![7; most as usize]).expect("is sent");
        let event = expect_event(&mut [&mut server, &mut client], EventKind::Data);
        assert_eq!((event.pipeline, event.data.len()), (pipeline, most as usize));
    }
    assert_eq!(client.header_size_max(0, 0).expect("is known"), 92);
}

#[test]
fn the_utp_dialect_speaks_tls_where_its_interface_does() {
    let authority = Authority::new();
    let settings = NetworkSettings::default();
    let tls = authority.server(&["127.0.0.1", "localhost"]);
    let (mut server, port) = secure_server(&tls, &settings);
    let mut client = NetworkDriver::new(&settings).expect("the settings are good");
    client.add_interface(InterfaceSettings::new(InterfaceKind::WebSocket)).expect("an interface");
    client.set_tls_client(0, Some(&authority.client())).expect("good certificates");
    let endpoint = NetworkEndpoint::loopback_ipv4(port);
    for by_name in [false, true] {
        let connection = if by_name {
            client.connect_host(0, "localhost", port, b"").expect("starts")
        } else {
            client.connect(0, &endpoint, b"").expect("starts")
        };
        expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        let incoming = expect_accept(&mut [&mut server, &mut client]);
        client.send(connection, 0, b"utp").expect("is sent");
        let event = expect_event(&mut [&mut server, &mut client], EventKind::Data);
        assert_eq!((event.connection, &event.data[..]), (incoming, &b"utp"[..]));
        assert_eq!(client.tls_version(connection).expect("is open"), "TLSv1.3");
    }
}

#[test]
fn a_handshake_that_trickles_is_understood() {
    let authority = Authority::new();
    let settings = NetworkSettings::default();
    let (mut server, port) = secure_server(&authority.server(&["localhost"]), &settings);
    let (mut relay, mut client, connection) = Relay::new(port, &authority.client(), &settings);
    let event = relay.event(1, &mut client, &mut server);
    assert_eq!(event.kind, EventKind::Connect);
    client.send_text(connection, "slow").expect("is sent");
    let heard = until("the message", || {
        relay.carry(1);
        server.update().expect("updates");
        client.update().expect("updates");
        server.accept();
        server.pop_event()
    });
    assert_eq!(heard.data[..], *b"slow");
}

#[test]
fn a_session_is_resumed_by_the_same_driver() {
    let authority = Authority::new();
    let settings = NetworkSettings::default();
    let (mut server, port) = secure_server(&authority.server(&["localhost"]), &settings);
    let mut client = NetworkDriver::new(&settings).expect("the settings are good");
    let options = UrlOptions { tls: Some(authority.client()), ..UrlOptions::default() };
    let mut bytes = Vec::new();
    for _ in 0..2 {
        let before = client.statistics().stream_bytes_in;
        let url = format!("wss://localhost:{port}/");
        let connection = client.connect_url(&url, &options).expect("starts");
        expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        let incoming = expect_accept(&mut [&mut server, &mut client]);
        // The tickets come behind the handshake.
        server.send(incoming, 0, b"x").expect("is sent");
        expect_event(&mut [&mut client, &mut server], EventKind::Data);
        bytes.push(client.statistics().stream_bytes_in - before);
        client.disconnect(connection).expect("closes");
        expect_event(&mut [&mut server, &mut client], EventKind::Disconnect);
    }
    assert!(bytes[1] + 300 < bytes[0], "no certificate comes a second time: {bytes:?}");
}

#[test]
fn only_streams_speak_tls() {
    let authority = Authority::new();
    for kind in [InterfaceKind::Udp, InterfaceKind::Ipc] {
        let mut driver = crate::support::driver(kind, &NetworkSettings::default());
        let server = authority.server(&["localhost"]);
        assert_eq!(status(driver.set_tls_server(0, Some(&server))), Status::NotSupported);
        let client = authority.client();
        assert_eq!(status(driver.set_tls_client(0, Some(&client))), Status::NotSupported);
    }
}

#[test]
fn a_refusal_of_the_request_is_read_over_tls() {
    let authority = Authority::new();
    let settings = NetworkSettings::default();
    let (mut server, _) = secure_server(&authority.server(&["localhost"]), &settings);
    let other = InterfaceSettings {
        path: Some("/game".to_owned()),
        ..InterfaceSettings::new(InterfaceKind::WebSocket)
    };
    let number = server.add_interface(other).expect("an interface");
    server.set_tls_server(number, Some(&authority.server(&["localhost"]))).expect("good");
    let binding = server.bind(number, &NetworkEndpoint::loopback_ipv4(0)).expect("a port");
    let port = server.local_endpoint(number, binding).expect("is bound").port();
    let (mut client, _) = connecting(port, &authority.client(), &settings);
    let end = expect_event(&mut [&mut client, &mut server], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::HandshakeRejected);
    assert!(String::from_utf8_lossy(&end.data).contains("404"), "{end:?}");
    until("the stream is gone", || {
        step(&mut [&mut server, &mut client]);
        (server.statistics().handshakes_pending == 0).then_some(())
    });
    assert_eq!(server.statistics().tls_failures, 0);
}
