//! What a session does, one thing at a time.

use crate::proto::netem::Params;
use crate::proto::session::frame::{self, Frame};
use crate::proto::session::packet::{self, write_header};
use crate::proto::session::{Config, Refused, Session, Taken, cost};

use super::world::{Log, MS, TOKEN, World, config};

fn perfect() -> World {
    World::new(config(), Params { delay: 10 * MS, ..Params::default() }, 1)
}

/// The types of a datagram's frames.
fn kinds(datagram: &[u8]) -> Vec<String> {
    let packet = packet::parse(datagram).expect("is one");
    let name = |frame: Frame<'_>| {
        let text = format!("{frame:?}");
        text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
    };
    frame::frames(packet.frames).map(|frame| name(frame.expect("is whole"))).collect()
}

pub fn sent(session: &mut Session, now: u64) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let mut out = Vec::new();
        if !session.poll_transmit(now, &mut out) {
            return all;
        }
        all.push(out);
    }
}

/// A datagram of frames as somebody might forge it.
pub fn forged(number: u64, frames: &[Frame<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    write_header(&mut out, TOKEN, number, number);
    for frame in frames {
        frame::write(&mut out, frame, false);
    }
    out
}

#[test]
fn golden_bytes_of_a_datagram_with_everything() {
    let mut session = Session::new(0, config());
    let mut log = Log::default();
    let ping = forged(0, &[Frame::Ping, Frame::PathChallenge([9; 8])]);
    assert_eq!(session.handle_datagram(0, &ping, &mut log), Taken::New);
    session.send_message(7, &[b"lo", b"ss"]).expect("is taken");
    session.send_reliable(1, 0, &[b"sure"]).expect("is taken");
    let datagrams = sent(&mut session, 800);
    let text = "10 01 02 03 04 05 06 07 08 00 00 \
                07 09 09 09 09 09 09 09 09 \
                02 00 00 00 40 64 00 00 \
                09 07 04 6c 6f 73 73 \
                0a 01 00 00 73 75 72 65";
    let expected: Vec<u8> =
        text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    assert_eq!(datagrams, [expected]);
}

#[test]
fn messages_share_a_datagram_until_it_is_full() {
    let mut world = perfect();
    for number in 0..30u8 {
        world.sessions[0].send_reliable(1, 0, &[&[number; 100]]).expect("is taken");
        world.sessions[0].send_message(9, &[&[number; 20]]).expect("is taken");
    }
    let datagrams = sent(&mut world.sessions[0], 0);
    assert_eq!(datagrams.len(), 3);
    assert!(datagrams[0].len() > 1250 && datagrams[1].len() > 1250);
    for datagram in &datagrams {
        assert_eq!(world.sessions[1].handle_datagram(0, datagram, &mut world.logs[1]), Taken::New);
    }
    assert_eq!(world.logs[1].reliable[&1].len(), 30);
    assert_eq!(world.logs[1].messages.len(), 30);
}

#[test]
fn a_message_that_may_be_lost_and_is_alone_is_a_packet_of_unity_transport() {
    let mut world = perfect();
    let session = &mut world.sessions[0];
    session.send_message(9, &[b"al", b"one"]).expect("is taken");
    let datagrams = sent(session, 0);
    assert_eq!(datagrams, [[&[1], &TOKEN[..], &[9], b"alone"].concat()]);
    assert_eq!((session.message_count(), session.next_timeout()), (0, None), "no account is kept");
    // With company it is a frame as any other.
    session.send_message(9, &[b"one"]).expect("is taken");
    session.send_reliable(1, 0, &[b"two"]).expect("is taken");
    let datagrams = sent(session, 0);
    assert_eq!(datagrams.len(), 1);
    assert_eq!(kinds(&datagrams[0]), ["Message", "Reliable"]);
}

#[test]
fn bulk_is_cut_into_datagrams_of_one_length() {
    let mut world = perfect();
    for _ in 0..100 {
        world.sessions[0].send_reliable(1, 0, &[&[7; 1376]]).expect("is taken");
    }
    world.run(1000 * MS);
    let from_us: Vec<_> = world.lengths.iter().filter(|&&length| length > 100).collect();
    assert_eq!(from_us.len(), 100);
    assert!(from_us.iter().all(|&&length| length == 11 + 4 + 1376), "{from_us:?}");
    // One acknowledgement for each batch that arrives together, at least.
    assert!(world.datagrams[1] < 40, "{}", world.datagrams[1]);
}

#[test]
fn an_answer_carries_the_acknowledgement() {
    let mut world = perfect();
    let mut log = Log::default();
    for round in 0..10 {
        world.sessions[0].send_reliable(1, 0, &[b"question"]).expect("is taken");
        let question = sent(&mut world.sessions[0], round).pop().expect("leaves");
        world.sessions[1].handle_datagram(round, &question, &mut world.logs[1]);
        assert_eq!(sent(&mut world.sessions[1], round).len(), 0, "the program comes first");
        world.sessions[1].send_reliable(1, 0, &[b"answer"]).expect("is taken");
        world.sessions[1].handle_answered();
        let answers = sent(&mut world.sessions[1], round);
        assert_eq!(answers.len(), 1);
        assert_eq!(kinds(&answers[0]), ["Ack", "Reliable"]);
        world.sessions[0].handle_datagram(round, &answers[0], &mut log);
    }
    assert!(world.sessions[0].is_idle() && !world.sessions[1].is_idle());
}

#[test]
fn a_gap_is_reported_at_once_and_filled_after_one_round_trip() {
    let mut world = perfect();
    world.sessions[0].send_reliable(1, 0, &[b"before"]).expect("is taken");
    world.run(100 * MS);
    world.links[0].set_params(Params { loss_percent: 100.0, ..*world.links[0].params() });
    world.sessions[0].send_reliable(1, 0, &[b"lost"]).expect("is taken");
    world.flush();
    world.links[0].set_params(Params { delay: 10 * MS, ..Params::default() });
    world.run(110 * MS);
    world.sessions[0].send_reliable(1, 0, &[b"after"]).expect("is taken");
    world.run(1000 * MS);
    let times: Vec<_> = world.logs[1].reliable[&1].iter().map(|entry| entry.0 / MS).collect();
    // The later message is acknowledged at 130; a round trip and an eighth after the first left
    // it is lost, and 10 later it is there.
    assert_eq!(times, [10, 140, 140]);
    assert_eq!(world.sessions[0].statistics().messages_resent, 1);
}

#[test]
fn the_last_message_is_probed_for() {
    let mut world = perfect();
    for _ in 0..4 {
        world.sessions[0].send_reliable(1, 0, &[b"before"]).expect("is taken");
        world.run(world.now + 100 * MS);
    }
    let start = world.now;
    world.links[0].set_params(Params { loss_percent: 100.0, ..*world.links[0].params() });
    world.sessions[0].send_reliable(1, 0, &[b"the last"]).expect("is taken");
    world.flush();
    world.links[0].set_params(Params { delay: 10 * MS, ..Params::default() });
    world.run(start + 5000 * MS);
    let arrived = world.logs[1].reliable[&1].last().expect("arrives").0 - start;
    assert!((40 * MS..120 * MS).contains(&arrived), "{arrived}");
    assert_eq!(world.sessions[0].statistics().probes, 1);
}

#[test]
fn a_lone_ping_that_is_lost_is_repeated_until_the_session_gives_up() {
    let config = config();
    let mut session = Session::new(0, config);
    session.ping();
    assert_eq!(sent(&mut session, 0).len(), 1);
    let mut now = 0;
    while session.failure().is_none() {
        now = session.next_timeout().expect("it goes on asking");
        session.handle_timeout(now);
        let datagrams = sent(&mut session, now);
        assert_eq!(datagrams.len(), 1);
        assert!(kinds(&datagrams[0]).iter().all(|kind| kind == "Ping"), "{datagrams:?}");
    }
    assert!((config.give_up..config.give_up + 3000 * MS).contains(&now), "{now}");
    assert!(session.statistics().probes > 10);
}

#[test]
fn nothing_is_sent_when_nothing_happens() {
    let mut world = perfect();
    world.sessions[0].send_reliable(1, 0, &[b"one"]).expect("is taken");
    world.sessions[0].send_message(9, &[b"two"]).expect("is taken");
    world.run(10_000 * MS);
    assert_eq!(world.datagrams, [1, 1]);
    assert!(world.next_event().is_none() && world.sessions[0].is_idle());
    assert_eq!(world.sessions[0].in_flight(), 0);
}

#[test]
fn higher_priorities_go_first_and_nobody_starves() {
    let mut session = Session::new(0, config());
    for number in 0..60u32 {
        for (channel, priority) in [(1, 0), (2, 9), (3, 5)] {
            let mut message = [channel; 1200];
            message[..4].copy_from_slice(&number.to_le_bytes());
            session.send_reliable(channel, priority, &[&message]).expect("is taken");
        }
    }
    let mut order = Vec::new();
    for (number, now) in (0..40).zip((0..).step_by(1000)) {
        for datagram in sent(&mut session, now) {
            let packet = packet::parse(&datagram).expect("is one");
            for frame in frame::frames(packet.frames).flatten() {
                if let Frame::Reliable { channel, .. } = frame {
                    order.push(channel);
                }
            }
        }
        // All that was sent is acknowledged.
        let mut ack = Vec::new();
        write_header(&mut ack, TOKEN, number, number);
        frame::write_ack(&mut ack, 0, &[(0, order.len() as u64 - 1)]);
        session.handle_datagram(now, &ack, &mut Log::default());
    }
    let place = |channel| order.iter().position(|&sent| sent == channel).expect("is sent");
    assert_eq!((place(2), place(3), place(1)), (0, 16, 17));
    let early = &order[..64];
    let share = |channel| early.iter().filter(|&&sent| sent == channel).count();
    assert!(share(1) >= 3 && share(3) >= 3 && share(2) > 54, "{early:?}");
}

#[test]
fn a_full_queue_refuses_and_holds_nobody_else_up() {
    let (send_queue_bytes_max, message_queue_bytes_max) = (1000, 1000);
    let config = Config { send_queue_bytes_max, message_queue_bytes_max, ..config() };
    let mut session = Session::new(0, config);
    assert_eq!(session.send_reliable(1, 0, &[&[0; 900]]), Ok(()));
    assert_eq!(session.send_reliable(1, 0, &[&[0; 100]]), Err(Refused::QueueFull));
    assert!(!session.has_room(1, 100) && session.has_room(2, 100));
    assert_eq!(session.reliable_cost(1), cost(900));
    assert_eq!(session.send_reliable(2, 0, &[&[0; 100]]), Ok(()));
    assert_eq!(session.send_message(9, &[&[0; 900]]), Ok(()));
    assert!(session.message_count() == 1 && session.message_room() < 100);
    assert_eq!(session.send_message(9, &[&[0; 900]]), Err(Refused::QueueFull));
    sent(&mut session, 0);
    assert_eq!(session.message_count(), 0);
    assert_eq!(session.send_message(9, &[&[0; 900]]), Ok(()));
    let long = vec![0; session.reliable_size_max() + 1];
    assert_eq!(session.send_reliable(3, 0, &[&long]), Err(Refused::TooLong));
    let mut roomy = Session::new(0, super::world::config());
    assert_eq!(roomy.send_reliable(3, 0, &[&long[1..]]), Ok(()));
    let long = vec![0; session.message_size_max() + 1];
    assert_eq!(session.send_message(3, &[&long]), Err(Refused::TooLong));
}

#[test]
fn a_closed_gate_holds_messages_back_until_it_opens() {
    let mut world = perfect();
    world.gated = true;
    world.sessions[0].set_gate(1, true);
    world.sessions[0].send_reliable(1, 0, &[b"waits"]).expect("is taken");
    world.sessions[0].send_reliable(2, 0, &[b"goes"]).expect("is taken");
    world.run(1000 * MS);
    assert!(!world.logs[1].reliable.contains_key(&1) && world.logs[1].reliable[&2].len() == 1);
    assert!(!world.sessions[0].is_channel_idle(1) && world.sessions[0].is_channel_idle(2));
    world.gated = false;
    world.sessions[0].set_gate(1, false);
    world.run(2000 * MS);
    assert_eq!(world.logs[1].reliable[&1].len(), 1);
    assert!(world.sessions[0].is_idle());
}

#[test]
fn a_program_that_takes_nothing_stops_its_peer_and_lets_it_go_on() {
    let mut config = config();
    (config.window, config.peer_window) = (10_000, 10_000);
    let mut world = World::new(config, Params { delay: 10 * MS, ..Params::default() }, 1);
    for _ in 0..100 {
        world.sessions[0].send_reliable(1, 0, &[&[1; 1000]]).expect("is taken");
    }
    let taken = |world: &World| world.logs[1].reliable.get(&1).map_or(0, Vec::len);
    world.logs[1].room = Some(3);
    world.run(5000 * MS);
    assert_eq!(taken(&world), 3);
    assert!(world.sessions[1].is_stalled());
    // A window's worth waits in the receiver, the rest at home.
    let waits = world.sessions[0].reliable_cost(1);
    assert_eq!(waits, 100 * cost(1000) - 12 * cost(1000));
    assert!(world.sessions[0].failure().is_none());
    // It asks now and then, so that an answer that was lost does not end everything.
    assert!(world.datagrams[0] < 60, "{}", world.datagrams[0]);
    world.logs[1].room = None;
    world.sessions[1].deliver_held(&mut world.logs[1]);
    world.run(10_000 * MS);
    assert_eq!(taken(&world), 100);
}

#[test]
fn forged_numbers_and_acknowledgements_do_no_harm() {
    let mut session = Session::new(0, config());
    let mut log = Log::default();
    session.send_reliable(1, 0, &[b"mine"]).expect("is taken");
    sent(&mut session, 0);
    let mut ack = Vec::new();
    write_header(&mut ack, TOKEN, 0, 0);
    frame::write_ack(&mut ack, 0, &[(0, 1)]);
    assert_eq!(session.handle_datagram(1, &ack, &mut log), Taken::Malformed);
    assert!(!session.is_idle() && session.in_flight() > 0);
    // A number far ahead is taken, and later ones are still new.
    assert_eq!(session.handle_datagram(1, &forged(30_000, &[Frame::Ping]), &mut log), Taken::New);
    let twice = forged(30_000, &[Frame::Ping]);
    assert_eq!(session.handle_datagram(1, &twice, &mut log), Taken::Duplicate);
    assert_eq!(session.handle_datagram(1, &forged(1, &[Frame::Ping]), &mut log), Taken::New);
    // Channels that are not reliable here, and numbers that no window allows.
    let cases = [
        Frame::Reliable { channel: 77, sequence: 0, data: b"" },
        Frame::Repair { channel: 77, first: 0, members: 3, data: b"" },
        Frame::Reliable { channel: 1, sequence: 0x7000, data: b"" },
    ];
    for (number, frame) in (2..).zip(cases) {
        let datagram = forged(number, &[frame]);
        assert_eq!(session.handle_datagram(1, &datagram, &mut log), Taken::Malformed, "{frame:?}");
    }
    let mut foreign = forged(9, &[Frame::Ping]);
    foreign[1] ^= 1;
    assert_eq!(session.handle_datagram(1, &foreign, &mut log), Taken::Malformed);
    assert!(log.reliable.is_empty() && log.messages.is_empty());
    assert_eq!(session.statistics().malformed_in, 5);
}

#[test]
fn unreliable_messages_are_never_repeated_and_not_delivered_twice() {
    let params = Params { delay: 10 * MS, loss_percent: 20.0, ..Params::default() };
    let params = Params { duplicate_percent: 30.0, ..params };
    let mut world = World::new(config(), params, 3);
    for number in 0..500u32 {
        // Two together: one that is alone is not the session's.
        for number in [2 * number, 2 * number + 1] {
            world.sessions[0].send_message(9, &[&number.to_le_bytes()]).expect("is taken");
        }
        world.run(world.now + 5 * MS);
    }
    world.run(world.now + 1000 * MS);
    let mut got: Vec<_> = world.logs[1].messages.iter().map(|entry| entry.2.clone()).collect();
    assert!((750..850).contains(&got.len()), "{}", got.len());
    let all = got.len();
    got.sort();
    got.dedup();
    assert_eq!(got.len(), all);
    assert_eq!(world.sessions[0].statistics().repairs_out, 0);
    assert!((0.05..0.4).contains(&world.sessions[0].loss()), "{}", world.sessions[0].loss());
}

#[test]
fn the_round_trip_and_its_jitter_are_measured() {
    let mut world = perfect();
    assert_eq!(world.sessions[0].round_trip(), None);
    for _ in 0..50 {
        world.sessions[0].send_reliable(1, 0, &[b"tick"]).expect("is taken");
        world.run(world.now + 50 * MS);
    }
    let round_trip = world.sessions[0].round_trip().expect("was measured");
    assert!((19 * MS..22 * MS).contains(&round_trip), "{round_trip}");
    assert!(world.sessions[0].jitter() < 2 * MS);
}

#[test]
fn another_path_is_measured_anew() {
    let mut world = perfect();
    world.sessions[0].send_reliable(1, 0, &[b"tick"]).expect("is taken");
    world.run(1000 * MS);
    world.sessions[0].handle_path_change(world.now);
    assert_eq!(world.sessions[0].round_trip(), None);
    world.run(2000 * MS);
    assert!(world.sessions[0].round_trip().is_some(), "it asks by itself");
}

#[test]
fn a_challenge_is_answered_with_its_bytes() {
    let mut world = perfect();
    let mut challenge = Vec::new();
    world.sessions[0].write_challenge(0, [5; 8], &mut challenge);
    assert_eq!(kinds(&challenge), ["PathChallenge"]);
    world.sessions[1].handle_datagram(0, &challenge, &mut world.logs[1]);
    world.run(100 * MS);
    assert_eq!(world.sessions[0].poll_path_response(), Some([5; 8]));
    assert_eq!(world.sessions[0].poll_path_response(), None);
}

#[test]
fn the_smallest_datagrams_are_enough() {
    let config = Config { datagram_size_max: 1, ..config() };
    let mut world = World::new(config, Params { loss_percent: 20.0, ..Params::default() }, 5);
    let size = world.sessions[0].reliable_size_max();
    for _ in 0..200 {
        world.sessions[0].send_reliable(1, 0, &[&vec![3; size]]).expect("is taken");
        world.run(world.now + MS);
    }
    world.run(world.now + 10_000 * MS);
    assert_eq!(world.logs[1].reliable[&1].len(), 200);
    assert!(world.lengths.iter().all(|&length| length <= 256));
}
