//! The UDP benchmark: netdriver through its C interface, ENet, renet, quinn, and bare sockets.
//!
//! The programs are in `benches/udp` (C) and `benches/peers` (Rust). Each is both sides of a peer,
//! and all share the load and the measuring of `benches/udp/load.c`.

use std::fs;
use std::path::{Path, PathBuf};

use super::Options;
use super::suite::{Better, Ending, Load, Metric, Network, Peer, Program, Role, Suite};
use crate::build::{self, C_WARNINGS};
use crate::error::{Context, Result};
use crate::install::{self, Need};
use crate::paths::{Project, stale};
use crate::shell::Run;

/// The C programs and what each is linked with.
const C_PROGRAMS: &[(&str, &[&str])] =
    &[("bare", &[]), ("enet", &["-lenet"]), ("netdriver", &["-lnetdriver"]), ("proxy", &[])];
const C_FLAGS: &[&str] = &["-std=c99", "-O2"];
/// Clients of the echo loads.
const CLIENTS: u32 = 100;
/// Bytes of their messages.
const ECHO_SIZE: u32 = 100;
/// Bytes of a message of the bulk.
const BULK_SIZE: u32 = 4096;
/// Bytes of the bulk.
const BULK_BYTES: u32 = 100_000_000;
/// Bytes and number per second of a stream's messages.
const STREAM_SIZE: u32 = 200;
const STREAM_RATE: u32 = 60;
/// The network of the streams, each way.
const STREAM_DELAY_MS: u32 = 25;
/// A stream takes so many times the seconds of other loads: it has few messages.
const STREAM_SECONDS: f64 = 10.0;

/// Nanoseconds and the like stand in the samples as the programs print them.
const CPU: Metric = metric("cpu_us_per_message", "CPU s per 1M messages", 1.0, 3, Better::Less);
const P50: Metric = metric("p50_us", "p50 µs", 1.0, 0, Better::Less);
const P99: Metric = metric("p99_us", "p99 µs", 1.0, 0, Better::Less);
const MAX: Metric = metric("max_us", "max µs", 1.0, 0, Better::Less);
const ECHO: &[Metric] = &[
    Metric {
        bound: Some("of bare"),
        ..metric("messages_per_s", "k messages/s", 1000.0, 1, Better::More)
    },
    Metric { charted: true, bound: Some("of bare"), ..CPU },
    P50,
    P99,
    MAX,
];
const BULK: &[Metric] =
    &[Metric { charted: true, ..metric("mb_per_s", "MB/s", 1.0, 1, Better::More) }, CPU];
const STREAM: &[Metric] = &[
    Metric { label: "p50 ms", unit: 1000.0, digits: 1, ..P50 },
    Metric { label: "p99 ms", unit: 1000.0, digits: 1, charted: true, ..P99 },
    Metric { label: "max ms", unit: 1000.0, digits: 1, ..MAX },
    metric("wire_per_payload", "wire bytes / payload", 1.0, 2, Better::Less),
    CPU,
];

const fn metric(
    key: &'static str,
    label: &'static str,
    unit: f64,
    digits: usize,
    better: Better,
) -> Metric {
    Metric { key, label, unit, digits, better, charted: false, bound: None }
}

/// Builds all programs and puts the benchmark together.
pub fn suite(project: &Project, options: &Options) -> Result<Suite> {
    install::require(project, &[Need::C, Need::Enet])?;
    println!("building the peers …");
    let programs = c_programs(project)?;
    let rust = rust_programs(project)?;
    Ok(Suite {
        name: "udp",
        title: "UDP: what netdriver and others cost",
        peers: peers(&programs, &rust, options),
        loads: loads(options.seconds),
        network: programs.join("proxy"),
    })
}

fn peers(c: &Path, rust: &Path, options: &Options) -> Vec<Peer> {
    let program = |folder: &Path, name: &str| Program {
        path: folder.join(name),
        args: Vec::new(),
        libraries: None,
    };
    let peer = |name, role, program: Program, without| Peer {
        name,
        role,
        server: program.clone(),
        client: program,
        without,
    };
    let netdriver = program(c, "netdriver");
    let stock = |program: Program| Program { args: words(&["--stock", "1"]), ..program };
    let mut peers = vec![peer("netdriver", Role::Ours, netdriver.clone(), &[])];
    if let Some(folder) = &options.baseline {
        let before = Program { libraries: Some(folder.clone()), ..netdriver.clone() };
        peers.push(peer("netdriver-baseline", Role::Ours, before, &[]));
    }
    peers.push(Peer {
        name: "netdriver-stock",
        role: Role::Ours,
        server: stock(netdriver),
        client: stock(program(c, "bare")),
        without: &["reliable", "bulk", "stream"],
    });
    peers.push(peer("bare", Role::Bound, program(c, "bare"), &["reliable", "bulk", "stream"]));
    peers.push(peer("enet", Role::Rival, program(c, "enet"), &[]));
    peers.push(peer("renet", Role::Rival, program(rust, "renet"), &[]));
    peers.push(peer("quinn", Role::Rival, program(rust, "quinn"), &[]));
    peers
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|&word| word.to_owned()).collect()
}

fn loads(seconds: f64) -> Vec<Load> {
    let mut loads = vec![
        echo("unreliable-1", "100 clients, 100 bytes, unreliable, 1 in flight", 1, false, seconds),
        echo(
            "unreliable-16",
            "100 clients, 100 bytes, unreliable, 16 in flight",
            16,
            false,
            seconds,
        ),
        echo("reliable-1", "100 clients, 100 bytes, reliable, 1 in flight", 1, true, seconds),
        echo("reliable-16", "100 clients, 100 bytes, reliable, 16 in flight", 16, true, seconds),
        bulk(seconds),
    ];
    let streams = [
        ("stream-0", "60 Hz, 200 bytes, reliable, 25 ms each way, no loss", 0),
        ("stream-1", "60 Hz, 200 bytes, reliable, 25 ms and 1 % loss each way", 1),
        ("stream-5", "60 Hz, 200 bytes, reliable, 25 ms and 5 % loss each way", 5),
        ("stream-10", "60 Hz, 200 bytes, reliable, 25 ms and 10 % loss each way", 10),
    ];
    loads.extend(streams.map(|(name, title, loss)| stream(name, title, loss, seconds)));
    loads
}

fn echo(
    name: &'static str,
    title: &'static str,
    window: u32,
    reliable: bool,
    seconds: f64,
) -> Load {
    let args = options(&[
        ("--clients", CLIENTS),
        ("--size", ECHO_SIZE),
        ("--window", window),
        ("--reliable", u32::from(reliable)),
    ]);
    Load {
        name,
        title,
        args: [words(&["--load", "echo"]), args].concat(),
        seconds,
        ending: Ending::Client,
        network: None,
        together: false,
        reliable,
        payload_per_s: 0.0,
        metrics: ECHO,
    }
}

fn bulk(seconds: f64) -> Load {
    let args = options(&[("--bytes", BULK_BYTES), ("--size", BULK_SIZE), ("--reliable", 1)]);
    Load {
        name: "bulk",
        title: "100 MB in messages of 4 KiB, reliable, one way",
        args: [words(&["--load", "bulk"]), args].concat(),
        seconds,
        ending: Ending::Server,
        network: None,
        together: false,
        reliable: true,
        payload_per_s: 0.0,
        metrics: BULK,
    }
}

fn stream(name: &'static str, title: &'static str, loss: u32, seconds: f64) -> Load {
    let args = options(&[("--size", STREAM_SIZE), ("--rate", STREAM_RATE), ("--reliable", 1)]);
    Load {
        name,
        title,
        args: [words(&["--load", "stream"]), args].concat(),
        seconds: seconds * STREAM_SECONDS,
        ending: Ending::Client,
        network: Some(Network { delay_ms: STREAM_DELAY_MS, loss }),
        together: true,
        reliable: true,
        payload_per_s: f64::from(STREAM_SIZE * STREAM_RATE),
        metrics: STREAM,
    }
}

fn options(list: &[(&str, u32)]) -> Vec<String> {
    list.iter().flat_map(|(name, value)| [(*name).to_owned(), value.to_string()]).collect()
}

/// Compiles the C programs beside a copy of the release library.
fn c_programs(project: &Project) -> Result<PathBuf> {
    let out = project.out("bench/udp")?;
    let library = build::release(project)?;
    let copy = out.join("libnetdriver.so");
    if stale(&copy, std::slice::from_ref(&library)) {
        fs::copy(&library, &copy).context(copy.display())?;
    }
    let shared = project.file("benches/udp/load.c")?;
    let mut inputs = project.sources("benches/udp", "c")?;
    inputs.extend(project.sources("benches/udp", "h")?);
    inputs.extend([project.file("include/netdriver.h")?, copy]);
    for (name, libraries) in C_PROGRAMS {
        let program = out.join(name);
        if !stale(&program, &inputs) {
            continue;
        }
        let source = project.file(&format!("benches/udp/{name}.c"))?;
        Run::new("cc")
            .args(C_FLAGS)
            .args(C_WARNINGS)
            .arg("-I")
            .arg(project.path("include"))
            .args([&source, &shared])
            .arg("-o")
            .arg(&program)
            .arg("-L")
            .arg(&out)
            .args(*libraries)
            .arg("-Wl,-rpath,$ORIGIN")
            .quiet(project, &format!("cc-bench-{name}"))?;
    }
    Ok(out)
}

/// Builds the peers from crates.io, in a workspace of their own.
fn rust_programs(project: &Project) -> Result<PathBuf> {
    let target = project.out("bench/peers")?;
    Run::cargo(project)
        .args(["build", "--release", "--locked", "--manifest-path"])
        .arg(project.file("benches/peers/Cargo.toml")?)
        .arg("--target-dir")
        .arg(&target)
        .quiet(project, "cargo-build-bench-peers")?;
    Ok(target.join("release"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_load_has_a_name_of_its_own_and_one_metric_in_the_chart() {
        let loads = loads(1.0);
        for load in &loads {
            assert_eq!(loads.iter().filter(|other| other.name == load.name).count(), 1);
            assert_eq!(load.metrics.iter().filter(|metric| metric.charted).count(), 1);
        }
        assert_eq!(loads.len(), 9);
    }
}
