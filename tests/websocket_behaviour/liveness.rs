//! Pings, pongs and silence: three settings, and programs that a browser puts to sleep.

use netdriver::settings::{DialectPolicy, InterfaceKind, NetworkSettings};
use netdriver::{Connection, ConnectionState, DisconnectReason, Event, EventKind, NetworkDriver};
use netdriver::{ConnectionInfo, Status};

use super::messages::plain;
use crate::support::raw::{BINARY, FIN, PING, PONG, RawStream, TEXT, frame, handshake};
use crate::support::{
    Pair, expect_accept, expect_event, settle, status, step, until, websocket_server,
};

/// Only updates move time, by 10 ms each; nothing is pinged by itself.
fn frames() -> NetworkSettings {
    NetworkSettings { fixed_frame_time_ms: 10, ping_interval_ms: 0, ..NetworkSettings::default() }
}

fn info(driver: &NetworkDriver, connection: Connection) -> ConnectionInfo {
    driver.connection_info(connection).expect("is known")
}

/// Lets frames pass; the peer answers pings with pongs, if it is to. What ended the connection,
/// and in which frame.
fn run(
    server: &mut NetworkDriver,
    peer: &mut RawStream,
    answers: bool,
    count: u32,
) -> Option<(u32, Event)> {
    for number in 0..count {
        step(&mut [server]);
        while let Some(ping) = peer.try_frame().filter(|_| !peer.ended) {
            if answers && ping.first == FIN | PING {
                peer.write(server, &frame(FIN | PONG, &ping.payload));
            }
        }
        if let Some(event) = server.pop_event() {
            return Some((number, event));
        }
    }
    None
}

fn assert_timeout(end: Option<(u32, Event)>, range: std::ops::RangeInclusive<u32>) {
    let (number, event) = end.expect("it ends");
    assert_eq!((event.kind, event.reason), (EventKind::Disconnect, DisconnectReason::Timeout));
    assert!(range.contains(&number), "in frame {number}");
}

#[test]
fn silence_is_pinged_and_an_answer_measures_the_round_trip() {
    let settings = NetworkSettings { ping_interval_ms: 10, ..NetworkSettings::default() };
    let (mut server, mut peer, connection) = plain(&settings);
    assert_eq!(info(&server, connection).round_trip_us, 0);
    let ping = peer.frame(&mut server);
    assert_eq!((ping.first, ping.payload.len()), (FIN | PING, 0));
    peer.write(&mut server, &frame(FIN | PONG, &ping.payload));
    let measured = until("a round trip", || {
        step(&mut [&mut server]);
        Some(info(&server, connection).round_trip_us).filter(|&measured| measured > 0)
    });
    assert!(measured < 10_000_000);
    assert!(server.pop_event().is_none(), "a pong is no event");
}

#[test]
fn a_busy_connection_is_pinged_too() {
    let settings = NetworkSettings { ping_interval_ms: 100, ..frames() };
    let (mut server, mut peer, _) = plain(&settings);
    let mut pings = 0;
    for _ in 0..200 {
        peer.write(&mut server, &frame(FIN | BINARY, b"busy"));
        expect_event(&mut [&mut server], EventKind::Data);
        while let Some(frame) = peer.try_frame() {
            pings += u32::from(frame.first == FIN | PING);
        }
    }
    assert!(pings >= 19, "{pings} pings in 2 s");
}

#[test]
fn a_peer_without_a_sign_of_life_times_out() {
    let settings = NetworkSettings { ping_interval_ms: 100, pong_timeout_ms: 200, ..frames() };
    let (mut server, mut peer, _) = plain(&settings);
    let end = run(&mut server, &mut peer, false, 40);
    assert_timeout(end.clone(), 25..=30);
    let (_, event) = end.expect("ended");
    assert_eq!((event.close_code, event.clean), (1006, false));
    assert!(!event.data.is_empty(), "it says what happened");
    peer.end(&mut server);
    assert_eq!(server.statistics().connections, 0);
}

#[test]
fn anything_at_all_is_a_sign_of_life() {
    let settings = NetworkSettings { ping_interval_ms: 100, pong_timeout_ms: 200, ..frames() };
    let (mut server, mut peer, _) = plain(&settings);
    // Ten answers of the wrong kind, where two without any would be the end.
    for _ in 0..10 {
        while peer.frame(&mut server).first != FIN | PING {}
        peer.write(&mut server, &frame(FIN | TEXT, b"still here"));
        expect_event(&mut [&mut server], EventKind::Data);
    }
}

#[test]
fn pings_of_both_sides_keep_a_silent_connection_and_both_know_the_round_trip() {
    let settings = NetworkSettings {
        ping_interval_ms: 5,
        pong_timeout_ms: 2000,
        silence_timeout_ms: 4000,
        ..NetworkSettings::default()
    };
    let mut pair = Pair::plain(&settings, &settings);
    let mut silent = 0;
    until("a round trip on both sides, and a while after it", || {
        pair.step();
        assert!(pair.client.pop_event().is_none() && pair.server.pop_event().is_none());
        let ours = info(&pair.server, pair.to_client).round_trip_us;
        let theirs = info(&pair.client, pair.to_server).round_trip_us;
        silent += u32::from(ours > 0 && theirs > 0);
        (silent > 50).then_some(())
    });
}

#[test]
fn a_ping_of_the_program_carries_its_bytes_and_its_pong_is_an_event() {
    let settings = NetworkSettings { pong_events: true, ..frames() };
    let mut pair = Pair::plain(&settings, &settings);
    let long = [7; 125];
    for payload in [&b""[..], b"are you there?", &long] {
        pair.client.ping(pair.to_server, payload).expect("is sent");
        let pong = pair.client_event(EventKind::Pong);
        assert_eq!(pong.data, payload);
        pair.server.ping(pair.to_client, payload).expect("is sent");
        assert_eq!(pair.server_event(EventKind::Pong).data, payload);
    }
    assert!(info(&pair.client, pair.to_server).round_trip_us > 0);
    assert!(info(&pair.server, pair.to_client).round_trip_us > 0);
    let counted = info(&pair.client, pair.to_server);
    assert_eq!((counted.messages_in, counted.last_message_age_ms), (0, None), "no messages");
}

#[test]
fn pongs_that_nobody_asked_for_are_events_and_held_back_like_messages() {
    let settings = NetworkSettings { pong_events: true, receive_queue_capacity: 8, ..frames() };
    let (mut server, mut peer, connection) = plain(&settings);
    for number in 0..50u8 {
        peer.write(&mut server, &frame(FIN | PONG, &[number]));
    }
    settle(&mut [&mut server], 5);
    assert_eq!(server.event_queue_size(connection), 8, "the stream is not read any more");
    for number in 0..50u8 {
        let pong = expect_event(&mut [&mut server], EventKind::Pong);
        assert_eq!((pong.connection, &pong.data[..]), (connection, &[number][..]));
    }
}

#[test]
fn a_ping_leaves_behind_what_was_sent_before_it() {
    let (mut server, mut peer, connection) = plain(&frames());
    server.send_text(connection, "first").expect("is sent");
    server.ping(connection, b"second").expect("is sent");
    server.ping(connection, b"third").expect("several may be under way");
    server.send_text(connection, "last").expect("is sent");
    let sent: Vec<Vec<u8>> = (0..4).map(|_| peer.frame(&mut server).payload).collect();
    assert_eq!(sent, [&b"first"[..], b"second", b"third", b"last"]);
}

#[test]
fn pings_that_cannot_be_sent_are_refused() {
    let settings = NetworkSettings { outbound_bytes_max: 1500, ..frames() };
    let (mut server, mut peer, connection) = plain(&settings);
    assert_eq!(status(server.ping(connection, &[0; 126])), Status::NetworkPacketOverflow);
    server.send(connection, 0, &[0; 1450]).expect("there is room");
    assert_eq!(status(server.ping(connection, &[0; 125])), Status::NetworkSendQueueFull);
    server.flush().expect("flushes");
    server.ping(connection, &[0; 125]).expect("there is room again");
    drop(peer.frame(&mut server));
    server.disconnect(connection).expect("is open");
    assert_eq!(status(server.ping(connection, b"")), Status::NetworkStateMismatch);
    server.flush().expect("flushes");
    assert_eq!(status(server.ping(connection, b"")), Status::NetworkVersionMismatch);
    assert_eq!(status(server.ping(Connection::NONE, b"")), Status::NetworkIdMismatch);
    for kind in [InterfaceKind::Udp, InterfaceKind::Ipc] {
        let mut pair = Pair::new(kind);
        let refused = status(pair.client.ping(pair.to_server, b""));
        assert_eq!(refused, Status::NotSupported, "{kind:?}");
    }
    let mut pair = Pair::new(InterfaceKind::WebSocket);
    pair.client.ping(pair.to_server, b"").expect("the UTP dialect has pings too");
}

#[test]
fn waiting_sends_pings_and_ends_with_a_pong_that_is_wanted() {
    let settings =
        NetworkSettings { ping_interval_ms: 20, pong_events: true, ..NetworkSettings::default() };
    let (mut server, mut peer, _) = plain(&settings);
    assert!(!server.wait(60).expect("waits"), "nothing to show");
    peer.read();
    let ping = until("the ping", || {
        peer.try_frame().or_else(|| {
            peer.read();
            None
        })
    });
    assert_eq!(ping.first, FIN | PING, "without any update");
    assert_eq!(peer.try_write(&frame(FIN | PONG, b"")), 6);
    assert!(server.wait(10_000).expect("waits"), "long before the time is over");
    server.update().expect("updates");
    assert_eq!(server.pop_event().map(|event| event.kind), Some(EventKind::Pong));
}

#[test]
fn silence_has_a_limit_of_its_own() {
    let settings = NetworkSettings { silence_timeout_ms: 300, ..frames() };
    let (mut server, mut peer, _) = plain(&settings);
    assert_timeout(run(&mut server, &mut peer, true, 60), 25..=31);
    let (mut server, mut peer, _) = plain(&settings);
    for _ in 0..5 {
        assert_eq!(run(&mut server, &mut peer, true, 20), None);
        peer.write(&mut server, &frame(FIN | PONG, b"whatever"));
    }
    assert_timeout(run(&mut server, &mut peer, true, 60), 25..=31);
}

#[test]
fn a_sleeping_program_is_tolerated_as_long_as_its_pings_are_answered() {
    let settings =
        NetworkSettings { silence_timeout_ms: 300, tolerate_throttled: true, ..frames() };
    let (mut server, mut peer, connection) = plain(&settings);
    assert_eq!(run(&mut server, &mut peer, true, 200), None, "two seconds of sleep");
    assert_eq!(server.connection_state(connection), ConnectionState::Connected);
    assert_timeout(run(&mut server, &mut peer, false, 60), 10..=45);
}

#[test]
fn a_late_frame_does_not_end_a_connection_that_answers() {
    let settings = NetworkSettings {
        fixed_frame_time_ms: 60_000,
        silence_timeout_ms: 20_000,
        tolerate_throttled: true,
        handshake_timeout_ms: i32::MAX,
        ..frames()
    };
    let (mut server, mut peer, connection) = plain(&settings);
    until("ten pings, each a minute late", || {
        let ping = peer.try_frame();
        if let Some(ping) = &ping {
            peer.write(&mut server, &frame(FIN | PONG, &ping.payload));
        }
        server.wait(1).expect("takes the pong in the frame before the next one");
        server.update().expect("updates");
        assert!(server.pop_event().is_none());
        (info(&server, connection).round_trip_us > 0).then_some(())
    });
}

/// A raw client of the UTP dialect, and the server's connection to it.
fn utp(settings: &NetworkSettings) -> (NetworkDriver, RawStream, Connection) {
    let (mut server, port) = websocket_server(DialectPolicy::UtpOnly, settings);
    let mut peer = RawStream::open(&mut server, port, "/", "");
    peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
    let connection = expect_accept(&mut [&mut server]);
    (server, peer, connection)
}

#[test]
fn a_sleeping_unity_program_times_out_unless_it_is_tolerated() {
    let settings =
        NetworkSettings { disconnect_timeout_ms: 300, heartbeat_timeout_ms: 50, ..frames() };
    let (mut server, mut peer, _) = utp(&settings);
    assert_timeout(run(&mut server, &mut peer, true, 60), 25..=31);
    for heartbeat_timeout_ms in [50, 0, 10_000] {
        let settings =
            NetworkSettings { tolerate_throttled: true, heartbeat_timeout_ms, ..settings.clone() };
        let (mut server, mut peer, connection) = utp(&settings);
        assert_eq!(run(&mut server, &mut peer, true, 200), None, "{heartbeat_timeout_ms}");
        assert_eq!(server.connection_state(connection), ConnectionState::Connected);
        assert_timeout(run(&mut server, &mut peer, false, 60), 10..=46);
    }
}

#[test]
fn tolerance_changes_nothing_over_datagrams() {
    let settings = NetworkSettings {
        disconnect_timeout_ms: 300,
        heartbeat_timeout_ms: 0,
        tolerate_throttled: true,
        ..frames()
    };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    let end = until("the timeout", || {
        pair.frame();
        pair.server.pop_event()
    });
    assert_eq!(end.reason, DisconnectReason::Timeout);
}

#[test]
fn the_age_of_the_last_message_is_known() {
    for kind in [None, Some(InterfaceKind::Ipc), Some(InterfaceKind::WebSocket)] {
        let settings = frames();
        let mut pair = match kind {
            None => Pair::plain(&settings, &settings),
            Some(kind) => Pair::with(kind, &settings),
        };
        assert_eq!(info(&pair.server, pair.to_client).last_message_age_ms, None);
        pair.client.send(pair.to_server, 0, b"hello").expect("is sent");
        pair.server_event(EventKind::Data);
        let age = info(&pair.server, pair.to_client).last_message_age_ms.expect("there was one");
        for _ in 0..30 {
            pair.frame();
        }
        let later = info(&pair.server, pair.to_client).last_message_age_ms;
        assert_eq!(later, Some(age + 300), "{kind:?}");
        assert_eq!(info(&pair.client, pair.to_server).last_message_age_ms, None);
    }
}
