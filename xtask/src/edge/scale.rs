//! Scale: one driver with ten thousand connections over UDP and ten thousand WebSockets at the same
//! time. `tests/edge/scale.c` makes and measures them; here is what is asked of it, and the table.
//!
//! The step of the ladder judges what is the same on every run: how many are connected,
//! instructions of an update, and bytes of an idle connection. Times are shown, and never judged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::build::{self, Link};
use crate::error::{Context, Error, Result};
use crate::install::Need;
use crate::paths::{Project, read};
use crate::shell::Run;
use crate::table::{Align, Table};
use crate::test::Outcome;

use super::count::{dump, dumps};
use super::{DOCUMENT, between};

/// What the step needs.
pub const NEEDS: &[Need] = &[Need::C, Need::Valgrind];

/// Connections of each kind, few and many; a hundred of all are active.
const FEW: u64 = 200;
const MANY: u64 = 10_000;
/// Descriptors for a client each, for what the server needs besides, and for Valgrind.
const DESCRIPTORS: u64 = MANY + 128;
/// Bytes of the library's own that an idle connection may hold, a WebSocket's request included.
const BYTES_MAX: u64 = 1024;
/// Both kinds on one driver.
const BOTH: &str = "both";
/// What the benchmark measures alone, too. The clients of the last one are a driver, too, whose
/// keep-alives are among what is counted.
const ALONE: &[&str] = &["udp", "websocket", "udp-session"];
/// An update among many connections may cost so many percent of one among few.
const COST_PERCENT: u64 = 150;
/// How often it is tried where datagrams may be lost.
const DATAGRAM_TRIES: u32 = 3;
/// How long one program may take.
const LIMIT: Duration = Duration::from_secs(300);

/// What a server has.
struct Load {
    kind: &'static str,
    /// Connections of each kind that it has.
    counts: Vec<u64>,
}

/// What was measured of the connections of one kind of a server.
#[derive(Clone)]
struct Row {
    kind: String,
    /// Of which sort these are.
    of: String,
    total: u64,
    connected: u64,
    connected_ms: u64,
    /// Of an idle connection.
    bytes: u64,
    /// Of them those of the client's request.
    head: u64,
    /// Bytes of the process that lie in memory, for an idle connection.
    resident: u64,
}

/// What an update of a server costs.
#[derive(Clone, Copy, Default)]
struct Cost {
    /// Of the two updates of a round, together.
    instructions: u64,
    ns: u64,
}

/// All that was measured.
#[derive(Default)]
struct Measured {
    rows: Vec<Row>,
    /// By kind, and the connections of the server.
    costs: BTreeMap<(String, u64), Cost>,
}

/// `cargo xtask bench scale [--write]`.
pub fn bench(project: &Project, write: bool) -> Result<()> {
    crate::install::require(project, NEEDS)?;
    let (websockets, short) = websockets(descriptors());
    let both = both(&[FEW / 2, MANY], websockets);
    let alone = ALONE.iter().map(|&kind| {
        let many = if kind == "websocket" { websockets } else { MANY };
        [FEW, many].map(|count| Load { kind, counts: vec![count] })
    });
    let loads: Vec<_> = both.into_iter().chain(alone.flatten()).collect();
    let mut measured = measure(project, &loads, false)?;
    measured.count(&measure(project, &loads, true)?);
    let document = read(&project.file(DOCUMENT)?)?;
    println!("{}", table(&measured).join("\n"));
    println!("{}", peers(&document));
    if let Some(short) = short {
        println!("{short}");
    }
    if write {
        let path = project.file(DOCUMENT)?;
        let shown = between(&document, "scale", &markdown(&measured))?;
        fs::write(&path, shown).context(path.display())?;
        println!("wrote {DOCUMENT}");
    }
    Ok(())
}

/// The step of the ladder.
pub fn check(project: &Project) -> Result<Outcome> {
    let (websockets, short) = websockets(descriptors());
    let loads = both(&[FEW / 2, MANY], websockets);
    // Times are those without Valgrind.
    let mut measured = measure(project, &loads, false)?;
    measured.count(&measure(project, &loads, true)?);
    let problems = judge(&measured, &loads);
    if !problems.is_empty() {
        return Err(Error::new(problems.join("\n")));
    }
    let mut notes: Vec<_> = short.into_iter().collect();
    notes.extend(measured.rows.iter().filter(|row| row.total > FEW).map(Row::text));
    notes.extend(measured.costs.iter().map(|((_, total), cost)| {
        let instructions = cost.instructions;
        format!("two updates with 100 active among {total}: {instructions} instructions")
    }));
    Ok(Outcome::Passed(notes))
}

/// Servers with both kinds: so many over UDP each, and as many WebSockets, at most `websockets`.
fn both(counts: &[u64], websockets: u64) -> Vec<Load> {
    let load = |&count| Load { kind: BOTH, counts: vec![count, websockets.min(count)] };
    counts.iter().map(load).collect()
}

/// How many WebSockets a process may serve here, and what to say where that is too few.
fn websockets(descriptors: Option<u64>) -> (u64, Option<String>) {
    let needed = DESCRIPTORS;
    match descriptors.filter(|&limit| limit < needed) {
        None => (MANY, None),
        Some(limit) => {
            let possible = limit.saturating_sub(DESCRIPTORS - MANY).max(FEW / 2);
            let text = format!(
                "ONLY {possible} OF {MANY} WEBSOCKETS: they need {needed} descriptors, and the \
                 system allows {limit} (`ulimit -Hn`); raise it (limits.conf, --ulimit nofile= of \
                 a container) to measure all"
            );
            (possible, Some(text))
        }
    }
}

/// Runs the program for each kind.
fn measure(project: &Project, loads: &[Load], counted: bool) -> Result<Measured> {
    let program = program(project)?;
    let mut measured = Measured::default();
    for load in loads {
        // A busy system drops datagrams even on the way to itself, and the program then gives up.
        let mut tries = if load.kind == "websocket" { 1 } else { DATAGRAM_TRIES };
        let one = loop {
            tries -= 1;
            match measure_load(project, &program, load, counted) {
                Err(_) if tries > 0 => {}
                outcome => break outcome?,
            }
        };
        measured.rows.extend(one.rows);
        measured.costs.extend(one.costs);
    }
    Ok(measured)
}

fn measure_load(project: &Project, program: &Path, load: &Load, counted: bool) -> Result<Measured> {
    let out = project.out("edge/scale-dumps")?;
    for old in dumps(&out)? {
        fs::remove_file(&old).context(old.display())?;
    }
    // What Valgrind runs cannot raise its limit, so that is done in front of it.
    let raise = format!("ulimit -Sn {DESCRIPTORS} || ulimit -Sn $(ulimit -Hn)");
    let mut run = Run::new("sh").args(["-c", &format!("{raise}; exec \"$@\""), "sh"]);
    if counted {
        run = run
            .args(["valgrind", "--tool=callgrind", "--collect-atstart=no", "--instr-atstart=no"])
            .arg(format!("--callgrind-out-file={}", out.join("dump").display()));
    }
    let counts: Vec<_> = load.counts.iter().map(u64::to_string).collect();
    let run = run.arg(program).arg(load.kind).arg(counts.join("+")).dir(&project.root).limit(LIMIT);
    let log = run.quiet(project, &format!("scale-{}", load.kind))?;
    let mut measured = Measured::default();
    log.lines().for_each(|line| measured.parse(line));
    for path in dumps(&out)? {
        let Some((name, total)) = dump(&read(&path)?) else { continue };
        measured.note_count(&name, total);
    }
    Ok(measured)
}

fn program(project: &Project) -> Result<PathBuf> {
    let library = build::release(project)?;
    let library = library.parent().unwrap_or(&project.target).to_path_buf();
    let program = project.out("edge")?.join("scale");
    let rpath = library.display().to_string();
    let source = project.file("tests/edge/scale.c")?;
    build::compile_c(project, &source, &program, &["-O2"], &Link::Shared(&library, &rpath))?;
    Ok(program)
}

impl Measured {
    /// A line of the program: what it is of, then names and values.
    fn parse(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        let value = |name: &str| {
            let place = words.iter().position(|&word| word == name)?;
            words.get(place + 1)?.parse::<u64>().ok()
        };
        let word =
            |place: usize| words.get(place).map_or_else(String::new, |&word| word.to_owned());
        let row = || {
            Some(Row {
                kind: word(1),
                of: word(2),
                total: word(3).parse().ok()?,
                connected: value("connected")?,
                connected_ms: value("connected_ms")?,
                bytes: value("bytes")?,
                head: value("head")?,
                resident: value("resident").unwrap_or_default(),
            })
        };
        let cost = || Some((word(2).parse().ok()?, value("updates_ns")?));
        match words[0] {
            "row" => self.rows.extend(row()),
            "cost" => {
                if let Some((total, ns)) = cost() {
                    self.costs.entry((word(1), total)).or_default().ns = ns;
                }
            }
            _ => {}
        }
    }

    /// A dump's name is kind, number of connections, and how many rounds were counted.
    fn note_count(&mut self, name: &str, count: u64) {
        let words: Vec<_> = name.split(' ').collect();
        let [kind, total, rounds] = words[..] else { return };
        if let (Ok(total), Ok(rounds)) = (total.parse(), rounds.parse::<u64>()) {
            let cost = self.costs.entry((kind.to_owned(), total)).or_default();
            cost.instructions = count / rounds.max(1);
        }
    }

    /// Takes over what another run has counted.
    fn count(&mut self, counted: &Self) {
        for (key, cost) in &counted.costs {
            self.costs.entry(key.clone()).or_default().instructions = cost.instructions;
        }
    }

    fn cost(&self, row: &Row) -> Cost {
        let same = self.rows.iter().filter(|other| other.kind == row.kind);
        // Those of one server are neighbours of about the same size.
        let total = if row.kind == BOTH {
            let few = row.total <= FEW;
            same.filter(|other| (other.total <= FEW) == few).map(|other| other.total).sum()
        } else {
            row.total
        };
        self.costs.get(&(row.kind.clone(), total)).copied().unwrap_or_default()
    }
}

impl Row {
    fn name(&self) -> String {
        if self.kind == self.of { self.kind.clone() } else { format!("{}: {}", self.kind, self.of) }
    }

    fn text(&self) -> String {
        format!(
            "{}: {} of {} connected within {:.2} s; an idle one holds {} bytes ({} of them its \
             request's), {:.2} KiB of resident memory",
            self.name(),
            self.connected,
            self.total,
            self.connected_ms as f64 / 1000.0,
            self.bytes,
            self.head,
            kib(self.resident),
        )
    }
}

fn kib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
}

fn judge(measured: &Measured, loads: &[Load]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut instructions = Vec::new();
    for load in loads {
        for (of, &wanted) in ["udp", "websocket"].into_iter().zip(&load.counts) {
            let row = measured.rows.iter().find(|row| row.of == of && row.total == wanted);
            let Some(row) = row else {
                problems.push(format!("{of}: nothing was measured of {wanted}"));
                continue;
            };
            if row.connected != wanted {
                problems.push(format!("{of}: {} of {wanted} are connected", row.connected));
            }
            if wanted > FEW && row.bytes > BYTES_MAX {
                problems.push(format!(
                    "{of}: an idle connection holds {} bytes of the library's own, and {BYTES_MAX} \
                     is the most",
                    row.bytes
                ));
            }
        }
        let key = (load.kind.to_owned(), load.counts.iter().sum());
        let cost = measured.costs.get(&key).copied().unwrap_or_default();
        if cost.instructions == 0 {
            problems.push(format!("no instruction was counted among {} connections", key.1));
        }
        instructions.push((key.1, cost.instructions));
    }
    if let [(few, least), .., (many, most)] = instructions[..]
        && most * 100 > least * COST_PERCENT
    {
        problems.push(format!(
            "an update costs {most} instructions among {many} connections and {least} among {few}; \
             at most {COST_PERCENT} % are fine: something looks at idle connections"
        ));
    }
    problems
}

const COLUMNS: [&str; 8] = [
    "kind",
    "connections",
    "all connected, s",
    "bytes of an idle one",
    "of them its head",
    "resident KiB of an idle one",
    "two updates, 100 active: instructions",
    "µs",
];

fn cells(row: &Row, cost: Cost) -> [String; 8] {
    [
        row.name(),
        row.total.to_string(),
        format!("{:.2}", row.connected_ms as f64 / 1000.0),
        row.bytes.to_string(),
        row.head.to_string(),
        format!("{:.2}", kib(row.resident)),
        cost.instructions.to_string(),
        (cost.ns / 1000).to_string(),
    ]
}

fn table(measured: &Measured) -> Vec<String> {
    let side = |name| if name == "kind" { Align::Left } else { Align::Right };
    let columns: Vec<_> = COLUMNS.iter().map(|&name| (name, side(name))).collect();
    let mut table = Table::new(&columns);
    for row in &measured.rows {
        table.row(cells(row, measured.cost(row)));
    }
    table.lines()
}

fn markdown(measured: &Measured) -> String {
    let mut text = format!("| {} |\n|---|{}\n", COLUMNS.join(" | "), "--:|".repeat(7));
    for row in &measured.rows {
        text += &format!("| {} |\n", cells(row, measured.cost(row)).join(" | "));
    }
    text
}

/// What the document knows of other servers: their resident memory for each of many idle clients.
fn peers(document: &str) -> String {
    let (before, rows) = document.split_once(" idle clients**").unwrap_or_default();
    let clients = before.rsplit_once("**").map_or("the", |(_, clients)| clients);
    let known = |name: &str| {
        let row = rows.lines().find(|line| line.starts_with(&format!("| {name} |")))?;
        let kib = row.split('|').nth(2)?.split_whitespace().next()?;
        Some(format!("{name} {kib}"))
    };
    let names = ["netdriver", "uwebsockets", "libwebsockets", "tungstenite-tuned", "ws"];
    let peers: Vec<_> = names.into_iter().filter_map(known).collect();
    let peers = peers.join(", ");
    format!(
        "resident KiB of each of {clients} idle WebSockets ({DOCUMENT}, bench websocket): {peers}"
    )
}

/// How many descriptors a process may have at most; `None`: as many as it likes, or unknown.
fn descriptors() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(4)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "\
row both udp 100 connected 100 connected_ms 5 updates 2 bytes 691 head 0 resident 700
row both websocket 100 connected 100 connected_ms 9 updates 2 bytes 1280 head 152 resident 900
cost both 200 updates_ns 81851
row both udp 10000 connected 10000 connected_ms 858 updates 112 bytes 605 head 0 resident 640
row both websocket 10000 connected 10000 connected_ms 990 bytes 1024 head 152 resident 1536
cost both 20000 updates_ns 86811
15129 passed, 0 failed";

    fn measured(few: u64, many: u64, change: impl FnOnce(&mut Measured)) -> Vec<String> {
        let mut measured = Measured::default();
        LINES.lines().for_each(|line| measured.parse(line));
        let mut counted = Measured::default();
        counted.note_count("both 200 8", few * 8);
        counted.note_count("both 20000 8", many * 8);
        measured.count(&counted);
        change(&mut measured);
        judge(&measured, &both(&[FEW / 2, MANY], MANY))
    }

    #[test]
    fn what_the_program_prints_is_read_and_what_is_good_passes() {
        let problems = measured(1000, 1500, |measured| {
            assert_eq!((measured.rows.len(), measured.costs.len()), (4, 2));
            let row = measured.rows[3].clone();
            assert_eq!((row.connected, row.connected_ms, row.head), (10_000, 990, 152));
            let cost = measured.cost(&row);
            assert_eq!((cost.instructions, cost.ns), (1500, 86_811));
            assert!(row.text().contains("10000 of 10000 connected within 0.99 s"));
            assert!(row.text().contains("1.50 KiB"), "{}", row.text());
        });
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn the_document_knows_other_servers() {
        let text = peers(include_str!("../../../docs/PERFORMANCE.md"));
        let (start, servers) = text.split_once("bench websocket): ").expect("servers");
        assert!(start.starts_with("resident KiB of each of 1"), "{start}");
        let known: Vec<_> = servers.split(", ").filter_map(|peer| peer.split_once(' ')).collect();
        assert_eq!(known.len(), 5, "{servers}");
        assert!(known.iter().all(|(_, kib)| kib.parse::<f64>().is_ok()), "{servers}");
    }

    #[test]
    fn costs_memory_and_numbers_beyond_their_bounds_fail() {
        assert!(measured(1000, 1501, |_| ())[0].contains("looks at idle connections"));
        assert!(measured(1000, 1000, |all| all.rows[3].bytes = 1025)[0].contains("1025 bytes"));
        assert!(measured(1000, 1000, |all| all.rows[2].connected = 9)[0].contains("9 of 10000"));
        assert!(measured(0, 0, |_| ())[0].contains("no instruction was counted"));
        assert_eq!(measured(1000, 1000, |all| all.rows.clear()).len(), 4);
    }

    #[test]
    fn too_few_descriptors_are_told_and_used_as_far_as_they_go() {
        assert_eq!(websockets(None), (MANY, None));
        assert_eq!(websockets(Some(DESCRIPTORS)), (MANY, None));
        let (possible, text) = websockets(Some(4096));
        let text = text.expect("says so");
        assert_eq!(possible, 3968);
        assert!(text.starts_with("ONLY 3968 OF 10000") && text.contains("ulimit -Hn"), "{text}");
        assert_eq!(both(&[FEW / 2, MANY], possible)[1].counts, [MANY, possible]);
    }

    #[test]
    fn what_is_known_of_others_is_read_from_the_document() {
        let text =
            peers("**1000 idle clients**\n\n| netdriver | 1.25 (4) | 2 |\n| ws | 12 (1) |\n");
        assert!(text.ends_with("netdriver 1.25, ws 12"), "{text}");
    }
}
