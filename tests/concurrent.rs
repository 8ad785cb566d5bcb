//! Several threads use one driver between its updates, one thread per connection.
//!
//! The same program runs under the thread sanitizer (`cargo xtask test --only tsan`), which does
//! not see the locks of Rust's standard library: threads here meet through atomics, and by being
//! joined one by one, since it does not see how a scope ends either.
#![allow(clippy::disallowed_methods, reason = "threads are the point")]

mod support;

mod concurrent {
    mod apart;
    mod echo;
    mod events;
    mod misuse;
    mod room;
    mod sending;
}
