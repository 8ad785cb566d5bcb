//! What a pipeline is made of, and the bounds of its parameters. Defaults and bounds are Unity
//! Transport's unless said.

use std::fmt;

use super::custom::CustomStage;

/// Stages of one pipeline.
pub const STAGES_MAX: usize = 16;
/// Largest fragmentation capacity, in bytes: one less than the largest packet times the number of
/// fragments.
pub const PAYLOAD_CAPACITY_MAX: usize = 1472 * 16383 - 1;
/// Largest reliable window, in packets.
pub const WINDOW_SIZE_MAX: usize = 2040;

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
    /// Checks the stages, of which the first one sees a message first when it is sent.
    ///
    /// # Errors
    /// Says which parameter or order cannot be.
    pub fn new(stages: Vec<StageConfig>) -> Result<Self, &'static str> {
        if stages.len() > STAGES_MAX {
            return Err("a pipeline has at most 16 stages");
        }
        Ok(Self { stages })
    }

    /// The stages.
    #[must_use]
    pub fn stages(&self) -> &[StageConfig] {
        &self.stages
    }
}

impl PipelineConfig {
    /// Changes the bad network of all Simulator stages of machines that are made from now on.
    ///
    /// # Errors
    /// Says which parameter cannot be; nothing has changed.
    pub fn set_simulator(&mut self, config: &SimulatorConfig) -> Result<(), &'static str> {
        Self::new(vec![StageConfig::Simulator(*config)])?;
        for stage in &mut self.stages {
            if let StageConfig::Simulator(own) = stage {
                *own = *config;
            }
        }
        Ok(())
    }
}
