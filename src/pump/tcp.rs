//! TCP listeners and streams: non-blocking, one write per flush, reads into the shared buffer.
//!
//! Nothing here knows what the bytes mean.

use std::io::{self, IoSlice, Write};
use std::net::{Shutdown, SocketAddr};

use bytes::{Bytes, BytesMut};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::buffer::ReadBuffer;
use super::calls::{receive, send, send_pieces};
use super::carrier::Carrier;
use super::outbox::{Outbox, SLICES_MAX};
use super::tls::Session;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// Connections that the system holds for us between two accepts; it may allow fewer.
const BACKLOG: i32 = 4096;
/// A listener that cannot take its clients is in the log this often.
const LOG_INTERVAL: Micros = 60_000 * MICROS_PER_MS;

/// A bound socket that listens once it is told to.
pub struct Listener {
    /// `None` after it was closed.
    socket: Option<mio::net::TcpListener>,
    listening: bool,
    local: SocketAddr,
    /// The system may have a connection for us.
    pub readable: bool,
    /// After a failed accept: not before this time.
    pub retry_at: Micros,
    /// When the log last had a line of a failed accept.
    told_at: Option<Micros>,
    /// That line was of the last accept.
    told: bool,
    /// How many of the next accepts fail.
    #[cfg(test)]
    fails: u32,
}

impl Listener {
    /// Binds to an address; port 0 lets the system choose.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = bind(address)?;
        let local = socket.local_addr()?;
        Ok(Self {
            socket: Some(socket),
            listening: false,
            local,
            readable: false,
            retry_at: 0,
            told_at: None,
            told: false,
            #[cfg(test)]
            fails: 0,
        })
    }

    /// An accept has failed. True when it is time for a line in the log.
    pub fn note_failure(&mut self, now: Micros) -> bool {
        let may = self.told_at.is_none_or(|at| now.saturating_sub(at) >= LOG_INTERVAL);
        if may {
            self.told_at = Some(now);
            self.told = true;
        }
        may
    }

    /// One has not. True when the log said that they fail.
    pub const fn note_success(&mut self) -> bool {
        std::mem::replace(&mut self.told, false)
    }

    /// So many of the next accepts fail.
    #[cfg(test)]
    pub const fn fail(&mut self, accepts: u32) {
        self.fails = accepts;
    }

    /// Starts to take connections, on the same port again after it was closed. False when it did
    /// already.
    pub fn listen(&mut self) -> io::Result<bool> {
        if self.listening {
            return Ok(false);
        }
        let socket = match &mut self.socket {
            Some(socket) => socket,
            closed => closed.insert(bind(self.local)?),
        };
        SockRef::from(&*socket).listen(BACKLOG)?;
        self.listening = true;
        self.readable = true;
        Ok(true)
    }

    /// The system reports a client; a report from before `close` changes nothing.
    pub const fn set_readable(&mut self) {
        self.readable = self.listening;
    }

    /// Closes the socket: its port is free, clients that wait at the system are turned away.
    pub fn close(&mut self) {
        self.socket = None;
        self.listening = false;
        self.readable = false;
    }

    /// The address that it is bound to.
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// For registration with the poll.
    pub const fn source(&mut self) -> Option<&mut mio::net::TcpListener> {
        self.socket.as_mut()
    }

    /// The next connection; `None` when no more waits.
    pub fn accept(&mut self) -> io::Result<Option<(Stream, SocketAddr)>> {
        let Some(socket) = &self.socket else {
            return Ok(None);
        };
        #[cfg(test)]
        if self.fails > 0 {
            self.fails -= 1;
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        loop {
            match socket.accept() {
                Ok((socket, remote)) => return Ok(Some((Stream::new(socket, false), remote))),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    return Ok(None);
                }
                // That client gave up while it waited.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<mio::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // On Windows this would let a second program take the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.set_nonblocking(true)?;
    let socket: std::net::TcpListener = socket.into();
    Ok(mio::net::TcpListener::from_std(socket))
}

/// What a read brought.
pub enum ReadOutcome {
    /// Bytes.
    Data(BytesMut),
    /// So many bytes, where they were wanted.
    Placed(usize),
    /// Nothing now.
    Empty,
    /// The peer sends no more.
    End,
}

/// What the socket gave.
pub enum SocketRead {
    /// So many bytes.
    Bytes(usize),
    /// Nothing now.
    Empty,
    /// The peer sends no more.
    End,
}

/// A TCP stream.
pub struct Stream {
    pub(super) socket: mio::net::TcpStream,
    connecting: bool,
    /// What waits to be sent.
    pub(super) outbox: Outbox,
    /// Between these bytes and the socket, where the stream is secure.
    pub(super) tls: Option<Box<Session>>,
    /// Between that session and the socket, where the way to the server is secure by itself.
    pub(super) carrier: Option<Box<Carrier>>,
    /// The system may have bytes for us.
    pub readable: bool,
    /// The system may take bytes from us.
    pub writable: bool,
    /// The peer has shut down its side; read until the end.
    pub read_closed: bool,
}

impl Stream {
    fn new(socket: mio::net::TcpStream, connecting: bool) -> Self {
        // Small messages must not wait for the peer's acknowledgement (Nagle). A socket that
        // refuses this is only slower.
        let _ = socket.set_nodelay(true);
        Self {
            socket,
            connecting,
            outbox: Outbox::default(),
            tls: None,
            carrier: None,
            readable: true,
            writable: !connecting,
            read_closed: false,
        }
    }

    /// Around a socket that is connected. It is made non-blocking.
    pub fn over(socket: std::net::TcpStream) -> io::Result<(Self, SocketAddr)> {
        let remote = socket.peer_addr()?;
        // Whoever gave the number may have mistaken another socket for it.
        if SockRef::from(&socket).r#type()? != Type::STREAM {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no TCP stream"));
        }
        socket.set_nonblocking(true)?;
        Ok((Self::new(mio::net::TcpStream::from_std(socket), false), remote))
    }

    /// Starts to connect.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        mio::net::TcpStream::connect(address).map(|socket| Self::new(socket, true))
    }

    /// After the poll reported something: is the connection made? An error says why not.
    pub fn finish_connecting(&mut self) -> io::Result<bool> {
        if !self.connecting {
            return Ok(true);
        }
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        match self.socket.peer_addr() {
            Ok(_) => {
                self.connecting = false;
                self.readable = true;
                self.writable = true;
                let _ = self.socket.set_nodelay(true);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether small writes leave at once (on by default), or are gathered by the system (Nagle).
    pub fn set_no_delay(&self, enabled: bool) -> io::Result<()> {
        self.socket.set_nodelay(enabled)
    }

    /// The address of this side.
    pub fn local(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }

    /// For registration with the poll.
    pub const fn source(&mut self) -> &mut mio::net::TcpStream {
        &mut self.socket
    }

    /// Reads once.
    pub fn read(&mut self, buffer: &mut ReadBuffer) -> io::Result<ReadOutcome> {
        if self.tls.is_some() {
            return self.read_secure(buffer);
        }
        self.read_bare(buffer)
    }

    /// Is what the socket carries what was sent, sealed by nobody?
    #[inline]
    pub const fn is_bare(&self) -> bool {
        self.tls.is_none() && self.carrier.is_none()
    }

    /// The same for a stream that is not sealed by us.
    #[inline]
    pub fn read_bare(&mut self, buffer: &mut ReadBuffer) -> io::Result<ReadOutcome> {
        Ok(match self.read_socket(buffer.window())? {
            SocketRead::Bytes(count) => {
                buffer.stream_bytes += count as u64;
                ReadOutcome::Data(buffer.take(count))
            }
            SocketRead::Empty => ReadOutcome::Empty,
            SocketRead::End => ReadOutcome::End,
        })
    }

    /// Reads once from the socket, unless it is known to be empty.
    #[inline]
    pub(super) fn read_socket(&mut self, window: &mut [u8]) -> io::Result<SocketRead> {
        if !self.has_more() && !self.read_closed {
            return Ok(SocketRead::Empty);
        }
        if let Some(carrier) = &mut self.carrier {
            return carrier.read(&mut self.socket, &mut self.readable, window);
        }
        let room = window.len();
        self.take_from_socket(room, |socket| receive(socket, window))
    }

    /// Reads once behind what is in `memory`, as far as its capacity goes, instead of the shared
    /// buffer. `None` when that is not possible: what the socket has is not what was sent.
    pub fn read_behind(&mut self, memory: &mut Vec<u8>) -> Option<io::Result<SocketRead>> {
        if !self.is_bare() {
            return None;
        }
        if !self.readable && !self.read_closed {
            return Some(Ok(SocketRead::Empty));
        }
        let room = memory.capacity() - memory.len();
        Some(self.take_from_socket(room, |socket| fill(socket, memory)))
    }

    /// Reads until there is an outcome, and notes whether there may be more.
    #[inline]
    fn take_from_socket(
        &mut self,
        room: usize,
        mut read: impl FnMut(&mut mio::net::TcpStream) -> io::Result<usize>,
    ) -> io::Result<SocketRead> {
        loop {
            match read(&mut self.socket) {
                Ok(0) => {
                    self.readable = false;
                    return Ok(SocketRead::End);
                }
                Ok(count) => {
                    // A short read has drained the socket, and the poll reports what comes
                    // later, except on Windows, where only a refused read arms it again.
                    let drained = count < room && cfg!(not(windows));
                    self.readable = !drained || self.read_closed;
                    return Ok(SocketRead::Bytes(count));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    return Ok(SocketRead::Empty);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Are there bytes, or may the system have some?
    pub fn has_more(&self) -> bool {
        self.readable || self.carrier.as_ref().is_some_and(|carrier| carrier.has_opened())
    }

    /// May another read bring something, or tell of the end?
    pub fn may_have_more(&self) -> bool {
        self.readable || self.read_closed || self.tls.is_some()
    }

    /// Where to append what is to be sent.
    #[inline]
    pub fn out(&mut self, pool: &mut Vec<Vec<u8>>) -> &mut Vec<u8> {
        self.outbox.tail(pool)
    }

    /// So many bytes of it, all of which must be written.
    #[inline(always)]
    pub fn take_room(&mut self, size: usize, pool: &mut Vec<Vec<u8>>) -> &mut [u8] {
        self.outbox.take_room(size, pool)
    }

    /// Appends memory that is sent from where it lies.
    pub fn push(&mut self, memory: Bytes) {
        self.outbox.push(memory);
    }

    /// Bytes that wait to be sent, those that are sealed already included.
    #[inline(always)]
    pub fn queued(&self) -> usize {
        if self.is_bare() {
            return self.outbox.len();
        }
        let carried = self.carrier.as_ref().map_or(0, |carrier| carrier.queued());
        self.outbox.len() + self.tls.as_ref().map_or(0, |tls| tls.queued()) + carried
    }

    /// Sends what waits, as far as the system takes it. Returns how many bytes left.
    pub fn flush(&mut self, pool: &mut Vec<Vec<u8>>) -> io::Result<usize> {
        if self.tls.is_some() {
            return self.flush_secure(pool);
        }
        let alone = self.outbox.alone().filter(|_| self.writable);
        let mut first = alone.map(|bytes| send(&mut self.socket, bytes));
        let before = self.outbox.len();
        if let Some(Ok(count)) = first
            && count == before
        {
            self.outbox.clear_alone(pool);
            return Ok(count);
        }
        let mut outcome = Ok(());
        while !self.outbox.is_empty() && self.writable {
            match first.take().unwrap_or_else(|| self.write()) {
                Ok(count) => self.outbox.advance(count, pool),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable = false,
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        let sent = before - self.outbox.len();
        self.outbox.settle(pool);
        outcome.map(|()| sent)
    }

    fn write(&mut self) -> io::Result<usize> {
        if !self.outbox.is_split() {
            return send(&mut self.socket, self.outbox.front());
        }
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let count = self.outbox.slices(&mut slices);
        send_pieces(&mut self.socket, &slices[..count])
    }

    /// Tells the peer that nothing more comes. Where something waits in front of that still, call
    /// it again when it has left.
    pub fn shutdown_write(&mut self) {
        if self.tls.is_some() && !self.say_goodbye() {
            return;
        }
        // A peer that is gone already needs no word.
        let _ = self.socket.shutdown(Shutdown::Write);
    }
}

/// Reads into the capacity that `memory` has left. No byte of it is written twice.
#[cfg(unix)]
fn fill(socket: &mut mio::net::TcpStream, memory: &mut Vec<u8>) -> io::Result<usize> {
    use rustix::buffer::spare_capacity;
    use rustix::net::{RecvFlags, recv};
    let (count, _) = recv(&*socket, spare_capacity(memory), RecvFlags::empty())?;
    Ok(count)
}

/// Reads into the capacity that `memory` has left.
#[cfg(not(unix))]
fn fill(socket: &mut mio::net::TcpStream, memory: &mut Vec<u8>) -> io::Result<usize> {
    let length = memory.len();
    memory.resize(memory.capacity(), 0);
    let outcome = receive(socket, &mut memory[length..]);
    memory.truncate(length + outcome.as_ref().map_or(0, |count| *count));
    outcome
}

/// Writes the bytes from `sent` on, as far as the system takes them.
pub(super) fn write_all(
    socket: &mut mio::net::TcpStream,
    bytes: &[u8],
    sent: &mut usize,
    writable: &mut bool,
) -> io::Result<()> {
    while *sent < bytes.len() && *writable {
        match socket.write(&bytes[*sent..]) {
            Ok(count) => *sent += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => *writable = false,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
