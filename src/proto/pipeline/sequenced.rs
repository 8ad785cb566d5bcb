//! The UnreliableSequenced stage: a packet that was overtaken is dropped.
//!
//! Header: u16 little endian, one more for each packet.

use super::PacketError;
use super::statistics::SequencedStatistics;

/// Bytes of the header.
pub const HEADER_SIZE: usize = 2;

/// Packets that are remembered, so that a late one can be told from a copy.
const HISTORY: u16 = 64;

/// Both directions of one connection.
#[derive(Debug)]
pub struct Sequenced {
    next_sequence: u16,
    /// The newest packet that has arrived; 65535 before the first one.
    newest: u16,
    /// Bit i: the packet `newest - i` has arrived, or is none that was sent.
    arrived: u64,
    statistics: SequencedStatistics,
}

impl Default for Sequenced {
    fn default() -> Self {
        let statistics = SequencedStatistics::default();
        Self { next_sequence: 0, newest: u16::MAX, arrived: u64::MAX, statistics }
    }
}

/// Whether `number` comes after `than`, where numbers wrap. At half the range apart, the smaller
/// one comes later, as in Unity Transport.
#[must_use]
pub const fn is_newer(number: u16, than: u16) -> bool {
    let distance = number.wrapping_sub(than);
    match distance {
        0 => false,
        0x8000 => number < than,
        _ => distance < 0x8000,
    }
}

impl Sequenced {
    pub fn statistics(&self) -> SequencedStatistics {
        self.statistics
    }

    /// The header of the next packet that leaves.
    pub fn next_header(&mut self) -> [u8; HEADER_SIZE] {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.wrapping_add(1);
        self.statistics.packets_sent += 1;
        sequence.to_le_bytes()
    }

    /// A packet has arrived: gives its payload, unless a later one was here before.
    pub fn handle_packet<'a>(&mut self, packet: &'a [u8]) -> Result<Option<&'a [u8]>, PacketError> {
        let (&sequence, payload) = packet.split_first_chunk().ok_or(PacketError::TooShort)?;
        let sequence = u16::from_le_bytes(sequence);
        self.statistics.packets_received += 1;
        if !is_newer(sequence, self.newest) {
            self.statistics.packets_culled += 1;
            let age = self.newest.wrapping_sub(sequence);
            // It did arrive, so it is not one of those that never did. A copy changes nothing.
            if age < HISTORY && self.arrived & (1 << age) == 0 {
                self.arrived |= 1 << age;
                self.statistics.packets_dropped -= 1;
            }
            return Ok(None);
        }
        let distance = sequence.wrapping_sub(self.newest);
        self.statistics.packets_dropped += u64::from(distance - 1);
        self.arrived = self.arrived.checked_shl(u32::from(distance)).unwrap_or(0) | 1;
        self.newest = sequence;
        Ok(Some(payload))
    }
}
