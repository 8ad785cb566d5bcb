//! Steady state allocates nothing: five thousand echoes over UDP, TCP, WebSocket, in-process
//! ports and an interface of the program, without and with pipelines, by calls that have the driver
//! to themselves and by those beside others, and packets over TCP that come in pieces, counted by
//! the allocator itself.
//!
//! One test, alone in its binary, so that nothing else allocates meanwhile.
#![allow(unsafe_code, reason = "an allocator that counts is one by its trait")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{
    CustomInterface, EventKind, IncomingPacket, NetworkDriver, NetworkEndpoint, OutgoingPacket,
};

use support::raw::{RawStream, data, handshake};
use support::{Pair, expect_accept, expect_event, server};

struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// On this thread allocations count. The one that runs tests says a word after a minute.
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    COUNT.fetch_add(u64::from(COUNTED.get()), Ordering::Relaxed);
}

// SAFETY: every call is handed to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
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
const ECHOES: u32 = 5000;
/// The longest sleep.
const WAIT_MS: u32 = 10;
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
    /// Written where it leaves from, and the server sleeps until something comes.
    InPlace,
    /// The same in the lanes of both drivers, as threads that share them do.
    Beside,
}

/// Sends back what waits, as one of several threads does.
fn echo_beside(pair: &mut Pair, pipeline: u8) {
    let to_client = pair.to_client;
    pair.server.update().expect("updates");
    pair.server.concurrent(|server| {
        while let Some(event) = server.pop_event_for_connection(to_client).expect("is alone") {
            let length = event.data.len();
            let send = server.begin_send(to_client, pipeline, length as u32).expect("begins");
            server.send_buffer(send).expect("is open").copy_from_slice(event.data);
            server.end_send(send, length as u32).expect("is sent");
        }
    });
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
                Way::Beside => {
                    let to_server = pair.to_server;
                    let message = &payload[..size];
                    let sent =
                        pair.client.concurrent(|client| client.send(to_server, pipeline, message));
                    sent.expect("is sent");
                }
            }
            sent += 1;
        }
        pair.client.flush().expect("flushes");
        if matches!(way, Way::InPlace) {
            pair.server.wait(WAIT_MS).expect("waits");
        }
        match way {
            Way::Beside => echo_beside(pair, pipeline),
            Way::AtOnce | Way::InPlace => pair.server.update().expect("updates"),
        }
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

/// Datagrams in memory that is there already.
struct Ring {
    places: Vec<(Vec<u8>, usize)>,
    read: usize,
    written: usize,
}

impl Ring {
    fn new() -> Arc<Mutex<Self>> {
        let places = vec![(vec![0; 1472], 0); 64];
        Arc::new(Mutex::new(Self { places, read: 0, written: 0 }))
    }
}

/// One end of two rings.
struct End {
    name: u8,
    input: Arc<Mutex<Ring>>,
    output: Arc<Mutex<Ring>>,
}

fn address(name: u8) -> NetworkEndpoint {
    NetworkEndpoint::custom(&[name]).expect("is short")
}

impl CustomInterface for End {
    fn bind(&mut self, _: &NetworkEndpoint) -> netdriver::Result<NetworkEndpoint> {
        Ok(address(self.name))
    }

    fn receive(&mut self, packets: &mut [IncomingPacket]) -> netdriver::Result<usize> {
        let ring = &mut *self.input.lock().expect("nobody panicked");
        let mut count = 0;
        while count < packets.len() && ring.read < ring.written {
            let (bytes, length) = &ring.places[ring.read % ring.places.len()];
            packets[count].fill(address(1 - self.name), &bytes[..*length]);
            ring.read += 1;
            count += 1;
        }
        Ok(count)
    }

    fn send(&mut self, packets: &[OutgoingPacket<'_>]) -> netdriver::Result<usize> {
        let ring = &mut *self.output.lock().expect("nobody panicked");
        for packet in packets {
            let place = ring.written % ring.places.len();
            ring.places[place].0[..packet.data.len()].copy_from_slice(packet.data);
            ring.places[place].1 = packet.data.len();
            ring.written += 1;
        }
        Ok(packets.len())
    }
}

fn custom(settings: &NetworkSettings) -> Pair {
    let (there, back) = (Ring::new(), Ring::new());
    let driver = |name, input: &Arc<Mutex<Ring>>, output: &Arc<Mutex<Ring>>| {
        let mut driver = NetworkDriver::new(settings).expect("the settings are good");
        let end = End { name, input: Arc::clone(input), output: Arc::clone(output) };
        driver.add_custom_interface(Box::new(end)).expect("an interface");
        driver
    };
    let (mut server, mut client) = (driver(0, &there, &back), driver(1, &back, &there));
    let endpoint = address(0);
    server.bind(0, &endpoint).expect("binds");
    server.listen().expect("listens");
    let to_server = client.connect(0, &endpoint, b"").expect("starts to connect");
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    let to_client = expect_accept(&mut [&mut server, &mut client]);
    Pair { server, client, to_client, to_server, endpoint }
}

/// Allocations while packets come over TCP in pieces, warm.
fn measure_pieces() -> u64 {
    let framed = |packet: &[u8]| [&(packet.len() as u16).to_be_bytes(), packet].concat();
    // Not by the clock: on a busy machine a probe would come for the first time in the second run.
    let settings = NetworkSettings { fixed_frame_time_ms: 1, ..NetworkSettings::default() };
    let (mut server, endpoint) = server(InterfaceKind::Tcp, &settings);
    let mut peer = RawStream::connect(endpoint.port());
    peer.write(&mut server, &framed(&handshake(1, b"")));
    expect_accept(&mut [&mut server]);
    let stream = framed(&data(&[7; 1000])).repeat(2000);
    let mut run = |bytes: &[u8]| {
        let before = COUNT.load(Ordering::Relaxed);
        let mut count = 0;
        // Cuts at every place of a packet.
        for piece in bytes.chunks(337) {
            assert_eq!(peer.try_write(piece), piece.len(), "the server reads");
            server.update().expect("updates");
            while let Some(view) = server.pop_event_view() {
                assert_eq!(view.data.len(), 1000);
                count += 1;
            }
        }
        assert!(count >= 1998, "{count} of 2000 packets");
        COUNT.load(Ordering::Relaxed) - before
    };
    run(&stream);
    run(&stream)
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
    // Often, so that no probe comes for the first time after the warm-up.
    let settings = NetworkSettings { round_trip_interval_ms: 2, ..NetworkSettings::default() };
    let udp: fn(&NetworkSettings) -> Pair = |s| Pair::with(InterfaceKind::Udp, s);
    let utp: fn(&NetworkSettings) -> Pair = |s| Pair::with(InterfaceKind::WebSocket, s);
    let plain: fn(&NetworkSettings) -> Pair = |s| Pair::plain(s, s);
    let tcp: fn(&NetworkSettings) -> Pair = |s| Pair::with(InterfaceKind::Tcp, s);
    let ipc: fn(&NetworkSettings) -> Pair = |s| Pair::with(InterfaceKind::Ipc, s);
    let carriers = [
        ("UDP", udp),
        ("plain WebSocket", plain),
        ("UTP over WebSocket", utp),
        ("TCP", tcp),
        ("IPC", ipc),
        ("custom interface", custom),
    ];
    COUNTED.set(true);
    let mut found = Vec::new();
    for (name, connect) in carriers {
        let ways = [("at once", Way::AtOnce), ("in place", Way::InPlace), ("beside", Way::Beside)];
        for (way_name, way) in ways {
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
    for kind in [InterfaceKind::Udp, InterfaceKind::Tcp, InterfaceKind::WebSocket] {
        for (pipeline, size) in [(1, SIZE_MAX), (2, 1300), (3, 1300), (4, SIZE_MAX)] {
            let mut pair = Pair::with_pipelines(kind, &settings, PIPELINES);
            let mut count = measure(&mut pair, size, Way::AtOnce, pipeline);
            if kind == InterfaceKind::Udp {
                count += measure(&mut pair, size, Way::Beside, pipeline);
            }
            if count > 0 {
                found.push(format!("{kind:?}, pipeline {pipeline}, {size} bytes: {count}"));
            }
        }
    }
    let pieces = measure_pieces();
    if pieces > 0 {
        found.push(format!("packets over TCP in pieces: {pieces}"));
    }
    assert!(found.is_empty(), "allocations in {ECHOES} echoes:\n{}", found.join("\n"));
}
