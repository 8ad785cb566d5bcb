//! Queues of datagrams, and messages that are being written.

use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{ConnectionState, EventKind, Status};

use crate::support::{Pair, status};

fn frames() -> NetworkSettings {
    NetworkSettings { fixed_frame_time_ms: 10, ..NetworkSettings::default() }
}

#[test]
fn a_full_send_queue_is_minus_5_and_then_writable() {
    for kind in [InterfaceKind::Ipc, InterfaceKind::Udp] {
        let settings =
            NetworkSettings { send_queue_capacity: 3, writable_events: true, ..frames() };
        let mut pair = Pair::with(kind, &settings);
        for number in 0..3u8 {
            pair.client.send(pair.to_server, 0, &[number]).expect("there is room");
        }
        for _ in 0..2 {
            let full = status(pair.client.send(pair.to_server, 0, b"x"));
            assert_eq!(full, Status::NetworkSendQueueFull);
        }
        let full = status(pair.client.begin_send(pair.to_server, 0, 0));
        assert_eq!(full, Status::NetworkSendQueueFull);
        let info = pair.client.connection_info(pair.to_server).expect("is open");
        assert_eq!((info.refused_out, info.messages_out), (3, 3));
        let writable = pair.client_event(EventKind::Writable);
        assert!(writable.data.is_empty());
        assert!(pair.client.pop_event().is_none(), "one is enough");
        pair.client.send(pair.to_server, 0, &[3]).expect("there is room");
        for number in 0..4u8 {
            assert_eq!(pair.server_event(EventKind::Data).data, [number][..]);
        }
        for _ in 0..3 {
            pair.frame();
            assert!(pair.client.pop_event().is_none(), "nobody was refused since");
        }
    }
}

#[test]
fn without_the_option_there_is_no_writable_event() {
    let settings = NetworkSettings { send_queue_capacity: 1, ..frames() };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    pair.client.send(pair.to_server, 0, b"x").expect("there is room");
    status(pair.client.send(pair.to_server, 0, b"x"));
    for _ in 0..3 {
        pair.frame();
        assert!(pair.client.pop_event().is_none());
    }
}

#[test]
fn the_send_queue_is_one_connections_own() {
    let settings = NetworkSettings { send_queue_capacity: 1, ..frames() };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    let second = pair.client.connect(0, &pair.endpoint, b"").expect("starts to connect");
    for _ in 0..3 {
        pair.frame();
    }
    assert_eq!(pair.client.connection_state(second), ConnectionState::Connected);
    pair.client.send(pair.to_server, 0, b"x").expect("there is room");
    status(pair.client.send(pair.to_server, 0, b"x"));
    pair.client.send(second, 0, b"x").expect("there is room here");
}

#[test]
fn datagrams_beyond_the_receive_queue_are_dropped_and_counted() {
    for kind in [InterfaceKind::Ipc, InterfaceKind::Udp] {
        let settings = NetworkSettings { receive_queue_capacity: 4, ..frames() };
        let mut pair = Pair::with(kind, &settings);
        for number in 0..10u8 {
            pair.client.send(pair.to_server, 0, &[number]).expect("there is room");
        }
        pair.client.flush().expect("flushes");
        crate::support::until("the drops", || {
            pair.server.update().expect("updates");
            (pair.server.statistics().dropped_in == 6).then_some(())
        });
        assert_eq!(pair.server.event_queue_size(pair.to_client), 4);
        let info = pair.server.connection_info(pair.to_client).expect("is open");
        assert_eq!((info.dropped_in, info.messages_in, info.inbound_bytes), (6, 4, 4));
        for number in 0..4u8 {
            assert_eq!(pair.server_event(EventKind::Data).data, [number][..]);
        }
        pair.client.send(pair.to_server, 0, b"again").expect("there is room");
        assert_eq!(pair.server_event(EventKind::Data).data, b"again"[..]);
    }
}

#[test]
fn datagrams_beyond_the_inbound_bytes_are_dropped_too() {
    let settings = NetworkSettings { inbound_bytes_max: 1000, ..frames() };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    for _ in 0..10 {
        pair.client.send(pair.to_server, 0, &[0; 400]).expect("there is room");
    }
    pair.client.flush().expect("flushes");
    pair.server.update().expect("updates");
    let info = pair.server.connection_info(pair.to_client).expect("is open");
    assert_eq!((info.inbound_bytes, info.dropped_in), (1200, 7), "up to one message beyond");
}

#[test]
fn a_peer_that_is_not_read_stays_connected() {
    let settings = NetworkSettings {
        receive_queue_capacity: 1,
        disconnect_timeout_ms: 200,
        heartbeat_timeout_ms: 50,
        ..frames()
    };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    for _ in 0..200 {
        let _ = pair.client.send(pair.to_server, 0, b"flood");
        pair.frame();
    }
    assert_eq!(pair.server.connection_state(pair.to_client), ConnectionState::Connected);
    // What the last frame has sent arrives and finds no room.
    pair.frame();
    pair.client.disconnect(pair.to_server).expect("is open");
    pair.server_event(EventKind::Data);
    pair.server_event(EventKind::Disconnect);
}

#[test]
fn so_many_messages_may_be_open_at_once_and_no_more() {
    let mut pair = Pair::with(InterfaceKind::Ipc, &frames());
    let handles: Vec<_> = (0..512)
        .map(|_| pair.client.begin_send(pair.to_server, 0, 1).expect("there is room"))
        .collect();
    let more = pair.client.begin_send(pair.to_server, 0, 1);
    assert_eq!(status(more), Status::LimitReached);
    pair.client.abort_send(handles[7]).expect("is open");
    let again = pair.client.begin_send(pair.to_server, 0, 1).expect("there is room again");
    assert_ne!(again, handles[7], "a place is used again, a handle is not");
    pair.client.update().expect("aborts them");
    pair.client.begin_send(pair.to_server, 0, 1).expect("all are gone");
}

#[test]
fn ends_beyond_the_send_queue_are_refused_and_over() {
    let settings = NetworkSettings { send_queue_capacity: 1, ..frames() };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    let one = pair.client.begin_send(pair.to_server, 0, 1).expect("there is room");
    let two = pair.client.begin_send(pair.to_server, 0, 1).expect("nothing is queued yet");
    pair.client.end_send(one, 1).expect("is sent");
    assert_eq!(status(pair.client.end_send(two, 1)), Status::NetworkSendQueueFull);
    assert_eq!(status(pair.client.end_send(two, 1)), Status::NetworkSendHandleInvalid);
}
