//! Values in messages: whole bytes, single bits, and Huffman codes with deltas, bit for bit as
//! Unity's `DataStreamWriter` and `DataStreamReader` lay them out.
//!
//! A stream works on memory of its caller. It must not allocate, and it must not panic whatever
//! the bytes are: a write that does not fit and a read past the end do nothing but count.
//!
//! ```
//! use netdriver::stream::{DataStreamReader, DataStreamWriter, StreamCompressionModel};
//!
//! let model = StreamCompressionModel::DEFAULT;
//! let mut memory = [0; 16];
//! let mut writer = DataStreamWriter::new(&mut memory);
//! writer.write_packed_uint(3, &model);
//! writer.write_raw_bits(1, 1);
//! writer.write_packed_int_delta(1001, 1000, &model);
//! assert!(!writer.has_failed_writes());
//!
//! let mut reader = DataStreamReader::new(writer.as_bytes());
//! assert_eq!(reader.read_packed_uint(&model), 3);
//! assert_eq!(reader.read_raw_bits(1), 1);
//! assert_eq!(reader.read_packed_int_delta(1000, &model), 1001);
//! assert!(!reader.has_failed_reads());
//! ```

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod model;
mod reader;
mod writer;

pub use model::StreamCompressionModel;
pub use reader::{DataStreamReader, ReaderPosition};
pub use writer::{DataStreamWriter, WriterPosition};

/// The most bytes of UTF-8 in Unity's `FixedString32Bytes`.
pub const FIXED_STRING_32_MAX: usize = 29;
/// The most bytes of UTF-8 in Unity's `FixedString64Bytes`.
pub const FIXED_STRING_64_MAX: usize = 61;
/// The most bytes of UTF-8 in Unity's `FixedString128Bytes`.
pub const FIXED_STRING_128_MAX: usize = 125;
/// The most bytes of UTF-8 in Unity's `FixedString512Bytes`.
pub const FIXED_STRING_512_MAX: usize = 509;
/// The most bytes of UTF-8 in Unity's `FixedString4096Bytes`.
pub const FIXED_STRING_4096_MAX: usize = 4093;
/// The most bytes that any string may have: its length is a u16.
pub const STRING_LENGTH_MAX: usize = u16::MAX as usize;

/// The most bits that one raw value has.
pub const RAW_BITS_MAX: u32 = 32;

/// Small magnitudes become small numbers: 0, -1, 1, -2, 2, …
const fn zig_zag_32(value: i32) -> u32 {
    ((value >> 31) ^ (value << 1)).cast_unsigned()
}

const fn zig_zag_64(value: i64) -> u64 {
    ((value >> 63) ^ (value << 1)).cast_unsigned()
}

const fn un_zig_zag_32(value: u32) -> i32 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

const fn un_zig_zag_64(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}
