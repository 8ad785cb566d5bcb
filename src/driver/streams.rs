//! The table of streams: how far each has come, by the pump's ids.
//!
//! What happens to a stream is decided in `stream`, `stream_server` and `stream_client`.

use std::io;
use std::net::SocketAddr;

use super::stream_client::ClientHandshake;
use super::timers::Armed;
use crate::proto::http::RequestHead;
use crate::proto::time::Micros;
use crate::proto::websocket::{Event, WebSocket};
use crate::pump::StreamId;
use crate::settings::Dialect;

/// Bytes of documents that are being sent at once; further requests get 503.
pub const DOCUMENT_BYTES_MAX: usize = 64 << 20;

/// How far a stream has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// A client's TCP connection is being made.
    Connecting,
    /// A server waits for the request.
    RequestHead,
    /// A client waits for the answer.
    ResponseHead,
    /// A WebSocket whose first message decides the dialect, or makes the UTP connection.
    Undecided,
    /// A WebSocket with a connection.
    Open,
    /// A WebSocket without a connection: the closing handshake.
    Closing,
    /// Everything is said; wait for the peer to hang up, so that it can still read it.
    Draining,
}

/// One stream.
pub struct StreamState {
    pub(super) interface: u32,
    pub(super) remote: SocketAddr,
    pub(super) phase: Phase,
    /// The connection's slot.
    pub(super) connection: Option<u32>,
    pub(super) ws: Option<Box<WebSocket>>,
    /// The end, which waits until the program has popped what came before it: its answers may
    /// still leave in front of our Close.
    pub(super) held: Option<Event>,
    /// The request was a HEAD: answers have no body.
    pub(super) head_only: bool,
    /// Bytes of an unfinished head.
    pub(super) head: Vec<u8>,
    /// What a server knows of the request, until a connection takes it.
    pub(super) request: Option<Box<RequestHead>>,
    /// The agreed sub-protocol, until a connection takes it.
    pub(super) sub_protocol: Option<String>,
    /// What a client knows until the answer is here.
    pub(super) client: Option<Box<ClientHandshake>>,
    /// The dialect that the handshake told.
    pub(super) dialect: Option<Dialect>,
    /// Bytes of the document that is being sent.
    document_size: usize,
    /// When the phase has lasted too long.
    pub(super) deadline: Option<Micros>,
    pub(super) armed: Armed,
}

/// All streams, by the pump's ids.
#[derive(Default)]
pub struct Streams {
    list: Vec<Option<StreamState>>,
    pending: usize,
    /// Bytes of all documents that are being sent.
    document_bytes: usize,
    /// Memory for the outcomes of a flush.
    pub(super) flushed: Vec<(StreamId, io::Result<usize>)>,
}

impl StreamState {
    pub(super) fn new(interface: u32, remote: SocketAddr, phase: Phase) -> Self {
        Self {
            interface,
            remote,
            phase,
            connection: None,
            ws: None,
            held: None,
            head_only: false,
            head: Vec::new(),
            request: None,
            sub_protocol: None,
            client: None,
            dialect: None,
            document_size: 0,
            deadline: None,
            armed: Armed::NONE,
        }
    }

    /// Counts towards `pending_handshakes_max`.
    pub(super) fn is_pending(&self) -> bool {
        matches!(self.phase, Phase::RequestHead | Phase::Undecided)
    }
}

impl Streams {
    /// Streams of servers in their handshake.
    pub const fn pending(&self) -> usize {
        self.pending
    }

    /// Streams that have no connection any more and whose end is not over.
    pub fn count_closing(&self) -> usize {
        let phases = self.list.iter().flatten().map(|state| state.phase);
        phases.filter(|phase| matches!(phase, Phase::Closing | Phase::Draining)).count()
    }

    pub(super) fn insert(&mut self, id: StreamId, state: StreamState) {
        let index = id as usize;
        if self.list.len() <= index {
            self.list.resize_with(index + 1, || None);
        }
        self.pending += usize::from(state.is_pending());
        self.list[index] = Some(state);
    }

    pub(super) fn get(&mut self, id: StreamId) -> Option<&mut StreamState> {
        self.list.get_mut(id as usize)?.as_mut()
    }

    pub(super) fn remove(&mut self, id: StreamId) -> Option<StreamState> {
        let state = self.list.get_mut(id as usize)?.take()?;
        self.pending -= usize::from(state.is_pending());
        self.document_bytes -= state.document_size;
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
        state.document_size += size;
        true
    }

    pub(super) fn set_phase(&mut self, id: StreamId, phase: Phase, deadline: Option<Micros>) {
        let Some(state) = self.list.get_mut(id as usize).and_then(Option::as_mut) else {
            return;
        };
        self.pending -= usize::from(state.is_pending());
        state.phase = phase;
        state.deadline = deadline;
        self.pending += usize::from(state.is_pending());
    }

    /// The WebSocket of a stream that can send messages: an open one, or one whose end is held.
    pub(super) fn open_websocket(&mut self, id: StreamId) -> Option<&mut WebSocket> {
        let state = self.get(id)?;
        let held = state.held.is_some();
        state.ws.as_deref_mut().filter(|ws| held || ws.can_send())
    }

    /// The connection that a stream carries.
    pub(super) fn connection(&mut self, id: StreamId) -> Option<u32> {
        self.get(id)?.connection
    }

    /// The round trip of the stream's pings.
    pub(super) fn round_trip(&self, id: StreamId) -> Option<Micros> {
        self.list.get(id as usize)?.as_ref()?.ws.as_ref()?.round_trip()
    }

    /// Is the timer entry at `deadline` the stream's own?
    pub(super) fn take_armed(&mut self, id: StreamId, deadline: Micros) -> bool {
        self.get(id).is_some_and(|state| state.armed.take(deadline))
    }
}
