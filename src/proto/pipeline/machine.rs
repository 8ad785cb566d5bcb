//! One connection's end of one pipeline.

use super::buffer::{Packet, Pool};
use super::chain::{self, Context, Stage};
use super::config::{PipelineConfig, StageConfig};
use super::reliable::Reliable;
use super::reliable::header::ShortHeader;
use super::statistics::StageStatistics;
use super::{Outlook, Output, PacketError, SendError};
use crate::proto::time::Micros;

/// What a packet may have until the first message says it: fits every carrier.
const PACKET_MAX_INITIAL: usize = 1000;
/// Rounds through the stages for one timeout.
const PASSES_MAX: usize = 4;

/// One connection's end of one pipeline.
#[derive(Debug)]
pub struct Pipeline {
    stages: Vec<Stage>,
    pool: Pool,
    packet_max: usize,
    /// The most that this ever was: what is held back may be as long.
    packet_most: usize,
}

/// A pipeline of a ReliableSequenced stage alone that is about to send.
pub struct Alone<'a> {
    stage: &'a mut Reliable,
    size: usize,
}

impl Alone<'_> {
    /// Bytes of the header.
    #[inline(always)]
    #[must_use]
    pub const fn header_size(&self) -> usize {
        self.size
    }

    /// The header that goes in front of the message.
    #[inline(always)]
    #[must_use]
    pub fn header(&mut self, now: Micros) -> ShortHeader {
        self.stage.short_header(now)
    }

    /// The message has left.
    #[inline(always)]
    pub fn handle_send(self, now: Micros, message: &[u8]) {
        self.stage.handle_short_send(now, message);
    }
}

/// A pipeline of a ReliableSequenced stage that something below does the work of.
pub struct Carrier<'a>(&'a mut Reliable);

impl Carrier<'_> {
    /// Bytes of the header that the stage would make itself.
    #[inline(always)]
    #[must_use]
    pub fn header_size(&self) -> usize {
        self.0.headroom()
    }

    /// A message went below as it is.
    #[inline(always)]
    pub fn handle_send(self) {
        self.0.handle_carried_send();
    }
}

impl Pipeline {
    /// The end of a fresh connection. All chances follow `seed`. Buffers come with the first
    /// message that needs one.
    #[must_use]
    pub fn new(config: &PipelineConfig, seed: u64) -> Self {
        let mut headers_before = 0;
        let mut seed = seed;
        let build = |config: &StageConfig| {
            let stage = Stage::new(config, headers_before, seed);
            headers_before += config.header_size();
            seed = seed.wrapping_add(1);
            stage
        };
        Self {
            stages: config.stages().iter().map(build).collect(),
            pool: Pool::default(),
            packet_max: PACKET_MAX_INITIAL,
            packet_most: PACKET_MAX_INITIAL,
        }
    }

    pub(super) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    pub(super) fn stages_mut(&mut self) -> &mut [Stage] {
        &mut self.stages
    }

    /// Bytes that all headers have together at most.
    #[must_use]
    pub fn header_size(&self) -> usize {
        chain::headers(&self.stages)
    }

    /// The largest message a program may send, when `packet_max` bytes fit behind the pipeline
    /// byte. With Fragmentation that is its capacity, or what a reliable window behind it can
    /// hold, if that is less; without, what is left behind the headers.
    #[must_use]
    pub fn payload_size_max(&self, packet_max: usize) -> usize {
        chain::capacity(&self.stages, packet_max, true)
    }

    /// A message of the program. It is taken whole or not at all: with Fragmentation in front of
    /// ReliableSequenced, the window has room for all packets, or none leaves.
    ///
    /// # Errors
    /// It was not taken. `QueueFull` is a matter of time, except for a message that is larger than
    /// [`payload_size_max`](Self::payload_size_max) because of the window: then it stays (Unity
    /// Transport's answer too). After an error of a custom stage behind Fragmentation, some
    /// packets may have left; their receiver drops them.
    pub fn handle_send(
        &mut self,
        now: Micros,
        message: &[u8],
        packet_max: usize,
        out: &mut dyn Output,
    ) -> Result<(), SendError> {
        self.packet_max = packet_max;
        self.packet_most = self.packet_most.max(packet_max);
        if message.len() > chain::capacity(&self.stages, packet_max, false) {
            return Err(SendError::Overflow);
        }
        if !chain::has_room(&self.stages, message.len(), packet_max) {
            return Err(SendError::QueueFull);
        }
        let mut context = Context { now, packet_max, pool: &mut self.pool, out };
        // A long message is cut where it lies.
        if let Some((Stage::Fragmentation(stage), behind)) = self.stages.split_first_mut() {
            return chain::send_message(stage, behind, message, &mut context);
        }
        let headroom = chain::headers(&self.stages);
        let mut packet = Packet::new(context.pool, headroom, &[], message);
        let result = chain::send(&mut self.stages, &mut packet, &mut context);
        packet.recycle(&mut self.pool);
        result
    }

    /// As [`handle_send`](Self::handle_send) for a pipeline that is nothing but a
    /// ReliableSequenced stage with a window of 64 or less: what makes the packet. `fits` says
    /// whether the message fits behind a header of so many bytes. `None`: it is another one, or the
    /// message is not taken.
    #[inline(always)]
    pub fn sends_alone(&mut self, fits: impl FnOnce(usize) -> bool) -> Option<Alone<'_>> {
        let [Stage::Reliable(stage)] = &mut self.stages[..] else { return None };
        let size = stage.short_header_size(fits)?;
        Some(Alone { stage, size })
    }

    /// Takes a packet as [`handle_carried_packet`](Self::handle_carried_packet) if the pipeline is
    /// nothing but a ReliableSequenced stage, which owes nothing: then it is a message. False:
    /// nothing was done.
    #[inline(always)]
    #[must_use]
    pub fn takes_carried(&mut self) -> bool {
        match &mut self.stages[..] {
            [Stage::Reliable(stage)] if !stage.wants_ack() => {
                stage.handle_carried();
                true
            }
            _ => false,
        }
    }

    /// Is it nothing but a ReliableSequenced stage that leaves its work to something below?
    #[inline(always)]
    #[must_use]
    pub fn carries_alone(&mut self) -> Option<Carrier<'_>> {
        match &mut self.stages[..] {
            [Stage::Reliable(stage)] if stage.sends_carried() => Some(Carrier(stage)),
            _ => None,
        }
    }

    /// Would a message be taken behind `staged` packets of others, which are not here yet? Then
    /// how many packets it becomes, and the bytes of each one's headers. With `carried` the stage
    /// in last place will be by then.
    ///
    /// # Errors
    /// As [`handle_send`](Self::handle_send), but for what stages of the program would say.
    pub fn check_send(
        &self,
        size: usize,
        packet_max: usize,
        staged: usize,
        carried: bool,
    ) -> Result<(usize, usize), SendError> {
        if size > chain::capacity(&self.stages, packet_max, false) {
            return Err(SendError::Overflow);
        }
        let count = chain::packets_for(&self.stages, size, packet_max, staged, carried);
        let tail = self.stages.len() - usize::from(carried && self.has_reliable_tail());
        let header = chain::headers(&self.stages[..tail]);
        count.map(|count| (count, header)).ok_or(SendError::QueueFull)
    }

    /// What [`check_send`](Self::check_send) would say of all messages that become one packet each;
    /// `None`: it depends on more than their length.
    #[must_use]
    pub fn outlook(&self, carried: bool) -> Option<Outlook> {
        chain::outlook(&self.stages, carried)
    }

    /// A packet of the peer, without its pipeline byte. Delivers any number of messages.
    ///
    /// # Errors
    /// A stage could not read it. Messages may have been delivered all the same, when it let go
    /// others that had waited for it.
    pub fn handle_packet(
        &mut self,
        now: Micros,
        packet: &[u8],
        out: &mut dyn Output,
    ) -> Result<(), PacketError> {
        let packet_max = self.packet_max;
        let mut context = Context { now, packet_max, pool: &mut self.pool, out };
        chain::receive(&mut self.stages, packet, &mut context)
    }

    /// Is a packet of the peer nothing but an acknowledgement, so that it delivers nothing?
    #[must_use]
    pub fn only_acknowledges(&self, packet: &[u8]) -> bool {
        let headed = |stage: &&Stage| !matches!(stage, Stage::Null | Stage::Simulator(_));
        match self.stages.iter().rev().find(headed) {
            Some(Stage::Reliable(reliable)) => reliable.only_acknowledges(packet),
            _ => false,
        }
    }

    /// An acknowledgement is owed and has not left with a message yet.
    #[must_use]
    pub fn wants_ack(&self) -> bool {
        self.stages.iter().any(|stage| match stage {
            Stage::Reliable(reliable) => reliable.wants_ack(),
            _ => false,
        })
    }

    /// The acknowledgement that is owed should leave now: the peer waits for a packet that is
    /// missing here, or sends what has arrived before.
    #[must_use]
    pub fn ack_is_urgent(&self) -> bool {
        self.stages.iter().any(|stage| match stage {
            Stage::Reliable(reliable) => reliable.ack_is_urgent(),
            _ => false,
        })
    }

    /// The program had its chance to answer: sends the acknowledgement that is still owed.
    pub fn handle_ack_due(&mut self, now: Micros, out: &mut dyn Output) {
        let packet_max = self.packet_max;
        let mut context = Context { now, packet_max, pool: &mut self.pool, out };
        for place in 0..self.stages.len() {
            chain::send_ack(&mut self.stages, place, &mut context);
        }
    }

    /// Does what is due at `now`: sends again, lets go what was held back.
    pub fn handle_timeout(&mut self, now: Micros, out: &mut dyn Output) {
        let packet_max = self.packet_max;
        let mut context = Context { now, packet_max, pool: &mut self.pool, out };
        // What one stage lets go may make something due in another.
        for _ in 0..PASSES_MAX {
            for place in 0..self.stages.len() {
                chain::handle_timeout(&mut self.stages, place, self.packet_most, &mut context);
            }
            let next = first_timeout(&self.stages);
            if next.is_none_or(|due| due > now) {
                break;
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called. It may turn out that
    /// nothing is due yet.
    #[must_use]
    #[inline(always)]
    pub fn next_timeout(&self) -> Option<Micros> {
        match &self.stages[..] {
            [Stage::Reliable(alone)] => alone.next_timeout(),
            stages => first_timeout(stages),
        }
    }

    /// Nothing is unacknowledged, owed or held back. (A message that has come in part only, over
    /// a pipeline that is not reliable, may never come whole and does not count.)
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.stages.iter().all(Stage::is_idle)
    }

    /// The last stage is ReliableSequenced, so [`set_carried`](Self::set_carried) does something.
    #[must_use]
    pub fn has_reliable_tail(&self) -> bool {
        matches!(self.stages.last(), Some(Stage::Reliable(_)))
    }

    /// Has it a stage that sends packets again until they are acknowledged?
    #[must_use]
    pub fn sends_again(&self) -> bool {
        self.stages.iter().any(|stage| matches!(stage, Stage::Reliable(_)))
    }

    /// The longest that a stage waits before it sends a packet again.
    #[must_use]
    pub fn resend_time_max(&self) -> Micros {
        let time = |stage: &Stage| match stage {
            Stage::Reliable(reliable) => reliable.resend_time_max(),
            _ => 0,
        };
        self.stages.iter().map(time).max().unwrap_or(0)
    }

    /// Whether something below provides order and reliability already: then a ReliableSequenced
    /// stage in last place adds no header and passes everything through. Both ends switch, and
    /// only when [`is_idle`](Self::is_idle).
    pub fn set_carried(&mut self, on: bool) {
        if let Some(Stage::Reliable(reliable)) = self.stages.last_mut() {
            reliable.set_carried(on);
        }
    }

    /// As [`set_carried`](Self::set_carried), for what is sent alone: it goes to
    /// [`Output::carry`]. What was sent before is still sent again until it is acknowledged, and
    /// what arrives with a header is still read and acknowledged.
    pub fn set_sending_carried(&mut self, on: bool) {
        if let Some(Stage::Reliable(reliable)) = self.stages.last_mut() {
            reliable.set_sending_carried(on);
        }
    }

    /// Does what it sends go to [`Output::carry`]?
    #[must_use]
    pub fn sends_carried(&self) -> bool {
        matches!(self.stages.last(), Some(Stage::Reliable(reliable)) if reliable.sends_carried())
    }

    /// Has the peer acknowledged everything that a ReliableSequenced stage in last place has sent?
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        match self.stages.last() {
            Some(Stage::Reliable(reliable)) => reliable.is_acknowledged(),
            _ => true,
        }
    }

    /// A packet of the peer that something below has delivered once and in order: the stage in
    /// last place has put no header in front of it.
    ///
    /// # Errors
    /// As [`handle_packet`](Self::handle_packet).
    pub fn handle_carried_packet(
        &mut self,
        now: Micros,
        packet: &[u8],
        out: &mut dyn Output,
    ) -> Result<(), PacketError> {
        let Some((Stage::Reliable(reliable), before)) = self.stages.split_last_mut() else {
            return self.handle_packet(now, packet, out);
        };
        reliable.handle_carried();
        let packet_max = self.packet_max;
        let mut context = Context { now, packet_max, pool: &mut self.pool, out };
        chain::receive(before, packet, &mut context)
    }

    /// The counters of each stage.
    pub fn statistics(&self) -> impl ExactSizeIterator<Item = StageStatistics> + '_ {
        self.stages.iter().map(Stage::statistics)
    }

    /// Bytes of buffers that are kept for later use.
    #[must_use]
    pub fn spare_bytes(&self) -> usize {
        let kept = |stage: &Stage| match stage {
            Stage::Reliable(reliable) => reliable.spare_bytes(),
            _ => 0,
        };
        self.pool.bytes() + self.stages.iter().map(kept).sum::<usize>()
    }
}

/// When the first of some stages wants to be asked.
#[inline(never)]
fn first_timeout(stages: &[Stage]) -> Option<Micros> {
    stages.iter().filter_map(Stage::next_timeout).min()
}
