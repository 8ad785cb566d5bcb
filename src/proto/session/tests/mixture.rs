//! Bulk and real time through one narrow link.

use crate::proto::netem::Params;
use crate::proto::time::Micros;

use super::world::{MS, World, config};

/// Bytes a second.
const RATE: u64 = 1_250_000;
const SECONDS: u64 = 20;

/// What one run gave.
#[derive(Debug)]
struct Figures {
    /// Milliseconds from the send to the delivery of the stream's messages.
    p99: f64,
    /// Share of the link that carried bulk.
    used: f64,
}

fn run(backlog_max: u64, loss_percent: f32, bulk: u8, stream: u8) -> Figures {
    let params =
        Params { delay: 20 * MS, rate: RATE, backlog_max, loss_percent, ..Params::default() };
    let mut world = World::new(config(), params, 7);
    let mut sent_at: Vec<Micros> = Vec::new();
    for frame in 0..SECONDS * 60 {
        world.run(frame * 1_000_000 / 60);
        while world.sessions[0].send_reliable(2, bulk, &[&[2; 1200]]).is_ok() {}
        world.sessions[0].send_reliable(1, stream, &[&[1; 100]]).expect("has its own queue");
        sent_at.push(world.now);
        world.flush();
    }
    let bulk: usize = world.logs[1].reliable[&2].len() * 1200;
    world.run(world.now + 20_000 * MS);
    let delivered = &world.logs[1].reliable[&1];
    assert_eq!(delivered.len(), sent_at.len());
    let mut delays: Vec<Micros> =
        delivered.iter().zip(&sent_at).map(|((at, _), sent)| at - sent).collect();
    delays.sort_unstable();
    let at = |share: f64| delays[(share * (delays.len() - 1) as f64) as usize] as f64 / 1000.0;
    let used = bulk as f64 / (RATE * SECONDS) as f64;
    Figures { p99: at(0.99), used }
}

#[test]
fn bulk_leaves_the_queue_of_a_deep_buffer_short() {
    // A buffer of 400 ms, as home routers have it: a sender that listens to loss alone fills it.
    let figures = run(500_000, 0.0, 0, 0);
    println!("{figures:?}");
    assert!(figures.p99 < 80.0 && figures.used > 0.8, "{figures:?}");
}

#[test]
fn bulk_through_a_shallow_buffer_loses_little_and_delays_nobody() {
    let figures = run(40_000, 0.0, 0, 9);
    println!("{figures:?}");
    assert!(figures.p99 < 120.0 && figures.used > 0.6, "{figures:?}");
}

#[test]
fn bulk_over_a_path_that_loses_by_itself_still_uses_it() {
    let figures = run(500_000, 1.0, 0, 9);
    println!("{figures:?}");
    assert!(figures.p99 < 160.0 && figures.used > 0.4, "{figures:?}");
}
