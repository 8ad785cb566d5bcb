//! Request and response heads, parsed into text that owns itself. No meaning is given to a header
//! here beyond what decides where a message ends.

use std::ops::Range;

/// Most header fields in one head; more are refused.
pub const HEADERS_MAX: usize = 64;

/// Why a head cannot be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadError {
    /// The head is longer than the caller allows. A server answers 431.
    TooLarge,
    /// The bytes are not an HTTP head; says which rule was broken. A server answers 400.
    Malformed(&'static str),
    /// More than [`HEADERS_MAX`] header fields. A server answers 431.
    TooManyHeaders,
    /// Neither HTTP/1.0 nor HTTP/1.1. A server answers 505.
    Version,
}

/// A range of the raw head; 32 bits are plenty, as a longer head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// `part` must be a piece of `whole`; anything else gives an empty span.
    fn of(whole: &[u8], part: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
        match start.checked_add(part.len()) {
            Some(end) if end <= whole.len() => Self { start: start as u32, end: end as u32 },
            _ => Self { start: 0, end: 0 },
        }
    }

    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The raw text of a head. Its header fields are looked for when somebody asks: few do, and every
/// connection of a server keeps one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fields {
    text: Box<str>,
}

impl Fields {
    fn new(raw: &[u8], headers: &[httparse::Header<'_>]) -> Result<Self, HeadError> {
        let text = std::str::from_utf8(raw).map_err(|_| HeadError::Malformed("not UTF-8"))?;
        if has_bare_line_feed(raw) {
            return Err(HeadError::Malformed("line feed without carriage return"));
        }
        let fields = Self { text: text.into() };
        // Two readers of one text must not differ.
        let parsed = headers.iter().map(|header| (header.name.as_bytes(), header.value));
        if !fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).eq(parsed) {
            return Err(HeadError::Malformed("bad header line"));
        }
        fields.check_framing()?;
        Ok(fields)
    }

    fn get(&self, span: Span) -> &str {
        &self.text[span.range()]
    }

    /// Without the empty ones in front.
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.split("\r\n").skip_while(|line| line.is_empty())
    }

    fn first_line(&self) -> &str {
        self.lines().next().unwrap_or_default()
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.lines().skip(1).map_while(|line| line.split_once(':'));
        fields.map(|(name, value)| (name, value.trim_matches([' ', '\t'])))
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// RFC 9112 §6.3: a message whose end two parties could see in two places is refused.
    fn check_framing(&self) -> Result<(), HeadError> {
        let mut length: Option<&str> = None;
        let mut coded = false;
        for (name, value) in self.iter() {
            if name.eq_ignore_ascii_case("content-length") {
                if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(HeadError::Malformed("Content-Length is not a number"));
                }
                if length.is_some_and(|earlier| earlier != value) {
                    return Err(HeadError::Malformed("two different Content-Length"));
                }
                length = Some(value);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                coded = true;
            }
        }
        if coded && length.is_some() {
            return Err(HeadError::Malformed("Content-Length beside Transfer-Encoding"));
        }
        Ok(())
    }
}

fn has_bare_line_feed(raw: &[u8]) -> bool {
    let mut previous = 0;
    raw.iter().any(|&byte| {
        let bare = byte == b'\n' && previous != b'\r';
        previous = byte;
        bare
    })
}

fn translate(error: httparse::Error) -> HeadError {
    use httparse::Error;
    match error {
        Error::HeaderName => HeadError::Malformed("bad header name"),
        Error::HeaderValue => HeadError::Malformed("bad header value"),
        Error::NewLine => HeadError::Malformed("bad line end"),
        Error::Status => HeadError::Malformed("bad status line"),
        Error::Token => HeadError::Malformed("bad method or target"),
        Error::TooManyHeaders => HeadError::TooManyHeaders,
        Error::Version => HeadError::Version,
    }
}

/// The part of `input` in which the head has to end.
fn within(input: &[u8], head_size_max: usize) -> &[u8] {
    &input[..input.len().min(head_size_max).min(u32::MAX as usize)]
}

/// The size of the head, if it is whole. `window` comes from [`within`].
fn whole(
    parsed: httparse::Result<usize>,
    window: &[u8],
    head_size_max: usize,
) -> Result<Option<usize>, HeadError> {
    match parsed.map_err(translate)? {
        httparse::Status::Complete(size) => Ok(Some(size)),
        // A head that is not over after the limit's last byte cannot end within the limit.
        httparse::Status::Partial if window.len() >= head_size_max.min(u32::MAX as usize) => {
            Err(HeadError::TooLarge)
        }
        httparse::Status::Partial => Ok(None),
    }
}

/// The head of a request. It owns its text, and nothing else, so a program can read it long after
/// the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    fields: Fields,
}

impl RequestHead {
    /// Parses the head at the start of `input`. `Ok(None)` means that more bytes are needed,
    /// `Ok(Some((head, consumed)))` that the head took `consumed` bytes. Empty lines before the
    /// request line are skipped (RFC 9112 §2.2) and count. `head_size_max` is in bytes.
    ///
    /// # Errors
    /// [`HeadError`]: the connection cannot go on.
    pub fn parse(
        input: &[u8],
        head_size_max: usize,
    ) -> Result<Option<(RequestHead, usize)>, HeadError> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let input = within(input, head_size_max);
        let mut request = httparse::Request::new(&mut headers);
        let Some(size) = whole(request.parse(input), input, head_size_max)? else {
            return Ok(None);
        };
        let raw = &input[..size];
        let method = request.method.unwrap_or_default();
        let target = request.path.unwrap_or_default();
        let version = request.version.unwrap_or_default();
        if target.is_empty() || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(HeadError::Malformed("bad request target"));
        }
        let fields = Fields::new(raw, request.headers)?;
        let hosts = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("host")).count();
        // RFC 9112 §3.2.
        if hosts > 1 || (hosts == 0 && version >= 1) {
            return Err(HeadError::Malformed("not exactly one Host"));
        }
        let head = Self { fields };
        // As above: two readers of one text.
        if (head.method(), head.target(), head.minor_version()) != (method, target, version) {
            return Err(HeadError::Malformed("bad request line"));
        }
        Ok(Some((head, size)))
    }

    /// The parts of the request line, the method first.
    fn parts(&self) -> impl Iterator<Item = &str> {
        self.fields.first_line().split(' ')
    }

    /// The method, as sent ("GET").
    #[must_use]
    pub fn method(&self) -> &str {
        self.parts().next().unwrap_or_default()
    }

    /// The request target, as sent: path and query, not decoded.
    #[must_use]
    pub fn target(&self) -> &str {
        self.parts().nth(1).unwrap_or_default()
    }

    /// The target before the first `?`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target().split_once('?').map_or(self.target(), |(path, _)| path)
    }

    /// The target after the first `?`; empty when there is none.
    #[must_use]
    pub fn query(&self) -> &str {
        self.target().split_once('?').map_or("", |(_, query)| query)
    }

    /// The minor version: 0 for HTTP/1.0, 1 for HTTP/1.1.
    #[must_use]
    pub fn minor_version(&self) -> u8 {
        u8::from(self.parts().nth(2) != Some("HTTP/1.0"))
    }

    /// The value of the first header field of this name (compared without case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.fields.find(name)
    }

    /// All header fields in the order they came.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter()
    }
}

/// The head of a response. It owns its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    fields: Fields,
    reason: Span,
    status: u16,
}

impl ResponseHead {
    /// Parses the head at the start of `input`; returns as [`RequestHead::parse`] does.
    ///
    /// # Errors
    /// [`HeadError`]: the connection cannot go on.
    pub fn parse(
        input: &[u8],
        head_size_max: usize,
    ) -> Result<Option<(ResponseHead, usize)>, HeadError> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let input = within(input, head_size_max);
        let mut response = httparse::Response::new(&mut headers);
        let Some(size) = whole(response.parse(input), input, head_size_max)? else {
            return Ok(None);
        };
        let raw = &input[..size];
        let status = response.code.unwrap_or_default();
        if !(100..=999).contains(&status) {
            return Err(HeadError::Malformed("bad status code"));
        }
        let reason = response.reason.unwrap_or_default();
        let head = Self {
            reason: Span::of(raw, reason.as_bytes()),
            fields: Fields::new(raw, response.headers)?,
            status,
        };
        Ok(Some((head, size)))
    }

    /// The status code, 100 to 999.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase; may be empty.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.fields.get(self.reason)
    }

    /// The value of the first header field of this name (compared without case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.fields.find(name)
    }

    /// All header fields in the order they came.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter()
    }
}
