//! Two sessions and the network between them. Time goes from one thing that happens to the next.

use std::collections::BTreeMap;

use crate::proto::netem::{Netem, Params};
use crate::proto::session::{Config, Output, Session};
use crate::proto::time::Micros;
use crate::proto::utp::{self, packet::Packet};

pub const TOKEN: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
pub const MS: Micros = 1000;
/// What IP and UDP add to a datagram.
pub const DATAGRAM_COST: usize = 28;

/// What a driver does with a datagram that has arrived: a message that was alone came as a packet
/// of Unity Transport.
pub fn take(session: &mut Session, now: Micros, datagram: &[u8], output: &mut impl Output) {
    match utp::packet::parse(datagram) {
        Ok(Packet::Data { pipeline, payload, .. }) => output.message(pipeline, payload),
        _ => {
            session.handle_datagram(now, datagram, output);
        }
    }
}

/// What was delivered, and when.
#[derive(Default)]
pub struct Log {
    pub now: Micros,
    /// Reliable messages that the program still takes; all of them, if it does not say.
    pub room: Option<usize>,
    /// By channel.
    pub reliable: BTreeMap<u8, Vec<(Micros, Vec<u8>)>>,
    pub messages: Vec<(Micros, u8, Vec<u8>)>,
}

impl Output for Log {
    fn message(&mut self, pipeline: u8, data: &[u8]) {
        self.messages.push((self.now, pipeline, data.to_vec()));
    }

    fn reliable(&mut self, channel: u8, data: &[u8]) {
        self.reliable.entry(channel).or_default().push((self.now, data.to_vec()));
        self.room = self.room.map(|room| room.saturating_sub(1));
    }

    fn is_full(&mut self) -> bool {
        self.room == Some(0)
    }
}

pub struct World {
    pub now: Micros,
    pub sessions: [Session; 2],
    pub logs: [Log; 2],
    /// From each side to the other.
    pub links: [Netem<Vec<u8>>; 2],
    /// Bytes that each side has sent, IP and UDP included, and datagrams.
    pub wire: [usize; 2],
    pub datagrams: [usize; 2],
    /// Lengths of datagrams, newest last; for those who want to see them.
    pub lengths: Vec<usize>,
    /// A gate is closed, so a session may have something to send and wait for nothing.
    pub gated: bool,
    buffer: Vec<u8>,
}

/// A configuration with reliable channels 1 to 5.
pub fn config() -> Config {
    let mut config = Config::new(TOKEN);
    for channel in 1..=5 {
        config.reliable.insert(channel);
    }
    config
}

impl World {
    pub fn new(config: Config, params: Params, seed: u64) -> Self {
        Self {
            now: 0,
            sessions: [Session::new(0, config), Session::new(0, config)],
            logs: [Log::default(), Log::default()],
            links: [Netem::new(params, seed), Netem::new(params, seed ^ 0x5555)],
            wire: [0; 2],
            datagrams: [0; 2],
            lengths: Vec::new(),
            gated: false,
            buffer: Vec::new(),
        }
    }

    /// Sends what each side has to send now.
    pub fn flush(&mut self) {
        for side in 0..2 {
            let mut bound = 0;
            loop {
                self.buffer.clear();
                let wants = self.sessions[side].wants_flush(self.now);
                let any = self.sessions[side].poll_transmit(self.now, &mut self.buffer);
                assert!(wants || !any, "who has nothing to say to a flush sends nothing");
                if !any {
                    break;
                }
                let size = self.buffer.len() + DATAGRAM_COST;
                assert!(size <= 1428, "a datagram of {size}");
                self.wire[side] += size;
                self.datagrams[side] += 1;
                self.lengths.push(self.buffer.len());
                self.links[side].handle_packet(self.now, self.buffer.clone(), size);
                bound += 1;
                assert!(bound < 100_000, "it never ends");
            }
            let session = &self.sessions[side];
            let goes_on = session.is_idle() || session.next_timeout().is_some();
            assert!(goes_on || self.gated, "it waits for ever: {session:?}");
        }
    }

    /// When the next thing happens by itself.
    pub fn next_event(&self) -> Option<Micros> {
        let links = self.links.iter().map(Netem::next_timeout);
        let timers = self.sessions.iter().map(Session::next_timeout);
        links.chain(timers).flatten().min()
    }

    /// What arrives now, arrives; timers that are due, run; answers leave.
    pub fn step(&mut self) {
        for side in 0..2 {
            while let Some(datagram) = self.links[side].poll_packet(self.now) {
                let other = 1 - side;
                self.logs[other].now = self.now;
                take(&mut self.sessions[other], self.now, &datagram, &mut self.logs[other]);
            }
        }
        for session in &mut self.sessions {
            session.handle_timeout(self.now);
            session.handle_answered();
        }
        self.flush();
    }

    /// Lets time pass until `end`.
    pub fn run(&mut self, end: Micros) {
        self.flush();
        let mut steps = 0u64;
        while let Some(next) = self.next_event().filter(|&next| next <= end) {
            // A deadline may lie in the past after a jump of the clock.
            self.now = self.now.max(next);
            self.step();
            steps += 1;
            assert!(steps < 5_000_000, "time stands still at {}", self.now);
        }
        self.now = self.now.max(end);
    }

    /// Everything that was delivered, as text; for comparing runs.
    pub fn history(&self) -> String {
        let logs = self.logs.iter().map(|log| format!("{:?}{:?}", log.reliable, log.messages));
        let facts = format!("{:?}{:?}{}", self.wire, self.datagrams, self.now);
        logs.collect::<String>() + &facts
    }
}
