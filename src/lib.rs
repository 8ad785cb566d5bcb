//! netdriver: one network driver for every game engine.
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod proto;
