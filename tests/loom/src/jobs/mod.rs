//! The driver's table of jobs, under the model checker.

#[path = "../../../../src/driver/jobs/graph.rs"]
pub mod graph;
pub mod sync;
#[path = "../../../../src/driver/jobs/table.rs"]
pub mod table;

#[cfg(test)]
mod models;
