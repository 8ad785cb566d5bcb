//! The driver's lock and its list of touched lanes, under the model checker loom.
#![allow(dead_code, reason = "a model uses its own part")]

#[path = "../../../src/driver/shared/lock.rs"]
pub mod lock;
pub mod sync;
#[path = "../../../src/driver/shared/touched.rs"]
pub mod touched;

#[cfg(test)]
mod models;
