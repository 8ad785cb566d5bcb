//! The bad network that a whole driver can be put on: what each of its parameters does.

use std::collections::BTreeMap;

use netdriver::EventKind;
use netdriver::settings::{InterfaceKind, NetworkSimulator};

use super::connecting::frames;
use crate::support::Pair;

const FRAME_MS: u32 = 10;
const COUNT: u32 = 1000;
/// Bytes of a message, and of its packet.
const SIZE: usize = 90;
const PACKET: u32 = 100;
const CALM: NetworkSimulator = NetworkSimulator {
    receive_loss_percent: 0.0,
    send_loss_percent: 0.0,
    send_duplicate_percent: 0.0,
    send_reorder_percent: 0.0,
    send_delay_ms: 0,
    send_jitter_ms: 0,
    receive_mtu: 0,
    partitioned: false,
    seed: 3,
    send_bytes_per_second: 0,
    send_backlog_bytes: 0,
};

/// Messages that arrived: number and frames that it took, in the order of their arrival.
struct Arrivals(Vec<(u32, u32)>);

impl Arrivals {
    fn numbers(&self) -> Vec<u32> {
        self.0.iter().map(|&(number, _)| number).collect()
    }

    /// How many came how often.
    fn times(&self) -> BTreeMap<usize, usize> {
        let mut each = BTreeMap::new();
        for number in self.numbers() {
            *each.entry(number).or_insert(0) += 1;
        }
        let mut times = BTreeMap::new();
        for count in each.into_values() {
            *times.entry(count).or_insert(0) += 1;
        }
        times
    }

    fn is_in_order(&self) -> bool {
        self.numbers().is_sorted()
    }

    /// The shortest and the longest time.
    fn took(&self) -> (u32, u32) {
        let frames = || self.0.iter().map(|&(_, frames)| frames);
        (frames().min().expect("some came"), frames().max().expect("some came"))
    }
}

/// A client sends a message in each frame, with these networks below it and below its server.
fn play(ours: NetworkSimulator, theirs: NetworkSimulator, kind: InterfaceKind) -> Arrivals {
    let mut pair = Pair::with(kind, &frames(FRAME_MS as i32));
    pair.client.set_network_simulator(&ours);
    pair.server.set_network_simulator(&theirs);
    let mut arrivals = Vec::new();
    for frame in 0..COUNT * 5 / 2 {
        if frame < COUNT {
            let mut message = [0; SIZE];
            message[..4].copy_from_slice(&frame.to_le_bytes());
            pair.client.send(pair.to_server, 0, &message).expect("there is room");
        }
        pair.frame();
        while let Some(event) = pair.server.pop_event() {
            if event.kind == EventKind::Disconnect && (ours.partitioned || theirs.partitioned) {
                continue;
            }
            assert_eq!(event.kind, EventKind::Data);
            let number = u32::from_le_bytes(event.data[..4].try_into().expect("a number"));
            arrivals.push((number, frame - number));
        }
    }
    Arrivals(arrivals)
}

fn sent_through(network: NetworkSimulator) -> Arrivals {
    play(network, CALM, InterfaceKind::Ipc)
}

#[test]
fn a_calm_network_changes_nothing() {
    let arrivals = sent_through(CALM);
    assert_eq!(arrivals.numbers(), Vec::from_iter(0..COUNT));
    assert!(arrivals.took().1 <= 1);
}

#[test]
fn packets_are_lost_on_the_way_out_and_on_the_way_in() {
    let out = sent_through(NetworkSimulator { send_loss_percent: 30.0, ..CALM });
    let into = NetworkSimulator { receive_loss_percent: 30.0, ..CALM };
    let into = play(CALM, into, InterfaceKind::Ipc);
    for arrivals in [out, into] {
        assert!((640..760).contains(&arrivals.0.len()), "{}", arrivals.0.len());
        assert!(arrivals.is_in_order() && arrivals.took().1 <= 1);
        assert_eq!(arrivals.times().len(), 1, "none comes twice");
    }
}

#[test]
fn packets_leave_twice() {
    let arrivals = sent_through(NetworkSimulator { send_duplicate_percent: 40.0, ..CALM });
    let times = arrivals.times();
    assert_eq!(times[&1] + times[&2], COUNT as usize, "{times:?}");
    assert!((340..460).contains(&times[&2]), "{times:?}");
}

#[test]
fn packets_are_late_and_the_more_or_less_so_with_jitter() {
    let late = sent_through(NetworkSimulator { send_delay_ms: 70, ..CALM });
    assert_eq!(late.numbers(), Vec::from_iter(0..COUNT));
    let (least, most) = late.took();
    assert!(least >= 6 && most <= 8 && most - least <= 1, "{least} to {most} frames");
    let network = NetworkSimulator { send_delay_ms: 70, send_jitter_ms: 40, ..CALM };
    let shaky = sent_through(network);
    let (least, most) = shaky.took();
    assert!((3..=4).contains(&least) && (10..=12).contains(&most), "{least} to {most} frames");
    assert!(shaky.0.len() == COUNT as usize && !shaky.is_in_order());
}

#[test]
fn packets_overtake_those_in_front() {
    let network = NetworkSimulator { send_delay_ms: 70, send_reorder_percent: 20.0, ..CALM };
    let arrivals = sent_through(network);
    let early = arrivals.0.iter().filter(|&&(_, frames)| frames <= 1).count();
    assert!((140..260).contains(&early), "{early}");
    assert!(arrivals.0.len() == COUNT as usize && !arrivals.is_in_order());
}

#[test]
fn packets_that_are_too_large_do_not_arrive() {
    for (receive_mtu, arrive) in [(PACKET, true), (PACKET - 1, false)] {
        let network = NetworkSimulator { receive_mtu, ..CALM };
        let arrivals = play(CALM, network, InterfaceKind::Ipc);
        assert_eq!(arrivals.0.len(), if arrive { COUNT as usize } else { 0 });
    }
}

#[test]
fn a_link_has_a_rate_and_a_queue() {
    // Half of what is sent, heartbeats aside.
    let rate = PACKET * 1000 / FRAME_MS / 2;
    let slow = sent_through(NetworkSimulator { send_bytes_per_second: rate, ..CALM });
    assert_eq!(slow.numbers(), Vec::from_iter(0..COUNT));
    let most = slow.took().1;
    assert!((COUNT - 20..COUNT + 60).contains(&most), "the last one waited {most} frames");
    let network =
        NetworkSimulator { send_bytes_per_second: rate, send_backlog_bytes: 10 * PACKET, ..CALM };
    let full = sent_through(network);
    assert!((460..560).contains(&full.0.len()), "{}", full.0.len());
    assert!((15..=25).contains(&full.took().1), "a full queue is 20 frames: {:?}", full.took());
    assert!(full.is_in_order());
}

#[test]
fn what_is_cut_off_hears_nothing_and_is_not_heard() {
    let cut = NetworkSimulator { partitioned: true, ..CALM };
    for (ours, theirs) in [(cut, CALM), (CALM, cut)] {
        assert_eq!(play(ours, theirs, InterfaceKind::Ipc).0.len(), 0);
    }
}

#[test]
fn one_seed_is_one_history_and_another_one_another() {
    let network = |seed| NetworkSimulator {
        send_loss_percent: 10.0,
        send_duplicate_percent: 10.0,
        send_reorder_percent: 10.0,
        send_delay_ms: 50,
        send_jitter_ms: 50,
        seed,
        ..CALM
    };
    let [one, again, other] = [1, 1, 2].map(|seed| sent_through(network(seed)).0);
    assert_eq!(one, again);
    assert_ne!(one, other);
}

#[test]
fn streams_are_not_concerned() {
    let bad = NetworkSimulator { send_loss_percent: 50.0, receive_loss_percent: 50.0, ..CALM };
    let arrivals = play(bad, bad, InterfaceKind::WebSocket);
    assert_eq!(arrivals.numbers(), Vec::from_iter(0..COUNT));
}
