//! Stages of pipelines as a program names them.

pub use crate::proto::pipeline::{ApplyMode, FragmentationConfig, ReliableConfig, SimulatorConfig};

/// A stage of a pipeline. Parameters that are `None` are those of the driver.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PipelineStage {
    /// Does nothing.
    Null,
    /// Cuts messages that are longer than a packet.
    Fragmentation(Option<FragmentationConfig>),
    /// Each message arrives once, in order.
    ReliableSequenced(Option<ReliableConfig>),
    /// Messages that were overtaken are dropped.
    UnreliableSequenced,
    /// A bad network, for tests.
    Simulator(Option<SimulatorConfig>),
    /// One that the program registered
    /// ([`register_stage`](crate::NetworkDriver::register_stage)), by its number.
    Custom(u32),
}

impl PipelineStage {
    /// Fragmentation as the driver's settings say.
    pub const FRAGMENTATION: Self = Self::Fragmentation(None);
    /// ReliableSequenced as the driver's settings say.
    pub const RELIABLE_SEQUENCED: Self = Self::ReliableSequenced(None);
    /// The simulator as the driver's settings say.
    pub const SIMULATOR: Self = Self::Simulator(None);

    /// ReliableSequenced with a window of so many packets, and otherwise the defaults.
    #[must_use]
    pub fn reliable(window_size: usize) -> Self {
        Self::ReliableSequenced(Some(ReliableConfig { window_size, ..Default::default() }))
    }
}

/// Checks the parameters that a driver is built with.
pub(super) fn check(
    fragmentation: FragmentationConfig,
    reliable: ReliableConfig,
    simulator: SimulatorConfig,
) -> Result<(), &'static str> {
    fragmentation.validate()?;
    reliable.validate()?;
    simulator.validate()
}
