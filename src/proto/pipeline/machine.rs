//! One connection's end of one pipeline: hands messages and packets from stage to stage.

use super::config::PipelineConfig;
use super::statistics::StageStatistics;
use super::{Output, PacketError, SendError};
use crate::proto::time::Micros;

/// One connection's end of one pipeline.
#[derive(Debug)]
pub struct Pipeline {
    stages: usize,
}

impl Pipeline {
    /// The end of a fresh connection. All chances follow `seed`.
    #[must_use]
    pub fn new(config: &PipelineConfig, seed: u64) -> Self {
        let _ = seed;
        Self { stages: config.stages().len() }
    }

    /// Bytes that all headers have together at most.
    #[must_use]
    pub fn header_size(&self) -> usize {
        0
    }

    /// The largest message a program may send, when `packet_max` bytes fit behind the pipeline
    /// byte.
    #[must_use]
    pub fn payload_size_max(&self, packet_max: usize) -> usize {
        packet_max
    }

    /// A message of the program.
    ///
    /// # Errors
    /// It was not taken, and nothing of it was sent.
    pub fn handle_send(
        &mut self,
        now: Micros,
        message: &[u8],
        packet_max: usize,
        out: &mut dyn Output,
    ) -> Result<(), SendError> {
        let _ = now;
        if message.len() > packet_max {
            return Err(SendError::Overflow);
        }
        out.transmit(message);
        Ok(())
    }

    /// A packet of the peer, without its pipeline byte. Delivers any number of messages.
    ///
    /// # Errors
    /// It brought nothing.
    pub fn handle_packet(
        &mut self,
        now: Micros,
        packet: &[u8],
        out: &mut dyn Output,
    ) -> Result<(), PacketError> {
        let _ = now;
        out.deliver(packet);
        Ok(())
    }

    /// An acknowledgement is owed and has not left with a message yet.
    #[must_use]
    pub fn wants_ack(&self) -> bool {
        false
    }

    /// The acknowledgement that is owed should leave now: the peer waits for a packet that is
    /// missing here, or sends what has arrived before.
    #[must_use]
    pub fn ack_is_urgent(&self) -> bool {
        false
    }

    /// The program had its chance to answer: sends the acknowledgement that is still owed.
    pub fn handle_ack_due(&mut self, now: Micros, out: &mut dyn Output) {
        let _ = (now, out);
    }

    /// Does what is due at `now`: sends again, lets go what was held back.
    pub fn handle_timeout(&mut self, now: Micros, out: &mut dyn Output) {
        let _ = (now, out);
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Micros> {
        None
    }

    /// Nothing is unacknowledged, owed or held back.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        true
    }

    /// The last stage is ReliableSequenced, so [`set_carried`](Self::set_carried) does something.
    #[must_use]
    pub fn has_reliable_tail(&self) -> bool {
        false
    }

    /// Whether something below provides order and reliability already: then a ReliableSequenced
    /// stage in last place adds no header and passes everything through. Both ends switch, and
    /// only when [`is_idle`](Self::is_idle).
    pub fn set_carried(&mut self, on: bool) {
        let _ = on;
    }

    /// The counters of each stage.
    pub fn statistics(&self) -> impl Iterator<Item = StageStatistics> + '_ {
        (0..self.stages).map(|_| StageStatistics::Null)
    }
}
