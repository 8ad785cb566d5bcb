//! Parameters that may change while a pipeline runs.

use super::config::SimulatorConfig;
use super::machine::Pipeline;

impl Pipeline {
    /// Changes the bad network of all Simulator stages; what they hold stays as late as it is.
    pub fn set_simulator(&mut self, config: &SimulatorConfig) {
        let _ = (self, config);
    }

    /// Changes after which time all ReliableSequenced stages send again.
    ///
    /// # Errors
    /// Says which time cannot be.
    pub fn set_resend_times(
        &mut self,
        minimum_ms: u32,
        maximum_ms: u32,
    ) -> Result<(), &'static str> {
        let _ = (self, minimum_ms, maximum_ms);
        Ok(())
    }
}
