//! Sending: in place and at once, what is refused and in which order it is checked.

use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{Connection, EventKind, MessageKind, NetworkEndpoint, SendHandle, Status};

use super::connecting::frames;
use crate::support::{Pair, driver, send_in_place, settle, status};

/// Everything that the server has got, after a frame.
fn arrived(pair: &mut Pair) -> Vec<String> {
    pair.client.update().expect("updates");
    pair.server.update().expect("updates");
    let events = std::iter::from_fn(|| pair.server.pop_event());
    events.map(|event| String::from_utf8(event.data.to_vec()).expect("is text")).collect()
}

fn write(pair: &mut Pair, handle: SendHandle, text: &str) {
    let buffer = pair.client.send_buffer(handle).expect("is open");
    buffer[..text.len()].copy_from_slice(text.as_bytes());
}

#[test]
fn ping_and_pong_over_every_carrier() {
    for kind in [InterfaceKind::Ipc, InterfaceKind::Udp, InterfaceKind::WebSocket] {
        let mut pair = Pair::new(kind);
        for round in 0..20u8 {
            let ping = vec![round; usize::from(round)];
            pair.client.send(pair.to_server, 0, &ping).expect("is sent");
            let event = pair.server_event(EventKind::Data);
            assert_eq!((&event.data[..], event.text, event.pipeline), (&ping[..], false, 0));
            send_in_place(&mut pair.server, pair.to_client, &event.data).expect("is sent");
            assert_eq!(pair.client_event(EventKind::Data).data, ping);
        }
        let ours = pair.client.connection_info(pair.to_server).expect("is known");
        let theirs = pair.server.connection_info(pair.to_client).expect("is known");
        assert_eq!((ours.messages_out, ours.messages_in), (20, 20));
        assert_eq!((ours.bytes_out, theirs.bytes_in), (190, 190));
    }
}

#[test]
fn the_longest_message_goes_both_ways_and_a_longer_one_nowhere() {
    let carriers =
        [(InterfaceKind::Ipc, 1390), (InterfaceKind::Udp, 1390), (InterfaceKind::WebSocket, 1376)];
    for (kind, most) in carriers {
        let mut pair = Pair::new(kind);
        assert_eq!(pair.client.payload_size_max(pair.to_server, 0).expect("is open"), most);
        let longer: Vec<u8> = (0..=most).map(|index| index as u8).collect();
        let refused = status(pair.client.send(pair.to_server, 0, &longer));
        assert_eq!(refused, Status::NetworkPacketOverflow);
        let longest = &longer[1..];
        pair.client.send(pair.to_server, 0, longest).expect("is sent");
        assert_eq!(pair.server_event(EventKind::Data).data, longest);
        pair.server.send(pair.to_client, 0, longest).expect("is sent");
        assert_eq!(pair.client_event(EventKind::Data).data, longest);
    }
}

#[test]
fn the_room_follows_the_setting() {
    let settings = NetworkSettings { max_message_size: 500, ..frames(10) };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    assert_eq!(pair.client.payload_size_max(pair.to_server, 0).expect("is open"), 490);
    let handle = pair.client.begin_send(pair.to_server, 0, 0).expect("is open");
    assert_eq!(pair.client.send_buffer(handle).expect("is open").len(), 490);
    let refused = status(pair.client.begin_send(pair.to_server, 0, 491));
    assert_eq!(refused, Status::NetworkPacketOverflow);
}

#[test]
fn an_empty_message_is_a_message() {
    let mut pair = Pair::new(InterfaceKind::Udp);
    pair.client.send(pair.to_server, 0, b"").expect("is sent");
    send_in_place(&mut pair.client, pair.to_server, b"").expect("is sent");
    for _ in 0..2 {
        assert!(pair.server_event(EventKind::Data).data.is_empty());
    }
}

#[test]
fn misuse_is_told_by_its_number() {
    let mut pair = Pair::with(InterfaceKind::Ipc, &frames(10));
    let open = pair.to_server;
    let never = Connection::from_u64(1 << 32 | 77);
    let old = Connection::from_u64(9 << 32 | u64::from(open.index()));
    for (connection, expected) in [
        (Connection::NONE, Status::NetworkIdMismatch),
        (never, Status::NetworkIdMismatch),
        (old, Status::NetworkVersionMismatch),
    ] {
        assert_eq!(status(pair.client.send(connection, 0, b"x")), expected);
        assert_eq!(status(pair.client.begin_send(connection, 0, 0)), expected);
        assert_eq!(status(pair.client.payload_size_max(connection, 0)), expected);
    }
    let nowhere = NetworkEndpoint::loopback_ipv4(6010);
    let connecting = pair.client.connect(0, &nowhere, b"").expect("starts to connect");
    let state = Status::NetworkStateMismatch;
    assert_eq!(status(pair.client.send(connecting, 0, b"x")), state);
    assert_eq!(status(pair.client.begin_send(connecting, 0, 0)), state);
    assert_eq!(status(pair.client.send(open, 0, &[0; 1391])), Status::NetworkPacketOverflow);
    assert_eq!(status(pair.client.send(open, 1, b"x")), Status::InvalidArgument);
    assert_eq!(status(pair.client.send_text(open, "x")), Status::InvalidArgument);
    pair.client.disconnect(open).expect("is open");
    assert_eq!(status(pair.client.send(open, 0, b"x")), state, "before any update");
    assert_eq!(status(pair.client.begin_send(open, 0, 0)), state);
    pair.client.update().expect("updates");
    assert_eq!(status(pair.client.send(open, 0, b"x")), Status::NetworkVersionMismatch);
}

#[test]
fn the_checks_come_in_order() {
    let settings = NetworkSettings { send_queue_capacity: 1, ..frames(10) };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    let open = pair.to_server;
    let huge = [0; 5000];
    pair.client.send(open, 0, b"fills the queue").expect("is sent");
    // Everything is wrong at once; each line mends what the line before complained about.
    let never = Connection::from_u64(1 << 32 | 77);
    let old = Connection::from_u64(9 << 32 | u64::from(open.index()));
    assert_eq!(status(pair.client.send(never, 0, &huge)), Status::NetworkIdMismatch);
    assert_eq!(status(pair.client.send(old, 0, &huge)), Status::NetworkVersionMismatch);
    let nowhere = NetworkEndpoint::loopback_ipv4(6011);
    let connecting = pair.client.connect(0, &nowhere, b"").expect("starts to connect");
    assert_eq!(status(pair.client.send(connecting, 0, &huge)), Status::NetworkStateMismatch);
    assert_eq!(status(pair.client.send(open, 0, &huge)), Status::NetworkPacketOverflow);
    assert_eq!(status(pair.client.begin_send(open, 0, 5000)), Status::NetworkPacketOverflow);
    assert_eq!(status(pair.client.send(open, 0, b"x")), Status::NetworkSendQueueFull);
    assert_eq!(status(pair.client.begin_send(open, 0, 0)), Status::NetworkSendQueueFull);
    pair.client.flush().expect("flushes");
    pair.client.send(open, 0, b"x").expect("there is room again");
}

#[test]
fn nested_and_overlapping_sends_leave_in_the_order_of_their_ends() {
    let mut pair = Pair::with(InterfaceKind::Ipc, &frames(10));
    let mut begin = |text: &str| {
        let handle = pair.client.begin_send(pair.to_server, 0, 0).expect("is open");
        write(&mut pair, handle, text);
        handle
    };
    let [a, b, c, d] = ["a", "b", "c", "d"].map(&mut begin);
    for handle in [b, d] {
        pair.client.end_send(handle, 1).expect("is sent");
    }
    pair.client.send(pair.to_server, 0, b"between").expect("is sent");
    for handle in [a, c] {
        pair.client.end_send(handle, 1).expect("is sent");
    }
    assert_eq!(arrived(&mut pair), ["b", "d", "between", "a", "c"]);
}

#[test]
fn a_send_ends_exactly_once() {
    let mut pair = Pair::with(InterfaceKind::Ipc, &frames(10));
    let invalid = Status::NetworkSendHandleInvalid;
    let begin = |pair: &mut Pair| {
        let handle = pair.client.begin_send(pair.to_server, 0, 4).expect("is open");
        write(pair, handle, "once");
        handle
    };
    let ended = begin(&mut pair);
    pair.client.end_send(ended, 4).expect("is sent");
    assert_eq!(status(pair.client.end_send(ended, 4)), invalid, "end after end");
    assert_eq!(status(pair.client.abort_send(ended)), invalid, "abort after end");
    assert_eq!(status(pair.client.send_buffer(ended).map(|_| ())), invalid);
    let aborted = begin(&mut pair);
    pair.client.abort_send(aborted).expect("is open");
    assert_eq!(status(pair.client.end_send(aborted, 4)), invalid, "end after abort");
    assert_eq!(status(pair.client.abort_send(aborted)), invalid, "abort after abort");
    for made_up in [0, u64::MAX, 7, 1 << 32 | 99] {
        let handle = SendHandle::from_u64(made_up);
        assert_eq!(status(pair.client.end_send(handle, 0)), invalid, "end without begin");
        assert_eq!(status(pair.client.abort_send(handle)), invalid, "abort without begin");
    }
    let fresh = begin(&mut pair);
    assert_eq!(status(pair.client.end_send(ended, 4)), invalid, "its place serves another send");
    pair.client.abort_send(fresh).expect("is open");
    assert_eq!(arrived(&mut pair), ["once"], "nothing is sent twice");
}

#[test]
fn an_update_aborts_what_was_not_ended() {
    let mut pair = Pair::with(InterfaceKind::Ipc, &frames(10));
    let forgotten = pair.client.begin_send(pair.to_server, 0, 0).expect("is open");
    assert_eq!(arrived(&mut pair), [""; 0]);
    let late = status(pair.client.end_send(forgotten, 1));
    assert_eq!(late, Status::NetworkSendHandleInvalid, "end after the update");
    assert_eq!(arrived(&mut pair), [""; 0]);
}

#[test]
fn a_failed_end_is_over_and_sends_nothing() {
    let mut pair = Pair::with(InterfaceKind::Ipc, &frames(10));
    let handle = pair.client.begin_send(pair.to_server, 0, 8).expect("is open");
    assert_eq!(status(pair.client.end_send(handle, 9)), Status::NetworkPacketOverflow);
    assert_eq!(status(pair.client.end_send(handle, 8)), Status::NetworkSendHandleInvalid);
    let handle = pair.client.begin_send(pair.to_server, 0, 8).expect("is open");
    let text = pair.client.end_send_as(handle, 8, MessageKind::Text);
    assert_eq!(status(text), Status::InvalidArgument);
    assert_eq!(status(pair.client.abort_send(handle)), Status::NetworkSendHandleInvalid);
    assert_eq!(arrived(&mut pair), [""; 0]);
}

#[test]
fn a_connection_that_closes_takes_its_open_sends_along() {
    let mut pair = Pair::with(InterfaceKind::Ipc, &frames(10));
    let handle = pair.client.begin_send(pair.to_server, 0, 4).expect("is open");
    pair.client.disconnect(pair.to_server).expect("is open");
    assert_eq!(status(pair.client.end_send(handle, 4)), Status::NetworkStateMismatch);
    pair.server_event(EventKind::Disconnect);
}

#[test]
fn a_message_to_a_peer_that_just_closed_raises_nothing() {
    for kind in [InterfaceKind::Ipc, InterfaceKind::Udp, InterfaceKind::WebSocket] {
        let mut pair = Pair::new(kind);
        pair.client.disconnect(pair.to_server).expect("is open");
        pair.client.flush().expect("flushes");
        pair.server.send(pair.to_client, 0, b"too late").expect("does not know yet");
        pair.server_event(EventKind::Disconnect);
        settle(&mut [&mut pair.client, &mut pair.server], 5);
        assert!(pair.client.pop_event().is_none() && pair.server.pop_event().is_none());
    }
}

#[test]
fn one_message_goes_to_many() {
    let settings = NetworkSettings { session: false, ..frames(10) };
    let mut pair = Pair::with(InterfaceKind::Ipc, &settings);
    let second = pair.client.connect(0, &pair.endpoint, b"").expect("starts to connect");
    pair.frame();
    pair.frame();
    pair.client.pop_event().expect("the second connects");
    let fresh = pair.server.accept().expect("waits");
    let stale = Connection::from_u64(9 << 32);
    let all = [pair.to_client, stale, fresh];
    assert_eq!(pair.server.send_to_many(&all, 0, b"all"), 2);
    pair.server.flush().expect("flushes");
    pair.client.update().expect("updates");
    for connection in [pair.to_server, second] {
        let event = pair.client.pop_event().expect("waits");
        assert_eq!((event.connection, &event.data[..]), (connection, &b"all"[..]));
    }
    let mut outcomes = Vec::new();
    let each = |outcome: netdriver::Result<()>| outcomes.push(outcome.is_ok());
    let all = all.iter().copied();
    pair.server.send_to_many_as(all, 0, MessageKind::Binary, b"x", each).expect("is fine");
    assert_eq!(outcomes, [true, false, true]);
}

#[test]
fn more_messages_than_a_sequence_number_holds_arrive_in_order_on_a_quiet_network() {
    let mut pair = Pair::with(InterfaceKind::Ipc, &frames(10));
    let mut expected = 0u32;
    for number in 0..70_000u32 {
        pair.client.send(pair.to_server, 0, &number.to_le_bytes()).expect("is sent");
        if number % 500 == 499 {
            pair.client.update().expect("updates");
            pair.server.update().expect("updates");
            while let Some(event) = pair.server.pop_event() {
                assert_eq!(event.data, expected.to_le_bytes()[..]);
                expected += 1;
            }
        }
    }
    assert_eq!(expected, 70_000);
}

#[test]
fn nothing_leaves_before_flush_or_update() {
    let mut pair = Pair::with(InterfaceKind::Ipc, &frames(10));
    let mut other = driver(InterfaceKind::Ipc, &frames(10));
    other.update().expect("updates");
    pair.client.send(pair.to_server, 0, b"waits").expect("is sent");
    let sent = pair.client.connection_info(pair.to_server).expect("is known").messages_out;
    assert_eq!(sent, 1, "accepted for sending");
    pair.client.flush().expect("flushes");
    pair.server.update().expect("updates");
    assert_eq!(pair.server.pop_event().expect("arrived").data, b"waits"[..]);
}
