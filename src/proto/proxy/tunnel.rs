//! The conversation with a proxy, up to the moment when the stream reaches the server.

use std::fmt;

use super::{Authority, ProxyKind, ProxyUrl, socks4, socks5};
use crate::proto::credentials::Credentials;
use crate::proto::http::{HeadError, ResponseHead, push_field};

/// What is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    HttpAnswer,
    Socks4Reply,
    SocksMethod,
    SocksVerdict,
    SocksReply,
    Open,
}

/// A tunnel that is being opened.
#[derive(Debug)]
pub struct Tunnel {
    step: Step,
    host: String,
    port: u16,
    credentials: Option<Credentials>,
    head_size_max: usize,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Tunnel {
    /// Begins the conversation with a proxy about a server: a name, or an IP literal without
    /// brackets (SOCKS4: an address of IPv4). `head_size_max` bounds the proxy's answer.
    /// `authorization` is who we are to an HTTP proxy; those of SOCKS are told the URL's user.
    #[must_use]
    pub fn new(
        proxy: &ProxyUrl,
        host: &str,
        port: u16,
        head_size_max: usize,
        authorization: Option<&str>,
    ) -> Self {
        let credentials = proxy.credentials.clone();
        let mut output = Vec::new();
        let step = match proxy.kind {
            ProxyKind::Http | ProxyKind::Https => {
                write_connect(&mut output, host, port, authorization);
                Step::HttpAnswer
            }
            ProxyKind::Socks4 | ProxyKind::Socks4a => {
                let user = credentials.as_ref().map_or("", Credentials::user);
                socks4::write_request(&mut output, host, port, user);
                Step::Socks4Reply
            }
            ProxyKind::Socks5 => {
                socks5::write_methods(&mut output, credentials.is_some());
                Step::SocksMethod
            }
        };
        let (host, input) = (host.to_owned(), Vec::new());
        Self { step, host, port, credentials, head_size_max, input, output }
    }

    /// Appends what is to be sent now.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.output);
    }

    /// Takes what the proxy sent. True when the tunnel is open; from then on the stream is the
    /// server's.
    ///
    /// # Errors
    /// [`TunnelError`]: there will be no tunnel.
    pub fn handle_bytes(&mut self, bytes: &[u8]) -> Result<bool, TunnelError> {
        self.input.extend_from_slice(bytes);
        loop {
            if self.step == Step::Open {
                // Nobody may speak before the client does; whoever sent this is not the server.
                return if self.input.is_empty() { Ok(true) } else { Err(TunnelError::TooMuch) };
            }
            let Some((next, size)) = self.read()? else { return Ok(false) };
            self.input.drain(..size);
            self.step = next;
        }
    }

    /// One message: what is awaited next, and the message's length. `None`: it is not whole yet.
    fn read(&mut self) -> Result<Option<(Step, usize)>, TunnelError> {
        let input = self.input.as_slice();
        match self.step {
            Step::HttpAnswer => read_answer(input, self.head_size_max),
            Step::Socks4Reply => Ok(socks4::read_reply(input)?.map(|size| (Step::Open, size))),
            Step::SocksMethod => {
                let Some((asks, size)) = socks5::read_method(input, self.credentials.is_some())?
                else {
                    return Ok(None);
                };
                Ok(Some(match &self.credentials {
                    Some(credentials) if asks => {
                        socks5::write_credentials(&mut self.output, credentials);
                        (Step::SocksVerdict, size)
                    }
                    _ => (self.ask(), size),
                }))
            }
            Step::SocksVerdict => {
                let verdict = socks5::read_verdict(input)?;
                Ok(verdict.map(|size| (self.ask(), size)))
            }
            Step::SocksReply => Ok(socks5::read_reply(input)?.map(|size| (Step::Open, size))),
            Step::Open => Ok(None),
        }
    }

    fn ask(&mut self) -> Step {
        socks5::write_request(&mut self.output, &self.host, self.port);
        Step::SocksReply
    }
}

/// RFC 9110 §9.3.6.
fn write_connect(out: &mut Vec<u8>, host: &str, port: u16, authorization: Option<&str>) {
    let authority = Authority { host, port }.to_string();
    out.extend_from_slice(format!("CONNECT {authority} HTTP/1.1\r\n").as_bytes());
    push_field(out, "Host", &authority);
    if let Some(authorization) = authorization {
        push_field(out, "Proxy-Authorization", authorization);
    }
    out.extend_from_slice(b"\r\n");
}

fn read_answer(input: &[u8], size_max: usize) -> Result<Option<(Step, usize)>, TunnelError> {
    let head = ResponseHead::parse(input, size_max).map_err(|error| match error {
        HeadError::TooLarge | HeadError::TooManyHeaders => TunnelError::Malformed("it is too long"),
        HeadError::Malformed(why) => TunnelError::Malformed(why),
        HeadError::Version => TunnelError::Malformed("it is no HTTP/1.1"),
    })?;
    let Some((head, size)) = head else { return Ok(None) };
    match head.status() {
        // Interim answers; the last one follows (RFC 9110 §15.2).
        100..=199 => Ok(Some((Step::HttpAnswer, size))),
        // Whatever length a head of these names, it has no body.
        200..=299 => Ok(Some((Step::Open, size))),
        407 => {
            let headers = head.headers();
            let asked = headers.filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authenticate"));
            Err(TunnelError::Unauthorized(asked.map(|(_, value)| value.to_owned()).collect()))
        }
        status => Err(TunnelError::Status(status, head.reason().to_owned())),
    }
}

/// Why there is no tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TunnelError {
    /// An HTTP proxy's answer: status and reason.
    Status(u16, String),
    /// An HTTP proxy answered 407, and these `Proxy-Authenticate`.
    Unauthorized(Vec<String>),
    /// A SOCKS4 proxy's reply.
    Refused4(u8),
    /// A SOCKS5 proxy's reply (RFC 1928 §6).
    Refused(u8),
    /// A SOCKS5 proxy wants to know who we are, in a way that we cannot tell.
    AuthenticationNeeded,
    /// User or password is wrong.
    AuthenticationFailed,
    /// Not an answer; says what is wrong with it.
    Malformed(&'static str),
    /// Bytes behind the answer.
    TooMuch,
}

impl TunnelError {
    /// The HTTP status of the proxy's answer; 0 where there is none.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Status(status, _) => *status,
            Self::Unauthorized(_) => 407,
            _ => 0,
        }
    }

    /// The proxy is willing and the server was not to be reached: another try may succeed.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Status(500..=599, _) | Self::Refused(1 | 3..=6) | Self::Refused4(91))
    }
}

impl fmt::Display for TunnelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthorized(_) => {
                f.write_str("it answered 407 and wants to know a user and a password")
            }
            Self::Status(status, reason) => write!(f, "it answered {status} {reason} to CONNECT"),
            Self::Refused(reply) => write!(f, "it refused: {} ({reply})", socks5::refusal(*reply)),
            Self::Refused4(reply) => {
                write!(f, "it refused: {} ({reply})", socks4::refusal(*reply))
            }
            Self::AuthenticationNeeded => {
                f.write_str("it wants another authentication than we have; give user and password")
            }
            Self::AuthenticationFailed => f.write_str("it refused user and password"),
            Self::Malformed(why) => write!(f, "its answer is wrong: {why}"),
            Self::TooMuch => f.write_str("it sent more than its answer"),
        }
    }
}

impl std::error::Error for TunnelError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(proxy: &str, host: &str, port: u16) -> (Tunnel, Vec<u8>) {
        let proxy = ProxyUrl::parse(proxy).unwrap();
        let basic = proxy.credentials.as_ref().map(Credentials::basic);
        let mut tunnel = Tunnel::new(&proxy, host, port, 1024, basic.as_deref());
        let sent = said(&mut tunnel);
        (tunnel, sent)
    }

    fn said(tunnel: &mut Tunnel) -> Vec<u8> {
        let mut out = Vec::new();
        tunnel.poll_transmit(&mut out);
        out
    }

    #[test]
    fn connect_has_its_golden_bytes() {
        let (_, sent) = begin("http://proxy", "game.example", 443);
        let expected = "CONNECT game.example:443 HTTP/1.1\r\nHost: game.example:443\r\n\r\n";
        assert_eq!(sent, expected.as_bytes());
        let (_, sent) = begin("http://Aladdin:open%20sesame@proxy", "::1", 80);
        let expected = "CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\
                        Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
        assert_eq!(sent, expected.as_bytes());
    }

    #[test]
    fn an_http_tunnel_opens_with_any_2xx() {
        let answers = [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.0 200 Connection established\r\nProxy-Agent: x\r\n\r\n",
            "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        ];
        for answer in answers {
            let (mut tunnel, _) = begin("http://proxy", "a", 80);
            for byte in &answer.as_bytes()[..answer.len() - 1] {
                assert_eq!(tunnel.handle_bytes(&[*byte]), Ok(false), "{answer}");
            }
            assert_eq!(tunnel.handle_bytes(b"\n"), Ok(true), "{answer}");
            assert_eq!(tunnel.handle_bytes(b"x"), Err(TunnelError::TooMuch));
        }
    }

    #[test]
    fn other_http_answers_open_nothing() {
        let error = |answer: &str| {
            let (mut tunnel, _) = begin("http://proxy", "a", 80);
            tunnel.handle_bytes(answer.as_bytes()).expect_err(answer)
        };
        let wants = error("HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic\r\n\r\n");
        assert_eq!((wants.status(), wants.may_pass()), (407, false));
        let gone = error("HTTP/1.1 502 Bad Gateway\r\n\r\n");
        assert_eq!((gone.status(), gone.may_pass()), (502, true));
        assert_eq!(error("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n").status(), 302);
        assert_eq!(error("HTTP/1.1 200 OK\r\n\r\nhello"), TunnelError::TooMuch);
        assert!(matches!(error("SSH-2.0-x\r\n"), TunnelError::Malformed(_)));
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(1024));
        assert!(matches!(error(&endless), TunnelError::Malformed(_)));
    }

    #[test]
    fn a_proxy_that_wants_to_know_who_we_are_says_how() {
        let (mut tunnel, _) = begin("https://proxy", "a", 80);
        let answer = b"HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm=x\r\nX: y\r\n\
                       proxy-authenticate: Digest realm=y\r\n\r\n";
        let asked = ["Basic realm=x", "Digest realm=y"].map(str::to_owned).to_vec();
        assert_eq!(tunnel.handle_bytes(answer), Err(TunnelError::Unauthorized(asked)));
    }

    #[test]
    fn socks4_has_its_golden_bytes() {
        let (mut tunnel, sent) = begin("socks4://fred@proxy", "66.102.7.99", 80);
        assert_eq!(sent, b"\x04\x01\x00\x50\x42\x66\x07\x63fred\x00");
        for byte in [0, 90, 1, 2, 3, 4, 5] {
            assert_eq!(tunnel.handle_bytes(&[byte]), Ok(false));
        }
        assert_eq!(tunnel.handle_bytes(&[6]), Ok(true), "what an address there says is no matter");
        assert_eq!(tunnel.handle_bytes(b"x"), Err(TunnelError::TooMuch));
        let (_, sent) = begin("socks4a://proxy", "game", 0x1234);
        assert_eq!(sent, b"\x04\x01\x12\x34\x00\x00\x00\x01\x00game\x00");
    }

    #[test]
    fn other_socks4_answers_open_nothing() {
        let error = |bytes: &[u8]| {
            let (mut tunnel, _) = begin("socks4a://proxy", "a", 80);
            tunnel.handle_bytes(bytes).expect_err("no tunnel")
        };
        for reply in (0..=255).filter(|&reply| reply != 90) {
            assert_eq!(error(&[0, reply]), TunnelError::Refused4(reply));
            assert_eq!(error(&[4, reply, 0, 0, 0, 0, 0, 0]), TunnelError::Refused4(reply));
        }
        assert!(matches!(error(b"HTTP"), TunnelError::Malformed(_)));
        assert!(matches!(error(&[5, 0]), TunnelError::Malformed(_)));
        assert_eq!(error(&[0, 90, 0, 0, 0, 0, 0, 0, 9]), TunnelError::TooMuch);
        assert!(TunnelError::Refused4(91).may_pass() && !TunnelError::Refused4(92).may_pass());
    }

    #[test]
    fn socks5_has_its_golden_bytes() {
        let (mut tunnel, sent) = begin("socks5://proxy", "game", 0x1234);
        assert_eq!(sent, [5, 1, 0]);
        assert_eq!(tunnel.handle_bytes(&[5]), Ok(false));
        assert_eq!(tunnel.handle_bytes(&[0]), Ok(false));
        assert_eq!(said(&mut tunnel), b"\x05\x01\x00\x03\x04game\x12\x34");
        assert_eq!(tunnel.handle_bytes(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]), Ok(true));
        let request = |host| {
            let (mut tunnel, _) = begin("socks5://proxy", host, 80);
            tunnel.handle_bytes(&[5, 0]).unwrap();
            said(&mut tunnel)
        };
        assert_eq!(request("1.2.3.4"), [5, 1, 0, 1, 1, 2, 3, 4, 0, 80]);
        let v6 = [&[5, 1, 0, 4][..], &[0; 15], &[1, 0, 80]].concat();
        assert_eq!(request("::1"), v6);
    }

    #[test]
    fn socks5_tells_user_and_password_when_asked() {
        let (mut tunnel, sent) = begin("socks5://ann:secret@proxy", "a", 80);
        assert_eq!(sent, [5, 2, 0, 2]);
        assert_eq!(tunnel.handle_bytes(&[5, 2]), Ok(false));
        assert_eq!(said(&mut tunnel), b"\x01\x03ann\x06secret");
        assert_eq!(tunnel.handle_bytes(&[1, 0]), Ok(false));
        assert_eq!(said(&mut tunnel), b"\x05\x01\x00\x03\x01a\x00\x50");
        let name = [&[5, 0, 0, 3, 4][..], b"host", &[0, 80]].concat();
        assert_eq!(tunnel.handle_bytes(&name), Ok(true));
        let (mut tunnel, _) = begin("socks5://ann:secret@proxy", "a", 80);
        assert_eq!(tunnel.handle_bytes(&[5, 2, 1, 1]), Err(TunnelError::AuthenticationFailed));
        let (mut tunnel, _) = begin("socks5://ann:secret@proxy", "a", 80);
        assert_eq!(tunnel.handle_bytes(&[5, 0]), Ok(false), "the proxy need not ask");
    }

    #[test]
    fn other_socks5_answers_open_nothing() {
        let error = |bytes: &[u8]| {
            let (mut tunnel, _) = begin("socks5://proxy", "a", 80);
            tunnel.handle_bytes(bytes).expect_err("no tunnel")
        };
        assert_eq!(error(&[5, 0xff]), TunnelError::AuthenticationNeeded);
        assert_eq!(error(&[5, 2]), TunnelError::AuthenticationNeeded);
        assert!(matches!(error(b"HTTP"), TunnelError::Malformed(_)));
        assert!(matches!(error(&[5, 0, 4]), TunnelError::Malformed(_)));
        assert!(matches!(error(&[5, 0, 5, 0, 0, 9, 1]), TunnelError::Malformed(_)));
        for reply in 1..=255 {
            assert_eq!(error(&[5, 0, 5, reply]), TunnelError::Refused(reply));
            let whole = [5, 0, 5, reply, 0, 1, 0, 0, 0, 0, 0, 0];
            assert_eq!(error(&whole), TunnelError::Refused(reply));
        }
        let early = [5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7];
        assert_eq!(error(&early), TunnelError::TooMuch);
        assert!(TunnelError::Refused(5).may_pass() && !TunnelError::Refused(2).may_pass());
    }
}
