//! Copying and masking of short runs of bytes: where most are as long as a small message, a call of
//! the system's library costs more than what it does.

/// Bytes that are moved at once.
const BLOCK: usize = 16;
/// A block of a mask, whose key repeats in it.
type Block = [u8; BLOCK];

/// Fills `to` with `from`, which is as long.
#[inline(always)]
pub fn copy(to: &mut [u8], from: &[u8]) {
    if to.len() != from.len() {
        mismatch();
    }
    if from.len() > 2 * BLOCK || !map_two(to, from, [0; BLOCK], [0; BLOCK]) {
        to.copy_from_slice(from);
    }
}

/// Fills `to` with `from`, which is as long, masked as RFC 6455 has it; `offset` is how many bytes
/// of the payload came before it.
#[inline(always)]
pub fn mask(to: &mut [u8], from: &[u8], key: [u8; 4], offset: usize) {
    if to.len() != from.len() {
        mismatch();
    }
    let first = turned(key, offset);
    let last = turned(key, offset + from.len() % 4);
    if from.len() > 2 * BLOCK || !map_two(to, from, first, last) {
        mask_any(to, from, key, offset);
    }
}

/// Room and what is put there do not fit: what is left in the room would be somebody else's bytes.
#[cold]
#[inline(never)]
pub fn mismatch() -> ! {
    panic!("the room is as long as what is put there");
}

/// A short head, masked from its first byte on.
#[inline(always)]
pub fn masked<const N: usize>(head: [u8; N], key: [u8; 4]) -> [u8; N] {
    const { assert!(N <= BLOCK, "a head is not longer than a block") };
    let mut block = [0; BLOCK];
    block[..N].copy_from_slice(&head);
    let block = xor(block, turned(key, 0));
    std::array::from_fn(|at| block[at])
}

/// Fills `to` by two blocks, which may overlap, if two are what it takes.
#[inline(always)]
fn map_two(to: &mut [u8], from: &[u8], first: Block, last: Block) -> bool {
    let (Some(front), Some(back)) = (from.first_chunk(), from.last_chunk()) else { return false };
    let Some(place) = to.first_chunk_mut() else { return false };
    *place = xor(*front, first);
    let Some(place) = to.last_chunk_mut() else { return false };
    *place = xor(*back, last);
    true
}

#[inline(always)]
const fn xor(bytes: Block, mask: Block) -> Block {
    (u128::from_ne_bytes(bytes) ^ u128::from_ne_bytes(mask)).to_ne_bytes()
}

/// The mask of a block in front of which so many bytes of the payload are.
#[inline(always)]
fn turned(key: [u8; 4], offset: usize) -> Block {
    let word = u32::from_le_bytes(key).rotate_right(8 * (offset % 4) as u32);
    let half = u64::from(word) << 32 | u64::from(word);
    (u128::from(half) << 64 | u128::from(half)).to_le_bytes()
}

#[inline(never)]
fn mask_any(to: &mut [u8], from: &[u8], key: [u8; 4], offset: usize) {
    to.copy_from_slice(from);
    super::websocket::frame::apply_mask(to, key, offset);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_copied_and_masked_by_the_definition() {
        let key = [0x11, 0x80, 0xff, 0x03];
        for length in 0..100_usize {
            let from: Vec<u8> = (0..length).map(|byte| (byte * 7) as u8).collect();
            let mut to = vec![0; length];
            copy(&mut to, &from);
            assert_eq!(to, from);
            assert_eq!(masked(*b"of ten   !", key), {
                let mut head = [0; 10];
                mask(&mut head, b"of ten   !", key, 0);
                head
            });
            for offset in 0..9 {
                mask(&mut to, &from, key, offset);
                let masked = |(at, byte): (usize, &u8)| byte ^ key[(offset + at) % 4];
                assert_eq!(to, from.iter().enumerate().map(masked).collect::<Vec<_>>());
            }
        }
    }
}
