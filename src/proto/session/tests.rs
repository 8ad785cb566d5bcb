//! Whole sessions: two machines, a bad network between them, virtual time.

mod behaviour;
mod histories;
mod mixture;
mod stream;
mod world;
