//! Writing whole short responses, and the small pieces of header grammar everybody needs.

/// Whether `text` is a token (RFC 9110 §5.6.2): header names, sub-protocols.
#[must_use]
pub fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Whether the comma-separated list `value` has the element `token`, compared without case.
#[must_use]
pub fn list_contains(value: &str, token: &str) -> bool {
    value.split(',').any(|element| element.trim_matches([' ', '\t']).eq_ignore_ascii_case(token))
}

/// Whether `value` can stand in a header field without ending it (RFC 9110 §5.5).
#[must_use]
pub(crate) fn is_field_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

/// Whether `text` can stand as the target of a request line: path and query (RFC 9112 §3.2.1).
#[must_use]
pub fn is_request_target(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The usual reason phrase of a status code; "Unknown" for one without.
#[must_use]
pub fn status_reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}

pub(crate) fn push_field(out: &mut Vec<u8>, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Appends a whole response with `Content-Length` and `Connection: close`. `head_only` leaves the
/// body out but keeps its length (the answer to HEAD). A status that has no body by definition
/// (1xx, 204, 304) gets neither. A field of `headers`, or a `content_type`, that could not stand
/// in one line is left out rather than let it forge another.
pub fn write_response(
    out: &mut Vec<u8>,
    status: u16,
    headers: &[(&str, &str)],
    content_type: Option<&str>,
    body: &[u8],
    head_only: bool,
) {
    let line = format!("HTTP/1.1 {status:03} {}\r\n", status_reason(status));
    out.extend_from_slice(line.as_bytes());
    for &(name, value) in headers {
        if is_token(name) && is_field_value(value) {
            push_field(out, name, value);
        }
    }
    let bodiless = matches!(status, 100..=199 | 204 | 304);
    if !bodiless {
        if let Some(content_type) = content_type.filter(|text| is_field_value(text)) {
            push_field(out, "Content-Type", content_type);
        }
        push_field(out, "Content-Length", &body.len().to_string());
    }
    out.extend_from_slice(b"Connection: close\r\n\r\n");
    if !bodiless && !head_only {
        out.extend_from_slice(body);
    }
}
