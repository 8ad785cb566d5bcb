//! The client's side of the Autobahn test suite: asks a fuzzing server how many cases it has, runs
//! each by echoing whatever comes, and asks for the report.
//!
//! Run as `PROGRAM ws://HOST:PORT DEFLATE_LEVEL [CASE]`. Exit code 1 when the server does not play
//! along.

use std::process::ExitCode;

use netdriver::settings::{NetworkSettings, UrlOptions};
use netdriver::{EventKind, MessageKind, NetworkDriver, Status};

/// The largest message of the suite, with room to spare.
const MESSAGE_SIZE_MAX: u32 = 17 << 20;
/// How long the server may be silent, in milliseconds.
const PATIENCE_MS: u32 = 100_000;
/// Cases that run at once.
const AT_ONCE: usize = 4;

type Outcome<T> = Result<T, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (server, level, case) = match arguments.as_slice() {
        [server, level] => (server.as_str(), level.parse(), None),
        [server, level, case] => (server.as_str(), level.parse(), Some(case)),
        _ => ("", "".parse(), None),
    };
    let Ok(level) = level else {
        eprintln!("usage: conformance_client ws://HOST:PORT DEFLATE_LEVEL [CASE]");
        return ExitCode::from(2);
    };
    match run(server, level, case.map(String::as_str)) {
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

fn run(server: &str, level: u32, only: Option<&str>) -> Outcome<u32> {
    let mut driver = NetworkDriver::new(&settings(level)).map_err(|error| error.to_string())?;
    let count = echo(&mut driver, std::iter::once(format!("{server}/getCaseCount")))?;
    let count: u32 = count.trim().parse().map_err(|_| format!("the case count is {count:?}"))?;
    let mut ran = 0;
    let chosen = (1..=count).filter(|case| only.is_none_or(|only| only == case.to_string()));
    let urls = chosen.inspect(|_| ran += 1);
    echo(&mut driver, urls.map(|case| format!("{server}/runCase?case={case}&agent=netdriver")))?;
    echo(&mut driver, std::iter::once(format!("{server}/updateReports?agent=netdriver")))?;
    Ok(ran)
}

fn settings(deflate_level: u32) -> NetworkSettings {
    NetworkSettings {
        websocket_message_size_max: MESSAGE_SIZE_MAX,
        outbound_bytes_max: 2 * MESSAGE_SIZE_MAX,
        inbound_bytes_max: 2 * MESSAGE_SIZE_MAX,
        deflate: true,
        deflate_level,
        deflate_minimum_length: 1,
        // The suite takes a ping in the middle of a long case for an echo.
        ping_interval_ms: 0,
        ..NetworkSettings::default()
    }
}

/// Connects to each URL, a few at once, and sends back every message until the end; returns the
/// first text.
fn echo(driver: &mut NetworkDriver, mut urls: impl Iterator<Item = String>) -> Outcome<String> {
    let mut first = String::new();
    let mut under_way = 0;
    loop {
        for url in urls.by_ref().take(AT_ONCE - under_way) {
            let options = UrlOptions::default();
            driver.connect_url(&url, &options).map_err(|error| format!("{url}: {error}"))?;
            under_way += 1;
        }
        if under_way == 0 && driver.statistics().connections_closing == 0 {
            return Ok(first);
        }
        if !driver.wait(PATIENCE_MS).map_err(|error| error.to_string())? && under_way > 0 {
            return Err(format!("nothing came for {PATIENCE_MS} ms"));
        }
        driver.update().map_err(|error| error.to_string())?;
        while let Some(event) = driver.pop_event() {
            match event.kind {
                EventKind::Data => {
                    if event.text && first.is_empty() {
                        first = String::from_utf8_lossy(&event.data).into_owned();
                    }
                    let kind = if event.text { MessageKind::Text } else { MessageKind::Binary };
                    match driver.send_as(event.connection, 0, kind, &event.data) {
                        Ok(()) => {}
                        // The server has closed meanwhile; the Disconnect event follows.
                        Err(error) if error.status() == Status::NetworkStateMismatch => {}
                        Err(error) => return Err(error.to_string()),
                    }
                }
                EventKind::Disconnect => under_way -= 1,
                _ => {}
            }
        }
    }
}
