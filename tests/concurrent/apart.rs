//! A thread that stands still in the middle of a call keeps nobody from using other connections:
//! where it stands it holds whatever the call holds.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{Concurrent, Connection, EventKind, NetworkDriver, SharedDriver, Status};

use crate::support::{driver, expect_accept, expect_event, listen, status, until};

/// Threads that go on while another one stands still.
const OTHERS: usize = 2;
/// Pops, sends in place and copied sends of each of them.
const CALLS: usize = 3000;
/// Looks at whether they are done before they are said to be kept waiting; looks give way.
const LOOKS: usize = 50_000_000;

/// A server with a connection for the thread that stands still and one for each of the others, an
/// event waiting in each.
struct World {
    server: SharedDriver,
    /// Both ends live until the end.
    _client: NetworkDriver,
    connections: Vec<Connection>,
}

fn world(kind: InterfaceKind) -> World {
    let settings = NetworkSettings { send_queue_capacity: 1 << 14, ..NetworkSettings::default() };
    let (mut server, mut client) = (driver(kind, &settings), driver(kind, &settings));
    let endpoint = listen(&mut server);
    let mut connections = Vec::new();
    for _ in 0..=OTHERS {
        let to_server = client.connect(0, &endpoint, b"").expect("begins");
        expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        connections.push(expect_accept(&mut [&mut server, &mut client]));
        client.send(to_server, 0, b"waits").expect("is sent");
    }
    until("all events are there", || {
        client.update().expect("updates");
        server.wait(1).expect("waits");
        server.update().expect("updates");
        connections.iter().all(|&one| server.event_queue_size(one) == 1).then_some(())
    });
    World { server: SharedDriver::new(server).expect("starts"), _client: client, connections }
}

/// All that a thread does beside others, over and over.
fn go_on(server: Concurrent<'_>, connection: Connection) {
    for call in 0..CALLS {
        // The event was shown by the first call; the others go as far as that one.
        let event = server.pop_event_for_connection(connection).expect("nobody else is here");
        assert_eq!(event.is_some(), call == 0);
        assert_eq!(server.event_queue_size(connection).expect("nobody else is here"), 0);
        server.send(connection, 0, b"goes on").expect("is sent");
        let send = server.begin_send(connection, 0, 8).expect("begins");
        server.send_buffer(send).expect("is open")[..4].copy_from_slice(b"goes");
        server.end_send(send, 4).expect("is sent");
        let send = server.begin_send(connection, 0, 8).expect("begins");
        server.abort_send(send).expect("is open");
    }
}

/// What the other threads have done while one stands still.
#[derive(Default)]
struct Others {
    done: AtomicUsize,
}

impl Others {
    /// Waits for them, where the thread stands.
    fn are_done(&self) -> bool {
        (0..LOOKS).any(|_| {
            thread::yield_now();
            self.done.load(Ordering::Acquire) == OTHERS
        })
    }
}

/// Has `stand` stand still in a call on the first connection until the others are done.
fn others_go_on_while(
    kind: InterfaceKind,
    stand: impl Fn(Concurrent<'_>, Connection, &mut dyn FnMut()) + Sync,
) {
    let world = world(kind);
    let concurrent = world.server.concurrent().expect("is free");
    let others = Others::default();
    let held = world.connections[0];
    thread::scope(|scope| {
        let mut threads = Vec::new();
        let mut wait = || {
            for &connection in &world.connections[1..] {
                let (concurrent, others) = (concurrent.clone(), &others);
                threads.push(scope.spawn(move || {
                    concurrent.enter(|server| go_on(server, connection)).expect("enters");
                    others.done.fetch_add(1, Ordering::Release);
                }));
            }
            // Panics here, where what keeps them is let go of.
            assert!(others.are_done(), "the others are kept waiting");
            // The connection itself is this thread's, and the driver is not free.
            let own = concurrent.enter(|server| status(server.send(held, 0, b"no")));
            assert_eq!(own.expect("enters"), Status::NetworkDriverParallelForErr);
            assert_eq!(status(world.server.enter(|_| ())), Status::DriverInUse);
        };
        concurrent.enter(|server| stand(server, held, &mut wait)).expect("is free");
        for thread in threads {
            thread.join().expect("its checks hold");
        }
    });
    let sent = world.server.enter(|server| server.statistics().messages_out).expect("is free");
    assert!(sent >= (2 * OTHERS * CALLS) as u64, "{sent} messages");
}

const KINDS: [InterfaceKind; 3] =
    [InterfaceKind::Udp, InterfaceKind::WebSocket, InterfaceKind::Ipc];

#[test]
fn a_thread_that_stands_in_a_pop_keeps_nobody_waiting() {
    for kind in KINDS {
        others_go_on_while(kind, |server, held, wait| {
            let popped = server.pop_events_for_connection(held, 1, |event| {
                assert_eq!(event.data, b"waits");
                wait();
            });
            assert_eq!(popped.expect("is alone"), 1);
        });
    }
}

#[test]
fn a_thread_that_stands_in_a_send_keeps_nobody_waiting() {
    for kind in KINDS {
        others_go_on_while(kind, |server, held, wait| {
            let send = server.begin_send(held, 0, 4).expect("begins");
            let mut room = server.send_buffer(send).expect("is open");
            wait();
            room.copy_from_slice(b"late");
            drop(room);
            server.end_send(send, 4).expect("is sent");
        });
    }
}
