//! Whole sessions: two machines, a bad network between them, virtual time.

mod attacks;
mod behaviour;
mod histories;
mod mixture;
mod narrowing;
mod stream;
mod world;
