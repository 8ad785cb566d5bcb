//! Compression of plain WebSocket connections: what the settings ask for, and what all connections
//! of a driver share. It must not touch a frame: `proto/websocket/deflate` does.

use crate::proto::websocket::deflate::{Agreed, Codec, Pool, Wishes};
use crate::proto::websocket::{Role, WebSocket};
use crate::settings::{DEFLATE_OWN_CONTEXT, DEFLATE_PEER_CONTEXT, NetworkSettings};

/// What a driver has for compression.
pub struct Compression {
    /// None when it is off.
    pub(super) wishes: Option<Wishes>,
    pub(super) pool: Pool,
    level: u8,
    minimum_length: usize,
}

impl Compression {
    pub(super) fn new(settings: &NetworkSettings) -> Self {
        let forgets = |bit| settings.deflate_no_context_takeover & bit != 0;
        let wishes = Wishes {
            own_bits: settings.deflate_window_bits as u8,
            peer_bits: settings.deflate_peer_window_bits as u8,
            own_no_context: forgets(DEFLATE_OWN_CONTEXT),
            peer_no_context: forgets(DEFLATE_PEER_CONTEXT),
        };
        Self {
            wishes: settings.deflate.then_some(wishes),
            pool: Pool::default(),
            level: settings.deflate_level as u8,
            minimum_length: settings.deflate_minimum_length as usize,
        }
    }

    /// Lets a connection speak as was agreed.
    pub(super) fn apply(&self, ws: &mut WebSocket, role: Role, agreed: Option<Agreed>) {
        if let Some(agreed) = agreed {
            ws.set_codec(Codec::new(role, &agreed, self.level, self.minimum_length));
        }
    }
}
