//! What a program may ask of pipelines, and change while they run.

use std::ops::AddAssign;

use super::super::{Connection, NetworkDriver};
use crate::error::{Error, Result};
use crate::proto::pipeline::{
    FragmentationStatistics, Pipeline, ReliableStatistics, SequencedStatistics,
    SimulatorStatistics, StageStatistics,
};
use crate::settings::{NetworkSettings, ReliableConfig, SimulatorConfig};

/// What the stages of a pipeline have counted on one connection: several of a kind together, but
/// round trips are those of the first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PipelineStatistics {
    /// Of its Fragmentation stages.
    pub fragmentation: Option<FragmentationStatistics>,
    /// Of its ReliableSequenced stages, with the round trips that the first one measured.
    pub reliable: Option<ReliableStatistics>,
    /// Of its UnreliableSequenced stages.
    pub sequenced: Option<SequencedStatistics>,
    /// Of its Simulator stages.
    pub simulator: Option<SimulatorStatistics>,
}

impl PipelineStatistics {
    pub(in crate::driver) fn of(machine: &Pipeline) -> Self {
        let mut all = Self::default();
        for stage in machine.statistics() {
            match stage {
                StageStatistics::Fragmentation(counted) => add(&mut all.fragmentation, counted),
                StageStatistics::Reliable(counted) => add(&mut all.reliable, counted),
                StageStatistics::UnreliableSequenced(counted) => add(&mut all.sequenced, counted),
                StageStatistics::Simulator(counted) => add(&mut all.simulator, counted),
                StageStatistics::Null | StageStatistics::Custom => {}
            }
        }
        all
    }
}

fn add<T: AddAssign>(sum: &mut Option<T>, counted: T) {
    match sum {
        Some(sum) => *sum += counted,
        None => *sum = Some(counted),
    }
}

impl NetworkDriver {
    /// What it was built with.
    #[must_use]
    pub const fn settings(&self) -> &NetworkSettings {
        &self.settings
    }

    /// What the stages of a pipeline have counted on a connection.
    ///
    /// # Errors
    /// [`Status::NetworkIdMismatch`](crate::Status::NetworkIdMismatch),
    /// [`Status::NetworkVersionMismatch`](crate::Status::NetworkVersionMismatch),
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument) for an unknown pipeline.
    pub fn pipeline_statistics(
        &self,
        connection: Connection,
        pipeline: u8,
    ) -> Result<PipelineStatistics> {
        let machine = self.machine_or_unused(connection, pipeline)?;
        Ok(machine.map(PipelineStatistics::of).unwrap_or_default())
    }

    /// What the first ReliableSequenced stage of a pipeline does on a connection: its window as it
    /// was rounded, and after which time it sends again.
    ///
    /// # Errors
    /// As [`pipeline_statistics`](Self::pipeline_statistics);
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument) also for a pipeline without such
    /// a stage.
    pub fn reliable_config(&self, connection: Connection, pipeline: u8) -> Result<ReliableConfig> {
        let machine = self.machine_or_unused(connection, pipeline)?;
        let config = machine.and_then(Pipeline::reliable_config);
        config.ok_or_else(|| Error::argument("the pipeline has no ReliableSequenced stage"))
    }

    /// A connection's machine, or one that is like it before its first message; none without a
    /// pipeline.
    fn machine_or_unused(&self, connection: Connection, pipeline: u8) -> Result<Option<&Pipeline>> {
        let entry = self.entry(connection)?;
        self.check_pipeline(pipeline)?;
        let unused = self.template(pipeline).map(|template| &template.measure);
        Ok(entry.machines.get(pipeline).or(unused))
    }

    /// Changes the bad network of a pipeline's simulator stages, on connections that exist too;
    /// pipeline 0 means all of them, and those that are made later without parameters of their own.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument) for an unknown pipeline, or
    /// parameters that cannot be.
    pub fn set_simulator_stage(&mut self, pipeline: u8, config: SimulatorConfig) -> Result<()> {
        self.check_pipeline(pipeline)?;
        config.validate().map_err(Error::argument)?;
        if pipeline == 0 {
            self.settings.simulator_stage = config;
        }
        let concerns = |number: u8| pipeline == 0 || pipeline == number;
        for (number, template) in (1..=u8::MAX).zip(&mut self.pipelines.list) {
            if concerns(number) {
                template.config.set_simulator(&config);
            }
        }
        for index in 0..self.connections.slots() {
            let machines = &mut self.connections.at(index).machines;
            for (number, machine) in machines.iter_mut() {
                if concerns(number) {
                    machine.set_simulator(&config);
                }
            }
        }
        Ok(())
    }

    /// Changes after which time the reliable stages of a pipeline send again, on one connection.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Status::InvalidArgument`](crate::Status::InvalidArgument) for
    /// times that cannot be.
    pub fn set_resend_times(
        &mut self,
        connection: Connection,
        pipeline: u8,
        minimum_ms: u32,
        maximum_ms: u32,
    ) -> Result<()> {
        let index = self.sendable(connection, pipeline)?;
        if pipeline == 0 {
            return Err(Error::argument("pipeline 0 is none, and sends nothing again"));
        }
        let Some(mut machine) = self.take_machine(index, pipeline) else { return Ok(()) };
        let outcome = machine.set_resend_times(minimum_ms, maximum_ms);
        self.pipelines.raise_resend_time(machine.resend_time_max());
        self.connections.at(index).machines.put(pipeline, machine);
        outcome.map_err(Error::argument)?;
        self.schedule(index);
        Ok(())
    }
}
