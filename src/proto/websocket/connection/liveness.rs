//! Signs of life: pings, pongs, silence, and the timers of the closing handshake. It must not
//! write frames or read them: it says when a ping is due and when the peer is given up.

use super::super::frame::CONTROL_PAYLOAD_MAX;
use super::{CloseState, UNMEASURED, WebSocket};
use crate::proto::time::Micros;

impl WebSocket {
    /// What the peer sent is held back on purpose, so its silence means nothing.
    pub const fn handle_held_back(&mut self, now: Micros) {
        self.received_at = now;
        self.awaiting = false;
        // A pong would not be seen in its time.
        self.ping_at = now;
        self.timing = false;
    }

    /// Lets time pass: pings when it is due, gives up when a timer expired.
    pub fn handle_timeout(&mut self, now: Micros) {
        if self.next_timeout().is_none_or(|due| now < due) {
            return;
        }
        let over = self.given_up_at().is_some_and(|due| due <= now);
        if self.state == CloseState::Open && !over {
            self.ping_due = true;
            if let Some(rare) = &mut self.rare {
                rare.awaited = Box::default();
            }
            self.start_timing(now);
            return;
        }
        self.state = CloseState::TimedOut;
        self.close_queued = false;
        self.rare = None;
        self.forget_input();
    }

    /// A ping waits for a sign of life.
    #[must_use]
    pub const fn is_awaiting(&self) -> bool {
        self.awaiting
    }

    fn start_timing(&mut self, now: Micros) {
        self.ping_at = now;
        self.awaiting = true;
        self.timing = true;
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Micros> {
        match self.state {
            CloseState::Open => earlier(self.given_up_at(), self.ping_due_at()),
            CloseState::CloseSent | CloseState::CloseReceived => {
                (self.config.close_timeout > 0).then_some(self.deadline)
            }
            CloseState::Closed | CloseState::TimedOut => None,
        }
    }

    /// When an open connection without any further sign of life is over.
    fn given_up_at(&self) -> Option<Micros> {
        let pong = after(self.ping_at, self.config.pong_timeout).filter(|_| self.awaiting);
        let silence = after(self.received_at, self.config.silence_timeout);
        let silence = if self.config.probes_silence {
            // A ping that left late, because nobody looked, has its time as well.
            let answer = self.ping_at.saturating_add(self.config.silence_timeout / 2);
            silence.map(|silence| silence.max(answer)).filter(|_| self.awaiting)
        } else {
            silence
        };
        earlier(pong, silence)
    }

    /// When the next ping is due.
    fn ping_due_at(&self) -> Option<Micros> {
        if self.awaiting {
            return None;
        }
        let since = if self.config.pings_in_silence_only { self.received_at } else { self.ping_at };
        let regular = after(since, self.config.ping_interval);
        let probe = after(self.received_at, self.config.silence_timeout / 2);
        earlier(regular, probe.filter(|_| self.config.probes_silence))
    }

    /// Queues a ping whose round trip is not measured (no time comes in here).
    ///
    /// # Errors
    /// When the payload is longer than 125 bytes, a ping still waits to be sent, or the connection
    /// is not open.
    pub fn send_ping(&mut self, payload: &[u8]) -> Result<(), &'static str> {
        if self.state != CloseState::Open {
            return Err("the connection is not open");
        }
        if payload.len() > CONTROL_PAYLOAD_MAX {
            return Err("a ping carries at most 125 bytes");
        }
        let rare = self.rare_mut();
        if rare.ping.is_some() {
            return Err("a ping still waits to be sent");
        }
        rare.ping = Some(payload.into());
        Ok(())
    }

    /// Queues a ping as [`send_ping`](Self::send_ping) does, measures its round trip and, with a
    /// pong timeout, gives up when nothing arrives after it.
    ///
    /// # Errors
    /// As [`send_ping`](Self::send_ping).
    pub fn send_timed_ping(&mut self, now: Micros, payload: &[u8]) -> Result<(), &'static str> {
        self.send_ping(payload)?;
        self.rare_mut().awaited = payload.into();
        self.start_timing(now);
        Ok(())
    }

    /// Was a ping written since this was asked last?
    pub const fn take_written_ping(&mut self) -> bool {
        std::mem::replace(&mut self.ping_written, false)
    }

    /// The last ping that was written leaves, or what is in front of it does: until then the peer
    /// cannot answer, so its time, and the round trip, begin now. Whoever never calls this has them
    /// begin when the ping was due.
    pub const fn handle_ping_leaving(&mut self, now: Micros) {
        if self.awaiting || self.timing {
            self.ping_at = now;
        }
    }

    /// A pong came; the one that answers the last ping measures the round trip.
    pub(super) fn measure(&mut self, payload: &[u8]) {
        let awaited = self.rare.as_ref().map_or(&[][..], |rare| &rare.awaited);
        if self.timing && payload == awaited {
            let passed = self.received_at.saturating_sub(self.ping_at);
            self.round_trip = u32::try_from(passed).unwrap_or(u32::MAX).min(UNMEASURED - 1);
            self.timing = false;
            self.drop_rare();
        }
    }

    /// Time from the last measured ping to its pong.
    #[must_use]
    pub fn round_trip(&self) -> Option<Micros> {
        (self.round_trip != UNMEASURED).then(|| Micros::from(self.round_trip))
    }
}

/// The end of a period; none for one that never ends.
fn after(since: Micros, period: Micros) -> Option<Micros> {
    (period > 0).then(|| since.saturating_add(period))
}

fn earlier(one: Option<Micros>, other: Option<Micros>) -> Option<Micros> {
    one.into_iter().chain(other).min()
}
