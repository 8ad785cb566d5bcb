//! The table of connections: slots with versions, so that a stale value is an error.
//!
//! A slot serves the next connection only after the program has seen the end of the last one.

use std::net::SocketAddr;
use std::num::NonZero;

use super::address::KeptAddress;
use super::events::Waiting;
use super::http_facts::HttpFacts;
use super::pipelines::Machines;
use super::timers::Armed;
use super::types::{Connection, ConnectionState, MessageKind, Traffic, VERSION_MAX};
use crate::error::{Error, Fixed, Result, Status};
use crate::proto::endpoint::NetworkEndpoint;
use crate::proto::round_trip::RoundTrip;
use crate::proto::time::Micros;
use crate::proto::utp::connection::UtpConnection;
use crate::proto::utp::guard::Pass;
use crate::proto::utp::packet::DATA_HEADER_SIZE;
use crate::pump::{StreamId, growth};
use crate::settings::{ConnectionLimits, Dialect};

/// How packets of a connection travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// Not yet, or no longer.
    None,
    /// Through a UDP socket of the pump.
    Udp {
        /// Its number in the pump.
        socket: u32,
        /// The peer.
        remote: SocketAddr,
    },
    /// Through an in-process port of the pump.
    Ipc {
        /// Its number in the pump.
        port: u32,
        /// The peer's port.
        remote: u16,
    },
    /// Through a custom interface of the pump.
    Custom {
        /// Its number in the pump.
        port: u32,
        /// The peer.
        remote: NetworkEndpoint,
    },
    /// Over a stream of the pump.
    Stream(StreamId),
}

/// The addresses of a connection on a custom interface.
#[derive(Clone, Copy)]
pub struct CustomEnds {
    /// The peer.
    pub remote: NetworkEndpoint,
    /// This side.
    pub local: NetworkEndpoint,
}

/// What few connections have.
#[derive(Default)]
struct Rare {
    peer: Option<SocketAddr>,
    custom: Option<CustomEnds>,
    payload: Box<[u8]>,
}

/// One connection.
pub struct Entry {
    /// Its version, and its driver's number in the high byte.
    tag: u32,
    live: bool,
    /// Its end was seen; the slot stays until the next update.
    retired: bool,
    /// As the program sees it.
    pub state: ConnectionState,
    /// Number of its interface.
    pub interface: u32,
    /// What it speaks.
    pub dialect: Dialect,
    /// What may wait in it; every field says something.
    pub limits: ConnectionLimits,
    /// What messages are that say nothing of it.
    pub write_mode: MessageKind,
    /// How its packets travel.
    pub link: Link,
    /// The protocol machine of the UTP dialect.
    pub utp: Option<Box<UtpConnection>>,
    /// The machines of its pipelines.
    pub machines: Machines,
    /// What it says beyond Unity Transport.
    pub session: Option<Box<super::sessions::Peer>>,
    /// It came from outside.
    pub incoming: bool,
    /// The program knows it.
    pub accepted: bool,
    /// Its events.
    pub waiting: Waiting,
    /// Reading has stopped until the program pops.
    pub paused: bool,
    /// The program closed it; the goodbye waits for the flush.
    pub closing: bool,
    /// The end of its stream waits until the program has popped what came before.
    pub end_held: bool,
    /// The peer wants to close; the program has not had its say.
    pub close_requested: bool,
    /// A send was refused; the program waits for room.
    pub wants_writable: bool,
    /// In the list of those with control packets to send.
    pub listed: bool,
    /// In the list of those with datagrams in the queue.
    pub queue_listed: bool,
    /// In the list of those whose machines have heard or said something.
    pub touched: bool,
    /// An accept went out in front of this flush's packets already.
    pub accept_repeated: bool,
    /// Its deadline in the timers.
    pub armed: Armed,
    /// It was touched by nothing but a datagram of its session.
    pub only_session: bool,
    /// Its deadline may have moved later since, and nobody has asked when: that is found out when
    /// it is near.
    pub put_off: bool,
    /// Datagrams that wait for the flush.
    pub queued_datagrams: u32,
    /// Counters.
    pub traffic: Traffic,
    /// The peer.
    pub remote: KeptAddress,
    /// This side.
    pub local: KeptAddress,
    /// What few connections have.
    rare: Option<Box<Rare>>,
    /// Path, headers, sub-protocol of a WebSocket.
    pub http: Option<Box<HttpFacts>>,
    /// A client's plan, until it is connected.
    pub plan: Option<Box<super::plan::Plan>>,
    /// Its round trips.
    pub round_trip: RoundTrip,
    /// What the guard of handshakes gave it; only those from outside over datagrams have one.
    pub pass: Option<Pass>,
    /// It is not the program's yet, because its path is not known.
    pub unsettled: bool,
    /// When the last message arrived.
    pub last_message: Option<NonZero<Micros>>,
}

impl Entry {
    fn new(tag: u32, interface: u32, dialect: Dialect, limits: ConnectionLimits) -> Self {
        Self {
            tag,
            live: true,
            retired: false,
            state: ConnectionState::Connecting,
            interface,
            dialect,
            limits,
            write_mode: MessageKind::Binary,
            link: Link::None,
            utp: None,
            machines: Machines::default(),
            session: None,
            incoming: false,
            accepted: false,
            waiting: Waiting::default(),
            paused: false,
            end_held: false,
            close_requested: false,
            closing: false,
            wants_writable: false,
            listed: false,
            queue_listed: false,
            touched: false,
            accept_repeated: false,
            armed: Armed::NONE,
            only_session: false,
            put_off: false,
            queued_datagrams: 0,
            traffic: Traffic::default(),
            remote: KeptAddress::None,
            local: KeptAddress::None,
            rare: None,
            http: None,
            plan: None,
            round_trip: RoundTrip::default(),
            pass: None,
            unsettled: false,
            last_message: None,
        }
    }

    /// The connect payload: the peer's on a server, ours on a client.
    pub fn payload(&self) -> &[u8] {
        self.rare.as_ref().map_or(&[], |rare| &rare.payload)
    }

    /// Keeps it.
    pub fn set_payload(&mut self, payload: &[u8]) {
        if !payload.is_empty() || self.rare.is_some() {
            self.rare.get_or_insert_default().payload = payload.into();
        }
    }

    /// The socket's other end, where that is another one: a proxy.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.rare.as_ref()?.peer
    }

    /// Keeps it.
    pub fn set_peer(&mut self, peer: Option<SocketAddr>) {
        if peer.is_some() || self.rare.is_some() {
            self.rare.get_or_insert_default().peer = peer;
        }
    }

    /// Both ends, where a custom interface names them.
    pub fn custom(&self) -> Option<&CustomEnds> {
        self.rare.as_ref()?.custom.as_ref()
    }

    /// Keeps them.
    pub fn set_custom(&mut self, ends: CustomEnds) {
        self.rare.get_or_insert_default().custom = Some(ends);
    }

    /// Is it used by a connection whose end the program has not seen?
    pub const fn is_live(&self) -> bool {
        self.live
    }

    /// Is the inbound limit reached?
    pub const fn is_full(&self) -> bool {
        self.waiting.count() >= self.limits.receive_queue_capacity
            || self.waiting.bytes() >= self.limits.inbound_bytes_max
    }

    /// Does a message of this length fit into a packet? Without a pipeline it may then be sent.
    #[inline(always)]
    pub fn takes_packet(&self, length: usize) -> bool {
        self.utp.as_ref().is_some_and(|utp| utp.packet_fits(length + DATA_HEADER_SIZE))
    }

    /// Messages without a pipeline that wait for the flush, over datagrams.
    #[inline]
    pub fn queued_messages(&self) -> usize {
        self.messages_in_session().unwrap_or(self.queued_datagrams as usize)
    }

    /// The same of those that its session has, if it has one that messages go through.
    #[inline]
    pub fn messages_in_session(&self) -> Option<usize> {
        Some(self.session.as_ref()?.established()?.message_count())
    }

    /// What a message is that is sent as this.
    #[inline]
    pub fn kind_of(&self, kind: MessageKind) -> MessageKind {
        if kind == MessageKind::WriteMode { self.write_mode } else { kind }
    }

    /// Its value.
    pub const fn connection(&self, index: u32) -> Connection {
        Connection::new(index, self.tag)
    }
}

/// The table.
pub struct Connections {
    entries: Vec<Entry>,
    free: Vec<u32>,
    /// The driver's number in the high byte; 0 outside of a collection.
    driver: u32,
    limit: usize,
    live: usize,
    /// Connections in a state other than Disconnected.
    active: u32,
    /// Those that the program closed and whose end it still wants to see.
    disconnecting: u32,
}

impl Connections {
    /// An empty table for at most `limit` connections.
    pub const fn new(limit: usize) -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            driver: 0,
            limit,
            live: 0,
            active: 0,
            disconnecting: 0,
        }
    }

    /// The driver becomes one of a collection: all its connections say so.
    ///
    /// # Errors
    /// [`Status::NetworkStateMismatch`]: there are connections whose values would change, or it has
    /// a number.
    pub fn set_driver(&mut self, number: u8) -> Result<()> {
        let text = match (self.driver, self.entries.is_empty()) {
            (0, true) => {
                self.driver = u32::from(number) << 24;
                return Ok(());
            }
            (0, false) => "the driver has, or had, connections; add it before",
            _ => "the driver is in a collection already",
        };
        Err(Error::new(Status::NetworkStateMismatch, text))
    }

    /// Has there ever been one?
    pub const fn were_used(&self) -> bool {
        !self.entries.is_empty()
    }

    /// How many slots there are, used or not.
    pub const fn slots(&self) -> u32 {
        self.entries.len() as u32
    }

    /// Is there room for another one?
    pub const fn has_room(&self) -> bool {
        self.live < self.limit
    }

    /// A new connection, Connecting; `None` when the limit is reached.
    pub fn insert(
        &mut self,
        interface: u32,
        dialect: Dialect,
        limits: ConnectionLimits,
    ) -> Option<u32> {
        if !self.has_room() {
            return None;
        }
        self.live += 1;
        self.active += 1;
        let Some(index) = self.free.pop() else {
            let entry = Entry::new(self.driver | 1, interface, dialect, limits);
            growth::append(&mut self.entries, entry);
            return Some(self.entries.len() as u32 - 1);
        };
        let old = &mut self.entries[index as usize];
        let version = old.tag & VERSION_MAX;
        let version = if version >= VERSION_MAX { 1 } else { version + 1 };
        // Timers of the old connection may still be in the heap; they find nothing to do.
        *old = Entry::new(self.driver | version, interface, dialect, limits);
        Some(index)
    }

    /// The connection ends; false when it had ended before.
    pub fn set_disconnected(&mut self, index: u32) -> bool {
        let entry = &mut self.entries[index as usize];
        let before = std::mem::replace(&mut entry.state, ConnectionState::Disconnected);
        let ends = before != ConnectionState::Disconnected;
        self.active -= u32::from(ends);
        self.disconnecting -= u32::from(before == ConnectionState::Disconnecting);
        ends
    }

    /// The program closes the connection and waits for its end.
    pub fn set_disconnecting(&mut self, index: u32) {
        self.entries[index as usize].state = ConnectionState::Disconnecting;
        self.disconnecting += 1;
    }

    /// How many the program closed whose end it still wants to see.
    pub const fn count_disconnecting(&self) -> u32 {
        self.disconnecting
    }

    /// The program has seen the end of a connection: it no longer counts towards the limit.
    pub fn retire(&mut self, index: u32) {
        if !std::mem::replace(&mut self.entries[index as usize].retired, true) {
            self.live -= 1;
        }
    }

    /// Frees a slot whose events are gone.
    pub fn remove(&mut self, index: u32) {
        self.retire(index);
        self.set_disconnected(index);
        let entry = &mut self.entries[index as usize];
        if std::mem::replace(&mut entry.live, false) {
            entry.link = Link::None;
            entry.utp = None;
            entry.machines.clear();
            entry.session = None;
            entry.http = None;
            entry.rare = None;
            entry.plan = None;
            self.free.push(index);
        }
    }

    /// The slot at an index that came from this driver itself.
    #[inline]
    pub fn at(&mut self, index: u32) -> &mut Entry {
        &mut self.entries[index as usize]
    }

    /// The same, to be looked at.
    #[inline]
    pub fn peek(&self, index: u32) -> &Entry {
        &self.entries[index as usize]
    }

    /// The slot at an index, if there is one.
    pub fn get(&self, index: u32) -> Option<&Entry> {
        self.entries.get(index as usize)
    }

    /// The slot of a connection value of the program, checked as Unity Transport does.
    #[inline]
    pub fn resolve(&self, connection: Connection) -> Result<u32> {
        match self.entries.get(connection.index() as usize) {
            Some(entry) if entry.live && entry.tag == connection.tag() => Ok(connection.index()),
            _ => Err(self.refusal(connection)),
        }
    }

    /// The slot of a connection that can send now. Only its own ends are Disconnected.
    #[inline(always)]
    pub fn sender(&mut self, connection: Connection) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(connection.index() as usize)?;
        let can = entry.tag == connection.tag() && entry.state == ConnectionState::Connected;
        can.then_some(entry)
    }

    /// Why a value is none of a connection.
    #[cold]
    fn refusal(&self, connection: Connection) -> Error {
        let known = (connection.index() as usize) < self.entries.len();
        let own = u32::from(connection.driver()) << 24 == self.driver;
        if !known || !own || connection.version() == 0 {
            return unknown();
        }
        Error::fixed(&Fixed(
            Status::NetworkVersionMismatch,
            "the connection has ended, and its slot may serve another one; forget the value",
        ))
    }

    /// Those that the program knows and has not seen the end of.
    pub fn known(&self) -> impl Iterator<Item = Connection> + '_ {
        let entries = (0..).zip(&self.entries);
        let known = entries.filter(|(_, entry)| entry.live && entry.accepted && !entry.retired);
        known.map(|(index, entry)| entry.connection(index))
    }

    /// How many are in a state other than Disconnected.
    pub const fn count_active(&self) -> u32 {
        self.active
    }
}

fn unknown() -> Error {
    Error::fixed(&Fixed(
        Status::NetworkIdMismatch,
        "the connection value never came from this driver; use what accept or connect gave",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_small() {
        assert!(size_of::<Entry>() <= 360, "{}", size_of::<Entry>());
    }
}
