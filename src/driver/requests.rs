//! Upgrade requests that wait for the program: who asks, and what the program says.
//!
//! A stream that asks is a stranger like any other: it counts towards `pending_handshakes_max`,
//! and has a deadline. It is not read meanwhile, so that what the client sends behind its request
//! stays with the system.

use std::borrow::Cow;
use std::collections::VecDeque;

use bytes::BytesMut;

use super::NetworkDriver;
use super::counting::HandshakeFailure;
use super::http_facts::{Agreed, ConnectionText, Head, HttpFacts};
use super::stream_server::{TEXT, Upgrade};
use super::streams::{Phase, StreamState, Streams};
use crate::error::{Error, Result, Status};
use crate::proto::endpoint::NetworkEndpoint;
use crate::proto::time::MICROS_PER_MS;
use crate::proto::websocket::handshake::UpgradeRequest;
use crate::pump::StreamId;
use crate::settings::check_response_headers;

/// Bytes of the longest body of a refusal.
pub const REJECT_BODY_MAX: usize = 64 << 10;
/// Outdated entries of the queue that are left alone.
const QUEUE_SLACK: usize = 64;

/// Names a request: a value, never a pointer. One that was answered, or whose client has left, is
/// an error, never another request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct RequestId(u64);

impl RequestId {
    /// No request.
    pub const NONE: Self = Self(0);

    /// From the number of the C ABI.
    #[must_use]
    pub const fn from_u64(value: u64) -> Self {
        Self(value)
    }

    /// The number of the C ABI; 0 for none.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    const fn new(stream: StreamId, serial: u32) -> Self {
        Self((serial as u64) << 32 | stream as u64)
    }

    const fn stream(self) -> StreamId {
        self.0 as StreamId
    }

    const fn serial(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// An upgrade request that waits for the program.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to answer it by.
    pub id: RequestId,
    /// Number of its interface.
    pub interface: u32,
    /// The client's address, behind trusted proxies too.
    pub remote: NetworkEndpoint,
    /// The address of the socket's other end: the proxy's, or as `remote`.
    pub peer: NetworkEndpoint,
    /// The address of this side.
    pub local: NetworkEndpoint,
    /// The stream itself is encrypted.
    pub tls: bool,
    /// A trusted proxy says that the client came to it over TLS.
    pub forwarded_tls: bool,
    /// Milliseconds until it is answered with 503.
    pub remaining_ms: u32,
}

/// What a stream remembers while it asks.
pub struct PendingRequest {
    serial: u32,
    facts: HttpFacts,
    upgrade: UpgradeRequest,
    /// What came behind the request in the same read.
    rest: BytesMut,
}

/// The requests that were not handed out yet.
#[derive(Default)]
pub struct Requests {
    /// In the order in which they came; outdated entries are skipped.
    queue: VecDeque<RequestId>,
    last_serial: u32,
    /// One arrived since the last update.
    pub news: bool,
}

impl Requests {
    fn next_serial(&mut self) -> u32 {
        // 0 would make a first request of stream 0 look like none.
        self.last_serial = self.last_serial.checked_add(1).unwrap_or(1);
        self.last_serial
    }

    /// Puts a request into the queue; forgets those that nobody waits for any more.
    fn push(&mut self, id: RequestId, streams: &Streams) {
        self.queue.push_back(id);
        self.news = true;
        if self.queue.len() > QUEUE_SLACK + 2 * streams.strangers() {
            self.queue.retain(|&id| pending(streams, id).is_some());
        }
    }
}

fn pending(streams: &Streams, id: RequestId) -> Option<(&StreamState, &PendingRequest)> {
    let state = streams.peek(id.stream())?;
    let pending = state.peek_opening()?.pending.as_deref();
    let pending = pending.filter(|pending| pending.serial == id.serial())?;
    Some((state, pending))
}

fn resolve(streams: &Streams, id: RequestId) -> Result<(&StreamState, &PendingRequest)> {
    pending(streams, id).ok_or_else(|| {
        if id.serial() == 0 {
            let text = "the request value never came from this driver; use what pop_request gave";
            Error::new(Status::NetworkIdMismatch, text)
        } else {
            let text = "the request was answered already, took too long, or its client has left";
            Error::new(Status::NetworkVersionMismatch, text)
        }
    })
}

impl NetworkDriver {
    /// Lets an upgrade request wait for the program.
    pub(super) fn ask_program(&mut self, id: StreamId, upgrade: Upgrade) {
        let Upgrade { head, request, rest } = upgrade;
        let serial = self.requests.next_serial();
        let tls = self.pump.tls_facts(id);
        let Some(state) = self.streams.get(id) else {
            return;
        };
        let head = Head::Request(head);
        let secure = state.forwarded_tls || tls.is_some();
        let facts = HttpFacts::new(head, secure, Agreed { tls, ..Agreed::default() });
        let pending = PendingRequest { serial, facts, upgrade: request, rest };
        state.opening().pending = Some(Box::new(pending));
        let settings = &self.interfaces[state.interface as usize].settings;
        let deadline = self.now + u64::from(settings.request_timeout_ms) * MICROS_PER_MS;
        self.streams.set_phase(id, Phase::Asking, Some(deadline));
        self.requests.push(RequestId::new(id, serial), &self.streams);
        self.arm_stream(id);
    }

    /// True while a stream waits for the program: it is not read, and ends when its client leaves.
    pub(super) fn waits_for_program(&mut self, id: StreamId) -> bool {
        if self.streams.get(id).is_none_or(|state| state.phase != Phase::Asking) {
            return false;
        }
        if self.pump.stream(id).is_some_and(|stream| stream.read_closed) {
            self.stream_lost(id, "the client left before its request was answered");
        }
        true
    }

    /// The program took too long.
    pub(super) fn request_expired(&mut self, id: StreamId) {
        if let Some(state) = self.streams.get(id) {
            state.opening().pending = None;
        }
        self.count_failure(HandshakeFailure::Unanswered);
        self.answer_in_text(id, 503, &[], "the request was not answered in time\n");
    }

    /// Takes the oldest upgrade request that waits, on interfaces with `accept_requests`. It stays
    /// open until it is answered, its time is over, or its client leaves.
    pub fn pop_request(&mut self) -> Option<Request> {
        while let Some(id) = self.requests.queue.pop_front() {
            let Some((state, request)) = pending(&self.streams, id) else {
                continue;
            };
            let left = state.deadline().unwrap_or(self.now).saturating_sub(self.now);
            let endpoint = NetworkEndpoint::from_socket_addr;
            let (remote, peer) = (endpoint(state.remote()), endpoint(state.peer()));
            let (interface, forwarded_tls) = (state.interface, state.forwarded_tls);
            let tls = request.facts.tls().is_some();
            let local = self.pump.stream_local(id.stream());
            return Some(Request {
                id,
                interface,
                remote,
                peer,
                local: local.map_or(NetworkEndpoint::INVALID, endpoint),
                tls,
                forwarded_tls,
                remaining_ms: (left / MICROS_PER_MS) as u32,
            });
        }
        None
    }

    /// A text of a request that waits.
    ///
    /// # Errors
    /// [`Status::NetworkIdMismatch`], [`Status::NetworkVersionMismatch`] (answered, or gone).
    pub fn pending_text(&self, id: RequestId, kind: ConnectionText) -> Result<Cow<'_, str>> {
        Ok(resolve(&self.streams, id)?.1.facts.text(kind))
    }

    /// One header of a request that waits.
    ///
    /// # Errors
    /// As [`pending_text`](Self::pending_text).
    pub fn pending_header(&self, id: RequestId, name: &str) -> Result<Option<&str>> {
        Ok(resolve(&self.streams, id)?.1.facts.header(name))
    }

    /// One cookie of a request that waits.
    ///
    /// # Errors
    /// As [`pending_text`](Self::pending_text).
    pub fn pending_cookie(&self, id: RequestId, name: &str) -> Result<Option<&str>> {
        Ok(resolve(&self.streams, id)?.1.facts.cookie(name))
    }

    /// Accepts a request that waits: it becomes a connection for `accept`. `sub_protocol` is one
    /// that the client offers, or "" for none; `None` leaves the choice to the interface.
    ///
    /// # Errors
    /// As [`pending_text`](Self::pending_text); [`Status::InvalidArgument`] (a sub-protocol that
    /// was not offered, a bad header), after which the request still waits;
    /// [`Status::NetworkStateMismatch`] while the driver does not listen, or refuses: the client is
    /// answered with 503.
    pub fn accept_request(
        &mut self,
        id: RequestId,
        sub_protocol: Option<&str>,
        headers: &[(String, String)],
    ) -> Result<()> {
        check_response_headers(headers)?;
        let (state, request) = resolve(&self.streams, id)?;
        let offered = &request.upgrade.sub_protocols;
        let chosen = match sub_protocol {
            None => self.choose_sub_protocol(state.interface, offered).map_err(Error::argument)?,
            Some("") => None,
            Some(name) if offered.iter().any(|offer| offer == name) => Some(name.to_owned()),
            Some(name) => {
                let text = format!("the client does not offer the sub-protocol {name:?}");
                return Err(Error::argument(text));
            }
        };
        self.follow_clock();
        let stream = id.stream();
        if !self.admits_stream(stream) {
            if let Some(state) = self.streams.get(stream) {
                state.opening().pending = None;
            }
            self.statistics.connections_refused += 1;
            self.refuse_request(stream, 503, &[], "no new connections are taken now\n");
            let text = "the driver takes no new connections now; the client was answered with 503";
            return Err(Error::new(Status::NetworkStateMismatch, text));
        }
        if let Some(pending) =
            self.streams.get(stream).and_then(|state| state.opening().pending.take())
            && let Head::Request(head) = pending.facts.head
        {
            let upgrade = Upgrade { head, request: pending.upgrade, rest: pending.rest };
            self.accept_upgrade(stream, upgrade, chosen, headers);
            self.pump.mark_ready(stream);
        }
        Ok(())
    }

    /// Refuses a request that waits. Without a `Content-Type` among the headers the body is plain
    /// text.
    ///
    /// # Errors
    /// As [`pending_text`](Self::pending_text); [`Status::InvalidArgument`] (a status outside of
    /// 200 to 599, a bad header, a body above [`REJECT_BODY_MAX`] bytes), after which the request
    /// still waits.
    pub fn reject_request(
        &mut self,
        id: RequestId,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<()> {
        if !(200..=599).contains(&status) {
            return Err(Error::argument(format!("status {status} is not 200 to 599")));
        }
        if body.len() > REJECT_BODY_MAX {
            let text = format!("the body has {} bytes; at most {REJECT_BODY_MAX}", body.len());
            return Err(Error::argument(text));
        }
        check_response_headers(headers)?;
        resolve(&self.streams, id)?;
        self.follow_clock();
        if let Some(state) = self.streams.get(id.stream()) {
            state.opening().pending = None;
        }
        let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let content_type = (!typed && !body.is_empty()).then_some(TEXT);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        self.count_failure(HandshakeFailure::Refused);
        self.answer_with(id.stream(), status, &headers, content_type, body);
        Ok(())
    }
}
