//! Streaming: messages that are received in pieces, and sent in pieces.

use netdriver::settings::{DialectPolicy, NetworkSettings};
use netdriver::{
    Connection, DisconnectReason, Event, EventKind, MessageKind, NetworkDriver, Status,
};

use crate::messages::plain;
use crate::support::raw::{
    BINARY, CONTINUATION, FIN, PING, PONG, RawStream, TEXT, frame, frame_header, handshake,
};
use crate::support::{
    Pair, expect_accept, expect_event, settle, status, step, until, websocket_server,
};

/// The kind of a connection request.
const REQUEST: u8 = 1;

fn streaming() -> NetworkSettings {
    NetworkSettings { fragment_events: true, ..NetworkSettings::default() }
}

/// The next message, in however many pieces it comes, and how many those were.
#[track_caller]
fn gather(drivers: &mut [&mut NetworkDriver]) -> (Vec<u8>, bool, usize) {
    let mut whole = Vec::new();
    for count in 1.. {
        let event = crate::support::next_event(drivers, "a piece");
        assert_eq!(event.first, count == 1, "{event:?}");
        let kind = if event.first && event.last { EventKind::Data } else { EventKind::Fragment };
        assert_eq!(event.kind, kind);
        whole.extend_from_slice(&event.data);
        if event.last {
            return (whole, event.text, count);
        }
    }
    unreachable!("the loop has no end");
}

fn piece(event: &Event) -> (EventKind, &[u8], bool, bool) {
    (event.kind, &event.data, event.first, event.last)
}

#[test]
fn pieces_are_events_before_the_message_is_whole() {
    let (mut server, mut peer, connection) = plain(&streaming());
    let message = frame(FIN | TEXT, b"abcdef");
    peer.write(&mut server, &message[..8]);
    let event = expect_event(&mut [&mut server], EventKind::Fragment);
    assert_eq!(piece(&event), (EventKind::Fragment, &b"ab"[..], true, false));
    assert!(event.text);
    assert_eq!(server.connection_info(connection).expect("is open").messages_in, 0);
    peer.write(&mut server, &message[8..]);
    let event = expect_event(&mut [&mut server], EventKind::Fragment);
    assert_eq!(piece(&event), (EventKind::Fragment, &b"cdef"[..], false, true));
    let info = server.connection_info(connection).expect("is open");
    assert_eq!((info.messages_in, info.bytes_in), (1, 6));
    peer.write(&mut server, &message);
    let event = expect_event(&mut [&mut server], EventKind::Data);
    assert_eq!(piece(&event), (EventKind::Data, &b"abcdef"[..], true, true));
}

#[test]
fn a_message_of_any_length_passes_with_little_memory_and_holds_its_sender_back() {
    const SIZE: u64 = 5 << 30;
    let settings = NetworkSettings { inbound_bytes_max: 200_000, ..streaming() };
    let (mut server, mut peer, connection) = plain(&settings);
    // Longer than any message may be, and only its start ever comes.
    peer.write(&mut server, &frame_header(FIN | BINARY, SIZE, true));
    let block = vec![0; 64 * 1024];
    let mut written = 0;
    for _ in 0..2000 {
        written += peer.try_write(&block);
        step(&mut [&mut server]);
        let waits = server.connection_info(connection).expect("is open").inbound_bytes;
        assert!(waits < 400_000, "{waits} bytes wait");
    }
    assert!(written < 100 << 20, "the peer is held back, after {written} bytes");
    let mut seen = 0;
    until("everything that was written", || {
        while let Some(event) = server.pop_event() {
            assert_eq!(
                (event.kind, event.first, event.last),
                (EventKind::Fragment, seen == 0, false)
            );
            seen += event.data.len();
        }
        step(&mut [&mut server]);
        (seen == written).then_some(())
    });
}

#[test]
fn text_that_breaks_in_a_later_piece_ends_the_connection() {
    let (mut server, mut peer, _) = plain(&streaming());
    peer.write(&mut server, &frame(TEXT, b"good \xe2"));
    assert!(expect_event(&mut [&mut server], EventKind::Fragment).first);
    peer.write(&mut server, &frame(CONTINUATION, b"x"));
    assert_eq!(peer.close_frame(&mut server).0, 1007);
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.reason, end.close_code), (DisconnectReason::ProtocolError, 1007));
}

#[test]
fn two_drivers_stream_to_each_other_with_and_without_compression() {
    for (deflate, contexts) in [(false, 0), (true, 0), (true, 3)] {
        let settings = NetworkSettings {
            deflate,
            deflate_no_context_takeover: contexts,
            websocket_message_size_max: 10_000,
            ..streaming()
        };
        let mut pair = Pair::plain(&settings, &settings);
        let long: Vec<u8> = "жsnö ".bytes().cycle().take(700_000).collect();
        for round in 0..2 {
            pair.client.begin_message(pair.to_server, MessageKind::Text).expect("begins");
            for part in long.chunks(33_333) {
                pair.client.append_message(pair.to_server, part).expect("there is room");
                pair.client.update().expect("updates");
            }
            pair.client.finish_message(pair.to_server).expect("ends");
            let (whole, text, count) = gather(&mut [&mut pair.server, &mut pair.client]);
            assert!(text && whole == long && count > 5, "{count} pieces in round {round}");
            pair.client.send(pair.to_server, 0, b"short").expect("is sent");
            assert_eq!(gather(&mut [&mut pair.server, &mut pair.client]).0, b"short");
        }
        let statistics = pair.server.statistics();
        assert_eq!((statistics.messages_in, statistics.bytes_in), (4, 2 * (700_000 + 5)));
        assert_eq!(pair.client.statistics().messages_out, 4);
    }
}

#[test]
fn an_undecided_connection_takes_a_long_first_message_in_pieces_and_a_request_whole() {
    let settings = NetworkSettings { websocket_message_size_max: 5000, ..streaming() };
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &settings);
    let mut peer = RawStream::open(&mut server, port, "/", "");
    let long = vec![b'x'; 30_000];
    let bytes = frame(FIN | BINARY, &long);
    for part in bytes.chunks(1000) {
        peer.write(&mut server, part);
        step(&mut [&mut server]);
    }
    let connection = expect_accept(&mut [&mut server]);
    let (whole, _, count) = gather(&mut [&mut server]);
    assert!(whole == long && count > 1);
    assert_eq!(server.payload_size_max(connection, 0), Ok(5000));
    // A request of the UTP dialect that is cut in two is still one.
    let request = frame(FIN | BINARY, &handshake(REQUEST, b""));
    let mut client = RawStream::open(&mut server, port, "/", "");
    for part in [&request[..9], &request[9..]] {
        client.write(&mut server, part);
        settle(&mut [&mut server], 3);
    }
    let connection = expect_accept(&mut [&mut server]);
    assert!(server.payload_size_max(connection, 0).expect("is open") < 1400, "UTP");
    // Even if it is late.
    let settings = NetworkSettings { plain_grace_ms: 1, ..settings };
    let (mut server, port) = websocket_server(DialectPolicy::Auto, &settings);
    let mut client = RawStream::open(&mut server, port, "/", "");
    let connection = expect_accept(&mut [&mut server]);
    for part in [&request[..9], &request[9..]] {
        client.write(&mut server, part);
        settle(&mut [&mut server], 3);
    }
    assert!(server.payload_size_max(connection, 0).expect("is open") < 1400, "UTP");
}

/// Begins a message of a server and sends "abc" of it.
fn begun() -> (NetworkDriver, RawStream, Connection) {
    let (mut server, mut peer, connection) = plain(&NetworkSettings::default());
    server.begin_message(connection, MessageKind::Binary).expect("begins");
    server.append_message(connection, b"abc").expect("is sent");
    let heard = peer.frame(&mut server);
    assert_eq!((heard.first, &heard.payload[..]), (BINARY, &b"abc"[..]));
    (server, peer, connection)
}

#[test]
fn nothing_but_control_frames_goes_between_the_pieces() {
    let (mut server, mut peer, connection) = begun();
    let busy = Status::NetworkStateMismatch;
    assert_eq!(status(server.begin_message(connection, MessageKind::Text)), busy);
    assert_eq!(status(server.send(connection, 0, b"x")), busy);
    assert_eq!(status(server.begin_send(connection, 0, 10)), busy);
    let kept =
        server.send_kept(connection, 0, MessageKind::Binary, &[0; 9000], || panic!("is not taken"));
    assert_eq!(status(kept), busy);
    for data in [&b"x"[..], &[0; 9000]] {
        assert_eq!(server.send_to_many(&[connection], 0, data), 0);
    }
    peer.write(&mut server, &frame(FIN | PING, b"?"));
    assert_eq!(peer.frame(&mut server).first, FIN | PONG);
    server.append_message(connection, b"d").expect("is sent");
    server.finish_message(connection).expect("ends");
    assert_eq!(peer.frame(&mut server).first, CONTINUATION);
    let last = peer.frame(&mut server);
    assert_eq!((last.first, last.payload.len()), (FIN | CONTINUATION, 0));
    server.send(connection, 0, b"x").expect("is sent");
    assert_eq!(peer.frame(&mut server).first, FIN | BINARY);
    assert_eq!(status(server.append_message(connection, b"x")), busy);
    assert_eq!(status(server.finish_message(connection)), busy);
}

#[test]
fn closing_in_the_middle_of_a_message_is_fine() {
    let (mut server, mut peer, connection) = begun();
    server.close(connection, 4000, b"enough").expect("is open");
    let closed = Status::NetworkStateMismatch;
    assert_eq!(status(server.append_message(connection, b"x")), closed);
    assert_eq!(peer.close_frame(&mut server), (4000, "enough".to_owned()));
}

#[test]
fn a_piece_that_does_not_fit_is_refused_and_the_message_goes_on() {
    let settings = NetworkSettings { outbound_bytes_max: 100_000, ..NetworkSettings::default() };
    let (mut server, mut peer, connection) = plain(&settings);
    server.begin_message(connection, MessageKind::Binary).expect("begins");
    let long = server.append_message(connection, &[0; 100_000]);
    assert_eq!(status(long), Status::NetworkPacketOverflow);
    let mut count = 0;
    while server.append_message(connection, &[7; 10_000]).is_ok() {
        count += 1;
    }
    assert_eq!(count, 9);
    let full = server.append_message(connection, &[7; 10_000]);
    assert_eq!(status(full), Status::NetworkSendQueueFull);
    for _ in 0..count {
        assert_eq!(peer.frame(&mut server).payload.len(), 10_000);
    }
    server.append_message(connection, b"x").expect("there is room");
    server.finish_message(connection).expect("ends");
    assert_eq!(peer.frame(&mut server).payload, b"x");
    assert_eq!(peer.frame(&mut server).first, FIN | CONTINUATION);
    let mut utp = Pair::new(netdriver::settings::InterfaceKind::WebSocket);
    let refused = utp.client.begin_message(utp.to_server, MessageKind::Binary);
    assert_eq!(status(refused), Status::InvalidArgument);
}
