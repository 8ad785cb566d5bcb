//! UTP over TCP: what is on the wire, what strangers may send, how streams end.

use netdriver::settings::{InterfaceKind, InterfaceSettings, NetworkSettings};
use netdriver::{
    Connection, ConnectionState, DisconnectReason, EventKind, NetworkDriver, NetworkEndpoint,
    Status,
};

use crate::support::raw::{RawListener, RawStream, data, handshake, packet};
use crate::support::{
    Pair, create_pipelines, driver, driver_with, expect_accept, expect_event, listen, server,
    settle, status, step, until,
};

const TCP: InterfaceKind = InterfaceKind::Tcp;

/// A packet with its length in front.
fn framed(packet: &[u8]) -> Vec<u8> {
    [&(packet.len() as u16).to_be_bytes()[..], packet].concat()
}

/// Takes a packet that has arrived.
fn try_packet(stream: &mut RawStream) -> Option<Vec<u8>> {
    stream.read();
    let length = usize::from(u16::from_be_bytes(*stream.inbox.first_chunk()?));
    let packet = stream.inbox.get(2..2 + length)?.to_vec();
    stream.inbox.drain(..2 + length);
    Some(packet)
}

/// Runs the driver until a packet is here.
#[track_caller]
fn next_packet(stream: &mut RawStream, driver: &mut NetworkDriver) -> Vec<u8> {
    until("a packet", || {
        let packet = try_packet(stream);
        if packet.is_none() {
            step(&mut [driver]);
        }
        packet
    })
}

/// A server and a raw client that it has accepted.
fn accepted(settings: &NetworkSettings) -> (NetworkDriver, RawStream, Connection) {
    let (mut server, endpoint) = server(TCP, settings);
    let mut peer = RawStream::connect(endpoint.port());
    peer.write(&mut server, &framed(&handshake(1, &[2, 0, b'h', b'i'])));
    let connection = expect_accept(&mut [&mut server]);
    assert_eq!(server.connect_payload(connection).expect("is open"), b"hi");
    assert_eq!(next_packet(&mut peer, &mut server), handshake(2, b""));
    (server, peer, connection)
}

#[test]
fn a_clients_first_bytes_are_its_request_with_a_length_in_front() {
    let listener = RawListener::new();
    let mut client = driver(TCP, &NetworkSettings::default());
    let endpoint = NetworkEndpoint::loopback_ipv4(listener.port());
    let connection = client.connect(0, &endpoint, b"hi").expect("starts to connect");
    let mut peer = listener.accept(&mut client);
    let request = next_packet(&mut peer, &mut client);
    assert_eq!((&request[..5], &request[13..]), (&b"UTP\x01\x01"[..], &[2, 0, b'h', b'i'][..]));
    let mut accept = b"UTP\x01\x02".to_vec();
    accept.extend_from_slice(&request[5..13]);
    peer.write(&mut client, &framed(&accept));
    expect_event(&mut [&mut client], EventKind::Connect);
    client.send(connection, 0, b"hello").expect("is sent");
    let message = next_packet(&mut peer, &mut client);
    assert_eq!(message, [&[1][..], &request[5..13], &[0], b"hello"].concat());
    client.disconnect(connection).expect("closes");
    assert_eq!(next_packet(&mut peer, &mut client), [&[2][..], &request[5..13]].concat());
    assert!(peer.end(&mut client).is_empty(), "the stream ends behind the goodbye");
}

#[test]
fn a_stream_byte_by_byte_says_the_same() {
    let (mut server, mut peer, connection) = accepted(&NetworkSettings::default());
    let mut stream = Vec::new();
    for number in 0..5_u8 {
        stream.extend(framed(&data(&[number; 3])));
        stream.extend([0, 0]);
    }
    for byte in stream {
        peer.write(&mut server, &[byte]);
        server.update().expect("updates");
    }
    for number in 0..5_u8 {
        let event = expect_event(&mut [&mut server], EventKind::Data);
        assert_eq!((event.connection, event.data), (connection, vec![number; 3].into()));
    }
    assert_eq!(server.statistics().malformed_in, 0);
}

#[test]
fn the_longest_message_goes_both_ways_and_a_longer_one_is_refused() {
    for (size, most) in [(1400, 1388), (1472, 1460), (100, 88)] {
        let settings = NetworkSettings { max_message_size: size, ..NetworkSettings::default() };
        let mut pair = Pair::with(TCP, &settings);
        assert_eq!(pair.client.payload_size_max(pair.to_server, 0).expect("is open"), most);
        let message = vec![7; most as usize];
        pair.client.send(pair.to_server, 0, &message).expect("fits");
        assert_eq!(pair.server_event(EventKind::Data).data, message);
        pair.server.send(pair.to_client, 0, &message).expect("fits");
        assert_eq!(pair.client_event(EventKind::Data).data, message);
        let longer = vec![7; most as usize + 1];
        let refused = pair.client.send(pair.to_server, 0, &longer);
        assert_eq!(status(refused), Status::NetworkPacketOverflow);
    }
}

#[test]
fn forged_lengths_are_passed_over_and_end_nothing() {
    let (mut server, mut peer, connection) = accepted(&NetworkSettings::default());
    // As long as can be, one byte too long, as long as may be.
    for length in [65_535, 1399, 1398] {
        peer.write(&mut server, &framed(&data(&vec![9; length - 10])));
    }
    peer.write(&mut server, &framed(b"nonsense"));
    peer.write(&mut server, &framed(&data(b"still here")));
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data.len(), 1388);
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, b"still here"[..]);
    assert_eq!(server.statistics().malformed_in, 3);
    assert_eq!(server.connection_state(connection), ConnectionState::Connected);
}

#[test]
fn packets_of_another_token_and_from_strangers_are_counted_and_dropped() {
    let (mut server, mut peer, _) = accepted(&NetworkSettings::default());
    let mut foreign = data(b"x");
    foreign[1] ^= 1;
    peer.write(&mut server, &framed(&foreign));
    let port = server.local_endpoint(0, 0).expect("is bound").port();
    let mut stranger = RawStream::connect(port);
    stranger.write(&mut server, &framed(&data(b"no request came before")));
    until("both to be counted", || {
        step(&mut [&mut server]);
        (server.statistics().unknown_token_in == 2).then_some(())
    });
    assert!(server.pop_event().is_none());
    // A request that comes after all is taken.
    stranger.write(&mut server, &framed(&handshake(1, b"")));
    expect_accept(&mut [&mut server]);
}

#[test]
fn a_stranger_that_asks_for_nothing_is_closed_in_time_and_counted() {
    let settings = NetworkSettings { handshake_timeout_ms: 30, ..NetworkSettings::default() };
    for start in [&b""[..], &[0, 0, 0, 0], &[0, 13, b'U'], &[0xff, 0xff, 1, 2, 3], b"GET / HTTP"] {
        let (mut server, endpoint) = server(TCP, &settings);
        let mut peer = RawStream::connect(endpoint.port());
        peer.write(&mut server, start);
        until("the stream to count", || {
            step(&mut [&mut server]);
            (server.statistics().handshakes_pending == 1).then_some(())
        });
        assert!(peer.end(&mut server).is_empty());
        let statistics = server.statistics();
        assert_eq!((statistics.handshakes_timed_out, statistics.handshakes_failed), (1, 1));
        assert_eq!((statistics.handshakes_pending, statistics.connections_lost), (0, 0));
    }
}

#[test]
fn a_crowd_of_half_open_strangers_keeps_no_player_out() {
    let settings = NetworkSettings { pending_handshakes_max: 4, ..NetworkSettings::default() };
    let (mut server, endpoint) = server(TCP, &settings);
    let mut strangers: Vec<RawStream> =
        (0..12).map(|_| RawStream::connect(endpoint.port())).collect();
    for stranger in &mut strangers {
        stranger.write(&mut server, &[0]);
    }
    let mut client = driver(TCP, &NetworkSettings::default());
    client.connect(0, &endpoint, b"").expect("starts to connect");
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    let statistics = server.statistics();
    assert!(statistics.handshakes_pending <= 4, "{}", statistics.handshakes_pending);
    assert!(statistics.handshakes_displaced > 0);
}

#[test]
fn a_stranger_that_leaves_is_counted() {
    let (mut server, endpoint) = server(TCP, &NetworkSettings::default());
    let mut peer = RawStream::connect(endpoint.port());
    peer.write(&mut server, &[0, 13]);
    settle(&mut [&mut server], 3);
    drop(peer);
    until("the end to be counted", || {
        step(&mut [&mut server]);
        (server.statistics().handshakes_abandoned == 1).then_some(())
    });
}

#[test]
fn a_goodbye_of_either_side_is_reason_3_and_a_local_one_no_event() {
    let mut pair = Pair::new(TCP);
    pair.client.send(pair.to_server, 0, b"last words").expect("is sent");
    pair.client.disconnect(pair.to_server).expect("is open");
    assert_eq!(pair.server_event(EventKind::Data).data, b"last words"[..]);
    let end = pair.server_event(EventKind::Disconnect);
    assert_eq!((end.reason, end.clean), (DisconnectReason::ClosedByRemote, true));
    let mut pair = Pair::new(TCP);
    pair.server.disconnect(pair.to_client).expect("is open");
    assert_eq!(pair.client_event(EventKind::Disconnect).reason, DisconnectReason::ClosedByRemote);
    until("the last goodbye", || {
        pair.step();
        let closing = pair.server.statistics().connections_closing;
        (closing + pair.client.statistics().connections_closing == 0).then_some(())
    });
    assert!(pair.server.pop_event().is_none());
}

#[test]
fn a_stream_that_is_lost_is_reason_7_without_a_close_code() {
    let (mut server, mut peer, connection) = accepted(&NetworkSettings::default());
    peer.write(&mut server, &framed(&data(b"before")));
    drop(peer);
    assert_eq!(expect_event(&mut [&mut server], EventKind::Data).data, b"before"[..]);
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!((end.connection, end.reason), (connection, DisconnectReason::ProtocolError));
    assert_eq!((end.close_code, end.clean), (0, false));
    assert_eq!(server.statistics().connections_lost, 1);
    assert_eq!(server.statistics().connections, 0);
}

#[test]
fn a_server_that_hangs_up_before_its_accept_is_reason_7() {
    let listener = RawListener::new();
    let mut client = driver(TCP, &NetworkSettings::default());
    let endpoint = NetworkEndpoint::loopback_ipv4(listener.port());
    client.connect(0, &endpoint, b"").expect("starts to connect");
    let mut peer = listener.accept(&mut client);
    next_packet(&mut peer, &mut client);
    drop(peer);
    let end = expect_event(&mut [&mut client], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::ProtocolError);
}

#[test]
fn a_port_where_nobody_listens_is_reason_2_after_all_attempts() {
    let port = RawListener::new().port();
    let settings = NetworkSettings {
        connect_timeout_ms: 5,
        max_connect_attempts: 3,
        ..NetworkSettings::default()
    };
    let mut client = driver(TCP, &settings);
    client.connect(0, &NetworkEndpoint::loopback_ipv4(port), b"").expect("starts to connect");
    let end = expect_event(&mut [&mut client], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::MaxConnectionAttempts);
}

#[test]
fn a_server_that_never_answers_is_asked_again_over_the_same_stream() {
    let listener = RawListener::new();
    let settings = NetworkSettings {
        connect_timeout_ms: 5,
        max_connect_attempts: 3,
        ..NetworkSettings::default()
    };
    let mut client = driver(TCP, &settings);
    let endpoint = NetworkEndpoint::loopback_ipv4(listener.port());
    client.connect(0, &endpoint, b"").expect("starts to connect");
    let mut peer = listener.accept(&mut client);
    let first = next_packet(&mut peer, &mut client);
    assert_eq!(next_packet(&mut peer, &mut client), first);
    let end = expect_event(&mut [&mut client], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::MaxConnectionAttempts);
    peer.end(&mut client);
    assert!(listener.try_accept().is_none());
}

#[test]
fn silence_ends_a_connection_and_says_so_to_the_peer() {
    let settings = NetworkSettings {
        disconnect_timeout_ms: 40,
        heartbeat_timeout_ms: 10,
        ..NetworkSettings::default()
    };
    let (mut server, mut peer, _) = accepted(&settings);
    // Heartbeats of ours keep the peer; its silence ends it.
    let end = expect_event(&mut [&mut server], EventKind::Disconnect);
    assert_eq!(end.reason, DisconnectReason::Timeout);
    peer.end_writing();
    let rest = peer.end(&mut server);
    assert!(rest.ends_with(&framed(&packet(2, &[]))), "{rest:?}");
}

#[test]
fn heartbeats_keep_a_silent_connection() {
    let settings = NetworkSettings {
        fixed_frame_time_ms: 10,
        disconnect_timeout_ms: 300,
        heartbeat_timeout_ms: 100,
        ..NetworkSettings::default()
    };
    let mut pair = Pair::with(TCP, &settings);
    for _ in 0..200 {
        pair.step();
    }
    assert_eq!(pair.server.connection_state(pair.to_client), ConnectionState::Connected);
    assert_eq!(pair.client.connection_state(pair.to_server), ConnectionState::Connected);
}

#[test]
fn a_probe_is_answered_with_the_size_that_it_had_in_the_stream() {
    let (mut server, mut peer, _) = accepted(&NetworkSettings::default());
    // 2 bytes of framing, 11 of header: 1400 in all.
    let mut check = packet(4, &[]);
    check.extend_from_slice(&1387_u16.to_le_bytes());
    check.extend(vec![0; 1387]);
    peer.write(&mut server, &framed(&check));
    let answer = next_packet(&mut peer, &mut server);
    assert_eq!(answer, [&packet(5, &[])[..], &[2, 0, 0x78, 0x05]].concat());
}

#[test]
fn a_peer_that_never_reads_gets_minus_5_and_does_not_hurt_another() {
    let settings = NetworkSettings {
        outbound_bytes_max: 50_000,
        writable_events: true,
        ..NetworkSettings::default()
    };
    let (mut server, mut deaf, to_deaf) = accepted(&settings);
    let endpoint = server.local_endpoint(0, 0).expect("is bound");
    let mut good = driver(TCP, &settings);
    let to_server = good.connect(0, &endpoint, b"").expect("starts to connect");
    expect_event(&mut [&mut good, &mut server], EventKind::Connect);
    let to_good = expect_accept(&mut [&mut server, &mut good]);
    let (mut taken, mut refused) = (0, 0);
    while refused < 20 {
        match server.send(to_deaf, 0, &[7; 1388]) {
            Ok(()) => taken += 1,
            Err(error) => {
                assert_eq!(error.status(), Status::NetworkSendQueueFull);
                refused += 1;
                server.update().expect("updates");
            }
        }
        assert!(taken < 100_000, "the system takes everything");
        while server.pop_event().is_some() {}
    }
    server.send(to_good, 0, b"quick").expect("there is room for this one");
    let event = expect_event(&mut [&mut good, &mut server], EventKind::Data);
    assert_eq!((event.connection, event.data), (to_server, b"quick"[..].into()));
    let mut heard = 0;
    until("everything that was taken", || {
        while let Some(packet) = try_packet(&mut deaf) {
            // Heartbeats are in between.
            heard += i32::from(packet.len() == 1398);
        }
        server.update().expect("updates");
        (heard == taken).then_some(())
    });
    server.send(to_deaf, 0, b"again").expect("there is room again");
}

#[test]
fn a_host_with_several_addresses_is_reached_at_the_one_that_answers() {
    // ::1 refuses, 127.0.0.1 answers, whichever is first.
    let (mut server, endpoint) = server(TCP, &NetworkSettings::default());
    let mut client = driver(TCP, &NetworkSettings::default());
    client.connect_host(0, "localhost", endpoint.port(), b"by name").expect("starts to connect");
    expect_event(&mut [&mut client, &mut server], EventKind::Connect);
    let accepted = expect_accept(&mut [&mut server, &mut client]);
    assert_eq!(server.connect_payload(accepted).expect("is open"), b"by name");
    let info = server.connection_info(accepted).expect("is open");
    assert_eq!((info.interface_kind, info.remote.is_loopback()), (TCP, true));
    assert_eq!(info.local, endpoint);
}

#[test]
fn behind_a_trusted_proxy_the_client_has_its_own_address() {
    let interface = InterfaceSettings {
        proxy_protocol: true,
        trusted_proxies: vec!["127.0.0.1".to_owned()],
        ..InterfaceSettings::new(TCP)
    };
    let mut server = driver_with(interface, &NetworkSettings::default());
    let port = listen(&mut server).port();
    let mut peer = RawStream::connect(port);
    let header = b"PROXY TCP4 192.0.2.7 127.0.0.1 5 443\r\n";
    peer.write(&mut server, &[&header[..], &framed(&handshake(1, b""))].concat());
    let connection = expect_accept(&mut [&mut server]);
    let info = server.connection_info(connection).expect("is open");
    assert_eq!(info.remote.to_string(), "192.0.2.7:5");
    assert!(info.peer.is_loopback());
    assert_eq!(next_packet(&mut peer, &mut server), handshake(2, b""));
    // No header, no connection.
    let mut direct = RawStream::connect(port);
    direct.write(&mut server, &framed(&handshake(1, b"")));
    assert!(direct.end(&mut server).is_empty());
    assert_eq!(server.statistics().handshakes_malformed, 1);
}

#[test]
fn a_full_server_ends_the_stream_and_counts_it() {
    let settings = NetworkSettings { connections_max: 1, ..NetworkSettings::default() };
    let (mut server, _peer, _) = accepted(&settings);
    let port = server.local_endpoint(0, 0).expect("is bound").port();
    let mut second = RawStream::connect(port);
    second.write(&mut server, &framed(&handshake(1, b"")));
    assert!(second.end(&mut server).is_empty());
    assert_eq!(server.statistics().connections_refused, 1);
}

#[test]
fn many_connections_keep_their_messages_apart() {
    let (mut server, endpoint) = server(TCP, &NetworkSettings::default());
    let mut clients = driver(TCP, &NetworkSettings::default());
    let all: Vec<Connection> = (0..200_u32)
        .map(|number| clients.connect(0, &endpoint, &number.to_le_bytes()).expect("starts"))
        .collect();
    let mut accepted = Vec::new();
    until("all connections", || {
        step(&mut [&mut clients, &mut server]);
        accepted.extend(std::iter::from_fn(|| server.accept()));
        (accepted.len() == all.len()).then_some(())
    });
    for &connection in &accepted {
        let payload = server.connect_payload(connection).expect("is open").to_vec();
        for turn in 0..3_u8 {
            server.send(connection, 0, &[&payload[..], &[turn]].concat()).expect("is sent");
        }
    }
    let mut counts = vec![0_u8; all.len()];
    until("all messages", || {
        step(&mut [&mut clients, &mut server]);
        while let Some(event) = clients.pop_event() {
            if event.kind == EventKind::Data {
                let number = u32::from_le_bytes(*event.data.first_chunk().expect("a number"));
                assert_eq!(event.connection, all[number as usize]);
                assert_eq!(event.data[4], counts[number as usize], "in order");
                counts[number as usize] += 1;
            }
        }
        counts.iter().all(|&count| count == 3).then_some(())
    });
}

#[test]
fn a_tcp_connection_has_no_pings_and_no_http() {
    let mut pair = Pair::new(TCP);
    assert_eq!(status(pair.client.ping(pair.to_server, b"")), Status::NotSupported);
    assert_eq!(pair.server.request_path(pair.to_client).expect("is open"), "");
    assert_eq!(pair.server.request_headers(pair.to_client).expect("is open"), "");
    pair.client.set_no_delay(pair.to_server, false).expect("it is a stream");
    assert_eq!(
        status(pair.server.set_document(0, "/", "text/plain", b"")),
        Status::InvalidArgument
    );
}

#[test]
fn a_peer_that_never_reads_cannot_make_acknowledgements_pile_up() {
    let mut server = driver(TCP, &NetworkSettings::default());
    create_pipelines(&mut server, "reliable");
    let port = listen(&mut server).port();
    let mut deaf = RawStream::connect(port);
    deaf.write(&mut server, &framed(&handshake(1, b"")));
    let to_deaf = expect_accept(&mut [&mut server]);
    while server.send(to_deaf, 0, &[7; 1388]).is_ok() {
        server.flush().expect("flushes");
    }
    let waiting = |server: &mut NetworkDriver| {
        server.connection_info(to_deaf).expect("is open").outbound_bytes
    };
    let reliable = |number: u16| {
        let header = [0, 0, 0, 0, number as u8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        framed(&packet(1, &[&[1][..], &header, b"hello"].concat()))
    };
    let before = waiting(&mut server);
    for number in 0..50 {
        deaf.write(&mut server, &reliable(number));
        // A copy wants an acknowledgement at once.
        deaf.write(&mut server, &reliable(number));
        expect_event(&mut [&mut server], EventKind::Data);
    }
    assert!(waiting(&mut server) <= before, "nothing was added");
    // Once it reads, it gets the one that says all.
    until("the acknowledgement", || {
        let packet = try_packet(&mut deaf);
        if packet.is_none() {
            server.update().expect("updates");
        }
        packet.filter(|packet| packet.len() == 23 && packet[10] == 1 && packet[16..18] == [49, 0])
    });
}
