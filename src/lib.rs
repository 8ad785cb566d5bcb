//! netdriver: one network driver for every game engine.
pub mod proto;
