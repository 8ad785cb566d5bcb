//! The ReliableSequenced stage: loss, acknowledgements, windows, round trips, counters.

use super::*;

/// Gives each packet to the other end, and gives what it delivers.
fn deliver(to: &mut Alone, packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    packets.iter().flat_map(|packet| to.messages_of(packet)).collect()
}

fn pair(window: usize) -> (Alone, Alone) {
    (Alone::new(vec![reliable(window)]), Alone::new(vec![reliable(window)]))
}

fn world(window: usize, loss_percent: f32, seed: u64) -> World {
    let params = Params { delay: 5_000, loss_percent, ..Params::default() };
    World::new(&move || vec![reliable(window)], params, seed)
}

/// Sends numbered messages whenever the window takes one, in frames of 16 ms, until all are there.
fn send_all(world: &mut World, count: usize) {
    let mut sent = 0;
    while sent < count {
        while sent < count && world.send(0, &message(sent, 40)) == Ok(()) {
            sent += 1;
        }
        world.frame(16_000);
    }
    world.settle();
    let inbox = std::mem::take(&mut world.ends[1].port.inbox);
    let expected: Vec<_> = (0..count).map(|number| message(number, 40)).collect();
    assert!(inbox == expected, "{} of {count}", inbox.len());
}

#[test]
fn a_lost_packet_is_recovered_in_order() {
    let (mut end, mut peer) = pair(32);
    let packets: Vec<_> = (0..3).flat_map(|number| end.packets_of(&[number])).collect();
    assert_eq!(deliver(&mut peer, &packets[0..1]), vec![vec![0]]);
    assert!(deliver(&mut peer, &packets[2..3]).is_empty());
    let ack = peer.ack();
    end.receive(&ack).unwrap();
    let again = end.wait(201);
    assert_eq!(again.len(), 1, "only what is missing");
    assert_eq!(deliver(&mut peer, &again), vec![vec![1], vec![2]]);
    let ack = peer.ack();
    end.receive(&ack).unwrap();
    assert!(end.pipeline.is_idle() && peer.pipeline.is_idle());
}

#[test]
fn one_message_and_many_arrive() {
    for count in [1, 2, 31, 32, 33, 1000] {
        send_all(&mut world(32, 0.0, 1), count);
    }
}

#[test]
fn many_messages_arrive_under_loss() {
    for seed in 0..10 {
        send_all(&mut world(32, 20.0, seed), 500);
    }
}

#[test]
fn the_window_fills_and_empties() {
    for window in [8, 32, 64, 72, 256, 2040] {
        let (mut end, mut peer) = pair(window);
        let packets: Vec<_> =
            (0..window).flat_map(|number| end.packets_of(&message(number, 3))).collect();
        assert_eq!(end.send(b"one more"), Err(SendError::QueueFull));
        // All but the first: no place is free, because the first holds them all.
        assert!(deliver(&mut peer, &packets[1..]).is_empty());
        let ack = peer.ack();
        end.receive(&ack).unwrap();
        assert_eq!(end.send(b"one more"), Err(SendError::QueueFull), "{window}");
        assert!(!end.pipeline.is_idle());
        assert_eq!(deliver(&mut peer, &packets[..1]).len(), window);
        let ack = peer.ack();
        end.receive(&ack).unwrap();
        assert!(end.pipeline.is_idle(), "{window}");
        let packets: Vec<_> = (0..window).flat_map(|_| end.packets_of(b"x")).collect();
        assert_eq!(deliver(&mut peer, &packets).len(), window);
    }
}

#[test]
fn every_mask_names_exactly_what_is_missing() {
    for window in [8, 32, 64, 72, 256, 2040] {
        for lost in [0, 1, 6, 7, 8, 31, 32, 63, 64, 71, 200, 255, 2000, 2039] {
            if lost >= window {
                continue;
            }
            let (mut end, mut peer) = pair(window);
            let packets: Vec<_> =
                (0..window).flat_map(|number| end.packets_of(&message(number, 3))).collect();
            let mut order: Vec<_> = packets.clone();
            order.remove(lost);
            // The last shall not be first.
            order.reverse();
            let early = deliver(&mut peer, &order);
            assert_eq!(early.len(), lost, "{window} {lost}");
            let ack = peer.ack();
            end.receive(&ack).unwrap();
            let again = end.wait(300);
            assert_eq!(again.len(), 1, "{window} {lost}");
            let rest = deliver(&mut peer, &again);
            assert_eq!(rest.first(), Some(&message(lost, 3)));
            assert_eq!(early.len() + rest.len(), window);
        }
    }
}

#[test]
fn packets_outside_of_the_window_are_ignored_and_so_is_what_they_acknowledge() {
    let (mut end, _) = pair(8);
    end.packets_of(b"mine");
    // Too new, and acknowledging 0.
    end.receive(&hex("00 00 00 00 08 00 00 00 ff ff ff ff 61")).unwrap();
    assert!(!end.pipeline.wants_ack());
    assert!(!end.pipeline.is_idle(), "0 is not acknowledged");
    for sequence in 0..20 {
        let packet = hex(&format!("00 00 00 00 {sequence:02x} 00 ff ff ff ff ff ff 61"));
        end.receive(&packet).unwrap();
    }
    end.ack();
    // Newest is 19; 12 is in the window, 11 is not.
    end.receive(&hex("00 00 00 00 0b 00 00 00 ff ff ff ff 61")).unwrap();
    assert!(!end.pipeline.wants_ack() && end.reliable().packets_stale == 2);
    end.receive(&hex("00 00 00 00 0c 00 00 00 ff ff ff ff 61")).unwrap();
    assert!(end.pipeline.ack_is_urgent() && end.reliable().packets_duplicated == 1);
    end.ack();
    assert!(end.pipeline.is_idle(), "a copy's acknowledgement counts");
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_is_ignored() {
    let (mut end, _) = pair(32);
    for number in 0..3 {
        end.packets_of(&[number]);
    }
    for acked in ["03 00", "00 80", "fe ff"] {
        end.receive(&hex(&format!("01 00 00 00 00 00 {acked} ff ff ff ff 00"))).unwrap();
    }
    assert_eq!(end.wait(201).len(), 3);
}

#[test]
fn older_acknowledgements_change_nothing() {
    let (mut end, _) = pair(32);
    for number in 0..3 {
        end.packets_of(&[number]);
    }
    end.receive(&hex("01 00 00 00 00 00 02 00 fd ff ff ff 00")).unwrap();
    end.receive(&hex("01 00 00 00 00 00 01 00 ff ff ff ff 00")).unwrap();
    let again = end.wait(201);
    assert_eq!((again.len(), again[0][12]), (1, 1), "1 is missing");
}

#[test]
fn equal_acknowledgements_add_up() {
    let (mut end, _) = pair(32);
    for number in 0..4 {
        end.packets_of(&[number]);
    }
    end.receive(&hex("01 00 00 00 00 00 03 00 f1 ff ff ff 00")).unwrap();
    end.receive(&hex("01 00 00 00 00 00 03 00 f5 ff ff ff 00")).unwrap();
    end.receive(&hex("01 00 00 00 00 00 03 00 f3 ff ff ff 00")).unwrap();
    let again = end.wait(201);
    assert_eq!((again.len(), again[0][12]), (1, 0), "only 0 is still missing");
}

#[test]
fn a_packet_is_sent_again_after_the_resend_time_and_not_before() {
    let (mut end, _) = pair(32);
    end.packets_of(b"a");
    // Before any measurement 50 ms, raised to the least resend time.
    assert_eq!(end.pipeline.next_timeout(), Some(64_001));
    assert!(end.wait(64).is_empty());
    end.now += 1;
    assert_eq!(end.wait(0).len(), 1);
    assert!(end.wait(64).is_empty());
    assert_eq!(end.wait(1).len(), 1);
}

#[test]
fn all_expired_packets_leave_at_once_the_lowest_first() {
    let (mut end, mut peer) = pair(32);
    end.now = 5;
    for number in 0..10 {
        end.packets_of(&[number]);
        end.now += 1000;
    }
    end.receive(&hex("01 00 00 00 00 00 03 00 fb ff ff ff 00")).unwrap();
    let again = end.wait(300);
    assert_eq!(again.len(), 7, "0, 2 and 3 are there; 1 and 4 to 9 are not");
    let numbers: Vec<_> = again.iter().map(|packet| packet[12]).collect();
    assert_eq!(numbers, [1, 4, 5, 6, 7, 8, 9]);
    peer.receive(&again[0]).unwrap();
}

#[test]
fn where_only_some_are_sent_again_at_once_each_has_its_turn() {
    let (mut end, _) = pair(32);
    for number in 0..5 {
        end.packets_of(&[number]);
    }
    end.pipeline.set_resend_pace(ResendPace { least: 0, most: 2 });
    let turns: Vec<Vec<u8>> =
        (0..4).map(|_| end.wait(300).iter().map(|packet| packet[12]).collect()).collect();
    assert_eq!(turns, [vec![0, 1], vec![2, 3], vec![4, 0], vec![1, 2]]);
}

#[test]
fn a_packet_that_is_sent_again_carries_what_is_known_then() {
    let (mut end, mut peer) = pair(32);
    let first = end.packets_of(b"a");
    let theirs = peer.packets_of(b"b");
    deliver(&mut end, &theirs);
    assert!(end.pipeline.wants_ack());
    let again = end.wait(65);
    assert_eq!(first, vec![hex("00 00 00 00 00 00 ff ff ff ff ff ff 61")]);
    assert_eq!(again, vec![hex("00 00 41 00 00 00 00 00 ff ff ff ff 61")]);
    assert!(!end.pipeline.wants_ack(), "it was an acknowledgement too");
}

#[test]
fn resend_times_have_bounds() {
    let config = ReliableConfig {
        minimum_resend_time_ms: 10,
        maximum_resend_time_ms: 300,
        ..Default::default()
    };
    let mut end = Alone::new(vec![StageConfig::ReliableSequenced(config)]);
    end.packets_of(b"a");
    assert_eq!(end.pipeline.next_timeout(), Some(50_001));
    // A round trip of five seconds.
    end.now = 5_000_000;
    end.receive(&hex("01 00 00 00 00 00 00 00 ff ff ff ff 00")).unwrap();
    end.packets_of(b"b");
    assert_eq!(end.pipeline.next_timeout(), Some(5_300_001));
}

#[test]
fn round_trips_are_measured_less_the_time_at_the_peer() {
    let (mut end, _) = pair(32);
    end.packets_of(b"a");
    end.now = 100_000;
    end.receive(&hex("01 00 14 00 00 00 00 00 ff ff ff ff 00")).unwrap();
    // 80 ms: 50 + 30/8; 5 + (30 - 5)/4; 53.75 + 4 * 11.25 = 98.75, whole milliseconds.
    let expected = RttInfo {
        last: 80_000,
        smoothed: 53_750,
        variance: 11_250,
        resend_timeout: 98_000,
        samples: 1,
    };
    assert_eq!(end.reliable().rtt, expected);
    end.packets_of(b"b");
    // And the 20 ms that acknowledgements wait at the peer.
    assert_eq!(end.pipeline.next_timeout(), Some(100_000 + 98_000 + 20_000 + 1));
    // The same again is no measurement, nor is one of a packet that is known.
    end.receive(&hex("01 00 14 00 00 00 00 00 ff ff ff ff 00")).unwrap();
    assert_eq!(end.reliable().rtt, expected);
    // Less than a millisecond counts as one.
    end.receive(&hex("01 00 14 00 00 00 01 00 ff ff ff ff 00")).unwrap();
    assert_eq!(end.reliable().rtt.last, 1000);
}

#[test]
fn only_the_packet_that_is_named_is_measured() {
    let (mut end, _) = pair(32);
    end.packets_of(b"a");
    end.now = 30_000;
    end.packets_of(b"b");
    end.now = 40_000;
    end.receive(&hex("01 00 00 00 00 00 01 00 ff ff ff ff 00")).unwrap();
    let rtt = end.reliable().rtt;
    assert_eq!((rtt.last, rtt.samples), (10_000, 1));
}

#[test]
fn a_time_at_the_peer_that_the_field_cannot_hold_is_no_measurement() {
    let (mut end, mut peer) = pair(32);
    let packets = end.packets_of(b"a");
    deliver(&mut peer, &packets);
    peer.now = 100_000_000;
    let ack = peer.ack();
    assert_eq!(ack[2..4], [0xff, 0xff]);
    end.now = 100_040_000;
    end.receive(&ack).unwrap();
    assert_eq!(end.reliable().rtt.samples, 0);
    assert!(end.pipeline.is_idle());
}

#[test]
fn round_trips_go_on_being_measured_after_65536_packets() {
    // Stock stops: it compares a number of 16 bits with one of 64.
    let (mut end, mut peer) = pair(32);
    for _ in 0..65_600 {
        let packets = end.packets_of(b"x");
        deliver(&mut peer, &packets);
        end.now += 40_000;
        peer.now += 40_000;
        let ack = peer.ack();
        end.receive(&ack).unwrap();
    }
    let rtt = end.reliable().rtt;
    assert_eq!(rtt.samples, 65_600);
    // The peer had each for 40 ms, so that nothing is left.
    assert_eq!(rtt.last, 1000);
}

#[test]
fn round_trips_over_a_network_are_those_of_the_network() {
    let mut world = world(32, 0.0, 1);
    for number in 0..200 {
        world.send(0, &message(number, 10)).unwrap();
        world.frame(16_000);
    }
    let rtt = world.reliable(0).rtt;
    // 5 ms each way, seen in frames of 16 ms.
    assert!((30_000..=34_000).contains(&rtt.smoothed), "{rtt:?}");
    assert!(rtt.variance < 2_000 && rtt.samples > 150, "{rtt:?}");
    assert_eq!(world.reliable(0).packets_resent, 0);
}

#[test]
fn acknowledgements_that_wait_for_a_frame_cause_no_second_sending() {
    // Each packet takes two frames, its acknowledgement leaves in the next one and takes two.
    let params = Params { delay: 20_000, ..Params::default() };
    let mut world = World::new(&|| vec![reliable(32)], params, 1);
    for number in 0..300 {
        world.send(0, &message(number, 10)).unwrap();
        world.frame(16_000);
    }
    // The first ones leave before anything is known.
    assert!(world.reliable(0).packets_resent < 20, "{:?}", world.reliable(0));
}

#[test]
fn counters_without_loss() {
    let mut world = world(32, 0.0, 1);
    send_all(&mut world, 100);
    let (sent, got) = (world.reliable(0), world.reliable(1));
    assert_eq!((sent.packets_sent, got.packets_received), (100, 100));
    assert!(got.acks_sent > 0 && sent.acks_received == got.acks_sent);
    let rest = |all: &ReliableStatistics| {
        [
            all.packets_dropped,
            all.packets_out_of_order,
            all.packets_duplicated,
            all.packets_stale,
            all.packets_resent,
        ]
    };
    assert_eq!((rest(&sent), rest(&got)), ([0; 5], [0; 5]));
}

#[test]
fn counters_with_loss_count_gaps_as_drops() {
    let (mut end, mut peer) = pair(32);
    let packets: Vec<_> = (0..6).flat_map(|number| end.packets_of(&[number])).collect();
    // 1 and 3 are lost; 4 comes twice.
    for at in [0, 2, 4, 4, 5] {
        peer.receive(&packets[at]).unwrap();
    }
    let got = peer.reliable();
    assert_eq!((got.packets_received, got.packets_dropped, got.packets_duplicated), (5, 2, 1));
    let ack = peer.ack();
    end.receive(&ack).unwrap();
    let again = end.wait(201);
    assert_eq!(end.reliable().packets_resent, 2);
    deliver(&mut peer, &again);
    let got = peer.reliable();
    assert_eq!((got.packets_out_of_order, got.packets_dropped, got.acks_sent), (2, 2, 1));
}

#[test]
fn a_packet_that_brings_nothing_makes_an_acknowledgement_urgent() {
    let (mut end, mut peer) = pair(32);
    let packets: Vec<_> = (0..3).flat_map(|number| end.packets_of(&[number])).collect();
    deliver(&mut peer, &packets[..1]);
    assert!(peer.pipeline.wants_ack() && !peer.pipeline.ack_is_urgent());
    deliver(&mut peer, &packets[2..]);
    assert!(peer.pipeline.ack_is_urgent());
    peer.ack();
    deliver(&mut peer, &packets[..1]);
    assert!(peer.pipeline.ack_is_urgent());
    peer.packets_of(b"an answer carries it");
    assert!(!peer.pipeline.wants_ack() && !peer.pipeline.ack_is_urgent());
}

#[test]
fn one_way_traffic_flows_by_acknowledgements_alone() {
    let mut world = world(32, 0.0, 1);
    send_all(&mut world, 500);
    assert_eq!(world.reliable(1).packets_sent, 0);
    assert!(world.reliable(1).acks_sent > 0);
}

#[test]
fn after_a_ping_pong_nothing_more_is_sent() {
    let mut world = world(32, 0.0, 1);
    world.send(0, b"ping").unwrap();
    while world.ends[1].port.inbox.is_empty() {
        world.frame(16_000);
    }
    world.send(1, b"pong").unwrap();
    for _ in 0..100 {
        world.frame(16_000);
    }
    // The ping and the acknowledgement of the pong; the pong alone.
    assert_eq!([world.ends[0].port.sent, world.ends[1].port.sent], [2, 1]);
    assert_eq!(world.ends[0].port.inbox, vec![b"pong".to_vec()]);
}

#[test]
fn it_recovers_when_idle_after_a_drop() {
    let mut world = world(32, 0.0, 1);
    world.set_params(Params { partitioned: true, ..Params::default() });
    world.send(0, b"lost").unwrap();
    world.frame(16_000);
    world.set_params(Params { delay: 20_000, ..Params::default() });
    world.settle();
    assert_eq!(world.ends[1].port.inbox, vec![b"lost".to_vec()]);
}

#[test]
fn it_recovers_after_a_pause_with_a_full_window_in_between() {
    let mut world = world(32, 0.0, 1);
    let mut taken = Vec::new();
    let mut refused = 0;
    for frame in 0..400 {
        let partitioned = (100..200).contains(&frame);
        world.set_params(Params { delay: 20_000, partitioned, ..Params::default() });
        let next = message(frame, 20);
        match world.send(0, &next) {
            Ok(()) => taken.push(next),
            Err(error) => {
                assert_eq!(error, SendError::QueueFull);
                refused += 1;
            }
        }
        world.frame(16_000);
    }
    assert!(refused > 50, "{refused}");
    world.settle();
    assert!(world.ends[1].port.inbox == taken);
}

#[test]
fn memory_follows_what_is_under_way_and_not_the_window() {
    let (mut end, mut peer) = pair(2040);
    for number in 0..10_000 {
        let packets = end.packets_of(&message(number, 1000));
        deliver(&mut peer, &packets);
        let ack = peer.ack();
        end.receive(&ack).unwrap();
    }
    assert!(end.pipeline.spare_bytes() <= 16 * 1024, "{}", end.pipeline.spare_bytes());
    assert!(peer.pipeline.spare_bytes() <= 16 * 1024);
    // And what a burst took is given back.
    for number in 0..2000 {
        end.packets_of(&message(number, 1100));
    }
    let mut ack = hex("01 ff 00 00 00 00");
    ack.extend((10_000u16 + 1999).to_le_bytes());
    ack.extend([0xff; 256]);
    end.receive(&ack).unwrap();
    assert!(end.pipeline.is_idle());
    assert!(end.pipeline.spare_bytes() <= 128 * 1024);
}

#[test]
fn with_fragmentation_a_message_leaves_whole_or_not_at_all() {
    let stages = || vec![fragmentation(65_536), reliable(8)];
    let (mut end, mut peer) = (Alone::new(stages()), Alone::new(stages()));
    let five = message(1, 5 * 1376);
    let packets = end.packets_of(&five);
    assert_eq!(packets.len(), 5);
    // Four more would need nine places.
    assert_eq!(end.send(&message(2, 3 * 1376 + 1)), Err(SendError::QueueFull));
    assert!(end.packets().is_empty());
    let more = end.packets_of(&message(3, 3 * 1376));
    assert_eq!(deliver(&mut peer, &packets), vec![five]);
    assert_eq!(deliver(&mut peer, &more), vec![message(3, 3 * 1376)]);
    let ack = peer.ack();
    end.receive(&ack).unwrap();
    // What the window can never hold is full too, as with stock; the size says so beforehand.
    let largest = end.pipeline.payload_size_max(PACKET_MAX);
    assert_eq!(end.send(&message(4, largest + 1)), Err(SendError::QueueFull));
    assert_eq!(end.packets_of(&message(4, largest)).len(), 8);
}

#[test]
fn a_smaller_path_does_not_stop_what_is_under_way() {
    let (mut end, mut peer) = pair(32);
    end.packets_of(&message(1, 1300));
    let mut out = Collected::default();
    end.pipeline.handle_send(0, b"x", 600, &mut out).unwrap();
    assert_eq!(
        end.pipeline.handle_send(0, &message(1, 600), 600, &mut out),
        Err(SendError::Overflow)
    );
    let again = end.wait(65);
    assert_eq!(deliver(&mut peer, &again), vec![message(1, 1300), b"x".to_vec()]);
}
