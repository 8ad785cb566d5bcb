//! The clients of one server: on epoll, one `recv` and one `send` per connection that is ready.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use nix::sys::epoll::{Epoll, EpollEvent, EpollTimeout};

use crate::Outcome;
use crate::epoll::{reports, watch};
use crate::form::Load;

/// What every byte is.
const BYTE: u8 = 0x5a;
const WAIT_MS: u16 = 1000;

/// Clients.
pub struct Clients {
    load: Load,
    streams: Vec<TcpStream>,
    epoll: Epoll,
    reports: Vec<EpollEvent>,
    sent: Vec<u8>,
    buffer: Vec<u8>,
    /// Bytes of a message that has come in part.
    rest: Vec<usize>,
    /// Messages whose echo is missing.
    flying: usize,
}

impl Clients {
    /// Connects.
    pub fn connect(port: u16, load: Load) -> Outcome<Self> {
        let mut streams = Vec::new();
        for _ in 0..load.connections {
            let stream = TcpStream::connect(("127.0.0.1", port))?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            streams.push(stream);
        }
        Ok(Self {
            load,
            epoll: watch(&streams)?,
            reports: reports(),
            sent: vec![BYTE; load.flight()],
            buffer: vec![0; 256 * 1024],
            rest: vec![0; streams.len()],
            streams,
            flying: 0,
        })
    }

    /// Sends a window of messages on each connection.
    pub fn burst(&mut self) -> Outcome<()> {
        for mut stream in &self.streams {
            stream.write_all(&self.sent)?;
        }
        self.flying += self.streams.len() * self.load.window;
        Ok(())
    }

    /// Answers each echo with another message until a time. Gives the number of echoes.
    pub fn serve(&mut self, until: Instant) -> Outcome<usize> {
        let mut count = 0;
        while Instant::now() < until {
            count += self.step(true)?;
        }
        Ok(count)
    }

    /// Takes the echoes that are missing.
    pub fn drain(&mut self) -> Outcome<usize> {
        let mut count = 0;
        while self.flying > 0 {
            count += self.step(false)?;
        }
        Ok(count)
    }

    fn step(&mut self, answer: bool) -> Outcome<usize> {
        let ready = self.epoll.wait(&mut self.reports, EpollTimeout::from(WAIT_MS))?;
        if ready == 0 {
            return Err(format!("{} echoes do not come", self.flying).into());
        }
        let mut total = 0;
        for report in &self.reports[..ready] {
            let place = report.data() as usize;
            let mut stream = &self.streams[place];
            let count = match stream.read(&mut self.buffer) {
                Ok(0) => return Err("the server has closed a connection".into()),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            };
            if self.buffer[0] != BYTE || self.buffer[count - 1] != BYTE {
                return Err("an echo has other bytes than were sent".into());
            }
            let whole = (self.rest[place] + count) / self.load.size;
            self.rest[place] = (self.rest[place] + count) % self.load.size;
            self.flying -= whole;
            total += whole;
            if answer && whole > 0 {
                stream.write_all(&self.sent[..whole * self.load.size])?;
                self.flying += whole;
            }
        }
        Ok(total)
    }
}
