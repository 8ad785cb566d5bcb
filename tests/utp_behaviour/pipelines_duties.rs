//! What a driver owes to pipelines and to programs that use them: timers, acknowledgements, and the
//! word that there is room again.

use std::sync::Arc;

use netdriver::proto::time::Micros;
use netdriver::settings::{InterfaceKind, NetworkSettings, PipelineStage, SimulatorConfig};
use netdriver::{
    CustomInstance, CustomStage, EventKind, NetworkDriver, SendError, StageError, StageNext, Status,
};

use super::pipelines::{lossy, numbers, stock};
use crate::support::{Pair, driver, expect_accept, expect_event, listen, status};

/// The numbers of pipelines that have room again, sorted.
fn writable(driver: &mut NetworkDriver) -> Vec<u8> {
    let events = std::iter::from_fn(|| driver.pop_event());
    let rooms = events.filter(|event| event.kind == EventKind::Writable);
    let mut pipelines: Vec<u8> = rooms.map(|event| event.pipeline).collect();
    pipelines.sort_unstable();
    pipelines
}

#[test]
fn an_acknowledgement_that_a_stage_holds_back_leaves_in_its_time() {
    let quiet = NetworkSettings { heartbeat_timeout_ms: 0, round_trip_interval_ms: 0, ..stock() };
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &quiet, "reliable,sim");
    let late = SimulatorConfig { packet_delay_ms: 20, ..Default::default() };
    pair.server.set_simulator_stage(1, late).expect("is valid");
    pair.client.send(pair.to_server, 1, &7u32.to_le_bytes()).expect("is sent");
    for _ in 0..60 {
        pair.frame();
        numbers(&mut pair.server);
    }
    let counted = pair.client.pipeline_statistics(pair.to_server, 1).expect("is open");
    let reliable = counted.reliable.expect("is reliable");
    assert_eq!((reliable.packets_resent, reliable.acks_received), (0, 1));
    assert_eq!(reliable.rtt.samples, 1);
}

#[test]
fn every_pipeline_that_was_full_tells_of_its_room() {
    for settings in [stock(), NetworkSettings { session: true, ..stock() }] {
        let settings =
            NetworkSettings { writable_events: true, outbound_bytes_max: 20_000, ..settings };
        let list = "reliable:8;reliable:8;reliable:8";
        let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &settings, list);
        for _ in 0..20 {
            pair.frame();
        }
        for pipeline in 1..=3 {
            while pair.client.send(pair.to_server, pipeline, &[7; 900]).is_ok() {}
        }
        let mut told = Vec::new();
        for _ in 0..100 {
            pair.frame();
            while pair.server.pop_event().is_some() {}
            told.extend(writable(&mut pair.client));
        }
        assert_eq!(told, [1, 2, 3], "once each, session {}", settings.session);
    }
}

#[test]
fn what_is_due_is_done_although_the_program_sends_in_each_frame() {
    // Nothing but the deadline of the stage ends the wait of a packet.
    let quiet = NetworkSettings { heartbeat_timeout_ms: 0, round_trip_interval_ms: 0, ..stock() };
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &quiet, "sim");
    let late = SimulatorConfig { packet_delay_ms: 50, ..Default::default() };
    pair.client.set_simulator_stage(1, late).expect("is valid");
    let mut last = None;
    for frame in 0..200u32 {
        pair.client.send(pair.to_server, 1, &frame.to_le_bytes()).expect("is sent");
        pair.client.update().expect("updates");
        pair.server.update().expect("updates");
        last = numbers(&mut pair.server).pop().or(last);
        assert!(frame < 5 || last >= Some(frame - 5), "{last:?} in frame {frame}");
    }
}

#[test]
fn lost_packets_are_sent_again_in_time_although_the_program_sends_in_each_frame() {
    let quiet = NetworkSettings { heartbeat_timeout_ms: 0, round_trip_interval_ms: 0, ..stock() };
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &quiet, "reliable:64");
    lossy(&mut pair, 5.0, 3);
    let (mut sent, mut last, mut longest) = (Vec::new(), 0, 0);
    for frame in 0..3000u32 {
        if pair.client.send(pair.to_server, 1, &(sent.len() as u32).to_le_bytes()).is_ok() {
            sent.push(frame);
        }
        pair.frame();
        for number in numbers(&mut pair.server) {
            assert_eq!(number, last);
            longest = longest.max(frame - sent[number as usize]);
            last += 1;
        }
    }
    assert!(sent.len() > 2990, "the window was full {} times", 3000 - sent.len());
    // 10 ms each: a resend takes 64 ms at least, and may be lost as well.
    assert!(longest < 40, "{longest} frames");
}

/// A stage that always wants to be called before now.
pub struct Hasty;

impl CustomStage for Hasty {
    fn name(&self) -> &'static str {
        "hasty"
    }

    fn create(&self, _seed: u64) -> Box<dyn CustomInstance> {
        Box::new(Self)
    }
}

impl CustomInstance for Hasty {
    fn handle_send(
        &mut self,
        _now: Micros,
        packet: &mut [u8],
        next: &mut dyn StageNext,
    ) -> Result<(), SendError> {
        next.forward(&[], packet)
    }

    fn handle_packet(
        &mut self,
        _now: Micros,
        packet: &mut [u8],
        next: &mut dyn StageNext,
    ) -> Result<(), StageError> {
        next.forward(&[], packet).map_err(|_| StageError(1))
    }

    fn next_timeout(&self) -> Option<Micros> {
        Some(1)
    }
}

#[test]
fn a_stage_that_asks_for_a_time_that_is_over_does_not_hold_the_driver() {
    for settings in [stock(), NetworkSettings { session: false, ..NetworkSettings::default() }] {
        let hasty = || {
            let mut driver = driver(InterfaceKind::Ipc, &settings);
            let number = driver.register_stage(Arc::new(Hasty)).expect("is not bound");
            driver.create_pipeline(&[PipelineStage::Custom(number)]).expect("is valid");
            driver
        };
        let (mut server, mut client) = (hasty(), hasty());
        let endpoint = listen(&mut server);
        let to_server = client.connect(0, &endpoint, b"").expect("starts to connect");
        expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        expect_accept(&mut [&mut server, &mut client]);
        client.send(to_server, 1, b"through").expect("is sent");
        let event = expect_event(&mut [&mut server, &mut client], EventKind::Data);
        assert_eq!(event.data, b"through"[..]);
        client.wait(5).expect("comes back");
    }
}

#[test]
fn late_simulators_have_a_bound() {
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &stock(), "sim");
    let late = SimulatorConfig { packet_delay_ms: u32::MAX, ..Default::default() };
    assert_eq!(status(pair.client.set_simulator_stage(1, late)), Status::InvalidArgument);
}
