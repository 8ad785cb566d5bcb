//! Streams: the table of vectors that C and C# read too, and properties of any sequence of values.

#[path = "streams/properties.rs"]
mod properties;
#[path = "streams/vectors.rs"]
mod vectors;
