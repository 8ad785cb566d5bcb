//! Pure state machines: no socket, clock, thread or OS randomness; time and bytes come in as
//! arguments.
pub mod http;
pub mod time;
pub mod websocket;
