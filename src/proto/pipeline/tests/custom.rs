//! Stages that a program brings: everything such a stage may do.

use super::*;

/// Puts two bytes in front and checks them at the other end.
struct Mark(u8);
/// Adds a number to each byte, in place.
struct Shift(u8);
/// Keeps each packet for a while, in both directions.
struct Slow;
/// Cuts messages into pieces of three bytes, each with a byte that says whether it is the last.
struct Cutter;
/// Fails on packets that begin with an `x`.
struct Strict;

macro_rules! stage {
    ($name:ident, $header:expr, $capacity:expr, |$this:ident, $seed:ident| $create:expr) => {
        impl CustomStage for $name {
            fn name(&self) -> &str {
                stringify!($name)
            }

            fn header_size(&self) -> usize {
                $header
            }

            fn payload_capacity(&self) -> usize {
                $capacity
            }

            fn create(&self, $seed: u64) -> Box<dyn CustomInstance> {
                let $this = self;
                $create
            }
        }
    };
}

stage!(Mark, 2, 0, |this, _seed| Box::new(Mark(this.0)));
stage!(Shift, 0, 0, |this, _seed| Box::new(Shift(this.0)));
stage!(Slow, 0, 0, |_this, _seed| Box::new(Slowly::default()));
stage!(Cutter, 1, 100, |_this, _seed| Box::new(Cutting::default()));
stage!(Strict, 0, 0, |_this, _seed| Box::new(Strict));

type Sent = Result<(), SendError>;
type Received = Result<(), StageError>;

impl CustomInstance for Mark {
    fn handle_send(&mut self, _: Micros, packet: &mut [u8], next: &mut dyn Next) -> Sent {
        next.forward(&[self.0, !self.0], packet)
    }

    fn handle_packet(&mut self, _: Micros, packet: &mut [u8], next: &mut dyn Next) -> Received {
        match packet.strip_prefix(&[self.0, !self.0]) {
            Some(payload) => next.forward(&[], payload).map_err(|_| StageError(2)),
            None => Err(StageError(1)),
        }
    }
}

impl CustomInstance for Shift {
    fn handle_send(&mut self, _: Micros, packet: &mut [u8], next: &mut dyn Next) -> Sent {
        packet.iter_mut().for_each(|byte| *byte = byte.wrapping_add(self.0));
        next.forward(&[], packet)
    }

    fn handle_packet(&mut self, _: Micros, packet: &mut [u8], next: &mut dyn Next) -> Received {
        packet.iter_mut().for_each(|byte| *byte = byte.wrapping_sub(self.0));
        next.forward(&[], packet).map_err(|_| StageError(2))
    }
}

#[derive(Default)]
struct Slowly {
    out: Vec<(Micros, Vec<u8>)>,
    into: Vec<(Micros, Vec<u8>)>,
}

impl CustomInstance for Slowly {
    fn handle_send(&mut self, now: Micros, packet: &mut [u8], _: &mut dyn Next) -> Sent {
        self.out.push((now + 10_000, packet.to_vec()));
        Ok(())
    }

    fn handle_packet(&mut self, now: Micros, packet: &mut [u8], _: &mut dyn Next) -> Received {
        self.into.push((now + 5_000, packet.to_vec()));
        Ok(())
    }

    fn next_timeout(&self) -> Option<Micros> {
        self.out.iter().chain(&self.into).map(|held| held.0).min()
    }

    fn handle_send_timeout(&mut self, now: Micros, next: &mut dyn Next) {
        while let Some((due, packet)) = self.out.first_mut()
            && *due <= now
        {
            if next.forward(&[], packet).is_err() {
                // Not now: in a millisecond.
                *due = now + 1_000;
                return;
            }
            self.out.remove(0);
        }
    }

    fn handle_receive_timeout(&mut self, now: Micros, next: &mut dyn Next) {
        while self.into.first().is_some_and(|held| held.0 <= now) {
            let (_, packet) = self.into.remove(0);
            next.forward(&[], &packet).unwrap();
        }
    }

    fn is_idle(&self) -> bool {
        self.out.is_empty() && self.into.is_empty()
    }
}

#[derive(Default)]
struct Cutting {
    whole: Vec<u8>,
}

impl CustomInstance for Cutting {
    fn handle_send(&mut self, _: Micros, packet: &mut [u8], next: &mut dyn Next) -> Sent {
        let count = packet.len().div_ceil(3);
        for (at, piece) in packet.chunks(3).enumerate() {
            next.forward(&[u8::from(at + 1 == count)], piece)?;
        }
        Ok(())
    }

    fn handle_packet(&mut self, _: Micros, packet: &mut [u8], next: &mut dyn Next) -> Received {
        let (&last, piece) = packet.split_first().ok_or(StageError(9))?;
        self.whole.extend_from_slice(piece);
        if last == 1 {
            next.forward(&[], &self.whole).map_err(|_| StageError(2))?;
            self.whole.clear();
        }
        Ok(())
    }
}

impl CustomInstance for Strict {
    fn handle_send(&mut self, _: Micros, packet: &mut [u8], next: &mut dyn Next) -> Sent {
        if packet.first() == Some(&b'x') {
            return Err(SendError::Stage(StageError(-7)));
        }
        next.forward(&[], packet)
    }

    fn handle_packet(&mut self, _: Micros, packet: &mut [u8], next: &mut dyn Next) -> Received {
        if packet.first() == Some(&b'x') {
            return Err(StageError(7));
        }
        next.forward(&[], packet).map_err(|_| StageError(2))
    }
}

fn custom(stage: impl CustomStage + 'static) -> StageConfig {
    StageConfig::Custom(Box::new(stage))
}

#[test]
fn a_stage_may_add_a_header() {
    let mut end = Alone::new(vec![custom(Mark(0x11))]);
    assert_eq!((end.pipeline.header_size(), end.pipeline.payload_size_max(100)), (2, 98));
    assert_eq!(end.packets_of(b"a"), vec![hex("11 ee 61")]);
    assert_eq!(end.messages_of(&hex("11 ee 62")), vec![b"b".to_vec()]);
    assert_eq!(end.send(&[0; PACKET_MAX - 1]), Err(SendError::Overflow));
}

#[test]
fn headers_of_stages_stand_in_order() {
    let stages =
        || vec![custom(Mark(1)), StageConfig::UnreliableSequenced, custom(Mark(2)), reliable(32)];
    let mut end = Alone::new(stages());
    let golden = hex("00 00 00 00 00 00 ff ff ff ff ff ff 02 fd 00 00 01 fe 61");
    assert_eq!(end.packets_of(b"a"), vec![golden.clone()]);
    assert_eq!(Alone::new(stages()).messages_of(&golden), vec![b"a".to_vec()]);
}

#[test]
fn a_stage_may_change_data_in_place_and_restore_it() {
    let mut end = Alone::new(vec![custom(Shift(1)), custom(Mark(9)), custom(Shift(2))]);
    let packets = end.packets_of(b"abc");
    assert_eq!(packets, vec![hex("0b f8 64 65 66")]);
    assert_eq!(end.messages_of(&packets[0]), vec![b"abc".to_vec()]);
}

#[test]
fn a_stage_may_hold_packets_at_the_first_and_at_the_last_position() {
    for stages in [
        || vec![custom(Slow), reliable(32), custom(Mark(1))],
        || vec![reliable(32), custom(Mark(1)), custom(Slow)],
        || vec![custom(Mark(2)), custom(Slow), reliable(32)],
    ] {
        let (mut end, mut peer) = (Alone::new(stages()), Alone::new(stages()));
        assert!(end.packets_of(b"a").is_empty());
        assert!(!end.pipeline.is_idle());
        assert_eq!(end.pipeline.next_timeout(), Some(10_000));
        assert!(end.wait(9).is_empty());
        let packets = end.wait(1);
        assert_eq!(packets.len(), 1);
        assert!(peer.messages_of(&packets[0]).is_empty());
        peer.wait(4);
        assert!(peer.out.messages.is_empty());
        peer.wait(1);
        assert_eq!(peer.out.messages, vec![b"a".to_vec()]);
    }
}

#[test]
fn what_a_stage_holds_waits_until_the_window_behind_it_has_room() {
    let stages = || vec![custom(Slow), reliable(8)];
    let (mut end, mut peer) = (Alone::new(stages()), Alone::new(vec![reliable(8)]));
    for number in 0..20 {
        end.send(&[number]).unwrap();
    }
    let mut got = Vec::new();
    for _ in 0..10 {
        for packet in end.wait(10) {
            got.extend(peer.messages_of(&packet));
        }
        if peer.pipeline.wants_ack() {
            let ack = peer.ack();
            end.receive(&ack).unwrap();
        }
    }
    assert_eq!(got, (0..20).map(|number| vec![number]).collect::<Vec<_>>());
}

#[test]
fn a_stage_may_cut_messages_by_itself() {
    let stages = || vec![custom(Cutter), reliable(32)];
    let (mut end, mut peer) = (Alone::new(stages()), Alone::new(stages()));
    assert_eq!(end.pipeline.payload_size_max(PACKET_MAX), 100);
    let packets = end.packets_of(&message(1, 90));
    assert_eq!(packets.len(), 30);
    for packet in &packets {
        peer.receive(packet).unwrap();
    }
    assert_eq!(peer.out.messages, vec![message(1, 90)]);
    assert_eq!(end.send(&message(1, 101)), Err(SendError::Overflow));
}

#[test]
fn a_stage_may_fail() {
    let mut end = Alone::new(vec![custom(Strict), StageConfig::UnreliableSequenced]);
    assert_eq!(end.send(b"x1"), Err(SendError::Stage(StageError(-7))));
    assert_eq!(end.packets_of(b"y1"), vec![hex("00 00 79 31")]);
    assert_eq!(end.receive(&hex("00 00 78")), Err(PacketError::Stage(StageError(7))));
    assert_eq!(end.messages_of(&hex("01 00 79")), vec![b"y".to_vec()]);
}

#[test]
fn a_failure_before_reliable_keeps_no_other_message_back() {
    let stages = || vec![custom(Mark(1)), reliable(32)];
    let mut peer = Alone::new(stages());
    let packet = |sequence: u8, payload: &str| {
        hex(&format!("00 00 00 00 {sequence:02x} 00 ff ff ff ff ff ff {payload}"))
    };
    peer.receive(&packet(2, "01 fe 63")).unwrap();
    peer.receive(&packet(1, "99 99 62")).unwrap();
    let result = peer.receive(&packet(0, "01 fe 61"));
    assert_eq!(result, Err(PacketError::Stage(StageError(1))));
    assert_eq!(peer.out.messages, vec![b"a".to_vec(), b"c".to_vec()]);
}

#[test]
fn reliable_sends_again_what_a_stage_behind_it_failed_to_send() {
    /// Fails every second time.
    struct Flaky;
    struct Flaking(u32);
    stage!(Flaky, 0, 0, |_this, _seed| Box::new(Flaking(0)));
    impl CustomInstance for Flaking {
        fn handle_send(&mut self, _: Micros, packet: &mut [u8], next: &mut dyn Next) -> Sent {
            self.0 += 1;
            if self.0 % 2 == 1 {
                return Err(SendError::Stage(StageError(1)));
            }
            next.forward(&[], packet)
        }

        fn handle_packet(&mut self, _: Micros, packet: &mut [u8], next: &mut dyn Next) -> Received {
            next.forward(&[], packet).map_err(|_| StageError(2))
        }
    }
    let mut end = Alone::new(vec![reliable(32), custom(Flaky)]);
    assert!(end.packets_of(b"a").is_empty(), "it was taken all the same");
    assert_eq!(end.wait(65).len(), 1);
}

#[test]
fn a_header_that_is_longer_than_was_said_is_refused() {
    struct Liar;
    stage!(Liar, 1, 0, |_this, _seed| Box::new(Mark(1)));
    let mut end = Alone::new(vec![custom(Liar)]);
    assert_eq!(end.send(b"a"), Err(SendError::Overflow));
}

#[test]
fn each_connection_has_its_own_instance() {
    struct Seeded;
    stage!(Seeded, 2, 0, |_this, seed| Box::new(Mark(seed as u8)));
    let config = PipelineConfig::new(vec![custom(Seeded)]).unwrap();
    for seed in 1..4u8 {
        let mut out = Collected::default();
        let mut pipeline = Pipeline::new(&config, u64::from(seed));
        pipeline.handle_send(0, b"a", PACKET_MAX, &mut out).unwrap();
        assert_eq!(out.packets, vec![vec![seed, !seed, b'a']]);
    }
    let too_long = {
        struct Long;
        stage!(Long, 513, 0, |_this, _seed| Box::new(Mark(1)));
        PipelineConfig::new(vec![custom(Long)])
    };
    assert!(too_long.is_err());
}
