//! Ways of sending beyond one call for one frame: fragments, what waits.

use netdriver::settings::{FRAGMENT_SIZE_MIN, InterfaceKind, NetworkSettings};
use netdriver::{EventKind, MessageKind, Status};

use crate::messages::plain;
use crate::support::raw::{BINARY, CONTINUATION, FIN, TEXT};
use crate::support::{Pair, status};

fn counted(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 7) as u8).collect()
}

#[test]
fn messages_above_the_fragment_size_leave_in_several_frames() {
    let settings = NetworkSettings { fragment_size: 1000, ..NetworkSettings::default() };
    let (mut server, mut peer, connection) = plain(&settings);
    for length in [0, 999, 1000] {
        server.send(connection, 0, &counted(length)).expect("is sent");
        let heard = peer.frame(&mut server);
        assert_eq!((heard.first, heard.payload), (FIN | BINARY, counted(length)));
    }
    let long = counted(2500);
    server.send(connection, 0, &long).expect("is sent");
    for (first, piece) in [
        (BINARY, &long[..1000]),
        (CONTINUATION, &long[1000..2000]),
        (CONTINUATION | FIN, &long[2000..]),
    ] {
        let heard = peer.frame(&mut server);
        assert_eq!((heard.first, &heard.payload[..]), (first, piece));
    }
    let each = |outcome: netdriver::Result<()>| outcome.expect("is sent");
    let all = [connection].into_iter();
    server.send_to_many_as(all, 0, MessageKind::Text, &[b'x'; 1001], each).expect("is text");
    assert_eq!(peer.frame(&mut server).first, TEXT);
    let heard = peer.frame(&mut server);
    assert_eq!((heard.first, &heard.payload[..]), (FIN | CONTINUATION, &b"x"[..]));
}

#[test]
fn fragments_of_either_side_are_put_together_and_compressed_ones_too() {
    for deflate in [false, true] {
        let settings = NetworkSettings {
            fragment_size: FRAGMENT_SIZE_MIN,
            deflate,
            ..NetworkSettings::default()
        };
        let mut pair = Pair::plain(&settings, &settings);
        let most = pair.client.payload_size_max(pair.to_server, 0).expect("is open") as usize;
        assert_eq!(most, settings.websocket_message_size_max as usize);
        for length in [0, 1, 125, 126, 5000, most] {
            pair.client.send(pair.to_server, 0, &counted(length)).expect("is sent");
            assert!(pair.server_event(EventKind::Data).data == counted(length), "{length}");
            pair.server.send(pair.to_client, 0, &counted(length)).expect("is sent");
            assert!(pair.client_event(EventKind::Data).data == counted(length), "{length}");
        }
    }
}

#[test]
fn the_longest_message_leaves_room_for_its_frames() {
    let settings = NetworkSettings {
        fragment_size: FRAGMENT_SIZE_MIN,
        outbound_bytes_max: 10_000,
        ..NetworkSettings::default()
    };
    let mut pair = Pair::plain(&settings, &settings);
    let most = pair.client.payload_size_max(pair.to_server, 0).expect("is open") as usize;
    assert!((8000..9000).contains(&most), "{most}");
    pair.client.send(pair.to_server, 0, &counted(most)).expect("is sent");
    assert!(pair.server_event(EventKind::Data).data == counted(most));
    let longer = pair.client.send(pair.to_server, 0, &counted(most + 1));
    assert_eq!(status(longer), Status::NetworkPacketOverflow);
    // A packet of the UTP dialect stays one frame.
    let settings =
        NetworkSettings { outbound_bytes_max: settings.max_message_size as u32 + 14, ..settings };
    let mut pair = Pair::with(InterfaceKind::WebSocket, &settings);
    let most = pair.client.payload_size_max(pair.to_server, 0).expect("is open") as usize;
    pair.client.send(pair.to_server, 0, &counted(most)).expect("is sent");
    assert!(pair.server_event(EventKind::Data).data == counted(most));
}

#[test]
fn the_buffered_amount_is_what_has_not_left() {
    let settings = NetworkSettings::default();
    let mut pair = Pair::plain(&settings, &settings);
    assert_eq!(pair.server.buffered_amount(pair.to_client), Ok(0));
    pair.server.send(pair.to_client, 0, &[7; 300]).expect("is sent");
    assert_eq!(pair.server.buffered_amount(pair.to_client), Ok(304), "a header of four bytes");
    pair.client.send(pair.to_server, 0, &[7; 300]).expect("is sent");
    assert_eq!(pair.client.buffered_amount(pair.to_server), Ok(308), "and a mask");
    pair.server.flush().expect("flushes");
    assert_eq!(pair.server.buffered_amount(pair.to_client), Ok(0));
    pair.server.disconnect(pair.to_client).expect("is open");
    pair.server.update().expect("updates");
    let stale = pair.server.buffered_amount(pair.to_client);
    assert_eq!(status(stale), Status::NetworkVersionMismatch);
    let mut pair = Pair::new(InterfaceKind::Udp);
    pair.client.send(pair.to_server, 0, b"leaves whole").expect("is sent");
    assert_eq!(pair.client.buffered_amount(pair.to_server), Ok(0));
}
