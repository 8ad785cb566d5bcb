//! `cargo xtask demo`: an arena server, bots from two languages over two interfaces, and a page.
//!
//! Starts the programs, shows the server's state, and (with an end in sight) judges the run. The
//! game and the protocol are the programs' business.

mod page;
mod status;
mod verdict;

pub use self::page::Client;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::page::Page;
use self::status::{Final, Line, Status};
use self::verdict::{Kind, judge};
use crate::build;
use crate::cli::Args;
use crate::error::{Error, Result};
use crate::install::{self, Need};
use crate::paths::Project;
use crate::shell::{Run, Running, Tail, log_path};
use crate::table::Live;

/// How long a headless run lasts unless it is told.
const HEADLESS_SECONDS: u64 = 10;
/// How long the server may take to listen, and to end once it is asked to.
const SERVER_PATIENCE: Duration = Duration::from_secs(15);
/// How much longer than its own time a bot may take: Mono starts slowly on a busy machine.
const BOT_PATIENCE: Duration = Duration::from_secs(30);
/// How often the programs are looked at.
const POLL: Duration = Duration::from_millis(50);
/// The page is known by its dialect: a person may choose any name in it.
const PAGE: Kind = Kind { label: "page", prefix: "", interface: "ws", dialect: "plain", count: 1 };

/// A kind of bot and the program that plays it.
struct Bot {
    kind: Kind,
    program: &'static str,
    transport: &'static str,
}

const BOTS: &[Bot] = &[
    Bot {
        kind: Kind {
            label: "C over UDP",
            prefix: "c-udp",
            interface: "udp",
            dialect: "utp",
            count: 2,
        },
        program: "arena_bot",
        transport: "udp",
    },
    Bot {
        kind: Kind {
            label: "C# over UDP",
            prefix: "cs-udp",
            interface: "udp",
            dialect: "utp",
            count: 2,
        },
        program: "ArenaBot.exe",
        transport: "udp",
    },
    Bot {
        kind: Kind {
            label: "C# over WebSocket",
            prefix: "cs-ws",
            interface: "ws",
            dialect: "utp",
            count: 2,
        },
        program: "ArenaBot.exe",
        transport: "ws",
    },
];

/// What the command line asked for.
pub struct Options {
    /// Add a page client, judge, end.
    pub headless: bool,
    /// How long the bots play; without an end when None.
    pub seconds: Option<u64>,
    /// The port of both interfaces; 0 picks free ones.
    pub port: u16,
    /// What plays the page; Chromium where it is installed when None.
    pub page: Option<Client>,
    /// Show nothing but the verdict.
    pub quiet: bool,
}

/// `cargo xtask demo [--headless] [--seconds N] [--page WHICH] [--port N]`.
pub fn command(project: &Project, args: &Args) -> Result<()> {
    let headless = args.has("--headless");
    let seconds = args.number("--seconds")?.or(headless.then_some(HEADLESS_SECONDS));
    if seconds == Some(0) {
        return Err(Error::new("--seconds needs at least 1"));
    }
    let page = args.text("--page").map(Client::named).transpose()?;
    if page.is_some() && !headless {
        return Err(Error::new("--page goes with --headless"));
    }
    let port = args.number("--port")?.unwrap_or(0);
    let options = Options { headless, seconds, port, page, quiet: false };
    match run(project, &options) {
        Ok(line) => {
            println!("{line}");
            Ok(())
        }
        Err(error) => {
            // The verdict is the last line; what explains it in full stands before it.
            let text = error.to_string();
            if text.lines().count() > 1 {
                println!("{text}");
            }
            let line = error.headline();
            println!("demo: failed: {}", line.strip_prefix("demo: failed: ").unwrap_or(line));
            Err(Error::silent())
        }
    }
}

/// Plays the demo; returns its last line, or an error that says what failed.
pub fn run(project: &Project, options: &Options) -> Result<String> {
    install::require(project, &[Need::C, Need::Mono])?;
    if options.headless {
        install::require(project, &[Need::Node])?;
        if options.page != Some(Client::Node) {
            install::require(project, &[Need::Chromium])?;
        }
    }
    let say = |text: &str| {
        if !options.quiet {
            println!("{text}");
        }
    };
    say("building … (the first time takes a minute or two)");
    let programs = build::examples(project)?;
    let mut arena = Arena::start(project, &programs, options.port)?;
    let address = format!("http://localhost:{}/", arena.ws);
    say(&format!("the page: {address}"));
    let page = match options.headless {
        true => Some(Page::open(project, options.page, arena.ws, options.seconds)?),
        false => None,
    };
    let mut players = start_bots(project, &programs, &arena, options.seconds)?;
    if let Some(page) = page {
        say(&format!("a page joined: {}", page.how()));
        players.push(Player { label: "page".to_owned(), running: page.into_running() });
    }
    let faults = play(&mut arena, &mut players, options, &address)?;
    drop(players);
    let closing = arena.close()?;
    let mut kinds: Vec<_> = BOTS.iter().map(|bot| bot.kind).collect();
    kinds.extend(options.headless.then_some(PAGE));
    judge(&kinds, &closing, faults).map_err(Error::new)
}

/// A client program of the demo.
struct Player {
    label: String,
    running: Running,
}

fn start_bots(
    project: &Project,
    programs: &Path,
    arena: &Arena,
    seconds: Option<u64>,
) -> Result<Vec<Player>> {
    let mut players = Vec::new();
    for bot in BOTS {
        let program = build::program(programs, bot.program)?;
        let port = if bot.transport == "udp" { arena.udp } else { arena.ws };
        for number in 1..=bot.kind.count {
            let name = format!("{}-{number}", bot.kind.prefix);
            let run = if program.extension().is_some_and(|extension| extension == "exe") {
                build::mono(&program, programs)
            } else {
                Run::new(&program)
            };
            let mut run = run
                .args([bot.transport, &Ipv4Addr::LOCALHOST.to_string(), &port.to_string()])
                .args(["--name", &name]);
            if let Some(seconds) = seconds {
                run = run.args(["--seconds", &seconds.to_string()]);
            }
            let running = run.start(&log_path(project, &format!("demo-{name}"))?)?;
            players.push(Player { label: name, running });
        }
    }
    Ok(players)
}

/// Shows the arena until every player has ended; returns what went wrong with them.
fn play(
    arena: &mut Arena,
    players: &mut [Player],
    options: &Options,
    address: &str,
) -> Result<Vec<String>> {
    let limit = options.seconds.map(|s| Instant::now() + Duration::from_secs(s) + BOT_PATIENCE);
    let mut live = Live::new();
    let mut before: Option<Status> = None;
    loop {
        if let Some(status) = arena.latest()?
            && !options.quiet
        {
            live.show(|rows| board(&status, before.as_ref(), options, address, rows));
            before = Some(status);
        }
        let running: Vec<_> = players
            .iter_mut()
            .filter_map(|player| player.running.ended().is_none().then_some(player.label.as_str()))
            .collect();
        if running.is_empty() {
            break;
        }
        if limit.is_some_and(|limit| Instant::now() >= limit) {
            return Ok(vec![format!("still running after their time: {}", running.join(", "))]);
        }
        std::thread::sleep(POLL);
    }
    let mut faults = Vec::new();
    for player in players {
        match player.running.ended() {
            Some(status) if status.success() => {}
            status => {
                let status = status.map_or("no status".to_owned(), |status| status.to_string());
                println!("{} ended with {status}:\n{}", player.label, player.running.tail());
                faults.push(format!("{} ended with {status}", player.label));
            }
        }
    }
    Ok(faults)
}

/// What a person sees: where to go, who is there, and how to end it.
fn board(
    status: &Status,
    before: Option<&Status>,
    options: &Options,
    address: &str,
    rows: usize,
) -> Vec<String> {
    const LINES_AROUND: usize = 4;
    let mut lines = vec![String::new()];
    lines.extend(status.lines(rows.saturating_sub(LINES_AROUND), before));
    lines.push(String::new());
    lines.push(match options.headless {
        true => format!("  {address}"),
        false => format!("  Open {address} and join in. Ctrl-C ends everything."),
    });
    lines
}

/// The running server.
struct Arena {
    running: Running,
    output: Tail,
    udp: u16,
    ws: u16,
}

impl Arena {
    fn start(project: &Project, programs: &Path, port: u16) -> Result<Self> {
        let log: PathBuf = log_path(project, "demo-arena-server")?;
        let port = port.to_string();
        let running = Run::new(build::program(programs, "arena_server")?)
            .args(["--udp", &port, "--ws", &port, "--status", "--page"])
            .arg(project.file("examples/page/arena.html")?)
            .start(&log)?;
        let mut arena = Self { running, output: Tail::open(&log)?, udp: 0, ws: 0 };
        let end = Instant::now() + SERVER_PATIENCE;
        loop {
            // The rest of what it has printed by then is seen by nobody and missed by nobody.
            for line in arena.lines()? {
                if let Line::Listening { udp, ws } = line {
                    (arena.udp, arena.ws) = (udp, ws);
                    return Ok(arena);
                }
            }
            if arena.running.ended().is_some() || Instant::now() >= end {
                let tail = arena.running.tail();
                return Err(Error::new(format!("the arena server does not listen\n{tail}")));
            }
            std::thread::sleep(POLL);
        }
    }

    /// The newest state since the last look.
    fn latest(&mut self) -> Result<Option<Status>> {
        let mut newest = None;
        for line in self.lines()? {
            if let Line::Status(status) = line {
                newest = Some(status);
            }
        }
        if self.running.ended().is_some() {
            let tail = self.running.tail();
            return Err(Error::new(format!("the arena server ended too early\n{tail}")));
        }
        Ok(newest)
    }

    /// Asks the server to end and returns its closing account.
    fn close(mut self) -> Result<Final> {
        self.running.terminate();
        if self.running.wait(SERVER_PATIENCE).is_none() {
            return Err(Error::new("the arena server did not end when asked to"));
        }
        for line in self.lines()? {
            if let Line::Final(closing) = line {
                return Ok(closing);
            }
        }
        let tail = self.running.tail();
        Err(Error::new(format!("the arena server ended without its closing line\n{tail}")))
    }

    /// What the server printed since the last look. Anything that is not JSON is a log line.
    fn lines(&mut self) -> Result<Vec<Line>> {
        let lines = self.output.lines()?.into_iter().filter(|line| line.starts_with('{'));
        lines.map(|line| status::parse(&line).map_err(Error::new)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// A project in a folder of its own, with a shell script in the server's place.
    fn project(name: &str, script: &str) -> Project {
        let root = std::env::temp_dir().join(format!("xtask-arena-{name}-{}", std::process::id()));
        fs::create_dir_all(root.join("examples/page")).expect("created");
        fs::write(root.join("examples/page/arena.html"), "").expect("written");
        let program = root.join("arena_server");
        fs::write(&program, format!("#!/bin/sh\n{script}")).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
        Project { logs: root.join("target/logs"), target: root.join("target"), root }
    }

    #[test]
    fn an_arena_tells_its_ports_its_state_and_its_closing_account() {
        let script = r#"
            trap 'echo "{\"final\":{\"clients_total\":0,\"joined\":[],\"messages_in\":1,\
\"messages_out\":2}}"; exit 0' TERM
            echo '{"listening":{"udp":1000,"ws":2000}}'
            echo 'a log line'
            while :; do
                echo '{"t":1,"clients":[],"messages_in":1,"messages_out":2}'
                sleep 0.05
            done"#;
        let project = project("well", script);
        let mut arena = Arena::start(&project, &project.root, 0).expect("listens");
        assert_eq!((arena.udp, arena.ws), (1000, 2000));
        let end = Instant::now() + SERVER_PATIENCE;
        while arena.latest().expect("runs").is_none() {
            assert!(Instant::now() < end, "no state");
        }
        let closing = arena.close().expect("has its say");
        assert_eq!((closing.messages_in, closing.messages_out), (1, 2));
        fs::remove_dir_all(&project.root).expect("ours");
    }

    #[test]
    fn a_server_that_ends_before_it_listens_is_an_error_with_its_last_words() {
        let project = project("early", "echo 'the port is taken' >&2; exit 1\n");
        let error = Arena::start(&project, &project.root, 0).err().expect("it does not listen");
        assert!(error.to_string().contains("the port is taken"), "{error}");
        fs::remove_dir_all(&project.root).expect("ours");
    }

    #[test]
    fn a_server_without_a_closing_line_is_an_error() {
        let script = "echo '{\"listening\":{\"udp\":1,\"ws\":2}}'\nexec sleep 60\n";
        let project = project("mute", script);
        let arena = Arena::start(&project, &project.root, 0).expect("listens");
        let error = arena.close().expect_err("no closing line");
        assert!(error.to_string().contains("without its closing line"), "{error}");
        fs::remove_dir_all(&project.root).expect("ours");
    }
}
