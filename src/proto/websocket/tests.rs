//! The connection machine from outside: what comes in, what goes out, when it is over.

use super::deflate::Pool;
use super::frame::{FrameHeader, Opcode, apply_mask};
use super::*;
use bytes::{Bytes, BytesMut};

mod closing;
mod cuts;
mod deflated;
mod extended;
mod liveness;
mod pieces;

const KEY: [u8; 4] = [1, 2, 3, 4];
const PLAIN: Config = Config {
    message_size_max: 100_000,
    assembly_max: u32::MAX,
    fragment_size: 0,
    text: true,
    ping_interval: 0,
    pings_in_silence_only: false,
    pong_timeout: 0,
    silence_timeout: 0,
    probes_silence: false,
    close_timeout: 1000,
};
const UNITY: Config =
    Config { message_size_max: 1386, text: false, pings_in_silence_only: true, ..PLAIN };

/// A frame as a client sends it. `first` is the first byte: FIN, RSV, opcode.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let opcode = Opcode::from_bits(first & 15).unwrap_or(Opcode::Binary);
    let payload_length = payload.len() as u64;
    FrameHeader { fin: true, rsv: 0, opcode, mask: Some(KEY), payload_length }.write(&mut out);
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
    Event::Message { data: Bytes::copy_from_slice(data), text }
}

fn failed_code(events: &[Event]) -> Option<u16> {
    match events.last() {
        Some(Event::Failed { code, .. }) => Some(*code),
        _ => None,
    }
}

#[test]
fn a_message_that_is_sent_as_it_is_looks_like_any_other() {
    for role in [Role::Client, Role::Server] {
        for size in [
            0, 1, 2, 9, 15, 16, 17, 31, 32, 33, 113, 115, 116, 125, 126, 127, 1000, 65_525, 65_526,
            70_000,
        ] {
            let (mut ws, body) = (WebSocket::new(role, PLAIN, 0), vec![size as u8; size]);
            let mut whole = [vec![7], vec![7], vec![7]];
            assert!(ws.sends_as_it_is(size));
            whole[0].resize(1 + ws.whole_size(10 + size), 9);
            ws.write_whole(&mut whole[0][1..], Kind::Text, *b"in front  ", &body, || KEY);
            let parts: [&[u8]; 2] = [b"in front  ", &body];
            ws.write_message_in_two(&mut whole[1], Kind::Text, parts, &mut || KEY);
            let joined = parts.concat();
            ws.pack_message(&mut whole[2], Kind::Text, &joined, &mut || KEY, &mut Pool::default());
            assert!(whole.iter().all(|bytes| *bytes == whole[0]), "{role:?} {size}");
        }
    }
    let cut = Config { fragment_size: 10, ..PLAIN };
    assert!(server(cut).sends_as_it_is(10) && !server(cut).sends_as_it_is(11));
    let mut busy = server(PLAIN);
    assert!(busy.begin_message(Kind::Binary) && !busy.sends_as_it_is(1));
}

#[test]
fn golden_frames_of_both_roles() {
    let request = [0x55, 0x54, 0x50, 1, 1, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
    let masked = [
        0x82, 0x8d, 1, 2, 3, 4, 0x54, 0x56, 0x53, 5, 0, 0x13, 0x21, 0x37, 0x45, 0x57, 0x65, 0x73,
        0x89,
    ];
    let mut out = Vec::new();
    WebSocket::new(Role::Client, UNITY, 0).write_message(&mut out, Kind::Binary, &request, KEY);
    assert_eq!(out, masked);
    assert_eq!(feed(&mut server(UNITY), &masked), [message(&request, false)]);

    let accept = [0x55, 0x54, 0x50, 1, 2, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
    let mut out = Vec::new();
    server(UNITY).write_message(&mut out, Kind::Binary, &accept, KEY);
    assert_eq!(out[..2], [0x82, 0x0d]);
    assert_eq!(out[2..], accept);
    let mut client = WebSocket::new(Role::Client, UNITY, 0);
    assert_eq!(feed(&mut client, &out), [message(&accept, false)]);
}

#[test]
fn long_messages_are_cut_into_fragments() {
    let mut socket = server(Config { fragment_size: 3, ..PLAIN });
    let mut out = Vec::new();
    let mut pool = Pool::default();
    socket.pack_message(&mut out, Kind::Text, b"abc", &mut || KEY, &mut pool);
    socket.pack_message(&mut out, Kind::Text, b"abcdefg", &mut || KEY, &mut pool);
    let golden = b"\x81\x03abc\x01\x03abc\x00\x03def\x80\x01g";
    assert_eq!(out, golden);
    for length in 0..20 {
        for size in 0..6 {
            let room = wire_size_max(size, length);
            assert_eq!(message_size_in(size, room), length, "{length} in pieces of {size}");
            assert!(message_size_in(size, room.saturating_sub(1)) < length.max(1));
        }
    }
}

#[test]
fn an_idle_connection_is_small_and_holds_nothing() {
    assert!(size_of::<WebSocket>() <= 256, "{} bytes", size_of::<WebSocket>());
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

/// What the short way gives of one read, at most `most` messages.
fn whole_messages(socket: &mut WebSocket, bytes: &[u8], most: usize) -> Vec<Event> {
    let mut places = Vec::new();
    socket.handle_bytes(1, BytesMut::from(bytes));
    let memory = socket.take_whole_messages(|place, text| {
        places.push((place, text));
        places.len() < most
    });
    let memory = memory.unwrap_or_default();
    let message = |(place, text)| Event::Message { data: memory.slice(place), text };
    places.into_iter().map(message).collect()
}

#[test]
fn the_short_way_takes_whole_messages_and_leaves_the_rest() {
    let long = vec![7; 300];
    let frames = [frame(0x82, b""), frame(0x81, "tëxt".as_bytes()), frame(0x82, &long)];
    let rest = [frame(0x89, b"ping"), frame(0x82, b"behind"), frame(0x02, b"part")].concat();
    let bytes = [frames.concat(), rest].concat();
    let mut socket = server(PLAIN);
    let expected = [message(b"", false), message("tëxt".as_bytes(), true), message(&long, false)];
    assert_eq!(whole_messages(&mut socket, &bytes, 9), expected);
    let ping = Event::Ping(Bytes::from_static(b"ping"));
    assert_eq!(events(&mut socket), [ping, message(b"behind", false)]);
    // In the middle of a message there is no short way.
    assert_eq!(whole_messages(&mut socket, &frame(0x80, b"ial"), 9), []);
    assert_eq!(events(&mut socket), [message(b"partial", false)]);
    assert_eq!(whole_messages(&mut socket, &frames.concat(), 1).len(), 1);
    assert_eq!(events(&mut socket), expected[1..]);
    transmit(&mut socket);
    assert_eq!(socket.memory_held(), 0);
}

#[test]
fn the_short_way_leaves_what_breaks_a_rule_as_it_was() {
    let unmasked = [0x82, 1, 0];
    let not_minimal = [0x82, 0xfe, 0, 1, 0, 0, 0, 0, 0];
    let text = frame(0x81, b"\xff");
    for (config, bytes) in [
        (PLAIN, &unmasked[..]),
        (PLAIN, &not_minimal),
        (PLAIN, &text),
        (PLAIN, &frame(0xc2, b"x")),
        (UNITY, &frame(0x81, b"text")),
        (UNITY, &frame(0x82, &[0; 1387])),
    ] {
        let mut socket = server(config);
        let expected = feed(&mut server(config), bytes);
        assert!(failed_code(&expected).is_some());
        assert_eq!(whole_messages(&mut socket, bytes, 9), []);
        assert_eq!(events(&mut socket), expected);
    }
}

#[test]
fn the_rest_of_a_long_message_may_be_read_to_where_it_is_put_together() {
    let payload: Vec<u8> = (0..90_000_u32).map(|index| (index * 7 / 3) as u8).collect();
    let bytes = [frame(0x82, &payload), frame(0x82, b"next")].concat();
    for first in [15, 1000, 20_001] {
        let mut socket = server(PLAIN);
        let mut at = first;
        let mut placed = 0;
        let mut got = feed(&mut socket, &bytes[..first]);
        while at < bytes.len() {
            if let Some(room) = socket.message_room() {
                let size = 1777.min(room.capacity() - room.len());
                let start = room.len();
                room.extend_from_slice(&bytes[at..at + size]);
                socket.handle_message_bytes(20, start);
                (at, placed) = (at + size, placed + size);
                assert!(socket.memory_held() <= 2 * socket.buffered_input() + 16 * 1024);
                got.extend(events(&mut socket));
            } else {
                let size = 5000.min(bytes.len() - at);
                got.extend(feed(&mut socket, &bytes[at..at + size]));
                at += size;
            }
        }
        assert_eq!(got, [message(&payload, false), message(b"next", false)]);
        assert!(placed > 50_000, "{placed} of {} bytes", payload.len());
        assert_eq!(socket.memory_held(), 0);
    }
    let mut socket = server(PLAIN);
    feed(&mut socket, &frame(0x81, &[b'a'; 90_000])[..20_000]);
    assert!(socket.message_room().is_none(), "text is checked as it comes");
}

#[test]
fn the_memory_of_a_long_message_serves_the_next_one() {
    let payload: Vec<u8> = (0..500_000_u32).map(|index| index as u8).collect();
    let config = Config { message_size_max: 1 << 20, ..PLAIN };
    let mut socket = server(config);
    let mut pool = Pool::default();
    let mut turn = |bytes: &[u8]| {
        let mut got = None;
        for piece in bytes.chunks(70_000) {
            socket.handle_bytes(1, BytesMut::from(piece));
            got = socket.poll_event_with(&mut pool);
        }
        let Some(Event::Message { data, .. }) = got else {
            panic!("a message is there");
        };
        assert_eq!(data, payload[..data.len()]);
        let place = data.as_ptr().addr();
        pool.give_message(data);
        place
    };
    let first = turn(&frame(0x82, &payload));
    assert_eq!(turn(&frame(0x82, &payload)), first);
    // A shorter one must not hold more than it needs.
    assert_ne!(turn(&frame(0x82, &payload[..300_000])), first);
    assert_eq!(turn(&frame(0x82, &payload)), first);
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
    assert_eq!((&data[..], data.as_ptr() as usize), (&b"first"[..], start + 3));
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
    assert!(buffer.try_reclaim(60 * 1024), "the shared buffer is free again");
    assert!(socket.memory_held() < 64);
    assert_eq!(socket.buffered_input(), 14);
    let more = feed(&mut socket, &frame(0x82, b"d"));
    assert_eq!(more, [message(b"b", false), message(b"c", false), message(b"d", false)]);
}

#[test]
fn a_forged_length_reserves_little() {
    let config = Config { message_size_max: u32::MAX, ..PLAIN };
    let mut socket = server(config);
    let mut bytes = vec![0x82, 0xff];
    bytes.extend_from_slice(&(1_u64 << 31).to_be_bytes());
    bytes.extend_from_slice(&KEY);
    bytes.push(0);
    assert_eq!(feed(&mut socket, &bytes), []);
    assert!(socket.memory_held() <= 16 * 1024, "{}", socket.memory_held());
    assert_eq!(socket.buffered_input(), 1);
}

#[test]
fn a_big_message_takes_exactly_its_size() {
    let payload: Vec<u8> = (0..90_000_u32).map(|index| index as u8).collect();
    let bytes = frame(0x82, &payload);
    let mut socket = server(PLAIN);
    let (pieces, last) = bytes.split_at(bytes.len() - 1);
    for piece in pieces.chunks(7000) {
        assert_eq!(feed(&mut socket, piece), []);
        assert!(socket.memory_held() <= 2 * socket.buffered_input() + 16 * 1024);
    }
    assert_eq!(socket.memory_held(), payload.len());
    assert_eq!(feed(&mut socket, last), [message(&payload, false)]);
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
        ("new message in a message", [frame(0x02, b"a"), frame(0x82, b"b")].concat(), 1002),
        ("second start", [frame(0x02, b"a"), frame(0x02, b"b")].concat(), 1002),
        ("length not minimal", vec![0x82, 0xfe, 0, 5, 1, 2, 3, 4], 1002),
        ("length top bit", [&[0x82, 0xff, 0x80][..], &[0; 11]].concat(), 1002),
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
            assert_eq!(failed_code(&feed(&mut server(config), bytes)), Some(*code), "{what}");
        }
    }
    let mut client = WebSocket::new(Role::Client, PLAIN, 0);
    assert_eq!(failed_code(&feed(&mut client, &frame(0x82, b"x"))), Some(1002));
}

#[test]
fn the_unity_dialect_judges_in_the_order_of_a_stock_server() {
    let long = vec![b'x'; 1387];
    let unity = [
        ("text", frame(0x81, b"x"), 1003),
        ("unfinished text", frame(0x01, b"x"), 1002),
        ("big text: size before opcode", frame(0x81, &long), 1009),
        ("big reserved opcode", frame(0x83, &long), 1009),
        ("big unfinished text", frame(0x01, &long), 1002),
        ("big with rsv", frame(0xc2, &long), 1002),
        ("big binary", frame(0x82, &long), 1009),
        ("big sum", [frame(0x02, &long[..1000]), frame(0x80, &long[..387])].concat(), 1009),
    ];
    for (what, bytes, code) in &unity {
        assert_eq!(failed_code(&feed(&mut server(UNITY), bytes)), Some(*code), "{what}");
    }
    assert_eq!(feed(&mut server(UNITY), &frame(0x82, &long[1..])).len(), 1);
}

#[test]
fn the_size_is_judged_by_the_header_alone() {
    let bytes = frame(0x82, &[0; 1387]);
    assert_eq!(failed_code(&feed(&mut server(UNITY), &bytes[..8])), Some(1009));
}

#[test]
fn a_small_message_limit_does_not_limit_control_frames() {
    let mut socket = server(Config { message_size_max: 0, ..PLAIN });
    assert_eq!(feed(&mut socket, &frame(0x89, &[b'p'; 125])).len(), 1);
    assert_eq!(feed(&mut socket, &frame(0x82, b"")), [message(b"", false)]);
    assert_eq!(failed_code(&feed(&mut socket, &frame(0x82, b"x"))), Some(1009));
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
    for bytes in [frame(0x81, b"a\xc3"), [frame(0x01, b"a\xc3"), frame(0x80, b"")].concat()] {
        assert_eq!(failed_code(&feed(&mut server(PLAIN), &bytes)), Some(1007));
        for piece in [1, 2, 5] {
            let mut socket = server(PLAIN);
            let events: Vec<_> =
                bytes.chunks(piece).flat_map(|piece| feed(&mut socket, piece)).collect();
            assert_eq!(failed_code(&events), Some(1007));
        }
    }
}

#[test]
fn the_header_length_is_what_is_written() {
    for role in [Role::Client, Role::Server] {
        let mut socket = WebSocket::new(role, PLAIN, 0);
        for size in [0, 1, 125, 126, 65_535, 65_536] {
            let mut out = Vec::new();
            socket.write_message(&mut out, Kind::Text, &vec![b'x'; size], KEY);
            let header = out.len() - size;
            assert_eq!(header, encode_header_length(role, size));
            assert!(header <= HEADER_SIZE_MAX);
        }
    }
}
