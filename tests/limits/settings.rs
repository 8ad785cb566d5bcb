//! The bounds of every setting: a value outside is refused by the field's name.

use netdriver::settings::{
    CONNECTIONS_LIMIT, FRAGMENT_SIZE_MIN, InterfaceKind, InterfaceSettings, NetworkSettings,
    NetworkSimulator, PATH_SIZE_MAX, SUB_PROTOCOLS_MAX, WEBSOCKET_MESSAGE_SIZE_LIMIT,
};
use netdriver::{NetworkDriver, Status};

use crate::support::status;

/// Those about time, connections and sizes.
const FIELDS: &[Row] = &[
    ("connect_timeout_ms", |s| s.connect_timeout_ms = -1, None),
    ("max_connect_attempts", |s| s.max_connect_attempts = -1, None),
    ("disconnect_timeout_ms", |s| s.disconnect_timeout_ms = -1, None),
    ("heartbeat_timeout_ms", |s| s.heartbeat_timeout_ms = -1, None),
    ("reconnection_timeout_ms", |s| s.reconnection_timeout_ms = -1, None),
    ("max_frame_time_ms", |s| s.max_frame_time_ms = -1, None),
    ("fixed_frame_time_ms", |s| s.fixed_frame_time_ms = -1, None),
    ("receive_queue_capacity", |s| s.receive_queue_capacity = 0, None),
    ("send_queue_capacity", |s| s.send_queue_capacity = 0, None),
    ("max_message_size", |s| s.max_message_size = 0, Some(|s| s.max_message_size = 1473)),
    (
        "connections_max",
        |s| s.connections_max = 0,
        Some(|s| s.connections_max = CONNECTIONS_LIMIT + 1),
    ),
    ("inbound_bytes_max", |s| s.inbound_bytes_max = 0, None),
    ("outbound_bytes_max", |s| s.outbound_bytes_max = 1413, None),
    (
        "pending_handshakes_max",
        |s| s.pending_handshakes_max = 0,
        Some(|s| s.pending_handshakes_max = CONNECTIONS_LIMIT + 1),
    ),
    ("head_size_max", |s| s.head_size_max = 255, Some(|s| s.head_size_max = 65_537)),
    ("handshake_timeout_ms", |s| s.handshake_timeout_ms = 0, None),
    ("plain_grace_ms", |s| s.plain_grace_ms = -1, None),
    (
        "websocket_message_size_max",
        |s| s.websocket_message_size_max = 0,
        Some(|s| s.websocket_message_size_max = WEBSOCKET_MESSAGE_SIZE_LIMIT + 1),
    ),
    ("close_timeout_ms", |s| s.close_timeout_ms = 0, None),
    ("ping_interval_ms", |s| s.ping_interval_ms = -1, None),
    ("pong_timeout_ms", |s| s.pong_timeout_ms = -1, None),
    ("silence_timeout_ms", |s| s.silence_timeout_ms = -1, None),
    ("connect_race_delay_ms", |s| s.connect_race_delay_ms = -1, None),
    (
        "unvalidated_connections_max",
        |s| s.unvalidated_connections_max = 0,
        Some(|s| s.unvalidated_connections_max = CONNECTIONS_LIMIT + 1),
    ),
    ("unvalidated_timeout_ms", |s| s.unvalidated_timeout_ms = -1, None),
    ("requests_per_address_max", |s| s.requests_per_address_max = 65_535, None),
    ("round_trip_interval_ms", |s| s.round_trip_interval_ms = -1, None),
    ("path_mtu_raise_interval_ms", |s| s.path_mtu_raise_interval_ms = -1, None),
];

/// Those about the shape of messages.
const MESSAGE_FIELDS: &[Row] = &[
    ("deflate_level", |s| s.deflate_level = 0, Some(|s| s.deflate_level = 10)),
    ("deflate_window_bits", |s| s.deflate_window_bits = 8, Some(|s| s.deflate_window_bits = 16)),
    (
        "deflate_peer_window_bits",
        |s| s.deflate_peer_window_bits = 8,
        Some(|s| s.deflate_peer_window_bits = 16),
    ),
    ("deflate_no_context_takeover", |s| s.deflate_no_context_takeover = 4, None),
    (
        "deflate_minimum_length",
        |s| s.deflate_minimum_length = WEBSOCKET_MESSAGE_SIZE_LIMIT + 1,
        None,
    ),
    ("session_repair_percent", |s| s.session_repair_percent = 101, None),
    ("job_workers", |s| s.job_workers = 65, None),
    (
        "fragment_size",
        |s| s.fragment_size = FRAGMENT_SIZE_MIN - 1,
        Some(|s| s.fragment_size = WEBSOCKET_MESSAGE_SIZE_LIMIT + 1),
    ),
];

/// Those of pipelines.
const PIPELINE_FIELDS: &[Row] = &[
    (
        "fragmentation_payload_capacity",
        |s| s.fragmentation.payload_capacity = 0,
        Some(|s| s.fragmentation.payload_capacity = 24_115_776),
    ),
    (
        "reliable_window_size",
        |s| s.reliable.window_size = 0,
        Some(|s| s.reliable.window_size = 2041),
    ),
    ("reliable_minimum_resend_time_ms", |s| s.reliable.minimum_resend_time_ms = 0, None),
    ("reliable_maximum_resend_time_ms", |s| s.reliable.maximum_resend_time_ms = 64, None),
    (
        "simulator_stage",
        |s| s.simulator_stage.fuzz_factor = -1.0,
        Some(|s| s.simulator_stage.packet_drop_percentage = 101.0),
    ),
];

fn rows() -> impl Iterator<Item = &'static Row> {
    FIELDS.iter().chain(MESSAGE_FIELDS).chain(PIPELINE_FIELDS)
}

type Change = fn(&mut NetworkSettings);
/// A field, a change that is too low, one that is too high where there is one.
type Row = (&'static str, Change, Option<Change>);

#[test]
fn a_value_out_of_bounds_is_refused_by_its_name() {
    for &(name, low, high) in rows() {
        for change in [Some(low), high].into_iter().flatten() {
            let mut settings = NetworkSettings::default();
            change(&mut settings);
            let refused = settings.validate().expect_err(name);
            assert_eq!(refused.status(), Status::InvalidArgument, "{name}");
            assert!(refused.text().contains(name), "{name}: {}", refused.text());
            let driver = NetworkDriver::new(&settings).map(|_| ()).expect_err(name);
            assert_eq!(driver, refused);
        }
    }
}

#[test]
fn every_field_has_its_row() {
    let shown = format!("{:?}", NetworkSettings::default());
    let mut depth = 0;
    let outside: String = shown
        .chars()
        .filter(|&c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 1
        })
        .collect();
    let parts = outside.trim_start_matches('{').split(", ");
    let fields: Vec<&str> =
        parts.filter_map(|field| field.trim().split_once(':')).map(|f| f.0).collect();
    assert!(fields.len() > 30, "{fields:?}");
    let unbounded = ["cookie_threshold", "connections_per_address_max"];
    let switches = [
        "accept_payload_before_validation",
        "perform_path_mtu_discovery",
        "writable_events",
        "fragment_events",
        "pong_events",
        "close_request_events",
        "local_close_events",
        "deflate",
        "tolerate_throttled",
        "session",
        "background_pump",
        "sub_protocol_rule",
        // Any number is a limit.
        "websocket_send_queue_capacity",
    ];
    for field in fields {
        let group = format!("{field}_");
        let known = rows().any(|row| row.0 == field || row.0.starts_with(&group))
            || switches.contains(&field)
            || unbounded.contains(&field);
        assert!(known, "{field} has no row here");
    }
}

fn smallest() -> NetworkSettings {
    NetworkSettings {
        connect_timeout_ms: 0,
        max_connect_attempts: 0,
        disconnect_timeout_ms: 0,
        heartbeat_timeout_ms: 0,
        receive_queue_capacity: 1,
        send_queue_capacity: 1,
        max_message_size: 27,
        connections_max: 1,
        inbound_bytes_max: 1,
        outbound_bytes_max: 27 + 14,
        pending_handshakes_max: 1,
        head_size_max: 256,
        handshake_timeout_ms: 1,
        plain_grace_ms: 0,
        websocket_message_size_max: 1,
        close_timeout_ms: 1,
        ping_interval_ms: 0,
        pong_timeout_ms: 0,
        silence_timeout_ms: 0,
        tolerate_throttled: true,
        deflate: true,
        deflate_level: 1,
        deflate_window_bits: 9,
        deflate_peer_window_bits: 9,
        deflate_no_context_takeover: 0,
        deflate_minimum_length: 0,
        fragment_size: FRAGMENT_SIZE_MIN,
        unvalidated_connections_max: 1,
        cookie_threshold: 0,
        unvalidated_timeout_ms: 0,
        connections_per_address_max: 0,
        requests_per_address_max: 0,
        round_trip_interval_ms: 0,
        path_mtu_raise_interval_ms: 0,
        perform_path_mtu_discovery: true,
        ..NetworkSettings::default()
    }
}

fn largest() -> NetworkSettings {
    NetworkSettings {
        connect_timeout_ms: i32::MAX,
        max_connect_attempts: i32::MAX,
        disconnect_timeout_ms: i32::MAX,
        heartbeat_timeout_ms: i32::MAX,
        receive_queue_capacity: i32::MAX,
        send_queue_capacity: i32::MAX,
        max_message_size: 1472,
        connections_max: CONNECTIONS_LIMIT,
        inbound_bytes_max: u32::MAX,
        outbound_bytes_max: u32::MAX,
        pending_handshakes_max: CONNECTIONS_LIMIT,
        head_size_max: 65_536,
        handshake_timeout_ms: i32::MAX,
        plain_grace_ms: i32::MAX,
        websocket_message_size_max: WEBSOCKET_MESSAGE_SIZE_LIMIT,
        close_timeout_ms: i32::MAX,
        ping_interval_ms: i32::MAX,
        pong_timeout_ms: i32::MAX,
        silence_timeout_ms: i32::MAX,
        tolerate_throttled: true,
        deflate: true,
        deflate_level: 9,
        deflate_window_bits: 15,
        deflate_peer_window_bits: 15,
        deflate_no_context_takeover: 3,
        deflate_minimum_length: WEBSOCKET_MESSAGE_SIZE_LIMIT,
        fragment_size: WEBSOCKET_MESSAGE_SIZE_LIMIT,
        unvalidated_connections_max: CONNECTIONS_LIMIT,
        cookie_threshold: u32::MAX,
        unvalidated_timeout_ms: i32::MAX,
        connections_per_address_max: u32::MAX,
        requests_per_address_max: 65_534,
        round_trip_interval_ms: i32::MAX,
        path_mtu_raise_interval_ms: i32::MAX,
        perform_path_mtu_discovery: true,
        ..NetworkSettings::default()
    }
}

#[test]
fn the_ends_of_the_bounds_are_inside() {
    for settings in [smallest(), largest()] {
        settings.validate().expect("is inside");
        for kind in
            [InterfaceKind::Udp, InterfaceKind::WebSocket, InterfaceKind::Ipc, InterfaceKind::Tcp]
        {
            let (mut server, endpoint) = crate::support::server(kind, &settings);
            let mut client = crate::support::driver(kind, &settings);
            let _ = client.connect(0, &endpoint, b"");
            crate::support::settle(&mut [&mut server, &mut client], 5);
        }
    }
}

#[test]
fn the_defaults_are_unity_transports() {
    let s = NetworkSettings::default();
    let times = [
        s.connect_timeout_ms,
        s.max_connect_attempts,
        s.disconnect_timeout_ms,
        s.heartbeat_timeout_ms,
        s.reconnection_timeout_ms,
        s.max_frame_time_ms,
        s.fixed_frame_time_ms,
    ];
    assert_eq!(times, [1000, 60, 30_000, 500, 2000, 0, 0]);
    assert_eq!((s.receive_queue_capacity, s.send_queue_capacity), (512, 512));
    assert_eq!(s.max_message_size, 1400);
}

#[test]
fn paths_and_sub_protocols_of_an_interface_are_checked() {
    let good = InterfaceSettings::new(InterfaceKind::WebSocket);
    let long = format!("/{}", "a".repeat(PATH_SIZE_MAX));
    for path in ["", "x", "/a b", "/ä", "/\n", &long] {
        let path = Some(path.to_owned());
        let all = [
            ("path", InterfaceSettings { path: path.clone(), ..good.clone() }),
            ("utp_path", InterfaceSettings { utp_path: path.clone(), ..good.clone() }),
            ("plain_path", InterfaceSettings { plain_path: path.clone(), ..good.clone() }),
        ];
        for (name, interface) in all {
            let mut driver = NetworkDriver::new(&NetworkSettings::default()).expect("a driver");
            let refused = driver.add_interface(interface).expect_err(name);
            assert_eq!(refused.status(), Status::InvalidArgument);
            assert!(refused.text().contains(name), "{}", refused.text());
        }
    }
    let longest = Some(long[..PATH_SIZE_MAX].to_owned());
    InterfaceSettings { path: longest, ..good.clone() }.validate().expect("is short enough");
    let names = |names: Vec<String>| InterfaceSettings { sub_protocols: names, ..good.clone() };
    let many = vec!["a".to_owned(); SUB_PROTOCOLS_MAX + 1];
    for bad in [vec![String::new()], vec!["a b".to_owned()], vec!["a,b".to_owned()], many] {
        assert_eq!(status(names(bad).validate()), Status::InvalidArgument);
    }
}

#[test]
fn packets_too_small_for_a_connection_request_are_refused_with_the_interface() {
    for (kind, least) in
        [(InterfaceKind::Udp, 13), (InterfaceKind::Tcp, 15), (InterfaceKind::WebSocket, 27)]
    {
        for (max_message_size, fits) in [(least - 1, false), (least, true)] {
            let settings = NetworkSettings { max_message_size, ..NetworkSettings::default() };
            let mut driver = NetworkDriver::new(&settings).expect("is inside");
            let added = driver.add_interface(InterfaceSettings::new(kind));
            if fits {
                added.expect("a request fits");
            } else {
                let refused = added.expect_err("a request does not fit");
                assert_eq!(refused.status(), Status::InvalidArgument);
                assert!(refused.text().contains("max_message_size"), "{refused}");
            }
        }
    }
}

#[test]
fn the_bad_network_takes_percentages_only() {
    let off = NetworkSimulator::default();
    off.validate().expect("is fine");
    for percent in [-0.1, 100.1, f32::NAN, f32::INFINITY] {
        let all = [
            NetworkSimulator { send_loss_percent: percent, ..off },
            NetworkSimulator { receive_loss_percent: percent, ..off },
            NetworkSimulator { send_duplicate_percent: percent, ..off },
            NetworkSimulator { send_reorder_percent: percent, ..off },
        ];
        for simulator in all {
            assert_eq!(status(simulator.validate()), Status::InvalidArgument);
        }
    }
}

#[test]
fn interfaces_and_addresses_have_a_limit() {
    let mut driver = NetworkDriver::new(&NetworkSettings::default()).expect("a driver");
    for _ in 0..16 {
        driver.add_interface(InterfaceSettings::new(InterfaceKind::Ipc)).expect("fits");
    }
    let more = driver.add_interface(InterfaceSettings::new(InterfaceKind::Ipc));
    assert_eq!(status(more), Status::LimitReached);
    let any = netdriver::NetworkEndpoint::loopback_ipv4(0);
    for _ in 0..16 {
        driver.bind(0, &any).expect("fits");
    }
    assert_eq!(status(driver.bind(0, &any)), Status::LimitReached);
    driver.bind(1, &any).expect("another interface has its own");
}

#[test]
fn documents_have_a_number_and_a_size() {
    let mut driver = crate::support::driver(InterfaceKind::WebSocket, &NetworkSettings::default());
    for number in 0..64 {
        driver.set_document(0, &format!("/{number}"), "text/plain", b"x").expect("fits");
    }
    let more = driver.set_document(0, "/more", "text/plain", b"x");
    assert_eq!(status(more), Status::LimitReached);
    driver.set_document(0, "/0", "text/plain", b"y").expect("replacing is fine");
    driver.remove_document(0, "/1").expect("is there");
    driver.set_document(0, "/more", "text/plain", b"x").expect("there is room again");
    let huge = vec![0; (16 << 20) + 1];
    assert_eq!(status(driver.set_document(0, "/0", "a/b", &huge)), Status::InvalidArgument);
    driver.set_document(0, "/0", "a/b", &huge[1..]).expect("fits");
}
