//! Data packets of the UTP dialect: the one way out and the one way in, whatever the carrier and
//! the pipeline.
//!
//! What lies above speaks of a connection, a pipeline and a payload; what lies below, of links.
//! It must not look into a payload.

use bytes::Bytes;

use super::connections::Link;
use super::interfaces::layers;
use super::{ConnectionState, Event, EventKind, NetworkDriver};
use crate::proto::utp::connection::Control;
use crate::proto::utp::packet::{DATA_HEADER_SIZE, data_header};
use crate::settings::Dialect;

/// What one connection sends before, and has in no queue yet.
#[derive(Clone, Copy, Default, Debug)]
pub struct Staged {
    /// Messages.
    pub messages: usize,
    /// Packets.
    pub packets: usize,
    /// Bytes that they will have in a stream, at most.
    pub wire: usize,
}

impl Staged {
    /// Nothing.
    pub const NONE: Self = Self { messages: 0, packets: 0, wire: 0 };
}

impl NetworkDriver {
    /// May the program send `count` more packets with `bytes` bytes in all, the headers of
    /// pipelines included? What is more than the queue holds may come into an empty one.
    #[inline]
    pub(super) fn has_packet_room(&self, index: u32, count: usize, bytes: usize) -> bool {
        self.has_packet_room_behind(index, count, bytes, Staged::NONE)
    }

    /// The same, when what is staged comes before.
    #[inline(always)]
    pub(super) fn has_packet_room_behind(
        &self,
        index: u32,
        count: usize,
        bytes: usize,
        staged: Staged,
    ) -> bool {
        if let Some(room) = self.session_room_behind(index, count, staged.packets) {
            return room;
        }
        let entry = self.connections.peek(index);
        let queued = entry.queued_datagrams as usize + staged.packets;
        let fits = queued == 0 || queued + count <= self.settings.send_queue_capacity as usize;
        match entry.link {
            Link::Stream(id) => {
                let headers = self.more_headers(index, count);
                let length = DATA_HEADER_SIZE + headers + bytes;
                self.takes_message_behind(id, staged.messages)
                    && self.stream_has_room_behind(id, Dialect::Utp, length, staged.wire)
            }
            Link::Udp { socket, .. } => {
                let batch = &self.pump.udp[socket as usize];
                fits && batch.has_room(count * DATA_HEADER_SIZE + bytes)
            }
            Link::Custom { port, .. } => {
                let batch = &self.pump.custom[port as usize];
                fits && batch.has_room(count * DATA_HEADER_SIZE + bytes)
            }
            Link::Ipc { .. } | Link::None => fits,
        }
    }

    /// Bytes of the headers of so many packets: all but one come with a header of their own.
    #[inline(always)]
    pub(super) fn more_headers(&self, index: u32, count: usize) -> usize {
        if count == 1 { 0 } else { (count - 1) * self.packet_overhead(index) }
    }

    /// Bytes that the headers below pipelines add to a packet, at most.
    pub(super) fn packet_overhead(&self, index: u32) -> usize {
        let interface = self.connections.peek(index).interface;
        let kind = self.interfaces[interface as usize].settings.kind;
        layers(kind, Dialect::Utp).framing + DATA_HEADER_SIZE
    }

    /// Full packets with `size` bytes behind the pipeline byte that an empty stream's queue holds.
    pub(super) fn stream_packets_max(&self, index: u32, size: usize) -> usize {
        let entry = self.connections.peek(index);
        let kind = self.interfaces[entry.interface as usize].settings.kind;
        // A message's last packet is taken for one with the longest header that there is.
        let spare = self.wire_size(Dialect::Utp, 0) - layers(kind, Dialect::Utp).framing;
        let room = (entry.limits.outbound_bytes_max as usize).saturating_sub(spare);
        room / (self.packet_overhead(index) + size)
    }

    /// Is a link encrypted?
    pub(super) fn is_secure(&self, link: Link) -> bool {
        matches!(link, Link::Stream(id) if self.pump.has_tls(id))
    }

    /// Sends one data packet; it leaves with the next flush or update. False when it could not be
    /// queued: it is lost then, as any datagram may be.
    pub(super) fn emit_packet(&mut self, index: u32, pipeline: u8, payload: &[u8]) -> bool {
        if let Some(sent) = self.send_in_session(index, pipeline, payload) {
            return sent;
        }
        let entry = self.connections.at(index);
        let link = entry.link;
        let Some(utp) = &entry.utp else {
            return false;
        };
        let header = data_header(utp.token(), pipeline);
        let datagrams = !matches!(link, Link::Stream(_));
        let repeats = datagrams && utp.repeats_accept();
        if repeats && !std::mem::replace(&mut self.connections.at(index).accept_repeated, true) {
            self.send_control(index, Control::Accept);
        }
        let sent = self.emit(link, &header, payload);
        let now = self.now;
        let entry = self.connections.at(index);
        if sent && let Some(utp) = &mut entry.utp {
            utp.handle_sent(now);
        }
        if datagrams {
            // The flush finds it there, whether it makes room or not.
            if !std::mem::replace(&mut entry.queue_listed, true) {
                self.queued_list.push(index);
            }
            entry.queued_datagrams += u32::from(sent);
        }
        sent
    }

    /// Takes the payload of a data packet that has arrived. `whole` is the message that it lies
    /// in, when that can be kept without copying.
    pub(super) fn receive_packet(
        &mut self,
        index: u32,
        pipeline: u8,
        payload: &[u8],
        whole: Option<&Bytes>,
    ) {
        // A stream stops being read before it comes to this. Datagrams over the limit are lost
        // before a pipeline sees them: what it took it would not ask for again.
        let streamed = matches!(self.connections.at(index).link, Link::Stream(_));
        let over = !streamed && self.is_full(index);
        if over && !self.only_acknowledges(index, pipeline, payload) {
            self.connections.at(index).traffic.dropped_in += 1;
            self.statistics.dropped_in += 1;
            self.note_full_queue();
            return;
        }
        if pipeline == 0 {
            self.deliver_packet(index, 0, payload, whole);
        } else {
            self.receive_through(index, pipeline, payload, whole);
        }
    }

    /// Raises the Data event of a message that arrived in a packet.
    pub(super) fn deliver_packet(
        &mut self,
        index: u32,
        pipeline: u8,
        message: &[u8],
        whole: Option<&Bytes>,
    ) {
        let data = match whole.filter(|whole| contains(whole, message)) {
            Some(whole) => whole.slice_ref(message),
            // A datagram moves out of the batch it was received in, so that a small one does
            // not hold a large buffer.
            None if self.deliver_arrival(index, pipeline, message) => return,
            None => self.copy_arrived(message),
        };
        self.deliver(index, pipeline, data, false);
    }

    /// The same with others of its batch, to a connection that has room. False: it is in none, or
    /// there is more to be looked at.
    #[inline(always)]
    pub(super) fn deliver_arrival(&mut self, index: u32, pipeline: u8, message: &[u8]) -> bool {
        let entry = self.connections.at(index);
        if entry.state != ConnectionState::Connected || entry.is_full() {
            return false;
        }
        let event = Event::new(entry.connection(index), EventKind::Data);
        let event = Event { pipeline, first: true, last: true, ..event };
        let buffer = &mut self.pump.buffer;
        if !self.arrivals.raise(&mut self.events, buffer, entry, event, message) {
            return false;
        }
        self.count_received(index, 1, message.len() as u64);
        true
    }
}

/// Does the part lie in the memory of the whole?
fn contains(whole: &Bytes, part: &[u8]) -> bool {
    let (whole, part) = (whole.as_ptr_range(), part.as_ptr_range());
    whole.start <= part.start && part.end <= whole.end
}
