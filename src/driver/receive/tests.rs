//! A driver whose socket fails: its connections go on, and only what repeats is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Status;
use crate::proto::endpoint::NetworkEndpoint;
use crate::proto::time::{MICROS_PER_MS, Micros};
use crate::settings::{InterfaceKind, InterfaceSettings, NetworkSettings};
use crate::{Connection, EventKind, NetworkDriver};

/// Rounds before something has not happened; a round is a millisecond at most.
const ROUNDS_MAX: usize = 10_000;

struct Pair {
    server: NetworkDriver,
    client: NetworkDriver,
    to_server: Connection,
}

impl Pair {
    fn new() -> Self {
        let settings = NetworkSettings::default();
        let mut drivers = [(); 2].map(|()| {
            let mut driver = NetworkDriver::new(&settings).expect("the settings are good");
            driver.add_interface(InterfaceSettings::new(InterfaceKind::Udp)).expect("is added");
            driver
        });
        let [server, client] = &mut drivers;
        server.bind(0, &NetworkEndpoint::loopback_ipv4(0)).expect("binds");
        server.listen().expect("listens");
        let endpoint = server.local_endpoint(0, 0).expect("is bound");
        let to_server = client.connect(0, &endpoint, b"").expect("starts to connect");
        let [server, client] = drivers;
        let mut pair = Self { server, client, to_server };
        pair.until(|pair| pair.server.accept().map(|_| ()));
        pair.until(|pair| pair.client.pop_event().map(|_| ()));
        pair
    }

    fn until<T>(&mut self, mut look: impl FnMut(&mut Self) -> Option<T>) -> T {
        for _ in 0..ROUNDS_MAX {
            if let Some(found) = look(self) {
                return found;
            }
            self.client.update().expect("updates");
            self.server.wait(1).expect("waits");
            self.server.update().expect("updates");
        }
        panic!("it did not happen in time");
    }

    /// Lets a driver's clock stand where it is, but for what is added to it.
    fn stop_clock(driver: &mut NetworkDriver) -> Arc<AtomicU64> {
        let clock = Arc::new(AtomicU64::new(driver.pump.clock.now()));
        driver.pump.clock.shown = Some(Arc::clone(&clock));
        clock
    }

    /// A message of the client arrives.
    fn talks(&mut self) {
        self.client.send(self.to_server, 0, b"still here").expect("is sent");
        let event = self.until(|pair| pair.server.pop_event());
        assert_eq!((event.kind, &event.data[..]), (EventKind::Data, &b"still here"[..]));
    }
}

/// How long until a driver's broken socket is made anew.
fn wait(driver: &NetworkDriver) -> Micros {
    driver.pump.until_retry().filter(|&wait| wait > 0).expect("it waits")
}

#[test]
fn connections_live_on_when_a_socket_fails_to_receive() {
    let mut pair = Pair::new();
    pair.talks();
    let endpoint = pair.server.local_endpoint(0, 0).expect("is bound");
    pair.server.pump.udp[0].fail(1);
    pair.server.update().expect("nothing that the program must know");
    assert_eq!((pair.server.receive_error_code(), pair.server.statistics().sockets_remade), (0, 1));
    assert_eq!(pair.server.local_endpoint(0, 0).expect("is bound"), endpoint);
    pair.talks();
}

#[test]
fn connections_live_on_when_a_socket_fails_to_send() {
    let mut pair = Pair::new();
    pair.client.send(pair.to_server, 0, b"still here").expect("is sent");
    pair.client.pump.udp[0].fail(1);
    pair.client.flush().expect("nothing that the program must know");
    assert_eq!(pair.client.statistics().sockets_remade, 1);
    assert_eq!(&pair.until(|pair| pair.server.pop_event()).data[..], b"still here");
    pair.talks();
}

#[test]
fn two_failures_in_a_row_are_the_receive_error_until_it_is_made_anew() {
    let mut pair = Pair::new();
    let clock = Pair::stop_clock(&mut pair.server);
    pair.server.pump.udp[0].fail(2);
    for _ in 0..10 {
        pair.server.update().expect("goes on");
        assert_eq!(pair.server.receive_error_code(), Status::NetworkSocketError as i32);
        assert_eq!(pair.server.statistics().sockets_remade, 1, "not in every update");
    }
    clock.fetch_add(wait(&pair.server), Ordering::Relaxed);
    pair.server.update().expect("goes on");
    assert_eq!(pair.server.receive_error_code(), 0, "this one has made it anew");
    pair.server.pump.clock.shown = None;
    pair.talks();
}

#[test]
fn two_failures_in_a_row_are_what_a_flush_fails_with() {
    let mut pair = Pair::new();
    let clock = Pair::stop_clock(&mut pair.client);
    pair.client.send(pair.to_server, 0, b"lost").expect("is sent");
    pair.client.pump.udp[0].fail(2);
    for _ in 0..2 {
        let error = pair.client.flush().expect_err("it is broken");
        assert_eq!(error.status(), Status::NetworkSocketError);
        pair.client.send(pair.to_server, 0, b"lost too").expect("is sent");
    }
    clock.fetch_add(wait(&pair.client), Ordering::Relaxed);
    assert!(pair.client.flush().is_ok());
    pair.client.pump.clock.shown = None;
    let event = pair.until(|pair| pair.server.pop_event());
    assert_eq!(&event.data[..], b"lost too", "that which waited when it was made anew");
    pair.talks();
}

#[test]
fn a_driver_that_sleeps_wakes_to_make_a_broken_socket_anew() {
    for fixed_frame_time_ms in [0, 16] {
        let settings = NetworkSettings { fixed_frame_time_ms, ..NetworkSettings::default() };
        let mut driver = NetworkDriver::new(&settings).expect("the settings are good");
        driver.add_interface(InterfaceSettings::new(InterfaceKind::Udp)).expect("is added");
        driver.bind(0, &NetworkEndpoint::loopback_ipv4(0)).expect("binds");
        let clock = Pair::stop_clock(&mut driver);
        driver.update().expect("updates");
        assert_eq!(driver.next_timeout_ms(), None);
        driver.pump.udp[0].fail(2);
        driver.update().expect("goes on");
        assert_eq!(driver.next_timeout_ms(), Some((wait(&driver) / MICROS_PER_MS) as u32));
        clock.fetch_add(wait(&driver), Ordering::Relaxed);
        assert_eq!(driver.next_timeout_ms(), Some(0));
        driver.update().expect("makes it anew");
        assert_eq!((driver.next_timeout_ms(), driver.pump.udp_remade), (None, 2));
    }
}

#[test]
#[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the client is anybody")]
fn clients_that_cannot_be_taken_are_the_receive_error_until_they_are() {
    let mut server = NetworkDriver::new(&NetworkSettings::default()).expect("starts");
    server.add_interface(InterfaceSettings::new(InterfaceKind::WebSocket)).expect("is added");
    server.bind(0, &NetworkEndpoint::loopback_ipv4(0)).expect("binds");
    server.listen().expect("listens");
    let address = server.local_endpoint(0, 0).expect("is bound").to_string();
    let _client = std::net::TcpStream::connect(address).expect("the system takes it");
    let clock = Pair::stop_clock(&mut server);
    server.pump.listeners[0].fail(2);
    for attempt in 0..2 {
        // All but the first of these only wait for the next attempt.
        for _ in 0..3 {
            server.update().expect("connections go on");
            let error = server.receive_error_code();
            assert_eq!(error, Status::NetworkSocketError as i32, "attempt {attempt}");
        }
        clock.fetch_add(super::ACCEPT_RETRY, Ordering::Relaxed);
    }
    server.update().expect("updates");
    assert_eq!((server.receive_error_code(), server.statistics().handshakes_pending), (0, 1));
}
