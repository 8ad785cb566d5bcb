//! Streams that the program has accepted itself, and whose clients speak TLS.
#![allow(clippy::disallowed_methods, reason = "the program's own listener is what is tested")]

use std::io::Read;
use std::net::{TcpListener, TcpStream};

use netdriver::settings::{ClientCertificates, InterfaceKind, NetworkSettings, TlsServer};
use netdriver::{ConnectionText, DisconnectReason, EventKind, NetworkDriver};

use super::world::connecting;
use crate::support::certificates::Authority;
use crate::support::{driver, expect_accept, expect_event, settle, until};

/// The program's port.
fn program() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    listener.set_nonblocking(true).expect("a socket");
    let port = listener.local_addr().expect("is bound").port();
    (listener, port)
}

fn accept(listener: &TcpListener, client: &mut NetworkDriver) -> TcpStream {
    let stream = until("a client", || {
        settle(&mut [client], 1);
        listener.accept().ok().map(|accepted| accepted.0)
    });
    stream.set_nonblocking(false).expect("a socket");
    stream
}

#[test]
fn what_the_program_has_read_of_a_handshake_is_not_lost() {
    let authority = Authority::new();
    let settings = NetworkSettings::default();
    let (listener, port) = program();
    for read in [0, 1, 5, 100, 4096] {
        let mut server = driver(InterfaceKind::WebSocket, &settings);
        server.set_tls_server(0, Some(&authority.server(&["localhost"]))).expect("is good");
        let (mut client, to_server) = connecting(port, &authority.client(), &settings);
        let mut stream = accept(&listener, &mut client);
        settle(&mut [&mut client], 2);
        let mut received = vec![0; read];
        let got = if read == 0 { 0 } else { stream.read(&mut received).expect("a hello") };
        assert!(got > 0 || read == 0, "{read}");
        server.accept_stream(0, stream, &received[..got]).expect("is a stream");
        expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        let incoming = expect_accept(&mut [&mut server, &mut client]);
        assert_eq!(server.request_path(incoming).expect("is open"), "/room", "{read}");
        assert_ne!(server.tls_version(incoming).expect("is open"), "");
        client.send_text(to_server, "hello").expect("there is room");
        let event = expect_event(&mut [&mut server, &mut client], EventKind::Data);
        assert_eq!(event.data, "hello");
    }
}

#[test]
fn a_client_that_is_not_trusted_is_refused_here_too() {
    let authority = Authority::new();
    let settings = NetworkSettings::default();
    let (listener, port) = program();
    let mut server = driver(InterfaceKind::WebSocket, &settings);
    let tls = TlsServer {
        client_certificates: ClientCertificates::Required,
        client_ca: authority.pem(),
        ..authority.server(&["localhost"])
    };
    server.set_tls_server(0, Some(&tls)).expect("is good");
    let (mut client, to_server) = connecting(port, &authority.client(), &settings);
    let stream = accept(&listener, &mut client);
    server.accept_stream(0, stream, b"").expect("is a stream");
    let end = expect_event(&mut [&mut client, &mut server], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::AuthenticationFailure);
    assert!(client.connection_text(to_server, ConnectionText::Path).is_err() || !end.clean);
    until("the count", || {
        settle(&mut [&mut server], 1);
        (server.statistics().tls_failures == 1).then_some(())
    });
    assert!(server.accept().is_none());
}

#[test]
fn garbage_that_the_program_has_read_ends_the_stream() {
    let authority = Authority::new();
    let (listener, port) = program();
    let mut server = driver(InterfaceKind::WebSocket, &NetworkSettings::default());
    server.set_tls_server(0, Some(&authority.server(&["localhost"]))).expect("is good");
    for (number, garbage) in [vec![0; 3], vec![0x7f; 200_000]].into_iter().enumerate() {
        let mut peer = crate::support::raw::RawStream::connect(port);
        let (stream, _) = until("a client", || listener.accept().ok());
        server.accept_stream(0, stream, &garbage).expect("is a stream");
        if number == 0 {
            peer.try_write(&[0; 9]);
        }
        until("the end", || {
            settle(&mut [&mut server], 1);
            (server.statistics().tls_failures == number as u64 + 1).then_some(())
        });
    }
}
