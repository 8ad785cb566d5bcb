//! The WebSocket protocol (RFC 6455): opening handshake, frames and the connection machine.
//!
//! Nothing here may touch a socket, a clock or a random source: bytes, time, keys and masks come in
//! as arguments. What a message means (the dialect) is decided above.

pub mod connection;
pub mod deflate;
pub mod extension;
pub mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
pub mod handshake;
pub mod utf8;

pub use connection::{
    CloseState, Config, Event, HEADER_SIZE_MAX, Kind, PieceError, Role, WebSocket,
    encode_header_length, message_size_in, wire_size_max,
};

#[cfg(test)]
mod tests;
