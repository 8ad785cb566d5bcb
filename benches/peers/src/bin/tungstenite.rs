//! tungstenite on mio: an echo server with one thread. `tungstenite [--tuned 1]`.
//!
//! As it comes, the library reads into a buffer of 128 KiB per connection, and `send` writes each
//! message at once. `--tuned 1` is what somebody writes who has measured that: a buffer of 4 KiB,
//! one flush for all answers to what a read brought, and no read of a socket that a short read has
//! drained. It knows no compression.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};
use tungstenite::handshake::MidHandshake;
use tungstenite::handshake::server::{NoCallback, ServerHandshake};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, HandshakeError, WebSocket};

/// The token of the listener; streams have the numbers of their places.
const LISTENER: Token = Token(usize::MAX);
/// Readiness reports taken from the system at once.
const EVENTS_MAX: usize = 1024;
/// Bytes of a tuned server's read buffer.
const TUNED_READ_BUFFER: usize = 4096;

/// A socket that knows when it is empty.
struct Socket {
    stream: TcpStream,
    /// Do not ask a drained socket again.
    remembers: bool,
    drained: bool,
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.drained {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = self.stream.read(buffer)?;
        self.drained = self.remembers && count > 0 && count < buffer.len();
        Ok(count)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Opening = MidHandshake<ServerHandshake<Socket, NoCallback>>;

enum Client {
    Opening(Opening),
    Open(Box<WebSocket<Socket>>),
}

struct Server {
    tuned: bool,
    config: WebSocketConfig,
    clients: Vec<Option<Client>>,
    free: Vec<usize>,
}

fn would_block(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Sends back what has come; an error when the connection is over.
fn echo(ws: &mut WebSocket<Socket>, tuned: bool) -> Result<(), Error> {
    ws.get_mut().drained = false;
    loop {
        let message = match ws.read() {
            Ok(message) if message.is_text() || message.is_binary() => message,
            Ok(_) => continue,
            Err(error) if would_block(&error) => break,
            Err(error) => return Err(error),
        };
        let sent = if tuned { ws.write(message) } else { ws.send(message) };
        match sent {
            // It stays in the library's buffer.
            Err(error) if would_block(&error) => {}
            other => other?,
        }
    }
    match ws.flush() {
        Err(error) if would_block(&error) => Ok(()),
        other => other,
    }
}

impl Server {
    fn new(tuned: bool) -> Self {
        let mut config = WebSocketConfig::default();
        if tuned {
            config = config.read_buffer_size(TUNED_READ_BUFFER);
        }
        Self { tuned, config, clients: Vec::new(), free: Vec::new() }
    }

    fn accept(&mut self, listener: &TcpListener, registry: &Registry) -> io::Result<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let place = self.free.pop().unwrap_or(self.clients.len());
            let interest = Interest::READABLE | Interest::WRITABLE;
            registry.register(&mut stream, Token(place), interest)?;
            let socket = Socket { stream, remembers: self.tuned, drained: false };
            let opened = tungstenite::accept_with_config(socket, Some(self.config));
            if place == self.clients.len() {
                self.clients.push(None);
            }
            self.place(place, opened);
        }
    }

    /// Puts a connection, or how far its handshake has come, where it belongs.
    fn place(
        &mut self,
        place: usize,
        opened: Result<WebSocket<Socket>, HandshakeError<ServerHandshake<Socket, NoCallback>>>,
    ) {
        match opened {
            Ok(ws) => {
                self.clients[place] = Some(Client::Open(Box::new(ws)));
                self.drive(place);
            }
            Err(HandshakeError::Interrupted(opening)) => {
                self.clients[place] = Some(Client::Opening(opening));
            }
            Err(HandshakeError::Failure(_)) => self.free.push(place),
        }
    }

    fn drive(&mut self, place: usize) {
        match self.clients[place].take() {
            Some(Client::Opening(mut opening)) => {
                opening.get_mut().get_mut().drained = false;
                self.place(place, opening.handshake());
            }
            Some(Client::Open(mut ws)) => match echo(&mut ws, self.tuned) {
                Ok(()) => self.clients[place] = Some(Client::Open(ws)),
                Err(_) => self.free.push(place),
            },
            None => {}
        }
    }
}

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let tuned = words == ["--tuned", "1"];
    assert!(tuned || words.is_empty(), "usage: tungstenite [--tuned 1]");
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("port {}", listener.local_addr()?.port());
    let mut server = Server::new(tuned);
    let mut events = Events::with_capacity(EVENTS_MAX);
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                LISTENER => server.accept(&listener, poll.registry())?,
                Token(place) => server.drive(place),
            }
        }
    }
}
