//! What happens between updates, when the program has switched the background pump on; and what a
//! program with a loop of its own needs to sleep by.
//!
//! A turn is an update without its end: nothing becomes visible.

use std::sync::Weak;

use super::NetworkDriver;
use crate::error::{Error, Result, Status};
use crate::proto::time::{MICROS_PER_MS, Micros};
use crate::pump::{Background, Sleep, Turn};

impl NetworkDriver {
    /// Receives, runs timers, sends. How long until the next turn is due.
    fn background_turn(&mut self) -> Micros {
        self.deliver_stalled();
        let mut outcome = self.cycle(Sleep::NONE);
        if self.owes_acks() {
            // The program may be long in coming; its peers shall not wait for it.
            self.show_owed_acks();
            outcome = outcome.and(self.flush());
        }
        if let Err(error) = outcome {
            // The next update says it.
            self.background_failure.get_or_insert(error);
        }
        self.watch_room();
        let due = self.until_due();
        if let Some(background) = &self.background {
            background.plan(self.time().saturating_add(due));
        }
        due
    }

    /// A socket that has just been found full shall wake who sleeps on the descriptor.
    fn watch_room(&mut self) {
        // It is asked for again by the next poll.
        let _ = self.pump.watch_room();
    }

    /// The program's call has ended: the background pump must not sleep past what it has left.
    #[inline]
    pub(super) fn tell_background(&mut self) {
        if self.background.is_some() {
            self.watch_room();
            let due = self.until_due();
            let due = self.time().saturating_add(due);
            if let Some(background) = &self.background {
                background.expect(due);
            }
        }
    }

    /// The program sleeps in a call, which sees to everything, or does so no longer.
    pub(super) fn set_waiting(&self, waiting: bool) {
        if let Some(background) = &self.background {
            background.set_waiting(waiting);
        }
    }

    /// How long the driver can be left alone if the system has nothing for it.
    pub(super) fn until_due(&mut self) -> Micros {
        let now = self.time();
        self.until_due_within(now, Micros::MAX)
    }

    /// The same from `now` on, `most` at most.
    pub(super) fn until_due_within(&mut self, now: Micros, most: Micros) -> Micros {
        if self.pump.has_ready() {
            return 0;
        }
        let accept = self.until_accept().unwrap_or(Micros::MAX);
        self.until_timer(now, most).min(accept).min(most)
    }

    /// Starts the background pump, if the settings say so. `turn` runs what it is given on the
    /// driver, beside which nobody else works meanwhile.
    ///
    /// # Errors
    /// [`Status::NetworkSocketError`] when the system gives no thread.
    pub(super) fn start_background<P: Send + Sync + 'static>(
        &mut self,
        place: Weak<P>,
        turn: impl Fn(&P, fn(&mut Self) -> Micros) -> Turn + Send + 'static,
    ) -> Result<()> {
        if !self.settings.background_pump || self.background.is_some() {
            return Ok(());
        }
        let started = Background::start(&mut self.pump, move || match place.upgrade() {
            Some(place) => turn(&place, Self::background_turn),
            None => Turn::Over,
        });
        self.background = Some(started.map_err(|error| {
            Error::new(Status::NetworkSocketError, format!("no background pump: {error}"))
        })?);
        Ok(())
    }

    /// Ends the background pump.
    pub(super) fn stop_background(&mut self) {
        self.background = None;
    }

    /// Milliseconds, rounded up, for which a program with a loop of its own may sleep if the
    /// [descriptor](Self::poll_descriptor) does not become readable before; `None` is for ever,
    /// 0 not at all.
    pub fn next_timeout_ms(&mut self) -> Option<u32> {
        if self.has_news() {
            return Some(0);
        }
        if self.can_send_owed_acks() {
            // A flush sends what is owed, once the program had its chance to answer.
            return Some(0);
        }
        self.watch_room();
        let due = self.until_due();
        let millis = due.div_ceil(MICROS_PER_MS);
        (due < Micros::MAX).then(|| u32::try_from(millis).unwrap_or(u32::MAX))
    }

    /// A descriptor of the system that is readable when an update has something to receive, or
    /// when the driver was [woken](Self::waker): for `epoll`, `poll`, `select`, `kqueue`. On
    /// Windows the `HANDLE` of an event that is set then and reset by the update: for
    /// `WaitForMultipleObjects` and what is made of it; there a thread of the driver's sleeps in
    /// the system from the first call on. It is the driver's: it must be neither read, reset nor
    /// closed, and is gone with the driver. Timers do not make it readable; see
    /// [`next_timeout_ms`](Self::next_timeout_ms).
    ///
    /// # Errors
    /// [`Status::NotSupported`] with a background pump, which takes what the descriptor would tell
    /// of; [`Status::NetworkSocketError`] when the system has no thread or event left (Windows).
    pub fn poll_descriptor(&mut self) -> Result<i64> {
        if self.settings.background_pump {
            return Err(Error::new(
                Status::NotSupported,
                "the background pump takes what the descriptor would tell of; use one or the other",
            ));
        }
        self.pump.descriptor().map_err(|error| Error::socket("no descriptor", &error))
    }
}
