//! The bytes of every header, in both directions, and round trips of all of them.

use proptest::prelude::*;

use super::*;
use crate::proto::pipeline::fragmentation::Header as FragmentHeader;
use crate::proto::pipeline::reliable::header::{Header, Kind, MASK_SIZE_MAX, SIZE_MAX, mask_size};

#[test]
fn the_first_reliable_packet_has_the_documented_bytes() {
    let mut end = Alone::new(vec![reliable(32)]);
    let packets = end.packets_of(&42i32.to_le_bytes());
    let golden = hex("00 00 00 00 00 00 ff ff ff ff ff ff 2a 00 00 00");
    assert_eq!(packets, vec![golden.clone()]);
    let mut peer = Alone::new(vec![reliable(32)]);
    assert_eq!(peer.messages_of(&golden), vec![42i32.to_le_bytes().to_vec()]);
    // Versions up to 2.5 begin with a mask of zeroes.
    let mut peer = Alone::new(vec![reliable(32)]);
    let old = hex("00 00 00 00 00 00 ff ff 00 00 00 00 2a 00 00 00");
    assert_eq!(peer.messages_of(&old), vec![42i32.to_le_bytes().to_vec()]);
}

#[test]
fn an_acknowledgement_after_16_ms_has_the_documented_bytes() {
    let mut end = Alone::new(vec![reliable(32)]);
    let packet = hex("00 00 00 00 00 00 ff ff ff ff ff ff 2a 00 00 00");
    end.receive(&packet).unwrap();
    end.now += 16 * MICROS_PER_MS;
    assert_eq!(end.ack(), hex("01 00 10 00 00 00 00 00 ff ff ff ff 00"));
}

#[test]
fn an_acknowledgement_says_which_packet_is_missing() {
    let mut end = Alone::new(vec![reliable(32)]);
    for sequence in ["00", "01", "03"] {
        end.receive(&hex(&format!("00 00 00 00 {sequence} 00 ff ff ff ff ff ff 61"))).unwrap();
    }
    assert!(end.pipeline.ack_is_urgent());
    assert_eq!(end.ack(), hex("01 00 00 00 00 00 03 00 fd ff ff ff 00"));
}

#[test]
fn a_stock_acknowledgement_frees_what_it_names() {
    let mut end = Alone::new(vec![reliable(32)]);
    for number in 0..4 {
        end.packets_of(&[number]);
    }
    // Packet 2 is missing; the byte behind the header is not initialised by stock.
    end.receive(&hex("01 00 00 00 00 00 03 00 fd ff ff ff 9c")).unwrap();
    let again = end.wait(201);
    assert_eq!(again, vec![hex("00 00 00 00 02 00 ff ff ff ff ff ff 02")]);
}

#[test]
fn an_acknowledgement_of_nothing_means_nothing() {
    let mut end = Alone::new(vec![reliable(32)]);
    end.packets_of(b"x");
    // Stock 2.6 and later send it when its first packet was dropped.
    end.receive(&hex("01 00 00 00 00 00 ff ff ff ff ff ff 00")).unwrap();
    assert!(!end.pipeline.is_idle());
    assert_eq!(end.reliable().acks_received, 1);
    assert_eq!(end.wait(201).len(), 1);
}

#[test]
fn every_type_but_1_carries_a_payload() {
    let mut end = Alone::new(vec![reliable(32)]);
    for (sequence, kind) in [0u8, 2, 77, 255].into_iter().enumerate() {
        let packet = hex(&format!("{kind:02x} 00 00 00 {sequence:02x} 00 ff ff ff ff ff ff 61"));
        assert_eq!(end.messages_of(&packet), vec![b"a".to_vec()]);
    }
}

#[test]
fn a_window_up_to_64_has_a_mask_of_eight_bytes() {
    for window in [33, 40, 64] {
        let mut end = Alone::new(vec![reliable(window)]);
        let golden = hex("00 00 00 00 00 00 ff ff ff ff ff ff ff ff ff ff 61");
        assert_eq!(end.packets_of(b"a"), vec![golden]);
    }
    for window in [1, 8, 32] {
        assert_eq!(pipeline(vec![reliable(window)]).header_size(), 12);
    }
}

#[test]
fn a_window_above_64_says_how_long_its_mask_is() {
    let mut end = Alone::new(vec![reliable(72)]);
    // Whole until a packet of ours was acknowledged.
    let whole = hex("00 09 00 00 00 00 ff ff ff ff ff ff ff ff ff ff ff 61");
    assert_eq!(end.packets_of(b"a"), vec![whole.clone()]);
    let mut peer = Alone::new(vec![reliable(72)]);
    assert_eq!(peer.messages_of(&whole), vec![b"a".to_vec()]);
    let ack = peer.ack();
    assert_eq!(ack, hex("01 09 00 00 00 00 00 00 ff ff ff ff ff ff ff ff ff 00"));
    end.receive(&ack).unwrap();
    // Then as short as it can be.
    assert_eq!(end.packets_of(b"b"), vec![hex("00 01 00 00 01 00 ff ff ff 62")]);
}

#[test]
fn a_trimmed_mask_holds_every_bit_that_is_0() {
    let mut end = Alone::new(vec![reliable(256)]);
    end.packets_of(b"a");
    let mut ack = hex("01 20 00 00 00 00 00 00");
    ack.extend([0xff; 33]);
    end.receive(&ack).unwrap();
    let receive = |end: &mut Alone, sequence: u16| {
        let mut packet = hex("00 01 00 00");
        packet.extend(sequence.to_le_bytes());
        packet.extend(hex("00 00 ff 61"));
        end.receive(&packet).unwrap();
    };
    receive(&mut end, 1);
    assert_eq!(end.ack(), hex("01 01 00 00 00 00 01 00 fd 00"));
    receive(&mut end, 8);
    // Newest 8; missing 2 to 7 and 0: bits 1 to 6, and 8.
    assert_eq!(end.ack(), hex("01 02 00 00 00 00 08 00 81 fe 00"));
    receive(&mut end, 0);
    assert_eq!(end.ack(), hex("01 01 00 00 00 00 08 00 81 00"));
}

#[test]
fn a_mask_may_be_longer_than_the_window() {
    let mut end = Alone::new(vec![reliable(72)]);
    let mut packet = hex("00 ff 00 00 00 00 ff ff");
    packet.extend([0xff; 255]);
    packet.push(b'a');
    assert_eq!(end.messages_of(&packet), vec![b"a".to_vec()]);
}

#[test]
fn another_window_class_is_refused() {
    let small = hex("00 00 00 00 00 00 ff ff ff ff ff ff ff ff ff ff 61");
    let large = hex("00 01 00 00 00 00 ff ff ff 61");
    assert_eq!(Alone::new(vec![reliable(72)]).receive(&small), Err(PacketError::WindowClass));
    assert_eq!(Alone::new(vec![reliable(64)]).receive(&large), Err(PacketError::WindowClass));
    assert_eq!(Alone::new(vec![reliable(8)]).receive(&large), Err(PacketError::WindowClass));
}

#[test]
fn fragments_have_the_documented_bytes() {
    let mut end = Alone::new(vec![fragmentation(4096)]);
    assert_eq!(end.packets_of(b"a"), vec![hex("00 c0 61")]);
    let mut end = Alone::new(vec![fragmentation(4096)]);
    let packets = end.packets_of(&message(1, 3000));
    let headers: Vec<_> = packets.iter().map(|packet| packet[..2].to_vec()).collect();
    assert_eq!(headers, vec![hex("00 80"), hex("01 00"), hex("02 40")]);
    let sizes: Vec<_> = packets.iter().map(Vec::len).collect();
    assert_eq!(sizes, [1390, 1390, 3000 - 2 * 1388 + 2]);
}

#[test]
fn the_last_stage_stands_first_on_the_wire() {
    let mut end = Alone::new(vec![fragmentation(4096), reliable(32)]);
    let golden = hex("00 00 00 00 00 00 ff ff ff ff ff ff 00 c0 64");
    assert_eq!(end.packets_of(b"d"), vec![golden.clone()]);
    let mut peer = Alone::new(vec![fragmentation(4096), reliable(32)]);
    assert_eq!(peer.messages_of(&golden), vec![b"d".to_vec()]);
    let mut end = Alone::new(vec![StageConfig::UnreliableSequenced, fragmentation(4096)]);
    end.packets_of(b"d");
    assert_eq!(end.packets_of(b"d"), vec![hex("01 c0 01 00 64")]);
}

#[test]
fn a_sequenced_packet_has_the_documented_bytes() {
    let mut end = Alone::new(vec![StageConfig::UnreliableSequenced]);
    assert_eq!(end.packets_of(b"a"), vec![hex("00 00 61")]);
    assert_eq!(end.packets_of(b""), vec![hex("01 00")]);
}

#[test]
fn a_packet_that_ends_in_a_header_is_too_short() {
    let stages: [(StageConfig, usize); 5] = [
        (fragmentation(100), 2),
        (StageConfig::UnreliableSequenced, 2),
        (reliable(32), 12),
        (reliable(64), 16),
        (reliable(72), 9),
    ];
    for (stage, size) in stages {
        let name = format!("{stage:?}");
        let mut end = Alone::new(vec![stage]);
        let mut packet = vec![0; size];
        // The window above 64 needs a mask.
        packet[1] = u8::from(size == 9);
        for length in 0..size {
            let result = end.receive(&packet[..length]);
            assert_eq!(result, Err(PacketError::TooShort), "{name} {length}");
        }
        assert_eq!(end.receive(&packet), Ok(()), "{name}");
    }
}

/// A mask as a window of that size has it, from any bytes.
fn fitting(window: usize, mask: &[u8]) -> Vec<u8> {
    let mut mask = mask.to_vec();
    if window <= 64 {
        mask.resize(mask_size(window), 0);
    } else {
        mask.resize(mask.len().clamp(1, MASK_SIZE_MAX), 0);
    }
    mask
}

proptest! {
    #[test]
    fn what_is_written_of_a_reliable_header_is_read_back(
        window in 1usize..=2040, ack: bool, processing_time: u16, sequence: u16, acked: u16,
        mask: Vec<u8>, payload: Vec<u8>,
    ) {
        let mask = fitting(window, &mask);
        let kind = if ack { Kind::Ack } else { Kind::Payload };
        let header = Header { kind, processing_time, sequence, acked, mask: &mask };
        let mut bytes = [0; SIZE_MAX];
        let size = header.write(&mut bytes, window);
        let mut packet = bytes[..size].to_vec();
        packet.extend(&payload);
        prop_assert_eq!(Header::parse(&packet, window), Ok((header, &payload[..])));
    }

    #[test]
    fn what_is_written_of_a_fragment_header_is_read_back(
        sequence in 0u16..16384, first: bool, last: bool, data: Vec<u8>,
    ) {
        let header = FragmentHeader { sequence, first, last };
        let mut packet = header.to_bytes().to_vec();
        packet.extend(&data);
        prop_assert_eq!(FragmentHeader::parse(&packet), Ok((header, &data[..])));
    }
}
