//! The address-validation cookie: two packets that only netdriver peers know, and the keyed hash
//! that proves an address without remembering it.
//!
//! A server under load answers a ConnectionRequest with a Retry, and a netdriver client repeats its
//! request with the cookie in it. Stock peers drop both packets: their types are none of theirs.
//! Neither packet is longer than the request that it follows. Nothing here decides when
//! (`admission` does). Rules: `docs/PROTOCOL.md`, "Handshake under load".

use std::hash::Hasher;

use super::packet::{HANDSHAKE_LENGTH_SIZE, MESSAGE_HEADER_SIZE, Token};
use crate::proto::endpoint::NetworkEndpoint;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// Type byte of a Retry.
pub const TYPE_RETRY: u8 = 0xf1;
/// Type byte of a request with a cookie.
pub const TYPE_COOKIE_REQUEST: u8 = 0xf2;
/// Bytes of a cookie.
pub const COOKIE_SIZE: usize = 4;
/// Bytes of a Retry, and of a request with a cookie and without payload.
pub const RETRY_SIZE: usize = MESSAGE_HEADER_SIZE + COOKIE_SIZE;
/// How long one epoch lasts; a cookie is good for its own and the next.
const EPOCH: Micros = 8000 * MICROS_PER_MS;

/// What a server gives to an address.
pub type Cookie = [u8; COOKIE_SIZE];

/// One of the two packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CookiePacket<'a> {
    /// A server under load asks the client to prove its address.
    Retry {
        /// The client's, as everywhere.
        token: Token,
        /// What to send back.
        cookie: Cookie,
    },
    /// A connection request that proves the client's address.
    Request {
        /// As in a ConnectionRequest.
        token: Token,
        /// As it came in the Retry.
        cookie: Cookie,
        /// The connect payload.
        payload: &'a [u8],
    },
}

/// Reads one of the two; `None` for anything else, however broken.
#[must_use]
pub fn parse(datagram: &[u8]) -> Option<CookiePacket<'_>> {
    let (&kind, rest) = datagram.split_first()?;
    let (&token, rest) = rest.split_first_chunk()?;
    let (&cookie, rest) = rest.split_first_chunk()?;
    match kind {
        TYPE_RETRY if rest.is_empty() => Some(CookiePacket::Retry { token, cookie }),
        TYPE_COOKIE_REQUEST if rest.is_empty() => {
            Some(CookiePacket::Request { token, cookie, payload: &[] })
        }
        TYPE_COOKIE_REQUEST => {
            let (&length, payload) = rest.split_first_chunk::<HANDSHAKE_LENGTH_SIZE>()?;
            let fits = usize::from(u16::from_le_bytes(length)) == payload.len();
            (fits && !payload.is_empty()).then_some(CookiePacket::Request {
                token,
                cookie,
                payload,
            })
        }
        _ => None,
    }
}

impl CookiePacket<'_> {
    /// Appends the packet's bytes to `out`. A payload above 65,535 bytes cannot be expressed and
    /// is left out.
    pub fn write(&self, out: &mut Vec<u8>) {
        let (kind, token, cookie, payload) = match *self {
            Self::Retry { token, cookie } => (TYPE_RETRY, token, cookie, &[][..]),
            Self::Request { token, cookie, payload } => {
                (TYPE_COOKIE_REQUEST, token, cookie, payload)
            }
        };
        out.push(kind);
        out.extend_from_slice(&token);
        out.extend_from_slice(&cookie);
        match u16::try_from(payload.len()) {
            Ok(length) if length > 0 => {
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(payload);
            }
            _ => {}
        }
    }
}

/// The secret of one server, from the operating system.
#[derive(Clone, Copy)]
pub struct CookieKey([u8; 16]);

impl CookieKey {
    /// From random bytes.
    #[must_use]
    pub const fn new(random: [u8; 16]) -> Self {
        Self(random)
    }

    /// A keyed hash of some bytes; `domain` keeps its uses apart. SipHash-2-4 is made for short
    /// inputs of strangers; 32 of its bits are what a blind guess must hit within two epochs.
    #[must_use]
    pub fn hash(&self, domain: u8, parts: &[&[u8]]) -> u64 {
        let [a, b] = [&self.0[..8], &self.0[8..]].map(|half| {
            let bytes = half.try_into().unwrap_or_default();
            u64::from_le_bytes(bytes)
        });
        #[expect(deprecated, reason = "the only keyed hash of the standard library with a name")]
        let mut hasher = std::hash::SipHasher::new_with_keys(a, b);
        hasher.write(&[domain]);
        for part in parts {
            hasher.write(part);
        }
        hasher.finish()
    }

    fn cookie(&self, epoch: u64, source: &NetworkEndpoint, token: Token) -> Cookie {
        let hash = self.hash(0, &[&source.to_bytes(), &token, &epoch.to_le_bytes()]);
        (hash as u32).to_le_bytes()
    }

    /// The cookie of an address and a token now.
    #[must_use]
    pub fn issue(&self, now: Micros, source: &NetworkEndpoint, token: Token) -> Cookie {
        self.cookie(now / EPOCH, source, token)
    }

    /// Was this cookie given to this address and token, not long ago?
    #[must_use]
    pub fn accepts(
        &self,
        now: Micros,
        source: &NetworkEndpoint,
        token: Token,
        cookie: Cookie,
    ) -> bool {
        let epoch = now / EPOCH;
        let before = epoch.checked_sub(1);
        self.cookie(epoch, source, token) == cookie
            || before.is_some_and(|epoch| self.cookie(epoch, source, token) == cookie)
    }
}

impl std::fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieKey(…)")
    }
}

/// The body of the fuzz target: any bytes parse or not, and what parses is written back the same.
#[cfg(any(test, feature = "fuzzing"))]
pub fn fuzz_cookie(data: &[u8]) {
    let Some(packet) = parse(data) else { return };
    let mut written = Vec::new();
    packet.write(&mut written);
    assert_eq!(written, data);
    // A stock peer sees a type that it does not have.
    assert!(matches!(super::packet::parse(data), Err(super::packet::PacketError::UnknownType(_))));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::utp::packet::{self, Packet};

    const TOKEN: Token = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
    const KEY: CookieKey = CookieKey::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);

    /// Computed from the layout, with an implementation of SipHash that is not this one.
    const GOLDEN: Cookie = [0x49, 0xfb, 0xd8, 0x16];

    fn endpoint(text: &str) -> NetworkEndpoint {
        NetworkEndpoint::from_socket_addr(text.parse().expect("is an address"))
    }

    fn written(packet: CookiePacket<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        packet.write(&mut out);
        out
    }

    #[test]
    fn golden_bytes_of_both_packets() {
        let token = TOKEN;
        let cookie = [0xa1, 0xa2, 0xa3, 0xa4];
        let golden = |packet, head: &[u8], tail: &[u8]| {
            let bytes = [head, &TOKEN, &cookie, tail].concat();
            assert_eq!(written(packet), bytes);
            assert_eq!(parse(&bytes), Some(packet));
        };
        golden(CookiePacket::Retry { token, cookie }, b"\xf1", b"");
        golden(CookiePacket::Request { token, cookie, payload: b"" }, b"\xf2", b"");
        golden(CookiePacket::Request { token, cookie, payload: b"hi" }, b"\xf2", b"\x02\0hi");
    }

    #[test]
    fn neither_is_longer_than_a_request() {
        for payload in [&b""[..], b"hi", &[7; 1375]] {
            let mut request = Vec::new();
            Packet::ConnectionRequest { token: TOKEN, payload }.write(&mut request);
            let again = CookiePacket::Request { token: TOKEN, cookie: [0; 4], payload };
            assert_eq!(written(again).len(), request.len());
            assert!(RETRY_SIZE <= request.len());
        }
    }

    #[test]
    fn what_is_broken_is_nothing() {
        let whole = written(CookiePacket::Request { token: TOKEN, cookie: [1; 4], payload: b"hi" });
        for length in 0..whole.len() {
            let cut = parse(&whole[..length]);
            assert!(cut.is_none() || length == RETRY_SIZE, "{length}: {cut:?}");
        }
        let retry = written(CookiePacket::Retry { token: TOKEN, cookie: [1; 4] });
        assert_eq!(parse(&[&retry[..], b"x"].concat()), None);
        assert_eq!(parse(&[&whole[..], b"x"].concat()), None);
        assert_eq!(parse(&[&retry[..1], b"short"].concat()), None);
    }

    #[test]
    fn the_hash_is_the_published_siphash_2_4() {
        // Key 00…0f; the input is 00, 01, 02, … (Aumasson and Bernstein, appendix A and vectors).
        let input: Vec<u8> = (0..15).collect();
        assert_eq!(KEY.hash(0, &[&input[1..]]), 0xa129_ca61_49be_45e5);
        assert_eq!(KEY.hash(0, &[&input[1..4], &input[4..]]), 0xa129_ca61_49be_45e5);
        assert_eq!(KEY.hash(0, &[]), 0x74f8_39c5_93dc_67fd);
    }

    #[test]
    fn golden_cookie() {
        let cookie = KEY.issue(0, &endpoint("1.2.3.4:5"), TOKEN);
        assert_eq!(cookie, GOLDEN);
        assert_eq!(KEY.issue(EPOCH - 1, &endpoint("1.2.3.4:5"), TOKEN), GOLDEN);
    }

    #[test]
    fn a_cookie_is_good_for_its_address_its_token_and_two_epochs() {
        let here = endpoint("[2001:db8::1]:7");
        let cookie = KEY.issue(EPOCH, &here, TOKEN);
        for now in [EPOCH, 2 * EPOCH, 3 * EPOCH - 1] {
            assert!(KEY.accepts(now, &here, TOKEN, cookie));
        }
        assert!(!KEY.accepts(3 * EPOCH, &here, TOKEN, cookie), "too old");
        assert!(!KEY.accepts(EPOCH, &endpoint("[2001:db8::1]:8"), TOKEN, cookie), "another port");
        assert!(!KEY.accepts(EPOCH, &endpoint("[2001:db8::2]:7"), TOKEN, cookie));
        assert!(!KEY.accepts(EPOCH, &here, [0; 8], cookie), "another token");
        assert!(!CookieKey::new([9; 16]).accepts(EPOCH, &here, TOKEN, cookie), "another key");
        assert_eq!(format!("{KEY:?}"), "CookieKey(…)", "no secret in a log");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(token: Token, cookie: Cookie, payload: Vec<u8>) {
            for packet in [
                CookiePacket::Retry { token, cookie },
                CookiePacket::Request { token, cookie, payload: &payload },
            ] {
                let bytes = written(packet);
                prop_assert_eq!(parse(&bytes), Some(packet));
                fuzz_cookie(&bytes);
            }
        }

        #[test]
        fn no_bytes_panic(kind in 0xf0u8..0xf4, tail: Vec<u8>) {
            fuzz_cookie(&[&[kind][..], &tail].concat());
        }

        #[test]
        fn no_packet_of_the_protocol_is_taken_for_one(token: Token, payload: Vec<u8>) {
            let mut out = Vec::new();
            Packet::Data { token, pipeline: 0, payload: &payload }.write(&mut out);
            prop_assert_eq!(parse(&out), None);
            prop_assert!(packet::parse(&out).is_ok());
        }
    }
}
