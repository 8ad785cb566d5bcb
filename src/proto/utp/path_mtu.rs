//! Path-MTU discovery: four probes, three tenths of a second, what was lost once more, the same
//! again. What was answered is how large a packet may be. Rules: `docs/PROTOCOL.md`, "Path MTU".
//!
//! Sizes are those of Unity Transport: the UTP packet and what the layers below add to it.

use crate::proto::time::{MICROS_PER_MS, Micros};

/// Every path takes this (Unity Transport's minimum).
pub const PATH_MTU_MIN: u16 = 1024;
/// How long each of the two rounds waits.
pub const ROUND: Micros = 300 * MICROS_PER_MS;
/// How long a server waits for a client's first word before the connection goes on without.
pub const PATIENCE: Micros = 1000 * MICROS_PER_MS;
/// Probes of a round.
const PROBES: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Not wanted.
    Off,
    /// The peer's address is not proven yet.
    Waiting,
    /// The first round.
    One,
    /// The second.
    Two,
    /// It is known.
    Done,
}

/// The machine of one connection.
#[derive(Clone, Copy, Debug)]
pub struct PathMtu {
    stage: Stage,
    since: Micros,
    /// The largest packet that this side's settings allow.
    largest: u16,
    /// The largest that was answered; 0 none.
    best: u16,
    /// The connection need not wait for more.
    settled: bool,
    /// Probes to send, as bits of their places.
    due: u8,
    /// Asked with every packet; follows from the others.
    size: u16,
}

impl PathMtu {
    /// No discovery: packets may be as large as the settings say.
    #[must_use]
    pub const fn off(largest: u16) -> Self {
        Self { stage: Stage::Off, since: 0, largest, best: 0, settled: true, due: 0, size: largest }
    }

    /// A discovery that begins with `handle_validated`.
    #[must_use]
    pub const fn new(now: Micros, largest: u16) -> Self {
        if largest <= PATH_MTU_MIN {
            return Self::off(largest);
        }
        let (stage, size) = (Stage::Waiting, PATH_MTU_MIN);
        Self { stage, since: now, settled: false, size, ..Self::off(largest) }
    }

    /// The path was found to take no more than this; what was probed before is outdated.
    pub fn narrow(&mut self, size: u16) {
        *self = Self::off(self.size().min(size));
    }

    /// The sizes that are probed, ascending; those that the settings rule out are 0.
    fn sizes(&self) -> [u16; PROBES] {
        let above = |size: u16| if size > PATH_MTU_MIN { size } else { 0 };
        let below = |step: u16| above(self.largest.saturating_sub(step));
        [PATH_MTU_MIN, below(100), below(20), self.largest]
    }

    /// The peer is there: the probes go out.
    pub fn handle_validated(&mut self, now: Micros) {
        if self.stage == Stage::Waiting {
            self.stage = Stage::One;
            self.since = now;
            self.probe();
            self.size = self.known_size();
        }
    }

    fn probe(&mut self) {
        self.due = 0;
        for (place, &size) in self.sizes().iter().enumerate() {
            self.due |= u8::from(size > self.best) << place;
        }
    }

    /// The peer has got a probe of this size. What nobody sent means nothing.
    pub fn handle_ack(&mut self, size: u16) {
        if matches!(self.stage, Stage::Off | Stage::Waiting) || !self.sizes().contains(&size) {
            return;
        }
        // After nothing was answered at all the settings hold; a late answer takes nothing back.
        if self.stage != Stage::Done || self.best > 0 {
            self.best = self.best.max(size);
        }
        if self.best == self.largest {
            self.finish();
        }
        self.size = self.known_size();
    }

    fn finish(&mut self) {
        self.stage = Stage::Done;
        self.settled = true;
        self.due = 0;
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Micros) {
        let Some(deadline) = self.next_timeout() else { return };
        if now < deadline {
            return;
        }
        match self.stage {
            Stage::Waiting => self.settled = true,
            Stage::One => {
                self.stage = Stage::Two;
                self.since = now;
                self.probe();
            }
            Stage::Two => self.finish(),
            Stage::Off | Stage::Done => {}
        }
        self.size = self.known_size();
    }

    /// When `handle_timeout` has something to do.
    #[must_use]
    pub const fn next_timeout(&self) -> Option<Micros> {
        match self.stage {
            Stage::Waiting if !self.settled => Some(self.since.saturating_add(PATIENCE + 1)),
            Stage::One | Stage::Two => Some(self.since.saturating_add(ROUND + 1)),
            Stage::Waiting | Stage::Off | Stage::Done => None,
        }
    }

    /// Is there a probe to send?
    #[must_use]
    pub const fn wants_transmit(&self) -> bool {
        self.due != 0
    }

    /// The size of the next probe.
    pub fn poll_transmit(&mut self) -> Option<u16> {
        let place = self.due.trailing_zeros() as usize;
        let size = self.sizes().get(place).copied()?;
        self.due &= self.due - 1;
        Some(size)
    }

    /// May the program use the connection?
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.settled
    }

    /// Bytes of the largest packet, what the layers below add included, that is known to arrive.
    #[must_use]
    pub const fn size(&self) -> u16 {
        self.size
    }

    fn known_size(&self) -> u16 {
        match self.stage {
            Stage::Off => self.largest,
            // Nothing came back: a peer that knows no probes. The settings hold.
            Stage::Done if self.best == 0 => self.largest,
            // The program is sending already, and nothing speaks against it yet.
            Stage::Waiting | Stage::One | Stage::Two if self.settled => self.largest,
            Stage::Waiting | Stage::One | Stage::Two | Stage::Done => self.best.max(PATH_MTU_MIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Micros = 1000;

    fn probes(machine: &mut PathMtu) -> Vec<u16> {
        std::iter::from_fn(|| machine.poll_transmit()).collect()
    }

    fn begun(largest: u16) -> PathMtu {
        let mut machine = PathMtu::new(0, largest);
        machine.handle_validated(0);
        machine
    }

    #[test]
    fn four_sizes_are_probed_and_the_largest_answer_ends_it() {
        let mut machine = begun(1400);
        assert!(!machine.is_settled());
        assert_eq!(probes(&mut machine), [1024, 1300, 1380, 1400]);
        assert_eq!(machine.size(), 1024, "until more is known");
        machine.handle_ack(1300);
        assert_eq!((machine.size(), machine.is_settled()), (1300, false));
        machine.handle_ack(1400);
        assert_eq!((machine.size(), machine.is_settled()), (1400, true));
        assert_eq!(machine.next_timeout(), None);
    }

    #[test]
    fn what_was_not_answered_is_probed_again_and_then_given_up() {
        let mut machine = begun(1400);
        probes(&mut machine);
        machine.handle_ack(1300);
        machine.handle_timeout(300 * MS);
        assert_eq!(probes(&mut machine), [] as [u16; 0], "not yet");
        machine.handle_timeout(300 * MS + 1);
        assert_eq!(probes(&mut machine), [1380, 1400]);
        let end = machine.next_timeout().expect("a second round");
        assert_eq!(end, 600 * MS + 2);
        machine.handle_timeout(end);
        assert_eq!((machine.size(), machine.is_settled()), (1300, true));
        machine.handle_ack(1380);
        assert_eq!(machine.size(), 1380, "late, and still true");
    }

    #[test]
    fn a_peer_that_knows_no_probes_gets_what_the_settings_say() {
        let mut machine = begun(1472);
        while let Some(now) = machine.next_timeout() {
            machine.handle_timeout(now);
        }
        assert_eq!((machine.size(), machine.is_settled()), (1472, true));
        machine.handle_ack(1024);
        assert_eq!(machine.size(), 1472, "what may have been sent already is not taken back");
    }

    #[test]
    fn small_settings_need_no_discovery_or_fewer_probes() {
        for largest in [500, 1024] {
            let mut machine = begun(largest);
            assert_eq!((machine.size(), machine.is_settled()), (largest, true));
            assert_eq!(probes(&mut machine), [] as [u16; 0]);
        }
        assert_eq!(probes(&mut begun(1025)), [1024, 1025]);
        assert_eq!(probes(&mut begun(1100)), [1024, 1080, 1100]);
    }

    #[test]
    fn nothing_is_probed_before_the_peer_is_proven() {
        let mut machine = PathMtu::new(0, 1400);
        assert_eq!(probes(&mut machine), [] as [u16; 0]);
        machine.handle_ack(1400);
        assert_eq!((machine.size(), machine.is_settled()), (1024, false));
        machine.handle_timeout(machine.next_timeout().expect("a patience"));
        assert_eq!((machine.size(), machine.is_settled()), (1400, true), "it goes on without");
        machine.handle_validated(5000 * MS);
        assert_eq!(probes(&mut machine).len(), 4, "and is made up for");
        assert_eq!((machine.size(), machine.is_settled()), (1400, true), "nothing is taken back");
        machine.handle_ack(1300);
        while let Some(now) = machine.next_timeout() {
            machine.handle_timeout(now);
        }
        assert_eq!(machine.size(), 1300, "now it is known");
    }

    #[test]
    fn a_path_that_became_narrower_stays_so() {
        let mut machine = begun(1400);
        machine.handle_ack(1400);
        machine.narrow(1024);
        assert_eq!((machine.size(), machine.is_settled()), (1024, true));
        machine.handle_ack(1400);
        machine.narrow(512);
        machine.narrow(1024);
        assert_eq!((machine.size(), machine.next_timeout()), (512, None));
        assert_eq!(probes(&mut machine), [] as [u16; 0]);
    }

    #[test]
    fn sizes_that_nobody_sent_are_ignored() {
        let mut machine = begun(1400);
        for size in [0, 11, 1025, 1399, 1401, u16::MAX] {
            machine.handle_ack(size);
            assert_eq!(machine.size(), 1024);
        }
        machine.handle_timeout(machine.next_timeout().expect("a second round"));
        assert_eq!(probes(&mut machine).len(), 4, "none counted as answered");
    }
}
