//! The tests about threads under the thread sanitizer, on the stable compiler.
//!
//! The compiler brings the sanitizer's runtime, but a standard library that was not built with it.
//! So the sanitizer sees what the library and its dependencies do with memory, and their locks
//! (`parking_lot`, atomics), and not the locks of the standard library, which they do not use.

use std::path::{Path, PathBuf};

use super::Outcome;
use super::rust::closing_lines;
use crate::build::LIBRARY_FEATURES;
use crate::error::{Context, Error, Result};
use crate::paths::Project;
use crate::shell::Run;

/// Instrumented code is built for a named target so that build scripts stay plain.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// Instruments what is compiled, and lets it be linked with a standard library that is not.
const FLAGS: &[&str] = &["-Zsanitizer=thread", "-Cunsafe-allow-abi-mismatch=sanitizer"];
/// The tests in which threads meet.
const TESTS: &[&str] = &["--test", "threads", "--test", "concurrent"];
/// A program with a race that must be found.
const RACE: &str = "tests/threads/race.rs";
const SUPPRESSIONS: &str = "tests/threads/suppressions.txt";
/// What the sanitizer writes when it finds one.
const FOUND: &str = "ThreadSanitizer: data race";
/// What it writes when it cannot run, for the way in which the system lays out memory.
const CANNOT_RUN: &str = "FATAL: ThreadSanitizer";

/// Runs the tests about threads under the sanitizer, once it is known to see races here.
pub fn threads(project: &Project) -> Result<Outcome> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) {
        return Ok(Outcome::Skipped(format!("the sanitizer is set up for {TARGET} only")));
    }
    let folder = project.out("tsan")?;
    if let Some(why) = blindness(project, &folder)? {
        return Ok(Outcome::Skipped(why));
    }
    let suppressions = project.file(SUPPRESSIONS)?;
    let log = instrumented(Run::cargo(project))
        .args(["test", "--package", "netdriver", "--target", TARGET])
        .args(LIBRARY_FEATURES)
        .args(TESTS)
        // The runner's own threads meet in locks of the standard library.
        .args(["--", "--test-threads=1"])
        .env("RUSTFLAGS", FLAGS.join(" "))
        .env("CARGO_TARGET_DIR", &folder)
        .env("TSAN_OPTIONS", format!("suppressions={}", suppressions.display()))
        .quiet(project, "tsan-threads")?;
    let lines = closing_lines(&log);
    if lines.is_empty() {
        return Err(Error::new("cargo ran no test"));
    }
    Ok(Outcome::Passed(lines))
}

/// Why the sanitizer cannot be used here, if so; an error when it runs and does not see a race.
fn blindness(project: &Project, folder: &Path) -> Result<Option<String>> {
    if !has_runtime(project)? {
        let why = "this Rust toolchain comes without the thread sanitizer's runtime";
        return Ok(Some(why.to_owned()));
    }
    let program = folder.join("race");
    instrumented(Run::new("rustc"))
        .args(["--edition", "2024", "--target", TARGET, "-g", "-o"])
        .arg(&program)
        .args(FLAGS)
        .arg(project.file(RACE)?)
        .quiet(project, "rustc-race")?;
    // The sanitizer ends a program in which it found something with a failure.
    let Err(error) = Run::new(&program).quiet(project, "tsan-race") else {
        return Err(Error::new(format!("the thread sanitizer did not see the race in {RACE}")));
    };
    judge(&error.to_string())
}

/// What the program with the race made of it.
fn judge(report: &str) -> Result<Option<String>> {
    if report.contains(FOUND) {
        return Ok(None);
    }
    match report.lines().find(|line| line.contains(CANNOT_RUN)) {
        Some(line) => Ok(Some(line.trim().to_owned())),
        None => Err(Error::new(format!("the program with a race failed otherwise\n{report}"))),
    }
}

/// The sanitizers belong to the compiler's unstable part, which its own name for it unlocks.
fn instrumented(run: Run) -> Run {
    run.env("RUSTC_BOOTSTRAP", "1")
}

fn has_runtime(project: &Project) -> Result<bool> {
    let sysroot = Run::new("rustc").args(["--print", "sysroot"]).output(project, "sysroot")?;
    let library = PathBuf::from(sysroot.trim()).join("lib/rustlib").join(TARGET).join("lib");
    let entries = std::fs::read_dir(&library).context(library.display())?;
    let mut names = entries.flatten().map(|entry| entry.file_name());
    Ok(names.any(|name| name.to_string_lossy().ends_with("_rt.tsan.a")))
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn a_race_that_was_found_is_what_is_hoped_for() {
        let report =
            "`race` failed (exit status: 66)\n    WARNING: ThreadSanitizer: data race (pid=1)";
        assert_eq!(judge(report).expect("found"), None);
    }

    #[test]
    fn a_sanitizer_that_cannot_run_is_a_reason_and_anything_else_a_failure() {
        let report = "`race` failed\n    FATAL: ThreadSanitizer: unexpected memory mapping\n";
        let why = judge(report).expect("a reason");
        assert_eq!(why.as_deref(), Some("FATAL: ThreadSanitizer: unexpected memory mapping"));
        assert!(judge("`race` failed (exit status: 1)").is_err());
    }
}
