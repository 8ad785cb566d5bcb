//! permessage-deflate (RFC 7692): what both sides agree on. It must not decide whether compression
//! is wanted: it reads what was asked, writes what was decided, and `codec` does it.

use std::fmt;

use crate::proto::http::is_token;

mod codec;

pub use codec::{Codec, Pool};
pub(super) use codec::{Inflated, Inflation};

/// The extension's name.
pub(super) const NAME: &str = "permessage-deflate";
const SERVER_NO_CONTEXT: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

/// The smallest window that can be compressed with here: zlib's raw format has no 8. Where a peer
/// insists on 8, this side sends its messages as they are, as RFC 7692 section 6 allows.
pub const WINDOW_BITS_MIN: u8 = 9;
/// The largest window, and the one that counts when none is named (RFC 7692 section 7.1.2).
pub const WINDOW_BITS_MAX: u8 = 15;
/// The smallest number that the parameters may carry.
const NAMED_BITS_MIN: u8 = 8;

/// What this side wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// Window of what this side sends, at most; 9 to 15.
    pub own_bits: u8,
    /// Window of what the peer sends, at most; 9 to 15.
    pub peer_bits: u8,
    /// Forget our context after each message.
    pub own_no_context: bool,
    /// Have the peer forget its context after each message.
    pub peer_no_context: bool,
}

/// The parameters in force; its text is the value of the answer's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The server forgets its context after each message.
    pub server_no_context: bool,
    /// The client does.
    pub client_no_context: bool,
    /// The server's window, when named.
    pub server_bits: Option<u8>,
    /// The client's window, when named.
    pub client_bits: Option<u8>,
}

impl fmt::Display for Agreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        for (name, set) in [
            (SERVER_NO_CONTEXT, self.server_no_context),
            (CLIENT_NO_CONTEXT, self.client_no_context),
        ] {
            if set {
                write!(f, "; {name}")?;
            }
        }
        for (name, bits) in [(SERVER_BITS, self.server_bits), (CLIENT_BITS, self.client_bits)] {
            if let Some(bits) = bits {
                write!(f, "; {name}={bits}")?;
            }
        }
        Ok(())
    }
}

/// The parameters of one element, as they were written.
#[derive(Default)]
struct Params {
    server_no_context: bool,
    client_no_context: bool,
    server_bits: Option<u8>,
    /// Named without a value: `Some(None)`.
    client_bits: Option<Option<u8>>,
}

/// A client's offer.
#[must_use]
pub fn offer(wishes: &Wishes) -> String {
    let client_bits = named(wishes.own_bits);
    let agreed = Agreed {
        server_no_context: wishes.peer_no_context,
        client_no_context: wishes.own_no_context,
        server_bits: named(wishes.peer_bits),
        client_bits,
    };
    // Without a value it only says that the server may choose our window.
    let hint = if client_bits.is_none() { "; client_max_window_bits" } else { "" };
    format!("{agreed}{hint}")
}

/// A window as a parameter; the largest one needs none.
fn named(bits: u8) -> Option<u8> {
    (bits < WINDOW_BITS_MAX).then_some(bits)
}

/// The first of a client's offers that can be taken (RFC 7692 section 5.1); `None` goes on without
/// compression. `values` are those of all `Sec-WebSocket-Extensions` headers.
pub fn accept<'a>(values: impl Iterator<Item = &'a str>, wishes: &Wishes) -> Option<Agreed> {
    for element in values.flat_map(|value| split_quoted(value, ',')) {
        let Some(params) = parse(element) else { continue };
        let server_bits = match params.server_bits {
            Some(bits) => Some(bits.min(wishes.own_bits)),
            None => named(wishes.own_bits),
        };
        let client_bits = match params.client_bits {
            // A client that did not name it need not understand it.
            None => None,
            Some(None) => named(wishes.peer_bits),
            Some(Some(bits)) => Some(bits.min(wishes.peer_bits)),
        };
        return Some(Agreed {
            server_no_context: params.server_no_context || wishes.own_no_context,
            client_no_context: params.client_no_context || wishes.peer_no_context,
            server_bits,
            client_bits,
        });
    }
    None
}

/// The server answered something other than an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnAnswer;

/// A server's answer to the [`offer`] made of `wishes`: `Ok(None)` when it agrees on nothing.
///
/// # Errors
/// When the answer is not one to that offer: the connection must be dropped.
pub fn check<'a>(
    values: impl Iterator<Item = &'a str>,
    wishes: &Wishes,
) -> Result<Option<Agreed>, NotAnAnswer> {
    let mut elements = values
        .flat_map(|value| split_quoted(value, ','))
        .filter(|element| !element.trim_matches([' ', '\t']).is_empty());
    let Some(element) = elements.next() else {
        return Ok(None);
    };
    let params = parse(element).ok_or(NotAnAnswer)?;
    let client_bits = match params.client_bits {
        Some(None) => return Err(NotAnAnswer),
        Some(Some(bits)) if bits > wishes.own_bits => return Err(NotAnAnswer),
        Some(bits) => bits,
        None => None,
    };
    let server_max = params.server_bits.unwrap_or(WINDOW_BITS_MAX);
    let forgets = params.server_no_context || !wishes.peer_no_context;
    if elements.next().is_some() || server_max > wishes.peer_bits || !forgets {
        return Err(NotAnAnswer);
    }
    Ok(Some(Agreed {
        server_no_context: params.server_no_context,
        // Ours to decide, and the offer said so already.
        client_no_context: params.client_no_context || wishes.own_no_context,
        server_bits: params.server_bits,
        client_bits,
    }))
}

/// Splits at a separator outside of quotes.
pub(super) fn split_quoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |letter: char| {
        let hit = letter == separator && !quoted;
        match letter {
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && letter == '\\' && !escaped;
        hit
    })
}

/// One element of the header; `None` when it is not this extension, or not well-formed.
fn parse(element: &str) -> Option<Params> {
    let mut parts = split_quoted(element, ';').map(|part| part.trim_matches([' ', '\t']));
    if !parts.next()?.eq_ignore_ascii_case(NAME) {
        return None;
    }
    let mut params = Params::default();
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => {
                (name.trim_matches([' ', '\t']), Some(value.trim_matches([' ', '\t'])))
            }
            None => (part, None),
        };
        // A name may stand once.
        match (name, value) {
            (SERVER_NO_CONTEXT, None) if !params.server_no_context => {
                params.server_no_context = true;
            }
            (CLIENT_NO_CONTEXT, None) if !params.client_no_context => {
                params.client_no_context = true;
            }
            (SERVER_BITS, Some(value)) if params.server_bits.is_none() => {
                params.server_bits = Some(parse_bits(value)?);
            }
            (CLIENT_BITS, None) if params.client_bits.is_none() => params.client_bits = Some(None),
            (CLIENT_BITS, Some(value)) if params.client_bits.is_none() => {
                params.client_bits = Some(Some(parse_bits(value)?));
            }
            _ => return None,
        }
    }
    Some(params)
}

/// A number from 8 to 15 without leading zeros, perhaps in quotes.
fn parse_bits(value: &str) -> Option<u8> {
    let digits = match value.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"')?,
        None => value,
    };
    if !is_token(digits) || digits.starts_with(['0', '+']) {
        return None;
    }
    digits.parse().ok().filter(|bits| (NAMED_BITS_MIN..=WINDOW_BITS_MAX).contains(bits))
}

#[cfg(test)]
mod tests;
