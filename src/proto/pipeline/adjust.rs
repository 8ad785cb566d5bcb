//! Parameters that may change while pipelines run.

use super::chain::Stage;
use super::config::{PipelineConfig, ReliableConfig, SimulatorConfig, StageConfig};
use super::machine::Pipeline;
use super::reliable::ResendPace;

impl PipelineConfig {
    /// Changes the bad network of the Simulator stages of machines that are made from now on. The
    /// parameters must be valid.
    pub fn set_simulator(&mut self, config: &SimulatorConfig) {
        for stage in self.stages_mut() {
            if let StageConfig::Simulator(own) = stage {
                *own = *config;
            }
        }
    }
}

impl Pipeline {
    /// Changes the bad network of all Simulator stages. What they hold stays as late as it is, and
    /// chances go on as they were. The parameters must be valid.
    pub fn set_simulator(&mut self, config: &SimulatorConfig) {
        for stage in self.stages_mut() {
            if let Stage::Simulator(simulator) = stage {
                simulator.set_config(config);
            }
        }
    }

    /// What its first ReliableSequenced stage does now; `None` without one.
    #[must_use]
    pub fn reliable_config(&self) -> Option<ReliableConfig> {
        self.stages().iter().find_map(|stage| match stage {
            Stage::Reliable(reliable) => Some(reliable.config()),
            _ => None,
        })
    }

    /// Tells all ReliableSequenced stages how fast the path takes what they send again.
    pub fn set_resend_pace(&mut self, pace: ResendPace) {
        for stage in self.stages_mut() {
            if let Stage::Reliable(reliable) = stage {
                reliable.set_resend_pace(pace);
            }
        }
    }

    /// Changes after which time all ReliableSequenced stages send again.
    ///
    /// # Errors
    /// Says which time cannot be.
    pub fn set_resend_times(
        &mut self,
        minimum_resend_time_ms: u32,
        maximum_resend_time_ms: u32,
    ) -> Result<(), &'static str> {
        let times = ReliableConfig {
            minimum_resend_time_ms,
            maximum_resend_time_ms,
            ..ReliableConfig::default()
        };
        times.validate()?;
        for stage in self.stages_mut() {
            if let Stage::Reliable(reliable) = stage {
                reliable.set_resend_times(&times);
            }
        }
        Ok(())
    }
}
