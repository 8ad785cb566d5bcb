//! The Fragmentation stage: numbers packets, and puts a message together from those that follow
//! each other. It tolerates no reordering, as Unity Transport's does not, and never delivers a
//! message that is not whole.
//!
//! Header: u16 little endian, a sequence number of 14 bits and the flags Last and First.

use super::PacketError;
use super::statistics::FragmentationStatistics;

/// Bytes of the header.
pub const HEADER_SIZE: usize = 2;
/// Packets that one message may become: with more, its numbers would repeat.
pub const FRAGMENTS_MAX: usize = 16383;
/// Memory of a message that is kept for a much shorter one.
const KEPT_MAX: usize = 64 * 1024;
const SEQUENCE_MASK: u16 = 0x3fff;
const FLAG_LAST: u16 = 0x4000;
const FLAG_FIRST: u16 = 0x8000;

/// The header of one packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// 0 to 16383, one more for each packet.
    pub sequence: u16,
    /// A message begins.
    pub first: bool,
    /// It ends.
    pub last: bool,
}

impl Header {
    /// The header on the wire.
    #[must_use]
    pub fn to_bytes(self) -> [u8; HEADER_SIZE] {
        let mut word = self.sequence & SEQUENCE_MASK;
        if self.first {
            word |= FLAG_FIRST;
        }
        if self.last {
            word |= FLAG_LAST;
        }
        word.to_le_bytes()
    }

    /// Splits a packet into header and data.
    ///
    /// # Errors
    /// It has fewer than two bytes.
    pub fn parse(packet: &[u8]) -> Result<(Self, &[u8]), PacketError> {
        let (&word, data) = packet.split_first_chunk().ok_or(PacketError::TooShort)?;
        let word = u16::from_le_bytes(word);
        let header = Self {
            sequence: word & SEQUENCE_MASK,
            first: word & FLAG_FIRST != 0,
            last: word & FLAG_LAST != 0,
        };
        Ok((header, data))
    }
}

/// Packets that a message of `size` bytes becomes, with at most `chunk` bytes in each; `None` when
/// they are too many to be numbered.
pub fn fragments(size: usize, chunk: usize) -> Option<usize> {
    if size <= chunk {
        return Some(1);
    }
    if chunk == 0 {
        return None;
    }
    let count = size.div_ceil(chunk);
    (count <= FRAGMENTS_MAX).then_some(count)
}

/// Both directions of one connection.
#[derive(Debug)]
pub struct Fragmentation {
    /// Largest message that is sent.
    payload_capacity: usize,
    /// Largest message that is put together: that, and the headers of the stages before.
    assembly_max: usize,
    next_sequence: u16,
    assembly: Assembly,
    statistics: FragmentationStatistics,
}

/// The message whose packets are arriving.
#[derive(Debug, Default)]
struct Assembly {
    open: bool,
    bytes: Vec<u8>,
    first_sequence: u16,
    first_size: usize,
    next_sequence: u16,
}

impl Fragmentation {
    /// `headers_before`: bytes that the stages before it add at most.
    pub fn new(payload_capacity: usize, headers_before: usize) -> Self {
        Self {
            payload_capacity,
            assembly_max: payload_capacity + headers_before,
            next_sequence: 0,
            assembly: Assembly::default(),
            statistics: FragmentationStatistics::default(),
        }
    }

    pub fn payload_capacity(&self) -> usize {
        self.payload_capacity
    }

    /// Largest packet that the stages before may hand on.
    pub fn assembly_max(&self) -> usize {
        self.assembly_max
    }

    pub fn statistics(&self) -> FragmentationStatistics {
        self.statistics
    }

    /// The header of the next packet that leaves.
    pub fn next_header(&mut self, first: bool, last: bool) -> [u8; HEADER_SIZE] {
        let sequence = self.next_sequence;
        self.next_sequence = (sequence + 1) & SEQUENCE_MASK;
        self.statistics.packets_sent += 1;
        if first {
            self.statistics.messages_sent += 1;
        }
        Header { sequence, first, last }.to_bytes()
    }

    /// A packet has arrived: gives the message that it completes.
    pub fn handle_packet<'a>(
        &'a mut self,
        packet: &'a [u8],
    ) -> Result<Option<&'a [u8]>, PacketError> {
        let (header, data) = Header::parse(packet)?;
        self.statistics.packets_received += 1;
        if header.first && self.assembly.repeats_first(header, data) {
            self.statistics.packets_dropped += 1;
            return Ok(None);
        }
        if header.first {
            self.give_up();
            if header.last && data.len() <= self.assembly_max {
                self.statistics.messages_received += 1;
                return Ok(Some(data));
            }
            self.assembly.begin(header.sequence, data.len());
        } else if self.assembly.has(header.sequence) {
            self.statistics.packets_dropped += 1;
            return Ok(None);
        } else if !self.assembly.open || header.sequence != self.assembly.next_sequence {
            self.statistics.packets_dropped += 1;
            self.give_up();
            return Ok(None);
        }
        if data.len() > self.assembly_max - self.assembly.bytes.len() {
            self.statistics.packets_dropped += 1;
            self.give_up();
            return Ok(None);
        }
        self.assembly.bytes.extend_from_slice(data);
        self.assembly.next_sequence = (header.sequence + 1) & SEQUENCE_MASK;
        if !header.last {
            return Ok(None);
        }
        self.assembly.open = false;
        self.statistics.messages_received += 1;
        Ok(Some(&self.assembly.bytes))
    }

    fn give_up(&mut self) {
        if self.assembly.open {
            self.assembly.open = false;
            self.statistics.messages_dropped += 1;
        }
    }
}

impl Assembly {
    fn begin(&mut self, sequence: u16, size: usize) {
        if self.bytes.capacity() > KEPT_MAX && self.bytes.len() < self.bytes.capacity() / 4 {
            self.bytes.shrink_to(KEPT_MAX);
        }
        self.bytes.clear();
        self.open = true;
        self.first_sequence = sequence;
        self.first_size = size;
    }

    /// The network made a copy of the packet that began this message. Its content is compared
    /// too, because numbers come back after 16384 packets.
    fn repeats_first(&self, header: Header, data: &[u8]) -> bool {
        self.open
            && !header.last
            && header.sequence == self.first_sequence
            && self.bytes.get(..self.first_size) == Some(data)
    }

    /// The packet with this number is in the message already.
    fn has(&self, sequence: u16) -> bool {
        let from_first = |number: u16| number.wrapping_sub(self.first_sequence) & SEQUENCE_MASK;
        self.open && from_first(sequence) < from_first(self.next_sequence)
    }
}
