//! Round trips of every connection, and what the driver counts of its traffic.

use netdriver::EventKind;
use netdriver::settings::{InterfaceKind, NetworkSettings, NetworkSimulator};

use super::connecting::frames;
use super::pipelines::stock;
use crate::support::raw::{RawDatagrams, handshake, packet};
use crate::support::{Pair, expect_accept, server, settle, status};

/// A pair whose packets take `delay` milliseconds each way, after a while.
fn slow(delay: u32, jitter: u32, settings: &NetworkSettings) -> Pair {
    let mut pair = Pair::with(InterfaceKind::Ipc, settings);
    let simulator = NetworkSimulator {
        send_delay_ms: delay,
        send_jitter_ms: jitter,
        seed: 7,
        ..NetworkSimulator::default()
    };
    pair.server.set_network_simulator(&simulator);
    pair.client.set_network_simulator(&simulator);
    pair
}

#[test]
fn both_sides_measure_the_round_trip_again_and_again() {
    let mut pair = slow(50, 0, &stock());
    for _ in 0..1000 {
        pair.frame();
    }
    for (driver, connection) in [(&pair.server, pair.to_client), (&pair.client, pair.to_server)] {
        let info = driver.connection_info(connection).expect("is open");
        assert!((100_000..=120_000).contains(&info.round_trip_us), "{}", info.round_trip_us);
        assert!((95_000..=125_000).contains(&info.round_trip_smoothed_us));
        assert!(info.round_trip_jitter_us < 25_000, "{}", info.round_trip_jitter_us);
        assert!((15..=21).contains(&info.round_trip_count), "{}", info.round_trip_count);
        assert!(info.round_trip_least_us <= info.round_trip_us);
        assert!(info.round_trip_most_us >= info.round_trip_us);
        let found = driver.connection_statistics(connection).expect("is open");
        let (mean, deviation) = found.round_trip.mean_and_deviation();
        assert!((90_000.0..=120_000.0).contains(&mean) && deviation < 40_000.0);
        assert_eq!(found.reliable, netdriver::ReliableCounters::default());
    }
}

#[test]
fn jitter_shows_and_duplicates_do_not() {
    let mut steady = slow(50, 0, &frames(5));
    let mut shaky = slow(50, 40, &frames(5));
    for _ in 0..4000 {
        steady.frame();
        shaky.frame();
    }
    let jitter = |pair: &Pair| {
        let info = pair.client.connection_info(pair.to_server).expect("is open");
        info.round_trip_jitter_us
    };
    assert!(jitter(&shaky) > 3 * jitter(&steady), "{} {}", jitter(&shaky), jitter(&steady));
}

#[test]
fn probes_take_the_place_of_heartbeats_where_they_are_answered() {
    let mut pair = Pair::with(InterfaceKind::Ipc, &frames(10));
    for _ in 0..200 {
        pair.frame();
    }
    let before = pair.client.statistics().datagrams_out;
    for _ in 0..1000 {
        pair.frame();
    }
    let sent = pair.client.statistics().datagrams_out - before;
    // A probe and an answer every half second, and no heartbeat beside them.
    assert!((36..=44).contains(&sent), "{sent} in 10 s");
}

#[test]
fn a_peer_that_answers_no_probe_gets_its_heartbeats_and_few_probes() {
    let (mut server, endpoint) = server(InterfaceKind::Udp, &frames(20));
    let peer = RawDatagrams::to(&endpoint);
    peer.send(&handshake(1, b""));
    peer.receive(&mut server);
    let connection = expect_accept(&mut [&mut server]);
    settle(&mut [&mut server], 100);
    assert!(peer.try_receive().is_none(), "nothing before it speaks");
    peer.send(&packet(3, b""));
    settle(&mut [&mut server], 1000);
    let all: Vec<Vec<u8>> = std::iter::from_fn(|| peer.try_receive()).collect();
    let heartbeats = all.iter().filter(|it| **it == packet(3, b"")).count();
    let probes: Vec<&Vec<u8>> = all.iter().filter(|it| it[0] == 4).collect();
    assert!((36..=40).contains(&heartbeats), "{heartbeats} in 20 s");
    assert!((7..=8).contains(&probes.len()), "{}", probes.len());
    for (nth, probe) in probes.iter().enumerate() {
        let padding = nth as u16 + 1;
        assert_eq!(probe[9..11], padding.to_le_bytes());
        assert_eq!(probe.len(), 11 + usize::from(padding));
    }
    assert_eq!(server.connection_info(connection).expect("is open").round_trip_count, 0);
}

#[test]
fn utp_over_websocket_and_plain_websockets_are_measured_too() {
    let often = NetworkSettings {
        round_trip_interval_ms: 20,
        ping_interval_ms: 20,
        ..NetworkSettings::default()
    };
    for mut pair in [Pair::with(InterfaceKind::WebSocket, &often), Pair::plain(&often, &often)] {
        crate::support::until("five round trips on both sides", || {
            pair.step();
            let sides = [
                pair.server.connection_info(pair.to_client).expect("is open"),
                pair.client.connection_info(pair.to_server).expect("is open"),
            ];
            sides.iter().all(|info| info.round_trip_count >= 5).then_some(())
        });
        let info = pair.client.connection_info(pair.to_server).expect("is open");
        assert!(info.round_trip_smoothed_us > 0 && info.validated);
    }
}

#[test]
fn an_interval_of_zero_probes_nobody() {
    let settings = NetworkSettings { round_trip_interval_ms: 0, ..frames(10) };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    for _ in 0..1000 {
        pair.frame();
    }
    let info = pair.server.connection_info(pair.to_client).expect("is open");
    assert_eq!(info.round_trip_count, 0);
}

#[test]
fn udp_traffic_is_counted_with_its_headers() {
    let mut pair = Pair::with(InterfaceKind::Udp, &stock());
    let (before, _) = pair.server.traffic_statistics();
    for size in [0, 100, 1000] {
        pair.client.send(pair.to_server, 0, &vec![7; size]).expect("is sent");
        pair.server_event(EventKind::Data);
    }
    let (rx, tx) = pair.server.traffic_statistics();
    assert_eq!(rx.packets - before.packets, 3);
    assert_eq!(rx.exact_bytes - before.exact_bytes, 1100 + 3 * 10);
    assert_eq!(rx.bytes - before.bytes, 1100 + 3 * (10 + 28));
    assert_eq!((rx.sizes.largest, rx.sizes.classes[3]), (1038, 0));
    assert_eq!((rx.sizes.classes[1], rx.sizes.classes[4]), (1, 1));
    assert!(tx.packets >= 1 && rx.queue_max >= 1);
    assert_eq!(rx.packets, pair.server.statistics().datagrams_in);
    assert_eq!(tx.packets, pair.server.statistics().datagrams_out);
}

#[test]
fn websocket_traffic_is_counted_in_segments() {
    let mut pair = Pair::new(InterfaceKind::WebSocket);
    pair.client.send(pair.to_server, 0, &[7; 1000]).expect("is sent");
    pair.server_event(EventKind::Data);
    let (rx, tx) = pair.server.traffic_statistics();
    let statistics = pair.server.statistics();
    assert_eq!(rx.exact_bytes, statistics.stream_bytes_in);
    assert_eq!(tx.exact_bytes, statistics.stream_bytes_out);
    assert_eq!(rx.bytes, rx.exact_bytes + 52 * rx.packets);
}

#[test]
fn bandwidth_follows_what_is_sent() {
    let mut pair = Pair::with(InterfaceKind::Ipc, &frames(100));
    for _ in 0..50 {
        pair.client.send(pair.to_server, 0, &[7; 240]).expect("is sent");
        pair.frame();
        while pair.server.pop_event().is_some() {}
    }
    let (rx, _) = pair.server.traffic_statistics();
    // 250 bytes ten times a second are 20 kbit/s.
    assert!((20.0..21.0).contains(&rx.bandwidth.current), "{}", rx.bandwidth.current);
    assert!(rx.bandwidth.most >= rx.bandwidth.current && rx.bandwidth.least > 0.0);
    assert!(rx.bandwidth.burst >= rx.bandwidth.most);
    assert!((0.5..2.0).contains(&rx.queue_mean), "{}", rx.queue_mean);
}

#[test]
fn a_full_receive_queue_is_the_receive_error_of_its_update() {
    let settings = NetworkSettings { receive_queue_capacity: 2, ..frames(10) };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    assert_eq!(pair.server.receive_error_code(), 0);
    for _ in 0..5 {
        pair.client.send(pair.to_server, 0, b"too many").expect("is sent");
    }
    pair.client.flush().expect("flushes");
    pair.server.update().expect("updates");
    assert_eq!(pair.server.receive_error_code(), -10);
    pair.server.update().expect("updates");
    assert_eq!(pair.server.receive_error_code(), 0);
}

#[test]
fn statistics_of_a_stale_connection_are_refused() {
    let mut pair = Pair::new(InterfaceKind::Udp);
    pair.client.disconnect(pair.to_server).expect("is open");
    pair.client.update().expect("updates");
    let refused = pair.client.connection_statistics(pair.to_server);
    assert_eq!(status(refused), netdriver::Status::NetworkVersionMismatch);
}

#[test]
fn the_pipelines_of_a_connection_are_counted_together() {
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &stock(), "reliable;useq;reliable");
    for pipeline in [1, 2, 2, 3] {
        pair.client.send(pair.to_server, pipeline, b"ping").expect("is sent");
    }
    for _ in 0..20 {
        pair.frame();
        while pair.server.pop_event().is_some() {}
    }
    let sent = pair.client.connection_statistics(pair.to_server).expect("is open");
    let received = pair.server.connection_statistics(pair.to_client).expect("is open");
    assert_eq!((sent.reliable.packets_sent, received.reliable.packets_received), (2, 2));
    assert_eq!((sent.reliable.acks_received, received.reliable.acks_sent), (2, 2));
    assert_eq!((sent.sequenced.packets_sent, received.sequenced.packets_received), (2, 2));
}

#[test]
fn a_reliable_pipeline_measures_for_peers_that_answer_no_probe() {
    let settings = NetworkSettings { round_trip_interval_ms: 0, ..frames(10) };
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &settings, "reliable;reliable");
    for _ in 0..5 {
        for pipeline in [1, 2] {
            pair.client.send(pair.to_server, pipeline, b"ping").expect("is sent");
        }
        for _ in 0..10 {
            pair.frame();
            while pair.server.pop_event().is_some() {}
        }
    }
    let info = pair.client.connection_info(pair.to_server).expect("is open");
    // One for the handshake, and one for each message of the first pipeline.
    assert_eq!(info.round_trip_count, 6);
}

#[test]
fn the_datagrams_of_a_session_are_traffic_too() {
    let mut pair = Pair::with_pipelines(InterfaceKind::Udp, &frames(10), "reliable");
    for _ in 0..50 {
        pair.client.send(pair.to_server, 1, &[7; 1000]).expect("is sent");
        pair.server_event(EventKind::Data);
    }
    let (_, tx) = pair.client.traffic_statistics();
    assert_eq!(tx.packets, pair.client.statistics().datagrams_out);
    assert!(tx.exact_bytes > 50_000 && tx.sizes.classes[4] >= 50, "{tx:?}");
}
