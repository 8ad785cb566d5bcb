//! What a program sees of closes when it asks to: the peer's before it happens, its own until it
//! is over. And the end without any goodbye.

use netdriver::settings::{DialectPolicy, InterfaceKind, NetworkSettings, NetworkSimulator};
use netdriver::{
    Connection, ConnectionState, DisconnectReason, Event, EventKind, NetworkDriver, Status,
};

use super::messages::plain;
use crate::support::raw::{BINARY, CLOSE, FIN, PING, RawStream, TEXT, close_payload, frame};
use crate::support::{
    Pair, driver, expect_accept, expect_event, settle, status, step, until, websocket_server,
};

fn seen() -> NetworkSettings {
    NetworkSettings { local_close_events: true, ..NetworkSettings::default() }
}

fn asking() -> NetworkSettings {
    NetworkSettings { close_request_events: true, ..NetworkSettings::default() }
}

fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    frame(FIN | CLOSE, &close_payload(code, reason))
}

fn assert_local_end(end: &Event, connection: Connection, code: u16, clean: bool) {
    assert_eq!((end.connection, end.kind), (connection, EventKind::Disconnect), "{end:?}");
    assert_eq!((end.reason, end.close_code), (DisconnectReason::Default, code), "{end:?}");
    assert_eq!(end.clean, clean, "{end:?}");
}

#[test]
fn a_local_close_shows_what_was_under_way_and_how_it_ended() {
    let (mut server, mut peer, connection) = plain(&seen());
    peer.write(&mut server, &frame(FIN | TEXT, b"waits already"));
    until("the message", || {
        step(&mut [&mut server]);
        (server.event_queue_size(connection) > 0).then_some(())
    });
    server.close(connection, 4000, b"enough").expect("is open");
    assert_eq!(server.connection_state(connection), ConnectionState::Disconnecting);
    assert_eq!(status(server.send(connection, 0, b"")), Status::NetworkStateMismatch);
    assert_eq!(status(server.ping(connection, b"")), Status::NetworkStateMismatch);
    server.close(connection, 4001, b"again").expect("changes nothing");
    assert_eq!(peer.close_frame(&mut server), (4000, "enough".to_owned()));
    peer.write(&mut server, &frame(FIN | BINARY, b"under way"));
    let first = expect_event(&mut [&mut server], EventKind::Data);
    assert_eq!((&first.data[..], first.text), (&b"waits already"[..], true));
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, b"under way"[..]);
    assert_eq!(server.statistics().connections_closing, 1);
    peer.write(&mut server, &close_frame(4000, "as you like"));
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_local_end(&end, connection, 4000, true);
    assert_eq!(end.data, b"as you like"[..]);
    assert_eq!(server.connection_state(connection), ConnectionState::Disconnected);
    assert!(peer.end(&mut server).is_empty(), "one Close, and the server ends TCP");
    drop(peer);
    settle(&mut [&mut server], 3);
    let statistics = server.statistics();
    assert_eq!((statistics.connections, statistics.connections_closing), (0, 0));
    assert_eq!(status(server.disconnect(connection)), Status::NetworkVersionMismatch);
}

#[test]
fn two_drivers_see_both_ends_of_one_close() {
    let mut pair = Pair::plain(&seen(), &seen());
    pair.server.send_text(pair.to_client, "last words").expect("is open");
    pair.client.disconnect(pair.to_server).expect("is open");
    let end = pair.server_event(EventKind::Disconnect);
    assert_eq!((end.reason, end.close_code), (DisconnectReason::ClosedByRemote, 1000));
    assert_eq!(pair.client_event(EventKind::Data).data, b"last words"[..]);
    let end = pair.client_event(EventKind::Disconnect);
    assert_local_end(&end, pair.to_server, 1000, true);
    // Both at once.
    let mut pair = Pair::plain(&seen(), &seen());
    pair.client.close(pair.to_server, 4001, b"").expect("is open");
    pair.server.close(pair.to_client, 4002, b"").expect("is open");
    pair.client.flush().expect("flushes");
    pair.server.flush().expect("flushes");
    assert_local_end(&pair.client_event(EventKind::Disconnect), pair.to_server, 4002, true);
    assert_local_end(&pair.server_event(EventKind::Disconnect), pair.to_client, 4001, true);
}

#[test]
fn a_local_close_that_nobody_answers_ends_with_1006() {
    let settings = NetworkSettings { close_timeout_ms: 200, fixed_frame_time_ms: 10, ..seen() };
    let (mut server, mut peer, connection) = plain(&settings);
    server.disconnect(connection).expect("is open");
    assert_eq!(peer.close_frame(&mut server).0, 1000);
    let mut frames = 0;
    let end = until("the end of the timer", || {
        frames += 1;
        step(&mut [&mut server]);
        server.pop_event()
    });
    assert!(frames > 10, "after {frames} frames");
    assert_local_end(&end, connection, 1006, false);
    assert_eq!(server.statistics().connections_lost, 0, "it was to end");
    peer.end(&mut server);
}

#[test]
fn a_local_close_into_a_stream_that_breaks_ends_with_1006() {
    for bytes in [&b""[..], &frame(FIN | BINARY, b"cut off")[..4], b"\xff\x80\x00\x00\x00\x00"] {
        let (mut server, mut peer, connection) = plain(&seen());
        server.disconnect(connection).expect("is open");
        assert_eq!(peer.close_frame(&mut server).0, 1000);
        peer.write(&mut server, bytes);
        drop(peer);
        let end = expect_event(&mut [&mut server], EventKind::Disconnect);
        assert_local_end(&end, connection, 1006, false);
        assert!(!end.data.is_empty(), "it says what happened");
        settle(&mut [&mut server], 3);
        assert!(server.pop_event().is_none(), "once");
        assert_eq!(server.statistics().connections, 0);
    }
}

#[test]
fn a_close_of_the_peer_in_the_same_moment_is_told_once() {
    let (mut server, mut peer, connection) = plain(&seen());
    peer.write(&mut server, &close_frame(4100, "me first"));
    server.close(connection, 4000, b"").expect("is open");
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    let code = end.close_code;
    assert_local_end(&end, connection, code, true);
    assert_eq!((code, &end.data[..]), (4100, &b"me first"[..]));
    peer.frame(&mut server);
    peer.end(&mut server);
    assert!(server.pop_event().is_none());
}

#[test]
fn a_close_behind_a_peers_close_that_waits_answers_it() {
    let (mut server, mut peer, connection) = plain(&seen());
    let bytes = [frame(FIN | TEXT, b"question"), close_frame(4100, "bye")];
    peer.write(&mut server, &bytes.concat());
    until("the message", || {
        step(&mut [&mut server]);
        (server.event_queue_size(connection) > 0).then_some(())
    });
    settle(&mut [&mut server], 3);
    server.close(connection, 4000, b"no").expect("is open");
    assert_eq!(peer.close_frame(&mut server), (4000, "no".to_owned()));
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, b"question"[..]);
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_local_end(&end, connection, 4100, true);
}

#[test]
fn the_goodbye_of_a_reader_that_does_not_pop_waits_for_it() {
    let settings = NetworkSettings {
        receive_queue_capacity: 2,
        close_timeout_ms: 100,
        fixed_frame_time_ms: 10,
        ..seen()
    };
    let (mut server, mut peer, connection) = plain(&settings);
    for number in 0..10u8 {
        peer.write(&mut server, &frame(FIN | BINARY, &[number]));
    }
    until("a full queue", || {
        step(&mut [&mut server]);
        (server.event_queue_size(connection) == 2).then_some(())
    });
    server.disconnect(connection).expect("is open");
    assert_eq!(peer.close_frame(&mut server).0, 1000);
    peer.write(&mut server, &close_frame(1000, ""));
    // Three times as long as the handshake may take.
    settle(&mut [&mut server], 30);
    assert_eq!(server.connection_state(connection), ConnectionState::Disconnecting);
    for number in 0..10u8 {
        assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, [number][..]);
    }
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_local_end(&end, connection, 1000, true);
}

#[test]
fn an_end_that_came_before_the_programs_close_is_still_told() {
    let (mut server, mut peer, connection) = plain(&seen());
    peer.write(&mut server, &close_frame(4100, ""));
    peer.close_frame(&mut server);
    server.disconnect(connection).expect("has ended, and nobody knows");
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.reason, end.close_code), (DisconnectReason::ClosedByRemote, 4100));
    settle(&mut [&mut server], 2);
    assert_eq!(status(server.disconnect(connection)), Status::NetworkVersionMismatch);
}

#[test]
fn connections_without_a_closing_handshake_end_at_once_and_silently() {
    for kind in [InterfaceKind::Udp, InterfaceKind::Ipc] {
        let mut pair = Pair::with(kind, &seen());
        pair.client.disconnect(pair.to_server).expect("is open");
        let state = pair.client.connection_state(pair.to_server);
        assert_eq!(state, ConnectionState::Disconnected, "{kind:?}");
        pair.server_event(EventKind::Disconnect);
        assert!(pair.client.pop_event().is_none());
    }
    let mut client = driver(InterfaceKind::WebSocket, &seen());
    let nowhere = "ws://192.0.2.1:9/";
    let connection = client.connect_url(nowhere, &Default::default()).expect("starts to connect");
    client.disconnect(connection).expect("is connecting");
    settle(&mut [&mut client], 2);
    assert!(client.pop_event().is_none());
    assert_eq!(client.statistics().connections, 0);
}

#[test]
fn the_utp_dialect_over_a_stream_tells_its_end_too() {
    let mut pair = Pair::with(InterfaceKind::WebSocket, &seen());
    pair.client.disconnect(pair.to_server).expect("is open");
    let end = pair.server_event(EventKind::Disconnect);
    assert_eq!((end.reason, end.clean), (DisconnectReason::ClosedByRemote, true));
    let end = pair.client_event(EventKind::Disconnect);
    assert_local_end(&end, pair.to_server, 1000, true);
    settle(&mut [&mut pair.server, &mut pair.client], 3);
    for statistics in [pair.server.statistics(), pair.client.statistics()] {
        assert_eq!((statistics.connections, statistics.connections_closing), (0, 0));
        assert_eq!(statistics.unknown_token_in, 0);
    }
}

#[test]
fn a_request_to_close_lets_the_program_have_the_last_word() {
    let (mut server, mut peer, connection) = plain(&asking());
    let bytes = [frame(FIN | TEXT, b"question"), close_frame(4100, "bye")];
    peer.write(&mut server, &bytes.concat());
    expect_event(&mut [&mut server], EventKind::Data);
    settle(&mut [&mut server], 5);
    let request = expect_event(&mut [&mut server], EventKind::CloseRequest);
    assert_eq!((request.connection, request.close_code), (connection, 4100));
    assert_eq!((&request.data[..], request.clean), (&b"bye"[..], false));
    assert_eq!(server.connection_state(connection), ConnectionState::Connected);
    server.send_text(connection, "answer").expect("is still open");
    server.flush().expect("flushes");
    assert!(server.wait(20).expect("waits"), "a wait only tells that the close goes on");
    server.send_text(connection, "last word").expect("is still open");
    assert_eq!(peer.frame(&mut server).payload, b"answer");
    assert_eq!(peer.frame(&mut server).payload, b"last word");
    assert_eq!(peer.close_frame(&mut server), (4100, String::new()));
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.connection, end.close_code, end.clean), (connection, 4100, true));
    assert_eq!(end.reason, DisconnectReason::ClosedByRemote);
    peer.end(&mut server);
}

#[test]
fn a_request_to_close_that_is_not_popped_is_not_answered() {
    let (mut server, mut peer, connection) = plain(&asking());
    peer.write(&mut server, &close_frame(1000, ""));
    settle(&mut [&mut server], 20);
    assert_eq!(server.connection_state(connection), ConnectionState::Connected);
    assert_eq!(peer.try_frame(), None);
    // Popped in front of an event behind it, which the program leaves alone for a while.
    expect_event(&mut [&mut server], EventKind::CloseRequest);
    assert_eq!(peer.close_frame(&mut server).0, 1000);
    expect_event(&mut [&mut server], EventKind::Disconnect);
}

#[test]
fn a_request_to_close_can_be_answered_with_a_code_of_the_programs_own() {
    for settings in [asking(), NetworkSettings { local_close_events: true, ..asking() }] {
        let (mut server, mut peer, connection) = plain(&settings);
        peer.write(&mut server, &close_frame(4100, "bye"));
        let request = expect_event(&mut [&mut server], EventKind::CloseRequest);
        server.close(request.connection, 4000, b"not yet").expect("is open");
        assert_eq!(peer.close_frame(&mut server), (4000, "not yet".to_owned()));
        peer.end(&mut server);
        let end = server.pop_event();
        assert_eq!(end.is_some(), settings.local_close_events);
        if let Some(end) = end {
            assert_local_end(&end, connection, 4100, true);
        }
        settle(&mut [&mut server], 2);
        assert!(server.pop_event().is_none());
        assert_eq!(server.statistics().connections, 0);
    }
}

#[test]
fn only_a_close_frame_of_a_plain_connection_asks() {
    // A broken rule, a broken stream, and the UTP dialect.
    let (mut server, mut peer, _) = plain(&asking());
    peer.write(&mut server, &frame(FIN | CLOSE, b"\x00"));
    expect_event(&mut [&mut server], EventKind::Disconnect);
    let (mut server, peer, _) = plain(&asking());
    drop(peer);
    expect_event(&mut [&mut server], EventKind::Disconnect);
    let mut pair = Pair::with(InterfaceKind::WebSocket, &asking());
    pair.client.disconnect(pair.to_server).expect("is open");
    pair.server_event(EventKind::Disconnect);
    // One that says goodbye before anything else is asked about as well.
    let patient = NetworkSettings { plain_grace_ms: 60_000, ..asking() };
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &patient);
    let mut peer = RawStream::open(&mut server, port, "/", "");
    peer.write(&mut server, &close_frame(4000, "wrong door"));
    let connection = expect_accept(&mut [&mut server]);
    let request = expect_event(&mut [&mut server], EventKind::CloseRequest);
    assert_eq!((request.connection, request.close_code), (connection, 4000));
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.connection, end.close_code), (connection, 4000));
    peer.end(&mut server);
}

#[test]
fn a_peer_that_leaves_before_its_request_is_answered_ends_as_it_said() {
    let (mut server, mut peer, connection) = plain(&asking());
    peer.write(&mut server, &close_frame(4100, "bye"));
    settle(&mut [&mut server], 5);
    drop(peer);
    settle(&mut [&mut server], 5);
    expect_event(&mut [&mut server], EventKind::CloseRequest);
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.connection, end.close_code, end.clean), (connection, 4100, true));
}

fn assert_gone(driver: &mut NetworkDriver, connection: Connection) {
    assert_eq!(driver.connection_state(connection), ConnectionState::Disconnected);
    assert_eq!(status(driver.send(connection, 0, b"")), Status::NetworkVersionMismatch);
    assert_eq!(status(driver.abort(connection)), Status::NetworkVersionMismatch);
    assert!(driver.pop_event().is_none());
    let statistics = driver.statistics();
    assert_eq!((statistics.connections, statistics.connections_closing), (0, 0));
}

#[test]
fn an_abort_drops_a_stream_without_a_word() {
    let settings =
        NetworkSettings { local_close_events: true, close_request_events: true, ..asking() };
    let (mut server, mut peer, connection) = plain(&settings);
    peer.write(&mut server, &frame(FIN | TEXT, b"never seen"));
    settle(&mut [&mut server], 3);
    server.send_text(connection, "never sent").expect("is open");
    server.abort(connection).expect("is open");
    assert_gone(&mut server, connection);
    assert!(peer.end(&mut server).is_empty(), "neither a message nor a Close");
    assert_gone(&mut server, connection);
    // In the middle of a goodbye, seen or not.
    for settings in [settings, NetworkSettings::default()] {
        for flushes in [0, 1] {
            let (mut server, mut peer, connection) = plain(&settings);
            server.disconnect(connection).expect("is open");
            for _ in 0..flushes {
                server.flush().expect("flushes");
            }
            if flushes == 0 || settings.local_close_events {
                server.abort(connection).expect("is still known");
                peer.end(&mut server);
            }
            assert_eq!(server.statistics().connections, 0);
            assert!(server.pop_event().is_none());
        }
    }
}

#[test]
fn an_abort_over_datagrams_is_noticed_by_silence_only() {
    let settings = NetworkSettings {
        fixed_frame_time_ms: 10,
        disconnect_timeout_ms: 300,
        ..NetworkSettings::default()
    };
    for kind in
        [InterfaceKind::Ipc, InterfaceKind::Udp, InterfaceKind::WebSocket, InterfaceKind::Tcp]
    {
        let mut pair = Pair::with(kind, &settings);
        pair.client.abort(pair.to_server).expect("is open");
        assert_gone(&mut pair.client, pair.to_server);
        let end = pair.server_event(EventKind::Disconnect);
        let reason = match kind {
            InterfaceKind::WebSocket | InterfaceKind::Tcp => DisconnectReason::ProtocolError,
            _ => DisconnectReason::Timeout,
        };
        assert_eq!(end.reason, reason, "{kind:?}");
    }
}

#[test]
fn an_abort_while_connecting_leaves_nothing() {
    let lost = NetworkSimulator { partitioned: true, ..Default::default() };
    for kind in [InterfaceKind::Udp, InterfaceKind::WebSocket] {
        let (mut server, endpoint) = crate::support::server(kind, &NetworkSettings::default());
        server.set_network_simulator(&lost);
        let mut client = driver(kind, &NetworkSettings::default());
        let connection = client.connect(0, &endpoint, b"").expect("starts to connect");
        client.abort(connection).expect("is connecting");
        assert_gone(&mut client, connection);
        settle(&mut [&mut client, &mut server], 5);
        assert_gone(&mut client, connection);
        let next = client.connect(0, &endpoint, b"").expect("starts to connect");
        assert_eq!(next.index(), connection.index(), "the slot is free again");
    }
}

#[test]
fn a_ping_behind_our_close_stays_unanswered() {
    let (mut server, mut peer, connection) = plain(&seen());
    server.disconnect(connection).expect("is open");
    server.flush().expect("flushes");
    peer.write(&mut server, &frame(FIN | PING, b"hello?"));
    peer.write(&mut server, &close_frame(1000, ""));
    assert_eq!(peer.close_frame(&mut server).0, 1000);
    assert!(peer.end(&mut server).is_empty());
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_local_end(&end, connection, 1000, true);
}

#[test]
fn an_end_held_behind_a_full_queue_comes_however_slowly_it_is_popped() {
    let settings = NetworkSettings { receive_queue_capacity: 4, ..NetworkSettings::default() };
    let (mut server, mut peer, connection) = plain(&settings);
    for _ in 0..4 {
        peer.write(&mut server, &frame(FIN | TEXT, b"waits"));
    }
    until("a full queue", || {
        step(&mut [&mut server]);
        (server.event_queue_size(connection) == 4).then_some(())
    });
    settle(&mut [&mut server], 3);
    assert_eq!(server.pop_event().expect("waits").kind, EventKind::Data);
    peer.write(&mut server, &close_frame(4000, "done"));
    settle(&mut [&mut server], 5);
    for _ in 0..3 {
        assert_eq!(server.pop_event().expect("waits").kind, EventKind::Data);
        settle(&mut [&mut server], 3);
    }
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.connection, end.close_code), (connection, 4000));
}

#[test]
fn a_wait_does_not_sleep_on_a_close_that_the_program_was_asked_about() {
    let (mut server, mut peer, connection) = plain(&asking());
    peer.write(&mut server, &close_frame(4000, "may I"));
    let request = expect_event(&mut [&mut server], EventKind::CloseRequest);
    assert_eq!(request.connection, connection);
    assert!(server.wait(100).expect("waits"), "an update has the end to show");
    server.update().expect("updates");
    assert_eq!(server.pop_event().expect("the end").kind, EventKind::Disconnect);
}

#[test]
fn a_local_close_that_answers_a_held_one_has_a_timer() {
    let settings = NetworkSettings { close_timeout_ms: 100, fixed_frame_time_ms: 10, ..asking() };
    let settings = NetworkSettings { local_close_events: true, ..settings };
    let (mut server, mut peer, connection) = plain(&settings);
    peer.write(&mut server, &close_frame(4000, "may I"));
    expect_event(&mut [&mut server], EventKind::CloseRequest);
    server.close(connection, 4001, b"").expect("is asked");
    assert_eq!(expect_event(&mut [&mut server], EventKind::Disconnect).connection, connection);
    until("the end of the stream that the peer leaves open", || {
        step(&mut [&mut server]);
        (server.statistics().connections_closing == 0).then_some(())
    });
    drop(peer);
}
