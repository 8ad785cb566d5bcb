//! Sleeping until there is something to show. Meanwhile what cannot wait for the program is served.

use super::NetworkDriver;
use crate::error::Result;
use crate::proto::time::{MICROS_PER_MS, Micros};
use crate::pump::Sleep;

/// A program whose waits begin so soon after each other is busy with what arrives: what a few
/// sockets bring does not take longer, compressed messages included.
const BACK_SOON: Micros = 3 * MICROS_PER_MS;
/// For so long an update after a wait need not ask the system again: longer than it takes to take
/// in what one wait brings.
const POLL_LASTS: Micros = 8 * MICROS_PER_MS;
/// For no longer a few sockets at a time go in front of the others.
const TURN_MAX: Micros = 16 * MICROS_PER_MS;

impl NetworkDriver {
    /// Sleeps until an update would bring an event, a connection or a request, until
    /// [`waker`](Self::waker) is used, or until the time is over.
    /// Meanwhile keep-alives and pongs are served. True when an update has something to show.
    ///
    /// A program that is busy with what arrives, because its last wait began less than 3 ms ago,
    /// gets what some of its sockets have, answers that, and gets the others' with the next calls,
    /// 16 ms later at most unless more than 1024 wait. One that comes once per frame, or that
    /// sleeps for long, gets everything.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn wait(&mut self, timeout_ms: u32) -> Result<bool> {
        let outcome = self.wait_and_tell(timeout_ms);
        self.woken = false;
        outcome
    }

    /// Would an update bring something now, and was the driver woken since the last wait?
    pub(super) fn look_for_news(&mut self) -> Result<(bool, bool)> {
        let news = self.wait_and_tell(0)?;
        Ok((news, std::mem::take(&mut self.woken)))
    }

    fn wait_and_tell(&mut self, timeout_ms: u32) -> Result<bool> {
        self.set_waiting(true);
        let outcome = self.sleep_for_news(timeout_ms);
        self.set_waiting(false);
        outcome
    }

    fn sleep_for_news(&mut self, timeout_ms: u32) -> Result<bool> {
        let start = self.pump.clock.now();
        let mut just_read = Some(start);
        let end = start + Micros::from(timeout_ms) * MICROS_PER_MS;
        self.pump.busy = self.is_busy(start);
        self.last_wait = start;
        self.pump.few = self.pump.busy && start.saturating_sub(self.all_taken) < TURN_MAX;
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
            let most = if self.woken { 0 } else { self.until_due_within(now, rest) };
            self.cycle(Sleep { now: clock, most })?;
            self.polled = true;
            if rest == 0 || self.woken {
                break;
            }
        }
        Ok(self.has_news())
    }

    /// Is the program back so soon that some sockets may wait for its next call?
    const fn is_busy(&self, clock: Micros) -> bool {
        self.settings.fixed_frame_time_ms == 0 && clock.saturating_sub(self.last_wait) < BACK_SOON
    }

    /// Was the system asked what is ready so short a time before the update that asking again
    /// would only cost a call?
    pub(super) const fn has_just_polled(&self) -> bool {
        self.last_clock.saturating_sub(self.last_poll) < POLL_LASTS
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{BACK_SOON, NetworkDriver, POLL_LASTS, TURN_MAX};
    use crate::proto::endpoint::NetworkEndpoint;
    use crate::pump::UdpSocket;
    use crate::settings::{InterfaceKind, InterfaceSettings, NetworkSettings};

    /// More sockets than a busy program gets at once.
    const SOCKETS: u64 = 96;
    const INTERFACES: u64 = 8;

    /// A driver whose clock stands still, and that has just taken all; at each of its sockets a
    /// client asks to be connected.
    fn crowd() -> (NetworkDriver, Arc<AtomicU64>) {
        let mut driver = NetworkDriver::new(&NetworkSettings::default()).expect("starts");
        let clock = Arc::new(AtomicU64::new(driver.pump.clock.now()));
        driver.pump.clock.shown = Some(Arc::clone(&clock));
        for interface in 0..INTERFACES {
            driver.add_interface(InterfaceSettings::new(InterfaceKind::Udp)).expect("is added");
            for _ in 0..SOCKETS / INTERFACES {
                let any = NetworkEndpoint::loopback_ipv4(0);
                driver.bind(interface as u32, &any).expect("binds");
            }
        }
        driver.listen().expect("listens");
        driver.update().expect("updates");
        let any = "127.0.0.1:0".parse().expect("is an address");
        let mut client = UdpSocket::bind(any, false).expect("binds");
        for socket in 0..SOCKETS {
            let request = [&b"UTP\x01\x01"[..], &(socket + 1).to_le_bytes()].concat();
            client.queue(driver.pump.udp[socket as usize].local(), b"", &request);
            while client.has_queued() {
                client.flush().expect("sends");
            }
        }
        // It has waited just now.
        driver.last_wait = clock.load(Ordering::Relaxed);
        (driver, clock)
    }

    fn seen(driver: &NetworkDriver) -> u64 {
        driver.statistics().connections_incoming
    }

    #[test]
    fn a_busy_program_gets_its_sockets_in_turns() {
        let (mut driver, _clock) = crowd();
        assert!(driver.wait(1000).expect("waits"));
        let first = seen(&driver);
        driver.update().expect("updates");
        assert_eq!(seen(&driver), first, "the wait has just asked");
        assert!(driver.wait(1000).expect("waits"));
        assert!(seen(&driver) > first || first == SOCKETS, "the next ones");
    }

    #[test]
    fn no_socket_is_left_aside_for_long_however_busy_the_program_is() {
        let (mut driver, clock) = crowd();
        clock.fetch_add(TURN_MAX, Ordering::Relaxed);
        // It was back soon each time.
        driver.last_wait = clock.load(Ordering::Relaxed);
        assert!(driver.wait(1000).expect("waits"));
        assert_eq!(seen(&driver), SOCKETS);
    }

    #[test]
    fn an_update_long_after_its_wait_takes_all() {
        let (mut driver, clock) = crowd();
        assert!(driver.wait(1000).expect("waits"));
        clock.fetch_add(POLL_LASTS, Ordering::Relaxed);
        driver.update().expect("updates");
        assert_eq!(seen(&driver), SOCKETS);
    }

    #[test]
    fn a_program_that_comes_once_per_frame_gets_all_with_each_wait() {
        let (mut driver, clock) = crowd();
        clock.fetch_add(BACK_SOON, Ordering::Relaxed);
        assert!(driver.wait(1000).expect("waits"));
        assert_eq!(seen(&driver), SOCKETS);
    }
}
