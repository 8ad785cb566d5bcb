//! The parts of the driver that threads share, under the model checker loom: `tests/loom` is a
//! workspace of its own, because the checker stands in for what the driver uses of the system.

use std::time::Duration;

use super::Outcome;
use super::rust::closing_lines;
use crate::error::{Error, Result};
use crate::paths::Project;
use crate::shell::Run;

/// How long the models may take; they are through in seconds where nothing else runs.
const LIMIT: Duration = Duration::from_secs(600);

/// Runs every model in every order in which its threads may meet.
pub fn check(project: &Project) -> Result<Outcome> {
    let manifest = project.file("tests/loom/Cargo.toml")?;
    let log = Run::cargo(project)
        .args(["test", "--locked", "--lib", "--manifest-path"])
        .arg(manifest)
        .env("CARGO_TARGET_DIR", project.out("loom")?)
        .limit(LIMIT)
        .quiet(project, "loom")?;
    let lines = closing_lines(&log);
    if lines.is_empty() {
        return Err(Error::new("cargo ran no model"));
    }
    Ok(Outcome::Passed(lines))
}
