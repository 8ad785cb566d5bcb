//! Silence: heartbeats, timeouts, and the two settings that bend time.

use netdriver::settings::{InterfaceKind, NetworkSettings, NetworkSimulator};
use netdriver::{ConnectionState, DisconnectReason, EventKind, NetworkDriver};

use super::connecting::frames;
use super::pipelines::stock;
use crate::support::{Pair, driver, until};

/// Runs both for a number of frames; the reasons with which server and client ended, if they did.
fn run(pair: &mut Pair, count: usize) -> [Option<DisconnectReason>; 2] {
    let mut ends = [None, None];
    for _ in 0..count {
        pair.frame();
        for (end, driver) in ends.iter_mut().zip([&mut pair.server, &mut pair.client]) {
            if let Some(event) = driver.pop_event() {
                assert_eq!(event.kind, EventKind::Disconnect);
                *end = Some(event.reason);
            }
        }
    }
    ends
}

fn cut(driver: &mut NetworkDriver) {
    driver.set_network_simulator(&NetworkSimulator { partitioned: true, ..Default::default() });
}

#[test]
fn a_lost_network_is_a_timeout_on_both_sides() {
    let settings = NetworkSettings { disconnect_timeout_ms: 500, ..frames(10) };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    cut(&mut pair.client);
    assert_eq!(run(&mut pair, 48), [None, None], "not before 500 ms");
    let timeout = Some(DisconnectReason::Timeout);
    assert_eq!(run(&mut pair, 10), [timeout, timeout]);
    let both = [pair.server.statistics(), pair.client.statistics()];
    assert!(both.iter().all(|statistics| statistics.connections == 0));
}

#[test]
fn without_heartbeats_an_idle_connection_times_out() {
    let settings =
        NetworkSettings { disconnect_timeout_ms: 500, heartbeat_timeout_ms: 0, ..stock() };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    let ends = run(&mut pair, 60);
    assert!(ends.contains(&Some(DisconnectReason::Timeout)), "{ends:?}");
}

#[test]
fn heartbeats_slower_than_the_timeout_do_not_help() {
    let settings =
        NetworkSettings { disconnect_timeout_ms: 300, heartbeat_timeout_ms: 600, ..frames(10) };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    let ends = run(&mut pair, 60);
    assert!(ends.contains(&Some(DisconnectReason::Timeout)), "{ends:?}");
}

#[test]
fn heartbeats_keep_an_idle_connection() {
    let settings =
        NetworkSettings { disconnect_timeout_ms: 300, heartbeat_timeout_ms: 100, ..stock() };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    let before = pair.client.statistics().datagrams_out;
    assert_eq!(run(&mut pair, 1000), [None, None]);
    let heartbeats = pair.client.statistics().datagrams_out - before;
    assert!((80..=100).contains(&heartbeats), "one a 110 ms, not {heartbeats} in 10 s");
}

#[test]
fn a_side_that_sends_needs_no_heartbeat() {
    let settings =
        NetworkSettings { heartbeat_timeout_ms: 100, round_trip_interval_ms: 0, ..frames(10) };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    let before = pair.client.statistics().datagrams_out;
    for _ in 0..200 {
        pair.client.send(pair.to_server, 0, b"busy").expect("is sent");
        pair.frame();
        while pair.server.pop_event().is_some() {}
    }
    assert_eq!(pair.client.statistics().datagrams_out - before, 200);
}

#[test]
fn a_timeout_of_zero_is_for_ever() {
    let settings =
        NetworkSettings { disconnect_timeout_ms: 0, heartbeat_timeout_ms: 0, ..frames(1000) };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    cut(&mut pair.client);
    assert_eq!(run(&mut pair, 1000), [None, None]);
    assert_eq!(pair.client.connection_state(pair.to_server), ConnectionState::Connected);
}

#[test]
fn a_dropped_driver_is_noticed_by_its_silence() {
    let settings = NetworkSettings { disconnect_timeout_ms: 200, ..frames(10) };
    let Pair { mut server, client, to_client, .. } = Pair::with(InterfaceKind::Ipc, &settings);
    drop(client);
    let event = until("the timeout", || {
        server.update().expect("updates");
        server.pop_event()
    });
    assert_eq!((event.connection, event.reason), (to_client, DisconnectReason::Timeout));
}

#[test]
fn silence_over_a_websocket_is_a_timeout_too() {
    let quick = NetworkSettings {
        disconnect_timeout_ms: 60,
        heartbeat_timeout_ms: 0,
        ..NetworkSettings::default()
    };
    let mut pair = Pair::with(InterfaceKind::WebSocket, &quick);
    // The client does nothing at all from here on.
    let event = until("the timeout", || {
        pair.server.update().expect("updates");
        pair.server.wait(5).expect("waits");
        pair.server.pop_event()
    });
    assert_eq!((event.kind, event.reason), (EventKind::Disconnect, DisconnectReason::Timeout));
    assert_eq!(pair.server.statistics().connections, 0);
}

/// Lets real time pass while no driver of the test looks.
fn look_away(milliseconds: u32) {
    let mut other = driver(InterfaceKind::Udp, &NetworkSettings::default());
    assert!(!other.wait(milliseconds).expect("waits"));
}

#[test]
fn a_long_frame_counts_in_full_unless_it_is_bounded() {
    for (max_frame_time_ms, survives) in [(0, false), (10, true)] {
        let settings = NetworkSettings {
            disconnect_timeout_ms: 150,
            heartbeat_timeout_ms: 0,
            max_frame_time_ms,
            ..NetworkSettings::default()
        };
        let mut pair = Pair::with(InterfaceKind::Udp, &settings);
        pair.client.update().expect("updates");
        look_away(250);
        pair.client.update().expect("updates");
        let ended = pair.client.pop_event().map(|event| event.reason);
        let expected = (!survives).then_some(DisconnectReason::Timeout);
        assert_eq!(ended, expected, "max_frame_time_ms {max_frame_time_ms}");
    }
}

#[test]
fn waiting_after_a_long_frame_respects_the_bound_too() {
    let settings = NetworkSettings {
        disconnect_timeout_ms: 150,
        heartbeat_timeout_ms: 0,
        max_frame_time_ms: 10,
        ..NetworkSettings::default()
    };
    let mut pair = Pair::with(InterfaceKind::Udp, &settings);
    pair.client.update().expect("updates");
    look_away(250);
    // A program that sleeps in `wait` sees the same driver as one that only updates.
    pair.client.wait(1).expect("waits");
    pair.client.update().expect("updates");
    assert_eq!(pair.client.pop_event().map(|event| event.reason), None);
}

#[test]
fn with_a_fixed_frame_time_only_updates_move_time() {
    let settings = NetworkSettings { disconnect_timeout_ms: 100, ..frames(10) };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    look_away(150);
    assert!(!pair.client.wait(1).expect("waits"));
    pair.client.update().expect("updates");
    assert!(pair.client.pop_event().is_none(), "10 ms have passed, not 150");
    assert_eq!(run(&mut pair, 5), [None, None]);
}

#[test]
fn waiting_serves_keep_alives() {
    let settings = NetworkSettings { heartbeat_timeout_ms: 5, ..NetworkSettings::default() };
    let mut pair = Pair::with(InterfaceKind::Udp, &settings);
    pair.client.update().expect("updates");
    let before = pair.client.statistics().datagrams_out;
    assert!(!pair.client.wait(60).expect("waits"));
    let sent = pair.client.statistics().datagrams_out - before;
    assert!(sent >= 2, "{sent} heartbeats without any update");
}
