//! `ws://` and `wss://` URLs (RFC 6455 §3, RFC 3986), as a WebSocket client needs them.
//!
//! No name is resolved, nothing is percent-encoded and no foreign script is converted: what
//! cannot be sent as it is written is refused with a text that says what to write.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

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
    /// Path and query as the HTTP request carries them (RFC 6455 §3 "resource name"); at least `/`.
    pub target: String,
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
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let (host, port) = split_host_port(authority)?;
        let target = parse_target(target)?;
        Ok(Self {
            secure,
            host,
            port: port.unwrap_or(default_port(secure)),
            target,
        })
    }

    /// The value of the `Host` header (RFC 6455 §4.1 item 4): the port only if it is not the
    /// scheme's own, brackets around IPv6.
    #[must_use]
    pub fn host_header(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        if self.port == default_port(self.secure) {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }
}

/// The URL that parses to the same parts.
impl fmt::Display for WebSocketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.host_header(), self.target)
    }
}

const fn default_port(secure: bool) -> u16 {
    if secure {
        PORT_DEFAULT_SECURE
    } else {
        PORT_DEFAULT
    }
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
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
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
    Ok(if text.starts_with('/') {
        text.to_owned()
    } else {
        format!("/{text}")
    })
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
    /// `user:password@`, which RFC 6455 §3 has no place for.
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
                "a WebSocket URL carries no user or password: send them in a header or message"
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
