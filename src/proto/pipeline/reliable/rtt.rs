//! Round-trip times, smoothed as TCP does it (RFC 6298), in Unity Transport's form.

use crate::proto::pipeline::statistics::RttInfo;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// The shortest round trip that is believed.
const SAMPLE_MIN: Micros = MICROS_PER_MS;

/// The longest time at the peer that a packet waits longer for.
const PEER_DELAY_MAX: Micros = 100 * MICROS_PER_MS;

/// The estimate of one connection.
#[derive(Debug, Default)]
pub struct Rtt {
    info: RttInfo,
    /// How long acknowledgements wait at the peer: mostly a frame.
    peer_delay: Micros,
}

impl Rtt {
    /// One measurement: `passed` since the packet left, `away` of it at the peer.
    pub fn handle_sample(&mut self, passed: Micros, away: Micros) {
        let RttInfo { smoothed, variance, .. } = self.info;
        let sample = passed.saturating_sub(away).max(SAMPLE_MIN);
        // The longest one lately: a packet sent too early is one in vain, a frame later is little.
        let away = away.min(PEER_DELAY_MAX);
        self.peer_delay = approach(self.peer_delay, away, 8).max(away);
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

    /// How long a packet waits until it is sent again. The time at the peer is no part of a round
    /// trip, but an acknowledgement comes later for it.
    pub fn resend_timeout(&self) -> Micros {
        self.info.resend_timeout + self.peer_delay
    }
}

/// `from`, moved towards `to` by a part of the distance.
fn approach(from: Micros, to: Micros, part: u64) -> Micros {
    if to >= from { from + (to - from) / part } else { from - (from - to) / part }
}
