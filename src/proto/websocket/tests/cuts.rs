//! However the stream is cut or broken, the machine keeps its word.

use super::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        rng_seed: RngSeed::Fixed(6455),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn messages_survive_any_cut(
        messages in prop::collection::vec(
            (any::<bool>(), prop::collection::vec(any::<char>(), 0..200)), 1..6),
        cuts in prop::collection::vec(1_usize..300, 1..20),
        from_client: bool,
        mask: [u8; 4],
    ) {
        let (sender, receiver) = if from_client {
            (Role::Client, Role::Server)
        } else {
            (Role::Server, Role::Client)
        };
        let mut sender = WebSocket::new(sender, PLAIN, 0);
        let mut receiver = WebSocket::new(receiver, PLAIN, 0);
        let mut wire = Vec::new();
        let mut expected = Vec::new();
        for (text, characters) in messages {
            let data: String = characters.into_iter().collect();
            let kind = if text { Kind::Text } else { Kind::Binary };
            sender.write_message(&mut wire, kind, data.as_bytes(), mask);
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

#[test]
fn mutated_streams_keep_the_machines_word() {
    let seeds = [
        [frame(0x82, b"binary"), frame(0x81, "tëxt".as_bytes()), frame(0x88, b"\x03\xe8x")],
        [frame(0x01, b"a\xe2\x82"), frame(0x89, b"p"), frame(0x80, b"\xac")],
        [frame(0x02, &[7; 130]), frame(0x00, b""), frame(0x80, &[9; 300])],
        [vec![0x82, 2, 1, 2], vec![0x81, 1, b'x'], vec![0x88, 0]],
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as usize % below
    };
    for round in 0..4000 {
        let mut data = vec![random(256) as u8, random(256) as u8];
        for _ in 0..=random(3) {
            let frames = &seeds[random(seeds.len())];
            let pick = random(4);
            data.extend(frames.get(pick).cloned().unwrap_or_else(|| frames.concat()));
        }
        for _ in 0..random(4) {
            let at = 2 + random(data.len() - 2);
            if round % 2 == 0 {
                data[at] = random(256) as u8;
            } else {
                data[at] ^= 1 << random(8);
            }
        }
        if round % 8 == 0 {
            data.truncate(2);
            data.extend((0..random(40)).map(|_| random(256) as u8));
        }
        fuzz::fuzz_frames(&data);
    }
}
