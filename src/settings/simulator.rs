//! The bad network that a driver can put below its datagram interfaces.

use crate::error::{Error, Result};
use crate::proto::netem;
use crate::proto::time::from_ms;

/// A bad network below the datagram interfaces, for tests. The default does nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NetworkSimulator {
    /// Percent of arriving packets that are lost.
    pub receive_loss_percent: f32,
    /// Percent of leaving packets that are lost.
    pub send_loss_percent: f32,
    /// Percent of leaving packets that leave twice.
    pub send_duplicate_percent: f32,
    /// Percent of leaving packets that overtake the others.
    pub send_reorder_percent: f32,
    /// By how much leaving packets are late.
    pub send_delay_ms: u32,
    /// By how much that varies, either way.
    pub send_jitter_ms: u32,
    /// The largest packet that arrives; 0 is no limit.
    pub receive_mtu: u32,
    /// Nothing goes in or out.
    pub partitioned: bool,
    /// Start of the random sequence.
    pub seed: u64,
    /// Bytes that leave in a second, over all connections; packets wait for those in front. 0 is
    /// no limit.
    pub send_bytes_per_second: u32,
    /// Bytes that may wait for that before further packets are lost; 0 is no limit.
    pub send_backlog_bytes: u32,
}

impl NetworkSimulator {
    /// Checks the percentages.
    ///
    /// # Errors
    /// [`crate::Status::InvalidArgument`] names what is wrong.
    pub fn validate(&self) -> Result<()> {
        for params in [self.receive_params(), self.send_params()] {
            params.validate().map_err(Error::argument)?;
        }
        Ok(())
    }

    pub(crate) fn is_off(&self) -> bool {
        Self { seed: 0, ..*self } == Self::default()
    }

    pub(crate) fn receive_params(&self) -> netem::Params {
        netem::Params {
            loss_percent: self.receive_loss_percent,
            size_max: self.receive_mtu as usize,
            partitioned: self.partitioned,
            ..netem::Params::default()
        }
    }

    pub(crate) fn send_params(&self) -> netem::Params {
        netem::Params {
            loss_percent: self.send_loss_percent,
            duplicate_percent: self.send_duplicate_percent,
            reorder_percent: self.send_reorder_percent,
            delay: from_ms(self.send_delay_ms.min(i32::MAX as u32) as i32),
            jitter: from_ms(self.send_jitter_ms.min(i32::MAX as u32) as i32),
            partitioned: self.partitioned,
            rate: u64::from(self.send_bytes_per_second),
            backlog_max: u64::from(self.send_backlog_bytes),
            ..netem::Params::default()
        }
    }
}
