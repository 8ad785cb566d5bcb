//! From stage to stage: out, from the first to the last; in, from the last to the first. It knows
//! each stage's calls, and no stage knows another.

use std::fmt;

use super::buffer::{Packet, Pool};
use super::config::StageConfig;
use super::custom::{CustomInstance, Next};
use super::fragmentation::{self, FRAGMENTS_MAX, Fragmentation, fragments};
use super::reliable::Reliable;
use super::sequenced::{self, Sequenced};
use super::simulator::{Direction, Simulator, Verdict};
use super::statistics::StageStatistics;
use super::{Outlook, Output, PacketError, SendError};
use crate::proto::time::Micros;

/// One stage's state for one connection.
#[derive(Debug)]
pub enum Stage {
    Null,
    Fragmentation(Box<Fragmentation>),
    Reliable(Box<Reliable>),
    Sequenced(Sequenced),
    Simulator(Box<Simulator>),
    Custom(Custom),
}

/// A stage of the program.
pub struct Custom {
    header_size: usize,
    payload_capacity: usize,
    instance: Box<dyn CustomInstance>,
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom").field("header_size", &self.header_size).finish_non_exhaustive()
    }
}

/// What a call brings along.
pub struct Context<'a> {
    pub now: Micros,
    /// Bytes behind the pipeline byte.
    pub packet_max: usize,
    pub pool: &'a mut Pool,
    pub out: &'a mut dyn Output,
}

impl Context<'_> {
    /// The same, whatever fits.
    fn unlimited(&mut self) -> Context<'_> {
        self.limited_to(usize::MAX)
    }

    /// The same, where so much fits.
    fn limited_to(&mut self, packet_max: usize) -> Context<'_> {
        Context { now: self.now, packet_max, pool: self.pool, out: self.out }
    }
}

impl Stage {
    /// `headers_before`: bytes that the stages before it add at most.
    pub fn new(config: &StageConfig, headers_before: usize, seed: u64) -> Self {
        match config {
            StageConfig::Null => Self::Null,
            StageConfig::Fragmentation(config) => {
                let stage = Fragmentation::new(config.payload_capacity, headers_before);
                Self::Fragmentation(Box::new(stage))
            }
            StageConfig::ReliableSequenced(config) => {
                Self::Reliable(Box::new(Reliable::new(config)))
            }
            StageConfig::UnreliableSequenced => Self::Sequenced(Sequenced::default()),
            StageConfig::Simulator(config) => {
                Self::Simulator(Box::new(Simulator::new(config, seed)))
            }
            StageConfig::Custom(stage) => Self::Custom(Custom {
                header_size: stage.header_size(),
                payload_capacity: stage.payload_capacity(),
                instance: stage.create(seed),
            }),
        }
    }

    fn header_size(&self) -> usize {
        match self {
            Self::Null | Self::Simulator(_) => 0,
            Self::Fragmentation(_) => fragmentation::HEADER_SIZE,
            Self::Reliable(reliable) => reliable.header_size(),
            Self::Sequenced(_) => sequenced::HEADER_SIZE,
            Self::Custom(custom) => custom.header_size,
        }
    }

    pub fn next_timeout(&self) -> Option<Micros> {
        match self {
            Self::Reliable(reliable) => reliable.next_timeout(),
            Self::Simulator(simulator) => simulator.next_timeout(),
            Self::Custom(custom) => custom.instance.next_timeout(),
            _ => None,
        }
    }

    pub fn is_idle(&self) -> bool {
        match self {
            Self::Reliable(reliable) => reliable.is_idle(),
            Self::Simulator(simulator) => simulator.is_idle(),
            Self::Custom(custom) => custom.instance.is_idle(),
            _ => true,
        }
    }

    pub fn statistics(&self) -> StageStatistics {
        match self {
            Self::Null => StageStatistics::Null,
            Self::Fragmentation(stage) => StageStatistics::Fragmentation(stage.statistics()),
            Self::Reliable(stage) => StageStatistics::Reliable(stage.statistics()),
            Self::Sequenced(stage) => StageStatistics::UnreliableSequenced(stage.statistics()),
            Self::Simulator(stage) => StageStatistics::Simulator(stage.statistics()),
            Self::Custom(_) => StageStatistics::Custom,
        }
    }
}

/// Bytes that all headers of these stages have at most.
pub fn headers(stages: &[Stage]) -> usize {
    stages.iter().map(Stage::header_size).sum()
}

/// The largest packet that these stages take. `windowed`: one that the reliable window can hold
/// when it is empty.
pub fn capacity(stages: &[Stage], packet_max: usize, windowed: bool) -> usize {
    let mut capacity = packet_max;
    let mut window = usize::MAX;
    for stage in stages.iter().rev() {
        capacity = match stage {
            Stage::Fragmentation(stage) => {
                let chunk = capacity.saturating_sub(fragmentation::HEADER_SIZE);
                let count = if windowed { window.min(FRAGMENTS_MAX) } else { FRAGMENTS_MAX };
                stage.payload_capacity().min(chunk.saturating_mul(count))
            }
            Stage::Custom(custom) if custom.payload_capacity > 0 => custom.payload_capacity,
            stage => capacity.saturating_sub(stage.header_size()),
        };
        if let Stage::Reliable(reliable) = stage {
            window = window.min(reliable.window());
        }
    }
    capacity
}

/// Whether the reliable stages among these have room for a packet of `size` bytes, however many
/// it becomes.
pub fn has_room(stages: &[Stage], size: usize, packet_max: usize) -> bool {
    packets_for(stages, size, packet_max, 0, false).is_some()
}

/// How many packets a message of `size` bytes becomes; `None` when the reliable stages have no
/// room for them behind `staged` others. With `carried` the stage in last place needs none.
pub fn packets_for(
    stages: &[Stage],
    size: usize,
    packet_max: usize,
    staged: usize,
    carried: bool,
) -> Option<usize> {
    let last = stages.len().saturating_sub(1);
    let (mut size, mut count) = (size, 1);
    for (place, stage) in stages.iter().enumerate() {
        match stage {
            Stage::Fragmentation(_) => {
                let chunk = chunk(&stages[place + 1..], packet_max);
                // What cannot be numbered is refused when it gets there.
                count = fragments(size, chunk).unwrap_or(1).max(count);
                size = size.min(chunk);
            }
            Stage::Reliable(_) if carried && place == last => {}
            Stage::Reliable(reliable) if reliable.room() < staged + count => return None,
            _ => {}
        }
        size += stage.header_size();
    }
    Some(count)
}

/// What these stages say of messages that become one packet each; `None` where that depends on more
/// than their length. With `carried` something below does the work of the stage in last place.
pub fn outlook(stages: &[Stage], carried: bool) -> Option<Outlook> {
    let mut outlook = Outlook { most: usize::MAX, header: 0, carried_header: 0, room: usize::MAX };
    let last = stages.len().saturating_sub(1);
    for (place, stage) in stages.iter().enumerate() {
        let mut size = stage.header_size();
        match stage {
            Stage::Fragmentation(stage) if place == 0 => outlook.most = stage.payload_capacity(),
            Stage::Fragmentation(_) => return None,
            Stage::Custom(custom) if custom.payload_capacity > 0 => return None,
            Stage::Reliable(reliable) if carried && place == last => {
                outlook.header += reliable.headroom();
                size = 0;
            }
            Stage::Reliable(reliable) => outlook.room = outlook.room.min(reliable.room()),
            _ => {}
        }
        outlook.header += size;
        outlook.carried_header += size;
    }
    Some(outlook)
}

/// Bytes of data in one fragment, when these stages come behind Fragmentation.
fn chunk(behind: &[Stage], packet_max: usize) -> usize {
    capacity(behind, packet_max, false).saturating_sub(fragmentation::HEADER_SIZE)
}

/// A packet on its way out goes through these stages.
pub fn send(
    stages: &mut [Stage],
    packet: &mut Packet,
    context: &mut Context<'_>,
) -> Result<(), SendError> {
    let Some((stage, behind)) = stages.split_first_mut() else {
        if packet.len() > context.packet_max {
            return Err(SendError::Overflow);
        }
        context.out.transmit(packet.as_slice());
        return Ok(());
    };
    match stage {
        Stage::Null => send(behind, packet, context),
        Stage::Sequenced(stage) => {
            packet.prepend(&stage.next_header());
            send(behind, packet, context)
        }
        Stage::Reliable(stage) => {
            if packet.len()
                > capacity(behind, context.packet_max, false).saturating_sub(stage.header_size())
            {
                return Err(SendError::Overflow);
            }
            if stage.room() == 0 {
                return Err(SendError::QueueFull);
            }
            stage.handle_send(context.now, packet);
            if stage.sends_carried() && behind.is_empty() {
                context.out.carry(packet.as_slice());
                return Ok(());
            }
            // It is kept and will be sent again, whatever the stages behind make of it now.
            let _ = send(behind, packet, context);
            Ok(())
        }
        Stage::Fragmentation(stage) => send_message(stage, behind, packet.as_slice(), context),
        Stage::Simulator(stage) => simulate_sent(stage, behind, packet, context),
        Stage::Custom(stage) => {
            let packet_max = capacity(behind, context.packet_max, false);
            let now = context.now;
            let header_max = stage.header_size;
            let mut next = SendNext { behind, context, header_max, packet_max };
            stage.instance.handle_send(now, packet.as_mut_slice(), &mut next)
        }
    }
}

/// Fragmentation's own limits: all of a message goes out, or nothing.
fn check_room(
    behind: &[Stage],
    stage: &Fragmentation,
    size: usize,
    context: &Context<'_>,
) -> Result<usize, SendError> {
    let chunk = chunk(behind, context.packet_max);
    let count = fragments(size, chunk).filter(|_| size <= stage.assembly_max());
    let count = count.ok_or(SendError::Overflow)?;
    let room = |stage: &Stage| match stage {
        Stage::Reliable(reliable) => reliable.room(),
        _ => usize::MAX,
    };
    if behind.iter().map(room).min().is_some_and(|room| room < count) {
        return Err(SendError::QueueFull);
    }
    Ok(chunk)
}

/// Cuts a message where it has to, and sends all of it.
pub fn send_message(
    stage: &mut Fragmentation,
    behind: &mut [Stage],
    message: &[u8],
    context: &mut Context<'_>,
) -> Result<(), SendError> {
    let chunk = check_room(behind, stage, message.len(), context)?;
    let headroom = headers(behind);
    let mut rest = message;
    let mut first = true;
    loop {
        let (data, later) = rest.split_at(chunk.min(rest.len()));
        rest = later;
        let header = stage.next_header(first, rest.is_empty());
        first = false;
        let mut packet = Packet::new(context.pool, headroom, &header, data);
        let result = send(behind, &mut packet, context);
        packet.recycle(context.pool);
        if result.is_err() || rest.is_empty() {
            return result;
        }
    }
}

fn simulate_sent(
    stage: &mut Simulator,
    behind: &mut [Stage],
    packet: &mut Packet,
    context: &mut Context<'_>,
) -> Result<(), SendError> {
    let copies = stage.handle_packet(Direction::Sent, packet.as_mut_slice());
    let mut outcome = Ok(());
    for copy in 0..copies {
        let one = match stage.judge(context.now, Direction::Sent, packet.len()) {
            Verdict::Hold(due) => {
                stage.hold(Direction::Sent, due, context.pool.copy(packet.as_slice()));
                Ok(())
            }
            Verdict::Pass if copy + 1 < copies => {
                let headroom = headers(behind);
                let mut copy = Packet::new(context.pool, headroom, &[], packet.as_slice());
                let result = send(behind, &mut copy, context);
                copy.recycle(context.pool);
                result
            }
            Verdict::Pass => send(behind, packet, context),
        };
        // Once one of them is under way the message is; the sender must not try again.
        if copy == 0 {
            outcome = one;
        }
        if outcome.is_err() {
            break;
        }
    }
    outcome
}

/// A packet on its way in goes through these stages, the last one first.
pub fn receive(
    stages: &mut [Stage],
    packet: &[u8],
    context: &mut Context<'_>,
) -> Result<(), PacketError> {
    let Some((stage, before)) = stages.split_last_mut() else {
        context.out.deliver(packet);
        return Ok(());
    };
    match stage {
        Stage::Null => receive(before, packet, context),
        Stage::Sequenced(stage) => match stage.handle_packet(packet)? {
            Some(payload) => receive(before, payload, context),
            None => Ok(()),
        },
        Stage::Fragmentation(stage) => match stage.handle_packet(packet)? {
            Some(message) => receive(before, message, context),
            None => Ok(()),
        },
        Stage::Reliable(stage) => {
            let next = stage.handle_packet(context.now, packet, context.pool)?;
            let mut result = next.map_or(Ok(()), |payload| receive(before, payload, context));
            while let Some(payload) = stage.poll_stored() {
                // They are acknowledged: what is wrong with one keeps no other back.
                result = result.and(receive(before, &payload, context));
                context.pool.give(payload);
            }
            result
        }
        Stage::Simulator(stage) => simulate_received(stage, before, packet, context),
        Stage::Custom(stage) => {
            let mut own = context.pool.copy(packet);
            let now = context.now;
            let mut next = ReceiveNext { before, context, result: Ok(()) };
            let result = stage.instance.handle_packet(now, &mut own, &mut next);
            let result = result.map_err(PacketError::Stage).and(next.result);
            context.pool.give(own);
            result
        }
    }
}

fn simulate_received(
    stage: &mut Simulator,
    before: &mut [Stage],
    packet: &[u8],
    context: &mut Context<'_>,
) -> Result<(), PacketError> {
    let mut own = Vec::new();
    let mut packet = packet;
    let copies = if stage.changes(Direction::Received) {
        own = context.pool.copy(packet);
        let copies = stage.handle_packet(Direction::Received, &mut own);
        packet = &own;
        copies
    } else {
        stage.handle_length(Direction::Received, packet.len())
    };
    let mut result = Ok(());
    for _ in 0..copies {
        match stage.judge(context.now, Direction::Received, packet.len()) {
            Verdict::Hold(due) => {
                stage.hold(Direction::Received, due, context.pool.copy(packet));
            }
            Verdict::Pass => result = result.and(receive(before, packet, context)),
        }
    }
    context.pool.give(own);
    result
}

/// The stage at `place` does what is due. `packet_most`: the most that ever fitted.
pub fn handle_timeout(
    stages: &mut [Stage],
    place: usize,
    packet_most: usize,
    context: &mut Context<'_>,
) {
    let (before, rest) = stages.split_at_mut(place);
    let Some((stage, behind)) = rest.split_first_mut() else {
        return;
    };
    // What a stage held back fitted when it came. Where less fits now, trying is all that is left,
    // unless it is cut yet.
    let is_cut = behind.iter().any(|stage| matches!(stage, Stage::Fragmentation(_)));
    let packet_max = if is_cut { context.packet_max } else { packet_most };
    let context = &mut context.limited_to(packet_max);
    match stage {
        Stage::Reliable(stage) => resend(stage, behind, context),
        Stage::Simulator(stage) => release(stage, before, behind, context),
        Stage::Custom(stage) => {
            if stage.instance.next_timeout().is_none_or(|due| due > context.now) {
                return;
            }
            let now = context.now;
            let packet_max = capacity(behind, context.packet_max, false);
            let header_max = stage.header_size;
            let mut next = SendNext { behind, context, header_max, packet_max };
            stage.instance.handle_send_timeout(now, &mut next);
            let mut next = ReceiveNext { before, context, result: Ok(()) };
            stage.instance.handle_receive_timeout(now, &mut next);
        }
        _ => {}
    }
}

fn resend(stage: &mut Reliable, behind: &mut [Stage], context: &mut Context<'_>) {
    let headroom = headers(behind) + stage.headroom();
    // It fitted once; where less fits now, trying is all that is left.
    let context = &mut context.unlimited();
    let mut cursor = 0;
    // What is left over has its turn after another resend time.
    for _ in 0..stage.resends_max() {
        let Some(mut packet) = stage.take_resend(context.now, &mut cursor, headroom, context.pool)
        else {
            break;
        };
        // What fails now is sent again in its time.
        let _ = send(behind, &mut packet, context);
        packet.recycle(context.pool);
    }
}

fn release(
    stage: &mut Simulator,
    before: &mut [Stage],
    behind: &mut [Stage],
    context: &mut Context<'_>,
) {
    while let Some(size) = stage.due_size(context.now, Direction::Sent) {
        if !has_room(behind, size, context.packet_max) {
            stage.retry_later(context.now, Direction::Sent);
            break;
        }
        let Some(bytes) = stage.take(Direction::Sent) else {
            break;
        };
        let mut packet = Packet::new(context.pool, headers(behind), &[], &bytes);
        // Its sender was told that it is under way; on a bad network that may come to nothing.
        let _ = send(behind, &mut packet, context);
        packet.recycle(context.pool);
        context.pool.give(bytes);
    }
    while stage.due_size(context.now, Direction::Received).is_some() {
        let Some(bytes) = stage.take(Direction::Received) else {
            break;
        };
        // A held packet has no caller left that could be told.
        let _ = receive(before, &bytes, context);
        context.pool.give(bytes);
    }
}

/// The stage at `place` acknowledges what it still owes.
pub fn send_ack(stages: &mut [Stage], place: usize, context: &mut Context<'_>) {
    let Some((Stage::Reliable(stage), behind)) = stages[place..].split_first_mut() else {
        return;
    };
    let headroom = headers(behind) + stage.headroom();
    if let Some(mut packet) = stage.take_ack(context.now, headroom, context.pool) {
        // The next packet carries it too.
        let _ = send(behind, &mut packet, context);
        packet.recycle(context.pool);
    }
}

/// What a custom stage hands on when it sends.
struct SendNext<'a, 'b> {
    behind: &'a mut [Stage],
    context: &'a mut Context<'b>,
    header_max: usize,
    packet_max: usize,
}

impl Next for SendNext<'_, '_> {
    fn forward(&mut self, header: &[u8], payload: &[u8]) -> Result<(), SendError> {
        let fits = payload.len() <= self.packet_max.saturating_sub(header.len());
        if header.len() > self.header_max || !fits {
            return Err(SendError::Overflow);
        }
        let size = header.len() + payload.len();
        if !has_room(self.behind, size, self.context.packet_max) {
            return Err(SendError::QueueFull);
        }
        let headroom = headers(self.behind);
        let mut packet = Packet::new(self.context.pool, headroom, header, payload);
        let result = send(self.behind, &mut packet, self.context);
        packet.recycle(self.context.pool);
        result
    }

    fn packet_max(&self) -> usize {
        self.packet_max
    }
}

/// What a custom stage hands on when it receives.
struct ReceiveNext<'a, 'b> {
    before: &'a mut [Stage],
    context: &'a mut Context<'b>,
    result: Result<(), PacketError>,
}

impl Next for ReceiveNext<'_, '_> {
    fn forward(&mut self, header: &[u8], payload: &[u8]) -> Result<(), SendError> {
        let result = if header.is_empty() {
            receive(self.before, payload, self.context)
        } else {
            let packet = Packet::new(self.context.pool, 0, header, payload);
            let result = receive(self.before, packet.as_slice(), self.context);
            packet.recycle(self.context.pool);
            result
        };
        self.result = self.result.and(result);
        Ok(())
    }

    fn packet_max(&self) -> usize {
        usize::MAX
    }
}
