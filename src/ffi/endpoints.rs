//! Endpoints: text to bytes and back.

use core::ffi::c_char;

use super::args;
use super::boundary::guard;
use super::codes::nd_result;
use super::structs::nd_endpoint;
use crate::error::Error;
use crate::proto::endpoint::{Family, NetworkEndpoint};

/// Read an address from text: "127.0.0.1", "::1" or "[::1]". Names are not looked up; see
/// nd_driver_connect_host.
///
/// @param text  the address, NUL-ended
/// @param port  the port; 0 lets the operating system choose one at bind
/// @param family  ND_FAMILY_IPV4 or ND_FAMILY_IPV6; ND_FAMILY_INVALID tries both, IPv4 first
/// @param out_endpoint  out: the endpoint
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT
/// @thread any
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_endpoint_parse(
    text: *const c_char,
    port: u16,
    family: u32,
    out_endpoint: *mut nd_endpoint,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    guard(|| unsafe {
        let text = args::text(text, "text")?;
        let out = args::output(out_endpoint, "out_endpoint")?;
        let family = match family {
            super::codes::ND_FAMILY_INVALID => None,
            super::codes::ND_FAMILY_IPV4 => Some(Family::Ipv4),
            super::codes::ND_FAMILY_IPV6 => Some(Family::Ipv6),
            _ => {
                return Err(Error::argument("family must be ND_FAMILY_IPV4, _IPV6 or _INVALID"));
            }
        };
        let endpoint = NetworkEndpoint::parse(text, port, family)
            .map_err(|error| Error::argument(error.to_string()))?;
        *out = to_abi(&endpoint);
        Ok(())
    })
}

/// Write an endpoint as text, as Unity Transport does: "1.2.3.4:80", "[0000:…:0001]:80",
/// "custom:0x…", "invalid".
///
/// @param endpoint  what to write
/// @param buffer  where to write the text and a NUL; 132 bytes are always enough
/// @param capacity  bytes at `buffer`
/// @param out_length  out: bytes of the text without the NUL; may be NULL
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_BUFFER_TOO_SMALL; ND_ERROR_INVALID_ARGUMENT
/// @thread any
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_endpoint_format(
    endpoint: *const nd_endpoint,
    buffer: *mut c_char,
    capacity: u32,
    out_length: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    guard(|| unsafe {
        let text = args::endpoint(endpoint, "endpoint")?.to_string();
        args::copy_text(&text, buffer, capacity, out_length)
    })
}

/// The endpoint in the ABI's layout.
pub(super) fn to_abi(endpoint: &NetworkEndpoint) -> nd_endpoint {
    let bytes = endpoint.to_bytes();
    let mut address = [0; 60];
    address.copy_from_slice(&bytes[..60]);
    let port = u16::from_le_bytes([bytes[62], bytes[63]]);
    nd_endpoint { address, family: bytes[60], reserved: 0, port }
}

/// The endpoint from the ABI's layout; `None` for an unknown family.
pub(super) fn from_abi(raw: &nd_endpoint) -> Option<NetworkEndpoint> {
    let mut bytes = [0; 64];
    bytes[..60].copy_from_slice(&raw.address);
    bytes[60] = raw.family;
    bytes[62..].copy_from_slice(&raw.port.to_le_bytes());
    NetworkEndpoint::from_bytes(bytes)
}
