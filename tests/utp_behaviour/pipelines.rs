//! Pipelines as a program sees them: making them, sending and receiving through them, windows,
//! back-pressure, what they count.

use netdriver::settings::{
    DialectPolicy, FragmentationConfig, InterfaceKind, NetworkSettings, NetworkSimulator,
    PipelineStage, ReliableConfig, SimulatorConfig, UrlOptions,
};
use netdriver::{EventKind, NetworkDriver, Status};

use super::connecting::frames;
use crate::support::{
    Pair, create_pipelines, driver, expect_accept, expect_event, listen, send_in_place, status,
    websocket_server,
};

const KINDS: [InterfaceKind; 4] =
    [InterfaceKind::Ipc, InterfaceKind::Udp, InterfaceKind::Tcp, InterfaceKind::WebSocket];
/// One of each kind, and those that games use together.
const ALL: &str =
    "frag;useq;reliable:32;frag,reliable:32;reliable:256;frag,useq;sim,reliable;null;";

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|index| (index * 31 + (index >> 8)) as u8).collect()
}

/// Numbers of the messages that wait at the server, which are nothing but their numbers.
pub fn numbers(driver: &mut NetworkDriver) -> Vec<u32> {
    let events = std::iter::from_fn(|| driver.pop_event());
    let data = events.filter(|event| event.kind == EventKind::Data);
    data.map(|event| u32::from_le_bytes(event.data[..].try_into().expect("a number"))).collect()
}

/// Frames of 10 ms in which both speak Unity Transport and nothing else.
pub fn stock() -> NetworkSettings {
    NetworkSettings { session: false, ..frames(10) }
}

#[test]
fn every_pipeline_carries_messages_both_ways_over_every_carrier() {
    for kind in KINDS {
        let mut pair = Pair::with_pipelines(kind, &NetworkSettings::default(), ALL);
        for pipeline in 1..=9 {
            let most = pair.client.payload_size_max(pair.to_server, pipeline).expect("is open");
            for size in [0, 1, 500, most as usize] {
                let message = bytes(size);
                pair.client.send(pair.to_server, pipeline, &message).expect("is sent");
                let event = pair.server_event(EventKind::Data);
                assert_eq!((event.pipeline, &event.data[..]), (pipeline, &message[..]));
                pair.server.send(pair.to_client, pipeline, &event.data).expect("is sent");
                let event = pair.client_event(EventKind::Data);
                assert_eq!((event.pipeline, &event.data[..]), (pipeline, &message[..]));
            }
            let longer = bytes(most as usize + 1);
            let refused = status(pair.client.send(pair.to_server, pipeline, &longer));
            assert_eq!(refused, Status::NetworkPacketOverflow, "{kind:?}, pipeline {pipeline}");
        }
        assert_eq!(pair.server.statistics().malformed_in, 0);
    }
}

#[test]
fn the_longest_messages_are_those_of_unity_transport() {
    let list = "null;reliable:32;reliable:64;useq;frag;frag,reliable:32;reliable:128";
    let udp = [1390, 1390, 1378, 1374, 1388, 4096, 4096, 1390 - 24];
    let tcp = [1388, 1388, 1376, 1372, 1386, 4096, 4096, 1388 - 24];
    let websocket = [1376, 1376, 1364, 1360, 1374, 4096, 4096, 1376 - 24];
    let carriers = [
        (InterfaceKind::Udp, 10, udp),
        (InterfaceKind::Ipc, 10, udp),
        (InterfaceKind::Tcp, 12, tcp),
        (InterfaceKind::WebSocket, 24, websocket),
    ];
    for (kind, padding, expected) in carriers {
        let mut pair = Pair::with_pipelines(kind, &NetworkSettings::default(), list);
        for (pipeline, expected) in (0..).zip(expected) {
            let most = pair.client.payload_size_max(pair.to_server, pipeline).expect("is open");
            assert_eq!(most, expected, "{kind:?}, pipeline {pipeline}");
            let handle = pair.client.begin_send(pair.to_server, pipeline, 0).expect("is open");
            let room = pair.client.send_buffer(handle).expect("is open").len();
            assert_eq!(room, expected as usize);
            pair.client.abort_send(handle).expect("is open");
        }
        let headers = [0, 0, 12, 16, 2, 2, 14, 24];
        for (pipeline, header) in (0..).zip(headers) {
            let most = pair.client.header_size_max(0, pipeline).expect("is known");
            assert_eq!(most, padding + header, "{kind:?}, pipeline {pipeline}");
        }
        assert_eq!(status(pair.client.header_size_max(0, 8)), Status::InvalidArgument);
        assert_eq!(status(pair.client.header_size_max(1, 0)), Status::InvalidArgument);
    }
}

#[test]
fn pipelines_are_made_in_order_and_before_the_first_connection() {
    let mut server = driver(InterfaceKind::Ipc, &frames(10));
    create_pipelines(&mut server, "null;useq");
    let endpoint = listen(&mut server);
    assert_eq!(server.create_pipeline(&[PipelineStage::FRAGMENTATION]).expect("listening"), 3);
    let mut client = driver(InterfaceKind::Ipc, &frames(10));
    client.connect(0, &endpoint, b"").expect("starts to connect");
    client.flush().expect("flushes");
    server.update().expect("updates");
    for driver in [&mut client, &mut server] {
        let late = status(driver.create_pipeline(&[PipelineStage::Null]));
        assert_eq!(late, Status::NetworkStateMismatch);
    }
}

#[test]
fn there_are_255_pipelines_at_most() {
    let mut driver = driver(InterfaceKind::Ipc, &frames(10));
    for number in 1..=255 {
        assert_eq!(driver.create_pipeline(&[]).expect("is possible"), number);
    }
    assert_eq!(status(driver.create_pipeline(&[])), Status::LimitReached);
}

#[test]
fn stages_and_parameters_that_cannot_be_are_refused() {
    let mut driver = driver(InterfaceKind::Ipc, &frames(10));
    let window = |window_size| ReliableConfig { window_size, ..ReliableConfig::default() };
    let times = |minimum_resend_time_ms, maximum_resend_time_ms| ReliableConfig {
        minimum_resend_time_ms,
        maximum_resend_time_ms,
        ..ReliableConfig::default()
    };
    let reliable = |config| PipelineStage::ReliableSequenced(Some(config));
    let frag = |payload_capacity| {
        PipelineStage::Fragmentation(Some(FragmentationConfig { payload_capacity }))
    };
    let refused = [
        vec![PipelineStage::RELIABLE_SEQUENCED, PipelineStage::FRAGMENTATION],
        vec![reliable(window(0))],
        vec![reliable(window(2041))],
        vec![reliable(times(0, 10))],
        vec![reliable(times(10, 10))],
        vec![frag(0)],
        vec![frag(24_115_776)],
        vec![PipelineStage::Custom(0)],
        vec![PipelineStage::Null; 17],
    ];
    for stages in refused {
        let outcome = status(driver.create_pipeline(&stages));
        assert_eq!(outcome, Status::InvalidArgument, "{stages:?}");
    }
    for stages in [vec![reliable(window(2040))], vec![frag(24_115_775)], vec![frag(1)]] {
        driver.create_pipeline(&stages).expect("is possible");
    }
    let settings = [
        NetworkSettings { reliable: window(0), ..NetworkSettings::default() },
        NetworkSettings { reliable: times(5, 4), ..NetworkSettings::default() },
        NetworkSettings {
            fragmentation: FragmentationConfig { payload_capacity: 0 },
            ..NetworkSettings::default()
        },
    ];
    for settings in settings {
        assert!(NetworkDriver::new(&settings).is_err());
    }
}

#[test]
fn stages_take_the_parameters_of_the_driver_where_they_bring_none() {
    let settings = NetworkSettings {
        fragmentation: FragmentationConfig { payload_capacity: 9000 },
        reliable: ReliableConfig { window_size: 8, ..ReliableConfig::default() },
        ..stock()
    };
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &settings, "frag;reliable;frag:100");
    assert_eq!(pair.client.payload_size_max(pair.to_server, 1).expect("is open"), 9000);
    assert_eq!(pair.client.payload_size_max(pair.to_server, 3).expect("is open"), 100);
    for number in 0..8u32 {
        pair.client.send(pair.to_server, 2, &number.to_le_bytes()).expect("is in the window");
    }
    assert_eq!(status(pair.client.send(pair.to_server, 2, b"")), Status::NetworkSendQueueFull);
}

#[test]
fn a_number_without_a_pipeline_is_an_argument_error() {
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &frames(10), "null;reliable");
    let (client, open) = (&mut pair.client, pair.to_server);
    let wrong = Status::InvalidArgument;
    assert_eq!(status(client.send(open, 3, b"x")), wrong);
    assert_eq!(status(client.begin_send(open, 3, 0)), wrong);
    assert_eq!(status(client.payload_size_max(open, 3)), wrong);
    assert_eq!(client.send_to_many(&[open], 3, b"x"), 0);
    assert_eq!(status(client.pipeline_statistics(open, 3)), wrong);
    assert_eq!(status(client.set_simulator_stage(3, SimulatorConfig::default())), wrong);
    assert_eq!(status(client.set_resend_times(open, 0, 1, 2)), wrong);
    assert_eq!(status(client.set_resend_times(open, 2, 0, 2)), wrong);
    client.disconnect(open).expect("is open");
    assert_eq!(status(client.send(open, 3, b"x")), Status::NetworkStateMismatch, "comes first");
}

#[test]
fn a_full_window_refuses_and_tells_when_there_is_room() {
    let settings = NetworkSettings { writable_events: true, ..stock() };
    let mut pair =
        Pair::with_pipelines(InterfaceKind::Ipc, &settings, "reliable:8;frag,reliable:8");
    for number in 0..8u32 {
        pair.client.send(pair.to_server, 1, &number.to_le_bytes()).expect("is in the window");
    }
    assert_eq!(status(pair.client.send(pair.to_server, 1, b"full")), Status::NetworkSendQueueFull);
    pair.client.flush().expect("flushes");
    pair.client.update().expect("updates");
    assert!(pair.client.pop_event().is_none(), "what left makes no room yet");
    pair.server.update().expect("updates");
    assert_eq!(numbers(&mut pair.server), Vec::from_iter(0..8));
    pair.frame();
    pair.frame();
    let event = pair.client.pop_event().expect("acknowledgements came");
    assert_eq!((event.kind, event.connection), (EventKind::Writable, pair.to_server));
    pair.client.send(pair.to_server, 1, &8u32.to_le_bytes()).expect("there is room");
    pair.frame();
    pair.frame();
    assert_eq!(numbers(&mut pair.server), [8]);
    // A message in several packets goes whole or not at all.
    let info = |pair: &Pair| pair.client.pipeline_statistics(pair.to_server, 2).expect("is open");
    for _ in 0..2 {
        pair.client.send(pair.to_server, 2, &bytes(4000)).expect("three packets each");
    }
    let refused = status(pair.client.send(pair.to_server, 2, &bytes(4000)));
    assert_eq!(refused, Status::NetworkSendQueueFull);
    assert_eq!(info(&pair).reliable.expect("is reliable").packets_sent, 6);
    pair.client.send(pair.to_server, 2, &bytes(2000)).expect("two have room");
    for _ in 0..3 {
        pair.frame();
    }
    let sizes: Vec<usize> =
        std::iter::from_fn(|| pair.server.pop_event()).map(|event| event.data.len()).collect();
    assert_eq!(sizes, [4000, 4000, 2000]);
}

#[test]
fn the_queue_of_datagrams_counts_packets_and_takes_a_long_message_when_empty() {
    let settings = NetworkSettings { send_queue_capacity: 4, writable_events: true, ..frames(10) };
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &settings, "frag:20000");
    pair.client.send(pair.to_server, 1, &bytes(2000)).expect("two packets");
    let refused = status(pair.client.send(pair.to_server, 1, &bytes(4000)));
    assert_eq!(refused, Status::NetworkSendQueueFull, "three more");
    pair.client.send(pair.to_server, 1, &bytes(2000)).expect("two more");
    pair.client.flush().expect("flushes");
    pair.client.send(pair.to_server, 1, &bytes(20_000)).expect("fifteen into an empty queue");
    assert_eq!(status(pair.client.send(pair.to_server, 0, b"x")), Status::NetworkSendQueueFull);
    pair.frame();
    pair.frame();
    let sizes: Vec<usize> =
        std::iter::from_fn(|| pair.server.pop_event()).map(|event| event.data.len()).collect();
    assert_eq!(sizes, [2000, 2000, 20_000]);
    assert_eq!(pair.client.pop_event().expect("there is room").kind, EventKind::Writable);
}

#[test]
fn the_longest_message_that_a_stream_tells_of_fits_into_its_queue() {
    for kind in [InterfaceKind::Tcp, InterfaceKind::WebSocket] {
        // Around what fifty full packets have.
        for outbound_bytes_max in (69_980..=70_020).step_by(4) {
            let settings = NetworkSettings { outbound_bytes_max, ..NetworkSettings::default() };
            let mut pair = Pair::with_pipelines(kind, &settings, "frag:100000");
            let most = pair.client.payload_size_max(pair.to_server, 1).expect("is open");
            assert!(most > 65_000, "{most}");
            let message = bytes(most as usize);
            pair.client.send(pair.to_server, 1, &message).expect("fits");
            assert_eq!(pair.server_event(EventKind::Data).data, message);
        }
    }
}

#[test]
fn a_stream_never_takes_a_message_that_its_queue_cannot_hold() {
    let settings = NetworkSettings { outbound_bytes_max: 8000, ..NetworkSettings::default() };
    let mut pair = Pair::with_pipelines(InterfaceKind::WebSocket, &settings, "frag:20000");
    let most = pair.client.payload_size_max(pair.to_server, 1).expect("is open");
    assert!((5000..8000).contains(&most), "{most}");
    pair.client.send(pair.to_server, 1, &bytes(most as usize)).expect("fits");
    assert_eq!(
        status(pair.client.send(pair.to_server, 1, &bytes(2000))),
        Status::NetworkSendQueueFull
    );
    assert_eq!(pair.server_event(EventKind::Data).data.len(), most as usize);
}

/// Loses packets of both sides, by a seed.
pub fn lossy(pair: &mut Pair, percent: f32, seed: u64) {
    let network = NetworkSimulator { send_loss_percent: percent, seed, ..Default::default() };
    pair.server.set_network_simulator(&network);
    pair.client.set_network_simulator(&NetworkSimulator { seed: seed + 1, ..network });
}

#[test]
fn reliable_messages_arrive_once_and_in_order_whatever_is_lost() {
    for (pipeline, list) in [(1, "reliable:32"), (1, "reliable:256"), (2, "useq;frag,reliable:64")]
    {
        for seed in 1..20 {
            let settings = NetworkSettings { fixed_frame_time_ms: 20, ..stock() };
            let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &settings, list);
            lossy(&mut pair, 30.0, seed);
            let (mut sent, mut got) = (0u32, 0u32);
            for _ in 0..600 {
                while sent < 300
                    && pair.client.send(pair.to_server, pipeline, &sent.to_le_bytes()).is_ok()
                {
                    sent += 1;
                }
                pair.frame();
                for number in numbers(&mut pair.server) {
                    assert_eq!(number, got, "{list}, seed {seed}");
                    got += 1;
                }
            }
            assert_eq!((sent, got), (300, 300), "{list}, seed {seed}");
            let counted = pair.client.pipeline_statistics(pair.to_server, pipeline);
            let reliable = counted.expect("is open").reliable.expect("is reliable");
            assert!(reliable.packets_resent > 50, "{reliable:?}");
        }
    }
}

#[test]
fn more_reliable_messages_than_a_sequence_number_holds_arrive_in_order() {
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &frames(20), "reliable:256");
    lossy(&mut pair, 1.0, 7);
    let (mut sent, mut got) = (0u32, 0u32);
    for _ in 0..3000 {
        while sent < 70_000 && pair.client.send(pair.to_server, 1, &sent.to_le_bytes()).is_ok() {
            sent += 1;
        }
        pair.frame();
        for number in numbers(&mut pair.server) {
            assert_eq!(number, got);
            got += 1;
        }
        if got == 70_000 {
            return;
        }
    }
    panic!("{got} of {sent} arrived");
}

#[test]
fn a_program_that_does_not_pop_loses_no_reliable_message() {
    for kind in KINDS {
        let settings =
            NetworkSettings { receive_queue_capacity: 4, fixed_frame_time_ms: 20, ..stock() };
        let mut pair = Pair::with_pipelines(kind, &settings, "reliable:32");
        for number in 0..30u32 {
            pair.client.send(pair.to_server, 1, &number.to_le_bytes()).expect("is sent");
        }
        for _ in 0..20 {
            pair.frame();
        }
        let info = pair.server.connection_info(pair.to_client).expect("is open");
        let waiting = pair.server.event_queue_size(pair.to_client);
        assert!(waiting <= 4, "{kind:?}: {waiting} wait");
        let datagrams = matches!(kind, InterfaceKind::Ipc | InterfaceKind::Udp);
        assert_eq!(info.dropped_in > 0, datagrams, "{kind:?}");
        let mut got = Vec::new();
        for _ in 0..400 {
            got.extend(numbers(&mut pair.server));
            if got.len() == 30 {
                break;
            }
            pair.frame();
            pair.server.wait(0).expect("waits");
        }
        assert_eq!(got, Vec::from_iter(0..30), "{kind:?}");
    }
}

#[test]
fn a_connection_that_was_not_accepted_yet_keeps_its_pipelines() {
    for kind in KINDS {
        let mut server = driver(kind, &NetworkSettings::default());
        create_pipelines(&mut server, "reliable:8");
        let endpoint = listen(&mut server);
        let mut client = driver(kind, &NetworkSettings::default());
        create_pipelines(&mut client, "reliable:8");
        let to_server = client.connect(0, &endpoint, b"").expect("starts to connect");
        expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        // More than the window holds: the server acknowledges although it has not accepted.
        let mut sent = 0u32;
        crate::support::until("all to be taken", || {
            crate::support::step(&mut [&mut client, &mut server]);
            sent += u32::from(client.send(to_server, 1, &sent.to_le_bytes()).is_ok());
            (sent == 40).then_some(())
        });
        let to_client = expect_accept(&mut [&mut server, &mut client]);
        let mut got = Vec::new();
        crate::support::until("all to arrive", || {
            got.extend(numbers(&mut server));
            crate::support::step(&mut [&mut server, &mut client]);
            (got.len() == 40).then_some(())
        });
        assert_eq!(got, Vec::from_iter(0..40), "{kind:?}");
        server.send(to_client, 1, b"answer").expect("is sent");
        let event = expect_event(&mut [&mut client, &mut server], EventKind::Data);
        assert_eq!((&event.data[..], event.pipeline), (&b"answer"[..], 1));
    }
}

#[test]
fn a_connection_in_a_used_slot_starts_anew() {
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &frames(10), "reliable:8;useq");
    for life in 0..3u32 {
        for number in 0..5u32 {
            pair.client.send(pair.to_server, 1, &number.to_le_bytes()).expect("is sent");
            pair.client.send(pair.to_server, 2, &number.to_le_bytes()).expect("is sent");
        }
        pair.frame();
        pair.frame();
        let got = numbers(&mut pair.server);
        assert_eq!(got, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4], "life {life}");
        pair.client.disconnect(pair.to_server).expect("is open");
        pair.frame();
        pair.frame();
        assert_eq!(pair.server.pop_event().expect("the end").kind, EventKind::Disconnect);
        pair.frame();
        let server = pair.endpoint;
        pair.to_server = pair.client.connect(0, &server, b"").expect("starts to connect");
        for _ in 0..3 {
            pair.frame();
        }
        assert_eq!(pair.client.pop_event().expect("connected").kind, EventKind::Connect);
        pair.to_client = pair.server.accept().expect("waits");
    }
}

#[test]
fn a_plain_connection_takes_every_pipeline_for_none() {
    let (mut server, port) =
        websocket_server(DialectPolicy::PlainOnly, &NetworkSettings::default());
    create_pipelines(&mut server, "frag;reliable");
    let mut client = NetworkDriver::new(&NetworkSettings::default()).expect("a driver");
    create_pipelines(&mut client, "frag;reliable");
    let url = format!("ws://127.0.0.1:{port}/");
    let to_server = client.connect_url(&url, &UrlOptions::default()).expect("starts to connect");
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    let to_client = expect_accept(&mut [&mut server, &mut client]);
    for pipeline in 0..=2 {
        client.send(to_server, pipeline, &bytes(9000)).expect("is sent");
        let event = expect_event(&mut [&mut server, &mut client], EventKind::Data);
        assert_eq!((event.pipeline, event.data.len()), (0, 9000));
        assert_eq!(server.send_to_many(&[to_client], pipeline, &bytes(9000)), 1);
        let event = expect_event(&mut [&mut client, &mut server], EventKind::Data);
        assert_eq!((event.pipeline, event.data.len()), (0, 9000));
    }
    assert_eq!(client.payload_size_max(to_server, 2).expect("is open"), 1 << 20);
    assert_eq!(status(client.send(to_server, 3, b"x")), Status::InvalidArgument);
}

#[test]
fn messages_in_place_and_to_many_go_through_pipelines_too() {
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &frames(10), "frag,reliable");
    let handle = pair.client.begin_send(pair.to_server, 1, 4096).expect("is open");
    pair.client.send_buffer(handle).expect("is open").copy_from_slice(&bytes(4096));
    pair.client.end_send(handle, 4096).expect("is sent");
    let refused = status(pair.client.begin_send(pair.to_server, 1, 4097));
    assert_eq!(refused, Status::NetworkPacketOverflow);
    send_in_place(&mut pair.client, pair.to_server, b"without").expect("is sent");
    assert_eq!(pair.client.send_to_many(&[pair.to_server], 1, &bytes(3000)), 1);
    pair.frame();
    pair.frame();
    let got: Vec<(u8, usize)> = std::iter::from_fn(|| pair.server.pop_event())
        .map(|event| (event.pipeline, event.data.len()))
        .collect();
    assert_eq!(got, [(1, 4096), (0, 7), (1, 3000)]);
}
