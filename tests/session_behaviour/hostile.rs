//! A client of raw datagrams that says Hello as it likes.

use netdriver::proto::session::hello::{Hello, PIPELINE, VERSION};
use netdriver::proto::session::packet::{is_session, write_header};
use netdriver::settings::{InterfaceKind, NetworkSettings};
use netdriver::{Connection, EventKind, NetworkDriver};

use crate::support::raw::{RawDatagrams, TOKEN, handshake, packet};
use crate::support::{create_pipelines, driver, expect_accept, listen, settle, until};

/// A server with the pipeline `reliable:32`, and a raw client that it has accepted.
struct Hostile {
    server: NetworkDriver,
    peer: RawDatagrams,
    connection: Connection,
}

impl Hostile {
    fn new() -> Self {
        let mut server = driver(InterfaceKind::Udp, &NetworkSettings::default());
        create_pipelines(&mut server, "reliable:32");
        let peer = RawDatagrams::to(&listen(&mut server));
        peer.send(&handshake(1, b""));
        assert_eq!(peer.receive(&mut server), handshake(2, b""));
        let connection = expect_accept(&mut [&mut server]);
        Self { server, peer, connection }
    }

    fn hello(&self, hello: Hello) {
        let mut datagram = Vec::new();
        hello.write(TOKEN, &mut datagram);
        self.peer.send(&datagram);
    }

    /// All that comes in some rounds.
    fn drain(&mut self) -> Vec<Vec<u8>> {
        settle(&mut [&mut self.server], 5);
        std::iter::from_fn(|| self.peer.try_receive()).collect()
    }

    fn has_session(&mut self) -> bool {
        self.server.connection_info(self.connection).expect("is open").session
    }
}

fn sound() -> Hello {
    Hello {
        version: VERSION,
        answer: false,
        features: u32::MAX,
        datagram_size_max: 1400,
        window: 1 << 20,
        pipelines: 0,
    }
}

fn is_hello(datagram: &[u8]) -> bool {
    datagram.get(9) == Some(&PIPELINE)
}

/// A session packet, with frames.
fn session_packet(number: u64, frames: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_header(&mut out, TOKEN, number, number);
    [&out, frames].concat()
}

/// RELIABLE of channel 1 to the end.
fn reliable(sequence: u16, message: &[u8]) -> Vec<u8> {
    [&[0x0a, 1][..], &sequence.to_le_bytes(), message].concat()
}

#[test]
fn a_hello_with_limits_that_cannot_be_is_not_answered() {
    for hello in [
        Hello { datagram_size_max: 0, ..sound() },
        Hello { datagram_size_max: 255, ..sound() },
        Hello { window: 0, ..sound() },
        Hello { window: 65_535, ..sound() },
        Hello { window: u32::MAX, ..sound() },
        Hello { version: 0, ..sound() },
        Hello { answer: true, ..sound() },
    ] {
        let mut hostile = Hostile::new();
        hostile.hello(hello);
        assert!(!hostile.drain().iter().any(|datagram| is_hello(datagram)), "{hello:?}");
        hostile.peer.send(&session_packet(0, &[1]));
        assert!(hostile.drain().iter().all(|datagram| !is_session(datagram)), "{hello:?}");
        assert!(!hostile.has_session());
        // The connection is as good as any.
        hostile.peer.send(&packet(1, b"\x00plain"));
        let event = until("the message", || {
            settle(&mut [&mut hostile.server], 1);
            hostile.server.pop_event()
        });
        assert_eq!((event.kind, &event.data[..]), (EventKind::Data, &b"plain"[..]));
    }
}

#[test]
fn the_longest_datagrams_that_a_hello_offers_are_no_longer_than_ours() {
    let mut hostile = Hostile::new();
    hostile.hello(Hello { datagram_size_max: u16::MAX, ..sound() });
    assert!(hostile.drain().iter().any(|datagram| is_hello(datagram)));
    hostile.peer.send(&session_packet(0, &[1]));
    hostile.drain();
    assert!(hostile.has_session());
    for _ in 0..5 {
        let size = hostile.server.payload_size_max(hostile.connection, 1).expect("is open");
        hostile.server.send(hostile.connection, 1, &vec![7; size as usize]).expect("fits");
    }
    let datagrams = hostile.drain();
    assert!(datagrams.len() >= 5 && datagrams.iter().all(|datagram| datagram.len() <= 1400));
}

#[test]
fn session_packets_count_for_nothing_before_a_hello_and_after_the_end() {
    let mut hostile = Hostile::new();
    hostile.peer.send(&session_packet(0, &reliable(0, b"early")));
    assert!(hostile.drain().is_empty() && hostile.server.pop_event().is_none());
    assert_eq!(hostile.server.statistics().unknown_token_in, 1);
    hostile.hello(sound());
    hostile.peer.send(&session_packet(1, &reliable(0, b"in time")));
    hostile.drain();
    let event = hostile.server.pop_event().expect("arrives");
    assert_eq!((event.kind, &event.data[..]), (EventKind::Data, &b"in time"[..]));
    hostile.peer.send(&packet(2, b""));
    hostile.drain();
    assert_eq!(hostile.server.pop_event().expect("ends").kind, EventKind::Disconnect);
    let before = hostile.server.statistics().unknown_token_in;
    hostile.hello(sound());
    hostile.peer.send(&session_packet(2, &reliable(1, b"too late")));
    assert!(!hostile.drain().iter().any(|datagram| is_session(datagram)));
    assert!(hostile.server.pop_event().is_none());
    assert_eq!(hostile.server.statistics().unknown_token_in, before + 2);
}

#[test]
fn a_second_hello_is_answered_and_resets_nothing() {
    let mut hostile = Hostile::new();
    hostile.hello(sound());
    hostile.peer.send(&session_packet(0, &reliable(0, b"first")));
    hostile.drain();
    hostile.hello(Hello { window: 1 << 30, datagram_size_max: 300, ..sound() });
    let answers = hostile.drain();
    assert_eq!(answers.iter().filter(|datagram| is_hello(datagram)).count(), 1);
    // The same message, and the same packet, are what they were: known.
    hostile.peer.send(&session_packet(0, &reliable(0, b"first")));
    hostile.peer.send(&session_packet(1, &reliable(0, b"first")));
    hostile.peer.send(&session_packet(2, &reliable(1, b"second")));
    hostile.drain();
    let events = std::iter::from_fn(|| hostile.server.pop_event());
    let got: Vec<_> = events.map(|event| event.data.to_vec()).collect();
    assert_eq!(got, [&b"first"[..], b"second"]);
}

#[test]
fn a_forged_hello_in_front_of_the_peers_own_costs_no_packet_of_the_session() {
    let mut hostile = Hostile::new();
    hostile.hello(Hello { datagram_size_max: 300, ..sound() });
    hostile.hello(sound());
    let datagram = |number: u64, size: usize| {
        let message = vec![7; size - session_packet(number, &reliable(0, b"")).len()];
        session_packet(number, &reliable(number as u16, &message))
    };
    hostile.peer.send(&datagram(0, 1400));
    hostile.peer.send(&datagram(1, 301));
    hostile.drain();
    let events = std::iter::from_fn(|| hostile.server.pop_event());
    assert_eq!(events.map(|event| event.data.len()).collect::<Vec<_>>(), [1385, 286]);
    assert_eq!(hostile.server.statistics().malformed_in, 0);
    // Longer than this side has said, whoever sends it.
    hostile.peer.send(&datagram(2, 1401));
    hostile.drain();
    assert!(hostile.server.pop_event().is_none());
    assert_eq!(hostile.server.statistics().malformed_in, 1);
}

#[test]
fn a_storm_of_hellos_brings_no_more_than_it_is() {
    let mut hostile = Hostile::new();
    let (mut sent, mut received) = (0, 0);
    for _ in 0..50 {
        for _ in 0..20 {
            hostile.hello(sound());
            sent += 30;
        }
        received += hostile.drain().iter().map(Vec::len).sum::<usize>();
    }
    assert!(received > 0 && received <= sent, "{received} for {sent}");
    assert_eq!(hostile.server.statistics().connections, 1);
}

#[test]
fn challenges_are_answered_once_and_to_the_peer_alone() {
    let mut hostile = Hostile::new();
    hostile.hello(sound());
    hostile.peer.send(&session_packet(0, &[1]));
    hostile.drain();
    let stranger = RawDatagrams::to(&hostile.server.local_endpoint(0, 0).expect("is bound"));
    let (mut asked, mut got) = (0, 0);
    for number in 1..100u64 {
        let challenge = session_packet(number, &[6, 1, 2, 3, 4, 5, 6, 7, 8]);
        asked += challenge.len();
        stranger.send(&challenge);
        settle(&mut [&mut hostile.server], 1);
        got += std::iter::from_fn(|| stranger.try_receive()).map(|it| it.len()).sum::<usize>();
        assert!(got <= asked, "{got} for {asked}");
    }
    let answers = hostile.drain();
    assert!(!answers.is_empty() && answers.len() < 120, "{}", answers.len());
}

#[test]
fn only_packets_of_pipelines_that_send_again_count_on_channel_0() {
    let mut hostile = Hostile::new();
    hostile.hello(sound());
    hostile.drain();
    let header = [0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let of = |pipeline: u8| [&[pipeline], &header[..], b"hi"].concat();
    let wrong = [Vec::new(), of(0), of(2), of(255), vec![1]];
    for (number, message) in (0..).zip(wrong.iter().chain([&of(1)])) {
        let frame = [&[0x0a, 0][..], &(number as u16).to_le_bytes(), message].concat();
        hostile.peer.send(&session_packet(number, &frame));
    }
    hostile.drain();
    let event = hostile.server.pop_event().expect("one is a packet");
    assert_eq!((event.kind, event.pipeline, &event.data[..]), (EventKind::Data, 1, &b"hi"[..]));
    assert!(hostile.server.pop_event().is_none());
    assert_eq!(hostile.server.statistics().malformed_in, wrong.len() as u64);
    assert!(hostile.has_session());
}

#[test]
fn packets_are_no_longer_than_the_peer_takes_once_it_has_said_so() {
    let mut hostile = Hostile::new();
    let longest = |server: &mut NetworkDriver, connection, pipeline| {
        server.payload_size_max(connection, pipeline).expect("is open")
    };
    assert_eq!(longest(&mut hostile.server, hostile.connection, 0), 1390);
    hostile.hello(Hello { datagram_size_max: 300, ..sound() });
    hostile.drain();
    assert_eq!(longest(&mut hostile.server, hostile.connection, 0), 290);
    hostile.server.send(hostile.connection, 0, &[7; 290]).expect("fits");
    let sent = hostile.drain();
    assert!(sent.iter().all(|datagram| datagram.len() <= 300));
    assert!(sent.iter().any(|datagram| datagram.len() == 300));
    assert!(hostile.server.send(hostile.connection, 0, &[7; 291]).is_err());
}
