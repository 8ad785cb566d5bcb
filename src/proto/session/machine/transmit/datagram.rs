//! A datagram while it is written: its room, its frames, and the last one's length, which is left
//! out.
//!
//! It must not know why something is written, or what follows.

use crate::proto::session::frame::{
    self, Frame, PART_OVERHEAD, RELIABLE_OVERHEAD, types, varint_size,
};
use crate::proto::session::send_channel::Next;

/// Room below which no piece of a message is written, unless it is the last.
const PIECE_MIN: usize = 128;
/// Room below which a frame takes the rest of its datagram.
pub(super) const ROOM_MIN: usize = 16;

/// A datagram that is being written.
pub(super) struct Datagram<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where the last frame's type and length stand, and how long its length is.
    pub(super) tail: Option<(usize, usize, usize)>,
}

impl Datagram<'_> {
    pub(super) const fn room(&self) -> usize {
        self.end - self.out.len()
    }

    /// Writes a frame with a body. False when it does not fit.
    #[inline(always)]
    pub(super) fn write(
        &mut self,
        overhead: usize,
        length: usize,
        head: impl FnOnce(&mut Vec<u8>, Option<usize>),
    ) -> bool {
        let (room, prefix) = (self.room(), varint_size(length as u32));
        if overhead + length > room {
            return false;
        }
        let at = self.out.len();
        if overhead + prefix + length + ROOM_MIN > room {
            // It takes the rest, whether it fills it or not.
            head(self.out, None);
            self.end = self.out.len() + length;
            self.tail = None;
        } else {
            head(self.out, Some(length));
            self.tail = Some((at, at + overhead, prefix));
        }
        true
    }

    /// Makes it as long as it is to be with frames that say nothing, and asks for an answer.
    pub(super) fn fill(&mut self, size: u16) {
        frame::write_plain(self.out, Frame::Ping);
        let end = (self.start + usize::from(size)).min(self.end);
        self.out.resize(end.max(self.out.len()), types::PADDING);
    }

    /// The last frame needs no length.
    pub(super) fn finish(&mut self) {
        if let Some((kind, length, prefix)) = self.tail.take() {
            self.out[kind] &= !types::WITH_LENGTH;
            self.out.copy_within(length + prefix.., length);
            self.out.truncate(self.out.len() - prefix);
        }
    }
}

/// Writes a reliable message. False when it does not fit.
pub(super) fn write_one(
    datagram: &mut Datagram<'_>,
    id: u8,
    sequence: u64,
    data: [&[u8]; 2],
) -> bool {
    let length = data[0].len() + data[1].len();
    let fits = datagram.write(RELIABLE_OVERHEAD, length, |out, length| {
        frame::write_reliable_head(out, id, sequence as u16, length);
    });
    if fits {
        for part in data {
            datagram.out.extend_from_slice(part);
        }
    }
    fits
}

/// Writes as much of a message as fits, from where the pieces that arrived end; it takes the rest
/// of the datagram. `None` when that is too little.
pub(super) fn write_piece(
    datagram: &mut Datagram<'_>,
    id: u8,
    next: Next,
    data: [&[u8]; 2],
) -> Option<u16> {
    let rest = next.length - next.arrived;
    let room = datagram.room().saturating_sub(PART_OVERHEAD);
    if room < rest.min(PIECE_MIN) {
        return None;
    }
    let size = rest.min(room);
    let place = (next.arrived as u16, size == rest);
    frame::write_part_head(datagram.out, (id, next.sequence as u16), place);
    let bytes = data[0].iter().chain(data[1]).skip(next.arrived).take(size);
    datagram.out.extend(bytes);
    datagram.end = datagram.out.len();
    datagram.tail = None;
    Some(size as u16)
}
