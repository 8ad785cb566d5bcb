//! What was popped by threads is popped: once, with all that follows from it.

use netdriver::settings::{InterfaceKind, NetworkSettings, PipelineStage};
use netdriver::{ConnectionState, EventKind};

use crate::support::{Pair, until};

/// Messages wait in the server.
fn arrived(pair: &mut Pair, count: u32) {
    let to_client = pair.to_client;
    until("the messages", || {
        pair.step();
        (pair.server.event_queue_size(to_client) == count).then_some(())
    });
    pair.server.update().expect("shows them");
}

#[test]
fn both_ways_of_popping_mix() {
    let mut pair = Pair::new(InterfaceKind::Udp);
    let to_client = pair.to_client;
    for text in ["a", "b", "c", "d"] {
        pair.client.send(pair.to_server, 0, text.as_bytes()).expect("is sent");
    }
    arrived(&mut pair, 4);
    assert_eq!(pair.server.pop_event().expect("waits").data, &b"a"[..]);
    pair.server.concurrent(|server| {
        assert_eq!(server.event_queue_size(to_client).expect("is alone"), 3);
        let event = server.pop_event_for_connection(to_client).expect("is alone").expect("waits");
        assert_eq!(event.data, b"b");
        assert_eq!(server.event_queue_size(to_client).expect("is alone"), 2);
    });
    assert_eq!(pair.server.event_queue_size(to_client), 2);
    assert_eq!(pair.server.pop_event_for_connection(to_client).expect("waits").data, &b"c"[..]);
    pair.server.concurrent(|server| {
        let mut seen = Vec::new();
        let popped =
            server.pop_events_for_connection(to_client, 9, |event| seen.push(event.data.to_vec()));
        assert_eq!((popped.expect("is alone"), &seen[0][..]), (1, &b"d"[..]));
        assert_eq!(server.pop_events_for_connection(to_client, 9, |_| ()).expect("is alone"), 0);
    });
    assert!(pair.server.pop_event().is_none());
    assert_eq!(pair.server.statistics().messages_in, 4);
}

#[test]
fn popping_lets_a_full_connection_read_on() {
    let settings = NetworkSettings { receive_queue_capacity: 8, ..NetworkSettings::default() };
    let mut pair = Pair::plain(&settings, &NetworkSettings::default());
    let to_client = pair.to_client;
    for number in 0..32_u8 {
        pair.client.send(pair.to_server, 0, &[number]).expect("is sent");
    }
    let mut seen = Vec::new();
    until("all messages", || {
        pair.step();
        assert!(pair.server.event_queue_size(to_client) <= 8);
        pair.server.concurrent(|server| {
            let each = |event: netdriver::EventView<'_>| seen.extend_from_slice(event.data);
            server.pop_events_for_connection(to_client, 64, each).expect("is alone")
        });
        (seen.len() == 32).then_some(())
    });
    assert!(seen.into_iter().eq(0..32));
}

#[test]
fn a_popped_end_is_the_end() {
    let mut pair = Pair::plain(&NetworkSettings::default(), &NetworkSettings::default());
    let to_client = pair.to_client;
    pair.client.send(pair.to_server, 0, b"last").expect("is sent");
    pair.client.disconnect(pair.to_server).expect("closes");
    let mut kinds = Vec::new();
    until("the end", || {
        pair.step();
        pair.server.concurrent(|server| {
            let each = |event: netdriver::EventView<'_>| kinds.push(event.kind);
            server.pop_events_for_connection(to_client, 64, each).expect("is alone");
        });
        kinds.contains(&EventKind::Disconnect).then_some(())
    });
    assert_eq!(kinds, [EventKind::Data, EventKind::Disconnect]);
    assert_eq!(pair.server.connection_state(to_client), ConnectionState::Disconnected);
    pair.server.connection_info(to_client).expect("is known until the update");
    pair.server.update().expect("updates");
    pair.server.connection_info(to_client).expect_err("is forgotten");
}

#[test]
fn a_close_request_is_the_first_of_those_popped_at_once_and_starts_the_time_to_answer() {
    let settings = NetworkSettings { close_request_events: true, ..NetworkSettings::default() };
    let mut pair = Pair::plain(&settings, &NetworkSettings::default());
    let to_client = pair.to_client;
    pair.client.send(pair.to_server, 0, b"last").expect("is sent");
    pair.client.disconnect(pair.to_server).expect("closes");
    arrived(&mut pair, 2);
    let pop = |pair: &mut Pair| {
        let mut kinds = Vec::new();
        pair.server.concurrent(|server| {
            let each = |event: netdriver::EventView<'_>| kinds.push(event.kind);
            server.pop_events_for_connection(to_client, 64, each).expect("is alone")
        });
        kinds
    };
    let mut all = Vec::new();
    until("the end", || {
        let kinds = pop(&mut pair);
        assert!(!kinds[1.min(kinds.len())..].contains(&EventKind::CloseRequest));
        all.extend(kinds);
        pair.step();
        all.contains(&EventKind::Disconnect).then_some(())
    });
    assert_eq!(all, [EventKind::Data, EventKind::CloseRequest, EventKind::Disconnect]);
}

#[test]
fn events_are_seen_only_once_an_update_has_shown_them() {
    let mut server = crate::support::driver(InterfaceKind::Ipc, &NetworkSettings::default());
    server.create_pipeline(&[PipelineStage::RELIABLE_SEQUENCED]).expect("is possible");
    server.concurrent(|server| {
        let nobody = netdriver::Connection::NONE;
        assert!(server.pop_event_for_connection(nobody).expect("is alone").is_none());
        assert!(server.payload_size_max(nobody, 0).is_err());
        assert!(server.message_size_max(nobody).is_err());
        assert!(server.header_size_max(0, 1).expect("is known") > 0);
    });
}
