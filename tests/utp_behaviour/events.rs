//! The event queue: what is visible when, in which order, and what is never lost.

use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{Connection, DisconnectReason, Event, EventKind, NetworkDriver};

use super::connecting::frames;
use crate::support::{Pair, driver, expect_accept, expect_event, server, settle, step, until};

/// A server with connected clients.
struct Crowd {
    server: NetworkDriver,
    clients: Vec<(NetworkDriver, Connection)>,
    /// The server's connections, in the order of the clients.
    connections: Vec<Connection>,
}

impl Crowd {
    fn new(count: usize) -> Self {
        let (mut server, endpoint) = server(InterfaceKind::Ipc, &frames(10));
        let mut crowd = Vec::new();
        let mut connections = Vec::new();
        for _ in 0..count {
            let mut client = driver(InterfaceKind::Ipc, &frames(10));
            let connection = client.connect(0, &endpoint, b"").expect("starts to connect");
            expect_event(&mut [&mut client, &mut server], EventKind::Connect);
            connections.push(expect_accept(&mut [&mut server, &mut client]));
            crowd.push((client, connection));
        }
        Self { server, clients: crowd, connections }
    }

    /// A client's message, sent at once and taken in by the server.
    fn say(&mut self, client: usize, text: &str) {
        let (driver, connection) = &mut self.clients[client];
        driver.send(*connection, 0, text.as_bytes()).expect("is sent");
        driver.flush().expect("flushes");
        self.server.update().expect("updates");
    }

    fn pop(&mut self) -> Option<String> {
        self.server.pop_event().map(|event| text(&event))
    }

    fn pop_from(&mut self, client: usize) -> Option<String> {
        let connection = self.connections[client];
        let event = self.server.pop_event_for_connection(connection)?;
        assert_eq!(event.connection, connection);
        Some(text(&event))
    }
}

fn text(event: &Event) -> String {
    assert_eq!(event.kind, EventKind::Data);
    String::from_utf8(event.data.to_vec()).expect("is text")
}

#[test]
fn an_empty_queue_gives_nothing() {
    let mut crowd = Crowd::new(1);
    assert_eq!(crowd.pop(), None);
    assert_eq!(crowd.pop_from(0), None);
    assert_eq!(crowd.server.event_queue_size(crowd.connections[0]), 0);
}

#[test]
fn messages_appear_in_updates_only() {
    let mut pair = Pair::new(InterfaceKind::Udp);
    pair.client.send(pair.to_server, 0, b"now").expect("is sent");
    pair.client.flush().expect("flushes");
    until("news", || pair.server.wait(10).expect("waits").then_some(()));
    assert!(pair.server.pop_event().is_none(), "it is there and not visible");
    pair.server.update().expect("updates");
    assert_eq!(pair.server.pop_event().expect("is visible").data, b"now"[..]);
}

#[test]
fn the_global_order_is_the_order_of_arrival() {
    let mut crowd = Crowd::new(3);
    for (client, text) in [(0, "a"), (2, "b"), (1, "c"), (0, "d"), (2, "e")] {
        crowd.say(client, text);
    }
    let order: Vec<String> = std::iter::from_fn(|| crowd.pop()).collect();
    assert_eq!(order, ["a", "b", "c", "d", "e"]);
}

#[test]
fn one_connection_is_popped_without_the_others() {
    let mut crowd = Crowd::new(2);
    for (client, text) in [(0, "a"), (1, "b"), (0, "c")] {
        crowd.say(client, text);
    }
    assert_eq!(crowd.server.event_queue_size(crowd.connections[0]), 2);
    assert_eq!(crowd.pop_from(1).as_deref(), Some("b"));
    assert_eq!(crowd.pop_from(1), None);
    assert_eq!(crowd.pop_from(0).as_deref(), Some("a"));
    assert_eq!(crowd.pop_from(0).as_deref(), Some("c"));
    assert_eq!(crowd.pop(), None);
}

#[test]
fn both_ways_of_popping_mix() {
    let mut crowd = Crowd::new(2);
    for (client, text) in [(0, "a"), (1, "b"), (0, "c"), (1, "d"), (0, "e")] {
        crowd.say(client, text);
    }
    assert_eq!(crowd.pop_from(1).as_deref(), Some("b"));
    assert_eq!(crowd.pop().as_deref(), Some("a"));
    assert_eq!(crowd.pop_from(0).as_deref(), Some("c"));
    assert_eq!(crowd.pop().as_deref(), Some("d"));
    crowd.say(1, "f");
    assert_eq!(crowd.pop_from(1).as_deref(), Some("f"));
    assert_eq!(crowd.pop().as_deref(), Some("e"));
    assert_eq!(crowd.pop(), None);
}

#[test]
fn events_that_were_not_popped_are_kept() {
    let mut crowd = Crowd::new(2);
    for number in 0..100 {
        crowd.say(number % 2, &number.to_string());
    }
    settle(&mut [&mut crowd.server], 3);
    let numbers: Vec<String> = std::iter::from_fn(|| crowd.pop()).collect();
    assert_eq!(numbers, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_queue_grows_for_one_connection_and_for_many() {
    for count in [1, 8] {
        let mut crowd = Crowd::new(count);
        for client in 0..count {
            let (driver, connection) = &mut crowd.clients[client];
            for number in 0..400u32 {
                driver.send(*connection, 0, &number.to_le_bytes()).expect("is sent");
            }
            driver.flush().expect("flushes");
        }
        crowd.server.update().expect("updates");
        for client in 0..count {
            let connection = crowd.connections[client];
            assert_eq!(crowd.server.event_queue_size(connection), 400);
            for number in 0..400u32 {
                let event = crowd.server.pop_event_for_connection(connection).expect("waits");
                assert_eq!(event.data, number.to_le_bytes()[..]);
            }
        }
        assert_eq!(crowd.pop(), None);
    }
}

#[test]
fn events_of_an_unaccepted_connection_wait_for_accept() {
    let (mut server, endpoint) = server(InterfaceKind::Ipc, &frames(10));
    let mut client = driver(InterfaceKind::Ipc, &frames(10));
    let connection = client.connect(0, &endpoint, b"").expect("starts to connect");
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    for text in ["one", "two"] {
        client.send(connection, 0, text.as_bytes()).expect("is sent");
        client.update().expect("updates");
        server.update().expect("updates");
    }
    assert!(server.pop_event().is_none(), "nobody has accepted it");
    assert_eq!(server.statistics().messages_in, 2);
    let accepted = server.accept().expect("waits");
    assert_eq!(server.event_queue_size(accepted), 2);
    assert_eq!(text(&server.pop_event().expect("waits")), "one");
    assert_eq!(text(&server.pop_event().expect("waits")), "two");
    assert!(server.pop_event().is_none());
}

#[test]
fn an_unaccepted_connection_does_not_hold_up_the_others() {
    let mut crowd = Crowd::new(1);
    let mut stranger = driver(InterfaceKind::Ipc, &frames(10));
    let endpoint = crowd.server.local_endpoint(0, 0).expect("is bound");
    let connection = stranger.connect(0, &endpoint, b"").expect("starts to connect");
    expect_event(&mut [&mut stranger, &mut crowd.server], EventKind::Connect);
    stranger.send(connection, 0, b"early").expect("is sent");
    stranger.update().expect("updates");
    crowd.say(0, "later");
    assert_eq!(crowd.pop().as_deref(), Some("later"));
    assert_eq!(crowd.pop(), None);
    crowd.server.accept().expect("waits");
    assert_eq!(crowd.pop().as_deref(), Some("early"));
}

#[test]
fn a_connection_that_ended_before_accept_is_handed_out_with_its_messages() {
    let (mut server, endpoint) = server(InterfaceKind::Ipc, &frames(10));
    let mut client = driver(InterfaceKind::Ipc, &frames(10));
    let connection = client.connect(0, &endpoint, b"short").expect("starts to connect");
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    client.send(connection, 0, b"visit").expect("is sent");
    client.disconnect(connection).expect("is open");
    client.update().expect("updates");
    server.update().expect("updates");
    let accepted = server.accept().expect("is handed out");
    assert_eq!(server.connect_payload(accepted).expect("is known"), b"short");
    assert_eq!(text(&server.pop_event().expect("waits")), "visit");
    let end = server.pop_event().expect("waits");
    assert_eq!((end.kind, end.reason), (EventKind::Disconnect, DisconnectReason::ClosedByRemote));
    assert!(server.connect_payload(accepted).is_ok(), "it can be asked until the update");
    server.update().expect("updates");
    assert!(server.connect_payload(accepted).is_err(), "its end was seen");
    assert!(server.accept().is_none());
}

#[test]
fn messages_before_the_end_come_before_the_end() {
    for kind in [InterfaceKind::Ipc, InterfaceKind::WebSocket] {
        let mut pair = Pair::new(kind);
        for number in 0..10u8 {
            pair.client.send(pair.to_server, 0, &[number]).expect("is sent");
        }
        pair.client.disconnect(pair.to_server).expect("is open");
        for number in 0..10u8 {
            assert_eq!(pair.server_event(EventKind::Data).data, [number][..]);
        }
        pair.server_event(EventKind::Disconnect);
    }
}

#[test]
fn what_arrives_after_a_local_close_is_ignored_and_blocks_nobody() {
    for kind in [InterfaceKind::Ipc, InterfaceKind::Udp, InterfaceKind::WebSocket] {
        let (mut server, endpoint) = server(kind, &NetworkSettings::default());
        let mut clients = Vec::new();
        for _ in 0..2 {
            let mut client = driver(kind, &NetworkSettings::default());
            let connection = client.connect(0, &endpoint, b"").expect("starts to connect");
            expect_event(&mut [&mut client, &mut server], EventKind::Connect);
            let accepted = expect_accept(&mut [&mut server, &mut client]);
            clients.push((client, connection, accepted));
        }
        for (client, connection, _) in &mut clients {
            client.send(*connection, 0, b"crossing").expect("is sent");
            client.flush().expect("flushes");
        }
        until("both messages", || server.wait(10).expect("waits").then_some(()));
        server.disconnect(clients[0].2).expect("is open");
        let kept = expect_event(&mut [&mut server], EventKind::Data);
        assert_eq!((kept.connection, &kept.data[..]), (clients[1].2, &b"crossing"[..]));
        settle(&mut [&mut server], 3);
        assert!(server.pop_event().is_none(), "{kind:?}");
        let (client, connection, _) = &mut clients[0];
        let end = expect_event(&mut [client, &mut server], EventKind::Disconnect);
        assert_eq!(end.connection, *connection);
        assert_eq!(server.statistics().connections, 1);
    }
}

#[test]
fn events_that_wait_when_the_program_closes_are_dropped() {
    let mut crowd = Crowd::new(2);
    crowd.say(0, "unread");
    crowd.say(1, "read");
    crowd.server.disconnect(crowd.connections[0]).expect("is open");
    assert_eq!(crowd.pop().as_deref(), Some("read"));
    step(&mut [&mut crowd.server]);
    assert_eq!(crowd.pop(), None);
}

#[test]
fn a_view_lives_until_the_next_update() {
    let mut crowd = Crowd::new(1);
    crowd.say(0, "borrowed");
    let view = crowd.server.pop_event_view().expect("waits");
    assert_eq!((view.kind, view.data), (EventKind::Data, &b"borrowed"[..]));
    let connection = crowd.connections[0];
    assert!(crowd.server.pop_event_view_for_connection(connection).is_none());
    crowd.say(0, "again");
    let view = crowd.server.pop_event_view_for_connection(connection).expect("waits");
    assert_eq!((view.connection, view.data), (connection, &b"again"[..]));
}

#[test]
fn an_event_outlives_its_driver() {
    let mut crowd = Crowd::new(1);
    crowd.say(0, "kept");
    let event = crowd.server.pop_event().expect("waits");
    drop(crowd);
    assert_eq!(event.data, b"kept"[..]);
}

#[test]
fn an_event_carries_the_version_that_it_belongs_to() {
    let mut pair = Pair::with(InterfaceKind::Ipc, &frames(10));
    let old = pair.to_client;
    pair.client.disconnect(pair.to_server).expect("is open");
    pair.client.update().expect("updates");
    pair.server.update().expect("updates");
    // The end of the old connection waits while new ones come: the slot must not be given away.
    let mut newcomer = driver(InterfaceKind::Ipc, &frames(10));
    newcomer.connect(0, &pair.endpoint, b"").expect("starts to connect");
    expect_event(&mut [&mut newcomer, &mut pair.server], EventKind::Connect);
    let fresh = pair.server.accept().expect("waits");
    assert_ne!(fresh.index(), old.index());
    let end = pair.server.pop_event().expect("waits");
    assert_eq!((end.connection, end.kind), (old, EventKind::Disconnect));
}
