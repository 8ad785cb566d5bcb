//! Whole drivers on virtual time over a seeded bad network.
//!
//! `ND_SEED=17 cargo test --test simulation` replays one seed in every scenario; a failure names
//! the scenario and the seed. What must hold in every frame of every world is in
//! `support/world.rs`.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use netdriver::DisconnectReason::{ClosedByRemote, MaxConnectionAttempts, Timeout};
use netdriver::settings::NetworkSimulator;

use support::world::{FRAME_MS, Scenario, World};

/// Runs a check for `count` seeds, or for the one that `ND_SEED` names.
fn for_seeds(scenario: &Scenario, count: u64, check: impl Fn(u64)) {
    let seeds = match std::env::var("ND_SEED") {
        Ok(text) => {
            let seed = text.parse().expect("ND_SEED is a number");
            seed..=seed
        }
        Err(_) => 1..=count,
    };
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(seed))) {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            if let Some(text) = text {
                panic!("scenario \"{}\", ND_SEED={seed}: {text}", scenario.name);
            }
            resume_unwind(panic);
        }
    }
}

/// Runs a scenario for its seeds, every fourth of them twice, and gives each world to `check`.
fn simulate(scenario: &Scenario, count: u64, check: impl Fn(&World)) {
    for_seeds(scenario, count, |seed| {
        let mut world = World::new(scenario, seed);
        let log = world.run();
        check(&world);
        if seed % 4 == 1 {
            let again = World::new(scenario, seed).run();
            assert!(
                log == again,
                "two runs of one seed differ:\n{}",
                first_difference(&log, &again)
            );
        }
    });
}

fn first_difference(one: &str, other: &str) -> String {
    let differ = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    differ.map_or_else(|| "one is longer".to_owned(), |(one, other)| format!("{one}\n{other}"))
}

#[test]
fn a_perfect_network_connects_everybody_and_ends_everything_cleanly() {
    for clients in [1, 8] {
        let scenario = Scenario::new("perfect", clients);
        simulate(&scenario, 24, |world| {
            assert!(world.established >= clients, "{}", world.established);
            assert!(world.reasons.iter().all(|&(_, reason)| reason == ClosedByRemote));
            assert!(world.arrived > 50 * clients, "{}", world.arrived);
        });
    }
}

#[test]
fn loss_costs_messages_and_not_connections() {
    let mut scenario = Scenario::new("loss", 4);
    scenario.churn = false;
    scenario.network.send_loss_percent = 10.0;
    scenario.network.receive_loss_percent = 10.0;
    simulate(&scenario, 40, |world| {
        assert!(world.established >= 4, "{}", world.established);
        assert_eq!(world.ended_while_playing(), []);
    });
}

#[test]
fn heavy_loss_ends_in_a_connection_or_in_exhausted_attempts() {
    let mut scenario = Scenario::new("heavy loss", 4);
    scenario.network.send_loss_percent = 45.0;
    scenario.network.receive_loss_percent = 45.0;
    simulate(&scenario, 40, |world| {
        for &(server, reason) in &world.reasons {
            let fits = matches!(reason, Timeout | ClosedByRemote | MaxConnectionAttempts);
            assert!(fits && !(server && reason == MaxConnectionAttempts), "{reason:?}");
        }
        assert!(!world.reasons.is_empty() || world.established > 0);
    });
}

#[test]
fn delay_jitter_duplication_and_reordering_break_no_rule() {
    let slow = NetworkSimulator { send_delay_ms: 60, send_jitter_ms: 60, ..Default::default() };
    let twice = NetworkSimulator { send_duplicate_percent: 40.0, ..slow };
    let mixed = NetworkSimulator { send_reorder_percent: 30.0, ..slow };
    let bad = NetworkSimulator { send_reorder_percent: 20.0, send_loss_percent: 15.0, ..twice };
    let networks =
        [("late", slow), ("duplicated", twice), ("reordered", mixed), ("everything", bad)];
    for (name, network) in networks {
        for clients in [1, 8] {
            let scenario = Scenario { network, ..Scenario::new(name, clients) };
            simulate(&scenario, 16, |world| {
                assert!(world.established > 0 && world.arrived > 0);
            });
        }
    }
}

#[test]
fn a_fixed_delay_keeps_the_order() {
    let mut scenario = Scenario::new("far away", 3);
    scenario.network.send_delay_ms = 80;
    simulate(&scenario, 24, |world| {
        // A repeated request that arrives after the server has closed makes a connection that
        // nobody wants; only a server sees one time out.
        let fits = |&(server, reason)| reason == ClosedByRemote || (server && reason == Timeout);
        assert!(world.reasons.iter().all(fits) && world.arrived > 0, "{:?}", world.reasons);
    });
}

#[test]
fn a_partition_longer_than_the_timeout_ends_both_sides_with_timeout() {
    let mut scenario = Scenario::new("long partition", 2);
    scenario.churn = false;
    scenario.partition = Some((40, 200));
    scenario.frames = 120;
    let silence = scenario.settings.disconnect_timeout_ms / FRAME_MS;
    assert!(silence < 120 - 40, "the timeout is over before the end");
    simulate(&scenario, 24, |world| {
        let timeouts = |server| {
            world.ended_while_playing().iter().filter(|&&end| end == (server, Timeout)).count()
        };
        assert_eq!((timeouts(true), timeouts(false)), (1, 1), "{:?}", world.reasons);
    });
}

#[test]
fn a_partition_shorter_than_the_timeout_is_survived() {
    let mut scenario = Scenario::new("short partition", 4);
    scenario.churn = false;
    scenario.partition = Some((40, 80));
    let silence = scenario.settings.disconnect_timeout_ms / FRAME_MS;
    assert!(silence > 80 - 40);
    simulate(&scenario, 24, |world| {
        assert_eq!(world.established, 4);
        assert_eq!(world.ended_while_playing(), []);
    });
}

#[test]
fn a_server_that_nobody_reaches_exhausts_the_attempts() {
    let mut scenario = Scenario::new("unreachable", 3);
    scenario.network.send_loss_percent = 100.0;
    simulate(&scenario, 8, |world| {
        assert_eq!((world.established, world.arrived), (0, 0));
        let exhausted = (false, MaxConnectionAttempts);
        assert!(world.reasons.len() >= 3 && world.reasons.iter().all(|&end| end == exhausted));
    });
}

#[test]
fn sixteen_clients_on_a_bad_network_come_and_go() {
    let mut scenario = Scenario::new("crowd", 16);
    scenario.frames = 150;
    scenario.network = NetworkSimulator {
        send_loss_percent: 5.0,
        receive_loss_percent: 5.0,
        send_duplicate_percent: 5.0,
        send_reorder_percent: 5.0,
        send_delay_ms: 40,
        send_jitter_ms: 30,
        ..Default::default()
    };
    scenario.partition = Some((50, 130));
    simulate(&scenario, 12, |world| {
        assert!(world.established >= 16, "{}", world.established);
        assert!(world.arrived > 1000, "{}", world.arrived);
    });
}

#[test]
fn reliable_messages_arrive_once_and_in_order_or_the_connection_ends() {
    let lossy = NetworkSimulator {
        send_loss_percent: 20.0,
        receive_loss_percent: 10.0,
        ..Default::default()
    };
    let late = NetworkSimulator { send_delay_ms: 60, send_jitter_ms: 60, ..Default::default() };
    let bad = NetworkSimulator {
        send_loss_percent: 15.0,
        send_duplicate_percent: 20.0,
        send_reorder_percent: 20.0,
        ..late
    };
    for (name, network) in [("lossy", lossy), ("late", late), ("everything", bad)] {
        for (churn, session) in [(false, true), (true, true), (false, false), (true, false)] {
            let mut scenario = Scenario { network, ..Scenario::new(name, 3) };
            scenario.reliable = true;
            scenario.churn = churn;
            scenario.settings.session = session;
            // Enough for what was lost to come again, too little for what is gone.
            scenario.settings.disconnect_timeout_ms = 3000;
            simulate(&scenario, 12, |world| {
                assert!(world.delivered > 40, "{}", world.delivered);
            });
        }
    }
}

#[test]
fn reliable_messages_survive_a_partition_that_the_connection_survives() {
    let mut scenario = Scenario::new("reliable partition", 4);
    scenario.reliable = true;
    scenario.churn = false;
    scenario.partition = Some((40, 80));
    simulate(&scenario, 20, |world| {
        assert_eq!(world.ended_while_playing(), []);
        assert!(world.delivered > 300, "{}", world.delivered);
    });
}

#[test]
fn different_seeds_are_different_histories() {
    let mut scenario = Scenario::new("variety", 3);
    scenario.network.send_loss_percent = 20.0;
    let logs: Vec<String> = (1..=8).map(|seed| World::new(&scenario, seed).run()).collect();
    for (index, log) in logs.iter().enumerate() {
        assert!(logs[..index].iter().all(|other| other != log), "seed {}", index + 1);
    }
}

#[test]
fn the_bad_network_alone_changes_with_its_seed() {
    // The programs do the same in both; only the simulator's seed differs.
    let lost = |seed| {
        let scenario = {
            let mut scenario = Scenario::new("losses", 1);
            scenario.network.send_loss_percent = 30.0;
            scenario
        };
        let mut world = World::new(&scenario, seed);
        world.run();
        world.arrived
    };
    let counts: std::collections::BTreeSet<u32> = (1..=6).map(lost).collect();
    assert!(counts.len() > 1, "{counts:?}");
}
