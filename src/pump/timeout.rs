//! What ends a sleep on the poll in time.
//!
//! For each sleep with an end the system sets a timer and cancels it. On Linux a busy driver sleeps
//! without one: a timer of its own, which the poll reports, rings by then, and is set anew only
//! when it has rung or would ring too late. So it may wake a sleeper too early, who looks at the
//! clock and sleeps on; what is to be done when it rings, nobody here knows.

use crate::proto::time::Micros;

/// How long a poll may sleep.
#[derive(Clone, Copy)]
pub struct Sleep {
    /// What the clock shows now.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "there is no timer to set"))]
    pub now: Micros,
    /// For so long at most.
    pub most: Micros,
}

impl Sleep {
    /// Not at all.
    pub const NONE: Self = Self { now: 0, most: 0 };

    /// Not at all?
    pub const fn is_none(self) -> bool {
        self.most == 0
    }
}

#[cfg(target_os = "linux")]
pub use linux::Timeout;
#[cfg(not(target_os = "linux"))]
pub use other::Timeout;

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};
    use std::time::Duration;

    use mio::{Registry, Token};
    use rustix::event::epoll;
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };

    use super::Sleep;
    use crate::proto::time::Micros;

    /// The timer.
    #[derive(Default)]
    pub struct Timeout {
        /// Made when it is used first.
        timer: Option<OwnedFd>,
        /// The system gives none.
        refused: bool,
        rings_at: Micros,
    }

    impl Timeout {
        /// For how long the poll is to sleep so that it ends in time; `None` is until something
        /// is reported.
        #[inline]
        pub fn limit(
            &mut self,
            registry: &Registry,
            token: Token,
            sleep: Sleep,
        ) -> Option<Duration> {
            let end = sleep.now.saturating_add(sleep.most);
            if sleep.now < self.rings_at && self.rings_at <= end {
                return None;
            }
            self.set(registry, token, sleep)
        }

        /// The poll has reported it.
        pub const fn handle_ring(&mut self) {
            self.rings_at = 0;
        }

        #[inline(never)]
        fn set(&mut self, registry: &Registry, token: Token, sleep: Sleep) -> Option<Duration> {
            let most = Duration::from_micros(sleep.most);
            if self.refused {
                return Some(most);
            }
            if self.ring_after(registry, token, most).is_err() {
                *self = Self { refused: true, ..Self::default() };
                return Some(most);
            }
            self.rings_at = sleep.now.saturating_add(sleep.most);
            None
        }

        fn ring_after(
            &mut self,
            registry: &Registry,
            token: Token,
            most: Duration,
        ) -> io::Result<()> {
            let timer = match &self.timer {
                Some(timer) => timer,
                None => {
                    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
                    let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
                    let data = epoll::EventData::new_u64(token.0 as u64);
                    // Each ring is one report, so it needs not be read.
                    let events = epoll::EventFlags::IN | epoll::EventFlags::ET;
                    epoll::add(registry.as_fd(), &timer, data, events)?;
                    self.timer.insert(timer)
                }
            };
            let never = Timespec { tv_sec: 0, tv_nsec: 0 };
            let once = Itimerspec {
                it_interval: never,
                it_value: Timespec::try_from(most).map_err(io::Error::other)?,
            };
            timerfd_settime(timer, TimerfdTimerFlags::empty(), &once)?;
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::time::Duration;

    use mio::{Registry, Token};

    use super::Sleep;

    /// There is no timer.
    #[derive(Default)]
    pub struct Timeout(());

    impl Timeout {
        /// For how long the poll is to sleep so that it ends in time.
        pub fn limit(&mut self, _: &Registry, _: Token, sleep: Sleep) -> Option<Duration> {
            Some(Duration::from_micros(sleep.most))
        }

        /// The poll has reported it, which cannot be.
        pub const fn handle_ring(&mut self) {}
    }
}
