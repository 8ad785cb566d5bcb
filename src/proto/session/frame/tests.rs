use proptest::prelude::*;

use super::*;

fn bytes(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

fn golden(frame: &Frame<'_>, last: bool, text: &str) {
    let mut out = Vec::new();
    write(&mut out, frame, last);
    assert_eq!(out, bytes(text), "{frame:?}");
    let read: Vec<_> = frames(&out).collect();
    assert_eq!(read, [Ok(*frame)]);
}

#[test]
fn golden_bytes_of_every_frame() {
    golden(&Frame::Padding, false, "00");
    golden(&Frame::Ping, false, "01");
    golden(&Frame::Window(0x0102_0304), false, "03 04 03 02 01");
    golden(&Frame::Blocked, false, "04");
    golden(&Frame::Delivered(7, 0x1234), false, "05 07 34 12");
    let data = [1, 2, 3, 4, 5, 6, 7, 8];
    golden(&Frame::PathChallenge(data), false, "06 01 02 03 04 05 06 07 08");
    golden(&Frame::PathResponse(data), false, "07 01 02 03 04 05 06 07 08");
    let message = Frame::Message { pipeline: 3, data: b"hi" };
    golden(&message, true, "08 03 68 69");
    golden(&message, false, "09 03 02 68 69");
    let reliable = Frame::Reliable { channel: 3, sequence: 0x0102, data: b"hi" };
    golden(&reliable, true, "0a 03 02 01 68 69");
    golden(&reliable, false, "0b 03 02 01 02 68 69");
    let packet = bytes("03 00 00 00 00 05 00 ff ff ff ff ff ff 68 69");
    let packet = Frame::Reliable { channel: 0, sequence: 0x0102, data: &packet };
    golden(&packet, false, "0b 00 02 01 0f 03 00 00 00 00 05 00 ff ff ff ff ff ff 68 69");
    let repair = Frame::Repair { channel: 3, first: 0x0102, members: 0b11, data: &[2, 0, 9, 9] };
    golden(&repair, true, "0c 03 02 01 03 02 00 09 09");
    golden(&repair, false, "0d 03 02 01 03 04 02 00 09 09");
    let part = |offset, last| Frame::Part { channel: 3, sequence: 258, offset, last, data: b"hi" };
    golden(&part(0, false), true, "0e 03 02 01 00 00 68 69");
    golden(&part(1000, true), true, "0e 03 02 01 e8 83 68 69");
}

#[test]
fn golden_bytes_of_acknowledgements() {
    let mut out = Vec::new();
    write_ack(&mut out, 80, &[(5, 9)]);
    assert_eq!(out, bytes("02 09 00 00 0a 00 04"));
    out.clear();
    write_ack(&mut out, 800, &[(0x1000, 0x1000), (0xffd, 0xffe), (3, 0xf00)]);
    assert_eq!(out, bytes("02 00 10 00 40 64 02 00 00 01 40 fb 4e fd"));
    let Some(Ok(Frame::Ack(ack))) = frames(&out).next() else { panic!("an ACK") };
    assert_eq!((ack.largest, ack.delay), (0x1000, 800));
    let ranges: Vec<_> = ack.ranges(0x1000).collect();
    assert_eq!(ranges, [(0x1000, 0x1000), (0xffd, 0xffe), (3, 0xf00)]);
    // Of a packet that cannot have so many before it, what would be below 0 is left out.
    assert_eq!(ack.ranges(4).collect::<Vec<_>>(), [(4, 4), (1, 2)]);
}

#[test]
fn an_unknown_or_broken_frame_ends_the_packet() {
    let cases = [
        "0e",
        "ff 01",
        "02 00 00",
        "02 00 00 00 00 20 00",
        "02 00 00 00 00 01 00 00",
        "02 00 00 00 c0 00 00 00 00 00 00 00 00 00",
        "03 00 00 00",
        "05 01 00",
        "06 01 02 03 04 05 06 07",
        "08",
        "09 01 02 00",
        "0a 01 00",
        "0b 01 00 00 05 01",
        "0c 01 00 00",
        "0c 01 00 00 01 00",
        "0c 01 00 00 08 00",
        "0e 01 00 00 00",
        "0f 01 00 00 00 00",
    ];
    for text in cases {
        let mut packet = bytes("01");
        packet.extend(bytes(text));
        packet.extend(bytes(""));
        let read: Vec<_> = frames(&packet).collect();
        assert_eq!(read, [Ok(Frame::Ping), Err(Malformed)], "{text}");
    }
}

#[test]
fn numbers_have_their_shortest_form() {
    let cases = [(0, "00"), (63, "3f"), (64, "40 40"), (16_383, "7f ff"), (16_384, "80 00 40 00")];
    for (value, text) in cases {
        let mut out = Vec::new();
        write_varint(&mut out, value);
        assert_eq!((out.clone(), varint_size(value)), (bytes(text), out.len()));
        assert_eq!(varint(&mut &out[..]), Some(value));
    }
    let mut out = Vec::new();
    write_varint(&mut out, u32::MAX);
    assert_eq!(varint(&mut &out[..]), Some(VARINT_MAX));
}

fn build<'a>(kind: u8, a: u8, b: u16, c: u32, data: &'a [u8]) -> Frame<'a> {
    match kind {
        0 => Frame::Ping,
        1 => Frame::Window(c),
        2 => Frame::Blocked,
        3 => Frame::Delivered(a, b),
        4 => Frame::PathChallenge([a; 8]),
        5 => Frame::PathResponse([a; 8]),
        6 => Frame::Message { pipeline: a, data },
        7 => Frame::Reliable { channel: a, sequence: b, data },
        _ => Frame::Repair { channel: a, first: b, members: (1 << (1 + a % 7)) | a | 1, data },
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        parts: Vec<(u8, u8, u16, u32, Vec<u8>)>, last in 6u8..9, tail: Vec<u8>,
    ) {
        let mut all: Vec<Frame<'_>> =
            parts.iter().map(|(kind, a, b, c, data)| build(kind % 9, *a, *b, *c, data)).collect();
        let mut out = Vec::new();
        for frame in &all {
            write(&mut out, frame, false);
        }
        let end = build(last, 1, 2, 3, &tail);
        write(&mut out, &end, true);
        all.push(end);
        let read: Vec<_> = frames(&out).map(Result::unwrap).collect();
        prop_assert_eq!(read, all);
    }

    #[test]
    fn ranges_are_read_back(steps in proptest::collection::vec((0u64..5000, 0u64..5000), 1..32)) {
        let mut ranges = Vec::new();
        let mut below = 1 << 40;
        for (gap, length) in steps {
            let end = below - gap - 2;
            ranges.push((end - length, end));
            below = end - length;
        }
        let mut out = Vec::new();
        write_ack(&mut out, 0, &ranges);
        let Some(Ok(Frame::Ack(ack))) = frames(&out).next() else { panic!("an ACK") };
        prop_assert_eq!(ack.ranges(ranges[0].1).collect::<Vec<_>>(), ranges);
    }

    #[test]
    fn no_bytes_panic(packet: Vec<u8>) {
        for frame in frames(&packet).flatten() {
            if let Frame::Ack(ack) = frame {
                prop_assert!(ack.ranges(u64::from(ack.largest)).count() <= ACK_RANGES_MAX + 1);
            }
        }
    }
}
