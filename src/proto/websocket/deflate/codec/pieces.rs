//! Compressing and decompressing a message piece by piece, for those that are never held as a
//! whole. It must not hold more than one piece of what comes out.

use bytes::{Buf, Bytes};
use zlib_rs::{DeflateFlush, Status};

use super::{Codec, Pool, TAIL, deflate, grow, inflate};

/// What a codec remembers between two pieces of a message.
#[derive(Default)]
pub(super) struct Pieces {
    /// The last piece that was sent lacks the end of its flush, which belongs in front of the next.
    owes_tail: bool,
    /// Received and not decompressed yet.
    pending: Bytes,
    /// `pending` is memory of its own.
    parked: bool,
    /// More may come out without anything going in.
    more: bool,
    /// The end that the sender left away was given to the decompressor.
    ended: bool,
}

/// How decompressing a piece went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inflation {
    /// Everything that was there is out.
    Whole,
    /// The piece is full; ask again.
    More,
    /// The bytes are not in the DEFLATE format.
    Corrupt,
}

impl Codec {
    /// Compresses the next piece of a message, so that the peer can read all of it. `None` when
    /// the compressor fails. The memory is the pool's.
    pub(in super::super::super) fn compress_piece(
        &mut self,
        piece: &[u8],
        pool: &mut Pool,
    ) -> Option<Vec<u8>> {
        let mut out = pool.scratch();
        if self.pieces.owes_tail {
            out.extend_from_slice(&TAIL);
        }
        let key = (self.level, self.send_bits);
        let mut context = self.compress.take().unwrap_or_else(|| pool.compressor(key));
        if !deflate(&mut context, piece, &mut out, DeflateFlush::SyncFlush) {
            pool.give_scratch(out);
            return None;
        }
        self.compress = Some(context);
        self.pieces.owes_tail = true;
        Some(out)
    }

    /// The message ends with the last piece.
    pub(in super::super::super) fn finish_pieces(&mut self, pool: &mut Pool) {
        self.pieces.owes_tail = false;
        if self.send_forgets
            && let Some(mut context) = self.compress.take()
        {
            context.reset();
            pool.give_compressor((self.level, self.send_bits), context);
        }
    }

    /// Does something wait to be decompressed, or to come out?
    pub(in super::super::super) fn has_more(&self) -> bool {
        self.pieces.more || !self.pieces.pending.is_empty()
    }

    /// Bytes that wait to be decompressed.
    pub(in super::super::super) const fn pending_size(&self) -> usize {
        self.pieces.pending.len()
    }

    /// Takes received bytes; [`has_more`](Self::has_more) was false.
    pub(in super::super::super) fn feed(&mut self, input: Bytes) {
        self.pieces.pending = input;
        self.pieces.parked = false;
    }

    /// Moves what waits out of the shared read buffer.
    pub(in super::super::super) fn park(&mut self) {
        if !self.pieces.parked && !self.pieces.pending.is_empty() {
            self.pieces.pending = Bytes::copy_from_slice(&self.pieces.pending);
            self.pieces.parked = true;
        }
    }

    /// Decompresses what waits, until `piece` holds `limit` bytes. `ends`: the message ends with
    /// what waits.
    pub(in super::super::super) fn inflate_piece(
        &mut self,
        piece: &mut Vec<u8>,
        limit: usize,
        ends: bool,
        pool: &mut Pool,
    ) -> Inflation {
        loop {
            if !self.has_more() {
                if !ends {
                    return Inflation::Whole;
                }
                if self.pieces.ended || self.at_start {
                    if !self.at_start && !self.is_between_blocks() {
                        return Inflation::Corrupt;
                    }
                    self.end_received(pool);
                    return Inflation::Whole;
                }
                self.pieces.ended = true;
                self.pieces.pending = Bytes::from_static(&TAIL);
            }
            if piece.len() >= limit {
                return Inflation::More;
            }
            if !self.inflate_some(piece, limit, pool) {
                return Inflation::Corrupt;
            }
        }
    }

    /// One call of the decompressor. False when the input is damaged.
    fn inflate_some(&mut self, piece: &mut Vec<u8>, limit: usize, pool: &mut Pool) -> bool {
        let context = self.decompress.get_or_insert_with(|| pool.decompressor());
        let pending = &mut self.pieces.pending;
        self.at_start = false;
        grow(piece, pending.len(), limit - 1);
        let step = inflate(context, pending, piece);
        pending.advance(step.taken);
        match step.status {
            // A block marked as the last one is not the last of the message (section 7.2.3.4).
            Some(Status::StreamEnd) => {
                context.reset(false);
                self.at_start = pending.is_empty();
                self.pieces.more = false;
                true
            }
            Some(_) => {
                self.pieces.more = step.full;
                step.moved || step.full || pending.is_empty()
            }
            None => false,
        }
    }

    /// The message that came in is over.
    fn end_received(&mut self, pool: &mut Pool) {
        self.pieces.ended = false;
        self.at_start = true;
        self.reading = false;
        if self.receive_forgets
            && let Some(context) = self.decompress.take()
        {
            pool.give_decompressor(context);
        }
    }

    /// Nothing more is read.
    pub(super) fn forget_pieces(&mut self) {
        let owes_tail = self.pieces.owes_tail;
        self.pieces = Pieces { owes_tail, ..Pieces::default() };
    }
}
