//! A ReliableSequenced stage that something below makes needless.

use super::*;

#[test]
fn a_carried_tail_adds_nothing_and_asks_for_nothing() {
    let stages = || vec![fragmentation(65_536), reliable(8)];
    let (mut end, mut peer) = (Alone::new(stages()), Alone::new(stages()));
    assert!(end.pipeline.has_reliable_tail() && end.pipeline.is_idle());
    for one in [&mut end, &mut peer] {
        one.pipeline.set_carried(true);
    }
    assert_eq!(end.pipeline.header_size(), 2);
    assert_eq!(end.pipeline.payload_size_max(PACKET_MAX), 65_536);
    // Far more than the window holds.
    let packets = end.packets_of(&message(1, 65_536));
    assert_eq!(packets.len(), 48);
    for packet in &packets {
        peer.receive(packet).unwrap();
    }
    assert_eq!(peer.out.messages, vec![message(1, 65_536)]);
    assert!(!peer.pipeline.wants_ack());
    assert!(end.pipeline.is_idle() && end.pipeline.next_timeout().is_none());
    assert_eq!((end.reliable().packets_sent, peer.reliable().packets_received), (48, 48));
}

#[test]
fn the_stage_goes_on_where_it_was_when_it_is_carried_no_more() {
    let (mut end, mut peer) = (Alone::new(vec![reliable(32)]), Alone::new(vec![reliable(32)]));
    for round in 0..3u8 {
        let packets = end.packets_of(&[round]);
        assert_eq!(packets[0][4], round);
        assert_eq!(peer.messages_of(&packets[0]), vec![vec![round]]);
        assert!(!end.pipeline.is_idle() && !peer.pipeline.is_idle(), "not yet");
        let ack = peer.ack();
        end.receive(&ack).unwrap();
        assert!(end.pipeline.is_idle() && peer.pipeline.is_idle());
        for one in [&mut end, &mut peer] {
            one.pipeline.set_carried(true);
        }
        assert_eq!(end.packets_of(b"plain"), vec![b"plain".to_vec()]);
        assert_eq!(peer.messages_of(b"plain"), vec![b"plain".to_vec()]);
        for one in [&mut end, &mut peer] {
            one.pipeline.set_carried(false);
        }
    }
}

#[test]
fn only_the_last_stage_can_be_carried() {
    let mut end = Alone::new(vec![reliable(32), StageConfig::UnreliableSequenced]);
    assert!(!end.pipeline.has_reliable_tail());
    end.pipeline.set_carried(true);
    assert_eq!(end.pipeline.header_size(), 14);
    assert!(!pipeline(vec![StageConfig::Null]).has_reliable_tail());
    assert!(!pipeline(vec![]).has_reliable_tail());
}

#[test]
fn each_direction_is_carried_by_itself() {
    let (mut end, mut peer) = (Alone::new(vec![reliable(32)]), Alone::new(vec![reliable(32)]));
    let old = end.packets_of(b"old");
    assert!(!end.pipeline.is_acknowledged());
    // Before the old packet is acknowledged, new ones go the other way already.
    end.pipeline.set_sending_carried(true);
    assert_eq!(end.packets_of(b"new"), vec![b"new".to_vec()]);
    assert_eq!(peer.messages_of(&old[0]), vec![b"old".to_vec()]);
    let ack = peer.ack();
    end.receive(&ack).unwrap();
    assert!(end.pipeline.is_acknowledged());
    peer.out.messages.clear();
    peer.pipeline.handle_carried_packet(0, b"new", &mut peer.out).unwrap();
    assert_eq!(peer.out.messages, vec![b"new".to_vec()]);
    // The peer still sends with headers, and gets its acknowledgements.
    let back = peer.packets_of(b"back");
    assert_eq!(end.messages_of(&back[0]), vec![b"back".to_vec()]);
    let ack = end.ack();
    assert_eq!(ack[0], 1, "an acknowledgement with its header");
    peer.receive(&ack).unwrap();
    assert!(peer.pipeline.is_idle() && end.pipeline.is_idle());
}
