//! The poll with UDP sockets: what it reports and what it does not.

use std::time::Duration;

use super::*;

/// Longer than any test takes; what it waits for is there already.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(10));

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
        pump.poll(None).expect("polls");
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
        pump.poll(None).expect("polls");
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
    pump.poll(None).expect("polls");
    assert_eq!(readable(&pump), count);
}

#[test]
fn who_wants_a_few_gets_the_others_with_the_next_calls() {
    let few = Pump::new().expect("starts").poll.most(true);
    let count = 2 * few + 10;
    let mut pump = crowd(count);
    pump.few = true;
    for seen in [few, 2 * few, count] {
        pump.poll(PATIENCE).expect("polls");
        assert_eq!(readable(&pump), seen);
        assert_eq!(pump.took_all, seen == count);
    }
    let mut pump = crowd(count);
    pump.poll(PATIENCE).expect("polls");
    assert_eq!(readable(&pump), count, "who is not busy gets all");
    let mut pump = crowd(count);
    pump.few = true;
    pump.poll(None).expect("polls");
    assert_eq!(readable(&pump), count, "who does not wait gets all");
}
