//! permessage-deflate as a program and as a stranger see it.

use netdriver::settings::{
    DEFLATE_OWN_CONTEXT, DEFLATE_PEER_CONTEXT, DialectPolicy, InterfaceKind, NetworkSettings,
    UrlOptions,
};
use netdriver::{DisconnectReason, EventKind, MessageKind, NetworkDriver};
use zlib_rs::{Deflate, DeflateFlush};

use crate::support::raw::{
    BINARY, FIN, RawListener, RawStream, TEXT, answer, bare_frame, frame, header, request,
};
use crate::support::{Pair, expect_accept, expect_event, violation, websocket_server};

/// RSV1.
const PACKED: u8 = 0x40;
const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
const FORGETFUL: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

fn deflating() -> NetworkSettings {
    NetworkSettings { deflate: true, deflate_minimum_length: 1, ..NetworkSettings::default() }
}

/// The extensions in the answer of a listener to a client that offers compression.
fn answered(policy: DialectPolicy, settings: &NetworkSettings, lines: &str) -> Option<String> {
    let (mut server, port) = websocket_server(policy, settings);
    let mut peer = RawStream::connect(port);
    peer.write(&mut server, request("/", lines).as_bytes());
    let head = peer.head(&mut server);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    header(&head, "Sec-WebSocket-Extensions")
}

#[test]
fn it_is_off_by_default_and_in_the_utp_dialect() {
    let off = NetworkSettings::default();
    assert_eq!(answered(DialectPolicy::PlainOnly, &off, OFFER), None);
    let on = deflating();
    assert_eq!(answered(DialectPolicy::PlainOnly, &on, OFFER).as_deref(), Some(FORGETFUL));
    assert_eq!(answered(DialectPolicy::Auto, &on, OFFER).as_deref(), Some(FORGETFUL));
    assert_eq!(answered(DialectPolicy::Auto, &on, ""), None);
    assert_eq!(answered(DialectPolicy::UtpOnly, &on, OFFER), None);
    let utp = format!("{OFFER}Sec-WebSocket-Protocol: netdriver.utp\r\n");
    assert_eq!(answered(DialectPolicy::Auto, &on, &utp), None);
}

#[test]
fn a_client_offers_it_only_in_the_plain_dialect_and_when_it_is_on() {
    let offers = |settings: &NetworkSettings, dialect| {
        let listener = RawListener::new();
        let mut client = NetworkDriver::new(settings).expect("the settings are good");
        let url = format!("ws://127.0.0.1:{}/", listener.port());
        let options = UrlOptions { dialect, ..UrlOptions::default() };
        client.connect_url(&url, &options).expect("starts to connect");
        let mut peer = listener.accept(&mut client);
        header(&peer.head(&mut client), "Sec-WebSocket-Extensions")
    };
    use netdriver::settings::Dialect::{Plain, Utp};
    assert_eq!(offers(&NetworkSettings::default(), Plain), None);
    assert_eq!(offers(&deflating(), Utp), None);
    let offer = format!("{FORGETFUL}; client_max_window_bits");
    assert_eq!(offers(&deflating(), Plain), Some(offer));
}

#[test]
fn both_sides_agree_say_so_and_understand_each_other() {
    for contexts in 0..=DEFLATE_OWN_CONTEXT | DEFLATE_PEER_CONTEXT {
        for (ours, theirs) in [(15, 15), (9, 15), (15, 9), (12, 12)] {
            let of = |bits| NetworkSettings {
                deflate_window_bits: bits,
                deflate_peer_window_bits: bits,
                deflate_no_context_takeover: contexts,
                ..deflating()
            };
            let mut pair = Pair::plain(&of(ours), &of(theirs));
            let agreed = pair.server.extensions(pair.to_client).expect("is connected");
            assert_eq!(pair.client.extensions(pair.to_server).expect("is connected"), agreed);
            assert!(agreed.starts_with("permessage-deflate"), "{agreed}");
            assert_eq!(agreed.contains("window_bits"), ours.min(theirs) < 15, "{agreed}");
            let texts = ["", "snö snö snö", &"ж 雪 ".repeat(4_000), "snö snö snö"];
            for text in texts {
                pair.client.send_text(pair.to_server, text).expect("is sent");
                let event = pair.server_event(EventKind::Data);
                assert!(event.text && event.data == text.as_bytes());
                pair.server.send(pair.to_client, 0, text.as_bytes()).expect("is sent");
                let event = pair.client_event(EventKind::Data);
                assert!(!event.text && event.data == text.as_bytes());
            }
        }
    }
}

#[test]
fn one_side_alone_goes_on_without() {
    let plain = NetworkSettings::default();
    for (ours, theirs) in [(&plain, &deflating()), (&deflating(), &plain)] {
        let mut pair = Pair::plain(ours, theirs);
        assert_eq!(pair.server.extensions(pair.to_client).expect("is connected"), "");
        assert_eq!(pair.client.extensions(pair.to_server).expect("is connected"), "");
        pair.server.send(pair.to_client, 0, &[7; 5000]).expect("is sent");
        assert_eq!(pair.client_event(EventKind::Data).data, vec![7; 5000]);
    }
}

#[test]
fn the_utp_dialect_works_beside_it() {
    let mut pair = Pair::with(InterfaceKind::WebSocket, &deflating());
    assert_eq!(pair.server.extensions(pair.to_client).expect("is connected"), "");
    pair.client.send(pair.to_server, 0, &[7; 1000]).expect("is sent");
    assert_eq!(pair.server_event(EventKind::Data).data, vec![7; 1000]);
}

#[test]
fn golden_frames_reach_the_wire_and_many_share_one() {
    let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &deflating());
    let narrow = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n";
    let mut peers = Vec::new();
    let mut connections = Vec::new();
    for lines in [OFFER, narrow, "", OFFER] {
        peers.push(RawStream::open(&mut server, port, "/", lines));
        connections.push(expect_accept(&mut [&mut server]));
    }
    let text = "Hello, Hello, Hello, Hello";
    let all = connections.iter().copied();
    let each = |outcome: netdriver::Result<()>| outcome.expect("is sent");
    server.send_to_many_as(all, 0, MessageKind::Text, text.as_bytes(), each).expect("is text");
    let frames: Vec<_> = peers.iter_mut().map(|peer| peer.frame(&mut server)).collect();
    for (index, sent) in frames.iter().enumerate() {
        let packed = index != 2;
        assert_eq!(sent.first, FIN | TEXT | if packed { PACKED } else { 0 }, "{index}");
        assert_eq!(sent.payload.len() < text.len(), packed, "{index}");
    }
    assert_eq!(frames[0].payload, frames[3].payload);
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    peers[0].write(&mut server, &frame(FIN | PACKED | TEXT, &hello));
    let event = expect_event(&mut [&mut server], EventKind::Data);
    assert!(event.text && event.data == b"Hello"[..]);
}

#[test]
fn damage_and_unagreed_bits_end_the_connection() {
    let table: [(&str, Vec<u8>, u16); 4] = [
        (OFFER, frame(FIN | PACKED | BINARY, &[0xff; 9]), 1007),
        // Nine stored bytes are announced and one is there: the tail must not be taken for more.
        (OFFER, frame(FIN | PACKED | BINARY, &[0x00, 0x09, 0x00, 0xf6, 0xff, 0x41]), 1007),
        (OFFER, frame(FIN | PACKED | TEXT, &[0x02, 0x00, 0x00, 0x00]), 1007),
        ("", frame(FIN | PACKED | BINARY, &[0]), 1002),
    ];
    for (lines, bytes, code) in table {
        let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &deflating());
        let mut peer = RawStream::open(&mut server, port, "/", lines);
        expect_accept(&mut [&mut server]);
        peer.write(&mut server, &bytes);
        assert_eq!(peer.close_frame(&mut server).0, code);
        let end = expect_event(&mut [&mut server], EventKind::Disconnect);
        assert_eq!((end.reason, end.close_code), (violation(code), code));
    }
}

/// A frame, or fragments of so many bytes.
fn in_pieces(packed: &[u8], size: usize, frame: impl Fn(u8, &[u8]) -> Vec<u8>) -> Vec<u8> {
    let last = packed.len().div_ceil(size) - 1;
    let one = |(at, piece)| {
        let first = if at == 0 { PACKED | BINARY } else { 0 } | if at == last { FIN } else { 0 };
        frame(first, piece)
    };
    packed.chunks(size).enumerate().flat_map(one).collect()
}

#[test]
fn a_bomb_is_1009_whole_in_fragments_and_whoever_keeps_the_context() {
    let zeros = vec![0; 4 << 20];
    let mut packed = vec![0; 64 << 10];
    let mut context = Deflate::new(9, false, 15);
    context.compress(&zeros, &mut packed, DeflateFlush::SyncFlush).expect("compresses");
    packed.truncate(context.total_out() as usize);
    assert!(packed.len() * 1000 < zeros.len(), "{}", packed.len());
    for contexts in [0, DEFLATE_OWN_CONTEXT | DEFLATE_PEER_CONTEXT] {
        for size in [packed.len(), 500] {
            let settings = NetworkSettings { deflate_no_context_takeover: contexts, ..deflating() };
            let (mut server, port) = websocket_server(DialectPolicy::PlainOnly, &settings);
            let mut peer = RawStream::open(&mut server, port, "/", OFFER);
            expect_accept(&mut [&mut server]);
            peer.write(&mut server, &in_pieces(&packed, size, frame));
            assert_eq!(peer.close_frame(&mut server).0, 1009);
            let end = expect_event(&mut [&mut server], EventKind::Disconnect);
            assert_eq!((end.reason, end.close_code), (DisconnectReason::MessageTooBig, 1009));

            let (mut client, mut peer) = client_of_a_stranger(&settings);
            peer.write(&mut client, &in_pieces(&packed, size, bare_frame));
            assert_eq!(peer.close_frame(&mut client).0, 1009);
            let end = expect_event(&mut [&mut client], EventKind::Disconnect);
            assert_eq!((end.reason, end.close_code), (DisconnectReason::MessageTooBig, 1009));
        }
    }
}

/// A client that is connected to a server of raw bytes, with what it offered agreed on.
fn client_of_a_stranger(settings: &NetworkSettings) -> (NetworkDriver, RawStream) {
    let listener = RawListener::new();
    let mut client = NetworkDriver::new(settings).expect("the settings are good");
    let url = format!("ws://127.0.0.1:{}/", listener.port());
    client.connect_url(&url, &UrlOptions::default()).expect("starts to connect");
    let mut peer = listener.accept(&mut client);
    let head = peer.head(&mut client);
    let key = header(&head, "Sec-WebSocket-Key").expect("has a key");
    let offer = header(&head, "Sec-WebSocket-Extensions").expect("offers");
    let agreed = offer.trim_end_matches("; client_max_window_bits");
    let lines = format!("Sec-WebSocket-Extensions: {agreed}\r\n");
    peer.write(&mut client, answer(&key, &lines).as_bytes());
    expect_event(&mut [&mut client], EventKind::Connect);
    (client, peer)
}

#[test]
fn each_direction_has_its_window() {
    let of = |own, peer| NetworkSettings {
        deflate_window_bits: own,
        deflate_peer_window_bits: peer,
        deflate_no_context_takeover: 0,
        ..deflating()
    };
    let table = [
        (of(9, 15), of(15, 15), "; server_max_window_bits=9"),
        (of(15, 9), of(15, 15), "; client_max_window_bits=9"),
        (of(15, 15), of(9, 15), "; client_max_window_bits=9"),
        (of(15, 15), of(15, 9), "; server_max_window_bits=9"),
        (of(14, 13), of(12, 11), "; server_max_window_bits=11; client_max_window_bits=12"),
    ];
    for (ours, theirs, parameters) in table {
        let pair = Pair::plain(&ours, &theirs);
        let agreed = pair.server.extensions(pair.to_client).expect("is connected");
        assert_eq!(agreed, format!("permessage-deflate{parameters}"));
        assert_eq!(pair.client.extensions(pair.to_server).expect("is connected"), agreed);
    }
}

#[test]
fn a_client_drops_an_answer_that_is_none_to_its_offer() {
    for wrong in ["x-other", "permessage-deflate", "permessage-deflate; client_max_window_bits=16"]
    {
        let listener = RawListener::new();
        let mut client = NetworkDriver::new(&deflating()).expect("the settings are good");
        let url = format!("ws://127.0.0.1:{}/", listener.port());
        client.connect_url(&url, &UrlOptions::default()).expect("starts to connect");
        let mut peer = listener.accept(&mut client);
        let key = header(&peer.head(&mut client), "Sec-WebSocket-Key").expect("has a key");
        let lines = format!("Sec-WebSocket-Extensions: {wrong}\r\n");
        peer.write(&mut client, answer(&key, &lines).as_bytes());
        let end = expect_event(&mut [&mut client], EventKind::Disconnect);
        assert_eq!(end.reason, DisconnectReason::HandshakeRejected, "{wrong}");
    }
}
