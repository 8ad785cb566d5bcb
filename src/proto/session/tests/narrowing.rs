//! Paths that take less than they did: what is noticed, and how what was accepted arrives.

use crate::proto::netem::Params;
use crate::proto::random::Random;
use crate::proto::session::frame::{self, Frame};
use crate::proto::session::{Config, Refused, Taken, packet};

use super::behaviour::{forged, sent};
use super::world::{DATAGRAM_COST, Log, MS, World, config};

fn world(params: Params, seed: u64) -> World {
    World::new(config(), Params { delay: 10 * MS, ..params }, seed)
}

/// From here on longer datagrams from the first side are lost.
fn narrow(world: &mut World, size: usize) {
    let params = Params { size_max: size + DATAGRAM_COST, ..*world.links[0].params() };
    world.links[0].set_params(params);
}

fn long(world: &World, number: u32) -> Vec<u8> {
    let size = world.sessions[0].reliable_size_max();
    [&number.to_le_bytes()[..], &vec![number as u8; size - 4]].concat()
}

fn arrived(world: &World) -> Vec<Vec<u8>> {
    let log = world.logs[1].reliable.get(&1).map(Vec::as_slice).unwrap_or_default();
    log.iter().map(|(_, data)| data.clone()).collect()
}

#[test]
fn a_path_that_narrows_under_way_is_noticed_and_loses_nothing() {
    for (path, found) in [(1200, 1024), (700, 512), (300, 256)] {
        for loss_percent in [0.0, 15.0] {
            let mut world = world(Params { loss_percent, ..Params::default() }, 7);
            let all: Vec<Vec<u8>> = (0..400).map(|number| long(&world, number)).collect();
            for (number, message) in all.iter().enumerate() {
                world.sessions[0].send_reliable(1, 0, &[message]).expect("is taken");
                if number == 100 {
                    world.run(world.now + 60 * MS);
                    narrow(&mut world, path);
                }
            }
            world.run(world.now + 60_000 * MS);
            assert!(arrived(&world) == all, "{} came at {path}", arrived(&world).len());
            assert!(world.sessions[0].is_idle());
            assert_eq!(world.sessions[0].take_narrowed(), Some(found));
            assert_eq!(world.sessions[0].take_narrowed(), None, "it says so once");
            let before = world.lengths.len();
            for _ in 0..20 {
                world.sessions[0].send_reliable(1, 0, &[&[1; 200]]).expect("is taken");
            }
            world.run(world.now + 2000 * MS);
            assert!(world.lengths[before..].iter().all(|&length| length <= path));
        }
    }
}

#[test]
fn long_messages_between_short_ones_are_noticed_within_some_round_trips() {
    let mut world = world(Params::default(), 3);
    world.run(100 * MS);
    narrow(&mut world, 1100);
    let message = long(&world, 9);
    world.sessions[0].send_reliable(1, 0, &[&message]).expect("is taken");
    let start = world.now;
    while arrived(&world).is_empty() {
        world.sessions[0].send_message(0, &[b"tick"]).expect("is taken");
        world.sessions[0].send_reliable(2, 0, &[b"tick"]).expect("is taken");
        world.run(world.now + 5 * MS);
        assert!(world.now - start < 1000 * MS, "a round trip takes 20 ms");
    }
    assert_eq!(arrived(&world), [message]);
}

#[test]
fn a_path_that_only_loses_much_is_not_taken_for_a_narrow_one() {
    for seed in 0..20 {
        let mut world = world(Params { loss_percent: 20.0, ..Params::default() }, seed);
        let mut random = Random::new(seed);
        for number in 0..600 {
            let message = long(&world, number);
            let message = if random.chance(50.0) { &message[..] } else { &message[..60] };
            world.sessions[0].send_reliable(1, 0, &[message]).expect("is taken");
            world.run(world.now + 4 * MS);
        }
        world.run(world.now + 30_000 * MS);
        assert_eq!(arrived(&world).len(), 600);
        assert_eq!(world.sessions[0].take_narrowed(), None, "seed {seed}");
    }
}

#[test]
fn a_path_that_was_cut_for_a_while_is_not_taken_for_a_narrow_one() {
    let mut world = world(Params::default(), 1);
    for number in 0..300 {
        let message = long(&world, number);
        world.sessions[0].send_reliable(1, 0, &[&message]).expect("is taken");
    }
    for partitioned in [true, false] {
        for link in &mut world.links {
            link.set_params(Params { partitioned, ..*link.params() });
        }
        world.run(world.now + 5000 * MS);
    }
    assert_eq!(arrived(&world).len(), 300);
    assert_eq!(world.sessions[0].take_narrowed(), None);
}

#[test]
fn what_was_accepted_before_the_path_became_narrower_leaves_in_pieces() {
    let mut world = world(Params::default(), 1);
    let message: Vec<u8> = (0..world.sessions[0].reliable_size_max()).map(|at| at as u8).collect();
    world.sessions[0].send_reliable(1, 0, &[&message]).expect("is taken");
    let lost = vec![7; world.sessions[0].message_size_max()];
    world.sessions[0].send_message(9, &[&lost]).expect("is taken");
    world.sessions[0].set_datagram_size(600);
    let refused = world.sessions[0].send_reliable(1, 0, &[&message]);
    assert_eq!(refused, Err(Refused::TooLong));
    for _ in 0..10 {
        world.sessions[0].send_reliable(1, 0, &[&[1; 150]]).expect("is taken");
    }
    assert!(!world.sessions[0].is_sent());
    world.run(1000 * MS);
    let got = arrived(&world);
    assert_eq!((got.len(), &got[0]), (11, &message));
    // What may be lost is not cut.
    assert_eq!(world.logs[1].messages.len(), 1);
    assert_eq!(world.lengths.iter().filter(|&&length| length > 600).count(), 1);
    world.sessions[0].set_datagram_size(9000);
    assert_eq!(world.sessions[0].reliable_size_max(), message.len());
}

#[test]
fn pieces_are_sent_until_the_last_has_left() {
    let mut world = world(Params::default(), 1);
    let message = long(&world, 1);
    world.sessions[0].send_reliable(1, 0, &[&message]).expect("is taken");
    world.sessions[0].set_datagram_size(512);
    assert_eq!(sent(&mut world.sessions[0], 0).len(), 1);
    assert!(!world.sessions[0].is_sent(), "a goodbye must wait for the rest");
}

#[test]
fn pieces_that_follow_nothing_or_exceed_the_window_are_refused() {
    let part = |sequence, offset, last, data| {
        let channel = 1;
        Frame::Part { channel, sequence, offset, last, data }
    };
    let mut config = config();
    config.window = 2000;
    let mut session = crate::proto::session::Session::new(0, config);
    let mut log = Log::default();
    let big = vec![5; 1000];
    let cases: [(Frame<'_>, Taken); 8] = [
        (part(0, 10, true, b"no beginning"), Taken::Malformed),
        (part(0, 0, false, b"begins, "), Taken::New),
        (part(0, 0, false, b"begins, "), Taken::New),
        (part(0, 9, true, b"a gap"), Taken::Malformed),
        (part(1, 0, false, &big), Taken::New),
        (part(2, 0, false, &big), Taken::Malformed),
        (part(20_000, 0, true, b"far away"), Taken::Malformed),
        (part(0, 8, true, b"ends"), Taken::New),
    ];
    for (number, (frame, taken)) in (0..).zip(cases) {
        let datagram = forged(number, &[frame]);
        assert_eq!(session.handle_datagram(0, &datagram, &mut log), taken, "{frame:?}");
    }
    let got: Vec<&[u8]> = log.reliable[&1].iter().map(|(_, data)| &data[..]).collect();
    assert_eq!(got, [b"begins, ends"]);
    // The whole message makes its pieces needless, and gives their room back.
    let reliable = Frame::Reliable { channel: 1, sequence: 1, data: &big };
    session.handle_datagram(0, &forged(20, &[reliable]), &mut log);
    let late = forged(21, &[part(1, 1000, true, b"late")]);
    assert_eq!(session.handle_datagram(0, &late, &mut log), Taken::New);
    assert_eq!(log.reliable[&1].len(), 2);
}

#[test]
fn pieces_that_were_cut_elsewhere_when_they_were_sent_again_fit_together() {
    let part = |offset, last, data| {
        let (channel, sequence) = (1, 0);
        Frame::Part { channel, sequence, offset, last, data }
    };
    let mut session = crate::proto::session::Session::new(0, config());
    let mut log = Log::default();
    let cut = [
        part(0, false, &b"0123456"[..]),
        part(0, false, b"0123"),
        part(4, false, b"4567"),
        part(8, false, b""),
        part(2, false, b"2345678"),
        part(5, true, b"56789"),
    ];
    for (number, frame) in (0..).zip(cut) {
        let datagram = forged(number, &[frame]);
        assert_eq!(session.handle_datagram(0, &datagram, &mut log), Taken::New, "{frame:?}");
    }
    assert_eq!(log.reliable[&1][0].1, b"0123456789");
}

#[test]
fn a_message_whose_pieces_have_come_may_come_whole_however_full_the_window_is() {
    let mut config = config();
    config.window = 1100;
    let mut session = crate::proto::session::Session::new(0, config);
    let mut log = Log::default();
    let message = vec![8; 1000];
    let (channel, sequence) = (1, 0);
    let half = Frame::Part { channel, sequence, offset: 0, last: false, data: &message[..600] };
    assert_eq!(session.handle_datagram(0, &forged(0, &[half]), &mut log), Taken::New);
    let whole = Frame::Reliable { channel, sequence, data: &message };
    assert_eq!(session.handle_datagram(0, &forged(1, &[whole]), &mut log), Taken::New);
    assert_eq!(log.reliable[&1][0].1, message);
}

#[test]
fn a_piece_is_a_frame_that_reaches_to_the_end() {
    let mut world = world(Params::default(), 1);
    let message = long(&world, 5);
    world.sessions[0].send_reliable(1, 0, &[&message]).expect("is taken");
    world.sessions[0].set_datagram_size(1024);
    let datagram = sent(&mut world.sessions[0], 0).concat();
    let packet = packet::parse(&datagram).expect("is one");
    let frames: Vec<_> = frame::frames(packet.frames).collect();
    let [Ok(Frame::Part { channel: 1, sequence: 0, offset: 0, last: false, data })] = frames[..]
    else {
        panic!("{frames:?}")
    };
    assert_eq!((datagram.len(), data), (1024, &message[..data.len()]));
}

#[test]
fn both_ways_may_narrow_at_once_while_messages_go_to_and_fro() {
    for loss_percent in [0.0, 10.0] {
        let mut world = world(Params { loss_percent, ..Params::default() }, 5);
        let message = long(&world, 3);
        let (mut sent, mut echoed) = (0, 0);
        for turn in 0..4000 {
            if turn == 6 {
                for side in 0..2 {
                    let size_max = 1100 + DATAGRAM_COST;
                    let params = Params { size_max, ..*world.links[side].params() };
                    world.links[side].set_params(params);
                }
            }
            // Eight at a time, as long as the path takes them whole or in three parts.
            while sent < 200 && sent - world.logs[0].reliable.get(&1).map_or(0, Vec::len) < 24 {
                let size = message.len().min(world.sessions[0].reliable_size_max());
                world.sessions[0].send_reliable(1, 0, &[&message[..size]]).expect("is taken");
                sent += 1;
            }
            let there = world.logs[1].reliable.get(&1).map_or(0, Vec::len);
            while echoed < there {
                let size = message.len().min(world.sessions[1].reliable_size_max());
                world.sessions[1].send_reliable(1, 0, &[&message[..size]]).expect("is taken");
                echoed += 1;
            }
            world.run(world.now + 5 * MS);
        }
        assert_eq!(world.logs[0].reliable[&1].len(), 200, "{sent} sent, {echoed} echoed");
        for session in &mut world.sessions {
            assert_eq!(session.take_narrowed(), Some(1024));
        }
    }
}

#[test]
fn a_path_that_widens_again_is_used_and_may_narrow_again() {
    for loss_percent in [0.0, 10.0] {
        let mut world = world(Params { loss_percent, ..Params::default() }, 11);
        let mut expected = Vec::new();
        for round in 0..3 {
            for path in [1100, 2000] {
                narrow(&mut world, path);
                for number in 0..60 {
                    let message = long(&world, round * 100 + number);
                    world.sessions[0].send_reliable(1, 0, &[&message]).expect("is taken");
                    expected.push(message);
                    world.run(world.now + 10 * MS);
                }
                world.run(world.now + 30_000 * MS);
                let found = world.sessions[0].take_narrowed();
                assert_eq!(found, Some(1024).filter(|_| path == 1100), "round {round}");
                if path == 1100 {
                    // Whoever probes the path tells the session.
                    world.sessions[0].set_datagram_size(1400);
                } else {
                    assert_eq!(world.sessions[0].reliable_size_max(), 1400 - 13 - 4);
                }
            }
        }
        assert!(arrived(&world) == expected, "{} of {}", arrived(&world).len(), expected.len());
        assert!(world.sessions[0].is_idle() && world.sessions[0].failure().is_none());
    }
}

#[test]
fn datagrams_and_messages_that_are_longer_than_any_may_be_are_refused() {
    let mut config = config();
    config.datagram_size_max = u16::MAX;
    config.received_size_max = u16::MAX;
    let mut session = crate::proto::session::Session::new(0, config);
    let mut log = Log::default();
    let big = vec![3; 3000];
    let reliable = |data| Frame::Reliable { channel: 1, sequence: 0, data };
    let (fits, over) = (1472 - 11 - 6, 1472 - 11 - 5);
    for (number, frame) in (0..).zip([
        reliable(&big),
        reliable(&big[..over]),
        Frame::Message { pipeline: 7, data: &big },
        Frame::Part { channel: 1, sequence: 0, offset: 1400, last: true, data: &big[..73] },
    ]) {
        let taken = session.handle_datagram(0, &forged(number, &[frame]), &mut log);
        assert_eq!(taken, Taken::Malformed, "{frame:?}");
    }
    let longest = forged(9, &[reliable(&big[..fits])]);
    assert_eq!(longest.len(), 1472);
    assert_eq!(session.handle_datagram(0, &longest, &mut log), Taken::New);
    assert_eq!(log.reliable[&1].len(), 1);
    assert_eq!(log.messages.len(), 0);
}

#[test]
fn no_datagram_is_longer_than_its_receiver_has_said_whatever_the_sender_takes() {
    let config = Config { datagram_size_max: 300, ..config() };
    let mut session = crate::proto::session::Session::new(0, config);
    let mut log = Log::default();
    let data = vec![3; 1400 - 11 - 5];
    let longer = forged(0, &[Frame::Reliable { channel: 1, sequence: 0, data: &data }]);
    assert_eq!(longer.len(), 1401);
    assert_eq!(session.handle_datagram(0, &longer, &mut log), Taken::Malformed);
    assert!(log.reliable.is_empty());
    let frame = Frame::Reliable { channel: 1, sequence: 0, data: &data[1..] };
    let taken = session.handle_datagram(0, &forged(0, &[frame]), &mut log);
    assert_eq!((taken, log.reliable[&1].len()), (Taken::New, 1));
}

/// A first side whose peer takes no pieces.
fn whole_world(give_up: u64) -> World {
    let mut world = world(Params::default(), 2);
    let mut config = config();
    config.peer_takes_pieces = false;
    config.give_up = give_up;
    world.sessions[0] = crate::proto::session::Session::new(0, config);
    world
}

#[test]
fn what_leaves_again_seldom_ends_the_session_all_the_same_and_what_has_arrived_does_not() {
    for (resend_time, fails) in [(20_000 * MS, true), (0, false), (u64::MAX, true)] {
        let config = Config { give_up: 30_000 * MS, peer_takes_pieces: false, ..config() };
        let mut session = crate::proto::session::Session::new(0, config);
        for round in 0..3 {
            assert!(session.failure().is_none());
            session.note_oversize(round * 20_000 * MS, resend_time);
        }
        assert_eq!(session.failure().is_some(), fails, "{resend_time}");
    }
    // A path that takes more again ends the account.
    let config = Config { give_up: 30_000 * MS, peer_takes_pieces: false, ..config() };
    let mut session = crate::proto::session::Session::new(0, config);
    for round in 0..9 {
        session.set_datagram_size(1024);
        session.note_oversize(round * 20_000 * MS, 20_000 * MS);
        session.set_datagram_size(1400);
        assert!(session.failure().is_none());
    }
}

#[test]
fn a_long_datagram_that_holds_nothing_shows_what_the_path_takes() {
    for (path, narrowed) in [(2000, None), (1100, Some(1024))] {
        let mut world = whole_world(5000 * MS);
        world.run(100 * MS);
        narrow(&mut world, path);
        let before = world.lengths.len();
        for _ in 0..400 {
            let now = world.now;
            world.sessions[0].probe_path(now, 1388);
            world.run(now + 20 * MS);
        }
        let long = world.lengths[before..].iter().filter(|&&length| length > 1024).count();
        let all = if narrowed.is_some() { 6..=20 } else { 39..=41 };
        assert!(all.contains(&long), "{long}");
        assert_eq!(world.sessions[0].take_narrowed(), narrowed);
        assert!(world.sessions[0].failure().is_none() && world.sessions[0].is_idle());
    }
}

#[test]
fn a_suspicion_without_anything_long_ends_and_leaves_no_quirks_behind() {
    let mut world = world(Params::default(), 5);
    world.run(100 * MS);
    // Two long datagrams are lost, one after the other.
    for _ in 0..2 {
        narrow(&mut world, 1100);
        let message = vec![1; world.sessions[0].message_size_max()];
        world.sessions[0].send_message(0, &[&message]).expect("is taken");
        world.sessions[0].send_reliable(1, 0, &[b"short"]).expect("is taken");
        world.run(world.now + 10 * MS);
        narrow(&mut world, 2000);
        for _ in 0..20 {
            world.sessions[0].send_reliable(1, 0, &[b"short"]).expect("is taken");
            world.run(world.now + 20 * MS);
        }
    }
    let noticed = world.now;
    assert!(world.sessions[0].doubts_long(noticed));
    for _ in 0..600 {
        world.sessions[0].send_reliable(1, 0, &[b"short"]).expect("is taken");
        world.run(world.now + 20 * MS);
    }
    assert!(!world.sessions[0].doubts_long(world.now));
    assert_eq!(world.sessions[0].take_narrowed(), None);
}

#[test]
fn a_peer_that_takes_no_pieces_gets_messages_whole_or_the_session_fails() {
    for (widens, give_up) in [(true, 5000 * MS), (false, 5000 * MS), (false, 0)] {
        let mut world = whole_world(give_up);
        let message = long(&world, 1);
        narrow(&mut world, 1100);
        world.sessions[0].send_reliable(1, 0, &[&message]).expect("is taken");
        world.run(3000 * MS);
        assert_eq!(world.sessions[0].take_narrowed(), Some(1024));
        assert!(world.sessions[0].failure().is_none());
        // Others arrive all the while, so that the path is no dead one.
        for _ in 0..60 {
            if widens {
                narrow(&mut world, 2000);
            }
            world.sessions[0].send_reliable(2, 0, &[b"tick"]).expect("is taken");
            world.run(world.now + 200 * MS);
        }
        assert_eq!(world.logs[1].reliable[&2].len(), 60);
        let failed = world.sessions[0].failure().is_some();
        assert_eq!((arrived(&world) == [message], failed), (widens, !widens && give_up > 0));
    }
}
