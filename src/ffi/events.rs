//! Events out: in batches, one by one, or of one connection.

use core::ptr::null;

use super::args;
use super::boundary::with_driver;
use super::codes::{
    ND_EVENT_EMPTY, ND_EVENT_FLAG_CLEAN, ND_EVENT_FLAG_FIRST, ND_EVENT_FLAG_LAST,
    ND_EVENT_FLAG_TEXT, nd_result,
};
use super::structs::{nd_connection, nd_driver, nd_event};
use crate::{Connection, EventView, NetworkDriver};

/// Pop up to `capacity` events of accepted connections, oldest first. This is the fast way.
///
/// What is not popped waits for later updates, counts against the limits of its connection and
/// so holds its sender back; it is never lost. An ND_EVENT_CLOSE_REQUEST is only ever the first of
/// the events that one call pops: the next call gives what follows. Payloads must not be written
/// to: what is sent on may leave from where it lies.
///
/// @param driver  the driver
/// @param out_events  out: the events
/// @param capacity  how many fit at `out_events`
/// @param out_count  out: how many were written
/// @return ND_OK (0 events included); ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT;
/// ND_ERROR_DRIVER_IN_USE
/// @lifetime the events' data is valid until the first nd_driver_update after this call
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_pop_events(
    driver: *mut nd_driver,
    out_events: *mut nd_event,
    capacity: u32,
    out_count: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out_count = args::output(out_count, "out_count")?;
        let events = args::slice_mut(out_events, capacity, "out_events")?;
        *out_count = pop_into(driver, events) as u32;
        Ok(())
    })
}

/// Pops as many events as there are, or as fit.
pub(super) fn pop_into(driver: &mut NetworkDriver, events: &mut [nd_event]) -> usize {
    let mut count = 0;
    for slot in events {
        // Popping it starts the program's time to answer; a caller that hands out one event at a
        // time shall not pop it early.
        if count > 0 && driver.next_is_close_request() {
            break;
        }
        let Some(event) = driver.pop_event_view() else {
            break;
        };
        *slot = to_abi(&event);
        count += 1;
    }
    count
}

/// Pop the oldest event of all accepted connections.
///
/// @param driver  the driver
/// @param out_event  out: the event; its kind is ND_EVENT_EMPTY when there is none
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @lifetime the event's data is valid until the first nd_driver_update after this call
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_pop_event(
    driver: *mut nd_driver,
    out_event: *mut nd_event,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out = args::output(out_event, "out_event")?;
        *out = driver.pop_event_view().as_ref().map_or(EMPTY, to_abi);
        Ok(())
    })
}

/// Pop the oldest event of one connection. Both ways of popping may be mixed.
///
/// @param driver  the driver
/// @param connection  whose event
/// @param out_event  out: the event; its kind is ND_EVENT_EMPTY when there is none, and when the
/// connection is stale
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @lifetime the event's data is valid until the first nd_driver_update after this call
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_pop_event_for_connection(
    driver: *mut nd_driver,
    connection: nd_connection,
    out_event: *mut nd_event,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out = args::output(out_event, "out_event")?;
        let event = driver.pop_event_view_for_connection(Connection::from_u64(connection));
        *out = event.as_ref().map_or(EMPTY, to_abi);
        Ok(())
    })
}

/// How many events of one connection can be popped now.
///
/// @param driver  the driver
/// @param connection  which
/// @param out_count  out: the number; 0 for a stale connection
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_get_event_count(
    driver: *mut nd_driver,
    connection: nd_connection,
    out_count: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let out = args::output(out_count, "out_count")?;
        *out = driver.event_queue_size(Connection::from_u64(connection));
        Ok(())
    })
}

/// Where the data of an event without data points to: a real address, for memcpy's sake.
static NO_DATA: [u8; 1] = [0];

pub(super) const EMPTY: nd_event = nd_event {
    connection: 0,
    data: null(),
    data_length: 0,
    kind: ND_EVENT_EMPTY,
    close_code: 0,
    reason: 0,
    pipeline: 0,
    flags: 0,
};

#[inline]
pub(super) fn to_abi(event: &EventView<'_>) -> nd_event {
    let flag = |set: bool, flag: u32| u32::from(set) * flag;
    let flags = flag(event.first, ND_EVENT_FLAG_FIRST)
        | flag(event.last, ND_EVENT_FLAG_LAST)
        | flag(event.text, ND_EVENT_FLAG_TEXT)
        | flag(event.clean, ND_EVENT_FLAG_CLEAN);
    nd_event {
        connection: event.connection.to_u64(),
        data: if event.data.is_empty() { NO_DATA.as_ptr() } else { event.data.as_ptr() },
        data_length: event.data.len() as u32,
        kind: event.kind as i32,
        close_code: event.close_code,
        reason: event.reason as u8,
        pipeline: event.pipeline,
        flags,
    }
}
