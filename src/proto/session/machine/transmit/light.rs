//! The datagram that most sessions send most often: what is acknowledged, and the one reliable
//! message that waits.
//!
//! It is what [`poll_any`](Session::poll_any) would have made, or nothing is done.

use std::hint::cold_path;

use super::Allowed;
use crate::proto::session::congestion::Controller as _;
use crate::proto::session::frame::{self, RELIABLE_OVERHEAD, VARINT_SIZE_MAX};
use crate::proto::session::machine::Session;
use crate::proto::session::packet::{LONG_HEADER_SIZE, write_header};
use crate::proto::session::recovery::{Content, Sent};
use crate::proto::session::send_channel::Next;
use crate::proto::session::{DATAGRAM_SIZE_MIN, cost};
use crate::proto::time::Micros;

/// Bytes in front of the message, at most: headers, and an acknowledgement of one range.
const HEAD_SIZE_MAX: usize = LONG_HEADER_SIZE + 5 + 2 * VARINT_SIZE_MAX + RELIABLE_OVERHEAD;

impl Session {
    /// As [`poll_transmit`](Self::poll_transmit), where the path takes datagrams of so many bytes,
    /// if what is appended is such a datagram, and the last one. False: nothing was done.
    #[inline(always)]
    pub fn poll_only(&mut self, now: Micros, path: u16, out: &mut Vec<u8>) -> bool {
        let known = path.clamp(DATAGRAM_SIZE_MIN, self.config.datagram_size_max);
        if self.narrowed || self.failure.is_some() || known != self.datagram_size {
            cold_path();
            return false;
        }
        self.poll_light(now, out)
    }

    /// Appends it; false when it is not what the next datagram holds.
    #[inline(always)]
    pub(super) fn poll_light(&mut self, now: Micros, out: &mut Vec<u8>) -> bool {
        let Some((place, next)) = self.only_reliable() else {
            cold_path();
            return false;
        };
        let fits = HEAD_SIZE_MAX + next.length <= usize::from(self.datagram_size);
        if !fits || self.says_more(now) {
            cold_path();
            return false;
        }
        self.pacer.refill(now, self.controller.window(), self.rtt.smoothed());
        let Allowed { light, .. } = self.allowed();
        if !light || cost(next.length) > self.cost_max.saturating_sub(self.cost_sent) {
            cold_path();
            return false;
        }
        self.write_light(now, place, next, out);
        true
    }

    /// The only reliable message that waits, if it has never left and its channel has no backlog;
    /// and the place of its channel.
    #[inline(always)]
    fn only_reliable(&self) -> Option<(usize, Next)> {
        let mut waiting = self.sending.iter().enumerate().filter(|(_, channel)| !channel.is_sent());
        let (place, channel) = waiting.next()?;
        if waiting.any(|_| true) {
            return None;
        }
        let next = channel.only_new()?;
        (next.length <= self.light_bytes()).then_some((place, next))
    }

    /// Is there more to say than that, or is something about to be found out?
    #[inline(always)]
    fn says_more(&self, now: Micros) -> bool {
        !self.messages.is_empty()
            || self.path_response.is_some()
            || self.ping_due
            || self.short_due
            || self.long_due.is_some()
            || self.probe_due
            || self.blocked_at.is_some()
            || self.grant.repeats > 0
            || self.delivered_reports > 0
            || self.window_news()
            || self.received.has_gaps()
            || self.recovery.is_full()
            || self.doubts_long(now)
            || !self.repairer.rests()
    }

    #[inline(always)]
    fn write_light(&mut self, now: Micros, place: usize, next: Next, out: &mut Vec<u8>) {
        let number = self.recovery.next_number();
        let start = out.len();
        out.reserve(HEAD_SIZE_MAX + next.length);
        write_header(out, self.config.token, number, self.recovery.distinct_from(now));
        if self.received.has_news() {
            self.received.report(now, |delay, ranges| frame::write_ack(out, delay, ranges));
        }
        let channel = &mut self.sending[place];
        frame::write_reliable_head(out, channel.id, next.sequence as u16, None);
        let [data, rest] = channel.data(next.sequence);
        out.extend_from_slice(data);
        if !rest.is_empty() {
            cold_path();
            out.extend_from_slice(rest);
        }
        channel.handle_sent(next.sequence, number);
        channel.served = self.datagrams;
        self.recovery.carry(Content { channel: place as u8, first: next.sequence, count: 1 }, 0);
        self.cost_sent += cost(next.length);
        self.repairer.handle_sent(next.length + RELIABLE_OVERHEAD, &self.rtt);
        let size = out.len() - start;
        self.handle_sent(now, Sent { size, asks: true, vital: true }, false);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::session::{ChannelSet, Config, Output};

    const TOKEN: [u8; 8] = [7; 8];

    #[derive(Default)]
    struct Taken(Vec<Vec<u8>>);

    impl Output for Taken {
        fn message(&mut self, _: u8, data: &[u8]) {
            self.0.push(data.to_vec());
        }

        fn reliable(&mut self, _: u8, data: &[u8]) {
            self.0.push(data.to_vec());
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Send { end: usize, channel: u8, size: usize },
        SendLossy { end: usize, size: usize },
        Flush { end: usize, lost: bool },
        Answered { end: usize },
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let end = || 0..2usize;
        prop_oneof![
            6 => (end(), 1..3u8, 0..1400usize)
                .prop_map(|(end, channel, size)| Step::Send { end, channel, size }),
            1 => (end(), 0..99usize).prop_map(|(end, size)| Step::SendLossy { end, size }),
            8 => (end(), proptest::bool::weighted(0.1))
                .prop_map(|(end, lost)| Step::Flush { end, lost }),
            2 => end().prop_map(|end| Step::Answered { end }),
            4 => (0..60_000u64).prop_map(Step::Wait),
        ]
    }

    fn session() -> Session {
        let mut reliable = ChannelSet::default();
        reliable.insert(1);
        reliable.insert(2);
        Session::new(0, Config { reliable, ..Config::new(TOKEN) })
    }

    /// What two sessions have sent and delivered in the course of these steps, what they are then,
    /// and how many datagrams the short way has made.
    fn run(steps: &[Step], short: bool) -> (Vec<Vec<u8>>, String, usize) {
        let mut ends = [session(), session()];
        let (mut now, mut all, mut taken) = (1000, Taken::default(), 0);
        for step in steps {
            match *step {
                Step::Send { end, channel, size } => {
                    let message = vec![size as u8; size.min(ends[end].reliable_size_max())];
                    let _ = ends[end].send_reliable(channel, 0, &[&message]);
                }
                Step::SendLossy { end, size } => {
                    let _ = ends[end].send_message(9, &[&vec![size as u8; size]]);
                }
                Step::Flush { end, lost } => loop {
                    let mut out = Vec::new();
                    if short && ends[end].poll_light(now, &mut out) {
                        taken += 1;
                    } else if !ends[end].poll_any(now, &mut out) {
                        break;
                    }
                    if !lost {
                        ends[1 - end].handle_datagram(now + 10, &out, &mut all);
                    }
                    all.0.push(out);
                },
                Step::Answered { end } => ends[end].handle_answered(),
                Step::Wait(time) => now += time,
            }
            for end in &mut ends {
                if end.next_timeout().is_some_and(|due| due <= now) {
                    end.handle_timeout(now);
                }
            }
        }
        (all.0, format!("{ends:?}"), taken)
    }

    proptest! {
        #[test]
        fn the_short_way_does_what_the_long_one_does(
            steps in proptest::collection::vec(step(), 1..80),
        ) {
            let (short, long) = (run(&steps, true), run(&steps, false));
            prop_assert_eq!((short.0, short.1), (long.0, long.1));
        }
    }

    #[test]
    fn one_message_at_a_time_leaves_by_the_short_way() {
        let send = Step::Send { end: 0, channel: 1, size: 40 };
        let steps = [send, Step::Flush { end: 0, lost: false }].repeat(9);
        assert_eq!(run(&steps, true).2, 9);
    }
}
