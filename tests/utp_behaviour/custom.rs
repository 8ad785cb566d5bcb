//! Interfaces that the program brings: a little network of its own, and what it may do wrong.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use netdriver::settings::{
    FragmentationConfig, InterfaceKind, InterfaceSettings, NetworkSettings, NetworkSimulator,
    PipelineStage,
};
use netdriver::{
    Connection, ConnectionState, CustomInterface, DisconnectReason, DriverWaker, Error, EventKind,
    Family, IncomingPacket, NetworkDriver, NetworkEndpoint, OutgoingPacket, Result, Status,
};

use super::connecting::frames;
use super::pipelines::stock;
use crate::support::{expect_accept, expect_event, settle, status, step, until};

/// Who has which address, and what waits there.
#[derive(Default)]
struct Network {
    places: HashMap<NetworkEndpoint, VecDeque<(NetworkEndpoint, Vec<u8>)>>,
    wakers: HashMap<NetworkEndpoint, DriverWaker>,
    next: u8,
    /// Datagrams that a send may take from now on.
    room: usize,
    /// What the functions fail with.
    failing: Vec<&'static str>,
    calls: Vec<&'static str>,
    dropped: usize,
}

type Shared = Arc<Mutex<Network>>;

struct Port {
    network: Shared,
    own: NetworkEndpoint,
}

impl Port {
    fn enter(&self, call: &'static str) -> Result<std::sync::MutexGuard<'_, Network>> {
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        if call != "receive" && call != "send" {
            network.calls.push(call);
        }
        if network.failing.contains(&call) {
            return Err(Error::new(Status::NetworkSocketError, format!("{call} fails")));
        }
        Ok(network)
    }
}

impl CustomInterface for Port {
    fn bind(&mut self, endpoint: &NetworkEndpoint) -> Result<NetworkEndpoint> {
        let mut network = self.enter("bind")?;
        network.next += 1;
        let own = match endpoint.family() {
            Family::Invalid => NetworkEndpoint::custom(&[0xee, network.next]).expect("is short"),
            _ => *endpoint,
        };
        if network.places.insert(own, VecDeque::new()).is_some() {
            return Err(Error::new(Status::NetworkSocketError, "the address is taken"));
        }
        drop(network);
        self.own = own;
        Ok(own)
    }

    fn listen(&mut self) -> Result<()> {
        self.enter("listen").map(|_| ())
    }

    fn receive(&mut self, packets: &mut [IncomingPacket]) -> Result<usize> {
        let mut network = self.enter("receive")?;
        let waiting = network.places.get_mut(&self.own).expect("is bound");
        let count = waiting.len().min(packets.len());
        for (packet, (from, bytes)) in packets.iter_mut().zip(waiting.drain(..count)) {
            packet.fill(from, &bytes);
        }
        Ok(count)
    }

    fn send(&mut self, packets: &[OutgoingPacket<'_>]) -> Result<usize> {
        let mut network = self.enter("send")?;
        let taken = packets.len().min(network.room);
        network.room -= taken;
        for packet in &packets[..taken] {
            if let Some(waker) = network.wakers.get(&packet.endpoint) {
                waker.wake();
            }
            match network.places.get_mut(&packet.endpoint) {
                Some(place) => place.push_back((self.own, packet.data.to_vec())),
                None => network.dropped += 1,
            }
        }
        Ok(taken)
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.enter("drop").map(|_| ()).unwrap_or_default();
    }
}

fn network() -> Shared {
    Arc::new(Mutex::new(Network { room: usize::MAX, ..Network::default() }))
}

fn with<T>(network: &Shared, look: impl FnOnce(&mut Network) -> T) -> T {
    look(&mut network.lock().expect("nobody panicked"))
}

fn driver(network: &Shared, settings: &NetworkSettings) -> NetworkDriver {
    let mut driver = NetworkDriver::new(settings).expect("the settings are good");
    let port = Port { network: Arc::clone(network), own: NetworkEndpoint::INVALID };
    assert_eq!(driver.add_custom_interface(Box::new(port)).expect("an interface"), 0);
    driver
}

fn address(bytes: &[u8]) -> NetworkEndpoint {
    NetworkEndpoint::custom(bytes).expect("is short")
}

/// A server at an address, and a client that it has accepted.
fn pair(
    network: &Shared,
    at: &NetworkEndpoint,
    settings: &NetworkSettings,
) -> (NetworkDriver, NetworkDriver, Connection, Connection) {
    let mut server = driver(network, settings);
    server.bind(0, at).expect("binds");
    server.listen().expect("listens");
    let mut client = driver(network, settings);
    let to_server = client.connect(0, at, b"hi").expect("starts to connect");
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    let to_client = expect_accept(&mut [&mut server, &mut client]);
    (server, client, to_client, to_server)
}

#[test]
fn endpoints_of_every_family_connect_and_carry_messages() {
    let full = address(&[0xab; 60]);
    let ip = NetworkEndpoint::parse("192.0.2.1", 7, None).expect("is an address");
    for at in [full, address(&[1]), ip, NetworkEndpoint::loopback_ipv6(9)] {
        let network = network();
        let (mut server, mut client, to_client, to_server) =
            pair(&network, &at, &NetworkSettings::default());
        assert_eq!(server.connect_payload(to_client).expect("is open"), b"hi");
        assert_eq!(server.local_endpoint(0, 0).expect("is bound"), at);
        let info = server.connection_info(to_client).expect("is open");
        assert_eq!((info.interface_kind, info.local), (InterfaceKind::Custom, at));
        assert_eq!((info.remote, info.peer), (address(&[0xee, 2]), address(&[0xee, 2])));
        assert_eq!(client.connection_info(to_server).expect("is open").remote, at);
        let most = client.payload_size_max(to_server, 0).expect("is open");
        assert_eq!(most, 1390);
        for message in [vec![], vec![7; most as usize]] {
            client.send(to_server, 0, &message).expect("is sent");
            let event = expect_event(&mut [&mut server, &mut client], EventKind::Data);
            assert_eq!((event.connection, &event.data[..]), (to_client, &message[..]));
            server.send(to_client, 0, &message).expect("is sent");
            let event = expect_event(&mut [&mut client, &mut server], EventKind::Data);
            assert_eq!(event.data, message);
        }
        client.disconnect(to_server).expect("closes");
        let end = expect_event(&mut [&mut server, &mut client], EventKind::Disconnect);
        assert_eq!(end.reason, DisconnectReason::ClosedByRemote);
        let info = server.connection_info(to_client).expect("until the update");
        assert_eq!(info.remote, address(&[0xee, 2]), "it is told to the end");
    }
}

#[test]
fn a_host_name_becomes_an_endpoint_of_its_first_address() {
    let network = network();
    let at = NetworkEndpoint::loopback_ipv4(4242);
    let mut server = driver(&network, &NetworkSettings::default());
    server.bind(0, &at).expect("binds");
    server.listen().expect("listens");
    let mut client = driver(&network, &NetworkSettings::default());
    client.connect_host(0, "localhost", 4242, b"").expect("starts to connect");
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
}

#[test]
fn the_functions_are_called_in_order_and_let_go_of_once() {
    let network = network();
    drop(pair(&network, &address(b"here"), &NetworkSettings::default()));
    let calls = with(&network, |network| network.calls.clone());
    assert_eq!(calls, ["bind", "listen", "bind", "drop", "drop"]);
}

#[test]
fn more_packets_than_a_batch_arrive_in_one_update() {
    let network = network();
    let at = address(b"here");
    let (mut server, mut client, _, to_server) = pair(&network, &at, &frames(10));
    for number in 0..200_u8 {
        client.send(to_server, 0, &[number]).expect("there is room");
    }
    client.update().expect("updates");
    server.update().expect("updates");
    for number in 0..200_u8 {
        assert_eq!(server.pop_event().expect("is here").data, [number][..]);
    }
    assert!(server.pop_event().is_none());
}

#[test]
fn what_the_transport_does_not_take_waits_and_holds_the_sender_back() {
    let network = network();
    let settings = NetworkSettings { send_queue_capacity: 8, writable_events: true, ..stock() };
    let (mut server, mut client, to_client, to_server) = pair(&network, &address(b"x"), &settings);
    with(&network, |network| network.room = 3);
    for number in 0..8_u8 {
        client.send(to_server, 0, &[number]).expect("there is room");
    }
    client.flush().expect("three leave");
    assert_eq!(status(client.send(to_server, 0, b"no")), Status::NetworkSendQueueFull);
    assert!(client.pop_event().is_none());
    with(&network, |network| network.room = usize::MAX);
    client.update().expect("the others leave");
    assert_eq!(client.pop_event().map(|event| event.kind), Some(EventKind::Writable));
    server.update().expect("updates");
    for number in 0..8_u8 {
        assert_eq!(server.pop_event_for_connection(to_client).expect("is here").data, [number][..]);
    }
}

#[test]
fn a_failing_function_is_told_and_disturbs_nothing_else() {
    let network = network();
    let (mut server, mut client, to_client, to_server) =
        pair(&network, &address(b"x"), &frames(10));
    let udp = server.add_interface(InterfaceSettings::default()).expect("an interface");
    server.bind(udp, &NetworkEndpoint::loopback_ipv4(0)).expect("binds");
    for failing in ["receive", "send"] {
        client.send(to_server, 0, b"first").expect("is sent");
        client.update().expect("updates");
        with(&network, |network| network.failing = vec![failing]);
        server.send(to_client, 0, b"answer").expect("is queued");
        let failed = server.update().expect_err("the function fails");
        assert_eq!(failed.status(), Status::NetworkSocketError);
        assert_eq!(failed.text(), format!("{failing} fails"));
        let receiving = if failing == "receive" { Status::NetworkSocketError as i32 } else { 0 };
        assert_eq!(server.receive_error_code(), receiving);
        with(&network, |network| network.failing.clear());
        server.update().expect("goes on");
        assert_eq!(server.pop_event().expect("is here").data, b"first"[..]);
        assert_eq!(server.connection_state(to_client), ConnectionState::Connected);
        let endpoint = server.local_endpoint(udp, 0).expect("is bound");
        let mut other = crate::support::driver(InterfaceKind::Udp, &frames(10));
        other.connect(0, &endpoint, b"").expect("starts to connect");
        expect_event(&mut [&mut other, &mut server], EventKind::Connect);
        expect_accept(&mut [&mut server]);
    }
    client.update().expect("updates");
    // The answer to the first is here; the other one was lost with the send that failed.
    assert_eq!(client.pop_event().expect("is here").data, b"answer"[..]);
    assert!(client.pop_event().is_none());
}

#[test]
fn a_bind_or_listen_that_fails_is_the_error_of_its_call() {
    let network = network();
    let at = address(b"x");
    let mut server = driver(&network, &NetworkSettings::default());
    with(&network, |network| network.failing = vec!["bind", "listen"]);
    let failed = server.bind(0, &at).expect_err("bind fails");
    assert_eq!((failed.status(), failed.text()), (Status::NetworkSocketError, "bind fails"));
    let failed = server.connect(0, &at, b"").expect_err("bind fails");
    assert_eq!(failed.text(), "bind fails");
    assert_eq!(server.statistics().connections, 0);
    with(&network, |network| network.failing = vec!["listen"]);
    server.bind(0, &at).expect("binds");
    assert_eq!(server.listen().expect_err("listen fails").text(), "listen fails");
    assert!(!server.is_listening());
    assert_eq!(status(server.bind(0, &address(b"y"))), Status::LimitReached);
    assert_eq!(status(server.bind(0, &NetworkEndpoint::INVALID)), Status::InvalidArgument);
    assert_eq!(status(server.connect(0, &NetworkEndpoint::INVALID, b"")), Status::InvalidArgument);
    let kind = InterfaceSettings::new(InterfaceKind::Custom);
    assert_eq!(status(server.add_interface(kind)), Status::InvalidArgument);
}

#[test]
fn a_peer_that_moves_is_followed() {
    let network = network();
    let at = address(b"here");
    let (mut server, mut client, to_client, to_server) = pair(&network, &at, &stock());
    client.send(to_server, 0, b"moved").expect("is sent");
    client.flush().expect("flushes");
    let elsewhere = address(b"elsewhere");
    with(&network, |network| {
        network.places.get_mut(&at).expect("is bound")[0].0 = elsewhere;
    });
    server.update().expect("updates");
    assert_eq!(server.pop_event().expect("is here").data, b"moved"[..]);
    assert_eq!(server.connection_info(to_client).expect("is open").remote, elsewhere);
}

#[test]
fn packets_of_no_meaning_are_counted() {
    let network = network();
    let at = address(b"here");
    let (mut server, _client, ..) = pair(&network, &at, &frames(10));
    with(&network, |network| {
        let place = network.places.get_mut(&at).expect("is bound");
        place.push_back((NetworkEndpoint::INVALID, vec![1, 2, 3]));
        // Longer than a packet may be, and not at all.
        place.push_back((at, vec![1; 1401]));
        place.push_back((at, vec![]));
    });
    server.update().expect("updates");
    assert_eq!(server.statistics().malformed_in, 3);
}

#[test]
fn the_simulator_is_below_custom_interfaces_too() {
    let network = network();
    let (mut server, mut client, _, to_server) = pair(&network, &address(b"x"), &frames(10));
    client.set_network_simulator(&NetworkSimulator {
        send_loss_percent: 100.0,
        ..NetworkSimulator::default()
    });
    client.send(to_server, 0, b"lost").expect("is sent");
    settle(&mut [&mut client, &mut server], 5);
    client.set_network_simulator(&NetworkSimulator::default());
    client.send(to_server, 0, b"arrives").expect("is sent");
    let event = expect_event(&mut [&mut server, &mut client], EventKind::Data);
    assert_eq!(event.data, b"arrives"[..]);
}

#[test]
fn nobody_at_the_address_is_reason_2_and_silence_reason_1() {
    let network = network();
    let settings = NetworkSettings {
        connect_timeout_ms: 20,
        max_connect_attempts: 3,
        disconnect_timeout_ms: 100,
        ..frames(10)
    };
    let mut client = driver(&network, &settings);
    client.connect(0, &address(b"nobody"), b"").expect("starts to connect");
    let end = expect_event(&mut [&mut client], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::MaxConnectionAttempts);
    assert!(with(&network, |network| network.dropped) >= 3);
    let (mut server, client, ..) = pair(&network, &address(b"here"), &settings);
    drop(client);
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::Timeout);
}

#[test]
#[allow(clippy::disallowed_methods, reason = "another thread is the point")]
fn a_waker_ends_a_wait_from_another_thread() {
    let network = network();
    let at = address(b"here");
    let (mut server, mut client, to_client, to_server) =
        pair(&network, &at, &NetworkSettings::default());
    let waker = server.waker();
    with(&network, |network| network.wakers.insert(at, waker.clone()));
    let thread = std::thread::spawn(move || {
        // The server may sleep already or not yet: both are woken.
        client.send(to_server, 0, b"from afar").expect("is sent");
        client.flush().expect("flushes");
        client
    });
    // Without the waker this would take a minute.
    until("news of the other thread", || server.wait(60_000).expect("waits").then_some(()));
    let _client = thread.join().expect("ends");
    server.update().expect("updates");
    let event = server.pop_event_for_connection(to_client).expect("is here");
    assert_eq!(event.data, b"from afar"[..]);
    waker.wake();
    assert!(!server.wait(60_000).expect("returns at once"), "there is no news");
    waker.wake();
    server.update().expect("looks, so that no wait must");
    assert!(!server.wait(0).expect("waits"));
    step(&mut [&mut server]);
}

#[test]
fn a_full_interface_refuses_a_long_message_and_tells_everybody_who_waits_when_there_is_room() {
    let network = network();
    let settings = NetworkSettings {
        writable_events: true,
        session: false,
        send_queue_capacity: 30_000,
        ..frames(10)
    };
    let make = || {
        let mut driver = driver(&network, &settings);
        let long = FragmentationConfig { payload_capacity: 22_700_000 };
        let stages = [PipelineStage::Fragmentation(Some(long))];
        driver.create_pipeline(&stages).expect("is valid");
        driver
    };
    let mut server = make();
    server.bind(0, &address(b"here")).expect("binds");
    server.listen().expect("listens");
    let mut client = make();
    let connections: Vec<Connection> = (0..3)
        .map(|_| {
            let to_server = client.connect(0, &address(b"here"), b"").expect("starts to connect");
            expect_event(&mut [&mut client, &mut server], EventKind::Connect);
            expect_accept(&mut [&mut server, &mut client]);
            to_server
        })
        .collect();
    // What leaves goes nowhere, which is quicker.
    with(&network, |network| network.places.remove(&address(b"here")));
    let message = vec![7; 22_700_000];
    for &connection in &connections[..2] {
        client.send(connection, 1, &message).expect("there is room");
    }
    let refused = status(client.send(connections[2], 1, &message));
    assert_eq!(refused, Status::NetworkSendQueueFull, "64 MiB wait at most");
    client.update().expect("updates");
    let told = client.pop_event().expect("there is room");
    assert_eq!((told.kind, told.connection), (EventKind::Writable, connections[2]));
}

#[test]
fn a_datagram_from_nowhere_is_dropped_and_counted() {
    let network = network();
    let at = address(b"here");
    let (mut server, _client, ..) = pair(&network, &at, &NetworkSettings::default());
    let request = [&b"UTP\x01\x01"[..], &[9; 8]].concat();
    with(&network, |network| {
        let place = network.places.get_mut(&at).expect("is bound");
        place.push_back((NetworkEndpoint::INVALID, request));
    });
    server.update().expect("updates");
    assert_eq!(server.statistics().malformed_in, 1);
    assert!(server.accept().is_none());
}
