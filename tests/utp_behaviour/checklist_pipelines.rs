//! What tests/CHECKLIST.md asks of pipelines inside drivers and no other file shows.

use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{EventKind, Status};

use super::pipelines::stock;
use crate::support::{Pair, status};

const CARRIERS: [InterfaceKind; 3] =
    [InterfaceKind::Ipc, InterfaceKind::Udp, InterfaceKind::WebSocket];
/// Bytes of payload of the largest packet over UDP.
const PACKET: usize = 1390;

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 7 % 251) as u8).collect()
}

/// Sends a message through a pipeline; it has to arrive there whole and on the same pipeline.
#[track_caller]
fn cross(pair: &mut Pair, pipeline: u8, length: usize) {
    let message = pattern(length);
    pair.client.send(pair.to_server, pipeline, &message).expect("is sent");
    let event = pair.server_event(EventKind::Data);
    assert_eq!((event.pipeline, event.data.len()), (pipeline, length));
    assert!(event.data == message, "{length} bytes differ on pipeline {pipeline}");
}

#[test]
fn fragmented_messages_of_every_size_around_a_packet_cross_every_carrier() {
    for kind in CARRIERS {
        let list = "frag;frag,useq;useq,frag;frag,reliable:32";
        let mut pair = Pair::with_pipelines(kind, &NetworkSettings::default(), list);
        for pipeline in 1..=4 {
            for length in (PACKET - 100..PACKET + 100).step_by(9) {
                cross(&mut pair, pipeline, length);
            }
            for length in [0, 1, 3000, 2 * PACKET - 20, 4096 - 2, 4094] {
                cross(&mut pair, pipeline, length);
            }
        }
    }
}

#[test]
fn a_fragmented_message_may_have_the_capacity_that_was_asked_for() {
    for kind in CARRIERS {
        let list = "frag:100000;frag:100000,reliable:256";
        let mut pair = Pair::with_pipelines(kind, &NetworkSettings::default(), list);
        for pipeline in 1..=2 {
            cross(&mut pair, pipeline, 100_000);
            let refused = pair.client.send(pair.to_server, pipeline, &pattern(100_001));
            assert_eq!(status(refused), Status::NetworkPacketOverflow, "{kind:?}");
        }
    }
}

#[test]
fn a_window_of_one_packet_refuses_the_next_until_it_is_acknowledged() {
    // Windows come in steps of eight packets, as Unity Transport rounds them.
    let mut pair = Pair::with_pipelines(InterfaceKind::Ipc, &stock(), "frag,reliable:1");
    let message = pattern(5 * PACKET);
    for _ in 0..8 {
        pair.client.send(pair.to_server, 1, b"small").expect("is sent");
    }
    for refused in [&b"ninth"[..], &message[..3000]] {
        let refused = pair.client.send(pair.to_server, 1, refused);
        assert_eq!(status(refused), Status::NetworkSendQueueFull);
    }
    for _ in 0..8 {
        assert_eq!(&pair.server_event(EventKind::Data).data[..], b"small");
    }
    for _ in 0..4 {
        pair.frame();
    }
    pair.client.send(pair.to_server, 1, &message[..4096]).expect("there is room again");
    assert!(pair.server_event(EventKind::Data).data == message[..4096]);
}

#[test]
fn a_message_on_one_pipeline_is_no_message_on_another() {
    for kind in CARRIERS {
        let list = "frag;useq;reliable:32;frag,reliable:32;reliable:256";
        let mut pair = Pair::with_pipelines(kind, &NetworkSettings::default(), list);
        for turn in 0..3 {
            for pipeline in 0..=5 {
                cross(&mut pair, pipeline, 10 + turn);
            }
        }
    }
}
