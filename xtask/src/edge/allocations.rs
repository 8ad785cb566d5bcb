//! The step that counts allocations: one program of `tests/edge` brings an allocator of its own and
//! echoes a million messages over each interface with the release library.

use std::time::Duration;

use crate::build::{self, Link};
use crate::error::Result;
use crate::paths::Project;
use crate::shell::Run;
use crate::test::Outcome;
use crate::test::native::closing_line;

/// How long the program may take; a quiet machine needs ten seconds.
const LIMIT: Duration = Duration::from_secs(300);

/// The step of the ladder.
pub fn check(project: &Project) -> Result<Outcome> {
    let library = build::release(project)?;
    let library = library.parent().unwrap_or(&project.target).to_path_buf();
    let program = project.out("edge")?.join("allocations");
    let rpath = library.display().to_string();
    let source = project.file("tests/edge/allocations.c")?;
    build::compile_c(project, &source, &program, &["-O2"], &Link::Shared(&library, &rpath))?;
    let run = Run::new(&program).dir(&project.root).limit(LIMIT);
    let log = run.quiet(project, "edge-allocations")?;
    let counted = log.lines().filter(|line| line.contains(" allocations in ")).map(str::to_owned);
    let mut notes: Vec<_> = counted.collect();
    notes.push(closing_line(&log)?);
    Ok(Outcome::Passed(notes))
}
