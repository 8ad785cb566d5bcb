//! What threads did while they shared the driver is done in earnest, by one who has it to himself.
//!
//! Events that were shown are popped, messages that were staged are sent, refusals are noted: all
//! by the ways that everybody else takes.

use super::super::connections::Link;
use super::super::{Connection, DisconnectReason, Ending, MessageKind, NetworkDriver};
use super::lane::Staging;
use super::records::Record;
use crate::error::{Error, Result};
use crate::log::note;

/// RFC 6455 section 7.4.1: something unexpected kept this side from going on.
const CODE_INTERNAL: u16 = 1011;

impl NetworkDriver {
    /// Does what threads that shared the driver have left to do. Next to nothing when none did.
    #[inline]
    pub(in crate::driver) fn settle_lanes(&mut self) {
        if self.is_touched() {
            self.settle_touched();
        }
    }

    /// Is there something to settle, or did a thread fail that shared the driver?
    #[inline]
    pub(in crate::driver) fn is_touched(&mut self) -> bool {
        !self.lanes.is_settled()
    }

    #[cold]
    pub(in crate::driver) fn settle_touched(&mut self) {
        let mut list = self.lanes.take_touched();
        for &index in &list {
            self.settle_lane(index);
        }
        list.clear();
        self.lanes.spare = list;
        self.lanes.batch.reset();
    }

    fn settle_lane(&mut self, index: u32) {
        let Some(lane) = self.lanes.own(index) else { return };
        lane.touched = false;
        lane.cursor = None;
        lane.courses = Default::default();
        let shown = std::mem::take(&mut lane.shown);
        let mut refused = std::mem::take(&mut lane.refused);
        let crowded = std::mem::take(&mut lane.crowded);
        let mut blocked = std::mem::take(&mut lane.blocked);
        let mut staging = std::mem::take(&mut lane.staging);
        let opens = !lane.sends.is_idle() && !std::mem::replace(&mut lane.listed, true);
        if opens {
            self.lanes.open.push(index);
        }
        for _ in 0..shown {
            self.pop_shown(index);
        }
        self.send_staged(index, &mut staging);
        for pipeline in blocked.drain(..) {
            self.refuse_for_window(index, pipeline);
            refused -= 1;
        }
        if crowded {
            self.refuse(index);
            refused -= 1;
        }
        // Each of these has counted one.
        self.count_refused(index, refused);
        if let Some(lane) = self.lanes.own(index) {
            (lane.staging, lane.blocked) = (staging, blocked);
        }
        self.lanes.keep(index, self.now);
    }

    #[inline(never)]
    fn send_staged(&mut self, index: u32, staging: &mut Staging) {
        let connection = self.connections.peek(index).connection(index);
        for Record { pipeline, kind, data } in staging.records.iter() {
            let sent = match pipeline {
                0 => self.send_without(connection, kind, data),
                _ => self.send_within_apart(connection, pipeline, kind, data),
            };
            if let Err(error) = sent {
                self.lose_staged(connection, pipeline, &error);
            }
        }
        staging.clear();
    }

    /// As [`send_within`](Self::send_within), so that what has no pipeline pays nothing for it.
    #[inline(never)]
    fn send_within_apart(
        &mut self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> Result<()> {
        self.send_within(connection, pipeline, kind, data)
    }

    fn count_refused(&mut self, index: u32, count: u64) {
        self.connections.at(index).traffic.refused_out += count;
        self.statistics.refused_out += count;
    }

    /// A message that was accepted cannot be sent, because a stage or an extension of the program
    /// has refused it. What may be lost is lost; otherwise the connection ends, so that nothing is
    /// lost without a word.
    #[cold]
    fn lose_staged(&mut self, connection: Connection, pipeline: u8, error: &Error) {
        note!(Error, "an accepted message to {connection:?} cannot be sent: {}", error.text());
        let Ok(index) = self.connections.resolve(connection) else { return };
        let link = self.connections.peek(index).link;
        let stream = matches!(link, Link::Stream(_));
        if !stream && !self.is_carried(pipeline) {
            self.count_refused(index, 1);
            return;
        }
        let text = format!("an accepted message cannot be sent: {}", error.text());
        let ending = Ending {
            close_code: CODE_INTERNAL,
            ..Ending::with_text(DisconnectReason::ProtocolError, text)
        };
        if let Some(utp) = &mut self.connections.at(index).utp {
            utp.disconnect();
        }
        self.transmit_control(index);
        match link {
            Link::Stream(id) => {
                self.part(id, ending);
                self.start_closing(id, Some(CODE_INTERNAL), b"");
            }
            _ => self.end(index, ending),
        }
    }

    /// Aborts what was begun in lanes before an update and never ended.
    pub(in crate::driver) fn abort_lane_sends(&mut self) {
        while let Some(index) = self.lanes.open.pop() {
            if let Some(lane) = self.lanes.own(index) {
                lane.listed = false;
                lane.sends.abort(|connection| {
                    note!(Error, "a send to {connection:?} was begun and never ended");
                });
            }
            // One that was let go of with a send open could not be forgotten then.
            if !self.connections.peek(index).is_live() {
                self.lanes.forget(index);
            }
        }
    }
}
