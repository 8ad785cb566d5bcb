//! One trial: starts a server, perhaps a bad network, and a client, and collects what they print.
//!
//! Programs print `port N` when they are ready and `result {…}` (an object of numbers) when they
//! have measured. Whatever happens, all of them have ended when a trial is over.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::cores::Cores;
use super::suite::{Ending, Load, Network, Peer, Program, Sample, Suite};
use crate::error::{Context, Error, Result};
use crate::paths::Project;
use crate::shell::{Run, Running, Tail, log_path};

/// What a program may take until it is ready.
const READY_LIMIT: Duration = Duration::from_secs(10);
/// What a trial may take beyond its measured time: connecting, warming up, a slow bulk.
const TRIAL_SLACK: Duration = Duration::from_secs(40);
/// What a program may take to print its result once the other side has.
const RESULT_LIMIT: Duration = Duration::from_secs(5);
/// Descriptors that a program may have open, where the system lets it.
pub const DESCRIPTORS: u32 = 20_000;
/// Time between two looks at what the programs wrote.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// A stream's warm-up and a little more: what the network counts starts then.
const COUNT_AFTER_MS: u64 = 1200;

/// A program of a trial and what it has said so far.
struct Player {
    name: String,
    running: Running,
    tail: Tail,
    port: Option<u16>,
    result: Option<Sample>,
}

impl Player {
    fn start(project: &Project, name: &str, run: Run) -> Result<Self> {
        let log = log_path(project, name)?;
        let running = run.start(&log)?;
        let tail = Tail::open(&log)?;
        Ok(Self { name: name.to_owned(), running, tail, port: None, result: None })
    }

    fn listen(&mut self) -> Result<()> {
        for line in self.tail.lines()? {
            match line.split_once(' ') {
                Some(("port", port)) => self.port = port.parse().ok(),
                Some(("result", text)) => self.result = Some(numbers(text)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// Waits until it has said what `said` looks for, or has ended, or the time is over.
    fn wait<T>(&mut self, limit: Duration, said: impl Fn(&Self) -> Option<T>) -> Result<T> {
        let end = Instant::now() + limit;
        loop {
            let ended = self.running.ended().is_some();
            self.listen()?;
            if let Some(answer) = said(self) {
                return Ok(answer);
            }
            if ended || Instant::now() > end {
                let why = if ended { "ended without a result" } else { "took too long" };
                return Err(Error::new(format!("{} {why}:\n{}", self.name, self.running.tail())));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    fn port(&mut self) -> Result<u16> {
        self.wait(READY_LIMIT, |player| player.port)
    }

    fn result(&mut self, limit: Duration) -> Result<Sample> {
        self.wait(limit, |player| player.result.clone())
    }
}

/// Runs one peer under one load. `seed` decides what the network loses.
pub fn run(
    project: &Project,
    suite: &Suite,
    peer: &Peer,
    load: &Load,
    cores: Cores,
    seed: usize,
) -> Result<Sample> {
    let name = |what: &str| format!("bench-{}-{}-{}-{what}", suite.name, load.name, peer.name);
    let serve = side(&peer.server, &load.server, cores.server);
    let mut server = Player::start(project, &name("server"), serve)?;
    let mut port = server.port()?;
    let mut network = None;
    if let Some((program, settings)) = suite.network.as_ref().zip(load.network) {
        let run = between(program, settings, load, cores.load, port, seed);
        let mut player = Player::start(project, &name("network"), run)?;
        port = player.port()?;
        network = Some(player);
    }
    let mut client = side(&peer.client, &load.client, cores.load);
    client = client.args(["--port", &port.to_string()]);
    if load.ending == Ending::ClientAlone {
        client = client.args(["--server-pid", &server.running.id().to_string()]);
    }
    let mut client = Player::start(project, &name("client"), client)?;
    let limit = Duration::from_secs_f64(load.seconds) + TRIAL_SLACK;
    let mut sample = Sample::new();
    match load.ending {
        Ending::Client => {
            sample.extend(client.result(limit)?);
            sample.extend(server.result(RESULT_LIMIT)?);
        }
        Ending::ClientAlone => sample.extend(client.result(limit)?),
        Ending::Server => {
            sample.extend(server.result(limit)?);
            client.running.terminate();
            sample.extend(client.result(RESULT_LIMIT)?);
        }
    }
    if let Some(mut network) = network {
        sample.extend(network.result(RESULT_LIMIT)?);
    }
    derive(load, &mut sample);
    judge(load, &sample)?;
    Ok(sample)
}

fn side(program: &Program, args: &[String], core: u32) -> Run {
    let mut run = pinned(&program.path, core).args(&program.args).args(args);
    for (name, path) in &program.env {
        run = run.env(name, path);
    }
    run
}

/// A program that stays on one core and may open as many descriptors as the system lets it. Its
/// process is the one that is started here.
fn pinned(program: &Path, core: u32) -> Run {
    let script = format!(
        "ulimit -S -n {DESCRIPTORS} 2>/dev/null || ulimit -S -n \"$(ulimit -H -n)\"; \
         exec taskset -c {core} \"$0\" \"$@\""
    );
    Run::new("sh").args(["-c", &script]).arg(program)
}

fn between(
    program: &Path,
    network: Network,
    load: &Load,
    core: u32,
    port: u16,
    seed: usize,
) -> Run {
    let count_for = (load.seconds * 1000.0) as u64;
    let options = [
        ("--server", u64::from(port)),
        ("--delay-ms", u64::from(network.delay_ms)),
        ("--loss", u64::from(network.loss)),
        ("--seed", seed as u64),
        ("--count-after-ms", COUNT_AFTER_MS),
        ("--count-for-ms", count_for),
    ];
    let words = options.iter().flat_map(|(name, value)| [(*name).to_owned(), value.to_string()]);
    pinned(program, core).args(words)
}

/// Adds what follows from the numbers.
fn derive(load: &Load, sample: &mut Sample) {
    if let (Some(bytes), Some(seconds)) = (sample.get("wire_bytes"), sample.get("wire_seconds"))
        && load.payload_per_s > 0.0
    {
        let ratio = bytes / (seconds * load.payload_per_s);
        sample.insert("wire_per_payload".to_owned(), ratio);
    }
}

/// A number counts only when the messages arrived as promised.
fn judge(load: &Load, sample: &Sample) -> Result<()> {
    let count = |key: &str| sample.get(key).copied().unwrap_or_default();
    let broken = count("misordered") + count("server_misordered") + count("lost");
    if load.reliable && broken > 0.0 {
        return Err(Error::new(format!("{broken} messages were lost or out of order")));
    }
    if count("served") < 1.0 {
        return Err(Error::new("no message arrived"));
    }
    Ok(())
}

fn numbers(text: &str) -> Result<Sample> {
    let value: Value = serde_json::from_str(text).context("a result")?;
    let object = value.as_object().ok_or_else(|| Error::new("a result is no object"))?;
    let number = |(key, value): (&String, &Value)| Some((key.clone(), value.as_f64()?));
    Ok(object.iter().filter_map(number).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(reliable: bool) -> Load {
        Load { reliable, payload_per_s: 100.0, ..Load::nothing() }
    }

    #[test]
    fn what_a_program_prints_is_read() {
        let sample = numbers(r#"{"lost": 0, "p50_us": 12.5}"#).expect("an object");
        assert_eq!(sample["p50_us"], 12.5);
        assert!(numbers("[]").is_err() && numbers("").is_err());
    }

    #[test]
    fn a_reliable_load_may_lose_nothing() {
        let sample = numbers(r#"{"served": 3, "lost": 1}"#).expect("an object");
        assert!(judge(&load(true), &sample).is_err());
        assert!(judge(&load(false), &sample).is_ok());
        assert!(judge(&load(false), &Sample::new()).is_err());
    }

    #[test]
    fn wire_bytes_become_a_ratio_to_the_payload() {
        let mut sample = numbers(r#"{"wire_bytes": 300, "wire_seconds": 2}"#).expect("an object");
        derive(&load(true), &mut sample);
        assert_eq!(sample["wire_per_payload"], 1.5);
    }
}
