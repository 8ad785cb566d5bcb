//! Messages in pieces, and messages whose memory the library takes over.

use core::ffi::c_void;

use bytes::Bytes;

use super::args;
use super::boundary::{with_driver, with_driver_and_site};
use super::codes::nd_result;
use super::sends::message_kind;
use super::structs::{nd_connection, nd_driver};
use crate::Connection;
use crate::driver::Site;
use crate::error::{Error, Status};

/// Begin a message of a plain WebSocket connection that is sent piece by piece; its length need
/// not be known. Until nd_driver_finish_message other sends on the connection are refused with
/// ND_ERROR_NETWORK_STATE_MISMATCH; pings and pongs still go between the pieces, and closing is
/// fine. websocket_message_size_max of this side does not bound it. Where compression was agreed
/// on it is compressed, however short it turns out.
///
/// @param driver  the driver
/// @param connection  to whom
/// @param flags  ND_SEND_FLAG_TEXT or ND_SEND_FLAG_BINARY; 0 is what the connection's write mode
/// says (binary at first)
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH,
/// _STATE_MISMATCH (not Connected, or a message is begun already), _SEND_QUEUE_FULL (as many
/// messages wait as may); ND_ERROR_INVALID_ARGUMENT (unknown flag, UTP dialect);
/// ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub extern "C" fn nd_driver_begin_message(
    driver: *mut nd_driver,
    connection: nd_connection,
    flags: u32,
) -> nd_result {
    with_driver(driver, |driver| {
        driver.begin_message(Connection::from_u64(connection), message_kind(flags)?)
    })
}

/// Send the next piece of the message that nd_driver_begin_message began. It leaves with the next
/// nd_driver_flush or nd_driver_update, and the receiver can read it before the message is whole.
/// When this fails the message stays as it was.
///
/// @param driver  the driver
/// @param connection  to whom
/// @param data  the piece, copied; may be NULL when the length is 0. Text may be cut inside of a
/// character
/// @param data_length  its length in bytes; 0 changes nothing
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_NETWORK_ID_MISMATCH,
/// _VERSION_MISMATCH, _STATE_MISMATCH (not Connected, or none was begun), _PACKET_OVERFLOW (the
/// piece alone is above outbound_bytes_max), _SEND_QUEUE_FULL; ND_ERROR_INVALID_ARGUMENT (text
/// that is not UTF-8); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_append_message(
    driver: *mut nd_driver,
    connection: nd_connection,
    data: *const u8,
    data_length: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let data = args::slice(data, data_length, "data")?;
        driver.append_message(Connection::from_u64(connection), data)
    })
}

/// End the message that nd_driver_begin_message began. Without a piece it is an empty message.
///
/// @param driver  the driver
/// @param connection  to whom
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NETWORK_ID_MISMATCH, _VERSION_MISMATCH,
/// _STATE_MISMATCH (not Connected, or none was begun), _SEND_QUEUE_FULL;
/// ND_ERROR_INVALID_ARGUMENT (the text ends inside of a character); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.2
#[unsafe(no_mangle)]
pub extern "C" fn nd_driver_finish_message(
    driver: *mut nd_driver,
    connection: nd_connection,
) -> nd_result {
    with_driver(driver, |driver| driver.finish_message(Connection::from_u64(connection)))
}

/// A function that takes memory back which nd_driver_send_owned was given: `data` and `user` are
/// those of that call. It runs inside of a call or job of the driver (or of nd_driver_destroy), on
/// that thread, or on the background pump's; it must not call the library with the same driver, and
/// must return.
#[allow(non_camel_case_types, reason = "C name")]
pub type nd_release_callback = Option<unsafe extern "C" fn(data: *const u8, user: *mut c_void)>;

/// Memory of the program, until it is dropped.
struct Owned {
    /// The driver inside of whose calls it is released.
    site: Site,
    data: usize,
    length: usize,
    user: usize,
    release: unsafe extern "C" fn(*const u8, *mut c_void),
}

impl Owned {
    const fn start(&self) -> *const u8 {
        core::ptr::with_exposed_provenance(self.data)
    }
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: the caller of nd_driver_send_owned keeps the memory as it is until it is
        // released, which is when this is dropped; the pointer was checked there.
        unsafe { core::slice::from_raw_parts(self.start(), self.length) }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let user = core::ptr::with_exposed_provenance_mut(self.user);
        // SAFETY: the caller promised that the function may be called with these, once.
        self.site.call_out(|| unsafe { (self.release)(self.start(), user) });
    }
}

/// Send one message without copying it: the library takes the memory, and gives it back by calling
/// `release` exactly once, when the message has left, the connection has ended, or the driver is
/// destroyed. That may be before this returns: only large uncompressed messages on connections
/// that came from outside are sent from where they lie, others are copied after all.
///
/// @param driver  the driver
/// @param connection  to whom
/// @param pipeline  a number of nd_driver_create_pipeline; 0: no pipeline
/// @param data  the message; may be NULL when the length is 0
/// @param data_length  its length in bytes
/// @param flags  ND_SEND_FLAG_TEXT or ND_SEND_FLAG_BINARY; 0 is what the connection's write mode
/// says (binary at first)
/// @param release  called when the library needs the memory no more; never when this call fails
/// @param user  handed to `release` as it is
/// @return as nd_driver_send. Unless it is ND_OK, the memory stays the caller's
/// @lifetime the memory must stay as it is until `release` is called
/// @thread the one that uses the driver now; `release` runs on the thread of whichever call on the
/// driver lets go of the memory
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_send_owned(
    driver: *mut nd_driver,
    connection: nd_connection,
    pipeline: u8,
    data: *const u8,
    data_length: u32,
    flags: u32,
    release: nd_release_callback,
    user: *mut c_void,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver_and_site(driver, |driver, site| unsafe {
        let message = args::slice(data, data_length, "data")?;
        let release = release.ok_or_else(|| {
            Error::new(Status::NullArgument, "release is NULL; pass a function to give it back by")
        })?;
        let owned = || {
            Bytes::from_owner(Owned {
                site,
                data: data.expose_provenance(),
                length: data_length as usize,
                user: user.expose_provenance(),
                release,
            })
        };
        let connection = Connection::from_u64(connection);
        driver.send_kept(connection, pipeline, message_kind(flags)?, message, owned)
    })
}
