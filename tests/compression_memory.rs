//! What compression costs in memory, counted by the allocator itself. The numbers of the table
//! below stand in `docs/ARCHITECTURE.md`, in the header and in C#.
//!
//! One test, alone in its binary, so that nothing else allocates meanwhile.
#![allow(unsafe_code, reason = "an allocator that counts is one by its trait")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};

use netdriver::settings::{DialectPolicy, NetworkSettings};
use netdriver::{Connection, DisconnectReason, EventKind, NetworkDriver};
use zlib_rs::{Deflate, DeflateFlush};

use support::raw::{BINARY, FIN, RawStream, frame};
use support::{expect_accept, expect_event, websocket_server};

struct Counting;

static HELD: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

fn count(bytes: i64) {
    let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(held, Ordering::Relaxed);
}

// SAFETY: every call is handed to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Clients at once.
const PEERS: usize = 16;
/// Bytes of a KiB.
const KIB: i64 = 1024;
/// Bytes of what a connection remembers of what was agreed on.
const AGREED_MAX: i64 = 512;
/// Bytes of a chunk that streams are read into.
const READ_CHUNK: i64 = 256 * KIB;
/// Messages shorter than this stay as they are.
const MINIMUM: usize = 256;
/// RSV1.
const PACKED: u8 = 0x40;
const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
/// Window bits, then KiB of a context to compress and of one to decompress.
const TABLE: [(u32, i64, i64); 4] = [(15, 288, 47), (12, 204, 47), (10, 192, 47), (9, 190, 47)];

/// A server with clients of raw bytes that all offered compression.
struct Scene {
    server: NetworkDriver,
    peers: Vec<RawStream>,
    connections: Vec<Connection>,
}

impl Scene {
    fn new(bits: u32, forgets: u32) -> Self {
        Self::with(&settings(bits, forgets))
    }

    /// All buffers have been used once; nothing was compressed yet.
    fn with(settings: &NetworkSettings) -> Self {
        let (server, port) = websocket_server(DialectPolicy::PlainOnly, settings);
        let mut scene = Self { server, peers: Vec::new(), connections: Vec::new() };
        for _ in 0..PEERS {
            scene.peers.push(RawStream::open(&mut scene.server, port, "/", OFFER));
            scene.connections.push(expect_accept(&mut [&mut scene.server]));
        }
        let plain = frame(FIN | BINARY, &[7; MINIMUM]);
        for _ in 0..2 {
            scene.receive(&plain, MINIMUM);
            scene.send(MINIMUM - 1);
        }
        scene
    }

    /// Each peer sends the bytes of a message, which becomes so long.
    fn receive(&mut self, bytes: &[u8], size: usize) {
        for peer in &mut self.peers {
            peer.write(&mut self.server, bytes);
            let event = expect_event(&mut [&mut self.server], EventKind::Data);
            assert_eq!(event.data.len(), size);
        }
        self.server.update().expect("updates");
    }

    /// The server sends each peer a message.
    fn send(&mut self, size: usize) {
        for (peer, &connection) in self.peers.iter_mut().zip(&self.connections) {
            self.server.send(connection, 0, &vec![7; size]).expect("is sent");
            let sent = peer.frame(&mut self.server);
            assert_eq!(sent.first & PACKED != 0, size >= MINIMUM);
        }
        self.server.update().expect("updates");
        for peer in &mut self.peers {
            peer.inbox = Vec::new();
        }
    }
}

fn settings(bits: u32, forgets: u32) -> NetworkSettings {
    NetworkSettings {
        deflate: true,
        deflate_window_bits: bits,
        deflate_peer_window_bits: bits,
        deflate_no_context_takeover: forgets,
        deflate_minimum_length: MINIMUM as u32,
        ..NetworkSettings::default()
    }
}

fn held() -> i64 {
    HELD.load(Ordering::Relaxed)
}

/// What a compressed message each way leaves behind: to decompress, to compress.
fn left_behind(bits: u32, forgets: u32) -> (i64, i64) {
    let hello = frame(FIN | PACKED | BINARY, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    let mut scene = Scene::new(bits, forgets);
    let before = held();
    scene.receive(&hello, 5);
    let received = held() - before;
    scene.send(MINIMUM);
    (received, held() - before - received)
}

/// A message of zeros, compressed in fragments.
fn bomb(size: usize, piece: usize) -> Vec<u8> {
    let mut packed = vec![0; size / 500 + 1000];
    let mut context = Deflate::new(9, false, 15);
    context.compress(&vec![0; size], &mut packed, DeflateFlush::SyncFlush).expect("compresses");
    packed.truncate(context.total_out() as usize);
    assert!(packed.len() * 1000 < size, "{}", packed.len());
    let pieces = packed.chunks(piece).enumerate();
    let one = |(at, piece): (usize, &[u8])| frame(if at == 0 { PACKED | BINARY } else { 0 }, piece);
    pieces.flat_map(one).collect()
}

fn contexts_are_as_large_as_documented() {
    for (bits, compress, decompress) in TABLE {
        let (reading, writing) = left_behind(bits, 0);
        let peers = PEERS as i64;
        for (found, documented) in [(reading / peers, decompress), (writing / peers, compress)] {
            assert_eq!((found + KIB - 1) / KIB, documented, "{bits} bits: {found} bytes");
        }
        // Clients that take turns need one context of each kind, and the memory for one result.
        let (reading, writing) = left_behind(bits, 3);
        assert!(reading + writing < (compress + decompress + 8) * KIB, "{reading} {writing}");
    }
}

fn an_idle_connection_holds_no_context() {
    let of = |deflate| {
        let before = held();
        let scene = Scene::with(&NetworkSettings { deflate, ..settings(15, 0) });
        let size = held() - before;
        drop(scene);
        size / PEERS as i64
    };
    let (without, with) = (of(false), of(true));
    assert!(with - without <= AGREED_MAX, "{with} bytes instead of {without}");
}

fn a_bomb_stays_at_the_limit() {
    const LIMIT: usize = 1 << 20;
    for forgets in [0, 3] {
        for piece in [1000, 1 << 20] {
            let packed = bomb(4 * LIMIT, piece);
            let mut scene = Scene::new(15, forgets);
            let before = held();
            PEAK.store(before, Ordering::Relaxed);
            scene.peers[0].write(&mut scene.server, &packed);
            assert_eq!(scene.peers[0].close_frame(&mut scene.server).0, 1009);
            let peak = PEAK.load(Ordering::Relaxed) - before;
            // The message doubles as it grows: at its last step the old memory is there as well.
            let most = 2 * LIMIT as i64 + READ_CHUNK + 100 * KIB;
            assert!(peak > LIMIT as i64 && peak < most, "{peak} bytes");
            let end = expect_event(&mut [&mut scene.server], EventKind::Disconnect);
            assert_eq!((end.reason, end.close_code), (DisconnectReason::MessageTooBig, 1009));
        }
    }
}

#[test]
fn compression_costs_what_the_documents_say() {
    contexts_are_as_large_as_documented();
    an_idle_connection_holds_no_context();
    a_bomb_stays_at_the_limit();
}
