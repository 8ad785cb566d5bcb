//! What the session tells those who send packets in it that they send again by themselves: the
//! reliable stages of pipelines. Its window does not hold such packets back.

use super::transmit::VITAL_MIN;
use super::{PROBE_TIMEOUT_MAX, Session};
use crate::proto::session::congestion::Controller as _;
use crate::proto::time::Micros;

impl Session {
    /// Whoever has heard nothing of a packet for so long may take it for lost. The newest round
    /// trip counts: what leaves in vain has its place in the window like anything else.
    #[must_use]
    pub fn patience(&self) -> Micros {
        let latest = self.rtt.latest();
        (latest + latest / 4 + self.peer_ack_delay).min(PROBE_TIMEOUT_MAX)
    }

    /// Datagrams for which the window has room, a few in any case.
    #[must_use]
    pub fn datagrams_free(&self) -> usize {
        let free = self.controller.window().saturating_sub(self.recovery.in_flight());
        (free / u64::from(self.datagram_size)).max(VITAL_MIN) as usize
    }
}
