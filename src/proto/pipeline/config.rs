//! What a pipeline is made of, and the bounds of its parameters. Defaults and bounds are Unity
//! Transport's unless said.

use std::fmt;

use super::custom::CustomStage;
use super::reliable::window_of;
use super::{fragmentation, reliable, sequenced};

/// Stages of one pipeline.
pub const STAGES_MAX: usize = 16;
/// Largest fragmentation capacity, in bytes: one less than the largest packet times the number of
/// fragments.
pub const PAYLOAD_CAPACITY_MAX: usize = 1472 * 16383 - 1;
/// Bytes that all headers of a pipeline have together at most.
pub const HEADER_SIZE_MAX: usize = 512;
/// Largest reliable window, in packets.
pub const WINDOW_SIZE_MAX: usize = 2040;

/// Longest delay and jitter of a Simulator stage, in milliseconds: an hour.
pub const SIMULATOR_MS_MAX: u32 = 3_600_000;

/// Parameters of the Fragmentation stage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FragmentationConfig {
    /// Largest message in bytes, in both directions. Default 4096.
    pub payload_capacity: usize,
}

impl Default for FragmentationConfig {
    fn default() -> Self {
        Self { payload_capacity: 4096 }
    }
}

/// Parameters of the ReliableSequenced stage. Both ends need the same window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReliableConfig {
    /// Packets under way at once, 1 to [`WINDOW_SIZE_MAX`], rounded up to a multiple of 8.
    /// Default 32.
    pub window_size: usize,
    /// Least time until a packet is sent again, in milliseconds. Default 64.
    pub minimum_resend_time_ms: u32,
    /// Longest time until a packet is sent again, in milliseconds. Default 200.
    pub maximum_resend_time_ms: u32,
}

impl Default for ReliableConfig {
    fn default() -> Self {
        Self { window_size: 32, minimum_resend_time_ms: 64, maximum_resend_time_ms: 200 }
    }
}

/// Which packets a Simulator stage acts on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ApplyMode {
    /// Those that arrive.
    ReceivedPacketsOnly,
    /// Those that leave.
    SentPacketsOnly,
    /// Both.
    #[default]
    AllPackets,
    /// None.
    Off,
}

/// Parameters of the Simulator stage.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SimulatorConfig {
    /// Packets held at once, for each direction; further ones are not delayed. Default 512.
    pub max_packet_count: usize,
    /// Larger packets go through untouched. Default 1472.
    pub max_packet_size: usize,
    /// Which packets. Default all.
    pub mode: ApplyMode,
    /// Delay of each packet in milliseconds.
    pub packet_delay_ms: u32,
    /// Largest deviation from the delay in milliseconds; the sum is never below zero.
    pub packet_jitter_ms: u32,
    /// The first of each so many packets is dropped; 0 = none.
    pub packet_drop_interval: u32,
    /// Packets dropped by chance, in percent.
    pub packet_drop_percentage: f32,
    /// Packets sent twice, in percent.
    pub packet_duplication_percentage: f32,
    /// Packets damaged, in percent; the bits of a damaged one flip with the same chance.
    pub fuzz_factor: f32,
    /// Bytes at the start of a packet that are never damaged.
    pub fuzz_offset: usize,
    /// Seed of all chances; 0 = the one of the pipeline.
    pub random_seed: u32,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            max_packet_count: 512,
            max_packet_size: 1472,
            mode: ApplyMode::AllPackets,
            packet_delay_ms: 0,
            packet_jitter_ms: 0,
            packet_drop_interval: 0,
            packet_drop_percentage: 0.0,
            packet_duplication_percentage: 0.0,
            fuzz_factor: 0.0,
            fuzz_offset: 0,
            random_seed: 0,
        }
    }
}

/// One stage.
pub enum StageConfig {
    /// Does nothing.
    Null,
    /// Cuts messages into packets.
    Fragmentation(FragmentationConfig),
    /// Each packet arrives once, in order.
    ReliableSequenced(ReliableConfig),
    /// Packets that were overtaken are dropped.
    UnreliableSequenced,
    /// A bad network.
    Simulator(SimulatorConfig),
    /// What a program brings.
    Custom(Box<dyn CustomStage>),
}

impl fmt::Debug for StageConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Fragmentation(config) => config.fmt(f),
            Self::ReliableSequenced(config) => config.fmt(f),
            Self::UnreliableSequenced => f.write_str("UnreliableSequenced"),
            Self::Simulator(config) => config.fmt(f),
            Self::Custom(stage) => write!(f, "Custom({:?})", stage.name()),
        }
    }
}

/// The checked list of a pipeline's stages.
#[derive(Debug)]
pub struct PipelineConfig {
    stages: Vec<StageConfig>,
}

impl PipelineConfig {
    /// Checks the stages, of which the first one sees a message first when it is sent. Without
    /// any stage, messages go through as with [`StageConfig::Null`].
    ///
    /// # Errors
    /// Says which parameter or order cannot be.
    pub fn new(stages: Vec<StageConfig>) -> Result<Self, &'static str> {
        if stages.len() > STAGES_MAX {
            return Err("a pipeline has at most 16 stages");
        }
        let mut reliable = false;
        let mut header_size = 0;
        for stage in &stages {
            stage.validate()?;
            header_size += stage.header_size();
            match stage {
                StageConfig::ReliableSequenced(_) => reliable = true,
                StageConfig::Fragmentation(_) if reliable => {
                    return Err("Fragmentation must come before ReliableSequenced");
                }
                _ => {}
            }
        }
        if header_size > HEADER_SIZE_MAX {
            return Err("the headers of a pipeline's stages have at most 512 bytes together");
        }
        Ok(Self { stages })
    }

    /// The stages.
    #[must_use]
    pub fn stages(&self) -> &[StageConfig] {
        &self.stages
    }

    pub(super) fn stages_mut(&mut self) -> &mut [StageConfig] {
        &mut self.stages
    }
}

impl PipelineConfig {
    /// Bytes that tell pipelines apart whose packets look different: each stage's kind, and what
    /// of its parameters both ends must share.
    #[must_use]
    pub fn describe(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for stage in &self.stages {
            match stage {
                // They put nothing in front of a packet.
                StageConfig::Null | StageConfig::Simulator(_) => {}
                StageConfig::Fragmentation(_) => bytes.push(1),
                StageConfig::ReliableSequenced(config) => {
                    bytes.push(2);
                    bytes.extend_from_slice(&(window_of(config) as u32).to_le_bytes());
                }
                StageConfig::UnreliableSequenced => bytes.push(3),
                StageConfig::Custom(stage) => {
                    bytes.push(4);
                    bytes.extend_from_slice(stage.name().as_bytes());
                    bytes.push(0);
                }
            }
        }
        bytes
    }
}

impl StageConfig {
    /// Bytes of its largest header.
    #[must_use]
    pub fn header_size(&self) -> usize {
        match self {
            Self::Null | Self::Simulator(_) => 0,
            Self::Fragmentation(_) => fragmentation::HEADER_SIZE,
            Self::ReliableSequenced(config) => reliable::header::size_max(window_of(config)),
            Self::UnreliableSequenced => sequenced::HEADER_SIZE,
            Self::Custom(stage) => stage.header_size(),
        }
    }

    fn validate(&self) -> Result<(), &'static str> {
        match self {
            Self::Null | Self::UnreliableSequenced => Ok(()),
            Self::Fragmentation(config) => config.validate(),
            Self::ReliableSequenced(config) => config.validate(),
            Self::Simulator(config) => config.validate(),
            Self::Custom(stage) if stage.payload_capacity() > PAYLOAD_CAPACITY_MAX => {
                Err("the capacity of a custom stage is at most 24115775 bytes")
            }
            Self::Custom(stage) if stage.header_size() > HEADER_SIZE_MAX => {
                Err("the header of a custom stage has at most 512 bytes")
            }
            Self::Custom(_) => Ok(()),
        }
    }
}

impl FragmentationConfig {
    /// Checks the values a user gave.
    ///
    /// # Errors
    /// Names the wrong field and its range.
    pub fn validate(&self) -> Result<(), &'static str> {
        if !(1..=PAYLOAD_CAPACITY_MAX).contains(&self.payload_capacity) {
            return Err("the payload capacity of Fragmentation is 1 to 24115775 bytes");
        }
        Ok(())
    }
}

impl ReliableConfig {
    /// Checks the values a user gave.
    ///
    /// # Errors
    /// Names the wrong field and its range.
    pub fn validate(&self) -> Result<(), &'static str> {
        if !(1..=WINDOW_SIZE_MAX).contains(&self.window_size) {
            return Err("the window of ReliableSequenced is 1 to 2040 packets");
        }
        if self.minimum_resend_time_ms == 0 {
            return Err("the minimum resend time must be above 0");
        }
        if self.maximum_resend_time_ms <= self.minimum_resend_time_ms {
            return Err("the maximum resend time must be above the minimum");
        }
        Ok(())
    }
}

impl SimulatorConfig {
    /// Checks the values a user gave.
    ///
    /// # Errors
    /// Names the wrong field and its range.
    pub fn validate(&self) -> Result<(), &'static str> {
        if self.packet_delay_ms > SIMULATOR_MS_MAX || self.packet_jitter_ms > SIMULATOR_MS_MAX {
            return Err("the simulator's delay and jitter are at most 3600000 milliseconds each");
        }
        let percent = 0.0..=100.0;
        if !percent.contains(&self.packet_drop_percentage) {
            return Err("the simulator's packet drop is a percentage from 0 to 100");
        }
        if !percent.contains(&self.packet_duplication_percentage) {
            return Err("the simulator's packet duplication is a percentage from 0 to 100");
        }
        if !percent.contains(&self.fuzz_factor) {
            return Err("the simulator's fuzz factor is a percentage from 0 to 100");
        }
        Ok(())
    }
}
