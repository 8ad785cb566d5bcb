//! Limits that an interface, a connect attempt or one connection has for itself, a limit on the
//! number of messages that wait, and messages whose kind the connection says.

use netdriver::settings::{
    ConnectionLimits, DialectPolicy, InterfaceKind, InterfaceSettings, NetworkSettings, UrlOptions,
};
use netdriver::{EventKind, MessageKind, NetworkDriver, Status};

use super::messages::plain;
use crate::support::raw::{BINARY, FIN, PING, PONG, RawStream, TEXT, frame};
use crate::support::{
    Pair, driver_with, expect_accept, expect_event, listen, settle, status, step, until,
};

fn defaults() -> NetworkSettings {
    NetworkSettings::default()
}

fn none() -> ConnectionLimits {
    ConnectionLimits::default()
}

#[test]
fn so_many_messages_wait_and_not_one_more() {
    let settings =
        NetworkSettings { websocket_send_queue_capacity: 4, writable_events: true, ..defaults() };
    let (mut server, mut peer, connection) = plain(&settings);
    for number in 0..4u8 {
        server.send(connection, 0, &[number]).expect("there is room");
    }
    assert_eq!(status(server.send(connection, 0, b"5")), Status::NetworkSendQueueFull);
    assert_eq!(status(server.begin_send(connection, 0, 1)), Status::NetworkSendQueueFull);
    let begun = server.begin_message(connection, MessageKind::Binary);
    assert_eq!(status(begun), Status::NetworkSendQueueFull);
    let owned = server.send_bytes(connection, 0, MessageKind::Binary, vec![1; 9000].into());
    assert_eq!(status(owned), Status::NetworkSendQueueFull);
    assert_eq!(server.send_to_many(&[connection], 0, b"5"), 0);
    server.ping(connection, b"pings are no messages").expect("there is room");
    assert_eq!(server.connection_info(connection).expect("is open").refused_out, 5);
    assert_eq!(expect_event(&mut [&mut server], EventKind::Writable).connection, connection);
    for number in 0..4u8 {
        assert_eq!(peer.frame(&mut server).payload, [number]);
    }
    assert_eq!(peer.frame(&mut server).first, FIN | PING);
    server.begin_message(connection, MessageKind::Binary).expect("there is room again");
    server.append_message(connection, b"one").expect("is sent");
    server.finish_message(connection).expect("is one message");
    for _ in 0..3 {
        server.send(connection, 0, b"x").expect("there is room");
    }
    assert_eq!(status(server.send(connection, 0, b"x")), Status::NetworkSendQueueFull);
}

#[test]
fn packets_of_the_utp_dialect_over_websocket_count_as_well() {
    let settings = NetworkSettings { websocket_send_queue_capacity: 2, ..defaults() };
    let mut pair = Pair::with(InterfaceKind::WebSocket, &settings);
    for _ in 0..2 {
        pair.client.send(pair.to_server, 0, b"x").expect("there is room");
    }
    let refused = pair.client.send(pair.to_server, 0, b"x");
    assert_eq!(status(refused), Status::NetworkSendQueueFull);
    pair.client.flush().expect("leaves");
    pair.client.send(pair.to_server, 0, b"x").expect("there is room again");
    let mut udp = Pair::with(InterfaceKind::Udp, &settings);
    for _ in 0..9 {
        udp.client.send(udp.to_server, 0, b"x").expect("datagrams have their own limit");
    }
}

#[test]
fn an_interface_has_limits_of_its_own() {
    let limits = ConnectionLimits { websocket_message_size_max: 100, ..none() };
    let interface = InterfaceSettings {
        dialect: DialectPolicy::PlainOnly,
        limits,
        ..InterfaceSettings::new(InterfaceKind::WebSocket)
    };
    let mut server = driver_with(interface, &defaults());
    let port = listen(&mut server).port();
    let mut peer = RawStream::open(&mut server, port, "/", "");
    let connection = expect_accept(&mut [&mut server]);
    assert_eq!(server.payload_size_max(connection, 0).expect("is open"), 100);
    let held = server.connection_limits(connection).expect("is open");
    assert_eq!((held.websocket_message_size_max, held.inbound_bytes_max), (100, 4 << 20));
    peer.write(&mut server, &frame(FIN | BINARY, &[1; 100]));
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data.len(), 100);
    peer.write(&mut server, &frame(FIN | BINARY, &[1; 101]));
    assert_eq!(peer.close_frame(&mut server).0, 1009);
    let wrong = ConnectionLimits { outbound_bytes_max: 1, ..none() };
    let wrong =
        InterfaceSettings { limits: wrong, ..InterfaceSettings::new(InterfaceKind::WebSocket) };
    assert_eq!(status(server.add_interface(wrong)), Status::InvalidArgument);
}

#[test]
fn a_client_asks_for_limits_when_it_connects() {
    let mut pair = Pair::plain(&defaults(), &defaults());
    let limits =
        ConnectionLimits { outbound_bytes_max: 2000, websocket_send_queue_capacity: 1, ..none() };
    let options = UrlOptions { limits, ..UrlOptions::default() };
    let url = format!("ws://{}/", pair.endpoint);
    let second = pair.client.connect_url(&url, &options).expect("starts to connect");
    expect_event(&mut [&mut pair.client, &mut pair.server], EventKind::Connect);
    assert_eq!(pair.client.payload_size_max(second, 0).expect("is open"), 2000 - 14);
    let first = pair.client.payload_size_max(pair.to_server, 0).expect("is open");
    assert_eq!(first, 1 << 20, "the other connection is as the driver is");
    pair.client.send(second, 0, b"1").expect("there is room");
    assert_eq!(status(pair.client.send(second, 0, b"2")), Status::NetworkSendQueueFull);
    pair.client.send(pair.to_server, 0, b"1").expect("there is room");
    pair.client.send(pair.to_server, 0, b"2").expect("there is room");
    let wrong = ConnectionLimits { outbound_bytes_max: 9, ..none() };
    let options = UrlOptions { limits: wrong, ..UrlOptions::default() };
    assert_eq!(status(pair.client.connect_url(&url, &options)), Status::InvalidArgument);
    assert_eq!(pair.client.statistics().connections, 2);
}

#[test]
fn limits_change_while_a_connection_is_open() {
    let (mut server, mut peer, connection) = plain(&defaults());
    let narrow = ConnectionLimits { receive_queue_capacity: 2, ..none() };
    server.set_connection_limits(connection, &narrow).expect("is open");
    for number in 0..5u8 {
        peer.write(&mut server, &frame(FIN | BINARY, &[number]));
    }
    settle(&mut [&mut server], 5);
    assert_eq!(server.event_queue_size(connection), 2, "reading has stopped");
    let wide = ConnectionLimits { receive_queue_capacity: 10, ..none() };
    server.set_connection_limits(connection, &wide).expect("is open");
    until("all five", || {
        step(&mut [&mut server]);
        (server.event_queue_size(connection) == 5).then_some(())
    });
    let short = ConnectionLimits { websocket_message_size_max: 10, ..none() };
    server.set_connection_limits(connection, &short).expect("is open");
    assert_eq!(server.payload_size_max(connection, 0).expect("is open"), 10);
    assert_eq!(status(server.send(connection, 0, &[0; 11])), Status::NetworkPacketOverflow);
    let held = server.connection_limits(connection).expect("is open");
    assert_eq!((held.receive_queue_capacity, held.websocket_message_size_max), (10, 10));
    let wrong = ConnectionLimits { outbound_bytes_max: 1, ..none() };
    let refused = server.set_connection_limits(connection, &wrong);
    assert_eq!(status(refused), Status::InvalidArgument);
    assert_eq!(server.connection_limits(connection).expect("is open"), held);
    while server.pop_event().is_some() {}
    peer.write(&mut server, &frame(FIN | BINARY, &[0; 11]));
    assert_eq!(peer.close_frame(&mut server).0, 1009, "the new limit holds for what comes in");
}

#[test]
fn more_room_is_announced_too() {
    let settings =
        NetworkSettings { websocket_send_queue_capacity: 1, writable_events: true, ..defaults() };
    let (mut server, _peer, connection) = plain(&settings);
    server.send(connection, 0, b"1").expect("there is room");
    assert_eq!(status(server.send(connection, 0, b"2")), Status::NetworkSendQueueFull);
    let wide = ConnectionLimits { websocket_send_queue_capacity: u32::MAX, ..none() };
    server.set_connection_limits(connection, &wide).expect("is open");
    server.send(connection, 0, b"2").expect("there is room");
    expect_event(&mut [&mut server], EventKind::Writable);
}

#[test]
fn a_connection_says_what_its_messages_are() {
    let (mut server, mut peer, connection) = plain(&defaults());
    assert_eq!(server.write_mode(connection).expect("is open"), MessageKind::Binary);
    server.send(connection, 0, b"bytes").expect("is sent");
    assert_eq!(peer.frame(&mut server).first, FIN | BINARY);
    server.set_write_mode(connection, MessageKind::Text).expect("plain has text");
    let many = [connection];
    server.send(connection, 0, b"one").expect("is sent");
    let handle = server.begin_send(connection, 0, 3).expect("begins");
    server.send_buffer(handle).expect("is open")[..3].copy_from_slice(b"two");
    server.end_send(handle, 3).expect("is sent");
    assert_eq!(server.send_to_many(&many, 0, b"three"), 1);
    let long = vec![b'4'; 9000];
    server.send_bytes(connection, 0, MessageKind::WriteMode, long.into()).expect("is sent");
    server.begin_message(connection, MessageKind::WriteMode).expect("begins");
    server.finish_message(connection).expect("is sent");
    for payload in [&b"one"[..], b"two", b"three", &[b'4'; 9000], b""] {
        let frame = peer.frame(&mut server);
        assert_eq!((frame.first, &frame.payload[..]), (FIN | TEXT, payload));
    }
    server.send_as(connection, 0, MessageKind::Binary, b"\xff").expect("is sent");
    assert_eq!(peer.frame(&mut server).first, FIN | BINARY, "who says so is heard");
    assert_eq!(status(server.send(connection, 0, b"\xff")), Status::InvalidArgument);
    assert_eq!(server.send_to_many(&many, 0, b"\xff"), 0, "is no text");
    let itself = server.set_write_mode(connection, MessageKind::WriteMode);
    assert_eq!(status(itself), Status::InvalidArgument);
    server.set_write_mode(connection, MessageKind::Binary).expect("is open");
    server.send(connection, 0, b"\xff").expect("is binary again");
    let mut utp = Pair::new(InterfaceKind::WebSocket);
    let refused = utp.client.set_write_mode(utp.to_server, MessageKind::Text);
    assert_eq!(status(refused), Status::InvalidArgument);
}

#[test]
fn one_message_to_many_is_text_for_those_who_want_it() {
    let (mut server, mut one, to_one) = plain(&defaults());
    let port = server.local_endpoint(0, 0).expect("is bound").port();
    let mut other = RawStream::open(&mut server, port, "/", "");
    let to_other = expect_accept(&mut [&mut server]);
    server.set_write_mode(to_other, MessageKind::Text).expect("plain has text");
    assert_eq!(server.send_to_many(&[to_one, to_other], 0, b"all"), 2);
    assert_eq!(one.frame(&mut server).first, FIN | BINARY);
    assert_eq!(other.frame(&mut server).first, FIN | TEXT);
}

#[test]
fn a_pong_has_its_time_from_the_moment_when_the_ping_leaves() {
    // Only updates move time, by 10 ms each.
    let settings = NetworkSettings {
        fixed_frame_time_ms: 10,
        ping_interval_ms: 100,
        pong_timeout_ms: 300,
        websocket_message_size_max: 64 << 20,
        outbound_bytes_max: 100 << 20,
        ..defaults()
    };
    let (mut server, mut peer, connection) = plain(&settings);
    // More than the system takes, so that pings wait behind it.
    server.send(connection, 0, &vec![7; 24 << 20]).expect("there is room");
    let mut got = 0;
    for _ in 0..120 {
        server.update().expect("updates");
        assert!(server.pop_event().is_none(), "it reads, if slowly");
        got += peer.skip_some();
    }
    assert!(got > 1 << 20, "only {got} bytes came");
    let silent = until("the end of one that reads no more", || {
        server.update().expect("updates");
        server.pop_event()
    });
    assert_eq!(silent.kind, EventKind::Disconnect, "what does not move for that long is lost");
}

#[test]
fn the_round_trip_does_not_count_what_waited_in_front_of_the_ping() {
    let settings = NetworkSettings { fixed_frame_time_ms: 10, ping_interval_ms: 0, ..defaults() };
    let (mut server, mut peer, connection) = plain(&settings);
    server.ping(connection, b"!").expect("there is room");
    let ping = peer.frame(&mut server);
    peer.write(&mut server, &frame(FIN | PONG, &ping.payload));
    let measured = until("a round trip", || {
        step(&mut [&mut server]);
        let info = server.connection_info(connection).expect("is open");
        Some(info.round_trip_us).filter(|&measured| measured > 0)
    });
    assert!(measured < 1_000_000, "{measured}");
    let stale: NetworkDriver = NetworkDriver::new(&settings).expect("the settings are good");
    assert_eq!(status(stale.write_mode(connection)), Status::NetworkIdMismatch);
}
