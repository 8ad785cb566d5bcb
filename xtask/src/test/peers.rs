//! The steps against peers that nobody here wrote: Python, Node, a browser.
//! The scripts live in `tests/`; each ends with 0 only if all of it worked.

use std::time::Duration;

use super::{Outcome, native};
use crate::build;
use crate::error::{Context, Error, Result};
use crate::install;
use crate::paths::{Project, stem};
use crate::shell::Run;

/// How long one script may take.
const SCRIPT_LIMIT: Duration = Duration::from_secs(900);
/// The scripts in Python: its `websockets`, Unity Transport's protocol and its pipelines written
/// once more, and the C# faces of other engines' classes.
const PYTHON: &[&str] = &[
    "tests/foreign/websockets_peer.py",
    "tests/foreign/utp_peer.py",
    "tests/foreign/utp_pipelines_peer.py",
    "tests/foreign/faces_peer.py",
];
/// The dissector for Wireshark.
const WIRESHARK: &str = "tests/foreign/wireshark_checks.py";
/// Godot 3 as client and as server.
const GODOT: &str = "tests/foreign/godot_peer.py";
/// The script with Node's `ws` and with raw bytes.
const NODE: &str = "tests/foreign/ws_peer.mjs";
/// nginx as a reverse proxy.
const NGINX: &str = "tests/foreign/nginx_proxy.py";
/// Proxies that a client goes through.
const PROXIES: &str = "tests/foreign/proxy_peer.py";
const BROWSER: &str = "tests/browser/console.mjs";
/// The chat: a server in C, pages in a browser, a client in C#.
const CHAT: &str = "tests/browser/chat.mjs";

/// Python's `websockets` and Node's `ws`, each as client and as server, and a second
/// implementation of Unity Transport's protocol.
pub fn foreign(project: &Project) -> Result<Outcome> {
    let mut notes = Vec::new();
    for script in PYTHON {
        notes.push(run_script(project, Run::new(install::python(project)), script)?);
    }
    notes.push(run_script(project, Run::new("node"), NODE)?);
    Ok(Outcome::Passed(notes))
}

/// The dissector, by tshark, on captures that the script writes and records.
pub fn wireshark(project: &Project) -> Result<Outcome> {
    let run = Run::new(install::python(project));
    Ok(Outcome::Passed(vec![run_script(project, run, WIRESHARK)?]))
}

/// nginx in front of the echo server, as a reverse proxy and with the PROXY protocol.
pub fn nginx(project: &Project) -> Result<Outcome> {
    let run = Run::new(install::python(project));
    Ok(Outcome::Passed(vec![run_script(project, run, NGINX)?]))
}

/// tinyproxy and microsocks between the echo client and its server.
pub fn proxies(project: &Project) -> Result<Outcome> {
    let run = Run::new(install::python(project));
    Ok(Outcome::Passed(vec![run_script(project, run, PROXIES)?]))
}

/// Godot's WebSocket classes, in both roles.
pub fn godot(project: &Project) -> Result<Outcome> {
    let run = Run::new(install::python(project));
    Ok(Outcome::Passed(vec![run_script(project, run, GODOT)?]))
}

/// A browser's console: `new WebSocket(…)` and what a person does with it.
pub fn browser(project: &Project) -> Result<Outcome> {
    in_browser(project, BROWSER)
}

/// A chat as its users see it: in C, in a browser and in C# at once.
pub fn chat(project: &Project) -> Result<Outcome> {
    in_browser(project, CHAT)
}

fn in_browser(project: &Project, script: &str) -> Result<Outcome> {
    let chromium = install::chromium().ok_or_else(|| Error::new("Chromium is gone"))?;
    let run = Run::new("node").env("NETDRIVER_CHROMIUM", chromium);
    Ok(Outcome::Passed(vec![run_script(project, run, script)?]))
}

/// Runs a script with what the scripts are promised: where the examples are, where the npm
/// packages are, and where to keep pictures. Returns how much it checked.
fn run_script(project: &Project, run: Run, script: &str) -> Result<String> {
    let path = project.file(script)?;
    let name = stem(&path);
    let log = run
        .arg(path)
        .dir(&project.root)
        .env("NETDRIVER_EXAMPLES", build::examples(project)?)
        .env("NETDRIVER_NODE_MODULES", install::node_modules(project))
        .env("NETDRIVER_ARTIFACTS", project.out("artifacts")?)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .limit(SCRIPT_LIMIT)
        .quiet(project, &format!("peer-{name}"))?;
    Ok(format!("{name}: {}", native::closing_line(&log).context(&name)?))
}
