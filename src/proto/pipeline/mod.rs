//! Pipelines of Unity Transport: stages that each message of a connection goes through, on its
//! way out from the first to the last, on its way in from the last to the first.
//!
//! Nothing here knows connections, pipeline numbers or sockets. A [`Pipeline`] is one connection's
//! end of one pipeline: messages and packets go in, packets and messages come out.

mod adjust;
mod buffer;
mod chain;
pub mod config;
pub mod custom;
mod fragmentation;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod machine;
mod reliable;
mod sequenced;
mod simulator;
pub mod statistics;

use std::fmt;

pub use config::{
    ApplyMode, FragmentationConfig, PipelineConfig, ReliableConfig, STAGES_MAX, SimulatorConfig,
    StageConfig,
};
pub use custom::{CustomInstance, CustomStage, Next, StageError};
pub use machine::Pipeline;
pub use reliable::ResendPace;
pub use reliable::header::{SHORT_SIZE_MAX, ShortHeader};
pub use statistics::{
    FragmentationStatistics, ReliableStatistics, RttInfo, SequencedStatistics, SimulatorStatistics,
    StageStatistics,
};

/// Where a pipeline puts what comes out of it.
pub trait Output {
    /// A packet for the peer: pipeline headers and payload. It goes behind the pipeline byte.
    fn transmit(&mut self, packet: &[u8]);

    /// A packet whose order and delivery something below sees to
    /// ([`set_sending_carried`](Pipeline::set_sending_carried)).
    fn carry(&mut self, packet: &[u8]) {
        self.transmit(packet);
    }

    /// A message for the program.
    fn deliver(&mut self, message: &[u8]);
}

/// What a pipeline says of messages that become one packet each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outlook {
    /// Payload bytes at most, however long a packet may be.
    pub most: usize,
    /// Bytes that all headers have together at most.
    pub header: usize,
    /// The same, without that of a stage that something below does the work of.
    pub carried_header: usize,
    /// Packets that may be sent before others are acknowledged.
    pub room: usize,
}

/// Why a message was not taken. Nothing of it was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SendError {
    /// The reliable window has no room for all of it; acknowledgements will make some (-5).
    QueueFull,
    /// It is larger than the pipeline takes (-4).
    Overflow,
    /// A custom stage refused it.
    Stage(StageError),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueFull => f.write_str(
                "the pipeline's reliable window is full; send again after acknowledgements came",
            ),
            Self::Overflow => f.write_str("the message is larger than the pipeline takes"),
            Self::Stage(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SendError {}

/// Why a packet brought nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PacketError {
    /// It ends inside of a stage's header.
    TooShort,
    /// Its reliable header is of another window class than ours: the two ends do not have the
    /// same window.
    WindowClass,
    /// A custom stage refused it.
    Stage(StageError),
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => f.write_str("the packet is shorter than its pipeline's headers"),
            Self::WindowClass => {
                f.write_str("the two ends of the reliable pipeline have different windows")
            }
            Self::Stage(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PacketError {}

#[cfg(test)]
mod tests;
