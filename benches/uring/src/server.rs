//! A server process: takes its connections, then echoes until it is killed or a client leaves.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::form::{FORMS, Kind, LOADS, Load, find};
use crate::{Outcome, calls, epoll, ring};

/// How a server knows when to look.
pub struct Pace {
    frame: Duration,
    idle: bool,
}

impl Pace {
    const fn new(load: &Load) -> Self {
        Self { frame: Duration::from_millis(load.frame_ms), idle: true }
    }

    /// Must it look without waiting? Sleeps to the next frame when nothing was found.
    pub fn looks(&self) -> bool {
        if self.idle && !self.frame.is_zero() {
            thread::sleep(self.frame);
        }
        !self.frame.is_zero()
    }

    /// Remembers whether there was something.
    pub const fn found(&mut self, count: usize) {
        self.idle = count == 0;
    }
}

/// `server FORM LOAD CORE POLL_CORE`: prints the port, then echoes. The kernel's thread, where the
/// form has one, gets the second core.
pub fn run(words: &[String]) -> Outcome<()> {
    let [form, load, core, poll_core] = words else {
        return Err("usage: server FORM LOAD CORE POLL_CORE".into());
    };
    let form = find(FORMS, |form| form.name, form)?;
    let load = find(LOADS, |load| load.name, load)?;
    pin(core.parse()?)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    std::io::stdout().flush()?;
    let mut streams = Vec::new();
    for _ in 0..load.connections {
        let stream: TcpStream = listener.accept()?.0;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        streams.push(stream);
    }
    let pace = Pace::new(&load);
    match form.kind {
        Kind::Epoll => epoll::run(&streams, pace),
        Kind::Phases => epoll::run_phases(&streams, &load, pace),
        Kind::Calls => calls::run(&streams, &load, pace),
        Kind::Ring(kind) => ring::run(&streams, &load, kind, pace, poll_core.parse()?),
    }
}

/// The cores that this process may use.
pub fn cores() -> Outcome<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0))?;
    Ok((0..CpuSet::count()).filter(|core| set.is_set(*core).unwrap_or(false)).collect())
}

/// Stays on one core.
pub fn pin(core: usize) -> Outcome<()> {
    let mut set = CpuSet::new();
    set.set(core)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}
