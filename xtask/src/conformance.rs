//! Runs the Autobahn test suite against the server and against the client, and counts its verdicts.
//! The cases are PyPI's `kosoku`; the client that it needs is `tests/conformance/client.rs`.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::build;
use crate::cli::Args;
use crate::error::{Context, Error, Result};
use crate::install::{self, Need};
use crate::paths::{Project, read, stale};
use crate::shell::{Run, Running, log_path};

/// The only suite there is.
const SUITE: &str = "websocket";
/// Bytes of the largest message of the suite, with room to spare.
const MESSAGE_SIZE_MAX: &str = "17825792";
/// What both roles, which run at once, may take for one part of the list.
const ROLE_LIMIT: Duration = Duration::from_secs(1800);
/// What a server may take until it listens, where other steps keep the cores busy.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// What a program may take to end.
const PATIENCE: Duration = Duration::from_secs(10);
/// The cases about compression that take minutes: a thousand messages each.
const SLOW: &[&str] = &["12.2.*", "12.3.*", "12.4.*", "12.5.*", "13.*"];
/// How hard our side compresses, from 1 to 9: as it does by default, and least where most of the
/// time would go into it. The protocol does not know the difference.
const LEVEL_DEFAULT: &str = "6";
const LEVEL_SLOW: &str = "1";
/// Time between two looks at a log.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Which cases to run: the two together are the whole list, and no case is in both.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cases {
    /// Those without compression, and the first ones with it.
    Quick,
    /// The others with compression.
    Slow,
}

impl Cases {
    /// The suite's arguments that choose them.
    fn arguments(self) -> impl Iterator<Item = &'static str> {
        let choose = match self {
            Self::Quick => "-x",
            Self::Slow => "-i",
        };
        SLOW.iter().flat_map(move |cases| [choose, cases])
    }

    /// Where both roles leave what they make: the two parts may run side by side.
    fn folder(self) -> &'static str {
        match self {
            Self::Quick => "conformance/quick",
            Self::Slow => "conformance/slow",
        }
    }

    fn deflate_level(self) -> &'static str {
        match self {
            Self::Quick => LEVEL_DEFAULT,
            Self::Slow => LEVEL_SLOW,
        }
    }
}

/// How many cases ended how, in one role.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    cases: usize,
    ok: usize,
    non_strict: usize,
    informational: usize,
    failed: Vec<String>,
    unimplemented: usize,
}

/// `cargo xtask conformance [websocket]`.
pub fn command(project: &Project, args: &Args) -> Result<()> {
    if let Some(other) = args.operand.as_deref().filter(|&suite| suite != SUITE) {
        return Err(Error::new(format!("there is no suite \"{other}\"; there is: {SUITE}")));
    }
    install::require(project, &[Need::C, Need::Mono, Need::Python])?;
    for cases in [Cases::Quick, Cases::Slow] {
        for line in run(project, cases)? {
            println!("{line}");
        }
    }
    Ok(())
}

/// Runs both roles at once; returns a line for each, or an error that names the cases that failed.
pub fn run(project: &Project, cases: Cases) -> Result<Vec<String>> {
    let programs = build::examples(project)?;
    let client = build_client(project, cases)?;
    let (server, client) = std::thread::scope(|scope| {
        let server = scope.spawn(|| serve(project, &programs, cases));
        let client = call(project, &client, cases);
        (server.join(), client)
    });
    let server = server.map_err(|_| Error::new("the server's role panicked"))?;
    let roles = [("server", server?), ("client", client?)];
    let lines: Vec<_> = roles.iter().map(|(role, tally)| format!("{role}: {tally}")).collect();
    for (role, tally) in &roles {
        if !tally.is_clean() {
            let failed = tally.failed.join(", ");
            return Err(Error::new(format!("{}\n{role}: see cases {failed}", lines.join("\n"))));
        }
    }
    Ok(lines)
}

/// Builds our client. Not by cargo, which would build the library once more for it, with the
/// features that the tests' own libraries ask for.
fn build_client(project: &Project, cases: Cases) -> Result<PathBuf> {
    let program = project.out(cases.folder())?.join("conformance_client");
    let source = project.file("tests/conformance/client.rs")?;
    if stale(&program, &[source.clone(), build::release(project)?]) {
        build::compile_rust(project, "release", &source, &program, &["-O"])?;
    }
    Ok(program)
}

/// Our server, their client.
fn serve(project: &Project, programs: &Path, cases: Cases) -> Result<Tally> {
    let port = free_port()?;
    let log = log_path(project, "conformance-echo-server")?;
    let mut server = Run::new(build::program(programs, "echo_server")?)
        .args(["--ws", &port.to_string(), "--dialect", "plain"])
        .args(["--deflate", "--deflate-level", cases.deflate_level()])
        .args(["--message-size-max", MESSAGE_SIZE_MAX])
        // The suite takes a ping in the middle of a long case for an echo.
        .args(["--ping-interval", "0"])
        .start(&log)?;
    wait_for(&log, "listening", &mut server)?;
    let reports = project.out(cases.folder())?.join("server");
    let mut suite = kosoku(project, cases)
        .args(["-m", "fuzzingclient", &format!("{}:{port}", Ipv4Addr::LOCALHOST), "-p", "4", "-o"])
        .arg(&reports)
        .start(&log_path(project, "conformance-server")?)?;
    // It ends with 1 for a case that is not implemented; the reports tell which.
    suite.wait(ROLE_LIMIT).ok_or_else(|| Error::new("the suite took too long"))?;
    tally(&reports)
}

/// Our client, their server.
fn call(project: &Project, program: &Path, cases: Cases) -> Result<Tally> {
    let port = free_port()?;
    let reports = project.out(cases.folder())?.join("client");
    let log = log_path(project, "conformance-suite")?;
    let mut suite = kosoku(project, cases)
        .args(["-m", "fuzzingserver", &format!("{}:{port}", Ipv4Addr::LOCALHOST), "-o"])
        .arg(&reports)
        .start(&log)?;
    wait_for(&log, "listening", &mut suite)?;
    Run::new(program)
        .arg(format!("ws://{}:{port}", Ipv4Addr::LOCALHOST))
        .arg(cases.deflate_level())
        .limit(ROLE_LIMIT)
        .quiet(project, "conformance-client")?;
    suite.wait(PATIENCE);
    tally(&reports)
}

/// The suite with the cases that are asked for.
fn kosoku(project: &Project, cases: Cases) -> Run {
    Run::new(install::python_script(project, "kosoku")).args(cases.arguments())
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("a free port")?;
    Ok(listener.local_addr().context("a free port")?.port())
}

/// Waits until a program has written a word to its log.
fn wait_for(log: &Path, word: &str, program: &mut Running) -> Result<()> {
    let end = Instant::now() + START_PATIENCE;
    while !read(log).is_ok_and(|text| text.contains(word)) {
        if program.ended().is_some() || Instant::now() >= end {
            return Err(Error::new(format!("it does not listen:\n{}", program.tail())));
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}

fn tally(reports: &Path) -> Result<Tally> {
    let index = reports.join("index.json");
    let text = read(&index)?;
    // The next run must not find this one's verdicts.
    fs::remove_file(&index).context(index.display())?;
    count(&text).context(index.display())
}

impl Tally {
    /// Every case that ran is as it should be.
    fn is_clean(&self) -> bool {
        self.cases > 0 && self.failed.is_empty() && self.non_strict == 0 && self.unimplemented == 0
    }
}

fn count(text: &str) -> Result<Tally> {
    let index: Value = serde_json::from_str(text).context("the reports")?;
    let agents = index.as_object().ok_or_else(|| Error::new("the reports name no agent"))?;
    let mut tally = Tally::default();
    for (case, verdict) in agents.values().filter_map(Value::as_object).flatten() {
        tally.cases += 1;
        let said = |key: &str| verdict.get(key).and_then(Value::as_str).unwrap_or("FAILED");
        let closed = matches!(said("behaviorClose"), "OK" | "INFORMATIONAL" | "UNIMPLEMENTED");
        match said("behavior") {
            "OK" if closed => tally.ok += 1,
            "NON-STRICT" if closed => tally.non_strict += 1,
            "INFORMATIONAL" if closed => tally.informational += 1,
            "UNIMPLEMENTED" => tally.unimplemented += 1,
            _ => tally.failed.push(case.clone()),
        }
    }
    Ok(tally)
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "cases={} ok={} non-strict={} informational={} failed={} unimplemented={}",
            self.cases,
            self.ok,
            self.non_strict,
            self.informational,
            self.failed.len(),
            self.unimplemented
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_part_leaves_out_is_what_the_other_takes() {
        let of = |cases: Cases| cases.arguments().collect::<Vec<_>>();
        let (left_out, taken) = (of(Cases::Quick), of(Cases::Slow));
        assert_eq!(left_out[..2], ["-x", "12.2.*"]);
        assert_eq!(taken[..2], ["-i", "12.2.*"]);
        let names =
            |words: &[&'static str]| words.iter().copied().skip(1).step_by(2).collect::<Vec<_>>();
        assert_eq!(names(&left_out), names(&taken));
    }

    #[test]
    fn verdicts_are_counted_and_failures_named() {
        let text = r#"{"agent": {
            "1.1.1": {"behavior": "OK", "behaviorClose": "OK"},
            "1.1.2": {"behavior": "OK", "behaviorClose": "UNCLEAN"},
            "6.4.3": {"behavior": "NON-STRICT", "behaviorClose": "OK"},
            "7.1.6": {"behavior": "INFORMATIONAL", "behaviorClose": "INFORMATIONAL"},
            "9.1.1": {"behavior": "FAILED", "behaviorClose": "FAILED"},
            "12.1.1": {"behavior": "UNIMPLEMENTED", "behaviorClose": "UNIMPLEMENTED"},
            "13.1.1": {}
        }}"#;
        let tally = count(text).expect("parses");
        assert_eq!(tally.failed, ["1.1.2", "13.1.1", "9.1.1"]);
        assert_eq!(
            tally.to_string(),
            "cases=7 ok=1 non-strict=1 informational=1 failed=3 unimplemented=1"
        );
        assert!(!tally.is_clean() && !Tally::default().is_clean());
        let one = |behavior: &str| {
            let text = format!(
                "{{\"agent\":{{\"1\":{{\"behavior\":\"{behavior}\",\"behaviorClose\":\"OK\"}}}}}}"
            );
            count(&text).expect("parses").is_clean()
        };
        assert!(one("OK") && one("INFORMATIONAL"));
        assert!(!one("NON-STRICT") && !one("UNIMPLEMENTED") && !one("FAILED"));
    }

    #[test]
    fn reports_that_are_none_are_an_error() {
        assert!(count("[]").is_err() && count("").is_err());
    }
}
