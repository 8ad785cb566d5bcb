//! The table of streams: how far each has come, by the pump's ids.
//!
//! What happens to a stream is decided in `stream`, `stream_server` and `stream_client`.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::num::NonZero;
use std::sync::Arc;

use super::address::KeptAddress;
use super::http_facts::HttpFacts;
use super::requests::PendingRequest;
use super::stream_client::ClientHandshake;
use super::timers::{Armed, Revision};
use crate::proto::framing::Framing;
use crate::proto::time::Micros;
use crate::proto::websocket::{Config, Event, WebSocket};
use crate::pump::{StreamId, growth};
use crate::settings::Dialect;

/// Bytes of documents that are being sent at once; further requests get 503.
pub const DOCUMENT_BYTES_MAX: usize = 64 << 20;

/// Different settings of WebSockets that are shared; connections with limits of their own may have
/// more.
const CONFIGS_MAX: usize = 16;

/// No address.
const NOWHERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));

/// Outdated entries of the arrivals that are left alone.
const ARRIVALS_SLACK: usize = 64;

/// How far a stream has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// A client's TCP connection is being made.
    Connecting,
    /// A client asks its proxy for a way to the server.
    Proxy,
    /// A server waits for the PROXY header of a trusted proxy.
    ProxyHeader,
    /// A server waits for the request.
    RequestHead,
    /// The request waits for the program's answer.
    Asking,
    /// A client waits for the answer.
    ResponseHead,
    /// A client of a TCP interface waits for TLS.
    Securing,
    /// A stream whose first message decides the dialect, or makes the UTP connection.
    Undecided,
    /// A stream with a connection.
    Open,
    /// A WebSocket without a connection: the closing handshake.
    Closing,
    /// Everything is said; wait for the peer to hang up, so that it can still read it.
    Draining,
}

/// One stream.
pub struct StreamState {
    pub(super) interface: u32,
    /// Whose stream it is, behind trusted proxies too.
    remote: KeptAddress,
    /// The socket's other end, where that is a proxy.
    pub(super) proxy: Option<Box<SocketAddr>>,
    /// The program accepted it, so that nothing needs to listen.
    pub(super) handed: bool,
    /// What `remote` says of the client is to be believed, if it is a trusted proxy.
    pub(super) vouched: bool,
    /// A trusted proxy says that the client uses TLS.
    pub(super) forwarded_tls: bool,
    pub(super) phase: Phase,
    /// The connection's slot.
    connection: Option<u32>,
    /// It has, or had, a connection.
    known: bool,
    /// Silence, and nothing else, told the dialect.
    pub(super) guessed: bool,
    /// The peer sends no more; what we owe it still leaves.
    pub(super) ended: bool,
    /// This side has opened the WebSocket.
    pub(super) is_client: bool,
    pub(super) ws: Option<Box<WebSocket>>,
    /// It carries UTP packets with a length in front.
    pub(super) is_framed: bool,
    /// Takes these apart.
    pub(super) framing: Option<Box<Framing>>,
    /// The end, which waits until the program has popped what came before it: its answers may
    /// still leave in front of our Close.
    pub(super) held: Option<Box<Event>>,
    /// What nobody needs of a stream while it is open.
    opening: Option<Box<Opening>>,
    /// The dialect that the handshake told.
    pub(super) dialect: Option<Dialect>,
    /// When the phase has lasted too long.
    deadline: Option<NonZero<Micros>>,
    pub(super) armed: Armed,
    /// Where the last ping ends in what is sent, while it waits.
    pub(super) ping_end: Option<NonZero<u64>>,
}

/// What is known of a stream that is not open yet, or no longer, or never will be.
#[derive(Default)]
pub(super) struct Opening {
    /// Tells this stream from another one with the same id.
    serial: u64,
    /// When it came.
    opened: Micros,
    /// What has come of a head that is not whole yet.
    unfinished: Vec<u8>,
    /// The request was a HEAD: answers have no body.
    pub(super) head_only: bool,
    /// The request that the program is asked about.
    pub(super) pending: Option<Box<PendingRequest>>,
    /// What a server knows of the request, until a connection takes it.
    pub(super) facts: Option<Box<HttpFacts>>,
    /// What a client knows until the answer is here.
    pub(super) client: Option<Box<ClientHandshake>>,
    /// Bytes of the document that is being sent.
    document_size: usize,
    /// When its goodbye first made progress.
    pub(super) leaving_since: Option<NonZero<Micros>>,
}

/// All streams, by the pump's ids.
#[derive(Default)]
pub struct Streams {
    list: Vec<Option<StreamState>>,
    /// Strangers in the order in which they came; outdated entries are skipped.
    arrivals: VecDeque<(StreamId, u64)>,
    next_serial: u64,
    strangers: usize,
    leaving: usize,
    /// Bytes of all documents that are being sent.
    document_bytes: usize,
    /// Settings of WebSockets: most have the same.
    configs: Vec<Arc<Config>>,
    /// Memory for the outcomes of a flush.
    pub(super) flushed: Vec<(StreamId, io::Result<usize>)>,
}

impl StreamState {
    /// When the phase has lasted too long.
    pub(super) fn deadline(&self) -> Option<Micros> {
        self.deadline.map(NonZero::get)
    }

    /// Bounds the phase; time 0 is over before anything begins, so 1 stands for it.
    pub(super) fn set_deadline(&mut self, deadline: Option<Micros>) {
        self.deadline = deadline.and_then(|deadline| NonZero::new(deadline.max(1)));
    }

    pub(super) fn new(interface: u32, remote: SocketAddr, phase: Phase) -> Self {
        Self {
            interface,
            remote: Some(remote).into(),
            proxy: None,
            handed: false,
            vouched: true,
            forwarded_tls: false,
            phase,
            connection: None,
            known: false,
            guessed: false,
            ended: false,
            is_client: false,
            ws: None,
            is_framed: false,
            framing: None,
            held: None,
            opening: None,
            dialect: None,
            deadline: None,
            armed: Armed::NONE,
            ping_end: None,
        }
    }

    /// What is known of a stream until it is open, and of its goodbye.
    pub(super) fn opening(&mut self) -> &mut Opening {
        self.opening.get_or_insert_default()
    }

    /// The same, to be looked at.
    pub(super) fn peek_opening(&self) -> Option<&Opening> {
        self.opening.as_deref()
    }

    /// What a client knows until the answer is here.
    pub(super) fn client(&mut self) -> Option<&mut ClientHandshake> {
        self.opening.as_mut()?.client.as_deref_mut()
    }

    /// Bytes of an unfinished head.
    pub(super) fn head(&mut self) -> &mut Vec<u8> {
        &mut self.opening().unfinished
    }

    /// The head is whole.
    pub(super) fn forget_head(&mut self) {
        self.opening().unfinished = Vec::new();
    }

    /// Whose stream it is, behind trusted proxies too.
    pub(super) fn remote(&self) -> SocketAddr {
        self.remote.get().unwrap_or(NOWHERE)
    }

    /// The socket's other end.
    pub(super) fn peer(&self) -> SocketAddr {
        self.proxy.as_deref().copied().unwrap_or_else(|| self.remote())
    }

    /// A proxy says whose stream it is.
    pub(super) fn set_client(&mut self, client: SocketAddr) {
        let peer = self.peer();
        self.remote = Some(client).into();
        self.proxy = (peer != client).then(|| Box::new(peer));
    }

    /// The connection's slot.
    pub(super) const fn connection(&self) -> Option<u32> {
        self.connection
    }

    /// A client that has no connection yet, or never gets one; counts towards
    /// `pending_handshakes_max`.
    pub(super) const fn is_stranger(&self) -> bool {
        !self.known
    }

    /// The same, and it is the one of this serial.
    fn is_stranger_of(&self, serial: u64) -> bool {
        self.is_stranger() && self.opening.as_ref().is_some_and(|own| own.serial == serial)
    }

    /// A control frame waits to be written.
    pub(super) fn wants_control(&self) -> bool {
        self.held.is_none() && self.ws.as_ref().is_some_and(|ws| ws.wants_transmit())
    }

    /// When its phase or its WebSocket wants to be asked.
    pub(super) fn next_timeout(&self) -> Option<Micros> {
        let ws = self.ws.as_ref().filter(|_| self.held.is_none());
        let ws = ws.and_then(|ws| ws.next_timeout());
        self.deadline().into_iter().chain(ws).min()
    }

    /// The WebSocket, if it can send messages: an open one, or one whose end is held.
    #[inline]
    pub(super) fn sending_websocket(&mut self) -> Option<&mut WebSocket> {
        let held = self.held.is_some();
        self.ws.as_deref_mut().filter(|ws| held || ws.can_send())
    }

    /// Its connection is over, and its goodbye is not.
    const fn is_leaving(&self) -> bool {
        self.known && self.connection.is_none()
    }
}

impl Streams {
    /// Settings that WebSockets share.
    pub(super) fn shared(&mut self, config: Config) -> Arc<Config> {
        if let Some(known) = self.configs.iter().find(|known| ***known == config) {
            return Arc::clone(known);
        }
        if self.configs.len() >= CONFIGS_MAX {
            self.configs.retain(|known| Arc::strong_count(known) > 1);
        }
        let new = Arc::new(config);
        if self.configs.len() < CONFIGS_MAX {
            self.configs.push(Arc::clone(&new));
        }
        new
    }

    /// The other end of a stream's socket.
    pub fn peer(&self, id: StreamId) -> Option<SocketAddr> {
        Some(self.list.get(id as usize)?.as_ref()?.peer())
    }

    /// Streams of strangers.
    pub const fn strangers(&self) -> usize {
        self.strangers
    }

    /// Streams whose connection is over and whose goodbye is not.
    pub const fn leaving(&self) -> usize {
        self.leaving
    }

    /// Adds a stream; `connection` is what a client opens it for.
    pub(super) fn insert(
        &mut self,
        id: StreamId,
        mut state: StreamState,
        connection: Option<u32>,
        now: Micros,
    ) {
        let index = id as usize;
        while self.list.len() <= index {
            growth::append(&mut self.list, None);
        }
        self.next_serial += 1;
        state.connection = connection;
        state.known = connection.is_some();
        if state.is_stranger() {
            let opening = state.opening();
            (opening.serial, opening.opened) = (self.next_serial, now);
            self.strangers += 1;
            self.forget_outdated();
            self.arrivals.push_back((id, self.next_serial));
            if self.arrivals.len() > ARRIVALS_SLACK + 2 * self.strangers {
                // One that stays at the front must not keep the entries of those that have gone.
                let list = &self.list;
                self.arrivals.retain(|&(other, serial)| {
                    let old = list.get(other as usize).and_then(Option::as_ref);
                    other == id || old.is_some_and(|old| old.is_stranger_of(serial))
                });
            }
        }
        self.list[index] = Some(state);
    }

    /// Drops entries at the front of `arrivals` whose streams are no strangers any more.
    fn forget_outdated(&mut self) {
        while let Some(&(id, serial)) = self.arrivals.front() {
            let state = self.list.get(id as usize).and_then(Option::as_ref);
            if state.is_some_and(|state| state.is_stranger_of(serial)) {
                return;
            }
            self.arrivals.pop_front();
        }
    }

    /// The stranger that came first, and when.
    pub(super) fn oldest_stranger(&mut self) -> Option<(StreamId, Micros)> {
        self.forget_outdated();
        let &(id, _) = self.arrivals.front()?;
        self.get(id).map(|state| (id, state.opening().opened))
    }

    /// The stream gets a connection.
    pub(super) fn attach(&mut self, id: StreamId, connection: u32) {
        let Some(state) = self.list.get_mut(id as usize).and_then(Option::as_mut) else {
            return;
        };
        self.strangers -= usize::from(state.is_stranger());
        state.known = true;
        state.connection = Some(connection);
    }

    /// The stream loses its connection.
    pub(super) fn detach(&mut self, id: StreamId) -> Option<u32> {
        let state = self.list.get_mut(id as usize)?.as_mut()?;
        let connection = state.connection.take();
        self.leaving += usize::from(connection.is_some());
        connection
    }

    #[inline]
    pub(super) fn get(&mut self, id: StreamId) -> Option<&mut StreamState> {
        self.list.get_mut(id as usize)?.as_mut()
    }

    pub(super) fn peek(&self, id: StreamId) -> Option<&StreamState> {
        self.list.get(id as usize)?.as_ref()
    }

    pub(super) fn remove(&mut self, id: StreamId) -> Option<StreamState> {
        let state = self.list.get_mut(id as usize)?.take()?;
        self.strangers -= usize::from(state.is_stranger());
        self.leaving -= usize::from(state.is_leaving());
        self.document_bytes -= state.peek_opening().map_or(0, |opening| opening.document_size);
        Some(state)
    }

    /// A stream begins to send a document. False when too many bytes of documents are under way.
    pub(super) fn begin_document(&mut self, id: StreamId, size: usize) -> bool {
        if self.document_bytes > 0 && self.document_bytes + size > DOCUMENT_BYTES_MAX {
            return false;
        }
        let Some(state) = self.list.get_mut(id as usize).and_then(Option::as_mut) else {
            return false;
        };
        self.document_bytes += size;
        state.opening().document_size += size;
        true
    }

    pub(super) fn set_phase(&mut self, id: StreamId, phase: Phase, deadline: Option<Micros>) {
        if let Some(state) = self.get(id) {
            state.phase = phase;
            state.set_deadline(deadline);
            if phase == Phase::Open {
                state.opening = None;
            }
        }
    }

    /// The WebSocket of a stream that can send messages.
    #[inline]
    pub(super) fn open_websocket(&mut self, id: StreamId) -> Option<&mut WebSocket> {
        self.get(id)?.sending_websocket()
    }

    /// The same, to be looked at.
    #[inline]
    pub(super) fn peek_websocket(&self, id: StreamId) -> Option<&WebSocket> {
        let state = self.peek(id)?;
        let held = state.held.is_some();
        state.ws.as_deref().filter(|ws| held || ws.can_send())
    }

    /// The connection that a stream carries.
    pub(super) fn connection(&mut self, id: StreamId) -> Option<u32> {
        self.get(id)?.connection()
    }

    /// What becomes of the timer entry of a stream at `deadline`, which is the next one.
    pub(super) fn revise_armed(&mut self, id: StreamId, deadline: Micros) -> Revision {
        let Some(state) = self.get(id) else { return Revision::Drop };
        // What arrives only moves it later, and does not say so.
        let next = state.next_timeout();
        state.armed.postpone(next);
        state.armed.revise(deadline)
    }

    /// Is the timer entry at `deadline` the stream's own?
    pub(super) fn take_armed(&mut self, id: StreamId, deadline: Micros) -> bool {
        self.get(id).is_some_and(|state| state.armed.take(deadline))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_stream_is_small() {
        assert!(size_of::<StreamState>() <= 112, "{}", size_of::<StreamState>());
        assert_eq!(size_of::<Option<StreamState>>(), size_of::<StreamState>());
    }
}
