//! The poll with UDP sockets: what it reports and what it does not.

use super::*;
use crate::proto::time::MICROS_PER_MS;

/// Longer than any test takes; what it waits for is there already.
const PATIENCE: Sleep = Sleep { now: 0, most: 10_000 * MICROS_PER_MS };

fn socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0".parse().expect("is an address"), false).expect("binds")
}

#[test]
fn room_in_a_udp_socket_is_reported_when_there_was_none() {
    let mut pump = Pump::new().expect("starts");
    pump.add_udp(socket()).expect("is added");
    for _ in 0..3 {
        pump.udp[0].writable = false;
        pump.poll(PATIENCE).expect("polls");
        assert!(pump.udp[0].writable);
        pump.poll(Sleep::NONE).expect("polls");
        assert!(!pump.udp[0].watched);
    }
}

#[test]
fn datagrams_that_leave_wake_nobody() {
    let mut pump = Pump::new().expect("starts");
    let peer = socket();
    pump.add_udp(socket()).expect("is added");
    for _ in 0..3 {
        pump.udp[0].queue(peer.local(), b"", b"leaves");
        assert_eq!(pump.udp[0].flush().expect("sends"), 1);
        pump.poll(Sleep::NONE).expect("polls");
        assert!(pump.poll.reports().is_empty());
    }
}

/// A pump with that many sockets, each of which has a datagram.
fn crowd(count: usize) -> Pump {
    let mut pump = Pump::new().expect("starts");
    let mut peer = socket();
    for index in 0..count {
        pump.add_udp(socket()).expect("is added");
        pump.udp[index].readable = false;
        peer.queue(pump.udp[index].local(), b"", b"comes");
        while peer.has_queued() {
            peer.flush().expect("sends");
        }
    }
    pump
}

fn readable(pump: &Pump) -> usize {
    pump.udp.iter().filter(|socket| socket.readable).count()
}

#[test]
fn all_that_is_ready_is_reported_however_much_it_is() {
    raise_descriptor_limit(4096).expect("the system allows it");
    let count = EVENTS_MAX + 10;
    let mut pump = crowd(count);
    pump.poll(Sleep::NONE).expect("polls");
    assert_eq!(readable(&pump), count);
}

#[test]
fn who_wants_a_few_gets_the_others_with_the_next_calls() {
    let few = Pump::new().expect("starts").poll.most(true);
    let count = 2 * few + 10;
    let mut pump = crowd(count);
    (pump.busy, pump.few) = (true, true);
    for seen in [few, 2 * few, count] {
        pump.poll(PATIENCE).expect("polls");
        assert_eq!(readable(&pump), seen);
        assert_eq!(pump.took_all, seen == count);
    }
    let mut pump = crowd(count);
    pump.poll(PATIENCE).expect("polls");
    assert_eq!(readable(&pump), count, "who is not busy gets all");
    let mut pump = crowd(count);
    (pump.busy, pump.few) = (true, true);
    pump.poll(Sleep::NONE).expect("polls");
    assert_eq!(readable(&pump), count, "who does not wait gets all");
}

#[test]
fn the_sleep_of_a_busy_pump_ends_though_nothing_comes() {
    let mut pump = Pump::new().expect("starts");
    (pump.busy, pump.few) = (true, true);
    for now in [5, 100_000, 5] {
        pump.poll(Sleep { now, most: 1 }).expect("polls");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_timer_that_rings_in_time_is_left_alone_and_may_ring_too_early() {
    let mut pump = Pump::new().expect("starts");
    (pump.busy, pump.few) = (true, true);
    let hour = 3_600_000 * MICROS_PER_MS;
    assert_eq!(pump.limit(Sleep { now: 1, most: 2000 }, true), None);
    pump.poll(Sleep { now: 2, most: hour }).expect("rings, and has not been set to later");
    assert_eq!(pump.limit(Sleep { now: 1, most: 2000 }, true), None);
    pump.poll(Sleep { now: 2, most: hour }).expect("rings, as it was set anew");
    // Whoever sleeps on the descriptor is not woken by it, nor does it serve who is not busy.
    let (sleep, most) = (Sleep { now: 2, most: hour }, std::time::Duration::from_micros(hour));
    assert_eq!(pump.limit(sleep, false), Some(most));
    pump.watcher().expect("is there");
    assert_eq!(pump.limit(sleep, true), Some(most));
}

#[test]
fn a_listener_that_fails_over_and_over_is_told_of_once_a_minute() {
    let mut listener =
        Listener::bind("127.0.0.1:0".parse().expect("is an address")).expect("binds");
    let minute = 60_000_000;
    assert!(!listener.note_success(), "nothing was told");
    assert!(listener.note_failure(5));
    assert!(!listener.note_failure(6));
    assert!(listener.note_success(), "it works again");
    assert!(!listener.note_failure(4 + minute));
    assert!(!listener.note_success(), "that it had failed was not told");
    assert!(listener.note_failure(5 + minute));
}
