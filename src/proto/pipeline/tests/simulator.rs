//! The Simulator stage: each of its parameters, and its counters.

use super::*;

fn end(config: SimulatorConfig) -> Alone {
    Alone::new(vec![StageConfig::Simulator(SimulatorConfig { random_seed: 77, ..config })])
}

fn statistics(end: &Alone) -> SimulatorStatistics {
    let mut all = end.pipeline.statistics();
    all.find_map(|stage| match stage {
        StageStatistics::Simulator(statistics) => Some(statistics),
        _ => None,
    })
    .unwrap()
}

/// Sends numbered packets; gives the numbers of those that leave, in order.
fn sent(end: &mut Alone, count: u32) -> Vec<u32> {
    for number in 0..count {
        end.send(&number.to_le_bytes()).unwrap();
    }
    numbers(&end.packets())
}

fn numbers(packets: &[Vec<u8>]) -> Vec<u32> {
    packets.iter().map(|packet| u32::from_le_bytes(packet[..4].try_into().unwrap())).collect()
}

#[test]
fn by_default_it_does_nothing() {
    let mut end = end(SimulatorConfig::default());
    assert_eq!(sent(&mut end, 100), (0..100).collect::<Vec<_>>());
    assert_eq!(end.messages_of(b"in"), vec![b"in".to_vec()]);
    assert_eq!(statistics(&end), SimulatorStatistics { packets: 101, ..Default::default() });
}

#[test]
fn the_first_of_each_interval_is_dropped() {
    let mut end = end(SimulatorConfig { packet_drop_interval: 5, ..Default::default() });
    assert_eq!(sent(&mut end, 12), [1, 2, 3, 4, 6, 7, 8, 9, 11]);
    assert_eq!(statistics(&end).dropped, 3);
    // Each direction counts for itself.
    assert!(end.messages_of(b"0").is_empty());
    assert_eq!(end.messages_of(b"1").len(), 1);
}

#[test]
fn packets_are_dropped_by_chance() {
    let mut end = end(SimulatorConfig { packet_drop_percentage: 30.0, ..Default::default() });
    let left = sent(&mut end, 10_000).len();
    assert!((6_700..7_300).contains(&left), "{left}");
    assert_eq!(statistics(&end).dropped, 10_000 - left as u64);
    let mut end =
        self::end(SimulatorConfig { packet_drop_percentage: 100.0, ..Default::default() });
    assert!(sent(&mut end, 100).is_empty());
}

#[test]
fn packets_are_duplicated_by_chance() {
    let config = SimulatorConfig { packet_duplication_percentage: 20.0, ..Default::default() };
    let mut end = end(config);
    let left = sent(&mut end, 10_000);
    let copies = left.len() - 10_000;
    assert!((1_800..2_200).contains(&copies), "{copies}");
    assert_eq!(statistics(&end).duplicated, copies as u64);
    assert!(left.is_sorted());
}

#[test]
fn what_it_holds_leaves_although_less_fits_into_a_packet_by_then() {
    let late = SimulatorConfig { packet_delay_ms: 20, ..Default::default() };
    let stages = vec![fragmentation(4096), reliable(32), StageConfig::Simulator(late)];
    let mut end = Alone::new(stages);
    end.send(&message(0, 3000)).unwrap();
    end.pipeline.handle_send(end.now, &message(1, 3000), PACKET_MAX - 40, &mut end.out).unwrap();
    let left: Vec<usize> = end.wait(20).iter().map(Vec::len).collect();
    assert_eq!(left.len(), 6);
    assert_eq!((left[0], left[3]), (PACKET_MAX, PACKET_MAX - 40));
    // So it is with what is sent again and held then.
    assert_eq!(end.wait(200).len(), 0);
    assert_eq!(end.wait(20).len(), 6);
}

#[test]
fn packets_are_delayed_and_keep_their_order_without_jitter() {
    let mut end = end(SimulatorConfig { packet_delay_ms: 50, ..Default::default() });
    assert!(sent(&mut end, 3).is_empty());
    assert!(!end.pipeline.is_idle());
    assert_eq!(end.pipeline.next_timeout(), Some(50_000));
    assert!(end.wait(49).is_empty());
    assert_eq!(statistics(&end).waiting, 3);
    let left = end.wait(1);
    assert_eq!(numbers(&left), [0, 1, 2]);
    assert!(end.pipeline.is_idle() && end.pipeline.next_timeout().is_none());
    assert!(end.messages_of(b"in").is_empty());
    end.wait(50);
    assert_eq!(end.out.messages, vec![b"in".to_vec()]);
}

#[test]
fn jitter_stays_in_its_bounds_and_reorders() {
    let config =
        SimulatorConfig { packet_delay_ms: 20, packet_jitter_ms: 30, ..Default::default() };
    let mut end = end(config);
    let mut order = sent(&mut end, 500);
    for _ in 0..=50 {
        order.extend(numbers(&end.packets()));
        let due = end.wait(1);
        order.extend(numbers(&due));
    }
    assert_eq!(order.len(), 500, "none later than 50 ms");
    assert!(!order.is_sorted());
    order.sort_unstable();
    assert_eq!(order, (0..500).collect::<Vec<_>>());
}

#[test]
fn at_most_so_many_are_held_and_the_rest_is_not_delayed() {
    let config = SimulatorConfig { packet_delay_ms: 50, max_packet_count: 4, ..Default::default() };
    let mut end = end(config);
    assert_eq!(sent(&mut end, 6), [4, 5]);
    assert_eq!((statistics(&end).waiting, statistics(&end).overflowed), (4, 2));
    let left = end.wait(50);
    assert_eq!(numbers(&left), [0, 1, 2, 3]);
}

#[test]
fn larger_packets_go_through_untouched() {
    let config = SimulatorConfig {
        max_packet_size: 10,
        packet_drop_percentage: 100.0,
        packet_delay_ms: 50,
        ..Default::default()
    };
    let mut end = end(config);
    assert_eq!(end.packets_of(&[1; 11]), vec![vec![1; 11]]);
    assert!(end.packets_of(&[1; 10]).is_empty());
    assert_eq!(end.messages_of(&[1; 11]), vec![vec![1; 11]]);
    assert_eq!((statistics(&end).bypassed, statistics(&end).dropped), (2, 1));
}

#[test]
fn modes_choose_the_direction() {
    let cases = [
        (ApplyMode::AllPackets, 0, 0),
        (ApplyMode::SentPacketsOnly, 0, 1),
        (ApplyMode::ReceivedPacketsOnly, 1, 0),
        (ApplyMode::Off, 1, 1),
    ];
    for (mode, out, into) in cases {
        let drop = SimulatorConfig { mode, packet_drop_percentage: 100.0, ..Default::default() };
        let mut end = end(drop);
        assert_eq!(end.packets_of(b"x").len(), out, "{mode:?}");
        assert_eq!(end.messages_of(b"x").len(), into, "{mode:?}");
        let delay = SimulatorConfig { mode, packet_delay_ms: 10, ..Default::default() };
        let mut end = self::end(delay);
        assert_eq!(end.packets_of(b"x").len(), out, "{mode:?}");
        assert_eq!(end.messages_of(b"x").len(), into, "{mode:?}");
    }
}

#[test]
fn packets_are_damaged_behind_the_offset() {
    let config = SimulatorConfig { fuzz_factor: 50.0, fuzz_offset: 4, ..Default::default() };
    let mut end = end(config);
    let mut damaged = 0;
    for _ in 0..1000 {
        let packet = end.packets_of(&[0; 8]).remove(0);
        assert_eq!((packet.len(), &packet[..4]), (8, &[0; 4][..]));
        damaged += u64::from(packet[4..] != [0; 4]);
    }
    assert!((420..580).contains(&damaged), "{damaged}");
    assert!(statistics(&end).fuzzed >= damaged);
    let received = (0..1000).filter(|_| end.messages_of(&[0; 8])[0][4..] != [0; 4]).count();
    assert!((420..580).contains(&received), "{received}");
}

#[test]
fn one_seed_gives_one_run() {
    let config = SimulatorConfig { packet_drop_percentage: 50.0, ..Default::default() };
    assert_eq!(sent(&mut end(config), 200), sent(&mut end(config), 200));
    let other = SimulatorConfig { random_seed: 78, ..config };
    let mut other = Alone::new(vec![StageConfig::Simulator(other)]);
    assert_ne!(sent(&mut end(config), 200), sent(&mut other, 200));
    // Without a seed of its own it follows the pipeline's.
    let run = |seed| {
        let stages = PipelineConfig::new(vec![StageConfig::Simulator(config)]).unwrap();
        let mut out = Collected::default();
        let mut pipeline = Pipeline::new(&stages, seed);
        for number in 0..200u32 {
            pipeline.handle_send(0, &number.to_le_bytes(), PACKET_MAX, &mut out).unwrap();
        }
        numbers(&out.packets)
    };
    assert!(run(1) == run(1) && run(1) != run(2));
}

#[test]
fn what_it_holds_waits_until_the_window_behind_it_has_room() {
    let delay = SimulatorConfig {
        mode: ApplyMode::SentPacketsOnly,
        packet_delay_ms: 10,
        ..Default::default()
    };
    let stages = || vec![StageConfig::Simulator(delay), reliable(8)];
    let (mut end, mut peer) = (Alone::new(stages()), Alone::new(stages()));
    for number in 0..20u32 {
        end.send(&number.to_le_bytes()).unwrap();
    }
    let mut got = Vec::new();
    for _ in 0..10 {
        for packet in end.wait(10) {
            got.extend(numbers(&peer.messages_of(&packet)));
        }
        if peer.pipeline.wants_ack() {
            let ack = peer.ack();
            end.receive(&ack).unwrap();
        }
    }
    assert_eq!(got, (0..20).collect::<Vec<_>>());
}

#[test]
fn a_copy_that_finds_no_room_does_not_make_the_message_one_that_was_refused() {
    let twice = SimulatorConfig { packet_duplication_percentage: 100.0, ..Default::default() };
    let mut end = Alone::new(vec![StageConfig::Simulator(twice), reliable(8)]);
    for number in 0..3u32 {
        end.send(&number.to_le_bytes()).unwrap();
    }
    end.send(b"one place is left").unwrap();
    assert_eq!(end.packets().len(), 8);
    assert_eq!(end.send(b"none"), Err(SendError::QueueFull));
    let mut end = Alone::new(vec![StageConfig::Simulator(twice), reliable(8)]);
    end.packets_of(b"");
    let once = SimulatorConfig { packet_duplication_percentage: 0.0, ..twice };
    end.pipeline.set_simulator(&once);
    for _ in 0..5 {
        end.send(b"").unwrap();
    }
    end.pipeline.set_simulator(&twice);
    end.send(b"its copy has no place").unwrap();
    assert_eq!(end.packets().len(), 6);
    assert!(end.packets().is_empty() && end.send(b"none") == Err(SendError::QueueFull));
}

#[test]
fn what_is_not_delayed_goes_on_at_once() {
    let config =
        SimulatorConfig { packet_jitter_ms: 1, max_packet_count: 1000, ..Default::default() };
    let mut end = end(config);
    // Half of the deviations are to the early side, and nothing leaves before it came.
    let left = sent(&mut end, 1000).len();
    assert!((400..600).contains(&left), "{left}");
    assert!(end.pipeline.next_timeout().is_some_and(|due| due > end.now), "nothing is due at once");
}
