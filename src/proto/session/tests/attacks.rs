//! What a peer, or a network with a long memory, might do to a session.

use crate::proto::netem::Params;
use crate::proto::random::Random;
use crate::proto::session::frame::{self, Frame};
use crate::proto::session::packet::{TYPE_LONG, TYPE_SHORT, write_header};
use crate::proto::session::{Config, Session, Taken, cost};
use crate::proto::time::Micros;

use super::behaviour::{forged, sent};
use super::world::{DATAGRAM_COST, Log, MS, TOKEN, World, config};

/// Two sessions whose datagrams a test passes on by hand.
struct Wire {
    now: Micros,
    sessions: [Session; 2],
    log: Log,
}

impl Wire {
    fn new() -> Self {
        let sessions = [Session::new(0, config()), Session::new(0, config())];
        Self { now: 0, sessions, log: Log::default() }
    }

    /// A round trip; gives the datagrams of the first side, which have all arrived but the first
    /// `lost` ones.
    fn turn(&mut self, lost: usize) -> Vec<Vec<u8>> {
        self.now += MS;
        let [one, two] = &mut self.sessions;
        one.handle_timeout(self.now);
        let datagrams = sent(one, self.now);
        for datagram in datagrams.iter().skip(lost) {
            two.handle_datagram(self.now, datagram, &mut self.log);
        }
        two.handle_answered();
        for datagram in sent(two, self.now) {
            one.handle_datagram(self.now, &datagram, &mut Log::default());
        }
        datagrams
    }

    fn delivered(&self) -> u32 {
        self.log.reliable.get(&1).map_or(0, Vec::len) as u32
    }
}

#[test]
fn a_packet_from_65536_messages_ago_delivers_nothing() {
    let mut wire = Wire::new();
    let (mut pushed, mut old) = (0u32, Vec::new());
    while pushed < 65_536 + 2000 {
        let most = if pushed < 65_500 { (65_500 - pushed).min(900) } else { 10 };
        for _ in 0..most {
            wire.sessions[0].send_reliable(1, 0, &[&pushed.to_le_bytes()]).expect("is taken");
            pushed += 1;
        }
        // The first ones are late, and what was in them comes again in time.
        let lost = 2 * usize::from(pushed == 900);
        old.extend(wire.turn(lost).into_iter().take(lost));
        while !wire.sessions[0].is_idle() {
            wire.turn(0);
        }
        for datagram in old.iter().filter(|_| pushed >= 65_500) {
            let taken = wire.sessions[1].handle_datagram(wire.now, datagram, &mut wire.log);
            assert_eq!(taken, Taken::Duplicate);
        }
    }
    assert_eq!((old.len(), wire.delivered()), (2, pushed));
    for (number, (_, data)) in (0u32..).zip(&wire.log.reliable[&1]) {
        assert_eq!(data[..], number.to_le_bytes());
    }
}

#[test]
fn packets_that_come_very_late_never_change_what_is_delivered() {
    let mut wire = Wire::new();
    let mut random = Random::new(4);
    let (mut pushed, mut late) = (0u32, Vec::new());
    let mut turn = 0;
    while pushed < 200_000 || wire.delivered() < pushed {
        wire.now += 10 * MS;
        turn += 1;
        for _ in 0..2500 {
            let parts = [&pushed.to_le_bytes()[..]];
            let taken = pushed < 200_000 && wire.sessions[0].send_reliable(1, 0, &parts).is_ok();
            pushed += u32::from(taken);
        }
        let [one, two] = &mut wire.sessions;
        one.handle_timeout(wire.now);
        for datagram in sent(one, wire.now) {
            if random.below(16) == 0 {
                late.push((turn + random.below(60), datagram));
            } else {
                two.handle_datagram(wire.now, &datagram, &mut wire.log);
            }
        }
        late.retain(|(due, datagram)| {
            if *due <= turn {
                two.handle_datagram(wire.now, datagram, &mut wire.log);
            }
            *due > turn
        });
        two.handle_answered();
        for datagram in sent(two, wire.now) {
            one.handle_datagram(wire.now + 9 * MS, &datagram, &mut Log::default());
        }
        assert!(turn < 20_000, "{} of {pushed}", wire.delivered());
    }
    let repairs = wire.sessions[0].statistics().repairs_out;
    assert!(repairs > 100, "{repairs}");
    for (number, (_, data)) in (0u32..).zip(&wire.log.reliable[&1]) {
        assert_eq!(data[..], number.to_le_bytes());
    }
    assert_eq!(wire.delivered(), pushed);
}

#[test]
fn packets_say_more_of_their_number_while_many_leave() {
    let mut wire = Wire::new();
    let mut kinds = Vec::new();
    let mut second = |wire: &mut Wire, count: u32| {
        for number in 0..count {
            // So many that their numbers come again while an old one may still be under way.
            for _ in 0..20 {
                wire.sessions[0].send_message(9, &[&[0; 1300]]).expect("is taken");
            }
            let datagrams = wire.turn(0);
            if number == count - 1 {
                kinds.push(datagrams[0][0]);
            }
        }
        wire.now += 1000 * MS;
    };
    second(&mut wire, 10);
    second(&mut wire, 900);
    for _ in 0..6 {
        second(&mut wire, 1);
    }
    let [first, second, .., last] = kinds[..] else { panic!("{kinds:?}") };
    assert_eq!((first, second, last), (TYPE_SHORT, TYPE_LONG, TYPE_SHORT));
}

#[test]
fn only_the_newest_packet_tells_what_was_won_back() {
    let mut session = Session::new(0, config());
    let mut log = Log::default();
    session.send_reliable(1, 0, &[b"mine"]).expect("is taken");
    sent(&mut session, 0);
    let told = [Frame::Delivered(1, 1)];
    session.handle_datagram(1, &forged(10, &[Frame::Ping]), &mut log);
    session.handle_datagram(1, &forged(5, &told), &mut log);
    assert!(!session.is_idle());
    session.handle_datagram(1, &forged(11, &told), &mut log);
    assert!(session.is_idle());
}

#[test]
fn a_copy_of_a_packet_that_breaks_a_rule_counts_no_second_time() {
    let mut session = Session::new(0, config());
    let mut log = Log::default();
    let message = Frame::Message { pipeline: 3, data: b"once" };
    let offence = Frame::Reliable { channel: 77, sequence: 0, data: b"" };
    let datagram = forged(0, &[message, offence]);
    assert_eq!(session.handle_datagram(0, &datagram, &mut log), Taken::Malformed);
    assert_eq!(session.handle_datagram(0, &datagram, &mut log), Taken::Duplicate);
    assert_eq!(log.messages.len(), 1);
}

#[test]
fn an_answer_between_a_probe_and_its_datagram_does_not_end_the_asking() {
    let mut session = Session::new(0, config());
    for _ in 0..2 {
        session.send_reliable(1, 0, &[&[1; 1000]]).expect("is taken");
    }
    assert_eq!(sent(&mut session, 0).len(), 2);
    let due = session.next_timeout().expect("asks");
    session.handle_timeout(due);
    let mut ack = Vec::new();
    write_header(&mut ack, TOKEN, 0, 0);
    frame::write_ack(&mut ack, 0, &[(0, 0)]);
    session.handle_datagram(due, &ack, &mut Log::default());
    while !sent(&mut session, due).is_empty() {}
    let due = session.next_timeout().expect("the second is still under way");
    session.handle_timeout(due);
    assert_eq!(sent(&mut session, due).len(), 1);
}

#[test]
fn what_was_lost_behind_a_window_used_to_its_last_byte_comes_again() {
    let size = 992;
    let config = Config { peer_window: 64 * cost(size) as u32, ..config() };
    let mut session = Session::new(0, config);
    for _ in 0..100 {
        session.send_reliable(1, 0, &[&vec![1; size]]).expect("is taken");
    }
    let (mut now, mut left) = (0, 0);
    let mut acks = 0;
    while left < 64 {
        let datagrams = sent(&mut session, now).len() as u64;
        left += datagrams;
        assert!(datagrams > 0 || session.next_timeout().is_some(), "it waits for ever at {left}");
        // The newest alone arrives.
        let mut ack = Vec::new();
        write_header(&mut ack, TOKEN, acks, acks);
        frame::write_ack(&mut ack, 0, &[(left - 1, left - 1)]);
        if datagrams > 0 {
            session.handle_datagram(now, &ack, &mut Log::default());
            acks += 1;
        }
        while !sent(&mut session, now).is_empty() {
            left += 1;
        }
        assert!(session.next_timeout().is_some(), "it waits for ever at {left}");
        let due = session.next_timeout().expect("was just seen");
        now = now.max(due);
        session.handle_timeout(now);
    }
}

#[test]
fn the_smallest_windows_do_no_harm() {
    for window in [0, 1, 3, 1023, u32::MAX] {
        let config = Config { window, peer_window: window, ..config() };
        let mut world = World::new(config, Params { delay: 10 * MS, ..Params::default() }, 1);
        world.sessions[0].send_reliable(1, 0, &[&[1; 1000]]).expect("is taken");
        world.sessions[1].send_message(9, &[b"free"]).expect("is taken");
        world.run(2000 * MS);
        assert!(world.datagrams[0] + world.datagrams[1] < 50, "{window}: {:?}", world.datagrams);
        assert_eq!(world.sessions[0].is_idle(), window == u32::MAX, "{window}");
        assert_eq!(world.logs[0].messages.len(), 1);
    }
}

/// A frame whose every number is anything, near where it hurts.
fn any_frame<'a>(random: &mut Random, bytes: &'a [u8]) -> Frame<'a> {
    let near = random.below(40) as u16;
    let sequence = if random.below(4) == 0 { random.below(1 << 16) as u16 } else { near };
    let channel = random.below(7) as u8;
    let data = &bytes[..random.below(bytes.len() as u64) as usize];
    match random.below(9) {
        0 => Frame::Ping,
        1 => Frame::Window(random.below(1 << 32) as u32),
        2 => Frame::Blocked,
        3 => Frame::Delivered(channel, sequence),
        4 => Frame::PathChallenge([near as u8; 8]),
        5 => Frame::PathResponse([near as u8; 8]),
        6 => Frame::Message { pipeline: channel, data },
        7 => Frame::Reliable { channel, sequence, data },
        _ => {
            let members = 1 | 2 << random.below(7) | random.below(256) as u8;
            Frame::Repair { channel, first: sequence, members, data }
        }
    }
}

fn any_datagram(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let far = random.below(8) == 0;
    let number = random.below(if far { 1 << 32 } else { 300 });
    let mut out = Vec::new();
    write_header(&mut out, TOKEN, number, if far { 0 } else { number });
    for _ in 0..random.below(6) {
        if random.below(3) > 0 {
            frame::write(&mut out, &any_frame(random, bytes), random.below(6) == 0);
            continue;
        }
        let mut ranges = Vec::new();
        let mut top = random.below(60);
        while ranges.len() < 32 {
            let start = top.saturating_sub(random.below(9));
            ranges.push((start, top));
            let Some(next) = start.checked_sub(2 + random.below(3)) else { break };
            top = next;
        }
        frame::write_ack(&mut out, random.below(1 << 40), &ranges);
    }
    // Some are cut short.
    let cut = random.below(5) == 0;
    out.truncate(if cut { random.below(out.len() as u64 + 1) as usize } else { 1400 });
    out
}

#[test]
fn whatever_a_peer_forges_is_answered_with_little_and_costs_little() {
    let bytes = [0x5a; 300];
    for seed in 0..1000 {
        let mut random = Random::new(seed);
        let window = 20_000;
        let config = Config { window, peer_window: window, ..config() };
        let mut session = Session::new(0, config);
        let mut log = Log { room: (seed % 3 == 0).then_some(2), ..Log::default() };
        let (mut now, mut sent_bytes, mut came, mut given) = (0, 0, 0, 0);
        for _ in 0..60 {
            if random.below(3) == 0 {
                let given_now = session.send_reliable(1 + random.below(5) as u8, 0, &[&bytes]);
                given += usize::from(given_now.is_ok());
            }
            let datagram = any_datagram(&mut random, &bytes);
            came += datagram.len() + DATAGRAM_COST;
            session.handle_datagram(now, &datagram, &mut log);
            session.handle_timeout(now);
            session.handle_answered();
            let out = sent(&mut session, now);
            assert!(out.len() < 20, "seed {seed}: {} datagrams at once", out.len());
            sent_bytes += out.iter().map(|out| out.len() + DATAGRAM_COST).sum::<usize>();
            now += random.below(30) * MS;
        }
        assert!(session.in_flight() < 1 << 20, "seed {seed}");
        // Its own messages, each a few times; beyond that, no more than came.
        assert!(sent_bytes <= 2 * came + 8 * given * 400, "seed {seed}: {sent_bytes} for {came}");
        let taken: u64 = log.reliable.values().flatten().map(|(_, data)| cost(data.len())).sum();
        assert!(taken <= 20 * u64::from(window), "seed {seed}");
    }
}
