//! Who a proxy says that a request came from: `Forwarded` (RFC 7239), `X-Forwarded-For` and
//! `X-Forwarded-Proto`.
//!
//! It must not decide whom to trust: the caller names the proxies. What a client wrote itself is
//! at the left; each proxy appends at the right, so the way back starts there.

use std::net::{IpAddr, SocketAddr};

use super::is_token;
use crate::proto::cidr::{Cidr, any_contains};

/// Hops of one request that are read; more are refused.
pub const HOPS_MAX: usize = 64;

/// Who is at one end of a hop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Node {
    /// An address; the port is 0 where none was given.
    Address(SocketAddr),
    /// Not told: `unknown`, a name of the proxy's own making, or nothing.
    Hidden,
}

/// What one proxy says of the side that it was asked by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hop {
    /// Who asked.
    pub node: Node,
    /// Whether that came over TLS, where it is told.
    pub tls: Option<bool>,
}

/// The headers cannot be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ForwardedError {
    /// They break their grammar.
    Malformed,
    /// `Forwarded` and `X-Forwarded-For` name different clients: one of them is not the proxy's.
    Contradiction,
}

/// Where a request came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Client {
    /// The address of the last one on the way back that is no trusted proxy.
    pub address: SocketAddr,
    /// A trusted proxy says that it came over TLS.
    pub tls: bool,
}

/// Reads an address with or without port; IPv6 with or without brackets.
fn parse_node(text: &str) -> Option<Node> {
    if text.eq_ignore_ascii_case("unknown") {
        return Some(Node::Hidden);
    }
    if let Some(name) = text.strip_prefix('_') {
        // RFC 7239 §6.3, perhaps with a port, which may be obfuscated too.
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte);
        return (!name.is_empty() && name.bytes().all(fine)).then_some(Node::Hidden);
    }
    let (address, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            let address = address.parse().ok().map(IpAddr::V6)?;
            let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
            (address, port)
        }
        None => match text.split_once(':') {
            Some((address, port)) if !port.contains(':') => {
                (address.parse().ok().map(IpAddr::V4)?, Some(port))
            }
            _ => (text.parse::<IpAddr>().ok()?, None),
        },
    };
    let port = match port {
        // An obfuscated port (§6.3) says as much as none.
        Some(port) if port.len() > 1 && port.starts_with('_') => 0,
        Some(port) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            port.parse().ok()?
        }
        Some(_) => return None,
        None => 0,
    };
    Some(Node::Address(SocketAddr::new(address, port)))
}

/// Where to cut a text, quoted strings aside (RFC 9110 §5.6.4). `None`: a quote is not closed.
fn split_quoted(text: &str, separator: char) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, letter) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if quoted && letter == '\\' {
            escaped = true;
        } else if letter == '"' {
            quoted = !quoted;
        } else if letter == separator && !quoted {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    (!quoted).then_some(parts)
}

/// A token, or what a quoted string holds.
fn unquote(text: &str) -> Option<String> {
    let Some(rest) = text.strip_prefix('"') else {
        return is_token(text).then(|| text.to_owned());
    };
    let inner = rest.strip_suffix('"')?;
    let mut out = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.push(letters.next()?),
            '"' => return None,
            _ => out.push(letter),
        }
    }
    Some(out)
}

/// One element of `Forwarded`: `for=…;proto=…;…`.
fn parse_element(text: &str) -> Option<Hop> {
    let mut hop = Hop { node: Node::Hidden, tls: None };
    let mut seen: Vec<String> = Vec::new();
    for pair in split_quoted(text, ';')? {
        let pair = pair.trim_matches([' ', '\t']);
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (name.to_ascii_lowercase(), unquote(value)?);
        // RFC 7239 §4: each parameter once.
        if !is_token(&name) || seen.contains(&name) {
            return None;
        }
        match name.as_str() {
            "for" => hop.node = parse_node(&value)?,
            "proto" => hop.tls = Some(is_secure(&value)),
            _ => {}
        }
        seen.push(name);
    }
    Some(hop)
}

fn is_secure(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss")
}

/// The hops of a `Forwarded` header, the one next to the client first.
#[must_use]
pub fn parse_forwarded(value: &str) -> Option<Vec<Hop>> {
    let elements = split_quoted(value, ',')?.into_iter();
    let elements = elements.map(|text| text.trim_matches([' ', '\t']));
    elements.filter(|text| !text.is_empty()).map(parse_element).collect()
}

/// The hops of an `X-Forwarded-For` header, the one next to the client first.
#[must_use]
pub fn parse_x_forwarded_for(value: &str) -> Option<Vec<Hop>> {
    let elements = value.split(',').map(|text| text.trim_matches([' ', '\t']));
    let elements = elements.filter(|text| !text.is_empty());
    elements.map(|text| parse_node(text).map(|node| Hop { node, tls: None })).collect()
}

/// Goes back from `peer` as long as the last one reached is trusted and says who asked it. Whether
/// that one came over TLS only its own hop tells, not those behind it.
fn walk(peer: SocketAddr, trusted: &[Cidr], hops: &[Hop]) -> (SocketAddr, Option<bool>) {
    let (mut client, mut tls) = (peer, None);
    for hop in hops.iter().rev() {
        if !any_contains(trusted, client.ip()) {
            break;
        }
        let Node::Address(address) = hop.node else {
            break;
        };
        (client, tls) = (address, hop.tls);
    }
    (client, tls)
}

/// Finds the client of a request that `peer` sent. Headers count only when `peer` is trusted.
///
/// # Errors
/// [`ForwardedError`]: a trusted proxy sent something that cannot be believed.
pub fn find_client<'a>(
    peer: SocketAddr,
    trusted: &[Cidr],
    headers: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Client, ForwardedError> {
    let nobody = Client { address: peer, tls: false };
    if !any_contains(trusted, peer.ip()) {
        return Ok(nobody);
    }
    let (mut forwarded, mut listed) = (Vec::new(), Vec::new());
    let mut scheme = None;
    for (name, value) in headers {
        // Several headers of one name are one list (RFC 9110 §5.3).
        if name.eq_ignore_ascii_case("forwarded") {
            forwarded.extend(parse_forwarded(value).ok_or(ForwardedError::Malformed)?);
        } else if name.eq_ignore_ascii_case("x-forwarded-for") {
            listed.extend(parse_x_forwarded_for(value).ok_or(ForwardedError::Malformed)?);
        } else if name.eq_ignore_ascii_case("x-forwarded-proto") {
            scheme = value.rsplit(',').next().map(|text| is_secure(text.trim()));
        }
    }
    if forwarded.len().max(listed.len()) > HOPS_MAX {
        return Err(ForwardedError::Malformed);
    }
    let (one, other) = (walk(peer, trusted, &forwarded), walk(peer, trusted, &listed));
    let both = !forwarded.is_empty() && !listed.is_empty();
    // A proxy that writes one of the two hands the other on as the client wrote it.
    if both && one.0.ip() != other.0.ip() {
        return Err(ForwardedError::Contradiction);
    }
    let (address, tls) = if forwarded.is_empty() { other } else { one };
    // Where `Forwarded` tells of TLS, the other header may be the client's own.
    Ok(Client { address, tls: tls.or(scheme).unwrap_or(false) })
}

/// Fuzz body: any text as both headers of a request from a trusted proxy.
///
/// # Panics
/// When a promise is broken.
#[cfg(any(test, feature = "fuzzing"))]
pub fn fuzz_forwarded(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (one, other) = text.split_once('\n').unwrap_or((text, ""));
    let peer: SocketAddr = ([127, 0, 0, 1], 9).into();
    let trusted = ["127.0.0.1", "10.0.0.0/8"].map(|text| Cidr::parse(text).expect("is a block"));
    let headers = [("Forwarded", one), ("X-Forwarded-For", other)];
    if let Ok(client) = find_client(peer, &trusted, headers.into_iter()) {
        let hops = [parse_forwarded(one), parse_x_forwarded_for(other)];
        let mut told = hops.into_iter().flatten().flatten().map(|hop| hop.node);
        let known =
            client.address == peer || told.any(|node| node == Node::Address(client.address));
        assert!(known, "{client:?} is nobody that was named");
    }
    // A stranger's word counts for nothing.
    let stranger: SocketAddr = ([192, 0, 2, 1], 9).into();
    let client = find_client(stranger, &trusted, headers.into_iter());
    assert_eq!(client, Ok(Client { address: stranger, tls: false }));
    for (name, _) in super::cookies(text) {
        assert!(!name.is_empty());
    }
    if let Some(origin) = super::Origin::parse(one) {
        assert_eq!(Some(origin), super::Origin::parse(one.trim()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> Node {
        Node::Address(text.parse().unwrap())
    }

    fn nodes(hops: Option<Vec<Hop>>) -> Vec<Node> {
        hops.expect("is well formed").into_iter().map(|hop| hop.node).collect()
    }

    /// The client behind 127.0.0.1, where that and 10.0.0.0/8 are trusted.
    fn find(headers: &[(&str, &str)]) -> Result<String, ForwardedError> {
        let trusted = ["127.0.0.1", "10.0.0.0/8"].map(|text| Cidr::parse(text).unwrap());
        let peer = "127.0.0.1:40000".parse().unwrap();
        let client = find_client(peer, &trusted, headers.iter().copied())?;
        Ok(format!("{}{}", client.address, if client.tls { " tls" } else { "" }))
    }

    #[test]
    fn the_examples_of_rfc_7239_are_read() {
        assert_eq!(nodes(parse_forwarded("for=\"_gazonk\"")), [Node::Hidden]);
        let v6 = "For=\"[2001:db8:cafe::17]:4711\"";
        assert_eq!(nodes(parse_forwarded(v6)), [address("[2001:db8:cafe::17]:4711")]);
        let hops = parse_forwarded("for=192.0.2.60;proto=http;by=203.0.113.43").unwrap();
        assert_eq!(hops, [Hop { node: address("192.0.2.60:0"), tls: Some(false) }]);
        let two = nodes(parse_forwarded("for=192.0.2.43, for=198.51.100.17"));
        assert_eq!(two, [address("192.0.2.43:0"), address("198.51.100.17:0")]);
        let hidden = "for=_SEVKISEK, for=unknown;by=\"a,b;\\\"c\", by=x";
        assert_eq!(nodes(parse_forwarded(hidden)), [Node::Hidden; 3]);
        assert_eq!(nodes(parse_forwarded("for=\"192.0.2.43:_p1\"")), [address("192.0.2.43:0")]);
    }

    #[test]
    fn lists_of_addresses_are_read() {
        let value = "203.0.113.195, 2001:db8::1,[2001:db8::2]:80 ,192.0.2.1:99, unknown,";
        let expected = [
            address("203.0.113.195:0"),
            address("[2001:db8::1]:0"),
            address("[2001:db8::2]:80"),
            address("192.0.2.1:99"),
            Node::Hidden,
        ];
        assert_eq!(nodes(parse_x_forwarded_for(value)), expected);
    }

    #[test]
    fn broken_headers_are_refused() {
        for value in [
            "for",
            "for=",
            "for=1.2.3.4.5",
            "for=[::1]",
            "for=\"[::1\"",
            "for=\"::1]\"",
            "for=\"1.2.3.4",
            "for=\"1.2.3.4\"x",
            "for=1.2.3.4;for=1.2.3.4",
            "for =1.2.3.4",
            "for=\"1.2.3.4:\"",
            "for=\"1.2.3.4:70000\"",
            "for=\"_\"",
            "proto=a b",
        ] {
            assert_eq!(parse_forwarded(value), None, "{value:?}");
        }
        for value in
            ["x", "1.2.3", "1.2.3.4 5.6.7.8", "::1:", "[::1]80", "1.2.3.4:+1", "\"1.2.3.4\""]
        {
            assert_eq!(parse_x_forwarded_for(value), None, "{value:?}");
        }
    }

    #[test]
    fn the_way_back_ends_at_the_first_stranger() {
        let through = |list: &str| find(&[("X-Forwarded-For", list)]).unwrap();
        assert_eq!(through("192.0.2.1"), "192.0.2.1:0");
        assert_eq!(through("192.0.2.1, 10.1.1.1"), "192.0.2.1:0");
        assert_eq!(through("6.6.6.6, 192.0.2.1"), "192.0.2.1:0", "the client's own invention");
        assert_eq!(through("6.6.6.6, 192.0.2.1, 10.1.1.1"), "192.0.2.1:0");
        assert_eq!(through("10.2.2.2, 10.1.1.1"), "10.2.2.2:0", "all of them trusted");
        assert_eq!(through("192.0.2.1, unknown"), "127.0.0.1:40000", "the proxy does not tell");
        assert_eq!(through(""), "127.0.0.1:40000");
        let forwarded = find(&[("Forwarded", "for=\"192.0.2.1:5\";proto=https, for=10.0.0.1")]);
        assert_eq!(forwarded.unwrap(), "192.0.2.1:5 tls");
    }

    #[test]
    fn several_headers_are_one_list_and_the_scheme_may_stand_apart() {
        let headers = [
            ("x-forwarded-for", "192.0.2.9"),
            ("Host", "a"),
            ("X-FORWARDED-FOR", "10.1.1.1"),
            ("X-Forwarded-Proto", "http, HTTPS"),
        ];
        assert_eq!(find(&headers).unwrap(), "192.0.2.9:0 tls");
        assert_eq!(find(&[("X-Forwarded-Proto", "http")]).unwrap(), "127.0.0.1:40000");
    }

    #[test]
    fn tls_is_believed_of_the_clients_own_way_alone() {
        let found = |forwarded, scheme| {
            find(&[("Forwarded", forwarded), ("X-Forwarded-Proto", scheme)]).unwrap()
        };
        assert_eq!(found("for=192.0.2.1;proto=http", "https"), "192.0.2.1:0");
        assert_eq!(found("for=192.0.2.1;proto=https", "http"), "192.0.2.1:0 tls");
        assert_eq!(found("for=192.0.2.1", "https"), "192.0.2.1:0 tls");
        // The proxies speak TLS with each other; of the client nobody says so.
        let between = find(&[("Forwarded", "for=192.0.2.1, for=10.0.0.1;proto=https")]);
        assert_eq!(between.unwrap(), "192.0.2.1:0");
    }

    #[test]
    fn two_headers_that_differ_are_not_believed() {
        let one = ("Forwarded", "for=6.6.6.6");
        let verdict = find(&[one, ("X-Forwarded-For", "192.0.2.1")]);
        assert_eq!(verdict, Err(ForwardedError::Contradiction));
        assert_eq!(find(&[one, ("X-Forwarded-For", "6.6.6.6:9")]).unwrap(), "6.6.6.6:0");
        assert_eq!(find(&[("X-Forwarded-For", "x")]), Err(ForwardedError::Malformed));
        let many = "10.0.0.1,".repeat(HOPS_MAX + 1);
        assert_eq!(find(&[("X-Forwarded-For", &many)]), Err(ForwardedError::Malformed));
    }

    proptest! {
        #[test]
        fn any_text_gets_a_verdict(text: String) {
            fuzz_forwarded(text.as_bytes());
        }

        #[test]
        fn words_of_the_grammar_get_a_verdict(words in prop::collection::vec(0usize..12, 0..20)) {
            const WORDS: [&str; 12] = [
                "for=", "proto=https", ";", ",", "\"", "\\", "10.0.0.1", "[::1]:8", "_x", " ",
                "unknown", "\n",
            ];
            let text: String = words.into_iter().map(|word| WORDS[word]).collect();
            fuzz_forwarded(text.as_bytes());
        }

        #[test]
        fn addresses_come_through_both_headers(ip: u128, port: u16, four: bool) {
            let ip = if four { IpAddr::V4((ip as u32).into()) } else { IpAddr::V6(ip.into()) };
            let address = SocketAddr::new(ip, port);
            let hop = Hop { node: Node::Address(address), tls: None };
            let quoted = format!("for=\"{address}\"");
            prop_assert_eq!(parse_forwarded(&quoted), Some(vec![hop]));
            prop_assert_eq!(parse_x_forwarded_for(&address.to_string()), Some(vec![hop]));
        }
    }
}
