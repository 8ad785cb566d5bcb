//! The driver's lock, the seats of threads, the list of touched lanes and the jobs, under the model
//! checker loom.
#![allow(dead_code, reason = "a model uses its own part")]

#[path = "../../../src/driver/shared/apart.rs"]
pub mod apart;
#[path = "../../../src/error.rs"]
pub mod error;
pub mod jobs;
#[path = "../../../src/driver/shared/lock.rs"]
pub mod lock;
#[path = "../../../src/driver/shared/seats.rs"]
pub mod seats;
pub mod sync;
#[path = "../../../src/driver/shared/touched.rs"]
pub mod touched;

#[cfg(test)]
mod models;
