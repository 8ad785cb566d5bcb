//! The client's side of the Autobahn test suite: asks a fuzzing server how many cases it has, runs
//! each by echoing whatever comes, and asks for the report.
//!
//! Run as `PROGRAM ws://HOST:PORT [CASE]`. Exit code 1 when the server does not play along.

use std::process::ExitCode;

use netdriver::settings::{NetworkSettings, UrlOptions};
use netdriver::{EventKind, MessageKind, NetworkDriver, Status};

/// The largest message of the suite, with room to spare.
const MESSAGE_SIZE_MAX: u32 = 17 << 20;
/// How long the server may be silent, in milliseconds.
const PATIENCE_MS: u32 = 100_000;

type Outcome<T> = Result<T, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (server, case) = match arguments.as_slice() {
        [server] => (server, None),
        [server, case] => (server, Some(case)),
        _ => {
            eprintln!("usage: conformance_client ws://HOST:PORT [CASE]");
            return ExitCode::from(2);
        }
    };
    match run(server, case.map(String::as_str)) {
        Ok(cases) => {
            println!("{cases} cases ran");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(server: &str, only: Option<&str>) -> Outcome<u32> {
    let count = echo(&format!("{server}/getCaseCount"))?.unwrap_or_default();
    let count: u32 = count.trim().parse().map_err(|_| format!("the case count is {count:?}"))?;
    let mut ran = 0;
    for case in 1..=count {
        if only.is_none_or(|only| only == case.to_string()) {
            echo(&format!("{server}/runCase?case={case}&agent=netdriver"))?;
            ran += 1;
        }
    }
    echo(&format!("{server}/updateReports?agent=netdriver"))?;
    Ok(ran)
}

/// Connects and sends back every message until the end; returns the first text.
fn echo(url: &str) -> Outcome<Option<String>> {
    let settings = NetworkSettings {
        websocket_message_size_max: MESSAGE_SIZE_MAX,
        outbound_bytes_max: 2 * MESSAGE_SIZE_MAX,
        inbound_bytes_max: 2 * MESSAGE_SIZE_MAX,
        deflate: true,
        deflate_minimum_length: 1,
        ..NetworkSettings::default()
    };
    let mut driver = NetworkDriver::new(&settings).map_err(|error| error.to_string())?;
    let connection =
        driver.connect_url(url, &UrlOptions::default()).map_err(|error| error.to_string())?;
    let mut first = None;
    loop {
        if !driver.wait(PATIENCE_MS).map_err(|error| error.to_string())? {
            return Err(format!("{url}: nothing came for {PATIENCE_MS} ms"));
        }
        driver.update().map_err(|error| error.to_string())?;
        while let Some(event) = driver.pop_event() {
            match event.kind {
                EventKind::Data => {
                    if event.text && first.is_none() {
                        first = String::from_utf8(event.data.to_vec()).ok();
                    }
                    let kind = if event.text { MessageKind::Text } else { MessageKind::Binary };
                    match driver.send_as(connection, 0, kind, &event.data) {
                        Ok(()) => {}
                        // The server has closed meanwhile; the Disconnect event follows.
                        Err(error) if error.status() == Status::NetworkStateMismatch => {}
                        Err(error) => return Err(format!("{url}: {error}")),
                    }
                }
                EventKind::Disconnect => {
                    while driver.statistics().connections_closing > 0 {
                        driver.wait(10).map_err(|error| error.to_string())?;
                    }
                    return Ok(first);
                }
                _ => {}
            }
        }
    }
}
