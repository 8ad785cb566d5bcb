//! UDP sockets: datagrams in and out in batches.
//!
//! `quinn-udp` does the system calls (recvmmsg and GRO in, GSO out, where the system has them).
//! Nothing here knows what a datagram means.
#![cfg_attr(windows, allow(clippy::useless_conversion, reason = "others wrap the socket"))]

use std::hint::cold_path;
use std::io;
use std::net::SocketAddr;

use quinn_udp::Transmit;
#[cfg(not(windows))]
use quinn_udp::UdpSocketState;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::tail::Tail;
use super::udp_batch::ReceiveBatch;
use super::udp_health::{Health, is_broken};
#[cfg(windows)]
use super::udp_windows::UdpSocketState;

/// Bytes asked of the system for the socket's own buffers, each way.
const SOCKET_BUFFER_SIZE: usize = 4 << 20;
/// Bytes that wait in one socket's batch before sends are refused.
pub const BATCH_BYTES_MAX: usize = 64 << 20;
/// Room that a socket's batch begins with: more than a flush of a few connections needs.
const BATCH_BYTES_INITIAL: usize = 16 << 10;
/// Bytes that one GSO send may carry.
const GSO_BYTES_MAX: usize = 65_000;

/// A datagram that waits to be sent.
pub struct Queued {
    /// To whom.
    pub remote: SocketAddr,
    start: usize,
    length: usize,
}

impl Queued {
    /// What it holds, of the bytes of all.
    #[inline(always)]
    pub fn bytes<'a>(&self, all: &'a [u8]) -> &'a [u8] {
        &all[self.start..self.start + self.length]
    }

    /// May the next datagram follow this one in a run?
    #[inline(always)]
    fn is_followed_by(&self, next: &Self) -> bool {
        next.remote == self.remote && next.length != 0 && next.length <= self.length
    }
}

/// A bound UDP socket.
pub struct UdpSocket {
    socket: mio::net::UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    /// No packet may be split on its way.
    whole: bool,
    /// What is known of its failures.
    pub(super) health: Health,
    bytes: Tail,
    queue: Vec<Queued>,
    #[cfg(target_os = "linux")]
    addresses: super::send_many::Addresses,
    /// The system may have something for us.
    pub readable: bool,
    /// The system may take something from us.
    pub writable: bool,
    /// The system has been asked to report room.
    pub watched: bool,
}

impl UdpSocket {
    /// Binds to an address; port 0 lets the system choose. With `whole` no packet may be split on
    /// its way, so that one that is too long is lost and its sender finds out.
    pub fn bind(address: SocketAddr, whole: bool) -> io::Result<Self> {
        let socket = unbound(address)?;
        let (state, local) = take_address(&socket, address, whole)?;
        Ok(Self {
            socket,
            state,
            local,
            whole,
            health: Health::default(),
            bytes: Tail::with_capacity(BATCH_BYTES_INITIAL),
            queue: Vec::new(),
            #[cfg(target_os = "linux")]
            addresses: super::send_many::Addresses::default(),
            readable: true,
            writable: true,
            watched: false,
        })
    }

    /// Closes the system's socket and takes its port again with another one; what waits to be sent
    /// stays. When that fails there is none, and it must be tried again before anything else.
    pub(super) fn remake(&mut self) -> io::Result<()> {
        // The old one is closed here, which gives its port back.
        self.socket = unbound(self.local)?;
        (self.state, _) = take_address(&self.socket, self.local, self.whole)?;
        (self.readable, self.writable, self.watched) = (true, true, false);
        Ok(())
    }

    /// The address that it is bound to.
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// For registration with the poll.
    pub const fn source(&mut self) -> &mut mio::net::UdpSocket {
        &mut self.socket
    }

    /// Receives one batch. False when nothing was there.
    pub fn receive(&mut self, batch: &mut ReceiveBatch) -> io::Result<bool> {
        batch.clear();
        #[cfg(test)]
        self.health.fail()?;
        let (mut buffers, meta) = batch.offer();
        let offered = meta.len();
        match self.state.recv((&self.socket).into(), &mut buffers[..offered], meta) {
            Ok(count) => {
                batch.handle_received(count);
                self.health.pass();
                // A batch that is not full has drained the socket, and the poll reports what
                // comes later, except on Windows, where only a refused receive arms it again.
                self.readable = count == offered || cfg!(windows);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(false)
            }
            // An ICMP error of an earlier send; it says nothing about what else waits here.
            Err(error) if is_transient(&error) => Ok(true),
            Err(error) => {
                self.readable = false;
                Err(error)
            }
        }
    }

    /// Queues a datagram made of two parts. False when too much waits already.
    #[inline(always)]
    pub fn queue(&mut self, remote: SocketAddr, head: &[u8], body: &[u8]) -> bool {
        if !self.has_room(head.len() + body.len()) {
            return false;
        }
        let start = self.bytes.len();
        self.bytes.append(head, body);
        self.queue.push(Queued { remote, start, length: head.len() + body.len() });
        true
    }

    /// Queues a datagram of the first `size` bytes of a head, and a body. There must be
    /// [room](Self::has_room).
    #[inline(always)]
    pub fn queue_cut<const N: usize>(
        &mut self,
        remote: &SocketAddr,
        head: &[u8; N],
        size: usize,
        body: &[u8],
    ) {
        let start = self.bytes.len();
        self.bytes.append_cut(head, size, body);
        self.make_place();
        self.queue.push(Queued { remote: *remote, start, length: size + body.len() });
    }

    /// The same with a head that is made where it lies.
    #[inline(always)]
    pub fn queue_made<const N: usize>(
        &mut self,
        remote: &SocketAddr,
        head: impl FnOnce() -> [u8; N],
        body: &[u8],
    ) -> bool {
        let (start, length) = (self.bytes.len(), N + body.len());
        if !self.has_room(length) {
            cold_path();
            return false;
        }
        self.bytes.append_made(head, body);
        self.make_place();
        self.queue.push(Queued { remote: *remote, start, length });
        true
    }

    /// Has room for one datagram more in the queue, so that its address is not copied twice.
    #[inline(always)]
    fn make_place(&mut self) {
        if self.queue.len() == self.queue.capacity() {
            cold_path();
            self.queue.reserve(1);
        }
    }

    /// May so many bytes be queued?
    #[inline]
    pub const fn has_room(&self, bytes: usize) -> bool {
        self.bytes.len() + bytes <= BATCH_BYTES_MAX
    }

    /// The same when what follows the head lies in two parts.
    #[inline(always)]
    pub fn queue_parts<const N: usize>(
        &mut self,
        remote: &SocketAddr,
        head: [u8; N],
        [body, rest]: [&[u8]; 2],
    ) -> bool {
        if rest.is_empty() {
            return self.queue_made(remote, || head, body);
        }
        cold_path();
        self.queue(*remote, &[&head, body].concat(), rest)
    }

    /// Queues a datagram that `write` appends. False when it appended none, or too much waits.
    pub fn queue_with(
        &mut self,
        remote: SocketAddr,
        write: impl FnOnce(&mut Vec<u8>) -> bool,
    ) -> bool {
        let start = self.bytes.len();
        if start >= BATCH_BYTES_MAX || !self.bytes.append_with(write) {
            return false;
        }
        self.queue.push(Queued { remote, start, length: self.bytes.len() - start });
        true
    }

    /// Bytes that wait to be sent.
    pub const fn queued_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Is there something to send?
    pub const fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Sends what waits; what the system does not take now stays for the next time.
    /// Returns how many datagrams left.
    pub fn flush(&mut self) -> io::Result<u64> {
        let (mut sent, mut left) = (0, 0);
        let mut outcome = Ok(());
        while sent < self.queue.len() {
            let segments_max = self.state.max_gso_segments();
            match self.send_from(sent) {
                Ok(count) => {
                    sent += count;
                    left += count as u64;
                    self.health.pass();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.writable = false;
                    break;
                }
                // The system has just turned out to know no GSO: the same once more, one by one.
                Err(_) if self.state.max_gso_segments() < segments_max => {}
                // That destination cannot be reached now; a datagram may always be lost.
                Err(error) if is_unreachable(&error) => sent += 1,
                // What waits may leave by another socket.
                Err(error) if is_broken(&error) => {
                    outcome = Err(error);
                    break;
                }
                Err(error) => {
                    outcome = Err(error);
                    sent += 1;
                }
            }
        }
        self.forget(sent);
        outcome.map(|()| left)
    }

    /// What waits is lost.
    pub(super) fn forget_all(&mut self) {
        self.forget(self.queue.len());
    }

    /// Sends as many datagrams from `first` on as one call takes; returns how many.
    fn send_from(&mut self, first: usize) -> io::Result<usize> {
        #[cfg(test)]
        self.health.fail()?;
        if !self.begins_run(first) {
            return self.send_singles(first);
        }
        let run = self.run_at(first);
        let (head, last) = (&self.queue[first], &self.queue[first + run - 1]);
        self.transmit(head, &self.bytes[head.start..last.start + last.length])?;
        Ok(run)
    }

    /// How many datagrams from `first` on are to one peer and of one length, but for the last, that
    /// may be shorter: the system cuts them out of one block (GSO).
    fn run_at(&self, first: usize) -> usize {
        let segments_max = self.state.max_gso_segments();
        let head = &self.queue[first];
        let fits = (GSO_BYTES_MAX / head.length.max(1)).clamp(1, segments_max);
        let mut run = 1;
        for next in self.queue[first + 1..].iter().take(fits - 1) {
            if !head.is_followed_by(next) {
                break;
            }
            run += 1;
            if next.length < head.length {
                break;
            }
        }
        run
    }

    /// Are there several?
    #[inline(always)]
    fn begins_run(&self, first: usize) -> bool {
        let [head, next, ..] = &self.queue[first..] else { return false };
        head.is_followed_by(next)
            && 2 * head.length <= GSO_BYTES_MAX
            && self.state.max_gso_segments() > 1
    }

    /// Sends datagrams to different peers.
    #[cfg(target_os = "linux")]
    fn send_singles(&mut self, first: usize) -> io::Result<usize> {
        use super::send_many::{BATCH_MAX, send_many};
        let limit = self.queue.len().min(first + BATCH_MAX);
        let mut end = first + 1;
        while end < limit && !self.begins_run(end) {
            end += 1;
        }
        if end == first + 1 {
            return self.send_single(first);
        }
        send_many(&self.socket, &self.queue[first..end], &self.bytes, &mut self.addresses)
    }

    /// Sends one datagram; this system has no call for several.
    #[cfg(not(target_os = "linux"))]
    fn send_singles(&mut self, first: usize) -> io::Result<usize> {
        self.send_single(first)
    }

    fn send_single(&self, first: usize) -> io::Result<usize> {
        let queued = &self.queue[first];
        self.transmit(queued, queued.bytes(&self.bytes))?;
        Ok(1)
    }

    fn transmit(&self, head: &Queued, contents: &[u8]) -> io::Result<()> {
        let transmit = Transmit {
            destination: head.remote,
            ecn: None,
            contents,
            segment_size: (contents.len() > head.length).then_some(head.length),
            src_ip: None,
        };
        self.state.try_send((&self.socket).into(), &transmit)
    }

    fn forget(&mut self, sent: usize) {
        if sent == self.queue.len() {
            self.queue.clear();
            self.bytes.clear();
            return;
        }
        let start = self.queue[sent].start;
        self.queue.drain(..sent);
        self.bytes.drain_front(start);
        for queued in &mut self.queue {
            queued.start -= start;
        }
    }
}

/// A socket without an address.
fn unbound(address: SocketAddr) -> io::Result<mio::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        // One socket, one family: "any IPv6" must not take the port of "any IPv4" as well.
        socket.set_only_v6(true)?;
    }
    // The system may grant less; that is a smaller buffer, not an error.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_SIZE);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER_SIZE);
    socket.set_nonblocking(true)?;
    Ok(mio::net::UdpSocket::from_std(socket.into()))
}

/// Binds a socket and sets what only a bound one has.
fn take_address(
    socket: &mio::net::UdpSocket,
    address: SocketAddr,
    whole: bool,
) -> io::Result<(UdpSocketState, SocketAddr)> {
    SockRef::from(socket).bind(&address.into())?;
    let state = UdpSocketState::new(socket.into())?;
    let local = socket.local_addr()?;
    if !whole {
        // Where the system refuses, tunnels may swallow long messages; the socket still works.
        // Otherwise `quinn-udp` has set "don't fragment" wherever the system has it.
        let _ = allow_fragmentation(socket, local);
    }
    // Where the system refuses, each datagram only costs more.
    let _ = receive_nothing_beside(socket, local);
    Ok((state, local))
}

/// Lets routers and the system split packets that are too long for a link, as Unity Transport does:
/// without path-MTU discovery a tunnel would otherwise swallow the longest messages for good.
#[cfg(target_os = "linux")]
fn allow_fragmentation(socket: &mio::net::UdpSocket, local: SocketAddr) -> io::Result<()> {
    use rustix::net::sockopt;
    if local.is_ipv4() {
        sockopt::set_ip_mtu_discover(socket, sockopt::Ipv4PathMtuDiscovery::DONT)?;
    } else {
        sockopt::set_ipv6_mtu_discover(socket, sockopt::Ipv6PathMtuDiscovery::DONT)?;
    }
    Ok(())
}

/// Elsewhere what `quinn-udp` has chosen stays.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps, reason = "one signature for every system")]
fn allow_fragmentation(_: &mio::net::UdpSocket, _: SocketAddr) -> io::Result<()> {
    Ok(())
}

/// `quinn-udp` asks the system to say with each datagram when it came, to which address and with
/// which traffic class. Nobody here wants to know, and telling is a tenth of what receiving costs.
#[cfg(target_os = "linux")]
fn receive_nothing_beside(socket: &mio::net::UdpSocket, local: SocketAddr) -> io::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt};
    setsockopt(socket, sockopt::ReceiveTimestampns, &false)?;
    if local.is_ipv4() {
        rustix::net::sockopt::set_ip_recvtos(socket, false)?;
        setsockopt(socket, sockopt::Ipv4PacketInfo, &false)?;
    } else {
        rustix::net::sockopt::set_ipv6_recvtclass(socket, false)?;
        setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &false)?;
    }
    Ok(())
}

/// Elsewhere the system says what `quinn-udp` has asked for.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps, reason = "one signature for every system")]
fn receive_nothing_beside(_: &mio::net::UdpSocket, _: SocketAddr) -> io::Result<()> {
    Ok(())
}

/// "Message too long": Linux, the BSDs and macOS, Windows. The standard library has no name for it.
const TOO_LONG: [i32; 3] = [90, 40, 10_040];

/// Errors that concern one destination or one datagram, and not the socket.
fn is_transient(error: &io::Error) -> bool {
    if error.raw_os_error().is_some_and(|code| TOO_LONG.contains(&code)) {
        return true;
    }
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::InvalidInput
    )
}

/// The same for what is sent: the network that leads to one destination may be down while others
/// are up.
fn is_unreachable(error: &io::Error) -> bool {
    is_transient(error) || error.kind() == io::ErrorKind::NetworkDown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> UdpSocket {
        UdpSocket::bind("127.0.0.1:0".parse().expect("is an address"), false).expect("binds")
    }

    fn received(socket: &mut UdpSocket) -> Vec<Vec<u8>> {
        let mut batch = ReceiveBatch::new();
        let mut all = Vec::new();
        socket.readable = true;
        while socket.readable && socket.receive(&mut batch).expect("receives") {
            all.extend(batch.datagrams().map(|(_, datagram)| datagram.to_vec()));
        }
        all
    }

    #[test]
    fn datagrams_to_many_peers_arrive_whole_and_in_order_at_each() {
        let mut sender = local();
        let mut peers: Vec<UdpSocket> = (0..70).map(|_| local()).collect();
        let mut expected = vec![Vec::new(); peers.len()];
        // One each, then runs of equal and of different lengths to some.
        for round in 0..3_u8 {
            for (index, peer) in peers.iter().enumerate() {
                for repeat in 0..if index % 7 == 0 { 4 } else { 1 } {
                    let body = vec![round; 1 + index % 5 * usize::from(repeat)];
                    assert!(sender.queue(peer.local(), &[index as u8, repeat], &body));
                    expected[index].push([&[index as u8, repeat], &body[..]].concat());
                }
            }
        }
        let total: usize = expected.iter().map(Vec::len).sum();
        assert_eq!(sender.flush().expect("sends"), total as u64);
        assert!(!sender.has_queued());
        for (peer, expected) in peers.iter_mut().zip(&expected) {
            assert_eq!(received(peer), *expected);
        }
    }

    #[test]
    fn a_run_may_end_with_a_shorter_datagram_and_no_other() {
        let (mut sender, mut peer) = (local(), local());
        let bodies: [&[u8]; 7] = [b"aaaa", b"bbbb", b"cc", b"dddd", b"eeeeee", b"", b"f"];
        for body in bodies {
            sender.queue(peer.local(), b"", body);
        }
        if sender.state.max_gso_segments() > 1 {
            let runs: Vec<usize> = (0..bodies.len()).map(|first| sender.run_at(first)).collect();
            assert_eq!(runs, [3, 2, 1, 1, 1, 1, 1]);
        }
        assert_eq!(sender.flush().expect("sends"), bodies.len() as u64);
        assert_eq!(received(&mut peer), bodies);
    }

    #[test]
    fn a_peer_that_cannot_be_reached_costs_the_others_nothing() {
        let (mut sender, mut peer) = (local(), local());
        let nobody = "127.0.0.1:0".parse().expect("is an address");
        sender.queue(nobody, b"", b"lost");
        sender.queue(peer.local(), b"", b"arrives");
        sender.queue(nobody, b"", b"lost too");
        assert_eq!(sender.flush().expect("goes on"), 1);
        assert_eq!(received(&mut peer), [b"arrives"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn packets_stay_whole_on_request() {
        use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
        for (whole, v4, v6) in [
            (false, Ipv4PathMtuDiscovery::DONT, Ipv6PathMtuDiscovery::DONT),
            (true, Ipv4PathMtuDiscovery::PROBE, Ipv6PathMtuDiscovery::PROBE),
        ] {
            let bind = |text: &str| UdpSocket::bind(text.parse().expect("is an address"), whole);
            let socket = bind("127.0.0.1:0").expect("binds");
            assert_eq!(sockopt::ip_mtu_discover(&socket.socket).expect("is set"), v4);
            // A machine may have no IPv6.
            if let Ok(socket) = bind("[::1]:0") {
                assert_eq!(sockopt::ipv6_mtu_discover(&socket.socket).expect("is set"), v6);
            }
        }
    }

    #[test]
    fn an_empty_datagram_is_received_as_one() {
        let (mut sender, mut peer) = (local(), local());
        sender.queue(peer.local(), b"", b"");
        sender.flush().expect("sends");
        assert_eq!(received(&mut peer), [b""]);
    }
}
