//! The table that packs numbers: which bucket a number is in, the bucket's code, and how many bits
//! say where in the bucket it is. Nothing here reads or writes memory.

/// Buckets of a model.
const BUCKETS: usize = 16;
/// Bits of the longest code.
const CODE_BITS_MAX: u32 = 6;

/// One run of numbers that share a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bucket {
    /// Bits of the code.
    code_bits: u32,
    /// The code; its lowest bit is on the wire first.
    code: u32,
    /// Bits behind the code.
    extra_bits: u32,
    /// The smallest number of the bucket.
    first: u32,
}

const fn bucket(code_bits: u32, code: u32, extra_bits: u32, first: u32) -> Bucket {
    Bucket { code_bits, code, extra_bits, first }
}

/// How numbers are packed: short codes for small ones. Both sides must use the same model; there
/// is one, Unity's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamCompressionModel {
    buckets: [Bucket; BUCKETS],
    /// The bucket whose code the next bits begin with.
    decode: [u8; 1 << CODE_BITS_MAX],
}

impl StreamCompressionModel {
    /// The model of Unity's `StreamCompressionModel.Default`.
    pub const DEFAULT: Self = Self::new([
        bucket(2, 0, 0, 0),
        bucket(3, 2, 0, 1),
        bucket(3, 6, 1, 2),
        bucket(3, 1, 2, 4),
        bucket(4, 5, 3, 8),
        bucket(4, 13, 4, 16),
        bucket(4, 3, 6, 32),
        bucket(5, 11, 8, 96),
        bucket(5, 27, 10, 352),
        bucket(5, 7, 12, 1376),
        bucket(6, 23, 15, 5472),
        bucket(6, 55, 18, 38240),
        bucket(6, 15, 21, 300_384),
        bucket(6, 47, 24, 2_397_536),
        bucket(6, 31, 27, 19_174_752),
        bucket(6, 63, 32, 153_392_480),
    ]);

    const fn new(buckets: [Bucket; BUCKETS]) -> Self {
        let mut decode = [0; 1 << CODE_BITS_MAX];
        let mut bits = 0;
        while bits < decode.len() {
            let mut index = 0;
            while index < BUCKETS {
                let mask = (1 << buckets[index].code_bits) - 1;
                if bits as u32 & mask == buckets[index].code {
                    decode[bits] = index as u8;
                }
                index += 1;
            }
            bits += 1;
        }
        Self { buckets, decode }
    }

    /// The bits of a packed number, the first one lowest, and how many they are (at most 38).
    pub(super) fn encode(&self, value: u32) -> (u64, u32) {
        // The first bucket begins at 0, so there is one.
        let index = self.buckets.partition_point(|bucket| bucket.first <= value) - 1;
        let bucket = &self.buckets[index];
        let extra = u64::from(value - bucket.first);
        let bits = u64::from(bucket.code) | extra << bucket.code_bits;
        (bits, bucket.code_bits + bucket.extra_bits)
    }

    /// The number that bits begin with, and how many of them it takes. Any 38 bits are a number.
    pub(super) fn decode(&self, bits: u64) -> (u32, u32) {
        let index = self.decode[(bits & ((1 << CODE_BITS_MAX) - 1)) as usize];
        let bucket = &self.buckets[usize::from(index)];
        let extra = bits >> bucket.code_bits & ((1 << bucket.extra_bits) - 1);
        (bucket.first.wrapping_add(extra as u32), bucket.code_bits + bucket.extra_bits)
    }
}

impl Default for StreamCompressionModel {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_a_complete_prefix_code() {
        let model = StreamCompressionModel::DEFAULT;
        let room: u32 =
            model.buckets.iter().map(|bucket| 1 << (CODE_BITS_MAX - bucket.code_bits)).sum();
        assert_eq!(room, 1 << CODE_BITS_MAX, "every sequence of bits begins with a code");
        for bits in 0..1u32 << CODE_BITS_MAX {
            let begins = |bucket: &&Bucket| bits & ((1 << bucket.code_bits) - 1) == bucket.code;
            assert_eq!(model.buckets.iter().filter(begins).count(), 1, "{bits:06b}");
        }
    }

    #[test]
    fn each_bucket_ends_where_the_next_begins() {
        let model = StreamCompressionModel::DEFAULT;
        for pair in model.buckets.windows(2) {
            assert_eq!(pair[0].first + (1 << pair[0].extra_bits), pair[1].first, "{pair:?}");
        }
        assert_eq!(model.buckets[0].first, 0);
        assert_eq!(model.buckets[BUCKETS - 1].extra_bits, 32, "the last one holds all the rest");
    }

    #[test]
    fn numbers_around_every_edge_come_back() {
        let model = StreamCompressionModel::default();
        let edges = model.buckets.iter().map(|bucket| bucket.first).chain([u32::MAX]);
        for value in edges.flat_map(|edge| [edge.saturating_sub(1), edge]) {
            let (bits, count) = model.encode(value);
            assert!(count <= 38 && bits >> count == 0, "{value}");
            assert_eq!(model.decode(bits), (value, count));
            assert_eq!(model.decode(bits | u64::MAX << count), (value, count), "what follows");
        }
    }
}
