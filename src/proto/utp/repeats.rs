//! Which tokens have asked before: a bounded, forgetful set (three Bloom filters in turns).
//!
//! Under load a first request is not worth a connection: a flood has a new token each time, and a
//! client repeats its own. So a token that asked some time ago is told from one that is new. The
//! set may err towards "asked before", rarely, and it never grows.

use super::cookie::CookieKey;
use super::packet::Token;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// How long one filter is written to.
const GENERATION: Micros = 2000 * MICROS_PER_MS;
/// Bits of one filter: 200,000 tokens in a generation make one error in a thousand.
const BITS: u64 = 1 << 22;
/// Bits that one token sets.
const HASHES: u32 = 4;
/// Filters: the one that is written to, and those that are asked.
const GENERATIONS: usize = 3;
/// What keeps this use of the key apart from others.
const DOMAIN: u8 = 1;

/// The set.
#[derive(Debug, Default)]
pub struct Repeats {
    /// Empty until the first token.
    filters: [Vec<u64>; GENERATIONS],
    generation: u64,
}

impl Repeats {
    /// Notes that a token asks now; returns how many generations ago it did so before, the longest
    /// time that is known: 0 (it did not), 1 or 2.
    pub fn handle_request(&mut self, now: Micros, token: Token, key: &CookieKey) -> usize {
        self.turn(now / GENERATION);
        let hash = key.hash(DOMAIN, &[&token]);
        let places: [u64; HASHES as usize] =
            std::array::from_fn(|nth| hash.rotate_left(nth as u32 * 16) & (BITS - 1));
        let current = (self.generation % GENERATIONS as u64) as usize;
        let knows = |filter: &Vec<u64>| {
            places.iter().all(|&bit| {
                filter.get((bit / 64) as usize).is_some_and(|word| word >> (bit % 64) & 1 == 1)
            })
        };
        let ago = |generations: usize| (current + GENERATIONS - generations) % GENERATIONS;
        let known = (1..GENERATIONS).rev().find(|&ages| knows(&self.filters[ago(ages)]));
        let filter = &mut self.filters[current];
        filter.resize((BITS / 64) as usize, 0);
        for bit in places {
            filter[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        known.unwrap_or(0)
    }

    /// Forgets what is too old.
    fn turn(&mut self, generation: u64) {
        let steps = generation.saturating_sub(self.generation).min(GENERATIONS as u64);
        for step in 0..steps {
            let number = ((generation - step) % GENERATIONS as u64) as usize;
            self.filters[number].fill(0);
        }
        self.generation = generation;
    }

    /// Bytes that it holds.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.filters.iter().map(|filter| filter.len() * size_of::<u64>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: CookieKey = CookieKey::new([3; 16]);
    const MS: Micros = 1000;

    fn token(number: u32) -> Token {
        (u64::from(number) << 3).to_le_bytes()
    }

    #[test]
    fn a_client_that_repeats_its_request_every_second_is_known_within_three() {
        let mut repeats = Repeats::default();
        for start in (0..4000).step_by(250) {
            let client = token(1000 + start);
            let start = Micros::from(start) * MS + 100_000_000 * u64::from(start);
            assert_eq!(repeats.handle_request(start, client, &KEY), 0, "{start}");
            let mut ask = |n: u64| repeats.handle_request(start + n * 1010 * MS, client, &KEY);
            let known: Vec<_> = (1..=5).map(&mut ask).collect();
            assert!(known[..3].iter().any(|&ago| ago > 0) && known.is_sorted(), "{known:?}");
            assert_eq!(known[4], 2, "{start}: it has asked for four seconds");
        }
    }

    #[test]
    fn a_client_that_takes_its_time_is_known_as_well() {
        for pause in [2500, 3000, 3500, 4000] {
            for start in (0..2000).step_by(250) {
                let mut repeats = Repeats::default();
                let mut ask = |n: u64| {
                    repeats.handle_request((10_000 + start + n * pause) * MS, token(1), &KEY)
                };
                let known: Vec<_> = (0..4).map(&mut ask).collect();
                assert!(known.contains(&2), "every {pause} ms from {start} on: {known:?}");
            }
        }
    }

    #[test]
    fn a_repetition_at_once_is_no_sign_of_a_client() {
        let mut repeats = Repeats::default();
        assert_eq!(repeats.handle_request(1, token(1), &KEY), 0);
        assert_eq!(repeats.handle_request(2, token(1), &KEY), 0);
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let mut repeats = Repeats::default();
        repeats.handle_request(1, token(1), &KEY);
        assert_eq!(repeats.handle_request(3 * GENERATION + 1, token(1), &KEY), 0);
    }

    #[test]
    fn a_flood_fills_a_bounded_memory_and_hardly_any_of_it_is_taken_for_known() {
        let mut repeats = Repeats::default();
        assert_eq!(repeats.memory(), 0, "nothing before there is load");
        let mut mistaken = 0;
        for number in 0..200_000 {
            let now = Micros::from(number) * 30;
            mistaken += repeats.handle_request(now, token(number), &KEY);
        }
        assert_eq!(repeats.memory(), GENERATIONS * BITS as usize / 8);
        assert!(mistaken < 100, "{mistaken}");
    }
}
