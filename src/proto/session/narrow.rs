//! Notices that a path has become too narrow for the datagrams that it took before (RFC 8899
//! section 4.3): long ones are lost again and again while others arrive.
//!
//! It judges acknowledgements and losses that others have found, and sends nothing.

use super::DATAGRAM_SIZE_MIN;
use crate::proto::time::{MICROS_PER_MS, Micros};
use crate::proto::utp::path_mtu::{PATH_MTU_MIN, PATH_MTU_NARROW};

/// How long datagrams are once longer ones have gone missing, from step to step.
pub const SIZES: [u16; 3] = [PATH_MTU_MIN, PATH_MTU_NARROW, DATAGRAM_SIZE_MIN];
/// Times that longer datagrams were lost and none arrived, each sent after the loss before was
/// noticed. Chance alone makes as many of a path that loses one of four once in 4,000 times.
const STRIKES_MAX: u8 = 6;
/// Times from which on it is better to be careful.
const STRIKES_SUSPECT: u8 = 2;
/// For so long after the last of them: perhaps nothing long leaves any more that could end it. They
/// count on all the same.
const SUSPICION_MAX: Micros = 10_000 * MICROS_PER_MS;

/// What speaks against one step being too small.
#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    strikes: u8,
    /// When the last of them was noticed.
    noticed: Micros,
}

/// The watch of one session.
#[derive(Debug, Default)]
pub struct Narrowing {
    /// By the place of the step.
    watches: [Watch; SIZES.len()],
}

impl Narrowing {
    /// Is there a suspicion?
    #[inline]
    pub fn suspects(&self, now: Micros) -> bool {
        self.watches.iter().any(|watch| {
            watch.strikes >= STRIKES_SUSPECT && now.saturating_sub(watch.noticed) <= SUSPICION_MAX
        })
    }

    /// The path is another, or what was taken for lost was late.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// A datagram of so many bytes arrived.
    #[inline]
    pub fn handle_arrived(&mut self, size: u32) {
        if size <= u32::from(DATAGRAM_SIZE_MIN) {
            return;
        }
        for (watch, step) in self.watches.iter_mut().zip(SIZES) {
            if size > u32::from(step) {
                watch.strikes = 0;
            }
        }
    }

    /// Datagrams are lost; for each step, when the last of those left that were longer. The
    /// longest that the path may be believed to take, if that is news.
    pub fn handle_lost(
        &mut self,
        now: Micros,
        longer_sent: [Option<Micros>; SIZES.len()],
    ) -> Option<u16> {
        let mut narrower = None;
        for (place, sent) in longer_sent.into_iter().enumerate() {
            let watch = &mut self.watches[place];
            let Some(sent) = sent else { continue };
            if watch.strikes > 0 && sent < watch.noticed {
                continue;
            }
            watch.strikes += 1;
            watch.noticed = now;
            if watch.strikes >= STRIKES_MAX {
                narrower = narrower.or(Some(SIZES[place]));
            }
        }
        if narrower.is_some() {
            // It begins anew with the next size.
            self.clear();
        }
        narrower
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A datagram of so many bytes that left at `sent` is lost.
    fn lose(watch: &mut Narrowing, now: Micros, size: u16, sent: Micros) -> Option<u16> {
        watch.handle_lost(now, SIZES.map(|step| Some(sent).filter(|_| size > step)))
    }

    #[test]
    fn losses_that_one_cause_may_have_count_once() {
        let mut watch = Narrowing::default();
        for sent in 0..100 {
            assert_eq!(lose(&mut watch, 100, 1400, sent), None, "all of one flight");
        }
        assert!(!watch.suspects(100));
        for now in 1..5 {
            assert_eq!(lose(&mut watch, 100 + now * 100, 1400, now * 100), None, "{now}");
            assert!(watch.suspects(100 + now * 100));
        }
        assert_eq!(lose(&mut watch, 1000, 1400, 900), Some(1024));
        assert!(!watch.suspects(1000), "it begins anew with the next size");
    }

    #[test]
    fn a_suspicion_that_nothing_confirms_ends_and_its_losses_count_on() {
        let mut watch = Narrowing::default();
        lose(&mut watch, 10, 1400, 0);
        lose(&mut watch, 20, 1400, 15);
        watch.handle_arrived(100);
        assert!(watch.suspects(20) && watch.suspects(20 + SUSPICION_MAX));
        let later = 21 + SUSPICION_MAX;
        assert!(!watch.suspects(later));
        assert_eq!(lose(&mut watch, later, 1400, later - 10), None);
        assert!(watch.suspects(later), "there it is again");
        for now in 1..3 {
            assert_eq!(lose(&mut watch, later + now * 10, 1400, later + now * 10 - 5), None);
        }
        assert_eq!(lose(&mut watch, later + 30, 1400, later + 25), Some(1024));
    }

    #[test]
    fn a_datagram_that_arrives_ends_every_suspicion_against_those_that_are_no_longer() {
        let mut watch = Narrowing::default();
        for round in 0..50 {
            assert_eq!(lose(&mut watch, round * 10, 1400, round * 10), None);
            if round % 5 == 4 {
                watch.handle_arrived(1100);
            }
        }
        watch.clear();
        for round in 0..5 {
            assert_eq!(lose(&mut watch, round * 10, 1400, round * 10), None);
            watch.handle_arrived(1024);
        }
        assert_eq!(lose(&mut watch, 100, 1400, 100), Some(1024), "shorter ones say nothing");
    }

    #[test]
    fn what_is_lost_says_how_narrow_the_path_may_be() {
        for (size, found) in [(1025, 1024), (1024, 512), (513, 512), (512, 256), (257, 256)] {
            let mut watch = Narrowing::default();
            let found_after = (1..=6).find_map(|round| {
                lose(&mut watch, round * 10, size, round * 10).map(|found| (round, found))
            });
            assert_eq!(found_after, Some((6, found)), "{size}");
        }
        let mut watch = Narrowing::default();
        for round in 0..100 {
            assert_eq!(lose(&mut watch, round * 10, 256, round * 10), None);
        }
    }
}
