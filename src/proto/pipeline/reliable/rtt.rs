//! Round-trip times, smoothed as TCP does it (RFC 6298), in Unity Transport's form.

use crate::proto::pipeline::statistics::RttInfo;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// The shortest round trip that is believed.
const SAMPLE_MIN: Micros = MICROS_PER_MS;

/// The estimate of one connection.
#[derive(Debug, Default)]
pub struct Rtt {
    info: RttInfo,
}

impl Rtt {
    /// One measurement.
    pub fn handle_sample(&mut self, sample: Micros) {
        let RttInfo { smoothed, variance, .. } = self.info;
        let sample = sample.max(SAMPLE_MIN);
        let deviation = sample.abs_diff(smoothed);
        self.info.last = sample;
        self.info.smoothed = approach(smoothed, sample, 8);
        self.info.variance = approach(variance, deviation, 4);
        // Whole milliseconds, as in Unity Transport.
        let timeout = self.info.smoothed + 4 * self.info.variance;
        self.info.resend_timeout = timeout / MICROS_PER_MS * MICROS_PER_MS;
        self.info.samples += 1;
    }

    pub fn info(&self) -> RttInfo {
        self.info
    }

    pub fn resend_timeout(&self) -> Micros {
        self.info.resend_timeout
    }
}

/// `from`, moved towards `to` by a part of the distance.
fn approach(from: Micros, to: Micros, part: u64) -> Micros {
    if to >= from { from + (to - from) / part } else { from - (from - to) / part }
}
