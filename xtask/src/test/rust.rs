//! The steps that cargo does: format, lints, tests, documentation.

use super::Outcome;
use crate::build::test_features;
use crate::error::{Error, Result};
use crate::paths::Project;
use crate::shell::{Run, which};

/// `cargo fmt --check`, for the workspace and for the crates outside of it.
pub fn format(project: &Project) -> Result<Outcome> {
    let plain = ["--", "--color", "never"];
    Run::cargo(project).args(["fmt", "--all", "--check"]).args(plain).quiet(project, "fmt")?;
    let others = [
        ("fuzz", "fuzz/Cargo.toml"),
        ("loom", "tests/loom/Cargo.toml"),
        ("peers", "benches/peers/Cargo.toml"),
        ("uring", "benches/uring/Cargo.toml"),
    ];
    for (name, manifest) in others {
        Run::cargo(project)
            .args(["fmt", "--check", "--manifest-path"])
            .arg(project.file(manifest)?)
            .args(plain)
            .quiet(project, &format!("fmt-{name}"))?;
    }
    Ok(Outcome::Passed(Vec::new()))
}

/// `cargo clippy` on everything, warnings being errors.
pub fn lint(project: &Project) -> Result<Outcome> {
    Run::cargo(project)
        .args(["clippy", "--workspace", "--all-targets"])
        .args(test_features())
        .args(["--", "-D", "warnings"])
        .quiet(project, "clippy")?;
    Ok(Outcome::Passed(Vec::new()))
}

/// The tests of the workspace, through nextest where it is installed.
pub fn test(project: &Project) -> Result<Outcome> {
    let words: &[&str] = match which(&["cargo-nextest"]) {
        // A failure's output comes last, where the end of the log shows it.
        Some(_) => &[
            "nextest",
            "run",
            "--no-fail-fast",
            "--status-level",
            "fail",
            "--failure-output",
            "final",
            "--hide-progress-bar",
        ],
        None => &["test", "--lib", "--bins", "--tests", "--no-fail-fast"],
    };
    let log = Run::cargo(project)
        .args(words)
        .arg("--workspace")
        .args(test_features())
        // The end of the log is for what failed, not for where the test runner called it.
        .env("RUST_BACKTRACE", "0")
        .quiet(project, "rust-tests")?;
    let lines = closing_lines(&log);
    if lines.is_empty() {
        return Err(Error::new("cargo ran no test"));
    }
    Ok(Outcome::Passed(lines))
}

/// The documentation's examples, then the documentation itself without a warning.
pub fn document(project: &Project) -> Result<Outcome> {
    let log = Run::cargo(project)
        .args(["test", "--doc", "--workspace"])
        .args(test_features())
        .quiet(project, "doc-tests")?;
    Run::cargo(project)
        .args(["doc", "--no-deps", "--workspace"])
        .args(test_features())
        .env("RUSTDOCFLAGS", "-D warnings")
        .quiet(project, "doc")?;
    Ok(Outcome::Passed(closing_lines(&log)))
}

/// The lines in which cargo's test runners say how many tests ran.
pub fn closing_lines(log: &str) -> Vec<String> {
    let lines = log.lines().map(str::trim);
    let closing = lines.filter(|line| line.starts_with("test result:") || nextest_summary(line));
    closing.map(str::to_owned).collect()
}

fn nextest_summary(line: &str) -> bool {
    line.starts_with("Summary [") && line.contains("tests run:")
}

#[cfg(test)]
mod tests {
    use super::closing_lines;

    #[test]
    fn the_closing_lines_of_both_runners_are_found() {
        let log = "running 2 tests\ntest result: ok. 2 passed; 0 failed\n\
                   ------------\n     Summary [   0.010s] 31 tests run: 31 passed, 0 skipped\n";
        assert_eq!(
            closing_lines(log),
            [
                "test result: ok. 2 passed; 0 failed",
                "Summary [   0.010s] 31 tests run: 31 passed, 0 skipped"
            ]
        );
        assert!(closing_lines("error: could not compile\n").is_empty());
    }
}
