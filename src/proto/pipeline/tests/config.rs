//! Which pipelines there can be.

use super::*;
use crate::proto::pipeline::config::{PAYLOAD_CAPACITY_MAX, WINDOW_SIZE_MAX};

fn refused(stages: Vec<StageConfig>) -> bool {
    PipelineConfig::new(stages).is_err()
}

#[test]
fn fragmentation_behind_reliable_is_refused() {
    assert!(refused(vec![reliable(32), fragmentation(4096)]));
    assert!(refused(vec![reliable(32), StageConfig::Null, fragmentation(4096)]));
    assert!(!refused(vec![fragmentation(4096), reliable(32)]));
    assert!(!refused(vec![fragmentation(4096), StageConfig::UnreliableSequenced]));
    assert!(!refused(vec![StageConfig::UnreliableSequenced, fragmentation(4096)]));
}

#[test]
fn numbers_have_bounds() {
    assert!(refused(vec![fragmentation(0)]));
    assert!(!refused(vec![fragmentation(1), fragmentation(PAYLOAD_CAPACITY_MAX)]));
    assert!(refused(vec![fragmentation(PAYLOAD_CAPACITY_MAX + 1)]));
    assert!(refused(vec![reliable(0)]));
    assert!(!refused(vec![reliable(WINDOW_SIZE_MAX)]));
    assert!(refused(vec![reliable(WINDOW_SIZE_MAX + 1)]));
    let times = |minimum_resend_time_ms, maximum_resend_time_ms| {
        let config =
            ReliableConfig { window_size: 32, minimum_resend_time_ms, maximum_resend_time_ms };
        refused(vec![StageConfig::ReliableSequenced(config)])
    };
    assert!(times(0, 200) && times(64, 64) && times(64, 0) && !times(1, 2));
    // A negative number of a language that has some would be far away.
    for late in [super::super::config::SIMULATOR_MS_MAX + 1, u32::MAX] {
        let config = SimulatorConfig { packet_delay_ms: late, ..Default::default() };
        assert!(refused(vec![StageConfig::Simulator(config)]));
        let config = SimulatorConfig { packet_jitter_ms: late, ..Default::default() };
        assert!(refused(vec![StageConfig::Simulator(config)]));
    }
    for percent in [-1.0, 100.5, f32::NAN] {
        let config = SimulatorConfig { packet_drop_percentage: percent, ..Default::default() };
        assert!(refused(vec![StageConfig::Simulator(config)]));
        let config = SimulatorConfig { fuzz_factor: percent, ..Default::default() };
        assert!(refused(vec![StageConfig::Simulator(config)]));
        let config =
            SimulatorConfig { packet_duplication_percentage: percent, ..Default::default() };
        assert!(refused(vec![StageConfig::Simulator(config)]));
    }
}

#[test]
fn a_pipeline_has_a_number_of_stages_and_bytes_of_headers() {
    let many = |count| (0..count).map(|_| StageConfig::Null).collect::<Vec<_>>();
    assert!(!refused(many(STAGES_MAX)) && refused(many(STAGES_MAX + 1)));
    assert!(!refused(vec![reliable(2040), reliable(1900)]));
    assert!(refused(vec![reliable(2040), reliable(2040)]));
}

#[test]
fn defaults_are_those_of_unity_transport() {
    assert_eq!(FragmentationConfig::default().payload_capacity, 4096);
    let ReliableConfig { window_size, minimum_resend_time_ms, maximum_resend_time_ms } =
        ReliableConfig::default();
    assert_eq!((window_size, minimum_resend_time_ms, maximum_resend_time_ms), (32, 64, 200));
    let simulator = SimulatorConfig::default();
    assert_eq!((simulator.max_packet_size, simulator.mode), (1472, ApplyMode::AllPackets));
}

#[test]
fn windows_are_rounded_up_to_a_multiple_of_8() {
    for (given, packets) in [(1, 8), (8, 8), (9, 16), (2033, 2040), (65, 72)] {
        let mut end = Alone::new(vec![reliable(given)]);
        for _ in 0..packets {
            end.packets_of(b"x");
        }
        assert_eq!(end.send(b"x"), Err(SendError::QueueFull), "{given}");
    }
}

#[test]
fn headers_and_payloads_have_the_documented_sizes() {
    let cases: [(Vec<StageConfig>, usize, usize); 9] = [
        (vec![], 0, 1390),
        (vec![StageConfig::Null], 0, 1390),
        (vec![reliable(32)], 12, 1378),
        (vec![reliable(64)], 16, 1374),
        (vec![reliable(256)], 40, 1350),
        (vec![reliable(2040)], 263, 1127),
        (vec![StageConfig::UnreliableSequenced], 2, 1388),
        (vec![fragmentation(4096)], 2, 4096),
        (vec![fragmentation(4096), reliable(32)], 14, 4096),
    ];
    for (stages, header, payload) in cases {
        let name = format!("{stages:?}");
        let pipeline = pipeline(stages);
        assert_eq!(pipeline.header_size(), header, "{name}");
        assert_eq!(pipeline.payload_size_max(PACKET_MAX), payload, "{name}");
    }
    // A fragment behind a reliable header: 1376 bytes.
    let mut end = Alone::new(vec![fragmentation(4096), reliable(32)]);
    assert_eq!(end.packets_of(&message(0, 1376)).len(), 1);
    assert_eq!(end.packets_of(&message(0, 1377)).len(), 2);
}

#[test]
fn what_a_window_can_hold_bounds_the_payload() {
    let end = pipeline(vec![fragmentation(1_000_000), reliable(32)]);
    assert_eq!(end.payload_size_max(PACKET_MAX), 32 * 1376);
    let end = pipeline(vec![fragmentation(1_000_000), StageConfig::UnreliableSequenced]);
    assert_eq!(end.payload_size_max(PACKET_MAX), 1_000_000);
    // The numbers of fragments are a bound too.
    let end = pipeline(vec![fragmentation(PAYLOAD_CAPACITY_MAX)]);
    assert_eq!(end.payload_size_max(1002), 1000 * 16383);
}

#[test]
fn packets_too_small_for_the_headers_carry_nothing() {
    for stages in [
        vec![fragmentation(4096)],
        vec![reliable(32)],
        vec![fragmentation(4096), reliable(2040)],
        vec![StageConfig::UnreliableSequenced],
    ] {
        let mut end = pipeline(stages);
        for packet_max in 0..=2 {
            let mut out = Collected::default();
            assert_eq!(end.payload_size_max(packet_max), 0);
            let sent = end.handle_send(0, b"x", packet_max, &mut out);
            assert_eq!(sent, Err(SendError::Overflow));
            assert!(out.packets.is_empty());
        }
    }
}
