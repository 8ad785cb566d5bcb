//! Packed values, read from C.
//!
//! Each function hands its arguments to the method of `proto::stream` that has its name.

use core::ffi::c_char;

use super::args;
use super::codes::nd_result;
use super::streams::{MODEL, nd_stream_reader, read, there, with_reader};

/// Read a number that nd_stream_write_packed_uint wrote.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_packed_uint(
    reader: *mut nd_stream_reader,
    out_value: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_packed_uint(&MODEL)) }
}

/// Read a number that nd_stream_write_packed_int wrote.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_packed_int(
    reader: *mut nd_stream_reader,
    out_value: *mut i32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_packed_int(&MODEL)) }
}

/// Read a number that nd_stream_write_packed_ulong wrote.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_packed_ulong(
    reader: *mut nd_stream_reader,
    out_value: *mut u64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_packed_ulong(&MODEL)) }
}

/// Read a number that nd_stream_write_packed_long wrote.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_packed_long(
    reader: *mut nd_stream_reader,
    out_value: *mut i64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_packed_long(&MODEL)) }
}

/// Read a number that nd_stream_write_packed_float wrote.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_packed_float(
    reader: *mut nd_stream_reader,
    out_value: *mut f32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_packed_float(&MODEL)) }
}

/// Read a number that nd_stream_write_packed_double wrote.
///
/// @param reader  the reader
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_packed_double(
    reader: *mut nd_stream_reader,
    out_value: *mut f64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_packed_double(&MODEL)) }
}

/// Read a number that nd_stream_write_packed_uint_delta wrote.
///
/// @param reader  the reader
/// @param baseline  the baseline that it was written with
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_packed_uint_delta(
    reader: *mut nd_stream_reader,
    baseline: u32,
    out_value: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_packed_uint_delta(baseline, &MODEL)) }
}

/// Read a number that nd_stream_write_packed_int_delta wrote.
///
/// @param reader  the reader
/// @param baseline  the baseline that it was written with
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_packed_int_delta(
    reader: *mut nd_stream_reader,
    baseline: i32,
    out_value: *mut i32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_packed_int_delta(baseline, &MODEL)) }
}

/// Read a number that nd_stream_write_packed_ulong_delta wrote.
///
/// @param reader  the reader
/// @param baseline  the baseline that it was written with
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_packed_ulong_delta(
    reader: *mut nd_stream_reader,
    baseline: u64,
    out_value: *mut u64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_packed_ulong_delta(baseline, &MODEL)) }
}

/// Read a number that nd_stream_write_packed_long_delta wrote.
///
/// @param reader  the reader
/// @param baseline  the baseline that it was written with
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_packed_long_delta(
    reader: *mut nd_stream_reader,
    baseline: i64,
    out_value: *mut i64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_packed_long_delta(baseline, &MODEL)) }
}

/// Read a number that nd_stream_write_packed_float_delta wrote.
///
/// @param reader  the reader
/// @param baseline  the baseline that it was written with
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_packed_float_delta(
    reader: *mut nd_stream_reader,
    baseline: f32,
    out_value: *mut f32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_packed_float_delta(baseline, &MODEL)) }
}

/// Read a number that nd_stream_write_packed_double_delta wrote.
///
/// @param reader  the reader
/// @param baseline  the baseline that it was written with
/// @param out_value  out: the value; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_packed_double_delta(
    reader: *mut nd_stream_reader,
    baseline: f64,
    out_value: *mut f64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe { read(reader, out_value, |stream| stream.read_packed_double_delta(baseline, &MODEL)) }
}

/// Read a string that nd_stream_write_packed_fixed_string_delta wrote. Of a string that is longer
/// than the capacity only the length is read.
///
/// @param reader  the reader
/// @param baseline  the baseline that it was written with; may be NULL when its length is 0
/// @param baseline_length  its bytes
/// @param out_text  out: the string, without a NUL. Not the baseline's memory. Nobody has checked
/// that it is UTF-8. It may be NULL when the capacity is 0
/// @param capacity  bytes at `out_text`: a longer string gives an empty one
/// @param out_length  out: bytes of the string; 0 past the end
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (past the end: the value is 0, the reader does not
/// move, and it is a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by
/// its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_read_packed_fixed_string_delta(
    reader: *mut nd_stream_reader,
    baseline: *const c_char,
    baseline_length: u32,
    out_text: *mut c_char,
    capacity: u32,
    out_length: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe {
        with_reader(reader, |stream| {
            let baseline = args::slice(baseline.cast::<u8>(), baseline_length, "baseline")?;
            let text = args::slice_mut(out_text.cast::<u8>(), capacity, "out_text")?;
            let out = args::output(out_length, "out_length")?;
            there(stream, |stream| {
                *out = stream.read_packed_fixed_string_delta(text, baseline, &MODEL) as u32;
            })
        })
    }
}
