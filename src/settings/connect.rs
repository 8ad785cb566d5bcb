//! What a connection by URL asks for beyond the URL.

use super::{Dialect, TlsClient};

/// What `connect_url` asks for beyond the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlOptions {
    /// The dialect to speak; plain by default.
    pub dialect: Dialect,
    /// Sub-protocols to offer, best first.
    pub sub_protocols: Vec<String>,
    /// Further request headers.
    pub headers: Vec<(String, String)>,
    /// UTP dialect: bytes for the server with the connection request.
    pub payload: Vec<u8>,
    /// `wss://`: how to speak TLS; `None`: as the interface does, or with what the system trusts.
    pub tls: Option<TlsClient>,
}

impl Default for UrlOptions {
    fn default() -> Self {
        Self {
            dialect: Dialect::Plain,
            sub_protocols: Vec::new(),
            headers: Vec::new(),
            payload: Vec::new(),
            tls: None,
        }
    }
}
