//! Messages through sessions, on virtual time.

use netdriver::settings::{InterfaceKind, NetworkSettings, NetworkSimulator};
use netdriver::{EventKind, Status};

use crate::support::{Pair, status};

fn frames(ms: i32) -> NetworkSettings {
    NetworkSettings { fixed_frame_time_ms: ms, ..NetworkSettings::default() }
}

/// A pair that has agreed.
fn agreed(settings: &NetworkSettings, list: &str) -> Pair {
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, settings, list);
    for _ in 0..10 {
        pair.frame();
    }
    assert!(pair.server.connection_info(pair.to_client).expect("is open").session);
    pair
}

fn disturb(pair: &mut Pair, network: NetworkSimulator) {
    pair.server.set_network_simulator(&network);
    pair.client.set_network_simulator(&NetworkSimulator { seed: network.seed + 1, ..network });
}

fn numbers(pair: &mut Pair) -> Vec<u32> {
    let events = std::iter::from_fn(|| pair.server.pop_event());
    events
        .filter(|event| event.kind == EventKind::Data)
        .map(|event| u32::from_le_bytes(event.data[..4].try_into().expect("a number")))
        .collect()
}

#[test]
fn a_session_begins_when_the_path_is_known_and_keeps_to_its_size() {
    let settings = NetworkSettings { perform_path_mtu_discovery: true, ..frames(10) };
    for (receive_mtu, size) in [(1350, 1300), (1100, 1024)] {
        let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &settings, "frag,reliable:32");
        disturb(&mut pair, NetworkSimulator { receive_mtu, ..NetworkSimulator::default() });
        let far = pair.client.connect(0, &pair.endpoint, b"").expect("starts");
        for _ in 0..150 {
            pair.frame();
        }
        let near = pair.server.accept().expect("comes");
        let info = pair.client.connection_info(far).expect("is open");
        assert!(info.session && info.path_mtu == size, "{info:?}");
        let message = [7; 4000];
        pair.client.send(far, 1, &message).expect("fits");
        pair.server.send(near, 1, &message).expect("fits");
        for _ in 0..50 {
            pair.frame();
        }
        let data = |driver: &mut netdriver::NetworkDriver, from| {
            std::iter::from_fn(|| driver.pop_event_for_connection(from))
                .find(|event| event.kind == EventKind::Data)
        };
        assert_eq!(data(&mut pair.server, near).expect("arrives").data, message[..]);
        assert_eq!(data(&mut pair.client, far).expect("arrives").data, message[..]);
    }
}

#[test]
fn messages_of_a_frame_share_a_datagram() {
    let mut pair = agreed(&frames(10), "reliable:32;useq");
    let before = pair.client.statistics().datagrams_out;
    for number in 0..20u32 {
        let pipeline = (number % 3) as u8;
        pair.client.send(pair.to_server, pipeline, &number.to_le_bytes()).expect("is sent");
    }
    pair.frame();
    pair.server.update().expect("updates");
    assert_eq!(numbers(&mut pair), Vec::from_iter(0..20), "in the order of the calls");
    assert_eq!(pair.client.statistics().datagrams_out - before, 1);
}

#[test]
fn the_window_of_a_reliable_pipeline_is_no_bound_any_more() {
    let mut pair = agreed(&frames(10), "reliable:8");
    for number in 0..500u32 {
        pair.client.send(pair.to_server, 1, &number.to_le_bytes()).expect("is sent");
    }
    for _ in 0..10 {
        pair.frame();
    }
    assert_eq!(numbers(&mut pair), Vec::from_iter(0..500));
}

#[test]
fn the_longest_message_that_a_connection_tells_of_can_be_sent() {
    let longest = 24_115_775;
    let mut pair = agreed(&frames(10), &format!("frag:{longest};frag:{longest},useq"));
    for pipeline in [1, 2] {
        let most = pair.client.payload_size_max(pair.to_server, pipeline).expect("is open");
        // 16,383 packets, of which each is shorter than one without a session.
        assert!((22_000_000..22_739_604).contains(&most), "{most}");
        let longer = vec![7; most as usize + 1];
        let refused = pair.client.send(pair.to_server, pipeline, &longer).map_err(|e| e.status());
        assert_eq!(refused, Err(Status::NetworkPacketOverflow));
        let message = &longer[1..];
        pair.client.send(pair.to_server, pipeline, message).expect("is no longer than that");
        pair.frame();
        pair.server.update().expect("updates");
        assert_eq!(pair.server.pop_event().expect("arrives").data.len(), most as usize);
    }
}

#[test]
fn messages_sent_while_the_peers_agree_keep_their_order() {
    for seed in 0..40 {
        let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &frames(10), "frag,reliable:32");
        let lossy = NetworkSimulator { send_loss_percent: 30.0, seed, ..Default::default() };
        disturb(&mut pair, lossy);
        let (mut sent, mut got) = (0u32, Vec::new());
        for _ in 0..400 {
            let mut message = vec![0; if sent % 5 == 0 { 3000 } else { 40 }];
            message[..4].copy_from_slice(&sent.to_le_bytes());
            if sent < 100 && pair.client.send(pair.to_server, 1, &message).is_ok() {
                sent += 1;
            }
            pair.frame();
            got.extend(numbers(&mut pair));
        }
        assert_eq!(got, Vec::from_iter(0..100), "seed {seed}");
        assert!(pair.client.connection_info(pair.to_server).expect("is open").session);
    }
}

#[test]
fn loss_and_jitter_are_told() {
    let mut pair = agreed(&frames(10), "reliable:32");
    let network = NetworkSimulator {
        send_loss_percent: 20.0,
        send_delay_ms: 40,
        send_jitter_ms: 10,
        ..Default::default()
    };
    disturb(&mut pair, network);
    let mut got = Vec::new();
    for number in 0..500u32 {
        pair.client.send(pair.to_server, 1, &number.to_le_bytes()).expect("is sent");
        pair.frame();
        got.extend(numbers(&mut pair));
    }
    for _ in 0..300 {
        pair.frame();
        got.extend(numbers(&mut pair));
    }
    assert_eq!(got, Vec::from_iter(0..500));
    let info = pair.client.connection_info(pair.to_server).expect("is open");
    assert!((60_000..160_000).contains(&info.round_trip_us), "{info:?}");
    assert!(info.round_trip_jitter_us > 1000 && info.round_trip_jitter_us < 60_000, "{info:?}");
    assert!((50..450).contains(&info.loss_permille), "{info:?}");
}

#[test]
fn a_program_that_does_not_pop_slows_its_peer_down_and_loses_nothing() {
    let settings = NetworkSettings {
        receive_queue_capacity: 4,
        inbound_bytes_max: 64 << 10,
        outbound_bytes_max: 64 << 10,
        writable_events: true,
        ..frames(10)
    };
    let mut pair = agreed(&settings, "reliable:32");
    let mut sent = 0u32;
    for _ in 0..300 {
        let mut message = [0; 1000];
        message[..4].copy_from_slice(&sent.to_le_bytes());
        if pair.client.send(pair.to_server, 1, &message).is_ok() {
            sent += 1;
        }
        pair.frame();
    }
    assert_eq!(pair.server.event_queue_size(pair.to_client), 4);
    assert!((100..160).contains(&sent), "a queue here and a window there: {sent}");
    let refused = status(pair.client.send(pair.to_server, 1, &[0; 1000]));
    assert_eq!(refused, Status::NetworkSendQueueFull);
    let info = pair.server.connection_info(pair.to_client).expect("is open");
    assert_eq!(info.dropped_in, 0);
    let (mut got, mut writable) = (Vec::new(), 0);
    for _ in 0..300 {
        got.extend(numbers(&mut pair));
        let events = std::iter::from_fn(|| pair.client.pop_event());
        writable += events.filter(|event| event.kind == EventKind::Writable).count();
        pair.frame();
    }
    assert_eq!(got, Vec::from_iter(0..sent));
    assert!(writable > 0, "room was announced");
}

#[test]
fn higher_priorities_overtake_bulk() {
    let mut pair = agreed(&frames(10), "reliable:32;reliable:32");
    let far = NetworkSimulator { send_delay_ms: 50, ..Default::default() };
    disturb(&mut pair, far);
    pair.client.set_pipeline_priority(2, 200).expect("is one");
    for number in 0..1000u32 {
        let mut message = [0; 1300];
        message[..4].copy_from_slice(&number.to_le_bytes());
        pair.client.send(pair.to_server, 1, &message).expect("is sent");
    }
    pair.client.send(pair.to_server, 2, &9999u32.to_le_bytes()).expect("is sent");
    let mut got = Vec::new();
    for _ in 0..400 {
        pair.frame();
        got.extend(numbers(&mut pair));
    }
    assert_eq!(got.len(), 1001);
    let place = got.iter().position(|&number| number == 9999).expect("arrives");
    assert!(place < 100, "behind {place} others");
}

#[test]
fn what_was_accepted_before_a_disconnect_leaves_before_it() {
    let mut pair = agreed(&frames(10), "reliable:32");
    let far = NetworkSimulator { send_delay_ms: 30, ..Default::default() };
    disturb(&mut pair, far);
    // Far more than the first window.
    for number in 0..800u32 {
        let mut message = [0; 1300];
        message[..4].copy_from_slice(&number.to_le_bytes());
        pair.client.send(pair.to_server, 1, &message).expect("is sent");
    }
    pair.client.disconnect(pair.to_server).expect("is open");
    assert_eq!(status(pair.client.send(pair.to_server, 1, b"x")), Status::NetworkStateMismatch);
    let (mut got, mut end) = (Vec::new(), None);
    for _ in 0..300 {
        pair.frame();
        while let Some(event) = pair.server.pop_event() {
            assert!(end.is_none(), "nothing follows the end");
            match event.kind {
                EventKind::Data => got.push(event.data[0]),
                kind => end = Some(kind),
            }
        }
    }
    assert_eq!((got.len(), end), (800, Some(EventKind::Disconnect)));
    assert!(pair.client.pop_event().is_none());
    assert_eq!(pair.client.statistics().connections_closing, 0);
}

#[test]
fn a_goodbye_waits_for_what_was_sent_and_not_for_ever() {
    let mut pair = agreed(&frames(10), "reliable:32");
    disturb(&mut pair, NetworkSimulator { partitioned: true, ..Default::default() });
    for _ in 0..800 {
        pair.client.send(pair.to_server, 1, &[0; 1300]).expect("is sent");
    }
    pair.client.disconnect(pair.to_server).expect("is open");
    for _ in 0..310 {
        pair.frame();
    }
    assert_eq!(pair.client.statistics().connections_closing, 0, "close_timeout_ms is over");
}
