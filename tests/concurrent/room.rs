//! What is taken and what is refused is what one thread alone would have been told.

use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{EventKind, Result, Status};

use crate::support::{Pair, status, until};

/// Sends messages of these sizes over and over until one is refused; what the first refusal was,
/// and how many were taken.
fn fill(mut send: impl FnMut(&[u8]) -> Result<()>, sizes: &[usize]) -> (Status, usize) {
    let message = vec![7; 1 << 20];
    for (taken, &size) in sizes.iter().cycle().enumerate() {
        if let Err(error) = send(&message[..size]) {
            return (error.status(), taken);
        }
    }
    unreachable!("no queue is endless")
}

/// Alone and beside others; `slack` messages fewer may be taken beside others.
fn compare(pair: impl Fn() -> Pair, pipeline: u8, sizes: &[usize], slack: usize) {
    let mut alone = pair();
    let to_client = alone.to_client;
    let expected = fill(|data| alone.server.send(to_client, pipeline, data), sizes);
    let mut beside = pair();
    let to_client = beside.to_client;
    let found = beside.server.concurrent(|server| {
        let found = fill(|data| server.send(to_client, pipeline, data), sizes);
        let size = sizes[found.1 % sizes.len()] as u32;
        let begun = server.begin_send(to_client, pipeline, size);
        match begun {
            Ok(send) => assert_eq!(status(server.end_send(send, size)), found.0),
            Err(error) => assert_eq!(error.status(), Status::NetworkSendQueueFull),
        }
        found
    });
    assert_eq!(found.0, expected.0);
    assert!(found.1 <= expected.1 && found.1 + slack >= expected.1, "{found:?} {expected:?}");
    // What was taken was sent, nothing more.
    let sent = beside.server.statistics();
    assert_eq!(sent.messages_out, found.1 as u64);
    assert_eq!(sent.refused_out, 2, "the one that ended the filling, and the one after it");
}

fn small() -> NetworkSettings {
    NetworkSettings {
        send_queue_capacity: 20,
        outbound_bytes_max: 20_000,
        ..NetworkSettings::default()
    }
}

fn settled(mut pair: Pair) -> Pair {
    for _ in 0..20 {
        pair.step();
    }
    pair
}

#[test]
fn of_datagrams() {
    for session in [false, true] {
        for kind in [InterfaceKind::Udp, InterfaceKind::Ipc] {
            let settings = NetworkSettings { session, ..small() };
            compare(|| settled(Pair::with(kind, &settings)), 0, &[10, 300], 0);
        }
    }
}

#[test]
fn of_messages_in_the_utp_dialect_over_streams() {
    for kind in [InterfaceKind::WebSocket, InterfaceKind::Tcp] {
        // A header is counted as the longest one that there is.
        compare(|| settled(Pair::with(kind, &small())), 0, &[100, 900], 2);
    }
}

#[test]
fn of_plain_messages() {
    let plain = |settings: &NetworkSettings| settled(Pair::plain(settings, settings));
    compare(|| plain(&small()), 0, &[100, 900], 2);
    let few = NetworkSettings { websocket_send_queue_capacity: 5, ..small() };
    compare(|| plain(&few), 0, &[100], 0);
}

#[test]
fn of_reliable_pipelines() {
    for session in [false, true] {
        for kind in [InterfaceKind::Udp, InterfaceKind::Ipc, InterfaceKind::WebSocket] {
            for list in ["reliable:32", "frag:9000,reliable:16"] {
                let settings = NetworkSettings {
                    session,
                    send_queue_capacity: 64,
                    outbound_bytes_max: 60_000,
                    ..NetworkSettings::default()
                };
                let pair = || settled(Pair::with_pipelines(kind, &settings, list));
                // Over streams a header is counted as the longest one that there is.
                let slack = if kind == InterfaceKind::WebSocket { 3 } else { 0 };
                compare(pair, 1, &[100, 900], slack);
                if list.starts_with("frag") {
                    compare(pair, 1, &[100, 5000, 20], slack);
                }
            }
        }
    }
}

#[test]
fn of_fragments_that_may_be_lost() {
    for session in [false, true] {
        let settings = NetworkSettings { session, ..small() };
        let pair = || settled(Pair::with_pipelines(InterfaceKind::Udp, &settings, "frag:9000"));
        compare(pair, 1, &[5000, 10, 2000], 0);
    }
}

/// Pipelines and lengths of messages, all in the same order on every run.
fn mixed() -> impl Iterator<Item = (u8, usize)> {
    let mut state = 7_u32;
    std::iter::from_fn(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some(((state >> 30) as u8, (state >> 16) as usize % 1300))
    })
}

/// Which of many messages through several pipelines are taken, and that nothing else is sent.
fn taken(pair: Pair, send: impl FnOnce(&mut Pair, &mut dyn FnMut(bool))) -> Vec<bool> {
    let (mut pair, mut told) = (pair, Vec::new());
    send(&mut pair, &mut |taken| told.push(taken));
    let sent = pair.server.statistics();
    let count = told.iter().filter(|taken| **taken).count();
    assert_eq!(sent.messages_out, count as u64);
    assert_eq!(sent.refused_out, (told.len() - count) as u64);
    assert!(0 < count && count < told.len(), "some are taken, and some are not");
    told
}

#[test]
fn of_several_pipelines_by_turns() {
    for session in [false, true] {
        for kind in [InterfaceKind::Udp, InterfaceKind::Ipc, InterfaceKind::WebSocket] {
            let settings = NetworkSettings {
                session,
                send_queue_capacity: 100,
                outbound_bytes_max: 70_000,
                ..NetworkSettings::default()
            };
            let list = "reliable:16;frag:9000,reliable:32;useq";
            let pair = || settled(Pair::with_pipelines(kind, &settings, list));
            let messages = || mixed().take(200).map(|(via, size)| (via, vec![7; size]));
            let alone = taken(pair(), |pair, tell| {
                for (via, data) in messages() {
                    tell(pair.server.send(pair.to_client, via, &data).is_ok());
                }
            });
            let beside = taken(pair(), |pair, tell| {
                let to_client = pair.to_client;
                pair.server.concurrent(|server| {
                    for (number, (via, data)) in messages().enumerate() {
                        if number % 3 > 0 {
                            tell(server.send(to_client, via, &data).is_ok());
                            continue;
                        }
                        let begun = server.begin_send(to_client, via, data.len() as u32);
                        let ended = begun.and_then(|send| {
                            server.send_buffer(send)?[..data.len()].copy_from_slice(&data);
                            server.end_send(send, data.len() as u32)
                        });
                        tell(ended.is_ok());
                    }
                });
            });
            // Over streams a header is counted as the longest one that there is.
            if kind == InterfaceKind::WebSocket {
                let count = |told: &[bool]| told.iter().filter(|taken| **taken).count();
                assert!(count(&beside) + 9 >= count(&alone), "{alone:?} {beside:?}");
            } else {
                assert_eq!(beside, alone, "{kind:?}, session: {session}");
            }
        }
    }
}

#[test]
fn what_is_changed_in_between_is_minded() {
    use netdriver::MessageKind::{Binary, Text};
    let settings = NetworkSettings::default();
    let mut pair = Pair::plain(&settings, &settings);
    let to_client = pair.to_client;
    for (mode, expected) in [(Binary, None), (Text, Some(Status::InvalidArgument))] {
        pair.server.set_write_mode(to_client, mode).expect("is open");
        pair.server.concurrent(|server| {
            for _ in 0..2 {
                let sent = server.send(to_client, 0, b"\xFF");
                assert_eq!(sent.err().map(|error| error.status()), expected);
            }
        });
    }
    assert_eq!(pair.server.statistics().messages_out, 2);
}

#[test]
fn mistakes_are_told_at_once() {
    let settings = NetworkSettings::default();
    let mut pair = Pair::plain(&settings, &settings);
    let to_client = pair.to_client;
    pair.server.concurrent(|server| {
        use netdriver::MessageKind::Text;
        assert_eq!(status(server.send(to_client, 9, b"x")), Status::InvalidArgument);
        assert_eq!(status(server.send_as(to_client, 0, Text, b"\xFF")), Status::InvalidArgument);
        let most = server.payload_size_max(to_client, 0).expect("is open");
        let long = vec![0; most as usize + 1];
        assert_eq!(status(server.send(to_client, 0, &long)), Status::NetworkPacketOverflow);
        let begun = server.begin_send(to_client, 0, most + 1);
        assert_eq!(status(begun), Status::NetworkPacketOverflow);
        server.send_as(to_client, 0, Text, "héllo".as_bytes()).expect("is text");
    });
    let event = pair.client_event(EventKind::Data);
    assert!(event.text && event.data == "héllo".as_bytes());
    let mut utp = Pair::new(InterfaceKind::Udp);
    let to_client = utp.to_client;
    utp.server.concurrent(|server| {
        use netdriver::MessageKind::Text;
        assert_eq!(status(server.send_as(to_client, 0, Text, b"x")), Status::InvalidArgument);
    });
}

#[test]
fn nothing_goes_between_the_pieces_of_a_message() {
    let settings = NetworkSettings::default();
    let mut pair = Pair::plain(&settings, &settings);
    let to_client = pair.to_client;
    pair.server.begin_message(to_client, netdriver::MessageKind::Binary).expect("begins");
    pair.server.concurrent(|server| {
        let sent = server.send(to_client, 0, b"no");
        assert_eq!(status(sent), Status::NetworkStateMismatch);
        assert_eq!(status(server.begin_send(to_client, 0, 1)), Status::NetworkStateMismatch);
    });
}

#[test]
fn room_is_announced_to_whom_it_was_refused() {
    for (list, via) in [("", 0), ("reliable:8", 1)] {
        let settings = NetworkSettings { writable_events: true, session: false, ..small() };
        let mut pair = Pair::with(InterfaceKind::Udp, &settings);
        if via > 0 {
            pair = Pair::with_pipelines(InterfaceKind::Udp, &settings, list);
        }
        let to_client = pair.to_client;
        let full = pair
            .server
            .concurrent(|server| fill(|data| server.send(to_client, via, data), &[10]).0);
        assert_eq!(full, Status::NetworkSendQueueFull);
        let event = until("room", || {
            pair.step();
            pair.server.pop_event()
        });
        assert_eq!((event.kind, event.pipeline), (EventKind::Writable, via));
    }
}
