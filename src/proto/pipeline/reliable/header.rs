//! The header of the ReliableSequenced stage, byte by byte.
//!
//! | offset | field |
//! |---|---|
//! | 0 | u8 type: 1 acknowledges only, anything else carries a payload |
//! | 1 | u8 bytes of the mask; 0 when the window is 64 or less |
//! | 2 | u16 processing time in milliseconds |
//! | 4 | u16 sequence number; 0 in one that acknowledges only |
//! | 6 | u16 newest sequence number that has arrived |
//! | 8 | mask: bit i says whether the packet i below that one has arrived |

use crate::proto::pipeline::PacketError;

/// Bytes in front of the mask.
pub const FIXED_SIZE: usize = 8;
/// Bytes of the longest mask.
pub const MASK_SIZE_MAX: usize = 255;
/// Bytes of the longest header.
pub const SIZE_MAX: usize = FIXED_SIZE + MASK_SIZE_MAX;
/// Bytes of the header of a window of 64 or less, at most.
pub const SHORT_SIZE_MAX: usize = FIXED_SIZE + 8;
/// What stands behind the header of a packet that only acknowledges: a byte without meaning.
pub const ACK_PAYLOAD: [u8; 1] = [0];

const TYPE_PAYLOAD: u8 = 0;
const TYPE_ACK: u8 = 1;
/// The longest window whose mask has four bytes.
const WINDOW_OF_4: usize = 32;
/// The longest window whose mask has eight bytes.
const WINDOW_OF_8: usize = 64;

/// What a packet is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It carries a payload, and acknowledges.
    Payload,
    /// It only acknowledges.
    Ack,
}

/// One header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header<'a> {
    /// What the packet is for.
    pub kind: Kind,
    /// Milliseconds between the arrival of `acked` and this packet.
    pub processing_time: u16,
    /// The packet's own number.
    pub sequence: u16,
    /// The newest number that has arrived; 65535 before the first.
    pub acked: u16,
    /// Bit i, from the lowest of the first byte on: `acked - i` has arrived. Bytes that are not
    /// there count as all ones.
    pub mask: &'a [u8],
}

/// Bytes of a fixed mask; `None` when the window is so large that the header says it.
const fn fixed_mask(window: usize) -> Option<usize> {
    if window <= WINDOW_OF_4 {
        Some(4)
    } else if window <= WINDOW_OF_8 {
        Some(8)
    } else {
        None
    }
}

/// Bytes of the mask that covers a window.
#[must_use]
pub const fn mask_size(window: usize) -> usize {
    match fixed_mask(window) {
        Some(size) => size,
        None => window.div_ceil(8),
    }
}

/// Bytes of the longest header with this window.
#[must_use]
pub const fn size_max(window: usize) -> usize {
    FIXED_SIZE + mask_size(window)
}

/// The bytes of a header of a packet with a payload, where the window is 64 or less; those behind
/// the shorter one do not leave.
pub type ShortHeader = [u8; SHORT_SIZE_MAX];

/// What such a header says of packets that have arrived.
#[derive(Clone, Copy, Debug)]
pub struct News {
    /// Its fixed part without the sequence number.
    fixed: u64,
    mask: u64,
}

impl News {
    /// Bit i of the mask says whether the packet i below `acked` has arrived.
    pub const fn new(processing_time: u16, acked: u16, mask: u64) -> Self {
        let fixed = TYPE_PAYLOAD as u64 | (processing_time as u64) << 16 | (acked as u64) << 48;
        Self { fixed, mask }
    }

    /// The header of a packet that says it.
    #[inline(always)]
    #[must_use]
    pub fn header(&self, sequence: u16) -> ShortHeader {
        let fixed = self.fixed | u64::from(sequence) << 32;
        let mut bytes = [0; SHORT_SIZE_MAX];
        bytes[..FIXED_SIZE].copy_from_slice(&fixed.to_le_bytes());
        bytes[FIXED_SIZE..].copy_from_slice(&self.mask.to_le_bytes());
        bytes
    }
}

impl<'a> Header<'a> {
    /// Splits a packet into header and payload.
    ///
    /// # Errors
    /// It is too short, or of another window class.
    pub fn parse(packet: &'a [u8], window: usize) -> Result<(Self, &'a [u8]), PacketError> {
        let (&[kind, length, t0, t1, s0, s1, a0, a1], rest) =
            packet.split_first_chunk::<FIXED_SIZE>().ok_or(PacketError::TooShort)?;
        let size = match (fixed_mask(window), length) {
            (Some(size), 0) => size,
            (None, 1..) => usize::from(length),
            _ => return Err(PacketError::WindowClass),
        };
        let (mask, payload) = rest.split_at_checked(size).ok_or(PacketError::TooShort)?;
        let header = Self {
            kind: if kind == TYPE_ACK { Kind::Ack } else { Kind::Payload },
            processing_time: u16::from_le_bytes([t0, t1]),
            sequence: u16::from_le_bytes([s0, s1]),
            acked: u16::from_le_bytes([a0, a1]),
            mask,
        };
        Ok((header, payload))
    }

    /// Writes the header to the start of `bytes`; returns how many bytes it has.
    pub fn write(&self, bytes: &mut [u8; SIZE_MAX], window: usize) -> usize {
        let length = if fixed_mask(window).is_some() { 0 } else { self.mask.len() as u8 };
        bytes[0] = if self.kind == Kind::Ack { TYPE_ACK } else { TYPE_PAYLOAD };
        bytes[1] = length;
        bytes[2..4].copy_from_slice(&self.processing_time.to_le_bytes());
        bytes[4..6].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[6..8].copy_from_slice(&self.acked.to_le_bytes());
        let size = FIXED_SIZE + self.mask.len();
        bytes[FIXED_SIZE..size].copy_from_slice(self.mask);
        size
    }

    /// Whether the packet `distance` below `acked` has arrived.
    #[must_use]
    pub fn has(&self, distance: usize) -> bool {
        self.mask.get(distance / 8).is_none_or(|byte| byte & (1 << (distance % 8)) != 0)
    }
}
