//! The framing against its golden bytes, and however the stream is cut.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::fuzz::{fuzz_framing, run};
use super::{Framing, Received, parse_length, write_packet};
use crate::proto::utp::packet::{Packet, Token};

const TOKEN: Token = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];

fn bytes(text: &str) -> Vec<u8> {
    let text = text.replace('T', "11 22 33 44 55 66 77 88");
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("hex")).collect()
}

fn framed(packet: Packet<'_>) -> Vec<u8> {
    let (mut plain, mut out) = (Vec::new(), Vec::new());
    packet.write(&mut plain);
    let (head, body) = plain.split_at(plain.len() / 2);
    write_packet(&mut out, head, body);
    out
}

#[test]
fn golden_bytes_have_a_length_in_big_endian_in_front() {
    let token = TOKEN;
    let golden = [
        (Packet::ConnectionRequest { token, payload: &[] }, "00 0d 55 54 50 01 01 T"),
        (Packet::ConnectionAccept { token, payload: b"hi" }, "00 11 55 54 50 01 02 T 02 00 68 69"),
        (
            Packet::Data { token, pipeline: 0, payload: &[0x2a, 0, 0, 0] },
            "00 0e 01 T 00 2a 00 00 00",
        ),
        (Packet::Heartbeat { token }, "00 09 03 T"),
        (Packet::Disconnect { token }, "00 09 02 T"),
    ];
    for (packet, text) in golden {
        assert_eq!(framed(packet), bytes(text), "{packet:?}");
    }
    let longest = vec![7; 300];
    let packet = Packet::Data { token, pipeline: 0, payload: &longest };
    assert_eq!(framed(packet)[..2], [0x01, 0x36]);
}

#[test]
fn a_length_is_two_bytes() {
    assert_eq!(parse_length(&[]), None);
    assert_eq!(parse_length(&[1]), None);
    assert_eq!(parse_length(&[1, 2, 3]), Some(0x0102));
}

#[test]
fn a_packet_without_a_length_that_could_say_how_long_it_is_is_left_out() {
    let mut out = Vec::new();
    write_packet(&mut out, &[1], &vec![0; 65_535]);
    assert!(out.is_empty());
    write_packet(&mut out, &[], &vec![0; 65_535]);
    assert_eq!(out.len(), 65_537);
}

#[test]
fn a_packet_that_came_whole_is_not_copied() {
    let mut framing = Framing::new(100);
    let mut chunk = BytesMut::from(&bytes("00 03 61 62 63 00 02 64 65 00")[..]);
    let read = chunk.split_to(chunk.len());
    let place = read.as_ptr().addr();
    framing.handle_bytes(read);
    let Some(Received::Whole(first)) = framing.poll_packet() else { panic!("it is whole") };
    assert_eq!((first.as_ptr().addr(), &first[..]), (place + 2, &b"abc"[..]));
    assert_eq!(framing.poll_packet(), Some(Received::Whole(Bytes::from_static(b"de"))));
    assert_eq!(framing.poll_packet(), None);
    framing.handle_bytes(BytesMut::from(&[1, 0x66][..]));
    assert_eq!(framing.poll_packet(), Some(Received::Joined(b"f")));
    assert_eq!(framing.poll_packet(), None);
}

#[test]
fn empty_and_too_long_packets_are_passed_over() {
    let mut stream = bytes("00 00 00 00 00 01 61 ff ff");
    stream.extend(vec![0; 65_535]);
    stream.extend(bytes("00 29"));
    stream.extend([0; 41]);
    stream.extend(bytes("00 01 62 00 00"));
    let expected = [Ok(vec![0x61]), Err(65_535), Err(41), Ok(vec![0x62])];
    for size in [1, 2, 3, 40, 1000, usize::MAX] {
        assert_eq!(run(&stream, size), expected, "{size}");
    }
}

#[test]
fn what_waits_when_reading_stops_holds_no_shared_memory() {
    let mut chunk = BytesMut::zeroed(4096);
    chunk[..5].copy_from_slice(&[0, 1, 9, 0, 1]);
    let mut framing = Framing::new(100);
    framing.handle_bytes(chunk.split_to(6));
    assert!(matches!(framing.poll_packet(), Some(Received::Whole(_))));
    framing.park();
    framing.park();
    assert!(framing.input.capacity() < 64);
    // What is read meanwhile comes behind it.
    framing.handle_bytes(BytesMut::from(&[0, 1, 8][..]));
    assert_eq!(framing.poll_packet(), Some(Received::Whole(Bytes::from_static(&[0]))));
    assert_eq!(framing.poll_packet(), Some(Received::Whole(Bytes::from_static(&[8]))));
    assert_eq!(framing.poll_packet(), None);
}

proptest! {
    #[test]
    fn any_cut_of_the_stream_gives_the_same_packets(
        packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..12),
        size in 1_usize..50,
    ) {
        let mut stream = Vec::new();
        for packet in &packets {
            write_packet(&mut stream, packet, &[]);
        }
        let expected: Vec<_> = packets.iter().filter(|packet| !packet.is_empty()).map(|packet| {
            if packet.len() <= 40 { Ok(packet.clone()) } else { Err(packet.len()) }
        }).collect();
        prop_assert_eq!(run(&stream, size), expected);
    }

    #[test]
    fn no_bytes_break_a_promise(data: Vec<u8>) {
        fuzz_framing(&data);
    }
}
