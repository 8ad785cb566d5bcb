//! Fuzz bodies for the heads: any bytes go in, broken promises panic. They must not judge whether
//! a head is welcome, only that the parser keeps its word.

use super::{HEADERS_MAX, HeadError, RequestHead, ResponseHead, list_contains};

const HEAD_SIZE_MAX: usize = 512;

/// Feeds growing prefixes: "more bytes needed" must turn into the verdict of the whole, never into
/// another one.
fn check_prefixes<T: PartialEq + std::fmt::Debug>(
    data: &[u8],
    parse: impl Fn(&[u8]) -> Result<Option<(T, usize)>, HeadError>,
) {
    let whole = parse(data);
    for end in 0..data.len() {
        let part = parse(&data[..end]);
        if part != Ok(None) {
            assert_eq!(part, whole, "the verdict at {end} is not the last one");
            return;
        }
    }
}

fn check_fields<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut count = 0;
    for (name, value) in headers {
        count += 1;
        assert!(super::is_token(name), "header name {name:?}");
        assert!(super::is_field_value(value), "header value {value:?}");
        assert_eq!(list_contains(value, "upgrade"), list_contains(value, "UPGRADE"));
    }
    assert!(count <= HEADERS_MAX);
}

/// Any bytes as a request head.
pub fn fuzz_request_head(data: &[u8]) {
    check_prefixes(data, |input| RequestHead::parse(input, HEAD_SIZE_MAX));
    if let Ok(Some((head, size))) = RequestHead::parse(data, HEAD_SIZE_MAX) {
        assert!(size <= data.len() && size <= HEAD_SIZE_MAX);
        assert!(data[..size].ends_with(b"\r\n\r\n"));
        check_fields(head.headers());
        let rest = head.target().strip_prefix(head.path()).expect("the path starts the target");
        assert!(rest.is_empty() || &rest[1..] == head.query());
        assert!(super::is_token(head.method()));
        // A verdict is all that is asked for here; it has tests of its own.
        drop(crate::proto::websocket::handshake::parse_upgrade(&head));
    }
}

/// Any bytes as a response head.
pub fn fuzz_response_head(data: &[u8]) {
    check_prefixes(data, |input| ResponseHead::parse(input, HEAD_SIZE_MAX));
    if let Ok(Some((head, size))) = ResponseHead::parse(data, HEAD_SIZE_MAX) {
        assert!(size <= data.len() && size <= HEAD_SIZE_MAX);
        assert!((100..=999).contains(&head.status()));
        assert!(!head.reason().contains(['\r', '\n']));
        check_fields(head.headers());
        let key = "AAECAwQFBgcICQoLDA0ODw==";
        drop(crate::proto::websocket::handshake::check_response(&head, key, &[], None, &[]));
    }
}
