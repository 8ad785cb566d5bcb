//! Ways of sending beyond one call for one frame: fragments, what waits, memory that is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use netdriver::settings::{
    DialectPolicy, FRAGMENT_SIZE_MIN, InterfaceKind, NetworkSettings, UrlOptions,
};
use netdriver::{EventKind, MessageKind, NetworkDriver, Status};

use crate::messages::plain;
use crate::support::raw::{BINARY, CONTINUATION, FIN, TEXT};
use crate::support::{Pair, expect_accept, expect_event, status, websocket_server};

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

/// Memory that counts how often it was let go of.
struct Counted(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn owned_memory_is_let_go_of_once_whatever_happens() {
    for fragment_size in [0, 10_000, FRAGMENT_SIZE_MIN] {
        let settings = NetworkSettings { fragment_size, ..NetworkSettings::default() };
        let mut pair = Pair::plain(&settings, &settings);
        let gone = Arc::new(AtomicUsize::new(0));
        let count = || gone.load(Ordering::Relaxed);
        let own = || Bytes::from_owner(Counted(counted(500_000), Arc::clone(&gone)));
        let kind = MessageKind::Binary;
        pair.server.send(pair.to_client, 0, b"before").expect("is sent");
        pair.server.send_bytes(pair.to_client, 0, kind, own()).expect("is sent");
        // Too small to be worth it, they are copied.
        let copied = fragment_size == FRAGMENT_SIZE_MIN;
        assert_eq!(count(), usize::from(copied));
        pair.server.send(pair.to_client, 0, b"after").expect("is sent");
        assert_eq!(pair.client_event(EventKind::Data).data, &b"before"[..]);
        assert!(pair.client_event(EventKind::Data).data == counted(500_000));
        assert_eq!(pair.client_event(EventKind::Data).data, &b"after"[..]);
        assert_eq!(count(), 1, "it has left");
        pair.client.send_bytes(pair.to_server, 0, kind, own()).expect("is sent");
        assert_eq!(count(), 2, "a client masks a copy");
        assert!(pair.server_event(EventKind::Data).data == counted(500_000));
        let refused = pair.server.send_kept(pair.to_client, 1, kind, b"", || panic!("not taken"));
        assert_eq!(status(refused), Status::InvalidArgument);
        let long = vec![0; 2 << 20];
        let refused = pair.server.send_kept(pair.to_client, 0, kind, &long, || panic!("too long"));
        assert_eq!(status(refused), Status::NetworkPacketOverflow);
        let text = MessageKind::Text;
        let bad = [0xff; 9000];
        let refused = pair.server.send_kept(pair.to_client, 0, text, &bad, || panic!("no text"));
        assert_eq!(status(refused), Status::InvalidArgument);
        pair.server.send_bytes(pair.to_client, 0, kind, own()).expect("is sent");
        drop(pair.server);
        assert_eq!(count(), 3, "a driver that is gone holds nothing");
    }
}

#[test]
fn a_peer_that_never_reads_gives_owned_memory_back_when_it_is_lost() {
    let settings = NetworkSettings::default();
    let (mut server, mut peer, connection) = plain(&settings);
    let gone = Arc::new(AtomicUsize::new(0));
    let mut sent = 0;
    loop {
        let memory = Bytes::from_owner(Counted(vec![7; 1 << 20], Arc::clone(&gone)));
        match server.send_bytes(connection, 0, MessageKind::Binary, memory) {
            Ok(()) => sent += 1,
            Err(error) => {
                assert_eq!(error.status(), Status::NetworkSendQueueFull);
                break;
            }
        }
        server.flush().expect("flushes");
    }
    // What was refused was the caller's, and is dropped here.
    let held = sent + 1 - gone.load(Ordering::Relaxed);
    assert!(held >= 3, "{held} of {sent} wait");
    peer.read();
    drop(peer);
    crate::support::until("the end of the connection", || {
        crate::support::step(&mut [&mut server]);
        server.pop_event().filter(|event| event.kind == EventKind::Disconnect)
    });
    assert_eq!(gone.load(Ordering::Relaxed), sent + 1);
}

#[test]
fn large_messages_to_many_keep_their_order_with_the_others() {
    for deflate in [false, true] {
        let settings = NetworkSettings { deflate, ..NetworkSettings::default() };
        let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
        let mut clients = Vec::new();
        let mut connections = Vec::new();
        for _ in 0..3 {
            let mut client = NetworkDriver::new(&settings).expect("the settings are good");
            let url = format!("ws://127.0.0.1:{port}/");
            client.connect_url(&url, &UrlOptions::default()).expect("starts to connect");
            expect_event(&mut [&mut client, &mut server], EventKind::Connect);
            connections.push(expect_accept(&mut [&mut server, &mut client]));
            clients.push(client);
        }
        let noise: Vec<u8> = {
            let mut random = netdriver::proto::random::Random::new(3);
            (0..40_000).map(|_| random.next_u64() as u8).collect()
        };
        let messages = [counted(10), noise, counted(300_000), counted(4096), vec![0; 100_000]];
        for message in &messages {
            assert_eq!(server.send_to_many(&connections, 0, message), 3);
        }
        for client in &mut clients {
            for message in &messages {
                let event = expect_event(&mut [client, &mut server], EventKind::Data);
                assert!(event.data == *message, "{} bytes", message.len());
            }
        }
    }
}
