use super::*;

const GET: &[u8] =
    b"GET /play?room=7&x=%20 HTTP/1.1\r\nHost: game:80\r\nX-Id:  seven \t\r\n\r\nrest";

fn request(text: &[u8]) -> Result<Option<(RequestHead, usize)>, HeadError> {
    RequestHead::parse(text, 1024)
}

#[test]
fn a_request_head_is_taken_apart() {
    let (head, size) = request(GET).unwrap().unwrap();
    assert_eq!(&GET[size..], b"rest");
    assert_eq!((head.method(), head.minor_version()), ("GET", 1));
    assert_eq!(head.target(), "/play?room=7&x=%20");
    assert_eq!((head.path(), head.query()), ("/play", "room=7&x=%20"));
    assert_eq!(head.header("HOST"), Some("game:80"));
    assert_eq!(head.header("x-id"), Some("seven"));
    assert_eq!(head.header("x"), None);
    let names: Vec<_> = head.headers().map(|(name, _)| name).collect();
    assert_eq!(names, ["Host", "X-Id"]);
}

#[test]
fn every_prefix_of_a_head_asks_for_more() {
    for end in 0..GET.len() - b"rest".len() {
        assert_eq!(request(&GET[..end]), Ok(None), "at {end}");
    }
}

#[test]
fn a_target_without_query_has_an_empty_one() {
    let (head, _) = request(b"GET /a HTTP/1.0\r\n\r\n").unwrap().unwrap();
    assert_eq!((head.path(), head.query(), head.minor_version()), ("/a", "", 0));
}

#[test]
fn the_head_size_limit_counts_head_bytes_only() {
    let size = GET.len() - b"rest".len();
    assert!(RequestHead::parse(GET, size).unwrap().is_some());
    assert_eq!(RequestHead::parse(GET, size - 1), Err(HeadError::TooLarge));
    assert_eq!(RequestHead::parse(&GET[..20], 20), Err(HeadError::TooLarge));
    assert_eq!(RequestHead::parse(&GET[..20], 21), Ok(None));
}

#[test]
fn bad_requests_are_refused() {
    let cases: &[&[u8]] = &[
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: \xff\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ];
    for case in cases {
        let verdict = request(case);
        let text = String::from_utf8_lossy(case);
        assert!(matches!(verdict, Err(HeadError::Malformed(_))), "{text:?}: {verdict:?}");
    }
    assert_eq!(request(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"), Err(HeadError::Version));
}

#[test]
fn the_number_of_headers_is_limited() {
    let head = |count: usize| {
        let fields = "A: b\r\n".repeat(count - 1);
        format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").into_bytes()
    };
    assert!(request(&head(HEADERS_MAX)).unwrap().is_some());
    assert_eq!(request(&head(HEADERS_MAX + 1)), Err(HeadError::TooManyHeaders));
}

#[test]
fn a_response_head_is_taken_apart() {
    let text = b"HTTP/1.1 404 Not Found\r\nServer: x\r\n\r\nbody";
    let (head, size) = ResponseHead::parse(text, 100).unwrap().unwrap();
    assert_eq!((head.status(), head.reason()), (404, "Not Found"));
    assert_eq!(head.header("server"), Some("x"));
    assert_eq!(head.headers().count(), 1);
    assert_eq!(&text[size..], b"body");
    let (head, _) = ResponseHead::parse(b"HTTP/1.1 200 \r\n\r\n", 100).unwrap().unwrap();
    assert_eq!((head.status(), head.reason()), (200, ""));
    let zero = ResponseHead::parse(b"HTTP/1.1 000 x\r\n\r\n", 100);
    assert!(matches!(zero, Err(HeadError::Malformed(_))));
}

#[test]
fn a_response_is_written_whole() {
    let mut out = Vec::new();
    write_response(&mut out, 200, &[("X-A", "1")], Some("text/html"), b"hello", false);
    let expected = "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Type: text/html\r\n\
                    Content-Length: 5\r\nConnection: close\r\n\r\nhello";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn a_response_to_head_has_the_length_but_no_body() {
    let mut out = Vec::new();
    write_response(&mut out, 404, &[], None, b"gone", true);
    let expected = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn a_status_without_body_gets_none() {
    let mut out = Vec::new();
    write_response(&mut out, 304, &[], Some("text/html"), b"x", false);
    assert_eq!(out, b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
}

#[test]
fn a_header_cannot_forge_another() {
    let mut out = Vec::new();
    let headers = [("A", "b\r\nC: d"), ("E\r\n", "f"), ("", "g"), ("H", "i")];
    write_response(&mut out, 200, &headers, Some("a\nb"), b"", false);
    let (head, size) = ResponseHead::parse(&out, 1024).unwrap().unwrap();
    assert_eq!(size, out.len());
    let fields: Vec<_> = head.headers().collect();
    assert_eq!(fields, [("H", "i"), ("Content-Length", "0"), ("Connection", "close")]);
}

#[test]
fn lists_and_tokens_are_compared_as_the_grammar_says() {
    assert!(list_contains("keep-alive,\tUpgrade ", "upgrade"));
    assert!(!list_contains("upgraded, up grade", "upgrade"));
    assert!(!list_contains("", "upgrade"));
    assert!(is_token("chat.v2") && is_token("a!#$%&'*+-.^_`|~"));
    for bad in ["", "a b", "a,b", "a/b", "ä", "a\n", "\"a\""] {
        assert!(!is_token(bad), "{bad:?}");
    }
    assert!(is_request_target("/a?b=c"));
    for bad in ["", "a", "/a b", "/ä", "/\r\n"] {
        assert!(!is_request_target(bad), "{bad:?}");
    }
}

#[test]
fn mutated_heads_keep_the_parsers_word() {
    let seeds: [&[u8]; 4] = [
        GET,
        b"GET /w HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Accept: Bz3qJYTGdOe8gUSpLosEdiLKDrk=\r\n\r\n",
        b"",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as usize % below
    };
    for round in 0..3000 {
        let mut data = seeds[round % seeds.len()].to_vec();
        for _ in 0..random(4) {
            let at = random(data.len() + 1);
            match random(3) {
                0 => data.insert(at, b"\r\n :,\t\0\xff?G"[random(10)]),
                1 => data.truncate(data.len() - random(3).min(data.len())),
                _ => data.get_mut(at).into_iter().for_each(|byte| *byte = random(256) as u8),
            }
        }
        if data.is_empty() {
            data.extend((0..random(64)).map(|_| random(256) as u8));
        }
        fuzz::fuzz_request_head(&data);
        fuzz::fuzz_response_head(&data);
    }
}
