//! Notices that a path has become too narrow for the datagrams that it took before (RFC 8899
//! section 4.3): long ones are lost again and again while others arrive.
//!
//! It judges acknowledgements and losses that others have found, and sends nothing.

use super::DATAGRAM_SIZE_MIN;
use crate::proto::time::Micros;
use crate::proto::utp::path_mtu::PATH_MTU_MIN;

/// How long datagrams are once longer ones have gone missing, from step to step.
const SIZES: [u16; 3] = [PATH_MTU_MIN, 512, DATAGRAM_SIZE_MIN];
/// Times that long datagrams were lost and none arrived, each sent after the loss before was
/// noticed. Chance alone makes as many of a path that loses one of four once in 4,000 times.
const STRIKES_MAX: u8 = 6;

/// The watch of one session.
#[derive(Debug, Default)]
pub struct Narrowing {
    strikes: u8,
    /// When the last of them was noticed.
    noticed: Micros,
}

impl Narrowing {
    /// Is there a suspicion?
    pub const fn suspects(&self) -> bool {
        self.strikes > 0
    }

    /// A long datagram arrived, or the path is another.
    pub const fn clear(&mut self) {
        self.strikes = 0;
    }

    /// Long datagrams are lost, the last of which left at `sent`. True when the path must be taken
    /// for too narrow.
    pub fn handle_lost(&mut self, now: Micros, sent: Micros) -> bool {
        if self.suspects() && sent < self.noticed {
            return false;
        }
        self.strikes += 1;
        self.noticed = now;
        if self.strikes < STRIKES_MAX {
            return false;
        }
        self.strikes = 0;
        true
    }
}

/// How long datagrams are when those of `size` bytes are too long; the size itself when there is
/// nothing less.
pub fn next_size(size: u16) -> u16 {
    SIZES.into_iter().find(|&less| less < size).unwrap_or(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_that_one_cause_may_have_count_once() {
        let mut watch = Narrowing::default();
        for sent in 0..100 {
            assert!(!watch.handle_lost(100, sent), "all of one flight");
        }
        for now in 1..5 {
            assert!(!watch.handle_lost(100 + now * 100, now * 100), "{now}");
        }
        assert!(watch.handle_lost(1000, 900));
        assert!(!watch.suspects(), "it begins anew with the next size");
    }

    #[test]
    fn a_long_datagram_that_arrives_ends_every_suspicion() {
        let mut watch = Narrowing::default();
        for round in 0..50 {
            assert!(!watch.handle_lost(round * 10, round * 10));
            if round % 5 == 4 {
                watch.clear();
            }
        }
    }

    #[test]
    fn sizes_fall_in_steps_to_the_smallest() {
        assert_eq!(
            [1472, 1025, 1024, 513, 512, 256].map(next_size),
            [1024, 1024, 512, 512, 256, 256]
        );
    }
}
