//! Whether new connections are taken: listen, stop, refuse; and how their streams send.

use super::args;
use super::boundary::with_driver;
use super::codes::nd_result;
use super::structs::{nd_connection, nd_driver};
use crate::{Connection, NetworkDriver};

/// Start to take connections on every bound endpoint, those bound later included.
///
/// @param driver  the driver
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_ID_MISMATCH (-1: nothing is bound);
/// ND_ERROR_NETWORK_SOCKET; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn nd_driver_listen(driver: *mut nd_driver) -> nd_result {
    with_driver(driver, NetworkDriver::listen)
}

/// Stop to take connections: TCP ports are closed, requests over UDP are not answered, and
/// clients whose handshake is under way are refused. Connections that exist go on.
/// nd_driver_listen starts anew on the same ports.
///
/// @param driver  the driver
/// @return ND_OK (also when it did not listen); ND_ERROR_INVALID_HANDLE; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub extern "C" fn nd_driver_stop_listening(driver: *mut nd_driver) -> nd_result {
    with_driver(driver, |driver| {
        driver.stop_listening();
        Ok(())
    })
}

/// Refuse new connections while the ports stay open, or take them again: WebSocket clients get
/// HTTP status 503, requests over UDP are not answered. Each refused WebSocket client counts in
/// nd_driver_statistics.connections_refused.
///
/// @param driver  the driver
/// @param refuse  1 to refuse, 0 (as at first) to take them
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_INVALID_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub extern "C" fn nd_driver_set_refusing(driver: *mut nd_driver, refuse: u32) -> nd_result {
    with_driver(driver, |driver| {
        driver.set_refusing(args::flag(refuse, "refuse")?);
        Ok(())
    })
}

/// Is any endpoint bound, does the driver listen?
///
/// @param driver  the driver
/// @param out_bound  out: 1 or 0; may be NULL
/// @param out_listening  out: 1 or 0; may be NULL
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_get_listening(
    driver: *mut nd_driver,
    out_bound: *mut u32,
    out_listening: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        if !out_bound.is_null() {
            *args::output(out_bound, "out_bound")? = u32::from(driver.is_bound());
        }
        if !out_listening.is_null() {
            *args::output(out_listening, "out_listening")? = u32::from(driver.is_listening());
        }
        Ok(())
    })
}

/// Choose whether small messages of a TCP or WebSocket connection leave at once, or the system
/// may gather them for a moment (Nagle's algorithm).
///
/// @param driver  the driver
/// @param connection  a connected stream
/// @param enabled  1 (as at first) to send at once, 0 to let the system gather
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_ID_MISMATCH;
/// ND_ERROR_NETWORK_VERSION_MISMATCH; ND_ERROR_NETWORK_STATE_MISMATCH (not connected);
/// ND_ERROR_NOT_SUPPORTED (datagrams); ND_ERROR_INVALID_ARGUMENT; ND_ERROR_NETWORK_SOCKET;
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub extern "C" fn nd_connection_set_no_delay(
    driver: *mut nd_driver,
    connection: nd_connection,
    enabled: u32,
) -> nd_result {
    with_driver(driver, |driver| {
        let enabled = args::flag(enabled, "enabled")?;
        driver.set_no_delay(Connection::from_u64(connection), enabled)
    })
}
