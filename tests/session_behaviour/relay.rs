//! A relay between a client and a server over UDP that keeps every datagram, and may change the
//! port that it speaks to the server from, as a router does.
#![allow(clippy::disallowed_methods, reason = "these are others, with sockets of their own")]

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use netdriver::settings::NetworkSettings;
use netdriver::{Connection, EventKind, NetworkDriver, NetworkEndpoint};

use crate::support::{create_pipelines, driver, expect_accept, listen, until};
use netdriver::settings::InterfaceKind;

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    socket.set_nonblocking(true).expect("is possible");
    socket
}

/// The relay.
pub struct Relay {
    inner: UdpSocket,
    outer: UdpSocket,
    server: SocketAddr,
    client: Option<SocketAddr>,
    /// Every datagram, and whether it came from the client.
    pub seen: Vec<(bool, Vec<u8>)>,
    /// Nothing of the server comes through.
    pub deaf: bool,
}

impl Relay {
    pub fn new(server: &NetworkEndpoint) -> Self {
        let server = server.to_socket_addr().expect("an address");
        let (inner, outer) = (socket(), socket());
        Self { inner, outer, server, client: None, seen: Vec::new(), deaf: false }
    }

    /// Where clients find it.
    pub fn endpoint(&self) -> NetworkEndpoint {
        NetworkEndpoint::from_socket_addr(self.inner.local_addr().expect("is bound"))
    }

    /// Where the server sees the client.
    pub fn outside(&self) -> NetworkEndpoint {
        NetworkEndpoint::from_socket_addr(self.outer.local_addr().expect("is bound"))
    }

    /// From here on the server sees the client elsewhere; gives the old place.
    pub fn move_away(&mut self) -> UdpSocket {
        std::mem::replace(&mut self.outer, socket())
    }

    /// Passes on what is there.
    pub fn turn(&mut self) {
        let mut buffer = [0; 2000];
        while let Ok((size, from)) = self.inner.recv_from(&mut buffer) {
            self.client = Some(from);
            self.seen.push((true, buffer[..size].to_vec()));
            self.outer.send_to(&buffer[..size], self.server).expect("sends");
        }
        while let Ok((size, _)) = self.outer.recv_from(&mut buffer) {
            self.seen.push((false, buffer[..size].to_vec()));
            if let (Some(client), false) = (self.client, self.deaf) {
                self.inner.send_to(&buffer[..size], client).expect("sends");
            }
        }
    }
}

/// A server and a client with a relay between them.
pub struct Relayed {
    pub server: NetworkDriver,
    pub client: NetworkDriver,
    pub to_client: Connection,
    pub to_server: Connection,
    pub relay: Relay,
}

impl Relayed {
    pub fn new(ours: &NetworkSettings, theirs: &NetworkSettings, list: &str) -> Self {
        let mut server = driver(InterfaceKind::Udp, ours);
        create_pipelines(&mut server, list);
        let endpoint = listen(&mut server);
        let mut client = driver(InterfaceKind::Udp, theirs);
        create_pipelines(&mut client, list);
        let mut relay = Relay::new(&endpoint);
        let to_server = client.connect(0, &relay.endpoint(), b"").expect("starts to connect");
        until("to connect", || {
            client.update().expect("updates");
            relay.turn();
            server.wait(1).expect("waits");
            server.update().expect("updates");
            relay.turn();
            client.pop_event().filter(|event| event.kind == EventKind::Connect)
        });
        let to_client = expect_accept(&mut [&mut server, &mut client]);
        Self { server, client, to_client, to_server, relay }
    }

    pub fn turn(&mut self) {
        self.client.update().expect("updates");
        self.relay.turn();
        self.server.wait(1).expect("waits");
        self.server.update().expect("updates");
        self.relay.turn();
    }

    /// Turns until both sides speak it.
    pub fn agree(&mut self) {
        until("to agree", || {
            self.turn();
            let ours = self.server.connection_info(self.to_client).expect("is open").session;
            let theirs = self.client.connection_info(self.to_server).expect("is open").session;
            (ours && theirs).then_some(())
        });
    }
}
