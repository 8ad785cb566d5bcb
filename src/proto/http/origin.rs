//! Origins (RFC 6454 §6 and §7): which page a browser's request came from.
//!
//! It must not decide what to do with a request; it says whether two texts mean one origin.

use crate::proto::url::split_host_port;

/// Scheme, host and port of a page.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Origin {
    /// In lower case; empty for the opaque origin, which is written `null`.
    scheme: String,
    /// In lower case; an IPv6 address without brackets.
    host: String,
    /// The scheme's own port where none is written; `None` for schemes that have none.
    port: Option<u16>,
}

/// The text of an origin that names no page: of files, sandboxed frames, redirects.
const OPAQUE: &str = "null";

fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn port_of(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

impl Origin {
    /// Reads `scheme://host` with or without `:port`, or `null`. Case does not matter, and a port
    /// that is the scheme's own may be left out. Nothing may follow, no path and no slash.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == OPAQUE {
            return Some(Self { scheme: String::new(), host: String::new(), port: None });
        }
        let (scheme, authority) = text.split_once("://")?;
        if !is_scheme(scheme) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let (host, port) = split_host_port(authority).ok()?;
        let port = port.or_else(|| port_of(&scheme));
        Some(Self { scheme, host, port })
    }
}

/// May a page whose request has these header fields use this server? A request without an
/// `Origin` is no browser's (RFC 6455 §4.2.1) and may: whoever is no browser can send any.
#[must_use]
pub fn is_allowed<'a>(
    allowed: &[Origin],
    headers: impl Iterator<Item = (&'a str, &'a str)>,
) -> bool {
    let mut origins = headers.filter(|(name, _)| name.eq_ignore_ascii_case("origin"));
    origins.all(|(_, value)| Origin::parse(value).is_some_and(|origin| allowed.contains(&origin)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same(one: &str, other: &str) -> bool {
        let origin = Origin::parse(one);
        assert!(origin.is_some(), "{one}");
        origin == Origin::parse(other)
    }

    #[test]
    fn origins_are_compared_by_scheme_host_and_port() {
        assert!(same("https://game.example", "HTTPS://Game.Example:443"));
        assert!(same("http://game.example", "http://game.example:80"));
        assert!(same("http://[::1]:8080", "http://[0:0::1]:8080"));
        assert!(same("null", "null"));
        assert!(!same("https://game.example", "http://game.example"));
        assert!(!same("https://game.example", "https://game.example:8443"));
        assert!(!same("https://game.example", "https://www.game.example"));
        assert!(!same("https://game.example", "null"));
        assert!(same("chrome-extension://abcdef", "chrome-extension://abcdef"));
    }

    #[test]
    fn what_is_no_origin_is_none() {
        for text in [
            "",
            "game.example",
            "https://",
            "https://game.example/",
            "https://game.example/path",
            "https://user@game.example",
            "https://game.example:0",
            "https://game.example:x",
            "https://game.example, https://other.example",
            "https://game.example https://other.example",
            "1http://a",
            "://a",
            "NULL",
            "*",
        ] {
            assert_eq!(Origin::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_origin_of_a_request_must_be_allowed() {
        let allowed = [Origin::parse("https://a.example").unwrap()];
        let check = |headers: &[(&str, &str)]| is_allowed(&allowed, headers.iter().copied());
        assert!(check(&[]) && check(&[("Host", "x")]));
        assert!(check(&[("ORIGIN", "https://a.example")]));
        assert!(!check(&[("Origin", "https://b.example")]));
        assert!(!check(&[("Origin", "")]) && !check(&[("Origin", "null")]));
        assert!(!check(&[("Origin", "https://a.example"), ("Origin", "https://b.example")]));
    }

    proptest! {
        #[test]
        fn an_origin_is_itself_however_it_is_written(
            host in "[a-z]{1,8}(\\.[a-z]{1,8}){0,3}", port in 1u16.., upper: bool,
        ) {
            let text = format!("https://{host}:{port}");
            let other = if upper { text.to_ascii_uppercase() } else { text.clone() };
            prop_assert_eq!(Origin::parse(&text), Origin::parse(&other));
            prop_assert!(Origin::parse(&text).is_some());
            let without = Origin::parse(&format!("https://{host}"));
            prop_assert_eq!(Origin::parse(&text) == without, port == 443);
        }

        #[test]
        fn any_text_gets_a_verdict(text: String) {
            if let Some(origin) = Origin::parse(&text) {
                prop_assert!(text == OPAQUE || !origin.host.is_empty());
            }
        }
    }
}
