//! Fuzz body for the connection machine: any bytes go in, broken promises panic. It must not judge
//! which events are right, only that they do not depend on how the stream was cut.

use super::Kind;
use super::connection::{CloseState, Config, Event, HEADER_SIZE_MAX, Role, WebSocket};
use super::deflate::{self, Codec, Pool, Wishes};
use super::frame::{CONTROL_PAYLOAD_MAX, FrameHeader, Opcode};
use bytes::{Bytes, BytesMut};

/// What one run over a stream gave.
#[derive(Debug, PartialEq)]
struct Outcome {
    events: Vec<Event>,
    sent: Vec<u8>,
    state: CloseState,
}

/// Feeds `stream` in pieces whose sizes `next_size` gives.
fn run(
    role: Role,
    config: Config,
    wishes: Option<&Wishes>,
    stream: &[u8],
    next_size: impl FnMut() -> usize,
) -> Outcome {
    run_by(role, config, wishes, stream, next_size, false)
}

/// The same; `short`: with the short way first, where there is one.
fn run_by(
    role: Role,
    config: Config,
    wishes: Option<&Wishes>,
    stream: &[u8],
    mut next_size: impl FnMut() -> usize,
    short: bool,
) -> Outcome {
    let mut socket = WebSocket::new(role, config, 0);
    if let Some(wishes) = wishes {
        socket.set_codec(agreed_codec(role, wishes));
    }
    let mut events = Vec::new();
    let mut rest = stream;
    let mut now = 0;
    while !rest.is_empty() {
        now += 1;
        let (piece, later) = rest.split_at(next_size().clamp(1, rest.len()));
        rest = later;
        socket.handle_bytes(now, BytesMut::from(piece));
        if short {
            let (before, mut places) = (events.len(), Vec::new());
            let memory = socket.take_whole_messages(|place, text| {
                places.push((place, text));
                data_is_wanted(before + places.len())
            });
            let memory = memory.unwrap_or_default();
            let message = |(place, text)| Event::Message { data: memory.slice(place), text };
            events.extend(places.into_iter().map(message));
        }
        while let Some(event) = socket.poll_event() {
            let over = events.last().is_some_and(is_last);
            assert!(!over, "{event:?} after the end");
            events.push(event);
        }
        socket.park();
        let held = socket.buffered_input();
        let held_max = config.message_size_max as usize + HEADER_SIZE_MAX + CONTROL_PAYLOAD_MAX;
        assert!(held <= held_max, "{held} bytes held");
        let memory = socket.memory_held();
        assert!(memory <= 2 * held + 32 * 1024, "{memory} bytes of memory for {held}");
    }
    let mut sent = Vec::new();
    let mut masks = 0_u32;
    socket.poll_transmit(&mut sent, &mut || {
        masks += 1;
        masks.to_be_bytes()
    });
    assert!(sent.len() <= 8 * 1024);
    assert!(!socket.poll_transmit(&mut sent, &mut || [0; 4]), "everything was sent");
    Outcome { events, sent, state: socket.close_state() }
}

/// Now and then a reader wants no more than it has.
const fn data_is_wanted(count: usize) -> bool {
    count % 4 != 3
}

/// Messages that are handed out in pieces are those that would have been put together.
fn check_pieces(
    role: Role,
    config: Config,
    wishes: Option<&Wishes>,
    stream: &[u8],
    whole: &Outcome,
) {
    for assembly_max in [0, 7] {
        let config = Config { assembly_max, ..config };
        for step in [1, 5, usize::MAX] {
            let pieces = run(role, config, wishes, stream, || step);
            let joined = join(&pieces.events, config.message_size_max as usize);
            // What is too big to be put together is not too big in pieces, so more may follow.
            let too_big = |event: &Event| matches!(event, Event::Failed { code: 1009, .. });
            let ends = whole.events.iter().position(too_big);
            let same = ends.unwrap_or(whole.events.len());
            assert!(joined.len() >= same, "{joined:?}");
            assert_eq!(joined[..same], whole.events[..same]);
        }
    }
}

/// Puts the pieces of messages together, and checks their marks.
pub(super) fn join(events: &[Event], message_size_max: usize) -> Vec<Event> {
    let mut joined = Vec::new();
    let mut message = Vec::new();
    let mut open = None;
    for event in events {
        match event {
            Event::Fragment { data, text, first, last } => {
                assert_eq!(open, (!first).then_some(*text), "{event:?}");
                assert!(*last || !data.is_empty());
                message.extend_from_slice(data);
                open = (!last).then_some(*text);
                if *last {
                    let data = Bytes::from(std::mem::take(&mut message));
                    joined.push(Event::Message { data, text: *text });
                }
            }
            Event::Message { data, .. } => {
                assert!(open.is_none() && data.len() <= message_size_max);
                joined.push(event.clone());
            }
            other => joined.push(other.clone()),
        }
    }
    joined
}

/// What two sides with the same wishes have.
fn agreed_codec(role: Role, wishes: &Wishes) -> Codec {
    let offer = deflate::offer(wishes);
    let agreed = deflate::accept([offer.as_str()].into_iter(), wishes);
    Codec::new(role, &agreed.expect("the offer is our own"), 6, 0)
}

/// Any bytes as a header, as a compressed stream, and as messages to compress. The first byte
/// chooses the wishes.
pub fn fuzz_deflate(data: &[u8]) {
    let Some((&settings, rest)) = data.split_first() else {
        return;
    };
    let wishes = Wishes {
        own_bits: 9 + (settings & 7).min(6),
        peer_bits: 15 - (settings & 7).min(6),
        own_no_context: settings & 8 != 0,
        peer_no_context: settings & 16 != 0,
    };
    if let Ok(header) = std::str::from_utf8(rest) {
        if let Some(agreed) = deflate::accept([header].into_iter(), &wishes) {
            let again = agreed.to_string();
            assert!(deflate::accept([again.as_str()].into_iter(), &wishes).is_some(), "{again}");
        }
        if let Ok(Some(agreed)) = deflate::check([header].into_iter(), &wishes) {
            let named = agreed.server_bits.unwrap_or(deflate::WINDOW_BITS_MAX);
            assert!(named <= wishes.peer_bits, "{agreed}");
        }
    }
    let config = Config {
        message_size_max: if settings & 32 == 0 { 100 } else { 100_000 },
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
    let role = if settings & 64 == 0 { Role::Server } else { Role::Client };
    let mut frame = Vec::new();
    let mask = (role == Role::Server).then_some([0; 4]);
    let payload_length = rest.len() as u64;
    FrameHeader { fin: true, rsv: 4, opcode: Opcode::Binary, mask, payload_length }
        .write(&mut frame);
    frame.extend_from_slice(rest);
    let whole = run(role, config, Some(&wishes), &frame, || frame.len());
    assert_eq!(whole, run(role, config, Some(&wishes), &frame, || 1));
    check_pieces(role, config, Some(&wishes), &frame, &whole);

    let mut pool = Pool::default();
    let roomy = Config { message_size_max: rest.len() as u32, ..config };
    let mut sender = WebSocket::new(Role::Client, roomy, 0);
    sender.set_codec(agreed_codec(Role::Client, &wishes));
    let mut receiver = WebSocket::new(Role::Server, roomy, 0);
    receiver.set_codec(agreed_codec(Role::Server, &wishes));
    for piece in rest.chunks(rest.len() / 3 + 1) {
        let mut wire = Vec::new();
        sender.pack_message(&mut wire, Kind::Binary, piece, &mut || [7; 4], &mut pool);
        receiver.handle_bytes(1, BytesMut::from(&wire[..]));
        let expected = Event::Message { data: Bytes::copy_from_slice(piece), text: false };
        assert_eq!(receiver.poll_event_with(&mut pool), Some(expected));
    }
}

fn is_last(event: &Event) -> bool {
    matches!(event, Event::Close { .. } | Event::Failed { .. })
}

/// Any bytes as what a peer sends. The first two choose role, settings and the cuts.
pub fn fuzz_frames(data: &[u8]) {
    let Some((&[settings, seed], stream)) = data.split_first_chunk::<2>() else {
        return;
    };
    let role = if settings & 1 == 0 { Role::Server } else { Role::Client };
    let config = Config {
        message_size_max: [0, 10, 1386, 100_000][usize::from(settings >> 2 & 3)],
        assembly_max: u32::MAX,
        fragment_size: 0,
        text: settings & 2 == 0,
        ping_interval: 0,
        pings_in_silence_only: false,
        pong_timeout: 0,
        silence_timeout: 0,
        probes_silence: false,
        close_timeout: 1000,
    };
    if let Ok(Some((header, size))) = FrameHeader::parse(stream) {
        let mut again = Vec::new();
        header.write(&mut again);
        assert_eq!(again, stream[..size], "a valid header has one form");
    }
    let whole = run(role, config, None, stream, || stream.len());
    let bytewise = run(role, config, None, stream, || 1);
    let mut state = u32::from(seed) + 1;
    let random = run(role, config, None, stream, || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as usize % 40
    });
    assert_eq!(whole, bytewise);
    assert_eq!(whole, random);
    for step in [3, 50, usize::MAX] {
        assert_eq!(whole, run_by(role, config, None, stream, || step, true));
    }
    check_pieces(role, config, None, stream, &whole);
    let ended = whole.events.last().is_some_and(is_last);
    assert_eq!(whole.state == CloseState::Closed, ended);
}
