//! Ends of plain connections: codes, reasons, clean or not, timers.

use netdriver::settings::{DialectPolicy, NetworkSettings};
use netdriver::{ConnectionState, DisconnectReason, EventKind, Status};

use super::messages::plain;
use crate::support::raw::{BINARY, CLOSE, FIN, RawStream, TEXT, close_payload, frame};
use crate::support::{
    Pair, expect_accept, expect_event, settle, status, step, until, websocket_server,
};

#[test]
fn codes_and_reasons_arrive_in_both_directions() {
    let cases = [
        (1000, "", DisconnectReason::ClosedByRemote),
        (1000, "bye", DisconnectReason::ClosedByRemote),
        (1001, "away", DisconnectReason::ClosedByRemote),
        (1002, "broken", DisconnectReason::ProtocolError),
        (1003, "kind", DisconnectReason::ProtocolError),
        (1007, "bytes", DisconnectReason::ProtocolError),
        (1009, "size", DisconnectReason::MessageTooBig),
        (1008, "policy", DisconnectReason::ClosedByRemote),
        (1014, "", DisconnectReason::ClosedByRemote),
        (3000, "framework", DisconnectReason::ClosedByRemote),
        (4999, "программа", DisconnectReason::ClosedByRemote),
    ];
    let settings = NetworkSettings::default();
    for (code, text, reason) in cases {
        let mut pair = Pair::plain(&settings, &settings);
        pair.client.close(pair.to_server, code, text.as_bytes()).expect("may be sent");
        let state = pair.client.connection_state(pair.to_server);
        assert_eq!(state, ConnectionState::Disconnected, "at once");
        let end = pair.server_event(EventKind::Disconnect);
        assert_eq!((end.close_code, &end.data[..]), (code, text.as_bytes()));
        assert_eq!((end.reason, end.clean), (reason, true), "{code}");
        let mut pair = Pair::plain(&settings, &settings);
        pair.server.close(pair.to_client, code, text.as_bytes()).expect("may be sent");
        let end = pair.client_event(EventKind::Disconnect);
        assert_eq!((end.close_code, &end.data[..]), (code, text.as_bytes()));
        assert_eq!((end.reason, end.clean), (reason, true), "{code}");
        settle(&mut [&mut pair.server, &mut pair.client], 5);
        assert!(pair.server.pop_event().is_none(), "a local close raises no event");
        assert_eq!(pair.server.statistics().connections, 0);
    }
}

#[test]
fn codes_and_reasons_that_must_not_be_sent_are_refused_and_the_connection_stays() {
    let settings = NetworkSettings::default();
    let mut pair = Pair::plain(&settings, &settings);
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
        let refused = status(pair.client.close(pair.to_server, code, b""));
        assert_eq!(refused, Status::InvalidArgument, "{code}");
    }
    let long = [b'x'; 124];
    assert_eq!(status(pair.client.close(pair.to_server, 1000, &long)), Status::InvalidArgument);
    assert_eq!(status(pair.client.close(pair.to_server, 1000, b"\xff")), Status::InvalidArgument);
    pair.client.send_text(pair.to_server, "still open").expect("is sent");
    pair.server_event(EventKind::Data);
    pair.client.close(pair.to_server, 1000, &long[1..]).expect("123 bytes fit");
    assert_eq!(pair.server_event(EventKind::Disconnect).data, long[1..]);
}

#[test]
fn a_disconnect_closes_with_1000_after_what_was_sent_before() {
    let (mut server, mut peer, connection) = plain(&NetworkSettings::default());
    server.send_text(connection, "last words").expect("is sent");
    server.disconnect(connection).expect("is open");
    assert_eq!(peer.frame(&mut server).payload, b"last words");
    assert_eq!(peer.close_frame(&mut server), (1000, String::new()));
    peer.write(&mut server, &frame(FIN | CLOSE, &close_payload(1000, "")));
    assert!(peer.end(&mut server).is_empty(), "the server ends TCP");
}

#[test]
fn a_close_is_answered_with_its_own_code_and_the_server_ends_tcp() {
    for (payload, code) in
        [(close_payload(1000, "reason"), 1000), (close_payload(4321, ""), 4321), (Vec::new(), 1005)]
    {
        let (mut server, mut peer, connection) = plain(&NetworkSettings::default());
        peer.write(&mut server, &frame(FIN | CLOSE, &payload));
        let end = expect_event(&mut [&mut server], EventKind::Disconnect);
        assert_eq!((end.connection, end.close_code, end.clean), (connection, code, true));
        assert_eq!(end.reason, DisconnectReason::ClosedByRemote);
        assert_eq!(peer.close_frame(&mut server), (code, String::new()));
        assert!(peer.end(&mut server).is_empty());
    }
}

#[test]
fn a_stream_that_just_ends_is_1006_and_not_clean() {
    for half in [&b""[..], &frame(FIN | BINARY, b"cut off")[..5]] {
        let (mut server, mut peer, connection) = plain(&NetworkSettings::default());
        peer.write(&mut server, half);
        drop(peer);
        let end = expect_event(&mut [&mut server], EventKind::Disconnect);
        assert_eq!((end.connection, end.reason), (connection, DisconnectReason::ConnectionLost));
        assert_eq!((end.close_code, end.clean), (1006, false));
        assert!(!end.data.is_empty(), "it says what happened");
        assert_eq!(server.statistics().connections, 0);
    }
}

#[test]
fn messages_in_front_of_a_close_are_all_delivered_first() {
    let (mut server, mut peer, _) = plain(&NetworkSettings::default());
    let mut bytes = Vec::new();
    for number in 0..50u8 {
        bytes.extend(frame(FIN | BINARY, &[number]));
    }
    bytes.extend(frame(FIN | CLOSE, &close_payload(1001, "going")));
    peer.write(&mut server, &bytes);
    for number in 0..50u8 {
        let event = expect_event(&mut [&mut server], EventKind::Data);
        assert_eq!(event.data, [number][..]);
    }
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.close_code, &end.data[..]), (1001, &b"going"[..]));
}

#[test]
fn messages_that_cross_our_close_are_not_delivered() {
    let (mut server, mut peer, connection) = plain(&NetworkSettings::default());
    server.close(connection, 4000, b"enough").expect("is open");
    server.flush().expect("flushes");
    peer.write(&mut server, &frame(FIN | TEXT, b"crossing"));
    assert_eq!(peer.close_frame(&mut server), (4000, "enough".to_owned()));
    peer.write(&mut server, &frame(FIN | CLOSE, &close_payload(4000, "")));
    peer.end(&mut server);
    assert!(server.pop_event().is_none());
    let statistics = server.statistics();
    assert_eq!((statistics.connections, statistics.messages_in), (0, 0));
}

#[test]
fn a_peer_that_never_answers_a_close_is_dropped_when_the_timer_is_over() {
    let settings = NetworkSettings { close_timeout_ms: 30, ..NetworkSettings::default() };
    let (mut server, mut peer, connection) = plain(&settings);
    server.disconnect(connection).expect("is open");
    assert_eq!(peer.close_frame(&mut server).0, 1000);
    peer.end(&mut server);
}

#[test]
fn a_peer_that_never_hangs_up_is_dropped_when_the_timer_is_over() {
    let settings = NetworkSettings { close_timeout_ms: 30, ..NetworkSettings::default() };
    let (mut server, mut peer, _) = plain(&settings);
    peer.write(&mut server, &frame(FIN | CLOSE, &close_payload(1000, "")));
    expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!(peer.close_frame(&mut server).0, 1000);
    // The server has ended its side; this one goes on talking until it is cut off.
    until("the end of the server's patience", || {
        step(&mut [&mut server]);
        peer.try_write(b"chatter");
        peer.read();
        let chatter_fails = peer.try_write(b"more") == 4 && peer.ended;
        chatter_fails.then_some(())
    });
    assert_eq!(server.statistics().connections, 0);
}

#[test]
fn both_sides_may_close_at_once() {
    let settings = NetworkSettings::default();
    let mut pair = Pair::plain(&settings, &settings);
    pair.client.close(pair.to_server, 4001, b"").expect("is open");
    pair.server.close(pair.to_client, 4002, b"").expect("is open");
    settle(&mut [&mut pair.server, &mut pair.client], 20);
    assert!(pair.client.pop_event().is_none() && pair.server.pop_event().is_none());
    let both = [pair.client.statistics(), pair.server.statistics()];
    assert!(both.iter().all(|statistics| statistics.connections == 0));
    assert!(both.iter().all(|statistics| statistics.protocol_errors == 0));
}

#[test]
fn a_client_that_comes_only_to_say_goodbye_is_seen() {
    let patient = NetworkSettings { plain_grace_ms: 60_000, ..NetworkSettings::default() };
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &patient);
    let mut peer = RawStream::open(&mut server, port, "/", "");
    peer.write(&mut server, &frame(FIN | CLOSE, &close_payload(4000, "wrong door")));
    let connection = expect_accept(&mut [&mut server]);
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.connection, end.close_code), (connection, 4000));
    assert_eq!(end.data, b"wrong door"[..]);
    peer.end(&mut server);
}

#[test]
fn an_end_waits_behind_messages_so_that_answers_still_leave() {
    let (mut server, mut peer, connection) = plain(&NetworkSettings::default());
    let bytes = [frame(FIN | TEXT, b"question"), frame(FIN | CLOSE, &close_payload(1000, ""))];
    peer.write(&mut server, &bytes.concat());
    let event = expect_event(&mut [&mut server], EventKind::Data);
    server.send_text(event.connection, "answer").expect("the end was not seen yet");
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.connection, end.close_code, end.clean), (connection, 1000, true));
    assert_eq!(peer.frame(&mut server).payload, b"answer");
    assert_eq!(peer.close_frame(&mut server).0, 1000);
}

#[test]
fn messages_in_front_of_a_broken_off_stream_are_delivered() {
    let (mut server, mut peer, connection) = plain(&NetworkSettings::default());
    peer.write(&mut server, &frame(FIN | TEXT, b"last words").repeat(3));
    peer.end_writing();
    for _ in 0..3 {
        assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, b"last words"[..]);
    }
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.connection, end.close_code, end.clean), (connection, 1006, false));
}

#[test]
fn a_close_is_answered_even_to_a_peer_that_says_no_more() {
    let (mut server, mut peer, _) = plain(&NetworkSettings::default());
    peer.write(&mut server, &frame(FIN | CLOSE, &close_payload(4000, "bye")));
    peer.end_writing();
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.close_code, end.clean), (4000, true));
    assert_eq!(peer.close_frame(&mut server).0, 4000);
    peer.end(&mut server);
}

#[test]
fn an_end_that_waits_behind_messages_survives_the_peers_hanging_up() {
    let (mut server, mut peer, connection) = plain(&NetworkSettings::default());
    let bytes = [frame(FIN | TEXT, b"read me"), frame(FIN | CLOSE, &close_payload(4000, "bye"))];
    peer.write(&mut server, &bytes.concat());
    settle(&mut [&mut server], 5);
    drop(peer);
    settle(&mut [&mut server], 5);
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, b"read me"[..]);
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.connection, end.close_code, end.clean), (connection, 4000, true));
    assert_eq!(end.data, b"bye"[..]);
}

#[test]
fn an_answer_into_a_stream_that_hung_up_does_not_hide_the_close() {
    let (mut server, mut peer, connection) = plain(&NetworkSettings::default());
    let bytes = [frame(FIN | TEXT, b"read me"), frame(FIN | CLOSE, &close_payload(4000, "bye"))];
    peer.write(&mut server, &bytes.concat());
    settle(&mut [&mut server], 5);
    drop(peer);
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, b"read me"[..]);
    for _ in 0..3 {
        // Nobody hears it; what the peer said last must still be told.
        server.send_text(connection, "answer").unwrap_or_default();
        server.flush().expect("flushes");
    }
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.close_code, end.clean), (4000, true), "{end:?}");
}
