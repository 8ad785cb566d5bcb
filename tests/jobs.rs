//! Jobs: in which order they run, who runs them, what their driver may do meanwhile, and what
//! comes out.
#![allow(unsafe_code, reason = "some tests call the C ABI as C does")]

mod support;

#[path = "jobs/connections.rs"]
mod connections;
#[path = "jobs/order.rs"]
mod order;
#[path = "jobs/results.rs"]
mod results;
#[path = "jobs/schedulers.rs"]
mod schedulers;
#[path = "jobs/touching.rs"]
mod touching;
#[path = "jobs/world.rs"]
mod world;
