//! What an interface is built with: its kind, paths, sub-protocols.

use super::ConnectionLimits;
use crate::error::{Error, Result};
use crate::proto::cidr::Cidr;
use crate::proto::http::Origin;
use crate::proto::websocket::handshake::check_custom_header;

/// A way for packets to travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u32)]
pub enum InterfaceKind {
    /// UDP datagrams.
    #[default]
    Udp = 1,
    /// WebSocket over TCP.
    WebSocket = 2,
    /// Within the process, between drivers; loopback endpoints only.
    Ipc = 3,
    /// TCP: packets with a length in front, with or without TLS.
    Tcp = 4,
    /// What the program brings itself ([`CustomInterface`](crate::CustomInterface)).
    Custom = 5,
}

/// What one connection carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// Unity Transport's connection protocol, version 1.
    Utp,
    /// One WebSocket message is one Data event.
    Plain,
}

/// Which dialects a WebSocket listener takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DialectPolicy {
    /// Either; each client's dialect is found out.
    #[default]
    Auto,
    /// Unity Transport's only.
    UtpOnly,
    /// Plain only.
    PlainOnly,
}

/// What becomes of sub-protocols on which the two sides of a WebSocket do not agree.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SubProtocolRule {
    /// The connection is made, without one (RFC 6455 §4.2.2), as a browser's page is connected.
    #[default]
    Lenient,
    /// There is no connection, as with Godot: a client that offers some must be answered with one
    /// of them.
    Strict,
}

/// One interface of a driver. Texts matter for WebSocket only, proxies for TCP too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceSettings {
    /// What kind.
    pub kind: InterfaceKind,
    /// WebSocket listeners: which dialects.
    pub dialect: DialectPolicy,
    /// The path that listeners serve and that `connect` asks for; `None`: listeners of the UTP
    /// dialect serve "/", others every path, and `connect` asks for "/".
    pub path: Option<String>,
    /// Auto: clients of this path speak UTP.
    pub utp_path: Option<String>,
    /// Auto: clients of this path speak plain.
    pub plain_path: Option<String>,
    /// Sub-protocols that the server speaks, best first.
    pub sub_protocols: Vec<String>,
    /// Upgrade requests wait for the program (`pop_request`) instead of being accepted.
    pub accept_requests: bool,
    /// Milliseconds that such a request waits; then it is answered with 503.
    pub request_timeout_ms: u32,
    /// Pages that may connect, as `scheme://host[:port]` or `null`; `None`: any. Requests without
    /// an `Origin` are no browser's and pass.
    pub allowed_origins: Option<Vec<String>>,
    /// Header fields of every answer.
    pub response_headers: Vec<(String, String)>,
    /// Proxies whose word counts, as addresses or `address/bits`.
    pub trusted_proxies: Vec<String>,
    /// Each stream begins with a PROXY header of a trusted proxy; others are refused.
    pub proxy_protocol: bool,
    /// Limits of its connections; 0: the driver's.
    pub limits: ConnectionLimits,
}

/// Default of [`InterfaceSettings::request_timeout_ms`].
pub const REQUEST_TIMEOUT_MS: u32 = 5000;
/// Origins that an interface may name.
pub const ORIGINS_MAX: usize = 256;
/// Proxies that an interface may name.
pub const PROXIES_MAX: usize = 256;
/// Header fields that the program may add to an answer.
pub const RESPONSE_HEADERS_MAX: usize = 64;

impl Default for InterfaceSettings {
    fn default() -> Self {
        Self {
            kind: InterfaceKind::default(),
            dialect: DialectPolicy::default(),
            path: None,
            utp_path: None,
            plain_path: None,
            sub_protocols: Vec::new(),
            accept_requests: false,
            request_timeout_ms: REQUEST_TIMEOUT_MS,
            allowed_origins: None,
            response_headers: Vec::new(),
            trusted_proxies: Vec::new(),
            proxy_protocol: false,
            limits: ConnectionLimits::default(),
        }
    }
}

/// Bytes of the longest path (Unity Transport's FixedString128).
pub const PATH_SIZE_MAX: usize = 125;
/// Sub-protocols that an interface or a client may name.
pub const SUB_PROTOCOLS_MAX: usize = 32;

impl InterfaceSettings {
    /// An interface of a kind, with the defaults.
    #[must_use]
    pub fn new(kind: InterfaceKind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Checks paths, sub-protocols, origins, proxies and headers.
    ///
    /// # Errors
    /// [`crate::Status::InvalidArgument`] names what is wrong.
    pub fn validate(&self) -> Result<()> {
        let paths =
            [("path", &self.path), ("utp_path", &self.utp_path), ("plain_path", &self.plain_path)];
        for (name, path) in paths {
            let Some(path) = path else { continue };
            let printable = path.bytes().all(|byte| byte.is_ascii_graphic());
            if !path.starts_with('/') || path.len() > PATH_SIZE_MAX || !printable {
                return Err(Error::argument(format!(
                    "{name} {path:?} must start with '/', be printable ASCII without spaces, and \
                     have at most {PATH_SIZE_MAX} bytes"
                )));
            }
        }
        check_sub_protocols(&self.sub_protocols)?;
        if !(1..=i32::MAX as u32).contains(&self.request_timeout_ms) {
            return Err(Error::argument("request_timeout_ms must be above 0"));
        }
        check_response_headers(&self.response_headers)?;
        if self.response_headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            return Err(Error::argument(
                "response_headers: each document has a Content-Type of its own",
            ));
        }
        if self.proxy_protocol && self.trusted_proxies.is_empty() {
            return Err(Error::argument(
                "proxy_protocol needs trusted_proxies: nobody else may send a PROXY header",
            ));
        }
        self.origins()?;
        self.proxies().map(|_| ())
    }

    /// The allowed origins, parsed; `None`: any.
    pub(crate) fn origins(&self) -> Result<Option<Vec<Origin>>> {
        let Some(list) = &self.allowed_origins else {
            return Ok(None);
        };
        if list.len() > ORIGINS_MAX {
            return Err(Error::argument(format!("more than {ORIGINS_MAX} allowed_origins")));
        }
        let parse = |text: &String| {
            Origin::parse(text).ok_or_else(|| {
                Error::argument(format!(
                    "allowed_origins: {text:?} is no origin; write scheme://host or \
                     scheme://host:port without a path, or null"
                ))
            })
        };
        list.iter().map(parse).collect::<Result<_>>().map(Some)
    }

    /// The trusted proxies, parsed.
    pub(crate) fn proxies(&self) -> Result<Vec<Cidr>> {
        if self.trusted_proxies.len() > PROXIES_MAX {
            return Err(Error::argument(format!("more than {PROXIES_MAX} trusted_proxies")));
        }
        let parse = |text: &String| {
            Cidr::parse(text)
                .map_err(|why| Error::argument(format!("trusted_proxies: {text:?}: {why}")))
        };
        self.trusted_proxies.iter().map(parse).collect()
    }
}

/// Header fields that a program adds to an answer.
pub(crate) fn check_response_headers(headers: &[(String, String)]) -> Result<()> {
    if headers.len() > RESPONSE_HEADERS_MAX {
        return Err(Error::argument(format!("more than {RESPONSE_HEADERS_MAX} headers")));
    }
    for (name, value) in headers {
        check_custom_header(name, value)
            .map_err(|why| Error::argument(format!("header {name:?}: {why}")))?;
    }
    Ok(())
}

pub(crate) fn check_sub_protocols(names: &[String]) -> Result<()> {
    if names.len() > SUB_PROTOCOLS_MAX {
        return Err(Error::argument(format!("more than {SUB_PROTOCOLS_MAX} sub-protocols")));
    }
    match names.iter().find(|name| !crate::proto::http::is_token(name)) {
        Some(name) => Err(Error::argument(format!(
            "sub-protocol {name:?} is not a token; use letters, digits, '-', '.', '_'"
        ))),
        None => Ok(()),
    }
}
