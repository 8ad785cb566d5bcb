//! What is known of a connection's round trips: the last, the smoothed one, how much they vary.
//!
//! Smoothing is RFC 6298's (an eighth, a quarter), in whole microseconds. Who measures is no
//! matter here.

use super::time::{MICROS_PER_MS, Micros};

/// The largest sample that counts in full: an hour.
const SAMPLE_MAX: Micros = 3_600_000 * MICROS_PER_MS;

/// The samples of one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RoundTrip {
    count: u32,
    last: u32,
    least: u32,
    most: u32,
    /// Eight times the smoothed value, so that nothing is lost in rounding.
    smoothed_8: u64,
    /// Four times the mean deviation.
    deviation_4: u64,
    sum: u64,
    /// The sum of all squares, which is not needed to the last digit.
    squares: f64,
}

impl RoundTrip {
    /// Takes a sample.
    pub fn record(&mut self, sample: Micros) {
        // 0 means "none was measured" wherever a program looks.
        let sample = sample.clamp(1, SAMPLE_MAX);
        self.last = sample as u32;
        self.most = self.most.max(self.last);
        if self.count == 0 {
            self.least = self.last;
            self.smoothed_8 = sample * 8;
            self.deviation_4 = sample * 2;
        } else {
            self.least = self.least.min(self.last);
            let error = (self.smoothed_8 / 8).abs_diff(sample);
            self.deviation_4 = self.deviation_4 - self.deviation_4 / 4 + error;
            self.smoothed_8 = self.smoothed_8 - self.smoothed_8 / 8 + sample;
        }
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(sample);
        let sample = f64::from(self.last);
        self.squares += sample * sample;
    }

    /// How many there were.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Microseconds of the last one; 0 when there was none, as everywhere here.
    #[must_use]
    pub const fn last(&self) -> u32 {
        self.last
    }

    /// The shortest.
    #[must_use]
    pub const fn least(&self) -> u32 {
        self.least
    }

    /// The longest.
    #[must_use]
    pub const fn most(&self) -> u32 {
        self.most
    }

    /// The smoothed value.
    #[must_use]
    pub const fn smoothed(&self) -> u32 {
        (self.smoothed_8 / 8) as u32
    }

    /// The smoothed deviation from it: the jitter.
    #[must_use]
    pub const fn jitter(&self) -> u32 {
        (self.deviation_4 / 4) as u32
    }

    /// The mean and the standard deviation of all, in microseconds.
    #[must_use]
    pub fn mean_and_deviation(&self) -> (f64, f64) {
        if self.count == 0 {
            return (0.0, 0.0);
        }
        let count = f64::from(self.count);
        let mean = self.sum as f64 / count;
        let variance = self.squares / count - mean * mean;
        (mean, variance.max(0.0).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn recorded(samples: &[Micros]) -> RoundTrip {
        let mut round_trip = RoundTrip::default();
        for &sample in samples {
            round_trip.record(sample);
        }
        round_trip
    }

    #[test]
    fn nothing_measured_is_0() {
        let none = RoundTrip::default();
        assert_eq!((none.count(), none.last(), none.smoothed(), none.jitter()), (0, 0, 0, 0));
        assert_eq!(none.mean_and_deviation(), (0.0, 0.0));
    }

    #[test]
    fn the_first_sample_is_the_value_and_its_half_the_deviation() {
        let first = recorded(&[40_000]);
        assert_eq!((first.last(), first.least(), first.most()), (40_000, 40_000, 40_000));
        assert_eq!((first.smoothed(), first.jitter()), (40_000, 20_000));
        assert_eq!(first.mean_and_deviation(), (40_000.0, 0.0));
    }

    #[test]
    fn later_ones_move_it_by_an_eighth_and_the_deviation_by_a_quarter() {
        let two = recorded(&[40_000, 48_000]);
        assert_eq!(two.smoothed(), 41_000);
        assert_eq!(two.jitter(), 17_000, "three quarters of 20 ms and a quarter of 8 ms");
        let (mean, deviation) = recorded(&[10, 20, 30, 40]).mean_and_deviation();
        assert_eq!(mean, 25.0);
        assert!((deviation - 125f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn a_steady_path_has_no_jitter() {
        let steady = recorded(&[30_000; 100]);
        assert_eq!(steady.smoothed(), 30_000);
        assert!(steady.jitter() < 10, "{}", steady.jitter());
    }

    #[test]
    fn extremes_are_bounded() {
        let extreme = recorded(&[0, Micros::MAX, Micros::MAX]);
        assert_eq!((extreme.least(), extreme.most()), (1, SAMPLE_MAX as u32));
    }

    proptest! {
        #[test]
        fn values_stay_between_the_samples(
            samples in prop::collection::vec(1u64..10_000_000, 1..80),
        ) {
            let it = recorded(&samples);
            let (least, most) = (it.least(), it.most());
            prop_assert_eq!(u64::from(least), *samples.iter().min().unwrap());
            prop_assert_eq!(u64::from(most), *samples.iter().max().unwrap());
            prop_assert!((least.saturating_sub(1)..=most).contains(&it.smoothed()));
            let (mean, deviation) = it.mean_and_deviation();
            prop_assert!(mean >= f64::from(least) && mean <= f64::from(most));
            prop_assert!(deviation <= f64::from(most));
            prop_assert!(it.jitter() <= most);
        }
    }
}
