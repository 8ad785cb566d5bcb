//! Proxies that a client goes through: which one (a URL, exceptions, the environment), and the
//! conversation that opens a tunnel to the server (HTTP CONNECT, SOCKS 4, 4a and 5).
//!
//! It must not read the environment or a socket: variables and bytes come in as arguments.

mod exceptions;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod socks4;
mod socks5;
mod tunnel;

use std::fmt;

use super::credentials::Credentials;
use super::url::{UrlError, WebSocketUrl, split_host_port};

pub use exceptions::Exceptions;
pub use tunnel::{Tunnel, TunnelError};

/// Port of an `http://` proxy whose URL names none.
pub const PORT_DEFAULT_HTTP: u16 = 80;
/// Port of an `https://` proxy whose URL names none.
pub const PORT_DEFAULT_HTTPS: u16 = 443;
/// Port of a SOCKS proxy whose URL names none (RFC 1928 §3).
pub const PORT_DEFAULT_SOCKS: u16 = 1080;
/// Bytes of the longest user and the longest password of SOCKS5 (RFC 1929 §2).
pub const SOCKS5_CREDENTIAL_MAX: usize = 255;

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP/1.1 with CONNECT (RFC 9110 §9.3.6).
    Http,
    /// The same inside of TLS.
    Https,
    /// SOCKS 4, which knows addresses of IPv4 only.
    Socks4,
    /// SOCKS 4a; the proxy looks names up.
    Socks4a,
    /// SOCKS 5 (RFC 1928); the proxy looks names up.
    Socks5,
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyUrl {
    /// What it speaks.
    pub kind: ProxyKind,
    /// Host name in lower case, or IP literal without brackets.
    pub host: String,
    /// Its port; never 0.
    pub port: u16,
    /// Who we are to it.
    pub credentials: Option<Credentials>,
}

impl ProxyUrl {
    /// Reads `http://user:password@host:port`, `https://…`, `socks5://…` (also `socks5h://…`),
    /// `socks4a://user@host:port` or `socks4://…`. Without a scheme it is HTTP, as variables of the
    /// environment often have it.
    ///
    /// # Errors
    /// [`ProxyUrlError`] says what to change.
    pub fn parse(text: &str) -> Result<Self, ProxyUrlError> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let (kind, port_default) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (ProxyKind::Http, PORT_DEFAULT_HTTP),
            "https" => (ProxyKind::Https, PORT_DEFAULT_HTTPS),
            "socks4" => (ProxyKind::Socks4, PORT_DEFAULT_SOCKS),
            "socks4a" => (ProxyKind::Socks4a, PORT_DEFAULT_SOCKS),
            "socks5" | "socks5h" => (ProxyKind::Socks5, PORT_DEFAULT_SOCKS),
            _ => return Err(ProxyUrlError::Scheme),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, address) = rest.rsplit_once('@').unwrap_or(("", rest));
        let credentials = Credentials::parse(user).map_err(|_| ProxyUrlError::Credentials)?;
        if kind == ProxyKind::Socks5
            && credentials.as_ref().is_some_and(|credentials| !socks5::can_carry(credentials))
        {
            return Err(ProxyUrlError::Socks5Credentials);
        }
        let is_socks4 = matches!(kind, ProxyKind::Socks4 | ProxyKind::Socks4a);
        if is_socks4 && credentials.as_ref().is_some_and(|own| !own.password().is_empty()) {
            return Err(ProxyUrlError::Socks4Password);
        }
        let (host, port) = split_host_port(address).map_err(ProxyUrlError::Address)?;
        Ok(Self { kind, host, port: port.unwrap_or(port_default), credentials })
    }
}

/// The URL without the credentials.
impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            ProxyKind::Http => "http",
            ProxyKind::Https => "https",
            ProxyKind::Socks4 => "socks4",
            ProxyKind::Socks4a => "socks4a",
            ProxyKind::Socks5 => "socks5",
        };
        write!(f, "{scheme}://{}", Authority { host: &self.host, port: self.port })
    }
}

/// `host:port` as CONNECT names it, with brackets around IPv6.
#[must_use]
pub fn authority(host: &str, port: u16) -> String {
    Authority { host, port }.to_string()
}

struct Authority<'a> {
    host: &'a str,
    port: u16,
}

impl fmt::Display for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Why a text names no proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyUrlError {
    /// None of `http://`, `https://`, `socks4://`, `socks4a://`, `socks5://`.
    Scheme,
    /// Not a host, or not a port.
    Address(UrlError),
    /// User and password are not percent-encoded.
    Credentials,
    /// User or password is empty or too long for SOCKS5.
    Socks5Credentials,
    /// SOCKS4 has no passwords.
    Socks4Password,
}

impl fmt::Display for ProxyUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str(
                "a proxy's URL starts with http://, https://, socks4://, socks4a:// or socks5://",
            ),
            Self::Address(error) => write!(f, "the proxy's address is wrong: {error}"),
            Self::Credentials => f.write_str(
                "percent-encode what is no plain letter in the proxy's user or password",
            ),
            Self::Socks4Password => f.write_str("SOCKS4 takes a user and no password"),
            Self::Socks5Credentials => write!(
                f,
                "SOCKS5 takes a user and a password of 1 to {SOCKS5_CREDENTIAL_MAX} bytes each"
            ),
        }
    }
}

impl std::error::Error for ProxyUrlError {}

/// The proxies of a client, and for whom there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `ws://`.
    pub plain: Option<ProxyUrl>,
    /// For `wss://`.
    pub secure: Option<ProxyUrl>,
    /// Servers that are reached directly.
    pub exceptions: Exceptions,
}

impl Proxies {
    /// The proxy for a URL; `None` when it is reached directly.
    #[must_use]
    pub fn for_url(&self, url: &WebSocketUrl) -> Option<&ProxyUrl> {
        let proxy = if url.secure { &self.secure } else { &self.plain };
        proxy.as_ref().filter(|_| !self.exceptions.contains(&url.host, url.port))
    }

    /// The proxies that the environment names. `variable` reads one of its variables; empty ones
    /// count as none, and those in lower case go first.
    ///
    /// # Errors
    /// [`ProxyUrlError`], when one of them names a proxy that cannot be used: connecting without
    /// it could show what should be hidden.
    pub fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ProxyUrlError> {
        let first = |names: &[&str]| {
            let mut values = names.iter().filter_map(|name| variable(name));
            values.find(|value| !value.trim().is_empty()).map(|value| value.trim().to_owned())
        };
        // In a CGI program, HTTP_PROXY is a header of whoever asks ("httpoxy").
        let in_cgi = variable("REQUEST_METHOD").is_some();
        let plain: &[&str] = if in_cgi { &["http_proxy"] } else { &["http_proxy", "HTTP_PROXY"] };
        let all = || first(&["all_proxy", "ALL_PROXY"]);
        let parse = |text: Option<String>| text.map(|text| ProxyUrl::parse(&text)).transpose();
        Ok(Self {
            plain: parse(first(plain).or_else(all))?,
            secure: parse(first(&["https_proxy", "HTTPS_PROXY"]).or_else(all))?,
            exceptions: Exceptions::parse(&first(&["no_proxy", "NO_PROXY"]).unwrap_or_default()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(text: &str) -> Result<ProxyUrl, ProxyUrlError> {
        ProxyUrl::parse(text)
    }

    #[test]
    fn the_parts_are_found() {
        let full = proxy("http://ann:b%40c@Proxy.example:3128/").unwrap();
        assert_eq!(
            (full.kind, full.host.as_str(), full.port),
            (ProxyKind::Http, "proxy.example", 3128)
        );
        let credentials = full.credentials.as_ref().unwrap();
        assert_eq!((credentials.user(), credentials.password()), ("ann", "b@c"));
        assert_eq!(full.to_string(), "http://proxy.example:3128");
        let bare = proxy("10.0.0.1:8080").unwrap();
        assert_eq!((bare.kind, bare.port, bare.credentials), (ProxyKind::Http, 8080, None));
        assert_eq!(proxy("http://p").unwrap().port, 80);
        let socks = proxy("SOCKS5://[::1]").unwrap();
        assert_eq!((socks.kind, socks.host.as_str(), socks.port), (ProxyKind::Socks5, "::1", 1080));
        assert_eq!(proxy("socks5h://p:1").unwrap().to_string(), "socks5://p:1");
        let secure = proxy("https://ann:b@p").unwrap();
        assert_eq!((secure.kind, secure.port), (ProxyKind::Https, 443));
        let old = proxy("socks4a://ann@p").unwrap();
        assert_eq!((old.kind, old.port), (ProxyKind::Socks4a, 1080));
        for text in ["https://p:1", "socks4://p:1", "socks4a://p:1"] {
            assert_eq!(proxy(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused() {
        for text in ["socks://p", "socks6://p", "ftp://p:1", "://p"] {
            assert_eq!(proxy(text), Err(ProxyUrlError::Scheme), "{text}");
        }
        for text in
            ["", "http://", "http://p:0", "http://p/path", "http://::1", "http://p?q", "a b"]
        {
            assert!(matches!(proxy(text), Err(ProxyUrlError::Address(_))), "{text}");
        }
        assert_eq!(proxy("http://a%:b@p"), Err(ProxyUrlError::Credentials));
        for text in ["socks5://ann@p".to_owned(), format!("socks5://{}:b@p", "a".repeat(256))] {
            assert_eq!(proxy(&text), Err(ProxyUrlError::Socks5Credentials), "{text}");
        }
        assert_eq!(proxy("socks4://ann:b@p"), Err(ProxyUrlError::Socks4Password));
        assert!(!proxy("ftp://ann:secret@p").unwrap_err().to_string().contains("secret"));
    }

    fn environment(text: &str) -> Result<Proxies, ProxyUrlError> {
        Proxies::from_environment(|name| {
            let lines = text.split(' ').filter_map(|line| line.split_once('='));
            lines.into_iter().find(|line| line.0 == name).map(|line| line.1.to_owned())
        })
    }

    fn chosen(text: &str, url: &str) -> Option<String> {
        let proxies = environment(text).expect("can be used");
        proxies.for_url(&WebSocketUrl::parse(url).unwrap()).map(ToString::to_string)
    }

    #[test]
    fn the_environment_names_proxies() {
        let both = "HTTP_PROXY=a:1 HTTPS_PROXY=b:2 NO_PROXY=.local,10.0.0.0/8";
        assert_eq!(chosen(both, "ws://x/").as_deref(), Some("http://a:1"));
        assert_eq!(chosen(both, "wss://x/").as_deref(), Some("http://b:2"));
        assert_eq!(chosen(both, "ws://game.local/"), None);
        assert_eq!(chosen(both, "wss://10.1.2.3/"), None);
        let lower = "HTTP_PROXY=a:1 http_proxy=b:2 all_proxy=c:3";
        assert_eq!(chosen(lower, "ws://x/").as_deref(), Some("http://b:2"));
        assert_eq!(chosen(lower, "wss://x/").as_deref(), Some("http://c:3"));
        assert_eq!(
            chosen("http_proxy= ALL_PROXY=socks5://c", "ws://x/").as_deref(),
            Some("socks5://c:1080")
        );
        assert_eq!(chosen("", "ws://x/"), None);
        assert_eq!(chosen("REQUEST_METHOD=GET HTTP_PROXY=evil:1", "ws://x/"), None);
        assert_eq!(environment("https_proxy=ftp://p"), Err(ProxyUrlError::Scheme));
    }
}
