//! A world on virtual time: one server, some clients, a bad network between them, and a log.
//!
//! Everything that happens follows from the seed. The world checks what must always hold; a
//! scenario says what kind of network it is and what must hold in the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use netdriver::proto::random::Random;
use netdriver::settings::{InterfaceKind, NetworkSettings, NetworkSimulator};
use netdriver::{
    Connection, ConnectionState, DisconnectReason, Event, EventKind, NetworkDriver, NetworkEndpoint,
};

use super::{create_pipelines, driver, listen};

/// Milliseconds of a frame.
pub const FRAME_MS: i32 = 20;

/// What a world is made of.
#[derive(Clone)]
pub struct Scenario {
    pub name: &'static str,
    pub clients: u32,
    /// Frames in which programs do what they do; then everybody leaves.
    pub frames: u32,
    pub network: NetworkSimulator,
    /// From frame to frame, the clients whose number is even are cut off.
    pub partition: Option<(u32, u32)>,
    /// Programs close connections now and then, and clients come back.
    pub churn: bool,
    /// Programs send most messages through reliable pipelines.
    pub reliable: bool,
    pub settings: NetworkSettings,
}

impl Scenario {
    /// A perfect network.
    pub fn new(name: &'static str, clients: u32) -> Self {
        Self {
            name,
            clients,
            frames: 100,
            network: NetworkSimulator::default(),
            partition: None,
            churn: true,
            reliable: false,
            settings: NetworkSettings {
                fixed_frame_time_ms: FRAME_MS,
                connect_timeout_ms: 100,
                max_connect_attempts: 10,
                disconnect_timeout_ms: 1000,
                heartbeat_timeout_ms: 100,
                ..NetworkSettings::default()
            },
        }
    }

    fn keeps_order(&self) -> bool {
        let n = &self.network;
        n.send_jitter_ms == 0 && n.send_reorder_percent == 0.0 && n.send_duplicate_percent == 0.0
    }

    /// May packets arrive that were sent long before?
    fn may_leave_ghosts(&self) -> bool {
        self.network != NetworkSimulator::default() || self.partition.is_some()
    }
}

/// The pipelines of worlds with reliable messages; the second one takes long messages.
const PIPELINES: &str = "reliable:32;frag,reliable:32";
/// Frames in which nobody sends, so that everything reliable arrives: time for five tries in a row.
const QUIET_FRAMES: u32 = 400;

/// What programs do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Play,
    /// They only listen.
    Listen,
    /// They close what is open.
    Leave,
}

/// Reliable messages of one direction of one life of a client, on one pipeline.
#[derive(Default)]
struct Track {
    /// Their numbers.
    sent: Vec<u32>,
    /// How many of them arrived.
    arrived: usize,
}

/// From the server or not, number and life of the client, pipeline.
type TrackKey = (bool, u32, u32, u8);

/// One connection as one side sees it.
#[derive(Default)]
struct Side {
    /// Messages given to the driver.
    sent: u32,
    /// Number of the newest message that arrived, plus one.
    newest: u32,
    ended: bool,
}

struct Client {
    driver: NetworkDriver,
    connection: Connection,
    /// Counts connections; names the messages of each.
    life: u32,
    connected: bool,
    side: Side,
    rest: u32,
}

/// A run that goes on.
pub struct World {
    scenario: Scenario,
    seed: u64,
    random: Random,
    frame: u32,
    endpoint: NetworkEndpoint,
    server: NetworkDriver,
    clients: Vec<Client>,
    /// The server's sides, by connection: number and life of the client, and what was said.
    sides: BTreeMap<Connection, (u32, u32, Side)>,
    /// What clients sent in each life, kept for what arrives late.
    sent_in_life: BTreeMap<(u32, u32), u32>,
    /// What the server sent to each life; several connections may serve one, after a repetition.
    served: BTreeMap<(u32, u32), u32>,
    tracks: BTreeMap<TrackKey, Track>,
    /// Connections of the server that each life had.
    servings: BTreeMap<(u32, u32), u32>,
    log: String,
    /// How connections ended.
    pub reasons: Vec<(bool, DisconnectReason)>,
    /// How many of them ended before everybody left.
    playing: usize,
    /// Messages that arrived anywhere.
    pub arrived: u32,
    /// Connections that clients established.
    pub established: u32,
    /// Reliable messages that had arrived when everybody left.
    pub delivered: usize,
}

/// Bytes of message `number` in a life of a client, in one direction.
fn message(seed: u64, pipeline: u8, from_server: bool, life: (u32, u32), number: u32) -> Vec<u8> {
    let (client, life) = life;
    let mut out = vec![u8::from(from_server)];
    for part in [client, life, number] {
        out.extend_from_slice(&part.to_le_bytes());
    }
    let mix = u64::from(client) << 40 ^ u64::from(life) << 20 ^ u64::from(number);
    let mut random = Random::new(seed ^ mix);
    let size = random.below(if pipeline == 2 { 3000 } else { 64 });
    out.extend((0..size).map(|_| random.next_u64() as u8));
    out
}

fn part(bytes: &[u8], index: usize) -> u32 {
    let start = 1 + 4 * index;
    let bytes = bytes.get(start..start + 4).expect("a whole message");
    u32::from_le_bytes(bytes.try_into().expect("four bytes"))
}

impl World {
    /// A world before its first frame.
    pub fn new(scenario: &Scenario, seed: u64) -> Self {
        let make = || {
            let mut driver = driver(InterfaceKind::Ipc, &scenario.settings);
            if scenario.reliable {
                create_pipelines(&mut driver, PIPELINES);
            }
            driver
        };
        let mut server = make();
        let endpoint = listen(&mut server);
        server.set_network_simulator(&NetworkSimulator { seed, ..scenario.network });
        let clients = (0..scenario.clients)
            .map(|number| {
                let mut driver = make();
                let seed = seed.wrapping_mul(31).wrapping_add(u64::from(number) + 1);
                driver.set_network_simulator(&NetworkSimulator { seed, ..scenario.network });
                Client {
                    driver,
                    connection: Connection::NONE,
                    life: 0,
                    connected: false,
                    side: Side::default(),
                    rest: 0,
                }
            })
            .collect();
        Self {
            scenario: scenario.clone(),
            seed,
            random: Random::new(seed),
            frame: 0,
            endpoint,
            server,
            clients,
            sides: BTreeMap::new(),
            sent_in_life: BTreeMap::new(),
            served: BTreeMap::new(),
            tracks: BTreeMap::new(),
            servings: BTreeMap::new(),
            log: String::new(),
            reasons: Vec::new(),
            playing: 0,
            arrived: 0,
            established: 0,
            delivered: 0,
        }
    }

    /// How connections ended before everybody left: at the server's side or not, and why.
    pub fn ended_while_playing(&self) -> &[(bool, DisconnectReason)] {
        &self.reasons[..self.playing]
    }

    fn note(&mut self, who: &str, what: &str) {
        writeln!(self.log, "{} {who} {what}", self.frame).expect("a string takes everything");
    }

    /// Runs to the end and returns the log.
    pub fn run(&mut self) -> String {
        for _ in 0..self.scenario.frames {
            self.step(Mode::Play);
        }
        if self.scenario.reliable {
            for _ in 0..QUIET_FRAMES {
                self.step(Mode::Listen);
            }
            self.check_reliable();
        }
        self.leave();
        // Whatever is left ends by itself: by the timeouts, at the latest.
        let settings = &self.scenario.settings;
        let longest = settings.disconnect_timeout_ms
            + settings.connect_timeout_ms * settings.max_connect_attempts
            + self.scenario.network.send_delay_ms as i32
            + self.scenario.network.send_jitter_ms as i32;
        for _ in 0..2 * longest / FRAME_MS {
            self.step(Mode::Leave);
        }
        self.check_the_end();
        std::mem::take(&mut self.log)
    }

    fn step(&mut self, mode: Mode) {
        self.frame += 1;
        if let Some((from, to)) = self.scenario.partition
            && (self.frame == from || self.frame == to)
        {
            self.cut(self.frame == from);
        }
        self.server.update().expect("updates");
        self.serve(mode);
        for number in 0..self.clients.len() {
            self.clients[number].driver.update().expect("updates");
            self.play(number, mode);
        }
    }

    fn cut(&mut self, partitioned: bool) {
        self.note("network", if partitioned { "is cut" } else { "heals" });
        let network = NetworkSimulator { partitioned, ..self.scenario.network };
        for client in self.clients.iter_mut().step_by(2) {
            client.driver.set_network_simulator(&network);
        }
    }

    /// One frame of the server's program.
    fn serve(&mut self, mode: Mode) {
        while let Some(connection) = self.server.accept() {
            let payload = self.server.connect_payload(connection).expect("is known");
            let (client, life) = (part(payload, 0), part(payload, 1));
            assert!(life <= self.clients[client as usize].life, "nobody asked for this");
            self.note("server", &format!("accepts {connection:?} of {client}.{life}"));
            *self.servings.entry((client, life)).or_default() += 1;
            let old = self.sides.insert(connection, (client, life, Side::default()));
            assert!(old.is_none(), "{connection:?} was given out twice");
        }
        while let Some(event) = self.server.pop_event() {
            self.server_event(&event);
        }
        let open: Vec<Connection> =
            self.sides.iter().filter(|(_, side)| !side.2.ended).map(|(&c, _)| c).collect();
        for connection in open {
            let active = mode == Mode::Play;
            if active && self.random.chance(30.0) {
                self.server_sends(connection);
            }
            let churns = active && self.scenario.churn && self.random.chance(0.5);
            let closes = mode == Mode::Leave || churns;
            if closes {
                self.note("server", &format!("closes {connection:?}"));
                self.server.disconnect(connection).expect("is open");
                self.sides.get_mut(&connection).expect("is known").2.ended = true;
            }
        }
    }

    fn server_sends(&mut self, connection: Connection) {
        let (client, life, _) = self.sides[&connection];
        let pipeline = self.choose_pipeline();
        let next = self.served.entry((client, life)).or_default();
        let number = *next;
        let bytes = message(self.seed, pipeline, true, (client, life), number);
        if self.server.send(connection, pipeline, &bytes).is_ok() {
            *next += 1;
            self.note_sent((true, client, life, pipeline), number);
        }
    }

    fn choose_pipeline(&mut self) -> u8 {
        if self.scenario.reliable { self.random.below(3) as u8 } else { 0 }
    }

    fn note_sent(&mut self, key: TrackKey, number: u32) {
        if key.3 != 0 {
            self.tracks.entry(key).or_default().sent.push(number);
        }
    }

    /// A reliable message must be the next one that was sent. A request that came late and made a
    /// second connection of the server for one life starts its pipelines anew, and the client
    /// cannot know: such lives prove nothing.
    fn note_arrived(&mut self, key: TrackKey, number: u32) {
        if key.3 == 0 || self.servings[&(key.1, key.2)] > 1 {
            return;
        }
        let track = self.tracks.get_mut(&key).expect("something was sent");
        assert_eq!(track.sent.get(track.arrived), Some(&number), "{key:?} is out of order");
        track.arrived += 1;
    }

    /// Whatever was accepted for a connection that still lives has arrived.
    fn check_reliable(&mut self) {
        self.delivered = self.tracks.values().map(|track| track.arrived).sum();
        let living = self.sides.values().filter(|side| !side.2.ended);
        for &(client, life, _) in living {
            let other = &self.clients[client as usize];
            let talks = other.connected && other.connection != Connection::NONE;
            if !talks || other.life != life || self.servings[&(client, life)] > 1 {
                continue;
            }
            for (from_server, pipeline) in [(true, 1), (true, 2), (false, 1), (false, 2)] {
                let key = (from_server, client, life, pipeline);
                let Some(track) = self.tracks.get(&key) else { continue };
                assert_eq!(track.arrived, track.sent.len(), "{key:?} lost something");
            }
        }
    }

    fn server_event(&mut self, event: &Event) {
        let Event { connection, kind, data, reason, pipeline, .. } = event;
        self.note("server", &format!("{connection:?} {kind:?} {reason:?} {data:02x?}"));
        let (client, life, side) = self.sides.get_mut(connection).expect("was accepted");
        assert!(!side.ended, "an event after the end of {connection:?}: {event:?}");
        match kind {
            EventKind::Data => {
                let number = part(data, 2);
                let key = (*client, *life);
                assert_eq!(*data, message(self.seed, *pipeline, false, key, number));
                assert!(number < self.sent_in_life[&key], "was never sent");
                if *pipeline == 0 && self.scenario.keeps_order() {
                    assert!(number >= side.newest, "{number} came again, or late");
                }
                if *pipeline == 0 {
                    side.newest = side.newest.max(number + 1);
                }
                self.arrived += 1;
                self.note_arrived((false, key.0, key.1, *pipeline), number);
            }
            EventKind::Disconnect => {
                side.ended = true;
                self.reasons.push((true, *reason));
            }
            other => panic!("a server gets no event {other:?}"),
        }
    }

    /// One frame of a client's program.
    fn play(&mut self, number: usize, mode: Mode) {
        let active = mode == Mode::Play;
        while let Some(event) = self.clients[number].driver.pop_event() {
            self.client_event(number, &event);
        }
        let client = &mut self.clients[number];
        if client.connection == Connection::NONE {
            client.rest = client.rest.saturating_sub(1);
            if active && client.rest == 0 {
                self.connect(number);
            }
            return;
        }
        if !active || !client.connected {
            return;
        }
        for _ in 0..self.random.below(3) {
            let pipeline = self.choose_pipeline();
            let client = &mut self.clients[number];
            let life = (number as u32, client.life);
            let sent = client.side.sent;
            let bytes = message(self.seed, pipeline, false, life, sent);
            if client.driver.send(client.connection, pipeline, &bytes).is_ok() {
                client.side.sent += 1;
                self.sent_in_life.insert(life, sent + 1);
                self.note_sent((false, life.0, life.1, pipeline), sent);
            }
        }
        if self.scenario.churn && self.random.chance(1.0) {
            self.hang_up(number);
        }
    }

    fn connect(&mut self, number: usize) {
        let client = &mut self.clients[number];
        client.life += 1;
        client.side = Side::default();
        client.connected = false;
        let mut payload = vec![0];
        payload.extend_from_slice(&(number as u32).to_le_bytes());
        payload.extend_from_slice(&client.life.to_le_bytes());
        client.connection =
            client.driver.connect(0, &self.endpoint, &payload).expect("starts to connect");
        let what = format!("{:?} starts to connect", client.connection);
        self.sent_in_life.insert((number as u32, client.life), 0);
        self.note(&format!("client {number}"), &what);
    }

    fn hang_up(&mut self, number: usize) {
        let rest = 1 + self.random.below(10) as u32;
        let client = &mut self.clients[number];
        let connection = std::mem::take(&mut client.connection);
        client.rest = rest;
        client.driver.disconnect(connection).expect("is known");
        assert_eq!(client.driver.connection_state(connection), ConnectionState::Disconnected);
        self.note(&format!("client {number}"), &format!("closes {connection:?}"));
    }

    fn client_event(&mut self, number: usize, event: &Event) {
        let Event { connection, kind, data, reason, pipeline, .. } = event;
        let what = format!("{connection:?} {kind:?} {reason:?} {data:02x?}");
        self.note(&format!("client {number}"), &what);
        let keeps_order = self.scenario.keeps_order();
        let unruly = self.scenario.may_leave_ghosts();
        let client = &mut self.clients[number];
        assert_eq!(*connection, client.connection, "an event of another life: {event:?}");
        match kind {
            EventKind::Connect => {
                assert!(!client.connected, "a connection connects once");
                client.connected = true;
                self.established += 1;
            }
            EventKind::Data => {
                assert!(client.connected, "data before the Connect event");
                let life = (number as u32, client.life);
                let index = part(data, 2);
                assert_eq!(*data, message(self.seed, *pipeline, true, life, index));
                assert!(index < self.served[&life], "was never sent");
                if *pipeline == 0 {
                    let newest = &mut client.side.newest;
                    assert!(!keeps_order || index >= *newest, "{index} came again, or late");
                    *newest = (*newest).max(index + 1);
                }
                self.arrived += 1;
                self.note_arrived((true, life.0, life.1, *pipeline), index);
            }
            EventKind::Disconnect => {
                let connected = client.connected;
                let possible = match reason {
                    DisconnectReason::Timeout => connected,
                    DisconnectReason::MaxConnectionAttempts => !connected,
                    // The goodbye may overtake the accept.
                    DisconnectReason::ClosedByRemote => connected || unruly,
                    _ => false,
                };
                assert!(possible, "{reason:?} when connected is {connected}");
                client.connection = Connection::NONE;
                client.rest = 3;
                self.reasons.push((false, *reason));
            }
            other => panic!("nobody asked for {other:?}"),
        }
    }

    /// Half of the clients hang up; the server closes what is left, and what still comes.
    fn leave(&mut self) {
        self.playing = self.reasons.len();
        for number in 0..self.clients.len() {
            if self.clients[number].connected
                && self.clients[number].connection != Connection::NONE
                && self.random.chance(50.0)
            {
                self.hang_up(number);
            }
        }
        let healed = NetworkSimulator { partitioned: false, ..self.scenario.network };
        for client in &mut self.clients {
            client.driver.set_network_simulator(&healed);
        }
    }

    fn check_the_end(&mut self) {
        let statistics = self.server.statistics();
        assert_eq!(statistics.connections, 0, "the server leaks connections");
        assert_eq!(statistics.connections_closing, 0, "a goodbye never ends");
        assert_eq!((statistics.malformed_in, statistics.old_protocol_in), (0, 0));
        let incoming = statistics.connections_incoming as usize;
        assert_eq!(incoming, self.sides.len(), "accepted is what came");
        assert!(self.sides.values().all(|side| side.2.ended), "an end without an event");
        let lives: u32 = self.clients.iter().map(|client| client.life).sum();
        if !self.scenario.may_leave_ghosts() {
            assert_eq!(incoming, lives as usize, "one request is one connection");
        }
        for client in &mut self.clients {
            let statistics = client.driver.statistics();
            assert_eq!(statistics.connections, 0, "a client leaks connections");
            assert_eq!(statistics.malformed_in, 0);
            assert_eq!(client.connection, Connection::NONE, "an end without an event");
            assert_eq!(statistics.connections_outgoing, u64::from(client.life));
        }
        assert!(self.server.pop_event().is_none() && self.server.accept().is_none());
    }
}
