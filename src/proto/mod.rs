//! Pure state machines: no socket, clock, thread or OS randomness; time and bytes come in as
//! arguments.
pub mod endpoint;
pub mod netem;
pub mod random;
pub mod time;
pub mod url;
pub mod utp;
