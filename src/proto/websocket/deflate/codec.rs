//! Compressing and decompressing messages (RFC 7692 section 7.2). It must not hold more of a
//! message than its limit, nor keep a context that was agreed to be forgotten.

use std::fmt;

use bytes::Bytes;
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush, Status};

use super::super::Role;
use super::{Agreed, WINDOW_BITS_MAX, WINDOW_BITS_MIN};

mod pieces;

pub use pieces::Inflation;
use pieces::Pieces;

/// What a sync flush ends with; it is not sent (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// A block without content. A decompressor takes it without a word only where a block may begin.
const EMPTY_BLOCK: [u8; 5] = [0, 0, 0, 0xff, 0xff];
/// How much a compressor may collect: a block has 2 to the power of this and 6 symbols, less one. A
/// message of up to 4095 bytes is one block then, as with the usual 8, and becomes the same; but a
/// context is 84 KiB smaller and clears 36 KiB less for each block.
const MEMORY_LEVEL: i32 = 6;
/// With narrow windows blocks of noise cannot be stored as they are: with fewer of them it stays
/// within half a percent.
const MEMORY_LEVEL_NARROW: i32 = 7;
/// The widest of those windows.
const NARROW_BITS_MAX: u8 = 12;
/// Contexts of each kind and memory for results that wait in the pool.
const POOLED_MAX: usize = 4;
/// Bytes of the largest memory for a result that is kept.
const SCRATCH_MAX: usize = 64 * 1024;
/// The least by which memory for a result grows.
const GROWTH_MIN: usize = 512;
/// The most by which it is ahead of what has arrived.
const AHEAD_MAX: usize = 16 * 1024;
/// Bytes that are made room for at once, for each byte to decompress and at most: room has to be
/// cleared before it is written, so a few bytes must not have much of it.
const ROOM_PER_BYTE: usize = 8;
const ROOM_MAX: usize = 64 * 1024;

/// Bytes of the shortest message whose memory is used again, and of the longest.
const LONG_SIZE_MIN: usize = 256 * 1024;
const LONG_SIZE_MAX: usize = 1024 * 1024;

/// Contexts and memory that connections borrow for the time of one message.
#[derive(Default)]
pub struct Pool {
    compressors: Vec<(Key, Deflate)>,
    decompressors: Vec<Inflate>,
    scratch: Vec<Vec<u8>>,
    /// Memory of long messages that nobody needs any more.
    long: Vec<Vec<u8>>,
}

/// Level and window bits: compressors of the same are alike.
type Key = (u8, u8);

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = (self.compressors.len(), self.decompressors.len(), self.scratch.len());
        write!(f, "Pool {counts:?}")
    }
}

impl Pool {
    fn compressor(&mut self, (level, bits): Key) -> Deflate {
        take(&mut self.compressors, (level, bits)).unwrap_or_else(|| {
            let narrow = bits <= NARROW_BITS_MAX;
            Deflate::new_with_config(DeflateConfig {
                level: i32::from(level),
                // Less than zero: without a header.
                window_bits: -i32::from(bits),
                mem_level: if narrow { MEMORY_LEVEL_NARROW } else { MEMORY_LEVEL },
                ..DeflateConfig::default()
            })
        })
    }

    /// The widest window reads what was written with a narrower one and is no larger; and it alone
    /// can be reset. To build one anew costs half of what it takes to decompress a short message.
    fn decompressor(&mut self) -> Inflate {
        self.decompressors.pop().unwrap_or_else(|| Inflate::new(false, WINDOW_BITS_MAX))
    }

    /// Takes a context that has forgotten what it saw.
    fn give_compressor(&mut self, key: Key, context: Deflate) {
        give(&mut self.compressors, (key, context));
    }

    fn give_decompressor(&mut self, mut context: Inflate) {
        context.reset(false);
        give(&mut self.decompressors, context);
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
    compress: Option<Deflate>,
    decompress: Option<Inflate>,
    send_bits: u8,
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
        write!(f, "Codec {{ send_bits: {}, level: {} }}", self.send_bits, self.level)
    }
}

impl Codec {
    /// The contexts for what was agreed. `level` is 1 to 9; messages shorter than `minimum_length`
    /// stay as they are.
    #[must_use]
    pub fn new(role: Role, agreed: &Agreed, level: u8, minimum_length: usize) -> Self {
        let server = (agreed.server_bits, agreed.server_no_context);
        let client = (agreed.client_bits, agreed.client_no_context);
        let ((send_bits, send_forgets), (_, receive_forgets)) = match role {
            Role::Server => (server, client),
            Role::Client => (client, server),
        };
        Self {
            compress: None,
            decompress: None,
            send_bits: send_bits.unwrap_or(WINDOW_BITS_MAX).min(WINDOW_BITS_MAX),
            send_forgets,
            receive_forgets,
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
        // A full flush writes what a sync flush does and forgets the message: to reset the context
        // would clear its tables another time.
        let flush =
            if self.send_forgets { DeflateFlush::FullFlush } else { DeflateFlush::SyncFlush };
        let whole = deflate(&mut context, message, &mut out, flush);
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
        let context = self.decompress.get_or_insert_with(|| pool.decompressor());
        let mut more = !input.is_empty();
        while more {
            self.at_start = false;
            grow(message, input.len(), limit);
            let step = inflate(context, input, message);
            input = &input[step.taken..];
            if message.len() > limit {
                return Inflated::TooBig;
            }
            match step.status {
                // A block marked as the last one is not the last of the message (section 7.2.3.4).
                Some(Status::StreamEnd) => {
                    context.reset(false);
                    self.at_start = input.is_empty();
                    more = !input.is_empty();
                }
                Some(_) => more = step.full || (!input.is_empty() && step.moved),
                None => return Inflated::Corrupt,
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
            pool.give_decompressor(context);
        }
        outcome
    }

    /// Whether what was read so far ends where a block does.
    fn is_between_blocks(&mut self) -> bool {
        self.decompress.as_mut().is_none_or(|context| {
            let (taken, given) = (context.total_in(), context.total_out());
            let outcome = context.decompress(&EMPTY_BLOCK, &mut [0; 8], InflateFlush::SyncFlush);
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

/// How one call of the decompressor went.
struct Step {
    /// Bytes of the input that it took.
    taken: usize,
    /// It took something, or something came out.
    moved: bool,
    /// It filled its room, so there may be more.
    full: bool,
    /// `None`: the input is damaged.
    status: Option<Status>,
}

/// Decompresses behind what is there of the message, which has memory for more.
fn inflate(context: &mut Inflate, input: &[u8], message: &mut Vec<u8>) -> Step {
    let length = message.len();
    let room = input.len().saturating_mul(ROOM_PER_BYTE).clamp(GROWTH_MIN, ROOM_MAX);
    let room = room.min(message.capacity() - length);
    message.resize(length + room, 0);
    let before = (context.total_in(), context.total_out());
    let outcome = context.decompress(input, &mut message[length..], InflateFlush::SyncFlush);
    let taken = (context.total_in() - before.0) as usize;
    let given = (context.total_out() - before.1) as usize;
    message.truncate(length + given);
    Step { taken, moved: taken + given > 0, full: given == room, status: outcome.ok() }
}

/// Appends the compressed message without its tail. False when the compressor failed.
fn deflate(
    context: &mut Deflate,
    mut message: &[u8],
    out: &mut Vec<u8>,
    flush: DeflateFlush,
) -> bool {
    loop {
        let length = out.len();
        if out.capacity() - length < GROWTH_MIN {
            out.reserve((message.len() / 2).max(GROWTH_MIN));
        }
        // Memory that was used for a longer message is not cleared as a whole.
        let room = (out.capacity() - length).min(message.len() + GROWTH_MIN);
        out.resize(length + room, 0);
        let before = (context.total_in(), context.total_out());
        let outcome = context.compress(message, &mut out[length..], flush);
        message = &message[(context.total_in() - before.0) as usize..];
        let given = (context.total_out() - before.1) as usize;
        out.truncate(length + given);
        match outcome {
            Ok(Status::Ok | Status::BufError) => {}
            Ok(Status::StreamEnd) | Err(_) => return false,
        }
        // Room that is left over says that the flush is complete.
        if message.is_empty() && given < room {
            break;
        }
    }
    if !out.ends_with(&TAIL) {
        return false;
    }
    out.truncate(out.len() - TAIL.len());
    true
}
