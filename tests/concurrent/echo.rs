//! Eight threads echo what comes on 64 connections, and nothing is lost, doubled or out of order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use netdriver::settings::{DialectPolicy, InterfaceKind, NetworkSettings, UrlOptions};
use netdriver::{
    ConcurrentDriver, Connection, EventKind, NetworkDriver, NetworkEndpoint, SharedDriver,
};

use crate::support::{
    create_pipelines, driver, expect_accept, expect_event, listen, until, websocket_server,
};

const THREADS: usize = 8;
const CONNECTIONS: usize = 64;
/// Messages of each connection.
const MESSAGES: u32 = 40;
/// Messages under way on each connection.
const WINDOW: u32 = 4;

/// What the program does between two updates of the server, on threads that live as long as it.
struct Crew {
    /// Grows when the threads may begin.
    phase: AtomicUsize,
    /// Threads that are ready.
    ready: AtomicUsize,
}

const END: usize = usize::MAX;

impl Crew {
    fn wait_for(&self, phase: usize) -> bool {
        loop {
            match self.phase.load(Ordering::Acquire) {
                END => return false,
                now if now >= phase => return true,
                _ => thread::yield_now(),
            }
        }
    }

    /// Lets all threads do their part once.
    fn run(&self) {
        self.ready.store(0, Ordering::Relaxed);
        self.phase.fetch_add(1, Ordering::Release);
        while self.ready.load(Ordering::Acquire) < THREADS {
            thread::yield_now();
        }
    }
}

/// Sends everything back that waits in a connection: half of it copied, half written in place.
fn echo(server: &ConcurrentDriver, connection: Connection) {
    let outcome = server.enter(|server| {
        while let Some(event) = server.pop_event_for_connection(connection).expect("is alone") {
            assert_eq!((event.connection, event.kind), (connection, EventKind::Data));
            if event.data[0] % 2 == 0 {
                server.send(connection, event.pipeline, event.data).expect("is sent");
                continue;
            }
            let length = event.data.len();
            let send = server.begin_send(connection, event.pipeline, length as u32);
            let send = send.expect("begins");
            let given_up = server.begin_send(connection, event.pipeline, 8).expect("begins");
            server.send_buffer(send).expect("is open")[..length].copy_from_slice(event.data);
            server.end_send(send, length as u32).expect("is sent");
            server.abort_send(given_up).expect("is open");
        }
    });
    outcome.expect("nobody has the driver to himself");
}

fn work(crew: &Crew, server: &ConcurrentDriver, connections: &[Connection]) {
    let mut phase = 1;
    while crew.wait_for(phase) {
        for &connection in connections {
            echo(server, connection);
        }
        crew.ready.fetch_add(1, Ordering::Release);
        phase += 1;
    }
}

/// The clients' side of one connection.
#[derive(Default)]
struct Side {
    sent: u32,
    back: u32,
}

fn message(connection: usize, number: u32) -> Vec<u8> {
    let mut message = number.to_le_bytes().to_vec();
    message.resize(8 + connection + number as usize % 100, connection as u8);
    message
}

/// Sends as much as may be under way, and counts what has come back.
fn converse(client: &mut NetworkDriver, connections: &[Connection], sides: &mut [Side], via: u8) {
    while let Some(event) = client.pop_event() {
        assert_eq!(event.kind, EventKind::Data);
        let place = connections.iter().position(|&own| own == event.connection).expect("is one");
        assert_eq!(event.data, message(place, sides[place].back));
        sides[place].back += 1;
    }
    for (place, (&connection, side)) in connections.iter().zip(&mut *sides).enumerate() {
        while side.sent < MESSAGES && side.sent - side.back < WINDOW {
            client.send(connection, via, &message(place, side.sent)).expect("is sent");
            side.sent += 1;
        }
    }
}

fn run(
    mut server: NetworkDriver,
    mut client: NetworkDriver,
    mut connect: impl FnMut(&mut NetworkDriver) -> Connection,
    via: u8,
) {
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..CONNECTIONS {
        theirs.push(connect(&mut client));
        expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        ours.push(expect_accept(&mut [&mut server, &mut client]));
    }
    let server = SharedDriver::new(server).expect("starts");
    let concurrent = server.concurrent().expect("is free");
    let crew = Crew { phase: AtomicUsize::new(0), ready: AtomicUsize::new(0) };
    let mut sides: Vec<Side> = (0..CONNECTIONS).map(|_| Side::default()).collect();
    thread::scope(|scope| {
        let (crew, concurrent) = (&crew, &concurrent);
        let hands = ours.chunks(CONNECTIONS / THREADS);
        let hands = hands.map(|own| scope.spawn(move || work(crew, concurrent, own)));
        let hands: Vec<_> = hands.collect();
        until("all echoes", || {
            converse(&mut client, &theirs, &mut sides, via);
            client.update().expect("updates");
            server.enter(NetworkDriver::update).expect("is free").expect("updates");
            crew.run();
            server.enter(NetworkDriver::flush).expect("is free").expect("flushes");
            client.wait(1).expect("waits");
            sides.iter().all(|side| side.back == MESSAGES).then_some(())
        });
        crew.phase.store(END, Ordering::Release);
        for hand in hands {
            hand.join().expect("its checks hold");
        }
    });
    let taken = server.take().expect("is free").expect("is there");
    assert_eq!(taken.statistics().messages_out, u64::from(MESSAGES) * CONNECTIONS as u64);
}

fn run_utp(kind: InterfaceKind, session: bool, pipelines: &str, via: u8) {
    let settings = NetworkSettings { session, ..NetworkSettings::default() };
    run_with(kind, &settings, pipelines, via);
}

fn run_with(kind: InterfaceKind, settings: &NetworkSettings, pipelines: &str, via: u8) {
    let mut server = driver(kind, settings);
    let mut client = driver(kind, settings);
    if !pipelines.is_empty() {
        create_pipelines(&mut server, pipelines);
        create_pipelines(&mut client, pipelines);
    }
    let endpoint: NetworkEndpoint = listen(&mut server);
    let connect = |client: &mut NetworkDriver| client.connect(0, &endpoint, b"").expect("begins");
    run(server, client, connect, via);
}

#[test]
fn over_udp() {
    run_utp(InterfaceKind::Udp, true, "", 0);
}

#[test]
fn over_udp_with_a_stock_peer() {
    run_utp(InterfaceKind::Udp, false, "", 0);
}

#[test]
fn over_a_reliable_pipeline_of_a_session() {
    run_utp(InterfaceKind::Udp, true, "reliable:32", 1);
}

#[test]
fn over_a_reliable_pipeline_with_a_stock_peer() {
    run_utp(InterfaceKind::Udp, false, "reliable:32", 1);
}

#[test]
fn over_websocket_in_the_utp_dialect() {
    run_utp(InterfaceKind::WebSocket, true, "", 0);
}

#[test]
fn over_a_reliable_pipeline_over_websocket() {
    run_utp(InterfaceKind::WebSocket, true, "frag,reliable:32", 1);
}

/// It settles what threads have done whenever it finds nobody inside.
#[test]
fn beside_the_background_pump() {
    for kind in [InterfaceKind::Udp, InterfaceKind::WebSocket] {
        let settings = NetworkSettings { background_pump: true, ..NetworkSettings::default() };
        run_with(kind, &settings, "reliable:32", 1);
    }
}

#[test]
fn over_plain_websocket() {
    let settings = NetworkSettings::default();
    let (server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
    let client = NetworkDriver::new(&settings).expect("the settings are good");
    let url = format!("ws://127.0.0.1:{port}/");
    let connect = |client: &mut NetworkDriver| {
        client.connect_url(&url, &UrlOptions::default()).expect("begins")
    };
    run(server, client, connect, 0);
}
