//! Sending: a copy, in place, or one payload to many.

use super::args;
use super::boundary::with_driver;
use super::codes::{ND_SEND_FLAG_BINARY, ND_SEND_FLAG_TEXT, nd_result};
use super::structs::{nd_connection, nd_driver, nd_send};
use crate::error::{Error, Result};
use crate::{Connection, MessageKind};

/// Send one message. It leaves with the next nd_driver_flush or nd_driver_update. A payload that
/// was popped and is sent on may leave from where it lies, so it must not be written to.
///
/// @param driver  the driver
/// @param connection  to whom
/// @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline
/// @param data  the message, copied; may be NULL when the length is 0
/// @param data_length  its length in bytes; 0 is a valid message
/// @param flags  ND_SEND_FLAG_TEXT or ND_SEND_FLAG_BINARY; 0 is what the connection's write mode
/// says (binary at first)
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
/// _VERSION_MISMATCH, _STATE_MISMATCH (not Connected), _PACKET_OVERFLOW (too long, see
/// nd_connection_get_payload_size_max), _SEND_QUEUE_FULL (or the window of a reliable pipeline is
/// full); ND_ERROR_INVALID_ARGUMENT (unknown
/// pipeline or flag, text that is not UTF-8, text in the UTP dialect); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_send(
    driver: *mut nd_driver,
    connection: nd_connection,
    pipeline: u8,
    data: *const u8,
    data_length: u32,
    flags: u32,
) -> nd_result {
    // Two ways, so that neither is slowed down by what the other has to keep at hand.
    // SAFETY: as documented; each is the same function.
    unsafe {
        if pipeline == 0 {
            send_without(driver, connection, pipeline, data, data_length, flags)
        } else {
            send_through(driver, connection, pipeline, data, data_length, flags)
        }
    }
}

/// [`nd_driver_send`] without a pipeline.
#[inline(never)]
unsafe extern "C" fn send_without(
    driver: *mut nd_driver,
    connection: nd_connection,
    _: u8,
    data: *const u8,
    data_length: u32,
    flags: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let data = args::slice(data, data_length, "data")?;
        let connection = Connection::from_u64(connection);
        driver.send_without(connection, message_kind(flags)?, data)
    })
}

/// [`nd_driver_send`] through a pipeline.
#[inline(never)]
unsafe extern "C" fn send_through(
    driver: *mut nd_driver,
    connection: nd_connection,
    pipeline: u8,
    data: *const u8,
    data_length: u32,
    flags: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let data = args::slice(data, data_length, "data")?;
        let connection = Connection::from_u64(connection);
        driver.send_within(connection, pipeline, message_kind(flags)?, data)
    })
}

/// Send one message to many connections; the plain ones that came from outside share what is
/// encoded with effort: long frames, compressed ones. One that cannot take it does not keep the
/// others from getting it.
///
/// @param driver  the driver
/// @param connections  to whom
/// @param connection_count  how many
/// @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline
/// @param data  the message, copied; may be NULL when the length is 0
/// @param data_length  its length in bytes
/// @param flags  ND_SEND_FLAG_TEXT or ND_SEND_FLAG_BINARY; 0 is what the connection's write mode
/// says (binary at first)
/// @param out_results  out: one nd_result for each connection; may be NULL
/// @param out_sent  out: how many took it; may be NULL
/// @return ND_OK, even when some connections refused; ND_ERROR_INVALID_HANDLE;
/// ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_send_to_many(
    driver: *mut nd_driver,
    connections: *const nd_connection,
    connection_count: u32,
    pipeline: u8,
    data: *const u8,
    data_length: u32,
    flags: u32,
    out_results: *mut nd_result,
    out_sent: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let connections = args::slice(connections, connection_count, "connections")?;
        let data = args::slice(data, data_length, "data")?;
        let result_count = if out_results.is_null() { 0 } else { connection_count };
        let results = args::slice_mut(out_results, result_count, "out_results")?;
        let targets = connections.iter().map(|&value| Connection::from_u64(value));
        let mut results = results.iter_mut();
        let mut sent = 0;
        let each = |outcome: Result<()>| {
            sent += u32::from(outcome.is_ok());
            if let Some(slot) = results.next() {
                *slot = outcome.map_or_else(|error| error.status() as nd_result, |()| 0);
            }
        };
        driver.send_to_many_as(targets, pipeline, message_kind(flags)?, data, each)?;
        if !out_sent.is_null() {
            *args::output(out_sent, "out_sent")? = sent;
        }
        Ok(())
    })
}

/// Begin a message that is written in place. Several may be open at once; they leave in the order
/// in which they are ended.
///
/// @param driver  the driver
/// @param connection  to whom
/// @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline
/// @param required_size  bytes that the message needs; 0 for as many as one packet holds (64 KiB
/// on plain WebSocket connections)
/// @param out_send  out: where to write, how much, and the name of the send
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
/// _VERSION_MISMATCH, _STATE_MISMATCH, _PACKET_OVERFLOW (required_size is too large),
/// _SEND_QUEUE_FULL; ND_ERROR_INVALID_ARGUMENT; ND_ERROR_LIMIT_REACHED (512 sends are open);
/// ND_ERROR_DRIVER_IN_USE
/// @lifetime until nd_driver_end_send, nd_driver_abort_send, or the next nd_driver_update
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_begin_send(
    driver: *mut nd_driver,
    connection: nd_connection,
    pipeline: u8,
    required_size: u32,
    out_send: *mut nd_send,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out = args::output(out_send, "out_send")?;
        let connection = Connection::from_u64(connection);
        let (handle, room) = driver.begin_in_place(connection, pipeline, required_size)?;
        let (data, capacity) = (room.as_mut_ptr(), room.len() as u32);
        *out = nd_send { handle: handle.to_u64(), data, capacity, reserved: 0 };
        Ok(())
    })
}

/// End a message written in place: it is queued like one of nd_driver_send.
///
/// @param driver  the driver
/// @param send  as nd_driver_begin_send filled it
/// @param length  bytes written at send->data
/// @param flags  ND_SEND_FLAG_TEXT or ND_SEND_FLAG_BINARY; 0 is what the connection's write mode
/// says (binary at first)
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
/// ND_ERROR_NETWORK_SEND_HANDLE_INVALID (ended or aborted before); _PACKET_OVERFLOW (length is
/// above the capacity; the send is aborted); _VERSION_MISMATCH or _STATE_MISMATCH (the connection
/// ended meanwhile); _SEND_QUEUE_FULL; ND_ERROR_INVALID_ARGUMENT; ND_ERROR_DRIVER_IN_USE. Whatever
/// it returns, the send is over, except after ND_ERROR_INVALID_HANDLE, _NULL_ARGUMENT and
/// _DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_end_send(
    driver: *mut nd_driver,
    send: *const nd_send,
    length: u32,
    flags: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let handle = crate::SendHandle::from_u64(args::input(send, "send")?.handle);
        let kind = match message_kind(flags) {
            Ok(kind) => kind,
            Err(error) => {
                driver.abort_send(handle)?;
                return Err(error);
            }
        };
        driver.end_in_place(handle, length, kind)
    })
}

/// Give up a message written in place; nothing is sent.
///
/// @param driver  the driver
/// @param send  as nd_driver_begin_send filled it
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
/// ND_ERROR_NETWORK_SEND_HANDLE_INVALID (ended or aborted before); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_abort_send(
    driver: *mut nd_driver,
    send: *const nd_send,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        driver.abort_send(crate::SendHandle::from_u64(args::input(send, "send")?.handle))
    })
}

/// What the flags of a send mean.
pub(super) fn message_kind(flags: u32) -> Result<MessageKind> {
    match flags {
        0 => Ok(MessageKind::WriteMode),
        ND_SEND_FLAG_BINARY => Ok(MessageKind::Binary),
        ND_SEND_FLAG_TEXT => Ok(MessageKind::Text),
        _ => Err(Error::argument(
            "flags must be 0, ND_SEND_FLAG_TEXT or ND_SEND_FLAG_BINARY; no other is known",
        )),
    }
}
