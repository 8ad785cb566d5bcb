//! Paths that take less than they did, and then more again, on virtual time.

use std::ffi::CStr;
use std::sync::Mutex;

use netdriver::log::{Level, set_sink};
use netdriver::settings::{InterfaceKind, NetworkSettings, NetworkSimulator};
use netdriver::{DisconnectReason, EventKind, NetworkDriver};

use super::carriers::{Talk, enter};
use crate::support::{driver, server};

fn frames() -> NetworkSettings {
    NetworkSettings { fixed_frame_time_ms: 10, ..NetworkSettings::default() }
}

fn numbered(number: u32, size: usize) -> Vec<u8> {
    let mut message = vec![number as u8; size];
    message[..4].copy_from_slice(&number.to_le_bytes());
    message
}

fn path_of(talk: &Talk) -> u32 {
    talk.client.connection_info(talk.to_server).expect("is open").path_mtu.into()
}

/// Sends messages as long as one packet may be, until the path is found to be so wide.
fn speak_until(talk: &mut Talk, found: u32, frames: usize) {
    let mut number = 0;
    for _ in 0..frames {
        let most = talk.client.payload_size_max(talk.to_server, 1).expect("is open") as usize;
        if talk.client.send(talk.to_server, 1, &numbered(number, most)).is_ok() {
            number += 1;
        }
        talk.frame();
        for message in Talk::received(&mut talk.server) {
            assert!(message.len() >= 200);
        }
        if path_of(talk) == found {
            return;
        }
    }
    panic!("the path is {}", path_of(talk));
}

#[test]
fn a_path_that_narrowed_is_tried_again_and_widens_and_narrows_again() {
    let settings = NetworkSettings { path_mtu_raise_interval_ms: 5000, ..frames() };
    let mut talk = Talk::new(&settings, "reliable:32");
    for _ in 0..3 {
        enter(&talk.air).size_max = 1100;
        speak_until(&mut talk, 1024, 1000);
        // While the path stays narrow, the attempts cost a few probes and no message.
        enter(&talk.air).swallowed = 0;
        for number in 0..1600u32 {
            talk.client.send(talk.to_server, 1, &numbered(number, 900)).expect("is taken");
            talk.frame();
            assert_eq!(path_of(&talk), 1024);
        }
        let swallowed = enter(&talk.air).swallowed;
        assert!((18..=27).contains(&swallowed), "three sizes, three rounds: {swallowed}");
        let resent = talk.client.connection_statistics(talk.to_server).expect("is open");
        assert_eq!(resent.reliable.packets_resent, 0);
        enter(&talk.air).size_max = 1390;
        speak_until(&mut talk, 1380, 1000);
        enter(&talk.air).size_max = usize::MAX;
        speak_until(&mut talk, 1400, 1000);
        // A message of the new length arrives.
        Talk::received(&mut talk.server);
        talk.client.send(talk.to_server, 1, &numbered(7, 1378)).expect("fits again");
        for _ in 0..100 {
            talk.frame();
        }
        let got = Talk::received(&mut talk.server);
        assert_eq!(got.last(), Some(&numbered(7, 1378)));
    }
}

#[test]
fn with_an_interval_of_0_a_narrow_path_is_left_alone() {
    let settings = NetworkSettings { path_mtu_raise_interval_ms: 0, ..frames() };
    let mut talk = Talk::new(&settings, "reliable:32");
    enter(&talk.air).size_max = 1100;
    speak_until(&mut talk, 1024, 1000);
    for _ in 0..100 {
        talk.frame();
    }
    enter(&talk.air).lengths.clear();
    for _ in 0..70_000 {
        talk.frame();
    }
    assert!(enter(&talk.air).lengths.iter().all(|&length| length < 100));
}

#[test]
fn what_discovery_has_found_is_tried_again_with_peers_of_unity_transport_too() {
    for session in [false, true] {
        let settings = NetworkSettings {
            perform_path_mtu_discovery: true,
            path_mtu_raise_interval_ms: 5000,
            session,
            ..frames()
        };
        let narrow = |receive_mtu| NetworkSimulator { receive_mtu, ..NetworkSimulator::default() };
        let (mut server, endpoint) = server(InterfaceKind::Ipc, &settings);
        server.set_network_simulator(&narrow(1310));
        let mut client = driver(InterfaceKind::Ipc, &settings);
        let connection = client.connect(0, &endpoint, b"").expect("starts to connect");
        let turn = |server: &mut NetworkDriver, client: &mut NetworkDriver| {
            server.update().expect("updates");
            client.update().expect("updates");
            while server.accept().is_some() {}
        };
        for _ in 0..100 {
            turn(&mut server, &mut client);
        }
        assert_eq!(client.message_size_max(connection).expect("is open"), 1300);
        server.set_network_simulator(&narrow(0));
        for _ in 0..600 {
            turn(&mut server, &mut client);
        }
        assert_eq!(client.message_size_max(connection).expect("is open"), 1400);
        assert_eq!(client.payload_size_max(connection, 0).expect("is open"), 1390);
    }
}

/// Lines of the log that tell that a path is wider now, with the size.
static WIDER: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[test]
fn the_log_tells_of_paths_that_widen_and_not_of_each_probe_of_a_discovery() {
    let sink = |_: Level, line: &CStr| {
        let line = line.to_string_lossy();
        // Of this test's connection alone.
        if ["1337", "1317", "1237"].iter().any(|size| line.contains(&format!("{size} bytes now"))) {
            WIDER.lock().expect("is whole").push(line.into_owned());
        }
    };
    set_sink(Some((Some(Level::Info), Box::new(sink)))).expect("is no sink");
    let settings = NetworkSettings {
        perform_path_mtu_discovery: true,
        path_mtu_raise_interval_ms: 5000,
        max_message_size: 1337,
        ..frames()
    };
    // Sessions begin when the discovery is over.
    let mut talk = Talk::begin(&settings, "reliable:32");
    for _ in 0..200 {
        talk.frame();
    }
    assert!(talk.client.connection_info(talk.to_server).expect("is open").session);
    assert_eq!(path_of(&talk), 1337);
    assert!(WIDER.lock().expect("is whole").is_empty());
    enter(&talk.air).size_max = 1100;
    speak_until(&mut talk, 1024, 1000);
    enter(&talk.air).size_max = usize::MAX;
    speak_until(&mut talk, 1337, 1000);
    set_sink(None).expect("is no sink");
    let lines = WIDER.lock().expect("is whole");
    assert!((1..=3).contains(&lines.len()) && lines.last().expect("one").contains("1337"));
}

#[test]
fn what_a_stage_has_under_way_when_the_session_begins_arrives_though_the_path_narrows() {
    // As long as a packet of Unity Transport may be, as one of a session, and several to a message.
    for (list, sizes) in [
        ("reliable:32", [1378, 1300, 30, 1370]),
        ("frag,reliable:32", [4000, 1300, 30, 3000]),
        ("reliable:32,useq", [1376, 1300, 30, 1370]),
        ("reliable:32", [1200, 10, 10, 10]),
    ] {
        for path in [1100, 700] {
            let mut talk = Talk::begin(&frames(), list);
            let long: Vec<Vec<u8>> = (0..4).map(|at| numbered(at, sizes[at as usize])).collect();
            for message in &long {
                talk.client.send(talk.to_server, 1, message).expect("the window has room");
                talk.server.send(talk.to_client, 1, message).expect("the window has room");
            }
            enter(&talk.air).size_max = path;
            let (mut there, mut back) = (Vec::new(), Vec::new());
            let mut later = 4..8u32;
            for frame in 0..3000 {
                talk.frame();
                there.extend(Talk::received(&mut talk.server));
                back.extend(Talk::received(&mut talk.client));
                // What comes later waits behind it, and comes in order.
                if frame >= 40
                    && let Some(number) = later.next()
                {
                    let short = numbered(number, 200);
                    talk.client.send(talk.to_server, 1, &short).expect("is taken");
                    talk.server.send(talk.to_client, 1, &short).expect("is taken");
                }
            }
            assert!(talk.client.connection_info(talk.to_server).expect("is open").session);
            let short = (4..8).map(|number| numbered(number, 200));
            let all = Vec::from_iter(long.into_iter().chain(short));
            let lengths = |got: &[Vec<u8>]| Vec::from_iter(got.iter().map(Vec::len));
            assert!(there == all, "{list} at {path}: {:?} came", lengths(&there));
            assert!(back == all, "{list} at {path}: {:?} came back", lengths(&back));
        }
    }
}

#[test]
fn with_a_peer_that_takes_no_pieces_such_a_connection_ends_with_a_reason() {
    for size in [1378, 1200] {
        let settings = NetworkSettings { disconnect_timeout_ms: 4000, ..frames() };
        let mut talk = Talk::begin(&settings, "reliable:32");
        enter(&talk.air).featureless = true;
        talk.client.send(talk.to_server, 1, &numbered(0, size)).expect("the window has room");
        enter(&talk.air).size_max = 1100;
        let mut reasons = Vec::new();
        for _ in 0..1500 {
            talk.frame();
            let events = std::iter::from_fn(|| talk.client.pop_event());
            reasons.extend(events.map(|event| (event.kind, event.reason)));
        }
        let timeout = (EventKind::Disconnect, DisconnectReason::Timeout);
        assert_eq!(reasons, [timeout], "{size}");
    }
}

#[test]
fn so_it_does_when_messages_are_sent_again_seldom() {
    for (list, size) in [("reliable:32", 1378), ("reliable:32", 1200), ("reliable:32,useq", 1376)] {
        let settings = NetworkSettings { disconnect_timeout_ms: 4000, ..frames() };
        let mut talk = Talk::begin(&settings, list);
        enter(&talk.air).featureless = true;
        talk.client.send(talk.to_server, 1, &numbered(0, size)).expect("the window has room");
        talk.client.set_resend_times(talk.to_server, 1, 7000, 8000).expect("can be");
        enter(&talk.air).size_max = 1100;
        let mut reasons = Vec::new();
        for _ in 0..12_000 {
            talk.frame();
            let events = std::iter::from_fn(|| talk.client.pop_event());
            reasons.extend(events.map(|event| (event.kind, event.reason)));
        }
        let timeout = (EventKind::Disconnect, DisconnectReason::Timeout);
        assert_eq!(reasons, [timeout], "{list} with {size}");
    }
}

#[test]
fn a_program_that_does_not_pop_for_long_ends_no_connection_of_a_peer_without_pieces() {
    for list in ["reliable:32", "reliable:32,useq"] {
        let settings =
            NetworkSettings { disconnect_timeout_ms: 4000, receive_queue_capacity: 4, ..frames() };
        let mut talk = Talk::begin(&settings, list);
        enter(&talk.air).featureless = true;
        for number in 0..12 {
            // Too long for a packet of the session.
            talk.client.send(talk.to_server, 1, &numbered(number, 1376)).expect("has room");
        }
        for _ in 0..2000 {
            talk.frame();
            assert!(talk.client.pop_event().is_none(), "{list}");
        }
        assert_eq!(path_of(&talk), 1400, "{list}");
        let mut got = Vec::new();
        for _ in 0..500 {
            talk.frame();
            got.extend(Talk::received(&mut talk.server));
        }
        assert_eq!(got, Vec::from_iter((0..12).map(|number| numbered(number, 1376))), "{list}");
    }
}

#[test]
fn only_a_peer_that_takes_pieces_gets_them() {
    for featureless in [false, true] {
        let settings = NetworkSettings { disconnect_timeout_ms: 60_000, ..frames() };
        let mut talk = Talk::begin(&settings, "reliable:32");
        enter(&talk.air).featureless = featureless;
        for _ in 0..20 {
            talk.frame();
        }
        assert!(talk.client.connection_info(talk.to_server).expect("is open").session);
        enter(&talk.air).size_max = 1100;
        let message = numbered(0, 1300);
        talk.client.send(talk.to_server, 1, &message).expect("is taken");
        for _ in 0..500 {
            talk.frame();
        }
        assert_eq!(path_of(&talk), 1024);
        let got = Talk::received(&mut talk.server);
        assert_eq!(got.len(), usize::from(!featureless));
        // Without pieces it leaves whole, and arrives when the path takes it again.
        enter(&talk.air).size_max = usize::MAX;
        for _ in 0..500 {
            talk.frame();
        }
        let late = Talk::received(&mut talk.server);
        assert!([got, late].concat() == [message]);
    }
}
