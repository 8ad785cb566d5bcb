//! Closing, and its timer.

use super::*;

#[test]
fn the_peers_close_is_answered_with_its_code() {
    for (config, body, code, answer) in [
        (PLAIN, &b"\x03\xe9bye"[..], Some(1001), &[0x88, 2, 3, 0xe9][..]),
        (PLAIN, b"\x0f\xa0", Some(4000), &[0x88, 2, 0x0f, 0xa0]),
        (PLAIN, b"", None, &[0x88, 0]),
        (UNITY, b"", None, &[0x88, 2, 3, 0xe8]),
    ] {
        let mut socket = server(config);
        let bytes = [frame(0x82, b"last"), frame(0x88, body), frame(0x82, b"ignored")].concat();
        let reason = Bytes::copy_from_slice(body.get(2..).unwrap_or_default());
        let expected = [message(b"last", false), Event::Close { code, reason }];
        assert_eq!(feed(&mut socket, &bytes), expected);
        assert_eq!(socket.close_state(), CloseState::CloseReceived);
        assert_eq!(socket.close(20, Some(1000), b""), Err("the connection is not open"));
        assert_eq!(transmit(&mut socket), answer);
        assert_eq!(socket.close_state(), CloseState::Closed);
        assert_eq!(transmit(&mut socket), b"");
    }
}

#[test]
fn our_close_waits_for_the_peers_and_still_delivers_messages() {
    let mut socket = WebSocket::new(Role::Client, PLAIN, 0);
    socket.close(100, Some(4001), b"full").unwrap();
    assert_eq!((socket.can_send(), socket.close_state()), (false, CloseState::CloseSent));
    let mut out = transmit(&mut socket);
    assert_eq!(out[..6], [0x88, 0x86, 1, 2, 3, 4]);
    apply_mask(&mut out[6..], KEY, 0);
    assert_eq!(out[6..], *b"\x0f\xa1full");
    assert_eq!(socket.close_state(), CloseState::CloseSent);
    let events = feed(&mut socket, b"\x82\x01x\x89\x00\x88\x02\x0f\xa1");
    assert_eq!(events.len(), 3);
    assert_eq!(events[0], message(b"x", false));
    assert_eq!(events[2], Event::Close { code: Some(4001), reason: Bytes::new() });
    assert_eq!((socket.close_state(), socket.next_timeout()), (CloseState::Closed, None));
    assert_eq!(transmit(&mut socket), b"");
}

#[test]
fn crossing_closes_send_one_close_each() {
    let mut socket = server(PLAIN);
    socket.close(0, Some(1001), b"").unwrap();
    feed(&mut socket, &frame(0x88, b"\x03\xe8"));
    assert_eq!(socket.close_state(), CloseState::CloseReceived);
    assert_eq!(transmit(&mut socket), [0x88, 2, 3, 0xe9]);
    assert_eq!(socket.close_state(), CloseState::Closed);
}

#[test]
fn only_valid_closes_can_be_sent() {
    let mut socket = server(PLAIN);
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
        assert!(socket.close(0, Some(code), b"").is_err(), "{code}");
    }
    assert!(socket.close(0, None, b"why").is_err());
    assert!(socket.close(0, Some(1000), &[b'x'; 124]).is_err());
    assert!(socket.close(0, Some(1000), b"\xff").is_err());
    assert!(socket.can_send());
    socket.close(0, Some(1000), &[b'x'; 123]).unwrap();
    assert_eq!(transmit(&mut socket).len(), 2 + 125);
    for code in [1000, 1003, 1007, 1014, 3000, 4999] {
        server(PLAIN).close(0, Some(code), b"").unwrap();
    }
    let mut socket = server(PLAIN);
    socket.close(0, None, b"").unwrap();
    assert_eq!(transmit(&mut socket), [0x88, 0]);
}

#[test]
fn a_closing_handshake_that_hangs_times_out() {
    let mut socket = server(PLAIN);
    socket.close(5, Some(1000), b"").unwrap();
    assert_eq!(socket.next_timeout(), Some(1005));
    socket.handle_timeout(1004);
    assert_eq!(socket.close_state(), CloseState::CloseSent);
    socket.handle_timeout(1005);
    assert_eq!((socket.close_state(), socket.next_timeout()), (CloseState::TimedOut, None));
    assert_eq!(transmit(&mut socket), b"");
    assert_eq!(feed(&mut socket, &frame(0x82, b"late")), []);
}
