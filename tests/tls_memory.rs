//! What an idle connection with TLS costs a server in memory, counted by the allocator itself. The
//! numbers stand in `docs/ARCHITECTURE.md`.
//!
//! One test, alone in its binary, so that nothing else allocates meanwhile.
#![allow(unsafe_code, reason = "an allocator that counts is one by its trait")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use netdriver::settings::{
    ClientCertificates, DialectPolicy, NetworkSettings, TlsClient, TlsServer, UrlOptions,
};
use netdriver::{Connection, EventKind, NetworkDriver};

use support::certificates::Authority;
use support::websocket_server;

struct Counting;

/// Only what the server does is counted.
static COUNTS: AtomicBool = AtomicBool::new(false);
static HELD: AtomicI64 = AtomicI64::new(0);

fn count(bytes: i64) {
    if COUNTS.load(Ordering::Relaxed) {
        HELD.fetch_add(bytes, Ordering::Relaxed);
    }
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

/// Clients that pay for what a driver has only once: buffers, and the 256 sessions that can be
/// resumed, of which each client gets two.
const FIRST: usize = 140;
/// Clients that are counted.
const PEERS: usize = 64;
/// Bytes that one more idle connection may cost, TLS included.
const SECURE_MAX: i64 = 10 * 1024;
/// Bytes of it without TLS.
const PLAIN_MAX: i64 = 2 * 1024;

/// Runs the server, which is counted, and the client, which is not.
fn turn(server: &mut NetworkDriver, client: &mut NetworkDriver) {
    COUNTS.store(true, Ordering::Relaxed);
    server.update().expect("updates");
    COUNTS.store(false, Ordering::Relaxed);
    client.update().expect("updates");
    client.wait(1).expect("waits");
}

fn open(
    server: &mut NetworkDriver,
    client: &mut NetworkDriver,
    url: &str,
    options: &UrlOptions,
) -> (Connection, Connection) {
    let outgoing = client.connect_url(url, options).expect("starts");
    let (mut incoming, mut connected) = (None, false);
    support::until("a connection", || {
        turn(server, client);
        incoming = incoming.or_else(|| server.accept());
        connected |= client.pop_event().is_some_and(|event| event.kind == EventKind::Connect);
        incoming.filter(|_| connected)
    });
    (incoming.expect("is accepted"), outgoing)
}

/// Bytes that one more connection costs once it has been used and is idle.
fn cost(tls: Option<(&TlsServer, &TlsClient)>) -> i64 {
    let settings = NetworkSettings::default();
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
    server.set_tls_server(0, tls.map(|tls| tls.0)).expect("good certificates");
    let mut client = NetworkDriver::new(&settings).expect("the settings are good");
    let options = UrlOptions { tls: tls.map(|tls| tls.1.clone()), ..UrlOptions::default() };
    let scheme = if tls.is_some() { "wss" } else { "ws" };
    let url = format!("{scheme}://localhost:{port}/");
    let mut held = [0; 2];
    for (round, peers) in held.iter_mut().zip([FIRST, PEERS]) {
        for _ in 0..peers {
            let (incoming, outgoing) = open(&mut server, &mut client, &url, &options);
            client.send(outgoing, 0, &[7; 3000]).expect("is sent");
            let mut echoes = 0;
            support::until("an echo", || {
                turn(&mut server, &mut client);
                while let Some(event) = server.pop_event() {
                    COUNTS.store(true, Ordering::Relaxed);
                    server.send(incoming, 0, &event.data).expect("is sent");
                    COUNTS.store(false, Ordering::Relaxed);
                }
                echoes += usize::from(client.pop_event().is_some());
                (echoes == 1).then_some(())
            });
        }
        for _ in 0..8 {
            turn(&mut server, &mut client);
        }
        *round = HELD.load(Ordering::Relaxed);
    }
    (held[1] - held[0]) / PEERS as i64
}

#[test]
fn an_idle_connection_with_tls_holds_no_more_than_documented() {
    let authority = Authority::new();
    let plain = cost(None);
    println!("one idle connection without TLS: {plain} bytes");
    assert!(plain > 0 && plain < PLAIN_MAX, "{plain}");
    let server = authority.server(&["localhost"]);
    let secure = cost(Some((&server, &authority.client())));
    println!("one idle connection with TLS: {secure} bytes");
    assert!(secure > plain && secure < SECURE_MAX, "{secure}");
    let mutual = authority.strict_server(ClientCertificates::Required);
    let mut client = authority.client();
    client.identity = Some(authority.identity(&["ann"]));
    let both = cost(Some((&mutual, &client)));
    println!("one with a client's certificate as well: {both} bytes");
    assert!(both < SECURE_MAX + 2 * 1024, "{both}");
}
