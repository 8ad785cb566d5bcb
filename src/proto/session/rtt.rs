//! The round trip, its variation, and what follows for timers (RFC 9002 section 5).

use crate::proto::time::{MICROS_PER_MS, Micros};

/// Assumed before the first sample.
const INITIAL: Micros = 100 * MICROS_PER_MS;
/// Timers are never finer than this.
pub const GRANULARITY: Micros = MICROS_PER_MS;

/// A sample counts as at most so many times what was to be expected, and a quarter second.
const OUTLIER: Micros = 2;
const OUTLIER_MIN: Micros = 250 * MICROS_PER_MS;

/// The estimate.
#[derive(Clone, Copy, Debug)]
pub struct RoundTrip {
    latest: Micros,
    smoothed: Micros,
    variation: Micros,
    samples: u64,
    /// The newest sample was not taken yet.
    fresh: bool,
}

impl RoundTrip {
    /// Before the first sample; `hint` is what the handshake has measured, if anything.
    pub fn new(hint: Option<Micros>) -> Self {
        let smoothed = hint.unwrap_or(INITIAL).max(GRANULARITY);
        let variation = smoothed / 2;
        Self { latest: smoothed, smoothed, variation, samples: 0, fresh: false }
    }

    /// Takes the time between a packet and its acknowledgement, and how long the peer says that
    /// it held that back.
    pub fn handle_sample(&mut self, elapsed: Micros, held_back: Micros) {
        // A machine that slept has not measured the path; one that did not learns within a few
        // samples.
        let believable = OUTLIER * (self.smoothed + 4 * self.variation) + OUTLIER_MIN;
        let elapsed = elapsed.min(believable);
        self.samples += 1;
        self.fresh = true;
        // A peer that exaggerates is sent more than it needs; that is its own loss.
        self.latest = elapsed.saturating_sub(held_back).max(1);
        if self.samples == 1 {
            self.smoothed = self.latest;
            self.variation = self.latest / 2;
            return;
        }
        let difference = self.smoothed.abs_diff(self.latest);
        self.variation = (3 * self.variation + difference) / 4;
        self.smoothed = (7 * self.smoothed + self.latest) / 8;
    }

    /// The newest sample, once.
    pub fn take_sample(&mut self) -> Option<Micros> {
        std::mem::take(&mut self.fresh).then_some(self.latest)
    }

    /// The newest sample.
    pub const fn latest(&self) -> Micros {
        self.latest
    }

    /// The average.
    pub const fn smoothed(&self) -> Micros {
        self.smoothed
    }

    /// The mean deviation.
    pub const fn variation(&self) -> Micros {
        self.variation
    }

    /// Was anything measured?
    pub const fn is_measured(&self) -> bool {
        self.samples > 0
    }

    /// A packet is lost when a later one was acknowledged and this much has passed since it left:
    /// 9/8 of a round trip (RFC 9002 section 6.1.2).
    pub fn loss_delay(&self) -> Micros {
        let longer = self.latest.max(self.smoothed);
        (longer + longer / 8).max(GRANULARITY)
    }

    /// Without any acknowledgement for so long, the sender asks (RFC 9002 section 6.2.1).
    pub fn probe_timeout(&self, ack_delay: Micros) -> Micros {
        self.smoothed + (4 * self.variation).max(GRANULARITY) + ack_delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sample_replaces_the_guess_and_later_ones_are_averaged() {
        let mut rtt = RoundTrip::new(None);
        assert_eq!((rtt.smoothed(), rtt.is_measured()), (INITIAL, false));
        rtt.handle_sample(40_000, 0);
        assert_eq!((rtt.smoothed(), rtt.variation()), (40_000, 20_000));
        rtt.handle_sample(48_000, 0);
        assert_eq!((rtt.smoothed(), rtt.variation()), (41_000, 17_000));
        assert_eq!(rtt.loss_delay(), 54_000);
        assert_eq!(rtt.probe_timeout(25_000), 41_000 + 68_000 + 25_000);
    }

    #[test]
    fn what_the_peer_held_back_does_not_count() {
        let mut rtt = RoundTrip::new(Some(10_000));
        rtt.handle_sample(45_000, 25_000);
        assert_eq!((rtt.latest(), rtt.smoothed()), (20_000, 20_000));
        rtt.handle_sample(60_000, Micros::MAX);
        assert_eq!(rtt.latest(), 1);
    }

    #[test]
    fn a_machine_that_slept_has_not_measured_the_path() {
        let mut rtt = RoundTrip::new(None);
        rtt.handle_sample(40_000, 0);
        rtt.handle_sample(20_000_000, 0);
        assert_eq!(rtt.latest(), 2 * (40_000 + 4 * 20_000) + 250_000);
        assert!(rtt.smoothed() < 110_000, "{}", rtt.smoothed());
    }
}
