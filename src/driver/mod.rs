//! The driver: connections, events, accept, send, settings, statistics.
//!
//! One update is `receive` (sockets → machines → event queue), `run_timers`, `transmit` (machines
//! → sockets), then publication of the events. `wait` does the same without publishing. Nothing
//! here makes a system call; the pump does.

mod address;
mod admission;
mod arrivals;
mod background;
mod closing;
mod compression;
mod concurrent;
mod connect;
mod connections;
mod counting;
mod custom;
mod datagram;
mod datagram_short;
mod dialect;
mod documents;
mod events;
mod extensions;
mod facts;
mod gate;
mod handed;
mod handshakes;
mod http_facts;
mod interfaces;
mod jobs;
mod limits;
mod liveness;
mod multi;
mod packets;
mod pipelines;
mod plan;
mod popping;
mod proxies;
mod receive;
mod redirects;
mod requests;
mod send;
mod sessions;
mod shared;
mod stream;
mod stream_client;
mod stream_end;
mod stream_proxy;
mod stream_server;
mod stream_short;
mod stream_tcp;
mod streams;
mod timers;
mod tls;
mod token_hash;
mod traffic;
mod transmit;
mod types;
mod waiting;

use std::collections::VecDeque;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::log::note;
use crate::proto::netem::Netem;
use crate::proto::time::{MICROS_PER_MS, Micros, from_ms};
use crate::proto::traffic::Meter;
use crate::proto::utp;
use crate::proto::utp::guard::Guard;
use crate::pump::{Background, ClientTls, Entropy, Pump, Sleep};
pub use crate::pump::{
    CUSTOM_BATCH_MAX, CustomInterface, DriverWaker, IncomingPacket, OutgoingPacket,
    raise_descriptor_limit,
};
use crate::settings::{
    ConnectionLimits, Dialect, InterfaceKind, NetworkSettings, NetworkSimulator,
};

use arrivals::Arrivals;
use compression::Compression;
use concurrent::Lanes;
pub use concurrent::{Concurrent, LANE_SENDS_OPEN_MAX, SendBuffer};
use connections::{Connections, Link};
use events::EventQueue;
pub use http_facts::ConnectionText;
use interfaces::Interface;
pub(crate) use jobs::{Call as JobCall, ForEach as JobForEach, What as JobWhat, Words as JobWords};
pub use jobs::{
    ConnectionJob, JOB_BATCH_DEFAULT, JOB_BATCH_MAX, JOB_RESULTS_KEPT, JOBS_MAX, Job, JobScheduler,
};
pub use multi::{DriverPlace, MULTI_DRIVERS_MAX, MultiNetworkDriver, MultiSend};
pub use pipelines::PipelineStatistics;
use pipelines::Pipelines;
use requests::Requests;
pub use requests::{REJECT_BODY_MAX, Request, RequestId};
use send::OpenSends;
use sessions::Sessions;
pub(crate) use shared::{Admitted, AdmittedBeside, Site};
pub use shared::{ConcurrentDriver, SharedDriver};
use streams::Streams;
use timers::Timers;
pub use traffic::{ConnectionStatistics, ReliableCounters, SequencedCounters};
pub use types::{
    Connection, ConnectionInfo, ConnectionState, DisconnectReason, Event, EventKind, EventView,
    MessageKind, SendHandle, Statistics,
};

/// A datagram on its way out through the simulator.
type Simulated = (Link, Vec<u8>);

/// Sockets, connections and an event queue.
///
/// Use it from one thread at a time. Only [`wait`](Self::wait) blocks. Dropping it closes the
/// sockets without telling the peers.
pub struct NetworkDriver {
    settings: NetworkSettings,
    utp_config: utp::connection::Config,
    pump: Pump,
    entropy: Entropy,
    interfaces: Vec<Interface>,
    connections: Connections,
    streams: Streams,
    requests: Requests,
    events: EventQueue,
    arrivals: Arrivals,
    timers: Timers,
    sends: OpenSends,
    lanes: Lanes,
    pipelines: Pipelines,
    sessions: Sessions,
    accept_queue: VecDeque<Connection>,
    /// Connections arrived since the last update.
    accept_news: bool,
    /// A connection became ready since the last update, and its events with it.
    settle_news: bool,
    /// The last goodbye ended since the last update.
    farewell_news: bool,
    accept_payload: Vec<u8>,
    /// A client did not get it, and the log says so.
    has_withheld: bool,
    /// Connections with control packets to send.
    control_list: Vec<u32>,
    /// Connections whose machines have heard or said something: what they want next is asked once
    /// per round, not once per packet.
    touched_list: Vec<u32>,
    /// Connections that the program closed since the last flush, and how.
    closing: Vec<(u32, Option<CloseFrame>)>,
    /// Connections whose count of queued datagrams is above 0.
    queued_list: Vec<u32>,
    /// Connections whose Disconnect was popped, until the next update.
    ended: Vec<Connection>,
    /// Connections whose CloseRequest was popped, until the next update.
    asked: Vec<Connection>,
    scratch: Vec<u8>,
    compression: Compression,
    /// The last configuration that a connection by URL was made with: reading certificates takes
    /// time, and sessions can be resumed only within one.
    tls_client: Option<ClientTls>,
    simulator: Option<Box<Simulator>>,
    statistics: Statistics,
    /// Who may become a connection over datagrams.
    guard: Guard,
    /// What comes in.
    rx: Meter,
    /// What goes out.
    tx: Meter,
    /// What went wrong with receiving since the last update began; 0 nothing.
    receive_error: i32,
    listening: bool,
    /// New connections are refused although it listens.
    refusing: bool,
    /// The thread that works between updates.
    background: Option<Background>,
    /// What went wrong there since the last update.
    background_failure: Option<Error>,
    /// A receive function of the program failed in this round.
    custom_failure: Option<Error>,
    /// Somebody has woken the driver since the last wait. An update does not end it: what the
    /// program was woken for may not be its business.
    woken: bool,
    /// A wait has asked the system what is ready, and no update has followed yet.
    polled: bool,
    now: Micros,
    /// The time was brought up to the clock for what waits to leave.
    clock_followed: bool,
    /// What `max_frame_time_ms` has cut from the clock so far.
    clock_cut: Micros,
    /// There was an update.
    updated: bool,
    /// What the clock showed when the last update began.
    last_clock: Micros,
    /// What it showed when the system was asked last what is ready.
    last_poll: Micros,
    /// What it showed when the program began to wait last.
    last_wait: Micros,
    /// The same when all that it had was taken.
    all_taken: Micros,
}

/// Code and reason of a WebSocket close.
struct CloseFrame {
    code: u16,
    reason: Vec<u8>,
}

/// The bad network below the datagram interfaces.
struct Simulator {
    receive: Netem<()>,
    send: Netem<Simulated>,
}

impl NetworkDriver {
    /// A driver without interfaces.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument) names the setting that is out
    /// of range; [`Status::NetworkSocketError`](crate::Status::NetworkSocketError) when the
    /// operating system refuses a poll.
    pub fn new(settings: &NetworkSettings) -> Result<Self> {
        settings.validate()?;
        let pump = Pump::new().map_err(|error| Error::socket("cannot create a poll", &error))?;
        let mut entropy = Entropy::new()?;
        let now = if settings.fixed_frame_time_ms > 0 { 0 } else { pump.clock.now() };
        Ok(Self {
            utp_config: utp::connection::Config {
                unvalidated_timeout: from_ms(settings.unvalidated_timeout_ms),
                round_trip_interval: from_ms(settings.round_trip_interval_ms),
                ..utp::connection::Config::from_ms(
                    settings.connect_timeout_ms,
                    settings.max_connect_attempts,
                    settings.disconnect_timeout_ms,
                    settings.heartbeat_timeout_ms,
                )
            },
            now,
            pump,
            guard: Guard::new(handshakes::guard_limits(settings), entropy.take()),
            rx: Meter::new(now),
            tx: Meter::new(now),
            receive_error: 0,
            entropy,
            interfaces: Vec::new(),
            connections: Connections::new(settings.connections_max as usize),
            streams: Streams::default(),
            requests: Requests::default(),
            events: EventQueue::new(),
            arrivals: Arrivals::default(),
            timers: Timers::default(),
            sends: OpenSends::default(),
            lanes: Lanes::default(),
            pipelines: Pipelines::default(),
            sessions: Sessions::default(),
            accept_queue: VecDeque::new(),
            accept_news: false,
            settle_news: false,
            farewell_news: false,
            accept_payload: Vec::new(),
            has_withheld: false,
            control_list: Vec::new(),
            touched_list: Vec::new(),
            closing: Vec::new(),
            queued_list: Vec::new(),
            ended: Vec::new(),
            asked: Vec::new(),
            scratch: Vec::new(),
            compression: Compression::new(settings),
            tls_client: None,
            simulator: None,
            statistics: Statistics::default(),
            listening: false,
            refusing: false,
            background: None,
            background_failure: None,
            custom_failure: None,
            woken: false,
            polled: false,
            clock_followed: false,
            clock_cut: 0,
            updated: false,
            last_clock: 0,
            last_poll: 0,
            last_wait: 0,
            all_taken: 0,
            settings: settings.clone(),
        })
    }

    /// Receives, runs timers, sends; then makes the new events visible. Ends the life of the data
    /// of events popped before, and aborts sends left open.
    ///
    /// # Errors
    /// [`Status::NetworkSocketError`](crate::Status::NetworkSocketError) when the system failed a
    /// socket of the driver itself;
    /// connections go on where they can, and events are visible all the same.
    pub fn update(&mut self) -> Result<()> {
        self.settle_lanes();
        self.lanes.shrink(self.now);
        self.events.end_loans(|payload| self.compression.pool.give_message(payload));
        self.abort_lane_sends();
        self.release_ended();
        self.answer_requests();
        self.abort_open_sends();
        self.events.settle();
        self.begin_frame();
        self.begin_metering();
        self.send_due_acks();
        // After a wait that has just asked the system, asking again would only cost a call.
        let polled = std::mem::take(&mut self.polled) && self.has_just_polled();
        let outcome =
            if polled && self.has_news() { self.move_packets() } else { self.cycle(Sleep::NONE) };
        self.events.publish();
        self.show_owed_acks();
        self.accept_news = false;
        self.settle_news = false;
        self.requests.news = false;
        self.farewell_news = false;
        self.tell_background();
        self.background_failure.take().map_or(outcome, Err)
    }

    /// Sends what waits to be sent.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn flush(&mut self) -> Result<()> {
        let clock = self.pump.clock.now();
        self.flush_at(clock)
    }

    /// The same, when the clock has just been read.
    fn flush_at(&mut self, clock: Micros) -> Result<()> {
        self.follow_clock_at(clock);
        self.send_due_acks();
        let outcome = self.transmit();
        self.tell_background();
        outcome
    }

    /// Brings the driver's time up to the clock, by one frame's worth at most.
    fn follow_clock(&mut self) {
        self.follow_clock_at(self.pump.clock.now());
    }

    fn follow_clock_at(&mut self, clock: Micros) {
        let max = from_ms(self.settings.max_frame_time_ms);
        let frame = self.time_at(clock).saturating_sub(self.now);
        if max > 0 && self.updated && frame > max {
            self.clock_cut += frame - max;
        }
        self.now = self.time_at(clock);
    }

    /// The same, where it was not done since something left: packets that wait for one flush are
    /// of one time, and asking the clock for each would be a tenth of the work.
    fn follow_clock_once(&mut self) {
        if !std::mem::replace(&mut self.clock_followed, true) {
            self.follow_clock();
        }
    }

    /// Moves time at the start of an update.
    fn begin_frame(&mut self) {
        self.last_clock = self.pump.clock.now();
        self.follow_clock_at(self.last_clock);
        self.updated = true;
        let fixed = from_ms(self.settings.fixed_frame_time_ms);
        if fixed > 0 {
            // Unity Transport's first frame is at 1 ms.
            self.now = if self.now == 0 { MICROS_PER_MS } else { self.now + fixed };
        }
    }

    /// The driver's time now.
    fn time(&self) -> Micros {
        self.time_at(self.pump.clock.now())
    }

    /// The same, when the clock has just been read.
    fn time_at(&self, clock: Micros) -> Micros {
        if self.settings.fixed_frame_time_ms > 0 {
            return self.now;
        }
        // Time never goes back, whatever was cut.
        clock.saturating_sub(self.clock_cut).max(self.now)
    }

    fn cycle(&mut self, sleep: Sleep) -> Result<()> {
        let polled = self.pump.poll(sleep);
        let clock = self.pump.clock.now();
        self.last_poll = clock;
        if self.pump.took_all {
            self.all_taken = clock;
        }
        self.now = self.time_at(clock);
        let moved = self.move_packets();
        polled.map_err(|error| Error::socket("the poll failed", &error))?;
        moved
    }

    /// What is ready comes in, timers run, what waits goes out, all at one time.
    fn move_packets(&mut self) -> Result<()> {
        self.receive();
        self.send_urgent_acks();
        self.run_timers();
        let failure = self.custom_failure.take();
        self.transmit()?;
        failure.map_or(Ok(()), Err)
    }

    /// Takes the oldest connection that came from outside. Its events wait until then; a
    /// connection that ended meanwhile is handed out too, so that what it sent is not lost.
    pub fn accept(&mut self) -> Option<Connection> {
        while let Some(connection) = self.accept_queue.pop_front() {
            let Ok(index) = self.connections.resolve(connection) else {
                continue;
            };
            let entry = self.connections.at(index);
            entry.accepted = true;
            self.events.admit(&entry.waiting);
            return Some(connection);
        }
        None
    }

    /// Frees the slots of connections whose end the program has seen.
    fn release_ended(&mut self) {
        while let Some(connection) = self.ended.pop() {
            if let Ok(index) = self.connections.resolve(connection) {
                self.release(index);
            }
        }
    }

    /// Frees the slot of a connection, and what may still wait in it.
    fn release(&mut self, index: u32) {
        self.forget_token(index, true);
        self.drop_plan(index);
        self.show_arrivals();
        self.events.clear(&mut self.connections.at(index).waiting);
        self.connections.remove(index);
        self.lanes.forget(index);
    }

    /// A new connection, Connecting; `None` when the limit is reached.
    fn add_connection(
        &mut self,
        interface: u32,
        dialect: Dialect,
        limits: ConnectionLimits,
    ) -> Option<u32> {
        let index = self.connections.insert(interface, dialect, limits)?;
        self.lanes.grow(self.connections.slots());
        Some(index)
    }

    /// Puts an event into the queue of a connection.
    fn raise(&mut self, index: u32, event: Event) {
        let entry = self.connections.at(index);
        let ordered = entry.accepted;
        self.events.push(&mut entry.waiting, event, ordered);
    }

    /// An event without data.
    fn event(&mut self, index: u32, kind: EventKind) -> Event {
        Event::new(self.connections.at(index).connection(index), kind)
    }

    /// Ends a connection for a reason that the program gets to see. The link is the caller's.
    fn end(&mut self, index: u32, ending: Ending) {
        // What came before its end is the program's, whatever was waited for.
        self.settle(index);
        self.deliver_last(index);
        if !self.connections.set_disconnected(index) {
            return;
        }
        self.drop_plan(index);
        self.forget_token(index, true);
        let entry = self.connections.at(index);
        entry.link = Link::None;
        entry.machines.clear();
        entry.session = None;
        let connection = entry.connection(index);
        let kind = self.interfaces[entry.interface as usize].settings.kind;
        let has_codes = kind == InterfaceKind::WebSocket;
        self.count_end(&ending);
        note!(Info, "{connection:?} ended: {:?}, {:?}", ending.reason, ending.text);
        let event = Event {
            data: ending.text,
            clean: ending.clean,
            reason: ending.reason,
            close_code: if has_codes { ending.close_code } else { 0 },
            ..self.event(index, EventKind::Disconnect)
        };
        self.raise(index, event);
    }

    /// Puts a new connection from outside into the accept queue.
    fn announce(&mut self, index: u32) {
        let entry = self.connections.at(index);
        entry.incoming = true;
        entry.state = ConnectionState::Connected;
        let connection = entry.connection(index);
        note!(Info, "{connection:?} came from {:?}, {:?}", entry.remote.get(), entry.dialect);
        self.accept_queue.push_back(connection);
        self.accept_news = true;
        self.statistics.connections_incoming += 1;
    }

    /// Puts a bad network below the datagram interfaces, or changes or removes it.
    pub fn set_network_simulator(&mut self, simulator: &NetworkSimulator) {
        match &mut self.simulator {
            Some(running) => {
                running.receive.set_params(simulator.receive_params());
                running.send.set_params(simulator.send_params());
            }
            None if simulator.is_off() => {}
            None => {
                self.simulator = Some(Box::new(Simulator {
                    receive: Netem::new(simulator.receive_params(), simulator.seed),
                    send: Netem::new(simulator.send_params(), simulator.seed.wrapping_add(1)),
                }));
            }
        }
    }
}

/// Why and how a connection ended.
struct Ending {
    reason: DisconnectReason,
    close_code: u16,
    clean: bool,
    text: Bytes,
}

impl Ending {
    /// An end without a close code.
    const fn new(reason: DisconnectReason) -> Self {
        Self { reason, close_code: 0, clean: false, text: Bytes::new() }
    }

    /// The same with a text for the program.
    fn with_text(reason: DisconnectReason, text: impl Into<Bytes>) -> Self {
        Self { text: text.into(), ..Self::new(reason) }
    }
}
