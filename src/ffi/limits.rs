//! Limits of one connection, and what its messages are when nobody says so.

use core::mem::offset_of;

use super::args;
use super::boundary::{guard, with_driver};
use super::codes::{ND_WRITE_MODE_BINARY, ND_WRITE_MODE_TEXT, nd_result};
use super::structs::{nd_connection, nd_connection_limits, nd_driver};
use crate::error::{Error, Result};
use crate::settings::ConnectionLimits;
use crate::{Connection, MessageKind};

/// The smallest struct_size that is accepted: up to the last field of version 0.3.
const LIMITS_SIZE_MIN: usize = offset_of!(nd_connection_limits, websocket_send_queue_capacity) + 4;

/// Fill limits with nothing: every field but struct_size is 0.
///
/// @param out_limits  out: every field set
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT
/// @thread any
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_limits_init(
    out_limits: *mut nd_connection_limits,
) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        *args::output(out_limits, "out_limits")? = to_abi(&ConnectionLimits::default());
        Ok(())
    })
}

/// The limits that hold for a connection: its own, and where it has none those of its interface or
/// of the driver.
///
/// @param driver  the driver
/// @param connection  which
/// @param out_limits  in: struct_size, see nd_connection_limits_init; out: no field is 0, and
/// UINT32_MAX in websocket_send_queue_capacity is no such limit
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
/// ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_get_limits(
    driver: *mut nd_driver,
    connection: nd_connection,
    out_limits: *mut nd_connection_limits,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; the struct is plain data.
    with_driver(driver, |driver| unsafe {
        let limits = driver.connection_limits(Connection::from_u64(connection))?;
        args::fill_growable(out_limits, to_abi(&limits), LIMITS_SIZE_MIN, "out_limits")
    })
}

/// Change limits of one connection, from now on. What waits already is not dropped: a queue that is
/// above its new limit takes nothing until it is below it again.
///
/// @param driver  the driver
/// @param connection  which
/// @param limits  the limits; a field that is 0 stays as it is
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
/// ND_ERROR_INVALID_ARGUMENT (out of the bounds that nd_settings has; nothing has changed);
/// ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_set_limits(
    driver: *mut nd_driver,
    connection: nd_connection,
    limits: *const nd_connection_limits,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; the struct is plain data.
    with_driver(driver, |driver| unsafe {
        args::input(limits, "limits")?;
        let limits = limits_from_abi(limits)?;
        driver.set_connection_limits(Connection::from_u64(connection), &limits)
    })
}

/// What messages of a connection are that are sent without ND_SEND_FLAG_TEXT and
/// ND_SEND_FLAG_BINARY.
///
/// @param driver  the driver
/// @param connection  which
/// @param out_mode  out: ND_WRITE_MODE_…; ND_WRITE_MODE_BINARY at first
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
/// ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_connection_get_write_mode(
    driver: *mut nd_driver,
    connection: nd_connection,
    out_mode: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out = args::output(out_mode, "out_mode")?;
        *out = match driver.write_mode(Connection::from_u64(connection))? {
            MessageKind::Text => ND_WRITE_MODE_TEXT,
            MessageKind::Binary | MessageKind::WriteMode => ND_WRITE_MODE_BINARY,
        };
        Ok(())
    })
}

/// Say what messages of a connection are that are sent without ND_SEND_FLAG_TEXT and
/// ND_SEND_FLAG_BINARY, from now on.
///
/// @param driver  the driver
/// @param connection  which
/// @param mode  ND_WRITE_MODE_TEXT or ND_WRITE_MODE_BINARY (as at first)
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_INVALID_ARGUMENT (an unknown mode; text in the
/// UTP dialect, which has none); ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH;
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.3
#[unsafe(no_mangle)]
pub extern "C" fn nd_connection_set_write_mode(
    driver: *mut nd_driver,
    connection: nd_connection,
    mode: u32,
) -> nd_result {
    with_driver(driver, |driver| {
        let mode = match mode {
            ND_WRITE_MODE_TEXT => MessageKind::Text,
            ND_WRITE_MODE_BINARY => MessageKind::Binary,
            _ => return Err(Error::argument("mode must be ND_WRITE_MODE_TEXT or _BINARY")),
        };
        driver.set_write_mode(Connection::from_u64(connection), mode)
    })
}

const fn to_abi(limits: &ConnectionLimits) -> nd_connection_limits {
    nd_connection_limits {
        struct_size: size_of::<nd_connection_limits>() as u32,
        receive_queue_capacity: limits.receive_queue_capacity,
        inbound_bytes_max: limits.inbound_bytes_max,
        outbound_bytes_max: limits.outbound_bytes_max,
        websocket_message_size_max: limits.websocket_message_size_max,
        websocket_send_queue_capacity: limits.websocket_send_queue_capacity,
    }
}

/// The limits that the struct means; none for NULL.
///
/// # Safety
/// NULL, or valid for its struct_size.
pub(super) unsafe fn limits_from_abi(
    limits: *const nd_connection_limits,
) -> Result<ConnectionLimits> {
    let nothing = ConnectionLimits::default();
    if limits.is_null() {
        return Ok(nothing);
    }
    // SAFETY: the caller's contract.
    let raw = unsafe { args::growable(limits, to_abi(&nothing), LIMITS_SIZE_MIN, "limits") }?;
    Ok(ConnectionLimits {
        receive_queue_capacity: raw.receive_queue_capacity,
        inbound_bytes_max: raw.inbound_bytes_max,
        outbound_bytes_max: raw.outbound_bytes_max,
        websocket_message_size_max: raw.websocket_message_size_max,
        websocket_send_queue_capacity: raw.websocket_send_queue_capacity,
    })
}
