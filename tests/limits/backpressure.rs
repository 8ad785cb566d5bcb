//! Streams: a receiver that does not pop slows its sender down, a sender that is not read gets an
//! error and a Writable event. Nothing is lost and nothing grows.

use netdriver::settings::{DialectPolicy, InterfaceKind, NetworkSettings};
use netdriver::{ConnectionState, EventKind, Status};

use crate::support::raw::{BINARY, FIN, RawStream, frame};
use crate::support::{Pair, expect_accept, expect_event, settle, status, websocket_server};

const MESSAGE_SIZE: usize = 1000;

fn message(number: u32) -> Vec<u8> {
    let mut bytes = vec![number as u8; MESSAGE_SIZE];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// Small limits on both sides.
fn narrow() -> NetworkSettings {
    NetworkSettings {
        inbound_bytes_max: 20_000,
        outbound_bytes_max: 50_000,
        receive_queue_capacity: 1_000_000,
        writable_events: true,
        ..NetworkSettings::default()
    }
}

/// The client sends until nothing goes any more while the server does not pop; then the server
/// pops everything while the client goes on. Returns how many messages got stuck on the way.
fn fill_and_drain(mut pair: Pair, total: u32) -> u32 {
    let mut sent = 0;
    let mut refusals_in_a_row = 0;
    while refusals_in_a_row < 50 {
        match pair.client.send(pair.to_server, 0, &message(sent)) {
            Ok(()) => {
                sent += 1;
                refusals_in_a_row = 0;
            }
            Err(error) => {
                assert_eq!(error.status(), Status::NetworkSendQueueFull);
                refusals_in_a_row += 1;
                pair.client.update().expect("updates");
                pair.server.update().expect("updates");
                while let Some(event) = pair.client.pop_event() {
                    assert_eq!(event.kind, EventKind::Writable);
                }
            }
        }
        let waiting = pair.server.connection_info(pair.to_client).expect("is open").inbound_bytes;
        assert!(waiting as usize <= 20_000 + MESSAGE_SIZE, "{waiting} bytes wait");
        let queued = pair.client.connection_info(pair.to_server).expect("is open").outbound_bytes;
        assert!(queued <= 50_000, "{queued} bytes are queued");
        assert!(sent < total, "somebody buffers without a limit");
    }
    let stuck = sent;
    let mut received = 0;
    crate::support::until("all messages", || {
        while sent < total && pair.client.send(pair.to_server, 0, &message(sent)).is_ok() {
            sent += 1;
        }
        while let Some(event) = pair.server.pop_event() {
            assert_eq!(event.kind, EventKind::Data);
            assert!(event.data == message(received), "message {received} is another one");
            received += 1;
        }
        pair.step();
        while pair.client.pop_event().is_some() {}
        (received == total).then_some(())
    });
    let ends = [
        pair.server.connection_state(pair.to_client),
        pair.client.connection_state(pair.to_server),
    ];
    assert_eq!(ends, [ConnectionState::Connected; 2]);
    assert_eq!(pair.server.statistics().dropped_in, 0);
    stuck
}

#[test]
fn a_plain_reader_that_does_not_pop_holds_the_sender_back_and_loses_nothing() {
    let pair = Pair::plain(&narrow(), &narrow());
    assert!(fill_and_drain(pair, 30_000) > 20);
}

#[test]
fn a_utp_reader_over_a_stream_does_so_too() {
    for kind in [InterfaceKind::WebSocket, InterfaceKind::Tcp] {
        let pair = Pair::with(kind, &narrow());
        assert!(fill_and_drain(pair, 30_000) > 20);
    }
}

#[test]
fn a_reader_that_does_not_pop_does_not_time_its_peer_out() {
    let settings = NetworkSettings {
        receive_queue_capacity: 2,
        disconnect_timeout_ms: 60,
        heartbeat_timeout_ms: 10,
        ping_interval_ms: 10,
        pong_timeout_ms: 50,
        ..NetworkSettings::default()
    };
    let pairs = [
        Pair::plain(&settings, &NetworkSettings::default()),
        Pair::with_two(InterfaceKind::WebSocket, &settings, &NetworkSettings::default()),
        Pair::with_two(InterfaceKind::Tcp, &settings, &NetworkSettings::default()),
    ];
    for mut pair in pairs {
        for number in 0..10u8 {
            pair.client.send(pair.to_server, 0, &[number]).expect("there is room");
        }
        // More than twice the time that silence may take.
        for _ in 0..15 {
            pair.client.update().expect("updates");
            pair.server.update().expect("updates");
            pair.server.wait(10).expect("waits");
        }
        assert_eq!(pair.server.event_queue_size(pair.to_client), 2);
        for number in 0..10u8 {
            assert_eq!(pair.server_event(EventKind::Data).data, [number][..]);
        }
    }
}

#[test]
fn a_peer_that_never_reads_gets_minus_5_and_does_not_hurt_another() {
    let settings = NetworkSettings { writable_events: true, ..narrow() };
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
    let mut deaf = RawStream::open(&mut server, port, "/", "");
    let to_deaf = expect_accept(&mut [&mut server]);
    let mut good = RawStream::open(&mut server, port, "/", "");
    let to_good = expect_accept(&mut [&mut server]);
    let bytes = vec![7; 40_000];
    let mut taken = 0;
    let mut refused = 0;
    while refused < 20 {
        match server.send(to_deaf, 0, &bytes) {
            Ok(()) => taken += 1,
            Err(error) => {
                assert_eq!(error.status(), Status::NetworkSendQueueFull);
                refused += 1;
            }
        }
        server.send(to_good, 0, b"quick").expect("there is room for this one");
        assert_eq!(good.frame(&mut server).payload, b"quick");
        while let Some(event) = server.pop_event() {
            assert_eq!((event.kind, event.connection), (EventKind::Writable, to_deaf));
        }
        let info = server.connection_info(to_deaf).expect("is open");
        assert!(info.outbound_bytes <= 50_000);
        assert!(taken < 10_000, "the system takes everything");
    }
    let mut heard = 0;
    crate::support::until("everything that was taken", || {
        while let Some(frame) = deaf.try_frame() {
            assert!(frame.payload == bytes);
            heard += 1;
        }
        crate::support::step(&mut [&mut server]);
        (heard == taken).then_some(())
    });
    let event = expect_event(&mut [&mut server], EventKind::Writable);
    assert_eq!(event.connection, to_deaf);
    server.send(to_deaf, 0, &bytes).expect("there is room again");
    assert_eq!(deaf.frame(&mut server).payload.len(), bytes.len());
}

#[test]
fn a_peer_that_pings_without_reading_does_not_grow_memory() {
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &narrow());
    let mut deaf = RawStream::open(&mut server, port, "/", "");
    let connection = expect_accept(&mut [&mut server]);
    let pings = frame(FIN | 9, &[1; 125]).repeat(2000);
    let mut stalled = 0;
    for _ in 0..400 {
        if deaf.try_write(&pings) == 0 {
            stalled += 1;
        }
        server.update().expect("updates");
        let info = server.connection_info(connection).expect("is open");
        assert!(info.outbound_bytes <= 60_000, "{} bytes of pongs", info.outbound_bytes);
        if stalled > 20 {
            break;
        }
    }
}

#[test]
fn a_message_larger_than_the_outbound_limit_is_refused_as_too_big() {
    let settings = NetworkSettings { outbound_bytes_max: 10_000, ..NetworkSettings::default() };
    let mut pair = Pair::plain(&settings, &settings);
    let most = pair.client.payload_size_max(pair.to_server, 0).expect("is open");
    assert!((9_900..10_000).contains(&most), "{most}");
    let refused = status(pair.client.send(pair.to_server, 0, &vec![0; most as usize + 1]));
    assert_eq!(refused, Status::NetworkPacketOverflow, "it would never fit");
    pair.client.send(pair.to_server, 0, &vec![0; most as usize]).expect("fits");
    assert_eq!(pair.server_event(EventKind::Data).data.len(), most as usize);
}

#[test]
fn an_unaccepted_connection_is_held_back_as_well() {
    let settings = NetworkSettings { inbound_bytes_max: 10_000, ..NetworkSettings::default() };
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
    let mut peer = RawStream::open(&mut server, port, "/", "");
    let bytes = frame(FIN | BINARY, &[1; MESSAGE_SIZE]).repeat(100);
    let mut rest = &bytes[..];
    for _ in 0..20 {
        rest = &rest[peer.try_write(rest)..];
        settle(&mut [&mut server], 1);
    }
    let before = server.statistics();
    assert!(before.messages_in <= 11, "{} messages wait", before.messages_in);
    let connection = server.accept().expect("waits");
    let mut count = 0;
    crate::support::until("all messages", || {
        rest = &rest[peer.try_write(rest)..];
        count += std::iter::from_fn(|| server.pop_event()).count();
        crate::support::step(&mut [&mut server]);
        (count == 100).then_some(())
    });
    assert_eq!(server.connection_state(connection), ConnectionState::Connected);
}

#[test]
fn a_close_reaches_a_peer_that_was_held_back() {
    let settings = NetworkSettings { receive_queue_capacity: 2, ..NetworkSettings::default() };
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
    let mut peer = RawStream::open(&mut server, port, "/", "");
    let connection = expect_accept(&mut [&mut server]);
    peer.write(&mut server, &frame(FIN | BINARY, b"x").repeat(100));
    settle(&mut [&mut server], 5);
    server.close(connection, 4000, b"too much").expect("is open");
    assert_eq!(peer.close_frame(&mut server), (4000, "too much".to_owned()));
    peer.write(&mut server, &frame(FIN | 8, &4000u16.to_be_bytes()));
    assert!(peer.end(&mut server).is_empty());
    assert!(server.pop_event().is_none());
}
