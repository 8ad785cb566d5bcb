//! Payloads of datagrams on their way into the event queue. A batch of small messages shares one
//! piece of the read buffer: what is copied there one behind the other costs one handle for all,
//! and no large buffer is held for a few bytes of the batch that it was received in.
//!
//! Until the piece is split off, its events must not be looked into and nothing else may use the
//! read buffer; so whoever drops events, or needs the buffer, ends the piece first.

use std::hint::cold_path;

use bytes::Bytes;

use super::NetworkDriver;
use super::connections::Entry;
use super::events::{Batch, EventQueue};
use super::types::Event;
use crate::pump::{READ_WINDOW, ReadBuffer};

/// A piece on its way.
pub(super) struct Piece {
    batch: Batch,
    /// Bytes in it.
    used: usize,
}

/// The piece that datagrams of one batch are copied into; none between batches.
#[derive(Default)]
pub(super) struct Arrivals(Option<Piece>);

impl Arrivals {
    /// Raises an event, which comes without its payload. False: no batch is being received, or the
    /// payload is too long to share a piece.
    #[inline(always)]
    pub fn raise(
        &mut self,
        events: &mut EventQueue,
        buffer: &mut ReadBuffer,
        entry: &mut Entry,
        event: Event,
        payload: &[u8],
    ) -> bool {
        let Some(piece) = &mut self.0 else {
            cold_path();
            return false;
        };
        let mut range = piece.used..piece.used + payload.len();
        match buffer.room_at(range.clone()) {
            Some(room) => room.copy_from_slice(payload),
            None if payload.len() > READ_WINDOW => {
                cold_path();
                return false;
            }
            None => {
                cold_path();
                piece.renew(events, buffer);
                range = 0..payload.len();
                buffer.window()[range.clone()].copy_from_slice(payload);
            }
        }
        piece.used = range.end;
        let Entry { waiting, accepted, .. } = entry;
        events.push_part(&mut piece.batch, waiting, event, range, *accepted);
        true
    }
}

impl Piece {
    /// Ends the piece, and begins another one where the buffer has room.
    #[cold]
    #[inline(never)]
    fn renew(&mut self, events: &mut EventQueue, buffer: &mut ReadBuffer) {
        let ended = std::mem::replace(self, Self { batch: events.begin_batch(), used: 0 });
        ended.end(events, buffer);
    }

    fn end(self, events: &mut EventQueue, buffer: &mut ReadBuffer) {
        let memory = if self.used > 0 { buffer.take(self.used).freeze() } else { Bytes::new() };
        events.end_batch(self.batch, memory);
    }
}

impl NetworkDriver {
    /// A batch of datagrams comes in.
    pub(super) fn begin_arrivals(&mut self) {
        debug_assert!(self.arrivals.0.is_none(), "one batch comes in at a time");
        self.arrivals.0 = Some(Piece { batch: self.events.begin_batch(), used: 0 });
    }

    /// It is over.
    pub(super) fn end_arrivals(&mut self) {
        if let Some(piece) = self.arrivals.0.take() {
            piece.end(&mut self.events, &mut self.pump.buffer);
        }
    }

    /// Copies a message that goes into the queue by itself.
    pub(super) fn copy_arrived(&mut self, message: &[u8]) -> Bytes {
        self.show_arrivals();
        self.pump.buffer.copy(message)
    }

    /// Events may be looked into from here on, though more of the batch comes.
    pub(super) fn show_arrivals(&mut self) {
        if let Some(piece) = &mut self.arrivals.0 {
            piece.renew(&mut self.events, &mut self.pump.buffer);
        }
    }
}
