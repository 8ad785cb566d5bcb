//! Stages that a program brings. What they do to packets is theirs; here is only their place.

use std::fmt;

use super::SendError;
use crate::proto::time::Micros;

/// A stage gave up on a packet or message; the number is its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StageError(pub i32);

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a pipeline stage of the program failed with {}", self.0)
    }
}

impl std::error::Error for StageError {}

/// A stage as a program registers it: makes a [`CustomInstance`] for each connection.
pub trait CustomStage: Send + Sync {
    /// For logs.
    fn name(&self) -> &str;

    /// Largest header that it adds, in bytes.
    fn header_size(&self) -> usize {
        0
    }

    /// Largest message that it takes, for a stage that cuts messages by itself; 0 = what fits
    /// into a packet.
    fn payload_capacity(&self) -> usize {
        0
    }

    /// The state of one connection.
    fn create(&self, seed: u64) -> Box<dyn CustomInstance>;
}

/// Where a stage hands on what it has made of a packet: any number of times, or never.
pub trait Next {
    /// Hands on `header` and `payload` behind it: to the next stage when sending, to the one
    /// before when receiving.
    ///
    /// # Errors
    /// Sending only: what comes behind did not take it. The stage may keep it and try later.
    fn forward(&mut self, header: &[u8], payload: &[u8]) -> Result<(), SendError>;

    /// Sending only: bytes that `header` and `payload` may have together; `usize::MAX` when
    /// receiving.
    fn packet_max(&self) -> usize;
}

/// A custom stage's state for one connection.
pub trait CustomInstance: Send + Sync {
    /// A message on its way out; the bytes may be changed in place.
    ///
    /// # Errors
    /// The message is refused; the sender is told.
    fn handle_send(
        &mut self,
        now: Micros,
        packet: &mut [u8],
        next: &mut dyn Next,
    ) -> Result<(), SendError>;

    /// A packet on its way in, headers of the stages behind taken off.
    ///
    /// # Errors
    /// The packet is dropped and counted.
    fn handle_packet(
        &mut self,
        now: Micros,
        packet: &mut [u8],
        next: &mut dyn Next,
    ) -> Result<(), StageError>;

    /// When it wants [`handle_send_timeout`](Self::handle_send_timeout) and
    /// [`handle_receive_timeout`](Self::handle_receive_timeout) to be called.
    fn next_timeout(&self) -> Option<Micros> {
        None
    }

    /// Time to hand on packets that were held back on their way out.
    fn handle_send_timeout(&mut self, now: Micros, next: &mut dyn Next) {
        let _ = (now, next);
    }

    /// Time to hand on packets that were held back on their way in.
    fn handle_receive_timeout(&mut self, now: Micros, next: &mut dyn Next) {
        let _ = (now, next);
    }

    /// It holds nothing back.
    fn is_idle(&self) -> bool {
        true
    }
}
