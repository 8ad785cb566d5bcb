//! SOCKS 4 and 4a, the client's side of CONNECT: the oldest proxies, which know IPv4 (4a: and
//! names) and a user without a password.
//!
//! Only bytes: which message is due, `tunnel` knows.

use std::net::Ipv4Addr;

use super::TunnelError;

const VERSION: u8 = 4;
const COMMAND_CONNECT: u8 = 1;
/// In place of an address: the name follows (4a).
const NAME_FOLLOWS: Ipv4Addr = Ipv4Addr::new(0, 0, 0, 1);
/// Bytes of a reply.
const REPLY_SIZE: usize = 8;
const GRANTED: u8 = 90;

/// The server to connect to: an address, or else a name without NUL, which only 4a knows.
pub fn write_request(out: &mut Vec<u8>, host: &str, port: u16, user: &str) {
    let address = host.parse::<Ipv4Addr>();
    out.extend_from_slice(&[VERSION, COMMAND_CONNECT]);
    out.extend_from_slice(&port.to_be_bytes());
    out.extend_from_slice(&address.as_ref().copied().unwrap_or(NAME_FOLLOWS).octets());
    out.extend_from_slice(user.as_bytes());
    out.push(0);
    if address.is_err() {
        out.extend_from_slice(host.as_bytes());
        out.push(0);
    }
}

/// Reads the answer to the request. `None`: more bytes are needed.
pub fn read_reply(input: &[u8]) -> Result<Option<usize>, TunnelError> {
    match *input {
        // The version of the reply is 0; some proxies send that of the request.
        [version, ..] if version != 0 && version != VERSION => {
            Err(TunnelError::Malformed("it is no SOCKS4 proxy"))
        }
        [_, GRANTED, ..] => Ok((input.len() >= REPLY_SIZE).then_some(REPLY_SIZE)),
        [_, reply, ..] => Err(TunnelError::Refused4(reply)),
        _ => Ok(None),
    }
}

/// What the numbers mean.
pub fn refusal(reply: u8) -> &'static str {
    match reply {
        91 => "rejected or failed",
        92 => "it cannot ask this machine who we are",
        93 => "this machine says that we are somebody else",
        _ => "for an unknown reason",
    }
}
