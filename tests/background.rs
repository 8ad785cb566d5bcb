//! What happens between updates: the background pump, and loops of the program's own.
#![allow(
    clippy::disallowed_methods,
    reason = "the peers have sockets of their own, and what sleeps here is the program"
)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use netdriver::settings::{DialectPolicy, InterfaceKind, NetworkSettings};
use netdriver::{
    Connection, ConnectionState, Event, EventKind, NetworkDriver, NetworkEndpoint, SharedDriver,
    Status,
};

use support::raw::{BINARY, FIN, PING, PONG, frame, request};
use support::{Pair, server, until, websocket_server};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn background() -> NetworkSettings {
    NetworkSettings { background_pump: true, plain_grace_ms: 0, ..NetworkSettings::default() }
}

/// Reads exactly so many bytes.
fn read(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).expect("they come");
    bytes
}

fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(read(stream, 1));
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
}

/// A plain client in the kernel's hands, whose upgrade was answered while nobody updated.
fn client(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("is possible");
    stream.write_all(request("/", "").as_bytes()).expect("is sent");
    read_head(&mut stream);
    stream
}

fn enter<R>(driver: &SharedDriver, body: impl FnOnce(&mut NetworkDriver) -> R) -> R {
    driver.enter(body).expect("nobody else is inside")
}

fn plain_server() -> (SharedDriver, u16) {
    let (driver, port) = websocket_server(DialectPolicy::PlainOnly, &background());
    (SharedDriver::new(driver).expect("starts"), port)
}

/// Updates until the server has accepted.
fn accept(driver: &SharedDriver) -> Connection {
    until("a connection to accept", || {
        enter(driver, |driver| {
            driver.update().expect("updates");
            driver.accept().or_else(|| {
                driver.wait(1).expect("waits");
                None
            })
        })
    })
}

#[test]
fn pings_are_answered_while_nobody_updates() {
    let (_driver, port) = plain_server();
    let mut stream = client(port);
    for round in 0..3 {
        stream.write_all(&frame(FIN | PING, &[round])).expect("is sent");
        assert_eq!(read(&mut stream, 3), [FIN | PONG, 1, round]);
    }
}

#[test]
fn events_appear_only_with_an_update() {
    let (driver, port) = plain_server();
    let mut stream = client(port);
    let connection = accept(&driver);
    stream.write_all(&frame(FIN | BINARY, b"one")).expect("is sent");
    stream.write_all(&frame(FIN | PING, b"!")).expect("is sent");
    // The pong says that the message has been read, too.
    assert_eq!(read(&mut stream, 3), [FIN | PONG, 1, b'!']);
    enter(&driver, |driver| {
        assert_eq!(driver.event_queue_size(connection), 0);
        assert!(driver.pop_event().is_none());
        driver.update().expect("updates");
        assert_eq!(driver.event_queue_size(connection), 1);
        let event = driver.pop_event().expect("is visible now");
        assert_eq!(
            (event.connection, event.kind, &event.data[..]),
            (connection, EventKind::Data, &b"one"[..])
        );
    });
}

#[test]
fn what_the_socket_did_not_take_leaves_without_a_flush() {
    let (driver, port) = plain_server();
    let mut stream = client(port);
    let connection = accept(&driver);
    let message = vec![7; 1 << 20];
    let count = 3;
    enter(&driver, |driver| {
        for _ in 0..count {
            driver.send(connection, 0, &message).expect("there is room");
        }
        driver.flush().expect("flushes");
    });
    // More than the kernel holds: the rest leaves as the peer reads.
    for _ in 0..count {
        let head = read(&mut stream, 10);
        assert_eq!(head[..2], [FIN | BINARY, 127]);
        assert!(read(&mut stream, message.len()) == message);
    }
}

#[test]
fn a_server_that_stalls_keeps_its_clients() {
    let quick = NetworkSettings {
        disconnect_timeout_ms: 2000,
        heartbeat_timeout_ms: 100,
        ..NetworkSettings::default()
    };
    let (server, endpoint) =
        server(InterfaceKind::Udp, &NetworkSettings { background_pump: true, ..quick.clone() });
    let server = SharedDriver::new(server).expect("starts");
    let mut client = support::driver(InterfaceKind::Udp, &quick);
    let connection = client.connect(0, &endpoint, b"").expect("begins");
    until("the client to be connected", || {
        client.update().expect("updates");
        client.wait(1).expect("waits");
        (client.connection_state(connection) == ConnectionState::Connected).then_some(())
    });
    // The server's program does nothing for longer than the silence that ends a connection.
    for _ in 0..250 {
        client.update().expect("updates");
        client.wait(10).expect("waits");
    }
    assert_eq!(client.connection_state(connection), ConnectionState::Connected);
    assert!(
        enter(&server, |server| {
            server.update().expect("updates");
            server.accept()
        })
        .is_some()
    );
}

#[test]
fn calls_wait_for_the_turns_of_the_pump() {
    let (driver, port) = plain_server();
    let mut stream = client(port);
    let connection = accept(&driver);
    let total = 2000_usize;
    let mut writer = stream.try_clone().expect("is possible");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let message = frame(FIN | BINARY, &[9; 32]);
            for _ in 0..total {
                writer.write_all(&message).expect("is sent");
            }
        });
        let mut echoed = 0;
        while echoed < total {
            enter(&driver, |driver| driver.update().expect("updates"));
            while let Some(Event { data, .. }) = enter(&driver, NetworkDriver::pop_event) {
                enter(&driver, |driver| driver.send(connection, 0, &data)).expect("there is room");
                echoed += 1;
            }
        }
        enter(&driver, |driver| driver.flush().expect("flushes"));
    });
    for _ in 0..total {
        assert_eq!(read(&mut stream, 34)[..2], [FIN | BINARY, 32]);
    }
}

#[test]
fn timers_that_the_program_has_set_run_without_it() {
    let quick = NetworkSettings { connect_timeout_ms: 50, ..background() };
    let peer = std::net::UdpSocket::bind("127.0.0.1:0").expect("binds");
    peer.set_read_timeout(Some(PATIENCE)).expect("is possible");
    let port = peer.local_addr().expect("is bound").port();
    let driver = SharedDriver::new(support::driver(InterfaceKind::Udp, &quick)).expect("starts");
    enter(&driver, |driver| {
        let nobody = NetworkEndpoint::loopback_ipv4(port);
        driver.connect(0, &nobody, b"").expect("begins");
        driver.update().expect("updates");
    });
    // The first request left with the update; the program does nothing more.
    let mut packet = [0; 100];
    for _ in 0..3 {
        assert!(peer.recv(&mut packet).expect("a request comes") > 0);
    }
}

#[test]
fn a_wake_that_the_pump_has_seen_first_ends_the_next_wait() {
    let (driver, _) = plain_server();
    let waker = enter(&driver, |driver| driver.waker());
    for _ in 0..20 {
        waker.wake();
        // Sometimes the pump takes it, sometimes the wait does.
        std::thread::yield_now();
        let start = std::time::Instant::now();
        enter(&driver, |driver| driver.wait(60_000).expect("waits"));
        assert!(start.elapsed().as_secs() < 30, "the wake was lost");
    }
}

#[test]
fn a_wake_ends_the_next_wait_whatever_updates_come_between_and_no_other_one() {
    let settings = NetworkSettings::default();
    for driver in [
        plain_server().0,
        SharedDriver::new(NetworkDriver::new(&settings).expect("starts")).expect("starts"),
    ] {
        let waker = enter(&driver, |driver| driver.waker());
        waker.wake();
        let (first, second) = enter(&driver, |driver| {
            driver.update().expect("updates");
            driver.update().expect("updates");
            let begun = std::time::Instant::now();
            driver.wait(60_000).expect("waits");
            let first = begun.elapsed();
            driver.wait(5).expect("waits");
            (first, begun.elapsed() - first)
        });
        assert!(first.as_secs() < 30, "the wake was lost");
        assert!(second.as_millis() >= 5, "it was there twice");
    }
}

#[test]
fn a_descriptor_and_a_background_pump_exclude_each_other() {
    let (driver, _) = plain_server();
    let refused = enter(&driver, |driver| driver.poll_descriptor().expect_err("is refused"));
    assert_eq!(refused.status(), Status::NotSupported);
}

#[test]
fn a_driver_that_is_taken_out_is_left_alone() {
    let (driver, port) = plain_server();
    let mut taken = driver.take().expect("nobody is inside").expect("is there");
    assert_eq!(driver.enter(|_| ()).expect_err("is gone").status(), Status::InvalidHandle);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connects");
    stream.write_all(request("/", "").as_bytes()).expect("is sent");
    stream.set_read_timeout(Some(Duration::from_millis(50))).expect("is possible");
    assert!(stream.read(&mut [0]).is_err(), "nobody answers");
    stream.set_read_timeout(Some(PATIENCE)).expect("is possible");
    taken.wait(100).expect("waits");
    taken.update().expect("updates");
    read_head(&mut stream);
}

#[test]
fn the_thread_ends_with_the_last_owner() {
    let (driver, port) = plain_server();
    let twin = driver.clone();
    drop(driver);
    drop(client(port));
    drop(twin);
    // In its last turn the thread may own the driver for a moment longer.
    until("the port to be free", || {
        std::thread::yield_now();
        TcpStream::connect(("127.0.0.1", port)).is_err().then_some(())
    });
}

#[cfg(unix)]
mod own_loop {
    use std::os::fd::BorrowedFd;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    /// Sleeps as a program with a loop of its own does. Was the descriptor readable?
    #[allow(unsafe_code, reason = "the number is a descriptor, and the driver keeps it open")]
    fn sleep(driver: &mut NetworkDriver, most: Duration) -> bool {
        let number = driver.poll_descriptor().expect("there is one");
        // SAFETY: the driver is borrowed meanwhile.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number as i32) };
        let most = Timespec::try_from(most).expect("is short");
        let mut list = [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)];
        poll(&mut list, Some(&most)).expect("sleeps") == 1
    }

    /// Updates until nothing is left to do.
    fn settle(driver: &mut NetworkDriver) {
        until("the driver to settle", || {
            driver.update().expect("updates");
            while driver.pop_event().is_some() {}
            driver.flush().expect("flushes");
            (driver.next_timeout_ms() != Some(0) && !sleep(driver, Duration::ZERO)).then_some(())
        });
    }

    #[test]
    fn the_descriptor_is_readable_when_something_came() {
        use InterfaceKind::{Ipc, Tcp, Udp, WebSocket};
        for kind in [Udp, WebSocket, Tcp, Ipc] {
            let Pair { mut server, mut client, to_client, to_server, .. } = Pair::new(kind);
            settle(&mut client);
            settle(&mut server);
            client.send(to_server, 0, b"hello").expect("there is room");
            client.flush().expect("flushes");
            assert!(sleep(&mut server, PATIENCE), "{kind:?}");
            let event = until("the message", || {
                server.update().expect("updates");
                server.pop_event()
            });
            assert_eq!((event.connection, &event.data[..]), (to_client, &b"hello"[..]), "{kind:?}");
            settle(&mut server);
        }
    }

    #[test]
    fn a_wake_makes_the_descriptor_readable() {
        let (mut driver, _) = server(InterfaceKind::Udp, &NetworkSettings::default());
        settle(&mut driver);
        driver.waker().wake();
        assert!(sleep(&mut driver, PATIENCE));
        settle(&mut driver);
    }

    #[test]
    fn an_idle_driver_may_be_left_alone_for_ever_and_a_connecting_one_until_its_timer() {
        let (mut driver, _) = server(InterfaceKind::Udp, &NetworkSettings::default());
        settle(&mut driver);
        assert_eq!(driver.next_timeout_ms(), None);
        let nobody = NetworkEndpoint::loopback_ipv4(9);
        driver.connect(0, &nobody, b"").expect("begins");
        driver.update().expect("updates");
        let due = driver.next_timeout_ms().expect("it tries again");
        assert!((1..=1000).contains(&due), "{due}");
    }

    #[test]
    fn a_loop_of_its_own_echoes_without_ever_spinning() {
        let Pair { mut server, mut client, to_client, to_server, .. } =
            Pair::new(InterfaceKind::WebSocket);
        settle(&mut server);
        let mut echoed = 0;
        let mut rounds = 0;
        client.send(to_server, 0, &[1; 100]).expect("there is room");
        while echoed < 100 {
            rounds += 1;
            client.update().expect("updates");
            while let Some(event) = client.pop_event() {
                assert_eq!(event.data, [1; 100][..]);
                echoed += 1;
                client.send(to_server, 0, &event.data).expect("there is room");
            }
            client.flush().expect("flushes");
            let most =
                server.next_timeout_ms().map_or(PATIENCE, |due| Duration::from_millis(due.into()));
            sleep(&mut server, most);
            server.update().expect("updates");
            while let Some(event) = server.pop_event() {
                server.send(to_client, 0, &event.data).expect("there is room");
            }
            server.flush().expect("flushes");
        }
        assert!(rounds < 1000, "{rounds} rounds for a hundred echoes");
    }
}
