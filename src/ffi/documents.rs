//! Static documents that WebSocket listeners answer ordinary HTTP requests with.

use core::ffi::c_char;

use super::args;
use super::boundary::with_driver;
use super::codes::nd_result;
use super::structs::nd_driver;

/// Serve a document: a listener of this interface answers `GET path` and `HEAD path` with it, so
/// that a page and its game share one port. Without a document the path of the WebSocket gets 426,
/// other paths 404. While 64 MiB of documents are being sent, further requests get 503. Setting a
/// path again replaces its document.
///
/// @param driver  the driver
/// @param interface_index  a WebSocket interface
/// @param path  the path, starting with "/", without a query
/// @param content_type  such as "text/html; charset=utf-8"
/// @param data  the document's bytes, copied
/// @param data_length  length of `data` in bytes; at most 16 MiB
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT;
/// ND_ERROR_LIMIT_REACHED (64 documents); ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_set_document(
    driver: *mut nd_driver,
    interface_index: u32,
    path: *const c_char,
    content_type: *const c_char,
    data: *const u8,
    data_length: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        let path = args::text(path, "path")?;
        let content_type = args::text(content_type, "content_type")?;
        let data = args::slice(data, data_length, "data")?;
        driver.set_document(interface_index, path, content_type, data)
    })
}

/// Stop serving a document.
///
/// @param driver  the driver
/// @param interface_index  a WebSocket interface
/// @param path  the path that nd_driver_set_document got
/// @return ND_OK; ND_ERROR_INVALID_HANDLE; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT;
/// ND_ERROR_NOT_FOUND; ND_ERROR_DRIVER_IN_USE
/// @thread the one that uses the driver now
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_driver_remove_document(
    driver: *mut nd_driver,
    interface_index: u32,
    path: *const c_char,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    with_driver(driver, |driver| unsafe {
        driver.remove_document(interface_index, args::text(path, "path")?)
    })
}
