//! The tokens of connections that ended a short while ago, so that a request that comes late makes
//! no ghost of them. Bounded: the oldest make room.

use std::collections::{BTreeSet, VecDeque};

use super::packet::Token;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// How many are remembered.
pub const CLOSED_TOKENS_MAX: usize = 8192;
/// For how long: far longer than a packet stays on its way.
pub const CLOSED_TOKEN_MEMORY: Micros = 30_000 * MICROS_PER_MS;

/// The ring.
#[derive(Debug, Default)]
pub struct ClosedTokens {
    ring: VecDeque<(Micros, Token)>,
    known: BTreeSet<Token>,
}

impl ClosedTokens {
    /// A connection with this token ends.
    pub fn insert(&mut self, now: Micros, token: Token) {
        self.expire(now);
        if self.ring.len() >= CLOSED_TOKENS_MAX
            && let Some((_, oldest)) = self.ring.pop_front()
        {
            self.known.remove(&oldest);
        }
        if self.known.insert(token) {
            self.ring.push_back((now.saturating_add(CLOSED_TOKEN_MEMORY), token));
        }
    }

    /// Did a connection with this token end a short while ago?
    pub fn contains(&mut self, now: Micros, token: &Token) -> bool {
        self.expire(now);
        self.known.contains(token)
    }

    fn expire(&mut self, now: Micros) {
        while let Some(&(end, token)) = self.ring.front()
            && end <= now
        {
            self.ring.pop_front();
            self.known.remove(&token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: u64) -> Token {
        number.to_le_bytes()
    }

    #[test]
    fn a_token_is_known_until_its_time_is_over() {
        let mut closed = ClosedTokens::default();
        closed.insert(5, token(1));
        closed.insert(6, token(1));
        assert!(closed.contains(CLOSED_TOKEN_MEMORY + 4, &token(1)));
        assert!(!closed.contains(CLOSED_TOKEN_MEMORY + 5, &token(1)));
        assert!(!closed.contains(0, &token(2)));
    }

    #[test]
    fn the_oldest_make_room() {
        let mut closed = ClosedTokens::default();
        for number in 0..CLOSED_TOKENS_MAX as u64 + 10 {
            closed.insert(number, token(number));
        }
        assert!(!closed.contains(0, &token(9)) && closed.contains(0, &token(10)));
        assert_eq!((closed.ring.len(), closed.known.len()), (CLOSED_TOKENS_MAX, CLOSED_TOKENS_MAX));
    }
}
