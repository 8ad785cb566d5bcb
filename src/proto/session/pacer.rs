//! Spreads bulk over the round trip, so that a window does not arrive as one burst.
//!
//! A token bucket that fills at 5/4 of a window in a round trip. What accrued since the sender
//! last looked may leave at once, so a program that updates 60 times a second is not slower than
//! its window allows.

use crate::proto::time::{MICROS_PER_MS, Micros};

/// Datagrams that may always leave together.
const BURST_DATAGRAMS: u64 = 16;
/// What accrues in this time may leave together.
const BURST_TIME: Micros = 2 * MICROS_PER_MS;
/// What accrued longer ago is forgotten.
const BURST_TIME_MAX: Micros = 20 * MICROS_PER_MS;

/// The bucket.
#[derive(Debug)]
pub struct Pacer {
    tokens: u64,
    filled: Micros,
    datagram: u64,
}

impl Pacer {
    /// A full bucket.
    pub const fn new(now: Micros, datagram: u64) -> Self {
        Self { tokens: BURST_DATAGRAMS * datagram, filled: now, datagram }
    }

    fn accrued(elapsed: Micros, window: u64, smoothed: Micros) -> u64 {
        // 64 bits hold the largest window and the longest time that counts.
        5 * window * elapsed / (4 * smoothed.max(1))
    }

    /// Lets time pass.
    pub fn refill(&mut self, now: Micros, window: u64, smoothed: Micros) {
        let elapsed = now.saturating_sub(self.filled);
        if elapsed == 0 {
            return;
        }
        self.filled = now;
        let elapsed = elapsed.min(BURST_TIME_MAX);
        let least = BURST_DATAGRAMS * self.datagram;
        let more = Self::accrued(elapsed, window, smoothed);
        let burst =
            if elapsed < BURST_TIME { Self::accrued(BURST_TIME, window, smoothed) } else { more };
        self.tokens = (self.tokens + more).min(burst.max(least));
    }

    /// May a datagram leave now?
    pub const fn allows(&self) -> bool {
        self.tokens >= self.datagram
    }

    /// A datagram of so many bytes left.
    pub const fn handle_sent(&mut self, bytes: u64) {
        self.tokens = self.tokens.saturating_sub(bytes);
    }

    /// When the next datagram may leave.
    pub fn next_timeout(&self, window: u64, smoothed: Micros) -> Micros {
        let missing = self.datagram.saturating_sub(self.tokens);
        let wait = u128::from(missing) * 4 * u128::from(smoothed) / (u128::from(window.max(1)) * 5);
        self.filled.saturating_add(wait as Micros + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Micros = MICROS_PER_MS;

    #[test]
    fn a_window_is_spread_over_its_round_trip() {
        let (window, rtt) = (140_000, 100 * MS);
        let mut pacer = Pacer::new(0, 1400);
        let (mut now, mut sent) = (0, 0u64);
        let mut left = Vec::new();
        while now < 1000 * MS {
            pacer.refill(now, window, rtt);
            while pacer.allows() {
                pacer.handle_sent(1400);
                sent += 1400;
                left.push(now);
            }
            now = pacer.next_timeout(window, rtt);
        }
        let most = 10 * window * 5 / 4 + 16 * 1400;
        assert!(sent <= most && sent > most * 95 / 100, "{sent} of {most}");
        assert!(left.windows(18).all(|some| some[17] - some[0] > 0), "no burst above the bucket");
    }

    #[test]
    fn a_program_with_a_frame_rate_gets_what_accrued_in_a_frame() {
        let (window, rtt) = (1_400_000, 50 * MS);
        let mut pacer = Pacer::new(0, 1400);
        let mut sent = 0u64;
        for frame in 1..=60 {
            pacer.refill(frame * 16_667, window, rtt);
            while pacer.allows() {
                pacer.handle_sent(1400);
                sent += 1400;
            }
        }
        let accrued = 20 * window * 5 / 4;
        assert!(sent > accrued * 95 / 100, "{sent} of {accrued}");
    }
}
