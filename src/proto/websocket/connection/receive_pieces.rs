//! Messages that are handed out as they come, without being put together: each event holds what
//! lay in one piece of the input. It must not keep more than a piece.

use bytes::Bytes;

use super::super::deflate::{Inflation, Pool};
use super::receive::{BAD_PAYLOAD, Violation, text_after};
use super::{Event, Kind, Stage, WebSocket};

/// Bytes of the largest piece that comes out of a compressed message.
const INFLATED_PIECE_MAX: usize = 64 * 1024;

impl WebSocket {
    /// Are messages longer than `assembly_max` handed out in pieces?
    pub(super) fn hands_out_pieces(&self) -> bool {
        self.config.assembly_max < u32::MAX
    }

    /// Does a piece wait that needs no more input?
    pub(super) fn holds_piece(&self) -> bool {
        self.codec.as_ref().is_some_and(|codec| codec.has_more())
    }

    /// Takes what is there of the message: a piece, or nothing while it is short enough to be put
    /// together.
    pub(super) fn take_piece(&mut self, pool: &mut Pool) -> Result<Option<Event>, Violation> {
        let text = self.message == Some(Kind::Text);
        let size = self.available();
        let assembly_max = self.config.assembly_max as usize;
        let compressed = self.reads_compressed();
        let as_it_lies =
            !compressed && self.assembly.is_empty() && (self.streaming || size > assembly_max);
        let mut drained = true;
        let mut data = Bytes::new();
        if as_it_lies {
            data = self.take_payload(size).freeze();
            if text {
                self.tail = text_after(self.tail, &data)?;
            }
        } else {
            let start = self.assembly.len();
            if compressed {
                drained = self.inflate_piece(size, pool)?;
            } else {
                self.assemble(size);
            }
            if text {
                self.tail = text_after(self.tail, &self.assembly[start..])?;
            }
        }
        let frame_ends = drained && self.header.payload_length == 0;
        if frame_ends {
            self.stage = Stage::Header;
        }
        let last = frame_ends && self.header.fin();
        if last && !self.tail.is_whole() {
            return Err((BAD_PAYLOAD, "the text is not UTF-8"));
        }
        if !as_it_lies {
            if !last && !self.streaming && self.assembly.len() <= assembly_max {
                return Ok(None);
            }
            let mut piece = std::mem::take(&mut self.assembly);
            piece.shrink_to_fit();
            data = Bytes::from(piece);
        }
        Ok(self.hand_out(data, text, last))
    }

    /// The event of a piece; a message in one piece is whole, if it is not too long for that.
    fn hand_out(&mut self, data: Bytes, text: bool, last: bool) -> Option<Event> {
        let first = !std::mem::replace(&mut self.streaming, !last);
        if last {
            self.message = None;
            if first && data.len() <= self.config.message_size_max as usize {
                return Some(Event::Message { data, text });
            }
        } else if data.is_empty() {
            return None;
        }
        Some(Event::Fragment { data, text, first, last })
    }

    /// Decompresses behind the assembly. False when more waits to come out.
    fn inflate_piece(&mut self, size: usize, pool: &mut Pool) -> Result<bool, Violation> {
        let input = if self.holds_piece() { None } else { Some(self.take_payload(size).freeze()) };
        let ends = self.header.fin() && self.header.payload_length == 0;
        let limit = self.assembly.len() + INFLATED_PIECE_MAX;
        let Some(codec) = &mut self.codec else {
            return Ok(true);
        };
        if let Some(input) = input {
            codec.feed(input);
        }
        match codec.inflate_piece(&mut self.assembly, limit, ends, pool) {
            Inflation::Whole => Ok(true),
            Inflation::More => Ok(false),
            Inflation::Corrupt => Err((BAD_PAYLOAD, "the compressed message is damaged")),
        }
    }
}
