//! When a session wants to be asked. It must not change anything.

use super::{BACKOFF_MAX, PROBE_TIMEOUT_MAX, Session};
use crate::proto::session::congestion::Controller as _;
use crate::proto::session::send_channel::SendChannel;
use crate::proto::time::{Micros, earliest};

impl Session {
    #[inline]
    pub(super) fn probe_timeout(&self) -> Micros {
        let first = self.rtt.probe_timeout(self.peer_ack_delay);
        if self.probe_count == 0 {
            return first;
        }
        (first << self.probe_count.min(BACKOFF_MAX)).min(first.max(PROBE_TIMEOUT_MAX))
    }

    /// When the peer is asked, because it is silent.
    #[inline]
    pub(super) fn probe_time(&self) -> Option<Micros> {
        let since = self.recovery.last_vital();
        (self.recovery.vital() > 0).then(|| since.saturating_add(self.probe_timeout()))
    }

    /// When [`handle_timeout`](Self::handle_timeout) and then
    /// [`poll_transmit`](Self::poll_transmit) have something to do that does not follow from a
    /// call of the program or a datagram.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Micros> {
        earliest([self.ack_timeout(), self.next_timeout_besides_acks()])
    }

    /// When an acknowledgement must leave, if nothing does before.
    #[must_use]
    pub const fn ack_timeout(&self) -> Option<Micros> {
        self.received.next_timeout()
    }

    /// Is an acknowledgement owed, now or later?
    #[must_use]
    pub const fn owes(&self) -> bool {
        !self.received.is_quiet()
    }

    /// As [`next_timeout`](Self::next_timeout), but for acknowledgements.
    #[must_use]
    pub fn next_timeout_besides_acks(&self) -> Option<Micros> {
        let mut first = earliest([self.recovery.loss_time(), self.blocked_at]);
        if !self.probe_due
            && let Some(probe) = self.probe_time()
        {
            first = earliest([first, Some(probe)]);
        }
        // Whatever the pacer keeps back waits for it.
        if !self.sending.iter().all(SendChannel::is_sent) {
            first = earliest([first, self.pacer_timeout()]);
        }
        first
    }

    #[cold]
    fn pacer_timeout(&self) -> Option<Micros> {
        self.waits_for_pacer()
            .then(|| self.pacer.next_timeout(self.controller.window(), self.rtt.smoothed()))
    }

    /// Is nothing under way or waited for? Then there is [no deadline](Self::next_timeout) but that
    /// of an acknowledgement.
    #[must_use]
    #[inline]
    pub fn awaits_nothing(&self) -> bool {
        self.recovery.vital() == 0
            && self.recovery.loss_time().is_none()
            && self.blocked_at.is_none()
            && self.sending.iter().all(SendChannel::is_sent)
    }
}
