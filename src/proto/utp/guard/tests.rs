//! Each bound filled, and a flood.

use proptest::prelude::*;

use super::*;
use crate::proto::random::Random;

const MS: Micros = 1000;
const LIMITS: Limits = Limits {
    unvalidated_max: 4,
    cookie_threshold: 2,
    connections_per_address: 3,
    requests_per_address: 10,
};
const ADMIT: Verdict = Verdict::Admit { validated: false };

fn guard(limits: Limits) -> Guard {
    Guard::new(limits, [7; 16])
}

fn v4(number: u32) -> NetworkEndpoint {
    // Documentation addresses do not suffice; nothing is sent here.
    let address = std::net::Ipv4Addr::from(0x0a00_0000 + number);
    NetworkEndpoint::from_socket_addr((address, 7777).into())
}

fn v6(network: u16, host: u16) -> NetworkEndpoint {
    let address = std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, network, 0, 0, 0, host);
    NetworkEndpoint::from_socket_addr((address, 7777).into())
}

fn token(number: u64) -> Token {
    number.to_le_bytes()
}

/// Fills the guard with connections that nobody speaks on, each from its own address.
fn fill(guard: &mut Guard, count: u32) -> Vec<Pass> {
    (0..count).map(|number| guard.handle_admitted(&v4(1000 + number), false)).collect()
}

#[test]
fn below_the_threshold_a_request_is_a_connection() {
    let mut guard = guard(LIMITS);
    assert_eq!(guard.handle_request(0, &v4(1), token(1), None, false), ADMIT);
    fill(&mut guard, 1);
    assert_eq!(guard.handle_request(0, &v4(2), token(2), None, false), ADMIT);
    assert_eq!(guard.statistics(), GuardStatistics::default());
}

#[test]
fn at_the_threshold_a_cookie_is_asked_for_and_lets_in() {
    let mut guard = guard(LIMITS);
    fill(&mut guard, 2);
    let Verdict::Retry(cookie) = guard.handle_request(0, &v4(1), token(1), None, false) else {
        panic!("no cookie was asked for");
    };
    let with = |guard: &mut Guard, source, token| {
        guard.handle_request(100 * MS, &source, token, Some(cookie), false)
    };
    assert_eq!(with(&mut guard, v4(1), token(1)), Verdict::Admit { validated: true });
    assert!(matches!(with(&mut guard, v4(2), token(1)), Verdict::Retry(_)), "another address");
    assert!(matches!(with(&mut guard, v4(1), token(2)), Verdict::Retry(_)), "another token");
    let counted = guard.statistics();
    assert_eq!((counted.retries, counted.cookies_accepted, counted.cookies_refused), (3, 1, 2));
}

#[test]
fn before_a_long_answer_a_cookie_is_asked_for_at_any_time() {
    let mut guard = guard(LIMITS);
    let Verdict::Retry(cookie) = guard.handle_request(0, &v4(1), token(1), None, true) else {
        panic!("no cookie was asked for");
    };
    let verdict = guard.handle_request(50 * MS, &v4(1), token(1), Some(cookie), true);
    assert_eq!(verdict, Verdict::Admit { validated: true });
    // One that knows no cookies asks again, and gets what is no longer than it asked for.
    let mut ask = |n: u64| guard.handle_request(n * 1010 * MS, &v4(2), token(2), None, true);
    let again: Vec<_> = (1..=5).map(&mut ask).collect();
    assert!(!again[..2].contains(&ADMIT), "a Retry may be lost, and another one: {again:?}");
    assert!(again.contains(&ADMIT), "it waits too long: {again:?}");
}

#[test]
fn a_stock_client_is_let_in_up_to_the_bound_when_it_asks_again() {
    let mut guard = guard(LIMITS);
    let mut passes = fill(&mut guard, 2);
    let ask = |guard: &mut Guard, second: u64, number| {
        guard.handle_request(second * 1010 * MS, &v4(1), token(number), None, false)
    };
    assert!(matches!(ask(&mut guard, 0, 1), Verdict::Retry(_)));
    assert!((1..=3).any(|second| ask(&mut guard, second, 1) == ADMIT), "it waits too long");
    passes.extend(fill(&mut guard, 2));
    for second in 4..8 {
        assert!(matches!(ask(&mut guard, second, 2), Verdict::Retry(_)), "the bound is reached");
    }
    assert!(guard.statistics().unvalidated_refused > 0);
    guard.handle_closed(0, passes[0], None);
    assert_eq!(ask(&mut guard, 8, 2), ADMIT, "there is room again");
}

#[test]
fn a_proven_address_is_let_in_when_the_bound_is_reached() {
    let mut guard = guard(LIMITS);
    fill(&mut guard, 4);
    let Verdict::Retry(cookie) = guard.handle_request(0, &v4(1), token(1), None, false) else {
        panic!("no cookie was asked for");
    };
    let verdict = guard.handle_request(1, &v4(1), token(1), Some(cookie), false);
    assert_eq!(verdict, Verdict::Admit { validated: true });
    guard.handle_admitted(&v4(1), true);
    assert_eq!(guard.unvalidated(), 4);
}

#[test]
fn who_is_heard_frees_its_place_once() {
    let mut guard = guard(LIMITS);
    let mut passes = fill(&mut guard, 4);
    guard.handle_validated(&mut passes[0]);
    guard.handle_validated(&mut passes[0]);
    assert_eq!(guard.unvalidated(), 3);
    for pass in passes {
        guard.handle_closed(0, pass, None);
    }
    assert_eq!((guard.unvalidated(), guard.addresses.len()), (0, 0));
}

#[test]
fn an_address_has_its_share_and_a_network_of_ipv6_is_one_address() {
    let mut guard = guard(Limits { cookie_threshold: 100, unvalidated_max: 100, ..LIMITS });
    let v6_hosts = [v6(1, 1), v6(1, 2), v6(1, 3)];
    let passes = v6_hosts.map(|host| guard.handle_admitted(&host, true));
    assert_eq!(guard.handle_request(0, &v6(1, 4), token(1), None, false), Verdict::Drop);
    assert_eq!(guard.handle_request(0, &v6(2, 4), token(1), None, false), ADMIT, "another network");
    assert_eq!(guard.statistics().address_refused, 1);
    guard.handle_closed(0, passes[1], None);
    assert_eq!(guard.handle_request(0, &v6(1, 4), token(1), None, false), ADMIT);
    let custom = NetworkEndpoint::custom(b"a relay").expect("is an address");
    for _ in 0..3 {
        guard.handle_admitted(&custom, true);
    }
    assert_eq!(guard.handle_request(0, &custom, token(1), None, false), Verdict::Drop);
}

#[test]
fn this_machine_is_no_stranger() {
    let mut guard = guard(Limits { cookie_threshold: 100, unvalidated_max: 100, ..LIMITS });
    for number in 0..50 {
        let local = NetworkEndpoint::loopback_ipv4(number + 1);
        assert_eq!(guard.handle_request(0, &local, token(number.into()), None, false), ADMIT);
        guard.handle_admitted(&local, true);
    }
}

#[test]
fn an_address_that_asks_too_often_waits_for_the_next_second() {
    let mut guard = guard(LIMITS);
    let mut ask =
        |now, source: &NetworkEndpoint| guard.handle_request(now, source, token(1), None, false);
    for _ in 0..10 {
        assert_eq!(ask(5 * MS, &v4(1)), ADMIT);
    }
    assert_eq!(ask(999 * MS, &v4(1)), Verdict::Drop);
    assert_eq!(ask(999 * MS, &v4(2)), ADMIT, "others are not concerned");
    assert_eq!(ask(1000 * MS, &v4(1)), ADMIT);
    assert_eq!(guard.statistics().rate_refused, 1);
}

#[test]
fn zero_is_no_limit() {
    let limits = Limits {
        connections_per_address: 0,
        requests_per_address: 0,
        cookie_threshold: 9,
        ..LIMITS
    };
    let mut guard = guard(limits);
    for number in 0..100 {
        assert_eq!(guard.handle_request(0, &v4(1), token(number), None, false), ADMIT);
        guard.handle_admitted(&v4(1), true);
    }
}

#[test]
fn a_request_that_comes_late_makes_no_ghost() {
    let mut guard = guard(LIMITS);
    let pass = guard.handle_admitted(&v4(1), true);
    guard.handle_closed(0, pass, Some(token(1)));
    assert_eq!(guard.handle_request(29_000 * MS, &v4(1), token(1), None, false), Verdict::Drop);
    assert_eq!(guard.handle_request(29_000 * MS, &v4(1), token(2), None, false), ADMIT);
    assert_eq!(guard.handle_request(31_000 * MS, &v4(1), token(1), None, false), ADMIT);
    assert_eq!(guard.statistics().late, 1);
}

#[test]
fn a_flood_from_a_hundred_thousand_addresses_finds_a_bounded_guard() {
    let limits = Limits {
        unvalidated_max: 1024,
        cookie_threshold: 256,
        connections_per_address: 1024,
        requests_per_address: 2000,
    };
    let mut guard = guard(limits);
    let mut random = Random::new(1);
    let mut admitted = 0;
    for number in 0..100_000 {
        let (now, source) = (Micros::from(number) * 50, v4(number));
        let token = random.next_u64().to_le_bytes();
        match guard.handle_request(now, &source, token, None, false) {
            Verdict::Admit { validated } => {
                assert!(!validated);
                guard.handle_admitted(&source, false);
                admitted += 1;
            }
            Verdict::Retry(_) => {}
            Verdict::Drop => panic!("nobody asked twice"),
        }
    }
    assert!((256..=300).contains(&admitted), "{admitted}: the threshold, and few by mistake");
    assert_eq!(guard.unvalidated(), admitted);
    assert!(guard.memory() < 2 << 20, "{} bytes", guard.memory());
    // Two that are real get in: one that knows cookies, one that repeats.
    let now = 5_000 * MS;
    let Verdict::Retry(cookie) = guard.handle_request(now, &v4(1), token(1), None, false) else {
        panic!("no cookie was asked for");
    };
    let verdict = guard.handle_request(now + 50 * MS, &v4(1), token(1), Some(cookie), false);
    assert_eq!(verdict, Verdict::Admit { validated: true });
    let again = |n: u64| guard.handle_request(now + n * 1010 * MS, &v4(2), token(2), None, false);
    assert!((0..=3).map(again).any(|verdict| verdict == ADMIT));
}

proptest! {
    #[test]
    fn the_bounds_hold_whatever_comes(seed: u64) {
        let mut guard = guard(LIMITS);
        let mut random = Random::new(seed);
        let mut open: Vec<Pass> = Vec::new();
        let mut now = 0;
        for _ in 0..300 {
            now += random.below(400) * MS;
            let source = v4(random.below(6) as u32);
            match random.below(4) {
                0 if !open.is_empty() => {
                    let pass = open.swap_remove(random.below(open.len() as u64) as usize);
                    let token = random.chance(50.0).then(|| token(random.below(20)));
                    guard.handle_closed(now, pass, token);
                }
                1 if !open.is_empty() => {
                    let place = random.below(open.len() as u64) as usize;
                    guard.handle_validated(&mut open[place]);
                }
                _ => {
                    let token = token(random.below(20));
                    let mut verdict = guard.handle_request(now, &source, token, None, false);
                    if let Verdict::Retry(cookie) = verdict && random.chance(50.0) {
                        verdict = guard.handle_request(now, &source, token, Some(cookie), false);
                    }
                    if let Verdict::Admit { validated } = verdict {
                        open.push(guard.handle_admitted(&source, validated));
                    }
                }
            }
            let unvalidated = open.iter().filter(|pass| pass.unvalidated).count();
            prop_assert_eq!(guard.unvalidated() as usize, unvalidated);
            prop_assert!(guard.unvalidated() <= LIMITS.unvalidated_max);
            prop_assert!(guard.addresses.values().all(|&count| count <= 3));
            let counted: u32 = guard.addresses.values().sum();
            prop_assert_eq!(counted as usize, open.len());
        }
    }
}
