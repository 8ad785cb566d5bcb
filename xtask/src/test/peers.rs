//! The steps against peers that nobody here wrote: Python, Node, a browser.
//! The scripts live in `tests/`; each ends with 0 only if all of it worked.

use std::time::Duration;

use super::Outcome;
use crate::build;
use crate::error::{Error, Result};
use crate::install;
use crate::paths::Project;
use crate::shell::Run;

/// How long one script may take.
const SCRIPT_LIMIT: Duration = Duration::from_secs(240);

/// Python's `websockets` and Node's `ws`, each as client and as server, and a second
/// implementation of Unity Transport's protocol.
pub fn foreign(project: &Project) -> Result<Outcome> {
    let python = install::python(project);
    let peers = [
        (
            Run::new(python),
            "tests/foreign/websockets_peer.py",
            "foreign-python",
        ),
        (
            Run::new("node"),
            "tests/foreign/ws_peer.mjs",
            "foreign-node",
        ),
    ];
    let mut notes = Vec::new();
    for (run, script, name) in peers {
        notes.push(last_line(&run_script(project, run, script, name)?));
    }
    Ok(Outcome::Passed(notes))
}

/// A browser's console: `new WebSocket(…)` and what a person does with it.
pub fn browser(project: &Project) -> Result<Outcome> {
    let chromium = install::chromium().ok_or_else(|| Error::new("Chromium is gone"))?;
    let run = Run::new("node").env("NETDRIVER_CHROMIUM", chromium);
    let log = run_script(project, run, "tests/browser/console.mjs", "browser")?;
    Ok(Outcome::Passed(vec![last_line(&log)]))
}

/// Runs a script with what the scripts are promised: where the examples are, where the npm
/// packages are, and where to keep pictures.
fn run_script(project: &Project, run: Run, script: &str, name: &str) -> Result<String> {
    let script = project.file(script)?;
    let examples = build::examples(project)?;
    run.arg(script)
        .dir(&project.root)
        .env("NETDRIVER_EXAMPLES", examples)
        .env("NETDRIVER_ARTIFACTS", project.out("artifacts")?)
        .env("NODE_PATH", install::node_path(project))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .limit(SCRIPT_LIMIT)
        .quiet(project, name)
}

fn last_line(log: &str) -> String {
    log.lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("(no output)")
        .to_owned()
}
