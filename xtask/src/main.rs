//! `cargo xtask …`: every task of the project, in Rust.
fn main() {}
