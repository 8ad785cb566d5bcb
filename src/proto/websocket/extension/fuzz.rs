//! Fuzz body for extensions: any bytes as the header that agrees on them, and as the stream of a
//! connection that did. It must not judge which events are right, only that they do not depend on
//! how the stream was cut, and that memory stays bounded.

use bytes::BytesMut;

use super::super::connection::{Config, Event, Role, WebSocket};
use super::super::{Kind, deflate::Pool};
use super::toy::Toy;
use super::{Extension, Negotiated, accept, confirm, elements, frame_size_max, split};

fn own() -> [Box<dyn Extension>; 3] {
    [Toy::boxed("x-one", 7, 2), Toy::boxed("x-two", 9, 1), Toy::boxed("x-same", 3, 2)]
}

fn agreed(header: &str, taken: u8) -> Vec<Negotiated> {
    accept(|| [header].into_iter(), &own(), taken)
}

fn run(config: Config, stream: &[u8], size: usize) -> Vec<Event> {
    let mut socket = WebSocket::new(Role::Server, config, 0);
    socket.set_extensions(agreed("x-one, x-two", 0));
    let mut events = Vec::new();
    for piece in stream.chunks(size) {
        socket.handle_bytes(1, BytesMut::from(piece));
        events.extend(std::iter::from_fn(|| socket.poll_event()));
        socket.park();
        let most = 4 * frame_size_max(config.message_size_max as usize) + 64 * 1024;
        assert!(socket.memory_held() <= most, "{} bytes", socket.memory_held());
    }
    events
}

/// Any bytes. The first chooses the longest message.
pub fn fuzz_extension(data: &[u8]) {
    let Some((&settings, rest)) = data.split_first() else { return };
    if let Ok(header) = std::str::from_utf8(rest) {
        for element in elements([header].into_iter()) {
            let (name, parameters) = split(element);
            assert!(element.starts_with(name) && element.ends_with(parameters));
        }
        let taken = settings & 4;
        let answer: Vec<_> = agreed(header, taken).into_iter().map(|one| one.text).collect();
        let again = confirm([answer.join(", ").as_str()].into_iter(), &own(), taken);
        assert_eq!(again.map(|list| list.len()), Ok(answer.len()));
        drop(confirm([header].into_iter(), &own(), taken));
    }
    let config = Config {
        message_size_max: if settings & 1 == 0 { 100 } else { 10_000 },
        assembly_max: u32::MAX,
        fragment_size: u32::from(settings >> 4),
        text: settings & 2 == 0,
        ping_interval: 0,
        pong_timeout: 0,
        silence_timeout: 0,
        probes_silence: false,
        pings_in_silence_only: true,
        close_timeout: 1000,
    };
    let whole = run(config, rest, rest.len().max(1));
    assert_eq!(whole, run(config, rest, 1));
    assert_eq!(whole, run(config, rest, 7));

    let mut sender = WebSocket::new(Role::Client, config, 0);
    sender.set_extensions(agreed("x-two, x-one", 0));
    let mut wire = Vec::new();
    sender.pack_message(&mut wire, Kind::Binary, rest, &mut || [7; 4], &mut Pool::default());
    let explodes = rest.contains(&200);
    let got = run(config, &wire, usize::from(settings) + 1);
    if rest.len() <= config.message_size_max as usize && !explodes {
        let arrived = |event: &Event| matches!(event, Event::Message { data, .. } if data == rest);
        assert!(got.iter().any(arrived), "{got:?}");
    }
}
