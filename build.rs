//! Generates the C header and the C# externs.
fn main() {}
