//! Runs the fuzz targets for a while with libFuzzer, on the stable compiler.
//! The targets live in the crate `fuzz/`; their bodies belong to the library.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::cli::Args;
use crate::error::{Context, Error, Result};
use crate::install::{self, Need};
use crate::paths::Project;
use crate::shell::Run;

/// What `cargo fuzz` passes on nightly, in the form that the stable compiler takes.
const RUSTFLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cdebug-assertions -Ccodegen-units=1";
/// Instrumented code is built for a named target so that build scripts stay plain.
const TARGET: &str = "x86_64-unknown-linux-gnu";
const SECONDS_DEFAULT: u64 = 30;
/// One input may take this long, in seconds.
const INPUT_SECONDS_MAX: u64 = 10;
/// A target may use this much memory, in MiB.
const MEMORY_MIB_MAX: u64 = 1024;
/// What a target may need on top of its time to start and to end, in seconds.
const GRACE_SECONDS: u64 = 60;

/// `cargo xtask fuzz [TARGET] [--seconds N]`.
pub fn command(project: &Project, args: &Args) -> Result<()> {
    install::require(project, &[Need::C, Need::Cxx])?;
    let seconds = args.number("--seconds")?.unwrap_or(SECONDS_DEFAULT);
    for line in run(project, args.operand.as_deref(), seconds)? {
        println!("{line}");
    }
    Ok(())
}

/// Builds and runs every target (or one) for so many seconds; returns a line for each.
pub fn run(project: &Project, only: Option<&str>, seconds: u64) -> Result<Vec<String>> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Err(Error::new(format!("fuzzing is set up for {TARGET} only")));
    }
    let manifest = project.file("fuzz/Cargo.toml")?;
    let all = targets(project, &manifest)?;
    let chosen: Vec<_> = all.iter().filter(|name| only.is_none_or(|only| only == *name)).collect();
    if chosen.is_empty() {
        let all = all.join(", ");
        return Err(Error::new(format!("there is no such fuzz target; there are: {all}")));
    }
    let built = project.out("fuzz")?;
    Run::cargo(project)
        .args(["build", "--release", "--target", TARGET, "--manifest-path"])
        .arg(&manifest)
        .env("RUSTFLAGS", RUSTFLAGS)
        .env("CARGO_TARGET_DIR", &built)
        .quiet(project, "cargo-build-fuzz")?;
    let programs = built.join(TARGET).join("release");
    chosen.iter().map(|name| run_one(project, &programs, name, seconds)).collect()
}

/// The names of the crate's programs: each is one target.
fn targets(project: &Project, manifest: &Path) -> Result<Vec<String>> {
    let output = Run::cargo(project)
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .output(project, "cargo-metadata-fuzz")?;
    let names = target_names(&output).unwrap_or_default();
    if names.is_empty() {
        return Err(Error::new("fuzz/Cargo.toml names no target"));
    }
    Ok(names)
}

fn target_names(metadata: &str) -> Option<Vec<String>> {
    let metadata: Value = serde_json::from_str(metadata).ok()?;
    let packages = metadata["packages"].as_array()?;
    let targets = packages.iter().filter_map(|package| package["targets"].as_array()).flatten();
    let programs = targets.filter(|target| target["kind"][0] == "bin");
    Some(programs.filter_map(|target| target["name"].as_str().map(str::to_owned)).collect())
}

/// Runs one target. What it finds is kept in `target/fuzz-corpus`; the seeds are only read.
fn run_one(project: &Project, programs: &Path, name: &str, seconds: u64) -> Result<String> {
    let corpus = project.out(&format!("fuzz-corpus/{name}"))?;
    let artifacts = project.out(&format!("fuzz-artifacts/{name}"))?;
    let seeds = project.path("fuzz/seeds").join(name);
    let mut folders: Vec<PathBuf> = vec![corpus];
    if seeds.is_dir() {
        folders.push(seeds);
    }
    let log = Run::new(programs.join(name))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg("-print_final_stats=1")
        .args(&folders)
        .limit(Duration::from_secs(seconds + GRACE_SECONDS))
        .quiet(project, &format!("fuzz-{name}"))
        .context(format!("{name} (inputs that fail are in {})", project.shown(&artifacts)))?;
    let executed = executed(&log)
        .filter(|&count| count > 0)
        .ok_or_else(|| Error::new(format!("{name} ended without having run an input")))?;
    Ok(format!("{name}: {executed} inputs in {seconds} s"))
}

/// How many inputs libFuzzer ran, by its closing statistics.
fn executed(log: &str) -> Option<u64> {
    let lines = log.lines().rev();
    let number =
        |line: &str| line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok();
    lines.filter_map(number).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_programs_of_the_crate() {
        let metadata = "{\"packages\":[{\"targets\":[\
            {\"name\":\"url\",\"kind\":[\"bin\"]},{\"name\":\"fuzz\",\"kind\":[\"lib\"]},\
            {\"name\":\"frame\",\"kind\":[\"bin\"]}]}]}";
        assert_eq!(target_names(metadata).expect("valid"), ["url", "frame"]);
        assert_eq!(target_names("no json"), None);
    }

    #[test]
    fn the_number_of_inputs_comes_from_the_closing_statistics() {
        let log = "Done 12 runs in 5 second(s)\nstat::number_of_executed_units: 12\n\
                   stat::average_exec_per_sec:     2\n";
        assert_eq!(executed(log), Some(12));
        assert_eq!(executed("INFO: Seed\n"), None);
    }
}
