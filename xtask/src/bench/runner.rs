//! Runs the trials: round after round, load after load, and within a load one peer after the other,
//! so that a machine that drifts drifts for all of them alike.

use super::Options;
use super::cores::Cores;
use super::results::Results;
use super::suite::{Load, Peer, Sample, Suite};
use super::trial;
use crate::error::{Error, Result};
use crate::paths::Project;

/// Runs the suite; returns the samples, and a line for each trial that failed.
pub fn run(project: &Project, suite: &Suite, options: &Options) -> Result<(Results, Vec<String>)> {
    let cores = Cores::find();
    if cores.are_shared() {
        println!("this machine has one core: the load takes the server's time");
    }
    let mut results = Results::default();
    let mut failures = Vec::new();
    for round in 1..=options.rounds {
        for load in &suite.loads {
            let mut peers: Vec<_> = suite.peers.iter().filter(|peer| peer.takes(load)).collect();
            // Nobody is always first, and nobody always follows the same one.
            let first = round % peers.len().max(1);
            peers.rotate_left(first);
            println!("round {round} of {}: {}", options.rounds, load.name);
            for (peer, outcome) in turn(project, suite, load, &peers, cores, round) {
                match outcome {
                    Ok(sample) => results.add(load.name, peer, round, sample),
                    Err(error) => {
                        let line = format!("{}, {peer}: {error}", load.name);
                        println!("  {}", error.headline());
                        failures.push(line);
                    }
                }
            }
        }
    }
    Ok((results, failures))
}

/// One load in one round, for all peers.
fn turn(
    project: &Project,
    suite: &Suite,
    load: &Load,
    peers: &[&Peer],
    cores: Cores,
    seed: usize,
) -> Vec<(&'static str, Result<Sample>)> {
    let one = |peer: &Peer| trial::run(project, suite, peer, load, cores, seed);
    if !load.together {
        return peers.iter().map(|peer| (peer.name, one(peer))).collect();
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            peers.iter().map(|peer| (peer.name, scope.spawn(|| one(peer)))).collect();
        let joined = threads.into_iter().map(|(name, thread)| {
            (name, thread.join().unwrap_or_else(|_| Err(Error::new("the trial panicked"))))
        });
        joined.collect()
    })
}
