//! Scale: one driver with ten thousand connections. `tests/edge/scale.c` makes and measures them;
//! here is what is asked of it, and the table.
//!
//! The step of the ladder judges what is the same on every run: instructions of an update and bytes
//! of an idle connection. Times are shown by the benchmark, and never judged.

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

/// Connections, few and many; a hundred of them are active.
const FEW: u32 = 200;
const MANY: u32 = 10_000;
/// Descriptors that the server needs besides.
const SPARE: u64 = 64;
/// Kinds of connections, and the bytes of the library's own that an idle one may hold. Where there
/// is no bound the clients are a driver, too, whose keep-alives are among what is counted.
const KINDS: &[(&str, Option<u64>)] =
    &[("udp", Some(1024)), ("websocket", Some(1024)), ("udp-session", None)];
/// An update among many connections may cost so many percent of one among few.
const COST_PERCENT: u64 = 150;
/// How often it is tried where datagrams may be lost.
const DATAGRAM_TRIES: u32 = 3;
/// How long one program may take.
const LIMIT: Duration = Duration::from_secs(300);

/// What was measured of one kind with one number of connections.
struct Row {
    kind: &'static str,
    total: u32,
    connected_ms: u64,
    /// Of an idle connection.
    bytes: u64,
    /// Of them those of the client's request.
    head: u64,
    updates_ns: u64,
    /// Of the two updates of a round, together.
    instructions: u64,
}

/// `cargo xtask bench scale [--write]`.
pub fn bench(project: &Project, write: bool) -> Result<()> {
    crate::install::require(project, NEEDS)?;
    let mut rows = measure(project, false)?;
    let counted = measure(project, true)?;
    for (row, counted) in rows.iter_mut().zip(counted) {
        row.instructions = counted.instructions;
    }
    println!("{}", table(&rows).join("\n"));
    if write {
        let path = project.file(DOCUMENT)?;
        let shown = between(&read(&path)?, "scale", &markdown(&rows))?;
        fs::write(&path, shown).context(path.display())?;
        println!("wrote {DOCUMENT}");
    }
    Ok(())
}

/// The step of the ladder.
pub fn check(project: &Project) -> Result<Outcome> {
    if let Some(limit) = descriptors().filter(|&limit| limit < u64::from(MANY) + SPARE) {
        let text = format!("needs {MANY} descriptors, and `ulimit -Hn` is {limit}; raise it");
        return Ok(Outcome::Skipped(text));
    }
    let rows = measure(project, true)?;
    let problems = judge(&rows);
    if !problems.is_empty() {
        return Err(Error::new(problems.join("\n")));
    }
    let notes = rows
        .iter()
        .filter(|row| row.total == MANY)
        .map(|row| format!("{}: {} bytes of an idle connection of {MANY}", row.kind, row.bytes));
    Ok(Outcome::Passed(notes.collect()))
}

/// Runs the program for each kind.
fn measure(project: &Project, counted: bool) -> Result<Vec<Row>> {
    let program = program(project)?;
    let mut rows = Vec::new();
    for &(kind, _) in KINDS {
        // A busy system drops datagrams even on the way to itself, and the program then gives up.
        let mut tries = if kind.starts_with("udp") { DATAGRAM_TRIES } else { 1 };
        rows.extend(loop {
            tries -= 1;
            match measure_kind(project, &program, kind, counted) {
                Err(_) if tries > 0 => {}
                outcome => break outcome?,
            }
        });
    }
    Ok(rows)
}

fn measure_kind(
    project: &Project,
    program: &Path,
    kind: &'static str,
    counted: bool,
) -> Result<Vec<Row>> {
    let out = project.out("edge/scale-dumps")?;
    for old in dumps(&out)? {
        fs::remove_file(&old).context(old.display())?;
    }
    let run = if counted {
        Run::new("valgrind")
            .args(["--tool=callgrind", "--collect-atstart=no", "--instr-atstart=no"])
            .arg(format!("--callgrind-out-file={}", out.join("dump").display()))
            .arg(program)
    } else {
        Run::new(program)
    };
    let totals = [FEW.to_string(), MANY.to_string()];
    let run = run.arg(kind).args(&totals).dir(&project.root).limit(LIMIT);
    let log = run.quiet(project, &format!("scale-{kind}"))?;
    let mut rows: Vec<_> = log.lines().filter_map(|line| parse(kind, line)).collect();
    for path in dumps(&out)? {
        let Some((name, total)) = dump(&read(&path)?) else { continue };
        note_count(&mut rows, &name, total);
    }
    Ok(rows)
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

/// A line of the program: kind, number of connections, then names and values.
fn parse(kind: &'static str, line: &str) -> Option<Row> {
    let words: Vec<_> = line.split(' ').collect();
    if words.first() != Some(&kind) {
        return None;
    }
    let value = |name: &str| {
        let place = words.iter().position(|&word| word == name)?;
        words.get(place + 1)?.parse().ok()
    };
    Some(Row {
        kind,
        total: words.get(1)?.parse().ok()?,
        connected_ms: value("connected_ms")?,
        bytes: value("bytes")?,
        head: value("head")?,
        updates_ns: value("updates_ns")?,
        instructions: 0,
    })
}

/// A dump's name is kind, number of connections, and how many rounds were counted.
fn note_count(rows: &mut [Row], name: &str, count: u64) {
    let words: Vec<_> = name.split(' ').collect();
    let [kind, total, rounds] = words[..] else { return };
    let row = rows.iter_mut().find(|row| row.kind == kind && row.total.to_string() == total);
    if let (Some(row), Ok(rounds)) = (row, rounds.parse::<u64>()) {
        row.instructions = count / rounds.max(1);
    }
}

fn judge(rows: &[Row]) -> Vec<String> {
    let mut problems = Vec::new();
    for &(kind, most) in KINDS {
        let find = |total| rows.iter().find(|row| row.kind == kind && row.total == total);
        let (Some(few), Some(many)) = (find(FEW), find(MANY)) else {
            problems.push(format!("{kind}: nothing was measured"));
            continue;
        };
        if few.instructions == 0 || many.instructions == 0 {
            problems.push(format!("{kind}: no instruction was counted"));
        }
        if most.is_some() && many.instructions * 100 > few.instructions * COST_PERCENT {
            problems.push(format!(
                "{kind}: an update costs {} instructions among {MANY} connections and {} among \
                 {FEW}; at most {COST_PERCENT} % are fine: something looks at idle connections",
                many.instructions, few.instructions
            ));
        }
        let own = many.bytes.saturating_sub(many.head);
        if let Some(most) = most.filter(|&most| own > most) {
            problems.push(format!(
                "{kind}: an idle connection holds {own} bytes of the library's own, and {most} is \
                 the most"
            ));
        }
    }
    problems
}

const COLUMNS: [&str; 7] = [
    "kind",
    "connections",
    "all connected, s",
    "bytes of an idle one",
    "of them its head",
    "two updates, 100 active: instructions",
    "µs",
];

fn cells(row: &Row) -> [String; 7] {
    [
        row.kind.to_owned(),
        row.total.to_string(),
        format!("{:.2}", row.connected_ms as f64 / 1000.0),
        row.bytes.to_string(),
        row.head.to_string(),
        row.instructions.to_string(),
        (row.updates_ns / 1000).to_string(),
    ]
}

fn table(rows: &[Row]) -> Vec<String> {
    let side = |name| if name == "kind" { Align::Left } else { Align::Right };
    let columns: Vec<_> = COLUMNS.iter().map(|&name| (name, side(name))).collect();
    let mut table = Table::new(&columns);
    for row in rows {
        table.row(cells(row));
    }
    table.lines()
}

fn markdown(rows: &[Row]) -> String {
    let mut text = format!("| {} |\n|---|{}\n", COLUMNS.join(" | "), "--:|".repeat(6));
    for row in rows {
        text += &format!("| {} |\n", cells(row).join(" | "));
    }
    text
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

    const LINES: [&str; 2] = [
        "udp 200 connected_ms 52 updates 2 bytes 2460 head 0 updates_ns 81851",
        "udp 10000 connected_ms 858 updates 112 bytes 900 head 0 updates_ns 86811",
    ];

    fn rows(few: u64, many: u64, bytes: u64) -> Vec<Row> {
        let mut rows: Vec<_> = LINES.iter().filter_map(|line| parse("udp", line)).collect();
        note_count(&mut rows, "udp 200 8", few * 8);
        note_count(&mut rows, "udp 10000 8", many * 8);
        rows[1].bytes = bytes;
        rows
    }

    fn problems(rows: &[Row]) -> Vec<String> {
        let udp = |line: &String| line.starts_with("udp:");
        judge(rows).into_iter().filter(udp).collect()
    }

    #[test]
    fn what_the_program_prints_is_read() {
        let rows = rows(1000, 1500, 1024);
        assert_eq!((rows.len(), rows[1].total, rows[1].connected_ms), (2, 10_000, 858));
        assert_eq!((rows[0].instructions, rows[1].instructions), (1000, 1500));
        assert!(parse("udp", "15129 passed, 0 failed").is_none());
        assert!(problems(&rows).is_empty());
    }

    #[test]
    fn costs_and_memory_above_their_bounds_fail() {
        assert!(problems(&rows(1000, 1501, 1024))[0].contains("looks at idle connections"));
        assert!(problems(&rows(1000, 1000, 1025))[0].contains("1025 bytes"));
        assert!(problems(&rows(0, 0, 900))[0].contains("no instruction was counted"));
        assert!(problems(&[])[0].contains("nothing was measured"));
    }
}
