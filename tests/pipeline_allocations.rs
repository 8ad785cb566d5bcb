//! Warm pipelines allocate nothing: messages through two joined ends of each combination of
//! stages, in both directions, with packets lost and sent again, counted by the allocator itself.
//!
//! One test, alone in its binary, so that nothing else allocates meanwhile.
#![allow(unsafe_code, reason = "an allocator that counts is one by its trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use netdriver::proto::pipeline::{
    FragmentationConfig, Output, Pipeline, PipelineConfig, ReliableConfig, SimulatorConfig,
    StageConfig,
};

struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What fits behind the pipeline byte.
const PACKET_MAX: usize = 1390;
/// Room for the packets of one step.
const PACKETS_MAX: usize = 256;
/// One packet in so many is lost.
const LOSS_INTERVAL: u64 = 13;
/// Steps until the first use of everything is over.
const WARM_UP: u64 = 4000;
/// Steps that are counted.
const STEPS: u64 = 5000;

/// Packets under way, in memory that is there from the start.
struct Wire {
    packets: Vec<([u8; PACKET_MAX], usize)>,
    sent: u64,
    delivered: u64,
}

impl Output for Wire {
    fn transmit(&mut self, packet: &[u8]) {
        self.sent += 1;
        if self.sent.is_multiple_of(LOSS_INTERVAL) {
            return;
        }
        assert!(self.packets.len() < PACKETS_MAX);
        let mut bytes = [0; PACKET_MAX];
        bytes[..packet.len()].copy_from_slice(packet);
        self.packets.push((bytes, packet.len()));
    }

    fn deliver(&mut self, _message: &[u8]) {
        self.delivered += 1;
    }
}

struct End {
    pipeline: Pipeline,
    wire: Wire,
}

impl End {
    fn new(config: &PipelineConfig) -> Self {
        let packets = Vec::with_capacity(PACKETS_MAX);
        let wire = Wire { packets, sent: 0, delivered: 0 };
        Self { pipeline: Pipeline::new(config, 1), wire }
    }
}

/// One step of 10 ms: both ends send, receive, acknowledge and send again.
fn step(ends: &mut [End; 2], message: &[u8], number: u64) {
    let now = number * 10_000;
    for end in ends.iter_mut() {
        end.pipeline.handle_timeout(now, &mut end.wire);
        for _ in 0..3 {
            let size = message.len() - (number % 64) as usize;
            // A full window takes nothing, which is an answer too.
            let _ = end.pipeline.handle_send(now, &message[..size], PACKET_MAX, &mut end.wire);
        }
    }
    for from in 0..2 {
        let mut packets = std::mem::take(&mut ends[from].wire.packets);
        let to = &mut ends[1 - from];
        for (bytes, length) in packets.drain(..) {
            to.pipeline.handle_packet(now, &bytes[..length], &mut to.wire).expect("is good");
        }
        ends[from].wire.packets = packets;
    }
    for end in ends.iter_mut() {
        end.pipeline.handle_ack_due(now, &mut end.wire);
    }
}

fn reliable(window_size: usize) -> StageConfig {
    StageConfig::ReliableSequenced(ReliableConfig { window_size, ..Default::default() })
}

fn combinations() -> Vec<(&'static str, Vec<StageConfig>, usize)> {
    let fragmentation =
        || StageConfig::Fragmentation(FragmentationConfig { payload_capacity: 16_384 });
    let simulator = || {
        StageConfig::Simulator(SimulatorConfig {
            packet_delay_ms: 30,
            packet_jitter_ms: 20,
            packet_drop_percentage: 2.0,
            fuzz_factor: 0.0,
            ..Default::default()
        })
    };
    vec![
        ("null", vec![StageConfig::Null], 100),
        ("reliable", vec![reliable(32)], 100),
        ("reliable, long", vec![reliable(64)], 1300),
        ("reliable, wide", vec![reliable(256)], 100),
        ("sequenced", vec![StageConfig::UnreliableSequenced], 1300),
        ("fragmentation", vec![fragmentation()], 10_000),
        ("fragmentation and reliable", vec![fragmentation(), reliable(32)], 10_000),
        ("simulator", vec![reliable(32), simulator()], 500),
    ]
}

#[test]
fn warm_pipelines_allocate_nothing() {
    let message = vec![7; 10_000];
    let mut found = Vec::new();
    for (name, stages, size) in combinations() {
        let config = PipelineConfig::new(stages).expect("is a pipeline");
        let mut ends = [End::new(&config), End::new(&config)];
        for number in 0..WARM_UP {
            step(&mut ends, &message[..size], number);
        }
        let (before, delivered) = (COUNT.load(Ordering::Relaxed), ends[1].wire.delivered);
        for number in WARM_UP..WARM_UP + STEPS {
            step(&mut ends, &message[..size], number);
        }
        let count = COUNT.load(Ordering::Relaxed) - before;
        let delivered = ends[1].wire.delivered - delivered;
        assert!(delivered > STEPS / 4, "{name}: only {delivered} messages");
        if count > 0 {
            found.push(format!("{name}: {count} in {delivered} messages"));
        }
    }
    assert!(found.is_empty(), "allocations:\n{}", found.join("\n"));
}
