//! Versions, texts of numbers, the last error, the log.

use core::ffi::{c_char, c_void};

use super::args;
use super::boundary::{guard, with_last_error};
use super::codes::nd_result;
use crate::log;

/// Version of the binary interface that this header describes. It changes when a program
/// compiled against an older header could no longer work.
pub const ND_ABI_VERSION: u32 = 2;

/// The version of the binary interface that the loaded library has.
///
/// @return ND_ABI_VERSION of the library; a binding compares it with its own before any other call
/// @thread any
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn nd_abi_version() -> u32 {
    ND_ABI_VERSION
}

/// The version of the loaded library, such as "0.4.0".
///
/// @return a NUL-ended text that lives as long as the library is loaded
/// @thread any
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn nd_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// A short name of a result, such as "NetworkSendQueueFull".
///
/// @param result  what a call returned
/// @return a NUL-ended text that lives as long as the library is loaded; "Unknown" for a number
/// that is no result
/// @thread any
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn nd_result_name(result: nd_result) -> *const c_char {
    crate::names::status(result).as_ptr()
}

/// A short name of a disconnect reason, such as "ClosedByRemote".
///
/// @param reason  nd_event.reason of a Disconnect
/// @return a NUL-ended text that lives as long as the library is loaded; "Unknown" for a number
/// that is no reason
/// @thread any
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn nd_disconnect_reason_name(reason: i32) -> *const c_char {
    crate::names::disconnect_reason(reason).as_ptr()
}

/// Let the process have more files and sockets open at once. The system starts programs with few
/// (often 1024); a server needs one for each client of a stream, and a few besides, while clients
/// over UDP need none. A limit that is high enough already stays. Windows has no such limit.
///
/// @param wanted  how many; 0 for as many as the system allows
/// @param out_limit  out: how many may be open now; UINT64_MAX where there is no limit
/// @return ND_OK; ND_ERROR_LIMIT_REACHED (the system allows less than was wanted, and the limit is
/// as high as it may be; the last error's text says how to raise the bound);
/// ND_ERROR_NULL_ARGUMENT
/// @thread any; the limit is the whole process's
/// @since 0.4
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_raise_descriptor_limit(wanted: u64, out_limit: *mut u64) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        let out = args::output(out_limit, "out_limit")?;
        *out = crate::raise_descriptor_limit(wanted)?;
        Ok(())
    })
}

/// The text of the last error that a call returned on this thread: what was wrong and what to do.
///
/// @param buffer  where to write the text and a NUL; NULL with capacity 0 asks for the length only
/// @param capacity  bytes at `buffer`
/// @param out_length  out: bytes of the text without the NUL; may be NULL
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (the length is written, the buffer is not);
/// ND_ERROR_NULL_ARGUMENT
/// @lifetime the text stays until the next error of another call on this thread
/// @thread any; each thread has its own text
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_last_error(
    buffer: *mut c_char,
    capacity: u32,
    out_length: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_last_error(|text| unsafe { args::copy_text(text, buffer, capacity, out_length) })
}

/// A function that receives log lines.
///
/// `level` is ND_LOG_…; `text` is NUL-ended UTF-8, valid during the call. It runs on
/// whichever thread logs: the one that makes a call, one that runs jobs, the background pump's; it
/// must not call the library.
#[allow(non_camel_case_types, reason = "C name")]
pub type nd_log_callback =
    Option<unsafe extern "C" fn(level: u32, text: *const c_char, user: *mut c_void)>;

/// Choose where log lines go. Without a callback they go nowhere.
///
/// @param level  the most talkative ND_LOG_… level to deliver; 0 for none
/// @param callback  called for each line; NULL stops the log
/// @param user  handed to the callback as it is
/// @return ND_OK; ND_ERROR_INVALID_ARGUMENT for an unknown level
/// @lifetime the callback may be called until it is replaced; replacing waits for a line that is
/// being written
/// @thread any; the callback runs on whichever thread logs, and must not call the library
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn nd_log_set_callback(
    level: u32,
    callback: nd_log_callback,
    user: *mut c_void,
) -> nd_result {
    let user = user.expose_provenance();
    guard(|| {
        let level = log::Level::filter_from_number(level)?;
        log::set_sink(callback.map(|callback| -> (log::LevelFilter, log::Sink) {
            let sink = move |level: log::Level, text: &core::ffi::CStr| {
                let user = core::ptr::with_exposed_provenance_mut::<c_void>(user);
                // SAFETY: the caller keeps the function and its user pointer valid until replaced.
                unsafe { callback(level as u32, text.as_ptr(), user) };
            };
            (level, Box::new(sink))
        }))
    })
}
