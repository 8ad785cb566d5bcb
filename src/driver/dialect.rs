//! Which dialect a WebSocket client speaks: the rules, without any state.
//!
//! In order: sub-protocol, path, first message, silence (`docs/PROTOCOL.md`, "Auto").

use crate::proto::http::RequestHead;
use crate::proto::utp::packet::is_connection_request;
use crate::settings::{Dialect, DialectPolicy, InterfaceSettings};

/// The sub-protocol that asks for the UTP dialect.
pub const SUB_PROTOCOL_UTP: &str = "netdriver.utp";
/// The sub-protocol that asks for the plain dialect.
pub const SUB_PROTOCOL_PLAIN: &str = "netdriver.raw";

/// Does a listener serve WebSockets at this target?
pub fn serves(settings: &InterfaceSettings, head: &RequestHead) -> bool {
    match (&settings.path, settings.dialect) {
        // Unity Transport compares the whole target, so a query is another path.
        (Some(path), DialectPolicy::UtpOnly) => head.target() == path,
        (None, DialectPolicy::UtpOnly) => head.target() == "/",
        (Some(path), _) => {
            let rules = [Some(path), settings.utp_path.as_ref(), settings.plain_path.as_ref()];
            rules.into_iter().flatten().any(|path| head.path() == path)
        }
        (None, _) => true,
    }
}

/// The sub-protocol to agree on under the strict rule, as Godot chooses: the first that the client
/// offers and we know. `Err`: there is none although one side names some.
pub fn choose_strictly<'a>(
    settings: &'a InterfaceSettings,
    offered: &[String],
) -> Result<Option<&'a str>, &'static str> {
    let first = offered.iter().find_map(|offer| known(settings).find(|name| name == offer));
    match first {
        Some(name) => Ok(Some(name)),
        None if !offered.is_empty() => Err("none of the sub-protocols offered is served here"),
        None if !settings.sub_protocols.is_empty() => Err("a sub-protocol must be offered here"),
        None => Ok(None),
    }
}

/// The sub-protocols that a listener speaks, best first.
fn known(settings: &InterfaceSettings) -> impl Iterator<Item = &str> {
    let own: &[&str] = match settings.dialect {
        DialectPolicy::Auto => &[SUB_PROTOCOL_UTP, SUB_PROTOCOL_PLAIN],
        DialectPolicy::UtpOnly => &[SUB_PROTOCOL_UTP],
        DialectPolicy::PlainOnly => &[SUB_PROTOCOL_PLAIN],
    };
    settings.sub_protocols.iter().map(String::as_str).chain(own.iter().copied())
}

/// The sub-protocol to agree on: the best of ours that the client offers. Nothing is answered to a
/// client that offers none of them, as a stock Unity client, which would refuse an answer.
pub fn choose_sub_protocol<'a>(
    settings: &'a InterfaceSettings,
    offered: &[String],
) -> Option<&'a str> {
    known(settings).find(|name| offered.iter().any(|other| other == name))
}

/// What the handshake alone tells.
pub fn from_handshake(
    settings: &InterfaceSettings,
    head: &RequestHead,
    sub_protocol: Option<&str>,
) -> Option<Dialect> {
    let path_is = |rule: &Option<String>| rule.as_deref() == Some(head.path());
    match settings.dialect {
        DialectPolicy::UtpOnly => Some(Dialect::Utp),
        DialectPolicy::PlainOnly => Some(Dialect::Plain),
        DialectPolicy::Auto => match sub_protocol {
            Some(SUB_PROTOCOL_UTP) => Some(Dialect::Utp),
            // A stock Unity client offers none, so any other agreement is a plain client's.
            Some(_) => Some(Dialect::Plain),
            None if path_is(&settings.utp_path) => Some(Dialect::Utp),
            None if path_is(&settings.plain_path) => Some(Dialect::Plain),
            None => None,
        },
    }
}

/// What a first message tells.
pub fn from_message(text: bool, data: &[u8]) -> Dialect {
    if !text && is_connection_request(data) { Dialect::Utp } else { Dialect::Plain }
}
