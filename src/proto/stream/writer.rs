//! Writes values into memory. It must not write a part of a value: all of it or nothing.

use super::{
    FIXED_STRING_4096_MAX, RAW_BITS_MAX, STRING_LENGTH_MAX, StreamCompressionModel, zig_zag_32,
    zig_zag_64,
};

/// A place in what is written: pass a copy to [`DataStreamWriter::at`] to overwrite what was
/// written there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterPosition {
    /// Whole bytes in front of the place.
    pub length: usize,
    /// Bits behind those bytes that do not fill one yet, the first one lowest.
    pub pending: u8,
    /// How many such bits there are: 0 to 7.
    pub pending_count: u32,
    /// Writes that did not fit.
    pub failed_writes: u32,
}

/// Writes values one after the other into memory of the caller.
///
/// Values of whole bytes start on a byte boundary: the bits in front of them are filled up with 0.
/// Every write says whether it fitted; one that does not changes nothing but
/// [`failed_writes`](Self::failed_writes).
#[derive(Debug)]
pub struct DataStreamWriter<'a> {
    data: &'a mut [u8],
    place: WriterPosition,
}

macro_rules! whole_bytes {
    ($($(#[doc = $doc:literal])+ $name:ident($type:ty) = $bytes:ident;)*) => {$(
        $(#[doc = $doc])+
        /// Returns whether it fitted.
        pub fn $name(&mut self, value: $type) -> bool {
            self.write_bytes(&value.$bytes())
        }
    )*};
}

macro_rules! packed {
    ($($(#[doc = $doc:literal])+
       $name:ident($value:ident: $type:ty) = $inner:ident($inside:expr);)*) => {$(
        $(#[doc = $doc])+
        /// Returns whether it fitted.
        pub fn $name(&mut self, $value: $type, model: &StreamCompressionModel) -> bool {
            self.$inner($inside, model)
        }
    )*};
}

macro_rules! packed_delta {
    ($($name:ident($value:ident: $type:ty, $baseline:ident) = $inner:ident($inside:expr);)*) => {$(
        /// Packs by how much a number is below a baseline that the reader knows (wrapping), 0 or
        /// little where it changed little. Returns whether it fitted.
        pub fn $name(
            &mut self,
            $value: $type,
            $baseline: $type,
            model: &StreamCompressionModel,
        ) -> bool {
            self.$inner($inside, model)
        }
    )*};
}

impl<'a> DataStreamWriter<'a> {
    /// A writer at the start of the memory.
    pub fn new(data: &'a mut [u8]) -> Self {
        Self { data, place: WriterPosition::default() }
    }

    /// A writer that goes on at a place; `None` when the place is not in the memory.
    pub fn resume(data: &'a mut [u8], place: WriterPosition) -> Option<Self> {
        let WriterPosition { length, pending, pending_count, .. } = place;
        let bytes = length.checked_add(usize::from(pending_count > 0))?;
        let valid = pending_count < u8::BITS && pending >> pending_count == 0;
        (valid && bytes <= data.len()).then_some(Self { data, place })
    }

    /// Where the next value goes. (A value of whole bytes goes to the next byte boundary.)
    #[must_use]
    pub const fn position(&self) -> WriterPosition {
        self.place
    }

    /// A second writer on the same memory, at a place that [`position`](Self::position) gave:
    /// it overwrites what is there, and leaves this writer where it is. Flush it when it wrote
    /// single bits. A place that was never in this memory gives a writer that fits nothing.
    pub fn at(&mut self, place: WriterPosition) -> DataStreamWriter<'_> {
        let end = self.capacity();
        let nowhere = WriterPosition { length: end, ..WriterPosition::default() };
        let place = WriterPosition { failed_writes: 0, ..place };
        let inside = DataStreamWriter::resume(self.data, place).is_some();
        DataStreamWriter { data: self.data, place: if inside { place } else { nowhere } }
    }

    /// Bytes that the memory has.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.data.len()
    }

    /// Bytes written; one that is not full counts.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.place.length + (self.place.pending_count > 0) as usize
    }

    /// Bits written.
    #[must_use]
    pub const fn length_in_bits(&self) -> u64 {
        self.place.length as u64 * 8 + self.place.pending_count as u64
    }

    /// Did a write not fit?
    #[must_use]
    pub const fn has_failed_writes(&self) -> bool {
        self.place.failed_writes > 0
    }

    /// Writes that did not fit.
    #[must_use]
    pub const fn failed_writes(&self) -> u32 {
        self.place.failed_writes
    }

    /// What was written; the last byte is filled up with 0 here, but the next bits go into it all
    /// the same.
    #[must_use]
    pub fn as_bytes(&mut self) -> &[u8] {
        if self.place.pending_count > 0 {
            self.data[self.place.length] = self.place.pending;
        }
        &self.data[..self.length()]
    }

    /// Fills up the last byte with 0: what comes next starts on a byte boundary.
    pub fn flush(&mut self) {
        let length = self.as_bytes().len();
        self.place = WriterPosition { length, pending: 0, pending_count: 0, ..self.place };
    }

    /// Forgets what was written, failed writes included.
    pub fn clear(&mut self) {
        self.place = WriterPosition::default();
    }

    whole_bytes! {
        /// Writes 2 bytes, little endian.
        write_short(i16) = to_le_bytes;
        /// Writes 2 bytes, little endian.
        write_ushort(u16) = to_le_bytes;
        /// Writes 4 bytes, little endian.
        write_int(i32) = to_le_bytes;
        /// Writes 4 bytes, little endian.
        write_uint(u32) = to_le_bytes;
        /// Writes 8 bytes, little endian.
        write_long(i64) = to_le_bytes;
        /// Writes 8 bytes, little endian.
        write_ulong(u64) = to_le_bytes;
        /// Writes 4 bytes, little endian (IEEE 754).
        write_float(f32) = to_le_bytes;
        /// Writes 8 bytes, little endian (IEEE 754).
        write_double(f64) = to_le_bytes;
        /// Writes 2 bytes, big endian.
        write_short_network_byte_order(i16) = to_be_bytes;
        /// Writes 2 bytes, big endian.
        write_ushort_network_byte_order(u16) = to_be_bytes;
        /// Writes 4 bytes, big endian.
        write_int_network_byte_order(i32) = to_be_bytes;
        /// Writes 4 bytes, big endian.
        write_uint_network_byte_order(u32) = to_be_bytes;
    }

    packed! {
        /// Packs a number: 2 bits for 0, 38 for the largest.
        write_packed_uint(value: u32) = write_packed_code(value);
        /// Packs a number, small ones of either sign short.
        write_packed_int(value: i32) = write_packed_code(zig_zag_32(value));
        /// Packs a number, small ones of either sign short.
        write_packed_long(value: i64) = write_packed_ulong(zig_zag_64(value));
    }

    packed_delta! {
        write_packed_uint_delta(value: u32, baseline) =
            write_packed_int(baseline.wrapping_sub(value).cast_signed());
        write_packed_int_delta(value: i32, baseline) =
            write_packed_int(baseline.wrapping_sub(value));
        write_packed_ulong_delta(value: u64, baseline) =
            write_packed_long(baseline.wrapping_sub(value).cast_signed());
        write_packed_long_delta(value: i64, baseline) =
            write_packed_long(baseline.wrapping_sub(value));
    }

    /// Packs a number: 1 bit for 0 (and for -0, which is read as 0), 33 for others. Returns whether
    /// it fitted.
    pub fn write_packed_float(&mut self, value: f32, model: &StreamCompressionModel) -> bool {
        self.write_packed_float_delta(value, 0.0, model)
    }

    /// Packs a number: 1 bit for 0 (and for -0, which is read as 0), 65 for others. Returns whether
    /// it fitted.
    pub fn write_packed_double(&mut self, value: f64, model: &StreamCompressionModel) -> bool {
        self.write_packed_double_delta(value, 0.0, model)
    }

    /// Packs a number: 1 bit where it equals a baseline that the reader knows, 33 where not.
    /// Returns whether it fitted.
    pub fn write_packed_float_delta(
        &mut self,
        value: f32,
        baseline: f32,
        _model: &StreamCompressionModel,
    ) -> bool {
        if value == baseline {
            return self.fits(1) && self.push(0, 1);
        }
        self.fits(1 + 32) && self.push(u64::from(value.to_bits()) << 1 | 1, 1 + 32)
    }

    /// Packs a number: 1 bit where it equals a baseline that the reader knows, 65 where not.
    /// Returns whether it fitted.
    pub fn write_packed_double_delta(
        &mut self,
        value: f64,
        baseline: f64,
        _model: &StreamCompressionModel,
    ) -> bool {
        if value == baseline {
            return self.fits(1) && self.push(0, 1);
        }
        let bits = value.to_bits();
        self.fits(1 + 64)
            && self.push((bits & u64::from(u32::MAX)) << 1 | 1, 1 + 32)
            && self.push(bits >> 32, 32)
    }

    /// Writes one byte. Returns whether it fitted.
    pub fn write_byte(&mut self, value: u8) -> bool {
        self.write_bytes(&[value])
    }

    /// Writes bytes as they are, on a byte boundary. Returns whether they fitted.
    pub fn write_bytes(&mut self, bytes: &[u8]) -> bool {
        let start = self.length();
        let Some(room) = self.data[start..].get_mut(..bytes.len()) else {
            return self.fail();
        };
        room.copy_from_slice(bytes);
        self.flush();
        self.place.length += bytes.len();
        true
    }

    /// Appends the lowest `count` bits of a value, lowest first, with no alignment. More than 32
    /// of them, or a value with higher bits than those, is a failed write. Returns whether it
    /// fitted.
    pub fn write_raw_bits(&mut self, value: u32, count: u32) -> bool {
        if count > RAW_BITS_MAX || u64::from(value) >> count != 0 {
            return self.fail();
        }
        self.fits(count) && self.push(value.into(), count)
    }

    /// Packs a number: its low half, then its high half. Returns whether it fitted.
    pub fn write_packed_ulong(&mut self, value: u64, model: &StreamCompressionModel) -> bool {
        let (low, low_count) = model.encode(value as u32);
        let (high, high_count) = model.encode((value >> 32) as u32);
        self.fits(low_count + high_count)
            && self.push(low, low_count)
            && self.push(high, high_count)
    }

    /// Writes a text: its length in 2 bytes, then its bytes, on a byte boundary. One that is
    /// longer than `length_max` (or [`STRING_LENGTH_MAX`]) is a failed write. Returns whether it
    /// fitted.
    pub fn write_fixed_string(&mut self, text: &[u8], length_max: usize) -> bool {
        let start = self.length();
        let end = start.saturating_add(size_of::<u16>()).saturating_add(text.len());
        if text.len() > length_max.min(STRING_LENGTH_MAX) || end > self.capacity() {
            return self.fail();
        }
        self.write_ushort(text.len() as u16) && self.write_bytes(text)
    }

    /// Packs a text against one that the reader knows: the length as a delta, then each byte as
    /// a delta to the baseline's where it has one. A text that is longer than `length_max` (or
    /// [`STRING_LENGTH_MAX`]), or a baseline longer than the latter, is a failed write. Returns
    /// whether it fitted.
    pub fn write_packed_fixed_string_delta(
        &mut self,
        text: &[u8],
        baseline: &[u8],
        length_max: usize,
        model: &StreamCompressionModel,
    ) -> bool {
        if text.len() > length_max.min(STRING_LENGTH_MAX) || baseline.len() > STRING_LENGTH_MAX {
            return self.fail();
        }
        let length = zig_zag_32(baseline.len() as i32 - text.len() as i32);
        let codes = || {
            let bytes = text.iter().enumerate().map(|(index, &byte)| match baseline.get(index) {
                Some(&old) => zig_zag_32(i32::from(old) - i32::from(byte)),
                None => byte.into(),
            });
            std::iter::once(length).chain(bytes).map(|value| model.encode(value))
        };
        self.fits(codes().map(|code| code.1).sum())
            && codes().all(|(bits, count)| self.push(bits, count))
    }

    fn write_packed_code(&mut self, value: u32, model: &StreamCompressionModel) -> bool {
        let (bits, count) = model.encode(value);
        self.fits(count) && self.push(bits, count)
    }

    fn fail(&mut self) -> bool {
        self.place.failed_writes = self.place.failed_writes.saturating_add(1);
        false
    }

    /// Is there room for so many more bits? If not, that is a failed write.
    fn fits(&mut self, count: u32) -> bool {
        let capacity = self.data.len() as u64 * 8;
        self.length_in_bits() + u64::from(count) <= capacity || self.fail()
    }

    /// Appends at most 57 bits, for which there is room.
    fn push(&mut self, bits: u64, count: u32) -> bool {
        let mut bits = u64::from(self.place.pending) | bits << self.place.pending_count;
        let mut count = self.place.pending_count + count;
        while count >= u8::BITS {
            self.data[self.place.length] = bits as u8;
            self.place.length += 1;
            bits >>= u8::BITS;
            count -= u8::BITS;
        }
        self.place.pending = bits as u8;
        self.place.pending_count = count;
        true
    }
}

// The sum of a text's bits in `write_packed_fixed_string_delta` must not overflow.
const _: () = assert!((STRING_LENGTH_MAX as u64 + 1) * 38 <= u32::MAX as u64);
const _: () = assert!(FIXED_STRING_4096_MAX <= STRING_LENGTH_MAX);
