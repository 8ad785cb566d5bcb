//! The opening handshake (RFC 6455 §4), both sides. It must not decide which path, origin or
//! sub-protocol is welcome: it says what was asked and writes what was decided.

use super::deflate::{self, Agreed, Wishes};
use super::extension::{self, Extension};
use crate::proto::http::{self, RequestHead, ResponseHead};
use data_encoding::BASE64;
use sha1::{Digest, Sha1};

pub use crate::proto::http::is_token;

/// Characters of a `Sec-WebSocket-Key`: 16 bytes in base64.
pub const KEY_LENGTH: usize = 24;
/// The one protocol version there is (RFC 6455 §4.1).
pub const VERSION: &str = "13";
const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// Why a request is not answered with 101.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeError {
    /// An ordinary GET or HEAD: a document is wanted.
    NotAnUpgrade,
    /// A broken upgrade request; says what is wrong. Answer 400.
    BadRequest(&'static str),
    /// Another WebSocket version. Answer 426 with `Sec-WebSocket-Version: 13`.
    UnsupportedVersion,
    /// Neither GET nor HEAD. Answer 405.
    MethodNotAllowed,
}

/// What the server needs of a client's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeRequest {
    /// The `Sec-WebSocket-Key`, [`KEY_LENGTH`] characters.
    pub key: String,
    /// The sub-protocols offered, best first; each a token.
    pub sub_protocols: Vec<String>,
}

/// Whether any header of this name has `token` in its comma-separated list.
fn any_list_contains<'a>(
    mut headers: impl Iterator<Item = (&'a str, &'a str)>,
    name: &str,
    token: &str,
) -> bool {
    headers
        .any(|(found, value)| found.eq_ignore_ascii_case(name) && http::list_contains(value, token))
}

/// The value of a header that may stand only once.
fn single<'a>(
    headers: impl Iterator<Item = (&'a str, &'a str)>,
    name: &str,
) -> Result<Option<&'a str>, ()> {
    let mut values =
        headers.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let first = values.next();
    if values.next().is_some() { Err(()) } else { Ok(first) }
}

fn is_key(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    text.len() == KEY_LENGTH
        && text.strip_suffix("==").is_some_and(|digits| digits.bytes().all(is_digit))
}

/// What the client names as sub-protocols, in its order, whether they are tokens or not.
pub fn named_sub_protocols(head: &RequestHead) -> impl Iterator<Item = &str> {
    let headers = head.headers();
    let lists = headers.filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-protocol"));
    let elements = lists.flat_map(|(_, value)| value.split(','));
    // RFC 9110 §5.6.1: empty list elements are ignored.
    elements.map(|element| element.trim_matches([' ', '\t'])).filter(|element| !element.is_empty())
}

fn offered_sub_protocols(head: &RequestHead) -> Result<Vec<String>, UpgradeError> {
    let mut offered: Vec<String> = Vec::new();
    for element in named_sub_protocols(head) {
        if !is_token(element) {
            return Err(UpgradeError::BadRequest("bad Sec-WebSocket-Protocol"));
        }
        if offered.iter().any(|earlier| earlier == element) {
            return Err(UpgradeError::BadRequest("sub-protocol offered twice"));
        }
        offered.push(element.to_owned());
    }
    Ok(offered)
}

/// Reads a client's request (RFC 6455 §4.2.1).
///
/// # Errors
/// [`UpgradeError`] says how to answer instead of 101.
pub fn parse_upgrade(head: &RequestHead) -> Result<UpgradeRequest, UpgradeError> {
    use UpgradeError::BadRequest;
    match head.method() {
        "GET" => {}
        "HEAD" => return Err(UpgradeError::NotAnUpgrade),
        _ => return Err(UpgradeError::MethodNotAllowed),
    }
    if !any_list_contains(head.headers(), "upgrade", "websocket") {
        return Err(UpgradeError::NotAnUpgrade);
    }
    if head.minor_version() < 1 {
        return Err(BadRequest("WebSocket needs HTTP/1.1"));
    }
    if !any_list_contains(head.headers(), "connection", "upgrade") {
        return Err(BadRequest("Connection does not name Upgrade"));
    }
    // Bytes of a body would be taken for frames.
    let has_body = head.header("content-length").is_some_and(|length| length != "0")
        || head.header("transfer-encoding").is_some();
    if has_body {
        return Err(BadRequest("an upgrade request has no body"));
    }
    match single(head.headers(), "sec-websocket-version") {
        Ok(Some(VERSION)) => {}
        Ok(Some(_)) => return Err(UpgradeError::UnsupportedVersion),
        Ok(None) | Err(()) => return Err(BadRequest("not exactly one Sec-WebSocket-Version")),
    }
    let key = match single(head.headers(), "sec-websocket-key") {
        Ok(Some(key)) if is_key(key) => key.to_owned(),
        Ok(Some(_)) => return Err(BadRequest("bad Sec-WebSocket-Key")),
        Ok(None) | Err(()) => return Err(BadRequest("not exactly one Sec-WebSocket-Key")),
    };
    Ok(UpgradeRequest { key, sub_protocols: offered_sub_protocols(head)? })
}

/// Appends the 101 with exactly Upgrade, Connection, Sec-WebSocket-Accept and, only when one was
/// chosen, Sec-WebSocket-Protocol: a stock Unity client refuses a 101 that names a sub-protocol.
///
/// The same goes for Sec-WebSocket-Extensions, which such a client never asks for. Further
/// `headers` must have passed [`check_custom_header`].
pub fn write_accept(
    out: &mut Vec<u8>,
    key: &str,
    sub_protocol: Option<&str>,
    extensions: Option<&str>,
    headers: &[(String, String)],
) {
    out.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n");
    http::push_field(out, "Upgrade", "websocket");
    http::push_field(out, "Connection", "Upgrade");
    http::push_field(out, "Sec-WebSocket-Accept", &derive_accept_key(key.as_bytes()));
    if let Some(sub_protocol) = sub_protocol {
        http::push_field(out, "Sec-WebSocket-Protocol", sub_protocol);
    }
    if let Some(extensions) = extensions {
        http::push_field(out, EXTENSIONS, extensions);
    }
    for (name, value) in headers {
        http::push_field(out, name, value);
    }
    out.extend_from_slice(b"\r\n");
}

/// What a client asks for.
#[derive(Clone, Copy)]
pub struct ClientRequest<'a> {
    /// `host[:port]`, as the Host header shows it.
    pub host: &'a str,
    /// Path and query; must have passed [`http::is_request_target`].
    pub target: &'a str,
    /// From [`encode_key`].
    pub key: &'a str,
    /// Sub-protocols offered, best first; each a token ([`is_token`]).
    pub sub_protocols: &'a [String],
    /// Compression to offer.
    pub deflate: Option<&'a Wishes>,
    /// The program's extensions to offer.
    pub extensions: &'a [Box<dyn Extension>],
    /// Further headers; each must have passed [`check_custom_header`].
    pub headers: &'a [(String, String)],
    /// The value of `Authorization`, if there is one beside those.
    pub authorization: Option<&'a str>,
}

/// The `Sec-WebSocket-Key` (base64) of 16 random bytes, which the caller draws.
#[must_use]
pub fn encode_key(random: [u8; 16]) -> String {
    BASE64.encode(&random)
}

/// The `Sec-WebSocket-Accept` that proves that a key was read (RFC 6455 section 4.2.2).
fn derive_accept_key(key: &[u8]) -> String {
    const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    BASE64.encode(&Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// Appends the client's request. Header order: Host, Upgrade, Connection, version, key,
/// sub-protocols, extensions, then the program's own headers.
pub fn write_request(out: &mut Vec<u8>, request: &ClientRequest<'_>) {
    for part in ["GET ", request.target, " HTTP/1.1\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    http::push_field(out, "Host", request.host);
    http::push_field(out, "Upgrade", "websocket");
    http::push_field(out, "Connection", "Upgrade");
    http::push_field(out, "Sec-WebSocket-Version", VERSION);
    http::push_field(out, "Sec-WebSocket-Key", request.key);
    if !request.sub_protocols.is_empty() {
        http::push_field(out, "Sec-WebSocket-Protocol", &request.sub_protocols.join(", "));
    }
    let offers = request.deflate.map(deflate::offer).into_iter();
    let offers: Vec<_> = offers.chain(extension::offers(request.extensions)).collect();
    if !offers.is_empty() {
        http::push_field(out, EXTENSIONS, &offers.join(", "));
    }
    for (name, value) in request.headers {
        http::push_field(out, name, value);
    }
    if let Some(authorization) = request.authorization {
        http::push_field(out, "Authorization", authorization);
    }
    out.extend_from_slice(b"\r\n");
}

/// Why a server's answer does not open the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// Another status than 101.
    Status(u16),
    /// A 101 that is not a WebSocket upgrade; says what is wrong.
    Malformed(&'static str),
    /// The accept value does not belong to our key.
    BadAccept,
    /// A sub-protocol that was not offered, or several.
    UnexpectedSubProtocol,
    /// An extension that was not offered.
    UnexpectedExtension,
}

/// What a server chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// One of the sub-protocols offered.
    pub sub_protocol: Option<String>,
    /// Compression.
    pub deflate: Option<Agreed>,
}

/// Checks a server's answer to our request (RFC 6455 §4.1) and returns what it chose.
///
/// # Errors
/// [`ResponseError`]: the connection must be dropped.
pub fn check_response(
    head: &ResponseHead,
    key: &str,
    offered: &[String],
    wishes: Option<&Wishes>,
    own: &[Box<dyn Extension>],
) -> Result<Chosen, ResponseError> {
    use ResponseError::Malformed;
    if head.status() != 101 {
        return Err(ResponseError::Status(head.status()));
    }
    match single(head.headers(), "upgrade") {
        Ok(Some(value)) if value.eq_ignore_ascii_case("websocket") => {}
        _ => return Err(Malformed("Upgrade is not websocket")),
    }
    if !any_list_contains(head.headers(), "connection", "upgrade") {
        return Err(Malformed("Connection does not name Upgrade"));
    }
    match single(head.headers(), "sec-websocket-accept") {
        Ok(Some(accept)) if accept == derive_accept_key(key.as_bytes()) => {}
        _ => return Err(ResponseError::BadAccept),
    }
    // Which of the program's own were agreed on is for `extension::confirm` to say.
    let is_own = |element: &&str| {
        let (name, _) = extension::split(element);
        own.iter().any(|extension| extension.name().eq_ignore_ascii_case(name))
    };
    let elements = extension::elements(extension_values(head.headers()));
    let mut extensions = elements.filter(|element| !is_own(element));
    let deflate = match wishes {
        Some(wishes) => deflate::check(extensions, wishes),
        // None was offered, so an answer that names one is not for us.
        None if extensions.next().is_some() => Err(deflate::NotAnAnswer),
        None => Ok(None),
    };
    let deflate = deflate.map_err(|deflate::NotAnAnswer| ResponseError::UnexpectedExtension)?;
    let sub_protocol = match single(head.headers(), "sec-websocket-protocol") {
        Ok(None) => None,
        Ok(Some(chosen)) if offered.iter().any(|offer| offer == chosen) => Some(chosen.to_owned()),
        _ => return Err(ResponseError::UnexpectedSubProtocol),
    };
    Ok(Chosen { sub_protocol, deflate })
}

/// The values of all `Sec-WebSocket-Extensions` headers of a head.
pub fn extension_values<'a>(
    headers: impl Iterator<Item = (&'a str, &'a str)>,
) -> impl Iterator<Item = &'a str> {
    headers.filter(|(name, _)| name.eq_ignore_ascii_case(EXTENSIONS)).map(|(_, value)| value)
}

/// Whether a program may add this header to its request.
///
/// # Errors
/// A text that says why not: not a header, or one that the handshake writes itself.
pub fn check_custom_header(name: &str, value: &str) -> Result<(), &'static str> {
    const OWN: [&str; 5] = ["host", "upgrade", "connection", "content-length", "transfer-encoding"];
    const OWN_PREFIX: &str = "sec-websocket-";
    if !is_token(name) {
        return Err("the header name is not a token");
    }
    if !http::is_field_value(value) {
        return Err("the header value has a control character");
    }
    let prefixed =
        name.get(..OWN_PREFIX.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(OWN_PREFIX));
    if prefixed || OWN.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Err("the handshake writes this header itself");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODw==";
    const ACCEPT: &str = "Bz3qJYTGdOe8gUSpLosEdiLKDrk=";
    const REQUEST: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1:7777\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n\r\n";
    const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Accept: Bz3qJYTGdOe8gUSpLosEdiLKDrk=\r\n\r\n";

    fn upgrade(text: &str) -> Result<UpgradeRequest, UpgradeError> {
        parse_upgrade(&RequestHead::parse(text.as_bytes(), 4096).unwrap().unwrap().0)
    }

    fn response(text: &str, offered: &[&str]) -> Result<Option<String>, ResponseError> {
        let offered: Vec<String> = offered.iter().map(|&offer| offer.to_owned()).collect();
        let (head, _) = ResponseHead::parse(text.as_bytes(), 4096).unwrap().unwrap();
        check_response(&head, KEY, &offered, None, &[]).map(|chosen| chosen.sub_protocol)
    }

    /// `text` with one more header line.
    fn with(text: &str, line: &str) -> String {
        format!("{}{line}\r\n\r\n", text.strip_suffix("\r\n").unwrap())
    }

    #[test]
    fn keys_are_base64() {
        assert_eq!(encode_key(std::array::from_fn(|index| index as u8)), KEY);
        assert_eq!(encode_key([0xff; 16]), "/////////////////////w==");
        assert_eq!(encode_key(*b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
    }

    #[test]
    fn the_request_has_its_golden_bytes() {
        let request = ClientRequest {
            host: "127.0.0.1:7777",
            target: "/",
            key: KEY,
            sub_protocols: &[],
            deflate: None,
            extensions: &[],
            headers: &[],
            authorization: None,
        };
        let mut out = Vec::new();
        write_request(&mut out, &request);
        assert_eq!(String::from_utf8(out).unwrap(), REQUEST);
    }

    #[test]
    fn the_answer_has_its_golden_bytes() {
        let mut out = Vec::new();
        write_accept(&mut out, KEY, None, None, &[]);
        assert_eq!(String::from_utf8(out).unwrap(), RESPONSE);
        assert!(RESPONSE.contains(ACCEPT));
        let mut out = Vec::new();
        let headers = [("Set-Cookie".to_owned(), "a=b".to_owned())];
        write_accept(&mut out, KEY, Some("chat"), None, &headers);
        let expected = with(RESPONSE, "Sec-WebSocket-Protocol: chat\r\nSet-Cookie: a=b");
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn both_sides_understand_each_other() {
        let request = ClientRequest {
            host: "game",
            target: "/play?x=1",
            key: KEY,
            sub_protocols: &["a".to_owned(), "b".to_owned()],
            deflate: None,
            extensions: &[],
            headers: &[("Cookie".to_owned(), "c=d".to_owned())],
            authorization: None,
        };
        let mut out = Vec::new();
        write_request(&mut out, &request);
        let (head, size) = RequestHead::parse(&out, 4096).unwrap().unwrap();
        assert_eq!((size, head.target()), (out.len(), "/play?x=1"));
        assert_eq!(head.header("cookie"), Some("c=d"));
        let upgrade = parse_upgrade(&head).unwrap();
        assert_eq!(upgrade.key, KEY);
        assert_eq!(upgrade.sub_protocols, ["a", "b"]);
        let mut out = Vec::new();
        write_accept(&mut out, &upgrade.key, Some("b"), None, &[]);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(response(&text, &["a", "b"]), Ok(Some("b".to_owned())));
    }

    #[test]
    fn a_browsers_request_is_taken() {
        let text = REQUEST
            .replace("Connection: Upgrade", "connection: keep-alive, upgrade")
            .replace("Upgrade: websocket", "UPGRADE: WebSocket");
        let text = with(&text, "Sec-WebSocket-Protocol: chat,  v2.chat");
        let text = with(&text, "Sec-WebSocket-Protocol: x");
        let text = with(&text, "Sec-WebSocket-Extensions: permessage-deflate");
        let upgrade = upgrade(&text).unwrap();
        assert_eq!(upgrade.sub_protocols, ["chat", "v2.chat", "x"]);
    }

    #[test]
    fn requests_that_are_no_upgrade_are_told_apart() {
        use UpgradeError::{MethodNotAllowed, NotAnUpgrade, UnsupportedVersion};
        let plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(upgrade(plain), Err(NotAnUpgrade));
        assert_eq!(upgrade(&plain.replace("GET", "HEAD")), Err(NotAnUpgrade));
        assert_eq!(upgrade(&plain.replace("GET", "POST")), Err(MethodNotAllowed));
        assert_eq!(upgrade(&REQUEST.replace("websocket", "h2c")), Err(NotAnUpgrade));
        assert_eq!(upgrade(&REQUEST.replace(": 13", ": 8")), Err(UnsupportedVersion));
    }

    #[test]
    fn broken_upgrade_requests_are_refused() {
        let broken = [
            REQUEST.replace("HTTP/1.1", "HTTP/1.0"),
            REQUEST.replace("Connection: Upgrade", "Connection: close"),
            REQUEST.replace("Sec-WebSocket-Version: 13\r\n", ""),
            REQUEST.replace("Sec-WebSocket-Key", "X-Key"),
            REQUEST.replace(KEY, "AAECAwQFBgcICQoLDA0ODw="),
            REQUEST.replace(KEY, "AAECAwQFBgcICQoLDA0ODwA="),
            REQUEST.replace(KEY, "AAECAwQFBgc*CQoLDA0ODw=="),
            with(REQUEST, "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw=="),
            with(REQUEST, "Sec-WebSocket-Version: 13"),
            with(REQUEST, "Sec-WebSocket-Protocol: a b"),
            with(REQUEST, "Sec-WebSocket-Protocol: a, a"),
            with(REQUEST, "Content-Length: 5"),
            with(REQUEST, "Transfer-Encoding: chunked"),
        ];
        for text in broken {
            let verdict = upgrade(&text);
            assert!(matches!(verdict, Err(UpgradeError::BadRequest(_))), "{text} {verdict:?}");
        }
    }

    #[test]
    fn bad_answers_are_refused() {
        use ResponseError::{BadAccept, Malformed, Status};
        use ResponseError::{UnexpectedExtension, UnexpectedSubProtocol};
        assert_eq!(response(RESPONSE, &["chat"]), Ok(None));
        let status = RESPONSE.replace("101 Switching", "302 Found");
        assert_eq!(response(&status, &[]), Err(Status(302)));
        let upgrade = RESPONSE.replace("websocket", "h2c");
        assert!(matches!(response(&upgrade, &[]), Err(Malformed(_))));
        let connection = RESPONSE.replace("Connection: Upgrade", "Connection: close");
        assert!(matches!(response(&connection, &[]), Err(Malformed(_))));
        let accept = RESPONSE.replace("Bz3q", "bz3q");
        assert_eq!(response(&accept, &[]), Err(BadAccept));
        let none = RESPONSE.replace("Sec-WebSocket-Accept", "X");
        assert_eq!(response(&none, &[]), Err(BadAccept));
        let protocol = with(RESPONSE, "Sec-WebSocket-Protocol: chat");
        assert_eq!(response(&protocol, &["Chat"]), Err(UnexpectedSubProtocol));
        let twice = with(&protocol, "Sec-WebSocket-Protocol: chat");
        assert_eq!(response(&twice, &["chat"]), Err(UnexpectedSubProtocol));
        let extension = with(RESPONSE, "Sec-WebSocket-Extensions: permessage-deflate");
        assert_eq!(response(&extension, &[]), Err(UnexpectedExtension));
    }

    #[test]
    fn custom_headers_cannot_touch_the_handshake() {
        assert_eq!(check_custom_header("Authorization", "Bearer \u{e9}"), Ok(()));
        assert_eq!(check_custom_header("Origin", "https://game"), Ok(()));
        let bad = [
            ("", "a"),
            ("a b", "c"),
            ("A:", "b"),
            ("A", "b\r\nC: d"),
            ("A", "\0"),
            ("HOST", "a"),
            ("sec-websocket-key", "a"),
            ("Sec-WebSocket-Anything", "a"),
            ("Connection", "close"),
            ("Content-Length", "1"),
        ];
        for (name, value) in bad {
            assert!(check_custom_header(name, value).is_err(), "{name:?}: {value:?}");
        }
    }
}
