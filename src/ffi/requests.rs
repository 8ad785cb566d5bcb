//! Upgrade requests that wait for the program's answer.

use core::ffi::c_char;
use core::mem::offset_of;

use super::args;
use super::boundary::{guard, with_driver};
use super::codes::{ND_REQUEST_FLAG_FORWARDED_TLS, ND_REQUEST_FLAG_TLS, nd_result};
use super::connections::text_kind_from;
use super::endpoints::to_abi;
use super::settings::header_lines;
use super::structs::{nd_driver, nd_endpoint, nd_request};
use crate::error::{Error, Status};
use crate::proto::endpoint::NetworkEndpoint;
use crate::{Request, RequestId};

/// The smallest struct_size that is accepted: up to the last field of version 0.2.
const REQUEST_SIZE_MIN: usize = offset_of!(nd_request, local) + size_of::<nd_endpoint>();

/// Prepare a struct for nd_driver_pop_request.
///
/// @param out_request  out: struct_size set, the rest 0
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_request_init(out_request: *mut nd_request) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        *args::output(out_request, "out_request")? = no_request();
        Ok(())
    })
}

/// Take the oldest upgrade request that waits, on interfaces with `accept_requests`. It stays open
/// until nd_driver_request_accept or _reject answers it, now or later; after `request_timeout_ms`
/// it is answered with 503. When its client leaves before, the id is stale. nd_driver_wait returns
/// when a request comes. At most `pending_handshakes_max` wait at once: when more clients are at
/// the door, the oldest that had a second has to go.
///
/// @param driver  the driver
/// @param out_request  in: struct_size, see nd_request_init; out: the request; its id is 0 when
/// none waits
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_pop_request(
    driver: *mut nd_driver,
    out_request: *mut nd_request,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; the struct is plain data.
    with_driver(driver, |driver| unsafe {
        // A wrong struct must not cost a request: it is checked before one is taken.
        args::fill_growable(out_request, no_request(), REQUEST_SIZE_MIN, "out_request")?;
        let Some(request) = driver.pop_request() else {
            return Ok(());
        };
        args::fill_growable(out_request, to_request(&request), REQUEST_SIZE_MIN, "out_request")
    })
}

/// A text of a request that waits: path, query, method, Origin, cookies, and what else ND_TEXT_…
/// names. The agreed sub-protocol and extensions are empty: nothing is agreed yet.
///
/// @param driver  the driver
/// @param request  its id
/// @param text_kind  ND_TEXT_…
/// @param buffer  where to write the text and a NUL; NULL with capacity 0 asks for the length only
/// @param capacity  bytes at `buffer`
/// @param out_length  out: bytes of the text without the NUL; may be NULL
/// @return ND_OK (an empty text where there is none); ND_ERROR_INVALID_HANDLE;
/// ND_ERROR_NETWORK_ID_MISMATCH (never an id); ND_ERROR_NETWORK_VERSION_MISMATCH (answered, too
/// late, or the client has left); ND_ERROR_INVALID_ARGUMENT; ND_ERROR_BUFFER_TOO_SMALL (the length
/// is written); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_request_text(
    driver: *mut nd_driver,
    request: u64,
    text_kind: u32,
    buffer: *mut c_char,
    capacity: u32,
    out_length: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let kind = text_kind_from(text_kind)?;
        let text = driver.pending_text(RequestId::from_u64(request), kind)?;
        args::copy_text(&text, buffer, capacity, out_length)
    })
}

/// One header of a request that waits; the first, when there are several of that name.
///
/// @param driver  the driver
/// @param request  its id
/// @param name  the header's name, in any case
/// @param buffer  where to write the value and a NUL; NULL with capacity 0 asks for the length only
/// @param capacity  bytes at `buffer`
/// @param out_length  out: bytes of the value without the NUL; may be NULL
/// @return as nd_driver_request_text; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NOT_FOUND
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_request_header(
    driver: *mut nd_driver,
    request: u64,
    name: *const c_char,
    buffer: *mut c_char,
    capacity: u32,
    out_length: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let name = args::text(name, "name")?;
        let value = driver.pending_header(RequestId::from_u64(request), name)?;
        let value = value.ok_or_else(|| not_found(format!("there is no header {name:?}")))?;
        args::copy_text(value, buffer, capacity, out_length)
    })
}

/// One cookie of a request that waits; the first, when there are several of that name. The value
/// is as sent: quotes and percent signs are the program's to read.
///
/// @param driver  the driver
/// @param request  its id
/// @param name  the cookie's name; case counts
/// @param buffer  where to write the value and a NUL; NULL with capacity 0 asks for the length only
/// @param capacity  bytes at `buffer`
/// @param out_length  out: bytes of the value without the NUL; may be NULL
/// @return as nd_driver_request_text; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NOT_FOUND
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_request_cookie(
    driver: *mut nd_driver,
    request: u64,
    name: *const c_char,
    buffer: *mut c_char,
    capacity: u32,
    out_length: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let name = args::text(name, "name")?;
        let value = driver.pending_cookie(RequestId::from_u64(request), name)?;
        let value = value.ok_or_else(|| not_found(format!("there is no cookie {name:?}")))?;
        args::copy_text(value, buffer, capacity, out_length)
    })
}

/// Accept a request: 101 leaves with the next update or flush, and the connection comes out of
/// nd_driver_accept as any other.
///
/// @param driver  the driver
/// @param request  its id, stale from here on
/// @param sub_protocol  one that the client offers; "" for none; NULL leaves the choice to the
/// interface's settings
/// @param headers  further header fields of the answer, one `Name: value` line each; NULL for none
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_ID_MISMATCH (never an id);
/// ND_ERROR_NETWORK_VERSION_MISMATCH (answered, too late, or the client has left);
/// ND_ERROR_INVALID_ARGUMENT (a sub-protocol that is not offered, a bad header; the request still
/// waits); ND_ERROR_NETWORK_STATE_MISMATCH (the driver does not listen any more, or refuses new
/// connections: the client is answered with 503); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_request_accept(
    driver: *mut nd_driver,
    request: u64,
    sub_protocol: *const c_char,
    headers: *const c_char,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let sub_protocol = args::optional_text(sub_protocol, "sub_protocol")?;
        let headers = args::optional_text(headers, "headers")?.unwrap_or_default();
        driver.accept_request(RequestId::from_u64(request), sub_protocol, &header_lines(headers)?)
    })
}

/// Refuse a request with an answer of the program's own. It leaves with the next update or flush.
///
/// @param driver  the driver
/// @param request  its id, stale from here on
/// @param status  the HTTP status, 200 to 599, such as 401, 403 or 404
/// @param headers  header fields of the answer, one `Name: value` line each; NULL for none. Without
/// a Content-Type the body is plain text
/// @param body  the answer's body, copied; NULL when the length is 0
/// @param body_length  length of `body` in bytes; at most 65536
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH
/// (never an id); ND_ERROR_NETWORK_VERSION_MISMATCH (answered, too late, or the client has left);
/// ND_ERROR_INVALID_ARGUMENT (status, headers or body; the request still waits);
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_request_reject(
    driver: *mut nd_driver,
    request: u64,
    status: u32,
    headers: *const c_char,
    body: *const u8,
    body_length: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let headers = args::optional_text(headers, "headers")?.unwrap_or_default();
        let body = args::slice(body, body_length, "body")?;
        // What does not fit is out of range in any case.
        let status = u16::try_from(status).unwrap_or(u16::MAX);
        let request = RequestId::from_u64(request);
        driver.reject_request(request, status, &header_lines(headers)?, body)
    })
}

fn not_found(text: String) -> Error {
    Error::new(Status::NotFound, text)
}

/// The struct with nothing in it.
fn no_request() -> nd_request {
    let nowhere = to_abi(&NetworkEndpoint::INVALID);
    nd_request {
        struct_size: size_of::<nd_request>() as u32,
        interface_index: 0,
        id: 0,
        flags: 0,
        remaining_ms: 0,
        remote: nowhere,
        peer: nowhere,
        local: nowhere,
    }
}

const fn bit(set: bool, bit: u32) -> u32 {
    if set { bit } else { 0 }
}

fn to_request(request: &Request) -> nd_request {
    nd_request {
        interface_index: request.interface,
        id: request.id.to_u64(),
        flags: bit(request.tls, ND_REQUEST_FLAG_TLS)
            | bit(request.forwarded_tls, ND_REQUEST_FLAG_FORWARDED_TLS),
        remaining_ms: request.remaining_ms,
        remote: to_abi(&request.remote),
        peer: to_abi(&request.peer),
        local: to_abi(&request.local),
        ..no_request()
    }
}
