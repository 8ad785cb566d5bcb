//! TLS behind what lies between a client and its server: tunnels of proxies, and redirects.

use netdriver::settings::{NetworkSettings, UrlOptions};
use netdriver::{DisconnectReason, EventKind, NetworkDriver};

use super::world::{Relay, secure_server};
use crate::support::certificates::Authority;
use crate::support::expect_event;
use crate::support::raw::{RawListener, RawStream};

#[test]
fn tls_is_spoken_with_the_server_through_a_proxys_tunnel() {
    let authority = Authority::new();
    let settings = NetworkSettings::default();
    // The name is the server's and not the proxy's, and only the proxy knows its address.
    let (mut server, port) = secure_server(&authority.server(&["game.example"]), &settings);
    let proxy = RawListener::new();
    let mut client = NetworkDriver::new(&settings).expect("the settings are good");
    let options = UrlOptions {
        tls: Some(authority.client()),
        proxy: Some(format!("http://127.0.0.1:{}", proxy.port())),
        ..UrlOptions::default()
    };
    let connection = client.connect_url("wss://game.example/", &options).expect("starts");
    let mut near = proxy.accept(&mut client);
    let request = near.head(&mut client);
    assert!(request.starts_with("CONNECT game.example:443 HTTP/1.1\r\n"), "{request}");
    near.write(&mut client, b"HTTP/1.1 200 Connection established\r\n\r\n");
    let mut relay = Relay { near, far: RawStream::connect(port) };
    let event = relay.event(65_536, &mut client, &mut server);
    assert_eq!((event.kind, event.connection), (EventKind::Connect, connection));
    assert_eq!(client.tls_server_name(connection).expect("is open"), "game.example");
}

#[test]
fn a_redirect_leads_to_a_server_whose_own_name_is_checked() {
    let authority = Authority::new();
    let settings = NetworkSettings::default();
    // Both are this machine; the certificate of the second is for its address alone.
    let (mut second, second_port) = secure_server(&authority.server(&["127.0.0.1"]), &settings);
    for (host, good) in [("127.0.0.1", true), ("localhost", false)] {
        let first = RawListener::new();
        let mut client = NetworkDriver::new(&settings).expect("the settings are good");
        let options =
            UrlOptions { tls: Some(authority.client()), redirects_max: 1, ..UrlOptions::default() };
        let url = format!("ws://localhost:{}/", first.port());
        client.connect_url(&url, &options).expect("starts");
        let mut peer = first.accept(&mut client);
        peer.head(&mut client);
        let location = format!("https://{host}:{second_port}/");
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n");
        peer.write(&mut client, answer.as_bytes());
        if good {
            expect_event(&mut [&mut client, &mut second], EventKind::Connect);
        } else {
            let end = expect_event(&mut [&mut client, &mut second], EventKind::Disconnect);
            assert_eq!(end.reason, DisconnectReason::AuthenticationFailure);
            let text = String::from_utf8_lossy(&end.data).into_owned();
            assert!(text.contains("another host"), "{text}");
        }
    }
}
