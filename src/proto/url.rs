//! `ws://` and `wss://` URLs (RFC 6455 §3, RFC 3986), as a WebSocket client needs them.
//!
//! No name is resolved, nothing is percent-encoded and no foreign script is converted: what
//! cannot be sent as it is written is refused with a text that says what to write.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::credentials::Credentials;

/// Bytes of the longest URL.
pub const URL_SIZE_MAX: usize = 8192;
/// Bytes of the longest host name (RFC 1035 §2.3.4, as text without the final dot).
pub const HOST_SIZE_MAX: usize = 253;
/// Port of `ws://` when the URL names none (RFC 6455 §3).
pub const PORT_DEFAULT: u16 = 80;
/// Port of `wss://` when the URL names none (RFC 6455 §3).
pub const PORT_DEFAULT_SECURE: u16 = 443;

/// The parts of a WebSocket URL.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct WebSocketUrl {
    /// `wss://`: TLS below.
    pub secure: bool,
    /// Host name in lower case, or IP literal without brackets.
    pub host: String,
    /// The URL's port, or its scheme's default; never 0.
    pub port: u16,
    /// Path and query as the HTTP request carries them ("resource name"); at least `/`.
    pub target: String,
    /// User and password in front of the host (RFC 3986 §3.2.1), which RFC 6455 has no place for:
    /// they become a header of the request.
    pub credentials: Option<Credentials>,
}

impl WebSocketUrl {
    /// Takes a URL apart. The scheme's case does not matter.
    ///
    /// # Errors
    /// [`UrlError`] says what to change.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.len() > URL_SIZE_MAX {
            return Err(UrlError::TooLong);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let secure = if scheme.eq_ignore_ascii_case("wss") {
            true
        } else if scheme.eq_ignore_ascii_case("ws") {
            false
        } else {
            return Err(UrlError::Scheme);
        };
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (user, address) = authority.rsplit_once('@').unwrap_or(("", authority));
        let credentials = Credentials::parse(user).map_err(|_| UrlError::UserInfo)?;
        let (host, port) = split_host_port(address)?;
        let port = port.unwrap_or(default_port(secure));
        let target = parse_target(target)?;
        Ok(Self { secure, host, port, target, credentials })
    }

    /// The value of the `Host` header (RFC 6455 §4.1 item 4): the port only if it is not the
    /// scheme's own, brackets around IPv6.
    #[must_use]
    pub fn host_header(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.has_default_port() { host } else { format!("{host}:{}", self.port) }
    }

    /// Whether the port is the one that its scheme means when none is named.
    #[must_use]
    pub const fn has_default_port(&self) -> bool {
        self.port == default_port(self.secure)
    }
}

/// The URL that parses to the same parts, but without user and password: they are secret.
impl fmt::Display for WebSocketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.host_header(), self.target)
    }
}

const fn default_port(secure: bool) -> u16 {
    if secure { PORT_DEFAULT_SECURE } else { PORT_DEFAULT }
}

/// Splits `host`, `host:port`, `[ipv6]` or `[ipv6]:port`; also the value of a `Host` header.
/// The host comes back in lower case and without brackets; an empty port counts as none
/// (RFC 3986 §3.2.3).
///
/// # Errors
/// [`UrlError`] says what to change.
pub fn split_host_port(text: &str) -> Result<(String, Option<u16>), UrlError> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or(UrlError::Ipv6)?;
            let ip: Ipv6Addr = host.parse().map_err(|_| UrlError::Ipv6)?;
            let port = match rest.strip_prefix(':') {
                Some(port) => port,
                None if rest.is_empty() => "",
                None => return Err(UrlError::Host),
            };
            (ip.to_string(), port)
        }
        None => {
            let (host, port) = text.split_once(':').unwrap_or((text, ""));
            if port.contains(':') {
                return Err(UrlError::Ipv6);
            }
            (parse_host(host)?, port)
        }
    };
    Ok((host, parse_port(port)?))
}

fn parse_port(text: &str) -> Result<Option<u16>, UrlError> {
    if text.is_empty() {
        return Ok(None);
    }
    // `u16::from_str` also takes "+80".
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(UrlError::Port);
    }
    match text.parse() {
        Ok(0) | Err(_) => Err(UrlError::Port),
        Ok(port) => Ok(Some(port)),
    }
}

fn parse_host(text: &str) -> Result<String, UrlError> {
    if text.is_empty() {
        return Err(UrlError::HostMissing);
    }
    if !text.is_ascii() {
        return Err(UrlError::HostNotAscii);
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let labels_are_fine = name.split('.').all(|label| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    });
    if !labels_are_fine || name.len() > HOST_SIZE_MAX {
        return Err(UrlError::Host);
    }
    // A last label of digits is an address; the system's resolver would guess at a broken one.
    let last = name.rsplit('.').next().unwrap_or(name);
    if last.bytes().all(|b| b.is_ascii_digit()) && name.parse::<Ipv4Addr>().is_err() {
        return Err(UrlError::Host);
    }
    Ok(text.to_ascii_lowercase())
}

fn parse_target(text: &str) -> Result<String, UrlError> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(UrlError::Target);
    }
    Ok(if text.starts_with('/') { text.to_owned() } else { format!("/{text}") })
}

/// Why a text is no WebSocket URL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UrlError {
    /// Above [`URL_SIZE_MAX`].
    TooLong,
    /// Neither `ws://` nor `wss://`.
    Scheme,
    /// A `#`, which RFC 6455 §3 forbids.
    Fragment,
    /// `user:password@` with a letter that must be percent-encoded.
    UserInfo,
    /// Nothing between `://` and the path.
    HostMissing,
    /// A host name in its own script.
    HostNotAscii,
    /// Not a host name.
    Host,
    /// Not an IPv6 literal in brackets.
    Ipv6,
    /// Not a number from 1 to 65535.
    Port,
    /// White space, a control character or a byte outside of ASCII in path or query.
    Target,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => {
                return write!(f, "the URL is longer than {URL_SIZE_MAX} bytes: shorten it");
            }
            Self::Scheme => "the URL must start with ws:// or wss://",
            Self::Fragment => {
                "a WebSocket URL has no fragment: remove the # and what follows, or write %23"
            }
            Self::UserInfo => {
                "percent-encode what is no plain letter in the URL's user or password"
            }
            Self::HostMissing => "the URL names no host: write ws://host:port/path",
            Self::HostNotAscii => {
                "the host name is not ASCII: write its international form, which starts with xn--"
            }
            Self::Host => {
                "the host is neither a name of letters, digits, hyphens and dots nor an IP address"
            }
            Self::Ipv6 => {
                "not an IPv6 address in brackets: write it as ws://[::1]:port/path, without a zone"
            }
            Self::Port => "the port is wrong: write a number from 1 to 65535",
            Self::Target => {
                "the path or query holds a space, a control character or a letter outside of \
                 ASCII: percent-encode it"
            }
        })
    }
}

impl std::error::Error for UrlError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(text: &str) -> (bool, String, u16, String) {
        let url = WebSocketUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        (url.secure, url.host, url.port, url.target)
    }

    fn error(text: &str) -> UrlError {
        WebSocketUrl::parse(text).expect_err(text)
    }

    #[test]
    fn the_parts_are_found() {
        let expected = (false, "example.com".into(), 80, "/".into());
        assert_eq!(parts("ws://example.com"), expected);
        assert_eq!(parts("WS://Example.COM/"), expected);
        assert_eq!(parts("ws://example.com:/"), expected);
        assert_eq!(
            parts("wss://h/a/b?c=d&e=%20"),
            (true, "h".into(), 443, "/a/b?c=d&e=%20".into())
        );
        assert_eq!(parts("wSs://h:8443?x"), (true, "h".into(), 8443, "/?x".into()));
        assert_eq!(
            parts("ws://127.0.0.1:9000/@:"),
            (false, "127.0.0.1".into(), 9000, "/@:".into())
        );
        assert_eq!(parts("ws://[0::1]:80/x"), (false, "::1".into(), 80, "/x".into()));
        assert_eq!(parts("ws://a_b.local.:1/"), (false, "a_b.local.".into(), 1, "/".into()));
    }

    #[test]
    fn the_host_header_leaves_the_default_port_out() {
        let header = |text| WebSocketUrl::parse(text).unwrap().host_header();
        assert_eq!(header("ws://h"), "h");
        assert_eq!(header("ws://h:80"), "h");
        assert_eq!(header("ws://h:443"), "h:443");
        assert_eq!(header("wss://h:443"), "h");
        assert_eq!(header("wss://h:80"), "h:80");
        assert_eq!(header("ws://[2001:DB8::1]/"), "[2001:db8::1]");
        assert_eq!(header("wss://[::1]:9"), "[::1]:9");
    }

    #[test]
    fn other_schemes_are_refused() {
        for text in ["", "ws:", "ws:/h", "http://h", "https://h", "h:80", "//h", " ws://h", "w://h"]
        {
            assert_eq!(error(text), UrlError::Scheme, "{text}");
        }
    }

    #[test]
    fn user_and_password_are_taken_out() {
        let url = WebSocketUrl::parse("ws://ann:b%40c@h:81/x@y").unwrap();
        assert_eq!((url.host.as_str(), url.target.as_str()), ("h", "/x@y"));
        let credentials = url.credentials.as_ref().unwrap();
        assert_eq!((credentials.user(), credentials.password()), ("ann", "b@c"));
        assert_eq!(url.to_string(), "ws://h:81/x@y");
        assert!(!format!("{url:?}").contains("ann"));
        assert_eq!(WebSocketUrl::parse("ws://@h/").unwrap().credentials, None);
        assert_eq!(error("ws://a%zz:b@h/"), UrlError::UserInfo);
        assert_eq!(error("ws://a b@h/"), UrlError::UserInfo);
        assert_eq!(error("ws://a@b@h/"), UrlError::UserInfo);
    }

    #[test]
    fn fragments_are_refused() {
        assert_eq!(error("ws://h/#"), UrlError::Fragment);
        assert_eq!(error("ws://h#a"), UrlError::Fragment);
        assert_eq!(error("ws://h/?a#b"), UrlError::Fragment);
    }

    #[test]
    fn broken_hosts_are_refused() {
        assert_eq!(error("ws://"), UrlError::HostMissing);
        assert_eq!(error("ws:///path"), UrlError::HostMissing);
        assert_eq!(error("ws://:80"), UrlError::HostMissing);
        assert_eq!(error("ws://bücher.example"), UrlError::HostNotAscii);
        for host in ["a b", "a%20b", "a..b", ".", "a\r\nb", "1.2.3.256", "1.2.3", "7", "a\\b"] {
            assert_eq!(error(&format!("ws://{host}/")), UrlError::Host, "{host}");
        }
        for host in ["::1", "[::1", "[1.2.3.4]", "[]", "[::1%25eth0]", "[v1.x]"] {
            assert_eq!(error(&format!("ws://{host}/")), UrlError::Ipv6, "{host}");
        }
        assert_eq!(error("ws://[::1]80/"), UrlError::Host);
        assert_eq!(parts(&format!("ws://{}", "a".repeat(HOST_SIZE_MAX))).2, 80);
        assert_eq!(error(&format!("ws://{}", "a".repeat(HOST_SIZE_MAX + 1))), UrlError::Host);
    }

    #[test]
    fn ports_outside_of_1_to_65535_are_refused() {
        assert_eq!(parts("ws://h:65535").2, 65535);
        for port in ["0", "65536", "+80", "-1", "8o", " 80", "99999999999999999999"] {
            assert_eq!(error(&format!("ws://h:{port}/")), UrlError::Port, "{port}");
        }
    }

    #[test]
    fn targets_that_would_break_the_request_are_refused() {
        for target in ["/a b", "/a\r\nHost: x", "/a\t", "/\0", "/\u{7f}", "/ü", "?q= "] {
            assert_eq!(error(&format!("ws://h{target}")), UrlError::Target, "{target:?}");
        }
    }

    #[test]
    fn the_length_has_a_limit() {
        let longest = format!("ws://h/{}", "a".repeat(URL_SIZE_MAX - 7));
        assert_eq!(parts(&longest).3.len(), URL_SIZE_MAX - 6);
        assert_eq!(error(&format!("{longest}a")), UrlError::TooLong);
    }

    #[test]
    fn host_header_values_are_split() {
        assert_eq!(split_host_port("H:8080"), Ok(("h".into(), Some(8080))));
        assert_eq!(split_host_port("h"), Ok(("h".into(), None)));
        assert_eq!(split_host_port("[::1]"), Ok(("::1".into(), None)));
        assert_eq!(split_host_port("[::1]:1"), Ok(("::1".into(), Some(1))));
    }

    proptest! {
        #[test]
        fn display_and_parse_are_inverse(
            scheme in "ws|wss|WSS",
            host in "\\[::[0-9a-f]{1,4}\\]|[A-Za-z][A-Za-z0-9-]{0,9}",
            port in "(:[1-9][0-9]{0,3})?",
            target in "([/?][!-\"$-~]{0,20})?",
        ) {
            let url = WebSocketUrl::parse(&format!("{scheme}://{host}{port}{target}")).unwrap();
            prop_assert_eq!(WebSocketUrl::parse(&url.to_string()), Ok(url));
        }

        #[test]
        fn no_text_panics(text in "(ws://)?.{0,40}") {
            let _ = WebSocketUrl::parse(&text);
        }
    }
}
