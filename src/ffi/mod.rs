//! The C ABI: casts, the panic guard, handles. Nothing else.
//!
//! Every export is a plain free function that checks its arguments, calls one method of
//! [`crate::NetworkDriver`] and translates the answer. No protocol, no socket, no decision lives
//! here. This is the only module with `unsafe`: raw pointers come in, and are turned into
//! references in `args` alone.
//!
//! The doc comments of the exports are the text of `include/netdriver.h`.
#![allow(unsafe_code)]
#![allow(clippy::missing_safety_doc, reason = "the C manual says what a caller must hold")]
#![allow(rustdoc::broken_intra_doc_links, reason = "in the C manual a bracket is a bracket")]

pub mod admission;
mod args;
mod boundary;
pub mod codes;
pub mod concurrent;
pub mod connections;
pub mod documents;
pub mod drivers;
pub mod endpoints;
pub mod events;
pub mod extensions;
pub mod interfaces;
pub mod jobs;
pub mod library;
pub mod limits;
pub mod messages;
pub mod multi;
mod multi_boundary;
pub mod own_loop;
pub mod pipelines;
pub mod presets;
pub mod requests;
pub mod sends;
pub mod setting_structs;
pub mod settings;
pub mod stages;
pub mod stream_packed_reads;
pub mod stream_packed_writes;
pub mod stream_reads;
pub mod stream_writes;
pub mod streams;
pub mod structs;
#[cfg(feature = "test-hooks")]
pub mod test_hooks;
pub mod tls;
pub mod traffic;
