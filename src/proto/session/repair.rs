//! How much protection is worth: from the measured loss, within a budget.
//!
//! On a path without loss there is none. On a short one neither: there a message that is sent
//! again comes soon enough.

use super::rtt::RoundTrip;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// Packets over which the loss is averaged.
const AVERAGED: f32 = 128.0;
/// Loss below which nothing is protected.
const LOSS_MIN: f32 = 0.003;
/// Round trips below which nothing is protected.
const ROUND_TRIP_MIN: Micros = 8 * MICROS_PER_MS;
/// The share of protection at little loss, and what each unit of loss adds to it.
const SHARE: (f32, f32) = (0.30, 7.2);
/// From this share on, two messages to a repair; below it, three.
const SHARE_OF_TWO: f32 = 0.5;

/// The policy of one session.
#[derive(Debug)]
pub struct Repairer {
    loss: f32,
    share_max: f32,
    /// Bytes of protection that may be sent.
    credit: f32,
    credit_max: f32,
}

impl Repairer {
    /// A policy that has seen no loss.
    pub fn new(percent_max: u8, datagram: usize) -> Self {
        let share_max = f32::from(percent_max) / 100.0;
        Self { loss: 0.0, share_max, credit: 0.0, credit_max: 2.0 * datagram as f32 }
    }

    /// Packets arrived, or did not.
    pub fn handle_packets(&mut self, arrived: u64, lost: u64) {
        if self.loss > 0.0 || lost > 0 {
            self.loss += (1.0 - self.loss) * lost as f32 / AVERAGED;
            self.loss -= self.loss * arrived as f32 / AVERAGED;
            self.loss = self.loss.clamp(0.0, 1.0);
        }
    }

    /// The measured loss, 0 to 1.
    pub const fn loss(&self) -> f32 {
        self.loss
    }

    /// The share of protection, 0 when there is to be none.
    fn share(&self, rtt: &RoundTrip) -> f32 {
        if self.loss < LOSS_MIN || rtt.smoothed() < ROUND_TRIP_MIN {
            return 0.0;
        }
        (SHARE.0 + SHARE.1 * self.loss).min(self.share_max)
    }

    /// How many messages a repair covers at most; `None` when there is to be none.
    pub fn span(&self, rtt: &RoundTrip) -> Option<u8> {
        let share = self.share(rtt);
        (share > 0.0).then_some(if share >= SHARE_OF_TWO { 2 } else { 3 })
    }

    /// A message left for the first time.
    pub fn handle_sent(&mut self, bytes: usize, rtt: &RoundTrip) {
        let share = self.share(rtt);
        if share > 0.0 {
            self.credit = (self.credit + bytes as f32 * share).min(self.credit_max);
        } else {
            self.credit = 0.0;
        }
    }

    /// Is there credit for protection of so many bytes?
    pub fn affords(&self, bytes: usize) -> bool {
        self.credit >= bytes as f32
    }

    /// Protection left.
    pub fn handle_protected(&mut self, bytes: usize) {
        self.credit -= bytes as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn far() -> RoundTrip {
        RoundTrip::new(Some(50 * MICROS_PER_MS))
    }

    #[test]
    fn without_loss_there_is_no_protection() {
        let mut repairer = Repairer::new(66, 1400);
        repairer.handle_packets(1_000_000, 0);
        repairer.handle_sent(1000, &far());
        assert_eq!((repairer.span(&far()), repairer.affords(1)), (None, false));
    }

    #[test]
    fn protection_grows_with_loss_and_ends_at_the_budget() {
        let mut repairer = Repairer::new(66, 1400);
        repairer.handle_packets(0, 1);
        assert_eq!(repairer.span(&far()), Some(3));
        for _ in 0..100 {
            repairer.handle_packets(9, 1);
        }
        assert!((0.09..0.11).contains(&repairer.loss()), "{}", repairer.loss());
        assert_eq!(repairer.span(&far()), Some(2));
        repairer.handle_sent(1000, &far());
        assert!(repairer.affords(660) && !repairer.affords(661));
        repairer.handle_protected(660);
        assert!(!repairer.affords(1));
        assert_eq!(Repairer::new(0, 1400).span(&far()), None);
    }

    #[test]
    fn a_short_round_trip_needs_no_protection() {
        let mut repairer = Repairer::new(66, 1400);
        repairer.handle_packets(0, 10);
        assert_eq!(repairer.span(&RoundTrip::new(Some(2000))), None);
    }

    #[test]
    fn loss_is_forgotten() {
        let mut repairer = Repairer::new(66, 1400);
        repairer.handle_packets(0, 10);
        for _ in 0..600 {
            repairer.handle_packets(1, 0);
        }
        assert_eq!(repairer.span(&far()), None);
    }
}
