//! The plain WebSocket client of a headless demo: the page in Chromium where it is installed,
//! and otherwise a Node script that speaks as the page does.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::install;
use crate::paths::Project;
use crate::shell::{Run, Running, Tail, log_path};

/// How long a browser may take to start and to join.
const JOIN_PATIENCE: Duration = Duration::from_secs(60);
/// How long the client plays when the bots have no end.
const SECONDS_DEFAULT: u64 = 10;
const POLL: Duration = Duration::from_millis(50);
/// What the scripts print once the server has welcomed them.
const JOINED: &str = "joined";

/// What plays the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Client {
    /// The page itself, in headless Chromium.
    Chromium,
    /// A script for Node that speaks as the page does.
    Node,
}

impl Client {
    /// The client that the command line calls so.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "chromium" => Ok(Self::Chromium),
            "node" => Ok(Self::Node),
            _ => Err(Error::new(format!("--page is chromium or node, and not \"{name}\""))),
        }
    }
}

/// A page client that has joined the arena.
pub struct Page {
    running: Running,
    how: String,
}

impl Page {
    /// Starts the client and waits until it has joined, so that a browser's slow start does not
    /// eat the time in which it must see the others. Without a wish it is Chromium where it is
    /// installed.
    pub fn open(
        project: &Project,
        wish: Option<Client>,
        port: u16,
        seconds: Option<u64>,
    ) -> Result<Self> {
        let log = log_path(project, "demo-page")?;
        // It leaves before the bots do: its picture shows them all.
        let seconds = seconds.unwrap_or(SECONDS_DEFAULT).saturating_sub(1).to_string();
        let chromium = match wish {
            Some(Client::Node) => None,
            _ => install::chromium(),
        };
        let (run, how) = match (chromium, wish) {
            (Some(chromium), _) => {
                let picture = project.out("artifacts")?.join("demo.png");
                let how = format!("Chromium (its picture: {})", project.shown(&picture));
                let run = Run::new("node")
                    .arg(project.file("xtask/assets/page_client.mjs")?)
                    .arg(format!("http://localhost:{port}/"))
                    .arg(seconds)
                    .args([chromium, picture]);
                (run, how)
            }
            (None, Some(Client::Chromium)) => return Err(Error::new("Chromium is not installed")),
            (None, _) => {
                let run = Run::new("node")
                    .arg(project.file("xtask/assets/plain_client.mjs")?)
                    .arg(format!("ws://127.0.0.1:{port}/"))
                    .args([seconds.as_str(), "node"]);
                let why = if wish.is_some() { "asked for" } else { "Chromium is not installed" };
                (run, format!("Node in its place ({why})"))
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

#[cfg(test)]
mod tests {
    use super::Client;

    #[test]
    fn a_client_is_known_by_its_name() {
        assert_eq!(Client::named("node").expect("known"), Client::Node);
        assert_eq!(Client::named("chromium").expect("known"), Client::Chromium);
        let text = Client::named("firefox").expect_err("unknown").to_string();
        assert!(text.contains("firefox"), "{text}");
    }
}
