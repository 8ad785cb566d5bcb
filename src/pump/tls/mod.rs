//! TLS on a stream (RFC 8446, RFC 5246): configurations, sessions, and errors in words.
//!
//! Nothing here touches a socket: a session takes and gives bytes. What they mean above TLS is
//! not known here.

mod config;
mod key_log;
mod session;
mod verify;
mod words;

pub use config::{ClientTls, ServerTls};
pub use session::{Session, TlsFacts};
pub use words::TlsFailure;
