//! Interfaces that the program brings: datagrams travel as it likes, in batches each way.
//!
//! A port holds what waits to be sent and the room for what is received. Nothing here knows what a
//! datagram means.

use std::sync::Arc;

use super::ipc::Bell;
use super::udp::BATCH_BYTES_MAX;
use crate::error::{Error, Result, Status};
use crate::proto::endpoint::NetworkEndpoint;

/// Datagrams that a program's functions get, or give, at once.
pub const CUSTOM_BATCH_MAX: usize = 64;

/// A way for packets to travel that the program brings: whole datagrams that may be lost, doubled
/// or overtaken, between endpoints that only it understands.
///
/// The functions run inside calls and jobs of the driver, one at a time, on the thread that makes
/// the call or runs the job; with a background pump also on its thread. They must not wait: what is
/// not there now is taken by a later call. Dropping it releases what it holds.
pub trait CustomInterface: Send + Sync {
    /// Takes an address. An invalid endpoint stands for any: a client connects without having bound
    /// the interface. Called once. Returns what the address is.
    ///
    /// # Errors
    /// Whatever the program should be told.
    fn bind(&mut self, endpoint: &NetworkEndpoint) -> Result<NetworkEndpoint>;

    /// Connection requests are welcome from here on.
    ///
    /// # Errors
    /// Whatever the program should be told.
    fn listen(&mut self) -> Result<()> {
        Ok(())
    }

    /// Fills in what has arrived, from the first place on; returns how many. When all places are
    /// filled it is called again, and otherwise with the next update or wait.
    ///
    /// # Errors
    /// Whatever the program should be told. The driver goes on, and calls it again the next time.
    fn receive(&mut self, packets: &mut [IncomingPacket]) -> Result<usize>;

    /// Sends datagrams, from the first on; returns how many it took. The others wait for the next
    /// flush, and hold their connections back meanwhile.
    ///
    /// # Errors
    /// Whatever the program should be told. The datagrams of this call are lost.
    fn send(&mut self, packets: &[OutgoingPacket<'_>]) -> Result<usize>;
}

/// A place for a datagram that has arrived.
pub struct IncomingPacket {
    endpoint: NetworkEndpoint,
    bytes: Vec<u8>,
    length: usize,
}

/// A datagram to send.
#[derive(Clone, Copy)]
pub struct OutgoingPacket<'a> {
    /// Where to.
    pub endpoint: NetworkEndpoint,
    /// All of it.
    pub data: &'a [u8],
}

impl IncomingPacket {
    fn new(size: usize) -> Self {
        Self { endpoint: NetworkEndpoint::INVALID, bytes: vec![0; size], length: 0 }
    }

    /// Puts a datagram here. False when it is longer than `max_message_size`: then an empty one is
    /// here, which the driver drops and counts.
    pub fn fill(&mut self, from: NetworkEndpoint, data: &[u8]) -> bool {
        let fits = data.len() <= self.bytes.len();
        let data = if fits { data } else { &[] };
        self.bytes[..data.len()].copy_from_slice(data);
        self.set(from, data.len());
        fits
    }

    /// Room to write a datagram to; [`set`](Self::set) says where it came from and how long it is.
    pub fn room(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// As many bytes of the room are a datagram from there; more than there are: none.
    pub fn set(&mut self, from: NetworkEndpoint, length: usize) {
        self.endpoint = from;
        self.length = if length <= self.bytes.len() { length } else { 0 };
    }
}

/// Wakes a driver from any thread: a wait that goes on, or the next one, returns at once. For
/// custom interfaces that have something to receive.
#[derive(Clone)]
pub struct DriverWaker {
    bell: Arc<Bell>,
}

impl DriverWaker {
    pub(crate) fn new(bell: &Arc<Bell>) -> Self {
        Self { bell: Arc::clone(bell) }
    }

    /// Wakes it. Cheap when it is awake.
    pub fn wake(&self) {
        self.bell.call();
    }
}

/// A datagram that waits to be sent.
struct Queued {
    remote: NetworkEndpoint,
    start: usize,
    length: usize,
}

/// One custom interface.
pub struct CustomPort {
    interface: Box<dyn CustomInterface>,
    local: NetworkEndpoint,
    places: Vec<IncomingPacket>,
    size_max: usize,
    bytes: Vec<u8>,
    queue: Vec<Queued>,
    blocked: bool,
    /// The last call filled every place, so there may be more.
    pub has_more: bool,
}

/// What one call has received.
pub struct CustomBatch {
    places: Vec<IncomingPacket>,
    count: usize,
}

impl CustomBatch {
    /// The datagrams, and where they came from.
    pub fn datagrams(&self) -> impl Iterator<Item = (NetworkEndpoint, &[u8])> {
        self.places[..self.count].iter().map(|place| (place.endpoint, &place.bytes[..place.length]))
    }
}

impl CustomPort {
    /// For datagrams of at most so many bytes. No memory for them until the first receive.
    pub fn new(interface: Box<dyn CustomInterface>, size_max: usize) -> Self {
        Self {
            interface,
            local: NetworkEndpoint::INVALID,
            places: Vec::new(),
            size_max,
            bytes: Vec::new(),
            queue: Vec::new(),
            blocked: false,
            has_more: false,
        }
    }

    /// Where it is bound.
    pub const fn local(&self) -> NetworkEndpoint {
        self.local
    }

    /// Binds it.
    pub fn bind(&mut self, endpoint: &NetworkEndpoint) -> Result<()> {
        self.local = self.interface.bind(endpoint)?;
        Ok(())
    }

    /// Lets it take connection requests.
    pub fn listen(&mut self) -> Result<()> {
        self.interface.listen()
    }

    /// Receives one batch; give it back with `put_back`.
    pub fn receive(&mut self) -> Result<CustomBatch> {
        let size = self.size_max;
        self.places.resize_with(CUSTOM_BATCH_MAX, || IncomingPacket::new(size));
        self.has_more = false;
        let count = self.interface.receive(&mut self.places)?;
        if count > self.places.len() {
            let text = format!(
                "a custom interface says that it received {count} of {CUSTOM_BATCH_MAX} packets"
            );
            return Err(Error::new(Status::NetworkSocketError, text));
        }
        self.has_more = count == self.places.len();
        Ok(CustomBatch { places: std::mem::take(&mut self.places), count })
    }

    /// Gives the memory of a batch back.
    pub fn put_back(&mut self, batch: CustomBatch) {
        self.places = batch.places;
    }

    /// Queues a datagram made of two parts. False when too much waits already.
    pub fn queue(&mut self, remote: NetworkEndpoint, head: &[u8], body: &[u8]) -> bool {
        let start = self.bytes.len();
        let length = head.len() + body.len();
        if !self.has_room(length) {
            return false;
        }
        self.bytes.extend_from_slice(head);
        self.bytes.extend_from_slice(body);
        self.queue.push(Queued { remote, start, length });
        true
    }

    /// May so many bytes be queued?
    pub const fn has_room(&self, bytes: usize) -> bool {
        self.bytes.len() + bytes <= BATCH_BYTES_MAX
    }

    /// Bytes that wait to be sent.
    pub const fn queued_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Did the last flush leave something behind?
    pub const fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Is there something to send?
    pub const fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Sends what waits; what it does not take now stays for the next time.
    pub fn flush(&mut self) -> Result<()> {
        let mut sent = 0;
        let mut outcome = Ok(());
        while sent < self.queue.len() {
            let count = (self.queue.len() - sent).min(CUSTOM_BATCH_MAX);
            let packets: [OutgoingPacket<'_>; CUSTOM_BATCH_MAX] = std::array::from_fn(|place| {
                // Places beyond the count repeat the last datagram and are not sent.
                let queued = &self.queue[sent + place.min(count - 1)];
                let data = &self.bytes[queued.start..queued.start + queued.length];
                OutgoingPacket { endpoint: queued.remote, data }
            });
            match self.interface.send(&packets[..count]) {
                Ok(taken) => {
                    sent += taken.min(count);
                    if taken < count {
                        break;
                    }
                }
                Err(error) => {
                    outcome = Err(error);
                    sent += count;
                }
            }
        }
        self.forget(sent);
        self.blocked = self.has_queued();
        outcome
    }

    fn forget(&mut self, sent: usize) {
        let start = self.queue.get(sent).map_or(self.bytes.len(), |next| next.start);
        self.queue.drain(..sent);
        self.bytes.drain(..start);
        for queued in &mut self.queue {
            queued.start -= start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many datagrams, then no more.
    struct Narrow {
        room: usize,
        fails: bool,
        sent: Arc<parking_lot::Mutex<Vec<Vec<u8>>>>,
    }

    impl CustomInterface for Narrow {
        fn bind(&mut self, endpoint: &NetworkEndpoint) -> Result<NetworkEndpoint> {
            Ok(*endpoint)
        }

        fn receive(&mut self, packets: &mut [IncomingPacket]) -> Result<usize> {
            let long = packets[0].fill(NetworkEndpoint::loopback_ipv4(1), &[1; 101]);
            let fits = packets[1].fill(NetworkEndpoint::loopback_ipv4(2), &[2; 100]);
            packets[2].set(NetworkEndpoint::loopback_ipv4(3), 5000);
            assert!(!long && fits);
            if self.fails { Ok(65) } else { Ok(3) }
        }

        fn send(&mut self, packets: &[OutgoingPacket<'_>]) -> Result<usize> {
            if std::mem::take(&mut self.fails) {
                return Err(Error::argument("no"));
            }
            let taken = packets.len().min(self.room);
            self.room -= taken;
            self.sent.lock().extend(packets[..taken].iter().map(|packet| packet.data.to_vec()));
            Ok(taken)
        }
    }

    fn port(room: usize, fails: bool) -> (CustomPort, Arc<parking_lot::Mutex<Vec<Vec<u8>>>>) {
        let sent = Arc::default();
        let narrow = Narrow { room, fails, sent: Arc::clone(&sent) };
        (CustomPort::new(Box::new(narrow), 100), sent)
    }

    #[test]
    fn what_is_not_taken_waits_in_order() {
        let (mut port, sent) = port(70, false);
        for number in 0..100_u8 {
            assert!(port.queue(NetworkEndpoint::INVALID, &[number], &[number; 3]));
        }
        port.flush().expect("takes some");
        assert_eq!((port.queue.len(), sent.lock().len()), (30, 70));
        assert_eq!(port.queue[0].start, 0);
        port.flush().expect("takes none");
        assert_eq!((port.queue.len(), port.bytes.len()), (30, 120));
        assert!(sent.lock().iter().enumerate().all(|(at, bytes)| *bytes == [at as u8; 4]));
    }

    #[test]
    fn what_a_failing_send_was_given_is_lost_and_the_rest_leaves() {
        let (mut port, sent) = port(1000, true);
        for number in 0..70_u8 {
            port.queue(NetworkEndpoint::INVALID, &[], &[number]);
        }
        assert!(port.flush().is_err() && !port.has_queued() && port.bytes.is_empty());
        assert_eq!(sent.lock().concat(), (64..70).collect::<Vec<u8>>());
    }

    #[test]
    fn what_is_too_long_is_received_as_nothing() {
        let (mut port, _) = port(0, false);
        let batch = port.receive().expect("receives");
        let lengths: Vec<usize> = batch.datagrams().map(|(_, data)| data.len()).collect();
        assert_eq!(lengths, [0, 100, 0]);
        port.put_back(batch);
        assert!(!port.has_more && port.places.len() == CUSTOM_BATCH_MAX);
    }

    #[test]
    fn more_packets_than_places_are_an_error() {
        let (mut port, _) = port(0, true);
        assert!(port.receive().is_err());
        assert!(port.receive().is_err(), "and again, with the same memory");
    }
}
