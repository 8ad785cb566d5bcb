//! What a program with a loop of its own needs to sleep by: a descriptor, and how long.

use super::args;
use super::boundary::with_driver;
use super::codes::{ND_TIMEOUT_NEVER, nd_result};
use super::structs::nd_driver;

/// A descriptor that is readable when nd_driver_update has something to receive, or when
/// nd_driver_wake was called: for epoll, poll, select or kqueue in a loop of your own, in place of
/// nd_driver_wait. On Windows it is the HANDLE of an event that is set then, and reset by
/// nd_driver_update: for WaitForSingleObject, WaitForMultipleObjects,
/// MsgWaitForMultipleObjects or RegisterWaitForSingleObject. It is the driver's: do not read,
/// write, set, reset or close it. Timers do not make it readable: sleep no longer than
/// nd_driver_get_next_timeout says.
///
/// From the first call on, Windows needs a thread of the driver's, which sleeps in the system.
///
/// @param driver  the driver
/// @param out_descriptor  out: the file descriptor; on Windows the HANDLE, as a number
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NOT_SUPPORTED (with
/// nd_settings.background_pump, which takes what the descriptor would tell of);
/// ND_ERROR_NETWORK_SOCKET (Windows: no thread or event is left); ND_ERROR_DRIVER_IN_USE
/// @lifetime until the driver is destroyed; take it out of your loop before
/// @thread the one that uses the driver now; any thread may sleep on the descriptor
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_get_poll_descriptor(
    driver: *mut nd_driver,
    out_descriptor: *mut i64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out = args::output(out_descriptor, "out_descriptor")?;
        *out = driver.poll_descriptor()?;
        Ok(())
    })
}

/// How long a loop of your own may sleep when the descriptor of nd_driver_get_poll_descriptor does
/// not become readable. Ask after your sends and nd_driver_flush, right before you sleep.
///
/// @param driver  the driver
/// @param out_timeout_ms  out: milliseconds, rounded up; 0: call nd_driver_update now;
/// ND_TIMEOUT_NEVER: for ever
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_get_next_timeout(
    driver: *mut nd_driver,
    out_timeout_ms: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out = args::output(out_timeout_ms, "out_timeout_ms")?;
        *out = driver.next_timeout_ms().unwrap_or(ND_TIMEOUT_NEVER);
        Ok(())
    })
}
