//! Bulk data and a real-time stream on one narrow link, on virtual time.

use std::collections::VecDeque;

use netdriver::settings::{InterfaceKind, NetworkSettings, NetworkSimulator};
use netdriver::{EventKind, Status};

use crate::support::{Pair, create_pipelines, driver, expect_accept, expect_event, listen, status};

/// Milliseconds of a frame: 60 Hz, nearly.
const FRAME_MS: i32 = 16;
/// Bytes that the link carries in a second.
const RATE: u32 = 250_000;
/// Frames that the stream runs.
const FRAMES: u32 = 1500;
const BULK: u8 = 1;
const STREAM: u8 = 2;

/// How long each message of the stream took in frames, sorted, and how many bytes of bulk came.
fn share(bulk: bool) -> (Vec<u32>, usize) {
    share_after(10, bulk, "reliable:32;reliable:32")
}

/// Two that have just connected over the link.
fn connect(pipelines: &str) -> Pair {
    let settings = NetworkSettings {
        fixed_frame_time_ms: FRAME_MS,
        receive_queue_capacity: 100_000,
        ..NetworkSettings::default()
    };
    let network = NetworkSimulator {
        send_delay_ms: 20,
        send_bytes_per_second: RATE,
        send_backlog_bytes: 100_000,
        ..NetworkSimulator::default()
    };
    let side = || {
        let mut driver = driver(InterfaceKind::Ipc, &settings);
        create_pipelines(&mut driver, pipelines);
        driver.set_network_simulator(&network);
        driver
    };
    let (mut server, mut client) = (side(), side());
    let endpoint = listen(&mut server);
    let to_server = client.connect(0, &endpoint, b"").expect("starts to connect");
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    let to_client = expect_accept(&mut [&mut server, &mut client]);
    Pair { server, client, to_client, to_server, endpoint }
}

/// The same for pipelines of a list, so many frames after the connection is there.
fn share_after(settle: u32, bulk: bool, pipelines: &str) -> (Vec<u32>, usize) {
    let mut pair = connect(pipelines);
    for _ in 0..settle {
        pair.frame();
    }
    let has_session = |pair: &Pair| pair.client.connection_info(pair.to_server).unwrap().session;
    assert_eq!(has_session(&pair), settle > 0, "they agree when it is meant");
    let (mut sent, mut took, mut bytes) = (VecDeque::new(), Vec::new(), 0);
    for frame in 0..FRAMES + 60 {
        if bulk && frame < FRAMES {
            let mut fill = || pair.client.send(pair.to_server, BULK, &[7; 1200]);
            let full = std::iter::repeat_with(&mut fill).find(Result::is_err);
            assert_eq!(full.map(status), Some(Status::NetworkSendQueueFull));
        }
        if frame < FRAMES {
            let mut message = [0; 200];
            message[..4].copy_from_slice(&frame.to_le_bytes());
            pair.client.send(pair.to_server, STREAM, &message).expect("is never crowded out");
            sent.push_back(frame);
        }
        pair.frame();
        for event in std::iter::from_fn(|| pair.server.pop_event()) {
            assert_eq!(event.kind, EventKind::Data);
            if event.pipeline == BULK {
                bytes += event.data.len();
            } else {
                let number = sent.pop_front().expect("was sent");
                assert_eq!(event.data[..4], number.to_le_bytes());
                took.push(frame - number);
            }
        }
    }
    assert!(sent.is_empty(), "{} messages of the stream are missing", sent.len());
    took.sort_unstable();
    (took, bytes)
}

#[test]
fn bulk_fills_a_narrow_link_and_does_not_drown_a_stream() {
    let (alone, _) = share(false);
    let (beside, bytes) = share(true);
    let at = |took: &[u32], permille: usize| took[took.len() * permille / 1000];
    let seconds = (FRAMES * FRAME_MS as u32) as usize / 1000;
    let used = bytes / seconds;
    assert!(at(&beside, 500) <= at(&alone, 500) + 3, "median {}", at(&beside, 500));
    assert!(at(&beside, 950) <= at(&alone, 950) + 5, "of 20 the last {}", at(&beside, 950));
    // The queue that bulk could fill is 25 frames long; it is tried once, at the start.
    assert!(at(&beside, 999) < 25, "the last {}", at(&beside, 999));
    assert!(at(&beside, 980) <= at(&alone, 980) + 8, "of 50 the last {}", at(&beside, 980));
    let free = RATE as usize - 200 * 1000 / FRAME_MS as usize;
    assert!(used * 100 >= free * 75, "bulk got {used} of {free} bytes a second");
}

#[test]
fn bulk_that_begins_with_the_connection_does_not_drown_a_stream_either() {
    // Its first window leaves before the two have agreed: more than the link holds.
    let (mut alone, _) = share_after(0, false, "reliable:256;reliable:32");
    let (mut beside, bytes) = share_after(0, true, "reliable:256;reliable:32");
    for took in [&mut alone, &mut beside] {
        took.truncate(took.len() * 95 / 100);
    }
    let (alone, last) = (alone[alone.len() - 1], beside[beside.len() - 1]);
    assert!(last <= alone + 6, "of 20 the last {last}, alone {alone}");
    let used = bytes / ((FRAMES * FRAME_MS as u32) as usize / 1000);
    assert!(used * 100 >= RATE as usize * 75, "bulk got {used} bytes a second");
}
