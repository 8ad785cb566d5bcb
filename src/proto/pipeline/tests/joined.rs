//! Two ends and a bad network in virtual time, over many seeds.

use super::*;
use crate::proto::random::Random;

/// How many seeds each case has.
const SEEDS: u64 = 30;

fn bad_network(random: &mut Random) -> Params {
    Params {
        loss_percent: random.below(40) as f32,
        duplicate_percent: random.below(20) as f32,
        delay: random.below(150) * MICROS_PER_MS,
        jitter: random.below(80) * MICROS_PER_MS,
        reorder_percent: random.below(20) as f32,
        ..Params::default()
    }
}

struct Traffic {
    /// Messages that were taken, by sender.
    taken: [Vec<Vec<u8>>; 2],
    log: Vec<(Micros, Vec<u8>)>,
    inboxes: [Vec<Vec<u8>>; 2],
}

/// Both ends send messages of any size while the network changes and is cut now and then.
fn run(stages: &dyn Fn() -> Vec<StageConfig>, size_max: u64, seed: u64) -> Traffic {
    let mut random = Random::new(seed);
    let mut world = World::new(stages, bad_network(&mut random), seed);
    world.ends[0].port.logs = true;
    let mut taken: [Vec<Vec<u8>>; 2] = Default::default();
    for frame in 0..200 {
        if frame % 50 == 49 {
            let partitioned = random.chance(30.0);
            world.set_params(Params { partitioned, ..bad_network(&mut random) });
        }
        for (from, taken) in taken.iter_mut().enumerate() {
            for _ in 0..random.below(4) {
                let next = message(taken.len(), random.below(size_max) as usize);
                if world.send(from, &next) == Ok(()) {
                    taken.push(next);
                }
            }
        }
        world.frame(random.below(34) * MICROS_PER_MS);
    }
    world.set_params(Params { loss_percent: 10.0, delay: 20_000, ..Params::default() });
    world.settle();
    let log = std::mem::take(&mut world.ends[0].port.log);
    let inboxes = world.ends.each_mut().map(|end| std::mem::take(&mut end.port.inbox));
    Traffic { taken, log, inboxes }
}

fn arrives(stages: &dyn Fn() -> Vec<StageConfig>, size_max: u64) {
    let mut count = 0;
    for seed in 0..SEEDS {
        let Traffic { taken, inboxes, .. } = run(stages, size_max, seed);
        assert!(taken[0] == inboxes[1] && taken[1] == inboxes[0], "seed {seed}");
        count += taken[0].len();
    }
    assert!(count > 500, "only {count} messages");
}

#[test]
fn every_reliable_message_arrives_once_and_in_order() {
    for window in [8, 32, 64, 72, 256] {
        arrives(&move || vec![reliable(window)], 100);
    }
}

#[test]
fn so_do_fragmented_ones() {
    for window in [8, 32, 256] {
        arrives(&move || vec![fragmentation(8000), reliable(window)], 8000);
    }
}

#[test]
fn so_they_do_through_stages_that_make_the_network_worse() {
    let worse = || {
        StageConfig::Simulator(SimulatorConfig {
            packet_drop_percentage: 10.0,
            packet_duplication_percentage: 10.0,
            packet_delay_ms: 20,
            packet_jitter_ms: 20,
            ..SimulatorConfig::default()
        })
    };
    arrives(&move || vec![fragmentation(8000), reliable(32), worse()], 8000);
    arrives(&move || vec![StageConfig::Null, reliable(64), StageConfig::Null, worse()], 100);
    arrives(&|| vec![reliable(32), StageConfig::UnreliableSequenced], 100);
}

#[test]
fn unreliable_messages_arrive_whole_or_not_at_all() {
    let cases: [&dyn Fn() -> Vec<StageConfig>; 3] = [
        &|| vec![fragmentation(8000)],
        &|| vec![fragmentation(8000), StageConfig::UnreliableSequenced],
        &|| vec![StageConfig::UnreliableSequenced, fragmentation(8000)],
    ];
    let mut count = 0;
    for (case, stages) in cases.iter().enumerate() {
        for seed in 0..SEEDS {
            let Traffic { taken, inboxes, .. } = run(stages, 7000, seed);
            for message in &inboxes[1] {
                assert!(taken[0].contains(message), "case {case}, seed {seed}");
            }
            count += inboxes[1].len();
        }
    }
    assert!(count > 1000, "only {count} messages");
}

#[test]
fn sequenced_messages_arrive_at_most_once_and_in_order() {
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let stages = || vec![StageConfig::UnreliableSequenced];
        let mut world = World::new(&stages, bad_network(&mut random), seed);
        let mut last = None;
        for number in 0..1000u32 {
            world.send(0, &number.to_le_bytes()).unwrap();
            world.frame(7_000);
            for got in world.ends[1].port.inbox.drain(..) {
                let got = u32::from_le_bytes(got.try_into().unwrap());
                assert!(last.is_none_or(|last| got > last), "seed {seed}");
                last = Some(got);
            }
        }
        assert!(last > Some(500), "seed {seed}");
    }
}

#[test]
fn two_runs_of_one_seed_are_identical() {
    let stages = || {
        let simulator = SimulatorConfig {
            packet_drop_percentage: 5.0,
            packet_jitter_ms: 15,
            ..SimulatorConfig::default()
        };
        vec![fragmentation(8000), reliable(64), StageConfig::Simulator(simulator)]
    };
    for seed in 0..5 {
        let (first, second) = (run(&stages, 8000, seed), run(&stages, 8000, seed));
        assert!(first.log == second.log && first.inboxes == second.inboxes, "seed {seed}");
        assert!(first.log.len() > 200);
    }
    assert!(run(&stages, 8000, 1).log != run(&stages, 8000, 2).log);
}
