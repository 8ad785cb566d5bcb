//! How much may be under way: a window that follows CUBIC (RFC 9438) where the path loses, and
//! gives way before that where its queue grows.
//!
//! A bulk transfer that only listens to loss fills the queue in front of the slowest link, and
//! every message of a game waits in it. So a queue of more than [`QUEUE_DELAY`] shrinks the
//! window, and loss without a queue, as radio links have it, shrinks it less.
//!
//! What a queue is, the smallest round trip tells. A sender that keeps a little queue standing
//! would take it for the path sooner or later, and build the next one on top of it. So before a
//! longer smallest round trip is believed, the queue is drained for a moment.

use crate::proto::time::{MICROS_PER_MS, Micros};

/// Datagrams that may be under way whatever was lost.
const WINDOW_MIN_DATAGRAMS: u64 = 8;
/// Datagrams that may be under way whatever the queue is: on a slow link more are a long one.
const QUEUE_MIN_DATAGRAMS: u64 = 4;
/// Datagrams at the start (RFC 9002 section 7.2 has 10).
const WINDOW_START_DATAGRAMS: u64 = 32;
/// Bytes that are never exceeded.
pub const WINDOW_MAX: u64 = 16 << 20;
/// The queue that the controller lets stand in the path.
pub const QUEUE_DELAY: Micros = 15 * MICROS_PER_MS;
/// The smallest round trip is forgotten after this, because paths change.
const BASE_EPOCH: Micros = 10_000 * MICROS_PER_MS;
/// The first epoch of a path that nobody has measured before: its queue may be our own.
const FIRST_EPOCH: Micros = 2000 * MICROS_PER_MS;
/// A smallest round trip that is longer by no more than this, or by a sixteenth, is the same one.
const BASE_SLACK: Micros = MICROS_PER_MS;
/// Samples of a round after which fast growth may end, and the rise that ends it.
const START_SAMPLES: u32 = 8;
const START_RISE: (Micros, Micros) = (6 * MICROS_PER_MS, 16 * MICROS_PER_MS);
/// What loss leaves of the window, in 1/1024: 0.7 with a queue, 0.85 without.
const LOSS_KEEPS: [u64; 2] = [717, 870];
/// CUBIC's constant C = 0.4, in segments per second cubed.
const CUBIC_C: f64 = 0.4;

/// One acknowledgement, as a controller sees it.
#[derive(Clone, Copy, Debug)]
pub struct Acked {
    /// Bytes that left the network with it.
    pub bytes: u64,
    /// The newest round trip, whatever the peer held back taken off.
    pub round_trip: Micros,
    /// The average.
    pub smoothed: Micros,
    /// The window was what kept the sender from sending more.
    pub limited: bool,
}

/// What a session asks of a congestion controller.
pub trait Controller {
    /// Bytes were acknowledged.
    fn handle_acked(&mut self, now: Micros, acked: Acked);
    /// Packets were lost, the last of them sent at `sent`.
    fn handle_lost(&mut self, now: Micros, sent: Micros);
    /// What was taken for lost had only been late.
    fn handle_spurious(&mut self);
    /// Nothing came through for several probe timeouts.
    fn handle_outage(&mut self);
    /// Bytes that may be under way.
    fn window(&self) -> u64;
    /// Has the first, fast growth ended?
    fn is_steady(&self) -> bool;
}

/// The window before the last loss, to be put back if there was none.
#[derive(Clone, Copy, Debug)]
struct Before {
    window: u64,
    threshold: u64,
    peak: f64,
}

/// The window is held down until the queue is gone and the path shows how long it is.
#[derive(Clone, Copy, Debug)]
struct Drain {
    window: u64,
    /// The average round trip when it began.
    before: Micros,
    /// The smallest round trip that was known before this step, and that of this step.
    known: Micros,
    smallest: Micros,
    /// When the step ends: what left since it began has been acknowledged.
    end: Micros,
}

/// CUBIC that listens to delay.
#[derive(Debug)]
pub struct DelayAwareCubic {
    datagram: u64,
    window: u64,
    threshold: u64,
    /// Losses of packets sent before this belong to a reduction that was made.
    recovery: Micros,
    before: Option<Before>,
    /// CUBIC: the window where it was last reduced, in datagrams; when the curve began.
    peak: f64,
    epoch: Option<Micros>,
    /// Smallest round trips of this and of the last epoch.
    bases: [Micros; 2],
    base_end: Micros,
    /// The smallest round trip of a path without a queue of ours; `None`: nobody knows yet.
    proven: Option<Micros>,
    /// The window kept the sender in this epoch.
    limited: bool,
    drain: Option<Drain>,
    /// Smallest round trip of this round, of how many, and when the round ends.
    round_smallest: Micros,
    round_samples: u32,
    round_end: Micros,
    queue: Micros,
}

impl DelayAwareCubic {
    /// A controller for datagrams of at most so many bytes; `measured` is a round trip from
    /// before the first of them.
    pub fn new(now: Micros, datagram: u64, measured: Option<Micros>) -> Self {
        Self {
            datagram,
            window: WINDOW_START_DATAGRAMS * datagram,
            threshold: u64::MAX,
            recovery: 0,
            before: None,
            peak: 0.0,
            epoch: None,
            bases: [measured.unwrap_or(Micros::MAX), Micros::MAX],
            base_end: now.saturating_add(measured.map_or(FIRST_EPOCH, |_| BASE_EPOCH)),
            proven: measured,
            limited: false,
            drain: None,
            round_smallest: Micros::MAX,
            round_samples: 0,
            round_end: now,
            queue: 0,
        }
    }

    fn set_window(&mut self, window: u64) {
        self.window = window.clamp(QUEUE_MIN_DATAGRAMS * self.datagram, WINDOW_MAX);
    }

    fn base(&self) -> Micros {
        self.bases[0].min(self.bases[1])
    }

    /// The queue that is tolerated: far away peers vary more.
    fn tolerated(&self) -> Micros {
        QUEUE_DELAY.max(self.base() / 4)
    }

    /// The smallest round trips of an epoch are all there.
    fn end_epoch(&mut self, now: Micros, acked: &Acked) {
        let smallest = self.bases[0];
        let known = self.proven.is_some_and(|proven| smallest <= proven + slack(proven));
        let limited = std::mem::take(&mut self.limited);
        self.base_end = now.saturating_add(BASE_EPOCH);
        if !known && limited {
            let round_trip = acked.round_trip.max(acked.smoothed);
            let told = (round_trip, self.base());
            self.drain = Some(self.drain_step(now, self.window, round_trip, told));
            return;
        }
        if !known && smallest != Micros::MAX {
            self.proven = Some(smallest);
        }
        self.bases = [Micros::MAX, smallest];
    }

    /// Half a window for two round trips: in the first the queue goes, the second one shows it.
    fn drain_step(
        &self,
        now: Micros,
        window: u64,
        round_trip: Micros,
        (before, known): (Micros, Micros),
    ) -> Drain {
        Drain {
            window: (window / 2).max(QUEUE_MIN_DATAGRAMS * self.datagram),
            before,
            known,
            smallest: Micros::MAX,
            end: now.saturating_add(2 * round_trip),
        }
    }

    fn handle_drained(&mut self, now: Micros, acked: &Acked, drain: Drain) {
        let smallest = drain.smallest.min(acked.round_trip);
        if now < drain.end {
            self.drain = Some(Drain { smallest, ..drain });
            return;
        }
        let news = smallest + slack(smallest) < drain.known;
        let known = self.proven.is_some_and(|proven| smallest <= proven + slack(proven));
        if news && !known && drain.window > QUEUE_MIN_DATAGRAMS * self.datagram {
            // There was more of it than that.
            let told = (drain.before, smallest);
            self.drain = Some(self.drain_step(now, drain.window, acked.round_trip, told));
            return;
        }
        self.drain = None;
        self.proven = Some(smallest);
        self.bases = [smallest, Micros::MAX];
        self.base_end = now.saturating_add(BASE_EPOCH);
        self.start_round(now, acked.smoothed);
        let fits = self.fitting(drain.before);
        if fits < self.window {
            self.reduce(fits);
        }
    }

    fn start_round(&mut self, now: Micros, smoothed: Micros) {
        self.round_smallest = Micros::MAX;
        self.round_samples = 0;
        self.round_end = now.saturating_add(smoothed);
    }

    /// The window with which a round trip that is `round_trip` now would be as long as it may be.
    fn fitting(&self, round_trip: Micros) -> u64 {
        let fits = u128::from(self.window) * u128::from(self.base() + self.tolerated());
        (fits / u128::from(round_trip.max(1))) as u64
    }

    fn measure(&mut self, now: Micros, acked: &Acked) {
        if let Some(drain) = self.drain {
            self.handle_drained(now, acked, drain);
            return;
        }
        if now >= self.base_end {
            self.end_epoch(now, acked);
        }
        self.limited |= acked.limited;
        self.bases[0] = self.bases[0].min(acked.round_trip);
        self.proven = self.proven.map(|proven| proven.min(acked.round_trip));
        self.round_smallest = self.round_smallest.min(acked.round_trip);
        self.round_samples += 1;
        if !self.is_steady() && self.round_samples >= START_SAMPLES {
            // A queue that begins to stand ends the fast growth (RFC 9406 section 4.2).
            let rise = (self.base() / 8).clamp(START_RISE.0, START_RISE.1);
            if self.round_smallest > self.base() + rise {
                self.reduce(self.window);
            }
        }
        if now < self.round_end {
            return;
        }
        // One decision in a round trip.
        self.queue = self.round_smallest.saturating_sub(self.base());
        self.start_round(now, acked.smoothed);
        let tolerated = self.tolerated();
        if self.queue > tolerated && self.window <= QUEUE_MIN_DATAGRAMS * self.datagram {
            // So few datagrams make no queue: the path has become longer, or others fill it.
            self.bases = [self.base() + self.queue, Micros::MAX];
            self.queue = 0;
            self.threshold = u64::MAX;
        } else if self.queue > tolerated {
            let fits = self.fitting(self.base() + self.queue);
            self.reduce(fits.max(self.window * LOSS_KEEPS[0] / 1024));
        }
    }

    fn reduce(&mut self, window: u64) {
        self.peak = self.window as f64 / self.datagram as f64;
        self.epoch = None;
        self.set_window(window);
        self.threshold = self.window;
    }

    fn grow(&mut self, now: Micros, bytes: u64, smoothed: Micros) {
        if self.window < self.threshold {
            self.set_window(self.window + bytes);
            return;
        }
        let start = *self.epoch.get_or_insert(now);
        let current = self.window as f64 / self.datagram as f64;
        self.peak = self.peak.max(current);
        let time = now.saturating_sub(start).saturating_add(smoothed) as f64 / 1e6;
        let middle = ((self.peak - self.threshold as f64 / self.datagram as f64) / CUBIC_C).cbrt();
        let target = self.peak + CUBIC_C * (time - middle).powi(3);
        // At least as fast as a datagram each round trip, at most half as fast as at the start.
        let share = ((target - current) / current).clamp(1.0 / current, 0.5);
        let growth = (bytes as f64 * share) as u64;
        self.set_window(self.window + growth.max(1));
    }
}

/// What a smallest round trip may differ by and be the same.
fn slack(round_trip: Micros) -> Micros {
    BASE_SLACK.max(round_trip / 16)
}

impl Controller for DelayAwareCubic {
    fn handle_acked(&mut self, now: Micros, acked: Acked) {
        self.measure(now, &acked);
        if acked.limited && self.drain.is_none() && self.queue <= self.tolerated() {
            self.grow(now, acked.bytes, acked.smoothed);
        }
    }

    fn handle_lost(&mut self, now: Micros, sent: Micros) {
        if sent < self.recovery {
            return;
        }
        self.recovery = now;
        let (window, threshold, peak) = (self.window, self.threshold, self.peak);
        self.before = Some(Before { window, threshold, peak });
        let keeps = LOSS_KEEPS[usize::from(self.queue < self.tolerated() / 4)];
        let least = self.window.min(WINDOW_MIN_DATAGRAMS * self.datagram);
        self.reduce((self.window * keeps / 1024).max(least));
    }

    fn handle_spurious(&mut self) {
        if let Some(before) = self.before.take() {
            self.set_window(self.window.max(before.window));
            self.threshold = before.threshold;
            self.peak = before.peak;
        }
    }

    fn handle_outage(&mut self) {
        let before = self.window;
        self.reduce(before.min(WINDOW_MIN_DATAGRAMS * self.datagram));
        // Back to most of it as fast as at the start, if there is a path again.
        self.threshold = before * LOSS_KEEPS[0] / 1024;
        self.before = None;
    }

    fn window(&self) -> u64 {
        self.drain.map_or(self.window, |drain| drain.window.min(self.window))
    }

    fn is_steady(&self) -> bool {
        self.window >= self.threshold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Micros = MICROS_PER_MS;

    /// Acknowledges a window each `round_trip` until `end`.
    fn run(cubic: &mut DelayAwareCubic, from: Micros, end: Micros, round_trip: Micros) {
        let mut now = from;
        while now < end {
            now += round_trip;
            let acked =
                Acked { bytes: cubic.window(), round_trip, smoothed: round_trip, limited: true };
            cubic.handle_acked(now, acked);
        }
    }

    #[test]
    fn it_starts_fast_and_keeps_its_bounds() {
        let mut cubic = DelayAwareCubic::new(0, 1400, None);
        assert_eq!(cubic.window(), 32 * 1400);
        run(&mut cubic, 0, 100 * MS, 50 * MS);
        assert_eq!(cubic.window(), 4 * 32 * 1400);
        run(&mut cubic, 100 * MS, 5000 * MS, 50 * MS);
        assert_eq!(cubic.window(), WINDOW_MAX);
        for round in 0..100 {
            cubic.handle_lost(round * 60 * MS + 6000 * MS, round * 60 * MS + 6000 * MS);
        }
        assert_eq!(cubic.window(), 8 * 1400);
    }

    #[test]
    fn one_round_of_losses_is_one_reduction_and_a_late_packet_undoes_it() {
        let mut cubic = DelayAwareCubic::new(0, 1400, None);
        run(&mut cubic, 0, 200 * MS, 50 * MS);
        let before = cubic.window();
        cubic.handle_lost(250 * MS, 200 * MS);
        cubic.handle_lost(251 * MS, 201 * MS);
        assert_eq!(cubic.window(), before * 870 / 1024);
        assert!(cubic.is_steady());
        cubic.handle_spurious();
        assert_eq!(cubic.window(), before);
        cubic.handle_spurious();
        assert_eq!(cubic.window(), before);
    }

    #[test]
    fn a_growing_queue_shrinks_the_window_without_any_loss() {
        let mut cubic = DelayAwareCubic::new(0, 1400, None);
        run(&mut cubic, 0, 300 * MS, 50 * MS);
        let before = cubic.window();
        run(&mut cubic, 300 * MS, 1500 * MS, 100 * MS);
        assert!(cubic.window() < before / 2, "{} of {before}", cubic.window());
        assert!(cubic.is_steady());
    }

    #[test]
    fn a_path_that_has_become_longer_is_used_again_after_a_while() {
        let mut cubic = DelayAwareCubic::new(0, 1400, None);
        run(&mut cubic, 0, 1000 * MS, 10 * MS);
        run(&mut cubic, 1000 * MS, 10_000 * MS, 100 * MS);
        assert!(cubic.window() > 100 * 1400, "{}", cubic.window());
    }

    #[test]
    fn after_an_outage_it_comes_back_fast() {
        let mut cubic = DelayAwareCubic::new(0, 1400, None);
        run(&mut cubic, 0, 300 * MS, 50 * MS);
        let before = cubic.window();
        cubic.handle_outage();
        assert_eq!(cubic.window(), 8 * 1400);
        run(&mut cubic, 1000 * MS, 1500 * MS, 50 * MS);
        assert!(cubic.window() > before / 2, "{} of {before}", cubic.window());
    }

    #[test]
    fn after_a_loss_it_comes_back_to_where_it_was_and_then_further() {
        let mut cubic = DelayAwareCubic::new(0, 1400, None);
        run(&mut cubic, 0, 250 * MS, 50 * MS);
        let before = cubic.window();
        cubic.handle_lost(251 * MS, 250 * MS);
        run(&mut cubic, 300 * MS, 10_000 * MS, 50 * MS);
        assert!(cubic.window() > before, "{} of {before}", cubic.window());
    }

    /// Acknowledges windows of a link of so many bytes a second until `end`, whose round trip is
    /// 40 ms and what the window lets stand in front of it; gives the last one.
    fn run_link(cubic: &mut DelayAwareCubic, from: Micros, end: Micros, rate: u64) -> Micros {
        let (mut now, mut round_trip) = (from, 40 * MS);
        while now < end {
            round_trip = (cubic.window() * 1_000_000 / rate).max(40 * MS);
            let bytes = cubic.window();
            now += round_trip;
            let acked = Acked { bytes, round_trip, smoothed: round_trip, limited: true };
            cubic.handle_acked(now, acked);
        }
        round_trip
    }

    #[test]
    fn a_queue_that_stands_for_long_is_not_taken_for_the_path() {
        for rate in [250_000, 1_000_000, 10_000_000] {
            let mut cubic = DelayAwareCubic::new(0, 1400, None);
            let mut longest = 0;
            for minute in 0..20 {
                let from = minute * 60_000 * MS;
                longest = longest.max(run_link(&mut cubic, from, from + 60_000 * MS, rate));
            }
            assert!(longest < 65 * MS, "{longest} us at {rate} bytes a second");
        }
    }

    #[test]
    fn who_starts_behind_a_queue_of_his_own_finds_the_path() {
        let mut cubic = DelayAwareCubic::new(0, 1400, None);
        // What left before still stands there, and what leaves now takes its place.
        let smallest = 400 * MS;
        for round in 0..3 {
            let acked =
                Acked { bytes: 1400, round_trip: smallest, smoothed: smallest, limited: true };
            cubic.handle_acked(round * smallest, acked);
        }
        cubic.window = 400_000;
        cubic.reduce(400_000);
        let last = run_link(&mut cubic, 1200 * MS, 8000 * MS, 1_000_000);
        assert!(last < 65 * MS, "{last} us");
    }

    #[test]
    fn on_a_slow_link_few_datagrams_are_a_long_queue() {
        let mut cubic = DelayAwareCubic::new(0, 1400, Some(40 * MS));
        let last = run_link(&mut cubic, 0, 60_000 * MS, 125_000);
        assert!(last < 65 * MS, "{last} us");
        cubic.handle_lost(61_000 * MS, 61_000 * MS);
        assert!(cubic.window() >= 4 * 1400);
    }

    #[test]
    fn an_idle_program_does_not_grow_it() {
        let mut cubic = DelayAwareCubic::new(0, 1400, None);
        let acked = Acked { bytes: 1400, round_trip: 50 * MS, smoothed: 50 * MS, limited: false };
        for round in 0..100 {
            cubic.handle_acked(round * 50 * MS, acked);
        }
        assert_eq!(cubic.window(), 32 * 1400);
    }
}
