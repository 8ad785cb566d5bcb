//! Reads values out of memory. It must not trust a byte of it.

use super::{RAW_BITS_MAX, StreamCompressionModel, un_zig_zag_32, un_zig_zag_64};

/// Where a reader is, and how many of its reads failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReaderPosition {
    /// Bits in front of the next read.
    pub bits: u64,
    /// Reads that went past the end.
    pub failed_reads: u32,
}

/// Reads the values that a [`DataStreamWriter`](super::DataStreamWriter) wrote, in the same order
/// and with the same methods.
///
/// Values of whole bytes start on a byte boundary: what is left of a byte in front of them is
/// skipped. A read past the end gives 0, does not move and counts in
/// [`failed_reads`](Self::failed_reads). A copy has its own place.
#[derive(Clone, Copy, Debug)]
pub struct DataStreamReader<'a> {
    data: &'a [u8],
    place: ReaderPosition,
}

macro_rules! whole_bytes {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $bytes:ident;)*) => {$(
        $(#[doc = $doc])+
        /// 0 past the end.
        pub fn $name(&mut self) -> $type {
            self.take_array().map_or_else(|| self.fail(), <$type>::$bytes)
        }
    )*};
}

macro_rules! packed {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $take:ident;)*) => {$(
        $(#[doc = $doc])+
        /// 0 past the end.
        pub fn $name(&mut self, model: &StreamCompressionModel) -> $type {
            self.$take(model).unwrap_or_else(|| self.fail())
        }
    )*};
}

macro_rules! packed_delta {
    ($($name:ident($baseline:ident: $type:ty) = $take:ident($delta:ident) $inside:expr;)*) => {$(
        /// Reads a number that was packed against the same baseline. 0 past the end.
        pub fn $name(&mut self, $baseline: $type, model: &StreamCompressionModel) -> $type {
            self.$take(model).map_or_else(|| self.fail(), |$delta| $inside)
        }
    )*};
}

impl<'a> DataStreamReader<'a> {
    /// A reader at the start of the bytes.
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self { data, place: ReaderPosition { bits: 0, failed_reads: 0 } }
    }

    /// A reader that goes on at a place; `None` when the place is behind the end.
    #[must_use]
    pub const fn resume(data: &'a [u8], place: ReaderPosition) -> Option<Self> {
        if place.bits > data.len() as u64 * 8 { None } else { Some(Self { data, place }) }
    }

    /// Where the next read happens.
    #[must_use]
    pub const fn position(&self) -> ReaderPosition {
        self.place
    }

    /// Bytes in all.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.data.len()
    }

    /// Bytes read; one of which bits are left counts.
    #[must_use]
    pub const fn bytes_read(&self) -> usize {
        self.place.bits.div_ceil(8) as usize
    }

    /// Bits read.
    #[must_use]
    pub const fn bits_read(&self) -> u64 {
        self.place.bits
    }

    /// Did a read go past the end?
    #[must_use]
    pub const fn has_failed_reads(&self) -> bool {
        self.place.failed_reads > 0
    }

    /// Reads that went past the end.
    #[must_use]
    pub const fn failed_reads(&self) -> u32 {
        self.place.failed_reads
    }

    /// The bytes that are left, from the next byte boundary on.
    #[must_use]
    pub fn remaining(&self) -> &'a [u8] {
        &self.data[self.bytes_read()..]
    }

    /// Goes to a place in bytes from the start. One behind the end is a failed read.
    pub fn seek(&mut self, position: usize) {
        if position > self.data.len() {
            return self.fail();
        }
        self.place.bits = position as u64 * 8;
    }

    /// Skips what is left of a byte of which bits were read.
    pub fn flush(&mut self) {
        self.place.bits = self.bytes_read() as u64 * 8;
    }

    whole_bytes! {
        /// Reads 1 byte.
        read_byte: u8 = from_le_bytes;
        /// Reads 2 bytes, little endian.
        read_short: i16 = from_le_bytes;
        /// Reads 2 bytes, little endian.
        read_ushort: u16 = from_le_bytes;
        /// Reads 4 bytes, little endian.
        read_int: i32 = from_le_bytes;
        /// Reads 4 bytes, little endian.
        read_uint: u32 = from_le_bytes;
        /// Reads 8 bytes, little endian.
        read_long: i64 = from_le_bytes;
        /// Reads 8 bytes, little endian.
        read_ulong: u64 = from_le_bytes;
        /// Reads 4 bytes, little endian (IEEE 754).
        read_float: f32 = from_le_bytes;
        /// Reads 8 bytes, little endian (IEEE 754).
        read_double: f64 = from_le_bytes;
        /// Reads 2 bytes, big endian.
        read_short_network_byte_order: i16 = from_be_bytes;
        /// Reads 2 bytes, big endian.
        read_ushort_network_byte_order: u16 = from_be_bytes;
        /// Reads 4 bytes, big endian.
        read_int_network_byte_order: i32 = from_be_bytes;
        /// Reads 4 bytes, big endian.
        read_uint_network_byte_order: u32 = from_be_bytes;
    }

    packed! {
        /// Reads a packed number.
        read_packed_uint: u32 = take_packed;
        /// Reads a packed number.
        read_packed_int: i32 = take_packed_int;
        /// Reads a packed number.
        read_packed_ulong: u64 = take_packed_ulong;
        /// Reads a packed number.
        read_packed_long: i64 = take_packed_long;
    }

    packed_delta! {
        read_packed_uint_delta(baseline: u32) = take_packed_int(delta)
            baseline.wrapping_sub(delta.cast_unsigned());
        read_packed_int_delta(baseline: i32) = take_packed_int(delta)
            baseline.wrapping_sub(delta);
        read_packed_ulong_delta(baseline: u64) = take_packed_long(delta)
            baseline.wrapping_sub(delta.cast_unsigned());
        read_packed_long_delta(baseline: i64) = take_packed_long(delta)
            baseline.wrapping_sub(delta);
    }

    /// Reads a packed number. 0 past the end.
    pub fn read_packed_float(&mut self, model: &StreamCompressionModel) -> f32 {
        self.read_packed_float_delta(0.0, model)
    }

    /// Reads a packed number. 0 past the end.
    pub fn read_packed_double(&mut self, model: &StreamCompressionModel) -> f64 {
        self.read_packed_double_delta(0.0, model)
    }

    /// Reads a number that was packed against the same baseline. 0 past the end.
    pub fn read_packed_float_delta(
        &mut self,
        baseline: f32,
        _model: &StreamCompressionModel,
    ) -> f32 {
        match self.take_if_different(32) {
            Some(bits) => bits.map_or(baseline, |bits| f32::from_bits(bits as u32)),
            None => self.fail(),
        }
    }

    /// Reads a number that was packed against the same baseline. 0 past the end.
    pub fn read_packed_double_delta(
        &mut self,
        baseline: f64,
        _model: &StreamCompressionModel,
    ) -> f64 {
        match self.take_if_different(64) {
            Some(bits) => bits.map_or(baseline, f64::from_bits),
            None => self.fail(),
        }
    }

    /// Reads as many bytes as there is room for, from the next byte boundary on. Past the end they
    /// are 0. Returns whether there were enough.
    pub fn read_bytes(&mut self, out: &mut [u8]) -> bool {
        let Some(bytes) = self.take_bytes(out.len()) else {
            out.fill(0);
            self.fail::<()>();
            return false;
        };
        out.copy_from_slice(bytes);
        true
    }

    /// Reads bits, the first one lowest. 0 past the end, and for a count above 32, which is a
    /// failed read too.
    pub fn read_raw_bits(&mut self, count: u32) -> u32 {
        if count > RAW_BITS_MAX {
            return self.fail();
        }
        self.take_bits(count).map_or_else(|| self.fail(), |bits| bits as u32)
    }

    /// Reads a text's bytes; returns how many there are. A peer may have sent bytes that are not
    /// UTF-8. A text that is longer than `out` gives none: its length is read, it is not, and that
    /// is not a failed read. 0 past the end.
    pub fn read_fixed_string(&mut self, out: &mut [u8]) -> usize {
        let before = self.place;
        let Some(length) = self.take_array().map(u16::from_le_bytes).map(usize::from) else {
            return self.fail();
        };
        if length > out.len() {
            return 0;
        }
        let Some(bytes) = self.take_bytes(length) else {
            self.place = before;
            return self.fail();
        };
        out[..length].copy_from_slice(bytes);
        length
    }

    /// Reads a text that was packed against the same baseline, as
    /// [`read_fixed_string`](Self::read_fixed_string) does. What a failed read has left in `out`
    /// is 0.
    pub fn read_packed_fixed_string_delta(
        &mut self,
        out: &mut [u8],
        baseline: &[u8],
        model: &StreamCompressionModel,
    ) -> usize {
        let before = self.place;
        let Some(delta) = self.take_packed_int(model) else {
            return self.fail();
        };
        let length = (baseline.len() as u32).wrapping_sub(delta.cast_unsigned()) as usize;
        let Some(room) = out.get_mut(..length) else {
            return 0;
        };
        for index in 0..length {
            let old = baseline.get(index).copied();
            let Some(byte) = self.take_packed_byte(old, model) else {
                room[..index].fill(0);
                self.place = before;
                return self.fail();
            };
            room[index] = byte;
        }
        length
    }

    fn fail<T: Default>(&mut self) -> T {
        self.place.failed_reads = self.place.failed_reads.saturating_add(1);
        T::default()
    }

    fn take_bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let start = self.bytes_read();
        let bytes = self.data[start..].get(..count)?;
        self.place.bits = (start + count) as u64 * 8;
        Some(bytes)
    }

    fn take_array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take_bytes(N)?.try_into().ok()
    }

    /// The next 57 bits, the first one lowest; those behind the end are 0.
    fn peek(&self) -> u64 {
        let start = (self.place.bits / 8) as usize;
        let rest = &self.data[start..];
        let mut next = [0; 8];
        let count = rest.len().min(next.len());
        next[..count].copy_from_slice(&rest[..count]);
        u64::from_le_bytes(next) >> (self.place.bits % 8)
    }

    /// Moves over bits; `None` where so many are not left.
    fn skip(&mut self, count: u32) -> Option<()> {
        let end = self.place.bits + u64::from(count);
        if end > self.data.len() as u64 * 8 {
            return None;
        }
        self.place.bits = end;
        Some(())
    }

    fn take_bits(&mut self, count: u32) -> Option<u64> {
        let bits = self.peek() & ((1 << count) - 1);
        self.skip(count)?;
        Some(bits)
    }

    fn take_packed(&mut self, model: &StreamCompressionModel) -> Option<u32> {
        // A code that the end cuts off may look like another one, but then like one that is
        // longer than what is left: no code is the beginning of another.
        let (value, count) = model.decode(self.peek());
        self.skip(count)?;
        Some(value)
    }

    fn take_packed_int(&mut self, model: &StreamCompressionModel) -> Option<i32> {
        self.take_packed(model).map(un_zig_zag_32)
    }

    fn take_packed_ulong(&mut self, model: &StreamCompressionModel) -> Option<u64> {
        let before = self.place;
        let low = self.take_packed(model)?;
        let Some(high) = self.take_packed(model) else {
            self.place = before;
            return None;
        };
        Some(u64::from(high) << 32 | u64::from(low))
    }

    fn take_packed_long(&mut self, model: &StreamCompressionModel) -> Option<i64> {
        self.take_packed_ulong(model).map(un_zig_zag_64)
    }

    fn take_packed_byte(
        &mut self,
        baseline: Option<u8>,
        model: &StreamCompressionModel,
    ) -> Option<u8> {
        match baseline {
            Some(old) => self.take_packed_int(model).map(|delta| old.wrapping_sub(delta as u8)),
            None => self.take_packed(model).map(|value| value as u8),
        }
    }

    /// A bit, and behind a set one the bits of a number: `Some(None)` for "as the baseline".
    fn take_if_different(&mut self, count: u32) -> Option<Option<u64>> {
        let before = self.place;
        if self.take_bits(1)? == 0 {
            return Some(None);
        }
        let low = self.take_bits(32);
        let high = if count > 32 { self.take_bits(32) } else { Some(0) };
        let (Some(low), Some(high)) = (low, high) else {
            self.place = before;
            return None;
        };
        Some(Some(high << 32 | low))
    }
}
