//! Which of a host's addresses is tried when (RFC 8305, "happy eyeballs"): they start one after
//! another with a delay between, earlier ones go on, and the first that connects wins.
//!
//! Addresses and time come in; what is an attempt, and whether it has connected, the caller knows.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::time::Micros;

/// Attempts that go on at once.
pub const ATTEMPTS_MAX: usize = 4;

/// The addresses that wait, and when the next one is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Race {
    waiting: VecDeque<SocketAddr>,
    delay: Micros,
    next_at: Micros,
    running: usize,
    won: bool,
}

impl Race {
    /// A race that begins now. `addresses` come best first, as the resolver sorted them; their
    /// families take turns from here on (RFC 8305 §4).
    #[must_use]
    pub fn new(now: Micros, addresses: &[SocketAddr], delay: Micros) -> Self {
        let waiting = interleaved(addresses);
        Self { waiting, delay, next_at: now, running: 0, won: false }
    }

    /// The next address, if its time has come: it counts as running from here on.
    pub fn poll_start(&mut self, now: Micros) -> Option<SocketAddr> {
        if self.next_timeout()? > now {
            return None;
        }
        self.running += 1;
        self.next_at = now.saturating_add(self.delay);
        self.waiting.pop_front()
    }

    /// A running attempt came to nothing; the next one does not wait (RFC 8305 §5).
    pub fn handle_failure(&mut self, now: Micros) {
        self.running = self.running.saturating_sub(1);
        self.won = false;
        self.next_at = now;
    }

    /// One of the running attempts is connected. The others, whose addresses these are, end; they
    /// are tried again should the winner fail after all.
    pub fn handle_winner(&mut self, losers: impl DoubleEndedIterator<Item = SocketAddr>) {
        losers.rev().for_each(|address| self.waiting.push_front(address));
        self.running = 1;
        self.won = true;
    }

    /// Is there nothing that runs, and nothing left to try?
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.running == 0 && self.waiting.is_empty()
    }

    /// When the next address is due.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Micros> {
        let starts = !self.won && self.running < ATTEMPTS_MAX && !self.waiting.is_empty();
        starts.then_some(if self.running == 0 { 0 } else { self.next_at })
    }
}

/// The addresses with their families in turns; the first one's family begins, and the order
/// within a family stays.
fn interleaved(addresses: &[SocketAddr]) -> VecDeque<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let of = |v6: bool| addresses.iter().copied().filter(move |at| at.is_ipv6() == v6);
    let (mut first, mut second) = (of(first_is_v6), of(!first_is_v6));
    let mut out = VecDeque::with_capacity(addresses.len());
    loop {
        let before = out.len();
        out.extend(first.next());
        out.extend(second.next());
        if out.len() == before {
            return out;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DELAY: Micros = 250_000;

    fn addresses(text: &str) -> Vec<SocketAddr> {
        text.split(' ').map(|text| text.parse().expect("an address")).collect()
    }

    #[test]
    fn families_take_turns_and_the_first_ones_begins() {
        let sorted = addresses("[::1]:1 [::2]:1 [::3]:1 1.1.1.1:1 2.2.2.2:1");
        let expected = addresses("[::1]:1 1.1.1.1:1 [::2]:1 2.2.2.2:1 [::3]:1");
        assert_eq!(interleaved(&sorted), expected);
        let sorted = addresses("1.1.1.1:1 2.2.2.2:1 [::1]:1");
        assert_eq!(interleaved(&sorted), addresses("1.1.1.1:1 [::1]:1 2.2.2.2:1"));
        assert_eq!(interleaved(&[]), []);
    }

    #[test]
    fn attempts_start_one_delay_apart_and_four_at_most() {
        let all = addresses("1.1.1.1:1 2.2.2.2:1 3.3.3.3:1 4.4.4.4:1 5.5.5.5:1");
        let mut race = Race::new(10, &all, DELAY);
        assert_eq!(race.poll_start(10), Some(all[0]));
        for (turn, &address) in all[1..4].iter().enumerate() {
            let due = 10 + DELAY * (turn as u64 + 1);
            assert_eq!(race.next_timeout(), Some(due));
            assert_eq!(race.poll_start(due - 1), None);
            assert_eq!(race.poll_start(due), Some(address));
        }
        assert_eq!(race.next_timeout(), None, "four are running");
        assert_eq!(race.poll_start(u64::MAX), None);
        race.handle_failure(9 * DELAY);
        assert_eq!(race.poll_start(9 * DELAY), Some(all[4]));
        assert_eq!(race.next_timeout(), None, "nobody is left");
    }

    #[test]
    fn a_failure_starts_the_next_at_once_and_the_last_one_ends_the_race() {
        let all = addresses("1.1.1.1:1 2.2.2.2:1");
        let mut race = Race::new(0, &all, DELAY);
        assert_eq!(race.poll_start(0), Some(all[0]));
        race.handle_failure(5);
        assert!(!race.is_over());
        assert_eq!(race.poll_start(5), Some(all[1]));
        race.handle_failure(6);
        assert!(race.is_over());
        assert_eq!(race.poll_start(u64::MAX), None);
    }

    #[test]
    fn a_winner_holds_the_others_back_until_it_fails() {
        let all = addresses("1.1.1.1:1 2.2.2.2:1 3.3.3.3:1");
        let mut race = Race::new(0, &all, DELAY);
        assert_eq!(race.poll_start(0), Some(all[0]));
        assert_eq!(race.poll_start(DELAY), Some(all[1]));
        race.handle_winner([all[0]].into_iter());
        assert_eq!((race.next_timeout(), race.poll_start(u64::MAX)), (None, None));
        race.handle_failure(3 * DELAY);
        assert_eq!(race.poll_start(3 * DELAY), Some(all[0]), "a loser gets another chance");
        race.handle_failure(4 * DELAY);
        assert_eq!(race.poll_start(4 * DELAY), Some(all[2]));
    }

    proptest! {
        /// Whatever happens: each address starts once, at most four run, and the race ends.
        #[test]
        fn every_address_gets_its_turn(
            hosts in proptest::collection::vec((any::<bool>(), any::<u16>()), 0..12),
            steps in proptest::collection::vec((any::<bool>(), 0..400_000_u64), 0..64),
        ) {
            let all: Vec<SocketAddr> = hosts.iter().map(|&(v6, port)| {
                let ip = if v6 { "::1" } else { "127.0.0.1" };
                SocketAddr::new(ip.parse().expect("an address"), port)
            }).collect();
            let mut race = Race::new(0, &all, DELAY);
            let (mut now, mut running, mut started) = (0, 0_usize, Vec::new());
            for &(fails, pause) in &steps {
                now += pause;
                if fails && running > 0 {
                    race.handle_failure(now);
                    running -= 1;
                }
                let due = race.next_timeout().is_some_and(|due| due <= now);
                let start = race.poll_start(now);
                prop_assert_eq!(start.is_some(), due);
                running += start.iter().count();
                started.extend(start);
                prop_assert!(running <= ATTEMPTS_MAX);
                prop_assert_eq!(race.is_over(), running == 0 && started.len() == all.len());
            }
            let expected: Vec<SocketAddr> = interleaved(&all).into();
            prop_assert_eq!(&started[..], &expected[..started.len()]);
        }
    }
}
