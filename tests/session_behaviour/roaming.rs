//! Peers that move, and strangers that pretend to have.
#![allow(clippy::disallowed_methods, reason = "these are others, with sockets of their own")]

use netdriver::proto::session::packet::is_session;
use netdriver::settings::NetworkSettings;

use super::relay::Relayed;
use crate::support::until;

fn agreed() -> Relayed {
    let settings = NetworkSettings::default();
    let mut pair = Relayed::new(&settings, &settings, "reliable:32");
    pair.agree();
    pair
}

#[test]
fn a_client_behind_a_router_that_forgot_it_is_found_again_once_it_proved_itself() {
    let mut pair = agreed();
    let _old = pair.relay.move_away();
    let outside = pair.relay.outside();
    until("the server to follow", || {
        // Somebody must speak for the router's new place to be seen.
        pair.client.send(pair.to_server, 1, b"here").expect("is sent");
        pair.turn();
        let info = pair.server.connection_info(pair.to_client).expect("is open");
        (info.remote == outside).then_some(())
    });
    pair.server.send(pair.to_client, 1, b"found you").expect("is sent");
    until("the answer", || {
        pair.turn();
        pair.client.pop_event().filter(|event| &event.data[..] == b"found you")
    });
}

#[test]
fn a_stranger_that_repeats_what_it_has_seen_moves_nothing_and_gets_no_more_than_it_sent() {
    let mut pair = agreed();
    let place = pair.relay.outside();
    pair.client.send(pair.to_server, 1, b"something to copy").expect("is sent");
    for _ in 0..20 {
        pair.turn();
    }
    let server = pair.server.local_endpoint(0, 0).expect("is bound");
    let server = server.to_socket_addr().expect("an address");
    let stranger = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    stranger.set_nonblocking(true).expect("is possible");
    let (mut sent, mut received) = (0, 0);
    let copies: Vec<Vec<u8>> = pair
        .relay
        .seen
        .iter()
        .filter(|(from_client, datagram)| *from_client && is_session(datagram))
        .map(|(_, datagram)| datagram.clone())
        .collect();
    for round in 0..200 {
        let copy = &copies[round % copies.len()];
        sent += stranger.send_to(copy, server).expect("sends");
        // A heartbeat with the right token moves nothing either.
        let heartbeat = [&[3], &copy[1..9]].concat();
        sent += stranger.send_to(&heartbeat, server).expect("sends");
        pair.turn();
        let mut buffer = [0; 2000];
        while let Ok(size) = stranger.recv(&mut buffer) {
            received += size;
        }
        assert!(received <= sent, "{received} for {sent}");
        let info = pair.server.connection_info(pair.to_client).expect("is open");
        assert_eq!(info.remote, place);
    }
    assert!(received > 0, "it is asked to prove itself");
}
