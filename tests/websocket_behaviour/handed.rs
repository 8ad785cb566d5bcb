//! Streams that the program has accepted itself, with what it has read of them.
#![allow(clippy::disallowed_methods, reason = "the program's own listener is what is tested")]

use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream, UdpSocket};

use netdriver::settings::{InterfaceKind, InterfaceSettings, NetworkSettings, UrlOptions};
use netdriver::{EventKind, NetworkDriver, NetworkEndpoint, Status};

use crate::support::raw::{FIN, RawStream, TEXT, frame, request};
use crate::support::{driver, driver_with, expect_accept, expect_event, settle, status, until};

/// A stream between a peer and the program.
fn stream() -> (RawStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let port = listener.local_addr().expect("is bound").port();
    let peer = RawStream::connect(port);
    (peer, listener.accept().expect("is there").0)
}

fn websocket() -> NetworkDriver {
    driver(InterfaceKind::WebSocket, &NetworkSettings::default())
}

#[test]
fn a_stream_becomes_a_connection_of_a_driver_that_does_not_listen() {
    let mut server = websocket();
    let (mut peer, theirs) = stream();
    peer.try_write(request("/room", "").as_bytes());
    server.accept_stream(0, theirs, b"").expect("is a stream");
    assert!(peer.head(&mut server).starts_with("HTTP/1.1 101 "));
    peer.write(&mut server, &frame(FIN | TEXT, b"hello"));
    let connection = expect_accept(&mut [&mut server]);
    assert_eq!(server.request_path(connection).expect("is open"), "/room");
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, "hello");
    let info = server.connection_info(connection).expect("is open");
    assert!(info.remote.is_loopback());
    assert!(!server.is_bound() && !server.is_listening());
}

#[test]
fn what_the_program_has_read_is_not_lost() {
    let whole = [request("/", "").into_bytes(), frame(FIN | TEXT, b"early")].concat();
    for read in [1, 20, whole.len() - 3, whole.len()] {
        let mut server = websocket();
        let (mut peer, mut theirs) = stream();
        peer.try_write(&whole);
        let mut received = vec![0; read];
        theirs.read_exact(&mut received).expect("is there");
        server.accept_stream(0, theirs, &received).expect("is a stream");
        assert!(peer.head(&mut server).starts_with("HTTP/1.1 101 "), "{read}");
        expect_accept(&mut [&mut server]);
        assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, "early", "{read}");
    }
}

#[test]
fn a_driver_that_refuses_newcomers_refuses_these_too() {
    let mut server = websocket();
    server.set_refusing(true);
    let (mut peer, theirs) = stream();
    peer.try_write(request("/", "").as_bytes());
    server.accept_stream(0, theirs, b"").expect("is a stream");
    assert!(peer.head(&mut server).starts_with("HTTP/1.1 503 "));
    assert_eq!(server.statistics().connections_refused, 1);
}

#[test]
fn a_program_that_is_asked_may_accept_without_listening_unless_it_refuses() {
    for refuses in [false, true] {
        let asking = InterfaceSettings {
            accept_requests: true,
            ..InterfaceSettings::new(InterfaceKind::WebSocket)
        };
        let mut server = driver_with(asking, &NetworkSettings::default());
        let (mut peer, theirs) = stream();
        peer.try_write(request("/", "").as_bytes());
        server.accept_stream(0, theirs, b"").expect("is a stream");
        let asked = until("a request", || {
            settle(&mut [&mut server], 1);
            server.pop_request()
        });
        server.set_refusing(refuses);
        let accepted = server.accept_request(asked.id, None, &[]);
        if refuses {
            assert_eq!(status(accepted), Status::NetworkStateMismatch);
            assert!(peer.head(&mut server).starts_with("HTTP/1.1 503 "));
        } else {
            accepted.expect("nobody said no");
            assert!(peer.head(&mut server).starts_with("HTTP/1.1 101 "));
            peer.write(&mut server, &frame(FIN | TEXT, b"hello"));
            expect_accept(&mut [&mut server]);
        }
    }
}

#[test]
fn what_cannot_be_taken_is_refused_and_closed() {
    let settings = NetworkSettings { pending_handshakes_max: 1, ..NetworkSettings::default() };
    let mut server = driver(InterfaceKind::WebSocket, &settings);
    let (_first, theirs) = stream();
    server.accept_stream(0, theirs, b"").expect("is a stream");
    let (mut second, theirs) = stream();
    assert_eq!(status(server.accept_stream(0, theirs, b"")), Status::LimitReached);
    second.end(&mut server);
    let (_peer, theirs) = stream();
    assert_eq!(status(server.accept_stream(1, theirs, b"")), Status::InvalidArgument);
    let mut udp = driver(InterfaceKind::Udp, &settings);
    let (_peer, theirs) = stream();
    assert_eq!(status(udp.accept_stream(0, theirs, b"")), Status::InvalidArgument);
    let trusting = InterfaceSettings {
        trusted_proxies: vec!["10.0.0.0/8".to_owned()],
        proxy_protocol: true,
        ..InterfaceSettings::new(InterfaceKind::WebSocket)
    };
    let mut strict = driver_with(trusting, &settings);
    let (_peer, theirs) = stream();
    assert_eq!(status(strict.accept_stream(0, theirs, b"")), Status::InvalidArgument);
}

#[cfg(unix)]
#[test]
fn other_sockets_are_told_from_streams() {
    use std::os::fd::OwnedFd;
    let refused = |socket: OwnedFd| {
        let mut server = websocket();
        let outcome = status(server.accept_stream(0, TcpStream::from(socket), b""));
        assert_eq!(server.statistics().handshakes_pending, 0);
        outcome
    };
    let datagrams = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    datagrams.connect("127.0.0.1:9").expect("any address will do");
    assert_eq!(refused(datagrams.into()), Status::NetworkSocketError);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    assert_eq!(refused(listener.into()), Status::NetworkSocketError);
    let (one, _other) = std::os::unix::net::UnixStream::pair().expect("two sockets");
    assert_eq!(refused(one.into()), Status::NetworkSocketError);
}

#[test]
fn a_tcp_interface_takes_streams_too() {
    let mut server = driver(InterfaceKind::Tcp, &NetworkSettings::default());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let at = NetworkEndpoint::from_socket_addr(listener.local_addr().expect("is bound"));
    let mut client = driver(InterfaceKind::Tcp, &NetworkSettings::default());
    let connection = client.connect(0, &at, b"hi").expect("starts to connect");
    listener.set_nonblocking(true).expect("a socket");
    let mut theirs = until("a client", || {
        client.update().expect("updates");
        listener.accept().ok().map(|(stream, _)| stream)
    });
    theirs.set_nonblocking(false).expect("a socket");
    client.wait(1).expect("waits");
    let mut received = [0; 3];
    theirs.read_exact(&mut received).expect("is there");
    server.accept_stream(0, theirs, &received).expect("is a stream");
    let accepted = expect_accept(&mut [&mut server, &mut client]);
    assert_eq!(server.connect_payload(accepted).expect("is open"), b"hi");
    let event = expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    assert_eq!(event.connection, connection);
    client.send(connection, 0, b"hello").expect("there is room");
    assert_eq!(expect_event(&mut [&mut server, &mut client], EventKind::Data).data, "hello");
}

#[test]
fn a_silent_stream_has_its_time_as_any_other() {
    let settings = NetworkSettings { handshake_timeout_ms: 20, ..NetworkSettings::default() };
    let mut server = driver(InterfaceKind::WebSocket, &settings);
    let (mut peer, theirs) = stream();
    server.accept_stream(0, theirs, b"").expect("is a stream");
    peer.end(&mut server);
    assert_eq!(server.statistics().handshakes_timed_out, 1);
}

#[test]
fn a_silent_stream_makes_room_as_at_a_door_of_the_drivers_own() {
    let settings = NetworkSettings { pending_handshakes_max: 1, ..NetworkSettings::default() };
    let mut server = driver(InterfaceKind::WebSocket, &settings);
    let (mut silent, theirs) = stream();
    server.accept_stream(0, theirs, b"").expect("is a stream");
    // It has its second, and no more while somebody else wants in.
    let _second = until("room", || {
        settle(&mut [&mut server], 10);
        let (second, theirs) = stream();
        server.accept_stream(0, theirs, b"").is_ok().then_some(second)
    });
    silent.end(&mut server);
    assert_eq!(server.statistics().handshakes_displaced, 1);
}

#[test]
fn no_more_streams_are_taken_than_may_say_goodbye() {
    let settings = NetworkSettings { connections_max: 1, ..NetworkSettings::default() };
    let mut server = driver(InterfaceKind::WebSocket, &settings);
    let (mut peer, theirs) = stream();
    peer.try_write(request("/", "").as_bytes());
    server.accept_stream(0, theirs, b"").expect("is a stream");
    peer.head(&mut server);
    peer.write(&mut server, &frame(FIN | TEXT, b"hello"));
    let connection = expect_accept(&mut [&mut server]);
    server.disconnect(connection).expect("closes");
    server.update().expect("updates");
    let (_next, theirs) = stream();
    assert_eq!(status(server.accept_stream(0, theirs, b"")), Status::LimitReached);
    drop(peer);
    until("the goodbye is over", || {
        settle(&mut [&mut server], 1);
        (server.statistics().connections_closing == 0).then_some(())
    });
    let (_next, theirs) = stream();
    server.accept_stream(0, theirs, b"").expect("is a stream");
}

#[test]
fn one_port_serves_the_programs_protocol_and_websockets() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    listener.set_nonblocking(true).expect("a socket");
    let port = listener.local_addr().expect("is bound").port();
    let mut server = websocket();
    let mut other = RawStream::connect(port);
    other.try_write(b"PING\n");
    let mut client =
        NetworkDriver::new(&NetworkSettings::default()).expect("the settings are good");
    client.connect_url(&format!("ws://127.0.0.1:{port}/"), &UrlOptions::default()).expect("starts");
    let mut own = 0;
    until("both", || {
        settle(&mut [&mut client, &mut server], 1);
        match listener.accept() {
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            Ok((mut stream, _)) => {
                let mut start = [0; 4];
                stream.set_nonblocking(false).expect("a socket");
                client.update().expect("updates");
                stream.read_exact(&mut start).expect("somebody speaks");
                if &start == b"PING" {
                    own += 1;
                } else {
                    server.accept_stream(0, stream, &start).expect("is a stream");
                }
            }
        }
        (own == 1 && server.accept().is_some()).then_some(())
    });
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
}
