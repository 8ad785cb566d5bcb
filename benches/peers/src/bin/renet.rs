//! renet against renet, over its netcode transport without tokens.
//!
//! It is a library of ticks: a program calls update and send_packets. For the echoes and the bulk a
//! tick follows whatever comes in; for the stream it ticks 60 times a second, as games that use it
//! do: it repeats its acknowledgements in every tick, so more ticks are more bytes.
#![allow(clippy::disallowed_methods, reason = "the rules about clocks protect the driver")]

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant, SystemTime};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use netdriver_bench_peers::{Kind, MESSAGE_MAX, Options, SERVE_SLEEP, State, load, serve, socket};
use renet::{ConnectionConfig, DefaultChannel, RenetClient, RenetServer};
use renet_netcode::{
    ClientAuthentication, NetcodeClientTransport, NetcodeServerTransport, ServerAuthentication,
    ServerConfig,
};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const PROTOCOL: u64 = 7;
const CLIENTS_MAX: usize = 1024;
const TICK: Duration = Duration::from_nanos(1_000_000_000 / 60);
const CONNECT_WAIT: Duration = Duration::from_secs(5);
const CONNECT_TICK: Duration = Duration::from_millis(1);

fn channel(options: &Options) -> u8 {
    if options.is_reliable() { DefaultChannel::ReliableOrdered } else { DefaultChannel::Unreliable }
        .into()
}

fn wall_clock() -> Fallible<Duration> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?)
}

/// Time from one tick to the next, and when ticks come by the clock.
struct Ticks {
    last: Instant,
    by_clock: bool,
}

impl Ticks {
    fn new(options: &Options) -> Self {
        Self { last: Instant::now(), by_clock: options.kind == Kind::Stream }
    }

    /// Sleeps until the next tick; returns how much time it moves on.
    fn wait(
        &mut self,
        poll: &mut Poll,
        events: &mut Events,
        sleep: Duration,
    ) -> Fallible<Duration> {
        if self.by_clock {
            std::thread::sleep((self.last + TICK).saturating_duration_since(Instant::now()));
            self.last += TICK;
            return Ok(TICK);
        }
        match poll.poll(events, Some(sleep)) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                return Err(error.into());
            }
            _ => {}
        }
        let now = Instant::now();
        Ok(now - std::mem::replace(&mut self.last, now))
    }
}

fn watch(poll: &Poll, socket: &UdpSocket, number: usize) -> Fallible<()> {
    let fd = socket.as_raw_fd();
    Ok(poll.registry().register(&mut SourceFd(&fd), Token(number), Interest::READABLE)?)
}

fn run_server(options: &Options) -> Fallible<()> {
    let socket = socket(options.port)?;
    let address = socket.local_addr()?;
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1));
    watch(&poll, &socket, 0)?;
    let config = ServerConfig {
        current_time: wall_clock()?,
        max_clients: CLIENTS_MAX,
        protocol_id: PROTOCOL,
        public_addresses: vec![address],
        authentication: ServerAuthentication::Unsecure,
    };
    let mut transport = NetcodeServerTransport::new(config, socket)?;
    let mut server = RenetServer::new(ConnectionConfig::default());
    let mut ticks = Ticks::new(options);
    let channel = channel(options);
    serve::begin(options, address.port());
    while serve::turn() {
        let passed = ticks.wait(&mut poll, &mut events, SERVE_SLEEP)?;
        server.update(passed);
        transport.update(passed, &mut server)?;
        while server.get_event().is_some() {}
        for client in server.clients_id() {
            while let Some(message) = server.receive_message(client, channel) {
                serve::received(&message);
                if options.kind == Kind::Echo {
                    server.send_message(client, channel, message);
                }
            }
        }
        transport.send_packets(&mut server);
    }
    Ok(())
}

struct Client {
    renet: RenetClient,
    transport: NetcodeClientTransport,
    /// When it was last brought up to date.
    updated: Instant,
}

impl Client {
    fn connect(number: usize, port: u16, poll: &Poll) -> Fallible<Self> {
        let socket = socket(0)?;
        watch(poll, &socket, number)?;
        let authentication = ClientAuthentication::Unsecure {
            protocol_id: PROTOCOL,
            client_id: number as u64 + 1,
            server_addr: SocketAddr::from(([127, 0, 0, 1], port)),
            user_data: None,
        };
        let transport = NetcodeClientTransport::new(wall_clock()?, authentication, socket)?;
        let renet = RenetClient::new(ConnectionConfig::default());
        let mut client = Self { renet, transport, updated: Instant::now() };
        let end = Instant::now() + CONNECT_WAIT;
        while !client.renet.is_connected() {
            if Instant::now() > end {
                return Err("no connection".into());
            }
            client.update()?;
            client.transport.send_packets(&mut client.renet)?;
            std::thread::sleep(CONNECT_TICK);
        }
        Ok(client)
    }

    fn update(&mut self) -> Fallible<()> {
        let now = Instant::now();
        let passed = now - std::mem::replace(&mut self.updated, now);
        self.renet.update(passed);
        self.transport.update(passed, &mut self.renet)?;
        Ok(())
    }

    /// Receives, says what the load wants to be said, and sends it.
    fn turn(&mut self, number: usize, channel: u8) -> Fallible<()> {
        self.update()?;
        while let Some(message) = self.renet.receive_message(channel) {
            load::received(number, &message);
        }
        let mut buffer = [0; MESSAGE_MAX];
        while let Some(message) = load::next(number, &mut buffer) {
            if !self.renet.can_send_message(channel, message.len()) {
                load::refused(number);
                break;
            }
            self.renet.send_message(channel, message.to_vec());
        }
        Ok(self.transport.send_packets(&mut self.renet)?)
    }
}

fn run_load(options: &Options) -> Fallible<()> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(CLIENTS_MAX));
    let mut clients = Vec::new();
    for number in 0..options.clients as usize {
        clients.push(Client::connect(number, options.port, &poll)?);
    }
    let mut ticks = Ticks::new(options);
    let channel = channel(options);
    load::begin(options);
    loop {
        match load::turn() {
            State::Over => break,
            State::Sweep => {
                for (number, client) in clients.iter_mut().enumerate() {
                    client.turn(number, channel)?;
                }
            }
            State::Go => {}
        }
        events.clear();
        ticks.wait(&mut poll, &mut events, load::sleep())?;
        load::turn();
        for event in &events {
            let Token(number) = event.token();
            clients[number].turn(number, channel)?;
        }
    }
    load::report();
    Ok(())
}

fn main() -> Fallible<()> {
    let options = Options::parse();
    if options.is_server() { run_server(&options) } else { run_load(&options) }
}
