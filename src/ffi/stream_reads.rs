//! Values of whole bytes, single bits and strings, read from C.
//!
//! Each function hands its arguments to the method of `proto::stream` that has its name.

use core::ffi::c_char;

use super::args;
use super::codes::nd_result;
use super::streams::{nd_stream_reader, read, there, with_reader};
use crate::error::Error;
use crate::proto::stream::RAW_BITS_MAX;

/// Read 1 byte, from the next byte boundary on.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_byte(
    reader: *mut nd_stream_reader,
    out_value: *mut u8,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_byte()) }
}

/// Read 2 bytes, little endian, from the next byte boundary on.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_short(
    reader: *mut nd_stream_reader,
    out_value: *mut i16,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_short()) }
}

/// Read 2 bytes, little endian, from the next byte boundary on.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_ushort(
    reader: *mut nd_stream_reader,
    out_value: *mut u16,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_ushort()) }
}

/// Read 4 bytes, little endian, from the next byte boundary on.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_int(
    reader: *mut nd_stream_reader,
    out_value: *mut i32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_int()) }
}

/// Read 4 bytes, little endian, from the next byte boundary on.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_uint(
    reader: *mut nd_stream_reader,
    out_value: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_uint()) }
}

/// Read 8 bytes, little endian, from the next byte boundary on.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_long(
    reader: *mut nd_stream_reader,
    out_value: *mut i64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_long()) }
}

/// Read 8 bytes, little endian, from the next byte boundary on.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_ulong(
    reader: *mut nd_stream_reader,
    out_value: *mut u64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_ulong()) }
}

/// Read 4 bytes (IEEE 754), little endian, from the next byte boundary on.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_float(
    reader: *mut nd_stream_reader,
    out_value: *mut f32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_float()) }
}

/// Read 8 bytes (IEEE 754), little endian, from the next byte boundary on.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_double(
    reader: *mut nd_stream_reader,
    out_value: *mut f64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_double()) }
}

/// Read 2 bytes, big endian, from the next byte boundary on.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_short_network_byte_order(
    reader: *mut nd_stream_reader,
    out_value: *mut i16,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_short_network_byte_order()) }
}

/// Read 2 bytes, big endian, from the next byte boundary on.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_ushort_network_byte_order(
    reader: *mut nd_stream_reader,
    out_value: *mut u16,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_ushort_network_byte_order()) }
}

/// Read 4 bytes, big endian, from the next byte boundary on.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_int_network_byte_order(
    reader: *mut nd_stream_reader,
    out_value: *mut i32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_int_network_byte_order()) }
}

/// Read 4 bytes, big endian, from the next byte boundary on.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_uint_network_byte_order(
    reader: *mut nd_stream_reader,
    out_value: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_uint_network_byte_order()) }
}

/// Read bytes as they are, from the next byte boundary on.
///
/// @param reader  the reader
/// @param out_data  out: the bytes; all 0 past the end. It may be NULL when the length is 0
/// @param length  how many
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_bytes(
    reader: *mut nd_stream_reader,
    out_data: *mut u8,
    length: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe {
        with_reader(reader, |stream| {
            let out = args::slice_mut(out_data, length, "out_data")?;
            there(stream, |stream| {
                stream.read_bytes(out);
            })
        })
    }
}

/// Read bits, the lowest first, without alignment.
///
/// @param reader  the reader
/// @param bit_count  how many: 0 to 32
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init; or a count above 32, which is a failed read too)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_raw_bits(
    reader: *mut nd_stream_reader,
    bit_count: u32,
    out_value: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe {
        with_reader(reader, |stream| {
            let out = args::output(out_value, "out_value")?;
            let outcome = there(stream, |stream| *out = stream.read_raw_bits(bit_count));
            if bit_count > RAW_BITS_MAX {
                return Err(Error::argument("bit_count is above 32"));
            }
            outcome
        })
    }
}

/// Read a string: its length in 2 bytes, then its bytes. Of a string that is longer than the
/// capacity only the length is read.
///
/// @param reader  the reader
/// @param out_text  out: the string, without a NUL. Nobody has checked that it is UTF-8. It may be
/// NULL when the capacity is 0
/// @param capacity  bytes at `out_text`: a longer string is skipped and gives an empty one, which
/// is no failed read
/// @param out_length  out: bytes of the string; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_fixed_string(
    reader: *mut nd_stream_reader,
    out_text: *mut c_char,
    capacity: u32,
    out_length: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe {
        with_reader(reader, |stream| {
            let text = args::slice_mut(out_text.cast::<u8>(), capacity, "out_text")?;
            let out = args::output(out_length, "out_length")?;
            there(stream, |stream| *out = stream.read_fixed_string(text) as u32)
        })
    }
}
