//! Memory that goes round: packets under construction, and buffers for what is held.

/// Bytes of unused buffers that a pipeline keeps. Beyond, they are freed.
pub const SPARE_BYTES_MAX: usize = 128 * 1024;
/// Capacity of the smallest buffer.
const CAPACITY_MIN: usize = 64;

/// Buffers that are not in use.
#[derive(Debug, Default)]
pub struct Pool {
    spare: Vec<Vec<u8>>,
    bytes: usize,
}

impl Pool {
    /// An empty buffer with room for `size` bytes.
    #[inline]
    pub fn take(&mut self, size: usize) -> Vec<u8> {
        let mut buffer = self.spare.pop().unwrap_or_default();
        self.bytes -= buffer.capacity();
        if buffer.capacity() < size {
            grow(&mut buffer, size);
        }
        buffer
    }

    /// A buffer with a copy of `bytes`.
    #[inline]
    pub fn copy(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut buffer = self.take(bytes.len());
        buffer.extend_from_slice(bytes);
        buffer
    }

    /// Takes a buffer back.
    pub fn give(&mut self, mut buffer: Vec<u8>) {
        if self.bytes + buffer.capacity() <= SPARE_BYTES_MAX && buffer.capacity() > 0 {
            buffer.clear();
            self.bytes += buffer.capacity();
            self.spare.push(buffer);
        }
    }

    /// Bytes of unused buffers.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Few different capacities, so that a buffer fits whatever it is taken for next.
#[cold]
fn grow(buffer: &mut Vec<u8>, size: usize) {
    buffer.reserve_exact(size.max(CAPACITY_MIN).next_power_of_two());
}

/// A packet on its way out: it grows at its front.
#[derive(Debug)]
pub struct Packet {
    bytes: Vec<u8>,
    start: usize,
}

impl Packet {
    /// `header` and `payload`, with `headroom` bytes in front for headers to come.
    pub fn new(pool: &mut Pool, headroom: usize, header: &[u8], payload: &[u8]) -> Self {
        let mut bytes = pool.take(headroom + header.len() + payload.len());
        bytes.resize(headroom, 0);
        bytes.extend_from_slice(header);
        bytes.extend_from_slice(payload);
        Self { bytes, start: headroom }
    }

    /// Puts a header in front.
    pub fn prepend(&mut self, header: &[u8]) {
        debug_assert!(header.len() <= self.start, "the headroom is that of all headers");
        self.start = self.start.saturating_sub(header.len());
        self.bytes[self.start..self.start + header.len()].copy_from_slice(header);
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }

    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Gives its memory back.
    pub fn recycle(self, pool: &mut Pool) {
        pool.give(self.bytes);
    }
}
