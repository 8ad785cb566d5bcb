//! Where an HTTP redirect leads a WebSocket client (RFC 9110 §15.4, RFC 3986 §5).
//!
//! How often one is followed, and what else is kept from one host to the next, the caller decides.

use std::fmt;

use super::url::{UrlError, WebSocketUrl};

/// Whether an answer of this status sends the client elsewhere, if it has a `Location`.
#[must_use]
pub const fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The URL that a `Location` means, seen from the URL that was asked for. `http` and `https` mean
/// `ws` and `wss`. User and password stay only with the host that they were for.
///
/// # Errors
/// [`RedirectError`]: it must not be followed.
pub fn resolve(base: &WebSocketUrl, location: &str) -> Result<WebSocketUrl, RedirectError> {
    let location = location.split('#').next().unwrap_or_default();
    let mut url = match split_scheme(location) {
        Some((scheme, rest)) => {
            let secure = match scheme.to_ascii_lowercase().as_str() {
                "http" | "ws" => false,
                "https" | "wss" => true,
                _ => return Err(RedirectError::Scheme),
            };
            let rest = rest.strip_prefix("//").ok_or(RedirectError::Scheme)?;
            parse(secure, rest)?
        }
        None => match location.strip_prefix("//") {
            Some(rest) => parse(base.secure, rest)?,
            None => WebSocketUrl { target: relative(&base.target, location), ..base.clone() },
        },
    };
    if base.secure && !url.secure {
        return Err(RedirectError::Downgrade);
    }
    url.target = without_dots(&url.target);
    // A relative location has not been through the parser yet.
    let mut url = WebSocketUrl::parse(&url.to_string()).map_err(RedirectError::Url)?;
    url.credentials = base.credentials.clone().filter(|_| is_same_host(base, &url));
    Ok(url)
}

/// Whether what was for the server of one URL may go to that of another one: it is the same host
/// and port, or the same host's usual ports for `ws` and `wss`.
#[must_use]
pub fn is_same_host(one: &WebSocketUrl, other: &WebSocketUrl) -> bool {
    let usual = |url: &WebSocketUrl| url.has_default_port();
    one.host == other.host && (one.port == other.port || usual(one) && usual(other))
}

/// `scheme` and what follows the colon (RFC 3986 §3.1).
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let mut letters = scheme.bytes();
    let fine = letters.next()?.is_ascii_alphabetic()
        && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    fine.then_some((scheme, rest))
}

fn parse(secure: bool, rest: &str) -> Result<WebSocketUrl, RedirectError> {
    let scheme = if secure { "wss" } else { "ws" };
    WebSocketUrl::parse(&format!("{scheme}://{rest}")).map_err(RedirectError::Url)
}

/// RFC 3986 §5.2.2 for a reference without scheme and authority.
fn relative(base: &str, location: &str) -> String {
    let path = base.split('?').next().unwrap_or_default();
    match location.bytes().next() {
        None => base.to_owned(),
        Some(b'/') => location.to_owned(),
        Some(b'?') => format!("{path}{location}"),
        Some(_) => {
            let folder = path.rfind('/').map_or("", |end| &path[..end]);
            format!("{folder}/{location}")
        }
    }
}

/// RFC 3986 §5.2.4, for a target that starts with a slash; the query is left alone.
fn without_dots(target: &str) -> String {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if last {
            kept.push("");
        }
    }
    format!("/{}{query}", kept.join("/"))
}

/// Why a redirect is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectError {
    /// Neither HTTP nor WebSocket.
    Scheme,
    /// From `wss` to `ws`: what was promised to be secret would not be.
    Downgrade,
    /// Not a URL that a client can ask for.
    Url(UrlError),
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str("it leads neither to HTTP nor to a WebSocket"),
            Self::Downgrade => f.write_str("it leads from wss:// to ws://, out of TLS"),
            Self::Url(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RedirectError {}

/// A base and a location, one line each: what comes out is safe to ask for, and as secret.
#[cfg(any(test, feature = "fuzzing"))]
pub fn fuzz_redirect(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some((base, location)) = text.split_once('\n') else { return };
    let Ok(base) = WebSocketUrl::parse(base) else { return };
    let Ok(url) = resolve(&base, location) else { return };
    assert!(url.secure || !base.secure, "{url}");
    assert!(url.target.starts_with('/') && url.target.bytes().all(|byte| byte.is_ascii_graphic()));
    let path = url.target.split('?').next().unwrap_or_default();
    assert!(path.split('/').all(|segment| segment != "." && segment != ".."), "{url}");
    assert!(url.credentials.is_none() || url.credentials == base.credentials);
    assert!(url.credentials.is_none() || is_same_host(&base, &url));
    let plain = WebSocketUrl { credentials: None, ..url.clone() };
    assert_eq!(WebSocketUrl::parse(&url.to_string()), Ok(plain));
    assert_eq!(resolve(&url, "").as_ref(), Ok(&url), "nothing leads nowhere else");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn from(base: &str, location: &str) -> Result<String, RedirectError> {
        resolve(&WebSocketUrl::parse(base).unwrap(), location).map(|url| url.to_string())
    }

    #[test]
    fn references_are_resolved_as_in_the_rfc() {
        // RFC 3986 sections 5.4.1 and 5.4.2, with a scheme of ours.
        let cases = [
            ("g", "/b/c/g"),
            ("./g", "/b/c/g"),
            ("g/", "/b/c/g/"),
            ("/g", "/g"),
            ("?y", "/b/c/d;p?y"),
            ("g?y", "/b/c/g?y"),
            ("#s", "/b/c/d;p?q"),
            ("g#s", "/b/c/g"),
            ("g?y#s", "/b/c/g?y"),
            (";x", "/b/c/;x"),
            ("g;x?y#s", "/b/c/g;x?y"),
            ("", "/b/c/d;p?q"),
            (".", "/b/c/"),
            ("./", "/b/c/"),
            ("..", "/b/"),
            ("../", "/b/"),
            ("../g", "/b/g"),
            ("../..", "/"),
            ("../../", "/"),
            ("../../g", "/g"),
            ("../../../g", "/g"),
            ("/./g", "/g"),
            ("/../g", "/g"),
            ("g.", "/b/c/g."),
            ("..g", "/b/c/..g"),
            ("./../g", "/b/g"),
            ("./g/.", "/b/c/g/"),
            ("g/../h", "/b/c/h"),
            ("g;x=1/../y", "/b/c/y"),
            ("g?y/../x", "/b/c/g?y/../x"),
        ];
        for (location, target) in cases {
            let expected = Ok(format!("ws://a{target}"));
            assert_eq!(from("ws://a/b/c/d;p?q", location), expected, "{location}");
        }
        assert_eq!(from("ws://a/b/c/d;p?q", "//g"), Ok("ws://g/".to_owned()));
        assert_eq!(from("wss://a:9/", "//g/x"), Ok("wss://g/x".to_owned()));
    }

    #[test]
    fn http_means_websocket() {
        assert_eq!(from("ws://a/", "http://b:81/c"), Ok("ws://b:81/c".to_owned()));
        assert_eq!(from("ws://a/", "HTTPS://b"), Ok("wss://b/".to_owned()));
        assert_eq!(from("wss://a/", "wss://b/?q#f"), Ok("wss://b/?q".to_owned()));
    }

    #[test]
    fn what_must_not_be_followed_is_not() {
        assert_eq!(from("wss://a/", "ws://a/"), Err(RedirectError::Downgrade));
        assert_eq!(from("wss://a/", "http://a/"), Err(RedirectError::Downgrade));
        for location in ["ftp://a/", "file:///etc", "http:/a", "http:a", "javascript:1", "a:b"] {
            assert_eq!(from("ws://a/", location), Err(RedirectError::Scheme), "{location}");
        }
        for location in ["/ü", "/a b", "//", "//a:0", "http://a b/", "//a\\b"] {
            let outcome = from("ws://a/", location);
            assert!(matches!(outcome, Err(RedirectError::Url(_))), "{location}: {outcome:?}");
        }
    }

    #[test]
    fn user_and_password_stay_with_their_host() {
        let base = WebSocketUrl::parse("ws://ann:secret@a/x").unwrap();
        let kept = |location| resolve(&base, location).unwrap().credentials.is_some();
        assert!(kept("/y") && kept("ws://a/y") && kept("https://A/y") && kept("wss://a:443"));
        assert!(!kept("ws://b/y") && !kept("ws://a:81/") && !kept("wss://a:8443/"));
        assert!(!kept("//eve:evil@b/"), "and none come from a location");
        let own = resolve(&base, "ws://eve:evil@a/").unwrap();
        assert_eq!(own.credentials, base.credentials);
    }

    #[test]
    fn five_answers_are_redirects() {
        let all: Vec<u16> = (0..1000).filter(|&status| is_redirect(status)).collect();
        assert_eq!(all, [301, 302, 303, 307, 308]);
    }

    proptest! {
        #[test]
        fn no_location_breaks_out(
            base in "wss?://(u:p@)?[a-c]{1,2}(:[1-9])?(/[.a/]{0,6})?(\\?[a/]{0,2})?",
            location in "((https?|wss?|x):)?(//[a-c@:]{0,4})?[./?#a-z]{0,8}",
        ) {
            fuzz_redirect(format!("{base}\n{location}").as_bytes());
        }
    }
}
