//! Frames through extensions, by the machine.

use super::super::deflate::{Codec, Wishes, accept as accept_deflate};
use super::super::extension::toy::Toy;
use super::super::extension::{Extension, Negotiated, accept, check, confirm};
use super::super::fuzz::join;
use super::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn own() -> Vec<Box<dyn Extension>> {
    vec![Toy::boxed("x-one", 7, 2), Toy::boxed("x-two", 9, 1)]
}

fn agreed(header: &str) -> Vec<Negotiated> {
    accept(|| [header].into_iter(), &own(), 0)
}

fn extended(role: Role, config: Config, header: &str) -> WebSocket {
    let mut socket = WebSocket::new(role, config, 0);
    socket.set_extensions(agreed(header));
    socket
}

fn pack(socket: &mut WebSocket, kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    socket.pack_message(&mut out, kind, payload, &mut || KEY, &mut Pool::default());
    out
}

#[test]
fn golden_frames() {
    // Check byte 7 ^ 1 << 1 ^ 1, then "Hi" turned by 7; RSV2.
    let golden = [0xa1, 3, 0x04, 0x4f, 0x6e];
    let mut server = extended(Role::Server, PLAIN, "x-one");
    assert_eq!(pack(&mut server, Kind::Text, b"Hi"), golden);
    assert_eq!(server.shared_form(2), None);
    let mut client = extended(Role::Client, PLAIN, "x-one");
    assert_eq!(feed(&mut client, &golden), [message(b"Hi", true)]);
    let mut out = Vec::new();
    server.send_ping(b"Hi").expect("is open");
    server.poll_transmit(&mut out, &mut || KEY);
    assert_eq!(out, [0x89, 2, 0x48, 0x69], "control frames stay as they are");
}

#[test]
fn what_an_extension_refuses_ends_the_connection() {
    // Text with the check byte of key 7, turned by 7.
    let good = |payload: &[u8]| {
        let turned = payload.iter().map(|byte| byte ^ 7);
        frame(0xa1, &[0x04].into_iter().chain(turned).collect::<Vec<_>>())
    };
    let table = [
        (frame(0xa1, b""), 1007),
        (frame(0xa1, b"\x05abc"), 1002),
        // Without its bit, with another one, and a control frame with it.
        (frame(0x81, b"\x04abc"), 1002),
        (frame(0xb1, b"\x04abc"), 1002),
        (frame(0xa9, b"\x04abc"), 1002),
        (good(b"\xff\xff"), 1007),
        (good(&vec![b'a'; PLAIN.message_size_max as usize + 1]), 1009),
        (good(&vec![200; 1000]), 1009),
    ];
    for (bytes, code) in table {
        let mut server = extended(Role::Server, PLAIN, "x-one");
        assert_eq!(failed_code(&feed(&mut server, &bytes)), Some(code), "{:x?}", &bytes[..3]);
        assert_eq!(server.memory_held(), 0);
    }
    let longest = vec![b'a'; PLAIN.message_size_max as usize];
    let mut server = extended(Role::Server, PLAIN, "x-one");
    assert_eq!(feed(&mut server, &good(&longest)), [message(&longest, true)]);
}

#[test]
fn offers_are_chosen_and_answers_checked() {
    let texts = |header: &str, taken| {
        let agreed = accept(|| [header].into_iter(), &own(), taken);
        agreed.into_iter().map(|one| one.text).collect::<Vec<_>>()
    };
    assert_eq!(texts("x-one; a, X-TWO", 0), ["x-one; key=7", "x-two; key=9"]);
    assert_eq!(texts("x-one; bad, x-one; good", 0), ["x-one; key=7"]);
    assert_eq!(texts("x-one, x-two", 2), ["x-two; key=9"]);
    assert!(texts("x-other; x=\"x-one\", permessage-deflate", 0).is_empty());
    let check = |header: &str, taken| {
        let agreed = confirm([header].into_iter(), &own(), taken);
        agreed.map(|list| list.into_iter().map(|one| one.text).collect::<Vec<_>>())
    };
    let both = "permessage-deflate, x-two; key=9, x-one; key=7";
    assert_eq!(check(both, 4).unwrap(), ["x-two; key=9", "x-one; key=7"]);
    assert_eq!(check("", 0).unwrap(), [""; 0]);
    assert_eq!(check("x-one; key=8", 0), Err(4001));
    assert_eq!(check("x-one; key=7, x-one; key=7", 0), Err(1010));
    assert_eq!(check("x-one; key=7, permessage-deflate", 4), Err(1010));
    assert_eq!(check("x-one; key=7", 2), Err(1010));
    let required: [Box<dyn Extension>; 1] =
        [Box::new(Toy { name: "x-one", key: 7, bits: 0, required: true })];
    assert!(confirm(["x-two"].into_iter(), &required, 0).is_err_and(|code| code == 1010));
}

#[test]
fn what_cannot_be_registered_is_said() {
    let others = own();
    assert_eq!(check(Toy::boxed("x-new", 1, 7).as_ref(), &others), Ok(()));
    for (name, bits) in [("", 0), ("a b", 0), ("X-ONE", 0), ("Permessage-Deflate", 0), ("x", 8)] {
        assert!(check(Toy::boxed(name, 1, bits).as_ref(), &others).is_err(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        rng_seed: RngSeed::Fixed(6455),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn messages_survive_extensions_and_any_cut(
        messages in prop::collection::vec((any::<bool>(), "[a-cж雪]{0,300}"), 1..6),
        cuts in prop::collection::vec(1_usize..100, 1..20),
        fragment_size in prop::sample::select(vec![0_u32, 7, 100]),
        assembly_max in prop::sample::select(vec![0_u32, 7, u32::MAX]),
        compressed: bool,
        header in prop::sample::select(vec!["x-one", "x-two", "x-one, x-two"]),
    ) {
        let config = Config { fragment_size, assembly_max, ..PLAIN };
        let wishes =
            Wishes { own_bits: 15, peer_bits: 15, own_no_context: false, peer_no_context: true };
        let [mut sender, mut receiver] = [Role::Client, Role::Server].map(|role| {
            let mut socket = extended(role, config, header);
            let agreed = accept_deflate(["permessage-deflate"].into_iter(), &wishes);
            if let Some(agreed) = agreed.filter(|_| compressed) {
                socket.set_codec(Codec::new(role, &agreed, 6, 20));
            }
            socket
        });
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
        prop_assert_eq!(join(&got, 100_000), expected);
    }
}
