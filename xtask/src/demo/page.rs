//! The plain WebSocket client of a headless demo: the page in Chromium where it is installed,
//! and otherwise a Node script that speaks as the page does.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::install;
use crate::paths::Project;
use crate::shell::{Run, Running, Tail, log_path};

/// How long a browser may take to start and to join.
const JOIN_PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
/// What the scripts print once the server has welcomed them.
const JOINED: &str = "joined";

/// A page client that has joined the arena.
pub struct Page {
    running: Running,
    how: String,
}

impl Page {
    /// Starts the client and waits until it has joined, so that a browser's slow start does not
    /// eat the time in which it must see the others.
    pub fn open(project: &Project, port: u16) -> Result<Self> {
        let log = log_path(project, "demo-page")?;
        let (run, how) = match install::chromium() {
            Some(chromium) => {
                let picture = project.out("artifacts")?.join("arena.png");
                let how = format!("Chromium (its picture: {})", project.shown(&picture));
                let run = Run::new("node")
                    .arg(project.file("xtask/assets/page_client.mjs")?)
                    .arg(format!("http://localhost:{port}/?name=browser"))
                    .args([chromium, picture]);
                (run, how)
            }
            None => {
                let run = Run::new("node")
                    .arg(project.file("xtask/assets/plain_client.mjs")?)
                    .arg(format!("ws://127.0.0.1:{port}/"));
                (run, "Node in its place, because Chromium is not installed".to_owned())
            }
        };
        let running = run.env("NODE_PATH", install::node_modules(project)).start(&log)?;
        let mut page = Self { running, how };
        let mut output = Tail::open(&log)?;
        let end = Instant::now() + JOIN_PATIENCE;
        while !output.lines()?.iter().any(|line| line == JOINED) {
            if page.running.ended().is_some() || Instant::now() >= end {
                let tail = page.running.tail();
                return Err(Error::new(format!("the page did not join\n{tail}")));
            }
            std::thread::sleep(POLL);
        }
        Ok(page)
    }

    /// What kind of client it is, for a person.
    pub fn how(&self) -> &str {
        &self.how
    }

    /// The program, to be watched with the other players.
    pub fn into_running(self) -> Running {
        self.running
    }
}
