//! A driver that several threads know: each call enters it, and leaves it again.
//!
//! One call at a time has the driver to itself; a call that comes meanwhile is refused with
//! [`Status::DriverInUse`], never made to wait. Concurrent calls have it beside each other. A panic
//! inside leaves it fit only to be dropped. What may be done beside others is not decided here.

mod apart;
mod here;
mod lock;
mod seats;
mod sync;
#[cfg(test)]
mod tests;
mod touched;

use std::any::Any;
use std::hint::cold_path;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Weak};

use super::jobs::{Desk, Round, is_in_job};
use super::{Concurrent, NetworkDriver};
use crate::error::{Error, Fixed, Result, Status};
use crate::log::note;
use crate::proto::time::Micros;
use crate::pump::Turn;

pub(super) use apart::{Apart, reserve_apart, unused_apart};
pub(super) use here::all as all_inside;
use lock::{Exclusive, Shared, SharedLock};
use parking_lot::Mutex;
pub(super) use sync::{SEATS, own_number, own_seat};
pub use touched::{Link, Touched};

/// What a lock guards: nothing yet, or no longer; a driver; or one inside of which a call failed.
#[derive(Default)]
struct Content {
    driver: Option<Box<NetworkDriver>>,
    failed: Option<Box<NetworkDriver>>,
}

/// A driver that several threads may know. Clones are the same driver.
#[derive(Clone)]
pub struct SharedDriver {
    place: Arc<Place>,
}

/// Knows a driver without keeping it alive.
#[derive(Clone)]
pub(super) struct WeakDriver {
    place: Weak<Place>,
}

impl WeakDriver {
    /// The driver, if anybody else keeps it. Not where something is locked: he may be gone by the
    /// time that what this gives is dropped.
    pub fn upgrade(&self) -> Option<SharedDriver> {
        self.place.upgrade().map(|place| SharedDriver { place })
    }
}

/// The place for a driver that clones share.
struct Place {
    lock: SharedLock<Content>,
    jobs: Desk,
    /// Threads note that they are inside. A call of the C interface would pay for it, and the
    /// program's code runs in it only where a [`Site`] is noted.
    noted: bool,
    /// What the job for each connection has before it.
    round: Mutex<Round>,
}

#[cold]
fn in_use() -> Error {
    Error::fixed(&Fixed(
        Status::DriverInUse,
        "another thread is inside a call on this driver; use one thread at a time",
    ))
}

#[cold]
fn inside() -> Error {
    Error::fixed(&Fixed(
        Status::DriverInUse,
        "this thread is inside a call on the driver, so a job of it cannot run here; \
         leave the call first",
    ))
}

#[cold]
fn taken() -> Error {
    Error::fixed(&Fixed(
        Status::DriverInUse,
        "another call has the driver to itself now; make concurrent calls between updates",
    ))
}

#[cold]
fn empty() -> Error {
    Error::fixed(&Fixed(Status::InvalidHandle, "the driver was taken out or destroyed"))
}

#[cold]
fn poisoned() -> Error {
    Error::fixed(&Fixed(
        Status::Panic,
        "the library failed inside this driver; destroy it (the log has the details)",
    ))
}

/// Tells the place of a driver from others, to code that calls the program from inside its calls.
#[derive(Clone, Copy)]
pub(crate) struct Site(usize);

impl Site {
    /// Runs `body`, which calls the program, inside of a call on the driver that is not noted: what
    /// would wait for the driver there is refused instead.
    #[inline]
    pub(crate) fn call_out<R>(self, body: impl FnOnce() -> R) -> R {
        let _mark = here::enter(self.0);
        body()
    }
}

impl SharedDriver {
    /// Shares a driver. Here its background pump starts, if its settings want one.
    ///
    /// # Errors
    /// [`Status::NetworkSocketError`] when the system gives no thread for the background pump.
    pub fn new(driver: NetworkDriver) -> Result<Self> {
        let place = Self::with_place(true);
        place.put(&mut Some(Box::new(driver)), || ((), None))?;
        Ok(place)
    }

    /// A place for a driver, without one.
    pub(crate) fn vacant() -> Self {
        Self::with_place(false)
    }

    fn with_place(noted: bool) -> Self {
        let lock = SharedLock::new(Content::default());
        Self {
            place: Arc::new(Place { lock, jobs: Desk::default(), noted, round: Mutex::default() }),
        }
    }

    /// Lets `body` use the driver; nobody else can meanwhile. When it panics, so does this call,
    /// and the driver is fit only to be dropped.
    ///
    /// # Errors
    /// [`Status::DriverInUse`] while another call is inside, or a job is not complete and this is
    /// not inside of it; [`Status::InvalidHandle`] after [`take`](Self::take); [`Status::Panic`]
    /// after a panic inside.
    #[inline]
    pub fn enter<R>(&self, body: impl FnOnce(&mut NetworkDriver) -> R) -> Result<R> {
        let _mark = self.place.noted.then(|| here::enter(self.id()));
        self.enter_unnoted(body)
    }

    /// The same for calls of the C interface, inside of which a thread is not noted.
    fn enter_unnoted<R>(&self, body: impl FnOnce(&mut NetworkDriver) -> R) -> Result<R> {
        enter(self.admit()?, body)
    }

    /// Lets a call in that knows the key of the driver. `None`: whether it may, and why not, says
    /// [`admit_checked`](Self::admit_checked).
    #[inline(always)]
    pub(crate) fn admit_by_key(&self, key: usize) -> Option<Admitted<'_>> {
        let content = self.place.lock.try_key(key)?;
        if !self.place.jobs.is_idle() {
            cold_path();
            return None;
        }
        Some(Admitted(content))
    }

    /// Lets a call in, unless `check`, which runs while nobody else can enter, fails.
    pub(crate) fn admit_checked(&self, check: impl FnOnce() -> Result<()>) -> Result<Admitted<'_>> {
        let mut content = self.admit()?;
        check()?;
        settle(&mut content)?;
        Ok(Admitted(content))
    }

    /// Lets a call have the driver to itself that no job keeps out.
    #[inline]
    fn admit(&self) -> Result<Exclusive<'_, Content>> {
        let place = &*self.place;
        // Asked again behind the lock: a job may have been scheduled, and have begun, meanwhile.
        if place.jobs.is_idle()
            && let Some(content) = place.lock.try_exclusive()
            && place.jobs.is_idle()
        {
            return Ok(content);
        }
        self.admit_slowly()
    }

    /// The same when there are jobs, or somebody is inside.
    #[cold]
    #[inline(never)]
    fn admit_slowly(&self) -> Result<Exclusive<'_, Content>> {
        self.place.jobs.admit(self.id())?;
        let content = match self.place.lock.try_exclusive() {
            Some(content) => content,
            None => self.admit_own()?,
        };
        // A job may have been scheduled, and have begun, since it was asked first.
        self.place.jobs.admit(self.id())?;
        Ok(content)
    }

    /// A call of a job that has the driver to itself waits for those who came too late, and leave.
    #[cold]
    fn admit_own(&self) -> Result<Exclusive<'_, Content>> {
        let waits = is_in_job(self.id()) && !here::is_inside(self.id());
        waits.then(|| self.place.lock.exclusive_soon()).flatten().ok_or_else(in_use)
    }

    /// The same for the driver's own jobs, which wait for calls that are inside.
    pub(super) fn enter_waiting<R>(&self, body: impl FnOnce(&mut NetworkDriver) -> R) -> Result<R> {
        enter(self.wait_alone()?, body)
    }

    /// Waits until all others have left, unless this thread is one of them.
    fn wait_alone(&self) -> Result<Exclusive<'_, Content>> {
        if here::is_inside(self.id()) { Err(inside()) } else { Ok(self.place.lock.exclusive()) }
    }

    /// The same, and from then on [`share`](Self::share) lets somebody in.
    pub(super) fn share_after<R>(&self, body: impl FnOnce(&mut NetworkDriver) -> R) -> Result<R> {
        let mut content = self.wait_alone()?;
        let outcome = enter_content(&mut content, |driver| {
            driver.enable_lanes();
            body(driver)
        })?;
        SharedLock::allow_sharing(&mut content);
        Ok(outcome)
    }

    /// Tells places apart.
    pub(super) fn id(&self) -> usize {
        Arc::as_ptr(&self.place).addr()
    }

    /// The same for those who call the program from inside.
    pub(crate) fn site(&self) -> Site {
        Site(self.id())
    }

    /// The same driver, not kept alive.
    pub(super) fn downgrade(&self) -> WeakDriver {
        WeakDriver { place: Arc::downgrade(&self.place) }
    }

    pub(super) fn desk(&self) -> &Desk {
        &self.place.jobs
    }

    pub(super) fn round(&self) -> &Mutex<Round> {
        &self.place.round
    }

    /// Lets several threads use the driver at once, between the calls that have it to themselves.
    ///
    /// # Errors
    /// As [`enter`](Self::enter).
    pub fn concurrent(&self) -> Result<ConcurrentDriver> {
        self.allow_concurrent(|| Ok(()))?;
        Ok(ConcurrentDriver { shared: self.clone() })
    }

    /// From now on [`share`](Self::share) lets somebody in, unless `check`, which runs while
    /// nobody else can enter, fails.
    pub(crate) fn allow_concurrent(&self, check: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut content = self.admit()?;
        check()?;
        enter_content(&mut content, NetworkDriver::enable_lanes)?;
        SharedLock::allow_sharing(&mut content);
        Ok(())
    }

    /// Lets a call in beside others that knows the key of the driver for that. `None`: whether it
    /// may, and why not, says [`admit_beside_checked`](Self::admit_beside_checked).
    #[inline(always)]
    pub(crate) fn admit_beside_by_key(&self, key: usize) -> Option<AdmittedBeside<'_>> {
        let content = self.place.lock.try_shared_key(key)?;
        if !self.place.jobs.is_idle_beside() {
            cold_path();
            return None;
        }
        Some(AdmittedBeside(content))
    }

    /// Lets a call in beside others, unless `check` fails, which runs while nobody can have the
    /// driver to himself.
    ///
    /// # Errors
    /// [`Status::DriverInUse`] while a call has the driver to itself, or as `check`.
    pub(crate) fn admit_beside_checked(
        &self,
        check: impl FnOnce() -> Result<()>,
    ) -> Result<AdmittedBeside<'_>> {
        let content = self.admit_beside()?;
        check()?;
        Ok(AdmittedBeside(content))
    }

    /// Lets a call in beside others that no job keeps out.
    #[inline]
    fn admit_beside(&self) -> Result<Shared<'_, Content>> {
        let place = &*self.place;
        // As in `admit`.
        if place.jobs.is_idle_beside()
            && let Some(content) = place.lock.try_shared()
            && place.jobs.is_idle_beside()
        {
            return Ok(content);
        }
        self.admit_beside_slowly()
    }

    /// The same when there are jobs, or somebody is alone inside.
    #[cold]
    #[inline(never)]
    fn admit_beside_slowly(&self) -> Result<Shared<'_, Content>> {
        self.place.jobs.admit_beside(self.id())?;
        let content = match self.place.lock.try_shared() {
            Some(content) => content,
            None => self.share_own()?,
        };
        self.place.jobs.admit_beside(self.id())?;
        Ok(content)
    }

    /// A call of a job waits for those who came too late, and leave.
    #[cold]
    fn share_own(&self) -> Result<Shared<'_, Content>> {
        let waits = is_in_job(self.id()) && !here::is_inside(self.id());
        waits.then(|| self.place.lock.shared_soon()).flatten().ok_or_else(taken)
    }

    /// The same for a job after [`share_after`](Self::share_after): nobody stays alone for long.
    pub(super) fn share_waiting<R>(&self, body: impl FnOnce(Concurrent<'_>) -> R) -> Result<R> {
        share(self.place.lock.shared(), body)
    }

    /// Moves a driver into a vacant place; `seal` runs while nobody else can enter, and may give
    /// the driver a key, an odd number. `None` when the place is not vacant, or in use.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn put<R>(
        &self,
        driver: &mut Option<Box<NetworkDriver>>,
        seal: impl FnOnce() -> (R, Option<usize>),
    ) -> Result<Option<R>> {
        let Some(mut content) = self.place.lock.try_exclusive() else { return Ok(None) };
        if content.driver.is_some() || content.failed.is_some() {
            return Ok(None);
        }
        let Some(mut driver) = driver.take() else { return Ok(None) };
        driver.start_background(Arc::downgrade(&self.place), background_turn)?;
        let workers = driver.settings.job_workers;
        // Who enters by a key does not ask whether there is something to settle.
        let settled = !driver.is_touched();
        content.driver = Some(driver);
        let (sealed, key) = self.place.jobs.open(workers, seal);
        SharedLock::set_key(&mut content, key.filter(|_| settled));
        Ok(Some(sealed))
    }

    /// Takes the driver out, for good; `None` when it was taken out before, or failed inside.
    ///
    /// # Errors
    /// [`Status::DriverInUse`] while a call is inside, or a job is not complete.
    pub fn take(&self) -> Result<Option<Box<NetworkDriver>>> {
        self.take_if(|| Ok(()))
    }

    /// The same, unless `check`, which runs while nobody else can enter, fails.
    pub(crate) fn take_if(
        &self,
        check: impl FnOnce() -> Result<()>,
    ) -> Result<Option<Box<NetworkDriver>>> {
        // Asked first, so that who is refused has kept no job out meanwhile.
        self.place.jobs.check_idle()?;
        let mut content = self.place.lock.try_exclusive().ok_or_else(in_use)?;
        let crewless = self.place.jobs.close(check)?;
        let taken = std::mem::take(&mut *content);
        SharedLock::set_key(&mut content, None);
        drop(content);
        drop(crewless);
        let mut driver = taken.driver;
        if let Some(driver) = &mut driver {
            driver.stop_background();
        }
        Ok(driver)
    }
}

/// A driver for several threads at once: each pops the events of its connections and sends to
/// them, one thread per connection, between the updates that somebody makes through the
/// [`SharedDriver`]. Clones are the same driver.
#[derive(Clone)]
pub struct ConcurrentDriver {
    shared: SharedDriver,
}

impl ConcurrentDriver {
    /// Lets `body` use the driver beside others. One that does much in here pays once for it.
    ///
    /// # Errors
    /// [`Status::DriverInUse`] while a call has the driver to itself; [`Status::InvalidHandle`]
    /// after [`SharedDriver::take`]; [`Status::Panic`] after a panic inside.
    #[inline]
    pub fn enter<R>(&self, body: impl FnOnce(Concurrent<'_>) -> R) -> Result<R> {
        let _mark = here::enter(self.shared.id());
        share(self.shared.admit_beside()?, body)
    }
}

/// Lets the background pump work on a driver for a moment, unless somebody else does.
fn background_turn(place: &Place, body: fn(&mut NetworkDriver) -> Micros) -> Turn {
    match place.lock.try_turn() {
        // A panic ends the thread, and the driver says so to whoever comes next.
        Some(mut content) => {
            let number = std::ptr::from_ref(place).addr();
            let _mark = place.noted.then(|| here::enter(number));
            enter_content(&mut content, body).map_or(Turn::Over, Turn::Sleep)
        }
        None => Turn::Refused,
    }
}

/// A call has the driver to itself, and all that others have done is settled.
pub(crate) struct Admitted<'a>(Exclusive<'a, Content>);

impl Admitted<'_> {
    /// Lets `body` use the driver. When it panics, so does this, and the driver is fit only to be
    /// dropped.
    #[inline(always)]
    pub(crate) fn run<R>(mut self, body: impl FnOnce(&mut NetworkDriver) -> R) -> Result<R> {
        run(&mut self.0, body)
    }
}

/// A call has the driver beside others.
pub(crate) struct AdmittedBeside<'a>(Shared<'a, Content>);

impl AdmittedBeside<'_> {
    /// Lets `body` use the driver. When it panics, so does this, and the driver is fit only to be
    /// dropped.
    #[inline(always)]
    pub(crate) fn run<R>(self, body: impl FnOnce(Concurrent<'_>) -> R) -> Result<R> {
        share(self.0, body)
    }
}

#[inline]
fn enter<R>(
    mut content: Exclusive<'_, Content>,
    body: impl FnOnce(&mut NetworkDriver) -> R,
) -> Result<R> {
    enter_content(&mut content, body)
}

#[inline]
fn enter_content<R>(
    content: &mut Content,
    body: impl FnOnce(&mut NetworkDriver) -> R,
) -> Result<R> {
    settle(content)?;
    run(content, body)
}

/// Does in earnest what others have done who shared the driver.
#[inline]
fn settle(content: &mut Content) -> Result<()> {
    let Some(driver) = &mut content.driver else { return Err(refusal(content)) };
    if driver.is_touched() {
        return settle_touched(content);
    }
    Ok(())
}

#[cold]
#[inline(never)]
fn settle_touched(content: &mut Content) -> Result<()> {
    if content.driver.as_ref().is_some_and(|driver| driver.share().has_failed()) {
        poison(content);
        return Err(poisoned());
    }
    run(content, NetworkDriver::settle_touched)
}

#[inline(always)]
fn run<R>(content: &mut Content, body: impl FnOnce(&mut NetworkDriver) -> R) -> Result<R> {
    let Some(driver) = &mut content.driver else { return Err(refusal(content)) };
    match catch_unwind(AssertUnwindSafe(|| body(driver))) {
        Ok(outcome) => Ok(outcome),
        Err(panic) => fail(content, panic),
    }
}

/// Why a place lets nobody in.
#[cold]
fn refusal(content: &Content) -> Error {
    if content.failed.is_none() { empty() } else { poisoned() }
}

/// A call has failed inside: the driver is fit only to be dropped.
#[cold]
#[inline(never)]
fn fail(content: &mut Content, panic: Box<dyn Any + Send>) -> ! {
    note!(Error, "a call on a driver failed inside: {}", panic_text(&*panic));
    poison(content);
    resume_unwind(panic)
}

#[inline(always)]
fn share<R>(content: Shared<'_, Content>, body: impl FnOnce(Concurrent<'_>) -> R) -> Result<R> {
    let Some(driver) = &content.driver else { return Err(refusal(&content)) };
    let driver = driver.share();
    if driver.has_failed() {
        return Err(poisoned());
    }
    match catch_unwind(AssertUnwindSafe(|| body(driver))) {
        Ok(outcome) => Ok(outcome),
        Err(panic) => {
            driver.fail(panic_text(&*panic));
            drop(content);
            resume_unwind(panic)
        }
    }
}

#[cold]
fn poison(content: &mut Content) {
    if let Some(driver) = content.driver.take() {
        content.failed = Some(driver);
    }
}

pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
