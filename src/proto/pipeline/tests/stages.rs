//! Combinations of stages, and several pipelines beside each other.

use super::*;

fn simulator(packet_delay_ms: u32) -> StageConfig {
    StageConfig::Simulator(SimulatorConfig { packet_delay_ms, ..SimulatorConfig::default() })
}

#[test]
fn a_null_stage_adds_nothing() {
    for stages in [vec![], vec![StageConfig::Null], vec![StageConfig::Null, StageConfig::Null]] {
        let mut end = Alone::new(stages);
        assert_eq!(end.packets_of(b"hello"), vec![b"hello".to_vec()]);
        assert_eq!(end.messages_of(b"hello"), vec![b"hello".to_vec()]);
        assert_eq!(end.packets_of(b""), vec![b"".to_vec()]);
        assert_eq!(end.messages_of(b""), vec![b"".to_vec()]);
        assert_eq!(end.send(&[0; PACKET_MAX + 1]), Err(SendError::Overflow));
    }
}

#[test]
fn packets_are_held_on_their_way_out_and_in_at_every_position() {
    let orders: [fn() -> Vec<StageConfig>; 5] = [
        || vec![simulator(10), StageConfig::UnreliableSequenced],
        || vec![StageConfig::UnreliableSequenced, simulator(10)],
        || vec![simulator(10), StageConfig::UnreliableSequenced, reliable(32)],
        || vec![fragmentation(4096), StageConfig::UnreliableSequenced, simulator(10)],
        || vec![simulator(10), fragmentation(4096)],
    ];
    for (case, stages) in orders.into_iter().enumerate() {
        let (mut end, mut peer) = (Alone::new(stages()), Alone::new(stages()));
        for number in 0..4 {
            assert!(end.packets_of(&message(number, 900)).is_empty(), "{case}");
        }
        let packets = end.wait(10);
        assert_eq!(packets.len(), 4, "{case}");
        for packet in &packets {
            assert!(peer.messages_of(packet).is_empty(), "{case}");
        }
        peer.wait(10);
        let expected: Vec<_> = (0..4).map(|number| message(number, 900)).collect();
        assert_eq!(peer.out.messages, expected, "{case}");
    }
}

#[test]
fn two_simulators_add_up() {
    let mut end = Alone::new(vec![simulator(10), simulator(20)]);
    end.send(b"a").unwrap();
    assert!(end.wait(10).is_empty());
    assert!(end.wait(19).is_empty());
    assert_eq!(end.wait(1), vec![b"a".to_vec()]);
}

#[test]
fn pipelines_of_one_connection_do_not_touch_each_other() {
    let stages: [fn() -> Vec<StageConfig>; 4] = [
        || vec![fragmentation(4096)],
        || vec![reliable(32)],
        || vec![StageConfig::UnreliableSequenced],
        || vec![fragmentation(4096), reliable(64)],
    ];
    let mut ends = stages.map(|stages| Alone::new(stages()));
    let mut peers = stages.map(|stages| Alone::new(stages()));
    for number in 0..50 {
        for (end, peer) in ends.iter_mut().zip(&mut peers) {
            let packets = end.packets_of(&message(number, 1000));
            assert_eq!(peer.messages_of(&packets[0]), vec![message(number, 1000)]);
            if peer.pipeline.wants_ack() {
                let ack = peer.ack();
                end.receive(&ack).unwrap();
            }
        }
    }
}

#[test]
fn two_reliable_stages_both_work() {
    let stages = || vec![reliable(32), StageConfig::UnreliableSequenced, reliable(64)];
    let (mut end, mut peer) = (Alone::new(stages()), Alone::new(stages()));
    let packets = end.packets_of(b"a");
    assert_eq!(packets[0].len(), 16 + 2 + 12 + 1);
    assert_eq!(peer.messages_of(&packets[0]), vec![b"a".to_vec()]);
    assert!(peer.pipeline.wants_ack());
    let mut packets = Vec::new();
    for _ in 0..10 {
        peer.pipeline.handle_ack_due(peer.now, &mut peer.out);
        packets.extend(peer.packets());
        for packet in packets.drain(..) {
            end.receive(&packet).unwrap();
        }
        end.pipeline.handle_ack_due(end.now, &mut end.out);
        for packet in end.packets() {
            peer.receive(&packet).unwrap();
        }
    }
    assert!(end.pipeline.is_idle() && peer.pipeline.is_idle());
}

#[test]
fn statistics_come_in_order_of_the_stages() {
    let end = pipeline(vec![
        StageConfig::Null,
        fragmentation(4096),
        StageConfig::UnreliableSequenced,
        simulator(1),
        reliable(32),
    ]);
    let all: Vec<_> = end.statistics().collect();
    assert!(matches!(
        all[..],
        [
            StageStatistics::Null,
            StageStatistics::Fragmentation(_),
            StageStatistics::UnreliableSequenced(_),
            StageStatistics::Simulator(_),
            StageStatistics::Reliable(_),
        ]
    ));
}

#[test]
fn pipelines_move_between_threads_and_their_parameters_are_shared() {
    fn moves<T: Send>() {}
    fn is_shared<T: Sync>() {}
    moves::<Pipeline>();
    moves::<PipelineConfig>();
    is_shared::<PipelineConfig>();
}

#[test]
fn the_outlook_is_what_each_message_of_one_packet_would_be_told() {
    let lists: [fn() -> Vec<StageConfig>; 8] = [
        || vec![],
        || vec![StageConfig::Null, reliable(16)],
        || vec![reliable(8)],
        || vec![reliable(64), StageConfig::UnreliableSequenced],
        || vec![fragmentation(4096), reliable(32)],
        || vec![fragmentation(100), StageConfig::UnreliableSequenced],
        || vec![simulator(10), reliable(32)],
        || vec![reliable(8), StageConfig::UnreliableSequenced, reliable(16)],
    ];
    for (case, stages) in lists.into_iter().enumerate() {
        for carried in [false, true] {
            let mut end = Alone::new(stages());
            for sent in 0..3 {
                let outlook = end.pipeline.outlook(carried).expect("depends on lengths alone");
                let longest = (PACKET_MAX - outlook.header).min(outlook.most);
                for size in [0, 1, longest / 2, longest] {
                    let check = |staged| end.pipeline.check_send(size, PACKET_MAX, staged, carried);
                    let taken = Ok((1, outlook.carried_header));
                    let last = outlook.room.min(1000) - 1;
                    assert_eq!((check(0), check(last)), (taken, taken), "{case} {carried} {sent}");
                    let full = outlook.room < usize::MAX;
                    assert_eq!(check(last + 1) == Err(SendError::QueueFull), full, "{case}");
                }
                end.send(&message(sent, 50)).unwrap();
            }
        }
    }
    // More than the length counts where fragments are cut from what another stage made.
    let behind = pipeline(vec![StageConfig::UnreliableSequenced, fragmentation(4096)]);
    assert_eq!(behind.outlook(false), None);
}
