//! A ping for a protocol that has none: a tiny MtuCheck, which peers since 2.5 answer at once.
//!
//! Peers before 2.5 drop it, and it does not count as a sign of life there: until a peer has
//! answered, probes go out beside heartbeats and then rarely; afterwards they take their place.

use crate::proto::time::Micros;

/// Probes are told apart by their padding: 0 to 15 bytes in turns.
const PADDINGS: u8 = 16;
/// Unanswered probes in a row after which the peer is taken for one that knows none.
const PATIENCE: u8 = 5;
/// By how much rarer those are probed.
const RARER: Micros = 16;

/// The pings of one connection.
#[derive(Clone, Copy, Debug)]
pub struct Prober {
    /// When the last one was due.
    last: Micros,
    /// When the one under way left; `None`: it was answered, or never left.
    sent: Option<Micros>,
    padding: u8,
    unanswered: u8,
    /// The peer has answered lately.
    known: bool,
    due: bool,
}

impl Prober {
    /// The first one is due an interval after `now`.
    #[must_use]
    pub const fn new(now: Micros) -> Self {
        Self { last: now, sent: None, padding: 0, unanswered: 0, known: false, due: false }
    }

    /// When `handle_timeout` has something to do; `interval` 0 is never.
    #[must_use]
    pub const fn next_timeout(&self, interval: Micros) -> Option<Micros> {
        if interval == 0 {
            return None;
        }
        let wait = if self.unanswered < PATIENCE { interval } else { interval * RARER };
        Some(self.last.saturating_add(wait).saturating_add(1))
    }

    /// Lets time pass; true when a probe became due.
    pub fn handle_timeout(&mut self, now: Micros, interval: Micros) -> bool {
        if self.next_timeout(interval).is_none_or(|due| now < due) {
            return false;
        }
        if self.sent.take().is_some() {
            self.unanswered = self.unanswered.saturating_add(1);
            self.known &= self.unanswered < PATIENCE;
        }
        self.last = now;
        self.due = true;
        true
    }

    /// Does the peer answer, so that a probe is as good as a heartbeat?
    #[must_use]
    pub const fn replaces_heartbeats(&self) -> bool {
        self.known
    }

    /// Is there a probe to send?
    #[must_use]
    pub const fn wants_transmit(&self) -> bool {
        self.due
    }

    /// The padding of the probe that is due.
    pub fn poll_transmit(&mut self, now: Micros) -> Option<u16> {
        if !std::mem::take(&mut self.due) {
            return None;
        }
        self.sent = Some(now);
        self.padding = (self.padding + 1) % PADDINGS;
        Some(u16::from(self.padding))
    }

    /// Something else has measured the round trip just now: the next probe can wait.
    pub const fn handle_measured(&mut self, now: Micros) {
        self.last = now;
        self.due = false;
    }

    /// The peer answered a probe of this padding: the round trip, if it was the one under way.
    pub fn handle_ack(&mut self, now: Micros, padding: u16) -> Option<Micros> {
        if padding != u16::from(self.padding) {
            return None;
        }
        let sent = self.sent.take()?;
        self.unanswered = 0;
        self.known = true;
        Some(now.saturating_sub(sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Micros = 1000;
    const INTERVAL: Micros = 500 * MS;

    /// Lets the next probe go; its time and padding.
    fn next(prober: &mut Prober) -> (Micros, u16) {
        let now = prober.next_timeout(INTERVAL).expect("a next one");
        assert!(!prober.handle_timeout(now - 1, INTERVAL), "too early");
        assert!(prober.handle_timeout(now, INTERVAL));
        (now, prober.poll_transmit(now).expect("is due"))
    }

    #[test]
    fn an_answer_measures_the_round_trip_and_only_the_one_under_way_does() {
        let mut prober = Prober::new(0);
        let (first, padding) = next(&mut prober);
        assert_eq!(first, INTERVAL + 1);
        assert!(!prober.replaces_heartbeats());
        assert_eq!(prober.handle_ack(first + 30 * MS, padding), Some(30 * MS));
        assert_eq!(prober.handle_ack(first + 31 * MS, padding), None, "it came twice");
        assert!(prober.replaces_heartbeats());
        let (second, newer) = next(&mut prober);
        assert_eq!(prober.handle_ack(second + 1, padding), None, "of the one before");
        assert_eq!(prober.handle_ack(second + 9, newer), Some(9));
    }

    #[test]
    fn a_peer_that_answers_none_is_asked_rarely_and_gets_heartbeats() {
        let mut prober = Prober::new(0);
        let times: Vec<Micros> = (0..8).map(|_| next(&mut prober).0).collect();
        let gaps: Vec<Micros> = times.windows(2).map(|pair| pair[1] - pair[0] - 1).collect();
        assert_eq!(gaps[..4], [INTERVAL; 4]);
        assert_eq!(gaps[5..], [16 * INTERVAL; 2]);
        assert!(!prober.replaces_heartbeats());
    }

    #[test]
    fn a_peer_that_stops_to_answer_gets_heartbeats_again() {
        let mut prober = Prober::new(0);
        let (now, padding) = next(&mut prober);
        prober.handle_ack(now, padding);
        for _ in 0..5 {
            assert!(prober.replaces_heartbeats());
            next(&mut prober);
        }
        next(&mut prober);
        assert!(!prober.replaces_heartbeats());
    }

    #[test]
    fn an_interval_of_0_is_never() {
        let mut prober = Prober::new(0);
        assert_eq!(prober.next_timeout(0), None);
        assert!(!prober.handle_timeout(Micros::MAX, 0));
        assert_eq!(prober.poll_transmit(0), None);
    }
}
