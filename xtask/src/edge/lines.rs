//! The step that sees what two threads write that work on two connections: one program of
//! `tests/edge` under Valgrind's lackey, which tells every access to memory. What one thread writes
//! in a turn must not lie in a cache line that the other one touches in its own: then no lock, no
//! counter and no list is shared, and neither waits for the other's memory. The program says which
//! turns are looked at, and leaves out each thread's first call behind an update. This here knows
//! nothing of what lies where.

use std::collections::HashMap;
use std::time::Duration;

use crate::build::{self, Link};
use crate::error::{Error, Result};
use crate::install::Need;
use crate::paths::Project;
use crate::shell::Run;
use crate::test::Outcome;

/// How long the program may take, which tells tens of millions of accesses.
const LIMIT: Duration = Duration::from_secs(600);
/// Bytes of a cache line.
const LINE: u64 = 64;
/// What the program needs.
pub const NEEDS: &[Need] = &[Need::C, Need::Valgrind];

/// The step of the ladder.
pub fn check(project: &Project) -> Result<Outcome> {
    let library = build::release(project)?;
    let library = library.parent().unwrap_or(&project.target).to_path_buf();
    let program = project.out("edge")?.join("lines");
    let rpath = library.display().to_string();
    let source = project.file("tests/edge/lines.c")?;
    build::compile_c(project, &source, &program, &["-O2"], &Link::Shared(&library, &rpath))?;
    let mut watch = Watch::default();
    Run::new("valgrind")
        .args(["--tool=lackey", "--trace-mem=yes", "--log-fd=1"])
        .arg(&program)
        .dir(&project.root)
        .limit(LIMIT)
        .stream(project, "edge-lines", |line| watch.take(line))?;
    Ok(Outcome::Passed(watch.judge()?))
}

/// How a thread has touched a line.
#[derive(Clone, Copy)]
struct Access {
    writes: bool,
    /// The instruction that did it: the first one, or the first that wrote.
    by: u64,
}

/// What the threads touch in their turns.
#[derive(Default)]
struct Watch {
    /// Stores to these say: the first thread's turn, the second one's, nobody's.
    marks: Vec<u64>,
    turn: Option<usize>,
    instruction: u64,
    touched: [HashMap<u64, Access>; 2],
    /// What the program says that it does now.
    doing: String,
    /// For each pair of turns: what was done, how many lines were touched, what was shared.
    pairs: Vec<(String, usize, Vec<String>)>,
    closing: Option<String>,
}

impl Watch {
    /// Takes a line of the program's or of lackey's.
    fn take(&mut self, line: &str) {
        if let Some(access) = line.strip_prefix("I  ") {
            self.instruction = split(access).map_or(0, |(address, _)| address);
        } else if let Some((writes, access)) = memory(line) {
            if let Some((address, size)) = split(access) {
                self.touch(address, size, writes);
            }
        } else if let Some(mark) = line.strip_prefix("mark 0x") {
            self.marks.extend(u64::from_str_radix(mark.trim(), 16));
        } else if let Some(doing) = line.strip_prefix("doing ") {
            doing.trim().clone_into(&mut self.doing);
        } else if line.contains(" passed, ") {
            self.closing = Some(line.trim().to_owned());
        }
    }

    fn touch(&mut self, address: u64, size: u64, writes: bool) {
        if let Some(mark) = self.marks.iter().position(|&mark| mark == address) {
            if writes {
                self.turn_to(mark);
            }
            return;
        }
        let Some(turn) = self.turn else { return };
        for line in address / LINE..=(address + size - 1) / LINE {
            let access = Access { writes, by: self.instruction };
            let known = self.touched[turn].entry(line).or_insert(access);
            if writes && !known.writes {
                *known = access;
            }
        }
    }

    fn turn_to(&mut self, mark: usize) {
        let before = self.turn.replace(mark).filter(|_| mark >= 2);
        if mark < 2 {
            self.touched[mark].clear();
            return;
        }
        self.turn = None;
        if before == Some(1) {
            let shared = self.shared();
            let count = self.touched[0].len() + self.touched[1].len();
            self.pairs.push((self.doing.clone(), count, shared));
        }
    }

    /// The lines that both touch, and at least one writes.
    fn shared(&self) -> Vec<String> {
        let [first, second] = &self.touched;
        let both = first.iter().filter_map(|(line, one)| Some((line, one, second.get(line)?)));
        let written = both.filter(|(_, one, other)| one.writes || other.writes);
        let mut shared: Vec<_> = written
            .map(|(line, one, other)| {
                let what = |access: &Access| if access.writes { "written" } else { "read" };
                let (at, one_does, other_does) = (line * LINE, what(one), what(other));
                let (by, and_by) = (one.by, other.by);
                format!("    {at:#x}: {one_does} by {by:#x}, {other_does} by {and_by:#x}")
            })
            .collect();
        shared.sort();
        shared
    }

    /// Two threads that share something on purpose are found, and others share nothing.
    fn judge(self) -> Result<Vec<String>> {
        let closing = self.closing.filter(|line| line.ends_with(" 0 failed"));
        let closing = closing.ok_or_else(|| Error::new("the program failed, or did not end"))?;
        let mut notes = Vec::new();
        for pair in self.pairs.chunks(2) {
            let [(doing, count, shared), (_, _, on_purpose)] = pair else {
                return Err(Error::new("the program did not say what is shared on purpose"));
            };
            if !shared.is_empty() {
                let list = shared.join("\n");
                return Err(Error::new(format!(
                    "two threads on two connections share cache lines ({doing}):\n{list}"
                )));
            }
            if on_purpose.len() != 1 || *count == 0 {
                return Err(Error::new(format!("what is shared on purpose was missed ({doing})")));
            }
            notes.push(format!("{doing}: {count} lines, none of them shared and written"));
        }
        if notes.is_empty() {
            return Err(Error::new("no turn was seen"));
        }
        notes.push(closing);
        Ok(notes)
    }
}

/// Whether a line tells of a write, and where.
fn memory(line: &str) -> Option<(bool, &str)> {
    let (kind, access) = line.split_at_checked(3)?;
    match kind {
        " L " => Some((false, access)),
        " S " | " M " => Some((true, access)),
        _ => None,
    }
}

/// Address and size.
fn split(access: &str) -> Option<(u64, u64)> {
    let (address, size) = access.trim().split_once(',')?;
    Some((u64::from_str_radix(address, 16).ok()?, size.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::Watch;

    const BEGIN: &str = "mark 0x100\nmark 0x104\nmark 0x108\ndoing this\n";
    const ON_PURPOSE: &str = " S 00000100,4\n M 00009000,4\n S 00000108,4\n\
        \x20S 00000104,4\n L 00009004,4\n S 00000108,4\n";
    const END: &str = "3 passed, 0 failed\n";

    fn watch(text: &str) -> crate::error::Result<Vec<String>> {
        let mut watch = Watch::default();
        text.lines().for_each(|line| watch.take(line));
        watch.judge()
    }

    fn turns(first: &str, second: &str) -> String {
        let turn = |mark: &str, work: &str| format!(" S {mark},4\n{work} S 00000108,4\n");
        turn("00000100", first) + &turn("00000104", second)
    }

    #[test]
    fn what_one_writes_the_other_does_not_touch() {
        let fine = turns(" L 00002000,8\n S 00003000,8\n", " L 00002000,8\n S 00003040,8\n");
        let notes = watch(&format!("{BEGIN} S 00003040,8\n{fine} L 00003000,8\n{ON_PURPOSE}{END}"));
        assert_eq!(
            notes.expect("is fine"),
            ["this: 4 lines, none of them shared and written", "3 passed, 0 failed"]
        );
    }

    #[test]
    fn a_line_that_one_writes_and_the_other_touches_is_named() {
        for (first, second) in [
            ("I  00000777,3\n S 00003000,8\n", " L 00003038,8\n"),
            (" L 00003000,8\n", "I  00000777,3\n M 00003038,1\n"),
            ("I  00000777,3\n S 00002ff8,16\n", " S 00003000,1\n"),
        ] {
            let text = format!("{BEGIN}{}{ON_PURPOSE}{END}", turns(first, second));
            let error = watch(&text).expect_err("is shared").to_string();
            assert!(error.contains("0x3000: ") && error.contains("written by 0x777"), "{error}");
        }
    }

    #[test]
    fn a_watch_that_sees_nothing_fails() {
        assert!(watch(&format!("{BEGIN}{END}")).is_err());
        let alone = turns(" L 00002000,8\n", " L 00002000,8\n");
        assert!(watch(&format!("{BEGIN}{alone}{END}")).is_err());
        assert!(watch(&format!("{BEGIN}{alone}{alone}{END}")).is_err());
        assert!(watch(&format!("{BEGIN}{alone}{ON_PURPOSE}")).is_err());
        assert!(watch(&format!("{BEGIN}{alone}{ON_PURPOSE}1 passed, 1 failed\n")).is_err());
    }
}
