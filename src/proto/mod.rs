//! Pure state machines: no socket, clock, thread or OS randomness; time and bytes come in as arguments.
pub mod time;
