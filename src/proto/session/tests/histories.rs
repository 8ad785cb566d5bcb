//! Many seeds, bad networks: every reliable message that was accepted arrives once and in order.

use crate::proto::netem::Params;
use crate::proto::random::Random;
use crate::proto::session::{Failure, Refused, cost};
use crate::proto::time::Micros;

use super::world::{DATAGRAM_COST, MS, World, config};

/// Histories of each kind.
const SEEDS: u64 = 600;

fn message(channel: u8, number: u32, size: usize) -> Vec<u8> {
    let mut out = vec![channel];
    out.extend_from_slice(&number.to_le_bytes());
    out.resize(out.len() + size, number as u8 ^ channel);
    out
}

/// What the programs do, and what the network does to it.
struct History {
    world: World,
    random: Random,
    /// Accepted, by side and channel.
    sent: [[u32; 6]; 2],
    lossy: Params,
    /// Most messages cost the same.
    even: bool,
}

impl History {
    fn new(seed: u64, params: Params) -> Self {
        let mut config = config();
        config.window = 20_000;
        config.peer_window = 20_000;
        config.send_queue_bytes_max = 50_000;
        let random = Random::new(seed);
        let world = World::new(config, params, seed);
        Self { world, random, sent: [[0; 6]; 2], lossy: params, even: seed % 4 == 3 }
    }

    fn play(&mut self, side: usize) {
        for _ in 0..self.random.below(4) {
            let channel = 1 + self.random.below(5) as u8;
            let size = match self.random.below(10) {
                0 => self.random.below(1300) as usize,
                1 => 0,
                // The window is used up to its last byte.
                _ if self.even => 1000 - cost(5) as usize,
                _ => self.random.below(100) as usize,
            };
            let number = &mut self.sent[side][usize::from(channel)];
            let bytes = message(channel, *number, size);
            let priority = channel / 2;
            let session = &mut self.world.sessions[side];
            match session.send_reliable(channel, priority, &[&bytes[..1], &bytes[1..]]) {
                Ok(()) => *number += 1,
                // The path may have become too narrow for it.
                Err(Refused::TooLong) => {}
                Err(Refused::QueueFull) => assert!(session.reliable_cost(channel) > 48_000),
            }
            let loose = message(9, self.random.below(1 << 30) as u32, size);
            let _ = self.world.sessions[side].send_message(9, &[&loose]);
        }
    }

    /// Plays for a while, in frames of 10 ms, while the network does what the kind says.
    fn run(&mut self, kind: u64) {
        for frame in 0..30 {
            let end = self.world.now + 10 * MS;
            self.play(0);
            self.play(1);
            self.world.run(end);
            let cut = Params { partitioned: true, ..self.lossy };
            match (kind, frame) {
                (1, 10) => self.world.links[0].set_params(cut),
                (1, 13) => self.world.links[1].set_params(cut),
                (1, 23) => self.world.links[0].set_params(self.lossy),
                (1, 26) => self.world.links[1].set_params(self.lossy),
                // The machine slept.
                (2, 15) => self.world.now += self.random.below(20_000) * MS,
                // The program takes nothing for a while.
                (3, 5) => self.world.logs[1].room = Some(5),
                (3, 25) => {
                    self.world.logs[1].room = None;
                    self.world.sessions[1].deliver_held(&mut self.world.logs[1]);
                }
                // Both ways take less, then as much as before, and less again.
                (4, 4 | 16 | 24) => self.narrow(1 + 256 * (1 + frame / 8)),
                (4, 12) => self.widen(),
                _ => {}
            }
        }
        self.world.run(self.world.now + 60_000 * MS);
    }

    fn narrow(&mut self, size: usize) {
        for link in &mut self.world.links {
            link.set_params(Params { size_max: size + DATAGRAM_COST, ..self.lossy });
        }
    }

    /// Probes have found it out.
    fn widen(&mut self) {
        for side in 0..2 {
            self.world.links[side].set_params(self.lossy);
            self.world.sessions[side].set_datagram_size(1400);
        }
    }

    fn check(&self, what: &str) {
        for side in 0..2 {
            let session = &self.world.sessions[side];
            assert_eq!(session.failure(), None, "{what}: {session:?}");
            // Of messages that may be lost the last may be, and nobody asks for it.
            let rests = session.next_timeout().is_none();
            assert!(session.is_idle() && rests, "{what}: {session:?}");
            let log = &self.world.logs[1 - side];
            for channel in 1..=5u8 {
                let sent = self.sent[side][usize::from(channel)];
                let empty = Vec::new();
                let got = log.reliable.get(&channel).unwrap_or(&empty);
                assert_eq!(got.len(), sent as usize, "{what}, channel {channel}");
                for (number, (_, data)) in (0..sent).zip(got) {
                    let expected = message(channel, number, data.len() - 5);
                    assert_eq!(*data, expected, "{what}, channel {channel}");
                }
            }
        }
        let statistics = self.world.sessions.each_ref().map(|session| session.statistics());
        assert!(statistics.iter().all(|side| side.malformed_in == 0), "{what}: {statistics:?}");
    }
}

fn networks() -> [Params; 5] {
    let base = Params { delay: 20 * MS, ..Params::default() };
    [
        base,
        Params { loss_percent: 10.0, ..base },
        Params { jitter: 30 * MS, duplicate_percent: 20.0, ..base },
        Params { loss_percent: 25.0, reorder_percent: 20.0, jitter: 5 * MS, ..base },
        Params { loss_percent: 5.0, rate: 200_000, backlog_max: 20_000, ..base },
    ]
}

fn histories(kind: u64) {
    for seed in 0..SEEDS {
        let params = networks()[(seed + kind) as usize % 5];
        let mut history = History::new(seed, params);
        history.run(kind);
        history.check(&format!("seed {seed}, kind {kind}, {params:?}"));
    }
}

#[test]
fn every_reliable_message_arrives_once_and_in_order_whatever_the_network_does() {
    histories(0);
}

#[test]
fn every_reliable_message_arrives_once_and_in_order_across_a_partition() {
    histories(1);
}

#[test]
fn every_reliable_message_arrives_once_and_in_order_when_a_clock_jumps() {
    histories(2);
}

#[test]
fn every_reliable_message_arrives_once_and_in_order_when_nobody_takes_them_for_a_while() {
    histories(3);
}

#[test]
fn every_reliable_message_arrives_once_and_in_order_while_the_path_narrows_and_widens() {
    histories(4);
}

#[test]
fn one_seed_is_one_history() {
    for seed in 0..20 {
        let run = |seed| {
            let mut history = History::new(seed, networks()[seed as usize % 5]);
            history.run(seed % 4);
            history.world.history()
        };
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}

#[test]
fn a_peer_that_is_gone_for_good_ends_the_session_with_a_reason() {
    let mut world = World::new(config(), Params { partitioned: true, ..Params::default() }, 1);
    world.sessions[0].send_reliable(1, 0, &[b"anybody?"]).expect("is taken");
    let mut end: Micros = 0;
    while world.sessions[0].failure().is_none() {
        end += 1000 * MS;
        world.run(end);
        assert!(end < 120_000 * MS, "it never gives up");
    }
    assert_eq!(world.sessions[0].failure(), Some(Failure::Unacknowledged));
    assert!((30_000 * MS..60_000 * MS).contains(&end), "{end}");
    assert!(world.datagrams[0] < 40, "{} datagrams into nothing", world.datagrams[0]);
}
