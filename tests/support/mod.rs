//! What the tests share: drivers that are quickly made, bounded waiting, peers of raw bytes.
//!
//! Nothing here sleeps or reads a clock: a wait is a bounded number of rounds of a driver's own
//! `wait`, and it panics with the name of what did not happen.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod certificates;
pub mod raw;
pub mod world;

use netdriver::settings::{
    DialectPolicy, FragmentationConfig, InterfaceKind, InterfaceSettings, NetworkSettings,
    PipelineStage, UrlOptions,
};
use netdriver::{
    Connection, DisconnectReason, Event, EventKind, NetworkDriver, NetworkEndpoint, SendHandle,
    Status,
};

/// Rounds before a wait has failed; a round is a millisecond at most.
pub const ROUNDS_MAX: usize = 10_000;

/// Tries again until there is a value; panics with `what` after [`ROUNDS_MAX`] rounds.
#[track_caller]
pub fn until<T>(what: &str, mut round: impl FnMut() -> Option<T>) -> T {
    for _ in 0..ROUNDS_MAX {
        if let Some(value) = round() {
            return value;
        }
    }
    panic!("this did not happen in time: {what}");
}

/// A driver with one interface.
#[track_caller]
pub fn driver(kind: InterfaceKind, settings: &NetworkSettings) -> NetworkDriver {
    driver_with(InterfaceSettings::new(kind), settings)
}

/// A driver with one interface, whose settings are given.
#[track_caller]
pub fn driver_with(interface: InterfaceSettings, settings: &NetworkSettings) -> NetworkDriver {
    let mut driver = NetworkDriver::new(settings).expect("the settings are good");
    driver.add_interface(interface).expect("an interface");
    driver
}

/// Binds to a loopback port that the system chooses, and listens.
#[track_caller]
pub fn listen(driver: &mut NetworkDriver) -> NetworkEndpoint {
    let binding = driver.bind(0, &NetworkEndpoint::loopback_ipv4(0)).expect("a port");
    driver.listen().expect("listens");
    driver.local_endpoint(0, binding).expect("is bound")
}

/// A listening driver and its address.
#[track_caller]
pub fn server(kind: InterfaceKind, settings: &NetworkSettings) -> (NetworkDriver, NetworkEndpoint) {
    let mut driver = driver(kind, settings);
    let endpoint = listen(&mut driver);
    (driver, endpoint)
}

/// A listening WebSocket driver with a dialect policy, and its port.
#[track_caller]
pub fn websocket_server(
    dialect: DialectPolicy,
    settings: &NetworkSettings,
) -> (NetworkDriver, u16) {
    let interface =
        InterfaceSettings { dialect, ..InterfaceSettings::new(InterfaceKind::WebSocket) };
    let mut driver = driver_with(interface, settings);
    let endpoint = listen(&mut driver);
    (driver, endpoint.port())
}

/// Lets every driver update once, and the first sleep for a moment if nothing happens.
#[track_caller]
pub fn step(drivers: &mut [&mut NetworkDriver]) {
    for driver in &mut *drivers {
        driver.update().expect("updates");
    }
    if let [first, ..] = drivers {
        first.wait(1).expect("waits");
    }
}

/// Runs the drivers until the first of them gives an event.
#[track_caller]
pub fn next_event(drivers: &mut [&mut NetworkDriver], what: &str) -> Event {
    until(what, || {
        let event = drivers[0].pop_event();
        if event.is_none() {
            step(drivers);
        }
        event
    })
}

/// Runs the drivers until the first of them gives an event, which must be of this kind.
#[track_caller]
pub fn expect_event(drivers: &mut [&mut NetworkDriver], kind: EventKind) -> Event {
    let event = next_event(drivers, &format!("an event {kind:?}"));
    assert_eq!(event.kind, kind, "{event:?}");
    event
}

/// Runs the drivers until the first of them accepts a connection.
#[track_caller]
pub fn expect_accept(drivers: &mut [&mut NetworkDriver]) -> Connection {
    until("a connection to accept", || {
        let connection = drivers[0].accept();
        if connection.is_none() {
            step(drivers);
        }
        connection
    })
}

/// Runs the drivers for a number of rounds in which nothing is waited for.
pub fn settle(drivers: &mut [&mut NetworkDriver], rounds: usize) {
    for _ in 0..rounds {
        step(drivers);
    }
}

/// Makes the pipelines of a list such as `frag;useq;reliable:32;frag:9000,reliable`, as the echo
/// programs take it: numbers 1, 2, … in this order.
#[track_caller]
pub fn create_pipelines(driver: &mut NetworkDriver, list: &str) {
    for (number, words) in (1..).zip(list.split(';')) {
        let stages: Vec<PipelineStage> =
            words.split(',').filter(|word| !word.is_empty()).map(stage_named).collect();
        assert_eq!(driver.create_pipeline(&stages).expect("is possible"), number);
    }
}

fn stage_named(word: &str) -> PipelineStage {
    let (name, value) = word.split_once(':').unwrap_or((word, ""));
    let value: Option<usize> = (!value.is_empty()).then(|| value.parse().expect("a number"));
    match (name, value) {
        ("null", None) => PipelineStage::Null,
        ("frag", value) => PipelineStage::Fragmentation(
            value.map(|payload_capacity| FragmentationConfig { payload_capacity }),
        ),
        ("reliable", None) => PipelineStage::RELIABLE_SEQUENCED,
        ("reliable", Some(window)) => PipelineStage::reliable(window),
        ("useq", None) => PipelineStage::UnreliableSequenced,
        ("sim", None) => PipelineStage::SIMULATOR,
        _ => panic!("{word} is no stage"),
    }
}

/// A server and a client, connected.
pub struct Pair {
    pub server: NetworkDriver,
    pub client: NetworkDriver,
    /// The server's connection to the client.
    pub to_client: Connection,
    /// The client's connection to the server.
    pub to_server: Connection,
    pub endpoint: NetworkEndpoint,
}

impl Pair {
    /// In the UTP dialect, with default settings.
    #[track_caller]
    pub fn new(kind: InterfaceKind) -> Self {
        Self::with(kind, &NetworkSettings::default())
    }

    /// In the UTP dialect.
    #[track_caller]
    pub fn with(kind: InterfaceKind, settings: &NetworkSettings) -> Self {
        Self::with_two(kind, settings, settings)
    }

    /// In the UTP dialect, with settings of the server and of the client.
    #[track_caller]
    pub fn with_two(kind: InterfaceKind, ours: &NetworkSettings, theirs: &NetworkSettings) -> Self {
        let (server, endpoint) = server(kind, ours);
        let mut client = driver(kind, theirs);
        let to_server = client.connect(0, &endpoint, b"").expect("starts to connect");
        Self::join(server, client, to_server, endpoint)
    }

    /// In the UTP dialect, with pipelines ([`create_pipelines`]).
    #[track_caller]
    pub fn with_pipelines(kind: InterfaceKind, settings: &NetworkSettings, list: &str) -> Self {
        let mut server = driver(kind, settings);
        create_pipelines(&mut server, list);
        let endpoint = listen(&mut server);
        let mut client = driver(kind, settings);
        create_pipelines(&mut client, list);
        let to_server = client.connect(0, &endpoint, b"").expect("starts to connect");
        Self::join(server, client, to_server, endpoint)
    }

    /// A plain WebSocket.
    #[track_caller]
    pub fn plain(ours: &NetworkSettings, theirs: &NetworkSettings) -> Self {
        let (server, endpoint) = {
            let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, ours);
            let endpoint = server.local_endpoint(0, 0).expect("is bound");
            assert_eq!(endpoint.port(), port);
            (server, endpoint)
        };
        let mut client = NetworkDriver::new(theirs).expect("the settings are good");
        let to_server = client
            .connect_url(&format!("ws://{endpoint}/"), &UrlOptions::default())
            .expect("starts to connect");
        Self::join(server, client, to_server, endpoint)
    }

    #[track_caller]
    fn join(
        mut server: NetworkDriver,
        mut client: NetworkDriver,
        to_server: Connection,
        endpoint: NetworkEndpoint,
    ) -> Self {
        let event = expect_event(&mut [&mut client, &mut server], EventKind::Connect);
        assert_eq!(event.connection, to_server);
        let to_client = expect_accept(&mut [&mut server, &mut client]);
        Self { server, client, to_client, to_server, endpoint }
    }

    /// One round of both.
    #[track_caller]
    pub fn step(&mut self) {
        step(&mut [&mut self.server, &mut self.client]);
    }

    /// One frame of both, without waiting: for drivers on a fixed frame time.
    #[track_caller]
    pub fn frame(&mut self) {
        self.server.update().expect("updates");
        self.client.update().expect("updates");
    }

    /// The server's next event, of this kind.
    #[track_caller]
    pub fn server_event(&mut self, kind: EventKind) -> Event {
        let event = expect_event(&mut [&mut self.server, &mut self.client], kind);
        assert_eq!(event.connection, self.to_client);
        event
    }

    /// The client's next event, of this kind.
    #[track_caller]
    pub fn client_event(&mut self, kind: EventKind) -> Event {
        let event = expect_event(&mut [&mut self.client, &mut self.server], kind);
        assert_eq!(event.connection, self.to_server);
        event
    }
}

/// The reason of a plain connection that ended with one of the codes for broken rules.
pub fn violation(code: u16) -> DisconnectReason {
    match code {
        1009 => DisconnectReason::MessageTooBig,
        _ => DisconnectReason::ProtocolError,
    }
}

/// Writes a message in place and ends it.
pub fn send_in_place(
    driver: &mut NetworkDriver,
    connection: Connection,
    data: &[u8],
) -> netdriver::Result<()> {
    let handle: SendHandle = driver.begin_send(connection, 0, data.len() as u32)?;
    driver.send_buffer(handle)?[..data.len()].copy_from_slice(data);
    driver.end_send(handle, data.len() as u32)
}

/// The status that a call failed with.
#[track_caller]
pub fn status<T: std::fmt::Debug>(outcome: netdriver::Result<T>) -> Status {
    outcome.expect_err("the call must fail").status()
}
