//! The UnreliableSequenced stage.

use super::*;
use crate::proto::pipeline::sequenced::is_newer;

fn statistics(end: &Alone) -> SequencedStatistics {
    match end.pipeline.statistics().next() {
        Some(StageStatistics::UnreliableSequenced(statistics)) => statistics,
        other => panic!("{other:?}"),
    }
}

fn received(end: &mut Alone, sequence: u16) -> bool {
    let mut packet = sequence.to_le_bytes().to_vec();
    packet.push(7);
    let got = end.messages_of(&packet);
    assert!(got.is_empty() || got == vec![vec![7]]);
    !got.is_empty()
}

#[test]
fn packets_that_were_overtaken_are_dropped() {
    let mut end = Alone::new(vec![StageConfig::UnreliableSequenced]);
    let order = [(0, true), (2, true), (1, false), (2, false), (3, true), (0, false)];
    for (sequence, expected) in order {
        assert_eq!(received(&mut end, sequence), expected, "{sequence}");
    }
}

#[test]
fn sequences_wrap() {
    let mut sender = Alone::new(vec![StageConfig::UnreliableSequenced]);
    let mut end = Alone::new(vec![StageConfig::UnreliableSequenced]);
    for number in 0..140_000u32 {
        let packets = sender.packets_of(&number.to_le_bytes());
        assert_eq!(end.messages_of(&packets[0]), vec![number.to_le_bytes().to_vec()]);
    }
    assert_eq!(statistics(&end).packets_dropped, 0);
}

#[test]
fn newer_is_half_the_range_and_the_smaller_one_when_exactly_so() {
    assert!(is_newer(1, 0) && is_newer(0x7fff, 0) && !is_newer(0x8001, 0));
    assert!(is_newer(0, 0xffff) && !is_newer(0xffff, 0));
    assert!(is_newer(0, 0x8000) && !is_newer(0x8000, 0));
    assert!(is_newer(5, 0x8005) && !is_newer(0x8005, 5));
    assert!(!is_newer(7, 7));
}

#[test]
fn counters_tell_late_from_never() {
    let mut end = Alone::new(vec![StageConfig::UnreliableSequenced]);
    for sequence in [0, 3, 2, 2, 3, 10] {
        received(&mut end, sequence);
    }
    // 1, and 4 to 9, never came; 2 came late, and again; 3 came again.
    let expected = SequencedStatistics {
        packets_sent: 0,
        packets_received: 6,
        packets_culled: 3,
        packets_dropped: 7,
    };
    assert_eq!(statistics(&end), expected);
}

#[test]
fn old_copies_never_drive_the_count_of_dropped_packets_below_zero() {
    let mut end = Alone::new(vec![StageConfig::UnreliableSequenced]);
    for sequence in [5, 4, 4, 4, 3, 3, 2, 1, 0, 0, 0, 0xffff, 0xfff0, 0xfff0] {
        received(&mut end, sequence);
    }
    assert_eq!(statistics(&end).packets_dropped, 0);
    for step in [100u16, 64, 63, 65, 1] {
        let newest = 5 + 1000 + step;
        received(&mut end, newest);
        for late in 0..300 {
            received(&mut end, newest.wrapping_sub(late));
        }
    }
    assert!(statistics(&end).packets_dropped < 70_000);
}

#[test]
fn sent_packets_are_counted() {
    let mut end = Alone::new(vec![StageConfig::UnreliableSequenced]);
    end.packets_of(b"a");
    end.packets_of(b"b");
    assert_eq!(statistics(&end).packets_sent, 2);
}
