//! Peers of raw bytes: what a stranger may send, well formed or not.

#![allow(clippy::disallowed_methods, reason = "these are the peers, with sockets of their own")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};

use netdriver::{NetworkDriver, NetworkEndpoint};

use super::{step, until};

/// The key of every request here, and the value that answers it.
pub const KEY: &str = "AAECAwQFBgcICQoLDA0ODw==";
pub const ACCEPT: &str = "Bz3qJYTGdOe8gUSpLosEdiLKDrk=";
/// The masking key of every frame here.
pub const MASK: [u8; 4] = [1, 2, 3, 4];
/// The token of the raw UTP peers.
pub const TOKEN: [u8; 8] = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];

pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;
pub const FIN: u8 = 0x80;

/// An upgrade request for a target, with further header lines (each ending in CR LF).
pub fn request(target: &str, lines: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: game\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{lines}\r\n"
    )
}

/// The 101 that answers [`request`], with further header lines.
pub fn answer(key: &str, lines: &str) -> String {
    let accept = netdriver_accept(key);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{lines}\r\n"
    )
}

fn netdriver_accept(key: &str) -> String {
    let mut out = Vec::new();
    netdriver::proto::websocket::handshake::write_accept(&mut out, key, None, None, &[]);
    let text = String::from_utf8(out).expect("is text");
    header(&text, "Sec-WebSocket-Accept").expect("is there")
}

/// The value of a header in a head.
pub fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then(|| value.trim_end().to_owned())
    })
}

/// A client's frame; `first` is FIN, reserved bits and opcode.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = frame_header(first, payload.len() as u64, true);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    out
}

/// A server's frame.
pub fn bare_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = frame_header(first, payload.len() as u64, false);
    out.extend_from_slice(payload);
    out
}

/// A header that announces any length.
pub fn frame_header(first: u8, length: u64, masked: bool) -> Vec<u8> {
    let bit = if masked { 0x80 } else { 0 };
    let mut out = vec![first];
    match length {
        0..=125 => out.push(bit | length as u8),
        126..=0xffff => {
            out.push(bit | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(bit | 127);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
    if masked {
        out.extend_from_slice(&MASK);
    }
    out
}

/// The payload of a Close frame.
pub fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason.as_bytes()].concat()
}

/// A frame that arrived, unmasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub first: u8,
    pub masked: bool,
    pub payload: Vec<u8>,
}

/// A TCP stream without any protocol.
pub struct RawStream {
    socket: TcpStream,
    /// What arrived and was not taken yet.
    pub inbox: Vec<u8>,
    /// The driver has ended the stream.
    pub ended: bool,
}

impl RawStream {
    /// Connects to a port of this machine.
    pub fn connect(port: u16) -> Self {
        Self::over(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connects"))
    }

    /// Around a stream that is there.
    pub fn over(socket: TcpStream) -> Self {
        socket.set_nonblocking(true).expect("a socket");
        socket.set_nodelay(true).expect("a socket");
        Self { socket, inbox: Vec::new(), ended: false }
    }

    /// Connects and makes the driver answer an upgrade request with a 101.
    #[track_caller]
    pub fn open(driver: &mut NetworkDriver, port: u16, target: &str, lines: &str) -> Self {
        let mut stream = Self::connect(port);
        stream.write(driver, request(target, lines).as_bytes());
        let head = stream.head(driver);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        stream
    }

    /// Writes all bytes, while the driver goes on.
    #[track_caller]
    pub fn write(&mut self, driver: &mut NetworkDriver, bytes: &[u8]) {
        let mut rest = bytes;
        until("room in the raw stream", || {
            if rest.is_empty() {
                return Some(());
            }
            let sent = self.try_write(rest);
            rest = &rest[sent..];
            if sent == 0 {
                step(&mut [driver]);
            }
            None
        });
    }

    /// Writes what the system takes now; a stream that the driver has ended takes everything.
    pub fn try_write(&mut self, bytes: &[u8]) -> usize {
        match self.socket.write(bytes) {
            Ok(sent) => sent,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(_) => {
                self.ended = true;
                bytes.len()
            }
        }
    }

    /// Says that nothing more comes from this side.
    pub fn end_writing(&self) {
        self.socket.shutdown(std::net::Shutdown::Write).expect("is open");
    }

    /// Takes what has arrived.
    pub fn read(&mut self) {
        let mut buffer = [0; 65_536];
        loop {
            match self.socket.read(&mut buffer) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    self.inbox.extend_from_slice(&buffer[..count]);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => self.ended = true,
            }
            return;
        }
    }

    /// Takes a little of what has arrived, and drops it; how much.
    pub fn skip_some(&mut self) -> usize {
        let mut buffer = [0; 65_536];
        self.socket.read(&mut buffer).unwrap_or(0)
    }

    /// Runs the driver until a whole HTTP head is here, and takes it.
    #[track_caller]
    pub fn head(&mut self, driver: &mut NetworkDriver) -> String {
        let end = until("an HTTP head", || {
            self.read();
            let found = self.inbox.windows(4).position(|four| four == b"\r\n\r\n");
            if found.is_none() {
                step(&mut [driver]);
            }
            found
        });
        let rest = self.inbox.split_off(end + 4);
        String::from_utf8(std::mem::replace(&mut self.inbox, rest)).expect("is text")
    }

    /// Takes a frame, if a whole one is here.
    pub fn try_frame(&mut self) -> Option<Frame> {
        self.read();
        let (&first, rest) = self.inbox.split_first()?;
        let (&second, rest) = rest.split_first()?;
        let (length, rest) = match second & 0x7f {
            126 => {
                let (bytes, rest) = rest.split_first_chunk()?;
                (usize::from(u16::from_be_bytes(*bytes)), rest)
            }
            127 => {
                let (bytes, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*bytes) as usize, rest)
            }
            short => (usize::from(short), rest),
        };
        let masked = second & 0x80 != 0;
        let (key, rest) = if masked {
            rest.split_first_chunk().map(|(key, rest)| (*key, rest))?
        } else {
            ([0; 4], rest)
        };
        let payload = rest.get(..length)?;
        let payload = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key);
        let frame = Frame { first, masked, payload: payload.collect() };
        let size = self.inbox.len() - rest.len() + length;
        self.inbox.drain(..size);
        Some(frame)
    }

    /// Runs the driver until a frame is here.
    #[track_caller]
    pub fn frame(&mut self, driver: &mut NetworkDriver) -> Frame {
        until("a frame", || {
            let frame = self.try_frame();
            if frame.is_none() {
                assert!(!self.ended, "the driver ended the stream; left: {:?}", self.inbox);
                step(&mut [driver]);
            }
            frame
        })
    }

    /// Runs the driver until a Close frame is here; gives its code (1005 for none) and reason.
    #[track_caller]
    pub fn close_frame(&mut self, driver: &mut NetworkDriver) -> (u16, String) {
        let frame = self.frame(driver);
        assert_eq!(frame.first, FIN | CLOSE, "{frame:?}");
        match frame.payload.split_first_chunk() {
            None => (1005, String::new()),
            Some((code, reason)) => {
                let reason = String::from_utf8(reason.to_vec()).expect("is UTF-8");
                (u16::from_be_bytes(*code), reason)
            }
        }
    }

    /// Runs the driver until it has ended the stream; gives what it sent before.
    #[track_caller]
    pub fn end(&mut self, driver: &mut NetworkDriver) -> Vec<u8> {
        until("the end of the stream", || {
            self.read();
            if !self.ended {
                step(&mut [driver]);
            }
            self.ended.then(|| std::mem::take(&mut self.inbox))
        })
    }
}

/// A TCP listener without any protocol.
pub struct RawListener {
    socket: TcpListener,
}

impl RawListener {
    /// On a port of its own.
    pub fn new() -> Self {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        Self { socket }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.socket.local_addr().expect("is bound").port()
    }

    /// A connection that is here.
    pub fn try_accept(&self) -> Option<RawStream> {
        self.socket.accept().ok().map(|(socket, _)| RawStream::over(socket))
    }

    /// Runs the driver until it has connected.
    #[track_caller]
    pub fn accept(&self, driver: &mut NetworkDriver) -> RawStream {
        until("a connection of the driver", || {
            let accepted = self.try_accept();
            if accepted.is_none() {
                step(&mut [driver]);
            }
            accepted
        })
    }
}

/// A UDP socket that speaks UTP by hand.
pub struct RawDatagrams {
    socket: UdpSocket,
    server: SocketAddr,
}

impl RawDatagrams {
    /// A socket of its own for one server.
    pub fn to(server: &NetworkEndpoint) -> Self {
        let server = server.to_socket_addr().expect("is an address");
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        Self { socket, server }
    }

    /// The address of this peer.
    pub fn local(&self) -> SocketAddr {
        self.socket.local_addr().expect("is bound")
    }

    /// Sends one datagram.
    pub fn send(&self, datagram: &[u8]) {
        self.socket.send_to(datagram, self.server).expect("is sent");
    }

    /// A datagram that is here.
    pub fn try_receive(&self) -> Option<Vec<u8>> {
        let mut buffer = [0; 2048];
        let (size, from) = self.socket.recv_from(&mut buffer).ok()?;
        assert_eq!(from.port(), self.server.port());
        Some(buffer[..size].to_vec())
    }

    /// Runs the driver until a datagram comes.
    #[track_caller]
    pub fn receive(&self, driver: &mut NetworkDriver) -> Vec<u8> {
        until("a datagram", || {
            let datagram = self.try_receive();
            if datagram.is_none() {
                step(&mut [driver]);
            }
            datagram
        })
    }
}

/// A UDP socket that plays a UTP server.
pub struct RawServer {
    socket: UdpSocket,
}

impl RawServer {
    /// On a port of its own.
    pub fn new() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        Self { socket }
    }

    /// Where it is.
    pub fn endpoint(&self) -> NetworkEndpoint {
        NetworkEndpoint::from_socket_addr(self.socket.local_addr().expect("is bound"))
    }

    /// A datagram that is here, and where it came from.
    pub fn try_receive(&self) -> Option<(SocketAddr, Vec<u8>)> {
        let mut buffer = [0; 2048];
        let (size, from) = self.socket.recv_from(&mut buffer).ok()?;
        Some((from, buffer[..size].to_vec()))
    }

    /// Runs the driver until a datagram comes.
    #[track_caller]
    pub fn receive(&self, driver: &mut NetworkDriver) -> (SocketAddr, Vec<u8>) {
        until("a datagram", || {
            let datagram = self.try_receive();
            if datagram.is_none() {
                step(&mut [driver]);
            }
            datagram
        })
    }

    /// Sends one datagram.
    pub fn send(&self, to: SocketAddr, datagram: &[u8]) {
        self.socket.send_to(datagram, to).expect("is sent");
    }
}

/// A UTP packet of type and [`TOKEN`], with bytes behind it.
pub fn packet(kind: u8, rest: &[u8]) -> Vec<u8> {
    [&[kind][..], &TOKEN, rest].concat()
}

/// A handshake packet: 1 request, 2 accept, with bytes behind the token.
pub fn handshake(kind: u8, rest: &[u8]) -> Vec<u8> {
    [&b"UTP\x01"[..], &[kind], &TOKEN, rest].concat()
}

/// A message without pipeline.
pub fn data(message: &[u8]) -> Vec<u8> {
    packet(1, &[&[0], message].concat())
}
