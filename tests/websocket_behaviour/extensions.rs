//! Extensions of the program, against streams of raw bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use netdriver::settings::{
    Dialect, DialectPolicy, InterfaceKind, InterfaceSettings, NetworkSettings, UrlOptions,
};
use netdriver::{DisconnectReason, EventKind, MessageKind, NetworkDriver};
use netdriver::{Extension, ExtensionFrame, ExtensionOutput, Transform};

use crate::support::raw::{
    BINARY, FIN, PING, PONG, RawListener, RawStream, TEXT, answer, bare_frame, frame, header,
    request,
};
use crate::support::{Pair, expect_accept, expect_event, websocket_server};

/// The bit of every frame that went through the extension.
const RSV2: u8 = 0x20;
const OFFER: &str = "Sec-WebSocket-Extensions: x-not, permessage-deflate\r\n";

/// Turns each byte into its complement; counts the connections that have it.
#[derive(Clone, Default)]
struct Not {
    alive: Arc<AtomicU32>,
    required: bool,
}

struct Turned(Arc<AtomicU32>);

impl Drop for Turned {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Not {
    fn turned(&self) -> Box<dyn Transform> {
        self.alive.fetch_add(1, Ordering::Relaxed);
        Box::new(Turned(Arc::clone(&self.alive)))
    }
}

impl Extension for Not {
    fn name(&self) -> &str {
        "x-not"
    }

    fn reserved_bits(&self) -> u8 {
        2
    }

    fn is_required(&self) -> bool {
        self.required
    }

    fn accept(&self, offer: &str) -> Option<(String, Box<dyn Transform>)> {
        offer.is_empty().then(|| (String::new(), self.turned()))
    }

    fn confirm(&self, _: &str) -> Result<Box<dyn Transform>, u16> {
        Ok(self.turned())
    }
}

impl Transform for Turned {
    fn encode(&mut self, frame: ExtensionFrame<'_>, out: &mut ExtensionOutput) -> Result<u8, u16> {
        out.write(&not(frame.payload));
        // Bytes of zeros cannot be sent: the connection is to fail.
        if frame.payload.iter().all(|byte| *byte == 0) { Err(1008) } else { Ok(2) }
    }

    fn decode(&mut self, frame: ExtensionFrame<'_>, out: &mut ExtensionOutput) -> Result<(), u16> {
        out.write(&not(frame.payload));
        Ok(())
    }
}

fn not(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| !byte).collect()
}

fn server(policy: DialectPolicy) -> (NetworkDriver, u16, Not) {
    let settings = NetworkSettings { deflate: true, ..NetworkSettings::default() };
    let (mut server, port) = websocket_server(policy, &settings);
    let extension = Not::default();
    server.add_extension(0, Box::new(extension.clone())).expect("is new");
    (server, port, extension)
}

#[test]
fn a_server_agrees_and_frames_go_through() {
    let (mut server, port, extension) = server(DialectPolicy::Auto);
    let mut peer = RawStream::connect(port);
    peer.write(&mut server, request("/", OFFER).as_bytes());
    let agreed = header(&peer.head(&mut server), "Sec-WebSocket-Extensions").expect("agrees");
    assert!(agreed.starts_with("permessage-deflate") && agreed.ends_with(", x-not"), "{agreed}");
    peer.write(&mut server, &frame(RSV2 | TEXT, &not(b"Hel")));
    peer.write(&mut server, &frame(FIN | PING, b"between"));
    peer.write(&mut server, &frame(FIN | RSV2, &not(b"lo")));
    let connection = expect_accept(&mut [&mut server]);
    let event = expect_event(&mut [&mut server], EventKind::Data);
    assert!(event.text && event.data == b"Hello"[..]);
    assert_eq!(peer.frame(&mut server).first, FIN | PONG);
    assert_eq!(server.extensions(connection).expect("is connected"), agreed);
    server.send(connection, 0, b"Hi").expect("is sent");
    let sent = peer.frame(&mut server);
    assert_eq!((sent.first, sent.payload), (FIN | RSV2 | BINARY, not(b"Hi")));
    // Compressed first: the frame is not the message any more, but its bytes are still turned.
    server.send(connection, 0, &[7; 1000]).expect("is sent");
    let sent = peer.frame(&mut server);
    assert_eq!(sent.first, FIN | 0x40 | RSV2 | BINARY);
    peer.write(&mut server, &frame(FIN | 0x40 | RSV2 | BINARY, &sent.payload));
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, vec![7; 1000]);
    assert_eq!(extension.alive.load(Ordering::Relaxed), 1);
    drop(server);
    assert_eq!(extension.alive.load(Ordering::Relaxed), 0);
}

#[test]
fn one_message_to_many_goes_through_each_ones_own() {
    let (mut server, port, _) = server(DialectPolicy::PlainOnly);
    let mut peers = Vec::new();
    let mut connections = Vec::new();
    for lines in [OFFER, "", "Sec-WebSocket-Extensions: x-not; unknown, x-not\r\n"] {
        peers.push(RawStream::open(&mut server, port, "/", lines));
        connections.push(expect_accept(&mut [&mut server]));
    }
    let each = |outcome: netdriver::Result<()>| outcome.expect("is sent");
    let all = connections.iter().copied();
    server.send_to_many_as(all, 0, MessageKind::Text, b"Hi", each).expect("is text");
    let firsts: Vec<_> = peers.iter_mut().map(|peer| peer.frame(&mut server)).collect();
    assert_eq!(firsts[0].payload, not(b"Hi"));
    assert_eq!((firsts[1].first, &firsts[1].payload[..]), (FIN | TEXT, &b"Hi"[..]));
    assert_eq!((firsts[2].first, &firsts[2].payload), (FIN | RSV2 | TEXT, &not(b"Hi")));
}

#[test]
fn the_utp_dialect_has_none() {
    let (mut server, port, extension) = server(DialectPolicy::UtpOnly);
    let mut peer = RawStream::connect(port);
    peer.write(&mut server, request("/", OFFER).as_bytes());
    assert_eq!(header(&peer.head(&mut server), "Sec-WebSocket-Extensions"), None);
    assert_eq!(extension.alive.load(Ordering::Relaxed), 0);
}

#[test]
fn a_frame_that_cannot_be_encoded_ends_the_connection_with_the_extensions_code() {
    let settings = NetworkSettings::default();
    let mut pair = Pair::plain(&settings, &settings);
    let both = [&mut pair.server, &mut pair.client];
    for driver in both {
        driver.add_extension(0, Box::new(Not::default())).expect("is new");
    }
    // Only connections that are opened from now on have it.
    pair.client.send(pair.to_server, 0, &[0; 4]).expect("is sent");
    assert_eq!(pair.server_event(EventKind::Data).data, vec![0; 4]);
    let url = format!("ws://{}/", pair.endpoint);
    let options = UrlOptions::default();
    pair.to_server = pair.client.connect_url(&url, &options).expect("starts to connect");
    pair.client_event(EventKind::Connect);
    pair.to_client = expect_accept(&mut [&mut pair.server, &mut pair.client]);
    pair.client.send(pair.to_server, 0, b"good").expect("is sent");
    assert_eq!(pair.server_event(EventKind::Data).data, b"good"[..]);
    pair.client.send(pair.to_server, 0, &[0; 4]).expect_err("cannot be encoded");
    pair.client.send(pair.to_server, 0, b"good").expect_err("is ending");
    let end = pair.client_event(EventKind::Disconnect);
    assert_eq!((end.reason, end.close_code), (DisconnectReason::ProtocolError, 1008));
    assert_eq!(pair.server_event(EventKind::Disconnect).close_code, 1008);
}

#[test]
fn a_client_offers_and_closes_with_1010_what_it_cannot_do_without() {
    for (required, lines, agreed) in [
        (false, "", true),
        (true, "", false),
        (true, "Sec-WebSocket-Extensions: x-not\r\n", true),
        (false, "Sec-WebSocket-Extensions: x-not, x-not\r\n", false),
    ] {
        let listener = RawListener::new();
        let mut client = NetworkDriver::new(&NetworkSettings::default()).expect("is good");
        let interface = InterfaceSettings::new(InterfaceKind::WebSocket);
        client.add_interface(interface).expect("an interface");
        client.add_extension(0, Box::new(Not { required, ..Not::default() })).expect("is new");
        let options = UrlOptions { dialect: Dialect::Plain, ..UrlOptions::default() };
        let url = format!("ws://127.0.0.1:{}/", listener.port());
        client.connect_url(&url, &options).expect("starts to connect");
        let mut peer = listener.accept(&mut client);
        let head = peer.head(&mut client);
        assert_eq!(header(&head, "Sec-WebSocket-Extensions").as_deref(), Some("x-not"));
        let key = header(&head, "Sec-WebSocket-Key").expect("has a key");
        peer.write(&mut client, answer(&key, lines).as_bytes());
        if agreed {
            expect_event(&mut [&mut client], EventKind::Connect);
            let through = !lines.is_empty();
            let first = FIN | TEXT | if through { RSV2 } else { 0 };
            let payload = if through { not(b"Hi") } else { b"Hi".to_vec() };
            peer.write(&mut client, &bare_frame(first, &payload));
            assert_eq!(expect_event(&mut [&mut client], EventKind::Data).data, b"Hi"[..]);
        } else {
            let end = expect_event(&mut [&mut client], EventKind::Disconnect);
            assert_eq!((end.reason, end.close_code), (DisconnectReason::ProtocolError, 1010));
            assert_eq!(peer.close_frame(&mut client).0, 1010);
        }
    }
}
