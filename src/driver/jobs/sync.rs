//! What the table of jobs needs of the system, by the names under which a model checker can stand
//! in for it. Nothing else may be here.

pub use parking_lot::{Condvar, Mutex, MutexGuard};
