//! Is a peer that writes from elsewhere really there? (RFC 9000 sections 8.2 and 9)
//!
//! Nothing moves before somebody at the new place has repeated eight bytes that nobody can guess.
//! Until then that place gets no more bytes than came from it, and only in answer to them.

use crate::proto::time::{MICROS_PER_MS, Micros};

/// Bytes of a datagram with a challenge.
const CHALLENGE_SIZE: u64 = super::packet::LONG_HEADER_SIZE as u64 + 9;
/// Time between two challenges to one place.
const INTERVAL: Micros = 50 * MICROS_PER_MS;
/// A place that has not answered for so long makes room for another one.
const PATIENCE: Micros = 3000 * MICROS_PER_MS;

#[derive(Clone, Copy, Debug)]
struct Candidate<L> {
    place: L,
    data: [u8; 8],
    since: Micros,
    received: u64,
    sent: u64,
    challenged: Option<Micros>,
}

/// Watches for one connection. `L` is whatever names a place.
#[derive(Clone, Copy, Debug)]
pub struct PathValidation<L> {
    candidate: Option<Candidate<L>>,
}

impl<L> Default for PathValidation<L> {
    fn default() -> Self {
        Self { candidate: None }
    }
}

impl<L: Copy + Eq> PathValidation<L> {
    /// A datagram of this connection came from elsewhere. The bytes to challenge that place with,
    /// when that is due; `random` must be fresh.
    pub fn handle_datagram(
        &mut self,
        now: Micros,
        place: L,
        size: usize,
        random: [u8; 8],
    ) -> Option<[u8; 8]> {
        let old = |known: &Candidate<L>| now.saturating_sub(known.since) > PATIENCE;
        let keeps = self.candidate.filter(|known| known.place == place || !old(known));
        let mut candidate = keeps.unwrap_or(Candidate {
            place,
            data: random,
            since: now,
            received: 0,
            sent: 0,
            challenged: None,
        });
        if candidate.place != place {
            return None;
        }
        candidate.received += size as u64;
        let rested = candidate.challenged.is_none_or(|at| now.saturating_sub(at) >= INTERVAL);
        let due = rested && candidate.received >= candidate.sent + CHALLENGE_SIZE;
        if due {
            candidate.sent += CHALLENGE_SIZE;
            candidate.challenged = Some(now);
        }
        self.candidate = Some(candidate);
        due.then_some(candidate.data)
    }

    /// Somebody repeated bytes. The place that is believed from now on, if they were the right
    /// ones and came from there.
    pub fn handle_response(&mut self, place: L, data: [u8; 8]) -> Option<L> {
        let candidate = self.candidate?;
        let proven = candidate.challenged.is_some() && candidate.place == place;
        if !proven || candidate.data != data {
            return None;
        }
        self.candidate = None;
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: [u8; 8] = [7; 8];
    const MS: Micros = MICROS_PER_MS;

    #[test]
    fn a_place_that_repeats_the_bytes_is_believed() {
        let mut paths = PathValidation::default();
        assert_eq!(paths.handle_response("there", RANDOM), None);
        assert_eq!(paths.handle_datagram(0, "there", 100, RANDOM), Some(RANDOM));
        assert_eq!(paths.handle_response("there", [8; 8]), None);
        assert_eq!(paths.handle_response("elsewhere", RANDOM), None);
        assert_eq!(paths.handle_response("there", RANDOM), Some("there"));
        assert_eq!(paths.handle_response("there", RANDOM), None);
    }

    #[test]
    fn an_unproven_place_gets_no_more_than_it_sent() {
        let mut paths = PathValidation::default();
        let (mut received, mut sent) = (0, 0);
        for round in 0..1000 {
            received += 12;
            if paths.handle_datagram(round * MS, 1, 12, RANDOM).is_some() {
                sent += CHALLENGE_SIZE;
            }
            assert!(sent <= received);
        }
        assert!((10..=20).contains(&(sent / CHALLENGE_SIZE)), "{sent}");
    }

    #[test]
    fn a_second_place_waits_until_the_first_had_its_time() {
        let mut paths = PathValidation::default();
        paths.handle_datagram(0, 1, 100, RANDOM);
        assert_eq!(paths.handle_datagram(1, 2, 100, [9; 8]), None);
        assert_eq!(paths.handle_response(2, [9; 8]), None);
        assert_eq!(paths.handle_datagram(PATIENCE + 1, 2, 100, [9; 8]), Some([9; 8]));
        assert_eq!(paths.handle_response(1, RANDOM), None);
        assert_eq!(paths.handle_response(2, [9; 8]), Some(2));
    }
}
