//! Streams of values for C: the structs that a program holds, and their beginning and end.
//!
//! The values themselves are in `stream_writes`, `stream_packed_writes`, `stream_reads` and
//! `stream_packed_reads`. No encoding lives here; that is `proto::stream`.
#![allow(non_camel_case_types, reason = "C names")]

use super::args;
use super::boundary::guard;
use super::codes::nd_result;
use crate::error::{Error, Result, Status};
use crate::proto::stream::{
    DataStreamReader, DataStreamWriter, ReaderPosition, StreamCompressionModel, WriterPosition,
};

/// The most bytes of a string that Unity reads as a FixedString32Bytes.
pub const ND_FIXED_STRING_32_MAX: u32 = 29;
/// The most bytes of a string that Unity reads as a FixedString64Bytes.
pub const ND_FIXED_STRING_64_MAX: u32 = 61;
/// The most bytes of a string that Unity reads as a FixedString128Bytes.
pub const ND_FIXED_STRING_128_MAX: u32 = 125;
/// The most bytes of a string that Unity reads as a FixedString512Bytes.
pub const ND_FIXED_STRING_512_MAX: u32 = 509;
/// The most bytes of a string that Unity reads as a FixedString4096Bytes.
pub const ND_FIXED_STRING_4096_MAX: u32 = 4093;

/// The one model there is: Unity's default.
pub(super) const MODEL: StreamCompressionModel = StreamCompressionModel::DEFAULT;

/// Writes values into memory of yours, as Unity's DataStreamWriter does: whole bytes (each value
/// on a byte boundary), single bits, and packed numbers. Fill it with nd_stream_writer_init; the
/// fields are to be read only. It owns nothing and needs no end. It is a value: a copy has its own
/// place, so a copy that was made before a value was written can overwrite that value later (end it
/// with nd_stream_writer_flush when it wrote single bits or packed values).
///
/// A write that does not fit writes nothing and counts: one look at failed_writes after the last
/// write is enough. A message in place:
///
///   nd_stream_writer writer; nd_send send; uint32_t length;
///   nd_driver_begin_send(driver, connection, 0, 0, &send);
///   nd_stream_writer_init(&writer, send.data, send.capacity);
///   nd_stream_write_packed_uint(&writer, 42);
///   nd_stream_writer_length(&writer, &length);
///   nd_driver_end_send(driver, &send, length, 0);
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_stream_writer {
    /// Where the values go.
    pub data: *mut u8,
    /// Bytes that are there.
    pub capacity: u32,
    /// Whole bytes written.
    pub length: u32,
    /// Bits behind those bytes that are not in memory yet, the first one lowest.
    pub pending: u32,
    /// How many such bits there are: 0 to 7.
    pub pending_count: u32,
    /// Writes that did not fit.
    pub failed_writes: u32,
    /// 0.
    pub reserved: u32,
}

/// Reads values out of memory of yours, as Unity's DataStreamReader does, in the order in which
/// they were written and with the functions of the same names. Fill it with nd_stream_reader_init;
/// the fields are to be read only. It owns nothing and needs no end. A copy has its own place.
///
/// A read past the end gives 0, does not move and counts: one look at failed_reads after the last
/// read is enough.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nd_stream_reader {
    /// The bytes.
    pub data: *const u8,
    /// How many there are.
    pub length: u32,
    /// Whole bytes read.
    pub position: u32,
    /// Bits read of the byte that is there: 0 to 7.
    pub bit_count: u32,
    /// Reads that went past the end.
    pub failed_reads: u32,
}

fn not_filled(name: &'static str) -> Error {
    Error::argument(format!("{name} has impossible fields; fill it with nd_stream_{name}_init"))
}

fn too_small(text: &'static str) -> Error {
    Error::new(Status::BufferTooSmall, text)
}

/// The stream behind a struct of the caller.
unsafe fn open_writer<'a>(raw: &nd_stream_writer) -> Result<DataStreamWriter<'a>> {
    // SAFETY: handed on: `capacity` bytes lie at `data`.
    let data = unsafe { args::slice_mut(raw.data, raw.capacity, "writer->data") }?;
    let place = WriterPosition {
        length: raw.length as usize,
        pending: u8::try_from(raw.pending).map_err(|_| not_filled("writer"))?,
        pending_count: raw.pending_count,
        failed_writes: raw.failed_writes,
    };
    DataStreamWriter::resume(data, place).ok_or_else(|| not_filled("writer"))
}

fn close_writer(raw: &mut nd_stream_writer, stream: &DataStreamWriter<'_>) {
    let place = stream.position();
    raw.length = place.length as u32;
    raw.pending = place.pending.into();
    raw.pending_count = place.pending_count;
    raw.failed_writes = place.failed_writes;
}

/// Runs something on a writer.
pub(super) unsafe fn with_writer(
    writer: *mut nd_stream_writer,
    body: impl FnOnce(&mut DataStreamWriter<'_>) -> Result<()>,
) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        let raw = args::output(writer, "writer")?;
        let mut stream = open_writer(raw)?;
        let outcome = body(&mut stream);
        close_writer(raw, &stream);
        outcome
    })
}

/// Writes one value; what does not fit is an error.
pub(super) unsafe fn write(
    writer: *mut nd_stream_writer,
    body: impl FnOnce(&mut DataStreamWriter<'_>) -> bool,
) -> nd_result {
    // SAFETY: handed on.
    unsafe { with_writer(writer, |stream| fitted(body(stream))) }
}

/// The outcome of a write.
pub(super) fn fitted(fits: bool) -> Result<()> {
    if fits { Ok(()) } else { Err(too_small("the value does not fit into what is left")) }
}

/// Runs something on a reader.
pub(super) unsafe fn with_reader(
    reader: *mut nd_stream_reader,
    body: impl FnOnce(&mut DataStreamReader<'_>) -> Result<()>,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    guard(|| unsafe {
        let raw = args::output(reader, "reader")?;
        let data = args::slice(raw.data, raw.length, "reader->data")?;
        if raw.bit_count >= u8::BITS {
            return Err(not_filled("reader"));
        }
        let bits = u64::from(raw.position) * 8 + u64::from(raw.bit_count);
        let place = ReaderPosition { bits, failed_reads: raw.failed_reads };
        let stream = DataStreamReader::resume(data, place);
        let mut stream = stream.ok_or_else(|| not_filled("reader"))?;
        let outcome = body(&mut stream);
        raw.position = (stream.bits_read() / 8) as u32;
        raw.bit_count = (stream.bits_read() % 8) as u32;
        raw.failed_reads = stream.failed_reads();
        outcome
    })
}

/// Reads one value; one that is not there is an error, and 0.
pub(super) unsafe fn read<T>(
    reader: *mut nd_stream_reader,
    out_value: *mut T,
    body: impl FnOnce(&mut DataStreamReader<'_>) -> T,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe {
        with_reader(reader, |stream| {
            let out = args::output(out_value, "out_value")?;
            there(stream, |stream| *out = body(stream))
        })
    }
}

/// An error when a read failed.
pub(super) fn there(
    stream: &mut DataStreamReader<'_>,
    body: impl FnOnce(&mut DataStreamReader<'_>),
) -> Result<()> {
    let before = stream.failed_reads();
    body(stream);
    if stream.failed_reads() == before {
        return Ok(());
    }
    Err(too_small("what is left has not as many bits as the value"))
}

/// Begin to write into memory.
///
/// @param writer  out: the writer, at the start of the memory
/// @param data  where the values go; may be NULL when the capacity is 0
/// @param capacity  bytes that are there
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (a misaligned pointer)
/// @lifetime the writer may be used as long as the memory is there
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_writer_init(
    writer: *mut nd_stream_writer,
    data: *mut u8,
    capacity: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented. What is at `writer` is not looked at.
    guard(|| unsafe {
        let out = args::output(writer, "writer")?;
        args::slice(data.cast_const(), capacity.min(1), "data")?;
        *out = nd_stream_writer {
            data,
            capacity,
            length: 0,
            pending: 0,
            pending_count: 0,
            failed_writes: 0,
            reserved: 0,
        };
        Ok(())
    })
}

/// Fill up the last byte with 0 bits: what comes next starts on a byte boundary.
///
/// @param writer  the writer
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_writer_flush(writer: *mut nd_stream_writer) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    unsafe {
        with_writer(writer, |stream| {
            stream.flush();
            Ok(())
        })
    }
}

/// Forget what was written, failed writes included.
///
/// @param writer  the writer
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_writer_clear(writer: *mut nd_stream_writer) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    unsafe {
        with_writer(writer, |stream| {
            stream.clear();
            Ok(())
        })
    }
}

/// How many bytes were written. All of them are in memory after this call: the last one is filled
/// up with 0 bits, but bits that are written later go into it all the same.
///
/// @param writer  the writer
/// @param out_length  out: bytes; one that is not full counts
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_writer_length(
    writer: *mut nd_stream_writer,
    out_length: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe {
        with_writer(writer, |stream| {
            *args::output(out_length, "out_length")? = stream.as_bytes().len() as u32;
            Ok(())
        })
    }
}

/// How many bits were written. As nd_stream_writer_length, this puts all of them into memory.
///
/// @param writer  the writer
/// @param out_bits  out: bits
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a writer from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_writer_length_in_bits(
    writer: *mut nd_stream_writer,
    out_bits: *mut u64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe {
        with_writer(writer, |stream| {
            let out = args::output(out_bits, "out_bits")?;
            let _ = stream.as_bytes();
            *out = stream.length_in_bits();
            Ok(())
        })
    }
}

/// Begin to read from memory, such as an event's data.
///
/// @param reader  out: the reader, at the start of the bytes
/// @param data  the bytes; may be NULL when the length is 0
/// @param length  how many there are
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (a misaligned pointer)
/// @lifetime the reader may be used as long as the memory is there
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_reader_init(
    reader: *mut nd_stream_reader,
    data: *const u8,
    length: u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented. What is at `reader` is not looked at.
    guard(|| unsafe {
        let out = args::output(reader, "reader")?;
        args::slice(data, length.min(1), "data")?;
        *out = nd_stream_reader { data, length, position: 0, bit_count: 0, failed_reads: 0 };
        Ok(())
    })
}

/// Skip what is left of a byte of which bits were read.
///
/// @param reader  the reader
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_reader_flush(reader: *mut nd_stream_reader) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    unsafe {
        with_reader(reader, |stream| {
            stream.flush();
            Ok(())
        })
    }
}

/// Go to a place.
///
/// @param reader  the reader
/// @param position  bytes from the start; at most the length
/// @return ND_OK; ND_ERROR_BUFFER_TOO_SMALL (behind the end: the reader does not move, and it is
/// a failed read); ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_reader_seek(
    reader: *mut nd_stream_reader,
    position: u32,
) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    unsafe { with_reader(reader, |stream| there(stream, |stream| stream.seek(position as usize))) }
}

/// How many bytes were read.
///
/// @param reader  the reader
/// @param out_bytes  out: bytes; one of which bits are left counts
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_reader_bytes_read(
    reader: *mut nd_stream_reader,
    out_bytes: *mut u32,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe {
        with_reader(reader, |stream| {
            *args::output(out_bytes, "out_bytes")? = stream.bytes_read() as u32;
            Ok(())
        })
    }
}

/// How many bits were read.
///
/// @param reader  the reader
/// @param out_bits  out: bits
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT (not filled by its init)
/// @thread any; use a reader from one thread at a time
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_stream_reader_bits_read(
    reader: *mut nd_stream_reader,
    out_bits: *mut u64,
) -> nd_result {
    // SAFETY: the pointers are the caller's, as documented.
    unsafe {
        with_reader(reader, |stream| {
            *args::output(out_bits, "out_bits")? = stream.bits_read();
            Ok(())
        })
    }
}
