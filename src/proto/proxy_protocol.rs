//! The PROXY protocol, versions 1 and 2: how a proxy says in the first bytes of a stream whose
//! stream it is. Source: HAProxy's "The PROXY protocol", chapter 2.
//!
//! It must not decide whom to believe: that is the caller's, who knows the proxies.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Bytes of the longest version 1 line, CR LF included (§2.1).
pub const LINE_SIZE_MAX: usize = 107;
/// Bytes of the longest version 2 header that is read: addresses and the proxy's additions.
pub const HEADER_SIZE_MAX: usize = 4096;

/// The first bytes of version 2.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes in front of the addresses of version 2.
const FIXED_SIZE: usize = SIGNATURE.len() + 4;
/// The first bytes of version 1.
const LINE_START: &[u8] = b"PROXY ";

/// What a proxy says of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ProxyHeader {
    /// The client and the address that it connected to; `None` when the proxy does not know, or
    /// speaks for itself (a health check).
    pub addresses: Option<(SocketAddr, SocketAddr)>,
    /// The client came over TLS (version 2 only).
    pub tls: bool,
}

/// Why the first bytes are no PROXY header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProxyError {
    /// They start otherwise: this is another protocol.
    Missing,
    /// They break the format; says how.
    Malformed(&'static str),
    /// Longer than [`LINE_SIZE_MAX`] or [`HEADER_SIZE_MAX`].
    TooLarge,
}

/// Reads the header at the start of `input`. `Ok(None)` means that more bytes are needed,
/// `Ok(Some((header, consumed)))` that the header took `consumed` bytes.
///
/// # Errors
/// [`ProxyError`]: the stream cannot go on.
pub fn parse(input: &[u8]) -> Result<Option<(ProxyHeader, usize)>, ProxyError> {
    let starts = |with: &[u8]| {
        let count = with.len().min(input.len());
        input[..count] == with[..count]
    };
    if input.is_empty() {
        Ok(None)
    } else if starts(&SIGNATURE) {
        parse_binary(input)
    } else if starts(LINE_START) {
        parse_line(input)
    } else {
        Err(ProxyError::Missing)
    }
}

/// Version 1: one line of text.
fn parse_line(input: &[u8]) -> Result<Option<(ProxyHeader, usize)>, ProxyError> {
    let window = &input[..input.len().min(LINE_SIZE_MAX)];
    let Some(end) = window.iter().position(|&byte| byte == b'\n') else {
        let full = window.len() == LINE_SIZE_MAX;
        return if full { Err(ProxyError::TooLarge) } else { Ok(None) };
    };
    let line = window[..end].strip_suffix(b"\r").and_then(|line| line.strip_prefix(LINE_START));
    let line = line.ok_or(ProxyError::Malformed("the line does not end with CR LF"))?;
    let text = std::str::from_utf8(line).map_err(|_| ProxyError::Malformed("not ASCII"))?;
    let mut words = text.split(' ');
    let addresses = match words.next() {
        // What follows is to be ignored (§2.1).
        Some("UNKNOWN") => None,
        Some("TCP4") => {
            Some(line_addresses(words, |text| text.parse::<Ipv4Addr>().ok().map(IpAddr::V4))?)
        }
        Some("TCP6") => {
            Some(line_addresses(words, |text| text.parse::<Ipv6Addr>().ok().map(IpAddr::V6))?)
        }
        _ => return Err(ProxyError::Malformed("the family is not TCP4, TCP6 or UNKNOWN")),
    };
    Ok(Some((ProxyHeader { addresses, tls: false }, end + 1)))
}

fn line_addresses<'a>(
    mut words: impl Iterator<Item = &'a str>,
    address: impl Fn(&str) -> Option<IpAddr>,
) -> Result<(SocketAddr, SocketAddr), ProxyError> {
    let mut next = || words.next().unwrap_or_default();
    let (source, destination) = (address(next()), address(next()));
    let (source_port, destination_port) = (port(next()), port(next()));
    let over = words.next().is_none();
    match (source, destination, source_port, destination_port) {
        (Some(source), Some(destination), Some(from), Some(to)) if over => {
            Ok((SocketAddr::new(source, from), SocketAddr::new(destination, to)))
        }
        _ => Err(ProxyError::Malformed("bad addresses or ports")),
    }
}

/// A port as the format writes it: no sign, no leading zeros.
fn port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let short = !text.starts_with('0') || text == "0";
    if plain && short { text.parse().ok() } else { None }
}

/// Version 2: a fixed part, addresses, additions.
fn parse_binary(input: &[u8]) -> Result<Option<(ProxyHeader, usize)>, ProxyError> {
    let Some(fixed) = input.first_chunk::<FIXED_SIZE>() else {
        return Ok(None);
    };
    let [.., command, family, high, low] = *fixed;
    let size = FIXED_SIZE + usize::from(u16::from_be_bytes([high, low]));
    let local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err(ProxyError::Malformed("neither LOCAL nor PROXY of version 2")),
    };
    if size > HEADER_SIZE_MAX {
        return Err(ProxyError::TooLarge);
    }
    let Some(rest) = input.get(FIXED_SIZE..size) else {
        return Ok(None);
    };
    if local {
        // The proxy speaks for itself; the rest is to be skipped (§2.2).
        return Ok(Some((ProxyHeader::default(), size)));
    }
    let short = ProxyError::Malformed("the addresses are not whole");
    let (addresses, additions) = match family {
        0x11 => {
            let (block, rest) = rest.split_first_chunk::<12>().ok_or(short)?;
            (Some(ipv4_pair(block)), rest)
        }
        0x21 => {
            let (block, rest) = rest.split_first_chunk::<36>().ok_or(short)?;
            (Some(ipv6_pair(block)), rest)
        }
        // UNSPEC, datagrams and UNIX sockets: no address that a stream of ours could have.
        0x00 | 0x12 | 0x22 | 0x31 | 0x32 => (None, &[][..]),
        _ => return Err(ProxyError::Malformed("an unknown family or protocol")),
    };
    let tls = read_additions(additions)?;
    Ok(Some((ProxyHeader { addresses, tls }, size)))
}

const fn ipv4_pair(block: &[u8; 12]) -> (SocketAddr, SocketAddr) {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *block;
    (
        SocketAddr::new(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), u16::from_be_bytes([i, j])),
        SocketAddr::new(IpAddr::V4(Ipv4Addr::new(e, f, g, h)), u16::from_be_bytes([k, l])),
    )
}

fn ipv6_pair(block: &[u8; 36]) -> (SocketAddr, SocketAddr) {
    let address = |at: usize| {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&block[at..at + 16]);
        IpAddr::V6(bytes.into())
    };
    let port = |at: usize| u16::from_be_bytes([block[at], block[at + 1]]);
    (SocketAddr::new(address(0), port(32)), SocketAddr::new(address(16), port(34)))
}

/// Walks the additions (§2.2: type, length, value); says whether one tells of TLS.
fn read_additions(mut rest: &[u8]) -> Result<bool, ProxyError> {
    const TYPE_SSL: u8 = 0x20;
    const CLIENT_SSL: u8 = 1;
    let mut tls = false;
    while !rest.is_empty() {
        let broken = ProxyError::Malformed("an addition is not whole");
        let (&[kind, high, low], after) = rest.split_first_chunk::<3>().ok_or(broken)?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (value, after) = after.split_at_checked(length).ok_or(broken)?;
        if kind == TYPE_SSL {
            tls |= value.first().is_some_and(|bits| bits & CLIENT_SSL != 0);
        }
        rest = after;
    }
    Ok(tls)
}

/// Fuzz body: any bytes as the start of a stream.
///
/// # Panics
/// When the parser breaks a promise.
#[cfg(any(test, feature = "fuzzing"))]
pub fn fuzz_proxy_protocol(data: &[u8]) {
    let whole = parse(data);
    for end in 0..data.len() {
        let part = parse(&data[..end]);
        if part != Ok(None) {
            assert_eq!(part, whole, "the verdict at {end} is not the last one");
            break;
        }
    }
    if let Ok(Some((header, size))) = whole {
        assert!(size <= data.len() && size <= HEADER_SIZE_MAX);
        if let Some((source, destination)) = header.addresses {
            assert_eq!(source.is_ipv4(), destination.is_ipv4());
        }
        assert_eq!(parse(&data[..size]), whole);
    }
    if whole == Ok(None) {
        assert!(data.len() < HEADER_SIZE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pair(source: &str, destination: &str) -> ProxyHeader {
        let addresses = (source.parse().unwrap(), destination.parse().unwrap());
        ProxyHeader { addresses: Some(addresses), tls: false }
    }

    /// A version 2 header.
    fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = (rest.len() as u16).to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    #[test]
    fn lines_have_their_golden_meaning() {
        let line = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET /";
        let expected = pair("192.0.2.7:56324", "198.51.100.1:443");
        assert_eq!(parse(line), Ok(Some((expected, line.len() - 5))));
        let line = b"PROXY TCP6 2001:db8::7 ::1 1 65535\r\n";
        assert_eq!(parse(line), Ok(Some((pair("[2001:db8::7]:1", "[::1]:65535"), line.len()))));
        let nobody = ProxyHeader::default();
        assert_eq!(parse(b"PROXY UNKNOWN\r\nG"), Ok(Some((nobody, 15))));
        let line = b"PROXY UNKNOWN ffff:: ffff:: what ever\r\n";
        assert_eq!(parse(line), Ok(Some((nobody, line.len()))));
    }

    #[test]
    fn binary_headers_have_their_golden_meaning() {
        let four = [192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb];
        let expected = pair("192.0.2.7:56324", "198.51.100.1:443");
        let bytes = binary(0x21, 0x11, &four);
        assert_eq!(bytes[..16], *b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c");
        assert_eq!(parse(&[&bytes[..], b"GET"].concat()), Ok(Some((expected, 28))));
        let mut six = [0; 36];
        six[..2].copy_from_slice(&[0x20, 0x01]);
        six[31..].copy_from_slice(&[1, 0, 9, 0, 80]);
        let bytes = binary(0x21, 0x21, &six);
        assert_eq!(parse(&bytes), Ok(Some((pair("[2001::]:9", "[::1]:80"), 52))));
        let nobody = Ok(Some((ProxyHeader::default(), 28)));
        assert_eq!(parse(&binary(0x20, 0x00, &four)), nobody, "the proxy itself");
        assert_eq!(parse(&binary(0x21, 0x00, &four)), nobody, "unknown");
        let socket = binary(0x21, 0x31, &[0; 216]);
        assert_eq!(parse(&socket), Ok(Some((ProxyHeader::default(), 232))), "a UNIX socket");
    }

    #[test]
    fn additions_tell_of_tls() {
        let mut rest = vec![0; 12];
        rest.extend(b"\x04\0\x02xx\x20\0\x05\x01\0\0\0\0");
        let (header, _) = parse(&binary(0x21, 0x11, &rest)).unwrap().unwrap();
        assert!(header.tls);
        let last = rest.len() - 5;
        rest[last] = 0;
        assert!(!parse(&binary(0x21, 0x11, &rest)).unwrap().unwrap().0.tls);
        rest.pop();
        assert!(matches!(parse(&binary(0x21, 0x11, &rest)), Err(ProxyError::Malformed(_))));
    }

    #[test]
    fn every_prefix_asks_for_more() {
        let line = b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n".to_vec();
        for whole in [line, binary(0x21, 0x11, &[7; 12])] {
            for end in 0..whole.len() {
                assert_eq!(parse(&whole[..end]), Ok(None), "{end} of {whole:?}");
            }
        }
    }

    #[test]
    fn other_first_bytes_are_refused() {
        for other in
            [&b"GET / HTTP/1.1\r\n"[..], b"\x16\x03\x01", b"\r\n\r\n\0\r\nQUIT\r", b"PROXY\t"]
        {
            assert_eq!(parse(other), Err(ProxyError::Missing), "{other:?}");
        }
        let lines = [
            "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
            "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
            "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
            "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
            "PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n",
            "PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n",
            "PROXY TCP4 ::1 ::1 1 2\r\n",
            "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n",
            "PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n",
            "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
            "PROXY \r\n",
        ];
        for line in lines {
            let verdict = parse(line.as_bytes());
            assert!(matches!(verdict, Err(ProxyError::Malformed(_))), "{line:?} {verdict:?}");
        }
        for (command, family, rest) in
            [(0x11, 0x11, 12), (0x22, 0x11, 12), (0x21, 0x11, 11), (0x21, 0x21, 35), (0x21, 1, 0)]
        {
            let verdict = parse(&binary(command, family, &vec![0; rest]));
            assert!(matches!(verdict, Err(ProxyError::Malformed(_))), "{command:x} {family:x}");
        }
    }

    #[test]
    fn endless_headers_are_refused_before_they_are_stored() {
        let line = [&b"PROXY UNKNOWN "[..], &[b'x'; LINE_SIZE_MAX]].concat();
        assert_eq!(parse(&line), Err(ProxyError::TooLarge));
        assert_eq!(parse(&line[..LINE_SIZE_MAX - 1]), Ok(None));
        let size = (HEADER_SIZE_MAX - FIXED_SIZE + 1) as u16;
        let [high, low] = size.to_be_bytes();
        let start = [&SIGNATURE[..], &[0x21, 0x11, high, low]].concat();
        assert_eq!(parse(&start), Err(ProxyError::TooLarge));
    }

    proptest! {
        #[test]
        fn any_bytes_get_a_verdict(start in 0usize..3, bytes: Vec<u8>) {
            let start = [&b""[..], &SIGNATURE, LINE_START][start];
            fuzz_proxy_protocol(&[start, &bytes].concat());
        }

        #[test]
        fn what_is_written_is_read(source: (u32, u16), destination: (u32, u16)) {
            let address = |(ip, port): (u32, u16)| SocketAddr::new(IpAddr::V4(ip.into()), port);
            let (from, to) = (address(source), address(destination));
            let line = format!(
                "PROXY TCP4 {} {} {} {}\r\n", from.ip(), to.ip(), from.port(), to.port());
            let header = ProxyHeader { addresses: Some((from, to)), tls: false };
            prop_assert_eq!(parse(line.as_bytes()), Ok(Some((header, line.len()))));
        }
    }
}
