//! In-process datagrams: drivers of one program reach each other by port, without a socket.
//!
//! The table of ports is one for the process. A port's queue is bounded; what does not fit is
//! lost, as with any datagram.

use std::collections::BTreeMap;
use std::hint::cold_path;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::Waker;
use parking_lot::Mutex;

use super::tail::Tail;

/// Packets that wait in one port; those that its driver has begun to take in are not among them.
pub const QUEUE_MAX: usize = 65_536;
/// Bytes of a queue's memory that is kept to be used again.
const KEPT_BYTES_MAX: usize = 1 << 20;
/// Room that a queue begins with: more than a few connections send between two updates.
const BYTES_INITIAL: usize = 16 << 10;
const PACKETS_INITIAL: usize = 64;
/// Mailboxes that a port remembers.
const ROUTES: usize = 16;
/// Where ports that the program leaves to us start.
const EPHEMERAL_START: u16 = 49_152;

static PORTS: Mutex<BTreeMap<u16, Arc<Mailbox>>> = Mutex::new(BTreeMap::new());

/// How a sleeping driver is woken.
pub struct Bell {
    waker: Waker,
    asleep: AtomicBool,
    /// Somebody wants the driver to look, asleep or not.
    called: AtomicBool,
}

impl Bell {
    /// A bell that rings through this waker.
    pub const fn new(waker: Waker) -> Self {
        Self { waker, asleep: AtomicBool::new(false), called: AtomicBool::new(false) }
    }

    /// The driver is about to sleep, or woke up.
    pub fn set_asleep(&self, asleep: bool) {
        // Who learns late that it woke up rings once too often; who learns late that it sleeps
        // would let it sleep.
        let order = if asleep { Ordering::SeqCst } else { Ordering::Release };
        self.asleep.store(asleep, order);
    }

    /// Wakes the driver if it sleeps.
    pub fn ring(&self) {
        if self.is_to_ring() {
            self.wake();
        }
    }

    /// Does the driver sleep? Who asks [wakes](Self::wake) it then.
    #[inline]
    fn is_to_ring(&self) -> bool {
        self.asleep.swap(false, Ordering::SeqCst)
    }

    /// Wakes whoever asks the system, whether the driver sleeps or not.
    #[cold]
    pub fn wake(&self) {
        // A waker can only fail when its poll is gone, and then nobody sleeps.
        let _ = self.waker.wake();
    }

    /// Wakes the driver, and keeps it from going to sleep before it has looked.
    pub fn call(&self) {
        self.called.store(true, Ordering::SeqCst);
        self.ring();
    }

    /// Was it called?
    pub fn is_called(&self) -> bool {
        self.called.load(Ordering::SeqCst)
    }

    /// The driver looks. True when it was called.
    pub fn take_call(&self) -> bool {
        self.is_called() && self.called.swap(false, Ordering::SeqCst)
    }
}

/// Packets, one behind the other.
#[derive(Default)]
struct Packets {
    bytes: Tail,
    /// Who sent each, and where in `bytes` it ends.
    ends: Vec<(u16, usize)>,
}

impl Packets {
    fn new() -> Self {
        let ends = Vec::with_capacity(PACKETS_INITIAL);
        Self { bytes: Tail::with_capacity(BYTES_INITIAL), ends }
    }

    fn clear(&mut self) {
        self.ends.clear();
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES_MAX);
    }
}

/// What a driver is taking in: all that waited in a port when it looked. The port and it swap
/// their memory, so that neither allocates once warm.
#[derive(Default)]
pub struct Inbox {
    packets: Packets,
    taken: usize,
    start: usize,
}

impl Inbox {
    /// The next packet and the port that it came from.
    pub fn next(&mut self) -> Option<(u16, &[u8])> {
        let &(from, end) = self.packets.ends.get(self.taken)?;
        let packet = &self.packets.bytes[self.start..end];
        self.taken += 1;
        self.start = end;
        Some((from, packet))
    }

    const fn is_empty(&self) -> bool {
        self.taken == self.packets.ends.len()
    }
}

/// What waits for the owner of a port.
type Mailbox = Mutex<Waiting>;

struct Waiting {
    packets: Packets,
    /// `None`: nobody owns the port any more.
    bell: Option<Arc<Bell>>,
}

/// Where a port's packets have gone last, so that the table is seldom asked.
struct Route {
    port: u16,
    mailbox: Arc<Mailbox>,
}

/// A port that this driver owns; free again when dropped.
pub struct IpcPort {
    port: u16,
    mailbox: Arc<Mailbox>,
    inbox: Inbox,
    /// By the low bits of the port's number.
    routes: [Option<Route>; ROUTES],
}

impl IpcPort {
    /// Takes a port; 0 chooses a free one.
    pub fn bind(port: u16, bell: &Arc<Bell>) -> io::Result<Self> {
        let mut ports = PORTS.lock();
        let port = if port == 0 {
            (EPHEMERAL_START..=u16::MAX).find(|port| !ports.contains_key(port))
        } else {
            Some(port).filter(|port| !ports.contains_key(port))
        };
        let Some(port) = port else {
            return Err(io::ErrorKind::AddrInUse.into());
        };
        let waiting = Waiting { packets: Packets::new(), bell: Some(Arc::clone(bell)) };
        let mailbox = Arc::new(Mutex::new(waiting));
        ports.insert(port, Arc::clone(&mailbox));
        let inbox = Inbox { packets: Packets::new(), ..Inbox::default() };
        Ok(Self { port, mailbox, inbox, routes: [const { None }; ROUTES] })
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Sends a packet made of two parts; lost when nobody owns the port or its queue is full.
    #[inline(always)]
    pub fn send(&mut self, to: u16, head: &[u8], body: &[u8]) {
        if !self.send_known(to, head, body) {
            cold_path();
            self.send_unknown(to, head, body);
        }
    }

    /// The same to a port that it remembers. False: it does not, or the owner has gone.
    #[inline(always)]
    fn send_known(&self, to: u16, head: &[u8], body: &[u8]) -> bool {
        let Some(route) = &self.routes[usize::from(to) % ROUTES] else { return false };
        if route.port != to {
            return false;
        }
        let mut waiting = route.mailbox.lock();
        let Waiting { packets, bell: Some(bell) } = &mut *waiting else { return false };
        if packets.ends.len() < QUEUE_MAX {
            packets.bytes.append(head, body);
            packets.ends.push((self.port, packets.bytes.len()));
            if bell.is_to_ring() {
                let bell = Arc::clone(bell);
                drop(waiting);
                bell.wake();
            }
        }
        true
    }

    /// Looks up who owns the port now, if anybody does.
    #[cold]
    fn send_unknown(&mut self, to: u16, head: &[u8], body: &[u8]) {
        let mailbox = PORTS.lock().get(&to).cloned();
        self.routes[usize::from(to) % ROUTES] = mailbox.map(|mailbox| Route { port: to, mailbox });
        self.send_known(to, head, body);
    }

    /// What the driver has begun to take in; give it back with `return_inbox`.
    pub fn take_inbox(&mut self) -> Inbox {
        std::mem::take(&mut self.inbox)
    }

    /// Fills an inbox that is used up with all that waits. False when nothing is there.
    pub fn refill(&self, inbox: &mut Inbox) -> bool {
        if inbox.is_empty() {
            inbox.packets.clear();
            (inbox.taken, inbox.start) = (0, 0);
            std::mem::swap(&mut inbox.packets, &mut self.mailbox.lock().packets);
        }
        !inbox.is_empty()
    }

    /// Gives an inbox back, with what was not taken.
    pub fn return_inbox(&mut self, inbox: Inbox) {
        self.inbox = inbox;
    }

    /// Does a packet wait?
    pub fn is_readable(&self) -> bool {
        !self.inbox.is_empty() || !self.mailbox.lock().packets.ends.is_empty()
    }
}

impl Drop for IpcPort {
    fn drop(&mut self) {
        // Others may remember the mailbox for a while.
        *self.mailbox.lock() = Waiting { packets: Packets::default(), bell: None };
        PORTS.lock().remove(&self.port);
    }
}

#[cfg(test)]
mod tests {
    use mio::{Poll, Token};

    use super::*;

    fn bell() -> (Poll, Arc<Bell>) {
        let poll = Poll::new().expect("starts");
        let waker = Waker::new(poll.registry(), Token(0)).expect("is made");
        (poll, Arc::new(Bell::new(waker)))
    }

    fn received(port: &mut IpcPort) -> Vec<Vec<u8>> {
        let mut inbox = port.take_inbox();
        let mut all = Vec::new();
        while port.refill(&mut inbox) {
            while let Some((_, packet)) = inbox.next() {
                all.push(packet.to_vec());
            }
        }
        port.return_inbox(inbox);
        all
    }

    #[test]
    fn a_port_that_changes_hands_is_found_again() {
        let (_poll, bell) = bell();
        let mut sender = IpcPort::bind(0, &bell).expect("is free");
        let mut first = IpcPort::bind(0, &bell).expect("is free");
        let number = first.port();
        sender.send(number, b"o", b"ne");
        sender.send(number, b"two", b"");
        assert_eq!(received(&mut first), [b"one", b"two"]);
        drop(first);
        sender.send(number, b"", b"lost");
        sender.send(number, b"", b"lost again");
        let mut second = IpcPort::bind(number, &bell).expect("is free again");
        sender.send(number, b"th", b"ree");
        assert_eq!(received(&mut second), [b"three"]);
    }

    #[test]
    fn ports_that_are_remembered_in_the_same_place_are_told_apart() {
        let (_poll, bell) = bell();
        let mut sender = IpcPort::bind(0, &bell).expect("is free");
        let mut ports: Vec<_> =
            (0..40).map(|_| IpcPort::bind(0, &bell).expect("is free")).collect();
        for _ in 0..2 {
            for port in &ports {
                sender.send(port.port(), b"", &port.port().to_be_bytes());
            }
        }
        for port in &mut ports {
            let own = port.port().to_be_bytes().to_vec();
            assert_eq!(received(port), [own.clone(), own]);
        }
    }

    #[test]
    fn a_port_that_is_gone_keeps_no_driver_awake() {
        let (_poll, bell) = bell();
        let mut sender = IpcPort::bind(0, &bell).expect("is free");
        let (_other_poll, other) = self::bell();
        let port = IpcPort::bind(0, &other).expect("is free");
        sender.send(port.port(), b"", b"one");
        drop(port);
        assert_eq!(Arc::strong_count(&other), 1);
    }
}
