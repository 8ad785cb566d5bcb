//! docs/COMING_FROM.md promises a counterpart for each member of other engines' classes: every name
//! in its columns must exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const TEXT: &str = include_str!("../docs/COMING_FROM.md");
const HEADER: &str = include_str!("../include/netdriver.h");

fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// All words of a text.
fn words(text: &str) -> BTreeSet<String> {
    text.split(|letter| !is_letter(letter)).map(str::to_owned).collect()
}

/// The words of all sources below a folder.
fn words_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("is a folder") {
        let path = entry.expect("is readable").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "tests" {
            words_below(&path, found);
        } else if name.ends_with(".cs") {
            found.extend(words(&fs::read_to_string(&path).expect("is text")));
        }
    }
}

/// The names in backticks of a cell, those with dots in their parts.
fn names(cell: &str) -> Vec<String> {
    let quoted = cell.split('`').skip(1).step_by(2);
    let parts = quoted.flat_map(|name| name.split('.')).map(str::to_owned);
    parts.filter(|name| !name.is_empty() && name.chars().all(is_letter)).collect()
}

/// What is no name of ours: header fields.
const OTHERS: [&str; 3] = ["Origin", "Cookie", "Set-Cookie"];

#[test]
fn every_counterpart_exists() {
    let c = words(HEADER);
    let mut csharp = BTreeSet::new();
    words_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("csharp"), &mut csharp);
    let mut rows = 0;
    let mut wrong = Vec::new();
    for line in TEXT.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        // Unity Transport's has no face: the C# API is its own.
        let (theirs, in_c, in_csharp, face) = match cells[..] {
            [theirs, in_c, in_csharp, face] => (theirs, in_c, in_csharp, face),
            [theirs, in_c, in_csharp] => (theirs, in_c, in_csharp, "–"),
            _ => continue,
        };
        if theirs == "there" {
            continue;
        }
        rows += 1;
        for (cell, known) in [(in_c, &c), (in_csharp, &csharp), (face, &csharp)] {
            let found = names(cell);
            if found.is_empty() && cell != "–" && !cell.contains('`') {
                wrong.push(format!("{theirs}: {cell:?} names nothing"));
            }
            let missing = found.iter().filter(|name| !OTHERS.contains(&name.as_str()));
            wrong.extend(
                missing.filter(|name| !known.contains(*name)).map(|n| format!("{theirs}: {n}")),
            );
        }
    }
    assert!(rows > 100, "only {rows} rows; the scan reads the wrong thing");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Members that they document, as their own words.
const THEIRS: &[&str] = &[
    "accept_stream",
    "poll",
    "get_ready_state",
    "send_text",
    "put_packet",
    "get_packet",
    "was_string_packet",
    "get_close_code",
    "get_close_reason",
    "get_requested_url",
    "get_selected_protocol",
    "set_no_delay",
    "handshake_headers",
    "supported_protocols",
    "inbound_buffer_size",
    "outbound_buffer_size",
    "max_queued_packets",
    "heartbeat_interval",
    "create_server",
    "create_client",
    "handshake_timeout",
    "get_peer",
    "disconnect_peer",
    "refuse_new_connections",
    "connect_to_url",
    "disconnect_from_host",
    "verify_ssl",
    "trusted_ssl_certificate",
    "connection_established",
    "connection_closed",
    "connection_error",
    "data_received",
    "server_close_request",
    "listen",
    "stop",
    "is_listening",
    "has_peer",
    "get_peer_address",
    "get_peer_port",
    "set_extra_headers",
    "bind_ip",
    "private_key",
    "ssl_certificate",
    "ca_chain",
    "client_connected",
    "client_close_request",
    "client_disconnected",
    "set_buffers",
    "set_write_mode",
    "OnOpen",
    "OnMessage",
    "OnBinary",
    "OnBinaryNoAlloc",
    "OnClosed",
    "OnError",
    "OnIncompleteFrame",
    "OnInternalRequestCreated",
    "Open",
    "Close",
    "Send",
    "SendAsText",
    "SendAsBinary",
    "IsOpen",
    "State",
    "BufferedAmount",
    "StartPingThread",
    "PingFrequency",
    "CloseAfterNoMessage",
    "Latency",
    "LastMessageReceived",
    "Context",
    // Unity Transport.
    "Bound",
    "Listening",
    "CheckHostnameLookupStatus",
    "SetAcceptPayload",
    "GetRemoteEndpoint",
    "MaxHeaderSize",
    "GetMaxSupportedMessageSize",
    "GetMaxSupportedPayloadSize",
    "BeginSend",
    "AbortSend",
    "PopEventForConnection",
    "GetEventQueueSizeForConnection",
    "ScheduleFlushSend",
    "RegisterPipelineStage",
    "GetPipelineBuffers",
    "GetConnectionStatistics",
    "ReceiveErrorCode",
    "CurrentSettings",
    "TryGet",
    "AddRawParameterStruct",
    "ModifySimulatorStageParameters",
    "ModifyNetworkSimulatorParameters",
    "WithSecureServerParameters",
    "PacketsQueue",
    "INetworkPipelineStage",
    "MultiNetworkDriver",
    "GetDriverForConnection",
    "StreamCompressionModel",
    "Relay",
];

/// A row says that these are all here.
const ALL_HERE: &str = "| type | its members, all of them here |\n|---|---|\n";

#[test]
fn every_member_of_unity_transport_that_the_table_has_is_here() {
    let mut csharp = BTreeSet::new();
    words_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("csharp"), &mut csharp);
    let (_, rows) = TEXT.split_once(ALL_HERE).expect("there is the table");
    let mut count = 0;
    let mut missing = BTreeSet::new();
    for row in rows.lines().take_while(|line| line.starts_with("| ")) {
        let names = names(row);
        count += names.len();
        missing.extend(names.into_iter().filter(|name| !csharp.contains(name)));
    }
    assert!(count > 350, "only {count} names; the scan reads the wrong thing");
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_member_of_theirs_has_a_row() {
    let rows = TEXT.lines().filter(|line| line.starts_with("| "));
    let left: String = rows.filter_map(|line| line.split(" | ").next()).collect();
    let known = words(&left);
    let missing: Vec<_> = THEIRS.iter().filter(|name| !known.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
