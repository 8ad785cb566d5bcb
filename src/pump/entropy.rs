//! The operating system's random source, read in blocks: tokens, WebSocket keys and masks.

use crate::error::{Error, Result, Status};

/// Bytes fetched at once.
const BLOCK_SIZE: usize = 512;

/// Unguessable bytes.
pub struct Entropy {
    block: [u8; BLOCK_SIZE],
    used: usize,
}

impl Entropy {
    /// Reads the first block, so that a machine without a random source is found out early.
    pub fn new() -> Result<Self> {
        let mut entropy = Self { block: [0; BLOCK_SIZE], used: BLOCK_SIZE };
        entropy.refill()?;
        Ok(entropy)
    }

    fn refill(&mut self) -> Result<()> {
        getrandom::fill(&mut self.block).map_err(|error| {
            let text = format!("the operating system's random source failed: {error}");
            Error::new(Status::NetworkSocketError, text)
        })?;
        self.used = 0;
        Ok(())
    }

    /// The next bytes.
    #[inline(always)]
    pub fn take<const N: usize>(&mut self) -> [u8; N] {
        if self.used + N > BLOCK_SIZE {
            self.refill_or_fail();
        }
        let mut bytes = [0; N];
        let block = &mut self.block[self.used..self.used + N];
        bytes.copy_from_slice(block);
        block.fill(0);
        self.used += N;
        bytes
    }

    #[cold]
    fn refill_or_fail(&mut self) {
        if self.refill().is_err() {
            // It worked when the driver was created; going on with used bytes would be guessable.
            panic!("the operating system's random source failed");
        }
    }
}
