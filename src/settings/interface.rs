//! What an interface is built with: its kind, paths, sub-protocols.

use crate::error::{Error, Result};

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

/// One interface of a driver. Texts matter for WebSocket only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

    /// Checks paths and sub-protocols.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`] names what is wrong.
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
        check_sub_protocols(&self.sub_protocols)
    }
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
