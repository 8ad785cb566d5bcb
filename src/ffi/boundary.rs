//! The edge itself: handles to drivers, the panic guard, the last error's text.
//!
//! A handle names a slot and a generation, so that using one after destroy is an error code.
//! A second thread gets an error code, and a panic becomes one; the driver's place sees to that.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

use super::codes::{ND_OK, nd_result};
use super::structs::{nd_concurrent, nd_driver};
use crate::driver::{Admitted, AdmittedBeside, Site};
use crate::error::{Error, Fixed, Result, Status};
use crate::{Concurrent, DriverWaker, NetworkDriver, SharedDriver};

/// Drivers that may exist at once in one process.
pub const DRIVERS_MAX: usize = 1024;

/// Generations wrap here, so that a handle fits into a pointer of 32 bits.
const GENERATION_MASK: u32 = 0x000F_FFFF;
/// The bit that tells handles to concurrent drivers from those to drivers.
const CONCURRENT: usize = 1 << 31;

struct Slot {
    /// Odd while a driver lives here; compared before the lock so that a stale handle is
    /// recognised even while another thread uses the slot's next driver.
    generation: AtomicU32,
    /// The slot's place for a driver: made once and used for one after the other.
    place: OnceLock<SharedDriver>,
    /// Apart from the driver, because it is for threads that do not use it now.
    waker: Mutex<Option<DriverWaker>>,
}

impl Slot {
    const fn new() -> Self {
        Self { generation: AtomicU32::new(0), place: OnceLock::new(), waker: Mutex::new(None) }
    }

    /// Is a handle with this generation still the driver's? Asked again under the lock.
    fn check(&self, generation: u32) -> Result<()> {
        let same = self.generation.load(Ordering::Relaxed) == generation;
        if same { Ok(()) } else { Err(invalid()) }
    }
}

static SLOTS: [Slot; DRIVERS_MAX] = [const { Slot::new() }; DRIVERS_MAX];

/// Held while a driver looks for its slot. A slot found vacant stays so, and one that is not is
/// never locked: whoever uses its driver must not find it in use for that.
static ARRIVING: Mutex<()> = Mutex::new(());

thread_local! {
    static LAST_ERROR: RefCell<Option<Error>> = const { RefCell::new(None) };
}

#[cold]
#[inline(never)]
fn invalid() -> Error {
    Error::fixed(&Fixed(
        Status::InvalidHandle,
        "the driver handle is NULL, was destroyed, or never came from nd_driver_create",
    ))
}

fn not_concurrent() -> Error {
    Error::fixed(&Fixed(
        Status::InvalidHandle,
        "the handle is NULL, its driver was destroyed, or it never came from \
         nd_driver_to_concurrent",
    ))
}

#[cold]
fn panicked() -> Error {
    Error::fixed(&Fixed(
        Status::Panic,
        "the library failed inside this driver; destroy it (the log has the details)",
    ))
}

/// Runs the body of an export: no panic leaves it, and its error's text is kept for
/// `nd_last_error`.
#[inline]
pub fn guard(body: impl FnOnce() -> Result<()>) -> nd_result {
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| Err(panicked()));
    match outcome {
        Ok(()) => ND_OK,
        Err(error) => fail(error),
    }
}

/// The number of an error whose text is kept for `nd_last_error`.
#[cold]
#[inline(never)]
fn fail(error: Error) -> nd_result {
    let status = error.status() as nd_result;
    remember(error);
    status
}

/// Runs the body of an export that works on a driver.
#[inline]
pub fn with_driver(
    handle: *mut nd_driver,
    body: impl FnOnce(&mut NetworkDriver) -> Result<()>,
) -> nd_result {
    guard(|| enter(handle, body)?)
}

/// The same where functions of the program are kept, which run inside of [`Site::call_out`] later.
pub fn with_driver_and_site(
    handle: *mut nd_driver,
    body: impl FnOnce(&mut NetworkDriver, Site) -> Result<()>,
) -> nd_result {
    guard(|| {
        let site = place(handle)?.0.site();
        enter(handle, |driver| body(driver, site))?
    })
}

/// Lets `body` use the driver of a handle; nobody else can meanwhile.
#[inline]
pub fn enter<R>(handle: *mut nd_driver, body: impl FnOnce(&mut NetworkDriver) -> R) -> Result<R> {
    // The handle is the driver's key: who gets in by it has asked everything.
    let admitted = slot_of(handle).place.get().and_then(|place| place.admit_by_key(handle.addr()));
    let admitted = match admitted {
        Some(admitted) => admitted,
        None => admit_slowly(handle)?,
    };
    admitted.run(body)
}

/// The same for a driver that several threads share, and for who is refused.
#[inline(never)]
fn admit_slowly(handle: *mut nd_driver) -> Result<Admitted<'static>> {
    let (slot, generation) = decode(handle)?;
    let place = slot.place.get().ok_or_else(invalid)?;
    place.admit_checked(|| slot.check(generation))
}

/// The place of a driver, for what does not enter it. The second says whether it still lives there;
/// ask where it cannot go.
pub fn place(
    handle: *mut nd_driver,
) -> Result<(&'static SharedDriver, impl FnOnce() -> Result<()>)> {
    let (slot, generation) = decode(handle)?;
    let place = slot.place.get().ok_or_else(invalid)?;
    Ok((place, move || slot.check(generation)))
}

/// Lets several threads use a driver at once, by the handle that this gives.
pub fn to_concurrent(handle: *mut nd_driver) -> Result<*mut nd_concurrent> {
    let (slot, generation) = decode(handle)?;
    let place = slot.place.get().ok_or_else(invalid)?;
    place.allow_concurrent(|| slot.check(generation))?;
    Ok(as_concurrent(handle))
}

/// The handle by which several threads use a driver, whether they may now or not.
pub fn as_concurrent(handle: *mut nd_driver) -> *mut nd_concurrent {
    core::ptr::without_provenance_mut(handle.addr() | CONCURRENT)
}

/// Lets `body` use the driver of a handle beside others.
#[inline(always)]
pub fn share<R>(handle: *mut nd_concurrent, body: impl FnOnce(Concurrent<'_>) -> R) -> Result<R> {
    // As in `enter`.
    let place = slot_of(handle.cast()).place.get();
    let admitted = place.and_then(|place| place.admit_beside_by_key(handle.addr()));
    let admitted = match admitted {
        Some(admitted) => admitted,
        None => admit_beside_slowly(handle)?,
    };
    admitted.run(body)
}

/// The same for who is refused, or comes while a job is not complete.
#[inline(never)]
fn admit_beside_slowly(handle: *mut nd_concurrent) -> Result<AdmittedBeside<'static>> {
    if handle.addr() & CONCURRENT == 0 {
        return Err(not_concurrent());
    }
    let driver = core::ptr::without_provenance_mut(handle.addr() & !CONCURRENT);
    let (slot, generation) = decode(driver).map_err(|_| not_concurrent())?;
    let place = slot.place.get().ok_or_else(invalid)?;
    place.admit_beside_checked(|| slot.check(generation))
}

/// Runs the body of an export that works on a driver beside others.
#[inline(always)]
pub fn with_shared(
    handle: *mut nd_concurrent,
    body: impl FnOnce(Concurrent<'_>) -> Result<()>,
) -> nd_result {
    guard(|| share(handle, body)?)
}

/// Puts a driver into a free slot.
pub fn insert(driver: NetworkDriver) -> Result<*mut nd_driver> {
    let waker = driver.waker();
    let mut driver = Some(Box::new(driver));
    let _alone = ARRIVING.lock();
    for (index, slot) in SLOTS.iter().enumerate() {
        if is_occupied(&slot.generation) {
            continue;
        }
        let place = slot.place.get_or_init(SharedDriver::vacant);
        let put = place.put(&mut driver, || {
            let generation = (slot.generation.load(Ordering::Relaxed) + 1) & GENERATION_MASK;
            *slot.waker.lock() = Some(waker.clone());
            slot.generation.store(generation, Ordering::Release);
            let handle = encode(index, generation);
            (handle, Some(handle.addr()))
        })?;
        if let Some(handle) = put {
            return Ok(handle);
        }
    }
    Err(Error::fixed(&Fixed(
        Status::LimitReached,
        "1024 drivers exist (DRIVERS_MAX); destroy those that are no longer needed",
    )))
}

/// Slots count their generations: odd ones are those of what lives there.
pub fn is_occupied(generation: &AtomicU32) -> bool {
    generation.load(Ordering::Relaxed) & 1 == 1
}

/// Takes the driver out; the handle is stale from here on.
pub fn remove(handle: *mut nd_driver) -> Result<()> {
    let (slot, generation) = decode(handle)?;
    let place = slot.place.get().ok_or_else(invalid)?;
    let taken = place.take_if(|| {
        slot.check(generation)?;
        slot.generation.store((generation + 1) & GENERATION_MASK, Ordering::Release);
        *slot.waker.lock() = None;
        Ok(())
    })?;
    drop(taken);
    Ok(())
}

/// Wakes a driver, whoever uses it now.
pub fn wake(handle: *mut nd_driver) -> Result<()> {
    let (slot, generation) = decode(handle)?;
    let waker = slot.waker.lock();
    if slot.generation.load(Ordering::Relaxed) != generation {
        return Err(invalid());
    }
    waker.as_ref().ok_or_else(invalid)?.wake();
    Ok(())
}

/// Bits: generation | slot (10) | 1, so that the value is odd and never NULL.
fn encode(index: usize, generation: u32) -> *mut nd_driver {
    let value = ((generation as usize) << 11) | (index << 1) | 1;
    core::ptr::without_provenance_mut(value)
}

/// The slot that a handle names, whatever its generation.
#[inline(always)]
fn slot_of(handle: *mut nd_driver) -> &'static Slot {
    &SLOTS[(handle.addr() >> 1) & (DRIVERS_MAX - 1)]
}

fn decode(handle: *mut nd_driver) -> Result<(&'static Slot, u32)> {
    let value = handle.addr();
    let generation = value >> 11;
    if value & 1 == 0 || generation > GENERATION_MASK as usize || generation & 1 == 0 {
        return Err(invalid());
    }
    let slot = slot_of(handle);
    if slot.generation.load(Ordering::Acquire) as usize != generation {
        return Err(invalid());
    }
    Ok((slot, generation as u32))
}

/// Keeps an error's text for `nd_last_error`. A thread that is ending has no place for it any more.
fn remember(error: Error) {
    let _ = LAST_ERROR.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = Some(error);
        }
    });
}

/// Calls a function of the program that returns a result of its own; with it the last error of a
/// call that it made. What was the last error of this thread before is so again.
pub fn call_program(body: impl FnOnce() -> nd_result) -> (nd_result, Option<Error>) {
    let swap = |error| LAST_ERROR.try_with(|last| last.replace(error)).ok().flatten();
    let before = swap(None);
    let result = body();
    (result, swap(before))
}

/// The text of the last error of this thread.
fn last_error() -> String {
    let text = LAST_ERROR.try_with(|last| {
        last.try_borrow().ok().and_then(|last| last.as_ref().map(|error| error.text().to_owned()))
    });
    text.ok().flatten().unwrap_or_default()
}

/// Runs the body of an export on the text of the last error, which an error of the body itself
/// does not replace: the caller may try again with more room.
pub fn with_last_error(body: impl FnOnce(&str) -> Result<()>) -> nd_result {
    let outcome = catch_unwind(AssertUnwindSafe(|| body(&last_error())));
    match outcome.unwrap_or_else(|_| Err(panicked())) {
        Ok(()) => ND_OK,
        Err(error) => error.status() as nd_result,
    }
}
