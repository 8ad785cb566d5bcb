//! Pipelines: the program's list of them, and the machines that each connection has for them.
//!
//! A pipeline is a number and a list of stages, the same for all connections. A connection gets
//! the machine of a pipeline with the first message through it, in or out, and loses it with its
//! end. What a machine does is `proto/pipeline`'s business; here is when it is asked.

mod due;
mod machines;
mod receive;
pub(super) mod send;
mod stages;
mod tuning;

use super::NetworkDriver;
use super::interfaces::layers;
use crate::error::{Error, Result, Status};
use crate::proto::pipeline::{Pipeline, PipelineConfig};
use crate::proto::random::Random;
use crate::proto::session::hello::digest;
use crate::proto::time::Micros;
use crate::proto::utp::packet::DATA_HEADER_SIZE;
use crate::settings::{Dialect, PipelineStage};

pub use machines::Machines;
use stages::{SharedStage, stage_config};
pub use tuning::PipelineStatistics;

/// Pipelines of one driver: the number is a byte, and 0 is none.
pub const PIPELINES_MAX: usize = u8::MAX as usize;
/// Bytes that TLS adds to a packet, as Unity Transport counts them.
pub const TLS_OVERHEAD: usize = 68;

/// The pipelines of a driver.
#[derive(Default)]
pub struct Pipelines {
    /// By number, less 1.
    list: Vec<Template>,
    /// Stages that the program brought.
    custom: Vec<SharedStage>,
    /// Connections that owe their peers acknowledgements.
    owing: Vec<u32>,
    /// How many of them, from the first on, owe them for what the program has seen.
    due: usize,
    /// Those that owe them now.
    urgent: Vec<u32>,
    /// The longest that any stage waits before it sends again.
    resend_time_max: Micros,
}

impl Pipelines {
    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.list.len()
    }

    /// Is the last stage of a pipeline ReliableSequenced?
    pub(super) fn has_reliable_tail(&self, pipeline: u8) -> bool {
        let place = usize::from(pipeline).checked_sub(1);
        let template = place.and_then(|place| self.list.get(place));
        template.is_some_and(|template| template.measure.has_reliable_tail())
    }

    /// Has a pipeline a ReliableSequenced stage, whatever its place?
    pub(super) fn sends_again(&self, pipeline: u8) -> bool {
        let place = usize::from(pipeline).checked_sub(1);
        let template = place.and_then(|place| self.list.get(place));
        template.is_some_and(|template| template.measure.sends_again())
    }

    /// The longest that any stage waits before it sends again, or may have waited.
    pub(super) const fn resend_time_max(&self) -> Micros {
        self.resend_time_max
    }

    /// Stages of some connection wait so long from now on.
    pub(super) fn raise_resend_time(&mut self, time: Micros) {
        self.resend_time_max = self.resend_time_max.max(time);
    }

    /// Tells lists of pipelines apart: the kinds of stages, in order.
    pub(super) fn digest(&self) -> u32 {
        let described = self.list.iter().map(|template| template.config.describe());
        let described: Vec<Vec<u8>> = described.collect();
        digest(described.iter().map(Vec::as_slice))
    }
}

/// One pipeline, before any connection uses it.
struct Template {
    config: PipelineConfig,
    /// A machine that is only asked how long headers and messages are.
    measure: Pipeline,
}

impl NetworkDriver {
    /// Makes a pipeline that messages can be sent through; returns its number. Numbers count from
    /// 1 in the order of creation, and both sides must make the same pipelines in the same order:
    /// nothing on the wire tells them apart but the number. The first stage sees a message first
    /// when it is sent.
    ///
    /// # Errors
    /// [`Status::NetworkStateMismatch`] once the driver has had a connection;
    /// [`Status::InvalidArgument`] for stages or parameters that cannot be;
    /// [`Status::LimitReached`] for more than 255.
    pub fn create_pipeline(&mut self, stages: &[PipelineStage]) -> Result<u8> {
        let config = self.new_pipeline(stages)?;
        let measure = Pipeline::new(&config, 0);
        self.pipelines.raise_resend_time(measure.resend_time_max());
        self.pipelines.list.push(Template { config, measure });
        Ok(self.pipelines.list.len() as u8)
    }

    /// Would [`create_pipeline`](Self::create_pipeline) make a pipeline of these stages now? For
    /// programs that make the same one in several drivers, in all of them or in none.
    ///
    /// # Errors
    /// As [`create_pipeline`](Self::create_pipeline).
    pub fn check_stages(&self, stages: &[PipelineStage]) -> Result<()> {
        self.new_pipeline(stages).map(|_| ())
    }

    /// What would be made of these stages now, and whether it could be.
    fn new_pipeline(&self, stages: &[PipelineStage]) -> Result<PipelineConfig> {
        if self.connections.were_used() {
            let text = "pipelines are made before the driver's first connection";
            return Err(Error::new(Status::NetworkStateMismatch, text));
        }
        if self.pipelines.list.len() >= PIPELINES_MAX {
            let text = format!("a driver has at most {PIPELINES_MAX} pipelines");
            return Err(Error::new(Status::LimitReached, text));
        }
        let stages: Result<Vec<_>> = stages
            .iter()
            .map(|stage| stage_config(stage, &self.settings, &self.pipelines.custom))
            .collect();
        PipelineConfig::new(stages?).map_err(Error::argument)
    }

    /// How many pipelines were made; their numbers are 1 to this.
    #[must_use]
    pub const fn pipeline_count(&self) -> usize {
        self.pipelines.list.len()
    }

    /// Refuses the number of a pipeline that was never made.
    #[inline]
    pub(super) fn check_pipeline(&self, pipeline: u8) -> Result<()> {
        let count = self.pipelines.list.len();
        if usize::from(pipeline) <= count { Ok(()) } else { Err(no_pipeline(pipeline, count)) }
    }

    /// Bytes that the layers put in front of a message on an interface, at most, the headers of a
    /// pipeline included (Unity Transport's `MaxHeaderSize`).
    ///
    /// # Errors
    /// [`Status::InvalidArgument`] for an unknown interface or pipeline.
    pub fn header_size_max(&self, interface: u32, pipeline: u8) -> Result<u32> {
        self.check_pipeline(pipeline)?;
        let place = self.peek_interface(interface)?;
        let secure = place.tls_server.is_some() || place.tls_client.is_some();
        let layers = layers(place.settings.kind, Dialect::Utp);
        let tls = if secure { TLS_OVERHEAD } else { 0 };
        let header = self.template(pipeline).map_or(0, |template| template.measure.header_size());
        Ok((layers.framing + layers.protocol + tls + header) as u32)
    }

    fn template(&self, pipeline: u8) -> Option<&Template> {
        self.pipelines.list.get(usize::from(pipeline).checked_sub(1)?)
    }

    /// Bytes behind the pipeline byte of a packet of a connection.
    pub(super) fn packet_room(&self, index: u32) -> usize {
        self.packet_size_max(index).saturating_sub(DATA_HEADER_SIZE)
    }

    /// The machine of a connection for a pipeline, taken out of its place; a new one if it has
    /// none yet. `None`: there is no such pipeline.
    pub(in crate::driver) fn take_machine(
        &mut self,
        index: u32,
        pipeline: u8,
    ) -> Option<Box<Pipeline>> {
        let entry = self.connections.at(index);
        if let Some(machine) = entry.machines.take(pipeline) {
            return Some(machine);
        }
        // One driver, one history: chances follow the connection.
        let connection = entry.connection(index).to_u64();
        let seed = Random::new(connection ^ u64::from(pipeline) << 56).next_u64();
        let template = self.template(pipeline)?;
        Some(Box::new(Pipeline::new(&template.config, seed)))
    }
}

#[cold]
fn no_pipeline(pipeline: u8, count: usize) -> Error {
    let text = format!("there is no pipeline {pipeline}; the driver has {count}, and 0 is none");
    Error::argument(text)
}
