//! What a server's operator wants to tell apart: one counter for each cause of an end.
//!
//! It counts and decides nothing.

use super::stream::CODE_ABNORMAL;
use super::streams::Phase;
use super::{DisconnectReason, Ending, NetworkDriver};
use crate::pump::StreamId;

/// Why a client got no connection. The sum of their counters is `handshakes_failed`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum HandshakeFailure {
    /// The request head was larger than `head_size_max`, or had too many headers.
    TooLarge,
    /// The request, or what followed the 101, broke a rule.
    Malformed,
    /// Nothing is served at the path.
    NotFound,
    /// It was not over in time.
    TimedOut,
    /// The client left.
    Abandoned,
    /// It made room for a newcomer.
    Displaced,
    /// Too many bytes of documents were under way.
    Overloaded,
    /// TLS failed.
    Tls,
    /// The origin, the program or the lack of a trusted proxy spoke against it.
    Refused,
    /// The program did not answer it.
    Unanswered,
}

impl HandshakeFailure {
    /// The cause behind the status of an answer.
    pub(super) const fn of_status(status: u16) -> Self {
        match status {
            431 => Self::TooLarge,
            404 => Self::NotFound,
            503 => Self::Overloaded,
            _ => Self::Malformed,
        }
    }
}

impl NetworkDriver {
    /// A handshake failed.
    pub(super) const fn count_failure(&mut self, why: HandshakeFailure) {
        let statistics = &mut self.statistics;
        statistics.handshakes_failed += 1;
        let counter = match why {
            HandshakeFailure::TooLarge => &mut statistics.handshakes_too_large,
            HandshakeFailure::Malformed => &mut statistics.handshakes_malformed,
            HandshakeFailure::NotFound => &mut statistics.handshakes_not_found,
            HandshakeFailure::TimedOut => &mut statistics.handshakes_timed_out,
            HandshakeFailure::Abandoned => &mut statistics.handshakes_abandoned,
            HandshakeFailure::Displaced => &mut statistics.handshakes_displaced,
            HandshakeFailure::Overloaded => &mut statistics.handshakes_overloaded,
            HandshakeFailure::Tls => &mut statistics.tls_failures,
            HandshakeFailure::Refused => &mut statistics.handshakes_refused,
            HandshakeFailure::Unanswered => &mut statistics.handshakes_unanswered,
        };
        *counter += 1;
    }

    /// A client goes before it had a connection.
    pub(super) fn count_failed_handshake(&mut self, id: StreamId, why: HandshakeFailure) {
        let phase = self.streams.get(id).map(|state| state.phase);
        let early = [Phase::ProxyHeader, Phase::RequestHead, Phase::Asking, Phase::Undecided];
        if phase.is_some_and(|phase| early.contains(&phase)) {
            self.count_failure(why);
        }
    }

    /// A peer broke the WebSocket protocol, and its stream is closed with this code.
    pub(super) const fn count_violation(&mut self, code: u16) {
        self.statistics.protocol_errors += 1;
        match code {
            1007 => self.statistics.payloads_invalid += 1,
            1009 => self.statistics.messages_too_big += 1,
            _ => {}
        }
    }

    /// A connection ends.
    pub(super) fn count_end(&mut self, ending: &Ending) {
        if ending.reason == DisconnectReason::Timeout {
            self.statistics.connections_timed_out += 1;
        } else if ending.close_code == CODE_ABNORMAL && ending.reason != DisconnectReason::Default {
            self.statistics.connections_lost += 1;
        }
    }
}
