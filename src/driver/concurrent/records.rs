//! Messages that were accepted and wait to be sent, one behind the other in memory that was written
//! once before: one more costs little more than to copy it. It does not ask whether it may be sent.

use std::hint::cold_path;

use super::super::shared::{reserve_apart, unused_apart};
use super::super::types::MessageKind;
use crate::proto::short;

/// Bytes in front of each message.
pub const RECORD_SIZE: usize = size_of::<u64>();
/// Bytes by which the memory grows at least.
const GROWTH_MIN: usize = 2 << 10;
/// Bytes of messages for which memory is kept.
const KEPT_MAX: usize = 256 << 10;
/// So many times as much memory as was used is too much.
const EXCESS: usize = 4;

/// A message.
pub struct Record<'a> {
    /// Its pipeline.
    pub pipeline: u8,
    /// Text or binary.
    pub kind: MessageKind,
    /// The message.
    pub data: &'a [u8],
}

/// Messages in order.
#[derive(Default)]
pub struct Records {
    /// As long as was ever needed; what is behind `used` means nothing.
    memory: Vec<u8>,
    used: usize,
    /// The most bytes at once since memory was let go of last.
    most: usize,
}

impl Records {
    /// Adds a message of less than 4 GiB.
    #[inline(always)]
    pub fn push(&mut self, pipeline: u8, kind: MessageKind, data: &[u8]) {
        let head = head(pipeline, kind, data.len());
        if let Some(room) = self.memory.get_mut(self.used..)
            && let Some((front, room)) = room.split_first_chunk_mut()
            && let Some(room) = room.get_mut(..data.len())
        {
            *front = head;
            short::copy(room, data);
            self.used += RECORD_SIZE + data.len();
        } else {
            cold_path();
            self.push_behind_end(head, data);
        }
    }

    #[cold]
    #[inline(never)]
    fn push_behind_end(&mut self, head: [u8; RECORD_SIZE], data: &[u8]) {
        let end = self.used + RECORD_SIZE + data.len();
        let length = self.memory.len();
        let size = end.max(length + GROWTH_MIN);
        reserve_apart(&mut self.memory, size - length);
        self.memory.resize(size, 0);
        let (front, room) = self.memory[self.used..end].split_at_mut(RECORD_SIZE);
        front.copy_from_slice(&head);
        room.copy_from_slice(data);
        self.used = end;
    }

    /// All messages.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        let mut rest = &self.memory[..self.used];
        std::iter::from_fn(move || {
            let (&front, behind) = rest.split_first_chunk()?;
            let word = u64::from_le_bytes(front);
            let (data, behind) = behind.split_at_checked(word as u32 as usize)?;
            rest = behind;
            let kind = match word >> KIND_BIT & 3 {
                BINARY => MessageKind::Binary,
                TEXT => MessageKind::Text,
                _ => MessageKind::WriteMode,
            };
            Some(Record { pipeline: (word >> PIPELINE_BIT) as u8, kind, data })
        })
    }

    /// Forgets all messages. Memory for what is usual stays.
    pub fn clear(&mut self) {
        self.most = self.most.max(self.used);
        self.used = 0;
        if self.memory.capacity() > KEPT_MAX {
            self.memory = Vec::new();
        }
    }

    /// Bytes of memory.
    pub const fn kept(&self) -> usize {
        self.memory.capacity()
    }

    /// Lets go of what is far more memory than was used since the last time, and the room behind
    /// it. Only without messages; says whether there were any.
    pub fn shrink(&mut self) -> bool {
        let most = std::mem::take(&mut self.most);
        let kept = if most == 0 { 0 } else { most + unused_apart::<u8>() };
        if self.memory.capacity() > EXCESS * kept {
            self.memory.truncate(most);
            self.memory.shrink_to(kept);
        }
        most > 0
    }
}

const PIPELINE_BIT: u32 = 32;
const KIND_BIT: u32 = 40;
const TEXT: u64 = MessageKind::Text as u64;
const BINARY: u64 = MessageKind::Binary as u64;

/// What stands in front of a message: kind (8) | pipeline (8) | length (32).
#[inline(always)]
fn head(pipeline: u8, kind: MessageKind, length: usize) -> [u8; RECORD_SIZE] {
    let (pipeline, kind) = (u64::from(pipeline) << PIPELINE_BIT, (kind as u64) << KIND_BIT);
    (kind | pipeline | u64::from(length as u32)).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Is `records` so many messages, and these?
    fn hold(records: &Records, expected: &[(u8, MessageKind, Vec<u8>)]) {
        let found: Vec<_> =
            records.iter().map(|found| (found.pipeline, found.kind, found.data.to_vec())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn messages_come_out_as_they_went_in() {
        let mut records = Records::default();
        for round in 0..3 {
            let mut expected = Vec::new();
            hold(&records, &expected);
            for length in (0..100).chain([5000, 3, 70_000]) {
                let kinds = [MessageKind::WriteMode, MessageKind::Text, MessageKind::Binary];
                let kind = kinds[(length + round) % 3];
                let data: Vec<u8> = (0..length).map(|byte| (byte * 7) as u8).collect();
                let pipeline = (length * 3) as u8;
                records.push(pipeline, kind, &data);
                expected.push((pipeline, kind, data));
            }
            hold(&records, &expected);
            let behind = records.memory.capacity() - records.used;
            assert!(behind >= unused_apart::<u8>(), "round {round}: {behind} unused");
            records.clear();
        }
    }

    #[test]
    fn memory_for_what_is_unusual_is_let_go_of() {
        let mut records = Records::default();
        records.push(0, MessageKind::Binary, &[7; KEPT_MAX]);
        records.clear();
        assert_eq!(records.kept(), 0);
        records.push(0, MessageKind::Binary, &[7; 60_000]);
        records.clear();
        assert!(records.shrink() && records.kept() >= 60_000, "it was used");
        records.push(0, MessageKind::Binary, &[7; 100]);
        records.clear();
        assert!(records.shrink() && (100..1000).contains(&records.kept()));
        records.push(0, MessageKind::Binary, &[8; 100]);
        hold(&records, &[(0, MessageKind::Binary, vec![8; 100])]);
        records.clear();
        assert!(records.shrink() && !records.shrink());
        assert_eq!(records.kept(), 0);
    }
}
