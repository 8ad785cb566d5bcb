//! Heads of HTTP/1.1 messages (a subset of RFC 9112): parsing, and writing whole short responses.
//!
//! It must not read message bodies, follow redirects or keep a connection alive: netdriver speaks
//! HTTP only as far as the WebSocket upgrade and a few static documents need it.

mod cookies;
pub mod forwarded;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod head;
mod origin;
mod response;

pub use cookies::{all_cookies, cookies};
pub use head::{HEADERS_MAX, HeadError, RequestHead, ResponseHead};
pub use origin::{Origin, is_allowed};
pub(crate) use response::{is_field_value, push_field};
pub use response::{is_request_target, is_token, list_contains, status_reason, write_response};

#[cfg(test)]
mod tests;
