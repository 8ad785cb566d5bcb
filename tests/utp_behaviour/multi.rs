//! Several drivers as one: numbers, order, and connections that say whose they are.

use std::sync::Arc;
use std::time::{Duration, Instant};

use netdriver::settings::{InterfaceKind, NetworkSettings, PipelineStage};
use netdriver::{
    Connection, ConnectionState, EventKind, MULTI_DRIVERS_MAX, MessageKind, MultiNetworkDriver,
    NetworkDriver, NetworkEndpoint, Status,
};

use super::pipelines_duties::Hasty;
use crate::support::{Pair, driver, listen, status, until};

/// A server over IPC, UDP and WebSocket, a driver each.
fn servers() -> (MultiNetworkDriver, Vec<NetworkEndpoint>) {
    let mut multi = MultiNetworkDriver::new();
    let mut endpoints = Vec::new();
    for (place, kind) in
        [InterfaceKind::Ipc, InterfaceKind::Udp, InterfaceKind::WebSocket].into_iter().enumerate()
    {
        let mut one = driver(kind, &NetworkSettings::default());
        endpoints.push(listen(&mut one));
        assert_eq!(usize::from(multi.add_driver(one).expect("is new")), place + 1);
    }
    assert_eq!(multi.driver_count(), 3);
    (multi, endpoints)
}

fn clients(endpoints: &[NetworkEndpoint]) -> (MultiNetworkDriver, Vec<Connection>) {
    let mut multi = MultiNetworkDriver::new();
    let mut connections = Vec::new();
    for (kind, endpoint) in [InterfaceKind::Ipc, InterfaceKind::Udp, InterfaceKind::WebSocket]
        .into_iter()
        .zip(endpoints)
    {
        let number = multi.add_driver(driver(kind, &NetworkSettings::default())).expect("is new");
        connections.push(multi.connect(number, endpoint, b"hi").expect("starts to connect"));
    }
    (multi, connections)
}

fn turn(one: &mut MultiNetworkDriver, other: &mut MultiNetworkDriver) {
    one.update().expect("updates");
    other.update().expect("updates");
    one.wait(1).expect("waits");
}

#[test]
fn all_roads_lead_through_one_loop() {
    let (mut server, endpoints) = servers();
    let (mut client, outgoing) = clients(&endpoints);
    let mut incoming = Vec::new();
    until("three connections", || {
        incoming.extend(server.accept());
        turn(&mut server, &mut client);
        (incoming.len() == 3).then_some(())
    });
    incoming.sort_by_key(|connection| connection.driver());
    let numbers: Vec<u8> = incoming.iter().map(|connection| connection.driver()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    let mut connected = Vec::new();
    until("three Connect events", || {
        connected.extend(client.pop_event().map(|event| (event.kind, event.connection)));
        turn(&mut client, &mut server);
        (connected.len() == 3).then_some(())
    });
    for &connection in &outgoing {
        assert!(connected.contains(&(EventKind::Connect, connection)));
        assert_eq!(client.connection_state(connection), ConnectionState::Connected);
        client.send_as(connection, 0, MessageKind::Binary, b"one").expect("is sent");
        let send = client.begin_send(connection, 0, 3).expect("begins");
        assert_eq!(send.driver, connection.driver());
        let own = client.sending(send).expect("is open");
        own.send_buffer(send.handle).expect("is open")[..3].copy_from_slice(b"two");
        client.end_send(send, 3).expect("is sent");
        assert_eq!(status(client.end_send(send, 3)), Status::NetworkSendHandleInvalid);
        let send = client.begin_send(connection, 0, 3).expect("begins");
        client.abort_send(send).expect("is open");
    }
    client.flush().expect("leaves");
    for &connection in &incoming {
        for wanted in ["one", "two"] {
            let event = until("a message", || {
                let event = server.pop_event_for_connection(connection);
                turn(&mut server, &mut client);
                event
            });
            assert_eq!((event.kind, event.data), (EventKind::Data, wanted.into()));
        }
        // The driver itself knows its connections by the same values.
        let own = server.driver_for_connection(connection).expect("is one of them");
        let info = own.connection_info(connection).expect("is open");
        assert_eq!(info.messages_in, 2);
        assert_eq!(server.event_queue_size(connection), 0);
        server.disconnect(connection).expect("is open");
    }
    let mut ended = 0;
    until("three ends", || {
        ended += client.pop_event().is_some_and(|event| event.kind == EventKind::Disconnect) as u32;
        turn(&mut client, &mut server);
        (ended == 3).then_some(())
    });
}

#[test]
fn drivers_are_asked_in_the_order_of_their_numbers() {
    let (mut server, endpoints) = servers();
    let (mut client, outgoing) = clients(&endpoints);
    until("three connections", || {
        turn(&mut server, &mut client);
        let waiting = server.drivers().map(|one| one.statistics().connections).sum::<u32>();
        (waiting == 3).then_some(())
    });
    let order: Vec<u8> = std::iter::from_fn(|| server.accept()).map(Connection::driver).collect();
    assert_eq!(order, [1, 2, 3]);
    until("all messages", || {
        for &connection in outgoing.iter().rev() {
            let _ = client.send_as(connection, 0, MessageKind::Binary, b"x");
        }
        turn(&mut server, &mut client);
        let mut events = std::iter::from_fn(|| server.pop_event());
        let order: Vec<u8> = events.by_ref().map(|event| event.connection.driver()).collect();
        assert!(order.is_sorted(), "{order:?}");
        (order.contains(&1) && order.contains(&2) && order.contains(&3)).then_some(())
    });
}

#[test]
fn a_driver_with_connections_or_a_number_is_not_added() {
    let pair = Pair::new(InterfaceKind::Ipc);
    let mut multi = MultiNetworkDriver::new();
    assert_eq!(status(multi.add_driver(pair.server)), Status::NetworkStateMismatch);
    assert_eq!(multi.driver_count(), 0);
    assert!(multi.accept().is_none() && multi.pop_event().is_none());
    assert!(!multi.wait(5).expect("has nobody to wait for"));
    for _ in 0..MULTI_DRIVERS_MAX {
        let one = NetworkDriver::new(&NetworkSettings::default()).expect("a driver");
        multi.add_driver(one).expect("there is room");
    }
    let one = NetworkDriver::new(&NetworkSettings::default()).expect("a driver");
    assert_eq!(status(multi.add_driver(one)), Status::LimitReached);
    assert_eq!(status(multi.driver(0).map(|_| ())), Status::InvalidArgument);
    assert!(multi.driver(255).is_ok());
}

#[test]
#[allow(clippy::disallowed_methods, reason = "how long a wait takes is what is tested")]
fn whoever_wakes_one_of_the_drivers_ends_the_wait() {
    let (mut server, _) = servers();
    for number in 1..=3 {
        let waker = server.driver(number).expect("is there").waker();
        waker.wake();
        let begun = Instant::now();
        assert!(!server.wait(20_000).expect("waits"), "there is nothing to show");
        assert!(begun.elapsed() < Duration::from_secs(10), "driver {number}");
        let thread = std::thread::spawn(move || waker.wake());
        assert!(!server.wait(20_000).expect("waits"), "there is nothing to show");
        assert!(begun.elapsed() < Duration::from_secs(10), "driver {number}");
        thread.join().expect("wakes");
    }
    assert!(!server.wait(5).expect("waits"), "a wake ends one wait");
}

#[test]
fn a_pipeline_is_made_in_all_drivers_alike() {
    let stages = [PipelineStage::Fragmentation(None)];
    let (mut server, endpoints) = servers();
    assert_eq!(server.create_pipeline(&stages).expect("is made"), 1);
    assert_eq!(server.create_pipeline(&[]).expect("is made"), 2);
    for one in server.drivers() {
        assert_eq!(one.pipeline_count(), 2);
    }
    let other = driver(InterfaceKind::Ipc, &NetworkSettings::default());
    assert_eq!(status(server.add_driver(other)), Status::InvalidArgument, "it has none");
    // Behind the collection's back.
    server.driver(2).expect("is there").create_pipeline(&[]).expect("is made");
    assert_eq!(status(server.create_pipeline(&[])), Status::InvalidArgument);
    let mut none = MultiNetworkDriver::<NetworkDriver>::new();
    assert_eq!(status(none.create_pipeline(&stages)), Status::InvalidArgument);
    let (mut client, outgoing) = clients(&endpoints);
    assert_eq!(outgoing.len(), 3);
    assert_eq!(status(client.create_pipeline(&stages)), Status::NetworkStateMismatch);
}

#[test]
fn a_pipeline_that_one_driver_cannot_make_is_made_in_none() {
    let mut multi = MultiNetworkDriver::new();
    for _ in 0..2 {
        multi
            .add_driver(driver(InterfaceKind::Ipc, &NetworkSettings::default()))
            .expect("is added");
    }
    let first = multi.driver(1).expect("is there");
    let stage = PipelineStage::Custom(first.register_stage(Arc::new(Hasty)).expect("is unbound"));
    assert_eq!(status(multi.create_pipeline(&[stage])), Status::InvalidArgument);
    assert!(multi.drivers().all(|one| one.pipeline_count() == 0));
    assert_eq!(multi.create_pipeline(&[]).expect("they are still alike"), 1);
}

#[test]
fn a_connection_of_one_driver_is_none_of_another() {
    let (mut server, endpoints) = servers();
    let (mut client, outgoing) = clients(&endpoints);
    turn(&mut client, &mut server);
    let [first, second, _] = outgoing[..] else { panic!("three") };
    let other = client.driver(2).expect("is there");
    assert_eq!(status(other.connection_info(first)), Status::NetworkIdMismatch);
    let stranger = Connection::from_u64(first.to_u64() & 0x00FF_FFFF_FFFF_FFFF);
    assert_eq!(status(client.disconnect(stranger)), Status::NetworkIdMismatch);
    assert_eq!(client.connection_state(stranger), ConnectionState::Disconnected);
    assert_eq!(status(client.connect(4, &endpoints[0], b"")), Status::InvalidArgument);
    assert_eq!((first.version(), second.version()), (1, 1));
    assert_eq!(format!("{second:?}"), "Connection[id0,v1]@2");
    // A slot's next connection is another one of the same driver.
    let own = client.driver(1).expect("is there");
    own.abort(first).expect("is there");
    own.update().expect("updates");
    let again = client.connect(1, &endpoints[0], b"").expect("starts to connect");
    assert_eq!((again.driver(), again.index(), again.version()), (1, 0, 2));
    assert_eq!(status(client.disconnect(first)), Status::NetworkVersionMismatch);
}
