//! How much protection is worth: from the measured loss, within a budget.
//!
//! On a path without loss there is none. On a short one neither: there a message that is sent
//! again comes soon enough.

use super::rtt::RoundTrip;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// Packets over which the loss is averaged; a session that has seen fewer averages over those,
/// and over so many at least.
const AVERAGED: f32 = 128.0;
const AVERAGED_MIN: f32 = 32.0;
/// The same for the average that protection goes by where it is the higher one: what is lost once
/// in hundred packets must not be forgotten before the next loss.
const AVERAGED_LONG: f32 = 512.0;
/// Loss below which nothing is protected.
const LOSS_MIN: f32 = 0.003;
/// Round trips below which nothing is protected.
const ROUND_TRIP_MIN: Micros = 8 * MICROS_PER_MS;
/// The share of protection at little loss, and what each unit of loss adds to it.
const SHARE: (f32, f32) = (0.25, 15.0);

/// The policy of one session.
#[derive(Debug)]
pub struct Repairer {
    loss: f32,
    /// The same over more packets.
    long: f32,
    /// Packets that were heard of, as far as they count for the average.
    heard: f32,
    share_max: f32,
    /// Bytes of protection that may be sent.
    credit: f32,
    credit_max: f32,
}

impl Repairer {
    /// A policy that has seen no loss.
    pub fn new(percent_max: u8, datagram: usize) -> Self {
        let share_max = f32::from(percent_max) / 100.0;
        let credit_max = 2.0 * datagram as f32;
        Self { loss: 0.0, long: 0.0, heard: 0.0, share_max, credit: 0.0, credit_max }
    }

    /// Packets arrived, or did not.
    pub fn handle_packets(&mut self, arrived: u64, lost: u64) {
        self.heard = (self.heard + (arrived + lost) as f32).min(AVERAGED_LONG);
        if self.loss > 0.0 || lost > 0 {
            for (average, most) in [(&mut self.loss, AVERAGED), (&mut self.long, AVERAGED_LONG)] {
                let averaged = self.heard.clamp(AVERAGED_MIN, most);
                *average += (1.0 - *average) * lost as f32 / averaged;
                *average -= *average * arrived as f32 / averaged;
                *average = average.clamp(0.0, 1.0);
            }
        }
    }

    /// The measured loss, 0 to 1.
    pub const fn loss(&self) -> f32 {
        self.loss
    }

    /// Is so little lost that there is to be no protection?
    #[inline]
    pub fn rests(&self) -> bool {
        self.loss < LOSS_MIN && self.long < LOSS_MIN
    }

    /// The share of protection, 0 when there is to be none.
    fn share(&self, rtt: &RoundTrip) -> f32 {
        if self.rests() || rtt.smoothed() < ROUND_TRIP_MIN {
            return 0.0;
        }
        let loss = self.loss.max(self.long);
        (SHARE.0 + SHARE.1 * loss).min(self.share_max)
    }

    /// Is there to be any protection?
    pub fn protects(&self, rtt: &RoundTrip) -> bool {
        self.share(rtt) > 0.0
    }

    /// A message left for the first time.
    #[inline]
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
        assert!(!repairer.protects(&far()) && !repairer.affords(1));
    }

    #[test]
    fn protection_grows_with_loss_and_ends_at_the_budget() {
        let mut repairer = Repairer::new(66, 1400);
        repairer.handle_packets(99, 0);
        repairer.handle_packets(0, 1);
        repairer.handle_sent(1000, &far());
        assert!(repairer.affords(399) && !repairer.affords(401));
        let mut repairer = Repairer::new(66, 1400);
        for _ in 0..100 {
            repairer.handle_packets(9, 1);
        }
        assert!((0.09..0.11).contains(&repairer.loss()), "{}", repairer.loss());
        repairer.handle_sent(1000, &far());
        assert!(repairer.affords(660) && !repairer.affords(661));
        repairer.handle_protected(660);
        assert!(!repairer.affords(1));
        let mut none = Repairer::new(0, 1400);
        none.handle_packets(0, 10);
        assert!(!none.protects(&far()));
    }

    #[test]
    fn a_young_session_believes_its_first_losses() {
        let mut young = Repairer::new(66, 1400);
        young.handle_packets(39, 0);
        young.handle_packets(0, 1);
        assert!((0.02..0.03).contains(&young.loss()), "{}", young.loss());
        let mut old = Repairer::new(66, 1400);
        old.handle_packets(1000, 0);
        old.handle_packets(0, 1);
        assert!(old.loss() < 0.01, "{}", old.loss());
    }

    #[test]
    fn a_short_round_trip_needs_no_protection() {
        let mut repairer = Repairer::new(66, 1400);
        repairer.handle_packets(0, 10);
        assert!(!repairer.protects(&RoundTrip::new(Some(2000))));
    }

    #[test]
    fn protection_outlasts_the_gap_between_rare_losses() {
        let mut repairer = Repairer::new(66, 1400);
        for _ in 0..20 {
            repairer.handle_packets(0, 1);
            for _ in 0..250 {
                repairer.handle_packets(1, 0);
            }
        }
        assert!(repairer.loss() < LOSS_MIN && repairer.protects(&far()));
    }

    #[test]
    fn loss_is_forgotten() {
        let mut repairer = Repairer::new(66, 1400);
        repairer.handle_packets(0, 10);
        for _ in 0..3000 {
            repairer.handle_packets(1, 0);
        }
        assert!(!repairer.protects(&far()));
    }
}
