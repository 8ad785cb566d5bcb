//! The fuzz body of the streams: any script reads any bytes. It must not judge what was read, only
//! that the streams keep their word.

use super::{DataStreamReader, DataStreamWriter, StreamCompressionModel};

const MODEL: StreamCompressionModel = StreamCompressionModel::DEFAULT;
/// Room for texts that are read.
const TEXT_MAX: usize = 61;

/// The first byte says how long the script is, then come the script and what it reads.
pub fn fuzz_reader(data: &[u8]) {
    let Some((&length, rest)) = data.split_first() else {
        return;
    };
    let (script, input) = rest.split_at(rest.len().min(usize::from(length)));
    let mut reader = DataStreamReader::new(input);
    for (index, &operation) in script.iter().enumerate() {
        let argument = script.get(index + 1).copied().unwrap_or_default();
        let before = reader;
        let first = step(&mut reader, operation, argument);
        let mut again = before;
        assert_eq!(step(&mut again, operation, argument), first, "reading has no other memory");
        assert_eq!(again.position(), reader.position());
        assert!(reader.bits_read() <= input.len() as u64 * 8);
        let failed = reader.failed_reads() - before.failed_reads();
        assert!(failed <= 1, "one read fails once");
        if failed == 1 {
            assert_eq!(reader.bits_read(), before.bits_read(), "a failed read does not move");
            assert!(first.iter().all(|&byte| byte == 0), "and gives nothing");
        } else if operation % 32 < WRITERS {
            rewrites(operation, argument, &first, reader.bits_read());
        }
    }
}

/// Operations below this one read a number of which every value can be written again.
const WRITERS: u8 = 20;

/// Reads once; the result as bytes.
fn step(reader: &mut DataStreamReader<'_>, operation: u8, argument: u8) -> Vec<u8> {
    let base = u64::from(argument) << (argument % 57);
    match operation % 32 {
        0 => reader.read_packed_uint(&MODEL).to_le_bytes().to_vec(),
        1 => reader.read_packed_int(&MODEL).to_le_bytes().to_vec(),
        2 => reader.read_packed_ulong(&MODEL).to_le_bytes().to_vec(),
        3 => reader.read_packed_long(&MODEL).to_le_bytes().to_vec(),
        4 => reader.read_packed_uint_delta(base as u32, &MODEL).to_le_bytes().to_vec(),
        5 => reader.read_packed_int_delta(base as i32, &MODEL).to_le_bytes().to_vec(),
        6 => reader.read_packed_ulong_delta(base, &MODEL).to_le_bytes().to_vec(),
        7 => reader.read_packed_long_delta(base as i64, &MODEL).to_le_bytes().to_vec(),
        8 => reader.read_packed_float(&MODEL).to_le_bytes().to_vec(),
        9 => reader.read_packed_double(&MODEL).to_le_bytes().to_vec(),
        10 => reader.read_packed_float_delta(argument.into(), &MODEL).to_le_bytes().to_vec(),
        11 => reader.read_packed_double_delta(argument.into(), &MODEL).to_le_bytes().to_vec(),
        12..20 => reader.read_raw_bits(argument.into()).to_le_bytes().to_vec(),
        20 => vec![reader.read_byte()],
        21 => reader.read_ushort().to_le_bytes().to_vec(),
        22 => reader.read_int_network_byte_order().to_le_bytes().to_vec(),
        23 => reader.read_double().to_le_bytes().to_vec(),
        24..26 => bytes(reader, argument),
        26..29 => text(reader, argument),
        29 => packed_text(reader, argument),
        30 => {
            reader.flush();
            assert_eq!(reader.bits_read() % 8, 0);
            Vec::new()
        }
        _ => {
            reader.seek(argument.into());
            Vec::new()
        }
    }
}

fn bytes(reader: &mut DataStreamReader<'_>, count: u8) -> Vec<u8> {
    let mut out = vec![0xAA; count.into()];
    let left = reader.remaining().len();
    assert_eq!(reader.read_bytes(&mut out), left >= out.len());
    out
}

fn text(reader: &mut DataStreamReader<'_>, room: u8) -> Vec<u8> {
    let mut out = [0; u8::MAX as usize];
    let length = reader.read_fixed_string(&mut out[..room.into()]);
    out[..length].to_vec()
}

fn packed_text(reader: &mut DataStreamReader<'_>, argument: u8) -> Vec<u8> {
    let mut out = [0; TEXT_MAX];
    let baseline = vec![argument; (argument % 80).into()];
    let length = reader.read_packed_fixed_string_delta(&mut out, &baseline, &MODEL);
    assert!(out[length..].iter().all(|&byte| byte == 0), "nothing behind the text");
    out[..length].to_vec()
}

/// What was read is written again, in no more bits than it may take, and reads as the same.
fn rewrites(operation: u8, argument: u8, value: &[u8], bits_read: u64) {
    let mut memory = [0; 24];
    let mut writer = DataStreamWriter::new(&mut memory);
    let mut number = [0; 8];
    number[..value.len()].copy_from_slice(value);
    let number = u64::from_le_bytes(number);
    let base = u64::from(argument) << (argument % 57);
    let fits = match operation % 32 {
        0 => writer.write_packed_uint(number as u32, &MODEL),
        1 => writer.write_packed_int(number as i32, &MODEL),
        2 => writer.write_packed_ulong(number, &MODEL),
        3 => writer.write_packed_long(number as i64, &MODEL),
        4 => writer.write_packed_uint_delta(number as u32, base as u32, &MODEL),
        5 => writer.write_packed_int_delta(number as i32, base as i32, &MODEL),
        6 => writer.write_packed_ulong_delta(number, base, &MODEL),
        7 => writer.write_packed_long_delta(number as i64, base as i64, &MODEL),
        12..20 => writer.write_raw_bits(number as u32, argument.into()),
        // Numbers that are equal, as 0 and -0 are, need not have the same bytes.
        _ => return,
    };
    assert!(fits && writer.length_in_bits() <= bits_read.max(76), "{number}");
    let mut reader = DataStreamReader::new(writer.as_bytes());
    assert_eq!(step(&mut reader, operation, argument), value);
    assert!(!reader.has_failed_reads());
}
