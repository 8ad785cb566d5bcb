//! The WebSocket benchmark: echo servers of netdriver through its C interface, libwebsockets,
//! tungstenite, Node's ws, uWebSockets where its source is, and bare sockets.
//!
//! The servers are in `benches/websocket` and `benches/peers` and only echo. One load for all,
//! `benches/websocket/load.c`, makes the clients and measures the server's process from outside.

use std::fs;
use std::path::{Path, PathBuf};

use super::Options;
use super::programs::{self, CPrograms};
use super::suite::{Better, Ending, Load, Metric, Peer, Program, Role, Suite, words};
use super::trial::DESCRIPTORS;
use crate::error::{Context, Error, Result};
use crate::install::{self, Need};
use crate::paths::Project;
use crate::shell::Run;

/// Its name on the command line.
pub const NAME: &str = "websocket";
/// Where the programs in C go.
const OUT: &str = "bench/websocket";
/// The program that plays the clients.
const LOAD: &str = "load";
/// The server with uWebSockets.
const UWEBSOCKETS: &str = "uwebsockets";
/// The servers in C and what each is linked with.
const C_SERVERS: &[(&str, &[&str])] =
    &[("bare", &[]), ("libwebsockets", &["-lwebsockets"]), ("netdriver", &["-lnetdriver"])];
const CXX_FLAGS: &[&str] = &["-std=c++20", "-O3"];
/// Flags of uWebSockets' own socket library: plain TCP alone.
const USOCKETS_FLAGS: &[&str] = &["-O3", "-DLIBUS_NO_SSL"];
/// Its sources, in its folder inside of uWebSockets.
const USOCKETS: &str = "uSockets/src";
/// Clients that say nothing, and how many with `--quick`.
const IDLE_CLIENTS: u32 = 10_000;
const IDLE_CLIENTS_QUICK: u32 = 1000;
/// Descriptors that a server needs for itself.
const DESCRIPTORS_OWN: u32 = 64;

const ECHO: &[Metric] = &[
    Metric::new("messages_per_s", "k messages/s", 1000.0, 1, Better::More).of_bare(),
    Metric::new("cpu_us_per_message", "CPU s per 1M messages", 1.0, 3, Better::Less)
        .charted()
        .of_bare(),
    Metric::new("p50_us", "p50 µs", 1.0, 0, Better::Less).of_bare(),
    Metric::new("p99_us", "p99 µs", 1.0, 0, Better::Less).of_bare(),
];
/// Messages of which there are few in a second.
const HUGE: &[Metric] = &[
    Metric { label: "messages/s", unit: 1.0, digits: 0, ..ECHO[0] },
    Metric { digits: 0, ..ECHO[1] },
    ECHO[2],
    ECHO[3],
];
const IDLE: &[Metric] = &[
    Metric::new("bytes_per_connection", "KiB per connection", 1024.0, 2, Better::Less)
        .charted()
        .of_bare(),
    Metric::new("cpu_us_per_connection", "CPU µs to open one", 1.0, 1, Better::Less).of_bare(),
];

/// Puts the benchmark together.
pub fn suite(project: &Project, options: &Options) -> Result<Suite> {
    let (out, rust) = (project.out(OUT)?, programs::rust_folder(project)?);
    let load = out.join(LOAD);
    let servers = servers(project, &out, &rust, options);
    Ok(Suite {
        name: NAME,
        title: "WebSocket: what an echo costs netdriver and others",
        peers: servers.into_iter().map(|server| server.beside(&load)).collect(),
        loads: loads(options, descriptors_max()),
        network: None,
    })
}

/// Builds all programs.
pub fn build(project: &Project, options: &Options) -> Result<()> {
    install::require(project, &[Need::C, Need::Node, Need::Libwebsockets])?;
    println!("building the peers …");
    let c = CPrograms::begin(project, "benches/websocket", OUT)?;
    c.build(LOAD, &["load", "connection", "traffic"], &["-lz"])?;
    for (name, libraries) in C_SERVERS {
        c.build(name, &[name], libraries)?;
    }
    programs::rust_peers(project)?;
    match &options.uwebsockets {
        Some(source) => uwebsockets(project, source, c.out()),
        None => Ok(()),
    }
}

/// An echo server that takes part.
struct Server {
    name: &'static str,
    role: Role,
    program: Program,
    without: &'static [&'static str],
}

impl Server {
    const fn new(name: &'static str, role: Role, program: Program) -> Self {
        Self { name, role, program, without: &[] }
    }

    fn beside(self, load: &Path) -> Peer {
        let load = Program::new(load.to_path_buf());
        let client = if self.role == Role::Bound { load.with(&["--bare", "1"]) } else { load };
        let Self { name, role, program, without } = self;
        Peer { name, role, server: program, client, without }
    }
}

fn servers(project: &Project, c: &Path, rust: &Path, options: &Options) -> Vec<Server> {
    let program = |folder: &Path, name: &str| Program::new(folder.join(name));
    let netdriver = program(c, "netdriver");
    let mut servers = vec![Server::new("netdriver", Role::Ours, netdriver.clone())];
    if let Some(folder) = &options.baseline {
        let before = netdriver.with_libraries(folder);
        servers.push(Server::new("netdriver-baseline", Role::Ours, before));
    }
    servers.push(Server::new("bare", Role::Bound, program(c, "bare")));
    if options.uwebsockets.is_some() {
        servers.push(Server::new(UWEBSOCKETS, Role::Rival, program(c, UWEBSOCKETS)));
    }
    servers.push(Server::new("libwebsockets", Role::Rival, program(c, "libwebsockets")));
    let tungstenite = program(rust, "tungstenite");
    // It knows no compression.
    let without = &["deflate"];
    let tuned = tungstenite.with(&["--tuned", "1"]);
    let server = Server::new("tungstenite", Role::Rival, tungstenite);
    servers.push(Server { without, ..server });
    let server = Server::new("tungstenite-tuned", Role::Rival, tuned);
    servers.push(Server { without, ..server });
    let script = project.path("benches/websocket/ws.mjs").display().to_string();
    let mut ws = Program::new(PathBuf::from("node")).with(&[&script]);
    ws.env.push(("NETDRIVER_NODE_MODULES", install::node_modules(project)));
    servers.push(Server::new("ws", Role::Rival, ws));
    servers
}

/// Is the source of uWebSockets in `folder`?
pub fn check_uwebsockets(folder: &Path) -> Result<()> {
    let (headers, sockets) = (folder.join("src"), folder.join(USOCKETS));
    if !headers.join("App.h").is_file() || !sockets.join("libusockets.h").is_file() {
        let folder = folder.display();
        let text = format!(
            "--uwebsockets: {folder} has no src/App.h and {USOCKETS}/libusockets.h; name a \
             checkout of uWebSockets with its submodule uSockets"
        );
        return Err(Error::new(text));
    }
    Ok(())
}

/// Compiles the server with uWebSockets, whose source is in `folder`.
fn uwebsockets(project: &Project, folder: &Path, out: &Path) -> Result<()> {
    let (headers, sockets) = (folder.join("src"), folder.join(USOCKETS));
    install::require(project, &[Need::Cxx])?;
    let objects = project.out("bench/uwebsockets")?;
    let mut sources = c_files(&sockets)?;
    sources.extend(c_files(&sockets.join("eventing"))?);
    Run::new("cc")
        .dir(&objects)
        .args(USOCKETS_FLAGS)
        .arg("-I")
        .arg(&sockets)
        .arg("-c")
        .args(&sources)
        .quiet(project, "cc-bench-usockets")?;
    let program = out.join(UWEBSOCKETS);
    let object =
        |source: &PathBuf| objects.join(source.with_extension("o").file_name().unwrap_or_default());
    Run::new("c++")
        .args(CXX_FLAGS)
        .arg("-I")
        .arg(&headers)
        .arg("-I")
        .arg(&sockets)
        .arg(project.file("benches/websocket/uwebsockets.cpp")?)
        .args(sources.iter().map(object))
        .args(["-lz", "-o"])
        .arg(&program)
        .quiet(project, "cc-bench-uwebsockets")
        .map(|_| ())
}

fn c_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).context(folder.display())? {
        files.push(entry.context(folder.display())?.path());
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
    files.sort();
    Ok(files)
}

/// Descriptors that this process could have at most.
fn descriptors_max() -> u32 {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    hard_limit(&limits).unwrap_or(DESCRIPTORS).min(DESCRIPTORS)
}

/// The hard limit in the words of the system's table.
fn hard_limit(table: &str) -> Option<u32> {
    let line = table.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn loads(options: &Options, descriptors: u32) -> Vec<Load> {
    let seconds = options.seconds;
    let echo = |name, clients: u32, size: u32, window: u32| {
        let many = if clients == 1 { "client" } else { "clients" };
        let shown = match size {
            0x10_0000 => "1 MiB".to_owned(),
            0x4000 => "16 KiB".to_owned(),
            _ => format!("{size} bytes"),
        };
        let title = format!("{clients} {many}, {shown}, {window} in flight");
        load(
            name,
            title,
            &[("--clients", clients), ("--size", size), ("--window", window)],
            seconds,
        )
    };
    let mut loads = vec![
        echo("single", 1, 64, 1),
        echo("many-1", 100, 64, 1),
        echo("many-16", 100, 64, 16),
        echo("crowd", 1000, 128, 1),
        echo("large", 10, 16 << 10, 4),
        Load { metrics: HUGE, ..echo("huge", 1, 1 << 20, 1) },
    ];
    for (name, window) in [("deflate-1", 1), ("deflate-16", 16)] {
        let mut load = echo(name, 100, 512, window);
        load.title += ", text with permessage-deflate";
        let deflate = words(&[("--deflate", 1.0)]);
        load.server.extend(deflate.iter().cloned());
        load.client.extend(deflate);
        loads.push(load);
    }
    loads.push(idle(options, descriptors));
    loads
}

fn idle(options: &Options, descriptors: u32) -> Load {
    let wanted = if options.quick { IDLE_CLIENTS_QUICK } else { IDLE_CLIENTS };
    let clients = wanted.min(descriptors.saturating_sub(DESCRIPTORS_OWN));
    let why = if clients < wanted { " (no more descriptors: see ulimit -H -n)" } else { "" };
    let title = format!("{clients} idle clients{why}");
    let numbers = [("--clients", clients), ("--size", 64), ("--window", 1), ("--idle", 1)];
    Load { metrics: IDLE, ..load("idle", title, &numbers, options.seconds) }
}

fn load(name: &'static str, title: String, numbers: &[(&str, u32)], seconds: f64) -> Load {
    let numbers: Vec<_> = numbers.iter().map(|(name, value)| (*name, f64::from(*value))).collect();
    Load {
        name,
        title,
        server: Vec::new(),
        client: [words(&numbers), words(&[("--seconds", seconds)])].concat(),
        seconds,
        ending: Ending::ClientAlone,
        network: None,
        together: false,
        reliable: true,
        payload_per_s: 0.0,
        metrics: ECHO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(quick: bool) -> Options {
        Options {
            rounds: 1,
            seconds: 0.5,
            only: Vec::new(),
            peers: Vec::new(),
            baseline: None,
            uwebsockets: None,
            quick,
            write: false,
        }
    }

    #[test]
    fn every_load_has_a_name_of_its_own_and_one_metric_in_the_chart() {
        let loads = loads(&options(false), DESCRIPTORS);
        for load in &loads {
            assert_eq!(loads.iter().filter(|other| other.name == load.name).count(), 1);
            assert_eq!(load.metrics.iter().filter(|metric| metric.charted).count(), 1);
        }
        assert_eq!(loads.len(), 9);
    }

    #[test]
    fn a_title_says_what_the_clients_do() {
        let loads = loads(&options(false), DESCRIPTORS);
        let titles: Vec<_> = loads.iter().map(|load| load.title.as_str()).collect();
        assert_eq!(titles[0], "1 client, 64 bytes, 1 in flight");
        assert_eq!(titles[4], "10 clients, 16 KiB, 4 in flight");
        assert_eq!(titles[5], "1 client, 1 MiB, 1 in flight");
        assert!(titles[7].ends_with("16 in flight, text with permessage-deflate"));
        assert_eq!(titles[8], "10000 idle clients");
    }

    #[test]
    fn only_what_the_system_allows_is_opened_and_the_title_says_so() {
        assert!(idle(&options(true), DESCRIPTORS).title.starts_with("1000 idle clients"));
        let load = idle(&options(false), 1024);
        assert_eq!(load.title, "960 idle clients (no more descriptors: see ulimit -H -n)");
        assert_eq!(load.client[..2], ["--clients", "960"]);
    }

    #[test]
    fn servers_are_told_of_compression_alone() {
        for load in loads(&options(false), DESCRIPTORS) {
            let expected = if load.name.starts_with("deflate") { "--deflate 1" } else { "" };
            assert_eq!(load.server.join(" "), expected);
        }
    }

    #[test]
    fn the_hard_limit_of_descriptors_is_read() {
        let table = "Limit   Soft Limit   Hard Limit   Units\n\
                     Max open files            1024                 524288               files\n";
        assert_eq!(hard_limit(table), Some(524_288));
        assert_eq!(hard_limit("Max open files 1024 unlimited files"), None);
    }

    #[test]
    fn a_folder_without_uwebsockets_is_refused_with_what_to_name() {
        let error = check_uwebsockets(Path::new("/nowhere")).expect_err("there is none");
        assert!(error.to_string().contains("checkout of uWebSockets"), "{error}");
    }
}
