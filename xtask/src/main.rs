//! `cargo xtask …`: every task of the project, in Rust.
//!
//! This file holds the table of commands and nothing else; each command lives in its own module.
//! Nothing here knows the network protocol: xtask starts programs and judges what they report.
#![allow(
    clippy::disallowed_methods,
    reason = "the rules about clocks and sockets protect the driver; a task runner reads the clock"
)]

mod bench;
mod bindgen;
mod build;
mod cli;
mod conformance;
mod demo;
mod edge;
mod error;
mod fuzz;
mod guard;
mod install;
mod link;
mod paths;
mod shell;
mod table;
mod test;

use std::process::ExitCode;

use cli::{Command, Flag};

const CHECK: Flag = Flag::switch("--check", "compare with the committed files, write nothing");
const HEADLESS: Flag = Flag::switch("--headless", "add a page client, judge the run, then end");
const LIST: Flag = Flag::switch("--list", "print the steps and what they need");
const SECONDS: Flag = Flag::value("--seconds", "N", "how long (demo: until Ctrl-C; fuzz: 30)");
const PAGE: Flag = Flag::value(
    "--page",
    "WHICH",
    "play the page client in chromium or node (default: what is there)",
);
const PORT: Flag = Flag::value("--port", "N", "UDP and WebSocket port (0, the default: any)");
const ONLY: Flag = Flag::value("--only", "STEP,…", "run these steps alone");
const SKIP: Flag = Flag::value("--skip", "STEP,…", "leave these steps out");
const JOBS: Flag =
    Flag::value("--jobs", "N", "steps side by side (default: one more than cores, 4 at most)");

/// Every command of the task runner, in the order in which the help prints them.
const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        operand: None,
        flags: &[HEADLESS, SECONDS, PAGE, PORT],
        summary: "install, build, and play: an arena server, bots, and a page for your browser",
        run: demo::command,
    },
    Command {
        name: "test",
        operand: None,
        flags: &[ONLY, SKIP, JOBS, LIST],
        summary: "install what is needed and run the whole ladder of tests",
        run: test::command,
    },
    Command {
        name: "examples",
        operand: None,
        flags: &[],
        summary: "build the library and every example into target/examples",
        run: build::command,
    },
    Command {
        name: "bindgen",
        operand: None,
        flags: &[CHECK],
        summary: "write the generated C header and C# externs into the tree",
        run: bindgen::command,
    },
    Command {
        name: "link-line",
        operand: None,
        flags: &[],
        summary: "print the command that links a C program against the static library",
        run: link::command,
    },
    Command {
        name: "conformance",
        operand: Some("websocket"),
        flags: &[],
        summary: "run the Autobahn test suite against the server and the client",
        run: conformance::command,
    },
    Command {
        name: "bench",
        operand: Some("udp|websocket|scale"),
        flags: bench::FLAGS,
        summary: "run netdriver beside what others use, in turns, and compare",
        run: bench::command,
    },
    Command {
        name: "edge",
        operand: None,
        flags: edge::FLAGS,
        summary: "count what calls cost in instructions, and compare with the committed table",
        run: edge::command,
    },
    Command {
        name: "fuzz",
        operand: Some("TARGET"),
        flags: &[SECONDS],
        summary: "run the fuzz targets (or one) for a while",
        run: fuzz::command,
    },
];

fn main() -> ExitCode {
    match cli::dispatch(COMMANDS, std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = error.to_string();
            if !text.is_empty() {
                eprintln!("xtask: {text}");
            }
            ExitCode::FAILURE
        }
    }
}
