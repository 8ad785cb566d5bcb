//! Fuzz bodies for sessions: any bytes go in, broken promises panic.

use std::collections::VecDeque;

use super::frame::{self, Frame};
use super::hello::Hello;
use super::{Config, Output, Session, packet};
use crate::proto::utp;

/// Any datagram: what parses is written back to something that means the same.
pub fn fuzz_packet(data: &[u8]) {
    if let Some(hello) = Hello::parse(data) {
        let mut written = Vec::new();
        hello.write([0; 8], &mut written);
        assert_eq!(Hello::parse(&written[10..]), Some(hello));
    }
    let Some(packet) = packet::parse(data) else {
        assert!(!packet::is_session(data) || data.len() < packet::LONG_HEADER_SIZE);
        return;
    };
    assert!(packet::is_session(data));
    let mut ended = false;
    for frame in frame::frames(packet.frames) {
        assert!(!ended, "nothing follows an error");
        let Ok(frame) = frame else {
            ended = true;
            continue;
        };
        let mut written = Vec::new();
        frame::write(&mut written, &frame, true);
        let again = frame::frames(&written).next();
        if let (Frame::Ack(ack), Some(Ok(Frame::Ack(other)))) = (frame, again) {
            let largest = u64::from(ack.largest) + (1 << 40);
            assert!(ack.ranges(largest).eq(other.ranges(largest)), "{ack:?}");
            assert!(ack.ranges(largest).is_sorted_by(|one, next| next.1 < one.0));
        } else {
            assert_eq!(again, Some(Ok(frame)));
        }
    }
}

/// What one side got, on channels 0 to 3, and whether the other side alone can have sent it.
struct Sink {
    got: [u32; 4],
    forged: bool,
    /// Messages that it still takes.
    room: u32,
}

impl Sink {
    const fn new() -> Self {
        Self { got: [0; 4], forged: false, room: u32::MAX }
    }
}

impl Output for Sink {
    fn message(&mut self, _: u8, _: &[u8]) {}

    fn reliable(&mut self, channel: u8, data: &[u8]) {
        let number = &mut self.got[usize::from(channel)];
        if !self.forged {
            assert_eq!(data.get(..4), Some(&number.to_le_bytes()[..]), "once and in order");
        }
        *number += 1;
        self.room -= 1;
    }

    fn is_full(&mut self) -> bool {
        self.room == 0
    }
}

/// Two sessions, and what is on its way between them.
struct Pair {
    now: u64,
    sessions: [Session; 2],
    sinks: [Sink; 2],
    /// From each side to the other.
    ways: [VecDeque<Vec<u8>>; 2],
    sent: [[u32; 4]; 2],
}

impl Pair {
    fn new() -> Self {
        let mut config = Config::new([0; 8]);
        config.window = 10_000;
        config.peer_window = 10_000;
        config.send_queue_bytes_max = 20_000;
        for channel in 0..4 {
            config.reliable.insert(channel);
        }
        Self {
            now: 0,
            sessions: [Session::new(0, config), Session::new(0, config)],
            sinks: [Sink::new(), Sink::new()],
            ways: [VecDeque::new(), VecDeque::new()],
            sent: [[0; 4]; 2],
        }
    }

    fn deliver(&mut self, side: usize, datagram: &[u8]) {
        let now = self.now;
        match utp::packet::parse(datagram) {
            // A message that was alone.
            Ok(utp::packet::Packet::Data { pipeline, payload, .. }) => {
                self.sinks[side].message(pipeline, payload);
            }
            _ => {
                self.sessions[side].handle_datagram(now, datagram, &mut self.sinks[side]);
            }
        }
    }

    fn transmit(&mut self, side: usize) {
        self.sessions[side].handle_timeout(self.now);
        self.sessions[side].handle_answered();
        loop {
            let mut out = Vec::new();
            let wants = self.sessions[side].wants_flush(self.now);
            let deadline = self.sessions[side].next_timeout();
            if !self.sessions[side].poll_transmit(self.now, &mut out) {
                // Whom a flush brings nothing need not be asked, and is as it was.
                assert!(wants || deadline == self.sessions[side].next_timeout());
                break;
            }
            assert!(wants);
            assert!(out.len() <= 1400);
            if self.ways[side].len() < 64 {
                self.ways[side].push_back(out);
            }
        }
    }

    fn step(&mut self, operation: u8, value: u8) {
        let side = usize::from(operation & 1);
        let way = 1 - side;
        let at = usize::from(value) % self.ways[way].len().max(1);
        match operation >> 1 & 7 {
            0 if operation & 0x10 != 0 => {
                self.sessions[side].set_datagram_size(256 + u16::from(value) * 5);
            }
            0 => self.now += u64::from(value) * 500,
            1 => {
                let channel = value % 4;
                let number = &mut self.sent[side][usize::from(channel)];
                let body = vec![value; usize::from(value) * 5];
                let parts = [&number.to_le_bytes()[..], &body];
                let session = &mut self.sessions[side];
                *number += u32::from(session.send_reliable(channel, value, &parts).is_ok());
            }
            2 => {
                let _ = self.sessions[side].send_message(9, &[&vec![value; usize::from(value)]]);
            }
            3 => self.transmit(side),
            4 => {
                let datagram = self.ways[way].remove(at).unwrap_or_default();
                self.deliver(side, &datagram);
            }
            5 => drop(self.ways[way].remove(at)),
            6 => {
                let copy = self.ways[way].get(at).cloned().unwrap_or_default();
                self.deliver(side, &copy);
            }
            _ => {
                self.sinks[side].room = u32::from(value) * 2;
                self.sessions[side].deliver_held(&mut self.sinks[side]);
            }
        }
    }
}

/// Any script of two sessions, and then whatever is left of the bytes as forged datagrams: what is
/// delivered comes once and in order, queues keep their bounds, and on a good network everything
/// arrives in the end.
pub fn fuzz_pair(data: &[u8]) {
    let (script, forged) = data.split_at(data.len().min(600));
    let mut pair = Pair::new();
    for &[operation, value] in script.as_chunks().0 {
        pair.step(operation, value);
    }
    for (session, sink) in pair.sessions.iter_mut().zip(&mut pair.sinks) {
        sink.room = u32::MAX;
        session.deliver_held(sink);
    }
    for _ in 0..2000 {
        for side in 0..2 {
            pair.transmit(side);
            while let Some(datagram) = pair.ways[side].pop_front() {
                pair.deliver(1 - side, &datagram);
            }
        }
        pair.now += 20_000;
        if pair.sessions.iter().all(Session::is_idle) {
            break;
        }
    }
    for side in 0..2 {
        let session = &pair.sessions[side];
        assert!(session.is_idle() && session.failure().is_none(), "{session:?}");
        assert_eq!(pair.sent[side], pair.sinks[1 - side].got);
    }
    for (number, datagram) in forged.chunks(97).enumerate() {
        let side = number % 2;
        pair.sinks[side].forged = true;
        let forged = [&[0x10, 0, 0, 0, 0, 0, 0, 0, 0], datagram].concat();
        pair.deliver(side, &forged);
        pair.transmit(side);
    }
}
