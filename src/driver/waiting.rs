//! Sleeping until there is something to show. Meanwhile what cannot wait for the program is served.

use std::time::Duration;

use super::NetworkDriver;
use crate::error::Result;
use crate::proto::time::{MICROS_PER_MS, Micros};

/// A program that waits again so soon after its last update is busy with what arrives.
const BUSY_WITHIN: Micros = 4 * MICROS_PER_MS;

impl NetworkDriver {
    /// Sleeps until an update would bring an event, a connection or a request, until
    /// [`waker`](Self::waker) is used, or until the time is over.
    /// Meanwhile keep-alives and pongs are served. True when an update has something to show.
    ///
    /// A program that comes back within milliseconds of its last update, because much arrives, gets
    /// what some of its sockets have, answers that, and gets the others' with the next call. One
    /// that comes once per frame gets everything.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn wait(&mut self, timeout_ms: u32) -> Result<bool> {
        self.set_waiting(true);
        let outcome = self.sleep_for_news(timeout_ms);
        self.set_waiting(false);
        outcome
    }

    fn sleep_for_news(&mut self, timeout_ms: u32) -> Result<bool> {
        let start = self.pump.clock.now();
        let mut just_read = Some(start);
        let end = start + Micros::from(timeout_ms) * MICROS_PER_MS;
        self.pump.few = self.updated && start.saturating_sub(self.update_clock) < BUSY_WITHIN;
        // What the program has popped may have made room for more.
        self.deliver_stalled();
        self.flush_at(start)?;
        while !self.has_news() {
            if self.owes_acks() {
                // There is nothing that the program could answer.
                self.show_owed_acks();
                self.flush()?;
            }
            let clock = just_read.take().unwrap_or_else(|| self.pump.clock.now());
            let (rest, now) = (end.saturating_sub(clock), self.time_at(clock));
            // The background pump may have taken a wake before.
            let sleep = if self.woken { 0 } else { self.until_due_within(now, rest) };
            self.cycle(Some(Duration::from_micros(sleep)))?;
            self.polled = true;
            if rest == 0 || std::mem::take(&mut self.woken) {
                break;
            }
        }
        Ok(self.has_news())
    }

    pub(super) fn has_news(&self) -> bool {
        // A close that the program was asked about goes on with the next update.
        let asked = !self.asked.is_empty();
        asked
            || self.events.has_news()
            || self.accept_news
            || self.settle_news
            || self.requests.news
            || self.farewell_news
    }

    /// How long it is from `now` until the next timer, or until a broken socket is tried again, if
    /// that is less than `most`. With a fixed frame time only updates move time.
    pub(super) fn until_timer(&mut self, now: Micros, most: Micros) -> Micros {
        let retry = self.pump.until_retry().unwrap_or(Micros::MAX);
        if self.settings.fixed_frame_time_ms > 0 {
            return retry;
        }
        let simulator = self.simulator.as_ref().and_then(|simulator| simulator.send.next_timeout());
        let next = self.settle_timers(now.saturating_add(most));
        let next = next.into_iter().chain(simulator).min();
        next.map_or(retry, |next| next.saturating_sub(now).min(retry))
    }
}
