//! Bare TCP echo servers on io_uring, in its strongest forms, beside the bare one on epoll.
//!
//! No WebSocket, no driver: what is measured here is the most that a pump on io_uring could save.
//!
//! | module | what |
//! |---|---|
//! | `form` | the forms of the server and the loads |
//! | `epoll` | the server that all are compared with |
//! | `ring`, `buffers` | servers whose receives and sends go through the ring |
//! | `calls` | readiness by epoll, all receives in one call, all sends in one |
//! | `load` | the clients: the same for all |
//! | `compare` | runs them in turns; medians and ratios |
//! | `cost` | the processor time of a server |
#![allow(
    clippy::disallowed_methods,
    reason = "the rules about clocks and sockets protect the driver"
)]

mod buffers;
mod calls;
mod compare;
mod cost;
mod epoll;
mod form;
mod load;
mod ring;
mod server;

use std::process::ExitCode;

/// What may go wrong: a system call, or an argument.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "usage: netdriver-bench-uring [--rounds N] [--slice MS] [--forms NAME,…] \
                     [LOAD…]";

/// What the command line asks for.
struct Options {
    rounds: usize,
    slice_ms: u64,
    forms: Vec<String>,
    loads: Vec<String>,
}

impl Options {
    fn parse(words: &[String]) -> Outcome<Self> {
        let mut options = Self { rounds: 60, slice_ms: 50, forms: Vec::new(), loads: Vec::new() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(USAGE);
            match word.as_str() {
                "--rounds" => options.rounds = value()?.parse()?,
                "--slice" => options.slice_ms = value()?.parse()?,
                "--forms" => options.forms = value()?.split(',').map(str::to_owned).collect(),
                flag if flag.starts_with('-') => return Err(USAGE.into()),
                load => options.loads.push(load.to_owned()),
            }
        }
        if options.rounds < 2 || options.slice_ms < 4 {
            return Err("--rounds is at least 2, --slice at least 4".into());
        }
        Ok(options)
    }
}

fn run() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // How `compare` starts a server.
    if words.first().is_some_and(|word| word == "server") {
        return server::run(&words[1..]);
    }
    compare::run(&Options::parse(&words)?)
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
