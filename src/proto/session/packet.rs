//! The header of a session packet, and how truncated numbers grow back.
//!
//! A type byte that Unity Transport's protocol does not know, the connection's token, and the low
//! 16 or 32 bits of the packet number. Frames follow (`frame.rs`).

/// Type of a packet with 16 bits of packet number.
pub const TYPE_SHORT: u8 = 0x10;
/// Type of a packet with 32 bits of packet number.
pub const TYPE_LONG: u8 = 0x11;
/// Bytes of a token, as in the connection protocol.
pub const TOKEN_SIZE: usize = 8;
/// Bytes in front of the frames of a short packet.
pub const SHORT_HEADER_SIZE: usize = 1 + TOKEN_SIZE + 2;
/// Bytes in front of the frames of a long packet.
pub const LONG_HEADER_SIZE: usize = 1 + TOKEN_SIZE + 4;
/// Packets without an acknowledgement from which on the long form is needed: with fewer, 16 bits
/// are never ambiguous.
const SHORT_DISTANCE_MAX: u64 = 1 << 14;

/// A packet's header and its frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    /// Names the connection.
    pub token: [u8; TOKEN_SIZE],
    /// The low bits of the packet number.
    pub truncated: u32,
    /// How many there are: 16 or 32.
    pub bits: u32,
    /// What follows the header; perhaps nothing.
    pub frames: &'a [u8],
}

/// Could this datagram be a session packet? Its first byte says so.
#[must_use]
pub fn is_session(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(&(TYPE_SHORT | TYPE_LONG)))
}

/// Reads a header; `None` when the datagram is no whole session packet.
#[must_use]
pub fn parse(datagram: &[u8]) -> Option<Packet<'_>> {
    let (&kind, rest) = datagram.split_first()?;
    let (&token, rest) = rest.split_first_chunk()?;
    match kind {
        TYPE_SHORT => {
            let (&number, frames) = rest.split_first_chunk()?;
            let truncated = u32::from(u16::from_le_bytes(number));
            Some(Packet { token, truncated, bits: 16, frames })
        }
        TYPE_LONG => {
            let (&number, frames) = rest.split_first_chunk()?;
            Some(Packet { token, truncated: u32::from_le_bytes(number), bits: 32, frames })
        }
        _ => None,
    }
}

/// Appends the header of packet `number`, in the shorter form that the peer cannot mistake when
/// it may not know of any packet from `unacknowledged` on.
#[inline]
pub fn write_header(out: &mut Vec<u8>, token: [u8; TOKEN_SIZE], number: u64, unacknowledged: u64) {
    if number.saturating_sub(unacknowledged) < SHORT_DISTANCE_MAX {
        let mut head = [TYPE_SHORT; SHORT_HEADER_SIZE];
        head[1..=TOKEN_SIZE].copy_from_slice(&token);
        head[1 + TOKEN_SIZE..].copy_from_slice(&(number as u16).to_le_bytes());
        out.extend_from_slice(&head);
    } else {
        let mut head = [TYPE_LONG; LONG_HEADER_SIZE];
        head[1..=TOKEN_SIZE].copy_from_slice(&token);
        head[1 + TOKEN_SIZE..].copy_from_slice(&(number as u32).to_le_bytes());
        out.extend_from_slice(&head);
    }
}

/// The number nearest to `expected` whose low `bits` bits (below 64) are `truncated`
/// (RFC 9000 appendix A.3).
#[must_use]
pub const fn expand(truncated: u32, bits: u32, expected: u64) -> u64 {
    let window = 1u64 << bits;
    let half = window / 2;
    let candidate = (expected & !(window - 1)) | truncated as u64;
    if candidate + half <= expected && candidate < u64::MAX - window {
        candidate + window
    } else if candidate > expected + half && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: [u8; 8] = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];

    #[test]
    fn golden_bytes_of_both_headers() {
        let mut out = Vec::new();
        write_header(&mut out, TOKEN, 0x0001_2345, 0x0001_2340);
        assert_eq!(out, [0x10, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x45, 0x23]);
        out.clear();
        write_header(&mut out, TOKEN, 0x0001_2345, 0);
        let long = [0x11, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x45, 0x23, 0x01, 0x00];
        assert_eq!(out, long);
        let packet = parse(&long).expect("is one");
        assert_eq!((packet.truncated, packet.bits, packet.frames), (0x0001_2345, 32, &[][..]));
    }

    #[test]
    fn what_is_cut_short_or_of_another_type_is_no_session_packet() {
        let mut out = Vec::new();
        write_header(&mut out, TOKEN, 7, 7);
        for length in 0..out.len() {
            assert_eq!(parse(&out[..length]), None);
        }
        assert!(parse(&out).is_some() && is_session(&out));
        out[0] = 0x12;
        assert!(parse(&out).is_none() && !is_session(&out) && !is_session(&[]));
    }

    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(expand(0x9b32, 16, 0xa82f_30ea + 1), 0xa82f_9b32);
    }

    proptest! {
        #[test]
        fn numbers_near_the_expected_one_grow_back(
            expected in 0u64..1 << 60,
            step in 0i64..60_000,
        ) {
            let number = expected.saturating_add_signed(step - 30_000);
            prop_assert_eq!(expand(number as u32 & 0xffff, 16, expected), number);
            prop_assert_eq!(expand(number as u32, 32, expected), number);
        }

        #[test]
        fn what_is_written_is_read_back(number: u64, distance in 0u64..100_000, frames: Vec<u8>) {
            let number = number >> 4;
            let mut out = Vec::new();
            write_header(&mut out, TOKEN, number, number.saturating_sub(distance));
            out.extend_from_slice(&frames);
            let packet = parse(&out).expect("is one");
            prop_assert_eq!(packet.token, TOKEN);
            prop_assert_eq!(packet.frames, &frames[..]);
            let newest = number.saturating_sub(distance);
            prop_assert_eq!(expand(packet.truncated, packet.bits, newest), number);
        }
    }
}
