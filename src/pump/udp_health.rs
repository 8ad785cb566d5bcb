//! UDP sockets that fail: the system may take one away, as phones do with those of programs that
//! slept. It is made anew on its port at once. One that fails again before a datagram has passed,
//! or that fails over and over, is reported, and made anew after a wait that doubles with each
//! failure: nobody pays in every frame for a network that is gone. The system has nothing to report
//! of it then, so whoever sleeps must ask [`Pump::until_retry`] for how long. The log has the first
//! failure, and rarely one of those that follow.

use std::io;

use mio::Interest;

use super::udp::UdpSocket;
use super::udp_batch::ReceiveBatch;
use super::{Pump, udp_token};
use crate::log::note;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// How long a socket that is broken waits until it is made anew, the first time. Each time after it
/// is twice as long.
const RETRY_WAIT_MIN: Micros = 100 * MICROS_PER_MS;
/// The longest such wait.
const RETRY_WAIT_MAX: Micros = 5000 * MICROS_PER_MS;
/// So often a socket that works in between is made anew at once; then it waits like a broken one.
const QUICK_REMAKES_MAX: u32 = 4;
/// A failure that no other has followed for so long counts no more. Longer than any wait.
const FAILURES_FORGOTTEN_AFTER: Micros = 10_000 * MICROS_PER_MS;
/// A socket that stays broken is in the log this often.
const LOG_INTERVAL: Micros = 60_000 * MICROS_PER_MS;

/// Errors that the standard library has no kind for: a bad descriptor, no socket, shut down.
#[cfg(any(target_os = "linux", target_os = "android"))]
const BROKEN: [i32; 3] = [9, 88, 108];
#[cfg(windows)]
const BROKEN: [i32; 3] = [10_009, 10_038, 10_058];
#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
const BROKEN: [i32; 3] = [9, 38, 58];

/// What is known of a socket's failures.
#[derive(Default)]
pub struct Health {
    /// It was made anew, and nothing has passed since.
    on_trial: bool,
    /// It has to be made anew before it is of use.
    broken: Option<Broken>,
    /// Failures in a row, and when the last one was.
    failures: (u32, Micros),
    /// Waits in this row.
    waits: u32,
    /// When the log last had a line of it.
    logged_at: Option<Micros>,
    /// The last line said that it is broken.
    told: bool,
    /// How many of the next calls fail, and with what.
    #[cfg(test)]
    fails: (u32, Option<io::ErrorKind>),
}

/// A socket of no use.
struct Broken {
    retry_at: Micros,
    /// What was wrong.
    kind: io::ErrorKind,
    code: Option<i32>,
}

impl Broken {
    fn error(&self) -> io::Error {
        self.code.map_or_else(|| self.kind.into(), io::Error::from_raw_os_error)
    }
}

impl Health {
    /// Something has passed.
    pub const fn pass(&mut self) {
        self.on_trial = false;
    }

    /// Counts a failure; returns how many there are in a row.
    const fn count(&mut self, now: Micros) -> u32 {
        let (count, last) = self.failures;
        if now.saturating_sub(last) >= FAILURES_FORGOTTEN_AFTER {
            self.failures = (1, now);
            self.waits = 0;
            self.logged_at = None;
        } else {
            self.failures = (count.saturating_add(1), now);
        }
        self.failures.0
    }

    /// It waits until it is made anew.
    fn give_up(&mut self, error: &io::Error, now: Micros) {
        let wait = RETRY_WAIT_MIN << self.waits.min(16);
        self.waits += 1;
        let retry_at = now + wait.min(RETRY_WAIT_MAX);
        self.broken = Some(Broken { retry_at, kind: error.kind(), code: error.raw_os_error() });
    }

    /// Is it time for a line in the log?
    fn may_log(&mut self, now: Micros) -> bool {
        let may = self.logged_at.is_none_or(|at| now.saturating_sub(at) >= LOG_INTERVAL);
        if may {
            self.logged_at = Some(now);
        }
        may
    }

    /// The error that a test wants the next call to fail with.
    #[cfg(test)]
    pub fn fail(&mut self) -> io::Result<()> {
        let (calls, kind) = &mut self.fails;
        if *calls == 0 {
            return Ok(());
        }
        *calls -= 1;
        Err(kind.unwrap_or(io::ErrorKind::NotConnected).into())
    }
}

#[cfg(test)]
impl UdpSocket {
    /// So many of the next calls of the system fail.
    pub fn fail(&mut self, calls: u32) {
        self.fail_with(calls, io::ErrorKind::NotConnected);
    }

    /// The same, with an error of this kind.
    pub fn fail_with(&mut self, calls: u32, kind: io::ErrorKind) {
        self.health.fails = (calls, Some(kind));
        self.readable = true;
    }
}

/// Does an error say that the socket itself is of no use any more?
pub fn is_broken(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, NetworkDown, NotConnected};
    error.raw_os_error().is_some_and(|code| BROKEN.contains(&code))
        || matches!(error.kind(), BrokenPipe | ConnectionAborted | NetworkDown | NotConnected)
}

impl Pump {
    /// How long until the next round has a socket to make anew; `None` when all are whole.
    pub fn until_retry(&self) -> Option<Micros> {
        let broken = self.udp.iter().filter_map(|socket| socket.health.broken.as_ref());
        let next = broken.map(|broken| broken.retry_at).min()?;
        Some(next.saturating_sub(self.clock.now()))
    }

    /// Has a UDP socket something to be asked for?
    pub fn udp_wants_receive(&self, index: usize) -> bool {
        let socket = &self.udp[index];
        socket.readable || socket.health.broken.is_some()
    }

    /// Receives one batch from a UDP socket. False when nothing was there.
    ///
    /// # Errors
    /// What the system said, which is in the log; of a socket that is broken, in every round.
    pub fn receive_udp(&mut self, index: usize, batch: &mut ReceiveBatch) -> io::Result<bool> {
        self.mend_udp(index)?;
        let outcome = self.udp[index].receive(batch);
        if self.udp[index].health.told {
            self.udp_recovered(index);
        }
        match outcome {
            Err(error) if is_broken(&error) => {
                self.udp_failed(index, error)?;
                // The new one may have something.
                Ok(true)
            }
            Err(error) => {
                let now = self.clock.now();
                let local = self.udp[index].local();
                if self.udp[index].health.may_log(now) {
                    note!(Error, "receiving on {local}: {error}");
                }
                Err(error)
            }
            other => other,
        }
    }

    /// Sends what waits in a UDP socket; what the system does not take now stays for the next
    /// time. Returns how many datagrams left.
    ///
    /// # Errors
    /// As [`receive_udp`](Self::receive_udp); then what waited is lost.
    pub fn flush_udp(&mut self, index: usize) -> io::Result<u64> {
        let outcome = self.mend_udp(index).and_then(|()| {
            loop {
                match self.udp[index].flush() {
                    Err(error) if is_broken(&error) => self.udp_failed(index, error)?,
                    other => return other,
                }
            }
        });
        let health = &self.udp[index].health;
        if health.broken.is_some() {
            self.udp[index].forget_all();
        } else if health.told {
            self.udp_recovered(index);
        }
        outcome
    }

    /// Makes a socket anew that failed before this round, if it has waited for long enough.
    fn mend_udp(&mut self, index: usize) -> io::Result<()> {
        let Some(broken) = &self.udp[index].health.broken else { return Ok(()) };
        if self.clock.now() < broken.retry_at {
            return Err(broken.error());
        }
        self.remake_udp(index)
    }

    /// A socket has failed: once is nothing that the program must know.
    #[cold]
    fn udp_failed(&mut self, index: usize, error: io::Error) -> io::Result<()> {
        let now = self.clock.now();
        let socket = &mut self.udp[index];
        let failures = socket.health.count(now);
        if socket.health.on_trial || failures > QUICK_REMAKES_MAX {
            self.break_udp(index, &error, now);
            return Err(error);
        }
        if failures == 1 {
            let local = socket.local();
            note!(Warning, "the UDP socket at {local} failed and is made anew: {error}");
        }
        self.remake_udp(index)
    }

    /// A socket is of no use for now.
    fn break_udp(&mut self, index: usize, error: &io::Error, now: Micros) {
        let socket = &mut self.udp[index];
        (socket.readable, socket.writable) = (false, true);
        socket.health.give_up(error, now);
        if socket.health.may_log(now) {
            socket.health.told = true;
            let local = socket.local();
            note!(Error, "the UDP socket at {local} is broken, and is tried again: {error}");
        }
    }

    /// Something may have passed after the log had said that the socket is broken.
    #[cold]
    fn udp_recovered(&mut self, index: usize) {
        let socket = &mut self.udp[index];
        if !socket.health.on_trial && socket.health.broken.is_none() {
            socket.health.told = false;
            note!(Info, "the UDP socket at {} works again", socket.local());
        }
    }

    fn remake_udp(&mut self, index: usize) -> io::Result<()> {
        let registry = self.poll.registry();
        let socket: &mut UdpSocket = &mut self.udp[index];
        // Closing it takes it out as well.
        let _ = registry.deregister(socket.source());
        let made = socket.remake().and_then(|()| {
            registry.register(socket.source(), udp_token(index), Interest::READABLE)
        });
        socket.health.on_trial = true;
        match &made {
            Ok(()) => {
                socket.health.broken = None;
                self.udp_remade += 1;
            }
            Err(error) => {
                let now = self.clock.now();
                self.udp[index].health.count(now);
                self.break_udp(index, error, now);
            }
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;
    use crate::pump::Sleep;

    fn bound(whole: bool) -> UdpSocket {
        UdpSocket::bind("127.0.0.1:0".parse().expect("is an address"), whole).expect("binds")
    }

    /// When tests begin.
    const START: Micros = 1_000_000_000;

    /// A pump with one socket whose clock stands still, and a peer of it.
    fn world() -> (Pump, UdpSocket, Box<ReceiveBatch>) {
        let mut pump = Pump::new().expect("starts");
        pump.add_udp(bound(true)).expect("is added");
        pump.clock.shown = Some(Arc::new(AtomicU64::new(START)));
        (pump, bound(false), Box::new(ReceiveBatch::new()))
    }

    fn advance(pump: &Pump, by: Micros) {
        pump.clock.shown.as_ref().expect("it is shown").fetch_add(by, Relaxed);
    }

    /// Fails until it is broken.
    fn broken(pump: &mut Pump, batch: &mut ReceiveBatch) {
        pump.udp[0].fail(2);
        assert!(pump.receive_udp(0, batch).expect("is made anew"));
        pump.receive_udp(0, batch).expect_err("failed twice");
    }

    /// Everything that a socket has received.
    fn received(pump: &mut Pump, batch: &mut ReceiveBatch) -> Vec<Vec<u8>> {
        pump.poll(Sleep::NONE).expect("polls");
        let mut all = Vec::new();
        while pump.udp_wants_receive(0) && pump.receive_udp(0, batch).expect("receives") {
            all.extend(batch.datagrams().map(|(_, datagram)| datagram.to_vec()));
        }
        all
    }

    fn say(from: &mut UdpSocket, to: &UdpSocket, word: &[u8]) {
        assert!(from.queue(to.local(), b"", word));
        assert_eq!(from.flush().expect("sends"), 1);
    }

    #[test]
    fn a_socket_that_fails_to_receive_is_made_anew_on_its_port_and_polled() {
        let (mut pump, mut peer, mut batch) = world();
        let local = pump.udp[0].local();
        pump.udp[0].fail(1);
        assert!(received(&mut pump, &mut batch).is_empty());
        assert_eq!((pump.udp[0].local(), pump.udp_remade), (local, 1));
        for word in [&b"one"[..], b"two"] {
            say(&mut peer, &pump.udp[0], word);
            assert_eq!(received(&mut pump, &mut batch), [word], "the poll reports it");
        }
    }

    #[test]
    fn a_socket_that_fails_to_send_loses_nothing_that_waits() {
        let (mut pump, peer, mut batch) = world();
        let place = pump.add_udp(peer).expect("is added");
        let to = pump.udp[place].local();
        for word in [&b"a"[..], b"bb", b"ccc"] {
            pump.udp[0].queue(to, b"", word);
        }
        pump.udp[0].fail(1);
        assert_eq!(pump.flush_udp(0).expect("sends"), 3);
        assert_eq!(pump.udp_remade, 1);
        pump.poll(Sleep::NONE).expect("polls");
        let mut lengths = Vec::new();
        while pump.udp_wants_receive(place) && pump.receive_udp(place, &mut batch).expect("goes") {
            lengths.extend(batch.datagrams().map(|(_, word)| word.len()));
        }
        assert_eq!(lengths, [1, 2, 3]);
    }

    #[test]
    fn two_failures_in_a_row_are_told_and_it_is_tried_again_after_a_wait() {
        let (mut pump, mut peer, mut batch) = world();
        broken(&mut pump, &mut batch);
        assert!(!pump.has_ready(), "nobody spins on it");
        assert_eq!(pump.until_retry(), Some(RETRY_WAIT_MIN), "and nobody sleeps over it");
        say(&mut peer, &pump.udp[0], b"into the closed socket's hands");
        advance(&pump, RETRY_WAIT_MIN);
        assert_eq!(pump.until_retry(), Some(0));
        assert!(received(&mut pump, &mut batch).is_empty());
        say(&mut peer, &pump.udp[0], b"heard");
        assert_eq!(received(&mut pump, &mut batch), [b"heard"]);
        assert_eq!((pump.udp_remade, pump.until_retry()), (2, None));
        // Something has passed, so the next failure is no reason to wait.
        pump.udp[0].fail(1);
        assert!(pump.receive_udp(0, &mut batch).is_ok());
    }

    #[test]
    fn what_waits_is_lost_when_sending_failed_twice_and_while_it_is_broken() {
        let (mut pump, peer, _) = world();
        pump.udp[0].queue(peer.local(), b"", b"lost");
        pump.udp[0].fail(2);
        pump.flush_udp(0).expect_err("failed twice");
        assert!(!pump.udp[0].has_queued());
        pump.udp[0].queue(peer.local(), b"", b"lost too");
        let error = pump.flush_udp(0).expect_err("is broken");
        assert_eq!(error.kind(), io::ErrorKind::NotConnected, "what was wrong in the first place");
        assert!(!pump.udp[0].has_queued());
        assert_eq!(pump.udp_remade, 1);
        advance(&pump, RETRY_WAIT_MIN);
        pump.udp[0].queue(peer.local(), b"", b"leaves");
        assert_eq!(pump.flush_udp(0).expect("sends"), 1);
    }

    /// Calls it once a frame while it fails; returns after how long it was made anew each time.
    fn waits(pump: &mut Pump, batch: &mut ReceiveBatch, frames: usize) -> Vec<Micros> {
        let (mut waits, mut waited, mut remade) = (Vec::new(), 0, pump.udp_remade);
        for _ in 0..frames {
            advance(pump, FRAME);
            waited += FRAME;
            pump.udp[0].health.fails = (1, None);
            pump.receive_udp(0, batch).expect_err("tells it in every frame");
            if pump.udp_remade > remade {
                remade = pump.udp_remade;
                waits.push(waited);
                waited = 0;
            }
        }
        waits
    }

    const FRAME: Micros = 10 * MICROS_PER_MS;

    #[test]
    fn a_socket_that_stays_broken_is_made_anew_less_and_less_often() {
        let (mut pump, mut peer, mut batch) = world();
        broken(&mut pump, &mut batch);
        // Two minutes at a hundred frames a second.
        let waits = waits(&mut pump, &mut batch, 12_000);
        let doubled = [100, 200, 400, 800, 1600, 3200, 5000, 5000].map(|ms| ms * MICROS_PER_MS);
        assert_eq!(waits[..8], doubled);
        assert!(waits[8..].iter().all(|&wait| wait == RETRY_WAIT_MAX) && waits.len() == 28);
        // Once it works it is forgiven, if not at once.
        pump.udp[0].health.fails = (0, None);
        advance(&pump, RETRY_WAIT_MAX);
        assert!(received(&mut pump, &mut batch).is_empty());
        say(&mut peer, &pump.udp[0], b"heard");
        assert_eq!(received(&mut pump, &mut batch), [b"heard"]);
        advance(&pump, FAILURES_FORGOTTEN_AFTER);
        broken(&mut pump, &mut batch);
        assert_eq!(pump.until_retry(), Some(RETRY_WAIT_MIN));
    }

    #[test]
    fn a_socket_that_works_between_its_failures_is_not_made_anew_in_every_frame() {
        let (mut pump, mut peer, mut batch) = world();
        let mut told = 0;
        for _ in 0..1000 {
            advance(&pump, FRAME);
            if pump.until_retry().is_some_and(|wait| wait > 0) {
                pump.receive_udp(0, &mut batch).expect_err("waits");
                told += 1;
                continue;
            }
            assert!(received(&mut pump, &mut batch).is_empty(), "made anew, if it was broken");
            say(&mut peer, &pump.udp[0], b"passes");
            assert_eq!(received(&mut pump, &mut batch), [b"passes"]);
            pump.udp[0].fail(1);
            told += u32::from(pump.receive_udp(0, &mut batch).is_err());
        }
        assert!(told > 900 && (5..15).contains(&pump.udp_remade), "{told}, {}", pump.udp_remade);
    }

    #[test]
    fn the_log_has_the_first_failure_and_rarely_another_one() {
        let mut health = Health::default();
        let logged = |health: &mut Health, seconds: std::ops::Range<u64>| {
            let times = seconds.map(|second| START + second * 1000 * MICROS_PER_MS);
            times.filter(|&now| (health.count(now), health.may_log(now)).1).count()
        };
        assert_eq!(logged(&mut health, 0..1), 1);
        assert_eq!(logged(&mut health, 1..60), 0);
        assert_eq!(logged(&mut health, 60..181), 3);
        assert_eq!(logged(&mut health, 191..192), 1, "it was whole for a while");
    }

    #[test]
    fn a_network_that_is_down_costs_one_datagram_and_no_socket() {
        let (mut pump, mut peer, mut batch) = world();
        for word in [&b"lost"[..], b"leaves"] {
            pump.udp[0].queue(peer.local(), b"", word);
        }
        pump.udp[0].fail_with(1, io::ErrorKind::NetworkDown);
        assert_eq!(pump.flush_udp(0).expect("goes on"), 1);
        assert!(peer.receive(&mut batch).expect("receives"));
        assert_eq!(batch.datagrams().map(|(_, word)| word).collect::<Vec<_>>(), [b"leaves"]);
        assert_eq!((pump.udp_remade, pump.until_retry()), (0, None));
        // What cannot receive for that reason is of no use.
        pump.udp[0].fail_with(1, io::ErrorKind::NetworkDown);
        assert!(pump.receive_udp(0, &mut batch).expect("is made anew"));
        assert_eq!(pump.udp_remade, 1);
    }

    #[test]
    fn what_concerns_one_destination_or_a_moment_breaks_no_socket() {
        use io::ErrorKind::{ConnectionRefused, OutOfMemory, WouldBlock};
        for kind in [ConnectionRefused, OutOfMemory, WouldBlock] {
            assert!(!is_broken(&kind.into()), "{kind:?}");
        }
        assert!(is_broken(&io::Error::from_raw_os_error(BROKEN[0])));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_that_the_system_has_shut_down_is_replaced_with_all_its_options() {
        use rustix::net::{Shutdown, shutdown, sockopt};
        let (mut pump, peer, mut batch) = world();
        let place = pump.add_udp(peer).expect("is added");
        // It says that there is no peer, and shuts down all the same.
        let _ = shutdown(pump.udp[0].source(), Shutdown::Both);
        let to = pump.udp[place].local();
        pump.udp[0].queue(to, b"", b"first");
        pump.udp[0].queue(to, b"", b"other");
        assert_eq!(pump.flush_udp(0).expect("sends"), 2);
        assert_eq!(pump.udp_remade, 1);
        pump.poll(Sleep::NONE).expect("polls");
        assert!(pump.receive_udp(place, &mut batch).expect("receives"));
        assert_eq!(batch.datagrams().count(), 2);
        let wanted = sockopt::Ipv4PathMtuDiscovery::PROBE;
        assert_eq!(sockopt::ip_mtu_discover(&*pump.udp[0].source()).expect("is set"), wanted);
    }
}
