//! Buffers that the kernel picks from when something has come.

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;

use crate::Outcome;

/// The system wants whole pages.
const PAGE: usize = 4096;

/// A ring of buffers, registered as group 0. Never freed: the server ends with the process.
pub struct Buffers {
    entries: NonNull<BufRingEntry>,
    memory: NonNull<u8>,
    count: u16,
    size: usize,
    tail: u16,
}

impl Buffers {
    /// `count`, a power of two, of `size` bytes each, all of them the kernel's.
    pub fn register(ring: &IoUring, count: u16, size: usize) -> Outcome<Self> {
        let entries = pages(usize::from(count) * size_of::<BufRingEntry>()).cast();
        let memory = pages(usize::from(count) * size);
        // SAFETY: that many zeroed entries lie there, aligned to a page, and stay for good.
        unsafe {
            ring.submitter().register_buf_ring_with_flags(entries.as_ptr() as u64, count, 0, 0)?;
        }
        let mut buffers = Self { entries, memory, count, size, tail: 0 };
        (0..count).for_each(|id| buffers.give(id));
        buffers.publish();
        Ok(buffers)
    }

    /// Bytes of a buffer.
    pub const fn size(&self) -> usize {
        self.size
    }

    /// The buffer behind another one in a bundle.
    pub const fn next(&self, id: u16) -> u16 {
        (id + 1) & (self.count - 1)
    }

    /// Where a buffer begins.
    pub fn pointer(&self, id: u16) -> *const u8 {
        assert!(id < self.count, "the kernel names buffers that it was given");
        // SAFETY: inside of the memory, by the line before.
        unsafe { self.memory.as_ptr().add(usize::from(id) * self.size) }
    }

    /// The first bytes of a buffer that was filled and not given back.
    pub fn bytes(&self, id: u16, length: usize) -> &[u8] {
        assert!(length <= self.size, "a buffer holds no more than it can");
        // SAFETY: inside of the memory, initialised, and the kernel's no longer.
        unsafe { std::slice::from_raw_parts(self.pointer(id), length) }
    }

    /// Gives a buffer back. The kernel sees it after `publish`.
    pub fn give(&mut self, id: u16) {
        let slot = usize::from(self.tail & (self.count - 1));
        let address = self.pointer(id) as u64;
        // SAFETY: a slot of the ring that the kernel does not look at before `publish`; the
        // methods leave the tail alone, which lies over a part of the first slot.
        let entry = unsafe { &mut *self.entries.as_ptr().add(slot) };
        entry.set_addr(address);
        entry.set_len(self.size as u32);
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
    }

    /// Shows the kernel what was given back.
    pub fn publish(&self) {
        // SAFETY: the address of the first entry is the ring's; its tail is aligned, and shared
        // with the kernel as an atomic number.
        let tail = unsafe { &*BufRingEntry::tail(self.entries.as_ptr()).cast::<AtomicU16>() };
        tail.store(self.tail, Ordering::Release);
    }
}

/// Zeroed memory for good.
fn pages(bytes: usize) -> NonNull<u8> {
    let layout = Layout::from_size_align(bytes.next_multiple_of(PAGE), PAGE).expect("is small");
    // SAFETY: not empty, since nobody asks for no bytes.
    NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}
