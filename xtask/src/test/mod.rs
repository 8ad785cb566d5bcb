//! `cargo xtask test`: the ladder of tests, step by step, with a summary at the end.
//!
//! This file reports steps and counts them; in what order they run is in `side_by_side`, and what
//! a step does is in the modules below. A step fails, or passes, or says why it was skipped: there
//! is no fourth way, and nothing is skipped in silence.

mod abi;
mod docs;
mod manual;
mod models;
pub mod native;
mod peers;
mod rust;
mod sanitizer;
mod side_by_side;
mod snippets;
mod steps;
mod windows;

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use self::steps::{STEPS, Step};
use crate::cli::Args;
use crate::error::{Error, Result};
use crate::install::{self, Missing, Need};
use crate::paths::Project;
use crate::table::{Align, Table};

/// What the whole run is meant to take at most on two cores; longer is said, not punished,
/// because the time is the machine's as much as ours.
const BUDGET: Duration = Duration::from_secs(25 * 60);
/// How many more steps than cores run side by side: some keep a core busy and some wait for a peer.
const LANES_MORE: usize = 1;
/// How many at most; more would only wait for the builds that they share.
const LANES_MAX: usize = 4;

/// How a step that did not fail ended.
pub enum Outcome {
    /// All is well; the lines are shown.
    Passed(Vec<String>),
    /// It could not run, and that is allowed.
    Skipped(String),
}

/// What the summary says of a step.
struct Entry {
    name: &'static str,
    verdict: Verdict,
    time: Duration,
}

enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

/// `cargo xtask test [--only STEP,…] [--skip STEP,…] [--jobs N] [--list]`.
pub fn command(project: &Project, args: &Args) -> Result<()> {
    let steps = choose(&args.list("--only"), &args.list("--skip"))?;
    if args.has("--list") {
        list(&steps);
        return Ok(());
    }
    let lanes = args.number::<NonZeroUsize>("--jobs")?.map_or_else(lanes, NonZeroUsize::get);
    let start = Instant::now();
    let missing = install_for(project, &steps)?;
    let entries = run_steps(project, &steps, lanes, &missing);
    summarize(&entries, start.elapsed())
}

/// How many steps run side by side: one where there is one core only.
fn lanes() -> usize {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    if cores == 1 { 1 } else { (cores + LANES_MORE).min(LANES_MAX) }
}

/// The chosen steps in the table's order; a name that is not in the table is an error.
fn choose(only: &[&str], skip: &[&str]) -> Result<Vec<&'static Step>> {
    for name in only.iter().chain(skip) {
        if !STEPS.iter().any(|step| step.name == *name) {
            let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
            let names = names.join(", ");
            return Err(Error::new(format!("there is no step \"{name}\"; there are: {names}")));
        }
    }
    let chosen =
        |step: &&Step| (only.is_empty() || only.contains(&step.name)) && !skip.contains(&step.name);
    let steps: Vec<_> = STEPS.iter().filter(chosen).collect();
    if steps.is_empty() {
        return Err(Error::new("that leaves no step to run"));
    }
    Ok(steps)
}

fn list(steps: &[&Step]) {
    let mut table = Table::new(&[
        ("step", Align::Left),
        ("what it checks", Align::Left),
        ("needs", Align::Left),
    ]);
    for step in steps {
        let needs: Vec<_> = step.needs.iter().map(|need| format!("{need:?}")).collect();
        table.row([step.name.to_owned(), step.about.to_owned(), needs.join(" ")]);
    }
    println!("{}", table.lines().join("\n"));
}

/// Installs once for all steps: one call of apt is quicker than ten.
fn install_for(project: &Project, steps: &[&Step]) -> Result<Vec<Missing>> {
    let mut needs = vec![Need::C];
    needs.extend(steps.iter().flat_map(|step| step.needs.iter().chain(step.wishes)));
    install::ensure(project, &needs)
}

/// Runs the steps and prints each when it has ended; returns them in the table's order.
fn run_steps(project: &Project, steps: &[&Step], lanes: usize, missing: &[Missing]) -> Vec<Entry> {
    let ended = Mutex::new(Vec::new());
    side_by_side::run(steps.iter().map(|step| step.build), lanes, |at| {
        let (entry, report) = run_step(project, steps[at], missing);
        let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.push((at, entry));
        println!("[{}/{}] {report}", ended.len(), steps.len());
    });
    let mut ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
    ended.sort_by_key(|(at, _)| *at);
    ended.into_iter().map(|(_, entry)| entry).collect()
}

/// Runs one step; returns what the summary says of it and what is printed at its end.
fn run_step(project: &Project, step: &Step, missing: &[Missing]) -> (Entry, String) {
    let start = Instant::now();
    let result = match missing.iter().find(|entry| step.needs.contains(&entry.need)) {
        Some(entry) if entry.optional => Ok(Outcome::Skipped(entry.why.clone())),
        Some(entry) => Err(Error::new(entry.why.clone())),
        None => {
            let project = project.with_logs_in(step.name);
            let run = AssertUnwindSafe(|| (step.run)(&project));
            // A step that panics is one that failed: the others go on.
            catch_unwind(run).unwrap_or_else(|_| Err(Error::new("the step panicked")))
        }
    };
    let time = start.elapsed();
    let name = step.name;
    let seconds = time.as_secs_f32();
    let (verdict, report) = match result {
        Ok(Outcome::Passed(notes)) => {
            let notes: String = notes.iter().map(|note| format!("\n    {note}")).collect();
            (Verdict::Passed, format!("{name}: ok ({seconds:.1} s){notes}"))
        }
        Ok(Outcome::Skipped(why)) => {
            (Verdict::Skipped(first_line(&why)), format!("{name}: skipped: {why}"))
        }
        Err(error) => {
            let report = format!("{name}: FAILED ({seconds:.1} s)\n{error}");
            (Verdict::Failed(error.headline().to_owned()), report)
        }
    };
    (Entry { name, verdict, time }, report)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// Prints the table and the closing line; an error when a step failed.
fn summarize(entries: &[Entry], elapsed: Duration) -> Result<()> {
    println!("\n{}", table(entries).lines().join("\n"));
    let minutes = BUDGET.as_secs() / 60;
    let over = if elapsed > BUDGET { ": longer than it should" } else { "" };
    println!("  {:.0} s of {minutes} min{over}\n", elapsed.as_secs_f32());
    let (line, failed) = closing_line(entries);
    println!("{line}");
    if failed == 0 { Ok(()) } else { Err(Error::silent()) }
}

fn table(entries: &[Entry]) -> Table {
    let mut table = Table::new(&[
        ("step", Align::Left),
        ("result", Align::Left),
        ("seconds", Align::Right),
        ("why", Align::Left),
    ]);
    for entry in entries {
        let (result, why) = match &entry.verdict {
            Verdict::Passed => ("ok", ""),
            Verdict::Failed(why) => ("FAILED", why.as_str()),
            Verdict::Skipped(why) => ("skipped", why.as_str()),
        };
        let seconds = format!("{:.1}", entry.time.as_secs_f32());
        table.row([entry.name.to_owned(), result.to_owned(), seconds, why.to_owned()]);
    }
    table
}

/// The line that a machine reads, and how many steps failed.
fn closing_line(entries: &[Entry]) -> (String, usize) {
    let count = |is: fn(&Verdict) -> bool| entries.iter().filter(|e| is(&e.verdict)).count();
    let passed = count(|verdict| matches!(verdict, Verdict::Passed));
    let failed = count(|verdict| matches!(verdict, Verdict::Failed(_)));
    let skipped = count(|verdict| matches!(verdict, Verdict::Skipped(_)));
    let mut line = format!("{passed} passed, {failed} failed");
    if skipped > 0 {
        line += &format!(", {skipped} skipped");
    }
    (line, failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(verdict: Verdict) -> Entry {
        Entry { name: "step", verdict, time: Duration::from_millis(1500) }
    }

    #[test]
    fn the_closing_line_counts_every_step_once() {
        let mut entries = vec![entry(Verdict::Passed), entry(Verdict::Passed)];
        assert_eq!(closing_line(&entries), ("2 passed, 0 failed".to_owned(), 0));
        entries.push(entry(Verdict::Failed("x".to_owned())));
        entries.push(entry(Verdict::Skipped("y".to_owned())));
        assert_eq!(closing_line(&entries), ("2 passed, 1 failed, 1 skipped".to_owned(), 1));
    }

    #[test]
    fn the_summary_gives_reasons() {
        let entries = [entry(Verdict::Passed), entry(Verdict::Failed("no file".to_owned()))];
        let lines = table(&entries).lines();
        assert_eq!(lines[1], "  step  ok          1.5");
        assert_eq!(lines[2], "  step  FAILED      1.5  no file");
    }

    #[test]
    fn steps_are_chosen_by_name_and_unknown_names_are_refused() {
        let names = |steps: Vec<&Step>| steps.iter().map(|step| step.name).collect::<Vec<_>>();
        assert_eq!(names(choose(&["demo", "fmt"], &[]).expect("known")), ["fmt", "demo"]);
        assert!(!names(choose(&[], &["demo"]).expect("known")).contains(&"demo"));
        assert!(choose(&["fmt"], &["fmt"]).is_err());
        let text = choose(&["nonsense"], &[]).err().expect("unknown").to_string();
        assert!(text.starts_with("there is no step \"nonsense\"; there are: fmt, "), "{text}");
    }

    #[test]
    fn step_names_differ() {
        for (at, step) in STEPS.iter().enumerate() {
            assert!(!STEPS[..at].iter().any(|other| other.name == step.name), "{}", step.name);
        }
    }
}
