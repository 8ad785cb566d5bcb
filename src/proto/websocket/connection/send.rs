//! The sending half of the machine: messages to frames. It must not decide whether a message may
//! be sent now: that is the driver's business.

use std::hint::cold_path;
use std::ops::Range;

use super::super::deflate::Pool;
use super::super::frame::{FrameHeader, HEADER_SIZE_MAX, Opcode, apply_mask};
use super::{COMPRESSED, Kind, Role, WebSocket};
use crate::proto::short;

/// The longest payload whose length is in the second byte of its frame.
const SHORT_LENGTH_MAX: usize = 125;
/// Bytes of the header of such a frame, without a mask.
const SHORT_HEADER_SIZE: usize = 2;
/// Bytes of a mask's key.
const MASK_SIZE: usize = 4;
/// The bit of the last frame of a message, and that of a masked one.
const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

/// What tells the first frame of a message from the others.
#[derive(Clone, Copy)]
pub(super) struct Start {
    pub(super) opcode: Opcode,
    pub(super) rsv: u8,
}

impl Start {
    /// Of every frame but the first.
    pub(super) const LATER: Self = Self { opcode: Opcode::Continuation, rsv: 0 };
}

impl WebSocket {
    /// Appends one message, compressed if that was agreed on and is worth it. It is one frame, or
    /// several when it is longer than the fragment size of the settings. Otherwise as
    /// [`write_message`](Self::write_message); `mask` is asked by a client only, for each frame.
    /// `pool` is that of all connections.
    #[inline]
    pub fn pack_message(
        &mut self,
        out: &mut Vec<u8>,
        kind: Kind,
        payload: &[u8],
        mask: &mut dyn FnMut() -> [u8; 4],
        pool: &mut Pool,
    ) {
        let opcode = kind.opcode();
        if let Some(codec) = self.codec.as_mut().filter(|codec| codec.is_worth(payload.len()))
            && let Some(packed) = codec.compress(payload, pool)
        {
            self.write_frames(out, Start { opcode, rsv: COMPRESSED }, &packed, true, mask);
            pool.give_scratch(packed);
            return;
        }
        let start = Start { opcode, rsv: 0 };
        if self.chain.is_none() && self.is_one_frame(payload.len()) {
            write_frame_with(self.role, out, start, true, [payload, &[]], mask);
        } else {
            self.write_frames(out, start, payload, true, mask);
        }
    }

    /// Does a message of this length leave as one frame with the payload as it is, and no other
    /// message is on its way?
    #[inline(always)]
    #[must_use]
    pub const fn sends_as_it_is(&self, length: usize) -> bool {
        length < self.whole_end && self.outgoing.is_none()
    }

    /// Does an extension of the program change what is sent?
    #[inline]
    #[must_use]
    pub const fn is_extended(&self) -> bool {
        self.chain.is_some()
    }

    /// Bytes of the frame of a whole message of this length.
    #[inline(always)]
    #[must_use]
    pub const fn whole_size(&self, length: usize) -> usize {
        if length > SHORT_LENGTH_MAX {
            cold_path();
            return self.long_size(length);
        }
        length + self.short_header_size as usize
    }

    #[inline(never)]
    const fn long_size(&self, length: usize) -> usize {
        encode_header_length(self.role, length) + length
    }

    /// Puts one frame with a whole message, `head` and then `body`, into room of
    /// [its size](Self::whole_size), for connections that
    /// [send it as it is](Self::sends_as_it_is). `mask` is asked by a client only.
    #[inline(always)]
    pub fn write_whole<const N: usize>(
        &self,
        room: &mut [u8],
        kind: Kind,
        head: [u8; N],
        body: &[u8],
        mask: impl FnOnce() -> [u8; 4],
    ) {
        let first = FIN | kind.opcode() as u8;
        let length = N + body.len();
        if length > SHORT_LENGTH_MAX {
            cold_path();
            let mask = if self.role == Role::Client { Some(mask()) } else { None };
            write_long(room, first, &head, body, mask);
        } else if self.role == Role::Client {
            if let Some((front, room)) = room.split_first_chunk_mut::<SHORT_HEADER_SIZE>()
                && let Some((place, room)) = room.split_first_chunk_mut::<MASK_SIZE>()
                && let Some((start, room)) = room.split_first_chunk_mut::<N>()
            {
                let key = mask();
                *front = [first, MASKED | length as u8];
                *place = key;
                *start = short::masked(head, key);
                short::mask(room, body, key, N);
            } else {
                short::mismatch();
            }
        } else if let Some((front, room)) = room.split_first_chunk_mut::<SHORT_HEADER_SIZE>()
            && let Some((start, room)) = room.split_first_chunk_mut::<N>()
        {
            *front = [first, length as u8];
            *start = head;
            short::copy(room, body);
        } else {
            short::mismatch();
        }
    }

    #[inline]
    fn is_one_frame(&self, length: usize) -> bool {
        let size = self.config.fragment_size as usize;
        size == 0 || length <= size
    }

    /// Appends a payload, as one frame or as fragments.
    pub(super) fn write_frames(
        &mut self,
        out: &mut Vec<u8>,
        mut start: Start,
        mut payload: &[u8],
        last: bool,
        mask: &mut dyn FnMut() -> [u8; 4],
    ) {
        let size = match self.config.fragment_size as usize {
            0 => payload.len(),
            size => size,
        };
        if payload.len() > size {
            out.reserve(wire_size_max(self.config.fragment_size, payload.len()));
        }
        while payload.len() > size {
            let (fragment, rest) = payload.split_at(size);
            self.write_data_frame(out, start, false, [fragment, &[]], mask);
            start = Start::LATER;
            payload = rest;
        }
        self.write_data_frame(out, start, last, [payload, &[]], mask);
    }

    /// Appends a frame of a message, as the extensions make it.
    #[inline]
    fn write_data_frame(
        &mut self,
        out: &mut Vec<u8>,
        start: Start,
        last: bool,
        payload: [&[u8]; 2],
        mask: &mut dyn FnMut() -> [u8; 4],
    ) {
        if self.chain.is_none() {
            write_frame_with(self.role, out, start, last, payload, mask);
        } else {
            self.write_extended_frame(out, start, last, payload, mask);
        }
    }

    fn write_extended_frame(
        &mut self,
        out: &mut Vec<u8>,
        mut start: Start,
        last: bool,
        payload: [&[u8]; 2],
        mask: &mut dyn FnMut() -> [u8; 4],
    ) {
        let Some(chain) = &mut self.chain else {
            return;
        };
        let joined;
        let whole = match payload {
            [whole, []] => whole,
            parts => {
                joined = parts.concat();
                &joined
            }
        };
        // Without a result the connection is about to fail, and nothing more is sent.
        if let Some((encoded, bits)) = chain.encode(start.opcode, last, whole) {
            start.rsv |= bits;
            write_frame_with(self.role, out, start, last, [&encoded, &[]], mask);
        }
    }

    /// The frames of a message of a server that is not compressed: `each` gets the header of each
    /// and the part of the payload that follows it.
    pub fn each_header(
        &self,
        kind: Kind,
        length: usize,
        mut each: impl FnMut(FrameHeader, Range<usize>),
    ) {
        let size = match self.config.fragment_size as usize {
            0 => length,
            size => size,
        };
        let mut opcode = kind.opcode();
        let mut from = 0;
        loop {
            let to = length.min(from + size);
            let payload_length = (to - from) as u64;
            let fin = to == length;
            each(FrameHeader { fin, rsv: 0, opcode, mask: None, payload_length }, from..to);
            if fin {
                return;
            }
            opcode = Opcode::Continuation;
            from = to;
        }
    }

    /// Appends one message, as one frame, to `out`, not compressed. `mask` is not used by a
    /// server. A program that sends text promises that it is UTF-8; nothing may be sent once
    /// [`can_send`](Self::can_send) is false.
    pub fn write_message(&mut self, out: &mut Vec<u8>, kind: Kind, payload: &[u8], mask: [u8; 4]) {
        self.write_message_in_two(out, kind, [payload, &[]], &mut || mask);
    }

    /// As [`write_message`](Self::write_message), of a payload that lies in two places. `mask` is
    /// asked by a client only.
    pub fn write_message_in_two(
        &mut self,
        out: &mut Vec<u8>,
        kind: Kind,
        payload: [&[u8]; 2],
        mask: &mut dyn FnMut() -> [u8; 4],
    ) {
        let start = Start { opcode: kind.opcode(), rsv: 0 };
        self.write_data_frame(out, start, true, payload, mask);
    }
}

/// Fills room with one frame that is not short.
fn write_long(room: &mut [u8], first: u8, head: &[u8], body: &[u8], mask: Option<[u8; 4]>) {
    let length = head.len() + body.len();
    room[0] = first;
    let mut size = if let Ok(length) = u16::try_from(length) {
        room[1] = 126;
        room[2..4].copy_from_slice(&length.to_be_bytes());
        4
    } else {
        room[1] = 127;
        room[2..10].copy_from_slice(&(length as u64).to_be_bytes());
        10
    };
    if let Some(key) = mask {
        room[1] |= MASKED;
        room[size..size + MASK_SIZE].copy_from_slice(&key);
        size += MASK_SIZE;
    }
    let (front, rest) = room[size..].split_at_mut(head.len());
    front.copy_from_slice(head);
    rest.copy_from_slice(body);
    if let Some(key) = mask {
        apply_mask(&mut room[size..], key, 0);
    }
}

pub(super) fn write_frame(
    role: Role,
    out: &mut Vec<u8>,
    opcode: Opcode,
    payload: [&[u8]; 2],
    mask: &mut dyn FnMut() -> [u8; 4],
) {
    write_frame_with(role, out, Start { opcode, rsv: 0 }, true, payload, mask);
}

fn write_frame_with(
    role: Role,
    out: &mut Vec<u8>,
    Start { opcode, rsv }: Start,
    fin: bool,
    [first, second]: [&[u8]; 2],
    mask: &mut dyn FnMut() -> [u8; 4],
) {
    let mask = match role {
        Role::Client => Some(mask()),
        Role::Server => None,
    };
    let length = first.len() + second.len();
    out.reserve(encode_header_length(role, length) + length);
    let payload_length = length as u64;
    FrameHeader { fin, rsv, opcode, mask, payload_length }.write(out);
    let start = out.len();
    out.extend_from_slice(first);
    if !second.is_empty() {
        out.extend_from_slice(second);
    }
    if let Some(key) = mask {
        apply_mask(&mut out[start..], key, 0);
    }
}

/// Size of the header that a message of `payload` bytes gets.
#[must_use]
pub const fn encode_header_length(role: Role, payload: usize) -> usize {
    let length = match payload {
        0..=SHORT_LENGTH_MAX => SHORT_HEADER_SIZE,
        126..=0xffff => 4,
        _ => 10,
    };
    length + if matches!(role, Role::Client) { MASK_SIZE } else { 0 }
}

/// Bytes that a message of `length` bytes takes on the wire at most, when it is not compressed.
#[must_use]
pub const fn wire_size_max(fragment_size: u32, length: usize) -> usize {
    let frames = match fragment_size as usize {
        0 => 1,
        _ if length == 0 => 1,
        size => length.div_ceil(size),
    };
    length.saturating_add(frames.saturating_mul(HEADER_SIZE_MAX))
}

/// The longest message whose [`wire_size_max`] is at most `room`.
#[must_use]
pub const fn message_size_in(fragment_size: u32, room: usize) -> usize {
    if fragment_size == 0 {
        return room.saturating_sub(HEADER_SIZE_MAX);
    }
    let frame = fragment_size as usize + HEADER_SIZE_MAX;
    let rest = (room % frame).saturating_sub(HEADER_SIZE_MAX);
    room / frame * fragment_size as usize + rest
}
