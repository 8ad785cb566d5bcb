//! What a WebSocket connection remembers of its handshake, for the program to read.

use crate::proto::http::{RequestHead, ResponseHead};
use crate::proto::websocket::deflate::Agreed;
use crate::pump::TlsFacts;

/// The head that came from the peer.
pub enum Head {
    /// A server remembers the request.
    Request(RequestHead),
    /// A client remembers the answer, and the target it asked for.
    Response {
        /// The answer.
        head: ResponseHead,
        /// Path and query.
        target: String,
    },
}

/// Path, query, headers, sub-protocol.
pub struct HttpFacts {
    /// The peer's head.
    pub head: Head,
    /// The agreed sub-protocol.
    pub sub_protocol: Option<String>,
    /// The agreed compression.
    pub deflate: Option<Agreed>,
    /// What TLS agreed on.
    pub tls: Option<TlsFacts>,
}

impl HttpFacts {
    /// The path without the query.
    pub fn path(&self) -> &str {
        match &self.head {
            Head::Request(head) => head.path(),
            Head::Response { target, .. } => target.split('?').next().unwrap_or_default(),
        }
    }

    /// The query without the question mark.
    pub fn query(&self) -> &str {
        match &self.head {
            Head::Request(head) => head.query(),
            Head::Response { target, .. } => target.split_once('?').map_or("", |(_, query)| query),
        }
    }

    /// One header of the peer's head.
    pub fn header(&self, name: &str) -> Option<&str> {
        match &self.head {
            Head::Request(head) => head.header(name),
            Head::Response { head, .. } => head.header(name),
        }
    }

    /// All headers, one line each.
    pub fn headers(&self) -> String {
        fn lines<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> String {
            headers.map(|(name, value)| format!("{name}: {value}\n")).collect()
        }
        match &self.head {
            Head::Request(head) => lines(head.headers()),
            Head::Response { head, .. } => lines(head.headers()),
        }
    }
}
