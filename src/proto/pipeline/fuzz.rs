//! Fuzz bodies for the pipelines: any bytes as packets, and any script of two ends and a network
//! between them. They must not judge which bytes a header has; the golden tests do.

use std::collections::VecDeque;

use super::buffer::SPARE_BYTES_MAX;
use super::{
    CustomInstance, CustomStage, FragmentationConfig, Next, Output, Pipeline, PipelineConfig,
    ReliableConfig, SendError, SimulatorConfig, StageConfig, StageError,
};
use crate::proto::time::Micros;

/// What fits behind the pipeline byte.
const PACKET_MAX: usize = 600;
/// Largest message in pieces.
const PAYLOAD_CAPACITY: usize = 3000;
/// Rounds until two ends on a good network must be done.
const ROUNDS_MAX: usize = 2000;

/// A stage of a program: a byte in front, and every other byte turned over.
struct Toy;

impl CustomStage for Toy {
    fn name(&self) -> &str {
        "toy"
    }

    fn header_size(&self) -> usize {
        1
    }

    fn create(&self, seed: u64) -> Box<dyn CustomInstance> {
        let _ = seed;
        Box::new(Toy)
    }
}

impl CustomInstance for Toy {
    fn handle_send(
        &mut self,
        _now: Micros,
        packet: &mut [u8],
        next: &mut dyn Next,
    ) -> Result<(), SendError> {
        packet.iter_mut().for_each(|byte| *byte = !*byte);
        next.forward(&[0x5a], packet)
    }

    fn handle_packet(
        &mut self,
        _now: Micros,
        packet: &mut [u8],
        next: &mut dyn Next,
    ) -> Result<(), StageError> {
        let (mark, payload) = packet.split_first_mut().ok_or(StageError(1))?;
        if *mark != 0x5a {
            return Err(StageError(2));
        }
        payload.iter_mut().for_each(|byte| *byte = !*byte);
        next.forward(&[], payload).map_err(|_| StageError(3))
    }
}

/// What the stages of a choice promise together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Promise {
    /// Each message arrives once and in order.
    Reliable,
    /// Each message that arrives was sent.
    Whole,
}

fn reliable(window_size: usize) -> StageConfig {
    StageConfig::ReliableSequenced(ReliableConfig { window_size, ..ReliableConfig::default() })
}

fn stages(choice: u8) -> (Vec<StageConfig>, Promise) {
    let fragmentation =
        || StageConfig::Fragmentation(FragmentationConfig { payload_capacity: PAYLOAD_CAPACITY });
    let simulator = || {
        StageConfig::Simulator(SimulatorConfig {
            packet_drop_percentage: 10.0,
            packet_duplication_percentage: 10.0,
            packet_delay_ms: 5,
            packet_jitter_ms: 5,
            max_packet_count: 8,
            ..SimulatorConfig::default()
        })
    };
    let sequenced = || StageConfig::UnreliableSequenced;
    match choice % 16 {
        0 => (vec![reliable(8)], Promise::Reliable),
        1 => (vec![reliable(32)], Promise::Reliable),
        2 => (vec![reliable(64)], Promise::Reliable),
        3 => (vec![reliable(72)], Promise::Reliable),
        4 => (vec![reliable(2040)], Promise::Reliable),
        5 => (vec![fragmentation(), reliable(8)], Promise::Reliable),
        6 => (vec![fragmentation(), reliable(256), simulator()], Promise::Reliable),
        7 => (vec![StageConfig::Custom(Box::new(Toy)), reliable(32)], Promise::Reliable),
        8 => (vec![reliable(32), StageConfig::Custom(Box::new(Toy))], Promise::Reliable),
        9 => (vec![reliable(8), sequenced()], Promise::Reliable),
        10 => (vec![fragmentation()], Promise::Whole),
        11 => (vec![fragmentation(), sequenced()], Promise::Whole),
        12 => (vec![sequenced(), fragmentation()], Promise::Whole),
        13 => (vec![simulator(), fragmentation(), simulator()], Promise::Whole),
        14 => (vec![StageConfig::Custom(Box::new(Toy)), sequenced()], Promise::Whole),
        _ => (vec![StageConfig::Null, sequenced()], Promise::Whole),
    }
}

fn pipeline(choice: u8) -> Pipeline {
    let config = PipelineConfig::new(stages(choice).0).expect("the choices are good ones");
    Pipeline::new(&config, u64::from(choice))
}

#[derive(Default)]
struct Collected {
    packets: VecDeque<Vec<u8>>,
    messages: Vec<Vec<u8>>,
}

impl Output for Collected {
    fn transmit(&mut self, packet: &[u8]) {
        assert!(packet.len() <= PACKET_MAX, "{} bytes leave", packet.len());
        self.packets.push_back(packet.to_vec());
    }

    fn deliver(&mut self, message: &[u8]) {
        self.messages.push(message.to_vec());
    }
}

/// Any bytes as packets: the first byte chooses the stages, then each packet has a byte with its
/// length in front. Nothing panics, and nothing comes out that did not go in.
pub fn fuzz_packets(data: &[u8]) {
    let Some((&choice, mut rest)) = data.split_first() else {
        return;
    };
    let mut end = pipeline(choice);
    let mut out = Collected::default();
    let mut now = 0;
    let mut bytes_in = 0;
    end.handle_send(now, b"under way", PACKET_MAX, &mut out).expect("there is room");
    while let Some((&length, tail)) = rest.split_first() {
        let (packet, later) = tail.split_at(usize::from(length).min(tail.len()));
        rest = later;
        now += 1000;
        let _ = end.handle_packet(now, packet, &mut out);
        bytes_in += packet.len();
        if end.ack_is_urgent() {
            assert!(end.wants_ack());
            end.handle_ack_due(now, &mut out);
        }
        end.handle_timeout(now, &mut out);
    }
    let delivered: usize = out.messages.iter().map(Vec::len).sum();
    // A simulator makes copies of packets and of the messages in them.
    assert!(delivered <= 4 * bytes_in, "{delivered} bytes of {bytes_in}");
    // Of the pool, and as much of what waited for acknowledgements.
    assert!(end.spare_bytes() <= 2 * SPARE_BYTES_MAX);
}

/// One of two ends.
struct End {
    pipeline: Pipeline,
    out: Collected,
    taken: Vec<Vec<u8>>,
}

impl End {
    fn new(choice: u8) -> Self {
        Self { pipeline: pipeline(choice), out: Collected::default(), taken: Vec::new() }
    }

    fn send(&mut self, now: Micros, size: usize) {
        let number = self.taken.len() as u32;
        let mut message = number.to_le_bytes().to_vec();
        message.resize(size.max(4), number as u8);
        let (idle, before) = (self.pipeline.is_idle(), self.out.packets.len());
        match self.pipeline.handle_send(now, &message, PACKET_MAX, &mut self.out) {
            Ok(()) => self.taken.push(message),
            Err(error) => {
                assert_eq!(self.out.packets.len(), before, "nothing of it leaves");
                let fits = message.len() <= self.pipeline.payload_size_max(PACKET_MAX);
                match error {
                    SendError::Overflow => assert!(!fits),
                    SendError::QueueFull => assert!(!fits || !idle),
                    SendError::Stage(_) => panic!("the toy refuses nothing"),
                }
            }
        }
    }

    fn receive(&mut self, now: Micros, packet: &[u8]) {
        let result = self.pipeline.handle_packet(now, packet, &mut self.out);
        assert_eq!(result, Ok(()), "a packet of our own is good");
    }

    fn update(&mut self, now: Micros) {
        self.pipeline.handle_timeout(now, &mut self.out);
        self.pipeline.handle_ack_due(now, &mut self.out);
        assert!(!self.pipeline.wants_ack());
        let spins = self.pipeline.next_timeout().is_some_and(|due| due <= now);
        assert!(!spins, "a timeout that was handled is due again");
    }
}

/// Any script of two ends: what they send, and what becomes of each packet under way. The first
/// byte chooses the stages, then each step has two.
pub fn fuzz_operations(data: &[u8]) {
    let Some((&choice, script)) = data.split_first() else {
        return;
    };
    let promise = stages(choice).1;
    let mut ends = [End::new(choice), End::new(choice)];
    let mut now = 0;
    for &[operation, value] in script.as_chunks().0 {
        let (from, to) = (usize::from(operation & 1), usize::from(operation & 1 ^ 1));
        match operation >> 1 & 7 {
            0 => ends[from].send(now, usize::from(value)),
            1 => ends[from].send(now, usize::from(value) * 13),
            2 => now += Micros::from(value) * 1000,
            3 => ends[from].update(now),
            4 => drop(ends[from].out.packets.pop_front()),
            5 => ends[from]
                .out
                .packets
                .rotate_left(usize::from(value != 0).min(ends[from].out.packets.len())),
            6 => {
                let copy = ends[from].out.packets.front().cloned();
                copy.into_iter().for_each(|packet| ends[to].receive(now, &packet));
            }
            _ => {
                for _ in 0..=value % 16 {
                    let packet = ends[from].out.packets.pop_front();
                    packet.into_iter().for_each(|packet| ends[to].receive(now, &packet));
                }
            }
        }
    }
    heal(&mut ends, now);
    for (from, to) in [(0, 1), (1, 0)] {
        let (taken, got) = (&ends[from].taken, &ends[to].out.messages);
        match promise {
            Promise::Reliable => assert_eq!(taken, got),
            Promise::Whole => {
                for message in got {
                    let number = message.first_chunk().map(|number| u32::from_le_bytes(*number));
                    let sent = number.and_then(|number| taken.get(number as usize));
                    assert_eq!(sent, Some(message));
                }
            }
        }
    }
}

/// A good network until nothing is under way.
fn heal(ends: &mut [End; 2], mut now: Micros) {
    for _ in 0..ROUNDS_MAX {
        for from in 0..2 {
            while let Some(packet) = ends[from].out.packets.pop_front() {
                ends[1 - from].receive(now, &packet);
            }
        }
        now += 50_000;
        ends.iter_mut().for_each(|end| end.update(now));
        let quiet = |end: &End| end.pipeline.is_idle() && end.out.packets.is_empty();
        if ends.iter().all(quiet) {
            return;
        }
    }
    panic!("the two ends never come to rest");
}
