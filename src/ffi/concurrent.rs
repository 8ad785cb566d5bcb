//! Use of one driver by several threads between updates.

use super::args;
use super::boundary::{guard, to_concurrent, with_shared};
use super::codes::nd_result;
use super::events::{EMPTY, to_abi};
use super::sends::message_kind;
use super::structs::{nd_concurrent, nd_connection, nd_driver, nd_event, nd_send};
use crate::{Connection, SendHandle};

/// Let several threads pop events and send at once: any number of them, each for connections of
/// its own, between the calls that have the driver to themselves (every nd_driver_… and
/// nd_connection_… call, nd_driver_update above all). No thread waits for another one, and
/// connections share no lock.
///
///   nd_driver_update(driver);                  (one thread)
///   nd_concurrent_pop_events_for_connection, nd_concurrent_send, …    (all threads)
///   nd_driver_flush(driver); or the next nd_driver_update             (one thread)
///
/// What a call returns is final at once. What was sent leaves with the next nd_driver_flush or
/// nd_driver_update, for each connection in the order in which its sends were made or ended. To
/// open, accept and close connections the driver itself is used, by one thread alone.
///
/// @param driver  the driver
/// @param out_concurrent  out: the driver as all threads may use it; the same for every call
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @lifetime until nd_driver_destroy; nothing needs to be freed
/// @thread the one that uses the driver now
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_to_concurrent(
    driver: *mut nd_driver,
    out_concurrent: *mut *mut nd_concurrent,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    guard(|| unsafe {
        let out = args::output(out_concurrent, "out_concurrent")?;
        *out = to_concurrent(driver)?;
        Ok(())
    })
}

/// Pop the oldest event of one connection, beside other threads.
///
/// @param concurrent  what nd_driver_to_concurrent gave
/// @param connection  whose event
/// @param out_event  out: the event; its kind is ND_EVENT_EMPTY when there is none, and when the
/// connection is stale
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_PARALLEL_FOR
/// (another thread is in a call on this connection); ND_ERROR_DRIVER_IN_USE (a call has the driver
/// to itself)
/// @lifetime the event's data is valid until the first nd_driver_update after this call
/// @thread any, one per connection, between the calls that have the driver to themselves
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_concurrent_pop_event_for_connection(
    concurrent: *mut nd_concurrent,
    connection: nd_connection,
    out_event: *mut nd_event,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_shared(concurrent, |driver| unsafe {
        let out = args::output(out_event, "out_event")?;
        let connection = Connection::from_u64(connection);
        if driver.pop_events_for_connection(connection, 1, |event| *out = to_abi(&event))? == 0 {
            *out = EMPTY;
        }
        Ok(())
    })
}

/// Pop up to `capacity` events of one connection, oldest first, beside other threads. This is the
/// fast way. An ND_EVENT_CLOSE_REQUEST is only ever the first of the events that one call pops.
///
/// @param concurrent  what nd_driver_to_concurrent gave
/// @param connection  whose events
/// @param out_events  out: the events
/// @param capacity  how many fit at `out_events`
/// @param out_count  out: how many were written; 0 for a stale connection
/// @return ND_OK (0 events included); ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
/// ND_ERROR_DRIVER_PARALLEL_FOR (another thread is in a call on this connection);
/// ND_ERROR_DRIVER_IN_USE (a call has the driver to itself)
/// @lifetime the events' data is valid until the first nd_driver_update after this call
/// @thread any, one per connection, between the calls that have the driver to themselves
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_concurrent_pop_events_for_connection(
    concurrent: *mut nd_concurrent,
    connection: nd_connection,
    out_events: *mut nd_event,
    capacity: u32,
    out_count: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_shared(concurrent, |driver| unsafe {
        let out_count = args::output(out_count, "out_count")?;
        let events = args::slice_mut(out_events, capacity, "out_events")?;
        let (most, connection) = (events.len(), Connection::from_u64(connection));
        let mut places = events.iter_mut();
        let count = driver.pop_events_for_connection(connection, most, |event| {
            if let Some(place) = places.next() {
                *place = to_abi(&event);
            }
        })?;
        *out_count = count as u32;
        Ok(())
    })
}

/// How many events of one connection can be popped now.
///
/// @param concurrent  what nd_driver_to_concurrent gave
/// @param connection  which
/// @param out_count  out: the number; 0 for a stale connection
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_PARALLEL_FOR
/// (another thread is in a call on this connection); ND_ERROR_DRIVER_IN_USE (a call has the driver
/// to itself)
/// @thread any, one per connection, between the calls that have the driver to themselves
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_concurrent_get_event_count(
    concurrent: *mut nd_concurrent,
    connection: nd_connection,
    out_count: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_shared(concurrent, |driver| unsafe {
        let out = args::output(out_count, "out_count")?;
        *out = driver.event_queue_size(Connection::from_u64(connection))?;
        Ok(())
    })
}

/// The state of a connection. It does not change while threads share the driver.
///
/// @param concurrent  what nd_driver_to_concurrent gave
/// @param connection  which
/// @param out_state  out: ND_STATE_…; ND_STATE_DISCONNECTED for a stale connection
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE (a call
/// has the driver to itself)
/// @thread any, between the calls that have the driver to themselves
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_concurrent_get_connection_state(
    concurrent: *mut nd_concurrent,
    connection: nd_connection,
    out_state: *mut i32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_shared(concurrent, |driver| unsafe {
        let out = args::output(out_state, "out_state")?;
        *out = driver.connection_state(Connection::from_u64(connection)) as i32;
        Ok(())
    })
}

/// The longest message that a connection takes.
///
/// @param concurrent  what nd_driver_to_concurrent gave
/// @param connection  which
/// @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline
/// @param out_size  out: bytes
/// @return as nd_connection_get_payload_size_max; ND_ERROR_DRIVER_IN_USE (a call has the driver to
/// itself)
/// @thread any, between the calls that have the driver to themselves
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_concurrent_get_payload_size_max(
    concurrent: *mut nd_concurrent,
    connection: nd_connection,
    pipeline: u8,
    out_size: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_shared(concurrent, |driver| unsafe {
        let out = args::output(out_size, "out_size")?;
        *out = driver.payload_size_max(Connection::from_u64(connection), pipeline)?;
        Ok(())
    })
}

/// Bytes of the largest packet of a connection, as nd_connection_get_message_size_max.
///
/// @param concurrent  what nd_driver_to_concurrent gave
/// @param connection  which
/// @param out_size  out: bytes
/// @return as nd_connection_get_message_size_max; ND_ERROR_DRIVER_IN_USE (a call has the driver to
/// itself)
/// @thread any, between the calls that have the driver to themselves
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_concurrent_get_message_size_max(
    concurrent: *mut nd_concurrent,
    connection: nd_connection,
    out_size: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_shared(concurrent, |driver| unsafe {
        let out = args::output(out_size, "out_size")?;
        *out = driver.message_size_max(Connection::from_u64(connection))?;
        Ok(())
    })
}

/// Bytes that the layers put in front of a message on an interface, at most.
///
/// @param concurrent  what nd_driver_to_concurrent gave
/// @param interface_index  number of the interface
/// @param pipeline  a number of nd_driver_create_pipeline, whose headers count; 0: no pipeline
/// @param out_size  out: bytes
/// @return as nd_driver_get_header_size_max; ND_ERROR_DRIVER_IN_USE (a call has the driver to
/// itself)
/// @thread any, between the calls that have the driver to themselves
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_concurrent_get_header_size_max(
    concurrent: *mut nd_concurrent,
    interface_index: u32,
    pipeline: u8,
    out_size: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_shared(concurrent, |driver| unsafe {
        let out = args::output(out_size, "out_size")?;
        *out = driver.header_size_max(interface_index, pipeline)?;
        Ok(())
    })
}

/// Send one message, beside other threads. It leaves with the next nd_driver_flush or
/// nd_driver_update.
///
/// @param concurrent  what nd_driver_to_concurrent gave
/// @param connection  to whom
/// @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline. A stage of the program
/// is asked later; what it refuses then is lost where messages may be lost, and elsewhere ends the
/// connection with ND_DISCONNECT_PROTOCOL_ERROR
/// @param data  the message, copied; may be NULL when the length is 0
/// @param data_length  its length in bytes; 0 is a valid message
/// @param flags  ND_SEND_FLAG_TEXT or ND_SEND_FLAG_BINARY; 0 is what the connection's write mode
/// says (binary at first)
/// @return as nd_driver_send; ND_ERROR_DRIVER_PARALLEL_FOR when another thread is in a call on this
/// connection; ND_ERROR_DRIVER_IN_USE when a call has the driver to itself
/// @thread any, one per connection, between the calls that have the driver to themselves
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_concurrent_send(
    concurrent: *mut nd_concurrent,
    connection: nd_connection,
    pipeline: u8,
    data: *const u8,
    data_length: u32,
    flags: u32,
) -> nd_result {
    if pipeline != 0 {
        // SAFETY: as documented; it is the same function.
        return unsafe { send_within(concurrent, connection, pipeline, data, data_length, flags) };
    }
    // SAFETY: the pointers are the caller's, as documented.
    with_shared(concurrent, |driver| unsafe {
        let (data, kind) = (args::slice(data, data_length, "data")?, message_kind(flags)?);
        driver.send_at_once(Connection::from_u64(connection), 0, kind, data)
    })
}

/// As [`nd_concurrent_send`] through a pipeline. It is apart so that neither way is slowed down by
/// what the other has to keep at hand.
#[inline(never)]
unsafe extern "C" fn send_within(
    concurrent: *mut nd_concurrent,
    connection: nd_connection,
    pipeline: u8,
    data: *const u8,
    data_length: u32,
    flags: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_shared(concurrent, |driver| unsafe {
        let (data, kind) = (args::slice(data, data_length, "data")?, message_kind(flags)?);
        driver.send_at_once(Connection::from_u64(connection), pipeline, kind, data)
    })
}

/// Begin a message that is written in place, beside other threads. Several may be open at once,
/// also on one connection.
///
/// @param concurrent  what nd_driver_to_concurrent gave
/// @param connection  to whom
/// @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline
/// @param required_size  bytes that the message needs; 0 for as many as one packet holds (64 KiB
/// on plain WebSocket connections)
/// @param out_send  out: where to write, how much, and the name of the send
/// @return as nd_driver_begin_send, with ND_ERROR_LIMIT_REACHED when 64 sends are open on the
/// connection; ND_ERROR_DRIVER_PARALLEL_FOR when another thread is in a call on this connection;
/// ND_ERROR_DRIVER_IN_USE when a call has the driver to itself
/// @lifetime until nd_concurrent_end_send, nd_concurrent_abort_send, or the next nd_driver_update,
/// which aborts it; other calls leave it open
/// @thread any, one per connection, between the calls that have the driver to themselves
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_concurrent_begin_send(
    concurrent: *mut nd_concurrent,
    connection: nd_connection,
    pipeline: u8,
    required_size: u32,
    out_send: *mut nd_send,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_shared(concurrent, |driver| unsafe {
        let out = args::output(out_send, "out_send")?;
        let connection = Connection::from_u64(connection);
        driver.begin_in_place(connection, pipeline, required_size, |handle, room| {
            let (data, capacity) = (room.as_mut_ptr(), room.len() as u32);
            *out = nd_send { handle: handle.to_u64(), data, capacity, reserved: 0 };
        })
    })
}

/// End a message written in place, beside other threads: it is queued like one of
/// nd_concurrent_send.
///
/// @param concurrent  what nd_driver_to_concurrent gave
/// @param send  as nd_concurrent_begin_send filled it
/// @param length  bytes written at send->data
/// @param flags  ND_SEND_FLAG_TEXT or ND_SEND_FLAG_BINARY; 0 is what the connection's write mode
/// says (binary at first)
/// @return as nd_driver_end_send, ND_ERROR_NETWORK_SEND_HANDLE_INVALID also for a send of
/// nd_driver_begin_send; ND_ERROR_DRIVER_PARALLEL_FOR when another thread is in a call on this
/// connection; ND_ERROR_DRIVER_IN_USE when a call has the driver to itself. Whatever it returns,
/// the send is over, except after ND_ERROR_INVALID_HANDLE, _NULL_ARGUMENT, _DRIVER_PARALLEL_FOR
/// and _DRIVER_IN_USE
/// @thread any, one per connection, between the calls that have the driver to themselves
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_concurrent_end_send(
    concurrent: *mut nd_concurrent,
    send: *const nd_send,
    length: u32,
    flags: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_shared(concurrent, |driver| unsafe {
        let handle = SendHandle::from_u64(args::input(send, "send")?.handle);
        match message_kind(flags) {
            Ok(kind) => driver.end_in_place(handle, length, kind),
            Err(error) => {
                driver.abort_send(handle)?;
                Err(error)
            }
        }
    })
}

/// Give up a message written in place, beside other threads; nothing is sent.
///
/// @param concurrent  what nd_driver_to_concurrent gave
/// @param send  as nd_concurrent_begin_send filled it
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
/// ND_ERROR_NETWORK_SEND_HANDLE_INVALID (ended or aborted before, or of nd_driver_begin_send);
/// ND_ERROR_DRIVER_PARALLEL_FOR when another thread is in a call on this connection;
/// ND_ERROR_DRIVER_IN_USE when a call has the driver to itself
/// @thread any, one per connection, between the calls that have the driver to themselves
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_concurrent_abort_send(
    concurrent: *mut nd_concurrent,
    send: *const nd_send,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_shared(concurrent, |driver| unsafe {
        driver.abort_send(SendHandle::from_u64(args::input(send, "send")?.handle))
    })
}
