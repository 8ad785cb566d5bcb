//! The poll with UDP sockets: what it reports and what it does not.

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
