//! What the tests of the pipelines share: one end alone, and two ends with a network between them.

use super::*;
use crate::proto::netem::{Netem, Params};
use crate::proto::time::{MICROS_PER_MS, Micros};

mod carried;
mod config;
mod custom;
mod fragmentation;
mod golden;
mod joined;
mod reliable;
mod sequenced;
mod short;
mod simulator;
mod stages;
mod wrap;

/// What fits behind the pipeline byte over UDP with the default settings.
pub const PACKET_MAX: usize = 1390;

/// Bytes from hex.
pub fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

/// A message whose bytes say where in which message they are.
pub fn message(number: usize, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 8);
    for place in (0..).take(size.div_ceil(8)) {
        bytes.extend_from_slice(&((number as u64 + 1) << 20 | place).to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

pub fn reliable(window_size: usize) -> StageConfig {
    StageConfig::ReliableSequenced(ReliableConfig { window_size, ..ReliableConfig::default() })
}

pub fn fragmentation(payload_capacity: usize) -> StageConfig {
    StageConfig::Fragmentation(FragmentationConfig { payload_capacity })
}

pub fn pipeline(stages: Vec<StageConfig>) -> Pipeline {
    Pipeline::new(&PipelineConfig::new(stages).unwrap(), 1)
}

/// What came out of one end.
#[derive(Default)]
pub struct Collected {
    pub packets: Vec<Vec<u8>>,
    pub messages: Vec<Vec<u8>>,
}

impl Output for Collected {
    fn transmit(&mut self, packet: &[u8]) {
        self.packets.push(packet.to_vec());
    }

    fn deliver(&mut self, message: &[u8]) {
        self.messages.push(message.to_vec());
    }
}

/// One end, driven by hand.
pub struct Alone {
    pub now: Micros,
    pub pipeline: Pipeline,
    pub out: Collected,
}

impl Alone {
    pub fn new(stages: Vec<StageConfig>) -> Self {
        Self { now: 0, pipeline: pipeline(stages), out: Collected::default() }
    }

    pub fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.pipeline.handle_send(self.now, message, PACKET_MAX, &mut self.out)
    }

    /// Sends a message that is taken; gives its packets.
    pub fn packets_of(&mut self, message: &[u8]) -> Vec<Vec<u8>> {
        let before = std::mem::take(&mut self.out.packets);
        assert!(before.is_empty(), "{before:?}");
        self.send(message).unwrap();
        self.packets()
    }

    pub fn packets(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.out.packets)
    }

    pub fn receive(&mut self, packet: &[u8]) -> Result<(), PacketError> {
        self.pipeline.handle_packet(self.now, packet, &mut self.out)
    }

    /// Messages that a packet brought.
    pub fn messages_of(&mut self, packet: &[u8]) -> Vec<Vec<u8>> {
        self.receive(packet).unwrap();
        std::mem::take(&mut self.out.messages)
    }

    /// The acknowledgement that is owed.
    pub fn ack(&mut self) -> Vec<u8> {
        assert!(self.pipeline.wants_ack());
        self.pipeline.handle_ack_due(self.now, &mut self.out);
        assert!(!self.pipeline.wants_ack() && !self.pipeline.ack_is_urgent());
        let mut packets = self.packets();
        assert_eq!(packets.len(), 1);
        packets.remove(0)
    }

    /// Lets time pass; gives the packets that left meanwhile, when it is over.
    pub fn wait(&mut self, ms: u64) -> Vec<Vec<u8>> {
        self.now += ms * MICROS_PER_MS;
        self.pipeline.handle_timeout(self.now, &mut self.out);
        self.packets()
    }

    pub fn reliable(&self) -> ReliableStatistics {
        let mut all = self.pipeline.statistics();
        all.find_map(|stage| match stage {
            StageStatistics::Reliable(statistics) => Some(statistics),
            _ => None,
        })
        .unwrap()
    }
}

/// The outer side of an end in a [`World`].
pub struct Port {
    pub now: Micros,
    /// To the other end.
    pub link: Netem<Vec<u8>>,
    pub inbox: Vec<Vec<u8>>,
    /// When each packet left, and what it was.
    pub log: Vec<(Micros, Vec<u8>)>,
    pub logs: bool,
    pub sent: usize,
}

impl Output for Port {
    fn transmit(&mut self, packet: &[u8]) {
        assert!(packet.len() <= PACKET_MAX);
        self.sent += 1;
        if self.logs {
            self.log.push((self.now, packet.to_vec()));
        }
        self.link.handle_packet(self.now, packet.to_vec(), packet.len());
    }

    fn deliver(&mut self, message: &[u8]) {
        self.inbox.push(message.to_vec());
    }
}

pub struct End {
    pub pipeline: Pipeline,
    pub port: Port,
    owes: bool,
}

/// Two ends of a pipeline and a network in each direction. A frame is what a driver does in an
/// update.
pub struct World {
    pub now: Micros,
    pub ends: [End; 2],
}

impl World {
    pub fn new(stages: &dyn Fn() -> Vec<StageConfig>, params: Params, seed: u64) -> Self {
        let end = |index: u64| {
            let config = PipelineConfig::new(stages()).unwrap();
            let port = Port {
                now: 0,
                link: Netem::new(params, seed * 2 + index),
                inbox: Vec::new(),
                log: Vec::new(),
                logs: false,
                sent: 0,
            };
            End { pipeline: Pipeline::new(&config, seed * 2 + index), port, owes: false }
        };
        Self { now: 0, ends: [end(0), end(1)] }
    }

    pub fn set_params(&mut self, params: Params) {
        for end in &mut self.ends {
            end.port.link.set_params(params);
        }
    }

    pub fn send(&mut self, from: usize, message: &[u8]) -> Result<(), SendError> {
        let End { pipeline, port, .. } = &mut self.ends[from];
        pipeline.handle_send(self.now, message, PACKET_MAX, port)
    }

    /// One update of both ends, `step` microseconds after the last.
    pub fn frame(&mut self, step: Micros) {
        self.now += step;
        let now = self.now;
        for to in 0..2 {
            self.ends[to].port.now = now;
            let End { pipeline, port, owes } = &mut self.ends[to];
            if pipeline.next_timeout().is_some_and(|due| due <= now) {
                pipeline.handle_timeout(now, port);
                assert!(pipeline.next_timeout().is_none_or(|due| due > now), "it would spin");
            }
            if *owes {
                pipeline.handle_ack_due(now, port);
                *owes = false;
            }
            while let Some(packet) = self.ends[1 - to].port.link.poll_packet(now) {
                let End { pipeline, port, .. } = &mut self.ends[to];
                pipeline.handle_packet(now, &packet, port).unwrap();
            }
            let End { pipeline, port, owes } = &mut self.ends[to];
            if pipeline.ack_is_urgent() {
                pipeline.handle_ack_due(now, port);
            }
            *owes = pipeline.wants_ack();
        }
    }

    /// Runs until nothing is under way any more.
    pub fn settle(&mut self) {
        for _ in 0..100_000 {
            let quiet = self
                .ends
                .iter()
                .all(|end| end.pipeline.is_idle() && end.port.link.held() == 0 && !end.owes);
            if quiet {
                return;
            }
            self.frame(10 * MICROS_PER_MS);
        }
        panic!("it does not settle");
    }

    pub fn reliable(&self, end: usize) -> ReliableStatistics {
        let mut all = self.ends[end].pipeline.statistics();
        all.find_map(|stage| match stage {
            StageStatistics::Reliable(statistics) => Some(statistics),
            _ => None,
        })
        .unwrap()
    }
}
