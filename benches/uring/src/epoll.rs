//! The echo on epoll: one `recv` and one `send` for each connection that is ready.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::Outcome;
use crate::form::Load;
use crate::server::Pace;

/// Reports taken at once.
pub const EVENTS_MAX: usize = 1024;

/// All streams in one epoll; each report's data is its place.
pub fn watch(streams: &[TcpStream]) -> Outcome<Epoll> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    for (index, stream) in streams.iter().enumerate() {
        epoll.add(stream, EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
    }
    Ok(epoll)
}

/// Room for reports.
pub fn reports() -> Vec<EpollEvent> {
    vec![EpollEvent::empty(); EVENTS_MAX]
}

/// Echoes until a client leaves.
pub fn run(streams: &[TcpStream], mut pace: Pace) -> Outcome<()> {
    let epoll = watch(streams)?;
    let mut reports = reports();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let timeout = if pace.looks() { EpollTimeout::ZERO } else { EpollTimeout::NONE };
        let count = epoll.wait(&mut reports, timeout)?;
        pace.found(count);
        for report in &reports[..count] {
            let mut stream = &streams[report.data() as usize];
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                // What a window holds fits into the socket.
                Ok(count) => stream.write_all(&buffer[..count])?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The same with all receives of a round in front of all of its sends, as a driver's update and
/// flush have it.
pub fn run_phases(streams: &[TcpStream], load: &Load, mut pace: Pace) -> Outcome<()> {
    let epoll = watch(streams)?;
    let mut reports = reports();
    let mut memory: Vec<Vec<u8>> = streams.iter().map(|_| vec![0; load.flight()]).collect();
    let mut received = Vec::with_capacity(EVENTS_MAX);
    loop {
        let timeout = if pace.looks() { EpollTimeout::ZERO } else { EpollTimeout::NONE };
        let count = epoll.wait(&mut reports, timeout)?;
        pace.found(count);
        for report in &reports[..count] {
            let place = report.data() as usize;
            match (&streams[place]).read(&mut memory[place]) {
                Ok(0) => return Ok(()),
                Ok(count) => received.push((place, count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        for (place, count) in received.drain(..) {
            (&streams[place]).write_all(&memory[place][..count])?;
        }
    }
}
