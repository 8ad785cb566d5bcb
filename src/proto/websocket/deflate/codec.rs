//! Compressing and decompressing messages (RFC 7692 section 7.2). It must not hold more of a
//! message than its limit, nor keep a context that was agreed to be forgotten.

use std::fmt;

use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::super::Role;
use super::{Agreed, WINDOW_BITS_MAX, WINDOW_BITS_MIN};

mod pieces;

pub use pieces::Inflation;
use pieces::Pieces;

/// What a sync flush ends with; it is not sent (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// A block without content. A decompressor takes it without a word only where a block may begin.
const EMPTY_BLOCK: [u8; 5] = [0, 0, 0, 0xff, 0xff];
/// Contexts of each kind and memory for results that wait in the pool.
const POOLED_MAX: usize = 4;
/// Bytes of the largest memory for a result that is kept.
const SCRATCH_MAX: usize = 64 * 1024;
/// The least by which memory for a result grows.
const GROWTH_MIN: usize = 512;
/// The most by which it is ahead of what has arrived.
const AHEAD_MAX: usize = 16 * 1024;

/// Bytes of the shortest message whose memory is used again, and of the longest.
const LONG_SIZE_MIN: usize = 256 * 1024;
const LONG_SIZE_MAX: usize = 1024 * 1024;

/// Contexts and memory that connections borrow for the time of one message.
#[derive(Default)]
pub struct Pool {
    compressors: Vec<(Key, Compress)>,
    decompressors: Vec<(Key, Decompress)>,
    scratch: Vec<Vec<u8>>,
    /// Memory of long messages that nobody needs any more.
    long: Vec<Vec<u8>>,
}

/// Level (0 to decompress) and window bits: contexts of the same are alike.
type Key = (u8, u8);

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = (self.compressors.len(), self.decompressors.len(), self.scratch.len());
        write!(f, "Pool {counts:?}")
    }
}

impl Pool {
    fn compressor(&mut self, (level, bits): Key) -> Compress {
        take(&mut self.compressors, (level, bits)).unwrap_or_else(|| {
            Compress::new_with_window_bits(Compression::new(u32::from(level)), false, bits)
        })
    }

    fn decompressor(&mut self, bits: u8) -> Decompress {
        take(&mut self.decompressors, (0, bits))
            .unwrap_or_else(|| Decompress::new_with_window_bits(false, bits))
    }

    fn give_compressor(&mut self, key: Key, mut context: Compress) {
        context.reset();
        give(&mut self.compressors, (key, context));
    }

    fn give_decompressor(&mut self, bits: u8, mut context: Decompress) {
        context.reset(false);
        give(&mut self.decompressors, ((0, bits), context));
    }

    /// Windows of the contexts that are kept, the one that would go next first.
    #[cfg(test)]
    pub(super) fn compressor_bits(&self) -> Vec<u8> {
        self.compressors.iter().map(|((_, bits), _)| *bits).collect()
    }

    fn scratch(&mut self) -> Vec<u8> {
        self.scratch.pop().unwrap_or_default()
    }

    /// Memory for a message of this length: the largest there is that is no larger. None of it was
    /// given for nothing: its owner before has received that much.
    pub(in super::super) fn long_message(&mut self, length: u64) -> Vec<u8> {
        let fits = self.long.iter().map(Vec::capacity).enumerate();
        let fits = fits.filter(|(_, capacity)| *capacity as u64 <= length);
        let best = fits.max_by_key(|(_, capacity)| *capacity);
        best.map_or_else(Vec::new, |(at, _)| self.long.swap_remove(at))
    }

    /// Takes the memory of a message that the program has seen, if it is worth it and nobody else
    /// holds it.
    #[inline]
    pub fn give_message(&mut self, message: Bytes) {
        if (LONG_SIZE_MIN..=LONG_SIZE_MAX).contains(&message.len()) && message.is_unique() {
            let mut memory = Vec::from(message);
            memory.clear();
            if memory.capacity() <= LONG_SIZE_MAX {
                give(&mut self.long, memory);
            }
        }
    }

    /// Takes the memory of a compressed message back.
    pub(in super::super) fn give_scratch(&mut self, mut memory: Vec<u8>) {
        memory.clear();
        if memory.capacity() <= SCRATCH_MAX {
            give(&mut self.scratch, memory);
        }
    }
}

fn take<T>(shelf: &mut Vec<(Key, T)>, key: Key) -> Option<T> {
    let at = shelf.iter().position(|(found, _)| *found == key)?;
    Some(shelf.remove(at).1)
}

/// Puts a thing on a shelf; the one that lay there longest makes room for it, so that contexts
/// nobody asks for any more do not fill it for ever.
fn give<T>(shelf: &mut Vec<T>, thing: T) {
    if shelf.len() >= POOLED_MAX {
        shelf.remove(0);
    }
    shelf.push(thing);
}

/// How decompressing some bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inflated {
    /// Everything was taken.
    Done,
    /// The message is longer than its limit.
    TooBig,
    /// The bytes are not in the DEFLATE format.
    Corrupt,
}

/// The contexts of one connection. It holds none until the first compressed message; with
/// no_context_takeover, none after each message.
pub struct Codec {
    compress: Option<Compress>,
    decompress: Option<Decompress>,
    send_bits: u8,
    receive_bits: u8,
    level: u8,
    minimum_length: usize,
    /// Our context is forgotten after each message.
    send_forgets: bool,
    /// The peer's is.
    receive_forgets: bool,
    /// The decompressor stands between two blocks that have nothing to do with each other.
    at_start: bool,
    /// The message that is coming in is compressed.
    pub(in super::super) reading: bool,
    pieces: Pieces,
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Codec {{ send_bits: {}, receive_bits: {} }}", self.send_bits, self.receive_bits)
    }
}

impl Codec {
    /// The contexts for what was agreed. `level` is 1 to 9; messages shorter than `minimum_length`
    /// stay as they are.
    #[must_use]
    pub fn new(role: Role, agreed: &Agreed, level: u8, minimum_length: usize) -> Self {
        let server = (agreed.server_bits, agreed.server_no_context);
        let client = (agreed.client_bits, agreed.client_no_context);
        let (send, receive) = match role {
            Role::Server => (server, client),
            Role::Client => (client, server),
        };
        let window = |bits: Option<u8>| bits.unwrap_or(WINDOW_BITS_MAX).min(WINDOW_BITS_MAX);
        Self {
            compress: None,
            decompress: None,
            send_bits: window(send.0),
            // A wider window reads what was written with a narrow one.
            receive_bits: window(receive.0).max(WINDOW_BITS_MIN),
            send_forgets: send.1,
            receive_forgets: receive.1,
            level,
            minimum_length,
            at_start: true,
            reading: false,
            pieces: Pieces::default(),
        }
    }

    /// Whether a message of this length is worth it.
    #[must_use]
    pub fn is_worth(&self, length: usize) -> bool {
        self.least_worth().is_some_and(|least| length >= least)
    }

    /// Messages of so many bytes and more are worth it; `None`: none is.
    #[must_use]
    pub fn least_worth(&self) -> Option<usize> {
        self.can_compress().then_some(self.minimum_length.max(1))
    }

    /// Whether this side has a compressor for the window that was agreed on.
    #[must_use]
    pub const fn can_compress(&self) -> bool {
        self.send_bits >= WINDOW_BITS_MIN
    }

    /// The window, when the result depends on nothing else of this connection: connections of the
    /// same window can share it.
    #[must_use]
    pub const fn shared_window(&self) -> Option<u8> {
        if self.send_forgets { Some(self.send_bits) } else { None }
    }

    /// Compresses a message. `None` when the compressor fails: then the message is sent as it is.
    /// The memory is the pool's.
    pub(in super::super) fn compress(
        &mut self,
        message: &[u8],
        pool: &mut Pool,
    ) -> Option<Vec<u8>> {
        let mut out = pool.scratch();
        let key = (self.level, self.send_bits);
        let mut context = self.compress.take().unwrap_or_else(|| pool.compressor(key));
        let whole = deflate(&mut context, message, &mut out);
        if !self.send_forgets {
            self.compress = whole.then_some(context);
        } else if whole {
            pool.give_compressor(key, context);
        }
        if whole {
            return Some(out);
        }
        pool.give_scratch(out);
        None
    }

    /// Decompresses bytes of a message behind what is there of it. At most `limit` + 1 bytes are
    /// ever held.
    pub(in super::super) fn decompress(
        &mut self,
        mut input: &[u8],
        message: &mut Vec<u8>,
        limit: usize,
        pool: &mut Pool,
    ) -> Inflated {
        let bits = self.receive_bits;
        let context = self.decompress.get_or_insert_with(|| pool.decompressor(bits));
        let mut more = !input.is_empty();
        while more {
            self.at_start = false;
            grow(message, input.len(), limit);
            let (taken, length) = (context.total_in(), message.len());
            let outcome = context.decompress_vec(input, message, FlushDecompress::Sync);
            let taken = (context.total_in() - taken) as usize;
            input = &input[taken..];
            if message.len() > limit {
                return Inflated::TooBig;
            }
            let full = message.len() == message.capacity();
            match outcome {
                // A block marked as the last one is not the last of the message (section 7.2.3.4).
                Ok(Status::StreamEnd) => {
                    context.reset(false);
                    self.at_start = input.is_empty();
                    more = !input.is_empty();
                }
                Ok(_) => more = full || (!input.is_empty() && taken + message.len() > length),
                Err(_) => return Inflated::Corrupt,
            }
        }
        if input.is_empty() { Inflated::Done } else { Inflated::Corrupt }
    }

    /// Ends a message: brings out what the missing tail holds back, looks whether the message was
    /// cut short, and forgets the context when that was agreed.
    pub(in super::super) fn finish(
        &mut self,
        message: &mut Vec<u8>,
        limit: usize,
        pool: &mut Pool,
    ) -> Inflated {
        let mut outcome = Inflated::Done;
        if !self.at_start {
            outcome = self.decompress(&TAIL, message, limit, pool);
        }
        if outcome == Inflated::Done && !self.at_start && !self.is_between_blocks() {
            outcome = Inflated::Corrupt;
        }
        self.at_start = true;
        self.reading = false;
        if outcome == Inflated::Done
            && self.receive_forgets
            && let Some(context) = self.decompress.take()
        {
            pool.give_decompressor(self.receive_bits, context);
        }
        outcome
    }

    /// Whether what was read so far ends where a block does.
    fn is_between_blocks(&mut self) -> bool {
        self.decompress.as_mut().is_none_or(|context| {
            let (taken, given) = (context.total_in(), context.total_out());
            let outcome = context.decompress(&EMPTY_BLOCK, &mut [0; 8], FlushDecompress::Sync);
            matches!(outcome, Ok(Status::Ok | Status::BufError))
                && context.total_in() - taken == EMPTY_BLOCK.len() as u64
                && context.total_out() == given
        })
    }

    /// Nothing more is read.
    pub(in super::super) fn forget_received(&mut self) {
        self.decompress = None;
        self.reading = false;
        self.forget_pieces();
    }

    /// Contexts that are held now: our and the peer's.
    #[cfg(test)]
    pub(in super::super) const fn held(&self) -> (bool, bool) {
        (self.compress.is_some(), self.decompress.is_some())
    }
}

/// Room for what `input` bytes may become: ahead of what is there by no more than that or a little.
fn grow(message: &mut Vec<u8>, input: usize, limit: usize) {
    let length = message.len();
    if length < message.capacity() {
        return;
    }
    let wanted = input.saturating_mul(4).min(AHEAD_MAX).max(length).max(GROWTH_MIN);
    message.reserve_exact(wanted.min((limit + 1).saturating_sub(length)).max(1));
}

/// Appends the compressed message without its tail. False when the compressor failed.
fn deflate(context: &mut Compress, mut message: &[u8], out: &mut Vec<u8>) -> bool {
    loop {
        if out.capacity() - out.len() < GROWTH_MIN {
            out.reserve((message.len() / 2).max(GROWTH_MIN));
        }
        let before = context.total_in();
        let Ok(status) = context.compress_vec(message, out, FlushCompress::Sync) else {
            return false;
        };
        message = &message[(context.total_in() - before) as usize..];
        // Room that is left over says that the flush is complete.
        if message.is_empty() && out.len() < out.capacity() {
            break;
        }
        if status == Status::StreamEnd {
            return false;
        }
    }
    if !out.ends_with(&TAIL) {
        return false;
    }
    out.truncate(out.len() - TAIL.len());
    true
}
