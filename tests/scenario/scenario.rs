//! Runs a scenario script against the Rust crate; see `tests/scenario/README.md`.
//!
//! Must stay the same interpreter as `scenario.c` and `Scenario.cs`: one command, one call.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use netdriver::settings::{
    ApplyMode, FragmentationConfig, InterfaceKind, InterfaceSettings, NetworkSettings,
    PipelineStage, SimulatorConfig,
};
use netdriver::{
    Connection, ConnectionState, Event, EventKind, Family, NetworkDriver, NetworkEndpoint,
    SendHandle,
};

/// Milliseconds of one update when the script does not say otherwise.
const FRAME_TIME_MS: i32 = 10;
/// How long `await` waits at most, in rounds of a millisecond.
const AWAIT_ROUNDS: u32 = 5000;
/// Up to so many bytes print as digits, more as a hash.
const HEX_BYTES_MAX: usize = 32;

type Outcome<T = ()> = Result<T, String>;

thread_local! {
    /// The ports that the system chose for those of the script, over TCP.
    static PORTS: RefCell<BTreeMap<u16, u16>> = const { RefCell::new(BTreeMap::new()) };
}

/// A driver of the script.
struct Actor {
    name: String,
    kind: InterfaceKind,
    driver: NetworkDriver,
    connections: Vec<Connection>,
    sends: BTreeMap<String, SendHandle>,
}

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: scenario FILE.txt");
        return ExitCode::from(2);
    };
    let script = match std::fs::read_to_string(&path) {
        Ok(script) => script,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::from(2);
        }
    };
    let mut actors = Vec::new();
    for (number, line) in script.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Err(why) = run_line(&mut actors, line) {
            eprintln!("{path}:{}: {why}", number + 1);
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn run_line(actors: &mut Vec<Actor>, line: &str) -> Outcome {
    if let Some(text) = line.strip_prefix("say ") {
        println!("-- {text}");
        return Ok(());
    }
    let words = split(line)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["repeat", count, ..] => {
            let (_, rest) = line.split_once(count).unwrap_or_default();
            (0..number::<u32>(count)?).try_for_each(|_| run_line(actors, rest.trim()))
        }
        ["run", count, ref names @ ..] => {
            for _ in 0..number::<u32>(count)? {
                names.iter().try_for_each(|name| find(actors, name)?.update())?;
            }
            Ok(())
        }
        ["await", name, ref others @ ..] => await_news(actors, name, others),
        ["driver", name, "ipc", ref settings @ ..] => {
            create(actors, name, InterfaceKind::Ipc, settings)
        }
        ["driver", name, "tcp", ref settings @ ..] => {
            create(actors, name, InterfaceKind::Tcp, settings)
        }
        ["destroy", name] => {
            find(actors, name)?;
            actors.retain(|actor| actor.name != name);
            println!("{name} destroy");
            Ok(())
        }
        [_, name, ..] => find(actors, name)?.command(&words),
        _ => Err(format!("unknown command {line:?}")),
    }
}

/// Words of a line; a text in quotes keeps its quotes and its spaces.
fn split(line: &str) -> Outcome<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let end = if let Some(text) = rest.strip_prefix('"') {
            text.find('"').ok_or("a quote is not closed")? + 2
        } else {
            rest.find(' ').unwrap_or(rest.len())
        };
        words.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    Ok(words)
}

fn number<T: std::str::FromStr>(word: &str) -> Outcome<T> {
    word.parse().map_err(|_| format!("{word:?} is not a number"))
}

fn parse_stage(word: &str) -> Outcome<PipelineStage> {
    let (name, value) = word.split_once(':').unwrap_or((word, "0"));
    let value: u32 = number(value)?;
    Ok(match (name, value) {
        ("null", _) => PipelineStage::Null,
        ("frag", 0) => PipelineStage::FRAGMENTATION,
        ("frag", payload_capacity) => PipelineStage::Fragmentation(Some(FragmentationConfig {
            payload_capacity: payload_capacity as usize,
        })),
        ("reliable", 0) => PipelineStage::RELIABLE_SEQUENCED,
        ("reliable", window) => PipelineStage::reliable(window as usize),
        ("useq", _) => PipelineStage::UnreliableSequenced,
        ("drop", interval) => PipelineStage::Simulator(Some(SimulatorConfig {
            packet_drop_interval: interval,
            mode: ApplyMode::SentPacketsOnly,
            ..SimulatorConfig::default()
        })),
        _ => return Err(format!("{word:?} is no stage")),
    })
}

fn find<'a>(actors: &'a mut [Actor], name: &str) -> Outcome<&'a mut Actor> {
    let found = actors.iter_mut().find(|actor| actor.name == name);
    found.ok_or_else(|| format!("no driver {name:?}"))
}

fn parse_bytes(word: &str) -> Outcome<Vec<u8>> {
    if word == "-" {
        return Ok(Vec::new());
    }
    if let Some(text) = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return Ok(text.as_bytes().to_vec());
    }
    if let Some(length) = word.strip_prefix("ramp:") {
        let length: usize = number(length)?;
        return Ok((0..length).map(|i| (7 * i + i / 256) as u8).collect());
    }
    let digits = word.strip_prefix("hex:").ok_or_else(|| format!("{word:?} is no BYTES"))?;
    let byte = |i: usize| {
        let pair = digits.get(i..i + 2).unwrap_or_default();
        u8::from_str_radix(pair, 16).map_err(|_| format!("{word:?} has a digit that is none"))
    };
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn format_bytes(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "-".to_owned();
    }
    if bytes.len() <= HEX_BYTES_MAX {
        return bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
    }
    let hash = bytes
        .iter()
        .fold(0x811c_9dc5_u32, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{} bytes #{hash:08x}", bytes.len())
}

/// Lets the drivers work, without moving their clocks, until the first has something to show.
fn await_news(actors: &mut [Actor], name: &str, others: &[&str]) -> Outcome {
    for _ in 0..AWAIT_ROUNDS {
        for other in others {
            find(actors, other)?.driver.wait(0).map_err(|error| error.to_string())?;
        }
        if find(actors, name)?.driver.wait(1).map_err(|error| error.to_string())? {
            return Ok(());
        }
    }
    println!("{name} await failed");
    Ok(())
}

fn create(actors: &mut Vec<Actor>, name: &str, kind: InterfaceKind, pairs: &[&str]) -> Outcome {
    let mut settings =
        NetworkSettings { fixed_frame_time_ms: FRAME_TIME_MS, ..NetworkSettings::default() };
    for pair in pairs {
        let (key, value) = pair.split_once('=').ok_or_else(|| format!("{pair:?} has no ="))?;
        let value: i32 = number(value)?;
        match key {
            "connect_timeout_ms" => settings.connect_timeout_ms = value,
            "max_connect_attempts" => settings.max_connect_attempts = value,
            "disconnect_timeout_ms" => settings.disconnect_timeout_ms = value,
            "heartbeat_timeout_ms" => settings.heartbeat_timeout_ms = value,
            "fixed_frame_time_ms" => settings.fixed_frame_time_ms = value,
            "receive_queue_capacity" => settings.receive_queue_capacity = value,
            "send_queue_capacity" => settings.send_queue_capacity = value,
            "max_message_size" => settings.max_message_size = value,
            "connections_max" => settings.connections_max = number(&value.to_string())?,
            "writable_events" => settings.writable_events = value != 0,
            "session" => settings.session = value != 0,
            _ => return Err(format!("unknown setting {key:?}")),
        }
    }
    let created = NetworkDriver::new(&settings).and_then(|mut driver| {
        driver.add_interface(InterfaceSettings { kind, ..InterfaceSettings::default() })?;
        Ok(driver)
    });
    println!("{name} driver {}", said(created.as_ref()));
    if let Ok(driver) = created {
        let name = name.to_owned();
        actors.push(Actor { name, kind, driver, connections: Vec::new(), sends: BTreeMap::new() });
    }
    Ok(())
}

fn loopback(port: &str) -> Outcome<NetworkEndpoint> {
    let port = number(port)?;
    let port = PORTS.with_borrow(|ports| ports.get(&port).copied().unwrap_or(port));
    NetworkEndpoint::parse("127.0.0.1", port, Some(Family::Ipv4)).map_err(|error| error.to_string())
}

/// "ok" or "error N".
fn said<T, E: std::borrow::Borrow<netdriver::Error>>(outcome: Result<T, E>) -> String {
    match outcome {
        Ok(_) => "ok".to_owned(),
        Err(error) => format!("error {}", error.borrow().status() as i32),
    }
}

impl Actor {
    fn command(&mut self, words: &[&str]) -> Outcome {
        let name = self.name.clone();
        match *words {
            ["bind", _, port] => {
                println!("{name} bind {}", said(self.bind(port)?));
            }
            ["listen", _] => println!("{name} listen {}", said(self.driver.listen())),
            ["accept_payload", _, bytes] => {
                let outcome = self.driver.set_accept_payload(&parse_bytes(bytes)?);
                println!("{name} accept_payload {}", said(outcome));
            }
            ["connect", _, port, bytes] => self.connect(port, bytes)?,
            ["accept", _] => self.accept()?,
            ["disconnect", _, conn] => {
                let connection = self.connection(conn)?;
                let outcome = self.driver.disconnect(connection);
                println!("{name} disconnect {conn} {}", said(outcome));
            }
            ["send", _, conn, bytes] => {
                let connection = self.connection(conn)?;
                let outcome = self.driver.send(connection, 0, &parse_bytes(bytes)?);
                println!("{name} send {conn} {}", said(outcome));
            }
            ["pipeline", _, stages] => {
                let stages: Outcome<Vec<PipelineStage>> =
                    stages.split(',').map(parse_stage).collect();
                match self.driver.create_pipeline(&stages?) {
                    Ok(pipeline) => println!("{name} pipeline {pipeline}"),
                    Err(error) => println!("{name} pipeline error {}", error.status() as i32),
                }
            }
            ["through", _, pipeline, conn, bytes] => {
                let connection = self.connection(conn)?;
                let bytes = parse_bytes(bytes)?;
                let outcome = self.driver.send(connection, number(pipeline)?, &bytes);
                println!("{name} through {pipeline} {conn} {}", said(outcome));
            }
            ["begin", _, conn, send, size] => self.begin(conn, send, size)?,
            ["end", _, send, bytes] => self.end(send, bytes)?,
            ["abort", _, send] => {
                let outcome = self.driver.abort_send(self.send(send)?);
                println!("{name} abort {send} {}", said(outcome));
            }
            ["update", _] => self.update()?,
            ["flush", _] => {
                if let Err(error) = self.driver.flush() {
                    println!("{name} flush error {}", error.status() as i32);
                }
            }
            _ => self.question(words)?,
        }
        Ok(())
    }

    fn question(&mut self, words: &[&str]) -> Outcome {
        let name = self.name.clone();
        match *words {
            ["pop", _] => {
                let event = self.driver.pop_event();
                self.print_event(event)?;
            }
            ["pop", _, conn] => {
                let event = self.driver.pop_event_for_connection(self.connection(conn)?);
                self.print_event(event)?;
            }
            ["drain", _] => {
                let first = self.driver.pop_event();
                self.print_event(first)?;
                while let Some(event) = self.driver.pop_event() {
                    self.print_event(Some(event))?;
                }
            }
            ["state", _, conn] => {
                let state = match self.driver.connection_state(self.connection(conn)?) {
                    ConnectionState::Connecting => "connecting",
                    ConnectionState::Connected => "connected",
                    ConnectionState::Disconnected => "disconnected",
                    ConnectionState::Disconnecting => "disconnecting",
                };
                println!("{name} state {conn} {state}");
            }
            ["waiting", _, conn] => {
                let count = self.driver.event_queue_size(self.connection(conn)?);
                println!("{name} waiting {conn} {count}");
            }
            ["room", _, conn] => match self.driver.payload_size_max(self.connection(conn)?, 0) {
                Ok(size) => println!("{name} room {conn} {size}"),
                Err(error) => println!("{name} room {conn} error {}", error.status() as i32),
            },
            ["room", _, conn, pipeline] => {
                let connection = self.connection(conn)?;
                match self.driver.payload_size_max(connection, number(pipeline)?) {
                    Ok(size) => println!("{name} room {conn} through {pipeline} {size}"),
                    Err(error) => {
                        let status = error.status() as i32;
                        println!("{name} room {conn} through {pipeline} error {status}");
                    }
                }
            }
            ["resent", _, conn, pipeline] => {
                let counted =
                    self.driver.pipeline_statistics(self.connection(conn)?, number(pipeline)?);
                let counted = counted.map_err(|error| error.to_string())?;
                let resent = counted.reliable.unwrap_or_default().packets_resent;
                println!("{name} resent {conn} through {pipeline} {resent}");
            }
            ["counters", _] => self.print_counters(),
            _ => return Err(format!("unknown command {words:?}")),
        }
        Ok(())
    }

    /// Over TCP the system chooses the port, so that scripts do not meet.
    fn bind(&mut self, port: &str) -> Outcome<netdriver::Result<()>> {
        if self.kind == InterfaceKind::Ipc {
            return Ok(self.driver.bind(0, &loopback(port)?).map(|_| ()));
        }
        let bound = self.driver.bind(0, &NetworkEndpoint::loopback_ipv4(0));
        let chosen = bound.and_then(|binding| self.driver.local_endpoint(0, binding));
        let script_port = number(port)?;
        Ok(chosen.map(|chosen| {
            PORTS.with_borrow_mut(|ports| ports.insert(script_port, chosen.port()));
        }))
    }

    fn connection(&self, word: &str) -> Outcome<Connection> {
        if word == "none" {
            return Ok(Connection::NONE);
        }
        let found = self.connections.get(number::<usize>(word)?);
        found.copied().ok_or_else(|| format!("{} has no connection {word}", self.name))
    }

    fn send(&self, word: &str) -> Outcome<SendHandle> {
        self.sends.get(word).copied().ok_or_else(|| format!("{} has no send {word}", self.name))
    }

    fn update(&mut self) -> Outcome {
        if let Err(error) = self.driver.update() {
            println!("{} update error {}", self.name, error.status() as i32);
        }
        Ok(())
    }

    fn connect(&mut self, port: &str, bytes: &str) -> Outcome {
        match self.driver.connect(0, &loopback(port)?, &parse_bytes(bytes)?) {
            Ok(connection) => {
                println!("{} connect {}", self.name, self.connections.len());
                self.connections.push(connection);
            }
            Err(_) => println!("{} connect failed", self.name),
        }
        Ok(())
    }

    fn accept(&mut self) -> Outcome {
        let Some(connection) = self.driver.accept() else {
            println!("{} accept none", self.name);
            return Ok(());
        };
        let payload = self.driver.connect_payload(connection).map_err(|e| e.to_string())?;
        let payload = format_bytes(payload);
        println!("{} accept {} {payload}", self.name, self.connections.len());
        self.connections.push(connection);
        Ok(())
    }

    fn begin(&mut self, conn: &str, send: &str, size: &str) -> Outcome {
        let begun = self.driver.begin_send(self.connection(conn)?, 0, number(size)?);
        match begun {
            Ok(handle) => {
                let room = self.driver.send_buffer(handle).map_err(|e| e.to_string())?.len();
                println!("{} begin {send} room {room}", self.name);
                self.sends.insert(send.to_owned(), handle);
            }
            Err(error) => println!("{} begin {send} error {}", self.name, error.status() as i32),
        }
        Ok(())
    }

    fn end(&mut self, send: &str, bytes: &str) -> Outcome {
        let (handle, bytes) = (self.send(send)?, parse_bytes(bytes)?);
        if let Ok(room) = self.driver.send_buffer(handle) {
            let fitting = room.len().min(bytes.len());
            room[..fitting].copy_from_slice(&bytes[..fitting]);
        }
        let outcome = self.driver.end_send(handle, bytes.len() as u32);
        println!("{} end {send} {}", self.name, said(outcome));
        Ok(())
    }

    fn print_event(&self, event: Option<Event>) -> Outcome {
        let name = &self.name;
        let Some(event) = event else {
            println!("{name} event none");
            return Ok(());
        };
        let conn = self.connections.iter().position(|&known| known == event.connection);
        let conn = conn.ok_or_else(|| format!("{name} got an event of an unknown connection"))?;
        match event.kind {
            EventKind::Connect => {
                println!("{name} event connect {conn} {}", format_bytes(&event.data));
            }
            EventKind::Data if event.pipeline != 0 => {
                let (through, bytes) = (event.pipeline, format_bytes(&event.data));
                println!("{name} event data {conn} through {through} {bytes}");
            }
            EventKind::Data => println!("{name} event data {conn} {}", format_bytes(&event.data)),
            EventKind::Disconnect => {
                println!("{name} event disconnect {conn} reason {}", event.reason as i32);
            }
            EventKind::Writable => println!("{name} event writable {conn}"),
            EventKind::Fragment => {
                println!("{name} event fragment {conn} {}", format_bytes(&event.data));
            }
            EventKind::CloseRequest => println!("{name} event closing {conn}"),
            EventKind::Pong => println!("{name} event pong {conn}"),
        }
        Ok(())
    }

    fn print_counters(&self) {
        let s = self.driver.statistics();
        println!(
            "{} counters now {} come {} made {} in {} out {} dropped {} refused {}",
            self.name,
            s.connections,
            s.connections_incoming,
            s.connections_outgoing,
            s.messages_in,
            s.messages_out,
            s.dropped_in,
            s.refused_out
        );
    }
}
