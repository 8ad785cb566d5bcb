//! UDP sockets that fail: the system may take one away, as phones do with those of programs that
//! slept. It is made anew on its port, once; one that fails again before a datagram has passed is
//! reported, and tried again with the next round. The system has nothing to report of it then, so
//! whoever sleeps must ask [`Pump::until_retry`] for how long.

use std::io;

use mio::Interest;

use super::udp::{ReceiveBatch, UdpSocket};
use super::{Pump, udp_token};
use crate::log::note;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// A sleeping driver wakes after this to make a socket that is broken anew.
const RETRY_INTERVAL: Micros = 250 * MICROS_PER_MS;

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
    /// It failed twice in a row, or could not be made anew.
    broken: bool,
    /// How many of the next calls fail, and with what.
    #[cfg(test)]
    fails: (u32, Option<io::ErrorKind>),
}

impl Health {
    /// Something has passed.
    pub const fn pass(&mut self) {
        self.on_trial = false;
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
        self.udp.iter().any(|socket| socket.health.broken).then_some(RETRY_INTERVAL)
    }

    /// Has a UDP socket something to be asked for?
    pub fn udp_wants_receive(&self, index: usize) -> bool {
        let socket = &self.udp[index];
        socket.readable || socket.health.broken
    }

    /// Receives one batch from a UDP socket. False when nothing was there.
    ///
    /// # Errors
    /// What the system said; of a socket that failed, when it has done so twice in a row.
    pub fn receive_udp(&mut self, index: usize, batch: &mut ReceiveBatch) -> io::Result<bool> {
        self.mend_udp(index)?;
        match self.udp[index].receive(batch) {
            Err(error) if is_broken(&error) => {
                self.udp_failed(index, error)?;
                // The new one may have something.
                Ok(true)
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
        if self.udp[index].health.broken {
            self.udp[index].forget_all();
        }
        outcome
    }

    /// Makes a socket anew that failed before this round.
    fn mend_udp(&mut self, index: usize) -> io::Result<()> {
        if self.udp[index].health.broken { self.remake_udp(index) } else { Ok(()) }
    }

    /// A socket has failed: once is nothing that the program must know.
    fn udp_failed(&mut self, index: usize, error: io::Error) -> io::Result<()> {
        let socket = &mut self.udp[index];
        let local = socket.local();
        if socket.health.on_trial {
            socket.health.broken = true;
            (socket.readable, socket.writable) = (false, true);
            return Err(error);
        }
        note!(Warning, "the UDP socket at {local} failed and is made anew: {error}");
        self.remake_udp(index)
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
        socket.health.broken = made.is_err();
        if made.is_err() {
            (socket.readable, socket.writable) = (false, true);
        } else {
            self.udp_remade += 1;
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(whole: bool) -> UdpSocket {
        UdpSocket::bind("127.0.0.1:0".parse().expect("is an address"), whole).expect("binds")
    }

    /// A pump with one socket, and a peer of it.
    fn world() -> (Pump, UdpSocket, Box<ReceiveBatch>) {
        let mut pump = Pump::new().expect("starts");
        pump.add_udp(bound(true)).expect("is added");
        (pump, bound(false), Box::new(ReceiveBatch::new()))
    }

    /// Everything that a socket has received.
    fn received(pump: &mut Pump, batch: &mut ReceiveBatch) -> Vec<Vec<u8>> {
        pump.poll(None).expect("polls");
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
        pump.poll(None).expect("polls");
        let mut lengths = Vec::new();
        while pump.udp_wants_receive(place) && pump.receive_udp(place, &mut batch).expect("goes") {
            lengths.extend(batch.datagrams().map(|(_, word)| word.len()));
        }
        assert_eq!(lengths, [1, 2, 3]);
    }

    #[test]
    fn two_failures_in_a_row_are_told_and_the_next_round_tries_again() {
        let (mut pump, mut peer, mut batch) = world();
        pump.udp[0].fail(2);
        assert!(pump.receive_udp(0, &mut batch).expect("is made anew"));
        pump.receive_udp(0, &mut batch).expect_err("failed twice");
        assert!(!pump.has_ready(), "nobody spins on it");
        assert_eq!(pump.until_retry(), Some(RETRY_INTERVAL), "and nobody sleeps over it");
        say(&mut peer, &pump.udp[0], b"into the closed socket's hands");
        assert!(received(&mut pump, &mut batch).is_empty());
        say(&mut peer, &pump.udp[0], b"heard");
        assert_eq!(received(&mut pump, &mut batch), [b"heard"]);
        assert_eq!((pump.udp_remade, pump.until_retry()), (2, None));
        // Something has passed, so the next failure is the first one again.
        pump.udp[0].fail(1);
        assert!(pump.receive_udp(0, &mut batch).is_ok());
    }

    #[test]
    fn what_waits_is_lost_when_sending_failed_twice() {
        let (mut pump, peer, _) = world();
        pump.udp[0].queue(peer.local(), b"", b"lost");
        pump.udp[0].fail(2);
        pump.flush_udp(0).expect_err("failed twice");
        assert!(!pump.udp[0].has_queued());
        pump.udp[0].queue(peer.local(), b"", b"leaves");
        assert_eq!(pump.flush_udp(0).expect("sends"), 1);
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
        pump.poll(None).expect("polls");
        assert!(pump.receive_udp(place, &mut batch).expect("receives"));
        assert_eq!(batch.datagrams().count(), 2);
        let wanted = sockopt::Ipv4PathMtuDiscovery::PROBE;
        assert_eq!(sockopt::ip_mtu_discover(&*pump.udp[0].source()).expect("is set"), wanted);
    }
}
