//! A message that is sent piece by piece: each piece is a frame (or several), and only the last
//! one, which is empty, has FIN. The length need not be known when it begins.

use super::super::deflate::Pool;
use super::super::frame::Opcode;
use super::super::utf8::Utf8Tail;
use super::send::Start;
use super::{COMPRESSED, Kind, WebSocket};

/// The message that is being sent in pieces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing {
    kind: Kind,
    /// Its first frame was written.
    begun: bool,
    compressed: bool,
    /// Where its text stands.
    tail: Utf8Tail,
}

/// Why a piece is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceError {
    /// No message was begun.
    NotBegun,
    /// The text would not be UTF-8. The message stays as it was.
    Text,
    /// The compressor failed: the message cannot go on.
    Compressor,
}

impl WebSocket {
    /// Is a message being sent in pieces? Others must wait.
    #[must_use]
    pub const fn is_sending(&self) -> bool {
        self.outgoing.is_some()
    }

    /// Begins a message whose pieces follow. Nothing is written yet. False when one is begun
    /// already.
    pub fn begin_message(&mut self, kind: Kind) -> bool {
        if self.outgoing.is_some() {
            return false;
        }
        let tail = Utf8Tail::default();
        // How long it gets is not known: it is compressed whenever this side can.
        let compressed = self.codec.as_ref().is_some_and(|codec| codec.can_compress());
        self.outgoing = Some(Outgoing { kind, begun: false, compressed, tail });
        true
    }

    /// Appends the next piece of the message that was begun; an empty one is none.
    ///
    /// # Errors
    /// [`PieceError`]; nothing was written.
    pub fn append_piece(
        &mut self,
        out: &mut Vec<u8>,
        piece: &[u8],
        mask: &mut dyn FnMut() -> [u8; 4],
        pool: &mut Pool,
    ) -> Result<(), PieceError> {
        let Some(mut outgoing) = self.outgoing else {
            return Err(PieceError::NotBegun);
        };
        if piece.is_empty() {
            return Ok(());
        }
        if outgoing.kind == Kind::Text {
            outgoing.tail = outgoing.tail.after(piece).map_err(|_| PieceError::Text)?;
        }
        let start = outgoing.start();
        match self.codec.as_mut().filter(|_| outgoing.compressed) {
            Some(codec) => {
                let packed = codec.compress_piece(piece, pool).ok_or(PieceError::Compressor)?;
                self.write_frames(out, start, &packed, false, mask);
                pool.give_scratch(packed);
            }
            None => self.write_frames(out, start, piece, false, mask),
        }
        outgoing.begun = true;
        self.outgoing = Some(outgoing);
        Ok(())
    }

    /// Ends the message that was begun.
    ///
    /// # Errors
    /// [`PieceError::NotBegun`]; [`PieceError::Text`] inside a character.
    pub fn finish_message(
        &mut self,
        out: &mut Vec<u8>,
        mask: &mut dyn FnMut() -> [u8; 4],
        pool: &mut Pool,
    ) -> Result<(), PieceError> {
        let Some(mut outgoing) = self.outgoing else {
            return Err(PieceError::NotBegun);
        };
        if !outgoing.tail.is_whole() {
            return Err(PieceError::Text);
        }
        // An empty message is never compressed.
        outgoing.compressed &= outgoing.begun;
        if let Some(codec) = self.codec.as_mut().filter(|_| outgoing.compressed) {
            codec.finish_pieces(pool);
        }
        self.write_frames(out, outgoing.start(), &[], true, mask);
        self.outgoing = None;
        Ok(())
    }
}

impl Outgoing {
    /// What the next frame begins with.
    const fn start(&self) -> Start {
        if self.begun {
            return Start::LATER;
        }
        let opcode: Opcode = self.kind.opcode();
        Start { opcode, rsv: if self.compressed { COMPRESSED } else { 0 } }
    }
}
