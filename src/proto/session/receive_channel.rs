//! The receiving side of a reliable channel: order, gaps, and messages won back from repairs.
//!
//! What may wait behind a gap is bounded by the window that its owner has granted.

use std::collections::VecDeque;

use super::frame::REPAIR_SPAN_MAX;
use super::send_channel::UNACKNOWLEDGED_MAX;
use super::{DATAGRAM_SIZE_LIMIT, Output, cost};

/// Repairs that wait for another message of theirs.
const REPAIRS_MAX: usize = 4;
/// Messages after which the number of the newest packet is noted.
const MARK: u64 = UNACKNOWLEDGED_MAX / 4;
/// Buffers that are kept for later.
const POOL_MAX: usize = 64;

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It was the next one; it and perhaps others were delivered.
    Delivered,
    /// It waits behind a gap, or for room.
    Held,
    /// It came before.
    Duplicate,
    /// The window does not allow it, its number is impossible, or it is too long.
    Refused,
}

#[derive(Debug)]
struct Repair {
    first: u64,
    /// Bit k stands for the message `first + k`.
    members: u8,
    data: Vec<u8>,
}

impl Repair {
    fn messages(&self) -> impl Iterator<Item = u64> + use<> {
        messages_of(self.first, self.members)
    }
}

/// One channel's messages.
#[derive(Debug)]
pub struct ReceiveChannel {
    /// Its number.
    pub id: u8,
    next: u64,
    /// From `next` on; the first is the gap.
    held: VecDeque<Option<Vec<u8>>>,
    held_cost: u64,
    /// The last messages that were delivered, once the peer has sent a repair.
    history: VecDeque<Vec<u8>>,
    repairs: Vec<Repair>,
    /// Messages of which pieces have come: number, and bytes from the start on.
    pieces: Vec<(u64, Vec<u8>)>,
    pieces_cost: u64,
    keeps_history: bool,
    pool: Vec<Vec<u8>>,
    scratch: Vec<u8>,
    /// The number after the newest packet when the last three marks were passed, oldest first.
    marks: [u64; 3],
    marks_passed: u64,
    /// Cost of all that was delivered.
    pub delivered: u64,
    /// Messages won back from repairs.
    pub repaired: u64,
}

impl ReceiveChannel {
    /// A channel that waits for its first message.
    pub fn new(id: u8) -> Self {
        Self {
            id,
            next: 0,
            held: VecDeque::new(),
            held_cost: 0,
            history: VecDeque::new(),
            repairs: Vec::new(),
            pieces: Vec::new(),
            pieces_cost: 0,
            keeps_history: false,
            pool: Vec::new(),
            scratch: Vec::new(),
            marks: [0; 3],
            marks_passed: 0,
            delivered: 0,
            repaired: 0,
        }
    }

    /// The number of the message that is delivered next.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// A packet for this channel was taken; `expected` is the number after the newest packet. Gives
    /// the oldest packet that may still be: its messages' numbers cannot be mistaken.
    ///
    /// A packet that left after the mark before the last two was passed holds nothing that is older
    /// than four marks before that one, because so many messages are under way at most. With the
    /// part of the next mark that makes less than seven marks, and eight are half of 16 bits.
    #[inline]
    pub fn note_packet(&mut self, expected: u64) -> u64 {
        let passed = (self.next + self.held.len() as u64) / MARK;
        while self.marks_passed < passed {
            self.marks_passed += 1;
            self.marks = [self.marks[1], self.marks[2], expected];
        }
        self.marks[0]
    }

    /// Is something missing in front of what has arrived?
    pub fn has_gap(&self) -> bool {
        self.held.front().is_some_and(Option::is_none)
    }

    /// Does the next message wait for room?
    pub fn is_stalled(&self) -> bool {
        self.held.front().is_some_and(Option::is_some)
    }

    /// Cost of what waits behind gaps, or for its other pieces.
    pub const fn held_cost(&self) -> u64 {
        self.held_cost + self.pieces_cost
    }

    /// Takes a piece of a message, which must follow those before it or overlap with them: what is
    /// sent again may be cut elsewhere.
    pub fn handle_piece(
        &mut self,
        truncated: u16,
        (offset, last): (u16, bool),
        data: &[u8],
        room: u64,
        output: &mut impl Output,
    ) -> Verdict {
        let sequence = super::packet::expand(u32::from(truncated), 16, self.next);
        let Some(distance) = sequence.checked_sub(self.next) else { return Verdict::Duplicate };
        if self.held.get(distance as usize).is_some_and(Option::is_some) {
            return Verdict::Duplicate;
        }
        let known = self.pieces.iter().position(|&(number, _)| number == sequence);
        let begun = known.map_or(0, |place| self.pieces[place].1.len());
        let Some(overlap) = begun.checked_sub(usize::from(offset)) else {
            return Verdict::Refused;
        };
        let data = data.get(overlap..).unwrap_or_default();
        if data.is_empty() && !last && known.is_some() {
            return Verdict::Duplicate;
        }
        let more = if known.is_some() { data.len() as u64 } else { cost(data.len()) };
        // What is asked of the whole message is asked before anything is taken: of what was
        // acknowledged nothing may go.
        if begun + data.len() > DATAGRAM_SIZE_LIMIT || !self.allows(distance, more, room) {
            return Verdict::Refused;
        }
        let place = known.unwrap_or_else(|| {
            self.pieces.push((sequence, self.pool.pop().unwrap_or_default()));
            self.pieces.len() - 1
        });
        self.pieces[place].1.extend_from_slice(data);
        self.pieces_cost += more;
        if !last {
            return Verdict::Held;
        }
        let (_, message) = self.pieces.swap_remove(place);
        self.pieces_cost -= cost(message.len());
        let room = room - more + cost(message.len());
        let verdict = self.handle_message(truncated, &message, room, output);
        debug_assert_ne!(verdict, Verdict::Refused, "it was asked before the pieces went");
        self.recycle(message);
        verdict
    }

    /// Does the window allow a message at this distance that costs so much more than what is here?
    const fn allows(&self, distance: u64, more: u64, room: u64) -> bool {
        // What lies between would have to fit into the window, too, however full it is.
        let between = distance.saturating_mul(cost(0));
        distance < UNACKNOWLEDGED_MAX && more <= room && between <= room + self.held_cost()
    }

    fn cost_of_pieces(&self, sequence: u64) -> u64 {
        let begun = self.pieces.iter().find(|&&(number, _)| number == sequence);
        begun.map_or(0, |(_, message)| cost(message.len()))
    }

    /// The message is there whole; its pieces are not needed any more.
    fn forget_pieces(&mut self, sequence: u64) {
        if let Some(place) = self.pieces.iter().position(|&(number, _)| number == sequence) {
            let (_, message) = self.pieces.swap_remove(place);
            self.pieces_cost -= cost(message.len());
            self.recycle(message);
        }
    }

    /// As [`handle_message`](Self::handle_message) for the next message, where none is missing or
    /// kept: the usual case. False: it is not so, and nothing was done.
    #[inline(always)]
    pub fn take_next(
        &mut self,
        truncated: u16,
        data: &[u8],
        room: u64,
        output: &mut impl Output,
    ) -> bool {
        let plain = truncated == self.next as u16
            && self.held.is_empty()
            && self.pieces.is_empty()
            && self.repairs.is_empty()
            && !self.keeps_history
            && data.len() <= DATAGRAM_SIZE_LIMIT
            && cost(data.len()) <= room
            && !output.is_full();
        if plain {
            output.reliable(self.id, data);
            self.delivered += cost(data.len());
            self.next += 1;
        }
        plain
    }

    /// Takes a message. `room` is what the window leaves for new ones.
    pub fn handle_message(
        &mut self,
        truncated: u16,
        data: &[u8],
        room: u64,
        output: &mut impl Output,
    ) -> Verdict {
        let sequence = super::packet::expand(u32::from(truncated), 16, self.next);
        let verdict = self.place(sequence, data, room, output);
        if verdict != Verdict::Duplicate && !self.repairs.is_empty() {
            self.solve(room, output);
        }
        verdict
    }

    fn place(&mut self, sequence: u64, data: &[u8], room: u64, out: &mut impl Output) -> Verdict {
        let Some(distance) = sequence.checked_sub(self.next) else {
            return Verdict::Duplicate;
        };
        let place = distance as usize;
        // A copy costs nothing, however full the window is.
        if self.held.get(place).is_some_and(Option::is_some) {
            return Verdict::Duplicate;
        }
        // Its pieces, if some have come, have taken their part of the room.
        let more = cost(data.len()).saturating_sub(self.cost_of_pieces(sequence));
        if data.len() > DATAGRAM_SIZE_LIMIT || !self.allows(distance, more, room) {
            return Verdict::Refused;
        }
        if !self.pieces.is_empty() {
            self.forget_pieces(sequence);
        }
        if distance == 0 && !self.is_stalled() && !out.is_full() {
            self.deliver(data, out);
            self.held.pop_front();
            self.deliver_held(out);
            return Verdict::Delivered;
        }
        if self.held.len() <= place {
            self.held.resize_with(place + 1, || None);
        }
        let mut buffer = self.pool.pop().unwrap_or_default();
        buffer.extend_from_slice(data);
        self.held[place] = Some(buffer);
        self.held_cost += cost(data.len());
        Verdict::Held
    }

    fn deliver(&mut self, data: &[u8], output: &mut impl Output) {
        output.reliable(self.id, data);
        self.delivered += cost(data.len());
        self.next += 1;
        if self.keeps_history {
            let full = self.history.len() >= REPAIR_SPAN_MAX;
            let mut kept = if full { self.history.pop_front() } else { None }.unwrap_or_default();
            kept.clear();
            kept.extend_from_slice(data);
            self.history.push_back(kept);
        }
    }

    /// Delivers what waits, as far as there is room and no gap.
    pub fn deliver_held(&mut self, output: &mut impl Output) {
        while self.is_stalled() && !output.is_full() {
            let Some(Some(buffer)) = self.held.pop_front() else { return };
            self.held_cost -= cost(buffer.len());
            self.deliver(&buffer, output);
            self.recycle(buffer);
        }
    }

    fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.pool.len() < POOL_MAX {
            buffer.clear();
            self.pool.push(buffer);
        }
    }

    /// Takes a repair. True when a message came out of it.
    pub fn handle_repair(
        &mut self,
        (truncated, members): (u16, u8),
        data: &[u8],
        room: u64,
        output: &mut impl Output,
    ) -> bool {
        self.keeps_history = true;
        let first = super::packet::expand(u32::from(truncated), 16, self.next);
        let end = first + u64::from(u8::BITS - members.leading_zeros());
        // Of what was delivered before the first repair came, nothing is kept.
        let oldest = self.next - self.history.len() as u64;
        if end <= self.next || first < oldest || end - self.next > UNACKNOWLEDGED_MAX {
            return false;
        }
        let before = self.repaired;
        if self.repairs.len() >= REPAIRS_MAX {
            let oldest = self.repairs.remove(0);
            self.recycle(oldest.data);
        }
        let mut buffer = self.pool.pop().unwrap_or_default();
        buffer.extend_from_slice(data);
        self.repairs.push(Repair { first, members, data: buffer });
        self.solve(room, output);
        self.repaired > before
    }

    /// The bytes of a message that is known.
    fn known(&self, sequence: u64) -> Option<&[u8]> {
        if sequence >= self.next {
            let held = self.held.get((sequence - self.next) as usize)?;
            return held.as_deref();
        }
        let back = (self.next - sequence) as usize;
        let place = self.history.len().checked_sub(back)?;
        self.history.get(place).map(Vec::as_slice)
    }

    /// Wins back what can be, until nothing more comes out.
    fn solve(&mut self, room: u64, output: &mut impl Output) {
        let mut at = 0;
        while at < self.repairs.len() {
            let messages = self.repairs[at].messages();
            let mut missing = messages.filter(|&number| self.known(number).is_none());
            let (one, more) = (missing.next(), missing.next());
            drop(missing);
            if more.is_some() {
                at += 1;
                continue;
            }
            let repair = self.repairs.remove(at);
            // What is missing below `next` was delivered and is not kept any more.
            if let Some(lost) = one
                && lost >= self.next
            {
                self.win_back(&repair, lost, room, output);
                at = 0;
            }
            self.recycle(repair.data);
        }
    }

    fn win_back(&mut self, repair: &Repair, lost: u64, room: u64, output: &mut impl Output) {
        let mut message = std::mem::take(&mut self.scratch);
        message.clear();
        message.extend_from_slice(&repair.data);
        let mut fits = true;
        for number in repair.messages() {
            if number != lost {
                fits &= self.known(number).is_some_and(|data| mix(&mut message, &[data]));
            }
        }
        if fits
            && let Some((&length, data)) = message.split_first_chunk()
            && let Some(data) = data.get(..usize::from(u16::from_le_bytes(length)))
        {
            let verdict = self.place(lost, data, room, output);
            self.repaired += u64::from(matches!(verdict, Verdict::Delivered | Verdict::Held));
        }
        self.scratch = message;
    }
}

/// The numbers of the messages of a repair: bit k of `members` stands for `first + k`.
pub fn messages_of(first: u64, members: u8) -> impl Iterator<Item = u64> + use<> {
    (0..u64::from(u8::BITS)).filter(move |bit| members >> bit & 1 == 1).map(move |bit| first + bit)
}

/// Mixes a message, behind its length, into a repair. False when it is longer than the repair.
pub fn mix(repair: &mut [u8], parts: &[&[u8]]) -> bool {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    if repair.len() < 2 + length {
        return false;
    }
    let (head, mut rest) = repair.split_at_mut(2);
    for (to, from) in head.iter_mut().zip((length as u16).to_le_bytes()) {
        *to ^= from;
    }
    for part in parts {
        let (now, later) = rest.split_at_mut(part.len());
        for (to, from) in now.iter_mut().zip(*part) {
            *to ^= from;
        }
        rest = later;
    }
    true
}

#[cfg(test)]
#[path = "receive_channel/tests.rs"]
mod tests;
