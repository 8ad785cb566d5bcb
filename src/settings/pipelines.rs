//! Stages of pipelines as a program names them.

use super::{NetworkSettings, bounded};
use crate::error::{Error, Result};
use crate::proto::pipeline::config::{PAYLOAD_CAPACITY_MAX, WINDOW_SIZE_MAX};
pub use crate::proto::pipeline::{ApplyMode, FragmentationConfig, ReliableConfig, SimulatorConfig};

/// The longest time in milliseconds that the C interface can name.
const TIME_MAX: u32 = i32::MAX as u32;

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
pub(super) fn check(settings: &NetworkSettings) -> Result<()> {
    let NetworkSettings { fragmentation, reliable, simulator_stage, .. } = settings;
    let capacity = fragmentation.payload_capacity;
    bounded("fragmentation_payload_capacity", capacity, 1, PAYLOAD_CAPACITY_MAX)?;
    bounded("reliable_window_size", reliable.window_size, 1, WINDOW_SIZE_MAX)?;
    let (least, most) = (reliable.minimum_resend_time_ms, reliable.maximum_resend_time_ms);
    bounded("reliable_minimum_resend_time_ms", least, 1, TIME_MAX - 1)?;
    bounded("reliable_maximum_resend_time_ms", most, least + 1, TIME_MAX)?;
    simulator_stage.validate().map_err(|why| Error::argument(format!("simulator_stage: {why}")))
}
