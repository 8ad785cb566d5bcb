//! Path MTU: how large a packet may be, and whether it may be larger by now. Rules:
//! `docs/PROTOCOL.md`, "Path MTU".
//!
//! The discovery behind a handshake has up to four probes and two rounds of three tenths of a
//! second, in the second of them what was not answered in the first. A path that takes less than
//! the settings allow is asked for more now and then (RFC 8899 section 5.1.1), with up to five
//! probes in three rounds. What was answered counts.
//!
//! Sizes are those of Unity Transport: the UTP packet and what the layers below add to it. Probes
//! carry nothing, so a lost one costs nothing and makes nothing smaller.

use crate::proto::time::{MICROS_PER_MS, Micros};

/// Every path takes this (Unity Transport's minimum).
pub const PATH_MTU_MIN: u16 = 1024;
/// The next size below it, of paths that have become narrower still.
pub const PATH_MTU_NARROW: u16 = 512;
/// How long each round of probes waits.
pub const ROUND: Micros = 300 * MICROS_PER_MS;
/// How long a server waits for a client's first word before the connection goes on without.
pub const PATIENCE: Micros = 1000 * MICROS_PER_MS;
/// Sizes that are probed at most.
const PROBES: usize = 5;
/// Rounds of a discovery, and of a later attempt to find more (RFC 8899's MAX_PROBES).
const ROUNDS: u8 = 2;
const RAISE_ROUNDS: u8 = 3;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Not wanted.
    Off,
    /// The peer's address is not proven yet.
    Waiting,
    /// So many more rounds after this one.
    Probing(u8),
    /// It is known.
    Known,
    /// It is known, and more is tried; so many more rounds after this one.
    Raising(u8),
}

/// The machine of one connection.
#[derive(Clone, Copy, Debug)]
pub struct PathMtu {
    stage: Stage,
    since: Micros,
    /// The largest packet that both sides allow.
    largest: u16,
    /// The largest that is known to arrive; 0 none.
    best: u16,
    /// The connection need not wait for more.
    settled: bool,
    /// Probes to send, as bits of their places, and those that were sent.
    due: u8,
    sent: u8,
    /// Asked with every packet; follows from the others.
    size: u16,
    /// After how long more is tried; 0 is never.
    raise_interval: Micros,
}

impl PathMtu {
    /// No discovery: packets may be as large as the settings say.
    #[must_use]
    pub const fn off(largest: u16) -> Self {
        Self {
            stage: Stage::Off,
            since: 0,
            largest,
            best: 0,
            settled: true,
            due: 0,
            sent: 0,
            size: largest,
            raise_interval: 0,
        }
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

    /// A path that takes less than it might is asked for more each time so much has passed; 0 is
    /// never.
    #[must_use]
    pub const fn raised_after(self, interval: Micros) -> Self {
        Self { raise_interval: interval, ..self }
    }

    /// The path was found to take no more than this; what was probed before is outdated.
    pub fn narrow(&mut self, now: Micros, size: u16) {
        self.best = self.size().min(size);
        self.sent = 0;
        self.finish(now);
    }

    /// The peer takes no more than this, whatever the path does. A round that is under way begins
    /// anew with other sizes, or is over if there is nothing more to find.
    pub fn limit(&mut self, now: Micros, size: u16) {
        if size >= self.largest {
            return;
        }
        let before = self.sizes();
        self.largest = size;
        self.best = self.best.min(size);
        // Answers count for what they name: where a place stands for another size now, nobody
        // has asked.
        for (place, (was, is)) in before.into_iter().zip(self.sizes()).enumerate() {
            if was != is {
                self.sent &= !(1 << place);
            }
        }
        self.due = 0;
        match self.stage {
            // What every path takes need not be found out.
            Stage::Waiting | Stage::Probing(_) if size <= PATH_MTU_MIN => self.finish(now),
            Stage::Probing(_) | Stage::Raising(_) if self.best == size => self.finish(now),
            Stage::Probing(_) | Stage::Raising(_) => self.begin(now, self.stage),
            Stage::Waiting | Stage::Off | Stage::Known => {}
        }
        self.size = self.known_size();
    }

    /// Is it still being found out for the first time?
    #[must_use]
    pub const fn is_discovering(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Probing(_))
    }

    /// The path is another one: what it takes more is found out soon.
    pub fn handle_path_change(&mut self, now: Micros) {
        if matches!(self.stage, Stage::Known | Stage::Raising(_)) && self.may_raise() {
            self.sent = 0;
            self.begin(now, Stage::Raising(RAISE_ROUNDS - 1));
        }
    }

    /// Is less in use than might be, by a peer that answers probes?
    const fn may_raise(&self) -> bool {
        self.best > 0 && self.best < self.largest && self.raise_interval > 0
    }

    /// The sizes that are probed, ascending; those that the settings rule out are 0.
    fn sizes(&self) -> [u16; PROBES] {
        let below = |size: u16| if size < self.largest { size } else { 0 };
        let above = |step: u16| {
            let size = self.largest.saturating_sub(step);
            if size > PATH_MTU_MIN { size } else { 0 }
        };
        [below(PATH_MTU_NARROW), below(PATH_MTU_MIN), above(100), above(20), self.largest]
    }

    /// The peer is there: the probes go out.
    pub fn handle_validated(&mut self, now: Micros) {
        if self.stage == Stage::Waiting {
            self.begin(now, Stage::Probing(ROUNDS - 1));
        }
    }

    /// A round of probes.
    fn begin(&mut self, now: Micros, stage: Stage) {
        self.stage = stage;
        self.since = now;
        // A discovery takes for granted what every path takes.
        let least = if matches!(stage, Stage::Raising(_)) { 0 } else { PATH_MTU_MIN };
        self.due = 0;
        for (place, &size) in self.sizes().iter().enumerate() {
            self.due |= u8::from(size > self.best && size >= least) << place;
        }
        self.sent |= self.due;
        self.size = self.known_size();
    }

    /// The peer has got a probe of this size. What nobody sent means nothing. True when the path
    /// is known to take more than before.
    pub fn handle_ack(&mut self, now: Micros, size: u16) -> bool {
        let sent = |place: usize| self.sent >> place & 1 == 1;
        let sizes = self.sizes();
        if !sizes.iter().enumerate().any(|(place, &probed)| probed == size && sent(place)) {
            return false;
        }
        let before = self.size();
        // After nothing was answered at all the settings hold; a late answer takes nothing back.
        if self.stage != Stage::Known || self.best > 0 {
            self.best = self.best.max(size);
        }
        self.size = self.known_size();
        if self.best == self.largest {
            self.finish(now);
        }
        self.size() > before
    }

    fn finish(&mut self, now: Micros) {
        self.stage = Stage::Known;
        self.since = now;
        self.settled = true;
        self.due = 0;
        self.size = self.known_size();
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Micros) {
        let Some(deadline) = self.next_timeout() else { return };
        if now < deadline {
            return;
        }
        match self.stage {
            Stage::Waiting => {
                self.settled = true;
                self.size = self.known_size();
            }
            Stage::Probing(0) | Stage::Raising(0) => self.finish(now),
            Stage::Probing(rounds) => self.begin(now, Stage::Probing(rounds - 1)),
            Stage::Raising(rounds) => self.begin(now, Stage::Raising(rounds - 1)),
            Stage::Known => {
                self.sent = 0;
                self.begin(now, Stage::Raising(RAISE_ROUNDS - 1));
            }
            Stage::Off => {}
        }
    }

    /// When `handle_timeout` has something to do.
    #[must_use]
    pub const fn next_timeout(&self) -> Option<Micros> {
        let wait = match self.stage {
            Stage::Waiting if !self.settled => PATIENCE,
            Stage::Probing(_) | Stage::Raising(_) => ROUND,
            Stage::Known if self.may_raise() => self.raise_interval,
            Stage::Waiting | Stage::Off | Stage::Known => return None,
        };
        Some(self.since.saturating_add(wait).saturating_add(1))
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
            Stage::Known if self.best == 0 => self.largest,
            Stage::Known | Stage::Raising(_) => self.best,
            // The program is sending already, and nothing speaks against it yet.
            Stage::Waiting | Stage::Probing(_) if self.settled => self.largest,
            Stage::Waiting | Stage::Probing(_) => self.best.max(PATH_MTU_MIN).min(self.largest),
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
        machine.handle_ack(0, 1300);
        assert_eq!((machine.size(), machine.is_settled()), (1300, false));
        machine.handle_ack(0, 1400);
        assert_eq!((machine.size(), machine.is_settled()), (1400, true));
        assert_eq!(machine.next_timeout(), None);
    }

    #[test]
    fn what_was_not_answered_is_probed_again_and_then_given_up() {
        let mut machine = begun(1400);
        probes(&mut machine);
        machine.handle_ack(0, 1300);
        machine.handle_timeout(300 * MS);
        assert_eq!(probes(&mut machine), [] as [u16; 0], "not yet");
        machine.handle_timeout(300 * MS + 1);
        assert_eq!(probes(&mut machine), [1380, 1400]);
        let end = machine.next_timeout().expect("a second round");
        assert_eq!(end, 600 * MS + 2);
        machine.handle_timeout(end);
        assert_eq!((machine.size(), machine.is_settled()), (1300, true));
        machine.handle_ack(0, 1380);
        assert_eq!(machine.size(), 1380, "late, and still true");
    }

    #[test]
    fn a_peer_that_knows_no_probes_gets_what_the_settings_say() {
        let mut machine = begun(1472);
        while let Some(now) = machine.next_timeout() {
            machine.handle_timeout(now);
        }
        assert_eq!((machine.size(), machine.is_settled()), (1472, true));
        machine.handle_ack(0, 1024);
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
        machine.handle_ack(0, 1400);
        assert_eq!((machine.size(), machine.is_settled()), (1024, false));
        machine.handle_timeout(machine.next_timeout().expect("a patience"));
        assert_eq!((machine.size(), machine.is_settled()), (1400, true), "it goes on without");
        machine.handle_validated(5000 * MS);
        assert_eq!(probes(&mut machine).len(), 4, "and is made up for");
        assert_eq!((machine.size(), machine.is_settled()), (1400, true), "nothing is taken back");
        machine.handle_ack(0, 1300);
        while let Some(now) = machine.next_timeout() {
            machine.handle_timeout(now);
        }
        assert_eq!(machine.size(), 1300, "now it is known");
    }

    #[test]
    fn a_path_that_became_narrower_stays_so() {
        let mut machine = begun(1400);
        machine.handle_ack(0, 1400);
        machine.narrow(0, 1024);
        assert_eq!((machine.size(), machine.is_settled()), (1024, true));
        machine.handle_ack(0, 1400);
        machine.narrow(0, 512);
        machine.narrow(0, 1024);
        assert_eq!((machine.size(), machine.next_timeout()), (512, None));
        assert_eq!(probes(&mut machine), [] as [u16; 0]);
    }

    const INTERVAL: Micros = 600_000 * MS;

    /// Lets time pass until the machine wants no more, or begins to wait for the next attempt.
    /// Gives the time.
    fn rest(machine: &mut PathMtu, mut now: Micros) -> Micros {
        while let Some(due) = machine.next_timeout().filter(|&due| due < now + INTERVAL) {
            now = due;
            machine.handle_timeout(now);
            probes(machine);
        }
        now
    }

    #[test]
    fn a_path_that_became_narrower_is_tried_again_after_the_interval() {
        let mut machine = PathMtu::off(1400).raised_after(INTERVAL);
        assert_eq!(machine.next_timeout(), None, "all is in use");
        machine.narrow(5, 256);
        assert_eq!((machine.size(), machine.next_timeout()), (256, Some(INTERVAL + 6)));
        machine.handle_timeout(INTERVAL + 6);
        assert_eq!(probes(&mut machine), [512, 1024, 1300, 1380, 1400]);
        assert_eq!(machine.size(), 256, "until one is answered");
        assert!(machine.handle_ack(0, 1024) && !machine.handle_ack(0, 1024));
        assert_eq!(machine.size(), 1024);
        let end = rest(&mut machine, INTERVAL + 6);
        assert_eq!(end, INTERVAL + 6 + 3 * (ROUND + 1), "three rounds");
        assert_eq!(machine.next_timeout(), Some(end + INTERVAL + 1), "and later again");
        machine.handle_timeout(end + INTERVAL + 1);
        assert!(machine.handle_ack(end + INTERVAL + 2, 1400));
        assert_eq!((machine.size(), machine.next_timeout()), (1400, None), "there is no more");
    }

    #[test]
    fn probes_for_more_that_are_lost_take_nothing_away() {
        let mut machine = begun(1400).raised_after(INTERVAL);
        machine.handle_ack(0, 1300);
        let end = rest(&mut machine, 0);
        for attempt in 1..5 {
            let now = machine.next_timeout().expect("another attempt");
            assert!(now >= attempt * INTERVAL);
            machine.handle_timeout(now);
            assert_eq!(probes(&mut machine), [1380, 1400]);
            machine.handle_timeout(now + ROUND + 1);
            assert_eq!((machine.size(), machine.is_settled()), (1300, true));
            assert!(rest(&mut machine, now) > end);
            assert_eq!(machine.size(), 1300);
        }
    }

    #[test]
    fn a_path_that_narrows_while_more_is_tried_ends_that() {
        let mut machine = PathMtu::off(1400).raised_after(INTERVAL);
        machine.narrow(0, 1024);
        machine.handle_timeout(INTERVAL + 1);
        probes(&mut machine);
        machine.narrow(INTERVAL + 2, 512);
        assert!(!machine.handle_ack(0, 1400), "an answer from before");
        assert_eq!((machine.size(), machine.next_timeout()), (512, Some(2 * INTERVAL + 3)));
    }

    #[test]
    fn a_path_that_changes_is_tried_at_once_if_there_is_more_to_find() {
        let mut machine = PathMtu::off(1400).raised_after(INTERVAL);
        machine.handle_path_change(7);
        assert!(!machine.wants_transmit());
        machine.narrow(8, 1024);
        machine.handle_path_change(9);
        assert_eq!(probes(&mut machine), [1300, 1380, 1400]);
        let mut never = PathMtu::off(1400);
        never.narrow(8, 1024);
        never.handle_path_change(9);
        assert!(!never.wants_transmit() && never.next_timeout().is_none());
    }

    #[test]
    fn a_peer_that_takes_less_is_asked_for_no_more() {
        let mut machine = PathMtu::off(1400).raised_after(INTERVAL);
        machine.limit(0, 600);
        assert_eq!((machine.size(), machine.next_timeout()), (600, None));
        machine.narrow(0, 512);
        machine.handle_timeout(INTERVAL + 1);
        assert_eq!(probes(&mut machine), [600]);
        assert!(machine.handle_ack(0, 600));
        assert_eq!((machine.size(), machine.next_timeout()), (600, None));
    }

    #[test]
    fn a_limit_in_the_middle_of_a_round_begins_it_anew_with_sizes_that_may_be() {
        let raising = || {
            let mut machine = PathMtu::off(1400).raised_after(INTERVAL);
            machine.narrow(0, 256);
            machine.handle_timeout(INTERVAL + 1);
            machine
        };
        for taken in 0..5 {
            let mut machine = raising();
            for _ in 0..taken {
                machine.poll_transmit();
            }
            machine.limit(INTERVAL + 2, 1200);
            assert!(!machine.handle_ack(INTERVAL + 3, 1400), "no more than the peer takes");
            assert_eq!(probes(&mut machine), [512, 1024, 1100, 1180, 1200]);
            assert_eq!(machine.next_timeout(), Some(INTERVAL + 2 + ROUND + 1));
            assert!(machine.handle_ack(INTERVAL + 3, 1200));
            assert_eq!((machine.size(), machine.next_timeout()), (1200, None));
        }
        let mut machine = raising();
        probes(&mut machine);
        machine.limit(INTERVAL + 2, 600);
        assert!(machine.handle_ack(INTERVAL + 3, 512), "an answer to what still is one of them");
        assert_eq!(probes(&mut machine), [512, 600]);
        machine.limit(INTERVAL + 3, 600);
        assert_eq!(probes(&mut machine), [] as [u16; 0], "that is no news");
    }

    #[test]
    fn a_limit_that_is_known_to_arrive_ends_the_round() {
        let mut raising = PathMtu::off(1400).raised_after(INTERVAL);
        raising.narrow(0, 1024);
        raising.handle_timeout(INTERVAL + 1);
        raising.limit(INTERVAL + 2, 1000);
        let mut discovering = begun(1400).raised_after(INTERVAL);
        discovering.handle_ack(0, 1300);
        discovering.limit(5, 1000);
        let mut waiting = PathMtu::new(0, 1400);
        waiting.limit(5, 1000);
        for mut machine in [raising, discovering, waiting] {
            assert_eq!(probes(&mut machine), [] as [u16; 0]);
            assert_eq!((machine.size(), machine.next_timeout()), (1000, None));
            assert!(machine.is_settled() && !machine.is_discovering());
        }
    }

    #[test]
    fn a_peer_that_knows_no_probes_is_not_asked_again() {
        let mut machine = begun(1400).raised_after(INTERVAL);
        rest(&mut machine, 0);
        assert_eq!((machine.size(), machine.next_timeout()), (1400, None));
    }

    #[test]
    fn sizes_that_nobody_sent_are_ignored() {
        let mut machine = begun(1400);
        for size in [0, 11, 1025, 1399, 1401, u16::MAX] {
            machine.handle_ack(0, size);
            assert_eq!(machine.size(), 1024);
        }
        machine.handle_timeout(machine.next_timeout().expect("a second round"));
        assert_eq!(probes(&mut machine).len(), 4, "none counted as answered");
    }
}
