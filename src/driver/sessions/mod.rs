//! Sessions: what two netdriver peers speak beyond Unity Transport, connection by connection.
//!
//! Whether the peer speaks it, `proto/session/hello.rs` finds out; what is said, the rest of
//! `proto/session` knows. Here is which connections have one, when it is asked, and what goes
//! through it. Streams need none: TCP does most of it.

mod moving;
mod receive;
pub(super) mod send;
mod transmit;

use std::hint::cold_path;

use super::NetworkDriver;
use super::connections::Link;
use super::pipelines::PIPELINES_MAX;
use crate::error::{Error, Result};
use crate::log::note;
use crate::proto::session::hello::{self, Hello, Negotiation};
use crate::proto::session::path::PathValidation;
use crate::proto::session::{self, ChannelSet, Session};
use crate::proto::time::{Micros, earliest, from_ms};
use crate::proto::utp::connection::UtpConnection;

/// The smallest window that a receiver grants.
const WINDOW_MIN: u32 = 64 << 10;
/// The largest: its sums must grow back from 32 bits.
const WINDOW_MAX: u32 = 1 << 30;

/// What a connection says beyond Unity Transport.
pub struct Peer {
    negotiation: Negotiation,
    /// The peer's Hello came before the path was known.
    early: Option<Hello>,
    session: Option<Session>,
    paths: PathValidation<Link>,
    /// Pipelines whose own stage waits for its last acknowledgement.
    gated: Vec<u8>,
    /// When packets were last put on [`session::PACKET_CHANNEL`].
    packets_at: Option<Micros>,
    /// Until when the goodbye waits for what was sent before.
    lingers_until: Option<Micros>,
    /// In the list of those with something to send.
    listed: bool,
    /// The flush that goes on has to schedule its connection.
    unscheduled: bool,
    /// In the list of those that owe acknowledgements.
    owing: bool,
    /// In the list of those that keep messages until there is room.
    stalled: bool,
}

impl Peer {
    fn new(negotiation: Negotiation) -> Box<Self> {
        Box::new(Self {
            negotiation,
            early: None,
            session: None,
            paths: PathValidation::default(),
            gated: Vec::new(),
            packets_at: None,
            lingers_until: None,
            listed: false,
            unscheduled: false,
            owing: false,
            stalled: false,
        })
    }

    /// The session, once messages may go through it.
    #[inline]
    pub fn sending(&mut self) -> Option<&mut Session> {
        if !self.negotiation.may_send() {
            cold_path();
            return None;
        }
        self.session.as_mut()
    }

    /// The same, to be looked at.
    pub const fn established(&self) -> Option<&Session> {
        if self.negotiation.may_send() { self.session.as_ref() } else { None }
    }

    /// The session may have something to send. False: that was known.
    #[inline]
    pub const fn list(&mut self) -> bool {
        !std::mem::replace(&mut self.listed, true)
    }

    /// Has the session's connection scheduled behind the flush that goes on, and not before it as
    /// well. False: the flush does not ask the session.
    #[inline]
    pub const fn postpone_schedule(&mut self) -> bool {
        self.unscheduled = self.listed;
        self.listed
    }

    /// Has it no deadline but that of an acknowledgement that is owed?
    fn awaits_nothing(&self) -> bool {
        let session = self.established().is_some_and(Session::awaits_nothing);
        session && self.negotiation.next_timeout().is_none() && self.lingers_until.is_none()
    }

    /// When it wants to be asked; [who owes an acknowledgement](Sessions::owing) is, besides.
    fn next_timeout(&self) -> Option<Micros> {
        let session = self.established().and_then(|session| {
            if self.owing { session.next_timeout_besides_acks() } else { session.next_timeout() }
        });
        earliest([session, self.negotiation.next_timeout(), self.lingers_until])
    }
}

impl Peer {
    /// Would a flush have anything to do for it?
    fn wants_flush(&self, now: Micros) -> bool {
        let says = self.negotiation.wants_transmit(now);
        says || self.established().is_none_or(|session| session.wants_flush(now))
    }

    /// When an acknowledgement must leave.
    fn ack_timeout(&self) -> Option<Micros> {
        self.established().and_then(Session::ack_timeout)
    }
}

/// The sessions of a driver.
pub struct Sessions {
    /// Connections whose session may have something to send.
    pub(super) dirty: Vec<u32>,
    /// Those that owe their peers acknowledgements. The program has its chance to answer before
    /// anything sleeps, so their deadlines are not among the timers meanwhile.
    owing: Vec<u32>,
    /// The first of those deadlines, or earlier.
    owed_until: Micros,
    /// How many of them, from the first on, owe them for what the program has seen.
    due: usize,
    /// Those that keep messages because their connections are full.
    stalled: Vec<u32>,
    /// By pipeline; higher goes first.
    priorities: Box<[u8; PIPELINES_MAX + 1]>,
}

impl Default for Sessions {
    fn default() -> Self {
        let priorities = Box::new([0; PIPELINES_MAX + 1]);
        Self {
            dirty: Vec::new(),
            owing: Vec::new(),
            owed_until: Micros::MAX,
            due: 0,
            stalled: Vec::new(),
            priorities,
        }
    }
}

impl Sessions {
    /// The priority of a pipeline; higher goes first.
    #[inline]
    pub const fn priority(&self, pipeline: u8) -> u8 {
        self.priorities[pipeline as usize]
    }

    /// A connection's session may have something to send.
    #[inline]
    pub fn list(&mut self, index: u32) {
        self.dirty.push(index);
    }
}

impl NetworkDriver {
    /// Sets the priority of a pipeline's reliable messages among those of one connection: higher
    /// goes first, 0 is the default. It counts between netdriver peers, over datagrams.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument) for an unknown pipeline.
    pub fn set_pipeline_priority(&mut self, pipeline: u8, priority: u8) -> Result<()> {
        self.check_pipeline(pipeline)?;
        if pipeline == 0 {
            return Err(Error::argument("pipeline 0 is none, and nothing through it waits"));
        }
        self.sessions.priorities[usize::from(pipeline)] = priority;
        Ok(())
    }

    /// May a Hello be said? Its pipeline must be one that nobody has made.
    fn offers_sessions(&self) -> bool {
        let size = self.settings.max_message_size;
        let fits = size >= i32::from(session::DATAGRAM_SIZE_MIN);
        self.settings.session && fits && self.pipelines.count() < PIPELINES_MAX
    }

    /// The path of a connection is known, and with it how long datagrams may be: a client asks
    /// whether the server is one of our kind, a server answers what came before.
    pub(super) fn greet(&mut self, index: u32) {
        let entry = self.connections.at(index);
        if let Some(hello) = entry.session.as_mut().and_then(|peer| peer.early.take()) {
            self.handle_hello(index, &hello);
        } else if entry.utp.as_deref().is_some_and(UtpConnection::is_client) {
            self.say_hello(index);
        }
    }

    fn say_hello(&mut self, index: u32) {
        let link = self.connections.at(index).link;
        if self.offers_sessions() && !matches!(link, Link::Stream(_) | Link::None) {
            let now = self.now;
            self.connections.at(index).session = Some(Peer::new(Negotiation::client(now)));
            self.mark_session(index);
        }
    }

    /// Is a message for this pipeline a Hello? Then it is taken.
    pub(super) fn take_hello(&mut self, index: u32, pipeline: u8, message: &[u8]) -> bool {
        if pipeline != hello::PIPELINE || self.pipelines.count() >= PIPELINES_MAX {
            return false;
        }
        let Some(hello) = Hello::parse(message) else { return false };
        let offers = self.offers_sessions();
        let entry = self.connections.at(index);
        let stream = matches!(entry.link, Link::Stream(_) | Link::None);
        let keeps_rules = hello.datagram_size_max >= session::DATAGRAM_SIZE_MIN
            && (WINDOW_MIN..=WINDOW_MAX).contains(&hello.window);
        if offers && !stream && keeps_rules {
            if entry.incoming && entry.session.is_none() {
                entry.session = Some(Peer::new(Negotiation::server()));
            }
            self.handle_hello(index, &hello);
        }
        true
    }

    fn handle_hello(&mut self, index: u32, hello: &Hello) {
        let entry = self.connections.at(index);
        let Some(peer) = &mut entry.session else { return };
        if entry.unsettled {
            peer.early = Some(*hello);
            return;
        }
        let news = peer.negotiation.handle_hello(hello);
        if news {
            self.begin_session(index, hello);
        }
        self.mark_session(index);
    }

    /// The peer speaks it.
    fn begin_session(&mut self, index: u32, hello: &Hello) {
        let now = self.now;
        let ours = self.our_hello(false);
        if ours.pipelines != hello.pipelines {
            let connection = self.connections.at(index).connection(index);
            note!(Warning, "{connection:?} has other pipelines than this side; both need the same");
        }
        let datagram = ours.datagram_size_max.min(hello.datagram_size_max);
        let entry = self.connections.at(index);
        let Some(utp) = &mut entry.utp else { return };
        // Packets of Unity Transport are no longer, either: the peer would drop them.
        utp.limit_path(now, datagram);
        let token = utp.token();
        let measured = Some(u64::from(entry.round_trip.smoothed())).filter(|&micros| micros > 0);
        let settings = &self.settings;
        let config = session::Config {
            datagram_size_max: datagram,
            received_size_max: ours.datagram_size_max,
            window: ours.window,
            peer_window: hello.window,
            send_queue_bytes_max: settings.outbound_bytes_max,
            // The driver counts them itself.
            message_queue_bytes_max: u32::MAX,
            reliable: self.channels(Self::is_carried, session::PACKET_CHANNEL),
            resent: self.channels(|driver, pipeline| driver.pipelines.sends_again(pipeline), 0),
            peer_takes_pieces: hello.takes_pieces(),
            repair_percent_max: settings.session_repair_percent as u8,
            give_up: from_ms(settings.disconnect_timeout_ms),
            round_trip: measured,
            measure_interval: from_ms(settings.round_trip_interval_ms),
            ..session::Config::new(token)
        };
        let path = self.packet_size_max(index) as u16;
        let Some(peer) = &mut self.connections.at(index).session else { return };
        let session = peer.session.insert(Session::new(now, config));
        session.set_datagram_size(path);
        if peer.negotiation.may_send() {
            // The server waits for a first packet, and the program may have nothing to say.
            session.ping();
        }
    }

    /// What this side says of itself.
    fn our_hello(&self, answer: bool) -> Hello {
        Hello {
            version: hello::VERSION,
            answer,
            features: hello::FEATURE_PIECES,
            datagram_size_max: self.settings.max_message_size as u16,
            window: self.settings.inbound_bytes_max.clamp(WINDOW_MIN, WINDOW_MAX),
            pipelines: self.pipelines.digest(),
        }
    }

    /// Pipelines of one sort, and another channel.
    fn channels(&self, are: impl Fn(&Self, u8) -> bool, other: u8) -> ChannelSet {
        let mut channels = ChannelSet::default();
        channels.insert(other);
        for pipeline in 1..=self.pipelines.count() {
            if are(self, pipeline as u8) {
                channels.insert(pipeline as u8);
            }
        }
        channels
    }

    /// The session of a connection may have something to send.
    fn mark_session(&mut self, index: u32) {
        if let Some(peer) = &mut self.connections.at(index).session
            && peer.list()
        {
            self.sessions.list(index);
        }
    }

    /// The same, if a flush would have anything to do for it. False: it would not.
    fn mark_wanting_session(&mut self, index: u32) -> bool {
        let now = self.now;
        let peer = &self.connections.at(index).session;
        let wants = peer.as_ref().is_some_and(|peer| peer.listed || peer.wants_flush(now));
        if wants {
            self.mark_session(index);
        }
        wants
    }

    /// When the session of a connection wants to be asked.
    pub(super) fn session_timeout(&self, index: u32) -> Option<Micros> {
        let peer = self.connections.get(index)?.session.as_ref()?;
        // What is due now waits for the flush, which asks again.
        if peer.listed { None } else { peer.next_timeout() }
    }

    /// Lets a session do what is due.
    pub(super) fn run_session_timer(&mut self, index: u32) {
        let now = self.now;
        let Some(peer) = &mut self.connections.at(index).session else { return };
        if peer.next_timeout().is_none_or(|due| due > now) {
            return;
        }
        if let Some(session) = peer.sending() {
            session.handle_timeout(now);
        }
        self.mark_session(index);
    }

    /// Does any connection owe an acknowledgement?
    pub(super) const fn sessions_owe(&self) -> bool {
        !self.sessions.owing.is_empty()
    }

    /// The program sees what has arrived, and has its chance to answer until the next call.
    pub(super) const fn show_owing_sessions(&mut self) {
        self.sessions.due = self.sessions.owing.len();
    }

    /// The program had its chance.
    #[inline(always)]
    pub(super) fn release_owing_sessions(&mut self) {
        if self.sessions.due > 0 {
            self.release_all_owing_sessions();
        }
    }

    /// When one of those acknowledgements must leave, or earlier.
    #[inline(always)]
    pub(super) const fn owed_until(&self) -> Micros {
        self.sessions.owed_until
    }

    /// Some may have to leave, though the program had no chance yet.
    #[inline(never)]
    pub(super) fn send_overdue_acks(&mut self) {
        let now = self.now;
        let list = std::mem::take(&mut self.sessions.owing);
        let mut first = Micros::MAX;
        for &index in &list {
            let peer = self.connections.at(index).session.as_ref();
            match peer.and_then(|peer| peer.ack_timeout()) {
                Some(due) if due <= now => self.mark_session(index),
                due => first = first.min(due.unwrap_or(Micros::MAX)),
            }
        }
        self.sessions.owing = list;
        self.sessions.owed_until = first;
    }

    #[inline(never)]
    fn release_all_owing_sessions(&mut self) {
        let due = std::mem::take(&mut self.sessions.due);
        let mut list = std::mem::take(&mut self.sessions.owing);
        for index in list.drain(..due) {
            let Some(peer) = &mut self.connections.at(index).session else { continue };
            peer.owing = false;
            if let Some(session) = &mut peer.session {
                session.handle_answered();
            }
            let deadline = peer.ack_timeout().is_some();
            if !self.mark_wanting_session(index) && deadline {
                self.schedule_session(index);
            }
        }
        if list.is_empty() {
            self.sessions.owed_until = Micros::MAX;
        }
        self.sessions.owing = list;
    }
}
