//! The hash of tokens. Tokens are the clients' choice, so it must not be guessable which ones fall
//! together; and every datagram looks one up, so it must be quick.
//!
//! Multiply-shift with a secret multiplier and addend of 128 bits: for any two tokens that are
//! chosen without knowing them, equal hashes are as likely as with a random function
//! (Dietzfelbinger 1996: strongly universal, and so is every choice of the result's bits).

use std::hash::{BuildHasher, Hasher};

/// The secret, drawn once per interface.
#[derive(Clone, Debug)]
pub struct TokenHash {
    multiplier: u128,
    addend: u128,
}

impl TokenHash {
    /// With 32 random bytes.
    pub fn new(random: [u8; 32]) -> Self {
        let half = |from: usize| {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&random[from..from + 16]);
            u128::from_le_bytes(bytes)
        };
        Self { multiplier: half(0), addend: half(16) }
    }
}

impl BuildHasher for TokenHash {
    type Hasher = TokenHasher;

    fn build_hasher(&self) -> TokenHasher {
        TokenHasher { multiplier: self.multiplier, state: self.addend }
    }
}

/// One hash on its way.
pub struct TokenHasher {
    multiplier: u128,
    state: u128,
}

impl Hasher for TokenHasher {
    fn write(&mut self, bytes: &[u8]) {
        // A token is one piece of eight bytes; anything else is hashed as well, only slower.
        for piece in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..piece.len()].copy_from_slice(piece);
            let value = u128::from(u64::from_le_bytes(word));
            self.state = self.state.wrapping_add(self.multiplier.wrapping_mul(value));
        }
    }

    /// The length of an array, which is the same for all tokens.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        (self.state >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::random::Random;

    fn secret(random: &mut Random) -> TokenHash {
        TokenHash::new(std::array::from_fn(|_| random.next_u64() as u8))
    }

    #[test]
    fn tokens_that_differ_in_one_bit_spread_over_all_buckets() {
        let mut random = Random::new(7);
        let hash = secret(&mut random);
        let token: [u8; 8] = std::array::from_fn(|_| random.next_u64() as u8);
        let mut buckets = std::collections::HashSet::new();
        for bit in 0..64 {
            let mut other = token;
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(hash.hash_one(other), hash.hash_one(token));
            buckets.insert(hash.hash_one(other) & 0xff);
        }
        // 64 balls into 256 buckets fill 57 on average.
        assert!(buckets.len() > 40, "{}", buckets.len());
    }

    #[test]
    fn what_falls_together_depends_on_the_secret() {
        let mut random = Random::new(11);
        let (one, other) = (secret(&mut random), secret(&mut random));
        let tokens: Vec<[u8; 8]> = (0..4096_u64).map(u64::to_le_bytes).collect();
        let bucket = |hash: &TokenHash, token: &[u8; 8]| hash.hash_one(token) & 0x3ff;
        let crowd: Vec<_> = tokens.iter().filter(|token| bucket(&one, token) == 0).collect();
        let again = crowd.iter().filter(|token| bucket(&other, token) == 0).count();
        assert!(!crowd.is_empty() && again < crowd.len());
    }
}
