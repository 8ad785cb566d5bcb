//! Messages in pieces, both ways.

use super::super::deflate::{Codec, Pool, Wishes, accept, offer};
use super::deflated::KEEPING;
use super::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const PIECES: Config = Config { assembly_max: 0, ..PLAIN };

fn fragment(data: &[u8], text: bool, first: bool, last: bool) -> Event {
    Event::Fragment { data: Bytes::copy_from_slice(data), text, first, last }
}

fn compressing(role: Role, config: Config, wishes: &Wishes) -> WebSocket {
    let agreed = accept([offer(wishes).as_str()].into_iter(), wishes).unwrap();
    let mut socket = WebSocket::new(role, config, 0);
    socket.set_codec(Codec::new(role, &agreed, 6, 0));
    socket
}

#[test]
fn a_message_that_is_not_whole_is_handed_out_as_it_comes() {
    let mut socket = server(PIECES);
    let bytes = frame(0x82, b"abcdef");
    assert_eq!(feed(&mut socket, &bytes), [message(b"abcdef", false)], "a whole one");
    assert_eq!(feed(&mut socket, &bytes[..8]), [fragment(b"ab", false, true, false)]);
    assert_eq!(feed(&mut socket, &bytes[8..9]), [fragment(b"c", false, false, false)]);
    assert_eq!(feed(&mut socket, &bytes[9..]), [fragment(b"def", false, false, true)]);
    let frames = [frame(0x01, b""), frame(0x00, b"xy"), frame(0x89, b"p"), frame(0x80, b"")];
    let expected = [
        fragment(b"xy", true, true, false),
        Event::Ping(Bytes::from_static(b"p")),
        fragment(b"", true, false, true),
    ];
    assert_eq!(feed(&mut socket, &frames.concat()), expected);
    transmit(&mut socket);
    assert_eq!((socket.memory_held(), socket.buffered_input()), (0, 0));
}

#[test]
fn pieces_are_not_copied_and_not_bounded_by_the_longest_message() {
    let mut socket = server(Config { message_size_max: 10, ..PIECES });
    let mut buffer = BytesMut::from(&frame(0x82, &[7; 1000])[..]);
    let start = buffer.as_ptr() as usize;
    socket.handle_bytes(1, buffer.split());
    let Some(Event::Fragment { data, first: true, last: true, .. }) = socket.poll_event() else {
        panic!("a long message is a piece, even if it is whole");
    };
    assert_eq!((data.as_ptr() as usize, &data[..]), (start + 8, &[7; 1000][..]));
}

#[test]
fn text_in_pieces_is_checked_as_a_whole() {
    let snowman = "\u{2603}".as_bytes();
    let mut socket = server(PIECES);
    assert_eq!(feed(&mut socket, &frame(0x01, &snowman[..1])).len(), 1);
    assert_eq!(feed(&mut socket, &frame(0x80, &snowman[1..])).len(), 1);
    for rest in [&b"x"[..], b""] {
        let mut socket = server(PIECES);
        feed(&mut socket, &frame(0x01, &snowman[..2]));
        assert_eq!(failed_code(&feed(&mut socket, &frame(0x80, rest))), Some(1007));
    }
}

#[test]
fn short_messages_may_be_put_together_and_long_ones_not() {
    let mut socket = server(Config { assembly_max: 4, ..PLAIN });
    assert_eq!(feed(&mut socket, &frame(0x02, b"abc")), []);
    assert_eq!(feed(&mut socket, &frame(0x80, b"d")), [message(b"abcd", false)]);
    assert_eq!(feed(&mut socket, &frame(0x02, b"abc")), []);
    let piece = fragment(b"abcde", false, true, false);
    assert_eq!(feed(&mut socket, &frame(0x00, b"de")), [piece]);
    assert_eq!(feed(&mut socket, &frame(0x80, b"f")), [fragment(b"f", false, false, true)]);
}

#[test]
fn a_bomb_comes_out_in_bounded_pieces_that_are_asked_for() {
    let wishes = Wishes { own_no_context: true, peer_no_context: true, ..KEEPING };
    let mut sender = compressing(Role::Client, PLAIN, &wishes);
    let mut bomb = Vec::new();
    let zeros = vec![0; 8 << 20];
    sender.pack_message(&mut bomb, Kind::Binary, &zeros, &mut || KEY, &mut Pool::default());
    assert!(bomb.len() < 64 << 10);
    let mut receiver = compressing(Role::Server, PIECES, &wishes);
    receiver.handle_bytes(1, BytesMut::from(&bomb[..]));
    let mut total = 0;
    let mut ended = false;
    while let Some(event) = receiver.poll_event() {
        let Event::Fragment { data, last, .. } = event else { panic!("{event:?}") };
        assert!(data.len() <= 64 << 10 && !ended);
        receiver.park();
        assert!(receiver.memory_held() + receiver.buffered_input() <= 2 * bomb.len());
        total += data.len();
        ended = last;
    }
    assert!(ended && total == zeros.len(), "{total}");
}

#[test]
fn golden_frames_of_a_message_that_is_sent_in_pieces() {
    let mut socket = server(Config { fragment_size: 4, ..PLAIN });
    let mut pool = Pool::default();
    let mut out = Vec::new();
    let mask = &mut || KEY;
    assert!(!socket.is_sending());
    assert_eq!(socket.append_piece(&mut out, b"x", mask, &mut pool), Err(PieceError::NotBegun));
    assert!(socket.begin_message(Kind::Text) && !socket.begin_message(Kind::Text));
    assert_eq!(socket.append_piece(&mut out, b"", mask, &mut pool), Ok(()));
    assert!(out.is_empty() && socket.is_sending());
    assert_eq!(socket.append_piece(&mut out, b"abcdef", mask, &mut pool), Ok(()));
    assert_eq!(socket.append_piece(&mut out, b"\xff", mask, &mut pool), Err(PieceError::Text));
    assert_eq!(socket.append_piece(&mut out, b"\xe2", mask, &mut pool), Ok(()));
    assert_eq!(socket.finish_message(&mut out, mask, &mut pool), Err(PieceError::Text));
    assert_eq!(socket.append_piece(&mut out, b"\x98\x83", mask, &mut pool), Ok(()));
    assert_eq!(socket.finish_message(&mut out, mask, &mut pool), Ok(()));
    assert_eq!(out, b"\x01\x04abcd\x00\x02ef\x00\x01\xe2\x00\x02\x98\x83\x80\x00");
    out.clear();
    assert!(socket.begin_message(Kind::Binary));
    assert_eq!(socket.finish_message(&mut out, mask, &mut pool), Ok(()));
    assert_eq!(out, b"\x82\x00", "an empty message");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        rng_seed: RngSeed::Fixed(6455),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_sent_in_pieces_arrives_in_pieces_and_as_a_whole(
        messages in prop::collection::vec(
            (any::<bool>(), prop::collection::vec("[a-cж雪]{0,200}", 0..5)), 1..5),
        cuts in prop::collection::vec(1_usize..200, 1..20),
        compresses: bool,
        own_no_context: bool,
        peer_no_context: bool,
        fragment_size in prop::sample::select(vec![0_u32, 1, 7, 100]),
        assembly_max in prop::sample::select(vec![0_u32, 50, u32::MAX]),
        from_client: bool,
    ) {
        let wishes = Wishes { own_no_context, peer_no_context, ..KEEPING };
        let make = |role, config| {
            if compresses {
                compressing(role, config, &wishes)
            } else {
                WebSocket::new(role, config, 0)
            }
        };
        let mut roles = [Role::Server, Role::Client];
        if from_client {
            roles.reverse();
        }
        let mut sender = make(roles[0], Config { fragment_size, ..PLAIN });
        let mut receiver = make(roles[1], Config { assembly_max, ..PLAIN });
        let mut pool = Pool::default();
        let (mut wire, mut expected) = (Vec::new(), Vec::new());
        for (text, pieces) in &messages {
            let kind = if *text { Kind::Text } else { Kind::Binary };
            prop_assert!(sender.begin_message(kind));
            for piece in pieces {
                // Characters have two and three bytes; this cuts them.
                for half in piece.as_bytes().chunks(5) {
                    sender.append_piece(&mut wire, half, &mut || KEY, &mut pool).unwrap();
                }
            }
            sender.finish_message(&mut wire, &mut || KEY, &mut pool).unwrap();
            sender.pack_message(&mut wire, kind, b"between", &mut || KEY, &mut pool);
            expected.push(message(pieces.concat().as_bytes(), *text));
            expected.push(message(b"between", *text));
        }
        let mut got = Vec::new();
        let mut rest = &wire[..];
        for &cut in cuts.iter().cycle() {
            let (piece, later) = rest.split_at(cut.min(rest.len()));
            got.extend(feed(&mut receiver, piece));
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(fuzz::join(&got, PLAIN.message_size_max as usize), expected);
        prop_assert_eq!(receiver.memory_held(), 0);
    }
}

#[test]
fn pieces_stay_as_they_are_where_the_peer_insists_on_a_window_that_cannot_be_had() {
    let wishes = KEEPING;
    let offers = ["permessage-deflate; server_max_window_bits=8"];
    let agreed = accept(offers.into_iter(), &wishes).unwrap();
    let mut socket = server(PLAIN);
    socket.set_codec(Codec::new(Role::Server, &agreed, 6, 0));
    let (mut out, pool) = (Vec::new(), &mut Pool::default());
    assert!(socket.begin_message(Kind::Binary));
    socket.append_piece(&mut out, b"piece", &mut || KEY, pool).unwrap();
    socket.finish_message(&mut out, &mut || KEY, pool).unwrap();
    assert_eq!(out, b"\x02\x05piece\x80\x00");
}
