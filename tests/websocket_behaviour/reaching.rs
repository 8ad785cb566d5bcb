//! How a client reaches its server: a host's addresses race, the first that connects wins, and
//! what takes too long ends.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use netdriver::settings::{
    Dialect, DialectPolicy, InterfaceKind, InterfaceSettings, NetworkSettings, UrlOptions,
};
use netdriver::{Connection, ConnectionState, DisconnectReason, EventKind, NetworkDriver};
use socket2::{Domain, Socket, Type};

use crate::support::raw::{RawListener, answer, header};
use crate::support::{driver, expect_accept, expect_event, settle, step, until, websocket_server};

/// Longer than any test.
const NEVER_MS: i32 = 600_000;

fn at(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// An address of this machine where connecting goes on for ever: the queue of a listener that
/// takes nobody is full.
struct Hole {
    listener: Socket,
    _waiting: Vec<Socket>,
}

impl Hole {
    fn new() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        listener.bind(&at(0).into()).expect("a port");
        listener.listen(0).expect("listens");
        let address = listener.local_addr().expect("is bound");
        let waiting = (0..4).map(|_| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
            socket.set_nonblocking(true).expect("a socket");
            let _ = socket.connect(&address);
            socket
        });
        Self { _waiting: waiting.collect(), listener }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("is bound").as_socket().expect("is IPv4")
    }
}

/// Settings under which a race moves on after so many milliseconds only.
fn racing(connect_race_delay_ms: i32) -> NetworkSettings {
    NetworkSettings {
        connect_race_delay_ms,
        handshake_timeout_ms: NEVER_MS,
        ..NetworkSettings::default()
    }
}

fn to(addresses: &[SocketAddr]) -> UrlOptions {
    UrlOptions { addresses: addresses.to_vec(), ..UrlOptions::default() }
}

/// A client that connects to a host with these addresses.
fn reaching(settings: &NetworkSettings, options: &UrlOptions) -> (NetworkDriver, Connection) {
    let mut client = NetworkDriver::new(settings).expect("the settings are good");
    let connection = client.connect_url("ws://many.example/", options).expect("starts to connect");
    (client, connection)
}

fn remote_port(client: &NetworkDriver, connection: Connection) -> u16 {
    client.connection_info(connection).expect("is open").remote.port()
}

#[test]
fn an_address_that_does_not_answer_holds_nobody_up() {
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &NetworkSettings::default());
    let hole = Hole::new();
    let (mut client, connection) = reaching(&racing(20), &to(&[hole.address(), at(port)]));
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    assert_eq!(remote_port(&client, connection), port);
    expect_accept(&mut [&mut server, &mut client]);
    assert_eq!(client.statistics().connections_outgoing, 1);
    assert_eq!(client.statistics().connections_closing, 0, "the loser is gone without a goodbye");
    let options = UrlOptions { dialect: Dialect::Utp, ..to(&[hole.address(), at(port)]) };
    let (mut client, connection) = reaching(&racing(20), &options);
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    assert_eq!(remote_port(&client, connection), port);
}

#[test]
fn four_attempts_go_on_at_most() {
    let listener = RawListener::new();
    let holes: Vec<Hole> = (0..4).map(|_| Hole::new()).collect();
    let mut addresses: Vec<SocketAddr> = holes.iter().map(Hole::address).collect();
    addresses.push(at(listener.port()));
    let settings = NetworkSettings { handshake_timeout_ms: 200, ..racing(0) };
    let (mut client, _) = reaching(&settings, &to(&addresses));
    settle(&mut [&mut client], 20);
    assert!(listener.try_accept().is_none(), "the fifth waits");
    listener.accept(&mut client);
}

#[test]
fn a_refusal_is_followed_by_the_next_address_at_once() {
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &NetworkSettings::default());
    let nobody = at(RawListener::new().port());
    let (mut client, connection) = reaching(&racing(NEVER_MS), &to(&[nobody, at(port)]));
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    assert_eq!(remote_port(&client, connection), port);
    let (mut client, _) = reaching(&racing(NEVER_MS), &to(&[nobody, nobody]));
    let end = expect_event(&mut [&mut client], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::ConnectionRefused);
}

#[test]
fn a_winner_that_breaks_off_is_followed_by_a_loser() {
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &NetworkSettings::default());
    let listener = RawListener::new();
    let first = at(listener.port());
    let (mut client, connection) = reaching(&racing(NEVER_MS), &to(&[first, at(port)]));
    let mut peer = listener.accept(&mut client);
    peer.head(&mut client);
    drop(peer);
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    assert_eq!(remote_port(&client, connection), port);
}

#[test]
fn an_answer_of_the_winner_is_final() {
    let listeners = [RawListener::new(), RawListener::new()];
    let addresses = [at(listeners[0].port()), at(listeners[1].port())];
    for dialect in [Dialect::Plain, Dialect::Utp] {
        let options = UrlOptions { dialect, ..to(&addresses) };
        let (mut client, _) = reaching(&racing(NEVER_MS), &options);
        let mut peer = listeners[0].accept(&mut client);
        let request = peer.head(&mut client);
        assert_eq!(header(&request, "Host").as_deref(), Some("many.example"));
        peer.write(&mut client, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        let end = expect_event(&mut [&mut client], EventKind::Disconnect);
        assert_eq!((end.reason, end.close_code), (DisconnectReason::HandshakeRejected, 403));
        assert!(listeners[1].try_accept().is_none());
    }
}

#[test]
fn all_of_it_ends_at_the_deadline() {
    let hole = Hole::new();
    let listener = RawListener::new();
    for address in [hole.address(), at(listener.port())] {
        let options = UrlOptions { connect_deadline_ms: 50, ..to(&[address]) };
        let (mut client, connection) = reaching(&racing(0), &options);
        let end = expect_event(&mut [&mut client], EventKind::Disconnect);
        assert_eq!(end.connection, connection);
        assert_eq!(end.reason, DisconnectReason::MaxConnectionAttempts);
        assert!(String::from_utf8_lossy(&end.data).contains("connect_deadline_ms"));
        assert_eq!(client.statistics().connections, 0);
    }
    // A WebSocket whose other side never accepts the UTP request.
    let options =
        UrlOptions { connect_deadline_ms: 50, dialect: Dialect::Utp, ..to(&[at(listener.port())]) };
    let (mut client, _) = reaching(&racing(0), &options);
    until("all streams of the case before", || listener.try_accept().is_none().then_some(()));
    let mut peer = listener.accept(&mut client);
    let request = peer.head(&mut client);
    let key = header(&request, "Sec-WebSocket-Key").expect("is there");
    peer.write(&mut client, answer(&key, "").as_bytes());
    let end = expect_event(&mut [&mut client], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::MaxConnectionAttempts);
    peer.frame(&mut client);
    assert_eq!(peer.close_frame(&mut client).0, 1000);
}

#[test]
fn a_connection_that_is_closed_while_it_races_leaves_nothing_behind() {
    let hole = Hole::new();
    let (mut client, connection) = reaching(&racing(0), &to(&[hole.address(), hole.address()]));
    settle(&mut [&mut client], 3);
    assert_eq!(client.connection_state(connection), ConnectionState::Connecting);
    client.disconnect(connection).expect("is open");
    settle(&mut [&mut client], 3);
    let statistics = client.statistics();
    assert_eq!((statistics.connections, statistics.connections_closing), (0, 0));
    assert!(client.pop_event().is_none());
}

#[test]
fn a_utp_client_tries_until_somebody_listens() {
    let settings = NetworkSettings { connect_timeout_ms: 20, ..NetworkSettings::default() };
    let port = RawListener::new().port();
    let mut client = driver(InterfaceKind::WebSocket, &settings);
    let endpoint = netdriver::NetworkEndpoint::loopback_ipv4(port);
    let connection = client.connect(0, &endpoint, b"").expect("starts to connect");
    settle(&mut [&mut client], 50);
    assert_eq!(client.connection_state(connection), ConnectionState::Connecting);
    let mut server = crate::support::driver_with(
        InterfaceSettings::new(InterfaceKind::WebSocket),
        &NetworkSettings::default(),
    );
    server.bind(0, &endpoint).expect("the port is free");
    server.listen().expect("listens");
    let event = expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    assert_eq!(event.connection, connection);
    assert_eq!(server.statistics().handshakes_failed, 0);
    step(&mut [&mut client, &mut server]);
}

#[test]
fn a_hole_is_one() {
    let hole = Hole::new();
    let timeout = std::time::Duration::from_millis(50);
    #[allow(clippy::disallowed_methods, reason = "this looks at the hole from outside")]
    let outcome = TcpStream::connect_timeout(&hole.address(), timeout);
    let kind = outcome.expect_err("nobody takes it").kind();
    assert_eq!(kind, std::io::ErrorKind::TimedOut);
}
