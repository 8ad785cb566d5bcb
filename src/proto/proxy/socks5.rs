//! SOCKS 5 (RFC 1928) with user and password (RFC 1929), the client's side of CONNECT.
//!
//! Only bytes: which message is due, `tunnel` knows.

use std::net::IpAddr;

use super::{SOCKS5_CREDENTIAL_MAX, TunnelError};
use crate::proto::credentials::Credentials;

const VERSION: u8 = 5;
/// Method without authentication (RFC 1928 §3).
const NO_AUTHENTICATION: u8 = 0;
/// Method with user and password (RFC 1929).
const USER_AND_PASSWORD: u8 = 2;
/// The version of the conversation about user and password (RFC 1929 §2).
const AUTHENTICATION_VERSION: u8 = 1;
const COMMAND_CONNECT: u8 = 1;
const TYPE_IPV4: u8 = 1;
const TYPE_NAME: u8 = 3;
const TYPE_IPV6: u8 = 4;

/// Whether user and password fit into the messages.
pub fn can_carry(credentials: &Credentials) -> bool {
    let fits = |text: &str| (1..=SOCKS5_CREDENTIAL_MAX).contains(&text.len());
    fits(credentials.user()) && fits(credentials.password())
}

/// The methods that we know.
pub fn write_methods(out: &mut Vec<u8>, with_password: bool) {
    if with_password {
        out.extend_from_slice(&[VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD]);
    } else {
        out.extend_from_slice(&[VERSION, 1, NO_AUTHENTICATION]);
    }
}

/// User and password, which [`can_carry`] has seen.
pub fn write_credentials(out: &mut Vec<u8>, credentials: &Credentials) {
    out.push(AUTHENTICATION_VERSION);
    for text in [credentials.user(), credentials.password()] {
        out.push(text.len() as u8);
        out.extend_from_slice(text.as_bytes());
    }
}

/// The server to connect to: a name of at most 255 bytes, or an IP literal.
pub fn write_request(out: &mut Vec<u8>, host: &str, port: u16) {
    out.extend_from_slice(&[VERSION, COMMAND_CONNECT, 0]);
    match host.parse() {
        Ok(IpAddr::V4(ip)) => {
            out.push(TYPE_IPV4);
            out.extend_from_slice(&ip.octets());
        }
        Ok(IpAddr::V6(ip)) => {
            out.push(TYPE_IPV6);
            out.extend_from_slice(&ip.octets());
        }
        Err(_) => {
            out.extend_from_slice(&[TYPE_NAME, host.len() as u8]);
            out.extend_from_slice(host.as_bytes());
        }
    }
    out.extend_from_slice(&port.to_be_bytes());
}

/// Reads the method that the proxy chose; true when it wants user and password. `None`: more
/// bytes are needed.
pub fn read_method(
    input: &[u8],
    with_password: bool,
) -> Result<Option<(bool, usize)>, TunnelError> {
    match *input {
        [version, ..] if version != VERSION => Err(TunnelError::Malformed("it is no SOCKS5 proxy")),
        [_, NO_AUTHENTICATION, ..] => Ok(Some((false, 2))),
        [_, USER_AND_PASSWORD, ..] if with_password => Ok(Some((true, 2))),
        [_, _, ..] => Err(TunnelError::AuthenticationNeeded),
        _ => Ok(None),
    }
}

/// Reads whether user and password are right.
pub fn read_verdict(input: &[u8]) -> Result<Option<usize>, TunnelError> {
    match *input {
        [version, ..] if version != AUTHENTICATION_VERSION => {
            Err(TunnelError::Malformed("a wrong answer to user and password"))
        }
        [_, 0, ..] => Ok(Some(2)),
        [_, _, ..] => Err(TunnelError::AuthenticationFailed),
        _ => Ok(None),
    }
}

/// Reads the answer to the request.
pub fn read_reply(input: &[u8]) -> Result<Option<usize>, TunnelError> {
    let Some(&[version, reply, _, kind, first]) = input.first_chunk() else {
        return match *input {
            [version, ..] if version != VERSION => Err(TunnelError::Malformed("a wrong version")),
            // A proxy that refuses may hang up after the number.
            [_, reply, ..] if reply != 0 => Err(TunnelError::Refused(reply)),
            _ => Ok(None),
        };
    };
    if version != VERSION {
        return Err(TunnelError::Malformed("a wrong version"));
    }
    if reply != 0 {
        return Err(TunnelError::Refused(reply));
    }
    let size = match kind {
        TYPE_IPV4 => 10,
        TYPE_NAME => 7 + usize::from(first),
        TYPE_IPV6 => 22,
        _ => return Err(TunnelError::Malformed("an address of an unknown type")),
    };
    Ok((input.len() >= size).then_some(size))
}

/// The words of RFC 1928 §6.
pub fn refusal(reply: u8) -> &'static str {
    match reply {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "the network is unreachable",
        4 => "the host is unreachable",
        5 => "the connection was refused",
        6 => "the way is too long",
        7 => "it does not know CONNECT",
        8 => "it does not know this type of address",
        _ => "for an unknown reason",
    }
}
