//! Unity Transport's connection protocol, version 1, and what guards it.
mod closed_tokens;
pub mod connection;
pub mod cookie;
pub mod guard;
pub mod packet;
pub mod path_mtu;
pub mod prober;
mod repeats;
