//! The driver's lock, its list of touched lanes and its jobs, under the model checker loom.
#![allow(dead_code, reason = "a model uses its own part")]

#[path = "../../../src/error.rs"]
pub mod error;
pub mod jobs;
#[path = "../../../src/driver/shared/lock.rs"]
pub mod lock;
pub mod sync;
#[path = "../../../src/driver/shared/touched.rs"]
pub mod touched;

#[cfg(test)]
mod models;
