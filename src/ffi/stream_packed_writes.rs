//! Packed values, written from C: Huffman codes and deltas.
//!
//! Each function hands its arguments to the method of `proto::stream` that has its name.

use core::ffi::c_char;

use super::args;
use super::codes::nd_result;
use super::streams::{MODEL, fitted, nd_stream_writer, with_writer, write};
use crate::error::Error;
use crate::proto::stream::STRING_LENGTH_MAX;

/// Pack a number: 2 bits for 0, 38 for the largest.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_packed_uint(
    writer: *mut nd_stream_writer,
    value: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_packed_uint(value, &MODEL)) }
}

/// Pack a number, small ones of either sign short: 2 bits for 0, 3 for -1, at most 38.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_packed_int(
    writer: *mut nd_stream_writer,
    value: i32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_packed_int(value, &MODEL)) }
}

/// Pack a number: its low 32 bits, then its high ones; 4 to 76 bits.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_packed_ulong(
    writer: *mut nd_stream_writer,
    value: u64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_packed_ulong(value, &MODEL)) }
}

/// Pack a number, small ones of either sign short; 4 to 76 bits.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_packed_long(
    writer: *mut nd_stream_writer,
    value: i64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_packed_long(value, &MODEL)) }
}

/// Pack a number: 1 bit for 0 (and for -0, which is read as 0), 33 for others.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_packed_float(
    writer: *mut nd_stream_writer,
    value: f32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_packed_float(value, &MODEL)) }
}

/// Pack a number: 1 bit for 0 (and for -0, which is read as 0), 65 for others.
///
/// @param writer  the writer
/// @param value  the value
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_packed_double(
    writer: *mut nd_stream_writer,
    value: f64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_packed_double(value, &MODEL)) }
}

/// Pack by how much a number is below a baseline (wrapping): little where it changed little.
///
/// @param writer  the writer
/// @param value  the value
/// @param baseline  a value that the reader knows
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_packed_uint_delta(
    writer: *mut nd_stream_writer,
    value: u32,
    baseline: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_packed_uint_delta(value, baseline, &MODEL)) }
}

/// Pack by how much a number is below a baseline (wrapping): little where it changed little.
///
/// @param writer  the writer
/// @param value  the value
/// @param baseline  a value that the reader knows
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_packed_int_delta(
    writer: *mut nd_stream_writer,
    value: i32,
    baseline: i32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_packed_int_delta(value, baseline, &MODEL)) }
}

/// Pack by how much a number is below a baseline (wrapping): little where it changed little.
///
/// @param writer  the writer
/// @param value  the value
/// @param baseline  a value that the reader knows
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_packed_ulong_delta(
    writer: *mut nd_stream_writer,
    value: u64,
    baseline: u64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_packed_ulong_delta(value, baseline, &MODEL)) }
}

/// Pack by how much a number is below a baseline (wrapping): little where it changed little.
///
/// @param writer  the writer
/// @param value  the value
/// @param baseline  a value that the reader knows
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_packed_long_delta(
    writer: *mut nd_stream_writer,
    value: i64,
    baseline: i64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_packed_long_delta(value, baseline, &MODEL)) }
}

/// Pack a number: 1 bit where it equals a baseline, 33 where not (always for a NaN).
///
/// @param writer  the writer
/// @param value  the value
/// @param baseline  a value that the reader knows
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_packed_float_delta(
    writer: *mut nd_stream_writer,
    value: f32,
    baseline: f32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_packed_float_delta(value, baseline, &MODEL)) }
}

/// Pack a number: 1 bit where it equals a baseline, 65 where not (always for a NaN).
///
/// @param writer  the writer
/// @param value  the value
/// @param baseline  a value that the reader knows
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_packed_double_delta(
    writer: *mut nd_stream_writer,
    value: f64,
    baseline: f64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { write(writer, |stream| stream.write_packed_double_delta(value, baseline, &MODEL)) }
}

/// Pack a string against one that the reader knows: the length as a delta, then each byte as a
/// delta to the byte of the baseline where it has one.
///
/// @param writer  the writer
/// @param text  the string (UTF-8), not NUL-ended; may be NULL when the length is 0
/// @param text_length  its bytes
/// @param baseline  the string that the reader knows; may be NULL when its length is 0
/// @param baseline_length  its bytes
/// @param length_max  the most bytes that the reader takes: one of ND_FIXED_STRING_...
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (it does not fit: nothing is written, and it is a
/// failed write); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init; or a
/// string above length_max or 65535 bytes, or a baseline above 65535, which are failed writes too)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_write_packed_fixed_string_delta(
    writer: *mut nd_stream_writer,
    text: *const c_char,
    text_length: u32,
    baseline: *const c_char,
    baseline_length: u32,
    length_max: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe {
        with_writer(writer, |stream| {
            let text = args::slice(text.cast::<u8>(), text_length, "text")?;
            let baseline = args::slice(baseline.cast::<u8>(), baseline_length, "baseline")?;
            let most = length_max as usize;
            let fits = stream.write_packed_fixed_string_delta(text, baseline, most, &MODEL);
            if text.len() > STRING_LENGTH_MAX.min(most) || baseline.len() > STRING_LENGTH_MAX {
                return Err(Error::argument("a string is longer than length_max or 65535 bytes"));
            }
            fitted(fits)
        })
    }
}
