//! A message that may be lost and is all that there is to say: it leaves as a Data packet of Unity
//! Transport, of which neither side keeps account.

use std::hint::cold_path;

use super::Session;
use super::messages::Queued;
use crate::proto::session::DATAGRAM_SIZE_MIN;
use crate::proto::session::frame::MESSAGE_OVERHEAD;
use crate::proto::session::packet::SHORT_HEADER_SIZE;
use crate::proto::time::Micros;
use crate::proto::utp::packet::{DATA_HEADER_SIZE, data_header};

impl Session {
    /// As [`poll_transmit`](Self::poll_transmit), for a session that has one message that may be
    /// lost and nothing under way or to say besides: `write` gets its header and its bytes, in two
    /// parts, and says whether it took them. False when it is not so. Such a session has no
    /// deadline then.
    #[inline(always)]
    pub fn poll_alone(
        &mut self,
        now: Micros,
        write: impl FnOnce([u8; DATA_HEADER_SIZE], [&[u8]; 2]) -> bool,
    ) -> bool {
        // A quiet one has no reliable message that waits.
        let alone = self.is_quiet() && !self.narrowed && self.has_one_message_alone(now);
        if !alone {
            cold_path();
        }
        alone && self.take_alone(write)
    }

    /// Is one message that may be lost all that there is to say, when no reliable one's turn is it?
    #[inline(always)]
    pub(super) fn has_one_message_alone(&self, now: Micros) -> bool {
        self.messages.len() == 1
            && !self.messages.front().is_some_and(|queued| self.watches(queued))
            && self.path_response.is_none()
            && !self.ping_due
            && self.long_due.is_none()
            && !self.received.is_due(now)
            && self.blocked_at.is_none()
            && self.grant.repeats == 0
            // Without a reliable channel the peer has no use for more.
            && (self.receiving.is_empty() || !self.window_news())
    }

    /// Must it be noticed if a message is too long for the path? Then it is not sent alone.
    fn watches(&self, queued: &Queued) -> bool {
        let size = usize::from(queued.length) + MESSAGE_OVERHEAD + SHORT_HEADER_SIZE;
        size > usize::from(DATAGRAM_SIZE_MIN) && self.config.resent.contains(queued.pipeline)
    }

    /// Gives it away as a Data packet of Unity Transport: shorter, and neither side keeps account
    /// of it. False: `write` did not take it.
    #[inline(always)]
    fn take_alone(
        &mut self,
        write: impl FnOnce([u8; DATA_HEADER_SIZE], [&[u8]; 2]) -> bool,
    ) -> bool {
        let Some(&Queued { pipeline, length, position, .. }) = self.messages.front() else {
            return false;
        };
        let parts = self.message_bytes.get(position, usize::from(length));
        let taken = write(data_header(self.config.token, pipeline), parts);
        if taken {
            // It is the only one.
            self.messages.clear();
            self.message_bytes.clear();
            self.statistics.messages_alone_out += 1;
        }
        taken
    }

    /// The same at the end of `out`.
    pub(super) fn write_alone(&mut self, out: &mut Vec<u8>) -> bool {
        self.take_alone(|head, parts| {
            out.extend_from_slice(&head);
            parts.iter().for_each(|part| out.extend_from_slice(part));
            true
        })
    }
}
