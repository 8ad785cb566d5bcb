//! What users of other engines are used to, as one call. docs/PRESETS.md shows it as a table, and
//! a test holds the two together.
//!
//! A preset is a starting point: it names values and knows nothing of what they do.

use super::{NetworkSettings, SubProtocolRule, WEBSOCKET_MESSAGE_SIZE_LIMIT};
use crate::proto::websocket::HEADER_SIZE_MAX;

/// An engine whose limits, timers and rules the settings begin with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preset {
    /// Unity Transport 2.x.
    Unity,
    /// Godot 4: `WebSocketPeer` and `WebSocketMultiplayerPeer`.
    Godot4,
    /// Godot 3 and Pandemonium: `WebSocketClient` and `WebSocketServer`.
    Godot3,
    /// Best HTTP's `WebSocket`.
    BestHttp,
}

/// Bytes that hold a message of a size and its frame header: what other engines count is payload.
const fn queue_for(payload: u32) -> u32 {
    payload + HEADER_SIZE_MAX as u32
}

impl NetworkSettings {
    /// The settings with which an engine's users begin.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        match preset {
            Preset::Unity => Self::unity(),
            Preset::Godot4 => Self {
                receive_queue_capacity: 4096,
                send_queue_capacity: 4096,
                websocket_send_queue_capacity: 4096,
                inbound_bytes_max: 65_535,
                outbound_bytes_max: queue_for(65_535),
                websocket_message_size_max: 65_535,
                ..Self::godot()
            },
            Preset::Godot3 => Self {
                receive_queue_capacity: 1024,
                send_queue_capacity: 1024,
                websocket_send_queue_capacity: 1024,
                inbound_bytes_max: 64 << 10,
                outbound_bytes_max: queue_for(64 << 10),
                websocket_message_size_max: 64 << 10,
                ..Self::godot()
            },
            Preset::BestHttp => Self::best_http(),
        }
    }

    /// The UTP settings are its own already, but for the accept payload, which all clients get at
    /// once; the others are what it does with its streams.
    fn unity() -> Self {
        let defaults = Self::default();
        Self {
            head_size_max: 2944,
            handshake_timeout_ms: defaults.connect_timeout_ms,
            websocket_message_size_max: defaults.max_message_size as u32 - HEADER_SIZE_MAX as u32,
            close_timeout_ms: defaults.disconnect_timeout_ms,
            ping_interval_ms: defaults.heartbeat_timeout_ms,
            pong_timeout_ms: 0,
            silence_timeout_ms: defaults.disconnect_timeout_ms,
            accept_payload_before_validation: true,
            ..defaults
        }
    }

    /// What all versions of Godot have in common: no pings of their own, strict sub-protocols.
    fn godot() -> Self {
        Self {
            head_size_max: 4096,
            handshake_timeout_ms: 3000,
            ping_interval_ms: 0,
            pong_timeout_ms: 0,
            sub_protocol_rule: SubProtocolRule::Strict,
            ..Self::default()
        }
    }

    /// It compresses and keeps its contexts, and has no limits of its own: the largest are taken.
    fn best_http() -> Self {
        Self {
            outbound_bytes_max: queue_for(WEBSOCKET_MESSAGE_SIZE_LIMIT),
            handshake_timeout_ms: 20_000,
            websocket_message_size_max: WEBSOCKET_MESSAGE_SIZE_LIMIT,
            ping_interval_ms: 0,
            pong_timeout_ms: 0,
            deflate: true,
            deflate_no_context_takeover: 0,
            fragment_size: 32_767,
            ..Self::default()
        }
    }
}
