//! Who speaks it with whom, and what others see of that: nothing.

use netdriver::proto::session::hello::{ATTEMPTS_MAX, Hello};
use netdriver::proto::session::packet::is_session;
use netdriver::proto::utp::packet::{Packet, parse};
use netdriver::settings::{InterfaceKind, NetworkSettings, PipelineStage};
use netdriver::{EventKind, Status};

use super::carriers::{Talk, enter};
use super::relay::Relayed;
use crate::support::{Pair, driver, listen, status};

fn stock() -> NetworkSettings {
    NetworkSettings { session: false, ..NetworkSettings::default() }
}

const PIPELINES: &str = "frag;useq;reliable:32;frag,reliable:32";

/// Sends through every pipeline both ways, and waits until all has arrived.
fn converse(pair: &mut Relayed) {
    for pipeline in 0..=4 {
        let message = vec![pipeline; if pipeline == 1 || pipeline == 4 { 3000 } else { 100 }];
        pair.client.send(pair.to_server, pipeline, &message).expect("is sent");
        let mut arrived = 0;
        crate::support::until("the message and its echo", || {
            pair.turn();
            while let Some(event) = pair.server.pop_event() {
                assert_eq!((event.pipeline, &event.data[..]), (pipeline, &message[..]));
                pair.server.send(pair.to_client, pipeline, &event.data).expect("is sent");
            }
            while let Some(event) = pair.client.pop_event() {
                assert_eq!((event.pipeline, &event.data[..]), (pipeline, &message[..]));
                arrived += 1;
            }
            (arrived == 1).then_some(())
        });
    }
}

#[test]
fn two_netdriver_peers_agree_and_go_on_in_session_packets() {
    let settings = NetworkSettings::default();
    let mut pair = Relayed::new(&settings, &settings, PIPELINES);
    pair.agree();
    pair.relay.seen.clear();
    converse(&mut pair);
    let others = pair.relay.seen.iter().filter(|(_, datagram)| !is_session(datagram));
    for (_, datagram) in others {
        // A heartbeat, or a message that may be lost and had a datagram to itself.
        let packet = parse(datagram).unwrap_or_else(|error| panic!("{error}: {datagram:02x?}"));
        let reliable = matches!(packet, Packet::Data { pipeline: 3 | 4, .. });
        assert!(!reliable && !datagram.starts_with(b"UTP"), "{packet:?}");
    }
    assert!(pair.relay.seen.iter().any(|(_, datagram)| is_session(datagram)));
    let info = pair.client.connection_info(pair.to_server).expect("is open");
    assert!(info.round_trip_us > 0 && info.loss_permille == 0, "{info:?}");
}

#[test]
fn a_peer_with_the_extension_off_sees_messages_of_unity_transport_alone() {
    for (ours, theirs) in
        [(stock(), NetworkSettings::default()), (NetworkSettings::default(), stock())]
    {
        let mut pair = Relayed::new(&ours, &theirs, PIPELINES);
        converse(&mut pair);
        for _ in 0..300 {
            pair.turn();
        }
        converse(&mut pair);
        let mut hellos = 0;
        for (from_client, datagram) in &pair.relay.seen {
            let packet = parse(datagram).unwrap_or_else(|error| panic!("{error}: {datagram:02x?}"));
            if let Packet::Data { pipeline, payload, .. } = packet
                && pipeline > 4
            {
                assert!(*from_client && pipeline == 255, "a server asks nothing");
                assert!(Hello::parse(payload).is_some());
                hellos += 1;
            }
        }
        assert!(hellos <= ATTEMPTS_MAX, "{hellos} times");
        assert_eq!(hellos > 0, theirs.session);
        let ours = pair.server.connection_info(pair.to_client).expect("is open");
        let theirs = pair.client.connection_info(pair.to_server).expect("is open");
        assert!(!ours.session && !theirs.session);
        assert_eq!(pair.server.statistics().malformed_in, 0);
    }
}

#[test]
fn a_hello_of_another_version_is_ignored_and_counted_on_either_side() {
    let settings = NetworkSettings { fixed_frame_time_ms: 10, ..NetworkSettings::default() };
    for version in [1, 3] {
        for versions in [[Some(version), None], [None, Some(version)]] {
            let mut talk = Talk::of_versions(&settings, PIPELINES, versions);
            for number in 0..200u8 {
                for pipeline in [1, 3, 4] {
                    talk.client.send(talk.to_server, pipeline, &[number; 1000]).expect("is sent");
                    talk.server.send(talk.to_client, pipeline, &[number; 1000]).expect("is sent");
                }
                for _ in 0..5 {
                    talk.frame();
                }
                assert_eq!(Talk::received(&mut talk.server), vec![vec![number; 1000]; 3]);
                assert_eq!(Talk::received(&mut talk.client), vec![vec![number; 1000]; 3]);
            }
            let ours = talk.server.connection_info(talk.to_client).expect("is open");
            let theirs = talk.client.connection_info(talk.to_server).expect("is open");
            assert!(!ours.session && !theirs.session);
            let ignored = [&talk.server, &talk.client].map(|side| side.statistics().malformed_in);
            let asked = u64::from(ATTEMPTS_MAX);
            let [hellos, answers] = enter(&talk.air).hellos;
            if versions[0].is_some() {
                assert_eq!((hellos, answers, ignored), (asked, 0, [asked, 0]), "{version}");
            } else {
                assert_eq!((hellos, answers, ignored), (asked, asked, [0, asked]), "{version}");
            }
        }
    }
}

#[test]
fn sessions_are_for_datagrams() {
    for kind in [InterfaceKind::Udp, InterfaceKind::Ipc, InterfaceKind::WebSocket] {
        let mut pair = Pair::new(kind);
        for _ in 0..20 {
            pair.step();
        }
        let expected = kind != InterfaceKind::WebSocket;
        let ours = pair.server.connection_info(pair.to_client).expect("is open").session;
        let theirs = pair.client.connection_info(pair.to_server).expect("is open").session;
        assert_eq!((ours, theirs), (expected, expected), "{kind:?}");
    }
}

#[test]
fn with_255_pipelines_there_is_no_room_for_a_hello() {
    let settings = NetworkSettings { fixed_frame_time_ms: 10, ..NetworkSettings::default() };
    let mut server = driver(InterfaceKind::Ipc, &settings);
    let mut client = driver(InterfaceKind::Ipc, &settings);
    for _ in 0..255 {
        for side in [&mut server, &mut client] {
            side.create_pipeline(&[PipelineStage::Null]).expect("there is room");
        }
    }
    let endpoint = listen(&mut server);
    let to_server = client.connect(0, &endpoint, b"").expect("starts to connect");
    for _ in 0..20 {
        client.update().expect("updates");
        server.update().expect("updates");
    }
    assert_eq!(client.pop_event().expect("connects").kind, EventKind::Connect);
    assert!(server.accept().is_some());
    assert!(!client.connection_info(to_server).expect("is open").session);
    client.send(to_server, 255, b"a message like any other").expect("is sent");
    client.update().expect("updates");
    server.update().expect("updates");
    let event = server.pop_event().expect("arrives");
    assert_eq!((event.kind, event.pipeline), (EventKind::Data, 255));
}

#[test]
fn what_cannot_be_is_refused() {
    let settings = NetworkSettings { session_repair_percent: 101, ..NetworkSettings::default() };
    let refused = netdriver::NetworkDriver::new(&settings).map(|_| ());
    assert_eq!(status(refused), Status::InvalidArgument);
    let mut driver = driver(InterfaceKind::Udp, &NetworkSettings::default());
    assert_eq!(status(driver.set_pipeline_priority(0, 1)), Status::InvalidArgument);
    assert_eq!(status(driver.set_pipeline_priority(1, 1)), Status::InvalidArgument);
}
