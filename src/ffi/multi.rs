//! Several drivers as one: numbers, and calls that go to all of them or to a connection's own.

use super::args;
use super::boundary::{self, guard};
use super::codes::nd_result;
use super::events::{EMPTY, to_abi};
use super::multi_boundary::{Collection, DriverHandle, create, remove, with_collection};
use super::pipelines::{nd_pipeline_stage, stages_from_abi};
use super::sends::message_kind;
use super::structs::{nd_connection, nd_driver, nd_endpoint, nd_event, nd_multi_driver, nd_send};
use crate::error::{Error, Result};
use crate::{Connection, DriverPlace, MultiSend, SendHandle};

/// Create a collection of drivers that a program uses as one, as Unity Transport's
/// MultiNetworkDriver. A driver with several interfaces does the same where one settings struct is
/// enough.
///
/// @param out_multi  out: the collection's handle
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_LIMIT_REACHED (256 collections)
/// @lifetime destroy it with nd_multi_driver_destroy
/// @thread any; a collection is used by one thread at a time
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_create(out_multi: *mut *mut nd_multi_driver) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        *args::output(out_multi, "out_multi")? = create()?;
        Ok(())
    })
}

/// Destroy a collection and its drivers, as nd_driver_destroy does.
///
/// @param multi  the handle; stale afterwards, as are those of its drivers
/// @return ND_OK; ND_ERROR_INVALID_HANDLE (destroyed already); ND_ERROR_DRIVER_IN_USE (the
/// collection, and nothing was destroyed; or a driver of it, which is left alone)
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub extern "C" fn nd_multi_driver_destroy(multi: *mut nd_multi_driver) -> nd_result {
    guard(|| {
        let mut outcome = Ok(());
        for driver in remove(multi)?.drivers() {
            match boundary::remove(driver.get()) {
                // The program has destroyed it itself.
                Err(error) if error.status() == crate::Status::InvalidHandle => {}
                other => outcome = outcome.and(other),
            }
        }
        outcome
    })
}

/// Add a driver. It may be bound and listen, and must not have had a connection yet: from here on
/// the values of its connections carry its number in their highest byte. All nd_driver_… and
/// nd_connection_… calls take it and them as before, and it is destroyed with the collection.
///
/// @param multi  the collection
/// @param driver  the driver
/// @param out_driver_id  out: its number, from 1 to 255; may be NULL
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_STATE_MISMATCH (it has, or had,
/// connections, or is in a collection); ND_ERROR_INVALID_ARGUMENT (it has not as many pipelines as
/// the others); ND_ERROR_LIMIT_REACHED (255 drivers); ND_ERROR_NETWORK_SOCKET;
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses both now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_add_driver(
    multi: *mut nd_multi_driver,
    driver: *mut nd_driver,
    out_driver_id: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe {
        let number = multi.add_driver(DriverHandle::new(driver))?;
        if !out_driver_id.is_null() {
            *args::output(out_driver_id, "out_driver_id")? = u32::from(number);
        }
        Ok(())
    })
}

/// How many drivers a collection has.
///
/// @param multi  the collection
/// @param out_count  out: the number; their numbers are 1 to this
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_get_driver_count(
    multi: *mut nd_multi_driver,
    out_count: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe {
        *args::output(out_count, "out_count")? = multi.driver_count() as u32;
        Ok(())
    })
}

/// A driver by its number.
///
/// @param multi  the collection
/// @param driver_id  its number
/// @param out_driver  out: its handle
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (no
/// such driver); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_get_driver(
    multi: *mut nd_multi_driver,
    driver_id: u32,
    out_driver: *mut *mut nd_driver,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe {
        *args::output(out_driver, "out_driver")? = multi.driver(number(driver_id)?)?.get();
        Ok(())
    })
}

/// The driver of a connection. All nd_driver_… and nd_connection_… calls take the two.
///
/// @param multi  the collection
/// @param connection  which
/// @param out_driver  out: its driver's handle
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH
/// (of none of the drivers); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_get_driver_for_connection(
    multi: *mut nd_multi_driver,
    connection: nd_connection,
    out_driver: *mut *mut nd_driver,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe {
        let out = args::output(out_driver, "out_driver")?;
        *out = multi.driver_for_connection(Connection::from_u64(connection))?.get();
        Ok(())
    })
}

/// Make a pipeline in every driver, or in none when one of them cannot, as
/// nd_driver_create_pipeline; it has one number in all of them.
/// All drivers of a collection have as many pipelines, and stages of the program are registered
/// alike in all of them.
///
/// @param multi  the collection
/// @param stages  as for nd_driver_create_pipeline
/// @param stage_count  how many
/// @param out_pipeline  out: the pipeline's number
/// @return as nd_driver_create_pipeline; ND_ERROR_INVALID_ARGUMENT also without a driver
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_create_pipeline(
    multi: *mut nd_multi_driver,
    stages: *const nd_pipeline_stage,
    stage_count: u32,
    out_pipeline: *mut u8,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe {
        let stages = args::slice(stages, stage_count, "stages")?;
        let out = args::output(out_pipeline, "out_pipeline")?;
        *out = multi.create_pipeline_of(|driver| stages_from_abi(stages, driver.settings()))?;
        Ok(())
    })
}

/// Update every driver, as nd_driver_update.
///
/// @param multi  the collection
/// @return as nd_driver_update, of the first driver that failed; the others were updated
/// @lifetime as nd_driver_update
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub extern "C" fn nd_multi_driver_update(multi: *mut nd_multi_driver) -> nd_result {
    with_collection(multi, Collection::update)
}

/// Send what waits in every driver, as nd_driver_flush.
///
/// @param multi  the collection
/// @return as nd_driver_flush, of the first driver that failed; the others were flushed
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub extern "C" fn nd_multi_driver_flush(multi: *mut nd_multi_driver) -> nd_result {
    with_collection(multi, Collection::flush)
}

/// Sleep until an update would bring something, until nd_driver_wake is called for one of the
/// drivers, or until the time is over. It sleeps for all of them at once; on Windows, which cannot,
/// it looks each millisecond.
///
/// @param multi  the collection
/// @param timeout_ms  milliseconds to sleep at most
/// @param out_ready  out: 1 when an update has something to show, else 0; may be NULL
/// @return as nd_driver_wait
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_wait(
    multi: *mut nd_multi_driver,
    timeout_ms: u32,
    out_ready: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe {
        let ready = multi.wait(timeout_ms)?;
        if !out_ready.is_null() {
            *args::output(out_ready, "out_ready")? = u32::from(ready);
        }
        Ok(())
    })
}

/// Take the oldest connection that came from outside, of the first driver that has one.
///
/// @param multi  the collection
/// @param out_connection  out: the connection; 0 when none waits
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_accept(
    multi: *mut nd_multi_driver,
    out_connection: *mut nd_connection,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe {
        let out = args::output(out_connection, "out_connection")?;
        *out = multi.accept().map_or(0, Connection::to_u64);
        Ok(())
    })
}

/// Pop up to `capacity` events, oldest first, of the first driver, then of the second, and so on.
///
/// @param multi  the collection
/// @param out_events  out: the events
/// @param capacity  how many fit at `out_events`
/// @param out_count  out: how many were written
/// @return ND_OK (0 events included); ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
/// ND_ERROR_DRIVER_IN_USE
/// @lifetime the events' data is valid until the first update of their driver after this call
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_pop_events(
    multi: *mut nd_multi_driver,
    out_events: *mut nd_event,
    capacity: u32,
    out_count: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe {
        let out_count = args::output(out_count, "out_count")?;
        let events = args::slice_mut(out_events, capacity, "out_events")?;
        let mut count = 0;
        for driver in multi.drivers() {
            let rest = &mut events[count..];
            count += driver.with(|driver| super::events::pop_into(driver, rest)).unwrap_or(0);
        }
        *out_count = count as u32;
        Ok(())
    })
}

/// Pop the oldest event of the first driver that has one.
///
/// @param multi  the collection
/// @param out_event  out: the event; its kind is ND_EVENT_EMPTY when there is none
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @lifetime the event's data is valid until the first update of its driver after this call
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_pop_event(
    multi: *mut nd_multi_driver,
    out_event: *mut nd_event,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe {
        let out = args::output(out_event, "out_event")?;
        *out = multi.first(|driver| driver.pop_event_view().as_ref().map(to_abi)).unwrap_or(EMPTY);
        Ok(())
    })
}

/// Pop the oldest event of one connection.
///
/// @param multi  the collection
/// @param connection  whose event
/// @param out_event  out: the event; its kind is ND_EVENT_EMPTY when there is none, and when the
/// connection is stale
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @lifetime the event's data is valid until the first update of its driver after this call
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_pop_event_for_connection(
    multi: *mut nd_multi_driver,
    connection: nd_connection,
    out_event: *mut nd_event,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe {
        let out = args::output(out_event, "out_event")?;
        let connection = Connection::from_u64(connection);
        let popped = multi.for_connection(connection, |driver| {
            Ok(driver.pop_event_view_for_connection(connection).as_ref().map(to_abi))
        });
        *out = popped.ok().flatten().unwrap_or(EMPTY);
        Ok(())
    })
}

/// Connect to an address over the first interface of a driver, as nd_driver_connect.
///
/// @param multi  the collection
/// @param driver_id  the driver's number
/// @param endpoint  the server
/// @param payload  as for nd_driver_connect
/// @param payload_length  as for nd_driver_connect
/// @param out_connection  out: the connection
/// @return as nd_driver_connect; ND_ERROR_INVALID_ARGUMENT for an unknown driver too
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_connect(
    multi: *mut nd_multi_driver,
    driver_id: u32,
    endpoint: *const nd_endpoint,
    payload: *const u8,
    payload_length: u32,
    out_connection: *mut nd_connection,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe {
        let endpoint = args::endpoint(endpoint, "endpoint")?;
        let payload = args::slice(payload, payload_length, "payload")?;
        let out = args::output(out_connection, "out_connection")?;
        *out = multi.connect(number(driver_id)?, &endpoint, payload)?.to_u64();
        Ok(())
    })
}

/// Close a connection, as nd_driver_disconnect.
///
/// @param multi  the collection
/// @param connection  which
/// @return as nd_driver_disconnect
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub extern "C" fn nd_multi_driver_disconnect(
    multi: *mut nd_multi_driver,
    connection: nd_connection,
) -> nd_result {
    with_collection(multi, |multi| multi.disconnect(Connection::from_u64(connection)))
}

/// The state of a connection.
///
/// @param multi  the collection
/// @param connection  which
/// @param out_state  out: ND_STATE_…; Disconnected for a stale or unknown connection
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_get_connection_state(
    multi: *mut nd_multi_driver,
    connection: nd_connection,
    out_state: *mut i32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe {
        let out = args::output(out_state, "out_state")?;
        *out = multi.connection_state(Connection::from_u64(connection)) as i32;
        Ok(())
    })
}

/// Send one message, as nd_driver_send.
///
/// @param multi  the collection
/// @param connection  to whom
/// @param pipeline  0: no pipeline
/// @param data  the message, copied; may be NULL when the length is 0
/// @param data_length  its length in bytes
/// @param flags  as for nd_driver_send
/// @return as nd_driver_send
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_send(
    multi: *mut nd_multi_driver,
    connection: nd_connection,
    pipeline: u8,
    data: *const u8,
    data_length: u32,
    flags: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe {
        let data = args::slice(data, data_length, "data")?;
        let kind = message_kind(flags)?;
        multi.send_as(Connection::from_u64(connection), pipeline, kind, data)
    })
}

/// Begin a message that is written in place, as nd_driver_begin_send. It is ended by
/// nd_multi_driver_end_send or _abort_send.
///
/// @param multi  the collection
/// @param connection  to whom
/// @param pipeline  0: no pipeline
/// @param required_size  as for nd_driver_begin_send
/// @param out_send  out: where to write, how much, and the name of the send
/// @return as nd_driver_begin_send
/// @lifetime as nd_driver_begin_send
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_begin_send(
    multi: *mut nd_multi_driver,
    connection: nd_connection,
    pipeline: u8,
    required_size: u32,
    out_send: *mut nd_send,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe {
        let out = args::output(out_send, "out_send")?;
        let connection = Connection::from_u64(connection);
        let send = multi.begin_send(connection, pipeline, required_size)?;
        let room = multi.sending(send)?.with(|driver| {
            driver.send_buffer(send.handle).map(|room| (room.as_mut_ptr(), room.len() as u32))
        });
        let (data, capacity) = room??;
        let (handle, reserved) = (send.handle.to_u64(), u32::from(send.driver));
        *out = nd_send { handle, data, capacity, reserved };
        Ok(())
    })
}

/// End a message written in place, as nd_driver_end_send.
///
/// @param multi  the collection
/// @param send  as nd_multi_driver_begin_send filled it
/// @param length  bytes written at send->data
/// @param flags  as for nd_driver_send
/// @return as nd_driver_end_send
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_end_send(
    multi: *mut nd_multi_driver,
    send: *const nd_send,
    length: u32,
    flags: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe {
        let send = begun(args::input(send, "send")?);
        let driver = multi.sending(send)?;
        match message_kind(flags) {
            Ok(kind) => driver.with(|driver| driver.end_send_as(send.handle, length, kind))?,
            Err(error) => {
                driver.with(|driver| driver.abort_send(send.handle))??;
                Err(error)
            }
        }
    })
}

/// Give up a message written in place; nothing is sent.
///
/// @param multi  the collection
/// @param send  as nd_multi_driver_begin_send filled it
/// @return as nd_driver_abort_send
/// @thread the one that uses it now
/// @since 0.3
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_multi_driver_abort_send(
    multi: *mut nd_multi_driver,
    send: *const nd_send,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_collection(multi, |multi| unsafe { multi.abort_send(begun(args::input(send, "send")?)) })
}

fn begun(send: &nd_send) -> MultiSend {
    let driver = u8::try_from(send.reserved).unwrap_or(0);
    MultiSend { driver, handle: SendHandle::from_u64(send.handle) }
}

fn number(driver_id: u32) -> Result<u8> {
    u8::try_from(driver_id).map_err(|_| Error::argument(format!("there is no driver {driver_id}")))
}
