//! Fuzz body for the connection machine: any bytes go in, broken promises panic. It must not judge
//! which events are right, only that they do not depend on how the stream was cut.

use super::connection::{CloseState, Config, Event, HEADER_SIZE_MAX, Role, WebSocket};
use super::frame::{CONTROL_PAYLOAD_MAX, FrameHeader};
use bytes::BytesMut;

/// What one run over a stream gave.
#[derive(Debug, PartialEq)]
struct Outcome {
    events: Vec<Event>,
    sent: Vec<u8>,
    state: CloseState,
}

/// Feeds `stream` in pieces whose sizes `next_size` gives.
fn run(role: Role, config: Config, stream: &[u8], mut next_size: impl FnMut() -> usize) -> Outcome {
    let mut socket = WebSocket::new(role, config, 0);
    let mut events = Vec::new();
    let mut rest = stream;
    let mut now = 0;
    while !rest.is_empty() {
        now += 1;
        let (piece, later) = rest.split_at(next_size().clamp(1, rest.len()));
        rest = later;
        socket.handle_bytes(now, BytesMut::from(piece));
        while let Some(event) = socket.poll_event() {
            let over = events.last().is_some_and(is_last);
            assert!(!over, "{event:?} after the end");
            events.push(event);
        }
        socket.park();
        let held = socket.buffered_input();
        let held_max = config.message_size_max + HEADER_SIZE_MAX + CONTROL_PAYLOAD_MAX;
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
        text: settings & 2 == 0,
        ping_interval: 0,
        pong_timeout: 0,
        close_timeout: 1000,
    };
    if let Ok(Some((header, size))) = FrameHeader::parse(stream) {
        let mut again = Vec::new();
        header.write(&mut again);
        assert_eq!(again, stream[..size], "a valid header has one form");
    }
    let whole = run(role, config, stream, || stream.len());
    let bytewise = run(role, config, stream, || 1);
    let mut state = u32::from(seed) + 1;
    let random = run(role, config, stream, || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as usize % 40
    });
    assert_eq!(whole, bytewise);
    assert_eq!(whole, random);
    let ended = whole.events.last().is_some_and(is_last);
    assert_eq!(whole.state == CloseState::Closed, ended);
}
