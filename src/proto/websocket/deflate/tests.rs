//! Negotiation and codec from outside.

use super::super::Role;
use super::*;

const ALL: Wishes =
    Wishes { own_bits: 15, peer_bits: 15, own_no_context: false, peer_no_context: false };
const NARROW: Wishes = Wishes { own_bits: 10, peer_bits: 10, ..ALL };
const UNEVEN: Wishes = Wishes { own_bits: 9, peer_bits: 12, ..ALL };
const FORGETFUL: Wishes = Wishes { own_no_context: true, peer_no_context: true, ..ALL };
/// "Hello" in RFC 7692 section 7.2.3.1.
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

fn codec(wishes: &Wishes, role: Role) -> Codec {
    let agreed = accept([offer(wishes).as_str()].into_iter(), wishes).unwrap();
    Codec::new(role, &agreed, 6, 0)
}

fn unpack(codec: &mut Codec, packed: &[u8], limit: usize) -> Result<Vec<u8>, Inflated> {
    let mut message = Vec::new();
    for outcome in [
        codec.decompress(packed, &mut message, limit, &mut Pool::default()),
        codec.finish(&mut message, limit, &mut Pool::default()),
    ] {
        if outcome != Inflated::Done {
            return Err(outcome);
        }
    }
    Ok(message)
}

#[test]
fn offers_and_answers() {
    let table: &[(&str, &Wishes, Option<&str>)] = &[
        ("permessage-deflate", &ALL, Some("permessage-deflate")),
        ("x-other, permessage-deflate", &ALL, Some("permessage-deflate")),
        ("x-other; a=\"1, permessage-deflate\"", &ALL, None),
        ("Permessage-Deflate;client_max_window_bits", &ALL, Some("permessage-deflate")),
        (
            "permessage-deflate; client_max_window_bits",
            &NARROW,
            Some("permessage-deflate; server_max_window_bits=10; client_max_window_bits=10"),
        ),
        ("permessage-deflate", &NARROW, Some("permessage-deflate; server_max_window_bits=10")),
        (
            "permessage-deflate; server_max_window_bits=\"9\"; client_max_window_bits=12",
            &ALL,
            Some("permessage-deflate; server_max_window_bits=9; client_max_window_bits=12"),
        ),
        (
            "permessage-deflate; client_max_window_bits",
            &UNEVEN,
            Some("permessage-deflate; server_max_window_bits=9; client_max_window_bits=12"),
        ),
        (
            "permessage-deflate; client_max_window_bits=8",
            &ALL,
            Some("permessage-deflate; client_max_window_bits=8"),
        ),
        (
            "permessage-deflate; server_max_window_bits=8, permessage-deflate",
            &ALL,
            Some("permessage-deflate; server_max_window_bits=8"),
        ),
        ("permessage-deflate; server_max_window_bits=7", &ALL, None),
        (
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            &ALL,
            Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        ),
        (
            "permessage-deflate",
            &FORGETFUL,
            Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        ),
        ("permessage-deflate; server_max_window_bits", &ALL, None),
        ("permessage-deflate; server_max_window_bits=16", &ALL, None),
        ("permessage-deflate; server_max_window_bits=010", &ALL, None),
        ("permessage-deflate; server_max_window_bits=+9", &ALL, None),
        ("permessage-deflate; server_no_context_takeover=1", &ALL, None),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits=9", &ALL, None),
        ("permessage-deflate; unknown", &ALL, None),
        ("permessage-deflate;", &ALL, None),
        ("", &ALL, None),
    ];
    for &(header, wishes, expected) in table {
        let agreed = accept([header].into_iter(), wishes).map(|agreed| agreed.to_string());
        assert_eq!(agreed.as_deref(), expected, "{header}");
    }
}

#[test]
fn a_client_takes_only_answers_to_its_offer() {
    assert_eq!(offer(&ALL), "permessage-deflate; client_max_window_bits");
    assert_eq!(
        offer(&NARROW),
        "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10"
    );
    assert_eq!(
        offer(&UNEVEN),
        "permessage-deflate; server_max_window_bits=12; client_max_window_bits=9"
    );
    let both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    assert_eq!(offer(&FORGETFUL), format!("{both}; client_max_window_bits"));
    let table: &[(&str, &Wishes, Option<Option<&str>>)] = &[
        ("", &ALL, Some(None)),
        ("permessage-deflate", &ALL, Some(Some("permessage-deflate"))),
        (
            "permessage-deflate; client_max_window_bits=9; server_max_window_bits=8",
            &ALL,
            Some(Some("permessage-deflate; server_max_window_bits=8; client_max_window_bits=9")),
        ),
        ("permessage-deflate; server_no_context_takeover", &FORGETFUL, Some(Some(both))),
        ("permessage-deflate", &FORGETFUL, None),
        ("permessage-deflate", &NARROW, None),
        ("permessage-deflate; server_max_window_bits=11", &NARROW, None),
        ("permessage-deflate; client_max_window_bits", &ALL, None),
        (
            "permessage-deflate; client_max_window_bits=8",
            &ALL,
            Some(Some("permessage-deflate; client_max_window_bits=8")),
        ),
        (
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=9",
            &UNEVEN,
            Some(Some("permessage-deflate; server_max_window_bits=12; client_max_window_bits=9")),
        ),
        ("permessage-deflate; server_max_window_bits=13", &UNEVEN, None),
        ("permessage-deflate; server_max_window_bits=9; client_max_window_bits=10", &UNEVEN, None),
        ("permessage-deflate, permessage-deflate", &ALL, None),
        ("x-other", &ALL, None),
    ];
    for &(header, wishes, expected) in table {
        let checked = check([header].into_iter(), wishes).ok();
        let text = checked.map(|agreed| agreed.map(|agreed| agreed.to_string()));
        assert_eq!(text, expected.map(|text| text.map(str::to_owned)), "{header}");
    }
}

#[test]
fn golden_bytes_of_the_standard() {
    // Sections 7.2.3.1 to 7.2.3.5.
    let mut ours = codec(&ALL, Role::Server);
    assert_eq!(ours.compress(b"Hello", &mut Pool::default()).unwrap(), HELLO);
    assert_eq!(
        ours.compress(b"Hello", &mut Pool::default()).unwrap(),
        [0xf2, 0x00, 0x11, 0x00, 0x00]
    );
    let mut theirs = codec(&ALL, Role::Client);
    assert_eq!(unpack(&mut theirs, &HELLO, 5).unwrap(), b"Hello");
    assert_eq!(unpack(&mut theirs, &[0xf2, 0x00, 0x11, 0x00, 0x00], 5).unwrap(), b"Hello");
    let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    for packed in [&stored[..], &last, &last[..7], &two, &HELLO] {
        assert_eq!(unpack(&mut theirs, packed, 5).unwrap(), b"Hello", "{packed:x?}");
    }
    for empty in [&[0][..], &[]] {
        assert_eq!(unpack(&mut theirs, empty, 0).unwrap(), b"");
    }
}

#[test]
fn contexts_are_kept_or_forgotten_as_agreed() {
    let message = b"a message that repeats itself: a message that repeats itself".repeat(3);
    for (wishes, keeps) in [(ALL, true), (FORGETFUL, false)] {
        let mut ours = codec(&wishes, Role::Client);
        let mut theirs = codec(&wishes, Role::Server);
        assert_eq!(ours.held(), (false, false));
        let first = ours.compress(&message, &mut Pool::default()).unwrap();
        let second = ours.compress(&message, &mut Pool::default()).unwrap();
        assert_eq!(second.len() < first.len(), keeps);
        assert_eq!(second == first, !keeps);
        for packed in [first, second] {
            assert_eq!(unpack(&mut theirs, &packed, 1000).unwrap(), message);
        }
        assert_eq!(ours.held(), (keeps, false));
        assert_eq!(theirs.held(), (false, keeps));
        assert_eq!(ours.shared_window(), (!keeps).then_some(15));
    }
}

#[test]
fn short_messages_become_what_a_compressor_with_more_memory_makes_of_them() {
    use zlib_rs::{Deflate, DeflateFlush};
    const ONE_BLOCK: usize = 4095;
    let mut random = crate::proto::random::Random::new(1951);
    for (bits, level) in (WINDOW_BITS_MIN..=WINDOW_BITS_MAX).zip([1, 2, 3, 5, 6, 8, 9]) {
        for forgets in [false, true] {
            let wishes = Wishes { own_bits: bits, own_no_context: forgets, ..ALL };
            let agreed = accept([offer(&ALL).as_str()].into_iter(), &wishes).unwrap();
            let mut ours = Codec::new(Role::Server, &agreed, level, 0);
            let mut theirs = Codec::new(Role::Client, &agreed, level, 0);
            let mut usual = Deflate::new(i32::from(level), false, bits);
            let mut pool = Pool::default();
            for (round, letters) in [2, 20, 256, 60, 7, 256, 3].into_iter().enumerate() {
                let length = ONE_BLOCK >> (round % 4 * 2);
                let message: Vec<u8> = (0..length).map(|_| random.below(letters) as u8).collect();
                let mut expected = vec![0; 2 * ONE_BLOCK];
                let before = usual.total_out();
                let flush = if forgets { DeflateFlush::FullFlush } else { DeflateFlush::SyncFlush };
                usual.compress(&message, &mut expected, flush).unwrap();
                expected.truncate((usual.total_out() - before) as usize - 4);
                let packed = ours.compress(&message, &mut pool).unwrap();
                assert_eq!(packed, expected, "{bits} bits, level {level}, {length} bytes");
                assert_eq!(unpack(&mut theirs, &packed, length).unwrap(), message);
                pool.give_scratch(packed);
            }
        }
    }
}

#[test]
fn noise_gets_hardly_longer() {
    let mut random = crate::proto::random::Random::new(7692);
    let noise: Vec<u8> = (0..100_000).map(|_| random.below(256) as u8).collect();
    let least = Wishes { own_bits: 9, peer_bits: 9, ..ALL };
    for wishes in [ALL, FORGETFUL, NARROW, UNEVEN, least] {
        let packed = codec(&wishes, Role::Server).compress(&noise, &mut Pool::default()).unwrap();
        assert!(packed.len() < noise.len() + noise.len() / 100, "{}", packed.len());
        assert_eq!(unpack(&mut codec(&wishes, Role::Client), &packed, 100_000).unwrap(), noise);
    }
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let bomb =
        codec(&ALL, Role::Server).compress(&vec![0; 10 << 20], &mut Pool::default()).unwrap();
    assert!(bomb.len() < 20_000);
    for limit in [0, 1, 1000, 100_000, (10 << 20) - 1] {
        let mut message = Vec::new();
        let outcome =
            codec(&ALL, Role::Client).decompress(&bomb, &mut message, limit, &mut Pool::default());
        assert_eq!(outcome, Inflated::TooBig, "{limit}");
        assert!(message.capacity() <= limit + 1, "{} for {limit}", message.capacity());
    }
    let mut theirs = codec(&ALL, Role::Client);
    assert_eq!(unpack(&mut theirs, &bomb, 10 << 20).unwrap().len(), 10 << 20);
}

#[test]
fn damage_is_told() {
    // The last three are cut: at the start of a stored block, in it, in its header.
    for packed in [
        &[0x07][..],
        &[0xff; 9],
        &[0x02, 0x00, 0x00, 0x00],
        &[0x00, 0x05, 0x00, 0xfa, 0xff],
        &[0x00, 0x09, 0x00, 0xf6, 0xff, 0x48],
        &[0x00, 0x05, 0x00],
    ] {
        for wishes in [ALL, FORGETFUL] {
            let outcome = unpack(&mut codec(&wishes, Role::Client), packed, 100);
            assert_eq!(outcome, Err(Inflated::Corrupt), "{packed:x?}");
        }
    }
}

#[test]
fn a_cut_message_is_damage() {
    // The tail may happen to complete what was cut: then nobody can tell.
    const UNTOLD_MAX: usize = 4;
    let text = "Each of these lines is much like the others, but not quite. ".repeat(9) + "snö, 雪";
    let (mut cuts, mut untold) = (0, 0);
    for message in [text.as_bytes(), b"Hello", &[0; 500]] {
        let packed = codec(&ALL, Role::Server).compress(message, &mut Pool::default()).unwrap();
        for length in 1..packed.len() {
            let outcome = unpack(&mut codec(&ALL, Role::Client), &packed[..length], 1000);
            cuts += 1;
            untold += usize::from(outcome != Err(Inflated::Corrupt));
        }
    }
    assert!(cuts > 80 && untold <= UNTOLD_MAX, "{untold} of {cuts}");
}

#[test]
fn a_window_of_eight_bits_is_read_and_not_written() {
    let narrow = "permessage-deflate; server_max_window_bits=8";
    let agreed = accept([narrow].into_iter(), &ALL).unwrap();
    let mut ours = Codec::new(Role::Server, &agreed, 6, 0);
    assert!(!ours.is_worth(1000));
    assert_eq!(unpack(&mut ours, &HELLO, 5).unwrap(), b"Hello");
    let theirs = Codec::new(Role::Client, &agreed, 6, 0);
    assert!(theirs.is_worth(1));
}

#[test]
fn the_pool_is_bounded_and_what_is_not_asked_for_leaves_it() {
    let mut pool = Pool::default();
    let mut agreed = accept(["permessage-deflate"].into_iter(), &FORGETFUL).unwrap();
    let mut turn = |bits, pool: &mut Pool| {
        agreed.server_bits = Some(bits);
        let mut ours = Codec::new(Role::Server, &agreed, 6, 0);
        let packed = ours.compress(b"Hello", pool).unwrap();
        pool.give_scratch(packed);
        pool.compressor_bits()
    };
    for bits in 9..=14 {
        turn(bits, &mut pool);
    }
    assert_eq!(turn(12, &mut pool), [11, 13, 14, 12]);
    assert_eq!(turn(15, &mut pool), [13, 14, 12, 15]);
}
