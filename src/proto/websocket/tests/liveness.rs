//! Pings, pongs, silence and their timers.

use super::*;
use crate::proto::time::Micros;

#[test]
fn silence_leads_to_one_ping_and_then_to_the_end() {
    let config = Config { ping_interval: 100, pong_timeout: 50, ..UNITY };
    let mut socket = server(config);
    assert_eq!(socket.next_timeout(), Some(100));
    socket.handle_timeout(99);
    assert_eq!(transmit(&mut socket), b"");
    socket.handle_timeout(100);
    assert_eq!(transmit(&mut socket), [0x89, 0]);
    assert_eq!(socket.next_timeout(), Some(150));
    socket.handle_bytes(130, BytesMut::from(&frame(0x8a, b"")[..]));
    assert_eq!(events(&mut socket), [Event::Pong(Bytes::new())]);
    assert_eq!((socket.round_trip(), socket.next_timeout()), (Some(30), Some(230)));
    socket.handle_timeout(230);
    transmit(&mut socket);
    socket.handle_timeout(280);
    assert_eq!(socket.close_state(), CloseState::TimedOut);
}

#[test]
fn without_a_pong_timeout_one_ping_is_outstanding() {
    let mut socket = server(Config { ping_interval: 100, ..UNITY });
    socket.handle_timeout(100);
    assert_eq!(transmit(&mut socket), [0x89, 0]);
    assert_eq!(socket.next_timeout(), None);
    socket.handle_timeout(Micros::MAX);
    assert_eq!(transmit(&mut socket), b"");
    socket.handle_bytes(500, BytesMut::from(&frame(0x82, b"x")[..]));
    assert_eq!(socket.next_timeout(), Some(600));
}

#[test]
fn pings_of_the_program_are_sent_once_and_can_be_measured() {
    let mut socket = server(PLAIN);
    socket.send_ping(b"one").unwrap();
    assert!(socket.send_ping(b"two").is_err());
    assert_eq!(transmit(&mut socket), b"\x89\x03one");
    socket.send_timed_ping(40, b"three").unwrap();
    assert_eq!(transmit(&mut socket), b"\x89\x05three");
    socket.handle_bytes(70, BytesMut::from(&frame(0x8a, b"one")[..]));
    events(&mut socket);
    assert_eq!(socket.round_trip(), None);
    socket.handle_bytes(90, BytesMut::from(&frame(0x8a, b"three")[..]));
    events(&mut socket);
    assert_eq!(socket.round_trip(), Some(50));
    assert!(socket.send_ping(&[0; 126]).is_err());
    socket.close(100, None, b"").unwrap();
    assert!(socket.send_ping(b"").is_err());
}

#[test]
fn many_pings_are_answered_within_bounded_memory() {
    let mut socket = server(PLAIN);
    for index in 0..10 {
        feed(&mut socket, &frame(0x89, &[index; 100]));
    }
    let out = transmit(&mut socket);
    assert_eq!(out.len(), 10 * 102);
    assert_eq!((out[2], out[9 * 102 + 2]), (0, 9));
    for index in 0..=255 {
        feed(&mut socket, &frame(0x89, &[index; 125]));
        assert!(socket.memory_held() <= 4096);
    }
    let out = transmit(&mut socket);
    assert!(out.len() <= 4096);
    assert_eq!(out.last(), Some(&255), "the latest ping is answered");
}

fn pong(socket: &mut WebSocket, now: Micros) {
    socket.handle_bytes(now, BytesMut::from(&frame(0x8a, b"")[..]));
    assert_eq!(events(socket), [Event::Pong(Bytes::new())]);
}

#[test]
fn a_busy_plain_connection_is_pinged_at_each_interval() {
    let mut socket = server(Config { ping_interval: 100, pong_timeout: 50, ..PLAIN });
    for now in (0..1000).step_by(10) {
        socket.handle_bytes(now, BytesMut::from(&frame(0x82, b"x")[..]));
        events(&mut socket);
        socket.handle_timeout(now);
        let due = now > 0 && now % 100 == 0;
        assert_eq!(transmit(&mut socket), if due { &[0x89, 0][..] } else { b"" }, "{now}");
    }
    pong(&mut socket, 995);
    assert_eq!(socket.round_trip(), Some(95), "of the last ping");
}

#[test]
fn a_peer_that_pings_first_is_measured_too() {
    let mut socket = server(Config { ping_interval: 100, pong_timeout: 50, ..PLAIN });
    for now in [90, 190] {
        socket.handle_bytes(now, BytesMut::from(&frame(0x89, b"")[..]));
        events(&mut socket);
        transmit(&mut socket);
    }
    socket.handle_timeout(200);
    assert_eq!(transmit(&mut socket), [0x89, 0]);
    socket.handle_bytes(210, BytesMut::from(&frame(0x89, b"")[..]));
    events(&mut socket);
    pong(&mut socket, 220);
    assert_eq!(socket.round_trip(), Some(20));
}

#[test]
fn silence_ends_a_connection_without_any_ping() {
    let mut socket = server(Config { silence_timeout: 300, ..PLAIN });
    socket.handle_bytes(100, BytesMut::from(&frame(0x82, b"x")[..]));
    events(&mut socket);
    assert_eq!(socket.next_timeout(), Some(400));
    socket.handle_timeout(399);
    assert!(socket.can_send());
    socket.handle_timeout(400);
    assert_eq!(socket.close_state(), CloseState::TimedOut);
    assert_eq!(transmit(&mut socket), b"");
}

#[test]
fn the_earliest_of_the_three_timers_counts() {
    let three = Config { ping_interval: 100, pong_timeout: 1000, silence_timeout: 300, ..PLAIN };
    let mut socket = server(three);
    assert_eq!(socket.next_timeout(), Some(100));
    socket.handle_timeout(100);
    assert_eq!(socket.next_timeout(), Some(300), "silence before the pong's deadline");
    let mut socket = server(Config { pong_timeout: 150, ..three });
    socket.handle_timeout(100);
    assert_eq!(socket.next_timeout(), Some(250), "the pong's deadline before silence");
}

#[test]
fn silence_that_is_probed_has_a_ping_at_its_half() {
    let mut socket = server(Config { silence_timeout: 300, probes_silence: true, ..PLAIN });
    assert_eq!(socket.next_timeout(), Some(150));
    socket.handle_timeout(150);
    assert_eq!(transmit(&mut socket), [0x89, 0]);
    assert_eq!(socket.next_timeout(), Some(300));
    pong(&mut socket, 160);
    assert_eq!(socket.next_timeout(), Some(310), "the next probe");
    socket.handle_timeout(310);
    assert_eq!(transmit(&mut socket), [0x89, 0]);
    socket.handle_timeout(460);
    assert_eq!(socket.close_state(), CloseState::TimedOut);
}

#[test]
fn a_probe_that_left_late_has_its_time() {
    let mut socket = server(Config { silence_timeout: 300, probes_silence: true, ..PLAIN });
    socket.handle_timeout(10_000);
    assert_eq!(transmit(&mut socket), [0x89, 0]);
    assert_eq!(socket.next_timeout(), Some(10_150));
    pong(&mut socket, 10_149);
    assert_eq!(socket.next_timeout(), Some(10_299));
}

#[test]
fn a_connection_that_is_held_back_is_neither_pinged_nor_given_up() {
    for config in [PLAIN, UNITY, Config { probes_silence: true, ..PLAIN }] {
        let config =
            Config { ping_interval: 100, pong_timeout: 50, silence_timeout: 300, ..config };
        let mut socket = server(config);
        socket.handle_timeout(100);
        transmit(&mut socket);
        for now in (100..2000).step_by(50) {
            socket.handle_held_back(now);
            assert!(socket.next_timeout().is_some_and(|due| due > now));
            socket.handle_timeout(now);
            assert!(!socket.wants_transmit() && socket.can_send());
        }
        pong(&mut socket, 2000);
        assert_eq!(socket.round_trip(), None, "it waited here, not on the way");
    }
}
