//! Compressed messages through the machine.

use super::super::deflate::{Codec, Pool, Wishes, accept, offer};
use super::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// The two machines of a connection with compression.
fn pair(wishes: &Wishes, minimum: usize) -> [WebSocket; 2] {
    let agreed = accept([offer(wishes).as_str()].into_iter(), wishes).unwrap();
    [Role::Client, Role::Server].map(|role| {
        let mut socket = WebSocket::new(role, PLAIN, 0);
        socket.set_codec(Codec::new(role, &agreed, 6, minimum));
        socket
    })
}

pub(super) const KEEPING: Wishes =
    Wishes { own_bits: 15, peer_bits: 15, own_no_context: false, peer_no_context: false };

fn pack(socket: &mut WebSocket, kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    socket.pack_message(&mut out, kind, payload, &mut || KEY, &mut Pool::default());
    out
}

#[test]
fn golden_frames_of_the_standard() {
    // RFC 7692 section 7.2.3.1: one frame, then two fragments.
    let [mut client, mut server] = pair(&KEEPING, 0);
    let whole = [0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(pack(&mut server, Kind::Text, b"Hello"), whole);
    assert_eq!(feed(&mut client, &whole), [message(b"Hello", true)]);
    let pieces = [0x41, 0x03, 0xf2, 0x48, 0xcd, 0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(feed(&mut client, &pieces), [message(b"Hello", true)]);
}

#[test]
fn short_messages_and_those_of_other_connections_stay_as_they_are() {
    let [_, mut server] = pair(&KEEPING, 6);
    assert_eq!(pack(&mut server, Kind::Binary, b"Hello")[..2], [0x82, 5]);
    assert_eq!(server.shared_form(5), Some(0));
    assert_eq!(server.shared_form(6), None);
    let mut out = Vec::new();
    server.write_message(&mut out, Kind::Binary, &[0; 100], KEY);
    assert_eq!(out[..2], [0x82, 100]);
    let mut other = super::server(PLAIN);
    assert_eq!(pack(&mut other, Kind::Binary, &[0; 100])[..2], [0x82, 100]);
}

#[test]
fn the_bit_is_refused_where_it_does_not_belong() {
    let first_frames = [0xc0, 0xa1, 0x91, 0xe1, 0xc8, 0xc9, 0xca, 0xc3];
    for first in first_frames {
        let [_, mut server] = pair(&KEEPING, 0);
        assert_eq!(failed_code(&feed(&mut server, &frame(first, b"\0"))), Some(1002), "{first:x}");
    }
    let [_, mut server] = pair(&KEEPING, 0);
    let twice = [frame(0x42, b"\xf2"), frame(0xc0, b"\x48")].concat();
    assert_eq!(failed_code(&feed(&mut server, &twice)), Some(1002));
}

#[test]
fn bombs_damage_and_bad_text_have_their_codes() {
    let mut sender = pair(&KEEPING, 0);
    let bomb = pack(&mut sender[0], Kind::Binary, &vec![0; PLAIN.message_size_max as usize + 1]);
    assert!(bomb.len() < 1000);
    let mut sender = pair(&KEEPING, 0);
    let bad_text = pack(&mut sender[0], Kind::Text, b"abc\xff");
    let long = FrameHeader {
        fin: true,
        rsv: 4,
        opcode: Opcode::Binary,
        mask: Some(KEY),
        payload_length: 2 * u64::from(PLAIN.message_size_max),
    };
    let mut forged = Vec::new();
    long.write(&mut forged);
    let table = [(bomb, 1009), (bad_text, 1007), (frame(0xc2, b"\xff\xff"), 1007), (forged, 1009)];
    for (bytes, code) in table {
        let [_, mut server] = pair(&KEEPING, 0);
        assert_eq!(failed_code(&feed(&mut server, &bytes)), Some(code));
        assert_eq!(server.memory_held(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        rng_seed: RngSeed::Fixed(7692),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn compressed_messages_survive_any_cut(
        messages in prop::collection::vec((any::<bool>(), "[a-cж雪]{0,300}"), 1..6),
        cuts in prop::collection::vec(1_usize..100, 1..20),
        own_bits in 9_u8..=15,
        peer_bits in 9_u8..=15,
        own_no_context: bool,
        peer_no_context: bool,
        minimum in 0_usize..100,
        from_client: bool,
    ) {
        let wishes = Wishes { own_bits, peer_bits, own_no_context, peer_no_context };
        let [client, server] = pair(&wishes, minimum);
        let (mut sender, mut receiver) =
            if from_client { (client, server) } else { (server, client) };
        let mut wire = Vec::new();
        let mut expected = Vec::new();
        for (text, data) in messages {
            let kind = if text { Kind::Text } else { Kind::Binary };
            wire.extend(pack(&mut sender, kind, data.as_bytes()));
            expected.push(message(data.as_bytes(), text));
        }
        let mut got = Vec::new();
        let mut rest = &wire[..];
        for &cut in cuts.iter().cycle() {
            let (piece, later) = rest.split_at(cut.min(rest.len()));
            got.extend(feed(&mut receiver, piece));
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(got, expected);
        prop_assert_eq!(receiver.memory_held(), 0);
    }
}
