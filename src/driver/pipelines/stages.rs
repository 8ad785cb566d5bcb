//! What the stages of a new pipeline are: the program's words, with the driver's parameters for
//! those that were left out, and the program's own stages by their numbers.

use std::sync::Arc;

use super::super::NetworkDriver;
use crate::error::{Error, Result, Status};
use crate::proto::pipeline::{CustomInstance, CustomStage, StageConfig};
use crate::settings::{NetworkSettings, PipelineStage};

/// Stages that a program may register.
pub const CUSTOM_STAGES_MAX: usize = 64;

/// A stage of the program, which any number of pipelines may have.
#[derive(Clone)]
pub(super) struct SharedStage(Arc<dyn CustomStage>);

impl CustomStage for SharedStage {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn header_size(&self) -> usize {
        self.0.header_size()
    }

    fn payload_capacity(&self) -> usize {
        self.0.payload_capacity()
    }

    fn create(&self, seed: u64) -> Box<dyn CustomInstance> {
        self.0.create(seed)
    }
}

/// The stage that the program named.
pub(super) fn stage_config(
    stage: &PipelineStage,
    settings: &NetworkSettings,
    custom: &[SharedStage],
) -> Result<StageConfig> {
    Ok(match *stage {
        PipelineStage::Null => StageConfig::Null,
        PipelineStage::Fragmentation(own) => {
            StageConfig::Fragmentation(own.unwrap_or(settings.fragmentation))
        }
        PipelineStage::ReliableSequenced(own) => {
            StageConfig::ReliableSequenced(own.unwrap_or(settings.reliable))
        }
        PipelineStage::UnreliableSequenced => StageConfig::UnreliableSequenced,
        PipelineStage::Simulator(own) => {
            StageConfig::Simulator(own.unwrap_or(settings.simulator_stage))
        }
        PipelineStage::Custom(number) => {
            let known = custom.get(number as usize).cloned();
            let stage = known.ok_or_else(|| {
                let count = custom.len();
                Error::argument(format!("there is no stage {number}; {count} are registered"))
            })?;
            StageConfig::Custom(Box::new(stage))
        }
    })
}

impl NetworkDriver {
    /// Registers a stage that pipelines of this driver may have; returns its number, for
    /// [`PipelineStage::Custom`]. It must not call the driver.
    ///
    /// # Errors
    /// [`Status::NetworkStateMismatch`] once the driver is bound or has had a connection;
    /// [`Status::LimitReached`] for too many of them.
    pub fn register_stage(&mut self, stage: Arc<dyn CustomStage>) -> Result<u32> {
        if self.is_bound() || self.connections.were_used() {
            let text = "stages are registered before the driver is bound";
            return Err(Error::new(Status::NetworkStateMismatch, text));
        }
        if self.pipelines.custom.len() >= CUSTOM_STAGES_MAX {
            let text = format!("a driver has at most {CUSTOM_STAGES_MAX} registered stages");
            return Err(Error::new(Status::LimitReached, text));
        }
        self.pipelines.custom.push(SharedStage(stage));
        Ok(self.pipelines.custom.len() as u32 - 1)
    }
}
