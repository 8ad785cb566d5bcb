//! Unity Transport's connection protocol, version 1.
pub mod connection;
pub mod packet;
