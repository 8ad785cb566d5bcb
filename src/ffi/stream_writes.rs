//! Values of whole bytes, single bits and strings, written from C.
//!
//! Each function hands its arguments to the method of `proto::stream` that has its name.

use core::ffi::c_char;

use super::args;
use super::codes::nd_result;
use super::streams::{fitted, nd_stream_writer, with_writer, write};
use crate::error::Error;
use crate::proto::stream::{RAW_BITS_MAX, STRING_LENGTH_MAX};

/// Write 1 byte, on a byte boundary.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_byte(
    writer: *mut nd_stream_writer,
    value: u8,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_byte(value)) }
}

/// Write 2 bytes, little endian, on a byte boundary.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_short(
    writer: *mut nd_stream_writer,
    value: i16,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_short(value)) }
}

/// Write 2 bytes, little endian, on a byte boundary.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_ushort(
    writer: *mut nd_stream_writer,
    value: u16,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_ushort(value)) }
}

/// Write 4 bytes, little endian, on a byte boundary.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_int(
    writer: *mut nd_stream_writer,
    value: i32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_int(value)) }
}

/// Write 4 bytes, little endian, on a byte boundary.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_uint(
    writer: *mut nd_stream_writer,
    value: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_uint(value)) }
}

/// Write 8 bytes, little endian, on a byte boundary.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_long(
    writer: *mut nd_stream_writer,
    value: i64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_long(value)) }
}

/// Write 8 bytes, little endian, on a byte boundary.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_ulong(
    writer: *mut nd_stream_writer,
    value: u64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_ulong(value)) }
}

/// Write 4 bytes (IEEE 754), little endian, on a byte boundary.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_float(
    writer: *mut nd_stream_writer,
    value: f32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_float(value)) }
}

/// Write 8 bytes (IEEE 754), little endian, on a byte boundary.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_double(
    writer: *mut nd_stream_writer,
    value: f64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_double(value)) }
}

/// Write 2 bytes, big endian, on a byte boundary.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_short_network_byte_order(
    writer: *mut nd_stream_writer,
    value: i16,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_short_network_byte_order(value)) }
}

/// Write 2 bytes, big endian, on a byte boundary.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_ushort_network_byte_order(
    writer: *mut nd_stream_writer,
    value: u16,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_ushort_network_byte_order(value)) }
}

/// Write 4 bytes, big endian, on a byte boundary.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_int_network_byte_order(
    writer: *mut nd_stream_writer,
    value: i32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_int_network_byte_order(value)) }
}

/// Write 4 bytes, big endian, on a byte boundary.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_uint_network_byte_order(
    writer: *mut nd_stream_writer,
    value: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_uint_network_byte_order(value)) }
}

/// Write bytes as they are, on a byte boundary.
///
/// @param writer  the writer
/// @param data  the bytes, outside of the memory that is written to; may be NULL when the length is
/// 0
/// @param length  how many
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_bytes(
    writer: *mut nd_stream_writer,
    data: *const u8,
    length: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe {
        with_writer(writer, |stream| fitted(stream.write_bytes(args::slice(data, length, "data")?)))
    }
}

/// Append bits, the lowest first, without alignment.
///
/// @param writer  the writer
/// @param value  the bits; those above the count must be 0
/// @param bit_count  how many: 0 to 32
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init; or a
/// count above 32, or a value with more bits than that, which are failed writes too)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_raw_bits(
    writer: *mut nd_stream_writer,
    value: u32,
    bit_count: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe {
        with_writer(writer, |stream| {
            let fits = stream.write_raw_bits(value, bit_count);
            if bit_count > RAW_BITS_MAX || u64::from(value) >> bit_count != 0 {
                return Err(Error::argument(
                    "value has more bits than bit_count, or that is above 32",
                ));
            }
            fitted(fits)
        })
    }
}

/// Write a string on a byte boundary: its length in 2 bytes, then its bytes.
///
/// @param writer  the writer
/// @param text  the string (UTF-8), not NUL-ended; may be NULL when the length is 0
/// @param text_length  its bytes
/// @param length_max  the most bytes that the reader takes: one of ND_FIXED_STRING_...
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init; or a
/// string above length_max or 65535 bytes, which is a failed write too)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_fixed_string(
    writer: *mut nd_stream_writer,
    text: *const c_char,
    text_length: u32,
    length_max: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe {
        with_writer(writer, |stream| {
            let text = args::slice(text.cast::<u8>(), text_length, "text")?;
            let fits = stream.write_fixed_string(text, length_max as usize);
            if text.len() > STRING_LENGTH_MAX.min(length_max as usize) {
                return Err(Error::argument("the string is longer than length_max or 65535 bytes"));
            }
            fitted(fits)
        })
    }
}
