//! `cargo xtask bench …`: netdriver beside what people would use instead, in one run.
//!
//! | module | what |
//! |---|---|
//! | `suite` | what a benchmark is: peers, loads, metrics |
//! | `runner` | runs the trials, round by round, one peer after the other |
//! | `trial` | one trial: a server, perhaps a bad network, a client, and what they measured |
//! | `results` | medians, and ratios to the best peer |
//! | `report`, `chart` | tables, JSON, SVG |
//! | `programs` | builds what the trials run |
//! | `udp`, `websocket` | the benchmarks |
//!
//! `bench scale` is in `edge`, beside the step of the ladder that runs the same program.
//!
//! Times are never judged here: machines differ and drift. Peers that run in turns on the same
//! cores can be compared with each other, and that is what the ratios say.

mod chart;
mod cores;
mod programs;
mod report;
mod results;
mod runner;
mod suite;
mod trial;
mod udp;
mod websocket;

use std::path::PathBuf;

use crate::cli::{Args, Flag};
use crate::error::{Error, Result};
use crate::paths::Project;

use suite::Suite;

/// The flags of the command.
pub const FLAGS: &[Flag] = &[
    Flag::value("--rounds", "N", "how often each peer takes its turn (default 5)"),
    Flag::value(
        "--seconds",
        "N",
        "measured time of a trial (default 1, websocket 0.75; streams ten times that)",
    ),
    Flag::value("--only", "LOAD,…", "these loads alone"),
    Flag::value("--peers", "NAME,…", "these peers alone"),
    Flag::value("--baseline", "DIR", "also run netdriver with the library in that folder"),
    Flag::value("--uwebsockets", "DIR", "websocket: also run uWebSockets, whose source is there"),
    Flag::switch("--quick", "one round of short trials: shows that it works, measures little"),
    Flag::switch("--write", "put table and chart into docs/"),
];

/// How to run a suite.
#[derive(Clone, Debug)]
pub struct Options {
    rounds: usize,
    seconds: f64,
    only: Vec<String>,
    peers: Vec<String>,
    baseline: Option<PathBuf>,
    uwebsockets: Option<PathBuf>,
    quick: bool,
    write: bool,
}

impl Options {
    fn parse(args: &Args, seconds_default: f64) -> Result<Self> {
        let quick = args.has("--quick");
        let rounds = args.number("--rounds")?.unwrap_or(if quick { 1 } else { 5 });
        let seconds =
            args.number("--seconds")?.unwrap_or(if quick { 0.3 } else { seconds_default });
        if rounds == 0 || !(0.1..=60.0).contains(&seconds) {
            return Err(Error::new("--rounds is at least 1, --seconds from 0.1 to 60"));
        }
        let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
        let folder = |flag: &str| {
            let path = args.text(flag).map(std::path::absolute).transpose();
            path.map_err(|error| Error::new(format!("{flag}: {error}")))
        };
        Ok(Self {
            rounds,
            seconds,
            only: owned(args.list("--only")),
            peers: owned(args.list("--peers")),
            baseline: folder("--baseline")?,
            uwebsockets: folder("--uwebsockets")?,
            quick,
            write: args.has("--write"),
        })
    }
}

/// A benchmark's name, the measured seconds of its trials, and what builds its programs and puts it
/// together.
type Bench = (&'static str, f64, fn(&Project, &Options) -> Result<Suite>);

/// The benchmarks, the one that runs when none is named first. With five rounds, each fits ten
/// minutes.
const SUITES: &[Bench] = &[("udp", 1.0, udp::suite), (websocket::NAME, 0.75, websocket::suite)];

/// `cargo xtask bench [udp|websocket|scale]`.
pub fn command(project: &Project, args: &Args) -> Result<()> {
    if args.operand.as_deref() == Some("scale") {
        return crate::edge::scale::bench(project, args.has("--write"));
    }
    let names: Vec<_> = SUITES.iter().map(|(name, ..)| *name).collect();
    let wanted = args.operand.as_deref().unwrap_or(names[0]);
    let Some((_, seconds, suite)) = SUITES.iter().find(|(name, ..)| *name == wanted) else {
        let names = names.join(", ");
        let text = format!("there is no benchmark \"{wanted}\"; there are: {names}, scale");
        return Err(Error::new(text));
    };
    let options = Options::parse(args, *seconds)?;
    if wanted != websocket::NAME && options.uwebsockets.is_some() {
        return Err(Error::new("--uwebsockets is for `bench websocket`"));
    }
    run(project, &choose(suite(project, &options)?, &options)?, &options)
}

/// Leaves out what was not asked for.
fn choose(mut suite: Suite, options: &Options) -> Result<Suite> {
    let loads: Vec<_> = suite.loads.iter().map(|load| load.name).collect();
    let peers: Vec<_> = suite.peers.iter().map(|peer| peer.name).collect();
    check(&options.only, &loads, "load")?;
    check(&options.peers, &peers, "peer")?;
    if !options.only.is_empty() {
        suite.loads.retain(|load| options.only.iter().any(|name| name == load.name));
    }
    if !options.peers.is_empty() {
        suite.peers.retain(|peer| options.peers.iter().any(|name| name == peer.name));
    }
    Ok(suite)
}

fn check(wanted: &[String], known: &[&str], what: &str) -> Result<()> {
    match wanted.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => {
            let known = known.join(", ");
            Err(Error::new(format!("there is no {what} \"{name}\"; there are: {known}")))
        }
        None => Ok(()),
    }
}

fn run(project: &Project, suite: &Suite, options: &Options) -> Result<()> {
    let others = cores::others();
    if let Some(others) = others {
        println!("{}", report::warning(others));
    }
    let (results, failures) = runner::run(project, suite, options)?;
    for line in report::terminal(suite, &results) {
        println!("{line}");
    }
    report::write(project, suite, options, others, &results)?;
    if failures.is_empty() { Ok(()) } else { Err(Error::new(failures.join("\n"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
        let text = check(&["x".to_owned()], &["a", "b"], "load").expect_err("unknown").to_string();
        assert_eq!(text, "there is no load \"x\"; there are: a, b");
        assert!(check(&["b".to_owned()], &["a", "b"], "load").is_ok());
    }
}
