//! In-process datagrams: drivers of one program reach each other by port, without a socket.
//!
//! The table of ports is one for the process. A port's queue is bounded; what does not fit is
//! lost, as with any datagram.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::Waker;
use parking_lot::Mutex;

/// Packets that wait in one port.
pub const QUEUE_MAX: usize = 65_536;
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

struct Mailbox {
    queue: Mutex<VecDeque<(u16, Vec<u8>)>>,
    bell: Arc<Bell>,
}

/// A port that this driver owns; free again when dropped.
pub struct IpcPort {
    port: u16,
    mailbox: Arc<Mailbox>,
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
            Arc::new(Mailbox { queue: Mutex::new(VecDeque::new()), bell: Arc::clone(bell) });
        ports.insert(port, Arc::clone(&mailbox));
        Ok(Self { port, mailbox })
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Sends a packet; lost when nobody owns the port or its queue is full.
    pub fn send(&self, to: u16, packet: Vec<u8>) {
        let Some(mailbox) = PORTS.lock().get(&to).cloned() else {
            return;
        };
        let mut queue = mailbox.queue.lock();
        if queue.len() < QUEUE_MAX {
            queue.push_back((self.port, packet));
            drop(queue);
            mailbox.bell.ring();
        }
    }

    /// The next packet and the port that it came from.
    pub fn receive(&self) -> Option<(u16, Vec<u8>)> {
        self.mailbox.queue.lock().pop_front()
    }

    /// Does a packet wait?
    pub fn is_readable(&self) -> bool {
        !self.mailbox.queue.lock().is_empty()
    }
}

impl Drop for IpcPort {
    fn drop(&mut self) {
        PORTS.lock().remove(&self.port);
    }
}
