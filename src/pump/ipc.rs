//! In-process datagrams: drivers of one program reach each other by port, without a socket.
//!
//! The table of ports is one for the process. A port's queue is bounded; what does not fit is
//! lost, as with any datagram.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::Waker;
use parking_lot::Mutex;

/// Packets that wait in one port; those that its driver has begun to take in are not among them.
pub const QUEUE_MAX: usize = 65_536;
/// Bytes of a queue's memory that is kept to be used again.
const KEPT_BYTES_MAX: usize = 1 << 20;
/// Room that a queue begins with: more than a few connections send between two updates.
const BYTES_INITIAL: usize = 16 << 10;
const PACKETS_INITIAL: usize = 64;
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
        self.asleep.store(asleep, Ordering::SeqCst);
    }

    /// Wakes the driver if it sleeps.
    pub fn ring(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            // A waker can only fail when its poll is gone, and then nobody sleeps.
            let _ = self.waker.wake();
        }
    }

    /// Wakes whoever asks the system, for whatever reason.
    #[cfg(windows)]
    pub fn wake(&self) {
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
    bytes: Vec<u8>,
    /// Who sent each, and where in `bytes` it ends.
    ends: Vec<(u16, usize)>,
}

impl Packets {
    fn new() -> Self {
        Self { bytes: Vec::with_capacity(BYTES_INITIAL), ends: Vec::with_capacity(PACKETS_INITIAL) }
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

struct Mailbox {
    queue: Mutex<Packets>,
    bell: Arc<Bell>,
}

/// A port that this driver owns; free again when dropped.
pub struct IpcPort {
    port: u16,
    mailbox: Arc<Mailbox>,
    inbox: Inbox,
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
        let mailbox =
            Arc::new(Mailbox { queue: Mutex::new(Packets::new()), bell: Arc::clone(bell) });
        ports.insert(port, Arc::clone(&mailbox));
        Ok(Self { port, mailbox, inbox: Inbox { packets: Packets::new(), ..Inbox::default() } })
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Sends a packet made of two parts; lost when nobody owns the port or its queue is full.
    pub fn send(&self, to: u16, head: &[u8], body: &[u8]) {
        let Some(mailbox) = PORTS.lock().get(&to).cloned() else {
            return;
        };
        let mut queue = mailbox.queue.lock();
        if queue.ends.len() < QUEUE_MAX {
            queue.bytes.extend_from_slice(head);
            queue.bytes.extend_from_slice(body);
            let end = queue.bytes.len();
            queue.ends.push((self.port, end));
            drop(queue);
            mailbox.bell.ring();
        }
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
            std::mem::swap(&mut inbox.packets, &mut *self.mailbox.queue.lock());
        }
        !inbox.is_empty()
    }

    /// Gives an inbox back, with what was not taken.
    pub fn return_inbox(&mut self, inbox: Inbox) {
        self.inbox = inbox;
    }

    /// Does a packet wait?
    pub fn is_readable(&self) -> bool {
        !self.inbox.is_empty() || !self.mailbox.queue.lock().ends.is_empty()
    }
}

impl Drop for IpcPort {
    fn drop(&mut self) {
        PORTS.lock().remove(&self.port);
    }
}
