//! Any values in any order come back, and what does not fit is as if it was never written.

use netdriver::stream::{
    DataStreamReader, DataStreamWriter, FIXED_STRING_32_MAX, RAW_BITS_MAX, ReaderPosition,
    STRING_LENGTH_MAX, StreamCompressionModel, WriterPosition,
};
use proptest::prelude::*;

const MODEL: StreamCompressionModel = StreamCompressionModel::DEFAULT;

#[derive(Clone, Debug)]
enum Value {
    Byte(u8),
    Short(i16),
    UIntNetwork(u32),
    Double(f64),
    Bytes(Vec<u8>),
    Bits(u32, u32),
    Flush,
    Text(Vec<u8>),
    UInt(u32),
    Int(i32),
    ULong(u64),
    Long(i64),
    Float(f32),
    UIntDelta(u32, u32),
    IntDelta(i32, i32),
    ULongDelta(u64, u64),
    LongDelta(i64, i64),
    FloatDelta(f32, f32),
    DoubleDelta(f64, f64),
    TextDelta(Vec<u8>, Vec<u8>),
}

/// Numbers of every magnitude alike, as codes are by magnitude.
fn any_bits() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64u32).prop_map(|(bits, shift)| bits >> shift)
}

fn whole() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u8>().prop_map(Value::Byte),
        any::<i16>().prop_map(Value::Short),
        any::<u32>().prop_map(Value::UIntNetwork),
        any::<f64>().prop_map(Value::Double),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Bytes),
        Just(Value::Flush),
        text().prop_map(Value::Text),
        (any::<u32>(), 0..=RAW_BITS_MAX).prop_map(|(bits, count)| {
            Value::Bits((u64::from(bits) & ((1 << count) - 1)) as u32, count)
        }),
    ]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..=FIXED_STRING_32_MAX)
}

fn packed() -> impl Strategy<Value = Value> {
    prop_oneof![
        any_bits().prop_map(|bits| Value::UInt(bits as u32)),
        any_bits().prop_map(|bits| Value::Int(bits as i32)),
        any_bits().prop_map(Value::ULong),
        any_bits().prop_map(|bits| Value::Long(bits as i64)),
        any::<f32>().prop_map(Value::Float),
    ]
}

fn delta() -> impl Strategy<Value = Value> {
    prop_oneof![
        (any_bits(), any_bits()).prop_map(|(a, b)| Value::UIntDelta(a as u32, b as u32)),
        (any_bits(), any_bits()).prop_map(|(a, b)| Value::IntDelta(a as i32, b as i32)),
        (any_bits(), any_bits()).prop_map(|(a, b)| Value::ULongDelta(a, b)),
        (any_bits(), any_bits()).prop_map(|(a, b)| Value::LongDelta(a as i64, b as i64)),
        (any::<f32>(), any::<f32>()).prop_map(|(a, b)| Value::FloatDelta(a, b)),
        (any::<f64>(), any::<bool>())
            .prop_map(|(a, same)| Value::DoubleDelta(a, if same { a } else { 1.5 })),
        (text(), text()).prop_map(|(a, b)| Value::TextDelta(a, b)),
    ]
}

fn values() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(prop_oneof![whole(), packed(), delta()], 0..40)
}

fn write(writer: &mut DataStreamWriter<'_>, value: &Value) -> bool {
    match value {
        Value::Byte(value) => writer.write_byte(*value),
        Value::Short(value) => writer.write_short(*value),
        Value::UIntNetwork(value) => writer.write_uint_network_byte_order(*value),
        Value::Double(value) => writer.write_double(*value),
        Value::Bytes(bytes) => writer.write_bytes(bytes),
        Value::Bits(value, count) => writer.write_raw_bits(*value, *count),
        Value::Flush => {
            writer.flush();
            true
        }
        Value::Text(text) => writer.write_fixed_string(text, FIXED_STRING_32_MAX),
        Value::UInt(value) => writer.write_packed_uint(*value, &MODEL),
        Value::Int(value) => writer.write_packed_int(*value, &MODEL),
        Value::ULong(value) => writer.write_packed_ulong(*value, &MODEL),
        Value::Long(value) => writer.write_packed_long(*value, &MODEL),
        Value::Float(value) => writer.write_packed_float(*value, &MODEL),
        Value::UIntDelta(value, base) => writer.write_packed_uint_delta(*value, *base, &MODEL),
        Value::IntDelta(value, base) => writer.write_packed_int_delta(*value, *base, &MODEL),
        Value::ULongDelta(value, base) => writer.write_packed_ulong_delta(*value, *base, &MODEL),
        Value::LongDelta(value, base) => writer.write_packed_long_delta(*value, *base, &MODEL),
        Value::FloatDelta(value, base) => writer.write_packed_float_delta(*value, *base, &MODEL),
        Value::DoubleDelta(value, base) => writer.write_packed_double_delta(*value, *base, &MODEL),
        Value::TextDelta(text, base) => {
            writer.write_packed_fixed_string_delta(text, base, FIXED_STRING_32_MAX, &MODEL)
        }
    }
}

/// Reads what `value` has written; says whether it is the same.
fn reads_back(reader: &mut DataStreamReader<'_>, value: &Value) -> bool {
    let mut text = [0; FIXED_STRING_32_MAX];
    match value {
        Value::Byte(value) => reader.read_byte() == *value,
        Value::Short(value) => reader.read_short() == *value,
        Value::UIntNetwork(value) => reader.read_uint_network_byte_order() == *value,
        Value::Double(value) => reader.read_double().to_bits() == value.to_bits(),
        Value::Bytes(bytes) => {
            let mut found = vec![0xAA; bytes.len()];
            reader.read_bytes(&mut found) && found == *bytes
        }
        Value::Bits(value, count) => reader.read_raw_bits(*count) == *value,
        Value::Flush => {
            reader.flush();
            reader.bits_read().is_multiple_of(8)
        }
        Value::Text(value) => {
            let length = reader.read_fixed_string(&mut text);
            text[..length] == **value
        }
        Value::UInt(value) => reader.read_packed_uint(&MODEL) == *value,
        Value::Int(value) => reader.read_packed_int(&MODEL) == *value,
        Value::ULong(value) => reader.read_packed_ulong(&MODEL) == *value,
        Value::Long(value) => reader.read_packed_long(&MODEL) == *value,
        Value::Float(value) => reader.read_packed_float(&MODEL) == *value,
        Value::UIntDelta(value, base) => reader.read_packed_uint_delta(*base, &MODEL) == *value,
        Value::IntDelta(value, base) => reader.read_packed_int_delta(*base, &MODEL) == *value,
        Value::ULongDelta(value, base) => reader.read_packed_ulong_delta(*base, &MODEL) == *value,
        Value::LongDelta(value, base) => reader.read_packed_long_delta(*base, &MODEL) == *value,
        Value::FloatDelta(value, base) => reader.read_packed_float_delta(*base, &MODEL) == *value,
        Value::DoubleDelta(value, base) => reader.read_packed_double_delta(*base, &MODEL) == *value,
        Value::TextDelta(value, base) => {
            let length = reader.read_packed_fixed_string_delta(&mut text, base, &MODEL);
            text[..length] == **value
        }
    }
}

proptest! {
    #[test]
    fn any_values_come_back(values in values()) {
        let mut memory = vec![0xAA; 4096];
        let mut writer = DataStreamWriter::new(&mut memory);
        for value in &values {
            prop_assert!(write(&mut writer, value), "{value:?}");
        }
        let bits = writer.length_in_bits();
        let mut reader = DataStreamReader::new(writer.as_bytes());
        for value in &values {
            prop_assert!(reads_back(&mut reader, value), "{value:?}");
        }
        prop_assert_eq!((reader.bits_read(), reader.failed_reads()), (bits, 0));
        prop_assert_eq!(reader.bytes_read(), reader.length());
    }

    #[test]
    fn what_does_not_fit_leaves_no_trace(values in values(), room in 0..100usize) {
        let mut memory = vec![0xAA; room];
        let mut writer = DataStreamWriter::new(&mut memory);
        let mut fitted = Vec::new();
        for value in &values {
            let before = writer.position();
            if write(&mut writer, value) {
                fitted.push(value);
            } else {
                let failed_writes = before.failed_writes + 1;
                prop_assert_eq!(writer.position(), WriterPosition { failed_writes, ..before });
            }
        }
        prop_assert_eq!(writer.failed_writes() as usize, values.len() - fitted.len());
        let bytes = writer.as_bytes().to_vec();
        let mut other = vec![0x55; 4096];
        let mut again = DataStreamWriter::new(&mut other);
        for value in fitted {
            write(&mut again, value);
        }
        prop_assert_eq!(again.as_bytes(), &bytes[..]);
    }

    #[test]
    fn a_writer_and_a_reader_go_on_at_their_place(values in values()) {
        let mut memory = vec![0; 4096];
        let mut place = WriterPosition::default();
        for value in &values {
            let mut writer = DataStreamWriter::resume(&mut memory, place).unwrap();
            prop_assert!(write(&mut writer, value));
            place = writer.position();
        }
        let mut writer = DataStreamWriter::resume(&mut memory, place).unwrap();
        let bytes = writer.as_bytes().to_vec();
        let mut place = ReaderPosition::default();
        for value in &values {
            let mut reader = DataStreamReader::resume(&bytes, place).unwrap();
            prop_assert!(reads_back(&mut reader, value), "{value:?}");
            place = reader.position();
        }
        prop_assert_eq!(place.bits.div_ceil(8) as usize, bytes.len());
    }
}

#[test]
fn a_place_overwrites_what_was_written_there() {
    let mut memory = [0; 8];
    let mut writer = DataStreamWriter::new(&mut memory);
    writer.write_byte(1);
    let count = writer.position();
    writer.write_ushort(0);
    writer.write_raw_bits(5, 3);
    let bits = writer.position();
    writer.write_byte(9);
    assert!(writer.at(count).write_ushort(0x0302));
    assert_eq!(writer.as_bytes(), [1, 2, 3, 5, 9]);
    let mut patch = writer.at(bits);
    assert!(patch.write_raw_bits(3, 2));
    patch.flush();
    assert_eq!(writer.as_bytes(), [1, 2, 3, 5 | 3 << 3, 9], "the bits in front stay");
    let outside = WriterPosition { length: 9, ..WriterPosition::default() };
    assert!(!writer.at(outside).write_byte(1));
    assert!(!writer.has_failed_writes(), "a place has failures of its own");
}

#[test]
fn places_that_cannot_be_are_refused() {
    let mut memory = [0; 2];
    let cases = [(3, 0, 0), (2, 1, 1), (0, 0, 8), (0, 2, 1), (usize::MAX, 0, 1)];
    for (length, pending, pending_count) in cases {
        let place = WriterPosition { length, pending, pending_count, failed_writes: 0 };
        assert!(DataStreamWriter::resume(&mut memory, place).is_none(), "{place:?}");
    }
    let place = ReaderPosition { bits: 17, failed_reads: 0 };
    assert!(DataStreamReader::resume(&memory, place).is_none());
}

#[test]
fn clear_forgets_bits_and_failures() {
    let mut memory = [0; 1];
    let mut writer = DataStreamWriter::new(&mut memory);
    assert!(writer.write_raw_bits(7, 3) && !writer.write_ushort(1));
    writer.clear();
    assert_eq!((writer.length_in_bits(), writer.failed_writes()), (0, 0));
    assert!(writer.write_byte(4));
    assert_eq!(writer.as_bytes(), [4]);
}

#[test]
fn zero_and_minus_zero_are_one_number_and_nan_is_none() {
    let mut memory = [0; 32];
    let mut writer = DataStreamWriter::new(&mut memory);
    assert!(writer.write_packed_float(-0.0, &MODEL));
    assert!(writer.write_packed_double_delta(0.0, -0.0, &MODEL));
    assert_eq!(writer.length_in_bits(), 2);
    assert!(writer.write_packed_float_delta(f32::NAN, f32::NAN, &MODEL));
    assert_eq!(writer.length_in_bits(), 35);
    let mut reader = DataStreamReader::new(writer.as_bytes());
    assert_eq!(reader.read_packed_float(&MODEL).to_bits(), 0);
    assert_eq!(reader.read_packed_double_delta(-0.0, &MODEL).to_bits(), (-0.0f64).to_bits());
    assert!(reader.read_packed_float_delta(f32::NAN, &MODEL).is_nan());
}

#[test]
fn impossible_bits_and_strings_are_failed_writes() {
    let mut memory = vec![0; 70000];
    let mut writer = DataStreamWriter::new(&mut memory);
    assert!(!writer.write_raw_bits(0, 33) && !writer.write_raw_bits(8, 3));
    assert!(!writer.write_raw_bits(1, 0));
    assert!(!writer.write_fixed_string(&[0; 30], FIXED_STRING_32_MAX));
    let long = vec![0; STRING_LENGTH_MAX + 1];
    assert!(!writer.write_fixed_string(&long, usize::MAX));
    assert!(!writer.write_packed_fixed_string_delta(&long, &[], usize::MAX, &MODEL));
    assert!(!writer.write_packed_fixed_string_delta(&[], &long, usize::MAX, &MODEL));
    assert!(!writer.write_packed_fixed_string_delta(&[0; 30], &[], 29, &MODEL));
    assert_eq!((writer.length_in_bits(), writer.failed_writes()), (0, 8));
    assert!(writer.write_fixed_string(&long[1..], usize::MAX));
    assert_eq!(writer.length(), STRING_LENGTH_MAX + 2);
    let mut reader = DataStreamReader::new(&[0; 8]);
    assert_eq!((reader.read_raw_bits(33), reader.failed_reads(), reader.bits_read()), (0, 1, 0));
}
