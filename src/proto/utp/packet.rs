//! The wire codec of Unity Transport's connection protocol v1: bytes to [`Packet`] and back.
//!
//! It knows no state: which packet is allowed when, what is answered and what is counted is the
//! connection's business. Pipeline headers are payload here. All integers are little endian.
//! Source of every rule: the behaviour of Unity Transport 2.7 (`docs/PROTOCOL.md` has the tables).

/// The eight bytes a client chose for its connection; both sides put it in every packet.
pub type Token = [u8; 8];

/// What a handshake starts with.
pub const MAGIC: [u8; 3] = *b"UTP";
/// The only version of the protocol there is.
pub const VERSION: u8 = 1;
/// Bytes of type and token, which start every packet but a handshake.
pub const MESSAGE_HEADER_SIZE: usize = 1 + size_of::<Token>();
/// Bytes before the payload of a data packet: type, token, pipeline.
pub const DATA_HEADER_SIZE: usize = MESSAGE_HEADER_SIZE + 1;
/// Bytes of a request or an accept without payload: magic, version, type, token.
pub const HANDSHAKE_SIZE: usize = 13;
/// Bytes of the length in front of a handshake's payload.
pub const HANDSHAKE_LENGTH_SIZE: usize = 2;
/// Bytes of an MTU check before its padding: type, token, length of the padding.
pub const MTU_HEADER_SIZE: usize = MESSAGE_HEADER_SIZE + 2;
/// Bytes of an MTU acknowledgement.
pub const MTU_ACK_SIZE: usize = MTU_HEADER_SIZE + 2;
/// Bytes of a connection request of Unity Transport 1.x.
const OLD_REQUEST_SIZE: usize = 10;

const TYPE_REQUEST: u8 = 1;
const TYPE_ACCEPT: u8 = 2;
const TYPE_DATA: u8 = 1;
const TYPE_DISCONNECT: u8 = 2;
const TYPE_HEARTBEAT: u8 = 3;
const TYPE_MTU_CHECK: u8 = 4;
const TYPE_MTU_ACK: u8 = 5;
const MTU_ACK_LENGTH: u16 = 2;

/// One packet: a UDP datagram, a binary WebSocket message or an IPC message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packet<'a> {
    /// A client asks for a connection.
    ConnectionRequest {
        /// The client's choice.
        token: Token,
        /// Empty or what the client passed to connect.
        payload: &'a [u8],
    },
    /// The server has made the connection.
    ConnectionAccept {
        /// The one of the request.
        token: Token,
        /// Empty or what the server set as accept payload.
        payload: &'a [u8],
    },
    /// A message of the user, or of a pipeline.
    Data {
        /// The connection's.
        token: Token,
        /// 0 = none.
        pipeline: u8,
        /// Pipeline headers and the message.
        payload: &'a [u8],
    },
    /// The sender has closed the connection.
    Disconnect {
        /// The connection's.
        token: Token,
    },
    /// The sender is alive.
    Heartbeat {
        /// The connection's.
        token: Token,
    },
    /// A packet as large as the path shall carry; to be answered with an [`Packet::MtuAck`].
    MtuCheck {
        /// The connection's.
        token: Token,
        /// The packet's length field: bytes of padding after it.
        probed: u16,
    },
    /// The answer to an [`Packet::MtuCheck`].
    MtuAck {
        /// The connection's.
        token: Token,
        /// Size of the packet that arrived: its padding, plus [`MTU_HEADER_SIZE`], plus what the
        /// layers below the receiver put around a packet (nothing for UDP).
        size: u16,
    },
}

/// Why a packet is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PacketError {
    /// Shorter than its type needs.
    TooShort,
    /// A handshake of another protocol version.
    UnknownVersion(u8),
    /// A type this protocol does not have.
    UnknownType(u8),
    /// A length field that contradicts the packet.
    PayloadLength,
    /// A connection request of Unity Transport 1.x, whose protocol is another one.
    OldProtocol,
}

impl std::fmt::Display for PacketError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooShort => f.write_str("the packet is shorter than its type needs"),
            Self::UnknownVersion(version) => write!(
                f,
                "the peer speaks version {version} of the connection protocol, not {VERSION}: \
                 update the older of the two"
            ),
            Self::UnknownType(kind) => write!(f, "there is no packet type {kind}"),
            Self::PayloadLength => f.write_str("the packet's length field contradicts its size"),
            Self::OldProtocol => f.write_str(
                "the peer is Unity Transport 1.x, whose protocol is another one: \
                 update it to Unity Transport 2",
            ),
        }
    }
}

impl std::error::Error for PacketError {}

/// Reads one packet.
///
/// What follows the last field of a packet without payload is ignored, as Unity Transport does.
///
/// # Errors
/// A packet that has to be dropped; see [`PacketError`].
pub fn parse(datagram: &[u8]) -> Result<Packet<'_>, PacketError> {
    if datagram.len() >= HANDSHAKE_SIZE && datagram.starts_with(&MAGIC) {
        return parse_handshake(datagram);
    }
    if datagram.len() == OLD_REQUEST_SIZE && datagram.starts_with(&[0, 0]) {
        return Err(PacketError::OldProtocol);
    }
    let (&kind, rest) = datagram.split_first().ok_or(PacketError::TooShort)?;
    let (&token, rest) = rest.split_first_chunk().ok_or(PacketError::TooShort)?;
    match kind {
        TYPE_DATA => {
            let (&pipeline, payload) = rest.split_first().ok_or(PacketError::TooShort)?;
            Ok(Packet::Data { token, pipeline, payload })
        }
        TYPE_DISCONNECT => Ok(Packet::Disconnect { token }),
        TYPE_HEARTBEAT => Ok(Packet::Heartbeat { token }),
        TYPE_MTU_CHECK => {
            // The field counts, not the number of bytes that follow.
            let (&probed, _) = rest.split_first_chunk().ok_or(PacketError::TooShort)?;
            Ok(Packet::MtuCheck { token, probed: u16::from_le_bytes(probed) })
        }
        TYPE_MTU_ACK => {
            let (&[a, b, c, d], _) = rest.split_first_chunk().ok_or(PacketError::TooShort)?;
            if u16::from_le_bytes([a, b]) != MTU_ACK_LENGTH {
                return Err(PacketError::PayloadLength);
            }
            Ok(Packet::MtuAck { token, size: u16::from_le_bytes([c, d]) })
        }
        other => Err(PacketError::UnknownType(other)),
    }
}

/// The token and the payload of a Data packet without a pipeline; `None` for any other.
#[inline(always)]
#[must_use]
pub fn parse_message(datagram: &[u8]) -> Option<(&Token, &[u8])> {
    let (&kind, rest) = datagram.split_first()?;
    let (token, rest) = rest.split_first_chunk()?;
    let (&pipeline, payload) = rest.split_first()?;
    (kind == TYPE_DATA && pipeline == 0).then_some((token, payload))
}

fn parse_handshake(datagram: &[u8]) -> Result<Packet<'_>, PacketError> {
    let (&[_, _, _, version, kind], rest) =
        datagram.split_first_chunk().ok_or(PacketError::TooShort)?;
    let (&token, rest) = rest.split_first_chunk().ok_or(PacketError::TooShort)?;
    if version != VERSION {
        return Err(PacketError::UnknownVersion(version));
    }
    let payload = handshake_payload(rest);
    match kind {
        TYPE_REQUEST => {
            let payload = payload.ok_or(PacketError::PayloadLength)?;
            Ok(Packet::ConnectionRequest { token, payload })
        }
        // The server's connection exists already: a broken payload is no reason to lose it.
        TYPE_ACCEPT => Ok(Packet::ConnectionAccept { token, payload: payload.unwrap_or(&[]) }),
        other => Err(PacketError::UnknownType(other)),
    }
}

/// The payload behind a handshake's token, `None` when its length is not what the field says.
/// One or two bytes are no payload: Unity Transport starts to look at three.
fn handshake_payload(rest: &[u8]) -> Option<&[u8]> {
    if rest.len() <= HANDSHAKE_LENGTH_SIZE {
        return Some(&[]);
    }
    let (&length, payload) = rest.split_first_chunk()?;
    (usize::from(u16::from_le_bytes(length)) == payload.len()).then_some(payload)
}

/// True for exactly a connection request of this version: 13 bytes, or 13 bytes and a payload
/// whose length field is right. Decides the dialect of a stream by its first message, so it is
/// stricter than [`parse`].
#[must_use]
pub fn is_connection_request(message: &[u8]) -> bool {
    match parse(message) {
        Ok(Packet::ConnectionRequest { .. }) => {
            message.len() == HANDSHAKE_SIZE || message.len() > HANDSHAKE_SIZE + 2
        }
        _ => false,
    }
}

/// The header of a data packet, for callers that have room for it in front of the payload.
#[must_use]
pub fn data_header(token: Token, pipeline: u8) -> [u8; DATA_HEADER_SIZE] {
    let mut header = [0; DATA_HEADER_SIZE];
    header[0] = TYPE_DATA;
    header[1..MESSAGE_HEADER_SIZE].copy_from_slice(&token);
    header[MESSAGE_HEADER_SIZE] = pipeline;
    header
}

impl Packet<'_> {
    /// The token of the connection that the packet belongs to.
    #[must_use]
    pub const fn token(&self) -> Token {
        match *self {
            Self::ConnectionRequest { token, .. }
            | Self::ConnectionAccept { token, .. }
            | Self::Data { token, .. }
            | Self::Disconnect { token }
            | Self::Heartbeat { token }
            | Self::MtuCheck { token, .. }
            | Self::MtuAck { token, .. } => token,
        }
    }

    /// Appends the packet's bytes to `out`.
    ///
    /// A handshake payload above 65,535 bytes cannot be expressed and is left out (settings allow
    /// far less; Unity Transport also drops one that is too large and goes on).
    pub fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::ConnectionRequest { token, payload } => {
                write_handshake(out, TYPE_REQUEST, token, payload);
            }
            Self::ConnectionAccept { token, payload } => {
                write_handshake(out, TYPE_ACCEPT, token, payload);
            }
            Self::Data { token, pipeline, payload } => {
                out.extend_from_slice(&data_header(token, pipeline));
                out.extend_from_slice(payload);
            }
            Self::Disconnect { token } => write_header(out, TYPE_DISCONNECT, token),
            Self::Heartbeat { token } => write_header(out, TYPE_HEARTBEAT, token),
            Self::MtuCheck { token, probed } => {
                write_header(out, TYPE_MTU_CHECK, token);
                out.extend_from_slice(&probed.to_le_bytes());
                out.resize(out.len() + usize::from(probed), 0);
            }
            Self::MtuAck { token, size } => {
                write_header(out, TYPE_MTU_ACK, token);
                out.extend_from_slice(&MTU_ACK_LENGTH.to_le_bytes());
                out.extend_from_slice(&size.to_le_bytes());
            }
        }
    }
}

fn write_header(out: &mut Vec<u8>, kind: u8, token: Token) {
    out.push(kind);
    out.extend_from_slice(&token);
}

fn write_handshake(out: &mut Vec<u8>, kind: u8, token: Token, payload: &[u8]) {
    out.extend_from_slice(&MAGIC);
    out.push(VERSION);
    write_header(out, kind, token);
    match u16::try_from(payload.len()) {
        Ok(length) if length > 0 => {
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(payload);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: Token = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];

    /// Bytes from hex, where `T` stands for the token.
    fn bytes(text: &str) -> Vec<u8> {
        text.replace('T', "11 22 33 44 55 66 77 88")
            .split_whitespace()
            .map(|byte| u8::from_str_radix(byte, 16).unwrap())
            .collect()
    }

    fn written(packet: Packet<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        packet.write(&mut out);
        out
    }

    fn golden(packet: Packet<'_>, text: &str) {
        assert_eq!(written(packet), bytes(text), "{packet:?}");
        assert_eq!(parse(&bytes(text)), Ok(packet));
        assert_eq!(packet.token(), TOKEN);
    }

    #[test]
    fn golden_bytes_of_every_packet() {
        let token = TOKEN;
        golden(Packet::ConnectionRequest { token, payload: &[] }, "55 54 50 01 01 T");
        golden(Packet::ConnectionRequest { token, payload: b"hi" }, "55 54 50 01 01 T 02 00 68 69");
        golden(Packet::ConnectionAccept { token, payload: &[] }, "55 54 50 01 02 T");
        golden(Packet::ConnectionAccept { token, payload: b"hi" }, "55 54 50 01 02 T 02 00 68 69");
        let payload = &42i32.to_le_bytes();
        golden(Packet::Data { token, pipeline: 0, payload }, "01 T 00 2a 00 00 00");
        golden(Packet::Data { token, pipeline: 7, payload: &[] }, "01 T 07");
        golden(Packet::Disconnect { token }, "02 T");
        golden(Packet::Heartbeat { token }, "03 T");
        golden(Packet::MtuAck { token, size: 1400 }, "05 T 02 00 78 05");
        golden(Packet::MtuCheck { token, probed: 2 }, "04 T 02 00 00 00");
        assert_eq!(data_header(TOKEN, 7).to_vec(), bytes("01 T 07"));
    }

    #[test]
    fn an_mtu_check_of_1400_bytes_is_1400_bytes() {
        let probe = written(Packet::MtuCheck { token: TOKEN, probed: 1389 });
        assert_eq!(probe.len(), 1400);
        assert_eq!(probe[..MTU_HEADER_SIZE], bytes("04 T 6d 05"));
        assert!(probe[MTU_HEADER_SIZE..].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn an_mtu_check_is_its_length_field_whatever_follows() {
        let packet = Packet::MtuCheck { token: TOKEN, probed: 1389 };
        assert_eq!(parse(&bytes("04 T 6d 05")), Ok(packet));
        assert_eq!(parse(&bytes("04 T 6d 05 00 01 02")), Ok(packet));
        assert_eq!(parse(&bytes("04 T 6d")), Err(PacketError::TooShort));
    }

    #[test]
    fn an_mtu_ack_names_a_size_of_two_bytes() {
        assert_eq!(parse(&bytes("05 T 02 00 78")), Err(PacketError::TooShort));
        assert_eq!(parse(&bytes("05 T 03 00 78 05 00")), Err(PacketError::PayloadLength));
    }

    #[test]
    fn a_request_with_a_wrong_length_is_refused_and_an_accept_is_emptied() {
        for tail in ["03 00 68 69", "01 00 68 69", "00 00 68", "ff ff 68"] {
            let request = bytes(&format!("55 54 50 01 01 T {tail}"));
            assert_eq!(parse(&request), Err(PacketError::PayloadLength), "{tail}");
            assert!(!is_connection_request(&request), "{tail}");
            let accept = bytes(&format!("55 54 50 01 02 T {tail}"));
            let emptied = Packet::ConnectionAccept { token: TOKEN, payload: &[] };
            assert_eq!(parse(&accept), Ok(emptied), "{tail}");
        }
    }

    #[test]
    fn one_or_two_bytes_behind_a_handshake_are_no_payload() {
        for tail in ["00", "00 00", "05 00"] {
            let request = bytes(&format!("55 54 50 01 01 T {tail}"));
            let expected = Packet::ConnectionRequest { token: TOKEN, payload: &[] };
            assert_eq!(parse(&request), Ok(expected), "{tail}");
            assert!(!is_connection_request(&request), "{tail}");
        }
    }

    #[test]
    fn the_first_message_of_a_stream_is_recognised() {
        assert!(is_connection_request(&bytes("55 54 50 01 01 T")));
        assert!(is_connection_request(&bytes("55 54 50 01 01 T 02 00 68 69")));
        let others = [
            "",
            "55 54 50 01 01",
            "55 54 50 01 02 T",
            "55 54 50 02 01 T",
            "01 T 00",
            "55 54 50 01 01 11 22 33 44 55 66 77",
        ];
        for text in others {
            assert!(!is_connection_request(&bytes(text)), "{text}");
        }
        assert!(!is_connection_request(b"UTP is not this"));
    }

    #[test]
    fn foreign_versions_and_types_are_named() {
        assert_eq!(parse(&bytes("55 54 50 02 01 T")), Err(PacketError::UnknownVersion(2)));
        assert_eq!(parse(&bytes("55 54 50 01 03 T")), Err(PacketError::UnknownType(3)));
        assert_eq!(parse(&bytes("06 T 00")), Err(PacketError::UnknownType(6)));
        assert_eq!(parse(&bytes("00 T")), Err(PacketError::UnknownType(0)));
        // Twelve bytes are no handshake, whatever they spell.
        assert_eq!(parse(b"UTP\x01\x01\0\0\0\0\0\0\0"), Err(PacketError::UnknownType(0x55)));
    }

    #[test]
    fn unity_transport_1_is_recognised() {
        assert_eq!(parse(&bytes("00 00 T")), Err(PacketError::OldProtocol));
        assert_eq!(parse(&bytes("00 00 T 00")), Err(PacketError::UnknownType(0)));
    }

    #[test]
    fn every_packet_cut_short_is_an_error_or_another_packet_but_never_a_panic() {
        assert_eq!(parse(&[]), Err(PacketError::TooShort));
        assert_eq!(parse(&bytes("01 T")), Err(PacketError::TooShort));
        for kind in 1..=5 {
            let mut packet = vec![kind];
            packet.extend_from_slice(&TOKEN);
            for length in 0..MESSAGE_HEADER_SIZE {
                assert_eq!(parse(&packet[..length]), Err(PacketError::TooShort), "{kind} {length}");
            }
        }
    }

    #[test]
    fn a_handshake_payload_that_has_no_length_is_left_out() {
        let longest = vec![1; usize::from(u16::MAX)];
        let packet = Packet::ConnectionRequest { token: TOKEN, payload: &longest };
        assert_eq!(parse(&written(packet)), Ok(packet));
        let too_long = vec![1; longest.len() + 1];
        let packet = Packet::ConnectionAccept { token: TOKEN, payload: &too_long };
        assert_eq!(written(packet), bytes("55 54 50 01 02 T"));
    }

    fn build(kind: u8, token: Token, pipeline: u8, number: u16, payload: &[u8]) -> Packet<'_> {
        match kind {
            0 => Packet::ConnectionRequest { token, payload },
            1 => Packet::ConnectionAccept { token, payload },
            2 => Packet::Data { token, pipeline, payload },
            3 => Packet::Disconnect { token },
            4 => Packet::Heartbeat { token },
            5 => Packet::MtuCheck { token, probed: number },
            _ => Packet::MtuAck { token, size: number },
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            kind in 0u8..7, token: Token, pipeline: u8, number: u16, payload: Vec<u8>,
        ) {
            let packet = build(kind, token, pipeline, number, &payload);
            let bytes = written(packet);
            prop_assert_eq!(parse(&bytes), Ok(packet));
            prop_assert_eq!(is_connection_request(&bytes), kind == 0);
        }

        #[test]
        fn no_bytes_panic(handshake: bool, kind: u8, tail: Vec<u8>) {
            let mut datagram = if handshake { b"UTP\x01".to_vec() } else { Vec::new() };
            datagram.push(kind % 8);
            datagram.extend(tail);
            if let Ok(packet) = parse(&datagram) {
                let again = written(packet);
                prop_assert_eq!(parse(&again), Ok(packet));
            }
        }
    }
}
