//! The JSON lines that the arena server prints: what it listens on, its state once a second, and
//! its closing account. Reads them; judges nothing.

use serde_json::Value;

use crate::table::{Align, Table, bytes};

/// The table shows so many connections at most, so that it fits a terminal.
const ROWS_MAX: usize = 32;
/// The table's lines besides its rows: its head, what is left away, an empty line, the totals.
const LINES_AROUND: usize = 4;

/// One line of the server.
#[derive(Debug, PartialEq)]
pub enum Line {
    /// The first line: the ports it listens on.
    Listening {
        /// The UDP port.
        udp: u16,
        /// The WebSocket port, which serves the page too.
        ws: u16,
    },
    /// The state, once a second.
    Status(Status),
    /// The last line.
    Final(Final),
}

/// Who is connected now.
#[derive(Debug, PartialEq)]
pub struct Status {
    seconds: f64,
    clients: Vec<Client>,
    messages_in: u64,
    messages_out: u64,
}

/// One connection of the server.
#[derive(Debug, PartialEq)]
struct Client {
    id: u64,
    name: String,
    interface: String,
    dialect: String,
    round_trip_ms: Option<f64>,
    messages_in: u64,
    messages_out: u64,
    bytes_in: u64,
    bytes_out: u64,
}

/// What the server says about everybody who was ever connected.
#[derive(Debug, PartialEq)]
pub struct Final {
    /// How many connections it accepted.
    pub clients_total: u64,
    /// One entry for each client that joined.
    pub joined: Vec<Joined>,
    /// Messages received from all.
    pub messages_in: u64,
    /// Messages sent to all.
    pub messages_out: u64,
}

/// What one client did.
#[derive(Debug, PartialEq, Clone)]
pub struct Joined {
    /// The name it joined with.
    pub name: String,
    /// "udp", "ws" or "ipc".
    pub interface: String,
    /// "utp" or "plain".
    pub dialect: String,
    /// Whether its position changed.
    pub moved: bool,
    /// Whether it was told of others.
    pub saw_others: bool,
    /// Whether it left by a clean disconnect.
    pub left_clean: bool,
}

/// Reads one line; an error names what is wrong with it.
pub fn parse(line: &str) -> Result<Line, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
    let read = || {
        if let Some(listening) = value.get("listening") {
            return Some(Line::Listening {
                udp: port(listening, "udp")?,
                ws: port(listening, "ws")?,
            });
        }
        match value.get("final") {
            Some(closing) => Some(Line::Final(closing_account(closing)?)),
            None => Some(Line::Status(status(&value)?)),
        }
    };
    read().ok_or_else(|| format!("the server's line lacks a field: {line}"))
}

fn port(value: &Value, key: &str) -> Option<u16> {
    value[key].as_u64().and_then(|port| u16::try_from(port).ok())
}

fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

fn status(value: &Value) -> Option<Status> {
    let clients: Option<Vec<_>> = value["clients"].as_array()?.iter().map(client).collect();
    Some(Status {
        seconds: value["t"].as_f64()?,
        clients: clients?,
        messages_in: value["messages_in"].as_u64()?,
        messages_out: value["messages_out"].as_u64()?,
    })
}

fn client(value: &Value) -> Option<Client> {
    Some(Client {
        id: value["id"].as_u64()?,
        name: text(value, "name")?,
        interface: text(value, "interface")?,
        dialect: text(value, "dialect")?,
        // The plain dialect may have none to tell yet.
        round_trip_ms: value["rtt_ms"].as_f64(),
        messages_in: value["in"].as_u64()?,
        messages_out: value["out"].as_u64()?,
        bytes_in: value["bytes_in"].as_u64()?,
        bytes_out: value["bytes_out"].as_u64()?,
    })
}

fn closing_account(value: &Value) -> Option<Final> {
    let joined: Option<Vec<_>> = value["joined"].as_array()?.iter().map(joined).collect();
    Some(Final {
        clients_total: value["clients_total"].as_u64()?,
        joined: joined?,
        messages_in: value["messages_in"].as_u64()?,
        messages_out: value["messages_out"].as_u64()?,
    })
}

fn joined(value: &Value) -> Option<Joined> {
    Some(Joined {
        name: text(value, "name")?,
        interface: text(value, "interface")?,
        dialect: text(value, "dialect")?,
        moved: value["moved"].as_bool()?,
        saw_others: value["saw_others"].as_bool()?,
        left_clean: value["left_clean"].as_bool()?,
    })
}

impl Status {
    /// The state as a table of so many lines at most, with a line of totals. The state before it
    /// gives the rates.
    pub fn lines(&self, lines_max: usize, before: Option<&Self>) -> Vec<String> {
        let mut table = Table::new(&[
            ("id", Align::Right),
            ("name", Align::Left),
            ("interface", Align::Left),
            ("dialect", Align::Left),
            ("round trip", Align::Right),
            ("in", Align::Right),
            ("out", Align::Right),
            ("received", Align::Right),
            ("sent", Align::Right),
        ]);
        let mut clients: Vec<_> = self.clients.iter().collect();
        clients.sort_by_key(|client| client.id);
        let rows = lines_max.saturating_sub(LINES_AROUND).clamp(1, ROWS_MAX);
        for client in clients.iter().take(rows) {
            table.row(client.cells());
        }
        let mut lines = table.lines();
        if clients.len() > rows {
            lines.push(format!("  … and {} more", clients.len() - rows));
        }
        lines.push(String::new());
        lines.push(self.totals(before));
        lines
    }

    fn totals(&self, before: Option<&Self>) -> String {
        let passed = before.map_or(0.0, |before| self.seconds - before.seconds);
        let rate = |now: u64, then: Option<u64>| match then {
            Some(then) if passed > 0.0 => {
                let change = u32::try_from(now.saturating_sub(then)).unwrap_or(u32::MAX);
                format!(" ({:.0} a second)", f64::from(change) / passed)
            }
            _ => String::new(),
        };
        let Self { seconds, messages_in, messages_out, clients } = self;
        let connections = match clients.len() {
            1 => "1 connection".to_owned(),
            many => format!("{many} connections"),
        };
        let rate_in = rate(*messages_in, before.map(|before| before.messages_in));
        let rate_out = rate(*messages_out, before.map(|before| before.messages_out));
        format!(
            "  {seconds:.0} s, {connections}, messages: {messages_in} in{rate_in}, \
             {messages_out} out{rate_out}"
        )
    }
}

impl Client {
    fn cells(&self) -> [String; 9] {
        // A name comes from the network: nothing but printable characters goes to the terminal.
        let name = self.name.chars().filter(|letter| !letter.is_control()).take(20).collect();
        [
            self.id.to_string(),
            name,
            self.interface.clone(),
            self.dialect.clone(),
            self.round_trip_ms.map_or("–".to_owned(), |ms| format!("{ms:.1} ms")),
            self.messages_in.to_string(),
            self.messages_out.to_string(),
            bytes(self.bytes_in),
            bytes(self.bytes_out),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "{\"t\":3,\"clients\":[{\"id\":1,\"name\":\"c\\u001b[2J\",\
        \"interface\":\"udp\",\"dialect\":\"utp\",\"rtt_ms\":0.25,\"in\":10,\"out\":20,\
        \"bytes_in\":300,\"bytes_out\":400}],\"messages_in\":10,\"messages_out\":20}";

    #[test]
    fn reads_the_ports() {
        let line = parse("{\"listening\":{\"udp\":7777,\"ws\":7778}}").expect("valid");
        assert_eq!(line, Line::Listening { udp: 7777, ws: 7778 });
        assert!(parse("{\"listening\":{\"udp\":70000,\"ws\":1}}").is_err());
    }

    #[test]
    fn shows_a_status_as_a_table_without_control_characters() {
        let Line::Status(status) = parse(STATUS).expect("valid") else { panic!("not a status") };
        let lines = status.lines(20, None);
        assert_eq!(lines.len(), 4);
        assert!(lines[1].contains("c[2J") && !lines[1].contains('\u{1b}'), "{}", lines[1]);
        assert!(lines[1].contains("0.2 ms") && lines[1].contains("300 B"), "{}", lines[1]);
        assert_eq!(lines[3], "  3 s, 1 connection, messages: 10 in, 20 out");
    }

    #[test]
    fn a_state_before_gives_rates_and_few_lines_show_few_rows() {
        let read = |text: &str| match parse(text).expect("valid") {
            Line::Status(status) => status,
            other => panic!("not a status: {other:?}"),
        };
        let before = read(STATUS);
        let mut now = read(STATUS);
        now.seconds = 5.0;
        now.messages_in += 40;
        now.clients.extend([read(STATUS), read(STATUS)].map(|mut other| other.clients.remove(0)));
        let lines = now.lines(6, Some(&before));
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[3], "  … and 1 more");
        let totals = "  5 s, 3 connections, messages: 50 in (20 a second), 20 out (0 a second)";
        assert_eq!(lines[5], totals);
    }

    #[test]
    fn reads_the_closing_account() {
        let line = "{\"final\":{\"clients_total\":1,\"joined\":[{\"name\":\"p\",\
            \"interface\":\"ws\",\"dialect\":\"plain\",\"moved\":true,\"saw_others\":false,\
            \"left_clean\":true}],\"messages_in\":5,\"messages_out\":6}}";
        let Line::Final(closing) = parse(line).expect("valid") else { panic!("not the last") };
        assert_eq!((closing.clients_total, closing.messages_in), (1, 5));
        assert!(closing.joined[0].moved && !closing.joined[0].saw_others);
    }

    #[test]
    fn a_line_that_is_not_understood_is_shown() {
        assert!(parse("hello").expect_err("no JSON").ends_with(": hello"));
        assert!(parse("{\"t\":1}").expect_err("lacks fields").contains("lacks a field"));
    }
}
