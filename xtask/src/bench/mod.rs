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

use std::path::{Path, PathBuf};

use crate::cli::{Args, Flag};
use crate::error::{Error, Result};
use crate::paths::Project;

use suite::Suite;

/// What has the tables and charts of the documentation made anew.
const WRITE: &str = "--write";

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
    Flag::switch(WRITE, "put table and chart into docs/"),
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
        let names = |flag: &str| {
            let list: Vec<_> = args.list(flag).into_iter().map(str::to_owned).collect();
            let text = format!("{flag} names nothing; leave it out for all");
            if args.has(flag) && list.is_empty() { Err(Error::new(text)) } else { Ok(list) }
        };
        let folder = |flag: &str| {
            let path = args.text(flag).map(std::path::absolute).transpose();
            path.map_err(|error| Error::new(format!("{flag}: {error}")))
        };
        Ok(Self {
            rounds,
            seconds,
            only: names("--only")?,
            peers: names("--peers")?,
            baseline: folder("--baseline")?,
            uwebsockets: folder("--uwebsockets")?,
            quick,
            write: args.has(WRITE),
        })
    }
}

/// A benchmark.
struct Bench {
    name: &'static str,
    /// The measured seconds of its trials.
    seconds: f64,
    /// Puts it together. Cheap: what is wrong with the options is said before anything is built.
    suite: fn(&Project, &Options) -> Result<Suite>,
    /// Builds its programs.
    build: fn(&Project, &Options) -> Result<()>,
}

/// The benchmarks, the one that runs when none is named first. With five rounds, each fits ten
/// minutes.
const SUITES: &[Bench] = &[
    Bench { name: udp::NAME, seconds: 1.0, suite: udp::suite, build: udp::build },
    Bench {
        name: websocket::NAME,
        seconds: 0.75,
        suite: websocket::suite,
        build: websocket::build,
    },
];

/// `cargo xtask bench [udp|websocket|scale]`.
pub fn command(project: &Project, args: &Args) -> Result<()> {
    if args.operand.as_deref() == Some("scale") {
        check_scale(args)?;
        return crate::edge::scale::bench(project, args.has(WRITE));
    }
    let wanted = args.operand.as_deref().unwrap_or(SUITES[0].name);
    let Some(bench) = SUITES.iter().find(|bench| bench.name == wanted) else {
        let names: Vec<_> = SUITES.iter().map(|bench| bench.name).collect();
        let names = names.join(", ");
        let text = format!("there is no benchmark \"{wanted}\"; there are: {names}, scale");
        return Err(Error::new(text));
    };
    let (suite, options) = plan(project, bench, args)?;
    if let Some(source) = &options.uwebsockets {
        websocket::check_uwebsockets(source)?;
    }
    if let Some(folder) = &options.baseline {
        check_baseline(folder)?;
    }
    (bench.build)(project, &options)?;
    run(project, &suite, &options)
}

/// What the flags ask for.
fn plan(project: &Project, bench: &Bench, args: &Args) -> Result<(Suite, Options)> {
    check_write(args)?;
    let options = Options::parse(args, bench.seconds)?;
    if bench.name != websocket::NAME && options.uwebsockets.is_some() {
        return Err(Error::new("--uwebsockets is for `bench websocket`"));
    }
    Ok((choose((bench.suite)(project, &options)?, &options)?, options))
}

/// `bench scale` always measures the same.
fn check_scale(args: &Args) -> Result<()> {
    refuse(args, |flag| flag != WRITE, "is not for `bench scale`, which always measures the same")
}

/// What goes into the documentation is the whole benchmark.
fn check_write(args: &Args) -> Result<()> {
    let partial = |flag: &str| ["--only", "--peers", "--baseline", "--quick"].contains(&flag);
    let why = "does not go with --write: the whole benchmark goes into docs/, and nothing else";
    if args.has(WRITE) { refuse(args, partial, why) } else { Ok(()) }
}

/// Refuses those flags that are there.
fn refuse(args: &Args, refused: impl Fn(&str) -> bool, why: &str) -> Result<()> {
    match FLAGS.iter().map(Flag::name).find(|name| refused(name) && args.has(name)) {
        Some(name) => Err(Error::new(format!("{name} {why}"))),
        None => Ok(()),
    }
}

/// Without a library there, the programs would load the new one, and compare it with itself.
fn check_baseline(folder: &Path) -> Result<()> {
    let library = folder.join("libnetdriver.so");
    if library.is_file() {
        return Ok(());
    }
    let library = library.display();
    let text = format!("--baseline: there is no {library}; name the folder that the library is in");
    Err(Error::new(text))
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
    if !suite.loads.iter().any(|load| suite.peers.iter().any(|peer| peer.takes(load))) {
        let peers = options.peers.join(", ");
        return Err(Error::new(format!("no load that was asked for is for {peers}")));
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
    use crate::cli::{self, Command};

    const COMMAND: Command =
        Command { name: "bench", operand: None, flags: FLAGS, summary: "", run: command };

    fn args(words: &[&str]) -> Args {
        let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
        cli::parse(&COMMAND, &words).expect("are flags of the command")
    }

    #[test]
    fn the_commands_of_the_documentation_name_what_there_is() {
        let project = Project::find().expect("this is one");
        let document = include_str!("../../../docs/PERFORMANCE.md");
        let commands = document.lines().filter_map(|line| line.strip_prefix("cargo xtask bench "));
        let mut count = 0;
        for command in commands {
            let words = command.split('#').next().unwrap_or_default();
            let words: Vec<_> = words.split_whitespace().collect();
            let (name, flags) = words.split_first().expect("names a benchmark");
            let args = args(flags);
            let outcome = match SUITES.iter().find(|bench| bench.name == *name) {
                Some(bench) => plan(&project, bench, &args).map(|_| ()),
                None => check_scale(&args),
            };
            outcome.unwrap_or_else(|error| panic!("{command}: {error}"));
            count += 1;
        }
        assert!(count > 5, "the commands stand elsewhere now");
    }

    #[test]
    fn only_a_whole_benchmark_is_written_into_the_documentation() {
        assert!(check_write(&args(&["--write", "--rounds", "9", "--uwebsockets", "x"])).is_ok());
        assert!(check_write(&args(&["--quick", "--only", "bulk"])).is_ok());
        for partial in [&["--only", "bulk"][..], &["--peers", "bare"], &["--quick"]] {
            let error = check_write(&args(&[&["--write"], partial].concat())).expect_err("partial");
            assert!(error.to_string().starts_with(partial[0]), "{error}");
        }
    }

    #[test]
    fn flags_that_scale_does_not_know_are_refused() {
        assert!(check_scale(&args(&["--write"])).is_ok());
        let error = check_scale(&args(&["--rounds", "3"])).expect_err("it has no rounds");
        assert!(error.to_string().starts_with("--rounds is not for `bench scale`"), "{error}");
    }

    #[test]
    fn a_baseline_without_a_library_is_refused() {
        let error = check_baseline(Path::new("/nowhere")).expect_err("there is none").to_string();
        assert!(error.contains("/nowhere/libnetdriver.so"), "{error}");
    }

    #[test]
    fn a_list_without_a_name_is_refused() {
        let error = Options::parse(&args(&["--only="]), 1.0).expect_err("names nothing");
        assert_eq!(error.to_string(), "--only names nothing; leave it out for all");
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
        let text = check(&["x".to_owned()], &["a", "b"], "load").expect_err("unknown").to_string();
        assert_eq!(text, "there is no load \"x\"; there are: a, b");
        assert!(check(&["b".to_owned()], &["a", "b"], "load").is_ok());
    }
}
