//! The pump: the only sockets, clock, DNS and threads.
//!
//! It moves bytes in batches between the operating system and the driver, tells what is ready,
//! and knows no protocol. Readiness is edge-triggered: a flag on each socket remembers it, and
//! ready sockets are in a list, so that idle ones cost nothing.

mod background;
mod buffer;
mod calls;
mod carrier;
mod chunk;
mod clock;
mod custom;
mod descriptors;
mod entropy;
pub mod environment;
pub mod growth;
mod ipc;
mod outbox;
#[cfg(not(windows))]
mod poller;
#[cfg(windows)]
#[path = "poller_windows.rs"]
mod poller;
mod readiness;
mod resolver;
mod secure;
#[cfg(target_os = "linux")]
mod send_many;
mod sleeper;
mod tail;
mod tcp;
mod timeout;
mod tls;
#[cfg(any(windows, test))]
mod told;
mod udp;
mod udp_batch;
mod udp_health;
#[cfg(windows)]
mod udp_windows;
mod workers;

use std::hint::cold_path;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use mio::{Interest, Token};

use crate::error::Result;

pub use background::{Background, Turn};
pub use buffer::{READ_WINDOW, ReadBuffer};
pub use clock::Clock;
pub use custom::{
    CUSTOM_BATCH_MAX, CustomInterface, CustomPort, DriverWaker, IncomingPacket, OutgoingPacket,
};
pub use descriptors::raise_descriptor_limit;
pub use entropy::Entropy;
pub use ipc::{Bell, IpcPort};
use poller::Poller;
pub use resolver::{QUERIES_MAX, Resolver};
pub use sleeper::Watcher;
use tcp::SocketRead;
pub use tcp::{Listener, ReadOutcome, Stream};
pub use timeout::Sleep;
use timeout::Timeout;
pub use tls::{ClientTls, ServerTls, TlsFacts, TlsFailure};
pub use udp::{BATCH_BYTES_MAX as DATAGRAM_BATCH_BYTES_MAX, UdpSocket};
pub use udp_batch::ReceiveBatch;
pub use workers::Workers;

/// Readiness reports taken from the system at once.
const EVENTS_MAX: usize = 1024;
/// The token of the bell, and of the timer that ends a sleep; sockets have the low two bits for
/// their sort, which these have not.
const BELL: Token = Token(usize::MAX);
const TIMER: Token = Token(usize::MAX - 4);
const SORT_LISTENER: usize = 0;
const SORT_UDP: usize = 1;
const SORT_STREAM: usize = 2;

/// Names a stream of the pump; used again after `close`.
pub type StreamId = u32;

/// A place for a stream.
struct Place {
    stream: Option<Stream>,
    /// In the list of ready streams.
    listed: bool,
    /// Something waits to be sent.
    dirty: bool,
}

/// Sockets, clock, resolver.
pub struct Pump {
    poll: Poller,
    timeout: Timeout,
    /// Reads come here.
    pub buffer: ReadBuffer,
    /// Datagram batches come here; `None` while the driver looks at one.
    pub batch: Option<Box<ReceiveBatch>>,
    /// Time.
    pub clock: Clock,
    /// Host names.
    pub resolver: Resolver,
    /// Wakes a sleeping driver.
    pub bell: Arc<Bell>,
    /// Somebody sleeps on the descriptor, so that the bell has to ring at any time.
    observed: bool,
    /// UDP sockets.
    pub udp: Vec<UdpSocket>,
    /// How often one of them was made anew.
    pub udp_remade: u64,
    /// TCP listeners.
    pub listeners: Vec<Listener>,
    /// In-process ports.
    pub ipc: Vec<IpcPort>,
    /// Interfaces that the program brings.
    pub custom: Vec<CustomPort>,
    places: Vec<Place>,
    free: Vec<StreamId>,
    /// Closed since the last poll: reports of the system may still name them.
    closed: Vec<StreamId>,
    ready: Vec<StreamId>,
    dirty: Vec<StreamId>,
    pool: Vec<Vec<u8>>,
    /// Who asks is soon back: a poll that waits asks the system once, however much that has.
    pub busy: bool,
    /// And takes what a few sockets have.
    pub few: bool,
    /// The last poll took all that the system had to report.
    pub took_all: bool,
    /// How often the system was asked what is ready.
    #[cfg(test)]
    pub polls: u32,
    /// What a test does in place of sleeping.
    #[cfg(test)]
    pub sleeper: Option<Box<dyn FnMut(std::time::Duration) + Send + Sync>>,
}

impl Pump {
    /// A pump without sockets.
    pub fn new() -> io::Result<Self> {
        let poll = Poller::new()?;
        let bell = Arc::new(Bell::new(mio::Waker::new(poll.registry(), BELL)?));
        Ok(Self {
            buffer: ReadBuffer::new(),
            batch: Some(Box::new(ReceiveBatch::new())),
            clock: Clock::new(),
            resolver: Resolver::new(&bell),
            poll,
            timeout: Timeout::default(),
            bell,
            observed: false,
            udp: Vec::new(),
            udp_remade: 0,
            listeners: Vec::new(),
            ipc: Vec::new(),
            custom: Vec::new(),
            places: Vec::new(),
            free: Vec::new(),
            closed: Vec::new(),
            ready: Vec::new(),
            dirty: Vec::new(),
            pool: Vec::new(),
            busy: false,
            few: false,
            took_all: false,
            #[cfg(test)]
            polls: 0,
            #[cfg(test)]
            sleeper: None,
        })
    }

    /// Adds a UDP socket; its number is its place in `udp`.
    pub fn add_udp(&mut self, mut socket: UdpSocket) -> io::Result<usize> {
        let index = self.udp.len();
        self.poll.registry().register(socket.source(), udp_token(index), Interest::READABLE)?;
        self.udp.push(socket);
        Ok(index)
    }

    /// Adds a listener; its number is its place in `listeners`.
    pub fn add_listener(&mut self, listener: Listener) -> usize {
        self.listeners.push(listener);
        self.listeners.len() - 1
    }

    /// Lets a listener take connections.
    pub fn listen(&mut self, index: usize) -> io::Result<()> {
        let listener = &mut self.listeners[index];
        if listener.listen()?
            && let Some(source) = listener.source()
        {
            let token = Token(index << 2 | SORT_LISTENER);
            self.poll.registry().register(source, token, Interest::READABLE)?;
        }
        Ok(())
    }

    /// Closes a listener until it is told to listen again.
    pub fn stop_listening(&mut self, index: usize) {
        let listener = &mut self.listeners[index];
        if let Some(source) = listener.source() {
            // Fails when it did not listen yet; dropping the socket takes it out as well.
            let _ = self.poll.registry().deregister(source);
        }
        listener.close();
    }

    /// Adds a stream.
    pub fn add_stream(&mut self, mut stream: Stream) -> io::Result<StreamId> {
        let id = self.free.last().copied().unwrap_or(self.places.len() as StreamId);
        let token = Token((id as usize) << 2 | SORT_STREAM);
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(stream.source(), token, interest)?;
        let place = Place { stream: Some(stream), listed: false, dirty: false };
        if self.free.pop().is_some() {
            self.places[id as usize] = place;
        } else {
            growth::append(&mut self.places, place);
        }
        Ok(id)
    }

    /// A stream that is open.
    pub fn stream(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.places.get_mut(id as usize)?.stream.as_mut()
    }

    /// Ends a stream at once. Its id is used again after the next poll.
    pub fn close(&mut self, id: StreamId) {
        if let Some(place) = self.places.get_mut(id as usize)
            && let Some(mut stream) = place.stream.take()
        {
            stream.last_words();
            // Dropping the socket takes it out of the poll as well.
            let _ = self.poll.registry().deregister(stream.source());
            self.closed.push(id);
        }
    }

    /// Where to append bytes for a stream; they leave with the next `poll_flush`.
    pub fn out(&mut self, id: StreamId) -> Option<&mut Vec<u8>> {
        let place = self.places.get_mut(id as usize)?;
        let stream = place.stream.as_mut()?;
        if !std::mem::replace(&mut place.dirty, true) {
            self.dirty.push(id);
        }
        Some(stream.out(&mut self.pool))
    }

    /// The same as room for `size` bytes, all of which must be written, if no more than `most` wait
    /// with `counted` more.
    #[inline(always)]
    pub fn room_within(
        &mut self,
        id: StreamId,
        size: usize,
        counted: usize,
        most: usize,
    ) -> Option<&mut [u8]> {
        let place = self.places.get_mut(id as usize)?;
        let stream = place.stream.as_mut()?;
        if stream.queued() + counted > most {
            return None;
        }
        if !std::mem::replace(&mut place.dirty, true) {
            self.dirty.push(id);
        }
        Some(stream.take_room(size, &mut self.pool))
    }

    /// Appends memory that is sent from where it lies, and let go of when it has left or the
    /// stream has ended.
    pub fn push(&mut self, id: StreamId, memory: Bytes) {
        // Whoever may append may push, and the stream is marked alike.
        if self.out(id).is_some()
            && let Some(stream) = self.stream(id)
        {
            stream.push(memory);
        }
    }

    /// The same with a part of what was received: what does not leave at once is copied.
    pub fn push_borrowed(&mut self, id: StreamId, memory: Bytes) {
        if self.out(id).is_some()
            && let Some(stream) = self.stream(id)
        {
            stream.outbox.push_borrowed(memory);
        }
    }

    /// Bytes that wait in a stream.
    pub fn queued(&self, id: StreamId) -> usize {
        let stream = self.places.get(id as usize).and_then(|place| place.stream.as_ref());
        stream.map_or(0, Stream::queued)
    }

    /// A message ends at what was appended last; it counts until it has left (with TLS: until it
    /// was sealed).
    pub fn mark_message(&mut self, id: StreamId) {
        if let Some(stream) = self.stream(id) {
            stream.outbox.mark();
        }
    }

    /// Bytes of a stream that have left (with TLS: that were sealed), and what they will be once
    /// all that waits has.
    pub fn left(&mut self, id: StreamId) -> Option<u64> {
        self.stream(id).map(|stream| stream.outbox.left())
    }

    /// See [`left`](Self::left).
    pub fn position(&mut self, id: StreamId) -> Option<u64> {
        self.stream(id).map(|stream| stream.outbox.left() + stream.outbox.len() as u64)
    }

    /// Messages that count and have not left.
    pub fn queued_messages(&self, id: StreamId) -> usize {
        let stream = self.places.get(id as usize).and_then(|place| place.stream.as_ref());
        stream.map_or(0, |stream| stream.outbox.marks())
    }

    /// Has something been appended since the last flush?
    pub const fn has_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Sends what waits in streams: one write each. `handle` gets each stream, what became of it
    /// (how many bytes left) and how many bytes still wait.
    pub fn flush_streams(&mut self, mut handle: impl FnMut(StreamId, io::Result<usize>, usize)) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for &id in &dirty {
            let place = &mut self.places[id as usize];
            place.dirty = false;
            let Some(stream) = &mut place.stream else {
                continue;
            };
            let outcome = stream.flush(&mut self.pool);
            handle(id, outcome, stream.queued());
        }
        dirty.clear();
        if !self.dirty.is_empty() {
            dirty.append(&mut self.dirty);
        }
        self.dirty = dirty;
    }

    /// Reads once from a stream into the shared buffer.
    pub fn read(&mut self, id: StreamId) -> io::Result<ReadOutcome> {
        let Some(place) = self.places.get_mut(id as usize) else {
            return Ok(ReadOutcome::Empty);
        };
        let Some(stream) = &mut place.stream else {
            return Ok(ReadOutcome::Empty);
        };
        let outcome = stream.read(&mut self.buffer);
        if stream.tls.is_some() {
            // A handshake may have something to say, or be over for what waits.
            if stream.queued() > 0 && !std::mem::replace(&mut place.dirty, true) {
                self.dirty.push(id);
            }
            let more = matches!(outcome, Ok(ReadOutcome::Empty)) && stream.has_more();
            if more && !std::mem::replace(&mut place.listed, true) {
                self.ready.push(id);
            }
        }
        outcome
    }

    /// The same, and whether reading may go on: the system may have more, or what it has is not
    /// what was sent.
    #[inline]
    pub fn read_once(&mut self, id: StreamId) -> (io::Result<ReadOutcome>, bool) {
        let place = self.places.get_mut(id as usize);
        if let Some(stream) = place.and_then(|place| place.stream.as_mut())
            && stream.is_bare()
        {
            let outcome = stream.read_bare(&mut self.buffer);
            return (outcome, stream.may_have_more());
        }
        cold_path();
        let outcome = self.read(id);
        let more = self.stream(id).is_some_and(|stream| stream.may_have_more());
        (outcome, more)
    }

    /// Reads once from a stream behind what is in `memory`, as far as its capacity goes. `None`
    /// when only [`read`](Self::read) can.
    pub fn read_behind(
        &mut self,
        id: StreamId,
        memory: &mut Vec<u8>,
    ) -> Option<io::Result<ReadOutcome>> {
        let outcome = self.stream(id)?.read_behind(memory)?;
        Some(outcome.map(|read| match read {
            SocketRead::Bytes(count) => {
                self.buffer.stream_bytes += count as u64;
                ReadOutcome::Placed(count)
            }
            SocketRead::Empty => ReadOutcome::Empty,
            SocketRead::End => ReadOutcome::End,
        }))
    }

    /// Starts TLS on a client's stream that is connected.
    ///
    /// # Errors
    /// [`crate::Status::InvalidArgument`] when the name can be no server's.
    pub fn start_tls(&mut self, id: StreamId, config: &ClientTls, name: &str) -> Result<()> {
        if let Some(stream) = self.stream(id) {
            stream.start_tls(config, name)?;
            // What it says first leaves with the next flush.
            self.out(id);
        }
        Ok(())
    }

    /// Expects TLS of a client whose first bytes were read already; gives what they say.
    pub fn expect_tls(
        &mut self,
        id: StreamId,
        config: &ServerTls,
        sealed: &[u8],
    ) -> Result<Option<BytesMut>> {
        match self.places.get_mut(id as usize).and_then(|place| place.stream.as_mut()) {
            Some(stream) => {
                stream.expect_tls(config)?;
                Ok(stream.open_early(sealed, &mut self.buffer))
            }
            None => Ok(None),
        }
    }

    /// Is TLS set up, or not spoken at all? What is sent before waits for it.
    pub fn is_secure(&mut self, id: StreamId) -> bool {
        self.stream(id).is_some_and(|stream| stream.is_secure())
    }

    /// What is known of a stream's TLS session, once it is set up.
    pub fn tls_facts(&mut self, id: StreamId) -> Option<TlsFacts> {
        self.stream(id)?.tls_facts()
    }

    /// Does something wait in a stream because the system takes nothing now?
    pub fn is_blocked(&self, id: StreamId) -> bool {
        let stream = self.places.get(id as usize).and_then(|place| place.stream.as_ref());
        stream.is_some_and(|stream| !stream.writable && stream.queued() > 0)
    }

    /// Does a stream go through TLS?
    pub fn has_tls(&self, id: StreamId) -> bool {
        let stream = self.places.get(id as usize).and_then(|place| place.stream.as_ref());
        stream.is_some_and(Stream::has_tls)
    }

    /// The address of this side of a stream.
    pub fn stream_local(&mut self, id: StreamId) -> Option<SocketAddr> {
        self.stream(id)?.local()
    }
}

const fn udp_token(index: usize) -> Token {
    Token(index << 2 | SORT_UDP)
}

#[cfg(test)]
mod tests;
