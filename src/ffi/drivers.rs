//! Drivers: create, interfaces, bind, listen, update, flush, wait, counters, destroy.

use super::args;
use super::boundary::{guard, insert, remove, with_driver};
use super::codes::nd_result;
use super::settings as convert;
use super::structs::{
    nd_driver, nd_driver_statistics, nd_endpoint, nd_interface_settings, nd_network_simulator,
    nd_settings,
};
use crate::{NetworkDriver, Statistics};

/// Create a driver. It has no interface yet: add one or several with nd_driver_add_interface.
///
/// @param settings  what to build it with, copied; NULL for the defaults
/// @param out_driver  out: the driver's handle
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE; ND_ERROR_INVALID_ARGUMENT (a
/// setting is out of range; nd_last_error names it); ND_ERROR_LIMIT_REACHED (1024 drivers);
/// ND_ERROR_NOT_SUPPORTED; ND_ERROR_NETWORK_SOCKET
/// @lifetime destroy it with nd_driver_destroy
/// @thread any; a driver may move between threads, and is used by one at a time
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_create(
    settings: *const nd_settings,
    out_driver: *mut *mut nd_driver,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; nd_settings is plain data.
    guard(|| unsafe {
        let out = args::output(out_driver, "out_driver")?;
        let defaults = convert::default_settings();
        let settings = if settings.is_null() {
            defaults
        } else {
            args::growable(settings, defaults, convert::SETTINGS_SIZE_MIN, "settings")?
        };
        let driver = NetworkDriver::new(&convert::settings_from_abi(&settings)?)?;
        *out = insert(driver)?;
        Ok(())
    })
}

/// Destroy a driver: its sockets close, its memory goes. Peers are not told; if they should be,
/// call nd_driver_disconnect for each connection before, and nd_driver_wait until
/// nd_driver_statistics.connections_closing is 0. Waits until the threads for its jobs have ended.
///
/// @param driver  the handle; stale afterwards
/// @return ND_OK; ND_ERROR_INVALID_HANDLE (destroyed already); ND_ERROR_DRIVER_IN_USE (another
/// thread is inside a call, or a job is not complete: nd_job_complete before; or this is inside of
/// a function of the driver's job scheduler)
/// @lifetime every pointer that came from the driver is invalid afterwards
/// @thread the one that uses the driver now; never inside of a job of it
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn nd_driver_destroy(driver: *mut nd_driver) -> nd_result {
    guard(|| remove(driver))
}

/// Give a driver a way for packets to travel. A driver may have several, of any kinds.
///
/// @param driver  the driver
/// @param settings  what kind, and how; copied
/// @param out_interface  out: the number by which other calls name it, counting from 0
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
/// ND_ERROR_INVALID_ARGUMENT; ND_ERROR_LIMIT_REACHED (16 interfaces); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_add_interface(
    driver: *mut nd_driver,
    settings: *const nd_interface_settings,
    out_interface: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; the struct is plain data.
    with_driver(driver, |driver| unsafe {
        let out = args::output(out_interface, "out_interface")?;
        let defaults = convert::default_interface(0);
        let size_min = convert::INTERFACE_SIZE_MIN;
        let settings = args::growable(settings, defaults, size_min, "settings")?;
        *out = driver.add_interface(convert::interface_from_abi(&settings)?)?;
        Ok(())
    })
}

/// Bind an interface to an address of this machine. May be called several times: each call adds
/// a listening endpoint (a custom interface has one). Clients need not bind; connecting does it for
/// them.
///
/// @param driver  the driver
/// @param interface_index  the interface
/// @param endpoint  the address; port 0 lets the system choose (see nd_driver_get_local_endpoint)
/// @param out_binding  out: the number of this endpoint within the interface, counting from 0;
/// may be NULL
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT;
/// ND_ERROR_NETWORK_SOCKET (address in use, no permission, …); ND_ERROR_LIMIT_REACHED (16
/// endpoints); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_bind(
    driver: *mut nd_driver,
    interface_index: u32,
    endpoint: *const nd_endpoint,
    out_binding: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let endpoint = args::endpoint(endpoint, "endpoint")?;
        let binding = driver.bind(interface_index, &endpoint)?;
        if !out_binding.is_null() {
            *args::output(out_binding, "out_binding")? = binding;
        }
        Ok(())
    })
}

/// The address that an interface is bound to, with the port that the system chose.
///
/// @param driver  the driver
/// @param interface_index  the interface
/// @param binding  which of its endpoints, as nd_driver_bind gave it
/// @param out_endpoint  out: the address
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (no
/// such interface); ND_ERROR_NOT_FOUND (no such endpoint); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_get_local_endpoint(
    driver: *mut nd_driver,
    interface_index: u32,
    binding: u32,
    out_endpoint: *mut nd_endpoint,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out = args::output(out_endpoint, "out_endpoint")?;
        *out = super::endpoints::to_abi(&driver.local_endpoint(interface_index, binding)?);
        Ok(())
    })
}

/// Receive, run timers, send; then make the new events visible. Call it once a frame.
///
/// @param driver  the driver
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_SOCKET (the system failed a socket of
/// the driver itself, or a function of a custom interface did; connections go on where they can);
/// ND_ERROR_DRIVER_IN_USE
/// @lifetime ends the validity of the data of events popped before, and aborts sends left open
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn nd_driver_update(driver: *mut nd_driver) -> nd_result {
    with_driver(driver, NetworkDriver::update)
}

/// Send what waits to be sent, and nothing else.
///
/// @param driver  the driver
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_SOCKET; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn nd_driver_flush(driver: *mut nd_driver) -> nd_result {
    with_driver(driver, NetworkDriver::flush)
}

/// Sleep until an update would bring an event, a connection or an upgrade request, until
/// nd_driver_wake is called, or until the time is over. No other call blocks, but for
/// nd_multi_driver_wait and nd_job_complete.
/// Meanwhile keep-alives and pongs are served.
///
/// A program that is busy with what arrives, because its last wait began less than 3 ms ago,
/// gets what some of its sockets have, answers that, and gets what the others have with the
/// next calls, 16 ms later at most unless more than 1024 wait: in turns all of them cost less. A
/// program that comes once per frame gets everything.
///
/// @param driver  the driver
/// @param timeout_ms  milliseconds to sleep at most; 0 returns at once
/// @param out_ready  out: 1 when an update has something to show, else 0; may be NULL
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_SOCKET; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now; others get ND_ERROR_DRIVER_IN_USE meanwhile
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_wait(
    driver: *mut nd_driver,
    timeout_ms: u32,
    out_ready: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let ready = driver.wait(timeout_ms)?;
        if !out_ready.is_null() {
            *args::output(out_ready, "out_ready")? = u32::from(ready);
        }
        Ok(())
    })
}

/// Counters since the driver was created.
///
/// @param driver  the driver
/// @param out_statistics  in: struct_size, see nd_driver_statistics_init; out: the counters
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_get_statistics(
    driver: *mut nd_driver,
    out_statistics: *mut nd_driver_statistics,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; the struct is plain data.
    with_driver(driver, |driver| unsafe {
        let value = statistics_to_abi(&driver.statistics());
        let size_min = convert::STATISTICS_SIZE_MIN;
        args::fill_growable(out_statistics, value, size_min, "out_statistics")
    })
}

/// Put a bad network below the datagram interfaces (UDP, IPC, custom), or change or remove it.
///
/// @param driver  the driver
/// @param simulator  how bad; copied; see nd_network_simulator_init
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_STRUCT_SIZE;
/// ND_ERROR_INVALID_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_set_network_simulator(
    driver: *mut nd_driver,
    simulator: *const nd_network_simulator,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented; the struct is plain data.
    with_driver(driver, |driver| unsafe {
        let defaults = convert::default_simulator();
        let size_min = convert::SIMULATOR_SIZE_MIN;
        let simulator = args::growable(simulator, defaults, size_min, "simulator")?;
        driver.set_network_simulator(&convert::simulator_from_abi(&simulator)?);
        Ok(())
    })
}

/// The counters in the ABI's layout.
pub(super) fn statistics_to_abi(s: &Statistics) -> nd_driver_statistics {
    nd_driver_statistics {
        struct_size: size_of::<nd_driver_statistics>() as u32,
        connections: s.connections,
        handshakes_pending: s.handshakes_pending,
        connections_closing: s.connections_closing,
        connections_incoming: s.connections_incoming,
        connections_outgoing: s.connections_outgoing,
        messages_in: s.messages_in,
        messages_out: s.messages_out,
        bytes_in: s.bytes_in,
        bytes_out: s.bytes_out,
        datagrams_in: s.datagrams_in,
        datagrams_out: s.datagrams_out,
        stream_bytes_in: s.stream_bytes_in,
        stream_bytes_out: s.stream_bytes_out,
        malformed_in: s.malformed_in,
        unknown_token_in: s.unknown_token_in,
        old_protocol_in: s.old_protocol_in,
        dropped_in: s.dropped_in,
        refused_out: s.refused_out,
        protocol_errors: s.protocol_errors,
        handshakes_failed: s.handshakes_failed,
        documents_served: s.documents_served,
        connections_refused: s.connections_refused,
        handshakes_too_large: s.handshakes_too_large,
        handshakes_malformed: s.handshakes_malformed,
        handshakes_not_found: s.handshakes_not_found,
        handshakes_timed_out: s.handshakes_timed_out,
        handshakes_abandoned: s.handshakes_abandoned,
        handshakes_displaced: s.handshakes_displaced,
        handshakes_overloaded: s.handshakes_overloaded,
        connections_timed_out: s.connections_timed_out,
        connections_lost: s.connections_lost,
        messages_too_big: s.messages_too_big,
        payloads_invalid: s.payloads_invalid,
        tls_failures: s.tls_failures,
        handshakes_refused: s.handshakes_refused,
        handshakes_unanswered: s.handshakes_unanswered,
        connections_unvalidated: s.connections_unvalidated,
        reserved: 0,
        connections_unheard: s.connections_unheard,
        requests_unvalidated: s.requests_unvalidated,
        requests_over_address: s.requests_over_address,
        requests_over_rate: s.requests_over_rate,
        requests_late: s.requests_late,
        retries_out: s.retries_out,
        cookies_accepted: s.cookies_accepted,
        cookies_refused: s.cookies_refused,
        sockets_remade: s.sockets_remade,
    }
}
