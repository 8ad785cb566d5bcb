//! Pure state machines: no socket, clock, thread or OS randomness; time and bytes come in as
//! arguments.
//!
//! Every machine takes `handle_*(now, …)`, gives `poll_*()`, and says when it wants to be asked
//! again with `next_timeout()`. Every parser is total: it never panics, whatever the bytes.

pub mod authorization;
pub mod cidr;
pub mod credentials;
pub mod endpoint;
pub mod framing;
pub mod http;
pub mod netem;
pub mod pipeline;
pub mod proxy;
pub mod proxy_protocol;
pub mod race;
pub mod random;
pub mod redirect;
pub mod ring;
pub mod round_trip;
pub mod session;
pub mod short;
pub mod slots;
pub mod stream;
pub mod time;
pub mod traffic;
pub mod url;
pub mod utp;
pub mod websocket;
