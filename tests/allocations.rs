//! Steady state allocates nothing: twenty thousand echoes over UDP and WebSocket, without and with
//! pipelines, counted by the allocator itself.
//!
//! One test, alone in its binary, so that nothing else allocates meanwhile.
#![allow(unsafe_code, reason = "an allocator that counts is one by its trait")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use netdriver::EventKind;
use netdriver::settings::{InterfaceKind, NetworkSettings};

use support::Pair;

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

/// Echoes until the first use of everything is over.
const WARM_UP: u32 = 2000;
/// Echoes that are counted.
const ECHOES: u32 = 20_000;
/// Messages under way at once.
const WINDOW: u32 = 4;

/// Bytes of the longest message.
const SIZE_MAX: usize = 4000;
/// Pipelines that are measured.
const PIPELINES: &str = "frag;useq;reliable:32;frag,reliable:64";

/// How a message is sent.
#[derive(Clone, Copy)]
enum Way {
    AtOnce,
    InPlace,
}

/// Runs echoes of a size with owned events on the one side and views on the other.
fn echo(pair: &mut Pair, count: u32, size: usize, way: Way, pipeline: u8) {
    let payload = [7; SIZE_MAX];
    let (mut sent, mut done) = (0, 0);
    while done < count {
        while sent < count && sent - done < WINDOW {
            match way {
                Way::AtOnce => {
                    let message = &payload[..size];
                    pair.client.send(pair.to_server, pipeline, message).expect("is sent");
                }
                Way::InPlace => {
                    let handle = pair.client.begin_send(pair.to_server, pipeline, size as u32);
                    let handle = handle.expect("there is room");
                    let buffer = pair.client.send_buffer(handle).expect("is open");
                    buffer[..size].copy_from_slice(&payload[..size]);
                    pair.client.end_send(handle, size as u32).expect("is sent");
                }
            }
            sent += 1;
        }
        pair.client.flush().expect("flushes");
        pair.server.update().expect("updates");
        while let Some(event) = pair.server.pop_event() {
            assert_eq!(event.kind, EventKind::Data);
            pair.server.send(pair.to_client, pipeline, &event.data).expect("is sent");
        }
        pair.server.flush().expect("flushes");
        pair.client.update().expect("updates");
        while let Some(view) = pair.client.pop_event_view() {
            assert_eq!((view.kind, view.data.len()), (EventKind::Data, size));
            done += 1;
        }
    }
}

/// Allocations of [`ECHOES`] echoes, warm.
fn measure(pair: &mut Pair, size: usize, way: Way, pipeline: u8) -> u64 {
    // Long messages of odd sizes go through the chunks of the read buffer in every rhythm.
    for warm in [1300, 1111, 997, size] {
        echo(pair, WARM_UP, warm, way, pipeline);
    }
    let before = COUNT.load(Ordering::Relaxed);
    echo(pair, ECHOES, size, way, pipeline);
    COUNT.load(Ordering::Relaxed) - before
}

#[test]
fn echoes_in_steady_state_allocate_nothing() {
    let settings = NetworkSettings::default();
    let udp: fn(&NetworkSettings) -> Pair = |s| Pair::with(InterfaceKind::Udp, s);
    let utp: fn(&NetworkSettings) -> Pair = |s| Pair::with(InterfaceKind::WebSocket, s);
    let plain: fn(&NetworkSettings) -> Pair = |s| Pair::plain(s, s);
    let carriers = [("UDP", udp), ("plain WebSocket", plain), ("UTP over WebSocket", utp)];
    let mut found = Vec::new();
    for (name, connect) in carriers {
        for (way_name, way) in [("at once", Way::AtOnce), ("in place", Way::InPlace)] {
            for size in [16, 1300] {
                let mut pair = connect(&settings);
                let count = measure(&mut pair, size, way, 0);
                if count > 0 {
                    found.push(format!("{name}, {way_name}, {size} bytes: {count}"));
                }
            }
        }
    }
    // On a busy machine the clock would have packets sent again, which need buffers of their own.
    let settings = NetworkSettings { fixed_frame_time_ms: 1, ..settings };
    for kind in [InterfaceKind::Udp, InterfaceKind::WebSocket] {
        for (pipeline, size) in [(1, SIZE_MAX), (2, 1300), (3, 1300), (4, SIZE_MAX)] {
            let mut pair = Pair::with_pipelines(kind, &settings, PIPELINES);
            let count = measure(&mut pair, size, Way::AtOnce, pipeline);
            if count > 0 {
                found.push(format!("{kind:?}, pipeline {pipeline}, {size} bytes: {count}"));
            }
        }
    }
    assert!(found.is_empty(), "allocations in {ECHOES} echoes:\n{}", found.join("\n"));
}
