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

/// The name that a line of C# declares as public; comments and uses declare none.
fn declared(line: &str) -> Option<&str> {
    let declaration = line.trim().strip_prefix("public ")?;
    let head = declaration.split(['(', '{', '=', ';', ':']).next()?.trim_end();
    // Get<T> is Get.
    let head = if head.ends_with('>') { head.rsplit_once('<')?.0 } else { head };
    head.rsplit(|letter| !is_letter(letter)).next().filter(|name| !name.is_empty())
}

/// The public names of a C# source, values of its enumerations and its namespace among them.
fn declarations(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut in_enumeration = false;
    for line in source.lines().map(str::trim) {
        let ends = line.starts_with('}');
        if in_enumeration && !line.starts_with("//") {
            let value = line.split(|letter| !is_letter(letter)).next();
            found.extend(value.filter(|name| !name.is_empty()).map(str::to_owned));
        }
        in_enumeration = !ends && (in_enumeration || line.starts_with("public enum "));
        found.extend(declared(line).map(str::to_owned));
        let namespace = line.strip_prefix("namespace ").unwrap_or_default();
        found.extend(names(&format!("`{namespace}`")));
    }
    found
}

/// The public names of all C# sources below a folder.
fn declarations_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("is a folder") {
        let path = entry.expect("is readable").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !["tests", "Samples~"].contains(&name) {
            declarations_below(&path, found);
        } else if name.ends_with(".cs") {
            found.extend(declarations(&fs::read_to_string(&path).expect("is text")));
        }
    }
}

fn csharp_declarations() -> BTreeSet<String> {
    let mut csharp = BTreeSet::new();
    declarations_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("csharp"), &mut csharp);
    csharp
}

#[test]
fn a_declaration_is_a_public_one_and_no_comment_or_use() {
    let source = "namespace NetDriver.Some\n{\n\
        /// <summary>A comment of public int Said().</summary>\n\
        public enum Kind : byte\n{\n/// <summary>Text, and more.</summary>\nFirst = 1,\nLast,\n}\n\
        internal int Hidden;\n// public int Out;\n\
        public static NativeArray<byte> Bytes(int argument)\n\
        public static Id Get<T>()\npublic ulong Total { get; private set; }\n\
        public const int Most = Other;\npublic bool IsCreated\n{\nget { return Used(); }\n}\n\
        new Parameters\n{\nInitialised = 1,\n};\n";
    let kinds = ["Kind", "First", "Last", "NetDriver", "Some"];
    let members = ["Bytes", "Get", "IsCreated", "Most", "Total"];
    let expected = kinds.iter().chain(&members).map(|name| (*name).to_owned()).collect();
    assert_eq!(declarations(source), expected);
}

/// The names in backticks of a cell, those with dots in their parts.
fn names(cell: &str) -> Vec<String> {
    let quoted = cell.split('`').skip(1).step_by(2);
    let parts = quoted.flat_map(|name| name.split('.')).map(str::to_owned);
    parts.filter(|name| !name.is_empty() && name.chars().all(is_letter)).collect()
}

/// What is no name of ours: header fields, and Unity's jobs.
const OTHERS: [&str; 5] = ["Origin", "Cookie", "Set-Cookie", "IJob", "IJobParallelForDefer"];

#[test]
fn every_counterpart_exists() {
    let c = words(HEADER);
    let csharp = csharp_declarations();
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

/// A row says that these are all here: under that name, as something public. Whether it belongs to
/// the row's type, tests/unity/MemberTable.cs asks the compiled library.
const ALL_HERE: &str = "| type | its members, all of them here |\n|---|---|\n";

#[test]
fn every_member_of_unity_transport_that_the_table_has_is_here() {
    let csharp = csharp_declarations();
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
