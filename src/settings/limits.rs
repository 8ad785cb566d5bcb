//! How much may wait in one connection, and how long its messages may be.
//!
//! The driver's settings hold for all connections, those of an interface for its own, those of a
//! connect attempt or of a later call for one. Nothing here counts anything.

use super::{NetworkSettings, WEBSOCKET_MESSAGE_SIZE_LIMIT, bounded};
use crate::error::Result;
use crate::proto::websocket::HEADER_SIZE_MAX;

/// Limits of one connection, or of all on one interface. A field that is 0 says nothing: what is
/// wider holds, the interface's for a connection, the driver's for an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Messages that may wait for a pop, as `receive_queue_capacity`.
    pub receive_queue_capacity: u32,
    /// Payload bytes that may wait for a pop, as `inbound_bytes_max`.
    pub inbound_bytes_max: u32,
    /// Bytes that may wait to be sent, as `outbound_bytes_max`.
    pub outbound_bytes_max: u32,
    /// The longest plain WebSocket message, as `websocket_message_size_max`.
    pub websocket_message_size_max: u32,
    /// Messages that may wait to be sent over a WebSocket, as `websocket_send_queue_capacity`;
    /// [`u32::MAX`] is no such limit.
    pub websocket_send_queue_capacity: u32,
}

impl ConnectionLimits {
    /// Those of a driver.
    #[must_use]
    pub const fn of(settings: &NetworkSettings) -> Self {
        let messages = settings.websocket_send_queue_capacity;
        Self {
            receive_queue_capacity: settings.receive_queue_capacity as u32,
            inbound_bytes_max: settings.inbound_bytes_max,
            outbound_bytes_max: settings.outbound_bytes_max,
            websocket_message_size_max: settings.websocket_message_size_max,
            websocket_send_queue_capacity: if messages == 0 { u32::MAX } else { messages },
        }
    }

    /// These, and where they say nothing the wider ones.
    #[must_use]
    pub const fn within(self, wider: Self) -> Self {
        const fn pick(own: u32, wider: u32) -> u32 {
            if own == 0 { wider } else { own }
        }
        Self {
            receive_queue_capacity: pick(self.receive_queue_capacity, wider.receive_queue_capacity),
            inbound_bytes_max: pick(self.inbound_bytes_max, wider.inbound_bytes_max),
            outbound_bytes_max: pick(self.outbound_bytes_max, wider.outbound_bytes_max),
            websocket_message_size_max: pick(
                self.websocket_message_size_max,
                wider.websocket_message_size_max,
            ),
            websocket_send_queue_capacity: pick(
                self.websocket_send_queue_capacity,
                wider.websocket_send_queue_capacity,
            ),
        }
    }

    /// Checks what is said against the bounds that the driver's settings have.
    ///
    /// # Errors
    /// [`crate::Status::InvalidArgument`] names the field.
    pub fn validate(&self, settings: &NetworkSettings) -> Result<()> {
        let packet = settings.max_message_size as u32 + HEADER_SIZE_MAX as u32;
        if self.outbound_bytes_max != 0 {
            bounded("outbound_bytes_max", self.outbound_bytes_max, packet, u32::MAX)?;
        }
        let most = WEBSOCKET_MESSAGE_SIZE_LIMIT;
        bounded("websocket_message_size_max", self.websocket_message_size_max, 0, most)?;
        let most = i32::MAX as u32;
        bounded("receive_queue_capacity", self.receive_queue_capacity, 0, most)
    }

    /// The most messages that may wait to be sent; `None`: any number.
    pub(crate) const fn send_messages(&self) -> Option<usize> {
        match self.websocket_send_queue_capacity {
            0 | u32::MAX => None,
            most => Some(most as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_leaves_it_to_the_wider() {
        let driver = ConnectionLimits::of(&NetworkSettings::default());
        assert_eq!(ConnectionLimits::default().within(driver), driver);
        let interface = ConnectionLimits { inbound_bytes_max: 7, ..Default::default() };
        let own = ConnectionLimits { websocket_send_queue_capacity: 3, ..Default::default() };
        let all = own.within(interface.within(driver));
        assert_eq!((all.inbound_bytes_max, all.send_messages()), (7, Some(3)));
        assert_eq!(all.outbound_bytes_max, driver.outbound_bytes_max);
        assert_eq!(driver.send_messages(), None);
    }

    #[test]
    fn what_could_never_work_is_refused() {
        let settings = NetworkSettings::default();
        let check = |limits: ConnectionLimits| limits.validate(&settings);
        assert!(check(ConnectionLimits::default()).is_ok());
        assert!(check(ConnectionLimits { outbound_bytes_max: 100, ..Default::default() }).is_err());
        let huge = ConnectionLimits { websocket_message_size_max: u32::MAX, ..Default::default() };
        assert!(check(huge).is_err());
        let many = ConnectionLimits { receive_queue_capacity: u32::MAX, ..Default::default() };
        assert!(check(many).is_err());
    }
}
