//! Which dialect a client speaks: every rule of the three policies.

use netdriver::settings::{
    Dialect, DialectPolicy, InterfaceKind, InterfaceSettings, NetworkSettings,
};
use netdriver::{ConnectionInfo, ConnectionState, DisconnectReason, EventKind};
use netdriver::{MessageKind, NetworkDriver};

use crate::support::raw::{BINARY, FIN, RawStream, TEXT, data, frame, handshake, header, packet};
use crate::support::raw::{close_payload, request};
use crate::support::{driver_with, expect_accept, expect_event, listen, settle};

/// A grace so long that it decides nothing within a test.
fn patient() -> NetworkSettings {
    NetworkSettings { plain_grace_ms: 60_000, ..NetworkSettings::default() }
}

fn listener(interface: InterfaceSettings, settings: &NetworkSettings) -> (NetworkDriver, u16) {
    let mut driver = driver_with(interface, settings);
    let port = listen(&mut driver).port();
    (driver, port)
}

fn policy(dialect: DialectPolicy) -> InterfaceSettings {
    InterfaceSettings { dialect, ..InterfaceSettings::new(InterfaceKind::WebSocket) }
}

fn rules() -> InterfaceSettings {
    InterfaceSettings {
        utp_path: Some("/utp".to_owned()),
        plain_path: Some("/plain".to_owned()),
        sub_protocols: vec!["chat.v2".to_owned(), "chat".to_owned()],
        ..policy(DialectPolicy::Auto)
    }
}

/// Accepts the next connection and tells what it is.
fn accepted(server: &mut NetworkDriver) -> ConnectionInfo {
    let connection = expect_accept(&mut [server]);
    server.connection_info(connection).expect("is open")
}

#[test]
fn auto_takes_a_first_message_that_is_a_request_for_utp() {
    for tail in [&b""[..], b"\x02\x00hi"] {
        let (mut server, port) = listener(policy(DialectPolicy::Auto), &patient());
        let mut peer = RawStream::open(&mut server, port, "/", "");
        peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, tail)));
        assert_eq!(peer.frame(&mut server).payload, handshake(2, b""));
        assert_eq!(accepted(&mut server).dialect, Dialect::Utp);
        peer.write(&mut server, &frame(FIN | BINARY, &data(b"hello")));
        let event = expect_event(&mut [&mut server], EventKind::Data);
        assert_eq!((&event.data[..], event.text), (&b"hello"[..], false));
        server.send(event.connection, 0, b"answer").expect("is sent");
        let answer = peer.frame(&mut server);
        assert_eq!((answer.first, answer.masked), (FIN | BINARY, false));
        assert_eq!(answer.payload, data(b"answer"));
    }
}

#[test]
fn auto_takes_any_other_first_message_for_plain_and_delivers_it() {
    let firsts: [(u8, Vec<u8>); 6] = [
        (TEXT, b"hello".to_vec()),
        (BINARY, b"".to_vec()),
        (BINARY, handshake(2, b"")),
        (BINARY, [&handshake(1, b"")[..], b"\x00\x00"].concat()),
        (BINARY, handshake(1, b"\x09\x00hi")),
        (BINARY, packet(3, b"")),
    ];
    for (opcode, first) in firsts {
        let (mut server, port) = listener(policy(DialectPolicy::Auto), &patient());
        let mut peer = RawStream::open(&mut server, port, "/", "");
        settle(&mut [&mut server], 5);
        assert!(server.accept().is_none(), "not decided yet");
        peer.write(&mut server, &frame(FIN | opcode, &first));
        assert_eq!(accepted(&mut server).dialect, Dialect::Plain, "{first:02x?}");
        let event = expect_event(&mut [&mut server], EventKind::Data);
        assert_eq!((&event.data[..], event.text), (&first[..], opcode == TEXT));
    }
}

#[test]
fn a_request_sent_as_text_is_plain() {
    let (mut server, port) = listener(policy(DialectPolicy::Auto), &patient());
    let mut peer = RawStream::open(&mut server, port, "/", "");
    peer.write(&mut server, &frame(FIN | TEXT, b"UTP\x01\x01abcdefgh"));
    assert_eq!(accepted(&mut server).dialect, Dialect::Plain);
}

#[test]
fn auto_takes_silence_for_plain_after_the_grace() {
    let settings = NetworkSettings { plain_grace_ms: 20, ..NetworkSettings::default() };
    let (mut server, port) = listener(policy(DialectPolicy::Auto), &settings);
    let mut peer = RawStream::open(&mut server, port, "/listener?who=me", "");
    let connection = expect_accept(&mut [&mut server]);
    let info = server.connection_info(connection).expect("is open");
    assert_eq!((info.dialect, info.state), (Dialect::Plain, ConnectionState::Connected));
    server.send_text(connection, "the server speaks first").expect("is sent");
    let heard = peer.frame(&mut server);
    assert_eq!((heard.first, heard.payload), (FIN | TEXT, b"the server speaks first".to_vec()));
    peer.write(&mut server, &frame(FIN | BINARY, b"and is answered"));
    let event = expect_event(&mut [&mut server], EventKind::Data);
    assert_eq!(event.data, b"and is answered"[..]);
}

#[test]
fn a_request_after_the_grace_makes_the_silent_client_a_utp_one_after_all() {
    let settings = NetworkSettings { plain_grace_ms: 0, ..NetworkSettings::default() };
    let (mut server, port) = listener(policy(DialectPolicy::Auto), &settings);
    let mut peer = RawStream::open(&mut server, port, "/", "");
    let connection = expect_accept(&mut [&mut server]);
    assert_eq!(server.connection_info(connection).expect("is open").dialect, Dialect::Plain);
    peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"\x02\x00hi")));
    assert_eq!(peer.frame(&mut server).payload, handshake(2, b""));
    assert_eq!(server.connection_info(connection).expect("is open").dialect, Dialect::Utp);
    assert_eq!(server.connect_payload(connection).expect("is open"), b"hi");
    assert!(server.accept().is_none() && server.pop_event().is_none());
    peer.write(&mut server, &frame(FIN | BINARY, &data(b"hello")));
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, b"hello"[..]);
}

#[test]
fn what_a_late_utp_client_is_sent_is_binary_whatever_the_write_mode_was() {
    let settings = NetworkSettings { plain_grace_ms: 0, ..NetworkSettings::default() };
    let (mut server, port) = listener(policy(DialectPolicy::Auto), &settings);
    let mut peer = RawStream::open(&mut server, port, "/", "");
    let connection = expect_accept(&mut [&mut server]);
    server.set_write_mode(connection, MessageKind::Text).expect("is plain");
    peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
    assert_eq!(peer.frame(&mut server).payload, handshake(2, b""));
    server.send(connection, 0, b"\xff").expect("is no text");
    assert_eq!(peer.frame(&mut server).payload, data(b"\xff"));
    assert_eq!(server.write_mode(connection).expect("is open"), MessageKind::Binary);
}

#[test]
fn a_request_into_the_middle_of_what_we_say_is_only_a_message() {
    let settings = NetworkSettings { plain_grace_ms: 0, ..NetworkSettings::default() };
    let (mut server, port) = listener(policy(DialectPolicy::Auto), &settings);
    let mut peer = RawStream::open(&mut server, port, "/", "");
    let connection = expect_accept(&mut [&mut server]);
    server.begin_message(connection, MessageKind::Text).expect("is plain");
    server.append_message(connection, b"half").expect("there is room");
    let request = handshake(1, b"");
    peer.write(&mut server, &frame(FIN | BINARY, &request));
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, request[..]);
    server.finish_message(connection).expect("it goes on");
    assert_eq!(peer.frame(&mut server).payload, b"half");
    assert_eq!(peer.frame(&mut server).first & FIN, FIN);
    assert_eq!(server.connection_info(connection).expect("is open").dialect, Dialect::Plain);
}

#[test]
fn a_request_behind_another_message_is_only_a_message() {
    let settings = NetworkSettings { plain_grace_ms: 0, ..NetworkSettings::default() };
    let (mut server, port) = listener(policy(DialectPolicy::Auto), &settings);
    let mut peer = RawStream::open(&mut server, port, "/", "");
    let connection = expect_accept(&mut [&mut server]);
    for message in [&b"first"[..], &handshake(1, b"")] {
        peer.write(&mut server, &frame(FIN | BINARY, message));
        assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, *message);
    }
    assert_eq!(server.connection_info(connection).expect("is open").dialect, Dialect::Plain);
}

#[test]
fn auto_decides_by_sub_protocol_first() {
    let cases = [
        ("netdriver.utp", Some("netdriver.utp"), Dialect::Utp),
        ("netdriver.raw", Some("netdriver.raw"), Dialect::Plain),
        ("chat", Some("chat"), Dialect::Plain),
        ("chat, chat.v2", Some("chat.v2"), Dialect::Plain),
        ("netdriver.utp, chat", Some("chat"), Dialect::Plain),
    ];
    for (offered, agreed, dialect) in cases {
        // The paths say the opposite and must not count.
        let target = if dialect == Dialect::Utp { "/plain" } else { "/utp" };
        let (mut server, port) = listener(rules(), &patient());
        let mut peer = RawStream::connect(port);
        let lines = format!("Sec-WebSocket-Protocol: {offered}\r\n");
        peer.write(&mut server, request(target, &lines).as_bytes());
        let head = peer.head(&mut server);
        assert_eq!(header(&head, "Sec-WebSocket-Protocol").as_deref(), agreed, "{head}");
        if dialect == Dialect::Utp {
            peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
        }
        let connection = expect_accept(&mut [&mut server]);
        assert_eq!(server.connection_info(connection).expect("is open").dialect, dialect);
        assert_eq!(server.sub_protocol(connection).expect("is open"), agreed.unwrap_or_default());
    }
}

#[test]
fn auto_decides_by_path_second() {
    for (target, dialect) in [("/plain", Dialect::Plain), ("/plain?a=b", Dialect::Plain)] {
        let (mut server, port) = listener(rules(), &patient());
        let mut peer = RawStream::open(&mut server, port, target, "");
        assert_eq!(accepted(&mut server).dialect, dialect, "without a word");
        peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
        let event = expect_event(&mut [&mut server], EventKind::Data);
        assert_eq!(event.data, handshake(1, b""), "a message like any other");
    }
    let (mut server, port) = listener(rules(), &patient());
    let mut peer = RawStream::open(&mut server, port, "/utp", "");
    settle(&mut [&mut server], 5);
    assert!(server.accept().is_none(), "no request yet");
    peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
    assert_eq!(accepted(&mut server).dialect, Dialect::Utp);
}

#[test]
fn a_sub_protocol_that_nobody_knows_decides_nothing_and_is_not_answered() {
    let (mut server, port) = listener(rules(), &patient());
    let mut peer = RawStream::connect(port);
    peer.write(&mut server, request("/", "Sec-WebSocket-Protocol: other\r\n").as_bytes());
    assert_eq!(header(&peer.head(&mut server), "Sec-WebSocket-Protocol"), None);
    peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
    let connection = expect_accept(&mut [&mut server]);
    assert_eq!(server.connection_info(connection).expect("is open").dialect, Dialect::Utp);
    assert_eq!(server.sub_protocol(connection).expect("is open"), "");
}

#[test]
fn utp_only_answers_stock_clients_with_three_headers() {
    let (mut server, port) = listener(policy(DialectPolicy::UtpOnly), &patient());
    let mut peer = RawStream::connect(port);
    peer.write(&mut server, request("/", "").as_bytes());
    let head = peer.head(&mut server);
    let names: Vec<&str> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':').map(|(name, _)| name))
        .collect();
    assert_eq!(names, ["Upgrade", "Connection", "Sec-WebSocket-Accept"]);
    peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
    assert_eq!(peer.frame(&mut server).payload, handshake(2, b""));
    assert_eq!(accepted(&mut server).dialect, Dialect::Utp);
}

#[test]
fn utp_only_drops_what_is_no_request_and_waits_for_one() {
    let (mut server, port) = listener(policy(DialectPolicy::UtpOnly), &patient());
    let mut peer = RawStream::open(&mut server, port, "/", "");
    for junk in [&b"junk"[..], &data(b"x"), &handshake(2, b""), b""] {
        peer.write(&mut server, &frame(FIN | BINARY, junk));
    }
    peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
    assert_eq!(accepted(&mut server).dialect, Dialect::Utp);
    let statistics = server.statistics();
    assert_eq!((statistics.malformed_in, statistics.unknown_token_in), (2, 2));
}

#[test]
fn utp_only_closes_text_with_1003_and_silence_with_1002() {
    let (mut server, port) = listener(policy(DialectPolicy::UtpOnly), &patient());
    let mut peer = RawStream::open(&mut server, port, "/", "");
    peer.write(&mut server, &frame(FIN | TEXT, b"hello"));
    assert_eq!(peer.close_frame(&mut server).0, 1003);
    assert!(server.accept().is_none());
    let hasty = NetworkSettings { handshake_timeout_ms: 20, ..NetworkSettings::default() };
    let (mut server, port) = listener(policy(DialectPolicy::UtpOnly), &hasty);
    let mut peer = RawStream::open(&mut server, port, "/", "");
    assert_eq!(peer.close_frame(&mut server).0, 1002);
    assert!(server.accept().is_none());
    drop(peer);
    settle(&mut [&mut server], 5);
    let statistics = server.statistics();
    assert_eq!((statistics.handshakes_failed, statistics.handshakes_pending), (1, 0));
}

#[test]
fn plain_only_shows_a_client_at_once_and_takes_a_request_for_a_message() {
    let (mut server, port) = listener(policy(DialectPolicy::PlainOnly), &patient());
    let mut peer = RawStream::open(&mut server, port, "/any/path", "");
    assert_eq!(accepted(&mut server).dialect, Dialect::Plain);
    peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
    let event = expect_event(&mut [&mut server], EventKind::Data);
    assert_eq!(event.data, handshake(1, b""));
}

#[test]
fn plain_only_does_not_agree_on_the_utp_sub_protocol() {
    let (mut server, port) = listener(policy(DialectPolicy::PlainOnly), &patient());
    let mut peer = RawStream::connect(port);
    let offers = "Sec-WebSocket-Protocol: netdriver.utp, netdriver.raw\r\n";
    peer.write(&mut server, request("/", offers).as_bytes());
    let agreed = header(&peer.head(&mut server), "Sec-WebSocket-Protocol");
    assert_eq!(agreed.as_deref(), Some("netdriver.raw"));
}

#[test]
fn messages_behind_the_request_in_one_write_are_not_lost() {
    for policy_of in [DialectPolicy::Auto, DialectPolicy::PlainOnly] {
        let (mut server, port) = listener(policy(policy_of), &patient());
        let mut peer = RawStream::connect(port);
        let first = frame(FIN | TEXT, b"no waiting");
        peer.write(&mut server, &[request("/", "").as_bytes(), &first].concat());
        expect_accept(&mut [&mut server]);
        let event = expect_event(&mut [&mut server], EventKind::Data);
        assert_eq!(event.data, b"no waiting"[..]);
    }
}

#[test]
fn a_utp_goodbye_is_clean_and_an_end_without_one_a_protocol_error() {
    // This peer never answers a Close.
    let brief = NetworkSettings { close_timeout_ms: 50, ..patient() };
    let endings: [(&[u8], DisconnectReason, bool); 3] = [
        (&frame(FIN | BINARY, &packet(2, b"")), DisconnectReason::ClosedByRemote, true),
        (&frame(FIN | 8, &close_payload(1000, "")), DisconnectReason::ProtocolError, true),
        (&frame(FIN | TEXT, b"text"), DisconnectReason::ProtocolError, false),
    ];
    for (bytes, reason, clean) in endings {
        let (mut server, port) = listener(policy(DialectPolicy::Auto), &brief);
        let mut peer = RawStream::open(&mut server, port, "/", "");
        peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
        let connection = expect_accept(&mut [&mut server]);
        peer.write(&mut server, bytes);
        let end = expect_event(&mut [&mut server], EventKind::Disconnect);
        assert_eq!((end.connection, end.reason, end.clean), (connection, reason, clean));
        assert_eq!(peer.frame(&mut server).payload, handshake(2, b""));
        let code = peer.close_frame(&mut server).0;
        assert_eq!(code, if bytes[0] == FIN | TEXT { 1003 } else { 1000 });
        peer.end(&mut server);
    }
}

#[test]
fn a_local_close_of_a_utp_stream_says_disconnect_and_then_close() {
    let (mut server, port) = listener(policy(DialectPolicy::Auto), &patient());
    let mut peer = RawStream::open(&mut server, port, "/", "");
    peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
    let connection = expect_accept(&mut [&mut server]);
    peer.frame(&mut server);
    server.disconnect(connection).expect("is open");
    assert_eq!(peer.frame(&mut server).payload, packet(2, b""));
    assert_eq!(peer.close_frame(&mut server), (1000, String::new()));
    peer.write(&mut server, &frame(FIN | 8, &close_payload(1000, "")));
    peer.end(&mut server);
    assert!(server.pop_event().is_none());
}

#[test]
fn a_utp_stream_answers_probes_with_what_a_frame_adds() {
    let (mut server, port) = listener(policy(DialectPolicy::Auto), &patient());
    let mut peer = RawStream::open(&mut server, port, "/", "");
    peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
    assert_eq!(peer.frame(&mut server).payload, handshake(2, b""));
    peer.write(&mut server, &frame(FIN | BINARY, &packet(4, &1000u16.to_le_bytes())));
    let size = (1000u16 + 11 + 14).to_le_bytes();
    assert_eq!(peer.frame(&mut server).payload, packet(5, &[&[2, 0][..], &size].concat()));
}

#[test]
fn a_utp_message_may_be_up_to_1386_bytes_and_in_pieces() {
    let (mut server, port) = listener(policy(DialectPolicy::Auto), &patient());
    let mut peer = RawStream::open(&mut server, port, "/", "");
    peer.write(&mut server, &frame(FIN | BINARY, &handshake(1, b"")));
    expect_accept(&mut [&mut server]);
    let longest = data(&vec![7; 1376]);
    assert_eq!(longest.len(), 1386);
    peer.write(&mut server, &frame(FIN | BINARY, &longest));
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data.len(), 1376);
    peer.write(&mut server, &frame(BINARY, &longest[..700]));
    peer.write(&mut server, &frame(FIN, &longest[700..]));
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data.len(), 1376);
    peer.write(&mut server, &frame(FIN | BINARY, &[&longest[..], b"x"].concat()));
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.reason, end.close_code), (DisconnectReason::ProtocolError, 1009));
    peer.frame(&mut server);
    assert_eq!(peer.close_frame(&mut server).0, 1009);
}
