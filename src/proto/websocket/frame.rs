//! Frame headers and masking (RFC 6455 §5.2, §5.3). It must not know what a frame means to the
//! connection: order of frames, sizes and close codes are the machine's business.

/// Longest frame header: two bytes, a 64-bit length and a masking key.
pub const HEADER_SIZE_MAX: usize = 14;
/// Longest payload of a control frame (RFC 6455 §5.5).
pub const CONTROL_PAYLOAD_MAX: usize = 125;

/// What a frame carries (RFC 6455 §11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// A further fragment of the message begun earlier.
    Continuation = 0,
    /// A text message or its first fragment.
    Text = 1,
    /// A binary message or its first fragment.
    Binary = 2,
    /// Closing handshake.
    Close = 8,
    /// A question that a pong with the same payload answers.
    Ping = 9,
    /// The answer to a ping, or unasked for.
    Pong = 10,
}

impl Opcode {
    /// The opcode of this number; `None` for the reserved ones.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::Continuation),
            1 => Some(Self::Text),
            2 => Some(Self::Binary),
            8 => Some(Self::Close),
            9 => Some(Self::Ping),
            10 => Some(Self::Pong),
            _ => None,
        }
    }

    /// Whether frames of this opcode are control frames.
    #[must_use]
    pub const fn is_control(self) -> bool {
        self as u8 >= 8
    }
}

/// Why a frame header is refused, whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The length is written in more bytes than it needs.
    LengthNotMinimal,
    /// The highest bit of a 64-bit length is set.
    LengthTopBit,
    /// An opcode the protocol reserves.
    ReservedOpcode(u8),
    /// A control frame longer than [`CONTROL_PAYLOAD_MAX`].
    ControlTooLong,
    /// A control frame without FIN.
    ControlFragmented,
}

/// The fields of a header as they stand on the wire, before any rule is applied: the machine
/// needs them to judge in its own order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RawHeader {
    pub first: u8,
    /// The length in seven bits: 126 and 127 announce a longer field.
    pub short_length: u8,
    pub mask: Option<[u8; 4]>,
    pub payload_length: u64,
}

impl RawHeader {
    /// The header at the start of `input` and its size; `None` when more bytes are needed.
    pub fn parse(input: &[u8]) -> Option<(Self, usize)> {
        let (&[first, second], rest) = input.split_first_chunk::<2>()?;
        let short_length = second & 0x7f;
        let (payload_length, rest) = match short_length {
            126 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u64::from(u16::from_be_bytes(*length)), rest)
            }
            127 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*length), rest)
            }
            short => (u64::from(short), rest),
        };
        let (mask, rest) = if second & 0x80 == 0 {
            (None, rest)
        } else {
            let (key, rest) = rest.split_first_chunk()?;
            (Some(*key), rest)
        };
        let header = Self { first, short_length, mask, payload_length };
        Some((header, input.len() - rest.len()))
    }

    pub const fn fin(&self) -> bool {
        self.first & 0x80 != 0
    }

    pub const fn rsv(&self) -> u8 {
        self.first >> 4 & 7
    }

    pub const fn opcode_bits(&self) -> u8 {
        self.first & 0x0f
    }

    pub const fn is_control(&self) -> bool {
        self.first & 8 != 0
    }

    /// RFC 6455 §5.2: the shortest form only, and at most 63 bits.
    pub const fn check_length(&self) -> Result<(), FrameError> {
        match self.short_length {
            126 if self.payload_length < 126 => Err(FrameError::LengthNotMinimal),
            127 if self.payload_length <= 0xffff => Err(FrameError::LengthNotMinimal),
            127 if self.payload_length >> 63 != 0 => Err(FrameError::LengthTopBit),
            _ => Ok(()),
        }
    }

    /// Every rule that needs nothing but the header.
    pub fn check(&self) -> Result<FrameHeader, FrameError> {
        self.check_length()?;
        let bits = self.opcode_bits();
        let opcode = Opcode::from_bits(bits).ok_or(FrameError::ReservedOpcode(bits))?;
        if opcode.is_control() && !self.fin() {
            return Err(FrameError::ControlFragmented);
        }
        if opcode.is_control() && self.payload_length > CONTROL_PAYLOAD_MAX as u64 {
            return Err(FrameError::ControlTooLong);
        }
        Ok(FrameHeader {
            fin: self.fin(),
            rsv: self.rsv(),
            opcode,
            mask: self.mask,
            payload_length: self.payload_length,
        })
    }
}

/// A frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Last (or only) fragment of a message.
    pub fin: bool,
    /// The three reserved bits, 0 to 7.
    pub rsv: u8,
    /// What the frame carries.
    pub opcode: Opcode,
    /// The masking key, when the payload is masked.
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload after the header.
    pub payload_length: u64,
}

impl FrameHeader {
    /// Parses the header at the start of `input`: `Ok(None)` when more bytes are needed, otherwise
    /// the header and its size.
    ///
    /// # Errors
    /// [`FrameError`] when the header breaks a rule that holds for everybody.
    pub fn parse(input: &[u8]) -> Result<Option<(FrameHeader, usize)>, FrameError> {
        match RawHeader::parse(input) {
            None => Ok(None),
            Some((raw, size)) => Ok(Some((raw.check()?, size))),
        }
    }

    /// Appends the header in its shortest form.
    #[inline(always)]
    pub fn write(&self, out: &mut Vec<u8>) {
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        let first = u8::from(self.fin) << 7 | (self.rsv & 7) << 4 | self.opcode as u8;
        match self.payload_length {
            0..=125 => {
                let second = masked | self.payload_length as u8;
                match self.mask {
                    Some([a, b, c, d]) => out.extend_from_slice(&[first, second, a, b, c, d]),
                    None => out.extend_from_slice(&[first, second]),
                }
                return;
            }
            126..=0xffff => {
                let [high, low] = (self.payload_length as u16).to_be_bytes();
                out.extend_from_slice(&[first, masked | 126, high, low]);
            }
            _ => {
                out.extend_from_slice(&[first, masked | 127]);
                out.extend_from_slice(&self.payload_length.to_be_bytes());
            }
        }
        if let Some(key) = self.mask {
            out.extend_from_slice(&key);
        }
    }
}

/// Masks or unmasks `data` in place; `offset` is how many payload bytes came before it.
pub fn apply_mask(data: &mut [u8], key: [u8; 4], offset: usize) {
    let turned = u32::from_le_bytes(key).rotate_right(8 * (offset % 4) as u32);
    let half = u64::from(turned);
    let mut word = half << 32 | half;
    let (words, tail) = data.as_chunks_mut::<8>();
    for bytes in words {
        *bytes = (u64::from_le_bytes(*bytes) ^ word).to_le_bytes();
    }
    for byte in tail {
        *byte ^= word as u8;
        word >>= 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(opcode: Opcode, mask: Option<[u8; 4]>, payload_length: u64) -> FrameHeader {
        FrameHeader { fin: true, rsv: 0, opcode, mask, payload_length }
    }

    #[test]
    fn headers_have_their_golden_bytes() {
        let cases: [(FrameHeader, &[u8]); 6] = [
            (header(Opcode::Text, None, 5), &[0x81, 5]),
            (header(Opcode::Binary, Some([1, 2, 3, 4]), 13), &[0x82, 0x8d, 1, 2, 3, 4]),
            (header(Opcode::Binary, None, 125), &[0x82, 125]),
            (header(Opcode::Binary, None, 126), &[0x82, 126, 0, 126]),
            (header(Opcode::Binary, None, 0xffff), &[0x82, 126, 0xff, 0xff]),
            (header(Opcode::Binary, None, 0x1_0000), &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ];
        for (header, bytes) in cases {
            let mut out = Vec::new();
            header.write(&mut out);
            assert_eq!(out, bytes);
            assert_eq!(FrameHeader::parse(bytes), Ok(Some((header, bytes.len()))));
            for end in 0..bytes.len() {
                assert_eq!(FrameHeader::parse(&bytes[..end]), Ok(None));
            }
        }
    }

    #[test]
    fn every_valid_header_survives_writing_and_parsing() {
        let opcodes = (0..16).filter_map(Opcode::from_bits);
        for opcode in opcodes {
            for payload_length in [0, 1, 125, 126, 0xffff, 0x1_0000, u64::MAX >> 1] {
                if opcode.is_control() && payload_length > CONTROL_PAYLOAD_MAX as u64 {
                    continue;
                }
                for (fin, rsv, mask) in [(true, 7, None), (false, 0, Some([9, 8, 7, 6]))] {
                    let fin = fin || opcode.is_control();
                    let header = FrameHeader { fin, rsv, opcode, mask, payload_length };
                    let mut out = Vec::new();
                    header.write(&mut out);
                    assert!(out.len() <= HEADER_SIZE_MAX);
                    assert_eq!(FrameHeader::parse(&out), Ok(Some((header, out.len()))));
                }
            }
        }
    }

    #[test]
    fn headers_that_break_a_rule_are_errors() {
        let cases: [(&[u8], FrameError); 9] = [
            (&[0x82, 126, 0, 125], FrameError::LengthNotMinimal),
            (&[0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff], FrameError::LengthNotMinimal),
            (&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], FrameError::LengthTopBit),
            (&[0x83, 0], FrameError::ReservedOpcode(3)),
            (&[0x8b, 0], FrameError::ReservedOpcode(11)),
            (&[0x8f, 0], FrameError::ReservedOpcode(15)),
            (&[0x89, 126, 0, 126], FrameError::ControlTooLong),
            (&[0x08, 0], FrameError::ControlFragmented),
            (&[0x0a, 0], FrameError::ControlFragmented),
        ];
        for (bytes, error) in cases {
            assert_eq!(FrameHeader::parse(bytes), Err(error), "{bytes:02x?}");
        }
    }

    #[test]
    fn masking_equals_the_definition_at_every_length_and_offset() {
        let key = [0x11, 0x80, 0xff, 0x03];
        for length in 0..40_u8 {
            for offset in 0..9 {
                let plain: Vec<u8> = (0..length).map(|index: u8| index.wrapping_mul(7)).collect();
                let expected: Vec<u8> = plain
                    .iter()
                    .enumerate()
                    .map(|(index, byte)| byte ^ key[(offset + index) % 4])
                    .collect();
                let mut data = plain.clone();
                apply_mask(&mut data, key, offset);
                assert_eq!(data, expected);
                apply_mask(&mut data, key, offset);
                assert_eq!(data, plain);
            }
        }
    }
}
