//! The Fragmentation stage alone and beside others.

use super::*;

fn statistics(end: &Alone) -> FragmentationStatistics {
    let mut all = end.pipeline.statistics();
    all.find_map(|stage| match stage {
        StageStatistics::Fragmentation(statistics) => Some(statistics),
        _ => None,
    })
    .unwrap()
}

/// Sends through `stages` and back out of a fresh end.
fn crosses(stages: &dyn Fn() -> Vec<StageConfig>, size: usize) {
    let (mut end, mut peer) = (Alone::new(stages()), Alone::new(stages()));
    for number in 0..3 {
        let original = message(number, size);
        let packets = end.packets_of(&original);
        let mut got = Vec::new();
        for packet in &packets {
            assert!(packet.len() <= PACKET_MAX);
            got.extend(peer.messages_of(packet));
        }
        assert_eq!(got, vec![original], "{size}");
    }
}

#[test]
fn a_small_a_3000_byte_and_a_largest_message_arrive() {
    for size in [0, 1, 4, 1388, 1389, 3000, 4096] {
        crosses(&|| vec![fragmentation(4096)], size);
    }
    for size in (PACKET_MAX - 100)..(PACKET_MAX + 100) {
        crosses(&|| vec![fragmentation(4096)], size);
    }
    crosses(&|| vec![fragmentation(1_000_000)], 1_000_000);
}

#[test]
fn sizes_around_a_packet_cross_with_unreliable_sequenced_before_or_behind() {
    for size in (1370..1400).chain(2750..2790) {
        crosses(&|| vec![StageConfig::UnreliableSequenced, fragmentation(4096)], size);
        crosses(&|| vec![fragmentation(4096), StageConfig::UnreliableSequenced], size);
    }
}

#[test]
fn a_message_above_the_capacity_overflows() {
    let mut end = Alone::new(vec![fragmentation(4096)]);
    assert_eq!(end.send(&message(0, 4097)), Err(SendError::Overflow));
    assert!(end.out.packets.is_empty());
    // Numbers were not used up.
    assert_eq!(end.packets_of(b"a"), vec![hex("00 c0 61")]);
}

#[test]
fn a_stage_before_takes_its_header_out_of_the_capacity() {
    let stages = || vec![StageConfig::UnreliableSequenced, fragmentation(4096)];
    let mut end = Alone::new(stages());
    // A stock receiver counts that header as a part of the message.
    assert_eq!(end.pipeline.payload_size_max(PACKET_MAX), 4094);
    assert_eq!(end.send(&message(0, 4095)), Err(SendError::Overflow));
    crosses(&stages, 4094);
}

#[test]
fn a_message_of_a_stock_peer_may_fill_the_capacity_whatever_stands_before() {
    let mut peer = Alone::new(vec![StageConfig::UnreliableSequenced, fragmentation(10)]);
    peer.receive(&hex("00 80 00 00 01 02 03 04")).unwrap();
    let got = peer.messages_of(&hex("01 40 05 06 07 08 09 0a"));
    assert_eq!(got, vec![hex("01 02 03 04 05 06 07 08 09 0a")]);
}

#[test]
fn each_lost_fragment_loses_exactly_its_message() {
    for lost in 0..9 {
        let mut end = Alone::new(vec![fragmentation(4096)]);
        let mut peer = Alone::new(vec![fragmentation(4096)]);
        let messages: Vec<_> = (0..3).map(|number| message(number, 3000)).collect();
        let packets: Vec<_> = messages.iter().flat_map(|message| end.packets_of(message)).collect();
        assert_eq!(packets.len(), 9);
        let mut got = Vec::new();
        for (_, packet) in packets.iter().enumerate().filter(|packet| packet.0 != lost) {
            got.extend(peer.messages_of(packet));
        }
        let mut expected = messages;
        expected.remove(lost / 3);
        assert_eq!(got, expected, "{lost}");
    }
}

#[test]
fn a_message_that_is_too_long_for_the_receiver_is_lost_whole() {
    let mut end = Alone::new(vec![fragmentation(10_000)]);
    let mut peer = Alone::new(vec![fragmentation(4096)]);
    for size in [4097, 6000, 9000] {
        for packet in end.packets_of(&message(0, size)) {
            assert!(peer.messages_of(&packet).is_empty(), "{size}");
        }
    }
    assert_eq!(statistics(&peer).messages_dropped, 3);
    // In one packet it is too long as well.
    let mut small = Alone::new(vec![fragmentation(10)]);
    assert!(small.messages_of(&end.packets_of(&message(0, 11))[0]).is_empty());
    assert_eq!(small.messages_of(&end.packets_of(&message(0, 10))[0]), vec![message(0, 10)]);
    assert_eq!((statistics(&small).messages_dropped, statistics(&small).packets_dropped), (1, 1));
    for packet in end.packets_of(&message(1, 4096)) {
        peer.receive(&packet).unwrap();
    }
    assert_eq!(peer.out.messages, vec![message(1, 4096)]);
}

#[test]
fn what_does_not_begin_is_not_delivered() {
    // Stock delivers each of these, or appends it to the message before.
    let mut peer = Alone::new(vec![fragmentation(4096)]);
    assert!(peer.messages_of(&hex("00 40 61")).is_empty(), "a last fragment alone");
    assert!(peer.messages_of(&hex("00 00 61")).is_empty(), "a middle fragment with number 0");
    assert!(peer.messages_of(&hex("01 40 61")).is_empty());
    assert_eq!(peer.messages_of(&hex("02 c0 61")), vec![b"a".to_vec()]);
    assert!(peer.messages_of(&hex("03 40 62")).is_empty(), "contiguous, but without its first");
    assert_eq!(peer.messages_of(&hex("04 c0 63")), vec![b"c".to_vec()]);
    assert_eq!(statistics(&peer).packets_dropped, 4);
}

#[test]
fn copies_of_fragments_cost_nothing() {
    let mut end = Alone::new(vec![fragmentation(4096)]);
    let mut peer = Alone::new(vec![fragmentation(4096)]);
    let original = message(5, 4000);
    let packets = end.packets_of(&original);
    let order = [0, 0, 1, 0, 1, 1, 2, 0, 2];
    let got: Vec<_> = order.iter().flat_map(|&at| peer.messages_of(&packets[at])).collect();
    assert_eq!(got, vec![original]);
}

#[test]
fn another_message_with_the_same_number_is_no_copy() {
    let mut peer = Alone::new(vec![fragmentation(4096)]);
    peer.receive(&hex("00 80 61")).unwrap();
    // 16384 packets later, all lost.
    peer.receive(&hex("00 80 62")).unwrap();
    assert_eq!(peer.messages_of(&hex("01 40 63")), vec![b"bc".to_vec()]);
}

#[test]
fn numbers_wrap_after_14_bits() {
    let mut end = Alone::new(vec![fragmentation(4096)]);
    let mut peer = Alone::new(vec![fragmentation(4096)]);
    for number in 0..16_400 {
        let original = message(number, 3 + number % 7);
        for packet in end.packets_of(&original) {
            assert_eq!(peer.messages_of(&packet), vec![original.clone()]);
        }
    }
    // Over the wrap inside of a message.
    let mut end = Alone::new(vec![fragmentation(4096)]);
    for _ in 0..16_382 {
        end.packets_of(b"x");
    }
    let packets = end.packets_of(&message(1, 4000));
    let headers: Vec<_> = packets.iter().map(|packet| packet[..2].to_vec()).collect();
    assert_eq!(headers, vec![hex("fe bf"), hex("ff 3f"), hex("00 40")]);
    let got: Vec<_> = packets.iter().flat_map(|packet| peer.messages_of(packet)).collect();
    assert_eq!(got, vec![message(1, 4000)]);
}

#[test]
fn a_reordered_fragment_loses_its_message_and_no_other() {
    let mut end = Alone::new(vec![fragmentation(4096)]);
    let mut peer = Alone::new(vec![fragmentation(4096)]);
    let packets = end.packets_of(&message(1, 4000));
    for at in [0, 2, 1] {
        assert!(peer.messages_of(&packets[at]).is_empty());
    }
    let packets = end.packets_of(&message(2, 4000));
    let got: Vec<_> = packets.iter().flat_map(|packet| peer.messages_of(packet)).collect();
    assert_eq!(got, vec![message(2, 4000)]);
}

#[test]
fn counters_count() {
    let mut end = Alone::new(vec![fragmentation(4096)]);
    let mut peer = Alone::new(vec![fragmentation(4096)]);
    let packets: Vec<_> =
        (0..2).flat_map(|number| end.packets_of(&message(number, 2000))).collect();
    for at in [0, 1, 2] {
        peer.receive(&packets[at]).unwrap();
    }
    peer.receive(&hex("09 c0 61")).unwrap();
    let sent = FragmentationStatistics { messages_sent: 2, packets_sent: 4, ..Default::default() };
    assert_eq!(statistics(&end), sent);
    let received = FragmentationStatistics {
        messages_received: 2,
        packets_received: 4,
        messages_dropped: 1,
        ..Default::default()
    };
    assert_eq!(statistics(&peer), received);
}
