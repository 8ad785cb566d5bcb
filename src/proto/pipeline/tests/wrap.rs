//! Sequence numbers of 16 bits under way across their end.

use super::*;

/// Sends numbered messages as fast as the window takes them, with a network that loses some.
fn run(window: usize, count: u32, params: Params) {
    let mut world = World::new(&move || vec![reliable(window)], params, 7);
    let (mut sent, mut got) = (0u32, 0u32);
    while got < count {
        while sent < count && world.send(0, &sent.to_le_bytes()) == Ok(()) {
            sent += 1;
        }
        world.frame(5_000);
        for message in world.ends[1].port.inbox.drain(..) {
            assert_eq!(message, got.to_le_bytes());
            got += 1;
        }
    }
    world.settle();
    assert!(world.ends[1].port.inbox.is_empty());
}

#[test]
fn two_hundred_thousand_messages_arrive_once_and_in_order_under_loss() {
    run(256, 200_000, Params { loss_percent: 2.0, delay: 1_000, ..Params::default() });
}

#[test]
fn the_wrap_works_with_every_form_of_mask() {
    let params = Params {
        loss_percent: 1.0,
        duplicate_percent: 1.0,
        delay: 1_000,
        jitter: 900,
        ..Params::default()
    };
    for window in [32, 64, 2040] {
        run(window, 66_500, params);
    }
}

/// Two ends that have exchanged `count` messages.
fn advanced(window: usize, count: u32) -> (Alone, Alone) {
    let mut end = Alone::new(vec![reliable(window)]);
    let mut peer = Alone::new(vec![reliable(window)]);
    for number in 0..count {
        let packets = end.packets_of(&number.to_le_bytes());
        assert_eq!(peer.messages_of(&packets[0]).len(), 1);
        if number % 8 == 7 || number + 1 == count {
            let ack = peer.ack();
            end.receive(&ack).unwrap();
        }
    }
    (end, peer)
}

#[test]
fn masks_and_acknowledgements_go_over_65535() {
    let (mut end, mut peer) = advanced(32, 65_534);
    let packets: Vec<_> = (0..5u8).flat_map(|number| end.packets_of(&[number])).collect();
    let sequences: Vec<_> = packets.iter().map(|packet| packet[4..6].to_vec()).collect();
    let expected = ["fe ff", "ff ff", "00 00", "01 00", "02 00"];
    assert_eq!(sequences, expected.map(hex).to_vec());
    // 65535 and 0 are lost.
    for at in [0, 3, 4] {
        peer.receive(&packets[at]).unwrap();
    }
    let ack = peer.ack();
    assert_eq!(ack, hex("01 00 00 00 00 00 02 00 f3 ff ff ff 00"));
    end.receive(&ack).unwrap();
    let again = end.wait(201);
    let sequences: Vec<_> = again.iter().map(|packet| packet[4..6].to_vec()).collect();
    assert_eq!(sequences, vec![hex("ff ff"), hex("00 00")]);
    peer.out.messages.clear();
    for packet in &again {
        peer.receive(packet).unwrap();
    }
    let resumed: Vec<_> = peer.out.messages.iter().map(|message| message[0]).collect();
    assert_eq!(resumed, [1, 2, 3, 4]);
    let ack = peer.ack();
    assert_eq!(ack, hex("01 00 00 00 00 00 02 00 ff ff ff ff 00"));
    end.receive(&ack).unwrap();
    assert!(end.pipeline.is_idle());
}

#[test]
fn an_acknowledgement_of_65535_is_one_after_the_wrap_and_nothing_before_the_first_packet() {
    let (mut end, mut peer) = advanced(32, 65_535);
    let packets = end.packets_of(b"last");
    assert_eq!(packets[0][4..6], [0xff, 0xff]);
    peer.receive(&packets[0]).unwrap();
    let ack = peer.ack();
    assert_eq!(ack[6..8], [0xff, 0xff]);
    end.receive(&ack).unwrap();
    assert!(end.pipeline.is_idle());
}

#[test]
fn copies_and_stale_packets_around_the_wrap_are_told_from_new_ones() {
    let (_, mut peer) = advanced(32, 65_540);
    for (sequence, copy) in [(3u16, true), (0xffff, true), (0xfff0, true), (0xff00, false)] {
        let mut packet = hex("00 00 00 00");
        packet.extend(sequence.to_le_bytes());
        packet.extend(hex("ff ff ff ff ff ff 61"));
        let before = peer.reliable();
        assert!(peer.messages_of(&packet).is_empty());
        let after = peer.reliable();
        assert_eq!(after.packets_duplicated - before.packets_duplicated, u64::from(copy));
        assert_eq!(after.packets_stale - before.packets_stale, u64::from(!copy));
    }
}
