//! A small seeded generator for simulations: same seed, same numbers, on every machine.
//!
//! It must not be used for anything a stranger should be unable to guess (tokens, masks, keys):
//! those come from the operating system and enter `proto` as arguments.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator whose whole output is decided by `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..n`; 0 when `n` is 0. The bias is below `n / 2^64`.
    pub const fn below(&mut self, n: u64) -> u64 {
        ((self.next_u64() as u128 * n as u128) >> 64) as u64
    }

    /// True in `percent` of the calls: never at 0 (or less, or NaN), always at 100 (or more).
    /// Consumes one number whatever the answer, so that a run stays comparable.
    pub fn chance(&mut self, percent: f32) -> bool {
        // 24 bits are what an f32 holds exactly, so that 100 % is always above the draw.
        let draw = (self.next_u64() >> 40) as f32 / (1u32 << 24) as f32;
        draw * 100.0 < percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        let mut random = Random::new(1_234_567);
        let got: Vec<u64> = (0..5).map(|_| random.next_u64()).collect();
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(got, published);
    }

    #[test]
    fn below_stays_below_and_reaches_both_ends() {
        let mut random = Random::new(1);
        let mut seen = [0u32; 5];
        for _ in 0..1000 {
            seen[usize::try_from(random.below(5)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&count| count > 100), "{seen:?}");
        assert_eq!(random.below(0), 0);
        assert_eq!(random.below(1), 0);
    }

    #[test]
    fn chance_is_never_at_0_and_always_at_100_and_close_in_between() {
        let mut random = Random::new(2);
        let mut count = |percent| (0..10_000).filter(|_| random.chance(percent)).count();
        assert_eq!(count(0.0), 0);
        assert_eq!(count(-5.0), 0);
        assert_eq!(count(f32::NAN), 0);
        assert_eq!(count(100.0), 10_000);
        let quarter = count(25.0);
        assert!((2_300..2_700).contains(&quarter), "{quarter}");
    }
}
