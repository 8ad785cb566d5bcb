//! The short way of receiving, for what nearly all input is: messages that lie whole in it, in one
//! frame, and break no rule. It decides nothing else: what it leaves is for `receive`.

use std::mem::take;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::super::frame::{Opcode, apply_mask};
use super::{Role, Stage, WebSocket};
use crate::proto::time::Micros;

/// A message in one frame that lies whole in the input: where its payload is.
struct WholeFrame {
    text: bool,
    mask: Option<[u8; 4]>,
    start: usize,
    end: usize,
}

/// The frame at the start of the input, if it is a whole message of the peer of this role and no
/// rule can be broken by its header. Longer ones than 65535 bytes hardly ever lie whole in a read.
fn whole_frame(input: &[u8], role: Role) -> Option<WholeFrame> {
    const FIN_TEXT: u8 = 0x80 | Opcode::Text as u8;
    const FIN_BINARY: u8 = 0x80 | Opcode::Binary as u8;
    let (&[first, second], rest) = input.split_first_chunk::<2>()?;
    let text = match first {
        FIN_TEXT => true,
        FIN_BINARY => false,
        _ => return None,
    };
    let (length, rest) = match second & 0x7f {
        127 => return None,
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            let length = usize::from(u16::from_be_bytes(*length));
            (length, if length < 126 { return None } else { rest })
        }
        short => (usize::from(short), rest),
    };
    let (mask, rest) = match (role, second & 0x80 != 0) {
        (Role::Server, true) => {
            let (key, rest) = rest.split_first_chunk()?;
            (Some(*key), rest)
        }
        (Role::Client, false) => (None, rest),
        _ => return None,
    };
    let start = input.len() - rest.len();
    (length <= rest.len()).then_some(WholeFrame { text, mask, start, end: start + length })
}

impl WebSocket {
    /// Nothing of a message is there: the next bytes begin one.
    #[must_use]
    pub fn awaits_message(&self) -> bool {
        self.input.is_empty() && self.is_between_messages()
    }

    fn is_between_messages(&self) -> bool {
        self.stage == Stage::Header
            && self.message.is_none()
            && !self.streaming
            && self.assembly.is_empty()
            && self.chain.is_none()
            && self.reads()
    }

    /// The short way of [`poll_event`](Self::poll_event): takes the messages that lie whole at the
    /// start of the input, in one frame each and not compressed. Gives `give` where each lies, and
    /// whether it is text, until that says that no more is wanted; returns what they lie in. What
    /// is left is for the long way.
    pub fn take_whole_messages(
        &mut self,
        mut give: impl FnMut(Range<usize>, bool) -> bool,
    ) -> Option<Bytes> {
        if !self.is_between_messages() {
            return None;
        }
        let mut input = take(&mut self.input);
        let taken = self.take_from(&mut input, &mut give);
        self.input = input;
        self.parked &= taken.is_none();
        taken
    }

    /// The same for bytes that have just been read, in place of
    /// [`handle_bytes`](Self::handle_bytes), while a [message is awaited](Self::awaits_message).
    /// What is left of them is kept for the long way.
    #[inline]
    pub fn take_read_messages(
        &mut self,
        now: Micros,
        mut input: BytesMut,
        mut give: impl FnMut(Range<usize>, bool) -> bool,
    ) -> Option<Bytes> {
        debug_assert!(self.awaits_message(), "what was left over comes first");
        self.received_at = now;
        self.awaiting = false;
        self.parked = false;
        let taken = self.take_from(&mut input, &mut give);
        if !input.is_empty() {
            self.handle_bytes(now, input);
        }
        taken
    }

    /// Takes the whole messages at the start of the input.
    #[inline(always)]
    fn take_from(
        &self,
        input: &mut BytesMut,
        give: &mut impl FnMut(Range<usize>, bool) -> bool,
    ) -> Option<Bytes> {
        let (size_max, text) = (self.config.message_size_max as usize, self.config.text);
        let mut end = 0;
        while let Some(frame) = whole_frame(&input[end..], self.role)
            && frame.end - frame.start <= size_max
            && (text || !frame.text)
        {
            let range = end + frame.start..end + frame.end;
            let payload = &mut input[range.clone()];
            if let Some(key) = frame.mask {
                apply_mask(payload, key, 0);
            }
            if frame.text && std::str::from_utf8(payload).is_err() {
                if let Some(key) = frame.mask {
                    apply_mask(payload, key, 0);
                }
                break;
            }
            end = range.end;
            if !give(range, frame.text) {
                break;
            }
        }
        if end == 0 {
            return None;
        }
        let taken = if end == input.len() { take(input) } else { input.split_to(end) };
        Some(taken.freeze())
    }
}
