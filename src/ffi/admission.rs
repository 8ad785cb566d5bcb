//! Whether new connections are taken: listen, stop, refuse; and how their streams send.

use std::net::TcpStream;

use super::args;
use super::boundary::with_driver;
use super::codes::nd_result;
use super::structs::{nd_connection, nd_driver};
use crate::error::{Error, Result, Status};
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

/// Hand a TCP stream over that the program has accepted itself: of a port that it shares with
/// something else, or of a socket that another process gave it. It goes on as one of the
/// interface's listener: TLS, a WebSocket's upgrade request, nd_driver_accept. The interface need
/// not be bound, nor the driver listen; nd_driver_set_refusing holds for it.
///
/// @param driver  the driver
/// @param interface_index  a WebSocket or TCP interface
/// @param socket  the stream: a file descriptor, on Windows a SOCKET. The driver works with a
/// duplicate of its own, and makes it non-blocking (both, on Unix). Whatever this returns, the
/// program closes its own, and must not read, write or shut it down any more after ND_OK
/// @param data  what the program has read of the stream, copied; NULL when the length is 0
/// @param data_length  length of `data` in bytes
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT
/// (another kind of interface, no socket, no trusted proxy although proxy_protocol wants one);
/// ND_ERROR_LIMIT_REACHED (pending_handshakes_max have no connection yet, and none of them is older
/// than a second, or connections_max say goodbye); ND_ERROR_NETWORK_SOCKET (not a connected TCP
/// stream); ND_ERROR_NOT_SUPPORTED (neither Unix nor Windows); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_accept_stream(
    driver: *mut nd_driver,
    interface_index: u32,
    socket: u64,
    data: *const u8,
    data_length: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let data = args::slice(data, data_length, "data")?;
        driver.accept_stream(interface_index, duplicate(socket)?, data)
    })
}

fn not_duplicated(error: &std::io::Error) -> Error {
    Error::new(Status::NetworkSocketError, format!("the socket cannot be duplicated: {error}"))
}

/// A stream of our own to what the number names.
///
/// # Safety
/// The number is that of an open socket.
#[cfg(unix)]
unsafe fn duplicate(socket: u64) -> Result<TcpStream> {
    use std::os::fd::BorrowedFd;
    let number = i32::try_from(socket).ok().filter(|&number| number >= 0);
    let number = number.ok_or_else(|| Error::argument("socket is no file descriptor"))?;
    // SAFETY: not -1; that it is open is the caller's part.
    let theirs = unsafe { BorrowedFd::borrow_raw(number) };
    let own = theirs.try_clone_to_owned().map_err(|error| not_duplicated(&error))?;
    Ok(TcpStream::from(own))
}

/// As for Unix.
#[cfg(windows)]
unsafe fn duplicate(socket: u64) -> Result<TcpStream> {
    use std::os::windows::io::{BorrowedSocket, RawSocket};
    let number = RawSocket::try_from(socket).ok().filter(|&number| number != RawSocket::MAX);
    let number = number.ok_or_else(|| Error::argument("socket is no SOCKET"))?;
    // SAFETY: not INVALID_SOCKET; that it is open is the caller's part.
    let theirs = unsafe { BorrowedSocket::borrow_raw(number) };
    let own = theirs.try_clone_to_owned().map_err(|error| not_duplicated(&error))?;
    Ok(TcpStream::from(own))
}

/// There are no sockets with numbers here.
#[cfg(not(any(unix, windows)))]
unsafe fn duplicate(_socket: u64) -> Result<TcpStream> {
    Err(Error::new(Status::NotSupported, "sockets cannot be handed over on this system"))
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
