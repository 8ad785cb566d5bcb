//! Handles to collections of drivers: a slot and a generation, as those of drivers in `boundary`,
//! and told from them by their lowest bit.
//!
//! A collection knows its drivers by their handles. They stay the program's to use, so each is
//! locked only while the collection works on it.

use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

use super::boundary::{enter, guard, is_occupied};
use super::codes::nd_result;
use super::structs::{nd_driver, nd_multi_driver};
use crate::error::{Error, Result, Status};
use crate::{DriverPlace, MultiNetworkDriver, NetworkDriver};

/// Collections that may exist at once in one process.
const COLLECTIONS_MAX: usize = 256;
/// Generations wrap here, so that a handle fits into a pointer of 32 bits.
const GENERATION_MASK: u32 = 0x000F_FFFF;

/// A driver of a collection, by its handle.
pub struct DriverHandle(usize);

impl DriverHandle {
    /// The driver behind a handle, whether there is one or not.
    pub fn new(handle: *mut nd_driver) -> Self {
        Self(handle.addr())
    }

    /// The handle.
    pub const fn get(&self) -> *mut nd_driver {
        core::ptr::without_provenance_mut(self.0)
    }
}

impl DriverPlace for DriverHandle {
    fn with<R>(&mut self, body: impl FnOnce(&mut NetworkDriver) -> R) -> Result<R> {
        enter(self.get(), body)
    }
}

/// A collection of the C ABI.
pub type Collection = MultiNetworkDriver<DriverHandle>;

struct Slot {
    /// Odd while a collection lives here.
    generation: AtomicU32,
    content: Mutex<Option<Collection>>,
}

static SLOTS: [Slot; COLLECTIONS_MAX] =
    [const { Slot { generation: AtomicU32::new(0), content: Mutex::new(None) } }; COLLECTIONS_MAX];

/// As for drivers, held while a collection looks for its slot.
static ARRIVING: Mutex<()> = Mutex::new(());

fn invalid() -> Error {
    Error::new(
        Status::InvalidHandle,
        "the handle is NULL, was destroyed, or never came from nd_multi_driver_create",
    )
}

fn in_use() -> Error {
    Error::new(Status::DriverInUse, "another thread is inside a call on this collection")
}

/// Runs the body of an export that works on a collection.
pub fn with_collection(
    handle: *mut nd_multi_driver,
    body: impl FnOnce(&mut Collection) -> Result<()>,
) -> nd_result {
    guard(|| {
        let (slot, generation) = decode(handle)?;
        let mut content = slot.content.try_lock().ok_or_else(in_use)?;
        if slot.generation.load(Ordering::Relaxed) != generation {
            return Err(invalid());
        }
        body(content.as_mut().ok_or_else(invalid)?)
    })
}

/// Makes a collection.
pub fn create() -> Result<*mut nd_multi_driver> {
    let _alone = ARRIVING.lock();
    for (index, slot) in SLOTS.iter().enumerate() {
        if is_occupied(&slot.generation) {
            continue;
        }
        let Some(mut content) = slot.content.try_lock() else { continue };
        if content.is_some() {
            continue;
        }
        let generation = (slot.generation.load(Ordering::Relaxed) + 1) & GENERATION_MASK;
        slot.generation.store(generation, Ordering::Release);
        *content = Some(Collection::new());
        // Drivers have the lowest bit, collections have not.
        let value = ((generation as usize) << 11) | (index << 1);
        return Ok(core::ptr::without_provenance_mut(value));
    }
    let text = format!("{COLLECTIONS_MAX} collections exist; destroy those that are not needed");
    Err(Error::new(Status::LimitReached, text))
}

/// Takes a collection out; the handle is stale from here on.
pub fn remove(handle: *mut nd_multi_driver) -> Result<Collection> {
    let (slot, generation) = decode(handle)?;
    let mut content = slot.content.try_lock().ok_or_else(in_use)?;
    if slot.generation.load(Ordering::Relaxed) != generation {
        return Err(invalid());
    }
    slot.generation.store((generation + 1) & GENERATION_MASK, Ordering::Release);
    content.take().ok_or_else(invalid)
}

fn decode(handle: *mut nd_multi_driver) -> Result<(&'static Slot, u32)> {
    let value = handle.addr();
    let generation = value >> 11;
    if value & 1 != 0 || generation > GENERATION_MASK as usize || generation & 1 == 0 {
        return Err(invalid());
    }
    let slot = SLOTS.get((value >> 1) & 0x3FF).ok_or_else(invalid)?;
    if slot.generation.load(Ordering::Acquire) as usize != generation {
        return Err(invalid());
    }
    Ok((slot, generation as u32))
}
