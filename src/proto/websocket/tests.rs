//! The connection machine from outside: what comes in, what goes out, when it is over.

use super::frame::{FrameHeader, Opcode, apply_mask};
use super::*;
use crate::proto::time::Micros;
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const KEY: [u8; 4] = [1, 2, 3, 4];
const PLAIN: Config = Config {
    message_size_max: 100_000,
    text: true,
    ping_interval: 0,
    pong_timeout: 0,
    close_timeout: 1000,
};
const UNITY: Config = Config {
    message_size_max: 1386,
    text: false,
    ..PLAIN
};

/// A frame as a client sends it. `first` is the first byte: FIN, RSV, opcode.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let opcode = Opcode::from_bits(first & 15).unwrap_or(Opcode::Binary);
    let payload_length = payload.len() as u64;
    FrameHeader {
        fin: true,
        rsv: 0,
        opcode,
        mask: Some(KEY),
        payload_length,
    }
    .write(&mut out);
    out[0] = first;
    let start = out.len();
    out.extend_from_slice(payload);
    apply_mask(&mut out[start..], KEY, 0);
    out
}

fn server(config: Config) -> WebSocket {
    WebSocket::new(Role::Server, config, 0)
}

fn events(socket: &mut WebSocket) -> Vec<Event> {
    let events = std::iter::from_fn(|| socket.poll_event()).collect();
    socket.park();
    events
}

fn feed(socket: &mut WebSocket, bytes: &[u8]) -> Vec<Event> {
    socket.handle_bytes(10, BytesMut::from(bytes));
    events(socket)
}

fn transmit(socket: &mut WebSocket) -> Vec<u8> {
    let mut out = Vec::new();
    let written = socket.poll_transmit(&mut out, &mut || KEY);
    assert_eq!(written, !out.is_empty());
    out
}

fn message(data: &[u8], text: bool) -> Event {
    Event::Message {
        data: Bytes::copy_from_slice(data),
        text,
    }
}

fn failed_code(events: &[Event]) -> Option<u16> {
    match events.last() {
        Some(Event::Failed { code, .. }) => Some(*code),
        _ => None,
    }
}

#[test]
fn golden_frames_of_both_roles() {
    let request = [
        0x55, 0x54, 0x50, 1, 1, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
    ];
    let masked = [
        0x82, 0x8d, 1, 2, 3, 4, 0x54, 0x56, 0x53, 5, 0, 0x13, 0x21, 0x37, 0x45, 0x57, 0x65, 0x73,
        0x89,
    ];
    let mut out = Vec::new();
    WebSocket::new(Role::Client, UNITY, 0).write_message(&mut out, Kind::Binary, &request, KEY);
    assert_eq!(out, masked);
    assert_eq!(
        feed(&mut server(UNITY), &masked),
        [message(&request, false)]
    );

    let accept = [
        0x55, 0x54, 0x50, 1, 2, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
    ];
    let mut out = Vec::new();
    server(UNITY).write_message(&mut out, Kind::Binary, &accept, KEY);
    assert_eq!(out[..2], [0x82, 0x0d]);
    assert_eq!(out[2..], accept);
    let mut client = WebSocket::new(Role::Client, UNITY, 0);
    assert_eq!(feed(&mut client, &out), [message(&accept, false)]);
}

#[test]
fn an_idle_connection_is_small_and_holds_nothing() {
    assert!(
        size_of::<WebSocket>() < 200,
        "{} bytes",
        size_of::<WebSocket>()
    );
    let mut socket = server(PLAIN);
    feed(&mut socket, &frame(0x81, b"hello"));
    feed(&mut socket, &frame(0x89, b"ping"));
    transmit(&mut socket);
    assert_eq!((socket.memory_held(), socket.buffered_input()), (0, 0));
}

#[test]
fn a_whole_message_is_not_copied() {
    let mut buffer = BytesMut::from(&[frame(0x82, b"first"), frame(0x81, b"second")].concat()[..]);
    let start = buffer.as_ptr() as usize;
    let mut socket = server(PLAIN);
    let input = buffer.split();
    socket.handle_bytes(1, input);
    for (at, expected) in [(6, &b"first"[..]), (17, b"second")] {
        let Some(Event::Message { data, .. }) = socket.poll_event() else {
            panic!("a message is there");
        };
        assert_eq!(data, expected);
        assert_eq!(data.as_ptr() as usize, start + at);
    }
    assert_eq!(socket.poll_event(), None);
}

#[test]
fn a_header_cut_in_two_does_not_move_what_follows() {
    let bytes = [frame(0x82, b"first"), frame(0x82, b"second")].concat();
    let mut socket = server(PLAIN);
    assert_eq!(feed(&mut socket, &bytes[..3]), []);
    assert_eq!(socket.buffered_input(), 3);
    let input = BytesMut::from(&bytes[3..]);
    let start = input.as_ptr() as usize;
    socket.handle_bytes(1, input);
    let Some(Event::Message { data, .. }) = socket.poll_event() else {
        panic!("a message is there");
    };
    assert_eq!(
        (&data[..], data.as_ptr() as usize),
        (&b"first"[..], start + 3)
    );
    assert_eq!(events(&mut socket), [message(b"second", false)]);
}

#[test]
fn input_left_by_a_paused_reader_is_moved_to_memory_of_its_own() {
    let mut buffer = BytesMut::with_capacity(64 * 1024);
    buffer.extend_from_slice(&[frame(0x82, b"a"), frame(0x82, b"b"), frame(0x82, b"c")].concat());
    let mut socket = server(PLAIN);
    socket.handle_bytes(1, buffer.split());
    assert_eq!(socket.poll_event(), Some(message(b"a", false)));
    socket.park();
    assert!(
        buffer.try_reclaim(60 * 1024),
        "the shared buffer is free again"
    );
    assert!(socket.memory_held() < 64);
    assert_eq!(socket.buffered_input(), 14);
    let more = feed(&mut socket, &frame(0x82, b"d"));
    assert_eq!(
        more,
        [
            message(b"b", false),
            message(b"c", false),
            message(b"d", false)
        ]
    );
}

#[test]
fn a_forged_length_reserves_little() {
    let config = Config {
        message_size_max: 1 << 40,
        ..PLAIN
    };
    let mut socket = server(config);
    let mut bytes = vec![0x82, 0xff];
    bytes.extend_from_slice(&(1_u64 << 39).to_be_bytes());
    bytes.extend_from_slice(&KEY);
    bytes.push(0);
    assert_eq!(feed(&mut socket, &bytes), []);
    assert!(
        socket.memory_held() <= 16 * 1024,
        "{}",
        socket.memory_held()
    );
    assert_eq!(socket.buffered_input(), 1);
}

#[test]
fn a_big_message_takes_exactly_its_size() {
    let payload: Vec<u8> = (0..90_000_u32).map(|index| index as u8).collect();
    let bytes = frame(0x82, &payload);
    let mut socket = server(PLAIN);
    let (last, pieces) = bytes
        .chunks(7000)
        .collect::<Vec<_>>()
        .split_last()
        .map_or_else(
            || unreachable!("there are chunks"),
            |(last, pieces)| (last.to_vec(), pieces.concat()),
        );
    for piece in pieces.chunks(7000) {
        assert_eq!(feed(&mut socket, piece), []);
        assert!(socket.memory_held() <= 2 * socket.buffered_input() + 16 * 1024);
    }
    assert_eq!(socket.memory_held(), payload.len());
    assert_eq!(feed(&mut socket, &last), [message(&payload, false)]);
    assert_eq!(socket.memory_held(), 0);
}

#[test]
fn fragments_become_one_message_with_control_frames_between() {
    let bytes = [
        frame(0x01, b""),
        frame(0x00, b"h\xc3"),
        frame(0x89, b"?"),
        frame(0x00, b""),
        frame(0x8a, b"unasked"),
        frame(0x80, b"\xa9!"),
        frame(0x82, b""),
    ]
    .concat();
    let mut socket = server(PLAIN);
    let expected = [
        Event::Ping(Bytes::from_static(b"?")),
        Event::Pong(Bytes::from_static(b"unasked")),
        message("hé!".as_bytes(), true),
        message(b"", false),
    ];
    assert_eq!(feed(&mut socket, &bytes), expected);
    assert_eq!(transmit(&mut socket), [0x8a, 1, b'?']);
}

#[test]
fn violations_have_their_close_codes() {
    let long = vec![b'x'; 1387];
    let unmasked = vec![0x82, 1, 0];
    let both: Vec<(&str, Vec<u8>, u16)> = vec![
        ("rsv", frame(0xc2, b""), 1002),
        ("unmasked", unmasked, 1002),
        ("reserved data opcode", frame(0x83, b""), 1002),
        ("reserved control opcode", frame(0x8b, b""), 1002),
        ("fragmented ping", frame(0x09, b""), 1002),
        ("long ping", frame(0x89, &long[..126]), 1002),
        ("continuation of nothing", frame(0x80, b"x"), 1002),
        ("middle of nothing", frame(0x00, b"x"), 1002),
        (
            "new message in a message",
            [frame(0x02, b"a"), frame(0x82, b"b")].concat(),
            1002,
        ),
        (
            "second start",
            [frame(0x02, b"a"), frame(0x02, b"b")].concat(),
            1002,
        ),
        (
            "length not minimal",
            vec![0x82, 0xfe, 0, 5, 1, 2, 3, 4],
            1002,
        ),
        (
            "length top bit",
            [&[0x82, 0xff, 0x80][..], &[0; 11]].concat(),
            1002,
        ),
        ("half a code", frame(0x88, b"\x03"), 1002),
        ("code 999", frame(0x88, &999_u16.to_be_bytes()), 1002),
        ("code 1005", frame(0x88, &1005_u16.to_be_bytes()), 1002),
        ("code 1006", frame(0x88, &1006_u16.to_be_bytes()), 1002),
        ("code 1015", frame(0x88, &1015_u16.to_be_bytes()), 1002),
        ("code 2999", frame(0x88, &2999_u16.to_be_bytes()), 1002),
        ("code 5000", frame(0x88, &5000_u16.to_be_bytes()), 1002),
        ("bad reason", frame(0x88, b"\x03\xe8\xff"), 1007),
    ];
    for (what, bytes, code) in &both {
        for config in [PLAIN, UNITY] {
            assert_eq!(
                failed_code(&feed(&mut server(config), bytes)),
                Some(*code),
                "{what}"
            );
        }
    }
    let unity = [
        ("text", frame(0x81, b"x"), 1003),
        ("unfinished text", frame(0x01, b"x"), 1002),
        ("big text: size before opcode", frame(0x81, &long), 1009),
        ("big reserved opcode", frame(0x83, &long), 1009),
        ("big unfinished text", frame(0x01, &long), 1002),
        ("big with rsv", frame(0xc2, &long), 1002),
        ("big binary", frame(0x82, &long), 1009),
        (
            "big sum",
            [frame(0x02, &long[..1000]), frame(0x80, &long[..387])].concat(),
            1009,
        ),
    ];
    for (what, bytes, code) in &unity {
        assert_eq!(
            failed_code(&feed(&mut server(UNITY), bytes)),
            Some(*code),
            "{what}"
        );
    }
    assert_eq!(feed(&mut server(UNITY), &frame(0x82, &long[1..])).len(), 1);
    let mut client = WebSocket::new(Role::Client, PLAIN, 0);
    assert_eq!(
        failed_code(&feed(&mut client, &frame(0x82, b"x"))),
        Some(1002)
    );
}

#[test]
fn the_size_is_judged_by_the_header_alone() {
    let bytes = frame(0x82, &[0; 1387]);
    assert_eq!(
        failed_code(&feed(&mut server(UNITY), &bytes[..8])),
        Some(1009)
    );
}

#[test]
fn a_small_message_limit_does_not_limit_control_frames() {
    let mut socket = server(Config {
        message_size_max: 0,
        ..PLAIN
    });
    assert_eq!(feed(&mut socket, &frame(0x89, &[b'p'; 125])).len(), 1);
    assert_eq!(feed(&mut socket, &frame(0x82, b"")), [message(b"", false)]);
    assert_eq!(
        failed_code(&feed(&mut socket, &frame(0x82, b"x"))),
        Some(1009)
    );
}

#[test]
fn a_violation_sends_our_close_and_ends_the_reading() {
    let mut socket = server(PLAIN);
    let bytes = [frame(0x82, b"ok"), frame(0xf2, b""), frame(0x82, b"lost")].concat();
    let events = feed(&mut socket, &bytes);
    assert_eq!((events.len(), failed_code(&events)), (2, Some(1002)));
    assert_eq!(socket.close_state(), CloseState::CloseSent);
    assert!(!socket.can_send());
    assert_eq!(feed(&mut socket, &frame(0x82, b"lost")), []);
    assert_eq!(transmit(&mut socket), [0x88, 2, 3, 0xea]);
    assert_eq!(socket.close_state(), CloseState::Closed);
    assert_eq!((socket.memory_held(), socket.next_timeout()), (0, None));
}

#[test]
fn bad_text_is_refused_as_soon_as_its_bytes_arrive() {
    let valid = "κόσμε";
    let text = [valid.as_bytes(), b"\xf4\x90\x80\x80edited"].concat();
    let bytes = frame(0x81, &text);
    let header = bytes.len() - text.len();
    let first_bad = header + valid.len() + 2;
    let mut socket = server(PLAIN);
    for (at, byte) in bytes.iter().enumerate() {
        let code = failed_code(&feed(&mut socket, &[*byte]));
        assert_eq!(code, (at + 1 == first_bad).then_some(1007), "byte {at}");
        if code.is_some() {
            return;
        }
    }
    panic!("the text was taken");
}

#[test]
fn text_that_ends_within_a_character_is_refused() {
    for bytes in [
        frame(0x81, b"a\xc3"),
        [frame(0x01, b"a\xc3"), frame(0x80, b"")].concat(),
    ] {
        assert_eq!(failed_code(&feed(&mut server(PLAIN), &bytes)), Some(1007));
        for piece in [1, 2, 5] {
            let mut socket = server(PLAIN);
            let events: Vec<_> = bytes
                .chunks(piece)
                .flat_map(|piece| feed(&mut socket, piece))
                .collect();
            assert_eq!(failed_code(&events), Some(1007));
        }
    }
}

#[test]
fn the_peers_close_is_answered_with_its_code() {
    let cases: [(Config, &[u8], Option<u16>, &[u8]); 4] = [
        (PLAIN, b"\x03\xe9bye", Some(1001), &[0x88, 2, 3, 0xe9]),
        (PLAIN, b"\x0f\xa0", Some(4000), &[0x88, 2, 0x0f, 0xa0]),
        (PLAIN, b"", None, &[0x88, 0]),
        (UNITY, b"", None, &[0x88, 2, 3, 0xe8]),
    ];
    for (config, body, code, answer) in cases {
        let mut socket = server(config);
        let bytes = [
            frame(0x82, b"last"),
            frame(0x88, body),
            frame(0x82, b"ignored"),
        ]
        .concat();
        let reason = Bytes::copy_from_slice(body.get(2..).unwrap_or_default());
        let expected = [message(b"last", false), Event::Close { code, reason }];
        assert_eq!(feed(&mut socket, &bytes), expected);
        assert_eq!(socket.close_state(), CloseState::CloseReceived);
        assert_eq!(
            socket.close(20, Some(1000), b""),
            Err("the connection is not open")
        );
        assert_eq!(transmit(&mut socket), answer);
        assert_eq!(socket.close_state(), CloseState::Closed);
        assert_eq!(transmit(&mut socket), b"");
    }
}

#[test]
fn our_close_waits_for_the_peers_and_still_delivers_messages() {
    let mut socket = WebSocket::new(Role::Client, PLAIN, 0);
    socket.close(100, Some(4001), b"full").unwrap();
    assert_eq!(
        (socket.can_send(), socket.close_state()),
        (false, CloseState::CloseSent)
    );
    let mut out = transmit(&mut socket);
    assert_eq!(out[..6], [0x88, 0x86, 1, 2, 3, 4]);
    apply_mask(&mut out[6..], KEY, 0);
    assert_eq!(out[6..], *b"\x0f\xa1full");
    assert_eq!(socket.close_state(), CloseState::CloseSent);
    let events = feed(&mut socket, b"\x82\x01x\x89\x00\x88\x02\x0f\xa1");
    assert_eq!(events.len(), 3);
    assert_eq!(events[0], message(b"x", false));
    assert_eq!(
        events[2],
        Event::Close {
            code: Some(4001),
            reason: Bytes::new()
        }
    );
    assert_eq!(
        (socket.close_state(), socket.next_timeout()),
        (CloseState::Closed, None)
    );
    assert_eq!(transmit(&mut socket), b"");
}

#[test]
fn crossing_closes_send_one_close_each() {
    let mut socket = server(PLAIN);
    socket.close(0, Some(1001), b"").unwrap();
    feed(&mut socket, &frame(0x88, b"\x03\xe8"));
    assert_eq!(socket.close_state(), CloseState::CloseReceived);
    assert_eq!(transmit(&mut socket), [0x88, 2, 3, 0xe9]);
    assert_eq!(socket.close_state(), CloseState::Closed);
}

#[test]
fn only_valid_closes_can_be_sent() {
    let mut socket = server(PLAIN);
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
        assert!(socket.close(0, Some(code), b"").is_err(), "{code}");
    }
    assert!(socket.close(0, None, b"why").is_err());
    assert!(socket.close(0, Some(1000), &[b'x'; 124]).is_err());
    assert!(socket.close(0, Some(1000), b"\xff").is_err());
    assert!(socket.can_send());
    socket.close(0, Some(1000), &[b'x'; 123]).unwrap();
    assert_eq!(transmit(&mut socket).len(), 2 + 125);
    for code in [1000, 1003, 1007, 1014, 3000, 4999] {
        server(PLAIN).close(0, Some(code), b"").unwrap();
    }
    let mut socket = server(PLAIN);
    socket.close(0, None, b"").unwrap();
    assert_eq!(transmit(&mut socket), [0x88, 0]);
}

#[test]
fn a_closing_handshake_that_hangs_times_out() {
    let mut socket = server(PLAIN);
    socket.close(5, Some(1000), b"").unwrap();
    assert_eq!(socket.next_timeout(), Some(1005));
    socket.handle_timeout(1004);
    assert_eq!(socket.close_state(), CloseState::CloseSent);
    socket.handle_timeout(1005);
    assert_eq!(
        (socket.close_state(), socket.next_timeout()),
        (CloseState::TimedOut, None)
    );
    assert_eq!(transmit(&mut socket), b"");
    assert_eq!(feed(&mut socket, &frame(0x82, b"late")), []);
}

#[test]
fn silence_leads_to_one_ping_and_then_to_the_end() {
    let config = Config {
        ping_interval: 100,
        pong_timeout: 50,
        ..UNITY
    };
    let mut socket = server(config);
    assert_eq!(socket.next_timeout(), Some(100));
    socket.handle_timeout(99);
    assert_eq!(transmit(&mut socket), b"");
    socket.handle_timeout(100);
    assert_eq!(transmit(&mut socket), [0x89, 0]);
    assert_eq!(socket.next_timeout(), Some(150));
    socket.handle_bytes(130, BytesMut::from(&frame(0x8a, b"")[..]));
    assert_eq!(events(&mut socket), [Event::Pong(Bytes::new())]);
    assert_eq!(
        (socket.round_trip(), socket.next_timeout()),
        (Some(30), Some(230))
    );
    socket.handle_timeout(230);
    transmit(&mut socket);
    socket.handle_timeout(280);
    assert_eq!(socket.close_state(), CloseState::TimedOut);
}

#[test]
fn without_a_pong_timeout_one_ping_is_outstanding() {
    let mut socket = server(Config {
        ping_interval: 100,
        ..UNITY
    });
    socket.handle_timeout(100);
    assert_eq!(transmit(&mut socket), [0x89, 0]);
    assert_eq!(socket.next_timeout(), None);
    socket.handle_timeout(Micros::MAX);
    assert_eq!(transmit(&mut socket), b"");
    socket.handle_bytes(500, BytesMut::from(&frame(0x82, b"x")[..]));
    assert_eq!(socket.next_timeout(), Some(600));
}

#[test]
fn pings_of_the_program_are_sent_once_and_can_be_measured() {
    let mut socket = server(PLAIN);
    socket.send_ping(b"one").unwrap();
    assert!(socket.send_ping(b"two").is_err());
    assert_eq!(transmit(&mut socket), b"\x89\x03one");
    socket.send_timed_ping(40, b"three").unwrap();
    assert_eq!(transmit(&mut socket), b"\x89\x05three");
    socket.handle_bytes(70, BytesMut::from(&frame(0x8a, b"one")[..]));
    events(&mut socket);
    assert_eq!(socket.round_trip(), None);
    socket.handle_bytes(90, BytesMut::from(&frame(0x8a, b"three")[..]));
    events(&mut socket);
    assert_eq!(socket.round_trip(), Some(50));
    assert!(socket.send_ping(&[0; 126]).is_err());
    socket.close(100, None, b"").unwrap();
    assert!(socket.send_ping(b"").is_err());
}

#[test]
fn many_pings_are_answered_within_bounded_memory() {
    let mut socket = server(PLAIN);
    for index in 0..10 {
        feed(&mut socket, &frame(0x89, &[index; 100]));
    }
    let out = transmit(&mut socket);
    assert_eq!(out.len(), 10 * 102);
    assert_eq!((out[2], out[9 * 102 + 2]), (0, 9));
    for index in 0..=255 {
        feed(&mut socket, &frame(0x89, &[index; 125]));
        assert!(socket.memory_held() <= 4096);
    }
    let out = transmit(&mut socket);
    assert!(out.len() <= 4096);
    assert_eq!(out.last(), Some(&255), "the latest ping is answered");
}

#[test]
fn the_header_length_is_what_is_written() {
    for role in [Role::Client, Role::Server] {
        let socket = WebSocket::new(role, PLAIN, 0);
        for size in [0, 1, 125, 126, 65_535, 65_536] {
            let mut out = Vec::new();
            socket.write_message(&mut out, Kind::Text, &vec![b'x'; size], KEY);
            let header = out.len() - size;
            assert_eq!(header, encode_header_length(role, size));
            assert!(header <= HEADER_SIZE_MAX);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        rng_seed: RngSeed::Fixed(6455),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn messages_survive_any_cut(
        messages in prop::collection::vec(
            (any::<bool>(), prop::collection::vec(any::<char>(), 0..200)), 1..6),
        cuts in prop::collection::vec(1_usize..300, 1..20),
        from_client: bool,
        mask: [u8; 4],
    ) {
        let (sender, receiver) = if from_client {
            (Role::Client, Role::Server)
        } else {
            (Role::Server, Role::Client)
        };
        let sender = WebSocket::new(sender, PLAIN, 0);
        let mut receiver = WebSocket::new(receiver, PLAIN, 0);
        let mut wire = Vec::new();
        let mut expected = Vec::new();
        for (text, characters) in messages {
            let data: String = characters.into_iter().collect();
            let kind = if text { Kind::Text } else { Kind::Binary };
            sender.write_message(&mut wire, kind, data.as_bytes(), mask);
            expected.push(message(data.as_bytes(), text));
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
        prop_assert_eq!(got, expected);
        prop_assert_eq!(receiver.memory_held(), 0);
    }
}

#[test]
fn mutated_streams_keep_the_machines_word() {
    let seeds = [
        [
            frame(0x82, b"binary"),
            frame(0x81, "tëxt".as_bytes()),
            frame(0x88, b"\x03\xe8x"),
        ],
        [
            frame(0x01, b"a\xe2\x82"),
            frame(0x89, b"p"),
            frame(0x80, b"\xac"),
        ],
        [
            frame(0x02, &[7; 130]),
            frame(0x00, b""),
            frame(0x80, &[9; 300]),
        ],
        [vec![0x82, 2, 1, 2], vec![0x81, 1, b'x'], vec![0x88, 0]],
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as usize % below
    };
    for round in 0..4000 {
        let mut data = vec![random(256) as u8, random(256) as u8];
        for _ in 0..=random(3) {
            let frames = &seeds[random(seeds.len())];
            let pick = random(4);
            data.extend(frames.get(pick).cloned().unwrap_or_else(|| frames.concat()));
        }
        for _ in 0..random(4) {
            let at = 2 + random(data.len() - 2);
            if round % 2 == 0 {
                data[at] = random(256) as u8;
            } else {
                data[at] ^= 1 << random(8);
            }
        }
        if round % 8 == 0 {
            data.truncate(2);
            data.extend((0..random(40)).map(|_| random(256) as u8));
        }
        fuzz::fuzz_frames(&data);
    }
}
