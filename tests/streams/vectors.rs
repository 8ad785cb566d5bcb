//! `vectors.txt`, written and read. `tests/c/streams.c` and `csharp/tests/VectorTests.cs` do the
//! same with the same table.

use netdriver::stream::{DataStreamReader, DataStreamWriter, StreamCompressionModel};

const TABLE: &str = include_str!("vectors.txt");
const MODEL: StreamCompressionModel = StreamCompressionModel::DEFAULT;
/// Room where a case does not say.
const ROOM: usize = 4096;
/// Cases that the table had when this was written: a table that is not found whole fails.
const CASES_MIN: usize = 117;

/// One line between `case` and the line that ends it.
struct Operation {
    fails: bool,
    name: String,
    arguments: Vec<String>,
}

#[derive(Default)]
struct Case {
    name: String,
    room: Option<usize>,
    input: Option<Vec<u8>>,
    operations: Vec<Operation>,
    bits: u64,
    bytes: Vec<u8>,
}

fn hex(text: &str) -> Vec<u8> {
    let digits = if text == "-" { "" } else { text };
    assert!(digits.len().is_multiple_of(2), "{text}");
    let pair = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    (0..digits.len()).step_by(2).map(pair).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    if bytes.is_empty() { "-".into() } else { bytes.iter().map(|b| format!("{b:02x}")).collect() }
}

fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let mut case = Case::default();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        match first {
            "case" => case = Case { name: rest.into(), ..Case::default() },
            "room" => case.room = Some(rest.parse().expect("a number")),
            "input" => case.input = Some(hex(rest)),
            "=" | "read" => {
                let (bits, bytes) = rest.split_once(' ').unwrap_or((rest, "-"));
                case.bits = bits.parse().expect("a number");
                case.bytes = hex(bytes);
                all.push(std::mem::take(&mut case));
            }
            _ => case.operations.push(Operation {
                fails: first.starts_with('!'),
                name: first.trim_start_matches('!').into(),
                arguments: rest.split_whitespace().map(str::to_owned).collect(),
            }),
        }
    }
    assert!(all.len() >= CASES_MIN, "{} cases", all.len());
    all
}

impl Operation {
    fn bytes(&self, index: usize) -> Vec<u8> {
        hex(&self.arguments[index])
    }

    /// A number of any type, as its bits.
    fn number(&self, index: usize) -> u64 {
        let text = &self.arguments[index];
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).expect("a number"),
            None => text.parse::<i128>().expect("a number") as u64,
        }
    }

    /// Where among the arguments the value is that is read.
    fn value(&self) -> Option<&str> {
        let index = usize::from(self.name.contains("string"));
        let none = ["flush", "seek"].contains(&self.name.as_str());
        (!none).then(|| self.arguments[index].as_str())
    }

    /// What a failed read gives.
    fn zero(&self) -> Option<String> {
        self.value().map(|value| match self.name.as_str() {
            "bytes" => "0".repeat(value.len()),
            name if name.contains("string") => "-".into(),
            name if name.contains("float") => format!("{:#010x}", 0),
            name if name.contains("double") => format!("{:#018x}", 0),
            _ => "0".into(),
        })
    }

    fn write(&self, writer: &mut DataStreamWriter<'_>) -> bool {
        if self.name.starts_with("packed_") {
            return self.write_packed(writer);
        }
        if self.name.contains("bytes") || self.name.contains("string") || self.name == "flush" {
            return self.write_other(writer);
        }
        let value = self.number(0);
        match self.name.as_str() {
            "byte" => writer.write_byte(value as u8),
            "short" => writer.write_short(value as i16),
            "ushort" => writer.write_ushort(value as u16),
            "int" => writer.write_int(value as i32),
            "uint" => writer.write_uint(value as u32),
            "long" => writer.write_long(value as i64),
            "ulong" => writer.write_ulong(value),
            "float" => writer.write_float(f32::from_bits(value as u32)),
            "double" => writer.write_double(f64::from_bits(value)),
            "short_network_byte_order" => writer.write_short_network_byte_order(value as i16),
            "ushort_network_byte_order" => writer.write_ushort_network_byte_order(value as u16),
            "int_network_byte_order" => writer.write_int_network_byte_order(value as i32),
            "uint_network_byte_order" => writer.write_uint_network_byte_order(value as u32),
            "raw_bits" => writer.write_raw_bits(value as u32, self.number(1) as u32),
            other => panic!("{other} is not an operation"),
        }
    }

    fn write_other(&self, writer: &mut DataStreamWriter<'_>) -> bool {
        match self.name.as_str() {
            "flush" => {
                writer.flush();
                true
            }
            "bytes" => writer.write_bytes(&self.bytes(0)),
            _ => writer.write_fixed_string(&self.bytes(1), self.number(0) as usize),
        }
    }

    fn write_packed(&self, writer: &mut DataStreamWriter<'_>) -> bool {
        if self.name == "packed_fixed_string_delta" {
            let (most, text, old) = (self.number(0) as usize, self.bytes(1), self.bytes(2));
            return writer.write_packed_fixed_string_delta(&text, &old, most, &MODEL);
        }
        let value = self.number(0);
        let base = if self.name.ends_with("_delta") { self.number(1) } else { 0 };
        let (float, float_base) = (f32::from_bits(value as u32), f32::from_bits(base as u32));
        let (double, double_base) = (f64::from_bits(value), f64::from_bits(base));
        let (int, int_base) = (value as i32, base as i32);
        match self.name.trim_start_matches("packed_") {
            "uint" => writer.write_packed_uint(value as u32, &MODEL),
            "int" => writer.write_packed_int(int, &MODEL),
            "ulong" => writer.write_packed_ulong(value, &MODEL),
            "long" => writer.write_packed_long(value as i64, &MODEL),
            "float" => writer.write_packed_float(float, &MODEL),
            "double" => writer.write_packed_double(double, &MODEL),
            "uint_delta" => writer.write_packed_uint_delta(value as u32, base as u32, &MODEL),
            "int_delta" => writer.write_packed_int_delta(int, int_base, &MODEL),
            "ulong_delta" => writer.write_packed_ulong_delta(value, base, &MODEL),
            "long_delta" => writer.write_packed_long_delta(value as i64, base as i64, &MODEL),
            "float_delta" => writer.write_packed_float_delta(float, float_base, &MODEL),
            "double_delta" => writer.write_packed_double_delta(double, double_base, &MODEL),
            other => panic!("packed_{other} is not an operation"),
        }
    }

    /// What is read, as the table writes it.
    fn read(&self, reader: &mut DataStreamReader<'_>) -> Option<String> {
        Some(match self.name.as_str() {
            "flush" => {
                reader.flush();
                return None;
            }
            "seek" => {
                reader.seek(self.number(0) as usize);
                return None;
            }
            "byte" => reader.read_byte().to_string(),
            "short" => reader.read_short().to_string(),
            "ushort" => reader.read_ushort().to_string(),
            "int" => reader.read_int().to_string(),
            "uint" => reader.read_uint().to_string(),
            "long" => reader.read_long().to_string(),
            "ulong" => reader.read_ulong().to_string(),
            "float" => format!("{:#010x}", reader.read_float().to_bits()),
            "double" => format!("{:#018x}", reader.read_double().to_bits()),
            "short_network_byte_order" => reader.read_short_network_byte_order().to_string(),
            "ushort_network_byte_order" => reader.read_ushort_network_byte_order().to_string(),
            "int_network_byte_order" => reader.read_int_network_byte_order().to_string(),
            "uint_network_byte_order" => reader.read_uint_network_byte_order().to_string(),
            "raw_bits" => reader.read_raw_bits(self.number(1) as u32).to_string(),
            "bytes" => {
                let mut out = vec![0xAA; self.bytes(0).len()];
                reader.read_bytes(&mut out);
                to_hex(&out)
            }
            _ => return Some(self.read_packed(reader)),
        })
    }

    fn read_packed(&self, reader: &mut DataStreamReader<'_>) -> String {
        if self.name.contains("string") {
            let mut out = vec![0; self.number(0) as usize];
            let length = match self.name.as_str() {
                "fixed_string" => reader.read_fixed_string(&mut out),
                _ => reader.read_packed_fixed_string_delta(&mut out, &self.bytes(2), &MODEL),
            };
            return to_hex(&out[..length]);
        }
        let base = if self.name.ends_with("_delta") { self.number(1) } else { 0 };
        let (float_base, double_base) = (f32::from_bits(base as u32), f64::from_bits(base));
        let float = |value: f32| format!("{:#010x}", value.to_bits());
        let double = |value: f64| format!("{:#018x}", value.to_bits());
        match self.name.trim_start_matches("packed_") {
            "uint" => reader.read_packed_uint(&MODEL).to_string(),
            "int" => reader.read_packed_int(&MODEL).to_string(),
            "ulong" => reader.read_packed_ulong(&MODEL).to_string(),
            "long" => reader.read_packed_long(&MODEL).to_string(),
            "float" => float(reader.read_packed_float(&MODEL)),
            "double" => double(reader.read_packed_double(&MODEL)),
            "uint_delta" => reader.read_packed_uint_delta(base as u32, &MODEL).to_string(),
            "int_delta" => reader.read_packed_int_delta(base as i32, &MODEL).to_string(),
            "ulong_delta" => reader.read_packed_ulong_delta(base, &MODEL).to_string(),
            "long_delta" => reader.read_packed_long_delta(base as i64, &MODEL).to_string(),
            "float_delta" => float(reader.read_packed_float_delta(float_base, &MODEL)),
            "double_delta" => double(reader.read_packed_double_delta(double_base, &MODEL)),
            other => panic!("packed_{other} is not an operation"),
        }
    }
}

impl Case {
    /// Writes the case and compares; returns after which bit each written value ends.
    fn write(&self) -> Vec<u64> {
        let mut memory = vec![0xAA; self.room.unwrap_or(ROOM)];
        let mut writer = DataStreamWriter::new(&mut memory);
        let mut ends = Vec::new();
        let mut failed = 0;
        for (index, operation) in self.operations.iter().enumerate() {
            let before = writer.length_in_bits();
            let what = format!("{}: {index}: {}", self.name, operation.name);
            assert_eq!(operation.write(&mut writer), !operation.fails, "{what}");
            failed += u32::from(operation.fails);
            assert_eq!(writer.failed_writes(), failed, "{what}");
            if operation.fails {
                assert_eq!(writer.length_in_bits(), before, "{what}");
            } else {
                ends.push(writer.length_in_bits());
            }
        }
        assert_eq!(writer.length_in_bits(), self.bits, "{}", self.name);
        assert_eq!(to_hex(writer.as_bytes()), to_hex(&self.bytes), "{}", self.name);
        assert_eq!(writer.length(), self.bytes.len(), "{}", self.name);
        let untouched = &memory[self.bytes.len()..];
        assert!(untouched.iter().all(|&byte| byte == 0xAA), "{}", self.name);
        ends
    }

    /// Reads what was written, of which only so many bytes came.
    fn read(&self, ends: &[u64], length: usize) {
        let mut reader = DataStreamReader::new(&self.bytes[..length]);
        let written = self.operations.iter().filter(|operation| !operation.fails);
        let mut start = 0;
        for (operation, &end) in written.zip(ends) {
            let what = format!("{}: {} of {length} bytes", self.name, operation.name);
            let found = operation.read(&mut reader);
            if end > length as u64 * 8 {
                assert_eq!(found, operation.zero(), "{what}");
                assert_eq!((reader.failed_reads(), reader.bits_read()), (1, start), "{what}");
                return;
            }
            assert_eq!(found.as_deref(), operation.value(), "{what}");
            assert_eq!((reader.failed_reads(), reader.bits_read()), (0, end), "{what}");
            start = end;
        }
    }

    fn read_input(&self, input: &[u8]) {
        let mut reader = DataStreamReader::new(input);
        let mut failed = 0;
        for (index, operation) in self.operations.iter().enumerate() {
            let what = format!("{}: {index}: {}", self.name, operation.name);
            let before = reader.bits_read();
            let found = operation.read(&mut reader);
            failed += u32::from(operation.fails);
            assert_eq!(reader.failed_reads(), failed, "{what}");
            if operation.fails {
                assert_eq!((found, reader.bits_read()), (operation.zero(), before), "{what}");
            } else {
                assert_eq!(found.as_deref(), operation.value(), "{what}");
            }
        }
        assert_eq!(reader.bits_read(), self.bits, "{}", self.name);
    }
}

#[test]
fn every_case_makes_its_bytes_and_comes_back_whole_and_cut_off() {
    for case in cases().iter().filter(|case| case.input.is_none()) {
        let ends = case.write();
        for length in 0..=case.bytes.len() {
            case.read(&ends, length);
        }
    }
}

#[test]
fn every_input_is_read_as_the_table_says() {
    let mut seen = 0;
    for case in cases() {
        if let Some(input) = &case.input {
            case.read_input(input);
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} inputs");
}
