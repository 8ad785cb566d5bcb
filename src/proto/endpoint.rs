//! Addresses as Unity Transport's `NetworkEndpoint` stores and writes them.
//!
//! Literals only: host names are resolved above, by the pump. No socket is touched here.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Bytes of an endpoint.
pub const ENDPOINT_SIZE: usize = 64;
/// Bytes of the longest custom address.
pub const CUSTOM_ADDRESS_SIZE_MAX: usize = 60;

const IPV4_SIZE: usize = 4;
const IPV6_SIZE: usize = 16;
const SCOPE_OFFSET: usize = 16;
const FAMILY_OFFSET: usize = 60;
const PORT_OFFSET: usize = 62;

/// What kind of address an endpoint holds. The numbers are Unity Transport's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Family {
    /// No address.
    Invalid = 0,
    /// Four bytes.
    Ipv4 = 2,
    /// Sixteen bytes, and a scope id.
    Ipv6 = 23,
    /// Up to sixty bytes that only a custom interface understands.
    Custom = 255,
}

impl Family {
    /// The family with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Invalid),
            2 => Some(Self::Ipv4),
            23 => Some(Self::Ipv6),
            255 => Some(Self::Custom),
            _ => None,
        }
    }
}

/// An address with a port, in 64 bytes: the address first, an IPv6 scope id (u32, little endian)
/// at offset 16, the family at 60, the port (u16, little endian) at 62. Equal means all 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NetworkEndpoint {
    // Never holds an unknown family: every constructor writes or checks it.
    bytes: [u8; ENDPOINT_SIZE],
}

impl NetworkEndpoint {
    /// No address. Also the default.
    pub const INVALID: Self = Self { bytes: [0; ENDPOINT_SIZE] };

    /// `0.0.0.0`: every IPv4 address of this machine.
    #[must_use]
    pub fn any_ipv4(port: u16) -> Self {
        Self::from_ip(Ipv4Addr::UNSPECIFIED.into(), 0, port)
    }

    /// `::`: every IPv6 address of this machine.
    #[must_use]
    pub fn any_ipv6(port: u16) -> Self {
        Self::from_ip(Ipv6Addr::UNSPECIFIED.into(), 0, port)
    }

    /// `127.0.0.1`: this machine only.
    #[must_use]
    pub fn loopback_ipv4(port: u16) -> Self {
        Self::from_ip(Ipv4Addr::LOCALHOST.into(), 0, port)
    }

    /// `::1`: this machine only.
    #[must_use]
    pub fn loopback_ipv6(port: u16) -> Self {
        Self::from_ip(Ipv6Addr::LOCALHOST.into(), 0, port)
    }

    /// What the operating system calls a peer. An IPv4 address that a dual-stack socket reports
    /// as IPv6 (`::ffff:1.2.3.4`, RFC 4291 §2.5.5.2) becomes IPv4, so that one peer has one name.
    #[must_use]
    pub fn from_socket_addr(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(v4) => Self::from_ip(IpAddr::V4(*v4.ip()), 0, v4.port()),
            SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
                Some(ip) => Self::from_ip(IpAddr::V4(ip), 0, v6.port()),
                None => Self::from_ip(IpAddr::V6(*v6.ip()), v6.scope_id(), v6.port()),
            },
        }
    }

    /// What the operating system understands; `None` for invalid and custom endpoints.
    #[must_use]
    pub fn to_socket_addr(&self) -> Option<SocketAddr> {
        match self.family() {
            Family::Ipv4 => Some(SocketAddr::new(self.ipv4().into(), self.port())),
            Family::Ipv6 => {
                Some(SocketAddrV6::new(self.ipv6(), self.port(), 0, self.scope()).into())
            }
            Family::Invalid | Family::Custom => None,
        }
    }

    /// An address of a custom interface, filled up with zeros; `None` above 60 bytes.
    #[must_use]
    pub fn custom(address: &[u8]) -> Option<Self> {
        let mut endpoint = Self::INVALID;
        endpoint.bytes[..FAMILY_OFFSET].get_mut(..address.len())?.copy_from_slice(address);
        endpoint.bytes[FAMILY_OFFSET] = Family::Custom as u8;
        Some(endpoint)
    }

    /// The address alone, in network order: 4 (IPv4), 16 (IPv6), 60 (custom) or 0 bytes.
    #[must_use]
    pub fn raw_address(&self) -> &[u8] {
        &self.bytes[..match self.family() {
            Family::Invalid => 0,
            Family::Ipv4 => IPV4_SIZE,
            Family::Ipv6 => IPV6_SIZE,
            Family::Custom => CUSTOM_ADDRESS_SIZE_MAX,
        }]
    }

    /// The kind of address.
    #[must_use]
    pub fn family(&self) -> Family {
        Family::from_number(self.bytes[FAMILY_OFFSET]).unwrap_or(Family::Invalid)
    }

    /// The port; 0 lets the system choose one at bind.
    #[must_use]
    pub fn port(&self) -> u16 {
        u16::from_le_bytes([self.bytes[PORT_OFFSET], self.bytes[PORT_OFFSET + 1]])
    }

    /// The same address with another port.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.bytes[PORT_OFFSET..].copy_from_slice(&port.to_le_bytes());
        self
    }

    /// Whether there is an address at all.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.family() != Family::Invalid
    }

    /// Whether it means every address of this machine (`0.0.0.0` or `::`).
    #[must_use]
    pub fn is_any(&self) -> bool {
        match self.family() {
            Family::Ipv4 => self.ipv4().is_unspecified(),
            Family::Ipv6 => self.ipv6().is_unspecified(),
            Family::Invalid | Family::Custom => false,
        }
    }

    /// Whether it means this machine (`127.0.0.0/8`, RFC 1122 §3.2.1.3, or `::1`).
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.family() {
            Family::Ipv4 => self.ipv4().is_loopback(),
            Family::Ipv6 => self.ipv6().is_loopback(),
            Family::Invalid | Family::Custom => false,
        }
    }

    /// The 64 bytes.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; ENDPOINT_SIZE] {
        self.bytes
    }

    /// An endpoint from its 64 bytes; `None` when the family is not a known one.
    #[must_use]
    pub fn from_bytes(bytes: [u8; ENDPOINT_SIZE]) -> Option<Self> {
        Family::from_number(bytes[FAMILY_OFFSET]).map(|_| Self { bytes })
    }

    /// Reads an address literal: `1.2.3.4`, `::1`, `[::1]`, `fe80::1%2` (numeric scope).
    /// `family` = `None` (or `Invalid`, as in Unity Transport) tries IPv4, then IPv6.
    ///
    /// # Errors
    /// [`EndpointError`] says what to write instead. A host name is an error: connect resolves it.
    pub fn parse(text: &str, port: u16, family: Option<Family>) -> Result<Self, EndpointError> {
        if text.trim().is_empty() {
            return Err(EndpointError::Blank);
        }
        match family {
            None | Some(Family::Invalid) => parse_ipv4(text, port)
                .or_else(|| parse_ipv6(text, port))
                .ok_or(EndpointError::NotAnAddress),
            Some(Family::Ipv4) => parse_ipv4(text, port).ok_or(EndpointError::NotIpv4),
            Some(Family::Ipv6) => parse_ipv6(text, port).ok_or(EndpointError::NotIpv6),
            Some(Family::Custom) => Err(EndpointError::CustomFamily),
        }
    }

    /// Reads `1.2.3.4:80` or `[::1]:80`.
    ///
    /// # Errors
    /// [`EndpointError`] says what to write instead.
    pub fn parse_with_port(text: &str) -> Result<Self, EndpointError> {
        if text.trim().is_empty() {
            return Err(EndpointError::Blank);
        }
        let (address, port) = text.rsplit_once(':').ok_or(EndpointError::PortMissing)?;
        if !address.starts_with('[') && address.contains(':') {
            return Err(EndpointError::BracketsMissing);
        }
        if address.starts_with('[') && !address.ends_with(']') {
            return Err(EndpointError::PortMissing);
        }
        // `u16::from_str` also takes "+80".
        if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(EndpointError::BadPort);
        }
        let port = port.parse().map_err(|_| EndpointError::BadPort)?;
        Self::parse(address, port, None)
    }

    fn from_ip(ip: IpAddr, scope: u32, port: u16) -> Self {
        let mut endpoint = Self::INVALID;
        match ip {
            IpAddr::V4(ip) => {
                endpoint.bytes[..IPV4_SIZE].copy_from_slice(&ip.octets());
                endpoint.bytes[FAMILY_OFFSET] = Family::Ipv4 as u8;
            }
            IpAddr::V6(ip) => {
                endpoint.bytes[..IPV6_SIZE].copy_from_slice(&ip.octets());
                endpoint.bytes[SCOPE_OFFSET..SCOPE_OFFSET + 4]
                    .copy_from_slice(&scope.to_le_bytes());
                endpoint.bytes[FAMILY_OFFSET] = Family::Ipv6 as u8;
            }
        }
        endpoint.with_port(port)
    }

    fn ipv4(&self) -> Ipv4Addr {
        let [a, b, c, d, ..] = self.bytes;
        Ipv4Addr::new(a, b, c, d)
    }

    fn ipv6(&self) -> Ipv6Addr {
        Ipv6Addr::from(std::array::from_fn::<u8, IPV6_SIZE, _>(|i| self.bytes[i]))
    }

    fn scope(&self) -> u32 {
        u32::from_le_bytes(std::array::from_fn(|i| self.bytes[SCOPE_OFFSET + i]))
    }
}

fn parse_ipv4(text: &str, port: u16) -> Option<NetworkEndpoint> {
    let ip: Ipv4Addr = text.parse().ok()?;
    Some(NetworkEndpoint::from_ip(ip.into(), 0, port))
}

fn parse_ipv6(text: &str, port: u16) -> Option<NetworkEndpoint> {
    let inner = match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?,
        None => text,
    };
    let (address, scope) = match inner.split_once('%') {
        Some((address, scope)) if scope.bytes().all(|byte| byte.is_ascii_digit()) => {
            (address, scope.parse().ok()?)
        }
        Some(_) => return None,
        None => (inner, 0),
    };
    let ip: Ipv6Addr = address.parse().ok()?;
    Some(NetworkEndpoint::from_ip(ip.into(), scope, port))
}

impl Default for NetworkEndpoint {
    fn default() -> Self {
        Self::INVALID
    }
}

impl From<SocketAddr> for NetworkEndpoint {
    fn from(address: SocketAddr) -> Self {
        Self::from_socket_addr(address)
    }
}

/// Unity Transport's text: `1.2.3.4:80`, `[0000:…:0001]:80` with eight groups of four digits,
/// `custom:0x` and 120 digits, or `invalid`.
impl fmt::Display for NetworkEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.family() {
            Family::Invalid => f.write_str("invalid"),
            Family::Ipv4 => write!(f, "{}:{}", self.ipv4(), self.port()),
            Family::Ipv6 => {
                let [a, b, c, d, e, g, h, i] = self.ipv6().segments();
                write!(f, "[{a:04x}:{b:04x}:{c:04x}:{d:04x}:{e:04x}:{g:04x}:{h:04x}:{i:04x}]")?;
                write!(f, ":{}", self.port())
            }
            Family::Custom => {
                f.write_str("custom:0x")?;
                self.raw_address().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

impl fmt::Debug for NetworkEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndpointError {
    /// Nothing but white space.
    Blank,
    /// Neither an IPv4 nor an IPv6 literal.
    NotAnAddress,
    /// IPv4 was asked for.
    NotIpv4,
    /// IPv6 was asked for.
    NotIpv6,
    /// Custom addresses have no text form that can be read.
    CustomFamily,
    /// A port was asked for.
    PortMissing,
    /// Not a number from 0 to 65535.
    BadPort,
    /// An IPv6 literal with a port but without brackets cannot be told apart from one without.
    BracketsMissing,
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blank => "the address is blank: write one such as 127.0.0.1 or ::1",
            Self::NotAnAddress => {
                "not an IP address: write one such as 127.0.0.1 or ::1, or connect by host name"
            }
            Self::NotIpv4 => "not an IPv4 address: write four numbers such as 127.0.0.1",
            Self::NotIpv6 => "not an IPv6 address: write one such as ::1 or [::1]",
            Self::CustomFamily => {
                "custom addresses cannot be parsed: make the endpoint from its raw bytes"
            }
            Self::PortMissing => {
                "the port is missing: write address:port, such as 127.0.0.1:7777 or [::1]:7777"
            }
            Self::BadPort => "the port is wrong: write a number from 0 to 65535",
            Self::BracketsMissing => {
                "an IPv6 address with a port needs brackets: write it as [::1]:7777"
            }
        })
    }
}

impl std::error::Error for EndpointError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<NetworkEndpoint, EndpointError> {
        NetworkEndpoint::parse(text, 80, None)
    }

    #[test]
    fn the_bytes_are_laid_out_as_in_unity_transport() {
        let mut expected = [0; ENDPOINT_SIZE];
        expected[..4].copy_from_slice(&[1, 2, 3, 4]);
        expected[60] = 2;
        expected[62..].copy_from_slice(&[0x61, 0x1e]);
        let v4 = NetworkEndpoint::parse("1.2.3.4", 7777, None).unwrap();
        assert_eq!(v4.to_bytes(), expected);

        let mut expected = [0; ENDPOINT_SIZE];
        expected[0] = 0xfe;
        expected[1] = 0x80;
        expected[15] = 1;
        expected[16..20].copy_from_slice(&[2, 1, 0, 0]);
        expected[60] = 23;
        expected[62] = 80;
        assert_eq!(parse("fe80::1%258").unwrap().to_bytes(), expected);
    }

    #[test]
    fn the_text_is_unity_transports() {
        let text = |endpoint: NetworkEndpoint| endpoint.to_string();
        assert_eq!(text(parse("1.2.3.4").unwrap()), "1.2.3.4:80");
        let loopback = NetworkEndpoint::loopback_ipv6(80);
        assert_eq!(text(loopback), "[0000:0000:0000:0000:0000:0000:0000:0001]:80");
        let full = parse("2001:DB8::a:0b:c0:0DEF").unwrap();
        assert_eq!(text(full), "[2001:0db8:0000:0000:000a:000b:00c0:0def]:80");
        let custom = NetworkEndpoint::custom(&[0xab, 1]).unwrap();
        assert_eq!(text(custom), format!("custom:0xab01{}", "0".repeat(116)));
        assert_eq!(text(NetworkEndpoint::INVALID), "invalid");
        assert_eq!(format!("{loopback:?}"), text(loopback));
    }

    #[test]
    fn literals_are_read_with_and_without_brackets() {
        assert_eq!(parse("::1"), Ok(NetworkEndpoint::loopback_ipv6(80)));
        assert_eq!(parse("[::1]"), Ok(NetworkEndpoint::loopback_ipv6(80)));
        assert_eq!(parse("127.0.0.1"), Ok(NetworkEndpoint::loopback_ipv4(80)));
        let any = NetworkEndpoint::parse("0.0.0.0", 0, Some(Family::Ipv4));
        assert_eq!(any, Ok(NetworkEndpoint::any_ipv4(0)));
        let any = NetworkEndpoint::parse("::", 0, Some(Family::Invalid));
        assert_eq!(any, Ok(NetworkEndpoint::any_ipv6(0)));
    }

    #[test]
    fn what_is_no_literal_is_refused() {
        assert_eq!(parse(""), Err(EndpointError::Blank));
        assert_eq!(parse(" \t"), Err(EndpointError::Blank));
        let wrong = [
            "localhost",
            "1.2.3",
            "1.2.3.256",
            "01.2.3.4",
            "[::1",
            "::1]",
            "[1.2.3.4]",
            "1.2.3.4 ",
            "1.2.3.4:80",
            "::1%",
            "::1%eth0",
            "::1%4294967296",
            ":::",
            "1.2.3.4\0",
            "é",
        ];
        for text in wrong {
            assert_eq!(parse(text), Err(EndpointError::NotAnAddress), "{text}");
        }
        let of = |text, family| NetworkEndpoint::parse(text, 1, Some(family));
        assert_eq!(of("::1", Family::Ipv4), Err(EndpointError::NotIpv4));
        assert_eq!(of("127.0.0.1", Family::Ipv6), Err(EndpointError::NotIpv6));
        assert_eq!(of("127.0.0.1", Family::Custom), Err(EndpointError::CustomFamily));
    }

    #[test]
    fn a_port_is_read_behind_the_address() {
        let parse = NetworkEndpoint::parse_with_port;
        assert_eq!(parse("127.0.0.1:7777"), Ok(NetworkEndpoint::loopback_ipv4(7777)));
        assert_eq!(parse("[::1]:0"), Ok(NetworkEndpoint::loopback_ipv6(0)));
        assert_eq!(parse("[::1]"), Err(EndpointError::PortMissing));
        assert_eq!(parse("127.0.0.1"), Err(EndpointError::PortMissing));
        assert_eq!(parse("::1:80"), Err(EndpointError::BracketsMissing));
        assert_eq!(parse("host:80"), Err(EndpointError::NotAnAddress));
        for port in ["", "65536", "+80", "-1", "8o", " 80"] {
            assert_eq!(parse(&format!("127.0.0.1:{port}")), Err(EndpointError::BadPort), "{port}");
        }
    }

    #[test]
    fn a_dual_stack_peer_has_its_ipv4_name() {
        let mapped: SocketAddr = "[::ffff:1.2.3.4]:80".parse().unwrap();
        let endpoint = NetworkEndpoint::from(mapped);
        assert_eq!(endpoint, parse("1.2.3.4").unwrap());
        assert_eq!(endpoint.to_socket_addr(), Some("1.2.3.4:80".parse().unwrap()));
    }

    #[test]
    fn kinds_of_addresses_are_told_apart() {
        assert!(NetworkEndpoint::any_ipv4(1).is_any() && NetworkEndpoint::any_ipv6(1).is_any());
        assert!(NetworkEndpoint::loopback_ipv4(1).is_loopback());
        assert!(NetworkEndpoint::loopback_ipv6(1).is_loopback());
        let custom = NetworkEndpoint::custom(&[]).unwrap();
        assert!(custom.is_valid() && !custom.is_any() && !custom.is_loopback());
        let invalid = NetworkEndpoint::default();
        assert!(!invalid.is_valid() && !invalid.is_any() && !invalid.is_loopback());
        let lengths = [invalid, parse("1.1.1.1").unwrap(), parse("::2").unwrap(), custom]
            .map(|endpoint| endpoint.raw_address().len());
        assert_eq!(lengths, [0, 4, 16, 60]);
        assert_eq!((custom.to_socket_addr(), invalid.to_socket_addr()), (None, None));
    }

    #[test]
    fn custom_addresses_take_up_to_sixty_bytes() {
        let longest = [7; CUSTOM_ADDRESS_SIZE_MAX];
        let endpoint = NetworkEndpoint::custom(&longest).unwrap().with_port(9);
        assert_eq!(endpoint.raw_address(), longest);
        assert_eq!((endpoint.family(), endpoint.port()), (Family::Custom, 9));
        assert_eq!(NetworkEndpoint::custom(&[7; CUSTOM_ADDRESS_SIZE_MAX + 1]), None);
    }

    #[test]
    fn bytes_of_an_unknown_family_are_refused() {
        let mut bytes = NetworkEndpoint::loopback_ipv4(1).to_bytes();
        for number in 0..=255 {
            bytes[60] = number;
            let known = [0, 2, 23, 255].contains(&number);
            assert_eq!(NetworkEndpoint::from_bytes(bytes).is_some(), known, "{number}");
        }
    }

    proptest! {
        #[test]
        fn an_address_survives_the_way_through_the_system(ip: [u8; 16], port: u16, scope: u32) {
            let address = SocketAddrV6::new(ip.into(), port, 0, scope);
            prop_assume!(address.ip().to_ipv4_mapped().is_none());
            let endpoint = NetworkEndpoint::from_socket_addr(address.into());
            prop_assert_eq!(endpoint.to_socket_addr(), Some(address.into()));
            prop_assert_eq!(NetworkEndpoint::from_bytes(endpoint.to_bytes()), Some(endpoint));
        }

        #[test]
        fn what_display_writes_parse_with_port_reads(ip: [u8; 16], port: u16, v4: bool) {
            let ip = if v4 {
                IpAddr::from(<[u8; 4]>::try_from(&ip[..4]).unwrap())
            } else {
                IpAddr::from(ip)
            };
            let endpoint = NetworkEndpoint::from_ip(ip, 0, port);
            prop_assert_eq!(NetworkEndpoint::parse_with_port(&endpoint.to_string()), Ok(endpoint));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = NetworkEndpoint::parse(&text, 1, None);
            let _ = NetworkEndpoint::parse_with_port(&text);
        }
    }
}
