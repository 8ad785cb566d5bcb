//! What a program may ask of pipelines and change while they run, and stages of its own.

use std::sync::Arc;

use netdriver::proto::time::Micros;
use netdriver::settings::{
    InterfaceKind, NetworkSettings, NetworkSimulator, PipelineStage, SimulatorConfig,
};
use netdriver::{
    CustomInstance, CustomStage, EventKind, NetworkDriver, SendError, StageError, StageNext, Status,
};

use super::connecting::frames;
use super::pipelines::{lossy, numbers, stock};
use crate::support::{Pair, driver, expect_accept, expect_event, listen, status};

#[test]
fn reliable_pipelines_measure_the_round_trip() {
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &stock(), "reliable");
    let network = NetworkSimulator { send_delay_ms: 40, ..Default::default() };
    pair.client.set_network_simulator(&network);
    pair.server.set_network_simulator(&network);
    for _ in 0..100 {
        pair.client.send(pair.to_server, 1, b"ping").expect("is sent");
        for _ in 0..12 {
            pair.frame();
        }
        while pair.server.pop_event().is_some() {}
    }
    let counted = pair.client.pipeline_statistics(pair.to_server, 1).expect("is open");
    let reliable = counted.reliable.expect("is reliable");
    // The first one is sent again, because nobody knows yet how far away the peer is.
    assert_eq!((reliable.packets_sent, reliable.packets_resent), (100, 1));
    let rtt = reliable.rtt;
    assert_eq!(rtt.samples, 100);
    assert!((80_000..=130_000).contains(&rtt.smoothed), "{rtt:?}");
    let info = pair.client.connection_info(pair.to_server).expect("is open");
    assert!((80_000..=130_000).contains(&info.round_trip_us), "{info:?}");
}

#[test]
fn nothing_is_sent_once_everything_is_acknowledged() {
    let settings =
        NetworkSettings { heartbeat_timeout_ms: 0, round_trip_interval_ms: 0, ..stock() };
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &settings, "reliable");
    let packets = |pair: &Pair| {
        pair.client.statistics().datagrams_out + pair.server.statistics().datagrams_out
    };
    let before = packets(&pair);
    pair.client.send(pair.to_server, 1, b"ping").expect("is sent");
    for _ in 0..200 {
        pair.frame();
    }
    assert_eq!(packets(&pair) - before, 2, "the message and its acknowledgement");
    let before = packets(&pair);
    pair.client.send(pair.to_server, 1, b"ping").expect("is sent");
    for _ in 0..200 {
        pair.frame();
        while let Some(event) = pair.server.pop_event() {
            if event.data == b"ping"[..] && packets(&pair) == before + 1 {
                pair.server.send(pair.to_client, 1, b"pong").expect("is sent");
            }
        }
    }
    assert_eq!(packets(&pair) - before, 3, "the pong carries one, and gets one");
}

#[test]
fn simulator_stages_and_resend_times_change_at_run_time() {
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &stock(), "sim;reliable");
    let send = |pair: &mut Pair| {
        pair.client.send(pair.to_server, 1, &1u32.to_le_bytes()).expect("is sent");
        pair.frame();
        pair.frame();
        numbers(&mut pair.server).len()
    };
    assert_eq!(send(&mut pair), 1, "a good network at first");
    let all = SimulatorConfig { packet_drop_percentage: 100.0, ..Default::default() };
    pair.client.set_simulator_stage(1, all).expect("is valid");
    assert_eq!(send(&mut pair), 0);
    let counted = pair.client.pipeline_statistics(pair.to_server, 1).expect("is open");
    assert_eq!(counted.simulator.expect("has one").dropped, 1);
    let late = SimulatorConfig { packet_delay_ms: 100, ..Default::default() };
    pair.client.set_simulator_stage(0, late).expect("is valid");
    assert_eq!(send(&mut pair), 0);
    for _ in 0..10 {
        pair.frame();
    }
    assert_eq!(numbers(&mut pair.server), [1], "late by a hundred milliseconds");
    let bad = SimulatorConfig { packet_drop_percentage: 101.0, ..Default::default() };
    assert_eq!(status(pair.client.set_simulator_stage(1, bad)), Status::InvalidArgument);
    // The reliable pipeline sends again after a second and not before.
    let times = |pair: &Pair, pipeline| {
        let config = pair.client.reliable_config(pair.to_server, pipeline)?;
        Ok((config.minimum_resend_time_ms, config.maximum_resend_time_ms, config.window_size))
    };
    assert_eq!(times(&pair, 2), Ok((64, 200, 32)), "before its first message");
    pair.client.set_resend_times(pair.to_server, 2, 1000, 1001).expect("is valid");
    assert_eq!(times(&pair, 2), Ok((1000, 1001, 32)));
    for none in [0, 1, 3] {
        assert_eq!(status(times(&pair, none)), Status::InvalidArgument, "pipeline {none}");
    }
    lossy(&mut pair, 100.0, 1);
    pair.client.send(pair.to_server, 2, b"lost").expect("is sent");
    let resent = |pair: &Pair| {
        let counted = pair.client.pipeline_statistics(pair.to_server, 2).expect("is open");
        counted.reliable.expect("is reliable").packets_resent
    };
    for _ in 0..100 {
        pair.frame();
    }
    assert_eq!(resent(&pair), 0);
    pair.frame();
    pair.frame();
    assert_eq!(resent(&pair), 1);
}

/// A stage that turns every byte around and counts in its header.
struct Turn;

struct Turning {
    sent: u8,
}

impl CustomStage for Turn {
    fn name(&self) -> &'static str {
        "turn"
    }

    fn header_size(&self) -> usize {
        1
    }

    fn create(&self, _seed: u64) -> Box<dyn CustomInstance> {
        Box::new(Turning { sent: 0 })
    }
}

impl CustomInstance for Turning {
    fn handle_send(
        &mut self,
        _now: Micros,
        packet: &mut [u8],
        next: &mut dyn StageNext,
    ) -> Result<(), SendError> {
        if packet == b"refuse" {
            return Err(SendError::Stage(StageError(-7)));
        }
        packet.reverse();
        self.sent += 1;
        next.forward(&[self.sent], packet)
    }

    fn handle_packet(
        &mut self,
        _now: Micros,
        packet: &mut [u8],
        next: &mut dyn StageNext,
    ) -> Result<(), StageError> {
        let Some((_, rest)) = packet.split_first_mut() else { return Err(StageError(-1)) };
        rest.reverse();
        next.forward(&[], rest).map_err(|_| StageError(-2))
    }
}

#[test]
fn a_stage_of_the_program_stands_among_the_others() {
    let make = |driver: &mut NetworkDriver| {
        let stage = driver.register_stage(Arc::new(Turn)).expect("is not bound");
        assert_eq!(stage, 0);
        let stages = [PipelineStage::Custom(0), PipelineStage::RELIABLE_SEQUENCED];
        assert_eq!(driver.create_pipeline(&stages).expect("is possible"), 1);
    };
    let mut server = driver(InterfaceKind::Ipc, &frames(10));
    make(&mut server);
    let endpoint = listen(&mut server);
    let late = status(server.register_stage(Arc::new(Turn)));
    assert_eq!(late, Status::NetworkStateMismatch, "it is bound");
    let mut client = driver(InterfaceKind::Ipc, &frames(10));
    make(&mut client);
    assert_eq!(client.header_size_max(0, 1).expect("is known"), 10 + 1 + 12);
    let to_server = client.connect(0, &endpoint, b"").expect("starts to connect");
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    client.send(to_server, 1, b"there and back").expect("is sent");
    assert_eq!(status(client.send(to_server, 1, b"refuse")), Status::InvalidArgument);
    expect_accept(&mut [&mut server, &mut client]);
    let event = expect_event(&mut [&mut server, &mut client], EventKind::Data);
    assert_eq!((&event.data[..], event.pipeline), (&b"there and back"[..], 1));
}

#[test]
fn several_stages_of_a_kind_count_together() {
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &stock(), "reliable:8,reliable:32");
    for number in 0..5u8 {
        pair.client.send(pair.to_server, 1, &[number]).expect("is sent");
    }
    for number in 0..5u8 {
        assert_eq!(pair.server_event(EventKind::Data).data[..], [number]);
    }
    let counted = pair.client.pipeline_statistics(pair.to_server, 1).expect("is open");
    let reliable = counted.reliable.expect("is reliable");
    assert!(reliable.packets_sent >= 10, "5 by each stage: {reliable:?}");
    let all = pair.client.connection_statistics(pair.to_server).expect("is open");
    assert_eq!(all.reliable.packets_sent, reliable.packets_sent);
}
