//! What a request costs: bounds filled, cookies, connections that nobody speaks on, late requests.

use netdriver::settings::{InterfaceKind, NetworkSettings, Preset};
use netdriver::{
    Connection, ConnectionState, DisconnectReason, EventKind, NetworkDriver, NetworkEndpoint,
};

use super::connecting::frames;
use crate::support::raw::{RawDatagrams, RawServer, TOKEN, handshake, packet};
use crate::support::{Pair, driver, expect_accept, expect_event, server, settle, status};

/// A request with a token of its own.
fn request(number: u8) -> Vec<u8> {
    [&b"UTP\x01\x01"[..], &[number; 8]].concat()
}

/// Makes a UDP server hold so many connections whose clients were never heard.
fn strangers(server: &mut NetworkDriver, peer: &RawDatagrams, count: u8) -> Vec<Connection> {
    (0..count)
        .map(|number| {
            peer.send(&request(100 + number));
            peer.receive(server);
            expect_accept(&mut [&mut *server])
        })
        .collect()
}

fn few(unvalidated_connections_max: u32, cookie_threshold: u32) -> NetworkSettings {
    NetworkSettings { unvalidated_connections_max, cookie_threshold, ..NetworkSettings::default() }
}

#[test]
fn a_server_under_load_asks_for_a_cookie_that_is_no_longer_than_the_request() {
    let (mut server, endpoint) = server(InterfaceKind::Udp, &few(9, 2));
    let peer = RawDatagrams::to(&endpoint);
    strangers(&mut server, &peer, 2);
    peer.send(&handshake(1, b""));
    let retry = peer.receive(&mut server);
    assert_eq!((retry.len(), retry[0]), (13, 0xf1));
    assert_eq!(retry[1..9], TOKEN);
    assert!(server.accept().is_none(), "nothing is kept");
    // The cookie lets it in, and is worth nothing elsewhere.
    let again = [&[0xf2][..], &retry[1..], b"\x02\0hi"].concat();
    let elsewhere = RawDatagrams::to(&endpoint);
    elsewhere.send(&again);
    assert_eq!(elsewhere.receive(&mut server)[0], 0xf1);
    peer.send(&again);
    assert_eq!(peer.receive(&mut server), handshake(2, b""));
    let connection = expect_accept(&mut [&mut server]);
    assert_eq!(server.connect_payload(connection).expect("is known"), b"hi");
    assert!(server.connection_info(connection).expect("is open").validated);
    let counted = server.statistics();
    assert_eq!((counted.retries_out, counted.cookies_accepted, counted.cookies_refused), (2, 1, 1));
    assert_eq!(counted.connections_unvalidated, 2);
}

#[test]
fn a_client_of_netdriver_gets_in_at_once_with_payload_and_all() {
    for kind in [InterfaceKind::Udp, InterfaceKind::Ipc] {
        let (mut server, endpoint) =
            server(kind, &NetworkSettings { cookie_threshold: 0, ..frames(10) });
        let mut client = driver(kind, &frames(10));
        let connection = client.connect(0, &endpoint, &[7; 1375]).expect("starts to connect");
        let event = expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        assert_eq!(event.connection, connection);
        let accepted = expect_accept(&mut [&mut server, &mut client]);
        assert_eq!(server.connect_payload(accepted).expect("is known"), [7; 1375]);
        let counted = server.statistics();
        assert_eq!((counted.retries_out, counted.cookies_accepted), (1, 1), "{kind:?}");
        assert_eq!((counted.connections_incoming, counted.connections_unvalidated), (1, 0));
        // One second is the time of the next request: it was not waited for.
        let info = client.connection_info(connection).expect("is open");
        assert!((1..500_000).contains(&info.round_trip_us), "{}", info.round_trip_us);
    }
}

#[test]
fn a_stock_client_gets_in_when_it_asks_again_until_the_bound_is_reached() {
    let settings =
        NetworkSettings { fixed_frame_time_ms: 10, unvalidated_timeout_ms: 0, ..few(3, 2) };
    let (mut server, endpoint) = server(InterfaceKind::Udp, &settings);
    let peer = RawDatagrams::to(&endpoint);
    strangers(&mut server, &peer, 2);
    let mut answers = Vec::new();
    for _ in 0..4 {
        peer.send(&request(1));
        answers.push(peer.receive(&mut server));
        settle(&mut [&mut server], 102);
        if answers.last().expect("is there")[..3] == *b"UTP" {
            break;
        }
    }
    let (accept, retries) = answers.split_last().expect("at least one");
    assert_eq!(accept[..5], *b"UTP\x01\x02", "{answers:?}");
    assert!((1..=3).contains(&retries.len()) && retries.iter().all(|retry| retry[0] == 0xf1));
    // Three are there now. The next one is turned away for as long as they are.
    for _ in 0..3 {
        peer.send(&request(2));
        assert_eq!(peer.receive(&mut server)[0], 0xf1);
        settle(&mut [&mut server], 102);
    }
    assert!(server.statistics().requests_unvalidated > 0);
}

#[test]
fn a_client_reacts_to_one_retry_for_each_request_and_only_from_where_it_asked() {
    let raw = RawServer::new();
    let settings = NetworkSettings { session: false, ..NetworkSettings::default() };
    let mut client = driver(InterfaceKind::Udp, &settings);
    client.connect(0, &raw.endpoint(), b"hi").expect("starts to connect");
    let (from, request) = raw.receive(&mut client);
    let retry = [&[0xf1][..], &request[5..13], b"cook"].concat();
    RawServer::new().send(from, &retry);
    settle(&mut [&mut client], 5);
    assert!(raw.try_receive().is_none(), "not from elsewhere");
    for _ in 0..20 {
        raw.send(from, &retry);
    }
    let again = [&[0xf2][..], &request[5..13], b"cook\x02\0hi"].concat();
    assert_eq!(raw.receive(&mut client).1, again);
    settle(&mut [&mut client], 5);
    assert!(raw.try_receive().is_none(), "once is enough");
    raw.send(from, &[b"UTP\x01\x02", &request[5..13]].concat());
    expect_event(&mut [&mut client], EventKind::Connect);
    raw.send(from, &retry);
    settle(&mut [&mut client], 5);
    assert!(raw.try_receive().is_none());
}

#[test]
fn who_is_never_heard_ends_soon_unseen_and_without_a_word() {
    let settings = NetworkSettings { unvalidated_timeout_ms: 500, ..frames(20) };
    let (mut server, endpoint) = server(InterfaceKind::Udp, &settings);
    let peer = RawDatagrams::to(&endpoint);
    peer.send(&request(1));
    peer.receive(&mut server);
    let seen = expect_accept(&mut [&mut server]);
    peer.send(&request(2));
    peer.receive(&mut server);
    settle(&mut [&mut server], 40);
    assert!(server.accept().is_none(), "the program never sees the second");
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.connection, end.reason), (seen, DisconnectReason::Timeout));
    settle(&mut [&mut server], 5);
    assert!(peer.try_receive().is_none(), "the address may be somebody else's");
    let counted = server.statistics();
    assert_eq!((counted.connections_unheard, counted.connections_unvalidated), (2, 0));
    // Its client was there after all, and asks again.
    peer.send(&request(2));
    assert_eq!(peer.receive(&mut server)[..5], *b"UTP\x01\x02");
    expect_accept(&mut [&mut server]);
}

#[test]
fn a_word_makes_a_stranger_a_connection_like_any_other() {
    let settings = NetworkSettings { unvalidated_timeout_ms: 500, ..frames(20) };
    let (mut server, endpoint) = server(InterfaceKind::Udp, &settings);
    let peer = RawDatagrams::to(&endpoint);
    peer.send(&handshake(1, b""));
    peer.receive(&mut server);
    let connection = expect_accept(&mut [&mut server]);
    assert!(!server.connection_info(connection).expect("is open").validated);
    assert_eq!(server.statistics().connections_unvalidated, 1);
    peer.send(&packet(3, b""));
    settle(&mut [&mut server], 100);
    assert_eq!(server.connection_state(connection), ConnectionState::Connected);
    assert_eq!(server.statistics().connections_unvalidated, 0);
}

#[test]
fn a_request_that_comes_late_makes_no_ghost() {
    let mut pair = Pair::with(InterfaceKind::Udp, &frames(10));
    let peer = RawDatagrams::to(&pair.endpoint);
    peer.send(&handshake(1, b""));
    peer.receive(&mut pair.server);
    expect_accept(&mut [&mut pair.server]);
    peer.send(&packet(3, b""));
    peer.send(&packet(2, b""));
    expect_event(&mut [&mut pair.server], EventKind::Disconnect);
    peer.send(&handshake(1, b""));
    settle(&mut [&mut pair.server], 5);
    assert!(pair.server.accept().is_none() && peer.try_receive().is_none());
    assert_eq!(pair.server.statistics().requests_late, 1);
    assert_eq!(pair.server.statistics().connections, 1, "the other one is not disturbed");
}

/// A server that answers with a payload, and everything else as settings say.
fn greeting_server(settings: &NetworkSettings) -> (NetworkDriver, NetworkEndpoint) {
    let (mut server, endpoint) = server(InterfaceKind::Udp, settings);
    server.set_accept_payload(b"hello").expect("fits");
    (server, endpoint)
}

#[test]
fn an_accept_payload_is_for_who_asks_with_as_much_or_proves_its_address() {
    let (mut server, endpoint) = greeting_server(&NetworkSettings::default());
    let peer = RawDatagrams::to(&endpoint);
    peer.send(&handshake(1, b"\x05\0there"));
    assert_eq!(peer.receive(&mut server), handshake(2, b"\x05\0hello"));
    let mut client = driver(InterfaceKind::Udp, &NetworkSettings::default());
    client.connect(0, &endpoint, b"").expect("starts to connect");
    let event = expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    assert_eq!(&event.data[..], b"hello", "a client of netdriver brings a cookie");
}

#[test]
fn a_stock_client_is_let_in_without_the_accept_payload_when_it_asks_again() {
    for payload in [&b""[..], b"\x02\0hi"] {
        let (mut server, endpoint) = greeting_server(&frames(1000));
        let peer = RawDatagrams::to(&endpoint);
        let answer = (0..5).find_map(|_| {
            peer.send(&handshake(1, payload));
            Some(peer.receive(&mut server)).filter(|answer| answer[0] != 0xf1)
        });
        assert_eq!(answer, Some(handshake(2, b"")), "{payload:?}");
        expect_accept(&mut [&mut server]);
    }
}

#[test]
fn all_clients_get_the_accept_payload_at_once_as_with_unity_transport_on_request() {
    let settings = NetworkSettings::preset(Preset::Unity);
    assert!(settings.accept_payload_before_validation);
    let (mut server, endpoint) = greeting_server(&settings);
    let peer = RawDatagrams::to(&endpoint);
    peer.send(&handshake(1, b""));
    assert_eq!(peer.receive(&mut server), handshake(2, b"\x05\0hello"));
}

#[test]
fn the_message_size_query_fails_as_sends_do() {
    let mut pair = Pair::new(InterfaceKind::Udp);
    assert_eq!(pair.client.message_size_max(pair.to_server).expect("is open"), 1400);
    pair.client.disconnect(pair.to_server).expect("is open");
    let refused = pair.client.message_size_max(pair.to_server);
    assert_eq!(status(refused), netdriver::Status::NetworkStateMismatch);
}

#[test]
fn before_an_address_is_proven_no_answer_is_longer_than_what_was_asked() {
    let token = [9; 8];
    let bare = [&b"UTP\x01\x01"[..], &token].concat();
    let cookie = [&[0xf2][..], &token, b"cook"].concat();
    let cases: [(&str, Vec<u8>); 6] = [
        ("a request", bare.clone()),
        ("one with a payload", [&bare[..], b"\x02\0hi"].concat()),
        ("one with a long payload", [&bare[..], &[0x90, 1], &[7; 400]].concat()),
        ("one whose length is wrong", [&bare[..], b"\x09\0hi"].concat()),
        ("one with a forged cookie", cookie.clone()),
        ("one with a forged cookie and a payload", [&cookie[..], b"\x02\0hi"].concat()),
    ];
    for cookie_threshold in [0, 256] {
        for (name, asked) in &cases {
            let settings = NetworkSettings {
                perform_path_mtu_discovery: true,
                cookie_threshold,
                fixed_frame_time_ms: 100,
                ..NetworkSettings::default()
            };
            let (mut server, endpoint) = server(InterfaceKind::Udp, &settings);
            server.set_accept_payload(&[5; 300]).expect("fits");
            let peer = RawDatagrams::to(&endpoint);
            let (mut sent, mut got) = (0, 0);
            // Ten seconds, in which it asks three times and then goes.
            for frame in 0..100 {
                if frame % 10 == 0 && frame < 30 {
                    peer.send(asked);
                    sent += asked.len();
                }
                settle(&mut [&mut server], 1);
                while server.accept().is_some() || server.pop_event().is_some() {}
                while let Some(answer) = peer.try_receive() {
                    got += answer.len();
                    assert!(answer.len() <= asked.len(), "{name}: {answer:02x?}");
                }
            }
            assert!(got <= sent, "{name}: {got} bytes for {sent}");
        }
    }
}
