//! The UDP benchmark: netdriver through its C interface, ENet, renet, quinn, and bare sockets.
//!
//! The programs are in `benches/udp` (C) and `benches/peers` (Rust). Each is both sides of a peer,
//! and all share the load and the measuring of `benches/udp/load.c`.

use std::path::Path;

use super::Options;
use super::programs::{self, CPrograms};
use super::suite::{Better, Ending, Load, Metric, Network, Peer, Program, Role, Suite, words};
use crate::error::Result;
use crate::install::{self, Need};
use crate::paths::Project;

/// Its name on the command line.
pub const NAME: &str = "udp";
/// Where the programs in C go.
const OUT: &str = "bench/udp";
/// The C programs and what each is linked with.
const C_PROGRAMS: &[(&str, &[&str])] =
    &[("bare", &[]), ("enet", &["-lenet"]), ("netdriver", &["-lnetdriver"]), ("proxy", &[])];
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
const CPU: Metric =
    Metric::new("cpu_us_per_message", "CPU s per 1M messages", 1.0, 3, Better::Less);
const P50: Metric = Metric::new("p50_us", "p50 µs", 1.0, 0, Better::Less);
const P99: Metric = Metric::new("p99_us", "p99 µs", 1.0, 0, Better::Less);
const MAX: Metric = Metric::new("max_us", "max µs", 1.0, 0, Better::Less);
const ECHO: &[Metric] = &[
    Metric::new("messages_per_s", "k messages/s", 1000.0, 1, Better::More).of_bare(),
    CPU.charted().of_bare(),
    P50,
    P99,
    MAX,
];
const BULK: &[Metric] = &[Metric::new("mb_per_s", "MB/s", 1.0, 1, Better::More).charted(), CPU];
const STREAM: &[Metric] = &[
    Metric { label: "p50 ms", unit: 1000.0, digits: 1, ..P50 },
    Metric { label: "p99 ms", unit: 1000.0, digits: 1, charted: true, ..P99 },
    Metric { label: "max ms", unit: 1000.0, digits: 1, ..MAX },
    Metric::new("wire_per_payload", "wire bytes / payload", 1.0, 2, Better::Less),
    CPU,
];

/// Puts the benchmark together.
pub fn suite(project: &Project, options: &Options) -> Result<Suite> {
    let out = project.out(OUT)?;
    Ok(Suite {
        name: NAME,
        title: "UDP: what netdriver and others cost",
        peers: peers(&out, &programs::rust_folder(project)?, options),
        loads: loads(options.seconds),
        network: Some(out.join("proxy")),
    })
}

/// Builds all programs.
pub fn build(project: &Project, _: &Options) -> Result<()> {
    install::require(project, &[Need::C, Need::Enet])?;
    println!("building the peers …");
    let c = CPrograms::begin(project, "benches/udp", OUT)?;
    for (name, libraries) in C_PROGRAMS {
        let shared: &[&str] = &["load"];
        c.build(name, &[&[*name], shared].concat(), libraries)?;
    }
    programs::rust_peers(project)
}

fn peers(c: &Path, rust: &Path, options: &Options) -> Vec<Peer> {
    let program = |folder: &Path, name: &str| Program::new(folder.join(name));
    let peer = |name, role, program: &Program, without| Peer {
        name,
        role,
        server: program.with(&["server"]),
        client: program.with(&["client"]),
        without,
    };
    let netdriver = program(c, "netdriver");
    let mut peers = vec![peer("netdriver", Role::Ours, &netdriver, &[])];
    if let Some(folder) = &options.baseline {
        let before = netdriver.with_libraries(folder);
        peers.push(peer("netdriver-baseline", Role::Ours, &before, &[]));
    }
    peers.push(Peer {
        name: "netdriver-stock",
        role: Role::Ours,
        server: netdriver.with(&["server", "--stock", "1"]),
        client: program(c, "bare").with(&["client", "--stock", "1"]),
        without: &["reliable", "bulk", "stream"],
    });
    peers.push(peer("bare", Role::Bound, &program(c, "bare"), &["reliable", "bulk", "stream"]));
    peers.push(peer("enet", Role::Rival, &program(c, "enet"), &[]));
    peers.push(peer("renet", Role::Rival, &program(rust, "renet"), &[]));
    peers.push(peer("quinn", Role::Rival, &program(rust, "quinn"), &[]));
    peers
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
    let numbers = [
        ("--clients", f64::from(CLIENTS)),
        ("--size", f64::from(ECHO_SIZE)),
        ("--window", f64::from(window)),
        ("--reliable", f64::from(u8::from(reliable))),
    ];
    Load { reliable, metrics: ECHO, ..load(name, title, "echo", &numbers, seconds) }
}

fn bulk(seconds: f64) -> Load {
    let numbers = [("--bytes", f64::from(BULK_BYTES)), ("--size", f64::from(BULK_SIZE))];
    let numbers = [&numbers[..], &[("--reliable", 1.0)]].concat();
    let title = "100 MB in messages of 4 KiB, reliable, one way";
    Load { ending: Ending::Server, metrics: BULK, ..load("bulk", title, "bulk", &numbers, seconds) }
}

fn stream(name: &'static str, title: &'static str, loss: u32, seconds: f64) -> Load {
    let numbers = [
        ("--size", f64::from(STREAM_SIZE)),
        ("--rate", f64::from(STREAM_RATE)),
        ("--reliable", 1.0),
    ];
    Load {
        network: Some(Network { delay_ms: STREAM_DELAY_MS, loss }),
        together: true,
        payload_per_s: f64::from(STREAM_SIZE * STREAM_RATE),
        metrics: STREAM,
        ..load(name, title, "stream", &numbers, seconds * STREAM_SECONDS)
    }
}

/// What most loads have in common: both sides get the same arguments.
fn load(
    name: &'static str,
    title: &str,
    kind: &str,
    numbers: &[(&str, f64)],
    seconds: f64,
) -> Load {
    let kind = ["--load".to_owned(), kind.to_owned()];
    let args = [&kind[..], &words(numbers), &words(&[("--seconds", seconds)])].concat();
    Load {
        name,
        title: title.to_owned(),
        server: args.clone(),
        client: args,
        seconds,
        ending: Ending::Client,
        network: None,
        together: false,
        reliable: true,
        payload_per_s: 0.0,
        metrics: &[],
    }
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
